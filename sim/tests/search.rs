//! The exhaustive search: nothing breaks the real rules within bounds that take some seconds, and a broken
//! rule has a shortest counterexample. `cargo run --release -p sim --bin search` goes further.

// A test says plainly what it expects.
#![allow(clippy::expect_used, clippy::panic)]

use ha_core::pair::{Cause, Rules, State, next};
use sim::Rule;
use sim::search::{Bound, Outcome, search};

const NOTHING: Bound = Bound {
    level: 2,
    resolution: 1,
    losses: 0,
    duplicates: 0,
    delays: 0,
    crashes: 0,
    pauses: 0,
    orders: 0,
    equal_faults: 0,
};

fn all(bound: Bound, rules: Rules) -> Outcome {
    search(bound, [rules; 2], 2, 1_000_000, |_| {})
}

/// S1, S3, L2, PAIR-13, PAIR-20, CRASH-4: in none of the states that can be reached is a rule broken, for
/// ever: against losses, copies and delays with a hand-over; against a crash, a pause and a hand-over; and
/// against the same fault on both units, in whatever order.
#[test]
fn no_reachable_state_breaks_a_rule() {
    for bound in [
        Bound { losses: 1, duplicates: 1, delays: 1, orders: 1, ..NOTHING },
        Bound { crashes: 1, pauses: 1, ..NOTHING },
        Bound { crashes: 1, orders: 1, ..NOTHING },
        Bound { pauses: 1, orders: 1, ..NOTHING },
        Bound { losses: 2, equal_faults: 1, ..NOTHING },
        Bound { level: 3, losses: 1, pauses: 1, ..NOTHING },
        Bound { resolution: 2, losses: 1, orders: 1, ..NOTHING },
    ] {
        let outcome = all(bound, Rules::STANDARD);
        if let Some(found) = outcome.counterexample {
            panic!("{bound:?}: {}: {}\n{}", found.rule, found.text, found.story);
        }
        assert!(outcome.is_complete, "{bound:?}: {} states", outcome.states);
    }
}

/// S1, S3: a Standby that takes without waiting for the release, and an Active that ignores its own stall,
/// are found, each with a shortest way there.
#[test]
fn a_broken_rule_has_a_shortest_counterexample() {
    let mut no_release = Rules::STANDARD;
    no_release.name = "no release";
    no_release.next = |state, cause, own, peer| match (state, cause) {
        (State::Standby, Cause::TakeOver) if own.eligible => State::Taking,
        _ => next(state, cause, own, peer),
    };
    let found = all(Bound { orders: 1, ..NOTHING }, no_release).counterexample.expect("caught");
    assert_eq!(found.rule, Rule::S1, "{}", found.story);

    let mut no_stall = Rules::STANDARD;
    no_stall.name = "no stall";
    no_stall.has_stalled = |_, _| false;
    let found =
        all(Bound { pauses: 1, losses: 2, ..NOTHING }, no_stall).counterexample.expect("caught");
    assert_eq!(found.rule, Rule::S3, "{}", found.story);
}
