//! What a cluster is configured with: the same for all of its units, but for what tells them apart.

use super::broken::{Broken, Parts};
use crate::harness::{config, product};
use core::net::{IpAddr, Ipv4Addr};
use core::time::Duration;
use ha_core::address::InterfaceAddress;
use ha_core::identity::{Designation, InterfaceId, PathId, SerialNumber};
use ha_core::monitor::{MAX_PORTS, Zone};
use ha_core::pair::{Mode, PairConfig, Product};
use svrrp::cluster::{ClusterConfig, Rules};
use svrrp::link_weight::RestoreHold;
use svrrp::virtual_address::{VirtualAddresses, VirtualInterface};
use svrrp::wire::X0_PATH;
use svrrp::{GroupNumber, Member, NodeNumber, Rank, RankTable};

/// The places for units: [`Member::index`].
pub const PLACES: usize = 8;
/// The places for groups: [`GroupNumber::index`].
pub const GROUPS: usize = 4;

/// The configuration of a cluster.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setup {
    /// How many nodes there are.
    pub nodes: u8,
    /// Which of them have two units.
    pub pairs: [bool; 4],
    /// How many virtual groups there are.
    pub groups: u8,
    /// How many interfaces have virtual addresses.
    pub interfaces: u8,
    /// How many redundant ports each of them has.
    pub ports: u8,
    /// How many cluster links there are.
    pub cluster_links: u8,
    /// Whether X0 stands in for them.
    pub x0: bool,
    /// How often a unit advertises itself, and sends heartbeats inside its node.
    pub interval: Duration,
    /// So many missed ones are a loss.
    pub level: u8,
    /// How long a rise of weight is held back.
    pub restore_hold: Duration,
    /// The pairs monitor links.
    pub monitored: bool,
    /// By [`GroupNumber::index`], then [`NodeNumber::index`]; 0: no rank.
    pub ranks: [[u8; 4]; GROUPS],
    /// How long a datagram takes at the least.
    pub delay: Duration,
    /// How much longer at the most.
    pub jitter: Duration,
    /// Of 1000 datagrams so many are lost.
    pub loss: u64,
    /// Of 1000 datagrams so many come twice.
    pub duplicates: u64,
    /// By how many nanoseconds per millisecond two clocks differ at the most.
    pub drift: i64,
    /// How long a platform takes for an action.
    pub answer_delay: Duration,
    /// Outputs are polled after each call, or once after all that is due at an instant.
    pub poll_each: bool,
    /// This unit runs other firmware than the others.
    pub odd: Option<usize>,
    /// What is wrong with the machines.
    pub broken: Option<&'static Broken>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            nodes: 2,
            pairs: [false; 4],
            groups: 1,
            interfaces: 1,
            ports: 1,
            cluster_links: 1,
            x0: false,
            interval: Duration::from_millis(100),
            level: 5,
            restore_hold: Duration::from_secs(1),
            monitored: true,
            ranks: [[1, 2, 3, 4], [2, 1, 3, 4], [3, 2, 1, 4], [4, 2, 3, 1]],
            delay: Duration::from_millis(1),
            jitter: Duration::ZERO,
            loss: 0,
            duplicates: 0,
            drift: 0,
            answer_delay: Duration::ZERO,
            poll_each: true,
            odd: None,
            broken: None,
        }
    }
}

/// What the embedder of a unit knows of the settings that all nodes share.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Their version.
    pub version: u64,
    /// The ranks in them.
    pub ranks: RankTable,
}

impl Setup {
    /// After so long a silence a unit is lost.
    #[must_use]
    pub fn failure_time(&self) -> Duration {
        self.interval * u32::from(self.level)
    }

    /// The units there are, node by node.
    pub fn members(&self) -> impl Iterator<Item = Member> + use<> {
        let setup = *self;
        Member::all().filter(move |it| {
            it.node.get() <= setup.nodes
                && (it.designation == Designation::Primary || setup.pairs[it.node.index()])
        })
    }

    /// The groups there are.
    pub fn groups(&self) -> impl Iterator<Item = GroupNumber> + use<> {
        let groups = self.groups;
        GroupNumber::ALL.into_iter().filter(move |it| it.get() <= groups)
    }

