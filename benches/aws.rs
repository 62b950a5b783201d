//! A boot with 200 values of AWS KMS and 20 objects of S3, each exchange 20 ms away: entry beside Debian's
//! Ruby SDK, which asks one after the other as the yaml_vault gem does, and beside a single exchange. Then
//! what stays of such a boot in PID 1, and how soon a stop ends one that KMS does not answer. Prints
//! medians and ratios; asserts only that both fetched the same.
//!
//! Run by `make bench`, which builds the release binary that is measured.

// A measurement that fails has nothing better to do than to say so and end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod cloud;
mod common;

use cloud::boot::{self, Boot, median};
use cloud::{Asked, Cloud, Object, Pace, ciphertext};
use common::{binary, cpus, line, memory, now, percentiles, pid};
use nix::sys::signal::{Signal, kill};
use std::fmt::Write as _;
use std::fs;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const VALUES: usize = 200;
const OBJECTS: usize = 20;
const OBJECT_BYTES: usize = 8 << 10;
const AWAY: Duration = Duration::from_millis(20);
/// Interleaved; Ruby takes five seconds for each.
const ROUNDS: usize = 7;
const STOPS: usize = 30;
const BUCKET: &str = "myapp-files";

fn main() {
    let words: Vec<String> = std::env::args().collect();
    match words.get(1).map(String::as_str) {
        Some(common::CHILD) => common::child(),
        Some(boot::MEASURE) => boot::measure(&words[2..]),
        _ => {
            let bench = Bench::new();
            bench.boots();
            bench.idle();
            bench.stops();
        }
    }
}

struct Bench {
    cloud: Cloud,
    folder: tempfile::TempDir,
    /// What every boot must have made of the secrets.
    plain: String,
    content: Vec<u8>,
}

