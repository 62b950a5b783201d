//! `entryctl vault --cryptor aws-kms` against the stand-in with fixed keys, every call counted.

use super::cli::{Run, text};
use crate::support::fake_http::{FakeHttp, Reply, Request};
use crate::support::fixed_kms;
use crate::support::moto::Moto;
use std::collections::BTreeSet;
use std::fmt::Write as _;

const OTHER_KEY: &str = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const KMS: [&str; 2] = ["--cryptor", "aws-kms"];
const KEY: [&str; 4] = ["--cryptor", "kms", "--aws-kms-key-id", "alias/fixed"];

fn at(endpoint: &str) -> Run {
    let mut run = Run::new()
        .env("AWS_ENDPOINT_URL", endpoint)
        .env("AWS_ACCESS_KEY_ID", "AKIDTEST")
        .env("AWS_SECRET_ACCESS_KEY", "canary-secret-key")
        .env("AWS_REGION", "us-east-1")
        .env("YAML_VAULT_NEW_PASSPHRASE", "next");
    run.passphrase = None;
    run
}

/// The stand-in behind a proxy that sees each call.
struct Counted {
    _moto: Moto,
    proxy: FakeHttp,
    before: usize,
}

impl Counted {
    fn start() -> Counted {
        let moto = Moto::start();
        let address = moto.address();
        let proxy = FakeHttp::start(move |_, _| Reply::Forward(address));
        Counted {
            _moto: moto,
            proxy,
            before: 0,
        }
    }

    /// Decrypts and encrypts since the last question.
    fn calls(&mut self) -> (usize, usize) {
        let requests = self.proxy.requests();
        let new = &requests[self.before..];
        self.before = requests.len();
        let count = |name: &str| new.iter().filter(|one| is(one, name)).count();
        (count("Decrypt"), count("Encrypt"))
    }
}

fn is(request: &Request, action: &str) -> bool {
    request.headers["x-amz-target"] == format!("TrentService.{action}")
}

pub fn with(words: &[&str], options: &[&str]) -> Vec<String> {
    let all = words.iter().chain(options);
    all.map(|word| (*word).to_owned()).collect()
}

