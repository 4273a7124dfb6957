//! Named reasons why a unit is less fit, with an owner and possibly an end (BEY-7).

use crate::harness::{A, Answer, B, World, ms};
use crate::states::in_state;
use core::time::Duration;
use ha_core::machine::Machine as _;
use ha_core::pair::{Demotion, Event, Input, MAX_DEMOTIONS, Refusal, Role, State, Why};
use ha_core::time::Instant;

fn demotion(reason: &str) -> Demotion {
    Demotion { owner: "monitor".parse().unwrap(), reason: reason.parse().unwrap() }
}

fn settled() -> World {
    let mut world = World::new(|config| config);
    world.network.set_all(|link| link.delay = ms(1));
    world.settle();
    world.run_for(ms(53));
    world
}

/// BEY-7, CRASH-3: a demoted Active hands the role to a peer that is not, whatever the weights; with both
/// demoted nothing moves.
#[test]
fn a_demoted_active_gives_way_to_a_fit_peer() {
    let mut world = settled();
    world.input(A, Input::HealthWeight(100)).unwrap();
    world.input(A, Input::Demote { demotion: demotion("disk"), lasts: None }).unwrap();
    let took = world.run_until(ms(50), |world| world.state(B) == State::Active);
    assert_eq!(took, ms(3));
    assert_eq!(world.last_take(B).unwrap().1, Why::BetterHealth);
    world.input(B, Input::Demote { demotion: demotion("disk"), lasts: None }).unwrap();
    world.input(B, Input::HealthWeight(100)).unwrap();
    world.run_for(Duration::from_secs(1));
    assert_eq!(world.roles(), [Some(Role::Standby), Some(Role::Active)]);
}

/// BEY-7: a demoted unit takes over all the same where there is no other.
#[test]
fn a_demoted_standby_takes_over_from_a_lost_peer() {
    let mut world = settled();
    world.input(B, Input::Demote { demotion: demotion("disk"), lasts: None }).unwrap();
    world.crash(A);
    let took = world.run_until(ms(100), |world| world.state(B) == State::Active);
    assert!(took <= ms(31), "{took:?}");
}

/// BEY-7: a demotion ends when it expires or is lifted, each reason by itself; said again, its end is set
/// anew. Both are told, with the reason.
#[test]
fn a_demotion_ends_by_itself_or_when_it_is_lifted() {
    let mut world = settled();
    let begin = world.now();
    let demote = |reason, milliseconds| Input::Demote {
        demotion: demotion(reason),
        lasts: Some(ms(milliseconds)),
    };
    world.input(B, demote("disk", 100)).unwrap();
    world.input(B, demote("fan", 200)).unwrap();
    world.input(B, demote("disk", 300)).unwrap();
    world.run_for(ms(250));
    let status = world.pair(B).status(ha_core::time::Instant::ZERO);
    assert_eq!(
        status.demotions.iter().map(|it| it.demotion).collect::<Vec<_>>(),
        [demotion("disk")]
    );
    assert!(!status.health.fit);
    world.input(B, Input::Demote { demotion: demotion("psu"), lasts: None }).unwrap();
    world.run_for(ms(100));
    world.input(B, Input::Lift(demotion("psu"))).unwrap();
    assert!(world.pair(B).health().fit);
    let told: Vec<_> = world
        .events(B, begin)
        .into_iter()
        .filter_map(|event| match event {
            Event::Demoted(it) => Some((it.reason.to_string(), "begins")),
            Event::DemotionOver { demotion, expired: true } => {
                Some((demotion.reason.to_string(), "expires"))
            }
            Event::DemotionOver { demotion, expired: false } => {
                Some((demotion.reason.to_string(), "is lifted"))
            }
            _ => None,
        })
        .collect();
    let told: Vec<_> = told.iter().map(|(reason, what)| (reason.as_str(), *what)).collect();
    let expected = [
        ("disk", "begins"),
        ("fan", "begins"),
        ("fan", "expires"),
        ("psu", "begins"),
        ("disk", "expires"),
        ("psu", "is lifted"),
    ];
    assert_eq!(told, expected);
}

/// BEY-7, PAIR-16: an address that cannot be installed demotes the unit, and its peer takes over, once:
/// no preempt and no weight brings the role back to where it cannot be held, until a take succeeds.
#[test]
fn a_unit_that_cannot_take_is_demoted_and_nothing_loops() {
    let mut world = World::new(|config| config.preempt(true));
    world.network.set_all(|link| link.delay = ms(1));
    world.answer(A, "TakeAddresses", Answer::FAILS);
    world.input(A, Input::HealthWeight(9)).unwrap();
    world.run_until(ms(200), |world| world.state(B) == State::Active);
    let begin = world.now();
    world.run_for(Duration::from_secs(20));
    assert_eq!(world.roles(), [Some(Role::Standby), Some(Role::Active)]);
    assert_eq!(world.count(A, "AdoptState", begin), 0);
    let status = world.pair(A).status(ha_core::time::Instant::ZERO);
    assert_eq!(status.demotions[0].demotion, Demotion::take_failed());

    // The peer is lost: tried again, with success, and fit once more.
    world.units[A].platform.repair();
    world.crash(B);
    world.run_until(ms(100), |world| world.state(A) == State::Active);
    assert!(world.pair(A).health().fit);
}

/// BEY-7: an embedder can name so many, beside the one that the machine names itself.
#[test]
fn an_embedder_can_name_so_many() {
    let mut world = settled();
    world.answer(B, "TakeAddresses", Answer::FAILS);
    world.input(B, Input::TakeOver).unwrap();
    world.run_for(ms(100));
    assert_eq!(world.pair(B).status(Instant::ZERO).demotions.len(), 1);
    for number in 0..=MAX_DEMOTIONS {
        let demotion = demotion(&format!("r{number}"));
        let expected = if number < MAX_DEMOTIONS { Ok(()) } else { Err(Refusal::TooManyDemotions) };
        assert_eq!(world.input(B, Input::Demote { demotion, lasts: None }), expected, "{number}");
    }
}

/// BEY-7: demotions that expire at the same moment expire together.
#[test]
fn demotions_expire_together() {
    let mut unit = in_state(State::Active);
    for reason in ["disk", "fan", "psu"] {
        let lasts = Some(ms(if reason == "psu" { 90 } else { 25 }));
        unit.input(Input::Demote { demotion: demotion(reason), lasts });
    }
    unit.wait(ms(24));
    unit.now = unit.now + ms(1);
    unit.pair.handle_timeout(unit.now);
    let left = unit.pair.status(unit.now).demotions;
    assert_eq!(left.iter().map(|it| it.demotion).collect::<Vec<_>>(), [demotion("psu")]);
}
