//! A peer that is not the expected one, or with which we cannot work together (PAIR-14).

use crate::harness::{A, Alone, B, World, config_of, ms, peer, product};
use crate::heartbeat::{bytes, sealed};
use crate::states::in_state;
use core::time::Duration;
use ha_core::identity::Designation;
use ha_core::machine::Machine as _;
use ha_core::pair::{
    Event, Goal, Heartbeat, HeartbeatId, Input, Mismatch, OUR_PROTOCOL, Pair, Product,
    ProtocolRange, Refusal, Role, Stance, State,
};
use ha_core::reject::{Reject, RejectKind};
use ha_core::time::Instant;

/// PAIR-14: a peer with an unexpected serial number is ignored, and reported, at most once a minute.
#[test]
fn a_stranger_is_ignored_and_reported() {
    let mut alone = Alone::new();
    for number in 1..=6100 {
        let stranger = Heartbeat { serial: "SN-C".parse().unwrap(), ..peer(number) };
        assert_eq!(alone.hears(&bytes(&stranger)), Err(Reject::Serial));
        alone.wait(ms(10));
    }
    let is_stranger = |event: &&Event| matches!(event, Event::Stranger { .. });
    assert_eq!(alone.events.iter().filter(is_stranger).count(), 2, "61 seconds");
    assert_eq!(alone.pair.role(), Role::Active, "it is alone");
    let status = alone.pair.status(alone.now);
    assert_eq!(status.rejects.get(RejectKind::Serial), 6100);
    assert_eq!(status.peer, None);
}

/// Hands heartbeats of an Active peer to a starting unit for a second.
fn after_a_second_with(datagram: impl Fn(u64) -> Vec<u8>) -> (Pair, Vec<Event>) {
    let mut alone = Alone::new();
    for number in 1..=100 {
        alone.hears(&datagram(number)).unwrap();
        alone.wait(ms(10));
    }
    (alone.pair, alone.events)
}

/// PAIR-14: a named peer of another model, or with another firmware, or of a protocol range that does
/// not overlap ours, is alive all the same: we take no role that it holds, and show ERROR with the
/// reason.
#[test]
fn a_peer_that_differs_keeps_its_role_and_the_reason_is_shown() {
    let ours = product();
    let other_model = Product { model: "FW-200".parse().unwrap(), ..ours };
    let other_firmware = Product { firmware: "7.2.0".parse().unwrap(), ..ours };
    let theirs = ProtocolRange { oldest: OUR_PROTOCOL.newest + 1, newest: 9 };
    for (heartbeat, mismatch) in [
        (
            Heartbeat { product: Some(other_model), ..peer(1) },
            Mismatch::Product { ours, theirs: other_model },
        ),
        (
            Heartbeat { product: Some(other_firmware), ..peer(1) },
            Mismatch::Product { ours, theirs: other_firmware },
        ),
        (
            Heartbeat { protocol: theirs, product: None, ..peer(1) },
            Mismatch::Protocol { ours: OUR_PROTOCOL, theirs },
        ),
        (Heartbeat { designation: Designation::Primary, ..peer(1) }, Mismatch::Designation),
    ] {
        let (mut pair, events) = after_a_second_with(|number| {
            bytes(&Heartbeat { id: HeartbeatId { start: 77, number }, ..heartbeat })
        });
        assert_eq!(pair.role(), Role::Error);
        assert_eq!(pair.state(), State::Standby);
        assert_eq!(pair.mismatch(), Some(mismatch));
        assert_eq!(events.iter().filter(|it| **it == Event::PeerMismatch(mismatch)).count(), 1);
        let refused = pair.handle_input(Instant::from_millis(1001), Input::TakeOver);
        assert_eq!(refused, Err(Refusal::Mismatch(mismatch)));
    }
}

