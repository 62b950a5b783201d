//! `entryctl vault keys`.

use super::arguments::Values;
use super::options::Kind;
use super::told;
use crate::cli::output::{self, Privacy};
use crate::cli::{Failure, input, warn};
use crate::vault::{Selected, kms};
use clap::Args;
use serde::Serialize;
use std::fmt::Write as _;
use std::path::PathBuf;

const EXAMPLES: &str = "\
No key and no network is needed: a value counts as encrypted by its shape. KMS does not
write the name of its key into a ciphertext, but a mark that is the same for all values
of one key; an id is shown where the ciphertext holds one, as those of emulators do.

Exit codes: 0 done, 1 failed, 2 wrong usage.

Examples:
  entryctl vault keys config/secrets.yml
  entryctl vault keys config/secrets.yml -k '$.production' --cryptor aws-kms
  entryctl vault keys config/secrets.yml --json | jq -r '.[] | select(.state == \"clear\").path'";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// The file to read, `-` for standard input
    file: PathBuf,
    /// As a JSON list
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    values: Values,
}

/// What is known of a value.
#[derive(Serialize)]
struct Row {
    path: String,
    line: usize,
    column: usize,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl Arguments {
    pub fn run(&self) -> Result<(), Failure> {
        let name = input::name(&self.file);
        let (_, document) = told::read(&self.file)?;
        let selection = document
            .survey(&self.values.paths(), &self.values.affixes())
            .map_err(|problems| Failure::line(format!("{name}:{problems}")))?;
        for complaint in selection.complaints(|text| self.values.cryptor.is_message(text)) {
            warn(&complaint);
        }
        let rows = selection.scalars.iter().map(|one| self.row(one));
        let rows: Vec<Row> = rows.collect();
        let text = if self.json {
            let json = serde_json::to_string_pretty(&rows);
            json.map_err(|error| Failure::new(&error))? + "\n"
        } else {
            table(&rows)
        };
        output::write(None, &text, Privacy::Public)
    }

    fn row(&self, one: &Selected) -> Row {
        let is_message = self.values.cryptor.is_message(&one.message);
        let key = match self.values.cryptor.kind() {
            Kind::AwsKms => kms::ciphertext(&one.message)
                .ok()
                .and_then(|c| kms::key(&c)),
            Kind::Simple | Kind::GcpKms => None,
        };
        Row {
            path: one.path.clone(),
            line: one.place.line,
            column: one.place.column,
            state: if is_message { "encrypted" } else { "clear" },
            key,
        }
    }
}

/// Columns with two blanks between; the last has none after it.
fn table(rows: &[Row]) -> String {
    let places = rows
        .iter()
        .map(|row| format!("{}:{}", row.line, row.column));
    let places: Vec<String> = places.collect();
    let width = places.iter().map(String::len).max().unwrap_or(0);
    let mut out = String::new();
    for (row, place) in rows.iter().zip(&places) {
        let _ = write!(out, "{place:width$}  {:9}  {}", row.state, row.path);
        if let Some(key) = &row.key {
            let _ = write!(out, "  {key}");
        }
        out.push('\n');
    }
    out
}
