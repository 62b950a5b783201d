//! From a checked mode to `execve`: everything that can fail is tried before anything is published.

use super::command::{self, CommandError};
use super::environment::Environment;
use super::fetch::{self, Fetched};
use super::online;
use super::pipe::Pipe;
use super::users::{self, Identity};
use super::{Failure, Inherited, privileges, templates};
use crate::config::{ArgsPolicy, Mode, TtyOwner};
use crate::stop::{Plan, StopTimeout};
use crate::supervise::event::Supervision;
use crate::supervise::message::{Message, Phases};
use crate::sys::exec::execve;
use crate::sys::hold::{hold_again, release_signals};
use crate::sys::{cgroup, environment as initial};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::stat::{Mode as Bits, umask};
use nix::unistd::{Gid, Uid, chdir, getgroups, getpid};
use std::ffi::{CString, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Nothing that the boot creates is open to others before it has its final mode.
const BOOT_UMASK: Bits = Bits::from_bits_truncate(0o077);

/// The plan that PID 1 is to follow.
pub fn supervision(mode: &Mode, cap: Option<StopTimeout>) -> Supervision {
    let plan = Plan::new(&mode.stop, cap);
    let app_has_terminal = match mode.tty {
        TtyOwner::App => true,
        TtyOwner::Entry => false,
        // Ctrl-C on a server's own group would reach its workers, past the plan.
        TtyOwner::Auto => !plan.translates,
    };
    Supervision {
        mode: mode.name.clone(),
        plan,
        exit: mode.exit.clone(),
        max_runtime: mode.max_runtime,
        app_has_terminal,
        oom_kills: cgroup::oom_kills(),
    }
}

/// The app's words: the mode's command and what follows the mode on the command line.
pub fn words(mode: &Mode, arguments: &[OsString]) -> Result<Vec<OsString>, Failure> {
    let Some(command) = &mode.command else {
        return Ok(arguments.to_vec());
    };
    let name = &mode.name;
    match (mode.args, arguments) {
        (ArgsPolicy::None, [first, ..]) => Err(Failure::one(format!(
            "mode {name} takes no arguments, but got {:?}: set `args: append` in its file to allow them",
            first.display().to_string()
        ))),
        (ArgsPolicy::Required, []) => Err(Failure::one(format!(
            "mode {name} needs arguments: entry {name} ARGS…"
        ))),
        _ => Ok(command
            .iter()
            .map(OsString::from)
            .chain(arguments.iter().cloned())
            .collect()),
    }
}

/// Whom the app runs as, and what is missing for that.
pub fn identity(mode: &Mode) -> Result<Option<Identity>, Failure> {
    let own = Uid::effective().to_string();
    let (user, group) = match (&mode.user, &mode.group) {
        (None, None) => return Ok(None),
        (user, group) => (user.as_deref().unwrap_or(&own), group.as_deref()),
    };
    let identity = users::of_image(user, group).map_err(Failure::one)?;
    Failure::all(
        privileges::check(&identity, writes(mode))
            .iter()
            .map(ToString::to_string)
            .collect(),
    )?;
    Ok(Some(identity))
}

/// Whether the mode has files written.
fn writes(mode: &Mode) -> bool {
    !mode.files.is_empty()
        || !mode.render.is_empty()
        || mode.secrets.iter().any(|secret| secret.write.is_some())
}

/// Changes to the mode's working directory.
pub fn enter(mode: &Mode) -> Result<(), Failure> {
    let Some(workdir) = &mode.workdir else {
        return Ok(());
    };
    chdir(workdir).map_err(|errno| {
        Failure::one(format!(
            "workdir {}: {}: make it in the image",
            workdir.display(),
            errno.desc()
        ))
    })
}

/// What the image lacks for a mode: its user, its working directory, its program.
pub fn check_image(mode: &Mode) -> Vec<Failure> {
    let mut failures: Vec<Failure> = identity(mode).err().into_iter().collect();
    if let Some(workdir) = mode.workdir.as_ref().filter(|workdir| !workdir.is_dir()) {
        failures.push(Failure::one(format!(
            "workdir {}: no such folder: make it in the image",
            workdir.display()
        )));
    }
    let mut environment = Environment::new(initial::entries());
    for one in &mode.env {
        failures.extend(
            environment
                .set(&one.name, one.value.as_bytes())
                .err()
                .map(Failure::one),
        );
    }
    let program = mode.command.as_ref().and_then(|command| command.first());
    if let Some(program) = program {
        let relative = program
            .contains('/')
            .then_some(mode.workdir.as_ref())
            .flatten();
        let program = relative.map_or_else(|| program.into(), |workdir| workdir.join(program));
        let found = command::find(program.as_os_str(), environment.get("PATH"));
        failures.extend(found.err().map(Failure::from));
    }
    failures
}

/// Everything that is known before the app starts.
pub struct Launch<'a> {
    pub mode: &'a Mode,
    pub words: Vec<OsString>,
    pub identity: Option<Identity>,
    pub fetched: Fetched<'a>,
    pub supervision: &'a Supervision,
    pub inherited: Inherited,
    pub config_took: Duration,
    pub secrets_took: Duration,
    /// The umask that entry was started with.
    umask: Bits,
}

