//! What a person calls the things to which the machines give numbers.

use ha_core::identity::{InterfaceId, Label, ServiceId};
use ha_core::monitor::{self, MonitorRef};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a person calls the things to which the machines give numbers.
#[derive(Debug)]
pub struct Names<'a> {
    /// The paths, in their order.
    pub paths: &'a [String],
    /// The serial number that the peer should have.
    pub peer_serial: &'a str,
    /// The network interfaces.
    pub devices: &'a BTreeMap<InterfaceId, String>,
    /// The services.
    pub services: BTreeMap<ServiceId, Label>,
}

/// Something that is taken off a health weight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deduction {
    /// Because of which monitor, for a person.
    pub what: String,
    /// How much.
    pub weight: u16,
}

/// The status of a monitor of a network interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OnDevice<T> {
    /// The network interface.
    pub device: String,
    /// How it is.
    #[serde(flatten)]
    pub status: T,
}

impl Names<'_> {
    pub(super) fn on_device<T>(&self, interface: InterfaceId, status: T) -> OnDevice<T> {
        OnDevice { device: self.device(interface), status }
    }

    fn device(&self, interface: InterfaceId) -> String {
        self.devices.get(&interface).cloned().unwrap_or_else(|| interface.to_string())
    }

    fn monitor(&self, monitor: MonitorRef) -> String {
        match monitor {
            MonitorRef::Link(interface) => format!("link of {}", self.device(interface)),
            MonitorRef::Target(interface, family) => {
                format!("{family} target of {}", self.device(interface))
            }
            MonitorRef::Service(service) => match self.services.get(&service) {
                Some(name) => format!("service {name}"),
                None => service.to_string(),
            },
            MonitorRef::Others => "others".to_owned(),
        }
    }

    pub(super) fn deductions(&self, deductions: &[monitor::Deduction]) -> Vec<Deduction> {
        let told = |it: &monitor::Deduction| Deduction {
            what: self.monitor(it.monitor),
            weight: it.weight,
        };
        deductions.iter().map(told).collect()
    }
}
