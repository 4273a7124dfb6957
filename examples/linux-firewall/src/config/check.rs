//! From the file to what the machines and the platform need. What is wrong is named by its key.

use super::file::{File, Interface, Path};
use super::monitoring;
use crate::conntrack::Scope;
use crate::links;
use crate::service::Watched;
use ha_core::address::{InterfaceAddress, MacAddress};
use ha_core::identity::{Designation, InterfaceId, PairId, PathId};
use ha_core::monitor::MonitorConfig;
use ha_core::pair::{self, ConfigWarning, Mode, PairConfig, PathKind, Product};
use ha_core::virtual_mac::{VirtualMac, check_distinct};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;
use thiserror::Error;

/// Why a configuration is refused. It names the key and the reason.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is not TOML, a key is unknown or missing, or a value has the wrong type.
    #[error("{}: {source}", path.display())]
    Parse {
        /// Which file.
        path: PathBuf,
        /// Where, and why.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A value is not allowed.
    #[error("{key}: {reason}")]
    Value {
        /// The key.
        key: String,
        /// Why.
        reason: String,
    },
    /// A service would miss its deadline although it works: a check may begin so late, and take so long.
    #[error(
        "{key}: {deadline:?} is shorter than every and time-limit together ({every:?} and \
         {time_limit:?}): a slow check would miss it"
    )]
    Deadline {
        /// The key.
        key: String,
        /// Its deadline.
        deadline: Duration,
        /// How often it is checked.
        every: Duration,
        /// How long a check may take.
        time_limit: Duration,
    },
    /// The role machine refuses it, for a reason that has no key of its own.
    #[error(transparent)]
    Pair(pair::ConfigError),
    /// State synchronization refuses it.
    #[error("sync: {0}")]
    Sync(#[from] statesync::ConfigError),
}

/// A configuration all of whose rules were checked, as far as that is possible without the system.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The file as it was read.
    pub file: File,
    product: Product,
    /// The addresses of the paths: ours, the peer's; and for synchronization.
    pub paths: Vec<Addresses>,
    interfaces: Vec<Data>,
    monitors: MonitorConfig,
    /// The services that are watched, and how.
    pub services: Vec<Watched>,
}

/// The addresses of one path.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// Heartbeats: ours and the peer's.
    pub pair: (SocketAddr, SocketAddr),
    /// State synchronization: ours and the peer's.
    pub sync: Option<(SocketAddr, SocketAddr)>,
}

#[derive(Clone, Debug)]
struct Data {
    id: InterfaceId,
    device: String,
    virtual_mac: Option<(String, MacAddress)>,
    addresses: Vec<InterfaceAddress>,
}

/// Reads and checks a configuration file.
///
/// # Errors
/// The first thing that is wrong with it, with its key.
pub fn load(path: &std::path::Path) -> Result<Checked, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Read { path: path.into(), source })?;
    let file: File = toml::from_str(&text)
        .map_err(|source| ConfigError::Parse { path: path.into(), source: Box::new(source) })?;
    Checked::new(file)
}

impl From<pair::ConfigError> for ConfigError {
    /// The role machine names its fields; a person looks for a key.
    fn from(error: pair::ConfigError) -> Self {
        use pair::ConfigError as E;
        let key = match &error {
            E::SameSerial(_) => "peer.serial",
            E::Interval(_) => "pair.heartbeat-interval",
            E::Level(_) => "pair.trigger-level",
            E::ElectionDelay(_) => "pair.election-delay",
            E::Paths(_) => "path",
            E::NoControlPath => "path.kind",
            E::Preempt(_) => "pair.preempt",
            E::FlapLimit(_) => "pair.flap-changes",
            E::FlapWindow(_) => "pair.flap-window",
            E::InterfaceTwice(_) => "interface.id",
            E::TooManyAddresses | E::AddressTwice(_) => "interface.addresses",
            E::Mac { .. } => "interface.virtual-mac",
            E::Announcements(_) => "announcements.count",
            E::AnnouncementInterval => "announcements.interval",
            E::AnnouncementBurst(_) => "announcements.burst",
            E::AnnouncementGap(_) => "announcements.gap",
            E::MonitoringAddress { address: IpAddr::V4(_), .. } => "interface.monitoring-ipv4",
            E::MonitoringAddress { address: IpAddr::V6(_), .. } => "interface.monitoring-ipv6",
            _ => return Self::Pair(error),
        };
        let text = error.to_string();
        wrong(key, text.split_once(": ").map_or(text.as_str(), |(_, reason)| reason))
    }
}

