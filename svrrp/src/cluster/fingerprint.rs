//! A fingerprint of everything that the future of a cluster unit depends on, for a search through all reachable states.
//! Two units with the same fingerprint do the same for ever, if the same happens to them.
//!
//! Units that differ only in the time, in the numbers of their datagrams by a constant, or in what number stands for a
//! start or a question, do the same: all of these are taken relative to a [`Frame`]. What only a person reads (terms,
//! counters, events that were not polled) is left out.
//!
//! Every structure is taken apart by name: whoever adds a field has to say whether it belongs here.
//!
//! Assumptions, which the search has to see to: the unit was polled until it had nothing more to say; it never asks for
//! what it said more than 64 advertisements ago; no rule asks how long a silence lasts beyond the failure time; and all
//! units are the same product and speak the same protocol.

use super::history::History;
use super::holding::{Goal, Holding, State, stance};
use super::machine::ClusterUnit;
use super::news::Standing;
use super::peer::{Heard, Peer};
use super::sending::Outgoing;
use super::words::Words;
use crate::identity::{GroupNumber, Member};
use crate::virtual_address::Duty;
use crate::wire::{Advertisement, DatagramId, GroupStance, Message, UnitReport};
use core::hash::{Hash, Hasher};
use core::num::NonZeroU64;
use core::time::Duration;
use ha_core::machine::ActionId;
use ha_core::time::Instant;

/// What a fingerprint is relative to.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The present time.
    pub now: Instant,
    /// What stands for starts, numbers and questions; `None`: they stand for themselves, and the fingerprint says only
    /// whether two units are the same now.
    pub names: Option<Names<'a>>,
}

/// What stands for starts, numbers and questions.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// Each start of a unit that anybody can still hear of, with the number of its last datagram
    /// ([`ClusterUnit::start`], [`ClusterUnit::last_number`]), in places that say whose it is and how old; 0 where there
    /// is none. The same for all units. The fingerprint knows a start by its place here.
    pub starts: &'a [(u64, u64)],
    /// The questions that are asked now, in places that say whose they are ([`ClusterUnit::questions`]); 0 where there
    /// is none. The same for all units. A release for any other is never taken on, and a new question is like none
    /// before: so the fingerprint knows a question by its place here.
    pub questions: &'a [u64],
    /// The lowest number of a datagram of this unit that can still be echoed to it: what was said last before it will
    /// never be asked for.
    pub oldest_echo: u64,
}

impl Frame<'_> {
    fn until(&self, at: Instant) -> Duration {
        at.saturating_since(self.now)
    }

    /// How long ago; more than `limit` is all the same.
    fn age(&self, at: Instant, limit: Duration) -> Duration {
        self.now.saturating_since(at).min(limit)
    }

    fn start(&self, start: NonZeroU64) -> Option<u64> {
        let Some(names) = self.names else { return Some(start.get()) };
        let place = names.starts.iter().position(|(known, _)| *known == start.get());
        place.and_then(|place| u64::try_from(place).ok())
    }

    /// Of a start that nobody can hear of any more all numbers are alike.
    fn number(&self, start: NonZeroU64, number: u64) -> u64 {
        let Some(names) = self.names else { return number };
        let known = names.starts.iter().find(|(known, _)| *known == start.get());
        known.map_or(0, |(_, last)| last.wrapping_sub(number))
    }

    fn id(&self, id: DatagramId) -> (Option<u64>, u64) {
        (self.start(id.start), self.number(id.start, id.number.get()))
    }

    fn question(&self, nonce: NonZeroU64) -> Option<u64> {
        let Some(names) = self.names else { return Some(nonce.get()) };
        let place = names.questions.iter().position(|known| *known == nonce.get());
        place.and_then(|place| u64::try_from(place).ok())
    }
}

impl ClusterUnit {
    /// Which start of the unit this is, as its datagrams say.
    #[must_use]
    pub fn start(&self) -> u64 {
        self.outgoing.start.get()
    }

