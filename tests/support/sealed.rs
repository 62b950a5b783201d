//! yaml_vault texts made for a test, and the canary that must never show.

use entry::vault::{Affixes, Document, KeyPath, Problems, Secret, Simple, SimpleOptions};

/// The passphrase of every sealed text; it must show nowhere, either.
pub const PASSPHRASE: &str = "open-sesame-Pa55phrase/+";

/// A value that occurs nowhere by chance, with bytes that percent and base64 forms change.
pub const CANARY: &str = "c4n4ry-%/+Ünlock-7f3a9";

/// Encrypts what the key paths match.
pub fn seal(yaml: &str, keys: &[&str]) -> String {
    let simple = Simple::new(&SimpleOptions::default(), &Secret::from(PASSPHRASE), None).unwrap();
    let keys: Vec<KeyPath> = keys
        .iter()
        .map(|key| KeyPath::parse(key).unwrap())
        .collect();
    let mut iv = 0_u8;
    let seal = |plain: &str| {
        iv += 1;
        Ok::<_, Problems>(simple.encrypt(plain, &vec![iv; simple.iv_len()]).unwrap())
    };
    Document::parse(yaml)
        .unwrap()
        .encrypt(&keys, &Affixes::default(), seal)
        .unwrap()
        .text
}

/// Every form in which a secret may leak: raw, base64 in its three alignments, hex, percent-encoded.
pub fn forms(secret: &str) -> Vec<Vec<u8>> {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let mut forms = vec![
        secret.as_bytes().to_vec(),
        hex::encode(secret).into_bytes(),
        hex::encode_upper(secret).into_bytes(),
    ];
    let escaped: Vec<String> = secret.bytes().map(|byte| format!("%{byte:02X}")).collect();
    forms.push(escaped.concat().into_bytes());
    let reserved = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    forms.push(
        secret
            .bytes()
            .map(reserved)
            .collect::<String>()
            .into_bytes(),
    );
    for skipped in 0..3 {
        // The characters that depend on the secret's neighbours are cut off.
        let bytes = &secret.as_bytes()[skipped..];
        let whole = bytes.len() / 3 * 3;
        forms.push(STANDARD_NO_PAD.encode(&bytes[..whole]).into_bytes());
        forms.push(URL_SAFE_NO_PAD.encode(&bytes[..whole]).into_bytes());
    }
    forms
}

/// Fails if the secret is in the bytes in any form.
#[track_caller]
pub fn assert_absent(secret: &str, bytes: &[u8], place: &str) {
    for form in forms(secret) {
        let found = memchr::memmem::find(bytes, &form).is_some();
        assert!(
            !found,
            "{place} shows a secret, as {:?}",
            String::from_utf8_lossy(&form)
        );
    }
}
