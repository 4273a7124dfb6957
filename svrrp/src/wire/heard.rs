//! What an advertisement says of a unit that its sender hears.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |     Node      |     Unit      |   Paths, bit n: path n; X0    |   0
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |           Echo: start of the unit that is heard (64)          |   4
//! |        Echo: number of the last advertisement heard (64)      |  12
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//! Bit 0 is the lowest. Bits 0 to 14 are the cluster links, bit 15 is X0. An entry without a bit set says that
//! the unit was heard, but not within its failure time: what is known of it is old.

use super::bytes::{Fixed, Writer, member_bytes};
use super::header::DatagramId;
use crate::identity::Member;
use ha_core::identity::PathId;
use ha_core::reject::Reject;

/// The length of an entry in bytes.
pub(super) const HEARD_LEN: usize = 4 + DatagramId::LEN;

/// The most cluster links that a unit can have: paths 0 to 14.
pub const MAX_CLUSTER_LINKS: usize = 15;
/// The path over X0, used to a peer when all cluster links to it fail (SVRRP-2).
pub const X0_PATH: PathId = PathId(15);

/// A set of paths: cluster links, and X0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Paths(u16);

impl Paths {
    /// No path.
    pub const NONE: Self = Self(0);

    /// Bit n: path n. Every value is a set.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// Bit n: path n.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Whether the path is among them; one above 15 never is.
    #[must_use]
    pub fn contains(self, path: PathId) -> bool {
        self.0 & Self::bit(path) != 0
    }

    /// Adds a path; one above 15 is left out.
    pub fn insert(&mut self, path: PathId) {
        self.0 |= Self::bit(path);
    }

    /// Takes a path away.
    pub fn remove(&mut self, path: PathId) {
        self.0 &= !Self::bit(path);
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those of them that are cluster links.
    #[must_use]
    pub fn cluster_links(self) -> Self {
        Self(self.0 & !Self::bit(X0_PATH))
    }

    fn bit(path: PathId) -> u16 {
        1_u16.checked_shl(path.0.into()).unwrap_or(0)
    }
}

/// What a unit says of another one that it hears, or heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HeardEntry {
    /// The paths on which it heard the other within the other's failure time.
    pub paths: Paths,
    /// The last advertisement that it heard from the other: the echo, by which both judge the same values
    /// (SVRRP-5).
    pub echo: DatagramId,
}

impl HeardEntry {
    pub(super) fn put(&self, member: Member, out: &mut Writer<'_>) -> Option<()> {
        out.put(member_bytes(member))?;
        out.put_u16(self.paths.bits())?;
        self.echo.put(out)
    }

    #[inline]
    pub(super) fn read(bytes: &[u8; HEARD_LEN]) -> Result<(Member, Self), Reject> {
        let fixed = Fixed(bytes);
        let paths = Paths::from_bits(fixed.u16(2));
        Ok((fixed.member(0, "unit heard")?, Self { paths, echo: fixed.id(4, "echo")? }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SVRRP-2: X0 is a path like the others, and told apart from the cluster links.
    #[test]
    fn x0_is_no_cluster_link() {
        let mut paths = Paths::NONE;
        paths.insert(X0_PATH);
        assert!(paths.contains(X0_PATH) && !paths.is_empty());
        assert!(paths.cluster_links().is_empty());
        paths.insert(PathId(14));
        assert_eq!(paths.cluster_links(), Paths::from_bits(1 << 14));
    }

    /// SVRRP-4: a path that has no bit changes nothing.
    #[test]
    fn a_path_without_a_bit_is_left_out() {
        let mut paths = Paths::NONE;
        paths.insert(PathId(16));
        assert!(paths.is_empty() && !paths.contains(PathId(255)));
    }
}
