//! Live traffic from the client through the pair to the server. Its threads live in their
//! namespaces and end when [`Traffic`] is dropped.

mod background;
mod download;
mod echo;
mod probe;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use super::environment::{Clock, Interrupt};
use super::topology::Topology;
use super::{Error, Options};
use crate::realtime::realtime;

pub(super) use background::establish as establish_background;
pub(super) use download::Download;
pub(super) use echo::{Connections, Verdict};
pub(super) use probe::{Ends, PORT as PROBE_PORT, Probe};

/// How often blocking calls of traffic threads look whether they should end.
const PATIENCE: Duration = Duration::from_millis(100);

/// One run's traffic: connections, probe stream, and a download if asked for.
pub(super) struct Traffic {
    pub(super) connections: Connections,
    pub(super) probe: Probe,
    pub(super) download: Option<Download>,
}

impl Traffic {
    /// Returns when all connections are open and the first answers have arrived.
    pub(super) fn start(
        topology: &Topology,
        options: &Options,
        clock: Clock,
        seed: u64,
        interrupt: &Interrupt,
    ) -> Result<Self, Error> {
        let ends = Ends {
            client: (&topology.client, topology.addresses.client),
            server: (&topology.server, topology.addresses.server),
            port: probe::PORT,
        };
        let probe = Probe::start(ends, clock, interrupt)?;
        let connections =
            Connections::start(topology, options.connections, clock, seed, interrupt)?;
        let download =
            options.download.then(|| Download::start(topology, clock, interrupt)).transpose()?;
        Ok(Self { connections, probe, download })
    }
}

/// Threads that end when this is dropped.
struct Workers {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Result<(), Error>>>,
}

impl Workers {
    fn new() -> Self {
        Self { stop: Arc::new(AtomicBool::new(false)), threads: Vec::new() }
    }

    /// Asked by the threads in their loops.
    fn stop_flag(&self) -> impl Fn() -> bool + Clone + Send + 'static {
        let stop = Arc::clone(&self.stop);
        move || stop.load(Ordering::Relaxed)
    }

    fn add(&mut self, thread: JoinHandle<Result<(), Error>>) {
        self.threads.push(thread);
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            match thread.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => eprintln!("a traffic thread failed: {error}"),
                Err(_) => eprintln!("a traffic thread panicked"),
            }
        }
    }
}

/// Real-time priority for the calling thread, so that the probe measures the firewalls and not this
/// machine's scheduler. Best effort: without the right to it the noise figure is larger, and shows
/// it.
fn prefer_this_thread() {
    const PRIORITY: u8 = 10;
    let _ = realtime(PRIORITY);
}
