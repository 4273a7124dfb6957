//! The namespaces, links, addresses and rules of the lab.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::namespace::Namespace;
use super::{Error, Options, tool};

/// The devices of a firewall namespace; `run` puts its macvlans (`lan0v`, `wan0v`) on the first
/// two.
pub(super) const LAN: &str = "lan0";
pub(super) const WAN: &str = "wan0";
pub(super) const HA: &str = "ha0";

/// Addresses of the client that only background flows use, so that their ports never meet those of
/// the other traffic.
pub(super) const BACKGROUND_ADDRESSES: u8 = 5;

/// Unit `index` (0 or 1) has these addresses of its own, for heartbeats.
pub(super) fn ha_address(index: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 99, 0, if index == 0 { 1 } else { 2 })
}
pub(super) fn lan_address(index: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 1, 0, if index == 0 { 2 } else { 3 })
}

/// The own addresses of both units on the WAN, from which they probe their target.
pub(super) fn monitoring_addresses(ipv6: bool) -> [IpAddr; 2] {
    if ipv6 { [v6(2, 2), v6(2, 3)] } else { [v4(2, 2), v4(2, 3)] }
}

/// The addresses that the traffic uses, in the family that was asked for.
#[derive(Clone, Copy)]
pub(super) struct Addresses {
    pub(super) client: IpAddr,
    pub(super) server: IpAddr,
    /// What the firewalls probe.
    pub(super) target: IpAddr,
    ipv6: bool,
}

impl Addresses {
    fn new(ipv6: bool) -> Self {
        if ipv6 {
            Self { client: v6(1, 0x10), server: v6(2, 0x10), target: v6(2, 0x53), ipv6 }
        } else {
            Self { client: v4(1, 10), server: v4(2, 10), target: v4(2, 53), ipv6 }
        }
    }

    /// Address `index` below [`BACKGROUND_ADDRESSES`].
    pub(super) fn background(&self, index: u8) -> IpAddr {
        if self.ipv6 { v6(1, 0x100 + u16::from(index)) } else { v4(1, 100 + index) }
    }
}

/// The shared addresses of the pair with their prefix length: LAN and WAN.
pub(super) fn shared_addresses(ipv6: bool) -> [Vec<String>; 2] {
    let mut shared = [vec!["10.1.0.1/24".to_owned()], vec!["10.2.0.1/24".to_owned()]];
    if ipv6 {
        shared[0].push("fd00:1::1/64".to_owned());
        shared[1].push("fd00:2::1/64".to_owned());
    }
    shared
}

fn v4(network: u8, host: u8) -> IpAddr {
    Ipv4Addr::new(10, network, 0, host).into()
}

fn v6(network: u16, host: u16) -> IpAddr {
    Ipv6Addr::new(0xfd00, network, 0, 0, 0, 0, 0, host).into()
}

/// Everything that stands before the first firewall process starts. Dropping it deletes it.
pub(super) struct Topology {
    pub(super) client: Namespace,
    pub(super) server: Namespace,
    target: Namespace,
    pub(super) switch: Namespace,
    pub(super) firewalls: [Namespace; 2],
    pub(super) addresses: Addresses,
}

impl Topology {
    pub(super) fn build(options: &Options) -> Result<Self, Error> {
        let topology = Self {
            client: Namespace::create("client")?,
            server: Namespace::create("server")?,
            target: Namespace::create("target")?,
            switch: Namespace::create("switch")?,
            firewalls: [Namespace::create("fw1")?, Namespace::create("fw2")?],
            addresses: Addresses::new(options.ipv6),
        };
        topology.set_kernel_parameters(options)?;
        topology.connect()?;
        topology.configure_hosts(options)?;
        for (index, firewall) in topology.firewalls.iter().enumerate() {
            configure_firewall(firewall, index, options)?;
        }
        Ok(topology)
    }

    /// The ports of firewall `index` in the switch. They form a link group of their own, so that
    /// one request moves both.
    pub(super) fn port_group(index: usize) -> usize {
        101 + index
    }

    /// The port of firewall `index` in the switch on the side of the server.
    pub(super) fn wan_port(index: usize) -> String {
        format!("fw{}-wan", index + 1)
    }

    fn set_kernel_parameters(&self, options: &Options) -> Result<(), Error> {
        let [first, second] = &self.firewalls;
        let all = [&self.client, &self.server, &self.target, &self.switch, first, second];
        all.into_iter().try_for_each(|namespace| keep_quiet(namespace, options.ipv6))?;
        for firewall in &self.firewalls {
            firewall
                .set_parameters(&[("ipv4/ip_forward", "1"), ("ipv6/conf/all/forwarding", "1")])?;
        }
        Ok(())
    }

    fn connect(&self) -> Result<(), Error> {
        add_bridges(&self.switch, &["br-lan", "br-wan"])?;
        let mut cables = vec![
            (&self.client, "eth0", "client".to_owned(), "br-lan", 0),
            (&self.server, "eth0", "server".to_owned(), "br-wan", 0),
            (&self.target, "eth0", "target".to_owned(), "br-wan", 0),
        ];
        for (index, firewall) in self.firewalls.iter().enumerate() {
            let group = Self::port_group(index);
            cables.push((firewall, LAN, format!("fw{}-lan", index + 1), "br-lan", group));
            cables.push((firewall, WAN, Self::wan_port(index), "br-wan", group));
        }
        for (host, device, port, bridge, group) in cables {
            plug_in(&self.switch, host, device, (&port, bridge, group))?;
        }
        let [first, second] = &self.firewalls;
        tool::ip(
            first,
            &format!("link add {HA} type veth peer name {HA} netns {}\n", second.name()),
        )?;
        for (index, firewall) in self.firewalls.iter().enumerate() {
            tool::ip(
                firewall,
                &format!("addr add {}/24 dev {HA}\nlink set {HA} up\n", ha_address(index)),
            )?;
        }
        Ok(())
    }

