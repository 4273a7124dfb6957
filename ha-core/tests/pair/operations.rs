//! Random sequences of everything that can be done to one machine: it never panics, keeps its queues
//! bounded, and time always goes on.

use crate::harness::{A, B, config, ms};
use crate::heartbeat::any_heartbeat;
use core::time::Duration;
use ha_core::identity::{PathId, UnitId};
use ha_core::machine::{ActionError, ActionId, Channel, Machine as _, Origin, Output};
use ha_core::pair::{
    Departure, Heartbeat, HeartbeatId, Input, MAX_EVENTS, MAX_HEARTBEAT_LEN, MAX_PATHS, Pair,
    PathKind, Stance,
};
use ha_core::time::Instant;
use proptest::prelude::*;
use std::collections::VecDeque;

/// A unit serves all its timers at once; each can set off others, but not for ever.
const MAX_TIMEOUTS_AT_ONE_INSTANT: usize = 16;
/// Events and the count of those dropped, a heartbeat on each path, one action of each kind.
const MAX_OUTPUTS: usize = MAX_EVENTS + 1 + MAX_PATHS + 7;

#[derive(Clone, Debug)]
enum Operation {
    /// Time goes on, to the deadline at the most, which is served.
    Wait(u64),
    /// Time jumps, in nanoseconds.
    Jump(u64),
    /// The next calls bear an earlier time.
    Back(u64),
    /// The peer runs to the present time and hears what we sent.
    PeerRuns,
    /// The peer is told something, or replaced by a new start.
    PeerInput(Input),
    PeerRestarts,
    /// A heartbeat of the peer arrives: the nth that is under way, on a path, a bit of it flipped.
    Arrives {
        nth: usize,
        path: u8,
        flip: Option<usize>,
    },
    /// A heartbeat of a peer that says anything arrives.
    Crafted(Heartbeat, u64),
    Input(Input),
    Done {
        back: u64,
        result: Result<(), ActionError>,
    },
    Timeout,
    Poll(usize),
}