impl<'a> Launch<'a> {
    /// Checks and fetches everything; nothing is published yet.
    pub fn prepare(
        mode: &'a Mode,
        arguments: &[OsString],
        supervision: &'a Supervision,
        inherited: Inherited,
        pipe: &'a Pipe,
        started: Instant,
    ) -> Result<Launch<'a>, Failure> {
        let words = words(mode, arguments)?;
        enter(mode)?;
        let identity = identity(mode)?;
        let config_took = started.elapsed();
        let umask = umask(BOOT_UMASK);
        let app = identity.clone().unwrap_or_else(own_identity);
        let fetched = fetch::fetch(mode, &app, pipe)?;
        let secrets_took = started.elapsed().saturating_sub(config_took);
        Ok(Launch {
            mode,
            words,
            identity,
            fetched,
            supervision,
            inherited,
            config_took,
            secrets_took,
            umask,
        })
    }

    /// Publishes the files and becomes the app. Comes back only with what went wrong.
    pub fn go(mut self, pipe: &'a Pipe) -> Failure {
        match self.publish_all(pipe) {
            Ok(ready) => self.become_app(&ready, pipe),
            Err(failure) => failure,
        }
    }

    fn publish_all(&mut self, pipe: &'a Pipe) -> Result<Ready, Failure> {
        let environment = self.environment()?;
        let argv = command::argv(&self.words).map_err(Failure::from)?;
        let stack = getrlimit(Resource::RLIMIT_STACK).map_or(8 << 20, |(soft, _)| soft);
        Failure::all(
            environment
                .check(&argv, stack)
                .iter()
                .map(ToString::to_string)
                .collect(),
        )?;
        let program = self.words.first().cloned().unwrap_or_default();
        let found = command::find(&program, environment.get("PATH"));
        let path = found.map_err(|error| error.hint(self.mode.meant.as_deref()))?;
        let publishing = Instant::now();
        let app = self.identity.clone().unwrap_or_else(own_identity);
        templates::stage(self.mode, &environment, &app, &mut self.fetched, pipe)?;
        let written = self.publish()?;
        umask(self.mode.umask.map_or(self.umask, Bits::from_bits_truncate));
        for name in &self.fetched.used {
            pipe.tell(&Message::Scrub(name.clone().into_bytes()));
        }
        let phases = Phases {
            program: program.to_string_lossy().into_owned(),
            config: self.config_took,
            secrets: self.secrets_took,
            publish: publishing.elapsed(),
            decrypted: self.fetched.decrypted,
            written,
            aws: self.fetched.aws.as_ref().map(online::Cost::told),
        };
        Ok(Ready {
            environment,
            argv,
            path,
            phases,
        })
    }

    fn environment(&self) -> Result<Environment, Failure> {
        let mut environment = Environment::new(initial::entries());
        let mut set = |name: &str, value: &[u8]| environment.set(name, value).map_err(Failure::one);
        if let Some(identity) = self.identity.as_ref().filter(|_| self.mode.user.is_some()) {
            set("HOME", identity.home.as_os_str().as_bytes())?;
            let name = identity
                .name
                .clone()
                .unwrap_or_else(|| identity.uid.to_string());
            set("USER", name.as_bytes())?;
            set("LOGNAME", name.as_bytes())?;
        }
        let (defaults, own): (Vec<_>, Vec<_>) =
            self.mode.env.iter().partition(|one| one.is_default);
        for one in defaults {
            set(&one.name, one.value.as_bytes())?;
        }
        for (name, value) in &self.fetched.env {
            set(name, value.as_bytes())?;
        }
        for one in own {
            set(&one.name, one.value.as_bytes())?;
        }
        for name in &self.fetched.used {
            environment.remove(name);
        }
        // With RAILS_ENV alone, unicorn would serve rack's development stack.
        if let (None, Some(rails)) = (environment.get("RACK_ENV"), environment.get("RAILS_ENV")) {
            let rails = rails.to_vec();
            environment.set("RACK_ENV", &rails).map_err(Failure::one)?;
        }
        Ok(environment)
    }

    /// All or nothing: every file is staged before the first gets its name, and no signal cuts in
    /// while the names are given.
    fn publish(&mut self) -> Result<u32, Failure> {
        let staged = std::mem::take(&mut self.fetched.staged);
        if staged.is_empty() {
            return Ok(0);
        }
        hold_again();
        let mut written = 0;
        for one in staged {
            written += u32::from(one.publish().map_err(Failure::one)?);
        }
        release_signals();
        Ok(written)
    }

    /// The order matters: groups before the user, the terminal while SIGTTOU is blocked, the signal
    /// mask last, so that what came in between takes effect.
    fn become_app(&self, ready: &Ready, pipe: &Pipe) -> Failure {
        hold_again();
        if let Err(failure) = self.take_on() {
            return failure;
        }
        if let Some(terminal) = self
            .inherited
            .terminal
            .filter(|_| self.supervision.app_has_terminal)
        {
            terminal.give_to(getpid());
        }
        self.inherited.core.restore();
        self.inherited.mask.restore();
        pipe.tell(&Message::Exec(ready.phases.clone()));
        let path = CString::new(ready.path.as_os_str().as_bytes()).unwrap_or_default();
        let errno = execve(&path, &ready.argv, ready.environment.entries());
        // Saying why must not end us first.
        release_signals();
        pipe.tell(&Message::Failed);
        command::explain(&ready.path, errno).into()
    }

    fn take_on(&self) -> Result<(), Failure> {
        if let Some(identity) = &self.identity {
            privileges::become_user(identity).map_err(Failure::one)?;
            // Entered as root before; the app's user must be able to, too.
            if let Some(workdir) = &self.mode.workdir {
                chdir(".").map_err(|errno| {
                    Failure::one(format!(
                        "workdir {}, as the app's user: {}: let the user in",
                        workdir.display(),
                        errno.desc()
                    ))
                })?;
            }
        }
        if self.mode.no_new_privs {
            nix::sys::prctl::set_no_new_privs()
                .map_err(|errno| Failure::one(format!("no_new_privs: {}", errno.desc())))?;
        }
        Ok(())
    }
}

struct Ready {
    environment: Environment,
    argv: Vec<CString>,
    path: PathBuf,
    phases: Phases,
}

fn own_identity() -> Identity {
    let groups = getgroups()
        .unwrap_or_default()
        .into_iter()
        .map(Gid::as_raw)
        .collect();
    let (uid, gid) = (Uid::effective().as_raw(), Gid::effective().as_raw());
    Identity {
        uid,
        gid,
        groups,
        name: None,
        home: PathBuf::from("/"),
    }
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Failure {
        Failure {
            messages: vec![error.text],
            code: error.code,
        }
    }
}
