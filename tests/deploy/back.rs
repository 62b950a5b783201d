//! Going back: what is chosen for services and rules, and what may go away afterwards.

use super::answers::{Answers, calls, deadline, error, on_runtime};
use super::history::{arn, definition, service, sha, told};
use super::loaded;
use crate::support::fake_http::{FakeHttp, Reply};
use crate::support::{Entry, Finished, binary};
use entry::aws::{Ecs, Kind, Rule};
use entry::deploy::config::Config;
use entry::deploy::plan::{Definition, Paint, ServiceAction};
use entry::deploy::rollback::{
    Back, Choice, Ended, To, and_there, choice, moves, of_the_same_commit, plan, referred, retired,
    rules,
};
use entry::deploy::schedules::{Moved, requests};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

const CLUSTER: &str = "arn:aws:ecs:us-east-1:1:cluster/main";

fn back(from: u32, to: u32) -> Back {
    Back {
        service: "web".to_owned(),
        from: arn(from),
        from_sha: Some(sha(from)),
        to: arn(to),
        to_sha: Some(sha(to)),
    }
}

#[test]
fn what_served_before_is_chosen_with_its_commit() {
    let history = told(
        3,
        &[
            (1, "SUCCESSFUL"),
            (2, "ROLLBACK_SUCCESSFUL"),
            (3, "SUCCESSFUL"),
        ],
    );
    assert_eq!(
        choice(&history, &To::LastGood),
        Ok(Choice::Back(back(3, 1)))
    );
    // What fails just now, too.
    let history = told(3, &[(1, "SUCCESSFUL"), (3, "IN_PROGRESS")]);
    assert_eq!(
        choice(&history, &To::LastGood),
        Ok(Choice::Back(back(3, 1)))
    );
    // Either of tag and argument may be the shorter one.
    for word in [sha(1), sha(1)[..9].to_owned(), sha(1) + "00"] {
        assert_eq!(
            choice(&history, &To::Sha(word)),
            Ok(Choice::Back(back(3, 1)))
        );
    }
}

/// `entryctl deploy || entryctl rollback --yes` after ECS's own rollback must not go one further back.
#[test]
fn what_ecs_went_back_from_is_left_already() {
    let stay = Ok(Choice::Stay {
        service: "web".to_owned(),
        runs: arn(2),
        failed: arn(3),
    });
    for status in ["ROLLBACK_SUCCESSFUL", "ROLLBACK_IN_PROGRESS", "STOPPED"] {
        let history = told(2, &[(1, "SUCCESSFUL"), (2, "SUCCESSFUL"), (3, status)]);
        assert_eq!(choice(&history, &To::LastGood), stay, "{status}");
        // Who counts steps means it.
        assert_eq!(
            choice(&history, &To::Steps(1)),
            Ok(Choice::Back(back(2, 1)))
        );
    }
    // A later deployment that served is one to go back from.
    let history = told(2, &[(1, "SUCCESSFUL"), (3, "STOPPED"), (2, "SUCCESSFUL")]);
    assert_eq!(
        choice(&history, &To::LastGood),
        Ok(Choice::Back(back(2, 1)))
    );
    // What failed runs still.
    let history = told(3, &[(2, "SUCCESSFUL"), (3, "ROLLBACK_FAILED")]);
    assert_eq!(
        choice(&history, &To::LastGood),
        Ok(Choice::Back(back(3, 2)))
    );
    // Put together from the service: the way back is a deployment of its own there.
    let mut history = told(2, &[(1, "SUCCESSFUL"), (3, "STOPPED"), (2, "SUCCESSFUL")]);
    history.guessed = Some("denied".to_owned());
    assert_eq!(choice(&history, &To::LastGood), stay);
}

/// A rollback of several services that was broken off, and is run again.
#[test]
fn what_is_there_already_holds_up_no_other() {
    let there = |number| {
        Ok(Choice::There {
            service: "web".to_owned(),
            runs: arn(number),
        })
    };
    // Nobody knows yet whether it serves.
    let history = told(
        1,
        &[(1, "SUCCESSFUL"), (3, "SUCCESSFUL"), (1, "IN_PROGRESS")],
    );
    for to in [
        To::Revision("1".to_owned()),
        To::Revision("web:1".to_owned()),
        To::Sha(sha(1)[..9].to_owned()),
    ] {
        assert_eq!(choice(&history, &to), there(1), "{to:?}");
    }
    // Steps are counted from what runs.
    assert!(choice(&history, &To::Steps(1)).is_err());

    let choices = [there(1).unwrap()];
    let plan = and_there(plan(&config(), &[], &[], &[]), &config(), &choices);
    assert_eq!(
        plan.lines(Paint::Plain),
        "service web: no change\nnothing to change\n"
    );
    assert_eq!(plan.services[0].wave, 2);
}

