//! VG-4: a rise of weight is told only when it has lasted for the restore hold, or where the group had no owner that
//! could be disturbed.

use super::super::setup::{GROUPS, PLACES, Setup};
use super::{Rule, Verdict};
use core::time::Duration;
use ha_core::time::Instant;
use svrrp::GroupNumber;
use svrrp::wire::GroupEntry;

#[derive(Debug)]
pub(in super::super) struct Weights {
    hold: Duration,
    units: Vec<[Watched; GROUPS]>,
}

#[derive(Clone, Debug, Default)]
struct Watched {
    /// By the unit's clock: from then on its ports amounted to this weight.
    raw: Vec<(Instant, u16)>,
    told: u16,
    /// So much needs no hold: it was there when the group had no owner.
    excused: u16,
}

impl Weights {
    pub(super) fn new(setup: &Setup) -> Self {
        let units = (0..PLACES).map(|_| Default::default()).collect();
        Self { hold: setup.restore_hold / 100 * 99, units }
    }

    pub(super) fn started(&mut self, unit: usize, local: Instant) {
        for it in &mut self.units[unit] {
            *it = Watched { raw: vec![(local, 0)], ..Watched::default() };
        }
    }

    /// The machine is told what the ports are.
    pub(in super::super) fn is_told(
        &mut self,
        unit: usize,
        group: GroupNumber,
        local: Instant,
        weight: u16,
    ) {
        let it = &mut self.units[unit][group.index()];
        it.excused = it.excused.min(weight);
        it.raw.push((local, weight));
        if it.raw.len() > 64 {
            it.raw.remove(0);
        }
    }

    /// A unit says what its weight is.
    pub(super) fn tells(
        &mut self,
        unit: usize,
        group: GroupNumber,
        local: Instant,
        entry: &GroupEntry,
    ) -> Verdict {
        let hold = self.hold;
        let it = &mut self.units[unit][group.index()];
        let raw = it.raw.last().map_or(0, |(_, raw)| *raw);
        let is_new = entry.stance.holds() && entry.stance != svrrp::wire::GroupStance::Owner;
        if entry.owner_seen.is_none() || is_new {
            it.excused = raw;
        }
        let told = core::mem::replace(&mut it.told, entry.link_weight);
        if entry.link_weight <= told || entry.link_weight <= it.excused {
            return Ok(());
        }
        // The lowest that it was within the hold, with what it was when that began.
        let mut lowest = u16::MAX;
        for (at, raw) in it.raw.iter().rev() {
            lowest = lowest.min(*raw);
            if local.saturating_since(*at) >= hold {
                break;
            }
        }
        if entry.link_weight > lowest {
            let weight = entry.link_weight;
            let text = format!("tells {group} weight {weight}, and had {lowest} within the hold");
            return Err((Rule::Hold, text));
        }
        Ok(())
    }
}