    fn configure_hosts(&self, options: &Options) -> Result<(), Error> {
        let mut client =
            "addr add 10.1.0.10/24 dev eth0\nroute add default via 10.1.0.1\n".to_owned();
        let mut server =
            "addr add 10.2.0.10/24 dev eth0\nroute add default via 10.2.0.1\n".to_owned();
        if options.ipv6 {
            client += "addr add fd00:1::10/64 dev eth0 nodad\nroute add default via fd00:1::1\n";
            server += "addr add fd00:2::10/64 dev eth0 nodad\nroute add default via fd00:2::1\n";
        }
        let (prefix, nodad) = if options.ipv6 { (64, " nodad") } else { (24, "") };
        for index in 0..BACKGROUND_ADDRESSES {
            let address = self.addresses.background(index);
            client += &format!("addr add {address}/{prefix} dev eth0{nodad}\n");
        }
        let target = self.addresses.target;
        tool::ip(&self.target, &format!("addr add {target}/{prefix} dev eth0{nodad}\n"))?;
        tool::ip(&self.client, &client)?;
        tool::ip(&self.server, &server)
    }
}

fn configure_firewall(firewall: &Namespace, index: usize, options: &Options) -> Result<(), Error> {
    // In the network of the shared addresses, as is usual: what is forwarded must leave by the macvlan
    // all the same, or the rules below drop it.
    tool::ip(firewall, &format!("addr add {}/24 dev {LAN}\n", lan_address(index)))?;
    answer_for_themselves(firewall)?;
    filter(firewall, &rules(options.nat))
}

/// A firewall's own interfaces answer for their own addresses only.
pub(super) fn answer_for_themselves(firewall: &Namespace) -> Result<(), Error> {
    for device in [LAN, WAN] {
        firewall.set_parameters(&[
            (&format!("ipv4/conf/{device}/arp_ignore"), "1"),
            (&format!("ipv4/conf/{device}/arp_filter"), "1"),
        ])?;
    }
    Ok(())
}

/// Puts the rules of a firewall in place.
pub(super) fn filter(firewall: &Namespace, rules: &str) -> Result<(), Error> {
    tool::nft(firewall, rules)?;
    // These exist once the rules have turned connection tracking on.
    firewall.set_parameters(&[
        ("netfilter/nf_conntrack_tcp_loose", "0"),
        ("netfilter/nf_conntrack_events", "1"),
        ("netfilter/nf_conntrack_udp_timeout", "7200"),
        ("netfilter/nf_conntrack_udp_timeout_stream", "7200"),
    ])
}

/// The kernel of a namespace says nothing of its own accord, and drops nothing.
pub(super) fn keep_quiet(namespace: &Namespace, ipv6: bool) -> Result<(), Error> {
    let disable_ipv6 = if ipv6 { "0" } else { "1" };
    for scope in ["all", "default"] {
        namespace.set_parameters(&[
            (&format!("ipv6/conf/{scope}/disable_ipv6"), disable_ipv6),
            (&format!("ipv6/conf/{scope}/accept_dad"), "0"),
            (&format!("ipv6/conf/{scope}/accept_ra"), "0"),
            (&format!("ipv4/conf/{scope}/rp_filter"), "0"),
        ])?;
    }
    Ok(())
}

pub(super) fn add_bridges(switch: &Namespace, bridges: &[&str]) -> Result<(), Error> {
    let add = |bridge: &&str| {
        format!(
            "link add {bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0\n\
             link set {bridge} up\n"
        )
    };
    tool::ip(switch, &bridges.iter().map(add).collect::<String>())
}

/// Connects a host's device with a port of the switch: its name, its bridge, and its link group.
pub(super) fn plug_in(
    switch: &Namespace,
    host: &Namespace,
    device: &str,
    (port, bridge, group): (&str, &str, usize),
) -> Result<(), Error> {
    let host_name = host.name();
    tool::ip(
        switch,
        &format!(
            "link add {port} type veth peer name {device} netns {host_name}\n\
             link set {port} group {group} master {bridge} up\n"
        ),
    )?;
    tool::ip(host, &format!("link set {device} up\n"))
}

/// A strict stateful firewall: a connection that it does not know passes only as new from the LAN.
/// Frames for the virtual MAC have the macvlan as their input interface.
fn rules(nat: bool) -> String {
    let translation = if nat {
        format!(
            "table inet nat {{\n\
               chain postrouting {{\n\
                 type nat hook postrouting priority srcnat;\n\
                 oifname \"{WAN}v\" snat ip to 10.2.0.1\n\
                 oifname \"{WAN}v\" snat ip6 to fd00:2::1\n\
               }}\n\
             }}\n"
        )
    } else {
        String::new()
    };
    format!(
        "table inet filter {{\n\
           chain forward {{\n\
             type filter hook forward priority filter; policy drop;\n\
             ct state invalid drop\n\
             oifname != {{ \"{LAN}v\", \"{WAN}v\" }} drop\n\
             ct state established,related accept\n\
             iifname \"{LAN}v\" ct state new accept\n\
           }}\n\
           chain arriving {{\n\
             type filter hook prerouting priority raw;\n\
             iifname \"{HA}\" notrack\n\
           }}\n\
           chain leaving {{\n\
             type filter hook output priority raw;\n\
             oifname \"{HA}\" notrack\n\
           }}\n\
         }}\n\
         {translation}"
    )
}
