//! What one unit has counted since it started, for a metrics exporter (COS-5).
//!
//! The numbers are this unit's alone: nothing of the peer's is added, and nothing goes to it. Whoever watches a
//! pair asks both units. All of them count up, and saturate.

use super::machine::Pair;
use super::news::Event;
use super::role::Role;
use crate::identity::{Designation, SerialNumber};
use crate::reject::RejectCounters;

/// The counters of one unit. [`Counters::iter`] walks them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Counters {
    /// Whose they are.
    pub serial: SerialNumber,
    /// Its designation.
    pub designation: Designation,
    /// What was counted of its own acts and of what befell it.
    pub tally: Tally,
    /// How often the time that was handed in ran backwards.
    pub backward_steps: u64,
    /// The datagrams that were ignored, by reason.
    pub rejects: RejectCounters,
}

/// Acts of a unit, and what befell it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Tally {
    /// Heartbeats that were handed out, a copy for each path.
    pub heartbeats_sent: u64,
    /// Heartbeats of the peer that were accepted, each copy.
    pub heartbeats_heard: u64,
    /// Changes to the Active role.
    pub takes: u64,
    /// Changes from the Active role.
    pub withdrawals: u64,
    /// Hand-overs and leaves that did not come about.
    pub hand_overs_aborted: u64,
    /// Times that the peer fell silent on every path.
    pub peer_losses: u64,
    /// Times that a path fell silent.
    pub path_losses: u64,
    /// Times that both units were Active.
    pub conflicts: u64,
    /// Stalls of this unit.
    pub stalls: u64,
    /// Times that this unit was woken later than a heartbeat interval, and not so late that it stalled: what it
    /// watches was given time for that (CRASH-4).
    pub late_wakes: u64,
    /// Actions that failed or did not end in time.
    pub action_failures: u64,
    /// Frames of announcements that were handed out.
    pub frames_announced: u64,
    /// Events that nobody polled in time.
    pub events_dropped: u64,
}

/// One counter, as an exporter writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counter {
    /// Its name in the form of Prometheus, without a prefix.
    pub name: &'static str,
    /// A label and its value, where several counters have one name.
    pub label: Option<(&'static str, &'static str)>,
    /// What it counts, for a person.
    pub help: &'static str,
    /// How many.
    pub value: u64,
}

impl Counters {
    /// All counters, those that are 0 too; those of one name follow one another.
    pub fn iter(&self) -> impl Iterator<Item = Counter> + '_ {
        let Tally {
            heartbeats_sent,
            heartbeats_heard,
            takes,
            withdrawals,
            hand_overs_aborted,
            peer_losses,
            path_losses,
            conflicts,
            stalls,
            late_wakes,
            action_failures,
            frames_announced,
            events_dropped,
        } = self.tally;
        let plain = [
            ("heartbeats_sent_total", "heartbeats sent, a copy for each path", heartbeats_sent),
            ("heartbeats_heard_total", "heartbeats of the peer, each copy", heartbeats_heard),
            ("takes_total", "changes to the Active role", takes),
            ("withdrawals_total", "changes from the Active role", withdrawals),
            ("hand_overs_aborted_total", "hand-overs that did not come about", hand_overs_aborted),
            ("peer_losses_total", "times that the peer fell silent on every path", peer_losses),
            ("path_losses_total", "times that a path fell silent", path_losses),
            ("conflicts_total", "times that both units were Active", conflicts),
            ("stalls_total", "stalls of this unit", stalls),
            ("late_wakes_total", "times this unit was woken late, short of a stall", late_wakes),
            ("action_failures_total", "actions that failed or did not end", action_failures),
            ("frames_announced_total", "frames that announced addresses", frames_announced),
            ("events_dropped_total", "events that nobody polled in time", events_dropped),
            ("clock_backward_steps_total", "steps of the clock backwards", self.backward_steps),
        ];
        let plain = plain.into_iter().map(|(name, help, value)| {
            let label = None;
            Counter { name, label, help, value }
        });
        let rejects = self.rejects.all().map(|(kind, value)| Counter {
            name: "heartbeats_ignored_total",
            label: Some(("reason", kind.name())),
            help: "heartbeats that were ignored, by reason",
            value,
        });
        plain.chain(rejects)
    }
}

impl Tally {
    /// Counts what an event tells of.
    pub(super) fn note(&mut self, event: &Event) {
        let counter = match event {
            Event::RoleChanged { to: Role::Active, .. } => &mut self.takes,
            Event::RoleChanged { from: Role::Active, .. } => &mut self.withdrawals,
            Event::HandOverAborted(_) => &mut self.hand_overs_aborted,
            Event::PeerLost { .. } => &mut self.peer_losses,
            Event::PathLost(_) => &mut self.path_losses,
            Event::Conflict { .. } => &mut self.conflicts,
            Event::Stalled { .. } => &mut self.stalls,
            Event::ActionFailed { .. } => &mut self.action_failures,
            _ => return,
        };
        count(counter, 1);
    }
}

/// Counts, and stays at the highest number there is.
pub(super) fn count(counter: &mut u64, more: usize) {
    *counter = counter.saturating_add(u64::try_from(more).unwrap_or(u64::MAX));
}

impl Pair {
    /// What this unit has counted since it started.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters {
            serial: self.config.serial,
            designation: self.config.designation,
            tally: self.tally,
            backward_steps: self.backward_steps,
            rejects: self.rejects.clone(),
        }
    }
}
