//! What lies under what: `_defaults` under every mode, a lent mode under a one-off.
//!
//! Maps merge, lists and scalars of the upper file replace. `stop` has two rules of its own, since
//! waits that were chosen for one server are wrong for another.

use super::node::{Key, Node, Scalar, Value};
use crate::yaml::Style;

/// The keys that `--as MODE` takes from the mode: what the process sees and may do. How it is run
/// and stopped stays the one-off's own.
const LENT: [&str; 10] = [
    "env",
    "secrets",
    "files",
    "render",
    "aws",
    "user",
    "group",
    "no_new_privs",
    "workdir",
    "umask",
];

/// The mode `upper` with the defaults `lower` under it.
#[must_use]
pub fn over(lower: &Node, upper: &Node) -> Node {
    let mut merged = lay(lower, upper);
    let stop = match (lower.get("stop"), upper.get("stop")) {
        (Some(lower), Some(upper)) => Some(over_stop(&as_map(lower), &as_map(upper))),
        _ => None,
    };
    if let (Some(stop), Value::Map(entries)) = (stop, &mut merged.value)
        && let Some((_, node)) = entries.iter_mut().find(|(key, _)| key.text == "stop")
    {
        *node = stop;
    }
    merged
}

/// The one-off `own`, seen through the eyes of the mode `like`.
#[must_use]
pub fn lend(like: &Node, own: &Node) -> Node {
    let lent = like
        .entries()
        .iter()
        .filter(|(key, _)| LENT.contains(&key.text.as_str()));
    let kept = own
        .entries()
        .iter()
        .filter(|(key, _)| !LENT.contains(&key.text.as_str()));
    Node {
        at: own.at.clone(),
        value: Value::Map(lent.chain(kept).cloned().collect()),
    }
}

fn lay(lower: &Node, upper: &Node) -> Node {
    lay_with(lower, upper, &|_, upper| upper.clone())
}

/// One tree over another: maps merge, and `other` says what becomes of anything else.
///
/// Entries keep the lower file's order, so that what lies under a mode may refer to what it changes.
pub fn lay_with(lower: &Node, upper: &Node, other: &dyn Fn(&Node, &Node) -> Node) -> Node {
    let (Value::Map(below), Value::Map(above)) = (&lower.value, &upper.value) else {
        return other(lower, upper);
    };
    let mut entries: Vec<(Key, Node)> = below
        .iter()
        .map(
            |(key, node)| match above.iter().find(|(above, _)| above.text == key.text) {
                Some((key, above)) => (key.clone(), lay_with(node, above, other)),
                None => (key.clone(), node.clone()),
            },
        )
        .collect();
    let new = above
        .iter()
        .filter(|(key, _)| lower.get(&key.text).is_none());
    entries.extend(new.cloned());
    Node {
        at: upper.at.clone(),
        value: Value::Map(entries),
    }
}

fn over_stop(lower: &Node, upper: &Node) -> Node {
    if let (Some(below), Some(above)) = (preset(lower), preset(upper))
        && below != above
    {
        return upper.clone();
    }
    let mut lower = lower.clone();
    if let Value::Map(entries) = &mut lower.value {
        let timed = upper.get("drain").is_some() || upper.get("grace").is_some();
        let stepped = upper.get("steps").is_some();
        entries.retain(|(key, _)| match key.text.as_str() {
            "drain" | "grace" => !stepped,
            "steps" => !timed,
            _ => true,
        });
    }
    lay(&lower, upper)
}

/// The preset as written: two texts may mean the same, but then the writer meant to say it anew.
fn preset(stop: &Node) -> Option<&str> {
    match &stop.get("preset")?.value {
        Value::Scalar(Scalar { text, .. }) => Some(text),
        _ => None,
    }
}

/// `stop: sidekiq` is `stop: {preset: sidekiq}`.
fn as_map(stop: &Node) -> Node {
    match &stop.value {
        Value::Scalar(scalar) if !(scalar.style == Style::Plain && scalar.is_null()) => {
            let key = Key {
                at: stop.at.clone(),
                text: "preset".to_owned(),
            };
            Node {
                at: stop.at.clone(),
                value: Value::Map(vec![(key, stop.clone())]),
            }
        }
        _ => stop.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{problems::Problems, tree};
    use super::*;

    fn read(text: &str) -> Node {
        tree::parse("f", text, 100, &mut Problems::default()).unwrap()
    }

    fn compact(node: &Node) -> String {
        match &node.value {
            Value::Scalar(scalar) => scalar.text.clone(),
            Value::List(items) => items.iter().map(compact).collect::<Vec<_>>().join(","),
            Value::Map(entries) => {
                let each = entries
                    .iter()
                    .map(|(k, v)| format!("{}={}", k.text, compact(v)));
                format!("{{{}}}", each.collect::<Vec<_>>().join(" "))
            }
        }
    }

    #[test]
    fn maps_merge_and_the_rest_replaces() {
        for (lower, upper, merged) in [
            ("{}", "{a: 1}", "{a=1}"),
            ("{a: 1, b: 2}", "{c: 3, a: 4}", "{a=4 b=2 c=3}"),
            (
                "env: {A: 1, B: 2}",
                "env: {C: 3, B: 4}",
                "{env={A=1 B=4 C=3}}",
            ),
            ("secrets: [a, b]", "secrets: [c]", "{secrets=c}"),
            ("secrets: [a]", "secrets: []", "{secrets=}"),
            ("a: {b: 1}", "a: [1]", "{a=1}"),
            ("a: 1", "a: {b: 1}", "{a={b=1}}"),
        ] {
            assert_eq!(
                compact(&over(&read(lower), &read(upper))),
                merged,
                "{lower} {upper}"
            );
        }
    }

    #[test]
    fn stop_has_its_own_rules() {
        for (lower, upper, merged) in [
            ("puma", "sidekiq", "{preset=sidekiq}"),
            (
                "{preset: puma, drain: 1s, on: TERM}",
                "sidekiq",
                "{preset=sidekiq}",
            ),
            (
                "{preset: puma, drain: 1s}",
                "puma",
                "{preset=puma drain=1s}",
            ),
            (
                "{preset: puma, drain: 1s}",
                "{grace: 2s}",
                "{preset=puma drain=1s grace=2s}",
            ),
            ("{drain: 1s}", "puma", "{drain=1s preset=puma}"),
            ("puma", "{grace: 2s}", "{preset=puma grace=2s}"),
            (
                "{drain: 1s, grace: 1s, on: INT}",
                "{steps: [x]}",
                "{on=INT steps=x}",
            ),
            ("{steps: [x], on: INT}", "{drain: 1s}", "{on=INT drain=1s}"),
            ("{on: [INT, TERM]}", "{on: QUIT}", "{on=QUIT}"),
        ] {
            let root = |stop: &str| read(&format!("stop: {stop}"));
            let merged = format!("{{stop={merged}}}");
            assert_eq!(
                compact(&over(&root(lower), &root(upper))),
                merged,
                "{lower} {upper}"
            );
        }
    }

    #[test]
    fn a_mode_lends_what_the_process_sees() {
        let like = read(
            "{command: x, env: {A: 1}, render: [t], user: app, stop: puma, tty: entry, exit: {1: 0}}",
        );
        let own = read("{env: {B: 1}, workdir: /x, stop: {grace: 1s}, max_runtime: 1h}");
        let lent = compact(&lend(&like, &own));
        assert_eq!(
            lent,
            "{env={A=1} render=t user=app stop={grace=1s} max_runtime=1h}"
        );
    }
}
