//! The loop by itself: its pace, its orders, its file, what it tells, and how it survives failures.

use super::stage::{Copy, Dice, Hooks, Odds, Stage, paused};
use super::support::{config, variable};
use crate::support::lines::Lines;
use crate::support::wait;
use entry::autoscale::AlarmState;
use entry::autoscale::decide::{Act, Memory};
use entry::autoscale::run::{File, Fresh, Observed, Order, Orders, Signals, Source};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::time::sleep;

const FILE: &str = "
polling_interval: 30
simple_scaling:
  - name: g
    cluster: main
    services:
      - {name: s, min_task_count: 1, max_task_count: 9, step: 1, idle_time: 240,
         upscale_triggers: [{alarm_name: up, state: ALARM}],
         downscale_triggers: [{alarm_name: down, state: ALARM}]}
";

const MINUTE: Duration = Duration::from_mins(1);

fn slow(seconds: u64) -> Odds {
    Odds {
        slow: Duration::from_secs(seconds),
        ..Odds::default()
    }
}

fn set(stage: &Stage, name: &str, to: AlarmState) {
    let mut world = stage.world.borrow_mut();
    let mut alarms = world.alarms.iter_mut();
    let (_, (state, _)) = alarms.find(|(id, _)| *id.name == *name).unwrap();
    *state = to;
}

fn events(stage: &Stage, event: &str) -> Vec<Value> {
    let lines = stage.lines.borrow();
    let lines = lines.iter().map(|line| serde_json::from_str(line).unwrap());
    lines
        .filter(|line: &Value| line["event"] == event)
        .collect()
}

fn messages(stage: &Stage, event: &str) -> Vec<String> {
    let events = events(stage, event);
    let texts = events
        .iter()
        .map(|line| line["message"].as_str().unwrap().to_owned());
    texts.collect()
}

async fn stop(copy: Copy) {
    copy.order(Order::Stop);
    copy.task.await.unwrap();
}

fn gaps(stage: &Stage) -> Vec<Duration> {
    let polls = stage.polls.borrow();
    polls
        .windows(2)
        .map(|pair| pair[1].1.saturating_sub(pair[0].1))
        .collect()
}

#[test]
fn polls_come_in_their_interval_and_do_not_pile_up() {
    paused(async {
        let stage = Stage::new(FILE, 3);
        let copy = Copy::start(&stage, &config(FILE), "a", false);
        sleep(MINUTE * 60).await;
        let even = gaps(&stage);
        assert!((115..125).contains(&even.len()), "{even:?}");
        let (shortest, longest) = (even.iter().min().unwrap(), even.iter().max().unwrap());
        assert!(
            *shortest >= Duration::from_secs(27) && *longest <= Duration::from_secs(33),
            "{even:?}"
        );
        assert!(
            *longest > *shortest + Duration::from_secs(1),
            "no jitter: {even:?}"
        );

        // From now on a poll takes up to 34 seconds, more than the interval.
        stage.odds.set((Odds::default(), slow(34)));
        stage.polls.borrow_mut().clear();
        sleep(MINUTE * 60).await;
        let long = gaps(&stage);
        // What was missed is not made up for: there is always a rest.
        assert!(
            long.iter().all(|gap| *gap >= Duration::from_secs(27)),
            "{long:?}"
        );
        assert!(
            long.iter().any(|gap| *gap > Duration::from_secs(34)),
            "{long:?}"
        );
        stop(copy).await;
    });
}

/// It is told once for as long as it lasts, so that a line that is dropped never comes again.
#[test]
fn a_trouble_is_told_though_the_poll_came_to_nothing() {
    struct Once(Option<String>);
    impl Hooks for Once {
        fn observed(&mut self, _: &Stage, _: &Memory, observed: &mut Observed) {
            observed.troubles.extend(self.0.take());
        }
    }
    paused(async {
        let stage = Stage::new(FILE, 3);
        stage.hooks.replace(Box::new(Once(Some("odd".to_owned()))));
        stage.odds.set((Odds::default(), slow(20)));
        let copy = Copy::start(&stage, &config(FILE), "a", false);
        sleep(Duration::from_millis(1)).await;
        copy.order(Order::Pause);
        sleep(MINUTE).await;
        assert_eq!(stage.polls.borrow().len(), 1);
        assert_eq!(messages(&stage, "trouble"), ["odd"]);
        stop(copy).await;
    });
}

