use super::event::{Action, Event, Say, Then};
use super::plan::{GroupPlan, MemberPlan, schedule};
use super::*;
use crate::config::{Output, Ready, Restart, Sign};
use crate::stop::{Preset, Spec};
use std::collections::BTreeMap;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// `web` after nothing, the others as told; plain TERM with 10 s, but for the web's unicorn with a drain of 5 s.
fn group(change: impl FnOnce(&mut Vec<MemberPlan>), max_runtime: Option<Duration>) -> Group {
    let member = |name: &str| MemberPlan {
        name: name.to_owned(),
        plan: crate::stop::Plan::new(&Spec::default(), None),
        after: Vec::new(),
        ready: None,
        restart: None,
        optional: false,
    };
    let mut members = vec![member("web"), member("worker")];
    change(&mut members);
    let specs: Vec<(Spec, &[usize])> = members
        .iter()
        .map(|one| (spec(&one.name), one.after.as_slice()))
        .collect();
    let (plans, total) = schedule(&specs, None);
    for (member, plan) in members.iter_mut().zip(plans) {
        member.plan = plan;
        // Whether it is ready for its signal is the business of a stop, not of the group.
        member.plan.ready = None;
    }
    let supervision = Supervision {
        mode: "all".to_owned(),
        plan: crate::stop::Plan::new(&Spec::default(), None),
        exit: BTreeMap::new(),
        max_runtime,
        app_has_terminal: false,
        oom_kills: None,
        after: Vec::new(),
    };
    let plan = GroupPlan {
        members,
        total,
        output: Output::Plain,
    };
    Group::new(supervision, plan)
}

fn spec(name: &str) -> Spec {
    let (preset, drain) = if name == "web" {
        (Preset::Unicorn, 5)
    } else {
        (Preset::Plain, 0)
    };
    Spec {
        preset,
        drain: Some(secs(drain)),
        grace: Some(secs(10)),
        ..Spec::default()
    }
}

fn ready(member: &mut MemberPlan) {
    member.ready = Some(Ready {
        sign: Sign::Line("up".to_owned()),
        timeout: secs(60),
    });
}

const TERM: Event = Event::Signal {
    signal: Sig::TERM,
    sender: Sender::Outside,
};

fn ended(member: usize, code: u8) -> Event {
    Event::Ended {
        member,
        outcome: Outcome::Exited(code),
    }
}

fn starts(actions: &[Action]) -> Vec<usize> {
    let started = actions.iter().filter_map(|action| match action {
        Action::Start(member) => Some(*member),
        _ => None,
    });
    started.collect()
}

/// Signals to mains and groups, the CONTs aside.
fn sent(actions: &[Action]) -> Vec<(usize, Sig)> {
    let sent = actions.iter().filter_map(|action| match action {
        Action::Kill { member, signal, .. } if *signal != Sig::CONT => Some((*member, *signal)),
        _ => None,
    });
    sent.collect()
}

fn code(actions: &[Action]) -> Option<u8> {
    actions.iter().find_map(|action| match action {
        Action::Finish(code) => Some(*code),
        _ => None,
    })
}

/// Ends a process and all of its group at once.
fn end(group: &mut Group, member: usize, code: u8, now: Duration) -> Vec<Action> {
    let mut actions = group.step(ended(member, code), now);
    actions.extend(group.step(Event::Gone(member), now));
    actions
}

#[test]
fn independent_ones_start_at_once() {
    let mut group = group(|_| {}, None);
    assert_eq!(starts(&group.step(Event::Begin, ms(0))), [0, 1]);
    assert_eq!(group.deadline(), None);
}

#[test]
fn a_chain_starts_at_once_wherever_its_links_stand() {
    let mut group = group(
        |members| {
            for at in 0..5 {
                let mut member = members[0].clone();
                member.after = vec![at + 1];
                members.insert(at, member);
            }
            members.truncate(6);
        },
        None,
    );
    assert_eq!(starts(&group.step(Event::Begin, ms(0))), [5, 4, 3, 2, 1, 0]);
}

