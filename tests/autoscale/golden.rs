//! The numbers of ecs_auto_scaler: sequences from its own code, and its decision tables.

use super::support::Single;

/// `u` up 1, `u2` up 2, `d` down 1, `p` down 3 whatever else fires.
const TRIGGERS: &str = "upscale_triggers: [{alarm_name: u, state: ALARM}, {alarm_name: u2, state: ALARM, step: 2}], \
    downscale_triggers: [{alarm_name: d, state: ALARM}, \
    {alarm_name: p, state: ALARM, step: 3, prioritized_over_upscale_triggers: true}]";

fn usual(more: &str) -> String {
    format!(
        "step: 1, min_task_count: 1, max_task_count: [10, 25], cooldown_time_for_reach_max: 600, \
         idle_time: 240, {TRIGGERS}{more}"
    )
}

#[test]
fn golden_sequences() {
    let usual = usual("");
    let min_4 = usual.replace("min_task_count: 1", "min_task_count: 4");
    let single = usual.replace("[10, 25]", "10");
    for (service, count, sequence) in [
        (
            &usual,
            8,
            "1:u=>9 100:u=>9 241:u=>10 481:u=>10 721:u=>10 900:u=>10 961:u=>11 1201:u=>12",
        ),
        (
            &usual,
            8,
            "1:u+d=>9 241:u+d+p=>6 481:d=>5 721:p=>2 961:p=>1 1201:p=>1",
        ),
        (&usual, 30, "1:=>25 241:=>25"),
        (&min_4, 0, "1:=>4 100:=>4"),
        (&single, 9, "1:u2=>10 241:u=>10 1000:u=>10"),
    ] {
        Single::new(service, count).follows(sequence);
    }
}

/// The text's example: the level opens only after more than 600 s at its maximum.
#[test]
fn a_schedule_passes_the_levels_unless_it_bypasses_them() {
    let scheduled = "min_task_count: 0, max_task_count: [10, 25], cooldown_time_for_reach_max: 600, \
        idle_time: 240, scheduled_min_task_count: [{from: 0:00, to: 24:00, count: 15}]";
    Single::new(scheduled, 0).follows("1:=>10 241:=>10 481:=>10 601:=>10 721:=>15");
    let bypassing = format!("{scheduled}, schedule_bypasses_levels: true");
    Single::new(&bypassing, 0).follows("1:=>15");
    // Not even the idle time holds it.
    let mut single = Single::new(&bypassing, 20);
    single.seen.desired = 16;
    single.follows("1:=>16");
    single.seen.desired = 3;
    single.follows("2:=>15");
}

#[test]
fn the_level_timer() {
    // 50 quiet minutes do not stop a sticky timer, as with ecs_auto_scaler; a sustained one they do.
    let quiet = "1:u=>10 300:=>10 3000:u=>";
    Single::new(&usual(""), 9).follows(&format!("{quiet}11"));
    let sustained = usual(", level_timer: sustained");
    Single::new(&sustained, 9).follows(&format!("{quiet}10 3240:u=>10 3480:u=>10 3720:u=>11"));
}

#[test]
fn the_order_of_downscale_triggers_means_nothing() {
    let a = "{alarm_name: a, state: ALARM, step: 3}";
    let b = "{alarm_name: b, state: ALARM, step: 1, prioritized_over_upscale_triggers: true}";
    for order in [[a, b], [b, a]] {
        let service = format!(
            "min_task_count: 0, max_task_count: 20, \
             upscale_triggers: [{{alarm_name: u, state: ALARM, step: 2}}], \
             downscale_triggers: [{}]",
            order.join(", ")
        );
        Single::new(&service, 8).follows("1:u+a+b=>7");
        Single::new(&service, 8).follows("1:a+b=>5");
        Single::new(&service, 8).follows("1:u+a=>10");
    }
}
