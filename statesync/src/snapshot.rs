//! A dump of the embedder's forwarding plane: what it does not name is gone.

use crate::connection::ConnectionKey;
use crate::ranges::KeyRange;
use crate::records::Records;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::ops::ControlFlow;

/// How many records one call looks at when a dump has ended.
pub(crate) const SNAPSHOT_SLICE: usize = 1024;

/// A dump that is under way, or that has ended and is being compared with the records.
#[derive(Clone, Debug, Default)]
pub(crate) struct Snapshot {
    /// What was named since it began: at most as much as there are records.
    named: BTreeSet<ConnectionKey>,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Collecting,
    /// Everything up to this key was compared.
    Comparing(Option<ConnectionKey>),
}

impl Snapshot {
    pub(crate) fn name(&mut self, key: ConnectionKey) {
        // Below the cursor nothing is compared any more.
        match self.state {
            State::Comparing(Some(cursor)) if key <= cursor => {}
            _ => {
                self.named.insert(key);
            }
        }
    }

    pub(crate) fn unname(&mut self, key: &ConnectionKey) {
        self.named.remove(key);
    }

    /// The dump has ended. `false` if it had before.
    pub(crate) fn end(&mut self) -> bool {
        let collecting = self.state == State::Collecting;
        if collecting {
            self.state = State::Comparing(None);
        }
        collecting
    }

    /// The keys of the next slice that the dump did not name, or `None` when all was compared.
    pub(crate) fn next_slice<R: Records>(&mut self, records: &R) -> Option<Vec<ConnectionKey>> {
        let State::Comparing(cursor) = self.state else { return None };
        let mut slice = Vec::with_capacity(SNAPSHOT_SLICE);
        records.walk(&KeyRange { after: cursor, upto: None }, &mut |record| {
            slice.push(record.key);
            if slice.len() < SNAPSHOT_SLICE {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        let last = *slice.last()?;
        self.state = State::Comparing(Some(last));
        slice.retain(|key| !self.named.remove(key));
        Some(slice)
    }
}
