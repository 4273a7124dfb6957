//! The machine: publisher or replica of one table, for one peer.

use crate::config::Config;
use crate::connection::{Connection, ConnectionKey, Transport};
use crate::installer::Installer;
use crate::marks::Mark;
use crate::publisher::{Fate, News, Session};
use crate::records::{Change, Outcome, Records};
use crate::replica::Replica;
use crate::snapshot::Snapshot;
use crate::wire::{Ack, Batch, Datagram, MAX_DATAGRAM};
use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;
use ha_core::identity::PathId;
use ha_core::machine::{
    ActionError, ActionId, Channel, Deadline, Destination, Machine, Origin, Output,
};
use ha_core::reject::{Reject, RejectCounters};
use ha_core::time::Instant;
use thiserror::Error;

/// How many records or keys one input may bear.
pub const MAX_INPUT: usize = 1024;
/// How many events wait at most; beyond that the oldest are dropped and counted.
pub const MAX_EVENTS: usize = 64;

/// How many former starts of the replica the publisher remembers.
pub const MAX_FORMER_STARTS: usize = 8;

/// What the machine does at present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum SyncRole {
    /// Neither sends nor takes anything.
    #[default]
    Idle,
    /// Sends its table to the peer: the role of the Active.
    Publisher,
    /// Takes the peer's table over: the role of the Standby.
    Replica,
}

/// What the embedder tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Takes on a role. The records stay: a publisher sends what it has, a replica's are brought in line.
    SetRole(SyncRole),
    /// Sends on this path from now on; `None`: sends nothing until there is one again.
    SetPath(Option<PathId>),
    /// The forwarding plane made or changed these connections: at most [`MAX_INPUT`].
    ///
    /// A TCP connection without [`tcp`](crate::connection::ConnectionState::tcp) keeps the TCP state
    /// that is known of it. A replica in a session has its table from the publisher and takes this in
    /// only as part of a dump.
    Upsert(Vec<Connection>),
    /// The forwarding plane removed these connections: at most [`MAX_INPUT`]. A replica in a session
    /// ignores it, as in [`Input::Upsert`]: its records do not expire by themselves (STATE-15).
    Remove(Vec<ConnectionKey>),
    /// A dump of the forwarding plane begins; a dump that was under way is void. A replica leaves its
    /// session, and begins a new one when the dump has ended.
    SnapshotBegin,
    /// The dump has ended: records that no [`Input::Upsert`] named since it began are removed, some at
    /// each [`handle_timeout`](Machine::handle_timeout).
    SnapshotEnd,
}

/// Why an input was refused. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There are more than [`MAX_INPUT`] records or keys in it.
    #[error("{given} records are more than the {MAX_INPUT} that one input may bear")]
    TooMany {
        /// How many there are.
        given: usize,
    },
    /// A record is not valid.
    #[error("field `{field}` of record {at} has a value that is not allowed")]
    Malformed {
        /// The position of the first such record, from 0.
        at: usize,
        /// Its field.
        field: &'static str,
    },
    /// The path is not configured.
    #[error("{path} is not configured")]
    UnknownPath {
        /// The path.
        path: PathId,
    },
    /// A dump ends that has not begun, or has ended already.
    #[error("no dump is under way")]
    NoSnapshot,
}

/// A duty of the embedder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Bring the forwarding plane in line with these changes, and answer. They are in no order that
    /// matters: there is one for each key.
    ///
    /// One such action is under way at a time. If it fails as a whole or in part for a reason that may
    /// pass, answer that it failed: all that it bears comes again after a while, as it is then.
    ///
    /// A change that the forwarding plane refuses *for good* (a kind that it does not have, a value that it
    /// does not take) is to be left out, counted, and answered like one that was carried out: else it would
    /// come again for ever, and hold up everything behind it.
    Install {
        /// At most [`MAX_INSTALL`](crate::installer::MAX_INSTALL) changes.
        changes: Vec<Change>,
    },
}

/// News for a log or a screen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Publisher and replica have found each other. A whole catch-up begins.
    SessionOpened {
        /// The number of the session.
        session: u64,
        /// The role that we have in it.
        role: SyncRole,
    },
    /// The replica has the whole table, and follows it from now on.
    CaughtUp {
        /// How many records there are.
        records: usize,
    },
    /// More changed than may wait: a whole catch-up takes the place of what waited.
    Overflow {
        /// How many keys may wait.
        limit: usize,
    },
    /// The replica has not acknowledged anything for
    /// [`PEER_SILENCE`](crate::publisher::PEER_SILENCE).
    PeerLost,
    /// It acknowledges again.
    PeerFound,
    /// The embedder could not install changes.
    InstallFailed {
        /// What it said.
        error: ActionError,
        /// How long until they are tried again.
        retry_in: Duration,
    },
    /// The peer sends records of a kind that we do not know: they are left out (STATE-13). Told once for
    /// each kind.
    KindSkipped {
        /// The number of the kind.
        kind: u8,
    },
}

