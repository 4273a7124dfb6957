//! The role machine: wires the pure role logic to heartbeats, timers and actions.

use super::active::{ActiveUnit, Failover};
use super::announcer::Announcer;
use super::beat::Beat;
use super::config::PairConfig;
use super::conflict::Conflict;
use super::counters::{self, Tally};
use super::decision::Decision;
use super::duties::{Duties, Outcome};
use super::fitness::Fitness;
use super::flaps::Flaps;
use super::hand_over::HandOver;
use super::heartbeat::{Heartbeat, MAX_HEARTBEAT_LEN, OUR_PROTOCOL};
use super::history::History;
use super::news::{Action, Departure, Event, Input, Mismatch, Refusal, ServiceFailure, Why};
use super::obstacle::Obstacles;
use super::peer::Peer;
use super::role::{Goal, Role, State};
use super::timer::{Timer, Timers};
use super::transition::{Cause, OwnView, PeerView};
use crate::identity::UnitId;
use crate::machine::{
    ActionError, ActionId, Channel, Deadline, Destination, Machine, Origin, Output,
};
use crate::monitor::Monitor;
use crate::reject::{Reject, RejectCounters};
use crate::time::{Duration, Instant};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// The most events that wait to be polled; beyond it the oldest are dropped and counted.
pub const MAX_EVENTS: usize = 256;
/// How long a unit holds back before it tries again what has just failed, in failure times.
const HOLD_IN_FAILURE_TIMES: u32 = 10;

/// The role machine of one unit of a pair. See the [module](super) for what it does, and
/// [`Machine`] for how it is driven.
///
/// - What happened: [`Machine::handle_input`], [`Machine::handle_datagram`], [`Machine::handle_done`],
///   [`Machine::handle_timeout`].
/// - What to do: [`Machine::poll_output`], [`Machine::poll_timeout`].
/// - What is known: [`Pair::status`], [`Pair::role`], [`Pair::state`], and the other getters.
#[derive(Clone, Debug)]
pub struct Pair {
    pub(super) config: PairConfig,
    pub(super) state: State,
    /// Why the unit has its role.
    pub(super) decision: Decision,
    /// The unit that is Active, as far as we know.
    pub(super) active: Option<ActiveUnit>,
    pub(super) last_failover: Option<Failover>,
    /// The role that was told last.
    pub(super) shown: Role,
    /// Why the role is being given up, until it is.
    pub(super) leaving: Why,
    pub(super) departure: Departure,
    /// The term of our present or last reign.
    pub(super) term: u64,
    pub(super) warm: bool,
    pub(super) fitness: Fitness,
    pub(super) monitor: Monitor,
    pub(super) peer: Peer,
    pub(super) mismatch: Option<Mismatch>,
    /// Both units hold the addresses, as far as this one knows.
    pub(super) conflict: Option<Conflict>,
    pub(super) hand_over: HandOver,
    pub(super) flaps: Flaps,
    pub(super) history: History,
    pub(super) beat: Beat,
    pub(super) timers: Timers,
    pub(super) duties: Duties,
    pub(super) announcer: Announcer,
    /// The first heartbeat after a stall: a peer that echoes it has heard us since.
    pub(super) proof: u64,
    pub(super) stranger_at: Option<Instant>,
    /// The latest time that was handed in.
    pub(super) now: Instant,
    /// Until then it is known how late this unit was woken.
    pub(super) punctual: Instant,
    pub(super) backward_steps: u64,
    pub(super) events: VecDeque<Event>,
    pub(super) events_dropped: u64,
    pub(super) rejects: RejectCounters,
    pub(super) tally: Tally,
}

