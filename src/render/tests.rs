//! Whole templates, and every way in which one is wrong.

use super::*;
use std::fs;
use tempfile::TempDir;

/// Stand in no error.
const CANARY: &str = "canary-4711";
const NUMBER: &str = "170141183460469231731687303715884105727";

fn names() -> Arc<Names> {
    let mut names = Names::default();
    for (name, value) in [
        ("PORT", "3000"),
        ("HOSTS", "a,b"),
        ("QUOTED", "it's \"x\" <&>"),
        ("EMPTY", ""),
        ("ZALGO", "é\u{1F600}"),
        ("lower", "l"),
    ] {
        names.variable(name, value.as_bytes(), false);
    }
    names.variable("BINARY", b"\xff", false);
    names.variable("TOKEN", CANARY.as_bytes(), true);
    names.variable("DIGITS", NUMBER.as_bytes(), true);
    names.secret("password", CANARY);
    Arc::new(names)
}

/// A folder of templates, `t` among them.
struct Templates(TempDir);

impl Templates {
    fn new(text: &str) -> Templates {
        let templates = Templates(tempfile::tempdir().unwrap());
        templates.with("t", text)
    }

    fn with(self, name: &str, text: &str) -> Templates {
        fs::write(self.0.path().join(name), text).unwrap();
        self
    }

    fn read(&self) -> Template {
        Template::read(Path::new(""), &self.0.path().join("t"), self.0.path()).unwrap()
    }

    /// The errors, without the folder.
    fn told(&self, errors: &[Error]) -> Vec<String> {
        let folder = format!("{}/", self.0.path().display());
        let told = errors
            .iter()
            .map(|error| error.to_string().replace(&folder, ""));
        told.map(|one| one.replace(self.0.path().to_str().unwrap(), "ROOT"))
            .collect()
    }

    fn render(&self) -> Result<(String, bool), Vec<String>> {
        match self.read().render(&names()) {
            Ok(rendered) => Ok((
                String::from_utf8(rendered.text.to_vec()).unwrap(),
                rendered.is_secret,
            )),
            Err(errors) => {
                let debug = format!("{errors:?}");
                assert!(
                    !debug.contains(CANARY) && !debug.contains(NUMBER),
                    "{debug}"
                );
                Err(self.told(&errors))
            }
        }
    }
}

fn text(template: &str) -> String {
    Templates::new(template).render().unwrap().0
}

fn wrong(template: &str) -> Vec<String> {
    Templates::new(template).render().unwrap_err()
}

#[test]
fn names_filters_and_blocks() {
    for (template, expected) in [
        ("port {{ PORT }}\n", "port 3000\n"),
        (
            "{{ env.PORT }} {{ env[\"PORT\"] }} {{ lower }}",
            "3000 3000 l",
        ),
        (
            "{{ NONE | default(\"d\") }} {{ EMPTY | default(\"d\") }}|{{ EMPTY | default(\"d\", true) }}",
            "d |d",
        ),
        (
            "{{ QUOTED | json }} {{ QUOTED | tojson }}",
            "\"it's \\\"x\\\" <&>\" \"it's \\\"x\\\" <&>\"",
        ),
        ("{{ HOSTS | split(\",\") | list | json }}", "[\"a\",\"b\"]"),
        ("{{ HOSTS | split(\",\") | join(\" \") }}", "a b"),
        (
            "{{ QUOTED | shell }} {{ PORT | shell }} {{ EMPTY | shell }}",
            "'it'\\''s \"x\" <&>' 3000 ''",
        ),
        (
            "{{ ZALGO | base64 }} {{ \"w6k=\\n\" | base64_decode }}",
            "w6nwn5iA é",
        ),
        ("{{ PORT | int + 1 }}", "3001"),
        (
            "{{ \"a\\nb\" | indent(2) }} {{ PORT | upper | lower | trim | replace(\"0\", \"1\") }}",
            "a\n  b 3111",
        ),
        (
            "{% for line in \"a\\nb\" | lines -%}\n[{{ line }}]\n{% endfor %}\n",
            "[a]\n[b]\n\n",
        ),
        (
            "a\n{%- if NONE is defined %}\n  x\n{%- endif %}\nb\n",
            "a\nb\n",
        ),
        ("{{ \"<&\" }} {{ QUOTED }}", "<& it's \"x\" <&>"),
        (
            "{% set x = PORT %}{% macro m(a) %}{{ a }}{{ x }}{% endmacro %}{{ m(1) }}",
            "13000",
        ),
        (
            "{% raw %}{{ NONE }}{% endraw %}{# {{ NONE }} #}",
            "{{ NONE }}",
        ),
        (
            "{% if PORT == \"3000\" and \"a\" in HOSTS %}y{% endif %}",
            "y",
        ),
        (
            "{% for name in env if name is startingwith(\"P\") %}{{ name }}={{ env[name] }}{% endfor %}",
            "PORT=3000",
        ),
        (
            "{{ NONE is defined }} {{ NONE is undefined }} {{ NONE | d(OTHER | d(1)) }}",
            "False True 1",
        ),
        (
            "{% for n in range(3) %}{{ n }}{{ loop.last }}{% endfor %}",
            "0False1False2True",
        ),
    ] {
        assert_eq!(text(template), expected, "{template}");
    }
}