#[track_caller]
pub fn good(run: &Run, words: &[&str], options: &[&str]) -> String {
    let words = with(words, options);
    run.good(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

#[track_caller]
pub fn told(run: &Run, words: &[&str], options: &[&str]) -> String {
    let words = with(words, options);
    run.told(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// What the gem wrote, in the places and shapes that it has.
#[test]
fn the_gems_values_with_one_call_for_each_distinct_one() {
    let mut kms = Counted::start();
    let run = at(&kms.proxy.url());
    let vectors = include_str!("../vectors/kms/yaml_vault_values.json");
    let sets: serde_json::Value = serde_json::from_str(vectors).unwrap();
    let values = sets[0]["values"].as_array().unwrap();
    assert!(values.len() >= 30);
    let mut file = String::new();
    for value in values {
        let message = value["ciphertext_b64"].as_str().unwrap();
        let _ = writeln!(file, "- \"{message}\"\n- [\"{message}\"]");
    }
    run.file("s.yml", &file);
    let plain = good(&run, &["decrypt", "s.yml"], &KMS);
    let distinct: BTreeSet<_> = values
        .iter()
        .map(|one| one["ciphertext_b64"].as_str())
        .collect();
    assert_eq!(kms.calls(), (distinct.len(), 0));
    let scalars: Vec<String> = super::events(&plain)
        .into_iter()
        .filter_map(|event| match event {
            entry::yaml::RawEvent::Scalar { value, .. } => Some(value),
            _ => None,
        })
        .collect();
    let want: Vec<&str> = values
        .iter()
        .flat_map(|one| [one["value"].as_str().unwrap(); 2])
        .collect();
    assert_eq!(scalars, want);
}

const PLAIN: &str = "\
# top
p:
  a: one
  b: \"two\\tß\"
  c: |
    three

  d: [1, ~, !t x]
q: clear
";

#[test]
fn every_command_with_as_few_calls_as_can_be() {
    let mut kms = Counted::start();
    let run = at(&kms.proxy.url()).env("EDITOR", "sed -i 's/two/2 2/; s/one/1st/'");
    run.file("plain.yml", PLAIN);
    good(
        &run,
        &["encrypt", "plain.yml", "-o", "s.yml", "-k", "$.p"],
        &KEY,
    );
    assert_eq!(kms.calls(), (0, 6));
    assert_eq!(good(&run, &["decrypt", "s.yml", "-k", "$.p"], &KMS), PLAIN);
    assert_eq!(kms.calls(), (6, 0));

    let keys = good(&run, &["keys", "s.yml"], &KMS);
    let first = keys.lines().next().unwrap();
    assert_eq!(
        first,
        format!("3:6    encrypted  $.p.a  {}", fixed_kms::KEY_ID)
    );
    assert!(keys.ends_with("clear      $.q\n"), "{keys}");
    good(&run, &["check", "s.yml", "-k", "$.p"], &KMS);
    assert_eq!(kms.calls(), (0, 0));

    assert_eq!(
        good(&run, &["get", "s.yml", "$.p.d.[0]", "--json"], &KMS),
        "1\n"
    );
    assert_eq!(kms.calls(), (1, 0));

    // Who sets a value need not be able to read any.
    let words = with(&["set", "s.yml", "$.p.a"], &KEY);
    let output = run.fed(
        &words.iter().map(String::as_str).collect::<Vec<_>>(),
        "one!",
    );
    assert_eq!(text(&output.stderr), "");
    assert_eq!(kms.calls(), (0, 1));

    let before = run.read("s.yml");
    let said = told(&run, &["edit", "s.yml", "-k", "$.p"], &KEY);
    assert_eq!(said, "entryctl: s.yml: 2 encrypted, 4 kept as they were\n");
    assert_eq!(kms.calls(), (6, 2));
    let same = |n: usize| before.lines().nth(n) == run.read("s.yml").lines().nth(n);
    let changed: Vec<usize> = (0..before.lines().count()).filter(|n| !same(*n)).collect();
    assert_eq!(changed, [2, 3]);

    run.file("old.yml", &before);
    let diff = good(&run, &["diff", "old.yml", "s.yml"], &KMS);
    assert!(
        diff.contains("-  a: one!\n-  b: \"two\\tß\"\n+  a: 1st!\n+  b: \"2 2\\tß\"\n"),
        "{diff}"
    );
    assert_eq!(kms.calls(), (8, 0));
    good(&run, &["textconv", "s.yml"], &KMS);
    assert_eq!(kms.calls(), (6, 0));

    let new = ["--new-aws-kms-key-id", OTHER_KEY];
    let said = told(&run, &["rekey", "s.yml", "-k", "$.p", new[0], new[1]], &KMS);
    assert_eq!(said, "entryctl: s.yml: 6 encrypted anew\n");
    assert_eq!(kms.calls(), (6, 6));
    let keys = good(&run, &["keys", "s.yml", "-k", "$.p"], &KMS);
    assert!(keys.lines().all(|line| line.ends_with(OTHER_KEY)), "{keys}");

    told(
        &run,
        &["rekey", "s.yml", "-k", "$.p", "--new-cryptor", "simple"],
        &KMS,
    );
    assert_eq!(kms.calls(), (6, 0));
    let mut run = run;
    run.passphrase = Some("next");
    let plain = PLAIN.replace("two", "2 2").replace("one", "1st!");
    assert_eq!(run.good(&["decrypt", "s.yml", "-k", "$.p"]), plain);
    let new = [
        "--new-cryptor",
        "kms",
        "--new-aws-kms-key-id",
        "alias/fixed",
    ];
    told(&run, &["rekey", "s.yml", "-k", "$.p"], &new);
    assert_eq!(good(&run, &["decrypt", "s.yml", "-k", "$.p"], &KMS), plain);
}

/// What a server does.
pub type Answer = fn(&Request, usize) -> Reply;

/// A failure of each kind: the file as it was, one line that can be acted on, no secret in it.
#[test]
fn failures_leave_the_file() {
    let denied: Answer = |_, _| Reply::error(400, "AccessDeniedException", "no");
    let hanging: Answer = |_, _| Reply::Hang;
    let no_key: Answer = |_, _| Reply::error(400, "NotFoundException", "no such key");
    let short = ["--timeout", "300ms"];
    let many: String = (0..40).fold(String::new(), |text, n| {
        text + &format!("k{n}: canary{n}\n")
    });
    let cases: [(Answer, &[&str], &[&str], &str); 5] = [
        (
            denied,
            &["encrypt", "plain.yml", "-o", "s.yml"],
            &[],
            ": kms:Encrypt alias/fixed: access denied: no",
        ),
        (
            no_key,
            &["encrypt", "plain.yml", "-o", "s.yml"],
            &[],
            "kms:Encrypt alias/fixed: not found: no such key",
        ),
        (
            hanging,
            &["encrypt", "plain.yml", "-o", "s.yml"],
            &short,
            "kms:Encrypt alias/fixed: no answer in time",
        ),
        (
            denied,
            &["edit", "s.yml"],
            &[],
            "kms:Decrypt: access denied: no",
        ),
        (
            denied,
            &["rekey", "s.yml", "--new-cryptor", "simple"],
            &[],
            "kms:Decrypt: access denied: no",
        ),
    ];
    for (answer, words, options, want) in cases {
        // One for each: what a command left under way may come after its end.
        let server = FakeHttp::start(answer);
        let run = at(&server.url()).env("EDITOR", "true");
        run.file("plain.yml", &many);
        let sealed = fixed_kms::seal(&many, &["$"]);
        run.file("s.yml", &sealed);
        let words = with(words, &[&KEY[..], options].concat());
        let told = run.bad(1, &words.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(told.contains(want), "{told}");
        assert!(told.lines().count() <= 32, "{told}");
        assert_eq!(run.read("s.yml"), sealed);
        let asked = server.requests().len();
        assert!(asked <= 32, "{asked} calls");
    }
}

#[test]
fn what_needs_no_call_makes_none() {
    let server = FakeHttp::start(|_, _| Reply::error(400, "AccessDeniedException", "no"));
    let mut run = at(&server.url());
    run.file("long.yml", &format!("a: x\nb: {}\n", "canary".repeat(700)));
    run.file(
        "clear.yml",
        &format!("a: canary\nb: {}\n", fixed_kms::seal("x", &["$"])),
    );
    run.file("empty.yml", "");
    for (words, options, want) in [
        (
            vec!["encrypt", "long.yml"],
            &KEY[..],
            "long.yml:2:4: $.b: 4207 bytes as YAML, and KMS encrypts at most 4096: put it into a file of its own",
        ),
        (
            vec!["decrypt", "clear.yml"],
            &KMS[..],
            "clear.yml:1:4: $.a: it is not an encrypted message",
        ),
        (
            vec!["encrypt", "clear.yml"],
            &KMS[..],
            "no KMS key to encrypt with: name it with --aws-kms-key-id",
        ),
        (
            vec!["encrypt", "clear.yml"],
            &["--aws-kms-key-id", "alias/fixed"][..],
            "--aws-kms-key-id is for another cryptor: add --cryptor aws-kms",
        ),
    ] {
        let words = with(&words, options);
        let told = run.bad(1, &words.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(told.contains(want) && told.lines().count() == 1, "{told}");
    }
    let usage = with(&["decrypt", "clear.yml", "--aws-access-key-id", "x"], &KMS);
    run.bad(2, &usage.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(server.requests().is_empty());
    // Given keys go before those of the environment.
    let keys = [
        "--aws-access-key-id",
        "AKIDGIVEN",
        "--aws-secret-access-key",
        "s",
        "--aws-region",
        "eu-west-1",
    ];
    run.passphrase = None;
    run.file("s.yml", &fixed_kms::seal("a: x\n", &["$"]));
    let words = with(&["decrypt", "s.yml"], &[&KMS[..], &keys].concat());
    run.bad(1, &words.iter().map(String::as_str).collect::<Vec<_>>());
    let signed = &server.requests()[0].headers["authorization"];
    assert!(
        signed.contains("Credential=AKIDGIVEN/") && signed.contains("/eu-west-1/kms/"),
        "{signed}"
    );
}

#[test]
fn progress_shows_on_a_terminal_only() {
    use crate::support::terminal::Terminal;
    use crate::support::wait;
    let server = FakeHttp::start(|request, _| fixed_kms::answer(request));
    let run = at(&server.url());
    let many: String = (0..40).fold(String::new(), |text, n| text + &format!("k{n}: v\n"));
    run.file("s.yml", &fixed_kms::seal(&many, &["$"]));
    assert_eq!(good(&run, &["decrypt", "s.yml"], &KMS), many);
    let mut command = run.command(&["decrypt", "s.yml", "-o", "out.yml", KMS[0], KMS[1]]);
    command.env("TERM", "xterm");
    let (mut process, terminal) = Terminal::spawn(&command);
    let status = wait::exit(&mut process, &terminal.screen);
    let screen = String::from_utf8_lossy(&terminal.screen.rest()).into_owned();
    assert!(status.success(), "{screen}");
    assert!(
        screen.contains("decrypting") && screen.contains("/40"),
        "{screen}"
    );
    assert_eq!(run.read("out.yml"), many);
}
