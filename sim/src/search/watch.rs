//! What must always hold, in steps of time: part of the state that is searched. The rules mean what those of
//! `oracle` mean, a method each; here a rule counts time down, since a state must not remember more than it
//! needs to.

use super::bound::Bound;
use super::machine::Common;
use crate::oracle::Rule;
use core::hash::{Hash, Hasher};
use ha_core::pair::{Action, Demotion, Event, Health, Heartbeat, Role, Stance, Why};

/// So many failure times a unit holds back after a take that failed.
const HOLD: u8 = 10;

/// A rule that is broken, and how.
pub(super) type Broken = (Rule, String);
type Verdict = Result<(), Broken>;

/// What is known of one unit from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Watched {
    /// It holds Active: from the first take action until the withdrawal is confirmed.
    holds: bool,
    /// What it last said of its role.
    stance: Option<Stance>,
    /// Steps since it last heard its peer; more than the failure time is all the same.
    silent_for: u8,
    /// The same, but a stall begins it anew: only known where links can go down.
    alone_for: u8,
    /// What it heard last was that its peer holds the role.
    hears_holder: bool,
    /// It has heard that its peer holds the role, in the peer's present reign.
    knows_of_peers_reign: bool,
    /// Steps for which it has heard its peer without a break, up to an exchange: known as long as the adversary
    /// has done nothing.
    heard_for: u8,
    /// Steps since it last sent a heartbeat, up to one more than the failure time.
    mute_for: u8,
    /// It stalled while it held the role, and has not withdrawn since.
    must_withdraw: bool,
    /// Steps for which it has to look for an Active still.
    looks_for: u8,
    /// Steps for which it must not take back what it released.
    released_for: u8,
    /// Steps for which it must not take again, since a take failed.
    failed_for: u8,
    /// Steps for which it has to wait to be ready.
    unready_for: u8,
    /// All of its monitored links are down.
    is_cut_off: bool,
    /// It is in maintenance: since this step, or before.
    maintenance: Since,
    question: Question,
    told: Told,
    /// What it last heard of its peer's health.
    peers_health: Health,
    /// It took, and looked for an Active before: known as long as the adversary has done nothing.
    was_elected: bool,
    /// It gave way in the present conflict, and whether that was since it is not the better one.
    gave_way: Option<bool>,
    flaps: Flaps,
}

/// What a unit knows of its own health.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Told {
    pub(super) weight: u16,
    pub(super) is_demoted: bool,
    take_failed: bool,
}

impl Told {
    fn health(self) -> Health {
        Health::whole(!self.is_demoted && !self.take_failed, self.weight)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Since {
    #[default]
    Never,
    Now,
    Before,
}

/// What a unit asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Question {
    /// The nonce; 0 if it asks for nothing.
    ask: u64,
    /// Steps until an answer comes too late.
    expires_in: u8,
    /// The question that was last granted since, and whether that came in time.
    granted: u64,
    in_time: bool,
    /// It asked before anybody's health last changed: what follows from that is not counted.
    is_outdated: bool,
    /// It is not fitter than its peer was, as far as it had heard.
    is_groundless: bool,
}

/// How often a unit took the role or gave it up: only counted where the limit is in reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Flaps {
    changes: u8,
    /// How many of them there were when it last asked, withdrew, and released.
    when_it_asked: u8,
    when_it_withdrew: u8,
    when_it_released: u8,
}

/// The heartbeats that a unit took in last: numbers, of which only the distance to others matters.
#[derive(Clone, Copy, Debug, Default)]
struct Fresh {
    /// Which start of its peer it believes; 0 for none.
    start: u64,
    /// The number of the newest heartbeat, and of the last one on each path.
    newest: u64,
    last: [u64; 2],
}

/// Watches both units.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    units: [Watched; 2],
    fresh: [Fresh; 2],
    /// Steps for which both have held the role and heard each other.
    conflict: u8,
    /// Voluntary changes of the role since anything else happened that moves it.
    voluntary: u8,
    /// The adversary has done nothing yet.
    is_undisturbed: bool,
}

