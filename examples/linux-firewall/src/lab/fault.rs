//! What is done to a unit, and how it is undone.
//!
//! Both firewalls live in one kernel and share its locks. A fault therefore acts through means that
//! stand ready before it: hooks that drop everything are in place and wait for a verdict, programs
//! are started and wait for their input.

use std::io::Read as _;
use std::time::Duration;

use rustix::process::Signal;
use socket2::{Domain, Protocol, Socket, Type};

use super::environment::Interrupt;
use super::namespace::Namespace;
use super::process::Firewall;
use super::tool::{self, Prepared};
use super::topology::{HA, LAN, Topology, WAN};
use super::{Context, Error};

/// Death of a whole unit, ready to happen.
pub(super) struct PowerCut {
    drops: Prepared,
    /// For a loss of carrier: the unit's ports on the switch, and its end of the HA link.
    carriers: Vec<Prepared>,
}

impl PowerCut {
    /// Puts the hooks in place (they accept) and starts what will be needed. `carriers` are to go with it.
    pub(super) fn prepare(firewall: &Namespace, carriers: Vec<Prepared>) -> Result<Self, Error> {
        let devices = format!("{{ {LAN}, {WAN}, {HA} }}");
        tool::nft(
            firewall,
            &format!(
                "table netdev power {{\n\
                   chain in {{ type filter hook ingress devices = {devices} priority -500; }}\n\
                   chain out {{ type filter hook egress devices = {devices} priority -500; }}\n\
                 }}\n"
            ),
        )?;
        let drops = Prepared::nft(
            firewall,
            "add rule netdev power in drop\nadd rule netdev power out drop\n",
        )?;
        Ok(Self { drops, carriers })
    }

    /// All traffic of the unit ends in one atomic transaction; its process is killed; then the
    /// carriers go.
    pub(super) fn strike(mut self, unit: &Firewall) -> Result<(), Error> {
        self.drops.release()?;
        self.drops.wait()?;
        unit.signal(Signal::KILL)?;
        for carrier in &mut self.carriers {
            carrier.release()?;
        }
        self.carriers.iter_mut().try_for_each(Prepared::wait)
    }
}

/// The carriers of a unit's ports on the switch, and of its end of the HA link, ready to go.
pub(super) fn prepare_carriers(topology: &Topology, index: usize) -> Result<Vec<Prepared>, Error> {
    let group = Topology::port_group(index);
    Ok(vec![
        Prepared::ip(&topology.switch, &format!("link set group {group} down\n"))?,
        Prepared::ip(&topology.firewalls[index], &format!("link set {HA} down\n"))?,
    ])
}

/// Brings a unit back that [`PowerCut`] killed, as a machine that was switched on again: without
/// its addresses, without its connection table.
pub(super) fn power_on(
    topology: &Topology,
    index: usize,
    unit: &mut Firewall,
    interrupt: &Interrupt,
) -> Result<(), Error> {
    unit.wait_for_end(interrupt)?;
    let firewall = &topology.firewalls[index];
    for device in [LAN, WAN] {
        // Not there if the unit runs without virtual MACs, or died early.
        let _ = tool::ip(firewall, &format!("link del {device}v\n"));
    }
    forget_connections(firewall)?;
    tool::nft(firewall, "delete table netdev power\n")?;
    tool::ip(firewall, &format!("link set {HA} up\n"))?;
    tool::ip(&topology.switch, &format!("link set group {} up\n", Topology::port_group(index)))?;
    unit.start()
}

/// One end of the HA link, ready to be set.
pub(super) fn prepare_ha_link(topology: &Topology, up: bool) -> Result<Prepared, Error> {
    let state = if up { "up" } else { "down" };
    Prepared::ip(&topology.firewalls[0], &format!("link set {HA} {state}\n"))
}

/// The carrier of a unit's interface to the server, ready to be set.
pub(super) fn prepare_wan_link(
    topology: &Topology,
    index: usize,
    up: bool,
) -> Result<Prepared, Error> {
    let (port, state) = (Topology::wan_port(index), if up { "up" } else { "down" });
    Prepared::ip(&topology.switch, &format!("link set {port} {state}\n"))
}

/// Cuts these units off from the probe target, and from nothing else, once it is released.
pub(super) fn prepare_unreachable(topology: &Topology, units: &[usize]) -> Result<Prepared, Error> {
    let ports: Vec<_> = units.iter().map(|index| Topology::wan_port(*index)).collect();
    let devices = ports.join(", ");
    tool::nft(
        &topology.switch,
        &format!(
            "table netdev target {{\n\
               chain in {{ type filter hook ingress devices = {{ {devices} }} priority -500; }}\n\
             }}\n"
        ),
    )?;
    let target = topology.addresses.target;
    let family = if target.is_ipv4() { "ip" } else { "ip6" };
    let rule = format!("add rule netdev target in {family} daddr {target} drop\n");
    Prepared::nft(&topology.switch, &rule)
}

/// Undoes [`prepare_unreachable`].
pub(super) fn make_reachable(topology: &Topology) -> Result<(), Error> {
    tool::nft(&topology.switch, "delete table netdev target\n")
}

/// Deletes all entries of a connection table.
pub(super) fn forget_connections(namespace: &Namespace) -> Result<(), Error> {
    const NETLINK: i32 = 16;
    const NETLINK_NETFILTER: i32 = 12;
    // nlmsghdr: length, (ctnetlink << 8 | IPCTNL_MSG_CT_DELETE), NLM_F_REQUEST | NLM_F_ACK,
    // sequence, port; nfgenmsg: any family, version 0, resource 0. Without a tuple the request
    // names them all.
    let mut request = [0; 20];
    request[0..4].copy_from_slice(&20_u32.to_ne_bytes());
    request[4..6].copy_from_slice(&0x0102_u16.to_ne_bytes());
    request[6..8].copy_from_slice(&0x0005_u16.to_ne_bytes());
    namespace.run(|| {
        let what = || format!("delete the connections of {}", namespace.name());
        let mut socket =
            Socket::new(Domain::from(NETLINK), Type::RAW, Some(Protocol::from(NETLINK_NETFILTER)))
                .context(what)?;
        socket.set_read_timeout(Some(Duration::from_secs(10))).context(what)?;
        socket.send(&request).context(what)?;
        let mut answer = [0; 128];
        let length = socket.read(&mut answer).context(what)?;
        // nlmsgerr: the header, then a negative error number or zero.
        match answer.get(16..20).and_then(|bytes| bytes.try_into().ok()).map(i32::from_ne_bytes) {
            Some(0) if length >= 20 => Ok(()),
            Some(error) if length >= 20 => {
                Err(std::io::Error::from_raw_os_error(-error)).context(what)
            }
            _ => Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof)).context(what),
        }
    })
}
