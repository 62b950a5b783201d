//! The rows of the outcome table, in the order in which they count.

use super::observation::{Deployment, Observation, Rollout, Service, Stopped, Targets};
use super::starts::{Cause, causes, is_failure, is_no_room};
use super::{Expected, Memory, Outcome, Verdict, Waiting};
use std::time::Duration;

/// `DescribeServices` may be some seconds behind `UpdateService`; what is not there by then is gone.
pub(in crate::deploy) const SETTLE: Duration = Duration::from_secs(30);

/// The verdict on what a poll saw, and what is to be remembered; `now` counts from the beginning of the wait.
#[must_use]
pub fn verdict(
    expected: &Expected,
    observation: &Observation,
    mut memory: Memory,
    now: Duration,
) -> (Verdict, Memory) {
    let verdict = match observation {
        Observation::Unknown => Verdict::Wait(Waiting::Unseen),
        Observation::Missing { reason } => Verdict::End(Outcome::Missing {
            reason: reason.clone(),
        }),
        Observation::Seen {
            service,
            stopped,
            targets,
            rollout,
        } => {
            remember(&mut memory, expected, service, stopped, now);
            Poll {
                expected,
                service,
                targets,
                rollout: rollout.as_ref(),
                memory: &memory,
                now,
            }
            .verdict()
        }
    };
    let verdict = match verdict {
        Verdict::Wait(waiting) if is_over(expected, &waiting, &memory, now) => {
            Verdict::End(Outcome::Timeout {
                waiting,
                causes: causes(&memory),
            })
        }
        verdict => verdict,
    };
    (verdict, memory)
}

/// Whether the wait has taken too long. Without room it has a time of its own, which is not the tasks': when room
/// comes, or a poll sees nothing, they have as much left as before.
fn is_over(expected: &Expected, waiting: &Waiting, memory: &Memory, now: Duration) -> bool {
    let limits = expected.limits;
    let without = memory.no_room.map(|since| now.saturating_sub(since));
    if let (Waiting::NoRoom { .. }, Some(without)) = (waiting, without) {
        return without >= limits.capacity;
    }
    let roomless = memory.roomless + without.unwrap_or_default();
    // Room that comes and goes again must not make it endless.
    now.saturating_sub(roomless.min(limits.capacity)) >= limits.timeout
}

fn remember(
    memory: &mut Memory,
    expected: &Expected,
    service: &Service,
    stopped: &[Stopped],
    now: Duration,
) {
    let ours = service.deployment(&expected.deployment);
    memory.seen |= ours.is_some();
    for task in stopped {
        if task.started_by == expected.deployment && is_failure(task) {
            memory.failed.insert(task.task_arn.clone(), task.clone());
        }
    }
    let no_room = ours.and_then(|ours| no_room(service, ours)).is_some();
    match memory.no_room {
        None if no_room => memory.no_room = Some(now),
        Some(since) if !no_room => {
            memory.roomless += now.saturating_sub(since);
            memory.no_room = None;
        }
        _ => {}
    }
}

/// The event that says so, unless a task was started after it.
fn no_room<'s>(service: &'s Service, ours: &Deployment) -> Option<&'s str> {
    // Both times are AWS's: ours may be wrong.
    let since = service
        .events
        .iter()
        .filter(|event| event.created_at >= ours.created_at);
    let telling = since.filter(|event| {
        is_no_room(&event.message)
            || event.message.contains(") has started ")
            || event.message.contains(" steady state")
    });
    let newest = telling.max_by(|one, other| one.created_at.total_cmp(&other.created_at))?;
    is_no_room(&newest.message).then_some(newest.message.as_str())
}

/// All that a verdict depends on.
struct Poll<'p> {
    expected: &'p Expected,
    service: &'p Service,
    targets: &'p Targets,
    rollout: Option<&'p Rollout>,
    memory: &'p Memory,
    now: Duration,
}

