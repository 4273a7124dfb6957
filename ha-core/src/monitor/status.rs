//! What a person can read of the monitors at any time (STA-1).

use super::Monitor;
use super::config::ServiceScope;
use super::link::Link;
use super::service::Watched;
use super::target::{Reach, Target};
use crate::identity::{InterfaceId, Label, ServiceId};
use alloc::vec::Vec;
use core::net::IpAddr;

/// The link of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct LinkStatus {
    /// Which interface.
    pub interface: InterfaceId,
    /// Whether it is up; `None` while too little was reported.
    pub up: Option<bool>,
    /// How many of its ports are up.
    pub ports_up: u8,
    /// How many redundant ports it has.
    pub ports: u8,
    /// What it counts in the health weight.
    pub weight: u16,
    /// That is deducted at present: it is down; or, on a unit that is not Active, not known to be up, or
    /// was down within the last ten seconds (MON-2).
    pub deducted: bool,
}

/// A probe target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TargetStatus {
    /// Of which interface.
    pub interface: InterfaceId,
    /// What is probed.
    pub target: IpAddr,
    /// From which address.
    pub source: IpAddr,
    /// Whether this unit reaches it.
    pub reach: Reach,
    /// Whether the peer does, as far as it has said.
    pub peer: Reach,
    /// How many probes in a row had no answer.
    pub missed: u8,
    /// What it counts in the health weight.
    pub weight: u16,
    /// That is deducted at present: it is lost on this unit alone (MON-4).
    pub deducted: bool,
}

/// A service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ServiceStatus {
    /// Which one.
    pub service: ServiceId,
    /// What a person calls it.
    pub name: Label,
    /// Where it runs.
    pub scope: ServiceScope,
    /// It has failed.
    pub failed: bool,
    /// It failed so often that it is not restarted any more.
    pub given_up: bool,
    /// How many restarts are counted at present.
    pub restarts: u8,
    /// What it counts in the health weight.
    pub weight: u16,
    /// That is deducted at present: it has failed; or, on a unit that is not Active, it has not reported yet, or not
    /// ten seconds after it reported again.
    pub deducted: bool,
}

impl Monitor {
    pub(crate) fn link_status(&self) -> Vec<LinkStatus> {
        let status = |it: &Link| LinkStatus {
            interface: it.interface,
            up: it.is_up(),
            ports_up: it.ports.count_up(),
            ports: it.ports.count(),
            weight: it.weight,
            deducted: self.is_link_deducted(it),
        };
        self.links.iter().map(status).collect()
    }

    pub(crate) fn target_status(&self) -> Vec<TargetStatus> {
        let status = |it: &Target| TargetStatus {
            interface: it.interface,
            target: it.target,
            source: it.source,
            reach: it.reach,
            peer: it.peer_reach(),
            missed: it.missed,
            weight: it.weight,
            deducted: self.is_one_sided(it),
        };
        self.targets.iter().map(status).collect()
    }

    pub(crate) fn service_status(&self) -> Vec<ServiceStatus> {
        let status = |it: &Watched| ServiceStatus {
            service: it.service.id,
            name: it.service.name,
            scope: it.service.scope,
            failed: it.is_failed(),
            given_up: it.is_given_up,
            restarts: u8::try_from(it.restarts()).unwrap_or(u8::MAX),
            weight: it.service.weight,
            deducted: it.is_deducted(self.must_show()),
        };
        self.services.iter().map(status).collect()
    }
}
