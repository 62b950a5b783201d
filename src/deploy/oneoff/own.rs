//! The lines of `entry` among those of its container: after the one of its start comes a last one.

use serde::Deserialize;

/// Every line of `entry` begins so, and hardly any of an app's.
const BEGINS: &str = r#"{"time":"#;

/// Whether `entry` has said that all is over. It says nothing in a log that is `quiet` or text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Own {
    #[default]
    Silent,
    Started,
    Ended,
}

/// What tells the two lines from those of an app that logs events of the same name.
#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
enum Line {
    Start {
        #[serde(rename = "stop_max_ms")]
        _longest: u64,
    },
    Stop {
        #[serde(rename = "ran_ms")]
        _ran: u64,
    },
}

impl Own {
    pub fn hear(&mut self, line: &str) {
        if !line.starts_with(BEGINS) {
            return;
        }
        match serde_json::from_str(line) {
            Ok(Line::Start { .. }) => *self = Own::Started,
            Ok(Line::Stop { .. }) => *self = Own::Ended,
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_entrys_own_lines_are_heard() {
        let start = r#"{"time":"t","level":"info","event":"start","message":"m","mode":"web","stop_max_ms":25000}"#;
        let stop =
            r#"{"time":"t","level":"info","event":"stop","message":"m","mode":"web","ran_ms":5}"#;
        let stopping = stop.replace("\"stop\"", "\"stopping\"");
        let table = [
            (vec![], Own::Silent),
            (vec![start], Own::Started),
            (vec![start, "one", &stopping], Own::Started),
            (vec![start, "one", stop], Own::Ended),
            (vec![start, &stop[..40], &stop[40..]], Own::Started),
            // An app's.
            (
                vec![r#"{"time":"t","event":"start"}"#, r#"{"time":1}"#],
                Own::Silent,
            ),
            (
                vec![start, r#"{"time":"t","event":"stop","job":"x"}"#],
                Own::Started,
            ),
            (vec!["{\"time\":", "entry: web: started"], Own::Silent),
        ];
        for (lines, expected) in table {
            let mut own = Own::default();
            for line in &lines {
                own.hear(line);
            }
            assert_eq!(own, expected, "{lines:?}");
        }
    }
}
