//! Actions are numbered by the outermost machine, and may be answered late and in any order.

use crate::world::{A, B, Plan, World};
use appliance::{Action, Event, Input};
use ha_core::machine::{ActionId, Channel, Destination};
use ha_core::pair::{self, Role};

fn held(world: &World, at: usize) -> Vec<ActionId> {
    world.unit(at).held.iter().map(|(id, _)| *id).collect()
}

/// Runs with every action answered after a random while, the held ones in random order.
fn run_late(world: &mut World, milliseconds: u64) {
    for _ in 0..milliseconds {
        world.run(1);
        for at in [A, B] {
            let held = held(world, at);
            if !held.is_empty() && world.below(100) < 20 {
                let id = held[world.below(held.len() as u64) as usize];
                world.answer(at, id);
                // Once more, which means nothing.
                world.answer(at, id);
            }
        }
    }
}

#[test]
fn answers_late_and_out_of_order_find_their_machine() {
    let mut world = World::new(Plan { hold: true, loss: 10, ..Plan::default() });
    run_late(&mut world, 1000);
    assert_eq!((world.role(A), world.role(B)), (Role::Active, Role::Standby));
    for round in 0..20 {
        world.upsert(A, round * 50..round * 50 + 100, round);
        run_late(&mut world, 20);
    }
    run_late(&mut world, 2000);
    assert!(world.in_sync() && world.records(B) == 1050);
    // Both machines of both units have something to do.
    for at in [B, A] {
        world.input(at, Input::Pair(pair::Input::TakeOver));
        run_late(&mut world, 1000);
        assert_eq!(world.role(at), Role::Active);
        world.upsert(at, 2000..2100, 1 + at as u32);
        run_late(&mut world, 1000);
        assert!(world.in_sync());
    }
    for at in [A, B] {
        let ids = &world.unit(at).handed_out;
        assert!(ids.is_sorted_by(|a, b| a < b), "each number once: {ids:?}");
    }
}

/// PAIR-16: an answer to an action of synchronization is none to an action of the role, although the
/// machines inside may have given both the same number.
#[test]
fn an_answer_to_one_machine_is_none_to_the_other() {
    let mut world = World::settled(Plan::default());
    world.plan.hold = true;
    world.upsert(A, 0..10, 1);
    world.run(10);
    let install = held(&world, B);
    assert_eq!(install.len(), 1, "records wait for the forwarding plane");
    world.crash(A);
    world.run(45);
    let actions = &world.unit(B).held;
    let is_step = |action: &Action| matches!(action, Action::Pair(pair::Action::AdoptState { .. }));
    let step = actions.iter().find(|(_, action)| is_step(action)).unwrap().0;
    // The install, an unknown number, and the install again: the take goes no further.
    for id in [install[0], ActionId(9999), install[0]] {
        world.answer(B, id);
        assert_eq!(held(&world, B), [step]);
    }
    assert_eq!(world.unit(B).plane.len(), 10);
    world.answer(B, step);
    let next = &world.unit(B).held;
    assert!(matches!(next[..], [(_, Action::Pair(pair::Action::OpenForwarding))]), "{next:?}");
}

/// BEY-10, STATE-5: a forwarding plane that refuses records, because its table is full, is reported and
/// tried again; heartbeats go on, no role changes, and nobody says that the tables are equal before they
/// are.
#[test]
fn a_full_forwarding_plane_is_reported_and_tried_again() {
    let mut world = World::settled(Plan::default());
    world.plan.hold = true;
    world.upsert(A, 0..100, 1);
    let mut refused = 0;
    world.sent.clear();
    for _ in 0..3000 {
        world.run(1);
        for id in held(&world, B) {
            world.refuse(B, id);
            refused += 1;
        }
        assert!(!world.in_sync());
    }
    assert!((3..100).contains(&refused), "again, but less and less often: {refused} times");
    let failed =
        |event: &&Event| matches!(event, Event::Sync(statesync::Event::InstallFailed { .. }));
    assert_eq!(world.unit(B).events.iter().filter(failed).count(), refused);
    let beats = |at| {
        let of = |(from, to): &&(usize, Destination)| *from == at && to.channel == Channel::Pair;
        world.sent.iter().filter(of).count()
    };
    // 300 intervals, two paths.
    assert!(beats(A) >= 600 && beats(B) >= 600, "{} {}", beats(A), beats(B));
    assert_eq!((world.role_changes(A), world.role_changes(B)), (1, 1), "the first ones alone");
    // There is room again.
    world.plan.hold = false;
    world.run_until("equal tables", |world| world.in_sync() && world.records(B) == 100);
}

/// PAIR-6, BEY-10: a forwarding plane that hangs keeps the Standby neither from beating nor from taking over.
#[test]
fn a_forwarding_plane_that_hangs_does_not_keep_the_standby_from_taking_over() {
    let mut world = World::settled(Plan::default());
    world.plan.hold = true;
    world.upsert(A, 0..100, 1);
    world.run(5000);
    let hanging = held(&world, B);
    assert_eq!(hanging.len(), 1, "one install, and no more before it is answered");
    assert_eq!((world.role_changes(A), world.role_changes(B)), (1, 1), "the first ones alone");
    world.crash(A);
    world.run(45);
    for _ in 0..3 {
        let step = held(&world, B).into_iter().find(|id| !hanging.contains(id)).unwrap();
        world.answer(B, step);
    }
    assert_eq!(world.unit(B).machine.pair().state(), pair::State::Active);
}
