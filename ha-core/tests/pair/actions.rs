//! The actions of a take and of a withdrawal: their order, and what follows when they fail (PAIR-16).

use crate::harness::{A, Answer, B, What, World, ms};
use crate::states::{configured, in_state};
use core::time::Duration;
use ha_core::address::MacAddress;
use ha_core::identity::InterfaceId;
use ha_core::machine::{ActionError, Machine as _};
use ha_core::pair::{
    Action, Departure, Event, Goal, Heartbeat, Input, PairConfigBuilder, Role, SharedInterface,
    Stance, State,
};

fn with_address(config: PairConfigBuilder) -> PairConfigBuilder {
    config.announcements(3, ms(20)).interface(SharedInterface {
        id: InterfaceId(1),
        mac: MacAddress([2, 0, 0, 0, 0, 1]),
        addresses: vec!["192.0.2.1/24".parse().unwrap()],
    })
}

/// What a unit was asked for and what it answered, since `since`.
fn actions(world: &World, unit: usize, since: Duration) -> Vec<String> {
    let entries = world.trace.iter().filter(|entry| entry.unit == unit && entry.at >= since);
    entries
        .filter_map(|entry| match &entry.what {
            What::Action(action) => Some(action.name().to_string()),
            What::Done(name, ok) => Some(format!("{name} {}", if *ok { "done" } else { "failed" })),
            _ => None,
        })
        .collect()
}

/// PAIR-16: each step of a take waits for the one before, on a platform that carries out whatever it
/// has side by side; what need not wait comes after.
#[test]
fn each_step_of_a_take_waits_for_the_one_before() {
    let mut world = World::unpowered(1, |_, config| with_address(config));
    world.start(A);
    for (action, milliseconds) in
        [("AdoptState", 30), ("OpenForwarding", 20), ("TakeAddresses", 10)]
    {
        world.answer(A, action, Answer::after(ms(milliseconds)));
    }
    world.run_for(ms(95));
    let expected = [
        "AdoptState",
        "AdoptState done",
        "OpenForwarding",
        "OpenForwarding done",
        "TakeAddresses",
        "TakeAddresses done",
        "Announce",
        "RejoinGroups",
        "ResumeClients",
    ];
    assert_eq!(actions(&world, A, Duration::ZERO)[..9], expected);
    assert_eq!(world.last_take(A).unwrap().0, ms(30));
    assert_eq!(world.state(A), State::Active);
}

/// VMAC-5, PAIR-16: with the addresses go the multicast groups of all data interfaces, and the router's role
/// of those that have IPv6, once the addresses are there and announced.
#[test]
fn multicast_groups_and_the_routers_role_follow_the_addresses() {
    let mut world = World::unpowered(1, |_, config| {
        let interface = |id: u16, addresses: &[&str]| SharedInterface {
            id: InterfaceId(id),
            mac: MacAddress([2, 0, 0, 0, 0, id as u8]),
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
        };
        config
            .interface(interface(1, &["192.0.2.1/24", "2001:db8::1/64", "fe80::1/64"]))
            .interface(interface(2, &["198.51.100.1/24"]))
            .interface(interface(3, &["fe80::1/64"]))
    });
    world.answer(A, "TakeAddresses", Answer::after(ms(10)));
    world.answer(A, "RejoinGroups", Answer::FAILS);
    world.start(A);
    world.run_for(ms(39));
    assert_eq!(world.count(A, "TakeAddresses", Duration::ZERO), 1);
    assert_eq!(world.count(A, "RejoinGroups", Duration::ZERO), 0);
    world.run_for(ms(11));
    let of = |interfaces: &[u16]| interfaces.iter().copied().map(InterfaceId).collect::<Vec<_>>();
    let late: Vec<_> = world
        .trace
        .iter()
        .filter_map(|entry| match &entry.what {
            What::Action(Action::Announce { .. }) => Some(("Announce", Vec::new())),
            What::Action(Action::RejoinGroups { interfaces }) => {
                Some(("RejoinGroups", interfaces.clone()))
            }
            What::Action(Action::ResumeRouter { interfaces }) => {
                Some(("ResumeRouter", interfaces.clone()))
            }
            What::Action(Action::ResumeClients) => Some(("ResumeClients", Vec::new())),
            _ => None,
        })
        .collect();
    let expected = [
        ("Announce", of(&[])),
        ("RejoinGroups", of(&[1, 2, 3])),
        ("ResumeRouter", of(&[1, 3])),
        ("ResumeClients", of(&[])),
    ];
    assert_eq!(late, expected);
    assert_eq!(world.state(A), State::Active, "whatever fails of these");
}

