//! One unit of a cluster node: the pair's unit, if the node has two, and the cluster machine, as the pair wants it.

use crate::unit::{self, Appliance};
use alloc::collections::BTreeMap;
use ha_core::identity::InterfaceId;
use ha_core::machine::{ActionError, ActionId, Channel, Deadline, Machine, Origin, Output};
use ha_core::pair::{self, Obstacles, State};
use ha_core::reject::{Reject, RejectCounters};
use ha_core::time::Instant;
use statesync::Records;
use svrrp::cluster::{self, ClusterConfig, ClusterUnit, Standing};
use svrrp::virtual_address::GroupAction;
use svrrp::wire::Condition;
use thiserror::Error;

/// The most actions that are handed out and not answered; beyond it the oldest counts as failed.
const MAX_OPEN: usize = 256;

/// What the embedder tells a unit of a cluster node.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // it is taken apart at once
pub enum Input {
    /// Something for the pair and its state synchronization. Refused in a single-unit node.
    Unit(unit::Input),
    /// Something for the cluster. [`cluster::Input::Condition`] is passed over in a node of two units, where the pair
    /// knows better (VG-6).
    Cluster(cluster::Input),
    /// A port of an interface is up or down: for the pair's monitors and for the weights of the groups, as far as either
    /// has that interface.
    Link {
        /// Of which interface.
        interface: InterfaceId,
        /// Which of its redundant ports, from 0.
        port: u8,
        /// It is up.
        up: bool,
    },
}

/// Why an input was refused. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// By the pair or its state synchronization.
    #[error(transparent)]
    Unit(#[from] unit::Refusal),
    /// By the cluster machine.
    #[error(transparent)]
    Cluster(#[from] cluster::Refusal),
    /// This node has a single unit: there is no pair.
    #[error("this node has a single unit, and no pair")]
    NoPair,
    /// Neither monitors the interface.
    #[error("{0} is not monitored")]
    NotMonitored(InterfaceId),
}

/// A duty of the platform.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Of the pair or its state synchronization. In a cluster the pair has no shared addresses of its own: those are the
    /// groups'.
    Unit(unit::Action),
    /// For a virtual group.
    Group(GroupAction),
}

/// News of a unit of a cluster node.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Of the pair or its state synchronization.
    Unit(unit::Event),
    /// Of the cluster.
    Cluster(cluster::Event),
}

#[derive(Clone, Copy, Debug)]
enum Inner {
    Unit(ActionId),
    Cluster(ActionId),
}

/// One unit of a cluster node.
///
/// The pair tells the cluster machine, never the other way round (VG-6): a unit speaks for its node while it is Active in
/// its pair. A pair that withdraws has the groups withdrawn first, and its own withdrawal is handed out when that is
/// confirmed: so the peer never takes what is here still.
#[derive(Debug)]
pub struct ClusterNode<R: Records> {
    pair: Option<Appliance<R>>,
    cluster: ClusterUnit,
    /// What the cluster machine was told last of the pair.
    told: Option<Standing>,
    /// The pair's withdrawal, which waits for that of the groups.
    withdrawal: Option<(ActionId, unit::Action)>,
    next_id: ActionId,
    open: BTreeMap<ActionId, Inner>,
    rejects: RejectCounters,
}

impl<R: Records> ClusterNode<R> {
    /// A unit of a node of two.
    #[must_use]
    pub fn of_pair(pair: unit::Config, records: R, cluster: ClusterConfig, now: Instant) -> Self {
        Self::with(Some(Appliance::new(pair, records, now)), cluster, now)
    }

    /// The unit of a single-unit node: it is the active one once the embedder says so
    /// ([`cluster::Input::Condition`]).
    #[must_use]
    pub fn single(cluster: ClusterConfig, now: Instant) -> Self {
        Self::with(None, cluster, now)
    }

    fn with(pair: Option<Appliance<R>>, cluster: ClusterConfig, now: Instant) -> Self {
        Self {
            pair,
            cluster: ClusterUnit::new(cluster, now),
            told: None,
            withdrawal: None,
            next_id: ActionId::default(),
            open: BTreeMap::new(),
            rejects: RejectCounters::default(),
        }
    }

    /// The pair's unit; `None` in a single-unit node.
    #[must_use]
    pub fn pair(&self) -> Option<&Appliance<R>> {
        self.pair.as_ref()
    }

    /// The cluster machine.
    #[must_use]
    pub fn cluster(&self) -> &ClusterUnit {
        &self.cluster
    }

    /// Datagrams for a machine that this unit does not have.
    #[must_use]
    pub fn rejects(&self) -> &RejectCounters {
        &self.rejects
    }

    /// What the pair makes of this unit in its node.
    fn standing(&self) -> Option<Standing> {
        let pair = self.pair.as_ref()?.pair();
        let state = pair.state();
        let obstacles = pair.obstacles();
        // That it is not ready passes by itself.
        let bars = [Obstacles::TAKE_FAILED, Obstacles::MAINTENANCE, Obstacles::ISOLATED];
        let barred = pair.mismatch().is_some() || bars.iter().any(|it| obstacles.contains(*it));
        let condition = match state {
            State::Active if self.withdrawal.is_none() => Condition::Active,
            State::Left | State::Disabled => Condition::Leaving,
            State::Election => Condition::Starting,
            _ if barred => Condition::Barred,
            _ => Condition::Standby,
        };
        Some(Standing {
            condition,
            can_be_active: condition == Condition::Active || !barred && state != State::Left,
            settling: matches!(state, State::Asking | State::Taking | State::Withdrawing(_)),
        })
    }

