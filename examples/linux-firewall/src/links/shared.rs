//! The shared addresses: borne by this unit while it is Active, and only then (PAIR-16, VMAC-1).
//!
//! With a virtual MAC they live on a private macvlan over the interface, so that its own address stays
//! with the interface. Everything that takes long is done beforehand: to take is two messages per
//! interface in one send. To withdraw is to stop forwarding and to remove the addresses; setting the
//! macvlan down takes tens of milliseconds, so that comes later ([`SharedAddresses::park`]).

use super::interface::{self, Interface};
use super::memberships;
use super::routes::{self, Table, Who};
use super::settings::{self, Family, Settings, Switch};
use super::{LinkError, request};
use crate::netlink::{Batch, Channel};
use ha_core::address::{InterfaceAddress, MacAddress};
use netlink_packet_route::AddressFamily;
use rustix::io::Errno;
use socket2::Socket;
use std::io;
use std::net::{IpAddr, Ipv6Addr};

/// By this alias the program knows its own devices again after a crash.
const ALIAS: &str = "linux-firewall: shared addresses";

/// An interface that bears shared addresses, as configured.
#[derive(Clone, Debug)]
pub struct SharedInterface {
    /// The name of the interface.
    pub device: String,
    /// The name and the MAC address of the macvlan that bears the addresses; `None`: the interface
    /// itself bears them.
    pub virtual_mac: Option<(String, MacAddress)>,
    /// The addresses.
    pub addresses: Vec<InterfaceAddress>,
}

impl SharedInterface {
    /// The link-local IPv6 address that moves with the others; `None` if there is none, or the interface
    /// itself has it.
    #[must_use]
    pub fn link_local(&self) -> Option<Ipv6Addr> {
        let made = self.virtual_mac.as_ref().and_then(|(_, mac)| link_local(*mac, &self.addresses));
        made.iter().chain(&self.addresses).find_map(|one| match one.address() {
            IpAddr::V6(v6) => v6.is_unicast_link_local().then_some(v6),
            IpAddr::V4(_) => None,
        })
    }
}

/// The shared addresses of all interfaces, which move together.
///
/// On drop everything that was created or changed on the system is removed or changed back.
#[derive(Debug)]
pub struct SharedAddresses {
    channel: Channel,
    bearers: Vec<Bearer>,
    /// Stops and opens forwarding: of each bearer for IPv4, of the whole system for IPv6.
    forwarding: Vec<Switch>,
    settings: Settings,
    /// What goes by the macvlans, whatever other ways to their networks there are.
    rules: Vec<Who>,
    table: Table,
    memberships: Vec<Socket>,
}

/// A device that bears shared addresses.
#[derive(Debug)]
struct Bearer {
    name: String,
    index: u32,
    mac: MacAddress,
    /// It is a macvlan, and its interface.
    macvlan: bool,
    /// It is to be removed at the end.
    ours: bool,
    addresses: Vec<InterfaceAddress>,
}

impl Bearer {
    fn has_v6(&self) -> bool {
        self.addresses.iter().any(|address| address.address().is_ipv6())
    }

    /// Those addresses to whose networks the macvlan is the way back.
    fn networks(&self) -> impl Iterator<Item = &InterfaceAddress> {
        self.addresses.iter().filter(|address| self.macvlan && routes::has_network(address))
    }
}

impl SharedAddresses {
    /// Prepares the interfaces: creates the macvlans, down and without addresses; a macvlan on the
    /// same interface that has the name already is taken over. Afterwards the unit bears none of the
    /// addresses, and forwards nothing that arrives for them: what an earlier, crashed run left is
    /// withdrawn.
    ///
    /// IPv6 has one switch for forwarding in the whole namespace (`net.ipv6.conf.all.forwarding`): if
    /// there is an IPv6 address among those shared, this program owns that switch.
    ///
    /// # Errors
    /// What is wrong with which interface. What had been changed is changed back.
    pub fn prepare(interfaces: &[SharedInterface]) -> Result<Self, LinkError> {
        Self::prepare_with(interfaces, Table::ALL)
    }

