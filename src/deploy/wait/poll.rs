//! One poll: the calls that a verdict needs just now, and no more.

use super::optional::Optional;
use super::{Wait, Watched, rollout, targets};
use crate::aws::AwsError;
use crate::deploy::verdict::{Observation, Rollout, Service, Stopped, Targets};
use futures_util::stream::{self, StreamExt};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// What `DescribeServices` takes.
const SERVICES: usize = 10;

/// Calls under way at once.
const AT_ONCE: usize = 5;

/// For one call, with its retries: another poll comes.
const CALL: Duration = Duration::from_secs(30);

/// Between two looks at stopped tasks: where tasks are missing, and where all seem to run but ECS has not
/// finished, which a crash between two polls looks like.
const STOPPED: Duration = Duration::from_secs(5);
const STOPPED_THOUGH_RUNNING: Duration = Duration::from_secs(30);

/// `DescribeServices` may be some seconds behind `CreateService`.
const APPEARS: Duration = Duration::from_secs(30);

/// When of a target's more costly calls was made last.
#[derive(Default)]
pub struct Pace {
    stopped: Option<Duration>,
    pub rollout: Option<Duration>,
}

pub struct Poll<'p> {
    pub wait: &'p Wait<'p>,
    pub rollouts: &'p Optional,
    pub targets: &'p Optional,
    /// Since the wait began.
    pub now: Duration,
}

/// Deadlines are the clock's, and not a test's.
pub fn deadline() -> Instant {
    Instant::now() + CALL
}

impl Poll<'_> {
    /// An observation for each of `open`, and why some are unknown.
    pub async fn observe(&self, open: &mut [&mut Watched]) -> (Vec<Observation>, Option<AwsError>) {
        let (found, mut failure) = self.services(open).await;
        // In order: they share what is known of rollouts.
        let mut observations = Vec::new();
        for one in open {
            match self.look(one, &found).await {
                Ok(observation) => observations.push(observation),
                Err(error) => {
                    observations.push(Observation::Unknown);
                    failure = failure.or(Some(error));
                }
            }
        }
        (observations, failure)
    }

    /// By name; `None` for what a failed call was to tell.
    async fn services(
        &self,
        open: &[&mut Watched],
    ) -> (BTreeMap<String, Option<Service>>, Option<AwsError>) {
        let names: Vec<String> = open.iter().map(|one| one.target.service.clone()).collect();
        let calls = names.chunks(SERVICES).map(|names| async move {
            let ecs = &self.wait.ecs;
            (
                names,
                ecs.services(self.wait.cluster, names, deadline()).await,
            )
        });
        let replies: Vec<_> = stream::iter(calls).buffered(AT_ONCE).collect().await;
        let (mut found, mut failure) = (BTreeMap::new(), None);
        for (names, reply) in replies {
            match reply {
                Ok(services) => found.extend(services.into_iter().filter_map(named)),
                Err(error) => {
                    found.extend(names.iter().map(|name| (name.clone(), None)));
                    failure = Some(error);
                }
            }
        }
        (found, failure)
    }

    async fn look(
        &self,
        one: &mut Watched,
        found: &BTreeMap<String, Option<Service>>,
    ) -> Result<Observation, AwsError> {
        let service = match found.get(&one.target.service) {
            Some(Some(service)) => service.clone(),
            Some(None) => return Ok(Observation::Unknown),
            None if one.target.new && !one.memory.seen && self.now < APPEARS => {
                return Ok(Observation::Unknown);
            }
            None => {
                let reason = "MISSING".to_owned();
                return Ok(Observation::Missing { reason });
            }
        };
        let state = State::of(&service, &one.target.expected.deployment);
        let stopped = self.stopped(one, state).await;
        let rollout = rollout::look(self, one, &service, state).await?;
        let targets = match state {
            State::Completed if rollout.as_ref().is_none_or(Rollout::succeeded) => {
                // Boxed: it is rare, and all that waits would be as large.
                Box::pin(targets::look(
                    self,
                    &service,
                    &one.target.expected.deployment,
                ))
                .await?
            }
            _ => Targets::Unknown,
        };
        Ok(Observation::Seen {
            service: Box::new(service),
            stopped,
            targets,
            rollout,
        })
    }

    /// Tasks that stopped, where it may matter. A failed call only delays what they tell.
    async fn stopped(&self, one: &mut Watched, state: State) -> Vec<Stopped> {
        let pause = match state {
            State::Completed | State::Appearing => return Vec::new(),
            State::Over => Duration::ZERO,
            State::Lacking => STOPPED,
            State::Running => STOPPED_THOUGH_RUNNING,
        };
        // At first they only begin.
        let last = *one.pace.stopped.get_or_insert(self.now);
        if pause > self.now.saturating_sub(last) {
            return Vec::new();
        }
        one.pace.stopped = Some(self.now);
        let (cluster, name) = (self.wait.cluster, &one.target.service);
        let tasks = self.wait.ecs.stopped_tasks(cluster, name, deadline()).await;
        let tasks = tasks.unwrap_or_default().into_iter();
        tasks
            .filter_map(|task| serde_json::from_value(Value::Object(task)).ok())
            .collect()
    }
}

fn named(service: Map<String, Value>) -> Option<(String, Option<Service>)> {
    let service: Service = serde_json::from_value(Value::Object(service)).ok()?;
    Some((service.service_name.clone(), Some(service)))
}

/// Of our deployment, as far as it says which calls are worth their price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Appearing,
    /// Tasks are missing, or have failed.
    Lacking,
    Running,
    Completed,
    /// It failed, or it is not the primary one any more.
    Over,
}

impl State {
    fn of(service: &Service, deployment: &str) -> State {
        match service.deployment(deployment) {
            None if service.primary().is_some() => State::Over,
            None => State::Appearing,
            Some(ours) if !ours.is_primary() || ours.has_failed() => State::Over,
            Some(ours) => match ours.rollout_state.as_deref() {
                Some("COMPLETED") => State::Completed,
                _ if ours.failed_tasks > 0 || ours.running_count < ours.desired_count => {
                    State::Lacking
                }
                _ => State::Running,
            },
        }
    }
}
