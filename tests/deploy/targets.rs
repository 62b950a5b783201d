//! What the load balancer says of the tasks, once ECS has finished: asked of moto.

use super::command::{Aws, ONE};
use crate::support::fake_http::{FakeHttp, Reply, Request};

fn register(aws: &Aws, group: &str, address: &str) {
    let body = format!(
        "Action=RegisterTargets&Version=2015-12-01&TargetGroupArn={group}&Targets.member.1.Id={address}&Targets.member.1.Port=3000"
    );
    aws.moto.form("elasticloadbalancing", &body);
}

fn is_about_targets(request: &Request) -> bool {
    String::from_utf8_lossy(&request.body).contains("DescribeTargetHealth")
}

#[test]
fn a_deploy_is_proven_once_every_group_has_its_healthy_targets() {
    let aws = Aws::new(&["IN_PROGRESS", "COMPLETED"]);
    let (public, inner) = (aws.target_group("public"), aws.target_group("inner"));
    register(&aws, &public, "10.0.0.1");
    let running = aws.entryctl(ONE, &["deploy"]).start();
    let waits = "service web: 2 targets are not healthy in target group inner: not registered";
    running.stdout.wait_for(waits);
    register(&aws, &inner, "10.0.0.1");
    register(&aws, &inner, "10.0.0.2");
    let waits = "service web: 1 target is not healthy in target group public: not registered";
    running.stdout.wait_for(waits);
    register(&aws, &public, "10.0.0.2");
    let said = running.finish().expect(0).stdout();
    assert!(said.ends_with("service web: deployed\n"), "{said}");
    // It is asked only where it decides.
    let asked = aws.server.requests();
    let first = asked.iter().position(is_about_targets).unwrap();
    let looks = |request: &&Request| {
        let target = request.headers.get("x-amz-target");
        target.is_some_and(|target| target.ends_with(".DescribeServices"))
    };
    let before = asked[..first].iter().filter(looks).count();
    assert_eq!(before, 3, "the plan's, one in progress, one completed");
}

#[test]
fn targets_that_stay_ill_are_a_timeout_with_their_reason() {
    let aws = Aws::new(&["COMPLETED"]);
    let group = aws.target_group("public");
    register(&aws, &group, "10.0.0.1");
    let said = aws.entryctl(ONE, &["deploy", "--timeout", "1s"]).run();
    let last = "entryctl: service web: timeout: 1 target is not healthy in target group public: not registered\n";
    let said = said.expect(12).stderr();
    assert!(said.ends_with(last), "{said}");
}

#[test]
fn a_target_group_that_is_gone_has_no_healthy_target() {
    let aws = Aws::new(&["COMPLETED"]);
    let group = aws.target_group("public");
    register(&aws, &group, "10.0.0.1");
    register(&aws, &group, "10.0.0.2");
    aws.registers_in(&group.replace("public", "gone"));
    let said = aws.entryctl(ONE, &["deploy", "--timeout", "1s"]).run();
    let last = "entryctl: service web: timeout: 2 targets are not healthy in target group gone: it does not exist\n";
    let said = said.expect(12).stderr();
    assert!(said.ends_with(last), "{said}");
}

/// A role that may not ask is told so once, and loses nothing else.
#[test]
fn without_the_permission_it_is_ecs_s_word() {
    for groups in [&["public"][..], &["public", "inner"]] {
        is_ecs_s_word(groups);
    }
}

fn is_ecs_s_word(groups: &[&str]) {
    let aws = Aws::new(&["COMPLETED"]);
    for group in groups {
        aws.target_group(group);
    }
    let (address, ecs) = (aws.moto.address(), aws.server.address());
    let server = FakeHttp::start(move |request, _| {
        if is_about_targets(request) {
            let body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not allowed</Message></Error></ErrorResponse>";
            Reply::Answer(403, vec![("content-type", "text/xml".into())], body.into())
        } else if request.headers.contains_key("x-amz-target") {
            Reply::Forward(ecs)
        } else {
            Reply::Forward(address)
        }
    });
    let said = super::cli::entryctl(&server.url(), ONE, &["deploy"])
        .run()
        .expect(0);
    // Nobody said that a target is ill.
    assert!(!said.stdout().contains("not healthy"), "{}", said.stdout());
    let told: Vec<String> = said.stderr().lines().map(str::to_owned).collect();
    let about = |line: &&String| line.contains("DescribeTargetHealth");
    let about: Vec<&String> = told.iter().filter(about).collect();
    assert_eq!(about.len(), 1, "{told:?}");
    let (start, end) = (
        "entryctl: warning: elasticloadbalancing:DescribeTargetHealth arn:",
        ": the wait goes on without it",
    );
    assert!(
        about[0].starts_with(start) && about[0].ends_with(end),
        "{told:?}"
    );
    assert!(about[0].contains("access denied"), "{told:?}");
}
