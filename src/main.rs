//! The `cauce` binary.
fn main() {}
