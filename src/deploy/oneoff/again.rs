//! Whether work is to be done, is being done, or was done: pure.

use super::key::{started_by, token};
use super::request::Job;
use super::task::Task;
use crate::deploy::verdict::Deployment;

/// What a task of the same name means.
#[derive(Clone, Debug, PartialEq)]
pub enum Repeat {
    /// Nothing: it is run whatever ran before.
    Always,
    /// One that runs is joined.
    Join { started_by: String },
    /// One that runs is joined, and one that ended well counts, unless something else was deployed after it.
    Once {
        started_by: String,
        foreign: Option<Foreign>,
    },
}

impl Repeat {
    /// For a task before or after the services of a deploy: once for a definition, until something else is deployed.
    /// `place` tells it from others of the same file that do the same, `deployments` are those of all services
    /// of the file, `targets` the ARNs of the definitions that the deploy brings.
    pub fn once_a_deploy<'d>(
        place: &str,
        job: &Job,
        deployments: impl IntoIterator<Item = &'d Deployment>,
        targets: &[String],
    ) -> Repeat {
        let mut words = vec!["deploy", place];
        words.extend(job.words());
        Repeat::Once {
            started_by: started_by(&words),
            foreign: newest_foreign(deployments, targets),
        }
    }
}

/// A deployment of something else than what the work is for.
#[derive(Clone, Debug, PartialEq)]
pub struct Foreign {
    pub id: String,
    pub created_at: f64,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Again {
    /// It runs, as this task.
    Join(String),
    /// This task did it.
    Done(String),
    /// This one is being stopped, and nothing may run beside it.
    Wait(String),
    /// It is to be run. A call with the same token starts no second task.
    Run { token: String },
}

/// The newest deployment of services that is of none of `targets`, ARNs of definitions. What ran before it may
/// have been undone by it.
pub fn newest_foreign<'d>(
    deployments: impl IntoIterator<Item = &'d Deployment>,
    targets: &[String],
) -> Option<Foreign> {
    let foreign = deployments
        .into_iter()
        .filter(|one| !targets.contains(&one.task_definition));
    let newest = foreign.max_by(|one, other| {
        let by_time = one.created_at.total_cmp(&other.created_at);
        by_time.then_with(|| one.id.cmp(&other.id))
    });
    newest.map(|one| Foreign {
        id: one.id.clone(),
        created_at: one.created_at,
    })
}

/// What to do, after all tasks that ECS still knows by the name, of which `container` does the work. `old` are
/// tasks that ECS answered with in place of a new one.
pub fn again(repeat: &Repeat, tasks: &[Task], container: &str, old: &[String]) -> Again {
    let (started_by, foreign) = match repeat {
        Repeat::Always => (None, None),
        Repeat::Join { started_by } => (Some(started_by), None),
        Repeat::Once {
            started_by,
            foreign,
        } => (Some(started_by), foreign.as_ref()),
    };
    let Some(started_by) = started_by else {
        return Again::Run {
            token: String::new(),
        };
    };
    let mut own: Vec<&Task> = tasks
        .iter()
        .filter(|task| task.started_by == *started_by)
        .collect();
    own.sort_by(|one, other| {
        let by_time = other.created_at.total_cmp(&one.created_at);
        by_time.then_with(|| one.task_arn.cmp(&other.task_arn))
    });
    if let Some(task) = own.iter().find(|task| !task.has_ended()) {
        let arn = task.task_arn.clone();
        return if task.is_stopping() {
            Again::Wait(arn)
        } else {
            Again::Join(arn)
        };
    }
    let after = |task: &Task| foreign.is_none_or(|foreign| task.created_at > foreign.created_at);
    let did = |task: &&&Task| task.exit_code(container) == Some(0) && after(task);
    if let (Repeat::Once { .. }, Some(task)) = (repeat, own.iter().find(did)) {
        return Again::Done(task.task_arn.clone());
    }
    // With the token of a task that ended, ECS would answer with that task for a day.
    let ended = own.iter().map(|task| task.task_arn.as_str());
    let mut words = vec![
        started_by.as_str(),
        foreign.map_or("", |one| one.id.as_str()),
    ];
    let mut known: Vec<&str> = ended.chain(old.iter().map(String::as_str)).collect();
    known.sort_unstable();
    known.dedup();
    words.extend(known);
    Again::Run {
        token: token(&words),
    }
}
