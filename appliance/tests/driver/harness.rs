//! A machine that notes everything that is done to it, and a system around it that the test controls.

use appliance::driver::{Driver, DriverHandle, Platform, Transport};
use async_trait::async_trait;
use ha_core::identity::{PathId, UnitId};
use ha_core::machine::{
    ActionError, ActionId, Channel, Deadline, Destination, Machine, Origin, Output,
};
use ha_core::reject::Reject;
use ha_core::time::{Clock, Duration, Instant};
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use tokio::runtime::Runtime;
use tokio::sync::{Notify, Semaphore, mpsc};

/// No test waits for anything longer than this: what has not come by then does not come.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const PEER: UnitId = UnitId(1);

/// What was done to the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    /// It was told an input; whether a beat was due and not yet made.
    Input { late: bool },
    /// It was handed a datagram; whether a beat was due.
    Datagram { late: bool },
    /// It was told that it is time, and made a beat.
    Beat,
    /// An action was answered.
    Done(ActionId, Result<(), ActionError>),
}

/// A machine that sends a datagram at each interval and hands out actions when told.
#[derive(Debug)]
pub(crate) struct Metronome {
    pub(crate) log: Vec<Entry>,
    interval: Duration,
    next: Instant,
    beats: u64,
    ids: ActionId,
    outputs: VecDeque<Output<usize, u64>>,
}

/// Hands out so many actions for this lane.
#[derive(Debug)]
pub(crate) struct Act {
    pub(crate) lane: usize,
    pub(crate) count: usize,
}

impl Metronome {
    /// The first beat is due at `first`.
    pub(crate) fn new(first: Instant, interval: Duration) -> Self {
        Self {
            log: Vec::new(),
            interval,
            next: first,
            beats: 0,
            ids: ActionId::default(),
            outputs: VecDeque::new(),
        }
    }

    /// The most entries in a row for which a beat was due and was not made.
    pub(crate) fn longest_delay(&self) -> usize {
        let late = |entry: &Entry| {
            matches!(entry, Entry::Input { late: true } | Entry::Datagram { late: true })
        };
        self.log.split(|entry| !late(entry)).map(<[Entry]>::len).max().unwrap_or(0)
    }

    pub(crate) fn answers(&self) -> impl Iterator<Item = (ActionId, Result<(), ActionError>)> {
        self.log.iter().filter_map(|entry| match entry {
            Entry::Done(id, outcome) => Some((*id, *outcome)),
            _ => None,
        })
    }
}

impl Machine for Metronome {
    type Input = Act;
    type Refusal = ();
    type Action = usize;
    type Event = u64;

    fn handle_input(&mut self, now: Instant, input: Act) -> Result<(), ()> {
        self.log.push(Entry::Input { late: self.next <= now });
        for _ in 0..input.count {
            let id = self.ids.mint();
            self.outputs.push_back(Output::Action { id, action: input.lane });
        }
        Ok(())
    }

    fn handle_datagram(&mut self, now: Instant, _: Origin, _: &[u8]) -> Result<(), Reject> {
        self.log.push(Entry::Datagram { late: self.next <= now });
        Ok(())
    }

    fn handle_done(&mut self, _: Instant, id: ActionId, outcome: Result<(), ActionError>) {
        self.log.push(Entry::Done(id, outcome));
        self.outputs.push_back(Output::Event(id.0));
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.next > now {
            return;
        }
        self.log.push(Entry::Beat);
        self.next = now + self.interval;
        self.beats += 1;
        let to = Destination { peer: PEER, path: PathId(0), channel: Channel::Pair };
        self.outputs.push_back(Output::Transmit { to, len: 8 });
    }

    fn poll_output(&mut self, _: Instant, buf: &mut [u8]) -> Option<Output<usize, u64>> {
        let output = self.outputs.pop_front();
        if let Some(Output::Transmit { len, .. }) = output {
            buf[..len].copy_from_slice(&self.beats.to_be_bytes());
        }
        output
    }

    fn poll_timeout(&self) -> Option<Deadline> {
        (self.next < Instant::FAR_FUTURE).then_some(Deadline { at: self.next, why: "beat" })
    }

    fn max_datagram(&self) -> usize {
        8
    }
}

/// A wire of which the test holds the other end.
pub(crate) struct Wire {
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) sent: mpsc::UnboundedSender<Vec<u8>>,
    /// Called whenever the inbox was found empty.
    pub(crate) on_empty: Box<dyn FnMut(&Inbox) + Send>,
}

