//! Templates: what they see, where their output goes, and what a failing one leaves: nothing.

use super::online;
use crate::support::fake_http::Reply;
use crate::support::sealed::{CANARY, PASSPHRASE, assert_absent, seal};
use crate::support::{Entry, Finished};
use std::os::unix::fs::{PermissionsExt, symlink};

const VAULT: &str = "production:\n  token: \"c4n4ry-%/+Ünlock-7f3a9\"\n  password: p4ss\n";

/// A mode of these keys, in which OUT is the folder that is written to; `t.tmpl` is its template.
fn rendering(template: &str, keys: &str) -> Entry {
    let entry = Entry::new();
    let out = entry.folder().join("out").display().to_string();
    let mode = format!(
        "command: [sh, -c, \"touch started 2>&-; stat -c '%a %u:%g' OUT/t; cat OUT/t\"]\n{keys}\n"
    );
    std::fs::set_permissions(entry.folder(), PermissionsExt::from_mode(0o755)).unwrap();
    entry
        .mode("web", &mode.replace("OUT", &out))
        .file("t.tmpl", template)
        .file("s.yml", seal(VAULT, &["$"]))
        .env("YAML_VAULT_PASSPHRASE", PASSPHRASE)
        .args(["web"])
}

const ONE: &str = "render: [{from: t.tmpl, to: OUT/t}]";

/// The same, with a secret in a variable.
const EXPORTING: &str = "secrets: [{vault: s.yml, env: {TOKEN: $.production.token}}]\nrender: [{from: t.tmpl, to: OUT/t}]";

/// A failed boot's messages, and that it left nothing.
#[track_caller]
fn refused(entry: Entry) -> Vec<String> {
    let done = entry.run().expect(125);
    assert_left_nothing(&done);
    done.errors()
}

#[track_caller]
fn assert_left_nothing(done: &Finished) {
    for path in ["started", "out"] {
        assert!(!done.folder().join(path).exists(), "{path} was left");
    }
}

#[test]
fn a_template_sees_the_apps_environment() {
    let template = "{{ CONTAINER }} {{ env.MODE }} {{ HOME }} {{ RACK_ENV }}\n";
    let keys = format!(
        "env: {{MODE: \"from ${{CONTAINER}}\", RAILS_ENV: production}}\nuser: daemon\n{ONE}"
    );
    let done = rendering(template, &keys)
        .env("CONTAINER", "c")
        .run()
        .expect(0);
    assert_eq!(done.stdout(), "644 1:1\nc from c /usr/sbin production\n");
    assert_eq!(done.line("start")["files"], 1);
    assert!(!done.folder().join("out").exists(), "it goes with the run");
}

#[test]
fn every_filter_works_in_the_binary() {
    let template = "{{ NONE | default(\"d\") }}\n{{ LIST | split(\",\") | list | json }}\n{{ LIST | split(\",\") | join(\" \") }}\n{{ QUOTED | shell }} {{ QUOTED | json }}\n{{ LIST | base64 }} {{ \"YSxi\" | base64_decode }}\n{{ LIST | upper | lower | replace(\",\", \"\\n\") | indent(2) | trim }}\n";
    let done = rendering(template, ONE)
        .env("LIST", "a,b")
        .env("QUOTED", "it's \"x\"")
        .run()
        .expect(0);
    let expected = "d\n[\"a\",\"b\"]\na b\n'it'\\''s \"x\"' \"it's \\\"x\\\"\"\nYSxi a,b\na\n  b\n";
    assert_eq!(done.stdout(), format!("644 0:0\n{expected}"));
}

