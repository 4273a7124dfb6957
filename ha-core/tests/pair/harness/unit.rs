//! One unit: its machine, its clock, its platform, and what is wrong with it.

use super::clock::UnitClock;
use super::network::Packet;
use super::platform::Platform;
use core::time::Duration;
use ha_core::machine::Machine as _;
use ha_core::pair::{Pair, PairConfig};
use ha_core::time::Instant;
use std::collections::VecDeque;
use std::rc::Rc;

/// So many datagrams wait in the socket of a unit that hangs; later ones are lost.
const SOCKET_QUEUE: usize = 64;

pub(crate) struct Unit {
    number: usize,
    starts: u64,
    pub(super) configure: Option<Rc<dyn Fn(usize, u64) -> PairConfig>>,
    /// `None`: it is off.
    pub(crate) pair: Option<Pair>,
    pub(crate) clock: UnitClock,
    pub(crate) platform: Platform,
    pub(super) hung_until: Option<u64>,
    pub(super) hang_before_polling: Option<Duration>,
    pub(super) was_polling: bool,
    pub(super) queue: VecDeque<Packet>,
    /// The longest time that a withdrawal can take.
    pub(crate) slowest: Duration,
}

impl Unit {
    pub(super) fn new(number: usize) -> Self {
        Self {
            number,
            starts: 0,
            configure: None,
            pair: None,
            clock: UnitClock::new(),
            platform: Platform::default(),
            hung_until: None,
            hang_before_polling: None,
            was_polling: false,
            queue: VecDeque::new(),
            slowest: Duration::ZERO,
        }
    }

    pub(super) fn start(&mut self, now: u64) -> Instant {
        self.power_off();
        self.starts += 1;
        // A start is told from others by its seed alone; 0 stands for one that nobody set.
        let seed = (self.starts << 8) + self.number as u64;
        let local = self.clock.at(now);
        let configure = self.configure.as_ref().expect("it is configured");
        self.pair = Some(Pair::new(configure(self.number, seed), local));
        local
    }

    pub(super) fn power_off(&mut self) {
        self.pair = None;
        self.platform.power_off();
        self.queue.clear();
        self.hung_until = None;
        self.hang_before_polling = None;
        self.was_polling = false;
    }

    pub(super) fn queue(&mut self, packet: Packet) {
        if self.queue.len() < SOCKET_QUEUE {
            self.queue.push_back(packet);
        }
    }

    pub(super) fn next_wake_up(&self, now: u64) -> Option<u64> {
        let pair = self.pair.as_ref()?;
        if self.hung_until.is_some() {
            return self.hung_until;
        }
        let deadline = pair.poll_timeout().map(|deadline| self.clock.when(deadline.at).max(now));
        deadline.into_iter().chain(self.platform.next_done()).min()
    }
}
