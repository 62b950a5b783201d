//! The commands themselves: against moto, and against answers that moto does not give.

use crate::aws::store::{make, members, reply};
use crate::support::fake_http::{FakeHttp, Reply, Request};
use crate::support::moto::Moto;
use crate::support::terminal::Terminal;
use crate::support::{Entry, Finished, binary};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::process::Command;

const TARGET: &str = "AmazonEC2ContainerServiceV20141113";

pub const FILE: &str = "\
cluster: main
region: us-east-1
image: app:${SHA}
tasks:
  web:
    cpu: 256
    memory: 512
    container_definitions:
      - name: app
        port_mappings: [{container_port: 3000}]
        environment: {B: two, A: one}
        docker_labels: {my_label: x_y}
  job: {containerDefinitions: [{name: app, memory: 128, command: [sidekiq]}]}
services:
  web: {desired_count: 2, tags: {team: rails}}
  job: {desired_count: 1, wave: 2}
";

pub fn entryctl(url: &str, file: &str, words: &[&str]) -> Entry {
    Entry::of(Command::new(binary("entryctl")))
        .file("deploy.yml", file)
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_ACCESS_KEY_ID", "AKIDTEST")
        .env("AWS_SECRET_ACCESS_KEY", "canary-secret-key")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("SHA", "0123abc")
        .args(words)
}

fn ran(url: &str, file: &str, words: &[&str]) -> Finished {
    entryctl(url, file, words).run()
}

#[track_caller]
fn plan(url: &str, file: &str) -> String {
    let finished = ran(url, file, &["plan"]).expect(0);
    assert_eq!(finished.stderr(), "");
    finished.stdout()
}

/// Moto, and a proxy before it that counts.
pub struct Stage {
    pub moto: Moto,
    pub proxy: FakeHttp,
}

impl Stage {
    pub fn new() -> Stage {
        let moto = Moto::start();
        let address = moto.address();
        let proxy = FakeHttp::start(move |_, _| Reply::Forward(address));
        let stage = Stage { moto, proxy };
        stage.call("CreateCluster", &json!({"clusterName": "main"}));
        stage
    }

    fn call(&self, operation: &str, body: &Value) -> Value {
        make(&self.moto.url(), &format!("{TARGET}.{operation}"), body)
    }

    /// The calls since `before` of them.
    fn calls(&self, before: usize) -> BTreeMap<String, usize> {
        let mut calls = BTreeMap::new();
        for request in &self.proxy.requests()[before..] {
            *calls.entry(operation(request)).or_default() += 1;
        }
        calls
    }

    /// Carries out the requests of a plan, as they stand in its JSON.
    fn apply(&self, file: &str) {
        let plan = ran(&self.proxy.url(), file, &["plan", "--json"]).expect(0);
        let plan: Value = serde_json::from_str(&plan.stdout()).unwrap();
        let mut arns = BTreeMap::new();
        for step in plan["taskDefinitions"].as_array().unwrap() {
            let arn = if step["action"] == "register" {
                let reply = self.call("RegisterTaskDefinition", &step["request"]);
                reply["taskDefinition"]["taskDefinitionArn"].clone()
            } else {
                step["arn"].clone()
            };
            arns.insert(step["name"].as_str().unwrap().to_owned(), arn);
        }
        for step in plan["services"].as_array().unwrap() {
            let mut request = step["request"].clone();
            request["taskDefinition"] = match step["taskDefinition"]["newOf"].as_str() {
                Some(name) => arns[name].clone(),
                None => step["taskDefinition"].clone(),
            };
            match step["action"].as_str().unwrap() {
                "create" => drop(self.call("CreateService", &request)),
                "update" => {
                    if request["taskDefinition"].is_null() {
                        request.as_object_mut().unwrap().remove("taskDefinition");
                    }
                    self.call("UpdateService", &request);
                }
                "unchanged" => {}
                other => panic!("{other}"),
            }
        }
    }
}

