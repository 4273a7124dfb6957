//! Crash detection (CRASH-1 to CRASH-3).

use crate::unit::{A, B, DHCP, Two, VPN, dhcp, label, seconds, vpn};
use core::time::Duration;
use ha_core::identity::ServiceId;
use ha_core::machine::ActionError;
use ha_core::monitor::{Deduction, MonitorConfig, MonitorRef, Service};
use ha_core::pair::{Event, Input, Refusal, ServiceFailure, State};

fn two() -> Two {
    Two::settled(MonitorConfig::builder().service(dhcp()).service(vpn()).build().unwrap())
}

fn failed(two: &Two, unit: usize) -> usize {
    let is_it = |event: &&Event| matches!(event, Event::ServiceFailed { service: DHCP, .. });
    two.units[unit].events.iter().filter(is_it).count()
}

/// CRASH-1: a service that misses its deadline is named as failed, and its restart asked for, once; CRASH-2: on
/// the Active the Standby takes over.
#[test]
fn a_service_that_misses_its_deadline_is_named_and_restarted() {
    let mut two = two();
    two.units[A].works.retain(|service| *service != DHCP);
    two.run(Duration::from_millis(1900));
    assert_eq!((failed(&two, A), two.takes()), (0, 0), "not before its deadline");
    two.run(seconds(2));
    let why = ServiceFailure::Overdue;
    let named = Event::ServiceFailed { service: DHCP, name: label("dhcp"), why };
    assert!(two.units[A].events.contains(&named));
    assert_eq!(two.units[A].restarts.iter().map(|(_, it)| *it).collect::<Vec<_>>(), [DHCP]);
    assert_eq!(two.states(), [State::Standby, State::Active]);
    let lost = vec![Deduction { monitor: MonitorRef::Service(DHCP), weight: 7 }];
    assert_eq!(two.status(B).peer.unwrap().deductions, lost);
}

/// STA-2, CRASH-1: a failure is told with how it is known, and a weight that changes with what takes how much.
#[test]
fn a_failure_and_its_weight_are_told_with_their_causes() {
    let mut two = two();
    two.input(A, Input::ServiceFailed(DHCP)).unwrap();
    two.input(A, Input::ServiceAlive(DHCP)).unwrap();
    two.run(seconds(11));
    two.input(A, Input::HealthWeight(3)).unwrap();
    let told = two.units[A].events.iter().filter(|event| {
        matches!(
            event,
            Event::ServiceFailed { why: ServiceFailure::Told, .. } | Event::WeightChanged { .. }
        )
    });
    let words: Vec<_> = told.map(ToString::to_string).collect();
    let expected = [
        "service dhcp has failed: a check found that it does not work",
        "health weight 9993, was 10000; service 1 takes 7",
        "health weight 10000, was 9993; service 1 gives 7 back",
        "health weight 10003, was 10000; the embedder said so",
    ];
    assert_eq!(words, expected);
}

/// CRASH-2: when it works again the unit is a healthy Standby, and stays one.
#[test]
fn a_service_that_recovers_makes_a_healthy_standby() {
    let mut two = two();
    two.units[A].works.retain(|service| *service != DHCP);
    two.run(seconds(4));
    let now = two.now;
    two.units[A].restarted(now, Ok(()));
    two.units[A].works.push(DHCP);
    two.run(seconds(30));
    assert!(two.status(A).deductions.is_empty());
    assert_eq!(two.states(), [State::Standby, State::Active]);
    assert_eq!(two.takes(), 1);
}

/// CRASH-3, L2: the same fault on both, one after the other, and restarts that repair it: the role moves once and
/// not back, since who is not Active has to show for ten seconds that its service works again.
#[test]
fn a_repair_does_not_bring_the_role_back() {
    let mut two = two();
    two.input(A, Input::ServiceFailed(DHCP)).unwrap();
    assert_eq!(two.states(), [State::Standby, State::Active]);
    two.input(A, Input::ServiceAlive(DHCP)).unwrap();
    assert_eq!(two.lacks(), [7, 0]);
    assert!(!two.status(A).services[0].failed, "it works again, and does not count yet");
    two.run(Duration::from_millis(700));
    two.input(B, Input::ServiceFailed(DHCP)).unwrap();
    two.run(Duration::from_millis(100));
    assert_eq!(two.lacks(), [7, 7]);
    two.input(B, Input::ServiceAlive(DHCP)).unwrap();
    assert_eq!(two.lacks(), [7, 0], "for the Active it counts at once");
    two.run(Duration::from_millis(9100));
    assert_eq!(two.lacks(), [7, 0]);
    // It reports once a second.
    two.run(Duration::from_millis(1200));
    assert_eq!((two.lacks(), two.takes()), ([0, 0], 1));
}

