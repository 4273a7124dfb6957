//! The configuration of a pair's unit. It exists only if it is valid.

use super::heartbeat::{INTERVAL_RANGE, LEVEL_RANGE, MAX_PATHS, Product};
use super::maintenance::Maintenance;
use super::mode::{Mode, PathKind};
use super::rules::Rules;
use crate::address::{InterfaceAddress, MacAddress};
use crate::identity::{Designation, InterfaceId, PathId, SerialNumber, UnitId};
use crate::monitor::MonitorConfig;
use alloc::vec;
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
/// The longest hold-down of the dynamic routes: 1200 s (PAIR-17).
pub const MAX_ROUTE_HOLD: Duration = Duration::from_secs(1200);
/// How many role changes the flap limit can allow: 1 to 100 (PAIR-18; our decision).
pub const FLAP_LIMIT_RANGE: RangeInclusive<u8> = 1..=100;
/// The window in which role changes are counted: 1 s to 24 h (PAIR-18; our decision).
pub const FLAP_WINDOW_RANGE: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(24 * 3600);
/// The longest time for which a unit that is not ready is held back: 1 h (BEY-9; our decision).
pub const MAX_READINESS_LIMIT: Duration = Duration::from_secs(3600);
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
    /// No path is a control link (PAIR-19).
    #[error("paths: one of them must be a control link")]
    NoControlPath,
    /// Preempt is on in a mode other than [`Mode::ActiveStandby`] (PAIR-8).
    #[error("preempt: it must be off in the mode {0}")]
    Preempt(Mode),
    /// The hold-down of the dynamic routes is longer than [`MAX_ROUTE_HOLD`].
    #[error("route hold: {0:?} is longer than 1200 s")]
    RouteHold(Duration),
    /// The flap limit is outside [`FLAP_LIMIT_RANGE`].
    #[error("flap limit: {0} is not from 1 to 100")]
    FlapLimit(u8),
    /// The window of the flap limit is outside [`FLAP_WINDOW_RANGE`].
    #[error("flap window: {0:?} is not from 1 s to 24 h")]
    FlapWindow(Duration),
    /// The readiness limit is longer than [`MAX_READINESS_LIMIT`].
    #[error("readiness limit: {0:?} is longer than 1 h")]
    ReadinessLimit(Duration),
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
    /// A shared address is a unit's own address for monitoring, too (MON-7).
    #[error("interfaces: {address} is the {unit}'s monitoring address on {interface}")]
    MonitoringAddress {
        /// Where it is one.
        interface: InterfaceId,
        /// Whose.
        unit: Designation,
        /// Which.
        address: IpAddr,
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

/// What is allowed, and still unwise. See [`PairConfig::warnings`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigWarning {
    /// Preempt in a stateful pair (PAIR-8): each return of the Primary moves all sessions once more.
    #[error("preempt: with stateful synchronization it is better off")]
    PreemptStateful,
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
    pub(super) mode: Mode,
    pub(super) preempt: bool,
    pub(super) paths: Vec<PathKind>,
    pub(super) route_hold: Duration,
    pub(super) flap_limit: u8,
    pub(super) flap_window: Duration,
    pub(super) readiness_limit: Duration,
    pub(super) interfaces: Vec<SharedInterface>,
    pub(super) announcements: u8,
    pub(super) announcement_interval: Duration,
    pub(super) action_timeout: Duration,
    pub(super) monitoring: MonitorConfig,
    pub(super) persisted: Option<Vec<u8>>,
    pub(super) rules: Rules,
    pub(super) seed: u64,
}

impl PairConfig {
    /// Begins a configuration with the defaults: Active/Standby without state, preempt off, heartbeats
    /// every 1000 ms on one control link, trigger level 5, election delay 0, voluntary changes held after
    /// more than three in ten minutes, readiness not asked for, dynamic routes held for 45 s, five
    /// announcements 100 ms apart, ten seconds for an action.
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
            mode: Mode::ActiveStandby { stateful: false },
            preempt: false,
            paths: vec![PathKind::Control],
            route_hold: Duration::from_secs(45),
            flap_limit: 3,
            flap_window: Duration::from_secs(600),
            readiness_limit: Duration::ZERO,
            interfaces: Vec::new(),
            announcements: 5,
            announcement_interval: Duration::from_millis(100),
            action_timeout: Duration::from_secs(10),
            monitoring: MonitorConfig::default(),
            persisted: None,
            rules: Rules::STANDARD,
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

    /// The rules by which the machine decides.
    #[cfg(feature = "simulation")]
    #[must_use]
    pub fn rules(&self) -> Rules {
        self.rules
    }

    /// What was persisted, as it was handed in.
    #[must_use]
    pub fn persisted(&self) -> Option<&[u8]> {
        self.persisted.as_deref()
    }

    /// What was persisted of maintenance mode; an error if it cannot be read.
    pub(super) fn maintenance(&self) -> Result<Maintenance, ()> {
        self.persisted
            .as_deref()
            .map_or(Ok(Maintenance::Off), |bytes| Maintenance::from_bytes(bytes).ok_or(()))
    }

    /// The heartbeat interval.
    #[must_use]
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// The heartbeat paths (PAIR-12).
    pub fn paths(&self) -> impl Iterator<Item = PathId> + use<> {
        (0..self.path_count()).map(PathId)
    }

