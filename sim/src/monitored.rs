//! What the units of a run monitor. Every weight is a power of two: so what a weight lacks says which monitors
//! take it off.

use crate::plan::Setup;
use core::net::{Ipv4Addr, Ipv6Addr};
use ha_core::identity::{InterfaceId, ServiceId};
use ha_core::monitor::{
    Ipv4Monitoring, Ipv6Monitoring, MonitorConfig, MonitoredInterface, Physical, Service,
    ServiceScope, Zone,
};

/// Above what an embedder tells of its own.
const FIRST_WEIGHT: u16 = 1 << 3;

/// Interface n has link n and target n, as far as there are so many; targets are IPv4 and IPv6 in turn. The
/// last of several services runs on the Active alone.
pub(crate) fn monitoring(setup: &Setup) -> MonitorConfig {
    let mut weights = core::iter::successors(Some(FIRST_WEIGHT), |weight| weight.checked_mul(2));
    let mut weight = || weights.next().expect("there are not so many");
    let mut config = MonitorConfig::builder()
        .probe_interval(setup.probe_interval)
        .missed_probes(setup.missed_probes);
    for number in 0..setup.links.max(setup.targets) {
        let has_target = number < setup.targets;
        config = config.interface(MonitoredInterface {
            interface: InterfaceId(number.into()),
            zone: Zone::Other,
            physical: (number < setup.links)
                .then(|| Physical { ports: setup.ports, weight: weight() }),
            ipv4: (has_target && number % 2 == 0).then(|| ipv4(number, weight())),
            ipv6: (has_target && number % 2 == 1).then(|| ipv6(number, weight())),
        });
    }
    for number in 0..setup.services {
        let is_last_of_several = number > 0 && number + 1 == setup.services;
        config = config.service(Service {
            id: ServiceId(number.into()),
            name: format!("service-{number}").parse().expect("a short word"),
            deadline: setup.deadline,
            weight: weight(),
            scope: if is_last_of_several { ServiceScope::ActiveOnly } else { ServiceScope::Both },
            restarts: setup.restarts,
            window: setup.restart_window,
        });
    }
    config.build().expect("the plan's configuration is valid")
}

fn ipv4(number: u8, weight: u16) -> Ipv4Monitoring {
    let address = |host| Ipv4Addr::new(10, 1, number, host);
    Ipv4Monitoring {
        shared: format!("{}/24", address(1)).parse().expect("a network"),
        addresses: [address(2), address(3)],
        management: false,
        target: Some(address(254)),
        weight,
    }
}

fn ipv6(number: u8, weight: u16) -> Ipv6Monitoring {
    let address = |host| Ipv6Addr::new(0xfd00, 0, 0, number.into(), 0, 0, 0, host);
    Ipv6Monitoring {
        shared: format!("{}/64", address(1)).parse().expect("a network"),
        link_local: Some(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1)),
        addresses: [address(2), address(3)],
        management: false,
        target: Some(address(0x254)),
        weight,
    }
}
