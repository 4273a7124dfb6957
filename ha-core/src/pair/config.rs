//! The configuration of a pair's unit. It exists only if it is valid.

use super::heartbeat::{INTERVAL_RANGE, LEVEL_RANGE, MAX_PATHS, Product};
use super::maintenance::Maintenance;
use super::mode::{Mode, PathKind};
use super::private_address::{self, PrivateAddress};
use super::rules::Rules;
use crate::address::{InterfaceAddress, MacAddress};
use crate::identity::{Designation, InterfaceId, PathId, SerialNumber, UnitId};
use crate::monitor::MonitorConfig;
use crate::virtual_mac::{VirtualMac, VirtualMacError, check_distinct};
use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};
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
/// How many frames a burst of announcements can have: 1 to 1024 (BEY-10; our decision).
pub const BURST_RANGE: RangeInclusive<u16> = 1..=1024;
/// The gap between two bursts: 100 µs to 1 s (BEY-10; our decision).
pub const ANNOUNCEMENT_GAP_RANGE: RangeInclusive<Duration> =
    Duration::from_micros(100)..=Duration::from_secs(1);

/// A data interface whose addresses move between the units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedInterface {
    /// Its number, the same on both units.
    pub id: InterfaceId,
    /// The MAC address that hosts are told: the virtual one, or without that this unit's own (VMAC-3).
    ///
    /// Given this unit's own, [`PairConfigBuilder::virtual_mac`] puts the virtual one in its place, and sees
    /// that no two are the same. Several interfaces may have the same own one: the VLANs of one card bear the
    /// card's address.
    pub mac: MacAddress,
    /// The addresses that the Active holds, IPv4 and IPv6. A router's hosts know it by its link-local address:
    /// it belongs here too, so that it moves with the others (VMAC-5). Where there is a virtual MAC, that can
    /// be its [`link_local`](MacAddress::link_local).
    pub addresses: Vec<InterfaceAddress>,
}

impl SharedInterface {
    /// Whether it has IPv6 addresses, and so is a router's.
    pub(super) fn has_ipv6(&self) -> bool {
        self.addresses.iter().any(|address| address.address().is_ipv6())
    }

