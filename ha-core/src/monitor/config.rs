//! What is monitored, checked rule by rule: a [`MonitorConfig`] exists only if it is valid.

use super::address::check_interface;
use crate::identity::{InterfaceId, Label, ServiceId};
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::ops::RangeInclusive;
use core::time::Duration;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use thiserror::Error;

use crate::identity::Designation;

/// The shortest and the longest probe interval: 5 s to 255 s (MON-3).
pub const PROBE_INTERVAL_RANGE: RangeInclusive<Duration> =
    Duration::from_secs(5)..=Duration::from_secs(255);
/// How many missed probes can declare a target lost: 1 to 10 (our decision).
pub const MISSED_PROBES_RANGE: RangeInclusive<u8> = 1..=10;
/// The most interfaces that are monitored (our decision).
pub const MAX_MONITORED: usize = 64;
/// The most probe targets, IPv4 and IPv6 together: all of them fit into a heartbeat (our decision).
pub const MAX_TARGETS: usize = 32;
/// The most services that are watched (our decision).
pub const MAX_SERVICES: usize = 64;
/// The most redundant ports of an interface (our decision).
pub const MAX_PORTS: u8 = 8;
/// The shortest and the longest deadline of a service: 10 ms to 1 h (our decision).
pub const DEADLINE_RANGE: RangeInclusive<Duration> =
    Duration::from_millis(10)..=Duration::from_secs(3600);

/// Where an interface leads to, as far as monitoring asks for it (MON-8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "lowercase")
)]
pub enum Zone {
    /// The LAN interface by which a Standby without an address on a WAN reaches the license manager.
    X0,
    /// A wide area network.
    Wan,
    /// Any other.
    Other,
}

/// An interface that is monitored, physically, logically, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonitoredInterface {
    /// Which one; the same number on both units.
    pub interface: InterfaceId,
    /// Where it leads to.
    pub zone: Zone,
    /// Its link is monitored (MON-1). It counts for IPv4 and IPv6 alike, as its virtual MAC address does
    /// (MON-5).
    pub physical: Option<Physical>,
    /// The IPv4 addresses for monitoring.
    pub ipv4: Option<Ipv4Monitoring>,
    /// The IPv6 addresses for monitoring.
    pub ipv6: Option<Ipv6Monitoring>,
}

/// How a link is monitored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Physical {
    /// How many redundant ports it has, 1 to 8: as long as one of them is up, the interface is.
    pub ports: u8,
    /// How much of the health weight is lost with it.
    pub weight: u16,
}

/// The addresses of each unit on an interface, and what is probed from them, in IPv4 (MON-3, MON-6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Monitoring {
    /// The address that the interface shares, with its prefix length.
    pub shared: Ipv4Net,
    /// The addresses of the Primary and of the Secondary. 0.0.0.0 on both means that the units have no
    /// addresses of their own there (PPPoE unnumbered).
    pub addresses: [Ipv4Addr; 2],
    /// Each unit can be managed by its address. Then it needs one.
    pub management: bool,
    /// What is probed.
    pub target: Option<Ipv4Addr>,
    /// How much of the health weight is lost with the target.
    pub weight: u16,
}

/// The same in IPv6 (MON-5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6Monitoring {
    /// The global address that the interface shares, with its prefix length.
    pub shared: Ipv6Net,
    /// The link-local address that the interface shares, if it is known: a virtual MAC address has one that
    /// moves with it; without one each unit has its own.
    pub link_local: Option<Ipv6Addr>,
    /// The addresses of the Primary and of the Secondary; `::` on both for none.
    pub addresses: [Ipv6Addr; 2],
    /// Each unit can be managed by its address. Then it needs one.
    pub management: bool,
    /// What is probed.
    pub target: Option<Ipv6Addr>,
    /// How much of the health weight is lost with the target.
    pub weight: u16,
}

/// On which units a service runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case")
)]
pub enum ServiceScope {
    /// On both: its failure makes a unit less fit (CRASH-2).
    Both,
    /// Only on the Active. Since the Standby cannot show that it would run there, its failure does not move
    /// the role (CRASH-3): it is named, and its restart asked for.
    ActiveOnly,
}

/// A critical service (CRASH-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// Its number; the same on both units.
    pub id: ServiceId,
    /// What a person calls it.
    pub name: Label,
    /// It has failed if it does not report for so long: 10 ms to 1 h.
    pub deadline: Duration,
    /// How much of the health weight is lost with it; of no meaning unless it runs on both units.
    pub weight: u16,
    /// Where it runs.
    pub scope: ServiceScope,
    /// Its restart is asked for so often at the most within the window; with 0 never. After that it is
    /// given up until it reports again, or an administrator asks for another try (our decision).
    pub restarts: u8,
    /// That window: longer than 0.
    pub window: Duration,
}

