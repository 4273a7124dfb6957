//! Clusters in virtual time, one behaviour a file. What must always hold is checked after every step.

// Tests say plainly what they expect, and so do their helpers.
#![allow(clippy::unwrap_used)]

mod bad_input;
mod by_hand;
mod conflict;
mod doubles;
mod failing_actions;
mod flapping;
mod frozen;
mod guards;
mod hand_over;
mod inside;
mod kept_out;
mod loss_of_owner;
mod messages;
mod partial_mesh;
mod ranks;
mod restart;
mod stall;
mod strangers;
mod take;
mod ways;
mod x0;

use core::time::Duration;
use sim::cluster::Setup;
use svrrp::{GroupNumber, NodeNumber};

const VG_1: GroupNumber = GroupNumber::One;
const VG_2: GroupNumber = GroupNumber::Two;
const NODE_1: NodeNumber = NodeNumber::One;
const NODE_2: NodeNumber = NodeNumber::Two;
const NODE_3: NodeNumber = NodeNumber::Three;

/// The only units of single-unit nodes, by their places.
const UNIT_1: usize = 0;
const UNIT_2: usize = 2;

/// 100 ms × 5, a restore hold of 1 s, a delay of 1 ms; VG 1 prefers node 1, VG 2 prefers node 2.
fn setup(nodes: u8, groups: u8) -> Setup {
    Setup { nodes, groups, ..Setup::default() }
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
