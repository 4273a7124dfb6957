//! The link weight of a virtual group: how many of the interfaces with an address in it are up (VG-2 to VG-4, VG-6).
//!
//! Three steps, from a port to a node:
//! - [`UnitLinks`] counts on one unit: an interface is up while one of its redundant ports is (VG-3), judged by the
//!   port's own carrier;
//! - [`node_weight`] is that of the best unit that can be active (VG-6): as long as its pair can do something about a
//!   lost link, the node's weight does not fall;
//! - [`HeldWeight`] lets a rise wait (VG-4).
//!
//! A port of which nothing was reported counts as down (our decision): a node that has just started must not win a group
//! by links that nobody has seen. Monitoring inside a pair is different: there, not known is no reason to move the role.

use crate::identity::{GroupNumber, MAX_GROUPS};
use crate::virtual_address::VirtualAddresses;
use alloc::vec::Vec;
use arrayvec::ArrayVec;
use core::fmt;
use core::ops::RangeInclusive;
use core::time::Duration;
use ha_core::identity::InterfaceId;
use ha_core::monitor::Ports;
use ha_core::time::Instant;
use thiserror::Error;

/// How many interfaces are up: 0 to 256, as configured; as told by another node any number. More is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct LinkWeight(pub u16);

impl fmt::Display for LinkWeight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A report of a port was refused. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LinkError {
    /// The interface has no virtual addresses, so its link does not count.
    #[error("{0} has no virtual addresses")]
    NotMonitored(InterfaceId),
    /// It has no such port.
    #[error("{interface} has no port {port}")]
    NoSuchPort {
        /// The interface.
        interface: InterfaceId,
        /// The port, counted from 0.
        port: u8,
    },
}

/// The links of one unit, as far as they count for groups: those of all interfaces with virtual addresses (MON-9).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnitLinks {
    links: Vec<Link>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Link {
    interface: InterfaceId,
    ports: Ports,
    /// By [`GroupNumber::index`]: it has an address in the group.
    groups: [bool; MAX_GROUPS],
}

impl UnitLinks {
    /// The links that count with these addresses. Nothing was reported of them yet: all are down.
    #[must_use]
    pub fn new(addresses: &VirtualAddresses) -> Self {
        let links = addresses.monitored().filter_map(|it| {
            let groups = GroupNumber::ALL.map(|group| addresses.has(it.interface, group));
            // The table's rules say that there are ports.
            Some(Link { interface: it.interface, ports: Ports::new(it.ports)?, groups })
        });
        Self { links: links.collect() }
    }

    /// Goes on with other addresses: what was reported of an interface stays, as long as it has as many ports as before.
    pub fn set_addresses(&mut self, addresses: &VirtualAddresses) {
        let mut new = Self::new(addresses);
        for link in &mut new.links {
            let is_it = |old: &&Link| {
                old.interface == link.interface && old.ports.count() == link.ports.count()
            };
            if let Some(old) = self.links.iter().find(is_it) {
                link.ports = old.ports;
            }
        }
        *self = new;
    }

    /// Notes what was reported of a port, counted from 0. Says whether the interface went up or down by that.
    ///
    /// # Errors
    /// There is no such port whose link would count.
    pub fn report(
        &mut self,
        interface: InterfaceId,
        port: u8,
        up: bool,
    ) -> Result<bool, LinkError> {
        let link = self.links.iter_mut().find(|it| it.interface == interface);
        let link = link.ok_or(LinkError::NotMonitored(interface))?;
        let before = link.is_up();
        if !link.ports.report(port, up) {
            return Err(LinkError::NoSuchPort { interface, port });
        }
        Ok(link.is_up() != before)
    }

    /// Whether the interface is up; `None` if it has no virtual addresses.
    #[must_use]
    pub fn is_up(&self, interface: InterfaceId) -> Option<bool> {
        Some(self.links.iter().find(|it| it.interface == interface)?.is_up())
    }

    /// The unit's weight for a group: how many interfaces are up of those that have an address in it, whatever the
    /// number of their ports and addresses (VG-2, VG-3).
    #[must_use]
    pub fn weight(&self, group: GroupNumber) -> LinkWeight {
        let counts = |it: &&Link| it.is_up() && it.groups.get(group.index()) == Some(&true);
        LinkWeight(u16::try_from(self.links.iter().filter(counts).count()).unwrap_or(u16::MAX))
    }

    /// The unit's weights for all groups, by [`GroupNumber::index`].
    #[must_use]
    pub fn weights(&self) -> [LinkWeight; MAX_GROUPS] {
        GroupNumber::ALL.map(|group| self.weight(group))
    }
}