    /// Whether an interface has an address in a group: in VG 1 each has one (NODE-5).
    #[must_use]
    pub fn has(&self, interface: u8, group: GroupNumber) -> bool {
        group == GroupNumber::One
            || self.interfaces == 1
            || !(interface + group.get()).is_multiple_of(3)
    }

    /// All paths of the cluster.
    pub fn paths(&self) -> impl Iterator<Item = PathId> + use<> {
        (0..self.cluster_links).map(PathId).chain(self.x0.then_some(X0_PATH))
    }

    /// The settings of the beginning.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings { version: 1, ranks: rank_table(&self.ranks) }
    }

    /// How long the platform may take for an action.
    #[must_use]
    pub fn action_timeout(&self) -> Duration {
        self.interval * 20
    }

    fn addresses(&self) -> VirtualAddresses {
        let mut table = VirtualAddresses::builder().groups(self.groups);
        for number in 0..self.interfaces {
            let interface = InterfaceId(number.into());
            let ports = self.ports.min(MAX_PORTS);
            table = table.interface(VirtualInterface { interface, zone: Zone::Other, ports });
            for group in self.groups().filter(|group| self.has(number, *group)) {
                let address = IpAddr::V4(Ipv4Addr::new(10, group.get(), number, 1));
                let address = InterfaceAddress::new(address, 24).expect("a valid address");
                table = table.address(interface, group, address);
            }
        }
        table.build().expect("the plan's addresses are valid")
    }

    /// The configuration of a unit's start.
    #[must_use]
    pub fn cluster_config(&self, own: Member, seed: u64, settings: Settings) -> ClusterConfig {
        let mut parts = Parts { rules: Rules::STANDARD, restore_hold: self.restore_hold };
        if let Some(broken) = self.broken {
            broken.put(own, &mut parts);
        }
        let hold = RestoreHold::new(parts.restore_hold).expect("the plan's hold is valid");
        let ours = product();
        let other = Product { firmware: "7.2.0".parse().expect("a short word"), ..ours };
        let product = if self.odd == Some(own.index()) { other } else { ours };
        let mut config = ClusterConfig::builder(own, product, seed)
            .ranks(settings.version, settings.ranks)
            .addresses(self.addresses())
            .rhythm(self.interval, self.level)
            .paths(self.cluster_links, self.x0)
            .restore_hold(hold)
            .monitored(self.monitored)
            .action_timeout(self.action_timeout())
            .rules(parts.rules);
        for member in self.members() {
            config = config.member(member, serial(member));
        }
        config.build().expect("the plan's configuration is valid")
    }

    /// The configuration of the pair inside a node of two units.
    #[must_use]
    pub fn pair_config(&self, own: Member, seed: u64, kept: Option<&[u8]>) -> PairConfig {
        let place = usize::from(own.designation == Designation::Secondary);
        let builder = config(place, seed)
            .heartbeat_interval(self.interval)
            .trigger_level(self.level)
            .mode(Mode::ActiveActiveClustering { stateful: false })
            .action_timeout(self.action_timeout());
        let builder = match kept {
            Some(kept) => builder.persisted(kept),
            None => builder,
        };
        builder.build().expect("the plan's configuration is valid")
    }
}

/// The serial number of a unit.
#[must_use]
pub fn serial(member: Member) -> SerialNumber {
    let unit = if member.designation == Designation::Primary { 'P' } else { 'S' };
    format!("SN-{}{unit}", member.node.get()).parse().expect("a short word")
}

/// A table of these ranks: by group, then by node; 0 is none.
#[must_use]
pub fn rank_table(ranks: &[[u8; 4]; GROUPS]) -> RankTable {
    let mut table = RankTable::new();
    for (group, of_group) in GroupNumber::ALL.into_iter().zip(ranks) {
        for (node, rank) in NodeNumber::ALL.into_iter().zip(of_group) {
            table.set(group, node, Rank::new(*rank));
        }
    }
    table
}

/// What a unit is called in a timeline: its node, and P or S.
#[must_use]
pub fn name(unit: usize) -> String {
    format!("{}{}", unit / 2 + 1, if unit.is_multiple_of(2) { 'P' } else { 'S' })
}

/// The node of the unit at this place.
#[must_use]
pub fn node_of(unit: usize) -> NodeNumber {
    NodeNumber::ALL[unit / 2]
}

/// The unit at this place.
#[must_use]
pub fn member_of(unit: usize) -> Member {
    Member::all().nth(unit).expect("there are eight places")
}
