//! `entryctl plan`: what a deploy would do.

use super::DEADLINE;
use super::files::Files;
use super::images;
use crate::aws::Ecs;
use crate::cli::{Failure, online, output, warn};
use crate::deploy::observe;
use crate::deploy::plan::{Paint, Plan};
use clap::Args;
use std::io::{self, IsTerminal};

const EXAMPLES: &str = "\
Compares the files with what runs, and prints what differs: nothing is changed. What AWS fills
in by itself, and the order of what has none, is no difference. Of a service only what the
file names is compared. Images of ECR must be there, and are pinned to their digests. Values of variables that are filled in are not shown.

Exit codes: 0 done, 1 failed or it cannot be done, 2 wrong usage.

Examples:
  entryctl plan
  entryctl plan v1.2 --env production
  entryctl plan --json | jq '.services[] | select(.action != \"unchanged\")'";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// The commit that ${SHA} stands for [default: `$SHA`, else HEAD]
    #[arg(value_name = "REF")]
    revision: Option<String>,
    #[command(flatten)]
    files: Files,
    /// Print the plan as JSON, with the requests that it stands for
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(in crate::cli) fn run(&self) -> Result<(), Failure> {
        let config = self.files.load(self.revision.as_deref())?;
        let settings = self.files.settings(&config);
        let plan = online::with_clients(&settings, DEADLINE, async |clients, deadline| {
            let calls = clients.calls();
            let ecs = Ecs::new(&calls);
            let config = images::pinned(&config, clients, deadline).await?;
            let plan = observe::planned(&config, &ecs, deadline).await;
            plan.map_err(|error| Failure::new(&error))
        })?;
        show(&plan, self.json)
    }
}

/// Prints a plan; what cannot be done is an error behind it.
pub(super) fn show(plan: &Plan, json: bool) -> Result<(), Failure> {
    let text = if json {
        output::pretty(&plan.json())
    } else {
        plan.lines(paint())
    };
    for warning in &plan.warnings {
        warn(warning);
    }
    output::print(text.as_bytes())?;
    match plan.refusals.as_slice() {
        [] => Ok(()),
        refusals => Err(Failure::Lines(refusals.to_vec())),
    }
}

/// Colors on a terminal, unless <https://no-color.org> is asked for.
pub(super) fn paint() -> Paint {
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if io::stdout().is_terminal() && !unwanted {
        Paint::Colors
    } else {
        Paint::Plain
    }
}
