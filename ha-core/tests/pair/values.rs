//! Heartbeats that are well formed and say what no sound peer would: every value of every field, in
//! contradictory combinations, handed to a unit in each of its states.

use crate::harness::ms;
use crate::states::{MAX_OUTPUTS_OF_AN_INPUT, Unit, in_state};
use ha_core::identity::Designation;
use ha_core::machine::Machine as _;
use ha_core::pair::{
    Departure, Goal, Health, Heartbeat, HeartbeatId, INTERVAL_RANGE, Input, LEVEL_RANGE, Mismatch,
    MonitoredLinks, Obstacles, Product, ProtocolRange, Role, Stance, State,
};
use ha_core::reject::{Reject, RejectKind};
use proptest::prelude::*;

const FIELDS: usize = 14;

/// The nth value of a field that is not a flag; whatever `nth` is.
fn with_field(unit: &Unit, field: usize, nth: usize, mut it: Heartbeat) -> Heartbeat {
    let ours = unit.sent.map_or(HeartbeatId { start: 1, number: 1 }, |sent| sent.id);
    let our_ask = unit.sent.map_or(0, |sent| sent.ask);
    let of = |values: &[u64]| values[nth % values.len()];
    match field {
        0 => it.obstacles = Obstacles::from_bits(of(&[0, 1, 2, 4, 8, 16, 32, 255]) as u8),
        1 => it.health.weight = of(&[0, 1, u16::MAX.into()]) as u16,
        2 => it.term = of(&[0, 1, 2, u64::MAX - 1, u64::MAX]),
        3 => it.id.number = of(&[it.id.number, 1, it.id.number.saturating_sub(1), u64::MAX]),
        4 => it.id.start = of(&[it.id.start, 1, u64::MAX]),
        5 => it.level = [*LEVEL_RANGE.start(), *LEVEL_RANGE.end()][nth % 2],
        6 => it.interval = [*INTERVAL_RANGE.start(), *INTERVAL_RANGE.end()][nth % 2],
        7 => it.paths_heard = of(&[1, 0, 2, u16::MAX.into()]) as u16,
        8 => it.ask = of(&[0, 7, our_ask, 9, u64::MAX]),
        9 => it.release = of(&[0, our_ask, 7, u64::MAX]),
        10 => {
            let number = ours.number;
            it.echo = [
                Some(ours),
                None,
                Some(HeartbeatId { start: 5, ..ours }),
                Some(HeartbeatId { number: number + 1, ..ours }),
                Some(HeartbeatId { number: u64::MAX, ..ours }),
                Some(HeartbeatId { number: 0, ..ours }),
                Some(HeartbeatId { number: 1, ..ours }),
            ][nth % 7];
        }
        11 => it.serial = ["SN-B", "SN-A", "SN-C"][nth % 3].parse().unwrap(),
        12 => {
            it.product = it.product.map(|product| match nth % 3 {
                0 => product,
                1 => Product { model: "X".parse().unwrap(), ..product },
                _ => Product { firmware: "9".parse().unwrap(), ..product },
            });
        }
        _ => {
            if nth % 2 == 1 {
                it.protocol = ProtocolRange { oldest: 200, newest: 255 };
                it.product = None;
            }
        }
    }
    it
}

fn with_flags(flags: u16, it: Heartbeat) -> Heartbeat {
    let is_set = |bit: u16| flags & (1 << bit) != 0;
    Heartbeat {
        designation: if is_set(0) { Designation::Primary } else { Designation::Secondary },
        preempt: is_set(1),
        warm: is_set(2),
        health: Health { fit: !is_set(3), ..it.health },
        synchronized: is_set(4),
        upgrade: is_set(5),
        invites: is_set(6),
        voluntary: is_set(7),
        steady: is_set(8),
        ..it
    }
}

/// Hands a heartbeat in and sees that what follows is bounded, counted, and no take beside a peer that
/// says it holds the role.
fn hears(unit: &mut Unit, heartbeat: &Heartbeat) -> Result<(), Reject> {
    let (rejects, before) = (unit.pair.status(unit.now).rejects, unit.pair.state());
    let result = unit.hears(heartbeat);
    let after = unit.pair.status(unit.now).rejects;
    assert_eq!(after.total() - rejects.total(), u64::from(result.is_err()));
    if let Err(reject) = result {
        assert_eq!(after.get(reject.kind()), rejects.get(reject.kind()) + 1);
        assert_eq!(unit.pair.state(), before, "{reject}");
    }
    let state = unit.pair.state();
    assert!(State::ALL.contains(&state));
    let peer_holds = matches!(heartbeat.stance, Stance::Active | Stance::Withdrawing);
    let takes = state == State::Taking && !before.holds_active();
    assert!(!(takes && peer_holds), "{before} took beside {heartbeat:?}");
    bounded(unit);
    result
}

