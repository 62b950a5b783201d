//! What go-yaml makes of a scalar: YAML 1.2's core with older octals, `_` in numbers, and timestamps. The
//! MAC counts clear values by their types.

use super::super::error::ValueProblem;
use super::super::time::Time;
use super::super::value::plain_float;
use crate::yaml::Style;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// A scalar's type and value.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Resolved {
    Null,
    Text,
    Bool(bool),
    Int(i64),
    Float(f64),
    Time(Time),
    Binary(Zeroizing<Vec<u8>>),
    /// `<<`
    Merge,
}

impl Resolved {
    /// What the MAC counts; `None` for a string, whose bytes are its text's.
    pub fn mac_bytes(&self) -> Option<Vec<u8>> {
        Some(match self {
            Resolved::Null => Vec::new(),
            Resolved::Text | Resolved::Merge => return None,
            Resolved::Bool(true) => b"True".to_vec(),
            Resolved::Bool(false) => b"False".to_vec(),
            Resolved::Int(number) => number.to_string().into_bytes(),
            Resolved::Float(number) => plain_float(*number).into_bytes(),
            Resolved::Time(time) => time.to_string().into_bytes(),
            Resolved::Binary(bytes) => bytes.to_vec(),
        })
    }
}

/// Resolves a scalar by its text, tag and quotes.
pub(in super::super) fn resolve(
    text: &str,
    tag: Option<&str>,
    style: Style,
) -> Result<Resolved, ValueProblem> {
    let tag = tag.filter(|tag| *tag != "!");
    let short = tag.map(|tag| tag.strip_prefix("tag:yaml.org,2002:").unwrap_or(tag));
    match (short, style) {
        (Some("str"), _) => return Ok(Resolved::Text),
        (None, style) if style != Style::Plain => return Ok(Resolved::Text),
        (Some("binary"), _) => {
            let clean: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
            let bytes = STANDARD.decode(clean).map_err(|_| ValueProblem::Tag)?;
            return Ok(Resolved::Binary(Zeroizing::new(bytes)));
        }
        _ => {}
    }
    let found = plain(text, short)?;
    match (short, &found) {
        (None, _)
        | (Some("null"), Resolved::Null)
        | (Some("bool"), Resolved::Bool(_))
        | (Some("int"), Resolved::Int(_))
        | (Some("float"), Resolved::Float(_))
        | (Some("timestamp"), Resolved::Time(_))
        | (Some("merge"), Resolved::Merge) => Ok(found),
        #[expect(clippy::cast_precision_loss, reason = "as Go converts it")]
        (Some("float"), Resolved::Int(number)) => Ok(Resolved::Float(*number as f64)),
        (Some(_), _) => Err(ValueProblem::Tag),
    }
}

fn plain(text: &str, tag: Option<&str>) -> Result<Resolved, ValueProblem> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Resolved::Null,
        "true" | "True" | "TRUE" => Resolved::Bool(true),
        "false" | "False" | "FALSE" => Resolved::Bool(false),
        ".nan" | ".NaN" | ".NAN" => Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Resolved::Float(f64::NEG_INFINITY),
        "<<" => Resolved::Merge,
        text if text.starts_with('.') => float(text).map_or(Resolved::Text, Resolved::Float),
        text if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-')) => {
            return number(text, tag);
        }
        _ => Resolved::Text,
    })
}

fn number(text: &str, tag: Option<&str>) -> Result<Resolved, ValueProblem> {
    if matches!(tag, None | Some("timestamp"))
        && let Some(time) = Time::parse(text)
    {
        return Ok(Resolved::Time(time));
    }
    let text = text.replace('_', "");
    if let Some(number) = integer(&text) {
        let small = i64::try_from(number).map(Resolved::Int);
        return small.map_err(|_| ValueProblem::TooLarge);
    }
    Ok(float(&text).map_or(Resolved::Text, Resolved::Float))
}

/// With a prefix for its base; up to what an unsigned word holds, which is too much for sops.
fn integer(text: &str) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let prefixed = |prefixes: [&str; 2]| {
        prefixes
            .iter()
            .find_map(|prefix| digits.strip_prefix(prefix))
    };
    let (base, digits) = if let Some(digits) = prefixed(["0x", "0X"]) {
        (16, digits)
    } else if let Some(digits) = prefixed(["0b", "0B"]) {
        (2, digits)
    } else if let Some(digits) = prefixed(["0o", "0O"]) {
        (8, digits)
    } else if digits.len() > 1 && digits.starts_with('0') {
        (8, digits)
    } else {
        (10, digits)
    };
    // A second sign is none.
    if !digits.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return None;
    }
    let number = i128::from_str_radix(digits, base).ok()? * sign;
    let least = i128::from(i64::MIN);
    let most = if text.starts_with('+') {
        i128::from(i64::MAX)
    } else {
        i128::from(u64::MAX)
    };
    (least..=most).contains(&number).then_some(number)
}

