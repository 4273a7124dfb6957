//! The driver's loop.

use super::timer::Timer;
use super::{Platform, Transport};
use ha_core::machine::{ActionError, ActionId, Machine, Output};
use ha_core::time::{Clock, Instant};
use std::io;
use std::sync::Arc;
use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::{TryRecvError, TrySendError};
use tokio::sync::{mpsc, oneshot};

/// The most datagrams that are read before the machine is asked what to do about them.
const MAX_DATAGRAMS_PER_TURN: usize = 256;
/// The most commands that are carried out before the sockets get their turn.
const MAX_COMMANDS_PER_TURN: usize = 4;
/// How many commands, actions of a lane, and events can wait.
const COMMANDS: usize = 64;
const ACTIONS: usize = 256;
const EVENTS: usize = 1024;
/// Longer than any datagram, so that one that is too long is seen to be.
const BUFFER_LEN: usize = 65_536;

/// The driver has ended, so there is nobody to talk to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the driver has stopped")]
pub struct Stopped;

type LaneOf<M> = Box<dyn Fn(&<M as Machine>::Action) -> usize + Send>;
type Query<M> = Box<dyn FnOnce(&M, Instant) + Send>;

enum Command<M: Machine> {
    Input(M::Input, Option<oneshot::Sender<Result<(), M::Refusal>>>),
    Query(Query<M>),
    Stop,
}

/// Runs one machine. See the [module](super).
pub struct Driver<M: Machine, T> {
    machine: M,
    transport: T,
    clock: Clock,
    commands: mpsc::Receiver<Command<M>>,
    lanes: Vec<mpsc::Sender<(ActionId, M::Action)>>,
    lane: LaneOf<M>,
    dones: mpsc::UnboundedReceiver<Done>,
    done: mpsc::UnboundedSender<Done>,
    events: mpsc::Sender<News<M>>,
    events_dropped: u64,
}

/// What follows a turn of the loop.
enum Turn {
    /// There is more to do at once.
    More,
    /// There is nothing to do before something happens.
    Idle,
    /// Nobody wants the driver any more.
    Stop,
}

/// An event, and how many were dropped before it.
type News<M> = (Instant, <M as Machine>::Event, u64);

/// An answer to an action.
type Done = (ActionId, Result<(), ActionError>);

/// Talks to a running [`Driver`] from any task or thread. The driver ends when all handles are gone.
pub struct DriverHandle<M: Machine> {
    commands: mpsc::Sender<Command<M>>,
}

impl<M: Machine> Clone for DriverHandle<M> {
    fn clone(&self) -> Self {
        Self { commands: self.commands.clone() }
    }
}

impl<M, T> Driver<M, T>
where
    M: Machine + 'static,
    M::Action: Send,
    M::Event: Send,
    T: Transport,
{
    /// A driver for a machine, with the handle to talk to it. Actions and events are handled on
    /// `workers`, which is to be another runtime than the one that polls [`Driver::run`]. `clock` is the
    /// one by which the machine was started.
    pub fn new<P: Platform<M>>(
        machine: M,
        transport: T,
        platform: Arc<P>,
        workers: &Handle,
        clock: Clock,
    ) -> (Self, DriverHandle<M>) {
        let (commands, receiver) = mpsc::channel(COMMANDS);
        let (done, dones) = mpsc::unbounded_channel();
        let lanes = (0..P::LANES.max(1))
            .map(|_| spawn_lane(workers, Arc::clone(&platform), done.clone()))
            .collect();
        let events = spawn_events(workers, Arc::clone(&platform));
        let lane = Box::new(move |action: &M::Action| platform.lane(action));
        let driver = Driver {
            machine,
            transport,
            clock,
            commands: receiver,
            lanes,
            lane,
            dones,
            done,
            events,
            events_dropped: 0,
        };
        (driver, DriverHandle { commands })
    }
}

