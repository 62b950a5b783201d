//! docs/troubleshooting.md against real failures: every message on the page was said by one of them,
//! and every one of them is on the page.

use super::page::Page;
use crate::boot::{online, with_secrets};
use crate::entrykit::called;
use crate::support::fake_http::{FakeHttp, Reply};
use crate::support::sealed::{PASSPHRASE, seal};
use crate::support::{Entry, repository};
use regex::Regex;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// An array, encrypted by ActiveSupport with the passphrase of all sealed texts; the gem encrypts strings.
const ARRAY: &str = "ZkZSYll3Y0taVzVmOGlNS0xQanBFUT09LS15aDZ4TW5rQmQ0R09HYXZWVGdYOUx3PT0=--8c140d659ab3e9ebca23318f507d1ba5bf5814ebc8af36a86b4fd318f35c306b";

const YAML: &str = "production:\n  key: value\n  other: two\n  nothing: ~\n";

/// The first cells of every table on the page, as patterns in which `…` is anything.
fn documented() -> Vec<(String, Regex)> {
    let page = Page::read("docs/troubleshooting.md");
    let cells = page.prose.iter().filter_map(|(_, line)| {
        let cell = line.strip_prefix("| `")?.split('|').next()?.trim();
        Some(cell.trim_matches('`').trim().to_owned())
    });
    let pattern = |text: &str| {
        let parts: Vec<String> = text.split('…').map(regex::escape).collect();
        Regex::new(&format!("^{}$", parts.join(".+"))).unwrap()
    };
    cells.map(|text| (text.clone(), pattern(&text))).collect()
}

/// What a failing boot says, without what names the vault.
fn said(entry: Entry) -> Vec<String> {
    let done = entry.run();
    let lines = done.lines();
    let told = lines
        .iter()
        .filter(|line| line["level"] != "info")
        .map(|line| line["message"].as_str().unwrap());
    let place = Regex::new(r"^modes/[a-z]+\.yml:\d+: s\.yml: (?:\d+:\d+: \$\S*: )?").unwrap();
    let told: Vec<String> = told
        .map(|one| place.replace(one, "").into_owned())
        .collect();
    assert!(!told.is_empty(), "it said nothing: {}", done.stderr());
    told
}

fn web(mode: &str) -> Entry {
    Entry::new().mode("web", mode).args(["web"])
}

/// A mode with the sealed text as `s.yml`, and these keys in its item.
fn secret(item: &str, yaml: &str) -> Entry {
    let mode = format!("command: [\"true\"]\nsecrets: [{{vault: s.yml, {item}}}]\n");
    web(&mode)
        .file("s.yml", seal(yaml, &["$"]))
        .env("YAML_VAULT_PASSPHRASE", PASSPHRASE)
}

fn with_folder(mode: u32, owner: Option<u32>) -> Entry {
    let entry = with_secrets(Entry::new(), "[\"true\"]", YAML);
    let out = entry.folder().join("out");
    fs::create_dir(&out).unwrap();
    fs::set_permissions(&out, PermissionsExt::from_mode(mode)).unwrap();
    std::os::unix::fs::chown(&out, owner, None).unwrap();
    entry
}

fn command_failures() -> Vec<Entry> {
    let script = |content: &str, mode| Entry::new().program("app", content, mode);
    vec![
        Entry::new().args(["no-such-program"]),
        Entry::new().oneoff([""]),
        web("command: x\n").strip_last_arg().args(["wep"]),
        Entry::new().oneoff(["./nope"]),
        Entry::new().oneoff(["/etc"]),
        script("#!/no/such/ruby\n", 0o755).oneoff(["./app"]),
        script("#!/bin/sh\n", 0o644).oneoff(["./app"]),
        script("no program\n", 0o755).oneoff(["./app"]),
        script("#!/bin/sh\n", 0o700)
            .mode("oneoff", "user: nobody\n")
            .oneoff(["./app"]),
        web("command: echo\n").args(["more"]),
        web("command: echo\nargs: required\n"),
    ]
}

