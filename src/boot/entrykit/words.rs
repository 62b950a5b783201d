//! Variables in words: `$NAME`, `${NAME}`, and the four forms that say what else to write. A task is also split
//! into words, as a POSIX shell splits; the value of a variable stays within its word.
//!
//! What a shell would act on besides, such as `&&`, is text: no shell runs. What is not set is empty.

use std::fmt::Write;

/// Reads a variable, or says why it must not be filled in.
pub type Find<'a> = &'a dyn Fn(&str) -> Result<Option<String>, String>;

/// Stands around the index of a value while a task is split; refused in written text.
const MARK: char = '\u{1}';

/// An argument with its variables filled in. Quotes mean nothing in it.
pub fn expand(text: &str, find: Find) -> Result<String, String> {
    let pieces = Reader::read(text, Quotes::Text, find)?;
    Ok(pieces
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.to_owned(),
            Piece::Value(value) => value,
        })
        .collect())
}

/// The words of a task, at least one.
pub fn split(task: &str, find: Find) -> Result<Vec<String>, String> {
    if task.contains(MARK) {
        return Err("holds a control character: take it out".to_owned());
    }
    let mut values = Vec::new();
    let mut skeleton = String::new();
    for piece in Reader::read(task, Quotes::Posix, find)? {
        match piece {
            Piece::Text(text) => skeleton += text,
            Piece::Value(value) => {
                let _ = write!(skeleton, "{MARK}{}{MARK}", values.len());
                values.push(value);
            }
        }
    }
    let Ok(words) = shell_words::split(&skeleton) else {
        return Err("a quote is not closed: close it, or write \\ before it".to_owned());
    };
    match words.first().map(|first| filled(first, &values)) {
        None => Err("is empty: write a command".to_owned()),
        Some(program) if program.is_empty() => {
            Err("its first word, the program, is empty: write one".to_owned())
        }
        Some(_) => Ok(words.iter().map(|word| filled(word, &values)).collect()),
    }
}

fn filled(word: &str, values: &[String]) -> String {
    let pieces = word.split(MARK).enumerate();
    pieces
        .map(|(nth, piece)| match piece.parse::<usize>() {
            Ok(index) if nth % 2 == 1 => values.get(index).map_or("", String::as_str),
            _ => piece,
        })
        .collect()
}

enum Piece<'t> {
    Text(&'t str),
    Value(String),
}

/// What quotes and backslashes are.
#[derive(Clone, Copy, PartialEq)]
enum Quotes {
    Text,
    /// Nothing is filled in between single quotes and after a backslash.
    Posix,
}

struct Reader<'t, 'f> {
    rest: &'t str,
    find: Find<'f>,
}

impl<'t> Reader<'t, '_> {
    fn read(text: &'t str, quotes: Quotes, find: Find) -> Result<Vec<Piece<'t>>, String> {
        let mut reader = Reader { rest: text, find };
        let mut pieces = Vec::new();
        let mut quote = None;
        // How much of the rest is text.
        let mut length = 0;
        while let Some(next) = reader
            .rest
            .get(length..)
            .and_then(|rest| rest.chars().next())
        {
            let posix = quotes == Quotes::Posix;
            match next {
                '\\' if posix && quote != Some('\'') => {
                    let escaped = reader
                        .rest
                        .get(length + 1..)
                        .and_then(|rest| rest.chars().next());
                    length += escaped.map_or(0, char::len_utf8);
                }
                '\'' | '"' if posix && quote.is_none() => quote = Some(next),
                '\'' | '"' if posix && quote == Some(next) => quote = None,
                '$' if quote != Some('\'') => {
                    let (before, marked) = reader.rest.split_at(length);
                    reader.rest = marked;
                    pieces.push(Piece::Text(before));
                    length = 1;
                    if let Some(value) = reader.variable()? {
                        pieces.push(Piece::Value(value));
                        length = 0;
                    }
                    continue;
                }
                _ => {}
            }
            length += next.len_utf8();
        }
        pieces.push(Piece::Text(reader.rest));
        Ok(pieces)
    }

    /// Takes a variable off the start of the rest; `None` where its `$` is only a sign.
    fn variable(&mut self) -> Result<Option<String>, String> {
        let after = self.rest.get(1..).unwrap_or_default();
        if let Some(inside) = after.strip_prefix('{') {
            let Some(end) = end_of_braces(inside) else {
                return Err("a ${ without }: close it".to_owned());
            };
            let inside = inside.get(..end).unwrap_or_default();
            let value = self.braces(inside)?;
            if value.is_some() {
                self.rest = self.rest.get(inside.len() + 3..).unwrap_or_default();
            }
            return Ok(value);
        }
        let name = name(after);
        if name.is_empty() {
            return Ok(None);
        }
        self.rest = self.rest.get(1 + name.len()..).unwrap_or_default();
        Ok(Some((self.find)(name)?.unwrap_or_default()))
    }

    /// `NAME`, or one of its forms. A shell's own, such as `${1}`, are a shell's.
    fn braces(&self, inside: &str) -> Result<Option<String>, String> {
        let shown = format!("${{{inside}}}");
        let name = name(inside);
        if name.is_empty() {
            return match inside.chars().next() {
                Some('#') if inside.len() > 1 => Err(format!(
                    "{shown} is a length, which entry does not count: write it out"
                )),
                _ => Ok(None),
            };
        }
        let value = (self.find)(name)?;
        let operator = inside.get(name.len()..).unwrap_or_default();
        let (form, empty_counts) = match operator.strip_prefix(':') {
            Some(form) => (form, true),
            None => (operator, false),
        };
        let there = value.filter(|value| !(empty_counts && value.is_empty()));
        let word = |text: &str| expand(text, self.find);
        let filled = match form.split_at_checked(1) {
            None if operator.is_empty() => there.unwrap_or_default(),
            Some(("-", otherwise)) => match there {
                Some(value) => value,
                None => word(otherwise)?,
            },
            Some(("+", instead)) if there.is_some() => word(instead)?,
            Some(("+", _)) => String::new(),
            Some(("?", why)) => there.ok_or_else(|| {
                let why = if why.is_empty() { "set it" } else { why };
                format!("the variable {name} is not set: {why}")
            })?,
            Some(("=", default)) => {
                return Err(format!(
                    "{shown} sets a variable, which entry does not: write ${{{name}:-{default}}}"
                ));
            }
            _ => {
                return Err(format!(
                    "{shown} is no form that entry knows: use :-, :+ or :?"
                ));
            }
        };
        Ok(Some(filled))
    }
}

