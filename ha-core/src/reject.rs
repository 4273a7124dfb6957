//! Why a datagram was ignored, and how often: bad input changes nothing but a counter (with the two
//! exceptions that [`Reject::Serial`] and [`Reject::UnprovenStart`] name), and is never lost in silence.

use thiserror::Error;

/// Why a datagram was ignored. Only the counter of its [`RejectKind`] changed, but for what
/// [`Reject::Serial`] and [`Reject::UnprovenStart`] say of themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Reject {
    /// It ends before its fields do.
    #[error("truncated at byte {at}")]
    Truncated {
        /// How many bytes there are.
        at: usize,
    },
    /// Bytes follow its last field.
    #[error("{extra} bytes follow the last field")]
    Overlong {
        /// How many.
        extra: usize,
    },
    /// It is longer than any that this protocol sends.
    #[error("{len} bytes are more than this protocol sends")]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// It does not begin like a datagram of this protocol.
    #[error("not a datagram of this protocol")]
    Magic,
    /// Its layout is of a version that we do not know.
    #[error("layout version {version} is unknown")]
    Version {
        /// The version that it states.
        version: u8,
    },
    /// Its check sum does not match.
    #[error("the check sum does not match")]
    Checksum,
    /// A field has a value that is not allowed.
    #[error("field `{field}` has a value that is not allowed")]
    Malformed {
        /// The field.
        field: &'static str,
    },
    /// It comes from a unit that is not the configured peer.
    #[error("not from the configured peer")]
    UnknownPeer,
    /// It came on a path that is not configured.
    #[error("the path is not configured")]
    UnknownPath,
    /// It is for a protocol that this machine does not speak.
    #[error("the channel is not ours")]
    UnknownChannel,
    /// It bears another serial number than the configured peer's (PAIR-14). The role machine also tells
    /// of it, once a minute at the most ([`Event::Stranger`](crate::pair::Event::Stranger)).
    #[error("the serial number is not the configured peer's")]
    Serial,
    /// It bears our own serial number: our own datagram came back, or two units are configured alike. (A peer
    /// with its own serial number and our designation is heard, and is a
    /// [mismatch](crate::pair::Mismatch::Designation).)
    #[error("it claims to come from ourselves")]
    Reflected,
    /// It is not newer than what was heard before: a copy, or too late.
    #[error("not newer than what was heard before")]
    Stale,
    /// It belongs to a start of the peer that has not proven to be the present one. The role machine
    /// remembers the newest such start and echoes it while the known one is quiet, so that it can prove
    /// itself; nothing else changes.
    #[error("from a start of the peer that is not proven to be the present one")]
    UnprovenStart,
    /// It belongs to a session, or to a former start of the peer, that is not the present one.
    #[error("from a session that is not the present one")]
    Session,
    /// It is of no use in our present role.
    #[error("of no use in the present role")]
    Role,
    /// It cannot be taken now; the sender will try again.
    #[error("cannot be taken now")]
    Busy,
}

/// [`Reject`] without its details: what is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
#[repr(u8)]
#[allow(missing_docs)] // each is the variant of `Reject` of the same name
pub enum RejectKind {
    Truncated,
    Overlong,
    TooLong,
    Magic,
    Version,
    Checksum,
    Malformed,
    UnknownPeer,
    UnknownPath,
    UnknownChannel,
    Serial,
    Reflected,
    Stale,
    UnprovenStart,
    Session,
    Role,
    Busy,
}

impl RejectKind {
    /// All kinds, in the order of their declaration.
    pub const ALL: [Self; 17] = [
        Self::Truncated,
        Self::Overlong,
        Self::TooLong,
        Self::Magic,
        Self::Version,
        Self::Checksum,
        Self::Malformed,
        Self::UnknownPeer,
        Self::UnknownPath,
        Self::UnknownChannel,
        Self::Serial,
        Self::Reflected,
        Self::Stale,
        Self::UnprovenStart,
        Self::Session,
        Self::Role,
        Self::Busy,
    ];

