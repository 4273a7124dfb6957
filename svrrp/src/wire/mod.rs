//! The messages of SVRRP on the wire: checked views of the bytes, and small valid representations.
//!
//! One datagram is one message, at most [`MAX_DATAGRAM_LEN`] bytes long. All numbers are in network byte order.
//!
//! | type | message | from | |
//! | --- | --- | --- | --- |
//! | 1 | [advertisement] | every unit | who it is, its condition, link weights, stances, owners, whom it hears |
//! | 2 | [management] | the Master | members, owners |
//! | 3 | [claim] | a node that asks for a virtual group | a nonce, an echo which shows that it is no recording |
//! | 4 | [release](claim) | a node that gave one up | the nonce that is granted, the successor |
//! | 5 to 8 | | | kept for the distribution of settings, firmware and signatures (SYNC-6), which is still to come: refused, like any other type, as [`Reject::Malformed`] in the field `message type` |
//!
//! # The header
//! Every message begins with the same 68 bytes:
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |        Magic  0x5356          |  Layout = 1   |     Type      |   0
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! | Length of the whole datagram  | Oldest proto. | Newest proto. |   4
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |        Cluster number         |     Node      |     Unit      |   8
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |               Version of the configuration (64)               |  12
//! |                    Start of the sender (64)                   |  20
//! |                 Number of this datagram (64)                  |  28
//! |         Serial number of the sender, padded with zeros        |  36
//! |                          (32 bytes)                           |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//! Length: in bytes, with the header and the CRC. Node: 1 to 4. Unit: 0 the Primary, 1 the Secondary; the unit of a
//! single-unit node is its Primary. Start and number are never 0.
//!
//! The header keeps its place in every version of the protocol, and so does what stands before the elements of an
//! advertisement. The layout changes only if that has to.
//!
//! # Elements
//! What a message says beyond its fixed fields it says in elements:
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |M|    Type     |    Length     |  Value, as many bytes ...
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//! The M bit (bit 7) belongs to the type. Elements that have it must be understood by a receiver of the same
//! protocol version; others are skipped if they are unknown. Elements stand in ascending order of their types, each
//! type at most once where the message does not say otherwise. So what a message says has one form only.
//!
//! # The end
//! The last four bytes are the CRC-32 (the polynomial of IEEE 802.3) over all bytes before them. It protects from
//! faults, not from attackers: that is the duty of the seal below.
//!
//! # What is refused
//! A datagram counts as a whole or not at all. In this order:
//! - longer than [`MAX_DATAGRAM_LEN`]: [`Reject::TooLong`]; shorter than a header and a check sum, or than it says:
//!   [`Reject::Truncated`]; longer than it says: [`Reject::Overlong`]; not of this protocol: [`Reject::Magic`];
//! - a check sum that does not match: [`Reject::Checksum`]. So a single flipped bit is always found: in the magic or
//!   the length by itself, anywhere else by the check sum;
//! - another layout: [`Reject::Version`];
//! - a field with a value that is not allowed: [`Reject::Malformed`] with the name of the field. So are elements that
//!   reach beyond the end (`element length`), that stand twice, in the wrong order, or are unknown but must be
//!   understood; lists that are empty, too long or cut within an entry; entries twice or in the wrong order; necessary
//!   elements that are missing, by the name of what is missing;
//! - fixed fields that do not fit: [`Reject::Truncated`]; a single byte behind the last element: [`Reject::Overlong`].
//!
//! A sender whose protocol versions we do not speak is alive all the same: of its advertisements all but the
//! elements is read. Its other messages are refused: [`Reject::Version`] with its newest protocol version.
//!
//! # What contradicts itself
//! The parser refuses what no sender can mean: a stance without its nonce or the node that it must name, or with one
//! that it has no use for; a node that asks itself, or is its own successor; a unit that hears itself; a Master that
//! does not own VG 1, or does not list itself with its own serial number; two members with one serial number. What a
//! message says beyond that is taken by its fields, and one that contradicts another does no harm:
//! - *Barred, and can be active*: it is barred.
//! - *A stance of a unit that is not active*: it does not speak for its node (NODE-4).
//! - *A holder of a group that sees another owner, or none*: it holds it. Two who hold it are a conflict, whatever
//!   they see (SVRRP-5).
//! - *A node named that owns nothing, or does not exist*: nobody answers.
//! - *A unit heard on no path, or on paths that we do not have*: heard on none of ours; the echo counts.
//! - *An echo of what we did not send*: as if there were none.
//! - *A claim whose link weight differs from the last advertisement's*: the advertisement's counts. What a claim says of
//!   the weight is for people who read a trace.
//! - *Ranks that are missing or equal*: no candidate; the lower node number (VG-2).
//! - *A term, a weight or a version at its end*: compared as it is.
//!
//! The machine judges what takes a memory: another cluster's number, our own serial number, a stranger's, a number that
//! is not above the last one, a start that is not proven.