    /// The same for one virtual group of a cluster, 1 to 4: what comes in by its macvlans leaves by them (VG-8), and
    /// what becomes of other groups does not touch it. So it has no IPv6 addresses, since there is one switch for all
    /// of that.
    ///
    /// # Errors
    /// What is wrong with which interface. What had been changed is changed back.
    pub fn prepare_group(interfaces: &[SharedInterface], group: u8) -> Result<Self, LinkError> {
        Self::prepare_with(interfaces, Table::of_group(group))
    }

    fn prepare_with(interfaces: &[SharedInterface], table: Table) -> Result<Self, LinkError> {
        let channel = super::open(&[], 0)?;
        let mut shared = Self {
            channel,
            bearers: Vec::new(),
            forwarding: Vec::new(),
            settings: Settings::default(),
            rules: Vec::new(),
            table,
            memberships: Vec::new(),
        };
        for interface in interfaces {
            shared.prepare_one(interface)?;
        }
        let v6 =
            interfaces.iter().flat_map(|one| &one.addresses).any(|one| one.address().is_ipv6());
        if v6 {
            let all = settings::path(Family::V6, "all", "forwarding");
            // Remembers what it was, if that was 1.
            shared.settings.set(all.clone(), "0")?;
            shared.forwarding.push(Switch::open(all)?);
            // Only now: the kernel leaves groups when forwarding ends, whoever joined them.
            shared.rejoin_groups()?;
        }
        shared.withdraw()?;
        shared.park()?;
        shared.add_rules()?;
        Ok(shared)
    }

    /// As long as this unit bears no shared address, the table that these rules name is empty.
    fn add_rules(&mut self) -> Result<(), LinkError> {
        let with_network = self.bearers.iter().flat_map(Bearer::networks);
        let addresses: Vec<_> = with_network.map(InterfaceAddress::address).collect();
        let mut rules: Vec<_> = addresses.iter().copied().map(Who::From).collect();
        if self.table != Table::ALL {
            rules.extend(self.bearers.iter().map(|bearer| Who::Arriving(bearer.name.clone())));
        } else {
            if addresses.iter().any(IpAddr::is_ipv4) {
                rules.push(Who::Forwarded(AddressFamily::Inet));
            }
            if addresses.iter().any(IpAddr::is_ipv6) {
                rules.push(Who::Forwarded(AddressFamily::Inet6));
            }
        }
        // First of all known, so that they are removed if one of them fails.
        self.rules.clone_from(&rules);
        let table = self.table;
        self.request(|batch, steps| {
            for who in &rules {
                routes::add_rule(batch, who, table);
                steps.push(Step::new("adding a routing rule", "lo").unless(&[Errno::EXIST]));
            }
        })
    }

    fn prepare_one(&mut self, interface: &SharedInterface) -> Result<(), LinkError> {
        let SharedInterface { device, virtual_mac, addresses } = interface;
        let parent = interface::lookup(&mut self.channel, device)?
            .ok_or_else(|| LinkError::Missing { device: device.clone() })?;
        let own_mac =
            parent.mac.ok_or_else(|| LinkError::NotEthernet { device: device.clone() })?;
        let bearer = match virtual_mac {
            Some((name, mac)) => {
                let (index, ours) = self.prepare_macvlan(&parent, name, *mac)?;
                // The link-local one first: nobody can be asked for a neighbour before it is there.
                let mut own: Vec<_> = link_local(*mac, addresses).into_iter().collect();
                own.extend(addresses);
                let (name, addresses) = (name.clone(), own);
                Bearer { name, index, mac: *mac, macvlan: true, ours, addresses }
            }
            None => {
                let (name, addresses) = (device.clone(), addresses.clone());
                let index = parent.index;
                Bearer { name, index, mac: own_mac, macvlan: false, ours: false, addresses }
            }
        };
        // First of all known, so that it is removed if one of the settings fails.
        let (name, macvlan) = (bearer.name.clone(), bearer.macvlan);
        let borne = bearer.addresses.clone();
        self.bearers.push(bearer);
        let v4 = |device: &str, setting: &str| settings::path(Family::V4, device, setting);
        if macvlan {
            // Each of the two answers for its own addresses only, and uses them only.
            self.settings.set(v4(device, "arp_ignore"), "1")?;
            self.settings.set(v4(device, "arp_filter"), "1")?;
            self.settings.set(v4(device, "arp_announce"), "2")?;
            self.settings.set(v4(&name, "arp_ignore"), "1")?;
            self.settings.set(v4(&name, "arp_announce"), "2")?;
            // The route back to a sender may lead through the interface itself. The stricter of this
            // and the value for all interfaces holds, where loose (2) counts as more than strict (1).
            let all = settings::read(&v4("all", "rp_filter"))?;
            self.settings.set(v4(&name, "rp_filter"), if all == "0" { "0" } else { "2" })?;
            self.prepare_v6(&name, &borne)?;
        }
        let forwarding = v4(&name, "forwarding");
        self.settings.set(forwarding.clone(), "0")?;
        self.forwarding.push(Switch::open(forwarding)?);
        Ok(())
    }

