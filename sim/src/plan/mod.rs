//! A plan: a configuration of a pair, and a list of what happens to it and when. A run is a pure function
//! of its plan, and a plan one of its seed.

pub(crate) mod draw;
mod fault;
mod text;

use crate::broken::Broken;
pub use fault::{Fault, Links, Way, Whom};
pub use text::PlanError;

use core::time::Duration;
use ha_core::pair::{Mode, PathKind};

/// What a run is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What it was made from. The network's chances come from it too.
    pub seed: u64,
    /// What it is about.
    pub kind: Kind,
    /// The deliberate fault of the machines, if they are to have one.
    pub broken: Option<&'static Broken>,
    /// How the pair is configured, and its network when nothing happens.
    pub setup: Setup,
    /// What happens, in order.
    pub faults: Vec<Timed>,
    /// From then on, nothing more: the network works, and so do the platforms.
    pub calm_at: Duration,
}

/// What a run is about. The last two digits of the seed say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Hand-overs and changes of health, on a network that delays and doubles.
    Quiet,
    /// Losses and cuts.
    Network,
    /// Units that hang, are paused, and whose clocks jump, on a network that works.
    Hangs,
    /// Units that crash, leave and restart, with losses.
    Crashes,
    /// Platforms whose actions fail, hang or are late.
    Actions,
    /// Probes, services and links that fail and recover, demotions, readiness, the state of a Standby.
    Health,
    /// Orders of an administrator: take-over, fail-over, maintenance, leave; restarts with or without what
    /// was persisted.
    Orders,
    /// Health that comes and goes, with limits for how often the role may follow.
    Flaps,
    /// An Active that crashes, with nothing else wrong but perhaps a path.
    CleanCrash,
    /// Everything at once.
    Everything,
    /// Links, probe targets and services that fail and work again, with units that hang and crash.
    Monitors,
    /// The same happens around both units, in any order within a second.
    Alike,
}

impl Kind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::Quiet,
        Self::Network,
        Self::Hangs,
        Self::Crashes,
        Self::Actions,
        Self::Health,
        Self::Orders,
        Self::Flaps,
        Self::CleanCrash,
        Self::Everything,
        Self::Monitors,
        Self::Alike,
    ];

    /// The seed of the run with this number among those of its kind.
    #[must_use]
    pub fn seed(self, number: u64) -> u64 {
        let ends: Vec<_> = (0..100).filter(|seed| Self::of(*seed) == self).collect();
        let many = ends.len() as u64;
        number / many * 100 + ends[(number % many) as usize]
    }

    /// Ten kinds by the last digit. Those that came later share the one of `Health`, by the digit before it:
    /// so all other seeds mean what they meant.
    fn of(seed: u64) -> Self {
        match (Self::ALL[(seed % 10) as usize], seed / 10 % 10) {
            (Self::Health, 4..=7) => Self::Monitors,
            (Self::Health, 8..) => Self::Alike,
            (kind, _) => kind,
        }
    }
}

