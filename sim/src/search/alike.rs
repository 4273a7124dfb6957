//! A test of the fingerprints, on which a search stands or falls: whatever is taken for the same state goes on
//! in the same way.

use super::bound::{Bound, Left};
use super::hash::Map;
use super::machine::Memory;
use super::state::{Stage, State};
use super::tape::Tape;
use super::{Rule, Setup};
use ha_core::pair::Rules;

/// What can follow from a state in a step: what the adversary chose, and the state that follows, or the rule
/// that is broken.
type Future = Vec<(u128, Result<(u128, Left), Rule>)>;

/// Goes through all states as a search does, but also again through those that were visited before, and looks
/// whether the same follows from them. Returns how many were the same as another one.
fn compare_all(bound: Bound) -> u64 {
    let setup = Setup::new(bound, [Rules::STANDARD; 2]);
    let mut futures: Map<(u128, Left), Future> = Map::default();
    let mut memory = Memory::default();
    let (mut layer, beginnings) = setup.beginnings();
    let mut states: Vec<(u128, State)> =
        (0..).zip(beginnings).map(|(at, (state, _))| (at, state)).collect();
    let mut same = 0;
    while !states.is_empty() {
        let mut next = Vec::new();
        for (fingerprint, state) in states {
            let key = (fingerprint, state.left());
            let mut stage = Stage { setup: &setup, layer: &layer, memory: &mut memory };
            let mut future = Future::new();
            let mut followers = Vec::new();
            let mut tape = Tape::default();
            loop {
                let mut after = state.keep().unpack();
                let result = after.step(&mut stage, &mut tape).map_err(|(rule, _)| rule);
                let result = result.map(|()| (after.fingerprint(&mut stage), after.left()));
                future.push((tape.pack(), result));
                followers.extend(result.ok().map(|(fingerprint, _)| (fingerprint, after)));
                if !tape.next() {
                    break;
                }
            }
            match futures.get(&key) {
                Some(known) => {
                    assert_eq!(known, &future, "{bound:?}: the same state goes on in another way");
                    same += 1;
                }
                None => {
                    futures.insert(key, future);
                    next.extend(followers);
                }
            }
        }
        states = next;
        memory.clear();
        layer = layer.next(&setup);
    }
    same
}

/// Also if they differ in the time, in the numbers of heartbeats, in which start it is, and in what was asked
/// before.
#[test]
fn states_with_the_same_fingerprint_go_on_alike() {
    for bound in [
        Bound { losses: 1, orders: 1, ..Bound::NOTHING },
        Bound { losses: 1, crashes: 1, ..Bound::NOTHING },
        Bound { delays: 1, duplicates: 1, ..Bound::NOTHING },
        Bound { pauses: 1, orders: 1, ..Bound::NOTHING },
        Bound { crashes: 1, orders: 1, ..Bound::NOTHING },
        Bound { orders: 2, ..Bound::NOTHING },
        Bound { failures: 1, crashes: 1, ..Bound::NOTHING },
        Bound { equal_faults: 1, demotions: 1, ..Bound::NOTHING },
        Bound { cuts: 1, maintenances: 1, crashes: 1, ..Bound::NOTHING },
        Bound { paths: 2, losses: 1, ..Bound::NOTHING },
        Bound { resolution: 2, losses: 1, orders: 1, ..Bound::NOTHING },
    ] {
        assert!(compare_all(bound) > 10, "{bound:?}: too few to show anything");
    }
}