#[test]
fn what_cannot_go_back_says_why() {
    let mut history = told(3, &[(3, "SUCCESSFUL")]);
    assert_eq!(
        choice(&history, &To::LastGood).unwrap_err(),
        "web: nothing is known of what ran before web:3: name a revision with --to"
    );
    history = told(3, &[(1, "SUCCESSFUL"), (3, "SUCCESSFUL")]);
    history.entries[1].active = false;
    assert_eq!(
        choice(&history, &To::LastGood).unwrap_err(),
        "web: web:1 was deregistered, and cannot run again: deploy its commit"
    );
    history.entries[1].active = true;
    let controller = json!({"type": "CODE_DEPLOY"});
    history
        .described
        .insert("deploymentController".to_owned(), controller);
    assert_eq!(
        choice(&history, &To::LastGood).unwrap_err(),
        "web: its deployments are made by CODE_DEPLOY, not by ECS: go back with that"
    );
    history.described.remove("deploymentController");
    history
        .described
        .insert("status".to_owned(), "DRAINING".into());
    assert_eq!(
        choice(&history, &To::LastGood).unwrap_err(),
        "web: it is being deleted"
    );
}

const FILE: &str = "\
cluster: main
region: us-east-1
image: app:1
tasks:
  web: {containerDefinitions: [{name: app, memory: 64}]}
  batch: {containerDefinitions: [{name: app, memory: 64}]}
