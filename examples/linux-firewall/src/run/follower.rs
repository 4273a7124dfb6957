//! Follows the kernel's connection table while this unit is Active, and keeps it in line with the
//! replica while it is Standby. A thread of its own: nothing here ever delays a heartbeat.

use super::counters::Counters;
use super::platform::lock;
use crate::conntrack::{ConntrackError, Event, Events, Injector, STANDBY_TIMEOUT, Scope, Table};
use appliance::driver::{DriverHandle, Stopped};
use appliance::{Appliance, Input};
use core::ops::ControlFlow;
use ha_core::time::Clock;
use statesync::{Change, Connection, ConnectionKey, KeyRange, Records, SyncRole};
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use thiserror::Error;
use tracing::{info, warn};

/// The most records in one input, or in one look at the machine's table: it takes well below a
/// millisecond of the heartbeat thread's time.
const SLICE: usize = 512;
/// How long a read waits for events before it looks for a new duty.
const READ_TIME: Duration = Duration::from_millis(100);
/// How long to wait before the table is tried again after a failure.
const RETRY: Duration = Duration::from_secs(1);
/// How long after a take-over the kernel's table is compared with what was known before: the kernel
/// reads it without a break for some milliseconds, and that time belongs to the connections first.
const SETTLE: Duration = Duration::from_secs(5);
/// How often the Standby's entries get their time-out anew.
const RENEW: Duration = Duration::from_secs(24 * 3600);

/// What the follower is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duty {
    /// The unit is Active since this move: tell the machine of every change.
    Follow(u64),
    /// It is not any more, since this move: stop following, and let the windows of its connections go
    /// stale in peace. A rest that comes late, after a newer move, is none.
    Rest(u64),
    /// The replica is complete: make the kernel's table the same, whatever was in it.
    Reconcile,
}

/// Talks to the follower's thread, which ends when this is gone.
#[derive(Debug)]
pub(super) struct Follower {
    duties: Sender<Duty>,
}

impl Follower {
    pub(super) fn tell(&self, duty: Duty) {
        // A thread that has ended has said why.
        let _ = self.duties.send(duty);
    }
}

/// What the follower works with.
pub(super) struct Work {
    pub(super) handle: DriverHandle<Appliance<statesync::Table>>,
    pub(super) workers: tokio::runtime::Handle,
    pub(super) injector: Arc<Mutex<Injector>>,
    pub(super) scope: Scope,
    pub(super) receive_buffer: usize,
    pub(super) counters: Arc<Counters>,
    pub(super) clock: Clock,
}

