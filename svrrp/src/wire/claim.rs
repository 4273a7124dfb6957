//! The claim and the release: a hand-over of one virtual group between two live nodes (VG-5, PAIR-20).
//!
//! A claim asks the owner for the group:
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                    The header, with Type = 3                  |   0
//! |                           (68 bytes)                          |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! | Virtual group |  Node asked   |          Link weight          |  68
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                           Nonce (64)                          |  72
//! |           Echo: start of the owner's active unit (64)         |  80
//! |           Echo: number of the last datagram heard (64)        |  88
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                Elements (none in this version)                |  96
//! |                            CRC-32                             | end
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! A release grants it:
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                    The header, with Type = 4                  |   0
//! |                           (68 bytes)                          |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |    Nonce of the question that is granted (64), or 0           |  68
//! |    Term that ends (64)                                        |  76
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! | Virtual group |   Successor   |   Elements (none yet) ...     |  84
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                            CRC-32                             | end
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//! The node asked and the successor are other nodes than the sender's. A nonce of 0 in a release: nobody asked,
//! the sender's node leaves (PAIR-10).

use super::bytes::{Writer, malformed};
use super::element::Elements;
use super::header::{Datagram, DatagramId, HEADER_LEN, Header, MessageType};
use super::{CRC_LEN, EmitError, MAX_DATAGRAM_LEN};
use crate::identity::{GroupNumber, NodeNumber};
use core::num::NonZeroU64;
use ha_core::reject::Reject;

const CLAIM_FIXED: usize = 12 + DatagramId::LEN;
const RELEASE_FIXED: usize = 18;
const CLAIM_LEN: usize = HEADER_LEN + CLAIM_FIXED + CRC_LEN;
const RELEASE_LEN: usize = HEADER_LEN + RELEASE_FIXED + CRC_LEN;
const _: () = assert!(CLAIM_LEN <= MAX_DATAGRAM_LEN && RELEASE_LEN <= MAX_DATAGRAM_LEN);

/// Asks the owner of a virtual group for it. Comes from [`Claim::parse`] as [`Claim::emit`] wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Who sent it: the active unit of the node that asks.
    pub header: Header,
    /// What it asks for.
    pub group: GroupNumber,
    /// The node that is asked, which owns the group: not the sender's.
    pub asked: NodeNumber,
    /// The link weight of the sender's node for the group: for people who read a trace. No receiver reads it; who is
    /// better is judged by the advertisements.
    pub link_weight: u16,
    /// Names the question; never used for another.
    pub nonce: NonZeroU64,
    /// The last advertisement heard from the owner's active unit: it shows that the claim is no recording of an earlier
    /// time, and so proves a start that is new to the receiver.
    pub echo: DatagramId,
}

impl Claim {
    /// Reads a claim.
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
    /// As those of [`Claim::parse`].
    pub fn of(datagram: &Datagram<'_>) -> Result<Self, Reject> {
        let (fixed, elements) = datagram.body::<CLAIM_FIXED>(MessageType::Claim)?;
        datagram.header().check_understood()?;
        let claim = Self {
            header: *datagram.header(),
            group: fixed.group(0)?,
            asked: fixed.node(1, "node asked")?,
            link_weight: fixed.u16(2),
            nonce: NonZeroU64::new(fixed.u64(4)).ok_or(malformed("nonce"))?,
            echo: fixed.id(12, "echo")?,
        };
        Elements::none_known(elements)?;
        claim.check()?;
        Ok(claim)
    }

    /// Its length in bytes.
    #[must_use]
    pub const fn wire_len(&self) -> usize {
        CLAIM_LEN
    }

    /// Writes it to the front of `buf` and returns its length, [`Claim::wire_len`].
    ///
    /// # Errors
    /// What [`Claim::parse`] would refuse is not written, and neither is anything to a buffer that is too short.
    pub fn emit(&self, buf: &mut [u8]) -> Result<usize, EmitError> {
        self.check().map_err(EmitError::Invalid)?;
        Writer::datagram(buf, CLAIM_LEN, |out| {
            self.header.put(MessageType::Claim, CLAIM_LEN, out)?;
            out.put([self.group.get(), self.asked.get()])?;
            out.put_u16(self.link_weight)?;
            out.put_u64(self.nonce.get())?;
            self.echo.put(out)
        })
    }

    fn check(&self) -> Result<(), Reject> {
        self.header.check_understood()?;
        if self.asked == self.header.sender.node {
            return Err(malformed("node asked"));
        }
        Ok(())
    }
}

/// Gives a virtual group to its successor: its withdrawal is confirmed. Comes from [`Release::parse`] as
/// [`Release::emit`] wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// Who sent it: the active unit of the node that owned the group.
    pub header: Header,
    /// What it gives up.
    pub group: GroupNumber,
    /// The only node that may take it: not the sender's.
    pub successor: NodeNumber,
    /// Names the question that is granted; `None` if nobody asked, as when a node leaves (PAIR-10).
    pub nonce: Option<NonZeroU64>,
    /// The term that ends.
    pub term: u64,
}

impl Release {
    /// Reads a release.
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
    /// As those of [`Release::parse`].
    pub fn of(datagram: &Datagram<'_>) -> Result<Self, Reject> {
        let (fixed, elements) = datagram.body::<RELEASE_FIXED>(MessageType::Release)?;
        datagram.header().check_understood()?;
        let release = Self {
            header: *datagram.header(),
            group: fixed.group(16)?,
            successor: fixed.node(17, "successor")?,
            nonce: NonZeroU64::new(fixed.u64(0)),
            term: fixed.u64(8),
        };
        Elements::none_known(elements)?;
        release.check()?;
        Ok(release)
    }

    /// Its length in bytes.
    #[must_use]
    pub const fn wire_len(&self) -> usize {
        RELEASE_LEN
    }

    /// Writes it to the front of `buf` and returns its length, [`Release::wire_len`].
    ///
    /// # Errors
    /// What [`Release::parse`] would refuse is not written, and neither is anything to a buffer that is too
    /// short.
    pub fn emit(&self, buf: &mut [u8]) -> Result<usize, EmitError> {
        self.check().map_err(EmitError::Invalid)?;
        Writer::datagram(buf, RELEASE_LEN, |out| {
            self.header.put(MessageType::Release, RELEASE_LEN, out)?;
            out.put_u64(self.nonce.map_or(0, NonZeroU64::get))?;
            out.put_u64(self.term)?;
            out.put([self.group.get(), self.successor.get()])
        })
    }

    fn check(&self) -> Result<(), Reject> {
        self.header.check_understood()?;
        if self.successor == self.header.sender.node {
            return Err(malformed("successor"));
        }
        Ok(())
    }
}
