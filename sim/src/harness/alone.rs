//! One role machine, the Primary, which hears what a test makes up.

use super::{A, config, ms, product};
use core::time::Duration;
use ha_core::identity::{Designation, PathId, UnitId};
use ha_core::machine::{ActionError, Channel, Machine as _, Origin, Output};
use ha_core::pair::{
    Action, Event, Health, Heartbeat, HeartbeatId, MAX_HEARTBEAT_LEN, OUR_PROTOCOL, Obstacles,
    Pair, Stance,
};
use ha_core::reject::Reject;
use ha_core::time::Instant;

/// One unit without a peer.
#[derive(Debug)]
pub struct Alone {
    /// The present time.
    pub now: Instant,
    /// The machine.
    pub pair: Pair,
    /// What it has told.
    pub events: Vec<Event>,
    /// The heartbeat that it sent last.
    pub sent: Option<Heartbeat>,
    /// Its platform cannot take addresses.
    pub take_fails: bool,
}

/// The heartbeat of an Active Secondary.
#[must_use]
pub fn peer(number: u64) -> Heartbeat {
    Heartbeat {
        protocol: OUR_PROTOCOL,
        stance: Stance::Active,
        designation: Designation::Secondary,
        serial: "SN-B".parse().unwrap(),
        preempt: false,
        obstacles: Obstacles::NONE,
        warm: true,
        synchronized: false,
        upgrade: false,
        invites: false,
        voluntary: false,
        steady: false,
        interval: ms(10),
        level: 3,
        health: Health::whole(true, 0),
        paths_heard: 1,
        id: HeartbeatId { start: 77, number },
        term: 1,
        echo: None,
        ask: 0,
        release: 0,
        product: Some(product()),
    }
}

impl Alone {
    /// It starts now.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a start is an event, not a default")]
    pub fn new() -> Self {
        let now = Instant::from_millis(1);
        let pair = Pair::new(config(A, 1).build().unwrap(), now);
        let mut alone = Self { now, pair, events: Vec::new(), sent: None, take_fails: false };
        alone.drain();
        alone
    }

    /// It hears this datagram.
    ///
    /// # Errors
    /// It refuses it.
    pub fn hears(&mut self, datagram: &[u8]) -> Result<(), Reject> {
        let from = Origin { peer: UnitId(1), path: PathId(0), channel: Channel::Pair };
        let result = self.pair.handle_datagram(self.now, from, datagram);
        self.drain();
        result
    }

    /// Lets time pass, serving each deadline when it is due.
    pub fn wait(&mut self, length: Duration) {
        let end = self.now + length;
        while let Some(deadline) = self.pair.poll_timeout().filter(|it| it.at <= end) {
            self.now = self.now.max(deadline.at);
            self.pair.handle_timeout(self.now);
            self.drain();
        }
        self.now = end;
    }

    /// Does all that it wants.
    pub fn drain(&mut self) {
        let mut buf = [0; MAX_HEARTBEAT_LEN];
        while let Some(output) = self.pair.poll_output(self.now, &mut buf) {
            match output {
                Output::Event(event) => self.events.push(event),
                Output::Action { id, action } => {
                    let fails = self.take_fails && action == Action::TakeAddresses;
                    let outcome = if fails { Err(ActionError::Failed) } else { Ok(()) };
                    self.pair.handle_done(self.now, id, outcome);
                }
                Output::Transmit { len, .. } => self.sent = Heartbeat::parse(&buf[..len]).ok(),
            }
        }
    }
}