/// What is said of `NONE`, which is not set.
const UNSET: &str = "the variable NONE is not set: set it for the container or under env, or write NONE | default(\"…\")";

#[test]
fn what_is_not_set_is_never_nothing() {
    let filters = [
        "abs",
        "attr(1)",
        "base64",
        "base64_decode",
        "batch(2)",
        "bool",
        "capitalize",
        "count",
        "dictsort",
        "e",
        "escape",
        "first",
        "float",
        "format",
        "indent(2)",
        "int",
        "items",
        "join",
        "json",
        "last",
        "length",
        "lines",
        "list",
        "lower",
        "map(\"upper\") | list",
        "max",
        "min",
        "reject | list",
        "rejectattr(\"x\") | list",
        "replace(\"a\", \"b\")",
        "reverse",
        "round",
        "safe",
        "select | list",
        "selectattr(\"x\") | list",
        "shell",
        "slice(2) | list",
        "sort",
        "split(\",\") | join",
        "string",
        "sum",
        "title",
        "tojson",
        "trim",
        "unique",
        "upper",
    ];
    for filter in filters {
        assert_eq!(
            wrong(&format!("{{{{ NONE | {filter} }}}}")),
            [format!("t:1: {UNSET}")],
            "{filter}"
        );
    }
    let templates = [
        "{{ [NONE] | json }}",
        "{{ {\"a\": [NONE]} | json }}",
        "{{ PORT | replace(\"a\", NONE) }}",
        "{{ NONE | join(\",\") }}",
        "{{ [NONE] | join(\",\") }}",
        "{{ HOSTS | join(NONE) }}",
        "{{ \"%s\" | format(NONE) }}",
        "{{ NONE ~ 1 }}",
        "{{ NONE + 1 }}",
        "{{ NONE.x }}",
        "{{ env.NONE }}",
        "{{ env[\"NONE\"] }}",
        "{{ \"x\" * NONE }}",
        "{% if NONE %}{% endif %}",
        "{% for x in NONE %}{% endfor %}",
        "{% set x = NONE %}{{ x }}",
        "{{ NONE == 1 }}",
        "{{ NONE or 1 }}",
        "{{ NONE\n~\nPORT }}",
    ];
    for template in templates {
        let line = 1 + template.matches('\n').count();
        assert_eq!(
            wrong(template),
            [format!("t:{line}: {UNSET}")],
            "{template}"
        );
    }
}

#[test]
fn every_unset_name_is_told_at_once() {
    let told = wrong(
        "{{ A }}\n{{ env.B }}\n{{ A }}{{ secrets.C }}{{ BINARY }}\n{{ D | default(1) }}{{ PORT + 1 }}",
    );
    let unset = |line, name| {
        format!(
            "t:{line}: the variable {name} is not set: set it for the container or under env, or write {name} | default(\"…\")"
        )
    };
    assert_eq!(
        told,
        [
            unset(1, "A"),
            unset(2, "B"),
            "t:3: secrets.C is not set: name its place under values".to_owned(),
            "t:3: the variable BINARY is not UTF-8: no template can hold it".to_owned(),
        ]
    );
}

