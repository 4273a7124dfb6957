//! The configuration of a pair's unit. It exists only if it is valid.

use super::heartbeat::{INTERVAL_RANGE, LEVEL_RANGE, MAX_PATHS, Product};
use crate::address::{InterfaceAddress, MacAddress};
use crate::identity::{Designation, InterfaceId, PathId, SerialNumber, UnitId};
use alloc::vec::Vec;
use core::net::IpAddr;
use core::ops::RangeInclusive;
use core::time::Duration;
use thiserror::Error;

/// The most data interfaces with shared addresses.
pub const MAX_INTERFACES: usize = 256;
/// The most shared addresses on all interfaces together.
pub const MAX_ADDRESSES: usize = 1024;
/// The longest election delay: 300 s (PAIR-4).
pub const MAX_ELECTION_DELAY: Duration = Duration::from_secs(300);
/// How often a take-over can be announced: 1 to 60 times.
pub const ANNOUNCEMENT_RANGE: RangeInclusive<u8> = 1..=60;

/// A data interface whose addresses move between the units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedInterface {
    /// Its number, the same on both units.
    pub id: InterfaceId,
    /// The MAC address that hosts are told: the virtual one, or without that this unit's own (VMAC-3).
    ///
    /// Several interfaces may have the same one: the VLANs of one card bear the card's address. That
    /// *virtual* addresses differ is checked by
    /// [`check_distinct`](crate::virtual_mac::check_distinct), which knows which ones are virtual.
    pub mac: MacAddress,
    /// The addresses that the Active holds, IPv4 and IPv6.
    pub addresses: Vec<InterfaceAddress>,
}

/// Why a configuration is refused. Each variant names the field and the rule.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Both units bear the same serial number.
    #[error("peer serial: the peer has our own serial number {0}")]
    SameSerial(SerialNumber),
    /// The heartbeat interval is outside [`INTERVAL_RANGE`] or not in whole milliseconds.
    #[error("heartbeat interval: {0:?} is not a whole number of milliseconds from 10 ms to 300 s")]
    Interval(Duration),
    /// The trigger level is outside [`LEVEL_RANGE`].
    #[error("trigger level: {0} is not from 2 to 99")]
    Level(u8),
    /// The election delay is longer than [`MAX_ELECTION_DELAY`].
    #[error("election delay: {0:?} is longer than 300 s")]
    ElectionDelay(Duration),
    /// There are no heartbeat paths, or more than [`MAX_PATHS`].
    #[error("paths: {0} heartbeat paths; there must be 1 to 16")]
    Paths(usize),
    /// There are more data interfaces than [`MAX_INTERFACES`] or addresses than [`MAX_ADDRESSES`].
    #[error("interfaces: more than 256 interfaces or 1024 addresses")]
    TooManyAddresses,
    /// Two data interfaces have the same number.
    #[error("interfaces: {0} is there twice")]
    InterfaceTwice(InterfaceId),
    /// An address is twice on one interface, or on two. Only a link-local address may be on several: it
    /// says nothing beyond its link.
    #[error("interfaces: address {0} is there twice")]
    AddressTwice(InterfaceAddress),
    /// The MAC address is zero or multicast (VMAC-1).
    #[error("interfaces: {interface} has the MAC address {mac}, which no interface can bear")]
    Mac {
        /// Where.
        interface: InterfaceId,
        /// What.
        mac: MacAddress,
    },
    /// The number of announcements is outside [`ANNOUNCEMENT_RANGE`].
    #[error("announcements: {0} is not from 1 to 60")]
    Announcements(u8),
    /// The announcements of a take are no time apart.
    #[error("announcement interval: it must be longer than 0")]
    AnnouncementInterval,
    /// Every action would count as failed at once.
    #[error("action timeout: it must be longer than 0")]
    ActionTimeout,
}

/// The configuration of one unit of a pair, made by [`PairConfig::builder`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairConfig {
    pub(super) designation: Designation,
    pub(super) serial: SerialNumber,
    pub(super) peer_serial: SerialNumber,
    pub(super) product: Product,
    pub(super) interval: Duration,
    pub(super) level: u8,
    pub(super) election_delay: Duration,
    pub(super) preempt: bool,
    pub(super) paths: u8,
    pub(super) interfaces: Vec<SharedInterface>,
    pub(super) announcements: u8,
    pub(super) announcement_interval: Duration,
    pub(super) action_timeout: Duration,
    pub(super) seed: u64,
}

impl PairConfig {
    /// Begins a configuration with the defaults: heartbeats every 1000 ms, trigger level 5, election
    /// delay 0, one path, preempt off, five announcements 100 ms apart, ten seconds for an action.
    ///
    /// `seed` must differ from start to start of a unit: it tells the peer that this is another start.
    /// A boot counter, a boot time in nanoseconds or a random number will do.
    #[must_use]
    pub fn builder(
        designation: Designation,
        serial: SerialNumber,
        peer_serial: SerialNumber,
        product: Product,
        seed: u64,
    ) -> PairConfigBuilder {
        PairConfigBuilder(Self {
            designation,
            serial,
            peer_serial,
            product,
            interval: Duration::from_secs(1),
            level: 5,
            election_delay: Duration::ZERO,
            preempt: false,
            paths: 1,
            interfaces: Vec::new(),
            announcements: 5,
            announcement_interval: Duration::from_millis(100),
            action_timeout: Duration::from_secs(10),
            seed,
        })
    }

    /// This unit's designation (PAIR-1).
    #[must_use]
    pub fn designation(&self) -> Designation {
        self.designation
    }

    /// This unit's serial number.
    #[must_use]
    pub fn serial(&self) -> SerialNumber {
        self.serial
    }

