//! Runs entry as a test wants it, and waits for what it says with deadlines, never with sleeps.

pub mod dns;
pub mod fake_http;
pub mod fixed_kms;
pub mod google;
pub mod guard;
pub mod http;
pub mod lines;
pub mod memory_s3;
pub mod ministack;
pub mod moto;
pub mod pid_namespace;
pub mod proxy;
pub mod rails;
pub mod redis;
pub mod runc;
pub mod sealed;
pub mod terminal;
pub mod tls;
pub mod traffic;
pub mod wait;

use guard::Guard;
use lines::Lines;
use nix::sys::signal::Signal;
use nix::unistd::Pid;
use runc::Container;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use tempfile::TempDir;
use terminal::Terminal;

/// The binary under test: `$ENTRY_BIN_DIR/NAME` (what `make dist` built), else cargo's own build.
pub fn binary(name: &str) -> PathBuf {
    match (std::env::var_os("ENTRY_BIN_DIR"), name) {
        (Some(folder), _) => Path::new(&folder).join(name),
        (None, "entry") => env!("CARGO_BIN_EXE_entry").into(),
        (None, _) => env!("CARGO_BIN_EXE_entryctl").into(),
    }
}

/// A file of this repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The words that run one of `tests/children`.
pub fn child(name: &str) -> Vec<OsString> {
    vec![
        "perl".into(),
        repository("tests/children").join(name).into(),
    ]
}

/// Writes a file that will be executed, by another process: a child that another test forks at the same time would
/// hold ours open for writing, which execve(2) refuses with ETXTBSY.
pub fn write_program(path: &Path, content: impl AsRef<[u8]>, mode: u32) {
    let mut install = Command::new("install")
        .args(["-m", &format!("{mode:o}"), "/dev/stdin"])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = install.stdin.take().unwrap();
    stdin.write_all(content.as_ref()).unwrap();
    drop(stdin);
    assert!(install.wait().unwrap().success());
}

/// How entry is started.
pub struct Entry {
    pub command: Command,
    /// In a runc container, with these options of `scripts/runc-bundle`.
    bundle: Option<Vec<OsString>>,
    folder: TempDir,
}

impl Entry {
    /// As an ordinary process, which makes it a subreaper.
    pub fn new() -> Entry {
        Entry::of(Command::new(binary("entry")))
    }

    /// As PID 1 of a new PID namespace.
    pub fn pid1() -> Entry {
        Entry::below_pid1::<&str>([])
    }

    /// In a new PID namespace whose PID 1 is another init, given with its options.
    pub fn below_pid1<A: AsRef<OsStr>>(init: impl IntoIterator<Item = A>) -> Entry {
        let mut command = Command::new("unshare");
        command
            .args(["--pid", "--fork", "--mount-proc", "--kill-child"])
            .args(init)
            .arg(binary("entry"));
        Entry::of(command)
    }

    /// As PID 1 of a runc container, as `/entry`. Its folder is at the same path in there.
    pub fn container() -> Entry {
        let mut entry = Entry::of(Command::new("/entry"));
        entry.bundle = Some(Vec::new());
        entry
    }

    /// Options of `scripts/runc-bundle` for a container.
    pub fn bundle<A: Into<OsString>>(mut self, options: impl IntoIterator<Item = A>) -> Entry {
        let bundle = self.bundle.as_mut().expect("a container");
        bundle.extend(options.into_iter().map(Into::into));
        self
    }

    /// Started by another program, which gets entry's path as its last word.
    pub fn wrapped<A: AsRef<OsStr>>(words: impl IntoIterator<Item = A>) -> Entry {
        let mut command = Command::new("/usr/bin/env");
        command.args(words).arg(binary("entry"));
        Entry::of(command)
    }

