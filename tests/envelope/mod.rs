//! Client-side encrypted objects: `entryctl s3` against AWS's own encryption clients, over moto.

mod clients;
mod failures;
mod vectors;
mod writing;

use crate::support::binary;
use crate::support::fake_http::{FakeHttp, Reply, Request};
use crate::support::moto::{Moto, python};
use crate::support::repository;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// KMS and S3 with one bucket, and a proxy in front that keeps what they are asked.
struct Cloud {
    moto: Moto,
    proxy: FakeHttp,
    folder: TempDir,
}

/// An object as it is stored.
#[derive(Clone, Debug)]
struct Stored {
    metadata: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Cloud {
    fn start() -> Cloud {
        Cloud::with_faults(|_| None)
    }

    /// `fault` answers what it wants to in their place.
    fn with_faults(fault: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) -> Cloud {
        let moto = Moto::start();
        let upstream = moto.address();
        let proxy =
            FakeHttp::start(move |request, _| fault(request).unwrap_or(Reply::Forward(upstream)));
        let cloud = Cloud {
            moto,
            proxy,
            folder: tempfile::tempdir().unwrap(),
        };
        cloud.raw("PUT", "/bucket", &BTreeMap::new(), b"");
        cloud
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `entryctl s3` in the folder.
    fn ctl(&self, args: &[&str], stdin: &[u8]) -> Output {
        let mut command = Command::new(binary("entryctl"));
        command
            .arg("s3")
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ACCESS_KEY_ID", "AKIDTEST")
            .env("AWS_SECRET_ACCESS_KEY", "canary-secret-key")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ENDPOINT_URL", self.proxy.url());
        fed(&mut command, stdin)
    }

    /// Wants success and silence; gives what was printed.
    #[track_caller]
    fn good(&self, args: &[&str], stdin: &[u8]) -> Vec<u8> {
        let output = self.ctl(args, stdin);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*told), (Some(0), ""), "{args:?}");
        output.stdout
    }

    /// Wants this exit code and nothing printed; gives the error.
    #[track_caller]
    fn bad(&self, code: i32, args: &[&str]) -> String {
        let output = self.ctl(args, b"canary content");
        let told = String::from_utf8(output.stderr).unwrap();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert_eq!(
            (output.status.code(), &*printed),
            (Some(code), ""),
            "{args:?}: {told}"
        );
        assert!(!told.contains("canary"), "{told}");
        told
    }

    /// Has AWS's Ruby clients do these in one process, and gives what each came to.
    fn ruby(&self, orders: &[Value]) -> Vec<Result<Vec<u8>, String>> {
        let mut command = Command::new("ruby");
        command.arg(repository("tests/ruby/objects.rb"));
        self.obeyed(&mut command, orders)
    }

    fn python(&self, orders: &[Value]) -> Vec<Result<Vec<u8>, String>> {
        let mut command = Command::new(python());
        command.arg(repository("tests/python/objects.py"));
        self.obeyed(&mut command, orders)
    }

    fn obeyed(&self, command: &mut Command, orders: &[Value]) -> Vec<Result<Vec<u8>, String>> {
        command.env("AWS_ENDPOINT_URL", self.moto.url());
        let output = fed(command, json!(orders).to_string().as_bytes());
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
        let answers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        let one = |answer: Value| match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(STANDARD
                .decode(answer["content"].as_str().unwrap_or_default())
                .unwrap()),
        };
        answers.into_iter().map(one).collect()
    }

    /// Stores an object as it is, whatever any client would say to it.
    fn store(&self, key: &str, object: &Stored) {
        self.raw(
            "PUT",
            &format!("/bucket/{key}"),
            &object.metadata,
            &object.body,
        );
    }

    /// The object as it is.
    fn stored(&self, key: &str) -> Option<Stored> {
        let (status, stored) = self.raw("GET", &format!("/bucket/{key}"), &BTreeMap::new(), b"");
        (status == 200).then_some(stored)
    }

    /// Changes a stored object.
    fn change(&self, key: &str, how: impl FnOnce(&mut Stored)) {
        let mut object = self.stored(key).unwrap();
        how(&mut object);
        self.store(key, &object);
    }

    /// A request of our own to moto, which checks no signature.
    fn raw(
        &self,
        method: &str,
        path: &str,
        metadata: &BTreeMap<String, String>,
        body: &[u8],
    ) -> (u16, Stored) {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: s3\r\nconnection: close\r\n");
        // Without any, moto takes us for the public.
        let who = "Credential=AKIDTEST/20260101/us-east-1/s3/aws4_request";
        write!(
            head,
            "authorization: AWS4-HMAC-SHA256 {who}, SignedHeaders=host, Signature=0\r\n"
        )
        .unwrap();
        write!(head, "content-length: {}\r\n", body.len()).unwrap();
        for (name, value) in metadata {
            write!(head, "x-amz-meta-{name}: {value}\r\n").unwrap();
        }
        let mut stream = TcpStream::connect(self.moto.address()).unwrap();
        stream
            .write_all(&[head.as_bytes(), b"\r\n", body].concat())
            .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .unwrap();
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(method == "GET" || status == 200, "{head}");
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        let metadata = lines.filter_map(|(name, value)| {
            let name = name.to_ascii_lowercase();
            let name = name.strip_prefix("x-amz-meta-")?;
            Some((name.to_owned(), value.to_owned()))
        });
        let metadata = metadata.collect();
        let body = answer[end + 4..].to_vec();
        (status, Stored { metadata, body })
    }
}

fn fed(command: &mut Command, stdin: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; run scripts/setup"));
    let mut pipe = child.stdin.take().unwrap();
    let content = stdin.to_vec();
    // Whoever fails early does not read.
    let writer = std::thread::spawn(move || pipe.write_all(&content));
    let output = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    output
}

fn names(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}
