//! Waits for proof that deployments came to what they should: polls, and asks the verdict.
//!
//! ```text
//! DescribeServices, ten a call ─┐
//! stopped tasks, where missing ─┼▶ Observation (poll) ─▶ verdict ─▶ events, or the end
//! service deployments (rollout) ┤
//! health of targets (targets) ──┘
//! ```
//!
//! A poll that failed says nothing of a deployment: it is `Unknown`, and the next one tells. What does not pass, such as
//! credentials that are over, ends the wait soon: nobody would see anything until its timeout.

mod optional;
mod poll;
mod rollout;
mod targets;

use crate::aws::{AwsError, Ecs};
use crate::deploy::guard::{Guard, Stop};
use crate::deploy::report::{Event, Report};
use crate::deploy::verdict::{
    Expected, Memory, Observation, Outcome, Service, Verdict, causes, verdict,
};
use optional::Optional;
use poll::Poll;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

/// Between two polls: short while something happens.
const SHORTEST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(10);

/// How long a failure that does not pass by itself is given all the same.
const LASTING: Duration = Duration::from_mins(1);

/// What is waited for.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub service: String,
    pub expected: Expected,
    /// It was made just now, and AWS may not show it at once.
    pub new: bool,
    /// Ids of events that are no news.
    pub told: BTreeSet<String>,
}

/// How it ended, and what was seen of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    pub target: Target,
    pub outcome: Outcome,
    pub memory: Memory,
}

/// Who waits, and whom it asks and tells.
pub struct Wait<'w> {
    pub cluster: &'w str,
    pub ecs: Ecs<'w>,
    pub report: &'w dyn Report,
    pub guard: &'w Guard,
}

/// A target under way.
struct Watched {
    target: Target,
    memory: Memory,
    outcome: Option<Outcome>,
    progress: String,
    causes: usize,
    pace: poll::Pace,
}

impl Wait<'_> {
    /// The ends of all targets, in their order. Polls until the last has ended.
    pub async fn proven(&self, targets: Vec<Target>) -> Result<Vec<Proof>, Stop> {
        let mut all: Vec<Watched> = targets.into_iter().map(Watched::new).collect();
        let (rollouts, targets) = (Optional::default(), Optional::default());
        let began = Instant::now();
        let mut interval = SHORTEST;
        let mut blind: Option<AwsError> = None;
        let mut lasting: Option<Duration> = None;
        loop {
            let mut news = false;
            let poll = Poll {
                wait: self,
                rollouts: &rollouts,
                targets: &targets,
                now: began.elapsed(),
            };
            let mut open: Vec<&mut Watched> =
                all.iter_mut().filter(|one| one.outcome.is_none()).collect();
            if open.is_empty() {
                break;
            }
            self.report.tick();
            let observed = self.guard.unless_interrupted(poll.observe(&mut open));
            let (observations, failure) = observed.await?;
            for (one, observation) in open.into_iter().zip(observations) {
                news |= one.hear(&observation, began.elapsed(), self.report);
            }
            if let Some(error) = failure.as_ref().filter(|_| blind.is_none()) {
                self.report.tell(&Event::Warning(error.to_string()));
            }
            let now = began.elapsed();
            lasting = match &failure {
                Some(error) if !error.kind.passes() => lasting.or(Some(now)),
                _ => None,
            };
            blind = failure;
            if all.iter().all(|one| one.outcome.is_some()) {
                break;
            }
            if let (Some(error), Some(since)) = (&blind, lasting)
                && now.saturating_sub(since) >= LASTING
            {
                return Err(Stop::Blind(error.clone()));
            }
            interval = if news {
                SHORTEST
            } else {
                interval.mul_f64(1.25).min(LONGEST)
            };
            let pause = tokio::time::sleep(interval);
            self.guard.unless_interrupted(pause).await?;
        }
        Ok(all.into_iter().filter_map(Watched::proof).collect())
    }
}

impl Watched {
    fn new(target: Target) -> Watched {
        Watched {
            target,
            memory: Memory::default(),
            outcome: None,
            progress: String::new(),
            causes: 0,
            pace: poll::Pace::default(),
        }
    }

    /// `None` before its end.
    fn proof(self) -> Option<Proof> {
        Some(Proof {
            outcome: self.outcome?,
            target: self.target,
            memory: self.memory,
        })
    }

    /// Takes a poll in; whether it brought anything new.
    fn hear(&mut self, observation: &Observation, now: Duration, report: &dyn Report) -> bool {
        let memory = std::mem::take(&mut self.memory);
        let (verdict, memory) = verdict(&self.target.expected, observation, memory, now);
        self.memory = memory;
        let mut news = false;
        if let Observation::Seen { service, .. } = observation {
            news |= self.tell_events(service, report);
        }
        if self.memory.failed.len() > self.causes {
            self.causes = self.memory.failed.len();
            news = true;
            report.tell(&Event::Failing {
                service: self.target.service.clone(),
                causes: causes(&self.memory),
            });
        }
        match verdict {
            Verdict::Wait(waiting) => {
                let waiting = waiting.to_string();
                if waiting != self.progress {
                    news = true;
                    self.progress.clone_from(&waiting);
                    report.tell(&Event::Progress {
                        service: self.target.service.clone(),
                        waiting,
                    });
                }
            }
            Verdict::End(outcome) => {
                news = true;
                report.tell(&Event::Ended {
                    service: self.target.service.clone(),
                    outcome: outcome.clone(),
                });
                self.outcome = Some(outcome);
            }
        }
        news
    }

    /// What ECS told since our deployment began, the oldest first.
    fn tell_events(&mut self, service: &Service, report: &dyn Report) -> bool {
        let id = &self.target.expected.deployment;
        let Some(since) = service.deployment(id).map(|ours| ours.created_at) else {
            return false;
        };
        let mut news = false;
        for event in service.events.iter().rev() {
            // Both times are AWS's.
            if event.created_at >= since && self.target.told.insert(event.id.clone()) {
                news = true;
                report.tell(&Event::Told {
                    service: self.target.service.clone(),
                    at: event.created_at,
                    message: event.message.clone(),
                });
            }
        }
        news
    }
}