services:
  web: {desiredCount: 2, wave: 2, deploymentConfiguration: {maximumPercent: 150}}
  other: {taskDefinition: \"other:1\"}
scheduled_tasks:
  nightly: {schedule: rate(1 day), task: web}
  reports: {schedule: rate(1 day), task: batch}
";

fn config() -> Config {
    loaded(&[("deploy.yml", FILE)], None)
}

fn target(id: &str, definition: &str) -> Map<String, Value> {
    let target = json!({"Id": id, "Arn": CLUSTER, "RetryPolicy": {"MaximumRetryAttempts": 0},
        "EcsParameters": {"TaskDefinitionArn": definition, "TaskCount": 2}});
    target.as_object().unwrap().clone()
}

fn rule(targets: &[(&str, &str)]) -> Rule {
    Rule {
        rule: Map::new(),
        targets: targets
            .iter()
            .map(|(id, definition)| target(id, definition))
            .collect(),
    }
}

fn batch(number: u32) -> String {
    format!("arn:aws:ecs:us-east-1:1:task-definition/batch:{number}")
}

#[test]
fn a_plan_goes_back_with_definitions_and_pins_and_nothing_else() {
    let backs = [back(3, 1)];
    let rules = [
        // Made by hand, with a second target for another revision.
        (
            "by-hand".to_owned(),
            rule(&[("a", &arn(3)), ("b", &arn(2)), ("c", &batch(3))]),
        ),
        ("old".to_owned(), rule(&[("a", &arn(2))])),
    ];
    let plan = plan(&config(), &backs, &rules, &moves(&backs));
    assert_eq!(
        plan.lines(Paint::Plain),
        "service web: update\n  ~ taskDefinition: \"web:3\" -> \"web:1\"\nschedule by-hand: update\n  \
         ~ taskDefinition: \"web:3\" -> \"web:1\"\n1 service to update, 1 schedule to update\n"
    );
    assert_eq!(plan.services[0].wave, 2);
    let ServiceAction::Update {
        request,
        definition,
        tags,
        ..
    } = &plan.services[0].action
    else {
        panic!();
    };
    assert_eq!(
        Value::Object(request.clone()),
        json!({"cluster": "main", "service": "web"})
    );
    assert_eq!(*definition, Some(Definition::Arn(arn(1))));
    assert!(tags.is_empty() && plan.before.is_empty() && plan.definitions.is_empty());
    // Only the one target is written, with all that it had.
    let all = requests(&plan.scheduled[0], &|_| None).unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(
        Value::Object(all[0].members.clone()),
        json!({"Rule": "by-hand", "Targets": [target("a", &arn(1))]})
    );
}

/// Rules, and the definitions that they pin: batch:9 is of the commit that is left, batch:7 of the one before.
fn world(action: &str, input: &Value) -> Value {
    let text = |key: &str| input[key].as_str().unwrap_or_default().to_owned();
    match action {
        "events:ListRuleNamesByTarget" => {
            assert_eq!(text("TargetArn"), CLUSTER);
            match text("NextToken").as_str() {
                "" => json!({"RuleNames": ["nightly"], "NextToken": "more"}),
                _ => json!({"RuleNames": ["reports", "foreign"]}),
            }
        }
        "events:ListTargetsByRule" => {
            let pinned = match text("Rule").as_str() {
                "nightly" => arn(3),
                _ => batch(9),
            };
            json!({"Targets": [target("t", &pinned)]})
        }
        "ecs:ListTaskDefinitions" => {
            assert_eq!(text("familyPrefix"), "batch");
            json!({"taskDefinitionArns": [batch(9), batch(8), batch(7)]})
        }
        "ecs:DescribeTaskDefinition" => {
            let name = text("taskDefinition");
            let of = match name.rsplit('/').next().unwrap() {
                "batch:9" | "web:3" => 3,
                "batch:8" => 2,
                "batch:7" => 1,
                other => panic!("{other}"),
            };
            json!({"taskDefinition": definition(of), "tags": []})
        }
        "ecs:ListServices" => json!({"serviceArns": ["arn:x/web", "arn:x/canary"]}),
        "ecs:DescribeServices" => {
            let mut canary = service(2);
            canary["serviceName"] = "canary".into();
            canary["deployments"][0]["taskDefinition"] = arn(4).into();
            json!({"services": [service(1), canary]})
        }
        "ecs:ListTasks" => {
            assert_eq!(text("family"), "web");
            json!({"taskArns": ["t/1"]})
        }
        "ecs:DescribeTasks" => json!({"tasks": [{"taskArn": "t/1", "taskDefinitionArn": arn(5)}]}),
        other => panic!("{other}"),
    }
}

#[test]
fn the_file_s_schedules_of_the_same_commit_go_back_too() {
    let answers = Answers::new(|action: &str, input: &Value| Ok(world(action, input)));
    let ecs = Ecs::new(&answers);
    let backs = [back(3, 1)];
    let config = config();
    let found = on_runtime(rules(CLUSTER, &ecs, deadline())).unwrap();
    let names: Vec<&str> = found.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names, ["nightly", "reports", "foreign"]);
    let more = of_the_same_commit(&config, &backs, &found, &ecs, deadline());
    let (more, lost) = on_runtime(more).unwrap();
    let moved = Moved {
        from: batch(9),
        to: batch(7),
    };
    assert_eq!((more.as_slice(), lost.len()), (&[moved][..], 0));
    // Of a commit that is not left, nothing moves, and where there is no revision of the commit, that is told.
    let other = [back(2, 1)];
    let more = of_the_same_commit(&config, &other, &found, &ecs, deadline());
    assert_eq!(on_runtime(more).unwrap(), (vec![], vec![]));
    let unknown = [back(3, 9)];
    let more = of_the_same_commit(&config, &unknown, &found, &ecs, deadline());
    assert_eq!(
        on_runtime(more).unwrap(),
        (vec![], vec!["reports".to_owned()])
    );
}

#[test]
fn what_services_rules_and_tasks_refer_to_is_found() {
    let answers = Answers::new(|action: &str, input: &Value| Ok(world(action, input)));
    let families = BTreeSet::from(["web".to_owned()]);
    let ecs = Ecs::new(&answers);
    let found = referred("main", CLUSTER, &families, &ecs, deadline());
    let found = on_runtime(found).unwrap();
    let expected = [arn(1), arn(2), arn(3), arn(4), arn(5), batch(9)];
    assert_eq!(found, expected.into());
    assert_eq!(answers.counts()["events:ListRuleNamesByTarget"], 2);
}

#[test]
fn only_what_nothing_refers_to_is_retired() {
    let mut two = back(3, 1);
    two.service = "worker".to_owned();
    let backs = [back(3, 1), two];
    let good = |_: &str| Ended::Good;
    let free = BTreeSet::from([arn(1)]);
    assert_eq!(retired(&backs, &good, &free), [arn(3)]);
    let held = BTreeSet::from([arn(1), arn(3)]);
    assert_eq!(retired(&backs, &good, &held), [] as [String; 0]);
    // One of the two services that ran it is not proven.
    let one = |name: &str| match name {
        "web" => Ended::Good,
        _ => Ended::Bad,
    };
    assert_eq!(retired(&backs, &one, &free), [] as [String; 0]);
}