/// How far the machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Progress {
    /// The present role.
    pub role: SyncRole,
    /// Publisher and replica have found each other.
    pub session_open: bool,
    /// How many records the table has.
    pub records: usize,
    /// Publisher: how many changed keys wait to be sent.
    pub dirty: usize,
    /// Publisher: how many batches wait for an acknowledgement.
    pub in_flight: usize,
    /// How many changes the forwarding plane has yet to follow. Before a take-over this has to be zero
    /// (in any role: what a replica took over goes on to be installed when it becomes publisher).
    pub installing: usize,
    /// A catch-up is under way.
    pub catching_up: bool,
    /// Publisher: everything is acknowledged, so the replica has applied it. Replica: it has had the
    /// whole table, and the forwarding plane has followed.
    pub in_sync: bool,
    /// When the peer was heard last in this session: publisher, its acknowledgement; replica, its batch.
    pub last_heard: Option<Instant>,
    /// How long that is ago, as of the latest time that the machine was told.
    pub last_ack_age: Option<Duration>,
}

/// State synchronization with one peer over the embedder's table (STATE-5, STATE-7).
///
/// A [`Machine`]; see there how it is driven. It owns the handle to the table; the embedder reads it by
/// [`StateSync::records`]. No call does work without a bound: at most [`MAX_INPUT`] records of an input,
/// one batch, one slice of a dump, one install.
///
/// # Bounds
/// | what | bound | beyond it |
/// | --- | --- | --- |
/// | changed keys that wait | [`Config::max_dirty`] | [`Event::Overflow`] and a whole catch-up |
/// | batches under way | [`WINDOW`](crate::publisher::WINDOW) | changes gather |
/// | former starts of the replica | [`MAX_FORMER_STARTS`] | the oldest is forgotten |
/// | changes to be installed | [`MAX_WAITING`](crate::installer::MAX_WAITING), and one batch | [`Reject::Busy`] |
/// | events | [`MAX_EVENTS`] | the oldest are dropped and counted |
#[derive(Clone, Debug)]
pub struct StateSync<R> {
    config: Config,
    records: R,
    role: SyncRole,
    path: Option<PathId>,
    /// The publisher's session; a session begins when a replica asks for it.
    session: Option<Session>,
    sessions: u64,
    /// Starts of the replica that a later one displaced, the latest at the end.
    former_starts: VecDeque<u64>,
    replica: Replica,
    installer: Installer,
    snapshot: Option<Snapshot>,
    /// When the next slice of a dump that has ended is due.
    slice_at: Option<Instant>,
    events: VecDeque<Event>,
    dropped_events: u64,
    rejects: RejectCounters,
    skipped_kinds: u64,
    told_kinds: BTreeSet<u8>,
    action: ActionId,
    now: Instant,
}

impl<R: Records> StateSync<R> {
    /// A machine that keeps `records` in line with the peer's. It is [idle](SyncRole::Idle).
    #[must_use]
    pub fn new(config: Config, records: R) -> Self {
        Self {
            role: SyncRole::Idle,
            path: config.preferred_path(),
            session: None,
            sessions: 0,
            former_starts: VecDeque::new(),
            replica: Replica::new(config.mint(0)),
            installer: Installer::new(),
            snapshot: None,
            slice_at: None,
            events: VecDeque::new(),
            dropped_events: 0,
            rejects: RejectCounters::default(),
            skipped_kinds: 0,
            told_kinds: BTreeSet::new(),
            action: ActionId(1),
            now: Instant::ZERO,
            config,
            records,
        }
    }

    /// The table.
    #[must_use]
    pub fn records(&self) -> &R {
        &self.records
    }

