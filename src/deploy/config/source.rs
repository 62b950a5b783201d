//! The files on the disk: `deploy.yml`, an environment's `deploy.ENV.yml` beside it, and what they name.

use super::layers::Files;
use super::load::{Loaded, load};
use crate::config::problems::{Problem, Problems};
use crate::config::{Lookup, Text, disk};
use std::path::{Path, PathBuf};

/// Loads `path`, under the file of `environment` if one is given.
pub fn open(path: &Path, environment: Option<&str>, lookup: Lookup) -> Result<Loaded, Problems> {
    let mut problems = Problems::default();
    let mut text = |path: PathBuf| {
        let file = path.display().to_string();
        let read = disk::text(&path);
        read.map(|text| Text {
            file: file.clone(),
            text,
        })
        .map_err(|(message, remedy)| problems.push(Problem::of(file, message, remedy)))
        .ok()
    };
    let main = text(path.to_owned());
    let own = environment.map(|environment| text(own_file(path, environment)));
    let (Some(main), false) = (main, matches!(own, Some(None))) else {
        return Err(problems);
    };
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let named = |name: &str| {
        let path = folder.join(name);
        let file = path.display().to_string();
        disk::text(&path).map(|text| Text { file, text })
    };
    let files = Files {
        main,
        environment: own.flatten(),
        read: &named,
    };
    load(&files, lookup)
}

/// `deploy.production.yml` for `deploy.yml`.
fn own_file(path: &Path, environment: &str) -> PathBuf {
    let extension = path.extension().unwrap_or_default();
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".{environment}."));
    name.push(extension);
    path.with_file_name(name)
}