/// AWS over HTTP, for the command.
fn server(deny: &'static str) -> FakeHttp {
    FakeHttp::start(move |request, _| {
        let target = &request.headers["x-amz-target"];
        let (service, operation) = target.split_once('.').unwrap();
        let service = if service == "AWSEvents" {
            "events"
        } else {
            "ecs"
        };
        let action = format!("{service}:{operation}");
        if deny.split(' ').any(|denied| denied == action) {
            return Reply::error(400, "AccessDeniedException", "no");
        }
        let input: Value = serde_json::from_slice(&request.body).unwrap();
        let answer = match action.as_str() {
            "ecs:DescribeServices" => {
                let mut web = service_of_cluster(3);
                web["deployments"][0]["createdAt"] = 1_700_000_000.into();
                json!({"services": [web]})
            }
            "ecs:ListServiceDeployments" => json!({"serviceDeployments": [
                {"serviceDeploymentArn": "d/3"}, {"serviceDeploymentArn": "d/2"},
                {"serviceDeploymentArn": "d/1"}]}),
            "ecs:DescribeServiceDeployments" => {
                let one = |number: u32, status: &str| {
                    json!({"serviceDeploymentArn": format!("d/{number}"), "status": status,
                        "startedAt": 1_700_000_000 + number, "finishedAt": 1_700_000_065 + number,
                        "statusReason": "tasks\nfailed to start",
                        "targetServiceRevision": {"arn": format!("r/{number}")}})
                };
                let all = [
                    one(1, "SUCCESSFUL"),
                    one(2, "ROLLBACK_SUCCESSFUL"),
                    one(3, "SUCCESSFUL"),
                ];
                let asked = input["serviceDeploymentArns"].as_array().unwrap();
                let asked = |one: &&Value| asked.contains(&one["serviceDeploymentArn"]);
                json!({"serviceDeployments": all.iter().filter(asked).collect::<Vec<_>>()})
            }
            "ecs:DescribeServiceRevisions" => {
                let one = |number: u32| json!({"serviceRevisionArn": format!("r/{number}"), "taskDefinition": arn(number)});
                json!({"serviceRevisions": [one(1), one(2), one(3)]})
            }
            "ecs:DescribeTaskDefinition" => {
                let name = input["taskDefinition"].as_str().unwrap();
                match name.rsplit('/').next().unwrap() {
                    "batch:9" => json!({"taskDefinition": definition(3)}),
                    "batch:8" => json!({"taskDefinition": definition(2)}),
                    "batch:7" => json!({"taskDefinition": definition(1)}),
                    name => {
                        let number = name.rsplit(':').next().unwrap().parse().unwrap();
                        json!({"taskDefinition": definition(number)})
                    }
                }
            }
            "ecs:ListTaskDefinitions" if input["familyPrefix"] == "web" => {
                json!({"taskDefinitionArns": [arn(3), arn(2), arn(1)]})
            }
            other => world(other, &input),
        };
        Reply::json(200, answer.to_string())
    })
}

fn service_of_cluster(number: u32) -> Value {
    let mut web = service(number);
    web["clusterArn"] = CLUSTER.into();
    web
}

fn ran(server: &FakeHttp, words: &[&str]) -> Finished {
    Entry::of(Command::new(binary("entryctl")))
        .file("deploy.yml", FILE)
        .env("AWS_ENDPOINT_URL", server.url())
        .env("AWS_ACCESS_KEY_ID", "AKIDTEST")
        .env("AWS_SECRET_ACCESS_KEY", "canary-secret-key")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("SHA", "0123abc")
        .args(words)
        .run()
}

