//! What whoever sits before the screen, or a script, can do to a cluster.

use crate::cables::Cable;
use crate::naming;
use ha_core::identity::InterfaceId;
use std::fmt;
use svrrp::{GroupNumber, Member, NodeNumber};

/// Something to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The unit dies without a word.
    Crash(Member),
    /// It starts, and knows nothing.
    Start(Member),
    Cut(Cable),
    Mend(Cable),
    /// A port of a unit is plugged in or out.
    Port {
        member: Member,
        interface: InterfaceId,
        up: bool,
    },
    /// The unit is to take the role over from its peer, as planned.
    TakeOver(Member),
    /// The group is to be handed over to the node, as planned: all nodes are told new ranks.
    Move {
        group: GroupNumber,
        to: NodeNumber,
    },
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Crash(member) => write!(f, "{} crashes", naming::unit(member)),
            Self::Start(member) => write!(f, "{} is started", naming::unit(member)),
            Self::Cut(cable) => write!(f, "{} is cut", cable.name()),
            Self::Mend(cable) => write!(f, "{} is mended", cable.name()),
            Self::Port { member, interface, up } => {
                let (unit, port) = (naming::unit(member), naming::interface(interface));
                write!(f, "{port} of {unit} goes {}", if up { "up" } else { "down" })
            }
            Self::TakeOver(member) => {
                write!(f, "{} is told to take over from its peer", naming::unit(member))
            }
            Self::Move { group, to } => write!(f, "{group} is to go to {to}: new ranks"),
        }
    }
}
