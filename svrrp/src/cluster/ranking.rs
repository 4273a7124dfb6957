//! Which ranks are in force: those of the highest version that was seen; of one version, the higher table (VG-2).

use super::machine::ClusterUnit;
use super::news::{Event, Refusal};
use crate::identity::Member;
use crate::rank::RankTable;

impl ClusterUnit {
    /// The embedder has settings of this version, with these ranks.
    pub(super) fn configure(&mut self, version: u64, ranks: RankTable) -> Result<(), Refusal> {
        if version < self.version {
            return Err(Refusal::Version { version, present: self.version });
        }
        self.version = version;
        if self.differs(version, &ranks) {
            self.event(Event::RanksDiffer { member: self.config.own, version });
        }
        if (version, ranks) < self.ranks {
            // Not in force: whoever looks after this unit is told once more what is.
            self.event(Event::Ranks { version: self.ranks.0 });
        } else {
            self.ranks = (version, ranks);
        }
        self.outgoing.is_due = true;
        Ok(())
    }

    /// Another unit says by which ranks it goes.
    pub(super) fn compare_ranks(&mut self, member: Member, version: u64, ranks: RankTable) {
        if self.differs(version, &ranks) {
            let told = self.peers.get_mut(member.index()).map(|it| &mut it.differs);
            if told.is_some_and(|told| told.replace(version) != Some(version)) {
                self.event(Event::RanksDiffer { member, version });
            }
        }
        // If only the higher version counted, two nodes could judge by different ranks for ever.
        if (version, ranks) > self.ranks {
            self.ranks = (version, ranks);
            self.event(Event::Ranks { version });
        }
    }

    fn differs(&self, version: u64, ranks: &RankTable) -> bool {
        version == self.ranks.0 && *ranks != self.ranks.1
    }
}
