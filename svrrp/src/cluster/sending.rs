//! What this unit sends: the rhythm of its advertisements, and what is still to be sent of each message on which path.

use super::holding::State;
use super::machine::{CHANNEL, ClusterUnit};
use super::ways::X0_TRIAL;
use crate::election::Said;
use crate::identity::{GroupNumber, MAX_GROUPS, MAX_UNITS, Member, NodeNumber};
use crate::wire::{
    Advertisement, ByGroup, ByMember, Claim, Content, DatagramId, GroupEntry, Header, Management,
    Message, OUR_PROTOCOL, Release, UnitReport, X0_PATH,
};
use core::num::NonZeroU64;
use core::time::Duration;
use ha_core::identity::PathId;
use ha_core::machine::Destination;
use ha_core::time::Instant;

/// The advertisement, the management message, of each group the claim or the release, and the trial of X0.
const MESSAGES: usize = 3 + MAX_GROUPS;
const TRIAL: usize = 2 + MAX_GROUPS;

/// What is to be sent, and the rhythm.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    pub(super) start: NonZeroU64,
    /// The number of the last message.
    pub(super) number: u64,
    /// When the next advertisement is due.
    pub(super) next: Instant,
    /// It is due, or something that it says has changed.
    pub(super) is_due: bool,
    pub(super) handed_out: Instant,
    /// When the next advertisement goes over X0, too, though nobody needs it there (NODE-7).
    pub(super) trial: Instant,
    pub(super) messages: [Option<Fanout>; MESSAGES],
}

/// A message, and to whom it is still to be sent: bit n of a unit's place stands for path n.
#[derive(Clone, Debug)]
pub(super) struct Fanout {
    message: Message,
    pending: [u16; MAX_UNITS],
}

impl Outgoing {
    pub(super) fn new(start: NonZeroU64, now: Instant) -> Self {
        Self {
            start,
            number: 0,
            next: now,
            is_due: true,
            handed_out: now,
            trial: now + X0_TRIAL,
            messages: [const { None }; MESSAGES],
        }
    }

    /// How long no advertisement was handed out.
    pub(super) fn silence(&self, now: Instant) -> Duration {
        now.saturating_since(self.handed_out)
    }

    /// After a stall: nothing of what waited is sent any more, and an advertisement is due.
    pub(super) fn restart(&mut self, now: Instant) {
        self.handed_out = now;
        self.next = now;
        self.is_due = true;
        self.messages = [const { None }; MESSAGES];
    }
}

impl Fanout {
    fn poll(&mut self) -> Option<(Member, PathId)> {
        let (index, bits) = self.pending.iter_mut().enumerate().find(|(_, bits)| **bits != 0)?;
        let path = u8::try_from(bits.trailing_zeros()).ok()?;
        *bits &= bits.wrapping_sub(1);
        Some((Member::all().nth(index)?, PathId(path)))
    }
}

impl ClusterUnit {
    fn header(&mut self) -> Option<Header> {
        self.outgoing.number = self.outgoing.number.checked_add(1)?;
        Some(Header {
            protocol: OUR_PROTOCOL,
            cluster: self.config.cluster,
            sender: self.config.own,
            // With the ranks that are in force go their version, from whomever they came: so they get everywhere.
            config_version: self.ranks.0,
            id: DatagramId {
                start: self.outgoing.start,
                number: NonZeroU64::new(self.outgoing.number)?,
            },
            serial: *self.config.members.get(self.config.own)?,
        })
    }

    /// The paths to a unit: the cluster links; and X0 where it is overdue on all of those, or does not hear us there
    /// (SVRRP-2).
    fn paths_to(&self, member: Member, with_x0: bool) -> u16 {
        let links = (0..self.config.cluster_links)
            .fold(0_u16, |all, path| all | 1_u16.checked_shl(path.into()).unwrap_or(0));
        let hears = |paths: crate::wire::Paths| !paths.cluster_links().is_empty();
        let rules = &self.config.rules;
        let is_overdue = self.peer(member).is_none_or(|it| it.needs_x0(self.judged));
        let last = self.peer(member).and_then(|peer| peer.alive(self.judged, rules));
        let hears_us = last.and_then(|last| last.content.as_ref()?.heard.get(self.config.own));
        let needs_x0 = is_overdue || !hears_us.is_some_and(|entry| hears(entry.paths));
        let x0 = 1_u16.checked_shl(X0_PATH.0.into()).unwrap_or(0);
        if with_x0 && self.config.x0 && needs_x0 { links | x0 } else { links }
    }

    fn send(&mut self, place: usize, message: Message, to: impl Fn(Member) -> bool, x0: bool) {
        let mut pending = [0; MAX_UNITS];
        for member in self.others().filter(|it| to(*it)) {
            if let Some(bits) = pending.get_mut(member.index()) {
                *bits = self.paths_to(member, x0);
            }
        }
        if let Some(slot) = self.outgoing.messages.get_mut(place) {
            *slot = Some(Fanout { message, pending });
        }
    }