impl<M: Machine, T: Transport> Driver<M, T> {
    /// Runs until [`DriverHandle::stop`], or until all handles are gone, and gives the machine back.
    ///
    /// # Errors
    /// The transport is broken for good, or the platform has panicked. The embedder stops the unit then:
    /// without heartbeats its peer takes over.
    pub async fn run(mut self) -> io::Result<M> {
        let mut buf = vec![0; BUFFER_LEN.max(self.machine.max_datagram())];
        let mut timer = Timer::new()?;
        let mut set_to = None;
        loop {
            let busy = match self.turn(&mut buf)? {
                Turn::Stop => return Ok(self.machine),
                Turn::More => true,
                Turn::Idle => false,
            };
            if busy {
                // Others on this thread get their turn, and this loop goes on at once.
                tokio::task::yield_now().await;
            } else {
                self.set_timer(&mut timer, &mut set_to)?;
            }
            tokio::select! {
                biased;
                readable = self.transport.readable() => readable?,
                Some((id, outcome)) = self.dones.recv() => {
                    self.machine.handle_done(self.clock.now(), id, outcome);
                }
                command = self.commands.recv() => match command {
                    None | Some(Command::Stop) => return Ok(self.machine),
                    Some(command) => self.command(command),
                },
                expired = timer.expired(), if !busy => {
                    expired?;
                    set_to = None;
                }
                () = std::future::ready(()), if busy => {}
            }
        }
    }

    /// Everything that can be done without waiting.
    fn turn(&mut self, buf: &mut [u8]) -> io::Result<Turn> {
        // All that has queued up comes before the timeout, which is judged by the time before it was
        // read: whatever arrived until then was heard, however long this thread was kept from running.
        let now = self.clock.now();
        let due = self.machine.poll_timeout().is_some_and(|deadline| deadline.at <= now);
        if due {
            self.transport.look();
        }
        let mut datagrams = 0;
        while datagrams < MAX_DATAGRAMS_PER_TURN
            && let Some((from, len)) = self.transport.try_recv(buf)
        {
            datagrams = datagrams.saturating_add(1);
            let datagram = buf.get(..len).unwrap_or_default();
            // A refusal is counted by the machine; there is nobody to tell.
            let _ = self.machine.handle_datagram(now, from, datagram);
        }
        while let Ok((id, outcome)) = self.dones.try_recv() {
            self.machine.handle_done(now, id, outcome);
        }
        // A timeout that has just become due is judged in the next turn, after another look.
        if due {
            self.machine.handle_timeout(now);
        }
        self.flush(buf)?;
        for _ in 0..MAX_COMMANDS_PER_TURN {
            match self.commands.try_recv() {
                Ok(Command::Stop) | Err(TryRecvError::Disconnected) => return Ok(Turn::Stop),
                Ok(command) => self.command(command),
                Err(TryRecvError::Empty) => break,
            }
        }
        self.flush(buf)?;
        let overdue = self.machine.poll_timeout().is_some_and(|deadline| deadline.at <= now);
        if overdue || datagrams == MAX_DATAGRAMS_PER_TURN || !self.commands.is_empty() {
            Ok(Turn::More)
        } else {
            Ok(Turn::Idle)
        }
    }

    fn flush(&mut self, buf: &mut [u8]) -> io::Result<()> {
        loop {
            // The time is read for each: this thread may be kept from running between two outputs, and
            // what was meant for before must not go out after (S3).
            let now = self.clock.now();
            let Some(output) = self.machine.poll_output(now, buf) else { return Ok(()) };
            match output {
                Output::Transmit { to, len } => {
                    self.transport.try_send(to, buf.get(..len).unwrap_or_default());
                }
                Output::Action { id, action } => {
                    self.hand_out(id, action)?;
                }
                Output::Event(event) => {
                    // The platform is behind. To say so in the log might mean to wait for it.
                    match self.events.try_send((now, event, self.events_dropped)) {
                        Ok(()) => self.events_dropped = 0,
                        Err(_) => self.events_dropped = self.events_dropped.saturating_add(1),
                    }
                }
            }
        }
    }

    fn hand_out(&mut self, id: ActionId, action: M::Action) -> io::Result<()> {
        let lane = self.lanes.get((self.lane)(&action)).or(self.lanes.first());
        let Some(lane) = lane else { return Ok(()) };
        match lane.try_send((id, action)) {
            Ok(()) => Ok(()),
            // The lane is hopelessly behind; the machine will try again.
            Err(TrySendError::Full(_)) => {
                // The receiver is a field beside this sender.
                let _ = self.done.send((id, Err(ActionError::TimedOut)));
                Ok(())
            }
            // The platform has panicked. A unit that cannot act must fall silent, so that its peer does.
            Err(TrySendError::Closed(_)) => {
                Err(io::Error::other("the platform ended: an action of it panicked"))
            }
        }
    }

