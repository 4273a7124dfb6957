//! What must always hold, checked after each step, from outside: by what the platforms were asked to do,
//! what went over the wire, and what the faults were. One file a rule.

mod alike;
mod barred;
mod conflict;
mod election;
mod fresh;
mod gap;
mod hand_over;
mod l1;
mod l2;
mod l3;
mod monitors;
mod patience;
mod restarts;
mod s1;
mod s3;
mod s6;
mod take_over;
mod told;

pub(crate) use alike::memory;
pub(crate) use election::Circumstances;
pub use gap::Gap;
pub(crate) use l1::{Calm, is_right};
pub(crate) use take_over::Crash;

use crate::glimpse::Glimpse;
use core::fmt;
use core::time::Duration;
use ha_core::pair::{Action, Event, Input, Maintenance, PairConfig, Role, Stance, Why};
use ha_core::time::Instant;

/// What can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Two units that hear each other do not both hold the role for long; in a hand-over never.
    S1,
    /// A unit that stalled gives the role up before it does anything else.
    S3,
    /// No fault of synchronization takes an Active out of service.
    S6,
    /// After calm exactly one unit is Active.
    L1,
    /// Equal faults change no role, and unequal ones at most once.
    L2,
    /// Voluntary role changes stay within the flap limit.
    L3,
    /// After a crash of the Active the Standby takes over in time (PAIR-6).
    TakeOver,
    /// Of two units that hear each other, one is elected (PAIR-5).
    Election,
    /// A unit waits for its election time, and for the failure time of an Active (PAIR-4, PAIR-12).
    Patience,
    /// A unit takes on a release of its own question, in time (PAIR-20).
    HandOver,
    /// No heartbeat is taken in after a later one, or twice.
    Fresh,
    /// Of two Actives that hear each other one gives way, not both (PAIR-13).
    Conflict,
    /// A unit that is cut off neither takes nor keeps the role (BEY-3).
    Isolation,
    /// A unit in maintenance does not take the role (BEY-8).
    Maintenance,
    /// Nor does one that is not ready, for a bounded time (BEY-9).
    Readiness,
    /// Nor one whose last take has just failed (BEY-7).
    FailedTake,
    /// What a unit tells of its monitors is so (MON-1 to MON-4, CRASH-1).
    Monitors,
    /// No service is restarted more often than configured (CRASH-1).
    Restarts,
    /// After calm both tables are equal.
    S5,
    /// Time goes on: no unit keeps the world busy at one instant.
    Progress,
    /// What a unit sends can be read by its peer.
    Wire,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::S1 => "S1",
            Self::S3 => "S3",
            Self::S6 => "S6",
            Self::L1 => "L1",
            Self::L2 => "L2",
            Self::L3 => "L3",
            Self::TakeOver => "take-over time",
            Self::Election => "election",
            Self::Patience => "patience",
            Self::HandOver => "hand-over",
            Self::Fresh => "stale heartbeat",
            Self::Conflict => "conflict",
            Self::Isolation => "isolation",
            Self::Maintenance => "maintenance",
            Self::Readiness => "readiness",
            Self::FailedTake => "failed take",
            Self::Monitors => "monitors",
            Self::Restarts => "restarts",
            Self::S5 => "S5",
            Self::Progress => "progress",
            Self::Wire => "wire",
        })
    }
}

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule} at {at:?}: {text}")]
pub struct Violation {
    /// Which rule.
    pub rule: Rule,
    /// Since the start of the world.
    pub at: Duration,
    /// In words.
    pub text: String,
}

/// Which rule, and in words what broke it.
pub(crate) type Broken = (Rule, String);
pub(crate) type Verdict = Result<(), Broken>;

/// A heartbeat that a unit took in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    pub(crate) now: u64,
    /// What the unit's clock shows.
    pub(crate) local: Instant,
    pub(crate) path: u8,
    pub(crate) glimpse: Glimpse,
    /// Its peer holds the role at this moment.
    pub(crate) peer_holds: bool,
    /// The peer's heartbeat interval.
    pub(crate) interval: Duration,
}

