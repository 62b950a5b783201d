//! The least IAM policy of the autoscaler: pure.

use super::config::{Busy, Config, Group, Queue};
use super::observe::members::last_part;
use super::run::LEASE;
use super::{ClusterId, GroupKind, Region};
use crate::iam::{Needs, Place};
use std::collections::BTreeMap;

/// What observing and acting on the file's services and groups asks of AWS. Regions that the file does not
/// name are the place's.
#[must_use]
pub fn needs(config: &Config, place: &Place) -> Needs {
    let mut needs = Policy {
        needs: Needs::default(),
        place,
        interruptions: !config.interruption_queues.is_empty(),
    };
    // Composite alarms are only told to who may see all.
    needs.anywhere("cloudwatch:DescribeAlarms");
    for group in &config.groups {
        needs.services(group);
        needs.nodes(group);
    }
    for queue in &config.interruption_queues {
        needs.queue(queue);
    }
    // Without ListBucket, S3 denies what does not exist, as a lock before the first deploy.
    for lock in &config.deploys {
        let key = lock.place.key("locks", &lock.name);
        let bucket = format!("arn:{}:s3:::{}", place.partition, lock.place.bucket);
        needs.allow("s3:GetObject", format!("{bucket}/{key}"));
        needs.allow("s3:ListBucket", bucket);
    }
    if let Some(state) = &config.state {
        let bucket = format!("arn:{}:s3:::{}", place.partition, state.bucket);
        let lease = format!("{bucket}/{}", state.key("locks", LEASE));
        needs.allow("s3:GetObject", lease.clone());
        needs.allow("s3:PutObject", lease);
        needs.allow("s3:ListBucket", bucket);
    }
    needs.needs
}

struct Policy<'a> {
    needs: Needs,
    place: &'a Place,
    /// Spot interruptions are told.
    interruptions: bool,
}

impl Policy<'_> {
    fn allow(&mut self, action: &'static str, resource: String) {
        self.needs.allow(action, resource, BTreeMap::new());
    }

    /// Actions that take no resource.
    fn anywhere(&mut self, action: &'static str) {
        self.allow(action, "*".to_owned());
    }

    fn arn(&self, region: &Region, service: &str, resource: &str) -> String {
        let place = Place {
            region: region.as_deref().unwrap_or(&self.place.region).to_owned(),
            ..self.place.clone()
        };
        place.arn(service, resource)
    }

    fn services(&mut self, group: &Group) {
        for service in &group.services {
            let ClusterId { region, name } = &service.id.cluster;
            // ECS takes ARNs for names.
            let (cluster, name) = (last_part(name), last_part(&service.id.name));
            let arn = self.arn(region, "ecs", &format!("service/{cluster}/{name}"));
            for action in ["ecs:DescribeServices", "ecs:UpdateService"] {
                self.allow(action, arn.clone());
            }
        }
    }

    fn nodes(&mut self, group: &Group) {
        let ClusterId { region, name } = &group.cluster;
        let name = last_part(name);
        let arn = |policy: &Self, kind: &str| policy.arn(region, "ecs", kind);
        match group.id.kind {
            GroupKind::Simple => return,
            GroupKind::AutoScaling => self.auto_scaling(group),
            GroupKind::SpotFleet => self.fleet(group),
        }
        self.anywhere("ec2:DescribeInstances");
        self.anywhere("ecs:ListServices");
        let cluster = arn(self, &format!("cluster/{name}"));
        self.allow("ecs:ListContainerInstances", cluster);
        let nodes = arn(self, &format!("container-instance/{name}/*"));
        for action in [
            "ecs:DescribeContainerInstances",
            "ecs:ListTasks",
            "ecs:UpdateContainerInstancesState",
        ] {
            self.allow(action, nodes.clone());
        }
        let tasks = arn(self, &format!("task/{name}/*"));
        if group.removal.busy == Busy::Drain {
            self.allow("ecs:GetTaskProtection", tasks.clone());
        }
        self.allow("ecs:DescribeTasks", tasks);
    }

    fn auto_scaling(&mut self, group: &Group) {
        self.anywhere("autoscaling:DescribeAutoScalingGroups");
        // The part between is an id that nobody knows.
        let name = format!("autoScalingGroup:*:autoScalingGroupName/{}", group.id.name);
        let arn = self.arn(&group.id.region, "autoscaling", &name);
        if self.interruptions {
            self.allow("autoscaling:DetachInstances", arn.clone());
        }
        self.allow("autoscaling:SetDesiredCapacity", arn.clone());
        self.allow("autoscaling:TerminateInstanceInAutoScalingGroup", arn);
    }

    fn fleet(&mut self, group: &Group) {
        self.anywhere("ec2:DescribeSpotFleetInstances");
        self.anywhere("ec2:DescribeSpotFleetRequests");
        let (region, id) = (&group.id.region, &group.id.name);
        let arn = self.arn(region, "ec2", &format!("spot-fleet-request/{id}"));
        self.allow("ec2:ModifySpotFleetRequest", arn);
        // The fleet's own instances have this tag from EC2.
        let tag = "ec2:ResourceTag/aws:ec2spot:fleet-request-id".to_owned();
        let conditions = BTreeMap::from([(tag, id.to_string())]);
        let instances = self.arn(region, "ec2", "instance/*");
        self.needs
            .allow("ec2:TerminateInstances", instances, conditions);
    }

    /// `https://HOST/ACCOUNT/NAME`.
    fn queue(&mut self, queue: &Queue) {
        let mut parts = queue.url.trim_end_matches('/').rsplit('/');
        let (name, account) = (parts.next(), parts.next());
        let place = Place {
            region: queue
                .region
                .as_deref()
                .unwrap_or(&self.place.region)
                .to_owned(),
            account: account.unwrap_or(&self.place.account).to_owned(),
            partition: self.place.partition.clone(),
        };
        let arn = place.arn("sqs", name.unwrap_or("*"));
        self.allow("sqs:DeleteMessage", arn.clone());
        self.allow("sqs:ReceiveMessage", arn);
    }
}
