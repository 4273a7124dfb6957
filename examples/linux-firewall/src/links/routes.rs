//! Routes that go with the shared addresses.
//!
//! - The way back. If the interface under a macvlan has an address of its own in the same network,
//!   there are two routes to that network, and the kernel prefers the interface's, which was there
//!   first: what is forwarded would leave with the unit's own MAC address, past rules that name the
//!   macvlan. So the macvlan's route stands in a table of its own, that is asked before the main one
//!   for what is forwarded and for what comes from a shared address. The unit's own traffic goes by
//!   the main table, with the unit's own address. The route of a network is found there before a
//!   *longer* prefix in the main table: routes to a part of a shared network belong into this table
//!   too. Routes by way of a gateway are not made here: name the macvlan in them.
//!   The addresses of a virtual group have a table of their own: what comes in by the macvlans of a group
//!   leaves by them (VG-8).
//! - The way in, IPv6. The kernel enters the route by which packets for a new address reach the unit
//!   itself in a task of its own, here up to 170 ms after it took the address. What a neighbour
//!   answers before that is lost, and asked for again after a second. So we enter it.

use super::request::append;
use crate::netlink::Batch;
use ha_core::address::InterfaceAddress;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::rule::{RuleAction, RuleAttribute, RuleFlags, RuleMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use std::net::IpAddr;

/// A table of the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Table(u32);

impl Table {
    /// That of addresses that all move together; in ASCII it reads "ha".
    pub(super) const ALL: Self = Self(0x6861);

    /// That of one virtual group, 1 to 4; the tables follow each other.
    pub(super) fn of_group(group: u8) -> Self {
        Self(Self::ALL.0 + u32::from(group))
    }
}

/// Right before the main table: rules of the administrator come first.
const PREFERENCE: u32 = 32_765;
const LOCAL: Table = Table(255);

/// Which packets ask the table of the way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// All of a family that are forwarded.
    Forwarded(AddressFamily),
    /// Those that came in by this interface.
    Arriving(String),
    /// Those from a shared address.
    From(IpAddr),
}

/// A rule that is there already is refused with EEXIST.
pub(super) fn add_rule(batch: &mut Batch, who: &Who, table: Table) {
    append(batch, NLM_F_CREATE | NLM_F_EXCL, RouteNetlinkMessage::NewRule(rule(who, table)));
}

/// A rule that is not there is refused with ENOENT.
pub(super) fn remove_rule(batch: &mut Batch, who: &Who, table: Table) {
    append(batch, 0, RouteNetlinkMessage::DelRule(rule(who, table)));
}

fn rule(who: &Who, Table(table): Table) -> RuleMessage {
    let mut message = RuleMessage::default();
    message.header.action = RuleAction::ToTable;
    message.attributes.extend([
        RuleAttribute::Table(table),
        RuleAttribute::Priority(PREFERENCE),
        // Network managers clear away what is not the kernel's and not theirs.
        RuleAttribute::Protocol(RouteProtocol::Kernel),
    ]);
    match who {
        // What the unit itself sends comes, as far as rules are concerned, from the loopback interface.
        Who::Forwarded(family) => {
            message.header.family = *family;
            message.header.flags = RuleFlags::Invert;
            message.attributes.push(RuleAttribute::Iifname("lo".into()));
        }
        Who::Arriving(device) => {
            message.header.family = AddressFamily::Inet;
            message.attributes.push(RuleAttribute::Iifname(device.clone()));
        }
        Who::From(address) => {
            (message.header.family, message.header.src_len) = family_and_width(*address);
            message.attributes.push(RuleAttribute::Source(*address));
        }
    }
    message
}

/// Whether the network of this address needs a way back: not if it is of one address only, and not if
/// it is link-local, because then every packet names its interface.
pub(super) fn has_network(address: &InterfaceAddress) -> bool {
    let link_local = match address.address() {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    let (_, width) = family_and_width(address.address());
    address.prefix() < width && !link_local
}

/// The way to the network of `address`; one that is there is replaced.
pub(super) fn add_network(batch: &mut Batch, index: u32, address: &InterfaceAddress, table: Table) {
    let flags = NLM_F_CREATE | NLM_F_REPLACE;
    append(batch, flags, RouteNetlinkMessage::NewRoute(network(index, address, table)));
}

/// One that is not there is refused with ESRCH.
pub(super) fn remove_network(
    batch: &mut Batch,
    index: u32,
    address: &InterfaceAddress,
    table: Table,
) {
    append(batch, 0, RouteNetlinkMessage::DelRoute(network(index, address, table)));
}

fn network(index: u32, address: &InterfaceAddress, table: Table) -> RouteMessage {
    let network = match network_of(address) {
        IpAddr::V4(v4) => RouteAddress::Inet(v4),
        IpAddr::V6(v6) => RouteAddress::Inet6(v6),
    };
    let mut message = route(index, address.address(), network, table);
    message.header.destination_prefix_length = address.prefix();
    message.header.scope = RouteScope::Link;
    message.header.kind = RouteType::Unicast;
    message
}

/// The first address of the network.
pub(super) fn network_of(address: &InterfaceAddress) -> IpAddr {
    let (_, width) = family_and_width(address.address());
    let host_bits = u32::from(width.saturating_sub(address.prefix()));
    match address.address() {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
            IpAddr::from((v4.to_bits() & mask).to_be_bytes())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
            IpAddr::from((v6.to_bits() & mask).to_be_bytes())
        }
    }
}

/// The way in for a new IPv6 address; one that is there is replaced.
pub(super) fn add_local(batch: &mut Batch, index: u32, address: IpAddr) {
    let flags = NLM_F_CREATE | NLM_F_REPLACE;
    append(batch, flags, RouteNetlinkMessage::NewRoute(local(index, address)));
}

/// One that is not there is refused with ESRCH.
pub(super) fn remove_local(batch: &mut Batch, index: u32, address: IpAddr) {
    append(batch, 0, RouteNetlinkMessage::DelRoute(local(index, address)));
}

fn local(index: u32, address: IpAddr) -> RouteMessage {
    let destination = match address {
        IpAddr::V4(v4) => RouteAddress::Inet(v4),
        IpAddr::V6(v6) => RouteAddress::Inet6(v6),
    };
    let mut message = route(index, address, destination, LOCAL);
    (_, message.header.destination_prefix_length) = family_and_width(address);
    message.header.scope = RouteScope::Host;
    message.header.kind = RouteType::Local;
    // The kernel's own has 0: the two do not replace each other, and each is removed by its owner.
    message.attributes.push(RouteAttribute::Priority(LOCAL_METRIC));
    message
}

const LOCAL_METRIC: u32 = 1024;

fn route(
    index: u32,
    address: IpAddr,
    destination: RouteAddress,
    Table(table): Table,
) -> RouteMessage {
    let mut message = RouteMessage::default();
    (message.header.address_family, _) = family_and_width(address);
    message.header.protocol = RouteProtocol::Kernel;
    message.header.table = u8::try_from(table).unwrap_or(RouteHeader::RT_TABLE_UNSPEC);
    message.attributes.extend([
        RouteAttribute::Destination(destination),
        RouteAttribute::Oif(index),
        RouteAttribute::Table(table),
    ]);
    message
}

fn family_and_width(address: IpAddr) -> (AddressFamily, u8) {
    match address {
        IpAddr::V4(_) => (AddressFamily::Inet, 32),
        IpAddr::V6(_) => (AddressFamily::Inet6, 128),
    }
}
