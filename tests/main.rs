//! One integration binary.

mod vault;
