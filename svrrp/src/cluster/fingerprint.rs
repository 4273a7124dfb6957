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
//! what it said more than 64 advertisements ago; there is no X0 that is tried; no rule asks how long a silence lasts beyond the failure time; and all
//! units are the same product, speak the same protocol and have the same rhythm.

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
    /// Each start of a unit that anybody can still hear of, in places that say whose it is and how old. The same for all
    /// units. The fingerprint knows a start by its place here.
    pub starts: &'a [Start],
    /// The questions that are asked now, in places that say whose they are ([`ClusterUnit::questions`]); 0 where there
    /// is none. The same for all units. A release for any other is never taken on, and a new question is like none
    /// before: so the fingerprint knows a question by its place here.
    pub questions: &'a [u64],
    /// The lowest number of a datagram of this unit that can still be echoed to it: what was said last before it will
    /// never be asked for.
    pub oldest_echo: u64,
}

/// A start of a unit; all 0: there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Start {
    /// What stands for it in its datagrams ([`ClusterUnit::start`]).
    pub name: u64,
    /// The number of its last datagram ([`ClusterUnit::last_number`]).
    pub last: u64,
    /// The lowest number of its datagrams that are on their way; if none is, the number of the next one.
    pub oldest: u64,
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
        let place = names.starts.iter().position(|known| known.name == start.get());
        place.and_then(|place| u64::try_from(place).ok())
    }

    /// Of a start that nobody can hear of any more all numbers are alike.
    fn number(&self, start: NonZeroU64, number: u64) -> u64 {
        let Some(names) = self.names else { return number };
        let known = names.starts.iter().find(|known| known.name == start.get());
        known.map_or(0, |known| known.last.wrapping_sub(number))
    }

    /// The same of a number that is only compared with those that will arrive: below all of these it is all the same.
    fn threshold(&self, start: NonZeroU64, number: u64) -> u64 {
        let known = self.names.and_then(|it| it.starts.iter().find(|it| it.name == start.get()));
        let lowest = known.map_or(0, |known| known.oldest.saturating_sub(1));
        self.number(start, number.max(lowest))
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
        let known = peer.and_then(|it| Some(it.last.as_ref()?.header.id));
        [known, peer.and_then(|it| it.stranger)]
    }

    /// The lowest number of its own that a word echoes which counts, or may count again: what was said then it may still
    /// ask for. `starts` are those that anybody can still hear of.
    #[must_use]
    pub fn lowest_echo(&self, starts: &[Start]) -> Option<u64> {
        let frame =
            Frame { now: self.now, names: Some(Names { starts, questions: &[], oldest_echo: 0 }) };
        let words = self.words.iter().flatten();
        let words = words.filter(|it| self.may_count(it, &frame)).map(|it| &it.advertisement);
        words.filter_map(|it| self.echo_in(it)).min()
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
            now,
            judged,
            standing,
            licensed,
            told_license,
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
            slow_links: _,
            listening,
            nonces,
            ids: _,
            events: _,
            lost_events: _,
            rejects: _,
            told: _,
        } = self;
        let failure_time = config.failure_time();
        // That it has stalled is said by when it handed an advertisement out.
        now.saturating_since(*judged).hash(hasher);
        let Standing { condition, can_be_active, settling } = standing;
        (config.own, condition, can_be_active, settling).hash(hasher);
        (licensed, told_license).hash(hasher);
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

    /// The word of a unit that is not silent for good.
    fn may_count(&self, words: &Words, frame: &Frame<'_>) -> bool {
        self.peer(words.speaker()).is_some_and(|peer| !self.is_gone(peer, frame))
    }

    /// Which number of this unit's start an advertisement echoes.
    fn echo_in(&self, said: &Advertisement) -> Option<u64> {
        let echo = said.content.as_ref()?.heard.get(self.config.own)?.echo;
        (echo.start == self.outgoing.start).then_some(echo.number.get())
    }

    fn hash_peer(&self, peer: &Peer, frame: &Frame<'_>, hasher: &mut impl Hasher) {
        let Peer {
            start,
            newest,
            paths,
            heard_at,
            linked_at,
            on_x0_since,
            since,
            last,
            former,
            stranger,
            is_told,
            told_paths,
            needed_x0,
            trial_at,
            // Only reported.
            x0_at: _,
            is_x0_silent: _,
            differs: _,
        } = peer;
        (is_told, told_paths, needed_x0).hash(hasher);
        if self.is_gone(peer, frame) {
            return;
        }
        start.map(|start| frame.start(start)).hash(hasher);
        // A start that cannot be heard any more need not be refused.
        former.iter().filter_map(|start| frame.start(*start)).for_each(|it| it.hash(hasher));
        stranger.map(|id| frame.id(id)).hash(hasher);
        let Some(start) = start else { return };
        // It is quick to be overdue on its links: within the failure time (SVRRP-2).
        let age = |at: Instant| frame.age(at, self.config.failure_time());
        age(*since).hash(hasher);
        [heard_at, linked_at, on_x0_since, trial_at].map(|at| at.map(age)).hash(hasher);
        frame.threshold(*start, *newest).hash(hasher);
        for path in self.config.paths() {
            let Some(Heard { at, newest }) = paths.get(usize::from(path.0)) else { continue };
            at.map(age).hash(hasher);
            newest.map(|newest| frame.threshold(*start, newest)).hash(hasher);
        }
        last.as_ref().map(|last| frame.id(last.header.id)).hash(hasher);
        if let Some(last) = last {
            self.hash_said(last, hasher);
        }
    }

    fn hash_words(&self, words: &Words, frame: &Frame<'_>, hasher: &mut impl Hasher) {
        if !self.may_count(words, frame) {
            return;
        }
        let Words { advertisement, at } = words;
        advertisement.header.sender.hash(hasher);
        let settling = (self.config.rules.settling_time)(advertisement.unit.failure_time());
        frame.age(*at, settling).hash(hasher);
        // A speaker's last word is the last that it said, unless it does not speak any more.
        let last = self.peer(words.speaker()).and_then(|peer| peer.last());
        let is_last = last.is_some_and(|last| last.header.id == advertisement.header.id);
        is_last.hash(hasher);
        if !is_last {
            self.hash_said(advertisement, hasher);
        }
    }

    /// Of an advertisement that was taken in the questions and releases were heeded, and will not be again; nor will its
    /// ranks.
    fn hash_said(&self, said: &Advertisement, hasher: &mut impl Hasher) {
        let Advertisement { header: _, unit, content } = said;
        hash_report(unit, hasher);
        let Some(content) = content else { return };
        for (group, entry) in content.groups.iter() {
            (group, entry.link_weight, stance(entry.stance), entry.owner_seen).hash(hasher);
        }
        for (member, entry) in content.heard.iter().filter(|(_, entry)| !entry.paths.is_empty()) {
            (member, entry.paths).hash(hasher);
        }
        // Of an echo only what this unit had said counts, and whether that is late enough.
        let echo = self.echo_in(said);
        echo.is_some().hash(hasher);
        let Some(echo) = echo else { return };
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
            conflict_answered,
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
        conflict_since.map(|_| conflict_answered).hash(hasher);
        // What is older than any echo is all the same.
        let oldest = frame.names.map_or(0, |names| names.oldest_echo);
        let since = conflict_since.filter(|since| *since > oldest);
        since.map(|since| frame.number(self.outgoing.start, since)).hash(hasher);
    }
}

fn hash_report(report: &UnitReport, hasher: &mut impl Hasher) {
    let UnitReport { interval, level, condition, can_be_active, settling, trial } = report;
    (interval, level, condition, can_be_active, settling, trial).hash(hasher);
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
    let Outgoing { start, number, next, is_due, handed_out, trial: _, messages } = outgoing;
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
