//! The heartbeat thread: the driver with its machine, on a thread of its own.

use super::RunError;
use crate::realtime::realtime;
use appliance::driver::{Driver, DriverHandle, Platform, UdpDrops, UdpPath, UdpTransport};
use ha_core::machine::Machine;
use ha_core::time::{Clock, Instant};
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use tokio::runtime::Handle;

/// What it needs.
pub(super) struct Heart<B, P> {
    /// Makes the machine, once the thread runs.
    pub(super) machine: B,
    pub(super) sockets: Vec<UdpPath>,
    pub(super) platform: Arc<P>,
    /// What carries out the platform's work.
    pub(super) workers: Handle,
    pub(super) clock: Clock,
    /// Real-time priority.
    pub(super) priority: Option<u8>,
}

/// A heartbeat thread that has started.
pub(super) struct Beating<M: Machine> {
    pub(super) handle: DriverHandle<M>,
    pub(super) drops: Arc<UdpDrops>,
    thread: JoinHandle<Result<(), RunError>>,
}

impl<B, P> Heart<B, P> {
    /// Starts the thread.
    ///
    /// # Errors
    /// Why it did not start.
    pub(super) fn start<M>(self) -> Result<Beating<M>, RunError>
    where
        M: Machine + 'static,
        M::Input: Send,
        M::Refusal: Send,
        M::Action: Send,
        M::Event: Send,
        B: FnOnce(Instant) -> M + Send + 'static,
        P: Platform<M>,
    {
        let (started, start) = channel();
        let thread = std::thread::Builder::new().name("heartbeat".into()).spawn(move || {
            let result = self.beat(&started);
            if let Err(error) = &result {
                tracing::error!(%error, "the heartbeat thread ends");
            }
            result
        })?;
        match start.recv() {
            Ok((handle, drops)) => Ok(Beating { handle, drops, thread }),
            Err(_) => Err(match thread.join() {
                Ok(Err(error)) => error,
                _ => RunError::Driver("it did not start".to_owned()),
            }),
        }
    }

    fn beat<M>(self, started: &Sender<(DriverHandle<M>, Arc<UdpDrops>)>) -> Result<(), RunError>
    where
        M: Machine + 'static,
        M::Action: Send,
        M::Event: Send,
        B: FnOnce(Instant) -> M,
        P: Platform<M>,
    {
        let Self { machine, sockets, platform, workers, clock, priority } = self;
        if let Some(priority) = priority {
            realtime(priority)?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let _inside = runtime.enter();
        let transport = UdpTransport::new(sockets)?;
        let drops = transport.drops();
        let machine = machine(clock.now());
        let (driver, handle) = Driver::new(machine, transport, platform, &workers, clock);
        // The main thread waits for it.
        let _ = started.send((handle, drops));
        runtime.block_on(driver.run())?;
        Ok(())
    }
}

impl<M: Machine> Beating<M> {
    /// Waits for the end of the thread.
    ///
    /// # Errors
    /// Why it ended, if nobody told it to.
    pub(super) fn join(self) -> Result<(), RunError> {
        self.thread.join().map_err(|_| RunError::Driver("it panicked".to_owned()))?
    }
}