impl Link {
    fn is_up(&self) -> bool {
        self.ports.is_up() == Some(true)
    }
}

/// The weight of a node for a group, from those of its units of which each says whether it can be active: the best of
/// them (VG-6). `None`: none can, and the node is no candidate.
#[must_use]
pub fn node_weight(units: impl IntoIterator<Item = (bool, LinkWeight)>) -> Option<LinkWeight> {
    units.into_iter().filter(|(can_be_active, _)| *can_be_active).map(|(_, weight)| weight).max()
}

/// How long a rise of a weight must last before it counts: 0 s to 1 h (VG-4).
pub const RESTORE_HOLD_RANGE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(3600);

/// A restore hold is outside [`RESTORE_HOLD_RANGE`]. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("restore hold: {0:?} is longer than 1 h")]
pub struct RestoreHoldError(pub Duration);

/// How long a rise of a weight must last before it counts (VG-4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "Duration", into = "Duration")
)]
pub struct RestoreHold(Duration);

impl RestoreHold {
    /// 0 s to 1 h. With 0 s a rise counts at once.
    ///
    /// # Errors
    /// It is longer.
    pub fn new(hold: Duration) -> Result<Self, RestoreHoldError> {
        if RESTORE_HOLD_RANGE.contains(&hold) {
            Ok(Self(hold))
        } else {
            Err(RestoreHoldError(hold))
        }
    }

    /// How long.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl Default for RestoreHold {
    /// 10 s.
    fn default() -> Self {
        Self(Duration::from_secs(10))
    }
}

impl TryFrom<Duration> for RestoreHold {
    type Error = RestoreHoldError;

    fn try_from(hold: Duration) -> Result<Self, RestoreHoldError> {
        Self::new(hold)
    }
}

impl From<RestoreHold> for Duration {
    fn from(hold: RestoreHold) -> Self {
        hold.0
    }
}

/// So many rises can wait at a time, each for its own end. One that is more waits together with the last of them.
const MAX_RISES: usize = 8;

/// A weight as it counts: the lowest of the last restore hold (VG-4). So a drop counts at once, and a rise when it has
/// lasted so long; a link that keeps going up and down never counts, and does not keep another one from counting.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HeldWeight {
    hold: RestoreHold,
    weight: LinkWeight,
    /// What it will rise to, and when: ever later, ever higher.
    rises: ArrayVec<(Instant, LinkWeight), MAX_RISES>,
}

impl HeldWeight {
    /// Begins with 0: at a start every link is news.
    #[must_use]
    pub const fn new(hold: RestoreHold) -> Self {
        Self { hold, weight: LinkWeight(0), rises: ArrayVec::new_const() }
    }

    /// Notes what the weight is now, and lets the rises whose time has come count. Calling it with the same weight at
    /// [`next`](Self::next) will do for that. The hold's end is its own: at that moment the rise counts.
    pub fn update(&mut self, now: Instant, raw: LinkWeight) {
        while let Some(&(at, weight)) = self.rises.first()
            && at <= now
        {
            self.weight = weight;
            self.rises.pop_at(0);
        }
        // What is above it now has not lasted; but it has been this high at least since the first of those began.
        let mut since = None;
        while let Some(&(at, weight)) = self.rises.last()
            && weight > raw
        {
            since = Some(at);
            self.rises.pop();
        }
        if raw <= self.weight {
            self.weight = raw;
            return;
        }
        if self.rises.last().is_some_and(|(_, last)| *last == raw) {
            return;
        }
        if self.rises.is_full() {
            self.rises.pop();
        }
        let at = since.unwrap_or(now + self.hold.get());
        if at <= now {
            // There is no hold.
            self.weight = raw;
        } else {
            let _ = self.rises.try_push((at, raw));
        }
    }

    /// Lets what waits count now: for a start at which no other node is heard, so that there is nobody whom a rise could
    /// disturb.
    pub fn settle(&mut self) {
        if let Some((_, weight)) = self.rises.pop() {
            self.weight = weight;
        }
        self.rises.clear();
    }

    /// The weight that counts, as of the last update.
    #[must_use]
    pub const fn weight(&self) -> LinkWeight {
        self.weight
    }

    /// What it will rise to, and when: ever later, ever higher.
    #[cfg(feature = "simulation")]
    pub(crate) fn rises(&self) -> impl Iterator<Item = (Instant, LinkWeight)> + '_ {
        self.rises.iter().copied()
    }

    /// When it will rise, if nothing happens before: call [`update`](Self::update) then. `None`: nothing waits.
    #[must_use]
    pub fn next(&self) -> Option<Instant> {
        self.rises.first().map(|(at, _)| *at)
    }
}
