//! The advertisement, from every unit: its condition, what it says of each virtual group, and whom it hears.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                    The header, with Type = 1                  |   0
//! |                           (68 bytes)                          |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |            Advertisement interval in milliseconds             |  68
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! | Trigger level |   Condition   |             Flags             |  72
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Element type |    Length     |  Value ...                    |  76
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                            CRC-32                             | end
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//! Condition: 0 starting, 1 standby, 2 active, 3 leaving, 4 barred. Flags, from bit 0 (the lowest): the unit can be
//! active; its pair is settling; this copy is a trial of X0, which nobody needs at present (NODE-7). The other
//! bits are zero when sent, and ignored when received.
//!
//! Everything before the elements keeps its place in every version of the protocol: it is what a unit needs to
//! know that another is alive, even if they cannot work together.
//!
//! The elements are those of its [content](super::content).

use super::bytes::{Fixed, Writer, malformed};
use super::content::{Content, ContentView, LONGEST_CONTENT};
use super::group::GroupEntry;
use super::header::{Datagram, HEADER_LEN, Header, MessageType};
use super::heard::HeardEntry;
use super::{CRC_LEN, EmitError, MAX_DATAGRAM_LEN};
use crate::identity::{GroupNumber, Member};
use crate::rank::RankTable;
use core::fmt;
use core::time::Duration;
use ha_core::pair::{INTERVAL_RANGE, LEVEL_RANGE, Product};
use ha_core::reject::Reject;

const FIXED_LEN: usize = 8;

const _: () = assert!(HEADER_LEN + FIXED_LEN + LONGEST_CONTENT + CRC_LEN <= MAX_DATAGRAM_LEN);

const CAN_BE_ACTIVE: u16 = 1;
const SETTLING: u16 = 1 << 1;
const TRIAL: u16 = 1 << 2;

/// What a unit is in its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[repr(u8)]
pub enum Condition {
    /// It does not know yet.
    Starting = 0,
    /// It stands by for its peer.
    Standby = 1,
    /// It is its node's active unit and speaks for the node (NODE-4).
    Active = 2,
    /// It is going down, as planned (PAIR-10).
    Leaving = 3,
    /// It takes no part: it failed, is in maintenance, or in ERROR (VG-2).
    Barred = 4,
}

impl Condition {
    const fn from_wire(byte: u8) -> Option<Self> {
        match byte {
            0 => Some(Self::Starting),
            1 => Some(Self::Standby),
            2 => Some(Self::Active),
            3 => Some(Self::Leaving),
            4 => Some(Self::Barred),
            _ => None,
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Starting => "starting",
            Self::Standby => "standby",
            Self::Active => "active",
            Self::Leaving => "leaving",
            Self::Barred => "barred",
        })
    }
}

/// What a unit says of itself, in every version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitReport {
    /// The interval of its advertisements, by which its silence is judged: 10 ms to 300 s, in whole
    /// milliseconds, which is what goes over the wire.
    pub interval: Duration,
    /// Its trigger level: so many missed advertisements mean that it is lost, 2 to 99.
    pub level: u8,
    /// What it is in its node.
    pub condition: Condition,
    /// It can be its node's active unit (VG-6). Of a barred unit it does not count.
    pub can_be_active: bool,
    /// Its pair is just failing over (VG-6): for people who read a trace. No receiver reads it: the sender holds a lower
    /// weight back by itself, and the word of a silent unit counts for as long as another of its node can become active.
    pub settling: bool,
    /// This copy is a trial of X0, which nobody needs at present (NODE-7): whoever hears it need not answer there.
    pub trial: bool,
}

impl UnitReport {
    /// The time of silence after which the sender is lost.
    #[must_use]
    pub fn failure_time(&self) -> Duration {
        self.interval.saturating_mul(u32::from(self.level))
    }

    fn check(&self) -> Result<(), Reject> {
        if !INTERVAL_RANGE.contains(&self.interval) {
            return Err(malformed("interval"));
        }
        if !LEVEL_RANGE.contains(&self.level) {
            return Err(malformed("trigger level"));
        }
        Ok(())
    }

    fn read(fixed: Fixed<'_, FIXED_LEN>) -> Result<Self, Reject> {
        let interval = Duration::from_millis(fixed.u32(0).into());
        let level = fixed.u8(4);
        let condition = Condition::from_wire(fixed.u8(5)).ok_or(malformed("condition"))?;
        let flags = fixed.u16(6);
        let is_set = |bit: u16| flags & bit != 0;
        let (can_be_active, settling) = (is_set(CAN_BE_ACTIVE), is_set(SETTLING));
        let trial = is_set(TRIAL);
        let unit = Self { interval, level, condition, can_be_active, settling, trial };
        unit.check()?;
        Ok(unit)
    }

