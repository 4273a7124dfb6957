//! What the oracle can catch is itself tested: every broken machine is caught, by a rule that is there for it.

// A test says plainly what it expects.
#![allow(clippy::panic)]

use sim::{BROKEN, run_many};

/// So many runs have to be enough: consecutive seeds, of all kinds.
const RUNS: u64 = 1000;

#[test]
fn every_broken_machine_is_caught() {
    let threads = std::thread::available_parallelism().map_or(1, Into::into);
    let mut complaints = Vec::new();
    for broken in BROKEN {
        let report = run_many(0..RUNS, None, Some(broken), threads, &|_| true);
        let Some(first) = report.failures.first() else {
            complaints.push(format!("{} is not caught in {RUNS} runs", broken.name));
            continue;
        };
        if !broken.caught_by.contains(&first.violation.rule) {
            let (seed, violation) = (first.seed, &first.violation);
            complaints.push(format!("{}, seed {seed}: caught by {violation}", broken.name));
        }
    }
    if !complaints.is_empty() {
        panic!("{}", complaints.join("\n"));
    }
}

/// `--break` finds each by its name.
#[test]
fn every_broken_machine_has_a_name_of_its_own() {
    for broken in BROKEN {
        assert_eq!(sim::broken(broken.name), Some(broken));
    }
}
