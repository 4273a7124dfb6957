//! A forwarding plane in memory: what a vendor's platform does in a kernel or a chip.

use crate::story::Story;
use appliance::driver::Platform;
use appliance::{Action, Appliance, Event};
use async_trait::async_trait;
use ha_core::identity::Designation;
use ha_core::machine::ActionError;
use ha_core::pair;
use ha_core::time::{Clock, Instant};
use statesync::{Change, Table};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// When a unit had the shared addresses: the time without an Active is read off this.
#[derive(Debug, Default)]
pub(crate) struct Holders(Mutex<Vec<(Instant, Designation, bool)>>);

impl Holders {
    pub(crate) fn note(&self, at: Instant, who: Designation, holds: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((at, who, holds));
    }

    /// How long nobody held the addresses, and how long both did, from `since` to `until`.
    pub(crate) fn none_and_both(&self, since: Instant, until: Instant) -> (f64, f64) {
        let mut changes = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        changes.sort_by_key(|(at, ..)| *at);
        changes.push((until, Designation::Primary, false));
        let (mut primary, mut secondary, mut none, mut both) = (false, false, 0.0, 0.0);
        let mut from = since;
        for (at, who, holds) in changes {
            let span = at.saturating_since(from).as_secs_f64();
            match (primary, secondary) {
                (false, false) => none += span,
                (true, true) => both += span,
                _ => {}
            }
            from = from.max(at);
            match who {
                Designation::Primary => primary = holds,
                Designation::Secondary => secondary = holds,
            }
        }
        (none, both)
    }
}

/// The platform of one unit.
#[derive(Debug)]
pub(crate) struct Plane {
    pub(crate) who: Designation,
    pub(crate) clock: Clock,
    pub(crate) story: Arc<Story>,
    pub(crate) holders: Arc<Holders>,
    /// Whether the shared addresses are here.
    pub(crate) holds: AtomicBool,
    /// A dead unit's late tasks must not touch the world any more.
    pub(crate) dead: AtomicBool,
    pub(crate) may_stop: AtomicBool,
    pub(crate) installed: AtomicU64,
}

impl Plane {
    fn hold(&self, holds: bool) {
        if !self.dead.load(Ordering::SeqCst) {
            self.holds.store(holds, Ordering::SeqCst);
            self.holders.note(self.clock.now(), self.who, holds);
        }
    }

    /// The unit dies: what it held is gone at this moment.
    pub(crate) fn die(&self) {
        self.hold(false);
        self.dead.store(true, Ordering::SeqCst);
    }
}

#[async_trait]
impl Platform<Appliance<Table>> for Plane {
    const LANES: usize = 3;

    fn lane(&self, action: &Action) -> usize {
        match action {
            Action::Pair(pair::Action::Announce { .. }) => 1,
            Action::Pair(_) => 0,
            Action::Sync(_) => 2,
        }
    }

    async fn perform(&self, action: Action) -> Result<(), ActionError> {
        match action {
            Action::Pair(pair::Action::TakeAddresses) => self.hold(true),
            Action::Pair(pair::Action::Withdraw) => self.hold(false),
            Action::Sync(statesync::Action::Install { changes }) => {
                let count = changes.iter().filter(|change| !matches!(change, Change::Delete(_)));
                self.installed.fetch_add(count.count() as u64, Ordering::Relaxed);
            }
            Action::Pair(_) => {}
        }
        Ok(())
    }

    fn event(&self, at: Instant, event: Event) {
        if self.dead.load(Ordering::SeqCst) {
            return;
        }
        if let Event::Pair(pair::Event::MayStop { .. }) = event {
            self.may_stop.store(true, Ordering::SeqCst);
        }
        if let Some(what) = self.describe(&event) {
            self.story.unit(at, self.who, &what);
        }
    }
}

impl Plane {
    /// What a person wants to know of an event.
    fn describe(&self, event: &Event) -> Option<String> {
        Some(match event {
            Event::Pair(event) => describe_role(event)?,
            // Two empty tables are no news.
            Event::Sync(statesync::Event::CaughtUp { records: 0 }) => return None,
            Event::Sync(statesync::Event::CaughtUp { records }) => {
                let holds = self.holds.load(Ordering::SeqCst);
                let whose = if holds { "its peer has" } else { "has" };
                format!("{whose} the whole table: {records} sessions")
            }
            Event::Sync(statesync::Event::InstallFailed { error, .. }) => {
                format!("install: {error}")
            }
            Event::Sync(_) | Event::SyncPath { .. } => return None,
        })
    }
}

fn describe_role(event: &pair::Event) -> Option<String> {
    Some(match event {
        pair::Event::RoleChanged { from, to, why, .. } => format!("{from} → {to}: {why}"),
        pair::Event::PeerHeard { serial, stance } => format!("hears its peer {serial} ({stance})"),
        pair::Event::PathLost(path) => format!("hears nothing on {path}"),
        pair::Event::PeerLost { silence } => {
            format!("its peer is lost, silent for {:.1} ms", silence.as_secs_f64() * 1e3)
        }
        pair::Event::Conflict { our_term, peer_term } => {
            format!("both are ACTIVE: its reign is number {our_term}, the peer's {peer_term}")
        }
        pair::Event::Stalled { length } => {
            format!("stalled for {:.1} ms", length.as_secs_f64() * 1e3)
        }
        pair::Event::MayStop { peer_took: true } => "may stop: its peer has taken over".to_owned(),
        pair::Event::ActionFailed { action, error } => format!("{action}: {error}"),
        _ => return None,
    })
}