    fn lacks_link_local(&self) -> bool {
        let is_link_local = |it: &InterfaceAddress| match it.address() {
            IpAddr::V4(_) => false,
            IpAddr::V6(address) => address.is_unicast_link_local(),
        };
        self.has_ipv6() && !self.addresses.iter().any(is_link_local)
    }
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
    /// A virtual MAC address is refused (VMAC-1).
    #[error("virtual MAC: {0}")]
    VirtualMac(#[from] VirtualMacError),
    /// There is a virtual MAC address for an interface that there is not (VMAC-1).
    #[error("virtual MAC: {0} has one, and is no data interface")]
    VirtualMacWithoutInterface(InterfaceId),
    /// High availability is on, and there are switch-port groups, which this platform does not allow (NODE-6).
    #[error("switch-port groups: there are {groups}; the mode {mode} allows none on this platform")]
    SwitchPortGroups {
        /// The mode.
        mode: Mode,
        /// How many groups are configured.
        groups: u16,
    },
    /// A unit has no private address on an interface (COS-4).
    #[error("private addresses: {interface} has none of the {unit}; disabled ones need it too")]
    NoPrivateAddress {
        /// Where.
        interface: InterfaceId,
        /// Which unit's.
        unit: Designation,
    },
    /// The private address of a unit is unspecified, multicast or broadcast (COS-4).
    #[error(
        "private addresses: {interface} has {address} of the {unit}, not the address of one host"
    )]
    PrivateAddressOfNoHost {
        /// Where.
        interface: InterfaceId,
        /// Which unit's.
        unit: Designation,
        /// What.
        address: Ipv4Addr,
    },
    /// The private addresses of an interface are given twice (COS-4).
    #[error("private addresses: {0} is there twice")]
    PrivateAddressTwice(InterfaceId),
    /// A private address is another private one too, or a shared one (COS-4). Only one of the local host may
    /// be there several times.
    #[error("private addresses: {0} is another one's too, or shared")]
    PrivateAddressNotAlone(Ipv4Addr),
    /// The number of announcements is outside [`ANNOUNCEMENT_RANGE`].
    #[error("announcements: {0} is not from 1 to 60")]
    Announcements(u8),
    /// The announcements of a take are no time apart.
    #[error("announcement interval: it must be longer than 0")]
    AnnouncementInterval,
    /// The burst of announcements is outside [`BURST_RANGE`].
    #[error("announcement burst: {0} is not from 1 to 1024")]
    AnnouncementBurst(u16),
    /// The gap between bursts of announcements is outside [`ANNOUNCEMENT_GAP_RANGE`].
    #[error("announcement gap: {0:?} is not from 100 us to 1 s")]
    AnnouncementGap(Duration),
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
    /// An interface has IPv6 addresses and no link-local one among them (VMAC-5): hosts that took this unit as
    /// their router know it by its own link-local address, and do not follow to the other unit.
    #[error("interfaces: {0} has IPv6 addresses, but no link-local one that moves with them")]
    NoLinkLocal(InterfaceId),
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
    pub(super) virtual_macs: Vec<(InterfaceId, VirtualMac)>,
    /// Those that the platform does not allow.
    pub(super) switch_port_groups: u16,
    pub(super) private_addresses: Option<Vec<PrivateAddress>>,
    pub(super) announcements: u8,
    pub(super) announcement_interval: Duration,
    pub(super) announcement_burst: u16,
    pub(super) announcement_gap: Duration,
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
    /// announcements 100 ms apart in bursts of 32 frames every 2 ms, ten seconds for an action.
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
            virtual_macs: Vec::new(),
            switch_port_groups: 0,
            private_addresses: None,
            announcements: 5,
            announcement_interval: Duration::from_millis(100),
            announcement_burst: 32,
            announcement_gap: Duration::from_millis(2),
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
        let stateful_preempt = stateful_preempt.then_some(ConfigWarning::PreemptStateful);
        let without_link_local = self.interfaces.iter().filter(|it| it.lacks_link_local());
        let without_link_local = without_link_local.map(|it| ConfigWarning::NoLinkLocal(it.id));
        stateful_preempt.into_iter().chain(without_link_local).collect()
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

    /// A data interface bears a virtual MAC address, instead of the one that it was added with, which is this
    /// unit's own (VMAC-1). Said again for the same interface, the last word counts: so an override follows
    /// what was derived or supplied for all. It needs neither state nor a license (VMAC-2).
    #[must_use]
    pub fn virtual_mac(mut self, interface: InterfaceId, source: VirtualMac) -> Self {
        self.0.virtual_macs.retain(|(known, _)| *known != interface);
        self.0.virtual_macs.push((interface, source));
        self
    }

    /// How many switch-port groups are configured, several ports that act as one switch, and whether the platform
    /// data allow them beside high availability. Where they do not, each mode but [`Mode::Disabled`] is refused
    /// with any (NODE-6). Without this there are none.
    #[must_use]
    pub fn switch_port_groups(mut self, groups: u16, allowed: bool) -> Self {
        self.0.switch_port_groups = if allowed { 0 } else { groups };
        self
    }

    /// The private addresses of both units on all interfaces, disabled ones included, for a platform that wants
    /// one on each (COS-4): then every data interface has to be among them. Without this nothing is asked for.
    #[must_use]
    pub fn private_addresses(mut self, all: impl IntoIterator<Item = PrivateAddress>) -> Self {
        // One more than allowed is enough to be refused by `build`.
        let most = MAX_INTERFACES.saturating_add(1);
        self.0.private_addresses = Some(all.into_iter().take(most).collect());
        self
    }

    /// How often a take-over is announced (1 to 60 times), and how far apart at the least: longer than 0
    /// (VMAC-3). A round that takes longer, since its bursts do, delays the next one.
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

    /// How many frames go at once (1 to 1024), and how long after them the next ones follow at the least
    /// (100 µs to 1 s), so that hundreds of addresses delay no heartbeat (BEY-10).
    ///
    /// Where one thread sends frames and heartbeats, a heartbeat waits for one burst at the most. The
    /// defaults, 32 frames every 2 ms, are our decision: they cost it 0.6 ms where a frame takes 20 µs, and
    /// 500 addresses are announced within 32 ms.
    #[must_use]
    pub fn announcement_pace(mut self, burst: u16, gap: Duration) -> Self {
        self.0.announcement_burst = burst;
        self.0.announcement_gap = gap;
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
        let mut config = self.0;
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
        if !BURST_RANGE.contains(&config.announcement_burst) {
            return Err(ConfigError::AnnouncementBurst(config.announcement_burst));
        }
        if !ANNOUNCEMENT_GAP_RANGE.contains(&config.announcement_gap) {
            return Err(ConfigError::AnnouncementGap(config.announcement_gap));
        }
        if config.action_timeout.is_zero() {
            return Err(ConfigError::ActionTimeout);
        }
        if config.switch_port_groups > 0 && config.mode != Mode::Disabled {
            let (mode, groups) = (config.mode, config.switch_port_groups);
            return Err(ConfigError::SwitchPortGroups { mode, groups });
        }
        check_interfaces(&config.interfaces)?;
        check_monitoring(&config)?;
        if let Some(private) = &config.private_addresses {
            if private.len() > MAX_INTERFACES {
                return Err(ConfigError::TooManyAddresses);
            }
            private_address::check(private, &config.interfaces)?;
        }
        config.put_virtual_macs()?;
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

impl PairConfig {
    /// The virtual MAC addresses take the place of the units' own ones, if they may.
    fn put_virtual_macs(&mut self) -> Result<(), ConfigError> {
        let own: Vec<_> = self.interfaces.iter().map(|interface| interface.mac).collect();
        let mut macs = Vec::new();
        for (id, source) in &self.virtual_macs {
            macs.push((*id, source.address(*id)?));
        }
        check_distinct(&macs, &own)?;
        for (id, mac) in macs {
            let interface = self.interfaces.iter_mut().find(|interface| interface.id == id);
            interface.ok_or(ConfigError::VirtualMacWithoutInterface(id))?.mac = mac;
        }
        Ok(())
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
