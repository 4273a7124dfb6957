//! The exhaustive search of a cluster: nothing breaks the real rules within bounds that take some seconds, and each broken
//! machine has a shortest counterexample. `cargo run --release -p sim --bin search cluster --whole` goes further.

// A test says plainly what it expects.
#![allow(clippy::panic)]

use sim::cluster_search::{
    BROKEN_CLUSTERS, ClusterBound, ClusterOutcome, longest_conflict, search_cluster,
};
use svrrp::cluster::Rules;

const NOTHING: ClusterBound = ClusterBound::NOTHING;

fn all(bound: ClusterBound, rules: Rules) -> ClusterOutcome {
    search_cluster(bound, rules, 2, 1_000_000, |_, _, _| {})
}

fn expect_clean(name: &str, bound: ClusterBound) -> ClusterOutcome {
    let outcome = all(bound, Rules::STANDARD);
    if let Some(found) = &outcome.counterexample {
        panic!("{name}, {bound:?}: {}: {}\n{}", found.rule, found.text, found.story);
    }
    assert!(outcome.is_complete, "{name}, {bound:?}: {} states", outcome.states);
    outcome
}

/// VG-1, VG-2, VG-5, SVRRP-5, PAIR-20: in none of the states that can be reached is a rule broken, for ever: against losses,
/// copies and delays in a hand-over; a link that comes back, a slow platform, and one that fails; a crash; other ranks.
#[test]
fn no_reachable_state_of_a_cluster_breaks_a_rule() {
    for bound in [
        ClusterBound { losses: 2, links: 1, ..NOTHING },
        ClusterBound { duplicates: 1, delays: 1, links: 1, between: Some([2, 3]), ..NOTHING },
        ClusterBound { losses: 1, links: 1, slow: 1, ..NOTHING },
        ClusterBound { failures: 1, links: 1, ..NOTHING },
        ClusterBound { losses: 1, crashes: 1, ..NOTHING },
        ClusterBound { crashes: 1, links: 1, ..NOTHING },
        ClusterBound { level: 3, ranks: 1, ..NOTHING },
    ] {
        let outcome = expect_clean("standard", bound);
        assert!(outcome.longest_conflict <= longest_conflict(&bound), "{bound:?}");
        // It came to rest in more than one way: something has moved.
        assert!(outcome.calm > 1, "{bound:?}: {outcome:?}");
    }
}

/// VG-2: a node goes by the ranks that it was told itself; and those that a node has passed on are not lost with it: if it
/// crashes, those that heard them and those that did not end with the same.
#[test]
fn ranks_outlive_the_node_that_was_told() {
    expect_clean("told", ClusterBound { ranks: 1, ..NOTHING });
    expect_clean(
        "crashed",
        ClusterBound { losses: 1, crashes: 1, ranks: 1, between: Some([1, 3]), ..NOTHING },
    );
}

/// VG-5, PAIR-20: every broken machine is found by a rule that is there for it, on a shortest way, within a bound that shows
/// nothing in machines that are not broken.
#[test]
fn every_broken_cluster_has_a_shortest_counterexample() {
    for broken in BROKEN_CLUSTERS {
        let (name, bound) = (broken.name, broken.bound);
        let outcome = all(bound, (broken.rules)());
        let found = outcome.counterexample;
        let found = found.unwrap_or_else(|| panic!("{name} is not found in {bound:?}"));
        let (rule, text, story) = (found.rule, found.text, found.story);
        assert!(broken.caught_by.contains(&rule), "{name}: {rule}: {text}\n{story}");
        assert_eq!(found.steps as u64, outcome.depth, "{name}: {story}");
        // `search cluster --break NAME --mended` goes through all of the bound.
        let steps = u16::try_from(outcome.depth).unwrap_or(u16::MAX);
        expect_clean(name, ClusterBound { steps, ..bound });
    }
}