#[test]
fn an_error_names_template_line_and_remedy() {
    let operation = "t:1: an operation that these values do not have: every variable is a text, | int makes it a number";
    let item =
        "t:1: an attribute or an item that is not there: correct it, or write | default(\"…\")";
    let endless = "t:1: templates or macros call each other without end: break the circle";
    for (template, expected) in [
        (
            "x\n{{ a",
            "t:2: syntax error: unexpected end of input, expected end of variable block",
        ),
        ("{% foo %}", "t:1: syntax error: unknown statement foo"),
        (
            "{{ PORT | nofilter }}",
            "t:1: no filter nofilter: correct its name",
        ),
        (
            "{{ PORT is notest }}",
            "t:1: no test notest: correct its name",
        ),
        (
            "{{ nofunc() }}",
            "t:1: no function nofunc: correct its name",
        ),
        (
            "{{ PORT.foo() }}",
            "t:1: a method that is not there: use a filter, such as | replace(\"a\", \"b\")",
        ),
        (
            "{{ PORT | upper(1) }}",
            "t:1: too many arguments: correct those of the filter or function",
        ),
        ("{{ PORT + 1 }}", operation),
        ("{{ 1 // 0 }}", operation),
        ("{{ PORT.x }}", item),
        ("{% if NONE is defined %}{% endif %}{{ PORT.x }}", item),
        ("{{ [1][4] }}", item),
        (
            "{{ [1] }}",
            "t:1: a list or a map has no text of its own: write | join(\",\") or | json",
        ),
        (
            "{{ PORT | base64_decode }}{{ \"!\" | base64_decode }}",
            "t:1: this is no base64 of a text: correct the value",
        ),
        ("{% include \"t\" %}", endless),
        ("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", endless),
        (
            "{% for a in range(100000) %}{% for a in range(100000) %}{% endfor %}{% endfor %}",
            "t:1: more than 10000000 steps: does a loop run too often? let a program write this file",
        ),
        (
            "{% for a in range(10000) %}{{ \"x\" * 1000 }}{% endfor %}",
            "t: more than 4 MiB: let a program write this file",
        ),
    ] {
        assert_eq!(wrong(template), [expected], "{template}");
    }
}

#[test]
fn no_error_holds_a_value() {
    for template in [
        "{{ TOKEN | int }}",
        "{{ TOKEN | float }}",
        "{{ TOKEN + 1 }}",
        "{{ TOKEN * TOKEN }}",
        "{{ -TOKEN }}",
        "{% include TOKEN %}",
        "{% include [TOKEN, TOKEN] %}",
        "{% extends TOKEN %}",
        "{% import TOKEN as x %}",
        "{% include TOKEN ~ \"/../\" ~ TOKEN %}",
        "{% include \"/\" ~ TOKEN %}",
        "{{ [1] | map(TOKEN) | list }}",
        "{{ [1] | select(TOKEN) | list }}",
        "{{ TOKEN() }}",
        "{{ TOKEN.foo() }}",
        "{{ TOKEN | base64_decode }}",
        "{{ range(TOKEN) }}",
        "{{ [1] | batch(TOKEN) }}",
        "{{ \"%d\" | format(TOKEN) }}",
        "{{ {}[TOKEN] }}",
        "{{ env[TOKEN] }}",
        "{{ secrets[TOKEN] }}",
        "{{ TOKEN[1:TOKEN] }}",
        "{{ TOKEN | round }}",
        "{% for a, b in [TOKEN] %}{% endfor %}",
        "{{ dict(TOKEN) }}",
        "{{ TOKEN | items }}",
        "{{ debug() }}",
        "{{ DIGITS | int + DIGITS | int }}",
        "{{ TOKEN | nofilter }}",
        "{{ TOKEN // 0 }}",
        "{{ [TOKEN] }}",
        "{{ secrets.password | abs }}",
    ] {
        let told = wrong(template).join("\n");
        assert!(
            !told.contains(CANARY) && !told.contains(NUMBER),
            "{template}: {told}"
        );
    }
    assert!(!format!("{:?}", names()).contains(CANARY));
}

#[test]
fn a_look_at_a_secret_is_known() {
    let is_secret = |template: &str| Templates::new(template).render().unwrap().1;
    for template in [
        "{{ TOKEN }}",
        "{{ env.TOKEN }}",
        "{{ secrets.password }}",
        "{% if TOKEN %}{% endif %}",
        "{{ TOKEN | length }}",
        "{% set x = TOKEN %}",
        "{{ env | json }}",
        "{% for name in env %}{{ env[name] | default(1) | length }}{% endfor %}",
        "{% include \"inner\" %}",
        "{% macro m() %}{{ TOKEN }}{% endmacro %}{{ m() }}",
        "{{ secrets | json }}",
    ] {
        let templates = Templates::new(template).with("inner", "{{ TOKEN }}");
        match templates.render() {
            Ok((_, is_secret)) => assert!(is_secret, "{template}"),
            // A variable that is not UTF-8 is among all of them.
            Err(told) => assert!(template.contains("env"), "{template}: {told:?}"),
        }
    }
    for template in [
        "{{ PORT }}",
        "{{ \"TOKEN\" }}",
        "{# {{ TOKEN }} #}",
        "{% if false %}{{ TOKEN }}{% endif %}",
        "{{ env | length }}",
    ] {
        assert!(!is_secret(template), "{template}");
    }
}

