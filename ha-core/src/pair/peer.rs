//! What this unit knows of its peer: when it was heard on which path, and what it said last.

use super::heartbeat::{Heartbeat, HeartbeatId};
use crate::identity::PathId;
use crate::monitor::Deduction;
use crate::reject::Reject;
use crate::time::Instant;
use alloc::vec::Vec;
use arrayvec::ArrayVec;
use core::time::Duration;

/// So many former starts of the peer are remembered.
const MAX_FORMER: usize = 8;

/// The peer as its heartbeats show it.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) paths: Vec<Path>,
    pub(super) last: Option<Last>,
    /// A start of the peer that is not proven yet. It is echoed while the known one is quiet, so that
    /// it can prove itself.
    pub(super) candidate: Option<HeartbeatId>,
    /// Starts of the peer that another one has displaced, the latest last: what they said may still be on
    /// its way, and means nothing any more.
    pub(super) former: ArrayVec<u64, MAX_FORMER>,
    /// What it last said that its health weight lacks.
    pub(super) deductions: Vec<Deduction>,
}

#[derive(Debug, Default, Clone)]
pub(super) struct Path {
    pub(super) heard: Option<Instant>,
    pub(super) number: u64,
    pub(super) up: bool,
}

/// The last heartbeat that was accepted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Last {
    pub(super) heartbeat: Heartbeat,
    pub(super) at: Instant,
    /// Since when its silence counts: since then, or since this unit woke from a stall.
    pub(super) silent_since: Instant,
    /// Since when the peer has been heard without a break.
    pub(super) since: Instant,
    pub(super) alive: bool,
}

/// What an accepted heartbeat changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Heard {
    /// The peer was silent, or is another start of itself.
    pub(super) anew: bool,
    /// The path was silent.
    pub(super) path_anew: bool,
    /// It is the first copy of this heartbeat: what it says is news.
    pub(super) first_copy: bool,
}

impl Peer {
    pub(super) fn new(paths: u8) -> Self {
        Self {
            paths: core::iter::repeat_n(Path::default(), paths.into()).collect(),
            last: None,
            candidate: None,
            former: ArrayVec::new(),
            deductions: Vec::new(),
        }
    }

    /// The last heartbeat, if the peer is not silent.
    pub(super) fn alive(&self) -> Option<&Last> {
        self.last.as_ref().filter(|last| last.alive)
    }

    /// The last heartbeat, of a silent peer too.
    pub(super) fn last(&self) -> Option<&Last> {
        self.last.as_ref()
    }

    pub(super) fn path_is_up(&self, path: PathId) -> bool {
        self.paths.get(usize::from(path.0)).is_some_and(|path| path.up)
    }

    /// The peer is heard, and says that it hears us on this path.
    pub(super) fn hears_us_on(&self, path: PathId) -> bool {
        let bits = self.alive().map_or(0, |last| last.heartbeat.paths_heard);
        bits.checked_shr(path.0.into()).is_some_and(|bit| bit & 1 != 0)
    }

    pub(super) fn path_heard_at(&self, path: PathId) -> Option<Instant> {
        self.paths.get(usize::from(path.0))?.heard
    }

    /// Bit n: path n is heard.
    pub(super) fn paths_heard(&self) -> u16 {
        let bits = self.paths.iter().enumerate().map(|(at, path)| u16::from(path.up) << (at & 15));
        bits.fold(0, |all, bit| all | bit)
    }

    /// What our heartbeats echo.
    pub(super) fn echo(&self, now: Instant) -> Option<HeartbeatId> {
        let known = self.alive().filter(|last| {
            // A candidate gets its turn once the known start has missed a heartbeat.
            let interval = last.heartbeat.interval;
            let patience = interval.saturating_add(interval.checked_div(2).unwrap_or(interval));
            self.candidate.is_none() || now.saturating_since(last.silent_since) < patience
        });
        known.map(|last| last.heartbeat.id).or(self.candidate)
    }

