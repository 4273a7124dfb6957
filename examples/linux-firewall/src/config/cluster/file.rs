//! The keys of a cluster node's configuration file.

use super::super::file::{Process, Unit, duration};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

/// The whole file. Unknown keys are refused everywhere, those of a pair too: a node has one unit so far.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterFile {
    /// `[unit]`: who this unit is.
    pub unit: Unit,
    /// `[cluster]`: the cluster, and which of its nodes this is.
    pub cluster: Cluster,
    /// `[process]`: the program itself.
    #[serde(default)]
    pub process: Process,
}

/// `[cluster]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cluster {
    /// The number of the cluster: it keeps two clusters on one LAN apart.
    #[serde(default)]
    pub id: u16,
    /// Which node this is: 1 to 4.
    pub node: u8,
    /// How often each unit advertises itself: 10 ms to 300 s.
    #[serde(deserialize_with = "duration", default = "default_interval")]
    pub interval: Duration,
    /// So many missed advertisements mean that a unit is lost: 2 to 99.
    #[serde(default = "default_level")]
    pub trigger_level: u8,
    /// How long a link that is up again must stay so until it counts: 0 s to 1 h.
    #[serde(deserialize_with = "duration", default = "default_restore_hold")]
    pub restore_hold: Duration,
    /// The version of these settings: all nodes go by the ranks of the highest one.
    #[serde(default)]
    pub version: u64,
    /// The first four bytes of the virtual MAC addresses: two clusters on one LAN need different ones.
    #[serde(default = "default_prefix")]
    pub virtual_mac_prefix: String,
    /// The UDP port of the cluster's messages.
    #[serde(default = "default_port")]
    pub port: u16,
    /// The interface by which nodes hear each other when all cluster links fail; none without it.
    pub x0: Option<String>,
    /// `[[cluster.link]]`: the links between the nodes.
    #[serde(default)]
    pub link: Vec<Link>,
    /// `[[cluster.member]]`: the nodes, this one too.
    pub member: Vec<Member>,
    /// `[[cluster.interface]]`: the interfaces with virtual addresses.
    #[serde(default)]
    pub interface: Vec<Interface>,
    /// `[[cluster.group]]`: the virtual groups: VG 1, VG 2 and so on.
    pub group: Vec<Group>,
}

/// `[[cluster.link]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Link {
    /// A name for logs and the status.
    pub name: String,
    /// The network interface.
    pub device: String,
}

/// `[[cluster.member]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Member {
    /// Its number: 1 to 4.
    pub node: u8,
    /// The serial number of its unit: others are not heard.
    pub serial: String,
    /// Its address on each cluster link, in their order.
    pub addresses: Vec<IpAddr>,
    /// Its own address on X0, if there is one.
    pub x0: Option<IpAddr>,
}

/// `[[cluster.interface]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Interface {
    /// Its number, 0 to 255, the same on all nodes: the virtual MAC addresses bear it.
    pub id: u16,
    /// The network interface.
    pub device: String,
    /// The ports of which it is made, up to 8: its link is up as long as one of them is. Default: the device
    /// itself.
    pub ports: Option<Vec<String>>,
}

impl Interface {
    /// The ports whose carriers make its link.
    pub(crate) fn ports(&self) -> impl Iterator<Item = &str> {
        let device = self.ports.is_none().then_some(self.device.as_str());
        self.ports.iter().flatten().map(String::as_str).chain(device)
    }
}

/// `[[cluster.group]]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Group {
    /// The ranks of node 1, node 2 and so on: 1 is the best, a node with 0 never owns the group.
    pub ranks: Vec<u8>,
    /// The mark that the rules of the firewall give to its connections: they are forgotten when it moves. Without it
    /// none are.
    pub mark: Option<NonZeroU32>,
    /// Its virtual addresses with prefix length, by interface.
    #[serde(default)]
    pub addresses: BTreeMap<String, Vec<String>>,
}

fn default_interval() -> Duration {
    Duration::from_secs(1)
}

fn default_level() -> u8 {
    5
}

fn default_restore_hold() -> Duration {
    Duration::from_secs(10)
}

fn default_prefix() -> String {
    "00-17-c5-6a".to_owned()
}

fn default_port() -> u16 {
    7772
}
