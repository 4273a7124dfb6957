//! Logical monitoring (MON-3, MON-4).

use crate::unit::{A, B, LAN, Two, WAN, monitors, seconds};
use core::time::Duration;
use ha_core::monitor::{AnswerError, Probe, ProbeAnswer, Reach};
use ha_core::pair::{Event, Input, Refusal, State};
use std::net::IpAddr;

fn two() -> Two {
    let mut two = Two::settled(monitors().build().unwrap());
    two.run(seconds(7));
    assert_eq!(reach(&two), [Reach::Reached; 2]);
    two
}

fn reach(two: &Two) -> [Reach; 2] {
    [A, B].map(|unit| two.status(unit).targets[0].reach)
}

/// MON-3: each unit probes from its own monitoring address, one interval apart.
#[test]
fn each_unit_probes_from_its_own_address() {
    let mut two = two();
    let mut sent = [Vec::new(), Vec::new()];
    for _ in 0..2000 {
        two.step();
        for (unit, address) in [(A, "192.0.2.2"), (B, "192.0.2.3")] {
            for (_, probe) in core::mem::take(&mut two.units[unit].probes) {
                assert_eq!(probe.source, address.parse::<IpAddr>().unwrap());
                assert_eq!(probe.target, "192.0.2.254".parse::<IpAddr>().unwrap());
                assert_eq!(probe.interface, WAN);
                sent[unit].push(probe.sequence);
                two.answer(unit, probe).unwrap();
            }
        }
    }
    for sent in sent {
        assert_eq!(sent.len(), 4, "in 20 s");
        assert!(sent.windows(2).all(|pair| pair[0] < pair[1]));
    }
}

/// MON-3, MON-4: lost on the Active alone: the Standby takes over, as soon as it has reached the target after it
/// heard of the loss, and not before so many probes were missed.
#[test]
fn a_target_lost_on_the_active_alone_moves_the_role() {
    let mut two = two();
    two.units[A].reaches = false;
    two.run(seconds(9));
    assert_eq!(two.takes(), 0, "one probe missed is not enough");
    two.run(seconds(6));
    assert_eq!(reach(&two), [Reach::Lost, Reach::Reached]);
    assert_eq!(two.states(), [State::Standby, State::Active]);
    assert_eq!(two.lacks(), [20, 0]);
    // It comes back: both are alike, and the role stays.
    two.units[A].reaches = true;
    two.run(seconds(20));
    assert_eq!(two.lacks(), [0, 0]);
    assert_eq!(two.takes(), 1);
}

/// MON-4: lost on both, however their probes lie: the target is at fault, and nothing moves.
#[test]
fn a_target_lost_on_both_moves_nothing() {
    for apart in 0..12 {
        let mut two = two();
        let first = apart % 2;
        two.units[first].reaches = false;
        two.run(Duration::from_millis(400 * apart as u64));
        two.units[1 - first].reaches = false;
        two.run(seconds(60));
        assert_eq!(reach(&two), [Reach::Lost; 2]);
        assert_eq!(two.lacks(), [0, 0], "{apart}");
        assert_eq!(two.takes(), 0, "{apart}");
    }
}

/// MON-4: lost on the Standby alone: the Active stays, and the Standby knows that it is less fit.
#[test]
fn a_target_lost_on_the_standby_alone_moves_nothing() {
    let mut two = two();
    two.units[B].reaches = false;
    two.run(seconds(30));
    assert_eq!(two.lacks(), [0, 20]);
    assert_eq!(two.takes(), 0);
}

/// MON-4: what the peer reached before it heard of the loss proves nothing; it probes at once and does not wait
/// for its next turn.
#[test]
fn the_peer_probes_at_once_when_it_hears_of_a_loss() {
    let mut two = two();
    two.units[A].reaches = false;
    let lost = |two: &Two| reach(two)[A] == Reach::Lost;
    while !lost(&two) {
        // The peer's probes are answered as long as the loss is not declared, and not any more from then on.
        two.run(Duration::from_millis(10));
        if lost(&two) {
            two.units[B].reaches = false;
        }
    }
    let before = two.status(B).targets[0].reach;
    assert_eq!(before, Reach::Reached);
    two.run(seconds(4));
    let took = two.takes();
    // The answer of the same instant, if there was one, moved it; else nothing can.
    assert!(took <= 1);
    two.run(seconds(60));
    assert_eq!(two.takes(), took);
}

