//! Tells the role machine of the links of the data interfaces (MON-1), and gives an interface that returns
//! the unit's own addresses again.

use super::RunError;
use super::platform::lock;
use crate::config::Checked;
use crate::links::{Interface, LinkChange, LinkError, LinkWatch, MonitoringAddresses};
use appliance::driver::{DriverHandle, Stopped};
use appliance::{Appliance, Input};
use ha_core::identity::InterfaceId;
use ha_core::pair;
use statesync::Table;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::warn;

/// How long a read waits: the thread ends with the driver, at the latest after this time.
const READ_TIME: Duration = Duration::from_secs(1);

/// The unit's own addresses, until they are given back.
pub(super) type OwnAddresses = Arc<Mutex<Option<MonitoringAddresses>>>;

/// Tells whether each port of a monitored interface has a carrier, now and whenever that changes.
///
/// # Errors
/// An interface is missing, or the kernel cannot be asked.
pub(super) fn watch(
    config: &Checked,
    handle: DriverHandle<Appliance<Table>>,
    addresses: OwnAddresses,
) -> Result<(), RunError> {
    let watch = LinkWatch::open()?;
    let port = |(interface, port, device): (_, _, &str)| (interface, port, device.to_owned());
    let monitored: Vec<_> = config.monitored_ports().map(port).collect();
    let devices = config.devices();
    let mut carriers = BTreeMap::new();
    for device in devices.values().chain(monitored.iter().map(|(.., device)| device)) {
        let found = Interface::lookup(device)?;
        carriers.insert(found.name, found.carrier);
    }
    let links = Links { monitored, handle, addresses };
    std::thread::Builder::new()
        .name("links".into())
        .spawn(move || links.follow(watch, carriers))?;
    Ok(())
}

struct Links {
    /// The ports of the monitored interfaces. One device can bear several interfaces, with a virtual MAC each.
    monitored: Vec<(InterfaceId, u8, String)>,
    handle: DriverHandle<Appliance<Table>>,
    addresses: OwnAddresses,
}

impl Links {
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
        let mut those = self.monitored.iter().filter(|(.., it)| it == device);
        those.try_for_each(|&(interface, port, _)| {
            let input = pair::Input::Link { interface, port, up };
            self.handle.blocking_input(Input::Pair(input))
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