#[test]
fn output_with_a_secret_is_for_the_apps_user_alone() {
    let done = rendering("{{ TOKEN }}\n", EXPORTING).run().expect(0);
    assert_eq!(done.stdout(), format!("400 0:0\n{CANARY}\n"));
    let lookup = "{% if TOKEN %}yes{% endif %}\n";
    let done = rendering(lookup, &format!("user: daemon\n{EXPORTING}"))
        .run()
        .expect(0);
    assert_eq!(done.stdout(), "400 1:1\nyes\n");
    let done = rendering("no secret\n", EXPORTING).run().expect(0);
    assert_eq!(done.stdout(), "644 0:0\nno secret\n");
    // The mode's own value lies above the secret.
    let done = rendering(
        "{{ TOKEN }}\n",
        &format!("env: {{TOKEN: public}}\n{EXPORTING}"),
    )
    .run()
    .expect(0);
    assert_eq!(done.stdout(), "644 0:0\npublic\n");
}

#[test]
fn a_written_mode_and_owner_are_kept() {
    let keys = EXPORTING.replace(
        "to: OUT/t",
        "to: OUT/t, mode: \"0440\", user: daemon, group: nogroup",
    );
    let done = rendering("{{ TOKEN }}\n", &keys).run().expect(0);
    assert_eq!(done.stdout(), format!("440 1:65534\n{CANARY}\n"));
    let keys = ONE.replace("to: OUT/t", "to: OUT/t, mode: \"0600\"");
    assert_eq!(
        rendering("x\n", &keys).run().expect(0).stdout(),
        "600 0:0\nx\n"
    );
}

#[test]
fn a_secret_by_name_reaches_a_template_and_no_variable() {
    let keys = "secrets: [{vault: s.yml}]\nrender: [{from: t.tmpl, to: OUT/t, values: {password: {vault: s.yml, key: $.production.password}}}]";
    let template = "{{ secrets.password }} {{ env.password | default(\"none\") }}\n";
    let done = rendering(template, keys).run().expect(0);
    assert_eq!(done.stdout(), "400 0:0\np4ss none\n");

    let wrong = keys.replace("$.production.password", "$.production");
    let told = refused(rendering(template, &wrong));
    assert_eq!(
        told,
        ["modes/web.yml:3: values.password: $.production is not one value of s.yml"]
    );
    let narrow = keys.replace("vault: s.yml}]", "vault: s.yml, keys: $.production.token}]");
    let told = refused(rendering(template, &narrow));
    let still = "$.production.password of s.yml is still encrypted: add its key path to `keys`";
    assert_eq!(told, [format!("modes/web.yml:3: values.password: {still}")]);
}

#[test]
fn secrets_of_kms_reach_templates_too() {
    let server = online::aws(|_, _| Reply::Answer(200, vec![], Vec::new()));
    let render = "render: [{from: t.tmpl, to: OUT/t, values: {key: {vault: s.yml, key: $.key}}}]";
    let entry = online::with_files(Entry::new(), &server.url(), render, "key: value\n");
    let done = entry.file("t.tmpl", "<{{ secrets.key }}>").run().expect(0);
    assert!(done.stdout().ends_with("<value>"), "{}", done.stdout());
}

#[test]
fn the_default_target_stands_beside_the_template() {
    let entry = Entry::new().file("config/db.yml.tmpl", "{{ A }}\n");
    let entry = entry.mode(
        "web",
        "command: cat config/db.yml\nrender: [{from: config/db.yml.tmpl}]\n",
    );
    let done = entry.env("A", "1").args(["web"]).run().expect(0);
    assert_eq!(done.stdout(), "1\n");
    let left = std::fs::read_dir(done.folder().join("config")).unwrap();
    assert_eq!(left.count(), 1, "more than the template is left");
}

#[test]
fn includes_come_from_the_root() {
    let keys = "render: [{from: t.tmpl, to: OUT/t, root: shared}]";
    let entry = rendering("{% include \"a/b\" %}", keys).file("shared/a/b", "{{ A }}\n");
    assert_eq!(entry.env("A", "1").run().expect(0).stdout(), "644 0:0\n1\n");
    let entry = rendering("{% include \"b\" %}", ONE).file("b", "beside\n");
    assert_eq!(entry.run().expect(0).stdout(), "644 0:0\nbeside\n");
}

