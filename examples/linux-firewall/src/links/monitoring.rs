//! The unit's own addresses for probes and management (MON-3, MON-7): there while the program runs, on the
//! Standby too. They are not announced, and never move.

use super::{Interface, LinkError, request};
use crate::netlink::{Channel, Message};
use ha_core::address::InterfaceAddress;
use netlink_packet_core::NlasIterator;
use rustix::io::Errno;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

const NEW_ADDRESS: u16 = 20;
const ADDRESS: u16 = 1;
const LOCAL: u16 = 2;
const PROTOCOL: u16 = 11;

/// An address of this unit's own, as configured: the interface, and the address with the prefix length.
pub type Own = (String, InterfaceAddress);

/// The unit's own addresses on its interfaces. Those that were not there before are removed on drop.
#[derive(Debug)]
pub struct MonitoringAddresses {
    channel: Channel,
    configured: Vec<Own>,
    ours: Vec<(u32, InterfaceAddress)>,
}

impl MonitoringAddresses {
    /// Adds the addresses to their interfaces. One that is there already stays at the end, but for those
    /// that an earlier, crashed run of this program left.
    ///
    /// # Errors
    /// What is wrong with which interface. Nothing is left behind.
    pub fn configure(configured: &[Own]) -> Result<Self, LinkError> {
        let channel = super::open(&[], 0)?;
        let mut addresses = Self { channel, configured: configured.to_vec(), ours: Vec::new() };
        for (device, address) in configured {
            addresses.add(device, address)?;
        }
        Ok(addresses)
    }

    /// Adds those of an interface again if they are gone: the kernel drops IPv6 addresses when it is set
    /// down, and all of them with the interface.
    ///
    /// # Errors
    /// Which address, and why; the others of the interface may be there or not.
    pub fn restore(&mut self, device: &str) -> Result<(), LinkError> {
        let gone: Vec<_> = self.configured.iter().filter(|(it, _)| it == device).cloned().collect();
        gone.iter().try_for_each(|(device, address)| self.add(device, address))
    }

    fn add(&mut self, device: &str, address: &InterfaceAddress) -> Result<(), LinkError> {
        let index = Interface::lookup(device)?.index;
        let mut batch = self.channel.batch();
        request::add_own_address(&mut batch, index, address);
        let refused = self.channel.transact(batch, |_| {})?;
        let ours = match refused.first().map(|refused| refused.errno) {
            None => true,
            Some(Errno::EXIST) => self.is_left_over(index, address)?,
            Some(errno) => {
                return Err(LinkError::Refused {
                    doing: format!("adding the monitoring address {address}"),
                    device: device.into(),
                    source: io::Error::from(errno),
                });
            }
        };
        if ours && !self.ours.contains(&(index, *address)) {
            self.ours.push((index, *address));
        }
        Ok(())
    }

    /// Whether the address that is there bears our mark.
    fn is_left_over(&mut self, index: u32, address: &InterfaceAddress) -> Result<bool, LinkError> {
        const SLICE_TIME: Duration = Duration::from_secs(5);
        let mut batch = self.channel.batch();
        request::dump_addresses(&mut batch);
        self.channel.send(&batch)?;
        let mut found = false;
        loop {
            let Some(messages) = self.channel.receive(SLICE_TIME)? else {
                return Err(io::Error::from(io::ErrorKind::TimedOut).into());
            };
            for message in messages {
                match message.error().or_else(|| message.done()) {
                    Some(Some(errno)) => return Err(io::Error::from(errno).into()),
                    Some(None) => return Ok(found),
                    None => {
                        let wanted = (index, address.address(), request::PROTOCOL);
                        found |= parse(&message) == Some(wanted);
                    }
                }
            }
        }
    }
}

impl Drop for MonitoringAddresses {
    fn drop(&mut self) {
        let mut batch = self.channel.batch();
        for (index, address) in &self.ours {
            request::remove_address(&mut batch, *index, address);
        }
        // What is gone with its interface is refused; nobody is there to hear of it.
        let _ = self.channel.transact(batch, |_| {});
    }
}

/// The interface, the address and its mark in a message about an address that bears one.
fn parse(message: &Message<'_>) -> Option<(u32, IpAddr, u8)> {
    if message.kind != NEW_ADDRESS {
        return None;
    }
    let index = message.payload.get(4..8)?.first_chunk().map(|it| u32::from_ne_bytes(*it))?;
    let (mut address, mut local, mut protocol) = (None, None, None);
    for attribute in NlasIterator::new(message.payload.get(8..)?) {
        let attribute = attribute.ok()?;
        match attribute.kind() {
            ADDRESS => address = ip(attribute.value()),
            LOCAL => local = ip(attribute.value()),
            PROTOCOL => protocol = attribute.value().first().copied(),
            _ => {}
        }
    }
    Some((index, local.or(address)?, protocol?))
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = || <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from);
    let v6 = || <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from);
    v4().or_else(v6)
}