/// PAIR-14: elements of a later protocol, which we could not read, do not make its sender inaudible.
#[test]
fn a_peer_of_a_later_protocol_is_alive_whatever_its_elements() {
    let (pair, _) = after_a_second_with(|number| {
        let mut datagram = bytes(&Heartbeat { product: None, ..peer(number) });
        (datagram[3], datagram[4]) = (OUR_PROTOCOL.newest + 1, OUR_PROTOCOL.newest + 1);
        let crc = datagram.split_off(datagram.len() - 4);
        datagram.extend([0x81, 200, 1, 2, 3]);
        datagram.extend(crc);
        sealed(datagram)
    });
    assert_eq!(pair.role(), Role::Error);
}

/// PAIR-14: a protocol range that overlaps ours is no difference; unknown elements that may be skipped
/// are.
#[test]
fn an_overlapping_range_and_an_unknown_element_are_no_difference() {
    let (pair, _) = after_a_second_with(|number| {
        let mut datagram = bytes(&peer(number));
        datagram[4] = OUR_PROTOCOL.newest + 3;
        let crc = datagram.split_off(datagram.len() - 4);
        datagram.extend([0x33, 2, 1, 2]);
        datagram.extend(crc);
        sealed(datagram)
    });
    assert_eq!((pair.role(), pair.mismatch()), (Role::Standby, None));
}

/// PAIR-14: a running Active keeps running beside a peer that differs, which does not take; and when it
/// is lost the other takes over, for there is no better one.
#[test]
fn a_running_active_keeps_running_beside_a_peer_that_differs() {
    for (active, other) in [(A, B), (B, A)] {
        let mut world = World::unpowered(1, |_, config| config).configured(move |unit, seed| {
            let mut product = product();
            if unit == other {
                product.firmware = "7.2.0".parse().unwrap();
            }
            config_of(unit, seed, product).build().unwrap()
        });
        world.start(active);
        world.run_until(ms(50), |world| world.state(active) == State::Active);
        world.start(other);
        world.run_for(Duration::from_secs(1));
        assert_eq!(world.roles()[active], Some(Role::Active));
        assert_eq!(world.roles()[other], Some(Role::Error));
        assert_eq!(world.oracle.longest_conflict, 0);
        world.crash(active);
        world.run_until(ms(50), |world| world.state(other) == State::Active);
    }
}

/// PAIR-14: the end of a difference is reported, and the unit is a Standby again.
#[test]
fn the_end_of_a_difference_is_reported() {
    let other = Product { firmware: "7.2.0".parse().unwrap(), ..product() };
    let (pair, events) = after_a_second_with(|number| {
        let product = if number < 50 { other } else { product() };
        bytes(&Heartbeat { product: Some(product), ..peer(number) })
    });
    assert_eq!((pair.role(), pair.mismatch()), (Role::Standby, None));
    assert!(events.contains(&Event::PeerMatches));
}

/// A is Active, B its peer with this product.
fn beside(product_of_b: &'static str) -> World {
    let mut world = World::unpowered(1, |_, config| config).configured(move |unit, seed| {
        let mut product = product();
        if unit == B {
            let (model, firmware) = product_of_b.split_once(' ').unwrap();
            product =
                Product { model: model.parse().unwrap(), firmware: firmware.parse().unwrap() };
        }
        config_of(unit, seed, product).build().unwrap()
    });
    world.start(A);
    world.run_until(ms(50), |world| world.state(A) == State::Active);
    world.start(B);
    world.run_for(ms(100));
    assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Error)]);
    world
}

