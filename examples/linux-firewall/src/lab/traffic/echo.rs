//! TCP connections that exchange small messages, and check what comes back.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::Workers;
use crate::lab::environment::{Clock, Interrupt};
use crate::lab::statistics::largest_gap;
use crate::lab::topology::Topology;
use crate::lab::{Context, Error};

const PORT: u16 = 9_002;
const MESSAGE: usize = 64;
/// Pause between two exchanges of a connection, in milliseconds.
const PAUSE: std::ops::RangeInclusive<u64> = 5..=20;
/// How often the runtimes look whether they should end.
const LOOK: Duration = Duration::from_millis(50);

/// Open connections.
pub(crate) struct Connections {
    logs: Vec<Arc<Mutex<Log>>>,
    _workers: Workers,
}

/// What happened to one connection.
#[derive(Debug, Default)]
struct Log {
    exchanges: Vec<Exchange>,
    /// Why it ended, if it did.
    broken: Option<String>,
}

#[derive(Clone, Copy, Debug)]
struct Exchange {
    begun: Duration,
    completed: Duration,
}

/// The fate of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It goes on; its longest stall.
    Kept(Duration),
    /// It does not, for this reason.
    Lost(String),
}

impl Connections {
    /// Returns when all are open and have exchanged something.
    pub(super) fn start(
        topology: &Topology,
        count: u32,
        clock: Clock,
        seed: u64,
        interrupt: &Interrupt,
    ) -> Result<Self, Error> {
        let mut workers = Workers::new();
        let address = SocketAddr::from((topology.addresses.server, PORT));
        let listener = topology.server.run(|| {
            let listener =
                std::net::TcpListener::bind(address).context(|| format!("listen on {address}"))?;
            listener.set_nonblocking(true).context(|| format!("listen on {address}"))?;
            Ok(listener)
        })?;
        let stop = workers.stop_flag();
        workers.add(topology.server.spawn("echo-server", move || serve(listener, stop))?);

        let logs: Vec<_> = (0..count).map(|_| Arc::new(Mutex::new(Log::default()))).collect();
        let (stop, shared) = (workers.stop_flag(), logs.clone());
        workers.add(
            topology
                .client
                .spawn("echo-client", move || converse(address, shared, clock, seed, stop))?,
        );

        let connections = Self { logs, _workers: workers };
        let limit = Duration::from_secs(10);
        let open = interrupt.poll(limit, Duration::from_millis(20), || {
            Ok(connections.logs.iter().all(|log| !lock(log).exchanges.is_empty()).then_some(()))
        })?;
        match open {
            Some(()) => Ok(connections),
            None => Err(Error::Traffic(format!("not all connections opened within {limit:?}"))),
        }
    }

    /// The fate of each connection: stalls count from `fault`, an exchange that shows life begins
    /// after `after`. Waits up to `limit` for that.
    pub(crate) fn judge(
        &self,
        fault: Duration,
        after: Duration,
        clock: Clock,
        limit: Duration,
        interrupt: &Interrupt,
    ) -> Result<Vec<Verdict>, Error> {
        interrupt.poll(limit, Duration::from_millis(20), || {
            Ok(self.logs.iter().all(|log| lock(log).is_decided(after)).then_some(()))
        })?;
        let now = clock.now();
        Ok(self.logs.iter().map(|log| lock(log).verdict(fault, after, now)).collect())
    }
}

fn lock(log: &Mutex<Log>) -> std::sync::MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Log {
    fn is_alive(&self, after: Duration) -> bool {
        self.broken.is_none()
            && self.exchanges.last().is_some_and(|exchange| exchange.begun >= after)
    }

    fn is_decided(&self, after: Duration) -> bool {
        self.broken.is_some() || self.is_alive(after)
    }

    fn verdict(&self, fault: Duration, after: Duration, now: Duration) -> Verdict {
        if let Some(reason) = &self.broken {
            return Verdict::Lost(reason.clone());
        }
        if !self.is_alive(after) {
            return Verdict::Lost("no answer any more".to_owned());
        }
        let completed: Vec<_> = self.exchanges.iter().map(|exchange| exchange.completed).collect();
        Verdict::Kept(largest_gap(&completed, fault, now).unwrap_or_default())
    }
}