    /// No address that was not configured, none of the delays that come with new ones, and no frame
    /// of the kernel's own making after they are gone.
    fn prepare_v6(&mut self, name: &str, addresses: &[InterfaceAddress]) -> Result<(), LinkError> {
        let v6 = |setting: &str| settings::path(Family::V6, name, setting);
        if !v6("accept_dad").exists() {
            return Ok(());
        }
        if !addresses.iter().any(|one| one.address().is_ipv6()) {
            return self.settings.set(v6("disable_ipv6"), "1");
        }
        self.settings.set(v6("accept_dad"), "0")?;
        self.settings.set(v6("accept_ra"), "0")?;
        self.settings.set(v6("addr_gen_mode"), "1")
    }

    /// Creates the macvlan, or takes over the one that is there: its index, and whether it is ours.
    fn prepare_macvlan(
        &mut self,
        parent: &Interface,
        name: &str,
        mac: MacAddress,
    ) -> Result<(u32, bool), LinkError> {
        let existing = interface::lookup(&mut self.channel, name)?;
        let device = || parent.name.clone();
        let is_other = |found: &&Interface| {
            found.kind.as_deref() != Some("macvlan") || found.lower != Some(parent.index)
        };
        if let Some(other) = existing.as_ref().filter(is_other) {
            let used_by = match &other.kind {
                Some(kind) => format!("a device of type {kind}"),
                None => "an interface".into(),
            };
            return Err(LinkError::NameInUse { name: name.into(), device: device(), used_by });
        }
        let busy = interface::list()?.into_iter().find(|other| {
            let same_wire = other.index == parent.index || other.lower == Some(parent.index);
            same_wire && other.mac == Some(mac) && other.name != name
        });
        if let Some(other) = busy {
            return Err(LinkError::MacInUse { mac, device: device(), used_by: other.name });
        }
        if let Some(found) = existing {
            self.request(|batch, steps| {
                request::set_up(batch, found.index, false);
                steps.push(Step::new("setting it down", name));
                request::set_mac(batch, found.index, mac);
                steps.push(Step::new(format!("setting the virtual MAC {mac}"), name));
            })?;
            return Ok((found.index, found.alias.as_deref() == Some(ALIAS)));
        }
        self.request(|batch, steps| {
            request::create_macvlan(batch, name, parent.index, mac);
            steps.push(Step::new(format!("creating the macvlan {name} with {mac}"), &parent.name));
            request::set_alias(batch, name, ALIAS);
            steps.push(Step::new("setting its alias", name));
        })?;
        let created = interface::lookup(&mut self.channel, name)?;
        let created = created.ok_or_else(|| LinkError::Missing { device: name.into() })?;
        Ok((created.index, true))
    }

    /// The device that bears the addresses of each interface, in the order of the configuration: its
    /// name, its index, and the MAC address by which the addresses are announced.
    pub fn bearers(&self) -> impl Iterator<Item = (&str, u32, MacAddress)> {
        self.bearers.iter().map(|bearer| (bearer.name.as_str(), bearer.index, bearer.mac))
    }

