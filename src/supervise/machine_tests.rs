//! The machine against tables of events and times. No clock, no process.

use super::*;
use crate::stop::{Preset, Spec, Target};

const MS: Duration = Duration::from_millis(1);

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn supervision(spec: &Spec) -> Supervision {
    Supervision {
        mode: "test".into(),
        plan: Plan::new(spec, None),
        exit: BTreeMap::new(),
        max_runtime: None,
        app_has_terminal: false,
        oom_kills: None,
        after: Vec::new(),
    }
}

fn preset(preset: Preset) -> Spec {
    Spec {
        preset,
        ..Spec::default()
    }
}

/// A machine whose app runs since second 0.
fn running(supervision: Supervision) -> Machine {
    let mut machine = Machine::new(false);
    assert_eq!(machine.step(Event::Planned(Box::new(supervision)), MS), []);
    assert_eq!(
        machine.step(Event::Executed, Duration::ZERO),
        [Action::Say(Say::Started)]
    );
    machine
}

fn from(sender: Sender, signal: Sig) -> Event {
    Event::Signal { signal, sender }
}

fn outside(signal: Sig) -> Event {
    from(Sender::Outside, signal)
}

/// What a step does, without what it says.
fn acts(machine: &mut Machine, event: Event, now: Duration) -> Vec<Action> {
    let mut actions = machine.step(event, now);
    actions.retain(|action| !matches!(action, Action::Say(_)));
    actions
}

/// A stop signal is always followed by CONT.
fn sends(who: Who, signal: Sig) -> Vec<Action> {
    vec![
        Action::Kill { who, signal },
        Action::Kill {
            who,
            signal: Sig::CONT,
        },
    ]
}

fn kill_all() -> Vec<Action> {
    vec![Action::Kill {
        who: Who::All,
        signal: Sig::KILL,
    }]
}

fn ended(outcome: Outcome, alone: bool) -> Event {
    Event::MainEnded { outcome, alone }
}

#[test]
fn unicorn_drains_then_quits_then_dies() {
    let mut machine = running(supervision(&preset(Preset::Unicorn)));
    assert_eq!(
        acts(&mut machine, outside(Sig::TERM), secs(10)),
        [Action::Probe(Sig::TTOU)]
    );
    assert_eq!(acts(&mut machine, Event::Ready(true), secs(10)), []);
    assert_eq!(machine.deadline(), Some(secs(15)));
    assert_eq!(
        acts(&mut machine, Event::Time, secs(15)),
        sends(Who::Main, Sig::QUIT)
    );
    assert_eq!(machine.deadline(), Some(secs(35)));
    assert_eq!(acts(&mut machine, Event::Time, secs(35)), kill_all());
    let end = acts(
        &mut machine,
        ended(Outcome::Killed(Sig::KILL), true),
        secs(35),
    );
    assert_eq!(end, [Action::Exit(137)]);
}

#[test]
fn any_stop_signal_means_the_same_to_a_server_and_repeats_are_swallowed() {
    for first in [Sig::TERM, Sig::INT, Sig::QUIT] {
        let mut machine = running(supervision(&preset(Preset::Puma)));
        assert_eq!(acts(&mut machine, outside(first), secs(1)), []);
        assert_eq!(
            acts(&mut machine, Event::Time, secs(6)),
            sends(Who::Main, Sig::TERM)
        );
        for repeat in [Sig::TERM, Sig::INT, Sig::QUIT] {
            let swallowed = Say::Swallowed {
                signal: repeat,
                sender: Sender::Outside,
            };
            assert_eq!(
                machine.step(outside(repeat), secs(7)),
                [Action::Say(swallowed)]
            );
        }
    }
}

#[test]
fn ctrl_c_does_not_drain() {
    let mut machine = running(supervision(&preset(Preset::Puma)));
    let asked = acts(&mut machine, from(Sender::Terminal, Sig::INT), secs(1));
    assert_eq!(asked, sends(Who::Main, Sig::TERM));
}

#[test]
fn a_server_that_boots_gets_term_and_its_own_signal_when_it_is_ready() {
    let mut machine = running(supervision(&preset(Preset::Unicorn)));
    acts(&mut machine, outside(Sig::QUIT), secs(1));
    assert_eq!(
        acts(&mut machine, Event::Ready(false), secs(1)),
        sends(Who::Main, Sig::TERM)
    );
    let again = machine.deadline().unwrap();
    assert_eq!(again, secs(1) + READY_CHECK);
    assert_eq!(
        acts(&mut machine, Event::Time, again),
        [Action::Probe(Sig::TTOU)]
    );
    assert_eq!(acts(&mut machine, Event::Ready(false), again), []);
    assert_eq!(
        acts(&mut machine, Event::Time, again * 2),
        [Action::Probe(Sig::TTOU)]
    );
    // No drain: it has served nobody yet.
    assert_eq!(
        acts(&mut machine, Event::Ready(true), again * 2),
        sends(Who::Main, Sig::QUIT)
    );
}

