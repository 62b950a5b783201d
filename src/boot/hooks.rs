//! `before`: programs that run to their end before the app starts, in order. The first that fails for
//! good ends the boot.

use super::Failure;
use super::environment::Environment;
use super::identity::{self, set_user};
use super::pipe::Pipe;
use crate::config::{BeforeHook, Mode};
use crate::exit::{ENTRY_FAILED, Outcome};
use crate::program::users::Identity;
use crate::program::{Inherited, Program, Setting};
use crate::report::{Level, Line, Report, Value, millis};
use crate::stop::StopTimeout;
use crate::supervise::machine::BOOT_ENDERS;
use crate::supervise::message::Message;
use crate::sys::child::{Came, pause, wait_for};
use crate::sys::exec::empty_input;
use crate::sys::hold::{hold_again, release_signals};
use crate::sys::process::{Fork, Waited, exit, fork, kill_group};
use crate::sys::signal::Sig;
use nix::unistd::Pid;
use std::ffi::OsString;
use std::time::{Duration, Instant};

/// Stands in for a grace that ran out: only the kernel is waited for.
const AFTER_KILL: Duration = Duration::from_secs(1);

/// A hook that can be started.
pub struct Hook<'m> {
    declared: &'m BeforeHook,
    program: Program,
    setting: Setting,
    environment: Environment,
}

/// How one attempt went.
enum Attempt {
    Ended(Outcome),
    TimedOut,
    /// The boot itself was told to end.
    Told(Sig),
}

impl<'m> Hook<'m> {
    /// Finds all that the hook needs; `app` and `environment` are those of the app.
    pub fn prepare(
        declared: &'m BeforeHook,
        mode: &Mode,
        app: &Setting,
        environment: &Environment,
    ) -> Result<Hook<'m>, Failure> {
        let place = format!("{}: before", declared.declared_at);
        let within = |failure: Failure| failure.within(&place);
        let mut environment = environment.clone();
        let mut setting = app.clone();
        if declared.user.is_some() || declared.group.is_some() {
            let identity = identity(declared, mode).map_err(within)?;
            if let (Some(_), Some(identity)) = (&declared.user, &identity) {
                set_user(&mut environment, identity).map_err(within)?;
            }
            setting.identity = identity;
        }
        let words: Vec<OsString> = declared.command.words.iter().map(OsString::from).collect();
        let program =
            Program::find(&words, environment.get("PATH")).map_err(|error| within(error.into()))?;
        Ok(Hook {
            declared,
            program,
            setting,
            environment,
        })
    }

    fn name(&self) -> &str {
        &self.declared.command.written
    }

    /// Runs it until it succeeds, or as often as it may.
    fn run(
        &self,
        mode: &str,
        cap: Option<StopTimeout>,
        inherited: Inherited,
        report: &Report,
    ) -> Result<(), Failure> {
        let attempts = self.declared.retry + 1;
        for attempt in 1..=attempts {
            let began = Instant::now();
            let came = self.attempt(cap, inherited)?;
            let code = match &came {
                Attempt::Ended(outcome) if self.declared.gives_code => outcome.code(),
                _ => ENTRY_FAILED,
            };
            let how = match came {
                Attempt::Ended(Outcome::Exited(0)) => {
                    report.say(&self.done(mode, began.elapsed()));
                    return Ok(());
                }
                Attempt::Told(signal) => return Err(told(signal)),
                Attempt::Ended(Outcome::Exited(code)) => format!("ended with code {code}"),
                Attempt::Ended(Outcome::Killed(signal)) => format!("was killed by {signal}"),
                Attempt::TimedOut => format!(
                    "did not end within {}",
                    humantime::format_duration(self.declared.timeout.unwrap_or_default())
                ),
            };
            let text = format!(
                "{}: before: `{}` {how}",
                self.declared.declared_at,
                self.name()
            );
            if attempt == attempts {
                let often = if attempts > 1 {
                    format!(", the last of {attempts} attempts")
                } else {
                    String::new()
                };
                return Err(Failure {
                    messages: vec![format!("{text}{often}: the app is not started")],
                    code,
                });
            }
            let wait = self.declared.wait;
            let next = humantime::format_duration(wait);
            report.say(&Line::warning(format!(
                "{text}, attempt {attempt} of {attempts}; the next in {next}"
            )));
            if let Some(signal) = pause(&BOOT_ENDERS, Instant::now() + wait) {
                return Err(told(signal));
            }
        }
        Ok(())
    }

    fn attempt(&self, cap: Option<StopTimeout>, inherited: Inherited) -> Result<Attempt, Failure> {
        let child = match fork() {
            Ok(Fork::Parent { child }) => child,
            Ok(Fork::Child) => self.become_it(inherited),
            Err(errno) => {
                return Err(Failure::one(format!(
                    "{}: before: fork: {}",
                    self.declared.declared_at,
                    errno.desc()
                )));
            }
        };
        let deadline = self
            .declared
            .timeout
            .map(|timeout| Instant::now() + timeout);
        Ok(match wait_for(child, &BOOT_ENDERS, deadline) {
            Came::Ended(how) => {
                let outcome = outcome(how);
                if outcome != Outcome::Exited(0) {
                    // What it left must not be in the next attempt's way.
                    let _ = kill_group(child, Sig::KILL);
                }
                Attempt::Ended(outcome)
            }
            Came::Signal(signal) => {
                self.end(child, signal, cap);
                Attempt::Told(signal)
            }
            Came::Deadline => {
                self.end(child, Sig::TERM, cap);
                Attempt::TimedOut
            }
        })
    }

    /// Passes the signal on to the hook and what it started; KILL after its grace.
    fn end(&self, child: Pid, signal: Sig, cap: Option<StopTimeout>) {
        let _ = kill_group(child, signal);
        let _ = kill_group(child, Sig::CONT);
        let grace = within(self.declared.grace, cap);
        if let Came::Ended(_) = wait_for(child, &[], Some(Instant::now() + grace)) {
            // It may have left others.
            let _ = kill_group(child, Sig::KILL);
            return;
        }
        let _ = kill_group(child, Sig::KILL);
        wait_for(child, &[], Some(Instant::now() + AFTER_KILL));
    }

    fn become_it(&self, inherited: Inherited) -> ! {
        let report = Report::open(AFTER_KILL);
        let error = match empty_input() {
            Ok(()) => self
                .program
                .execute(&self.setting, self.environment.entries(), inherited),
            Err(errno) => crate::program::CommandError {
                text: format!("/dev/null: {}", errno.desc()),
                code: ENTRY_FAILED,
            },
        };
        report.say(&Line::error(format!(
            "{}: before: {error}",
            self.declared.declared_at
        )));
        exit(error.code)
    }

    fn done(&self, mode: &str, took: Duration) -> Line {
        Line {
            level: Level::Info,
            event: "before",
            text: format!(
                "{mode}: before: `{}` took {} ms",
                self.name(),
                took.as_millis()
            ),
            members: vec![
                ("mode", Value::Text(mode.to_owned())),
                ("command", Value::Text(self.name().to_owned())),
                ("ms", millis(took)),
            ],
        }
    }
}

