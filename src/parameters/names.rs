//! Names of variables from those of parameters and keys.

use std::collections::BTreeMap;

/// Why there is no variable of such a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("{parameter} does not stand below {path}")]
    NotBelow { path: String, parameter: String },
    #[error(
        "{source_name}: {variable:?} can be no variable's name: it must have letters, digits and _ only, and \
         begin with no digit; say which variable it shall be"
    )]
    NoName {
        source_name: String,
        variable: String,
    },
    #[error(
        "{first} and {second} would both be the variable {variable}; say which variable one shall be"
    )]
    Clash {
        variable: String,
        first: String,
        second: String,
    },
}

/// The variable of a parameter that was found below `path`: `/app/prod/db/user-name` below `/app/prod` is
/// `DB_USER_NAME`.
pub fn variable_below(path: &str, parameter: &str) -> Result<String, NameError> {
    let rest = parameter
        .strip_prefix(path.trim_end_matches('/'))
        .and_then(|rest| rest.strip_prefix('/'));
    let rest = rest.ok_or_else(|| NameError::NotBelow {
        path: path.to_owned(),
        parameter: parameter.to_owned(),
    })?;
    variable(rest, parameter)
}

/// The variable of a parameter that was asked for by name, or of a key of a secret: of the last part of
/// `/app/prod/db-url`, of an ARN, without `:VERSION`, it is `DB_URL`.
pub fn variable_of(name: &str) -> Result<String, NameError> {
    let last = name.rsplit_once('/').map_or(name, |(_, last)| last);
    let last = last.split_once(':').map_or(last, |(last, _)| last);
    variable(last, name)
}

/// The values by variable. Two of one name are an error: which of them counts would be chance.
pub fn by_name<T>(
    all: impl IntoIterator<Item = (String, String, T)>,
) -> Result<BTreeMap<String, T>, NameError> {
    let mut found: BTreeMap<String, (String, T)> = BTreeMap::new();
    for (variable, source, value) in all {
        if let Some((first, _)) = found.get(&variable) {
            return Err(NameError::Clash {
                first: first.clone(),
                second: source,
                variable,
            });
        }
        found.insert(variable, (source, value));
    }
    Ok(found
        .into_iter()
        .map(|(variable, (_, value))| (variable, value))
        .collect())
}

fn variable(part: &str, source: &str) -> Result<String, NameError> {
    let letter = |c: char| match c {
        '/' | '-' | '.' => '_',
        other => other.to_ascii_uppercase(),
    };
    let variable: String = part.chars().map(letter).collect();
    let allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let digit = variable.starts_with(|c: char| c.is_ascii_digit());
    if variable.is_empty() || digit || !variable.bytes().all(allowed) {
        return Err(NameError::NoName {
            source_name: source.to_owned(),
            variable,
        });
    }
    Ok(variable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_variable_is_what_stands_below_the_path() {
        let table = [
            ("/app/prod", "/app/prod/db-url", Some("DB_URL")),
            ("/app/prod/", "/app/prod/db/user.name", Some("DB_USER_NAME")),
            ("/", "/app/Key", Some("APP_KEY")),
            ("/app", "/app/prod/_x", Some("PROD__X")),
            ("/app/prod", "/app/production/x", None),
            ("/app/prod", "/app/prod", None),
            ("/app/prod", "/app/prod/", None),
            ("/app", "/app/1st", None),
            ("/app", "/app/a b", None),
            ("/app", "/app/\u{e9}", None),
            ("/app", "/app/a=b", None),
        ];
        for (path, parameter, variable) in table {
            let found = variable_below(path, parameter);
            assert_eq!(found.ok().as_deref(), variable, "{path} {parameter}");
        }
    }

    #[test]
    fn a_variable_is_the_last_part_of_a_name() {
        let table = [
            ("/app/prod/db-url", Some("DB_URL")),
            ("/app/prod/db-url:3", Some("DB_URL")),
            ("db.url", Some("DB_URL")),
            (
                "arn:aws:ssm:eu-west-1:1:parameter/app/db-url:prior",
                Some("DB_URL"),
            ),
            ("/app/", None),
            ("", None),
            ("9", None),
        ];
        for (name, variable) in table {
            assert_eq!(variable_of(name).ok().as_deref(), variable, "{name}");
        }
    }

    #[test]
    fn errors_name_both_sides() {
        let text = |result: Result<String, NameError>| result.unwrap_err().to_string();
        assert_eq!(
            text(variable_below("/a", "/b/c")),
            "/b/c does not stand below /a"
        );
        assert_eq!(
            text(variable_of("/a/1st")),
            "/a/1st: \"1ST\" can be no variable's name: it must have letters, digits and _ only, and begin with \
             no digit; say which variable it shall be"
        );
        let one = |source: &str| ("DB_URL".to_owned(), source.to_owned(), "canary");
        let clash = by_name([one("/a/db-url"), one("/a/db/url")]).unwrap_err();
        assert_eq!(
            clash.to_string(),
            "/a/db-url and /a/db/url would both be the variable DB_URL; say which variable one shall be"
        );
    }

    proptest! {
        /// Whatever a parameter may be called, there is a good name or an error, and none is lost.
        #[test]
        fn every_name_is_good_or_refused(names in prop::collection::btree_set("[a-zA-Z0-9_./-]{1,12}", 1..8)) {
            let mut all = Vec::new();
            for name in &names {
                let parameter = format!("/app/{name}");
                if let Ok(variable) = variable_below("/app", &parameter) {
                    prop_assert!(!variable.is_empty());
                    prop_assert!(!variable.as_bytes()[0].is_ascii_digit());
                    prop_assert_eq!(variable.len(), name.len());
                    prop_assert_eq!(variable_of(&variable).unwrap(), variable.clone());
                    all.push((variable, parameter, name.clone()));
                } else {
                    prop_assert!(name.as_bytes()[0].is_ascii_digit());
                }
            }
            let count = all.len();
            let distinct: std::collections::BTreeSet<_> = all.iter().map(|(name, ..)| name.clone()).collect();
            let found = by_name(all);
            prop_assert_eq!(found.is_ok(), distinct.len() == count);
            if let Ok(found) = found {
                prop_assert_eq!(found.len(), count);
            }
        }

        #[test]
        fn nothing_panics(path in any::<String>(), name in any::<String>()) {
            let _ = variable_below(&path, &name);
            let _ = variable_of(&name);
        }
    }
}