/// A folder that root enters, and the app's user may not.
fn closed_workdir() -> Entry {
    let entry = web("command: [\"true\"]\nworkdir: closed\nuser: daemon\n");
    fs::set_permissions(entry.folder(), PermissionsExt::from_mode(0o755)).unwrap();
    fs::create_dir(entry.folder().join("closed")).unwrap();
    fs::set_permissions(
        entry.folder().join("closed"),
        PermissionsExt::from_mode(0o700),
    )
    .unwrap();
    entry
}

fn setting_failures() -> Vec<Entry> {
    let nobody = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
    ];
    let caps = ["setpriv", "--bounding-set=-kill", "--inh-caps=-kill"];
    let in_root = |words: &[&str]| {
        let entry = Entry::wrapped(words.iter().copied());
        fs::set_permissions(entry.folder(), PermissionsExt::from_mode(0o755)).unwrap();
        entry
            .mode("web", "command: x\nuser: daemon\n")
            .args(["web"])
    };
    let big = "x".repeat(70_000);
    // The usual stack limit, a quarter of which is 2 MiB: 1.2 MB from outside, as much again in the mode.
    let stack = ["prlimit", "--stack=8388608"];
    let many = (0..12).fold(Entry::wrapped(stack), |entry, n| {
        entry.env(format!("V{n}"), "x".repeat(100_000))
    });
    let again: Vec<String> = (0..12).map(|n| format!("W{n}: \"${{V{n}}}\"")).collect();
    vec![
        Entry::new().env("ENTRY_LOG", "loud").oneoff(["true"]),
        Entry::new()
            .env("ENTRY_STOP_TIMEOUT", "soon")
            .oneoff(["true"]),
        Entry::new().args(["--modes", "nope", "web"]),
        web("command: x\nuser: nosuchuser\n"),
        web("command: x\ngroup: nosuchgroup\n"),
        web("command: x\nworkdir: nope\n"),
        in_root(&nobody),
        in_root(&caps),
        closed_workdir(),
        web("command: [echo, \"${A}${A}\"]\n").env("A", &big),
        web("command: echo\nenv: {LONG: \"${A}${A}\"}\n").env("A", &big),
        many.mode("oneoff", &format!("env: {{{}}}\n", again.join(", ")))
            .oneoff(["true"]),
        web("command: [sh, -c, \"true && true\"]\nstop: {preset: puma, drain: 0s}\n"),
    ]
}

fn process_failures() -> Vec<Entry> {
    let before = |hook: &str| {
        web(&format!(
            "command: [\"true\"]\nbefore: [{{command: {hook}}}]\n"
        ))
    };
    let after = |hook: &str| {
        web(&format!(
            "command: [\"true\"]\nafter: [{{command: {hook}}}]\n"
        ))
    };
    let process = |keys: &str| web(&format!("processes: {{a: {{command: {keys}}}}}\n"));
    vec![
        before("'false'"),
        before("[sh, -c, kill -9 $$]"),
        before("sleep 60, timeout: 10ms"),
        before("'false', retry: 1, wait: 0s"),
        before("nope"),
        after("'false'"),
        after("sleep 60, timeout: 10ms"),
        after("sleep 60").env("ENTRY_STOP_TIMEOUT", "5"),
        process("sleep 60, ready: {file: /no/such, timeout: 10ms}"),
        process("'false', restart: {delay: 1ms, times: 1}"),
        process("[sh, -c, true && true], stop: {preset: puma, drain: 0s}"),
        process("echo").args(["more"]),
    ]
}