/// The name at the start of a text, if there is one.
fn name(text: &str) -> &str {
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = text.find(|c| !in_name(c)).unwrap_or(text.len());
    let name = text.get(..end).unwrap_or_default();
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        ""
    } else {
        name
    }
}

/// Where the `}` is that closes what has begun before this text.
fn end_of_braces(text: &str) -> Option<usize> {
    let mut depth = 1;
    text.char_indices().find_map(|(at, c)| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(name: &str) -> Result<Option<String>, String> {
        let value = match name {
            "NAME" => "two words",
            "EMPTY" => "",
            "QUOTES" => "'\"$NAME\\",
            "SECRET" => return Err("no".to_owned()),
            _ => return Ok(None),
        };
        Ok(Some(value.to_owned()))
    }

    #[test]
    fn an_argument_is_filled_in_and_stays_one() {
        for (text, expected) in [
            ("", ""),
            ("plain 'é' \\n", "plain 'é' \\n"),
            ("<$NAME>${NAME}s", "<two words>two wordss"),
            ("'$NAME' \\$NAME", "'two words' \\two words"),
            ("$QUOTES${QUOTES}", "'\"$NAME\\'\"$NAME\\"),
            ("<$NONE${NONE}$EMPTY>", "<>"),
            ("${NONE:-a}${EMPTY:-b}${NAME:-c}", "abtwo words"),
            ("${NONE-a}${EMPTY-b}${NAME-c}", "atwo words"),
            ("${NONE:+a}${EMPTY:+b}${NAME:+c}", "c"),
            ("${NONE+a}${EMPTY+b}${NAME+c}", "bc"),
            ("${NONE:-${EMPTY:-<$NAME>}}", "<two words>"),
            ("${CONFIG_DIR:-/config}/{a}", "/config/{a}"),
            ("${NAME:?not here}${EMPTY?not here}", "two words"),
            // A shell's own, and a sign.
            (
                "exec \"$@\" $1 ${1} $$ $? $(date) 5$",
                "exec \"$@\" $1 ${1} $$ $? $(date) 5$",
            ),
            ("$é $-$", "$é $-$"),
        ] {
            assert_eq!(expand(text, &find).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_task_is_split_as_posix_says() {
        for (task, expected) in [
            ("nginx  -v\t-c x\n", vec!["nginx", "-v", "-c", "x"]),
            (
                "sh -c 'a && b' \"c d\" e\\ f",
                vec!["sh", "-c", "a && b", "c d", "e f"],
            ),
            (
                "echo a && b | c; *",
                vec!["echo", "a", "&&", "b", "|", "c;", "*"],
            ),
            (
                "echo $NAME \"$NAME\" <${NAME}>",
                vec!["echo", "two words", "two words", "<two words>"],
            ),
            (
                "echo '$NAME' \\$NAME \"\\$NAME\" '\\'$NONE.",
                vec!["echo", "$NAME", "$NAME", "$NAME", "\\."],
            ),
            (
                "echo \"it's $NAME\" $QUOTES",
                vec!["echo", "it's two words", "'\"$NAME\\"],
            ),
            ("echo '' \"\" $NONE", vec!["echo", "", "", ""]),
            ("${NONE:-true} $", vec!["true", "$"]),
        ] {
            let expected: Vec<String> = expected.into_iter().map(String::from).collect();
            assert_eq!(split(task, &find), Ok(expected), "{task}");
        }
    }

    #[test]
    fn what_is_wrong_says_what_to_write() {
        for (task, problem) in [
            ("", "is empty: write a command"),
            (" \t", "is empty: write a command"),
            ("'' x", "its first word, the program, is empty: write one"),
            (
                "$NONE x",
                "its first word, the program, is empty: write one",
            ),
            (
                "echo it's",
                "a quote is not closed: close it, or write \\ before it",
            ),
            ("a \u{1}0\u{1}", "holds a control character: take it out"),
            ("echo ${NAME", "a ${ without }: close it"),
            (
                "echo ${NONE:?say where}",
                "the variable NONE is not set: say where",
            ),
            ("echo ${NONE?}", "the variable NONE is not set: set it"),
            (
                "echo ${NONE:=a}",
                "${NONE:=a} sets a variable, which entry does not: write ${NONE:-a}",
            ),
            (
                "echo ${#NAME}",
                "${#NAME} is a length, which entry does not count: write it out",
            ),
            (
                "echo ${NAME%x}",
                "${NAME%x} is no form that entry knows: use :-, :+ or :?",
            ),
            (
                "echo ${NAME:1}",
                "${NAME:1} is no form that entry knows: use :-, :+ or :?",
            ),
            ("echo $SECRET", "no"),
        ] {
            assert_eq!(split(task, &find), Err(problem.to_owned()), "{task}");
        }
    }
}