fn bounded(unit: &mut Unit) {
    let outputs = unit.poll();
    assert!(outputs.all <= MAX_OUTPUTS_OF_AN_INPUT, "{outputs:?}");
    unit.serve();
    let outputs = unit.poll();
    assert!(outputs.all <= MAX_OUTPUTS_OF_AN_INPUT, "{outputs:?}");
}

/// PAIR-6: every stance with every combination of flags, and with the values of the other fields in
/// turn, in every state: it is accepted, or counted and refused.
#[test]
fn every_combination_of_stance_and_flags_is_accepted_or_counted() {
    for state in State::ALL {
        let prepared = in_state(state);
        for (at, stance) in Stance::ALL.into_iter().enumerate() {
            for flags in 0..512 {
                let mut unit = prepared.clone();
                let mut heartbeat = with_flags(flags, Heartbeat { stance, ..unit.fresh() });
                let turn = at * 512 + usize::from(flags);
                // One field deviates, and the next one does in every other round.
                for (field, nth) in [(turn, turn / FIELDS), (turn / 3, turn / 5)] {
                    heartbeat = with_field(&unit, field % FIELDS, nth, heartbeat);
                }
                let _ = hears(&mut unit, &heartbeat);
            }
        }
    }
}

/// PAIR-6: every value of every field, beside one value of another, with each stance, in every state.
#[test]
fn every_value_of_every_field_is_accepted_or_counted() {
    for state in State::ALL {
        let prepared = in_state(state);
        for stance in Stance::ALL {
            for field in 0..FIELDS {
                for nth in 0..8 {
                    let mut unit = prepared.clone();
                    let other = (field + nth + 1) % FIELDS;
                    let heartbeat = Heartbeat { stance, ..unit.fresh() };
                    let heartbeat = with_field(&unit, field, nth, heartbeat);
                    let heartbeat = with_field(&unit, other, nth / 2, heartbeat);
                    let _ = hears(&mut unit, &heartbeat);
                }
            }
        }
    }
}

/// PAIR-14: a peer that claims to be us is our own datagram come back, in every state that listens.
#[test]
fn a_peer_that_claims_to_be_us_is_reflected() {
    for state in State::ALL {
        let mut unit = in_state(state);
        let ours = Heartbeat { serial: "SN-A".parse().unwrap(), ..unit.fresh() };
        let expected = if state == State::Disabled { Reject::Role } else { Reject::Reflected };
        assert_eq!(hears(&mut unit, &ours), Err(expected));
    }
}

/// PAIR-14: a stranger is refused, whatever it says.
#[test]
fn a_stranger_is_refused_in_every_state() {
    for state in State::ALL.into_iter().filter(|state| *state != State::Disabled) {
        let mut unit = in_state(state);
        let stranger = Heartbeat { serial: "SN-C".parse().unwrap(), ..unit.fresh() };
        assert_eq!(hears(&mut unit, &stranger), Err(Reject::Serial));
    }
}

/// PAIR-13: a peer that goes back in its sequence is stale, also after it was silent.
#[test]
fn a_peer_that_goes_backwards_is_stale() {
    for silent in [false, true] {
        let mut unit = in_state(State::Standby);
        let mut heartbeat = unit.fresh();
        heartbeat.id.number = 1000;
        assert_eq!(hears(&mut unit, &heartbeat), Ok(()));
        if silent {
            unit.wait(ms(100));
        }
        for number in [1, 996, 999, 1000] {
            heartbeat.id.number = number;
            assert_eq!(hears(&mut unit, &heartbeat), Err(Reject::Stale), "{number}");
        }
        assert_eq!(unit.pair.status(unit.now).rejects.get(RejectKind::Stale), 4);
    }
}

