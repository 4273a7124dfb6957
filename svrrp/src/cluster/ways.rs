//! Reports on the ways to the other units before they are needed: a cluster link that is slow, and an X0 that does not
//! hear every unit (NODE-7).

use super::machine::ClusterUnit;
use super::news::{Event, Refusal};
use crate::identity::Member;
use core::time::Duration;
use ha_core::identity::PathId;
use ha_core::time::Instant;

/// A cluster link below this is reported: 1 Gbit/s, in Mbit/s (NODE-7).
pub const MIN_LINK_SPEED: u32 = 1000;

/// So often an advertisement goes over X0 though a cluster link works, so that an X0 that fails is known before it is
/// needed. Our decision.
pub const X0_TRIAL: Duration = Duration::from_secs(60);

/// After so many trials of which nothing was heard a unit is reported.
pub(super) const MISSED_TRIALS: u32 = 3;

impl ClusterUnit {
    /// Notes how fast a cluster link is, in Mbit/s.
    pub(super) fn note_speed(&mut self, path: PathId, speed: u32) -> Result<(), Refusal> {
        if path.0 >= self.config.cluster_links {
            return Err(Refusal::NoClusterLink(path));
        }
        let is_slow = speed < MIN_LINK_SPEED;
        if self.slow_links.contains(path) != is_slow {
            if is_slow {
                self.slow_links.insert(path);
            } else {
                self.slow_links.remove(path);
            }
            self.event(Event::LinkSpeed { path, speed });
        }
        Ok(())
    }

    /// Tells which units have not been heard on X0 for three trials, and which are heard there again.
    pub(super) fn note_x0(&mut self, now: Instant) {
        if !self.config.x0 {
            return;
        }
        let mut news = [None; crate::identity::MAX_UNITS];
        for ((member, peer), news) in Member::all().zip(&mut self.peers).zip(&mut news) {
            if peer.note_x0(now) {
                *news = Some(Event::X0 { member, heard: !peer.is_x0_silent });
            }
        }
        news.into_iter().flatten().for_each(|event| self.event(event));
    }
}
