//! A clock that is wrong: it runs backwards, jumps far ahead, stands still, or goes to and fro. What that
//! means is said at `Machine`; CRASH-4 says what a unit that was asleep does.

use crate::harness::ms;
use crate::states::{MAX_OUTPUTS_OF_AN_INPUT, Unit, in_state};
use ha_core::identity::{PathId, UnitId};
use ha_core::machine::{ActionId, Channel, Machine as _, Origin, Output};
use ha_core::pair::{
    Event, Goal, Health, Heartbeat, HeartbeatId, Input, MAX_HEARTBEAT_LEN, Stance, State,
};
use ha_core::time::{Duration, Instant};
use proptest::prelude::*;

/// All that takes the time, each with the same, and nothing that means anything.
fn call_all(unit: &mut Unit, now: Instant) {
    let from = Origin { peer: UnitId(1), path: PathId(0), channel: Channel::Pair };
    let _ = unit.pair.handle_datagram(now, from, b"no heartbeat");
    unit.pair.handle_done(now, ActionId(u64::MAX), Ok(()));
    unit.pair.handle_timeout(now);
}

/// What a unit is at, and when it wants to be woken.
fn seen(unit: &Unit) -> (State, Option<Instant>, Health, Option<Stance>) {
    let pair = &unit.pair;
    let deadline = pair.poll_timeout().map(|deadline| deadline.at);
    (pair.state(), deadline, pair.health(), pair.peer_stance())
}

fn last_sent(unit: &Unit) -> Option<HeartbeatId> {
    unit.sent.map(|sent| sent.id)
}

/// CRASH-4: time that runs backwards stands still: in no state does anything happen, but that it is counted;
/// and when the time has caught up, all goes on.
#[test]
fn time_that_runs_backwards_stands_still() {
    for state in State::ALL {
        let mut unit = in_state(state);
        unit.poll();
        let before = seen(&unit);
        let counted = unit.pair.status(unit.now).backward_steps;
        let all_backs = [ms(1), ms(29), Duration::from_secs(500), Duration::MAX];
        for back in all_backs {
            let earlier = unit.now.saturating_sub(back);
            call_all(&mut unit, earlier);
            assert_eq!(unit.poll_at(earlier).all, 0, "{state}, {back:?}");
            assert_eq!(seen(&unit), before, "{state}, {back:?}");
        }
        // Three calls and a poll each.
        let steps = unit.pair.status(unit.now).backward_steps - counted;
        assert_eq!(steps, 4 * all_backs.len() as u64, "{state}");
        unit.pair.handle_timeout(unit.now);
        assert_eq!((unit.poll().all, seen(&unit)), (0, before), "{state}");
    }
}

/// CRASH-4: what is heard and told while time runs backwards counts, as of the latest time.
#[test]
fn what_is_heard_while_time_runs_backwards_counts() {
    let mut unit = in_state(State::Active);
    unit.hears_fresh(|it| it);
    let latest = unit.now;
    unit.now = unit.now.saturating_sub(Duration::from_secs(7));
    let health = Health::whole(true, 3);
    let fitter = Heartbeat { stance: Stance::Active, health, ..unit.fresh() };
    unit.hears(&fitter).unwrap();
    assert_eq!(unit.pair.state(), State::Withdrawing(Goal::Yield));
    unit.poll();
    unit.answer("");
    assert_eq!(unit.pair.state(), State::Standby);
    assert_eq!(unit.pair.decision().at, latest);
}

/// CRASH-4, S3: an instant that is far ahead is a stall: in every state that takes part it is told once, and
/// who is Active gives the role up before anything else. Outputs end, and so do deadlines.
#[test]
fn time_far_ahead_is_a_stall() {
    for ahead in [ms(31), Duration::from_secs(3600), Duration::from_secs(1 << 33)] {
        for state in State::ALL {
            let mut unit = in_state(state);
            unit.now = unit.now + ahead;
            unit.pair.handle_timeout(unit.now);
            let mut first = None;
            let mut stalls = 0;
            for _ in 0..MAX_OUTPUTS_OF_AN_INPUT {
                let mut buf = [0; MAX_HEARTBEAT_LEN];
                let Some(output) = unit.pair.poll_output(unit.now, &mut buf) else { break };
                stalls += u8::from(matches!(output, Output::Event(Event::Stalled { .. })));
                first.get_or_insert(output);
            }
            let takes_part = !matches!(state, State::Disabled | State::Left);
            assert_eq!(stalls, u8::from(takes_part), "{state}");
            if state == State::Active {
                assert_eq!(unit.pair.state(), State::Withdrawing(Goal::Recover));
                let Some(Output::Action { action, .. }) = first else { panic!("{first:?}") };
                assert_eq!(action.name(), "Withdraw");
            }
            assert_eq!(unit.poll().all, 0, "{state}: outputs end");
            unit.serve();
            assert!(unit.poll().all <= MAX_OUTPUTS_OF_AN_INPUT, "{state}");
            let later = unit.pair.poll_timeout().is_none_or(|deadline| deadline.at > unit.now);
            assert!(later, "{state}");
        }
    }
}

