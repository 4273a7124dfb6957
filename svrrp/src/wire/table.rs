//! Tables with one place for each virtual group, or for each unit: nothing can stand in them twice.

use crate::identity::{GroupNumber, MAX_GROUPS, MAX_UNITS, Member};

macro_rules! table {
    ($(#[$doc:meta])* $name:ident[$key:ident; $len:ident], $all:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name<T>([Option<T>; $len]);

        impl<T> $name<T> {
            /// What it says of `key`, if it says anything.
            #[must_use]
            pub fn get(&self, key: $key) -> Option<&T> {
                self.0.get(key.index())?.as_ref()
            }

            /// Replaces what it says of `key`; `None`: nothing.
            pub fn set(&mut self, key: $key, value: Option<T>) {
                if let Some(place) = self.0.get_mut(key.index()) {
                    *place = value;
                }
            }

            /// What it says, in the order of the keys.
            pub fn iter(&self) -> impl Iterator<Item = ($key, &T)> {
                $all.zip(&self.0).filter_map(|(key, value)| Some((key, value.as_ref()?)))
            }

            /// Of how many it says something.
            #[must_use]
            pub fn len(&self) -> usize {
                self.0.iter().flatten().count()
            }

            /// Whether it says nothing at all.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                self.0.iter().all(Option::is_none)
            }
        }

        impl<T> Default for $name<T> {
            fn default() -> Self {
                Self([const { None }; $len])
            }
        }

        /// Of two values for one key the later counts.
        impl<T> FromIterator<($key, T)> for $name<T> {
            fn from_iter<I: IntoIterator<Item = ($key, T)>>(entries: I) -> Self {
                let mut table = Self::default();
                for (key, value) in entries {
                    table.set(key, Some(value));
                }
                table
            }
        }
    };
}

table!(
    /// At most one value for each virtual group (VG-1), kept in place.
    ByGroup[GroupNumber; MAX_GROUPS],
    GroupNumber::ALL.into_iter()
);
table!(
    /// At most one value for each unit of the cluster (NODE-1), kept in place.
    ByMember[Member; MAX_UNITS],
    Member::all()
);

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// SVRRP-4: a table has one place for each, and lists them in order.
    #[test]
    fn the_later_of_two_counts() {
        let entries =
            [(GroupNumber::Three, 'a'), (GroupNumber::One, 'b'), (GroupNumber::Three, 'c')];
        let mut table: ByGroup<char> = entries.into_iter().collect();
        let listed: Vec<_> = table.iter().collect();
        assert_eq!(listed, [(GroupNumber::One, &'b'), (GroupNumber::Three, &'c')]);
        assert_eq!(table.len(), 2);
        table.set(GroupNumber::One, None);
        table.set(GroupNumber::Three, None);
        assert!(table.is_empty());
        assert!(Member::all().map(|it| (it, ())).collect::<ByMember<()>>().len() == MAX_UNITS);
    }
}