/// The figures that the watch is measured by, in steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) failure_time: u8,
    /// The longest delay of a heartbeat that is not delayed by the adversary, and of one that is.
    delays: [u8; 2],
    /// There and back, and a heartbeat on which to ride, each way.
    exchange: u8,
    level: u64,
    readiness: u8,
    flap_limit: Option<u8>,
    counts_links: bool,
}

impl Limits {
    pub(super) fn new(bound: &Bound) -> Self {
        let failure_time = bound.failure_time();
        Self {
            failure_time,
            delays: [1, 1 + failure_time],
            exchange: 2 * bound.resolution + 1,
            level: bound.level.into(),
            readiness: bound.readiness * failure_time,
            flap_limit: (bound.flap_limit > 0).then_some(bound.flap_limit),
            counts_links: bound.cuts > 0,
        }
    }

    /// The longest time for which both may hold the role while they hear each other: a failure time and a
    /// delay; with losses twice that, since a conflict needs a heartbeat in each direction.
    fn conflict(self, with_losses: bool) -> u8 {
        if with_losses {
            2 * (self.failure_time + self.delays[1])
        } else {
            self.failure_time + self.delays[0]
        }
    }

    fn silent(self) -> u8 {
        self.failure_time + 1
    }
}

fn broken(rule: Rule, text: impl Into<String>) -> Verdict {
    Err((rule, text.into()))
}

impl Watched {
    fn new(limits: Limits) -> Self {
        Self {
            holds: false,
            stance: None,
            silent_for: limits.silent(),
            alone_for: limits.silent(),
            hears_holder: false,
            knows_of_peers_reign: false,
            heard_for: 0,
            mute_for: 0,
            must_withdraw: false,
            looks_for: 0,
            released_for: 0,
            failed_for: 0,
            unready_for: 0,
            is_cut_off: false,
            maintenance: Since::Never,
            question: Question::default(),
            told: Told::default(),
            peers_health: Health::default(),
            was_elected: false,
            gave_way: None,
            flaps: Flaps::default(),
        }
    }

    /// A unit that is cut off neither takes nor keeps the role (BEY-3).
    fn is_alone(&self, limits: Limits) -> bool {
        self.is_cut_off && self.alone_for > limits.failure_time
    }
}

