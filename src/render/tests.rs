use super::*;

#[test]
fn probe() {}
