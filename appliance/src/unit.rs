//! One unit: the role machine, and state synchronization as the role wants it.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use ha_core::identity::PathId;
use ha_core::machine::{ActionError, ActionId, Channel, Deadline, Machine, Origin, Output};
use ha_core::pair::{self, Pair, PairConfig, State};
use ha_core::reject::{Reject, RejectCounters};
use ha_core::time::Instant;
use statesync::{Connection, ConnectionKey, Records, StateSync, SyncRole};
use thiserror::Error;

/// The most actions that are handed out and not answered; one that is not answered by then counts as
/// forgotten. It is above what the machines inside allow together.
const MAX_OPEN: usize = 128;

/// What a unit is made of.
#[derive(Clone, Debug)]
pub struct Config {
    /// The role machine.
    pub pair: PairConfig,
    /// State synchronization; `None` turns it off: a stateless pair (PAIR-2).
    pub sync: Option<statesync::Config>,
    /// The paths that state synchronization may use, in the order of preference (PAIR-19). It uses the
    /// first on which the peer is heard; those that [`sync`](Self::sync) does not know are passed over.
    pub sync_paths: Vec<PathId>,
}

/// What the embedder tells a unit.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Something for the role machine.
    Pair(pair::Input),
    /// These connections are new or changed in the forwarding plane.
    Upsert(Vec<Connection>),
    /// These connections are gone from it.
    Remove(Vec<ConnectionKey>),
    /// The connections that follow, until [`Input::SnapshotEnd`], are all there are.
    SnapshotBegin,
    /// The snapshot is complete: connections that it did not name are gone.
    SnapshotEnd,
}

/// Why an input was refused. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// By the role machine.
    #[error(transparent)]
    Pair(#[from] pair::Refusal),
    /// By state synchronization.
    #[error(transparent)]
    Sync(#[from] statesync::Refusal),
}

/// A duty of the platform.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Of the role machine.
    Pair(pair::Action),
    /// Of state synchronization.
    Sync(statesync::Action),
}

/// News of a unit.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Of the role machine.
    Pair(pair::Event),
    /// Of state synchronization.
    Sync(statesync::Event),
}

/// One unit of a pair: see the [crate](crate).
#[derive(Debug)]
pub struct Appliance<R: Records> {
    pair: Pair,
    sync: Option<StateSync<R>>,
    sync_paths: Vec<PathId>,
    wanted: (SyncRole, Option<PathId>),
    next_id: ActionId,
    /// Whose an action is, and its number there.
    open: BTreeMap<ActionId, Inner>,
    /// Datagrams that neither machine was there for.
    rejects: RejectCounters,
}

#[derive(Clone, Copy, Debug)]
enum Inner {
    Pair(ActionId),
    Sync(ActionId),
}

impl<R: Records> Appliance<R> {
    /// A unit that starts now. `records` is its forwarding plane's table, or the handle to it.
    #[must_use]
    pub fn new(config: Config, records: R, now: Instant) -> Self {
        let mut sync_paths = config.sync_paths;
        let mut sync = config.sync.map(|sync| StateSync::new(sync, records));
        if let Some(sync) = &mut sync {
            let mut set = |path| sync.handle_input(now, statesync::Input::SetPath(path)).is_ok();
            sync_paths.retain(|path| set(Some(*path)));
            // Left to itself it would begin with one of its paths, heard or not.
            set(None);
        }
        Self {
            pair: Pair::new(config.pair, now),
            sync,
            sync_paths,
            wanted: (SyncRole::Idle, None),
            next_id: ActionId::default(),
            open: BTreeMap::new(),
            rejects: RejectCounters::default(),
        }
    }

    /// The role machine.
    #[must_use]
    pub fn pair(&self) -> &Pair {
        &self.pair
    }

    /// State synchronization; `None` if it is turned off.
    #[must_use]
    pub fn sync(&self) -> Option<&StateSync<R>> {
        self.sync.as_ref()
    }

    /// Datagrams for a machine that this unit does not have.
    #[must_use]
    pub fn rejects(&self) -> &RejectCounters {
        &self.rejects
    }

