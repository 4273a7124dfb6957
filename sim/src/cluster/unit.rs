//! One unit of a cluster: its machine, its clock, its platform, its ports, and what is wrong with it.

use super::platform::Platform;
use super::setup::Settings;
use crate::clock::UnitClock;
use crate::network::Packet;
use appliance::ClusterNode;
use ha_core::machine::Machine as _;
use statesync::Table;
use std::collections::VecDeque;
use svrrp::ClusterUnit;

/// So many datagrams wait in the sockets of a unit that hangs; later ones are lost.
const SOCKET_QUEUE: usize = 128;

/// The machine of a unit: with the pair in it, if its node has two units.
pub type Machine = ClusterNode<Table>;

/// One of the units of a world. What its embedder knows outlives its restarts.
#[derive(Debug)]
pub struct Unit {
    /// `None`: it is off.
    pub machine: Option<Machine>,
    /// What time it thinks it is.
    pub clock: UnitClock,
    /// What carries its actions out.
    pub platform: Platform,
    /// By interface, and by port: it is up.
    pub ports: Vec<Vec<bool>>,
    /// The same, as the machine was told it.
    pub(crate) told: Vec<Vec<bool>>,
    /// The embedder takes it out of service.
    pub barred: bool,
    /// The license allows clustering.
    pub licensed: bool,
    /// The settings that it has.
    pub settings: Settings,
    pub(crate) starts: u64,
    /// What its pair wrote to keep over a restart.
    pub(crate) kept: Option<Vec<u8>>,
    pub(crate) keeping: Option<Vec<u8>>,
    pub(crate) hung_until: Option<u64>,
    pub(crate) queue: VecDeque<Packet>,
    /// Something was handed in, and the outputs are not polled yet.
    pub(crate) touched: bool,
    wake_at: u64,
    pub(crate) is_stale: bool,
}

impl Unit {
    pub(crate) fn new(interfaces: u8, ports: u8, settings: Settings) -> Self {
        Self {
            machine: None,
            clock: UnitClock::new(),
            platform: Platform::new(),
            ports: vec![vec![true; ports.into()]; interfaces.into()],
            told: vec![vec![false; ports.into()]; interfaces.into()],
            barred: false,
            licensed: true,
            settings,
            starts: 0,
            kept: None,
            keeping: None,
            hung_until: None,
            queue: VecDeque::new(),
            touched: false,
            wake_at: u64::MAX,
            is_stale: true,
        }
    }

    /// The cluster machine of a unit that runs.
    #[must_use]
    pub fn cluster(&self) -> Option<&ClusterUnit> {
        self.machine.as_ref().map(ClusterNode::cluster)
    }

    /// An interface is up while one of its ports is (VG-3).
    #[must_use]
    pub fn is_up(&self, interface: u8) -> bool {
        self.ports[usize::from(interface)].iter().any(|up| *up)
    }

    /// The seed of the start that begins: all starts of all units have different ones.
    pub(crate) fn next_seed(&mut self, place: usize) -> u64 {
        self.starts += 1;
        (self.starts << 8) + place as u64
    }

    pub(crate) fn power_off(&mut self) {
        self.machine = None;
        self.keeping = None;
        self.told.iter_mut().flatten().for_each(|up| *up = false);
        self.platform.power_off();
        self.queue.clear();
        self.hung_until = None;
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
        deadline.into_iter().chain(self.platform.next_done()).min()
    }
}
