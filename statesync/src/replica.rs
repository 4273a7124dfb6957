//! The replica: which session it is in, which batches it has accepted, and how a batch changes the table.
//!
//! It accepts a batch only if its sequence is higher than all before it. So it never goes back, for no
//! key, without remembering anything per key: what it skipped comes again in a later batch (STATE-7).

use crate::connection::{Connection, ConnectionKey};
use crate::installer::Installer;
use crate::marks::Mark;
use crate::ranges::KeyRange;
use crate::records::{Outcome, Records};
use crate::wire::ack::MAX_ACK_RANGES;
use crate::wire::{Ack, Batch, BatchHeader, Entry, HelloId, Section};
use alloc::vec::Vec;
use core::ops::ControlFlow;
use core::time::Duration;
use ha_core::reject::Reject;
use ha_core::time::Instant;

/// How often a replica without a session asks for one.
pub const SEEK_INTERVAL: Duration = Duration::from_millis(250);
/// How often a replica in a session says that it is there, when it has nothing else to say.
pub const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(1);
/// How many records one batch may sweep away. Where there are more, it is not acknowledged, so that the
/// rest of its range comes again.
pub const MAX_SWEEP: usize = 1024;

/// The replica's side of sessions.
#[derive(Clone, Debug)]
pub(crate) struct Replica {
    /// The last hello that was sent.
    hello: HelloId,
    /// A session must answer a later hello than this one to be taken.
    barred: u64,
    session: Option<Session>,
    ack_due: bool,
    keepalive_at: Instant,
}

#[derive(Clone, Debug)]
struct Session {
    id: u64,
    highest: u64,
    applied: Applied,
    complete: bool,
    last_batch: Instant,
}

/// What a batch brought about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// It opened this session.
    pub(crate) opened: Option<u64>,
    /// It is the first after a catch-up.
    pub(crate) caught_up: bool,
}

impl Replica {
    pub(crate) fn new(start: u64) -> Self {
        Self {
            hello: HelloId { start, number: 0 },
            barred: 0,
            session: None,
            ack_due: false,
            keepalive_at: Instant::ZERO,
        }
    }

    /// Leaves the session, if there is one. No batch that answers a hello from before this moment will
    /// be taken any more.
    pub(crate) fn leave(&mut self, installer: &mut Installer) {
        self.session = None;
        self.barred = self.hello.number;
        installer.forget_batches();
    }

    /// Asks for a session, or for an update of the present one, at once.
    pub(crate) fn speak(&mut self) {
        self.ack_due = true;
    }

    pub(crate) fn has_session(&self) -> bool {
        self.session.is_some()
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.complete)
    }

    pub(crate) fn last_batch(&self) -> Option<Instant> {
        self.session.as_ref().map(|session| session.last_batch)
    }

    /// Takes a decoded batch in: the records follow it at once, the forwarding plane when its turn
    /// comes.
    ///
    /// # Errors
    /// The batch is not to be applied; nothing changed.
    pub(crate) fn handle_batch<R: Records>(
        &mut self,
        now: Instant,
        batch: &Batch,
        records: &mut R,
        installer: &mut Installer,
    ) -> Result<Taken, Reject> {
        let header = &batch.header;
        let present = self.judge(header)?;
        if installer.is_full() {
            return Err(Reject::Busy);
        }
        let mut taken = Taken::default();
        if !present {
            self.adopt(now, header, installer);
            taken.opened = Some(header.session);
        }
        let swept = apply(batch, records, installer);
        if let Some(session) = &mut self.session {
            session.highest = header.sequence;
            session.last_batch = now;
            session.applied.forget_below(header.floor);
            taken.caught_up = header.complete && !session.complete;
            session.complete = header.complete;
        }
        match swept {
            Swept::All => installer.cover(header.sequence, header.floor),
            Swept::Some => self.ack_due = true,
        }
        Ok(taken)
    }

    /// Whether the batch is of the present session (`true`) or of a newer one (`false`).
    fn judge(&self, header: &BatchHeader) -> Result<bool, Reject> {
        let HelloId { start, number } = header.answers;
        if start != self.hello.start || number > self.hello.number {
            return Err(Reject::UnprovenStart);
        }
        match &self.session {
            Some(session) if session.id == header.session && number == self.barred => {
                if header.sequence > session.highest { Ok(true) } else { Err(Reject::Stale) }
            }
            _ if number > self.barred => Ok(false),
            _ => Err(Reject::Session),
        }
    }

    fn adopt(&mut self, now: Instant, header: &BatchHeader, installer: &mut Installer) {
        installer.forget_batches();
        self.barred = header.answers.number;
        self.ack_due = true;
        self.session = Some(Session {
            id: header.session,
            highest: 0,
            applied: Applied::default(),
            complete: false,
            last_batch: now,
        });
    }

    /// These batches, in ascending order, are applied: the forwarding plane has followed them.
    pub(crate) fn confirm(&mut self, sequences: &[u64]) {
        if let Some(session) = &mut self.session
            && !sequences.is_empty()
        {
            for sequence in sequences {
                session.applied.add(*sequence);
            }
            self.ack_due = true;
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.ack_due |= self.keepalive_at <= now;
    }

    pub(crate) fn keepalive_at(&self) -> Instant {
        self.keepalive_at
    }

    /// Writes an acknowledgement, if one is due.
    pub(crate) fn emit(
        &mut self,
        now: Instant,
        installer: &Installer,
        buf: &mut [u8],
    ) -> Option<usize> {
        if !self.ack_due {
            return None;
        }
        let hello = HelloId { number: self.hello.number.saturating_add(1), ..self.hello };
        let session = self.session.as_ref();
        let waiting = installer.lowest_batch().map(|lowest| lowest.saturating_sub(1));
        let ack = Ack {
            session: session.map_or(0, |session| session.id),
            barred: self.barred,
            hello,
            settled: session.map_or(0, |session| waiting.unwrap_or(session.highest)),
            applied: session.map_or_else(Vec::new, |session| session.applied.0.clone()),
            whole: self.is_complete(),
        };
        let len = ack.emit(buf)?;
        self.hello = hello;
        self.ack_due = false;
        let interval = if self.has_session() { KEEPALIVE_INTERVAL } else { SEEK_INTERVAL };
        self.keepalive_at = now + interval;
        Some(len)
    }
}

