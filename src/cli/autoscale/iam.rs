//! `entryctl iam autoscale`.

use crate::autoscale::policy::needs;
use crate::cli::{Failure, output};
use crate::iam::Place;
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Prints the least policy, as JSON, for the role of a task that runs the autoscaler: what it reads
and changes of the file's services, clusters, groups and queues, and nothing else. No network
is needed. Regions that the file names are taken from it.

Not in it: what entry itself needs at the boot of that task (entryctl iam MODE).

Exit codes: 0 done, 1 failed, 2 wrong usage.

Examples:
  entryctl iam autoscale --config config/autoscale.yml
  entryctl iam autoscale --config config/autoscale.yml --region eu-central-1 --account 123456789012";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// The autoscaler's file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The region of what has none in the file
    #[arg(long, default_value = "*")]
    region: String,
    /// The account
    #[arg(long, default_value = "*")]
    account: String,
    /// The partition
    #[arg(long, default_value = "aws", value_parser = ["aws", "aws-cn", "aws-us-gov"])]
    partition: String,
}

impl Arguments {
    pub(in crate::cli) fn run(&self) -> Result<(), Failure> {
        let config = super::configuration(&self.config)?;
        let place = Place {
            partition: self.partition.clone(),
            region: self.region.clone(),
            account: self.account.clone(),
        };
        let policy = needs(&config, &place).policy();
        let text = output::pretty(&policy);
        output::print(text.as_bytes())
    }
}
