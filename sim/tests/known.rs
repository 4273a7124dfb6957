//! Seeds that ever failed hold for ever (`seeds.txt`).

// A test says plainly what it expects.
#![allow(clippy::panic)]

use sim::{Plan, known, run};

/// S1, S3, L1, L2: what was broken once and is repaired, or was a mistake of the oracle.
#[test]
fn seeds_that_ever_failed_hold() {
    let known = known();
    assert!(!known.is_empty());
    for it in known {
        if let Some(violation) = run(&Plan::from_seed(it.seed), false).violation {
            panic!("{}: {violation}\ncargo run --release -p sim -- --seed {}", it.name, it.seed);
        }
    }
}
