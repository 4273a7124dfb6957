//! A Standby that is strictly fitter takes over; equal faults move nothing (CRASH-3).

use crate::harness::{A, B, World, ms};
use crate::states::in_state;
use core::time::Duration;
use ha_core::pair::{Event, Health, Heartbeat, Input, Role, State, Why};

fn settled(weight: u16) -> World {
    let mut world = World::new(|config| config);
    world.network.set_all(|link| link.delay = ms(1));
    for unit in [A, B] {
        world.input(unit, Input::HealthWeight(weight)).unwrap();
    }
    world.settle();
    world.run_for(ms(53));
    world
}

/// How often the unit took the role or gave it up.
fn changes(world: &World, unit: usize) -> usize {
    let is_change = |event: &&Event| {
        matches!(
            event,
            Event::RoleChanged { to: Role::Active, .. }
                | Event::RoleChanged { from: Role::Active, .. }
        )
    };
    world.events(unit, ms(60)).iter().filter(is_change).count()
}

/// CRASH-2, CRASH-3, PAIR-20: the Active becomes less fit: the Standby takes over at once, by a hand-over,
/// without waiting for a missed heartbeat. When the other is well again it is a healthy Standby.
#[test]
fn a_fitter_standby_takes_over_at_once() {
    let mut world = settled(2);
    world.input(A, Input::HealthWeight(1)).unwrap();
    let took = world.run_until(ms(50), |world| world.state(B) == State::Active);
    // Its news, the question, the release: three ways.
    assert_eq!(took, ms(3));
    assert_eq!(world.last_take(B).unwrap().1, Why::BetterHealth);
    assert_eq!(world.oracle.longest_conflict, 0);
    world.input(A, Input::HealthWeight(2)).unwrap();
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.roles(), [Some(Role::Standby), Some(Role::Active)]);
}

/// CRASH-3, L2: the same fault on both units, in whatever order and at whatever distance, moves the role
/// once at the most, and not at all if both know of both before either acts.
#[test]
fn equal_faults_move_the_role_once_at_the_most() {
    for (first, second) in [(A, B), (B, A)] {
        for between in (0..400).step_by(7) {
            let mut world = settled(2);
            world.input(first, Input::HealthWeight(1)).unwrap();
            world.run_for(Duration::from_micros(between * 100));
            world.input(second, Input::HealthWeight(1)).unwrap();
            world.run_for(Duration::from_secs(1));
            assert!(world.is_settled());
            let moves = changes(&world, A);
            assert!(moves <= 1, "{moves} changes with {between} between");
            if first == B || between == 0 {
                assert_eq!(moves, 0, "both knew");
            }
        }
    }
}

/// CRASH-3: faults that are lost on the way, or whose news arrive late, do not make the role go back and
/// forth either.
#[test]
fn equal_faults_under_losses_never_move_the_role_back() {
    for seed in 0..200 {
        let mut world = World::with(seed, |_, config| config.trigger_level(5));
        world.network.set_all(|link| {
            link.delay = ms(1);
            link.jitter = ms(9);
        });
        for unit in [A, B] {
            world.input(unit, Input::HealthWeight(2)).unwrap();
        }
        world.settle();
        world.run_for(ms(60));
        world.network.set_all(|link| link.loss = 300);
        let begin = world.now();
        world.input(A, Input::HealthWeight(1)).unwrap();
        world.run_for(ms(seed % 40));
        world.input(B, Input::HealthWeight(1)).unwrap();
        world.run_for(Duration::from_millis(600));
        let voluntary = |unit| {
            let events = world.events(unit, begin);
            let is_it = |it: &&Event| matches!(it, Event::RoleChanged { to: Role::Active, why, .. } if why.is_voluntary());
            events.iter().filter(is_it).count()
        };
        assert!(voluntary(A) + voluntary(B) <= 1, "seed {seed}");
    }
}

/// CRASH-3, PAIR-20: the Standby asked because it was fitter; the Active is as fit by now: it does not let
/// go of the role, and tells why.
#[test]
fn an_active_that_is_as_fit_by_now_does_not_let_go() {
    let mut world = settled(2);
    world.input(A, Input::HealthWeight(1)).unwrap();
    world.run_for(Duration::from_micros(1_500));
    assert_eq!(world.state(B), State::Asking);
    world.input(A, Input::HealthWeight(2)).unwrap();
    let begin = world.now();
    world.run_for(ms(500));
    assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
    assert_eq!(world.count(A, "Withdraw", begin), 0);
    let declined = |event: &&Event| matches!(event, Event::HandOverAborted(_));
    assert_eq!(world.events(A, begin).iter().filter(declined).count(), 1);
    assert_eq!(world.events(B, begin).iter().filter(declined).count(), 1);
}

/// CRASH-3, L2: a unit asks for the role only if it is fitter by what its Active has heard of it *and* by what
/// is so now: before its Active knows that it is fitter it does not ask, and a fault that both have by now moves
/// nothing, though the Active has heard of only one of them.
#[test]
fn a_unit_is_fitter_only_if_its_active_knows_and_it_is_still_so() {
    let of = |weight, it| Heartbeat { health: Health::whole(true, weight), ..it };
    let mut unit = in_state(State::Standby);
    unit.input(Input::HealthWeight(5));
    assert_eq!(unit.pair.state(), State::Standby, "its Active has not heard that");
    let mut known = unit.clone();
    known.hears_fresh(|it| of(1, it));
    assert_eq!(known.pair.state(), State::Asking);

    let before = unit.sent.map(|sent| sent.id);
    unit.input(Input::HealthWeight(1));
    unit.hears_fresh(|it| Heartbeat { echo: before, ..of(1, it) });
    assert_eq!(unit.pair.state(), State::Standby, "it has the fault, too");
}