pub(super) fn wrong(key: impl Into<String>, reason: impl ToString) -> ConfigError {
    ConfigError::Value { key: key.into(), reason: reason.to_string() }
}

impl Checked {
    /// Checks a configuration.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn new(file: File) -> Result<Self, ConfigError> {
        let product = Product {
            model: file.unit.model.parse().map_err(|e| wrong("unit.model", e))?,
            firmware: file.unit.firmware.parse().map_err(|e| wrong("unit.firmware", e))?,
        };
        let paths = file
            .path
            .iter()
            .enumerate()
            .map(|(at, path)| addresses(at, path))
            .collect::<Result<Vec<Addresses>, _>>()?;
        check_paths(&file.path, &paths)?;
        let mut interfaces = Vec::new();
        for (at, interface) in file.interface.iter().enumerate() {
            interfaces.push(data(at, interface, PairId(file.pair.id))?);
        }
        check_bearers(&interfaces)?;
        if let Some(priority) = file.process.realtime_priority
            && !(1..=99).contains(&priority)
        {
            return Err(wrong("process.realtime-priority", "it must be from 1 to 99"));
        }
        let receive_buffer = file.sync.receive_buffer.as_u64();
        if !(1 << 16..=1 << 30).contains(&receive_buffer) {
            return Err(wrong("sync.receive-buffer", "it must be from 64 KiB to 1 GiB"));
        }
        if let Some(metrics) = file.process.metrics
            && !metrics.ip().is_loopback()
        {
            let reason = format!("{metrics} is not on loopback, and anybody could read them there");
            return Err(wrong("process.metrics", reason));
        }
        let shared: Vec<_> = interfaces.iter().map(Data::shared).collect();
        let monitors = monitoring::monitors(&file, &shared)?;
        let services = monitoring::services(&file)?;
        let checked = Self { file, product, paths, interfaces, monitors, services };
        if checked.file.sync.enabled && checked.sync_paths().is_empty() {
            let reason = "no path has a sync-port, so there is none for state synchronization";
            return Err(wrong("path", reason));
        }
        let virtual_macs: Vec<_> = checked
            .interfaces
            .iter()
            .filter_map(|data| Some((data.id, data.virtual_mac.as_ref()?.1)))
            .collect();
        check_distinct(&virtual_macs, &[]).map_err(|e| wrong("interface.virtual-mac", e))?;
        // Without virtual MACs the units' own ones are not known here; any will do for the other rules.
        checked.any_pair()?;
        Ok(checked)
    }

    fn any_pair(&self) -> Result<PairConfig, ConfigError> {
        self.pair(1, |at| MacAddress([2, 0, 0, 0, 1, u8::try_from(at).unwrap_or(0)]), None)
    }

    /// What is allowed, and still unwise, with its key.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        // It was valid when it was checked.
        let warnings = self.any_pair().map(|pair| pair.warnings()).unwrap_or_default();
        let with_key = |warning: &ConfigWarning| match warning {
            ConfigWarning::NoLinkLocal(_) => warning.to_string(),
            _ => format!("pair.{warning}"),
        };
        warnings.iter().map(with_key).collect()
    }

    /// The configuration of the role machine. `own_mac` tells the MAC address of an interface, by its
    /// position, that has no virtual one; `maintenance` is what was persisted of maintenance mode.
    ///
    /// # Errors
    /// A rule of the role machine is broken.
    pub fn pair(
        &self,
        seed: u64,
        own_mac: impl Fn(usize) -> MacAddress,
        maintenance: Option<&[u8]>,
    ) -> Result<PairConfig, ConfigError> {
        let unit = &self.file.unit;
        let serial = unit.serial.parse().map_err(|e| wrong("unit.serial", e))?;
        let peer = self.file.peer.serial.parse().map_err(|e| wrong("peer.serial", e))?;
        let settings = &self.file.pair;
        let announcements = &self.file.announcements;
        let mut builder = PairConfig::builder(unit.designation, serial, peer, self.product, seed)
            .heartbeat_interval(settings.heartbeat_interval)
            .trigger_level(settings.trigger_level)
            .election_delay(settings.election_delay)
            .paths(self.file.path.iter().map(|path| path.kind))
            .mode(Mode::ActiveStandby { stateful: self.file.sync.enabled })
            .preempt(settings.preempt)
            .flap_limit(settings.flap_changes, settings.flap_window)
            .announcements(announcements.count, announcements.interval)
            .announcement_pace(announcements.burst, announcements.gap)
            .monitoring(self.monitors.clone());
        if let Some(maintenance) = maintenance {
            builder = builder.persisted(maintenance);
        }
        for (at, data) in self.interfaces.iter().enumerate() {
            builder = builder.interface(pair::SharedInterface {
                id: data.id,
                mac: data.virtual_mac.as_ref().map_or_else(|| own_mac(at), |(_, mac)| *mac),
                addresses: data.addresses.clone(),
            });
        }
        Ok(builder.build()?)
    }

    /// The configuration of state synchronization, if it is on.
    ///
    /// # Errors
    /// A rule of it is broken.
    pub fn sync(&self, seed: u64) -> Result<Option<statesync::Config>, ConfigError> {
        if !self.file.sync.enabled {
            return Ok(None);
        }
        let peer = ha_core::identity::UnitId::of(self.file.unit.designation.other());
        Ok(Some(statesync::Config::new(seed, peer, self.sync_paths())?))
    }

    /// The paths that can carry state synchronization.
    #[must_use]
    pub fn sync_paths(&self) -> Vec<PathId> {
        let numbered = (0..).map(PathId).zip(&self.paths);
        numbered.filter(|(_, path)| path.sync.is_some()).map(|(id, _)| id).collect()
    }

    /// The interfaces with shared addresses, as the system's side wants them.
    #[must_use]
    pub fn shared(&self) -> Vec<links::SharedInterface> {
        self.interfaces.iter().map(Data::shared).collect()
    }

    /// The devices of all interfaces.
    #[must_use]
    pub fn devices(&self) -> BTreeMap<InterfaceId, String> {
        self.interfaces.iter().map(|data| (data.id, data.device.clone())).collect()
    }

    /// The ports of the interfaces whose links are monitored: whose, which of its ports, and what the system
    /// calls it.
    pub fn monitored_ports(&self) -> impl Iterator<Item = (InterfaceId, u8, &str)> {
        let monitored = self.file.interface.iter().filter(|it| it.monitor);
        monitored.flat_map(|it| {
            (0..).zip(it.ports()).map(|(port, device)| (InterfaceId(it.id), port, device))
        })
    }

    /// The own addresses of a unit, on their interfaces.
    #[must_use]
    pub fn monitoring_addresses(&self, unit: Designation) -> Vec<links::Own> {
        let own = self.monitors.addresses_of(unit).filter_map(|(id, address)| {
            let data = self.interfaces.iter().find(|data| data.id == id)?;
            let monitored = self.monitors.interfaces().iter().find(|it| it.interface == id)?;
            let prefix = match address {
                IpAddr::V4(_) => monitored.ipv4?.shared.prefix_len(),
                IpAddr::V6(_) => monitored.ipv6?.shared.prefix_len(),
            };
            Some((data.device.clone(), InterfaceAddress::new(address, prefix).ok()?))
        });
        own.collect()
    }

    /// The numbers of those interfaces, in the same order.
    pub fn interface_ids(&self) -> impl Iterator<Item = InterfaceId> + '_ {
        self.interfaces.iter().map(|data| data.id)
    }

    /// Which connections are synchronized.
    #[must_use]
    pub fn scope(&self) -> Scope {
        let own = self.paths.iter().flat_map(|path| [path.pair.0, path.pair.1]);
        let paths = own.map(|address| address.ip());
        let both = [Designation::Primary, Designation::Secondary].into_iter();
        let monitoring = both.flat_map(|unit| self.monitors.addresses_of(unit));
        let own = paths.chain(monitoring.map(|(_, address)| address)).map(IpNet::from);
        Scope::new(self.file.sync.ignore.iter().copied().chain(own))
    }
}

