//! Messages of the cryptor `simple`: both ways, and every way they can be wrong.

use super::options::{Cipher, Digest, SimpleOptions};
use super::secret::{Plaintext, Secret};
use super::simple::{MessageError, Simple, SimpleError};
use base64::Engine;
use proptest::prelude::*;
use std::sync::LazyLock;

fn simple(cipher: Cipher) -> Simple {
    let options = SimpleOptions::with_cipher(cipher);
    Simple::new(&options, &Secret::from("pass"), None).unwrap()
}

fn iv(simple: &Simple) -> Vec<u8> {
    vec![5; simple.iv_len()]
}

#[test]
fn every_cipher_and_digest_both_ways() {
    for cipher in Cipher::NAMES.map(|name| Cipher::from_name(name).unwrap()) {
        for digest in Digest::NAMES.map(|name| Digest::from_name(name).unwrap()) {
            let options = SimpleOptions {
                digest,
                ..SimpleOptions::with_cipher(cipher)
            };
            let simple = Simple::new(&options, &Secret::from("pass"), None).unwrap();
            for text in ["", "x", "ünï", &"long ".repeat(100)] {
                let message = simple.encrypt(text, &iv(&simple)).unwrap();
                assert!(simple.is_message(&message));
                assert_eq!(simple.decrypt(&message), Ok(Plaintext::from(text)));
            }
            if cipher.is_aead() {
                break;
            }
            let message = simple.encrypt("", &iv(&simple)).unwrap();
            let signature = message.split_once("--").unwrap().1;
            assert_eq!(signature.len(), 2 * digest.len());
        }
    }
}

#[test]
fn every_flipped_bit_is_found() {
    for cipher in [
        Cipher::Aes256Cbc,
        Cipher::Aes256Gcm,
        Cipher::ChaCha20Poly1305,
    ] {
        let simple = simple(cipher);
        let message = simple.encrypt("secret", &iv(&simple)).unwrap();
        for at in 0..message.len() {
            for bit in 0..7 {
                let mut bytes = message.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                let changed = String::from_utf8(bytes).unwrap();
                assert!(
                    simple.decrypt(&changed).is_err(),
                    "{cipher} byte {at} bit {bit}"
                );
            }
        }
    }
}

#[test]
fn every_cut_is_found() {
    for cipher in [Cipher::Aes256Cbc, Cipher::Aes256Gcm] {
        let simple = simple(cipher);
        let message = simple.encrypt("secret", &iv(&simple)).unwrap();
        for at in 0..message.len() {
            for cut in [&message[..at], &message[at + 1..]] {
                assert!(simple.decrypt(cut).is_err(), "{cipher} {cut}");
            }
        }
    }
}

#[test]
fn shapes_that_are_refused() {
    let cbc = simple(Cipher::Aes256Cbc);
    let good = cbc.encrypt("x", &iv(&cbc)).unwrap();
    let (data, signature) = good.split_once("--").unwrap();
    let cases = [
        (String::new(), MessageError::NotAMessage),
        ("hello".to_owned(), MessageError::NotAMessage),
        (format!("{good}--"), MessageError::NotAMessage),
        (format!("{good}--more"), MessageError::NotAMessage),
        (format!("{data}--"), MessageError::NotAMessage),
        (format!("--{signature}"), MessageError::NotAMessage),
        (format!("{data}-{signature}"), MessageError::NotAMessage),
        (format!("{data}\n--{signature}"), MessageError::NotAMessage),
        (format!(" {good}"), MessageError::NotAMessage),
        (
            format!("{data}--{}", signature.to_uppercase()),
            MessageError::NotAMessage,
        ),
        (
            format!("{data}--{}", &signature[..40]),
            MessageError::Signature,
        ),
        (format!("{data}--{signature}00"), MessageError::Signature),
    ];
    for (message, want) in cases {
        assert_eq!(cbc.decrypt(&message), Err(want.clone()), "{message}");
        assert_eq!(
            cbc.is_message(&message),
            want == MessageError::Signature,
            "{message}"
        );
    }
}

#[test]
fn an_aead_tag_has_sixteen_bytes() {
    let gcm = simple(Cipher::Aes256Gcm);
    let good = gcm.encrypt("x", &iv(&gcm)).unwrap();
    let parts: Vec<&str> = good.split("--").collect();
    let (sealed, iv) = (parts[0], parts[1]);
    for tag in ["", "AA==", "AAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAA="] {
        let message = format!("{sealed}--{iv}--{tag}");
        assert_eq!(
            gcm.decrypt(&message),
            Err(MessageError::NotAMessage),
            "{tag}"
        );
    }
    let zeros = format!("{sealed}--{iv}--AAAAAAAAAAAAAAAAAAAAAA==");
    assert_eq!(gcm.decrypt(&zeros), Err(MessageError::Cipher));
    assert_eq!(
        gcm.decrypt(&format!("{good}--more")),
        Err(MessageError::NotAMessage)
    );
}

