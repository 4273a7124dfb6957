//! From the file to what the cluster machine and the platform need. What is wrong is named by its key.

use super::super::check::{ConfigError, check_process, product, wrong};
use super::file::{ClusterFile, Group, Interface};
use super::named::named;
use crate::links;
use ha_core::address::InterfaceAddress;
use ha_core::identity::{Designation, InterfaceId, PathId};
use ha_core::monitor::Zone;
use ha_core::pair::Product;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use svrrp::cluster::ClusterConfig;
use svrrp::link_weight::RestoreHold;
use svrrp::virtual_address::{VirtualAddresses, VirtualInterface};
use svrrp::wire::X0_PATH;
use svrrp::{GroupNumber, Member, NodeNumber, Rank, RankTable};

/// A configuration all of whose rules were checked, as far as that is possible without the system.
#[derive(Clone, Debug)]
pub struct CheckedNode {
    /// The file as it was read.
    pub file: ClusterFile,
    /// Which unit of the cluster this is.
    pub own: Member,
    /// The ways to the other units: the cluster links, then X0.
    pub paths: Vec<Path>,
    product: Product,
    addresses: VirtualAddresses,
}

/// One way to the other units.
#[derive(Clone, Debug)]
pub struct Path {
    /// Its number.
    pub id: PathId,
    /// Its name.
    pub name: String,
    /// The network interface.
    pub device: String,
    /// Our address there.
    pub local: SocketAddr,
    /// Those of the others.
    pub peers: Vec<(Member, SocketAddr)>,
}

impl CheckedNode {
    /// Checks a configuration.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn new(file: ClusterFile) -> Result<Self, ConfigError> {
        let product = product(&file.unit)?;
        check_process(&file.process)?;
        if file.unit.designation != Designation::Primary {
            let reason = "the unit of a node of one unit is its primary";
            return Err(wrong("unit.designation", reason));
        }
        let node = NodeNumber::new(file.cluster.node);
        let own = member(node.ok_or_else(|| wrong("cluster.node", "it is not 1 to 4"))?);
        check_members(&file, own)?;
        let paths = paths(&file, own)?;
        let addresses = addresses(&file)?;
        let checked = Self { file, own, paths, product, addresses };
        checked.machine(1)?;
        Ok(checked)
    }

    /// The configuration of the cluster machine.
    ///
    /// # Errors
    /// A rule of it is broken.
    pub fn machine(&self, seed: u64) -> Result<ClusterConfig, ConfigError> {
        let cluster = &self.file.cluster;
        let hold = RestoreHold::new(cluster.restore_hold)
            .map_err(|_| wrong("cluster.restore-hold", "it is longer than 1 h"))?;
        let mut ranks = RankTable::new();
        for (number, group) in GroupNumber::ALL.into_iter().zip(&cluster.group) {
            for (node, rank) in NodeNumber::ALL.into_iter().zip(&group.ranks) {
                ranks.set(number, node, Rank::new(*rank));
            }
        }
        let links = u8::try_from(cluster.link.len()).unwrap_or(u8::MAX);
        let mut builder = ClusterConfig::builder(self.own, self.product, seed)
            .cluster(cluster.id)
            .ranks(cluster.version, ranks)
            .addresses(self.addresses.clone())
            .rhythm(cluster.interval, cluster.trigger_level)
            .paths(links, cluster.x0.is_some())
            .restore_hold(hold)
            // There is no other unit that could help.
            .monitored(false);
        for (number, it) in (1..).zip(&cluster.member) {
            let key = format!("cluster.member {number}: serial");
            let serial = it.serial.parse().map_err(|e| wrong(key, e))?;
            // It was checked that this is a node's number.
            let node = NodeNumber::new(it.node).unwrap_or(self.own.node);
            builder = builder.member(member(node), serial);
        }
        builder.build().map_err(named)
    }

    /// The virtual addresses of all groups.
    #[must_use]
    pub fn addresses(&self) -> &VirtualAddresses {
        &self.addresses
    }

    /// The interfaces that bear the addresses of a group, as the system's side wants them.
    #[must_use]
    pub fn shared(&self, group: GroupNumber) -> Vec<(InterfaceId, links::SharedInterface)> {
        let interfaces = self.file.cluster.interface.iter();
        let shared = interfaces.filter_map(|it| {
            let id = InterfaceId(it.id);
            let here = || self.addresses.of(group).filter(|(at, _)| at.interface == id);
            let (_, mac) = here().next()?;
            let addresses = here().map(|(at, _)| at.address).collect();
            let virtual_mac = Some((macvlan(&it.device, group), mac));
            let device = it.device.clone();
            Some((id, links::SharedInterface { device, virtual_mac, addresses }))
        });
        shared.collect()
    }

    /// The mark of the connections of a group.
    #[must_use]
    pub fn mark(&self, group: GroupNumber) -> Option<NonZeroU32> {
        self.file.cluster.group.get(group.index())?.mark
    }

    /// The ports of the interfaces with virtual addresses: whose, which of its ports, and what the system calls it.
    pub fn monitored_ports(&self) -> impl Iterator<Item = (InterfaceId, u8, &str)> {
        let is_monitored =
            |it: &&Interface| self.addresses.monitored().any(|one| one.interface.0 == it.id);
        self.file.cluster.interface.iter().filter(is_monitored).flat_map(|it| {
            (0..).zip(it.ports()).map(|(port, device)| (InterfaceId(it.id), port, device))
        })
    }
}