    fn put(&self, out: &mut Writer<'_>) -> Option<()> {
        let flag = |set: bool, bit: u16| if set { bit } else { 0 };
        out.put(u32::try_from(self.interval.as_millis()).ok()?.to_be_bytes())?;
        out.put([self.level, self.condition as u8])?;
        let standing = flag(self.can_be_active, CAN_BE_ACTIVE) | flag(self.settling, SETTLING);
        out.put_u16(standing | flag(self.trial, TRIAL))
    }
}

/// What an advertisement says. Comes from [`Advertisement::parse`] as [`Advertisement::emit`] wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advertisement {
    /// Who sent it.
    pub header: Header,
    /// What it says of itself.
    pub unit: UnitReport,
    /// The rest; `None` exactly if it is from a sender whose protocol versions we do not speak.
    pub content: Option<Content>,
}

impl Advertisement {
    /// Reads an advertisement.
    ///
    /// # Errors
    /// The first thing that is wrong with it, which can be that it is a message of another type.
    pub fn parse(datagram: &[u8]) -> Result<Self, Reject> {
        Self::of(&Datagram::check(datagram)?)
    }

    /// Reads what a datagram says beyond its header.
    ///
    /// # Errors
    /// As those of [`Advertisement::parse`].
    pub fn of(datagram: &Datagram<'_>) -> Result<Self, Reject> {
        let (fixed, elements) = datagram.body(MessageType::Advertisement)?;
        let unit = UnitReport::read(fixed)?;
        let header = *datagram.header();
        // Elements of a foreign protocol can be anything.
        let content = if header.is_understood() {
            let mut content = Content::default();
            content.fill(elements, header.sender)?;
            Some(content)
        } else {
            None
        };
        Ok(Self { header, unit, content })
    }

    /// Its length in bytes, at most [`MAX_DATAGRAM_LEN`].
    #[must_use]
    pub fn wire_len(&self) -> usize {
        const FIXED: usize = HEADER_LEN + FIXED_LEN + CRC_LEN;
        FIXED.saturating_add(self.content.as_ref().map_or(0, Content::wire_len))
    }

    /// Writes it to the front of `buf` and returns its length, [`Advertisement::wire_len`].
    ///
    /// # Errors
    /// What [`Advertisement::parse`] would refuse is not written, and neither is anything to a buffer that is
    /// too short.
    pub fn emit(&self, buf: &mut [u8]) -> Result<usize, EmitError> {
        self.check().map_err(EmitError::Invalid)?;
        let len = self.wire_len();
        Writer::datagram(buf, len, |out| {
            self.header.put(MessageType::Advertisement, len, out)?;
            self.unit.put(out)?;
            self.content.as_ref().map_or(Some(()), |content| content.put(out))
        })
    }

    fn check(&self) -> Result<(), Reject> {
        self.header.check()?;
        self.unit.check()?;
        if self.content.is_some() != self.header.is_understood() {
            return Err(malformed("protocol"));
        }
        self.content.as_ref().map_or(Ok(()), |content| content.check(self.header.sender))
    }
}

/// An advertisement that was checked whole, and stays where it is: what it lists is read while it is looked at.
#[derive(Clone, Copy, Debug)]
pub struct AdvertisementView<'a> {
    header: Header,
    unit: UnitReport,
    content: Option<ContentView<'a>>,
}

impl<'a> AdvertisementView<'a> {
    /// Checks everything that a datagram says beyond its header.
    ///
    /// # Errors
    /// As those of [`Advertisement::parse`].
    pub fn check(datagram: &Datagram<'a>) -> Result<Self, Reject> {
        let (fixed, elements) = datagram.body(MessageType::Advertisement)?;
        let unit = UnitReport::read(fixed)?;
        let header = *datagram.header();
        let content = if header.is_understood() {
            Some(ContentView::check(elements, header.sender, |_, _| {}, |_, _| {})?)
        } else {
            None
        };
        Ok(Self { header, unit, content })
    }

    /// Who sent it.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// What it says of itself.
    #[must_use]
    pub const fn unit(&self) -> &UnitReport {
        &self.unit
    }

    /// The model and the firmware version, if it says them.
    #[must_use]
    pub fn product(&self) -> Option<Product> {
        self.content.and_then(|content| content.product)
    }

    /// The ranks by which it works; `None` if it is of a protocol that we do not speak.
    #[must_use]
    pub fn ranks(&self) -> Option<RankTable> {
        self.content.map(|content| content.ranks())
    }

    /// What it says of the virtual groups, in ascending order; nothing in a protocol that we do not speak.
    pub fn groups(&self) -> impl Iterator<Item = (GroupNumber, GroupEntry)> + use<'a> {
        self.content.into_iter().flat_map(|content| content.groups())
    }

    /// Whom it hears or heard, in ascending order; nobody in a protocol that we do not speak.
    pub fn heard(&self) -> impl Iterator<Item = (Member, HeardEntry)> + use<'a> {
        self.content.into_iter().flat_map(|content| content.heard())
    }
}
