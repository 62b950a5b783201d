//! Copies of the autoscaler on a model of ECS and an S3 in memory, under tokio's paused clock: hours pass in
//! milliseconds, and every call is a point at which a copy may die.

use super::support::config;
use entry::autoscale::config::Config;
use entry::autoscale::decide::{Action, Memory};
use entry::autoscale::run::{
    Clock, Cloud, Format, Fresh, Later, Lead, Level, Log, Observed, Order, Orders, Outcome, Parts,
    Scaler, Source, stored,
};
use entry::autoscale::simulate::world::{Pace, World};
use entry::aws::{AwsError, Get, Kind, ObjectInfo, OnlyIf, Pending, Put, S3, Sink};
use entry::state::{Place, Record};
use jiff::{SignedDuration, Timestamp};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinHandle, LocalSet};
use tokio::time::{Instant, sleep};

/// xorshift: the same run every time.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    /// One of a list that is not empty.
    pub fn pick<'t, T>(&mut self, list: &'t mut [T]) -> &'t mut T {
        let place = self.roll(list.len().try_into().unwrap());
        &mut list[usize::try_from(place).unwrap()]
    }

    pub fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }
}

/// Runs it under a clock that jumps to whatever is waited for.
pub fn paused(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, work);
}

/// How a call fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Done,
    /// It arrives, and its reply is lost.
    Lost,
    /// It never arrives.
    Refused,
}

/// One in so many calls is lost or refused; 0 for none.
#[derive(Clone, Copy, Default)]
pub struct Odds {
    pub lost: u64,
    pub refused: u64,
    /// The longest that a call takes.
    pub slow: Duration,
}

/// Everything that copies share.
pub struct Stage {
    pub world: RefCell<World>,
    pub objects: RefCell<BTreeMap<String, (Vec<u8>, u64)>>,
    /// Whether S3 looks at `If-Match`.
    pub conditional: Cell<bool>,
    /// Of S3, and of actions.
    pub odds: Cell<(Odds, Odds)>,
    pub dice: RefCell<Dice>,
    pub file: RefCell<Vec<Fresh>>,
    /// Who looked when.
    pub polls: RefCell<Vec<(String, Duration)>>,
    pub acts: RefCell<Vec<(String, Duration, Action)>>,
    pub lines: RefCell<Vec<String>>,
    pub metrics: RefCell<Vec<String>>,
    /// Whether lines and metrics are kept.
    pub measured: Cell<bool>,
    /// Messages that wait in a queue, and who looked for them.
    pub interruptions: RefCell<Vec<String>>,
    pub listened: RefCell<BTreeSet<String>>,
    pub hooks: RefCell<Box<dyn Hooks>>,
    began: Instant,
    start: Timestamp,
    etags: Cell<u64>,
}

/// What a test adds to what happens.
pub trait Hooks {
    /// Before a poll's snapshot is taken.
    fn observed(&mut self, _stage: &Stage, _memory: &Memory, _observed: &mut Observed) {}
    /// Before the actions of a poll.
    fn begins(&mut self, _stage: &Stage, _actions: &[Action]) {}
    /// Before an action is done.
    fn acts(&mut self, _stage: &Stage, _action: &Action) {}
    /// After an action was done.
    fn acted(&mut self, _stage: &Stage) {}
    /// The file, when it is looked at.
    fn file(&mut self) -> Option<Fresh> {
        None
    }
}

/// Nothing is added.
pub struct NoHooks;

impl Hooks for NoHooks {}

impl Stage {
    pub fn new(text: &str, seed: u64) -> Rc<Stage> {
        let config = config(text);
        let start = "2026-03-02T00:00:00Z".parse().unwrap();
        let pace = Pace {
            boot: Duration::from_secs(100),
            start: Duration::from_secs(20),
            stop: Duration::from_secs(45),
        };
        let mut world = World::new(&config, pace, start);
        world.settle();
        Stage::of(world, seed)
    }

