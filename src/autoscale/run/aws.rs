//! AWS in the loop's place for it.

use super::cloud::{Cloud, Later, Observed, Outcome};
use super::log::Level;
use crate::autoscale::Region;
use crate::autoscale::act::carry_out;
use crate::autoscale::config::{Config, Queue};
use crate::autoscale::decide::{Action, Memory, Snapshot};
use crate::autoscale::observe::{Clouds, Look, Told, regions, snapshot};
use crate::autoscale::spot::{Report, Step, turn};
use crate::aws::{Api, Call, Clients, Pending};
use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Every so many polls all nodes are looked at, whether they matter or not.
const EVERY_NODE: u64 = 10;

/// Between attempts to read a queue that cannot be read.
const PATIENCE: Duration = Duration::from_secs(10);

/// For the calls that a message of a queue needs.
const MESSAGE: Duration = Duration::from_secs(30);

/// The accounts' services, in every region that the file names.
pub struct Aws<'c> {
    clients: &'c Clients,
    regions: RefCell<BTreeMap<Region, Rc<Counted>>>,
    made: Rc<Cell<u64>>,
    polls: Cell<u64>,
    told: RefCell<Told>,
    /// What the last poll saw, and by which file.
    seen: RefCell<Option<(Rc<Config>, Rc<Snapshot>)>>,
}

/// Counts the calls.
struct Counted {
    calls: Rc<dyn Call>,
    made: Rc<Cell<u64>>,
}

impl Call for Counted {
    fn call<'a>(
        &'a self,
        api: &'static Api,
        operation: &'a str,
        resource: &'a str,
        input: Value,
        deadline: Instant,
    ) -> Pending<'a, Value> {
        self.made.set(self.made.get() + 1);
        self.calls.call(api, operation, resource, input, deadline)
    }
}

impl<'c> Aws<'c> {
    #[must_use]
    pub fn new(clients: &'c Clients) -> Aws<'c> {
        Aws {
            clients,
            regions: RefCell::default(),
            made: Rc::default(),
            polls: Cell::new(0),
            told: RefCell::default(),
            seen: RefCell::default(),
        }
    }

    /// The services of all regions, which share connections with earlier polls.
    fn regions(&self, config: &Config) -> BTreeMap<Region, Rc<Counted>> {
        let mut known = self.regions.borrow_mut();
        let wanted = regions(config).into_iter().map(|region| {
            let counted = known.entry(region.clone()).or_insert_with(|| {
                let calls = self.clients.calls_of(region.as_deref().unwrap_or_default());
                let made = self.made.clone();
                Rc::new(Counted { calls, made })
            });
            (region, counted.clone())
        });
        wanted.collect()
    }

    fn clouds<'a>(
        &'a self,
        regions: &'a BTreeMap<Region, Rc<Counted>>,
        deadline: Instant,
    ) -> Clouds<'a> {
        let regions = regions.iter();
        Clouds {
            regions: regions
                .map(|(region, counted)| (region.clone(), &**counted as &dyn Call))
                .collect(),
            s3: Some(self.clients.s3()),
            deadline,
        }
    }

    async fn interrupted(&self, config: &Config, queue: &Queue) -> Vec<(Level, String)> {
        let regions = self.regions(config);
        let clouds = self.clouds(&regions, Instant::now() + MESSAGE);
        let seen = self.seen.borrow().clone();
        let snapshot = seen.map_or_else(Rc::default, |(_, snapshot)| snapshot);
        let report = turn(queue, config, &snapshot, &clouds, Timestamp::now).await;
        let lines = lines(&report);
        if report.error.is_some() {
            tokio::time::sleep(PATIENCE).await;
        }
        lines
    }
}

fn lines(report: &Report) -> Vec<(Level, String)> {
    let steps = report.steps.iter().map(|(step, result)| match result {
        Ok(_) => (Level::Info, sentence(step)),
        Err(error) => {
            let line = format!("{}: failed: {error}", sentence(step));
            (Level::Warning, line)
        }
    });
    let error = report.error.as_ref().map(ToString::to_string);
    let odd = report.refused.iter().cloned().chain(error);
    steps
        .chain(odd.map(|line| (Level::Warning, line)))
        .collect()
}

fn sentence(step: &Step) -> String {
    match step {
        Step::Drain { cluster, instance } => {
            format!("{cluster}: drain {instance}: AWS takes it back")
        }
        Step::Replace { group, instance } => {
            format!("{group}: replace {instance}: AWS takes it back")
        }
    }
}

impl Cloud for Aws<'_> {
    fn observe<'a>(
        &'a self,
        config: &'a Rc<Config>,
        memory: &'a Memory,
        now: Timestamp,
        deadline: Instant,
    ) -> Later<'a, Observed> {
        Box::pin(async move {
            let regions = self.regions(config);
            let clouds = self.clouds(&regions, deadline);
            let before = self.made.get();
            let every_node = self.polls.get().is_multiple_of(EVERY_NODE);
            let look = Look { memory, every_node };
            let (snapshot, troubles) = snapshot(config, look, &clouds, now).await;
            self.polls.set(self.polls.get() + 1);
            let snapshot = Rc::new(snapshot);
            *self.seen.borrow_mut() = Some((config.clone(), snapshot.clone()));
            let news = self.told.borrow_mut().news(troubles);
            let begun = news.begun.iter().map(ToString::to_string);
            let over = news
                .over
                .iter()
                .map(|about| format!("{about}: known again"));
            Observed {
                troubles: begun.chain(over).collect(),
                calls: self.made.get() - before,
                snapshot,
            }
        })
    }

    fn act<'a>(&'a self, actions: &'a [Action], deadline: Instant) -> Later<'a, Vec<Outcome>> {
        Box::pin(async move {
            let Some((config, snapshot)) = self.seen.borrow().clone() else {
                return Vec::new();
            };
            let regions = self.regions(&config);
            let clouds = self.clouds(&regions, deadline);
            let outcomes = carry_out(actions, &config, &snapshot, &clouds).await;
            let results = outcomes.into_iter().map(|outcome| outcome.result.map(drop));
            results.collect()
        })
    }

    fn interruptions(&self, config: Rc<Config>) -> Later<'_, Vec<(Level, String)>> {
        Box::pin(async move {
            let queues = config.interruption_queues.iter();
            let polls: Vec<_> = queues
                .map(|queue| Box::pin(self.interrupted(&config, queue)))
                .collect();
            if polls.is_empty() {
                return std::future::pending().await;
            }
            join_all(polls).await.concat()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autoscale::ClusterId;
    use crate::autoscale::act::Done;
    use crate::aws::{AwsError, Kind};

    #[test]
    fn what_failed_is_a_warning() {
        let cluster = ClusterId {
            region: None,
            name: "c".into(),
        };
        let step = |instance: &str| Step::Drain {
            cluster: cluster.clone(),
            instance: instance.into(),
        };
        let error = |detail| AwsError::new(Kind::Denied, "sqs:DeleteMessageBatch", "q", detail);
        let report = Report {
            steps: vec![
                (step("i-1"), Ok(Done::Now)),
                (step("i-2"), Err(error("no"))),
            ],
            refused: vec!["a message of q".to_owned()],
            error: Some(error("never")),
            ..Report::default()
        };
        let levels: Vec<Level> = lines(&report).into_iter().map(|(level, _)| level).collect();
        let warning = Level::Warning;
        assert_eq!(levels, [Level::Info, warning, warning, warning]);
    }
}
