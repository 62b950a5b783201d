//! One-off tasks and logs of a deploy, as `oneoff` and `logs` have them.

use super::one_offs::{Ended, LogTail, OneOffs, Request, Tail};
use super::through::Through;
use crate::aws::{AwsError, Call, Ecs, Kind, Logs, Pending};
use crate::deploy::guard::Stop;
use crate::deploy::logs::{self, CallsIn};
use crate::deploy::oneoff::{self, Error, Job, Repeat, Start, Stopped, Told};
use crate::deploy::report::Event;
use crate::deploy::verdict::Service;
use serde_json::{Map, Value};
use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// AWS shows lines some seconds after it got them: so often and so long apart they are looked for.
const LOOKS: u32 = 4;
const BETWEEN: Duration = Duration::from_secs(2);

/// Runs one-off tasks on ECS, and reads the logs of tasks that it ran.
pub struct OnEcs<'o> {
    pub calls: &'o dyn Call,
    pub calls_in: CallsIn<'o>,
}

impl OneOffs for OnEcs<'_> {
    fn run<'r>(
        &'r self,
        request: Request<'r>,
    ) -> Pin<Box<dyn Future<Output = Result<Ended, Stop>> + 'r>> {
        Box::pin(self.once(request))
    }
}

impl OnEcs<'_> {
    async fn once(&self, request: Request<'_>) -> Result<Ended, Stop> {
        let through = Through::new(self.calls, request.writer);
        let done = self.followed(&request, &Ecs::new(&through)).await;
        let stopped = through.stopped();
        done.map_err(|error| stopped.unwrap_or_else(|| failed(&request, error.to_string())))
            .and_then(|(ended, start)| exit(&request, ended, start))
    }

    async fn followed(
        &self,
        request: &Request<'_>,
        ecs: &Ecs<'_>,
    ) -> Result<(oneoff::Ended, Start), Error> {
        let definition = oneoff::definition(ecs, request.definition).await?;
        let none = Map::new();
        let beside = request.beside.unwrap_or(&none);
        let job = Job {
            cluster: request.cluster.to_owned(),
            container: request.one.run.container.clone(),
            command: request.one.run.command.clone(),
            placement: oneoff::placement(beside, &definition),
            definition,
        };
        let repeat = repeat(request, &job);
        let how = Cell::new(Start::New);
        let mut sink = |told: Told<'_>| match told {
            Told::Task { start, .. } => how.set(start),
            Told::Line { text, .. } => request.report.tell(&Event::Output {
                task: request.one.run.task.clone(),
                line: text.to_owned(),
            }),
            Told::Note(note) => request.report.tell(&Event::Warning(note.to_owned())),
            Told::Status(_) => {}
        };
        // Ctrl-C leaves the task alone: half a migration is worse than a whole one.
        let (_ask, mut asked) = tokio::sync::watch::channel(false);
        let timeout = Some(request.one.timeout);
        let ended = oneoff::run(
            &job,
            &repeat,
            ecs,
            self.calls_in,
            timeout,
            &mut asked,
            &mut sink,
        );
        Ok((ended.await?, how.get()))
    }
}

/// Once for its deploy.
fn repeat(request: &Request<'_>, job: &Job) -> Repeat {
    let read = |service: &&Map<String, Value>| {
        let service = Value::Object((*service).clone());
        serde_json::from_value::<Service>(service).ok()
    };
    let services: Vec<Service> = request.services.iter().filter_map(read).collect();
    let deployments = services.iter().flat_map(|service| &service.deployments);
    Repeat::once_a_deploy(request.place, job, deployments, request.targets)
}

fn failed(request: &Request<'_>, why: String) -> Stop {
    Stop::OneOffFailed {
        when: request.when,
        task: request.one.run.task.clone(),
        why,
    }
}

fn exit(request: &Request<'_>, ended: oneoff::Ended, start: Start) -> Result<Ended, Stop> {
    if ended.stopped == Some(Stopped::Timeout) {
        let timeout = humantime::format_duration(request.one.timeout);
        let why = format!("it took longer than its timeout of {timeout}, and was stopped");
        return Err(failed(request, why));
    }
    match ended.code {
        Some(code) => Ok(Ended {
            code,
            earlier: start == Start::Counted,
        }),
        None => Err(failed(request, ended.reason)),
    }
}

impl LogTail for OnEcs<'_> {
    fn last_lines<'t>(&'t self, tail: &'t Tail<'t>) -> Pending<'t, Vec<String>> {
        Box::pin(async move {
            let ecs = Ecs::new(self.calls);
            let definition = oneoff::definition(&ecs, tail.definition).await;
            let definition = definition.map_err(|error| match error {
                Error::Aws(error) => error,
                other => {
                    let why = other.to_string();
                    AwsError::new(Kind::NotFound, "logs:GetLogEvents", tail.task, why)
                }
            })?;
            let stream = match logs::stream(&definition, tail.container, tail.task, None) {
                Ok(stream) => stream,
                Err(why) => return Ok(vec![format!("({why})")]),
            };
            let logs = Logs::new((self.calls_in)(&stream.region));
            for _ in 1..LOOKS {
                let lines = logs::last_lines(&logs, &stream, tail.most).await?;
                if !lines.is_empty() {
                    return Ok(lines);
                }
                tokio::time::sleep(BETWEEN).await;
            }
            logs::last_lines(&logs, &stream, tail.most).await
        })
    }
}
