//! One unit: a cluster node's machine and its driver, on a thread of its own.

use crate::addresses::{Addresses, Start};
use crate::cables::{Cables, CutTransport};
use crate::platform::Tables;
use crate::setup::{INTERFACES, Setup};
use crate::timeline::Timeline;
use appliance::driver::{Driver, DriverHandle, UdpPath, UdpTransport};
use appliance::node::Input;
use appliance::{ClusterNode, Config};
use ha_core::time::Clock;
use statesync::Table;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use svrrp::RankTable;
use svrrp::cluster::{self, Standing};

/// What all units share.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) setup: Setup,
    pub(crate) clock: Clock,
    pub(crate) timeline: Arc<Timeline>,
    pub(crate) addresses: Arc<Addresses>,
    pub(crate) cables: Arc<Cables>,
    pub(crate) workers: tokio::runtime::Handle,
}

/// A running unit.
pub(crate) struct Unit {
    pub(crate) handle: DriverHandle<ClusterNode<Table>>,
    thread: std::thread::JoinHandle<io::Result<()>>,
}

impl Unit {
    /// Starts a unit, with its ports as they are and the ranks that are in force.
    pub(crate) async fn start(
        world: &World,
        start: Start,
        ranks: (u64, RankTable),
        ports: [bool; INTERFACES.len()],
        sockets: Vec<UdpPath>,
    ) -> Result<Self, Box<dyn Error>> {
        let machine = machine(world, start, ranks)?;
        world.addresses.start(start);
        let platform = Arc::new(Tables {
            start,
            clock: world.clock,
            addresses: Arc::clone(&world.addresses),
            timeline: Arc::clone(&world.timeline),
            speaks: AtomicBool::new(!world.setup.has_pairs()),
        });
        let (send, receive) = tokio::sync::oneshot::channel();
        let shared = world.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let _inside = runtime.enter();
            let udp = UdpTransport::new(sockets)?;
            let transport = CutTransport { udp, own: start.member.node, cables: shared.cables };
            let (driver, handle) =
                Driver::new(machine, transport, platform, &shared.workers, shared.clock);
            // The program waits for the handle: it cannot be gone yet.
            let _ = send.send(handle);
            runtime.block_on(driver.run()).map(|_| ())
        });
        let unit = match receive.await {
            Ok(handle) => Self { handle, thread },
            Err(_) => match thread.join() {
                Ok(Err(error)) => return Err(error.into()),
                _ => return Err("a unit did not start".into()),
            },
        };
        for (interface, up) in INTERFACES.into_iter().zip(ports) {
            unit.handle.input(Input::Link { interface, port: 0, up }).await??;
        }
        if !world.setup.has_pairs() {
            // There is no pair that would say so.
            let active = cluster::Input::Condition(Standing::ACTIVE);
            unit.handle.input(Input::Cluster(active)).await??;
        }
        Ok(unit)
    }

    /// Stops the unit without a word to anybody.
    pub(crate) async fn crash(self) -> Result<(), Box<dyn Error>> {
        self.handle.stop().await?;
        self.thread.join().map_err(|_| "a unit's thread panicked")??;
        Ok(())
    }
}

fn machine(
    world: &World,
    start: Start,
    ranks: (u64, RankTable),
) -> Result<ClusterNode<Table>, Box<dyn Error>> {
    let Start { member, number } = start;
    let now = world.clock.now();
    let cluster = world.setup.cluster_config(member, ranks, number)?;
    if !world.setup.has_pairs() {
        return Ok(ClusterNode::single(cluster, now));
    }
    let config = Config { pair: world.setup.pair_config(member, number)?, sync: None };
    Ok(ClusterNode::of_pair(config, Table::new(), cluster, now))
}
