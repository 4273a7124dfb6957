//! What a unit knows of itself: its health, what bars it from the role, and what it is told of both.

use super::comparison::Health;
use super::demotion::{Demotion, Demotions, MAX_DEMOTIONS};
use super::machine::Pair;
use super::maintenance::Maintenance;
use super::news::{Action, Event, Input, IsolationEnd, MonitoredLinks, PersistKey, Refusal};
use super::obstacle::Obstacles;
use super::role::{Stance, State};
use super::timer::Timer;
use super::transition::Cause;
use crate::machine::{ActionError, ActionId};
use crate::monitor::FULL_WEIGHT;
use crate::time::Instant;

/// What a unit was told of itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Fitness {
    pub(super) weight: u16,
    pub(super) links: MonitoredLinks,
    pub(super) isolated: bool,
    pub(super) demotions: Demotions,
    pub(super) maintenance: Maintenance,
    /// The maintenance mode that is on its way to where it is kept.
    pub(super) persisting: Option<(ActionId, Maintenance)>,
    pub(super) ready: bool,
    /// It was not ready for too long, and counts as ready.
    pub(super) overdue: bool,
    pub(super) synchronized: bool,
    pub(super) upgrade: bool,
}

impl Fitness {
    pub(super) fn in_maintenance(&self) -> bool {
        self.maintenance != Maintenance::Off
    }

    pub(super) fn is_persisting(&self, id: ActionId) -> bool {
        self.persisting.is_some_and(|(persisting, _)| persisting == id)
    }
}

impl Pair {
    /// How fit this unit is for the role.
    #[must_use]
    pub fn health(&self) -> Health {
        let weight = self.fitness.weight.saturating_add(self.monitor.weight());
        Health { fit: self.fitness.demotions.all().is_empty(), weight }
    }

    /// What keeps this unit from taking the role; what keeps an Active that has it from taking it again.
    #[must_use]
    pub fn obstacles(&self) -> Obstacles {
        let asks_for_readiness = !self.config.readiness_limit.is_zero();
        let is_ready = self.fitness.ready || self.fitness.overdue;
        Obstacles::NONE
            .with(Obstacles::TAKE_FAILED, self.timers.get(Timer::Hold).is_some())
            .with(Obstacles::MAINTENANCE, self.fitness.in_maintenance())
            .with(Obstacles::ISOLATED, self.fitness.isolated)
            .with(Obstacles::NOT_READY, asks_for_readiness && !is_ready)
            .with(Obstacles::LEAVING, self.state == State::Left)
    }

    /// The configured ones, or those that the embedder counts.
    fn monitored_links(&self) -> MonitoredLinks {
        self.monitor.links().unwrap_or(self.fitness.links)
    }

    pub(super) fn eligible(&self) -> bool {
        self.obstacles().is_empty()
    }

    /// The Standby of a stateful pair that does not have the state of its Active yet (PAIR-9).
    pub(super) fn waits_for_state(&self) -> bool {
        let active = self.peer.alive().is_some_and(|it| it.heartbeat.stance == Stance::Active);
        self.config.mode.is_stateful() && !self.fitness.synchronized && active
    }

