//! What the oracle can catch is itself tested: every broken machine is caught.

// A test says plainly what it expects.
#![allow(clippy::panic)]

use sim::{BROKEN, run_many};

/// So many runs have to be enough.
const RUNS: u64 = 1000;

#[test]
fn every_broken_machine_is_caught() {
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    for broken in BROKEN {
        let report = run_many(0..RUNS, Some(broken), threads, &|_| true);
        if report.failures.is_empty() {
            panic!("{} is not caught in {RUNS} runs: {}", broken.name, broken.what);
        }
    }
}

/// `--break` finds each by its name.
#[test]
fn every_broken_machine_has_a_name_of_its_own() {
    for broken in BROKEN {
        assert_eq!(sim::broken(broken.name), Some(broken));
    }
}