/// Digits with a point and an exponent, and not too large.
fn float(text: &str) -> Option<f64> {
    let shape = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    if !text.chars().all(shape) {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Resolved {
        resolve(text, None, Style::Plain).unwrap()
    }

    #[test]
    fn plain_scalars() {
        for (text, mac) in [
            ("true", "True"),
            ("FALSE", "False"),
            ("0755", "493"),
            ("0x1F", "31"),
            ("0b11", "3"),
            ("0o17", "15"),
            ("1_000", "1000"),
            ("-0b11", "-3"),
            ("-0o17", "-15"),
            ("+5", "5"),
            ("-0", "0"),
            ("00", "0"),
            ("2.50", "2.5"),
            ("1e3", "1000"),
            ("1.", "1"),
            (".5", "0.5"),
            ("-.5", "-0.5"),
            ("+.5", "0.5"),
            ("-1.5e-7", "-0.00000015"),
            ("08", "8"),
            ("09.5", "9.5"),
            (".inf", "+Inf"),
            ("-.INF", "-Inf"),
            (".NaN", "NaN"),
            ("-0.0", "-0"),
            ("9223372036854775807", "9223372036854775807"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("99999999999999999999", "100000000000000000000"),
            ("2020-01-02", "2020-01-02T00:00:00Z"),
            (
                "2020-01-02T03:04:05.678+09:00",
                "2020-01-02T03:04:05.678+09:00",
            ),
            ("1_0.2_5", "10.25"),
            ("_", ""),
        ] {
            let resolved = of(text);
            let found = resolved
                .mac_bytes()
                .map(|bytes| String::from_utf8(bytes).unwrap());
            assert_eq!(found.unwrap_or_default(), mac, "{text}");
        }
    }

    #[test]
    fn strings() {
        for text in [
            "yes",
            "no",
            "on",
            "y",
            "True ",
            "tRUE",
            "nil",
            "nUll",
            "1:20",
            "0x",
            "0b2",
            "0o8",
            "1e400",
            "..5",
            ".",
            "+",
            "-",
            "--5",
            "+-5",
            "1e",
            "1.2.3",
            "0x1.8p1",
            "1 2",
            "12px",
            "-x",
            "infinity",
            "nan",
            "inf",
            "+inf",
            "2020-13-01",
            "127.0.0.1",
            "1,000",
            "é",
            "+.nan",
            "._5",
            "<",
            "0x+5",
            "1e5x",
        ] {
            assert_eq!(of(text), Resolved::Text, "{text}");
        }
        for style in [
            Style::SingleQuoted,
            Style::DoubleQuoted,
            Style::Literal,
            Style::Folded,
        ] {
            assert_eq!(resolve("1", None, style), Ok(Resolved::Text));
            assert_eq!(resolve("1", Some("!"), style), Ok(Resolved::Text));
        }
    }

    #[test]
    fn tags() {
        let tagged = |tag: &str, text| {
            resolve(
                text,
                Some(&format!("tag:yaml.org,2002:{tag}")),
                Style::Plain,
            )
        };
        assert_eq!(tagged("str", "1"), Ok(Resolved::Text));
        assert_eq!(tagged("float", "1"), Ok(Resolved::Float(1.0)));
        assert_eq!(tagged("int", "1"), Ok(Resolved::Int(1)));
        assert_eq!(tagged("merge", "<<"), Ok(Resolved::Merge));
        assert_eq!(
            tagged("binary", "aGVs\nbG8="),
            Ok(Resolved::Binary(Zeroizing::new(b"hello".to_vec())))
        );
        assert_eq!(resolve("1", Some("!"), Style::Plain), Ok(Resolved::Int(1)));
        for (tag, text) in [
            ("int", "x"),
            ("int", "1.5"),
            ("null", "x"),
            ("binary", "?"),
            ("bool", "yes"),
            ("set", "1"),
        ] {
            assert_eq!(tagged(tag, text), Err(ValueProblem::Tag), "{tag} {text}");
        }
        assert_eq!(
            resolve("x", Some("!own"), Style::Plain),
            Err(ValueProblem::Tag)
        );
        assert_eq!(
            resolve("9223372036854775808", None, Style::Plain),
            Err(ValueProblem::TooLarge)
        );
    }
}