/// How the pair is configured, and its network when nothing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Heartbeat interval.
    pub interval: Duration,
    /// Failover trigger level.
    pub level: u8,
    /// How many heartbeat paths; the first is a control link.
    pub paths: u8,
    /// The second one is a data link.
    pub data: bool,
    /// The last one, of several, is a LAN.
    pub lan: bool,
    /// What the units do together.
    pub mode: Mode,
    /// In a stateful mode, with state synchronization of our own: whole units, not their role machines
    /// alone. Else the embedder says whether a Standby has the state.
    pub own_sync: bool,
    /// The Primary takes the role back.
    pub preempt: bool,
    /// The units run different firmware.
    pub mixed: bool,
    /// How long a starting unit looks for an Active at the least.
    pub election_delay: Duration,
    /// More role changes than this within the window hold back voluntary ones.
    pub flap_limit: u8,
    /// See [`Setup::flap_limit`].
    pub flap_window: Duration,
    /// How long a take waits for the embedder to be ready at the most; zero if it does not.
    pub readiness_limit: Duration,
    /// How many nanoseconds the clock of A goes further than that of B in a millisecond.
    pub drift: i64,
    /// How long a datagram takes at the least, and how much longer at the most.
    pub delay: Duration,
    /// See [`Setup::delay`].
    pub jitter: Duration,
    /// How much longer it takes on the last path of several.
    pub slow: Duration,
    /// Of 1000 datagrams, so many are lost.
    pub loss: u64,
    /// Of 1000 datagrams, so many come twice.
    pub duplicates: u64,
    /// Outputs are polled after each call, or once after all that is due at an instant.
    pub poll_each: bool,
    /// How many links are monitored, and how many ports each has.
    pub links: u8,
    /// See [`Setup::links`].
    pub ports: u8,
    /// How many targets are probed, how often, and how many missed probes lose one.
    pub targets: u8,
    /// See [`Setup::targets`].
    pub probe_interval: Duration,
    /// See [`Setup::targets`].
    pub missed_probes: u8,
    /// How long an answer takes at the most, and how many of 1000 are lost.
    pub answer_delay: Duration,
    /// See [`Setup::answer_delay`].
    pub answer_loss: u64,
    /// How many services are watched; within which time each has to report; and how often it is restarted
    /// within which window.
    pub services: u8,
    /// See [`Setup::services`].
    pub deadline: Duration,
    /// See [`Setup::services`].
    pub restarts: u8,
    /// See [`Setup::services`].
    pub restart_window: Duration,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            interval: Duration::from_millis(10),
            level: 3,
            paths: 1,
            data: false,
            lan: false,
            mode: Mode::ActiveStandby { stateful: false },
            own_sync: false,
            preempt: false,
            mixed: false,
            election_delay: Duration::ZERO,
            flap_limit: 3,
            flap_window: Duration::from_secs(600),
            readiness_limit: Duration::ZERO,
            drift: 0,
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            slow: Duration::ZERO,
            loss: 0,
            duplicates: 0,
            poll_each: true,
            links: 0,
            ports: 1,
            targets: 0,
            probe_interval: Duration::from_secs(5),
            missed_probes: 1,
            answer_delay: Duration::ZERO,
            answer_loss: 0,
            services: 0,
            deadline: Duration::from_secs(1),
            restarts: 2,
            restart_window: Duration::from_secs(60),
        }
    }
}

impl Setup {
    /// What each path is for.
    #[must_use]
    pub fn kinds(&self) -> Vec<PathKind> {
        let mut kinds = vec![PathKind::Control; self.paths.into()];
        if self.data && self.paths > 1 {
            kinds[1] = PathKind::Data;
        }
        if self.lan && self.paths > 1 {
            kinds[usize::from(self.paths) - 1] = PathKind::Lan;
        }
        kinds
    }

    /// The embedder says whether a Standby has the whole state.
    #[must_use]
    pub fn told_of_state(&self) -> bool {
        self.mode.is_stateful() && !self.own_sync
    }

    /// Interval × level.
    #[must_use]
    pub fn failure_time(&self) -> Duration {
        self.interval * u32::from(self.level)
    }

    /// Something is monitored.
    #[must_use]
    pub fn monitors(&self) -> bool {
        self.links > 0 || self.targets > 0 || self.services > 0
    }

    /// How long an action may last.
    #[must_use]
    pub fn action_timeout(&self) -> Duration {
        self.failure_time() * 2
    }
}

/// Something that happens at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timed {
    /// Since the start of the run.
    pub at: Duration,
    /// What.
    pub fault: Fault,
}

impl Plan {
    /// The plan of this seed.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        draw::plan(seed, Kind::of(seed))
    }

    /// The same for broken machines.
    #[must_use]
    pub fn with(self, broken: Option<&'static Broken>) -> Self {
        Self { broken, ..self }
    }
}
