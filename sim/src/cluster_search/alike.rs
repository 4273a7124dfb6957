//! A test of the fingerprints, on which a search stands or falls: whatever is taken for the same state goes on in the
//! same way.

use super::bound::ClusterBound;
use super::machine::Memory;
use super::setup::Setup;
use super::state::{Choices, Stage, State};
use super::{ClusterRule, beginning};
use crate::search::bound::Left;
use crate::search::hash::Map;
use svrrp::cluster::Rules;

/// What can follow from a state in a step: what the adversary chose, and the state that follows, or the rule that is
/// broken.
type Future = Vec<(u128, Result<(u128, Left), ClusterRule>)>;

/// Goes through all states as a search does, but also again through those that were visited before, and looks whether
/// the same follows from them. Returns how many were the same as another one.
fn compare_all(bound: ClusterBound) -> u64 {
    let setup = Setup::new(bound, Rules::STANDARD);
    let mut futures: Map<(u128, Left), Future> = Map::default();
    let mut memory = Memory::default();
    let (mut layer, first) = beginning(&setup).expect("nothing breaks");
    let mut states: Vec<(u128, State)> = vec![(0, first)];
    let mut same = 0;
    while !states.is_empty() {
        let mut next = Vec::new();
        for (fingerprint, state) in states {
            let key = (fingerprint, state.left());
            let mut stage = Stage { setup: &setup, layer: &layer, memory: &mut memory };
            let mut future = Future::new();
            let mut followers = Vec::new();
            let mut tape = Choices::default();
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
        layer = layer.next();
    }
    same
}

/// VG-5, SVRRP-5: also if they differ in the time, in the numbers of datagrams, in which start it is, and in what was
/// asked before.
#[test]
fn states_with_the_same_fingerprint_go_on_alike() {
    const NOTHING: ClusterBound = ClusterBound::NOTHING;
    for bound in [
        ClusterBound { losses: 1, ranks: 1, ..NOTHING },
        ClusterBound { losses: 3, links: 1, ..NOTHING },
        ClusterBound { losses: 2, crashes: 1, ..NOTHING },
        ClusterBound { losses: 1, crashes: 1, ranks: 1, between: Some([1, 3]), ..NOTHING },
        ClusterBound { crashes: 1, links: 1, ..NOTHING },
        ClusterBound { delays: 1, links: 1, ..NOTHING },
        ClusterBound { duplicates: 1, links: 1, ..NOTHING },
        ClusterBound { slow: 1, links: 2, ..NOTHING },
        ClusterBound { failures: 1, links: 1, ..NOTHING },
    ] {
        let same = compare_all(bound);
        assert!(same > 10, "{bound:?}: {same} are too few to show anything");
    }
}
