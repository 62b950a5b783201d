//! `entryctl vault get`.

use super::arguments::AffixOptions;
use super::cryptor::Cryptor;
use super::options::CryptorOptions;
use super::reveal::decrypted;
use super::told;
use crate::cli::output::{self, Privacy};
use crate::cli::{Failure, input};
use crate::vault::psych::Kind;
use crate::vault::{Document, Found, KeyPath, Selection};
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Aliases and merge keys are followed. A value that is not encrypted is shown, too. Nothing
else of the file is decrypted.

Exit codes: 0 done, 1 failed, 2 wrong usage.

Examples:
  entryctl vault get config/secrets.yml '$.production.database.password'
  PGPASSWORD=$(entryctl vault get config/secrets.yml '$.production.password') psql
  entryctl vault get config/secrets.yml '$.production.port' --json";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// The file to read, `-` for standard input
    file: PathBuf,
    /// The value's key path
    #[arg(value_name = "KEYPATH")]
    path: KeyPath,
    /// As JSON: text, or what YAML has as a number, boolean or null
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    affixes: AffixOptions,
    #[command(flatten)]
    cryptor: CryptorOptions,
}

impl Arguments {
    pub fn run(&self) -> Result<(), Failure> {
        let name = input::name(&self.file);
        let (_, document) = told::read(&self.file)?;
        let found = self.only(&name, &document)?;
        let selected = document.selected(found.id, &self.affixes.affixes());
        let found = if self.cryptor.is_message(&selected.message) {
            let mut cryptor = self.cryptor.cryptor()?;
            let selection = Selection {
                scalars: vec![selected],
                ..Selection::default()
            };
            self.opened(&name, &document, &selection, &mut cryptor)?
        } else {
            found
        };
        let text = found.text.expose();
        let shown = if self.json {
            json(text, found.kind)
        } else {
            text.to_owned()
        };
        let shown = zeroize::Zeroizing::new(shown + "\n");
        output::write(None, &shown, Privacy::Secret)
    }

    fn opened(
        &self,
        name: &str,
        document: &Document,
        selection: &Selection,
        cryptor: &mut Cryptor,
    ) -> Result<Found, Failure> {
        let text = decrypted(name, document, selection, cryptor)?;
        self.only(name, &told::parse(name, text.expose())?)
    }

    /// The one scalar that stands at the path.
    fn only(&self, name: &str, document: &Document) -> Result<Found, Failure> {
        const SHOWN: usize = 5;
        let found = document.lookup(&self.path);
        let mut found = found.map_err(|error| Failure::line(format!("{name}: {error}")))?;
        let path = &self.path;
        match found.len() {
            0 => Err(Failure::line(format!(
                "{name}: key path {path} matches nothing"
            ))),
            1 if found.iter().all(|one| one.below.is_empty()) => Ok(found.swap_remove(0)),
            count => {
                let mut shown: Vec<String> =
                    found.into_iter().take(SHOWN).map(|one| one.path).collect();
                if count > SHOWN {
                    shown.push(format!("{} more", count - SHOWN));
                }
                let shown = shown.join(", ");
                Err(Failure::line(format!(
                    "{name}: key path {path} means no single value: name one of {shown}"
                )))
            }
        }
    }
}

/// Numbers that JSON writes otherwise than YAML stay text.
fn json(text: &str, kind: Kind) -> String {
    use serde_json::Value;
    let number = || serde_json::from_str(text).ok().filter(Value::is_number);
    let value = match kind {
        Kind::Null => Value::Null,
        Kind::Boolean(value) => Value::Bool(value),
        Kind::Integer | Kind::Float => number().unwrap_or_else(|| Value::from(text)),
        _ => Value::from(text),
    };
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::psych::resolve;

    #[test]
    fn json_has_the_types_that_it_shares_with_yaml() {
        for (text, want) in [
            ("1", "1"),
            ("-1.5", "-1.5"),
            ("0755", "\"0755\""),
            ("1_000", "\"1_000\""),
            ("yes", "true"),
            ("~", "null"),
            ("", "null"),
            ("1e3", "\"1e3\""),
            ("2020-01-01", "\"2020-01-01\""),
            ("a\"b", "\"a\\\"b\""),
        ] {
            assert_eq!(json(text, resolve(text)), want);
        }
        assert_eq!(json("1", Kind::String), "\"1\"");
    }
}
