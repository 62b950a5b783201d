//! The questions of `entryctl verify` against a script, and the command against moto.

use super::super::loaded;
use super::{FILE, GROUP, ROLE, WEB, read};
use crate::aws::store::make;
use crate::support::moto::Moto;
use crate::support::{Entry, binary};
use entry::aws::{Api, AwsError, Call, Decision, Kind, Pending};
use entry::deploy::verify::{Answer, Facts, Permissions, Regions, Secret, gather, wanted};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

/// Answers by operation, and denies the rest.
struct Script {
    answers: BTreeMap<&'static str, Value>,
    asked: RefCell<Vec<(String, Option<String>, Value)>>,
}

struct InRegion<'s>(&'s Script, Option<String>);

impl Regions for Script {
    fn region(&self, name: Option<&str>) -> Box<dyn Call + '_> {
        Box::new(InRegion(self, name.map(str::to_owned)))
    }
}

impl Call for InRegion<'_> {
    fn call<'a>(
        &'a self,
        api: &'static Api,
        operation: &'a str,
        resource: &'a str,
        input: Value,
        _: Instant,
    ) -> Pending<'a, Value> {
        let action = format!("{}:{operation}", api.name());
        let asked = (action.clone(), self.1.clone(), input);
        self.0.asked.borrow_mut().push(asked);
        let answer = match self.0.answers.get(&*action) {
            Some(Value::String(code)) => {
                let detail = format!("no ({code})");
                Err(AwsError::new(Kind::NotFound, &action, resource, detail))
            }
            Some(answer) => Ok(answer.clone()),
            None => Err(AwsError::new(
                Kind::Denied,
                &action,
                resource,
                "no (AccessDenied)",
            )),
        };
        Box::pin(async { answer })
    }
}

fn gathered(answers: &[(&'static str, Value)]) -> (Facts, Script) {
    let file = FILE.replace("secrets: {DB: /app/db}", "secrets: {DB: /app/db, OTHER: \"arn:aws:secretsmanager:us-east-1:1:secret:x-AbCdEf:k::\", FAR: \"arn:aws:ssm:us-east-1:1:parameter/far\"}");
    let config = loaded(&[("deploy.yml", &file)], None);
    let commands = read(&config, &[("web", WEB)]);
    let script = Script {
        answers: answers.iter().cloned().collect(),
        asked: RefCell::default(),
    };
    let deadline = Instant::now() + Duration::from_mins(1);
    let wanted = wanted(&config, &commands);
    let facts = entry::aws::runtime()
        .unwrap()
        .block_on(gather(&wanted, &script, deadline));
    (facts, script)
}

#[test]
fn what_may_not_be_asked_is_unread_each_by_itself() {
    let (facts, script) = gathered(&[]);
    assert!(matches!(facts.roles[ROLE], Answer::Unread(_)));
    assert_eq!(facts.secrets.len(), 3);
    assert!(
        facts
            .secrets
            .values()
            .all(|one| matches!(one, Answer::Unread(_)))
    );
    assert!(
        facts
            .log_groups
            .values()
            .all(|one| matches!(one, Answer::Unread(_)))
    );
    assert!(matches!(facts.target_groups[GROUP], Answer::Unread(_)));
    assert!(facts.permissions.is_empty());
    // No value is read, and each once.
    let asked: Vec<String> = script
        .asked
        .take()
        .into_iter()
        .map(|(action, _, _)| action)
        .collect();
    assert_eq!(
        asked,
        [
            "iam:GetRole",
            "ssm:DescribeParameters",
            "ssm:DescribeParameters",
            "secretsmanager:DescribeSecret",
            "logs:DescribeLogGroups",
            "elasticloadbalancing:DescribeTargetGroups",
        ]
    );
}

#[test]
fn each_is_asked_for_in_its_region() {
    let role = json!({"Role": {"Arn": ROLE, "AssumeRolePolicyDocument": "%7B%7D"}});
    let group = json!({"TargetGroups": [{"TargetGroupName": "web", "TargetType": "ip", "LoadBalancerArns": null}]});
    let attributes =
        json!({"Attributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": "17"}]});
    let resource = "arn:aws:ssm:eu-west-1:123456789012:parameter/app/key";
    let simulated = json!({"EvaluationResults": [{"EvalResourceName": resource, "EvalDecision": "implicitDeny"}]});
    let (facts, script) = gathered(&[
        ("iam:GetRole", role),
        ("iam:SimulatePrincipalPolicy", simulated),
        (
            "ssm:DescribeParameters",
            json!({"Parameters": [{"Name": "far"}]}),
        ),
        (
            "secretsmanager:DescribeSecret",
            json!("ResourceNotFoundException"),
        ),
        (
            "logs:DescribeLogGroups",
            json!({"logGroups": [{"logGroupName": "/app/other"}, {"logGroupName": "/app"}]}),
        ),
        ("elasticloadbalancing:DescribeTargetGroups", group),
        (
            "elasticloadbalancing:DescribeTargetGroupAttributes",
            attributes,
        ),
    ]);
    let parameter = |region: Option<&str>, name: &str| Secret::Parameter {
        region: region.map(str::to_owned),
        name: name.to_owned(),
    };
    assert_eq!(facts.secrets[&parameter(None, "/app/db")], Answer::Missing);
    assert_eq!(
        facts.secrets[&parameter(Some("us-east-1"), "far")],
        Answer::There(())
    );
    let managed = facts
        .secrets
        .iter()
        .find(|(one, _)| matches!(one, Secret::Managed { .. }));
    assert_eq!(managed.unwrap().1, &Answer::Missing);
    assert!(
        facts
            .log_groups
            .values()
            .all(|one| *one == Answer::There(()))
    );
    assert_eq!(facts.deregistration_delays[GROUP], Duration::from_secs(17));
    let Permissions::Simulated(decisions) = &facts.permissions[ROLE] else {
        panic!("{:?}", facts.permissions);
    };
    assert_eq!(
        decisions.values().collect::<Vec<_>>(),
        [&Decision::NotAllowed]
    );
    let asked = script.asked.take();
    let of = |action: &str| -> Vec<(Option<&str>, &Value)> {
        let some = asked.iter().filter(|(one, _, _)| one == action);
        some.map(|(_, region, input)| (region.as_deref(), input))
            .collect()
    };
    let secret = of("secretsmanager:DescribeSecret");
    assert_eq!(secret[0].0, Some("us-east-1"));
    assert_eq!(
        secret[0].1["SecretId"],
        "arn:aws:secretsmanager:us-east-1:1:secret:x-AbCdEf"
    );
    assert_eq!(of("logs:DescribeLogGroups")[0].0, Some("eu-west-1"));
    let simulated = of("iam:SimulatePrincipalPolicy");
    assert_eq!(simulated[0].1["ResourceArns"], json!([resource]));
    assert_eq!(simulated[0].1["ActionNames"], json!(["ssm:GetParameters"]));
}