    /// Forwards what arrives for the shared addresses from now on.
    ///
    /// # Errors
    /// [`LinkError::Setting`]: forwarding may be open for a part of the interfaces.
    pub fn open_forwarding(&mut self) -> Result<(), LinkError> {
        self.forwarding.iter().try_for_each(|switch| switch.set(true))
    }

    /// Forwards no more of it.
    ///
    /// # Errors
    /// [`LinkError::Setting`]: the first; it was stopped wherever that was possible.
    pub fn stop_forwarding(&mut self) -> Result<(), LinkError> {
        self.forwarding.iter().map(|switch| switch.set(false)).fold(Ok(()), Result::and)
    }

    /// Takes the addresses of all interfaces, in one send, and opens forwarding if it is not yet open.
    /// Announcements can go out as soon as this returns. Taking what this unit has already is fine.
    ///
    /// # Errors
    /// Which interface or address the kernel refused, and why; everything was withdrawn again.
    pub fn take(&mut self) -> Result<(), LinkError> {
        let taken = self.open_forwarding().and_then(|()| self.add_addresses());
        if taken.is_err() {
            // The reason is worth more than what may go wrong in clearing up.
            let _ = self.withdraw();
        }
        taken
    }

    fn add_addresses(&mut self) -> Result<(), LinkError> {
        let (bearers, table) = (std::mem::take(&mut self.bearers), self.table);
        let taken = self.request(|batch, steps| {
            for bearer in &bearers {
                if bearer.macvlan {
                    request::set_up(batch, bearer.index, true);
                    steps.push(Step::new("setting it up", &bearer.name));
                }
                for address in &bearer.addresses {
                    request::add_address(batch, bearer.index, address);
                    steps.push(Step::new(format!("taking {address}"), &bearer.name));
                    if address.address().is_ipv6() {
                        routes::add_local(batch, bearer.index, address.address());
                        steps.push(Step::new(format!("the route to {address}"), &bearer.name));
                    }
                }
                for address in bearer.networks() {
                    routes::add_network(batch, bearer.index, address, table);
                    let doing = format!("the route to the network of {address}");
                    steps.push(Step::new(doing, &bearer.name));
                }
            }
        });
        self.bearers = bearers;
        taken
    }

    /// Joins the multicast groups of the addresses on the macvlans (VMAC-5); those that are joined already are
    /// left first, so that the kernel tells the switches of them again, as far as nothing else is in them.
    /// (Taking an address on a macvlan that was down tells of its groups anyway.)
    ///
    /// # Errors
    /// The first group that the kernel refuses; the unit may be in a part of them.
    pub fn rejoin_groups(&mut self) -> Result<(), LinkError> {
        self.memberships.clear();
        for Bearer { name, index, addresses, .. } in
            self.bearers.iter().filter(|bearer| bearer.macvlan && bearer.has_v6())
        {
            self.memberships.push(memberships::hold(name, *index, addresses)?);
        }
        Ok(())
    }

    /// Stops forwarding, then gives all addresses up, in one send. The macvlans stay up. Giving up
    /// what this unit does not have is fine.
    ///
    /// # Errors
    /// The first failure; everything else was withdrawn all the same.
    pub fn withdraw(&mut self) -> Result<(), LinkError> {
        let stopped = self.stop_forwarding();
        let (bearers, table) = (std::mem::take(&mut self.bearers), self.table);
        let removed = self.request(|batch, steps| {
            for bearer in &bearers {
                for address in &bearer.addresses {
                    request::remove_address(batch, bearer.index, address);
                    let doing = format!("giving up {address}");
                    steps.push(Step::new(doing, &bearer.name).may_lack());
                    if address.address().is_ipv6() {
                        routes::remove_local(batch, bearer.index, address.address());
                        let doing = format!("removing the route to {address}");
                        steps.push(Step::new(doing, &bearer.name).may_lack());
                    }
                }
                for address in bearer.networks() {
                    routes::remove_network(batch, bearer.index, address, table);
                    let doing = format!("removing the route to the network of {address}");
                    steps.push(Step::new(doing, &bearer.name).may_lack());
                }
            }
        });
        self.bearers = bearers;
        stopped.and(removed)
    }

