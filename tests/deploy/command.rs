//! `entryctl deploy`, `lock` and `unlock` as they are run: against moto, and against a service that rolls out as told.

use super::cli::{FILE, Stage, entryctl, operation};
use crate::aws::store::reply;
use crate::support::Entry;
use crate::support::fake_http::{FakeHttp, Reply, Request};
use crate::support::http;
use crate::support::moto::Moto;
use nix::sys::signal::Signal;
use regex::Regex;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

pub const ONE: &str = "\
cluster: main
region: us-east-1
image: app:${SHA}
tasks: {web: {containerDefinitions: [{name: app, memory: 128}]}}
services: {web: {desired_count: 2}}
";

fn arn(revision: u32) -> String {
    format!("arn:aws:ecs:us-east-1:1:task-definition/web:{revision}")
}

/// The service `web`, whose next deployment goes through these states of a rollout, one a look, and stays in the last.
struct Web {
    states: Vec<&'static str>,
    updated: bool,
    /// ARNs of its target groups.
    groups: Vec<String>,
    /// Somebody else registers the family meanwhile.
    contended: bool,
}

impl Web {
    fn service(&mut self) -> Value {
        let deployment = |id: &str, revision, state: &str| {
            let running = if state == "COMPLETED" { 2 } else { 0 };
            let failed = if state == "FAILED" { 3 } else { 0 };
            json!({"id": id, "status": "PRIMARY", "taskDefinition": arn(revision), "rolloutState": state,
                "rolloutStateReason": "as the test says", "desiredCount": 2, "runningCount": running,
                "failedTasks": failed, "createdAt": 1.0})
        };
        let one = if self.updated {
            let state = self.states[0];
            if self.states.len() > 1 {
                self.states.remove(0);
            }
            deployment("ecs-svc/2", 2, state)
        } else {
            deployment("ecs-svc/1", 1, "COMPLETED")
        };
        let balancer =
            |group| json!({"targetGroupArn": group, "containerName": "app", "containerPort": 3000});
        let balancers: Vec<Value> = self.groups.iter().map(balancer).collect();
        json!({"serviceName": "web", "status": "ACTIVE", "desiredCount": 2, "runningCount": 2,
            "loadBalancers": balancers, "taskDefinition": one["taskDefinition"], "deployments": [one], "events": []})
    }

    fn answer(&mut self, request: &Request) -> Reply {
        let container = json!({"name": "app", "image": "app:old", "memory": 128});
        let definition = json!({"family": "web", "taskDefinitionArn": arn(1), "containerDefinitions": [container]});
        match operation(request).as_str() {
            "DescribeServices" => reply(&json!({"services": [self.service()]})),
            "DescribeTaskDefinition" => reply(&json!({"taskDefinition": definition})),
            "RegisterTaskDefinition" if std::mem::take(&mut self.contended) => Reply::error(
                400,
                "ClientException",
                "Too many concurrent attempts to create a new revision of the specified family.",
            ),
            "RegisterTaskDefinition" => {
                reply(&json!({"taskDefinition": {"taskDefinitionArn": arn(2)}}))
            }
            "UpdateService" => {
                self.updated = true;
                let states = self.states.clone();
                let service = self.service();
                self.states = states;
                reply(&json!({"service": service}))
            }
            "ListTasks" => reply(&json!({"taskArns": []})),
            _ => Reply::error(400, "AccessDeniedException", "not allowed"),
        }
    }
}

/// ECS as above; everything else goes to moto.
pub struct Aws {
    pub moto: Moto,
    web: Arc<Mutex<Web>>,
    pub server: FakeHttp,
    /// What else goes to moto is not answered from now on.
    silent: Arc<AtomicBool>,
}

