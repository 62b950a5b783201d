//! One encrypted value: `ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]`.

use super::error::ValueProblem;
use super::gcm::{self, TAG_LEN};
use super::value::Value;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "ENC[AES256_GCM,data:";

/// Its parts, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sealed<'a> {
    data: Vec<u8>,
    nonce: Vec<u8>,
    tag: Vec<u8>,
    kind: &'a str,
}

/// Whether a text means to be an encrypted value.
pub(super) fn is_sealed(text: &str) -> bool {
    text.starts_with("ENC[")
}

impl<'a> Sealed<'a> {
    /// Reads the whole of a text.
    pub fn parse(text: &'a str) -> Option<Sealed<'a>> {
        let rest = text.strip_prefix(BEGIN)?.strip_suffix(']')?;
        let (data, rest) = rest.split_once(",iv:")?;
        let (nonce, rest) = rest.split_once(",tag:")?;
        let (tag, kind) = rest.split_once(",type:")?;
        let decode = |text: &str| STANDARD.decode(text).ok().filter(|bytes| !bytes.is_empty());
        let sealed = Sealed {
            data: decode(data)?,
            nonce: decode(nonce)?,
            tag: decode(tag)?,
            kind,
        };
        (sealed.tag.len() == TAG_LEN).then_some(sealed)
    }

    /// Decrypts; `path` is what binds the value to its place.
    pub fn open(&self, key: &[u8], path: &str) -> Result<Value, ValueProblem> {
        let plain = gcm::open(key, &self.nonce, path.as_bytes(), &self.data, &self.tag)
            .map_err(|_| ValueProblem::Forged)?;
        Value::read(self.kind, &plain)
    }
}

/// Reads and decrypts.
pub(super) fn open(text: &str, key: &[u8], path: &str) -> Result<Value, ValueProblem> {
    Sealed::parse(text)
        .ok_or(ValueProblem::Seal)?
        .open(key, path)
}

/// As sops writes it, for tests of readers.
#[cfg(test)]
pub(super) fn seal(plain: &[u8], kind: &str, key: &[u8], path: &str) -> String {
    let nonce = [7; 32];
    let (data, tag) = gcm::seal(key, &nonce, path.as_bytes(), plain);
    let [data, nonce, tag] = [&data, &nonce[..], &tag].map(|part| STANDARD.encode(part));
    format!("{BEGIN}{data},iv:{nonce},tag:{tag},type:{kind}]")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::Plaintext;

    const KEY: [u8; 32] = [1; 32];

    #[test]
    fn there_and_back() {
        let text = seal("é ☃".as_bytes(), "str", &KEY, "a:b:");
        let value = open(&text, &KEY, "a:b:").unwrap();
        assert_eq!(value.yaml_text(), Plaintext::from("é ☃"));
        assert_eq!(open(&text, &KEY, "a:c:").unwrap_err(), ValueProblem::Forged);
        assert_eq!(
            open(&text, &[2; 32], "a:b:").unwrap_err(),
            ValueProblem::Forged
        );
        assert_eq!(
            open(&text, &[1; 31], "a:b:").unwrap_err(),
            ValueProblem::Forged
        );
    }

    #[test]
    fn every_byte_counts() {
        let text = seal(b"some text", "str", &KEY, "a:");
        for at in 0..text.len() {
            for with in ["", "A", "]", ",", "=", "\n"] {
                let changed = format!("{}{with}{}", &text[..at], &text[at + 1..]);
                let kind = changed == text
                    || changed.ends_with("type:str]") && open(&changed, &KEY, "a:").is_ok();
                if kind {
                    assert_eq!(changed, text);
                } else {
                    open(&changed, &KEY, "a:").unwrap_err();
                }
            }
        }
    }

    #[test]
    fn what_is_none() {
        let whole = seal(b"x", "str", &KEY, "");
        for text in [
            "",
            "ENC[",
            "ENC[]",
            "ENC[AES256_GCM,data:,iv:AA==,tag:AA==,type:str]",
            "enc[AES256_GCM,data:AA==]",
            &whole[1..],
            &whole[..whole.len() - 1],
            &format!("{whole} "),
            &format!(" {whole}"),
            &whole.replace("AES256_GCM", "AES256_CBC"),
            &whole.replace("tag:", "tag:AAAA"),
        ] {
            assert_eq!(Sealed::parse(text), None, "{text}");
        }
    }
}