impl Poll<'_> {
    fn verdict(&self) -> Verdict {
        if self.service.status != "ACTIVE" {
            let reason = format!("it is {}", self.service.status);
            return Verdict::End(Outcome::Missing { reason });
        }
        if let Some(outcome) = self.rolled_out() {
            return Verdict::End(outcome);
        }
        let Some(primary) = self.service.primary() else {
            return Verdict::Wait(Waiting::Appearing);
        };
        if primary.id == self.expected.deployment {
            self.ours(primary)
        } else {
            self.another(primary)
        }
    }

    /// What the service deployment alone decides.
    fn rolled_out(&self) -> Option<Outcome> {
        let rollout = self.rollout?;
        let status = rollout.status.as_str();
        if status.starts_with("ROLLBACK_") {
            let reason = rollout.reason.clone();
            return Some(self.rolled_back(reason.unwrap_or_else(|| status.to_owned())));
        }
        // That a newer deployment takes its place stops it, too: then that one says what it came to.
        if matches!(status, "STOPPED" | "STOP_REQUESTED") && !self.is_replaced() {
            return Some(Outcome::Stopped);
        }
        match &rollout.definition {
            Some(other) if rollout.succeeded() && *other != self.expected.definition => {
                Some(Outcome::Superseded { by: other.clone() })
            }
            _ => None,
        }
    }

    fn is_replaced(&self) -> bool {
        let primary = self.service.primary();
        primary.is_some_and(|one| one.id != self.expected.deployment)
    }

    fn rolled_back(&self, reason: String) -> Outcome {
        Outcome::RolledBack {
            reason,
            causes: causes(self.memory),
        }
    }

    fn ours(&self, ours: &Deployment) -> Verdict {
        let state = ours.rollout_state.as_deref();
        let alone = self.service.deployments.len() == 1;
        let completed = self.has_its_tasks(ours)
            && match state {
                Some(state) => state == "COMPLETED",
                None => alone && ours.running_count == ours.desired_count,
            };
        // Where its circuit breaker rolls nothing back.
        let failed = ours.has_failed();
        let enough = self.memory.failed.len() >= self.expected.limits.failed_starts.max(1);
        if failed || (enough && !completed) {
            return Verdict::End(Outcome::FailedStarts {
                causes: self.causes_or_reason(ours),
            });
        }
        if let Some(hook) = self.rollout.and_then(|rollout| rollout.paused.clone()) {
            return if self.expected.until_paused {
                Verdict::End(Outcome::Paused(hook))
            } else {
                Verdict::Wait(Waiting::Paused(hook))
            };
        }
        if completed {
            return self.completed(ours);
        }
        if let Some(message) = no_room(self.service, ours) {
            let message = message.to_owned();
            return Verdict::Wait(Waiting::NoRoom { message });
        }
        if ours.desired_count > 0 && ours.running_count >= self.wanted(ours) {
            return Verdict::Wait(Waiting::Finishing);
        }
        Verdict::Wait(self.starting(ours))
    }

    /// Another number of tasks alone begins no deployment: the one that is complete stays so. Meanwhile somebody may
    /// have asked for fewer.
    fn has_its_tasks(&self, ours: &Deployment) -> bool {
        let settled = self.now >= SETTLE && ours.running_count >= self.service.desired_count;
        settled || ours.running_count >= self.expected.tasks
    }

    /// AWS's own reason, where no stopped task was seen.
    fn causes_or_reason(&self, ours: &Deployment) -> Vec<Cause> {
        let causes = causes(self.memory);
        match &ours.rollout_state_reason {
            Some(reason) if causes.is_empty() => vec![Cause {
                tasks: usize::try_from(ours.failed_tasks).unwrap_or(usize::MAX),
                reason: reason.clone(),
                task: ours.id.clone(),
            }],
            _ => causes,
        }
    }

    fn starting(&self, ours: &Deployment) -> Waiting {
        Waiting::Starting {
            running: ours.running_count,
            desired: self.wanted(ours),
        }
    }

    /// AWS may be behind our call.
    fn wanted(&self, ours: &Deployment) -> u64 {
        let described = ours.desired_count.max(self.service.desired_count);
        described.max(self.expected.tasks)
    }

    /// ECS has done its part: but does it serve?
    fn completed(&self, ours: &Deployment) -> Verdict {
        if self.service.desired_count == 0 {
            return Verdict::End(if self.expected.allow_zero {
                Outcome::Success
            } else {
                Outcome::NotStarted
            });
        }
        if self.rollout.is_some_and(|rollout| !rollout.succeeded()) {
            return Verdict::Wait(Waiting::Finishing);
        }
        if ours.running_count == 0 {
            return Verdict::Wait(self.starting(ours));
        }
        match self.targets {
            Targets::Unhealthy(unhealthy) => Verdict::Wait(Waiting::Targets(unhealthy.clone())),
            Targets::Healthy | Targets::Unknown => Verdict::End(Outcome::Success),
        }
    }

    fn another(&self, primary: &Deployment) -> Verdict {
        let ours = self.service.deployment(&self.expected.deployment);
        if !self.memory.seen && self.now < SETTLE {
            return Verdict::Wait(Waiting::Appearing);
        }
        let earlier = Some(&primary.task_definition) == self.expected.before.as_ref();
        let other = primary.task_definition != self.expected.definition;
        // A new start of what ran already, or other settings for it, have the same definition.
        let failed = ours.is_some_and(Deployment::has_failed);
        Verdict::End(if earlier && (other || failed) {
            let told = ours.and_then(|ours| ours.rollout_state_reason.clone());
            let told = told.or_else(|| primary.rollout_state_reason.clone());
            let back = || format!("the service is back on {}", primary.task_definition);
            self.rolled_back(told.unwrap_or_else(back))
        } else if other {
            Outcome::Superseded {
                by: primary.task_definition.clone(),
            }
        } else {
            // The same definition, but another's deployment of it, which we know nothing of.
            Outcome::Superseded {
                by: primary.id.clone(),
            }
        })
    }
}