    /// Sets the macvlans down, so that they catch no frames that a switch floods. Takes tens of
    /// milliseconds, during which the kernel delays other changes of interfaces: call it after a
    /// withdrawal, apart from everything that must not wait. [`SharedAddresses::take`] works without it.
    ///
    /// # Errors
    /// The first failure; the others are down all the same.
    pub fn park(&mut self) -> Result<(), LinkError> {
        let bearers = std::mem::take(&mut self.bearers);
        let parked = self.request(|batch, steps| {
            for bearer in bearers.iter().filter(|bearer| bearer.macvlan) {
                request::set_up(batch, bearer.index, false);
                steps.push(Step::new("setting it down", &bearer.name).may_lack());
            }
        });
        self.bearers = bearers;
        parked
    }

    /// Withdraws the addresses, removes the macvlans that were created, and changes every setting back.
    ///
    /// # Errors
    /// The first failure; everything else was cleared up all the same.
    pub fn remove(mut self) -> Result<(), LinkError> {
        self.clear_up()
    }

    fn clear_up(&mut self) -> Result<(), LinkError> {
        let withdrawn = self.withdraw();
        let bearers = std::mem::take(&mut self.bearers);
        let (rules, table) = (std::mem::take(&mut self.rules), self.table);
        let removed = self.request(|batch, steps| {
            for bearer in bearers.iter().filter(|bearer| bearer.macvlan) {
                if bearer.ours {
                    request::delete_link(batch, bearer.index);
                } else {
                    request::set_up(batch, bearer.index, false);
                }
                steps.push(Step::new("removing it", &bearer.name).may_lack());
            }
            for who in &rules {
                routes::remove_rule(batch, who, table);
                steps.push(Step::new("removing a routing rule", "lo").may_lack());
            }
        });
        self.forwarding.clear();
        self.settings.restore();
        withdrawn.and(removed)
    }

    /// Sends requests together. The kernel carries out all of them, whatever becomes of each.
    fn request(&mut self, write: impl FnOnce(&mut Batch, &mut Vec<Step>)) -> Result<(), LinkError> {
        let mut batch = self.channel.batch();
        let mut steps = Vec::new();
        write(&mut batch, &mut steps);
        for refused in self.channel.transact(batch, |_| {})? {
            let Some(step) = steps.get(refused.index) else { continue };
            if !step.fine.contains(&refused.errno) {
                let Step { doing, device, .. } = step.clone();
                let source = io::Error::from(refused.errno);
                return Err(LinkError::Refused { doing, device, source });
            }
        }
        Ok(())
    }
}

/// The link-local address that goes with a virtual MAC (RFC 4291, appendix A): without one the kernel
/// cannot ask for its IPv6 neighbours. None if there are no IPv6 addresses, or there is one already.
pub fn link_local(mac: MacAddress, addresses: &[InterfaceAddress]) -> Option<InterfaceAddress> {
    let mut v6 = addresses.iter().filter_map(|address| match address.address() {
        IpAddr::V6(v6) => Some(v6),
        IpAddr::V4(_) => None,
    });
    let first = v6.next()?;
    if first.is_unicast_link_local() || v6.any(|address| address.is_unicast_link_local()) {
        return None;
    }
    Some(mac.link_local())
}

impl Drop for SharedAddresses {
    fn drop(&mut self) {
        // Whoever wants to hear of failures calls `remove`; what that did is not there any more.
        let _ = self.clear_up();
    }
}

/// What a request of a batch does, for the error that names it.
#[derive(Clone, Debug)]
struct Step {
    doing: String,
    device: String,
    /// Refusals that mean that there is nothing to be changed.
    fine: &'static [Errno],
}

impl Step {
    fn new(doing: impl Into<String>, device: &str) -> Self {
        Self { doing: doing.into(), device: device.into(), fine: &[] }
    }

    /// It is fine if the address, device, route or rule is not there.
    fn may_lack(self) -> Self {
        self.unless(&[Errno::ADDRNOTAVAIL, Errno::NODEV, Errno::SRCH, Errno::NOENT])
    }

    fn unless(self, fine: &'static [Errno]) -> Self {
        Self { fine, ..self }
    }
}
