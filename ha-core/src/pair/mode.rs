//! What two units do together (PAIR-2), and what their paths are for (PAIR-19).

use core::fmt;

/// The mode of high availability (PAIR-2). Both units have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Mode {
    /// No high availability: the machine of the pair is idle (our decision: the sources' "None" is
    /// [`Mode::ActiveStandby`] without state).
    Disabled,
    /// One unit works, the other stands by.
    ActiveStandby {
        /// The Standby has the Active's state, so that sessions outlive a take-over.
        stateful: bool,
    },
    /// The same with state, and the Standby inspects packets for the Active.
    ActiveActiveDpi,
    /// Several pairs share the load.
    ActiveActiveClustering {
        /// The Standby of each pair has the state of its Active.
        stateful: bool,
    },
    /// Several pairs share the load, and each Standby inspects packets for its Active.
    ActiveActiveDpiClustering,
}

impl Mode {
    /// Whether the Standby is to have the Active's state.
    #[must_use]
    pub const fn is_stateful(self) -> bool {
        match self {
            Self::Disabled => false,
            Self::ActiveStandby { stateful } | Self::ActiveActiveClustering { stateful } => {
                stateful
            }
            Self::ActiveActiveDpi | Self::ActiveActiveDpiClustering => true,
        }
    }

    /// Whether the Standby inspects packets for the Active.
    #[must_use]
    pub const fn inspects_together(self) -> bool {
        matches!(self, Self::ActiveActiveDpi | Self::ActiveActiveDpiClustering)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Disabled => "disabled",
            Self::ActiveStandby { stateful: false } => "Active/Standby",
            Self::ActiveStandby { stateful: true } => "Active/Standby, stateful",
            Self::ActiveActiveDpi => "Active/Active DPI",
            Self::ActiveActiveClustering { stateful: false } => "Active/Active clustering",
            Self::ActiveActiveClustering { stateful: true } => "Active/Active clustering, stateful",
            Self::ActiveActiveDpiClustering => "Active/Active DPI clustering",
        })
    }
}

/// What a path between the units is for, beside the heartbeats that go on every path all the time
/// (PAIR-12, PAIR-19).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(rename_all = "lowercase")
)]
pub enum PathKind {
    /// The control link. It carries the state too while no data link works.
    #[default]
    Control,
    /// The data link: made for the state.
    Data,
    /// A network that others use too, as X0: heartbeats only, never the state.
    Lan,
}

impl fmt::Display for PathKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Control => "control",
            Self::Data => "data",
            Self::Lan => "lan",
        })
    }
}
