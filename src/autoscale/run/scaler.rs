//! The loop.

use super::beside::{self, Shared};
use super::cloud::{Cloud, Observed, Outcome};
use super::emf;
use super::lead::{Clock, Kept, Lead, Taken};
use super::log::{Level, Log};
use super::orders::{Inbox, Order, Orders};
use super::pulse;
use super::source::Source;
use crate::autoscale::config::Config;
use crate::autoscale::decide::{Action, Memory, decide};
use crate::aws::{AwsError, Kind};
use crate::state::SKEW;
use futures_util::future::select;
use jiff::Timestamp;
use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};

/// How long a poll may look, if polls are not further apart.
const OBSERVE: Duration = Duration::from_secs(30);

/// How long the actions of a poll may take.
const ACT: Duration = Duration::from_secs(20);

/// How long what was begun may go on after a stop, and then giving the lease back: ECS kills after 30 seconds.
const STOP: Duration = Duration::from_secs(5);

/// What a scaler is made of.
pub struct Parts<'a> {
    pub cloud: &'a dyn Cloud,
    pub lead: Lead<'a>,
    pub config: Config,
    pub source: &'a mut dyn Source,
    pub orders: &'a mut dyn Orders,
    pub log: Log<'a>,
    /// Takes metrics, a line each.
    pub emf: Option<&'a mut dyn FnMut(&str)>,
    pub clock: Clock<'a>,
    pub random: &'a mut dyn FnMut() -> u32,
}

/// One copy of the autoscaler.
pub struct Scaler<'a> {
    cloud: &'a dyn Cloud,
    lead: Lead<'a>,
    role: Role,
    config: Rc<Config>,
    source: &'a mut dyn Source,
    inbox: Inbox<'a>,
    paused: bool,
    beside: Rc<Shared>,
    log: Rc<RefCell<Log<'a>>>,
    emf: Option<&'a mut dyn FnMut(&str)>,
    clock: Clock<'a>,
    random: &'a mut dyn FnMut() -> u32,
}

enum Role {
    /// Whose lease it waits for, until when that is valid.
    Follows(Option<(String, Timestamp)>),
    /// Until then it may act.
    Leads(Memory, Timestamp),
}

