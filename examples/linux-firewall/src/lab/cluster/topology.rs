//! The namespaces, links, addresses and rules of a cluster's lab.

use std::net::{IpAddr, Ipv4Addr};

use svrrp::GroupNumber;

use super::super::namespace::Namespace;
use super::super::topology::{
    HA, LAN, WAN, add_bridges, answer_for_themselves, filter, keep_quiet, plug_in,
};
use super::super::{Error, tool};
use super::GROUPS;

/// The names of the nodes, and of their namespaces.
const NAMES: [&str; 4] = ["node1", "node2", "node3", "node4"];
/// The same of the clients, one for each group.
const CLIENTS: [&str; GROUPS.len()] = ["client1", "client2"];

pub(super) const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 2, 0, 10));

/// The client whose gateway is this group.
pub(super) fn client_address(group: GroupNumber) -> Ipv4Addr {
    Ipv4Addr::new(10, 1, 0, 10 + group.get())
}

/// The virtual addresses of a group: on the LAN, and on the WAN.
pub(super) fn virtual_addresses(group: GroupNumber) -> [Ipv4Addr; 2] {
    [1, 2].map(|network| Ipv4Addr::new(10, network, 0, group.get()))
}

/// The own addresses of a node, counted from 0: on the cluster link, and on the LAN.
pub(super) fn own_addresses(index: usize) -> [Ipv4Addr; 2] {
    let number = u8::try_from(index).unwrap_or(u8::MAX).saturating_add(1);
    [Ipv4Addr::new(10, 99, 0, number), Ipv4Addr::new(10, 1, 0, 20 + number)]
}

/// Everything that stands before the first node starts. Dropping it deletes it.
pub(super) struct Topology {
    /// By group.
    pub(super) clients: Vec<Namespace>,
    pub(super) server: Namespace,
    pub(super) switch: Namespace,
    pub(super) nodes: Vec<(&'static str, Namespace)>,
}

impl Topology {
    pub(super) fn build(nodes: u8) -> Result<Self, Error> {
        let make = |name: &&'static str| Ok((*name, Namespace::create(name)?));
        let topology = Self {
            clients: CLIENTS.map(Namespace::create).into_iter().collect::<Result<_, _>>()?,
            server: Namespace::create("server")?,
            switch: Namespace::create("switch")?,
            nodes: NAMES.iter().take(nodes.into()).map(make).collect::<Result<_, Error>>()?,
        };
        let hosts = topology.clients.iter().chain([&topology.server, &topology.switch]);
        let all = hosts.chain(topology.nodes.iter().map(|(_, namespace)| namespace));
        all.into_iter().try_for_each(|namespace| keep_quiet(namespace, false))?;
        add_bridges(&topology.switch, &["br-lan", "br-wan", "br-ha"])?;
        topology.connect_hosts()?;
        for (index, (name, node)) in topology.nodes.iter().enumerate() {
            topology.connect_node(index, name, node)?;
        }
        Ok(topology)
    }

    /// The ports of a node in the switch: a link group of their own, so that one request moves all.
    pub(super) fn port_group(index: usize) -> usize {
        101 + index
    }

    /// The port of a node in the switch on the side of the server.
    pub(super) fn wan_port(index: usize) -> String {
        format!("{}-wan", NAMES[index])
    }

    /// The port of a node in the switch of the cluster link.
    pub(super) fn ha_port(index: usize) -> String {
        format!("{}-ha", NAMES[index])
    }

    fn connect_hosts(&self) -> Result<(), Error> {
        plug_in(&self.switch, &self.server, "eth0", ("server", "br-wan", 0))?;
        let mut server = format!("addr add {SERVER}/24 dev eth0\n");
        for ((group, name), namespace) in GROUPS.into_iter().zip(CLIENTS).zip(&self.clients) {
            plug_in(&self.switch, namespace, "eth0", (name, "br-lan", 0))?;
            let ([lan, wan], client) = (virtual_addresses(group), client_address(group));
            let client_side =
                format!("addr add {client}/24 dev eth0\nroute add default via {lan}\n");
            tool::ip(namespace, &client_side)?;
            server += &format!("route add {client} via {wan}\n");
        }
        tool::ip(&self.server, &server)
    }

    fn connect_node(&self, index: usize, name: &str, node: &Namespace) -> Result<(), Error> {
        node.set_parameters(&[("ipv4/ip_forward", "1")])?;
        for (device, bridge) in [(LAN, "br-lan"), (WAN, "br-wan"), (HA, "br-ha")] {
            let port = format!("{name}-{}", device.trim_end_matches('0'));
            plug_in(&self.switch, node, device, (&port, bridge, Self::port_group(index)))?;
        }
        let [ha, lan] = own_addresses(index);
        tool::ip(node, &format!("addr add {ha}/24 dev {HA}\naddr add {lan}/24 dev {LAN}\n"))?;
        answer_for_themselves(node)?;
        filter(node, &rules())
    }
}

/// A strict stateful firewall: what comes in by a group leaves by it, and only the LAN begins anything.
fn rules() -> String {
    let mut rules = String::new();
    for group in GROUPS {
        let mark = group.get();
        let (lan, wan) = (format!("{LAN}g{}", group.get()), format!("{WAN}g{}", group.get()));
        rules += &format!(
            "iifname \"{lan}\" oifname \"{wan}\" ct mark set {mark} accept\n\
             iifname \"{wan}\" oifname \"{lan}\" ct state established,related accept\n"
        );
    }
    format!(
        "table inet filter {{\n\
           chain forward {{\n\
             type filter hook forward priority filter; policy drop;\n\
             ct state invalid drop\n\
             {rules}\
           }}\n\
           chain arriving {{\n\
             type filter hook prerouting priority raw;\n\
             iifname \"{HA}\" notrack\n\
           }}\n\
           chain leaving {{\n\
             type filter hook output priority raw;\n\
             oifname \"{HA}\" notrack\n\
           }}\n\
         }}\n"
    )
}
