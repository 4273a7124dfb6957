//! What an administrator may do on which unit (ADM-1), as one table.
//!
//! Every unit can be logged into at an address of its own. What is changed has to be changed in one place,
//! from which the other units get it: on the Active of the pair, in a cluster on the Active of the Master
//! (MON-10). [`allowed`] says whether a unit is that place, and if not, why; the embedder asks it before it
//! carries out what an administrator wants.
//!
//! # What is decided here, where the requirements are silent
//! - A unit whose high availability is off stands alone: everything is allowed.
//! - One that is neither Active nor Standby (ELECTION, SYNC, ERROR, REBOOT) has the rights of a Standby.
//! - The table is about administration as the sources describe it. Orders to the role machine itself
//!   ([`TakeOver`](crate::pair::Input::TakeOver), [`Maintenance`](crate::pair::Input::Maintenance)) are given to
//!   the unit that they are for, be it Standby: who may give them is the embedder's to say.

use crate::pair::{Mode, Pair, Role, State};
use core::fmt;
use thiserror::Error;

/// Something that an administrator may want to do on a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Operation {
    /// Look at anything: status, settings, logs.
    Read,
    /// Register this unit at its registrar.
    Register,
    /// Synchronize this unit's licenses with the license manager.
    SynchronizeLicenses,
    /// Use the diagnostic tools.
    Diagnose,
    /// Capture packets. Never while the units inspect packets together (DPI-4).
    CapturePackets,
    /// Synchronize the settings to the own peer, on demand.
    SynchronizeSettings,
    /// Synchronize the firmware to the own peer, on demand.
    SynchronizeFirmware,
    /// Log users out.
    LogOutUsers,
    /// Test authentication against its servers.
    TestAuthentication,
    /// Change settings of any kind but those of high availability.
    ChangeSettings,
    /// Change the settings of high availability and monitoring (MON-10).
    ChangeHighAvailability,
    /// Load other firmware.
    LoadFirmware,
    /// Anything that is not named here.
    Other,
}

/// Where a unit stands, as far as rights go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Position {
    /// The Active of the Master, or of a pair outside a cluster.
    Master,
    /// The Active of another node of a cluster.
    OtherNode,
    /// A unit that is not Active.
    Standby,
}

/// Why an operation is refused. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Denied {
    /// An Active of whichever node may, this unit is none.
    #[error("{0} is for the Active unit, and this unit is not Active")]
    NotActive(Operation),
    /// The Active of a pair may, in a cluster that of the Master; this unit is not Active.
    #[error(
        "{0} is for the Active unit, in a cluster that of the Master, and this unit is not Active"
    )]
    NotActiveOfMaster(Operation),
    /// Only the Active of the Master may; this one is of another node.
    #[error("{0} is for the Active unit of the Master, and this unit belongs to another node")]
    NotMaster(Operation),
    /// The Active and the Standby inspect packets together: a capture would show a part (DPI-4).
    #[error("packets cannot be captured in the mode {0}")]
    Inspecting(Mode),
}

const YES: bool = true;
const NO: bool = false;

/// Who may do what.
#[rustfmt::skip]
const TABLE: [(Operation, [bool; 3]); 13] = [
    // operation                            Master  other  Standby
    //                                              node
    (Operation::Read,                      [YES,    YES,   YES]),
    (Operation::Register,                  [YES,    YES,   YES]),
    (Operation::SynchronizeLicenses,       [YES,    YES,   YES]),
    (Operation::Diagnose,                  [YES,    YES,   YES]),
    (Operation::CapturePackets,            [YES,    YES,   YES]),
    (Operation::SynchronizeSettings,       [YES,    YES,   NO ]),
    (Operation::SynchronizeFirmware,       [YES,    YES,   NO ]),
    (Operation::LogOutUsers,               [YES,    YES,   NO ]),
    (Operation::TestAuthentication,        [YES,    YES,   NO ]),
    (Operation::ChangeSettings,            [YES,    NO,    NO ]),
    (Operation::ChangeHighAvailability,    [YES,    NO,    NO ]),
    (Operation::LoadFirmware,              [YES,    NO,    NO ]),
    (Operation::Other,                     [YES,    NO,    NO ]),
];

/// Whether an operation is allowed on a unit that stands there, in this mode (ADM-1).
///
/// # Errors
/// It is not, and why.
pub fn allowed(operation: Operation, position: Position, mode: Mode) -> Result<(), Denied> {
    if operation == Operation::CapturePackets && mode.inspects_together() {
        return Err(Denied::Inspecting(mode));
    }
    // What the table does not name is for the Master alone, as `Other` is.
    let row = TABLE.iter().find(|(named, _)| *named == operation);
    let [master, other_node, standby] = row.map_or([YES, NO, NO], |(_, row)| *row);
    match position {
        Position::Master if master => Ok(()),
        Position::OtherNode if other_node => Ok(()),
        Position::Standby if standby => Ok(()),
        Position::Master | Position::OtherNode => Err(Denied::NotMaster(operation)),
        Position::Standby if other_node => Err(Denied::NotActive(operation)),
        Position::Standby => Err(Denied::NotActiveOfMaster(operation)),
    }
}

impl Operation {
    /// All operations, in the order of the table.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.into_iter().map(|(operation, _)| operation)
    }
}

impl Position {
    /// All positions, in the order of the table.
    pub const ALL: [Self; 3] = [Self::Master, Self::OtherNode, Self::Standby];

    /// Where a unit with this role stands. `is_master`: it belongs to the Master of its cluster, or to none.
    #[must_use]
    pub const fn of(role: Role, is_master: bool) -> Self {
        match role {
            Role::Active if is_master => Self::Master,
            Role::Active => Self::OtherNode,
            _ => Self::Standby,
        }
    }
}

