//! What is still to be announced after a take: round by round, and each round burst by burst, so that
//! hundreds of addresses never keep a heartbeat waiting (VMAC-3, BEY-10).
//!
//! No frame is made before its burst is handed out. So whatever ends or supersedes an announcement has
//! nothing to take back but the one burst that the platform has already.

use super::counters;
use super::machine::Pair;
use super::news::Action;
use super::timer::Timer;
use crate::announcement::{Announcement, announce};
use crate::machine::ActionId;
use crate::time::Instant;
use alloc::vec::Vec;

#[derive(Clone, Debug, Default)]
pub(super) struct Announcer {
    /// The round that is under way, from 1.
    pub(super) round: u8,
    /// How many bursts of it were handed out.
    pub(super) bursts: u16,
    /// When its first one was.
    pub(super) began: Instant,
    /// The next burst is to be handed out.
    pub(super) due: bool,
    /// The burst that is handed out and not answered, and when the one after it may follow.
    pub(super) open: Option<(ActionId, Instant)>,
}

impl Pair {
    /// The network has to learn where the addresses are: after a take, and whenever another unit's
    /// announcement may have been the last one. What is left of an earlier announcement is superseded.
    pub(super) fn announce_anew(&mut self) {
        let due = self.bursts_per_round() > 0;
        self.announcer = Announcer { round: 1, due, ..Announcer::default() };
        self.timers.set(Timer::Announcement, None);
    }

    /// The role is given up: nothing more is announced.
    pub(super) fn stop_announcing(&mut self) {
        self.announcer = Announcer::default();
        self.timers.set(Timer::Announcement, None);
    }

    /// The next burst, if its time has come.
    pub(super) fn poll_burst(&mut self, now: Instant) -> Option<(ActionId, Action)> {
        if !core::mem::take(&mut self.announcer.due) {
            return None;
        }
        let frames = self.burst(self.announcer.bursts);
        let parts = self.bursts_per_round();
        let Announcer { round, bursts, .. } = self.announcer;
        let part = bursts.saturating_add(1);
        if part == 1 {
            self.announcer.began = now;
        }
        let after = now + self.config.announcement_gap;
        let next = if part < parts {
            self.announcer.bursts = part;
            Some(after)
        } else if round < self.config.announcements {
            self.announcer.round = round.saturating_add(1);
            self.announcer.bursts = 0;
            Some(after.max(self.announcer.began + self.config.announcement_interval))
        } else {
            None
        };
        counters::count(&mut self.tally.frames_announced, frames.len());
        let action = Action::Announce { round, part, parts, frames };
        let id = self.duties.hand_out(&action);
        self.announcer.open = next.map(|at| (id, at));
        // A platform that takes longer sets the pace; one that never answers is not waited for in vain.
        let forgotten = next.map(|at| at.max(now + self.config.action_timeout));
        self.timers.set(Timer::Announcement, forgotten);
        Some((id, action))
    }

    /// A burst is out, or failed: the next one follows when its time has come.
    pub(super) fn burst_done(&mut self, now: Instant, id: ActionId) {
        if let Some((_, at)) = self.announcer.open.take_if(|(open, _)| *open == id) {
            self.timers.set(Timer::Announcement, Some(at.max(now)));
        }
    }

    fn burst(&self, nth: u16) -> Vec<Announcement> {
        let len = usize::from(self.config.announcement_burst);
        let interfaces = self.config.interfaces.iter();
        interfaces
            .flat_map(|it| it.addresses.iter().map(move |address| (it, address.address())))
            .skip(len.saturating_mul(nth.into()))
            .take(len)
            .map(|(it, address)| Announcement {
                interface: it.id,
                frame: announce(address, it.mac),
            })
            .collect()
    }

    fn bursts_per_round(&self) -> u16 {
        let frames: usize = self.config.interfaces.iter().map(|it| it.addresses.len()).sum();
        // `build` refuses more than 1024 addresses, and a burst of none.
        let bursts = frames.div_ceil(usize::from(self.config.announcement_burst).max(1));
        u16::try_from(bursts).unwrap_or(u16::MAX)
    }
}
