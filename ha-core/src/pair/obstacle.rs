//! Why a unit may not take the role at all, even if there is nobody else. (A [demotion](super::Demotion)
//! is weaker: it only makes the unit less fit than its peer.)

use core::fmt;

/// A set of obstacles to a take, as the heartbeat carries it: one bit each. Bits that this release does
/// not know are kept: whoever has any obstacle may not take.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
pub struct Obstacles(u8);

impl Obstacles {
    /// There are none: the unit may take the role.
    pub const NONE: Self = Self(0);
    /// A take failed a moment ago; it is tried again after ten failure times.
    pub const TAKE_FAILED: Self = Self(1);
    /// The unit is in maintenance (BEY-8).
    pub const MAINTENANCE: Self = Self(1 << 1);
    /// The peer is silent and all monitored links are down (BEY-3).
    pub const ISOLATED: Self = Self(1 << 2);
    /// The embedder has not said that it is ready, and the limit for that has not passed (BEY-9).
    pub const NOT_READY: Self = Self(1 << 3);
    /// The unit is leaving (PAIR-10).
    pub const LEAVING: Self = Self(1 << 4);

    const NAMES: [(Self, &str); 5] = [
        (Self::TAKE_FAILED, "a take failed a moment ago"),
        (Self::MAINTENANCE, "in maintenance"),
        (Self::ISOLATED, "isolated"),
        (Self::NOT_READY, "not ready"),
        (Self::LEAVING, "leaving"),
    ];

    /// The set with these bits on the wire.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The bits on the wire.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// There is no obstacle.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// All of `other` are in this set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// This set, with `other` if `there`.
    #[must_use]
    pub const fn with(self, other: Self, there: bool) -> Self {
        Self(if there { self.0 | other.0 } else { self.0 })
    }
}

impl fmt::Display for Obstacles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        let mut unknown = self.0;
        let mut between = "";
        for (obstacle, name) in Self::NAMES {
            if self.contains(obstacle) {
                write!(f, "{between}{name}")?;
                between = ", ";
                unknown &= !obstacle.0;
            }
        }
        if unknown != 0 {
            write!(f, "{between}unknown ({unknown:#04x})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Obstacles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Obstacles({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString as _;

    /// What a person reads names every obstacle, and those of a later release by their bits.
    #[test]
    fn a_person_reads_every_obstacle() {
        assert_eq!(Obstacles::NONE.to_string(), "none");
        let both = Obstacles::MAINTENANCE.with(Obstacles::ISOLATED, true);
        assert_eq!(both.to_string(), "in maintenance, isolated");
        let later = Obstacles::from_bits(0x80 | Obstacles::NOT_READY.bits());
        assert_eq!(later.to_string(), "not ready, unknown (0x80)");
        assert!(!later.is_empty());
    }
}
