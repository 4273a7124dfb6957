//! What the oracle can catch is itself tested: every broken machine is caught.

use sim::{BROKEN, run_many};

/// So many runs have to be enough.
const RUNS: u64 = 1000;

#[test]
fn every_broken_machine_is_caught() {
    assert!(BROKEN.len() >= 12);
    let got_past: Vec<_> = BROKEN
        .iter()
        .filter(|broken| run_many(0..RUNS, Some(broken), 2, &|_| true).failures.is_empty())
        .collect();
    assert!(got_past.is_empty(), "not caught in {RUNS} runs: {got_past:?}");
}

/// `--break` finds each by its name.
#[test]
fn every_broken_machine_has_a_name_of_its_own() {
    for broken in BROKEN {
        assert_eq!(sim::broken(broken.name), Some(broken));
    }
}
