//! What heartbeats say of monitors, on the wire.

use ha_core::identity::{InterfaceId, ServiceId};
use ha_core::monitor::{
    Deduction, Family, MAX_DEDUCTIONS, MAX_TARGETS, MonitorRef, Reach, Report, TargetReport,
};
use ha_core::pair::{Heartbeat, MAX_HEARTBEAT_LEN, Product};
use ha_core::reject::Reject;
use proptest::prelude::*;

/// With the longest names.
fn heartbeat() -> Heartbeat {
    let product = Product {
        model: "m".repeat(32).parse().unwrap(),
        firmware: "f".repeat(32).parse().unwrap(),
    };
    Heartbeat {
        serial: "S".repeat(32).parse().unwrap(),
        product: Some(product),
        ..sim::harness::peer(6)
    }
}

fn deduction() -> impl Strategy<Value = Deduction> {
    let family = prop_oneof![Just(Family::V4), Just(Family::V6)];
    let monitor = prop_oneof![
        any::<u16>().prop_map(|it| MonitorRef::Link(InterfaceId(it))),
        (any::<u16>(), family).prop_map(|(it, family)| MonitorRef::Target(InterfaceId(it), family)),
        any::<u16>().prop_map(|it| MonitorRef::Service(ServiceId(it))),
        Just(MonitorRef::Others),
    ];
    (monitor, any::<u16>()).prop_map(|(monitor, weight)| Deduction { monitor, weight })
}

fn target() -> impl Strategy<Value = TargetReport> {
    let family = prop_oneof![Just(Family::V4), Just(Family::V6)];
    let reach = prop_oneof![Just(Reach::Unknown), Just(Reach::Reached), Just(Reach::Lost)];
    (any::<u16>(), family, reach, any::<u8>(), any::<u8>()).prop_map(
        |(interface, family, reach, loss, confirms)| {
            let interface = InterfaceId(interface);
            TargetReport { interface, family, reach, loss, confirms }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// CRASH-3, MON-4: what is written is read as it was, the longest report too.
    #[test]
    fn a_report_is_read_as_it_was_written(
        deductions in prop::collection::vec(deduction(), 0..=MAX_DEDUCTIONS),
        targets in prop::collection::vec(target(), 0..=MAX_TARGETS),
    ) {
        let report = Report { deductions, targets };
        let mut buf = [0; MAX_HEARTBEAT_LEN];
        let len = heartbeat().emit_with_report(&report, &mut buf).unwrap();
        let (read, said) = Heartbeat::parse_with_report(&buf[..len]).unwrap();
        prop_assert_eq!((read, said), (heartbeat(), report));
    }

    /// MON-4: whatever stands in the elements is read or refused; and what is read is written the same again.
    #[test]
    fn no_element_breaks_the_parser(
        kind in 3_u8..=4,
        value in prop::collection::vec(any::<u8>(), 0..=200),
    ) {
        let mut buf = [0; MAX_HEARTBEAT_LEN];
        let len = heartbeat().emit(&mut buf).unwrap() - 4;
        let mut bytes = buf[..len].to_vec();
        bytes.push(kind);
        bytes.push(value.len() as u8);
        bytes.extend(&value);
        bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
        match Heartbeat::parse_with_report(&bytes) {
            Ok((read, report)) => {
                let len = read.emit_with_report(&report, &mut buf).unwrap();
                // An empty element is the same as none.
                prop_assert!(value.is_empty() || buf[..len] == bytes);
            }
            Err(reject) => prop_assert_eq!(reject, Reject::Malformed { field: "element" }),
        }
    }
}

/// MON-4: an element that is there twice is refused; and a report that is too long is cut.
#[test]
fn an_element_is_there_once() {
    let entry = TargetReport {
        interface: InterfaceId(1),
        family: Family::V4,
        reach: Reach::Lost,
        loss: 1,
        confirms: 0,
    };
    let report = Report { deductions: Vec::new(), targets: vec![entry] };
    let mut buf = [0; MAX_HEARTBEAT_LEN];
    let len = heartbeat().emit_with_report(&report, &mut buf).unwrap() - 4;
    let mut bytes = buf[..len].to_vec();
    bytes.extend_from_slice(&buf[len - 7..len]);
    bytes.extend(crc32fast::hash(&bytes).to_be_bytes());
    let twice = Err(Reject::Malformed { field: "element twice" });
    assert_eq!(Heartbeat::parse(&bytes), twice.map(|()| heartbeat()));
    let report = Report { targets: vec![entry; MAX_TARGETS + 9], ..report };
    let len = heartbeat().emit_with_report(&report, &mut buf).unwrap();
    let (_, said) = Heartbeat::parse_with_report(&buf[..len]).unwrap();
    assert_eq!(said.targets.len(), MAX_TARGETS);
}
