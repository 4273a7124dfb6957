//! What the embedder's forwarding plane has yet to follow.
//!
//! The same idea as the publisher's: keys wait, and the records are read when their turn comes. So what
//! failed is tried again *as it is then*, and never overtakes anything newer. One action at a time is
//! under way, since an embedder may carry out two of them in any order.

use crate::connection::{Connection, ConnectionKey};
use crate::marks::{Mark, Marks};
use crate::records::{Change, Records};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::time::Duration;
use ha_core::machine::ActionId;
use ha_core::time::Instant;

/// How many changes one install bears.
pub const MAX_INSTALL: usize = 1024;
/// How many changed keys may wait for the forwarding plane. While there are more, batches are rejected as
/// busy.
pub const MAX_WAITING: usize = 8192;
/// How many batches may wait for their changes to be installed.
const MAX_COVERED: usize = 256;
/// The wait after a first failure; it doubles with each.
pub const MIN_RETRY: Duration = Duration::from_millis(100);
/// The longest wait after a failure.
pub const MAX_RETRY: Duration = Duration::from_secs(5);

/// Keys that wait for the forwarding plane, and the batches that brought them.
#[derive(Clone, Debug)]
pub(crate) struct Installer {
    /// What is being installed, slice by slice, and the batches that are applied when all of it is.
    current: Generation,
    /// What came since.
    next: Generation,
    slice: Option<(ActionId, BTreeMap<ConnectionKey, Mark>)>,
    retry: Duration,
    retry_at: Option<Instant>,
}

#[derive(Clone, Debug, Default)]
struct Generation {
    marks: Marks,
    batches: Vec<u64>,
}

impl Installer {
    pub(crate) fn new() -> Self {
        Self {
            current: Generation::default(),
            next: Generation::default(),
            slice: None,
            retry: MIN_RETRY,
            retry_at: None,
        }
    }

    /// How many changes wait or are under way.
    pub(crate) fn len(&self) -> usize {
        let under_way = self.slice.as_ref().map_or(0, |(_, slice)| slice.len());
        under_way.saturating_add(self.current.marks.len()).saturating_add(self.next.marks.len())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn is_full(&self) -> bool {
        let batches = self.current.batches.len().saturating_add(self.next.batches.len());
        self.len() >= MAX_WAITING || batches >= MAX_COVERED
    }

    /// The key changed. It keeps one mark, so that a deletion and what followed it stay together.
    pub(crate) fn mark(&mut self, key: ConnectionKey, mark: Mark) {
        if self.current.marks.contains(&key) {
            self.current.marks.add(key, mark);
        } else {
            self.next.marks.add(key, mark);
        }
    }

    /// Whether the forwarding plane may not have followed this key yet.
    pub(crate) fn contains(&self, key: &ConnectionKey) -> bool {
        self.current.marks.contains(key)
            || self.next.marks.contains(key)
            || self.slice.as_ref().is_some_and(|(_, slice)| slice.contains_key(key))
    }

    /// The keys that this action bears, if it is under way.
    pub(crate) fn keys_of(&self, id: ActionId) -> impl Iterator<Item = ConnectionKey> + '_ {
        let slice = self.slice.as_ref().filter(|(under_way, _)| *under_way == id);
        slice.into_iter().flat_map(|(_, slice)| slice.keys().copied())
    }

    /// The forwarding plane told its own state of this key, which is in the records by now: nothing that
    /// waits is newer. But what is under way may undo it, and must be mended afterwards.
    pub(crate) fn plane_told(&mut self, key: &ConnectionKey, mend: Mark) {
        self.current.marks.remove(key);
        self.next.marks.remove(key);
        if self.slice.as_ref().is_some_and(|(_, slice)| slice.contains_key(key)) {
            self.next.marks.add(*key, mend);
        }
    }

    /// The batch is applied when everything that waits now is installed. Batches below `floor` are of
    /// no interest any more.
    pub(crate) fn cover(&mut self, sequence: u64, floor: u64) {
        self.current.batches.retain(|batch| *batch >= floor);
        self.next.batches.retain(|batch| *batch >= floor);
        self.next.batches.push(sequence);
    }

    /// The session of the batches that wait is over.
    pub(crate) fn forget_batches(&mut self) {
        self.current.batches.clear();
        self.next.batches.clear();
    }

    /// The lowest sequence that waits.
    pub(crate) fn lowest_batch(&self) -> Option<u64> {
        self.current.batches.first().or(self.next.batches.first()).copied()
    }

    /// The batches that are applied by now, in ascending order.
    pub(crate) fn applied(&mut self) -> Vec<u64> {
        let mut applied = Vec::new();
        if self.slice.is_none() && self.current.marks.is_empty() {
            applied.append(&mut self.current.batches);
            core::mem::swap(&mut self.current, &mut self.next);
            if self.current.marks.is_empty() {
                applied.append(&mut self.current.batches);
            }
        }
        applied
    }

    /// The next slice of changes to be installed, as the records are now.
    pub(crate) fn poll<R: Records>(
        &mut self,
        records: &R,
        ids: &mut ActionId,
    ) -> Option<(ActionId, Vec<Change>)> {
        if self.slice.is_some() || self.retry_at.is_some() {
            return None;
        }
        let mut slice = BTreeMap::new();
        let mut changes = Vec::new();
        while changes.len() < MAX_INSTALL
            && let Some((key, mark)) = self.current.marks.take()
        {
            if let Some(change) = change(records, key, mark) {
                changes.push(change);
                slice.insert(key, mark);
            }
        }
        if changes.is_empty() {
            return None;
        }
        let id = ids.mint();
        self.slice = Some((id, slice));
        Some((id, changes))
    }

    /// Takes in the answer to a slice. Returns the wait before the next attempt if it failed.
    pub(crate) fn handle_done(&mut self, now: Instant, id: ActionId, ok: bool) -> Option<Duration> {
        let (_, slice) = self.slice.take_if(|(under_way, _)| *under_way == id)?;
        if ok {
            self.retry = MIN_RETRY;
            return None;
        }
        for (key, mark) in slice {
            self.current.marks.add(key, mark);
            if let Some(newer) = self.next.marks.remove(&key) {
                self.current.marks.add(key, newer);
            }
        }
        let wait = self.retry;
        self.retry_at = Some(now + wait);
        self.retry = wait.saturating_mul(2).min(MAX_RETRY);
        Some(wait)
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.retry_at = self.retry_at.filter(|at| *at > now);
    }

    pub(crate) fn retry_at(&self) -> Option<Instant> {
        self.retry_at
    }
}

/// What the forwarding plane must do about a key. Nothing, where it was ahead of us: it told another
/// state of the key after the mark was made.
fn change<R: Records>(records: &R, key: ConnectionKey, mark: Mark) -> Option<Change> {
    match (mark, records.get(&key)) {
        (Mark::New, Some(state)) => Some(Change::New(Connection { key, state })),
        (Mark::Update, Some(state)) => Some(Change::Update(Connection { key, state })),
        (Mark::Delete, None) => Some(Change::Delete(key)),
        (Mark::Delete, Some(_)) | (Mark::New | Mark::Update, None) => None,
    }
}
