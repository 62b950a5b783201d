//! What the ECS agent tells a task, and is asked for.

use crate::support::fake_http::{FakeHttp, Reply};
use crate::support::{Entry, wait};

const TASK: &str = r#"{"Cluster":"production","TaskARN":"arn:aws:ecs:eu-west-1:111122223333:task/production/158d1c80",
    "Family":"shop-web","Revision":"42","AvailabilityZone":"eu-west-1a","Containers":[]}"#;

fn agent(protection: &'static str) -> FakeHttp {
    FakeHttp::start(move |request, _| {
        let (status, body) = match (request.method.as_str(), request.target.as_str()) {
            ("GET", "/v4/abc/task") => (200, TASK),
            ("PUT", "/agent/task-protection/v1/state") => (200, protection),
            _ => (404, ""),
        };
        Reply::Answer(
            status,
            vec![("content-type", "application/json".into())],
            body.into(),
        )
    })
}

fn entry(agent: &FakeHttp, mode: &str) -> Entry {
    let base = agent.url();
    Entry::new()
        .env("ECS_CONTAINER_METADATA_URI_V4", format!("{base}/v4/abc"))
        .env("ECS_AGENT_URI", format!("{base}/agent"))
        .mode("job", mode)
        .args(["job"])
}

#[test]
fn the_start_line_tells_the_task() {
    let agent = agent("{}");
    let mut runs = 0;
    // The agent has half a second, which a busy machine may miss.
    let line = wait::until("the task", || {
        runs += 1;
        let line = entry(&agent, "command: 'true'")
            .run()
            .expect(0)
            .line("start");
        line.get("task").is_some().then_some(line)
    });
    assert_eq!(line["task"], "158d1c80");
    assert_eq!(line["task_definition"], "shop-web:42");
    assert_eq!(line["zone"], "eu-west-1a");
    let said = line["message"].as_str().unwrap();
    assert!(
        said.contains("; task 158d1c80 of shop-web:42 in eu-west-1a;"),
        "{said}"
    );
    // Nobody asked for protection.
    assert_eq!(agent.requests().len(), runs);
}

#[test]
fn a_task_is_protected_before_its_work_begins() {
    let agent = agent(
        r#"{"protection":{"ProtectionEnabled":true,"ExpirationDate":"2030-01-01T00:00:00Z","TaskArn":"a"}}"#,
    );
    let mode = "command: 'true'\nprotect: true\nmax_runtime: 90m";
    let done = entry(&agent, mode).run().expect(0);
    assert!(!done.stderr().contains("warning"), "{}", done.stderr());
    let requests = agent.requests();
    let asked = requests.iter().find(|one| one.method == "PUT").unwrap();
    let body: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(
        body,
        serde_json::json!({"ProtectionEnabled": true, "ExpiresInMinutes": 90})
    );
}

#[test]
fn a_refusal_is_told_and_the_work_begins() {
    let agent = agent(r#"{"failure":{"Arn":"a","Reason":"TASK_NOT_VALID"}}"#);
    let done = entry(&agent, "command: 'true'\nprotect: true")
        .run()
        .expect(0);
    let said = done.line("warning")["message"].as_str().unwrap().to_owned();
    assert_eq!(
        said,
        "mode job: protect: the task is not protected: TASK_NOT_VALID"
    );
    let outside = Entry::new()
        .mode("job", "command: 'true'\nprotect: true")
        .args(["job"]);
    let said = outside.run().expect(0).line("warning")["message"].to_string();
    assert!(said.contains("$ECS_AGENT_URI is not set"), "{said}");
}

#[test]
fn an_agent_that_hangs_delays_nobody_for_long() {
    let agent = FakeHttp::start(|_, _| Reply::Hang);
    let done = entry(&agent, "command: 'true'").run().expect(0);
    assert!(done.line("start").get("task").is_none());
}
