//! The machine of one unit of a cluster, and how it is driven.

use super::config::ClusterConfig;
use super::history::{History, SaidOfAll};
use super::holding::Holding;
use super::news::{Event, Input, Refusal, Standing};
use super::peer::Peer;
use super::sending::Outgoing;
use super::words::Words;
use crate::identity::{GroupNumber, MAX_GROUPS, MAX_NODES, MAX_UNITS, Member, NodeNumber};
use crate::link_weight::{HeldWeight, LinkWeight, UnitLinks};
use crate::rank::RankTable;
use crate::virtual_address::GroupAction;
use crate::wire::{Condition, MAX_DATAGRAM_LEN, Paths};
use alloc::collections::VecDeque;
use core::time::Duration;
use ha_core::machine::{ActionError, ActionId, Channel, Deadline, Machine, Origin, Output};
use ha_core::reject::{Reject, RejectCounters};
use ha_core::time::Instant;

/// The most events that wait to be polled; beyond it the oldest are dropped and counted.
pub const MAX_EVENTS: usize = 256;

/// One unit of a cluster. See the [module](super) for what it does, and [`Machine`] for how it is driven.
#[derive(Clone, Debug)]
pub struct ClusterUnit {
    pub(super) config: ClusterConfig,
    pub(super) now: Instant,
    /// Until then silence was judged: at timeouts only, since datagrams may wait behind the one that is handed in
    /// (CRASH-4).
    pub(super) judged: Instant,
    pub(super) standing: Standing,
    pub(super) licensed: bool,
    /// The same as the others are told it: it stands still in a conflict with an owner that hears it, like the weights.
    pub(super) told_license: bool,
    /// The version of this unit's own settings; and the ranks that are in force: those of the highest version that was
    /// seen, and of one version the higher table.
    pub(super) version: u64,
    pub(super) ranks: (u64, RankTable),
    pub(super) links: UnitLinks,
    pub(super) held: [HeldWeight; MAX_GROUPS],
    pub(super) weights: [LinkWeight; MAX_GROUPS],
    /// Since when a lower weight is not told, because the pair may be about to move the role (VG-6).
    pub(super) dropped: [Option<Instant>; MAX_GROUPS],
    pub(super) peers: [Peer; MAX_UNITS],
    pub(super) words: [Option<Words>; MAX_NODES],
    pub(super) holdings: [Holding; MAX_GROUPS],
    pub(super) history: History,
    pub(super) outgoing: Outgoing,
    /// The cluster links below [`MIN_LINK_SPEED`](super::MIN_LINK_SPEED).
    pub(super) slow_links: Paths,
    /// Until then a start listens, and takes nothing.
    pub(super) listening: Option<Instant>,
    pub(super) nonces: u64,
    pub(super) ids: ActionId,
    pub(super) events: VecDeque<Event>,
    pub(super) lost_events: u64,
    pub(super) rejects: RejectCounters,
    /// When a stranger, and a unit with our number, were told last.
    pub(super) told: [Option<Instant>; 2],
}

impl ClusterUnit {
    /// A unit that starts now. It listens for its failure time before it takes anything.
    #[must_use]
    pub fn new(config: ClusterConfig, now: Instant) -> Self {
        let rules = config.rules;
        let listening = Some(now + (rules.listening_time)(config.failure_time()));
        Self {
            now,
            judged: now,
            standing: Standing::STARTING,
            licensed: true,
            told_license: true,
            version: config.version,
            ranks: (config.version, config.ranks),
            links: UnitLinks::new(&config.addresses),
            held: core::array::from_fn(|_| HeldWeight::new(config.restore_hold)),
            weights: [LinkWeight::default(); MAX_GROUPS],
            dropped: [None; MAX_GROUPS],
            peers: core::array::from_fn(|_| Peer::new(now)),
            words: [const { None }; MAX_NODES],
            holdings: Default::default(),
            history: History::default(),
            outgoing: Outgoing::new(config.mint(0), now),
            slow_links: Paths::NONE,
            listening,
            nonces: 0,
            ids: ActionId::default(),
            events: VecDeque::new(),
            lost_events: 0,
            rejects: RejectCounters::default(),
            told: [None; 2],
            config,
        }
    }

    /// Its configuration.
    #[must_use]
    pub const fn config(&self) -> &ClusterConfig {
        &self.config
    }

    /// Whether addresses of any group may be here still: from the first action of a take until the withdrawal is
    /// confirmed. A pair must not release its role before this is `false`.
    #[must_use]
    pub fn holds_any(&self) -> bool {
        self.holdings.iter().any(|it| it.state.holds())
    }

    /// Why datagrams were ignored, and how often.
    #[must_use]
    pub const fn rejects(&self) -> &RejectCounters {
        &self.rejects
    }

    /// How many events were dropped because nobody polled them.
    #[must_use]
    pub const fn lost_events(&self) -> u64 {
        self.lost_events
    }

    /// Whether this unit speaks for its node (NODE-4).
    pub(super) fn is_speaker(&self) -> bool {
        self.standing.condition == Condition::Active
    }

    /// The groups there are.
    pub(super) fn groups(&self) -> impl Iterator<Item = GroupNumber> + use<> {
        self.config.addresses.groups()
    }

