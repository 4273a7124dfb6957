//! The batch: changed records, and chunks of a catch-up, all as they were at one moment.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-------------------------------+---------------+---------------+
//! |        Magic (0x5353)         |  Version (1)  |   Type (1)    |
//! +-------------+-+---------------+---------------+---------------+
//! |  reserved   |C|                   Reserved                    |
//! +-------------+-+-----------------------------------------------+
//! |                   Session (64)                                |
//! |                   Answered start of the replica (64)          |
//! |                   Answered hello number (64)                  |
//! |                   Sequence (64, from 1)                       |
//! |                   Floor (64)                                  |
//! +---------------------------------------------------------------+
//! |                           sections                            |
//! +---------------------------------------------------------------+
//!
//! Section:
//! +---------------+---------------+-------------------------------+
//! |     Kind      |     Form      |    Length of what follows     |
//! +---------------+---------------+-------------------------------+
//! |       Count of records        |            records            |
//! +-------------------------------+-------------------------------+
//! ```
//! C: the replica has had the whole table; without it a catch-up is under way.
//!
//! Floor is the lowest sequence that the publisher still waits for. What was applied below it need not be
//! acknowledged any more.
//!
//! The length counts the bytes after its own field: the count, and the records. Forms of kind 1:
//! - 1, *changes*: `count` times an [`Entry`].
//! - 2, *range*: the key before the range (an option), `count` times a [`Connection`] in ascending order,
//!   the last key of the range (an option). These records are exactly what there is in the range.

use super::bytes::{Reader, Writer};
use super::{
    CHECKSUM_LEN, FIRST_LOCAL_KIND, HelloId, KIND_CONNECTION, MAX_DATAGRAM, TYPE_BATCH, put_prefix,
};
use crate::connection::{Connection, ConnectionKey};
use crate::ranges::KeyRange;
use alloc::vec::Vec;
use ha_core::reject::Reject;
use serde::{Deserialize, Serialize};

const FLAG_COMPLETE: u8 = 0b0000_0001;
const FORM_CHANGES: u8 = 1;
const FORM_RANGE: u8 = 2;
const SECTION_HEADER_LEN: usize = 6;
/// More than an optional key takes: two tags and two IPv6 addresses, the option's, and the transport.
const KEY_ROOM: usize = 48;

/// The fixed part of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchHeader {
    /// The session, minted by the publisher. Not 0.
    pub session: u64,
    /// The hello that the session answers.
    pub answers: HelloId,
    /// Numbers the batches of a session, from 1. A replica never goes back.
    pub sequence: u64,
    /// The lowest sequence that the publisher still waits for; 1 to `sequence`.
    pub floor: u64,
    /// The replica has had the whole table.
    pub complete: bool,
}

/// A batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Its fixed part.
    pub header: BatchHeader,
    /// The sections of kinds that we know.
    pub sections: Vec<Section>,
    /// The kinds of the sections that were skipped, since we do not know them (STATE-13).
    pub skipped: Vec<u8>,
}

/// A section of connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Section {
    /// Records that changed.
    Changes(Vec<Entry>),
    /// Everything that there is in a range of keys.
    Range {
        /// The range.
        range: KeyRange,
        /// Its records in ascending order.
        records: Vec<Connection>,
    },
}

/// A changed record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// Made, maybe after another of the same key was deleted: it replaces whatever is under its key.
    New(Connection),
    /// Changed.
    Update(Connection),
    /// Deleted.
    Delete(ConnectionKey),
}

impl Entry {
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::New(connection) | Self::Update(connection) => connection.check(),
            Self::Delete(key) => key.check(),
        }
    }
}

impl Batch {
    /// Writes the datagram into `buf` (but for skipped sections); its length, or `None` if it does not
    /// fit.
    #[must_use]
    pub fn emit(&self, buf: &mut [u8]) -> Option<usize> {
        let mut writer = BatchWriter::new(buf, &self.header)?;
        for section in &self.sections {
            match section {
                Section::Changes(entries) => {
                    let mut section = writer.changes()?;
                    for entry in entries {
                        section.put(entry)?;
                    }
                    section.finish()?;
                }
                Section::Range { range, records } => {
                    let mut section = writer.range(range.after)?;
                    for record in records {
                        section.put(record)?;
                    }
                    section.finish_range(range.upto)?;
                }
            }
        }
        writer.finish()
    }

    pub(super) fn parse(flags: u8, mut reader: Reader<'_>) -> Result<Self, Reject> {
        let header = BatchHeader {
            session: reader.u64()?,
            answers: HelloId { start: reader.u64()?, number: reader.u64()? },
            sequence: reader.u64()?,
            floor: reader.u64()?,
            complete: flags & FLAG_COMPLETE != 0,
        };
        if header.session == 0 {
            return Err(Reject::Malformed { field: "session" });
        }
        if header.floor == 0 || header.floor > header.sequence {
            return Err(Reject::Malformed { field: "floor" });
        }
        let mut batch = Self { header, sections: Vec::new(), skipped: Vec::new() };
        while !reader.rest().is_empty() {
            let kind = reader.u8()?;
            let form = reader.u8()?;
            let len = reader.u16()?;
            let body = Reader::new(reader.take(usize::from(len))?);
            match (kind, form) {
                (KIND_CONNECTION, FORM_CHANGES) => batch.sections.push(parse_changes(body)?),
                (KIND_CONNECTION, FORM_RANGE) => batch.sections.push(parse_range(body)?),
                (KIND_CONNECTION, _) => return Err(Reject::Malformed { field: "form" }),
                (0 | FIRST_LOCAL_KIND.., _) => return Err(Reject::Malformed { field: "kind" }),
                (unknown, _) => batch.skipped.push(unknown),
            }
        }
        Ok(batch)
    }
}