/// One signed and one sealed cryptor, whose keys take time.
static PAIR: LazyLock<[Simple; 2]> =
    LazyLock::new(|| [Cipher::Aes256Cbc, Cipher::Aes256Gcm].map(simple));

#[test]
fn ten_megabytes() {
    const SIZE: usize = 10 << 20;
    let [signed, sealed] = &*PAIR;
    for piece in ["A", "--", "A--", "é"] {
        let text = piece.repeat(SIZE / piece.len());
        assert_eq!(signed.decrypt(&text), Err(MessageError::NotAMessage));
        assert_eq!(sealed.decrypt(&text), Err(MessageError::NotAMessage));
    }
    let text = "x".repeat(SIZE);
    let message = sealed.encrypt(&text, &iv(sealed)).unwrap();
    assert!(sealed.decrypt(&message) == Ok(Plaintext::from(text.as_str())));
}

/// Pieces of messages, right in number and kind more often than chance would make them.
fn messagelike() -> impl Strategy<Value = String> {
    let base64 = |bytes: Vec<u8>| base64::engine::general_purpose::STANDARD.encode(bytes);
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40).prop_map(base64),
        prop::collection::vec(any::<u8>(), 12..=16).prop_map(base64),
        "[0-9a-f]{0,64}",
        "[ -~]{0,6}",
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.join("--"))
}

proptest! {
    #[test]
    fn every_text_is_there_again(text in any::<String>()) {
        for simple in &*PAIR {
            let message = simple.encrypt(&text, &iv(simple)).unwrap();
            prop_assert_eq!(simple.decrypt(&message), Ok(Plaintext::from(text.as_str())));
        }
    }

    #[test]
    fn nothing_else_is_read(text in prop_oneof![messagelike(), any::<String>()]) {
        for simple in &*PAIR {
            prop_assert!(simple.decrypt(&text).is_err());
        }
    }

    /// As whoever has the passphrase can write it.
    #[test]
    fn what_is_signed_may_be_anything(inner in messagelike()) {
        let [signed, _] = &*PAIR;
        let data = base64::engine::general_purpose::STANDARD.encode(inner);
        let message = format!("{data}--{}", signed.signature(&data));
        let refused = signed.decrypt(&message).unwrap_err();
        prop_assert!(refused != MessageError::Signature, "{}", message);
    }
}

#[test]
fn keys_decide() {
    let options = SimpleOptions::default();
    let (pass, sign) = (Secret::from("pass"), Secret::from("sign"));
    let signed = Simple::new(&options, &pass, Some(&sign)).unwrap();
    let message = signed.encrypt("x", &iv(&signed)).unwrap();
    let others = [
        Simple::new(&options, &pass, None),
        // An empty sign passphrase is set, for Ruby.
        Simple::new(&options, &pass, Some(&Secret::default())),
        Simple::new(&options, &Secret::from("other"), None),
    ];
    for other in others {
        assert_eq!(
            other.unwrap().decrypt(&message),
            Err(MessageError::Signature)
        );
    }
    let wrong_key = Simple::new(&options, &Secret::from("other"), Some(&sign)).unwrap();
    assert!(matches!(
        wrong_key.decrypt(&message),
        Err(MessageError::Cipher | MessageError::Content(_))
    ));
}

#[test]
fn blank_passphrases_and_wrong_vectors() {
    let options = SimpleOptions::default();
    for blank in ["", " ", "\t\n"] {
        let made = Simple::new(&options, &Secret::from(blank), None);
        assert_eq!(made.unwrap_err(), SimpleError::BlankPassphrase);
    }
    let cbc = simple(Cipher::Aes256Cbc);
    let wrong = MessageError::Iv { got: 3, want: 16 };
    assert_eq!(cbc.encrypt("x", &[1, 2, 3]), Err(wrong));
}

#[test]
fn debug_shows_no_key() {
    let shown = format!("{:?}", simple(Cipher::Aes256Cbc));
    assert!(
        shown.starts_with("Simple { options:") && !shown.contains("key: ["),
        "{shown}"
    );
}
