//! Points in time as Go reads and writes them: go-yaml's four layouts in, RFC 3339 out.

use std::fmt::{self, Write as _};

/// A point in time with its offset, which is kept as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time {
    year: u32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    nanos: u32,
    /// East of Greenwich, in minutes.
    offset: i32,
}

impl Time {
    /// What go-yaml takes for a timestamp: a date, a date and a time with a blank between, or RFC 3339;
    /// all numbers but the year may have one digit.
    pub fn parse(text: &str) -> Option<Time> {
        let mut rest = Rest(text);
        let year = rest.exactly(4)?;
        rest.skip('-')?;
        let month = rest.number()?;
        rest.skip('-')?;
        let day = rest.number()?;
        let mut time = Time {
            year,
            month,
            day,
            hour: 0,
            minute: 0,
            second: 0,
            nanos: 0,
            offset: 0,
        };
        if !rest.0.is_empty() {
            let zoned = rest.skip('T').or_else(|| rest.skip('t')).is_some();
            if !zoned {
                rest.skip(' ')?;
            }
            time.hour = rest.number()?;
            rest.skip(':')?;
            time.minute = rest.number()?;
            rest.skip(':')?;
            time.second = rest.number()?;
            time.nanos = rest.fraction()?;
            if zoned {
                time.offset = rest.offset()?;
            }
        }
        (rest.0.is_empty() && time.is_possible()).then_some(time)
    }

    fn is_possible(&self) -> bool {
        (1..=12).contains(&self.month)
            && (1..=days(self.year, self.month)).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60
    }

    /// Without the fraction, as sops seals its MAC.
    pub fn to_seconds(self) -> Time {
        Time { nanos: 0, ..self }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Time {
            year,
            month,
            day,
            hour,
            minute,
            second,
            ..
        } = self;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"
        )?;
        if self.nanos > 0 {
            let digits = format!("{:09}", self.nanos);
            write!(f, ".{}", digits.trim_end_matches('0'))?;
        }
        if self.offset == 0 {
            return f.write_char('Z');
        }
        let sign = if self.offset < 0 { '-' } else { '+' };
        let minutes = self.offset.unsigned_abs();
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

fn days(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    }
}

/// What is still to be read.
struct Rest<'a>(&'a str);

impl Rest<'_> {
    fn skip(&mut self, c: char) -> Option<()> {
        self.0 = self.0.strip_prefix(c)?;
        Some(())
    }

    fn exactly(&mut self, digits: usize) -> Option<u32> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        if !number.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        self.0 = rest;
        number.parse().ok()
    }

    /// One digit or two.
    fn number(&mut self) -> Option<u32> {
        self.exactly(2).or_else(|| self.exactly(1))
    }

    /// Any digits after a full stop or a comma, of which nine count.
    fn fraction(&mut self) -> Option<u32> {
        let Some(digits) = self.0.strip_prefix(['.', ',']) else {
            return Some(0);
        };
        let length = digits.bytes().take_while(u8::is_ascii_digit).count();
        let (fraction, rest) = digits.split_at_checked(length)?;
        if fraction.is_empty() {
            return None;
        }
        self.0 = rest;
        let nine: String = fraction.chars().chain("00000000".chars()).take(9).collect();
        nine.parse().ok()
    }

    fn offset(&mut self) -> Option<i32> {
        if self.skip('Z').is_some() {
            return Some(0);
        }
        let sign = if self.skip('-').is_some() {
            -1
        } else {
            self.skip('+').map(|()| 1)?
        };
        let hours = self.exactly(2)?;
        self.skip(':')?;
        let minutes = self.exactly(2)?;
        if hours > 24 || minutes > 60 {
            return None;
        }
        Some(sign * i32::try_from(hours * 60 + minutes).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_go_reads_and_writes_them() {
        for (text, want) in [
            ("2020-01-02", "2020-01-02T00:00:00Z"),
            ("2020-1-2", "2020-01-02T00:00:00Z"),
            ("2020-01-02T03:04:05Z", "2020-01-02T03:04:05Z"),
            ("2020-01-02t3:4:5Z", "2020-01-02T03:04:05Z"),
            ("2020-01-02 03:04:05.50", "2020-01-02T03:04:05.5Z"),
            (
                "2020-01-02T03:04:05.678+09:00",
                "2020-01-02T03:04:05.678+09:00",
            ),
            (
                "2020-01-02T03:04:05.1234567891-00:30",
                "2020-01-02T03:04:05.123456789-00:30",
            ),
            ("2020-01-02T03:04:05+00:00", "2020-01-02T03:04:05Z"),
            ("2020-01-02T03:04:05,5Z", "2020-01-02T03:04:05.5Z"),
            ("2020-02-29", "2020-02-29T00:00:00Z"),
        ] {
            assert_eq!(
                Time::parse(text).map(|time| time.to_string()).as_deref(),
                Some(want),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_none() {
        for text in [
            "",
            "2020",
            "2020-",
            "2020-01",
            "2020-13-01",
            "2020-00-01",
            "2021-02-29",
            "2020-01-32",
            "20-01-02",
            "02020-01-02",
            "2020-01-02T",
            "2020-01-02 03:04:05Z",
            "2020-01-02T03:04:05",
            "2020-01-02T24:00:00Z",
            "2020-01-02T03:60:00Z",
            "2020-01-02T03:04:60Z",
            "2020-01-02x",
            "2020-01-02T03:04:05.Z",
            "2020-01-02T03:04:05+9:00",
            "2020-01-02T03:04:05+25:00",
            "2020-01-02 03:04:05 ",
            "2020-01-02T03:04:05é",
            "２020-01-02",
        ] {
            assert_eq!(Time::parse(text), None, "{text}");
        }
    }
}