impl<'a> Scaler<'a> {
    pub fn new(parts: Parts<'a>) -> Scaler<'a> {
        let config = Rc::new(parts.config);
        Scaler {
            cloud: parts.cloud,
            lead: parts.lead,
            role: Role::Follows(None),
            beside: Rc::new(Shared::new(config.clone())),
            config,
            source: parts.source,
            inbox: Inbox::new(parts.orders),
            paused: false,
            log: Rc::new(RefCell::new(parts.log)),
            emf: parts.emf,
            clock: parts.clock,
            random: parts.random,
        }
    }

    fn say(&mut self, level: Level, event: &str, text: &str) {
        self.log
            .borrow_mut()
            .say((self.clock)(), level, event, text);
    }

    /// Until it is told to stop.
    pub async fn run(self) {
        let (cloud, shared) = (self.cloud, self.beside.clone());
        let (log, clock) = (self.log.clone(), self.clock);
        let beside = pin!(beside::listen(cloud, &shared, &log, clock));
        // The other never ends.
        select(pin!(self.polls()), beside).await;
    }

    async fn polls(mut self) {
        while !self.inbox.stopping {
            self.reread(false);
            let began = Instant::now();
            self.turn().await;
            let rest = self.rest(began.elapsed());
            self.wait(Instant::now() + rest).await;
        }
        self.leave().await;
    }

    async fn turn(&mut self) {
        if matches!(self.role, Role::Follows(_)) && !self.paused {
            self.take().await;
        }
        match &self.role {
            Role::Follows(_) => {}
            // Nobody else is to act meanwhile.
            Role::Leads(memory, _) if self.paused => {
                let memory = memory.clone();
                self.keep(&memory).await;
            }
            Role::Leads(..) => self.poll().await,
        }
    }

    fn rest(&mut self, took: Duration) -> Duration {
        let interval = self.config.polling_interval;
        match &self.role {
            Role::Follows(other) => {
                let now = (self.clock)();
                let left = other.as_ref().map(|(_, until)| {
                    let ends = until.saturating_add(SKEW).unwrap_or(Timestamp::MAX);
                    Duration::try_from(ends.duration_since(now)).unwrap_or_default()
                });
                pulse::follow(interval, left.unwrap_or(Duration::MAX / 2))
            }
            Role::Leads(..) => pulse::rest(interval, took, (self.random)()),
        }
    }

    async fn take(&mut self) {
        let Some(taken) = self.inbox.during(self.lead.take(self.clock), STOP).await else {
            return;
        };
        match taken {
            Taken::Ours(memory) => {
                let memory = memory.unwrap_or_else(|why| {
                    let text = format!("what was remembered is lost, and with it waits: {why}");
                    self.say(Level::Warning, "memory", &text);
                    Memory::default()
                });
                if !self.lead.is_alone() {
                    self.say(Level::Info, "leads", "it leads from now on");
                }
                self.role = Role::Leads(memory, Timestamp::MIN);
                self.beside.lead(true);
            }
            Taken::Other { holder, until } => {
                let new = match &self.role {
                    Role::Follows(Some((known, _))) => *known != holder,
                    _ => true,
                };
                if new {
                    let text = format!("{holder} leads: it waits for the lease");
                    self.say(Level::Info, "follows", &text);
                }
                self.role = Role::Follows(Some((holder, until)));
            }
            Taken::Failed(error) => {
                let text = format!("nobody acts: the lease cannot be taken: {error}");
                self.log.borrow_mut().troubles((self.clock)(), vec![text]);
            }
        }
    }

    /// Whether we lead on, and the memory is safe.
    async fn keep(&mut self, memory: &Memory) -> bool {
        let keeping = self.lead.keep(memory, self.clock);
        match self.inbox.during(keeping, STOP).await {
            Some(Kept::Until(until)) => {
                self.role = Role::Leads(memory.clone(), until);
                true
            }
            Some(Kept::Lost(why)) => {
                let text = format!("it does not lead any more: {why}");
                self.say(Level::Warning, "lost", &text);
                self.role = Role::Follows(None);
                self.beside.lead(false);
                false
            }
            Some(Kept::Unsure) => {
                let text = "nothing is done in this poll: the lease could not be written";
                self.say(Level::Warning, "unsure", text);
                false
            }
            None => false,
        }
    }

    async fn poll(&mut self) {
        let began = Instant::now();
        let Some(observed) = self.observe().await else {
            return;
        };
        let now = (self.clock)();
        self.log.borrow_mut().troubles(now, observed.troubles);
        self.obey_waiting();
        let Role::Leads(before, _) = &self.role else {
            return;
        };
        if self.paused || self.inbox.stopping {
            return;
        }
        let before = before.clone();
        let now = (self.clock)();
        let decision = decide(&self.config, &observed.snapshot, before.clone(), now);
        if !self.keep(&decision.memory).await {
            return;
        }
        self.log.borrow_mut().decision((self.clock)(), &decision);
        let failed = self.act(&decision.actions, &before).await;
        if let Some(emf) = &mut self.emf {
            let poll = emf::Poll {
                config: &self.config,
                snapshot: &observed.snapshot,
                decision: &decision,
                now,
                took: began.elapsed(),
                calls: observed.calls,
                failed,
            };
            for document in emf::documents(&poll) {
                emf(&document.to_string());
            }
        }
    }

    async fn observe(&mut self) -> Option<Observed> {
        let Role::Leads(memory, _) = &self.role else {
            return None;
        };
        let limit = self.config.polling_interval.max(OBSERVE);
        let deadline = std::time::Instant::now() + limit;
        let now = (self.clock)();
        let looking = self.cloud.observe(&self.config, memory, now, deadline);
        // It has a deadline of its own; this is for one that does not keep it.
        let looking = timeout(limit + STOP, looking);
        // Nothing is lost by not looking.
        let observed = self.inbox.during(looking, Duration::ZERO).await?;
        let Ok(observed) = observed else {
            self.say(
                Level::Warning,
                "trouble",
                "a poll was given up: no answer in time",
            );
            return None;
        };
        Some(observed)
    }

    /// Does it, if that is over before the lease is; how many failed.
    async fn act(&mut self, actions: &[Action], before: &Memory) -> usize {
        let Role::Leads(memory, until) = &mut self.role else {
            return 0;
        };
        if actions.is_empty() {
            return 0;
        }
        let left = Duration::try_from(until.duration_since((self.clock)())).unwrap_or_default();
        let limit = left.min(ACT);
        let outcomes = if limit.is_zero() {
            None
        } else {
            let acting = self.cloud.act(actions, std::time::Instant::now() + limit);
            self.inbox.during(timeout(limit, acting), STOP).await
        };
        let outcomes: Vec<Outcome> = outcomes.and_then(Result::ok).unwrap_or_default();
        let unknown = || {
            let detail = "it was given up, and may have happened";
            Err(AwsError::new(Kind::Timeout, "the call", "", detail))
        };
        let outcomes = outcomes.into_iter().chain(std::iter::repeat_with(unknown));
        let mut failed = 0;
        for (action, outcome) in actions.iter().zip(outcomes) {
            if let Err(error) = outcome {
                failed += 1;
                memory.failed(&action.act, before);
                let mut log = self.log.borrow_mut();
                log.failure((self.clock)(), action, &error.to_string());
            }
        }
        failed
    }

    async fn wait(&mut self, next: Instant) {
        while !self.inbox.stopping && !self.obey_waiting() {
            if self.inbox.or_order(sleep_until(next)).await.is_some() {
                return;
            }
        }
    }

    /// Whether it is time to look again.
    fn obey_waiting(&mut self) -> bool {
        let mut now = false;
        while let Some(order) = self.inbox.waiting() {
            match order {
                Order::Pause if !self.paused => {
                    self.paused = true;
                    self.say(
                        Level::Info,
                        "paused",
                        "paused: nothing is scaled until CONT",
                    );
                }
                Order::Resume if self.paused => {
                    self.paused = false;
                    self.say(Level::Info, "resumed", "resumed");
                    now = true;
                }
                Order::Reload => {
                    self.reread(true);
                    now = true;
                }
                // Everybody gets a CONT who was never stopped.
                Order::Pause | Order::Resume | Order::Stop => {}
            }
        }
        now
    }

    /// A file that cannot be used changes nothing.
    fn reread(&mut self, anyway: bool) {
        let Some(fresh) = self.source.look(anyway) else {
            return;
        };
        for line in &fresh.told {
            self.log.borrow_mut().configuration((self.clock)(), line);
        }
        let Some(config) = fresh.config else {
            let text = "the file is left as it was: correct it, it is read again by itself";
            self.say(Level::Error, "configuration", text);
            return;
        };
        if config == *self.config {
            return;
        }
        if config.state != self.config.state {
            let text = "another state counts from the next start on";
            self.say(Level::Warning, "configuration", text);
        }
        self.lead.set_polling_interval(config.polling_interval);
        self.config = Rc::new(config);
        self.beside.configure(self.config.clone());
        self.say(Level::Info, "reloaded", "the file was read anew");
    }

    async fn leave(self) {
        let Scaler {
            lead,
            role,
            log,
            clock,
            ..
        } = self;
        if let Role::Leads(memory, _) = role {
            let released = timeout(STOP, lead.release(&memory)).await;
            let text = match released {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some("no answer in time".to_owned()),
            };
            if let Some(text) = text {
                let text = format!("the lease was not given back, and ends by itself: {text}");
                log.borrow_mut()
                    .say(clock(), Level::Warning, "release", &text);
            }
        }
        log.borrow_mut()
            .say(clock(), Level::Info, "stopped", "stopped");
    }
}