#[test]
fn a_poll_without_an_answer_is_given_up() {
    paused(async {
        let stage = Stage::new(FILE, 3);
        stage.odds.set((Odds::default(), slow(10_000)));
        let copy = Copy::start(&stage, &config(FILE), "a", false);
        stage
            .until("a trouble", MINUTE * 5, || {
                !events(&stage, "trouble").is_empty()
            })
            .await;
        assert_eq!(
            messages(&stage, "trouble"),
            ["a poll was given up: no answer in time"]
        );
        stop(copy).await;
    });
}

#[test]
fn a_stop_ends_within_seconds_wherever_it_comes() {
    paused(async {
        let config = config(&format!("state: s3://b/p\n{FILE}"));
        let mut dice = Dice(11);
        for number in 0..200 {
            let stage = Stage::new(FILE, 100 + number);
            set(&stage, "up", AlarmState::Alarm);
            stage.odds.set((slow(1), slow(60)));
            let copy = Copy::start(&stage, &config, "a", true);
            sleep(Duration::from_millis(dice.roll(90_000))).await;
            let asked = stage.elapsed();
            stop(copy).await;
            let took = stage.since(asked);
            assert!(took <= Duration::from_secs(10), "it took {took:?}");
            assert_eq!(messages(&stage, "stopped"), ["stopped"]);
            assert!(stage.lease().is_none_or(|lease| lease.released));
        }
    });
}

#[test]
fn a_paused_leader_keeps_others_from_acting() {
    paused(async {
        let text = format!("state: s3://b/p\n{FILE}");
        let config = config(&text);
        let stage = Stage::new(&text, 5);
        let first = Copy::start(&stage, &config, "first", true);
        stage
            .until("a leader", MINUTE, || stage.leader().is_some())
            .await;
        let second = Copy::start(&stage, &config, "second", true);
        first.order(Order::Pause);
        sleep(MINUTE).await;
        stage.polls.borrow_mut().clear();
        sleep(MINUTE * 60).await;
        assert_eq!(stage.leader().as_deref(), Some("first"));
        assert_eq!(*stage.polls.borrow(), []);
        first.order(Order::Resume);
        // CONT comes without TSTP, too.
        second.order(Order::Resume);
        sleep(Duration::from_secs(1)).await;
        assert_eq!(stage.polls.borrow().len(), 1);
        assert_eq!(messages(&stage, "resumed"), ["resumed"]);

        // Nor does a paused follower lead, though nobody else is there.
        second.order(Order::Pause);
        stop(first).await;
        sleep(MINUTE * 10).await;
        assert_eq!(stage.leader(), None);
        second.order(Order::Resume);
        stage
            .until("a leader", MINUTE, || stage.leader().is_some())
            .await;
        stop(second).await;
    });
}

#[test]
fn a_changed_file_is_read_and_a_bad_one_changes_nothing() {
    paused(async {
        let stage = Stage::new(FILE, 5);
        let copy = Copy::start(&stage, &config(FILE), "a", false);
        let desired = || stage.world.borrow().services[0].desired;
        sleep(MINUTE).await;
        assert_eq!(desired(), 1);
        stage.file.borrow_mut().push(Fresh {
            config: None,
            told: vec!["f.yml:3: it is wrong".to_owned()],
        });
        sleep(MINUTE * 5).await;
        assert_eq!(desired(), 1);
        let told = messages(&stage, "configuration");
        assert_eq!(
            told,
            [
                "f.yml:3: it is wrong",
                "the file is left as it was: correct it, it is read again by itself"
            ]
        );
        let text = FILE.replace("min_task_count: 1", "min_task_count: 3");
        stage.file.borrow_mut().push(Fresh {
            config: Some(config(&text)),
            told: Vec::new(),
        });
        let asked = stage.elapsed();
        copy.order(Order::Reload);
        stage
            .until("the new minimum", MINUTE, || desired() == 3)
            .await;
        assert!(
            stage.since(asked) < Duration::from_secs(1),
            "HUP waits for no poll"
        );
        assert_eq!(messages(&stage, "reloaded"), ["the file was read anew"]);
        stop(copy).await;
    });
}

/// A poll in the middle of a longer interval would find its lease over.
#[test]
fn a_lease_outlasts_a_longer_interval() {
    paused(async {
        let text = format!("state: s3://b/p\n{FILE}");
        let stage = Stage::new(&text, 5);
        let copy = Copy::start(&stage, &config(&text), "a", true);
        sleep(MINUTE).await;
        let longer = text.replace("polling_interval: 30", "polling_interval: 10m");
        stage.file.borrow_mut().push(Fresh {
            config: Some(config(&longer)),
            told: Vec::new(),
        });
        sleep(MINUTE * 5).await;
        for _ in 0..60 {
            sleep(MINUTE).await;
            assert_eq!(stage.leader().as_deref(), Some("a"));
        }
        stop(copy).await;
    });
}