    pub fn of(world: World, seed: u64) -> Rc<Stage> {
        let start = world.now;
        Rc::new(Stage {
            world: RefCell::new(world),
            objects: RefCell::default(),
            conditional: Cell::new(true),
            odds: Cell::default(),
            dice: RefCell::new(Dice(seed)),
            file: RefCell::default(),
            polls: RefCell::default(),
            acts: RefCell::default(),
            lines: RefCell::default(),
            metrics: RefCell::default(),
            measured: Cell::new(true),
            interruptions: RefCell::default(),
            listened: RefCell::default(),
            hooks: RefCell::new(Box::new(NoHooks)),
            began: Instant::now(),
            start,
            etags: Cell::new(0),
        })
    }

    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    pub fn since(&self, then: Duration) -> Duration {
        self.elapsed().saturating_sub(then)
    }

    pub fn now(&self) -> Timestamp {
        self.start + SignedDuration::try_from(self.elapsed()).unwrap()
    }

    /// The lease as S3 has it.
    pub fn lease(&self) -> Option<Record> {
        let objects = self.objects.borrow();
        let (body, _) = objects.get("p/locks/autoscale.json")?;
        Some(serde_json::from_slice(body).unwrap())
    }

    pub fn kept(&self) -> Memory {
        stored::read(&self.lease().unwrap().kept).unwrap()
    }

    /// Changes what S3 has without anybody's knowledge.
    pub fn tamper(&self, change: impl FnOnce(&mut Record)) {
        if let Some(mut record) = self.lease() {
            change(&mut record);
            let body = serde_json::to_vec(&record).unwrap();
            let mut objects = self.objects.borrow_mut();
            objects.get_mut("p/locks/autoscale.json").unwrap().0 = body;
        }
    }

    /// Whom the lease is of, if it is valid.
    pub fn leader(&self) -> Option<String> {
        let now = self.now();
        let lease = self
            .lease()
            .filter(|lease| !lease.released && now <= lease.until);
        lease.map(|lease| lease.id)
    }

    async fn fate(&self, odds: Odds) -> Fate {
        let wait = odds.slow.mul_f64(self.part());
        if !wait.is_zero() {
            sleep(wait).await;
        }
        let mut dice = self.dice.borrow_mut();
        let mut hit = |sides| sides != 0 && dice.one_in(sides);
        match (hit(odds.lost), hit(odds.refused)) {
            (true, _) => Fate::Lost,
            (_, true) => Fate::Refused,
            _ => Fate::Done,
        }
    }

    fn part(&self) -> f64 {
        let roll = self.dice.borrow_mut().roll(1000);
        f64::from(u32::try_from(roll).unwrap()) / 1000.0
    }

    /// Looks every tenth of a second of the paused clock.
    pub async fn until(&self, what: &str, longest: Duration, condition: impl Fn() -> bool) {
        let end = Instant::now() + longest;
        while !condition() {
            assert!(
                Instant::now() < end,
                "waited in vain: {what}: {:#?}",
                self.lines.borrow()
            );
            sleep(Duration::from_millis(100)).await;
        }
    }
}

/// A copy's life, which ends at one of its calls.
#[derive(Default)]
pub struct Life {
    /// The number of calls it has left.
    pub left: Cell<Option<u32>>,
    died: Notify,
    /// Its connections to S3 are cut.
    pub cut: Cell<bool>,
}

impl Life {
    /// Before and after each call's effect.
    async fn step(&self) {
        if let Some(left) = self.left.get() {
            self.left.set(Some(left.saturating_sub(1)));
            if left == 0 {
                self.died.notify_one();
                std::future::pending::<()>().await;
            }
        }
    }

    pub async fn ended(&self) {
        self.died.notified().await;
    }
}

/// A copy that runs.
pub struct Copy {
    pub id: String,
    pub life: Rc<Life>,
    pub orders: UnboundedSender<Order>,
    pub task: JoinHandle<()>,
}

