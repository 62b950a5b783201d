//! Values of Parameter Store and Secrets Manager as documents, in which key paths find them.

use super::given::Given;
use crate::aws::{Parameter, SecretId, SecretValue, Version};
use crate::config::{ManagedSecret, ParameterSet, SecretItem};
use crate::vault::Document;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// How Secrets Manager is asked for a secret.
pub fn secret_id(secret: &ManagedSecret) -> SecretId {
    let version = match (&secret.version_id, &secret.stage) {
        (Some(id), _) => Version::Id(id.clone()),
        (None, Some(stage)) => Version::Stage(stage.clone()),
        (None, None) => Version::Current,
    };
    SecretId {
        id: secret.id.clone(),
        version,
    }
}

/// A JSON object of texts.
pub fn object<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Zeroizing<String> {
    let pairs = pairs.map(|(name, text)| (name.to_owned(), Value::from(text)));
    Zeroizing::new(Value::Object(pairs.collect::<Map<_, _>>()).to_string())
}

/// Parameters as a tree: `/app/db/password` below `/app` is `$.db.password`, and by its own name
/// `$.app.db.password`.
pub fn parameters<'m>(
    item: &'m SecretItem,
    set: &ParameterSet,
    parameters: &[Parameter],
) -> Result<Given<'m>, String> {
    let root = match set {
        ParameterSet::Below { path, .. } => path.trim_end_matches('/'),
        ParameterSet::Named(_) => "",
    };
    let mut tree = Map::new();
    for parameter in parameters {
        let name = parameter.name.strip_prefix(root).unwrap_or(&parameter.name);
        let steps: Vec<&str> = name.split('/').filter(|step| !step.is_empty()).collect();
        insert(&mut tree, &steps, &parameter.value).ok_or_else(|| {
            format!(
                "{} is a value and has others below it, too: name what you need in a list",
                parameter.name
            )
        })?;
    }
    let text = Zeroizing::new(Value::Object(tree).to_string());
    given(item, &text, parameters.len())
}

fn insert(tree: &mut Map<String, Value>, steps: &[&str], value: &str) -> Option<()> {
    let (first, rest) = steps.split_first()?;
    if rest.is_empty() {
        let old = tree.insert((*first).to_owned(), Value::from(value));
        return old.is_none().then_some(());
    }
    let below = tree
        .entry(*first)
        .or_insert_with(|| Value::Object(Map::new()));
    insert(below.as_object_mut()?, rest, value)
}

/// A secret: the keys of its JSON object, or one text.
pub fn secret<'m>(item: &'m SecretItem, value: &SecretValue) -> Result<Given<'m>, String> {
    let text = match value {
        SecretValue::Binary(bytes) => return Ok(Given::whole(item, None, bytes.clone(), 1)),
        SecretValue::Text(text) => text,
    };
    let content = Zeroizing::new(text.as_bytes().to_vec());
    // YAML would read more into a text than its writer meant, so only JSON is taken apart.
    let (text, count) = match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(members)) => {
            let count = members.len();
            (Zeroizing::new(Value::Object(members).to_string()), count)
        }
        _ => (Zeroizing::new(Value::from(text.as_str()).to_string()), 1),
    };
    let mut given = given(item, &text, count)?;
    given.content = content;
    Ok(given)
}

fn given<'m>(item: &'m SecretItem, text: &str, count: usize) -> Result<Given<'m>, String> {
    let values = Document::parse(text).map_err(|error| error.to_string())?;
    let content = Zeroizing::new(text.as_bytes().to_vec());
    Ok(Given::whole(item, Some(values), content, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameter(name: &str) -> Parameter {
        Parameter {
            name: name.to_owned(),
            value: Zeroizing::new(format!("value: of {name}")),
        }
    }

    fn tree(root: &str, names: &[&str]) -> Option<String> {
        let mut tree = Map::new();
        for name in names {
            let below = parameter(name).name.strip_prefix(root).unwrap().to_owned();
            let steps: Vec<&str> = below.split('/').filter(|step| !step.is_empty()).collect();
            insert(&mut tree, &steps, name)?;
        }
        Some(Value::Object(tree).to_string())
    }

    #[test]
    fn names_make_a_tree_and_nothing_is_lost() {
        let made = tree("/app", &["/app/db/password", "/app/key", "/app/db/host"]);
        assert_eq!(
            made.as_deref(),
            Some(
                r#"{"db":{"host":"/app/db/host","password":"/app/db/password"},"key":"/app/key"}"#
            )
        );
        for clash in [
            ["/a/b", "/a/b/c"],
            ["/a/b/c", "/a/b"],
            ["/a/b", "/a//b"],
            ["/a", "/a/b"],
        ] {
            assert_eq!(tree("/a", &clash), None, "{clash:?}");
        }
    }
}
