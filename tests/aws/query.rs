//! The query protocols, against moto and against faults.

use super::probe::Probe;
use super::store::tells_nothing;
use crate::support::fake_http::{FakeHttp, Reply};
use crate::support::moto::Moto;
use entry::aws::{Api, AwsError, Call, Clients, Protocol, Service};
use serde_json::{Value, json};
use std::time::Instant;

const fn api(id: &'static str, name: &'static str, protocol: Protocol) -> Api {
    Api {
        service: Service {
            id,
            name,
            signed_as: name,
            plain_in_gov: true,
        },
        protocol,
    }
}

const fn query(version: &'static str) -> Protocol {
    Protocol::Query { version }
}

static AUTO_SCALING: Api = api("Auto Scaling", "autoscaling", query("2011-01-01"));
static IAM: Api = api("IAM", "iam", query("2010-05-08"));
static EC2: Api = api(
    "EC2",
    "ec2",
    Protocol::Ec2 {
        version: "2016-11-15",
    },
);

/// The probe's order `calls`: `[service, operation, input]` each.
pub async fn obey(order: &Value, clients: &Clients, deadline: Instant) -> Result<Value, AwsError> {
    let calls = clients.calls();
    let mut replies = Vec::new();
    for one in order["calls"].as_array().into_iter().flatten() {
        let api = match one[0].as_str().unwrap() {
            "autoscaling" => &AUTO_SCALING,
            "iam" => &IAM,
            _ => &EC2,
        };
        let (operation, input) = (one[1].as_str().unwrap(), one[2].clone());
        replies.push(calls.call(api, operation, "it", input, deadline).await?);
    }
    Ok(replies.into())
}

#[test]
fn moto_is_understood() {
    let moto = Moto::start_warm();
    let policy = json!({"Statement": [{"Effect": "Allow"}], "Id": "a+b c"}).to_string();
    let image = "ami-12c6146b";
    let run = json!({"ImageId": image, "MinCount": 2, "MaxCount": 2});
    let configuration =
        json!({"LaunchConfigurationName": "c", "ImageId": image, "InstanceType": "t3.micro"});
    let group = json!({"AutoScalingGroupName": "web", "LaunchConfigurationName": "c", "MinSize": 0,
        "MaxSize": 5, "DesiredCapacity": 2, "AvailabilityZones": ["us-east-1a", "us-east-1b"]});
    let found = Probe::keyed()
        .env("AWS_ENDPOINT_URL", moto.url())
        .run(&json!({"calls": [
            ["iam", "CreateRole", {"RoleName": "task", "AssumeRolePolicyDocument": policy}],
            ["iam", "GetRole", {"RoleName": "task"}],
            ["ec2", "RunInstances", run],
            ["ec2", "DescribeInstances", {"Filter": [{"Name": "instance-state-name", "Value": ["running"]}]}],
            ["ec2", "DescribeInstances", {"Filter": [{"Name": "instance-state-name", "Value": ["stopped"]}]}],
            ["autoscaling", "CreateLaunchConfiguration", configuration],
            ["autoscaling", "CreateAutoScalingGroup", group],
            ["autoscaling", "DescribeAutoScalingGroups", {"AutoScalingGroupNames": ["web", "none"]}],
            ["autoscaling", "DescribeAutoScalingGroups", {"AutoScalingGroupNames": ["none"]}],
        ]}));
    let replies = &found.value["calls"];
    assert!(replies.is_array(), "{}", found.value);
    assert_eq!(replies[1]["Role"]["RoleName"], "task");
    let document = replies[1]["Role"]["AssumeRolePolicyDocument"].as_str();
    assert!(document.unwrap().contains("a%2Bb%20c"), "{document:?}");
    let reservations = replies[3]["reservationSet"].as_array().unwrap();
    let instances = reservations[0]["instancesSet"].as_array().unwrap();
    assert_eq!(instances.len(), 2);
    assert_eq!(instances[0]["instanceState"]["name"], "running");
    assert_eq!(replies[4]["reservationSet"], Value::Null);
    let groups = replies[7]["AutoScalingGroups"].as_array().unwrap();
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0]["DesiredCapacity"], "2");
    assert_eq!(groups[0]["Instances"].as_array().unwrap().len(), 2);
    assert_eq!(replies[8]["AutoScalingGroups"], Value::Null);
}

#[test]
fn moto_says_what_is_not_there() {
    let moto = Moto::start_warm();
    let error = |service: &str, operation: &str, input: Value| {
        let order = json!({"calls": [[service, operation, input]]});
        let probe = Probe::keyed().env("AWS_ENDPOINT_URL", moto.url());
        probe.run(&order).error()
    };
    let (kind, text) = error("iam", "GetRole", json!({"RoleName": "none"}));
    assert_eq!(kind, "NotFound", "{text}");
    assert!(text.starts_with("iam:GetRole it: not found: "), "{text}");
    assert!(text.ends_with("(NoSuchEntity)"), "{text}");
    let input = json!({"InstanceId": ["i-0123456789abcdef0"]});
    let (kind, text) = error("ec2", "DescribeInstances", input);
    assert_eq!(kind, "NotFound", "{text}");
    assert!(text.ends_with("(InvalidInstanceID.NotFound)"), "{text}");
}

#[test]
fn iam_is_asked_by_a_signed_form() {
    let server = FakeHttp::start(|_, before| match before {
        0 => xml(
            400,
            "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>",
        ),
        _ => xml(
            200,
            "<GetRoleResponse><GetRoleResult><Role/></GetRoleResult></GetRoleResponse>",
        ),
    });
    let found = Probe::keyed()
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_ENDPOINT_URL_IAM", server.url())
        .run(&json!({"calls": [["iam", "GetRole", {"RoleName": "a b"}]]}));
    assert_eq!(found.value["calls"], json!([{"Role": null}]));
    assert_eq!(found.value["retries"], 1);
    let request = &server.requests()[1];
    assert_eq!(
        String::from_utf8_lossy(&request.body),
        "Action=GetRole&Version=2010-05-08&RoleName=a%20b"
    );
    assert_eq!(
        request.headers["content-type"],
        "application/x-www-form-urlencoded; charset=utf-8"
    );
    let signature = &request.headers["authorization"];
    assert!(
        signature.contains("/us-east-1/iam/aws4_request"),
        "{signature}"
    );
}

#[test]
fn a_portal_in_its_place_tells_nothing() {
    let server = FakeHttp::start(|_, _| xml(200, "<html>canary</html>"));
    let found = Probe::keyed()
        .env("AWS_ENDPOINT_URL_IAM", server.url())
        .run(&json!({"calls": [["iam", "GetRole", {"RoleName": "task"}]]}));
    assert_eq!(found.error().0, "Reply");
    tells_nothing(&found);
}

fn xml(status: u16, body: &str) -> Reply {
    Reply::Answer(
        status,
        vec![("content-type", "text/xml".into())],
        body.into(),
    )
}
