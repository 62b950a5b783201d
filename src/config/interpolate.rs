//! `${NAME}`, `${NAME:-default}` and `${NAME:?message}` in a parsed value; `$${` is a literal `${`.
//!
//! Every other `$` stays as it is. As in a shell, an empty variable counts as unset for `:-` and `:?`.

/// A piece of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'t> {
    Text(&'t str),
    Variable {
        name: &'t str,
        otherwise: Otherwise<'t>,
    },
}

/// What follows the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise<'t> {
    /// `${NAME}`: unset is an error, empty is not.
    Fail,
    /// `${NAME:-default}`
    Default(&'t str),
    /// `${NAME:?message}`
    Message(&'t str),
}

/// Why a value's `${…}` cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("${{ has no closing }}, write $${{ for a literal ${{")]
    Open,
    #[error("${{…}} holds no variable name, write ${{NAME}}, or $${{ for a literal ${{")]
    Name,
    #[error(
        "only ${{NAME}}, ${{NAME:-default}} and ${{NAME:?message}} are known, write $${{ for a literal ${{"
    )]
    Operator,
    #[error("a default cannot hold another ${{…}}, set the inner one under env first")]
    Nested,
}

/// The pieces of a value, in order.
pub fn parse(text: &str) -> Result<Vec<Part<'_>>, Fault> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        if let Some(literal) = before.strip_suffix('$') {
            // `$${`: the text before it, then `${` itself.
            parts.push(Part::Text(literal));
            parts.push(Part::Text("${"));
            rest = after;
            continue;
        }
        parts.push(Part::Text(before));
        let (inner, behind) = after.split_once('}').ok_or(Fault::Open)?;
        parts.push(variable(inner)?);
        rest = behind;
    }
    parts.push(Part::Text(rest));
    parts.retain(|part| *part != Part::Text(""));
    Ok(parts)
}

fn variable(inner: &str) -> Result<Part<'_>, Fault> {
    let end = inner
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(inner.len());
    let (name, operator) = inner.split_at_checked(end).ok_or(Fault::Name)?;
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(Fault::Name);
    }
    let otherwise = if operator.is_empty() {
        Otherwise::Fail
    } else if let Some(default) = operator.strip_prefix(":-") {
        Otherwise::Default(default)
    } else if let Some(message) = operator.strip_prefix(":?") {
        Otherwise::Message(message)
    } else {
        return Err(Fault::Operator);
    };
    if operator.contains("${") {
        return Err(Fault::Nested);
    }
    Ok(Part::Variable { name, otherwise })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> Result<String, Fault> {
        let parts = parse(text)?;
        Ok(parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => format!("<{text}>"),
                Part::Variable { name, otherwise } => format!("({name} {otherwise:?})"),
            })
            .collect())
    }

    #[test]
    fn table() {
        for (text, expected) in [
            ("", ""),
            ("a $b $ $$ $1 $(c)", "<a $b $ $$ $1 $(c)>"),
            ("${A}", "(A Fail)"),
            ("x${A_1}y", "<x>(A_1 Fail)<y>"),
            ("${A:-}", "(A Default(\"\"))"),
            ("${A:-b c:?}", "(A Default(\"b c:?\"))"),
            ("${A:?is needed}", "(A Message(\"is needed\"))"),
            ("$${A}", "<${><A}>"),
            ("a$${A}${B}", "<a><${><A}>(B Fail)"),
            ("$$${A}", "<$><${><A}>"),
            ("${A}}", "(A Fail)<}>"),
        ] {
            assert_eq!(shape(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn faults() {
        for (text, expected) in [
            ("${A", Fault::Open),
            ("${}", Fault::Name),
            ("${1}", Fault::Name),
            ("${ A}", Fault::Name),
            ("${A-b}", Fault::Operator),
            ("${A:+b}", Fault::Operator),
            ("${A:-${B}}", Fault::Nested),
            ("${A:-$${B}}", Fault::Nested),
        ] {
            assert_eq!(parse(text), Err(expected), "{text}");
        }
    }
}
