//! A task until its end: its state, its lines as they come, and its stop if somebody asks for it.

use super::own::Own;
use super::request::Job;
use super::task::{Task, reason};
use super::{Error, Sink, StopAsked, Told};
use crate::aws::{AwsError, Ecs, Logs, Write};
use crate::deploy::logs::{CallsIn, Tail, stream};
use serde_json::{Map, Value};
use std::time::{Duration, Instant};
use tokio::time::Instant as Clock;

/// One call with its retries.
const CALL: Duration = Duration::from_secs(30);

/// So long no line came, and the task has ended: then all are there. AWS shows lines some seconds after it got them.
const QUIET: Duration = Duration::from_secs(5);

/// The same for a task of which nothing came yet: the first lines take longest, and hardly any task is silent.
const SILENT: Duration = Duration::from_secs(15);

/// So long after the end of its container the last line of an `entry` is waited for.
const OVERDUE: Duration = Duration::from_secs(30);

/// The exit code of a container that was killed: by ECS, or for want of memory. Nothing says a last line then.
const KILLED: i64 = 137;

/// A task that was just started may not be known yet.
const KNOWN_AFTER: Duration = Duration::from_mins(1);

/// So long calls may fail in a way that passes.
const PATIENCE: Duration = Duration::from_mins(5);

/// Between two looks: while lines come or the end is near, and while nothing happens.
const OFTEN: Duration = Duration::from_secs(1);
const SELDOM: Duration = Duration::from_secs(3);

/// A task that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    pub task: String,
    /// The container's; `None` if it never ran, or its machine is gone.
    pub code: Option<i64>,
    /// ECS's words.
    pub reason: String,
    /// If we stopped it.
    pub stopped: Option<Stopped>,
}

/// Why we stopped it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    Asked,
    Timeout,
}

/// Looks at a task until it has ended.
pub struct Watch<'w, 'c> {
    job: &'w Job,
    task: String,
    ecs: Ecs<'w>,
    calls_in: CallsIn<'c>,
    output: Output<'c>,
    seen: Option<Task>,
    began: Clock,
    /// Since when there was no answer, or the task was not in it.
    lost: Option<Clock>,
}

/// What the container writes.
enum Output<'c> {
    /// It is not known yet where.
    Unknown,
    Read {
        tail: Tail<'c>,
        own: Own,
        /// If there were any.
        heard: bool,
        failing: Option<Clock>,
    },
    /// It cannot be read.
    None,
}

impl<'w, 'c> Watch<'w, 'c> {
    pub fn new(job: &'w Job, task: String, ecs: Ecs<'w>, calls_in: CallsIn<'c>) -> Watch<'w, 'c> {
        Watch {
            job,
            task,
            ecs,
            calls_in,
            output: Output::Unknown,
            seen: None,
            began: Clock::now(),
            lost: None,
        }
    }

    /// Until the task has ended and its lines are all there.
    pub async fn until_end(
        &mut self,
        timeout: Option<Duration>,
        stop: &mut StopAsked,
        sink: Sink<'_>,
    ) -> Result<Ended, Error> {
        let mut stopping = None;
        // When ECS took our call to stop it.
        let mut told: Option<Clock> = None;
        let mut last_news = Clock::now();
        let mut ended: Option<Clock> = None;
        loop {
            if ended.is_none() {
                self.look(sink).await?;
                ended = self.has_ended().then(Clock::now);
                let late = |told: Clock| told.elapsed() >= self.job.stops_within();
                if ended.is_none() && told.is_some_and(late) {
                    return Err(Error::Stuck(self.task.clone()));
                }
            }
            let news = self.lines(sink).await;
            if news == Some(true) {
                last_news = Clock::now();
            }
            if let (Some(at), Some(task), Some(false)) = (ended, &self.seen, news)
                && self.is_whole(task, at, at.max(last_news), sink)
            {
                return Ok(Ended {
                    task: task.task_arn.clone(),
                    code: task.exit_code(&self.job.container),
                    reason: reason(task),
                    stopped: stopping,
                });
            }
            let pause = if ended.is_some() || last_news.elapsed() < QUIET {
                OFTEN
            } else {
                SELDOM
            };
            let is_over = ended.is_some() || stopping.is_some();
            let asked = wait(self.pause(pause, timeout, is_over), stop, is_over).await;
            if !is_over {
                let late = timeout.is_some_and(|timeout| self.began.elapsed() >= timeout);
                stopping = match (asked, late) {
                    (true, _) => Some(Stopped::Asked),
                    (false, true) => Some(Stopped::Timeout),
                    (false, false) => None,
                };
            }
            if let (Some(why), None, None) = (stopping, told, ended) {
                told = self.stop(why, sink).await?.then(Clock::now);
            }
        }
    }

    fn pause(&self, pause: Duration, timeout: Option<Duration>, is_over: bool) -> Duration {
        match timeout {
            Some(timeout) if !is_over => pause.min(timeout.saturating_sub(self.began.elapsed())),
            _ => pause,
        }
    }

    fn has_ended(&self) -> bool {
        self.seen.as_ref().is_some_and(Task::has_ended)
    }

