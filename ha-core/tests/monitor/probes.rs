//! Logical monitoring (MON-3, MON-4).

use crate::unit::{A, B, LAN, Two, WAN, monitors, seconds};
use core::time::Duration;
use ha_core::monitor::{AnswerError, Deduction, Family, MonitorRef, Probe, ProbeAnswer, Reach};
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

fn step_until(two: &mut Two, so: impl Fn(&Two) -> bool) {
    for _ in 0..10_000 {
        if so(two) {
            return;
        }
        two.step();
    }
    panic!("that never comes");
}

/// MON-4, STA-2: the peer probes at once when it hears of a loss, out of its turn. Only the answer to that probe counts:
/// one to a probe from before proves nothing, also if it comes later.
#[test]
fn the_peer_probes_at_once_when_it_hears_of_a_loss() {
    let mut two = two();
    // A's turns are at 1 s, 6 s and so on from here; B's, from now on, at 3 s, 8 s and so on.
    two.run(seconds(3));
    two.restart(B);
    two.run(seconds(4));
    assert_eq!(reach(&two), [Reach::Reached; 2]);
    two.units[A].reaches = false;
    two.run(seconds(10));

    step_until(&mut two, |two| !two.units[B].probes.is_empty());
    let (_, before) = two.units[B].probes.pop().unwrap();
    step_until(&mut two, |two| reach(two)[A] == Reach::Lost);
    let (_, at_once) = two.units[B].probes.pop().unwrap();
    assert_eq!(at_once.sequence, before.sequence + 1, "in the same instant");
    assert!(two.units[B].probes.is_empty(), "one is enough");

    two.answer(B, before).unwrap();
    (0..150).for_each(|_| two.step());
    assert_eq!((two.lacks(), two.takes()), ([0, 0], 0), "that was before the loss");
    two.answer(B, at_once).unwrap();
    (0..90).for_each(|_| two.step());
    assert_eq!((two.lacks(), two.takes()), ([0, 0], 0), "A looks once more");
    (0..20).for_each(|_| two.step());
    assert_eq!((two.lacks(), two.takes()), ([20, 0], 1));
    // Nothing changed of the target here but the peer's word: the weight names it all the same (STA-2).
    let target = Deduction { monitor: MonitorRef::Target(WAN, Family::V4), weight: 20 };
    let changed =
        Event::WeightChanged { from: 10_000, to: 9_980, deducted: vec![target], restored: vec![] };
    assert!(two.units[A].events.contains(&changed), "{:?}", two.units[A].events);
}

/// MON-4: not known yet: none. Neither on both sides, nor on one side while the other one has lost it; what was
/// never reached moves the role only when the peer has reached it.
#[test]
fn what_is_not_known_yet_moves_nothing() {
    let mut two = Two::settled_where(monitors().build().unwrap(), false);
    two.run(seconds(3));
    assert_eq!(reach(&two), [Reach::Unknown; 2]);
    assert_eq!((two.lacks(), two.takes()), ([0, 0], 0));
    // One side reaches it, and the other one does not know.
    two.units[B].reaches = true;
    step_until(&mut two, |two| !two.units[B].probes.is_empty());
    let (_, probe) = two.units[B].probes.pop().unwrap();
    two.answer(B, probe).unwrap();
    assert_eq!(reach(&two), [Reach::Unknown, Reach::Reached]);
    two.run(seconds(1));
    assert_eq!((two.lacks(), two.takes()), ([0, 0], 0));

    // One side has lost it, and the other one does not know.
    two.restart(B);
    two.units[B].reaches = false;
    two.run(seconds(6));
    assert_eq!(reach(&two), [Reach::Lost, Reach::Unknown]);
    assert_eq!((two.lacks(), two.takes()), ([0, 0], 0));
    two.units[B].reaches = true;
    two.run(seconds(7));
    assert_eq!((two.lacks(), two.takes()), ([20, 0], 1), "now it is known");
}

/// MON-4: the word of a peer that falls silent does not count any more.
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

/// MON-4: a peer that restarts confirms nothing that its former start did, until it has reached the target itself;
/// and a loss of the former start is not confirmed to the new one.
#[test]
fn a_restart_of_the_peer_ends_its_word() {
    let mut two = two();
    two.units[B].reaches = false;
    two.run(seconds(20));
    assert_eq!(two.lacks(), [0, 20]);
    two.units[A].reaches = false;
    two.restart(A);
    // Sooner than it could be missed: by its first words.
    two.run(Duration::from_millis(200));
    assert_eq!(reach(&two), [Reach::Unknown, Reach::Lost]);
    assert!(two.units[B].events.iter().all(|it| !matches!(it, Event::PeerLost { .. })));
    assert_eq!(two.lacks()[B], 0);
    two.units[A].reaches = true;
    two.run(seconds(7));
    assert_eq!(two.lacks()[B], 20, "its own word");

    // The unit that has lost it restarts: its losses are counted anew.
    two.restart(B);
    two.run(seconds(8));
    assert_eq!((reach(&two)[B], two.lacks()[B]), (Reach::Unknown, 0));
    two.units[A].reaches = false;
    step_until(&mut two, |two| reach(two)[B] == Reach::Lost);
    two.run(seconds(2));
    assert_eq!(two.lacks()[B], 0, "A has not reached it since it heard of this loss");
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