#[test]
fn a_stop_signal_of_one_is_no_signal_for_another() {
    let mut group = group(|_| {}, None);
    group.step(Event::Begin, ms(0));
    let quit = Event::Signal {
        signal: Sig::QUIT,
        sender: Sender::Outside,
    };
    // unicorn's plan knows QUIT, the plain one's does not: a database would drop everything.
    assert_eq!(sent(&group.step(quit, secs(1))), [(1, Sig::TERM)]);
}

#[test]
fn one_waits_until_the_other_is_ready() {
    let mut group = group(
        |members| {
            ready(&mut members[0]);
            members[1].after = vec![0];
        },
        None,
    );
    let begun = group.step(Event::Begin, ms(0));
    assert_eq!(begun, [Action::Start(0), Action::Watch(0)]);
    assert_eq!(group.deadline(), Some(secs(60)));
    let then = group.step(Event::Ready(0), ms(300));
    assert_eq!(starts(&then), [1]);
    assert!(then.contains(&Action::Say(Say::Ready {
        member: 0,
        took: ms(300)
    })));
    // A second sign says nothing new.
    assert_eq!(group.step(Event::Ready(0), ms(301)), []);
}

#[test]
fn what_does_not_get_ready_ends_all() {
    let mut group = group(|members| ready(&mut members[0]), None);
    group.step(Event::Begin, ms(0));
    let actions = group.step(Event::Time, secs(60));
    assert!(actions.contains(&Action::Say(Say::NotReady(0))));
    assert!(actions.contains(&Action::Unwatch(0)));
    end(&mut group, 1, 0, secs(61));
    end(&mut group, 0, 0, secs(62));
    assert_eq!(
        code(&group.step(Event::Alone, secs(62))),
        Some(ENTRY_FAILED)
    );
}

#[test]
fn one_that_ends_ends_all_with_its_code() {
    let mut group = group(|_| {}, None);
    group.step(Event::Begin, ms(0));
    let actions = group.step(ended(1, 7), secs(1));
    assert!(actions.contains(&Action::Say(Say::Ended {
        member: 1,
        outcome: Outcome::Exited(7),
        ran: secs(1),
        then: Then::AllStop
    })));
    // Its own leftovers are told at once; unicorn drains first.
    assert_eq!(sent(&actions), [(1, Sig::TERM)]);
    group.step(Event::Gone(1), secs(1));
    assert_eq!(sent(&group.step(Event::Time, secs(6))), [(0, Sig::QUIT)]);
    let over = end(&mut group, 0, 0, secs(8));
    assert!(over.contains(&Action::KillAll(Sig::TERM)));
    assert_eq!(code(&group.step(Event::Alone, secs(8))), Some(7));
}

#[test]
fn an_optional_one_ends_alone() {
    let mut group = group(
        |members| {
            members[0].optional = true;
            members[1].after = vec![0];
        },
        None,
    );
    assert_eq!(starts(&group.step(Event::Begin, ms(0))), [0, 1]);
    let actions = end(&mut group, 0, 1, secs(1));
    assert_eq!(sent(&actions), [(0, Sig::TERM)]);
    assert_eq!(group.deadline(), None);
    end(&mut group, 1, 0, secs(2));
    assert_eq!(code(&group.step(Event::Alone, secs(2))), Some(0));
}

