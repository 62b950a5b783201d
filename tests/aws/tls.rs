//! A name that a DNS server resolves, and a certificate that only a named bundle makes good.

use super::probe::{Found, Probe};
use crate::support::dns::DnsServer;
use crate::support::moto::Moto;
use crate::support::tls::certificate;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::path::Path;

#[test]
fn names_are_resolved_and_only_the_named_bundle_is_trusted() {
    let dns = DnsServer::start([127, 77, 0, 1]);
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
        let probe = probe.resolv_conf(&dns.resolv_conf());
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
