//! Two copies, as during the autoscaler's own rolling deploy, one of which dies at any of its calls.

use super::stage::{Copy, Hooks, Odds, Stage, paused};
use super::support::config;
use entry::autoscale::decide::{Act, Action};
use entry::autoscale::run::{Order, takeover};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// A rise in every poll.
const FILE: &str = "
polling_interval: 30
state: s3://b/p
simple_scaling:
  - name: g
    services:
      - {name: s, min_task_count: 1, max_task_count: 100000, step: 1, idle_time: 1,
         upscale_triggers: [{alarm_name: up, state: ALARM}]}
";

const KILLS: u32 = 50;

/// Both copies act on what they saw; nobody may act on what another has changed, or without the lease.
struct Witness(Rc<RefCell<Vec<String>>>);

impl Hooks for Witness {
    fn acts(&mut self, stage: &Stage, action: &Action) {
        let Act::SetCount { from, .. } = &action.act else {
            return;
        };
        let desired = stage.world.borrow().services[0].desired;
        if *from != desired {
            let told = format!("{:?}: {} at {desired}", stage.elapsed(), action.act);
            self.0.borrow_mut().push(told);
        }
    }
}

struct Seen {
    wrong: Vec<String>,
    acts: usize,
    longest: Duration,
}

/// Kills the leader again and again; a killed copy is started anew, as ECS does.
fn kill(seed: u64, kills: u32, conditional: bool) -> Seen {
    let seen = Rc::new(RefCell::new(None));
    let found = seen.clone();
    paused(async move {
        let config = config(FILE);
        let stage = Stage::new(FILE, seed);
        stage.conditional.set(conditional);
        let slow = |seconds| Odds {
            slow: Duration::from_secs(seconds),
            ..Odds::default()
        };
        stage.odds.set((slow(3), slow(8)));
        let wrong = Rc::new(RefCell::new(Vec::new()));
        *stage.hooks.borrow_mut() = Box::new(Witness(wrong.clone()));
        for (state, _) in stage.world.borrow_mut().alarms.values_mut() {
            *state = entry::autoscale::AlarmState::Alarm;
        }
        let mut copies = vec![
            Copy::start(&stage, &config, "0", true),
            Copy::start(&stage, &config, "1", true),
        ];
        let mut longest = Duration::ZERO;
        for number in 2..kills + 2 {
            let minutes = Duration::from_mins(10);
            stage
                .until("a leader", minutes, || stage.leader().is_some())
                .await;
            let leader = stage.leader().unwrap();
            // Without conditions somebody who is gone may seem to lead.
            let place = copies
                .iter()
                .position(|copy| copy.id == leader)
                .unwrap_or(0);
            let copy = copies.remove(place);
            let calls = stage.dice.borrow_mut().roll(80);
            copy.dies(calls.try_into().unwrap()).await;
            let died = stage.elapsed();
            // Two that wait for the same end, or one.
            let replace = || Copy::start(&stage, &config, &number.to_string(), true);
            let at_once = stage.dice.borrow_mut().one_in(2);
            copies.extend(at_once.then(replace));
            let other = || stage.leader().is_some_and(|leader| leader != copy.id);
            stage.until("a takeover", minutes, other).await;
            longest = longest.max(stage.since(died));
            copies.extend((!at_once).then(replace));
        }
        for copy in &copies {
            copy.order(Order::Stop);
        }
        for copy in copies {
            copy.task.await.unwrap();
        }
        let mut wrong = std::mem::take(&mut *wrong.borrow_mut());
        wrong.extend(overlaps(&stage));
        let acts = stage.acts.borrow().len();
        *found.borrow_mut() = Some(Seen {
            wrong,
            acts,
            longest,
        });
    });
    seen.take().unwrap()
}

/// A copy that was replaced as a leader never acts again.
fn overlaps(stage: &Stage) -> Vec<String> {
    let acts = stage.acts.borrow();
    let mut before: Vec<&str> = Vec::new();
    let mut wrong = Vec::new();
    for (id, when, action) in acts.iter() {
        if before.last() != Some(&id.as_str()) {
            if before.contains(&id.as_str()) {
                wrong.push(format!("{id} acts again at {when:?}: {}", action.act));
            }
            before.push(id);
        }
    }
    wrong
}