fn parse_changes(mut body: Reader<'_>) -> Result<Section, Reject> {
    let count = body.u16()?;
    // Grown as records come, so that a count that lies allocates nothing.
    let mut entries = Vec::new();
    for _ in 0..count {
        let entry: Entry = body.value("change")?;
        entry.check().map_err(|field| Reject::Malformed { field })?;
        entries.push(entry);
    }
    body.finish().map_err(|_| Reject::Malformed { field: "section length" })?;
    Ok(Section::Changes(entries))
}

fn parse_range(mut body: Reader<'_>) -> Result<Section, Reject> {
    let count = body.u16()?;
    let after: Option<ConnectionKey> = body.value("after")?;
    let mut records: Vec<Connection> = Vec::new();
    let mut before = after;
    for _ in 0..count {
        let record: Connection = body.value("record")?;
        record.check().map_err(|field| Reject::Malformed { field })?;
        if before.is_some_and(|before| record.key <= before) {
            return Err(Reject::Malformed { field: "order" });
        }
        before = Some(record.key);
        records.push(record);
    }
    let upto: Option<ConnectionKey> = body.value("upto")?;
    body.finish().map_err(|_| Reject::Malformed { field: "section length" })?;
    let range = KeyRange { after, upto };
    let beyond = |record: &Connection| upto.is_some_and(|upto| record.key > upto);
    if !range.is_ordered() || records.last().is_some_and(beyond) {
        return Err(Reject::Malformed { field: "upto" });
    }
    Ok(Section::Range { range, records })
}

/// Writes a batch record by record, for as long as records fit.
#[derive(Debug)]
pub(crate) struct BatchWriter<'a> {
    writer: Writer<'a>,
}

impl<'a> BatchWriter<'a> {
    /// Begins a batch. `None` if not even the header fits.
    pub(crate) fn new(buf: &'a mut [u8], header: &BatchHeader) -> Option<Self> {
        let limit = MAX_DATAGRAM.min(buf.len()).checked_sub(CHECKSUM_LEN)?;
        let mut writer = Writer::new(buf, limit);
        put_prefix(&mut writer, TYPE_BATCH, if header.complete { FLAG_COMPLETE } else { 0 }, 0)?;
        let HelloId { start, number } = header.answers;
        for field in [header.session, start, number, header.sequence, header.floor] {
            writer.put(&field.to_be_bytes())?;
        }
        Some(Self { writer })
    }

    /// Begins a section of changes. `None` if it does not fit.
    pub(crate) fn changes(&mut self) -> Option<SectionWriter<'_, 'a>> {
        SectionWriter::new(&mut self.writer, FORM_CHANGES)
    }

    /// Begins a section that tells all of a range. `None` if it does not fit.
    pub(crate) fn range(&mut self, after: Option<ConnectionKey>) -> Option<SectionWriter<'_, 'a>> {
        let section = SectionWriter::new(&mut self.writer, FORM_RANGE)?;
        // The end of the range is written last; its room is kept free until then.
        section.writer.set_limit(section.full_limit.saturating_sub(KEY_ROOM));
        if section.writer.put_value(&after).is_none() {
            section.discard();
            return None;
        }
        Some(section)
    }

    /// Ends the batch and returns its length.
    pub(crate) fn finish(self) -> Option<usize> {
        self.writer.finish()
    }
}

/// Writes the records of one section.
#[derive(Debug)]
pub(crate) struct SectionWriter<'s, 'a> {
    writer: &'s mut Writer<'a>,
    start: usize,
    count: u16,
    full_limit: usize,
}

impl<'s, 'a> SectionWriter<'s, 'a> {
    fn new(writer: &'s mut Writer<'a>, form: u8) -> Option<Self> {
        let (start, full_limit) = (writer.len(), writer.limit());
        writer.put(&[KIND_CONNECTION, form, 0, 0, 0, 0])?;
        Some(Self { writer, start, count: 0, full_limit })
    }

    /// Appends a record; `None` if it does not fit, and nothing changed.
    pub(crate) fn put<T: Serialize>(&mut self, record: &T) -> Option<()> {
        self.writer.put_value(record)?;
        self.count = self.count.saturating_add(1);
        Some(())
    }

    /// How many bytes the section has so far.
    pub(crate) const fn len(&self) -> usize {
        self.writer.len().saturating_sub(self.start)
    }

    /// Ends a section of changes.
    pub(crate) fn finish(self) -> Option<()> {
        let after_length = SECTION_HEADER_LEN.saturating_sub(size_of::<u16>());
        let len = self.writer.len().saturating_sub(self.start).checked_sub(after_length)?;
        let [len_high, len_low] = u16::try_from(len).ok()?.to_be_bytes();
        let [count_high, count_low] = self.count.to_be_bytes();
        self.writer.patch(self.start.saturating_add(2), &[len_high, len_low, count_high, count_low])
    }

    /// Ends a section that tells all of a range.
    pub(crate) fn finish_range(self, upto: Option<ConnectionKey>) -> Option<()> {
        self.writer.set_limit(self.full_limit);
        self.writer.put_value(&upto)?;
        self.finish()
    }

    /// Takes the whole section back.
    pub(crate) fn discard(self) {
        self.writer.set_limit(self.full_limit);
        self.writer.truncate(self.start);
    }
}