/// PAIR-14: while an upgrade is announced, by either unit, other firmware is no difference on either side: the
/// role can be handed over, and back. When it is over it is one again, and is told.
#[test]
fn other_firmware_is_no_difference_while_either_unit_announces_an_upgrade() {
    for announcer in [A, B] {
        let mut world = beside("FW-100 7.2.0");
        assert!(matches!(world.input(B, Input::TakeOver), Err(Refusal::Mismatch(_))));
        let begin = world.now();
        world.input(announcer, Input::Upgrade(true)).unwrap();
        world.run_for(ms(20));
        assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
        for (taker, other) in [(B, A), (A, B)] {
            assert_eq!(world.pair(taker).mismatch(), None);
            world.input(taker, Input::TakeOver).unwrap();
            world.run_for(ms(50));
            assert_eq!(world.state(taker), State::Active);
            assert_eq!(world.state(other), State::Standby);
        }
        world.input(announcer, Input::Upgrade(false)).unwrap();
        world.run_for(ms(20));
        assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Error)]);
        for unit in [A, B] {
            assert!(matches!(world.pair(unit).mismatch(), Some(Mismatch::Product { .. })));
            let events = world.events(unit, begin);
            let told = |wanted: fn(&Event) -> bool| events.iter().filter(|it| wanted(it)).count();
            assert_eq!(told(|it| matches!(it, Event::PeerMatches)), 1);
            assert_eq!(told(|it| matches!(it, Event::PeerMismatch(_))), 1);
        }
    }
}

/// PAIR-14: an upgrade changes firmware, not what a unit is: another model is a difference all the same,
/// whoever announces one, and so are another protocol and our own designation.
#[test]
fn an_upgrade_excuses_firmware_alone() {
    for announcers in [&[A][..], &[B], &[A, B]] {
        let mut world = beside("FW-200 7.2.0");
        for unit in announcers {
            world.input(*unit, Input::Upgrade(true)).unwrap();
        }
        world.run_for(ms(100));
        assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Error)]);
        for unit in [A, B] {
            assert!(matches!(world.pair(unit).mismatch(), Some(Mismatch::Product { .. })));
        }
    }
    let theirs = ProtocolRange { oldest: OUR_PROTOCOL.newest + 1, newest: 9 };
    for (heartbeat, mismatch) in [
        (
            Heartbeat { protocol: theirs, product: None, ..peer(1) },
            Mismatch::Protocol { ours: OUR_PROTOCOL, theirs },
        ),
        (Heartbeat { designation: Designation::Primary, ..peer(1) }, Mismatch::Designation),
    ] {
        let (pair, _) = after_a_second_with(|number| {
            let id = HeartbeatId { start: 77, number };
            bytes(&Heartbeat { id, upgrade: true, ..heartbeat })
        });
        assert_eq!(pair.mismatch(), Some(mismatch));
    }
}

/// PAIR-14: an upgrade that was announced by a peer which is lost, or has restarted, is announced no more.
#[test]
fn an_upgrade_lasts_as_long_as_its_announcer_says() {
    let mut world = beside("FW-100 7.2.0");
    world.input(B, Input::Upgrade(true)).unwrap();
    world.run_for(ms(20));
    assert_eq!(world.pair(A).mismatch(), None);
    world.crash(B);
    world.start(B);
    world.run_for(ms(100));
    assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Error)]);
    assert!(world.pair(A).mismatch().is_some());
}

/// PAIR-14: between units that differ no role is handed over: who is fitter does not ask, who is invited does not
/// either, and who is asked does not release.
#[test]
fn units_that_differ_hand_no_role_over() {
    let other = Product { firmware: "7.2.0".parse().unwrap(), ..product() };
    for (product, differs) in [(product(), false), (other, true)] {
        let of = |it| Heartbeat { product: Some(product), ..it };
        let expected = |moves, stays| if differs { stays } else { moves };

        let mut fitter = in_state(State::Standby);
        fitter.input(Input::HealthWeight(9));
        fitter.hears_fresh(of);
        assert_eq!(fitter.pair.state(), expected(State::Asking, State::Standby));

        let mut invited = in_state(State::Standby);
        invited.hears_fresh(|it| Heartbeat { invites: true, ..of(it) });
        assert_eq!(invited.pair.state(), expected(State::Asking, State::Standby));

        let mut asked = in_state(State::Active);
        asked.hears_fresh(|it| Heartbeat { stance: Stance::Standby, ask: 7, ..of(it) });
        let released = State::Withdrawing(Goal::Release);
        assert_eq!(asked.pair.state(), expected(released, State::Active));
    }
}
