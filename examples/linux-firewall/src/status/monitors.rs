//! What is monitored, as the status tells it.

use super::Names;
use ha_core::identity::InterfaceId;
use ha_core::monitor::{self, LinkStatus, MonitorRef, ServiceScope, ServiceStatus, TargetStatus};
use serde::{Deserialize, Serialize};

/// Something that is taken off a health weight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deduction {
    /// Because of which monitor, for a person.
    pub what: String,
    /// How much.
    pub weight: u16,
}

/// A link that is monitored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The network interface.
    pub device: String,
    /// It has a carrier; absent if that is not known yet.
    pub up: Option<bool>,
    /// How much of the health weight depends on it.
    pub weight: u16,
    /// That is taken off at present.
    pub deducted: bool,
}

/// A target that is probed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Of which network interface.
    pub device: String,
    /// What is probed.
    pub target: String,
    /// The unit's own address from which it is probed.
    pub source: String,
    /// `unknown`, `reached` or `lost`, as this unit sees it.
    pub reach: String,
    /// The same, as the peer last said.
    pub peer: String,
    /// Probes in a row without an answer.
    pub missed: u8,
    /// How much of the health weight depends on it.
    pub weight: u16,
    /// That is taken off at present.
    pub deducted: bool,
}

/// A service that is watched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// `both` or `active-only`: on which units it runs.
    pub scope: String,
    /// It has failed.
    pub failed: bool,
    /// It is not restarted any more.
    pub given_up: bool,
    /// How often it was restarted within the configured window.
    pub restarts: u8,
    /// How much of the health weight depends on it.
    pub weight: u16,
    /// That is taken off at present.
    pub deducted: bool,
}

impl Names<'_> {
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

    pub(super) fn link(&self, it: &LinkStatus) -> Link {
        Link {
            device: self.device(it.interface),
            up: it.up,
            weight: it.weight,
            deducted: it.deducted,
        }
    }

    pub(super) fn target(&self, it: &TargetStatus) -> Target {
        Target {
            device: self.device(it.interface),
            target: it.target.to_string(),
            source: it.source.to_string(),
            reach: it.reach.to_string(),
            peer: it.peer.to_string(),
            missed: it.missed,
            weight: it.weight,
            deducted: it.deducted,
        }
    }
}

impl Service {
    pub(super) fn of(it: &ServiceStatus) -> Self {
        Self {
            name: it.name.to_string(),
            scope: match it.scope {
                ServiceScope::Both => "both",
                ServiceScope::ActiveOnly => "active-only",
            }
            .to_owned(),
            failed: it.failed,
            given_up: it.given_up,
            restarts: it.restarts,
            weight: it.weight,
            deducted: it.deducted,
        }
    }
}