/// CRASH-3: one report proves nothing: it has to report still when the time is over.
#[test]
fn a_service_that_reports_once_has_not_shown_that_it_works() {
    let slow = Service { deadline: seconds(60), ..dhcp() };
    let mut two = Two::settled(MonitorConfig::builder().service(slow).build().unwrap());
    two.units[B].works.clear();
    two.input(B, Input::ServiceFailed(DHCP)).unwrap();
    two.input(B, Input::ServiceAlive(DHCP)).unwrap();
    two.run(seconds(30));
    assert_eq!(two.lacks(), [0, 7]);
    two.input(B, Input::ServiceAlive(DHCP)).unwrap();
    assert_eq!(two.lacks(), [0, 0]);
}

/// CRASH-1: a check that finds a service not working again and again uses no restarts up: each has its deadline.
#[test]
fn a_failure_that_is_told_often_is_one_failure() {
    let mut two = two();
    two.units[A].works.clear();
    for _ in 0..150 {
        two.input(A, Input::ServiceFailed(DHCP)).unwrap();
        let now = two.now;
        while !two.units[A].restarts.is_empty() {
            two.units[A].restarted(now, Ok(()));
        }
        two.run(Duration::from_millis(10));
    }
    let status = two.status(A).services[0];
    assert_eq!((status.restarts, status.given_up), (1, false));
}

/// CRASH-4: a unit that hiccups again and again still finds what has failed.
#[test]
fn hiccups_do_not_blind_it() {
    let mut two = two();
    two.units[A].works.retain(|service| *service != DHCP);
    for _ in 0..5 {
        two.run(Duration::from_millis(1400));
        two.now = two.now + Duration::from_millis(250);
    }
    two.run(Duration::from_millis(100));
    assert_eq!(failed(&two, A), 1);
}

/// CRASH-3: a Standby that has just started does not know yet whether its services work: that counts against it.
#[test]
fn a_service_that_has_not_reported_yet_makes_no_standby_fitter() {
    let mut two = two();
    for unit in [B, A] {
        two.units[unit].works.clear();
        two.input(unit, Input::ServiceFailed(DHCP)).unwrap();
    }
    two.restart(B);
    two.units[B].works.clear();
    two.run(seconds(1));
    assert_eq!((two.lacks(), two.takes()), ([7, 7], 0));
    two.input(B, Input::ServiceAlive(DHCP)).unwrap();
    two.run(seconds(1));
    assert_eq!(two.states(), [State::Standby, State::Active]);
}

/// CRASH-3, L2: failed on both, in either order: one change at the most.
#[test]
fn the_same_failure_on_both_moves_the_role_once_at_the_most() {
    for (first, takes) in [(A, 1), (B, 0)] {
        let mut two = two();
        two.input(first, Input::ServiceFailed(DHCP)).unwrap();
        two.run(Duration::from_millis(500));
        two.input(1 - first, Input::ServiceFailed(DHCP)).unwrap();
        for unit in [A, B] {
            two.units[unit].works.retain(|service| *service != DHCP);
        }
        two.run(seconds(60));
        assert_eq!(two.takes(), takes);
    }
}

/// CRASH-1: one that fails again and again is restarted so often as it is configured, and then given up, and
/// that is told. It counts again when it reports, or when an administrator tries again.
#[test]
fn a_service_is_not_restarted_without_end() {
    let mut two = two();
    two.units[A].works.retain(|service| *service != DHCP);
    let mut restarts = 0;
    for _ in 0..100 {
        two.run(seconds(1));
        while !two.units[A].restarts.is_empty() {
            restarts += 1;
            let now = two.now;
            two.units[A].restarted(now, Ok(()));
        }
    }
    assert_eq!(restarts, 2);
    let given_up = Event::ServiceGivenUp { service: DHCP, name: label("dhcp") };
    assert_eq!(two.units[A].events.iter().filter(|event| **event == given_up).count(), 1);
    assert!(two.status(A).services[0].given_up);
    two.input(A, Input::RetryService(DHCP)).unwrap();
    assert_eq!(two.units[A].restarts.len(), 1, "another try");
    two.input(A, Input::ServiceAlive(DHCP)).unwrap();
    let status = two.status(A).services[0];
    assert!(!status.failed && !status.given_up);
}

/// CRASH-1: a restart that fails is tried again when the deadline has passed, as long as there are tries left; and
/// never two at a time.
#[test]
fn a_restart_that_fails_is_tried_again() {
    let mut two = two();
    two.units[A].works.retain(|service| *service != DHCP);
    two.run(seconds(30));
    assert_eq!(two.units[A].restarts.len(), 1, "one at a time");
    let now = two.now;
    two.units[A].restarted(now, Err(ActionError::Failed));
    two.run(Duration::from_millis(2100));
    assert_eq!(two.units[A].restarts.len(), 1, "the second try");
    let told = two.units[A]
        .events
        .iter()
        .any(|event| matches!(event, Event::ActionFailed { action: "RestartService", .. }));
    assert!(told);
}

/// CRASH-3: a service that runs on the Active alone does not enter the comparison: its failure is named and its
/// restart asked for, and the role stays. On the Standby it is not expected to report.
#[test]
fn a_service_of_the_active_alone_moves_nothing() {
    let mut two = two();
    two.units.iter_mut().for_each(|unit| unit.works.retain(|service| *service != VPN));
    two.run(seconds(10));
    assert_eq!(two.takes(), 0);
    assert_eq!(two.units[A].restarts.iter().map(|(_, it)| *it).collect::<Vec<_>>(), [VPN]);
    assert!(two.units[B].restarts.is_empty());
    assert_eq!(two.lacks(), [0, 0]);
}