#[test]
fn restarts_back_off_until_they_are_too_many() {
    let restart = Restart {
        delay: secs(1),
        max_delay: secs(3),
        times: Some(4),
    };
    let mut group = group(|members| members[0].restart = Some(restart), None);
    group.step(Event::Begin, ms(0));
    let mut now = ms(0);
    for delay in [1, 2, 3, 3] {
        now += ms(10);
        end(&mut group, 0, 1, now);
        assert_eq!(group.deadline(), Some(now + secs(delay)));
        assert!(starts(&group.step(Event::Time, now + ms(999))).is_empty());
        now += secs(delay);
        assert_eq!(starts(&group.step(Event::Time, now)), [0]);
    }
    let actions = group.step(ended(0, 9), now + ms(10));
    assert!(actions.iter().any(|action| matches!(
        action,
        Action::Say(Say::Ended {
            then: Then::AllStop,
            ..
        })
    )));
}

#[test]
fn a_long_run_forgives_the_ends_before_it() {
    let restart = Restart {
        delay: secs(1),
        max_delay: secs(3),
        times: Some(1),
    };
    let mut group = group(|members| members[0].restart = Some(restart), None);
    group.step(Event::Begin, ms(0));
    let mut now = ms(0);
    for _ in 0..5 {
        now += secs(3);
        end(&mut group, 0, 1, now);
        now += secs(1);
        assert_eq!(starts(&group.step(Event::Time, now)), [0]);
    }
}

#[test]
fn a_stop_goes_the_other_way_round() {
    let mut group = group(|members| members[1].after = vec![0], None);
    group.step(Event::Begin, ms(0));
    let actions = group.step(TERM, secs(100));
    assert_eq!(sent(&actions), [(1, Sig::TERM)]);
    // The web has drained for three of its five seconds when its turn comes.
    end(&mut group, 1, 0, secs(103));
    assert_eq!(group.deadline(), Some(secs(105)));
    assert_eq!(sent(&group.step(Event::Time, secs(105))), [(0, Sig::QUIT)]);
    end(&mut group, 0, 0, secs(106));
    let over = group.step(Event::Alone, secs(106));
    assert_eq!(code(&over), Some(0));
}

#[test]
fn what_outlives_its_plan_is_killed_and_the_next_goes_on() {
    let mut group = group(|members| members[1].after = vec![0], None);
    group.step(Event::Begin, ms(0));
    group.step(TERM, secs(100));
    assert_eq!(sent(&group.step(Event::Time, secs(110))), [(1, Sig::KILL)]);
    let outcome = Outcome::Killed(Sig::KILL);
    group.step(Event::Ended { member: 1, outcome }, secs(110));
    let actions = group.step(Event::Gone(1), secs(110));
    // Its drain is long over.
    assert_eq!(sent(&actions), [(0, Sig::QUIT)]);
    end(&mut group, 0, 0, secs(111));
    let over = group.step(Event::Alone, secs(111));
    assert!(matches!(
        over.first(),
        Some(Action::Say(Say::Over {
            code: 137,
            forced: true,
            ..
        }))
    ));
}

#[test]
fn one_deadline_holds_for_all() {
    let mut group = group(|members| members[1].after = vec![0], None);
    group.step(Event::Begin, ms(0));
    group.step(TERM, ms(0));
    // 10 s for the worker, 10 s for the web.
    let mut now = ms(0);
    let mut killed = None;
    for _ in 0..20 {
        let Some(next) = group.deadline() else { break };
        now = next.max(now);
        let actions = group.step(Event::Time, now);
        if actions.contains(&Action::KillAll(Sig::KILL)) {
            killed = killed.or(Some(now));
        }
        if code(&actions).is_some() {
            break;
        }
    }
    // Nobody answered: the kernel's second after each KILL comes on top.
    assert!(killed.is_some_and(|at| at <= secs(20)), "{killed:?}");
    assert!(now <= secs(23), "{now:?}");
}

#[test]
fn a_second_signal_is_swallowed_and_others_are_passed_on() {
    let mut group = group(|_| {}, None);
    group.step(Event::Begin, ms(0));
    let usr1 = Event::Signal {
        signal: Sig::USR1,
        sender: Sender::Outside,
    };
    assert_eq!(
        sent(&group.step(usr1, ms(1))),
        [(0, Sig::USR1), (1, Sig::USR1)]
    );
    group.step(TERM, ms(2));
    let again = group.step(TERM, ms(3));
    assert_eq!(
        again,
        [Action::Say(Say::Swallowed {
            signal: Sig::TERM,
            sender: Sender::Outside
        })]
    );
}