    /// How far the machine is. O(1).
    #[must_use]
    pub fn progress(&self) -> Progress {
        let idle = Progress {
            role: self.role,
            session_open: false,
            records: self.records.len(),
            dirty: 0,
            in_flight: 0,
            installing: self.installer.len(),
            catching_up: false,
            in_sync: false,
            last_heard: None,
            last_ack_age: None,
        };
        let progress = match (self.role, &self.session) {
            (SyncRole::Publisher, Some(session)) => Progress {
                session_open: session.is_open(),
                dirty: session.dirty(),
                in_flight: session.in_flight(),
                catching_up: session.is_catching_up(),
                in_sync: session.is_in_sync(),
                last_heard: session.last_ack(),
                ..idle
            },
            (SyncRole::Replica, _) => Progress {
                session_open: self.replica.has_session(),
                catching_up: self.replica.has_session() && !self.replica.is_complete(),
                in_sync: self.replica.is_complete() && self.installer.is_empty(),
                last_heard: self.replica.last_batch(),
                ..idle
            },
            _ => idle,
        };
        let age = progress.last_heard.map(|heard| self.now.saturating_since(heard));
        Progress { last_ack_age: age, ..progress }
    }

    /// How many datagrams were ignored, by reason.
    #[must_use]
    pub fn rejects(&self) -> &RejectCounters {
        &self.rejects
    }

    /// How many sections were skipped since their kind is unknown here (STATE-13).
    #[must_use]
    pub fn skipped_kinds(&self) -> u64 {
        self.skipped_kinds
    }

    /// How many events were dropped since nobody fetched them.
    #[must_use]
    pub fn dropped_events(&self) -> u64 {
        self.dropped_events
    }

    /// Time never runs backwards for the machine.
    fn advance(&mut self, now: Instant) -> Instant {
        self.now = self.now.max(now);
        self.now
    }

    fn tell(&mut self, event: Event) {
        if self.events.len() >= MAX_EVENTS {
            self.events.pop_front();
            self.dropped_events = self.dropped_events.saturating_add(1);
        }
        self.events.push_back(event);
    }

    fn tell_all(&mut self, news: Vec<News>) {
        for news in news {
            let event = match news {
                News::SessionOpened { session } => {
                    Event::SessionOpened { session, role: SyncRole::Publisher }
                }
                News::CaughtUp => Event::CaughtUp { records: self.records.len() },
                News::Overflow => Event::Overflow { limit: self.config.dirty_bound() },
                News::PeerLost => Event::PeerLost,
                News::PeerFound => Event::PeerFound,
            };
            self.tell(event);
        }
    }

    fn set_role(&mut self, role: SyncRole) {
        if role == self.role {
            return;
        }
        self.session = None;
        self.replica.leave(&mut self.installer);
        self.role = role;
        if role == SyncRole::Replica {
            self.replica.speak();
        }
    }

    /// Whether the forwarding plane tells the records, rather than the other way round.
    fn follows_plane(&self) -> bool {
        !(self.role == SyncRole::Replica && self.replica.has_session())
    }

    fn upsert(&mut self, connections: Vec<Connection>) {
        if !self.follows_plane() {
            return;
        }
        let mut news = Vec::new();
        for connection in connections {
            let key = connection.key;
            let outcome = self.records.upsert(self.with_known_tcp(connection));
            self.installer.plane_told(&key, Mark::Update);
            if let Some(snapshot) = &mut self.snapshot {
                snapshot.name(key);
            }
            let mark = match outcome {
                Outcome::New => Mark::New,
                Outcome::Changed => Mark::Update,
                Outcome::Same => continue,
            };
            if let Some(session) = &mut self.session {
                session.mark(key, mark, &mut news);
            }
        }
        self.tell_all(news);
    }

    fn with_known_tcp(&self, mut connection: Connection) -> Connection {
        let is_tcp = matches!(connection.key.transport, Transport::Tcp { .. });
        if is_tcp && connection.state.tcp.is_none() {
            connection.state.tcp = self.records.get(&connection.key).and_then(|known| known.tcp);
        }
        connection
    }

    fn remove(&mut self, keys: Vec<ConnectionKey>) {
        if !self.follows_plane() {
            return;
        }
        let mut news = Vec::new();
        for key in keys {
            self.installer.plane_told(&key, Mark::Delete);
            if let Some(snapshot) = &mut self.snapshot {
                snapshot.unname(&key);
            }
            if self.records.remove(&key)
                && let Some(session) = &mut self.session
            {
                session.mark(key, Mark::Delete, &mut news);
            }
        }
        self.tell_all(news);
    }

    fn begin_snapshot(&mut self) {
        self.replica.leave(&mut self.installer);
        self.snapshot = Some(Snapshot::default());
        self.slice_at = None;
    }