fn secret_failures() -> Vec<Entry> {
    let out = "write: /nowhere/s.yml";
    let unset = |mut entry: Entry| {
        entry.command.env_remove("YAML_VAULT_PASSPHRASE");
        entry
    };
    let binary = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff");
    let plain = |text: &str| secret(out, YAML).file("s.yml", text);
    let half = seal(YAML, &["$.production.key"]);
    let whole = seal(YAML, &["$"]);
    let first = whole.find("--").unwrap() + 2;
    let digit = if whole[first..].starts_with('0') {
        "1"
    } else {
        "0"
    };
    let tampered = format!("{}{digit}{}", &whole[..first], &whole[first + 1..]);
    let gcm = "key: QUJD--QUJDREVGR0hJSktM--QUJDREVGR0hJSktMTU5PUA==\n";
    let aliased = "default: &d\n  key: value\nproduction:\n  <<: *d\n  own: one\n";
    let missing = secret(out, YAML);
    fs::remove_file(missing.folder().join("s.yml")).unwrap();
    vec![
        unset(secret(out, YAML)),
        secret(out, YAML).env("YAML_VAULT_PASSPHRASE", " "),
        secret(out, YAML).env("YAML_VAULT_PASSPHRASE", binary),
        secret(&format!("passphrase_file: nope, {out}"), YAML),
        missing,
        secret(out, YAML).file("s.yml", b"\xff"),
        secret(out, YAML).env("YAML_VAULT_PASSPHRASE", "wrong"),
        plain(&tampered),
        plain("key: clear\nother: <%= 1 %>\n"),
        plain("<% if true %>\nkey: [\n<% end %>\n"),
        plain("key: [\n"),
        plain(&format!("key: {}", "[".repeat(500) + &"]".repeat(500))),
        plain(&format!(
            "? {}\n:\n{}",
            "k".repeat(100_000),
            " - x\n".repeat(1000)
        )),
        plain(&format!("key: {ARRAY}\n")),
        secret(&format!("cipher: aes-256-gcm, {out}"), YAML).file("s.yml", gcm),
        secret(&format!("keys: [$.production, $.nope], {out}"), YAML),
        secret(&format!("keys: $.production, {out}"), aliased),
        secret("env: {KEY: $.nope}", YAML),
        secret("env: {KEY: $.production.nothing}", YAML),
        secret("env: {KEY: $.production}", YAML),
        secret(
            "keys: $.production.other, env: {KEY: $.production.key}",
            YAML,
        ),
        secret("env: {KEY: $.production.key, \"*\": $.production}", YAML),
        web(
            "command: x\nenv: {KEY: mine}\nsecrets: [{vault: s.yml, env: {\"*\": $.production}}]\n",
        )
        .file("s.yml", seal(YAML, &["$"]))
        .env("YAML_VAULT_PASSPHRASE", PASSPHRASE),
        secret("env: {KEY: $.key}", "key: \"a\\0b\"\n"),
        secret(
            "env: {KEY: $.p.secret_key_base}",
            "p:\n  secret_key_base: 123\n",
        ),
        // Only a part of it was encrypted.
        secret(out, YAML).file("s.yml", half),
    ]
}

fn file_failures() -> Vec<Entry> {
    let link = with_secrets(Entry::new(), "[\"true\"]", YAML);
    std::os::unix::fs::symlink("/tmp", link.folder().join("out")).unwrap();
    let target = with_folder(0o700, None);
    fs::create_dir(target.folder().join("out/s.yml")).unwrap();
    let read_only = "mkdir out && mount -t tmpfs -o ro none out && exec \"$0\" web";
    let closed = Entry::new();
    let mode = format!(
        "command: [\"true\"]\nuser: nobody\nsecrets: [{{vault: s.yml, write: {}/out/s.yml}}]\n",
        closed.folder().display()
    );
    fs::create_dir(closed.folder().join("out")).unwrap();
    fs::set_permissions(
        closed.folder().join("out"),
        PermissionsExt::from_mode(0o700),
    )
    .unwrap();
    let closed = closed
        .mode("web", &mode)
        .file("s.yml", seal(YAML, &["$"]))
        .env("YAML_VAULT_PASSPHRASE", PASSPHRASE)
        .args(["web"]);
    vec![
        secret("write: /no/such/s.yml", YAML),
        link,
        target,
        closed,
        with_folder(0o777, None),
        with_folder(0o755, Some(1234)),
        with_secrets(
            Entry::wrapped(["unshare", "--mount", "sh", "-c", read_only]),
            "[\"true\"]",
            YAML,
        )
        .strip_last_arg(),
    ]
}

