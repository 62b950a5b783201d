//! Secrets in quantity, each exchange 20 ms away: 2,000 values of a yaml_vault file, 100 client-side encrypted
//! objects of 1 MiB, and one sops file with the same 2,000 values. A boot of entry beside what does the same
//! job: Debian's Ruby SDK one by one as the yaml_vault gem calls it, its encryption client V2, and the real
//! sops. Prints medians and ratios; asserts only that all of them got the same.
//!
//! Run by `make bench`, which builds the release binary that is measured.

// A measurement that fails has nothing better to do than to say so and end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]
#![allow(
    dead_code,
    reason = "the other benches use the rest of what they share"
)]

mod cloud;
mod common;

use cloud::boot::{self, Boot, median};
use cloud::{Asked, Cloud, ENVELOPE, Object, Pace, ciphertext};
use common::{binary, cpus};
use entry::envelope::{Format, Place, Sealer};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const VALUES: usize = 2000;
const OBJECTS: usize = 100;
const OBJECT_BYTES: usize = 1 << 20;
const AWAY: Duration = Duration::from_millis(20);
/// Interleaved; Ruby takes most of a minute for each.
const ROUNDS: usize = 3;
const BUCKET: &str = "myapp-files";
const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-4333-8444-555555555555";

fn main() {
    let words: Vec<String> = std::env::args().collect();
    match words.get(1).map(String::as_str) {
        Some(boot::MEASURE) => boot::measure(&words[2..]),
        _ => Bench::new().run(),
    }
}

struct Bench {
    cloud: Cloud,
    folder: tempfile::TempDir,
    /// What all must have made of the values, and of each object.
    plain: String,
    content: Vec<u8>,
}

/// A job, who does it, and the clock that has only the job in it.
struct Job {
    name: String,
    mode: &'static str,
    peer: &'static str,
    words: Vec<String>,
    own_ms: fn(&Boot) -> Option<f64>,
}

impl Bench {
    fn new() -> Bench {
        let content: Vec<u8> = (0..OBJECT_BYTES)
            .map(|at| u8::try_from(at * 31 % 251).unwrap())
            .collect();
        let objects = (0..OBJECTS).map(|number| (path(number), sealed(number, &content)));
        let (mut plain, mut vault) = ("production:\n".to_owned(), "production:\n".to_owned());
        for number in 0..VALUES {
            let value = format!("value-{number:04}-5f1d7a84c0b94f7f8f2ce0e6d2b1a3c4");
            writeln!(plain, "  key_{number:04}: {value}").unwrap();
            let message = ciphertext(&format!("--- {value}\n"));
            writeln!(vault, "  key_{number:04}: {message}").unwrap();
        }
        let bench = Bench {
            cloud: Cloud::start(Pace::After(AWAY), objects),
            folder: tempfile::tempdir().unwrap(),
            plain,
            content,
        };
        fs::write(bench.path("secrets.yml"), vault).unwrap();
        bench.write_sops();
        bench.write_modes();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// As the real sops writes it, indented by four as it prints it.
    fn write_sops(&self) {
        fs::write(self.path("plain.yml"), &self.plain).unwrap();
        let mut sops = boot::command(Path::new("sops"), self.folder.path(), &self.cloud.url());
        let sops = sops.args(["encrypt", "--kms", KEY, "plain.yml"]);
        let output = sops.output().expect("sops (scripts/setup installs it)");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "sops: {told}");
        fs::write(self.path("sops.yml"), output.stdout).unwrap();
    }

    /// A mode for each job, and one that keeps what entry takes away at its end.
    fn write_modes(&self) {
        fs::create_dir(self.path("modes")).unwrap();
        let out = self.path("out").display().to_string();
        let files = (0..OBJECTS).map(|number| {
            format!("  - {{from: s3://{BUCKET}/file-{number}, to: {out}/file-{number}, client_side: true}}\n")
        });
        let files = format!("files:\n{}", files.collect::<String>());
        let vault = "{vault: secrets.yml, cryptor: aws-kms, write: ";
        for (name, wants) in [
            ("vault", format!("secrets: [{vault}{out}/secrets.yml}}]\n")),
            ("objects", files),
            (
                "sops",
                format!("secrets: [{{sops: sops.yml, write: {out}/secrets.yml}}]\n"),
            ),
        ] {
            for (name, command) in [
                (name.to_owned(), "[\"true\"]"),
                (format!("{name}-copied"), "cp -r out copy"),
            ] {
                let mode = format!("command: {command}\naws: {{timeout: 120s}}\n{wants}");
                fs::write(self.path("modes").join(name).with_extension("yml"), mode).unwrap();
            }
        }
    }

