//! How well this unit is connected: how many of its data interfaces have a carrier (PAIR-5, CRASH-3), and
//! whether any has (BEY-3).

use super::RunError;
use crate::config::Checked;
use crate::links::{Interface, LinkChange, LinkError, LinkWatch};
use appliance::driver::DriverHandle;
use appliance::{Appliance, Input};
use ha_core::pair::{self, MonitoredLinks};
use statesync::Table;
use std::collections::BTreeMap;
use std::time::Duration;
use tracing::{info, warn};

/// How long a read waits: the thread ends with the driver, at the latest after this time.
const READ_TIME: Duration = Duration::from_secs(1);

/// Tells the role machine how many data interfaces have a carrier, now and whenever that changes.
///
/// # Errors
/// An interface is missing, or the kernel cannot be asked.
pub(super) fn watch(
    config: &Checked,
    handle: DriverHandle<Appliance<Table>>,
) -> Result<(), RunError> {
    let watch = LinkWatch::open()?;
    let mut carriers = BTreeMap::new();
    for interface in &config.file.interface {
        let found = Interface::lookup(&interface.device)?;
        carriers.insert(found.name, found.carrier);
    }
    std::thread::Builder::new()
        .name("links".into())
        .spawn(move || follow(watch, carriers, &handle))?;
    Ok(())
}

fn follow(
    mut watch: LinkWatch,
    mut carriers: BTreeMap<String, bool>,
    handle: &DriverHandle<Appliance<Table>>,
) {
    let mut told = None;
    loop {
        let count = |count| u16::try_from(count).unwrap_or(u16::MAX);
        let up = count(carriers.values().filter(|carrier| **carrier).count());
        if told != Some(up) {
            let links = MonitoredLinks { configured: count(carriers.len()), up };
            for input in [pair::Input::HealthWeight(up), pair::Input::MonitoredLinks(links)] {
                if handle.blocking_input(Input::Pair(input)).is_err() {
                    return;
                }
            }
            told = Some(up);
        }
        match watch.read(READ_TIME) {
            Ok(changes) => {
                for change in changes {
                    note(&mut carriers, &change);
                }
            }
            Err(LinkError::Overrun) => {
                for (device, carrier) in &mut carriers {
                    *carrier = Interface::lookup(device).is_ok_and(|found| found.carrier);
                }
            }
            Err(error) => {
                warn!(%error, "interfaces cannot be followed any more");
                return;
            }
        }
    }
}

fn note(carriers: &mut BTreeMap<String, bool>, change: &LinkChange) {
    let (interface, carrier) = match change {
        LinkChange::Present(interface) => (interface, interface.carrier),
        LinkChange::Gone(interface) => (interface, false),
    };
    if let Some(before) = carriers.get_mut(&interface.name)
        && *before != carrier
    {
        *before = carrier;
        info!(device = interface.name, carrier, "link changed");
    }
}