/// Whom the hook runs as, if it has a user or a group of its own.
pub fn identity(declared: &BeforeHook, mode: &Mode) -> Result<Option<Identity>, Failure> {
    if declared.user.is_none() && declared.group.is_none() {
        return Ok(None);
    }
    let user = declared.user.as_ref().or(mode.user.as_ref());
    identity::of(user, declared.group.as_ref(), false)
}

/// Runs all of them. Signals are held meanwhile, so that one that ends the boot ends its hook first.
pub fn run(
    hooks: &[Hook],
    mode: &str,
    cap: Option<StopTimeout>,
    inherited: Inherited,
    report: &Report,
    pipe: &Pipe,
) -> Result<(), Failure> {
    let Some(grace) = hooks.iter().map(|hook| hook.declared.grace).max() else {
        return Ok(());
    };
    hold_again();
    pipe.tell(&Message::Grace(within(grace, cap) + AFTER_KILL));
    let result = hooks
        .iter()
        .try_for_each(|hook| hook.run(mode, cap, inherited, report));
    release_signals();
    result
}

fn within(grace: Duration, cap: Option<StopTimeout>) -> Duration {
    cap.map_or(grace, |cap| grace.min(cap.limit()))
}

fn outcome(how: Waited) -> Outcome {
    // Nobody else collects it; a child that is not there has no status to be judged by.
    Outcome::of(how).map_or(Outcome::Exited(ENTRY_FAILED), |(_, outcome)| outcome)
}

/// PID 1 says the rest: it passed the signal on.
fn told(signal: Sig) -> Failure {
    Failure {
        messages: Vec::new(),
        code: Outcome::Killed(signal).code(),
    }
}
