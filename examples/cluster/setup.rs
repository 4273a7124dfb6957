//! What the cluster is configured with: the same for all of its units, but for what tells them apart.

use crate::cables::{Cable, LINK, X0};
use ha_core::address::InterfaceAddress;
use ha_core::identity::{Designation, InterfaceId, SerialNumber};
use ha_core::monitor::{MonitorConfig, MonitoredInterface, Physical, Zone};
use ha_core::pair::{Mode, PairConfig, Product};
use std::error::Error;
use std::time::Duration;
use svrrp::cluster::ClusterConfig;
use svrrp::link_weight::RestoreHold;
use svrrp::virtual_address::{VirtualAddresses, VirtualInterface};
use svrrp::{GroupNumber, Member, NodeNumber, Rank, RankTable};

/// The interfaces of every unit with virtual addresses, one in each group. X0 is no such one: it leads to the other nodes.
pub(crate) const INTERFACES: [InterfaceId; 2] = [InterfaceId(1), InterfaceId(2)];
/// A link that came back counts after so long.
const RESTORE_HOLD: Duration = Duration::from_secs(1);

/// The shape of a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Setup {
    pub(crate) nodes: u8,
    /// Of each node: one, or a pair.
    pub(crate) units: u8,
    pub(crate) groups: u8,
    pub(crate) interval: Duration,
    pub(crate) level: u8,
}

impl Setup {
    pub(crate) fn nodes(&self) -> impl Iterator<Item = NodeNumber> + Clone + use<> {
        let nodes = self.nodes;
        NodeNumber::ALL.into_iter().filter(move |node| node.get() <= nodes)
    }

    pub(crate) fn groups(&self) -> impl Iterator<Item = GroupNumber> + use<> {
        let groups = self.groups;
        GroupNumber::ALL.into_iter().filter(move |group| group.get() <= groups)
    }

    pub(crate) fn members(&self) -> impl Iterator<Item = Member> + use<> {
        let (nodes, pairs) = (self.nodes, self.has_pairs());
        Member::all().filter(move |it| {
            it.node.get() <= nodes && (it.designation == Designation::Primary || pairs)
        })
    }

    /// Each two of the nodes.
    pub(crate) fn node_pairs(&self) -> impl Iterator<Item = [NodeNumber; 2]> + Clone + use<> {
        let nodes = self.nodes();
        nodes.clone().flat_map(move |one| {
            nodes.clone().filter(move |other| *other > one).map(move |other| [one, other])
        })
    }

    /// All cables between nodes: the cluster links first.
    pub(crate) fn cables(&self) -> impl Iterator<Item = Cable> + Clone + use<> {
        let pairs = self.node_pairs();
        [LINK, X0].into_iter().flat_map(move |path| {
            pairs.clone().filter_map(move |[one, other]| Cable::new(one, other, path))
        })
    }

    pub(crate) fn has_pairs(&self) -> bool {
        self.units > 1
    }

    /// After so long a silence a unit is lost.
    pub(crate) fn failure_time(&self) -> Duration {
        self.interval * u32::from(self.level)
    }

    /// Each group has a node of its own that comes first, as far as there are so many; the others follow in turn.
    pub(crate) fn ranks(&self) -> RankTable {
        let mut ranks = RankTable::new();
        for group in self.groups() {
            for node in self.nodes() {
                let behind = (node.get() + self.nodes - group.get() % self.nodes) % self.nodes;
                ranks.set(group, node, Rank::new(behind + 1));
            }
        }
        ranks
    }

    /// The cluster machine of a start of a unit, with the present ranks.
    pub(crate) fn cluster_config(
        &self,
        own: Member,
        (version, ranks): (u64, RankTable),
        seed: u64,
    ) -> Result<ClusterConfig, Box<dyn Error>> {
        let mut config = ClusterConfig::builder(own, product()?, seed)
            .ranks(version, ranks)
            .addresses(self.addresses()?)
            .rhythm(self.interval, self.level)
            // `cables::LINK`, and `cables::X0`.
            .paths(1, true)
            .restore_hold(RestoreHold::new(RESTORE_HOLD)?)
            .monitored(self.has_pairs());
        for member in self.members() {
            config = config.member(member, serial(member)?);
        }
        Ok(config.build()?)
    }

    /// The pair inside a node. Its addresses are those of the groups: it has none of its own.
    pub(crate) fn pair_config(&self, own: Member, seed: u64) -> Result<PairConfig, Box<dyn Error>> {
        let peer = Member { designation: own.designation.other(), ..own };
        let links = INTERFACES.map(|interface| MonitoredInterface {
            interface,
            zone: Zone::Other,
            physical: Some(Physical { ports: 1, weight: 1 }),
            ipv4: None,
            ipv6: None,
        });
        let monitoring =
            links.into_iter().fold(MonitorConfig::builder(), |it, link| it.interface(link));
        let config =
            PairConfig::builder(own.designation, serial(own)?, serial(peer)?, product()?, seed)
                .heartbeat_interval(self.interval)
                .trigger_level(self.level)
                .mode(Mode::ActiveActiveClustering { stateful: false })
                .monitoring(monitoring.build()?)
                // Here somebody plays with it.
                .flap_limit(100, Duration::from_secs(1));
        Ok(config.build()?)
    }

    fn addresses(&self) -> Result<VirtualAddresses, Box<dyn Error>> {
        let mut addresses = VirtualAddresses::builder().groups(self.groups);
        for interface in INTERFACES {
            let it = VirtualInterface { interface, zone: Zone::Other, ports: 1 };
            addresses = addresses.interface(it);
            for group in self.groups() {
                let address = format!("192.0.{}.{}/24", interface.0, group.get());
                let address: InterfaceAddress = address.parse()?;
                addresses = addresses.address(interface, group, address);
            }
        }
        Ok(addresses.build()?)
    }
}

fn product() -> Result<Product, Box<dyn Error>> {
    Ok(Product { model: "Example".parse()?, firmware: "1.0".parse()? })
}

fn serial(member: Member) -> Result<SerialNumber, Box<dyn Error>> {
    Ok(format!("SN-{}", crate::naming::unit(member)).parse()?)
}