impl Watch {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            units: [Watched::new(limits); 2],
            fresh: Default::default(),
            conflict: 0,
            voluntary: 0,
            is_undisturbed: true,
        }
    }

    pub(super) fn holds(&self, unit: usize) -> bool {
        self.units[unit].holds
    }

    /// The adversary does something.
    pub(super) fn disturbed(&mut self) {
        self.is_undisturbed = false;
        for watched in &mut self.units {
            watched.was_elected = false;
            watched.heard_for = 0;
        }
    }

    /// The unit loses its power.
    pub(super) fn crashes(&mut self, unit: usize, limits: Limits) {
        self.units[unit] = Watched::new(limits);
        self.units[1 - unit].knows_of_peers_reign = false;
        self.fresh[unit] = Fresh::default();
        self.changed();
    }

    /// The unit starts.
    pub(super) fn starts(
        &mut self,
        unit: usize,
        weight: u16,
        [is_cut_off, in_maintenance]: [bool; 2],
        limits: Limits,
    ) {
        self.crashes(unit, limits);
        let watched = &mut self.units[unit];
        watched.looks_for = limits.failure_time;
        watched.unready_for = limits.readiness;
        watched.told.weight = weight;
        watched.is_cut_off = is_cut_off;
        watched.maintenance = if in_maintenance { Since::Before } else { Since::Never };
    }

    /// What units decide by is not what it was.
    fn changed(&mut self) {
        self.voluntary = 0;
        for watched in &mut self.units {
            watched.question.is_outdated = watched.question.ask != 0;
            watched.gave_way = None;
        }
    }

    /// The unit is told how healthy it is.
    pub(super) fn told(&mut self, unit: usize, change: impl FnOnce(&mut Told)) {
        change(&mut self.units[unit].told);
        self.changed();
    }

    pub(super) fn cut_off(&mut self, unit: usize) {
        self.units[unit].is_cut_off = true;
        self.changed();
    }

    /// A heartbeat was taken in.
    pub(super) fn hears(
        &mut self,
        unit: usize,
        path: u8,
        heartbeat: &Heartbeat,
        limits: Limits,
    ) -> Verdict {
        let peer_holds = self.units[1 - unit].holds;
        let fresh = self.fresh[unit];
        let is_news = fresh.start != heartbeat.id.start || fresh.newest < heartbeat.id.number;
        self.fresh[unit].hears(path, heartbeat, limits)?;
        let watched = &mut self.units[unit];
        watched.silent_for = 0;
        watched.alone_for = 0;
        let stance = heartbeat.stance;
        watched.knows_of_peers_reign |= stance == Stance::Active && peer_holds;
        if !is_news {
            return Ok(());
        }
        watched.hears_holder = matches!(stance, Stance::Active | Stance::Withdrawing);
        watched.peers_health = heartbeat.health;
        if matches!(
            stance,
            Stance::Active | Stance::Withdrawing | Stance::Released | Stance::Recovering
        ) {
            watched.looks_for = 0;
        }
        // A peer that has left will not claim what was released to it, nor will one that asks no longer.
        let is_idle = matches!(stance, Stance::Standby | Stance::Election) && heartbeat.ask == 0;
        if stance == Stance::Left || is_idle {
            watched.released_for = 0;
        }
        let question = &mut watched.question;
        let is_answer = heartbeat.release != 0 && heartbeat.release != question.granted;
        if question.ask != 0 && is_answer {
            question.granted = heartbeat.release;
            question.in_time = question.expires_in > 0;
        }
        // Its peer has seen that the conflict is over.
        if stance != Stance::Active {
            self.units[1 - unit].gave_way = None;
        }
        Ok(())
    }

    /// The unit is about to do something.
    pub(super) fn wakes(&mut self, unit: usize, limits: Limits) {
        let watched = &mut self.units[unit];
        if watched.mute_for > limits.failure_time {
            watched.mute_for = 0;
            watched.alone_for = 0;
            watched.must_withdraw |= watched.holds;
        }
    }

    pub(super) fn sends(&mut self, unit: usize, heartbeat: &Heartbeat, limits: Limits) -> Verdict {
        let watched = &mut self.units[unit];
        let stance = heartbeat.stance;
        watched.mute_for = 0;
        watched.stance = Some(stance);
        if stance == Stance::Active && watched.must_withdraw {
            return broken(Rule::S3, "says that it is Active after a stall");
        }
        if watched.holds && !matches!(stance, Stance::Active | Stance::Withdrawing) {
            let text = format!("says that it is {stance:?}, and holds the role");
            return broken(Rule::S1, text);
        }
        if !matches!(stance, Stance::Withdrawing | Stance::Released) {
            watched.released_for = 0;
        }
        if stance != Stance::Election {
            watched.looks_for = 0;
        }
        if heartbeat.ask != 0 && heartbeat.ask != watched.question.ask {
            watched.question = Question {
                ask: heartbeat.ask,
                expires_in: limits.failure_time + 1,
                is_groundless: heartbeat.voluntary && watched.told.health() <= watched.peers_health,
                ..Question::default()
            };
            watched.flaps.when_it_asked = watched.flaps.changes;
        } else if heartbeat.ask == 0 && stance == Stance::Standby {
            // Who takes asks no longer, but does so because it had asked.
            watched.question = Question::default();
        }
        if heartbeat.release != 0 {
            watched.flaps.when_it_released = watched.flaps.when_it_withdrew;
        }
        Ok(())
    }

    pub(super) fn acts(
        &mut self,
        unit: usize,
        action: &Action,
        why: Why,
        is_done: bool,
        limits: Limits,
    ) -> Verdict {
        let watched = &mut self.units[unit];
        match action {
            Action::Withdraw => {
                watched.flaps.when_it_withdrew = watched.flaps.changes;
                watched.must_withdraw = false;
                if is_done {
                    watched.holds = false;
                    watched.was_elected = false;
                    watched.released_for = 2 * limits.failure_time;
                    self.units[1 - unit].knows_of_peers_reign = false;
                }
            }
            Action::StandDown | Action::Probe(_) | Action::RestartService { .. } => {}
            Action::Persist { .. } => watched.maintenance = Since::Now,
            _ if watched.must_withdraw => {
                return broken(Rule::S3, format!("{} after a stall", action.name()));
            }
            Action::AdoptState { .. } => {
                let held = core::mem::replace(&mut watched.holds, true);
                if !held {
                    self.takes(unit, why, limits)?;
                }
            }
            Action::OpenForwarding | Action::TakeAddresses if !is_done => {
                watched.failed_for = HOLD * limits.failure_time;
            }
            Action::OpenForwarding
            | Action::TakeAddresses
            | Action::Announce { .. }
            | Action::RejoinGroups { .. }
            | Action::ResumeRouter { .. }
            | Action::ResumeClients
            | Action::EndRouteHold => {}
        }
        Ok(())
    }

    /// A unit that does not hold the role begins to take it.
    fn takes(&mut self, unit: usize, why: Why, limits: Limits) -> Verdict {
        self.units.iter_mut().for_each(|unit| unit.gave_way = None);
        let [watched, peer] = [self.units[unit], self.units[1 - unit]];
        let is_hand_over = why == Why::Ordered || why.is_voluntary();
        if is_hand_over && peer.holds {
            return broken(Rule::S1, "both hold the role in a hand-over");
        }
        self.barred(unit, limits)?;
        self.patience(unit, limits)?;
        if peer.holds && watched.hears_holder && watched.silent_for < limits.failure_time {
            return broken(Rule::S1, "takes beside an Active that it hears");
        }
        if why == Why::NotClaimed && peer.holds && watched.knows_of_peers_reign {
            return broken(Rule::S1, "takes back a role that it heard the peer claim");
        }
        if watched.stance == Some(Stance::Released) && watched.released_for > 0 {
            return broken(Rule::HandOver, "takes back at once what it released");
        }
        self.elected(unit, limits)?;
        if is_hand_over {
            self.hand_over(unit)?;
        }
        self.moves(unit, why, limits)?;
        self.units[unit].unready_for = limits.readiness;
        self.units[unit].question = Question::default();
        Ok(())
    }

    /// What bars a unit: being cut off, maintenance, not being ready, a take that failed.
    fn barred(&self, unit: usize, limits: Limits) -> Verdict {
        let watched = &self.units[unit];
        if watched.is_alone(limits) {
            return broken(Rule::Isolation, "takes, though it is cut off");
        }
        // What it had released itself it takes back, whatever obstacles it has by now.
        if watched.stance == Some(Stance::Released) {
            return Ok(());
        }
        if watched.maintenance == Since::Before {
            return broken(Rule::Maintenance, "takes, though it is in maintenance");
        }
        if watched.unready_for > 0 {
            return broken(Rule::Readiness, "takes before it may: not ready");
        }
        if watched.failed_for > 0 {
            return broken(Rule::FailedTake, "takes again at once after a take that failed");
        }
        Ok(())
    }

    /// A unit looks for an Active after its start (PAIR-4), and waits for one that it heard (PAIR-6, PAIR-12).
    fn patience(&self, unit: usize, limits: Limits) -> Verdict {
        let watched = &self.units[unit];
        if watched.looks_for > 0 && watched.stance == Some(Stance::Election) {
            return broken(Rule::Patience, "takes at once after its start");
        }
        let could_wait =
            matches!(watched.stance, Some(Stance::Election | Stance::Standby | Stance::Recovering));
        let has_heard = watched.hears_holder && watched.silent_for < limits.failure_time;
        if could_wait && has_heard {
            let text = "takes though it has just heard that its peer holds the role";
            return broken(Rule::Patience, text);
        }
        Ok(())
    }

    /// Of two units that hear each other and look for an Active, one takes the role (PAIR-5): if the adversary
    /// has done nothing yet.
    fn elected(&mut self, unit: usize, limits: Limits) -> Verdict {
        if !self.is_undisturbed {
            return Ok(());
        }
        let stance = self.units[unit].stance;
        self.units[unit].was_elected = matches!(stance, Some(Stance::Election | Stance::Standby));
        let elected = self.units.iter().all(|unit| unit.was_elected && unit.holds);
        if elected && self.units.iter().all(|unit| unit.heard_for >= limits.exchange) {
            return broken(Rule::Election, "takes, though the other one has been elected");
        }
        Ok(())
    }

    /// A unit takes on a release of its own question, in time (PAIR-20).
    fn hand_over(&self, unit: usize) -> Verdict {
        let question = &self.units[unit].question;
        if question.ask == 0 || question.ask != question.granted {
            return broken(Rule::HandOver, "takes on a release of another question");
        }
        if !question.in_time {
            return broken(Rule::HandOver, "takes on a release that came too late");
        }
        Ok(())
    }

    /// Without need the role moves to a unit that is fitter, and once at the most, until something else has
    /// moved it, or a unit is more or less fit than before (L2); and not too often (L3).
    fn moves(&mut self, unit: usize, why: Why, limits: Limits) -> Verdict {
        if !why.is_voluntary() {
            self.voluntary = 0;
            return Ok(());
        }
        let Watched { question, flaps, .. } = &self.units[unit];
        if question.is_groundless {
            return broken(Rule::L2, "takes over though it is not fitter");
        }
        self.voluntary += u8::from(!question.is_outdated);
        if self.voluntary > 1 {
            return broken(Rule::L2, "the role moved twice with nothing changed");
        }
        let released = self.units[1 - unit].flaps.when_it_released;
        let most = flaps.when_it_asked.max(released);
        if limits.flap_limit.is_some_and(|limit| most > limit) {
            return broken(Rule::L3, format!("a voluntary change after {most} changes"));
        }
        Ok(())
    }

    /// A unit tells something.
    pub(super) fn tells(&mut self, unit: usize, event: &Event, limits: Limits) -> Verdict {
        match *event {
            Event::FlapHold { .. } if limits.flap_limit.is_none() => {
                return broken(Rule::L3, "the limit is too low: it should be out of reach");
            }
            Event::RoleChanged { from, to, why, .. } if from != to => {
                if (from == Role::Active || to == Role::Active) && limits.flap_limit.is_some() {
                    self.units[unit].flaps.changes += 1;
                }
                if from == Role::Active {
                    self.gives_up(unit, why)?;
                }
            }
            // It demotes itself when a take has failed.
            Event::Demoted(demotion) if demotion == Demotion::take_failed() => {
                self.told(unit, |told| told.take_failed = true);
            }
            Event::DemotionOver { demotion, .. } if demotion == Demotion::take_failed() => {
                self.told(unit, |told| told.take_failed = false);
            }
            _ => {}
        }
        Ok(())
    }

    /// Of two Actives that hear each other one gives way, not both (PAIR-13).
    fn gives_up(&mut self, unit: usize, why: Why) -> Verdict {
        if !matches!(why, Why::LostConflict | Why::NotHeard) {
            return Ok(());
        }
        let lost = why == Why::LostConflict;
        self.units[unit].gave_way = Some(lost);
        match self.units[1 - unit].gave_way {
            Some(true) if lost => broken(Rule::Conflict, "gives way, as its peer does"),
            _ => Ok(()),
        }
    }

    /// The unit has done all that it wants to in this step.
    pub(super) fn rests(&self, unit: usize, limits: Limits) -> Verdict {
        let watched = &self.units[unit];
        if watched.stance == Some(Stance::Active) && watched.is_alone(limits) {
            return broken(Rule::Isolation, "keeps the role, though it is cut off");
        }
        Ok(())
    }

    /// A step is over.
    pub(super) fn step(&mut self, limits: Limits, with_losses: bool) -> Verdict {
        let mut hear = true;
        for watched in &mut self.units {
            let heard = watched.silent_for <= limits.failure_time;
            hear &= heard;
            if self.is_undisturbed {
                watched.heard_for =
                    if heard { (watched.heard_for + 1).min(limits.exchange) } else { 0 };
            }
            // Of one that is silent it is all the same what it said.
            watched.hears_holder &= heard;
            watched.silent_for = (watched.silent_for + 1).min(limits.silent());
            watched.alone_for = (watched.alone_for + 1).min(limits.silent());
            if !limits.counts_links {
                watched.alone_for = 0;
            }
            if limits.flap_limit.is_none() {
                watched.flaps = Flaps::default();
            }
            watched.mute_for = (watched.mute_for + 1).min(limits.silent());
            watched.must_withdraw &= watched.holds;
            for left in [
                &mut watched.looks_for,
                &mut watched.released_for,
                &mut watched.failed_for,
                &mut watched.unready_for,
                &mut watched.question.expires_in,
            ] {
                *left = left.saturating_sub(1);
            }
            if watched.maintenance == Since::Now {
                watched.maintenance = Since::Before;
            }
        }
        let both_hold = self.units.iter().all(|unit| unit.holds);
        self.conflict = if both_hold && hear { self.conflict + 1 } else { 0 };
        if self.conflict > limits.conflict(with_losses) {
            return broken(Rule::S1, "both hold the role and hear each other for too long");
        }
        Ok(())
    }

    /// For how many steps both have held the role and heard each other.
    pub(super) fn conflict(&self) -> u8 {
        self.conflict
    }

    /// Adds all that later verdicts depend on.
    pub(super) fn fingerprint(&self, common: Common<'_>, hasher: &mut impl Hasher) {
        let Self { units, fresh, conflict, voluntary, is_undisturbed } = self;
        (conflict, voluntary, is_undisturbed).hash(hasher);
        for mut watched in *units {
            let questions = [watched.question.ask, watched.question.granted];
            questions.map(|nonce| common.question(nonce)).hash(hasher);
            (watched.question.ask, watched.question.granted) = (0, 0);
            watched.hash(hasher);
        }
        for Fresh { start, newest, last } in fresh {
            let age = |number: u64| (number != 0).then(|| common.age(*start, number));
            (common.place(*start), age(*newest), last.map(age)).hash(hasher);
        }
    }
}

impl Fresh {
    /// No heartbeat is taken in after a later one, or twice.
    fn hears(&mut self, path: u8, heartbeat: &Heartbeat, limits: Limits) -> Verdict {
        let (start, number) = (heartbeat.id.start, heartbeat.id.number);
        if self.start != start {
            // The starts of a unit count up.
            if start < self.start {
                let text = "takes a heartbeat in of a start that another one has displaced";
                return broken(Rule::Fresh, text);
            }
            *self = Self { start, ..Self::default() };
        }
        let last = &mut self.last[usize::from(path)];
        if number <= *last {
            return broken(Rule::Fresh, format!("takes heartbeat {number} in after {last}"));
        }
        if self.newest >= number + limits.level {
            let late = self.newest - number;
            return broken(Rule::Fresh, format!("takes heartbeat {number} in, late by {late}"));
        }
        *last = number;
        self.newest = number.max(self.newest);
        Ok(())
    }
}
