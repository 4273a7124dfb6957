//! The header, the same in every message, and the checks that every datagram passes first.

use super::bytes::{Fixed, Writer, malformed};
use super::{CRC_LEN, LAYOUT, MAGIC, MAX_DATAGRAM_LEN, OUR_PROTOCOL};
use crate::identity::Member;
use core::fmt;
use core::num::NonZeroU64;
use ha_core::identity::{MAX_NAME_LEN, SerialNumber};
use ha_core::pair::ProtocolRange;
use ha_core::reject::Reject;

/// The length of the header in bytes.
pub(super) const HEADER_LEN: usize = 68;

/// What kind of message a datagram is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum MessageType {
    /// From every unit: see [`Advertisement`](super::Advertisement).
    Advertisement = 1,
    /// From the Master: see [`Management`](super::Management).
    Management = 2,
    /// From a node that asks for a virtual group: see [`Claim`](super::Claim).
    Claim = 3,
    /// From a node that gave one up: see [`Release`](super::Release).
    Release = 4,
}

impl MessageType {
    const fn from_wire(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Advertisement),
            2 => Some(Self::Management),
            3 => Some(Self::Claim),
            4 => Some(Self::Release),
            _ => None,
        }
    }
}

impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Advertisement => "advertisement",
            Self::Management => "management",
            Self::Claim => "claim",
            Self::Release => "release",
        })
    }
}

/// Names one datagram of a unit: the start of its sender, and its number within that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DatagramId {
    /// Which start of the unit sent it: a random number, never 0.
    pub start: NonZeroU64,
    /// Its number, which counts up from 1 over messages of all types. All paths' copies of a datagram bear
    /// the same.
    pub number: NonZeroU64,
}

impl DatagramId {
    /// The length of both numbers in bytes.
    pub(super) const LEN: usize = 16;

    /// `None` if one of them is 0.
    #[must_use]
    pub const fn new(start: u64, number: u64) -> Option<Self> {
        match (NonZeroU64::new(start), NonZeroU64::new(number)) {
            (Some(start), Some(number)) => Some(Self { start, number }),
            _ => None,
        }
    }

    pub(super) fn put(self, out: &mut Writer<'_>) -> Option<()> {
        out.put_u64(self.start.get())?;
        out.put_u64(self.number.get())
    }
}

/// Who sent a message, and which of its messages it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The protocol versions that the sender speaks. The oldest is not above the newest.
    pub protocol: ProtocolRange,
    /// The number of its cluster, chosen by the administrator, 0 to 65,535: so two clusters on one LAN are
    /// kept apart.
    pub cluster: u16,
    /// The sender: its node, and which unit of that it is.
    pub sender: Member,
    /// The version of the configuration by whose ranks it works; 0 if it has none yet. All use the rank table of
    /// the highest that they see, and pass that on (VG-2).
    pub config_version: u64,
    /// Which datagram this is.
    pub id: DatagramId,
    /// The sender's serial number, by which members are known (NODE-7).
    pub serial: SerialNumber,
}

impl Header {
    /// Whether there is a protocol version that both we and the sender speak.
    #[must_use]
    pub const fn is_understood(&self) -> bool {
        OUR_PROTOCOL.overlaps(self.protocol)
    }

    /// What no header can say.
    pub(super) const fn check(&self) -> Result<(), Reject> {
        if self.protocol.oldest > self.protocol.newest {
            return Err(malformed("protocol"));
        }
        Ok(())
    }

    /// The same, for a message that says nothing to whom its protocol is foreign.
    pub(super) fn check_understood(&self) -> Result<(), Reject> {
        self.check()?;
        if self.is_understood() {
            Ok(())
        } else {
            Err(Reject::Version { version: self.protocol.newest })
        }
    }

