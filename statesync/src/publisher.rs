//! The publisher: which keys the replica does not have yet, and what is under way to it.
//!
//! What is on the way is remembered as *keys and ranges*, never as bytes. What is lost goes back to what
//! waits, and is sent again in a new batch, as it is then (STATE-7).

use crate::connection::{Connection, ConnectionKey};
use crate::marks::{Mark, Marks};
use crate::ranges::{KeyRange, ToDo};
use crate::records::Records;
use crate::wire::batch::{BatchWriter, SectionWriter};
use crate::wire::{Ack, BatchHeader, Entry, HelloId, MAX_DATAGRAM};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::ops::ControlFlow;
use core::time::Duration;
use ha_core::reject::Reject;
use ha_core::time::Instant;

/// How many batches may be under way.
pub const WINDOW: usize = 64;
/// How many batches may be under way before one that is not full waits for an acknowledgement, so that
/// changes gather in it.
pub const PARTIAL_WINDOW: usize = 8;
/// How many keys waiting make a batch count as full.
const FULL_BATCH: usize = 64;
/// The shortest time after which batches without an acknowledgement count as lost.
pub const MIN_RETRANSMISSION: Duration = Duration::from_millis(50);
/// The longest such time.
pub const MAX_RETRANSMISSION: Duration = Duration::from_secs(1);
/// How long a replica may be silent before [`Event::PeerLost`](crate::machine::Event::PeerLost).
pub const PEER_SILENCE: Duration = Duration::from_secs(5);
/// While a catch-up is under way too, changes take no more of a batch than this, in bytes: neither waits
/// for the other for ever.
const CHANGES_SHARE: usize = MAX_DATAGRAM / 2;

/// What came about, for the machine to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    SessionOpened { session: u64 },
    CaughtUp,
    Overflow,
    PeerLost,
    PeerFound,
}

/// One session with one start of the replica.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    id: u64,
    answers: HelloId,
    /// The latest acknowledgement that was heard: an earlier one is out of date.
    last_hello: u64,
    next_sequence: u64,
    dirty: Marks,
    max_dirty: usize,
    to_do: ToDo,
    in_flight: BTreeMap<u64, Flight>,
    /// Keys of which another incarnation, or the deletion, is under way, with the latest batch that bears
    /// it. If that batch is lost, a later one must not update what was there before.
    anew: BTreeMap<ConnectionKey, u64>,
    /// Some of the table has not been acknowledged in this session, apart from changes.
    catching_up: bool,
    /// The replica has yet to be told that the catch-up is over.
    complete_due: bool,
    /// An acknowledgement said that the replica is in this session.
    open: bool,
    window: usize,
    round_trip: Option<Duration>,
    retransmission: Duration,
    retransmit_at: Option<Instant>,
    last_ack: Instant,
    silence_told: bool,
}

/// A batch under way: what goes back if it is lost.
#[derive(Clone, Debug)]
struct Flight {
    sent_at: Instant,
    marks: Vec<(ConnectionKey, Mark)>,
    range: Option<KeyRange>,
    tells_complete: bool,
}

