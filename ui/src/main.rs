//! The page of Weir.
fn main() {}
