//! Requests to rtnetlink, written by `netlink-packet-route`.

use crate::netlink::Batch;
use ha_core::address::{InterfaceAddress, MacAddress};
use netlink_packet_core::{
    NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REPLACE, NetlinkSerializable,
};
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressProtocol,
    AddressScope,
};
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoMacVlan, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, MacVlanMode,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use std::net::{IpAddr, Ipv4Addr};

pub(super) fn get_link(batch: &mut Batch, name: &str) {
    append(batch, 0, RouteNetlinkMessage::GetLink(named(name)));
}

pub(super) fn dump_links(batch: &mut Batch) {
    append(batch, NLM_F_DUMP, RouteNetlinkMessage::GetLink(LinkMessage::default()));
}

/// A macvlan that is down and without addresses. Private: two of them on one interface do not talk to
/// each other.
pub(super) fn create_macvlan(batch: &mut Batch, name: &str, lower: u32, mac: MacAddress) {
    let mut message = named(name);
    message.attributes.extend([
        LinkAttribute::Link(lower),
        LinkAttribute::Address(mac.0.to_vec()),
        LinkAttribute::LinkInfo(vec![
            LinkInfo::Kind(InfoKind::MacVlan),
            LinkInfo::Data(InfoData::MacVlan(vec![InfoMacVlan::Mode(MacVlanMode::Private)])),
        ]),
    ]);
    append(batch, NLM_F_CREATE | NLM_F_EXCL, RouteNetlinkMessage::NewLink(message));
}

pub(super) fn delete_link(batch: &mut Batch, index: u32) {
    append(batch, 0, RouteNetlinkMessage::DelLink(numbered(index)));
}

pub(super) fn set_up(batch: &mut Batch, index: u32, up: bool) {
    let mut message = numbered(index);
    message.header.change_mask = LinkFlags::Up;
    message.header.flags = if up { LinkFlags::Up } else { LinkFlags::empty() };
    append(batch, 0, RouteNetlinkMessage::SetLink(message));
}

pub(super) fn set_mac(batch: &mut Batch, index: u32, mac: MacAddress) {
    let mut message = numbered(index);
    message.attributes.push(LinkAttribute::Address(mac.0.to_vec()));
    append(batch, 0, RouteNetlinkMessage::SetLink(message));
}

pub(super) fn set_alias(batch: &mut Batch, name: &str, alias: &str) {
    let mut message = named(name);
    message.attributes.push(LinkAttribute::IfAlias(alias.into()));
    append(batch, 0, RouteNetlinkMessage::SetLink(message));
}

pub(super) fn dump_addresses(batch: &mut Batch) {
    append(batch, NLM_F_DUMP, RouteNetlinkMessage::GetAddress(AddressMessage::default()));
}

/// By this the program knows its own addresses again after a crash. The kernel gives it no meaning.
pub(super) const PROTOCOL: u8 = 0xf4;

/// Adds an address that bears our mark; it is an error if it is there already.
pub(super) fn add_own_address(batch: &mut Batch, index: u32, address: &InterfaceAddress) {
    let mut message = new_address(index, address);
    message.attributes.push(AddressAttribute::Protocol(AddressProtocol::Other(PROTOCOL)));
    append(batch, NLM_F_CREATE | NLM_F_EXCL, RouteNetlinkMessage::NewAddress(message));
}

/// Adds an address; one that is there already stays.
pub(super) fn add_address(batch: &mut Batch, index: u32, address: &InterfaceAddress) {
    let message = new_address(index, address);
    append(batch, NLM_F_CREATE | NLM_F_REPLACE, RouteNetlinkMessage::NewAddress(message));
}

fn new_address(index: u32, address: &InterfaceAddress) -> AddressMessage {
    let mut message = address_message(index, address);
    match address.address() {
        IpAddr::V4(v4) if address.prefix() < 31 => {
            let host_bits = u32::MAX >> address.prefix();
            let broadcast = Ipv4Addr::from_bits(v4.to_bits() | host_bits);
            message.attributes.push(AddressAttribute::Broadcast(broadcast));
        }
        IpAddr::V4(_) => {}
        IpAddr::V6(_) => {
            // A shared one the peer had a moment ago, so a test for duplicates would find it; and one of
            // our own is probed from at once.
            message.header.flags = AddressHeaderFlags::Nodad;
            message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
        }
    }
    message
}

pub(super) fn remove_address(batch: &mut Batch, index: u32, address: &InterfaceAddress) {
    append(batch, 0, RouteNetlinkMessage::DelAddress(address_message(index, address)));
}

fn address_message(index: u32, address: &InterfaceAddress) -> AddressMessage {
    let mut message = AddressMessage::default();
    let ip = address.address();
    message.header.index = index;
    message.header.prefix_len = address.prefix();
    message.header.family = if ip.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    let link_local = match ip {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    if link_local {
        message.header.scope = AddressScope::Link;
    }
    message.attributes.extend([AddressAttribute::Local(ip), AddressAttribute::Address(ip)]);
    message
}

fn named(name: &str) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::IfName(name.into()));
    message
}

fn numbered(index: u32) -> LinkMessage {
    let mut message = LinkMessage::default();
    message.header.index = index;
    message
}

pub(super) fn append(batch: &mut Batch, flags: u16, message: RouteNetlinkMessage) {
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    batch.begin(message.message_type(), flags, &bytes);
    batch.end();
}
