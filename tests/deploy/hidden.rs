//! What a plan never shows: values that are in no file, and may be secrets.

use super::loaded;
use entry::deploy::config::Config;
use entry::deploy::plan::{Paint, Plan, Revision, Running, plan};
use serde_json::{Value, json};

const FILE: &str = "\
cluster: main
tasks:
  web:
    containerDefinitions:
      - {name: app, image: a, environment: {OPEN: shown, PASSWORD: canary-one}}
      - {name: side, image: b, environment: {TOKEN: canary-two}}
services: {web: {desired_count: 1}}
";

fn config(text: &str) -> Config {
    loaded(&[("deploy.yml", text)], None)
}

/// The plan where the other file runs.
fn planned(text: &str, runs: &str) -> Plan {
    let mut running = Running::default();
    for task in config(runs).tasks {
        let mut definition = task.request;
        let arn = format!("arn:aws:ecs:r:1:task-definition/{}:1", task.family);
        definition.insert("taskDefinitionArn".to_owned(), arn.clone().into());
        let revisions = running.definitions.entry(task.family).or_default();
        revisions.push(Revision { arn, definition });
    }
    plan(&config(text), &running)
}

fn shown(plan: &Plan) -> String {
    plan.lines(Paint::Plain) + &plan.json().to_string()
}

/// Who moves a password to `secrets` is not thanked with it in the log of a job.
#[test]
fn a_variable_that_goes_away_is_told_without_its_value() {
    let moved = FILE.replace(
        "environment: {OPEN: shown, PASSWORD: canary-one}",
        "environment: {OPEN: other}, secrets: {PASSWORD: /app/password}",
    );
    let plan = planned(&moved, FILE);
    let said = shown(&plan);
    assert!(!said.contains("canary-one"), "{said}");
    let lines = plan.lines(Paint::Plain);
    for line in [
        "  ~ containerDefinitions[app].environment[OPEN]: \"shown\" -> \"other\"\n",
        "  - containerDefinitions[app].environment[PASSWORD]: \"***\"\n",
        "  + containerDefinitions[app].secrets[PASSWORD]: \"/app/password\"\n",
    ] {
        assert!(lines.contains(line), "{lines}");
    }
}

#[test]
fn a_container_that_goes_away_is_told_without_its_values() {
    let less = FILE.replace(
        "      - {name: side, image: b, environment: {TOKEN: canary-two}}\n",
        "",
    );
    let plan = planned(&less, FILE);
    let said = shown(&plan);
    assert!(said.contains("- containerDefinitions[side]: {"), "{said}");
    assert!(
        said.contains("TOKEN") && !said.contains("canary-two"),
        "{said}"
    );
}

/// One that comes is in the file, and is shown.
#[test]
fn what_the_file_says_is_shown() {
    let less = FILE.replace(", PASSWORD: canary-one", "");
    let plan = planned(FILE, &less);
    let lines = plan.lines(Paint::Plain);
    let line = "  + containerDefinitions[app].environment[PASSWORD]: \"canary-one\"\n";
    assert!(lines.contains(line), "{lines}");
    let step: &Value = &plan.json()["taskDefinitions"][0];
    assert_eq!(step["changes"][0]["to"], "canary-one");
    let app = &step["request"]["containerDefinitions"][0];
    let password = json!({"name": "PASSWORD", "value": "canary-one"});
    let sent = app["environment"].as_array().unwrap();
    assert!(sent.contains(&password), "{app}");
}
