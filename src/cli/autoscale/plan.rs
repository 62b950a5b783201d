//! `entryctl autoscale plan`: what the next poll would do.

use super::online::{Observed, Place, columns};
use crate::autoscale::decide::{Decision, Subject, decide};
use crate::cli::{Failure, output};
use clap::Args;
use serde_json::{Value, json};

const EXAMPLES: &str = "\
Reads everything that a poll of the autoscaler reads, nodes too, and prints what it would do
now and which rule decided, and what is held back and why. Nothing is changed. Waits of a
running autoscaler, such as the idle time, are known where the file has `state:`; without it the
autoscaler may do less.

Exit codes: 0 done, 1 failed or something could not be seen, 2 wrong usage.

Examples:
  entryctl autoscale plan --config config/autoscale.yml
  entryctl autoscale plan --config config/autoscale.yml --aws-profile production
  entryctl autoscale plan --config config/autoscale.yml --json | jq -r '.actions[].action'";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn run(&self) -> Result<(), Failure> {
        let seen = self.place.observe()?;
        let decision = decide(&seen.config, &seen.snapshot, seen.memory(), seen.now);
        let text = if self.json {
            output::pretty(&as_json(&seen, &decision))
        } else {
            lines(&decision)
        };
        output::print(text.as_bytes())?;
        seen.whole()
    }
}

fn lines(decision: &Decision) -> String {
    let done = decision.actions.iter().map(|action| {
        let subject = Subject::of(&action.act).to_string();
        vec![subject, action.act.to_string(), action.why.to_string()]
    });
    let held = decision.reasons.iter().map(|reason| {
        let dash = "–".to_owned();
        vec![reason.subject.to_string(), dash, reason.why.to_string()]
    });
    let rows: Vec<Vec<String>> = done.chain(held).collect();
    if rows.is_empty() {
        return "nothing is to be done\n".to_owned();
    }
    columns(&["what", "action", "why"], rows)
}

fn as_json(seen: &Observed, decision: &Decision) -> Value {
    let done = decision.actions.iter().map(|action| {
        json!({
            "subject": Subject::of(&action.act).to_string(),
            "action": action.act.to_string(),
            "why": action.why.to_string(),
        })
    });
    let held = decision.reasons.iter().map(
        |reason| json!({"subject": reason.subject.to_string(), "why": reason.why.to_string()}),
    );
    let troubles = seen.troubles.iter().map(ToString::to_string);
    json!({
        "at": seen.now.to_string(),
        "actions": done.collect::<Vec<_>>(),
        "held": held.collect::<Vec<_>>(),
        "unseen": troubles.collect::<Vec<_>>(),
    })
}
