//! Link weights, from a port to a node (VG-2 to VG-4, VG-6, MON-9).

use core::time::Duration;
use ha_core::identity::InterfaceId;
use ha_core::monitor::Zone;
use ha_core::time::Instant;
use proptest::prelude::*;
use svrrp::LinkWeight;
use svrrp::identity::GroupNumber::{self, Four, One, Three, Two};
use svrrp::link_weight::{
    HeldWeight, LinkError, RestoreHold, RestoreHoldError, UnitLinks, node_weight,
};
use svrrp::virtual_address::{VirtualAddresses, VirtualAddressesBuilder, VirtualInterface};

const LAN: InterfaceId = InterfaceId(0);
const WAN: InterfaceId = InterfaceId(1);
const DMZ: InterfaceId = InterfaceId(2);
const UNUSED: InterfaceId = InterfaceId(3);

/// LAN and WAN have addresses in VG 1 and VG 2, the LAN two of them; the DMZ, of two ports, in VG 1 only.
fn addresses() -> VirtualAddressesBuilder {
    let interface = |interface, ports| VirtualInterface { interface, zone: Zone::Other, ports };
    let address = |text: &str| text.parse().unwrap();
    VirtualAddresses::builder()
        .groups(3)
        .interface(interface(LAN, 1))
        .interface(interface(WAN, 1))
        .interface(interface(DMZ, 2))
        .interface(interface(UNUSED, 1))
        .address(LAN, One, address("192.168.1.1/24"))
        .address(LAN, One, address("2001:db8::1/64"))
        .address(WAN, One, address("192.0.2.1/24"))
        .address(DMZ, One, address("10.0.0.1/24"))
        .address(LAN, Two, address("192.168.1.2/24"))
        .address(WAN, Two, address("192.0.2.2/24"))
}

fn links() -> UnitLinks {
    UnitLinks::new(&addresses().build().unwrap())
}

fn weights(links: &UnitLinks) -> [u16; 4] {
    links.weights().map(|it| it.0)
}

/// VG-2: each interface that is up counts once for each group in which it has addresses; a link of which nothing is
/// known counts as down.
#[test]
fn interfaces_that_are_up_are_counted() {
    let mut links = links();
    assert_eq!(weights(&links), [0; 4]);
    assert_eq!(links.report(LAN, 0, true), Ok(true));
    assert_eq!(weights(&links), [1, 1, 0, 0]);
    assert_eq!(links.report(WAN, 0, true), Ok(true));
    assert_eq!(links.report(DMZ, 0, true), Ok(true));
    assert_eq!(weights(&links), [3, 2, 0, 0]);
    assert_eq!(links.report(LAN, 0, true), Ok(false), "that is no news");
    assert_eq!(links.report(LAN, 0, false), Ok(true));
    assert_eq!(weights(&links), [2, 1, 0, 0]);
    assert_eq!((links.weight(Three), links.weight(Four)), (LinkWeight(0), LinkWeight(0)));
}

/// VG-3: a redundant port stands in for the other one: the interface is up while either is, and counts once.
#[test]
fn a_redundant_port_stands_in() {
    let mut links = links();
    for (port, up, changed, weight) in [
        (0, false, false, 0),
        (1, true, true, 1),
        (0, true, false, 1),
        (1, false, false, 1),
        (0, false, true, 0),
        (1, true, true, 1),
    ] {
        assert_eq!(links.report(DMZ, port, up), Ok(changed));
        assert_eq!(links.weight(One).0, weight);
        assert_eq!(links.is_up(DMZ), Some(weight == 1));
    }
}

/// MON-9: the links that count are those of interfaces with virtual addresses, and no others.
#[test]
fn other_links_are_refused() {
    let mut links = links();
    let before = links.clone();
    assert_eq!(links.report(UNUSED, 0, true), Err(LinkError::NotMonitored(UNUSED)));
    let refused = LinkError::NoSuchPort { interface: DMZ, port: 2 };
    assert_eq!(links.report(DMZ, 2, true), Err(refused));
    assert_eq!(
        links.report(LAN, 255, true).unwrap_err().to_string(),
        "interface 0 has no port 255"
    );
    assert_eq!(links, before);
    assert_eq!(links.is_up(UNUSED), None);
}

/// VG-2: after a change of the addresses what is known of a link stays.
#[test]
fn other_addresses_do_not_forget_a_link() {
    let mut links = links();
    links.report(LAN, 0, true).unwrap();
    links.report(DMZ, 1, true).unwrap();
    let with_third = addresses().address(LAN, Three, "192.168.1.3/24".parse().unwrap());
    links.set_addresses(&with_third.build().unwrap());
    assert_eq!(weights(&links), [2, 1, 1, 0]);
    let alone = VirtualAddresses::builder()
        .interface(VirtualInterface { interface: DMZ, zone: Zone::Other, ports: 1 })
        .address(DMZ, One, "10.0.0.1/24".parse().unwrap());
    links.set_addresses(&alone.build().unwrap());
    assert_eq!(weights(&links), [0; 4], "it has another number of ports now");
}

/// VG-6: a node's weight is that of its best unit that can be active; without such a unit it has none.
#[test]
fn the_best_unit_that_can_be_active_counts() {
    let weight = |units: &[(bool, u16)]| {
        node_weight(units.iter().map(|(can, weight)| (*can, LinkWeight(*weight)))).map(|it| it.0)
    };
    assert_eq!(weight(&[(true, 2), (true, 3)]), Some(3));
    assert_eq!(weight(&[(true, 2), (false, 3)]), Some(2));
    assert_eq!(weight(&[(true, 0)]), Some(0));
    assert_eq!(weight(&[(false, 2), (false, 3)]), None);
    assert_eq!(weight(&[]), None);
}