    /// The embedder tells something of this unit.
    pub(super) fn learn_of_itself(&mut self, now: Instant, input: Input) -> Result<(), Refusal> {
        let before = (self.judgement(), self.obstacles());
        match input {
            Input::HealthWeight(weight) if weight > u16::MAX.saturating_sub(FULL_WEIGHT) => {
                return Err(Refusal::HealthWeight(weight));
            }
            Input::HealthWeight(weight) => self.fitness.weight = weight,
            Input::MonitoredLinks(MonitoredLinks { configured, up }) => {
                if up > configured {
                    return Err(Refusal::MonitoredLinks { configured, up });
                }
                if self.monitor.links().is_some() {
                    return Err(Refusal::LinksAreConfigured);
                }
                self.fitness.links = MonitoredLinks { configured, up };
                self.note_isolation(now);
            }
            Input::Demote { demotion, lasts } => {
                self.demote(demotion, lasts.map(|lasts| now + lasts))?;
            }
            Input::Lift(demotion) => {
                if !self.fitness.demotions.lift(demotion) {
                    return Err(Refusal::NotDemoted(demotion));
                }
                self.event(Event::DemotionOver { demotion, expired: false });
                self.set_demotion_timer();
            }
            // Said again, it is no news: the time that runs goes on.
            Input::Ready(ready) if ready != self.fitness.ready => {
                self.ready_or_not();
                self.fitness.ready = ready;
            }
            Input::Ready(_) => {}
            Input::Synchronized(synchronized) => {
                if self.fitness.synchronized != synchronized {
                    self.fitness.synchronized = synchronized;
                    self.event(Event::Synchronized(synchronized));
                    self.reconsider(now);
                }
            }
            Input::Upgrade(upgrade) => {
                if self.fitness.upgrade != upgrade {
                    self.fitness.upgrade = upgrade;
                    self.event(Event::Upgrade(upgrade));
                    self.judge_mismatch_anew();
                    self.reconsider(now);
                }
            }
            // These are no news of the unit itself: `handle_input` serves them.
            Input::TakeOver
            | Input::FailOver
            | Input::Leave(_)
            | Input::Maintenance(_)
            | Input::Link { .. }
            | Input::ProbeAnswered(_)
            | Input::ServiceAlive(_)
            | Input::ServiceFailed(_)
            | Input::RetryService(_) => {}
        }
        let (health, obstacles) = before;
        if !self.note_health(now, health) && obstacles != self.obstacles() {
            self.reconsider(now);
        }
        Ok(())
    }
}

// Demotions (BEY-7).
impl Pair {
    fn demote(&mut self, demotion: Demotion, until: Option<Instant>) -> Result<(), Refusal> {
        let demotions = &mut self.fitness.demotions;
        let is_known = demotions.all().iter().any(|known| known.demotion == demotion);
        let own = Demotion::take_failed();
        let others = demotions.all().iter().filter(|known| known.demotion != own).count();
        if !is_known && demotion != own && others >= MAX_DEMOTIONS {
            return Err(Refusal::TooManyDemotions);
        }
        demotions.set(demotion, until);
        if !is_known {
            self.event(Event::Demoted(demotion));
        }
        self.set_demotion_timer();
        Ok(())
    }

    fn set_demotion_timer(&mut self) {
        self.timers.set(Timer::Demotion, self.fitness.demotions.next_expiry());
    }

    pub(super) fn expire_demotions(&mut self, now: Instant) {
        while let Some(demotion) = self.fitness.demotions.expire(now) {
            self.event(Event::DemotionOver { demotion, expired: true });
        }
        self.set_demotion_timer();
        self.reconsider(now);
    }

    /// A unit that could not take is less fit than its peer until it could, or the embedder knows better:
    /// so the peer takes over once, and no preempt brings the role back to where it cannot be held.
    pub(super) fn take_failed(&mut self) {
        let demotion = Demotion::take_failed();
        // One more than the embedder can name.
        if self.fitness.demotions.set(demotion, None) {
            self.event(Event::Demoted(demotion));
        }
    }

    pub(super) fn take_succeeded(&mut self) {
        let demotion = Demotion::take_failed();
        if self.fitness.demotions.lift(demotion) {
            self.event(Event::DemotionOver { demotion, expired: false });
        }
    }
}

// Isolation (BEY-3).
impl Pair {
    /// Whether this unit is cut off has to be judged anew.
    pub(super) fn note_isolation(&mut self, now: Instant) {
        let hears = self.peer.alive().is_some();
        let links = self.monitored_links();
        let isolated = (self.config.rules.is_isolated)(links, hears);
        if self.fitness.isolated == isolated {
            return;
        }
        self.fitness.isolated = isolated;
        if isolated {
            self.event(Event::Isolated);
            self.beat(now);
            self.dispatch(now, Cause::Isolated);
        } else {
            let why = match links {
                _ if hears => IsolationEnd::PeerHeard,
                MonitoredLinks { configured: 0, .. } => IsolationEnd::NotMonitored,
                _ => IsolationEnd::LinkUp,
            };
            self.event(Event::IsolationOver { why });
            self.reconsider(now);
        }
    }
}

