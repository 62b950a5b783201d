//! Services: their target groups are there and fit the containers.

use super::{Answer, Commands, Facts, Finding, containers_of, items, text};
use crate::aws::TargetGroup;
use crate::deploy::config::{Config, Service, Task, TaskOf};
use serde_json::{Map, Value};
use std::time::Duration;

pub fn findings(config: &Config, commands: &Commands, facts: &Facts) -> Vec<Finding> {
    let services = config.services.iter().filter(|service| !service.delete);
    services
        .flat_map(|service| {
            let place = format!("service {}", service.name);
            let task = match &service.task {
                TaskOf::File(name) => config.tasks.iter().find(|task| task.name == *name),
                TaskOf::Fixed(name) => {
                    let message =
                        format!("its task definition {name} is not in the file, and not checked");
                    return vec![Finding::note(&place, message)];
                }
            };
            let Some(task) = task else {
                return Vec::new();
            };
            let balancers = items(&service.fields, "loadBalancers");
            let balancers = balancers.filter_map(Value::as_object);
            let mut found: Vec<Finding> = balancers
                .flat_map(|balancer| balancer_findings(&place, balancer, task, commands, facts))
                .collect();
            found.extend(network_finding(&place, service, task));
            found
        })
        .collect()
}

fn awsvpc(task: &Task) -> bool {
    text(&task.request, "networkMode") == Some("awsvpc")
}

fn network_finding(place: &str, service: &Service, task: &Task) -> Option<Finding> {
    let given = service.fields.contains_key("networkConfiguration");
    let desired = service.fields.contains_key("desiredCount");
    // A service that runs has one already; one that is created needs it, and that is what desiredCount is for.
    (awsvpc(task) && !given && desired).then(|| {
        let message = "networkConfiguration is not written, which a service that does not exist yet needs with networkMode: awsvpc";
        Finding::warning(place, message)
    })
}

fn balancer_findings(
    place: &str,
    balancer: &Map<String, Value>,
    task: &Task,
    commands: &Commands,
    facts: &Facts,
) -> Vec<Finding> {
    let container = text(balancer, "containerName").unwrap_or_default();
    let port = balancer.get("containerPort").and_then(Value::as_u64);
    let mut findings = Vec::new();
    let protocol = match mapped(task, container, port) {
        Ok(protocol) => protocol,
        Err(message) => {
            findings.push(Finding::error(&format!("{place}: loadBalancers"), message));
            return findings;
        }
    };
    let Some(arn) = text(balancer, "targetGroupArn") else {
        return findings;
    };
    let group = match facts.target_groups.get(arn) {
        Some(Answer::There(group)) => group,
        Some(Answer::Missing) => {
            let message = format!("there is no target group {arn}: correct targetGroupArn");
            findings.push(Finding::error(place, message));
            return findings;
        }
        Some(Answer::Unread(why)) => {
            findings.push(Finding::note(place, format!("{arn} is not checked: {why}")));
            return findings;
        }
        None => return findings,
    };
    let place = format!("{place}: target group {}", group.target_group_name);
    findings.extend(
        misfits(group, task, &protocol)
            .into_iter()
            .map(|message| Finding::error(&place, message)),
    );
    findings.extend(health_check(group).map(|message| Finding::note(&place, message)));
    let delay = facts.deregistration_delays.get(arn);
    let stop = commands.stop(&task.name, container);
    findings.extend(delay_finding(&place, delay.copied(), stop));
    findings
}

/// The protocol of the container's port, or why there is none.
fn mapped(task: &Task, container: &str, port: Option<u64>) -> Result<String, String> {
    let mut containers = containers_of(task);
    let Some(found) = containers.find(|one| text(one, "name") == Some(container)) else {
        return Err(format!(
            "the task {} has no container {container:?}",
            task.name
        ));
    };
    let ports: Vec<&Value> = items(found, "portMappings").collect();
    let number = |one: &Value| one.get("containerPort").and_then(Value::as_u64);
    let Some(mapping) = ports.iter().find(|one| number(one) == port) else {
        let known: Vec<String> = ports
            .iter()
            .filter_map(|one| Some(number(one)?.to_string()))
            .collect();
        let known = match known.as_slice() {
            [] => "it has none".to_owned(),
            some => format!("it has {}", some.join(", ")),
        };
        let port = port.map_or_else(|| "without a number".to_owned(), |port| port.to_string());
        return Err(format!(
            "the container {container} has no port {port} in portMappings: {known}"
        ));
    };
    let protocol = mapping.get("protocol").and_then(Value::as_str);
    Ok(protocol.unwrap_or("tcp").to_owned())
}

fn misfits(group: &TargetGroup, task: &Task, port: &str) -> Vec<String> {
    let mut misfits = Vec::new();
    let mode = text(&task.request, "networkMode").unwrap_or("bridge");
    let needed = if awsvpc(task) { "ip" } else { "instance" };
    match group.target_type.as_deref() {
        Some(kind) if kind != needed => misfits.push(format!(
            "its target type is {kind}, and networkMode: {mode} needs {needed}"
        )),
        _ => {}
    }
    if let Some(protocol) = group.protocol.as_deref() {
        let fits = match protocol {
            "UDP" | "QUIC" => port == "udp",
            "TCP_UDP" | "TCP_QUIC" => true,
            _ => port == "tcp",
        };
        if !fits {
            misfits.push(format!(
                "its protocol is {protocol}, and the container's port is {port}"
            ));
        }
    }
    if group.load_balancer_arns.is_empty() {
        misfits.push(
            "no load balancer uses it, so ECS refuses it: add a listener's rule first".to_owned(),
        );
    }
    misfits
}

fn health_check(group: &TargetGroup) -> Option<String> {
    let protocol = group.health_check_protocol.as_deref()?;
    let what = match &group.health_check_path {
        Some(path) => format!("GET {path}"),
        None => "a connection".to_owned(),
    };
    let port = match group.health_check_port.as_deref() {
        None | Some("traffic-port") => "the container's port".to_owned(),
        Some(port) => format!("port {port}"),
    };
    let every = group.health_check_interval_seconds.as_deref();
    let every = every
        .map(|every| format!(", every {every} s"))
        .unwrap_or_default();
    Some(format!(
        "its health check is {what} by {protocol} on {port}{every}"
    ))
}

/// The balancer breaks connections that the app would still have served, or makes a deploy wait for nothing.
fn delay_finding(
    place: &str,
    delay: Option<Duration>,
    stop: Option<(&str, Duration)>,
) -> Option<Finding> {
    let ((mode, stop), delay) = (stop?, delay?);
    let seconds = |duration: Duration| duration.as_secs_f64().ceil();
    (delay < stop).then(|| {
        let message = format!(
            "it cuts connections after {} s (deregistration_delay.timeout_seconds), and mode {mode} may serve them for {} s",
            seconds(delay),
            seconds(stop)
        );
        Finding::warning(place, message)
    })
}