    fn tie(&mut self, now: Instant) {
        let standing = self.standing();
        if standing != self.told
            && let Some(standing) = standing
        {
            self.told = Some(standing);
            // A condition is never refused.
            let _ = self.cluster.handle_input(now, cluster::Input::Condition(standing));
        }
    }

    fn answer(&mut self, now: Instant, inner: Inner, outcome: Result<(), ActionError>) {
        match (inner, &mut self.pair) {
            (Inner::Unit(id), Some(pair)) => pair.handle_done(now, id, outcome),
            (Inner::Unit(_), None) => {}
            (Inner::Cluster(id), _) => self.cluster.handle_done(now, id, outcome),
        }
    }

    fn mint(&mut self, now: Instant, inner: Inner) -> ActionId {
        if self.open.len() >= MAX_OPEN
            && let Some((_, oldest)) = self.open.pop_first()
        {
            self.answer(now, oldest, Err(ActionError::TimedOut));
        }
        let id = self.next_id.mint();
        self.open.insert(id, inner);
        id
    }

    fn link(
        &mut self,
        now: Instant,
        interface: InterfaceId,
        port: u8,
        up: bool,
    ) -> Result<(), Refusal> {
        let input = cluster::Input::Link { interface, port, up };
        let in_cluster = self.cluster.handle_input(now, input).is_ok();
        let input = unit::Input::Pair(pair::Input::Link { interface, port, up });
        let pair = self.pair.as_mut().map(|pair| pair.handle_input(now, input));
        let in_pair = pair.is_some_and(|result| result.is_ok());
        (in_cluster || in_pair).then_some(()).ok_or(Refusal::NotMonitored(interface))
    }
}

impl<R: Records> Machine for ClusterNode<R> {
    type Input = Input;
    type Refusal = Refusal;
    type Action = Action;
    type Event = Event;

    fn handle_input(&mut self, now: Instant, input: Input) -> Result<(), Refusal> {
        match input {
            Input::Unit(input) => {
                self.pair.as_mut().ok_or(Refusal::NoPair)?.handle_input(now, input)?;
            }
            Input::Cluster(cluster::Input::Condition(_)) if self.pair.is_some() => {}
            Input::Cluster(input) => self.cluster.handle_input(now, input)?,
            Input::Link { interface, port, up } => self.link(now, interface, port, up)?,
        }
        self.tie(now);
        Ok(())
    }

    fn handle_datagram(
        &mut self,
        now: Instant,
        from: Origin,
        datagram: &[u8],
    ) -> Result<(), Reject> {
        let result = match (from.channel, &mut self.pair) {
            (Channel::Svrrp, _) => self.cluster.handle_datagram(now, from, datagram),
            (_, Some(pair)) => pair.handle_datagram(now, from, datagram),
            (_, None) => {
                self.rejects.count(&Reject::UnknownChannel);
                Err(Reject::UnknownChannel)
            }
        };
        self.tie(now);
        result
    }

    fn handle_done(&mut self, now: Instant, id: ActionId, outcome: Result<(), ActionError>) {
        if let Some(inner) = self.open.remove(&id) {
            self.answer(now, inner, outcome);
        }
        self.tie(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        if let Some(pair) = &mut self.pair {
            pair.handle_timeout(now);
        }
        self.cluster.handle_timeout(now);
        self.tie(now);
    }

    /// Outputs of the pair go first; its withdrawal waits for that of the groups.
    fn poll_output(&mut self, now: Instant, buf: &mut [u8]) -> Option<Output<Action, Event>> {
        // The pair has given up waiting, and taken the role back: what it asked for then must not be done now.
        let waits = |pair: &Appliance<R>| matches!(pair.pair().state(), State::Withdrawing(_));
        if !self.pair.as_ref().is_some_and(waits) {
            self.withdrawal = None;
        }
        if let Some((id, action)) = self.withdrawal.take_if(|_| !self.cluster.holds_any()) {
            let id = self.mint(now, Inner::Unit(id));
            self.tie(now);
            return Some(Output::Action { id, action: Action::Unit(action) });
        }
        while let Some(output) = self.pair.as_mut().and_then(|pair| pair.poll_output(now, buf)) {
            // Polling tells it the time: it may have found that it stalled.
            self.tie(now);
            return Some(match output {
                Output::Transmit { to, len } => Output::Transmit { to, len },
                Output::Event(event) => Output::Event(Event::Unit(event)),
                Output::Action { id, action: unit::Action::Pair(pair::Action::Withdraw) }
                    if self.cluster.holds_any() =>
                {
                    self.withdrawal = Some((id, unit::Action::Pair(pair::Action::Withdraw)));
                    self.tie(now);
                    continue;
                }
                Output::Action { id, action } => Output::Action {
                    id: self.mint(now, Inner::Unit(id)),
                    action: Action::Unit(action),
                },
            });
        }
        Some(match self.cluster.poll_output(now, buf)? {
            Output::Transmit { to, len } => Output::Transmit { to, len },
            Output::Event(event) => Output::Event(Event::Cluster(event)),
            Output::Action { id, action } => Output::Action {
                id: self.mint(now, Inner::Cluster(id)),
                action: Action::Group(action),
            },
        })
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        let pair = self.pair.as_ref().and_then(Machine::poll_timeout);
        Deadline::earlier(pair, self.cluster.poll_timeout())
    }

    fn max_datagram(&self) -> usize {
        let pair = self.pair.as_ref().map_or(0, Machine::max_datagram);
        self.cluster.max_datagram().max(pair)
    }
}