/// PAIR-16: on leaving, forwarding and addresses go first, confirmed; then the peer is told; then the
/// rest. Nothing is announced.
#[test]
fn a_withdrawal_is_confirmed_then_told_then_the_rest_follows() {
    for goal in [Input::Leave(Departure::Stop), Input::TakeOver] {
        let mut world = World::new(with_address);
        world.settle();
        world.run_for(ms(101));
        world.answer(A, "Withdraw", Answer::after(ms(7)));
        let begin = world.now();
        let leaver = if goal == Input::Leave(Departure::Stop) { A } else { B };
        world.input(leaver, goal).unwrap();
        world.run_for(ms(200));
        assert_eq!(
            actions(&world, A, begin),
            ["Withdraw", "Withdraw done", "StandDown", "StandDown done"]
        );
        let entry = |wanted: fn(&What) -> bool| {
            let mut entries = world.trace.iter().enumerate();
            let found = entries
                .find(|(_, entry)| entry.unit == A && entry.at >= begin && wanted(&entry.what));
            found.unwrap().0
        };
        let confirmed = entry(|what| matches!(what, What::Done("Withdraw", true)));
        let told = entry(|what| matches!(what, What::Sent(Stance::Released | Stance::Left)));
        let rest = entry(|what| matches!(what, What::Action(it) if it.name() == "StandDown"));
        assert!(confirmed < told && told < rest, "{goal:?}");
    }
}

/// PAIR-16: an Active without the old sessions is better than none: a state that cannot be put in force
/// is reported, and the take goes on.
#[test]
fn a_take_goes_on_without_the_synchronized_state() {
    let mut world = World::unpowered(1, |_, config| config);
    world.start(A);
    world.answer(A, "AdoptState", Answer::FAILS);
    world.run_for(ms(50));
    assert_eq!(world.state(A), State::Active);
    let failed = Event::ActionFailed { action: "AdoptState", error: ActionError::Failed };
    assert!(world.events(A, Duration::ZERO).contains(&failed));
}

/// PAIR-16: a take that fails or hangs is undone, and the healthy peer takes over; the unit may try
/// again after ten failure times, and does not interrupt a running Active then.
#[test]
fn a_take_that_fails_is_undone_and_the_peer_takes_over() {
    for action in ["OpenForwarding", "TakeAddresses"] {
        for answer in [Answer::FAILS, Answer::NEVER] {
            let mut world = World::unpowered(1, |_, config| config);
            world.answer(A, action, answer);
            world.start(A);
            world.start(B);
            world.run_until(ms(800), |world| world.state(B) == State::Active);
            world.run_for(Duration::from_secs(1));
            assert_eq!(world.roles(), [Some(Role::Standby), Some(Role::Active)]);
            assert_eq!(world.holds(), [false, true]);
            assert_eq!(world.count(A, "Withdraw", Duration::ZERO), 1);
        }
    }
}

/// PAIR-16, S1: a unit that can neither take nor withdraw may still hold the role: its peer does not take
/// while it hears it. Each try is told, so that the embedder can stop the unit; then the peer takes over.
#[test]
fn a_unit_that_can_neither_take_nor_withdraw_has_to_be_stopped() {
    let mut world = World::new(with_address);
    world.answer(A, "TakeAddresses", Answer::FAILS);
    world.answer(A, "Withdraw", Answer::FAILS);
    world.run_for(Duration::from_secs(60));
    assert_eq!(world.state(A), State::Withdrawing(Goal::Retreat));
    assert_eq!(world.holds(), [true, false]);
    let failed = Event::ActionFailed { action: "Withdraw", error: ActionError::Failed };
    let told = world.events(A, Duration::ZERO).iter().filter(|event| **event == failed).count();
    assert_eq!(told, world.count(A, "Withdraw", Duration::ZERO));
    assert!(told > 1000, "{told}: once each failure time");

    world.crash(A);
    world.run_until(ms(50), |world| world.state(B) == State::Active);
}