    fn jobs(&self) -> [Job; 3] {
        let script = |name: &str| {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches");
            folder.join(name).display().to_string()
        };
        let (url, out) = (self.cloud.url(), self.path("out").display().to_string());
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let (one_by_one, sealed) = (script("one_by_one.rb"), script("sealed.rb"));
        [
            Job {
                name: format!("{VALUES} values of a yaml_vault file"),
                mode: "vault",
                peer: "Ruby SDK, as the gem",
                words: words(&["ruby", &one_by_one, &url, "secrets.yml", BUCKET, "0", &out]),
                own_ms: Boot::values_ms,
            },
            Job {
                name: format!(
                    "{OBJECTS} objects of {OBJECT_BYTES} bytes, client-side encrypted (V2)"
                ),
                mode: "objects",
                peer: "Ruby's EncryptionV2",
                words: words(&["ruby", &sealed, &url, BUCKET, &OBJECTS.to_string(), &out]),
                own_ms: Boot::objects_ms,
            },
            Job {
                name: format!("one sops file with {VALUES} values"),
                mode: "sops",
                peer: "sops decrypt",
                words: words(&["sops", "decrypt", "--output", "sops.out", "sops.yml"]),
                own_ms: Boot::values_ms,
            },
        ]
    }

    fn run(&self) {
        println!(
            "\nsecrets in quantity, {} ms added to each HTTP exchange, without TLS; medians of {ROUNDS} interleaved runs,\n\
             {} CPUs, which the stand-in for AWS shares; \"calls\" by the program's own clock, \"all\" from start to exit",
            AWAY.as_millis(),
            cpus()
        );
        let entry = binary().display().to_string();
        for job in self.jobs() {
            let peer: Vec<&str> = job.words.iter().map(String::as_str).collect();
            let copied = format!("{}-copied", job.mode);
            Boot::run(&self.cloud, self.folder.path(), &[&entry, &copied]);
            self.compare(&job, "entry", &self.path("copy"));
            fs::remove_dir_all(self.path("copy")).unwrap();
            let mut runs = [Vec::new(), Vec::new()];
            for _ in 0..ROUNDS {
                let one = |words: &[&str]| Boot::run(&self.cloud, self.folder.path(), words);
                runs[0].push(one(&[&entry, job.mode]));
                runs[1].push(one(&peer));
                self.compare(&job, job.peer, &self.path("out"));
            }
            table(&job, &runs);
        }
    }

    /// Whether a folder has what the job must have made.
    fn compare(&self, job: &Job, who: &str, folder: &Path) {
        let same = match job.mode {
            "objects" => (0..OBJECTS).all(|number| {
                fs::read(folder.join(format!("file-{number}"))).unwrap() == self.content
            }),
            // sops prints its own indentation, and writes where it was told.
            "sops" => {
                let file = if who == "entry" {
                    folder.join("secrets.yml")
                } else {
                    self.path("sops.out")
                };
                fs::read_to_string(file).unwrap() == self.plain.replace("  key", "    key")
            }
            _ => fs::read_to_string(folder.join("secrets.yml")).unwrap() == self.plain,
        };
        assert!(same, "{}: {who} has something else", job.name);
    }
}

fn path(number: usize) -> String {
    format!("/{BUCKET}/file-{number}")
}

/// As the encryption clients write it, under a data key of its own.
fn sealed(number: usize, content: &[u8]) -> Object {
    let sealer = Sealer::new(Format::V2, Place::Metadata, &BTreeMap::new()).unwrap();
    let byte = u8::try_from(number % 256).unwrap();
    let key = [byte; 32];
    let wrapped = [&ENVELOPE[..], &key].concat();
    let random = vec![byte; sealer.random_len()];
    let sealed = sealer.seal(&key, &wrapped, &random, content).unwrap();
    Object {
        content: sealed.body,
        metadata: sealed.metadata,
    }
}

fn table(job: &Job, runs: &[Vec<Boot>; 2]) {
    println!(
        "\n{}\n{:<26} {:>9} {:>9} {:>7} {:>5} {:>12} {:>9}",
        job.name, "times in ms", "calls", "all", "KMS", "S3", "connections", "peak MiB"
    );
    let mut figures = Vec::new();
    for (name, runs) in ["entry, 32 in flight", job.peer].iter().zip(runs) {
        let own: Option<Vec<f64>> = runs.iter().map(job.own_ms).collect();
        let own = own.map(|own| median(&own));
        let all = median(&runs.iter().map(|one| one.wall_ms).collect::<Vec<_>>());
        let peak = median(&runs.iter().map(|one| one.peak_mib).collect::<Vec<_>>());
        let Asked {
            decrypts,
            objects,
            connections,
        } = runs[0].asked;
        let calls = own.map_or("-".to_owned(), |own| format!("{own:.0}"));
        println!(
            "{name:<26} {calls:>9} {all:>9.0} {decrypts:>7} {objects:>5} {connections:>12} {peak:>9.1}"
        );
        figures.push((own, all, peak));
    }
    let [entry, peer] = figures.as_slice() else {
        return;
    };
    let calls = entry.0.zip(peer.0);
    let calls = calls.map_or("-".to_owned(), |(entry, peer)| {
        format!("{:.1}", peer / entry)
    });
    let (all, peak) = (peer.1 / entry.1, peer.2 / entry.2);
    println!(
        "{:<26} {calls:>9} {all:>9.1} {:>36.1}",
        "ratio to entry", peak
    );
}
