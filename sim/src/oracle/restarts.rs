//! CRASH-1: a service that fails again and again is restarted, but not more often than configured: counted by
//! the clock of its unit, at the moment at which the unit was told what let it decide.

use super::{Rule, Verdict};
use core::time::Duration;
use ha_core::identity::ServiceId;
use ha_core::monitor::MonitorConfig;
use ha_core::time::Instant;

#[derive(Debug, Default)]
pub(super) struct Restarts {
    units: [Vec<Watched>; 2],
}

#[derive(Debug)]
struct Watched {
    id: ServiceId,
    most: usize,
    window: Duration,
    restarts: Vec<Instant>,
}

impl Restarts {
    /// The start of a unit forgets.
    pub(super) fn started(&mut self, unit: usize, config: &MonitorConfig) {
        let watched = config.services().iter().map(|it| Watched {
            id: it.id,
            most: it.restarts.into(),
            window: it.window,
            restarts: Vec::new(),
        });
        self.units[unit] = watched.collect();
    }

    pub(super) fn restarts(&mut self, unit: usize, told_at: Instant, id: ServiceId) -> Verdict {
        let Some(it) = self.units[unit].iter_mut().find(|it| it.id == id) else {
            return Err((Rule::Restarts, format!("restarts {id}, which is not watched")));
        };
        let window = it.window;
        it.restarts.retain(|at| *at + window > told_at);
        it.restarts.push(told_at);
        let count = it.restarts.len();
        if count > it.most {
            return Err((Rule::Restarts, format!("restarts {id} {count} times in {window:?}")));
        }
        Ok(())
    }
}