#[derive(Default)]
pub(crate) struct Inbox {
    state: Mutex<InboxState>,
    changed: Notify,
}

#[derive(Default)]
struct InboxState {
    datagrams: usize,
    endless: bool,
    broken: bool,
}

impl Inbox {
    pub(crate) fn put(&self, datagrams: usize) {
        self.state.lock().unwrap().datagrams += datagrams;
        self.changed.notify_one();
    }

    /// There is always a datagram from now on.
    pub(crate) fn flood(&self) {
        self.state.lock().unwrap().endless = true;
        self.changed.notify_one();
    }

    pub(crate) fn break_down(&self) {
        self.state.lock().unwrap().broken = true;
        self.changed.notify_one();
    }
}

impl Wire {
    pub(crate) fn new() -> (Self, Arc<Inbox>, mpsc::UnboundedReceiver<Vec<u8>>) {
        let inbox = Arc::new(Inbox::default());
        let (sent, receiver) = mpsc::unbounded_channel();
        let wire = Self { inbox: Arc::clone(&inbox), sent, on_empty: Box::new(|_| {}) };
        (wire, inbox, receiver)
    }
}

#[async_trait]
impl Transport for Wire {
    async fn readable(&mut self) -> io::Result<()> {
        loop {
            {
                let state = self.inbox.state.lock().unwrap();
                if state.broken {
                    return Err(io::ErrorKind::ConnectionAborted.into());
                }
                if state.endless || state.datagrams > 0 {
                    return Ok(());
                }
            }
            self.inbox.changed.notified().await;
        }
    }

    fn look(&mut self) {}

    fn try_recv(&mut self, _: &mut [u8]) -> Option<(Origin, usize)> {
        let mut state = self.inbox.state.lock().unwrap();
        if !state.endless {
            match state.datagrams.checked_sub(1) {
                Some(rest) => state.datagrams = rest,
                None => {
                    drop(state);
                    (self.on_empty)(&self.inbox);
                    return None;
                }
            }
        }
        Some((Origin { peer: PEER, path: PathId(0), channel: Channel::Pair }, 0))
    }

    fn try_send(&mut self, _: Destination, datagram: &[u8]) {
        // Nobody has to listen.
        let _ = self.sent.send(datagram.to_vec());
    }
}

/// Each lane's actions wait for a permit of the test.
pub(crate) struct Gates {
    pub(crate) lanes: [Semaphore; 2],
    /// Actions that have begun.
    pub(crate) begun: Semaphore,
}

impl Gates {
    pub(crate) fn closed() -> Arc<Self> {
        let closed = || Semaphore::new(0);
        Arc::new(Self { lanes: [closed(), closed()], begun: closed() })
    }
}

#[async_trait]
impl Platform<Metronome> for Gates {
    const LANES: usize = 2;

    fn lane(&self, action: &usize) -> usize {
        *action
    }

    async fn perform(&self, action: usize) -> Result<(), ActionError> {
        self.begun.add_permits(1);
        self.lanes[action].acquire().await.map_err(|_| ActionError::Unavailable)?.forget();
        Ok(())
    }

    fn event(&self, _: Instant, _: u64) {}
}

pub(crate) struct Running {
    pub(crate) handle: DriverHandle<Metronome>,
    pub(crate) workers: Runtime,
    thread: JoinHandle<io::Result<Metronome>>,
}

/// Runs a driver on a thread of its own, as an embedder does.
pub(crate) fn run(machine: Metronome, wire: Wire, platform: Arc<Gates>, clock: Clock) -> Running {
    let workers =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (driver, handle) = Driver::new(machine, wire, platform, workers.handle(), clock);
    let thread = std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { tokio::time::timeout(PATIENCE, driver.run()).await })?
    });
    Running { handle, workers, thread }
}

impl Running {
    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        let limited = async { tokio::time::timeout(PATIENCE, future).await };
        self.workers.block_on(limited).expect("it never came")
    }

    /// Stops the driver, and gives the machine back.
    pub(crate) fn stop(self) -> Metronome {
        self.wait(self.handle.stop()).unwrap();
        self.end().unwrap()
    }

    /// Waits for the driver's end.
    pub(crate) fn end(self) -> io::Result<Metronome> {
        drop(self.handle);
        self.thread.join().unwrap()
    }
}
