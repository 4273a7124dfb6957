//! One unit: the role machine, and state synchronization as the role wants it.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use ha_core::identity::PathId;
use ha_core::machine::{ActionError, ActionId, Channel, Deadline, Machine, Origin, Output};
use ha_core::pair::{self, Goal, Pair, PairConfig, State};
use ha_core::reject::{Reject, RejectCounters};
use ha_core::time::{Duration, Instant};
use statesync::{Connection, ConnectionKey, Records, StateSync, SyncRole};
use thiserror::Error;

/// The most actions that are handed out and not answered; beyond it the oldest counts as failed.
const MAX_OPEN: usize = 128;

/// How long a confirmed withdrawal is kept from the role machine at the most, so that the last changes
/// reach the peer before the role does. Well below the shortest failure time (20 ms), within which a
/// hand-over has to be done.
const LAST_CHANGES: Duration = Duration::from_millis(5);

/// What a unit is made of.
#[derive(Clone, Debug)]
pub struct Config {
    /// The role machine.
    pub pair: PairConfig,
    /// State synchronization. The pair's mode decides: in one that is not
    /// [stateful](pair::Mode::is_stateful) this is passed over, and there is none (PAIR-2).
    ///
    /// It uses the first of [`PairConfig::state_paths`] on which the units hear each other: data links before
    /// control links, never a LAN (PAIR-19). Those that it is not configured with are passed over.
    ///
    /// With `None` in a stateful mode the vendor synchronizes by other means, and tells
    /// [`pair::Input::Synchronized`]. Until then a Standby shows SYNC, and a Primary does not preempt (PAIR-9).
    pub sync: Option<statesync::Config>,
}

/// What the embedder tells a unit.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Something for the role machine. [`pair::Input::Synchronized`] is passed over where the unit has state
    /// synchronization, which knows better.
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
    /// State synchronization goes by another path: the former one does not work any more in both directions,
    /// or a better one does again (PAIR-19).
    SyncPath {
        /// Which it was; `None` if there was none.
        from: Option<PathId>,
        /// Which it is; `None` if none works.
        to: Option<PathId>,
    },
}

/// One unit of a pair: see the [crate](crate).
#[derive(Debug)]
pub struct Appliance<R: Records> {
    pair: Pair,
    sync: Option<StateSync<R>>,
    sync_paths: Vec<PathId>,
    wanted: (SyncRole, Option<PathId>),
    /// The path of synchronization that was told last.
    told_path: Option<PathId>,
    /// The role machine was told that the table is complete.
    synchronized: bool,
    /// A withdrawal that is confirmed while changes are on their way, and until when it is kept.
    withdrawn: Option<(ActionId, Instant)>,
    next_id: ActionId,
    /// Whose an action is, and its number there.
    open: BTreeMap<ActionId, Inner>,
    /// Datagrams that neither machine was there for.
    rejects: RejectCounters,
}

#[derive(Clone, Copy, Debug)]
enum Inner {
    Pair(ActionId),
    Withdraw(ActionId),
    Sync(ActionId),
}

