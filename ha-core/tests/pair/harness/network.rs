//! The network between the units: one link per path and direction, with its faults.

use super::random::{Random, nanos};
use core::time::Duration;
use std::collections::BTreeMap;

/// One direction of one path. Jitter reorders.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Link {
    pub(crate) cut: bool,
    pub(crate) delay: Duration,
    pub(crate) jitter: Duration,
    /// Of 1000 datagrams, so many are lost, or come twice.
    pub(crate) loss: u64,
    pub(crate) duplicates: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) to: usize,
    pub(crate) path: u8,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Network {
    /// By path, then by sender.
    pub(crate) links: Vec<[Link; 2]>,
    /// The longest delay that any link ever had.
    pub(crate) longest_delay: Duration,
    flying: BTreeMap<(u64, u64), Packet>,
    sent: u64,
}

impl Network {
    pub(crate) fn new(paths: usize) -> Self {
        let links = vec![[Link::default(); 2]; paths];
        Self { links, longest_delay: Duration::ZERO, flying: BTreeMap::new(), sent: 0 }
    }

    /// Changes every link.
    pub(crate) fn set_all(&mut self, mut change: impl FnMut(&mut Link)) {
        self.links.iter_mut().flatten().for_each(&mut change);
    }

    pub(crate) fn send(
        &mut self,
        now: u64,
        random: &mut Random,
        from: usize,
        path: u8,
        bytes: &[u8],
    ) {
        let link = self.links[usize::from(path)][from];
        if link.cut || random.chance(link.loss) {
            return;
        }
        self.longest_delay = self.longest_delay.max(link.delay + link.jitter);
        for _ in 0..=u8::from(random.chance(link.duplicates)) {
            let arrives = now + nanos(link.delay) + nanos(random.up_to(link.jitter));
            let packet = Packet { to: 1 - from, path, bytes: bytes.to_vec() };
            self.flying.insert((arrives, self.sent), packet);
            self.sent += 1;
        }
    }

    pub(crate) fn next_arrival(&self) -> Option<u64> {
        self.flying.keys().next().map(|(at, _)| *at)
    }

    /// Takes the next packet that has arrived.
    pub(crate) fn arrived(&mut self, now: u64) -> Option<Packet> {
        let first = self.flying.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    /// Not all that is sent arrives.
    pub(crate) fn is_lossy(&self) -> bool {
        self.links.iter().flatten().any(|link| link.cut || link.loss > 0)
    }

    /// What is under way is lost.
    pub(crate) fn drop_flying(&mut self) {
        self.flying.clear();
    }
}