pub mod advertisement;
mod bytes;
pub mod claim;
pub mod content;
mod element;
pub mod group;
mod header;
pub mod heard;
pub mod management;
mod table;

pub use advertisement::{Advertisement, AdvertisementView, Condition, UnitReport};
pub use claim::{Claim, Release};
pub use content::Content;
pub use element::MUST_UNDERSTAND;
pub use group::{GroupEntry, GroupStance};
pub use header::{Datagram, DatagramId, Header, MessageType};
pub use heard::{HeardEntry, MAX_CLUSTER_LINKS, Paths, X0_PATH};
pub use management::Management;
pub use table::{ByGroup, ByMember};

use ha_core::pair::ProtocolRange;
use ha_core::reject::Reject;

/// The longest datagram in bytes.
pub const MAX_DATAGRAM_LEN: usize = 512;
/// The first two bytes of every datagram.
pub const MAGIC: [u8; 2] = *b"SV";
/// The version of the layout: of the header, and of the fixed fields of an advertisement.
pub const LAYOUT: u8 = 1;
/// The protocol versions that this release speaks.
pub const OUR_PROTOCOL: ProtocolRange = ProtocolRange { oldest: 1, newest: 1 };

const CRC_LEN: usize = 4;

/// Why a message was not written. Nothing of use is in the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EmitError {
    /// The buffer is too short. One of [`MAX_DATAGRAM_LEN`] bytes never is.
    #[error("the buffer is shorter than the {needed} bytes of the message")]
    TooShort {
        /// How many bytes there must be.
        needed: usize,
    },
    /// A receiver would refuse it.
    #[error("a receiver would refuse it: {0}")]
    Invalid(#[source] Reject),
}

/// A message of any type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// All of them are short, and none is kept: a box would cost an allocation for each datagram.
#[allow(clippy::large_enum_variant)]
pub enum Message {
    /// From every unit.
    Advertisement(Advertisement),
    /// From the Master.
    Management(Management),
    /// From a node that asks for a virtual group.
    Claim(Claim),
    /// From a node that gave one up.
    Release(Release),
}

impl Message {
    /// Reads a message. Nothing is allocated.
    ///
    /// # Errors
    /// The first thing that is wrong with it: see [above](self).
    pub fn parse(datagram: &[u8]) -> Result<Self, Reject> {
        Self::of(&Datagram::check(datagram)?)
    }

    /// Reads what a datagram says beyond its header.
    ///
    /// # Errors
    /// As those of [`Message::parse`].
    pub fn of(datagram: &Datagram<'_>) -> Result<Self, Reject> {
        match datagram.kind() {
            MessageType::Advertisement => Advertisement::of(datagram).map(Self::Advertisement),
            MessageType::Management => Management::of(datagram).map(Self::Management),
            MessageType::Claim => Claim::of(datagram).map(Self::Claim),
            MessageType::Release => Release::of(datagram).map(Self::Release),
        }
    }

    /// Who sent it.
    #[must_use]
    pub const fn header(&self) -> &Header {
        match self {
            Self::Advertisement(message) => &message.header,
            Self::Management(message) => &message.header,
            Self::Claim(message) => &message.header,
            Self::Release(message) => &message.header,
        }
    }

    /// What kind of message it is.
    #[must_use]
    pub const fn kind(&self) -> MessageType {
        match self {
            Self::Advertisement(_) => MessageType::Advertisement,
            Self::Management(_) => MessageType::Management,
            Self::Claim(_) => MessageType::Claim,
            Self::Release(_) => MessageType::Release,
        }
    }

    /// Its length in bytes, at most [`MAX_DATAGRAM_LEN`].
    #[must_use]
    pub fn wire_len(&self) -> usize {
        match self {
            Self::Advertisement(message) => message.wire_len(),
            Self::Management(message) => message.wire_len(),
            Self::Claim(message) => message.wire_len(),
            Self::Release(message) => message.wire_len(),
        }
    }

    /// Writes it to the front of `buf` and returns its length, [`Message::wire_len`].
    ///
    /// # Errors
    /// What [`Message::parse`] would refuse is not written, and neither is anything to a buffer that is too short.
    pub fn emit(&self, buf: &mut [u8]) -> Result<usize, EmitError> {
        match self {
            Self::Advertisement(message) => message.emit(buf),
            Self::Management(message) => message.emit(buf),
            Self::Claim(message) => message.emit(buf),
            Self::Release(message) => message.emit(buf),
        }
    }
}
