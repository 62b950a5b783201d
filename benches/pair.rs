//! Two processes in one container: entry's `processes` beside s6 and dumb-init with a shell, interleaved in
//! one run: start until both are there, and the idle memory of all that is not theirs. Asserts nothing.

// A measurement that fails has nothing better to do than to say so and end.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod common;

use common::{CHILD, binary, cpus, line, percentiles, pid};
use nix::sys::signal::{Signal, kill};
use std::collections::BTreeSet;
use std::io::BufReader;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

const ROUNDS: usize = 100;

struct Front {
    name: &'static str,
    words: Vec<String>,
}

fn main() {
    if std::env::args().any(|arg| arg == CHILD) {
        return common::child();
    }
    let folder = tempfile::tempdir().unwrap();
    let fronts = fronts(folder.path());
    println!(
        "\ntwo processes: medians of {ROUNDS} interleaved runs, host mode, {} CPUs",
        cpus()
    );
    starts(&fronts, folder.path());
    memory(&fronts, folder.path());
}

fn fronts(folder: &Path) -> Vec<Front> {
    let own = std::env::current_exe().unwrap().display().to_string();
    let (modes, scan) = (folder.join("modes"), folder.join("scan"));
    std::fs::create_dir(&modes).unwrap();
    for (mode, output) in [("plain", "plain"), ("prefixed", "prefixed")] {
        let text = format!(
            "processes:\n  a: {{command: [{own}, {CHILD}]}}\n  b: {{command: [{own}, {CHILD}]}}\noutput: {output}\n"
        );
        std::fs::write(modes.join(format!("{mode}.yml")), text).unwrap();
    }
    for service in ["a", "b"] {
        let run = scan.join(service).join("run");
        std::fs::create_dir_all(run.parent().unwrap()).unwrap();
        std::fs::write(&run, format!("#!{own} {CHILD}\n")).unwrap();
        std::fs::set_permissions(&run, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let entry = binary().display().to_string();
    let shell = format!("{own} {CHILD} & {own} {CHILD} & wait");
    let scan = scan.display().to_string();
    let front = |name, words: &[&str]| Front {
        name,
        words: words.iter().map(|word| (*word).to_owned()).collect(),
    };
    vec![
        front("s6-svscan", &["s6-svscan", &scan]),
        front("dumb-init, sh", &["dumb-init", "--", "sh", "-c", &shell]),
        front("entry", &[&entry, "plain"]),
        front("entry, prefixed", &[&entry, "prefixed"]),
    ]
}

/// Starts it, and waits until both processes are there.
fn ready(front: &Front, folder: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut process = Command::new(&front.words[0])
        .args(&front.words[1..])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(process.stdout.take().unwrap());
    for _ in 0..2 {
        assert!(line(&mut stdout).ends_with("ready"), "{}", front.name);
    }
    (process, stdout)
}

/// Stops it, and waits until nothing of it is left that could write.
fn end(mut process: Child, mut stdout: BufReader<ChildStdout>) {
    kill(pid(&process), Signal::SIGTERM).unwrap();
    process.wait().unwrap();
    std::io::copy(&mut stdout, &mut std::io::sink()).unwrap();
}

fn starts(fronts: &[Front], folder: &Path) {
    let mut series = vec![Vec::new(); fronts.len()];
    for _ in 0..ROUNDS {
        for (front, times) in fronts.iter().zip(&mut series) {
            let begun = Instant::now();
            let (process, stdout) = ready(front, folder);
            times.push(begun.elapsed().as_secs_f64() * 1e6);
            end(process, stdout);
        }
    }
    println!(
        "\nstart until both are there, in µs\n{:<16} {:>7} {:>7} {:>7} {:>7}",
        "", "p10", "p50", "p90", "to s6"
    );
    let series: Vec<[f64; 3]> = series.iter().map(|times| percentiles(times)).collect();
    for (front, [p10, p50, p90]) in fronts.iter().zip(&series) {
        let ratio = p50 / series[0][1];
        println!(
            "{:<16} {p10:>7.0} {p50:>7.0} {p90:>7.0} {ratio:>7.2}",
            front.name
        );
    }
}

fn memory(fronts: &[Front], folder: &Path) {
    println!(
        "\nidle memory beside the two, in KiB\n{:<16} {:>9} {:>9} {:>9}",
        "", "processes", "anonymous", "resident"
    );
    for front in fronts {
        let (process, stdout) = ready(front, folder);
        let others: Vec<[f64; 2]> = tree(process.id())
            .into_iter()
            .filter(|pid| !is_child(*pid))
            .map(common::memory)
            .collect();
        let sum = |at: usize| others.iter().map(|one| one[at]).sum::<f64>();
        println!(
            "{:<16} {:>9} {:>9} {:>9}",
            front.name,
            others.len(),
            sum(0),
            sum(1)
        );
        end(process, stdout);
    }
}

fn is_child(pid: u32) -> bool {
    let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    words
        .split(|byte| *byte == 0)
        .skip(1)
        .take(1)
        .any(|word| word == CHILD.as_bytes())
}

/// A process and all that descends from it.
fn tree(top: u32) -> BTreeSet<u32> {
    let mut found = BTreeSet::from([top]);
    let mut next = vec![top];
    while let Some(pid) = next.pop() {
        let path = format!("/proc/{pid}/task/{pid}/children");
        let children = std::fs::read_to_string(path).unwrap_or_default();
        for child in children
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok())
        {
            if found.insert(child) {
                next.push(child);
            }
        }
    }
    found
}