impl Data {
    fn shared(&self) -> links::SharedInterface {
        links::SharedInterface {
            device: self.device.clone(),
            virtual_mac: self.virtual_mac.clone(),
            addresses: self.addresses.clone(),
        }
    }
}

fn addresses(at: usize, path: &Path) -> Result<Addresses, ConfigError> {
    let key = |name: &str| format!("path {} ({}): {name}", at.saturating_add(1), path.name);
    if path.local.is_ipv4() != path.peer.is_ipv4() {
        return Err(wrong(key("peer"), "it is not of the same family as local"));
    }
    if path.local == path.peer {
        return Err(wrong(key("peer"), "it is our own address"));
    }
    for (name, address) in [("local", path.local), ("peer", path.peer)] {
        if address.is_unspecified() || address.is_multicast() {
            return Err(wrong(key(name), "it is not the address of one host"));
        }
    }
    for (name, port) in [("port", Some(path.port)), ("sync-port", path.sync_port)] {
        if port == Some(0) {
            return Err(wrong(key(name), "it is zero"));
        }
    }
    if path.sync_port == Some(path.port) {
        return Err(wrong(key("sync-port"), "it is the port of the heartbeats"));
    }
    if path.kind == PathKind::Lan && path.sync_port.is_some() {
        return Err(wrong(
            key("sync-port"),
            "a path of the kind \"lan\" never carries connections",
        ));
    }
    let both = |port| (SocketAddr::new(path.local, port), SocketAddr::new(path.peer, port));
    Ok(Addresses { pair: both(path.port), sync: path.sync_port.map(both) })
}

