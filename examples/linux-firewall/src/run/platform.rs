//! What the machines want done, done on Linux.

use super::counters::Counters;
use super::follower::{Duty, Follower};
use super::monitoring::Monitoring;
use super::state::StateDirectory;
use crate::conntrack::{ConntrackError, Injector};
use crate::links::SharedAddresses;
use crate::packet::FrameSender;
use appliance::driver::Platform;
use appliance::{Action, Appliance, Event};
use async_trait::async_trait;
use ha_core::announcement::Announcement;
use ha_core::identity::InterfaceId;
use ha_core::machine::ActionError;
use ha_core::pair::{self, PersistKey, Severity};
use ha_core::time::Instant;
use rustix::io::Errno;
use statesync::{Change, Table};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tracing::{debug, error, info, warn};

/// How long after a withdrawal its slow part begins: the peer takes over first.
const STAND_DOWN_AFTER: Duration = Duration::from_millis(50);
/// How long after that the macvlans are set down. That takes tens of milliseconds under a lock
/// of the kernel's, which a take-over on the same kernel (containers) would have to wait for.
const PARK_AFTER: Duration = Duration::from_secs(1);

/// Lanes: what must not wait for the others has one of its own.
const ROLE: usize = 0;
const ANNOUNCEMENTS: usize = 1;
const TABLE: usize = 2;
const SLOW: usize = 3;
/// The disk: it may take its time, and no take or withdrawal waits for it.
const DISK: usize = 4;
const PROBES: usize = 5;
/// Restarts of services take as long as they take.
const SERVICES: usize = 6;

/// The system around one unit.
#[derive(Debug)]
pub struct LinuxPlatform {
    shared: Mutex<Option<SharedAddresses>>,
    senders: BTreeMap<InterfaceId, FrameSender>,
    injector: Arc<Mutex<Injector>>,
    follower: Option<Follower>,
    state: StateDirectory,
    monitoring: Monitoring,
    pub(super) counters: Arc<Counters>,
    /// Counts takes and withdrawals, so that what is slow can see that it is superseded.
    moves: AtomicU64,
    /// The unit has left, and may be stopped.
    pub(super) may_stop: Notify,
}

impl LinuxPlatform {
    pub(super) fn new(
        shared: SharedAddresses,
        senders: BTreeMap<InterfaceId, FrameSender>,
        injector: Arc<Mutex<Injector>>,
        follower: Option<Follower>,
        state: StateDirectory,
        monitoring: Monitoring,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            shared: Mutex::new(Some(shared)),
            senders,
            injector,
            follower,
            state,
            monitoring,
            counters,
            moves: AtomicU64::new(0),
            may_stop: Notify::new(),
        }
    }

    /// Gives back everything that was changed on the system.
    pub(super) fn clear_up(&self) {
        if let Some(shared) = lock(&self.shared).take()
            && let Err(error) = shared.remove()
        {
            error!(%error, "not everything could be given back");
        }
    }

    /// Does something with the shared addresses, if they are not given back already.
    fn with_shared<E: std::fmt::Display>(
        &self,
        doing: &str,
        work: impl FnOnce(&mut SharedAddresses) -> Result<(), E>,
    ) -> Result<(), ActionError> {
        let mut shared = lock(&self.shared);
        let shared = shared.as_mut().ok_or(ActionError::Unavailable)?;
        work(shared).map_err(|error| {
            error!(%error, "{doing} failed");
            ActionError::Failed
        })
    }

    fn announce(&self, round: u8, frames: &[Announcement]) -> Result<(), ActionError> {
        let mut failed = None;
        for announcement in frames {
            let Some(sender) = self.senders.get(&announcement.interface) else { continue };
            if let Err(error) = sender.send(announcement.frame.as_bytes()) {
                failed = Some(error);
            }
        }
        match failed {
            None => Ok(()),
            Some(error) => {
                warn!(%error, round, "an announcement could not be sent");
                Err(ActionError::Failed)
            }
        }
    }

    /// Puts changes into the kernel's table. What the kernel refuses for good is counted and left out;
    /// what may succeed later makes all of it come again.
    fn install(&self, changes: &[Change]) -> Result<(), ActionError> {
        let installed = match lock(&self.injector).install(changes) {
            Ok(installed) => installed,
            Err(error) => return Err(self.table_failed(&error)),
        };
        let count = |counter: &AtomicU64, by: usize| {
            counter.fetch_add(by as u64, Ordering::Relaxed);
        };
        count(&self.counters.installed, installed.applied);
        count(&self.counters.refused, installed.failed.len());
        let again = installed.failed.iter().find(|failure| may_pass(&failure.error));
        if let Some(failure) = installed.failed.first() {
            let (failed, error) = (installed.failed.len(), &failure.error);
            warn!(failed, key = ?failure.key, %error, "the kernel refuses connections");
        }
        again.map_or(Ok(()), |_| Err(ActionError::Failed))
    }

    fn table_failed(&self, error: &ConntrackError) -> ActionError {
        self.counters.table_failures.fetch_add(1, Ordering::Relaxed);
        error!(%error, "the kernel's connection table cannot be written");
        ActionError::Failed
    }

    /// The slow part of a withdrawal.
    async fn stand_down(&self) -> Result<(), ActionError> {
        let moves = self.moves.load(Ordering::SeqCst);
        let superseded = || self.moves.load(Ordering::SeqCst) != moves;
        tokio::time::sleep(STAND_DOWN_AFTER).await;
        if superseded() {
            return Ok(());
        }
        if let Some(follower) = &self.follower {
            follower.tell(Duty::Rest(moves));
        }
        tokio::time::sleep(PARK_AFTER).await;
        self.with_shared("setting the shared interfaces down", |shared| {
            // Asked while nothing else can touch them: a take comes before this, or after it.
            if superseded() { Ok(()) } else { shared.park() }
        })
    }

    /// Counts an event and logs it, in the words of the role machine. It knows interfaces by their numbers,
    /// and times by its own clock: what a person knows stands beside.
    fn note(&self, at: Instant, event: &pair::Event) {
        let (mut device, mut holds) = (None, None);
        match event {
            pair::Event::RoleChanged { .. } => {
                self.counters.role_changes.fetch_add(1, Ordering::Relaxed);
            }
            pair::Event::MayStop { .. } => self.may_stop.notify_one(),
            pair::Event::Link { interface, .. } | pair::Event::Target { interface, .. } => {
                device = Some(self.monitoring.device(*interface));
            }
            pair::Event::FlapHold { until } => {
                holds = Some(tracing::field::debug(until.saturating_since(at)));
            }
            _ => {}
        }
        match event.severity() {
            Severity::Info => info!(device, holds, "{event}"),
            Severity::Warning => warn!(device, holds, "{event}"),
            Severity::Error => error!(device, holds, "{event}"),
        }
    }
}

