//! Everything a mode wants before its command runs: secrets decrypted, files brought here, both staged.
//!
//! What is wrong with anything on this side is told at once, before the first call; then what AWS refuses.
//! Nothing has its name yet when this is done.

use super::Failure;
use super::exports::Exports;
use super::folder::Folders;
use super::given::{Given, place};
use super::online::{self, Cost};
use super::orders;
use super::secrets::Secrets;
use super::staging::{Journal, Staged, Wanted};
use super::templates::{self, Values};
use super::vaults::Plaintexts;
use crate::config::{Mode, Write};
use crate::program::users::Identity;
use zeroize::Zeroizing;

/// Decrypted values and staged files, ready to be handed on.
#[derive(Default)]
pub struct Fetched<'j> {
    pub staged: Vec<Staged<'j>>,
    /// Those of the staged files; a folder that is opened anew would seem to be another entry's.
    pub folders: Folders,
    pub env: Vec<(String, Zeroizing<String>)>,
    /// For each template of the mode.
    pub values: Vec<Values>,
    /// Variables that held a passphrase.
    pub used: Vec<String>,
    pub decrypted: u32,
    pub warnings: Vec<String>,
    /// What AWS was asked, if it was.
    pub aws: Option<Cost>,
}

/// Fetches everything the mode names, or tells everything that is wrong with it.
pub fn fetch<'j>(
    mode: &Mode,
    app: &Identity,
    journal: &'j dyn Journal,
) -> Result<Fetched<'j>, Failure> {
    let (mut secrets, mut problems) = Secrets::open(&mode.secrets);
    problems.extend(secrets.decrypt(&Plaintexts::new()));
    // The variables of what is known already; the order of all decides in the end.
    let mut trial = Exports::default();
    problems.extend(secrets.given().flat_map(|given| told(given, &mut trial)));

    let mut folders = Folders::default();
    let mut brought = Vec::new();
    let mut away = Vec::new();
    for file in &mode.files {
        let order = orders::place(file, app, &mut folders, journal)
            .map_err(|problem| format!("{}: {problem}", file.declared_at));
        match order {
            Ok(order) if order.is_local() => match order.copy() {
                Ok(staged) => brought.push(staged),
                Err(problem) => problems.push(problem),
            },
            Ok(order) => away.push(order),
            Err(problem) => problems.push(problem),
        }
    }
    Failure::all(problems)?;

    let mut aws = None;
    if secrets.wait() || !away.is_empty() {
        let (fetched, cost) = online::ask(mode, &mut secrets, away)?;
        brought.extend(fetched);
        aws = cost;
    }
    let mut problems = Vec::new();
    let mut exports = Exports::default();
    let mut staged = Vec::new();
    for given in secrets.given() {
        problems.extend(told(given, &mut exports));
        if let Some(write) = &given.item.write {
            match stage(write, &given.content, app, &mut folders, journal) {
                Ok(one) => staged.push(one),
                Err(problem) => problems.push(problem),
            }
        }
    }
    let values = templates::values(mode, &secrets).unwrap_or_else(|wrong| {
        problems.extend(wrong);
        Vec::new()
    });
    Failure::all(problems)?;
    staged.extend(brought);
    Ok(Fetched {
        staged,
        folders,
        values,
        env: exports.values,
        decrypted: secrets.given().map(|given| given.count).sum(),
        warnings: secrets
            .given()
            .flat_map(|given| given.warnings.clone())
            .collect(),
        used: secrets.used,
        aws,
    })
}

fn told<'m>(given: &Given<'m>, exports: &mut Exports<'m>) -> Vec<String> {
    let place = place(given.item);
    let problems = given.export(exports).into_iter();
    problems
        .map(|problem| format!("{place}: {problem}"))
        .collect()
}

/// Stages a file with this content, for this owner.
pub fn stage<'j>(
    write: &Write,
    content: &[u8],
    owner: &Identity,
    folders: &mut Folders,
    journal: &'j dyn Journal,
) -> Result<Staged<'j>, String> {
    let target = write.path.as_path();
    let folder = folders
        .ready(target.parent().unwrap_or(target), owner, journal)
        .map_err(|error| error.to_string())?;
    let wanted = Wanted {
        target,
        mode: write.mode,
        owner: owner.owner(),
    };
    let staged = Staged::begin(&wanted, folder, journal).and_then(|mut staged| {
        staged.write(content)?;
        staged.finish()?;
        Ok(staged)
    });
    staged.map_err(|error| error.to_string())
}
