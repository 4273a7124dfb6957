//! The rhythm of the heartbeats: when the next one is due, what is still to be sent of the present
//! one, and how long this unit has sent none.

use super::heartbeat::{Heartbeat, HeartbeatId};
use crate::identity::PathId;
use crate::monitor::Report;
use crate::time::{Duration, Instant};

#[derive(Clone, Debug)]
pub(super) struct Beat {
    pub(super) start: u64,
    pub(super) number: u64,
    pub(super) interval: Duration,
    pub(super) next: Instant,
    /// The present heartbeat with what it says of the monitors, and the paths on which it is still to be sent.
    pub(super) current: Option<Heartbeat>,
    pub(super) report: Report,
    pub(super) pending: u16,
    /// When the present heartbeat was to be sent.
    pub(super) due: Instant,
    pub(super) handed_out: Instant,
    pub(super) longest_delay: Duration,
}

impl Beat {
    pub(super) fn new(start: u64, interval: Duration, now: Instant) -> Self {
        Self {
            start,
            number: 0,
            interval,
            next: now,
            current: None,
            report: Report::default(),
            pending: 0,
            due: now,
            handed_out: now,
            longest_delay: Duration::ZERO,
        }
    }

    pub(super) fn next_number(&self) -> u64 {
        self.number.saturating_add(1)
    }

    pub(super) fn next_id(&self) -> HeartbeatId {
        HeartbeatId { start: self.start, number: self.next_number() }
    }

    pub(super) fn next_at(&self) -> Instant {
        self.next
    }

    /// Makes a heartbeat the present one: one that is not yet sent on every path is superseded. The
    /// rhythm stays that of the regular ones, so that being woken a little late does not add up.
    pub(super) fn launch(&mut self, now: Instant, heartbeat: Heartbeat, report: Report, paths: u8) {
        if self.pending == 0 {
            self.due = self.next.min(now);
        }
        if self.next <= now {
            self.next = self.next + self.interval;
            if self.next <= now {
                self.next = now + self.interval;
            }
        }
        self.number = heartbeat.id.number;
        self.current = Some(heartbeat);
        self.report = report;
        self.pending = u16::MAX.checked_shr(16_u32.saturating_sub(paths.into())).unwrap_or(0);
    }

    /// Writes the next copy of the present heartbeat.
    pub(super) fn poll(&mut self, now: Instant, buf: &mut [u8]) -> Option<(PathId, usize)> {
        let path = self.pending.trailing_zeros();
        if path >= u16::BITS {
            return None;
        }
        let len = self.current.as_ref()?.emit_with_report(&self.report, buf)?;
        self.pending &= self.pending.wrapping_sub(1);
        self.longest_delay = self.longest_delay.max(now.saturating_since(self.due));
        self.handed_out = now;
        Some((PathId(u8::try_from(path).ok()?), len))
    }

    /// How long this unit has sent no heartbeat (CRASH-4).
    pub(super) fn silence(&self, now: Instant) -> Duration {
        now.saturating_since(self.handed_out)
    }

    /// After a stall: the silence is over, and a heartbeat is due.
    pub(super) fn restart(&mut self, now: Instant) {
        let late = now.saturating_since(self.next);
        self.longest_delay = self.longest_delay.max(late);
        self.handed_out = now;
        self.pending = 0;
        self.next = now;
    }

    /// The longest time by which a heartbeat was late.
    pub(super) fn longest_delay(&self) -> Duration {
        self.longest_delay
    }
}