    /// Makes the messages that are due: what waits of the former ones is superseded.
    fn launch(&mut self, now: Instant) -> Option<()> {
        self.outgoing.is_due = false;
        if self.outgoing.next <= now {
            let interval = self.config.interval;
            let next = self.outgoing.next + interval;
            self.outgoing.next = if next <= now { now + interval } else { next };
        }
        let advertisement = self.advertisement()?;
        self.send(0, Message::Advertisement(advertisement), |_| true, true);
        if self.config.x0 && self.outgoing.trial <= now {
            self.outgoing.trial = now + X0_TRIAL;
            self.launch_trial(advertisement);
        }
        if self.is_speaker() {
            for group in self.groups() {
                self.launch_for(group);
            }
            self.launch_management();
        }
        Some(())
    }

    fn advertisement(&mut self) -> Option<Advertisement> {
        let header = self.header()?;
        let mut groups = ByGroup::default();
        let mut said = [Said::default(); MAX_GROUPS];
        for group in self.groups() {
            let holding = self.holding(group)?;
            let (stance, term) = (holding.state.on_the_wire(), holding.term);
            let weight = *self.weights.get(group.index())?;
            let owner_seen = self.owner_seen(group);
            let entry = GroupEntry { link_weight: weight.0, stance, owner_seen, term };
            groups.set(group, Some(entry));
            if let Some(place) = said.get_mut(group.index()) {
                let fit = self.is_fit();
                *place = Said { fit, weight, stance: super::holding::stance(stance) };
            }
        }
        self.history.push(header.id.number.get(), said);
        let mut heard = ByMember::default();
        for member in self.others() {
            let entry = self.peer(member)?.heard_entry(self.judged, &self.config.rules);
            heard.set(member, entry);
        }
        let unit = UnitReport {
            interval: self.config.interval,
            level: self.config.level,
            condition: self.standing.condition,
            can_be_active: self.is_fit(),
            settling: self.standing.settling,
            trial: false,
        };
        let content =
            Content { product: Some(self.config.product), ranks: self.ranks.1, groups, heard };
        Some(Advertisement { header, unit, content: Some(content) })
    }

    /// The advertisement over X0, to those to whom it does not go there anyway (NODE-7).
    fn launch_trial(&mut self, mut advertisement: Advertisement) {
        advertisement.unit.trial = true;
        let x0 = 1_u16.checked_shl(X0_PATH.0.into()).unwrap_or(0);
        let mut pending = [0; MAX_UNITS];
        for member in self.others().filter(|it| self.paths_to(*it, true) & x0 == 0) {
            if let Some(bits) = pending.get_mut(member.index()) {
                *bits = x0;
            }
        }
        if let Some(slot) = self.outgoing.messages.get_mut(TRIAL) {
            *slot = Some(Fanout { message: Message::Advertisement(advertisement), pending });
        }
    }

    /// A claim while it asks, a release until its successor has taken.
    fn launch_for(&mut self, group: GroupNumber) -> Option<()> {
        let place = group.index().checked_add(2)?;
        let holding = self.holding(group)?;
        let (state, term) = (holding.state, holding.term);
        let (node, message) = match state {
            State::Asking { owner, nonce, .. } => {
                let speaker = self.words_of(owner, group)?.header.sender;
                let echo = self.peer(speaker)?.heard_entry(self.judged, &self.config.rules)?.echo;
                let link_weight = self.weights.get(group.index())?.0;
                let header = self.header()?;
                let claim = Claim { header, group, asked: owner, link_weight, nonce, echo };
                (owner, Message::Claim(claim))
            }
            State::Released { successor, nonce, .. } => {
                let header = self.header()?;
                let release = Release { header, group, successor, nonce: Some(nonce), term };
                (successor, Message::Release(release))
            }
            _ => {
                *self.outgoing.messages.get_mut(place)? = None;
                return None;
            }
        };
        self.send(place, message, |it| it.node == node, true);
        Some(())
    }

    /// What the Master tells (NODE-3).
    fn launch_management(&mut self) -> Option<()> {
        let holding = self.holding(GroupNumber::One)?;
        let (is_master, term) = (holding.state == State::Owner, holding.term);
        if !is_master {
            *self.outgoing.messages.get_mut(1)? = None;
            return None;
        }
        let owner = |group| Some((group, self.owner_seen(group)?));
        let owners: ByGroup<NodeNumber> = self.groups().filter_map(owner).collect();
        let (header, members) = (self.header()?, self.config.members);
        let message = Message::Management(Management { header, term, owners, members });
        self.send(1, message, |_| true, false);
        Some(())
    }

    pub(super) fn poll_transmit(
        &mut self,
        now: Instant,
        buf: &mut [u8],
    ) -> Option<(Destination, usize)> {
        if self.outgoing.is_due {
            self.launch(now);
        }
        for place in 0..MESSAGES {
            let Some(slot) = self.outgoing.messages.get_mut(place) else { continue };
            let Some(fanout) = slot else { continue };
            let Some((member, path)) = fanout.poll() else {
                *slot = None;
                continue;
            };
            let Ok(len) = fanout.message.emit(buf) else { continue };
            if place == 0 {
                self.outgoing.handed_out = now;
            }
            let to = Destination { peer: member.unit_id(), path, channel: CHANNEL };
            return Some((to, len));
        }
        if self.others().next().is_none() {
            // Nobody is there to hear it: it counts as said.
            self.outgoing.handed_out = now;
        }
        None
    }
}
