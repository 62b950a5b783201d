//! The encryption context: what KMS must be told with the data key, and what callers may say of it.

use super::error::{ContextDifference, Problem, ReadError};
use super::names::CONTEXT_CEK_ALG;
use super::text_map::Texts;
use std::collections::BTreeMap;

pub type Context = BTreeMap<String, String>;

/// Reads the context of a member.
pub fn parse(name: &'static str, text: &str) -> Result<Context, ReadError> {
    let wrong = |problem| ReadError::Member { name, problem };
    if text.starts_with("=?") {
        return Err(wrong(Problem::Rfc2047));
    }
    let parsed = serde_json::from_str::<Texts>(text);
    parsed
        .map(|Texts(context)| context)
        .map_err(|_| wrong(Problem::Json))
}

/// As KMS takes it.
pub fn pairs(context: Context) -> Vec<(String, String)> {
    context.into_iter().collect()
}

/// The caller's context with the clients' own member, which binds the cipher.
pub fn with_cipher(given: &Context, cipher: &str) -> Result<Context, ReadError> {
    if given.contains_key(CONTEXT_CEK_ALG) {
        return Err(ReadError::Reserved(CONTEXT_CEK_ALG));
    }
    let mut context = given.clone();
    context.insert(CONTEXT_CEK_ALG.to_owned(), cipher.to_owned());
    Ok(context)
}

/// Whether the object's context, which stands in the member `name`, binds its cipher and is otherwise what
/// the caller gives.
pub fn check(
    name: &'static str,
    context: &Context,
    given: &Context,
    (cipher_name, cipher): (&'static str, &str),
) -> Result<(), ReadError> {
    let expected = with_cipher(given, cipher)?;
    if context
        .get(CONTEXT_CEK_ALG)
        .is_none_or(|bound| bound != cipher)
    {
        let problem = Problem::OtherCipher(cipher_name);
        return Err(ReadError::Member { name, problem });
    }
    if *context == expected {
        return Ok(());
    }
    let only_in = |one: &Context, other: &Context| -> Vec<String> {
        let names = one.keys().filter(|name| !other.contains_key(*name));
        names.cloned().collect()
    };
    let differs = |(name, value): &(&String, &String)| {
        expected.get(*name).is_some_and(|wanted| wanted != *value)
    };
    Err(ReadError::Context(ContextDifference {
        not_given: only_in(context, &expected),
        not_there: only_in(&expected, context),
        different: context
            .iter()
            .filter(differs)
            .map(|(name, _)| name.clone())
            .collect(),
    }))
}
