//! The heartbeat on the wire: a checked view of the bytes, and a small valid representation.
//!
//! All numbers are in network byte order.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |        Magic  0x4841          |  Layout = 1   | Oldest proto. |   0
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! | Newest proto. |    Stance     |     Flags     | Trigger level |   4
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |              Heartbeat interval in milliseconds               |   8
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |         Health weight         |   Paths heard, bit n: path n  |  12
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                    Start of the sender (64)                   |  16
//! |                 Number of this heartbeat (64)                 |  24
//! |                           Term (64)                           |  32
//! |             Echo: start of the receiver (64), or 0            |  40
//! |          Echo: number of the last heartbeat heard (64)        |  48
//! |          Nonce with which a hand-over is asked for, or 0      |  56
//! |            Nonce of the question that is granted, or 0        |  64
//! |         Serial number of the sender, padded with zeros        |  72
//! |                          (32 bytes)                           |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Element type |    Length     |  Value ...                    | 104
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                            CRC-32                             | end
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! Flags: bit 0 the sender is the Secondary; bit 1 preempt is on; bit 2 the sender may take the role;
//! bit 3 its tables are worth keeping. The other bits are zero when sent and ignored when received.
//!
//! Everything before the elements keeps its place in every version of the protocol: it is what two units
//! need so that never both are Active, even if they cannot work together otherwise (PAIR-14). The
//! elements are those of the protocol versions that the sender states. Elements with bit 7 of the type
//! set must be understood by a receiver of the same protocol version; others are skipped if unknown.
//! Elements: 1 the model, 2 the firmware version, as text.
//!
//! The sequence of bytes from the magic to the end of the elements is covered by the CRC-32 (IEEE 802.3).

use super::comparison::{Claim, Standing};
use super::role::Stance;
use crate::identity::{Designation, FirmwareVersion, MAX_NAME_LEN, Model, SerialNumber};
use crate::reject::Reject;
use core::fmt;
use core::ops::RangeInclusive;
use core::time::Duration;

/// The longest heartbeat in bytes.
pub const MAX_HEARTBEAT_LEN: usize = 256;
/// The most heartbeat paths that a pair can have.
pub const MAX_PATHS: usize = 16;
/// The shortest and the longest heartbeat interval: 10 ms to 300 s (PAIR-6).
pub const INTERVAL_RANGE: RangeInclusive<Duration> =
    Duration::from_millis(10)..=Duration::from_secs(300);
/// The fewest and the most missed heartbeats that make a failover: 2 to 99 (PAIR-6).
pub const LEVEL_RANGE: RangeInclusive<u8> = 2..=99;
/// The protocol versions that this release speaks.
pub const OUR_PROTOCOL: ProtocolRange = ProtocolRange { oldest: 1, newest: 1 };

const MAGIC: [u8; 2] = *b"HA";
const LAYOUT: u8 = 1;
const FIXED_LEN: usize = 104;
const CRC_LEN: usize = 4;
const MODEL: u8 = 1;
const FIRMWARE: u8 = 2;
const MUST_UNDERSTAND: u8 = 0x80;

const SECONDARY: u8 = 1;
const PREEMPT: u8 = 1 << 1;
const ELIGIBLE: u8 = 1 << 2;
const WARM: u8 = 1 << 3;

/// The protocol versions that a unit speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct ProtocolRange {
    /// The oldest.
    pub oldest: u8,
    /// The newest; not below the oldest.
    pub newest: u8,
}

impl ProtocolRange {
    /// Whether there is a version that both speak.
    #[must_use]
    pub const fn overlaps(self, other: Self) -> bool {
        self.oldest <= other.newest && other.oldest <= self.newest
    }
}

impl fmt::Display for ProtocolRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.oldest, self.newest)
    }
}

/// Names one heartbeat: the start of its sender, and its number within that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeartbeatId {
    /// Which start of the unit sent it; never 0.
    pub start: u64,
    /// Its number, increasing from 1. All paths' copies of a heartbeat bear the same.
    pub number: u64,
}

/// What a heartbeat says. Every value whose numbers are in their ranges can be emitted, and comes from
/// [`Heartbeat::parse`] as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// The protocol versions that the sender speaks.
    pub protocol: ProtocolRange,
    /// What the sender says of its role.
    pub stance: Stance,
    /// The sender's fixed designation.
    pub designation: Designation,
    /// The sender's serial number.
    pub serial: SerialNumber,
    /// Preempt is on.
    pub preempt: bool,
    /// The sender may take the role.
    pub eligible: bool,
    /// The sender has tables worth keeping.
    pub warm: bool,
    /// The sender's heartbeat interval, by which its silence is judged: 10 ms to 300 s, in whole
    /// milliseconds, which is what goes over the wire.
    pub interval: Duration,
    /// The sender's failover trigger level: so many missed heartbeats mean that it is lost.
    pub level: u8,
    /// The sender's health weight.
    pub weight: u16,
    /// Bit n: it has heard us on path n within our failure time.
    pub paths_heard: u16,
    /// Which heartbeat this is.
    pub id: HeartbeatId,
    /// The term of the sender's reign, of the last one if it is not Active; 0 if it never was.
    pub term: u64,
    /// The last heartbeat that the sender heard from us.
    pub echo: Option<HeartbeatId>,
    /// It asks for the role with this nonce; 0 if not (PAIR-20).
    pub ask: u64,
    /// It grants the question with this nonce; 0 if none (PAIR-20).
    pub release: u64,
    /// The model and the firmware version; `None` from a sender whose protocol versions we do not speak.
    pub product: Option<Product>,
}