impl Aws {
    pub fn new(states: &[&'static str]) -> Aws {
        let moto = Moto::start();
        http::put(moto.address(), "/state", b"");
        let address = moto.address();
        let states = states.to_vec();
        let web = Arc::new(Mutex::new(Web {
            states,
            updated: false,
            groups: Vec::new(),
            contended: false,
        }));
        let answering = web.clone();
        let silent = Arc::new(AtomicBool::new(false));
        let hangs = silent.clone();
        let server = FakeHttp::start(move |request, _| {
            if request.headers.contains_key("x-amz-target") {
                answering.lock().unwrap().answer(request)
            } else if hangs.load(Ordering::SeqCst) {
                Reply::Hang
            } else {
                Reply::Forward(address)
            }
        });
        Aws {
            moto,
            web,
            server,
            silent,
        }
    }

    /// From now on it has a target group of this name; its ARN.
    pub fn target_group(&self, name: &str) -> String {
        let arn = self.moto.target_group(name, "TargetType=ip");
        self.registers_in(&arn);
        arn
    }

    /// The service has this target group, whether that is there or not.
    pub fn registers_in(&self, group: &str) {
        self.web.lock().unwrap().groups.push(group.to_owned());
    }

    pub fn entryctl(&self, file: &str, words: &[&str]) -> Entry {
        entryctl(&self.server.url(), file, words)
            .env("USER", "ann")
            .env("NO_COLOR", "1")
    }
}

const NO_STATE: &str = "entryctl: warning: there is no state: in the file, so nothing keeps two deploys from running at once\n";

const PLANNED: &str = "\
task web: register, changed since web:1
  ~ containerDefinitions[app].image: \"app:old\" -> \"app:0123abc\"
service web: update
  ~ taskDefinition: \"web:1\" -> \"the new one of web\"
1 task definition to register, 1 service to update
";

#[test]
fn a_deploy_says_what_it_does_and_how_it_ended() {
    let aws = Aws::new(&["COMPLETED"]);
    let said = aws.entryctl(ONE, &["deploy", "--dry-run"]).run().expect(0);
    assert_eq!(
        (said.stdout(), said.stderr()),
        (PLANNED.to_owned(), String::new())
    );
    let said = aws.entryctl(ONE, &["deploy"]).run().expect(0);
    let rest = "\
task web: registered web:2
service web: updated to web:2, deployment ecs-svc/2
service web: deployed
";
    assert_eq!(said.stdout(), format!("{PLANNED}{rest}"));
    let denied = "entryctl: warning: ecs:ListServiceDeployments web: access denied: not allowed \
        (AccessDeniedException); allow ecs:ListServiceDeployments on it in the role's policy: the wait goes on without it\n";
    assert_eq!(said.stderr(), format!("{NO_STATE}{denied}"));
}

#[test]
fn a_family_that_another_registers_too_is_waited_for() {
    let aws = Aws::new(&["COMPLETED"]);
    aws.web.lock().unwrap().contended = true;
    let said = aws.entryctl(ONE, &["deploy"]).run().expect(0);
    let registered = "task web: registered web:2\n";
    assert!(said.stdout().contains(registered), "{}", said.stdout());
    assert!(!aws.web.lock().unwrap().contended);
}

#[test]
fn events_are_json_one_a_line() {
    let aws = Aws::new(&["COMPLETED"]);
    let said = aws.entryctl(ONE, &["deploy", "--json"]).run().expect(0);
    let events: Vec<Value> = said
        .stdout()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let kinds: Vec<&str> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "planned",
            "registered",
            "changed",
            "warning",
            "ended",
            "done"
        ]
    );
    assert_eq!(events[4]["outcome"], "deployed");
    assert_eq!(
        (&events[5]["code"], &events[5]["error"]),
        (&json!(0), &json!(null))
    );
    assert!(events.iter().all(|event| event["at"].is_string()));
}

