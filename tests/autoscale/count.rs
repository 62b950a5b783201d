//! A service's count: doubt, deploys, pace, capacity, and what was done by others.

use super::support::{Single, at, config};
use entry::autoscale::decide::{Lease, Memory, Snapshot, decide};
use std::sync::Arc;

const BASE: &str = "min_task_count: 2, max_task_count: 20, step: 2, idle_time: 60, \
    upscale_triggers: [{alarm_name: u, state: ALARM}], \
    downscale_triggers: [{alarm_name: d, state: ALARM}]";

fn with(more: &str) -> String {
    format!("{BASE}{more}")
}

#[test]
fn an_unknown_alarm_holds() {
    let mut single = Single::new(BASE, 8);
    // Neither trigger's alarm may be unknown for a step down; a step up needs its own alone.
    single.follows("1:u?+d=>8 2:d?=>8 3:u+d?=>10 100:d=>8");
    single.poll(200, &["u?", "d"]);
    assert_eq!(single.said(), "not scaled in, alarm u is unknown");
    // Not even down to the maximum.
    Single::new(BASE, 30).follows("1:u?=>30 2:=>20");
}

#[test]
fn no_data_holds_if_asked_to() {
    Single::new(BASE, 8).follows("1:u-+d=>6");
    let mut single = Single::new(&with(", insufficient_data: hold"), 8);
    single.follows("1:u-+d=>8 2:d=>6");
    // A trigger that names the state means it.
    let named = "min_task_count: 0, max_task_count: 9, step: 1, insufficient_data: hold, \
        downscale_triggers: [{alarm_name: d, state: INSUFFICIENT_DATA}]";
    Single::new(named, 8).follows("1:d-=>7");
}

#[test]
fn a_fallback_lifts_when_alarms_stay_unknown() {
    let mut single = Single::new(&with(", fallback: {after: 5m, count: 12}"), 4);
    single.follows("0:u?=>4 299:u?=>4 300:u?=>12 301:=>12 400:d=>10");
    let mut single = Single::new(&with(", fallback: {after: 5m, count: 12}"), 4);
    single.follows("0:u?=>4 200:=>4 300:d?=>4 599:d?=>4 600:d?=>12");
    let said = "4 → 12 tasks: alarms are unknown, and 12 tasks are safe; \
        not scaled in, alarm d is unknown";
    assert_eq!(single.said(), said);
}

#[test]
fn a_deployment_is_not_scaled_in() {
    let mut single = Single::new(BASE, 8);
    single.seen.deploying = true;
    single.follows("1:d=>8 2:u=>10 100:d=>10");
    assert_eq!(single.said(), "not scaled in during a deployment");
    single.seen.deploying = false;
    single.follows("101:d=>8");
}

#[test]
fn a_lease_is_respected_until_it_ends() {
    let mut single = Single::new(BASE, 8);
    single.seen.lease = Some(Lease {
        holder: Arc::from("deploy 4711"),
        until: at(300),
    });
    single.follows("1:u=>8 2:d=>8 299:u=>8");
    assert!(
        single.said().starts_with("left to deploy 4711 until 2026-"),
        "{}",
        single.said()
    );
    single.follows("300:u=>10");
}

#[test]
fn stabilization_asks_for_the_least_of_the_window() {
    let down = ", scale_in: {stabilization: 2m}";
    Single::new(&with(down), 8).follows("0:d=>8 60:d=>8 119:d=>8 120:d=>6 180:d=>4");
    // One poll without it begins anew; so does a gap of a whole window.
    Single::new(&with(down), 8).follows("0:d=>8 60:d=>8 90:=>8 120:d=>8 200:d=>8 240:d=>6");
    Single::new(&with(down), 8).follows("0:d=>8 300:d=>8 360:d=>8 420:d=>6");
    // Up, it is the smallest step that was asked for all the time.
    let up = "min_task_count: 0, max_task_count: 20, scale_out: {stabilization: 1m}, idle_time: 0, \
        upscale_triggers: [{alarm_name: u, state: ALARM, step: 1}, {alarm_name: v, state: ALARM, step: 5}]";
    Single::new(up, 4).follows("0:v=>4 30:u=>4 60:v=>5 90:v=>6 120:v=>11");
    let mut single = Single::new(&with(down), 8);
    single.poll(0, &["d"]);
    assert_eq!(single.said(), "-2 is not asked for long enough");
}

