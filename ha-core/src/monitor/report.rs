//! What a heartbeat says of the sender's monitors: what its health weight lacks and why (CRASH-3), and how it
//! sees each probe target (MON-4).
//!
//! Two elements, which a receiver that does not know them skips:
//!
//! ```text
//! type 3, deductions: for each     0 kind: 1 link, 2 IPv4 target, 3 IPv6 target, 4 service, 255 all others
//!                                  1 number of the interface or service (16)
//!                                  3 weight (16)
//! type 4, targets: for each        0 number of the interface (16)
//!                                  2 bit 7: IPv6; bits 0 and 1: 0 unknown, 1 reached, 2 lost; others zero
//!                                  3 number of the loss, or 0
//!                                  4 number of the receiver's loss that is confirmed, or 0
//! ```

use super::config::{Family, MAX_TARGETS};
use super::target::Reach;
use crate::identity::{InterfaceId, ServiceId};
use alloc::vec::Vec;
use core::fmt;

/// The most deductions that a heartbeat names; what is beyond is summed up.
pub const MAX_DEDUCTIONS: usize = 16;

/// The length of each entry of both elements.
const ENTRY_LEN: usize = 5;

const LINK: u8 = 1;
const TARGET_V4: u8 = 2;
const TARGET_V6: u8 = 3;
const SERVICE: u8 = 4;
const OTHERS: u8 = 255;
const IPV6: u8 = 0x80;

/// What takes something off the health weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "kebab-case")
)]
pub enum MonitorRef {
    /// The link of an interface is down.
    Link(InterfaceId),
    /// The probe target of an interface is lost on this unit alone.
    Target(InterfaceId, Family),
    /// A service has failed.
    Service(ServiceId),
    /// All that a heartbeat has no room for.
    Others,
}

impl fmt::Display for MonitorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Link(interface) => write!(f, "link of {interface}"),
            Self::Target(interface, family) => write!(f, "{family} target of {interface}"),
            Self::Service(service) => write!(f, "{service}"),
            Self::Others => f.write_str("others"),
        }
    }
}

/// How much the health weight lacks, and why (CRASH-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Deduction {
    /// Why.
    pub monitor: MonitorRef,
    /// How much.
    pub weight: u16,
}

/// How a unit sees a probe target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TargetReport {
    /// Of which interface.
    pub interface: InterfaceId,
    /// Of which family.
    pub family: Family,
    /// Whether it is reached.
    pub reach: Reach,
    /// The number of its present or last loss; 0 if it never was lost.
    pub loss: u8,
    /// The loss of the receiver since which the sender has reached it; 0 for none.
    pub confirms: u8,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Report {
    /// What the health weight lacks: [`MAX_DEDUCTIONS`] at the most.
    pub deductions: Vec<Deduction>,
    /// The targets: [`MAX_TARGETS`] at the most.
    pub targets: Vec<TargetReport>,
}

impl Report {
    /// Cuts the list of deductions to what a heartbeat has room for; the last one is then the sum of the rest.
    pub(super) fn shortened(mut deductions: Vec<Deduction>) -> Vec<Deduction> {
        if deductions.len() > MAX_DEDUCTIONS {
            let rest = deductions.split_off(MAX_DEDUCTIONS.saturating_sub(1));
            let weight = rest.iter().fold(0_u16, |all, one| all.saturating_add(one.weight));
            deductions.push(Deduction { monitor: MonitorRef::Others, weight });
        }
        deductions
    }

    /// How long both elements are, with their heads.
    pub(crate) fn wire_len(&self) -> usize {
        let element = |entries: usize, most: usize| match entries.min(most) {
            0 => 0,
            entries => entries.saturating_mul(ENTRY_LEN).saturating_add(2),
        };
        element(self.deductions.len(), MAX_DEDUCTIONS)
            .saturating_add(element(self.targets.len(), MAX_TARGETS))
    }

    /// The value of the element of the deductions.
    pub(crate) fn deduction_bytes(&self) -> impl ExactSizeIterator<Item = [u8; ENTRY_LEN]> + '_ {
        self.deductions.iter().take(MAX_DEDUCTIONS).map(|it| {
            let (kind, number) = match it.monitor {
                MonitorRef::Link(interface) => (LINK, interface.0),
                MonitorRef::Target(interface, Family::V4) => (TARGET_V4, interface.0),
                MonitorRef::Target(interface, Family::V6) => (TARGET_V6, interface.0),
                MonitorRef::Service(service) => (SERVICE, service.0),
                MonitorRef::Others => (OTHERS, 0),
            };
            let ([a, b], [c, d]) = (number.to_be_bytes(), it.weight.to_be_bytes());
            [kind, a, b, c, d]
        })
    }

    /// The value of the element of the targets.
    pub(crate) fn target_bytes(&self) -> impl ExactSizeIterator<Item = [u8; ENTRY_LEN]> + '_ {
        self.targets.iter().take(MAX_TARGETS).map(|it| {
            let [a, b] = it.interface.0.to_be_bytes();
            let family = if it.family == Family::V6 { IPV6 } else { 0 };
            [a, b, family | it.reach as u8, it.loss, it.confirms]
        })
    }

    /// Reads the value of the element of the deductions; `None` if it is malformed.
    pub(crate) fn read_deductions(value: &[u8]) -> Option<Vec<Deduction>> {
        let read = |[kind, a, b, c, d]: [u8; ENTRY_LEN]| {
            let number = u16::from_be_bytes([a, b]);
            let monitor = match kind {
                LINK => MonitorRef::Link(InterfaceId(number)),
                TARGET_V4 => MonitorRef::Target(InterfaceId(number), Family::V4),
                TARGET_V6 => MonitorRef::Target(InterfaceId(number), Family::V6),
                SERVICE => MonitorRef::Service(ServiceId(number)),
                OTHERS if number == 0 => MonitorRef::Others,
                _ => return None,
            };
            Some(Deduction { monitor, weight: u16::from_be_bytes([c, d]) })
        };
        entries(value, MAX_DEDUCTIONS)?.map(read).collect()
    }

    /// Reads the value of the element of the targets; `None` if it is malformed.
    pub(crate) fn read_targets(value: &[u8]) -> Option<Vec<TargetReport>> {
        let read = |[a, b, state, loss, confirms]: [u8; ENTRY_LEN]| {
            Some(TargetReport {
                interface: InterfaceId(u16::from_be_bytes([a, b])),
                family: if state & IPV6 == 0 { Family::V4 } else { Family::V6 },
                reach: Reach::from_wire(state & !IPV6)?,
                loss,
                confirms,
            })
        };
        entries(value, MAX_TARGETS)?.map(read).collect()
    }
}

fn entries(value: &[u8], most: usize) -> Option<impl Iterator<Item = [u8; ENTRY_LEN]> + '_> {
    let (entries, rest) = value.as_chunks::<ENTRY_LEN>();
    (rest.is_empty() && entries.len() <= most).then(|| entries.iter().copied())
}