#[test]
fn a_server_that_never_gets_ready_is_killed_at_the_deadline() {
    let mut machine = running(supervision(&preset(Preset::Unicorn)));
    acts(&mut machine, outside(Sig::TERM), secs(0));
    acts(&mut machine, Event::Ready(false), secs(0));
    let mut now = machine.deadline().unwrap();
    while acts(&mut machine, Event::Time, now) == [Action::Probe(Sig::TTOU)] {
        acts(&mut machine, Event::Ready(false), now);
        now = machine.deadline().unwrap();
    }
    assert_eq!(now, secs(25));
}

#[test]
fn plain_passes_on_the_very_signal_to_the_group() {
    for signal in [Sig::TERM, Sig::INT] {
        let mut machine = running(supervision(&Spec::default()));
        assert_eq!(
            acts(&mut machine, outside(signal), secs(1)),
            sends(Who::Group, signal)
        );
        assert_eq!(acts(&mut machine, outside(signal), secs(2)), []);
    }
    let mut machine = running(supervision(&Spec::default()));
    acts(&mut machine, outside(Sig::INT), secs(1));
    let other = acts(&mut machine, outside(Sig::TERM), secs(2));
    assert_eq!(other, sends(Who::Group, Sig::TERM));
}

#[test]
fn what_is_no_part_of_the_plan_goes_to_the_app() {
    let mut machine = running(supervision(&preset(Preset::Unicorn)));
    for signal in [
        Sig::HUP,
        Sig::USR1,
        Sig::USR2,
        Sig::TTIN,
        Sig::TTOU,
        Sig::WINCH,
        Sig::TSTP,
    ] {
        let sent = acts(&mut machine, outside(signal), secs(1));
        assert_eq!(
            sent,
            [Action::Kill {
                who: Who::Main,
                signal
            }]
        );
    }
    // A window's new size means another thing to nginx.
    let resize = from(Sender::Terminal, Sig::WINCH);
    assert_eq!(acts(&mut machine, resize, secs(1)), []);
    assert_eq!(
        acts(&mut machine, outside(Sig::CONT), secs(1)),
        [Action::Resume]
    );
}

#[test]
fn a_deferred_stop_sends_nothing_while_the_command_may_end() {
    let spec = Spec {
        defer: Some(secs(60)),
        ..Spec::default()
    };
    let mut machine = running(supervision(&spec));
    assert_eq!(acts(&mut machine, outside(Sig::TERM), secs(1)), []);
    assert_eq!(machine.deadline(), Some(secs(61)));
    assert_eq!(
        acts(&mut machine, ended(Outcome::Exited(0), true), secs(30)),
        [Action::Exit(0)]
    );

    let mut machine = running(supervision(&spec));
    acts(&mut machine, outside(Sig::TERM), secs(1));
    assert_eq!(
        acts(&mut machine, Event::Time, secs(61)),
        sends(Who::Group, Sig::TERM)
    );
    assert_eq!(acts(&mut machine, Event::Time, secs(86)), kill_all());
}

#[test]
fn several_signals_follow_each_other() {
    let mut machine = running(supervision(&preset(Preset::Resque)));
    acts(&mut machine, outside(Sig::TERM), secs(0));
    // Its own signal is the marker, and needs no CONT after it.
    assert_eq!(
        acts(&mut machine, Event::Ready(true), secs(0)),
        sends(Who::Main, Sig::QUIT)
    );
    assert_eq!(
        acts(&mut machine, Event::Time, secs(20)),
        sends(Who::Main, Sig::TERM)
    );
    assert_eq!(acts(&mut machine, Event::Time, secs(27)), kill_all());
}

#[test]
fn max_runtime_stops_at_once_and_is_124() {
    let spec = Spec {
        defer: Some(secs(60)),
        drain: Some(secs(60)),
        ..Spec::default()
    };
    let mut supervision = supervision(&spec);
    supervision.max_runtime = Some(secs(100));
    let mut machine = running(supervision);
    assert_eq!(machine.deadline(), Some(secs(100)));
    assert_eq!(acts(&mut machine, Event::Time, secs(99)), []);
    assert_eq!(
        acts(&mut machine, Event::Time, secs(100)),
        sends(Who::Group, Sig::TERM)
    );
    assert_eq!(machine.deadline(), Some(secs(125)));
    let end = acts(&mut machine, ended(Outcome::Exited(0), true), secs(101));
    assert_eq!(end, [Action::Exit(exit::RAN_TOO_LONG)]);
}

