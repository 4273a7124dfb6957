//! What an advertisement says of one virtual group.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! | Virtual group |    Stance     |          Link weight          |   0
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                           Term (64)                           |   4
//! |                        Nonce (64), or 0                       |  12
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Owner seen   |  Node named   |                                  20
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//! Owner seen and node named: 1 to 4, or 0 for none. What the stance needs beside it is there, and nothing
//! else; everything else is refused:
//!
//! | stance | | nonce | node named |
//! | --- | --- | --- | --- |
//! | 0 | idle | 0 | 0 |
//! | 1 | asking | of its own question | the owner that is asked |
//! | 2 | taking | 0 | 0 |
//! | 3 | owner | 0 | 0 |
//! | 4 | withdrawing | 0 | the successor, or 0 if there is none |
//! | 5 | released | of the question that is granted | the successor |
//!
//! A node names another than itself.

use super::bytes::{Fixed, Writer, malformed, node_byte};
use crate::identity::{GroupNumber, NodeNumber};
use core::num::NonZeroU64;
use ha_core::reject::Reject;

/// The length of an entry in bytes.
pub(super) const GROUP_LEN: usize = 22;

/// What a node says of its hold on a virtual group. The active unit speaks for the node (NODE-4); of any
/// other unit it does not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum GroupStance {
    /// It neither has the group nor wants it.
    #[default]
    Idle,
    /// It asks the owner for the group (VG-5).
    Asking {
        /// The owner, another node.
        owner: NodeNumber,
        /// Names the question; never used for another.
        nonce: NonZeroU64,
    },
    /// It takes the group: from here on it holds it.
    Taking,
    /// It owns the group.
    Owner,
    /// It gives the group up, but holds it still: the withdrawal is not confirmed.
    Withdrawing {
        /// For which other node; `None` if for no particular one, as after a conflict (SVRRP-5).
        successor: Option<NodeNumber>,
    },
    /// It gave the group up, and this was confirmed: the successor may take it (VG-5).
    Released {
        /// The other node that asked for it.
        successor: NodeNumber,
        /// Names the question that is granted.
        nonce: NonZeroU64,
    },
}

impl GroupStance {
    /// Whether the node holds the group: it may be using the group's addresses.
    #[must_use]
    pub const fn holds(self) -> bool {
        matches!(self, Self::Taking | Self::Owner | Self::Withdrawing { .. })
    }

    /// The other node that it names.
    #[must_use]
    pub const fn named(self) -> Option<NodeNumber> {
        match self {
            Self::Idle | Self::Taking | Self::Owner => None,
            Self::Asking { owner, .. } => Some(owner),
            Self::Withdrawing { successor } => successor,
            Self::Released { successor, .. } => Some(successor),
        }
    }

    /// The nonce of the question that it asks or grants.
    #[must_use]
    pub const fn nonce(self) -> Option<NonZeroU64> {
        match self {
            Self::Asking { nonce, .. } | Self::Released { nonce, .. } => Some(nonce),
            _ => None,
        }
    }

    const fn to_wire(self) -> u8 {
        match self {
            Self::Idle => 0,
            Self::Asking { .. } => 1,
            Self::Taking => 2,
            Self::Owner => 3,
            Self::Withdrawing { .. } => 4,
            Self::Released { .. } => 5,
        }
    }

    #[inline]
    fn from_wire(stance: u8, nonce: u64, named: Option<NodeNumber>) -> Result<Self, Reject> {
        let stance = match (stance, NonZeroU64::new(nonce), named) {
            (0, None, None) => Self::Idle,
            (1, Some(nonce), Some(owner)) => Self::Asking { owner, nonce },
            (2, None, None) => Self::Taking,
            (3, None, None) => Self::Owner,
            (4, None, successor) => Self::Withdrawing { successor },
            (5, Some(nonce), Some(successor)) => Self::Released { successor, nonce },
            (0 | 2..=4, Some(_), _) | (1 | 5, None, _) => return Err(malformed("nonce")),
            (0..=5, ..) => return Err(malformed("node named")),
            _ => return Err(malformed("stance")),
        };
        Ok(stance)
    }
}

/// What a unit says of one virtual group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct GroupEntry {
    /// How many of the group's interfaces have a carrier at this unit (VG-2).
    pub link_weight: u16,
    /// What the node says of its hold on the group.
    pub stance: GroupStance,
    /// The owner that this node sees, which can be itself.
    pub owner_seen: Option<NodeNumber>,
    /// A number that is fixed at each take, for the status: of the node's present reign, or of its last one;
    /// 0 if it never owned the group.
    pub term: u64,
}

impl GroupEntry {
    /// What no entry of this node can say.
    pub(super) fn check(&self, sender: NodeNumber) -> Result<(), Reject> {
        if self.stance.named() == Some(sender) {
            return Err(malformed("node named"));
        }
        Ok(())
    }

    pub(super) fn put(&self, group: GroupNumber, out: &mut Writer<'_>) -> Option<()> {
        out.put([group.get(), self.stance.to_wire()])?;
        out.put_u16(self.link_weight)?;
        out.put_u64(self.term)?;
        out.put_u64(self.stance.nonce().map_or(0, NonZeroU64::get))?;
        out.put([node_byte(self.owner_seen), node_byte(self.stance.named())])
    }

    #[inline]
    pub(super) fn read(bytes: &[u8; GROUP_LEN]) -> Result<(GroupNumber, Self), Reject> {
        let fixed = Fixed(bytes);
        let named = fixed.node_or_none(21, "node named")?;
        let entry = Self {
            link_weight: fixed.u16(2),
            stance: GroupStance::from_wire(fixed.u8(1), fixed.u64(12), named)?,
            owner_seen: fixed.node_or_none(20, "owner seen")?,
            term: fixed.u64(4),
        };
        Ok((fixed.group(0)?, entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SVRRP-4: of all combinations of stance, nonce and node named exactly those of the table are taken.
    #[test]
    fn only_the_table_is_taken() {
        let another = Some(NodeNumber::Two);
        for stance in 0..=u8::MAX {
            for (nonce, named) in [(0, None), (0, another), (7, None), (7, another)] {
                let taken = match stance {
                    0 | 2 | 3 => nonce == 0 && named.is_none(),
                    1 | 5 => nonce != 0 && named.is_some(),
                    4 => nonce == 0,
                    _ => false,
                };
                let read = GroupStance::from_wire(stance, nonce, named);
                assert_eq!(read.is_ok(), taken, "{stance} {nonce} {named:?}: {read:?}");
                if let Ok(read) = read {
                    let nonce_read = read.nonce().map_or(0, NonZeroU64::get);
                    assert_eq!((read.to_wire(), nonce_read, read.named()), (stance, nonce, named));
                }
            }
        }
    }
}