/// A name tells one path, and a socket belongs to one.
fn check_paths(paths: &[Path], addresses: &[Addresses]) -> Result<(), ConfigError> {
    let mut names = BTreeSet::new();
    let mut sockets = BTreeSet::new();
    for ((number, path), addresses) in (1..).zip(paths).zip(addresses) {
        let key = |name: &str| format!("path {number} ({}): {name}", path.name);
        if !names.insert(&path.name) {
            return Err(wrong(key("name"), "another path has it"));
        }
        if !sockets.insert(addresses.pair.0) {
            return Err(wrong(key("port"), "another path has this port on the same address"));
        }
        if addresses.sync.is_some_and(|(ours, _)| !sockets.insert(ours)) {
            return Err(wrong(key("sync-port"), "another path has this port on the same address"));
        }
    }
    Ok(())
}

/// The addresses of two interfaces are never borne by one device.
fn check_bearers(interfaces: &[Data]) -> Result<(), ConfigError> {
    let mut names: BTreeSet<_> = interfaces.iter().map(|data| data.device.as_str()).collect();
    let mut plain = BTreeSet::new();
    for (number, data) in (1..).zip(interfaces) {
        let key = |name: &str| format!("interface {number} ({}): {name}", data.device);
        match &data.virtual_mac {
            Some((macvlan, _)) if !names.insert(macvlan) => {
                let reason = format!("{macvlan:?} is the name of another interface");
                return Err(wrong(key("macvlan"), reason));
            }
            None if !plain.insert(&data.device) => {
                return Err(wrong(key("device"), "it bears the addresses of another interface"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn data(at: usize, interface: &Interface, pair: PairId) -> Result<Data, ConfigError> {
    let key =
        |name: &str| format!("interface {} ({}): {name}", at.saturating_add(1), interface.device);
    let id = InterfaceId(interface.id);
    let source = match interface.virtual_mac.as_str() {
        "none" => None,
        "derived" => Some(VirtualMac::Derived { pair, prefix: None }),
        text => {
            let mac = text.parse().map_err(|error| {
                let reason = format!("{text:?} is neither \"derived\" nor \"none\", and {error}");
                wrong(key("virtual-mac"), reason)
            })?;
            Some(VirtualMac::Override(mac))
        }
    };
    let mac = source
        .map(|source| source.address(id))
        .transpose()
        .map_err(|e| wrong(key("virtual-mac"), e))?;
    let macvlan = interface.macvlan.clone().unwrap_or_else(|| format!("{}v", interface.device));
    if mac.is_some() && (macvlan.is_empty() || macvlan.len() > 15) {
        return Err(wrong(key("macvlan"), format!("{macvlan:?} is not a name of 1 to 15 bytes")));
    }
    if interface.addresses.is_empty() {
        return Err(wrong(key("addresses"), "there are none"));
    }
    let mut addresses = interface
        .addresses
        .iter()
        .map(|text| text.parse().map_err(|e| wrong(key("addresses"), format!("{text:?}: {e}"))))
        .collect::<Result<Vec<InterfaceAddress>, _>>()?;
    // Hosts know their router by its link-local address: it moves, and is announced, with the others.
    let link_local = mac.and_then(|mac| links::link_local(mac, &addresses));
    addresses.splice(0..0, link_local);
    Ok(Data {
        id,
        device: interface.device.clone(),
        virtual_mac: mac.map(|mac| (macvlan, mac)),
        addresses,
    })
}