fn template_failures() -> Vec<Entry> {
    let render = |template: &str, keys: &str| {
        web(&format!(
            "command: 'true'\nrender: [{{from: t.tmpl, to: /tmp/no-such-target{keys}}}]\n"
        ))
        .file("t.tmpl", template)
    };
    let with_values = |keys: &str, path: &str| {
        let values = format!(", values: {{v: {{vault: s.yml, key: {path}}}}}");
        let entry = render("", &values);
        let mode = fs::read_to_string(entry.folder().join("modes/web.yml")).unwrap();
        let secrets = format!("secrets: [{{vault: s.yml, keys: {keys}}}]\n");
        entry
            .mode("web", &(mode + &secrets))
            .file("s.yml", seal(YAML, &["$"]))
            .env("YAML_VAULT_PASSPHRASE", PASSPHRASE)
    };
    let templates = [
        "{{ NONE }}",
        "{{ secrets.none }}",
        "{{ PATH.first }}",
        "{{ PATH + 1 }}",
        "{{ [1] }}",
        "{{ \"!\" | base64_decode }}",
        "{% if %}",
        "{{ PATH | nofilter }}",
        "{{ PATH.upper() }}",
        "{{ PATH | upper(1) }}",
        "{% include \"none\" %}",
        "{% include \"../x\" %}",
        "{% include \"/x\" %}",
        "{% include \"t.tmpl\" %}",
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
        "{{ \"x\" * 10000000 }}",
    ];
    let binary = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"\xff");
    let twice = Entry::new().file("x.tmpl", "x");
    let to = twice.folder().join("x").display().to_string();
    let mode = format!("command: 'true'\nrender: [{{from: x.tmpl, to: {to}}}, {{from: x.tmpl}}]\n");
    let more = vec![
        render("{{ BINARY }}", "").env("BINARY", binary),
        web("command: 'true'\nrender: [{from: none.tmpl, to: /tmp/no-such-target}]\n"),
        render("", "").file("t.tmpl", b"\xff"),
        twice.mode("web", &mode).args(["web"]),
        with_values("$", "$.production"),
        with_values("$.production.other", "$.production.key"),
    ];
    let plain = templates.iter().map(|template| render(template, ""));
    plain.chain(more).collect()
}

/// An exec session with other secrets beside a running entry.
fn differing() -> Vec<String> {
    let entry = with_secrets(Entry::new(), "[sleep, \"60\"]", YAML);
    let file = entry.folder().join("out/s.yml");
    let running = entry.start();
    running.app();
    let told = said(secret(
        &format!("write: {}", file.display()),
        "key: other\n",
    ));
    running.signal(nix::sys::signal::Signal::SIGTERM);
    running.finish();
    told
}

/// Each way in which AWS fails to answer.
fn aws_failures() -> Vec<String> {
    let kms = |reply: Reply| FakeHttp::start(move |_, _| reply.clone());
    let object = |reply: Reply| online::aws(move |_, _| reply.clone());
    let s3_error = |status, code: &str| {
        let body = format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
        Reply::Answer(status, vec![], body.into())
    };
    let short = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\nx".to_vec();
    let strange = r#"{"Plaintext": "LS0tIFthXQ=="}"#;
    let checksum = vec![("x-amz-checksum-crc32", "AAAAAA==".to_owned())];
    let one = "files: [{from: s3://bucket/x, to: OUT/x, max_size: 5B}]";
    let key = |path: &str| {
        format!(
            "files: [{{from: s3://bucket/x, to: OUT/x, customer_key: {{vault: s.yml, key: {path}}}}}]"
        )
    };
    let start = |server: &FakeHttp, files: &str| {
        online::with_files(Entry::new(), &server.url(), files, "key: value\n")
    };
    let mut told = Vec::new();
    for server in [
        kms(Reply::error(400, "AccessDeniedException", "no")),
        kms(Reply::error(400, "InvalidCiphertextException", "no")),
        kms(Reply::error(400, "ExpiredTokenException", "no")),
        kms(Reply::Raw(Vec::new())),
        kms(Reply::json(200, "{}")),
        kms(Reply::json(200, strange)),
    ] {
        told.extend(said(start(&server, "")));
    }
    for (server, timeout) in [
        (kms(Reply::error(400, "ThrottlingException", "no")), "5s"),
        (kms(Reply::Hang), "1s"),
    ] {
        told.extend(said(online::within(start(&server, ""), timeout)));
    }
    for server in [
        object(s3_error(403, "AccessDenied")),
        object(s3_error(404, "NoSuchKey")),
        object(Reply::Answer(200, vec![], b"123456".to_vec())),
        object(Reply::Answer(200, checksum, b"12345".to_vec())),
    ] {
        told.extend(said(start(&server, one)));
    }
    let server = object(Reply::Raw(short));
    let larger = one.replace("5B", "9B");
    let entry = online::with_files(Entry::new(), &server.url(), &larger, YAML);
    told.extend(said(entry));
    let server = object(Reply::Answer(200, vec![], Vec::new()));
    told.extend(said(start(&server, &key("$.key"))));
    told.extend(said(start(&server, &key("$.none"))));
    told.extend(said(start(
        &server,
        "files: [{from: file:///no/such, to: OUT/x}]",
    )));
    let mut bare = start(&server, "");
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ] {
        bare.command.env_remove(name);
    }
    let bare = bare
        .env("HOME", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true");
    told.extend(said(bare));
    let mut nowhere = start(&server, "");
    nowhere.command.env_remove("AWS_REGION");
    told.extend(said(nowhere.env("HOME", "/nonexistent")));
    let over = r#"{"AccessKeyId":"A","SecretAccessKey":"B","Token":"C","Expiration":"2001-02-03T04:05:06Z"}"#;
    let endpoint = kms(Reply::json(200, over));
    let mut over = start(&server, "");
    over.command.env_remove("AWS_ACCESS_KEY_ID");
    let over = over.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.url());
    told.extend(said(over.env("HOME", "/nonexistent")));
    told
}

