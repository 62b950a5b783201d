//! `command`: a list of words, or a string that is split as a POSIX shell splits, and run without one.
//!
//! What only a shell would act on is refused rather than handed to the program as a strange word.
//! The value of a variable is never split and its quotes mean nothing: it stays within its word.

use super::{Decoder, Item};
use crate::config::interpolate::Part;
use crate::config::node::Value;

/// Stands around the index of a variable while the string is split; refused in written text.
const MARK: char = '\u{1}';

const SHELL_ONLY: &str = "means nothing without a shell, and the command runs without one";
const EXPAND: &str = "write ${NAME} for a variable, or put single quotes around it";
const LIST: &str = "write a list with a shell: [sh, -c, \"…\"], or quote it";

/// Shell words that are no programs; `exec` is what `entry` does anyway.
const BUILTINS: [&str; 7] = [".", "cd", "eval", "exec", "export", "set", "source"];

impl Decoder<'_> {
    pub fn command(&mut self, item: &Item) -> Option<Vec<String>> {
        let words = match &item.node.value {
            Value::Scalar(_) => self.split(item)?,
            Value::List(_) => {
                let words = self.one_or_more(item, "the program and its words");
                let words: Vec<Option<String>> = words
                    .iter()
                    .map(|word| self.text(word).map(|text| text.value))
                    .collect();
                words.into_iter().collect::<Option<Vec<String>>>()?
            }
            Value::Map(_) => {
                self.expected(item, "a list of words or a string");
                return None;
            }
        };
        match words.first().map(|first| first.trim().is_empty()) {
            Some(false) => return Some(words),
            Some(true) => self.problem(item, "its first word, the program, is empty", ""),
            // The list's own problem is noted already.
            None => {}
        }
        None
    }

    fn split(&mut self, item: &Item) -> Option<Vec<String>> {
        let scalar = self.scalar(item)?;
        let text = scalar.text.trim();
        if text.is_empty() {
            self.problem(item, "is empty", "write the program and its words");
            return None;
        }
        if text.contains(|c: char| c.is_control() && c != '\n' && c != '\t') {
            self.problem(item, "holds a control character", "");
            return None;
        }
        let parts = self.parts(item, text)?;
        let skeleton = skeleton(&parts);
        if let Some((message, remedy)) = needs_shell(&skeleton) {
            self.problem(item, message, remedy);
            return None;
        }
        let Ok(words) = shell_words::split(&skeleton) else {
            self.problem(item, "a quote is not closed", "");
            return None;
        };
        if let Some(builtin) = words
            .first()
            .filter(|first| BUILTINS.contains(&first.as_str()))
        {
            let remedy = match builtin.as_str() {
                "exec" => "leave it out: the command is run directly",
                "cd" => "write workdir",
                "export" => "write env",
                _ => LIST,
            };
            self.problem(
                item,
                format!("{builtin} is a shell's own word, no program"),
                remedy,
            );
            return None;
        }
        let values = self.fill(item, &parts)?;
        Some(words.iter().map(|word| fill_word(word, &values)).collect())
    }
}

/// The string with each variable's index, in marks, in place of its value.
fn skeleton(parts: &[Part]) -> String {
    parts
        .iter()
        .enumerate()
        .map(|(index, part)| match part {
            Part::Text(text) => (*text).to_owned(),
            Part::Variable { .. } => format!("{MARK}{index}{MARK}"),
        })
        .collect()
}

