//! Which unit is Active, so that a monitor can follow it (COS-7), and when that last changed here (STA-1).

use super::machine::Pair;
use super::news::{Event, Why};
use super::role::{Role, Stance};
use crate::identity::{Designation, SerialNumber};
use crate::time::Instant;

/// The unit that is Active, as far as this one knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ActiveUnit {
    /// Its designation.
    pub designation: Designation,
    /// Its serial number.
    pub serial: SerialNumber,
    /// Since when this unit knows it to be Active, by its own clock.
    pub since: Instant,
}

/// A change of this unit to the Active role or from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Failover {
    /// When.
    pub at: Instant,
    /// What the unit was.
    pub from: Role,
    /// What it became.
    pub to: Role,
    /// The cause.
    pub why: Why,
    /// The term of the reign that began, or of the one that ended.
    pub term: u64,
}

impl Pair {
    /// Which unit is Active; `None` if none is known to be. While both are (PAIR-13), each knows itself.
    #[must_use]
    pub fn active_unit(&self) -> Option<ActiveUnit> {
        self.active
    }

    /// The last time that this unit took the Active role or gave it up; `None` if it never was Active.
    #[must_use]
    pub fn last_failover(&self) -> Option<Failover> {
        self.last_failover
    }

    /// Notes who is Active now.
    pub(super) fn note_active(&mut self, now: Instant) {
        let peer_holds = |stance| matches!(stance, Stance::Active | Stance::Withdrawing);
        let active = if self.state.role() == Role::Active {
            Some((self.config.designation, self.config.serial))
        } else if self.peer_stance().is_some_and(peer_holds) {
            Some((self.config.designation.other(), self.config.peer_serial))
        } else {
            None
        };
        if active != self.active.map(|known| (known.designation, known.serial)) {
            let since = now;
            self.active =
                active.map(|(designation, serial)| ActiveUnit { designation, serial, since });
        }
    }

    /// Tells of a change of the role that only a person sees, if there was one: SYNC and ERROR come and go
    /// (PAIR-15) without a decision of the role machine.
    pub(super) fn tell_role(&mut self) {
        let (from, to) = (self.shown, self.role());
        if from == to {
            return;
        }
        self.shown = to;
        let why = match (from, to) {
            (_, Role::Error) => Why::Mismatch,
            (_, Role::Sync) => Why::StateIncomplete,
            (Role::Error, _) => Why::MismatchOver,
            _ => Why::StateComplete,
        };
        self.event(Event::RoleShown { from, to, why });
    }
}
