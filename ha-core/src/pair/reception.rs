//! What follows from a heartbeat, and from silence.

use super::config::PairConfig;
use super::conflict::Reply;
use super::heartbeat::{Heartbeat, HeartbeatId, OUR_PROTOCOL};
use super::machine::Pair;
use super::news::{Event, Mismatch};
use super::peer::Heard;
use super::role::{Stance, State};
use super::timer::Timer;
use super::transition::{Cause, PeerView};
use crate::identity::{PathId, SerialNumber};
use crate::machine::{Channel, Origin};
use crate::reject::Reject;
use crate::time::{Duration, Instant};

/// How often a stranger is reported at the most.
const STRANGER_INTERVAL: Duration = Duration::from_secs(60);

impl Pair {
    pub(super) fn accept(
        &mut self,
        now: Instant,
        from: Origin,
        datagram: &[u8],
    ) -> Result<(), Reject> {
        if from.channel != Channel::Pair {
            return Err(Reject::UnknownChannel);
        }
        if from.peer != self.config.peer() {
            return Err(Reject::UnknownPeer);
        }
        if from.path.0 >= self.config.path_count() {
            return Err(Reject::UnknownPath);
        }
        if self.state == State::Disabled {
            return Err(Reject::Role);
        }
        let (heartbeat, report) = Heartbeat::parse_with_report(datagram)?;
        if heartbeat.serial == self.config.serial {
            return Err(Reject::Reflected);
        }
        if heartbeat.serial != self.config.peer_serial {
            self.stranger(now, from.path, heartbeat.serial);
            return Err(Reject::Serial);
        }
        let oldest = now.saturating_sub(self.config.failure_time());
        let before = self.peer.alive().map(|last| last.heartbeat.stance);
        let history = &self.history;
        let is_ours = |echo: HeartbeatId| history.was_sent_since(echo, oldest);
        let is_stale = self.config.rules.is_stale;
        let heard = self.peer.accept(now, from.path, heartbeat, is_ours, is_stale)?;
        self.set_silence_timer();
        if heard.first_copy {
            self.hear_monitors(now, heard.anew, report);
        }
        self.heard(now, from.path, heard, before);
        Ok(())
    }

    fn stranger(&mut self, now: Instant, path: PathId, serial: SerialNumber) {
        let quiet = self.stranger_at.is_some_and(|at| now.saturating_since(at) < STRANGER_INTERVAL);
        if !quiet {
            self.stranger_at = Some(now);
            self.event(Event::Stranger { serial, path });
        }
    }

    /// What follows from an accepted heartbeat.
    fn heard(&mut self, now: Instant, path: PathId, heard: Heard, before: Option<Stance>) {
        let Some(heartbeat) = self.peer.last().map(|last| last.heartbeat) else { return };
        if heard.path_anew {
            self.event(Event::PathHeard(path));
        }
        let stance = heartbeat.stance;
        if heard.anew {
            self.event(Event::PeerHeard { serial: heartbeat.serial, stance });
            self.note_isolation(now);
        } else if let Some(from) = before.filter(|before| *before != stance) {
            let Heartbeat { health, obstacles, .. } = heartbeat;
            self.event(Event::PeerStance { from, to: stance, health, obstacles });
        }
        self.note_active(now);
        if !heard.first_copy {
            return;
        }
        self.set_mismatch(self.mismatch_with(&heartbeat));
        let reply = self.note_conflict(now, &heartbeat);
        if self.state == State::Left && stance == Stance::Active {
            self.may_stop(true);
        }
        self.hear_hand_over(now, &heartbeat);
        self.dispatch(now, Cause::Heard);
        self.consider(now);
        // Only now: what the peer echoes has been judged by what was said before.
        if reply == Reply::AtOnce && self.state.stance() == Stance::Active {
            self.beat(now);
        }
    }

    fn mismatch_with(&self, heartbeat: &Heartbeat) -> Option<Mismatch> {
        mismatch(&self.config, heartbeat, self.fitness.upgrade || heartbeat.upgrade)
    }

    fn set_mismatch(&mut self, found: Option<Mismatch>) {
        if self.mismatch != found {
            self.mismatch = found;
            self.event(found.map_or(Event::PeerMatches, Event::PeerMismatch));
        }
    }

    /// An upgrade was announced here, or has ended.
    pub(super) fn judge_mismatch_anew(&mut self) {
        if let Some(heartbeat) = self.peer.alive().map(|last| last.heartbeat) {
            self.set_mismatch(self.mismatch_with(&heartbeat));
        }
    }

    pub(super) fn fall_silent(&mut self, now: Instant) {
        let (lost, silence) = self.peer.fall_silent(now, self.config.rules.is_lost);
        for path in lost {
            self.event(Event::PathLost(path));
        }
        self.set_silence_timer();
        if let Some(silence) = silence {
            let was_in_conflict = self.conflict.is_some();
            self.end_conflict(now);
            self.event(Event::PeerLost { silence });
            self.note_active(now);
            self.hand_over.peer_lost();
            self.monitor(now, |monitor, _| monitor.forget_peer());
            self.stop_if_nobody_waits();
            // Before anything else: a unit that is cut off must not take.
            self.note_isolation(now);
            self.dispatch(now, Cause::PeerLost);
            if was_in_conflict && self.state == State::Active {
                self.announce_anew();
            }
        }
    }

    pub(super) fn set_silence_timer(&mut self) {
        self.timers.set(Timer::Silence, self.peer.silence_at());
    }

    pub(super) fn peer_view(&self, now: Instant) -> PeerView {
        let Some(last) = self.peer.alive() else { return PeerView::Silent };
        let heartbeat = &last.heartbeat;
        let hears_us = if self.state == State::Recovering {
            heartbeat
                .echo
                .is_some_and(|echo| echo.number >= self.proof && self.history.said(echo).is_some())
        } else {
            heartbeat.paths_heard != 0
        };
        PeerView::Heard {
            stance: heartbeat.stance,
            hears_us,
            eligible: heartbeat.obstacles.is_empty(),
            we_are_better: self.we_are_better(heartbeat),
            for_long: now.saturating_since(last.since) >= self.config.failure_time(),
        }
    }
}

/// What keeps two units from working together (PAIR-14).
fn mismatch(config: &PairConfig, heartbeat: &Heartbeat, upgrade: bool) -> Option<Mismatch> {
    if heartbeat.designation == config.designation {
        return Some(Mismatch::Designation);
    }
    let Some(theirs) = heartbeat.product else {
        return Some(Mismatch::Protocol { ours: OUR_PROTOCOL, theirs: heartbeat.protocol });
    };
    let ours = config.product;
    let same = if upgrade { ours.model == theirs.model } else { ours == theirs };
    (!same).then_some(Mismatch::Product { ours, theirs })
}