#[async_trait]
impl Platform<Appliance<Table>> for LinuxPlatform {
    const LANES: usize = 7;

    fn lane(&self, action: &Action) -> usize {
        match action {
            Action::Pair(pair::Action::Announce { .. }) => ANNOUNCEMENTS,
            Action::Pair(pair::Action::StandDown) => SLOW,
            Action::Pair(pair::Action::Persist { .. }) => DISK,
            Action::Pair(pair::Action::Probe(_)) => PROBES,
            Action::Pair(pair::Action::RestartService { .. }) => SERVICES,
            Action::Pair(_) => ROLE,
            Action::Sync(_) => TABLE,
        }
    }

    async fn perform(&self, action: Action) -> Result<(), ActionError> {
        if let Action::Pair(action) = &action {
            debug!(action = action.name(), "begins");
        }
        match action {
            // The connections are in the kernel already. Dynamic routes are the business of a routing daemon
            // here: nothing is held for it, and nothing ends.
            Action::Pair(pair::Action::AdoptState { route_hold: _ }) => {
                let before = self.moves.fetch_add(1, Ordering::SeqCst);
                // What changes from now on is not missed; whatever takes long waits.
                if let Some(follower) = &self.follower {
                    follower.tell(Duty::Follow(before + 1));
                }
                Ok(())
            }
            Action::Pair(pair::Action::OpenForwarding) => {
                self.with_shared("opening forwarding", SharedAddresses::open_forwarding)
            }
            Action::Pair(pair::Action::TakeAddresses) => {
                self.with_shared("taking the addresses", SharedAddresses::take)
            }
            Action::Pair(pair::Action::Announce { round, frames, .. }) => {
                self.announce(round, &frames)
            }
            Action::Pair(pair::Action::RejoinGroups { .. }) => {
                self.with_shared("joining multicast groups anew", SharedAddresses::rejoin_groups)
            }
            // Router advertisements and dynamic clients (DHCP, PPPoE) are the business of other programs here.
            Action::Pair(
                pair::Action::ResumeRouter { .. }
                | pair::Action::ResumeClients
                | pair::Action::EndRouteHold,
            ) => Ok(()),
            Action::Pair(pair::Action::Withdraw) => {
                self.moves.fetch_add(1, Ordering::SeqCst);
                self.with_shared("withdrawing the addresses", SharedAddresses::withdraw)
            }
            Action::Pair(pair::Action::StandDown) => self.stand_down().await,
            Action::Pair(pair::Action::Persist { key: PersistKey::Maintenance, bytes }) => {
                self.state.keep_maintenance(&bytes).map_err(|error| {
                    error!(%error, "maintenance mode cannot be kept");
                    ActionError::Failed
                })
            }
            Action::Pair(pair::Action::Probe(probe)) => self.monitoring.probe(probe),
            Action::Pair(pair::Action::RestartService { service }) => {
                self.monitoring.restart(service).await
            }
            Action::Sync(statesync::Action::Install { changes }) => self.install(&changes),
        }
    }

