//! SVRRP: up to four cluster nodes share the load, and every virtual group has one owner.
//!
//! A *node* is a pair of firewalls, or a single one. A *virtual group* is a set of virtual addresses, one or more on each
//! of some interfaces, with virtual MAC addresses; the node that owns the group holds them all. The owner is the node whose
//! links are up on most of the group's interfaces, then the one with the better rank (VG-2).
//!
//! - [`cluster`]: the machine of one unit, [`ClusterUnit`].
//! - [`election`]: who should own a group, and what a node has to do about that; pure functions.
//! - [`wire`]: the messages, drawn bit by bit, with test vectors in `vectors/`.
//! - [`virtual_address`], [`virtual_mac`], [`link_weight`], [`rank`], [`identity`]: what a group is made of.
//! - [`convert`]: what turning clustering on changes in a configuration.
//!
//! ```
//! use ha_core::identity::Designation;
//! use ha_core::machine::{Machine, Output};
//! use ha_core::pair::Product;
//! use ha_core::time::Instant;
//! use svrrp::cluster::{ClusterConfig, ClusterUnit, Input, Standing};
//! use svrrp::election::Stance;
//! use svrrp::{GroupNumber, Member, NodeNumber, Rank, RankTable};
//!
//! let own = Member { node: NodeNumber::One, designation: Designation::Primary };
//! let product = Product { model: "FW-100".parse()?, firmware: "7.1.2".parse()? };
//! let mut ranks = RankTable::new();
//! ranks.set(GroupNumber::One, NodeNumber::One, Rank::new(1));
//!
//! let seed = 0x2545_f491_4f6c_dd1d; // another one at every start
//! let config = ClusterConfig::builder(own, product, seed)
//!     .member(own, "SN-1".parse()?)
//!     .ranks(1, ranks)
//!     .build()?;
//! let mut unit = ClusterUnit::new(config, Instant::ZERO);
//! // In a single-unit node the embedder says that its unit is the active one; in a pair the pair does.
//! unit.handle_input(Instant::ZERO, Input::Condition(Standing::ACTIVE))?;
//!
//! // It listens for its failure time; nobody is there, so it takes VG 1.
//! let mut buf = vec![0; unit.max_datagram()];
//! for second in 0..7 {
//!     let now = Instant::from_millis(second * 1000);
//!     unit.handle_timeout(now);
//!     while let Some(output) = unit.poll_output(now, &mut buf) {
//!         if let Output::Action { id, .. } = output {
//!             unit.handle_done(now, id, Ok(())); // carried out
//!         }
//!     }
//! }
//! assert_eq!(unit.stance(GroupNumber::One), Stance::Owner);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

pub mod cluster;
pub mod convert;
pub mod election;
pub mod identity;
pub mod link_weight;
pub mod rank;
pub mod virtual_address;
pub mod virtual_mac;
pub mod wire;

pub use cluster::{ClusterConfig, ClusterUnit};
pub use identity::{GroupNumber, Member, NodeNumber};
pub use link_weight::LinkWeight;
pub use rank::{Rank, RankTable};
pub use wire::{Advertisement, Claim, Management, Message, Release};
