//! `entryctl vault --cryptor gcp-kms` against a stand-in of Google's, every call counted, and a boot that reads
//! what it wrote.

mod failures;

use super::cli::{Run, text};
use super::kms::{good, told, with};
use crate::support::Entry;
use crate::support::fake_http::{FakeHttp, Reply, Request};
use crate::support::google::{self, KEY, OTHER_KEY};
use crate::support::moto::Moto;

const PLAIN: &str =
    "# top\np:\n  a: one\n  b: \"two\\tß\"\n  c: |\n    three\n\n  d: [1, ~, one]\nq: clear\n";
const GCP: [&str; 4] = ["--cryptor", "gcp-kms", "--gcp-kms-resource-id", KEY];

fn answer(request: &Request, number: usize) -> Reply {
    google::answer(&[KEY, OTHER_KEY], request, number)
}

/// Google, a service account's key file, and a folder where the stand-in is known.
struct Google {
    server: FakeHttp,
    account: tempfile::TempDir,
    before: usize,
}

impl Google {
    fn start() -> Google {
        let server = FakeHttp::start(answer);
        let account = google::account(&server);
        Google {
            server,
            account,
            before: 0,
        }
    }

    fn file(&self) -> String {
        let path = self.account.path().join("account.json");
        path.to_str().unwrap().to_owned()
    }

    /// With the key file in its variable.
    fn run(&self) -> Run {
        let mut run = Run::new()
            .env("GOOGLE_KMS_ENDPOINT", &self.server.url())
            .env("GOOGLE_APPLICATION_CREDENTIALS", &self.file());
        run.passphrase = None;
        run
    }

    /// Tokens, decrypts and encrypts since the last question.
    fn calls(&mut self) -> [usize; 3] {
        let requests = self.server.requests();
        let new = &requests[self.before..];
        self.before = requests.len();
        let ends = ["/token", ":decrypt", ":encrypt"];
        ends.map(|end| new.iter().filter(|one| one.target.ends_with(end)).count())
    }
}

#[test]
fn every_command_with_as_few_calls_as_can_be() {
    let mut google = Google::start();
    let run = google.run().env("EDITOR", "sed -i 's/two/2 2/'");
    run.file("plain.yml", PLAIN);
    let words = ["encrypt", "plain.yml", "-o", "s.yml", "-k", "$.p"];
    good(&run, &words, &GCP);
    assert_eq!(google.calls(), [1, 0, 6]);
    assert_eq!(good(&run, &["decrypt", "s.yml", "-k", "$.p"], &GCP), PLAIN);
    assert_eq!(google.calls(), [1, 6, 0]);

    let kind = &GCP[..2];
    let keys = good(&run, &["keys", "s.yml"], kind);
    assert!(keys.starts_with("3:6    encrypted  $.p.a\n"), "{keys}");
    assert!(keys.ends_with("clear      $.q\n"), "{keys}");
    good(&run, &["check", "s.yml", "-k", "$.p"], kind);
    let none = run.bad(1, &[&["check", "s.yml"][..], kind].concat());
    assert_eq!(
        none,
        "entryctl: s.yml:9:4: $.q: it is in clear text\n".to_owned()
    );
    assert_eq!(google.calls(), [0, 0, 0]);

    let words = ["get", "s.yml", "$.p.d.[0]", "--json"];
    assert_eq!(good(&run, &words, &GCP), "1\n");
    assert_eq!(google.calls(), [1, 1, 0]);
    // What is in clear needs no key.
    assert_eq!(good(&run, &["get", "s.yml", "$.q"], kind), "clear\n");

    let words = with(&["set", "s.yml", "$.p.a"], &GCP);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    assert_eq!(text(&run.fed(&words, "one!").stderr), "");
    assert_eq!(google.calls(), [1, 0, 1]);

    run.file("old.yml", &run.read("s.yml"));
    let said = told(&run, &["edit", "s.yml", "-k", "$.p"], &GCP);
    assert_eq!(said, "entryctl: s.yml: 1 encrypted, 5 kept as they were\n");
    assert_eq!(google.calls(), [1, 6, 1]);
    let diff = good(&run, &["diff", "old.yml", "s.yml"], &GCP);
    let want = "-  b: \"two\\tß\"\n+  b: \"2 2\\tß\"\n";
    assert!(diff.contains(want), "{diff}");
    assert_eq!(google.calls(), [1, 7, 0]);
    let shown = good(&run, &["textconv", "s.yml"], &GCP);
    assert!(shown.contains("a: one!\n"), "{shown}");
    assert_eq!(google.calls(), [1, 6, 0]);

    let words = ["rekey", "s.yml", "-k", "$.p"];
    let new = ["--new-gcp-kms-resource-id", OTHER_KEY];
    told(&run, &words, &[&GCP[..], &new].concat());
    assert_eq!(google.calls(), [2, 6, 6]);
    let other = [&GCP[..3], &[OTHER_KEY]].concat();
    assert_eq!(good(&run, &["get", "s.yml", "$.p.a"], &other), "one!\n");
}