    /// Lets state synchronization follow the role and the paths.
    fn tie(&mut self, now: Instant) {
        let Some(sync) = &mut self.sync else { return };
        let role = match self.pair.state() {
            _ if self.pair.mismatch().is_some() => SyncRole::Idle,
            State::Taking | State::Active => SyncRole::Publisher,
            State::Standby | State::Asking => SyncRole::Replica,
            _ => SyncRole::Idle,
        };
        let path = self.sync_paths.iter().copied().find(|path| self.pair.path_is_heard(*path));
        let (had_role, had_path) = self.wanted;
        // Neither is ever refused: the paths are those that are known.
        if role != had_role {
            let _ = sync.handle_input(now, statesync::Input::SetRole(role));
        }
        if path != had_path {
            let _ = sync.handle_input(now, statesync::Input::SetPath(path));
        }
        self.wanted = (role, path);
    }

    fn mint(&mut self, inner: Inner) -> ActionId {
        if self.open.len() >= MAX_OPEN {
            self.open.pop_first();
        }
        let id = self.next_id.mint();
        self.open.insert(id, inner);
        id
    }
}

impl<R: Records> Machine for Appliance<R> {
    type Input = Input;
    type Refusal = Refusal;
    type Action = Action;
    type Event = Event;

    fn handle_input(&mut self, now: Instant, input: Input) -> Result<(), Refusal> {
        let records = match input {
            Input::Pair(input) => {
                self.pair.handle_input(now, input)?;
                self.tie(now);
                return Ok(());
            }
            Input::Upsert(connections) => statesync::Input::Upsert(connections),
            Input::Remove(keys) => statesync::Input::Remove(keys),
            Input::SnapshotBegin => statesync::Input::SnapshotBegin,
            Input::SnapshotEnd => statesync::Input::SnapshotEnd,
        };
        // Without synchronization nobody wants to know.
        if let Some(sync) = &mut self.sync {
            sync.handle_input(now, records)?;
        }
        Ok(())
    }

    fn handle_datagram(
        &mut self,
        now: Instant,
        from: Origin,
        datagram: &[u8],
    ) -> Result<(), Reject> {
        let result = match (from.channel, &mut self.sync) {
            (Channel::Pair, _) => self.pair.handle_datagram(now, from, datagram),
            (Channel::StateSync, Some(sync)) => sync.handle_datagram(now, from, datagram),
            _ => {
                self.rejects.count(&Reject::UnknownChannel);
                Err(Reject::UnknownChannel)
            }
        };
        self.tie(now);
        result
    }

    fn handle_done(&mut self, now: Instant, id: ActionId, outcome: Result<(), ActionError>) {
        match (self.open.remove(&id), &mut self.sync) {
            (Some(Inner::Pair(id)), _) => self.pair.handle_done(now, id, outcome),
            (Some(Inner::Sync(id)), Some(sync)) => sync.handle_done(now, id, outcome),
            _ => {}
        }
        self.tie(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.pair.handle_timeout(now);
        if let Some(sync) = &mut self.sync {
            sync.handle_timeout(now);
        }
        self.tie(now);
    }

    /// Outputs of the role machine go first: they are what keeps the unit Active, or makes it so.
    fn poll_output(&mut self, now: Instant, buf: &mut [u8]) -> Option<Output<Action, Event>> {
        if let Some(output) = self.pair.poll_output(now, buf) {
            return Some(match output {
                Output::Transmit { to, len } => Output::Transmit { to, len },
                Output::Event(event) => Output::Event(Event::Pair(event)),
                Output::Action { id, action } => {
                    Output::Action { id: self.mint(Inner::Pair(id)), action: Action::Pair(action) }
                }
            });
        }
        Some(match self.sync.as_mut()?.poll_output(now, buf)? {
            Output::Transmit { to, len } => Output::Transmit { to, len },
            Output::Event(event) => Output::Event(Event::Sync(event)),
            Output::Action { id, action } => {
                Output::Action { id: self.mint(Inner::Sync(id)), action: Action::Sync(action) }
            }
        })
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        let sync = self.sync.as_ref().and_then(Machine::poll_timeout);
        Deadline::earlier(self.pair.poll_timeout(), sync)
    }

    fn max_datagram(&self) -> usize {
        let sync = self.sync.as_ref().map_or(0, Machine::max_datagram);
        self.pair.max_datagram().max(sync)
    }
}
