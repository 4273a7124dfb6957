//! The probe stream: a numbered UDP request every millisecond, echoed by the server.

use std::io;
use std::net::{IpAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::{PATIENCE, Workers, prefer_this_thread};
use crate::lab::environment::{Clock, Interrupt};
use crate::lab::namespace::Namespace;
use crate::lab::{Context, Error};

/// The usual port.
pub(crate) const PORT: u16 = 9_001;
const INTERVAL: Duration = Duration::from_millis(1);

/// Between whom a stream runs.
#[derive(Clone, Copy)]
pub(crate) struct Ends<'a> {
    pub(crate) client: (&'a Namespace, IpAddr),
    pub(crate) server: (&'a Namespace, IpAddr),
    /// The port of the server, which tells streams apart.
    pub(crate) port: u16,
}

/// A running stream.
pub(crate) struct Probe {
    answers: Arc<Mutex<Vec<Duration>>>,
    sent: Arc<AtomicU64>,
    _workers: Workers,
}

impl Probe {
    /// Returns when the first answers have arrived.
    pub(crate) fn start(
        ends: Ends<'_>,
        clock: Clock,
        interrupt: &Interrupt,
    ) -> Result<Self, Error> {
        const FIRST_ANSWERS: usize = 50;
        let mut workers = Workers::new();
        let server = (ends.server.1, ends.port);

        let socket = ends
            .server
            .0
            .run(|| UdpSocket::bind(server).context(|| format!("bind UDP {server:?}")))?;
        let stop = workers.stop_flag();
        workers.add(ends.server.0.spawn("probe-echo", move || {
            prefer_this_thread();
            echo(&socket, stop)
        })?);

        let (namespace, client) = ends.client;
        let open = || {
            let sender = UdpSocket::bind((client, 0))?;
            sender.connect(server)?;
            sender.set_read_timeout(Some(PATIENCE))?;
            let receiver = sender.try_clone()?;
            Ok::<_, io::Error>((sender, receiver))
        };
        let (sender, receiver) =
            namespace.run(|| open().context(|| "open the probe's socket".to_owned()))?;
        let sent = Arc::new(AtomicU64::new(0));
        let answers = Arc::new(Mutex::new(Vec::new()));
        let (stop, counter) = (workers.stop_flag(), Arc::clone(&sent));
        workers.add(namespace.spawn("probe-send", move || {
            prefer_this_thread();
            send(&sender, clock, &counter, stop);
            Ok(())
        })?);
        let (stop, log) = (workers.stop_flag(), Arc::clone(&answers));
        workers.add(namespace.spawn("probe-receive", move || {
            prefer_this_thread();
            receive(&receiver, clock, &log, stop);
            Ok(())
        })?);

        let probe = Self { answers, sent, _workers: workers };
        let limit = Duration::from_secs(5);
        interrupt
            .poll(limit, Duration::from_millis(20), || {
                Ok((probe.answers().len() >= FIRST_ANSWERS).then_some(()))
            })?
            .ok_or_else(|| {
                Error::Traffic(format!(
                    "the probe had no answers through the firewall within {limit:?}"
                ))
            })?;
        Ok(probe)
    }

    /// The moments at which answers arrived, in order.
    pub(crate) fn answers(&self) -> Vec<Duration> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The moments since the last call: for streams that run for hours.
    pub(crate) fn take_answers(&self) -> Vec<Duration> {
        std::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Requests sent so far.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

fn send(socket: &UdpSocket, clock: Clock, sent: &AtomicU64, stop: impl Fn() -> bool) {
    let mut next = clock.now();
    while !stop() {
        let number = sent.fetch_add(1, Ordering::Relaxed);
        // An error here is an answer to an earlier request (port or host unreachable): it is a
        // missing answer, no more.
        let _ = socket.send(&number.to_be_bytes());
        // Requests that are late are not made up for: a burst would hide the delay.
        next = (next + INTERVAL).max(clock.now());
        thread::sleep(next.saturating_sub(clock.now()));
    }
}

fn receive(socket: &UdpSocket, clock: Clock, log: &Mutex<Vec<Duration>>, stop: impl Fn() -> bool) {
    let mut newest = None;
    let mut buffer = [0; 64];
    while !stop() {
        let Ok(length) = socket.recv(&mut buffer) else { continue };
        let now = clock.now();
        let Some(number) =
            buffer.get(..length).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes)
        else {
            continue;
        };
        // A duplicate or an overtaken answer is not progress.
        if newest.is_none_or(|newest| number > newest) {
            newest = Some(number);
            log.lock().unwrap_or_else(PoisonError::into_inner).push(now);
        }
    }
}

/// Sends every datagram back, until told to stop.
pub(super) fn echo(socket: &UdpSocket, stop: impl Fn() -> bool) -> Result<(), Error> {
    socket.set_read_timeout(Some(PATIENCE)).context(|| "set up the echo".to_owned())?;
    let mut buffer = [0; 2_048];
    while !stop() {
        if let Ok((length, from)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(&buffer[..length], from);
        }
    }
    Ok(())
}