/// The unit of a node of one.
fn member(node: NodeNumber) -> Member {
    Member { node, designation: Designation::Primary }
}

/// The device that bears the addresses of a group: the name of the interface, a "g", and the number of the group.
fn macvlan(device: &str, group: GroupNumber) -> String {
    format!("{device}g{}", group.get())
}

fn check_members(file: &ClusterFile, own: Member) -> Result<(), ConfigError> {
    let cluster = &file.cluster;
    let mut nodes = BTreeSet::new();
    for (number, it) in (1..).zip(&cluster.member) {
        let key = |name: &str| format!("cluster.member {number}: {name}");
        if NodeNumber::new(it.node).is_none() {
            return Err(wrong(key("node"), "it is not 1 to 4"));
        }
        if !nodes.insert(it.node) {
            return Err(wrong(key("node"), "another member has it"));
        }
        if it.addresses.len() != cluster.link.len() {
            let (there, links) = (it.addresses.len(), cluster.link.len());
            let reason = format!("there are {there}, and {links} cluster links");
            return Err(wrong(key("addresses"), reason));
        }
        if it.x0.is_some() != cluster.x0.is_some() {
            let reason = "each member has an address on X0 if there is an X0, and else none";
            return Err(wrong(key("x0"), reason));
        }
    }
    let ours = cluster.member.iter().find(|it| it.node == own.node.get());
    let ours = ours.ok_or_else(|| wrong("cluster.node", "no member has this number"))?;
    if ours.serial != file.unit.serial {
        let reason = format!("{} is {} among the members", own.node, ours.serial);
        return Err(wrong("unit.serial", reason));
    }
    Ok(())
}

/// The cluster links, then X0.
fn paths(file: &ClusterFile, own: Member) -> Result<Vec<Path>, ConfigError> {
    let cluster = &file.cluster;
    if cluster.port == 0 {
        return Err(wrong("cluster.port", "it is zero"));
    }
    let mut names = BTreeSet::new();
    let mut paths = Vec::new();
    for (at, link) in cluster.link.iter().enumerate() {
        if !names.insert(&link.name) {
            let key = format!("cluster.link {}: name", at + 1);
            return Err(wrong(key, "another link has it"));
        }
        let id = PathId(u8::try_from(at).unwrap_or(u8::MAX));
        let address = |it: &super::file::Member| it.addresses.get(at).copied();
        paths.push(path(file, own, (id, &link.name, &link.device), "addresses", address)?);
    }
    if let Some(device) = &cluster.x0 {
        paths.push(path(file, own, (X0_PATH, "x0", device), "x0", |it| it.x0)?);
    }
    let mut sockets = BTreeSet::new();
    if let Some(path) = paths.iter().find(|path| !sockets.insert(path.local)) {
        let reason = format!("{} is our address on two links", path.local.ip());
        return Err(wrong("cluster.member", reason));
    }
    Ok(paths)
}

