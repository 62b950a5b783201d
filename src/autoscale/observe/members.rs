//! Members of AWS's replies. Where these come as XML, every number is a text, and an empty list is nothing.

use jiff::Timestamp;
use serde_json::Value;

pub(in crate::autoscale) fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name)?.as_str()
}

pub(in crate::autoscale) fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    let list = value.get(name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

/// A count; a weight such as `4.0` is one, too.
pub(in crate::autoscale) fn count(value: &Value, name: &str) -> Option<u32> {
    let number = match value.get(name)? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.parse::<f64>().ok()?,
        _ => return None,
    };
    let within = (0.0..=f64::from(u32::MAX)).contains(&number);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is within the range, and parts of a unit do not count"
    )]
    within.then_some(number as u32)
}

pub(in crate::autoscale) fn flag(value: &Value, name: &str) -> bool {
    match value.get(name) {
        Some(Value::Bool(flag)) => *flag,
        Some(Value::String(text)) => text == "true",
        _ => false,
    }
}

/// Seconds since 1970 in JSON, RFC 3339 in XML.
pub(in crate::autoscale) fn time(value: &Value, name: &str) -> Option<Timestamp> {
    match value.get(name)? {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => {
            // AWS counts in milliseconds.
            let milliseconds = (number.as_f64()? * 1e3).round();
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a time that is none is refused by the next line"
            )]
            Timestamp::from_millisecond(milliseconds as i64).ok()
        }
        _ => None,
    }
}

/// The last part of an ARN, which is the name.
pub(in crate::autoscale) fn last_part(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_and_xml_say_the_same() {
        let json = json!({"n": 4, "w": 4.5, "b": true, "t": 1_500_000_000.25, "l": [1]});
        let xml = json!({
            "n": "4", "w": "4.5", "b": "true", "t": "2017-07-14T02:40:00.250Z", "l": null,
        });
        for value in [&json, &xml] {
            assert_eq!(count(value, "n"), Some(4));
            assert_eq!(count(value, "w"), Some(4));
            assert!(flag(value, "b"));
            let time = time(value, "t").unwrap();
            assert_eq!(time.as_millisecond(), 1_500_000_000_250);
        }
        assert_eq!((list(&json, "l").len(), list(&xml, "l").len()), (1, 0));
        for wrong in [json!(-1), json!("x"), json!(1e99), json!(null), json!([])] {
            assert_eq!(count(&json!({"n": wrong}), "n"), None, "{wrong}");
        }
        assert_eq!(time(&json!({"t": 1e99}), "t"), None);
        assert_eq!(last_part("arn:aws:ecs:r:1:service/main/web"), "web");
    }
}