/// Which of the two families of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "lowercase")
)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// That of an address.
    #[must_use]
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// Why a configuration of monitoring is refused. Each variant names the interface or service, and the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[allow(missing_docs)] // the fields are what the messages name
pub enum MonitorError {
    /// The probe interval is outside [`PROBE_INTERVAL_RANGE`] (MON-3).
    #[error("probe interval: {0:?} is not from 5 s to 255 s")]
    ProbeInterval(Duration),
    /// The number of missed probes is outside [`MISSED_PROBES_RANGE`] (MON-3).
    #[error("missed probes: {0} is not from 1 to 10")]
    MissedProbes(u8),
    /// More than [`MAX_MONITORED`] interfaces.
    #[error("interfaces: {0} are monitored; there can be 64")]
    TooManyInterfaces(usize),
    /// More than [`MAX_TARGETS`] targets.
    #[error("probe targets: there are {0}; there can be 32")]
    TooManyTargets(usize),
    /// More than [`MAX_SERVICES`] services.
    #[error("services: there are {0}; there can be 64")]
    TooManyServices(usize),
    /// An interface is there twice.
    #[error("interfaces: {0} is there twice")]
    InterfaceTwice(InterfaceId),
    /// The number of ports is not from 1 to [`MAX_PORTS`].
    #[error("{interface}: it cannot have {ports} ports, but 1 to 8")]
    Ports { interface: InterfaceId, ports: u8 },
    /// One unit has a monitoring address and the other one has not (MON-6).
    #[error("{interface}: the {missing} has no {family} monitoring address, and its peer has one")]
    OneAddress { interface: InterfaceId, family: Family, missing: Designation },
    /// Both units have the same monitoring address (MON-5, MON-6).
    #[error("{interface}: both units have the monitoring address {address}")]
    SameAddress { interface: InterfaceId, address: IpAddr },
    /// A monitoring address is not in the interface's subnet (MON-5, MON-6).
    #[error("{interface}: the monitoring address {address} of the {unit} is not in {subnet}")]
    OutsideSubnet { interface: InterfaceId, unit: Designation, address: IpAddr, subnet: IpNet },
    /// A monitoring address is one that no host can have: multicast, or the subnet's own or broadcast
    /// address.
    #[error("{interface}: the monitoring address {address} of the {unit} is not that of a host")]
    NotAHost { interface: InterfaceId, unit: Designation, address: IpAddr },
    /// A monitoring address is the one that the interface shares (MON-5, MON-7).
    #[error("{interface}: the {unit} has the shared address {address} as monitoring address")]
    SharedAddress { interface: InterfaceId, unit: Designation, address: IpAddr },
    /// A monitoring address is the interface's link-local address (MON-5).
    #[error("{interface}: the {unit} has the link-local address {address} as monitoring address")]
    LinkLocalAddress { interface: InterfaceId, unit: Designation, address: IpAddr },
    /// What is said to be the interface's link-local address is none (MON-5): it is not in fe80::/10.
    #[error("{interface}: {address} is not a link-local address")]
    NotLinkLocal { interface: InterfaceId, address: Ipv6Addr },
    /// A monitoring address is there on another interface, too: it could not be told where to find it.
    #[error("{interface}: the monitoring address {address} is also on {other}")]
    AddressTwice { interface: InterfaceId, other: InterfaceId, address: IpAddr },
    /// Management is allowed on monitoring addresses that are unspecified (MON-5).
    #[error("{interface}: management needs {family} monitoring addresses")]
    ManagementWithoutAddress { interface: InterfaceId, family: Family },
    /// A target is to be probed, and there is no monitoring address to do it from (MON-6).
    #[error("{interface}: probing {target} needs {family} monitoring addresses")]
    ProbeWithoutAddress { interface: InterfaceId, family: Family, target: IpAddr },
    /// The probe target is unspecified (MON-5).
    #[error("{interface}: the {family} probe target is unspecified")]
    TargetUnspecified { interface: InterfaceId, family: Family },
    /// The probe target is no host's address.
    #[error("{interface}: the probe target {target} is not that of a host")]
    TargetNotAHost { interface: InterfaceId, target: IpAddr },
    /// The probe target is an address of the pair's own: reaching it would prove nothing.
    #[error("{interface}: the probe target {target} is the pair's own address")]
    TargetIsOurs { interface: InterfaceId, target: IpAddr },
    /// Licensing is online, and a Standby could not reach it: no WAN interface has monitoring addresses, nor
    /// has the X0 interface (MON-8).
    #[error("X0: without WAN monitoring addresses it needs some, for the Standby's licensing")]
    NoAddressForLicensing,
    /// A service's number is there twice.
    #[error("services: {0} is there twice")]
    ServiceTwice(ServiceId),
    /// A service's name is there twice.
    #[error("services: the name {0} is there twice")]
    ServiceNameTwice(Label),
    /// A service's deadline is outside [`DEADLINE_RANGE`].
    #[error("{service}: the deadline {deadline:?} is not from 10 ms to 1 h")]
    Deadline { service: ServiceId, deadline: Duration },
    /// The window in which restarts are counted is no time.
    #[error("{service}: the window of its restarts must be longer than 0")]
    RestartWindow { service: ServiceId },
    /// All weights together are not below [`FULL_WEIGHT`](super::FULL_WEIGHT).
    #[error("weights: together they are {0}; they must be below 10000")]
    Weights(u32),
}

