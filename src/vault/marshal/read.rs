//! Reads one marshalled value and gives what Ruby's `to_s` would: files of the gem's first versions
//! hold numbers, booleans and symbols, other writers other encodings. Everything else is an error.

use super::{VERSION, float};
use crate::vault::{Plaintext, Secret};
use std::fmt::Write as _;

/// Why bytes are not a value that a message may hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarshalError {
    /// Another version, or not Marshal at all.
    #[error("it does not begin as Marshal 4.8 does")]
    Version,
    /// Cut short, or a length that runs past the end.
    #[error("it ends too early")]
    Short,
    /// Bytes after the value.
    #[error("bytes follow the value")]
    Trailing,
    /// An object, a list, …
    #[error("it holds a Ruby object of type {0:?}, not a string")]
    Type(char),
    /// A shape that Ruby does not write.
    #[error("its {0} is malformed")]
    Malformed(&'static str),
    /// A string in an encoding that cannot be turned into UTF-8 here.
    #[error("its string is in the encoding {0}: encrypt it again as UTF-8")]
    Encoding(String),
}

/// Bignums are read in time quadratic to their length; nobody encrypts longer ones.
const MAX_BIGNUM_BYTES: usize = 8192;

/// Reads a marshalled value.
pub fn load(bytes: &[u8]) -> Result<Plaintext, MarshalError> {
    let rest = bytes.strip_prefix(&VERSION).ok_or(MarshalError::Version)?;
    let mut reader = Reader(rest);
    let value = reader.value()?;
    if reader.0.is_empty() {
        Ok(value)
    } else {
        Err(MarshalError::Trailing)
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8, MarshalError> {
        let (first, rest) = self.0.split_first().ok_or(MarshalError::Short)?;
        self.0 = rest;
        Ok(*first)
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8], MarshalError> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or(MarshalError::Short)?;
        self.0 = rest;
        Ok(taken)
    }

    /// `00` is 0, `06..7f` and `80..fa` hold a small number, the rest name the bytes that follow.
    fn fixnum(&mut self) -> Result<i64, MarshalError> {
        let first = i8::from_le_bytes([self.byte()?]);
        Ok(match first {
            0 => 0,
            1..=4 => self.little_endian(usize::from(first.unsigned_abs()))?,
            -4..=-1 => {
                let n = usize::from(first.unsigned_abs());
                self.little_endian(n)? - (1_i64 << (8 * n))
            }
            5.. => i64::from(first) - 5,
            _ => i64::from(first) + 5,
        })
    }

    fn little_endian(&mut self, n: usize) -> Result<i64, MarshalError> {
        let bytes = self.take(n)?;
        let fold = |sum: i64, byte: &u8| (sum << 8) | i64::from(*byte);
        Ok(bytes.iter().rev().fold(0, fold))
    }

    fn counted(&mut self) -> Result<&'a [u8], MarshalError> {
        let n = usize::try_from(self.fixnum()?).map_err(|_| MarshalError::Malformed("length"))?;
        self.take(n)
    }

    fn value(&mut self) -> Result<Plaintext, MarshalError> {
        match self.byte()? {
            b'"' | b':' => Ok(Plaintext::from_bytes(self.counted()?)),
            b'I' => self.with_encoding(),
            b'i' => Ok(text(self.fixnum()?.to_string())),
            b'l' => self.bignum(),
            b'f' => {
                let digits = std::str::from_utf8(self.counted()?).ok();
                let shown = digits.and_then(float::to_s);
                Ok(text(shown.ok_or(MarshalError::Malformed("float"))?))
            }
            b'T' => Ok(text("true".to_owned())),
            b'F' => Ok(text("false".to_owned())),
            b'0' => Ok(text(String::new())),
            other => Err(MarshalError::Type(char::from(other))),
        }
    }

    /// `I`, a string or symbol, and exactly one instance variable: its encoding.
    fn with_encoding(&mut self) -> Result<Plaintext, MarshalError> {
        let bytes = match self.byte()? {
            b'"' | b':' => self.counted()?,
            other => return Err(MarshalError::Type(char::from(other))),
        };
        if self.fixnum()? != 1 || self.byte()? != b':' {
            return Err(MarshalError::Malformed("encoding"));
        }
        match self.counted()? {
            b"E" => match self.byte()? {
                b'T' | b'F' => Ok(Plaintext::from_bytes(bytes)),
                _ => Err(MarshalError::Malformed("encoding")),
            },
            b"encoding" if self.byte()? == b'"' => transcode(bytes, self.counted()?),
            _ => Err(MarshalError::Malformed("encoding")),
        }
    }

    /// A sign, a count of 16-bit words, and the words from the lowest to the highest.
    fn bignum(&mut self) -> Result<Plaintext, MarshalError> {
        let sign = match self.byte()? {
            b'+' => "",
            b'-' => "-",
            _ => return Err(MarshalError::Malformed("number")),
        };
        let words = usize::try_from(self.fixnum()?).unwrap_or(usize::MAX);
        if words > MAX_BIGNUM_BYTES / 2 {
            return Err(MarshalError::Malformed("number"));
        }
        let digits = decimal(self.take(words * 2)?);
        Ok(text(format!("{sign}{digits}")))
    }
}