#[test]
fn a_failed_deployment_has_its_exit_code() {
    let aws = Aws::new(&["FAILED"]);
    let said = aws.entryctl(ONE, &["deploy"]).run().expect(13);
    assert!(
        said.stdout()
            .ends_with("service web: its tasks do not start\n"),
        "{}",
        said.stdout()
    );
    let last = "entryctl: service web: its tasks do not start\n";
    assert!(said.stderr().ends_with(last), "{}", said.stderr());
    // Nothing changed since: the failure is no success.
    let plan = aws.entryctl(ONE, &["deploy", "--json"]).run().expect(13);
    let done = plan.stdout();
    let done: Value = serde_json::from_str(done.lines().last().unwrap()).unwrap();
    assert_eq!(done["code"], 13);
    assert_eq!(done["error"], "service web: its tasks do not start");
}

#[test]
fn ctrl_c_ends_it_and_gives_the_lock_back() {
    let aws = Aws::new(&["IN_PROGRESS"]);
    let file = format!("{ONE}state: s3://state/deploys\n");
    let running = aws.entryctl(&file, &["deploy", "--message", "v2"]).start();
    running.stdout.wait_for("service web: 0 of 2 tasks run");
    let held = aws
        .entryctl(&file, &["lock", "--show"])
        .run()
        .expect(0)
        .stdout();
    let pattern =
        Regex::new(r"^lock main: held by ann@\S+ since \S+, until \S+, web, v2\n$").unwrap();
    assert!(pattern.is_match(&held), "{held}");
    // Another one is refused, and takes nothing away.
    let said = aws.entryctl(&file, &["deploy"]).run().expect(1);
    assert!(
        said.stderr()
            .starts_with("entryctl: lock main: held by ann@"),
        "{}",
        said.stderr()
    );
    assert!(said.stderr().contains(" (v2); "), "{}", said.stderr());
    let said = aws.entryctl(&file, &["unlock"]).run().expect(1);
    assert!(
        said.stderr().contains("it is not yours, --force takes it"),
        "{}",
        said.stderr()
    );

    running.signal(Signal::SIGINT);
    let said = running.finish().expect(130);
    let told = "entryctl: interrupted: what was begun goes on at ECS, the same command again takes it up\n";
    assert!(said.stderr().ends_with(told), "{}", said.stderr());
    let shown = aws.entryctl(&file, &["lock", "--show"]).run().expect(0);
    assert_eq!(shown.stdout(), "lock main: free\n");
}

/// Giving the lock back takes too long for somebody in a hurry.
#[test]
fn a_second_ctrl_c_ends_it_at_once() {
    let aws = Aws::new(&["IN_PROGRESS"]);
    let file = format!("{ONE}state: s3://state/deploys\n");
    let running = aws.entryctl(&file, &["deploy"]).start();
    running.stdout.wait_for("service web: 0 of 2 tasks run");
    aws.silent.store(true, Ordering::SeqCst);
    running.signal(Signal::SIGINT);
    running.stderr.wait_for("entryctl: interrupted: ending");
    running.signal(Signal::SIGINT);
    let said = running.finish().expect(130);
    let last = "and leaves the lock to end by itself\n";
    assert!(said.stderr().ends_with(last), "{}", said.stderr());
}