/// What has to be the same on both units (PAIR-14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// The hardware model.
    pub model: Model,
    /// The firmware version.
    pub firmware: FirmwareVersion,
}

impl Heartbeat {
    /// The time of silence after which the sender is lost (PAIR-6).
    #[must_use]
    pub fn failure_time(&self) -> Duration {
        self.interval.saturating_mul(u32::from(self.level))
    }

    /// What a comparison needs to know of the sender.
    #[must_use]
    pub fn standing(&self) -> Standing {
        Standing {
            weight: self.weight,
            designation: self.designation,
            preempt: self.preempt,
            term: self.term,
            claim: match self.stance {
                Stance::Active => Claim::Active,
                _ if self.warm => Claim::Warm,
                _ => Claim::Cold,
            },
        }
    }

    /// Reads a heartbeat.
    ///
    /// # Errors
    /// The first thing that is wrong with it. Every single flipped bit is found by the check sum.
    pub fn parse(datagram: &[u8]) -> Result<Self, Reject> {
        let view = View::check(datagram)?;
        let protocol = ProtocolRange { oldest: view.u8(3), newest: view.u8(4) };
        if protocol.oldest > protocol.newest {
            return Err(Reject::Malformed { field: "protocol" });
        }
        let stance = Stance::from_wire(view.u8(5)).ok_or(Reject::Malformed { field: "stance" })?;
        let flags = view.u8(6);
        let level = view.u8(7);
        if !LEVEL_RANGE.contains(&level) {
            return Err(Reject::Malformed { field: "trigger level" });
        }
        let interval = Duration::from_millis(view.u32(8).into());
        if !INTERVAL_RANGE.contains(&interval) {
            return Err(Reject::Malformed { field: "interval" });
        }
        let id = HeartbeatId { start: view.u64(16), number: view.u64(24) };
        if id.start == 0 || id.number == 0 {
            return Err(Reject::Malformed { field: "number" });
        }
        let echo = HeartbeatId { start: view.u64(40), number: view.u64(48) };
        let product = if OUR_PROTOCOL.overlaps(protocol) { Some(view.product()?) } else { None };
        Ok(Self {
            protocol,
            stance,
            designation: if flags & SECONDARY == 0 {
                Designation::Primary
            } else {
                Designation::Secondary
            },
            serial: view.serial()?,
            preempt: flags & PREEMPT != 0,
            eligible: flags & ELIGIBLE != 0,
            warm: flags & WARM != 0,
            interval,
            level,
            weight: view.u16(12),
            paths_heard: view.u16(14),
            id,
            term: view.u64(32),
            echo: (echo.start != 0).then_some(echo),
            ask: view.u64(56),
            release: view.u64(64),
            product,
        })
    }

    /// The length of the heartbeat in bytes, at most [`MAX_HEARTBEAT_LEN`].
    #[must_use]
    pub fn wire_len(&self) -> usize {
        let element = |text: &str| text.len().saturating_add(2);
        let elements = self.product.as_ref().map_or(0, |product| {
            element(product.model.as_str()).saturating_add(element(product.firmware.as_str()))
        });
        FIXED_LEN.saturating_add(elements).saturating_add(CRC_LEN)
    }

    /// Writes the heartbeat to the front of `buf` and returns its length; `None`, with nothing of use
    /// written, if `buf` is shorter than [`Heartbeat::wire_len`].
    #[must_use]
    pub fn emit(&self, buf: &mut [u8]) -> Option<usize> {
        let len = self.wire_len();
        let mut out = Writer { rest: buf.get_mut(..len)? };
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let flags = flag(self.designation == Designation::Secondary, SECONDARY)
            | flag(self.preempt, PREEMPT)
            | flag(self.eligible, ELIGIBLE)
            | flag(self.warm, WARM);
        let interval = u32::try_from(self.interval.as_millis()).unwrap_or(u32::MAX);
        let echo = self.echo.unwrap_or(HeartbeatId { start: 0, number: 0 });
        out.put(&MAGIC)?;
        out.put(&[LAYOUT, self.protocol.oldest, self.protocol.newest])?;
        out.put(&[self.stance as u8, flags, self.level])?;
        out.put(&interval.to_be_bytes())?;
        out.put(&self.weight.to_be_bytes())?;
        out.put(&self.paths_heard.to_be_bytes())?;
        for number in [
            self.id.start,
            self.id.number,
            self.term,
            echo.start,
            echo.number,
            self.ask,
            self.release,
        ] {
            out.put(&number.to_be_bytes())?;
        }
        let serial = self.serial.as_str().as_bytes();
        out.put(serial)?;
        out.put([0; MAX_NAME_LEN].get(serial.len()..)?)?;
        if let Some(product) = &self.product {
            out.element(MODEL, product.model.as_str())?;
            out.element(FIRMWARE, product.firmware.as_str())?;
        }
        let body = len.checked_sub(CRC_LEN)?;
        let crc = crc32fast::hash(buf.get(..body)?);
        buf.get_mut(body..len)?.copy_from_slice(&crc.to_be_bytes());
        Some(len)
    }
}