/// CRASH-1: one that reports a thousand times within each deadline, for a long while, costs nothing and changes
/// nothing: no event, no restart, no heartbeat more than without it. And it saves nothing up: its deadline runs
/// from its last report.
#[test]
fn a_service_that_reports_too_often_changes_nothing() {
    let often = Duration::from_millis(2);
    let long = 30_000;
    let sent = |two: &Two| two.units[A].pair.counters().tally.heartbeats_sent;
    let run = |reports: bool| {
        let mut two = two();
        let (before, sent_before) = (two.status(A), sent(&two));
        for turn in 1..=long {
            two.wait(often);
            for unit in [A, B] {
                // The other ones report as often as they have to.
                for service in [DHCP, VPN] {
                    if reports && service == DHCP || turn % 500 == 0 {
                        two.input(unit, Input::ServiceAlive(service)).unwrap();
                    }
                }
            }
        }
        let after = two.status(A);
        assert_eq!((after.health, after.services), (before.health, before.services));
        assert!(two.units.iter().all(|unit| unit.events.is_empty() && unit.restarts.is_empty()));
        let sent = sent(&two) - sent_before;
        (two, sent)
    };
    let (_, without) = run(false);
    let (mut two, with) = run(true);
    assert_eq!(with, without, "heartbeats in a minute");

    (1..1000).for_each(|_| two.wait(often));
    assert_eq!((failed(&two, A), failed(&two, B)), (0, 0), "not before its deadline");
    two.wait(often);
    assert_eq!((failed(&two, A), failed(&two, B)), (1, 1), "a deadline after the last report");
}

/// CRASH-1: what is not watched is refused, and what has not failed needs no other try.
#[test]
fn unknown_services_are_refused() {
    let mut two = two();
    let nine = ServiceId(9);
    for input in [Input::ServiceAlive(nine), Input::ServiceFailed(nine), Input::RetryService(nine)]
    {
        assert_eq!(two.input(A, input), Err(Refusal::NoSuchService(nine)));
    }
    assert_eq!(two.input(A, Input::RetryService(DHCP)), Err(Refusal::NotFailed(DHCP)));
}

/// CRASH-4: reports of the time in which the unit did nothing were not heard: no service has failed by that.
#[test]
fn a_stall_fails_no_service() {
    let mut two = two();
    two.now = two.now + seconds(30);
    two.run(Duration::from_millis(100));
    assert_eq!([failed(&two, A), failed(&two, B)], [0, 0]);
}

/// CRASH-4: nor does a time that is too short for the role: reports that waited are handed in before time is judged.
#[test]
fn a_unit_that_hung_gives_its_services_another_deadline() {
    let short = Service { deadline: Duration::from_millis(1000), ..dhcp() };
    let mut two = Two::settled(MonitorConfig::builder().service(short).build().unwrap());
    two.units[A].works.clear();
    two.input(A, Input::ServiceAlive(DHCP)).unwrap();
    two.run(Duration::from_millis(850));
    two.now = two.now + Duration::from_millis(250);
    two.run(Duration::from_millis(50));
    assert_eq!(failed(&two, A), 0);
    two.run(Duration::from_millis(1000));
    assert_eq!(failed(&two, A), 1);
}

/// CRASH-1: a restart that is never answered ends after two minutes: then another one is asked for.
#[test]
fn a_restart_that_is_never_answered_ends() {
    let mut two = two();
    two.units[A].works.retain(|service| *service != DHCP);
    two.run(seconds(119));
    assert_eq!(two.units[A].restarts.len(), 1);
    two.run(seconds(8));
    assert_eq!(two.units[A].restarts.len(), 2);
}

/// CRASH-1, PAIR-6: the deadline of a service of the Active runs from the take, also if nothing else happens any
/// more.
#[test]
fn a_service_of_the_active_has_its_deadline_from_the_take() {
    let mut two = Two::settled(MonitorConfig::builder().service(vpn()).build().unwrap());
    two.units.iter_mut().for_each(|unit| unit.works.clear());
    two.cut = true;
    two.run(seconds(4));
    assert_eq!(two.states(), [State::Active, State::Active]);
    assert_eq!(two.units[B].restarts.iter().map(|(_, it)| *it).collect::<Vec<_>>(), [VPN]);
}

/// CRASH-1: an administrator's retry asks for a restart also where the last one was never answered.
#[test]
fn a_retry_does_not_wait_for_a_restart_that_is_never_answered() {
    let mut two = two();
    two.input(A, Input::ServiceFailed(DHCP)).unwrap();
    assert_eq!(two.units[A].restarts.len(), 1);
    two.input(A, Input::RetryService(DHCP)).unwrap();
    assert_eq!(two.units[A].restarts.len(), 2);
}
