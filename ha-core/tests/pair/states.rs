//! The Primary in each of its states, and a heartbeat of its peer that is new in each: what the tests of
//! bad input and of bad clocks begin with.

use crate::harness::{A, config, ms, peer};
use crate::heartbeat::bytes;
use core::time::Duration;
use ha_core::identity::{PathId, UnitId};
use ha_core::machine::{ActionError, ActionId, Channel, Machine as _, Origin, Output};
use ha_core::pair::{
    Action, Departure, Event, Goal, Health, Heartbeat, Input, MAX_HEARTBEAT_LEN, Mode,
    MonitoredLinks, Pair, PairConfigBuilder, Stance, State,
};
use ha_core::reject::Reject;
use ha_core::time::Instant;

/// What one input can set off at the most: a heartbeat on the one path, the next steps, some events.
pub(crate) const MAX_OUTPUTS_OF_AN_INPUT: usize = 16;
/// A unit serves all its timers at once; each can set off others, but not for ever.
const MAX_TIMEOUTS_AT_ONE_INSTANT: usize = 16;

/// One unit whose actions stay unanswered until the test answers them.
#[derive(Clone)]
pub(crate) struct Unit {
    pub(crate) now: Instant,
    pub(crate) pair: Pair,
    pub(crate) open: Vec<(ActionId, Action)>,
    /// What it has told.
    pub(crate) events: Vec<Event>,
    pub(crate) sent: Option<Heartbeat>,
    /// The number of the next heartbeat of the peer.
    pub(crate) number: u64,
}

/// How often the heartbeats went out, and how much else there was.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outputs {
    pub(crate) heartbeats: usize,
    pub(crate) all: usize,
}

impl Unit {
    fn new(config: PairConfigBuilder) -> Self {
        let now = Instant::from_millis(1_000_000);
        let pair = Pair::new(config.build().unwrap(), now);
        let (open, events) = (Vec::new(), Vec::new());
        let mut unit = Self { now, pair, open, events, sent: None, number: 1 };
        unit.poll();
        unit
    }

    /// Takes all outputs.
    pub(crate) fn poll(&mut self) -> Outputs {
        self.poll_at(self.now)
    }

    /// Takes all outputs at a time that need not be the present one.
    pub(crate) fn poll_at(&mut self, now: Instant) -> Outputs {
        let mut outputs = Outputs::default();
        let mut buf = [0; MAX_HEARTBEAT_LEN];
        while let Some(output) = self.pair.poll_output(now, &mut buf) {
            outputs.all += 1;
            assert!(outputs.all < 1000, "outputs do not end");
            match output {
                Output::Action { id, action } => self.open.push((id, action)),
                Output::Transmit { len, .. } => {
                    outputs.heartbeats += 1;
                    self.sent =
                        Some(Heartbeat::parse(&buf[..len]).expect("it sends what is valid"));
                }
                Output::Event(event) => self.events.push(event),
            }
        }
        outputs
    }

    /// Answers what is open until nothing is.
    pub(crate) fn answer(&mut self, fails: &str) {
        for _ in 0..MAX_TIMEOUTS_AT_ONE_INSTANT {
            for (id, action) in core::mem::take(&mut self.open) {
                let failed = action.name() == fails;
                let outcome = if failed { Err(ActionError::Failed) } else { Ok(()) };
                self.pair.handle_done(self.now, id, outcome);
                self.poll();
            }
        }
        self.open.clear();
    }

    /// Serves what is due at `now`, which ends.
    pub(crate) fn serve(&mut self) -> usize {
        for rounds in 0..MAX_TIMEOUTS_AT_ONE_INSTANT {
            match self.pair.poll_timeout() {
                Some(deadline) if deadline.at <= self.now => self.pair.handle_timeout(self.now),
                _ => return rounds,
            }
        }
        panic!("busy loop: {:?} at {:?}", self.pair.poll_timeout(), self.now);
    }

    pub(crate) fn wait(&mut self, length: Duration) {
        let end = self.now + length;
        while let Some(deadline) = self.pair.poll_timeout().filter(|it| it.at <= end) {
            self.now = self.now.max(deadline.at);
            self.serve();
            self.poll();
        }
        self.now = end;
    }