/// Watches both units from outside.
#[derive(Debug)]
pub struct Oracle {
    /// Of each unit, by its own clock.
    pub failure_time: [Duration; 2],
    interval: [Duration; 2],
    /// How long both units look for an Active at the least when they start.
    pub election_delay: Duration,
    /// How long a take waits for the embedder to be ready at the most; zero if it does not.
    pub readiness_limit: Duration,
    /// The embedder says whether a Standby has the whole state.
    pub told_of_state: bool,
    /// How often a unit took the role that might not have done so of its own accord: since it was not
    /// released, or not to a unit that was fitter, or preempts.
    pub groundless_takes: u64,
    /// The longest time, in nanoseconds, for which both held the role.
    pub longest_conflict: u64,
    /// How long nobody held the role.
    pub gap: Gap,
    /// The slowest take-over after a crash, of its bound: 1 is just in time.
    pub slowest_take_over: f64,
    /// The latest that each clock has shown: one that runs backwards stands still, by the contract.
    clocks: [Instant; 2],
    /// When, by its own clock, each unit was last told something.
    told_at: [Instant; 2],
    told: [told::Told; 2],
    alike: alike::Alike,
    monitors: monitors::Monitors,
    restarts: restarts::Restarts,
    barred: barred::Barred,
    conflict: conflict::Conflict,
    election: election::Election,
    patience: patience::Patience,
    fresh: fresh::Fresh,
    hand_over: hand_over::HandOver,
    s1: s1::S1,
    s3: s3::S3,
    l2: l2::L2,
    l3: l3::L3,
    take_over: take_over::TakeOver,
}

impl Oracle {
    pub(crate) fn new(pairs: [&PairConfig; 2]) -> Self {
        let failure_time = pairs.map(PairConfig::failure_time);
        Self {
            failure_time,
            interval: pairs.map(PairConfig::interval),
            longest_conflict: 0,
            gap: Gap::default(),
            slowest_take_over: 0.0,
            clocks: [Instant::ZERO; 2],
            told_at: [Instant::ZERO; 2],
            told: Default::default(),
            alike: alike::Alike::new(pairs[0].monitoring(), failure_time[0].max(failure_time[1])),
            monitors: monitors::Monitors::default(),
            restarts: restarts::Restarts::default(),
            barred: barred::Barred::default(),
            conflict: conflict::Conflict::default(),
            election: election::Election::default(),
            election_delay: Duration::ZERO,
            readiness_limit: Duration::ZERO,
            told_of_state: false,
            groundless_takes: 0,
            patience: patience::Patience::default(),
            fresh: fresh::Fresh::default(),
            hand_over: hand_over::HandOver::default(),
            s1: s1::S1::new(failure_time),
            s3: s3::S3::new(failure_time),
            l2: l2::L2::default(),
            l3: l3::L3::new(pairs[0].flap_limit()),
            take_over: take_over::TakeOver::default(),
        }
    }

    /// What a unit's clock shows, as the unit has to count it.
    fn clock(&mut self, unit: usize, local: Instant) -> Instant {
        let clock = &mut self.clocks[unit];
        *clock = local.max(*clock);
        *clock
    }

    /// What units decide by is not what it was.
    fn changed(&mut self) {
        self.l2.changed();
    }

    /// Something changed in the world that is not the machines' doing.
    pub(crate) fn disturbed(&mut self, now: u64) {
        self.changed();
        self.alike.disturbed(now);
        self.election.disturbed(now);
        self.take_over.disturbed(now);
    }

    /// Something changed around a unit, or both: was it the same around both before, and is it now? `at_once`:
    /// both know of it at once, or none does. `follows`: it belongs to what happened before.
    pub(crate) fn surroundings(
        &mut self,
        now: u64,
        alike: [bool; 2],
        at_once: bool,
        follows: bool,
    ) {
        if self.alike.changed(now, alike, at_once, follows) {
            self.changed();
        }
        self.election.disturbed(now);
        self.take_over.disturbed(now);
    }

    /// What the weight of a unit lacked when it was last told.
    pub(crate) fn lacks(&self, unit: usize) -> u16 {
        self.monitors.lacks(unit)
    }

