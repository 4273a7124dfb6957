//! The table that is kept equal on both units, as the machine sees it, and what changes in it.

use crate::connection::{Connection, ConnectionKey, ConnectionState};
use crate::ranges::KeyRange;
use core::ops::ControlFlow;

/// A handle to the embedder's table of connections.
///
/// The publisher keeps no copy of it: it remembers which keys changed and reads the records at the
/// moment of sending, so that the newest state goes, once, however often it changed. The replica writes
/// into it. [`Table`](crate::table::Table) serves embedders that have none of their own.
///
/// Only the machine changes the table, so that it knows of every change; the embedder tells of changes
/// by [`Input::Upsert`](crate::machine::Input::Upsert) and
/// [`Input::Remove`](crate::machine::Input::Remove).
pub trait Records {
    /// How many records there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The state under `key`.
    fn get(&self, key: &ConnectionKey) -> Option<ConnectionState>;

    /// Puts a record in the place of whatever was under its key, and says what that changed. A new
    /// `timeout` alone is taken over, but is no change.
    fn upsert(&mut self, connection: Connection) -> Outcome;

    /// Removes the record under `key`. Whether there was one.
    fn remove(&mut self, key: &ConnectionKey) -> bool;

    /// Visits the records of `range` in ascending order of their keys, until `visit` breaks.
    ///
    /// The cost may depend on the logarithm of the table's size and on how many are visited, not on
    /// how many there are.
    fn walk(&self, range: &KeyRange, visit: &mut dyn FnMut(&Connection) -> ControlFlow<()>);
}

/// What [`Records::upsert`] changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There was no record under the key.
    New,
    /// There was one that differed in more than its time-out.
    Changed,
    /// There was an equal one, but for its time-out.
    Same,
}

/// A change that the embedder's forwarding plane has to follow.
///
/// Each can be carried out again without harm: what failed half-way comes again as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A connection to be created, in the place of whatever is under its key: that is another
    /// incarnation, never to be updated (STATE-7).
    New(Connection),
    /// A connection whose state changed; to be created if it is missing.
    Update(Connection),
    /// A connection that is no more; it may be missing already.
    Delete(ConnectionKey),
}

impl Change {
    /// The key that it concerns.
    #[must_use]
    pub const fn key(&self) -> &ConnectionKey {
        match self {
            Self::New(connection) | Self::Update(connection) => &connection.key,
            Self::Delete(key) => key,
        }
    }
}