fn chain_failures() -> Vec<Entry> {
    let hook = |task: &str| called("prehook", &[task]);
    let taken = Entry::new().file("codep", "").args(["--symlink", "."]);
    let secret = "secrets: [{vault: s.yml, env: {KEY: $.key}}]\n";
    vec![
        taken,
        hook("-x"),
        hook("-f"),
        called("prehook", &["-f", "none"]),
        hook(" "),
        hook("$NONE"),
        hook("echo it's"),
        hook("echo ${NONE"),
        hook("echo ${NONE?}"),
        hook("echo ${NONE:=x}"),
        hook("echo ${#NONE}"),
        hook("echo ${NONE%x}"),
        called("prehook", &["--", "echo", "$YAML_VAULT_PASSPHRASE"]).mode("_defaults", secret),
        called("entrykit", &["-e", "web"]),
        called("codep", &["a", "--", "b"]),
        called("switch", &["--", "a"]).env("SWITCH_A", "switch -e -- a"),
        hook("false"),
    ]
}

/// Messages about mode files, which tests/config provokes.
fn of_fixtures() -> Vec<String> {
    let folder = repository("tests/fixtures/modes-bad");
    let expected = fs::read_dir(folder)
        .unwrap()
        .map(|rule| fs::read_to_string(rule.unwrap().path().join("expected.txt")).unwrap());
    expected
        .flat_map(|text| text.lines().map(ToOwned::to_owned).collect::<Vec<_>>())
        .collect()
}

#[test]
fn every_message_is_real_and_every_failure_is_explained() {
    let documented = documented();
    let runs = [
        command_failures(),
        setting_failures(),
        process_failures(),
        secret_failures(),
        file_failures(),
        template_failures(),
        chain_failures(),
    ];
    let mut provoked: Vec<String> = runs.into_iter().flatten().flat_map(said).collect();
    provoked.extend(differing());
    provoked.extend(aws_failures());
    let unexplained: Vec<&String> = provoked
        .iter()
        .filter(|one| !documented.iter().any(|(_, pattern)| pattern.is_match(one)))
        .collect();
    assert!(unexplained.is_empty(), "not on the page: {unexplained:#?}");
    let all: Vec<String> = provoked.into_iter().chain(of_fixtures()).collect();
    let invented: Vec<&String> = documented
        .iter()
        .filter(|(_, pattern)| !all.iter().any(|one| pattern.is_match(one)))
        .map(|(text, _)| text)
        .collect();
    assert!(invented.is_empty(), "nothing says: {invented:#?}");
    assert!(documented.len() > 40, "only {}", documented.len());
}
