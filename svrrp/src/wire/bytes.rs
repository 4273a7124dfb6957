//! Fields that are read at their places, and written one behind the other, and never outside.

use super::header::DatagramId;
use super::{CRC_LEN, EmitError};
use crate::identity::{GroupNumber, Member, NodeNumber};
use ha_core::identity::Designation;
use ha_core::reject::Reject;

/// A field with a value that is not allowed.
pub(super) const fn malformed(field: &'static str) -> Reject {
    Reject::Malformed { field }
}

/// Fields that keep their place. The offsets are those of the diagrams; a field that lay outside would read as
/// zeros.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fixed<'a, const N: usize>(pub(super) &'a [u8; N]);

// With an offset that is known nothing is left to check: so all of it is put in place.
impl<const N: usize> Fixed<'_, N> {
    #[inline(always)]
    pub(super) fn bytes<const M: usize>(self, at: usize) -> [u8; M] {
        self.0.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; M])
    }

    #[inline(always)]
    pub(super) fn u8(self, at: usize) -> u8 {
        u8::from_be_bytes(self.bytes(at))
    }

    #[inline(always)]
    pub(super) fn u16(self, at: usize) -> u16 {
        u16::from_be_bytes(self.bytes(at))
    }

    #[inline(always)]
    pub(super) fn u32(self, at: usize) -> u32 {
        u32::from_be_bytes(self.bytes(at))
    }

    #[inline(always)]
    pub(super) fn u64(self, at: usize) -> u64 {
        u64::from_be_bytes(self.bytes(at))
    }

    #[inline(always)]
    pub(super) fn u128(self, at: usize) -> u128 {
        u128::from_be_bytes(self.bytes(at))
    }

    #[inline(always)]
    pub(super) fn group(self, at: usize) -> Result<GroupNumber, Reject> {
        GroupNumber::new(self.u8(at)).ok_or(malformed("virtual group"))
    }

    #[inline(always)]
    pub(super) fn node(self, at: usize, field: &'static str) -> Result<NodeNumber, Reject> {
        NodeNumber::new(self.u8(at)).ok_or(malformed(field))
    }

    /// A node, or `None` for 0.
    #[inline(always)]
    pub(super) fn node_or_none(
        self,
        at: usize,
        field: &'static str,
    ) -> Result<Option<NodeNumber>, Reject> {
        match self.u8(at) {
            0 => Ok(None),
            _ => self.node(at, field).map(Some),
        }
    }

    /// Two bytes that name a unit.
    #[inline(always)]
    pub(super) fn member(self, at: usize, field: &'static str) -> Result<Member, Reject> {
        let [node, unit] = self.bytes(at);
        let node = NodeNumber::new(node).ok_or(malformed(field))?;
        let designation = match unit {
            0 => Designation::Primary,
            1 => Designation::Secondary,
            _ => return Err(malformed(field)),
        };
        Ok(Member { node, designation })
    }

    /// The start and the number of a datagram.
    #[inline(always)]
    pub(super) fn id(self, at: usize, field: &'static str) -> Result<DatagramId, Reject> {
        let number = at.saturating_add(8);
        DatagramId::new(self.u64(at), self.u64(number)).ok_or(malformed(field))
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
