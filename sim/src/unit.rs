//! One unit: its machine, its clock, its platform, and what is wrong with it.

use crate::clock::UnitClock;
use crate::network::Packet;
use crate::platform::Platform;
use crate::subject::Subject;
use crate::surroundings::Surroundings;
use core::time::Duration;
use ha_core::monitor::MonitorConfig;
use std::collections::VecDeque;

/// So many datagrams wait in the socket of a unit that hangs; later ones are lost.
const SOCKET_QUEUE: usize = 64;

/// One of the two units of a world.
#[derive(Debug)]
pub struct Unit<S> {
    /// `None`: it is off.
    pub machine: Option<S>,
    /// What time it thinks it is.
    pub clock: UnitClock,
    /// What carries its actions out.
    pub platform: Platform,
    /// What its monitors watch.
    pub around: Surroundings,
    /// The longest time that a withdrawal can take.
    pub slowest: Duration,
    /// It has said that it may be stopped.
    pub may_stop: bool,
    pub(crate) starts: u64,
    /// What it wrote last to keep over a restart.
    pub(crate) kept: Option<Vec<u8>>,
    /// What is being written.
    pub(crate) keeping: Option<Vec<u8>>,
    pub(crate) hung_until: Option<u64>,
    /// Its clock stands still while it hangs: so much time is missing afterwards.
    pub(crate) clock_stands: Duration,
    pub(crate) hang_before_polling: Option<Duration>,
    pub(crate) was_polling: bool,
    pub(crate) queue: VecDeque<Packet>,
    /// Something was handed in, and the outputs are not polled yet.
    pub(crate) touched: bool,
    /// When it has to be looked at next, if nothing is handed in.
    wake_at: u64,
    /// That has to be asked anew.
    pub(crate) is_stale: bool,
}

impl<S: Subject> Unit<S> {
    pub(crate) fn new(monitoring: &MonitorConfig, seed: u64) -> Self {
        Self {
            machine: None,
            clock: UnitClock::new(),
            platform: Platform::default(),
            around: Surroundings::new(monitoring, seed),
            slowest: Duration::ZERO,
            may_stop: false,
            starts: 0,
            kept: None,
            keeping: None,
            hung_until: None,
            clock_stands: Duration::ZERO,
            hang_before_polling: None,
            was_polling: false,
            queue: VecDeque::new(),
            touched: false,
            wake_at: u64::MAX,
            is_stale: true,
        }
    }

    /// The seed of the start that begins: a start is told from others by its seed alone, and 0 stands for
    /// one that nobody set.
    pub(crate) fn next_seed(&mut self, number: usize) -> u64 {
        self.starts += 1;
        (self.starts << 8) + number as u64
    }

    pub(crate) fn power_off(&mut self) {
        self.machine = None;
        self.keeping = None;
        self.platform.power_off();
        self.around.power_off();
        self.queue.clear();
        self.may_stop = false;
        self.hung_until = None;
        self.clock_stands = Duration::ZERO;
        self.hang_before_polling = None;
        self.was_polling = false;
        self.touched = false;
        self.is_stale = true;
    }

    pub(crate) fn queue(&mut self, packet: Packet) {
        if self.queue.len() < SOCKET_QUEUE {
            self.queue.push_back(packet);
        }
    }

    /// When it has to be looked at next; `u64::MAX` is never.
    pub(crate) fn wake_at(&mut self, now: u64) -> u64 {
        if core::mem::take(&mut self.is_stale) {
            self.wake_at = self.next_wake_up(now).unwrap_or(u64::MAX);
        }
        self.wake_at
    }

    fn next_wake_up(&self, now: u64) -> Option<u64> {
        let machine = self.machine.as_ref()?;
        if self.hung_until.is_some() {
            return self.hung_until;
        }
        let deadline = machine.poll_timeout().map(|deadline| self.clock.when(deadline.at).max(now));
        let deadline = deadline.into_iter().chain(self.platform.next_done());
        deadline.chain(self.around.next()).min()
    }
}
