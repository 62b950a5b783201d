//! `entryctl vault`: a file a command, what they share in `options` (arguments), `cryptor` (messages and
//! plaintexts) and `told` (what went wrong).

mod account;
mod arguments;
mod check;
mod cryptor;
mod decrypt;
mod diff;
mod edit;
mod editor;
mod encrypt;
mod get;
mod git;
mod keys;
mod kms;
mod kms_options;
mod options;
mod private;
mod prompt;
mod rekey;
mod renewed;
mod reveal;
mod set;
mod store;
mod textconv;
mod told;

use super::Failure;
use clap::Subcommand;

const PASSPHRASE: &str = "YAML_VAULT_PASSPHRASE";
const SIGN_PASSPHRASE: &str = "YAML_VAULT_SIGN_PASSPHRASE";

#[derive(Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one of it in a run")]
pub(super) enum Command {
    /// Decrypt the values of a yaml_vault file
    Decrypt(decrypt::Arguments),
    /// Encrypt values of a YAML file for yaml_vault
    Encrypt(encrypt::Arguments),
    /// Edit a file in clear; only changed values are encrypted again
    Edit(edit::Arguments),
    /// Encrypt a file's values by another passphrase, KMS key or cryptor
    Rekey(rekey::Arguments),
    /// Encrypt one new value in place
    Set(set::Arguments),
    /// Show one value
    Get(get::Arguments),
    /// List what key paths match, and what is encrypted
    Keys(keys::Arguments),
    /// Compare two files or git revisions, decrypted
    Diff(diff::Arguments),
    /// Show a file decrypted if that is possible: a textconv for git
    Textconv(textconv::Arguments),
    /// Fail if anything that should be encrypted is in clear text: for CI
    Check(check::Arguments),
}

impl Command {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Command::Decrypt(arguments) => arguments.run(),
            Command::Encrypt(arguments) => arguments.run(),
            Command::Edit(arguments) => arguments.run(),
            Command::Rekey(arguments) => arguments.run(),
            Command::Set(arguments) => arguments.run(),
            Command::Get(arguments) => arguments.run(),
            Command::Keys(arguments) => arguments.run(),
            Command::Diff(arguments) => arguments.run(),
            Command::Textconv(arguments) => arguments.run(),
            Command::Check(arguments) => arguments.run(),
        }
    }
}
