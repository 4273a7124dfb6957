//! The small numbers of a cluster: nodes, their units, and virtual groups.

use core::fmt;
use ha_core::identity::{Designation, UnitId};

/// The most nodes of a cluster (NODE-1).
pub const MAX_NODES: usize = 4;
/// The most units of a cluster: two for each node (NODE-1).
pub const MAX_UNITS: usize = 2 * MAX_NODES;
/// The most virtual groups of a cluster (VG-1).
pub const MAX_GROUPS: usize = 4;

macro_rules! one_to_four {
    ($(#[$doc:meta])* $name:ident, $display:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(
            feature = "serde",
            derive(serde::Serialize, serde::Deserialize),
            serde(try_from = "u8", into = "u8")
        )]
        #[repr(u8)]
        #[allow(missing_docs)] // each is the number that its name says
        pub enum $name {
            One = 1,
            Two = 2,
            Three = 3,
            Four = 4,
        }

        impl $name {
            /// All of them, in order.
            pub const ALL: [Self; 4] = [Self::One, Self::Two, Self::Three, Self::Four];

            /// The number, 1 to 4; `None` for any other.
            #[must_use]
            pub const fn new(number: u8) -> Option<Self> {
                match number {
                    1 => Some(Self::One),
                    2 => Some(Self::Two),
                    3 => Some(Self::Three),
                    4 => Some(Self::Four),
                    _ => None,
                }
            }

            /// 1 to 4.
            #[must_use]
            pub const fn get(self) -> u8 {
                self as u8
            }

            /// 0 to 3: its place in a table of all.
            #[must_use]
            pub const fn index(self) -> usize {
                match self {
                    Self::One => 0,
                    Self::Two => 1,
                    Self::Three => 2,
                    Self::Four => 3,
                }
            }
        }

        impl TryFrom<u8> for $name {
            type Error = NumberError;

            fn try_from(number: u8) -> Result<Self, NumberError> {
                Self::new(number).ok_or(NumberError { number })
            }
        }

        impl From<$name> for u8 {
            fn from(number: $name) -> u8 {
                number.get()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, $display, self.get())
            }
        }
    };
}

one_to_four!(
    /// Names a cluster node: a pair of units, or a single one (NODE-1).
    NodeNumber,
    "node {}"
);
one_to_four!(
    /// Names a virtual group (VG-1). The owner of [`GroupNumber::One`] is the Master (NODE-3).
    GroupNumber,
    "VG {}"
);

/// A number that names no node or group. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{number} is not a number from 1 to 4")]
pub struct NumberError {
    /// The number.
    pub number: u8,
}

/// One unit of a cluster: its node, and which unit of that it is. The unit of a single-unit node is its Primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Member {
    /// Its node.
    pub node: NodeNumber,
    /// Which unit of the node it is.
    pub designation: Designation,
}

impl Member {
    /// All that a cluster can have, node by node, the Primary first.
    pub fn all() -> impl Iterator<Item = Self> {
        let units = [Designation::Primary, Designation::Secondary];
        NodeNumber::ALL
            .into_iter()
            .flat_map(move |node| units.map(|designation| Self { node, designation }))
    }

    /// 0 to 7: its place in a table of all.
    #[must_use]
    pub const fn index(self) -> usize {
        // At most 3 * 2 + 1.
        self.node.index().saturating_mul(2).saturating_add(match self.designation {
            Designation::Primary => 0,
            Designation::Secondary => 1,
        })
    }

    /// The name by which a driver knows it in a cluster: its place in a table of all.
    #[must_use]
    pub fn unit_id(self) -> UnitId {
        UnitId(u8::try_from(self.index()).unwrap_or(u8::MAX))
    }

    /// Whom a driver means by this name; `None` above 7.
    #[must_use]
    pub fn of_unit_id(unit: UnitId) -> Option<Self> {
        Self::all().nth(unit.0.into())
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.node, self.designation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NODE-1: four nodes of two units, each with a place of its own.
    #[test]
    fn every_member_has_a_place() {
        for (at, member) in Member::all().enumerate() {
            assert_eq!(member.index(), at);
            assert_eq!(Member::of_unit_id(member.unit_id()), Some(member));
        }
        assert_eq!(Member::all().count(), MAX_UNITS);
        assert_eq!(Member::of_unit_id(UnitId(8)), None);
        assert_eq!(NodeNumber::new(0), None);
        assert_eq!(GroupNumber::new(5), None);
    }
}