    /// The number of its last datagram; 0 before the first one.
    #[must_use]
    pub fn last_number(&self) -> u64 {
        self.outgoing.number
    }

    /// The nonces of the questions that it asks, by [`GroupNumber::index`]; 0 for none.
    #[must_use]
    pub fn questions(&self) -> [u64; crate::identity::MAX_GROUPS] {
        GroupNumber::ALL.map(|group| match self.holding(group).map(|it| it.state) {
            Some(State::Asking { nonce, .. }) => nonce.get(),
            _ => 0,
        })
    }

    /// The datagrams of another unit that this one can still echo.
    #[must_use]
    pub fn echoes(&self, member: Member) -> [Option<DatagramId>; 2] {
        let peer = self.peer(member);
        let known = peer.and_then(|it| DatagramId::new(it.start?.get(), it.newest));
        [known, peer.and_then(|it| it.stranger)]
    }

    /// The actions that the platform is carrying out.
    pub fn running(&self) -> impl Iterator<Item = (GroupNumber, ActionId, Duty)> + '_ {
        self.groups().filter_map(|group| {
            let (id, duty, _) = self.holding(group)?.running?;
            Some((group, id, duty))
        })
    }

    /// Forgets what was said in advertisements that can no longer be echoed, as nobody will ever ask for it: a search
    /// keeps many units.
    pub fn forget_before(&mut self, oldest_echo: u64) {
        let said = &mut self.history.0;
        while said.get(1).is_some_and(|(number, _)| *number <= oldest_echo) {
            said.pop_front();
        }
        said.shrink_to_fit();
    }

    /// Adds all that this unit's future depends on: see the module's source for what and why.
    pub fn fingerprint(&self, frame: &Frame<'_>, hasher: &mut impl Hasher) {
        let Self {
            config,
            now: _,
            standing,
            licensed,
            version,
            ranks,
            links,
            held,
            weights,
            dropped,
            peers,
            words,
            holdings,
            history,
            outgoing,
            listening,
            nonces,
            ids: _,
            events: _,
            lost_events: _,
            rejects: _,
            told: _,
        } = self;
        let failure_time = config.failure_time();
        let Standing { condition, can_be_active, settling } = standing;
        (config.own, condition, can_be_active, settling, licensed).hash(hasher);
        (version, ranks, links, weights).hash(hasher);
        if frame.names.is_none() {
            // Where the next question comes from.
            nonces.hash(hasher);
        }
        for held in held {
            held.weight().hash(hasher);
            held.rises().for_each(|(at, to)| (frame.until(at), to).hash(hasher));
        }
        dropped.map(|since| since.map(|since| frame.age(since, failure_time))).hash(hasher);
        listening.map(|until| frame.until(until)).hash(hasher);
        for member in self.others() {
            if let Some(peer) = peers.get(member.index()) {
                self.hash_peer(peer, frame, hasher);
            }
        }
        for words in words.iter().flatten() {
            self.hash_words(words, frame, hasher);
        }
        for group in self.groups() {
            if let Some(holding) = holdings.get(group.index()) {
                self.hash_holding(holding, frame, hasher);
            }
        }
        hash_history(history, outgoing, frame, hasher);
        hash_outgoing(outgoing, frame, hasher);
    }

    /// It is silent for good: nobody will ever hear of its start again, and another one is believed at once.
    fn is_gone(&self, peer: &Peer, frame: &Frame<'_>) -> bool {
        let can_be_heard = peer.start.is_some_and(|start| frame.start(start).is_some());
        !can_be_heard && peer.stranger.is_none() && !peer.is_alive(frame.now, &self.config.rules)
    }

    fn hash_peer(&self, peer: &Peer, frame: &Frame<'_>, hasher: &mut impl Hasher) {
        let Peer { start, newest, paths, since, last, former, stranger, is_told, told_paths } =
            peer;
        (is_told, told_paths).hash(hasher);
        if self.is_gone(peer, frame) {
            return;
        }
        start.map(|start| frame.start(start)).hash(hasher);
        // A start that cannot be heard any more need not be refused.
        former.iter().filter_map(|start| frame.start(*start)).for_each(|it| it.hash(hasher));
        stranger.map(|id| frame.id(id)).hash(hasher);
        let Some(start) = start else { return };
        // 0: none of this start was heard on that path.
        let number = |number: u64| (number != 0).then(|| frame.number(*start, number));
        number(*newest).hash(hasher);
        let failure_time = peer.failure_time();
        for path in self.config.paths() {
            let Some(Heard { at, newest }) = paths.get(usize::from(path.0)) else { continue };
            let silence = at.map(|at| frame.age(at.max(*since), failure_time));
            (silence, number(*newest)).hash(hasher);
        }
        last.is_some().hash(hasher);
        if let Some(Advertisement { header, unit, content }) = last {
            header.config_version.hash(hasher);
            hash_report(unit, hasher);
            let heard = content.as_ref().and_then(|it| it.heard.get(self.config.own));
            heard.map(|it| it.paths).hash(hasher);
        }
    }

    /// Of an advertisement that was taken in the questions and releases were heeded, and will not be again.
    fn hash_words(&self, words: &Words, frame: &Frame<'_>, hasher: &mut impl Hasher) {
        let Words { advertisement: Advertisement { header, unit, content }, at } = words;
        if self.peer(header.sender).is_none_or(|peer| self.is_gone(peer, frame)) {
            return;
        }
        header.sender.hash(hasher);
        hash_report(unit, hasher);
        let settling = (self.config.rules.settling_time)(unit.failure_time());
        frame.age(*at, settling).hash(hasher);
        let Some(content) = content else { return };
        for (group, entry) in content.groups.iter() {
            (group, entry.link_weight, stance(entry.stance), entry.owner_seen).hash(hasher);
        }
        for (member, entry) in content.heard.iter().filter(|(_, entry)| !entry.paths.is_empty()) {
            (member, entry.paths).hash(hasher);
        }
        // Of an echo only what this unit had said counts, and whether that is late enough.
        let echo = content.heard.get(self.config.own).map(|entry| entry.echo);
        let echo = echo.filter(|echo| echo.start == self.outgoing.start);
        echo.is_some().hash(hasher);
        let Some(echo) = echo.map(|echo| echo.number.get()) else { return };
        for group in self.groups() {
            let since = self.holding(group).and_then(|it| it.conflict_since);
            since.is_none_or(|since| echo >= since).hash(hasher);
            self.history.said(echo, self.outgoing.number, group).hash(hasher);
        }
    }

    fn hash_holding(&self, holding: &Holding, frame: &Frame<'_>, hasher: &mut impl Hasher) {
        let Holding {
            state,
            term: _,
            running,
            pending,
            try_again,
            announce,
            hold_until,
            ask_again,
            conflict_since,
            owner,
        } = holding;
        core::mem::discriminant(state).hash(hasher);
        match state {
            State::Idle | State::Owner => {}
            State::Asking { owner, nonce, until } => {
                (owner, frame.question(*nonce), frame.until(*until)).hash(hasher);
            }
            State::Taking { step } => step.hash(hasher),
            State::Withdrawing { goal: Goal::Yield, step } => step.hash(hasher),
            State::Withdrawing { goal: Goal::Release { successor, nonce }, step } => {
                (successor, frame.question(*nonce), step).hash(hasher);
            }
            State::Released { successor, nonce, until } => {
                (successor, frame.question(*nonce), frame.until(*until)).hash(hasher);
            }
        }
        running.map(|(_, duty, until)| (duty, frame.until(until))).hash(hasher);
        (pending, announce, owner).hash(hasher);
        for at in [try_again, hold_until, ask_again] {
            at.map(|at| frame.until(at)).hash(hasher);
        }
        conflict_since.is_some().hash(hasher);
        // What is older than any echo is all the same.
        let oldest = frame.names.map_or(0, |names| names.oldest_echo);
        let since = conflict_since.filter(|since| *since > oldest);
        since.map(|since| frame.number(self.outgoing.start, since)).hash(hasher);
    }
}