fn path(
    file: &ClusterFile,
    own: Member,
    (id, name, device): (PathId, &str, &str),
    key: &str,
    address: impl Fn(&super::file::Member) -> Option<IpAddr>,
) -> Result<Path, ConfigError> {
    let port = file.cluster.port;
    let mut local = None;
    let mut peers = Vec::new();
    let mut known: BTreeSet<IpAddr> = BTreeSet::new();
    for (number, it) in (1..).zip(&file.cluster.member) {
        let key = || format!("cluster.member {number}: {key}");
        let (Some(address), Some(node)) = (address(it), NodeNumber::new(it.node)) else { continue };
        if address.is_unspecified() || address.is_multicast() {
            return Err(wrong(key(), format!("{address} is not the address of one host")));
        }
        if known.iter().any(|other| other.is_ipv4() != address.is_ipv4()) {
            return Err(wrong(key(), format!("{address} is of another family than on this link")));
        }
        if !known.insert(address) {
            return Err(wrong(key(), format!("another member has {address}")));
        }
        let address = SocketAddr::new(address, port);
        if node == own.node {
            local = Some(address);
        } else {
            peers.push((member(node), address));
        }
    }
    // It was checked that this node is a member with an address on each link.
    let local = local.ok_or_else(|| wrong("cluster.node", "no member has this number"))?;
    Ok(Path { id, name: name.to_owned(), device: device.to_owned(), local, peers })
}

fn addresses(file: &ClusterFile) -> Result<VirtualAddresses, ConfigError> {
    let cluster = &file.cluster;
    let key = "cluster.virtual-mac-prefix";
    let prefix = cluster.virtual_mac_prefix.parse().map_err(|e| wrong(key, reason(e)))?;
    let groups = u8::try_from(cluster.group.len()).unwrap_or(u8::MAX);
    let mut builder = VirtualAddresses::builder().groups(groups).prefix(prefix);
    let mut ids = BTreeMap::new();
    for (number, it) in (1..).zip(&cluster.interface) {
        let key = |name: &str| format!("cluster.interface {number} ({}): {name}", it.device);
        if ids.insert(it.device.as_str(), InterfaceId(it.id)).is_some() {
            return Err(wrong(key("device"), "another interface has it"));
        }
        let mut names = BTreeSet::new();
        if let Some(twice) = it.ports().find(|port| !names.insert(*port)) {
            return Err(wrong(key("ports"), format!("{twice} is there twice")));
        }
        if it.device.is_empty() || macvlan(&it.device, GroupNumber::One).len() > 15 {
            return Err(wrong(key("device"), "with the number of a group it is no name"));
        }
        let ports = u8::try_from(names.len()).unwrap_or(u8::MAX);
        let interface = InterfaceId(it.id);
        builder = builder.interface(VirtualInterface { interface, zone: Zone::Other, ports });
    }
    let mut marks = BTreeSet::new();
    for (number, group) in GroupNumber::ALL.into_iter().zip(&cluster.group) {
        check_ranks(number, group, file)?;
        if group.mark.is_some_and(|mark| !marks.insert(mark)) {
            let key = format!("cluster.group {}: mark", number.get());
            return Err(wrong(key, "another group has it"));
        }
        let key = format!("cluster.group {}: addresses", number.get());
        for (device, texts) in &group.addresses {
            let none = || wrong(&key, format!("{device} is no interface of the cluster"));
            let interface = *ids.get(device.as_str()).ok_or_else(none)?;
            for text in texts {
                let parsed = text.parse();
                let address: InterfaceAddress =
                    parsed.map_err(|e| wrong(&key, format!("{text:?}: {e}")))?;
                if address.address().is_ipv6() {
                    let reason = "on Linux IPv6 is forwarded for all groups or none";
                    return Err(wrong(&key, format!("{text}: {reason}")));
                }
                builder = builder.address(interface, number, address);
            }
        }
    }
    builder.build().map_err(named)
}

fn check_ranks(number: GroupNumber, group: &Group, file: &ClusterFile) -> Result<(), ConfigError> {
    let key = format!("cluster.group {}: ranks", number.get());
    for (node, rank) in (1..).zip(&group.ranks) {
        if *rank > 0 && !file.cluster.member.iter().any(|it| it.node == node) {
            return Err(wrong(key, format!("node {node} has one, and is no member")));
        }
    }
    Ok(())
}

/// A rule names its field before the reason; a person looks for a key.
pub(super) fn reason(error: impl std::fmt::Display) -> String {
    let text = error.to_string();
    text.split_once(": ").map_or(text.clone(), |(_, reason)| reason.to_owned())
}
