//! What to write in a template of entry's own in place of what is not understood.

pub fn jinja(form: &str) -> String {
    format!("make it a template of render, and write {form}")
}

/// How Jinja says what an action of Go's or sigil's says.
pub fn instead(words: &[&str]) -> String {
    const FORMS: [(&str, &str); 28] = [
        ("if", "{% if NAME is defined %}…{% endif %}"),
        ("else", "{% else %}"),
        ("end", "{% endif %} or {% endfor %}"),
        ("range", "{% for one in LIST %}…{% endfor %}"),
        ("with", "{% set one = NAME %}"),
        ("include", "{% include \"NAME\" %}"),
        ("template", "{% include \"NAME\" %}"),
        ("define", "{% macro NAME() %}…{% endmacro %}"),
        ("block", "{% block NAME %}…{% endblock %}"),
        ("capitalize", "{{ NAME | title }}"),
        ("lower", "{{ NAME | lower }}"),
        ("upper", "{{ NAME | upper }}"),
        ("replace", "{{ NAME | replace(\"a\", \"b\") }}"),
        ("trim", "{{ NAME | trim }}"),
        ("indent", "{{ NAME | indent(2) }}"),
        ("substr", "{{ NAME[0:3] }}"),
        ("split", "{{ NAME | split(\",\") }}"),
        ("join", "{{ LIST | join(\",\") }}"),
        ("uniq", "{{ LIST | unique }}"),
        ("seq", "{% for n in range(3) %}…{% endfor %}"),
        ("base64enc", "{{ NAME | base64 }}"),
        ("base64dec", "{{ NAME | base64_decode }}"),
        ("tojson", "{{ NAME | json }}"),
        ("print", "{{ NAME }}"),
        ("printf", "{{ \"%s\" | format(NAME) }}"),
        ("len", "{{ NAME | length }}"),
        ("eq", "{% if NAME == \"…\" %}…{% endif %}"),
        ("default", "{{ NAME | default(\"…\", true) }}"),
    ];
    // What reads files, runs programs or calls a network is no template's.
    const NONE: [&str; 12] = [
        "sh", "httpget", "file", "text", "stdin", "exists", "dir", "dirs", "files", "json", "yaml",
        "jmespath",
    ];
    let functions = || words.iter().filter(|word| !word.starts_with('"'));
    if let Some(name) = functions().find(|word| NONE.contains(word)) {
        return format!("a variable in place of {name}, set before entry starts");
    }
    let known = functions().find_map(|word| FORMS.iter().find(|(name, _)| name == word));
    match (known, words.first()) {
        (Some((_, form)), _) => (*form).to_owned(),
        (None, Some(word)) if word.starts_with("/*") => "{# … #}".to_owned(),
        (None, Some(word)) if word.starts_with('$') || word.starts_with('.') => {
            format!("{{{{ {} }}}}", word.trim_start_matches(['$', '.']))
        }
        _ => "{{ NAME }}".to_owned(),
    }
}