#[test]
fn a_file_counts_as_changed_when_it_was_written_or_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.yml");
    std::fs::write(&path, FILE).unwrap();
    let mut file = File::new(&path, variable);
    let min = |fresh: Option<Fresh>| {
        let config = fresh?.config?;
        Some(config.groups[0].services[0].min)
    };
    assert_eq!(min(file.look(false)), Some(1));
    assert!(file.look(false).is_none());
    assert_eq!(min(file.look(true)), Some(1));
    std::fs::write(
        &path,
        FILE.replace("min_task_count: 1", "min_task_count: 12"),
    )
    .unwrap();
    let fresh = file.look(false).unwrap();
    assert_eq!(fresh.told.len(), 1, "{:?}", fresh.told);
    assert!(fresh.config.is_none());
    // As kubectl and editors write: another file under the name.
    let other = folder.path().join("other");
    std::fs::write(
        &other,
        FILE.replace("min_task_count: 1", "min_task_count: 2"),
    )
    .unwrap();
    std::fs::rename(&other, &path).unwrap();
    assert_eq!(min(file.look(false)), Some(2));
    std::fs::remove_file(&path).unwrap();
    let fresh = file.look(false).unwrap();
    assert!(
        fresh.config.is_none() && fresh.told[0].contains("cannot be read"),
        "{:?}",
        fresh.told
    );
    assert!(file.look(false).is_none());
}

#[test]
fn a_line_tells_each_action_and_each_new_reason() {
    paused(async {
        let stage = Stage::new(FILE, 5);
        let copy = Copy::start(&stage, &config(FILE), "a", false);
        set(&stage, "up", AlarmState::Alarm);
        sleep(MINUTE * 8).await;
        let actions = events(&stage, "action");
        assert_eq!(actions.len(), 2, "{actions:?}");
        assert_eq!(actions[0]["level"], "info");
        assert_eq!(actions[0]["subject"], "service main/s");
        assert_eq!(actions[0]["action"], "1 → 2 tasks");
        assert_eq!(actions[0]["why"], "alarm up is ALARM");
        let time = actions[0]["time"].as_str().unwrap();
        assert_eq!(time, "2026-03-02T00:00:00.000Z");
        // It is idle in fourteen of these polls, and says so after each change.
        let held = messages(&stage, "held");
        assert_eq!(held.len(), 2, "{held:?}");
        assert!(
            held.iter()
                .all(|line| line.starts_with("service main/s: idle for another 3m")),
            "{held:?}"
        );
        stop(copy).await;
    });
}

/// Nothing tells of an alarm.
struct Unknown;

impl Hooks for Unknown {
    fn observed(&mut self, _: &Stage, _: &Memory, observed: &mut Observed) {
        std::rc::Rc::make_mut(&mut observed.snapshot).alarms.clear();
    }
}

#[test]
fn metrics_are_in_the_embedded_format() {
    paused(async {
        let text = "
auto_scaling_groups:
  - {name: nodes, cluster: main, region: eu-west-1, buffer: 1, services: [
      {name: web, min_task_count: 2, max_task_count: [4, 8], cooldown_time_for_reach_max: 60, step: 1,
       required_capacity: 0.5, upscale_triggers: [{alarm_name: up, state: ALARM}]}]}
";
        let stage = Stage::new(text, 5);
        *stage.hooks.borrow_mut() = Box::new(Unknown);
        let copy = Copy::start(&stage, &config(text), "a", false);
        sleep(MINUTE * 10).await;
        stop(copy).await;
        let metrics = stage.metrics.borrow();
        let documents: Vec<Value> = metrics
            .iter()
            .map(|one| serde_json::from_str(one).unwrap())
            .collect();
        documents.iter().for_each(is_embedded);
        let last = |dimension: &str| {
            let mut documents = documents.iter().rev();
            documents.find(|one| one.get(dimension).is_some()).unwrap()
        };
        let service = last("Service");
        let told = [
            "Region",
            "Cluster",
            "Service",
            "Desired",
            "Running",
            "Minimum",
            "Maximum",
            "UnknownAlarms",
        ];
        let values = told.map(|name| service[name].to_string());
        assert_eq!(
            values,
            [
                "\"eu-west-1\"",
                "\"main\"",
                "\"web\"",
                "2",
                "2",
                "2",
                "8",
                "1"
            ]
        );
        let group = last("Group");
        let told = [
            "Group", "Desired", "Nodes", "Needed", "Draining", "Minimum", "Maximum",
        ];
        let values = told.map(|name| group[name].to_string());
        assert_eq!(values, ["\"nodes\"", "2", "2", "2", "0", "0", "100000"]);
        let poll = last("PollDuration");
        assert_eq!(
            [&poll["Calls"], &poll["UnknownAlarms"], &poll["Actions"]],
            [3, 1, 0]
        );
    });
}