#[test]
fn two_copies_never_both_act_whoever_dies() {
    for seed in [0x9e37_79b9_7f4a_7c15, 0x2545_f491_4f6c_dd1d] {
        let Seen {
            wrong,
            acts,
            longest,
        } = kill(seed, KILLS, true);
        assert!(wrong.is_empty(), "seed {seed:#x}: {wrong:#?}");
        assert!(acts > 100, "seed {seed:#x}: {acts} actions");
        // What S3 takes for its answers comes on top.
        let lease = takeover(Duration::from_secs(30)) + Duration::from_secs(7);
        assert!(
            longest <= lease,
            "seed {seed:#x}: a takeover took {longest:?}"
        );
    }
}

/// The test above sees it if the lease does not hold.
#[test]
fn without_conditional_writes_both_act() {
    let wrong = |seed| kill(seed, KILLS, false).wrong;
    let seen = (1..=5).map(|seed| wrong(0x9e37_79b9_7f4a_7c15 ^ seed << 32));
    assert!(seen.filter(|wrong| !wrong.is_empty()).count() >= 4);
}

/// A deploy of the autoscaler itself: the new copy starts, then the old one gets TERM.
#[test]
fn a_stopped_leader_is_replaced_at_once() {
    paused(async {
        let config = config(FILE);
        let stage = Stage::new(FILE, 7);
        let old = Copy::start(&stage, &config, "old", true);
        let is = |id: &'static str| {
            let stage = &stage;
            move || stage.leader().as_deref() == Some(id)
        };
        stage
            .until("a leader", Duration::from_mins(1), is("old"))
            .await;
        let new = Copy::start(&stage, &config, "new", true);
        tokio::time::sleep(Duration::from_mins(5)).await;
        let polls = stage.polls.borrow().clone();
        assert!(
            polls.iter().all(|(id, _)| id == "old"),
            "a follower asks AWS: {polls:?}"
        );
        old.order(Order::Stop);
        old.task.await.unwrap();
        assert!(stage.lease().unwrap().released);
        stage
            .until("a takeover", Duration::from_secs(11), is("new"))
            .await;
        let lines = stage.lines.borrow().join("\n");
        assert!(
            lines.contains("autoscale@old leads: it waits for the lease"),
            "{lines}"
        );
        new.order(Order::Stop);
        new.task.await.unwrap();
    });
}

/// Nobody else can know that it is alive.
#[test]
fn a_leader_that_is_cut_off_stops_acting() {
    paused(async {
        let config = config(FILE);
        let stage = Stage::new(FILE, 7);
        for (state, _) in stage.world.borrow_mut().alarms.values_mut() {
            *state = entry::autoscale::AlarmState::Alarm;
        }
        let first = Copy::start(&stage, &config, "first", true);
        let second = Copy::start(&stage, &config, "second", true);
        let minutes = Duration::from_mins(5);
        stage
            .until("an action", minutes, || !stage.acts.borrow().is_empty())
            .await;
        let (cut, other) = match stage.leader().unwrap().as_str() {
            "first" => (first, second),
            _ => (second, first),
        };
        cut.life.cut.set(true);
        let last = stage.acts.borrow().len();
        stage
            .until("a takeover", takeover(config.polling_interval), || {
                stage.leader().as_ref() == Some(&other.id)
            })
            .await;
        stage
            .until("an action", minutes, || stage.acts.borrow().len() > last)
            .await;
        let acts = stage.acts.borrow().clone();
        assert!(
            acts[last..].iter().all(|(id, ..)| *id == other.id),
            "{acts:?}"
        );
        // It goes on as a follower, and says why.
        cut.life.cut.set(false);
        stage
            .until("a follower", minutes, || {
                let lines = stage.lines.borrow();
                let told = format!("autoscale@{} leads", other.id);
                lines.iter().any(|line| line.contains(&told))
            })
            .await;
        let lines = stage.lines.borrow().join("\n");
        assert!(
            lines.contains("nothing is done in this poll: the lease could not be written"),
            "{lines}"
        );
        assert!(lines.contains("it does not lead any more"), "{lines}");
        for copy in [cut, other] {
            copy.order(Order::Stop);
            copy.task.await.unwrap();
        }
    });
}
