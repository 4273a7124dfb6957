//! The network between the units: one link per path and direction, with its faults; and what is under way on links.

use crate::random::{Random, nanos};
use core::cmp::{Ordering, Reverse};
use core::time::Duration;
use ha_core::identity::PathId;
use ha_core::machine::Channel;
use std::collections::BinaryHeap;

/// One direction of one path. Jitter reorders.
#[derive(Clone, Copy, Debug, Default)]
pub struct Link {
    /// Nothing passes.
    pub cut: bool,
    /// How long a datagram takes at the least.
    pub delay: Duration,
    /// How much longer it takes at the most.
    pub jitter: Duration,
    /// Of 1000 datagrams, so many are lost.
    pub loss: u64,
    /// Of 1000 datagrams, so many come twice.
    pub duplicates: u64,
}

/// A datagram on its way.
#[derive(Debug)]
pub(crate) struct Packet {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) path: PathId,
    pub(crate) channel: Channel,
    pub(crate) bytes: Vec<u8>,
}

/// All links, and what is under way on them.
#[derive(Debug)]
pub struct Network {
    /// By path, then by sender.
    pub links: Vec<[Link; 2]>,
    /// The longest delay that any datagram could have had so far.
    pub longest_delay: Duration,
    flying: Flying,
}

/// What is under way, on whatever links.
#[derive(Debug, Default)]
pub(crate) struct Flying {
    flights: BinaryHeap<Reverse<Flight>>,
    sent: u64,
    /// Buffers of packets that have arrived: a datagram allocates nothing.
    spare: Vec<Vec<u8>>,
}

/// From which unit to which, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) path: PathId,
    pub(crate) channel: Channel,
}

/// Ordered by the time of arrival, and then by that of sending.
#[derive(Debug)]
struct Flight {
    arrives: u64,
    number: u64,
    packet: Packet,
}

impl Network {
    pub(crate) fn new(paths: usize) -> Self {
        Self {
            links: vec![[Link::default(); 2]; paths],
            longest_delay: Duration::ZERO,
            flying: Flying::default(),
        }
    }

    /// Changes every link.
    pub fn set_all(&mut self, mut change: impl FnMut(&mut Link)) {
        self.links.iter_mut().flatten().for_each(&mut change);
    }

    pub(crate) fn send(
        &mut self,
        now: u64,
        random: &mut Random,
        from: usize,
        (path, channel): (PathId, Channel),
        bytes: &[u8],
    ) {
        let link = self.links[usize::from(path.0)][from];
        if self.flying.send(now, random, link, Way { from, to: 1 - from, path, channel }, bytes) {
            self.longest_delay = self.longest_delay.max(link.delay + link.jitter);
        }
    }

    pub(crate) fn next_arrival(&self) -> Option<u64> {
        self.flying.next_arrival()
    }

    /// Takes the next packet that has arrived. Its buffer goes back by [`Network::recycle`].
    pub(crate) fn arrived(&mut self, now: u64) -> Option<Packet> {
        self.flying.arrived(now)
    }

    pub(crate) fn recycle(&mut self, packet: Packet) {
        self.flying.recycle(packet);
    }

    /// Not all that is sent arrives.
    #[must_use]
    pub fn is_lossy(&self) -> bool {
        self.links.iter().flatten().any(|link| link.cut || link.loss > 0)
    }

    /// At least one path works in both directions, and on those that are not cut nothing is lost.
    #[must_use]
    pub fn is_sure(&self) -> bool {
        let works = |path: &[Link; 2]| path.iter().all(|link| !link.cut && link.loss == 0);
        let is_cut = |path: &[Link; 2]| path.iter().all(|link| link.cut);
        self.links.iter().any(works) && self.links.iter().all(|path| works(path) || is_cut(path))
    }

    /// What is under way is lost.
    pub fn drop_flying(&mut self) {
        self.flying.flights.clear();
    }
}

impl Flying {
    /// Says whether it goes on its way: if it was not lost.
    pub(crate) fn send(
        &mut self,
        now: u64,
        random: &mut Random,
        link: Link,
        Way { from, to, path, channel }: Way,
        bytes: &[u8],
    ) -> bool {
        if link.cut || (link.loss > 0 && random.chance(link.loss)) {
            return false;
        }
        let twice = link.duplicates > 0 && random.chance(link.duplicates);
        for _ in 0..=u8::from(twice) {
            let late = if link.jitter.is_zero() { 0 } else { nanos(random.up_to(link.jitter)) };
            let mut copy = self.spare.pop().unwrap_or_default();
            copy.extend_from_slice(bytes);
            let packet = Packet { from, to, path, channel, bytes: copy };
            let arrives = now + nanos(link.delay) + late;
            self.flights.push(Reverse(Flight { arrives, number: self.sent, packet }));
            self.sent += 1;
        }
        true
    }

    pub(crate) fn next_arrival(&self) -> Option<u64> {
        self.flights.peek().map(|Reverse(flight)| flight.arrives)
    }

    /// Takes the next packet that has arrived. Its buffer goes back by [`Flying::recycle`].
    pub(crate) fn arrived(&mut self, now: u64) -> Option<Packet> {
        if self.next_arrival()? > now {
            return None;
        }
        self.flights.pop().map(|Reverse(flight)| flight.packet)
    }

    pub(crate) fn recycle(&mut self, packet: Packet) {
        let mut bytes = packet.bytes;
        bytes.clear();
        self.spare.push(bytes);
    }
}

impl PartialEq for Flight {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Flight {}

impl PartialOrd for Flight {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Flight {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.arrives, self.number).cmp(&(other.arrives, other.number))
    }
}
