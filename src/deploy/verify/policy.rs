//! Policy documents, evaluated simply: actions and resources with their wildcards. Of conditions only those
//! are understood that the need itself has; others leave it open.

use super::facts::Permission;
use serde_json::Value;

/// What the documents say of a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    Denied,
    NotAllowed,
    /// It depends on a condition, or on which of several resources it is.
    Open,
}

/// Evaluates a role's policies for one permission.
#[must_use]
pub fn evaluate(documents: &[Value], need: &Permission) -> Verdict {
    let mut allowed = false;
    let mut open = false;
    for statement in documents.iter().flat_map(statements) {
        let Some(applies) = applies(statement, need) else {
            continue;
        };
        let denies = statement.get("Effect").and_then(Value::as_str) == Some("Deny");
        match (denies, applies) {
            (true, Applies::Surely) => return Verdict::Denied,
            (false, Applies::Surely) => allowed = true,
            (_, Applies::Perhaps) => open |= !denies,
        }
    }
    match (allowed, open) {
        (true, _) => Verdict::Allowed,
        (false, true) => Verdict::Open,
        (false, false) => Verdict::NotAllowed,
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Applies {
    Surely,
    Perhaps,
}

/// `None`: not at all.
fn applies(statement: &Value, need: &Permission) -> Option<Applies> {
    let lower = need.action.to_ascii_lowercase();
    let acts = |key: &str| {
        let patterns = texts(statement.get(key)).into_iter();
        let mut patterns = patterns.map(str::to_ascii_lowercase);
        statement.get(key)?;
        Some(patterns.any(|pattern| matches(&pattern, &lower)))
    };
    let action = acts("Action").or_else(|| acts("NotAction").map(|named| !named))?;
    let resources = |key: &str| {
        statement.get(key)?;
        Some(texts(statement.get(key)))
    };
    let resource = match (resources("Resource"), resources("NotResource")) {
        (Some(patterns), _) => covers(&patterns, &need.resource)?,
        // Which of the many that a need may stand for are left out is not looked at.
        (None, Some(patterns)) => match covers(&patterns, &need.resource) {
            Some(Applies::Surely) => return None,
            Some(Applies::Perhaps) => Applies::Perhaps,
            None => Applies::Surely,
        },
        (None, None) => return None,
    };
    if !action {
        return None;
    }
    let conditions = conditions(statement.get("Condition"), need)?;
    if resource == Applies::Surely && conditions == Applies::Surely {
        Some(Applies::Surely)
    } else {
        Some(Applies::Perhaps)
    }
}

/// Whether one of the patterns is for the resource; for one that itself has wildcards, perhaps.
fn covers(patterns: &[&str], resource: &str) -> Option<Applies> {
    if patterns.iter().any(|pattern| matches(pattern, resource)) {
        return Some(Applies::Surely);
    }
    let within = |pattern: &&str| resource.contains(['*', '?']) && matches(resource, pattern);
    patterns.iter().any(within).then_some(Applies::Perhaps)
}

fn conditions(written: Option<&Value>, need: &Permission) -> Option<Applies> {
    let Some(Value::Object(operators)) = written else {
        return Some(Applies::Surely);
    };
    let mut surely = Applies::Surely;
    for (operator, keys) in operators {
        for (key, values) in keys.as_object().into_iter().flatten() {
            let known = need.context.iter();
            let mut known = known.filter(|(name, _)| name.eq_ignore_ascii_case(key));
            let values = texts(Some(values));
            match (operator.as_str(), known.next()) {
                ("StringEquals", Some((_, value))) if !values.contains(&value.as_str()) => {
                    return None;
                }
                ("StringEquals", Some(_)) => {}
                _ => surely = Applies::Perhaps,
            }
        }
    }
    Some(surely)
}

pub(super) fn statements(document: &Value) -> impl Iterator<Item = &Value> {
    let (one, many) = match document.get("Statement") {
        Some(Value::Array(many)) => (None, many.as_slice()),
        one => (one, &[] as &[Value]),
    };
    one.into_iter().chain(many)
}

/// A text, or a list of them.
pub(super) fn texts(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

/// `*` stands for any text, `?` for one character.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where the last `*` stands, and how far it reaches.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == '?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match &mut star {
                Some((place, reach)) => {
                    *reach += 1;
                    (p, t) = (*place + 1, *reach);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
