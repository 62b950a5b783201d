//! Groups: what brings the nodes, and how these may go.

use super::model::{Busy, Capacity, Removal};
use super::reader::Reader;
use super::schema;
use crate::autoscale::GroupKind;
use crate::config::decode::{Decoder, Fields, Item};
use crate::config::schema::Table;
use std::sync::Arc;
use std::time::Duration;

/// As it was written: its services are read when all that is known of their cluster is together.
pub(super) struct RawGroup<'n> {
    pub item: Item<'n>,
    pub kind: GroupKind,
    pub name: Option<Arc<str>>,
    pub region: Option<Arc<str>>,
    pub cluster: Option<Arc<str>>,
    pub manner: Option<Manner>,
    pub services: Vec<Item<'n>>,
}

/// How nodes come and go.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    pub buffer: Capacity,
    pub disable_draining: bool,
    pub removal: Removal,
}

impl Default for Manner {
    fn default() -> Manner {
        Manner {
            buffer: Capacity::default(),
            disable_draining: false,
            removal: Removal {
                per_poll: 5,
                per_hour: 60,
                wait: Duration::from_hours(1),
                busy: Busy::Keep,
                orphan_percent: 25,
            },
        }
    }
}

const BUSY: [(&str, Busy); 2] = [("keep", Busy::Keep), ("drain", Busy::Drain)];

impl Reader<'_> {
    pub(super) fn group<'n>(&mut self, item: &Item<'n>, kind: GroupKind) -> Option<RawGroup<'n>> {
        let (table, name): (&'static Table, _) = match kind {
            GroupKind::AutoScaling => (&schema::GROUP, "name"),
            GroupKind::SpotFleet => (&schema::FLEET, "id"),
            GroupKind::Simple => (&schema::SIMPLE, "name"),
        };
        let fields = self.decoder.table(item, table)?;
        let remedy = format!("write the group's {name}");
        let name = self.needed(&fields, name, &remedy, Decoder::name);
        let region = self.maybe(&fields, "region", Decoder::name);
        let cluster = self.maybe(&fields, "cluster", Decoder::name);
        let manner = match kind {
            GroupKind::Simple => Some(Manner::default()),
            _ => self.manner(&fields),
        };
        let services = match fields.get("services") {
            Some(item) => self.decoder.list(&item, "a list of maps"),
            None => Vec::new(),
        };
        for item in &services {
            self.no_group_named(item);
        }
        Some(RawGroup {
            item: item.clone(),
            kind,
            name,
            region,
            cluster,
            manner,
            services,
        })
    }

    /// A service in a group names none: it might be another one.
    fn no_group_named(&mut self, item: &Item) {
        for name in ["auto_scaling_group_name", "spot_fleet_request_id"] {
            if let Some(node) = item.node.get(name) {
                let message = format!("{name} stands in a service that is in a group");
                self.decoder
                    .problem_at(&node.at, &item.path, message, "take it out");
            }
        }
    }

    fn manner(&mut self, fields: &Fields) -> Option<Manner> {
        let usual = Manner::default();
        let buffer = self.optional(fields, "buffer", usual.buffer, Decoder::capacity);
        let disable = "disable_draining";
        let disable = self.optional(
            fields,
            disable,
            usual.disable_draining,
            Decoder::ruby_boolean,
        );
        let removal = match fields.get("removal") {
            Some(item) => self.removal(&item),
            None => Some(usual.removal),
        };
        Some(Manner {
            buffer: buffer?,
            disable_draining: disable?,
            removal: removal?,
        })
    }

    fn removal(&mut self, item: &Item) -> Option<Removal> {
        let fields = self.decoder.table(item, &schema::REMOVAL)?;
        let usual = Manner::default().removal;
        let number =
            |most| move |decoder: &mut Decoder, item: &Item| decoder.number(item, 0..=most);
        let per_poll = self.optional(&fields, "per_poll", usual.per_poll, number(1000));
        let per_hour = self.optional(&fields, "per_hour", usual.per_hour, number(10_000));
        let wait = self.optional(&fields, "wait", usual.wait, |decoder, item| {
            decoder.seconds(item, true)
        });
        let busy = self.optional(&fields, "busy", usual.busy, |decoder, item| {
            decoder.choice(item, "way with busy nodes", &BUSY)
        });
        let orphans = "orphan_percent";
        let orphan_percent = self.optional(&fields, orphans, usual.orphan_percent, number(100));
        Some(Removal {
            per_poll: per_poll?,
            per_hour: per_hour?,
            wait: wait?,
            busy: busy?,
            orphan_percent: orphan_percent?,
        })
    }
}
