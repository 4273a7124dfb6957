//! The timers of the role machine: an enum, a table, one next deadline with its reason.

use crate::time::Instant;

/// What the role machine waits for. The order is that in which timers due at once are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Timer {
    /// A path, or the peer on every path, falls silent.
    Silence,
    /// An action has lasted too long.
    Action,
    /// A withdrawal that failed is tried again.
    Withdraw,
    /// The election time passes (PAIR-4).
    Election,
    /// The question for a hand-over expires (PAIR-20).
    Ask,
    /// The release of a hand-over expires (PAIR-20).
    Claim,
    /// The recovery from a stall is over (CRASH-4).
    Recovery,
    /// A unit whose take failed may try again.
    Hold,
    /// A hand-over that failed may be tried again.
    Patience,
    /// An invitation to take over expires (PAIR-11).
    Invite,
    /// Voluntary changes are held back no longer (PAIR-18).
    Flap,
    /// A demotion expires (BEY-7).
    Demotion,
    /// Maintenance mode ends by itself (BEY-8).
    Maintenance,
    /// Maintenance mode should be persisted by now.
    Persist,
    /// A unit that is not ready counts as ready (BEY-9).
    Readiness,
    /// The hold-down of the dynamic routes ends (PAIR-17).
    RouteHold,
    /// A probe is due, or a service should have reported (MON-3, CRASH-1).
    Monitor,
    /// A unit that left may stop (PAIR-10).
    Stop,
    /// The next heartbeat is due.
    Heartbeat,
    /// The next repetition of an announcement is due.
    Announcement,
}

impl Timer {
    pub(super) const ALL: [Self; 20] = [
        Self::Silence,
        Self::Action,
        Self::Withdraw,
        Self::Election,
        Self::Ask,
        Self::Claim,
        Self::Recovery,
        Self::Hold,
        Self::Patience,
        Self::Invite,
        Self::Flap,
        Self::Demotion,
        Self::Maintenance,
        Self::Persist,
        Self::Readiness,
        Self::RouteHold,
        Self::Monitor,
        Self::Stop,
        Self::Heartbeat,
        Self::Announcement,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Silence => "silence of the peer",
            Self::Action => "time limit of an action",
            Self::Withdraw => "next try of a withdrawal",
            Self::Election => "election time",
            Self::Ask => "time limit of a question",
            Self::Claim => "time limit of a release",
            Self::Recovery => "recovery from a stall",
            Self::Hold => "hold after a failed take",
            Self::Patience => "hold after a failed hand-over",
            Self::Invite => "time limit of an invitation",
            Self::Flap => "hold after too many role changes",
            Self::Demotion => "end of a demotion",
            Self::Maintenance => "end of maintenance mode",
            Self::Persist => "time limit of persisting",
            Self::Readiness => "time limit of readiness",
            Self::RouteHold => "hold-down of dynamic routes",
            Self::Monitor => "probe or deadline of a service",
            Self::Stop => "time to stop",
            Self::Heartbeat => "heartbeat",
            Self::Announcement => "announcement",
        }
    }
}

/// When each timer is due.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers([Option<Instant>; Timer::ALL.len()]);

impl Timers {
    pub(super) fn set(&mut self, timer: Timer, at: Option<Instant>) {
        if let Some(slot) = self.0.get_mut(timer as usize) {
            *slot = at;
        }
    }

    pub(super) fn get(&self, timer: Timer) -> Option<Instant> {
        self.0.get(timer as usize).copied().flatten()
    }

    /// Disarms the timer if it is due, and says whether it was. The last instant never comes.
    pub(super) fn take_due(&mut self, timer: Timer, now: Instant) -> bool {
        let due = self.get(timer).is_some_and(|at| at <= now && at < Instant::FAR_FUTURE);
        if due {
            self.set(timer, None);
        }
        due
    }

    /// The earliest timer.
    pub(super) fn next(&self) -> Option<(Instant, Timer)> {
        Timer::ALL
            .into_iter()
            .filter_map(|timer| Some((self.get(timer)?, timer)))
            .min_by_key(|(at, _)| *at)
    }
}