fn orphans(step: usize, outside_group: bool) -> Who {
    Who::Orphans {
        step,
        outside_group,
    }
}

#[test]
fn survivors_of_a_stop_get_the_servers_signal_and_the_rest_of_the_deadline() {
    let mut machine = running(supervision(&preset(Preset::Unicorn)));
    acts(&mut machine, outside(Sig::TERM), secs(0));
    acts(&mut machine, Event::Ready(false), secs(0));
    let left = acts(
        &mut machine,
        ended(Outcome::Killed(Sig::TERM), false),
        secs(1),
    );
    assert_eq!(left, sends(orphans(0, false), Sig::QUIT));
    // What was an intermediate's child until now is told, too.
    assert_eq!(
        acts(&mut machine, Event::OrphanEnded, secs(2)),
        sends(orphans(0, false), Sig::QUIT)
    );
    assert_eq!(
        acts(&mut machine, Event::Alone, secs(3)),
        [Action::Exit(143)]
    );
}

#[test]
fn survivors_in_the_group_are_not_told_twice() {
    let mut machine = running(supervision(&Spec::default()));
    acts(&mut machine, outside(Sig::TERM), secs(0));
    let left = acts(
        &mut machine,
        ended(Outcome::Killed(Sig::TERM), false),
        secs(1),
    );
    assert_eq!(left, sends(orphans(0, true), Sig::TERM));
    assert_eq!(acts(&mut machine, Event::Time, secs(25)), kill_all());
    assert_eq!(acts(&mut machine, Event::OrphanEnded, secs(25)), []);
    // Even what cannot be killed does not keep PID 1.
    assert_eq!(
        acts(&mut machine, Event::Time, secs(26)),
        [Action::Exit(143)]
    );
}

#[test]
fn the_plans_later_signals_reach_survivors() {
    let mut machine = running(supervision(&preset(Preset::Resque)));
    acts(&mut machine, outside(Sig::TERM), secs(0));
    acts(&mut machine, Event::Ready(true), secs(0));
    let left = acts(&mut machine, ended(Outcome::Exited(0), false), secs(1));
    assert_eq!(left, sends(orphans(0, false), Sig::QUIT));
    assert_eq!(
        acts(&mut machine, Event::Time, secs(20)),
        sends(orphans(1, false), Sig::TERM)
    );
    assert_eq!(acts(&mut machine, Event::Time, secs(27)), kill_all());
}

#[test]
fn a_signal_that_stops_comes_after_its_cont() {
    let steps = vec![
        crate::stop::Step::Signal {
            signal: Sig::TSTP,
            to: Target::Main,
        },
        crate::stop::Step::Wait(secs(1)),
        crate::stop::Step::Signal {
            signal: Sig::TERM,
            to: Target::Main,
        },
        crate::stop::Step::Wait(secs(1)),
    ];
    let mut machine = running(supervision(&Spec {
        steps: Some(steps),
        ..Spec::default()
    }));
    let mut expected = sends(Who::Main, Sig::TSTP);
    expected.reverse();
    assert_eq!(acts(&mut machine, outside(Sig::TERM), secs(0)), expected);
    assert_eq!(
        acts(&mut machine, Event::Time, secs(1)),
        sends(Who::Main, Sig::TERM)
    );
}

#[test]
fn leftovers_of_an_app_that_ended_get_a_second() {
    let mut machine = running(supervision(&Spec::default()));
    let left = acts(&mut machine, ended(Outcome::Exited(4), false), secs(5));
    assert_eq!(left, sends(Who::All, Sig::TERM));
    assert_eq!(acts(&mut machine, Event::Time, secs(6)), kill_all());
    assert_eq!(acts(&mut machine, Event::Alone, secs(6)), [Action::Exit(4)]);
}

#[test]
fn a_stop_during_the_boot_ends_it() {
    for (signal, code) in [
        (Sig::TERM, 143),
        (Sig::INT, 130),
        (Sig::QUIT, 131),
        (Sig::HUP, 129),
    ] {
        let mut machine = Machine::new(false);
        assert_eq!(
            acts(&mut machine, outside(signal), MS),
            sends(Who::Main, Sig::TERM)
        );
        assert_eq!(acts(&mut machine, Event::Time, secs(3)), kill_all());
        let end = acts(
            &mut machine,
            ended(Outcome::Killed(Sig::KILL), true),
            secs(3),
        );
        assert_eq!(end, [kill_all(), vec![Action::Exit(code)]].concat());
    }
}

