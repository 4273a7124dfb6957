//! What a node must not know when it takes a group: that another one holds it (S2), or that one that it hears hears an
//! owner (SVRRP-5). And in a hand-over whoever released it holds it no more (VG-5).

use super::super::setup::{PLACES, member_of, name, node_of};
use super::super::unit::Unit;
use super::{Oracle, Rule, Verdict};
use svrrp::GroupNumber;
use svrrp::cluster::Why;
use svrrp::wire::Condition;

/// A unit has begun to take a group.
#[derive(Clone, Copy, Debug)]
pub(in super::super) struct Take {
    pub(in super::super) group: GroupNumber,
    pub(in super::super) why: Why,
}

impl Oracle {
    pub(in super::super) fn takes(
        &mut self,
        now: u64,
        unit: usize,
        take: &Take,
        units: &[Unit],
    ) -> Verdict {
        let Take { group, why } = *take;
        let own = member_of(unit).node;
        if self.unsure_until[unit] >= now {
            return Ok(());
        }
        let holds = |other: usize| units[other].platform.holds[group.index()];
        if why == Why::Inherited {
            // From its partner, by its pair's word: what it released before says nothing of that (VG-6).
            self.hearing.inherits(unit, group);
        }
        if why == Why::NoOwner {
            self.stalls.takes_free(unit, units[unit].clock.at(now), group)?;
        }
        if why == Why::Granted
            && let Some(from) = self.hearing.released(unit, group).find(|from| {
                // It may have taken it back only when this unit's time is long over.
                holds(*from)
                    && self.unsure_until[*from] < now
                    && node_of(*from) != own
                    && self.hearing.both(now, unit, *from).is_some()
            })
        {
            let text = format!("takes {group} in a hand-over, and {} holds it", name(from));
            return Err((Rule::S2, text));
        }
        for other in (0..PLACES).filter(|other| node_of(*other) != own) {
            let Some(said) = self.hearing.said(now, unit, other) else { continue };
            let at = self.hearing.said_at(unit, other);
            // It may have decided before it was told, where outputs are polled later.
            if !self.setup.poll_each && at == now {
                continue;
            }
            // The other unit of that node has spoken for it since.
            let partner = self.hearing.said(now, unit, other ^ 1);
            let is_active = partner.is_some_and(|it| it.unit.condition == Condition::Active);
            if is_active && self.hearing.said_at(unit, other ^ 1) > at {
                continue;
            }
            let entry = said.content.as_ref().and_then(|content| content.groups.get(group));
            let Some(entry) = entry else { continue };
            let speaks = said.unit.condition == Condition::Active;
            // What the granter says comes with the release or before it.
            let is_granter = why == Why::Granted && !holds(other);
            if entry.stance.holds() && !is_granter {
                let text =
                    format!("takes {group} ({why}), and {} says that it holds it", name(other));
                return Err((Rule::S2, text));
            }
            let seen = entry.owner_seen.filter(|owner| *owner != own);
            if let Some(owner) = seen.filter(|_| speaks && why != Why::Granted) {
                let text = format!(
                    "takes {group} ({why}), and {} says that it hears {owner}",
                    name(other)
                );
                return Err((Rule::Svrrp5, text));
            }
        }
        Ok(())
    }
}
