//! What the peer says counts as an answer to what we said, not to what we would say now.

use crate::harness::{Alone, ms, peer};
use crate::heartbeat::bytes;
use ha_core::machine::Machine as _;
use ha_core::pair::{Health, Heartbeat, Input, Stance, State};

/// A Standby that asks its Active peer for the role, and the nonce of its question.
fn asking() -> (Alone, u64) {
    let mut alone = Alone::new();
    alone.hears(&bytes(&peer(1))).unwrap();
    assert_eq!(alone.pair.state(), State::Standby);
    alone.pair.handle_input(alone.now, Input::TakeOver).unwrap();
    alone.drain();
    let nonce = alone.sent.unwrap().ask;
    assert_ne!(nonce, 0);
    (alone, nonce)
}

fn released(number: u64, release: u64) -> Vec<u8> {
    bytes(&Heartbeat { stance: Stance::Released, release, ..peer(number) })
}

/// PAIR-20: a release counts only with the nonce of the own question.
#[test]
fn a_release_with_another_nonce_is_not_taken() {
    let (mut alone, nonce) = asking();
    alone.hears(&released(2, nonce ^ 2)).unwrap();
    assert_eq!(alone.pair.state(), State::Asking);
    alone.hears(&released(3, nonce)).unwrap();
    assert_eq!(alone.pair.state(), State::Active);
}

/// PAIR-20, S1: and only from a peer that says it has given the role up.
#[test]
fn a_release_by_who_still_holds_the_role_is_not_taken() {
    for stance in [Stance::Active, Stance::Withdrawing] {
        let (mut alone, release) = asking();
        alone.hears(&bytes(&Heartbeat { stance, release, ..peer(2) })).unwrap();
        assert_eq!(alone.pair.state(), State::Asking, "{stance}");
    }
}

/// PAIR-20: and only within the failure time of asking, by the own clock, also if that has jumped.
#[test]
fn a_release_that_is_late_is_not_taken() {
    for jumps in [false, true] {
        for (after, taken) in [(ms(29), true), (ms(30), false), (ms(45), false)] {
            let (mut alone, nonce) = asking();
            if jumps {
                alone.now = alone.now + after;
            } else {
                alone.wait(ms(20));
                alone.hears(&bytes(&peer(2))).unwrap();
                alone.wait(after - ms(20));
            }
            alone.hears(&released(3, nonce)).unwrap();
            let expected = if taken { State::Active } else { State::Standby };
            alone.wait(ms(0));
            assert_eq!(alone.pair.state(), expected, "{after:?}, jumps: {jumps}");
        }
    }
}

/// PAIR-5, PAIR-13: each unit judges the peer's values against its own in the echoed heartbeat, so that a value
/// which has changed since does not make both take, or neither.
#[test]
fn the_peer_is_judged_against_what_it_had_heard() {
    for (echo_is_old, takes) in [(true, false), (false, true)] {
        let mut alone = Alone::new();
        let health = Health::whole(true, 3);
        let election = Heartbeat { stance: Stance::Election, warm: false, health, ..peer(1) };
        alone.hears(&bytes(&election)).unwrap();
        let old = alone.sent.unwrap().id;
        alone.pair.handle_input(alone.now, Input::HealthWeight(5)).unwrap();
        alone.wait(ms(10));
        let new = alone.sent.unwrap().id;
        let echo = Some(if echo_is_old { old } else { new });
        alone.hears(&bytes(&Heartbeat { echo, id: peer(2).id, ..election })).unwrap();
        alone.wait(ms(25));
        assert_eq!(alone.pair.state() == State::Active, takes, "old: {echo_is_old}");
    }
}

/// PAIR-5, PAIR-16: a unit that may take again does so only when the peer has heard that it may: else
/// the peer takes as well, because it has heard that this one may not.
#[test]
fn a_unit_takes_when_the_peer_has_heard_that_it_may() {
    let mut alone = Alone::new();
    alone.take_fails = true;
    alone.wait(ms(30));
    assert_eq!(alone.pair.state(), State::Standby);
    assert!(!alone.sent.unwrap().obstacles.is_empty());
    alone.take_fails = false;
    // The peer's own take has failed once, too: it is no fitter.
    let health = Health::whole(false, 0);
    let standby = |number, echo| {
        bytes(&Heartbeat { stance: Stance::Standby, health, echo: Some(echo), ..peer(number) })
    };
    let before = alone.sent.unwrap().id;
    for number in 1..=31 {
        alone.hears(&standby(number, before)).unwrap();
        alone.wait(ms(10));
    }
    assert!(alone.sent.unwrap().obstacles.is_empty());
    assert_eq!(alone.pair.state(), State::Standby);
    let now = alone.sent.unwrap().id;
    alone.hears(&standby(32, now)).unwrap();
    assert_eq!(alone.pair.state(), State::Active);
}

/// PAIR-6: the interval and the level are those of the peer, whatever ours are.
#[test]
fn silence_is_that_of_the_peers_own_terms() {
    let mut alone = Alone::new();
    alone.hears(&bytes(&Heartbeat { interval: ms(500), level: 4, ..peer(1) })).unwrap();
    alone.wait(ms(1999));
    assert_eq!(alone.pair.state(), State::Standby);
    alone.wait(ms(1));
    assert_eq!(alone.pair.state(), State::Active);
}
