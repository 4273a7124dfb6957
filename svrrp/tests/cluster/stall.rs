//! A unit that stalled past its failure time gives up first (CRASH-4).

use crate::{NODE_1, NODE_2, UNIT_1, VG_1, ms, secs, setup};
use sim::cluster::harness::World;
use svrrp::cluster::{Event, Why};

/// CRASH-4, S3: it withdraws before it says anything, and does not take from the owner that there is by then; it comes
/// back by a hand-over.
#[test]
fn who_wakes_withdraws() {
    let mut world = World::settled(setup(2, 1));
    let begin = world.now();
    world.hang(UNIT_1, secs(2));
    world.run_for(secs(1));
    // Its addresses are there still: nothing can be done about that.
    assert_eq!(world.holders(VG_1).count(), 2);
    world.run_for(ms(1001));
    assert_eq!(world.owner(VG_1), Some(NODE_2));
    let stalled = world.events(UNIT_1, begin);
    assert!(stalled.iter().any(|event| matches!(event, Event::Stalled { .. })));
    world.until_owned(VG_1, NODE_1, secs(3));
    assert_eq!(world.takes(VG_1, begin), [(NODE_2, Why::NoOwner), (NODE_1, Why::Granted)]);
}

/// CRASH-4: a shorter one is nothing; what queued meanwhile is heard before silence is judged.
#[test]
fn a_short_stall_is_nothing() {
    let mut world = World::settled(setup(3, 1));
    let begin = world.now();
    for unit in [0, 2, 4] {
        world.hang(unit, ms(380));
        world.run_for(secs(1));
    }
    assert_eq!(world.takes(VG_1, begin), []);
}

/// CRASH-4: a clock that jumps ahead is a stall; one that is set back is none.
#[test]
fn a_clock_that_jumps_is_a_stall() {
    let mut world = World::settled(setup(2, 1));
    let begin = world.now();
    world.step_back(UNIT_1, ms(300));
    world.run_for(secs(2));
    assert_eq!(world.takes(VG_1, begin), []);
    let begin = world.now();
    world.jump_ahead(UNIT_1, secs(2));
    world.run_for(secs(3));
    assert_eq!(world.owner(VG_1), Some(NODE_1));
    assert!(!world.takes(VG_1, begin).is_empty());
}
