//! A name that a DNS server resolves, and a certificate that only a named bundle makes good.

use super::probe::{Found, Probe};
use crate::support::moto::Moto;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::net::UdpSocket;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::JoinHandle;

/// Where the DNS server of these tests listens: a loopback address that nobody else has.
const DNS: &str = "127.77.0.1:53";

/// Resolves every name to 127.0.0.1, `none.test` to nothing; ends when dropped.
struct DnsServer(Option<JoinHandle<Vec<String>>>);

impl DnsServer {
    fn start() -> DnsServer {
        let socket = UdpSocket::bind(DNS).unwrap();
        DnsServer(Some(std::thread::spawn(move || {
            let mut asked = Vec::new();
            loop {
                let mut query = [0; 512];
                let (length, client) = socket.recv_from(&mut query).unwrap();
                if length == 0 {
                    return asked;
                }
                let (name, answer) = answer(&query[..length]);
                asked.push(name);
                socket.send_to(&answer, client).unwrap();
            }
        })))
    }

    /// Ends it, and says which names it was asked for.
    fn asked(mut self) -> Vec<String> {
        stop();
        self.0.take().unwrap().join().unwrap()
    }
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            stop();
            let _ = thread.join();
        }
    }
}

/// An empty packet.
fn stop() {
    let socket = UdpSocket::bind("127.77.0.2:0").unwrap();
    socket.send_to(&[], DNS).unwrap();
}

/// The question's name, and the reply: the question again, with an address where one of IPv4 is asked for.
fn answer(query: &[u8]) -> (String, Vec<u8>) {
    let (mut labels, mut at) = (Vec::new(), 12);
    while query[at] != 0 {
        let length = usize::from(query[at]);
        labels.push(String::from_utf8(query[at + 1..=at + length].to_vec()).unwrap());
        at += length + 1;
    }
    let name = labels.join(".").to_lowercase();
    let question = &query[12..at + 5];
    let is_a = question[question.len() - 4..] == [0, 1, 0, 1];
    let known = name != "none.test";
    let mut reply = query[..2].to_vec();
    // A reply; no such name, or none of this type.
    reply.extend([
        0x81,
        if known { 0x80 } else { 0x83 },
        0,
        1,
        0,
        u8::from(known && is_a),
        0,
        0,
        0,
        0,
    ]);
    reply.extend(question);
    if known && is_a {
        // The name of the question, A, IN, 60 seconds, four bytes.
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    (name, reply)
}

/// A certificate for `kms.test` that signs itself.
fn certificate(folder: &Path) {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
        ])
        .args([
            "-days",
            "2",
            "-subj",
            "/CN=kms.test",
            "-addext",
            "subjectAltName=DNS:kms.test",
        ])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "key.pem", "-out", "ca.pem"])
        .current_dir(folder)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(made.success());
}

#[test]
fn names_are_resolved_and_only_the_named_bundle_is_trusted() {
    let dns = DnsServer::start();
    let folder = tempfile::tempdir().unwrap();
    certificate(folder.path());
    let bundle = folder.path().join("ca.pem");
    let moto = Moto::start_tls(&bundle, &folder.path().join("key.pem"));
    let port = moto.address().port();
    let decrypt = |name: &str, bundle: Option<&Path>| -> Found {
        let mut probe = Probe::keyed().env("AWS_ENDPOINT_URL", format!("https://{name}:{port}"));
        if let Some(bundle) = bundle {
            probe = probe.env("AWS_CA_BUNDLE", bundle.to_str().unwrap());
        }
        let probe = probe.resolv_conf("nameserver 127.77.0.1\n");
        probe.run(&json!({"decrypt": [STANDARD.encode([b'x'; 80])]}))
    };
    // moto has no such key, which it can only say over TLS.
    let (kind, text) = decrypt("kms.test", Some(&bundle)).error();
    assert_eq!(kind, "Denied", "{text}");
    let (kind, text) = decrypt("kms.test", None).error();
    assert_eq!(kind, "Connect");
    assert!(text.contains("invalid peer certificate"), "{text}");
    let (kind, text) = decrypt("other.test", Some(&bundle)).error();
    assert_eq!(kind, "Connect");
    assert!(
        text.contains("certificate not valid for name \"other.test\""),
        "{text}"
    );
    let (kind, text) = decrypt("none.test", Some(&bundle)).error();
    assert_eq!(kind, "Connect");
    assert!(
        text.contains("none.test: not resolved by the servers of /etc/resolv.conf"),
        "{text}"
    );
    let asked = dns.asked();
    assert!(asked.contains(&"kms.test".to_owned()), "{asked:?}");
}
