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
//! | Newest proto. |    Stance     | Trigger level |   Obstacles   |   4
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |              Heartbeat interval in milliseconds               |   8
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |             Flags             |         Health weight         |  12
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |   Paths heard, bit n: path n  |           Reserved            |  16
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                    Start of the sender (64)                   |  20
//! |                 Number of this heartbeat (64)                 |  28
//! |                           Term (64)                           |  36
//! |             Echo: start of the receiver (64), or 0            |  44
//! |          Echo: number of the last heartbeat heard (64)        |  52
//! |          Nonce with which a hand-over is asked for, or 0      |  60
//! |            Nonce of the question that is granted, or 0        |  68
//! |         Serial number of the sender, padded with zeros        |  76
//! |                          (32 bytes)                           |
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |  Element type |    Length     |  Value ...                    | 108
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! |                            CRC-32                             | end
//! +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
//! ```
//!
//! Flags, from bit 0 (the lowest): the sender is the Secondary; preempt is on; its tables are worth
//! keeping; it is demoted; it is synchronized; an upgrade is announced; it invites the peer to take over;
//! what it asks for it asks for of its own accord; it holds back voluntary changes. The other bits, and
//! the reserved bytes, are zero when sent and ignored when received.
//!
//! Obstacles: why the sender may not take the role, as the bits of [`Obstacles`]; zero if it may.
//!
//! Everything before the elements keeps its place in every version of the protocol: it is what two units
//! need so that never both are Active, even if they cannot work together otherwise (PAIR-14). The
//! elements are those of the protocol versions that the sender states. Elements with bit 7 of the type
//! set must be understood by a receiver of the same protocol version; others are skipped if unknown.
//! Elements: 1 the model, 2 the firmware version, as text; 3 and 4 the sender's monitors, if it has any: see
//! [`Report`].
//!
//! The sequence of bytes from the magic to the end of the elements is covered by the CRC-32 (IEEE 802.3).
//!
//! # What contradicts itself
//! The parser refuses what no field can be. What a heartbeat says beyond that is taken by its fields, and one
//! that contradicts another does no harm:
//! - *Our own serial number*: [`Reject::Reflected`]; *a stranger's*: [`Reject::Serial`].
//! - *Our own designation*: the peer is heard, and
//!   [`Mismatch::Designation`](super::Mismatch::Designation) is told. No role is handed over; of two Actives
//!   that are alike in everything else the one with the lower serial number stays.
//! - *A number that is not above the last one*: [`Reject::Stale`]. After the highest number there is there is
//!   none above: the sender is lost, and heard again by its next start.
//! - *Another start*: [`Reject::UnprovenStart`] until it echoes what we said within our failure time, or the
//!   known one is silent. *A former start*: [`Reject::Stale`].
//! - *An echo of what we did not say*, or so long ago that it is forgotten: as if there were none. No values are
//!   compared by it.
//! - *A question* counts from a Standby only, *a release* only from a sender that says it has released the role,
//!   and only with the nonce of our question. *An invitation* counts only if we could ask its sender anyway:
//!   it is Active, and hears us.
//! - *Obstacles* count whatever the stance is: an Active that has some stays Active, but does not take again.
//!   Unknown ones count like known ones.
//! - *Paths on which it hears us, and that we do not have*, count as paths: it hears us.
//! - *A term at its end* stays there: the next take has the same, and two Actives of that term are told apart
//!   by their designation.
//! - *Weights at the ends*, and all other values, are compared as they are.

use super::comparison::{Claim, Health, Standing};
use super::obstacle::Obstacles;
use super::role::Stance;
use crate::identity::{Designation, FirmwareVersion, MAX_NAME_LEN, Model, SerialNumber};
use crate::monitor::Report;
use crate::reject::Reject;
use core::fmt;
use core::ops::RangeInclusive;
use core::time::Duration;

/// The longest heartbeat in bytes.
pub const MAX_HEARTBEAT_LEN: usize = 512;
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
const FIXED_LEN: usize = 108;
const CRC_LEN: usize = 4;
const MODEL: u8 = 1;
const FIRMWARE: u8 = 2;
const DEDUCTIONS: u8 = 3;
const TARGETS: u8 = 4;
const MUST_UNDERSTAND: u8 = 0x80;

