//! `entryctl autoscale simulate`.

use crate::autoscale::simulate::{chart, load, simulate, table};
use crate::cli::Failure;
use crate::cli::output::{self, Privacy};
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Runs the alarms of a trace through the decisions of a file, against a small model of ECS in
which nodes and tasks take their time, and shows what would be done, and why. Nothing is
asked of AWS.

Exit codes: 0 done, 1 failed, 2 wrong usage.

Examples:
  entryctl autoscale simulate --config config/autoscale.yml --trace day.yml
  entryctl autoscale simulate --config config/autoscale.yml --trace day.yml --svg day.svg
  entryctl autoscale simulate --config a.yml --trace day.yml --json | jq '.events | length'";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// The autoscaler's file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// What the alarms do, and how it is at the beginning
    #[arg(long, value_name = "FILE")]
    trace: PathBuf,
    /// As JSON: events, and every line of the chart
    #[arg(long, conflicts_with = "svg")]
    json: bool,
    /// As a picture, `-` for standard output
    #[arg(long, value_name = "OUT")]
    svg: Option<PathBuf>,
}

impl Arguments {
    pub fn run(&self) -> Result<(), Failure> {
        let config = super::configuration(&self.config)?;
        let trace = load(&super::text(&self.trace)?, &config, &super::variable)?;
        let timeline = simulate(&config, &trace);
        if let Some(path) = &self.svg {
            return output::write(Some(path), chart(&timeline), Privacy::Public);
        }
        let text = if self.json {
            let json = serde_json::to_string_pretty(&timeline);
            json.map_err(|error| Failure::new(&error))? + "\n"
        } else {
            table(&timeline)
        };
        output::print(text.as_bytes())
    }
}