    pub(crate) fn started(&mut self, now: u64, unit: usize, local: Instant, config: &PairConfig) {
        self.clocks[unit] = local;
        self.told_at[unit] = local;
        self.told[unit] = told::Told::started(local, config.persisted());
        self.note_maintenance(now, unit);
        self.monitors.started(unit, local, config.monitoring());
        self.restarts.started(unit, config.monitoring());
        self.note_links(unit);
        self.s1.started(unit);
        self.s3.started(unit, local);
        self.l2.started(unit);
        self.l3.started(unit);
        self.barred.started(unit);
        self.election.started(unit);
        self.fresh.started(unit);
        self.patience.started(unit, local);
        self.hand_over.started(unit);
        self.take_over.started(unit);
    }

    /// The Active crashed, as `crash` describes it.
    pub(crate) fn crashed(&mut self, now: u64, crash: &Crash) {
        let heard_since = self.s1.heard_since(1 - crash.unit);
        self.election.disturbed(now);
        self.alike.disturbed(now);
        self.changed();
        self.take_over.crashed(now, crash, heard_since, self.failure_time);
    }

    /// The unit took in what its embedder told it.
    pub(crate) fn told(&mut self, now: u64, unit: usize, input: Input) {
        self.told[unit].told(self.clocks[unit], input);
        self.monitors.told(unit, self.clocks[unit], input);
        match input {
            Input::Link { .. } => self.note_links(unit),
            Input::TakeOver => self.l2.ordered(unit),
            // A unit in maintenance goes on inviting, whatever else it is told.
            Input::FailOver if self.told[unit].in_maintenance() => {}
            Input::FailOver => self.l2.invited(1 - unit, now + self.invitation()),
            Input::Maintenance(to) if to != Maintenance::Off => {
                self.l2.invited(1 - unit, u64::MAX);
            }
            _ => {}
        }
    }

    /// Links that are configured count for isolation, and no others.
    fn note_links(&mut self, unit: usize) {
        if let Some(links) = self.monitors.links(unit) {
            self.told[unit].links = links;
        }
    }

    /// A unit in maintenance wants its peer to take over, and a while longer.
    fn note_maintenance(&mut self, now: u64, unit: usize) {
        let until =
            if self.told[unit].in_maintenance() { u64::MAX } else { now + self.invitation() };
        self.l2.invited(1 - unit, until);
    }

    /// So long an invitation to take over can have an effect: it lasts for two failure times, a question
    /// for one, a release for two.
    fn invitation(&self) -> u64 {
        8 * self.s1.failure_time()
    }

    /// Maintenance mode of a unit, as it is in force.
    pub(crate) fn maintenance(&self, unit: usize) -> Maintenance {
        self.told[unit].maintenance
    }

    /// All links that the unit monitors are down.
    pub(crate) fn is_cut_off(&self, unit: usize) -> bool {
        self.told[unit].may_be_cut_off()
    }

    /// Something that its embedder told it bars the unit from the role, or may do so.
    pub(crate) fn is_barred(&self, unit: usize) -> bool {
        let told = &self.told[unit];
        let is_ready = self.readiness_limit.is_zero() || told.ready;
        told.may_be_cut_off() || told.in_maintenance() || !is_ready
    }

    /// Until `now` a unit's clock counted less than there was.
    pub(crate) fn clock_was_wrong(&mut self, now: u64) {
        self.s1.clock_was_wrong(now);
    }

    /// The unit's clock jumps ahead.
    pub(crate) fn jumps_ahead(&mut self, unit: usize, by: u64) {
        self.s1.jumps_ahead(unit, by);
    }

    /// The unit is about to be told something.
    pub(crate) fn tells(&mut self, unit: usize, local: Instant, holds: bool) {
        self.awake(unit, local, holds);
        self.told_at[unit] = self.clocks[unit];
    }

