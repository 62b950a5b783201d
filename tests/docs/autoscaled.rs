//! What the page of the autoscaler has on AWS: a cluster, a service, a group of two nodes, two alarms.

use crate::aws::store;
use crate::support::moto::Moto;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;

pub fn make(moto: &Moto) {
    let ecs = |operation: &str, body| {
        let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
        store::make(&moto.url(), &target, &body);
    };
    ecs("CreateCluster", json!({"clusterName": "main"}));
    let service = json!({
        "cluster": "main", "serviceName": "web", "taskDefinition": "web", "desiredCount": 0,
    });
    ecs("CreateService", service);
    let update = json!({"cluster": "main", "service": "web", "desiredCount": 2});
    ecs("UpdateService", update);
    for (name, state) in [("cpu-high", "ALARM"), ("cpu-low", "OK")] {
        let alarm = format!(
            "Action=PutMetricAlarm&AlarmName={name}&EvaluationPeriods=1&Period=60&Threshold=1&Namespace=n\
             &ComparisonOperator=GreaterThanThreshold&MetricName=m&Statistic=Average"
        );
        form(moto, "monitoring", "2010-08-01", &alarm);
        let set = format!("Action=SetAlarmState&AlarmName={name}&StateValue={state}&StateReason=x");
        form(moto, "monitoring", "2010-08-01", &set);
    }
    let version = "2011-01-01";
    let launch = "Action=CreateLaunchConfiguration&LaunchConfigurationName=l&ImageId=ami-12c6146b\
        &InstanceType=t3.micro";
    form(moto, "autoscaling", version, launch);
    let group = "Action=CreateAutoScalingGroup&AutoScalingGroupName=web-nodes&LaunchConfigurationName=l\
        &MinSize=1&MaxSize=8&DesiredCapacity=2&AvailabilityZones.member.1=us-east-1a";
    form(moto, "autoscaling", version, group);
}

/// As the query protocol has it; moto looks at no signature.
fn form(moto: &Moto, service: &str, version: &str, body: &str) {
    let body = format!("{body}&Version={version}");
    let head = format!(
        "POST / HTTP/1.1\r\nhost: {service}.us-east-1.amazonaws.com\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\
         authorization: AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/{service}/aws4_request, \
         SignedHeaders=host, Signature=0\r\n\r\n",
        body.len()
    );
    let mut stream = TcpStream::connect(moto.address()).unwrap();
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
