//! Services: their counts, and whether a deployment is in progress; ten a call.

use super::members::{count, list, text};
use super::sight::{Sight, batch};
use super::{Eye, Job};
use crate::autoscale::decide::Service;
use crate::autoscale::{ClusterId, ServiceId};
use crate::aws::Ecs;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub fn jobs(eye: Eye<'_>) -> Vec<Job<'_>> {
    let mut names: BTreeMap<&ClusterId, BTreeSet<&str>> = BTreeMap::new();
    for service in eye.config.groups.iter().flat_map(|group| &group.services) {
        let ServiceId { cluster, name } = &service.id;
        names.entry(cluster).or_default().insert(name);
    }
    let mut jobs: Vec<Job> = Vec::new();
    for (cluster, names) in names {
        let names: Vec<&str> = names.into_iter().collect();
        for some in names.chunks(Ecs::SERVICES) {
            jobs.push(Box::pin(look(eye, cluster, some.to_vec())));
        }
    }
    jobs
}

async fn look<'a>(eye: Eye<'a>, cluster: &'a ClusterId, names: Vec<&'a str>) -> Sight {
    let mut sight = Sight::default();
    let reply = match eye.clouds.calls(&cluster.region) {
        Ok(calls) => {
            let ecs = Ecs::new(calls);
            ecs.few_services(&cluster.name, &names, eye.clouds.deadline)
                .await
        }
        Err(error) => Err(error),
    };
    let seen = match reply {
        Ok(seen) => seen,
        Err(error) => {
            let about = batch(&format!("{cluster}: services"), &names);
            sight.failed(about, error);
            return sight;
        }
    };
    for name in names {
        let id = ServiceId {
            cluster: cluster.clone(),
            name: name.into(),
        };
        let called = |one: &&Value| {
            ["serviceName", "serviceArn"]
                .iter()
                .any(|key| text(one, key) == Some(name))
        };
        // A service that was deleted and made again is listed twice.
        let active = |one: &&Value| text(one, "status") == Some("ACTIVE");
        let found = seen.iter().filter(called);
        match found.clone().find(active).or(found.clone().next()) {
            None => sight.unusable(&id, "there is no such service in the cluster"),
            Some(value) => match service(value) {
                Ok(service) => drop(sight.snapshot.services.insert(id, service)),
                Err(why) => sight.unusable(&id, why),
            },
        }
    }
    sight
}

fn service(value: &Value) -> Result<Service, String> {
    let status = text(value, "status").unwrap_or_default();
    if status != "ACTIVE" {
        return Err(format!("it is {status}"));
    }
    if text(value, "schedulingStrategy") == Some("DAEMON") {
        return Err("it is a daemon: each node has one of its tasks".to_owned());
    }
    let number = |name| count(value, name);
    Ok(Service {
        desired: number("desiredCount").ok_or("its desired count was not told")?,
        running: number("runningCount").unwrap_or(0),
        pending: number("pendingCount").unwrap_or(0),
        deploying: is_deploying(list(value, "deployments")) || shifts_traffic(value),
        lease: None,
        lease_unknown: false,
    })
}

/// More than one deployment, or one that has not come to its end. Only rolling updates tell `rolloutState`.
fn is_deploying(deployments: &[Value]) -> bool {
    let rolling = |one: &Value| text(one, "rolloutState") == Some("IN_PROGRESS");
    deployments.len() > 1 || deployments.iter().any(rolling)
}

/// `CodeDeploy` has no deployments in ECS, but two task sets while it goes from one to the other.
fn shifts_traffic(service: &Value) -> bool {
    let controller = service.get("deploymentController");
    let code_deploy = controller.and_then(|one| text(one, "type")) == Some("CODE_DEPLOY");
    code_deploy && list(service, "taskSets").len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_service_is_what_its_reply_says() {
        let mut reply = json!({
            "status": "ACTIVE", "desiredCount": 3, "runningCount": 2, "pendingCount": 1,
            "deployments": [{"status": "PRIMARY", "rolloutState": "COMPLETED"}],
        });
        let seen = Service {
            desired: 3,
            running: 2,
            pending: 1,
            deploying: false,
            lease: None,
            lease_unknown: false,
        };
        assert_eq!(service(&reply), Ok(seen.clone()));
        for (deployments, deploying) in [
            (json!([]), false),
            (json!([{"status": "PRIMARY"}]), false),
            (json!([{"status": "PRIMARY"}, {"status": "ACTIVE"}]), true),
            (json!([{"rolloutState": "IN_PROGRESS"}]), true),
            (json!([{"rolloutState": "FAILED"}]), false),
        ] {
            reply["deployments"] = deployments;
            assert_eq!(service(&reply).unwrap().deploying, deploying, "{reply}");
        }
        let sets = json!([{"status": "PRIMARY"}, {"status": "ACTIVE"}]);
        for (controller, deploying) in [("CODE_DEPLOY", true), ("EXTERNAL", false)] {
            let mut shifted = reply.clone();
            shifted["deploymentController"] = json!({"type": controller});
            shifted["taskSets"] = sets.clone();
            assert_eq!(service(&shifted).unwrap().deploying, deploying);
        }
        for (key, value) in [
            ("status", json!("DRAINING")),
            ("schedulingStrategy", json!("DAEMON")),
            ("desiredCount", json!(null)),
        ] {
            let mut wrong = reply.clone();
            wrong[key] = value;
            assert!(service(&wrong).is_err(), "{wrong}");
        }
    }
}
