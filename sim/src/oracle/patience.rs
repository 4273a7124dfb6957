//! A unit waits before it takes: after a start for the election time (PAIR-4), and after it heard an Active
//! for the whole failure time, on every path (PAIR-6, PAIR-12).

use super::{Rule, Verdict};
use crate::glimpse::Glimpse;
use core::time::Duration;
use ha_core::pair::Stance;
use ha_core::time::Instant;

#[derive(Debug, Default)]
pub(super) struct Patience {
    units: [Watched; 2],
}

#[derive(Debug, Default)]
struct Watched {
    started: Instant,
    /// What it last said of its role.
    stance: Option<Stance>,
    /// It has heard that its peer holds the role, or is about to take it back: the election is over.
    found_active: bool,
    /// The newest heartbeat that it took in, and when, by its own clock.
    heard: Option<(Glimpse, Instant)>,
}

impl Patience {
    pub(super) fn started(&mut self, unit: usize, local: Instant) {
        self.units[unit] = Watched { started: local, ..Watched::default() };
    }

    pub(super) fn sends(&mut self, unit: usize, glimpse: Glimpse) {
        self.units[unit].stance = Some(glimpse.stance);
    }

    pub(super) fn hears(&mut self, unit: usize, local: Instant, glimpse: Glimpse) {
        use Stance::{Active, Recovering, Released, Withdrawing};
        let watched = &mut self.units[unit];
        watched.heard = Some((glimpse, local));
        watched.found_active |=
            matches!(glimpse.stance, Active | Withdrawing | Released | Recovering);
    }

    /// A unit begins to take.
    pub(super) fn takes(
        &self,
        unit: usize,
        local: Instant,
        failure_time: [Duration; 2],
        election_delay: Duration,
    ) -> Verdict {
        let Watched { started, stance, found_active, heard } = &self.units[unit];
        let waited = local.saturating_since(*started);
        let looks = *stance == Some(Stance::Election) && !found_active;
        if looks && waited < failure_time[unit].max(election_delay) {
            return Err((Rule::Patience, format!("takes {waited:?} after its start")));
        }
        if let Some((glimpse, at)) = heard
            && matches!(stance, Some(Stance::Election | Stance::Standby | Stance::Recovering))
            // Who is still withdrawing must not be joined either.
            && matches!(glimpse.stance, Stance::Active | Stance::Withdrawing)
            // What it heard at this very instant may have come after it had decided.
            && *at < local
            && local.saturating_since(*at) < failure_time[1 - unit]
        {
            let age = local.saturating_since(*at);
            return Err((
                Rule::Patience,
                format!("takes {age:?} after it heard that its peer holds the role"),
            ));
        }
        Ok(())
    }
}