impl Pair {
    /// A unit that starts now, in election (PAIR-3).
    #[must_use]
    pub fn new(config: PairConfig, now: Instant) -> Self {
        // A start is never 0: that stands for "none" on the wire.
        let start = config.seed.max(1);
        let enabled = config.mode != super::Mode::Disabled;
        let (state, why) = if enabled {
            (State::Election, Why::Started)
        } else {
            (State::Disabled, Why::Disabled)
        };
        let mut pair = Self {
            state,
            decision: Decision::first(now, state.role(), why),
            active: None,
            last_failover: None,
            shown: state.role(),
            leaving: why,
            departure: Departure::Stop,
            term: 0,
            warm: false,
            fitness: Fitness::default(),
            punctual: now,
            monitor: Monitor::new(&config.monitoring, config.designation, config.rules, now),
            peer: Peer::new(config.path_count()),
            mismatch: None,
            conflict: None,
            hand_over: HandOver::new(start),
            flaps: Flaps::default(),
            history: History::new(start),
            beat: Beat::new(start, config.interval, now),
            timers: Timers::default(),
            duties: Duties::new(config.route_hold),
            announcer: Announcer::default(),
            proof: 0,
            stranger_at: None,
            now,
            backward_steps: 0,
            events: VecDeque::new(),
            events_dropped: 0,
            rejects: RejectCounters::default(),
            tally: Tally::default(),
            config,
        };
        if enabled {
            pair.recall_maintenance(now);
            let failure_time = pair.config.failure_time();
            let election =
                (pair.config.rules.election_time)(pair.config.election_delay, failure_time);
            pair.timers.set(Timer::Election, Some(now + election));
            pair.set_monitor_timer();
            pair.beat(now);
        }
        pair
    }

    /// Notes the time: one that runs backwards is clamped and counted, one that jumped ahead is a stall
    /// (CRASH-4), and at the last instant nothing is due any more. Every `handle_*` begins with it, and so does
    /// `poll_output`.
    fn wake(&mut self, now: Instant) -> Instant {
        if now < self.now {
            self.backward_steps = self.backward_steps.saturating_add(1);
        }
        self.now = self.now.max(now);
        let now = self.now;
        let failure_time = self.config.failure_time();
        let length = self.beat.silence(now);
        let takes_part = !matches!(self.state, State::Left | State::Disabled);
        if takes_part && (self.config.rules.has_stalled)(length, failure_time) {
            self.beat.restart(now);
            self.peer.restart_silence(now);
            self.monitor.stalled(now);
            self.set_monitor_timer();
            self.proof = self.beat.next_number();
            self.event(Event::Stalled { length });
            for (timer, wait) in [
                (Timer::Election, failure_time),
                (Timer::Recovery, failure_time),
                (Timer::Claim, self.claim_time()),
            ] {
                // Each waits to hear something, and nothing was heard meanwhile; none gets shorter.
                let at = self.timers.get(timer).map(|at| at.max(now + wait));
                self.timers.set(timer, at);
            }
            self.dispatch(now, Cause::Stalled);
            self.set_silence_timer();
        } else if takes_part && !self.monitor.is_idle() {
            self.note_lateness(now);
        }
        self.punctual = now;
        now
    }

    /// A unit that was woken too late, but not so late that it matters for the role, may not have heard what it watches.
    fn note_lateness(&mut self, now: Instant) {
        let due = self.timers.next().map(|(at, _)| at.max(self.punctual));
        let late = due.map(|due| now.saturating_since(due)).unwrap_or_default();
        // What a busy machine is late by all the time must not add up: deadlines would never be reached.
        if late > self.config.interval() {
            self.monitor.late(late);
            self.set_monitor_timer();
        }
    }

    fn own_view(&self, obstacles: Obstacles) -> OwnView {
        OwnView {
            eligible: obstacles.is_empty(),
            isolated: obstacles.contains(Obstacles::ISOLATED),
            election_over: self.timers.get(Timer::Election).is_none(),
        }
    }

    /// If only it were ready, this unit would take the role, or ask for it as its Active wants it to.
    pub(super) fn would_move_if_ready(&self, now: Instant) -> bool {
        let own = OwnView { eligible: true, ..self.own_view(self.obstacles()) };
        let peer = self.peer_view(now);
        let is_invited = self.peer.alive().is_some_and(|last| last.heartbeat.invites);
        let next = self.config.rules.next;
        next(self.state, Cause::TimeToElect, own, peer) != self.state
            || is_invited && next(self.state, Cause::TakeOver, own, peer) != self.state
    }

