//! Physical monitoring (MON-1, MON-2).

use crate::unit::{A, B, LAN, Two, WAN, lan, monitors, seconds};
use core::time::Duration;
use ha_core::identity::InterfaceId;
use ha_core::monitor::{Deduction, MonitorConfig, MonitorRef};
use ha_core::pair::{Event, Input, MonitoredLinks, Refusal, State, Why};

fn link(interface: InterfaceId, port: u8, up: bool) -> Input {
    Input::Link { interface, port, up }
}

/// MON-2: a monitored link that is down on the Active and up on the Standby moves the role, at once: no
/// heartbeat is waited for.
#[test]
fn a_link_that_is_down_on_the_active_moves_the_role_at_once() {
    let mut two = Two::settled(monitors().build().unwrap());
    let begin = two.now;
    two.input(A, link(LAN, 0, false)).unwrap();
    assert_eq!(two.states(), [State::Standby, State::Active]);
    assert_eq!(two.now, begin);
    assert_eq!(two.status(B).decision.why, Why::BetterHealth);
    assert_eq!(two.lacks(), [5, 0]);
    let lost = vec![Deduction { monitor: MonitorRef::Link(LAN), weight: 5 }];
    assert_eq!(two.status(A).deductions, lost);
    assert_eq!(two.status(B).peer.unwrap().deductions, lost, "the peer knows why");
}

/// MON-2, CRASH-3, L2: down on both, in either order: one change at the most, and none where the Standby
/// lost it first.
#[test]
fn a_link_that_is_down_on_both_moves_nothing() {
    for (first, takes) in [(A, 1), (B, 0)] {
        let mut two = Two::settled(monitors().build().unwrap());
        two.input(first, link(LAN, 0, false)).unwrap();
        two.run(Duration::from_millis(300));
        two.input(1 - first, link(LAN, 0, false)).unwrap();
        two.run(seconds(10));
        assert_eq!(two.lacks(), [5, 5]);
        assert_eq!(two.takes(), takes, "{first} lost it first");
    }
}

/// MON-2, L2: a switch restarts: its link goes down at both, one after the other, and comes up again likewise. The role
/// moves once, and not back.
#[test]
fn a_link_that_comes_back_does_not_bring_the_role_back() {
    let mut two = Two::settled(monitors().build().unwrap());
    for round in 1..=5 {
        for up in [false, true] {
            for unit in [A, B] {
                two.input(unit, link(LAN, 0, up)).unwrap();
                two.run(Duration::from_millis(300));
            }
            two.run(seconds(2));
        }
        two.run(seconds(20));
        assert_eq!((two.lacks(), two.takes()), ([0, 0], 1), "round {round}");
    }
}

/// MON-1: an interface with redundant ports is up as long as one of them is, and counts once.
#[test]
fn redundant_ports_count_as_one_interface() {
    let mut two = Two::settled(monitors().build().unwrap());
    two.input(A, link(WAN, 0, false)).unwrap();
    assert_eq!(two.lacks(), [0, 0]);
    let status = two.status(A).links[0];
    assert_eq!((status.up, status.ports_up, status.ports), (Some(true), 1, 2));
    two.input(A, link(WAN, 1, false)).unwrap();
    assert_eq!(two.lacks(), [10, 0]);
    assert_eq!(two.states(), [State::Standby, State::Active]);
    two.input(A, link(WAN, 0, true)).unwrap();
    assert_eq!(two.lacks(), [10, 0], "it has to stay up for a while");
    two.run(seconds(10));
    assert_eq!(two.lacks(), [0, 0]);
    assert_eq!(two.states(), [State::Standby, State::Active], "equal: it stays where it is");
}

