//! Runs one unit: opens everything it needs, starts the driver, and gives everything back at the end.

mod cluster;
mod control;
mod counters;
mod follower;
mod heart;
mod links;
mod monitoring;
mod platform;
mod services;
mod sockets;
mod state;

pub use cluster::run_node;
pub use control::{Order, ask, ask_status};
pub use platform::LinuxPlatform;

use crate::config::{Checked, ConfigError};
use crate::conntrack::{self, ConntrackError, Injector};
use crate::links::{LinkError, MonitoringAddresses, SharedAddresses};
use crate::log::Speaker;
use crate::metrics;
use crate::packet::{FrameSender, PacketError};
use crate::realtime::RealtimeError;
use appliance::driver::DriverHandle;
use appliance::{Appliance, Config, Input};
use control::{Answer, Control, Desk};
use counters::Counters;
use ha_core::address::MacAddress;
use ha_core::machine::Machine;
use ha_core::pair;
use ha_core::time::Clock;
use heart::Heart;
use links::{Links, OwnAddresses};
use monitoring::Monitoring;
use state::StateDirectory;
use statesync::Table;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

/// Tasks that may block at the same time: the platform's lanes, the events, and the control socket.
const WORKERS: usize = 8;
/// How long after the peer took the unit goes on to answer: its last words may have been lost, and on
/// one kernel (containers) the removal of devices would hold up the peer's take-over.
const LAST_WORDS: Duration = Duration::from_millis(300);
/// How long a unit that was told to stop tries to hand over what it holds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a unit cannot run. Whatever had been changed on the system is changed back.
#[derive(Debug, Error)]
#[allow(missing_docs)] // the fields are what the messages name
pub enum RunError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("path {path}: cannot use {address} on {device}: {source}")]
    Path { path: String, device: String, address: SocketAddr, source: io::Error },
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Packet(#[from] PacketError),
    #[error(transparent)]
    Conntrack(#[from] ConntrackError),
    #[error(transparent)]
    Realtime(#[from] RealtimeError),
    #[error("control socket {}: {source}", path.display())]
    Control { path: PathBuf, source: io::Error },
    #[error("another program runs with the control socket {}", path.display())]
    Running { path: PathBuf },
    #[error("process.metrics: cannot use {address}: {source}")]
    Metrics { address: SocketAddr, source: io::Error },
    #[error("no answer from {}: {source} (does the unit run?)", path.display())]
    Ask { path: PathBuf, source: io::Error },
    #[error("the system does not give what a program needs: {0}")]
    System(#[from] io::Error),
    #[error("the heartbeat thread ended: {0}")]
    Driver(String),
}

/// Runs a unit until SIGTERM or SIGINT, which hand the role over first. The speaker is told its role.
///
/// # Errors
/// What could not be had, with its name. Nothing is left behind.
pub fn run(config: &Checked, speaker: Speaker) -> Result<(), RunError> {
    let workers =
        tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?;
    let control = Control::open(&config.file.process.control_socket)?;
    let metrics = config.file.process.metrics.map(listen).transpose()?;
    let sockets = sockets::open(config)?;
    let shared = SharedAddresses::prepare(&config.shared())?;
    let unit = config.file.unit.designation;
    let own = MonitoringAddresses::configure(&config.monitoring_addresses(unit))?;
    let own: OwnAddresses = Arc::new(Mutex::new(Some(own)));
    let bearers: Vec<_> = shared.bearers().map(|(name, _, mac)| (name.to_owned(), mac)).collect();
    let mut senders = std::collections::BTreeMap::new();
    for (id, (bearer, _)) in config.interface_ids().zip(&bearers) {
        senders.insert(id, FrameSender::open(bearer)?);
    }
    let _events = conntrack::enable_events()?;
    let injector = Arc::new(Mutex::new(Injector::open()?));
    let counters = Arc::new(Counters::default());
    let clock = Clock::start();
    let seed = seed();
    for warning in config.warnings() {
        warn!("{warning}");
    }
    let state = StateDirectory::new(&config.file.process.state_directory);
    let own_mac = |at: usize| bearers.get(at).map_or(MacAddress::ZERO, |(_, mac)| *mac);
    let unit = Config {
        pair: config.pair(seed, own_mac, state.maintenance().as_deref())?,
        sync: config.sync(seed)?,
    };
    let with_sync = unit.sync.is_some();
    let (follower, duties) = follower::new();
    let follower = with_sync.then_some(follower);
    let scope = config.scope();
    let (monitoring, answers) = Monitoring::new(config);
    let platform = Arc::new(LinuxPlatform::new(
        shared,
        senders,
        Arc::clone(&injector),
        follower,
        state,
        monitoring,
        Arc::clone(&counters),
        speaker,
    ));
    let cleared = ClearUp(Arc::clone(&platform), Arc::clone(&own));

    let heart = Heart {
        machine: move |now| Appliance::new(unit, Table::new(), now),
        sockets,
        platform: Arc::clone(&platform),
        workers: workers.handle().clone(),
        clock,
        priority: config.file.process.realtime_priority,
    };
    let beating = heart.start()?;
    let (handle, drops) = (beating.handle.clone(), Arc::clone(&beating.drops));

    if with_sync {
        let work = follower::Work {
            handle: handle.clone(),
            workers: workers.handle().clone(),
            injector,
            scope,
            receive_buffer: usize::try_from(config.file.sync.receive_buffer.as_u64())
                .unwrap_or(1 << 24),
            counters: Arc::clone(&counters),
            clock,
        };
        std::thread::Builder::new()
            .name("connections".into())
            .spawn(move || follower::run(&work, &duties))?;
    }
    let port = |(interface, port, device): (_, _, &str)| (interface, port, device.to_owned());
    Links {
        monitored: config.monitored_ports().map(port).collect(),
        devices: config.devices().into_values().collect(),
        handle: handle.clone(),
        input: |interface, port, up| Input::Pair(pair::Input::Link { interface, port, up }),
        links: Vec::new(),
        speed: |_, _| None,
        addresses: own,
    }
    .watch()?;
    workers.spawn(monitoring::tell(answers, handle.clone()));
    for service in &config.services {
        workers.spawn(services::watch(service.clone(), handle.clone()));
    }
    let desk = Arc::new(Desk {
        handle: handle.clone(),
        counters,
        drops,
        paths: config.file.path.iter().map(|path| path.name.clone()).collect(),
        peer_serial: config.file.peer.serial.clone(),
        devices: config.devices(),
    });
    if let Some(listener) = metrics {
        let _inside = workers.enter();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let desk = Arc::clone(&desk);
        workers.spawn(metrics::serve(listener, move || {
            let desk = Arc::clone(&desk);
            async move { desk.read().await.map(|status| metrics::write(&status)) }
        }));
    }
    let (serial, designation) = (&config.file.unit.serial, config.file.unit.designation);
    info!(%serial, %designation, "running");
    let leave = Input::Pair(pair::Input::Leave(pair::Departure::Stop));
    let gone = platform.may_stop.notified();
    workers.block_on(until_told_to_stop(&control, desk, &handle, leave, gone))?;
    let ended = beating.join();
    drop(cleared);
    // Threads that wait for the kernel end with the process.
    workers.shutdown_background();
    ended
}

/// Serves the control socket until a signal comes; then tells the machine to leave, waits until it is `gone`, and
/// stops the driver.
async fn until_told_to_stop<M>(
    control: &Control,
    desk: Arc<impl Answer>,
    handle: &DriverHandle<M>,
    leave: M::Input,
    gone: impl Future<Output = ()>,
) -> Result<(), RunError>
where
    M: Machine + 'static,
    M::Input: Send,
    M::Refusal: Send,
{
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let serve = control.serve(desk);
    let mut serve = std::pin::pin!(serve);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        result = &mut serve => result?,
        // Without heartbeats the others take over: nothing is handed over, but everything given back.
        () = handle.stopped() => return Ok(()),
    }
    info!("leaving: what this unit holds is handed over");
    if let Ok(Ok(())) = handle.input(leave).await {
        if tokio::time::timeout(PATIENCE, gone).await.is_err() {
            warn!("it could not be handed over in time");
        }
        tokio::time::sleep(LAST_WORDS).await;
    }
    // It may have stopped by itself.
    let _ = handle.stop().await;
    Ok(())
}

/// Gives back what was changed on the system, also when something fails later.
struct ClearUp(Arc<LinuxPlatform>, OwnAddresses);

impl Drop for ClearUp {
    fn drop(&mut self) {
        drop(platform::lock(&self.1).take());
        self.0.clear_up();
    }
}

fn listen(address: SocketAddr) -> Result<std::net::TcpListener, RunError> {
    let open = || {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    open().map_err(|source| RunError::Metrics { address, source })
}

/// Another number at each start: it tells the peer that this is another start of the unit.
fn seed() -> u64 {
    fastrand::u64(1..)
}