impl Bench {
    fn new() -> Bench {
        let content: Vec<u8> = (0..OBJECT_BYTES)
            .map(|at| u8::try_from(at * 31 % 251).unwrap())
            .collect();
        let paths = (0..OBJECTS).map(|number| format!("/{BUCKET}/file-{number}"));
        let objects = paths.map(|path| {
            let content = content.clone();
            let object = Object {
                content,
                ..Object::default()
            };
            (path, object)
        });
        let folder = tempfile::tempdir().unwrap();
        let (mut plain, mut sealed) = ("production:\n".to_owned(), "production:\n".to_owned());
        for number in 0..VALUES {
            let value = format!("value-{number:03}-5f1d7a84c0b94f7f8f2ce0e6d2b1a3c4");
            writeln!(plain, "  key_{number:03}: {value}").unwrap();
            let message = ciphertext(&format!("--- {value}\n"));
            writeln!(sealed, "  key_{number:03}: {message}").unwrap();
        }
        fs::write(folder.path().join("secrets.yml"), sealed).unwrap();
        fs::write(folder.path().join("local"), &content).unwrap();
        let bench = Bench {
            cloud: Cloud::start(Pace::After(AWAY), objects),
            folder,
            plain,
            content,
        };
        bench.write_modes();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What is fetched, and how many calls are in flight: `values`, `objects` and `all`, and these with
    /// `-wide`. `copied` keeps what entry takes away at its end. `idle-…` run a child that stays.
    fn write_modes(&self) {
        fs::create_dir(self.path("modes")).unwrap();
        let write = |name: &str, text: String| {
            fs::write(self.path("modes").join(name).with_extension("yml"), text).unwrap();
        };
        let out = self.path("out");
        let secrets = format!(
            "secrets:\n  - {{vault: secrets.yml, cryptor: aws-kms, keys: $.production, write: {}/secrets.yml}}\n",
            out.display()
        );
        let files = |from: &dyn Fn(usize) -> String| {
            let line = |number| {
                let (from, out) = (from(number), out.display());
                format!("  - {{from: {from}, to: {out}/file-{number}}}\n")
            };
            format!("files:\n{}", (0..OBJECTS).map(line).collect::<String>())
        };
        let objects = files(&|number| format!("s3://{BUCKET}/file-{number}"));
        let local = files(&|_| format!("file://{}", self.path("local").display()));
        let all = format!("{secrets}{objects}");
        for (suffix, aws) in [("", ""), ("-wide", "aws: {in_flight: 256}\n")] {
            for (name, wants) in [("values", &secrets), ("objects", &objects), ("all", &all)] {
                write(
                    &format!("{name}{suffix}"),
                    format!("command: [\"true\"]\n{aws}{wants}"),
                );
            }
        }
        write("copied", format!("command: cp -r out copy\n{all}"));
        let own = std::env::current_exe().unwrap();
        for (name, wants) in [("nothing", ""), ("local", &local), ("all", &all)] {
            let child = format!("command: [{}, {}]\n", own.display(), common::CHILD);
            write(&format!("idle-{name}"), format!("{child}{wants}"));
        }
    }

    fn command(&self, url: &str) -> Command {
        boot::command(&binary(), self.folder.path(), url)
    }

    fn boot(&self, words: &[&str]) -> Boot {
        Boot::run(&self.cloud, self.folder.path(), words)
    }

    /// Whether a folder has what a boot must have made.
    fn compare(&self, who: &str, folder: &Path) {
        let secrets = fs::read_to_string(folder.join("secrets.yml")).unwrap();
        assert!(secrets == self.plain, "{who}: other secrets");
        for number in 0..OBJECTS {
            let object = fs::read(folder.join(format!("file-{number}"))).unwrap();
            assert!(object == self.content, "{who}: other objects");
        }
    }

    fn boots(&self) {
        println!(
            "\na boot with {VALUES} aws-kms values and {OBJECTS} S3 objects of {OBJECT_BYTES} bytes, {} ms added to each \
             HTTP exchange,\nwithout TLS; medians of {ROUNDS} interleaved runs, {} CPUs, which the stand-in for AWS shares",
            AWAY.as_millis(),
            cpus()
        );
        let entry = binary();
        let entry = entry.to_str().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/one_by_one.rb");
        let secrets = self.path("secrets.yml");
        let (url, objects, out) = (self.cloud.url(), OBJECTS.to_string(), self.path("out"));
        let paths = [&script, &secrets, &out].map(|path| path.to_str().unwrap());
        let ruby = ["ruby", paths[0], &url, paths[1], BUCKET, &objects, paths[2]];
        self.boot(&[entry, "copied"]);
        self.compare("entry", &self.path("copy"));
        let mut exchange = Vec::new();
        let mut rows = [Row::default(), Row::default(), Row::default()];
        for _ in 0..ROUNDS {
            exchange.extend(self.cloud.exchanges(&format!("/{BUCKET}/file-0"), 5));
            for (row, suffix) in rows.iter_mut().zip(["", "-wide"]) {
                let boot = |wants: &str| self.boot(&[entry, &format!("{wants}{suffix}")]);
                row.add(&boot("values"), &boot("objects"), boot("all"));
            }
            let boot = self.boot(&ruby);
            self.compare("Ruby", &out);
            rows[2].values.extend(boot.values_ms());
            rows[2].objects.extend(boot.objects_ms());
            rows[2].all.push(boot);
        }
        let exchange: Vec<f64> = exchange.iter().map(Duration::as_secs_f64).collect();
        let exchange = median(&exchange) * 1e3;
        table(exchange, &rows);
    }

    /// PID 1 after a boot with all of it, with as many files from elsewhere, and with nothing to fetch.
    fn idle(&self) {
        println!(
            "\nidle memory of PID 1 after such a boot, in KiB: p10, p50, p90 of {ROUNDS} interleaved runs\n{:<26} {:>17} {:>17}",
            "", "anonymous", "resident"
        );
        let mut seen = [
            ("nothing to fetch", "idle-nothing"),
            ("the files from disk", "idle-local"),
            ("all from KMS and S3", "idle-all"),
        ]
        .map(|(name, mode)| (name, mode, [Vec::new(), Vec::new()]));
        for _ in 0..ROUNDS {
            for (_, mode, memories) in &mut seen {
                let _ = fs::remove_dir_all(self.path("out"));
                let mut command = self.command(&self.cloud.url());
                let command = command.arg(*mode).stderr(Stdio::null());
                let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
                let mut stdout = BufReader::new(process.stdout.take().unwrap());
                assert_eq!(line(&mut stdout), "ready", "{mode}");
                for (memory, memories) in memory(process.id()).into_iter().zip(memories) {
                    memories.push(memory);
                }
                kill(pid(&process), Signal::SIGTERM).unwrap();
                process.wait().unwrap();
            }
        }
        for (name, _, memories) in &seen {
            let [anonymous, resident] = memories.each_ref().map(|kib| {
                let [p10, p50, p90] = percentiles(kib);
                format!("{p10}, {p50}, {p90}")
            });
            println!("{name:<26} {anonymous:>17} {resident:>17}");
        }
    }

    /// TERM while every decrypt hangs.
    fn stops(&self) {
        let mut times = Vec::new();
        for _ in 0..STOPS {
            // One for each, or a request of the boot before would be taken for this one's.
            let silent = Cloud::start(Pace::Never, []);
            let mut command = self.command(&silent.url());
            let command = command.arg("values").stdout(Stdio::null());
            let mut process = command.stderr(Stdio::null()).spawn().unwrap();
            silent.arrivals.recv().unwrap();
            let sent = now();
            kill(pid(&process), Signal::SIGTERM).unwrap();
            let status = process.wait().unwrap();
            times.push(now().saturating_sub(sent).as_secs_f64() * 1e3);
            assert_eq!(status.code(), Some(143));
        }
        let [p10, p50, p90] = percentiles(&times);
        println!(
            "\nTERM while KMS hangs, to the exit with 143, in ms: p10 {p10:.1}, p50 {p50:.1}, p90 {p90:.1} ({STOPS} runs)"
        );
    }
}

/// What one way of booting took, a number for each round.
#[derive(Default)]
struct Row {
    values: Vec<f64>,
    objects: Vec<f64>,
    all: Vec<Boot>,
}

impl Row {
    fn add(&mut self, values: &Boot, objects: &Boot, all: Boot) {
        self.values.extend(values.values_ms());
        self.objects.extend(objects.objects_ms());
        self.all.push(all);
    }

