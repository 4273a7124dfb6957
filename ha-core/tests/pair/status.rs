//! What can be read at any time: which unit is Active, the last failover, the counters (STA-1, COS-5, COS-7).

use crate::harness::{A, B, World, ms};
use core::time::Duration;
use ha_core::identity::Designation;
use ha_core::pair::{
    ActiveUnit, Failover, Input, Maintenance, Mode, PairStatus, PathKind, Role, Why,
};
use ha_core::time::Instant;

fn status(world: &World, unit: usize) -> PairStatus {
    world.pair(unit).status(Instant::ZERO + world.now())
}

fn named(active: Option<ActiveUnit>) -> Option<(Designation, &'static str)> {
    active.map(|it| match it.serial.as_str() {
        "SN-A" => (it.designation, "SN-A"),
        _ => (it.designation, "SN-B"),
    })
}

/// COS-7: whichever unit a monitor asks, it is told which one is Active, and since when; so it can follow.
#[test]
fn either_unit_tells_which_one_is_active() {
    let mut world = World::new(|config| config);
    assert_eq!(status(&world, A).active, None, "nobody is yet");
    world.settle();
    world.run_for(ms(100));
    for unit in [A, B] {
        let active = status(&world, unit).active;
        assert_eq!(named(active), Some((Designation::Primary, "SN-A")));
    }
    let told = status(&world, A).active.unwrap().since;
    assert_eq!(told, status(&world, A).decision.at);

    world.input(B, Input::TakeOver).unwrap();
    world.run_for(ms(100));
    for unit in [A, B] {
        let active = status(&world, unit).active;
        assert_eq!(named(active), Some((Designation::Secondary, "SN-B")));
        assert!(active.unwrap().since > told);
    }
    world.crash(B);
    world.run_for(ms(20));
    assert_eq!(named(status(&world, A).active), Some((Designation::Secondary, "SN-B")));
    world.run_for(ms(100));
    assert_eq!(named(status(&world, A).active), Some((Designation::Primary, "SN-A")));
}

/// COS-7: so it is for a unit that may not take, and only listens: nobody is Active, and then the other one is.
#[test]
fn a_unit_that_only_listens_tells_it_too() {
    let mut world = World::new(|config| config);
    world.settle();
    world.run_for(ms(100));
    world.input(B, Input::Maintenance(Maintenance::On { lasts: None })).unwrap();
    world.run_for(ms(20));
    world.crash(A);
    world.run_for(ms(100));
    assert_eq!(status(&world, B).active, None);
    world.start(A);
    world.run_for(ms(100));
    assert_eq!(named(status(&world, B).active), Some((Designation::Primary, "SN-A")));
}

/// STA-1: the last failover and its cause stay, whatever role follows.
#[test]
fn the_last_failover_is_kept() {
    let mut world = World::new(|config| config);
    world.settle();
    world.run_for(ms(100));
    assert_eq!(status(&world, B).last_failover, None, "it was never Active");
    world.input(B, Input::TakeOver).unwrap();
    world.run_for(ms(100));
    let given_up = status(&world, A).last_failover.unwrap();
    let expected = Failover {
        from: Role::Active,
        to: Role::Standby,
        why: Why::PeerAsked,
        term: 1,
        ..given_up
    };
    assert_eq!(given_up, expected);
    let took = status(&world, B).last_failover.unwrap();
    let expected =
        Failover { from: Role::Standby, to: Role::Active, why: Why::Ordered, term: 2, ..took };
    assert_eq!(took, expected);
    assert!(took.at >= given_up.at);
    // Other things change, and the role too: what was, stays.
    world.input(A, Input::Leave(ha_core::pair::Departure::Restart)).unwrap();
    world.run_for(ms(100));
    assert_eq!(status(&world, A).role, Role::Reboot);
    assert_eq!(status(&world, A).last_failover, Some(given_up));
}

/// STA-1: a status survives being written and read, with a peer, a demotion, rejects and everything in it.
#[cfg(feature = "serde")]
#[test]
fn a_status_is_read_as_it_was_written() {
    let mut world = World::new(|config| {
        let config = config.mode(Mode::ActiveStandby { stateful: true });
        config.paths([PathKind::Control, PathKind::Lan])
    });
    for _ in 0..3 {
        for unit in [A, B] {
            let written = serde_json::to_string(&status(&world, unit)).unwrap();
            let read: PairStatus = serde_json::from_str(&written).unwrap();
            assert_eq!(read, status(&world, unit), "{written}");
            let counters = world.pair(unit).counters();
            let written = serde_json::to_string(&counters).unwrap();
            assert_eq!(
                serde_json::from_str::<ha_core::pair::Counters>(&written).unwrap(),
                counters
            );
        }
        world.settle();
        world.run_for(ms(100));
        let demotion = ha_core::pair::Demotion::take_failed();
        world.input(B, Input::Demote { demotion, lasts: Some(ms(70)) }).unwrap();
        world.cut_path(1, true);
    }
    let json = serde_json::to_value(status(&world, B)).unwrap();
    assert_eq!(json["active"]["serial"], "SN-A");
    assert_eq!(json["active"]["designation"], "primary");
    assert_eq!(json["role"], "SYNC");
}

/// COS-5: each unit counts for itself, and says whose the numbers are; a metrics exporter walks them.
#[test]
fn each_unit_counts_for_itself() {
    let mut world = World::new(|config| config);
    world.settle();
    world.run_for(ms(100));
    world.crash(A);
    world.run_for(Duration::from_secs(1));
    let counters = world.pair(B).counters();
    assert_eq!((counters.serial.as_str(), counters.designation), ("SN-B", Designation::Secondary));
    let tally = counters.tally;
    assert_eq!(
        (tally.takes, tally.withdrawals, tally.peer_losses, tally.path_losses),
        (1, 0, 1, 1)
    );
    assert!(
        tally.heartbeats_sent > tally.heartbeats_heard && tally.heartbeats_heard > 10,
        "{tally:?}"
    );
    world.start(A);
    world.run_for(ms(200));
    let fresh = world.pair(A).counters();
    assert_eq!((fresh.tally.takes, fresh.tally.peer_losses), (0, 0), "nothing of the peer's");

    let all: Vec<_> = counters.iter().collect();
    let names: std::collections::BTreeSet<_> = all.iter().map(|it| (it.name, it.label)).collect();
    assert_eq!(names.len(), all.len(), "each is there once");
    for counter in &all {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        assert!(counter.name.bytes().all(is_plain) && counter.name.ends_with("_total"));
        assert!(!counter.help.is_empty());
    }
    let value = |name| all.iter().find(|counter| counter.name == name).unwrap().value;
    assert_eq!(value("takes_total"), 1);
    assert_eq!(value("heartbeats_sent_total"), tally.heartbeats_sent);
}
