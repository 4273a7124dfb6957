//! Two Actives that hear each other: by which words they judge (PAIR-13).

use crate::harness::ms;
use crate::states::{Unit, in_state};
use ha_core::machine::Machine as _;
use ha_core::pair::{Demotion, Event, Goal, Health, Heartbeat, Input, Stance, State};

/// An Active that has just heard of another one, of this weight.
fn in_conflict(weight: u16) -> Unit {
    let mut unit = in_state(State::Active);
    unit.hears_fresh(|it| of(weight, it));
    assert_eq!(unit.pair.state(), State::Active);
    unit
}

fn of(weight: u16, it: Heartbeat) -> Heartbeat {
    Heartbeat { health: Health::whole(true, weight), ..it }
}

/// PAIR-13: what an Active said before it knew of the conflict decides nothing: the peer may have heard
/// something else by now. It replies at once, and what the peer says to that decides.
#[test]
fn words_from_before_the_conflict_decide_nothing() {
    let mut unit = in_state(State::Active);
    let before = unit.sent;
    unit.hears_fresh(|it| of(9, it));
    assert_ne!(unit.sent, before, "it replies");
    unit.hears_fresh(|it| Heartbeat { echo: before.map(|sent| sent.id), ..of(9, it) });
    assert_eq!(unit.pair.state(), State::Active);
    unit.hears_fresh(|it| of(9, it));
    assert_eq!(unit.pair.state(), State::Withdrawing(Goal::Yield));
}

/// PAIR-13: health that changes during a conflict counts when that is over; it does not begin anew.
#[test]
fn what_changes_during_a_conflict_does_not_count() {
    for (ours, theirs, yields) in [(2, 1, false), (1, 2, true)] {
        let mut unit = in_state(State::Active);
        unit.input(Input::HealthWeight(ours));
        unit.hears_fresh(|it| of(theirs, it));
        unit.input(Input::HealthWeight(if yields { 9 } else { 0 }));
        unit.input(Input::Demote { demotion: Demotion::take_failed(), lasts: None });
        assert_eq!(unit.sent.unwrap().health, Health::whole(true, ours));
        unit.hears_fresh(|it| of(theirs, it));
        let expected = if yields { State::Withdrawing(Goal::Yield) } else { State::Active };
        assert_eq!(unit.pair.state(), expected);
        if !yields {
            unit.hears_fresh(|it| Heartbeat { stance: Stance::Standby, ..of(theirs, it) });
        }
        assert!(!unit.sent.unwrap().health.fit, "it is over");
    }
}

/// PAIR-13: it replies to the first words and to the first that refer to its own as Active, and otherwise goes
/// on in its rhythm, however much the peer says.
#[test]
fn a_conflict_is_no_endless_exchange() {
    let mut unit = in_conflict(0);
    let first = unit.sent.unwrap().id.number;
    for _ in 0..50 {
        unit.hears_fresh(|it| of(0, it));
    }
    assert_eq!(unit.sent.unwrap().id.number, first);
}

/// PAIR-13: one conflict is told once.
#[test]
fn a_conflict_is_told_once() {
    let mut unit = in_state(State::Active);
    let mut told = 0;
    for _ in 0..3 {
        let heartbeat = unit.fresh();
        unit.hears(&heartbeat).unwrap();
        unit.number += 1;
        while let Some(output) = unit.pair.poll_output(unit.now, &mut [0; 512]) {
            let is_it = |event: &Event| matches!(event, Event::Conflict { .. });
            told += u32::from(matches!(output, ha_core::machine::Output::Event(it) if is_it(&it)));
        }
    }
    assert_eq!(told, 1);
}

/// PAIR-13: when the other Active is lost the conflict is over: what the unit says of its health is again what
/// it is, at once and from then on.
#[test]
fn a_conflict_is_over_when_the_other_active_is_lost() {
    let mut unit = in_conflict(0);
    unit.input(Input::HealthWeight(5));
    assert_eq!(unit.sent.unwrap().health, Health::whole(true, 0), "it stands still");
    unit.wait(ms(30));
    assert_eq!(unit.pair.state(), State::Active);
    assert_eq!(unit.sent.unwrap().health, Health::whole(true, 5));
    unit.input(Input::HealthWeight(7));
    assert_eq!(unit.sent.unwrap().health, Health::whole(true, 7));
}
