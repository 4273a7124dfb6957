//! Which states were visited, and with what left to the adversary.

use super::bound::Left;
use super::hash::Map;
use std::collections::hash_map::Entry;

/// The states that were visited, each with what was left to the adversary: more than once only if neither
/// was more than the other.
#[derive(Default)]
pub(crate) struct Visited {
    /// The first thing that was left: mostly the only one. Two halves of a fingerprint need less room than
    /// the whole.
    one: Map<[u64; 2], Left>,
    more: Map<[u64; 2], Vec<Left>>,
}

fn halves(fingerprint: u128) -> [u64; 2] {
    [(fingerprint >> 64) as u64, fingerprint as u64]
}

impl Visited {
    pub(crate) fn covers(&self, fingerprint: u128, left: Left) -> bool {
        let key = halves(fingerprint);
        self.one.get(&key).is_some_and(|known| {
            known.covers(left)
                || self.more.get(&key).is_some_and(|more| more.iter().any(|it| it.covers(left)))
        })
    }

    /// Says whether it is new.
    pub(crate) fn insert(&mut self, fingerprint: u128, left: Left) -> bool {
        let key = halves(fingerprint);
        let mut one = match self.one.entry(key) {
            Entry::Vacant(slot) => {
                slot.insert(left);
                return true;
            }
            Entry::Occupied(slot) => slot,
        };
        if one.get().covers(left) {
            return false;
        }
        let Some(more) = self.more.get_mut(&key) else {
            if left.covers(*one.get()) {
                one.insert(left);
            } else {
                self.more.insert(key, vec![left]);
            }
            return true;
        };
        if more.iter().any(|known| known.covers(left)) {
            return false;
        }
        more.retain(|known| !left.covers(*known));
        if left.covers(*one.get()) {
            one.insert(left);
        } else {
            more.push(left);
        }
        true
    }

    /// It was visited with this left, and was not visited with more since.
    pub(crate) fn is_present(&self, fingerprint: u128, left: Left) -> bool {
        let key = halves(fingerprint);
        self.one.get(&key).is_some_and(|known| *known == left)
            || self.more.get(&key).is_some_and(|more| more.contains(&left))
    }

    pub(crate) fn clear(&mut self) {
        self.one.clear();
        self.more.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::bound::Bound;
    use super::*;

    /// A state is visited again only with something left that it never had left before.
    #[test]
    fn less_is_not_visited_again() {
        let left = |losses, crashes| Left::new(&Bound { losses, crashes, ..Bound::NOTHING });
        let mut visited = Visited::default();
        assert!(visited.insert(7, left(1, 0)));
        assert!(!visited.insert(7, left(0, 0)));
        assert!(visited.insert(7, left(0, 1)));
        assert!(visited.covers(7, left(0, 1)) && !visited.covers(7, left(1, 1)));
        assert!(!visited.covers(8, left(0, 0)));
        assert!(visited.is_present(7, left(1, 0)) && visited.is_present(7, left(0, 1)));
        assert!(visited.insert(7, left(1, 1)));
        assert!(!visited.is_present(7, left(1, 0)) && !visited.is_present(7, left(0, 1)));
        assert!(!visited.insert(7, left(1, 1)));
    }
}