/// By the specification: members of `_aws`, and a root member for each name in it.
fn is_embedded(document: &Value) {
    assert!(
        document["_aws"]["Timestamp"].as_i64().unwrap() > 1_700_000_000_000,
        "{document}"
    );
    let directives = document["_aws"]["CloudWatchMetrics"].as_array().unwrap();
    for directive in directives {
        let keys: BTreeSet<&str> = directive
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(
            keys,
            ["Dimensions", "Metrics", "Namespace"].into(),
            "{document}"
        );
        assert!(!directive["Namespace"].as_str().unwrap().starts_with("AWS/"));
        for set in directive["Dimensions"].as_array().unwrap() {
            let names = set.as_array().unwrap();
            assert!(names.len() <= 30);
            for name in names {
                let value = document[name.as_str().unwrap()].as_str().unwrap();
                assert!((1..=1024).contains(&value.len()), "{document}");
            }
        }
        let metrics = directive["Metrics"].as_array().unwrap();
        assert!((1..=100).contains(&metrics.len()));
        for metric in metrics {
            assert!(
                document[metric["Name"].as_str().unwrap()].is_number(),
                "{document}"
            );
            assert!(["Count", "Milliseconds"].contains(&metric["Unit"].as_str().unwrap()));
        }
    }
}

/// As with ecs_auto_scaler, whose drainer goes on while it is paused.
#[test]
fn the_leader_alone_listens_for_interruptions() {
    paused(async {
        let text = format!("state: s3://b/p\n{FILE}");
        let config = config(&text);
        let stage = Stage::new(&text, 5);
        let first = Copy::start(&stage, &config, "first", true);
        stage
            .until("a leader", MINUTE, || stage.leader().is_some())
            .await;
        let second = Copy::start(&stage, &config, "second", true);
        first.order(Order::Pause);
        sleep(MINUTE * 2).await;
        stage
            .interruptions
            .borrow_mut()
            .push("drain i-1".to_owned());
        sleep(MINUTE * 2).await;
        assert_eq!(messages(&stage, "interruption"), ["drain i-1"]);
        let listened = stage.listened.borrow().clone();
        assert_eq!(listened, BTreeSet::from(["first".to_owned()]));
        first.life.cut.set(true);
        let second_leads = || stage.leader().as_deref() == Some("second");
        stage.until("a takeover", MINUTE * 2, second_leads).await;
        first.life.cut.set(false);
        sleep(MINUTE).await;
        stage.listened.borrow_mut().clear();
        stage
            .interruptions
            .borrow_mut()
            .push("drain i-2".to_owned());
        sleep(MINUTE).await;
        assert_eq!(messages(&stage, "interruption"), ["drain i-1", "drain i-2"]);
        let listened = stage.listened.borrow().clone();
        assert_eq!(listened, BTreeSet::from(["second".to_owned()]));
        stop(first).await;
        stop(second).await;
    });
}

