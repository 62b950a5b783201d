//! Templates: what each may ask for, and its output, staged beside the other files.

use super::Failure;
use super::environment::Environment;
use super::fetch::{self, Fetched};
use super::orders;
use super::secrets::Secrets;
use super::staging::{Journal, Staged};
use crate::config::{Language, Mode, Template, Write};
use crate::program::users::Identity;
use crate::render::{self, Names};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What a template sees under `secrets`.
pub type Values = BTreeMap<String, Zeroizing<String>>;

/// The values of each template, or everything that is wrong with any.
pub fn values(mode: &Mode, secrets: &Secrets) -> Result<Vec<Values>, Vec<String>> {
    let mut problems = Vec::new();
    let mut all = Vec::new();
    for template in &mode.render {
        let mut values = Values::new();
        for (name, place) in &template.values {
            match secrets.value(place) {
                Ok(value) => {
                    values.insert(name.clone(), value);
                }
                Err(problem) => {
                    let at = &template.declared_at;
                    problems.push(format!("{at}: values.{name}: {problem}"));
                }
            }
        }
        all.push(values);
    }
    if problems.is_empty() {
        Ok(all)
    } else {
        Err(problems)
    }
}

/// After how many hooks the next templates come, if there are some after so many.
pub fn next(mode: &Mode, hooks: usize) -> Option<usize> {
    let places = mode.render.iter().map(|template| template.after_hooks);
    places.filter(|place| *place > hooks).min()
}

/// Renders the templates of a mode that come after so many hooks and stages what comes out, or tells
/// everything that is wrong with any.
pub fn stage<'j>(
    mode: &Mode,
    hooks: usize,
    environment: &Environment,
    app: &Identity,
    fetched: &mut Fetched<'j>,
    journal: &'j dyn Journal,
) -> Result<(), Failure> {
    let mut problems = Vec::new();
    let now = mode
        .render
        .iter()
        .zip(0..)
        .filter(|(template, _)| template.after_hooks == hooks);
    for (template, index) in now {
        let values = fetched
            .values
            .get_mut(index)
            .map(std::mem::take)
            .unwrap_or_default();
        let names = names(mode, environment, fetched, &values);
        match one(template, &Arc::new(names), app, fetched, journal) {
            Ok(staged) => fetched.staged.push(staged),
            Err(told) => {
                let at = &template.declared_at;
                problems.extend(told.iter().map(|problem| format!("{at}: {problem}")));
            }
        }
    }
    Failure::all(problems)
}

/// The app's variables, and the values of one template. A variable that the mode itself sets is no secret.
fn names(mode: &Mode, environment: &Environment, fetched: &Fetched, values: &Values) -> Names {
    let own = |name: &str| {
        mode.env
            .iter()
            .any(|one| !one.is_default && one.name == name)
    };
    let mut names = Names::default();
    for (name, value) in environment.variables() {
        let exported = fetched.env.iter().any(|(known, _)| known == name);
        names.variable(name, value, exported && !own(name));
    }
    for (name, value) in values {
        names.secret(name, value);
    }
    names
}

fn one<'j>(
    template: &Template,
    names: &Arc<Names>,
    app: &Identity,
    fetched: &mut Fetched<'j>,
    journal: &'j dyn Journal,
) -> Result<Staged<'j>, Vec<String>> {
    let failed = |problem: String| vec![problem];
    let path = path::absolute(&template.to).map_err(|error| failed(error.to_string()))?;
    if path::absolute(&template.from).is_ok_and(|from| from == path) {
        let path = path.display();
        return Err(failed(format!(
            "{path}: is the template itself: write to elsewhere"
        )));
    }
    if fetched.staged.iter().any(|other| other.target() == path) {
        let path = path.display();
        return Err(failed(format!(
            "{path}: another item writes this file too: write to elsewhere"
        )));
    }
    let owner =
        orders::owner(template.user.as_deref(), template.group.as_deref(), app).map_err(failed)?;
    let text = render::Template::read(path::Path::new(""), &template.from, &template.root);
    let rendered = text
        .map_err(|error| vec![error])
        .and_then(|text| match template.language {
            Language::Jinja => text.render(names),
            Language::EntryKit => text.render_entrykit(names),
        })
        .map_err(|errors| errors.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    let unwritten = match template.language {
        _ if rendered.is_secret => Template::SECRET,
        Language::Jinja => Template::PUBLIC,
        Language::EntryKit => {
            let found = fs::metadata(&template.from).map_err(|error| failed(error.to_string()))?;
            found.permissions().mode() & 0o7777
        }
    };
    let write = Write {
        path,
        mode: template.mode.unwrap_or(unwritten),
    };
    fetch::stage(
        &write,
        &rendered.text,
        &owner,
        &mut fetched.folders,
        journal,
    )
    .map_err(failed)
}
