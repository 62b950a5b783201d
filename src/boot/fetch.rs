//! Everything a mode wants before its command runs: secrets decrypted, files brought here, both staged.
//!
//! What is wrong with anything on this side is told at once, before the first call; then what AWS refuses.
//! Nothing has its name yet when this is done.

use super::Failure;
use super::cryptors::Cryptors;
use super::exports::Exports;
use super::folder::Folders;
use super::online::{self, Cost};
use super::orders::{self, Order};
use super::staging::{Journal, Staged, Wanted};
use super::users::Identity;
use super::vaults::{self, Given, Opened, Plaintexts};
use crate::config::Mode;
use zeroize::Zeroizing;

/// Decrypted values and staged files, ready to be handed on.
#[derive(Default)]
pub struct Fetched<'j> {
    pub staged: Vec<Staged<'j>>,
    pub env: Vec<(String, Zeroizing<String>)>,
    /// Variables that held a passphrase.
    pub used: Vec<String>,
    pub decrypted: u32,
    pub warnings: Vec<String>,
    /// What AWS was asked, if it was.
    pub aws: Option<Cost>,
}

/// The secrets on their way from opened files to values.
pub struct Secrets<'m, 'j> {
    opened: Vec<Opened<'m>>,
    pub given: Vec<Given<'m>>,
    exports: Exports,
    folders: Folders,
    staged: Vec<Staged<'j>>,
    app: &'m Identity,
    journal: &'j dyn Journal,
}

/// Fetches everything the mode names, or tells everything that is wrong with it.
pub fn fetch<'j>(
    mode: &Mode,
    app: &Identity,
    journal: &'j dyn Journal,
) -> Result<Fetched<'j>, Failure> {
    let mut problems = Vec::new();
    let mut cryptors = Cryptors::default();
    let mut secrets = Secrets {
        opened: Vec::new(),
        given: Vec::new(),
        exports: Exports::default(),
        folders: Folders::default(),
        staged: Vec::new(),
        app,
        journal,
    };
    for file in &mode.secrets {
        match Opened::open(file, &mut cryptors) {
            Ok(opened) => secrets.opened.push(opened),
            Err(wrong) => problems.extend(at(&vaults::place(file), wrong)),
        }
    }
    problems.extend(secrets.decrypt(&Plaintexts::new()));
    let mut orders = Vec::new();
    for file in &mode.files {
        match orders::place(file, app, &mut secrets.folders, journal) {
            Ok(order) => orders.push(order),
            Err(problem) => problems.push(format!("{}: {problem}", file.declared_at)),
        }
    }
    let (here, away): (Vec<Order>, Vec<Order>) = orders.into_iter().partition(Order::is_local);
    let mut brought = Vec::new();
    for order in here {
        match order.copy() {
            Ok(staged) => brought.push(staged),
            Err(problem) => problems.push(problem),
        }
    }
    Failure::all(problems)?;

    let mut aws = None;
    if !secrets.opened.is_empty() || !away.is_empty() {
        let (fetched, cost) = online::ask(mode, &mut secrets, away)?;
        brought.extend(fetched);
        aws = Some(cost);
    }
    let Secrets {
        given,
        exports,
        mut staged,
        ..
    } = secrets;
    staged.extend(brought);
    Ok(Fetched {
        staged,
        env: exports.values,
        used: cryptors.used,
        decrypted: given.iter().map(|given| given.decrypted).sum(),
        warnings: given.into_iter().flat_map(|given| given.warnings).collect(),
        aws,
    })
}

impl Secrets<'_, '_> {
    /// The ciphertexts of all files that wait for KMS, each with its message.
    pub fn ciphertexts(&self) -> Vec<(String, Vec<u8>)> {
        self.opened.iter().flat_map(Opened::ciphertexts).collect()
    }

    /// Decrypts every file whose plaintexts are all known, and stages what is written; tells everything
    /// that is wrong.
    pub fn decrypt(&mut self, plaintexts: &Plaintexts) -> Vec<String> {
        let mut problems = Vec::new();
        let (ready, waiting) = std::mem::take(&mut self.opened)
            .into_iter()
            .partition(|opened| opened.is_answered(plaintexts));
        self.opened = waiting;
        let ready: Vec<Opened> = ready;
        for opened in ready {
            let place = vaults::place(opened.file);
            match opened.decrypt(plaintexts, &mut self.exports) {
                Ok(given) => self.given.push(given),
                Err(wrong) => problems.extend(at(&place, wrong)),
            }
        }
        for given in &mut self.given {
            let Some((write, bytes)) = given.write.take() else {
                continue;
            };
            let staged = stage(
                &write.path,
                write.mode,
                &bytes,
                self.app,
                &mut self.folders,
                self.journal,
            );
            match staged {
                Ok(staged) => self.staged.push(staged),
                Err(problem) => problems.push(problem),
            }
        }
        problems
    }
}

fn at(place: &str, problems: Vec<String>) -> impl Iterator<Item = String> {
    problems
        .into_iter()
        .map(move |problem| format!("{place}: {problem}"))
}

fn stage<'j>(
    target: &std::path::Path,
    mode: u32,
    bytes: &[u8],
    app: &Identity,
    folders: &mut Folders,
    journal: &'j dyn Journal,
) -> Result<Staged<'j>, String> {
    let folder = folders
        .ready(target.parent().unwrap_or(target), app, journal)
        .map_err(|error| error.to_string())?;
    let wanted = Wanted {
        target,
        mode,
        owner: app.owner(),
    };
    let staged = Staged::begin(&wanted, folder, journal);
    let staged = staged.and_then(|mut staged| {
        staged.write(bytes)?;
        staged.finish()?;
        Ok(staged)
    });
    staged.map_err(|error| error.to_string())
}