pub fn operation(request: &Request) -> String {
    let target = &request.headers["x-amz-target"];
    target.rsplit('.').next().unwrap().to_owned()
}

#[test]
fn moto_s_services_are_planned_made_and_unchanged() {
    let stage = Stage::new();
    let url = stage.proxy.url();
    let first = plan(&url, FILE);
    assert!(
        first.ends_with("2 task definitions to register, 2 services to create\n"),
        "{first}"
    );
    stage.apply(FILE);

    let before = stage.proxy.requests().len();
    assert_eq!(
        plan(&url, FILE),
        "task web: no change, web:1\ntask job: no change, job:1\nservice web: no change\n\
         service job: no change\nnothing to change\n"
    );
    // No write, and no call more than it needs.
    let calls = stage.calls(before);
    let expected = [("DescribeServices", 1), ("DescribeTaskDefinition", 2)];
    assert_eq!(
        calls,
        expected
            .map(|(name, count)| (name.to_owned(), count))
            .into()
    );

    let changed = FILE
        .replace("B: two", "B: three")
        .replace("desired_count: 2", "desired_count: 3");
    let expected = "\
task web: register, changed since web:1
  ~ containerDefinitions[app].environment[B]: \"two\" -> \"three\"
task job: no change, job:1
service web: update
  ~ taskDefinition: \"web:1\" -> \"the new one of web\"
  ~ desiredCount: 2 -> 3
service job: no change
1 task definition to register, 1 service to update
";
    assert_eq!(plan(&url, &changed), expected);
    stage.apply(&changed);
    assert!(plan(&url, &changed).ends_with("\nnothing to change\n"));
    // Back to what was there before: the revision is there, but not the latest, so a new one is made.
    assert!(plan(&url, FILE).contains("task web: register, changed since web:2\n"));
}

/// A deploy that ended between registration and update: the next one uses what is there.
#[test]
fn a_revision_that_nothing_runs_yet_is_found() {
    let stage = Stage::new();
    stage.apply(FILE);
    let changed = FILE.replace("B: two", "B: three");
    let url = stage.proxy.url();
    let planned = ran(&url, &changed, &["plan", "--json"]).expect(0);
    let planned: Value = serde_json::from_str(&planned.stdout()).unwrap();
    stage.call(
        "RegisterTaskDefinition",
        &planned["taskDefinitions"][0]["request"],
    );
    let found = plan(&url, &changed);
    let expected = "\
task web: no change, web:2
task job: no change, job:1
service web: update
  ~ taskDefinition: \"web:1\" -> \"web:2\"
service job: no change
1 service to update
";
    assert_eq!(found, expected);
}

#[test]
fn moto_s_status() {
    let stage = Stage::new();
    stage.apply(FILE);
    let url = stage.proxy.url();
    let before = stage.proxy.requests().len();
    let said = ran(&url, FILE, &["status"]).expect(0).stdout();
    let lines: Vec<&str> = said.lines().collect();
    // moto starts no task by itself.
    assert_eq!(lines[0], "web: ACTIVE, 0 of 2 tasks run, web:1", "{said}");
    assert!(lines[1].starts_with("  ecs-svc/"), "{said}");
    assert!(lines[1].contains(" PRIMARY web:1 "), "{said}");
    let calls = stage.calls(before);
    assert_eq!(calls["DescribeServices"], 1);

    let said = ran(&url, FILE, &["status", "web", "--json"])
        .expect(0)
        .stdout();
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(said.as_array().unwrap().len(), 1);
    assert_eq!(said[0]["name"], "web");
    assert_eq!(
        (&said[0]["desired"], &said[0]["running"]),
        (&json!(2), &json!(0))
    );

    let wrong = ran(&url, FILE, &["status", "wep"]).expect(1);
    assert_eq!(
        wrong.stderr(),
        "entryctl: deploy.yml: no service \"wep\", did you mean \"web\"? services: job, web\n"
    );
    let more = FILE.to_owned() + "  other: {task: job, desired_count: 1}\n";
    let missing = ran(&url, &more, &["status"]).expect(1);
    let lines = missing.stdout();
    assert_eq!(
        lines
            .lines()
            .filter(|line| *line == "other: not there")
            .count(),
        1,
        "{lines}"
    );
    assert_eq!(
        missing.stderr(),
        "entryctl: not in the cluster main: other\n"
    );
}

