//! Writing the table: what the replica receives goes into the kernel at once, so that a take-over has
//! nothing left to load.

use super::wire::{self, Status};
use super::{ConntrackError, STANDBY_TIMEOUT, Scope, Table};
use crate::netlink::{Batch, Channel, Refused};
use netlink_sys::protocols::NETLINK_NETFILTER;
use rustix::io::Errno;
use statesync::connection::{ConnectionKey, Transport};
use statesync::records::Change;
use std::io;
use std::num::NonZeroU32;

/// Changes that go to the kernel in one send. More are not faster, and hold the table's locks longer
/// at a time.
const BATCH: usize = 64;
/// Room for one error message per change of a batch, with what the kernel adds to each.
const RECEIVE_BYTES: usize = 1 << 20;

/// Writes connections into the kernel's table.
#[derive(Debug)]
pub struct Injector {
    channel: Channel,
}

/// What became of the changes that were to be written.
#[derive(Debug, Default)]
pub struct Installed {
    /// How many are in force as they were given; changes of one key that follow each other count each.
    pub applied: usize,
    /// How many of these needed a second attempt: an entry was there that should not have been, or
    /// was missing.
    pub repaired: usize,
    /// Those that the kernel refused. The table is as it was for these keys, or has no entry.
    pub failed: Vec<Failure>,
}

/// A change that the kernel refused.
#[derive(Debug)]
pub struct Failure {
    /// The connection that it was about.
    pub key: ConnectionKey,
    /// Why: for example, the table is full (ENOMEM).
    pub error: io::Error,
}

impl Injector {
    /// Opens the table of the calling thread's network namespace for writing.
    ///
    /// # Errors
    /// [`ConntrackError::Permission`] or [`ConntrackError::Open`].
    pub fn open() -> Result<Self, ConntrackError> {
        let channel = Channel::open(NETLINK_NETFILTER, &[], RECEIVE_BYTES).map_err(|error| {
            match error.kind() {
                io::ErrorKind::PermissionDenied => ConntrackError::Permission,
                _ => ConntrackError::Open(error),
            }
        })?;
        Ok(Self { channel })
    }

    /// By this number [`Events`](super::Events) tell the changes that were made here.
    pub(super) fn port(&self) -> u32 {
        self.channel.port()
    }

    /// Puts all changes into the kernel's table, in their order, and returns when they are in force.
    ///
    /// A new connection replaces whatever the kernel has under its key; an update of one that it lacks
    /// creates it; a deletion of one that it lacks is done already. TCP's sequence windows are not
    /// checked for any of them, and each expires after [`STANDBY_TIMEOUT`].
    ///
    /// # Errors
    /// The exchange failed: it is not known how many took effect. What the kernel refuses singly is not
    /// an error but in [`Installed::failed`].
    pub fn install(&mut self, changes: &[Change]) -> Result<Installed, ConntrackError> {
        let mut installed = Installed::default();
        for changes in changes.chunks(BATCH) {
            let mut batch = self.channel.batch();
            for change in changes {
                write(&mut batch, change);
            }
            let refused = self.channel.transact(batch, |_| {})?;
            installed.applied += changes.len();
            self.repair(changes, &refused, &mut installed)?;
        }
        Ok(installed)
    }

    /// Second attempts, for each key whose change met another entry than it expected. Later changes of
    /// the same key in the batch were carried out already, so it is the last one that is put in force.
    fn repair(
        &mut self,
        changes: &[Change],
        refused: &[Refused],
        installed: &mut Installed,
    ) -> Result<(), ConntrackError> {
        let mut batch = self.channel.batch();
        // Which key each message of the batch is about, and whether its refusal matters.
        let mut about = Vec::new();
        for refused in refused {
            let Some(change) = changes.get(refused.index) else { continue };
            let key = change.key();
            let last = changes.iter().rfind(|change| change.key() == key).unwrap_or(change);
            match (last, refused.errno) {
                // Done already, or done later in the batch.
                (Change::Delete(_), Errno::NOENT | Errno::EXIST) => continue,
                // The kernel's entry has seen more than the record says, and keeps its status.
                (Change::Update(connection), Errno::BUSY) => {
                    wire::update(&mut batch, connection, STANDBY_TIMEOUT, Status::Kept);
                    about.push((key, true));
                }
                (
                    Change::New(connection) | Change::Update(connection),
                    Errno::EXIST | Errno::NOENT,
                ) => {
                    wire::delete(&mut batch, key);
                    about.push((key, false));
                    wire::create(&mut batch, connection, STANDBY_TIMEOUT);
                    about.push((key, true));
                }
                (_, errno) => {
                    installed.applied -= 1;
                    installed.failed.push(Failure { key: *key, error: errno.into() });
                    continue;
                }
            }
            installed.repaired += 1;
        }
        for refused in self.channel.transact(batch, |_| {})? {
            if let Some((key, true)) = about.get(refused.index) {
                installed.applied -= 1;
                installed.repaired -= 1;
                installed.failed.push(Failure { key: **key, error: refused.errno.into() });
            }
        }
        Ok(())
    }

