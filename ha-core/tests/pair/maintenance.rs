//! Maintenance mode: a unit that does not take the role, persisted before it acts (BEY-8).

use crate::harness::{A, Answer, B, What, World, config, ms};
use crate::states::in_state;
use core::time::Duration;
use ha_core::machine::Machine as _;
use ha_core::pair::{
    Action, Event, Goal, Input, Maintenance, Obstacles, PersistKey, Refusal, Role, State, Why,
};
use ha_core::time::Instant;

const ON: Input = Input::Maintenance(Maintenance::On { lasts: None });
const OFF: Input = Input::Maintenance(Maintenance::Off);

fn settled() -> World {
    let mut world = World::new(|config| config);
    world.network.set_all(|link| link.delay = ms(1));
    world.settle();
    world.run_for(ms(53));
    world
}

/// What the unit wanted kept last.
fn kept(world: &World, unit: usize) -> Option<Vec<u8>> {
    world.trace.iter().rev().filter(|entry| entry.unit == unit).find_map(|entry| {
        match &entry.what {
            What::Action(Action::Persist { key: PersistKey::Maintenance, bytes }) => {
                Some(bytes.clone())
            }
            _ => None,
        }
    })
}

/// BEY-8: a Standby in maintenance does not take over, not even from a dead peer; when maintenance ends it
/// does at once.
#[test]
fn a_standby_in_maintenance_does_not_take() {
    let mut world = settled();
    world.input(B, ON).unwrap();
    world.run_for(ms(5));
    world.crash(A);
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.state(B), State::Standby);
    assert_eq!(world.pair(B).obstacles(), Obstacles::MAINTENANCE);
    world.input(B, OFF).unwrap();
    world.run_for(ms(1));
    assert_eq!(world.state(B), State::Active);
}

/// BEY-8, PAIR-20: an Active that goes into maintenance hands the role over first, and does not take it
/// again.
#[test]
fn an_active_in_maintenance_hands_the_role_over() {
    let mut world = settled();
    world.input(A, ON).unwrap();
    world.run_until(ms(50), |world| world.state(B) == State::Active);
    assert_eq!(world.last_take(B).unwrap().1, Why::Ordered);
    assert_eq!(world.oracle.longest_conflict, 0);
    world.crash(B);
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.state(A), State::Standby);
}

/// BEY-8, PAIR-11: it is refused where the peer cannot take over.
#[test]
fn maintenance_of_an_active_without_a_peer_is_refused() {
    let mut world = settled();
    world.crash(B);
    world.run_for(ms(100));
    assert_eq!(world.input(A, ON), Err(Refusal::NoStandbyPeer));
    assert_eq!(kept(&world, A), None);
}

/// BEY-8: nothing acts before it is persisted; a failure, or no answer, leaves everything as it was.
#[test]
fn maintenance_acts_once_it_is_persisted() {
    let mut world = settled();
    world.answer(A, "Persist", Answer::after(ms(40)));
    world.input(A, ON).unwrap();
    world.run_for(ms(39));
    assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
    assert!(world.pair(A).obstacles().is_empty());
    world.run_for(ms(20));
    assert_eq!(world.state(B), State::Active);

    for answer in [Answer::FAILS, Answer::NEVER] {
        let mut world = settled();
        world.answer(A, "Persist", answer);
        world.input(A, ON).unwrap();
        world.run_for(Duration::from_secs(1));
        assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
        assert!(world.pair(A).obstacles().is_empty());
        let failed = |event: &Event| matches!(event, Event::MaintenanceNotPersisted(_));
        assert!(world.events(A, Duration::ZERO).iter().any(failed));
    }
}

/// BEY-8: it survives a restart, and what cannot be read counts as lost, and is told.
#[test]
fn maintenance_survives_a_restart() {
    let mut world = settled();
    world.input(B, ON).unwrap();
    world.run_for(ms(10));
    let bytes = kept(&world, B).unwrap();
    world.crash(B);
    let mut world = world.configured(move |unit, seed| {
        let kept = if unit == B { &bytes[..] } else { &[] };
        let builder = config(unit, seed);
        if kept.is_empty() { builder } else { builder.persisted(kept) }.build().unwrap()
    });
    world.start(B);
    world.run_for(ms(20));
    world.crash(A);
    world.run_for(Duration::from_secs(1));
    assert!(!world.holds()[B]);

    let mut world = World::unpowered(1, |_, config| config.persisted(b"damaged"));
    world.start(A);
    world.run_for(ms(100));
    assert_eq!(world.state(A), State::Active);
    let unreadable = Event::PersistedUnreadable(PersistKey::Maintenance);
    assert!(world.events(A, Duration::ZERO).contains(&unreadable));
}

