//! The `runwright` binary.
fn main() {}