    /// Asks the role logic what follows from a cause, and does it.
    pub(super) fn dispatch(&mut self, now: Instant, cause: Cause) {
        let obstacles = self.obstacles();
        let own = self.own_view(obstacles);
        let peer = self.peer_view(now);
        let next = self.config.rules.next;
        let to = next(self.state, cause, own, peer);
        if to == self.state {
            if obstacles == Obstacles::NOT_READY {
                let if_ready = next(self.state, cause, OwnView { eligible: true, ..own }, peer);
                self.hold_for_readiness(now, if_ready);
            }
            return;
        }
        let why = self.reason(to, cause, peer).unwrap_or(self.leaving);
        if matches!(to, State::Withdrawing(_)) {
            self.leaving = why;
        }
        self.enter(now, to, why, peer);
        // The role may have become free while this unit was busy with giving it up.
        if to == State::Standby {
            self.dispatch(now, Cause::TimeToElect);
        }
    }

    fn enter(&mut self, now: Instant, to: State, why: Why, peer: PeerView) {
        let from = core::mem::replace(&mut self.state, to);
        for (timer, state) in [
            (Timer::Election, State::Election),
            (Timer::Ask, State::Asking),
            (Timer::Invite, State::Active),
            (Timer::Claim, State::Released),
            (Timer::Recovery, State::Recovering),
        ] {
            if to != state {
                self.timers.set(timer, None);
            }
        }
        self.hand_over.entered(to);
        self.monitor_as(now, to.holds_active());
        self.begin(now, from, to);
        self.timers.set(Timer::Action, self.duties.deadline());
        let (from, to) = (from.role(), to.role());
        if from != to {
            if from == Role::Active || to == Role::Active {
                self.note_role_change(now);
            }
            let to = if self.restarts() { Role::Reboot } else { to };
            self.decision = self.decide(now, to, why, peer);
            let term = self.term;
            if from == Role::Active || to == Role::Active {
                self.last_failover = Some(Failover { at: now, from, to, why, term });
            }
            self.shown = to;
            self.event(Event::RoleChanged { from, to, why, term });
        }
        self.note_active(now);
        self.beat(now);
    }

    /// What a state begins with.
    fn begin(&mut self, now: Instant, from: State, to: State) {
        let failure_time = self.config.failure_time();
        let limit = self.config.action_timeout;
        match to {
            State::Taking => {
                let peer_term = self.peer.last().map_or(0, |last| last.heartbeat.term);
                self.term = self.term.max(peer_term).saturating_add(1);
                self.warm = true;
                self.ready_or_not();
                let hold = self.config.route_hold;
                let end = (!hold.is_zero()).then(|| now + hold);
                self.timers.set(Timer::RouteHold, end);
                self.duties.take(now, limit);
            }
            State::Active => {
                self.announce_anew();
                self.resume();
            }
            State::Withdrawing(_) => {
                self.stop_announcing();
                self.timers.set(Timer::RouteHold, None);
                if !matches!(from, State::Withdrawing(_)) {
                    self.duties.withdraw(now, limit);
                }
                if to == State::Withdrawing(Goal::Retreat) {
                    self.timers.set(Timer::Hold, Some(now + self.hold_time()));
                }
            }
            State::Asking => {
                self.hand_over.ask_anew();
                self.timers.set(Timer::Ask, Some(now + failure_time));
            }
            State::Released => self.timers.set(Timer::Claim, Some(now + self.claim_time())),
            State::Recovering => self.timers.set(Timer::Recovery, Some(now + failure_time)),
            State::Left => {
                self.timers.set(Timer::Hold, None);
                self.timers.set(Timer::Stop, Some(now + failure_time));
                self.stop_if_nobody_waits();
            }
            State::Standby => self.warm = true,
            State::Election | State::Disabled => {}
        }
        let withdrew = matches!(from, State::Withdrawing(_) | State::Released | State::Recovering);
        if withdrew && matches!(to, State::Standby | State::Left) {
            self.duties.add(Action::StandDown);
        }
    }

