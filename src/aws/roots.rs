//! Whom TLS trusts: the bundle that the environment names, else the image's, else the one built in, so that
//! a `scratch` image needs no certificates. The SDK panics on a bad bundle; here it is checked first.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use std::path::Path;

/// Variables that name a bundle, the first that is set counts.
const VARIABLES: [&str; 2] = ["AWS_CA_BUNDLE", "SSL_CERT_FILE"];

/// Where distributions keep theirs.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt", // Debian, Alpine, distroless
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Red Hat, Amazon Linux
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// A named bundle that is no use: to go on with another one would trust whom the operator did not name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}={path}: {reason}; name a file of PEM certificates")]
pub(super) struct BundleError {
    variable: &'static str,
    path: String,
    reason: String,
}

/// The trusted certificates in PEM.
pub(super) fn trusted(variable: impl Fn(&str) -> Option<String>) -> Result<Vec<u8>, BundleError> {
    for name in VARIABLES {
        if let Some(path) = variable(name).filter(|path| !path.is_empty()) {
            return read(Path::new(&path)).map_err(|reason| BundleError {
                variable: name,
                path,
                reason,
            });
        }
    }
    let image = BUNDLES.iter().find_map(|path| read(Path::new(path)).ok());
    Ok(image.unwrap_or_else(built_in))
}

fn built_in() -> Vec<u8> {
    pem(webpki_root_certs::TLS_SERVER_ROOT_CERTS)
}

/// The usable certificates of a file; one bad certificate among good ones is passed over.
fn read(path: &Path) -> Result<Vec<u8>, String> {
    let content = std::fs::read(path).map_err(|error| error.to_string())?;
    let all = CertificateDer::pem_slice_iter(&content).filter_map(Result::ok);
    let usable: Vec<_> = all
        .filter(|certificate| webpki::anchor_from_trusted_cert(certificate).is_ok())
        .collect();
    if usable.is_empty() {
        return Err("no usable certificate in it".into());
    }
    Ok(pem(&usable))
}

fn pem(certificates: &[CertificateDer<'_>]) -> Vec<u8> {
    let mut text = String::new();
    for certificate in certificates {
        text.push_str("-----BEGIN CERTIFICATE-----\n");
        STANDARD.encode_string(certificate, &mut text);
        text.push_str("\n-----END CERTIFICATE-----\n");
    }
    text.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(pem: &[u8]) -> usize {
        CertificateDer::pem_slice_iter(pem)
            .map(Result::unwrap)
            .count()
    }

    #[test]
    fn the_built_in_roots_are_all_usable() {
        let all = CertificateDer::pem_slice_iter(&built_in())
            .map(Result::unwrap)
            .collect::<Vec<_>>();
        assert!(all.len() > 100);
        assert!(
            all.iter()
                .all(|one| webpki::anchor_from_trusted_cert(one).is_ok())
        );
    }

    #[test]
    fn a_named_bundle_replaces_the_others_and_bad_parts_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let mut content = pem(&webpki_root_certs::TLS_SERVER_ROOT_CERTS[..2]);
        content.extend(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
        std::fs::write(&path, content).unwrap();
        let named = path.to_str().unwrap().to_owned();
        let only = |name: &'static str| {
            let named = named.clone();
            move |asked: &str| (asked == name).then(|| named.clone())
        };
        for variable in VARIABLES {
            assert_eq!(count(&trusted(only(variable)).unwrap()), 2, "{variable}");
        }
    }

    #[test]
    fn a_named_bundle_that_is_no_use_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem").to_str().unwrap().to_owned();
        let said = |path: &String| {
            let named = |name: &str| (name == "SSL_CERT_FILE").then(|| path.clone());
            trusted(named).unwrap_err().to_string()
        };
        assert!(said(&path).starts_with(&format!("SSL_CERT_FILE={path}: No such file")));
        std::fs::write(&path, "nothing").unwrap();
        assert!(said(&path).contains("no usable certificate"));
    }
}
