//! From a checked mode to `execve`: everything that can fail is tried before anything is published.

use super::Failure;
use super::agent::{self, Asked};
use super::environment::Environment;
use super::fetch::{self, Fetched};
use super::hooks::{self, Hook};
use super::online;
use super::pipe::Pipe;
use super::staging::Journal;
use super::templates;
use crate::config::{ArgsPolicy, Mode, TtyOwner};
use crate::program::users::{self, Identity};
use crate::program::{
    CommandError, Contents, Inherited, Program, Setting, Table, command, privileges,
};
use crate::report::Report;
use crate::stop::{Plan, Spec, StopTimeout};
use crate::supervise::event::{AfterPlan, Supervision};
use crate::supervise::group::plan::{self, GroupPlan, MemberPlan};
use crate::supervise::message::{Message, Phases};
use crate::sys::hold::{hold_again, release_signals};
use crate::sys::{cgroup, environment as initial};
use nix::sys::resource::{Resource, getrlimit};
use nix::sys::stat::{Mode as Bits, umask};
use nix::unistd::{Gid, Uid, chdir, getgroups, getpid};
use std::ffi::OsString;
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{self, PathBuf};
use std::time::{Duration, Instant};

/// Nothing that the boot creates is open to others before it has its final mode.
const BOOT_UMASK: Bits = Bits::from_bits_truncate(0o077);

/// How PID 1 is to supervise the app.
pub fn supervision(mode: &Mode, cap: Option<StopTimeout>) -> Result<Supervision, Failure> {
    let after: Vec<AfterPlan> = mode
        .after
        .iter()
        .map(|hook| AfterPlan {
            command: hook.command.written.clone(),
            timeout: hook.timeout,
        })
        .collect();
    let plan = Plan::new(&mode.stop, app_cap(mode, cap)?);
    let app_has_terminal = match mode.tty {
        TtyOwner::App => true,
        TtyOwner::Entry => false,
        // Ctrl-C on a server's own group would reach its workers, past the plan.
        TtyOwner::Auto => !plan.translates,
    };
    Ok(Supervision {
        mode: mode.name.clone(),
        plan,
        exit: mode.exit.clone(),
        max_runtime: mode.max_runtime,
        app_has_terminal: app_has_terminal && mode.processes.is_empty(),
        oom_kills: cgroup::oom_kills(),
        after,
    })
}

/// What of `ENTRY_STOP_TIMEOUT` the hooks after the app leave for the app.
pub fn app_cap(mode: &Mode, cap: Option<StopTimeout>) -> Result<Option<StopTimeout>, Failure> {
    let Some(cap) = cap else { return Ok(None) };
    let after = mode.after.iter().map(|hook| hook.timeout).sum();
    match cap.less(after) {
        Some(left) => Ok(Some(left)),
        None => Err(Failure::one(format!(
            "mode {}: ENTRY_STOP_TIMEOUT is {}, and the hooks under after may take {}: nothing is left for the app; shorten their timeout",
            mode.name,
            humantime::format_duration(cap.limit()),
            humantime::format_duration(after)
        ))),
    }
}

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

/// Whom the app runs as, and what is missing for that.
pub fn identity(mode: &Mode) -> Result<Option<Identity>, Failure> {
    identity_of(mode.user.as_ref(), mode.group.as_ref(), writes(mode))
}

/// Whom a program with this user and group runs as; `writes`: files are given to it.
pub fn identity_of(
    user: Option<&String>,
    group: Option<&String>,
    writes: bool,
) -> Result<Option<Identity>, Failure> {
    let own = Uid::effective().to_string();
    if user.is_none() && group.is_none() {
        return Ok(None);
    }
    let (user, group) = (user.unwrap_or(&own), group.map(String::as_str));
    let identity = users::of_image(user, group).map_err(Failure::one)?;
    Failure::all(
        privileges::check(&identity, writes)
            .iter()
            .map(ToString::to_string)
            .collect(),
    )?;
    Ok(Some(identity))
}

/// The variables that say who one is, as login(1) sets them.
pub fn set_user(environment: &mut Environment, identity: &Identity) -> Result<(), Failure> {
    let name = identity
        .name
        .clone()
        .unwrap_or_else(|| identity.uid.to_string());
    let home = identity.home.as_os_str().as_bytes();
    for (variable, value) in [
        ("HOME", home),
        ("USER", name.as_bytes()),
        ("LOGNAME", name.as_bytes()),
    ] {
        environment.set(variable, value).map_err(Failure::one)?;
    }
    Ok(())
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
    for (place, words) in programs(mode) {
        let Some(program) = words.first() else {
            continue;
        };
        let relative = program
            .contains('/')
            .then_some(mode.workdir.as_ref())
            .flatten();
        let program = relative.map_or_else(|| program.into(), |workdir| workdir.join(program));
        let found = command::find(program.as_os_str(), environment.get("PATH"));
        let failure = found.err().map(Failure::from);
        failures.extend(failure.map(|failure| match &place {
            Some(place) => failure.within(place),
            None => failure,
        }));
    }
    for hook in &mode.before {
        let place = format!("{}: before", hook.declared_at);
        let found = hooks::identity(hook, mode);
        failures.extend(found.err().map(|failure| failure.within(&place)));
    }
    failures.extend(supervision(mode, None).err());
    failures
}

