//! What commands see of AWS, and where.

use crate::autoscale::config::Config;
use crate::autoscale::decide::{Memory, Snapshot};
use crate::autoscale::observe::{Look, Regions, Trouble, snapshot};
use crate::aws::{Clients, Settings};
use crate::cli::{Failure, online, warn};
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
            let memory = Memory::default();
            let look = Look {
                memory: &memory,
                every_node: true,
            };
            Ok(snapshot(&config, look, &clouds, now).await)
        };
        let (snapshot, troubles) = online::with_clients(&settings, DEADLINE, look)?;
        for trouble in &troubles {
            warn(&trouble.to_string());
        }
        Ok(Observed {
            config,
            snapshot,
            troubles,
            now,
        })
    }
}

impl Observed {
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
