//! Everything that is wrong with the files of a mode, collected so that one run shows it all.
//!
//! A problem may quote what stands in a file; it never holds the value of a variable.

use crate::yaml::Place;
use std::collections::BTreeSet;
use std::fmt;

/// One thing that is wrong; ordered by file, then by place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file or folder, or the option that named it.
    pub file: String,
    pub place: Option<Place>,
    /// Dotted, such as `stop.steps[0].signal`; empty where no key is meant.
    pub key: String,
    pub message: String,
    /// What to do about it; may be empty.
    pub remedy: String,
}

impl Problem {
    /// A problem of a whole file or folder.
    pub fn of(
        file: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Problem {
            file: file.into(),
            place: None,
            key: String::new(),
            message: message.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(place) = self.place {
            write!(f, ":{place}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)?;
        if !self.remedy.is_empty() {
            write!(f, ", {}", self.remedy)?;
        }
        Ok(())
    }
}

/// All problems found, each once; displayed one a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(BTreeSet<Problem>);

impl Problems {
    pub fn push(&mut self, problem: Problem) {
        self.0.insert(problem);
    }

    pub fn extend(&mut self, other: Problems) {
        self.0.extend(other.0);
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// `value` if nothing was wrong.
    pub fn or<T>(self, value: T) -> Result<T, Problems> {
        if self.is_empty() {
            Ok(value)
        } else {
            Err(self)
        }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Problems(BTreeSet::from([problem]))
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// The known word nearest to `word`, if it is near enough to be meant.
#[must_use]
pub fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Longer words are no slips of the pen, and the distance costs the product of the lengths.
    const LONGEST: usize = 64;
    let word = word.to_ascii_lowercase();
    let length = word.chars().count();
    if length > LONGEST {
        return None;
    }
    let allowed = ((length + 1) / 3).max(1);
    let distance =
        |candidate: &str| strsim::damerau_levenshtein(&word, &candidate.to_ascii_lowercase());
    known
        .into_iter()
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.len())
        .min()
        .map(|(_, candidate)| candidate)
}

/// `did you mean "drain"? known keys: defer, drain`, the question only where it helps.
#[must_use]
pub fn suggestion(word: &str, what: &str, known: &[&str]) -> String {
    let mut sorted = known.to_vec();
    sorted.sort_unstable();
    let list = format!("{what}: {}", sorted.join(", "));
    match closest(word, known.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"? {list}"),
        None => list,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(file: &str, line: usize, column: usize) -> Problem {
        Problem {
            place: Some(Place { line, column }),
            key: "stop.drian".to_owned(),
            ..Problem::of(file, "unknown key", "")
        }
    }

    #[test]
    fn sorted_by_file_then_place_and_each_once() {
        let mut problems = Problems::default();
        for problem in [
            at("b", 1, 1),
            at("a", 10, 1),
            at("a", 9, 3),
            at("a", 9, 2),
            at("a", 9, 2),
        ] {
            problems.push(problem);
        }
        let shown = problems.to_string();
        let places: Vec<&str> = shown
            .lines()
            .filter_map(|line| line.split(": ").next())
            .collect();
        assert_eq!(places, ["a:9:2", "a:9:3", "a:10:1", "b:1:1"]);
    }

    #[test]
    fn slips_of_the_pen_are_recognised() {
        let known = ["command", "drain", "env", "stop", "to"];
        for (word, near) in [
            ("drian", Some("drain")),
            ("comand", Some("command")),
            ("evn", Some("env")),
            ("STOP", Some("stop")),
            ("drum", None),
            ("x", None),
            ("", None),
            ("volumes", None),
        ] {
            assert_eq!(closest(word, known), near, "{word}");
        }
    }
}
