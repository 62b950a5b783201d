//! From the text of a file to what it means, in one form. Pure: nothing is read here.

use super::group::{Manner, RawGroup};
use super::model::{Config, DeployLock, Group, Queue, Service};
use super::reader::Reader;
use super::schema;
use crate::autoscale::{ClusterId, GroupId, GroupKind, Region};
use crate::config::decode::{Decoder, Fields, Item};
use crate::config::node::{Node, Value};
use crate::config::problems::Problems;
use crate::config::{Lookup, Text};
use crate::state::Place;
use jiff::tz::TimeZone;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// ecs_auto_scaler's.
const POLLING_INTERVAL: Duration = Duration::from_secs(30);

/// A file that can be used, and what is odd about it.
#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    pub warnings: Problems,
}

/// The file, or every problem of it.
pub fn load(text: &Text, lookup: Lookup) -> Result<Loaded, Problems> {
    let mut problems = Problems::default();
    let Some((root, mut reader)) = Reader::open(text, lookup, &mut problems) else {
        return Err(problems);
    };
    let config = reader.config(&root, lookup);
    problems.extend(reader.decoder.problems);
    match config {
        Some(config) => problems.or(Loaded {
            config,
            warnings: reader.warnings,
        }),
        None => Err(problems),
    }
}

impl Reader<'_> {
    fn config(&mut self, root: &Node, lookup: Lookup) -> Option<Config> {
        let root = Item::root(root);
        let fields = self.decoder.table(&root, &schema::ROOT)?;
        self.file_zone(&fields, lookup);
        let interval = self.optional(
            &fields,
            "polling_interval",
            POLLING_INTERVAL,
            |decoder, item| decoder.seconds(item, false),
        );
        let queues = self.queues(&fields);
        let deploys = self.deploys(&fields);
        let state = fields.get("state").map(|item| self.place(&item));
        let mut groups = Vec::new();
        for (name, kind) in [
            ("auto_scaling_groups", GroupKind::AutoScaling),
            ("spot_fleet_requests", GroupKind::SpotFleet),
            ("simple_scaling", GroupKind::Simple),
        ] {
            let item = fields.get(name);
            let items = item.map(|item| self.decoder.list(&item, "a list of maps"));
            let items = items.unwrap_or_default();
            groups.extend(items.iter().filter_map(|item| self.group(item, kind)));
        }
        self.same_names(&groups);
        if let Some(item) = fields.get("services") {
            self.old_form(&item, &mut groups);
        }
        if groups.is_empty() && self.decoder.problems.is_empty() {
            let remedy = "write auto_scaling_groups, spot_fleet_requests or simple_scaling";
            self.decoder.problem(&root, "nothing is scaled", remedy);
        }
        let groups: Vec<Option<Group>> = groups.iter().map(|group| self.whole(group)).collect();
        let groups = groups.into_iter().collect::<Option<Vec<Group>>>()?;
        Some(Config {
            polling_interval: interval?,
            state: state.flatten(),
            interruption_queues: queues?,
            deploys: deploys?,
            groups,
        })
    }

    /// `time_zone`, else what the C library of ecs_auto_scaler's Ruby took.
    fn file_zone(&mut self, fields: &Fields, lookup: Lookup) {
        if fields.get("time_zone").is_some() {
            let zone = self.optional(fields, "time_zone", TimeZone::UTC, Decoder::zone);
            self.zone = zone.unwrap_or(TimeZone::UTC);
            return;
        }
        let Some(name) = lookup("TZ").filter(|name| !name.is_empty()) else {
            return;
        };
        let name = name.to_string_lossy();
        if let Ok(zone) = TimeZone::get(name.trim_start_matches(':')) {
            self.zone = zone;
        } else {
            let remedy = "write time_zone: with an IANA name, such as Europe/Berlin";
            let message = "$TZ names no time zone";
            self.decoder.problem(&fields.item, message, remedy);
        }
    }

    fn place(&mut self, item: &Item) -> Option<Place> {
        let text = self.decoder.word(item)?;
        let place = Place::parse(&text.value);
        if place.is_none() {
            let message = format!("{} is no place on S3", text.shown());
            self.decoder
                .problem(item, message, "write s3://bucket/prefix");
        }
        place
    }

    fn queues(&mut self, fields: &Fields) -> Option<Vec<Queue>> {
        let Some(item) = fields.get("spot_instance_intrp_warns_queue_urls") else {
            return Some(Vec::new());
        };
        let items = self.decoder.list(&item, "a list of URLs");
        let queues: Vec<_> = items.iter().map(|item| self.queue(item)).collect();
        queues.into_iter().collect()
    }

    fn queue(&mut self, item: &Item) -> Option<Queue> {
        let text = self.decoder.word(item)?;
        let rest = ["https://", "http://"]
            .iter()
            .find_map(|scheme| text.value.strip_prefix(scheme));
        let Some((host, _)) = rest.and_then(|rest| rest.split_once('/')) else {
            let message = format!("{} is no URL of a queue", text.shown());
            self.decoder.problem(
                item,
                message,
                "write https://sqs.REGION.amazonaws.com/ACCOUNT/NAME",
            );
            return None;
        };
        Some(Queue {
            region: queue_region(host).map(Arc::from),
            url: text.value.clone(),
        })
    }

    fn deploys(&mut self, fields: &Fields) -> Option<Vec<DeployLock>> {
        let Some(item) = fields.get("deploys") else {
            return Some(Vec::new());
        };
        let items = self.decoder.list(&item, "a list of URLs");
        let locks: Vec<_> = items.iter().map(|item| self.deploy(item)).collect();
        locks.into_iter().collect()
    }

    fn deploy(&mut self, item: &Item) -> Option<DeployLock> {
        let text = self.decoder.word(item)?;
        let lock = deploy_lock(&text.value);
        if lock.is_none() {
            let message = format!("{} is no lock of a deploy", text.shown());
            let remedy = "write s3://BUCKET/PREFIX/locks/NAME.json";
            self.decoder.problem(item, message, remedy);
        }
        lock
    }

    fn same_names(&mut self, groups: &[RawGroup]) {
        let mut seen = BTreeMap::new();
        for group in groups {
            let Some(name) = &group.name else { continue };
            let id = (group.kind, name, &group.region);
            if let Some(first) = seen.insert(id, &group.item) {
                let message = format!("the same as {}", first.path);
                self.decoder
                    .problem(&group.item, message, "put their services into one");
            }
        }
    }

    /// Root services go into the groups that they name.
    fn old_form<'n>(&mut self, item: &Item<'n>, groups: &mut [RawGroup<'n>]) {
        for item in self.decoder.list(item, "a list of maps") {
            // Its other keys are read in the group.
            let Value::Map(_) = item.node.value else {
                self.decoder.table(&item, &schema::SERVICE);
                continue;
            };
            let fields = item.fields(&schema::SERVICE);
            let region = self.maybe(&fields, "region", Decoder::name);
            let cluster = self.maybe(&fields, "cluster", Decoder::name);
            let group = self.maybe(&fields, "auto_scaling_group_name", Decoder::name);
            let fleet = self.maybe(&fields, "spot_fleet_request_id", Decoder::name);
            let (kind, name) = match (group, fleet) {
                (Some(name), None) => (GroupKind::AutoScaling, name),
                (None, Some(name)) => (GroupKind::SpotFleet, name),
                _ => {
                    let message =
                        "expected either auto_scaling_group_name or spot_fleet_request_id";
                    self.decoder
                        .problem(&item, message, "name the service's group");
                    continue;
                }
            };
            let found = groups.iter_mut().find(|group| {
                group.kind == kind && group.name.as_ref() == Some(&name) && group.region == region
            });
            match found {
                Some(group) => self.adopt(item, cluster, group),
                None => self.decoder.problem(
                    &item,
                    format!("its group {name} is not in the file"),
                    "write the group with the same region",
                ),
            }
        }
    }

    fn adopt<'n>(&mut self, item: Item<'n>, cluster: Region, group: &mut RawGroup<'n>) {
        match (&group.cluster, cluster) {
            (Some(known), Some(own)) if *known != own => {
                let message = format!("its cluster {own} is not its group's, which is {known}");
                self.decoder
                    .problem(&item, message, "a group's nodes are in one cluster");
            }
            (None, Some(own)) => group.cluster = Some(own),
            _ => {}
        }
        group.services.push(item);
    }

    fn whole(&mut self, group: &RawGroup) -> Option<Group> {
        let cluster = ClusterId {
            region: group.region.clone(),
            name: group.cluster.clone().unwrap_or_else(|| {
                let remedy = "write it: nodes of another cluster look as if they ran nothing";
                self.warn(
                    &group.item,
                    "without cluster, it is the one named default",
                    remedy,
                );
                Arc::from("default")
            }),
        };
        if group.services.is_empty() {
            let message = "services is missing";
            self.decoder
                .problem(&group.item, message, "write the services that are scaled");
        }
        let services = group.services.iter().map(|item| {
            self.same_home(item, group);
            let service = self.service(item, &cluster)?;
            self.one_master(item, &service, group);
            Some(service)
        });
        let services: Vec<_> = services.collect();
        let manner: Manner = group.manner?;
        Some(Group {
            id: GroupId {
                kind: group.kind,
                region: group.region.clone(),
                name: group.name.clone()?,
            },
            cluster,
            buffer: manner.buffer,
            disable_draining: manner.disable_draining,
            removal: manner.removal,
            services: services.into_iter().collect::<Option<Vec<_>>>()?,
        })
    }

    /// What ecs_auto_scaler overwrites without a word.
    fn same_home(&mut self, item: &Item, group: &RawGroup) {
        let Value::Map(_) = item.node.value else {
            return;
        };
        let fields = item.fields(&schema::SERVICE);
        for (name, ours) in [("region", &group.region), ("cluster", &group.cluster)] {
            let own = self.maybe(&fields, name, Decoder::name);
            if own.is_some() && own != *ours {
                let message = format!("its {name} is not its group's, which counts");
                self.warn(item, message, "take it out");
            }
        }
    }

    /// A service in two groups would be scaled twice.
    fn one_master(&mut self, item: &Item, service: &Service, group: &RawGroup) {
        let master = group.item.path.clone();
        if let Some(first) = self.masters.insert(service.id.clone(), master) {
            let message = format!("{} is in {first}, too", service.id);
            self.decoder.problem(item, message, "keep one of them");
        }
    }
}

/// The object in which `crate::state` keeps a lock.
fn deploy_lock(url: &str) -> Option<DeployLock> {
    let (folder, file) = url.rsplit_once('/')?;
    let prefix = folder.strip_suffix("/locks")?;
    let name = file.strip_suffix(".json").filter(|name| !name.is_empty())?;
    Some(DeployLock {
        place: Place::parse(prefix)?,
        name: name.to_owned(),
    })
}

/// The region in `sqs.REGION.amazonaws.com`, in the host of a VPC's endpoint, or in an old one.
fn queue_region(host: &str) -> Option<&str> {
    let host = host.split(':').next()?;
    let labels: Vec<&str> = host.split('.').collect();
    match labels.as_slice() {
        ["sqs" | "sqs-fips", region, "amazonaws", ..]
        | [_, "sqs", region, "vpce", "amazonaws", ..]
        | [region, "queue", "amazonaws", ..] => Some(region),
        ["queue", "amazonaws", ..] => Some("us-east-1"),
        _ => None,
    }
}