    /// The kind's name as a metric or a status line writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Overlong => "overlong",
            Self::TooLong => "too-long",
            Self::Magic => "magic",
            Self::Version => "version",
            Self::Checksum => "checksum",
            Self::Malformed => "malformed",
            Self::UnknownPeer => "unknown-peer",
            Self::UnknownPath => "unknown-path",
            Self::UnknownChannel => "unknown-channel",
            Self::Serial => "serial",
            Self::Reflected => "reflected",
            Self::Stale => "stale",
            Self::UnprovenStart => "unproven-start",
            Self::Session => "session",
            Self::Role => "role",
            Self::Busy => "busy",
        }
    }
}

impl Reject {
    /// What is counted.
    #[must_use]
    pub const fn kind(&self) -> RejectKind {
        match self {
            Self::Truncated { .. } => RejectKind::Truncated,
            Self::Overlong { .. } => RejectKind::Overlong,
            Self::TooLong { .. } => RejectKind::TooLong,
            Self::Magic => RejectKind::Magic,
            Self::Version { .. } => RejectKind::Version,
            Self::Checksum => RejectKind::Checksum,
            Self::Malformed { .. } => RejectKind::Malformed,
            Self::UnknownPeer => RejectKind::UnknownPeer,
            Self::UnknownPath => RejectKind::UnknownPath,
            Self::UnknownChannel => RejectKind::UnknownChannel,
            Self::Serial => RejectKind::Serial,
            Self::Reflected => RejectKind::Reflected,
            Self::Stale => RejectKind::Stale,
            Self::UnprovenStart => RejectKind::UnprovenStart,
            Self::Session => RejectKind::Session,
            Self::Role => RejectKind::Role,
            Self::Busy => RejectKind::Busy,
        }
    }
}

/// How many datagrams were ignored, by kind. Saturates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RejectCounters([u64; RejectKind::ALL.len()]);

impl RejectCounters {
    /// Counts one.
    pub fn count(&mut self, reject: &Reject) {
        if let Some(counter) = self.0.get_mut(reject.kind() as usize) {
            *counter = counter.saturating_add(1);
        }
    }

    /// How many of one kind.
    #[must_use]
    pub fn get(&self, kind: RejectKind) -> u64 {
        self.0.get(kind as usize).copied().unwrap_or(0)
    }

    /// How many in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// All kinds with their counts, those that are 0 too.
    pub fn all(&self) -> impl Iterator<Item = (RejectKind, u64)> + '_ {
        RejectKind::ALL.into_iter().zip(self.0)
    }

    /// The kinds that occurred, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (RejectKind, u64)> + '_ {
        self.all().filter(|(_, count)| *count > 0)
    }
}

#[cfg(feature = "serde")]
mod by_name {
    //! Serialized as a map from the names of the kinds that occurred to their counts. A name that this release
    //! does not know is passed over when it is read.

    use super::{RejectCounters, RejectKind};
    use alloc::collections::BTreeMap;
    use alloc::string::String;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    impl Serialize for RejectCounters {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_map(self.iter().map(|(kind, count)| (kind.name(), count)))
        }
    }

    impl<'de> Deserialize<'de> for RejectCounters {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let counts = BTreeMap::<String, u64>::deserialize(deserializer)?;
            let count = |kind: RejectKind| counts.get(kind.name()).copied().unwrap_or(0);
            Ok(Self(RejectKind::ALL.map(count)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// STA-1, COS-5: the counts survive being written and read, by names that stay.
    #[cfg(feature = "serde")]
    #[test]
    fn counters_are_read_as_they_were_written() {
        let mut counters = RejectCounters::default();
        for _ in 0..3 {
            counters.count(&Reject::Stale);
        }
        counters.count(&Reject::Busy);
        let written = serde_json::to_string(&counters).unwrap();
        assert_eq!(written, r#"{"stale":3,"busy":1}"#);
        assert_eq!(serde_json::from_str::<RejectCounters>(&written).unwrap(), counters);
        let of_a_later_release = r#"{"stale":3,"busy":1,"bored":7}"#;
        assert_eq!(serde_json::from_str::<RejectCounters>(of_a_later_release).unwrap(), counters);
    }

    #[test]
    fn every_kind_has_a_counter_of_its_own() {
        for (at, kind) in RejectKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, at);
        }
        let mut counters = RejectCounters::default();
        counters.count(&Reject::Stale);
        counters.count(&Reject::Version { version: 9 });
        assert_eq!(counters.total(), 2);
        assert_eq!(counters.get(RejectKind::Stale), 1);
        assert_eq!(counters.iter().count(), 2);
    }
}