#[test]
fn what_leaves_the_root_is_refused() {
    let remedy = "name a file below shared";
    for (include, cause) in [
        ("../s.yml", format!("holds a ..: {remedy}")),
        ("/etc/passwd", format!("is an absolute path: {remedy}")),
        ("link", format!("is a link to the outside: {remedy}")),
        (
            "none",
            "no such file below the root: correct its name".to_owned(),
        ),
    ] {
        let template = format!("\n{{% include \"{include}\" %}}");
        let entry = || {
            let keys = "render: [{from: t.tmpl, to: OUT/t, root: shared}]";
            let entry = rendering(&template, keys).file("shared/x", "");
            symlink("/etc/passwd", entry.folder().join("shared/link")).unwrap();
            entry
        };
        let expected = [format!(
            "modes/web.yml:2: t.tmpl:2: include \"{include}\": {cause}"
        )];
        assert_eq!(refused(entry()), expected);
        let checked = entry().strip_last_arg().args(["--check"]);
        assert_eq!(refused(checked), expected);
    }
}

#[test]
fn everything_that_is_wrong_is_told_and_nothing_is_published() {
    let keys = "secrets: [{vault: s.yml, write: OUT/s}]\nrender:\n- {from: t.tmpl, to: OUT/t}\n- {from: good.tmpl, to: OUT/good}\n- {from: syntax.tmpl, to: OUT/syntax}\n- {from: none.tmpl, to: OUT/none}";
    let entry = || {
        rendering("{{ A }}\n{{ B }}", keys)
            .file("good.tmpl", "good")
            .file("syntax.tmpl", "{% if %}")
    };
    let unset = |line, name| {
        format!(
            "modes/web.yml:4: t.tmpl:{line}: the variable {name} is not set: set it for the container or under env, or write {name} | default(\"…\")"
        )
    };
    let syntax = "modes/web.yml:6: syntax.tmpl:1: syntax error: unexpected end of block".to_owned();
    let none = "modes/web.yml:7: none.tmpl: no such file: is it in the image, and the working directory right?".to_owned();
    let expected = [unset(1, "A"), unset(2, "B"), syntax.clone(), none.clone()];
    assert_eq!(refused(entry()), expected);
    let checked = entry().strip_last_arg().args(["--check"]);
    assert_eq!(refused(checked), [syntax, none]);
}

#[test]
fn an_old_file_stays_when_a_template_fails() {
    let keys = "render: [{from: good.tmpl, to: OUT/t}, {from: t.tmpl, to: OUT/u}]";
    let entry = rendering("{{ NONE }}", keys)
        .file("good.tmpl", "new")
        .file("out/t", "old");
    std::fs::set_permissions(entry.folder().join("out"), PermissionsExt::from_mode(0o755)).unwrap();
    let done = entry.run().expect(125);
    assert_eq!(
        std::fs::read_to_string(done.folder().join("out/t")).unwrap(),
        "old"
    );
    assert_eq!(
        std::fs::read_dir(done.folder().join("out"))
            .unwrap()
            .count(),
        1
    );
}

#[test]
fn two_items_never_write_one_file() {
    let entry = Entry::new().file("x.tmpl", "x");
    let to = entry.folder().join("x").display().to_string();
    let mode =
        format!("command: \"true\"\nrender: [{{from: x.tmpl, to: \"{to}\"}}, {{from: x.tmpl}}]\n");
    let told = refused(entry.mode("web", &mode).args(["web"]));
    assert_eq!(
        told,
        [format!(
            "modes/web.yml:2: {to}: another item writes this file too: write to elsewhere"
        )]
    );
}

#[test]
fn a_template_is_never_overwritten() {
    let entry = Entry::new().file("x.tmpl", "x");
    let to = entry.folder().join("x.tmpl").display().to_string();
    let mode = format!("command: \"true\"\nrender: [{{from: x.tmpl, to: \"{to}\"}}]\n");
    let told = refused(entry.mode("web", &mode).args(["web"]));
    assert_eq!(
        told,
        [format!(
            "modes/web.yml:2: {to}: is the template itself: write to elsewhere"
        )]
    );
}

