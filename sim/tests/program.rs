//! The program says by its exit status what it found.

// A test says plainly what it expects.
#![allow(clippy::expect_used)]

use std::process::{Command, Output};

fn sim(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_sim")).args(arguments).output().expect("it runs")
}

/// 0: nothing is broken; 1: something is, with the seed that replays it; 2: it was called wrongly.
#[test]
fn the_exit_status_tells() {
    assert_eq!(sim(&["--runs", "20", "--from", "0"]).status.code(), Some(0));
    assert_eq!(sim(&["--known"]).status.code(), Some(0));
    let broken = sim(&["--runs", "100", "--from", "0", "--break", "nobody-yields"]);
    assert_eq!(broken.status.code(), Some(1));
    let text = String::from_utf8_lossy(&broken.stdout).into_owned();
    assert!(text.contains("replay: cargo run --release -p sim -- --seed"), "{text}");
    assert_eq!(sim(&["--break", "nothing"]).status.code(), Some(2));
    assert_eq!(sim(&["--plan", "no such file"]).status.code(), Some(2));
}