/// PAIR-14: a peer with our designation is a mismatch by that name. A Standby shows ERROR, a running
/// Active keeps running.
#[test]
fn a_peer_with_our_designation_is_a_mismatch() {
    for (state, stance, role) in [
        (State::Standby, Stance::Active, Role::Error),
        (State::Active, Stance::Standby, Role::Active),
        (State::Active, Stance::Election, Role::Active),
    ] {
        let mut unit = in_state(state);
        let heartbeat =
            Heartbeat { stance, designation: Designation::Primary, ask: 9, ..unit.fresh() };
        assert_eq!(hears(&mut unit, &heartbeat), Ok(()));
        assert_eq!(unit.pair.mismatch(), Some(Mismatch::Designation));
        assert_eq!((unit.pair.state(), unit.pair.role()), (state, role));
    }
}

/// CRASH-3, BEY-7: the order holds at the ends of the weight; a demotion outweighs the highest.
#[test]
fn the_weights_at_their_ends_keep_their_order() {
    let health = |fit, weight| Health::whole(fit, weight);
    for (ours, theirs, yields) in [
        (0, health(true, 55_535), true),
        (55_535, health(true, 55_535), false),
        (55_535, health(true, 55_534), false),
        (55_534, health(true, 55_535), true),
        (0, health(false, 55_535), false),
        (55_535, health(true, 0), false),
    ] {
        let mut unit = in_state(State::Active);
        unit.input(Input::HealthWeight(ours));
        unit.wait(ms(10));
        // What was said before the peer was heard settles nothing.
        unit.hears_fresh(|it| Heartbeat { health: theirs, ..it });
        assert_eq!(unit.pair.state(), State::Active);
        let heartbeat = Heartbeat { health: theirs, ..unit.fresh() };
        assert_eq!(hears(&mut unit, &heartbeat), Ok(()));
        let expected = if yields { State::Withdrawing(Goal::Yield) } else { State::Active };
        assert_eq!(unit.pair.state(), expected, "{ours} and {theirs:?}");
    }
}

/// PAIR-20: a release that nobody asked for, or with which its sender says that it holds the role
/// still, moves nothing.
#[test]
fn a_release_for_nobody_moves_nothing() {
    for state in [State::Standby, State::Asking, State::Active] {
        let mut unit = in_state(state);
        let heartbeat = Heartbeat { stance: Stance::Released, release: 12, ..unit.fresh() };
        assert_eq!(hears(&mut unit, &heartbeat), Ok(()));
        assert_eq!(unit.pair.state(), state);
    }
}

/// PAIR-20, S1: a release counts only from a peer that says it has given the role up.
#[test]
fn a_release_by_who_still_holds_the_role_is_none() {
    for stance in Stance::ALL {
        let mut unit = in_state(State::Asking);
        let release = unit.sent.unwrap().ask;
        // What it says of the role alone must not make us take: it is the better one.
        let health = Health::whole(true, 9);
        let heartbeat = Heartbeat { stance, release, health, ..unit.fresh() };
        assert_eq!(hears(&mut unit, &heartbeat), Ok(()));
        let takes = matches!(stance, Stance::Released | Stance::Left);
        assert_eq!(unit.pair.state() == State::Taking, takes, "{stance:?}");
    }
}

/// PAIR-20: a question counts only from a Standby: an Active that asks is in conflict, not asking.
#[test]
fn a_question_of_an_active_is_none() {
    let mut unit = in_state(State::Active);
    for stance in Stance::ALL.into_iter().filter(|stance| *stance != Stance::Standby) {
        let heartbeat = Heartbeat { stance, ask: 9, paths_heard: 0, echo: None, ..unit.fresh() };
        unit.number += 1;
        assert_eq!(hears(&mut unit, &heartbeat), Ok(()));
        assert_eq!(unit.pair.state(), State::Active, "{stance:?}");
    }
}

/// PAIR-13: a term at the end of its range is where terms stop: the next take has the same one, and
/// between two Actives of one term the Primary stays.
#[test]
fn a_term_at_its_end_does_not_overflow() {
    let mut unit = in_state(State::Standby);
    let heartbeat = Heartbeat { term: u64::MAX, ..unit.fresh() };
    unit.number += 1;
    assert_eq!(hears(&mut unit, &heartbeat), Ok(()));
    unit.wait(ms(30));
    unit.answer("");
    assert_eq!(unit.pair.state(), State::Active);
    assert_eq!(unit.pair.status(unit.now).term, u64::MAX);
    let heartbeat = Heartbeat { term: u64::MAX, ..unit.fresh() };
    assert_eq!(hears(&mut unit, &heartbeat), Ok(()));
    assert_eq!(unit.pair.state(), State::Active);
}

