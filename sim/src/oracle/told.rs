//! What each unit was told, and what became of its actions: what its claims are judged by.

use core::time::Duration;
use ha_core::pair::{Action, Demotion, Event, Health, Input, Maintenance, MonitoredLinks};
use ha_core::time::Instant;

/// One unit, as its embedder knows it. Times are those of its own clock.
#[derive(Debug, Default)]
pub(super) struct Told {
    weight: u16,
    demotions: Vec<(Demotion, Option<Instant>)>,
    /// It could not take the role, and has not taken it since.
    take_failed: bool,
    pub(super) links: MonitoredLinks,
    pub(super) ready: bool,
    /// Since when it has waited to be ready at the most: its start, or the last news of that.
    pub(super) ready_since: Instant,
    pub(super) synchronized: bool,
    /// In force: persisted.
    pub(super) maintenance: Maintenance,
    /// Since when.
    pub(super) maintenance_since: Instant,
    persisting: Option<Maintenance>,
}

impl Told {
    pub(super) fn started(local: Instant, persisted: Option<&[u8]>) -> Self {
        let maintenance = persisted.and_then(Maintenance::from_bytes).unwrap_or_default();
        Self { ready_since: local, maintenance, maintenance_since: local, ..Self::default() }
    }

    /// How fit it is.
    pub(super) fn health(&self) -> Health {
        Health::whole(self.demotions.is_empty() && !self.take_failed, self.weight)
    }

    pub(super) fn in_maintenance(&self) -> bool {
        self.maintenance != Maintenance::Off
    }

    pub(super) fn may_be_cut_off(&self) -> bool {
        self.links.configured > 0 && self.links.up == 0
    }

    /// It took this in.
    pub(super) fn told(&mut self, local: Instant, input: Input) {
        match input {
            Input::HealthWeight(weight) => self.weight = weight,
            Input::MonitoredLinks(links) => self.links = links,
            Input::Demote { demotion, lasts } => {
                self.demotions.retain(|(known, _)| *known != demotion);
                self.demotions.push((demotion, lasts.map(|lasts| local + lasts)));
            }
            Input::Lift(demotion) => {
                self.demotions.retain(|(known, _)| *known != demotion);
                self.take_failed &= demotion != Demotion::take_failed();
            }
            Input::Ready(ready) if ready != self.ready => {
                self.ready = ready;
                self.ready_since = local;
            }
            Input::Synchronized(synchronized) => self.synchronized = synchronized,
            _ => {}
        }
    }

    /// Time passes. Says whether a demotion has expired.
    pub(super) fn expire(&mut self, local: Instant) -> bool {
        let before = self.demotions.len();
        self.demotions.retain(|(_, until)| until.is_none_or(|until| until > local));
        self.demotions.len() < before
    }

    pub(super) fn acts(&mut self, action: &Action) {
        if let Action::Persist { bytes, .. } = action {
            self.persisting = Maintenance::from_bytes(bytes);
        }
    }

    /// The platform has persisted what it was to, or has failed.
    pub(super) fn persisted(&mut self, local: Instant, is_done: bool) {
        if let Some(to) = self.persisting.take().filter(|_| is_done) {
            self.maintenance = to;
            self.maintenance_since = local;
        }
    }

    /// Says whether the unit's own health has changed by that.
    pub(super) fn news(&mut self, event: &Event) -> bool {
        let ours = |demotion: &Demotion| *demotion == Demotion::take_failed();
        match event {
            // It waited for the answer no longer: one that comes after all means nothing.
            Event::MaintenanceNotPersisted(_) => self.persisting = None,
            Event::Demoted(demotion) if ours(demotion) => {
                self.take_failed = true;
                return true;
            }
            Event::DemotionOver { demotion, .. } if ours(demotion) => {
                self.take_failed = false;
                return true;
            }
            _ => {}
        }
        false
    }

    /// So long it has not waited for readiness yet; zero if it need not wait.
    pub(super) fn has_to_wait(&self, local: Instant, limit: Duration) -> Duration {
        if self.ready {
            return Duration::ZERO;
        }
        limit.saturating_sub(local.saturating_since(self.ready_since))
    }
}