/// What a unit monitors: made by [`MonitorConfig::builder`], the same on both units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonitorConfig {
    pub(super) probe_interval: Duration,
    pub(super) missed_probes: u8,
    pub(super) online_licensing: bool,
    pub(super) interfaces: Vec<MonitoredInterface>,
    pub(super) services: Vec<Service>,
}

impl Default for MonitorConfig {
    /// Nothing is monitored; probes would be 20 s apart, and three missed ones lose a target (MON-3).
    fn default() -> Self {
        Self {
            probe_interval: Duration::from_secs(20),
            missed_probes: 3,
            online_licensing: false,
            interfaces: Vec::new(),
            services: Vec::new(),
        }
    }
}

impl MonitorConfig {
    /// Begins with the defaults.
    #[must_use]
    pub fn builder() -> MonitorConfigBuilder {
        MonitorConfigBuilder(Self::default())
    }

    /// How far apart the probes of a target are (MON-3).
    #[must_use]
    pub fn probe_interval(&self) -> Duration {
        self.probe_interval
    }

    /// How many probes in a row without an answer declare a target lost (MON-3).
    #[must_use]
    pub fn missed_probes(&self) -> u8 {
        self.missed_probes
    }

    /// What is monitored of the interfaces.
    #[must_use]
    pub fn interfaces(&self) -> &[MonitoredInterface] {
        &self.interfaces
    }

    /// The services.
    #[must_use]
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// A unit's own addresses: for its management, its licensing and its probes, and for nothing else
    /// (MON-7).
    pub fn addresses_of(
        &self,
        unit: Designation,
    ) -> impl Iterator<Item = (InterfaceId, IpAddr)> + '_ {
        self.interfaces.iter().flat_map(move |it| {
            let v4 = it.ipv4.map(|v4| IpAddr::from(*of(unit, &v4.addresses)));
            let v6 = it.ipv6.map(|v6| IpAddr::from(*of(unit, &v6.addresses)));
            let set = v4.into_iter().chain(v6).filter(|address| !address.is_unspecified());
            set.map(|address| (it.interface, address))
        })
    }
}

/// The one of this unit.
pub(super) fn of<T>(unit: Designation, [primary, secondary]: &[T; 2]) -> &T {
    match unit {
        Designation::Primary => primary,
        Designation::Secondary => secondary,
    }
}

/// Makes a [`MonitorConfig`]; the rules are checked by [`MonitorConfigBuilder::build`].
#[derive(Clone, Debug)]
pub struct MonitorConfigBuilder(MonitorConfig);

impl MonitorConfigBuilder {
    /// How far apart the probes of a target are: 5 s to 255 s (MON-3).
    #[must_use]
    pub fn probe_interval(mut self, interval: Duration) -> Self {
        self.0.probe_interval = interval;
        self
    }

    /// How many probes in a row without an answer declare a target lost: 1 to 10 (MON-3).
    #[must_use]
    pub fn missed_probes(mut self, missed: u8) -> Self {
        self.0.missed_probes = missed;
        self
    }

    /// The units reach the license manager by themselves (MON-8). Off at first.
    #[must_use]
    pub fn online_licensing(mut self, online: bool) -> Self {
        self.0.online_licensing = online;
        self
    }

    /// Adds an interface.
    #[must_use]
    pub fn interface(mut self, interface: MonitoredInterface) -> Self {
        self.0.interfaces.push(interface);
        self
    }

    /// Adds a service.
    #[must_use]
    pub fn service(mut self, service: Service) -> Self {
        self.0.services.push(service);
        self
    }