fn hash_report(report: &UnitReport, hasher: &mut impl Hasher) {
    let UnitReport { interval, level, condition, can_be_active, settling } = report;
    (interval, level, condition, can_be_active, settling).hash(hasher);
}

fn hash_history(history: &History, own: &Outgoing, frame: &Frame<'_>, hasher: &mut impl Hasher) {
    let oldest = frame.names.map_or(0, |names| names.oldest_echo);
    let mut said = history.0.iter().peekable();
    while let Some((number, said_then)) = said.next() {
        // Superseded before what can still be echoed; the last one is what was told last.
        if said.peek().is_some_and(|(next, _)| *next <= oldest) {
            continue;
        }
        // It begins before all that can be echoed: when does not matter.
        let since = (*number > oldest).then(|| frame.number(own.start, *number));
        (since, said_then).hash(hasher);
    }
}

fn hash_outgoing(outgoing: &Outgoing, frame: &Frame<'_>, hasher: &mut impl Hasher) {
    let Outgoing { start, number, next, is_due, handed_out, messages } = outgoing;
    (frame.start(*start), frame.number(*start, *number)).hash(hasher);
    (frame.until(*next), is_due, messages.iter().any(Option::is_some)).hash(hasher);
    frame.now.saturating_since(*handed_out).hash(hasher);
}

