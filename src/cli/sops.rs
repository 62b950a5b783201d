//! `entryctl sops decrypt`.

use super::output::Privacy;
use super::{Failure, input, output};
use crate::aws;
use crate::fetch::sops::{AwsKeys, data_key, identities};
use crate::sops::{DataKey, File, Format};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// For credentials and KMS together.
const DEADLINE: Duration = Duration::from_mins(1);

const EXAMPLES: &str = "\
The data key is had by age, with the identities of SOPS_AGE_KEY, SOPS_AGE_KEY_FILE and
~/.config/sops/age/keys.txt, or by AWS KMS with the credentials of the environment, in
the region, with the role, profile and context that the file names. The file's MAC is
verified before anything is written.

Exit codes: 0 done, 1 failed (nothing is written), 2 wrong usage.

Examples:
  entryctl sops decrypt config/secrets.enc.yaml
  entryctl sops decrypt production.env -o /dev/shm/production.env
  git show main:secrets.json | entryctl sops decrypt - --format json";

#[derive(Subcommand)]
pub(super) enum Command {
    /// Decrypt a sops file
    #[command(after_help = EXAMPLES)]
    Decrypt(Arguments),
}

#[derive(Args)]
pub(super) struct Arguments {
    /// The file to read, `-` for standard input
    file: PathBuf,
    /// Write here, whole or not at all; a new file is the owner's alone (0600) [default: standard
    /// output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The file's format [default: by its name, binary for unknown ones]
    #[arg(long, value_parser = PossibleValuesParser::new(Format::NAMES)
        .try_map(|name| Format::from_name(&name).ok_or("not one of the names")))]
    format: Option<Format>,
}

impl Command {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Command::Decrypt(arguments) = self;
        arguments.decrypt()
    }
}

impl Arguments {
    fn decrypt(&self) -> Result<(), Failure> {
        let name = input::name(&self.file);
        let failed =
            |error: &dyn std::error::Error| Failure::Lines(vec![format!("{name}: {error}")]);
        let format = match self.format {
            Some(format) => format,
            None if self.file == Path::new(input::DASH) => {
                let line =
                    "standard input has no name to tell its format: give --format".to_owned();
                return Err(Failure::Lines(vec![line]));
            }
            None => Format::of(&self.file).map_err(|error| failed(&error))?,
        };
        let text = input::read(&self.file)?;
        let file = File::parse(text.as_bytes(), format).map_err(|error| failed(&error))?;
        let key = key(&file).map_err(|error| failed(&*error))?;
        let decrypted = file.decrypt(&key).map_err(|error| failed(&error))?;
        output::write(self.output.as_deref(), &*decrypted.content, Privacy::Secret)
    }
}

fn key(file: &File) -> Result<DataKey, Box<dyn std::error::Error>> {
    let identities = identities(&|name| std::env::var_os(name))?;
    let deadline = Instant::now() + DEADLINE;
    let keys = AwsKeys::default();
    let key = data_key(file, &identities, &keys, deadline);
    Ok(aws::runtime()?.block_on(key)?)
}
