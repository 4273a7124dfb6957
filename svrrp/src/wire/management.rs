//! The management message, from the Master: who is a member, and which node owns what.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                    The header, with Type = 2                  |   0
//! |                           (68 bytes)                          |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |        Term of the sender's ownership of VG 1 (64)            |  68
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! | Owner of VG 1 | Owner of VG 2 | Owner of VG 3 | Owner of VG 4 |  76
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Element type |    Length     |  Value ...                    |  80
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                            CRC-32                             | end
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//! Owners: 1 to 4, or 0 for none. The owner of VG 1 is the sender's node: else it is not the Master (NODE-3). The
//! version of the configuration is in the header.
//!
//! | type | | value |
//! | --- | --- | --- |
//! | 0x81 | member, 1 to 8 of them, in ascending order, each once | the node, the unit (0 Primary, 1 Secondary), and the serial number as text, 1 to 32 visible ASCII characters |
//!
//! The sender is among the members, with the serial number of its header; no two members have the same.

use super::bytes::{Fixed, Writer, malformed, member_bytes, node_byte};
use super::element::{Elements, element_len};
use super::header::{Datagram, HEADER_LEN, Header, MessageType, name};
use super::table::{ByGroup, ByMember};
use super::{CRC_LEN, EmitError, MAX_DATAGRAM_LEN};
use crate::identity::{GroupNumber, MAX_GROUPS, MAX_UNITS, Member, NodeNumber};
use ha_core::identity::{MAX_NAME_LEN, SerialNumber};
use ha_core::reject::Reject;

const MEMBER: u8 = 0x81;
const MEMBER_LEN: usize = 2;
const OWNERS: usize = 8;
const FIXED_LEN: usize = OWNERS + MAX_GROUPS;

/// The longest management message that this version sends.
const LONGEST: usize =
    HEADER_LEN + FIXED_LEN + MAX_UNITS * element_len(MEMBER_LEN + MAX_NAME_LEN) + CRC_LEN;
const _: () = assert!(LONGEST <= MAX_DATAGRAM_LEN);

/// What the Master says. Comes from [`Management::parse`] as [`Management::emit`] wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Management {
    /// Who sent it. The version of the configuration is in it.
    pub header: Header,
    /// The term of the sender's ownership of VG 1: what a Master of an older term says is stale.
    pub term: u64,
    /// Which node owns what. The owner of VG 1 is the sender's node.
    pub owners: ByGroup<NodeNumber>,
    /// The members of the cluster with their serial numbers (NODE-7). The sender is among them.
    pub members: ByMember<SerialNumber>,
}

impl Management {
    /// Reads a management message.
    ///
    /// # Errors
    /// The first thing that is wrong with it, which can be that it is a message of another type.
    /// [`Reject::Version`] with the sender's newest protocol version if we speak none of its versions.
    pub fn parse(datagram: &[u8]) -> Result<Self, Reject> {
        Self::of(&Datagram::check(datagram)?)
    }

    /// Reads what a datagram says beyond its header.
    ///
    /// # Errors
    /// As those of [`Management::parse`].
    pub fn of(datagram: &Datagram<'_>) -> Result<Self, Reject> {
        let (fixed, elements) = datagram.body::<FIXED_LEN>(MessageType::Management)?;
        let header = *datagram.header();
        header.check_understood()?;
        let term = fixed.u64(0);
        let mut owners = ByGroup::default();
        for group in GroupNumber::ALL {
            let at = OWNERS.saturating_add(group.index());
            owners.set(group, fixed.node_or_none(at, "owner")?);
        }
        let members = members(elements)?;
        let management = Self { header, term, owners, members };
        management.check()?;
        Ok(management)
    }

    /// Its length in bytes, at most [`MAX_DATAGRAM_LEN`].
    #[must_use]
    pub fn wire_len(&self) -> usize {
        const FIXED: usize = HEADER_LEN + FIXED_LEN + CRC_LEN;
        self.members
            .iter()
            .fold(FIXED, |len, (_, serial)| len.saturating_add(element_len(member_len(serial))))
    }

    /// Writes it to the front of `buf` and returns its length, [`Management::wire_len`].
    ///
    /// # Errors
    /// What [`Management::parse`] would refuse is not written, and neither is anything to a buffer that is too
    /// short.
    pub fn emit(&self, buf: &mut [u8]) -> Result<usize, EmitError> {
        self.check().map_err(EmitError::Invalid)?;
        let len = self.wire_len();
        Writer::datagram(buf, len, |out| {
            self.header.put(MessageType::Management, len, out)?;
            out.put_u64(self.term)?;
            out.put(GroupNumber::ALL.map(|group| node_byte(self.owners.get(group).copied())))?;
            for (member, serial) in self.members.iter() {
                out.put_element(MEMBER, member_len(serial))?;
                out.put(member_bytes(member))?;
                out.put_slice(serial.as_str().as_bytes())?;
            }
            Some(())
        })
    }

    fn check(&self) -> Result<(), Reject> {
        self.header.check_understood()?;
        let sender = self.header.sender;
        if self.owners.get(GroupNumber::One) != Some(&sender.node) {
            return Err(malformed("owner of VG 1"));
        }
        if self.members.get(sender) != Some(&self.header.serial) {
            return Err(malformed("member"));
        }
        // At most eight times seven comparisons.
        let twice = self.members.iter().any(|(member, serial)| {
            let others = self.members.iter().take_while(|(other, _)| *other < member);
            others.into_iter().any(|(_, other)| other == serial)
        });
        if twice { Err(malformed("serial number twice")) } else { Ok(()) }
    }
}

fn members(elements: &[u8]) -> Result<ByMember<SerialNumber>, Reject> {
    let mut members = ByMember::default();
    let mut before: Option<Member> = None;
    for element in Elements::repeating(elements, MEMBER) {
        let element = element?;
        if element.kind != MEMBER {
            element.skip()?;
            continue;
        }
        let (unit, serial) = element.value.split_first_chunk().ok_or(malformed("member"))?;
        let member = Fixed::<MEMBER_LEN>(unit).member(0, "member")?;
        if before.replace(member) >= Some(member) {
            return Err(malformed("member"));
        }
        members.set(member, Some(name(serial, "serial number")?));
    }
    Ok(members)
}

fn member_len(serial: &SerialNumber) -> usize {
    serial.as_str().len().saturating_add(MEMBER_LEN)
}
