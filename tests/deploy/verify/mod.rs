//! `entryctl verify`: each check against facts; in `calls` the questions, and all of it against moto.

mod calls;

use super::loaded;
use entry::aws::{Decision, Role, TargetGroup};
use entry::config::Source;
use entry::deploy::config::Config;
use entry::deploy::verify::{
    Answer, Commands, Facts, Finding, Permissions, Sources, commands, verify, wanted,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const ROLE: &str = "arn:aws:iam::123456789012:role/app";
const GROUP: &str = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1";

const FILE: &str = "\
cluster: main
tasks:
  web:
    networkMode: awsvpc
    taskRoleArn: arn:aws:iam::123456789012:role/app
    executionRoleArn: arn:aws:iam::123456789012:role/app
    containerDefinitions:
      - name: app
        image: app:1
        entryPoint: [/entry]
        command: [web]
        portMappings: [{containerPort: 3000}]
        environment: {RAILS_ENV: production}
        secrets: {DB: /app/db}
        logConfiguration: {logDriver: awslogs, options: {awslogs-group: /app, awslogs-region: eu-west-1}}
services:
  web:
    loadBalancers:
      - {targetGroupArn: \"arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1\", containerName: app, containerPort: 3000}
";

const WEB: &str = "\
command: bundle exec unicorn
stop: {preset: unicorn, drain: 5s, grace: 20s}
env: {URL: \"${RAILS_ENV}-${DB}\"}
secrets: [{ssm: [/app/key], env: {KEY: $.app.key}}]
";

/// The command lines of a config, with a folder of these modes.
fn read(config: &Config, modes: &[(&str, &str)]) -> Commands {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in modes {
        std::fs::write(folder.path().join(format!("{name}.yml")), text).unwrap();
    }
    let source = Source::find(Some(folder.path()), &|_| None).unwrap();
    let sources = Sources {
        source: &source,
        region: "eu-west-1",
        image: &BTreeMap::new(),
        sops: &|_, _| None,
    };
    let mut commands = commands(config, &sources);
    // The folder's name is another one in each run.
    let shown = folder.path().display().to_string();
    for command in &mut commands.all {
        if let entry::deploy::verify::Runs::Broken(lines) = &mut command.runs {
            for line in lines {
                *line = line.replace(&shown, "modes");
            }
        }
    }
    commands
}

/// Facts in which all that is asked for is fine.
fn fine(config: &Config, commands: &Commands) -> Facts {
    let wanted = wanted(config, commands);
    let trust = json!({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"}}});
    let role = |name: &String| {
        let role = Role {
            arn: name.clone(),
            trust: trust.clone(),
        };
        (name.clone(), Answer::There(role))
    };
    let group = TargetGroup {
        target_group_name: "web".to_owned(),
        protocol: Some("HTTP".to_owned()),
        target_type: Some("ip".to_owned()),
        load_balancer_arns: vec!["arn".to_owned()],
        ..TargetGroup::default()
    };
    let allowed = |needs: &std::collections::BTreeSet<_>| {
        let decisions = needs
            .iter()
            .map(|need| (Clone::clone(need), Decision::Allowed));
        Permissions::Simulated(decisions.collect())
    };
    Facts {
        images: entry::deploy::image::Found::default(),
        roles: wanted.roles.iter().map(role).collect(),
        permissions: wanted
            .permissions
            .iter()
            .map(|(role, needs)| (role.clone(), allowed(needs)))
            .collect(),
        secrets: wanted
            .secrets
            .iter()
            .map(|one| (one.clone(), Answer::There(())))
            .collect(),
        log_groups: wanted
            .log_groups
            .iter()
            .map(|one| (one.clone(), Answer::There(())))
            .collect(),
        target_groups: [(GROUP.to_owned(), Answer::There(group))].into(),
        deregistration_delays: [(GROUP.to_owned(), Duration::from_secs(30))].into(),
    }
}

fn lines(findings: &[Finding]) -> Vec<String> {
    findings.iter().map(ToString::to_string).collect()
}

/// The findings of a file in which `from` is `to`, and of facts that `change` has changed.
#[track_caller]
fn found(from: &str, to: &str, change: impl FnOnce(&mut Facts)) -> Vec<String> {
    assert!(FILE.contains(from), "{from}");
    let config = loaded(&[("deploy.yml", &FILE.replacen(from, to, 1))], None);
    let commands = read(
        &config,
        &[("web", WEB), ("rake", "{command: rake, args: append}")],
    );
    let mut facts = fine(&config, &commands);
    change(&mut facts);
    lines(&verify(&config, &commands, &facts))
}

fn role(facts: &mut Facts, answer: Answer<Role>) {
    facts.roles.insert(ROLE.to_owned(), answer);
}

fn group(facts: &mut Facts, change: impl FnOnce(&mut TargetGroup)) {
    let Some(Answer::There(group)) = facts.target_groups.get_mut(GROUP) else {
        panic!("no group");
    };
    change(group);
}

#[test]
fn what_is_fine_is_not_told() {
    assert_eq!(found("cluster", "cluster", |_| {}), [] as [String; 0]);
}

#[test]
fn roles() {
    let both =
        |rest: &str| ["taskRoleArn", "executionRoleArn"].map(|key| rest.replacen("KEY", key, 1));
    assert_eq!(
        found("x", "x", |facts| role(facts, Answer::Missing)),
        both(&format!(
            "error: task web: KEY: there is no role {ROLE}: create it, or correct its name"
        ))
    );
    for trust in [
        json!({"Statement": []}),
        json!({"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}]}),
        json!({"Statement": [{"Effect": "Deny", "Action": "sts:AssumeRole", "Principal": {"Service": "ecs-tasks.amazonaws.com"}}]}),
    ] {
        let role_of = Role {
            arn: ROLE.to_owned(),
            trust,
        };
        let found = found("x", "x", |facts| role(facts, Answer::There(role_of)));
        assert_eq!(
            found,
            both(&format!(
                "error: task web: KEY: ECS may not assume {ROLE}: allow sts:AssumeRole to the service \
                 ecs-tasks.amazonaws.com in its trust policy"
            ))
        );
    }
    assert_eq!(
        found("x", "x", |facts| role(
            facts,
            Answer::Unread("denied".to_owned())
        )),
        both("note: task web: KEY: not checked: denied")
    );
    assert_eq!(
        found(&format!("    executionRoleArn: {ROLE}\n"), "", |_| {}),
        ["error: task web: executionRoleArn is missing: its secrets are read by it"]
    );
}

#[test]
fn secrets_and_logs() {
    let every = |answer: &Answer<()>| {
        let answer = answer.clone();
        move |facts: &mut Facts| {
            let all = facts
                .secrets
                .values_mut()
                .chain(facts.log_groups.values_mut());
            all.for_each(|one| *one = answer.clone());
        }
    };
    assert_eq!(
        found("x", "x", every(&Answer::Missing)),
        [
            "error: task web: container app: secrets.DB: there is no parameter /app/db: create it, or correct valueFrom",
            "error: task web: container app: logConfiguration: there is no log group /app: create it, or write \
             awslogs-create-group: \"true\"",
        ]
    );
    let made = "options: {awslogs-create-group: \"true\", ";
    assert_eq!(found("options: {", made, every(&Answer::Missing)).len(), 1);
    assert_eq!(
        found("x", "x", every(&Answer::Unread("denied".to_owned()))),
        [
            "note: task web: container app: secrets.DB: not checked: denied",
            "note: task web: container app: logConfiguration: not checked: denied",
        ]
    );
    assert_eq!(
        found("DB: /app/db", "DB: \"arn:aws:s3:::b\"", |_| {}),
        [
            "error: task web: container app: secrets.DB: arn:aws:s3:::b is neither a parameter nor a secret"
        ]
    );
}

#[test]
fn the_stop_fits() {
    let longer = "stopTimeout: 20\n        command: [web]";
    assert_eq!(
        found("command: [web]", longer, |_| {}),
        [
            "error: task web: container app: the stop of mode web may take 25 s, and ECS kills it after 20 s \
          (stopTimeout): write stopTimeout: 25, or shorten the mode's stop"
        ]
    );
    let enough = "stopTimeout: 25\n        command: [web]";
    assert_eq!(found("command: [web]", enough, |_| {}), [] as [String; 0]);
    // What cuts the plan makes it fit.
    let capped = "stopTimeout: 20\n        environment: {ENTRY_STOP_TIMEOUT: \"20\", ";
    assert_eq!(found("environment: {", capped, |_| {}), [] as [String; 0]);
    let too_long = "requiresCompatibilities: [FARGATE]\n    networkMode";
    let config = FILE
        .replace("networkMode", too_long)
        .replace("command: [web]", "command: [web]\n        stopTimeout: 121");
    let config = loaded(&[("deploy.yml", &config)], None);
    let commands = read(&config, &[("web", WEB)]);
    assert_eq!(
        lines(&verify(&config, &commands, &fine(&config, &commands))),
        ["error: task web: container app: stopTimeout is 121, and Fargate takes 120 at most"]
    );
    assert_eq!(
        found("x", "x", |facts| {
            facts
                .deregistration_delays
                .insert(GROUP.to_owned(), Duration::from_secs(10));
        }),
        [
            "warning: service web: target group web: it cuts connections after 10 s \
          (deregistration_delay.timeout_seconds), and mode web may serve them for 25 s"
        ]
    );
}

#[test]
fn the_default_stop_timeout_counts() {
    let config = loaded(&[("deploy.yml", FILE)], None);
    let slow = WEB.replace("grace: 20s", "grace: 40s");
    let commands = read(&config, &[("web", &slow)]);
    let found = lines(&verify(&config, &commands, &fine(&config, &commands)));
    assert!(
        found[0].contains("may take 45 s, and ECS kills it after 30 s (stopTimeout, the default)"),
        "{found:?}"
    );
}

#[test]
fn commands_name_modes() {
    let command = |to: &str| found("command: [web]", to, |_| {});
    let place = "task web: container app";
    assert_eq!(
        command("command: [wbe]"),
        [format!(
            "warning: {place}: wbe is no mode and runs as a one-off: did you mean web?"
        )]
    );
    assert_eq!(
        command("command: [bash]"),
        [format!(
            "note: {place}: bash is no mode and runs as a one-off"
        )]
    );
    assert_eq!(
        command("command: [--, wbe]"),
        [format!(
            "note: {place}: wbe is no mode and runs as a one-off"
        )]
    );
    assert_eq!(
        command("command: [web, now]"),
        [format!(
            "error: {place}: mode web takes no arguments: write args: append in it"
        )]
    );
    assert_eq!(
        command("command: [rake, \"db:migrate\"]"),
        [] as [String; 0]
    );
    assert_eq!(
        command("stopTimeout: 30"),
        [format!(
            "error: {place}: a MODE or -- COMMAND is missing; entry --help shows how"
        )]
    );
    assert_eq!(command("command: [--explian, web]").len(), 1);
    // Not ours.
    assert_eq!(
        found("entryPoint: [/entry]", "entryPoint: [/bin/sh, -c]", |_| {}),
        [] as [String; 0]
    );
    assert_eq!(
        found(
            "entryPoint: [/entry]\n        command: [web]",
            "command: [web, now]",
            |_| {}
        ),
        [format!(
            "warning: {place}: if the image's entry point is entry: mode web takes no arguments: write args: append in it"
        )]
    );
    // A variable that neither the container nor the image has.
    let found = found("{RAILS_ENV: production}", "{}", |_| {});
    assert!(
        found[0].starts_with("error: task web: container app: modes/web.yml:3:"),
        "{found:?}"
    );
    assert!(found[0].contains("RAILS_ENV"), "{found:?}");
}

#[test]
fn one_offs_name_modes_too() {
    let file = format!("{FILE}before: [{{task: web, command: [web, now]}}]\n");
    let config = loaded(&[("deploy.yml", &file)], None);
    let commands = read(&config, &[("web", WEB)]);
    assert_eq!(
        lines(&verify(&config, &commands, &fine(&config, &commands))),
        ["error: before: task web: mode web takes no arguments: write args: append in it"]
    );
}

#[test]
fn target_groups_fit() {
    let place = "service web: target group web";
    assert_eq!(
        found("x", "x", |facts| group(facts, |one| {
            one.target_type = Some("instance".to_owned());
            one.protocol = Some("UDP".to_owned());
            one.load_balancer_arns.clear();
        })),
        [
            format!(
                "error: {place}: its target type is instance, and networkMode: awsvpc needs ip"
            ),
            format!("error: {place}: its protocol is UDP, and the container's port is tcp"),
            format!(
                "error: {place}: no load balancer uses it, so ECS refuses it: add a listener's rule first"
            ),
        ]
    );
    assert_eq!(
        found("networkMode: awsvpc", "networkMode: bridge", |_| {}),
        [format!(
            "error: {place}: its target type is ip, and networkMode: bridge needs instance"
        )]
    );
    assert_eq!(
        found("x", "x", |facts| group(facts, |one| {
            one.health_check_protocol = Some("HTTP".to_owned());
            one.health_check_path = Some("/up".to_owned());
            one.health_check_interval_seconds = Some("15".to_owned());
        })),
        [format!(
            "note: {place}: its health check is GET /up by HTTP on the container's port, every 15 s"
        )]
    );
    assert_eq!(
        found("containerPort: 3000}]", "containerPort: 80}]", |_| {}),
        [
            "error: service web: loadBalancers: the container app has no port 3000 in portMappings: it has 80"
        ]
    );
    assert_eq!(
        found("containerName: app", "containerName: nginx", |_| {}),
        ["error: service web: loadBalancers: the task web has no container \"nginx\""]
    );
    assert_eq!(
        found("x", "x", |facts| drop(
            facts
                .target_groups
                .insert(GROUP.to_owned(), Answer::Missing)
        )),
        [format!(
            "error: service web: there is no target group {GROUP}: correct targetGroupArn"
        )]
    );
}

#[test]
fn policies_allow_what_modes_need() {
    let place = "task web: taskRoleArn";
    let parameter = "arn:aws:ssm:eu-west-1:123456789012:parameter/app/key";
    let allow = |action: &str, resource: &str| json!({"Statement": {"Effect": "Allow", "Action": action, "Resource": resource}});
    let documents = |documents: Vec<Value>| {
        found("x", "x", |facts| {
            facts
                .permissions
                .insert(ROLE.to_owned(), Permissions::Documents(documents));
        })
    };
    assert_eq!(
        documents(vec![allow("ssm:Get*", "arn:aws:ssm:*:*:parameter/app/*")]),
        [] as [String; 0]
    );
    assert_eq!(
        documents(vec![allow("ssm:GetParameter", "*")]),
        [format!(
            "error: {place}: no policy of {ROLE} allows ssm:GetParameters on {parameter}, which its modes need: \
             allow it (entryctl iam)"
        )]
    );
    let deny = json!({"Statement": [{"Effect": "Deny", "Action": "ssm:*", "Resource": "*"}]});
    assert_eq!(
        documents(vec![allow("*", "*"), deny]),
        [format!(
            "error: {place}: a policy of {ROLE} denies ssm:GetParameters on {parameter}, which its modes need"
        )]
    );
    assert_eq!(
        found("x", "x", |facts| {
            facts
                .permissions
                .insert(ROLE.to_owned(), Permissions::Unread("denied".to_owned()));
        }),
        [format!(
            "note: {place}: whether it may do what its modes need cannot be read: denied"
        )]
    );
    assert_eq!(
        found(&format!("    taskRoleArn: {ROLE}\n"), "", |_| {}),
        ["warning: task web: taskRoleArn is missing: its modes need ssm:GetParameters"]
    );
}