    /// The peer's serial number.
    #[must_use]
    pub fn peer_serial(&self) -> SerialNumber {
        self.peer_serial
    }

    /// The number by which the driver knows the peer.
    #[must_use]
    pub fn peer(&self) -> UnitId {
        UnitId::of(self.designation.other())
    }

    /// Interval × trigger level: so long a silence means that a unit is lost (PAIR-6).
    #[must_use]
    pub fn failure_time(&self) -> Duration {
        self.interval.saturating_mul(u32::from(self.level))
    }

    /// The heartbeat interval.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// The heartbeat paths (PAIR-12).
    pub fn paths(&self) -> impl Iterator<Item = PathId> + use<> {
        (0..self.paths).map(PathId)
    }

    /// The data interfaces with shared addresses.
    #[must_use]
    pub fn interfaces(&self) -> &[SharedInterface] {
        &self.interfaces
    }
}

/// Makes a [`PairConfig`]; the rules are checked by [`PairConfigBuilder::build`].
#[derive(Clone, Debug)]
pub struct PairConfigBuilder(PairConfig);

impl PairConfigBuilder {
    /// The heartbeat interval: 10 ms to 300 s, in whole milliseconds (PAIR-6).
    #[must_use]
    pub fn heartbeat_interval(mut self, interval: Duration) -> Self {
        self.0.interval = interval;
        self
    }

    /// How many missed heartbeats mean that a unit is lost: 2 to 99 (PAIR-6).
    #[must_use]
    pub fn trigger_level(mut self, level: u8) -> Self {
        self.0.level = level;
        self
    }

    /// How long a starting unit looks for an Active peer at the least: 0 to 300 s (PAIR-4).
    #[must_use]
    pub fn election_delay(mut self, delay: Duration) -> Self {
        self.0.election_delay = delay;
        self
    }

    /// How many heartbeat paths there are: 1 to 16. They are numbered from 0 (PAIR-12).
    #[must_use]
    pub fn paths(mut self, count: usize) -> Self {
        // More than 255 is refused by `build` like any other number above the limit.
        self.0.paths = u8::try_from(count).unwrap_or(u8::MAX);
        self
    }

    /// Preempt mode. So far it decides only between two Actives (PAIR-13); taking the role back from a
    /// healthy peer (PAIR-7) is not there yet.
    #[must_use]
    pub fn preempt(mut self, preempt: bool) -> Self {
        self.0.preempt = preempt;
        self
    }

    /// Adds a data interface with shared addresses.
    #[must_use]
    pub fn interface(mut self, interface: SharedInterface) -> Self {
        self.0.interfaces.push(interface);
        self
    }

    /// How often a take-over is announced (1 to 60 times), and how far apart: longer than 0 (VMAC-3).
    #[must_use]
    pub fn announcements(mut self, count: u8, interval: Duration) -> Self {
        self.0.announcements = count;
        self.0.announcement_interval = interval;
        self
    }

    /// How long an action of a take or a withdrawal may last before it counts as failed: longer than 0.
    #[must_use]
    pub fn action_timeout(mut self, timeout: Duration) -> Self {
        self.0.action_timeout = timeout;
        self
    }

    /// Checks all rules.
    ///
    /// # Errors
    /// The first rule that is broken, with the field.
    pub fn build(self) -> Result<PairConfig, ConfigError> {
        let config = self.0;
        if config.serial == config.peer_serial {
            return Err(ConfigError::SameSerial(config.serial));
        }
        let whole = config.interval.subsec_nanos().is_multiple_of(1_000_000);
        if !INTERVAL_RANGE.contains(&config.interval) || !whole {
            return Err(ConfigError::Interval(config.interval));
        }
        if !LEVEL_RANGE.contains(&config.level) {
            return Err(ConfigError::Level(config.level));
        }
        if config.election_delay > MAX_ELECTION_DELAY {
            return Err(ConfigError::ElectionDelay(config.election_delay));
        }
        if !(1..=MAX_PATHS).contains(&usize::from(config.paths)) {
            return Err(ConfigError::Paths(config.paths.into()));
        }
        if !ANNOUNCEMENT_RANGE.contains(&config.announcements) {
            return Err(ConfigError::Announcements(config.announcements));
        }
        if config.announcement_interval.is_zero() {
            return Err(ConfigError::AnnouncementInterval);
        }
        if config.action_timeout.is_zero() {
            return Err(ConfigError::ActionTimeout);
        }
        check_interfaces(&config.interfaces)?;
        Ok(config)
    }
}

fn check_interfaces(interfaces: &[SharedInterface]) -> Result<(), ConfigError> {
    let addresses = interfaces.iter().flat_map(|interface| interface.addresses.iter());
    if interfaces.len() > MAX_INTERFACES || addresses.clone().count() > MAX_ADDRESSES {
        return Err(ConfigError::TooManyAddresses);
    }
    for (at, one) in interfaces.iter().enumerate() {
        if !one.mac.is_unicast() {
            return Err(ConfigError::Mac { interface: one.id, mac: one.mac });
        }
        for other in interfaces.iter().take(at) {
            if one.id == other.id {
                return Err(ConfigError::InterfaceTwice(one.id));
            }
        }
    }
    let mut sorted: Vec<_> = interfaces
        .iter()
        .flat_map(|interface| interface.addresses.iter().map(|address| (*address, interface.id)))
        .map(|(address, id)| {
            (address.address(), is_link_local(address.address()).then_some(id), address)
        })
        .collect();
    sorted.sort_unstable();
    for pair in sorted.windows(2) {
        if let [(a, on_a, _), (b, on_b, address)] = pair
            && (a, on_a) == (b, on_b)
        {
            return Err(ConfigError::AddressTwice(*address));
        }
    }
    Ok(())
}

/// 169.254.0.0/16 or fe80::/10.
fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}
