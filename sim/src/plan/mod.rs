//! A plan: a configuration of a pair, and a list of what happens to it and when. A run is a pure function
//! of its plan, and a plan one of its seed.

mod draw;
mod fault;

use crate::broken::Broken;
pub use fault::{Fault, Links, Way};

use core::fmt;
use core::time::Duration;

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

/// What a run is about. The last digit of the seed in base 8 says it.
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
    /// Probes and services that fail and recover, on both units.
    Health,
    /// An Active that crashes, with nothing else wrong but perhaps a path.
    CleanCrash,
    /// Everything at once.
    Everything,
}

impl Kind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::Quiet,
        Self::Network,
        Self::Hangs,
        Self::Crashes,
        Self::Actions,
        Self::Health,
        Self::CleanCrash,
        Self::Everything,
    ];

    /// The seed of the run with this number among those of its kind.
    #[must_use]
    pub fn seed(self, number: u64) -> u64 {
        number * Self::ALL.len() as u64 + self as u64
    }

    fn of(seed: u64) -> Self {
        Self::ALL[(seed % Self::ALL.len() as u64) as usize]
    }
}

/// How the pair is configured, and its network when nothing happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Heartbeat interval.
    pub interval: Duration,
    /// Failover trigger level.
    pub level: u8,
    /// Heartbeat paths.
    pub paths: usize,
    /// The Primary takes the role back.
    pub preempt: bool,
    /// With state synchronization: whole units, not their role machines alone.
    pub stateful: bool,
    /// How long a starting unit looks for an Active at the least.
    pub election_delay: Duration,
    /// Of each unit, how many nanoseconds its clock is ahead after a millisecond.
    pub rates: [i64; 2],
    /// How long a datagram takes at the least, and how much longer at the most.
    pub delay: Duration,
    /// See [`Setup::delay`].
    pub jitter: Duration,
    /// Of 1000 datagrams, so many are lost.
    pub loss: u64,
    /// Of 1000 datagrams, so many come twice.
    pub duplicates: u64,
    /// Outputs are polled after each call, or once after all that is due at an instant.
    pub poll_each: bool,
}

impl Setup {
    /// Interval × level.
    #[must_use]
    pub fn failure_time(&self) -> Duration {
        self.interval * u32::from(self.level)
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

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let setup = &self.setup;
        write!(f, "{:?} × {}, {} paths", setup.interval, setup.level, setup.paths)?;
        for (is_so, what) in [(setup.preempt, "preempt"), (setup.stateful, "stateful")] {
            if is_so {
                write!(f, ", {what}")?;
            }
        }
        if !setup.election_delay.is_zero() {
            write!(f, ", election delay {:?}", setup.election_delay)?;
        }
        let [a, b] = setup.rates;
        writeln!(
            f,
            "\nnetwork: {:?} + {:?}, of 1000 datagrams {} lost and {} doubled; clocks {a} and {b} ppm",
            setup.delay, setup.jitter, setup.loss, setup.duplicates
        )?;
        for Timed { at, fault } in &self.faults {
            writeln!(f, "{:>6}.{:06} s  {fault}", at.as_secs(), at.subsec_micros())?;
        }
        let at = self.calm_at;
        writeln!(f, "{:>6}.{:06} s  calm", at.as_secs(), at.subsec_micros())
    }
}
