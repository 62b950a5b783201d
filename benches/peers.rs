//! entry beside tini, dumb-init and catatonit, interleaved in one run: start to exit, TERM to the
//! child, idle memory. Prints medians and ratios; asserts nothing.
//!
//! Run by `make bench`, which builds the release binary that is measured.

// A measurement that fails has nothing better to do than to say so and end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod common;

use common::{binary, cpus, line, memory, now, percentiles, pid};
use nix::sys::signal::{Signal, kill};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 200;
const MODE: &str = "command: [CHILD]\nargs: append\nenv: {RAILS_ENV: production}\nstop: {preset: puma, drain: 0s}\n";

fn main() {
    if std::env::args().any(|arg| arg == common::CHILD) {
        return common::child();
    }
    let bench = Bench::new();
    println!(
        "medians of {ROUNDS} interleaved runs, host mode, {} CPUs",
        cpus()
    );
    bench.starts();
    bench.latencies();
    bench.memory();
}

struct Front {
    name: &'static str,
    words: Vec<String>,
}

struct Bench {
    fronts: Vec<Front>,
    folder: tempfile::TempDir,
    own: PathBuf,
}

impl Bench {
    fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let own = std::env::current_exe().unwrap();
        let modes = folder.path().join("modes");
        std::fs::create_dir(&modes).unwrap();
        std::fs::write(
            modes.join("web.yml"),
            MODE.replace("CHILD", own.to_str().unwrap()),
        )
        .unwrap();
        std::fs::write(
            modes.join("true.yml"),
            "command: [\"true\"]\nenv: {RAILS_ENV: production}\nstop: unicorn\n",
        )
        .unwrap();
        let entry = binary().to_str().unwrap().to_owned();
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let fronts = vec![
            Front {
                name: "no init",
                words: vec![],
            },
            Front {
                name: "tini -s",
                words: words(&["tini", "-s", "--"]),
            },
            Front {
                name: "dumb-init",
                words: words(&["dumb-init", "--"]),
            },
            Front {
                name: "catatonit",
                words: words(&["catatonit", "--"]),
            },
            Front {
                name: "entry --",
                words: words(&[&entry, "--"]),
            },
            Front {
                name: "entry MODE",
                words: words(&[&entry]),
            },
        ];
        Bench {
            fronts,
            folder,
            own,
        }
    }

    fn command(&self, front: &Front, mode: &str, program: &Path, args: &[&str]) -> Command {
        let mut words = front.words.clone();
        match front.name {
            "entry MODE" => words.push(mode.to_owned()),
            _ => words.push(program.to_str().unwrap().to_owned()),
        }
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .args(args)
            .current_dir(self.folder.path());
        command.stdin(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn starts(&self) {
        let mut series = vec![Vec::new(); self.fronts.len()];
        for _ in 0..ROUNDS {
            for (front, times) in self.fronts.iter().zip(&mut series) {
                let mut command = self.command(front, "true", Path::new("true"), &[]);
                let start = Instant::now();
                assert!(
                    command.stdout(Stdio::null()).status().unwrap().success(),
                    "{}",
                    front.name
                );
                times.push(start.elapsed());
            }
        }
        self.table("start to exit of `true`, in µs", &series);
    }

    fn latencies(&self) {
        let mut series = vec![Vec::new(); self.fronts.len()];
        for _ in 0..ROUNDS {
            for (front, times) in self.fronts.iter().zip(&mut series) {
                let (mut process, mut stdout) = self.ready(front);
                let sent = now();
                kill(pid(&process), Signal::SIGTERM).unwrap();
                let received = Duration::from_nanos(line(&mut stdout).parse().unwrap());
                times.push(received.saturating_sub(sent));
                process.wait().unwrap();
            }
        }
        self.table("TERM to the child, in µs", &series);
    }

    fn memory(&self) {
        println!(
            "\nidle memory of the init, in KiB\n{:<12} {:>9} {:>9}",
            "", "anonymous", "resident"
        );
        for front in self.fronts.iter().filter(|front| !front.words.is_empty()) {
            let (mut process, _stdout) = self.ready(front);
            let [anonymous, resident] = memory(process.id());
            println!("{:<12} {anonymous:>9} {resident:>9}", front.name);
            kill(pid(&process), Signal::SIGTERM).unwrap();
            process.wait().unwrap();
        }
    }

    fn ready(&self, front: &Front) -> (Child, BufReader<ChildStdout>) {
        let mut process = self
            .command(front, "web", &self.own, &[common::CHILD])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        assert_eq!(line(&mut stdout), "ready", "{}", front.name);
        (process, stdout)
    }

    fn table(&self, title: &str, series: &[Vec<Duration>]) {
        println!(
            "\n{title}\n{:<12} {:>7} {:>7} {:>7} {:>9} {:>13}",
            "", "p10", "p50", "p90", "to tini", "to catatonit"
        );
        let micros = |times: &Vec<Duration>| -> Vec<f64> {
            times.iter().map(|time| time.as_secs_f64() * 1e6).collect()
        };
        let series = series.iter().map(|times| percentiles(&micros(times)));
        let series: Vec<[f64; 3]> = series.collect();
        let median = |name: &str| {
            let mut fronts = self.fronts.iter().zip(&series);
            fronts.find_map(|(front, [_, p50, _])| (front.name == name).then_some(*p50))
        };
        let (tini, catatonit) = (median("tini -s").unwrap(), median("catatonit").unwrap());
        for (front, [p10, p50, p90]) in self.fronts.iter().zip(&series) {
            println!(
                "{:<12} {p10:>7.0} {p50:>7.0} {p90:>7.0} {:>9.2} {:>13.2}",
                front.name,
                p50 / tini,
                p50 / catatonit
            );
        }
    }
}
