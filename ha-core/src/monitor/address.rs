//! The rules of monitoring addresses and probe targets (MON-5, MON-6), the same for both families where
//! nothing else is said.

use super::config::{Family, MAX_PORTS, MonitorError, MonitoredInterface};
use crate::address::is_reserved;
use crate::identity::{Designation, InterfaceId};
use core::net::IpAddr;
use ipnet::IpNet;

/// One family's settings of an interface.
#[derive(Clone, Copy)]
struct Settings {
    interface: InterfaceId,
    family: Family,
    shared: IpNet,
    link_local: Option<IpAddr>,
    addresses: [IpAddr; 2],
    management: bool,
    target: Option<IpAddr>,
}

pub(super) fn check_interface(it: &MonitoredInterface) -> Result<(), MonitorError> {
    let interface = it.interface;
    if let Some(link) = it.physical
        && !(1..=MAX_PORTS).contains(&link.ports)
    {
        return Err(MonitorError::Ports { interface, ports: link.ports });
    }
    if let Some(v4) = it.ipv4 {
        check(Settings {
            interface,
            family: Family::V4,
            shared: v4.shared.into(),
            link_local: None,
            addresses: v4.addresses.map(IpAddr::from),
            management: v4.management,
            target: v4.target.map(IpAddr::from),
        })?;
    }
    if let Some(v6) = it.ipv6 {
        if let Some(address) = v6.link_local.filter(|it| !it.is_unicast_link_local()) {
            return Err(MonitorError::NotLinkLocal { interface, address });
        }
        check(Settings {
            interface,
            family: Family::V6,
            shared: v6.shared.into(),
            link_local: v6.link_local.map(IpAddr::from),
            addresses: v6.addresses.map(IpAddr::from),
            management: v6.management,
            target: v6.target.map(IpAddr::from),
        })?;
    }
    Ok(())
}

fn check(it: Settings) -> Result<(), MonitorError> {
    let Settings { interface, family, addresses, .. } = it;
    let [primary, secondary] = addresses;
    let units = [(Designation::Primary, primary), (Designation::Secondary, secondary)];
    match units.map(|(_, address)| address.is_unspecified()) {
        [true, true] => {
            if it.management {
                return Err(MonitorError::ManagementWithoutAddress { interface, family });
            }
            // Whether the target is one is asked below.
            if let Some(target) = it.target.filter(|target| !target.is_unspecified()) {
                return Err(MonitorError::ProbeWithoutAddress { interface, family, target });
            }
        }
        [false, false] => {
            if primary == secondary {
                return Err(MonitorError::SameAddress { interface, address: primary });
            }
            for (unit, address) in units {
                check_address(&it, unit, address)?;
            }
        }
        [without, _] => {
            let missing = if without { Designation::Primary } else { Designation::Secondary };
            return Err(MonitorError::OneAddress { interface, family, missing });
        }
    }
    it.target.map_or(Ok(()), |target| check_target(&it, target))
}

fn check_address(it: &Settings, unit: Designation, address: IpAddr) -> Result<(), MonitorError> {
    let interface = it.interface;
    if it.link_local == Some(address) {
        return Err(MonitorError::LinkLocalAddress { interface, unit, address });
    }
    if it.shared.addr() == address {
        return Err(MonitorError::SharedAddress { interface, unit, address });
    }
    let subnet = it.shared.trunc();
    if !subnet.contains(&address) {
        return Err(MonitorError::OutsideSubnet { interface, unit, address, subnet });
    }
    if address.is_multicast() || is_reserved(subnet, address) {
        return Err(MonitorError::NotAHost { interface, unit, address });
    }
    Ok(())
}

fn check_target(it: &Settings, target: IpAddr) -> Result<(), MonitorError> {
    let Settings { interface, family, .. } = *it;
    if target.is_unspecified() {
        return Err(MonitorError::TargetUnspecified { interface, family });
    }
    let is_broadcast = matches!(target, IpAddr::V4(v4) if v4.is_broadcast());
    if target.is_multicast() || is_broadcast || is_reserved(it.shared.trunc(), target) {
        return Err(MonitorError::TargetNotAHost { interface, target });
    }
    let ours = [it.shared.addr()].into_iter().chain(it.addresses).chain(it.link_local);
    if ours.into_iter().any(|ours| ours == target) {
        return Err(MonitorError::TargetIsOurs { interface, target });
    }
    Ok(())
}