/// Services that fail, as AWS shows them and moto does not.
fn failing(request: &Request) -> Reply {
    let asked = members(request);
    let deployment = json!({
        "id": "ecs-svc/2", "status": "PRIMARY", "taskDefinition": "arn:x/web:2", "desiredCount": 2,
        "runningCount": 0, "pendingCount": 1, "failedTasks": 2, "rolloutState": "IN_PROGRESS",
        "createdAt": 1_700_000_000.5,
    });
    let task = |id: &str, by: &str| {
        json!({
            "taskArn": format!("arn:task/main/{id}"), "startedBy": by,
            "stopCode": "EssentialContainerExited",
            "stoppedReason": "Essential container in task exited",
            "containers": [{"name": "app", "exitCode": 7}],
        })
    };
    match operation(request).as_str() {
        "DescribeServices" => {
            assert_eq!(asked["include"], json!(["TAGS"]));
            reply(&json!({"services": [{
                "serviceName": "web", "status": "ACTIVE", "taskDefinition": "arn:x/web:2",
                "desiredCount": 2, "runningCount": 1, "pendingCount": 1, "deployments": [deployment],
                "events": [{"id": "1", "createdAt": 1_700_000_100.25, "message": "(service web) is \u{1b}[31munhappy."}],
            }]}))
        }
        "ListTasks" if asked["nextToken"].is_null() => {
            assert_eq!(asked["desiredStatus"], "STOPPED");
            reply(&json!({"taskArns": ["arn:task/main/1"], "nextToken": "more"}))
        }
        "ListTasks" => reply(&json!({"taskArns": ["arn:task/main/2", "arn:task/main/3"]})),
        "DescribeTasks" => {
            assert_eq!(asked["tasks"].as_array().unwrap().len(), 3);
            let tasks = [
                task("1", "ecs-svc/2"),
                task("2", "ecs-svc/2"),
                task("3", "ecs-svc/1"),
            ];
            reply(&json!({"tasks": tasks}))
        }
        "ListServiceDeployments" => {
            assert_eq!(asked["maxResults"], 2);
            let one = |arn: &str| json!({"serviceDeploymentArn": arn});
            reply(&json!({"serviceDeployments": [one("d2"), one("d1")]}))
        }
        "DescribeServiceDeployments" => {
            assert_eq!(asked["serviceDeploymentArns"], json!(["d2", "d1"]));
            let one = |arn: &str, status: &str, revision: &str| {
                json!({"serviceDeploymentArn": arn, "status": status,
                    "targetServiceRevision": {"arn": revision}})
            };
            let all = [
                one("d1", "SUCCESSFUL", "r1"),
                one("d2", "IN_PROGRESS", "r2"),
            ];
            reply(&json!({"serviceDeployments": all}))
        }
        "DescribeServiceRevisions" => {
            let one = |arn: &str, definition: &str| json!({"serviceRevisionArn": arn, "taskDefinition": definition});
            let all = [one("r2", "arn:x/web:2"), one("r1", "arn:x/web:1")];
            reply(&json!({"serviceRevisions": all}))
        }
        other => panic!("{other}"),
    }
}

const ONE: &str =
    "cluster: main\nregion: us-east-1\nservices: {web: {taskDefinition: \"web:2\"}}\n";

