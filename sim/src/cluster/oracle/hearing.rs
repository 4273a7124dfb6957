//! Who hears whom, and what it was told last: by the datagrams that were taken in.

use super::super::setup::{GROUPS, PLACES};
use svrrp::{Advertisement, GroupNumber, Message};

/// What one unit heard of another one.
#[derive(Clone, Copy, Debug, Default)]
pub(in super::super) struct Heard {
    /// When its last advertisement came, and since when they come without a break.
    last: Option<u64>,
    since: u64,
    /// When anything came last.
    alive: Option<u64>,
    said: Option<Advertisement>,
    said_at: u64,
    /// It released these groups to the listener.
    released: [bool; GROUPS],
}

/// Who hears whom.
#[derive(Debug)]
pub(in super::super) struct Hearing {
    failure_time: u64,
    heard: Vec<[Heard; PLACES]>,
    /// The same by the heartbeats inside the nodes.
    inside: [(Option<u64>, u64); PLACES],
}

impl Hearing {
    pub(super) fn new(failure_time: u64) -> Self {
        let heard = vec![[Heard::default(); PLACES]; PLACES];
        Self { failure_time, heard, inside: [(None, 0); PLACES] }
    }

    pub(super) fn started(&mut self, _now: u64, unit: usize) {
        self.heard[unit] = [Heard::default(); PLACES];
        self.inside[unit] = (None, 0);
    }

    pub(super) fn heard(&mut self, now: u64, to: usize, from: usize, bytes: &[u8]) {
        let Ok(message) = Message::parse(bytes) else { return };
        let own = super::member_of(to).node;
        let heard = &mut self.heard[to][from];
        heard.alive = Some(now);
        let start = message.header().id.start;
        if heard.said.as_ref().is_some_and(|said| said.header.id.start != start) {
            // What its former start said ended with it.
            (heard.said, heard.released) = (None, [false; GROUPS]);
        }
        if matches!(message, Message::Advertisement(_)) {
            if heard.last.is_none_or(|last| now - last > self.failure_time) {
                heard.since = now;
            }
            heard.last = Some(now);
        }
        match message {
            Message::Advertisement(it) => {
                let number = |it: &Advertisement| it.header.id.number;
                let is_newer = heard.said.as_ref().is_none_or(|said| {
                    said.header.id.start != it.header.id.start || number(&it) > number(said)
                });
                if !is_newer {
                    return;
                }
                for (group, entry) in it.content.iter().flat_map(|it| it.groups.iter()) {
                    let is_ours = entry.stance.named() == Some(own);
                    let is_release =
                        is_ours && !entry.stance.holds() && entry.owner_seen != Some(own);
                    heard.released[group.index()] |= is_release;
                }
                (heard.said, heard.said_at) = (Some(it), now);
            }
            Message::Release(it) => heard.released[it.group.index()] |= it.successor == own,
            Message::Claim(_) | Message::Management(_) => {}
        }
    }

    /// A datagram waits in the sockets of a unit that has woken: it is as good as heard, since silence must not be judged
    /// before (CRASH-4).
    pub(in super::super) fn waits(&mut self, now: u64, to: usize, from: usize, bytes: &[u8]) {
        let heard = &mut self.heard[to][from];
        let start = Message::parse(bytes).map(|message| message.header().id.start).ok();
        if heard.said.as_ref().is_some_and(|said| Some(said.header.id.start) == start) {
            heard.alive = Some(now);
        }
    }

    pub(super) fn heard_inside(&mut self, now: u64, to: usize, _from: usize) {
        let (last, since) = &mut self.inside[to];
        if last.is_none_or(|last| now - last > self.failure_time) {
            *since = now;
        }
        *last = Some(now);
    }

    /// Since when two units have heard each other without a break, if they do.
    pub(in super::super) fn both(&self, now: u64, a: usize, b: usize) -> Option<u64> {
        let one = |to: usize, from: usize| {
            let heard = &self.heard[to][from];
            heard.last.filter(|last| now - last <= self.failure_time).map(|_| heard.since)
        };
        Some(one(a, b)?.max(one(b, a)?))
    }

    /// Whether each of them has heard the other since then.
    pub(super) fn both_since(&self, since: u64, a: usize, b: usize) -> bool {
        let one = |to: usize, from: usize| self.heard[to][from].last >= Some(since);
        one(a, b) && one(b, a)
    }

    /// The same inside a node.
    pub(super) fn both_inside(&self, now: u64, a: usize, b: usize) -> Option<u64> {
        let one = |unit: usize| {
            let (last, since) = self.inside[unit];
            last.filter(|last| now - last <= self.failure_time).map(|_| since)
        };
        Some(one(a)?.max(one(b)?))
    }

    /// What a unit was told last by another one, if it was well within the failure time.
    pub(in super::super) fn said(
        &self,
        now: u64,
        to: usize,
        from: usize,
    ) -> Option<&Advertisement> {
        let heard = &self.heard[to][from];
        // Clocks differ by a percent.
        heard.alive.filter(|last| now - last < self.failure_time / 100 * 98)?;
        heard.said.as_ref()
    }

    /// When it was told that.
    pub(super) fn said_at(&self, to: usize, from: usize) -> u64 {
        self.heard[to][from].said_at
    }

    /// A unit has a group by its pair: its former releases of it are no promise any more.
    pub(super) fn inherits(&mut self, from: usize, group: GroupNumber) {
        for heard in &mut self.heard {
            heard[from].released[group.index()] = false;
        }
    }

    /// The units that released a group to this one, and have not got it by their pair since.
    pub(super) fn released(&self, to: usize, group: GroupNumber) -> impl Iterator<Item = usize> {
        let heard = &self.heard[to];
        (0..PLACES).filter(move |from| heard[*from].released[group.index()])
    }
}
