//! The network of a cluster: one link for each path from each unit to each other one.

use super::setup::PLACES;
use crate::network::{Flying, Link, Packet, Way};
use crate::random::Random;
use core::time::Duration;
use ha_core::machine::Channel;
use svrrp::wire::X0_PATH;

/// The places for paths between two units: cluster links, X0, and the pair's own link inside a node.
pub const SLOTS: usize = 6;
/// The place of X0.
pub const X0: usize = 4;
/// The place of the link inside a node.
pub const INSIDE: usize = 5;

/// All links, and what is under way.
#[derive(Debug)]
pub struct Mesh {
    links: Vec<Link>,
    /// The longest delay that any datagram could have had so far.
    pub longest_delay: Duration,
    pub(crate) flying: Flying,
}

fn place(from: usize, to: usize, slot: usize) -> usize {
    (from * PLACES + to) * SLOTS + slot
}

fn slot(way: &Way) -> usize {
    match (way.channel, way.path) {
        (Channel::Svrrp, X0_PATH) => X0,
        (Channel::Svrrp, path) => usize::from(path.0).min(X0 - 1),
        _ => INSIDE,
    }
}

impl Mesh {
    pub(crate) fn new() -> Self {
        Self {
            links: vec![Link::default(); PLACES * PLACES * SLOTS],
            longest_delay: Duration::ZERO,
            flying: Flying::default(),
        }
    }

    /// Changes every link: from, to, and the place of the path.
    pub fn change(&mut self, mut change: impl FnMut(usize, usize, usize, &mut Link)) {
        for from in 0..PLACES {
            for to in 0..PLACES {
                for slot in 0..SLOTS {
                    change(from, to, slot, &mut self.links[place(from, to, slot)]);
                }
            }
        }
    }

    /// One link.
    #[must_use]
    pub fn link(&self, from: usize, to: usize, slot: usize) -> Link {
        self.links[place(from, to, slot)]
    }

    pub(crate) fn send(&mut self, now: u64, random: &mut Random, way: Way, bytes: &[u8]) {
        let link = self.links[place(way.from, way.to, slot(&way))];
        if self.flying.send(now, random, link, way, bytes) {
            self.longest_delay = self.longest_delay.max(link.delay + link.jitter);
        }
    }

    pub(crate) fn arrived(&mut self, now: u64) -> Option<Packet> {
        self.flying.arrived(now)
    }

    /// Nothing is lost by chance.
    #[must_use]
    pub fn is_lossless(&self) -> bool {
        self.links.iter().all(|link| link.loss == 0)
    }
}
