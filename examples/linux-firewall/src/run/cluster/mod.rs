//! Runs a cluster node of one unit.

mod desk;
mod platform;

use super::control::Control;
use super::heart::Heart;
use super::links::Links;
use super::{RunError, WORKERS, listen, seed, sockets, until_told_to_stop};
use crate::config::cluster::{CheckedNode, Path};
use crate::log::Speaker;
use crate::metrics;
use appliance::ClusterNode;
use appliance::driver::DriverHandle;
use appliance::node::Input;
use desk::NodeDesk;
use ha_core::pair::Role;
use ha_core::time::Clock;
use platform::NodePlatform;
use statesync::Table;
use std::sync::Arc;
use std::time::Duration;
use svrrp::cluster::{self, Standing};
use svrrp::wire::{Condition, X0_PATH};
use tracing::info;

/// The machine of a node.
type Node = ClusterNode<Table>;

/// How often a node that leaves looks whether it is rid of its groups.
const LOOK: Duration = Duration::from_millis(5);

/// What the unit of a node of one is when it goes down: the groups are withdrawn, and the other nodes take them.
const LEAVING: Standing =
    Standing { condition: Condition::Leaving, can_be_active: false, settling: false };

/// Runs a cluster node until SIGTERM or SIGINT, which give its groups up first. The speaker is told its role.
///
/// # Errors
/// What could not be had, with its name. Nothing is left behind.
pub fn run_node(config: &CheckedNode, speaker: &Speaker) -> Result<(), RunError> {
    let workers =
        tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?;
    let control = Control::open(&config.file.process.control_socket)?;
    let metrics = config.file.process.metrics.map(listen).transpose()?;
    let sockets = sockets::open_cluster(config)?;
    let platform = Arc::new(NodePlatform::prepare(config)?);
    let cleared = ClearUp(Arc::clone(&platform));
    let machine = config.machine(seed())?;
    let heart = Heart {
        machine: move |now| Node::single(machine, now),
        sockets,
        platform,
        workers: workers.handle().clone(),
        clock: Clock::start(),
        priority: config.file.process.realtime_priority,
    };
    let beating = heart.start::<Node>()?;
    let handle = beating.handle.clone();
    let port = |(interface, port, device): (_, _, &str)| (interface, port, device.to_owned());
    let link = |path: &Path| (path.id, path.device.clone());
    Links {
        monitored: config.monitored_ports().map(port).collect(),
        devices: Vec::new(),
        handle: handle.clone(),
        input: |interface, port, up| Input::Link { interface, port, up },
        links: config.paths.iter().filter(|it| it.id != X0_PATH).map(link).collect(),
        speed: |path, speed| Some(Input::Cluster(cluster::Input::LinkSpeed { path, speed })),
        addresses: Arc::default(),
    }
    .watch()?;
    let desk = Arc::new(NodeDesk::new(config, handle.clone(), Arc::clone(&beating.drops)));
    if let Some(listener) = metrics {
        let _inside = workers.enter();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let desk = Arc::clone(&desk);
        workers.spawn(metrics::serve(listener, move || {
            let desk = Arc::clone(&desk);
            async move { desk.read().await.map(|status| metrics::write_node(&status)) }
        }));
    }
    info!(serial = config.file.unit.serial, node = %config.own.node, "running");
    let condition = |standing| Input::Cluster(cluster::Input::Condition(standing));
    workers.block_on(async {
        // Nobody else decides about that in a node of one.
        let _ = handle.input(condition(Standing::ACTIVE)).await;
        speaker.has_role(Role::Active);
        let gone = until_rid_of_groups(handle.clone());
        until_told_to_stop(&control, desk, &handle, condition(LEAVING), gone).await
    })?;
    let ended = beating.join();
    drop(cleared);
    // Threads that wait for the kernel end with the process.
    workers.shutdown_background();
    ended
}

async fn until_rid_of_groups(handle: DriverHandle<Node>) {
    while let Ok(true) = handle.query(|node, _| node.cluster().holds_any()).await {
        tokio::time::sleep(LOOK).await;
    }
}

/// Gives back what was changed on the system, also when something fails later.
struct ClearUp(Arc<NodePlatform>);

impl Drop for ClearUp {
    fn drop(&mut self) {
        self.0.clear_up();
    }
}
