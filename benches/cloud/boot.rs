//! One boot, or what another client does in its place.

use super::{Asked, Cloud};
use crate::common::percentiles;
use nix::sys::resource::{UsageWho, getrusage};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// The word that makes a bench measure the words behind it.
pub const MEASURE: &str = "--measure";

/// Runs a command and prints its time in µs and the peak of its memory in KiB. In a process of its own,
/// because the kernel keeps the peak of all children ever; a boot's counts though it became another program.
pub fn measure(words: &[String]) {
    let start = Instant::now();
    let status = Command::new(&words[0])
        .args(&words[1..])
        .stdout(Stdio::null())
        .status()
        .unwrap();
    let took = start.elapsed();
    assert!(status.success(), "{words:?}: {status}");
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss();
    println!("{} {peak}", took.as_micros());
}

/// A command that finds the stand-in, with keys that it does not look at.
pub fn command(program: &Path, folder: &Path, url: &str) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .env("ENTRY_LOG", "json")
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "not-a-real-key");
    command
}

/// What it took.
pub struct Boot {
    pub wall_ms: f64,
    pub peak_mib: f64,
    pub asked: Asked,
    /// What the program said by its own clock, if it did.
    told: Option<serde_json::Value>,
}

impl Boot {
    /// Runs the words once, in a folder whose `out` is new to them.
    pub fn run(cloud: &Cloud, folder: &Path, words: &[&str]) -> Boot {
        let out = folder.join("out");
        let _ = std::fs::remove_dir_all(&out);
        if words[0] == "ruby" {
            std::fs::create_dir(&out).unwrap();
        }
        cloud.asked();
        let own = std::env::current_exe().unwrap();
        let mut command = command(&own, folder, &cloud.url());
        let output = command.arg(MEASURE).args(words).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{words:?}:\n{stderr}");
        let told = stderr.lines().find_map(|line| {
            let told: serde_json::Value = serde_json::from_str(line).ok()?;
            told.get("kms_ms").is_some().then_some(told)
        });
        let measured: Vec<f64> = stdout
            .split_whitespace()
            .map(|word| word.parse().unwrap())
            .collect();
        Boot {
            wall_ms: measured[0] / 1e3,
            peak_mib: measured[1] / 1024.0,
            asked: cloud.asked(),
            told,
        }
    }

    /// From the program's own clock: both together, if both were asked for.
    pub fn values_ms(&self) -> Option<f64> {
        self.told.as_ref()?["kms_ms"].as_f64()
    }

    pub fn objects_ms(&self) -> Option<f64> {
        self.told.as_ref()?["s3_ms"].as_f64()
    }
}

pub fn median(values: &[f64]) -> f64 {
    percentiles(values)[1]
}
