//! `entryctl vault diff`.

use super::arguments::Values;
use super::git::Blob;
use super::reveal::{Veiled, reveal};
use crate::cli::output::{self, Privacy};
use crate::cli::{Failure, input};
use clap::Args;
use similar::TextDiff;
use std::path::Path;
use zeroize::Zeroizing;

const EXAMPLES: &str = "\
Each side is a file, `-` for standard input, or REV:FILE as git names files (from the top
of the repository, or relative with ./). A revision alone stands for the other side's file
in it, one file alone for its change since HEAD. What is in clear stays as it is; a value
that cannot be decrypted is an error. Both sides share their calls to KMS.

Exit codes: 0 compared, 1 failed, 2 wrong usage.

Examples:
  entryctl vault diff config/secrets.yml
  entryctl vault diff main config/secrets.yml -k '$.production'
  entryctl vault diff v1.2:config/secrets.yml v1.3:config/secrets.yml
  entryctl vault diff config/staging.yml config/production.yml --cryptor aws-kms";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// The older side
    #[arg(value_name = "OLD")]
    old: String,
    /// The newer side [default: the older is its state in HEAD]
    #[arg(value_name = "NEW")]
    new: Option<String>,
    #[command(flatten)]
    values: Values,
}

/// One side: its name, and its text as it is stored.
struct Side {
    name: String,
    text: Zeroizing<String>,
}

impl Side {
    fn file(path: &str) -> Result<Side, Failure> {
        Ok(Side {
            name: path.to_owned(),
            text: input::read(Path::new(path))?,
        })
    }

    fn revision(revision: &str, file: &str) -> Result<Side, Failure> {
        Ok(Side {
            name: format!("{revision}:{file}"),
            text: Blob::of_file(revision, Path::new(file)).read()?,
        })
    }

    /// What an argument means, beside the other one.
    fn find(argument: &str, other: &str) -> Result<Side, Failure> {
        if is_file(argument) {
            Side::file(argument)
        } else if argument.contains(':') {
            Ok(Side {
                name: argument.to_owned(),
                text: Blob::named(argument).read()?,
            })
        } else if is_file(other) && other != input::DASH {
            Side::revision(argument, other)
        } else {
            // The error of a file that is not there.
            Side::file(argument)
        }
    }
}

fn is_file(argument: &str) -> bool {
    argument == input::DASH || Path::new(argument).exists()
}

impl Arguments {
    pub fn run(&self) -> Result<(), Failure> {
        let sides = match &self.new {
            Some(new) => [Side::find(&self.old, new)?, Side::find(new, &self.old)?],
            None => [Side::revision("HEAD", &self.old)?, Side::file(&self.old)?],
        };
        let (paths, affixes) = (self.values.paths(), self.values.affixes());
        let veiled = sides.iter().map(|side| {
            Veiled::new(&side.name, &side.text, &paths, &affixes, |text| {
                self.values.cryptor.is_message(text)
            })
        });
        let veiled = veiled.collect::<Result<Vec<_>, _>>()?;
        let texts = reveal(&veiled, &mut self.values.cryptor.cryptor()?)?;
        let [old, new] = texts.as_slice() else {
            return Ok(());
        };
        let diff = TextDiff::from_lines(old.expose(), new.expose());
        let mut unified = diff.unified_diff();
        let [old, new] = &sides;
        let shown = Zeroizing::new(unified.header(&old.name, &new.name).to_string());
        output::write(None, &shown, Privacy::Secret)
    }
}
