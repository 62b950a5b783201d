//! `entryctl init`: the files of a cluster whose services were made by something else. A plan for them right
//! after it is empty.
//!
//! ```text
//! DescribeServices, DescribeTaskDefinition (observe) ─▶ Seen ─▶ written: deploy.yml, tasks/FAMILY.yml, notes
//! ```

mod image;
mod observe;
mod write;

pub use observe::{Problem, observe};
pub use write::{File, Written, written};

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    pub cluster: String,
    pub region: String,
    /// In the order asked for, as `DescribeServices` has them.
    pub services: Vec<Map<String, Value>>,
    /// By ARN, as `DescribeTaskDefinition` has them, with their tags.
    pub definitions: BTreeMap<String, Map<String, Value>>,
}