#[test]
fn rates_hold_what_triggers_ask_for() {
    let rates = ", scale_out: {rates: [{tasks: 5, per: 10m}, {percent: 50, per: 1h}]}";
    let service = with(rates).replace("idle_time: 60", "idle_time: 0");
    // 8 + 50 % are 12, and no more within the hour.
    Single::new(&service, 8).follows("0:u=>10 60:u=>12 120:u=>12 3599:u=>12 3600:u=>14");
    let mut single = Single::new(&service, 8);
    single.follows("0:u=>10 60:u=>12 120:u=>12");
    assert_eq!(single.said(), "+2 is more than the rates allow");
    // What the minimum asks for is not held.
    single.seen.desired = 0;
    single.follows("180:=>2");
    // Of one task half is still one.
    let one = service.replace("min_task_count: 2", "min_task_count: 0");
    Single::new(&one, 1).follows("0:u=>2");
}

#[test]
fn scheduled_maxima_cut_and_extend_levels() {
    let levels = "min_task_count: 0, max_task_count: [10, 25], cooldown_time_for_reach_max: 600, step: 9, \
        idle_time: 0, upscale_triggers: [{alarm_name: u, state: ALARM}], \
        scheduled_max_task_count: [{from: 0:00, to: 12:00, count: COUNT}]";
    let schedule = |count: &str| levels.replace("COUNT", count);
    Single::new(&schedule("5"), 1).follows("0:u=>5 1000:u=>5");
    Single::new(&schedule("5"), 9).follows("0:=>5");
    Single::new(&schedule("12"), 9).follows("0:u=>10 601:u=>12");
    Single::new(&schedule("40"), 24).follows("0:u=>33 1:u=>40 2:u=>40");
}

#[test]
fn what_others_do_is_seen() {
    let mut single = Single::new(BASE, 8);
    single.follows("0:u=>10");
    // The update never arrived: it is asked for again at once.
    single.seen.desired = 8;
    single.poll(30, &["u"]);
    assert!(
        single.said().ends_with("the change to 10 never arrived"),
        "{}",
        single.said()
    );
    assert_eq!(single.seen.desired, 10);
    single.follows("60:=>10");
    // Somebody else sets another count: it stays for the idle time, as after a change of our own.
    single.seen.desired = 5;
    single.follows("90:u=>5 149:u=>5 150:u=>7");
    // Under the minimum it is lifted, as soon as it may.
    single.follows("180:=>7");
    single.seen.desired = 0;
    single.follows("210:=>0 270:=>2");
}

#[test]
fn tasks_of_a_scale_in_hold_the_next_but_no_rise() {
    let mut single = Single::new(BASE, 8);
    single.follows("0:d=>6");
    single.seen.running = 8;
    single.follows("30:d=>6 90:d=>6");
    assert_eq!(
        single.said(),
        "tasks of the last scale-in are still running"
    );
    single.seen.running = 6;
    // The idle time begins when they were last seen.
    single.follows("120:d=>6 149:d=>6 150:d=>4");
    single.seen.running = 6;
    single.follows("180:u=>4 210:u=>6");
}

#[test]
fn a_clock_that_is_put_back_makes_no_wait_longer() {
    let mut single = Single::new(BASE, 8);
    single.follows("100000:u=>10 10:u=>10 70:u=>12");
}

#[test]
fn a_missing_service_is_left_alone() {
    let config = config(&format!(
        "simple_scaling: [{{name: g, services: [{{name: s, {BASE}}}]}}]"
    ));
    let decision = decide(&config, &Snapshot::default(), Memory::default(), at(0));
    assert!(decision.actions.is_empty());
    let said: Vec<String> = decision
        .reasons
        .iter()
        .map(|one| format!("{}: {}", one.subject, one.why))
        .collect();
    assert_eq!(
        said,
        ["service default/s: not answered for, or not active: left alone"]
    );
}
