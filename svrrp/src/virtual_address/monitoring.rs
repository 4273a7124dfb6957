//! What the monitoring of a node's pair must be beside virtual addresses (MON-7, MON-9).

use super::VirtualAddresses;
use core::net::IpAddr;
use ha_core::identity::{Designation, InterfaceId};
use ha_core::monitor::{MonitorConfig, Zone};
use thiserror::Error;

/// Why the monitoring of a node does not go with the virtual addresses of its cluster. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[allow(missing_docs)] // the fields are what the messages name
pub enum ClusterMonitorError {
    /// Monitoring says that an interface leads elsewhere than the table of virtual addresses does.
    #[error("{interface}: monitoring and the virtual addresses have it in different zones")]
    ZoneDiffers { interface: InterfaceId },
    /// A virtual address is a unit's own address for monitoring, too (MON-7).
    #[error("{interface}: the virtual address {address} is the {unit}'s monitoring address")]
    MonitoringAddress { interface: InterfaceId, unit: Designation, address: IpAddr },
    /// Monitoring addresses are set on WAN interfaces only, and not on this one, which has a virtual address (MON-9).
    #[error("{interface}: a WAN interface with virtual addresses needs monitoring addresses, too")]
    NoAddressOnWan { interface: InterfaceId },
}

impl VirtualAddresses {
    /// Checks the monitoring of one node's pair against the virtual addresses of the cluster.
    ///
    /// The link of every interface with virtual addresses is [monitored](Self::monitored) for the link weight,
    /// whatever stands there; [`MonitoredInterface::physical`](ha_core::monitor::MonitoredInterface::physical) says
    /// whether it counts for the pair, too. That a Standby reaches the license manager (MON-8) is checked by the
    /// monitoring's own rules.
    ///
    /// # Errors
    /// The first rule that is broken: zones, then monitoring addresses in their order, then the WAN interfaces in the
    /// order of the table.
    pub fn check_monitoring(&self, monitoring: &MonitorConfig) -> Result<(), ClusterMonitorError> {
        let zone_here = |interface| {
            let it = self.interfaces.iter().find(|it| it.interface == interface)?;
            Some(it.zone)
        };
        for it in monitoring.interfaces() {
            if zone_here(it.interface).is_some_and(|zone| zone != it.zone) {
                return Err(ClusterMonitorError::ZoneDiffers { interface: it.interface });
            }
        }
        for unit in [Designation::Primary, Designation::Secondary] {
            for (interface, address) in monitoring.addresses_of(unit) {
                if self.iter().any(|it| it.address.address() == address) {
                    return Err(ClusterMonitorError::MonitoringAddress {
                        interface,
                        unit,
                        address,
                    });
                }
            }
        }
        // Both units have one, or neither.
        let set = || monitoring.addresses_of(Designation::Primary).map(|(interface, _)| interface);
        let is_wan = |interface| {
            let it = monitoring.interfaces().iter().find(|it| it.interface == interface);
            it.is_some_and(|it| it.zone == Zone::Wan)
        };
        if set().next().is_none() || !set().all(is_wan) {
            return Ok(());
        }
        let lacking = self.monitored().filter(|it| it.zone == Zone::Wan);
        let lacking = lacking.map(|it| it.interface).find(|it| !set().any(|set| set == *it));
        lacking.map_or(Ok(()), |interface| Err(ClusterMonitorError::NoAddressOnWan { interface }))
    }
}