impl Message {
    /// Adds all of a message on its way to `to` that this receiver's future depends on.
    pub fn fingerprint(&self, to: Member, frame: &Frame<'_>, hasher: &mut impl Hasher) {
        let header = self.header();
        (self.kind() as u8, header.sender, header.config_version).hash(hasher);
        frame.id(header.id).hash(hasher);
        match self {
            Self::Advertisement(it) => hash_advertisement(it, to, frame, hasher),
            // Only that it was heard counts.
            Self::Management(_) => {}
            Self::Claim(it) => {
                (it.group, it.asked, it.link_weight, frame.question(it.nonce)).hash(hasher);
                frame.id(it.echo).hash(hasher);
            }
            Self::Release(it) => {
                let question = it.nonce.map(|nonce| frame.question(nonce));
                (it.group, it.successor, question).hash(hasher);
            }
        }
    }

    /// The datagram of the receiver that it echoes.
    #[must_use]
    pub fn echo_for(&self, to: Member) -> Option<DatagramId> {
        match self {
            Self::Advertisement(it) => Some(it.content.as_ref()?.heard.get(to)?.echo),
            Self::Claim(it) => Some(it.echo),
            Self::Management(_) | Self::Release(_) => None,
        }
    }
}

fn hash_advertisement(
    advertisement: &Advertisement,
    to: Member,
    frame: &Frame<'_>,
    hasher: &mut impl Hasher,
) {
    let Advertisement { header: _, unit, content } = advertisement;
    hash_report(unit, hasher);
    let Some(content) = content else { return };
    content.ranks.hash(hasher);
    for (group, entry) in content.groups.iter() {
        (group, entry.link_weight, entry.owner_seen, stance(entry.stance)).hash(hasher);
        match entry.stance {
            GroupStance::Asking { owner, nonce } => (owner, frame.question(nonce)).hash(hasher),
            GroupStance::Released { nonce, .. } => frame.question(nonce).hash(hasher),
            _ => {}
        }
    }
    for (member, entry) in content.heard.iter() {
        if member != to && entry.paths.is_empty() {
            continue;
        }
        // What it heard of others' numbers concerns those.
        (member, entry.paths, (member == to).then(|| frame.id(entry.echo))).hash(hasher);
    }
}
