//! A Linux firewall pair in one program.
fn main() {}
