//! AWS's stand-in: moto, with KMS keys of fixed id and material. `scripts/setup` installs it.

use super::http::free_port;
use super::{repository, wait};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A running server of its own; it ends when dropped.
pub struct Moto {
    address: SocketAddr,
    process: Child,
}

impl Moto {
    /// With the fixed keys.
    pub fn start() -> Moto {
        let script = repository("tests/tools/moto_fixed_kms.py");
        Moto::listening(|command, port| command.arg(script).arg(port))
    }

    /// Behind TLS; it has no keys then.
    pub fn start_tls(certificate: &Path, key: &Path) -> Moto {
        Moto::listening(|command, port| {
            command.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port, "-c"]);
            command.arg(certificate).arg("-k").arg(key)
        })
    }

    fn listening(words: impl FnOnce(&mut Command, String) -> &mut Command) -> Moto {
        // Tests that run together must not take one another's server for their own.
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let mut command = Command::new(python());
        let mut process = words(&mut command, address.port().to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait::until("moto listens (scripts/setup installs it)", || {
            let ended = process.try_wait().unwrap();
            assert!(ended.is_none(), "moto ended: {ended:?}; run scripts/setup");
            TcpStream::connect(address).ok()
        });
        Moto { address, process }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Moto {
    /// Makes something by the query protocol; nobody looks at the signature.
    #[track_caller]
    pub fn form(&self, service: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let head = format!(
            "POST / HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\nauthorization: AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/{service}/aws4_request, \
             SignedHeaders=host, Signature=0\r\n\r\n",
            self.address,
            body.len()
        );
        stream.write_all((head + body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        answer
    }

    /// The same with its largest services loaded: a call that waits for this could be taken for lost, and made twice.
    pub fn start_warm() -> Moto {
        let moto = Moto::start();
        for (service, action, version) in [
            ("iam", "ListRoles", "2010-05-08"),
            ("ec2", "DescribeInstances", "2016-11-15"),
            ("autoscaling", "DescribeAutoScalingGroups", "2011-01-01"),
        ] {
            moto.form(service, &format!("Action={action}&Version={version}"));
        }
        moto
    }

    /// A target group on port 80 in a network of its own; its ARN.
    pub fn target_group(&self, name: &str, more: &str) -> String {
        let vpc = self.form(
            "ec2",
            "Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0/16",
        );
        let vpc = element(&vpc, "vpcId");
        let group = self.form(
            "elasticloadbalancing",
            &format!(
                "Action=CreateTargetGroup&Version=2015-12-01&Name={name}&Protocol=HTTP&Port=80&VpcId={vpc}&{more}"
            ),
        );
        element(&group, "TargetGroupArn").to_owned()
    }
}

/// The text of the first element of this name.
fn element<'x>(xml: &'x str, name: &str) -> &'x str {
    let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap();
    rest.split_once('<').unwrap().0
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The Python that `scripts/setup` made, with moto in it.
pub fn python() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = variable("ENTRY_CACHE").unwrap_or_else(|| {
        let home = || variable("HOME").unwrap().join(".cache");
        variable("XDG_CACHE_HOME")
            .unwrap_or_else(home)
            .join("entry")
    });
    cache.join("python/bin/python3")
}
