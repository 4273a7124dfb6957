//! Ranges of keys: what a catch-up covers, and what of it is still to do.

use crate::connection::ConnectionKey;
use alloc::vec::Vec;
use core::ops::Bound;

/// How many ranges a to-do list holds before it becomes one range that covers them all.
pub(crate) const MAX_RANGES: usize = 128;

/// A range of keys, without its beginning and with its end: `(after, upto]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// The key before the range; `None`: it begins with the lowest key.
    pub after: Option<ConnectionKey>,
    /// The last key of the range; `None`: it ends with the highest key.
    pub upto: Option<ConnectionKey>,
}

impl KeyRange {
    /// All keys.
    pub const WHOLE: Self = Self { after: None, upto: None };

    /// The range as bounds for an ordered map. Never reversed, also for a range that is: an ordered map
    /// would panic on that.
    #[must_use]
    pub fn bounds(&self) -> (Bound<ConnectionKey>, Bound<ConnectionKey>) {
        match (self.after, self.upto) {
            (Some(after), Some(upto)) if after >= upto => {
                (Bound::Included(after), Bound::Excluded(after))
            }
            (after, upto) => (
                after.map_or(Bound::Unbounded, Bound::Excluded),
                upto.map_or(Bound::Unbounded, Bound::Included),
            ),
        }
    }

    /// Whether a key lies in it.
    #[must_use]
    pub fn contains(&self, key: &ConnectionKey) -> bool {
        self.after.is_none_or(|after| *key > after) && self.upto.is_none_or(|upto| *key <= upto)
    }

    /// Whether its beginning lies before its end.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        match (self.after, self.upto) {
            (Some(after), Some(upto)) => after < upto,
            _ => true,
        }
    }

    /// Both ranges as one, if `later`, which does not begin before this one, begins in it or at its end.
    fn joined(&self, later: &Self) -> Option<Self> {
        let touches = match (self.upto, later.after) {
            (Some(upto), Some(after)) => after <= upto,
            _ => true,
        };
        touches.then(|| Self { after: self.after, upto: later_end(self.upto, later.upto) })
    }
}

fn later_end(a: Option<ConnectionKey>, b: Option<ConnectionKey>) -> Option<ConnectionKey> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.max(b)),
        _ => None,
    }
}

/// A bounded list of ranges in ascending order that neither overlap nor touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ToDo {
    ranges: Vec<KeyRange>,
}

impl ToDo {
    pub(crate) fn whole() -> Self {
        Self { ranges: Vec::from([KeyRange::WHOLE]) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The range whose turn it is.
    pub(crate) fn first(&self) -> Option<KeyRange> {
        self.ranges.first().copied()
    }

    /// Takes off `chunk`, a beginning of the first range.
    pub(crate) fn take(&mut self, chunk: &KeyRange) {
        let Some(first) = self.ranges.first_mut() else { return };
        if chunk.upto == first.upto {
            self.ranges.remove(0);
        } else {
            first.after = chunk.upto;
        }
    }

    /// Puts a range on the list, wherever it lies.
    pub(crate) fn put(&mut self, range: KeyRange) {
        let at = self.ranges.partition_point(|other| other.after <= range.after);
        self.ranges.insert(at, range);
        let mut merged: Vec<KeyRange> = Vec::with_capacity(self.ranges.len());
        for range in &self.ranges {
            match merged.last_mut() {
                Some(last) => match last.joined(range) {
                    Some(joined) => *last = joined,
                    None => merged.push(*range),
                },
                None => merged.push(*range),
            }
        }
        if merged.len() > MAX_RANGES {
            let covering = KeyRange {
                after: merged.first().and_then(|first| first.after),
                upto: merged.last().and_then(|last| last.upto),
            };
            merged.clear();
            merged.push(covering);
        }
        self.ranges = merged;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::Transport;
    use core::net::{IpAddr, Ipv4Addr};

    fn key(port: u16) -> ConnectionKey {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let transport = Transport::Udp { source: port, destination: 53 };
        ConnectionKey { source: address, destination: address, transport }
    }

    fn range(after: u16, upto: u16) -> KeyRange {
        KeyRange { after: Some(key(after)), upto: Some(key(upto)) }
    }

    #[test]
    fn ranges_that_touch_become_one() {
        let mut to_do = ToDo::default();
        to_do.put(range(10, 20));
        to_do.put(range(30, 40));
        to_do.put(range(20, 30));
        assert_eq!(to_do.ranges, [range(10, 40)]);
        to_do.take(&range(10, 15));
        to_do.put(range(1, 2));
        assert_eq!(to_do.ranges, [range(1, 2), range(15, 40)]);
        to_do.put(KeyRange { after: None, upto: Some(key(20)) });
        assert_eq!(to_do.ranges, [KeyRange { after: None, upto: Some(key(40)) }]);
    }

    #[test]
    fn too_many_ranges_become_one_that_covers_them() {
        let mut to_do = ToDo::default();
        for at in 0..=u16::try_from(MAX_RANGES).unwrap() {
            to_do.put(range(at * 10, at * 10 + 5));
        }
        assert_eq!(to_do.ranges, [range(0, 1285)]);
    }

    /// An ordered map panics on reversed bounds; ranges off the wire must never bring that about.
    #[test]
    fn a_reversed_range_is_empty() {
        let map = alloc::collections::BTreeMap::from([(key(5), ())]);
        assert_eq!(map.range(range(9, 1).bounds()).count(), 0);
        assert_eq!(map.range(range(5, 5).bounds()).count(), 0);
        assert_eq!(map.range(range(4, 5).bounds()).count(), 1);
    }
}
