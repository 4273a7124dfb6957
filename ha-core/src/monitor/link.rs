//! Physical monitoring: what is known of the ports of an interface (MON-1, MON-2).

use super::RESTORE_HOLD;
use super::config::MAX_PORTS;
use crate::identity::InterfaceId;
use crate::time::Instant;

/// The redundant ports of one interface, and what was reported of them: one stands in for the other (MON-1, VG-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ports {
    count: u8,
    /// Bit n: something was reported of port n; it is up.
    known: u8,
    up: u8,
}

impl Ports {
    /// That many ports, 1 to [`MAX_PORTS`], of which nothing is known; `None` for any other number.
    #[must_use]
    pub fn new(count: u8) -> Option<Self> {
        (1..=MAX_PORTS).contains(&count).then(|| Self::unreported(count))
    }

    /// The same with a number that was checked before.
    const fn unreported(count: u8) -> Self {
        Self { count, known: 0, up: 0 }
    }

    /// Notes what was reported of a port, from 0. `false`, and nothing was changed: there is no such port.
    pub fn report(&mut self, port: u8, up: bool) -> bool {
        let Some(bit) = 1_u8.checked_shl(port.into()).filter(|_| port < self.count) else {
            return false;
        };
        self.known |= bit;
        self.up = if up { self.up | bit } else { self.up & !bit };
        true
    }

    /// The interface is up as long as one port is; it is down if all are; else that is not known yet.
    #[must_use]
    pub fn is_up(&self) -> Option<bool> {
        if self.up != 0 {
            return Some(true);
        }
        (self.known.count_ones() >= u32::from(self.count)).then_some(false)
    }

    /// How many there are, 1 to [`MAX_PORTS`].
    #[must_use]
    pub const fn count(&self) -> u8 {
        self.count
    }

    /// How many are up.
    #[must_use]
    pub fn count_up(&self) -> u8 {
        u8::try_from(self.up.count_ones()).unwrap_or(u8::MAX)
    }
}

/// The link of one interface, with its redundant ports.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) interface: InterfaceId,
    pub(super) ports: Ports,
    pub(super) weight: u16,
    /// It was down: until then it counts as down on a unit that is not Active.
    returns: Option<Instant>,
}

impl Link {
    /// `ports` was checked with the configuration.
    pub(super) fn new(interface: InterfaceId, ports: u8, weight: u16) -> Self {
        Self { interface, ports: Ports::unreported(ports), weight, returns: None }
    }

    pub(super) fn is_up(&self) -> Option<bool> {
        self.ports.is_up()
    }

    /// Notes what was reported; `false` if there is no such port.
    pub(super) fn report(&mut self, now: Instant, port: u8, up: bool) -> bool {
        let was_down = self.is_up() == Some(false);
        let is_port = self.ports.report(port, up);
        if was_down && self.is_up() == Some(true) {
            self.returns = Some(now + RESTORE_HOLD);
        }
        is_port
    }

    /// It makes the unit less fit. `must_show`: so does one of which too little is known, or that was down a moment ago.
    pub(super) fn is_deducted(&self, must_show: bool) -> bool {
        match self.is_up() {
            Some(false) => true,
            Some(true) => must_show && self.returns.is_some(),
            None => must_show,
        }
    }

    /// When it counts again.
    pub(super) fn next(&self) -> Option<Instant> {
        self.returns
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.returns = self.returns.filter(|until| *until > now);
    }
}
