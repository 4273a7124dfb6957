//! A heartbeat is taken in once on each path, and none after a later one; none that is a trigger level or
//! more behind the newest; and none of a start that another one has displaced: what is old proves nothing.

use super::{Rule, Verdict};
use crate::glimpse::Glimpse;

/// The most paths that a pair can have.
const PATHS: usize = ha_core::pair::MAX_PATHS;

#[derive(Debug, Default)]
pub(super) struct Fresh {
    units: [Watched; 2],
}

#[derive(Debug, Default)]
struct Watched {
    /// Which start of its peer it believes; 0 for none.
    start: u64,
    /// Those that it believed before.
    former: Vec<u64>,
    /// The number of the newest heartbeat that was taken in, and of the last one on each path.
    newest: u64,
    last: [u64; PATHS],
}

impl Fresh {
    pub(super) fn started(&mut self, unit: usize) {
        self.units[unit] = Watched::default();
    }

    /// It is the first copy of this heartbeat.
    pub(super) fn is_news(&self, unit: usize, glimpse: Glimpse) -> bool {
        let Watched { start, newest, .. } = self.units[unit];
        start != glimpse.start || newest < glimpse.number
    }

    pub(super) fn hears(&mut self, unit: usize, path: u8, glimpse: Glimpse) -> Verdict {
        let watched = &mut self.units[unit];
        let Glimpse { start, number, level, .. } = glimpse;
        if watched.start != start {
            if watched.former.contains(&start) {
                let text = "takes a heartbeat in of a start that another one has displaced";
                return Err((Rule::Fresh, text.into()));
            }
            watched.former.push(watched.start);
            *watched = Watched {
                start,
                former: core::mem::take(&mut watched.former),
                ..Watched::default()
            };
        }
        let Watched { newest, last, .. } = watched;
        let last = &mut last[usize::from(path)];
        if number <= *last {
            let text = format!("takes heartbeat {number} in after {last}");
            return Err((Rule::Fresh, text));
        }
        if *newest >= number + u64::from(level) {
            let text = format!("takes heartbeat {number} in, late by {}", *newest - number);
            return Err((Rule::Fresh, text));
        }
        *last = number;
        *newest = number.max(*newest);
        Ok(())
    }
}
