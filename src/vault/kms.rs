//! What the cryptors `aws-kms` and `gcp-kms` put around a KMS: a message is the base64 of what KMS encrypted, and what it
//! encrypted is the value as a YAML document of its own.

use super::psych;
use super::secret::{Plaintext, Secret};
use super::simple::MessageError;
use crate::yaml::{self, RawEvent, Style};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;
use zeroize::Zeroizing;

/// What AWS's KMS encrypts in one call (AWS KMS API reference, Encrypt).
pub const AWS_MOST: usize = 4096;

/// What Google's KMS encrypts in one call (Cloud KMS API reference, encrypt); a key in an HSM takes less.
pub const GOOGLE_MOST: usize = 64 << 10;

/// A KMS's own ciphertext has more; it holds the key's id, a vector and a tag.
const SHORTEST: usize = 64;

/// Why a value is not written or not read. No variant holds any of its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DumpError {
    #[error(
        "{length} bytes as YAML, and KMS encrypts at most {most}: put it into a file of its own"
    )]
    TooLong { length: usize, most: usize },
    #[error("it is not UTF-8: another tool encrypted it")]
    Encoding,
    #[error("it is not one YAML value: another tool encrypted it")]
    NotOneValue,
    #[error("its !binary is no base64")]
    Binary,
}

/// The message's ciphertext.
pub fn ciphertext(message: &str) -> Result<Vec<u8>, MessageError> {
    let decoded = STANDARD.decode(message);
    let whole = decoded.ok().filter(|bytes| bytes.len() >= SHORTEST);
    whole.ok_or(MessageError::NotAMessage)
}

/// Whether a text has the shape of a message, whatever its key.
#[must_use]
pub fn is_message(text: &str) -> bool {
    ciphertext(text).is_ok()
}

/// The message of a ciphertext.
#[must_use]
pub fn message(ciphertext: &[u8]) -> String {
    STANDARD.encode(ciphertext)
}

/// What a ciphertext shows of its key: an id in front, which emulators write, else the mark that KMS gives
/// all ciphertexts of one key.
#[must_use]
pub fn key(ciphertext: &[u8]) -> Option<String> {
    /// Format, algorithm, and the tag of the key's mark, which has 32 bytes.
    const MARKED: [u8; 5] = [1, 2, 2, 0, b'x'];
    /// An id is a UUID.
    const ID: usize = 36;
    let id = ciphertext
        .get(..ID)
        .and_then(|id| std::str::from_utf8(id).ok());
    let is_id = |id: &&str| {
        let hyphens = id.match_indices('-').map(|(at, _)| at);
        hyphens.eq([8, 13, 18, 23]) && id.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
    };
    if let Some(id) = id.filter(is_id) {
        return Some(id.to_owned());
    }
    let mark = ciphertext.strip_prefix(&MARKED)?.get(..32)?;
    Some(format!("mark {}", hex::encode(mark.get(..8)?)))
}

/// The value in what KMS decrypted: the text of the document's one scalar. Its type is not resolved, since
/// YAML 1.2 would read numbers in strings that Psych left unquoted.
pub fn plaintext(dump: &[u8]) -> Result<Plaintext, DumpError> {
    let text = std::str::from_utf8(dump).map_err(|_| DumpError::Encoding)?;
    let events = yaml::events(text).map_err(|_| DumpError::NotOneValue)?;
    let frame =
        |event: &&yaml::Event| matches!(event.raw, RawEvent::DocumentStart | RawEvent::DocumentEnd);
    let inner = events.iter().filter(|event| !frame(event));
    let inner: Vec<_> = inner.collect();
    let [event] = inner.as_slice() else {
        return Err(DumpError::NotOneValue);
    };
    let RawEvent::Scalar {
        tag, value, style, ..
    } = &event.raw
    else {
        return Err(DumpError::NotOneValue);
    };
    match tag.as_deref() {
        Some("tag:yaml.org,2002:binary" | "!binary") => {
            let text: Zeroizing<String> = Zeroizing::new(value.split_ascii_whitespace().collect());
            let bytes = STANDARD.decode(text.as_bytes()).map(Zeroizing::new);
            let bytes = bytes.map_err(|_| DumpError::Binary)?;
            Ok(Plaintext::from_bytes(&bytes))
        }
        // Version 0.x wrote symbols; as texts they are without the colon.
        None if *style == Style::Plain && psych::resolve(value) == psych::Kind::Symbol => {
            let name = value.strip_prefix(':').unwrap_or(value);
            let quoted = |mark| name.strip_prefix(mark)?.strip_suffix(mark);
            let inner = quoted('"').or_else(|| quoted('\''));
            Ok(Plaintext::from(inner.unwrap_or(name)))
        }
        _ => Ok(Plaintext::from(value.as_str())),
    }
}