#[test]
fn includes_stay_below_the_root() {
    let templates = Templates::new(
        "{% include \"a/inner\" %}{% include \"./link\" %}{% include \"none\" ignore missing %}",
    );
    let root = templates.0.path();
    fs::create_dir(root.join("a")).unwrap();
    fs::write(root.join("a/inner"), "[{{ PORT }}]\n").unwrap();
    std::os::unix::fs::symlink("a/inner", root.join("link")).unwrap();
    assert_eq!(templates.render().unwrap().0, "[3000]\n[3000]\n");

    let outside = tempfile::NamedTempFile::new().unwrap();
    std::os::unix::fs::symlink(outside.path(), root.join("out")).unwrap();
    std::os::unix::fs::symlink(outside.path().parent().unwrap(), root.join("up")).unwrap();
    let below_up = format!("up/{}", outside.path().file_name().unwrap().display());
    let remedy = "name a file below ROOT";
    for (include, cause) in [
        ("../t", format!("holds a ..: {remedy}")),
        ("a/../t", format!("holds a ..: {remedy}")),
        ("/etc/passwd", format!("is an absolute path: {remedy}")),
        ("out", format!("is a link to the outside: {remedy}")),
        (
            below_up.as_str(),
            format!("is a link to the outside: {remedy}"),
        ),
        (
            "none",
            "no such file below the root: correct its name".to_owned(),
        ),
        ("a", "is not a regular file".to_owned()),
    ] {
        fs::write(root.join("t"), format!("\n{{% include '{include}' %}}")).unwrap();
        let expected = [format!("t:2: include \"{include}\": {cause}")];
        assert_eq!(templates.render().unwrap_err(), expected);
        assert_eq!(templates.told(&templates.read().check()), expected);
    }
}

#[test]
fn an_error_in_an_include_names_the_include() {
    let templates = Templates::new("{% include \"inner\" %}").with("inner", "\n{{ NONE }}");
    assert_eq!(
        templates.render().unwrap_err(),
        [format!("inner:2: {UNSET}")]
    );
    let templates = Templates::new("{% include \"inner\" %}").with("inner", "\n{% if %}");
    let expected = ["inner:2: syntax error: unexpected end of block"];
    assert_eq!(templates.render().unwrap_err(), expected);
    assert_eq!(templates.told(&templates.read().check()), expected);
}

#[test]
fn a_check_tells_everything_without_any_value() {
    let templates = Templates::new(
        "{{ NONE }}{% include \"one\" %}\n{% extends \"none\" %}{# {% include \"x\" %} #}{% raw %}{% include \"x\" %}{% endraw %}\n{% from \"two\" import a %}{% include \"gone\" ignore missing %}",
    );
    let templates = templates
        .with("one", "{% if %}")
        .with("two", "{% include \"t\" %}{% include \"/x\" %}");
    let mut told = templates.told(&templates.read().check());
    told.sort();
    assert_eq!(
        told,
        [
            "one:1: syntax error: unexpected end of block",
            "t:2: include \"none\": no such file below the root: correct its name",
            "two:1: include \"/x\": is an absolute path: name a file below ROOT",
        ]
    );
}

#[test]
fn what_a_template_asks_for() {
    let templates = Templates::new(
        "{{ A }}{{ env.B }}{{ secrets.c }}{% set x = D %}{{ x }}{% include \"inner\" %}",
    )
    .with("inner", "{{ E | default(1) }}");
    let asked = templates.read().asks_for();
    assert_eq!(
        asked.into_iter().collect::<Vec<_>>(),
        ["A", "D", "E", "env.B", "secrets.c"]
    );
}

#[test]
fn a_file_that_is_no_template() {
    let templates = Templates::new("");
    let read = |path: &str| {
        let path = templates.0.path().join(path);
        templates.told(&[Template::read(Path::new(""), &path, templates.0.path()).unwrap_err()])
    };
    assert_eq!(
        read("none"),
        ["none: no such file: is it in the image, and the working directory right?"]
    );
    assert_eq!(read("."), [".: is not a regular file"]);
    fs::write(templates.0.path().join("binary"), b"\xff").unwrap();
    assert_eq!(read("binary"), ["binary: is not UTF-8: save it as UTF-8"]);
    fs::write(templates.0.path().join("large"), vec![b'x'; (1 << 20) + 1]).unwrap();
    assert_eq!(read("large"), ["large: is larger than 1 MiB"]);
}
