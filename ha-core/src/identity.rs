//! Who is who: serial numbers, models, firmware versions, and the small numbers that name units,
//! paths and interfaces in a configuration.

use arrayvec::ArrayString;
use core::fmt;
use core::str::FromStr;
use thiserror::Error;

/// The longest serial number, model, firmware version or label, in bytes.
pub const MAX_NAME_LEN: usize = 32;

/// Why a text is not a valid [`SerialNumber`], [`Model`], [`FirmwareVersion`] or [`Label`]. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// There is no text.
    #[error("the name is empty")]
    Empty,
    /// The text has more than [`MAX_NAME_LEN`] bytes.
    #[error("the name has {len} bytes, at most {MAX_NAME_LEN} are allowed")]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// A byte is not a visible ASCII character (0x21 to 0x7e).
    #[error("byte {at} of the name is not a visible ASCII character")]
    Character {
        /// The position of the first such byte, from 0.
        at: usize,
    },
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// 1 to [`MAX_NAME_LEN`] visible ASCII characters, kept in place: no allocation.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(try_from = "ArrayString<MAX_NAME_LEN>"))]
        pub struct $name(ArrayString<MAX_NAME_LEN>);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// A text that is known to be valid.
            #[allow(dead_code)] // not every kind of name has such
            pub(crate) fn known(text: &'static str) -> Self {
                Self(ArrayString::from(text).unwrap_or_default())
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                checked_name(text).map(Self)
            }
        }

        impl TryFrom<ArrayString<MAX_NAME_LEN>> for $name {
            type Error = NameError;

            fn try_from(text: ArrayString<MAX_NAME_LEN>) -> Result<Self, NameError> {
                text.as_str().parse()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

name!(
    /// The serial number of one unit. It is what a unit trusts about its peer's identity (PAIR-14).
    SerialNumber
);
name!(
    /// The hardware model. Both units of a pair are of the same (PAIR-14, LIC-2).
    Model
);
name!(
    /// The firmware version. Both units of a pair run the same, but for an announced upgrade (PAIR-14).
    FirmwareVersion
);
name!(
    /// A short word for a log or a status: who demotes a unit, and for what (BEY-7).
    Label
);

fn checked_name(text: &str) -> Result<ArrayString<MAX_NAME_LEN>, NameError> {
    if text.is_empty() {
        return Err(NameError::Empty);
    }
    if let Some(at) = text.bytes().position(|byte| !byte.is_ascii_graphic()) {
        return Err(NameError::Character { at });
    }
    ArrayString::from(text).map_err(|_| NameError::TooLong { len: text.len() })
}

/// The fixed designation of a unit, set by configuration. It never changes while the unit runs, and
/// is not to be mixed up with its [role](crate::pair::Role) (PAIR-1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "lowercase")
)]
pub enum Designation {
    /// The unit that is preferred where everything else is equal (PAIR-5).
    Primary,
    /// The other one.
    Secondary,
}

impl Designation {
    /// The designation of the peer.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Primary => Self::Secondary,
            Self::Secondary => Self::Primary,
        }
    }
}

impl fmt::Display for Designation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Primary => "Primary",
            Self::Secondary => "Secondary",
        })
    }
}

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($inner:ty), $display:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(transparent))]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, $display, self.0)
            }
        }
    };
}

number!(
    /// Names a unit that this one talks to. The driver knows a datagram's sender by it. In a pair the
    /// Primary is 0 and the Secondary is 1.
    UnitId(u8),
    "unit {}"
);
number!(
    /// Names a heartbeat path between two units (PAIR-12), in the order of the configuration. Both
    /// units give a path the same number.
    PathId(u8),
    "path {}"
);
number!(
    /// Names a data interface. Both units give an interface the same number; the derived virtual MAC
    /// depends on it (VMAC-1).
    InterfaceId(u16),
    "interface {}"
);
number!(
    /// Names a critical service that is watched. Both units give it the same number (CRASH-1).
    ServiceId(u16),
    "service {}"
);
number!(
    /// The number of a pair, chosen by the administrator and kept when a unit is replaced. The derived
    /// virtual MACs depend on it (VMAC-1): two pairs on one LAN need different ones.
    PairId(u16),
    "pair {}"
);

impl UnitId {
    /// The unit of a pair that has this designation.
    #[must_use]
    pub const fn of(designation: Designation) -> Self {
        match designation {
            Designation::Primary => Self(0),
            Designation::Secondary => Self(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_bounded_visible_ascii() {
        assert_eq!("".parse::<SerialNumber>(), Err(NameError::Empty));
        assert_eq!("A B".parse::<SerialNumber>(), Err(NameError::Character { at: 1 }));
        assert_eq!("ä".parse::<Model>(), Err(NameError::Character { at: 0 }));
        let long = "x".repeat(33);
        assert_eq!(long.parse::<Model>(), Err(NameError::TooLong { len: 33 }));
        assert_eq!("0017C5-1".parse::<SerialNumber>().unwrap().as_str(), "0017C5-1");
    }
}