/// PAIR-6: after the highest number there is none: all that follows is stale, the peer falls silent,
/// and only its next start is heard.
#[test]
fn after_the_highest_number_only_a_new_start_is_heard() {
    let mut unit = in_state(State::Standby);
    let mut heartbeat = unit.fresh();
    heartbeat.id.number = u64::MAX;
    assert_eq!(hears(&mut unit, &heartbeat), Ok(()));
    for number in [2, u64::MAX - 1, u64::MAX] {
        heartbeat.id.number = number;
        assert_eq!(hears(&mut unit, &heartbeat), Err(Reject::Stale));
    }
    unit.wait(ms(30));
    assert_eq!(unit.pair.state(), State::Taking);
    let id = HeartbeatId { start: 78, number: 1 };
    assert_eq!(hears(&mut unit, &Heartbeat { id, ..heartbeat }), Ok(()));
}

/// PAIR-6: an echo of what we never said, or said to nobody, tells nothing of who is better.
#[test]
fn an_echo_of_what_was_never_said_decides_nothing() {
    let ours = in_state(State::Active).sent.unwrap().id;
    for echo in [
        None,
        Some(HeartbeatId { start: 5, ..ours }),
        Some(HeartbeatId { number: 0, ..ours }),
        Some(HeartbeatId { number: ours.number + 1, ..ours }),
        Some(HeartbeatId { number: ours.number + 2, ..ours }),
        Some(HeartbeatId { number: u64::MAX, ..ours }),
    ] {
        let mut unit = in_state(State::Active);
        let health = Health::whole(true, 9);
        let heartbeat = Heartbeat { echo, health, ..unit.fresh() };
        assert_eq!(hears(&mut unit, &heartbeat), Ok(()));
        assert_eq!(unit.pair.state(), State::Active, "{echo:?}");
    }
}

#[derive(Clone, Debug)]
enum Step {
    Hears { stance: Stance, flags: u16, fields: Vec<(usize, usize)> },
    Input(Input),
    Wait(u64),
    Answer(bool),
}

fn step() -> impl Strategy<Value = Step> {
    let fields = prop::collection::vec((0..FIELDS, 0_usize..8), 0..4);
    let hears = (prop::sample::select(Stance::ALL.to_vec()), 0_u16..512, fields)
        .prop_map(|(stance, flags, fields)| Step::Hears { stance, flags, fields });
    let input = prop_oneof![
        Just(Input::TakeOver),
        Just(Input::FailOver),
        prop::sample::select(vec![0, 1, 55_535]).prop_map(Input::HealthWeight),
        (0_u16..2).prop_map(|up| Input::MonitoredLinks(MonitoredLinks { configured: 1, up })),
        any::<bool>().prop_map(Input::Upgrade),
        Just(Input::Leave(Departure::Restart)),
    ];
    prop_oneof![
        8 => hears,
        2 => input.prop_map(Step::Input),
        4 => (0_u64..60).prop_map(Step::Wait),
        4 => prop::bool::weighted(0.8).prop_map(Step::Answer),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 100,
        ..ProptestConfig::default()
    })]

    /// PAIR-6: the same for any sequence of such heartbeats with inputs, answers and time between them.
    #[test]
    fn no_sequence_of_contradictions_breaks_the_machine(
        state in prop::sample::select(State::ALL.to_vec()),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut unit = in_state(state);
        for step in steps {
            match step {
                Step::Hears { stance, flags, fields } => {
                    let mut heartbeat = with_flags(flags, Heartbeat { stance, ..unit.fresh() });
                    for (field, nth) in fields {
                        heartbeat = with_field(&unit, field, nth, heartbeat);
                    }
                    unit.number += 1;
                    let _ = hears(&mut unit, &heartbeat);
                }
                Step::Input(input) => {
                    let _ = unit.pair.handle_input(unit.now, input);
                    bounded(&mut unit);
                }
                Step::Wait(length) => unit.wait(ms(length)),
                Step::Answer(works) => unit.answer(if works { "" } else { "TakeAddresses" }),
            }
        }
    }
}
