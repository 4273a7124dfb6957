//! What follows from a datagram.

use super::holding::State;
use super::machine::{CHANNEL, ClusterUnit, TELL_AGAIN};
use super::news::{Event, Why};
use super::peer::Receipt;
use super::words::Words;
use crate::identity::{GroupNumber, Member, NodeNumber};
use crate::wire::{Advertisement, Condition, Datagram, DatagramId, GroupStance, Message};
use core::num::NonZeroU64;
use ha_core::machine::Origin;
use ha_core::reject::Reject;
use ha_core::time::Instant;

impl ClusterUnit {
    pub(super) fn receive(
        &mut self,
        now: Instant,
        from: Origin,
        bytes: &[u8],
    ) -> Result<(), Reject> {
        if from.channel != CHANNEL {
            return Err(Reject::UnknownChannel);
        }
        if !self.config.paths().any(|path| path == from.path) {
            return Err(Reject::UnknownPath);
        }
        let datagram = Datagram::check(bytes)?;
        let sender = self.check_sender(now, from, &datagram)?;
        let message = Message::of(&datagram)?;
        let is_proof = self.is_proof(&message);
        let is_trial = matches!(&message, Message::Advertisement(it) if it.unit.trial);
        let rules = self.config.rules;
        let peer = self.peers.get_mut(sender.index()).ok_or(Reject::UnknownPeer)?;
        let receipt =
            peer.note((now, self.judged), from.path, &datagram, (is_proof, is_trial), &rules)?;
        if let Receipt::News { is_new_start } = receipt {
            self.take_in(now, sender, message, is_new_start);
        }
        // A copy says nothing new but that a path works.
        if self.note_hearing() || receipt != Receipt::Copy {
            self.reconsider(now);
        }
        Ok(())
    }

    /// Who sent it, if it is for us and from a member.
    fn check_sender(
        &mut self,
        now: Instant,
        from: Origin,
        datagram: &Datagram<'_>,
    ) -> Result<Member, Reject> {
        let header = datagram.header();
        let (sender, serial) = (header.sender, header.serial);
        if header.cluster != self.config.cluster {
            return Err(Reject::UnknownPeer);
        }
        if sender == self.config.own {
            if self.config.members.get(sender) == Some(&serial) {
                return Err(Reject::Reflected);
            }
            self.tell_now_and_then(now, 1, Event::SameNumber { serial: Some(serial) });
            return Err(Reject::Serial);
        }
        if self.config.members.get(sender) != Some(&serial) {
            self.tell_now_and_then(now, 0, Event::Stranger { serial, says: sender });
            return Err(Reject::Serial);
        }
        if Member::of_unit_id(from.peer) != Some(sender) {
            return Err(Reject::UnknownPeer);
        }
        Ok(sender)
    }

    fn tell_now_and_then(&mut self, now: Instant, what: usize, event: Event) {
        let Some(told) = self.told.get_mut(what) else { return };
        if told.is_none_or(|at| now.saturating_since(at) >= TELL_AGAIN) {
            *told = Some(now);
            self.event(event);
        }
    }

    /// It echoes what this unit said a moment ago: so it is no recording of an earlier time.
    fn is_proof(&self, message: &Message) -> bool {
        let is_ours = |echo: DatagramId| {
            let number = echo.number.get();
            let is_known =
                self.history.said(number, self.outgoing.number, GroupNumber::One).is_some();
            echo.start == self.outgoing.start && is_known
        };
        match message {
            Message::Advertisement(it) => {
                let heard = it.content.as_ref().and_then(|it| it.heard.get(self.config.own));
                heard.is_some_and(|entry| is_ours(entry.echo))
            }
            Message::Claim(it) => is_ours(it.echo),
            Message::Management(_) | Message::Release(_) => false,
        }
    }

    fn take_in(&mut self, now: Instant, sender: Member, message: Message, is_new_start: bool) {
        if is_new_start && let Some(words) = self.words.get_mut(sender.node.index()) {
            // What its former start said ended with it.
            *words = words.take().filter(|words| words.speaker() != sender);
        }
        match message {
            Message::Advertisement(advertisement) => self.hear(now, sender, advertisement),
            Message::Claim(claim) if claim.asked == self.config.own.node => {
                // A unit that is not its node's active one cannot take what is released to the node (NODE-4).
                if self.peer(sender).is_some_and(|peer| peer.is_speaker()) {
                    self.asked(now, claim.group, sender.node, claim.nonce);
                }
            }
            Message::Claim(_) => {}
            Message::Release(release) if release.successor == self.config.own.node => {
                if let Some(nonce) = release.nonce {
                    self.granted(now, release.group, sender, nonce);
                }
            }
            // What the Master tells stands in the advertisements as well; settings come with their distribution.
            Message::Release(_) | Message::Management(_) => {}
        }
    }