    /// The unit does something: did its clock show a stall before?
    pub(crate) fn awake(&mut self, unit: usize, local: Instant, holds: bool) {
        let local = self.clock(unit, local);
        let silence = self.s3.silence(unit, local);
        if silence > self.interval[unit] {
            self.monitors.was_late(unit, silence);
        }
        if self.s3.awake(unit, local, holds) {
            self.barred.stalled(unit, local);
            self.monitors.hung(unit, self.told_at[unit], local);
        }
        if self.told[unit].expire(local) {
            self.changed();
        }
    }

    /// The platform has carried an action out, or failed.
    pub(crate) fn carried_out(&mut self, now: u64, unit: usize, action: &str, is_done: bool) {
        let local = self.clocks[unit];
        match action {
            "Persist" => {
                self.told[unit].persisted(local, is_done);
                self.note_maintenance(now, unit);
                self.changed();
            }
            "Withdraw" if is_done => self.hand_over.withdrew(unit, local),
            _ => {}
        }
    }

    /// `held`: the unit held the role before it wanted this done.
    pub(crate) fn acts(
        &mut self,
        now: u64,
        unit: usize,
        held: bool,
        action: &Action,
        circumstances: impl FnOnce() -> Circumstances,
    ) -> Verdict {
        self.s3.acts(unit, action)?;
        self.told[unit].acts(action);
        let local = self.clocks[unit];
        match action {
            Action::AdoptState { .. } if !held => {
                if let Some(part) = self.take_over.took(now, unit) {
                    self.slowest_take_over = self.slowest_take_over.max(part);
                }
                self.conflict.takes();
                self.barred.takes(
                    unit,
                    local,
                    &self.told[unit],
                    self.failure_time,
                    self.readiness_limit,
                )?;
                self.told[unit].ready_since = local;
                self.hand_over.takes(unit, local, self.failure_time[unit])?;
                self.patience.takes(unit, local, self.failure_time, self.election_delay)?;
                self.election.takes(now, unit, &circumstances())?;
            }
            Action::Withdraw => {
                self.conflict.withdraws(unit, &circumstances());
                self.l3.withdraws(unit, local);
            }
            Action::Probe(probe) => self.monitors.probes(unit, now, *probe),
            Action::RestartService { service } => {
                self.restarts.restarts(unit, self.told_at[unit], *service)?;
            }
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn sends(
        &mut self,
        now: u64,
        unit: usize,
        local: Instant,
        holds: bool,
        glimpse: Glimpse,
    ) -> Verdict {
        s1::S1::sends(holds, glimpse.stance)?;
        let local = self.clock(unit, local);
        if self.l2.is_new_question(unit, glimpse) {
            self.l3.asks(unit, local);
        }
        if glimpse.release != 0 {
            self.l3.releases(unit);
        }
        let told = &self.told[unit];
        let is_complete = !self.told_of_state || told.synchronized;
        let mut health = told.health();
        let limit = self.failure_time[unit];
        let has_changed = self.monitors.sends(unit, local, limit, health.weight, glimpse)?;
        if self.monitors.count(unit) {
            // That it is so has just been checked.
            health.weight = glimpse.health.weight;
        }
        // What a unit finds of the one fault that there is has been counted when that began.
        if has_changed && !self.alike.is_one_fault() {
            self.changed();
        }
        self.l2.sends(unit, glimpse, l2::Asker { health, is_complete });
        self.take_over.sends(unit, glimpse);
        self.barred.sends(unit, glimpse);
        self.election.sends(unit, now, glimpse);
        self.hand_over.sends(unit, local, glimpse);
        self.patience.sends(unit, glimpse);
        self.s3.sends(unit, local, glimpse.stance)
    }

    /// A heartbeat of the peer arrived and was accepted.
    pub(crate) fn hears(&mut self, unit: usize, heard: &Heard) -> Verdict {
        let Heard { now, local, path, glimpse, peer_holds, interval } = *heard;
        let local = self.clock(unit, local);
        self.election.hears(unit, now, interval);
        self.s1.hears(unit, now, glimpse.stance, peer_holds);
        self.barred.hears(unit, local);
        // A copy that comes later on another path is no news.
        if self.fresh.is_news(unit, glimpse) {
            self.l2.hears(unit, glimpse);
            self.monitors.hears(unit, glimpse);
            self.hand_over.hears(unit, local, glimpse);
            self.patience.hears(unit, local, glimpse);
        }
        self.fresh.hears(unit, path, glimpse)
    }

    /// A unit told some news. `local` is what its clock shows.
    pub(crate) fn news(
        &mut self,
        now: u64,
        unit: usize,
        local: Instant,
        peer_holds: bool,
        event: &Event,
    ) -> Verdict {
        self.clock(unit, local);
        if self.told[unit].news(event) {
            self.changed();
            self.alike.disturbed(now);
        }
        self.monitors.news(unit, now, self.clocks[unit], event)?;
        match event {
            // Anything else that fails does not end the take.
            Event::ActionFailed { action: "OpenForwarding" | "TakeAddresses", .. } => {
                self.barred.take_failed(unit, self.told_at[unit]);
            }
            Event::RoleChanged { from, to: Role::Active, why, .. } if *from != Role::Active => {
                self.takes(now, unit, peer_holds, *why)?;
                self.l3.changes(unit, self.told_at[unit]);
            }
            Event::RoleChanged { from: Role::Active, to, why, .. } if *to != Role::Active => {
                self.l3.changes(unit, self.told_at[unit]);
                self.conflict.gives_up(unit, *why)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn takes(&mut self, now: u64, unit: usize, peer_holds: bool, why: Why) -> Verdict {
        let (mut is_voluntary, mut has_ground) = (false, false);
        if is_hand_over(why) {
            self.s1.takes_by_release(now, peer_holds)?;
            self.hand_over.takes_by_release(unit, self.failure_time[unit])?;
            has_ground = self.l2.has_ground(unit);
            // Where both are as fit, a Primary that preempts takes the role by PAIR-7, whatever was before;
            // and what it finds of itself meanwhile begins anew.
            let preempts = self.l2.preempts(unit) && self.monitors.count(unit);
            if preempts {
                self.changed();
            }
            is_voluntary = self.l2.takes_by_release(now, unit)?;
            if preempts {
                self.changed();
            }
        } else {
            self.l2.takes_by_need();
        }
        if why == Why::NotClaimed {
            self.s1.takes_back(now, unit, peer_holds)?;
        }
        if is_voluntary {
            self.l3.changes_voluntarily(unit)?;
        }
        let [a, b] = self.told.each_ref().map(told::Told::health);
        if is_voluntary && a == b && self.monitors.count(unit) && !self.l2.preempts(unit) {
            self.alike.takes(now)?;
        }
        self.groundless_takes += u64::from(!has_ground);
        Ok(())
    }

    /// A fault of synchronization happened to a unit: `left` says whether it left Active by that.
    pub(crate) fn sync_fault(&self, unit: usize, left: bool, fault: &str) -> Verdict {
        if left && !self.s3.has_stalled(unit) { s6::left_active(fault) } else { Ok(()) }
    }

    /// A unit that neither hangs nor is off has done all that it wants to.
    pub(crate) fn check_unit(&self, unit: usize, local: Instant, holds: bool) -> Verdict {
        if !holds || !self.told[unit].may_be_cut_off() {
            return Ok(());
        }
        // It is not told the time now.
        let local = local.max(self.clocks[unit]);
        self.barred.check(unit, local, &self.told[unit], self.failure_time)
    }

    /// After each step. `conflict` is asked for the longest delay of the network and of a withdrawal, and
    /// whether heartbeats can be lost; `None` if the conflict is not the machines' fault.
    pub(crate) fn check(
        &mut self,
        now: u64,
        holds: [bool; 2],
        conflict: impl FnOnce() -> Option<(Duration, bool)>,
    ) -> Verdict {
        let conflict = if holds == [true, true] { conflict() } else { None };
        self.longest_conflict = self.longest_conflict.max(self.s1.check(now, holds, conflict)?);
        self.take_over.check(now)
    }
}

/// The unit took because its peer released the role to it.
fn is_hand_over(why: Why) -> bool {
    matches!(why, Why::Ordered | Why::BetterHealth | Why::Preempt)
}

/// By what a unit says, it holds the role.
fn claims(stance: Stance) -> bool {
    stance == Stance::Active
}