fn converse(
    server: SocketAddr,
    logs: Vec<Arc<Mutex<Log>>>,
    clock: Clock,
    seed: u64,
    stop: impl Fn() -> bool,
) -> Result<(), Error> {
    current_thread()?.block_on(async {
        let mut tasks = JoinSet::new();
        for (number, log) in (0_u64..).zip(logs) {
            tasks.spawn(async move {
                let mut random = fastrand::Rng::with_seed(seed ^ number);
                let Err(reason) = connection(server, number, clock, &mut random, &log).await;
                lock(&log).broken = Some(reason);
            });
        }
        while !stop() {
            sleep(LOOK).await;
        }
    });
    Ok(())
}

/// One connection, until it breaks or its task is dropped.
async fn connection(
    server: SocketAddr,
    number: u64,
    clock: Clock,
    random: &mut fastrand::Rng,
    log: &Mutex<Log>,
) -> Result<std::convert::Infallible, String> {
    let mut stream =
        TcpStream::connect(server).await.map_err(|error| format!("connect: {error}"))?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    // Closing sends a reset, so that nothing of a lost connection lingers into the next run.
    socket2::SockRef::from(&stream)
        .set_linger(Some(Duration::ZERO))
        .map_err(|error| error.to_string())?;
    let mut answer = [0; MESSAGE];
    loop {
        let request = random.u64(..);
        let message = message(number, request);
        let begun = clock.now();
        stream.write_all(&message).await.map_err(|error| format!("send: {error}"))?;
        stream.read_exact(&mut answer).await.map_err(|error| format!("receive: {error}"))?;
        if answer != message {
            return Err("wrong bytes came back".to_owned());
        }
        lock(log).exchanges.push(Exchange { begun, completed: clock.now() });
        sleep(Duration::from_millis(random.u64(PAUSE))).await;
    }
}

/// No two exchanges of any two connections look alike.
fn message(connection: u64, request: u64) -> [u8; MESSAGE] {
    let mut message = [0; MESSAGE];
    let mut random = fastrand::Rng::with_seed(request ^ connection.rotate_left(32));
    random.fill(&mut message);
    message
}

fn serve(listener: std::net::TcpListener, stop: impl Fn() -> bool) -> Result<(), Error> {
    current_thread()?.block_on(async {
        let listener = TcpListener::from_std(listener).context(|| "listen".to_owned())?;
        let mut tasks = JoinSet::new();
        while !stop() {
            tokio::select! {
                accepted = listener.accept() => {
                    if let Ok((stream, _)) = accepted {
                        tasks.spawn(answer(stream));
                    }
                }
                () = sleep(LOOK) => {}
            }
        }
        Ok(())
    })
}

async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    let mut message = [0; MESSAGE];
    loop {
        stream.read_exact(&mut message).await?;
        stream.write_all(&message).await?;
    }
}

fn current_thread() -> Result<runtime::Runtime, Error> {
    runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context(|| "start the runtime".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(moments: &[u64]) -> Log {
        let exchange = |ms: &u64| Exchange {
            begun: Duration::from_millis(*ms),
            completed: Duration::from_millis(ms + 1),
        };
        Log { exchanges: moments.iter().map(exchange).collect(), broken: None }
    }

    fn verdict(log: &Log) -> Verdict {
        log.verdict(
            Duration::from_millis(100),
            Duration::from_millis(500),
            Duration::from_millis(700),
        )
    }

    #[test]
    fn kept_needs_an_exchange_that_began_after_the_observation() {
        assert_eq!(verdict(&log(&[90, 310, 600])), Verdict::Kept(Duration::from_millis(290)));
        assert!(matches!(verdict(&log(&[90, 310, 499])), Verdict::Lost(_)));
    }

    #[test]
    fn a_reset_is_a_loss_however_late_it_came() {
        let mut broken = log(&[90, 310, 600]);
        broken.broken = Some("receive: reset".to_owned());
        assert_eq!(verdict(&broken), Verdict::Lost("receive: reset".to_owned()));
    }

    #[test]
    fn messages_differ() {
        assert_ne!(message(1, 7), message(2, 7));
        assert_ne!(message(1, 7), message(1, 8));
    }
}