impl Session {
    /// A session that answers `hello`, with the whole table to do.
    pub(crate) fn new(now: Instant, id: u64, hello: HelloId, max_dirty: usize) -> Self {
        Self {
            id,
            answers: hello,
            last_hello: hello.number,
            next_sequence: 1,
            dirty: Marks::default(),
            max_dirty,
            to_do: ToDo::whole(),
            in_flight: BTreeMap::new(),
            anew: BTreeMap::new(),
            catching_up: true,
            complete_due: false,
            open: false,
            window: WINDOW,
            round_trip: None,
            retransmission: MIN_RETRANSMISSION,
            retransmit_at: None,
            last_ack: now,
            silence_told: false,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    pub(crate) fn dirty(&self) -> usize {
        self.dirty.len()
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    pub(crate) fn is_catching_up(&self) -> bool {
        self.catching_up
    }

    pub(crate) fn last_ack(&self) -> Option<Instant> {
        self.open.then_some(self.last_ack)
    }

    /// The start of the replica that this session answers.
    pub(crate) fn replica_start(&self) -> u64 {
        self.answers.start
    }

    /// The replica is in this session, and was heard not long ago.
    pub(crate) fn is_live(&self, now: Instant) -> bool {
        self.open && now < self.last_ack + PEER_SILENCE
    }

    /// Everything is acknowledged.
    pub(crate) fn is_in_sync(&self) -> bool {
        self.open && !self.catching_up && self.dirty.is_empty() && self.in_flight.is_empty()
    }

    /// A record changed.
    pub(crate) fn mark(&mut self, key: ConnectionKey, mark: Mark, news: &mut Vec<News>) {
        self.dirty.add(key, mark);
        self.bound_dirty(news);
    }

    /// What waits is bounded: beyond the bound the whole table is to do, and no key need be remembered.
    fn bound_dirty(&mut self, news: &mut Vec<News>) {
        if self.dirty.len() > self.max_dirty {
            self.dirty = Marks::default();
            self.to_do = ToDo::whole();
            self.catching_up = true;
            self.complete_due = false;
            news.push(News::Overflow);
        }
    }

    /// Takes in an acknowledgement from the start of the replica that this session answers.
    ///
    /// Returns whether the session goes on; if not, the replica will never (again) be in it.
    pub(crate) fn handle_ack(
        &mut self,
        now: Instant,
        ack: &Ack,
        news: &mut Vec<News>,
    ) -> Result<Fate, Reject> {
        if ack.hello.start != self.answers.start {
            return Ok(Fate::Over);
        }
        if ack.hello.number <= self.last_hello {
            return Err(Reject::Stale);
        }
        let in_session = ack.session == self.id && ack.barred == self.answers.number;
        if !in_session {
            if self.answers.number <= ack.barred {
                return Ok(Fate::Over);
            }
            // Our first batches are still on their way to it.
            self.last_hello = ack.hello.number;
            return Ok(Fate::GoesOn);
        }
        let named = ack.applied.last().map_or(0, |(_, last)| *last).max(ack.settled);
        if named >= self.next_sequence {
            return Err(Reject::Malformed { field: "applied" });
        }
        self.last_hello = ack.hello.number;
        self.heard(now, news);
        self.settle(now, ack, named);
        if self.catching_up && self.to_do.is_empty() && !self.ranges_in_flight() {
            self.catching_up = false;
            self.complete_due = true;
            news.push(News::CaughtUp);
        }
        self.bound_dirty(news);
        Ok(Fate::GoesOn)
    }

    fn heard(&mut self, now: Instant, news: &mut Vec<News>) {
        if !self.open {
            self.open = true;
            news.push(News::SessionOpened { session: self.id });
        } else if self.silence_told {
            news.push(News::PeerFound);
        }
        self.silence_told = false;
        self.last_ack = now;
    }

    /// Forgets the batches that were applied, and puts back those that never will be.
    fn settle(&mut self, now: Instant, ack: &Ack, named: u64) {
        let mut progress = false;
        let settled: Vec<u64> = self.in_flight.range(..=named).map(|(at, _)| *at).collect();
        for sequence in settled {
            if ack.applies(sequence) {
                if let Some(flight) = self.in_flight.remove(&sequence) {
                    self.measure(now.saturating_since(flight.sent_at));
                    self.land(sequence, &flight);
                }
                progress = true;
            } else if sequence <= ack.settled
                && let Some(flight) = self.in_flight.remove(&sequence)
            {
                self.put_back(sequence, flight);
                progress = true;
            }
        }
        if progress {
            self.window = self.window.saturating_mul(2).min(WINDOW);
            self.retransmission = self.first_retransmission();
            self.arm(now);
        }
    }

    fn measure(&mut self, sample: Duration) {
        let before = self.round_trip.unwrap_or(sample);
        self.round_trip = before.saturating_mul(7).saturating_add(sample).checked_div(8);
    }

    /// A replica whose embedder installs slowly acknowledges late: that is no loss.
    fn first_retransmission(&self) -> Duration {
        let measured = self.round_trip.unwrap_or_default().saturating_mul(3);
        measured.clamp(MIN_RETRANSMISSION, MAX_RETRANSMISSION)
    }

    fn arm(&mut self, now: Instant) {
        self.retransmit_at = (!self.in_flight.is_empty()).then(|| now + self.retransmission);
    }

    /// A batch is under way no more.
    fn land(&mut self, sequence: u64, flight: &Flight) {
        for (key, _) in &flight.marks {
            if self.anew.get(key) == Some(&sequence) {
                self.anew.remove(key);
            }
        }
    }

    fn put_back(&mut self, sequence: u64, flight: Flight) {
        self.land(sequence, &flight);
        for (key, mark) in flight.marks {
            self.dirty.put_back(key, mark);
        }
        if let Some(range) = flight.range {
            self.to_do.put(range);
        }
        self.complete_due |= flight.tells_complete && !self.catching_up;
    }

    fn ranges_in_flight(&self) -> bool {
        self.in_flight.values().any(|flight| flight.range.is_some())
    }

    /// Lets time pass: what was not acknowledged in time goes back, and until the next acknowledgement
    /// one batch at a time feels the way.
    pub(crate) fn handle_timeout(&mut self, now: Instant, news: &mut Vec<News>) {
        if self.retransmit_at.is_some_and(|at| at <= now) {
            for (sequence, flight) in core::mem::take(&mut self.in_flight) {
                self.put_back(sequence, flight);
            }
            self.bound_dirty(news);
            self.window = 1;
            self.retransmission = self.retransmission.saturating_mul(2).min(MAX_RETRANSMISSION);
            self.retransmit_at = None;
        }
        if self.open && !self.silence_told && self.last_ack + PEER_SILENCE <= now {
            self.silence_told = true;
            news.push(News::PeerLost);
        }
    }

    /// When [`Session::handle_timeout`] is due for lost batches.
    pub(crate) fn retransmit_at(&self) -> Option<Instant> {
        self.retransmit_at
    }

    /// When [`Session::handle_timeout`] is due for a silent replica.
    pub(crate) fn silence_at(&self) -> Option<Instant> {
        (self.open && !self.silence_told).then(|| self.last_ack + PEER_SILENCE)
    }

    /// Writes the next batch, if there is one to be sent now.
    pub(crate) fn emit<R: Records>(
        &mut self,
        now: Instant,
        records: &R,
        buf: &mut [u8],
    ) -> Option<usize> {
        if !self.may_send() {
            return None;
        }
        let sequence = self.next_sequence;
        let header = BatchHeader {
            session: self.id,
            answers: self.answers,
            sequence,
            floor: self.in_flight.first_key_value().map_or(sequence, |(lowest, _)| *lowest),
            complete: !self.catching_up,
        };
        let mut batch = BatchWriter::new(buf, &header)?;
        let marks = self.emit_changes(records, &mut batch);
        let range = self.emit_range(records, &mut batch);
        if marks.is_empty() && range.is_none() && !self.complete_due {
            return None;
        }
        let tells_complete = core::mem::take(&mut self.complete_due);
        let len = batch.finish()?;
        self.next_sequence = sequence.saturating_add(1);
        for (key, _) in marks.iter().filter(|(_, mark)| *mark != Mark::Update) {
            self.anew.insert(*key, sequence);
        }
        self.in_flight.insert(sequence, Flight { sent_at: now, marks, range, tells_complete });
        if self.retransmit_at.is_none() {
            self.arm(now);
        }
        Some(len)
    }

    fn may_send(&self) -> bool {
        let full = !self.to_do.is_empty() || self.dirty.len() >= FULL_BATCH;
        let partial = self.complete_due || !self.dirty.is_empty();
        let window = if full { self.window } else { self.window.min(PARTIAL_WINDOW) };
        (full || partial) && self.in_flight.len() < window
    }

    fn emit_changes<R: Records>(
        &mut self,
        records: &R,
        batch: &mut BatchWriter<'_>,
    ) -> Vec<(ConnectionKey, Mark)> {
        let mut sent = Vec::new();
        if self.dirty.is_empty() {
            return sent;
        }
        let Some(mut section) = batch.changes() else { return sent };
        let share = if self.to_do.is_empty() { MAX_DATAGRAM } else { CHANGES_SHARE };
        while section.len() < share
            && let Some((key, mark)) = self.dirty.peek()
        {
            let uncertain = mark == Mark::Update && self.is_uncertain(&key);
            let mark = if uncertain { Mark::New } else { mark };
            if section.put(&entry(records, key, mark)).is_none() {
                break;
            }
            self.dirty.take();
            sent.push((key, mark));
        }
        if sent.is_empty() || section.finish().is_none() {
            return Vec::new();
        }
        sent
    }

    /// Whether the replica may have another incarnation of this key, or none, when the next batch
    /// arrives.
    fn is_uncertain(&self, key: &ConnectionKey) -> bool {
        self.catching_up || self.anew.contains_key(key)
    }

    fn emit_range<R: Records>(
        &mut self,
        records: &R,
        batch: &mut BatchWriter<'_>,
    ) -> Option<KeyRange> {
        let first = self.to_do.first()?;
        let mut section = batch.range(first.after)?;
        let Some(chunk) = fill(&mut section, records, first) else {
            section.discard();
            return None;
        };
        section.finish_range(chunk.upto)?;
        self.to_do.take(&chunk);
        Some(chunk)
    }
}

/// Whether a session goes on after an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It does.
    GoesOn,
    /// The replica is not in it and never will be: a new one is needed.
    Over,
}

/// The record under `key` as it is now.
fn entry<R: Records>(records: &R, key: ConnectionKey, mark: Mark) -> Entry {
    match (records.get(&key), mark) {
        (Some(state), Mark::Update) => Entry::Update(Connection { key, state }),
        (Some(state), Mark::New | Mark::Delete) => Entry::New(Connection { key, state }),
        (None, _) => Entry::Delete(key),
    }
}

/// Writes as many records of `range` as fit; returns the beginning of the range that they tell all of, or
/// `None` if not one fits.
fn fill<R: Records>(
    section: &mut SectionWriter<'_, '_>,
    records: &R,
    range: KeyRange,
) -> Option<KeyRange> {
    let mut last = range.after;
    let mut whole = true;
    records.walk(&range, &mut |record| {
        if section.put(record).is_none() {
            whole = false;
            return ControlFlow::Break(());
        }
        last = Some(record.key);
        ControlFlow::Continue(())
    });
    let chunk = KeyRange { after: range.after, upto: if whole { range.upto } else { last } };
    (whole || last != range.after).then_some(chunk)
}