#[test]
fn what_never_started_is_not_waited_for() {
    let mut group = group(
        |members| {
            ready(&mut members[0]);
            members[1].after = vec![0];
        },
        None,
    );
    group.step(Event::Begin, ms(0));
    let actions = group.step(TERM, ms(10));
    assert!(actions.contains(&Action::Unwatch(0)));
    assert_eq!(group.deadline(), Some(ms(5010)));
    group.step(Event::Time, ms(5010));
    let over = end(&mut group, 0, 0, ms(5020));
    assert!(over.contains(&Action::KillAll(Sig::TERM)));
}

#[test]
fn a_run_that_is_too_long_is_stopped_without_a_drain() {
    let mut group = group(|_| {}, Some(secs(9)));
    group.step(Event::Begin, ms(0));
    assert_eq!(group.deadline(), Some(secs(9)));
    let actions = group.step(Event::Time, secs(9));
    assert_eq!(sent(&actions), [(0, Sig::QUIT), (1, Sig::TERM)]);
    end(&mut group, 0, 0, secs(10));
    end(&mut group, 1, 0, secs(10));
    assert_eq!(code(&group.step(Event::Alone, secs(10))), Some(124));
}

#[test]
fn leftovers_of_one_are_killed_before_it_starts_again() {
    let restart = Restart {
        delay: secs(1),
        max_delay: secs(3),
        times: None,
    };
    let mut group = group(|members| members[0].restart = Some(restart), None);
    group.step(Event::Begin, ms(0));
    group.step(ended(0, 1), ms(10));
    assert!(group.sweeps(0));
    assert_eq!(group.deadline(), Some(ms(1010)));
    assert_eq!(sent(&group.step(Event::Time, ms(1010))), [(0, Sig::KILL)]);
    group.step(Event::Gone(0), ms(1011));
    assert_eq!(group.deadline(), Some(ms(2011)));
}

#[test]
fn one_that_is_to_start_again_lets_none_start_after_it() {
    let restart = Restart {
        delay: secs(1),
        max_delay: secs(3),
        times: None,
    };
    let mut group = group(
        |members| {
            ready(&mut members[0]);
            members[0].restart = Some(restart);
            members[1].after = vec![0];
        },
        None,
    );
    group.step(Event::Begin, ms(0));
    // It ended before it was ready.
    assert!(starts(&end(&mut group, 0, 1, ms(10))).is_empty());
    assert_eq!(starts(&group.step(Event::Time, ms(1010))), [0]);
    assert_eq!(starts(&group.step(Event::Ready(0), ms(1020))), [1]);
}

#[test]
fn one_that_ends_before_its_turn_in_a_stop_changes_nothing() {
    let mut group = group(|members| members[1].after = vec![0], None);
    group.step(Event::Begin, ms(0));
    group.step(TERM, secs(1));
    let actions = group.step(ended(0, 3), secs(2));
    assert!(actions.contains(&Action::Say(Say::Ended {
        member: 0,
        outcome: Outcome::Exited(3),
        ran: secs(2),
        then: Then::AllStop
    })));
    group.step(Event::Gone(0), secs(2));
    end(&mut group, 1, 0, secs(3));
    let over = group.step(Event::Alone, secs(3));
    // The stop was asked for from outside, so its cause stays, and the code is the first that is not zero.
    assert!(matches!(
        over.first(),
        Some(Action::Say(Say::Over {
            code: 3,
            stop: Some((
                Cause {
                    sender: Sender::Outside,
                    ..
                },
                _
            )),
            ..
        }))
    ));
}
