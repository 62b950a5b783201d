//! From the texts of a mode's files to the mode. Pure: no file is read here.
//!
//! Each file is first checked by itself, so that what a mode replaces is checked too; then the files
//! are laid over each other and read with their variables filled in.

use super::decode::{self, Decoder, Fill};
use super::merge;
use super::mode::Mode;
use super::node::{Node, Value};
use super::problems::{Problem, Problems};
use super::schema;
use super::scope::{Lookup, Scope};
use super::tree;

/// A file's name for messages, and what it holds.
#[derive(Clone, Debug)]
pub struct Text {
    pub file: String,
    pub text: String,
}

/// The files that make up what is to run.
#[derive(Clone, Debug)]
pub enum Layers {
    Mode {
        defaults: Option<Text>,
        mode: Text,
    },
    /// `own` is `oneoff.yml`, `like` the mode that `--as` names.
    OneOff {
        defaults: Option<Text>,
        own: Option<Text>,
        like: Option<Text>,
    },
}

/// What a file may hold beside the keys of every mode.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    Defaults,
    Mode,
    OneOff,
}

/// The mode `name`, or every problem of its files.
pub fn load(name: &str, layers: &Layers, lookup: Lookup) -> Result<Mode, Problems> {
    let mut problems = Problems::default();
    let merged = match layers {
        Layers::Mode { defaults, mode } => {
            let below = optional(defaults.as_ref(), Role::Defaults, &mut problems);
            let above = read(mode, Role::Mode, &mut problems);
            below
                .zip(above)
                .map(|(below, above)| merge::over(&below, &above))
        }
        Layers::OneOff {
            defaults,
            own,
            like,
        } => {
            let below = optional(defaults.as_ref(), Role::Defaults, &mut problems);
            let own = optional(own.as_ref(), Role::OneOff, &mut problems);
            let like = like
                .as_ref()
                .map(|like| read(like, Role::Mode, &mut problems));
            below.zip(own).and_then(|(below, own)| {
                let own = merge::over(&below, &own);
                match like {
                    Some(like) => Some(merge::lend(&merge::over(&below, &like?), &own)),
                    None => Some(own),
                }
            })
        }
    };
    let Some(merged) = merged else {
        return Err(problems);
    };
    let mut decoder = Decoder::new(Fill::Scope(Scope::new(lookup)));
    let (Layers::Mode { defaults, .. } | Layers::OneOff { defaults, .. }) = layers;
    decoder.defaults = defaults.as_ref().map(|text| text.file.clone());
    let mut mode = decode::mode(&mut decoder, name, &merged);
    problems.extend(decoder.problems);
    if matches!(layers, Layers::OneOff { .. }) {
        mode.args = super::ArgsPolicy::default();
    } else if matches!(merged.value, Value::Map(_))
        && merged.get("command").is_none()
        && merged.get("processes").is_none()
    {
        problems.push(Problem {
            place: Some(merged.at.place),
            key: "command".to_owned(),
            ..Problem::of(
                &*merged.at.file,
                "missing",
                "write command: PROGRAM and its words",
            )
        });
    }
    problems.or(mode)
}

/// A file that need not be there.
fn optional(text: Option<&Text>, role: Role, problems: &mut Problems) -> Option<Node> {
    match text {
        Some(text) => read(text, role, problems),
        None => Some(Node::empty("modes")),
    }
}

/// A file's tree, checked by itself as far as it can be without its variables.
fn read(text: &Text, role: Role, problems: &mut Problems) -> Option<Node> {
    let node = tree::parse(&text.file, &text.text, schema::MODES.most_values, problems)?;
    let mut decoder = Decoder::new(Fill::Literal);
    decode::mode(&mut decoder, "", &node);
    problems.extend(decoder.problems);
    let refused: &[(&str, &str)] = match role {
        Role::Mode => &[],
        Role::Defaults => &[
            ("command", "every mode has its own"),
            ("processes", "every mode has its own"),
        ],
        Role::OneOff => &[
            ("command", "a one-off's command comes from the command line"),
            ("args", "a one-off's words come from the command line"),
            (
                "processes",
                "a one-off's command comes from the command line",
            ),
        ],
    };
    for (key, why) in refused {
        if let Some((key, _)) = node.entries().iter().find(|(known, _)| known.text == *key) {
            problems.push(Problem {
                place: Some(key.at.place),
                key: key.text.clone(),
                ..Problem::of(&*key.at.file, "cannot stand in this file", *why)
            });
        }
    }
    Some(node)
}
