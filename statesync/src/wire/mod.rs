//! The wire format: one datagram is one batch, or one acknowledgement.
//!
//! Numbers of fixed width are in network byte order; what lies inside a section is
//! [postcard](https://postcard.jamesmunns.com/wire-format). A datagram is at most [`MAX_DATAGRAM`] bytes
//! long and ends in a CRC-32 (the polynomial of IEEE 802.3) over all bytes before it. It protects from
//! faults, not from attackers: that is the duty of the seal below.
//!
//! # Every datagram
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-------------------------------+---------------+---------------+
//! |        Magic (0x5353)         |  Version (1)  |     Type      |
//! +---------------+---------------+---------------+---------------+
//! |     Flags     |     Count     |     Reserved (sent as 0)      |
//! +---------------+---------------+-------------------------------+
//! |             fields of the type, see Batch and Ack             |
//! +---------------------------------------------------------------+
//! |                     CRC-32 of all above                       |
//! +---------------------------------------------------------------+
//! ```
//! Type 1 is a [batch], type 2 an [acknowledgement](ack). Flags that a receiver does not know, and the
//! reserved bytes, are ignored; another version is rejected.
//!
//! # Kinds of records
//! | number | kind |
//! | --- | --- |
//! | 0 | never used; malformed |
//! | 1 | [`Connection`](crate::connection::Connection) |
//! | 2 to 127 | for kinds of this crate |
//! | 128 to 191 | for kinds of a vendor |
//! | 192 to 255 | local kinds: records that never leave their unit. A section that claims to carry one is malformed (STATE-3) |
//!
//! A section of a kind that the receiver does not know is skipped and counted (STATE-13).

pub mod ack;
pub mod batch;
mod bytes;

pub use ack::Ack;
pub use batch::{Batch, BatchHeader, Entry, Section};

use bytes::{Reader, Writer};
use ha_core::reject::Reject;

/// The length of the longest datagram, in bytes: fits an Ethernet frame with room for the seal.
pub const MAX_DATAGRAM: usize = 1400;
/// The first two bytes of every datagram.
pub const MAGIC: u16 = 0x5353;
/// The version of the layout.
pub const VERSION: u8 = 1;
/// The number of [`Connection`](crate::connection::Connection) among the kinds of records.
pub const KIND_CONNECTION: u8 = 1;
/// The first number of the local kinds, which are never sent.
pub const FIRST_LOCAL_KIND: u8 = 192;

const TYPE_BATCH: u8 = 1;
const TYPE_ACK: u8 = 2;
const CHECKSUM_LEN: usize = 4;

/// One start of a replica, and one of the acknowledgements that it sent: what a session answers. So
/// nothing that was sent before the replica asked can be taken for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HelloId {
    /// Names the start of the replica.
    pub start: u64,
    /// The number of the acknowledgement, from 1 in each start.
    pub number: u64,
}

/// A datagram that was checked whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Datagram {
    /// Records, from the publisher.
    Batch(Batch),
    /// What was applied, from the replica.
    Ack(Ack),
}

impl Datagram {
    /// Checks and decodes a datagram. What it allocates is bounded by the datagram's length.
    ///
    /// # Errors
    /// Why it is not a datagram of this protocol. Nothing else comes of it.
    pub fn parse(datagram: &[u8]) -> Result<Self, Reject> {
        if datagram.len() > MAX_DATAGRAM {
            return Err(Reject::TooLong { len: datagram.len() });
        }
        let mut reader = Reader::new(datagram);
        if reader.u16()? != MAGIC {
            return Err(Reject::Magic);
        }
        let version = reader.u8()?;
        if version != VERSION {
            return Err(Reject::Version { version });
        }
        reader.cut_checksum()?;
        let kind = reader.u8()?;
        let flags = reader.u8()?;
        let count = reader.u8()?;
        reader.u16()?;
        match kind {
            TYPE_BATCH => Batch::parse(flags, reader).map(Self::Batch),
            TYPE_ACK => Ack::parse(flags, count, reader).map(Self::Ack),
            _ => Err(Reject::Malformed { field: "type" }),
        }
    }
}

/// Writes the first eight bytes.
fn put_prefix(writer: &mut Writer<'_>, kind: u8, flags: u8, count: u8) -> Option<()> {
    writer.put(&MAGIC.to_be_bytes())?;
    writer.put(&[VERSION, kind, flags, count, 0, 0])
}
