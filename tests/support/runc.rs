//! A runc container with entry as its PID 1.

use super::{binary, repository, wait};
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// Deleted, with all that runs in it, when it is dropped.
pub struct Container {
    state: PathBuf,
    name: String,
}

impl Container {
    /// Makes a bundle for a command that is meant for inside, and the `runc run` that starts it.
    /// All is in `folder`, which the container has at the same path.
    pub fn new(inside: &Command, folder: &Path, options: &[OsString]) -> (Container, Command) {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let bundle = folder.join("bundle");
        let mut bundler = Command::new(repository("scripts/runc-bundle"));
        bundler.arg("--bind").arg(folder).arg("-w").arg(folder);
        bundler.arg("--ro-bind").arg(at(&binary("entry"), "/entry"));
        for (name, value) in inside.get_envs() {
            if let Some(value) = value {
                let mut variable = name.to_owned();
                variable.push("=");
                variable.push(value);
                bundler.arg("-e").arg(variable);
            }
        }
        bundler.args(options).arg(&bundle).arg("--");
        bundler.arg(inside.get_program()).args(inside.get_args());
        let made = bundler.output().unwrap();
        assert!(made.status.success(), "{bundler:?}: {made:?}");
        let container = Container {
            state: folder.join("runc"),
            name: format!("entry-test-{}-{count}", std::process::id()),
        };
        let mut run = container.runc();
        run.args(["run", "--bundle"]).arg(&bundle);
        run.arg("--pid-file").arg(container.pid_file());
        run.arg(&container.name);
        (container, run)
    }

    /// Its PID 1, seen from here.
    pub fn pid(&self) -> Pid {
        wait::until("PID 1 of the container is entry", || {
            let text = std::fs::read_to_string(self.pid_file()).ok()?;
            let pid = Pid::from_raw(text.trim().parse().ok()?);
            super::pid_namespace::is_entry(pid)?.then_some(pid)
        })
    }

    /// Sends PID 1 a signal, as the container's runtime does for a stop.
    pub fn kill(&self, signal: Signal) {
        let sent = self
            .runc()
            .args(["kill", &self.name, signal.as_str()])
            .output()
            .unwrap();
        assert!(sent.status.success(), "runc kill: {sent:?}");
    }

    /// Runs another command in it, as an exec session.
    pub fn exec(&self, words: &[&str]) -> Command {
        let mut command = self.runc();
        command.arg("exec").arg(&self.name).args(words);
        command
    }

    fn runc(&self) -> Command {
        let mut command = Command::new("runc");
        command.arg("--root").arg(&self.state);
        command
    }

    fn pid_file(&self) -> PathBuf {
        self.state.with_extension("pid")
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ = self.runc().args(["delete", "--force", &self.name]).output();
    }
}

/// What `--bind` takes to show a path under another.
pub fn at(source: &Path, target: &str) -> OsString {
    let mut pair = source.as_os_str().to_owned();
    pair.push(":");
    pair.push(target);
    pair
}
