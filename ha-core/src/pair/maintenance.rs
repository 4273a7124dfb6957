//! Maintenance mode: a unit that does not take the Active role, also after a restart (BEY-8).

use core::time::Duration;

/// Maintenance mode, as an administrator sets it.
///
/// An Active goes into it by handing the role over; so it is refused if the peer cannot take over. It acts
/// once it is persisted, and is found again at the next start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Maintenance {
    /// The unit takes part.
    #[default]
    Off,
    /// It does not take the role.
    On {
        /// It ends by itself after so much running time of the unit; never if `None`. A restart begins it
        /// anew, since no wall clock is used (our decision). Whole milliseconds are kept.
        lasts: Option<Duration>,
    },
}

const VERSION: u8 = 1;
const OFF: u8 = 0;
const WITHOUT_END: u8 = 1;
const WITH_END: u8 = 2;
/// Bytes of a persisted record: version, kind, milliseconds.
pub(super) const RECORD_LEN: usize = 10;

impl Maintenance {
    /// What is persisted: a version, a kind, and the time in milliseconds, in network byte order.
    #[must_use]
    pub fn to_bytes(self) -> [u8; RECORD_LEN] {
        let (kind, lasts) = match self {
            Self::Off => (OFF, Duration::ZERO),
            Self::On { lasts: None } => (WITHOUT_END, Duration::ZERO),
            Self::On { lasts: Some(lasts) } => (WITH_END, lasts),
        };
        let mut record = [0; RECORD_LEN];
        let [version, kind_at, millis @ ..] = &mut record;
        (*version, *kind_at) = (VERSION, kind);
        *millis = u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX).to_be_bytes();
        record
    }

    /// Reads what was persisted; `None` if it is not such a record.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let [VERSION, kind, millis @ ..] = bytes else { return None };
        let lasts = Duration::from_millis(u64::from_be_bytes(millis.try_into().ok()?));
        match *kind {
            OFF => Some(Self::Off),
            WITHOUT_END => Some(Self::On { lasts: None }),
            WITH_END => Some(Self::On { lasts: Some(lasts) }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// BEY-8: what is persisted is read as it was written, and nothing else is taken for it.
        #[test]
        fn a_record_is_read_as_it_was_written(millis in any::<Option<u64>>(), cut in 0..RECORD_LEN) {
            let on = Maintenance::On { lasts: millis.map(Duration::from_millis) };
            for maintenance in [Maintenance::Off, on] {
                let bytes = maintenance.to_bytes();
                prop_assert_eq!(Maintenance::from_bytes(&bytes), Some(maintenance));
                prop_assert_eq!(Maintenance::from_bytes(&bytes[..cut]), None);
            }
        }

        /// BEY-8: arbitrary bytes are either read, or refused; nothing panics.
        #[test]
        fn arbitrary_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            if let Some(maintenance) = Maintenance::from_bytes(&bytes) {
                prop_assert_eq!(bytes.len(), RECORD_LEN);
                prop_assert!(bytes[1] == maintenance.to_bytes()[1]);
            }
        }
    }
}
