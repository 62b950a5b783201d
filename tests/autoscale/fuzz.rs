//! 10^5 polls of the whole loop: alarms, deploys and people as in `world`, calls that are refused or whose reply is
//! lost, copies that die at any call or are stopped, memories that are lost or damaged, files that change.

use super::stage::{Copy, Dice, Hooks, Odds, Stage, paused};
use super::support::config;
use super::world::{FILE, Watch, at_rest, live, spread, world};
use entry::autoscale::AlarmState;
use entry::autoscale::config::Config;
use entry::autoscale::decide::{Act, Action, Memory, Snapshot};
use entry::autoscale::run::{Fresh, Observed, Order};
use std::cell::RefCell;
use std::io::Write as _;
use std::rc::Rc;
use std::time::Duration;

const POLLS: usize = 100_000;
const RUNS: usize = 4;

struct Chaos {
    watch: Watch,
    config: Rc<RefCell<Config>>,
    files: Vec<Config>,
    dice: Dice,
    unknown: Vec<String>,
    seen: Rc<Snapshot>,
    before: Memory,
    /// How far apart zones were before this poll's actions, and are after them.
    spreads: [[usize; 2]; 2],
    quiet: Rc<RefCell<bool>>,
    counts: Rc<RefCell<Counts>>,
}

/// That it was no wonder.
#[derive(Clone, Debug, Default)]
struct Counts {
    raised: u32,
    lowered: u32,
    ended: u32,
    reloads: u32,
    deaths: u32,
    lost_memories: u32,
}

impl Hooks for Chaos {
    fn observed(&mut self, stage: &Stage, memory: &Memory, observed: &mut Observed) {
        self.before = memory.clone();
        let mut world = stage.world.borrow_mut();
        if *self.quiet.borrow() {
            self.seen = observed.snapshot.clone();
            return;
        }
        live(&mut world, &mut self.dice, &mut self.unknown);
        if !world.nodes.is_empty() && self.dice.one_in(400) {
            let node = self.dice.pick(&mut world.nodes);
            node.draining = !node.draining;
        }
        self.watch.follow(&world);
        let mut snapshot = world.snapshot();
        let unknown = |name: &str| self.unknown.iter().any(|one| one == name);
        snapshot.alarms.retain(|id, _| !unknown(&id.name));
        if self.dice.one_in(50) {
            snapshot.clusters.pop_first();
        }
        if self.dice.one_in(50) {
            snapshot.services.pop_last();
        }
        if self.dice.one_in(50) {
            snapshot.groups.pop_first();
        }
        observed.snapshot = Rc::new(snapshot);
        self.seen = observed.snapshot.clone();
    }

    fn begins(&mut self, stage: &Stage, actions: &[Action]) {
        let drains = |action: &Action| matches!(action.act, Act::Drain { .. });
        if actions.iter().any(drains) {
            let (world, after) = (stage.world.borrow(), stage.kept());
            let spread = |group| [&self.before, &after].map(|one| spread(&world, group, one));
            self.spreads = [0, 1].map(spread);
        }
    }

    fn acts(&mut self, stage: &Stage, action: &Action) {
        let world = stage.world.borrow();
        if let Act::Drain { group, .. } = &action.act {
            let place = world
                .groups
                .iter()
                .position(|one| one.id == *group)
                .unwrap();
            let [before, after] = self.spreads[place];
            assert!(
                after <= before.max(1),
                "{}: {before} to {after}",
                action.act
            );
        }
        self.watch
            .allows(&world, &self.seen, &action.act, &action.why);
    }

    fn acted(&mut self, stage: &Stage) {
        self.watch.follow(&stage.world.borrow());
        let mut counts = self.counts.borrow_mut();
        let watch = &self.watch;
        (counts.raised, counts.lowered, counts.ended) = (watch.raised, watch.lowered, watch.ended);
    }

    fn file(&mut self) -> Option<Fresh> {
        if *self.quiet.borrow() || !self.dice.one_in(300) {
            return None;
        }
        let told = vec!["f.yml: a problem".to_owned()];
        if self.dice.one_in(3) {
            return Some(Fresh { config: None, told });
        }
        let next = self.dice.pick(&mut self.files).clone();
        *self.config.borrow_mut() = next.clone();
        self.watch.config = next.clone();
        self.counts.borrow_mut().reloads += 1;
        let told = Vec::new();
        Some(Fresh {
            config: Some(next),
            told,
        })
    }
}