    pub(super) fn holding(&self, group: GroupNumber) -> Option<&Holding> {
        self.holdings.get(group.index())
    }

    pub(super) fn holding_mut(&mut self, group: GroupNumber) -> Option<&mut Holding> {
        self.holdings.get_mut(group.index())
    }

    pub(super) fn peer(&self, member: Member) -> Option<&Peer> {
        self.peers.get(member.index()).filter(|_| member != self.config.own)
    }

    /// The members but this unit.
    pub(super) fn others(&self) -> impl Iterator<Item = Member> + use<'_> {
        self.config.members.iter().map(|(member, _)| member).filter(|it| *it != self.config.own)
    }

    /// The units of a node that are not this one.
    pub(super) fn units_of(&self, node: NodeNumber) -> impl Iterator<Item = Member> + use<'_> {
        self.others().filter(move |it| it.node == node)
    }

    pub(super) fn event(&mut self, event: Event) {
        if self.events.len() >= MAX_EVENTS {
            self.events.pop_front();
            self.lost_events = self.lost_events.saturating_add(1);
        }
        self.events.push_back(event);
    }

    /// Notes the time: one that runs backwards stands still, one that jumped ahead is a stall (CRASH-4). Every `handle_*`
    /// begins with it, and so does `poll_output`.
    fn wake(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        let now = self.now;
        let length = self.outgoing.silence(now);
        if (self.config.rules.has_stalled)(length, self.config.failure_time()) {
            self.event(Event::Stalled { length });
            self.outgoing.restart(now);
            self.peers.iter_mut().for_each(|peer| peer.restart_silence(now));
            for words in self.words.iter_mut().flatten() {
                words.at = now;
            }
            // It takes nothing back before it has heard what became of it.
            let listening = (self.config.rules.listening_time)(self.config.failure_time());
            self.listening = Some(now + listening);
            self.give_all_up(now, super::Why::Stalled);
        }
        now
    }

    /// What was told of every group last; what nobody was told yet does not count.
    pub(super) fn told_last(&self) -> Option<&SaidOfAll> {
        self.history.last()
    }
}

impl Machine for ClusterUnit {
    type Input = Input;
    type Refusal = Refusal;
    type Action = GroupAction;
    type Event = Event;

    fn handle_input(&mut self, now: Instant, input: Input) -> Result<(), Refusal> {
        let now = self.wake(now);
        match input {
            Input::Condition(standing) => self.stands(now, standing),
            Input::Link { interface, port, up } => {
                self.links.report(interface, port, up).map_err(Refusal::Link)?;
            }
            Input::LinkSpeed { path, speed } => self.note_speed(path, speed)?,
            Input::Licensed(licensed) => self.licensed = licensed,
            Input::Ranks { version, ranks } => self.configure(version, ranks)?,
        }
        self.reconsider(now);
        Ok(())
    }

    fn handle_datagram(
        &mut self,
        now: Instant,
        from: Origin,
        datagram: &[u8],
    ) -> Result<(), Reject> {
        let now = self.wake(now);
        let result = self.receive(now, from, datagram);
        if let Err(reject) = &result {
            self.rejects.count(reject);
        }
        result
    }

    fn handle_done(&mut self, now: Instant, id: ActionId, outcome: Result<(), ActionError>) {
        let now = self.wake(now);
        self.done(now, id, outcome);
        self.reconsider(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        let now = self.wake(now);
        if self.poll_timeout().is_none_or(|deadline| deadline.at > now) {
            return;
        }
        self.judged = now;
        self.listening = self.listening.filter(|until| *until > now);
        self.time_passes(now);
        self.reconsider(now);
        if self.outgoing.next <= now {
            self.outgoing.is_due = true;
        }
    }

    fn poll_output(&mut self, now: Instant, buf: &mut [u8]) -> Option<Output<GroupAction, Event>> {
        let now = self.wake(now);
        // Steps first: a unit that stalled withdraws before it says anything (S3).
        if let Some((id, action)) = self.poll_action(now) {
            return Some(Output::Action { id, action });
        }
        if let Some((to, len)) = self.poll_transmit(now, buf) {
            return Some(Output::Transmit { to, len });
        }
        self.events.pop_front().map(Output::Event)
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        let mut next = Deadline { at: self.outgoing.next, why: "advertisement" };
        let mut by = |at: Option<Instant>, why| {
            if let Some(at) = at.filter(|at| *at < next.at) {
                next = Deadline { at, why };
            }
        };
        by(self.listening, "listening");
        for peer in self.peers.iter().filter(|peer| peer.is_told) {
            by(peer.lost_at(), "silence of a unit");
            if self.config.x0 && !peer.needed_x0 {
                by(peer.overdue_at(), "silence of a unit on its links");
            }
        }
        for holding in &self.holdings {
            by(holding.next(), "hand-over");
        }
        for held in &self.held {
            by(held.next(), "restore hold");
        }
        by(self.drops_end(), "settling of the pair");
        by(self.words_end(), "settling of a node");
        Some(next)
    }

    fn max_datagram(&self) -> usize {
        MAX_DATAGRAM_LEN
    }
}

/// The channel of this protocol.
pub(super) const CHANNEL: Channel = Channel::Svrrp;
/// So long nobody is told again of a stranger.
pub(super) const TELL_AGAIN: Duration = Duration::from_secs(60);
