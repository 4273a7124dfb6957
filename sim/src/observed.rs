//! What is counted in a world.

use ha_core::pair::Why;

/// Figures of one run.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Calls that told a machine something: datagrams, answers of the platform, timeouts.
    pub calls: u64,
    role_changes: Vec<(Why, u64)>,
}

impl Observed {
    pub(crate) fn role_change(&mut self, why: Why) {
        self.add_role_changes(why, 1);
    }

    /// Adds so many role changes for this reason.
    pub fn add_role_changes(&mut self, why: Why, count: u64) {
        match self.role_changes.iter_mut().find(|(known, _)| *known == why) {
            Some((_, known)) => *known += count,
            None => self.role_changes.push((why, count)),
        }
    }

    /// How often a role changed, by the reason.
    pub fn role_changes(&self) -> impl Iterator<Item = (Why, u64)> + '_ {
        self.role_changes.iter().copied()
    }
}