fn run(busy: &str, seed: u64) -> Counts {
    let counts = Rc::new(RefCell::new(Counts::default()));
    let found = counts.clone();
    let text = format!("state: s3://b/p\n{}", FILE.replace("BUSY", busy));
    paused(async move {
        let files = [
            text.clone(),
            text.replace("[8, 14]", "[6, 9]"),
            text.replace("max_task_count: 6", "max_task_count: 4"),
            format!("polling_interval: 20\n{text}"),
        ];
        let files: Vec<Config> = files.iter().map(|text| config(text)).collect();
        let current = Rc::new(RefCell::new(files[0].clone()));
        let quiet = Rc::new(RefCell::new(false));
        let stage = Stage::of(world(&files[0]), seed);
        stage.measured.set(false);
        let watch = Watch::new(&files[0]);
        *stage.hooks.borrow_mut() = Box::new(Chaos {
            watch,
            config: current.clone(),
            files,
            dice: Dice(seed.rotate_left(17)),
            unknown: Vec::new(),
            seen: Rc::default(),
            before: Memory::default(),
            spreads: [[0; 2]; 2],
            quiet: quiet.clone(),
            counts: counts.clone(),
        });
        let odds = |lost, refused| Odds {
            lost,
            refused,
            slow: Duration::ZERO,
        };
        stage.odds.set((odds(150, 100), odds(40, 30)));
        let mut number = 0;
        while stage.polls.borrow().len() < POLLS / RUNS {
            number += 1;
            let file = current.borrow().clone();
            let copy = Copy::start(&stage, &file, &number.to_string(), true);
            let roll = |sides| stage.dice.borrow_mut().roll(sides);
            let (calls, seconds, end) = (roll(600), roll(3000), roll(6));
            if end == 0 {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                copy.order(Order::Pause);
                tokio::time::sleep(Duration::from_secs(seconds / 10)).await;
                copy.order(Order::Resume);
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                copy.order(Order::Stop);
                copy.task.await.unwrap();
            } else {
                copy.dies(calls.try_into().unwrap()).await;
                assert!(copy.task.await.unwrap_err().is_cancelled());
            }
            counts.borrow_mut().deaths += 1;
            if roll(4) == 0 {
                counts.borrow_mut().lost_memories += 1;
                let mut damaged = [serde_json::Value::Null, "damaged".into(), 1.into()];
                let damaged = stage.dice.borrow_mut().pick(&mut damaged).clone();
                stage.tamper(|record| record.kept = damaged);
            }
        }
        *quiet.borrow_mut() = true;
        stage.odds.set((odds(0, 0), odds(0, 0)));
        let file = current.borrow().clone();
        rests(&stage, &file).await;
    });
    found.take()
}

/// When all is quiet, nothing is left half done, and what is remembered is what is.
async fn rests(stage: &Rc<Stage>, config: &Config) {
    for (state, _) in stage.world.borrow_mut().alarms.values_mut() {
        *state = AlarmState::Ok;
    }
    for service in &mut stage.world.borrow_mut().services {
        service.deploying = false;
    }
    // A node that people drain stays as long as a group at its maximum needs more than it has.
    for node in &mut stage.world.borrow_mut().nodes {
        node.draining = false;
    }
    let last = Copy::start(stage, config, "last", true);
    tokio::time::sleep(Duration::from_hours(2)).await;
    for _ in 0..48 {
        tokio::time::sleep(Duration::from_mins(10)).await;
        let acts = stage.acts.borrow();
        let last = acts.last().map(|(_, when, _)| *when);
        let still = stage.since(last.unwrap_or_default());
        let world = stage.world.borrow();
        let migrates = world.nodes.iter().any(|node| !node.one_offs.is_empty());
        let drains = world.nodes.iter().any(|node| node.draining);
        if still > Duration::from_mins(10) && !migrates && !drains {
            break;
        }
    }
    last.order(Order::Stop);
    last.task.await.unwrap();
    let (world, memory) = (stage.world.borrow(), stage.kept());
    at_rest(config, &world);
    for service in &world.services {
        let known = &memory
            .services
            .get(&service.id)
            .cloned()
            .unwrap_or_default();
        // Only for capacity that the group may not have.
        let rules = config.groups.iter().zip(&world.groups);
        let mut full = rules.filter(|(_, group)| group.desired == group.max);
        let full = full.any(|(rules, _)| rules.services.iter().any(|one| one.id == service.id));
        assert!(known.wanted.is_none() || full, "{}: {known:?}", service.id);
        let asked = known.asked.map(|asked| asked.to);
        assert!(
            asked.is_none_or(|to| to == service.desired),
            "{}: {known:?}",
            service.id
        );
    }
    let leaving = memory
        .groups
        .values()
        .flat_map(|group| group.leaving.keys());
    assert_eq!(leaving.count(), 0);
}

/// Told if the test fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = writeln!(std::io::stderr(), "the seed was {:#x}", self.0);
        }
    }
}

#[track_caller]
fn survives(busy: &str, seed: u64) {
    let _seed = Seed(seed);
    let counts = run(busy, seed);
    let enough = counts.raised > 300 && counts.lowered > 300 && counts.ended > 100;
    let disturbed = counts.deaths > 100 && counts.lost_memories > 20 && counts.reloads > 30;
    assert!(enough && disturbed, "{counts:?}");
}

#[test]
fn whatever_happens_to_the_loop_nothing_is_lost() {
    survives("keep", 0x9e37_79b9_7f4a_7c15);
}

#[test]
fn nor_with_another_seed() {
    survives("keep", 0x2545_f491_4f6c_dd1d);
}

#[test]
fn nor_with_nodes_that_are_drained_with_tasks() {
    survives("drain", 0x9e37_79b9_7f4a_7c15);
}

#[test]
fn nor_with_these_and_another_seed() {
    survives("drain", 0x2545_f491_4f6c_dd1d);
}