/// Whether a batch could sweep all that it should.
enum Swept {
    All,
    Some,
}

/// Changes the records as the batch says, and marks what the forwarding plane must follow.
fn apply<R: Records>(batch: &Batch, records: &mut R, installer: &mut Installer) -> Swept {
    let mut room = MAX_SWEEP;
    let mut swept = Swept::All;
    for section in &batch.sections {
        match section {
            Section::Changes(entries) => {
                for entry in entries {
                    apply_entry(entry, records, installer);
                }
            }
            Section::Range { range, records: named } => {
                let stale = unnamed(records, range, named, room.saturating_add(1));
                if stale.len() > room {
                    swept = Swept::Some;
                }
                for key in stale.iter().take(room) {
                    records.remove(key);
                    installer.mark(*key, Mark::Delete);
                }
                room = room.saturating_sub(stale.len());
                for connection in named {
                    // Maybe another incarnation than the one that we know: so never an update.
                    if records.upsert(*connection) != Outcome::Same {
                        installer.mark(connection.key, Mark::New);
                    }
                }
            }
        }
    }
    swept
}

fn apply_entry<R: Records>(entry: &Entry, records: &mut R, installer: &mut Installer) {
    match entry {
        Entry::New(connection) => {
            records.upsert(*connection);
            installer.mark(connection.key, Mark::New);
        }
        Entry::Update(connection) => match records.upsert(*connection) {
            Outcome::New => installer.mark(connection.key, Mark::New),
            Outcome::Changed => installer.mark(connection.key, Mark::Update),
            Outcome::Same => {}
        },
        Entry::Delete(key) => {
            if records.remove(key) {
                installer.mark(*key, Mark::Delete);
            }
        }
    }
}

/// The keys that we have in `range` although the batch does not name them: `limit` at most. Both sides are
/// in ascending order, so one pass finds them.
fn unnamed<R: Records>(
    records: &R,
    range: &KeyRange,
    named: &[Connection],
    limit: usize,
) -> Vec<ConnectionKey> {
    let mut stale = Vec::new();
    let mut named = named.iter().map(|connection| connection.key).peekable();
    records.walk(range, &mut |record| {
        while named.next_if(|key| *key < record.key).is_some() {}
        if named.peek() != Some(&record.key) {
            stale.push(record.key);
        }
        if stale.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    stale
}

/// The sequences that were applied, as ascending ranges, the newest [`MAX_ACK_RANGES`] of them.
#[derive(Clone, Debug, Default)]
struct Applied(Vec<(u64, u64)>);

impl Applied {
    /// Adds a sequence that is higher than all before it.
    fn add(&mut self, sequence: u64) {
        match self.0.last_mut() {
            Some((_, last)) if sequence <= *last => {}
            Some((_, last)) if sequence == last.saturating_add(1) => *last = sequence,
            _ => {
                if self.0.len() >= MAX_ACK_RANGES {
                    self.0.remove(0);
                }
                self.0.push((sequence, sequence));
            }
        }
    }

    fn forget_below(&mut self, floor: u64) {
        self.0.retain(|(_, last)| *last >= floor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applied_sequences_are_bounded_ranges() {
        let mut applied = Applied::default();
        for sequence in [1, 2, 3, 5, 5, 4, 9] {
            applied.add(sequence);
        }
        assert_eq!(applied.0, [(1, 3), (5, 5), (9, 9)]);
        applied.forget_below(4);
        assert_eq!(applied.0, [(5, 5), (9, 9)]);
        for sequence in 0..100 {
            applied.add(100 + 2 * sequence);
        }
        assert_eq!(applied.0.len(), MAX_ACK_RANGES);
        assert_eq!(applied.0.last(), Some(&(298, 298)));
    }
}