    /// Checks all rules.
    ///
    /// # Errors
    /// The first rule that is broken: those of single figures first, then interface by interface in their
    /// order, then service by service, then those of all together.
    pub fn build(self) -> Result<MonitorConfig, MonitorError> {
        let config = self.0;
        if !PROBE_INTERVAL_RANGE.contains(&config.probe_interval) {
            return Err(MonitorError::ProbeInterval(config.probe_interval));
        }
        if !MISSED_PROBES_RANGE.contains(&config.missed_probes) {
            return Err(MonitorError::MissedProbes(config.missed_probes));
        }
        if config.interfaces.len() > MAX_MONITORED {
            return Err(MonitorError::TooManyInterfaces(config.interfaces.len()));
        }
        if config.services.len() > MAX_SERVICES {
            return Err(MonitorError::TooManyServices(config.services.len()));
        }
        for (at, it) in config.interfaces.iter().enumerate() {
            if config.interfaces.iter().take(at).any(|other| other.interface == it.interface) {
                return Err(MonitorError::InterfaceTwice(it.interface));
            }
            check_interface(it)?;
            check_distinct(it, config.interfaces.get(..at).unwrap_or_default())?;
        }
        for (at, it) in config.services.iter().enumerate() {
            check_service(it, config.services.get(..at).unwrap_or_default())?;
        }
        let targets = config.interfaces.iter().map(targets_of).fold(0, usize::saturating_add);
        if targets > MAX_TARGETS {
            return Err(MonitorError::TooManyTargets(targets));
        }
        let weight = config.weights().fold(0, |all, one| u32::from(one).saturating_add(all));
        if weight >= super::FULL_WEIGHT.into() {
            return Err(MonitorError::Weights(weight));
        }
        let has = |zone| {
            let it = config.interfaces.iter().filter(move |it| it.zone == zone);
            it.flat_map(addresses_of).any(|address| !address.is_unspecified())
        };
        if config.online_licensing && !has(Zone::Wan) && !has(Zone::X0) {
            return Err(MonitorError::NoAddressForLicensing);
        }
        Ok(config)
    }
}

impl MonitorConfig {
    /// The weight of each monitor.
    fn weights(&self) -> impl Iterator<Item = u16> + '_ {
        let interfaces = self.interfaces.iter().flat_map(|it| {
            let v4 = it.ipv4.filter(|v4| v4.target.is_some()).map(|v4| v4.weight);
            let v6 = it.ipv6.filter(|v6| v6.target.is_some()).map(|v6| v6.weight);
            it.physical.map(|link| link.weight).into_iter().chain(v4).chain(v6)
        });
        let counts = |it: &&Service| it.scope == ServiceScope::Both;
        interfaces.chain(self.services.iter().filter(counts).map(|it| it.weight))
    }
}

fn addresses_of(it: &MonitoredInterface) -> impl Iterator<Item = IpAddr> + use<> {
    let v4 = it.ipv4.into_iter().flat_map(|v4| v4.addresses.map(IpAddr::from));
    v4.chain(it.ipv6.into_iter().flat_map(|v6| v6.addresses.map(IpAddr::from)))
}

/// An address of a unit says which interface it is on, so each is there once, whichever unit has it.
fn check_distinct(
    it: &MonitoredInterface,
    others: &[MonitoredInterface],
) -> Result<(), MonitorError> {
    let is_set = |address: &IpAddr| !address.is_unspecified();
    for address in addresses_of(it).filter(is_set) {
        let has_it = |other: &&MonitoredInterface| addresses_of(other).any(|one| one == address);
        if let Some(other) = others.iter().find(has_it) {
            let (interface, other) = (it.interface, other.interface);
            return Err(MonitorError::AddressTwice { interface, other, address });
        }
    }
    Ok(())
}

fn targets_of(it: &MonitoredInterface) -> usize {
    let v4 = it.ipv4.and_then(|v4| v4.target).is_some();
    let v6 = it.ipv6.and_then(|v6| v6.target).is_some();
    usize::from(v4).saturating_add(usize::from(v6))
}

fn check_service(it: &Service, others: &[Service]) -> Result<(), MonitorError> {
    let Service { id, name, deadline, window, .. } = *it;
    if others.iter().any(|other| other.id == id) {
        return Err(MonitorError::ServiceTwice(id));
    }
    if others.iter().any(|other| other.name == name) {
        return Err(MonitorError::ServiceNameTwice(name));
    }
    if !DEADLINE_RANGE.contains(&deadline) {
        return Err(MonitorError::Deadline { service: id, deadline });
    }
    if window.is_zero() {
        return Err(MonitorError::RestartWindow { service: id });
    }
    Ok(())
}