    fn end_snapshot(&mut self, now: Instant) -> Result<(), Refusal> {
        let snapshot = self.snapshot.as_mut().ok_or(Refusal::NoSnapshot)?;
        if !snapshot.end() {
            return Err(Refusal::NoSnapshot);
        }
        self.slice_at = Some(now);
        Ok(())
    }

    /// Compares one slice of the records with the dump.
    fn compare_slice(&mut self, now: Instant) {
        let Some(snapshot) = &mut self.snapshot else { return };
        match snapshot.next_slice(&self.records) {
            Some(mut gone) => {
                // What the forwarding plane has yet to be given, the dump could not name.
                gone.retain(|key| !self.installer.contains(key));
                self.remove(gone);
                self.slice_at = Some(now);
            }
            None => {
                self.snapshot = None;
                self.slice_at = None;
                self.replica.speak();
            }
        }
    }

    fn take_datagram(&mut self, now: Instant, from: Origin, datagram: &[u8]) -> Result<(), Reject> {
        if from.channel != Channel::StateSync {
            return Err(Reject::UnknownChannel);
        }
        if from.peer != self.config.peer() {
            return Err(Reject::UnknownPeer);
        }
        if !self.config.has_path(from.path) {
            return Err(Reject::UnknownPath);
        }
        match (Datagram::parse(datagram)?, self.role) {
            (Datagram::Batch(batch), SyncRole::Replica) => self.take_batch(now, &batch),
            (Datagram::Ack(ack), SyncRole::Publisher) => self.take_ack(now, &ack),
            _ => Err(Reject::Role),
        }
    }

    fn take_batch(&mut self, now: Instant, batch: &Batch) -> Result<(), Reject> {
        if self.snapshot.is_some() {
            return Err(Reject::Busy);
        }
        let taken =
            self.replica.handle_batch(now, batch, &mut self.records, &mut self.installer)?;
        if let Some(session) = taken.opened {
            self.tell(Event::SessionOpened { session, role: SyncRole::Replica });
        }
        for kind in &batch.skipped {
            self.skipped_kinds = self.skipped_kinds.saturating_add(1);
            if self.told_kinds.insert(*kind) {
                self.tell(Event::KindSkipped { kind: *kind });
            }
        }
        if taken.caught_up {
            self.tell(Event::CaughtUp { records: self.records.len() });
        }
        self.confirm();
        Ok(())
    }

    fn take_ack(&mut self, now: Instant, ack: &Ack) -> Result<(), Reject> {
        let is_former = self.former_starts.contains(&ack.hello.start);
        if is_former && self.session.as_ref().is_some_and(|session| session.is_live(now)) {
            return Err(Reject::Session);
        }
        let mut news = Vec::new();
        let fate = match &mut self.session {
            Some(session) => session.handle_ack(now, ack, &mut news)?,
            None => Fate::Over,
        };
        if fate == Fate::Over {
            self.note_start(ack.hello.start);
            self.sessions = self.sessions.saturating_add(1);
            let id = self.config.mint(self.sessions);
            self.session = Some(Session::new(now, id, ack.hello, self.config.dirty_bound()));
        }
        self.tell_all(news);
        Ok(())
    }

    /// A session with this start of the replica begins. The start of the present session, if it is
    /// another one, is a former one from now on: a late acknowledgement of it must not end the new session.
    ///
    /// It is believed again once the new session is not live: which of two starts is the later one, only
    /// its answers can prove.
    fn note_start(&mut self, start: u64) {
        self.former_starts.retain(|former| *former != start);
        let Some(displaced) = self.session.as_ref().map(Session::replica_start) else { return };
        if displaced == start {
            return;
        }
        if self.former_starts.len() >= MAX_FORMER_STARTS {
            self.former_starts.pop_front();
        }
        self.former_starts.push_back(displaced);
    }

    /// Acknowledges the batches that the forwarding plane has followed.
    fn confirm(&mut self) {
        let applied = self.installer.applied();
        self.replica.confirm(&applied);
    }

    fn poll_install(&mut self) -> Option<(ActionId, Vec<Change>)> {
        for _ in 0..2 {
            self.confirm();
            if let Some(install) = self.installer.poll(&self.records, &mut self.action) {
                return Some(install);
            }
        }
        self.confirm();
        None
    }

    fn poll_transmit(&mut self, now: Instant, buf: &mut [u8]) -> Option<usize> {
        match self.role {
            SyncRole::Idle => None,
            SyncRole::Publisher => self.session.as_mut()?.emit(now, &self.records, buf),
            SyncRole::Replica if self.snapshot.is_some() => None,
            SyncRole::Replica => self.replica.emit(now, &self.installer, buf),
        }
    }
}