#[test]
fn the_command_shows_what_goes_back() {
    let server = server("");
    let said = ran(&server, &["rollback", "web", "--dry-run"]).expect(0);
    assert_eq!(said.stderr(), "");
    assert_eq!(
        said.stdout(),
        "service web: web:3 (aaaaaa301234) -> web:1 (aaaaaa101234)\n\
         schedule nightly: update\n  ~ taskDefinition: \"web:3\" -> \"web:1\"\n\
         schedule reports: update\n  ~ taskDefinition: \"batch:9\" -> \"batch:7\"\n\
         schedule foreign: update\n  ~ taskDefinition: \"batch:9\" -> \"batch:7\"\n"
    );
    let said = ran(
        &server,
        &["rollback", "web", "--dry-run", "--json", "--to", "1"],
    )
    .expect(0);
    let said: Value = serde_json::from_str(&said.stdout()).unwrap();
    assert_eq!(said["services"][0]["toCommit"], sha(1));
    assert_eq!(said["plan"]["services"][0]["taskDefinition"], arn(1));
    // A name that is not in the file, one that is not in the cluster, and what never served.
    let said = ran(&server, &["rollback", "wbe", "--dry-run"]).expect(1);
    assert_eq!(
        said.stderr(),
        "entryctl: deploy.yml: no service \"wbe\", did you mean \"web\"? services: other, web\n"
    );
    let said = ran(&server, &["rollback", "--dry-run"]).expect(1);
    assert_eq!(said.stderr(), "entryctl: not in the cluster main: other\n");
    let said = ran(&server, &["rollback", "web", "--dry-run", "--to", "2"]).expect(1);
    assert_eq!(
        said.stderr(),
        "entryctl: web: 2 never served here, known are web:1, web:3\n"
    );
    assert_eq!(said.stdout(), "");
    // Nothing of it was written.
    let written = server.requests().into_iter().filter(|request| {
        let target = &request.headers["x-amz-target"];
        ["Put", "Update", "Deregister"]
            .iter()
            .any(|verb| target.contains(verb))
    });
    assert_eq!(written.count(), 0);
}

/// A role that may neither see deployments nor rules can still go back.
#[test]
fn denied_reads_are_told_and_hold_up_nothing() {
    let server = server("ecs:ListServiceDeployments events:ListRuleNamesByTarget");
    let said = ran(&server, &["rollback", "web", "--dry-run"]).expect(0);
    assert_eq!(
        said.stdout(),
        "service web: web:3 (aaaaaa301234) -> web:2 (aaaaaa201234)\n"
    );
    let lines = said.stderr();
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].starts_with(
            "entryctl: warning: put together from services and revisions of their families, of which \
             none but what a service still has is known to have served: ecs:ListServiceDeployments web: \
             access denied"
        ),
        "{lines:?}"
    );
    assert!(
        lines[1].starts_with(
            "entryctl: warning: scheduled rules stay as they are: events:ListRuleNamesByTarget"
        ),
        "{lines:?}"
    );
}

#[test]
fn the_history_is_told() {
    let said = ran(&server(""), &["history", "web"]).expect(0);
    assert_eq!(said.stderr(), "");
    assert_eq!(
        said.stdout(),
        "web: web:3\n  \
         2023-11-14T22:13:23Z web:3 aaaaaa301234 SUCCESSFUL in 1m 5s, registered by ci/run-7\n  \
         2023-11-14T22:13:22Z web:2 aaaaaa201234 ROLLBACK_SUCCESSFUL in 1m 5s, registered by ci/run-7: \
         tasks failed to start\n  \
         2023-11-14T22:13:21Z web:1 aaaaaa101234 SUCCESSFUL in 1m 5s, registered by ci/run-7\n"
    );
    let said = ran(&server(""), &["history", "web", "--json", "-n", "2"]).expect(0);
    let said: Value = serde_json::from_str(&said.stdout()).unwrap();
    let all = said[0]["deployments"].as_array().unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(all[1]["ended"], "bad");
    assert_eq!(all[0]["commit"], sha(3));
    let said = ran(
        &server("ecs:ListServiceDeployments"),
        &["history", "web", "-n", "2"],
    )
    .expect(0);
    assert_eq!(
        said.stdout(),
        "web: web:3\n  \
         2023-11-14T22:13:20Z web:3 aaaaaa301234 COMPLETED, registered by ci/run-7\n  \
         1970-01-01T00:03:20Z web:2 aaaaaa201234 REGISTERED, registered by ci/run-7\n"
    );
    assert!(said.stderr().contains("put together"), "{}", said.stderr());
}

/// What an error of rules means for the plan, without a server.
#[test]
fn a_rule_that_goes_away_meanwhile_is_left_out() {
    let answers = Answers::new(|action: &str, input: &Value| match action {
        "events:ListTargetsByRule" if input["Rule"] == "nightly" => {
            Err(error(Kind::NotFound, action, "ResourceNotFoundException"))
        }
        _ => Ok(world(action, input)),
    });
    let found = on_runtime(rules(CLUSTER, &Ecs::new(&answers), deadline())).unwrap();
    let names: BTreeMap<&str, usize> = found.iter().map(|(name, _)| (&**name, 1)).collect();
    assert_eq!(names, BTreeMap::from([("foreign", 1), ("reports", 1)]));
    assert_eq!(
        answers.counts(),
        calls([
            ("events:ListRuleNamesByTarget", 2),
            ("events:ListTargetsByRule", 3),
        ])
    );
}
