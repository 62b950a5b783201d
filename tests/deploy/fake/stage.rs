//! A deploy in this process, with all that is around it.

use super::{Bucket, Ecs, Faults, OneOffs};
use crate::deploy::loaded;
use entry::aws;
use entry::deploy::apply::{Deploy, Done, Lock, LogTail, Options, Who, code};
use entry::deploy::config::Config;
use entry::deploy::guard::{Guard, Stop};
use entry::deploy::plan::Paint;
use entry::deploy::report::{Event, Report, line};
use entry::deploy::verdict::Limits;
use entry::state::Place;
use jiff::Timestamp;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

/// Two services in two waves, one task before them and one after.
pub const FILE: &str = "\
cluster: main
image: IMAGE
state: s3://bucket/state
tasks:
  web: {containerDefinitions: [{name: app, memory: 128}]}
  job: {containerDefinitions: [{name: app, memory: 128}]}
  rake: {containerDefinitions: [{name: app, memory: 128}]}
  warm: {containerDefinitions: [{name: app, memory: 128}]}
before: [{task: rake, command: migrate}]
after: [{task: warm, command: warm}]
services:
  web: {desired_count: 2}
  job: {desired_count: 1, wave: 2}
";

/// Everything on one paused clock.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(test)
}

pub struct Stage {
    pub ecs: Ecs,
    pub bucket: Bucket,
    pub faults: Rc<Faults>,
    pub events: Events,
    pub options: Options,
    pub wait_lock: Duration,
    pub guard: RefCell<Rc<Guard>>,
    runs: Cell<u32>,
}

/// What was told.
#[derive(Default)]
pub struct Events(RefCell<Vec<Event>>);

impl Report for Events {
    fn tell(&self, event: &Event) {
        self.0.borrow_mut().push(event.clone());
    }
}

impl Events {
    pub fn take(&self) -> Vec<Event> {
        self.0.take()
    }

    /// As lines.
    pub fn text(&self) -> String {
        let events = self.0.borrow();
        events
            .iter()
            .map(|event| line(event, Paint::Plain))
            .collect()
    }
}

struct Tail;

impl LogTail for Tail {
    fn last_lines<'t>(
        &'t self,
        tail: &'t entry::deploy::apply::Tail<'t>,
    ) -> aws::Pending<'t, Vec<String>> {
        let line = format!("{} of {}", tail.container, tail.definition);
        Box::pin(async move { Ok(vec![line]) })
    }
}

impl Stage {
    pub fn new() -> Stage {
        let faults = Rc::new(Faults::default());
        Stage {
            ecs: Ecs::new(faults.clone()),
            bucket: Bucket::new(faults.clone()),
            faults,
            events: Events::default(),
            options: Options {
                limits: Limits {
                    timeout: Duration::from_mins(10),
                    capacity: Duration::from_mins(5),
                    failed_starts: 3,
                },
                allow_zero: false,
                rollback: false,
                wait: true,
                force_new: false,
            },
            wait_lock: Duration::ZERO,
            guard: RefCell::default(),
            runs: Cell::new(0),
        }
    }

    /// With this image deployed.
    pub async fn with(file: &str, image: &str) -> Stage {
        let stage = Stage::new();
        let done = stage.deploy(file, image).await;
        assert_eq!(exit(&done), 0, "{done:?}");
        stage.events.take();
        stage.ecs.calls.take();
        stage
    }

    pub fn now(&self) -> Timestamp {
        let since = jiff::SignedDuration::from_secs_f64(self.ecs.now());
        Timestamp::UNIX_EPOCH + since
    }

    /// `entryctl deploy` of a file, whose image is named.
    pub async fn deploy(&self, file: &str, image: &str) -> Result<Done, Stop> {
        let file = file.replace("IMAGE", image);
        self.deploy_config(&loaded(&[("deploy.yml", &file)], None))
            .await
    }

    pub async fn deploy_config(&self, config: &Config) -> Result<Done, Stop> {
        let calls: &dyn aws::Call = &self.ecs;
        let one_offs = OneOffs(aws::Ecs::new(calls));
        let guard = Rc::new(Guard::default());
        *self.guard.borrow_mut() = guard.clone();
        self.runs.set(self.runs.get() + 1);
        let place: Option<&Place> = config.state.as_ref();
        let now = || self.now();
        let deploy = Deploy {
            config,
            options: &self.options,
            calls,
            lock: place.map(|place| Lock {
                s3: &self.bucket,
                place,
                name: config.lock_name(),
                wait: self.wait_lock,
            }),
            who: Who {
                holder: "ann@ci".to_owned(),
                id: format!("deploy-{}", self.runs.get()),
                message: String::new(),
            },
            one_offs: Some(&one_offs),
            logs: Some(&Tail),
            report: &self.events,
            guard: &guard,
            now: &now,
            may_delete: &|_| false,
            planner: None,
        };
        let (done, ()) = deploy.run(async |_| ()).await?;
        Ok(done)
    }
}

/// The exit code of a deploy.
pub fn exit(done: &Result<Done, Stop>) -> u8 {
    done.as_ref().map_or(1, |done| code(&done.outcomes))
}