/// PAIR-16: without a peer it tries again until it works.
#[test]
fn a_take_that_fails_is_tried_again_without_a_peer() {
    let mut world = World::unpowered(1, |_, config| config);
    world.answer(A, "TakeAddresses", Answer::FAILS);
    world.start(A);
    world.run_for(ms(700));
    assert_eq!(world.count(A, "TakeAddresses", Duration::ZERO), 3);
    world.units[A].platform.repair();
    world.run_until(ms(301), |world| world.state(A) == State::Active);
}

/// PAIR-16: what comes late, or twice, or was never asked for, changes nothing.
#[test]
fn an_answer_after_the_time_limit_changes_nothing() {
    let mut world = World::unpowered(1, |_, config| config);
    world.answer(A, "TakeAddresses", Answer::after(ms(700)));
    world.start(A);
    world.run_for(ms(600));
    assert_eq!(world.state(A), State::Standby);
    world.run_for(ms(140));
    assert_eq!(world.state(A), State::Standby);
}

/// PAIR-16: an announcement or another late duty that fails is reported, and changes no role.
#[test]
fn a_failed_announcement_is_only_reported() {
    let mut world = World::new(with_address);
    world.answer(A, "Announce", Answer::FAILS);
    world.answer(A, "ResumeClients", Answer::NEVER);
    world.settle();
    world.run_for(Duration::from_secs(2));
    assert_eq!(world.state(A), State::Active);
    let failed = Event::ActionFailed { action: "Announce", error: ActionError::Failed };
    let count = world.events(A, Duration::ZERO).iter().filter(|event| **event == failed).count();
    assert_eq!(count, 3);
}

/// PAIR-16: a platform that is slow with each step does not delay heartbeats, so the peer stays calm.
#[test]
fn slow_actions_do_not_delay_heartbeats() {
    let mut world = World::new(with_address);
    for action in ["AdoptState", "OpenForwarding", "TakeAddresses", "Announce", "ResumeClients"] {
        world.answer(A, action, Answer::after(ms(120)));
    }
    world.run_for(Duration::from_secs(2));
    assert_eq!(world.roles(), [Some(Role::Active), Some(Role::Standby)]);
    assert_eq!(world.count(B, "AdoptState", Duration::ZERO), 0);
}

/// PAIR-16: what a withdrawal leaves to be done later is dropped if the unit takes again before it was handed
/// out: it would undo the take.
#[test]
fn a_take_drops_what_is_left_of_a_withdrawal() {
    let mut unit = in_state(State::Withdrawing(Goal::Yield));
    let (id, _) = unit.open.pop().unwrap();
    unit.pair.handle_done(unit.now, id, Ok(()));
    let mut stays = unit.clone();
    stays.poll();
    assert_eq!(stays.wants(), ["StandDown"]);
    unit.hears_fresh(|it| Heartbeat { stance: Stance::Left, ..it });
    assert_eq!(unit.pair.state(), State::Taking);
    assert_eq!(unit.wants(), ["AdoptState"]);
}

/// PAIR-16, VMAC-3: and what a take leaves to be done later is dropped at a withdrawal: nothing is announced,
/// or brought up, once the addresses are gone.
#[test]
fn a_withdrawal_drops_what_is_left_of_a_take() {
    let mut unit = configured(State::Taking, |config| with_address(config).route_hold(ms(20)));
    for _ in 0..2 {
        let (id, _) = unit.open.pop().unwrap();
        unit.pair.handle_done(unit.now, id, Ok(()));
        unit.poll();
    }
    let (id, _) = unit.open.pop().unwrap();
    unit.pair.handle_done(unit.now, id, Ok(()));
    unit.now = unit.now + ms(20);
    unit.pair.handle_timeout(unit.now);
    let mut stays = unit.clone();
    stays.poll();
    let mut rest = stays.wants();
    rest.sort_unstable();
    assert_eq!(rest, ["Announce", "EndRouteHold", "RejoinGroups", "ResumeClients"]);
    unit.input(Input::Leave(Departure::Stop));
    assert_eq!(unit.wants(), ["Withdraw"]);
}
