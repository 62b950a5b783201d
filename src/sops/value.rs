//! A decrypted value with its type: what the MAC counts of it, and how it is written.

use super::error::ValueProblem;
use super::time::Time;
use crate::vault::Plaintext;
use std::fmt;
use zeroize::Zeroizing;

/// What was sealed.
pub(super) enum Value {
    /// `str`, and `bytes`, which sops no longer writes.
    Text(Plaintext),
    Int(i64),
    Float(f64),
    Bool(bool),
    Time(Time),
    /// A list's comment, which is an item while it is encrypted.
    Comment(Plaintext),
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Value {
    /// Reads decrypted bytes as the type that was written beside them.
    pub fn read(kind: &str, plain: &[u8]) -> Result<Value, ValueProblem> {
        let text = || std::str::from_utf8(plain).ok();
        Ok(match kind {
            "str" | "bytes" => Value::Text(Plaintext::from_bytes(plain)),
            "comment" => Value::Comment(Plaintext::from_bytes(plain)),
            "int" => {
                let number = text().and_then(|text| text.parse().ok());
                Value::Int(number.ok_or(ValueProblem::Type("int"))?)
            }
            "float" => {
                let number = text().and_then(|text| text.parse().ok());
                Value::Float(number.ok_or(ValueProblem::Type("float"))?)
            }
            "bool" => Value::Bool(match plain {
                b"1" | b"t" | b"T" | b"TRUE" | b"true" | b"True" => true,
                b"0" | b"f" | b"F" | b"FALSE" | b"false" | b"False" => false,
                _ => return Err(ValueProblem::Type("bool")),
            }),
            "time" => {
                let time = text()
                    .filter(|text| text.contains('T'))
                    .and_then(Time::parse);
                Value::Time(time.ok_or(ValueProblem::Type("time"))?)
            }
            _ => return Err(ValueProblem::UnknownType),
        })
    }

    /// The bytes that the MAC counts; a comment has none.
    pub fn mac_bytes(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Value::Text(text) => return bytes(text),
            Value::Int(number) => number.to_string().into_bytes(),
            Value::Float(number) => plain_float(*number).into_bytes(),
            Value::Bool(true) => b"True".to_vec(),
            Value::Bool(false) => b"False".to_vec(),
            Value::Time(time) => time.to_string().into_bytes(),
            Value::Comment(_) => Vec::new(),
        })
    }

    /// Its text in YAML, without quotes; what a variable gets.
    pub fn yaml_text(&self) -> Plaintext {
        let text = match self {
            Value::Text(text) | Value::Comment(text) => return text.clone(),
            Value::Int(number) => number.to_string(),
            Value::Float(number) => yaml_float(*number),
            Value::Bool(truth) => truth.to_string(),
            Value::Time(time) => time.to_string(),
        };
        Plaintext::from(text.as_str())
    }
}

/// The bytes of a plaintext.
pub(super) fn bytes(text: &Plaintext) -> Zeroizing<Vec<u8>> {
    match text {
        Plaintext::Text(text) => Zeroizing::new(text.expose().as_bytes().to_vec()),
        Plaintext::Binary(bytes) => bytes.clone(),
    }
}

/// Go's format `f`: the shortest digits that read back, and never an exponent.
pub(super) fn plain_float(number: f64) -> String {
    named(number, "+Inf", "-Inf", "NaN").unwrap_or_else(|| number.to_string())
}

/// go-yaml's: Go's format `g`.
fn yaml_float(number: f64) -> String {
    named(number, ".inf", "-.inf", ".nan").unwrap_or_else(|| {
        let (mantissa, exponent) = scientific(number);
        if (-4..6).contains(&exponent) {
            return number.to_string();
        }
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
    })
}

/// Go's JSON encoder's, which has no way to write what is no number.
pub(super) fn json_float(number: f64) -> Option<String> {
    let size = number.abs();
    if !number.is_finite() {
        None
    } else if number == 0.0 || (1e-6..1e21).contains(&size) {
        Some(number.to_string())
    } else {
        let (mantissa, exponent) = scientific(number);
        let sign = if exponent < 0 { '-' } else { '+' };
        Some(format!("{mantissa}e{sign}{}", exponent.unsigned_abs()))
    }
}

fn named(number: f64, over: &str, under: &str, none: &str) -> Option<String> {
    if number.is_nan() {
        Some(none.to_owned())
    } else if number.is_infinite() {
        Some(if number > 0.0 { over } else { under }.to_owned())
    } else {
        None
    }
}

/// `1.5`, `-7` of 1.5e-7.
fn scientific(number: f64) -> (String, i32) {
    let text = format!("{number:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    (mantissa.to_owned(), exponent.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_as_go_writes_them() {
        for (number, plain, yaml, json) in [
            (1000.0, "1000", "1000", Some("1000")),
            (0.1, "0.1", "0.1", Some("0.1")),
            (-0.0, "-0", "-0", Some("-0")),
            (1e-7, "0.0000001", "1e-07", Some("1e-7")),
            (0.000_001, "0.000001", "1e-06", Some("0.000001")),
            (0.0001, "0.0001", "0.0001", Some("0.0001")),
            (1e21, "1000000000000000000000", "1e+21", Some("1e+21")),
            (
                1e300,
                &("1".to_owned() + &"0".repeat(300)),
                "1e+300",
                Some("1e+300"),
            ),
            (1_234_567.0, "1234567", "1.234567e+06", Some("1234567")),
            (123_456.789, "123456.789", "123456.789", Some("123456.789")),
            (
                9_007_199_254_740_993.0,
                "9007199254740992",
                "9.007199254740992e+15",
                Some("9007199254740992"),
            ),
            (f64::INFINITY, "+Inf", ".inf", None),
            (f64::NEG_INFINITY, "-Inf", "-.inf", None),
            (f64::NAN, "NaN", ".nan", None),
        ] {
            assert_eq!(plain_float(number), plain);
            assert_eq!(yaml_float(number), yaml);
            assert_eq!(json_float(number).as_deref(), json);
        }
    }

    #[test]
    fn types_are_checked() {
        for (kind, plain) in [
            ("int", "1.5"),
            ("int", ""),
            ("int", "9223372036854775808"),
            ("int", "0x1"),
            ("float", "x"),
            ("float", ""),
            ("bool", "yes"),
            ("bool", ""),
            ("time", "2020-01-02"),
            ("time", "now"),
        ] {
            let problem = Value::read(kind, plain.as_bytes()).unwrap_err();
            assert_eq!(problem, ValueProblem::Type(kind), "{plain}");
        }
        for kind in ["", "string", "Int", "map"] {
            assert_eq!(
                Value::read(kind, b"1").unwrap_err(),
                ValueProblem::UnknownType
            );
        }
        for (kind, plain, mac, yaml) in [
            ("int", "+5", "5", "5"),
            ("bool", "True", "True", "true"),
            ("bool", "0", "False", "false"),
            ("float", "+Inf", "+Inf", ".inf"),
            ("float", "NaN", "NaN", ".nan"),
            (
                "time",
                "2020-01-02T03:04:05.50Z",
                "2020-01-02T03:04:05.5Z",
                "2020-01-02T03:04:05.5Z",
            ),
            ("str", "x", "x", "x"),
            ("bytes", "x", "x", "x"),
            ("comment", " x", "", " x"),
        ] {
            let value = Value::read(kind, plain.as_bytes()).unwrap();
            assert_eq!(*value.mac_bytes(), mac.as_bytes());
            assert_eq!(value.yaml_text(), Plaintext::from(yaml));
        }
    }
}