impl<R: Records> Machine for StateSync<R> {
    type Input = Input;
    type Refusal = Refusal;
    type Action = Action;
    type Event = Event;

    fn handle_input(&mut self, now: Instant, input: Input) -> Result<(), Refusal> {
        check(&input)?;
        let now = self.advance(now);
        match input {
            Input::SetRole(role) => self.set_role(role),
            Input::SetPath(path) => {
                if let Some(path) = path.filter(|path| !self.config.has_path(*path)) {
                    return Err(Refusal::UnknownPath { path });
                }
                self.path = path;
            }
            Input::Upsert(connections) => self.upsert(connections),
            Input::Remove(keys) => self.remove(keys),
            Input::SnapshotBegin => self.begin_snapshot(),
            Input::SnapshotEnd => self.end_snapshot(now)?,
        }
        Ok(())
    }

    fn handle_datagram(
        &mut self,
        now: Instant,
        from: Origin,
        datagram: &[u8],
    ) -> Result<(), Reject> {
        let now = self.advance(now);
        let result = self.take_datagram(now, from, datagram);
        if let Err(reject) = &result {
            self.rejects.count(reject);
        }
        result
    }

    fn handle_done(&mut self, now: Instant, id: ActionId, outcome: Result<(), ActionError>) {
        let now = self.advance(now);
        if let Some(snapshot) = &mut self.snapshot {
            // A dump that is under way may have passed them by already.
            self.installer.keys_of(id).for_each(|key| snapshot.name(key));
        }
        let retry_in = self.installer.handle_done(now, id, outcome.is_ok());
        if let (Some(retry_in), Err(error)) = (retry_in, outcome) {
            self.tell(Event::InstallFailed { error, retry_in });
        }
        self.confirm();
    }

    fn handle_timeout(&mut self, now: Instant) {
        let now = self.advance(now);
        self.installer.handle_timeout(now);
        if self.slice_at.is_some_and(|at| at <= now) {
            self.compare_slice(now);
        }
        if self.role == SyncRole::Replica {
            self.replica.handle_timeout(now);
        }
        if let Some(session) = &mut self.session {
            let mut news = Vec::new();
            session.handle_timeout(now, &mut news);
            self.tell_all(news);
        }
    }

    fn poll_output(&mut self, now: Instant, buf: &mut [u8]) -> Option<Output<Action, Event>> {
        let now = self.advance(now);
        if let Some(event) = self.events.pop_front() {
            return Some(Output::Event(event));
        }
        if let Some((id, changes)) = self.poll_install() {
            return Some(Output::Action { id, action: Action::Install { changes } });
        }
        let path = self.path?;
        let len = self.poll_transmit(now, buf)?;
        let to = Destination { peer: self.config.peer(), path, channel: Channel::StateSync };
        Some(Output::Transmit { to, len })
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        let deadline = |at, why| Some(Deadline { at, why });
        let retry = self.installer.retry_at().and_then(|at| deadline(at, "retry an install"));
        let slice = self.slice_at.and_then(|at| deadline(at, "compare with a dump"));
        let keepalive =
            if self.role == SyncRole::Replica && self.path.is_some() && self.snapshot.is_none() {
                deadline(self.replica.keepalive_at(), "keepalive")
            } else {
                None
            };
        let session = self.session.as_ref();
        let lost = session
            .and_then(Session::retransmit_at)
            .and_then(|at| deadline(at, "batches not acknowledged"));
        let silent =
            session.and_then(Session::silence_at).and_then(|at| deadline(at, "peer silent"));
        [slice, keepalive, lost, silent].into_iter().fold(retry, Deadline::earlier)
    }

    fn max_datagram(&self) -> usize {
        MAX_DATAGRAM
    }
}

/// Checks what an input bears before anything of it is taken in.
fn check(input: &Input) -> Result<(), Refusal> {
    match input {
        Input::Upsert(connections) => check_all(connections, Connection::check),
        Input::Remove(keys) => check_all(keys, ConnectionKey::check),
        _ => Ok(()),
    }
}

fn check_all<T>(all: &[T], check: impl Fn(&T) -> Result<(), &'static str>) -> Result<(), Refusal> {
    if all.len() > MAX_INPUT {
        return Err(Refusal::TooMany { given: all.len() });
    }
    for (at, one) in all.iter().enumerate() {
        check(one).map_err(|field| Refusal::Malformed { at, field })?;
    }
    Ok(())
}