    pub(crate) fn hears(&mut self, heartbeat: &Heartbeat) -> Result<(), Reject> {
        let from = Origin { peer: UnitId(1), path: PathId(0), channel: Channel::Pair };
        self.pair.handle_datagram(self.now, from, &bytes(heartbeat))
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.pair.handle_input(self.now, input).unwrap();
        self.poll();
    }

    /// How often it has told that a hand-over did not come about.
    pub(crate) fn aborted(&self) -> usize {
        self.events.iter().filter(|event| matches!(event, Event::HandOverAborted(_))).count()
    }

    /// The names of the actions that it wants carried out and that are not answered.
    pub(crate) fn wants(&self) -> Vec<&'static str> {
        self.open.iter().map(|(_, action)| action.name()).collect()
    }

    /// A heartbeat of an Active peer that has heard all that this unit said.
    pub(crate) fn fresh(&self) -> Heartbeat {
        Heartbeat { echo: self.sent.map(|sent| sent.id), ..peer(self.number) }
    }

    /// Hears it, and lets it be heard.
    pub(crate) fn hears_fresh(&mut self, adjust: impl Fn(Heartbeat) -> Heartbeat) {
        let heartbeat = adjust(self.fresh());
        self.number += 1;
        self.hears(&heartbeat).unwrap();
        self.poll();
    }
}

/// The unit in this state.
pub(crate) fn in_state(state: State) -> Unit {
    configured(state, |config| config)
}

/// The unit in this state, with settings of a test's own.
pub(crate) fn configured(state: State, adjust: fn(PairConfigBuilder) -> PairConfigBuilder) -> Unit {
    let in_state = |state| configured(state, adjust);
    let mode = if state == State::Disabled {
        Mode::Disabled
    } else {
        Mode::ActiveStandby { stateful: false }
    };
    let mut unit = Unit::new(adjust(config(A, 1).mode(mode)));
    let asks = |it| Heartbeat { stance: Stance::Standby, ask: 7, ..it };
    let is_fitter = |it| Heartbeat { health: Health::whole(true, 9), ..it };
    match state {
        State::Disabled | State::Election => {}
        State::Standby => unit.hears_fresh(|it| it),
        State::Asking => {
            unit = in_state(State::Standby);
            unit.input(Input::TakeOver);
        }
        State::Taking => unit.wait(ms(30)),
        State::Active => {
            unit = in_state(State::Taking);
            unit.answer("");
        }
        State::Withdrawing(goal) => {
            unit = in_state(if goal == Goal::Retreat { State::Taking } else { State::Active });
            match goal {
                Goal::Yield => {
                    // What it said before it heard the peer settles nothing.
                    unit.hears_fresh(is_fitter);
                    unit.hears_fresh(is_fitter);
                }
                Goal::Recover => {
                    unit.now = unit.now + ms(100);
                    unit.poll();
                }
                Goal::Release => unit.hears_fresh(asks),
                Goal::Leave => unit.input(Input::Leave(Departure::Stop)),
                Goal::Depart => {
                    unit = in_state(State::Withdrawing(Goal::Yield));
                    unit.input(Input::Leave(Departure::Stop));
                }
                Goal::Retreat => {
                    let (id, _) = unit.open.pop().unwrap();
                    unit.pair.handle_done(unit.now, id, Ok(()));
                    unit.poll();
                    let (id, _) = unit.open.pop().unwrap();
                    unit.pair.handle_done(unit.now, id, Err(ActionError::Failed));
                    unit.poll();
                }
                Goal::Isolate => {
                    unit.input(Input::MonitoredLinks(MonitoredLinks { configured: 1, up: 0 }));
                }
            }
        }
        State::Released => {
            unit = in_state(State::Withdrawing(Goal::Release));
            unit.answer("");
        }
        State::Recovering => {
            unit = in_state(State::Withdrawing(Goal::Recover));
            unit.answer("");
        }
        State::Left => {
            unit = in_state(State::Standby);
            unit.input(Input::Leave(Departure::Stop));
        }
    }
    assert_eq!(unit.pair.state(), state);
    unit
}