fn text(text: String) -> Plaintext {
    Plaintext::Text(Secret::new(text))
}

/// The decimal digits of a little-endian number.
fn decimal(bytes: &[u8]) -> String {
    // Nine decimal digits in each part, the lowest part first.
    const BASE: u64 = 1_000_000_000;
    let mut parts: Vec<u64> = vec![0];
    for byte in bytes.iter().rev() {
        let mut carry = u64::from(*byte);
        for part in &mut parts {
            let value = *part * 256 + carry;
            *part = value % BASE;
            carry = value / BASE;
        }
        if carry > 0 {
            parts.push(carry);
        }
    }
    let mut digits = parts.pop().unwrap_or(0).to_string();
    for part in parts.iter().rev() {
        let _ = write!(digits, "{part:09}");
    }
    digits
}

fn transcode(bytes: &[u8], encoding: &[u8]) -> Result<Plaintext, MarshalError> {
    if bytes.is_ascii() {
        // True of every encoding that Ruby marshals by name but UTF-16 and UTF-32, whose ASCII has NULs.
        let wide = encoding.starts_with(b"UTF-16") || encoding.starts_with(b"UTF-32");
        if !wide {
            return Ok(Plaintext::from_bytes(bytes));
        }
    }
    match encoding {
        b"ISO-8859-1" => Ok(text(bytes.iter().map(|byte| char::from(*byte)).collect())),
        b"UTF-8" | b"US-ASCII" | b"ASCII-8BIT" => Ok(Plaintext::from_bytes(bytes)),
        other => {
            let name = String::from_utf8_lossy(other).into_owned();
            Err(MarshalError::Encoding(name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(hex: &str) -> Result<String, MarshalError> {
        match load(&hex::decode(hex.replace(' ', "")).unwrap())? {
            Plaintext::Text(secret) => Ok(secret.expose().to_owned()),
            Plaintext::Binary(bytes) => Ok(format!("binary {}", hex::encode(bytes.as_slice()))),
        }
    }

    /// All written by Ruby 3.1's `Marshal.dump`.
    #[test]
    fn what_ruby_writes() {
        let cases = [
            ("0408 4922 00 06 3a0645 54", ""),
            ("0408 4922 07c3a9 06 3a0645 54", "é"),
            ("0408 4922 06 61 06 3a0645 46", "a"),
            ("0408 22 0a ff00616263", "binary ff00616263"),
            ("0408 22 08 616263", "abc"),
            (
                "0408 4922 06 e9 06 3a0d 656e636f64696e67 22 0f 49534f2d383835392d31",
                "é",
            ),
            (
                "0408 4922 06 61 06 3a0d 656e636f64696e67 22 0e 53686966745f4a4953",
                "a",
            ),
            ("0408 6900", "0"),
            ("0408 6906", "1"),
            ("0408 697f", "122"),
            ("0408 69017b", "123"),
            ("0408 69fa", "-1"),
            ("0408 6980", "-123"),
            ("0408 69ff84", "-124"),
            ("0408 6902e803", "1000"),
            ("0408 69fe18fc", "-1000"),
            ("0408 6904ffffff3f", "1073741823"),
            ("0408 69fc000000c0", "-1073741824"),
            ("0408 6c2b 07 00000040", "1073741824"),
            ("0408 6c2b 0a 00000000000000000100", "18446744073709551616"),
            ("0408 6c2d 0a 00000000000000000100", "-18446744073709551616"),
            ("0408 66 06 33", "3.0"),
            ("0408 66 08 696e66", "Infinity"),
            ("0408 54", "true"),
            ("0408 46", "false"),
            ("0408 30", ""),
            ("0408 3a 08 737972", "syr"),
            ("0408 493a 07c3a9 06 3a0645 54", "é"),
        ];
        for (hex, want) in cases {
            assert_eq!(shown(hex), Ok(want.to_owned()), "{hex}");
        }
    }

    #[test]
    fn what_is_refused() {
        use MarshalError as E;
        let cases = [
            ("", E::Version),
            ("0409 30", E::Version),
            ("0408", E::Short),
            ("0408 22 0a 61", E::Short),
            ("0408 22 fa 61", E::Malformed("length")),
            ("0408 22 04 ffffffff 61", E::Short),
            ("0408 30 30", E::Trailing),
            ("0408 5b 06 30", E::Type('[')),
            ("0408 6f 3a 06 41 00", E::Type('o')),
            ("0408 49 5b 00", E::Type('[')),
            (
                "0408 4922 06 61 07 3a0645 54 3a0646 54",
                E::Malformed("encoding"),
            ),
            ("0408 4922 06 61 06 3a0645 30", E::Malformed("encoding")),
            ("0408 6c2b 04 ffffff7f", E::Malformed("number")),
            ("0408 66 06 78", E::Malformed("float")),
            (
                "0408 4922 07 82a0 06 3a0d 656e636f64696e67 22 0e 53686966745f4a4953",
                E::Encoding("Shift_JIS".to_owned()),
            ),
        ];
        for (hex, want) in cases {
            assert_eq!(shown(hex), Err(want), "{hex}");
        }
    }
}