    /// What only the Active does, and no other step waits for, in this order (PAIR-16, VMAC-5).
    fn resume(&mut self) {
        let interfaces = self.config.interfaces.iter();
        let all: Vec<_> = interfaces.clone().map(|it| it.id).collect();
        let routers: Vec<_> = interfaces.filter(|it| it.has_ipv6()).map(|it| it.id).collect();
        if !all.is_empty() {
            self.duties.add(Action::RejoinGroups { interfaces: all });
        }
        if !routers.is_empty() {
            self.duties.add(Action::ResumeRouter { interfaces: routers });
        }
        self.duties.add(Action::ResumeClients);
    }

    /// Makes the next heartbeat: news of this unit go out at once, and otherwise one each interval.
    pub(super) fn beat(&mut self, now: Instant) {
        let id = self.beat.next_id();
        let heartbeat = Heartbeat {
            protocol: OUR_PROTOCOL,
            stance: self.state.stance(),
            designation: self.config.designation,
            serial: self.config.serial,
            preempt: self.config.preempt,
            obstacles: self.obstacles(),
            warm: self.warm,
            synchronized: self.fitness.synchronized,
            upgrade: self.fitness.upgrade,
            invites: self.invites(),
            voluntary: self.hand_over.is_voluntary(),
            steady: self.holds_voluntary_changes(now),
            interval: self.config.interval,
            level: self.config.level,
            health: self.health_said(),
            paths_heard: self.peer.paths_heard(),
            id,
            term: self.term,
            echo: self.peer.echo(now),
            ask: self.hand_over.ask,
            release: self.hand_over.released(self.state),
            product: Some(self.config.product),
        };
        self.history.push(id.number, now, heartbeat.standing(), heartbeat.obstacles.is_empty());
        self.beat.launch(now, heartbeat, self.monitor.report(), self.config.path_count());
        self.timers.set(Timer::Heartbeat, Some(self.beat.next_at()));
    }

    fn outcome(&mut self, now: Instant, outcome: Outcome) {
        let failed = |action, error| Event::ActionFailed { action, error };
        match outcome {
            Outcome::Taken => {
                self.take_succeeded();
                self.dispatch(now, Cause::Taken);
            }
            Outcome::Withdrawn => self.dispatch(now, Cause::Withdrawn),
            Outcome::Failed(action, error) => self.event(failed(action, error)),
            Outcome::TakeFailed(action, error) => {
                self.event(failed(action, error));
                self.take_failed();
                self.dispatch(now, Cause::TakeFailed);
            }
            Outcome::WithdrawFailed(error) => {
                self.event(failed("Withdraw", error));
                if self.state == State::Withdrawing(Goal::Release) {
                    self.hand_over.refuse();
                    self.be_patient(now);
                }
                self.dispatch(now, Cause::WithdrawFailed);
                if let State::Withdrawing(_) = self.state {
                    let again = now + self.config.failure_time();
                    self.timers.set(Timer::Withdraw, Some(again));
                } else {
                    self.event(Event::HandOverAborted("the withdrawal failed"));
                }
            }
        }
        self.timers.set(Timer::Action, self.duties.deadline());
    }

