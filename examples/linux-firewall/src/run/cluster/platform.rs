//! What the cluster machine wants done, done on Linux: each virtual group has addresses of its own.

use super::super::RunError;
use super::super::platform::{PARK_AFTER, lock};
use super::Node;
use crate::config::cluster::CheckedNode;
use crate::conntrack::Injector;
use crate::links::{LinkError, SharedAddresses};
use crate::packet::FrameSender;
use appliance::driver::Platform;
use appliance::node::{Action, Event};
use async_trait::async_trait;
use ha_core::announcement::Announcement;
use ha_core::identity::{InterfaceId, PathId};
use ha_core::machine::ActionError;
use ha_core::time::Instant;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use svrrp::GroupNumber;
use svrrp::cluster::{self, MIN_LINK_SPEED};
use svrrp::identity::MAX_GROUPS;
use svrrp::virtual_address::GroupAction;
use tracing::{debug, error, info, warn};

/// The system around one unit.
#[derive(Debug)]
pub(super) struct NodePlatform {
    /// By [`GroupNumber::index`].
    groups: Vec<Arc<Group>>,
    /// What a person calls the ways to the other units.
    paths: BTreeMap<PathId, String>,
}

/// The system's side of one virtual group.
#[derive(Debug)]
struct Group {
    addresses: Mutex<Option<SharedAddresses>>,
    senders: BTreeMap<InterfaceId, FrameSender>,
    /// Counts takes and withdrawals, so that what is slow can see that it is superseded.
    moves: AtomicU64,
    /// The mark of its connections, and what forgets them.
    mark: Option<(NonZeroU32, Mutex<Injector>)>,
    /// There may be some in the kernel's table.
    has_connections: AtomicBool,
}

impl NodePlatform {
    /// Prepares the interfaces for all groups. The unit bears none of their addresses yet.
    pub(super) fn prepare(config: &CheckedNode) -> Result<Self, RunError> {
        let groups = config.addresses().groups().map(|group| {
            let (ids, interfaces): (Vec<_>, Vec<_>) = config.shared(group).into_iter().unzip();
            let addresses = SharedAddresses::prepare_group(&interfaces, group.get())?;
            let bearers = ids.into_iter().zip(addresses.bearers());
            let senders = bearers.map(|(id, (bearer, ..))| Ok((id, FrameSender::open(bearer)?)));
            let senders = senders.collect::<Result<_, RunError>>()?;
            let mark = config.mark(group).map(|mark| Ok((mark, Mutex::new(Injector::open()?))));
            let group = Group {
                addresses: Mutex::new(Some(addresses)),
                senders,
                moves: AtomicU64::new(0),
                mark: mark.transpose().map_err(RunError::Conntrack)?,
                has_connections: AtomicBool::new(true),
            };
            // Now, and not when it is taken and somebody waits. Whether it fails or not, the group can be taken.
            let _ = group.forget_connections();
            Ok(Arc::new(group))
        });
        let paths = config.paths.iter().map(|path| (path.id, path.name.clone())).collect();
        Ok(Self { groups: groups.collect::<Result<_, RunError>>()?, paths })
    }

    /// Gives back everything that was changed on the system, last things first.
    pub(super) fn clear_up(&self) {
        for group in self.groups.iter().rev() {
            if let Some(addresses) = lock(&group.addresses).take()
                && let Err(error) = addresses.remove()
            {
                error!(%error, "not everything could be given back");
            }
        }
    }

    fn group(&self, group: GroupNumber) -> Result<&Arc<Group>, ActionError> {
        self.groups.get(group.index()).ok_or(ActionError::Unavailable)
    }
}

impl Group {
    /// Does something with the addresses, if they are not given back already.
    fn with_addresses(
        &self,
        doing: &str,
        work: impl FnOnce(&mut SharedAddresses) -> Result<(), LinkError>,
    ) -> Result<(), ActionError> {
        let mut addresses = lock(&self.addresses);
        let addresses = addresses.as_mut().ok_or(ActionError::Unavailable)?;
        work(addresses).map_err(|error| {
            error!(%error, "{doing} failed");
            ActionError::Failed
        })
    }

