//! Tells the machine of the links of the data interfaces (MON-1), and gives an interface that returns
//! the unit's own addresses again.

use super::RunError;
use super::platform::lock;
use crate::links::{Interface, LinkChange, LinkError, LinkWatch, MonitoringAddresses};
use appliance::driver::{DriverHandle, Stopped};
use ha_core::identity::{InterfaceId, PathId};
use ha_core::machine::Machine;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::warn;

/// How long a read waits: the thread ends with the driver, at the latest after this time.
const READ_TIME: Duration = Duration::from_secs(1);

/// The unit's own addresses, until they are given back.
pub(super) type OwnAddresses = Arc<Mutex<Option<MonitoringAddresses>>>;

/// The links of a unit, and whom to tell of them.
pub(super) struct Links<M: Machine> {
    /// The ports of the monitored interfaces. One device can bear several interfaces, with a virtual MAC each.
    pub(super) monitored: Vec<(InterfaceId, u8, String)>,
    /// Other interfaces that are watched.
    pub(super) devices: Vec<String>,
    pub(super) handle: DriverHandle<M>,
    /// How the machine is told that a port is up, or down.
    pub(super) input: fn(InterfaceId, u8, bool) -> M::Input,
    /// The links to other units whose speed counts: their devices.
    pub(super) links: Vec<(PathId, String)>,
    /// How the machine is told how fast one is, in Mbit/s.
    pub(super) speed: fn(PathId, u32) -> Option<M::Input>,
    pub(super) addresses: OwnAddresses,
}

impl<M: Machine + 'static> Links<M>
where
    M::Input: Send,
    M::Refusal: Send,
{
    /// Tells whether each port of a monitored interface has a carrier, now and whenever that changes.
    ///
    /// # Errors
    /// An interface is missing, or the kernel cannot be asked.
    pub(super) fn watch(self) -> Result<(), RunError> {
        let watch = LinkWatch::open()?;
        let mut carriers = BTreeMap::new();
        let monitored = self.monitored.iter().map(|(.., device)| device);
        let links = self.links.iter().map(|(_, device)| device);
        for device in self.devices.iter().chain(monitored).chain(links) {
            let found = Interface::lookup(device)?;
            carriers.insert(found.name, found.carrier);
        }
        std::thread::Builder::new()
            .name("links".into())
            .spawn(move || self.follow(watch, carriers))?;
        Ok(())
    }

    fn follow(&self, mut watch: LinkWatch, mut carriers: BTreeMap<String, bool>) {
        let told = carriers.iter().try_for_each(|(device, carrier)| self.tell(device, *carrier));
        if told.is_err() {
            return;
        }
        loop {
            let changes = match watch.read(READ_TIME) {
                Ok(changes) => changes.iter().map(as_it_is).collect(),
                Err(LinkError::Overrun) => carriers.keys().map(|device| look_up(device)).collect(),
                Err(error) => {
                    warn!(%error, "interfaces cannot be followed any more");
                    return;
                }
            };
            let changes: Vec<(String, bool)> = changes;
            for (device, carrier) in changes {
                let Some(before) = carriers.get_mut(&device) else { continue };
                if std::mem::replace(before, carrier) == carrier {
                    continue;
                }
                if self.tell(&device, carrier).is_err() {
                    return;
                }
                if carrier {
                    self.restore(&device);
                }
            }
        }
    }

    fn tell(&self, device: &str, up: bool) -> Result<(), Stopped> {
        if up && let Some(speed) = Interface::speed(device) {
            let those = self.links.iter().filter(|(_, it)| it == device);
            let mut told = those.filter_map(|(path, _)| (self.speed)(*path, speed));
            told.try_for_each(|input| self.handle.blocking_input(input))?;
        }
        let mut those = self.monitored.iter().filter(|(.., it)| it == device);
        those.try_for_each(|&(interface, port, _)| {
            self.handle.blocking_input((self.input)(interface, port, up))
        })
    }

    fn restore(&self, device: &str) {
        if let Some(addresses) = lock(&self.addresses).as_mut()
            && let Err(error) = addresses.restore(device)
        {
            warn!(%error, "the unit's own address is not there");
        }
    }
}

fn as_it_is(change: &LinkChange) -> (String, bool) {
    match change {
        LinkChange::Present(interface) => (interface.name.clone(), interface.carrier),
        LinkChange::Gone(interface) => (interface.name.clone(), false),
    }
}

fn look_up(device: &str) -> (String, bool) {
    (device.to_owned(), Interface::lookup(device).is_ok_and(|found| found.carrier))
}