/// MON-1, STA-2: each change is told once, however often it is reported.
#[test]
fn a_change_is_told_once() {
    let mut two = Two::settled(monitors().build().unwrap());
    for _ in 0..1000 {
        two.input(A, link(LAN, 0, false)).unwrap();
    }
    let told = two.units[A]
        .events
        .iter()
        .filter(|event| matches!(event, Event::Link { interface: LAN, up: false }));
    assert_eq!(told.count(), 1);
}

/// MON-2: the Standby has to know that its link is up: a start of it, with the same fault as the Active, moves
/// nothing. The Active keeps what nothing was told of.
#[test]
fn what_a_standby_does_not_know_counts_against_it() {
    let mut two = Two::settled(monitors().build().unwrap());
    two.input(B, link(LAN, 0, false)).unwrap();
    two.input(A, link(LAN, 0, false)).unwrap();
    assert_eq!((two.lacks(), two.takes()), ([5, 5], 0));
    two.restart_untold(B);
    two.run(seconds(1));
    assert_eq!(two.lacks(), [5, 15], "neither the LAN nor the WAN is known to be up");
    assert_eq!(two.states(), [State::Active, State::Standby]);
    two.input(B, link(WAN, 1, true)).unwrap();
    two.input(B, link(LAN, 0, false)).unwrap();
    two.run(seconds(1));
    assert_eq!((two.lacks(), two.takes()), ([5, 5], 0));

    // Nothing was told to either of its start, and it is alone: it is Active, and lacks nothing.
    let mut two =
        Two::new([(); 2].map(|()| MonitorConfig::builder().interface(lan()).build().unwrap()));
    two.run(seconds(2));
    assert_eq!(two.states(), [State::Active, State::Standby]);
    assert_eq!(two.lacks(), [0, 5]);
    assert_eq!(two.status(A).links[0].up, None);
}

/// CRASH-3: a monitor that only one of the units has yet makes neither fitter by being there.
#[test]
fn a_monitor_that_only_one_unit_has_moves_nothing_by_itself() {
    let more = monitors().build().unwrap();
    let less = MonitorConfig::builder().build().unwrap();
    for configs in [[more.clone(), less.clone()], [less, more]] {
        let mut two = Two::new(configs);
        two.links_up(A);
        two.links_up(B);
        two.run(seconds(20));
        assert_eq!((two.lacks(), two.states()), ([0, 0], [State::Active, State::Standby]));
    }
}

/// MON-1: what is not configured is refused, and changes nothing.
#[test]
fn unknown_interfaces_and_ports_are_refused() {
    let mut two = Two::settled(monitors().build().unwrap());
    let before = two.status(A);
    let nine = InterfaceId(9);
    assert_eq!(two.input(A, link(nine, 0, false)), Err(Refusal::NotMonitored(nine)));
    for port in [1, 7, 8, 200, 255] {
        let refused = Err(Refusal::NoSuchPort { interface: LAN, port });
        assert_eq!(two.input(A, link(LAN, port, false)), refused);
    }
    let counted = Input::MonitoredLinks(MonitoredLinks { configured: 1, up: 0 });
    assert_eq!(two.input(A, counted), Err(Refusal::LinksAreConfigured));
    // There would be no room left for what the monitors come to.
    let heavy = Input::HealthWeight(55_536);
    assert_eq!(two.input(A, heavy), Err(Refusal::HealthWeight(55_536)));
    assert_eq!(two.status(A), before);
}

/// BEY-3: a unit that hears nobody and whose monitored links are all down gives the role up, and takes it
/// again when one is back.
#[test]
fn a_unit_without_peer_and_links_is_isolated() {
    let mut two = Two::settled(MonitorConfig::builder().interface(lan()).build().unwrap());
    two.cut = true;
    two.run(seconds(1));
    assert_eq!(two.states(), [State::Active, State::Active]);
    two.input(A, link(LAN, 0, false)).unwrap();
    assert_eq!(two.states(), [State::Standby, State::Active]);
    two.input(A, link(LAN, 0, true)).unwrap();
    assert_eq!(two.states(), [State::Active, State::Active]);
}