/// Everything that a mode runs, with where it stands if that is not the mode's own command.
fn programs(mode: &Mode) -> Vec<(Option<String>, &[String])> {
    let own = mode.command.iter().map(|words| (None, words.as_slice()));
    let before = mode.before.iter().map(|hook| {
        let place = format!("{}: before", hook.declared_at);
        (Some(place), hook.command.words.as_slice())
    });
    let processes = mode.processes.iter().map(|one| {
        let place = format!("{}: {}", one.declared_at, one.name);
        (Some(place), one.command.words.as_slice())
    });
    let after = mode.after.iter().map(|hook| {
        let place = format!("{}: after", hook.declared_at);
        (Some(place), hook.command.words.as_slice())
    });
    own.chain(before).chain(processes).chain(after).collect()
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
    cap: Option<StopTimeout>,
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
        let identity = identity(mode)?;
        let config_took = started.elapsed();
        let umask = umask(BOOT_UMASK);
        let app = identity.clone().unwrap_or_else(own_identity);
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
        let app = self.identity.clone().unwrap_or_else(own_identity);
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

    /// Finds everything that will run, every problem at once.
    fn ready(&self) -> Result<Ready<'a>, Failure> {
        let environment = self.environment()?;
        let mut problems = Problems::default();
        let stack = getrlimit(Resource::RLIMIT_STACK).map_or(8 << 20, |(soft, _)| soft);
        let mut find = |words: &[OsString], place: Option<&str>| {
            let found = Program::find(words, environment.get("PATH"));
            let meant = self.mode.meant.as_deref();
            let found = found.map_err(|error| Failure::from(error.hint(meant)));
            let program = problems.take(found, place)?;
            let limits = environment.check(&program.argv, stack);
            let limits = limits.iter().map(ToString::to_string).collect();
            problems.take(Failure::all(limits), place)?;
            Some(program)
        };
        let os = |words: &[String]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let runs = self.mode.processes.is_empty() && !self.words.is_empty();
        let app = runs.then(|| find(&self.words, None));
        let processes = self.mode.processes.iter().map(|one| {
            let place = format!("{}: {}", one.declared_at, one.name);
            (place, &one.command)
        });
        let after = self.mode.after.iter().map(|hook| {
            let place = format!("{}: after", hook.declared_at);
            (place, &hook.command)
        });
        let listed: Vec<Option<Program>> = processes
            .chain(after)
            .map(|(place, command)| find(&os(&command.words), Some(&place)))
            .collect();
        let setting = self.setting();
        let before: Vec<Option<Hook>> = self
            .mode
            .before
            .iter()
            .map(|hook| problems.take(Hook::prepare(hook, self.mode, &setting, &environment), None))
            .collect();
        let group = (!self.mode.processes.is_empty())
            .then(|| problems.take(group(self.mode, self.cap), None))
            .flatten();
        problems.end()?;
        Ok(Ready {
            app: app.flatten(),
            before: before.into_iter().flatten().collect(),
            listed: listed.into_iter().flatten().collect(),
            group,
            phases: Phases {
                program: self
                    .words
                    .first()
                    .map(|program| program.to_string_lossy().into_owned())
                    .unwrap_or_default(),
                config: self.config_took,
                secrets: self.secrets_took,
                decrypted: self.fetched.decrypted,
                aws: self.fetched.aws.as_ref().map(online::Cost::told),
                ..Phases::default()
            },
            environment,
        })
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

    fn environment(&self) -> Result<Environment, Failure> {
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

    fn setting(&self) -> Setting {
        Setting {
            identity: self.identity.clone(),
            workdir: self.mode.workdir.clone(),
            no_new_privs: self.mode.no_new_privs,
        }
    }
}

/// All that will run, found and checked.
struct Ready<'m> {
    environment: Environment,
    /// None where there are processes in its place, or a chain of `EntryKit`'s ends without a command.
    app: Option<Program>,
    before: Vec<Hook<'m>>,
    /// What PID 1 starts: the processes, then the hooks after the app.
    listed: Vec<Program>,
    group: Option<GroupPlan>,
    phases: Phases,
}

/// Failures of several things, the first one's exit code.
#[derive(Default)]
struct Problems {
    failure: Option<Failure>,
}

impl Problems {
    fn take<T>(&mut self, result: Result<T, Failure>, place: Option<&str>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(failure) => {
                let known = self.failure.get_or_insert(Failure {
                    messages: Vec::new(),
                    code: failure.code,
                });
                let placed = failure.messages.into_iter().map(|text| match place {
                    Some(place) => format!("{place}: {text}"),
                    None => text,
                });
                // What holds for all, such as an environment that is too large, is told once.
                for text in placed {
                    if !known.messages.contains(&text) {
                        known.messages.push(text);
                    }
                }
                None
            }
        }
    }

    fn end(self) -> Result<(), Failure> {
        self.failure.map_or(Ok(()), Err)
    }
}

/// The plan of codependent processes.
pub fn group(mode: &Mode, cap: Option<StopTimeout>) -> Result<GroupPlan, Failure> {
    let specs: Vec<(Spec, &[usize])> = mode
        .processes
        .iter()
        .map(|one| {
            let spec = one.stop.as_ref().unwrap_or(&mode.stop);
            (spec.clone(), one.after.as_slice())
        })
        .collect();
    let (plans, total) = plan::schedule(&specs, app_cap(mode, cap)?);
    let members = mode
        .processes
        .iter()
        .zip(plans)
        .map(|(one, plan)| MemberPlan {
            name: one.name.clone(),
            plan,
            after: one.after.clone(),
            ready: one.ready.clone(),
            restart: one.restart,
            optional: one.optional,
        });
    Ok(GroupPlan {
        members: members.collect(),
        total,
        output: mode.output,
    })
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