#[test]
fn a_hook_that_began_while_the_boot_was_told_has_its_grace() {
    let mut machine = Machine::new(false);
    acts(&mut machine, outside(Sig::TERM), secs(0));
    acts(&mut machine, Event::BootGrace(secs(10)), MS);
    assert_eq!(acts(&mut machine, Event::Time, secs(3)), []);
    assert_eq!(acts(&mut machine, Event::Time, secs(13)), kill_all());
}

#[test]
fn a_boot_that_cannot_be_killed_keeps_nobody() {
    let mut machine = Machine::new(false);
    acts(&mut machine, outside(Sig::TERM), secs(0));
    assert_eq!(acts(&mut machine, Event::Time, secs(2)), kill_all());
    assert_eq!(
        acts(&mut machine, Event::Time, secs(3)).last(),
        Some(&Action::Exit(143))
    );
}

#[test]
fn a_plans_own_signal_ends_a_boot_by_term() {
    let spec = Spec {
        on: Some(vec![Sig::USR1]),
        ..Spec::default()
    };
    let mut machine = Machine::new(false);
    acts(
        &mut machine,
        Event::Planned(Box::new(supervision(&spec))),
        MS,
    );
    assert_eq!(
        acts(&mut machine, outside(Sig::USR1), MS),
        sends(Who::Main, Sig::TERM)
    );
}

#[test]
fn an_app_that_got_away_from_a_boot_stop_is_stopped_by_its_plan() {
    let mut machine = Machine::new(false);
    acts(
        &mut machine,
        Event::Planned(Box::new(supervision(&preset(Preset::Unicorn)))),
        MS,
    );
    acts(&mut machine, outside(Sig::TERM), MS);
    assert_eq!(
        acts(&mut machine, Event::Executed, MS),
        [Action::Probe(Sig::TTOU)]
    );
}

#[test]
fn a_boot_that_dies_is_our_failure() {
    let mut machine = Machine::new(false);
    let end = machine.step(ended(Outcome::Killed(Sig::KILL), true), MS);
    assert!(end.contains(&Action::Say(Say::BootDied(Outcome::Killed(Sig::KILL)))));
    assert_eq!(end.last(), Some(&Action::Exit(exit::ENTRY_FAILED)));
    let mut machine = Machine::new(false);
    assert_eq!(
        machine.step(ended(Outcome::Exited(0), true), MS).last(),
        Some(&Action::Exit(0))
    );
}

#[test]
fn what_only_an_app_could_take_is_dropped_during_the_boot() {
    let mut machine = Machine::new(false);
    acts(
        &mut machine,
        Event::Planned(Box::new(supervision(&Spec::default()))),
        MS,
    );
    let early = Say::TooEarly {
        signal: Sig::USR1,
        sender: Sender::Outside,
    };
    assert_eq!(machine.step(outside(Sig::USR1), MS), [Action::Say(early)]);
    assert_eq!(acts(&mut machine, Event::Executed, MS * 2), []);
}

#[test]
fn a_stopped_app_suspends_us_only_where_a_shell_sees_it() {
    for (job_control, expected) in [(true, vec![Action::Suspend]), (false, vec![])] {
        let mut machine = Machine::new(job_control);
        acts(
            &mut machine,
            Event::Planned(Box::new(supervision(&Spec::default()))),
            MS,
        );
        acts(&mut machine, Event::Executed, MS);
        assert_eq!(
            acts(&mut machine, Event::MainStopped(Sig::TSTP), MS),
            expected
        );
        let stopped = Action::Kill {
            who: Who::Group,
            signal: Sig::STOP,
        };
        let ctrl_z = acts(&mut machine, from(Sender::Terminal, Sig::TSTP), MS);
        assert_eq!(ctrl_z, if job_control { vec![stopped] } else { vec![] });
    }
}

#[test]
fn exit_codes_are_remapped() {
    let mut supervision = supervision(&Spec::default());
    supervision.exit = BTreeMap::from([(143, 0)]);
    let mut machine = running(supervision);
    acts(&mut machine, outside(Sig::TERM), secs(0));
    assert_eq!(
        acts(
            &mut machine,
            ended(Outcome::Killed(Sig::TERM), true),
            secs(1)
        ),
        [Action::Exit(0)]
    );
}
