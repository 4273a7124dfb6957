//! What the kernel says of an interface.
//!
//! Only the few attributes that are needed are read: a kernel that writes others in a new way does not
//! make an interface unreadable.

use super::{LinkError, request};
use crate::netlink::{Channel, Message};
use ha_core::address::MacAddress;
use netlink_packet_core::{NlaBuffer, NlasIterator};
use rustix::io::Errno;
use std::time::Duration;
use std::{fs, io};

pub(super) const NEW_LINK: u16 = 16;
pub(super) const DELETE_LINK: u16 = 17;

const ADDRESS: u16 = 1;
const NAME: u16 = 3;
const LOWER: u16 = 5;
const INFO: u16 = 18;
const INFO_KIND: u16 = 1;
const ALIAS: u16 = 20;
const LOWER_NAMESPACE: u16 = 37;

const FLAG_UP: u32 = 1;
const FLAG_LOWER_UP: u32 = 1 << 16;

/// A network interface, as it was when it was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// The kernel's number for it: above 0, never used again for another while the system runs.
    pub index: u32,
    /// Its own MAC address; `None` if it is not an Ethernet interface.
    pub mac: Option<MacAddress>,
    /// It was set up by the administrator.
    pub up: bool,
    /// It has a carrier: the cable is plugged in, and the other end is alive.
    pub carrier: bool,
    /// What kind of virtual device it is; `None` for a real one.
    pub(super) kind: Option<String>,
    /// The interface under it, in the same namespace.
    pub(super) lower: Option<u32>,
    pub(super) alias: Option<String>,
}

impl Interface {
    /// The interface named `device`, as it is now.
    ///
    /// # Errors
    /// [`LinkError::Missing`] or [`LinkError::Name`]; others: the kernel could not be asked.
    pub fn lookup(device: &str) -> Result<Self, LinkError> {
        lookup(&mut super::open(&[], 0)?, device)?
            .ok_or_else(|| LinkError::Missing { device: device.into() })
    }

    /// How fast the interface is at present, in Mbit/s; `None` where it does not say. Netlink's messages of interfaces do
    /// not bear that.
    #[must_use]
    pub fn speed(device: &str) -> Option<u32> {
        // -1: unknown.
        fs::read_to_string(format!("/sys/class/net/{device}/speed")).ok()?.trim().parse().ok()
    }
}

/// The interface named `device`, if there is one.
pub(super) fn lookup(channel: &mut Channel, device: &str) -> Result<Option<Interface>, LinkError> {
    let valid = !device.is_empty()
        && device.len() < 16
        && device != "."
        && device != ".."
        && !device.bytes().any(|byte| byte == b'/' || byte == b':' || byte.is_ascii_whitespace());
    if !valid {
        return Err(LinkError::Name { device: device.into() });
    }
    let mut batch = channel.batch();
    request::get_link(&mut batch, device);
    let mut found = None;
    let refused = channel.transact(batch, |message| found = parse(message))?;
    match refused.first() {
        Some(refused) if refused.errno == Errno::NODEV => Ok(None),
        Some(refused) => Err(io::Error::from(refused.errno).into()),
        None => Ok(found),
    }
}

/// All interfaces of the namespace.
pub(super) fn list() -> Result<Vec<Interface>, LinkError> {
    const SLICE_TIME: Duration = Duration::from_secs(5);
    let mut channel = super::open(&[], 0)?;
    let mut batch = channel.batch();
    request::dump_links(&mut batch);
    channel.send(&batch)?;
    let mut interfaces = Vec::new();
    loop {
        let Some(messages) = channel.receive(SLICE_TIME)? else {
            return Err(io::Error::from(io::ErrorKind::TimedOut).into());
        };
        for message in messages {
            match message.error().or_else(|| message.done()) {
                Some(Some(errno)) => return Err(io::Error::from(errno).into()),
                Some(None) => return Ok(interfaces),
                None => interfaces.extend(parse(&message)),
            }
        }
    }
}

/// Reads a message about an interface; `None` if it is about something else, or malformed.
pub(super) fn parse(message: &Message<'_>) -> Option<Interface> {
    if message.kind != NEW_LINK && message.kind != DELETE_LINK {
        return None;
    }
    let [_, _, layer, index, flags] = header(message.payload)?;
    const ETHERNET: u32 = 1;
    let mut interface = Interface {
        name: String::new(),
        index,
        mac: None,
        up: flags & FLAG_UP != 0,
        carrier: flags & FLAG_LOWER_UP != 0,
        kind: None,
        lower: None,
        alias: None,
    };
    let mut same_namespace = true;
    for attribute in NlasIterator::new(message.payload.get(16..)?) {
        let attribute = attribute.ok()?;
        let value = attribute.value();
        match attribute.kind() {
            ADDRESS if layer == ETHERNET => interface.mac = value.try_into().ok().map(MacAddress),
            NAME => interface.name = text(&attribute),
            LOWER => interface.lower = value.first_chunk().map(|bytes| u32::from_ne_bytes(*bytes)),
            LOWER_NAMESPACE => same_namespace = false,
            ALIAS => interface.alias = Some(text(&attribute)),
            INFO => {
                interface.kind = NlasIterator::new(value)
                    .filter_map(Result::ok)
                    .find(|inner| inner.kind() == INFO_KIND)
                    .map(|inner| text(&inner));
            }
            _ => {}
        }
    }
    interface.lower = interface.lower.filter(|_| same_namespace);
    (!interface.name.is_empty()).then_some(interface)
}

/// Family, padding, layer, index, flags.
fn header(payload: &[u8]) -> Option<[u32; 5]> {
    let [family, padding, l0, l1, i0, i1, i2, i3, f0, f1, f2, f3] = *payload.first_chunk::<12>()?;
    Some([
        u32::from(family),
        u32::from(padding),
        u32::from(u16::from_ne_bytes([l0, l1])),
        u32::from_ne_bytes([i0, i1, i2, i3]),
        u32::from_ne_bytes([f0, f1, f2, f3]),
    ])
}

fn text(attribute: &NlaBuffer<&[u8]>) -> String {
    let bytes = attribute.value();
    String::from_utf8_lossy(bytes.strip_suffix(&[0]).unwrap_or(bytes)).into_owned()
}
