//! `entryctl scale`: another number of tasks, for services that nothing else scales.

use super::config::Config;
use super::plan::short;
use super::verdict::SETTLE;
use crate::aws::{self, AwsError, Ecs, Write};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Between two looks: short while something happens.
const SHORTEST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(10);

/// For one look, with its retries.
const CALL: Duration = Duration::from_mins(1);

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    pub service: String,
    pub count: u32,
}

/// A service that gets another number of tasks, or has it already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub service: String,
    pub from: u64,
    pub to: u32,
}

impl Step {
    #[must_use]
    pub fn acts(&self) -> bool {
        self.from != u64::from(self.to)
    }

    /// Whether tasks are stopped.
    #[must_use]
    pub fn stops(&self) -> bool {
        self.from > u64::from(self.to)
    }
}

/// What AWS answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// By name, as `DescribeServices` has them.
    pub services: BTreeMap<String, Map<String, Value>>,
    /// Those whose number of tasks Application Auto Scaling sets, or why that is not known.
    pub scalable: Result<BTreeSet<String>, String>,
}

/// Asks for what the steps depend on.
pub async fn facts(
    cluster: &str,
    names: &[String],
    ecs: &Ecs<'_>,
    deadline: Instant,
) -> Result<Facts, AwsError> {
    let found = ecs.services(cluster, names, deadline).await?;
    let services = found.into_iter().filter_map(|service| {
        let name = service.get("serviceName")?.as_str()?.to_owned();
        Some((name, service))
    });
    let services = services.collect();
    let scalable = aws::scalable(ecs.calls(), short(cluster), names, deadline).await;
    Ok(Facts {
        services,
        scalable: scalable.map_err(|error| error.to_string()),
    })
}

/// The steps in the order of the wishes, or all that stands against them. `force` overrides what scales by itself.
pub fn steps(
    config: &Config,
    wishes: &[Wish],
    facts: &Facts,
    force: bool,
) -> Result<Vec<Step>, Vec<String>> {
    let mut refusals = Vec::new();
    let mut steps = Vec::new();
    for wish in wishes {
        match step(config, wish, facts, force) {
            Ok(step) => steps.push(step),
            Err(why) => refusals.push(format!("{}: {why}", wish.service)),
        }
    }
    if refusals.is_empty() {
        Ok(steps)
    } else {
        Err(refusals)
    }
}

fn step(config: &Config, wish: &Wish, facts: &Facts, force: bool) -> Result<Step, String> {
    let name = &wish.service;
    let found = facts.services.get(name);
    let status = found.and_then(|service| service.get("status")?.as_str());
    let found = match (found, status) {
        (None, _) | (_, Some("INACTIVE")) => {
            return Err(format!("not in the cluster {}", short(&config.cluster)));
        }
        (_, Some("DRAINING")) => return Err("it is being deleted".to_owned()),
        (Some(found), _) => found,
    };
    if found.get("schedulingStrategy") == Some(&json!("DAEMON")) {
        return Err("it has one task for each node".to_owned());
    }
    let mut services = config.services.iter();
    let by_file = services.any(|service| service.name == *name && service.autoscaled);
    let by_aws = matches!(&facts.scalable, Ok(all) if all.contains(name));
    if !force && (by_file || by_aws) {
        let why = if by_aws {
            "it is a scalable target of Application Auto Scaling"
        } else {
            "the file says that it is autoscaled"
        };
        return Err(format!(
            "{why}, which may undo this at once: give --force if that is meant"
        ));
    }
    Ok(Step {
        service: name.clone(),
        from: number(found, "desiredCount"),
        to: wish.count,
    })
}

fn number(service: &Map<String, Value>, key: &str) -> u64 {
    service.get(key).and_then(Value::as_u64).unwrap_or_default()
}