/// Who decrypts sends each distinct message once, wherever the file has it.
#[test]
fn a_boot_reads_it() {
    let mut google = Google::start();
    let run = google.run();
    run.file("plain.yml", PLAIN);
    let words = ["encrypt", "plain.yml", "-k", "$.p"];
    let sealed = good(&run, &words, &GCP);
    let message = sealed.lines().nth(2).unwrap();
    let again = message.replace("  a: ", "e: ");
    google.calls();
    let mode = format!(
        "command: env\nsecrets:\n- {{vault: s.yml, cryptor: gcp-kms, gcp_kms_resource_id: {KEY}, \
         gcp_credential_file: {}, keys: [$.p, $.e], env: {{A: $.p.a, B: $.p.b, C: $.p.c, E: $.e}}}}\n",
        google.file()
    );
    let done = Entry::new()
        .mode("web", &mode)
        .file("s.yml", format!("{sealed}{again}\n"))
        .env("GOOGLE_KMS_ENDPOINT", google.server.url())
        .args(["web"])
        .run()
        .expect(0);
    let stdout = done.stdout();
    for want in ["A=one\n", "B=two\tß\n", "C=three\n", "E=one\n"] {
        assert!(stdout.contains(want), "{stdout}");
    }
    assert_eq!(google.calls(), [1, 6, 0]);
}

#[test]
fn from_a_passphrase_to_google_to_aws_and_back() {
    let google = Google::start();
    let moto = Moto::start();
    let mut run = Run::new()
        .env("GOOGLE_KMS_ENDPOINT", &google.server.url())
        .env("AWS_ENDPOINT_URL", &moto.url())
        .env("AWS_ACCESS_KEY_ID", "AKIDTEST")
        .env("AWS_SECRET_ACCESS_KEY", "canary-secret-key")
        .env("AWS_REGION", "us-east-1")
        .env("YAML_VAULT_NEW_PASSPHRASE", "next");
    run.file("plain.yml", PLAIN);
    run.good(&["encrypt", "plain.yml", "-o", "s.yml", "-k", "$.p"]);
    let file = google.file();
    let old_google = [&GCP[..], &["--gcp-credential-file", &file]].concat();
    let to_google = [
        "--new-cryptor",
        "gcp-kms",
        "--new-gcp-kms-resource-id",
        KEY,
        "--new-gcp-credential-file",
        &file,
    ];
    let aws = ["--cryptor", "aws-kms"];
    let to_aws = [
        "--new-cryptor",
        "aws-kms",
        "--new-aws-kms-key-id",
        "alias/fixed",
    ];
    let to_simple = ["--new-cryptor", "simple"];
    let words = ["rekey", "s.yml", "-k", "$.p"];
    let none = Vec::new();
    for (old, new, then) in [
        (&none, &to_google[..], &old_google),
        (&old_google, &to_aws, &aws.to_vec()),
        (&aws.to_vec(), &to_simple, &none),
    ] {
        let said = told(&run, &words, &[&old[..], new].concat());
        assert_eq!(said, "entryctl: s.yml: 6 encrypted anew\n");
        if then.is_empty() {
            run.passphrase = Some("next");
        }
        assert_eq!(good(&run, &["decrypt", "s.yml", "-k", "$.p"], then), PLAIN);
    }
}
