//! A release of the example app by `entryctl`, and the way back, under traffic.

use super::command::{Said, entryctl};
use super::{Bed, bed};
use crate::support::http;
use crate::support::proxy::Proxy;
use crate::support::traffic::{Answers, Traffic};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const FIRST: &str = "hello from production\n";
const SECOND: &str = "hello from production, the second\n";

fn deploy(bed: &Bed, commit: &str) -> Said {
    let words = ["deploy", commit, "--env", "local", "--timeout", "5m"];
    entryctl(bed, &words)
}

/// Does something under traffic, waits until only one deployment runs tasks, and returns what the clients got.
fn under_traffic(bed: &Bed, proxy: &Proxy, work: impl FnOnce()) -> Answers {
    let traffic = Traffic::start(proxy.port, 1);
    work();
    bed.ministack.until("one deployment is left", || {
        let service = bed.ministack.service(bed.cluster, "web");
        let deployments = service["deployments"].as_array()?.iter();
        let running = deployments.filter(|one| one["runningCount"] != 0);
        (running.count() == 1).then_some(())
    });
    bed.ministack
        .until("the proxy knows it, too", || balanced(bed, proxy));
    let asked = || traffic.so_far().pages.values().sum::<usize>();
    let before = asked();
    bed.ministack.until("some more requests", || {
        (asked() > before + 10).then_some(())
    });
    let answers = traffic.stop();
    assert!(answers.failed.is_empty(), "{answers:?}");
    answers
}

/// The proxy has the two tasks that run, and no others.
fn balanced(bed: &Bed, proxy: &Proxy) -> Option<()> {
    let mut taken = BTreeSet::new();
    for line in proxy.lines.so_far().lines() {
        let id = |rest: &str| rest.split(',').next().map(str::to_owned);
        if let Some(id) = line.strip_prefix("took in ").and_then(id) {
            taken.insert(id);
        } else if let Some(id) = line.strip_prefix("let go ").and_then(id) {
            taken.remove(&id);
        }
    }
    let tasks = bed.ministack.tasks(bed.cluster, "RUNNING");
    let runs = |task: &&Value| task["group"] == "service:web" && task["lastStatus"] == "RUNNING";
    let ids = tasks.iter().filter(runs).filter_map(|task| {
        let (_, id) = task["taskArn"].as_str()?.rsplit_once('/')?;
        Some(id.to_owned())
    });
    (taken.len() == 2 && ids.collect::<BTreeSet<_>>() == taken).then_some(())
}

/// Of the revision that a service runs.
fn image(bed: &Bed) -> Value {
    let service = bed.ministack.service(bed.cluster, "web");
    let asked = json!({"taskDefinition": service["taskDefinition"]});
    let told = bed.ministack.ecs("DescribeTaskDefinition", &asked);
    told["taskDefinition"]["containerDefinitions"][0]["image"].clone()
}

fn the_first(bed: &Bed) -> Proxy {
    let said = deploy(bed, "v1");
    said.ended(0)
        .shows("AddNoteToVisits: migrated")
        .shows("service web: deployed");
    let at = |text: &str| said.stdout.find(text).unwrap();
    assert!(at("CreateVisits: migrated") < at("service web: created"));
    let proxy = Proxy::start(&bed.ministack, bed.cluster, "web");
    bed.ministack
        .until("two tasks serve", || balanced(bed, &proxy));
    assert_eq!(http::get(proxy.port, "/").unwrap(), (200, FIRST.to_owned()));

    let before = bed.ministack.service(bed.cluster, "web");
    deploy(bed, "v1").ended(0).shows("nothing to change");
    let after = bed.ministack.service(bed.cluster, "web");
    assert_eq!(
        before["deployments"][0]["id"],
        after["deployments"][0]["id"]
    );
    proxy
}

fn the_second(bed: &Bed, proxy: &Proxy) {
    let answers = under_traffic(bed, proxy, || {
        deploy(bed, "v2")
            .ended(0)
            .shows("AddSeenToVisits: migrated")
            .shows("service web: deployed");
    });
    assert_eq!(
        answers.pages.keys().collect::<Vec<_>>(),
        [FIRST, SECOND],
        "{answers:?}"
    );
    the_old_ones_stopped_well(bed);
}

/// The first commit's web servers did not have to be killed.
fn the_old_ones_stopped_well(bed: &Bed) {
    let tasks = bed.ministack.tasks(bed.cluster, "STOPPED");
    let is_web = |task: &&Value| {
        task["taskDefinitionArn"]
            .to_string()
            .contains("myapp-web:1")
    };
    let old: Vec<&Value> = tasks.iter().filter(is_web).collect();
    assert_eq!(old.len(), 2, "{tasks:#?}");
    for task in old {
        let stop = bed.ministack.until("its stop line", || {
            let said = bed.ministack.said(&task["taskArn"]).concat();
            let (_, stop) = said.split_once(r#""event":"stop""#)?;
            Some(stop.lines().next()?.to_owned())
        });
        for words in [r#""forced":false"#, r#""signal":"SIGQUIT""#] {
            assert!(stop.contains(words), "{stop}");
        }
    }
}

fn the_third_does_not_start(bed: &Bed, proxy: &Proxy) {
    let answers = under_traffic(bed, proxy, || {
        deploy(bed, "broken")
            .ended(13)
            .shows("app exited with 125")
            .shows("${PAYMENTS_URL} is not set: where payments go");
    });
    assert_eq!(answers.pages.keys().collect::<Vec<_>>(), [SECOND]);
    let broken = image(bed).to_string().contains(&bed.commit("broken"));
    assert!(broken, "{}", image(bed));
}

fn back(bed: &Bed, proxy: &Proxy) {
    let answers = under_traffic(bed, proxy, || {
        let words = ["rollback", "--yes", "--env", "local"];
        entryctl(bed, &words).ended(0);
    });
    assert_eq!(answers.pages.keys().collect::<Vec<_>>(), [SECOND]);
    let second = image(bed).to_string().contains(&bed.commit("v2"));
    assert!(second, "{}", image(bed));
    let service = bed.ministack.service(bed.cluster, "web");
    assert_eq!(service["deployments"][0]["rolloutState"], "COMPLETED");
}

fn one_offs(bed: &Bed) {
    let script = "for i in $(seq 2000); do echo line $i; done; id -un; exit 3";
    let words = ["run", "--env", "local", "--", "sh", "-c", script];
    let said = entryctl(bed, &words);
    said.ended(3);
    // entry's own lines are JSON. The emulator makes an event of what it reads at once, which may end within a
    // line: every byte is there in its order, and where lines end is shown on a stand-in.
    let lines = said.stdout.lines().filter(|line| !line.starts_with('{'));
    let expected = (1..=2000).map(|number| format!("line {number}"));
    let expected = expected.collect::<Vec<_>>().concat();
    assert!(
        lines.collect::<String>() == expected + "app",
        "{}{}",
        said.stdout,
        said.stderr
    );
    entryctl(bed, &["status", "--env", "local"])
        .ended(0)
        .shows("web: ACTIVE, 2 of 2 tasks run");
}

#[test]
fn releases_go_out_and_back_without_a_failed_request() {
    let bed = bed("production");
    http::put(bed.ministack.address(), "/myapp-deploys", b"");
    let proxy = the_first(&bed);
    the_second(&bed, &proxy);
    the_third_does_not_start(&bed, &proxy);
    back(&bed, &proxy);
    one_offs(&bed);
}