/// What a KMS that takes `most` bytes is to encrypt for a value: a quoted scalar that every reader of YAML
/// takes for this very text.
pub fn dump(value: &Secret, most: usize) -> Result<Zeroizing<String>, DumpError> {
    let value = value.expose();
    let mut text = Zeroizing::new(String::with_capacity(value.len() + 16));
    text.push_str("--- \"");
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            ' '..='~' => text.push(c),
            c if u32::from(c) <= 0xffff => {
                let _ = write!(text, "\\u{:04X}", u32::from(c));
            }
            c => {
                let _ = write!(text, "\\U{:08X}", u32::from(c));
            }
        }
    }
    text.push_str("\"\n");
    if text.len() > most {
        let length = text.len();
        return Err(DumpError::TooLong { length, most });
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(dump: &str) -> String {
        match plaintext(dump.as_bytes()).unwrap() {
            Plaintext::Text(text) => text.expose().to_owned(),
            Plaintext::Binary(_) => panic!("binary: {dump:?}"),
        }
    }

    #[test]
    fn every_shape_that_psych_dumps_and_what_we_dump_ourselves() {
        let vectors = include_str!("../../tests/vectors/psych_dump.json");
        let vectors: Vec<serde_json::Value> = serde_json::from_str(vectors).unwrap();
        assert!(vectors.len() > 50);
        for vector in &vectors {
            let (value, psychs) = (vector["value"].as_str().unwrap(), &vector["dump"]);
            assert_eq!(text(psychs.as_str().unwrap()), value, "{vector}");
            let ours = dump(&Secret::from(value), AWS_MOST).unwrap();
            assert_eq!(text(&ours), value, "{vector}: {}", *ours);
            assert!(ours.is_ascii());
        }
    }

    #[test]
    fn other_writers() {
        for (dump, value) in [
            ("--- 1\n...\n", "1"),
            ("--- :sym\n", "sym"),
            ("--- :\"two words\"\n", "two words"),
            ("--- ':sym'\n", ":sym"),
            ("--- 1e3\n", "1e3"),
            ("--- !!str '<<'\n", "<<"),
            ("--- !binary |-\n  aGVs\n  bG8=\n", "hello"),
            ("", "x"),
            ("--- [a]\n", "x"),
            ("--- a\n--- b\n", "x"),
            ("a: b\n", "x"),
            ("--- \"\n", "x"),
            ("--- !binary 'a'\n", "x"),
        ] {
            let read = plaintext(dump.as_bytes());
            let read = read.map_or_else(|_| "x".to_owned(), |_| text(dump));
            assert_eq!(read, value, "{dump:?}");
        }
        assert_eq!(plaintext(b"--- \xff\n"), Err(DumpError::Encoding));
        let binary = plaintext(b"--- !binary /w==\n").unwrap();
        assert_eq!(binary, Plaintext::from_bytes(b"\xff"));
    }

    #[test]
    fn documents_that_mean_harm() {
        let bomb = |n| format!("a{n}: &a{n} [*a{}, *a{0}]\n", n - 1);
        let bomb = "a0: &a0 [x, x]\n".to_owned() + &(1..40).map(bomb).collect::<String>();
        for dump in [
            bomb,
            "- &a [*a]\n".to_owned(),
            "[".repeat(10 << 20),
            "- x\n".repeat(1 << 18),
            "---\n".repeat(1 << 18),
        ] {
            assert_eq!(plaintext(dump.as_bytes()), Err(DumpError::NotOneValue));
        }
        let long = "x".repeat(10 << 20);
        assert!(text(&format!("--- '{long}'\n")) == long);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(0_u8.., 0..64), text in "[ -~\\n]{0,40}") {
            for bytes in [bytes.as_slice(), text.as_bytes()] {
                let _ = plaintext(bytes);
                let _ = plaintext(&[b"--- ", bytes].concat());
                let _ = key(bytes);
            }
            let _ = ciphertext(&text);
        }

        #[test]
        fn every_text_that_fits_is_there_again(value in "\\PC{0,80}|[\\x00-\\x7f]{0,80}") {
            let dump = dump(&Secret::from(value.as_str()), AWS_MOST).unwrap();
            proptest::prop_assert_eq!(text(&dump), value);
        }
    }

    #[test]
    fn what_kms_cannot_take_is_refused() {
        for most in [AWS_MOST, GOOGLE_MOST] {
            let fits = "x".repeat(most - "--- \"\"\n".len());
            assert!(dump(&Secret::new(fits.clone()), most).is_ok());
            let longer = dump(&Secret::new(fits + "x"), most);
            let length = most + 1;
            assert_eq!(longer, Err(DumpError::TooLong { length, most }));
        }
    }

    #[test]
    fn what_shows_of_the_key() {
        let id = "11111111-2222-4333-8444-555555555555";
        let blob = |head: &[u8]| [head, &[9; 64]].concat();
        assert_eq!(key(&blob(id.as_bytes())).as_deref(), Some(id));
        let marked = blob(b"\x01\x02\x02\0x");
        assert_eq!(key(&marked).as_deref(), Some("mark 0909090909090909"));
        assert_eq!(key(&blob(b"")), None);
        assert_eq!(key(&marked[..20]), None);
    }

    #[test]
    fn messages() {
        let blob = vec![7; SHORTEST];
        assert_eq!(ciphertext(&message(&blob)), Ok(blob));
        for other in ["", "text", "dG9vIHNob3J0", &message(&[7; SHORTEST])[1..]] {
            assert!(!is_message(other), "{other}");
        }
    }
}
