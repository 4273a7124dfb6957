//! A reader and a writer over a slice that cannot leave it.

use super::{CRC_LEN, EmitError};
use crate::identity::{Member, NodeNumber};
use ha_core::identity::Designation;
use ha_core::reject::Reject;

/// A field with a value that is not allowed.
pub(super) const fn malformed(field: &'static str) -> Reject {
    Reject::Malformed { field }
}

/// Takes fields off the front of a slice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    /// What is refused if the slice ends too early.
    short: Reject,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8], short: Reject) -> Self {
        Self { rest: bytes, short }
    }

    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], Reject> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(self.short)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Reject> {
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(self.short)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Reject> {
        self.array::<1>().map(|[byte]| *byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Reject> {
        self.array().map(|bytes| u16::from_be_bytes(*bytes))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Reject> {
        self.array().map(|bytes| u32::from_be_bytes(*bytes))
    }

    pub(super) fn u64(&mut self) -> Result<u64, Reject> {
        self.array().map(|bytes| u64::from_be_bytes(*bytes))
    }

    /// Two bytes that name a unit.
    pub(super) fn member(&mut self, field: &'static str) -> Result<Member, Reject> {
        let [node, unit] = *self.array()?;
        let node = NodeNumber::new(node).ok_or(malformed(field))?;
        let designation = match unit {
            0 => Designation::Primary,
            1 => Designation::Secondary,
            _ => return Err(malformed(field)),
        };
        Ok(Member { node, designation })
    }
}

/// The two bytes that name a unit.
pub(super) const fn member_bytes(member: Member) -> [u8; 2] {
    let unit = match member.designation {
        Designation::Primary => 0,
        Designation::Secondary => 1,
    };
    [member.node.get(), unit]
}

/// The byte that names a node, or 0 for none.
pub(super) fn node_byte(node: Option<NodeNumber>) -> u8 {
    node.map_or(0, NodeNumber::get)
}

/// The node that a byte names; 0 names none.
pub(super) fn node_or_none(byte: u8, field: &'static str) -> Result<Option<NodeNumber>, Reject> {
    match byte {
        0 => Ok(None),
        _ => NodeNumber::new(byte).map(Some).ok_or(malformed(field)),
    }
}

/// Puts fields one behind the other into a slice that was cut to the length of all of them.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    rest: &'a mut [u8],
}

impl Writer<'_> {
    /// Writes a datagram of `len` bytes to the front of `buf`: what `fill` puts, and the check sum over it.
    pub(super) fn datagram(
        buf: &mut [u8],
        len: usize,
        fill: impl FnOnce(&mut Writer<'_>) -> Option<()>,
    ) -> Result<usize, EmitError> {
        let too_short = EmitError::TooShort { needed: len };
        let datagram = buf.get_mut(..len).ok_or(too_short)?;
        let (body, crc) = datagram.split_last_chunk_mut::<CRC_LEN>().ok_or(too_short)?;
        fill(&mut Writer { rest: body }).ok_or(too_short)?;
        *crc = crc32fast::hash(body).to_be_bytes();
        Ok(len)
    }

    pub(super) fn put<const N: usize>(&mut self, bytes: [u8; N]) -> Option<()> {
        let (front, rest) = core::mem::take(&mut self.rest).split_first_chunk_mut()?;
        *front = bytes;
        self.rest = rest;
        Some(())
    }

    pub(super) fn put_slice(&mut self, bytes: &[u8]) -> Option<()> {
        let (front, rest) = core::mem::take(&mut self.rest).split_at_mut_checked(bytes.len())?;
        front.copy_from_slice(bytes);
        self.rest = rest;
        Some(())
    }

    pub(super) fn put_u16(&mut self, number: u16) -> Option<()> {
        self.put(number.to_be_bytes())
    }

    pub(super) fn put_u64(&mut self, number: u64) -> Option<()> {
        self.put(number.to_be_bytes())
    }

    /// The type and the length of an element, whose value is put next.
    pub(super) fn put_element(&mut self, kind: u8, len: usize) -> Option<()> {
        self.put([kind, u8::try_from(len).ok()?])
    }
}
