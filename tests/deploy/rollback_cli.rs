//! `entryctl rollback` as it is run: what was left goes last and under the lock, and it can be taken up again.

use super::cli::{entryctl, operation};
use crate::aws::store::reply;
use crate::support::fake_http::{FakeHttp, Reply, Request};
use crate::support::http;
use crate::support::moto::Moto;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};

const FILE: &str = "\
cluster: main
region: us-east-1
image: app:${SHA}
state: s3://state/deploys
tasks: {web: {containerDefinitions: [{name: app, memory: 128}]}}
services: {web: {desired_count: 2}}
";

fn arn(revision: u32) -> String {
    format!("arn:aws:ecs:us-east-1:1:task-definition/web:{revision}")
}

/// A service that runs its second revision, until it is told to go back.
struct Ecs {
    back: AtomicBool,
    /// A task of that revision runs.
    held: bool,
    /// What the way back comes to.
    state: &'static str,
}

impl Ecs {
    fn service(&self) -> Value {
        let (revision, state) = if self.back.load(Ordering::SeqCst) {
            (1, self.state)
        } else {
            (2, "COMPLETED")
        };
        let id = format!("ecs-svc/{revision}");
        json!({"serviceName": "web", "status": "ACTIVE", "desiredCount": 1, "runningCount": 1,
            "clusterArn": "arn:aws:ecs:us-east-1:1:cluster/main", "taskDefinition": arn(revision),
            "deployments": [{"id": id, "status": "PRIMARY", "taskDefinition": arn(revision),
                "rolloutState": state, "desiredCount": 1, "runningCount": 1, "createdAt": 1.0}]})
    }

    fn answer(&self, request: &Request) -> Reply {
        let input: Value = serde_json::from_slice(&request.body).unwrap();
        let answer = match operation(request).as_str() {
            "DescribeServices" => json!({"services": [self.service()]}),
            "UpdateService" => {
                self.back.store(true, Ordering::SeqCst);
                json!({"service": self.service()})
            }
            "DescribeTaskDefinition" => {
                let definition = json!({"family": "web", "status": "ACTIVE",
                    "taskDefinitionArn": input["taskDefinition"], "containerDefinitions": []});
                json!({"taskDefinition": definition})
            }
            "ListTaskDefinitions" => json!({"taskDefinitionArns": [arn(2), arn(1)]}),
            "ListServices" => json!({"serviceArns": ["arn:x/web"]}),
            "ListRuleNamesByTarget" => json!({"RuleNames": []}),
            "DescribeClusters" => {
                json!({"clusters": [{"clusterArn": "arn:aws:ecs:us-east-1:1:cluster/main"}]})
            }
            "ListTasks" if self.held && input["family"] == "web" => json!({"taskArns": ["t/1"]}),
            "ListTasks" => json!({"taskArns": []}),
            "DescribeTasks" => json!({"tasks": [{"taskArn": "t/1", "taskDefinitionArn": arn(2)}]}),
            "DeregisterTaskDefinition" => json!({}),
            _ => return Reply::error(400, "AccessDeniedException", "not allowed"),
        };
        reply(&answer)
    }
}

/// The service, and moto for the rest.
fn server(moto: &Moto, held: bool, state: &'static str) -> FakeHttp {
    http::put(moto.address(), "/state", b"");
    let address = moto.address();
    let ecs = Ecs {
        back: AtomicBool::new(false),
        held,
        state,
    };
    FakeHttp::start(move |request, _| {
        if request.headers.contains_key("x-amz-target") {
            ecs.answer(request)
        } else {
            Reply::Forward(address)
        }
    })
}

/// What was asked for, in its order: operations, and the objects that were written with what is in them.
fn went_back(held: bool) -> (String, Vec<String>) {
    let moto = Moto::start();
    let server = server(&moto, held, "COMPLETED");
    let words = ["rollback", "--yes", "--deregister"];
    let said = entryctl(&server.url(), FILE, &words).run().expect(0);
    let asked = server.requests().into_iter().filter_map(|request| {
        if request.headers.contains_key("x-amz-target") {
            return Some(operation(&request));
        }
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let what = match request.target.as_str() {
            path if path.contains("/locks/") && body.contains("\"released\": true") => "released",
            path if path.contains("/locks/") => "locked",
            _ => "recorded",
        };
        (request.method == "PUT").then(|| what.to_owned())
    });
    (said.stdout() + &said.stderr(), asked.collect())
}

#[test]
fn it_is_deregistered_before_the_lock_is_given_back() {
    let (said, asked) = went_back(false);
    assert!(said.contains("deregistered web:2\n"), "{said}");
    // The choice is made again under the lock, and warns once.
    assert_eq!(said.matches("put together from").count(), 1, "{said}");
    let place = |what: &str| asked.iter().rposition(|one| one == what);
    let gone = place("DeregisterTaskDefinition").unwrap();
    assert_eq!(asked[gone - 1], "recorded", "{asked:?}");
    assert!(gone < place("released").unwrap(), "{asked:?}");
    assert!(place("UpdateService").unwrap() < gone);
}

#[test]
fn what_a_task_runs_stays() {
    let (said, asked) = went_back(true);
    let line =
        "web:2 is not deregistered: not all services have come back, or something refers to it";
    assert!(said.contains(line), "{said}");
    let is_write = |one: &String| one == "DeregisterTaskDefinition";
    assert!(!asked.iter().any(is_write), "{asked:?}");
}

/// What comes after a deploy is no part of going back, and the next deploy does not find it owed.
#[test]
fn a_rollback_that_is_not_proven_leaves_no_task_to_be_run() {
    let moto = Moto::start();
    let server = server(&moto, false, "FAILED");
    let file = format!("{FILE}after: [{{task: web, command: warm}}]\n");
    entryctl(&server.url(), &file, &["rollback", "--yes"])
        .run()
        .expect(13);
    let shown = entryctl(&server.url(), &file, &["lock", "--show", "--json"]);
    let record: Value = serde_json::from_str(&shown.run().expect(0).stdout()).unwrap();
    assert_eq!(record["released"], true);
    assert_eq!(record["kept"], json!({"services": []}));
}

/// Whatever became of it in between: what is there already is waited for, and holds up nothing.
#[test]
fn a_rollback_to_a_revision_can_be_run_again() {
    for (state, code) in [("COMPLETED", 0), ("IN_PROGRESS", 12), ("FAILED", 13)] {
        let moto = Moto::start();
        let server = server(&moto, false, state);
        let words = ["rollback", "--to", "1", "--yes", "--timeout", "1s"];
        let ran = || entryctl(&server.url(), FILE, &words).run().expect(code);
        let said = ran().stdout();
        assert!(said.starts_with("service web: web:2 -> web:1\n"), "{said}");
        let again = ran().stdout();
        let line = "service web: no change, web:1 runs already\n";
        assert!(again.starts_with(line), "{again}");
        let updates = server.requests().into_iter().filter(|request| {
            request.headers.contains_key("x-amz-target") && operation(request) == "UpdateService"
        });
        assert_eq!(updates.count(), 1, "{state}");
    }
}
