//! A TCP download as fast as it goes.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::{PATIENCE, Workers};
use crate::lab::environment::{Clock, Interrupt};
use crate::lab::topology::Topology;
use crate::lab::{Context, Error};

const PORT: u16 = 9_003;
/// Length of the repeated contents: a prime, so that it never falls together with buffers or
/// segments.
const PERIOD: usize = 65_521;
/// The log of progress has one entry for at least this much time.
const RESOLUTION: Duration = Duration::from_millis(10);

/// A running download.
pub(crate) struct Download {
    log: Arc<Mutex<Log>>,
    _workers: Workers,
}

#[derive(Default)]
struct Log {
    /// Moment, and bytes received until then.
    progress: Vec<(Duration, u64)>,
    broken: Option<String>,
}

impl Download {
    /// Returns when the first bytes have arrived.
    pub(super) fn start(
        topology: &Topology,
        clock: Clock,
        interrupt: &Interrupt,
    ) -> Result<Self, Error> {
        let mut workers = Workers::new();
        let address = SocketAddr::from((topology.addresses.server, PORT));
        let listener = topology.server.run(|| {
            let listener = TcpListener::bind(address).context(|| format!("listen on {address}"))?;
            listener.set_nonblocking(true).context(|| format!("listen on {address}"))?;
            Ok(listener)
        })?;
        let stop = workers.stop_flag();
        workers.add(topology.server.spawn("download-server", move || {
            give_way();
            upload(&listener, stop);
            Ok(())
        })?);
        let log = Arc::new(Mutex::new(Log::default()));
        let (stop, shared) = (workers.stop_flag(), Arc::clone(&log));
        workers.add(topology.client.spawn("download-client", move || {
            give_way();
            if let Err(reason) = receive(address, clock, &shared, stop) {
                shared.lock().unwrap_or_else(PoisonError::into_inner).broken = Some(reason);
            }
            Ok(())
        })?);

        let download = Self { log, _workers: workers };
        let limit = Duration::from_secs(5);
        interrupt
            .poll(limit, Duration::from_millis(20), || {
                Ok((download.received_between(Duration::ZERO, clock.now()) > 0).then_some(()))
            })?
            .ok_or_else(|| {
                Error::Traffic(format!("the download did not begin within {limit:?}"))
            })?;
        Ok(download)
    }

    /// Why it ended before its time, if it did.
    pub(crate) fn broken(&self) -> Option<String> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).broken.clone()
    }

    /// Bytes received in a time.
    pub(crate) fn received_between(&self, from: Duration, to: Duration) -> u64 {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        received_until(&log.progress, to) - received_until(&log.progress, from)
    }
}

/// Lets everything else have the processor first: on real machines neither end of a download runs
/// on a firewall.
fn give_way() {
    let _ = rustix::process::nice(19);
}

fn received_until(progress: &[(Duration, u64)], moment: Duration) -> u64 {
    let later = progress.partition_point(|(when, _)| *when <= moment);
    progress[..later].last().map_or(0, |(_, bytes)| *bytes)
}

fn receive(
    server: SocketAddr,
    clock: Clock,
    log: &Mutex<Log>,
    stop: impl Fn() -> bool,
) -> Result<(), String> {
    let mut stream = TcpStream::connect_timeout(&server, Duration::from_secs(5))
        .map_err(|error| format!("connect: {error}"))?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
    // Closing sends a reset, so that nothing lingers into the next run.
    socket2::SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .map_err(|error| error.to_string())?;
    let contents = contents();
    let mut buffer = vec![0; 256 * 1024];
    let mut position = 0;
    let mut received = 0_u64;
    let mut logged = Duration::ZERO;
    while !stop() {
        let length = match stream.read(&mut buffer) {
            Ok(0) => return Err("ended by the server".to_owned()),
            Ok(length) => length,
            Err(error) if is_patience(&error) => continue,
            Err(error) => return Err(format!("receive: {error}")),
        };
        if !matches_contents(&contents, position, &buffer[..length]) {
            return Err("wrong bytes arrived".to_owned());
        }
        position = (position + length) % PERIOD;
        received += length as u64;
        let now = clock.now();
        if now >= logged + RESOLUTION {
            logged = now;
            log.lock().unwrap_or_else(PoisonError::into_inner).progress.push((now, received));
        }
    }
    Ok(())
}

/// Sends the contents over and over to the one client, until it goes or the lab stops.
fn upload(listener: &TcpListener, stop: impl Fn() -> bool) {
    let mut stream = loop {
        match listener.accept() {
            Ok((stream, _)) => break stream,
            Err(_) if stop() => return,
            Err(_) => thread::sleep(Duration::from_millis(5)),
        }
    };
    let ready =
        stream.set_nonblocking(false).and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
    let ready =
        ready.and_then(|()| socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)));
    if ready.is_err() {
        return;
    }
    let contents = contents();
    let mut position = 0;
    while !stop() {
        match stream.write(&contents[position..]) {
            Ok(length) => position = (position + length) % PERIOD,
            Err(error) if is_patience(&error) => {}
            // The client tells how it ended.
            Err(_) => return,
        }
    }
}

fn is_patience(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

fn contents() -> Vec<u8> {
    let mut contents = vec![0; PERIOD];
    fastrand::Rng::with_seed(1).fill(&mut contents);
    contents
}

fn matches_contents(contents: &[u8], position: usize, mut received: &[u8]) -> bool {
    let mut expected = &contents[position..];
    while !received.is_empty() {
        let (chunk, rest) = received.split_at(received.len().min(expected.len()));
        if chunk != &expected[..chunk.len()] {
            return false;
        }
        received = rest;
        expected = contents;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_are_checked_across_the_period() {
        let contents = contents();
        let mut received = contents[PERIOD - 10..].to_vec();
        received.extend_from_slice(&contents);
        received.extend_from_slice(&contents[..5]);
        assert!(matches_contents(&contents, PERIOD - 10, &received));
        received[PERIOD + 3] ^= 1;
        assert!(!matches_contents(&contents, PERIOD - 10, &received));
    }

    #[test]
    fn progress_is_read_at_the_last_entry_before() {
        let progress = [(Duration::from_millis(10), 100), (Duration::from_millis(20), 250)];
        let until = |ms| received_until(&progress, Duration::from_millis(ms));
        assert_eq!([until(9), until(10), until(19), until(99)], [0, 100, 100, 250]);
    }
}
