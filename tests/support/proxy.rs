//! What stands before a service's tasks: `tests/tools/task_proxy.py`, which never retries.

use super::guard::Guard;
use super::lines::Lines;
use super::ministack::Ministack;
use super::repository;
use std::process::{Command, Stdio};

/// It ends when dropped.
pub struct Proxy {
    _process: Guard,
    pub port: u16,
    /// What it says of the tasks.
    pub lines: Lines,
}

impl Proxy {
    pub fn start(ministack: &Ministack, cluster: &str, service: &str) -> Proxy {
        let mut command = Command::new("/usr/bin/python3");
        command
            .arg(repository("tests/tools/task_proxy.py"))
            .arg(ministack.url())
            .arg(ministack.podman())
            .args([cluster, service])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = Guard::spawn(&mut command);
        let lines = Lines::of(process.stdout.take().unwrap());
        let line = lines.wait_for("listening on ");
        let port = line.rsplit(' ').next().unwrap().parse().unwrap();
        Proxy {
            _process: process,
            port,
            lines,
        }
    }
}