    /// Gives entries another time-out, in seconds: their own at a take-over, [`STANDBY_TIMEOUT`] to
    /// renew it on the Standby. Those that are gone are passed over. Nothing waits for this: packets
    /// that pass set the ordinary time-out by themselves, so it can run after all else, in slices.
    ///
    /// Returns how many entries have it now.
    ///
    /// # Errors
    /// The exchange failed.
    pub fn set_timeouts(
        &mut self,
        timeouts: impl IntoIterator<Item = (ConnectionKey, u32)>,
    ) -> Result<usize, ConntrackError> {
        self.stream(timeouts, |batch, (key, seconds)| wire::timeout(batch, &key, seconds))
    }

    /// Stops the check of sequence windows, in both directions, for every TCP connection in `scope`
    /// that the kernel has. A unit that gave up the Active role does this at once: packets no longer
    /// pass through it, its windows go stale, and by them the kernel would drop the connections' packets
    /// when the unit is Active again.
    ///
    /// Returns how many entries were changed.
    ///
    /// # Errors
    /// The table could not be read, or the exchange failed: a part may have been changed.
    pub fn make_liberal(&mut self, scope: &Scope) -> Result<usize, ConntrackError> {
        let mut keys = Vec::new();
        let dumped = Table::open()?.dump(scope, |connection| {
            keys.push(connection.key);
        });
        // A part is better than nothing: what an interrupted dump did name is changed all the same.
        let changed = self.make_these_liberal(keys)?;
        dumped.map(|_| changed)
    }

    /// The same for connections that the caller knows: it saves reading the kernel's table. Those of
    /// other protocols are passed over.
    ///
    /// # Errors
    /// The exchange failed: a part may have been changed.
    pub fn make_these_liberal(
        &mut self,
        keys: impl IntoIterator<Item = ConnectionKey>,
    ) -> Result<usize, ConntrackError> {
        let tcp = |key: &ConnectionKey| matches!(key.transport, Transport::Tcp { .. });
        let keys = keys.into_iter().filter(tcp);
        self.stream(keys, |batch, key| wire::liberal(batch, &key))
    }

    /// Deletes all entries with this mark. The kernel reads its whole table for that.
    ///
    /// # Errors
    /// The exchange failed, or the kernel refused it.
    pub fn forget_marked(&mut self, mark: NonZeroU32) -> Result<(), ConntrackError> {
        let mut batch = self.channel.batch();
        wire::delete_marked(&mut batch, mark);
        match self.channel.transact(batch, |_| {})?.first() {
            Some(refused) => Err(io::Error::from(refused.errno).into()),
            None => Ok(()),
        }
    }

    /// One message per item, in batches; how many the kernel did not refuse.
    fn stream<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Batch, T),
    ) -> Result<usize, ConntrackError> {
        let mut items = items.into_iter().peekable();
        let mut done = 0;
        while items.peek().is_some() {
            let mut batch = self.channel.batch();
            for item in items.by_ref().take(BATCH) {
                write(&mut batch, item);
            }
            done += batch.len();
            done -= self.channel.transact(batch, |_| {})?.len();
        }
        Ok(done)
    }
}

fn write(batch: &mut Batch, change: &Change) {
    match change {
        Change::New(connection) => wire::create(batch, connection, STANDBY_TIMEOUT),
        Change::Update(connection) => {
            wire::update(batch, connection, STANDBY_TIMEOUT, Status::Recorded);
        }
        Change::Delete(key) => wire::delete(batch, key),
    }
}
