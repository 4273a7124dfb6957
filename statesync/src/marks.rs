//! Which keys changed, and how: what waits to be sent, or to be installed. The records themselves are
//! read when their turn comes.

use crate::connection::ConnectionKey;
use alloc::collections::BTreeMap;
use core::ops::Bound;

/// How a key changed since the other side last knew it for certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Made, or deleted and made anew: another incarnation.
    New,
    /// Changed.
    Update,
    /// Deleted.
    Delete,
}

impl Mark {
    /// This mark with a newer one on top of it. An update of what the other side may not have, or may
    /// have in another incarnation, is `New`.
    const fn then(self, newer: Self) -> Self {
        match (self, newer) {
            (Self::Update, Self::Update) => Self::Update,
            (_, Self::Delete) => Self::Delete,
            (_, Self::New) | (Self::New | Self::Delete, Self::Update) => Self::New,
        }
    }
}

/// A set of marked keys. Its owner bounds it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    marks: BTreeMap<ConnectionKey, Mark>,
    /// The key that was taken last: the next is the one after it, so that none waits for ever.
    last: Option<ConnectionKey>,
}

impl Marks {
    pub(crate) fn len(&self) -> usize {
        self.marks.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// Notes a change that is newer than what is noted of the key.
    pub(crate) fn add(&mut self, key: ConnectionKey, newer: Mark) {
        self.marks.entry(key).and_modify(|mark| *mark = mark.then(newer)).or_insert(newer);
    }

    /// Puts back a mark that was taken, under what was noted since.
    pub(crate) fn put_back(&mut self, key: ConnectionKey, older: Mark) {
        self.marks.entry(key).and_modify(|mark| *mark = older.then(*mark)).or_insert(older);
    }

    /// Forgets what is noted of a key, and tells it.
    pub(crate) fn remove(&mut self, key: &ConnectionKey) -> Option<Mark> {
        self.marks.remove(key)
    }

    pub(crate) fn contains(&self, key: &ConnectionKey) -> bool {
        self.marks.contains_key(key)
    }

    /// The mark whose turn it is.
    pub(crate) fn peek(&self) -> Option<(ConnectionKey, Mark)> {
        let after = self.last.map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.marks.range((after, Bound::Unbounded)).next();
        next.or_else(|| self.marks.first_key_value()).map(|(key, mark)| (*key, *mark))
    }

    /// Takes the mark that [`Marks::peek`] showed.
    pub(crate) fn take(&mut self) -> Option<(ConnectionKey, Mark)> {
        let (key, mark) = self.peek()?;
        self.marks.remove(&key);
        self.last = Some(key);
        Some((key, mark))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// STATE-7: a deletion followed by a creation never arrives as an update, in whatever order marks
    /// are lost and put back.
    #[test]
    fn marks_merge_so_that_an_incarnation_is_never_an_update() {
        use Mark::{Delete, New, Update};
        let table = [
            (New, New, New),
            (New, Update, New),
            (New, Delete, Delete),
            (Update, New, New),
            (Update, Update, Update),
            (Update, Delete, Delete),
            (Delete, New, New),
            (Delete, Update, New),
            (Delete, Delete, Delete),
        ];
        for (older, newer, merged) in table {
            assert_eq!(older.then(newer), merged, "{older:?} then {newer:?}");
        }
    }
}