/// A heartbeat whose length, magic, layout and check sum are right.
struct View<'a> {
    fixed: &'a [u8; FIXED_LEN],
    elements: &'a [u8],
}

impl<'a> View<'a> {
    fn check(datagram: &'a [u8]) -> Result<Self, Reject> {
        if datagram.len() > MAX_HEARTBEAT_LEN {
            return Err(Reject::TooLong { len: datagram.len() });
        }
        let truncated = Reject::Truncated { at: datagram.len() };
        let (body, crc) = datagram.split_last_chunk::<CRC_LEN>().ok_or(truncated)?;
        let (fixed, elements) = body.split_first_chunk::<FIXED_LEN>().ok_or(truncated)?;
        if !fixed.starts_with(&MAGIC) {
            return Err(Reject::Magic);
        }
        if crc32fast::hash(body) != u32::from_be_bytes(*crc) {
            return Err(Reject::Checksum);
        }
        let view = Self { fixed, elements };
        match view.u8(2) {
            LAYOUT => Ok(view),
            version => Err(Reject::Version { version }),
        }
    }

    /// `N` bytes of the fixed part. The offsets are those of the diagram above; one that lies outside
    /// would read as zeros.
    fn bytes<const N: usize>(&self, at: usize) -> [u8; N] {
        self.fixed.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
    }

    fn u8(&self, at: usize) -> u8 {
        u8::from_be_bytes(self.bytes(at))
    }

    fn u16(&self, at: usize) -> u16 {
        u16::from_be_bytes(self.bytes(at))
    }

    fn u32(&self, at: usize) -> u32 {
        u32::from_be_bytes(self.bytes(at))
    }

    fn u64(&self, at: usize) -> u64 {
        u64::from_be_bytes(self.bytes(at))
    }

    fn serial(&self) -> Result<SerialNumber, Reject> {
        let malformed = Reject::Malformed { field: "serial number" };
        let padded: [u8; MAX_NAME_LEN] = self.bytes(72);
        let end = padded.iter().rposition(|byte| *byte != 0).map_or(0, |at| at.saturating_add(1));
        let text = padded.get(..end).unwrap_or_default();
        let text = core::str::from_utf8(text).map_err(|_| malformed)?;
        text.parse().map_err(|_| malformed)
    }

    fn product(&self) -> Result<Product, Reject> {
        let mut model = None;
        let mut firmware = None;
        let mut rest = self.elements;
        // Each turn shortens `rest` by at least two bytes.
        while let [kind, len, tail @ ..] = rest {
            let truncated = Reject::Malformed { field: "element length" };
            let (value, tail) = tail.split_at_checked(usize::from(*len)).ok_or(truncated)?;
            rest = tail;
            let malformed = Reject::Malformed { field: "element" };
            let text = || core::str::from_utf8(value).map_err(|_| malformed);
            match *kind {
                MODEL if model.is_none() => {
                    model = Some(text()?.parse().map_err(|_| malformed)?);
                }
                FIRMWARE if firmware.is_none() => {
                    firmware = Some(text()?.parse().map_err(|_| malformed)?);
                }
                MODEL | FIRMWARE => return Err(Reject::Malformed { field: "element twice" }),
                unknown if unknown & MUST_UNDERSTAND != 0 => return Err(malformed),
                _ => {}
            }
        }
        if !rest.is_empty() {
            return Err(Reject::Overlong { extra: rest.len() });
        }
        Ok(Product {
            model: model.ok_or(Reject::Malformed { field: "model" })?,
            firmware: firmware.ok_or(Reject::Malformed { field: "firmware" })?,
        })
    }
}

struct Writer<'a> {
    rest: &'a mut [u8],
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) -> Option<()> {
        let (front, rest) = core::mem::take(&mut self.rest).split_at_mut_checked(bytes.len())?;
        front.copy_from_slice(bytes);
        self.rest = rest;
        Some(())
    }

    fn element(&mut self, kind: u8, text: &str) -> Option<()> {
        self.put(&[kind, u8::try_from(text.len()).ok()?])?;
        self.put(text.as_bytes())
    }
}
