//! Whatever is taken for the same state of a pair goes on in the same way.

use super::Setup;
use super::bound::Bound;
use super::walk::alike;
use ha_core::pair::Rules;

fn compare_all(bound: Bound) -> u64 {
    let setup = Setup::new(bound, [Rules::STANDARD; 2]);
    let (layer, beginnings) = setup.beginnings();
    let beginnings = beginnings.into_iter().map(|(state, _)| state).collect();
    alike::compare_all(&setup, (layer, beginnings), bound)
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
