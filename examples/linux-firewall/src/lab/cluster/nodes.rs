//! The nodes of a cluster: configuration, start, and whether each group is where it belongs.

use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::time::Duration;

use svrrp::GroupNumber;
use svrrp::identity::NodeNumber;
use tempfile::TempDir;

use super::super::environment::Interrupt;
use super::super::namespace;
use super::super::process::Firewall;
use super::super::topology::{HA, LAN, WAN};
use super::super::{Context, Error, Options};
use super::GROUPS;
use super::topology::{Topology, own_addresses, virtual_addresses};
use crate::status::NodeStatus;

/// How long a cluster may take until each group is where it belongs.
const READY_LIMIT: Duration = Duration::from_secs(30);
/// How long a link that is up again waits until it counts.
pub(super) const RESTORE_HOLD: Duration = Duration::from_secs(1);
/// The interfaces of each group: LAN and WAN.
const FULL_WEIGHT: u16 = 2;

/// The nodes by their rank for a group, counted from 0. Those of the two groups alternate: who takes a group that has
/// lost its owner is, if there are four, not the owner of the other one.
pub(super) fn order(group: GroupNumber, nodes: usize) -> Vec<usize> {
    let first = group.index() % GROUPS.len();
    let others = 1 - first;
    (first..nodes).step_by(2).chain((others..nodes).step_by(2)).collect()
}

/// All nodes, and the private directory with their files.
pub(super) struct Nodes {
    pub(super) nodes: Vec<Firewall>,
    interrupt: Interrupt,
    /// Declared last: removed when the processes are gone.
    _directory: TempDir,
}

impl Nodes {
    /// Writes the configurations and starts all nodes.
    pub(super) fn start(
        topology: &Topology,
        options: &Options,
        interrupt: &Interrupt,
    ) -> Result<Self, Error> {
        let directory = tempfile::Builder::new()
            .prefix(&namespace::prefix())
            .tempdir()
            .context(|| "make a private directory".to_owned())?;
        let logs = options.logs.clone().unwrap_or_else(|| directory.path().to_owned());
        fs::create_dir_all(&logs).context(|| format!("make {}", logs.display()))?;
        let count = topology.nodes.len();
        let mut nodes = Vec::new();
        for (index, (name, namespace)) in topology.nodes.iter().enumerate() {
            let text = configuration(index, count, directory.path(), options);
            nodes.push(Firewall::new(name, namespace, &text, directory.path(), &logs)?);
        }
        let mut nodes = Self { nodes, interrupt: interrupt.clone(), _directory: directory };
        nodes.nodes.iter_mut().try_for_each(Firewall::start)?;
        nodes.ready()?;
        Ok(nodes)
    }

