//! Ruby's `Float#to_s`, for the floats that files of the gem's first versions hold.

/// Marshal's text of a float, as Ruby would show it; `None` where it is no float.
pub(super) fn to_s(text: &str) -> Option<String> {
    match text {
        "inf" => return Some("Infinity".to_owned()),
        "-inf" => return Some("-Infinity".to_owned()),
        "nan" => return Some("NaN".to_owned()),
        _ => {}
    }
    // Rust would take "infinity" and "+1" as well, which Ruby never writes.
    let plausible = |c: char| c.is_ascii_digit() || matches!(c, '-' | '.' | 'e');
    if !text.chars().all(plausible) {
        return None;
    }
    // One too large to be one becomes infinite, which Ruby writes otherwise.
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.map(show)
}

/// Shortest digits; an exponent below 0.0001 and from 10^15 on.
fn show(number: f64) -> String {
    let scientific = format!("{number:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..15).contains(&exponent) {
        let plain = format!("{number}");
        if plain.contains('.') {
            plain
        } else {
            format!("{plain}.0")
        }
    } else {
        let point = if mantissa.contains('.') { "" } else { ".0" };
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{mantissa}{point}e{sign}{:02}", exponent.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_ruby_shows_them() {
        let cases = [
            ("3", Some("3.0")),
            ("-0", Some("-0.0")),
            ("1.5", Some("1.5")),
            ("1e100", Some("1.0e+100")),
            ("1.5e-7", Some("1.5e-07")),
            ("0.0001", Some("0.0001")),
            ("0.00001", Some("1.0e-05")),
            ("123456789012345", Some("123456789012345.0")),
            ("1234567890123456", Some("1.234567890123456e+15")),
            ("1e16", Some("1.0e+16")),
            ("inf", Some("Infinity")),
            ("-inf", Some("-Infinity")),
            ("nan", Some("NaN")),
            ("1e400", None),
            ("infinity", None),
            ("", None),
            ("x", None),
        ];
        for (text, want) in cases {
            assert_eq!(to_s(text).as_deref(), want, "{text}");
        }
    }
}