fn fill_word(word: &str, values: &[String]) -> String {
    word.split(MARK)
        .enumerate()
        .map(|(nth, piece)| match piece.parse::<usize>() {
            Ok(index) if nth % 2 == 1 => values.get(index).map_or("", String::as_str),
            _ => piece,
        })
        .collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Quote {
    None,
    Single,
    Double,
}

/// What a shell would act on and a program would not, and the remedy.
fn needs_shell(text: &str) -> Option<(String, &'static str)> {
    let mut quote = Quote::None;
    let mut word_begins = true;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        let rest = text.get(at..).unwrap_or_default();
        if std::mem::take(&mut escaped) {
            word_begins = false;
            continue;
        }
        let shell = match (quote, c) {
            (Quote::Single, '\'') | (Quote::Double, '"') => {
                quote = Quote::None;
                None
            }
            (Quote::Single, _) => None,
            (_, '\\') => {
                escaped = true;
                None
            }
            (_, '`') => Some("`"),
            (_, '$') if expands(rest) => Some(expansion(rest)),
            (Quote::None, '\'') => {
                quote = Quote::Single;
                None
            }
            (Quote::None, '"') => {
                quote = Quote::Double;
                None
            }
            (Quote::None, '\n') => {
                return Some(("several lines are several commands".to_owned(), LIST));
            }
            (Quote::None, '|' | '&' | ';' | '<' | '>' | '(' | ')') => Some(operator(rest)),
            (Quote::None, '*' | '?') => Some(rest.get(..1).unwrap_or_default()),
            (Quote::None, '~' | '#') if word_begins => rest.get(..1),
            _ => None,
        };
        if let Some(found) = shell {
            let variable = found.starts_with('$') && found != "$(";
            let remedy = if variable { EXPAND } else { LIST };
            return Some((format!("{found} {SHELL_ONLY}"), remedy));
        }
        word_begins = quote == Quote::None && matches!(c, ' ' | '\t');
    }
    assignment(text)
}

/// `NAME=value` before the program.
fn assignment(text: &str) -> Option<(String, &'static str)> {
    let (name, _) = text.split_once('=')?;
    let is_name = !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (is_name && !name.is_empty()).then(|| {
        (
            format!("{name}=… before the program needs a shell"),
            "set the variable under env",
        )
    })
}

/// Whether a shell would replace this `$`; `${` is a literal here, written `$${`.
fn expands(rest: &str) -> bool {
    let next = rest.chars().nth(1);
    next.is_some_and(|c| c.is_ascii_alphanumeric() || "_(@*#?!-$".contains(c))
}

/// `$(` or `$NAME`.
fn expansion(rest: &str) -> &str {
    let name = rest.char_indices().skip(1);
    let end = name
        .take_while(|(_, c)| c.is_ascii_alphanumeric() || *c == '_')
        .count()
        + 1;
    rest.get(..end.max(2)).unwrap_or("$")
}

fn operator(rest: &str) -> &str {
    let end = rest.bytes().take_while(|b| b"|&;<>()".contains(b)).count();
    rest.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_a_shell() {
        for (text, found) in [
            ("a && b", "&&"),
            ("a|b", "|"),
            ("a; b", ";"),
            ("a 2>&1", ">&"),
            ("a `b`", "`"),
            ("a \"`b`\"", "`"),
            ("a $(b)", "$("),
            ("a \"$(b)\"", "$("),
            ("a $HOME/x", "$HOME"),
            ("a *.rb", "*"),
            ("a ~/x", "~"),
            ("a #b", "#"),
            ("(a)", "("),
        ] {
            let expected = format!("{found} {SHELL_ONLY}");
            assert_eq!(
                needs_shell(text).map(|(message, _)| message),
                Some(expected),
                "{text}"
            );
        }
        assert_eq!(
            needs_shell("A_1=x b").unwrap().0,
            "A_1=… before the program needs a shell"
        );
        assert_eq!(
            needs_shell("a\nb").unwrap().0,
            "several lines are several commands"
        );
    }

    #[test]
    fn what_does_not() {
        for text in [
            "bundle exec rake db:seed[x,y]",
            "a 'b && $(c) `d` *' \"x;y|z\"",
            "a \\&\\& b\\;",
            "a --b=c",
            "a b#c d~e $ 5$ ${x}",
            "a \\\n b",
            "ruby -e 'puts 1; puts 2'",
        ] {
            assert_eq!(needs_shell(text), None, "{text}");
        }
    }
}