    fn event(&self, at: Instant, event: Event) {
        match event {
            Event::Pair(event) => self.note(at, &event),
            Event::Sync(statesync::Event::CaughtUp { records }) => {
                info!(records, "tables are equal");
                if let Some(follower) = &self.follower {
                    follower.tell(Duty::Reconcile);
                }
            }
            Event::SyncPath { from, to } => info!(?from, ?to, "another path for connections"),
            Event::Sync(event) => info!(?event, "state synchronization"),
        }
    }
}

/// Whether what the kernel refused may succeed later: memory, or room in its table, was short.
fn may_pass(error: &std::io::Error) -> bool {
    let passing = [Errno::NOMEM, Errno::NOBUFS, Errno::NOSPC, Errno::AGAIN, Errno::INTR];
    error
        .raw_os_error()
        .is_some_and(|code| passing.iter().any(|errno| errno.raw_os_error() == code))
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
    use statesync::connection::{Connection, ConnectionKey, ConnectionState, Transport};
    use std::net::Ipv4Addr;

    fn connection(destination: [u8; 4]) -> Change {
        let key = ConnectionKey {
            source: Ipv4Addr::new(10, 1, 0, 7).into(),
            destination: Ipv4Addr::from(destination).into(),
            transport: Transport::Udp { source: 4000, destination: 53 },
        };
        let state = ConnectionState {
            source_nat: None,
            destination_nat: None,
            mark: 0,
            tcp: None,
            seen_reply: true,
            assured: true,
            timeout: 60,
        };
        Change::New(Connection { key, state })
    }

    fn platform() -> LinuxPlatform {
        LinuxPlatform::new(
            SharedAddresses::prepare(&[]).unwrap(),
            BTreeMap::new(),
            Arc::new(Mutex::new(Injector::open().unwrap())),
            None,
            StateDirectory::new(std::path::Path::new("/proc/nowhere")),
            Monitoring::nothing(),
            Arc::default(),
        )
    }

    /// STATE-5: what may succeed later is tried again; what never will is counted and left out.
    #[test]
    fn a_full_table_is_tried_again_and_a_malformed_entry_is_not() {
        let tried_again = |errno: Errno| may_pass(&errno.into());
        for passing in [Errno::NOMEM, Errno::NOBUFS, Errno::NOSPC, Errno::AGAIN, Errno::INTR] {
            assert!(tried_again(passing), "{passing}");
        }
        for lasting in [Errno::INVAL, Errno::OPNOTSUPP, Errno::EXIST, Errno::BUSY, Errno::PERM] {
            assert!(!tried_again(lasting), "{lasting}");
        }
        assert!(!may_pass(&std::io::Error::other("no number")));
    }

    /// STATE-5: a table that cannot be written is counted and answered as failed, so that all of it comes
    /// again; and it is taken when the table can be written again.
    #[test]
    fn a_table_that_cannot_be_written_is_counted_and_comes_again() {
        in_namespace(|| {
            let platform = platform();
            let changes = [connection([192, 0, 2, 1])];
            let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);

            let allowed = capabilities(None).unwrap();
            let mut less = allowed;
            less.effective.remove(CapabilitySet::NET_ADMIN);
            set_capabilities(None, less).unwrap();
            for attempt in 1..=2 {
                assert_eq!(platform.install(&changes), Err(ActionError::Failed));
                assert_eq!(count(&platform.counters.table_failures), attempt);
            }
            assert_eq!(count(&platform.counters.installed), 0);

            set_capabilities(None, allowed).unwrap();
            assert_eq!(platform.install(&changes), Ok(()));
            assert_eq!(count(&platform.counters.installed), 1);
        });
    }

    /// STATE-5: an entry that the kernel refuses for good holds up none of the others.
    #[test]
    fn an_entry_that_the_kernel_refuses_holds_up_no_other() {
        in_namespace(|| {
            let platform = platform();
            let Change::New(mut malformed) = connection([192, 0, 2, 2]) else { panic!() };
            // An error message of ICMP begins no connection.
            malformed.key.transport = Transport::Icmp { id: 1, kind: 3, code: 1 };
            let changes =
                [connection([192, 0, 2, 1]), Change::New(malformed), connection([192, 0, 2, 3])];
            assert_eq!(platform.install(&changes), Ok(()));
            let named = platform.counters.named();
            assert_eq!(named.get("connections installed"), Some(&2));
            assert_eq!(named.get("connections refused by the kernel"), Some(&1));
        });
    }

    fn in_namespace(test: impl FnOnce() + Send + 'static) {
        let thread = std::thread::spawn(|| {
            match nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET) {
                Ok(()) => test(),
                Err(_) => println!("skipped: needs root (CAP_SYS_ADMIN and CAP_NET_ADMIN)"),
            }
        });
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}
