//! What a unit's platform does: the addresses of the groups are entries in a table, and nothing ever fails.

use crate::addresses::{Addresses, Start, Taken};
use crate::cables::X0;
use crate::naming;
use crate::timeline::{Timeline, Tone};
use appliance::ClusterNode;
use appliance::driver::Platform;
use appliance::node::{Action, Event};
use async_trait::async_trait;
use ha_core::machine::ActionError;
use ha_core::pair;
use ha_core::time::{Clock, Instant};
use statesync::Table;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use svrrp::cluster;
use svrrp::election::Stance;
use svrrp::virtual_address::GroupAction;

/// The platform of one start of a unit.
#[derive(Debug)]
pub(crate) struct Tables {
    pub(crate) start: Start,
    pub(crate) clock: Clock,
    pub(crate) addresses: Arc<Addresses>,
    pub(crate) timeline: Arc<Timeline>,
    /// It speaks for its node: of what all units notice, these tell.
    pub(crate) speaks: AtomicBool,
}

#[async_trait]
impl Platform<ClusterNode<Table>> for Tables {
    const LANES: usize = 1;

    fn lane(&self, _: &Action) -> usize {
        0
    }

    async fn perform(&self, action: Action) -> Result<(), ActionError> {
        let at = self.clock.now();
        match action {
            Action::Group(GroupAction::TakeAddresses { group }) => {
                match self.addresses.take(at, self.start, group) {
                    Taken::Plainly => {}
                    Taken::Over(take_over) => self.timeline.take_over(at, take_over),
                    Taken::Twice(other) => {
                        let other = naming::unit(other);
                        self.tell(at, Tone::Bad, format!("{group} is held by {other} as well"));
                    }
                }
            }
            Action::Group(GroupAction::WithdrawAddresses { group }) => {
                self.addresses.withdraw(self.start, group);
            }
            _ => {}
        }
        Ok(())
    }

    fn event(&self, at: Instant, event: Event) {
        match event {
            Event::Cluster(event) => self.cluster_event(at, event),
            Event::Unit(appliance::Event::Pair(event)) => self.pair_event(at, event),
            Event::Unit(_) => {}
        }
    }
}

impl Tables {
    fn tell(&self, at: Instant, tone: Tone, what: String) {
        self.timeline.tell(at, self.start.member, tone, what);
    }

    /// What a person wants to know; the rest follows from it.
    fn cluster_event(&self, at: Instant, event: cluster::Event) {
        use cluster::Event;
        let speaks = self.speaks.load(Ordering::SeqCst);
        let (tone, what) = match event {
            Event::Stance { to: Stance::Taking, .. } => (Tone::Good, event.to_string()),
            Event::Stance { to: Stance::Asking | Stance::Withdrawing, .. } => {
                (Tone::Told, event.to_string())
            }
            Event::UnitLost(member) if speaks => {
                (Tone::Told, format!("{} has fallen silent", naming::unit(member)))
            }
            // X0 is silent as long as the link is not.
            Event::Path { path: X0, heard: false, .. } => return,
            Event::Path { member, path, heard } if speaks => {
                let (unit, path) = (naming::unit(member), naming::path(path));
                let hears = if heard { "hears" } else { "hears nothing of" };
                (Tone::Told, format!("{hears} {unit} on {path}"))
            }
            Event::Conflict { .. }
            | Event::ActionFailed { .. }
            | Event::Stalled { .. }
            | Event::RanksDiffer { .. } => (Tone::Bad, event.to_string()),
            _ => return,
        };
        self.tell(at, tone, what);
    }

    fn pair_event(&self, at: Instant, event: pair::Event) {
        if let pair::Event::RoleChanged { from, to, why, .. } = event {
            let is_active = to == pair::Role::Active;
            self.speaks.store(is_active, Ordering::SeqCst);
            let tone = if is_active { Tone::Good } else { Tone::Told };
            self.tell(at, tone, format!("{from} -> {to}: {why}"));
        }
    }
}