    /// Another program in such a folder.
    pub fn of(mut command: Command) -> Entry {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("modes")).unwrap();
        command
            .current_dir(folder.path())
            .env("ENTRY_LOG", "json")
            .env_remove("RAILS_ENV");
        for name in [
            "ENTRY_MODES",
            "ENTRY_STOP_TIMEOUT",
            "YAML_VAULT_PASSPHRASE",
            "SSL_CERT_FILE",
        ] {
            command.env_remove(name);
        }
        // What this machine has set for itself is no task's.
        let own = std::env::vars_os().map(|(name, _)| name);
        for name in own.filter(|name| name.as_encoded_bytes().starts_with(b"AWS_")) {
            command.env_remove(name);
        }
        Entry {
            command,
            bundle: None,
            folder,
        }
    }

    /// The working directory, with `modes/` in it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes `modes/NAME.yml`.
    pub fn mode(self, name: &str, yaml: &str) -> Entry {
        std::fs::write(self.folder().join(format!("modes/{name}.yml")), yaml).unwrap();
        self
    }

    /// Writes a file in the working directory.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Entry {
        let path = self.folder().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }

    /// The same for what is executed, with this mode.
    pub fn program(self, path: &str, content: impl AsRef<[u8]>, mode: u32) -> Entry {
        write_program(&self.folder().join(path), content, mode);
        self
    }

    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Entry {
        self.command.env(name, value);
        self
    }

    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Entry {
        self.command.args(args);
        self
    }

    /// For a wrapper that writes the words itself: takes the mode's name back.
    pub fn strip_last_arg(mut self) -> Entry {
        let args: Vec<OsString> = self.command.get_args().map(OsStr::to_owned).collect();
        let mut command = Command::new(self.command.get_program());
        command.args(&args[..args.len() - 1]);
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.current_dir(self.folder.path());
        self.command = command;
        self
    }

    /// `entry -- WORDS…`
    pub fn oneoff<A: AsRef<OsStr>>(self, words: impl IntoIterator<Item = A>) -> Entry {
        self.args(["--"]).args(words)
    }

    /// Starts it with pipes for all three streams.
    pub fn start(self) -> Running {
        let (mut command, place, folder) = self.placed();
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = Guard::spawn(&mut command);
        let stdout = Lines::of(process.stdout.take().unwrap());
        let stderr = Lines::of(process.stderr.take().unwrap());
        Running {
            place,
            process,
            stdout,
            stderr,
            folder,
        }
    }

    /// Starts it on a terminal of its own, which all three streams are.
    pub fn start_on_terminal(mut self) -> (Running, Terminal) {
        if let Some(bundle) = &mut self.bundle {
            bundle.push("--tty".into());
        }
        let (command, place, folder) = self.placed();
        let (process, terminal) = Terminal::spawn(&command);
        let running = Running {
            place,
            process,
            stdout: terminal.screen.clone(),
            stderr: terminal.screen.clone(),
            folder,
        };
        (running, terminal)
    }

    fn placed(self) -> (Command, Place, TempDir) {
        match self.bundle {
            Some(options) => {
                let (container, command) =
                    Container::new(&self.command, self.folder.path(), &options);
                (command, Place::Container(container), self.folder)
            }
            None if self.command.get_program() == "unshare" => {
                (self.command, Place::Below, self.folder)
            }
            None => (self.command, Place::Direct, self.folder),
        }
    }

    /// Runs it to its end with an empty standard input.
    pub fn run(self) -> Finished {
        self.start().finish()
    }
}

/// Where entry is, seen from the process that we started.
enum Place {
    Direct,
    /// A descendant of it.
    Below,
    Container(Container),
}

/// An entry that runs. Dropped before its end, it is killed with all that it started.
pub struct Running {
    place: Place,
    pub process: Guard,
    pub stdout: Lines,
    pub stderr: Lines,
    folder: TempDir,
}

impl Running {
    /// entry's own process id, seen from here.
    pub fn pid(&self) -> Pid {
        match &self.place {
            Place::Direct => self.process.pid(),
            Place::Below => pid_namespace::entry_below(self.process.pid()),
            Place::Container(container) => container.pid(),
        }
    }

    /// The container that it runs in.
    pub fn container(&self) -> &Container {
        match &self.place {
            Place::Container(container) => container,
            _ => panic!("it does not run in a container"),
        }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The app's process id, seen from here, once it runs.
    pub fn app(&self) -> Pid {
        self.stderr.wait_for("\"event\":\"start\"");
        let entry = self.pid();
        wait::until("the app is entry's child", || {
            wait::children(entry).first().copied()
        })
    }

    pub fn signal(&self, signal: Signal) {
        match &self.place {
            Place::Container(container) => container.kill(signal),
            _ => nix::sys::signal::kill(self.pid(), signal).unwrap(),
        }
    }

    /// Sends a signal that nix's enum does not know.
    pub fn signal_number(&self, number: i32) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill")
            .args([format!("-{number}"), pid])
            .status()
            .unwrap();
        assert!(sent.success(), "kill -{number}");
    }

    /// Waits for its end.
    pub fn finish(mut self) -> Finished {
        drop(self.process.stdin.take());
        let status = wait::exit(&mut self.process, &self.stderr);
        let (stdout, stderr) = (self.stdout.rest(), self.stderr.rest());
        Finished {
            status,
            stdout,
            stderr,
            folder: self.folder,
        }
    }
}

/// How a run ended.
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    folder: TempDir,
}

impl Finished {
    /// The exit code; `unshare` and a shell would show a death by signal as 128+n, too.
    pub fn code(&self) -> i32 {
        self.status
            .code()
            .unwrap_or_else(|| 128 + self.status.signal().unwrap_or(0))
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// entry's own lines.
    pub fn lines(&self) -> Vec<serde_json::Value> {
        self.stderr()
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// The line of an event; there must be exactly one.
    pub fn line(&self, event: &str) -> serde_json::Value {
        let found: Vec<_> = self
            .lines()
            .into_iter()
            .filter(|line| line["event"] == event)
            .collect();
        assert_eq!(found.len(), 1, "lines of {event:?} in:\n{}", self.stderr());
        found[0].clone()
    }

    /// The messages of all error lines.
    pub fn errors(&self) -> Vec<String> {
        let errors = self
            .lines()
            .into_iter()
            .filter(|line| line["level"] == "error");
        errors
            .map(|line| line["message"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Asserts the exit code, showing all output where it differs.
    #[track_caller]
    pub fn expect(self, code: i32) -> Finished {
        assert_eq!(
            self.code(),
            code,
            "{:?}\nstdout:\n{}\nstderr:\n{}",
            self.status,
            self.stdout(),
            self.stderr()
        );
        self
    }
}
