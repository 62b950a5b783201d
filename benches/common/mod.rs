//! What the benches share: the program under an init, and looking at processes.

use nix::sys::signal::{SigSet, Signal};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout};
use std::time::Duration;

/// The word that makes a bench the supervised program.
pub const CHILD: &str = "--child";

/// The supervised program: says when it is ready, and when TERM reaches it.
pub fn child() {
    let mut term = SigSet::empty();
    term.add(Signal::SIGTERM);
    term.thread_block().unwrap();
    let mut stdout = std::io::stdout();
    writeln!(stdout, "ready").unwrap();
    stdout.flush().unwrap();
    term.wait().unwrap();
    writeln!(stdout, "{}", now().as_nanos()).unwrap();
}

/// The clock that two processes share.
pub fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap().into()
}

/// The release binary that is measured.
pub fn binary() -> PathBuf {
    let folder = std::env::var_os("ENTRY_BIN_DIR");
    PathBuf::from(folder.expect("ENTRY_BIN_DIR names the folder of the release binary"))
        .join("entry")
}

pub fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

pub fn pid(process: &Child) -> Pid {
    Pid::from_raw(i32::try_from(process.id()).unwrap())
}

pub fn line(stdout: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    stdout.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}

/// Anonymous and resident memory of a process, in KiB.
pub fn memory(pid: u32) -> [f64; 2] {
    let path = format!("/proc/{pid}/smaps_rollup");
    let rollup = std::fs::read_to_string(path).unwrap();
    ["Anonymous:", "Rss:"].map(|name| {
        let mut lines = rollup.lines();
        let line = lines.find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    })
}

/// The values that 10, 50 and 90 percent do not exceed.
pub fn percentiles(values: &[f64]) -> [f64; 3] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    [10, 50, 90].map(|percent| sorted[(sorted.len() - 1) * percent / 100])
}
