//! Variables that the mode exports from its secrets.

use crate::config::{Export, SecretItem};
use crate::vault::{Document, Found, KeyPath, Segment};
use std::collections::HashMap;
use zeroize::Zeroizing;

/// The variables so far, with where each comes from.
#[derive(Default)]
pub struct Exports {
    pub values: Vec<(String, Zeroizing<String>)>,
    origins: HashMap<String, String>,
}

impl Exports {
    /// Adds the variables of one export of an item.
    pub fn add(
        &mut self,
        export: &Export,
        plain: &Document,
        is_encrypted: &dyn Fn(&Found) -> bool,
        item: &SecretItem,
    ) -> Result<(), String> {
        let origin = &item.declared_at;
        let (path, found) = match export {
            Export::One { path, .. } | Export::Subtree { path, .. } => {
                (path, look_up(plain, path)?)
            }
        };
        let values: Vec<(String, &Found)> = match export {
            Export::One { name, .. } => vec![(name.clone(), single(name, path, &found)?)],
            // A null is no value in Ruby's ENV either: the variable is left out.
            Export::Subtree { prefix, .. } => {
                let values = found.iter().filter(|one| !one.is_null);
                values
                    .map(|one| Ok((subtree_name(prefix, one)?, one)))
                    .collect::<Result<_, String>>()?
            }
        };
        for (name, one) in values {
            if is_encrypted(one) {
                return Err(format!(
                    "env: {name}: {} is still encrypted: add its key path to `keys`",
                    one.path
                ));
            }
            let first = self.origins.insert(name.clone(), origin.clone());
            // Within one item the same name is a slip, whatever it may replace.
            if let Some(first) = first.filter(|first| !item.replaces || first == origin) {
                return Err(format!(
                    "env: {name} is set twice, here and by {first}: rename one of them, or write override: true"
                ));
            }
            self.values
                .push((name, Zeroizing::new(one.text.expose().to_owned())));
        }
        Ok(())
    }
}

fn look_up(plain: &Document, path: &KeyPath) -> Result<Vec<Found>, String> {
    let found = plain
        .lookup(path)
        .map_err(|error| format!("env: {error}"))?;
    if found.is_empty() {
        Err(format!("env: key path {path} matches nothing"))
    } else {
        Ok(found)
    }
}

fn single<'f>(name: &str, path: &KeyPath, found: &'f [Found]) -> Result<&'f Found, String> {
    match found {
        [one] if one.below.is_empty() && one.is_null => Err(format!(
            "env: {name}: {path} is null: give it a value, or \"\" for an empty one"
        )),
        [one] if one.below.is_empty() => Ok(one),
        _ => Err(format!(
            "env: {name}: {path} is not one value: name one of those below it, or write \"{name}_*\" for all"
        )),
    }
}

/// `DB_` and `primary`, `host` make `DB_PRIMARY_HOST`.
fn subtree_name(prefix: &str, one: &Found) -> Result<String, String> {
    let part = |segment: &Segment| match segment {
        Segment::Key(key) => Ok(key
            .to_uppercase()
            .replace(|c: char| !c.is_ascii_alphanumeric(), "_")),
        Segment::Index(index) => Ok(index.to_string()),
        Segment::Complex => Err(format!(
            "env: {prefix}*: the key of {} is a collection, which makes no name",
            one.path
        )),
    };
    if one.below.is_empty() {
        return Err(format!(
            "env: {prefix}*: {} is one value: give it a name of its own",
            one.path
        ));
    }
    let parts: Vec<String> = one.below.iter().map(part).collect::<Result<_, _>>()?;
    Ok(format!("{prefix}{}", parts.join("_")))
}
