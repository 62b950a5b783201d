//! From a checked mode to `execve`: everything that can fail is tried before anything is published.

use super::Failure;
use super::agent::{self, Asked};
use super::environment::Environment;
use super::fetch::{self, Fetched};
use super::hooks;
use super::identity::{self, set_user};
use super::pipe::Pipe;
use super::ready::Ready;
use super::staging::Journal;
use super::templates;
use crate::config::{ArgsPolicy, Mode};
use crate::program::users::Identity;
use crate::program::{Contents, Inherited, Setting, Table};
use crate::report::Report;
use crate::stop::StopTimeout;
use crate::supervise::event::Supervision;
use crate::supervise::message::Message;
use crate::sys::environment as initial;
use crate::sys::hold::{hold_again, release_signals};
use nix::sys::stat::{Mode as Bits, umask};
use nix::unistd::{chdir, getpid};
use std::ffi::OsString;
use std::ops::Range;
use std::path;
use std::time::{Duration, Instant};

/// Nothing that the boot creates is open to others before it has its final mode.
const BOOT_UMASK: Bits = Bits::from_bits_truncate(0o077);

/// The app's words: the mode's command and what follows the mode on the command line.
pub fn words(mode: &Mode, arguments: &[OsString]) -> Result<Vec<OsString>, Failure> {
    let name = &mode.name;
    let command = match &mode.command {
        Some(command) => command,
        None if mode.processes.is_empty() => return Ok(arguments.to_vec()),
        None => {
            let Some(first) = arguments.first() else {
                return Ok(Vec::new());
            };
            return Err(Failure::one(format!(
                "mode {name} runs several processes and takes no arguments, but got {:?}",
                first.display().to_string()
            )));
        }
    };
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

/// Everything that is known before the app starts.
pub struct Launch<'a> {
    pub mode: &'a Mode,
    pub words: Vec<OsString>,
    /// Until it was heard.
    agent: Option<Asked>,
    pub identity: Option<Identity>,
    pub fetched: Fetched<'a>,
    pub supervision: &'a Supervision,
    pub inherited: Inherited,
    pub config_took: Duration,
    pub secrets_took: Duration,
    pub cap: Option<StopTimeout>,
    /// The umask that entry was started with.
    umask: Bits,
}

impl<'a> Launch<'a> {
    /// Checks and fetches everything; nothing is published yet.
    pub fn prepare(
        mode: &'a Mode,
        arguments: &[OsString],
        (supervision, cap): (&'a Supervision, Option<StopTimeout>),
        inherited: Inherited,
        pipe: &'a Pipe,
        started: Instant,
    ) -> Result<Launch<'a>, Failure> {
        let words = words(mode, arguments)?;
        let agent = Some(agent::ask(mode));
        enter(mode)?;
        let identity = identity::of_mode(mode)?;
        let config_took = started.elapsed();
        let umask = umask(BOOT_UMASK);
        let app = identity.clone().unwrap_or_else(identity::own);
        let fetched = fetch::fetch(mode, &app, pipe)?;
        let secrets_took = started.elapsed().saturating_sub(config_took);
        Ok(Launch {
            mode,
            words,
            agent,
            identity,
            fetched,
            supervision,
            inherited,
            config_took,
            secrets_took,
            cap,
            umask,
        })
    }

    /// Publishes the files, runs the hooks before the app, and becomes the app or leaves its processes to
    /// PID 1. Comes back with entry's exit code where it is PID 1 that goes on.
    pub fn go(
        mut self,
        report: &Report,
        table: Option<Table>,
        pipe: &'a Pipe,
    ) -> Result<u8, Failure> {
        let mut ready = self.ready()?;
        let agent = self.agent.take();
        ready.phases.task = agent.and_then(|asked| asked.hear(&self.mode.name, report));
        self.prepare_files(&mut ready, 0, pipe)?;
        for name in &self.fetched.used {
            pipe.tell(&Message::Scrub(name.clone().into_bytes()));
        }
        let hooks = ready.before.len();
        let mut done = 0;
        while done < hooks {
            let next = templates::next(self.mode, done).unwrap_or(hooks);
            self.run_hooks(&mut ready, done..next, report, pipe)?;
            self.prepare_files(&mut ready, next, pipe)?;
            done = next;
        }
        if !ready.listed.is_empty() {
            self.fill(table, &ready)?;
        }
        if let Some(group) = ready.group {
            pipe.tell(&Message::Group(group, ready.phases));
            return Ok(0);
        }
        if ready.app.is_none() {
            self.keep(pipe);
            return Ok(0);
        }
        Err(self.become_app(&ready, pipe))
    }

    /// Gives the files their names that are due after so many hooks.
    fn prepare_files(
        &mut self,
        ready: &mut Ready,
        hooks: usize,
        pipe: &'a Pipe,
    ) -> Result<(), Failure> {
        let began = Instant::now();
        umask(BOOT_UMASK);
        let app = self.identity.clone().unwrap_or_else(identity::own);
        let environment = &ready.environment;
        templates::stage(self.mode, hooks, environment, &app, &mut self.fetched, pipe)?;
        ready.phases.written += self.publish()?;
        umask(self.umask());
        ready.phases.publish += began.elapsed();
        Ok(())
    }

    fn run_hooks(
        &self,
        ready: &mut Ready,
        which: Range<usize>,
        report: &Report,
        pipe: &Pipe,
    ) -> Result<(), Failure> {
        let began = Instant::now();
        let (name, cap) = (&self.mode.name, self.cap);
        let hooks = ready.before.get(which).unwrap_or_default();
        hooks::run(hooks, name, cap, self.inherited, report, pipe)?;
        let earlier = ready.phases.before.unwrap_or_default();
        ready.phases.before = Some(earlier + began.elapsed());
        Ok(())
    }

    /// Where nothing is to run, the rendered files are what was asked for, and stay.
    fn keep(&self, pipe: &Pipe) {
        let targets = self
            .mode
            .render
            .iter()
            .map(|template| path::absolute(&template.to));
        for target in targets.flatten() {
            pipe.kept(&target);
        }
    }

    fn umask(&self) -> Bits {
        self.mode.umask.map_or(self.umask, Bits::from_bits_truncate)
    }

    /// Leaves to PID 1 what it is to start later.
    fn fill(&self, table: Option<Table>, ready: &Ready) -> Result<(), Failure> {
        let table = table.ok_or_else(|| {
            Failure::one("memfd_create failed: raise the open files limit (ulimit -n)")
        })?;
        let contents = Contents {
            environment: ready.environment.entries().to_vec(),
            setting: self.setting(),
            umask: self.umask().bits(),
            programs: ready.listed.clone(),
        };
        table.write(contents).map_err(Failure::one)
    }

    pub fn environment(&self) -> Result<Environment, Failure> {
        let mut environment = Environment::new(initial::entries());
        if let Some(identity) = self.identity.as_ref().filter(|_| self.mode.user.is_some()) {
            set_user(&mut environment, identity)?;
        }
        let mut set = |name: &str, value: &[u8]| environment.set(name, value).map_err(Failure::one);
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
        let Some(app) = &ready.app else {
            return Failure::one("there is no command to run");
        };
        hold_again();
        if let Err(text) = self.setting().take_on() {
            return Failure::one(text);
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
        let error = app.replace_us(ready.environment.entries());
        pipe.tell(&Message::Failed);
        error.into()
    }

    pub fn setting(&self) -> Setting {
        Setting {
            identity: self.identity.clone(),
            workdir: self.mode.workdir.clone(),
            no_new_privs: self.mode.no_new_privs,
        }
    }
}