    pub(super) fn put(&self, kind: MessageType, len: usize, out: &mut Writer<'_>) -> Option<()> {
        out.put(MAGIC)?;
        out.put([LAYOUT, kind as u8])?;
        out.put_u16(u16::try_from(len).ok()?)?;
        out.put([self.protocol.oldest, self.protocol.newest])?;
        out.put_u16(self.cluster)?;
        out.put(super::bytes::member_bytes(self.sender))?;
        out.put_u64(self.config_version)?;
        self.id.put(out)?;
        let serial = self.serial.as_str().as_bytes();
        let mut padded = [0; MAX_NAME_LEN];
        padded.get_mut(..serial.len())?.copy_from_slice(serial);
        out.put(padded)
    }
}

/// A datagram whose check sum, length and header are right; of the rest nothing is known yet. A receiver can
/// tell from it that a message is a stranger's, or old, before it reads any further.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    kind: MessageType,
    header: Header,
    body: &'a [u8],
    len: usize,
}

impl<'a> Datagram<'a> {
    /// Checks a datagram.
    ///
    /// # Errors
    /// The first thing that is wrong with its length, its first bytes, its check sum or its header, in this
    /// order. Every single flipped bit is found.
    pub fn check(datagram: &'a [u8]) -> Result<Self, Reject> {
        let len = datagram.len();
        if len > MAX_DATAGRAM_LEN {
            return Err(Reject::TooLong { len });
        }
        let truncated = Reject::Truncated { at: len };
        let (covered, crc) = datagram.split_last_chunk::<CRC_LEN>().ok_or(truncated)?;
        let (header, body) = covered.split_first_chunk::<HEADER_LEN>().ok_or(truncated)?;
        let fixed = Fixed(header);
        if fixed.bytes(0) != MAGIC {
            return Err(Reject::Magic);
        }
        match usize::from(fixed.u16(4)) {
            stated if stated > len => return Err(truncated),
            stated if stated < len => {
                return Err(Reject::Overlong { extra: len.saturating_sub(stated) });
            }
            _ => {}
        }
        if crc32fast::hash(covered) != u32::from_be_bytes(*crc) {
            return Err(Reject::Checksum);
        }
        let layout = fixed.u8(2);
        if layout != LAYOUT {
            return Err(Reject::Version { version: layout });
        }
        let kind = MessageType::from_wire(fixed.u8(3)).ok_or(malformed("message type"))?;
        let header = Header {
            protocol: ProtocolRange { oldest: fixed.u8(6), newest: fixed.u8(7) },
            cluster: fixed.u16(8),
            sender: fixed.member(10, "sender")?,
            config_version: fixed.u64(12),
            id: fixed.id(20, "number")?,
            serial: serial(fixed.bytes(36))?,
        };
        header.check()?;
        Ok(Self { kind, header, body, len })
    }

    /// What kind of message it is.
    #[must_use]
    pub const fn kind(&self) -> MessageType {
        self.kind
    }

    /// Who sent it, and which of its messages it is.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The fixed fields that follow the header, and the elements, if it is a message of this kind.
    pub(super) fn body<const N: usize>(
        &self,
        kind: MessageType,
    ) -> Result<(Fixed<'a, N>, &'a [u8]), Reject> {
        if self.kind != kind {
            return Err(malformed("message type"));
        }
        let truncated = Reject::Truncated { at: self.len };
        let (fixed, elements) = self.body.split_first_chunk().ok_or(truncated)?;
        Ok((Fixed(fixed), elements))
    }
}

/// A serial number that is padded with zeros.
fn serial(padded: [u8; MAX_NAME_LEN]) -> Result<SerialNumber, Reject> {
    let halves = Fixed(&padded);
    let (first, second) = (halves.u128(0), halves.u128(16));
    let zeros = match second {
        0 => first.trailing_zeros().saturating_add(u128::BITS),
        _ => second.trailing_zeros(),
    };
    let padding = usize::try_from(zeros / u8::BITS).unwrap_or(MAX_NAME_LEN);
    let text = padded.get(..MAX_NAME_LEN.saturating_sub(padding)).unwrap_or_default();
    name(text, "serial number")
}

/// A name of any kind.
pub(super) fn name<T: core::str::FromStr>(bytes: &[u8], field: &'static str) -> Result<T, Reject> {
    core::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()).ok_or(malformed(field))
}