/// BEY-8: it ends by itself if asked to, and that is persisted, too; if that fails it is tried again.
#[test]
fn maintenance_ends_by_itself() {
    let mut world = settled();
    let lasts = Some(ms(500));
    world.input(B, Input::Maintenance(Maintenance::On { lasts })).unwrap();
    world.run_for(ms(100));
    world.answer(B, "Persist", Answer::FAILS);
    world.run_for(ms(600));
    assert_eq!(world.pair(B).obstacles(), Obstacles::MAINTENANCE, "it could not be persisted");
    world.units[B].platform.repair();
    world.run_for(ms(400));
    assert!(world.pair(B).obstacles().is_empty());
    assert_eq!(kept(&world, B).as_deref(), Some(&Maintenance::Off.to_bytes()[..]));
    assert!(world.events(B, Duration::ZERO).contains(&Event::Maintenance(false)));
}

/// BEY-8: a hand-over into maintenance that fails is tried again, but not without a break.
#[test]
fn a_failing_hand_over_into_maintenance_does_not_loop() {
    let mut world = settled();
    world.answer(A, "Withdraw", Answer::FAILS);
    let begin = world.now();
    world.input(A, ON).unwrap();
    world.run_for(Duration::from_secs(1));
    let tried = world.count(A, "Withdraw", begin);
    assert!((2..=4).contains(&tried), "{tried} times in 33 failure times");
    world.units[A].platform.repair();
    world.run_for(ms(400));
    assert_eq!(world.state(B), State::Active);
}

/// BEY-8: with both units in maintenance nobody takes; the first that is out of it does.
#[test]
fn two_units_in_maintenance_stay_standby() {
    let mut world = settled();
    world.input(B, ON).unwrap();
    world.run_for(ms(20));
    world.crash(A);
    world.run_for(ms(100));
    let on = Maintenance::On { lasts: None }.to_bytes();
    let mut world =
        world.configured(move |unit, seed| config(unit, seed).persisted(&on).build().unwrap());
    world.start(A);
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.holds(), [false; 2]);
    world.input(B, OFF).unwrap();
    world.run_for(ms(50));
    assert_eq!(world.state(B), State::Active);
    assert_eq!(world.state(A), State::Standby);
}

/// BEY-8: it ends by itself also if another order came while its end was on its way to where it is kept, and
/// could not be persisted.
#[test]
fn maintenance_ends_after_an_order_that_could_not_be_persisted() {
    let mut world = settled();
    let lasts = Some(ms(100));
    world.input(B, Input::Maintenance(Maintenance::On { lasts })).unwrap();
    world.run_for(ms(50));
    world.answer(B, "Persist", Answer::after(ms(40)));
    world.run_for(ms(60));
    world.answer(B, "Persist", Answer::FAILS);
    world.input(B, ON).unwrap();
    world.run_for(ms(100));
    assert_eq!(world.pair(B).obstacles(), Obstacles::MAINTENANCE, "it could not be persisted");
    world.units[B].platform.repair();
    world.run_for(ms(400));
    assert!(world.pair(B).obstacles().is_empty());
}

/// BEY-8: an order that is on its way to where it is kept is not overtaken by the end of the one before.
#[test]
fn the_end_of_one_maintenance_does_not_end_the_next() {
    let mut world = settled();
    world.input(B, Input::Maintenance(Maintenance::On { lasts: Some(ms(200)) })).unwrap();
    world.run_for(ms(190));
    world.answer(B, "Persist", Answer::after(ms(30)));
    world.input(B, Input::Maintenance(Maintenance::On { lasts: None })).unwrap();
    world.run_for(Duration::from_secs(3));
    let status = world.pair(B).status(Instant::ZERO);
    assert_eq!(status.maintenance, Maintenance::On { lasts: None });
}

/// BEY-8, PAIR-11: a unit that is about to hold the role, or still does, is refused as an Active is, and nothing
/// is persisted.
#[test]
fn maintenance_is_refused_from_the_take_to_the_end_of_the_withdrawal() {
    let goals =
        [Goal::Yield, Goal::Recover, Goal::Leave, Goal::Depart, Goal::Retreat, Goal::Isolate];
    let withdrawing = goals.map(State::Withdrawing);
    for state in [State::Taking, State::Active].into_iter().chain(withdrawing) {
        let mut unit = in_state(state);
        let refused = unit.pair.handle_input(unit.now, ON);
        assert_eq!(refused, Err(Refusal::NoStandbyPeer), "{state}");
        unit.answer("");
        assert_eq!(unit.pair.status(unit.now).maintenance, Maintenance::Off, "{state}");
    }
}