    /// Forgets the connections of the last reign (VG-7): at its end, so that a take finds nothing to do.
    fn forget_connections(&self) -> Result<(), ActionError> {
        let Some((mark, injector)) = &self.mark else { return Ok(()) };
        if !self.has_connections.load(Ordering::SeqCst) {
            return Ok(());
        }
        lock(injector).forget_marked(*mark).map_err(|error| {
            warn!(%error, mark, "the connections of a group cannot be forgotten");
            ActionError::Failed
        })?;
        self.has_connections.store(false, Ordering::SeqCst);
        Ok(())
    }

    fn announce(&self, frames: &[Announcement]) -> Result<(), ActionError> {
        let mut outcome = Ok(());
        for announcement in frames {
            let Some(sender) = self.senders.get(&announcement.interface) else { continue };
            if let Err(error) = sender.send(announcement.frame.as_bytes()) {
                warn!(%error, "an announcement could not be sent");
                outcome = Err(ActionError::Failed);
            }
        }
        outcome
    }

    /// Sets the macvlans down when nobody waits for that any more.
    async fn park(self: Arc<Self>) {
        let moves = self.moves.load(Ordering::SeqCst);
        tokio::time::sleep(PARK_AFTER).await;
        // Gone at the end of the program.
        let _ = self.with_addresses("setting the interfaces of a group down", |addresses| {
            // Asked while nothing else can touch them: a take comes before this, or after it.
            if self.moves.load(Ordering::SeqCst) == moves { addresses.park() } else { Ok(()) }
        });
    }
}

#[async_trait]
impl Platform<Node> for NodePlatform {
    /// The machine asks for one thing at a time of each group.
    const LANES: usize = MAX_GROUPS;

    fn lane(&self, action: &Action) -> usize {
        match action {
            Action::Group(action) => action.group().index(),
            Action::Unit(_) => 0,
        }
    }

    async fn perform(&self, action: Action) -> Result<(), ActionError> {
        // There is no pair in a node of one unit.
        let Action::Group(action) = action else { return Err(ActionError::Unavailable) };
        debug!(group = %action.group(), duty = %action.duty(), "begins");
        let group = self.group(action.group())?;
        match action {
            GroupAction::RebuildConnections { .. } => group.forget_connections(),
            GroupAction::OpenForwarding { .. } => {
                group.moves.fetch_add(1, Ordering::SeqCst);
                group.has_connections.store(true, Ordering::SeqCst);
                group.with_addresses("opening forwarding", SharedAddresses::open_forwarding)
            }
            GroupAction::TakeAddresses { .. } => {
                group.with_addresses("taking the addresses", SharedAddresses::take)
            }
            GroupAction::Announce { frames, .. } => group.announce(&frames),
            GroupAction::StopForwarding { .. } => {
                group.with_addresses("stopping forwarding", SharedAddresses::stop_forwarding)
            }
            GroupAction::WithdrawAddresses { .. } => {
                group.moves.fetch_add(1, Ordering::SeqCst);
                let done =
                    group.with_addresses("withdrawing the addresses", SharedAddresses::withdraw);
                tokio::spawn(Arc::clone(group).park());
                done
            }
        }
    }

    fn event(&self, _: Instant, event: Event) {
        use cluster::Event as E;
        let Event::Cluster(event) = event else { return };
        match event {
            E::ActionFailed { .. } | E::Conflict { .. } | E::SameNumber { .. } => {
                error!("{event}");
            }
            // A unit is heard on X0 only while that is needed: that it ends says nothing.
            E::Path { path, .. } => info!(path = self.paths.get(&path), "{event}"),
            E::LinkSpeed { speed, .. } if speed < MIN_LINK_SPEED => warn!("{event}"),
            E::X0 { heard: false, .. } => warn!("{event}"),
            E::UnitLost(_) | E::Stalled { .. } | E::Stranger { .. } => warn!("{event}"),
            E::KeptOut { why: Some(_), .. } | E::RanksDiffer { .. } => warn!("{event}"),
            _ => info!("{event}"),
        }
    }
}