#[test]
fn a_status_tells_why_tasks_stopped() {
    let server = FakeHttp::start(|request, _| failing(request));
    let said = ran(&server.url(), ONE, &["status", "--deployments", "2"]).expect(0);
    assert_eq!(
        said.stdout(),
        "web: ACTIVE, 1 of 2 tasks run, web:2\n  \
           ecs-svc/2 PRIMARY web:2 IN_PROGRESS 0/2, 2 failed\n  \
           stopped: 2 tasks: Essential container in task exited; app exited with 7 (1)\n  \
           deployment IN_PROGRESS web:2\n  \
           deployment SUCCESSFUL web:1\n  \
           2023-11-14T22:15:00Z (service web) is  [31munhappy.\n"
    );
    let said = ran(
        &server.url(),
        ONE,
        &["status", "--json", "--deployments", "2"],
    )
    .expect(0);
    let said: Value = serde_json::from_str(&said.stdout()).unwrap();
    assert_eq!(said[0]["stopped"][0]["tasks"], 2);
    assert_eq!(said[0]["deployments"][0]["failed"], 2);
    assert_eq!(
        said[0]["lastDeployments"][1]["taskDefinition"],
        "arn:x/web:1"
    );
}

/// AWS shows a service for some time after it was deleted.
#[test]
fn a_deleted_service_is_not_there() {
    let server = FakeHttp::start(|_, _| {
        reply(&json!({"services": [{"serviceName": "web", "status": "INACTIVE"}]}))
    });
    let said = ran(&server.url(), ONE, &["status"]).expect(1);
    assert_eq!(said.stdout(), "web: not there\n");
    assert_eq!(said.stderr(), "entryctl: not in the cluster main: web\n");
}