/// MON-4: not known yet on either side: none.
#[test]
fn what_is_not_known_yet_moves_nothing() {
    let mut two = Two::settled(monitors().build().unwrap());
    let mut fresh = Two::settled(monitors().build().unwrap());
    for unit in [A, B] {
        fresh.units[unit].reaches = false;
    }
    two.units[A].reaches = false;
    fresh.run(seconds(3));
    assert_eq!(fresh.takes(), 0);
    assert_eq!(fresh.lacks(), [0, 0]);
}

/// MON-4: a peer that restarts confirms nothing that its former start did.
#[test]
fn silence_of_the_peer_ends_its_word() {
    let mut two = two();
    two.units[B].reaches = false;
    two.run(seconds(20));
    assert_eq!(two.lacks(), [0, 20]);
    two.cut = true;
    two.run(seconds(1));
    assert_eq!(two.lacks()[B], 0, "nobody has reached it, as far as it knows");
}

/// MON-3: answers for what is not probed, from somebody else, to no probe, twice, or late, are refused with the
/// reason, and change nothing.
#[test]
fn answers_that_do_not_count_are_refused() {
    let mut two = two();
    let probe = loop {
        two.step();
        if let Some((_, probe)) = two.units[A].probes.pop() {
            break probe;
        }
    };
    let before = two.status(A);
    let Probe { interface, target: from, sequence, .. } = probe;
    let right = ProbeAnswer { interface, from, sequence };
    let refused = |two: &mut Two, answer, error| {
        let result = two.input(A, Input::ProbeAnswered(answer));
        assert_eq!(result, Err(Refusal::Answer(error)), "{answer:?}");
    };
    refused(&mut two, ProbeAnswer { interface: LAN, ..right }, AnswerError::NotProbed);
    let v6 = "2001:db8::1".parse().unwrap();
    refused(&mut two, ProbeAnswer { from: v6, ..right }, AnswerError::NotProbed);
    let other = "192.0.2.9".parse().unwrap();
    let wrong = AnswerError::WrongAddress { target: from };
    refused(&mut two, ProbeAnswer { from: other, ..right }, wrong);
    for never in [0, sequence + 1, u32::MAX] {
        refused(&mut two, ProbeAnswer { sequence: never, ..right }, AnswerError::NeverSent);
    }
    refused(&mut two, ProbeAnswer { sequence: sequence - 1, ..right }, AnswerError::Twice);
    assert_eq!(two.status(A), before);
    two.answer(A, probe).unwrap();
    refused(&mut two, right, AnswerError::Twice);
    // The next one is missed, and answered after its time.
    two.units[A].reaches = false;
    two.run(Duration::from_millis(5500));
    let late = ProbeAnswer { sequence: sequence + 1, ..right };
    two.run(seconds(5));
    refused(&mut two, late, AnswerError::Late);
}

/// CRASH-4: a unit that did nothing for a while has missed the answers: that is no loss.
#[test]
fn a_stall_loses_no_target() {
    let mut two = two();
    for _ in 0..5 {
        two.now = two.now + seconds(6);
        two.run(Duration::from_millis(100));
    }
    assert_eq!(reach(&two), [Reach::Reached; 2]);
}

/// MON-3, STA-2: each change is told.
#[test]
fn each_change_is_told() {
    let mut two = two();
    two.units[A].events.clear();
    two.units[A].reaches = false;
    two.run(seconds(20));
    two.units[A].reaches = true;
    two.run(seconds(20));
    let told: Vec<_> = two.units[A]
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Target { interface: WAN, reach, .. } => Some(*reach),
            _ => None,
        })
        .collect();
    assert_eq!(told, [Reach::Lost, Reach::Reached]);
}