#[test]
fn limits_keep_a_template_from_filling_the_memory() {
    let ten_megabytes = "{% for a in range(10000) %}{{ \"x\" * 1000 }}{% endfor %}";
    let told = refused(rendering(ten_megabytes, ONE));
    assert_eq!(
        told,
        ["modes/web.yml:2: t.tmpl: more than 4 MiB: let a program write this file"]
    );
    let endless =
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}";
    let told = refused(rendering(endless, ONE));
    let steps =
        "more than 10000000 steps: does a loop run too often? let a program write this file";
    assert_eq!(told, [format!("modes/web.yml:2: t.tmpl:1: {steps}")]);
}

#[test]
fn no_failure_shows_a_secret_in_any_format() {
    let templates = [
        "{{ TOKEN }}{{ NONE }}",
        "{{ TOKEN | int }}",
        "{{ TOKEN + 1 }}",
        "{% include TOKEN %}",
        "{% include \"/\" ~ TOKEN %}",
        "{{ [1] | map(TOKEN) | list }}",
        "{{ env[TOKEN] }}",
        "{{ TOKEN | base64_decode }}",
        "{{ debug() }}",
        "{{ [TOKEN] }}",
    ];
    for format in ["text", "json", "quiet"] {
        for template in templates {
            let done = rendering(template, EXPORTING)
                .env("ENTRY_LOG", format)
                .run()
                .expect(125);
            assert_left_nothing(&done);
            assert!(!done.stderr.is_empty(), "{template}: it says nothing");
            assert_absent(CANARY, &done.stderr, template);
            assert_absent(CANARY, &done.stdout, template);
        }
    }
}

#[test]
fn a_session_beside_leaves_the_same_output_alone() {
    let first = rendering("{{ A }}\n", ONE).env("A", "1");
    let mode = first.folder().join("modes/web.yml");
    let mode = std::fs::read_to_string(mode).unwrap();
    let sleeping = mode.lines().skip(1).collect::<Vec<_>>().join("\n");
    let first = first
        .mode("web", &format!("command: sleep 60\n{sleeping}\n"))
        .start();
    first.app();
    let session = |value: &str| {
        let entry = Entry::new().mode("web", &format!("command: \"true\"\n{sleeping}\n"));
        entry
            .file("t.tmpl", "{{ A }}\n")
            .env("A", value)
            .args(["web"])
            .run()
    };
    session("1").expect(0);
    let other = session("2").expect(125).errors().join("\n");
    assert!(
        other.contains("differs from what the running entry wrote"),
        "{other}"
    );
    first.signal(nix::sys::signal::Signal::SIGTERM);
    first.finish().expect(143);
}

#[test]
fn explain_tells_what_a_template_may_see() {
    let keys = "secrets:\n- {vault: s.yml, env: {TOKEN: $.production.token, \"DB_*\": $.production}}\n- {vault: s.yml}\nenv: {DB_OWN: 1}\nrender:\n- {from: t.tmpl, to: /t, values: {p: {vault: s.yml, key: $.production.password}}}\n- {from: plain.tmpl, to: /p, mode: \"0440\", user: daemon}\n- {from: none.tmpl, to: /n}";
    let template = "{{ TOKEN }}{{ env.DB_HOST }}{{ DB_OWN }}{{ PATH }}{% include \"inner\" %}";
    let entry = rendering(template, keys)
        .file("inner", "{{ secrets.p }}")
        .file("plain.tmpl", "{{ PATH }}");
    let done = entry
        .strip_last_arg()
        .args(["--explain", "web"])
        .run()
        .expect(0);
    let text = done.stdout();
    let steps: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_once(". render "))
        .map(|(_, step)| step)
        .collect();
    assert_eq!(
        steps,
        [
            "t.tmpl, which may see the secrets TOKEN, env.DB_HOST, secrets.p, write /t (mode 0644, with a secret 0400)",
            "plain.tmpl, which names no secret, write /p (mode 0440, user daemon)",
            "none.tmpl, which cannot be read, write /n (mode 0644, with a secret 0400)",
        ]
    );
}
