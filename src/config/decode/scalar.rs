//! Single values with a meaning: durations, octal modes, numbers, signals, names.

use super::{Decoder, Item, Text};
use crate::config::problems::{closest, suggestion};
use crate::sys::signal::Sig;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// ECS kills after two minutes at most; a day leaves room for anything else.
pub const LONGEST_STOP: Duration = Duration::from_hours(24);
/// Keeps a deadline far from the end of what the clock can count.
pub const LONGEST_RUN: Duration = Duration::from_hours(365 * 24);

impl Decoder<'_> {
    /// One of a few known words.
    pub fn choice<T: Copy>(
        &mut self,
        item: &Item,
        what: &str,
        known: &[(&'static str, T)],
    ) -> Option<T> {
        let text = self.word(item)?;
        if let Some((_, meaning)) = known.iter().find(|(name, _)| *name == text.value) {
            return Some(*meaning);
        }
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        // A filled-in value must not be told by the word it resembles.
        let word = if text.is_literal() {
            text.value.as_str()
        } else {
            ""
        };
        let remedy = suggestion(word, "known", &names);
        self.problem(item, format!("{} is no {what}", text.shown()), remedy);
        None
    }

    pub fn boolean(&mut self, item: &Item) -> Option<bool> {
        let text = self.word(item)?;
        match text.value.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => {
                self.problem(
                    item,
                    format!("{} is neither true nor false", text.shown()),
                    "",
                );
                None
            }
        }
    }

    pub fn number(&mut self, item: &Item, range: RangeInclusive<u32>) -> Option<u32> {
        let text = self.word(item)?;
        let number = whole_number(&text.value).filter(|number| range.contains(number));
        if number.is_none() {
            let (low, high) = range.into_inner();
            let message = format!("{} is no whole number from {low} to {high}", text.shown());
            self.problem(item, message, "");
        }
        number
    }

    /// `10s`, `1m30s`, `500ms`; zero only where it means something.
    pub fn duration(&mut self, item: &Item, zero: bool, longest: Duration) -> Option<Duration> {
        let text = self.word(item)?;
        let value = text.value.as_str();
        if value.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
            let remedy = if text.is_literal() {
                format!("write {value}s for seconds")
            } else {
                "give it one, such as 10s".to_owned()
            };
            self.problem(item, format!("{} has no unit", text.shown()), remedy);
            return None;
        }
        // humantime reads `1M` as a month.
        let upper = value.bytes().any(|b| b.is_ascii_uppercase());
        let Some(duration) = humantime::parse_duration(value).ok().filter(|_| !upper) else {
            let message = format!("{} is no duration", text.shown());
            self.problem(item, message, "write it like 10s, 1m30s or 500ms");
            return None;
        };
        if duration.is_zero() && !zero {
            self.problem(item, "must be more than zero", "");
            return None;
        }
        if duration > longest {
            let message = format!(
                "{} is longer than {}",
                text.shown(),
                humantime::format_duration(longest)
            );
            self.problem(item, message, "");
            return None;
        }
        Some(duration)
    }

    /// Permission bits such as `"0400"`, quoted: unquoted, YAML readers disagree on what it means.
    pub fn octal(&mut self, item: &Item) -> Option<u32> {
        let text = self.word(item)?;
        if text.is_literal() && !text.is_quoted() {
            let value = &text.value;
            let remedy = format!("quote it: \"{value:0>4}\"");
            self.problem(
                item,
                format!("{value} may be read as octal or as decimal"),
                remedy,
            );
            return None;
        }
        let value = text.value.as_str();
        let octal = value.bytes().all(|b| (b'0'..=b'7').contains(&b));
        let short = value.len() == 3 || (value.len() == 4 && value.starts_with('0'));
        let bits = u32::from_str_radix(value, 8).ok();
        let bits = bits.filter(|_| octal && short);
        if bits.is_none() {
            let message = format!(
                "{} is not three octal digits, with or without a 0 before them",
                text.shown()
            );
            self.problem(item, message, "write it like \"0400\"");
        }
        bits
    }

    pub fn signal(&mut self, item: &Item, refused: &[(Sig, &str)]) -> Option<Sig> {
        let text = self.word(item)?;
        let Some(signal) = Sig::parse(&text.value) else {
            let upper = text.value.to_ascii_uppercase();
            let common = [
                "TERM", "INT", "QUIT", "HUP", "USR1", "USR2", "TSTP", "WINCH", "CONT",
            ];
            let near =
                closest(upper.trim_start_matches("SIG"), common).filter(|_| text.is_literal());
            let remedy = match near {
                Some(near) => format!("did you mean {near}?"),
                None => "write it like TERM, QUIT or RTMIN+3".to_owned(),
            };
            self.problem(item, format!("{} is no signal", text.shown()), remedy);
            return None;
        };
        if let Some((_, why)) = refused.iter().find(|(refused, _)| *refused == signal) {
            self.problem(item, format!("{signal} cannot stand here"), *why);
            return None;
        }
        Some(signal)
    }

    /// A path that is not empty.
    pub fn path(&mut self, item: &Item) -> Option<PathBuf> {
        self.word(item).map(|text| PathBuf::from(text.value))
    }

    /// The name of an environment variable, as a value.
    pub fn variable_name(&mut self, item: &Item) -> Option<String> {
        let text = self.word(item)?;
        match wrong_name(&text.value) {
            None => Some(text.value),
            Some(why) => {
                self.problem(
                    item,
                    format!("{} is no variable name: {why}", text.shown()),
                    "",
                );
                None
            }
        }
    }

    /// A user or a group: a name or a number.
    pub fn account(&mut self, item: &Item) -> Option<String> {
        let text = self.word(item)?;
        if text.value.contains(':') {
            let message = format!("{} holds a colon", text.shown());
            self.problem(
                item,
                message,
                "write the user under user and the group under group",
            );
            return None;
        }
        if text
            .value
            .contains(|c: char| c.is_whitespace() || c.is_control() || c == '/')
        {
            self.problem(
                item,
                format!("{} is no name and no number", text.shown()),
                "",
            );
            return None;
        }
        if is_number(&text) && whole_number(&text.value).is_none_or(|id| id == u32::MAX) {
            self.problem(
                item,
                format!("{} is no id", text.shown()),
                "ids go from 0 to 4294967294",
            );
            return None;
        }
        Some(text.value)
    }
}