    /// Waits until every node hears every other one, and each group belongs to its best node.
    pub(super) fn ready(&mut self) -> Result<(), Error> {
        let interrupt = self.interrupt.clone();
        let mut last = Vec::new();
        let ready = interrupt.poll(READY_LIMIT, Duration::from_millis(50), || {
            if let Some(dead) =
                self.nodes.iter_mut().find_map(|node| node.has_ended().then_some(&*node))
            {
                return Err(dead.failure(format!("{} ended, and it should run", dead.name)));
            }
            last = self.statuses();
            let settled = last.iter().all(|it| it.as_ref().is_some_and(is_settled));
            for group in GROUPS {
                let best = order(group, last.len()).first().copied();
                if !settled || owner(&last, group).ok() != best {
                    return Ok(None);
                }
                if self.bearers(group)? != best.as_slice() {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })?;
        ready.ok_or_else(|| {
            let mut evidence = String::new();
            for (node, status) in self.nodes.iter().zip(&last) {
                let status =
                    status.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string);
                evidence += &format!("  {} says: {status}  {}\n", node.name, node.log_end());
            }
            let what = format!("not each group was where it belongs within {READY_LIMIT:?}");
            Error::Firewall { what, evidence }
        })
    }

    /// The nodes whose kernel bears an address of the group. That of a node that is cut off may still do.
    pub(super) fn bearers(&self, group: GroupNumber) -> Result<Vec<usize>, Error> {
        let mut bearers = Vec::new();
        for (index, node) in self.nodes.iter().enumerate() {
            // An address that is not there cannot be bound to.
            let is_there = |address: &Ipv4Addr| UdpSocket::bind((*address, 0)).is_ok();
            let work = || Ok(virtual_addresses(group).iter().any(is_there));
            if node.namespace.run(work)? {
                bearers.push(index);
            }
        }
        Ok(bearers)
    }

    pub(super) fn statuses(&self) -> Vec<Option<NodeStatus>> {
        self.nodes.iter().map(Firewall::status).collect()
    }
}

fn is_settled(status: &NodeStatus) -> bool {
    !status.listening
        && status.units.iter().all(|unit| unit.heard)
        && status.groups.iter().all(|group| group.weight.0 == FULL_WEIGHT)
}

/// The one node that owns a group: it says so, no other one does, and all that answer see it so.
pub(super) fn owner(statuses: &[Option<NodeStatus>], group: GroupNumber) -> Result<usize, String> {
    let answers = || statuses.iter().enumerate().filter_map(|(at, it)| Some((at, it.as_ref()?)));
    let owners: Vec<_> = answers().filter(|(_, it)| it.owns(group)).map(|(at, _)| at).collect();
    let [owner] = owners.as_slice() else {
        return Err(format!("{group} has {} owners", owners.len()));
    };
    let number = NodeNumber::ALL.get(*owner).copied();
    let differs = |it: &NodeStatus| it.group(group).is_none_or(|it| it.owner != number);
    match answers().find(|(_, it)| differs(it)) {
        Some((at, _)) => Err(format!("node {} sees another owner of {group}", at + 1)),
        None => Ok(*owner),
    }
}

fn configuration(index: usize, nodes: usize, directory: &Path, options: &Options) -> String {
    let (interval, level) = (options.heartbeat.as_micros(), options.trigger_level);
    let (number, hold) = (index + 1, RESTORE_HOLD.as_millis());
    let mut tables = String::new();
    for node in 0..nodes {
        let ([ha, lan], node) = (own_addresses(node), node + 1);
        tables += &format!(
            "[[cluster.member]]\nnode = {node}\nserial = \"FW-000{node}\"\n\
             addresses = [\"{ha}\"]\nx0 = \"{lan}\"\n\n"
        );
    }
    for group in GROUPS {
        let mut ranks = vec![0; nodes];
        for (rank, node) in (1..).zip(order(group, nodes)) {
            ranks[node] = rank;
        }
        let [lan, wan] = virtual_addresses(group);
        tables += &format!(
            "[[cluster.group]]\nranks = {ranks:?}\nmark = {}\n\
             addresses = {{ {LAN} = [\"{lan}/24\"], {WAN} = [\"{wan}/24\"] }}\n\n",
            group.get()
        );
    }
    let priority = if options.realtime { "realtime-priority = 20\n" } else { "" };
    let directory = directory.display();
    format!(
        r#"[unit]
designation = "primary"
serial = "FW-000{number}"
model = "lab"

[cluster]
node = {number}
interval = "{interval}us"
trigger-level = {level}
restore-hold = "{hold}ms"
x0 = "{LAN}"

[[cluster.link]]
name = "ha"
device = "{HA}"

[[cluster.interface]]
id = 1
device = "{LAN}"

[[cluster.interface]]
id = 2
device = "{WAN}"

{tables}[process]
control-socket = "{directory}/node{number}.sock"
state-directory = "{directory}/node{number}"
{priority}"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_four_nodes_the_next_owner_has_no_group_yet() {
        let [first, second] = GROUPS.map(|group| order(group, 4));
        assert_eq!((first, second), (vec![0, 2, 1, 3], vec![1, 3, 0, 2]));
        let [first, second] = GROUPS.map(|group| order(group, 2));
        assert_eq!((first, second), (vec![0, 1], vec![1, 0]));
    }

    /// NODE-1: what the lab writes for each node is valid.
    #[test]
    fn each_configuration_is_valid() {
        use clap::Parser;
        #[derive(Debug, Parser)]
        struct Program {
            #[command(flatten)]
            options: Options,
        }
        let options = Program::try_parse_from(["lab", "--nodes", "4"]).unwrap().options;
        for nodes in 2..=4 {
            for index in 0..nodes {
                let text = configuration(index, nodes, Path::new("/tmp"), &options);
                let file = toml::from_str(&text).unwrap();
                crate::config::cluster::CheckedNode::new(file).unwrap();
            }
        }
    }
}
