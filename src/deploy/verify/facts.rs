//! What AWS answered.

use super::wanted::Secret;
use crate::aws::{Decision, Role, TargetGroup};
use crate::deploy::image::Found;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// What came back of one question.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer<T> {
    There(T),
    Missing,
    /// It could not be asked, with why.
    Unread(String),
}

/// An action on a resource that a mode needs, with the condition keys of its calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    pub action: String,
    pub resource: String,
    pub context: BTreeMap<String, String>,
}

/// What is known of a role's policies.
#[derive(Clone, Debug, PartialEq)]
pub enum Permissions {
    /// IAM's own decisions.
    Simulated(BTreeMap<Permission, Decision>),
    /// The documents, to be read by us.
    Documents(Vec<Value>),
    Unread(String),
}

/// By what the file calls each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    pub images: Found,
    pub roles: BTreeMap<String, Answer<Role>>,
    /// By task role.
    pub permissions: BTreeMap<String, Permissions>,
    pub secrets: BTreeMap<Secret, Answer<()>>,
    /// By region and name.
    pub log_groups: BTreeMap<(Option<String>, String), Answer<()>>,
    pub target_groups: BTreeMap<String, Answer<TargetGroup>>,
    pub deregistration_delays: BTreeMap<String, Duration>,
}

impl<T> Answer<T> {
    pub fn there(&self) -> Option<&T> {
        match self {
            Answer::There(value) => Some(value),
            _ => None,
        }
    }
}
