//! `entryctl autoscale check`.

use crate::cli::{Failure, output};
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Reads ecs_auto_scaler's YAML, of its old form or its new, and names everything that is wrong
with it at once. No network is needed.

Exit codes: 0 nothing wrong, 1 problems, 2 wrong usage.

Examples:
  entryctl autoscale check config/autoscale.yml
  TZ=Asia/Tokyo entryctl autoscale check config/autoscale.yml";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// The file to check
    file: PathBuf,
}

impl Arguments {
    pub fn run(&self) -> Result<(), Failure> {
        let config = super::configuration(&self.file)?;
        let services: usize = config.groups.iter().map(|group| group.services.len()).sum();
        let groups = config.groups.len();
        let line = format!(
            "{}: fine: {} in {}\n",
            self.file.display(),
            counted(services, "service"),
            counted(groups, "group")
        );
        output::print(line.as_bytes())
    }
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
