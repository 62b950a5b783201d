//! `entryctl vault edit`.

use super::arguments::Values;
use super::cryptor::Cryptor;
use super::editor::{Edited, Editor, Held};
use super::private::PrivateFolder;
use super::reveal::decrypted;
use super::{prompt, store, told};
use crate::cli::{Failure, input, say, warn};
use crate::vault::document::Before;
use crate::vault::{Affixes, Document, KeyPath, Secret, Selection};
use clap::Args;
use nix::sys::signal::raise;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const EXAMPLES: &str = "\
The editor is $VISUAL, else $EDITOR. It gets a private file in memory ($XDG_RUNTIME_DIR or
/dev/shm), which is removed in every case but a KILL. Values that are the same afterwards
keep their message; what is not encrypted stays byte for byte as you leave it. If the
text cannot be encrypted, a terminal is asked whether to edit again; elsewhere nothing
is kept. Some editors write history of their own: use `vim -n -i NONE`.

Exit codes: 0 done, 1 failed (the file is as before), 2 wrong usage.

Examples:
  entryctl vault edit config/secrets.yml -k '$.production'
  EDITOR='code --wait' entryctl vault edit config/secrets.yml --cryptor aws-kms \\
    --aws-kms-key-id alias/production";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// The file to edit
    file: PathBuf,
    /// Where there is no memory file system, put the text in clear on a disk
    #[arg(long)]
    allow_disk: bool,
    #[command(flatten)]
    values: Values,
}

/// The file as it was, and as its editor sees it.
struct Opened {
    name: String,
    text: Zeroizing<String>,
    encrypted: Document,
    selection: Selection,
    plain: Secret,
    decrypted: Document,
}

impl Arguments {
    pub fn run(&self) -> Result<(), Failure> {
        store::is_changeable(&self.file)?;
        let editor = Editor::find()?;
        let mut cryptor = self.values.cryptor.encryptor()?;
        let (paths, affixes) = (self.values.paths(), self.values.affixes());
        let opened = self.open(&mut cryptor, &paths, &affixes)?;
        let held = Held::hold()?;
        let folder = PrivateFolder::make(self.allow_disk)?;
        let name = Path::new(self.file.file_name().unwrap_or_default());
        let path = folder
            .file(name, opened.plain.expose())
            .map_err(|error| Failure::line(format!("cannot write a private file: {error}")))?;
        loop {
            if let Edited::Ended(signal) = editor.run(&path, &held)? {
                drop(folder);
                drop(held);
                let _ = raise(signal);
                return Err(Failure::line(format!(
                    "ended by {signal}: nothing is changed"
                )));
            }
            let done = self.take(&path, &opened, &mut cryptor, &paths, &affixes);
            match done {
                Err(Failure::Lines(lines)) if prompt::is_possible() => {
                    for line in &lines {
                        say(line);
                    }
                    if !prompt::yes("Edit again? Otherwise nothing is changed.", &held) {
                        return Err(Failure::Lines(Vec::new()));
                    }
                }
                done => return done,
            }
        }
    }

    fn open(
        &self,
        cryptor: &mut Cryptor,
        paths: &[KeyPath],
        affixes: &Affixes,
    ) -> Result<Opened, Failure> {
        let name = input::name(&self.file);
        let (text, encrypted) = told::read(&self.file)?;
        let selection = encrypted
            .select(paths, affixes)
            .map_err(|problems| told::failure(&name, problems, cryptor))?;
        let plain = decrypted(&name, &encrypted, &selection, cryptor)?;
        for complaint in selection.complaints(|text| cryptor.is_message(text)) {
            warn(&complaint);
        }
        let decrypted = told::parse(&name, plain.expose())?;
        Ok(Opened {
            name,
            text,
            encrypted,
            selection,
            plain,
            decrypted,
        })
    }

    /// Encrypts what the editor left, and puts it in the file's place.
    fn take(
        &self,
        path: &Path,
        opened: &Opened,
        cryptor: &mut Cryptor,
        paths: &[KeyPath],
        affixes: &Affixes,
    ) -> Result<(), Failure> {
        let edited = input::read(path)?;
        if *edited == opened.plain.expose() {
            say(&format!("{}: nothing is changed", opened.name));
            return Ok(());
        }
        let document = told::parse(&opened.name, &edited)?;
        let before = Before {
            encrypted: &opened.encrypted,
            decrypted: &opened.decrypted,
            selection: &opened.selection,
        };
        let choice = document
            .choose_edited(&before, paths, affixes)
            .map_err(|problems| told::failure(&opened.name, problems, cryptor))?;
        let text = store::sealed(&opened.name, &document, &choice, affixes, cryptor)?;
        let is_message = |text: &str| cryptor.is_message(affixes.strip(text));
        told::warn_of(&opened.name, &choice, &is_message);
        store::replace(&self.file, &opened.text, &text)?;
        let (sealed, kept) = (choice.scalars.len(), choice.kept());
        say(&format!(
            "{}: {sealed} encrypted, {kept} kept as they were",
            opened.name
        ));
        Ok(())
    }
}
