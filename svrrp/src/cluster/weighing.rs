//! The weight that this unit tells of its node: a rise is held back, a drop waits for the pair (VG-4, VG-6).

use super::machine::ClusterUnit;
use crate::identity::GroupNumber;
use crate::link_weight::LinkWeight;
use ha_core::time::Instant;

impl ClusterUnit {
    /// Works the weights out anew. Says whether one changed.
    pub(super) fn weigh(&mut self, now: Instant) -> bool {
        let mut has_changed = false;
        for group in self.groups() {
            has_changed |= self.weigh_group(now, group).unwrap_or(false);
        }
        has_changed
    }

    fn weigh_group(&mut self, now: Instant, group: GroupNumber) -> Option<bool> {
        let at = group.index();
        let is_frozen = self.is_frozen(group);
        let held = self.held.get_mut(at)?;
        held.update(now, self.links.weight(group));
        let weight = held.weight();
        let holding = self.holdings.get(at)?;
        // What stands in a conflict is what both judge by.
        if is_frozen {
            *self.dropped.get_mut(at)? = None;
            return Some(false);
        }
        // The platform could not take it: no other node is worse connected. Where another has no link up either, the ranks
        // decide between the two; but this one does not take before the hold ends.
        let weight = if holding.hold_until.is_some() { LinkWeight::default() } else { weight };
        let told = *self.weights.get(at)?;
        let waits = weight < told && self.is_covered(group, weight);
        let since = self.dropped.get_mut(at)?;
        let begin = *since.get_or_insert(now);
        if waits && now < begin + self.config.failure_time() {
            return Some(false);
        }
        *since = None;
        *self.weights.get_mut(at)? = weight;
        if weight != told {
            self.renew_conflict(group);
        }
        Some(weight != told)
    }

    /// The other unit of this node is better connected, and its pair is to see to that (VG-6).
    fn is_covered(&self, group: GroupNumber, weight: LinkWeight) -> bool {
        let partner = self.config.partner().filter(|_| self.config.is_monitored);
        let partner = partner.filter(|_| self.is_speaker()).and_then(|it| self.peer(it));
        let said = partner.and_then(|it| it.alive(self.judged, &self.config.rules));
        said.filter(|said| said.unit.can_be_active).is_some_and(|said| {
            let entry = said.content.as_ref().and_then(|content| content.groups.get(group));
            entry.is_some_and(|entry| LinkWeight(entry.link_weight) > weight)
        })
    }

    /// When a drop that waits for the pair has waited for long enough.
    pub(super) fn drops_end(&self) -> Option<Instant> {
        let since = self.dropped.iter().flatten().min()?;
        Some(*since + self.config.failure_time())
    }
}