const SECONDARY: u16 = 1;
const PREEMPT: u16 = 1 << 1;
const WARM: u16 = 1 << 2;
const DEMOTED: u16 = 1 << 3;
const SYNCHRONIZED: u16 = 1 << 4;
const UPGRADE: u16 = 1 << 5;
const INVITES: u16 = 1 << 6;
const VOLUNTARY: u16 = 1 << 7;
const STEADY: u16 = 1 << 8;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
    /// Why the sender may not take the role; empty if it may.
    pub obstacles: Obstacles,
    /// The sender has tables worth keeping.
    pub warm: bool,
    /// The sender's table is complete, as a Standby's of a stateful pair has to be (PAIR-9).
    pub synchronized: bool,
    /// The sender is being upgraded: other firmware is no obstacle meanwhile (PAIR-14).
    pub upgrade: bool,
    /// The sender is Active and wants its peer to take over (PAIR-11, BEY-8).
    pub invites: bool,
    /// What it asks for it asks for of its own accord, by health or preempt: the flap limit of either
    /// unit can hold that back (PAIR-18).
    pub voluntary: bool,
    /// The sender changed its role too often, and holds back voluntary changes (PAIR-18).
    pub steady: bool,
    /// The sender's heartbeat interval, by which its silence is judged: 10 ms to 300 s, in whole
    /// milliseconds, which is what goes over the wire.
    pub interval: Duration,
    /// The sender's failover trigger level: so many missed heartbeats mean that it is lost.
    pub level: u8,
    /// How fit the sender is for the role.
    pub health: Health,
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
            health: self.health,
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
        Self::parse_with_report(datagram).map(|(heartbeat, _)| heartbeat)
    }

    /// Reads a heartbeat, and what it says of the sender's monitors.
    ///
    /// # Errors
    /// As those of [`Heartbeat::parse`].
    pub fn parse_with_report(datagram: &[u8]) -> Result<(Self, Report), Reject> {
        let view = View::check(datagram)?;
        let protocol = ProtocolRange { oldest: view.u8(3), newest: view.u8(4) };
        if protocol.oldest > protocol.newest {
            return Err(Reject::Malformed { field: "protocol" });
        }
        let stance = Stance::from_wire(view.u8(5)).ok_or(Reject::Malformed { field: "stance" })?;
        let level = view.u8(6);
        if !LEVEL_RANGE.contains(&level) {
            return Err(Reject::Malformed { field: "trigger level" });
        }
        let interval = Duration::from_millis(view.u32(8).into());
        if !INTERVAL_RANGE.contains(&interval) {
            return Err(Reject::Malformed { field: "interval" });
        }
        let flags = view.u16(12);
        let is_set = |bit: u16| flags & bit != 0;
        let id = HeartbeatId { start: view.u64(20), number: view.u64(28) };
        if id.start == 0 || id.number == 0 {
            return Err(Reject::Malformed { field: "number" });
        }
        let echo = HeartbeatId { start: view.u64(44), number: view.u64(52) };
        let (product, report) = if OUR_PROTOCOL.overlaps(protocol) {
            let (product, report) = view.elements()?;
            (Some(product), report)
        } else {
            (None, Report::default())
        };
        let heartbeat = Self {
            protocol,
            stance,
            designation: if is_set(SECONDARY) {
                Designation::Secondary
            } else {
                Designation::Primary
            },
            serial: view.serial()?,
            preempt: is_set(PREEMPT),
            obstacles: Obstacles::from_bits(view.u8(7)),
            warm: is_set(WARM),
            synchronized: is_set(SYNCHRONIZED),
            upgrade: is_set(UPGRADE),
            invites: is_set(INVITES),
            voluntary: is_set(VOLUNTARY),
            steady: is_set(STEADY),
            interval,
            level,
            health: Health { fit: !is_set(DEMOTED), weight: view.u16(14) },
            paths_heard: view.u16(16),
            id,
            term: view.u64(36),
            echo: (echo.start != 0).then_some(echo),
            ask: view.u64(60),
            release: view.u64(68),
            product,
        };
        Ok((heartbeat, report))
    }

    /// The length of the heartbeat in bytes, at most [`MAX_HEARTBEAT_LEN`].
    #[must_use]
    pub fn wire_len(&self) -> usize {
        self.wire_len_with(&Report::default())
    }

    fn wire_len_with(&self, report: &Report) -> usize {
        let element = |text: &str| text.len().saturating_add(2);
        let elements = self.product.as_ref().map_or(0, |product| {
            element(product.model.as_str()).saturating_add(element(product.firmware.as_str()))
        });
        let reported = self.product.map_or(0, |_| report.wire_len());
        FIXED_LEN.saturating_add(elements).saturating_add(reported).saturating_add(CRC_LEN)
    }

    /// Writes the heartbeat to the front of `buf` and returns its length; `None`, with nothing of use
    /// written, if `buf` is shorter than [`Heartbeat::wire_len`].
    #[must_use]
    pub fn emit(&self, buf: &mut [u8]) -> Option<usize> {
        self.emit_with_report(&Report::default(), buf)
    }

    /// The same with what is said of the sender's monitors; of a report that is too long only so much as there
    /// is room for. One without [`Heartbeat::product`] has no report.
    #[must_use]
    pub fn emit_with_report(&self, report: &Report, buf: &mut [u8]) -> Option<usize> {
        let len = self.wire_len_with(report);
        let mut out = Writer { rest: buf.get_mut(..len)? };
        let flag = |set: bool, bit: u16| if set { bit } else { 0 };
        let flags = flag(self.designation == Designation::Secondary, SECONDARY)
            | flag(self.preempt, PREEMPT)
            | flag(self.warm, WARM)
            | flag(!self.health.fit, DEMOTED)
            | flag(self.synchronized, SYNCHRONIZED)
            | flag(self.upgrade, UPGRADE)
            | flag(self.invites, INVITES)
            | flag(self.voluntary, VOLUNTARY)
            | flag(self.steady, STEADY);
        let interval = u32::try_from(self.interval.as_millis()).unwrap_or(u32::MAX);
        let echo = self.echo.unwrap_or(HeartbeatId { start: 0, number: 0 });
        out.put(&MAGIC)?;
        out.put(&[LAYOUT, self.protocol.oldest, self.protocol.newest])?;
        out.put(&[self.stance as u8, self.level, self.obstacles.bits()])?;
        out.put(&interval.to_be_bytes())?;
        out.put(&flags.to_be_bytes())?;
        out.put(&self.health.weight.to_be_bytes())?;
        out.put(&self.paths_heard.to_be_bytes())?;
        out.put(&[0; 2])?;
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
            out.entries(DEDUCTIONS, report.deduction_bytes())?;
            out.entries(TARGETS, report.target_bytes())?;
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
        let padded: [u8; MAX_NAME_LEN] = self.bytes(76);
        let end = padded.iter().rposition(|byte| *byte != 0).map_or(0, |at| at.saturating_add(1));
        let text = padded.get(..end).unwrap_or_default();
        let text = core::str::from_utf8(text).map_err(|_| malformed)?;
        text.parse().map_err(|_| malformed)
    }

    fn elements(&self) -> Result<(Product, Report), Reject> {
        let mut model = None;
        let mut firmware = None;
        let mut deductions = None;
        let mut targets = None;
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
                DEDUCTIONS if deductions.is_none() => {
                    deductions = Some(Report::read_deductions(value).ok_or(malformed)?);
                }
                TARGETS if targets.is_none() => {
                    targets = Some(Report::read_targets(value).ok_or(malformed)?);
                }
                MODEL | FIRMWARE | DEDUCTIONS | TARGETS => {
                    return Err(Reject::Malformed { field: "element twice" });
                }
                unknown if unknown & MUST_UNDERSTAND != 0 => return Err(malformed),
                _ => {}
            }
        }
        if !rest.is_empty() {
            return Err(Reject::Overlong { extra: rest.len() });
        }
        let product = Product {
            model: model.ok_or(Reject::Malformed { field: "model" })?,
            firmware: firmware.ok_or(Reject::Malformed { field: "firmware" })?,
        };
        let (deductions, targets) = (deductions.unwrap_or_default(), targets.unwrap_or_default());
        Ok((product, Report { deductions, targets }))
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

    /// An element of entries; none if there are no entries.
    fn entries<const N: usize>(
        &mut self,
        kind: u8,
        entries: impl ExactSizeIterator<Item = [u8; N]>,
    ) -> Option<()> {
        if entries.len() == 0 {
            return Some(());
        }
        self.put(&[kind, u8::try_from(entries.len().checked_mul(N)?).ok()?])?;
        for entry in entries {
            self.put(&entry)?;
        }
        Some(())
    }
}