#[test]
fn a_person_holds_the_lock() {
    let aws = Aws::new(&["COMPLETED"]);
    let file = format!("{ONE}state: s3://state/deploys\nlock: freeze\n");
    let held =
        Regex::new(r"^lock freeze: held by ann@\S+ since \S+, until \S+, holidays\n$").unwrap();
    for _ in 0..2 {
        let words = ["lock", "--message", "holidays", "--for", "2h"];
        let said = aws.entryctl(&file, &words).run().expect(0).stdout();
        assert!(held.is_match(&said), "{said}");
    }
    let said = aws.entryctl(&file, &["deploy"]).run().expect(1);
    assert_eq!(said.stdout(), "");
    let other = aws
        .entryctl(&file, &["unlock"])
        .env("USER", "bob")
        .run()
        .expect(1);
    assert!(
        other.stderr().contains("it is not yours"),
        "{}",
        other.stderr()
    );
    let shown = aws
        .entryctl(&file, &["lock", "--show", "--json"])
        .run()
        .expect(0)
        .stdout();
    let record: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(record["message"], "holidays");
    let said = aws
        .entryctl(&file, &["unlock", "--force"])
        .env("USER", "bob")
        .run()
        .expect(0);
    assert_eq!(said.stdout(), "lock freeze: given back\n");
    let said = aws.entryctl(&file, &["unlock"]).run().expect(0);
    assert_eq!(said.stdout(), "lock freeze: free already\n");
    let said = aws.entryctl(&file, &["deploy"]).run().expect(0);
    assert!(
        said.stdout().starts_with("lock freeze: taken\n"),
        "{}",
        said.stdout()
    );
    let said = aws.entryctl(ONE, &["lock"]).run().expect(1);
    assert_eq!(
        said.stderr(),
        "entryctl: deploy.yml: state is missing: write state: s3://BUCKET/PREFIX, where the lock is kept\n"
    );
}

/// On a terminal each service has a line of its own below, as long as it is under way.
#[test]
fn a_terminal_shows_what_is_under_way() {
    let aws = Aws::new(&["IN_PROGRESS", "IN_PROGRESS", "COMPLETED"]);
    let (running, terminal) = aws.entryctl(ONE, &["deploy"]).start_on_terminal();
    terminal.screen.wait_for_text("web: 0 of 2 tasks run", 1);
    terminal.screen.wait_for("service web: deployed");
    running.finish().expect(0);
}

/// Moto makes services and lets them be: what is sent can be seen in what it has then.
#[test]
fn moto_s_services_are_created_updated_and_deleted() {
    let stage = Stage::new();
    let url = stage.proxy.url();
    let ran = |file: &str, words: &[&str]| entryctl(&url, file, words).run();
    let said = ran(FILE, &["deploy", "--no-wait"]).expect(0).stdout();
    let pattern = "(?s)\ntask web: registered web:1\ntask job: registered job:1\nservice web: created with web:1, \
        deployment ecs-svc/[0-9]+\nservice job: created with job:1, deployment ecs-svc/[0-9]+\n$";
    assert!(Regex::new(pattern).unwrap().is_match(&said), "{said}");
    let said = ran(FILE, &["plan"]).expect(0).stdout();
    assert!(said.ends_with("nothing to change\n"), "{said}");

    let changed = FILE
        .replace("B: two", "B: three")
        .replace("team: rails", "team: ruby");
    let said = ran(&changed, &["deploy", "--no-wait", "--services", "job"])
        .expect(0)
        .stdout();
    assert!(said.ends_with("nothing to change\n"), "{said}");
    let said = ran(&changed, &["deploy", "--no-wait"]).expect(0).stdout();
    let rest = "\ntask web: registered web:2\nservice web: tagged\nservice web: updated to web:2\n";
    assert!(said.ends_with(rest), "{said}");
    assert!(
        ran(&changed, &["plan"])
            .expect(0)
            .stdout()
            .ends_with("nothing to change\n")
    );

    let less = changed.replace("job: {desired_count: 1, wave: 2}", "job: {delete: true}");
    let said = ran(&less, &["deploy", "--no-wait"]).expect(1);
    assert!(
        said.stderr()
            .ends_with("entryctl: job would be deleted: say --yes if that is meant\n")
    );
    let said = ran(&less, &["deploy", "--no-wait", "--yes"])
        .expect(0)
        .stdout();
    assert!(said.ends_with("service job: deleted\n"), "{said}");
    assert!(
        ran(&less, &["plan"])
            .expect(0)
            .stdout()
            .ends_with("nothing to change\n")
    );
    let said = ran(FILE, &["deploy", "--services", "web,jb"]).expect(1);
    assert_eq!(said.stderr(), "entryctl: deploy.yml: no service \"jb\"\n");
}
