//! The variables that a value sees: the container's environment, overlaid by the mode's `env:`.

use std::ffi::OsString;

/// Reads a variable of the container's environment.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// The container's variables under those of `env:` resolved so far.
pub struct Scope<'a> {
    container: Lookup<'a>,
    /// `None`: its own value could not be resolved, which is already a problem.
    own: Vec<(String, Option<String>)>,
    /// Names of `env:` not resolved yet.
    later: Vec<String>,
}

/// What a name stands for.
#[derive(PartialEq, Eq)]
pub enum Found {
    Value(String),
    Unset,
    /// Unset here, but set further down in `env:`.
    Later,
    NotUtf8,
    /// Its own problem is reported already.
    Broken,
}

impl<'a> Scope<'a> {
    #[must_use]
    pub fn new(container: Lookup<'a>) -> Self {
        Scope {
            container,
            own: Vec::new(),
            later: Vec::new(),
        }
    }

    /// Names of `env:`, in order, before any is resolved.
    pub fn expect(&mut self, names: impl IntoIterator<Item = String>) {
        self.later.extend(names);
    }

    /// The next name of `env:` is resolved.
    pub fn set(&mut self, name: &str, value: Option<String>) {
        self.later.retain(|later| later != name);
        self.own.push((name.to_owned(), value));
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Found {
        if let Some((_, value)) = self.own.iter().rev().find(|(own, _)| own == name) {
            return value.clone().map_or(Found::Broken, Found::Value);
        }
        match (self.container)(name).map(OsString::into_string) {
            Some(Ok(value)) => Found::Value(value),
            Some(Err(_)) => Found::NotUtf8,
            None if self.later.iter().any(|later| later == name) => Found::Later,
            None => Found::Unset,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    #[test]
    fn own_variables_lie_over_the_containers() {
        let container = |name: &str| match name {
            "A" | "B" => Some(OsString::from("container")),
            "X" => Some(OsString::from_vec(vec![0xff])),
            _ => None,
        };
        let mut scope = Scope::new(&container);
        scope.expect(["A", "C", "D"].map(str::to_owned));
        let container = Found::Value("container".to_owned());
        assert!(
            scope.get("A") == container,
            "its own name is the container's"
        );
        assert!(scope.get("C") == Found::Later);
        scope.set("A", Some("own".to_owned()));
        scope.set("C", None);
        assert!(scope.get("A") == Found::Value("own".to_owned()));
        assert!(scope.get("B") == container);
        assert!(scope.get("C") == Found::Broken);
        assert!(scope.get("D") == Found::Later);
        assert!(scope.get("E") == Found::Unset);
        assert!(scope.get("X") == Found::NotUtf8);
    }
}
