//! Every folder of `modes-bad` breaks the rule it is named by; `expected.txt` holds the whole error.
//!
//! The whole folder is checked, or what a file `request` holds: `[--as MODE] [--] WORD`.

use super::{CANARY, variable};
use entry::config::{Problems, Request, Source};
use std::fs;
use std::path::Path;

const FIXTURES: &str = "tests/fixtures/modes-bad";

fn problems(folder: &Path) -> Problems {
    let source = Source::find(Some(folder), &variable).unwrap();
    let Ok(request) = fs::read_to_string(folder.join("request")) else {
        return source.check_all(&variable);
    };
    let words: Vec<&str> = request.split_whitespace().collect();
    let request = match words.as_slice() {
        ["--as", like, "--", _] => Ok(Request::OneOff { like: Some(like) }),
        ["--as", like, word] => source.request(word, Some(like)),
        _ => panic!("no command line: {words:?}"),
    };
    request
        .and_then(|request| source.load(request, &variable))
        .unwrap_err()
}

#[test]
fn every_rule_has_its_error() {
    let mut failures = Vec::new();
    let mut count = 0;
    let mut rules: Vec<_> = fs::read_dir(FIXTURES)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    rules.sort();
    for rule in rules {
        count += 1;
        let found = problems(&rule).to_string();
        let found = found.replace(&format!("{}/", rule.display()), "");
        let found = found.replace(&rule.display().to_string(), "FOLDER");
        let expected = fs::read_to_string(rule.join("expected.txt")).unwrap_or_default();
        if found != expected.trim_end() || found.is_empty() {
            failures.push(format!(
                "{}\n--- expected\n{expected}\n--- found\n{found}\n",
                rule.display()
            ));
        }
        assert!(!found.contains(CANARY), "{found}");
        assert!(!found.contains("4711"), "{found}");
    }
    assert!(failures.is_empty(), "{}", failures.concat());
    assert!(count > 50, "only {count} fixtures in {FIXTURES}");
}