    fn on_timer(&mut self, now: Instant, timer: Timer) {
        let limit = self.config.action_timeout;
        match timer {
            Timer::Silence => self.fall_silent(now),
            Timer::Action => {
                if let Some(outcome) = self.duties.time_out(now, limit) {
                    self.outcome(now, outcome);
                }
                self.timers.set(Timer::Action, self.duties.deadline());
            }
            Timer::Withdraw => {
                if let State::Withdrawing(_) = self.state {
                    self.duties.withdraw(now, limit);
                    self.timers.set(Timer::Action, self.duties.deadline());
                }
            }
            Timer::Election => self.dispatch(now, Cause::TimeToElect),
            Timer::Hold | Timer::Patience => self.reconsider(now),
            Timer::Ask => self.ask_expired(now),
            Timer::Invite => {
                self.event(Event::HandOverAborted("the peer did not ask for the role in time"));
                self.beat(now);
            }
            Timer::Claim => self.claim_expired(now),
            Timer::Recovery => {
                self.dispatch(now, Cause::RecoveryOver);
                if self.state == State::Recovering {
                    // The peer still holds the role.
                    self.timers.set(Timer::Recovery, Some(now + self.config.failure_time()));
                }
            }
            Timer::Stop => self.event(Event::MayStop { peer_took: false }),
            Timer::Heartbeat => self.beat(now),
            Timer::Announcement => self.announcer.due = true,
            Timer::RouteHold => {
                self.duties.add(Action::EndRouteHold);
            }
            Timer::Flap => self.flap_hold_over(now),
            Timer::Demotion => self.expire_demotions(now),
            Timer::Maintenance => self.end_maintenance(now),
            Timer::Readiness => self.readiness_overdue(now),
            Timer::Monitor => self.monitor(now, |monitor, now| monitor.handle_timeout(now)),
            Timer::Persist => self.maintenance_persisted(now, Err(ActionError::TimedOut)),
        }
    }

    /// A unit that leaves waits for the peer to take, but not for one that is not there.
    pub(super) fn stop_if_nobody_waits(&mut self) {
        if self.peer.alive().is_none() {
            self.may_stop(false);
        }
    }

    pub(super) fn may_stop(&mut self, peer_took: bool) {
        if self.timers.get(Timer::Stop).is_some() {
            self.timers.set(Timer::Stop, None);
            self.event(Event::MayStop { peer_took });
        }
    }

    fn restarts(&self) -> bool {
        self.state == State::Left && self.departure == Departure::Restart
    }

    /// How long a unit holds back before it tries again what has just failed.
    pub(super) fn hold_time(&self) -> Duration {
        self.config.failure_time().saturating_mul(HOLD_IN_FAILURE_TIMES)
    }

    pub(super) fn event(&mut self, event: Event) {
        self.tally.note(&event);
        #[cfg(feature = "tracing")]
        super::telling::log(self, &event);
        if self.events.len() == MAX_EVENTS {
            self.events.pop_front();
            self.events_dropped = self.events_dropped.saturating_add(1);
            counters::count(&mut self.tally.events_dropped, 1);
        }
        self.events.push_back(event);
    }
}

impl Machine for Pair {
    type Input = Input;
    type Refusal = Refusal;
    type Action = Action;
    type Event = Event;

    fn handle_input(&mut self, now: Instant, input: Input) -> Result<(), Refusal> {
        let now = self.wake(now);
        match self.state {
            State::Left => return Err(Refusal::HasLeft),
            State::Disabled => return Err(Refusal::Disabled),
            _ => {}
        }
        let result = match input {
            Input::TakeOver => self.take_over(now),
            Input::FailOver => self.fail_over(now),
            Input::Leave(departure) => {
                self.departure = departure;
                self.dispatch(now, Cause::Leave);
                Ok(())
            }
            Input::Maintenance(maintenance) => self.set_maintenance(now, maintenance),
            Input::Link { interface, port, up } => {
                self.monitor(now, |monitor, now| monitor.link(now, interface, port, up))
            }
            Input::ProbeAnswered(answer) => {
                self.monitor(now, |monitor, _| monitor.answered(answer))
            }
            Input::ServiceAlive(id) => self.monitor(now, |monitor, now| monitor.alive(now, id)),
            Input::ServiceFailed(id) => {
                self.monitor(now, |monitor, now| monitor.failed(now, id, ServiceFailure::Told))
            }
            Input::RetryService(id) => self.monitor(now, |monitor, now| monitor.retry(now, id)),
            Input::HealthWeight(_)
            | Input::MonitoredLinks(_)
            | Input::Demote { .. }
            | Input::Lift(_)
            | Input::Ready(_)
            | Input::Synchronized(_)
            | Input::Upgrade(_) => self.learn_of_itself(now, input),
        };
        self.tell_role();
        result
    }