fn at(seconds: u64) -> Instant {
    Instant::from_millis(seconds * 1000)
}

/// The weights that count after each step, a moment in seconds and the weight from then on.
fn held(steps: &[(u64, u16)]) -> Vec<u16> {
    let mut it = HeldWeight::new(RestoreHold::default());
    let update = |(second, raw): &(u64, u16)| {
        it.update(at(*second), LinkWeight(*raw));
        it.weight().0
    };
    steps.iter().map(update).collect()
}

/// VG-4: a rise counts after ten seconds, a drop at once.
#[test]
fn a_rise_waits_and_a_drop_does_not() {
    assert_eq!(
        held(&[(0, 3), (9, 3), (10, 3), (20, 2), (21, 3), (30, 3), (31, 3)]),
        [0, 0, 3, 2, 2, 2, 3]
    );
}

/// VG-4: a link that goes up and down all the time never counts, and keeps no other one from counting.
#[test]
fn a_flapping_link_never_counts() {
    let flaps: Vec<_> = (0..40).map(|second| (second, 4 + (second % 2) as u16)).collect();
    let weights = held(&flaps);
    assert_eq!(weights[..10], [0; 10]);
    assert_eq!(weights[10..], [4; 30]);
}

/// VG-4: each rise has an end of its own; a part that is lost again does not count.
#[test]
fn several_rises_wait_each_for_itself() {
    let mut it = HeldWeight::new(RestoreHold::default());
    it.update(at(0), LinkWeight(2));
    assert_eq!(it.next(), Some(at(10)));
    it.update(at(5), LinkWeight(6));
    it.update(at(7), LinkWeight(4));
    assert_eq!((it.weight(), it.next()), (LinkWeight(0), Some(at(10))));
    it.update(at(10), LinkWeight(4));
    assert_eq!((it.weight(), it.next()), (LinkWeight(2), Some(at(15))));
    it.update(at(15), LinkWeight(4));
    assert_eq!((it.weight(), it.next()), (LinkWeight(4), None));
}

/// VG-4: at a start with nobody there what waits can count at once.
#[test]
fn a_start_alone_need_not_wait() {
    let mut it = HeldWeight::new(RestoreHold::default());
    it.settle();
    assert_eq!(it.weight(), LinkWeight(0));
    it.update(at(0), LinkWeight(2));
    it.update(at(1), LinkWeight(3));
    it.settle();
    assert_eq!((it.weight(), it.next()), (LinkWeight(3), None));
}

/// VG-4: the hold is configurable, 0 s to 1 h; without one a rise counts at once.
#[test]
fn the_hold_is_configurable() {
    assert_eq!(RestoreHold::default().get(), Duration::from_secs(10));
    assert!(RestoreHold::new(Duration::from_secs(3600)).is_ok());
    let long = Duration::from_millis(3_600_001);
    assert_eq!(RestoreHold::new(long), Err(RestoreHoldError(long)));
    let mut it = HeldWeight::new(RestoreHold::new(Duration::ZERO).unwrap());
    for raw in [3, 5, 1, 2] {
        it.update(at(1), LinkWeight(raw));
        assert_eq!((it.weight(), it.next()), (LinkWeight(raw), None));
    }
}

proptest! {
    /// VG-4: what counts is the lowest weight of the last hold: exactly, if few rises wait, and never more than that.
    #[test]
    fn what_counts_is_the_lowest_of_the_hold(
        steps in prop::collection::vec((0_u64..6, 0_u16..30), 1..40),
        few in any::<bool>(),
    ) {
        let hold = RestoreHold::default();
        let mut it = HeldWeight::new(hold);
        let mut said = vec![(at(0), 0)];
        let mut now = at(100);
        for (pause, raw) in steps {
            now = now + Duration::from_secs(pause);
            let raw = if few { raw % 7 } else { raw };
            it.update(now, LinkWeight(raw));
            said.push((now, raw));
            // What was said last when the hold began, and all that was said since.
            let begin = said.iter().rposition(|(when, _)| *when + hold.get() <= now).unwrap();
            let lowest = said[begin..].iter().map(|(_, raw)| *raw).min().unwrap();
            if few {
                prop_assert_eq!(it.weight().0, lowest, "{:?}", said);
            } else {
                prop_assert!(it.weight().0 <= lowest, "{:?}", said);
            }
            prop_assert!(it.next().is_none_or(|next| next > now && next <= now + hold.get()));
            prop_assert_eq!(it.next().is_some(), it.weight().0 < raw, "what waits has an end");
        }
    }

    /// VG-2, VG-3: no order of reports changes what they come to.
    #[test]
    fn a_weight_depends_on_the_last_report_of_each_port(
        reports in prop::collection::vec((0_u16..3, 0_u8..2, any::<bool>()), 0..40),
    ) {
        let mut links = links();
        let mut last = [[false; 2]; 3];
        for (interface, port, up) in reports {
            if links.report(InterfaceId(interface), port, up).is_ok() {
                last[usize::from(interface)][usize::from(port)] = up;
            }
        }
        let count = |group: GroupNumber| {
            let member = |at: usize| group == One || at < 2;
            last.iter().enumerate().filter(|(at, ports)| member(*at) && ports.contains(&true)).count()
        };
        prop_assert_eq!(usize::from(links.weight(One).0), count(One));
        prop_assert_eq!(usize::from(links.weight(Two).0), count(Two));
    }
}