    /// Takes a heartbeat of the peer in. `is_ours` says whether an echo names a heartbeat that we sent
    /// within our failure time.
    ///
    /// `is_stale` says whether a copy is too old: see [`Rules::is_stale`](super::Rules::is_stale).
    ///
    /// A heartbeat of another start of the peer is believed once it echoes us, or at once while the
    /// peer is silent: a copy from long ago cannot displace the present start. One that was displaced is
    /// never believed again.
    pub(super) fn accept(
        &mut self,
        now: Instant,
        path: PathId,
        heartbeat: Heartbeat,
        is_ours: impl Fn(HeartbeatId) -> bool,
        is_stale: fn(u64, u64, u64, u8) -> bool,
    ) -> Result<Heard, Reject> {
        let id = heartbeat.id;
        if self.former.contains(&id.start) {
            return Err(Reject::Stale);
        }
        let known = self.alive().map(|last| (last.heartbeat.id, last.since));
        let (newest, since) = match known {
            Some((newest, since)) if newest.start == id.start => (Some(newest.number), since),
            Some(_) if !heartbeat.echo.is_some_and(is_ours) => {
                let newer = self.candidate.is_none_or(|candidate| {
                    candidate.start != id.start || candidate.number < id.number
                });
                if newer {
                    self.candidate = Some(id);
                }
                return Err(Reject::UnprovenStart);
            }
            _ => (None, now),
        };
        let first_copy = newest.is_none_or(|newest| id.number > newest);
        // A peer that was silent, and speaks again from the same start, goes on counting.
        if let Some(last) = &self.last
            && known.is_none()
            && last.heartbeat.id.start == id.start
            && id.number <= last.heartbeat.id.number
        {
            return Err(Reject::Stale);
        }
        if newest.is_none() {
            for path in &mut self.paths {
                path.number = 0;
            }
        }
        let slot = self.paths.get_mut(usize::from(path.0)).ok_or(Reject::UnknownPath)?;
        if is_stale(id.number, slot.number, newest.unwrap_or(0), heartbeat.level) {
            return Err(Reject::Stale);
        }
        let path_anew = !slot.up;
        *slot = Path { heard: Some(now), number: id.number, up: true };
        let former = self.last.map(|last| last.heartbeat.id.start);
        match &mut self.last {
            Some(last) if !first_copy => (last.at, last.silent_since) = (now, now),
            last => {
                *last = Some(Last { heartbeat, at: now, silent_since: now, since, alive: true });
            }
        }
        if newest.is_none() {
            self.candidate = None;
        }
        if let Some(former) = former.filter(|former| *former != id.start) {
            if self.former.is_full() {
                self.former.remove(0);
            }
            self.former.push(former);
        }
        Ok(Heard { anew: newest.is_none(), path_anew, first_copy })
    }

    /// When the next path, or the peer, falls silent.
    pub(super) fn silence_at(&self) -> Option<Instant> {
        let last = self.alive()?;
        let limit = last.heartbeat.failure_time();
        let heard = self.paths.iter().filter(|path| path.up).filter_map(|path| path.heard);
        Some(heard.min().unwrap_or(last.silent_since).min(last.silent_since) + limit)
    }

    /// Marks the paths that are silent by now and returns them, with the length of the silence if the
    /// peer has just fallen silent on all of them.
    pub(super) fn fall_silent(
        &mut self,
        now: Instant,
        is_lost: fn(bool, bool) -> bool,
    ) -> (Vec<PathId>, Option<Duration>) {
        let Some(last) = self.last.as_mut().filter(|last| last.alive) else {
            return (Vec::new(), None);
        };
        let limit = last.heartbeat.failure_time();
        let mut lost = Vec::new();
        for (path, number) in self.paths.iter_mut().zip(0..) {
            let silent = path.heard.is_none_or(|heard| heard + limit <= now);
            if path.up && silent {
                path.up = false;
                lost.push(PathId(number));
            }
        }
        let silence = now.saturating_since(last.at);
        let is_lost = is_lost(!lost.is_empty(), last.silent_since + limit <= now);
        if is_lost {
            last.alive = false;
            self.candidate = None;
        }
        (lost, is_lost.then_some(silence))
    }

    /// After a stall of this unit nothing is known of how long the peer was silent (CRASH-4).
    pub(super) fn restart_silence(&mut self, now: Instant) {
        for path in self.paths.iter_mut().filter(|path| path.up) {
            path.heard = Some(now);
        }
        if let Some(last) = &mut self.last {
            last.silent_since = now;
            last.since = now;
        }
    }
}