#[test]
fn without_simulation_the_documents_are_read() {
    let role = json!({"Role": {"Arn": ROLE, "AssumeRolePolicyDocument": null}});
    let (facts, _) = gathered(&[
        ("iam:GetRole", role),
        (
            "iam:ListAttachedRolePolicies",
            json!({"AttachedPolicies": [{"PolicyArn": "arn:p"}]}),
        ),
        (
            "iam:GetPolicy",
            json!({"Policy": {"DefaultVersionId": "v3"}}),
        ),
        (
            "iam:GetPolicyVersion",
            json!({"PolicyVersion": {"Document": "%7B%22a%22%3A1%7D"}}),
        ),
        ("iam:ListRolePolicies", json!({"PolicyNames": ["inline"]})),
        (
            "iam:GetRolePolicy",
            json!({"PolicyDocument": "%7B%22b%22%3A2%7D"}),
        ),
    ]);
    let expected = Permissions::Documents(vec![json!({"a": 1}), json!({"b": 2})]);
    assert_eq!(facts.permissions[ROLE], expected);
}

#[test]
fn all_of_it_against_moto() {
    let moto = Moto::start();
    let url = moto.url();
    let trust = "%7B%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22sts%3AAssumeRole%22%2C%22Principal%22%3A%7B%22Service%22%3A%22ecs-tasks.amazonaws.com%22%7D%7D%5D%7D";
    moto.form(
        "iam",
        &format!(
            "Action=CreateRole&Version=2010-05-08&RoleName=app&AssumeRolePolicyDocument={trust}"
        ),
    );
    let arn = moto.target_group("web", "TargetType=instance&HealthCheckPath=/up");
    let parameter = json!({"Name": "/app/db", "Type": "SecureString", "Value": "canary-value"});
    make(&url, "AmazonSSM.PutParameter", &parameter);
    let secret = json!({"Name": "app/other", "SecretString": "canary-value"});
    let secret = make(&url, "secretsmanager.CreateSecret", &secret);
    let secret = secret["ARN"].as_str().unwrap();
    let file = FILE
        .replace(GROUP, &arn)
        .replace("eu-west-1", "us-east-1")
        .replace("cluster: main", "cluster: main\nregion: us-east-1")
        .replace(
            "{DB: /app/db}",
            &format!("{{DB: /app/db, OTHER: \"{secret}\", NONE: /app/none}}"),
        );
    let run = |words: &[&str]| {
        Entry::of(Command::new(binary("entryctl")))
            .file("deploy.yml", &file)
            .file("modes/web.yml", WEB)
            .env("AWS_ENDPOINT_URL", &url)
            .env("AWS_ACCESS_KEY_ID", "AKIDTEST")
            .env("AWS_SECRET_ACCESS_KEY", "canary-secret-key")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("SHA", "0123abc")
            .args(words)
            .run()
            .expect(1)
    };
    let finished = run(&["verify"]);
    assert_eq!(finished.stderr(), "");
    let stdout = finished.stdout();
    let expected = format!(
        "error: task web: container app: secrets.NONE: there is no parameter /app/none: create it, or correct valueFrom\n\
         error: task web: container app: logConfiguration: there is no log group /app: create it, or write awslogs-create-group: \"true\"\n\
         error: task web: taskRoleArn: no policy of {ROLE} allows ssm:GetParameters on \
         arn:aws:ssm:us-east-1:123456789012:parameter/app/key, which its modes need: allow it (entryctl iam)\n\
         error: service web: target group web: its target type is instance, and networkMode: awsvpc needs ip\n\
         error: service web: target group web: no load balancer uses it, so ECS refuses it: add a listener's rule first\n\
         note: only images of ECR are checked, not app:1\n\
         note: service web: target group web: its health check is GET /up by HTTP on the container's port, every 30 s\n\
         deploy.yml: 5 errors, 0 warnings\n"
    );
    assert_eq!(stdout, expected);
    let found: Value = serde_json::from_str(&run(&["verify", "--json"]).stdout()).unwrap();
    assert_eq!(found.as_array().unwrap().len(), 7);
    assert_eq!(
        found[6],
        json!({"level": "note", "place": "service web: target group web",
            "message": "its health check is GET /up by HTTP on the container's port, every 30 s"})
    );
}
