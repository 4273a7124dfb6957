//! What must always hold, in steps: S1, S3, L2. Part of the state that is searched.

use crate::oracle::Rule;
use ha_core::pair::{Action, Stance, Why};

/// What is known of one unit from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Watched {
    /// It holds Active: from the first take action until the withdrawal is confirmed.
    holds: bool,
    /// Steps since it last heard its peer; more than the failure time is all the same.
    silent_for: u16,
    /// What it heard last was that its peer holds the role.
    hears_holder: bool,
    /// Steps for which it has heard its peer without a break, up to a bound.
    heard_for: u16,
    /// Steps since it last sent a heartbeat, up to one more than the failure time.
    mute_for: u16,
    /// It stalled while it held the role, and has not withdrawn since.
    must_withdraw: bool,
}

/// Watches both units.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Watch {
    units: [Watched; 2],
    both_hold_for: u16,
    /// Voluntary changes of the role since anything else happened that moves it.
    voluntary: u8,
}

/// A rule that is broken, and how.
pub(super) type Broken = (Rule, String);

/// The figures that the watch is measured by, in steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) failure_time: u16,
    /// The longest delay of a heartbeat that is not delayed by the adversary, and of one that is.
    pub(super) delays: [u16; 2],
}

impl Limits {
    /// The longest time for which both may hold the role while they hear each other: a failure time and a
    /// delay; with losses twice that, since a conflict needs a heartbeat in each direction.
    pub(super) fn conflict(self, with_losses: bool) -> u16 {
        if with_losses {
            2 * (self.failure_time + self.delays[1])
        } else {
            self.failure_time + self.delays[0]
        }
    }

    /// Longer than any limit: it is all the same by how much.
    fn longest(self) -> u16 {
        self.conflict(true) + 1
    }
}

impl Watch {
    pub(super) fn new(limits: Limits) -> Self {
        let silent = limits.failure_time + 1;
        let unit = Watched { silent_for: silent, ..Watched::default() };
        Self { units: [unit.clone(), unit], both_hold_for: 0, voluntary: 0 }
    }

    pub(super) fn holds(&self, unit: usize) -> bool {
        self.units[unit].holds
    }

    /// The unit starts, or loses its power.
    pub(super) fn power(&mut self, unit: usize, limits: Limits) {
        self.units[unit] = Watched { silent_for: limits.failure_time + 1, ..Watched::default() };
        self.voluntary = 0;
    }

    pub(super) fn health_changed(&mut self) {
        self.voluntary = 0;
    }

    pub(super) fn hears(&mut self, unit: usize, stance: Stance) {
        self.units[unit].hears_holder = matches!(stance, Stance::Active | Stance::Withdrawing);
        self.units[unit].silent_for = 0;
    }

    /// The unit is about to do something.
    pub(super) fn wakes(&mut self, unit: usize, limits: Limits) {
        let watched = &mut self.units[unit];
        if watched.mute_for > limits.failure_time {
            watched.mute_for = 0;
            watched.must_withdraw |= watched.holds;
        }
    }

    pub(super) fn sends(&mut self, unit: usize, stance: Stance) -> Result<(), Broken> {
        let watched = &mut self.units[unit];
        watched.mute_for = 0;
        if stance == Stance::Active && watched.must_withdraw {
            return Err((Rule::S3, "says that it is Active after a stall".into()));
        }
        Ok(())
    }

    pub(super) fn acts(
        &mut self,
        unit: usize,
        action: &Action,
        why: Why,
        limits: Limits,
    ) -> Result<(), Broken> {
        let peer_holds = self.units[1 - unit].holds;
        let watched = &mut self.units[unit];
        match action {
            Action::Withdraw => {
                watched.must_withdraw = false;
                watched.holds = false;
            }
            Action::StandDown
            | Action::Persist { .. }
            | Action::Probe(_)
            | Action::RestartService { .. } => {}
            _ if watched.must_withdraw => {
                return Err((Rule::S3, format!("{} after a stall", action.name())));
            }
            Action::AdoptState { .. } => {
                watched.holds = true;
                if (why == Why::Ordered || why.is_voluntary()) && peer_holds {
                    return Err((Rule::S1, "both hold the role in a hand-over".into()));
                }
                if peer_holds && watched.hears_holder && watched.silent_for < limits.failure_time {
                    return Err((Rule::S1, "takes beside an Active that it hears".into()));
                }
                self.took(why)?;
            }
            Action::OpenForwarding
            | Action::TakeAddresses
            | Action::Announce { .. }
            | Action::ResumeClients
            | Action::EndRouteHold => {}
        }
        Ok(())
    }

    /// Without need the role moves once at the most, until something else has moved it, or a unit is more or
    /// less fit than before (L2).
    fn took(&mut self, why: Why) -> Result<(), Broken> {
        self.voluntary = if why.is_voluntary() { self.voluntary + 1 } else { 0 };
        if self.voluntary > 1 {
            return Err((Rule::L2, "the role moved twice with nothing changed".into()));
        }
        Ok(())
    }

    /// A step is over.
    pub(super) fn step(&mut self, limits: Limits, with_losses: bool) -> Result<(), Broken> {
        for watched in &mut self.units {
            let heard = watched.silent_for <= limits.failure_time;
            // Longer than any bound is all the same.
            watched.heard_for =
                if heard { (watched.heard_for + 1).min(limits.longest()) } else { 0 };
            watched.silent_for = (watched.silent_for + 1).min(limits.failure_time + 1);
            watched.mute_for = (watched.mute_for + 1).min(limits.failure_time + 1);
            watched.must_withdraw &= watched.holds;
        }
        if self.units.iter().all(|unit| unit.holds) {
            self.both_hold_for = (self.both_hold_for + 1).min(limits.longest());
        } else {
            self.both_hold_for = 0;
        }
        if self.conflict() > limits.conflict(with_losses) {
            return Err((Rule::S1, "both hold the role and hear each other for too long".into()));
        }
        Ok(())
    }

    /// For how many steps both have held the role and heard each other.
    pub(super) fn conflict(&self) -> u16 {
        let heard = self.units[0].heard_for.min(self.units[1].heard_for);
        self.both_hold_for.min(heard)
    }
}
