//! What commands see of AWS, and where.

use crate::autoscale::config::Config;
use crate::autoscale::decide::{Memory, Snapshot};
use crate::autoscale::observe::{Cause, Look, Regions, Trouble, snapshot};
use crate::autoscale::run::{LEASE, stored};
use crate::aws::{Clients, Settings};
use crate::cli::{Failure, online, warn};
use crate::state::{self, Record};
use clap::Args;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use jiff::Timestamp;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// All calls of a command.
const DEADLINE: Duration = Duration::from_mins(2);

/// Which file, and who asks.
#[derive(Args)]
pub(super) struct Place {
    /// The autoscaler's file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The region of what has none in the file [default: `$AWS_REGION`, the profile's]
    #[arg(long, value_name = "REGION")]
    aws_region: Option<String>,
    /// The profile of ~/.aws/config
    #[arg(long, value_name = "PROFILE")]
    aws_profile: Option<String>,
}

/// The file, and what there is of what it names.
pub(super) struct Observed {
    pub config: Config,
    pub snapshot: Snapshot,
    pub troubles: Vec<Trouble>,
    pub now: Timestamp,
    /// The lease's record, with `state:` in the file and once somebody led.
    pub lease: Option<Record>,
    /// It could not be read.
    pub lease_unknown: bool,
}

impl Place {
    /// Looks at everything once, nodes too; what could not be read is said.
    pub(super) fn observe(&self) -> Result<Observed, Failure> {
        let config = super::configuration(&self.config)?;
        let settings = Settings {
            region: self.aws_region.clone(),
            profile: self.aws_profile.clone(),
            keys: None,
        };
        let now = Timestamp::now();
        let look = async |clients: &Clients, deadline: Instant| {
            let regions = Regions::of(&config, clients);
            let clouds = regions.clouds(clients.s3(), deadline);
            let lease = match &config.state {
                Some(place) => state::read(clients.s3(), place, LEASE).await,
                None => Ok(None),
            };
            // What is remembered tells which nodes the next decision would touch.
            let kept = lease.as_ref().ok().and_then(Option::as_ref);
            let memory = kept.and_then(|(record, _)| stored::read(&record.kept).ok());
            let look = Look {
                memory: &memory.unwrap_or_default(),
                every_node: true,
            };
            Ok((snapshot(&config, look, &clouds, now).await, lease))
        };
        let ((snapshot, mut troubles), lease) = online::with_clients(&settings, DEADLINE, look)?;
        let lease_unknown = lease.is_err();
        let lease = lease.unwrap_or_else(|error| {
            let (about, cause) = ("leader".to_owned(), Cause::Failed(error));
            troubles.push(Trouble { about, cause });
            None
        });
        for trouble in &troubles {
            warn(&trouble.to_string());
        }
        Ok(Observed {
            config,
            snapshot,
            troubles,
            now,
            lease: lease.map(|(record, _)| record),
            lease_unknown,
        })
    }
}

impl Observed {
    /// Who leads now.
    pub(super) fn leader(&self) -> Option<&Record> {
        self.lease.as_ref().filter(|lease| lease.is_held(self.now))
    }

    /// What the leader remembers, or the next one will.
    pub(super) fn memory(&self) -> Memory {
        let Some(lease) = &self.lease else {
            return Memory::default();
        };
        stored::read(&lease.kept).unwrap_or_else(|why| {
            warn(&format!(
                "what the autoscaler remembers is not known: {why}"
            ));
            Memory::default()
        })
    }

    /// An error if anything could not be seen: a script must not take what is missing for what is not.
    pub(super) fn whole(&self) -> Result<(), Failure> {
        match self.troubles.len() {
            0 => Ok(()),
            1 => Err(Failure::line("one part could not be seen".to_owned())),
            many => Err(Failure::line(format!("{many} parts could not be seen"))),
        }
    }
}

/// Columns of text, two blanks apart.
pub(super) fn columns(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(head.iter().copied());
    for row in rows {
        table.add_row(row);
    }
    let last = head.len().saturating_sub(1);
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, if index < last { 2 } else { 0 }));
    }
    table.trim_fmt() + "\n"
}