    /// Whether all lines of a task that has ended are there.
    fn is_whole(&self, task: &Task, ended: Clock, last_news: Clock, sink: Sink<'_>) -> bool {
        let Output::Read { own, heard, .. } = &self.output else {
            return true;
        };
        if !task.ran(&self.job.container) {
            return true;
        }
        if last_news.elapsed() < if *heard { QUIET } else { SILENT } {
            return false;
        }
        if !heard {
            sink(Told::Note(
                "no output came: there was none, or `entryctl logs TASK` shows it later",
            ));
            return true;
        }
        let was_killed = matches!(task.exit_code(&self.job.container), None | Some(KILLED));
        if *own != Own::Started || was_killed {
            return true;
        }
        let is_overdue = ended.elapsed() >= OVERDUE;
        if is_overdue {
            sink(Told::Note(
                "entry's last line did not come: the end of the output may be missing",
            ));
        }
        is_overdue
    }

    /// Asks what became of it.
    async fn look(&mut self, sink: Sink<'_>) -> Result<(), Error> {
        let arns = [self.task.clone()];
        let call = self
            .ecs
            .tasks(&self.job.cluster, &arns, Instant::now() + CALL);
        let found = match call.await {
            Ok(found) => found.into_iter().next().map(Task::read),
            Err(error) if error.kind.passes() => {
                let since = *self.lost.get_or_insert_with(Clock::now);
                if since.elapsed() < PATIENCE {
                    return Ok(());
                }
                return Err(self.blind(error));
            }
            Err(error) => return Err(self.blind(error)),
        };
        let Some(task) = found else {
            let since = *self.lost.get_or_insert_with(Clock::now);
            if since.elapsed() < KNOWN_AFTER {
                return Ok(());
            }
            return Err(Error::Forgotten(self.task.clone()));
        };
        self.lost = None;
        let before = self.seen.as_ref().map(|seen| seen.last_status.as_str());
        if before != Some(task.last_status.as_str()) {
            sink(Told::Status(&task.last_status));
        }
        self.seen = Some(task);
        Ok(())
    }

    fn blind(&self, cause: AwsError) -> Error {
        Error::Blind {
            task: self.task.clone(),
            cause,
        }
    }

    /// Tells the lines that are new; whether there were any, `None` if that is not known.
    async fn lines(&mut self, sink: Sink<'_>) -> Option<bool> {
        if let (Output::Unknown, Some(task)) = (&self.output, &self.seen) {
            self.output = self.found(task, sink);
        }
        let Output::Read {
            tail,
            own,
            heard,
            failing,
        } = &mut self.output
        else {
            return Some(false);
        };
        let read = tail.read(|event| {
            own.hear(&event.message);
            *heard = true;
            sink(Told::Line {
                at: event.timestamp,
                text: &event.message,
            });
        });
        let error = match read.await {
            Ok(news) => {
                *failing = None;
                return Some(news);
            }
            Err(error) => error,
        };
        let since = *failing.get_or_insert_with(Clock::now);
        if error.kind.passes() && since.elapsed() < PATIENCE {
            return None;
        }
        sink(Told::Note(&format!(
            "its output is not shown any more: {error}"
        )));
        self.output = Output::None;
        Some(false)
    }

    fn found(&self, task: &Task, sink: Sink<'_>) -> Output<'c> {
        let Job {
            definition,
            container,
            ..
        } = self.job;
        let runtime = task.container(container);
        let runtime = runtime.and_then(|container| container.runtime_id.as_deref());
        match stream(definition, container, &self.task, runtime) {
            Ok(stream) => {
                let logs = Logs::new((self.calls_in)(&stream.region));
                Output::Read {
                    tail: Tail::new(logs, stream),
                    own: Own::default(),
                    heard: false,
                    failing: None,
                }
            }
            // It may get a name once it runs.
            Err(_) if runtime.is_none() && !task.has_ended() => Output::Unknown,
            Err(why) => {
                sink(Told::Note(&format!("its output is not shown: {why}")));
                Output::None
            }
        }
    }

    /// Asks ECS to stop it; whether it will. If not, it is to be asked again.
    async fn stop(&self, why: Stopped, sink: Sink<'_>) -> Result<bool, Error> {
        let reason = match why {
            Stopped::Asked => "entryctl was asked to stop it",
            Stopped::Timeout => "entryctl: its time is over",
        };
        sink(Told::Note(&format!("stopping {}", self.task)));
        let mut request = Map::new();
        for (key, value) in [
            ("cluster", self.job.cluster.as_str()),
            ("task", self.task.as_str()),
            ("reason", reason),
        ] {
            request.insert(key.to_owned(), Value::from(value));
        }
        let deadline = Instant::now() + CALL;
        let call = self
            .ecs
            .write(Write::StopTask, &self.task, &request, deadline);
        match call.await {
            Ok(_) => Ok(true),
            Err(error) if error.kind.passes() => Ok(false),
            Err(cause) => Err(Error::NotStopped {
                task: self.task.clone(),
                cause,
            }),
        }
    }
}

/// Waits for so long, or until somebody asks to stop it.
async fn wait(pause: Duration, stop: &mut StopAsked, is_over: bool) -> bool {
    if is_over {
        tokio::time::sleep(pause).await;
        return false;
    }
    let asked = async {
        if stop.wait_for(|asked| *asked).await.is_err() {
            // Nobody can ask any more.
            std::future::pending::<()>().await;
        }
    };
    tokio::time::timeout(pause, asked).await.is_ok()
}