impl Copy {
    /// `place`: with a lease.
    pub fn start(stage: &Rc<Stage>, config: &Config, id: &str, shared: bool) -> Copy {
        let life = Rc::new(Life::default());
        let (orders, inbox) = unbounded_channel();
        let run = live(
            stage.clone(),
            life.clone(),
            config.clone(),
            id.to_owned(),
            shared,
            inbox,
        );
        Copy {
            id: id.to_owned(),
            life,
            orders,
            task: tokio::task::spawn_local(run),
        }
    }

    /// It runs at most that many calls more, and is gone.
    pub async fn dies(&self, calls: u32) {
        self.life.left.set(Some(calls));
        self.life.ended().await;
        self.task.abort();
    }

    pub fn order(&self, order: Order) {
        self.orders.send(order).unwrap();
    }
}

async fn live(
    stage: Rc<Stage>,
    life: Rc<Life>,
    config: Config,
    id: String,
    shared: bool,
    inbox: UnboundedReceiver<Order>,
) {
    let s3 = Bucket {
        stage: &stage,
        life: &life,
    };
    let cloud = Model {
        stage: &stage,
        life: &life,
        id: id.clone(),
    };
    let place = Place::parse("s3://b/p").unwrap();
    let holder = format!("autoscale@{id}");
    let lead = if shared {
        Lead::shared(&s3, place, holder, id, config.polling_interval)
    } else {
        Lead::alone()
    };
    let clock: Clock = &|| stage.now();
    let lines = &mut |line: &str| {
        if stage.measured.get() {
            stage.lines.borrow_mut().push(line.to_owned());
        }
    };
    let metrics = &mut |line: &str| stage.metrics.borrow_mut().push(line.to_owned());
    let parts = Parts {
        cloud: &cloud,
        lead,
        config,
        source: &mut Files(&stage),
        orders: &mut Channel(inbox),
        log: Log::new(Format::Json, lines),
        emf: if stage.measured.get() {
            Some(metrics)
        } else {
            None
        },
        clock,
        random: &mut || u32::try_from(stage.dice.borrow_mut().roll(1 << 32)).unwrap(),
    };
    Scaler::new(parts).run().await;
}

struct Channel(UnboundedReceiver<Order>);

impl Orders for Channel {
    fn next(&mut self) -> Later<'_, Order> {
        Box::pin(async {
            match self.0.recv().await {
                Some(order) => order,
                None => std::future::pending().await,
            }
        })
    }
}

struct Files<'a>(&'a Stage);

impl Source for Files<'_> {
    fn look(&mut self, _anyway: bool) -> Option<Fresh> {
        let next = self.0.file.borrow_mut().pop();
        next.or_else(|| self.0.hooks.borrow_mut().file())
    }
}

/// The model of ECS as a copy reaches it.
struct Model<'a> {
    stage: &'a Stage,
    life: &'a Life,
    id: String,
}

impl Cloud for Model<'_> {
    fn observe<'a>(
        &'a self,
        _config: &'a Rc<Config>,
        memory: &'a Memory,
        _now: Timestamp,
        _deadline: std::time::Instant,
    ) -> Later<'a, Observed> {
        Box::pin(async move {
            let stage = self.stage;
            stage
                .polls
                .borrow_mut()
                .push((self.id.clone(), stage.elapsed()));
            self.life.step().await;
            let (_, odds) = stage.odds.get();
            stage.fate(odds).await;
            stage.world.borrow_mut().tick(stage.now());
            let snapshot = stage.world.borrow().snapshot();
            let mut observed = Observed {
                snapshot: Rc::new(snapshot),
                troubles: Vec::new(),
                calls: 3,
            };
            stage
                .hooks
                .borrow_mut()
                .observed(stage, memory, &mut observed);
            self.life.step().await;
            observed
        })
    }

    fn interruptions(&self, _config: Rc<Config>) -> Later<'_, Vec<(Level, String)>> {
        Box::pin(async {
            loop {
                self.stage.listened.borrow_mut().insert(self.id.clone());
                let lines = std::mem::take(&mut *self.stage.interruptions.borrow_mut());
                if !lines.is_empty() {
                    return lines.into_iter().map(|line| (Level::Info, line)).collect();
                }
                sleep(Duration::from_secs(1)).await;
            }
        })
    }

    fn act<'a>(
        &'a self,
        actions: &'a [Action],
        _deadline: std::time::Instant,
    ) -> Later<'a, Vec<Outcome>> {
        Box::pin(async move {
            let mut outcomes = Vec::new();
            self.stage.hooks.borrow_mut().begins(self.stage, actions);
            for action in actions {
                outcomes.push(self.act_one(action).await);
            }
            outcomes
        })
    }
}

