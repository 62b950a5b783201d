//! What Parameter Store and Secrets Manager hold as variables: a parameter's name becomes a variable's
//! (names), and a secret's JSON gives chosen keys (json). Pure: the values are handed in.

mod json;
mod names;

pub use json::{JsonError, JsonSecret};
pub use names::{NameError, by_name, variable_below, variable_of};
