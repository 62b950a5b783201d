//! What is understood, and what is told of the rest.

use super::*;

fn lookup(name: &str) -> Option<String> {
    let value = match name {
        "NAME" => "Jeff",
        "EMPTY" => "",
        "BRACES" => "{{ var \"NAME\" }} $NAME",
        _ => return None,
    };
    Some(value.to_owned())
}

fn told(text: &str) -> Vec<String> {
    let errors = render(text, "t", &lookup).unwrap_err();
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn variables_and_defaults() {
    for (text, expected) in [
        ("Hello, $NAME\n", "Hello, Jeff\n"),
        (
            "${NAME}s ${NONE:-Joe} ${EMPTY:-Joe} ${NONE:-}",
            "Jeffs Joe Joe ",
        ),
        ("$NAME-${NONE:-{a}}é", "Jeff-{a}é"),
        ("/{{ var \"NAME\" | default \"demo\" }} {", "/Jeff {"),
        (
            "{{var \"NONE\"|default \"demo\"}}{{ var \"EMPTY\" }}",
            "demo",
        ),
        (
            "{{ default \"y\" (var \"NONE\") }}{{ default `}}` (var `NONE`) }}",
            "y}}",
        ),
        (
            "$BRACES {{ var \"BRACES\" }}",
            "{{ var \"NAME\" }} $NAME {{ var \"NAME\" }} $NAME",
        ),
        ("a { b } c $", "a { b } c $"),
    ] {
        assert_eq!(
            render(text, "t", &lookup).as_deref(),
            Ok(expected),
            "{text}"
        );
    }
}

#[test]
fn everything_else_is_told_at_once_with_its_line_and_its_form_in_jinja() {
    let text =
        "$NONE\n{{ if .x }}a{{ end }}\n${NAME?}\n{{ sh \"date\" | trim }} {{ var \"NONE\" }}";
    let write = "make it a template of render, and write";
    assert_eq!(
        told(text),
        [
            "t:1: the variable NONE is not set: set it, or write ${NONE:-} for nothing".to_owned(),
            format!(
                "t:2: {{{{ if .x }}}} is more than var and default: {write} {{% if NAME is defined %}}…{{% endif %}}"
            ),
            format!(
                "t:2: {{{{ end }}}} is more than var and default: {write} {{% endif %}} or {{% endfor %}}"
            ),
            format!(
                "t:3: ${{NAME?}} is a demand: {write} {{{{ NAME }}}}, which fails if it is not set"
            ),
            format!(
                "t:4: {{{{ sh \"date\" | trim }}}} is more than var and default: {write} a variable in place of sh, set before entry starts"
            ),
            "t:4: the variable NONE is not set: set it, or write ${NONE:-} for nothing".to_owned(),
        ]
    );
}

#[test]
fn each_construct_names_its_form() {
    for (text, cause) in [
        ("${NAME-x}", "is a default: … {{ NAME | default(\"x\") }}"),
        (
            "${NAME:=x}",
            "is an assignment: … {{ NAME | default(\"x\", true) }}",
        ),
        (
            "${NAME:+x}",
            "is an alternative: … {{ \"x\" if NAME is defined else \"\" }}",
        ),
        ("${NAME%x}", "is an expansion: … {{ NAME }} and a filter"),
        ("${#NAME}", "is a length: … {{ NAME | length }}"),
        (
            "${NAME:-$X}",
            "has a variable in its default: … {{ NAME | default(OTHER, true) }}",
        ),
        ("${}", "is no variable: correct its name"),
        ("${1}", "is no variable: correct its name"),
        ("{{ $NAME }}", "is more than var and default: … {{ NAME }}"),
        ("{{/* note */}}", "is more than var and default: … {# … #}"),
        (
            "{{ var \"NAME\" | upper }}",
            "is more than var and default: … {{ NAME | upper }}",
        ),
        (
            "{{ var NAME }}",
            "is more than var and default: … {{ NAME }}",
        ),
        (
            "{{- var \"NAME\" -}}",
            "is more than var and default: … {{ NAME }}",
        ),
        (
            "{{ default \"x\" }}",
            "is more than var and default: … {{ NAME | default(\"…\", true) }}",
        ),
        (
            "{{ var \"a\\n\" }}",
            "has a backslash in a text: write it in backticks: `…`",
        ),
    ] {
        let cause = cause.replace('…', "\u{0}").replacen(
            "\u{0} ",
            "make it a template of render, and write ",
            1,
        );
        let cause = cause.replace('\u{0}', "…");
        assert_eq!(told(text), [format!("t:1: {text} {cause}")], "{text}");
    }
    for (text, cause) in [
        ("${NAME", "a ${ without }: close it"),
        ("{{ var \"NAME\"", "a {{ without }}: close it"),
        ("{{ var \"NAME }} x", "a {{ without }}: close it"),
        (
            "$1",
            "$1 is no variable: make it a template of render, and write a $, which means nothing there",
        ),
        (
            "a $ b",
            "$  is no variable: make it a template of render, and write a $, which means nothing there",
        ),
    ] {
        assert_eq!(told(text), [format!("t:1: {cause}")], "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics(any in ".{0,60}", parts in proptest::collection::vec("\\$|\\{|\\}|\\{\\{|\\}\\}|NAME|\"|`|é|:-| var |default|\\||\\(|\\)|\\\\|\n", 0..24)) {
        let _ = render(&any, "t", &lookup);
        let _ = render(&parts.concat(), "t", &lookup);
    }
}
