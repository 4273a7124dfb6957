//! Whatever is taken for the same state of a cluster goes on in the same way.

use super::beginning;
use super::bound::ClusterBound;
use super::setup::Setup;
use crate::search::walk::alike;
use svrrp::cluster::Rules;

fn compare_all(bound: ClusterBound) -> u64 {
    let setup = Setup::new(bound, Rules::STANDARD);
    let (layer, first) = beginning(&setup).expect("nothing breaks");
    alike::compare_all(&setup, (layer, vec![first]), bound)
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
