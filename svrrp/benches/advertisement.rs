//! Parse and emit of an advertisement: still to come.

fn main() {}
