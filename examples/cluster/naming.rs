//! How units and interfaces are called, on the screen and in scripts.

use crate::cables::X0;
use ha_core::identity::{Designation, InterfaceId, PathId};
use svrrp::{Member, NodeNumber};

/// The number of the node, and P or S.
pub(crate) fn unit(member: Member) -> String {
    let letter = match member.designation {
        Designation::Primary => 'P',
        Designation::Secondary => 'S',
    };
    format!("{}{letter}", member.node.get())
}

/// The unit that is called so.
pub(crate) fn parse_unit(name: &str) -> Option<Member> {
    Member::all().find(|member| unit(*member).eq_ignore_ascii_case(name))
}

/// The node with this number.
pub(crate) fn parse_node(number: &str) -> Option<NodeNumber> {
    NodeNumber::new(number.parse().ok()?)
}

/// X and its number.
pub(crate) fn interface(interface: InterfaceId) -> String {
    format!("X{}", interface.0)
}

/// What the path between nodes is.
pub(crate) fn path(path: PathId) -> &'static str {
    if path == X0 { "X0" } else { "the cluster link" }
}