#[test]
fn twenty_five_services_are_three_calls() {
    let names: Vec<String> = (0..25).map(|number| format!("s{number:02}")).collect();
    let mut file = "cluster: main\nregion: us-east-1\nservices:\n".to_owned();
    for name in &names {
        writeln!(file, "  {name}: {{taskDefinition: \"web:2\"}}").unwrap();
    }
    let server = FakeHttp::start(|request, _| {
        assert_eq!(operation(request), "DescribeServices");
        let asked = members(request)["services"].as_array().unwrap().clone();
        assert!(asked.len() <= 10);
        let services: Vec<Value> = asked
            .iter()
            .map(|name| json!({"serviceName": name, "status": "ACTIVE", "taskDefinition": "arn:a/web:2"}))
            .collect();
        reply(&json!({"services": services}))
    });
    let said = plan(&server.url(), &file);
    assert!(said.ends_with("\nnothing to change\n"), "{said}");
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_failure_names_call_and_object() {
    let denied = FakeHttp::start(|_, _| {
        Reply::error(400, "AccessDeniedException", "User: x is not authorized")
    });
    let said = ran(&denied.url(), ONE, &["plan"]).expect(1);
    assert_eq!(
        said.stderr(),
        "entryctl: ecs:DescribeServices web: access denied: User: x is not authorized \
         (AccessDeniedException); allow ecs:DescribeServices on it in the role's policy\n"
    );
    assert!(!said.stderr().contains("canary"));
    // A throttle passes, and another reason than MISSING is an error.
    let server = FakeHttp::start(|_, number| match number {
        0 => Reply::error(400, "ThrottlingException", "Rate exceeded"),
        _ => reply(&json!({"failures": [{"arn": "arn:web", "reason": "ODD"}]})),
    });
    let said = ran(&server.url(), ONE, &["plan"]).expect(1);
    assert_eq!(
        said.stderr(),
        "entryctl: ecs:DescribeServices arn:web: failed: ODD\n"
    );
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn what_cannot_be_done_is_an_error_behind_the_plan() {
    let server = FakeHttp::start(|_, _| reply(&json!({"failures": [{"reason": "MISSING"}]})));
    let said = ran(&server.url(), ONE, &["plan"]).expect(1);
    assert_eq!(said.stdout(), "service web: no change\nnothing to change\n");
    assert_eq!(
        said.stderr(),
        "entryctl: service web: it does not exist yet: write desiredCount, with how many tasks it begins\n"
    );
}

#[test]
fn a_terminal_has_colors() {
    let stage = Stage::new();
    let entry = entryctl(&stage.moto.url(), FILE, &["plan"]);
    let (process, terminal) = Terminal::spawn(&entry.command);
    let shown = terminal.screen.wait_for("desiredCount: 2");
    assert!(
        shown.starts_with("\u{1b}[32m  + desiredCount: 2\u{1b}[0m"),
        "{shown:?}"
    );
    terminal.screen.wait_for("services to create");
    drop(process);
}

#[test]
fn check_asks_nothing_of_aws() {
    let server = FakeHttp::start(|_, _| Reply::Hang);
    let said = ran(&server.url(), FILE, &["deploy", "check"]).expect(0);
    assert_eq!(
        said.stdout(),
        "deploy.yml: fine: 2 tasks, 2 services, 0 scheduled tasks\n"
    );
    let wrong = FILE.replace("cluster: main", "clutser: main");
    let said = ran(&server.url(), &wrong, &["deploy", "check"]).expect(1);
    assert_eq!(
        said.stderr(),
        "entryctl: deploy.yml:1:1: cluster is missing, write the name of the services' cluster\n\
         entryctl: deploy.yml:1:1: clutser: unknown key, did you mean \"cluster\"? known keys: after, \
         before, cluster, image, lock, pin, region, scheduled_tasks, services, state, tasks\n"
    );
    let said = entryctl(
        &server.url(),
        FILE,
        &["deploy", "check", "--env", "production"],
    )
    .file(
        "deploy.production.yml",
        "services: {web: {desired_cont: 3}}\n",
    )
    .run()
    .expect(0);
    assert_eq!(
        said.stdout(),
        "deploy.yml (production): fine: 2 tasks, 2 services, 0 scheduled tasks\n"
    );
    assert_eq!(
        said.stderr(),
        "entryctl: warning: deploy.production.yml:1:18: services.web: desiredCont is not known here, \
         it is passed on as it is; did you mean desiredCount?\n"
    );
    assert_eq!(server.requests().len(), 0);
}

/// `${SHA}` is the commit that is named, else the variable, else HEAD.
#[test]
fn a_plan_is_for_a_commit() {
    let server = FakeHttp::start(|request, _| match operation(request).as_str() {
        "DescribeServices" => reply(&json!({"services": []})),
        _ => Reply::error(
            400,
            "ClientException",
            "Unable to describe task definition.",
        ),
    });
    let file = "cluster: main\nregion: us-east-1\nimage: \"app:${SHA}\"\n\
        tasks: {web: {containerDefinitions: [{name: app}]}}\n";
    let image = |entry: Entry| {
        let said = entry.run().expect(0).stdout();
        let plan: Value = serde_json::from_str(&said).unwrap();
        let request = &plan["taskDefinitions"][0]["request"];
        request["containerDefinitions"][0]["image"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let entry = || entryctl(&server.url(), file, &["plan", "--json"]);
    assert_eq!(image(entry()), "app:0123abc");

    let repository = |entry: &Entry| {
        let git = |words: &[&str]| {
            let output = Command::new("git")
                .args(["-c", "user.name=a", "-c", "user.email=a@b"])
                .args(words)
                .current_dir(entry.folder())
                .output()
                .unwrap();
            assert!(output.status.success(), "{words:?} {output:?}");
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        git(&["init", "-q"]);
        git(&["commit", "-q", "--allow-empty", "-m", "one"]);
        git(&["tag", "v1"]);
        git(&["commit", "-q", "--allow-empty", "-m", "two"]);
        (git(&["rev-parse", "v1"]), git(&["rev-parse", "HEAD"]))
    };
    let at_head = entry();
    let (_, head) = repository(&at_head);
    let mut at_head = at_head;
    at_head.command.env_remove("SHA");
    assert_eq!(image(at_head), format!("app:{head}"));
    let at_tag = entry();
    let (tag, _) = repository(&at_tag);
    assert_eq!(image(at_tag.args(["v1"])), format!("app:{tag}"));
    let said = entry().args(["--", "--help"]).run().expect(1);
    assert_eq!(
        said.stderr(),
        "entryctl: git has no commit \"--help\" here: fetch it, or check the name\n"
    );
}