    /// A datagram that is refused changes no role and no timer of the peer's silence; it is counted, and
    /// two kinds do a little more: see [`Reject::UnprovenStart`] and [`Reject::Serial`]. (That time has
    /// passed is noted all the same, as [`Machine::handle_timeout`] would.)
    fn handle_datagram(
        &mut self,
        now: Instant,
        from: Origin,
        datagram: &[u8],
    ) -> Result<(), Reject> {
        let now = self.wake(now);
        let result = self.accept(now, from, datagram);
        match &result {
            Ok(()) => counters::count(&mut self.tally.heartbeats_heard, 1),
            Err(reject) => self.rejects.count(reject),
        }
        self.tell_role();
        result
    }

    fn handle_done(&mut self, now: Instant, id: ActionId, outcome: Result<(), ActionError>) {
        let now = self.wake(now);
        let limit = self.config.action_timeout;
        if let Some(outcome) = self.duties.done(now, limit, id, outcome) {
            self.outcome(now, outcome);
        }
        if self.monitor.restarted(now, id) {
            self.set_monitor_timer();
        }
        self.burst_done(now, id);
        if self.fitness.is_persisting(id) {
            self.maintenance_persisted(now, outcome);
        }
        self.timers.set(Timer::Action, self.duties.deadline());
        self.tell_role();
    }

    fn handle_timeout(&mut self, now: Instant) {
        let now = self.wake(now);
        // Looking at the earliest alone is enough most of the time.
        if self.timers.next().is_none_or(|(at, _)| at > now) {
            return;
        }
        for timer in Timer::ALL {
            if self.timers.take_due(timer, now) {
                self.on_timer(now, timer);
            }
        }
        self.tell_role();
    }

    fn poll_output(&mut self, now: Instant, buf: &mut [u8]) -> Option<Output<Action, Event>> {
        // Who was asleep since the last call must not hand out what was meant for then (S3).
        let now = self.wake(now);
        // Steps first: a unit that stalled withdraws before it says anything (S3).
        if let Some((id, action)) = self.duties.poll_step() {
            return Some(Output::Action { id, action });
        }
        if let Some((path, len)) = self.beat.poll(now, buf) {
            let peer: UnitId = self.config.peer();
            counters::count(&mut self.tally.heartbeats_sent, 1);
            let to = Destination { peer, path, channel: Channel::Pair };
            return Some(Output::Transmit { to, len });
        }
        // What is slow comes after what the peer waits for (PAIR-16, BEY-10).
        if let Some((id, action)) = self.poll_burst(now).or_else(|| self.duties.poll_rest()) {
            return Some(Output::Action { id, action });
        }
        if let Some((id, action)) = self.poll_monitor(now) {
            return Some(Output::Action { id, action });
        }
        if self.events_dropped > 0 {
            return Some(Output::Event(Event::EventsDropped(core::mem::take(
                &mut self.events_dropped,
            ))));
        }
        self.events.pop_front().map(Output::Event)
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        let (at, timer) = self.timers.next().filter(|(at, _)| *at < Instant::FAR_FUTURE)?;
        Some(Deadline { at, why: timer.name() })
    }

    fn max_datagram(&self) -> usize {
        MAX_HEARTBEAT_LEN
    }
}

impl Pair {
    /// The role, as a person is told (PAIR-15).
    #[must_use]
    pub fn role(&self) -> Role {
        let role = self.state.role();
        if self.restarts() {
            Role::Reboot
        } else if matches!(role, Role::Election | Role::Standby) && self.mismatch.is_some() {
            Role::Error
        } else if role == Role::Standby && self.waits_for_state() {
            Role::Sync
        } else {
            role
        }
    }
}
