//! A table of connections for embedders that have none of their own.

use crate::connection::{Connection, ConnectionKey, ConnectionState};
use crate::ranges::KeyRange;
use crate::records::{Outcome, Records};
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use core::ops::ControlFlow;

/// An ordered table in memory: a B-tree, so that a catch-up can walk it while it changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    records: BTreeMap<ConnectionKey, ConnectionState>,
}

impl Table {
    /// An empty table.
    #[must_use]
    pub const fn new() -> Self {
        Self { records: BTreeMap::new() }
    }

    /// All records in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = Connection> + '_ {
        self.records.iter().map(|(key, state)| Connection { key: *key, state: *state })
    }
}

impl FromIterator<Connection> for Table {
    fn from_iter<I: IntoIterator<Item = Connection>>(connections: I) -> Self {
        Self { records: connections.into_iter().map(|c| (c.key, c.state)).collect() }
    }
}

impl Records for Table {
    fn len(&self) -> usize {
        self.records.len()
    }

    fn get(&self, key: &ConnectionKey) -> Option<ConnectionState> {
        self.records.get(key).copied()
    }

    fn upsert(&mut self, connection: Connection) -> Outcome {
        match self.records.entry(connection.key) {
            Entry::Vacant(entry) => {
                entry.insert(connection.state);
                Outcome::New
            }
            Entry::Occupied(mut entry) => {
                let before = entry.insert(connection.state);
                if before.same_but_timeout(&connection.state) {
                    Outcome::Same
                } else {
                    Outcome::Changed
                }
            }
        }
    }

    fn remove(&mut self, key: &ConnectionKey) -> bool {
        self.records.remove(key).is_some()
    }

    fn walk(&self, range: &KeyRange, visit: &mut dyn FnMut(&Connection) -> ControlFlow<()>) {
        for (key, state) in self.records.range(range.bounds()) {
            if visit(&Connection { key: *key, state: *state }).is_break() {
                return;
            }
        }
    }
}
