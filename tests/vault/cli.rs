//! `entryctl vault`, run as a program.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

pub fn entryctl() -> PathBuf {
    match std::env::var_os("ENTRY_BIN_DIR") {
        Some(folder) => Path::new(&folder).join("entryctl"),
        None => PathBuf::from(env!("CARGO_BIN_EXE_entryctl")),
    }
}

/// A run of `entryctl vault`, in a folder of its own.
pub struct Run {
    pub folder: TempDir,
    pub passphrase: Option<&'static str>,
    env: Vec<(String, String)>,
}

impl Run {
    pub fn new() -> Run {
        let folder = tempfile::tempdir().unwrap();
        Run {
            folder,
            passphrase: Some("pass"),
            env: Vec::new(),
        }
    }

    pub fn env(mut self, name: &str, value: &str) -> Run {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn file(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(entryctl());
        command
            .arg("vault")
            .args(args)
            .current_dir(self.folder.path());
        command
            .env_remove("YAML_VAULT_SIGN_PASSPHRASE")
            .env_remove("YAML_VAULT_PASSPHRASE")
            .env_remove("XDG_RUNTIME_DIR")
            .env_remove("VISUAL")
            .env_remove("EDITOR");
        // What this machine has set for itself is no test's.
        let own = std::env::vars_os().map(|(name, _)| name);
        let clouds = [&b"AWS_"[..], b"GOOGLE_", b"GCE_"];
        for name in own {
            if clouds
                .iter()
                .any(|one| name.as_encoded_bytes().starts_with(one))
            {
                command.env_remove(name);
            }
        }
        if let Some(passphrase) = self.passphrase {
            command.env("YAML_VAULT_PASSPHRASE", passphrase);
        }
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs with this standard input.
    pub fn fed(&self, args: &[&str], input: &str) -> Output {
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Whoever refuses at once does not read.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Runs, wants success, and gives standard error.
    #[track_caller]
    pub fn told(&self, args: &[&str]) -> String {
        let output = self.ctl(args);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {told}");
        told
    }

    pub fn ctl(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Runs, wants success and silence on standard error, and gives standard output.
    #[track_caller]
    pub fn good(&self, args: &[&str]) -> String {
        let output = self.ctl(args);
        assert_eq!(
            (output.status.code(), text(&output.stderr).as_str()),
            (Some(0), ""),
            "{args:?}"
        );
        text(&output.stdout)
    }

    /// Runs, wants this exit code and nothing on standard output, and gives standard error.
    #[track_caller]
    pub fn bad(&self, code: i32, args: &[&str]) -> String {
        let output = self.ctl(args);
        let told = text(&output.stderr);
        assert_eq!(
            (output.status.code(), text(&output.stdout).as_str()),
            (Some(code), ""),
            "{args:?}: {told}"
        );
        assert!(!told.contains("canary"), "{told}");
        told
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

const PLAIN: &str =
    "# top\nproduction:\n  user: root # who\n  pass: \"canary\"\ndev:\n  pass: dev\n";

#[test]
fn there_and_back_with_keys_and_files() {
    let run = Run::new();
    run.file("plain.yml", PLAIN);
    let sealed = run.good(&["encrypt", "plain.yml", "-k", "$.production.pass, $.dev"]);
    assert!(
        sealed.contains("user: root # who")
            && !sealed.contains("canary")
            && !sealed.contains(": dev")
    );
    run.file("sealed.yml", &sealed);
    assert_eq!(
        run.good(&[
            "decrypt",
            "sealed.yml",
            "-k",
            "$.production.pass",
            "-k",
            "$.dev"
        ]),
        PLAIN
    );
    let half = run.good(&["decrypt", "sealed.yml", "-k", "$.*.pass", "-o", "-"]);
    assert_eq!(half, PLAIN);
    assert_eq!(
        run.good(&[
            "decrypt",
            "sealed.yml",
            "--key=$./^(prod|dev)/.pass",
            "-o",
            "out.yml"
        ]),
        ""
    );
    assert_eq!(run.read("out.yml"), PLAIN);
    assert_eq!(mode(&run, "out.yml"), 0o600);
    // In place, twice the same text never gives the same messages.
    assert_eq!(run.good(&["encrypt", "plain.yml", "-o", "plain.yml"]), "");
    assert_ne!(run.good(&["encrypt", "out.yml"]), run.read("plain.yml"));
    assert_eq!(run.good(&["decrypt", "plain.yml"]), PLAIN);
}

fn mode(run: &Run, name: &str) -> u32 {
    fs::metadata(run.folder.path().join(name))
        .unwrap()
        .permissions()
        .mode()
        & 0o777
}

#[test]
fn modes_of_what_is_written() {
    let run = Run::new();
    run.file("plain.yml", PLAIN);
    fs::set_permissions(
        run.folder.path().join("plain.yml"),
        fs::Permissions::from_mode(0o640),
    )
    .unwrap();
    let umask = "umask 027; exec \"$@\"";
    let command = run.command(&["encrypt", "plain.yml", "-o", "new.yml"]);
    let mut shell = Command::new("sh");
    shell
        .args(["-c", umask, "sh"])
        .arg(command.get_program())
        .args(command.get_args());
    shell
        .current_dir(run.folder.path())
        .env("YAML_VAULT_PASSPHRASE", "pass");
    assert!(shell.status().unwrap().success());
    assert_eq!(mode(&run, "new.yml"), 0o640);
    run.good(&["encrypt", "plain.yml", "-o", "plain.yml"]);
    assert_eq!(mode(&run, "plain.yml"), 0o640);
    run.good(&["decrypt", "plain.yml", "-o", "fresh.yml"]);
    assert_eq!(mode(&run, "fresh.yml"), 0o600);
    let mut names: Vec<_> = fs::read_dir(run.folder.path())
        .unwrap()
        .map(|f| f.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["fresh.yml", "new.yml", "plain.yml"]);
}

#[test]
fn all_options() {
    let run = Run::new();
    run.file("plain.yml", "a: 1\nb: 'x'\n");
    let sets: [&[&str]; 6] = [
        &[
            "--cipher",
            "aes-128-cbc",
            "--key-len",
            "16",
            "--digest",
            "SHA512",
        ],
        &[
            "--cipher",
            "des-ede3-cbc",
            "--digest",
            "MD5",
            "--salt",
            "NaCl",
        ],
        &[
            "--cipher",
            "aes-256-ctr",
            "--digest",
            "SHA1",
            "--cryptor",
            "simple",
        ],
        &[
            "--cipher",
            "aes-192-gcm",
            "--prefix",
            "{ENC:",
            "--suffix",
            "}",
        ],
        &["--cipher", "chacha20-poly1305", "--prefix=ENC "],
        &["--kdf-digest", "SHA256", "--signature-key-len", "32"],
    ];
    for set in sets {
        let sealed = run.good(&[&["encrypt", "plain.yml"], set].concat());
        run.file("sealed.yml", &sealed);
        assert_eq!(
            run.good(&[&["decrypt", "sealed.yml"], set].concat()),
            "a: 1\nb: 'x'\n"
        );
        let told = run.bad(1, &["decrypt", "sealed.yml"]);
        assert!(
            told.starts_with("entryctl: sealed.yml:1:4: $.a: "),
            "{told}"
        );
    }
}

#[test]
fn sign_passphrase() {
    let run = Run::new();
    run.file("plain.yml", "a: 1\n");
    let signed = run
        .command(&["encrypt", "plain.yml"])
        .env("YAML_VAULT_SIGN_PASSPHRASE", "s")
        .output()
        .unwrap();
    run.file("sealed.yml", &text(&signed.stdout));
    assert!(
        run.bad(1, &["decrypt", "sealed.yml"])
            .contains("the signature does not match")
    );
    let good = run
        .command(&["decrypt", "sealed.yml"])
        .env("YAML_VAULT_SIGN_PASSPHRASE", "s")
        .output()
        .unwrap();
    assert_eq!(text(&good.stdout), "a: 1\n");
}

#[test]
fn standard_input() {
    let run = Run::new();
    let mut child = run
        .command(&["encrypt", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"a: 1\n").unwrap();
    let output = child.wait_with_output().unwrap();
    run.file("sealed.yml", &text(&output.stdout));
    assert_eq!(run.good(&["decrypt", "sealed.yml"]), "a: 1\n");
}

#[test]
fn what_matches_nothing_is_a_warning() {
    let run = Run::new();
    run.file("plain.yml", "d: &d {p: canary}\ne: {<<: *d}\n");
    run.file(
        "sealed.yml",
        &run.good(&["encrypt", "plain.yml", "-k", "$.d"]),
    );
    let output = run.ctl(&["decrypt", "sealed.yml", "-k", "$.e,$.zz"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout), run.read("sealed.yml"));
    let told = text(&output.stderr);
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 2, "{told}");
    assert!(
        lines[0].starts_with("entryctl: warning: key path $.e matches only through the alias *d"),
        "{told}"
    );
    assert_eq!(lines[1], "entryctl: warning: key path $.zz matches nothing");
    let output = run.ctl(&["encrypt", "plain.yml", "-k", "$.zz"]);
    assert_eq!(
        text(&output.stderr),
        "entryctl: warning: key path $.zz matches nothing\n"
    );
}

#[test]
fn failures() {
    let mut run = Run::new();
    run.file("plain.yml", "a: canary\nb:\n- canary\n");
    run.file("erb.yml", "a: <%= canary %>\n");
    run.file("broken.yml", "a: [\n");
    run.file("latin.yml", "");
    fs::write(run.folder.path().join("latin.yml"), b"a: \xe9\n").unwrap();
    let cases: [(&[&str], &str); 9] = [
        (
            &["decrypt", "plain.yml"],
            "plain.yml:1:4: $.a: it is not an encrypted message: encrypt it, or keep it out of the key paths\nentryctl: plain.yml:3:3: $.b.[0]: it is not an encrypted message: encrypt it, or keep it out of the key paths\n",
        ),
        (
            &["decrypt", "none.yml"],
            "cannot read none.yml: No such file",
        ),
        (&["decrypt", "."], "cannot read .: Is a directory"),
        (&["decrypt", "broken.yml"], "broken.yml:2:1: not YAML: "),
        (
            &["decrypt", "latin.yml"],
            "latin.yml is not UTF-8 at byte 3",
        ),
        (
            &["encrypt", "erb.yml"],
            "erb.yml:1:4: $.a: the value holds ERB",
        ),
        (
            &["encrypt", "plain.yml", "-o", "no/out.yml"],
            "cannot write no/out.yml: No such file",
        ),
        (
            &["encrypt", "plain.yml", "--key-len", "16"],
            "key_len is 16, but aes-256-cbc takes a key of 32",
        ),
        (
            &["encrypt", "plain.yml", "--signature-key-len", "0"],
            "signature_key_len is 0",
        ),
    ];
    for (args, want) in cases {
        let told = run.bad(1, args);
        assert!(
            told.starts_with(&format!("entryctl: {want}")),
            "{args:?}: {told}"
        );
    }
    for passphrase in [None, Some(""), Some("  ")] {
        run.passphrase = passphrase;
        let told = run.bad(1, &["encrypt", "plain.yml"]);
        assert_eq!(
            told,
            "entryctl: no passphrase: set the environment variable YAML_VAULT_PASSPHRASE\n"
        );
    }
}

#[test]
fn a_wrong_passphrase_writes_nothing() {
    let mut run = Run::new();
    run.file("plain.yml", PLAIN);
    run.good(&["encrypt", "plain.yml", "-o", "sealed.yml"]);
    run.file("out.yml", "kept");
    run.passphrase = Some("wrong");
    let told = run.bad(1, &["decrypt", "sealed.yml", "-o", "out.yml"]);
    assert_eq!(told.lines().count(), 4, "{told}");
    assert!(
        told.lines()
            .last()
            .unwrap()
            .contains("is YAML_VAULT_PASSPHRASE the right one?"),
        "{told}"
    );
    assert_eq!(run.read("out.yml"), "kept");
}

#[test]
fn usage() {
    let run = Run::new();
    let cases: [(&[&str], &str); 6] = [
        (&["decrypt"], "<FILE>"),
        (&["decrypt", "x", "-k", "a.b"], "does not begin with `$`"),
        (
            &["decrypt", "x", "--cipher", "aes-256-cbd"],
            "'aes-256-cbc'",
        ),
        (
            &["decrypt", "x", "--digest", "sha256"],
            "possible values: MD5, SHA1",
        ),
        (
            &["decrypt", "x", "--passphrase", "canary-free"],
            "unexpected argument '--passphrase'",
        ),
        (&["decrypt", "x", "-k", "$./(?=x)/"], "look-around"),
    ];
    for (args, want) in cases {
        let told = run.bad(2, args);
        assert!(told.contains(want), "{args:?}: {told}");
    }
    let help = run.good(&["decrypt", "--help"]);
    assert!(
        help.contains("entryctl vault decrypt config/secrets.yml")
            && help.contains("YAML_VAULT_SIGN_PASSPHRASE")
    );
}

#[test]
fn a_reader_that_leaves_is_no_panic() {
    let run = Run::new();
    let many: String = "k: v\n".repeat(20_000);
    run.file("plain.yml", &many);
    let mut child = run
        .command(&["encrypt", "plain.yml", "-k", "$.none"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stderr),
        "entryctl: warning: key path $.none matches nothing
"
    );
}

#[test]
fn merges_that_unfold_without_end_are_refused_soon() {
    let mut doubling = "a0: &a0 {x: 1}\n".to_owned();
    for n in 1..=40 {
        let last = n - 1;
        doubling.extend([format!("a{n}: &a{n} [*a{last}, *a{last}]\n")]);
    }
    doubling += "m: {<<: [*a40]}\n";
    let keys: String = (0..2000)
        .map(|n| ["k", &n.to_string(), ": 1, "].concat())
        .collect();
    let wide = format!("a: &a {{{keys}}}\nlist:\n{}", "- {<<: *a}\n".repeat(2000));
    for (name, text) in [("doubling.yml", doubling), ("wide.yml", wide)] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), text).unwrap();
        let output = std::process::Command::new(crate::support::binary("entryctl"))
            .args([
                "vault",
                "decrypt",
                name,
                "-k",
                "$.*.*.nope",
                "-k",
                "$.*.nope",
            ])
            .env("YAML_VAULT_PASSPHRASE", "x")
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{name}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("unfold to too many values"), "{name}: {said}");
    }
}
