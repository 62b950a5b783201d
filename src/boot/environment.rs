//! The app's environment: the container's, byte for byte, with the mode's and the secrets' variables
//! laid over it, checked against the kernel's limits before `execve` fails on them.

use std::ffi::{CStr, CString};

/// The kernel's limit for one argument or variable, its NUL included (`MAX_ARG_STRLEN`, execve(2)).
const MAX_STRING: usize = 32 * 4096;

/// Variables in the order in which the app gets them.
#[derive(Clone, Default)]
pub struct Environment {
    entries: Vec<CString>,
}

/// Why an environment cannot be given to a process. The value is never named.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentError {
    #[error("variable {0}: its value has a NUL byte, which no variable can hold")]
    Nul(String),
    #[error(
        "variable {name}: {length} bytes with its name, the kernel takes at most 131071: write it to a file instead"
    )]
    TooLong { name: String, length: usize },
    #[error("argument {index}: {length} bytes, the kernel takes at most 131071")]
    ArgumentTooLong { index: usize, length: usize },
    #[error(
        "arguments and environment are {total} bytes, the kernel takes {limit} here (a quarter of the stack limit); the largest variable is {largest}"
    )]
    TooLarge {
        total: usize,
        limit: usize,
        largest: String,
    },
}

impl Environment {
    /// Starts from the container's entries.
    pub fn new(entries: Vec<CString>) -> Environment {
        Environment { entries }
    }

    /// The bytes of a variable's value.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.entries
            .iter()
            .find_map(|entry| value_of(entry, name.as_bytes()))
    }

    /// All variables whose names are text; of two with one name, the first.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let pairs = self.entries.iter().filter_map(|entry| {
            let bytes = entry.to_bytes();
            let at = bytes.iter().position(|byte| *byte == b'=')?;
            let (name, value) = bytes.split_at(at);
            Some((std::str::from_utf8(name).ok()?, value.get(1..)?))
        });
        pairs.filter(|(name, value)| {
            self.get(name)
                .is_some_and(|first| std::ptr::eq(first, *value))
        })
    }

    /// Sets a variable in its first old place, or at the end; another of its name would win in some
    /// programs.
    pub fn set(&mut self, name: &str, value: &[u8]) -> Result<(), EnvironmentError> {
        let bytes = [name.as_bytes(), b"=", value].concat();
        let entry = CString::new(bytes).map_err(|_| EnvironmentError::Nul(name.to_owned()))?;
        let old = self
            .entries
            .iter()
            .position(|old| value_of(old, name.as_bytes()).is_some());
        self.remove(name);
        self.entries
            .insert(old.unwrap_or(self.entries.len()), entry);
        Ok(())
    }

    /// Takes a variable away.
    pub fn remove(&mut self, name: &str) {
        self.entries
            .retain(|entry| value_of(entry, name.as_bytes()).is_none());
    }

    /// The entries, as `execve` takes them.
    pub fn entries(&self) -> &[CString] {
        &self.entries
    }

    /// Checks what the kernel would refuse with a bare E2BIG. `stack_limit` is the soft `RLIMIT_STACK`.
    pub fn check(&self, argv: &[CString], stack_limit: u64) -> Vec<EnvironmentError> {
        let mut errors = Vec::new();
        for (index, argument) in argv.iter().enumerate() {
            let length = argument.as_bytes().len();
            if length >= MAX_STRING {
                errors.push(EnvironmentError::ArgumentTooLong { index, length });
            }
        }
        for entry in &self.entries {
            let length = entry.as_bytes().len();
            if length >= MAX_STRING {
                errors.push(EnvironmentError::TooLong {
                    name: name_of(entry),
                    length,
                });
            }
        }
        let total = argv.iter().chain(&self.entries).map(|one| size(one)).sum();
        let limit = total_limit(stack_limit);
        if total > limit {
            let largest = self
                .entries
                .iter()
                .max_by_key(|entry| size(entry))
                .map(|entry| name_of(entry));
            errors.push(EnvironmentError::TooLarge {
                total,
                limit,
                largest: largest.unwrap_or_default(),
            });
        }
        errors
    }
}

/// A string, its NUL and its pointer all count (fs/exec.c, `bprm_stack_limits`).
fn size(entry: &CStr) -> usize {
    entry.to_bytes_with_nul().len() + size_of::<usize>()
}

/// A quarter of the stack, at most three quarters of 8 MiB, never less than 128 KiB; the program's own
/// path and the auxiliary vector want a little of it.
fn total_limit(stack_limit: u64) -> usize {
    let quarter = usize::try_from(stack_limit / 4).unwrap_or(usize::MAX);
    quarter.clamp(128 * 1024, 6 * 1024 * 1024) - 4096 - 64
}

fn value_of<'e>(entry: &'e CStr, name: &[u8]) -> Option<&'e [u8]> {
    entry.to_bytes().strip_prefix(name)?.strip_prefix(b"=")
}

fn name_of(entry: &CStr) -> String {
    let name = entry
        .to_bytes()
        .split(|byte| *byte == b'=')
        .next()
        .unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STACK: u64 = 8 * 1024 * 1024;

    fn environment(entries: &[&str]) -> Environment {
        Environment::new(
            entries
                .iter()
                .map(|entry| CString::new(*entry).unwrap())
                .collect(),
        )
    }

    #[test]
    fn the_containers_own_entries_stay_as_they_are() {
        let mut environment = environment(&["A=1", "malformed", "B=", "A=2", "C=x=y"]);
        environment.set("B", b"\xff").unwrap();
        environment.set("D", b"new").unwrap();
        environment.remove("C");
        environment.set("A", b"3").unwrap();
        let entries: Vec<&[u8]> = environment
            .entries()
            .iter()
            .map(CString::as_bytes)
            .collect();
        assert_eq!(
            entries,
            [b"A=3".as_slice(), b"malformed", b"B=\xff", b"D=new"]
        );
    }

    #[test]
    fn limits_name_the_variable_and_never_its_value() {
        let long = format!("LONG={}", "s".repeat(MAX_STRING));
        let errors = environment(&["A=1", &long]).check(&[], STACK);
        let expected = EnvironmentError::TooLong {
            name: "LONG".into(),
            length: long.len(),
        };
        assert_eq!(errors, [expected]);
        let fits = format!("LONG={}", "s".repeat(MAX_STRING - 6));
        assert!(environment(&[&fits]).check(&[], STACK).is_empty());
    }

    #[test]
    fn the_total_is_checked() {
        let entries: Vec<String> = (0..17)
            .map(|n| format!("N{n}={}", "x".repeat(125_000)))
            .collect();
        let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
        let environment = environment(&entries);
        assert!(matches!(
            environment.check(&[], STACK)[..],
            [EnvironmentError::TooLarge { .. }]
        ));
        assert!(environment.check(&[], 64 * 1024 * 1024).is_empty());
    }

    #[test]
    fn variables_are_the_first_of_their_name() {
        let environment = environment(&["A=1", "malformed", "B=", "A=2", "C=x=y"]);
        let expected: [(&str, &[u8]); 3] = [("A", b"1"), ("B", b""), ("C", b"x=y")];
        assert_eq!(environment.variables().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_nul_is_refused() {
        assert_eq!(
            environment(&[]).set("A", b"a\0b"),
            Err(EnvironmentError::Nul("A".into()))
        );
    }
}