impl<R: Records> Appliance<R> {
    /// A unit that starts now. `records` is its forwarding plane's table, or the handle to it.
    #[must_use]
    pub fn new(config: Config, records: R, now: Instant) -> Self {
        let stateful = config.pair.mode().is_stateful();
        let mut sync_paths: Vec<_> = config.pair.state_paths().collect();
        let mut sync = config.sync.filter(|_| stateful).map(|sync| StateSync::new(sync, records));
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
            told_path: None,
            synchronized: false,
            withdrawn: None,
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

    /// State synchronization; `None` if there is none.
    #[must_use]
    pub fn sync(&self) -> Option<&StateSync<R>> {
        self.sync.as_ref()
    }

    /// The path that state synchronization uses; `None` if there is none that works.
    #[must_use]
    pub fn sync_path(&self) -> Option<PathId> {
        self.wanted.1
    }

    /// Datagrams for a machine that this unit does not have.
    #[must_use]
    pub fn rejects(&self) -> &RejectCounters {
        &self.rejects
    }

    /// Ties the two machines together.
    fn tie(&mut self, now: Instant) {
        if let Some((id, until)) = self.withdrawn
            && (until <= now || !self.has_changes_on_the_way())
        {
            self.withdrawn = None;
            self.pair.handle_done(now, id, Ok(()));
        }
        self.tie_role(now);
        self.tie_table(now);
    }

    /// State synchronization follows the role and the paths.
    fn tie_role(&mut self, now: Instant) {
        let Some(sync) = &mut self.sync else { return };
        // Heard in both directions: batches go one way, acknowledgements the other.
        let works = |path: &PathId| self.pair.path_works(*path);
        let path = self.sync_paths.iter().copied().find(works);
        let role = match self.pair.state() {
            _ if self.pair.mismatch().is_some() => SyncRole::Idle,
            State::Taking | State::Active => SyncRole::Publisher,
            // Who hands the role over tells its last changes first.
            State::Withdrawing(Goal::Release | Goal::Leave) => SyncRole::Publisher,
            // Without a path it misses changes, and does not know which: it begins anew when there is one.
            State::Standby | State::Asking if path.is_some() => SyncRole::Replica,
            _ => SyncRole::Idle,
        };
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

    /// The role machine knows whether this unit has the table of its Active (PAIR-9). Once it has, it still
    /// does while changes are on their way; not without a session, or in another catch-up.
    fn tie_table(&mut self, now: Instant) {
        let Some(sync) = &self.sync else { return };
        let progress = sync.progress();
        // The publisher ends a catch-up when all of it is acknowledged, and so in the forwarding plane.
        let synchronized =
            progress.role == SyncRole::Replica && progress.session_open && !progress.catching_up;
        if synchronized != self.synchronized {
            self.synchronized = synchronized;
            // Refused only by a unit that has left, for which it means nothing any more.
            let _ = self.pair.handle_input(now, pair::Input::Synchronized(synchronized));
        }
    }

    /// Changes that the peer has not confirmed, and may yet.
    fn has_changes_on_the_way(&self) -> bool {
        self.sync.as_ref().map(StateSync::progress).is_some_and(|progress| {
            progress.role == SyncRole::Publisher && progress.session_open && !progress.in_sync
        })
    }

    fn answer(&mut self, now: Instant, inner: Inner, outcome: Result<(), ActionError>) {
        match inner {
            Inner::Withdraw(id) if outcome.is_ok() && self.has_changes_on_the_way() => {
                self.withdrawn = Some((id, now + LAST_CHANGES));
            }
            Inner::Pair(id) | Inner::Withdraw(id) => self.pair.handle_done(now, id, outcome),
            Inner::Sync(id) => {
                if let Some(sync) = &mut self.sync {
                    sync.handle_done(now, id, outcome);
                }
            }
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
}

impl<R: Records> Machine for Appliance<R> {
    type Input = Input;
    type Refusal = Refusal;
    type Action = Action;
    type Event = Event;

    fn handle_input(&mut self, now: Instant, input: Input) -> Result<(), Refusal> {
        let records = match input {
            Input::Pair(pair::Input::Synchronized(_)) if self.sync.is_some() => return Ok(()),
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
        self.tie(now);
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
        if let Some(inner) = self.open.remove(&id) {
            self.answer(now, inner, outcome);
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
                    let inner = match action {
                        pair::Action::Withdraw => Inner::Withdraw(id),
                        _ => Inner::Pair(id),
                    };
                    Output::Action { id: self.mint(now, inner), action: Action::Pair(action) }
                }
            });
        }
        let (from, to) = (self.told_path, self.sync_path());
        if from != to {
            self.told_path = to;
            return Some(Output::Event(Event::SyncPath { from, to }));
        }
        Some(match self.sync.as_mut()?.poll_output(now, buf)? {
            Output::Transmit { to, len } => Output::Transmit { to, len },
            Output::Event(event) => Output::Event(Event::Sync(event)),
            Output::Action { id, action } => {
                Output::Action { id: self.mint(now, Inner::Sync(id)), action: Action::Sync(action) }
            }
        })
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        let sync = self.sync.as_ref().and_then(Machine::poll_timeout);
        let withdrawn = self.withdrawn.map(|(_, at)| Deadline { at, why: "last changes" });
        Deadline::earlier(Deadline::earlier(self.pair.poll_timeout(), sync), withdrawn)
    }

    fn max_datagram(&self) -> usize {
        let sync = self.sync.as_ref().map_or(0, Machine::max_datagram);
        self.pair.max_datagram().max(sync)
    }
}