impl Model<'_> {
    async fn act_one(&self, action: &Action) -> Outcome {
        let stage = self.stage;
        self.life.step().await;
        let (_, odds) = stage.odds.get();
        let fate = stage.fate(odds).await;
        let error = |kind| Err(AwsError::new(kind, "ecs:Any", "thing", "it failed (Any)"));
        if fate == Fate::Refused {
            return error(Kind::Unavailable);
        }
        stage.hooks.borrow_mut().acts(stage, action);
        let when = stage.elapsed();
        stage
            .acts
            .borrow_mut()
            .push((self.id.clone(), when, action.clone()));
        stage.world.borrow_mut().apply(&action.act);
        stage.hooks.borrow_mut().acted(stage);
        self.life.step().await;
        match fate {
            Fate::Lost => error(Kind::Timeout),
            _ => Ok(()),
        }
    }
}

/// S3 as a copy reaches it.
struct Bucket<'a> {
    stage: &'a Stage,
    life: &'a Life,
}

impl Bucket<'_> {
    async fn fate(&self) -> Result<Fate, AwsError> {
        self.life.step().await;
        let (odds, _) = self.stage.odds.get();
        let fate = self.stage.fate(odds).await;
        if self.life.cut.get() || fate == Fate::Refused {
            return Err(AwsError::new(Kind::Connect, "s3:Any", "s3://b/p", "cut"));
        }
        Ok(fate)
    }
}

impl S3 for Bucket<'_> {
    fn get<'a>(
        &'a self,
        get: &'a Get,
        sink: &'a mut dyn Sink,
        _deadline: std::time::Instant,
    ) -> Pending<'a, ObjectInfo> {
        Box::pin(async move {
            self.fate().await?;
            let found = self.stage.objects.borrow().get(&get.key).cloned();
            let Some((body, etag)) = found else {
                return Err(AwsError::new(
                    Kind::NotFound,
                    "s3:GetObject",
                    &get.url(),
                    "(NoSuchKey)",
                ));
            };
            sink.write(&body).unwrap();
            Ok(ObjectInfo {
                bytes: body.len() as u64,
                version_id: None,
                etag: Some(etag.to_string()),
                checksum: None,
                metadata: BTreeMap::new(),
            })
        })
    }

    fn put<'a>(
        &'a self,
        put: &'a Put,
        _deadline: std::time::Instant,
    ) -> Pending<'a, Option<String>> {
        Box::pin(async move {
            let fate = self.fate().await?;
            let stage = self.stage;
            let etag = stage.etags.get() + 1;
            {
                let mut objects = stage.objects.borrow_mut();
                let there = objects.get(&put.key).map(|(_, etag)| etag.to_string());
                let may = match &put.only_if {
                    None => true,
                    Some(OnlyIf::Absent) => there.is_none(),
                    Some(OnlyIf::Unchanged(etag)) => there.as_deref() == Some(etag),
                };
                if !may && stage.conditional.get() {
                    return Err(AwsError::new(
                        Kind::Conflict,
                        "s3:PutObject",
                        &put.key,
                        "(PreconditionFailed)",
                    ));
                }
                objects.insert(put.key.clone(), (put.body.clone(), etag));
            }
            stage.etags.set(etag);
            self.life.step().await;
            match fate {
                Fate::Lost => Err(AwsError::new(
                    Kind::Timeout,
                    "s3:PutObject",
                    &put.key,
                    "lost",
                )),
                _ => Ok(Some(etag.to_string())),
            }
        })
    }
}
