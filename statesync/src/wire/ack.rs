//! The acknowledgement: what the replica applied, and its wish for a session.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-------------------------------+---------------+---------------+
//! |        Magic (0x5353)         |  Version (1)  |   Type (2)    |
//! +-------------+-+---------------+---------------+---------------+
//! |  reserved   |W| Count of ranges |          Reserved           |
//! +-------------+-+---------------+-------------------------------+
//! |                   Session (64; 0: it has none)                |
//! |                   Barred (64)                                 |
//! |                   Start of the replica (64)                   |
//! |                   Hello number (64)                           |
//! |                   Settled (64)                                |
//! +---------------------------------------------------------------+
//! |         First (64), Last (64): batches that were applied      |
//! |                              ...                              |
//! +---------------------------------------------------------------+
//! ```
//! W: the replica has seen the whole table in this session.

use super::bytes::{Reader, Writer};
use super::{CHECKSUM_LEN, HelloId, MAX_DATAGRAM, TYPE_ACK, put_prefix};
use alloc::vec::Vec;
use ha_core::reject::Reject;

/// How many ranges of applied batches an acknowledgement bears. Where there are more, the oldest are left
/// out; their batches are then sent again, which changes nothing but the traffic.
pub const MAX_ACK_RANGES: usize = 32;

const FLAG_WHOLE: u8 = 0b0000_0001;

/// What the replica applied. Every acknowledgement is also a hello: it says which session the replica is
/// in, and which it would take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// The session that the replica is in; 0 if it is in none.
    pub session: u64,
    /// The replica will only ever take a session that answers a later hello than this: the one that its
    /// present session answered, or the last that it sent before it left one.
    pub barred: u64,
    /// Which start of the replica this is, and the number of this acknowledgement.
    pub hello: HelloId,
    /// Every batch up to this sequence is settled: if it is not among `applied`, it never will be.
    pub settled: u64,
    /// The sequences of the batches that are applied, in ascending order, first and last of each range.
    pub applied: Vec<(u64, u64)>,
    /// The replica has seen the whole table in this session.
    pub whole: bool,
}

impl Ack {
    /// Whether the batch with this sequence is applied.
    #[must_use]
    pub fn applies(&self, sequence: u64) -> bool {
        self.applied.iter().any(|(first, last)| (*first..=*last).contains(&sequence))
    }

    /// Writes the datagram into `buf`; its length, or `None` if it does not fit or bears more than
    /// [`MAX_ACK_RANGES`] ranges.
    #[must_use]
    pub fn emit(&self, buf: &mut [u8]) -> Option<usize> {
        let count = u8::try_from(self.applied.len()).ok()?;
        if self.applied.len() > MAX_ACK_RANGES {
            return None;
        }
        let mut writer = Writer::new(buf, MAX_DATAGRAM.saturating_sub(CHECKSUM_LEN));
        put_prefix(&mut writer, TYPE_ACK, if self.whole { FLAG_WHOLE } else { 0 }, count)?;
        let HelloId { start, number } = self.hello;
        for field in [self.session, self.barred, start, number, self.settled] {
            writer.put(&field.to_be_bytes())?;
        }
        for (first, last) in &self.applied {
            writer.put(&first.to_be_bytes())?;
            writer.put(&last.to_be_bytes())?;
        }
        writer.finish()
    }

    pub(super) fn parse(flags: u8, count: u8, mut reader: Reader<'_>) -> Result<Self, Reject> {
        let session = reader.u64()?;
        let barred = reader.u64()?;
        let hello = HelloId { start: reader.u64()?, number: reader.u64()? };
        let settled = reader.u64()?;
        if barred >= hello.number {
            return Err(Reject::Malformed { field: "barred" });
        }
        if usize::from(count) > MAX_ACK_RANGES {
            return Err(Reject::Malformed { field: "count" });
        }
        let mut applied = Vec::new();
        let mut before = 0;
        for _ in 0..count {
            let (first, last) = (reader.u64()?, reader.u64()?);
            if first <= before || last < first {
                return Err(Reject::Malformed { field: "applied" });
            }
            before = last;
            applied.push((first, last));
        }
        reader.finish()?;
        Ok(Self { session, barred, hello, settled, applied, whole: flags & FLAG_WHOLE != 0 })
    }
}