    /// The paths that state synchronization may use, the best first: the data links, then the control
    /// links, never a LAN (PAIR-19).
    pub fn state_paths(&self) -> impl Iterator<Item = PathId> + '_ {
        let of = |kind| {
            self.paths().zip(&self.paths).filter(move |(_, it)| **it == kind).map(|(path, _)| path)
        };
        of(PathKind::Data).chain(of(PathKind::Control))
    }

    pub(super) fn path_count(&self) -> u8 {
        // `build` refuses more than 16.
        u8::try_from(self.paths.len()).unwrap_or(u8::MAX)
    }

    /// More role changes than this within this window hold back voluntary ones (PAIR-18).
    #[must_use]
    pub fn flap_limit(&self) -> (u8, Duration) {
        (self.flap_limit, self.flap_window)
    }

    /// What two units do together (PAIR-2).
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What is allowed, and still unwise: for the administrator who sets it.
    #[must_use]
    pub fn warnings(&self) -> Vec<ConfigWarning> {
        let stateful_preempt = self.preempt && self.mode.is_stateful();
        stateful_preempt.then_some(ConfigWarning::PreemptStateful).into_iter().collect()
    }

    /// What is monitored.
    #[must_use]
    pub fn monitoring(&self) -> &MonitorConfig {
        &self.monitoring
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

    /// The heartbeat paths, 1 to 16, and what else each is for. They are numbered from 0 in this order, the
    /// same on both units (PAIR-12, PAIR-19). At least one is a control link.
    #[must_use]
    pub fn paths(mut self, kinds: impl IntoIterator<Item = PathKind>) -> Self {
        // One more than allowed is enough to be refused by `build`.
        self.0.paths = kinds.into_iter().take(MAX_PATHS.saturating_add(1)).collect();
        self
    }

    /// What the units do together (PAIR-2). Both have the same.
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.0.mode = mode;
        self
    }

    /// Preempt mode: a Primary in verified working order takes the role back (PAIR-7). Verified means: as
    /// fit as its peer, heard by it for a failure time, without obstacles, and in a stateful pair with the
    /// whole state (PAIR-9). Only in [`Mode::ActiveStandby`]; with state it is a warning (PAIR-8).
    #[must_use]
    pub fn preempt(mut self, preempt: bool) -> Self {
        self.0.preempt = preempt;
        self
    }

    /// How long dynamic routes are held down after a take: 0 to 1200 s (PAIR-17).
    #[must_use]
    pub fn route_hold(mut self, hold: Duration) -> Self {
        self.0.route_hold = hold;
        self
    }

    /// More role changes than this (1 to 100) within the window (1 s to 24 h) hold back voluntary ones
    /// (PAIR-18).
    #[must_use]
    pub fn flap_limit(mut self, changes: u8, window: Duration) -> Self {
        self.0.flap_limit = changes;
        self.0.flap_window = window;
        self
    }

    /// How long a unit that could take the role waits for [`Input::Ready`](super::Input::Ready), up to an
    /// hour; with 0 it is not waited for (BEY-9).
    #[must_use]
    pub fn readiness_limit(mut self, limit: Duration) -> Self {
        self.0.readiness_limit = limit;
        self
    }

    /// What the last [`Action::Persist`](super::Action::Persist) of
    /// [`PersistKey::Maintenance`](super::PersistKey::Maintenance) wanted kept. What cannot be read is told
    /// by an event, and counts as lost: a damaged file must not keep a firewall from starting.
    #[must_use]
    pub fn persisted(mut self, maintenance: &[u8]) -> Self {
        self.0.persisted = Some(maintenance.into());
        self
    }

    /// Other rules than those of a product: the simulator shows that it would notice.
    #[cfg(feature = "simulation")]
    #[must_use]
    pub fn rules(mut self, rules: Rules) -> Self {
        self.0.rules = rules;
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

    /// What is monitored: links, probe targets, services. Nothing unless it is said.
    #[must_use]
    pub fn monitoring(mut self, monitoring: MonitorConfig) -> Self {
        self.0.monitoring = monitoring;
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
        if !(1..=MAX_PATHS).contains(&config.paths.len()) {
            return Err(ConfigError::Paths(config.paths.len()));
        }
        if !config.paths.contains(&PathKind::Control) {
            return Err(ConfigError::NoControlPath);
        }
        if config.preempt && !matches!(config.mode, Mode::ActiveStandby { .. }) {
            return Err(ConfigError::Preempt(config.mode));
        }
        if config.route_hold > MAX_ROUTE_HOLD {
            return Err(ConfigError::RouteHold(config.route_hold));
        }
        if !FLAP_LIMIT_RANGE.contains(&config.flap_limit) {
            return Err(ConfigError::FlapLimit(config.flap_limit));
        }
        if !FLAP_WINDOW_RANGE.contains(&config.flap_window) {
            return Err(ConfigError::FlapWindow(config.flap_window));
        }
        if config.readiness_limit > MAX_READINESS_LIMIT {
            return Err(ConfigError::ReadinessLimit(config.readiness_limit));
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
        check_monitoring(&config)?;
        Ok(config)
    }
}

/// A unit's own address is never announced as everybody's (MON-7).
fn check_monitoring(config: &PairConfig) -> Result<(), ConfigError> {
    let shared = || config.interfaces.iter().flat_map(|interface| interface.addresses.iter());
    for unit in [Designation::Primary, Designation::Secondary] {
        for (interface, address) in config.monitoring.addresses_of(unit) {
            if shared().any(|shared| shared.address() == address) {
                return Err(ConfigError::MonitoringAddress { interface, unit, address });
            }
        }
    }
    Ok(())
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