    /// Values, objects, and the whole from start to exit, in ms.
    fn times(&self) -> [f64; 3] {
        let walls: Vec<f64> = self.all.iter().map(|boot| boot.wall_ms).collect();
        [&self.values, &self.objects, &walls].map(|times| median(times))
    }
}

fn table(exchange: f64, rows: &[Row; 3]) {
    println!(
        "{:<26} {:>8} {:>8} {:>8} {:>7} {:>5} {:>12} {:>9}",
        "times in ms", "values", "objects", "all", "KMS", "S3", "connections", "peak MiB"
    );
    let one = format!("{exchange:.1}");
    println!("{:<26} {one:>8} {one:>8} {one:>8}", "one exchange");
    let names = [
        "entry, 32 in flight",
        "entry, 256 in flight",
        "Ruby SDK, one by one",
    ];
    for (name, row) in names.iter().zip(rows) {
        let [values, objects, all] = row.times();
        let peaks: Vec<f64> = row.all.iter().map(|boot| boot.peak_mib).collect();
        let peak = median(&peaks);
        let Asked {
            decrypts,
            objects: got,
            connections,
        } = row.all[0].asked;
        println!(
            "{name:<26} {values:>8.0} {objects:>8.0} {all:>8.0} {decrypts:>7} {got:>5} {connections:>12} {peak:>9.1}"
        );
    }
    let times = rows.each_ref().map(Row::times);
    let [entry, wide, ruby] = &times;
    let ratio = |name: &str, over: &[f64; 3], under: &[f64; 3]| {
        let [values, objects, all] = [0, 1, 2].map(|at| over[at] / under[at]);
        println!("{name:<26} {values:>8.1} {objects:>8.1} {all:>8.1}");
    };
    ratio("Ruby to entry, 32", ruby, entry);
    ratio("Ruby to entry, 256", ruby, wide);
    ratio("entry, 32, to one exchange", entry, &[exchange; 3]);
    ratio("entry, 256, to one exchange", wide, &[exchange; 3]);
}
