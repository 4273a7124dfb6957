//! The private addresses of both units: on platforms that want one for every interface, each has them (COS-4).

use super::config::{ConfigError, SharedInterface};
use crate::identity::{Designation, InterfaceId};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};

/// The private IPv4 addresses of the two units on one interface: those by which each of them is reached
/// itself, whichever is Active (COS-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrivateAddress {
    /// The interface; a disabled one, or one without shared addresses, too.
    pub interface: InterfaceId,
    /// The Primary's address there. One of the local host will do.
    pub primary: Option<Ipv4Addr>,
    /// The Secondary's address there. One of the local host will do.
    pub secondary: Option<Ipv4Addr>,
}

impl PrivateAddress {
    fn of_both(&self) -> [(Designation, Option<Ipv4Addr>); 2] {
        [(Designation::Primary, self.primary), (Designation::Secondary, self.secondary)]
    }
}

/// Checks that both units have one on every interface, and each address there is theirs alone.
pub(super) fn check(all: &[PrivateAddress], shared: &[SharedInterface]) -> Result<(), ConfigError> {
    for (at, one) in all.iter().enumerate() {
        let interface = one.interface;
        if all.iter().take(at).any(|other| other.interface == interface) {
            return Err(ConfigError::PrivateAddressTwice(interface));
        }
        for (unit, address) in one.of_both() {
            let address = address.ok_or(ConfigError::NoPrivateAddress { interface, unit })?;
            if address.is_unspecified() || address.is_multicast() || address.is_broadcast() {
                return Err(ConfigError::PrivateAddressOfNoHost { interface, unit, address });
            }
        }
    }
    for SharedInterface { id: interface, .. } in shared {
        if !all.iter().any(|one| one.interface == *interface) {
            let unit = Designation::Primary;
            return Err(ConfigError::NoPrivateAddress { interface: *interface, unit });
        }
    }
    check_distinct(all, shared)
}

/// Nobody is reached at an address that two units have, unless each keeps it to itself.
fn check_distinct(all: &[PrivateAddress], shared: &[SharedInterface]) -> Result<(), ConfigError> {
    let both = all.iter().flat_map(PrivateAddress::of_both).filter_map(|(_, address)| address);
    let mut seen: Vec<_> = both.filter(|address| !address.is_loopback()).collect();
    seen.sort_unstable();
    for two in seen.windows(2) {
        if let [one, other] = two
            && one == other
        {
            return Err(ConfigError::PrivateAddressNotAlone(*one));
        }
    }
    let shared = shared.iter().flat_map(|interface| &interface.addresses);
    for address in shared.map(|address| address.address()) {
        if let IpAddr::V4(address) = address
            && seen.binary_search(&address).is_ok()
        {
            return Err(ConfigError::PrivateAddressNotAlone(address));
        }
    }
    Ok(())
}