// Readiness (BEY-9).
impl Pair {
    /// The unit would be in the state `if_ready` if only the embedder were ready: from now on its time runs.
    pub(super) fn hold_for_readiness(&mut self, now: Instant, if_ready: State) {
        let held = matches!(if_ready, State::Taking | State::Asking);
        if held && self.timers.get(Timer::Readiness).is_none() {
            let limit = self.config.readiness_limit;
            self.timers.set(Timer::Readiness, Some(now + limit));
            self.event(Event::HeldForReadiness { limit });
        }
    }

    pub(super) fn readiness_overdue(&mut self, now: Instant) {
        self.fitness.overdue = true;
        self.event(Event::ReadinessOverdue);
        self.reconsider(now);
    }

    /// The Standby would not take or ask if it were ready: nothing is waited for.
    pub(super) fn end_hold_for_readiness(&mut self, now: Instant) {
        let waits = self.timers.get(Timer::Readiness).is_some() || self.fitness.overdue;
        if waits && !self.would_move_if_ready(now) {
            self.ready_or_not();
            self.beat(now);
        }
    }

    /// What was waited for has come, one way or the other.
    pub(super) fn ready_or_not(&mut self) {
        self.fitness.overdue = false;
        self.timers.set(Timer::Readiness, None);
    }
}

// Maintenance mode (BEY-8): persisted before it acts.
impl Pair {
    /// At the start: what was persisted.
    pub(super) fn recall_maintenance(&mut self, now: Instant) {
        match self.config.maintenance() {
            Ok(maintenance) => self.begin_maintenance(now, maintenance),
            Err(()) => self.event(Event::PersistedUnreadable(PersistKey::Maintenance)),
        }
    }

    pub(super) fn set_maintenance(&mut self, now: Instant, to: Maintenance) -> Result<(), Refusal> {
        if to != Maintenance::Off && self.state.holds_active() {
            self.peer_can_take()?;
        }
        self.persist_maintenance(now, to);
        Ok(())
    }

    fn persist_maintenance(&mut self, now: Instant, to: Maintenance) {
        let bytes = to.to_bytes().into();
        let id = self.duties.add(Action::Persist { key: PersistKey::Maintenance, bytes });
        self.fitness.persisting = Some((id, to));
        self.timers.set(Timer::Persist, Some(now + self.config.action_timeout));
    }

    pub(super) fn maintenance_persisted(&mut self, now: Instant, outcome: Result<(), ActionError>) {
        self.timers.set(Timer::Persist, None);
        let Some((_, to)) = self.fitness.persisting.take() else { return };
        match outcome {
            Ok(()) => {
                self.begin_maintenance(now, to);
                self.reconsider(now);
            }
            Err(error) => {
                self.event(Event::MaintenanceNotPersisted(error));
                if self.maintenance_has_ended() {
                    self.timers.set(Timer::Maintenance, Some(now + self.hold_time()));
                }
            }
        }
    }

    fn begin_maintenance(&mut self, now: Instant, maintenance: Maintenance) {
        let was = self.fitness.in_maintenance();
        self.fitness.maintenance = maintenance;
        let end = match maintenance {
            Maintenance::On { lasts: Some(lasts) } => Some(now + lasts),
            Maintenance::On { lasts: None } | Maintenance::Off => None,
        };
        self.timers.set(Timer::Maintenance, end);
        let is = self.fitness.in_maintenance();
        if was != is {
            self.event(Event::Maintenance(is));
        }
    }

    /// Its time is over. That is persisted first, too: tried until it works.
    pub(super) fn end_maintenance(&mut self, now: Instant) {
        // Another one is on its way, and will have its own end; or it fails, and this one ends then.
        if self.fitness.persisting.is_none() {
            self.persist_maintenance(now, Maintenance::Off);
        }
    }

    /// A maintenance with an end has reached it, so that its timer no longer runs.
    fn maintenance_has_ended(&self) -> bool {
        matches!(self.fitness.maintenance, Maintenance::On { lasts: Some(_) })
            && self.timers.get(Timer::Maintenance).is_none()
    }
}
