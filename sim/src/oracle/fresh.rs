//! A heartbeat is taken in once on each path, and none after a later one: what is old proves nothing.
//!
//! That is within one start of the sender. A late copy of its former start that echoes us is believed for
//! a moment, as the role machine is: it was sent within the failure time.

use super::{Rule, Verdict};
use crate::glimpse::Glimpse;

/// The most paths that a pair can have.
const PATHS: usize = ha_core::pair::MAX_PATHS;

#[derive(Debug, Default)]
pub(super) struct Fresh {
    /// Which start of its peer each unit believes.
    start: [u64; 2],
    /// Of each unit and path, the number of the last heartbeat that was taken in.
    last: [[u64; PATHS]; 2],
}

impl Fresh {
    pub(super) fn started(&mut self, unit: usize) {
        self.start[unit] = 0;
    }

    pub(super) fn hears(&mut self, unit: usize, path: u8, glimpse: Glimpse) -> Verdict {
        if self.start[unit] != glimpse.start {
            self.start[unit] = glimpse.start;
            self.last[unit] = [0; PATHS];
        }
        let last = &mut self.last[unit][usize::from(path)];
        if glimpse.number <= *last {
            let text = format!("takes heartbeat {} in after {last}", glimpse.number);
            return Err((Rule::Fresh, text));
        }
        *last = glimpse.number;
        Ok(())
    }
}