/// The node would look as if somebody else had drained it, and be replaced.
#[test]
fn an_activation_that_failed_is_tried_again() {
    paused(async {
        let text = "
state: s3://b/p
auto_scaling_groups:
  - {name: nodes, cluster: main, removal: {wait: 1h, busy: drain}, services: [
      {name: web, min_task_count: 1, max_task_count: 8, step: 1, idle_time: 30,
       upscale_triggers: [{alarm_name: up, state: ALARM}]}]}
";
        let stage = Stage::new(text, 5);
        {
            let mut world = stage.world.borrow_mut();
            world.groups[0].desired = 2;
            world.settle();
            // It is not empty for long enough.
            for node in &mut world.nodes {
                node.one_offs.push(stage.now() + MINUTE * 20);
            }
        }
        let copy = Copy::start(&stage, &config(text), "a", true);
        let draining = || {
            stage
                .world
                .borrow()
                .nodes
                .iter()
                .filter(|node| node.draining)
                .count()
        };
        stage
            .until("a draining node", MINUTE * 5, || draining() == 1)
            .await;
        let refused = Odds {
            refused: 1,
            ..Odds::default()
        };
        stage.odds.set((Odds::default(), refused));
        set(&stage, "up", AlarmState::Alarm);
        stage
            .until("a failure", MINUTE * 5, || {
                !events(&stage, "failed").is_empty()
            })
            .await;
        let failed = events(&stage, "failed");
        assert!(
            failed
                .iter()
                .any(|line| line["action"].as_str().unwrap().starts_with("activate")),
            "{failed:?}"
        );
        assert!(
            failed[0]["why"]
                .as_str()
                .unwrap()
                .contains("it failed (Any)"),
            "{failed:?}"
        );
        stage.odds.set(Default::default());
        stage
            .until("an active node", MINUTE * 2, || draining() == 0)
            .await;
        set(&stage, "up", AlarmState::Ok);
        stop(copy).await;
        let acts = stage.acts.borrow();
        let bought = acts
            .iter()
            .any(|(_, _, action)| matches!(action.act, Act::SetNodes { .. }));
        assert!(!bought, "{acts:?}");
    });
}

#[test]
fn a_damaged_memory_is_told_and_costs_only_waits() {
    paused(async {
        let text = format!("state: s3://b/p\n{FILE}");
        let config = config(&text);
        let stage = Stage::new(&text, 5);
        let first = Copy::start(&stage, &config, "first", true);
        sleep(MINUTE).await;
        stop(first).await;
        stage.tamper(|record| record.kept["version"] = 99.into());
        let second = Copy::start(&stage, &config, "second", true);
        sleep(MINUTE).await;
        let told = messages(&stage, "memory");
        assert_eq!(
            told,
            ["what was remembered is lost, and with it waits: its version is 99, not 1"]
        );
        assert_eq!(stage.polls.borrow().last().unwrap().0, "second");
        stop(second).await;
    });
}

/// A killed leader's successor waits as long as the leader would have waited.
#[test]
fn waits_outlive_a_leader() {
    paused(async {
        let text = format!("state: s3://b/p\n{FILE}");
        let config = config(&text);
        let stage = Stage::new(&text, 5);
        set(&stage, "up", AlarmState::Alarm);
        let first = Copy::start(&stage, &config, "first", true);
        stage
            .until("an action", MINUTE, || !stage.acts.borrow().is_empty())
            .await;
        first.dies(0).await;
        let second = Copy::start(&stage, &config, "second", true);
        sleep(MINUTE * 6).await;
        let acts = stage.acts.borrow().clone();
        let when: Vec<u64> = acts.iter().map(|(_, when, _)| when.as_secs()).collect();
        assert_eq!(when.len(), 2, "{acts:?}");
        assert!((240..280).contains(&(when[1] - when[0])), "{when:?}");
        stop(second).await;
    });
}

const CHILD: &str = "ENTRY_TEST_SIGNALS";

/// The process of the test below: tells what the signals that it gets mean, until it is to stop.
#[test]
fn orders_of_this_process() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let runtime = entry::aws::runtime().unwrap();
    runtime.block_on(async {
        let mut signals = Signals::catch().unwrap();
        let mut out = std::io::stderr();
        writeln!(out, "ready").unwrap();
        loop {
            let order = signals.next().await;
            writeln!(out, "{order:?}").unwrap();
            if order == Order::Stop {
                break;
            }
        }
    });
}

#[test]
fn signals_are_orders() {
    for last in [Signal::SIGTERM, Signal::SIGINT] {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args([
            "--exact",
            "autoscale::run::orders_of_this_process",
            "--nocapture",
        ]);
        child
            .env(CHILD, "1")
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let pid = Pid::from_raw(child.id().try_into().unwrap());
        let lines = Lines::of(child.stderr.take().unwrap());
        lines.wait_for("ready");
        for (signal, told) in [
            (Signal::SIGHUP, "Reload"),
            (Signal::SIGTSTP, "Pause"),
            (Signal::SIGCONT, "Resume"),
            (last, "Stop"),
        ] {
            kill(pid, signal).unwrap();
            lines.wait_for(told);
        }
        let status = wait::exit(&mut child, &lines);
        assert!(status.success(), "{status}");
    }
}
