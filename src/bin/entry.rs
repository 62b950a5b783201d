//! PID 1 of a Rails container.
fn main() {}
