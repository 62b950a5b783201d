//! `entryctl autoscale`, run as a program.

use crate::support::binary;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn entryctl(folder: &Path, args: &[&str]) -> Output {
    Command::new(binary("entryctl"))
        .arg("autoscale")
        .args(args)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap()
}

fn said(output: &Output) -> (String, String, Option<i32>) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        text(&output.stdout),
        text(&output.stderr),
        output.status.code(),
    )
}

const FILE: &str = "simple_scaling: [{name: g, cluster: c, services: [{name: '<s>', min_task_count: 1, \
    max_task_count: 3, step: 1, upscale_triggers: [{alarm_name: a&b, state: ALARM}]}]}]\n";

const TRACE: &str = "from: 2026-06-01\nto: 2026-06-01 1:00\ntime_zone: Asia/Tokyo\n\
    alarms: [{at: 0:10, alarm: a&b, state: ALARM}, {at: 0:11, alarm: a&b, state: UNKNOWN}]\n";

#[test]
fn check_tells_all_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("good.yml", FILE);
    let good = said(&entryctl(folder.path(), &["check", "good.yml"]));
    assert_eq!(
        good,
        (
            "good.yml: fine: 1 service in 1 group\n".to_owned(),
            String::new(),
            Some(0)
        )
    );
    write("warned.yml", &FILE.replace("cluster: c, ", ""));
    let (out, err, code) = said(&entryctl(folder.path(), &["check", "warned.yml"]));
    assert_eq!(
        (out.as_str(), code),
        ("warned.yml: fine: 1 service in 1 group\n", Some(0))
    );
    assert_eq!(
        err,
        "entryctl: warning: warned.yml:1:18: simple_scaling[0]: without cluster, it is the one named \
         default, write it: nodes of another cluster look as if they ran nothing\n"
    );
    write(
        "bad.yml",
        &FILE
            .replace("step: 1", "step: 0")
            .replace("min_task_count: 1", "min_task_count: 4"),
    );
    let (out, err, code) = said(&entryctl(folder.path(), &["check", "bad.yml"]));
    assert_eq!((out.as_str(), code), ("", Some(1)));
    assert_eq!(
        err,
        "entryctl: bad.yml:1:51: simple_scaling[0].services[0]: min_task_count 4 is more than \
         max_task_count 3, lower the one or raise the other\n\
         entryctl: bad.yml:1:109: simple_scaling[0].services[0].step: \"0\" is no whole number from 1 to \
         100000\n"
    );
    let (_, err, code) = said(&entryctl(folder.path(), &["check", "none.yml"]));
    assert_eq!(code, Some(1));
    assert_eq!(
        err,
        "entryctl: none.yml: cannot be read: No such file or directory (os error 2)\n"
    );
    assert_eq!(said(&entryctl(folder.path(), &["check"])).2, Some(2));
    let zone = Command::new(binary("entryctl"))
        .args(["autoscale", "check", "good.yml"])
        .current_dir(folder.path())
        .env("TZ", "Mars")
        .output()
        .unwrap();
    let (_, err, code) = said(&zone);
    assert_eq!(code, Some(1));
    assert_eq!(
        err,
        "entryctl: good.yml:1:1: $TZ names no time zone, write time_zone: with an IANA name, such as \
         Europe/Berlin\n"
    );
}

#[test]
fn simulate_shows_a_table_json_or_a_chart() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.yml"), FILE).unwrap();
    fs::write(folder.path().join("t.yml"), TRACE).unwrap();
    let run = |more: &[&str]| {
        let usual = ["simulate", "--config", "a.yml", "--trace", "t.yml"];
        said(&entryctl(folder.path(), &[&usual, more].concat()))
    };
    let (table, err, code) = run(&[]);
    assert_eq!((err.as_str(), code), ("", Some(0)));
    assert_eq!(
        table,
        "time                 what           action       why\n\
         2026-06-01 00:10:00  service c/<s>  1 → 2 tasks  alarm a&b is ALARM\n\
         2026-06-01 00:11:00  service c/<s>  –            not scaled in, alarm a&b is unknown\n"
    );
    let (json, ..) = run(&["--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["polls"], 121);
    assert_eq!(json["events"][0]["at"], "2026-05-31T15:10:00Z");
    assert_eq!(json["events"][1]["action"], serde_json::Value::Null);
    let desired = &json["services"]["service c/<s>"]["desired"];
    assert_eq!(desired[0]["value"], 1);
    assert_eq!(desired[1]["value"], 2);
    assert_eq!(desired[1]["from"], "2026-05-31T15:10:00Z");
    let states = json["alarms"]["alarm a&b"].as_array().unwrap();
    let states: Vec<&str> = states
        .iter()
        .map(|one| one["value"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["OK", "ALARM", "UNKNOWN"]);
    assert_eq!(
        run(&["--svg", "o.svg"]),
        (String::new(), String::new(), Some(0))
    );
    let chart = fs::read_to_string(folder.path().join("o.svg")).unwrap();
    assert_eq!(run(&["--svg", "-"]).0, chart);
    assert!(
        chart.contains("service c/&lt;s&gt;") && chart.contains("alarm a&amp;b: UNKNOWN"),
        "{chart}"
    );
    // A picture's grammar, by a real reader of XML.
    let read = "import sys, xml.dom.minidom as d; d.parse(sys.argv[1])";
    let parsed = Command::new("python3")
        .args(["-c", read])
        .arg(folder.path().join("o.svg"))
        .status();
    assert!(parsed.unwrap().success());
    assert_eq!(run(&["--svg", "o.svg", "--json"]).2, Some(2));
}

#[test]
fn a_bad_trace_tells_all_at_once() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.yml"), FILE).unwrap();
    let trace = "from: 2026-06-02\nto: 2026-06-01\nservices: {t: 1}\ngroups: {g: {zones: []}}\n\
        alarms: [{at: noon, alarm: a, state: ALARMED}]\n";
    fs::write(folder.path().join("t.yml"), trace).unwrap();
    let (out, err, code) = said(&entryctl(
        folder.path(),
        &["simulate", "--config", "a.yml", "--trace", "t.yml"],
    ));
    assert_eq!((out.as_str(), code), ("", Some(1)));
    assert_eq!(
        err,
        "entryctl: t.yml:1:1: from and to are not a period of at most a year, write the earlier first\n\
         entryctl: t.yml:3:12: services.t: not in the file, services of the file: <s>\n\
         entryctl: t.yml:4:21: groups.g.zones: empty list, write a zone\n\
         entryctl: t.yml:5:15: alarms[0].at: \"noon\" is no time, write it like 2026-03-28 9:00\n\
         entryctl: t.yml:5:28: alarms[0].alarm: no trigger has the alarm \"a\", alarms of the file: a&b\n\
         entryctl: t.yml:5:38: alarms[0].state: \"ALARMED\" is no state of an alarm, did you mean \"ALARM\"? \
         known: ALARM, INSUFFICIENT_DATA, OK, UNKNOWN\n"
    );
    // The last day that can be counted has no next.
    fs::write(
        folder.path().join("t.yml"),
        "from: 9999-12-30\nto: 9999-12-31\n",
    )
    .unwrap();
    let (_, err, code) = said(&entryctl(
        folder.path(),
        &["simulate", "--config", "a.yml", "--trace", "t.yml"],
    ));
    assert_eq!(code, Some(1));
    assert_eq!(
        err,
        "entryctl: t.yml:1:7: from: \"9999-12-30\" is no time, write it like 2026-03-28 9:00\n\
         entryctl: t.yml:2:5: to: \"9999-12-31\" is no time, write it like 2026-03-28 9:00\n"
    );
}