#[derive(Debug, Error)]
enum FollowError {
    #[error(transparent)]
    Conntrack(#[from] ConntrackError),
    #[error(transparent)]
    Stopped(#[from] Stopped),
}

/// The follower before its thread runs: the platform needs one end of it, the thread the other.
pub(super) fn new() -> (Follower, Receiver<Duty>) {
    let (duties, receiver) = channel();
    (Follower { duties }, receiver)
}

/// The follower's thread: until nobody can tell it anything, or the driver has stopped.
pub(super) fn run(work: &Work, duties: &Receiver<Duty>) {
    // How long until the tables are to be compared, if they are.
    let mut reconcile = None;
    // The machine's table is known to be that of the kernel.
    let mut in_line = false;
    loop {
        let result = match duties.recv_timeout(reconcile.unwrap_or(RENEW)) {
            Ok(Duty::Follow(since)) => {
                reconcile = None;
                work.follow(duties, since, &mut in_line).and_then(|next| {
                    reconcile = (next == Some(Duty::Reconcile)).then_some(Duration::ZERO);
                    match next {
                        Some(Duty::Rest(_)) => work.make_liberal(in_line),
                        _ => Ok(()),
                    }
                })
            }
            Ok(Duty::Rest(_)) => work.make_liberal(in_line),
            Err(RecvTimeoutError::Timeout) if reconcile.is_none() => {
                work.set_timeouts(|_| STANDBY_TIMEOUT)
            }
            Ok(Duty::Reconcile) | Err(RecvTimeoutError::Timeout) => {
                let result = work.reconcile();
                reconcile = result.is_err().then_some(RETRY);
                in_line |= result.is_ok();
                result
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        match result {
            Ok(()) => {}
            Err(FollowError::Stopped(_)) => return,
            Err(FollowError::Conntrack(error)) => work.failed(&error),
        }
    }
}

impl Work {
    /// Follows the table, as from the move `since`, until another duty comes, and returns that.
    fn follow(
        &self,
        duties: &Receiver<Duty>,
        mut since: u64,
        in_line: &mut bool,
    ) -> Result<Option<Duty>, FollowError> {
        // Listen first, then read the table: what changes meanwhile is told, or waits in the socket.
        let mut events = loop {
            match Events::open(self.receive_buffer, self.scope.clone()) {
                Ok(events) => break events,
                Err(error) => self.failed(&error),
            }
            if let ControlFlow::Break(next) =
                self.superseded(duties.recv_timeout(RETRY), &mut since)?
            {
                return Ok(next);
            }
        };
        events.ignore(&lock(&self.injector));
        let settle = if *in_line { SETTLE } else { Duration::ZERO };
        let mut settled_at = Some(self.clock.now() + settle);
        let mut whole = false;
        let mut pause = Duration::ZERO;
        let mut changes = Vec::new();
        loop {
            let told = duties.recv_timeout(std::mem::take(&mut pause));
            if let ControlFlow::Break(next) = self.superseded(told, &mut since)? {
                return Ok(next);
            }
            if settled_at.take_if(|at| *at <= self.clock.now()).is_some() {
                whole = true;
                match self.set_timeouts(|connection| connection.state.timeout) {
                    // Packets that pass set it as well.
                    Err(FollowError::Conntrack(error)) => self.failed(&error),
                    result => result?,
                }
            }
            match self.follow_on(&mut events, &mut whole, &mut changes) {
                Ok(()) => *in_line |= settled_at.is_none(),
                Err(FollowError::Conntrack(ConntrackError::Overrun)) => {
                    self.counters.overruns.fetch_add(1, Ordering::Relaxed);
                    warn!("events of the kernel's connection table were lost: it is read again");
                    (whole, *in_line) = (true, false);
                }
                Err(FollowError::Conntrack(error)) => {
                    self.failed(&error);
                    (whole, *in_line, pause) = (true, false, RETRY);
                }
                Err(stopped) => return Err(stopped),
            }
        }
    }

    /// Whether following ends with what was told, and with which duty it goes on. A Standby has caught
    /// up before it is told to rest, if there is little to catch up with; and an Active is told to
    /// reconcile when its Standby has caught up, which is nothing to it.
    fn superseded(
        &self,
        told: Result<Duty, RecvTimeoutError>,
        since: &mut u64,
    ) -> Result<ControlFlow<Option<Duty>>, Stopped> {
        Ok(match told {
            Ok(Duty::Rest(end)) if end >= *since => ControlFlow::Break(told.ok()),
            Err(RecvTimeoutError::Disconnected) => ControlFlow::Break(None),
            Ok(Duty::Reconcile) if self.is_replica()? => ControlFlow::Break(told.ok()),
            Ok(Duty::Follow(newer)) => {
                *since = newer;
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Continue(()),
        })
    }

    fn is_replica(&self) -> Result<bool, Stopped> {
        let role = |unit: &Appliance<statesync::Table>, _| {
            unit.sync().is_some_and(|sync| sync.progress().role == SyncRole::Replica)
        };
        self.workers.block_on(self.handle.query(role))
    }

    /// One round: the whole table if that is wanted, and what has changed.
    fn follow_on(
        &self,
        events: &mut Events,
        whole: &mut bool,
        changes: &mut Vec<Event>,
    ) -> Result<(), FollowError> {
        if *whole {
            let connections = self.snapshot()?;
            info!(connections, "the kernel's connection table was read");
            *whole = false;
        }
        changes.clear();
        events.read(changes, READ_TIME)?;
        Ok(self.tell(changes)?)
    }

    /// Tells the machine all that is in the kernel's table.
    fn snapshot(&self) -> Result<usize, FollowError> {
        let mut stopped = None;
        let mut slice = Vec::with_capacity(SLICE);
        self.handle.blocking_input(Input::SnapshotBegin)?;
        let connections = Table::open()?.dump(&self.scope, |connection| {
            slice.push(connection);
            if slice.len() == SLICE && stopped.is_none() {
                let full = std::mem::replace(&mut slice, Vec::with_capacity(SLICE));
                stopped = self.handle.blocking_input(Input::Upsert(full)).err();
            }
        })?;
        if let Some(stopped) = stopped {
            return Err(stopped.into());
        }
        self.handle.blocking_input(Input::Upsert(slice))?;
        self.handle.blocking_input(Input::SnapshotEnd)?;
        Ok(connections)
    }

    /// Tells the machine of changes. Between keys no order matters; for one key it is kept.
    fn tell(&self, changes: &[Event]) -> Result<(), Stopped> {
        for slice in changes.chunks(SLICE) {
            let (mut upserts, mut removes) = (Vec::new(), Vec::new());
            let mut keys = BTreeSet::new();
            for change in slice {
                let (Event::Changed(Connection { key, .. }) | Event::Gone(key)) = change;
                if !keys.insert(*key) {
                    self.hand_in(&mut upserts, &mut removes)?;
                    keys.clear();
                    keys.insert(*key);
                }
                match change {
                    Event::Changed(connection) => upserts.push(*connection),
                    Event::Gone(key) => removes.push(*key),
                }
            }
            self.hand_in(&mut upserts, &mut removes)?;
        }
        Ok(())
    }

    fn hand_in(
        &self,
        upserts: &mut Vec<Connection>,
        removes: &mut Vec<ConnectionKey>,
    ) -> Result<(), Stopped> {
        if !upserts.is_empty() {
            self.handle.blocking_input(Input::Upsert(std::mem::take(upserts)))?;
        }
        if !removes.is_empty() {
            self.handle.blocking_input(Input::Remove(std::mem::take(removes)))?;
        }
        Ok(())
    }

    /// Makes the kernel's table the same as the replica's: every record is put in force again, with
    /// windows unchecked and a long time-out, and what the replica does not know is deleted. It is
    /// there from before a restart, or from this unit's own reign.
    fn reconcile(&self) -> Result<(), FollowError> {
        let mut unknown = BTreeSet::new();
        Table::open()?.dump(&self.scope, |connection| {
            unknown.insert(connection.key);
        })?;
        // What came into the table of an Active by its own traffic is not for the peer to judge.
        if !self.is_replica()? {
            return Ok(());
        }
        let mut records = 0_usize;
        let mut after = None;
        loop {
            // Nothing is installed between the look at the table and the writing: it could be newer.
            let mut injector = lock(&self.injector);
            let slice = self.slice(after)?;
            let Some(last) = slice.last() else { break };
            after = Some(last.key);
            let changes: Vec<_> = slice.into_iter().map(Change::Update).collect();
            for change in &changes {
                unknown.remove(change.key());
            }
            records += injector.install(&changes)?.applied;
        }
        let unknown: Vec<_> = unknown.into_iter().collect();
        let deleted = unknown.len();
        for keys in unknown.chunks(SLICE) {
            let mut injector = lock(&self.injector);
            let gone = self.absent(keys.to_vec())?;
            injector.install(&gone.into_iter().map(Change::Delete).collect::<Vec<_>>())?;
        }
        info!(records, deleted, "the kernel's connection table is that of the peer");
        Ok(())
    }

    /// Windows go stale once the role is given up: they must not kill connections when this unit is
    /// Active again.
    fn make_liberal(&self, in_line: bool) -> Result<(), FollowError> {
        let mut entries = 0;
        if in_line {
            let mut after = None;
            loop {
                let slice = self.slice(after)?;
                let Some(last) = slice.last() else { break };
                after = Some(last.key);
                let keys = slice.iter().map(|connection| connection.key);
                entries += lock(&self.injector).make_these_liberal(keys)?;
            }
        } else {
            entries = lock(&self.injector).make_liberal(&self.scope)?;
        }
        info!(entries, "windows of own connections are no longer checked");
        Ok(())
    }

    fn set_timeouts(&self, seconds: impl Fn(&Connection) -> u32) -> Result<(), FollowError> {
        let mut after = None;
        loop {
            let slice = self.slice(after)?;
            let Some(last) = slice.last() else { return Ok(()) };
            after = Some(last.key);
            let timeouts = slice.iter().map(|connection| (connection.key, seconds(connection)));
            lock(&self.injector).set_timeouts(timeouts)?;
        }
    }

    /// The next records of the machine's table.
    fn slice(&self, after: Option<ConnectionKey>) -> Result<Vec<Connection>, Stopped> {
        let query = move |unit: &Appliance<statesync::Table>, _| {
            let mut slice = Vec::with_capacity(SLICE);
            let range = KeyRange { after, upto: None };
            if let Some(sync) = unit.sync() {
                sync.records().walk(&range, &mut |connection| {
                    slice.push(*connection);
                    if slice.len() < SLICE {
                        ControlFlow::Continue(())
                    } else {
                        ControlFlow::Break(())
                    }
                });
            }
            slice
        };
        self.workers.block_on(self.handle.query(query))
    }

    /// Which of these keys the machine's table does not have: none, if it is not the peer's table.
    fn absent(&self, keys: Vec<ConnectionKey>) -> Result<Vec<ConnectionKey>, Stopped> {
        let query = move |unit: &Appliance<statesync::Table>, _| {
            let replica = unit.sync().filter(|sync| sync.progress().role == SyncRole::Replica);
            let Some(sync) = replica else { return Vec::new() };
            keys.into_iter().filter(|key| sync.records().get(key).is_none()).collect()
        };
        self.workers.block_on(self.handle.query(query))
    }

    fn failed(&self, error: &ConntrackError) {
        self.counters.table_failures.fetch_add(1, Ordering::Relaxed);
        warn!(%error, "the kernel's connection table cannot be followed");
    }
}