/// CRASH-4: at the last instant nothing is due any more. A unit whose clock has jumped there gives the role
/// up, as after any stall, and then stands still: its peer, which hears nothing, takes over.
#[test]
fn at_the_last_instant_nothing_is_due() {
    for state in State::ALL {
        for answers in [false, true] {
            let mut unit = in_state(state);
            unit.now = Instant::FAR_FUTURE;
            call_all(&mut unit, Instant::FAR_FUTURE);
            assert!(unit.poll().all <= MAX_OUTPUTS_OF_AN_INPUT, "{state}");
            if answers {
                unit.answer("");
            }
            assert_eq!(unit.pair.poll_timeout(), None, "{state}: a deadline there never comes");
            assert_ne!(unit.pair.state(), State::Active, "{state}");
            for _ in 0..100 {
                call_all(&mut unit, Instant::FAR_FUTURE);
                assert_eq!(unit.poll().all, 0, "{state}");
            }
            // What it is told still counts.
            if !matches!(state, State::Disabled | State::Left) {
                unit.input(Input::HealthWeight(7));
                assert_eq!(unit.pair.health().weight, Health::whole(true, 7).weight);
            }
            assert_eq!(unit.pair.poll_timeout(), None, "{state}");
        }
    }
}

/// CRASH-4: a clock that stands still: however often a unit is called, in whichever state, outputs end, it
/// says nothing twice, and nothing becomes due.
#[test]
fn a_clock_that_stands_still_multiplies_nothing() {
    for state in State::ALL {
        let mut unit = in_state(state);
        unit.serve();
        unit.poll();
        let (before, sent) = (seen(&unit), last_sent(&unit));
        let mut buf = [0; MAX_HEARTBEAT_LEN];
        for call in 0..100_000 {
            match call % 3 {
                0 => unit.pair.handle_timeout(unit.now),
                1 => unit.pair.handle_done(unit.now, ActionId(u64::MAX), Ok(())),
                _ => {}
            }
            let output = unit.pair.poll_output(unit.now, &mut buf);
            assert!(output.is_none(), "{state}: {output:?}");
        }
        assert_eq!((seen(&unit), last_sent(&unit)), (before, sent), "{state}");
    }
}

/// CRASH-4: nor does it multiply what many datagrams say at one instant: heartbeats answer news, one each.
#[test]
fn a_flood_at_one_instant_is_not_answered_by_a_flood() {
    for state in State::ALL.into_iter().filter(|state| *state != State::Disabled) {
        let mut unit = in_state(state);
        for settled in [false, true] {
            let before = last_sent(&unit).map_or(0, |id| id.number);
            for _ in 0..if settled { 1_000 } else { 2 } {
                let same = Heartbeat { stance: Stance::Standby, ..unit.fresh() };
                unit.number += 1;
                unit.hears(&same).unwrap();
                unit.poll();
            }
            let more = last_sent(&unit).map_or(0, |id| id.number) - before;
            assert!(!settled || more == 0, "{state}: {more} heartbeats");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// CRASH-4: a clock that goes to and fro, as far as it will, in every state: nothing panics, outputs end,
    /// and what is served is not due again.
    #[test]
    fn a_clock_may_go_to_and_fro(
        begin in prop::sample::select(State::ALL.to_vec()),
        jumps in prop::collection::vec(
            (prop_oneof![4 => -40_000_000_i64..40_000_000, 1 => any::<i64>()], any::<bool>()),
            1..120,
        ),
    ) {
        let mut unit = in_state(begin);
        let mut latest = unit.now;
        for (nanos, hears) in jumps {
            unit.now = Instant::from_nanos(unit.now.as_nanos().saturating_add_signed(nanos));
            latest = latest.max(unit.now);
            if hears {
                let standby = Heartbeat { stance: Stance::Standby, ..unit.fresh() };
                unit.number += 1;
                let _ = unit.hears(&standby);
            }
            unit.pair.handle_timeout(unit.now);
            unit.poll();
            unit.answer("");
            unit.serve();
            prop_assert!(unit.poll().all <= MAX_OUTPUTS_OF_AN_INPUT);
            // Served as of the latest time that it knows.
            let due = unit.pair.poll_timeout().is_some_and(|deadline| deadline.at < latest);
            prop_assert!(!due, "{:?} at {latest:?}", unit.pair.poll_timeout());
        }
    }
}
