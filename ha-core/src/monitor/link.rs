//! Physical monitoring: what is known of the ports of an interface (MON-1, MON-2).

use crate::identity::InterfaceId;

/// The link of one interface, with its redundant ports.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) interface: InterfaceId,
    pub(super) ports: u8,
    pub(super) weight: u16,
    /// Bit n: something was reported of port n; it is up.
    known: u8,
    up: u8,
}

impl Link {
    pub(super) fn new(interface: InterfaceId, ports: u8, weight: u16) -> Self {
        Self { interface, ports, weight, known: 0, up: 0 }
    }

    /// Says what is known of a port; `false` if there is no such port.
    pub(super) fn report(&mut self, port: u8, up: bool) -> bool {
        let Some(bit) = 1_u8.checked_shl(port.into()).filter(|_| port < self.ports) else {
            return false;
        };
        self.known |= bit;
        self.up = if up { self.up | bit } else { self.up & !bit };
        true
    }

    /// It is up as long as one port is; it is down if all are; else that is not known yet.
    pub(super) fn is_up(&self) -> Option<bool> {
        if self.up != 0 {
            return Some(true);
        }
        (self.known.count_ones() >= u32::from(self.ports)).then_some(false)
    }

    pub(super) fn ports_up(&self) -> u8 {
        u8::try_from(self.up.count_ones()).unwrap_or(u8::MAX)
    }
}
