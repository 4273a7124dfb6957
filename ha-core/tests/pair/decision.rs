//! "Why am I Active?": one record (BEY-12).

use crate::harness::{A, B, World, ms};
use core::time::Duration;
use ha_core::pair::{Health, Input, PeerView, Role, Stance, Why};

/// BEY-12: since when, from which cause, over which view of the peer, and how fresh that was.
#[test]
fn one_record_says_why() {
    let mut world = World::new(|config| config);
    for (unit, weight) in [(A, 7), (B, 5)] {
        world.input(unit, Input::HealthWeight(weight)).unwrap();
    }
    world.settle();
    world.run_for(ms(100));
    let standby = *world.pair(B).decision();
    assert_eq!((standby.role, standby.why), (Role::Standby, Why::PeerIsActive));
    let heard = PeerView::Heard {
        stance: Stance::Active,
        hears_us: true,
        eligible: true,
        we_are_better: Some(false),
        for_long: true,
    };
    assert_eq!(standby.peer, heard);
    world.crash(A);
    world.run_for(ms(100));
    let decision = *world.pair(B).decision();
    assert_eq!((decision.role, decision.why), (Role::Active, Why::PeerSilent));
    assert_eq!(decision.peer, PeerView::Silent);
    assert_eq!(decision.peer_health, Some(Health::whole(true, 7)));
    assert_eq!(decision.peer_age, Some(ms(30)));
    assert_eq!(decision.term, 2);
    assert_eq!(
        decision.to_string(),
        "the peer is silent on every path; term 2; health 10005; the peer, last heard 30ms before, had health 10007"
    );
}

/// BEY-12: a unit that never heard a peer says so.
#[test]
fn a_lone_unit_says_that_it_heard_nobody() {
    let mut world = World::unpowered(1, |_, config| config);
    world.start(A);
    world.run_for(Duration::from_secs(1));
    let text = world.pair(A).decision().to_string();
    assert_eq!(text, "no Active peer was found; term 1; health 10000; no peer had been heard");
}