impl Pair {
    /// Where this unit stands as one of a pair outside a cluster.
    #[must_use]
    pub fn position(&self) -> Position {
        match self.state() {
            State::Disabled => Position::Master,
            _ => Position::of(self.role(), true),
        }
    }

    /// Whether an operation is allowed on this unit of a pair outside a cluster (ADM-1).
    ///
    /// # Errors
    /// It is not, and why.
    pub fn allows(&self, operation: Operation) -> Result<(), Denied> {
        allowed(operation, self.position(), self.mode())
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Read => "reading",
            Self::Register => "registration",
            Self::SynchronizeLicenses => "synchronizing licenses",
            Self::Diagnose => "diagnosis",
            Self::CapturePackets => "capturing packets",
            Self::SynchronizeSettings => "synchronizing settings to the peer",
            Self::SynchronizeFirmware => "synchronizing firmware to the peer",
            Self::LogOutUsers => "logging out users",
            Self::TestAuthentication => "testing authentication",
            Self::ChangeSettings => "changing settings",
            Self::ChangeHighAvailability => "changing high availability or monitoring",
            Self::LoadFirmware => "loading firmware",
            Self::Other => "this operation",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;
    use std::string::{String, ToString as _};

    const PAIR: Mode = Mode::ActiveStandby { stateful: true };
    const CLUSTER: Mode = Mode::ActiveActiveClustering { stateful: true };

    /// Who may do something in this mode, and who may not: Master, another node, Standby.
    fn row(operation: Operation, mode: Mode) -> [bool; 3] {
        Position::ALL.map(|position| allowed(operation, position, mode).is_ok())
    }

    /// ADM-1: the whole table, with the reason of every refusal.
    #[test]
    fn the_whole_table() {
        let mut text = String::new();
        for operation in Operation::all() {
            text += &format!("{operation}\n");
            for position in Position::ALL {
                let name = format!("{position:?}");
                let answer = match allowed(operation, position, CLUSTER) {
                    Ok(()) => "yes".to_string(),
                    Err(denied) => format!("no: {denied}"),
                };
                text += &format!("    {name:<10} {answer}\n");
            }
        }
        insta::assert_snapshot!(text);
    }

    /// ADM-1: the Active of the Master, and of a pair outside a cluster, may do everything.
    #[test]
    fn the_active_of_the_master_may_do_everything() {
        for operation in Operation::all() {
            for mode in [PAIR, CLUSTER] {
                assert_eq!(allowed(operation, Position::Master, mode), Ok(()));
            }
        }
    }

    /// ADM-1: these an Active of another node may do too, and a Standby.
    #[test]
    fn what_any_unit_may_do() {
        for operation in [
            Operation::Read,
            Operation::Register,
            Operation::SynchronizeLicenses,
            Operation::Diagnose,
            Operation::CapturePackets,
        ] {
            assert_eq!(row(operation, CLUSTER), [true, true, true], "{operation}");
        }
    }

    /// ADM-1: these an Active of another node may do, and a Standby may not.
    #[test]
    fn what_any_active_may_do() {
        for operation in [
            Operation::SynchronizeSettings,
            Operation::SynchronizeFirmware,
            Operation::LogOutUsers,
            Operation::TestAuthentication,
        ] {
            assert_eq!(row(operation, CLUSTER), [true, true, false], "{operation}");
            let denied = allowed(operation, Position::Standby, PAIR);
            assert_eq!(denied, Err(Denied::NotActive(operation)));
        }
    }

    /// ADM-1, MON-10: everything else is for the Active of the pair, in a cluster that of the Master, and the
    /// refusal says so: settings, also those of high availability and monitoring, are changed there.
    #[test]
    fn settings_are_changed_on_the_master() {
        for operation in [
            Operation::ChangeSettings,
            Operation::ChangeHighAvailability,
            Operation::LoadFirmware,
            Operation::Other,
        ] {
            assert_eq!(row(operation, CLUSTER), [true, false, false], "{operation}");
            let denied = allowed(operation, Position::OtherNode, CLUSTER);
            assert_eq!(denied, Err(Denied::NotMaster(operation)));
            let denied = allowed(operation, Position::Standby, PAIR);
            assert_eq!(denied, Err(Denied::NotActiveOfMaster(operation)));
        }
    }

    /// ADM-1, DPI-4: while the units inspect packets together nobody captures any; all else stays.
    #[test]
    fn nobody_captures_packets_while_the_units_inspect_them_together() {
        for mode in [Mode::ActiveActiveDpi, Mode::ActiveActiveDpiClustering] {
            for operation in Operation::all() {
                let expected = match operation {
                    Operation::CapturePackets => [false; 3],
                    _ => row(operation, CLUSTER),
                };
                assert_eq!(row(operation, mode), expected, "{operation}");
            }
        }
        let denied = allowed(Operation::CapturePackets, Position::Master, Mode::ActiveActiveDpi);
        assert_eq!(
            denied.unwrap_err().to_string(),
            "packets cannot be captured in the mode Active/Active DPI"
        );
    }

    /// ADM-1: every role has a position, and only an Active one that of an Active.
    #[test]
    fn every_role_has_a_position() {
        assert_eq!(Position::of(Role::Active, true), Position::Master);
        assert_eq!(Position::of(Role::Active, false), Position::OtherNode);
        for role in
            [Role::None, Role::Election, Role::Standby, Role::Sync, Role::Reboot, Role::Error]
        {
            for is_master in [true, false] {
                assert_eq!(Position::of(role, is_master), Position::Standby, "{role}");
            }
        }
    }
}