    fn command(&mut self, command: Command<M>) {
        let now = self.clock.now();
        match command {
            Command::Input(input, answer) => {
                let result = self.machine.handle_input(now, input);
                if let Some(answer) = answer {
                    // Whoever asked may have stopped waiting.
                    let _ = answer.send(result);
                }
            }
            Command::Query(query) => query(&self.machine, now),
            Command::Stop => {}
        }
    }

    /// Sets the timer to the machine's next deadline, if it is not yet set to it.
    fn set_timer(&self, timer: &mut Timer, set_to: &mut Option<Instant>) -> io::Result<()> {
        let at = self.machine.poll_timeout().map_or(Instant::FAR_FUTURE, |deadline| deadline.at);
        if *set_to != Some(at) {
            timer.set(at.saturating_since(self.clock.now()))?;
            *set_to = Some(at);
        }
        Ok(())
    }
}

impl<M: Machine> DriverHandle<M> {
    /// Hands an input to the machine and waits for its answer.
    ///
    /// # Errors
    /// The driver has stopped. The inner result is the machine's.
    pub async fn input(&self, input: M::Input) -> Result<Result<(), M::Refusal>, Stopped> {
        let (answer, answered) = oneshot::channel();
        let command = Command::Input(input, Some(answer));
        self.commands.send(command).await.map_err(|_| Stopped)?;
        answered.await.map_err(|_| Stopped)
    }

    /// Hands an input to the machine from a thread that may block, without waiting for an answer. Waits
    /// while too much is queued.
    ///
    /// # Errors
    /// The driver has stopped.
    pub fn blocking_input(&self, input: M::Input) -> Result<(), Stopped> {
        self.commands.blocking_send(Command::Input(input, None)).map_err(|_| Stopped)
    }

    /// Reads something from the machine.
    ///
    /// # Errors
    /// The driver has stopped.
    pub async fn query<A: Send + 'static>(
        &self,
        query: impl FnOnce(&M, Instant) -> A + Send + 'static,
    ) -> Result<A, Stopped> {
        let (answer, answered) = oneshot::channel();
        let query = Box::new(move |machine: &M, now| {
            // Whoever asked may have stopped waiting.
            let _ = answer.send(query(machine, now));
        });
        self.commands.send(Command::Query(query)).await.map_err(|_| Stopped)?;
        answered.await.map_err(|_| Stopped)
    }

    /// Waits until the driver has ended, for whatever reason.
    pub async fn stopped(&self) {
        self.commands.closed().await;
    }

    /// Ends the driver. The machine is not told: to the peer it is a crash.
    ///
    /// # Errors
    /// The driver has stopped already.
    pub async fn stop(&self) -> Result<(), Stopped> {
        self.commands.send(Command::Stop).await.map_err(|_| Stopped)
    }
}

fn spawn_lane<M, P>(
    workers: &Handle,
    platform: Arc<P>,
    done: mpsc::UnboundedSender<Done>,
) -> mpsc::Sender<(ActionId, M::Action)>
where
    M: Machine + 'static,
    M::Action: Send,
    P: Platform<M>,
{
    let (sender, mut actions) = mpsc::channel::<(ActionId, M::Action)>(ACTIONS);
    workers.spawn(async move {
        while let Some((id, action)) = actions.recv().await {
            let outcome = platform.perform(action).await;
            if done.send((id, outcome)).is_err() {
                break;
            }
        }
    });
    sender
}

fn spawn_events<M, P>(workers: &Handle, platform: Arc<P>) -> mpsc::Sender<News<M>>
where
    M: Machine + 'static,
    M::Event: Send,
    P: Platform<M>,
{
    let (sender, mut events) = mpsc::channel::<News<M>>(EVENTS);
    workers.spawn(async move {
        while let Some((at, event, dropped)) = events.recv().await {
            if dropped > 0 {
                tracing::warn!(dropped, "events were dropped: the platform was behind");
            }
            platform.event(at, event);
        }
    });
    sender
}