fn input() -> impl Strategy<Value = Input> {
    prop_oneof![
        4 => Just(Input::TakeOver),
        1 => Just(Input::Leave(Departure::Stop)),
        2 => (0_u16..3).prop_map(Input::HealthWeight),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    let result = prop_oneof![3 => Just(Ok(())), 1 => Just(Err(ActionError::Failed))];
    prop_oneof![
        8 => (0_u64..30_000_000).prop_map(Operation::Wait),
        1 => prop_oneof![0_u64..200_000_000, any::<u64>()].prop_map(Operation::Jump),
        1 => (0_u64..200_000_000).prop_map(Operation::Back),
        6 => Just(Operation::PeerRuns),
        1 => input().prop_map(Operation::PeerInput),
        1 => Just(Operation::PeerRestarts),
        8 => (0_usize..4, 0_u8..3, prop::option::weighted(0.1, 0_usize..2000))
            .prop_map(|(nth, path, flip)| Operation::Arrives { nth, path, flip }),
        3 => (any_heartbeat(), 1_u64..200).prop_map(|(it, number)| Operation::Crafted(it, number)),
        2 => input().prop_map(Operation::Input),
        6 => (0_u64..4, result).prop_map(|(back, result)| Operation::Done { back, result }),
        1 => Just(Operation::Timeout),
        6 => (0_usize..400).prop_map(Operation::Poll),
    ]
}

struct Bench {
    now: Instant,
    pair: Pair,
    peer: Pair,
    peer_starts: u64,
    to_peer: VecDeque<Vec<u8>>,
    to_us: VecDeque<(Stance, Vec<u8>)>,
    last_action: u64,
}

impl Bench {
    fn new() -> Self {
        let now = Instant::from_millis(1_000_000);
        let unit = |unit, seed| {
            Pair::new(config(unit, seed).paths([PathKind::Control; 2]).build().unwrap(), now)
        };
        Self {
            now,
            pair: unit(A, 1),
            peer: unit(B, 1000),
            peer_starts: 0,
            to_peer: VecDeque::new(),
            to_us: VecDeque::new(),
            last_action: 0,
        }
    }

    fn run(&mut self, operation: Operation) {
        let now = self.now;
        let from = |path| Origin { peer: UnitId(1), path: PathId(path), channel: Channel::Pair };
        match operation {
            Operation::Wait(nanos) => {
                let until = now + Duration::from_nanos(nanos);
                let deadline = self.pair.poll_timeout().map_or(until, |deadline| deadline.at);
                self.now = until.min(deadline).max(now);
                self.serve_deadlines();
            }
            Operation::Jump(nanos) => {
                self.now = now + Duration::from_nanos(nanos);
                self.serve_deadlines();
            }
            Operation::Back(nanos) => {
                let earlier = now.saturating_sub(Duration::from_nanos(nanos));
                self.pair.handle_timeout(earlier);
            }
            Operation::PeerRuns => self.run_peer(),
            Operation::PeerInput(input) => {
                let _ = self.peer.handle_input(now, input);
                self.run_peer();
            }
            Operation::PeerRestarts => {
                self.peer_starts += 1;
                let config = config(B, 1000 + self.peer_starts)
                    .paths([PathKind::Control; 2])
                    .build()
                    .unwrap();
                self.peer = Pair::new(config, now);
                self.run_peer();
            }
            Operation::Arrives { nth, path, flip } => {
                if let Some((_, datagram)) = self.to_us.get(nth) {
                    let mut datagram = datagram.clone();
                    if let Some(bit) = flip {
                        let at = (bit / 8) % datagram.len();
                        datagram[at] ^= 1 << (bit % 8);
                    }
                    let _ = self.pair.handle_datagram(now, from(path), &datagram);
                }
                self.to_us.truncate(8);
            }
            Operation::Crafted(heartbeat, number) => {
                let start = 1000 + self.peer_starts;
                let crafted = Heartbeat {
                    id: HeartbeatId { start, number },
                    serial: "SN-B".parse().unwrap(),
                    ..heartbeat
                };
                let datagram = crate::heartbeat::bytes(&crafted);
                let _ = self.pair.handle_datagram(now, from(0), &datagram);
            }
            Operation::Input(input) => {
                let _ = self.pair.handle_input(now, input);
            }
            Operation::Done { back, result } => {
                let id = ActionId(self.last_action.saturating_sub(back));
                self.pair.handle_done(now, id, result);
            }
            Operation::Timeout => self.pair.handle_timeout(now),
            Operation::Poll(at_most) => self.poll(at_most),
        }
    }

    /// As a driver does: as long as the deadline is not in the future.
    fn serve_deadlines(&mut self) {
        for _ in 0..MAX_TIMEOUTS_AT_ONE_INSTANT {
            match self.pair.poll_timeout() {
                Some(deadline) if deadline.at <= self.now => self.pair.handle_timeout(self.now),
                _ => return,
            }
        }
        panic!("busy loop: {:?} at {:?}", self.pair.poll_timeout(), self.now);
    }

    fn poll(&mut self, at_most: usize) {
        let mut buf = [0; MAX_HEARTBEAT_LEN];
        for _ in 0..at_most {
            match self.pair.poll_output(self.now, &mut buf) {
                None => return,
                Some(Output::Transmit { len, .. }) => {
                    Heartbeat::parse(&buf[..len]).expect("what it sends is valid");
                    self.to_peer.push_back(buf[..len].to_vec());
                    self.to_peer.truncate(32);
                }
                Some(Output::Action { id, .. }) => self.last_action = id.0,
                Some(Output::Event(_)) => {}
            }
        }
        assert!(at_most < MAX_OUTPUTS || self.pair.poll_output(self.now, &mut buf).is_none());
    }

    fn run_peer(&mut self) {
        let mut buf = [0; MAX_HEARTBEAT_LEN];
        for datagram in core::mem::take(&mut self.to_peer) {
            let from = Origin { peer: UnitId(0), path: PathId(0), channel: Channel::Pair };
            let _ = self.peer.handle_datagram(self.now, from, &datagram);
        }
        self.peer.handle_timeout(self.now);
        while let Some(output) = self.peer.poll_output(self.now, &mut buf) {
            match output {
                Output::Transmit { len, .. } => {
                    let stance = Heartbeat::parse(&buf[..len]).unwrap().stance;
                    self.to_us.push_front((stance, buf[..len].to_vec()));
                }
                Output::Action { id, .. } => self.peer.handle_done(self.now, id, Ok(())),
                Output::Event(_) => {}
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        cases: 400,
        ..ProptestConfig::default()
    })]

    /// Whatever is done to it, the machine does not panic, its queues are bounded, and a deadline that
    /// is served moves on.
    #[test]
    fn no_sequence_of_operations_breaks_the_machine(
        operations in prop::collection::vec(operation(), 1..200),
    ) {
        let mut bench = Bench::new();
        for operation in operations {
            bench.run(operation);
        }
        bench.poll(MAX_OUTPUTS);
        bench.serve_deadlines();
    }
}

/// Nobody polls for a long time: events beyond the bound are dropped, the oldest first, and counted.
#[test]
fn what_nobody_polls_is_bounded() {
    let mut bench = Bench::new();
    for round in 0..2000 {
        bench.now = bench.now + ms(if round % 2 == 0 { 5 } else { 200 });
        bench.run_peer();
        bench.run(Operation::Arrives { nth: 0, path: 0, flip: None });
        bench.serve_deadlines();
    }
    let mut outputs = 0;
    let mut dropped = 0;
    while let Some(output) = bench.pair.poll_output(bench.now, &mut [0; MAX_HEARTBEAT_LEN]) {
        outputs += 1;
        if let Output::Event(ha_core::pair::Event::EventsDropped(count)) = output {
            dropped = count;
        }
    }
    assert!(outputs <= MAX_OUTPUTS, "{outputs}");
    assert!(dropped > 100, "{dropped}");
}