    fn hear(&mut self, now: Instant, sender: Member, advertisement: Advertisement) {
        let before = self.peer(sender).and_then(|it| it.last()).and_then(|it| self.kept_out(it));
        let why = self.kept_out(&advertisement);
        if before != why {
            self.event(Event::KeptOut { member: sender, why });
        }
        if self.listening.is_none() && self.hears_a_double(sender, &advertisement) {
            self.tell_now_and_then(now, 1, Event::SameNumber { serial: None });
        }
        if let Some(peer) = self.peers.get_mut(sender.index()) {
            peer.says(advertisement);
        }
        let Some(content) = &advertisement.content else { return };
        let version = advertisement.header.config_version;
        if why.is_none() {
            self.compare_ranks(sender, version, content.ranks);
        }
        if advertisement.unit.condition != Condition::Active {
            return;
        }
        if let Some(words) = self.words.get_mut(sender.node.index()) {
            *words = Some(Words { advertisement, at: now });
        }
        if sender.node == self.config.own.node {
            return;
        }
        for (group, entry) in content.groups.iter() {
            match entry.stance {
                GroupStance::Asking { owner, nonce } if owner == self.config.own.node => {
                    self.asked(now, group, sender.node, nonce);
                }
                GroupStance::Released { successor, nonce } if successor == self.config.own.node => {
                    self.granted(now, group, sender, nonce);
                }
                _ => {}
            }
        }
    }

    /// Between its last advertisement and this one, it has heard something new from our number that is not of this start.
    /// What a former start of ours said is not new: once this one has listened, nothing of that is on its way.
    fn hears_a_double(&self, sender: Member, said: &Advertisement) -> bool {
        let echo = |said: &Advertisement| Some(said.content?.heard.get(self.config.own)?.echo);
        let before = self.peer(sender).and_then(|it| it.last()).and_then(echo);
        let (Some(before), Some(now)) = (before, echo(said)) else { return false };
        now.start != self.outgoing.start && now.start == before.start && now.number > before.number
    }

    /// Another node asks for a group that may be ours.
    fn asked(&mut self, now: Instant, group: GroupNumber, asker: NodeNumber, nonce: NonZeroU64) {
        let is_owner = self.holding(group).is_some_and(|it| it.state == State::Owner);
        let grants = self.config.rules.grants;
        // Who does not speak for its node owns nothing: it has begun to withdraw when it ceased to. Either is enough.
        if is_owner && self.is_speaker() && grants(group, &self.ranks.1, &self.view(group), asker) {
            self.release_to(now, group, asker, nonce);
        }
    }

    /// An owner has released a group to us.
    fn granted(&mut self, now: Instant, group: GroupNumber, from: Member, nonce: NonZeroU64) {
        let Some(holding) = self.holding(group) else { return };
        let State::Asking { owner, nonce: ours, until } = holding.state else { return };
        let is_answer = (self.config.rules.is_answer)(nonce.get(), ours.get());
        // A third node that holds it as well was not known to who released it; nor, while a node is split inside, was its
        // other unit. Of a third node the decision knows as well, and ends the question: either of both is enough.
        let is_free = self.view(group).is_held_by_none_but(from.node)
            && self.units_of(from.node).filter(|it| *it != from).all(|it| !self.holds(it, group));
        // Who lost the license, or began to listen again, asks for nothing any more. All the same: nothing is taken here.
        let may_take = self.licensed && self.listening.is_none() && self.is_speaker();
        if owner == from.node && is_answer && now < until && is_free && may_take {
            self.take(group, Why::Granted);
        }
    }

    /// Tells which units are heard, on which paths, and which are not any more. Says whether anything has changed.
    pub(super) fn note_hearing(&mut self) -> bool {
        let mut has_changed = self.note_overdue();
        let (rules, now) = (self.config.rules, self.judged);
        for (member, peer) in Member::all().zip(&mut self.peers) {
            let (is_alive, was) = (peer.is_alive(now, &rules), peer.is_told);
            let (paths, told) = (peer.paths_heard(now, &rules), peer.told_paths);
            if is_alive == was && paths == told {
                continue;
            }
            (peer.is_told, peer.told_paths) = (is_alive, paths);
            if !was {
                peer.x0_at = now;
            }
            has_changed = true;
            let events = &mut self.events;
            let mut event = |event| {
                if events.len() < super::machine::MAX_EVENTS {
                    events.push_back(event);
                } else {
                    self.lost_events = self.lost_events.saturating_add(1);
                }
            };
            for path in self.config.paths() {
                let (heard, before) = (paths.contains(path), told.contains(path));
                if heard != before {
                    event(Event::Path { member, path, heard });
                }
            }
            if is_alive != was {
                event(if is_alive { Event::UnitHeard(member) } else { Event::UnitLost(member) });
            }
            self.outgoing.is_due = true;
        }
        has_changed
    }

    /// A unit that is overdue on all cluster links is told so over X0 at once.
    fn note_overdue(&mut self) -> bool {
        if !self.config.x0 {
            return false;
        }
        let mut has_changed = false;
        for peer in self.peers.iter_mut().filter(|peer| peer.is_told) {
            let needs = peer.needs_x0(self.judged);
            has_changed |= needs && !peer.needed_x0;
            peer.needed_x0 = needs;
        }
        self.outgoing.is_due |= has_changed;
        has_changed
    }
}
