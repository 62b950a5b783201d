//! Single values of a decrypted document, for environment variables.

use super::super::key_path::{self, KeyPath, Segment};
use super::super::{Secret, psych};
use super::Document;
use super::reach::{Bomb, Reached, Via, Walk};
use super::tree::NodeId;
use crate::yaml::{Place, Style};

/// A scalar at or below a key path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The scalar itself.
    pub id: NodeId,
    /// Its own key path, the one it has through aliases if it comes through them.
    pub path: String,
    /// Its steps below the key path; none if it stands at the path itself.
    pub below: Vec<Segment>,
    /// Its text, as it stands after unquoting and unfolding.
    pub text: Secret,
    /// Whether Psych reads it as nil.
    pub is_null: bool,
    /// Whether Psych reads it as an Integer.
    pub is_integer: bool,
    /// What Psych reads it as.
    pub kind: psych::Kind,
    /// Where it is written.
    pub place: Place,
    /// What leads to it, if not its own keys alone.
    pub via: Option<Via>,
}

/// Why values cannot be listed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// Aliases of aliases of aliases.
    #[error("the aliases below {0} unfold to too many values: name single ones")]
    TooMany(KeyPath),
}

impl Document {
    /// The scalars at or below a key path in the first document, as `YAML.load` has them: aliases are
    /// followed, merge keys merged, and of equal keys the last one counts.
    pub fn lookup(&self, path: &KeyPath) -> Result<Vec<Found>, LookupError> {
        let reached = Walk::all(self, path).map_err(|Bomb| LookupError::TooMany(path.clone()))?;
        let found = reached.into_iter().filter_map(|one| self.found(path, one));
        Ok(found.collect())
    }

    fn found(&self, path: &KeyPath, reached: Reached) -> Option<Found> {
        let scalar = self.scalar(reached.id)?;
        let null_tag = scalar.tag == Some("tag:yaml.org,2002:null");
        let untagged = scalar.tag.is_none() && scalar.style == Style::Plain;
        let plain = untagged || scalar.tag == Some("!");
        let kind = match plain {
            _ if null_tag => psych::Kind::Null,
            true => psych::resolve(scalar.value),
            false => psych::Kind::String,
        };
        Some(Found {
            id: reached.id,
            path: key_path::show(&reached.segments),
            below: reached
                .segments
                .get(path.depth()..)
                .unwrap_or_default()
                .to_vec(),
            text: Secret::from(scalar.value),
            is_null: kind == psych::Kind::Null,
            is_integer: kind == psych::Kind::Integer,
            kind,
            place: self.place(reached.id),
            via: reached.via,
        })
    }
}