fn is_number(text: &Text) -> bool {
    text.value.bytes().all(|b| b.is_ascii_digit())
}

/// Decimal digits only: no sign, no leading zero that would look octal.
pub fn whole_number(text: &str) -> Option<u32> {
    let digits =
        text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    digits.then(|| text.parse().ok()).flatten()
}

/// Why `name` cannot be the name of an environment variable.
pub fn wrong_name(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("it is empty")
    } else if name.contains('=') {
        Some("it holds a =")
    } else if name.contains('\0') {
        Some("it holds a NUL byte")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::Fill;
    use super::*;
    use crate::config::problems::Problems;
    use crate::config::tree;

    /// Reads `text` as the one value of a document.
    fn read<T>(
        text: &str,
        reader: impl Fn(&mut Decoder<'static>, &Item) -> Option<T>,
    ) -> Option<T> {
        let node = tree::parse("f", text, 100, &mut Problems::default())?;
        let mut decoder = Decoder::new(Fill::Literal);
        let value = reader(&mut decoder, &Item::root(&node));
        assert_eq!(
            value.is_none(),
            !decoder.problems.is_empty(),
            "{text}: a silent failure"
        );
        value
    }

    #[test]
    fn durations() {
        let duration = |text: &str| read(text, |d, item| d.duration(item, true, LONGEST_STOP));
        for (text, millis) in [
            ("10s", Some(10_000)),
            ("1m30s", Some(90_000)),
            ("1m 30s", Some(90_000)),
            ("500ms", Some(500)),
            ("'2h'", Some(7_200_000)),
            ("0s", Some(0)),
            ("24h", Some(86_400_000)),
            ("24h1ms", None),
            ("10", None),
            ("1.5", None),
            ("1M", None),
            ("10 parsecs", None),
            ("99999999999999999999s", None),
            ("584942417355y", None),
            ("-1s", None),
            ("'.'", None),
        ] {
            assert_eq!(duration(text), millis.map(Duration::from_millis), "{text}");
        }
        assert_eq!(
            read("0s", |d, item| d.duration(item, false, LONGEST_RUN)),
            None
        );
    }

    #[test]
    fn octal_modes() {
        for (text, bits) in [
            ("'0400'", Some(0o400)),
            ("\"027\"", Some(0o27)),
            ("'0000'", Some(0)),
            ("'0777'", Some(0o777)),
            ("'777'", Some(0o777)),
            ("0400", None),
            ("'1777'", None),
            ("'00400'", None),
            ("'0o400'", None),
            ("'+400'", None),
            ("'0+40'", None),
            ("'40'", None),
            ("'0888'", None),
        ] {
            assert_eq!(read(text, Decoder::octal), bits, "{text}");
        }
    }

    #[test]
    fn numbers_and_booleans() {
        for (text, number) in [
            ("0", Some(0)),
            ("255", Some(255)),
            ("'7'", Some(7)),
            ("256", None),
            ("007", None),
            ("+7", None),
            ("1_0", None),
            ("0x1", None),
            ("99999999999", None),
        ] {
            assert_eq!(
                read(text, |d, item| d.number(item, 0..=255)),
                number,
                "{text}"
            );
        }
        for (text, boolean) in [
            ("true", Some(true)),
            ("false", Some(false)),
            ("yes", None),
            ("True", None),
            ("1", None),
        ] {
            assert_eq!(read(text, Decoder::boolean), boolean, "{text}");
        }
    }

    #[test]
    fn accounts() {
        for (text, good) in [
            ("app", true),
            ("1000", true),
            ("0", true),
            ("www-data", true),
            ("app:app", false),
            ("a b", false),
            ("/app", false),
            ("4294967295", false),
            ("007", false),
        ] {
            assert_eq!(read(text, Decoder::account).is_some(), good, "{text}");
        }
    }
}