/// The members of `UpdateService`.
#[must_use]
pub fn request(cluster: &str, step: &Step) -> Map<String, Value> {
    [
        ("cluster", Value::from(cluster)),
        ("service", step.service.as_str().into()),
        ("desiredCount", step.to.into()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into_iter()
    .collect()
}

/// Carries the steps out that change something.
pub async fn apply(
    cluster: &str,
    steps: &[Step],
    ecs: &Ecs<'_>,
    deadline: Instant,
) -> Result<(), AwsError> {
    for step in steps.iter().filter(|step| step.acts()) {
        let request = request(cluster, step);
        let write = Write::UpdateService;
        ecs.write(write, &step.service, &request, deadline).await?;
    }
    Ok(())
}

/// How far a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many of its tasks run.
    Running(u64),
    Done,
    /// Somebody asked for another number since.
    Other(u64),
    Gone,
}

/// How far a service is on the way to a step's number. Until AWS is `settled`, it may not show our own call yet.
#[must_use]
pub fn progress(step: &Step, service: Option<&Map<String, Value>>, settled: bool) -> Progress {
    let Some(service) = service else {
        return Progress::Gone;
    };
    let (desired, running) = (
        number(service, "desiredCount"),
        number(service, "runningCount"),
    );
    if desired != u64::from(step.to) {
        return if settled || desired != step.from {
            Progress::Other(desired)
        } else {
            Progress::Running(running)
        };
    }
    if running == desired && number(service, "pendingCount") == 0 {
        return Progress::Done;
    }
    Progress::Running(running)
}

/// How a wait ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Done,
    /// What became of each that did not get there.
    Failed(Vec<String>),
    /// The same, because the time was up.
    Late(Vec<String>),
}

/// Waits until each service runs as many tasks as it should; `tell` gets a line for each change. A look that
/// failed tells nothing: the next one does.
pub async fn wait(
    cluster: &str,
    steps: &[Step],
    ecs: &Ecs<'_>,
    limit: Duration,
    tell: &dyn Fn(&str),
) -> End {
    let began = tokio::time::Instant::now();
    let end = began + limit;
    let names: Vec<String> = steps.iter().map(|step| step.service.clone()).collect();
    let mut interval = SHORTEST;
    let mut before: Vec<String> = Vec::new();
    loop {
        let looked = ecs.services(cluster, &names, Instant::now() + CALL).await;
        let lines = match looked {
            Ok(found) => {
                let all = progresses(steps, &found, began.elapsed() >= SETTLE);
                if all.iter().all(|(_, progress)| *progress == Progress::Done) {
                    return End::Done;
                }
                let lines: Vec<String> = all.iter().filter_map(told).collect();
                let lost =
                    |one: &&(&Step, Progress)| matches!(one.1, Progress::Other(_) | Progress::Gone);
                if all.iter().any(|one| lost(&one)) {
                    return End::Failed(lines);
                }
                lines
            }
            Err(error) => vec![error.to_string()],
        };
        let news = lines != before;
        for line in lines.iter().filter(|line| !before.contains(line)) {
            tell(line);
        }
        before = lines;
        interval = if news {
            SHORTEST
        } else {
            interval.mul_f64(1.25).min(LONGEST)
        };
        if tokio::time::Instant::now() + interval > end {
            return End::Late(before);
        }
        tokio::time::sleep(interval).await;
    }
}

fn progresses<'s>(
    steps: &'s [Step],
    found: &[Map<String, Value>],
    settled: bool,
) -> Vec<(&'s Step, Progress)> {
    let one = |step: &'s Step| {
        let name = Some(&json!(step.service));
        let service = found
            .iter()
            .find(|service| service.get("serviceName") == name);
        (step, progress(step, service, settled))
    };
    steps.iter().map(one).collect()
}

fn told((step, progress): &(&Step, Progress)) -> Option<String> {
    let name = &step.service;
    match progress {
        Progress::Done => None,
        Progress::Running(running) => Some(format!("{name}: {running} of {} tasks run", step.to)),
        Progress::Other(count) => Some(format!("{name}: somebody else asked for {count} tasks")),
        Progress::Gone => Some(format!("{name}: it is gone")),
    }
}
