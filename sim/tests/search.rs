//! The exhaustive search: nothing breaks the real rules within bounds that take some seconds, and each broken
//! machine has a shortest counterexample. `cargo run --release -p sim --bin search` goes further.

// A test says plainly what it expects.
#![allow(clippy::expect_used, clippy::panic)]

use ha_core::pair::{PairConfig, Rules};
use sim::harness::config;
use sim::search::{Bound, Outcome, Reach, search};
use sim::{BROKEN, Broken, Rule, broken};

const NOTHING: Bound = Bound::NOTHING;

fn all(bound: Bound, rules: [Rules; 2]) -> Outcome {
    search(bound, rules, 2, 1_000_000, |_| {})
}

fn rules_of(broken: &Broken) -> [Rules; 2] {
    [0, 1].map(|unit| {
        let built = (broken.put)(unit, config(unit, 1)).build();
        built.as_ref().map(PairConfig::rules).expect("a valid configuration")
    })
}

fn expect_clean(name: &str, bound: Bound) {
    let outcome = all(bound, [Rules::STANDARD; 2]);
    if let Some(found) = outcome.counterexample {
        panic!("{name}, {bound:?}: {}: {}\n{}", found.rule, found.text, found.story);
    }
    let reach = if bound.steps == 0 { Reach::All } else { Reach::Steps };
    assert_eq!(outcome.reach, reach, "{name}, {bound:?}: {} states", outcome.states);
}

/// S1, S3, L2, PAIR-13, PAIR-20, CRASH-4: in none of the states that can be reached is a rule broken, for
/// ever: against losses, copies and delays with a hand-over; against a crash, a pause and a hand-over; against
/// the same fault on both units, in whatever order; and against units that are barred or whose platforms fail.
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
        Bound { maintenances: 1, crashes: 1, orders: 1, ..NOTHING },
        Bound { failures: 2, crashes: 1, orders: 1, ..NOTHING },
        Bound { cuts: 1, losses: 1, crashes: 1, ..NOTHING },
    ] {
        expect_clean("standard", bound);
    }
}

/// The whole bound, for as long as a test may take: `search --whole` goes on.
#[test]
fn the_whole_bound_is_searched_for_some_steps() {
    expect_clean("standard", Bound { steps: 2, ..Bound::WHOLE });
}

/// Every broken machine is found by a rule that is there for it, on a shortest way, within a bound that shows
/// nothing in machines that are not broken.
#[test]
fn every_broken_machine_has_a_shortest_counterexample() {
    for broken in BROKEN.iter().filter(|it| it.is_searched()) {
        let name = broken.name;
        let outcome = all(broken.bound, rules_of(broken));
        let found = outcome.counterexample;
        let found = found.unwrap_or_else(|| panic!("{name} is not found in {:?}", broken.bound));
        let (rule, text, story) = (found.rule, found.text, found.story);
        assert!(broken.caught_by.contains(&rule), "{name}: {rule}: {text}\n{story}");
        assert_eq!(found.steps as u64, outcome.depth, "{name}: {story}");
        expect_clean(name, broken.bound);
    }
}

/// BEY-8, BEY-9: one that ignores every obstacle is found by each: maintenance, and not being ready.
#[test]
fn each_obstacle_counts() {
    let ignored = broken("obstacles-ignored").expect("it is one of them");
    for (rule, bound) in [
        (Rule::Maintenance, Bound { maintenances: 1, crashes: 1, ..NOTHING }),
        (Rule::Readiness, Bound { readiness: 2, ..NOTHING }),
    ] {
        let found = all(bound, rules_of(ignored)).counterexample;
        assert_eq!(found.map(|found| found.rule), Some(rule), "{bound:?}");
        expect_clean("standard", bound);
    }
}

/// A rule that breaks before the adversary does anything is a counterexample, too, with its story.
#[test]
fn what_breaks_all_by_itself_is_told() {
    let broken = broken("equal-is-fitter").expect("it is one of them");
    let found = all(NOTHING, rules_of(broken)).counterexample.expect("found");
    assert!(found.story.contains("starts"), "{}", found.story);
    assert!(found.story.contains("> AdoptState"), "{}", found.story);
}

/// A search with a horizon says so, and one that ended before is as good as one without.
#[test]
fn a_horizon_is_stated() {
    let bound = Bound { losses: 1, orders: 1, ..NOTHING };
    let whole = all(bound, [Rules::STANDARD; 2]);
    assert_eq!(whole.reach, Reach::All);
    let part = all(Bound { steps: 2, ..bound }, [Rules::STANDARD; 2]);
    assert_eq!((part.reach, part.depth), (Reach::Steps, 2));
    assert!(part.states < whole.states);
    let more = all(Bound { steps: 1000, ..bound }, [Rules::STANDARD; 2]);
    assert_eq!((more.reach, more.states), (Reach::All, whole.states));
}
