//! What can happen to a pair, each as a person would tell it.

use crate::platform::Answer;
use crate::subject::Subject;
use crate::surroundings::{Condition, Monitored};
use crate::world::{A, B, NAMES, World};
use core::fmt;
use core::time::Duration;
use ha_core::pair::{Demotion, Departure, Input, Maintenance, MonitoredLinks, State};
use statesync::{Change, Connection, ConnectionKey, ConnectionState, Transport};

/// One thing that happens to the units, their network or their platforms. Each can happen at any time:
/// where it means nothing (a crash of a unit that is off) nothing happens, so that any of a list can be
/// taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A unit is powered on, if it is off or has left.
    Start(usize),
    /// A unit loses its power.
    Crash(usize),
    /// A unit does nothing for a while; its clock shows it.
    Hang(usize, Duration),
    /// The same, between its next wake-up and the polling of what it is to do.
    HangBeforePolling(usize, Duration),
    /// A unit does nothing for a while; its clock does not show it.
    Pause(usize, Duration),
    /// A unit's clock jumps ahead.
    JumpAhead(usize, Duration),
    /// A unit's clock is set back.
    SetBack(usize, Duration),
    /// Some links are cut, or work again.
    Links(Links, Way),
    /// Of 1000 datagrams so many are lost, on every link.
    Loss(u64),
    /// What a unit is told of its health changes, and what for.
    Weight(usize, u16, &'static str),
    /// How many links a unit monitors, and how many of them are up.
    MonitoredLinks(usize, u16, u16),
    /// Something makes a unit less fit, perhaps for a limited time.
    Demote(usize, &'static str, Option<Duration>),
    /// That is over.
    Lift(usize, &'static str),
    /// A unit's embedder is ready for it to be Active, or is not.
    Ready(usize, bool),
    /// A unit has the whole state, or has not.
    Synchronized(usize, bool),
    /// An upgrade of a unit begins, or ends.
    Upgrade(usize, bool),
    /// Maintenance mode of a unit.
    Maintenance(usize, Maintenance),
    /// An administrator wants a unit to take over.
    TakeOver(usize),
    /// An administrator wants a unit to have its peer take over.
    FailOver(usize),
    /// A unit is to be restarted or stopped in an orderly way. When it says that it may, it is stopped.
    Leave(usize, Departure),
    /// What a unit wrote to keep over a restart is lost.
    Forget(usize),
    /// A connection opens at whoever is Active, or changes: it bears this mark from now on.
    Opens(u8, u32),
    /// A connection ends.
    Ends(u8),
    /// From now on a unit's platform answers an action like that.
    Answer(usize, &'static str, Answer),
    /// A unit's platform works again.
    Repair(usize),
    /// A link, a probe target or a service fails around a unit or both, or works again.
    Around(Whom, Monitored, Condition),
}

/// Around which units something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// This one alone.
    One(usize),
    /// Both at once.
    Both,
}

/// Which links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Links {
    /// Of this path only; `None` for all.
    pub path: Option<usize>,
    /// From this unit only; `None` for both directions.
    pub sender: Option<usize>,
}

/// What becomes of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Nothing passes any more.
    Cut,
    /// It works again.
    Heal,
}

impl Fault {
    /// Lets it happen.
    pub(crate) fn apply<S: Subject>(self, world: &mut World<S>) {
        match self {
            Self::Start(unit) => {
                if !world.runs(unit) || world.state(unit) == State::Left {
                    world.start(unit);
                }
            }
            Self::Crash(unit) if world.runs(unit) => world.crash(unit),
            Self::Hang(unit, length) if world.runs(unit) => world.hang(unit, length),
            Self::HangBeforePolling(unit, length) if world.runs(unit) => {
                world.hang_before_polling(unit, length);
            }
            Self::Pause(unit, length) if world.runs(unit) => world.pause(unit, length),
            Self::JumpAhead(unit, by) => world.jump_ahead(unit, by),
            Self::SetBack(unit, by) => world.step_back(unit, by),
            Self::Links(links, way) => world.set_links(links, way),
            Self::Loss(per_mille) => world.set_loss(per_mille),
            Self::Weight(unit, weight, _) => tell(world, unit, Input::HealthWeight(weight)),
            Self::MonitoredLinks(unit, configured, up) => {
                let links = MonitoredLinks { configured, up };
                tell(world, unit, Input::MonitoredLinks(links));
            }
            Self::Demote(unit, reason, lasts) => {
                tell(world, unit, Input::Demote { demotion: demotion(reason), lasts });
            }
            Self::Lift(unit, reason) => tell(world, unit, Input::Lift(demotion(reason))),
            Self::Ready(unit, ready) => tell(world, unit, Input::Ready(ready)),
            Self::Synchronized(unit, complete) => {
                tell(world, unit, Input::Synchronized(complete));
            }
            Self::Upgrade(unit, on) => tell(world, unit, Input::Upgrade(on)),
            Self::Maintenance(unit, to) => tell(world, unit, Input::Maintenance(to)),
            Self::TakeOver(unit) => tell(world, unit, Input::TakeOver),
            Self::FailOver(unit) => tell(world, unit, Input::FailOver),
            Self::Leave(unit, for_what) => tell(world, unit, Input::Leave(for_what)),
            Self::Forget(unit) => world.forget(unit),
            Self::Opens(number, mark) => {
                connection(
                    world,
                    Change::Update(Connection { key: key(number), state: state(mark) }),
                );
            }
            Self::Ends(number) => connection(world, Change::Delete(key(number))),
            Self::Answer(unit, action, answer) => {
                world.answer(unit, action, answer);
                world.units[unit].slowest = world.failure_time() * 2;
            }
            Self::Repair(unit) => world.repair(unit),
            Self::Around(Whom::One(unit), what, to) => world.around(&[unit], what, to),
            Self::Around(Whom::Both, what, to) => world.around(&[A, B], what, to),
            Self::Crash(_) | Self::Hang(..) | Self::HangBeforePolling(..) | Self::Pause(..) => {}
        }
    }

    /// Its kind, for a count.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Start(_) => "start",
            Self::Crash(_) => "crash",
            Self::Hang(..) => "hang",
            Self::HangBeforePolling(..) => "hang before polling",
            Self::Pause(..) => "pause that no clock shows",
            Self::JumpAhead(..) => "clock jumps ahead",
            Self::SetBack(..) => "clock set back",
            Self::Links(_, Way::Cut) => "links cut",
            Self::Links(_, Way::Heal) => "links healed",
            Self::Loss(_) => "losses change",
            Self::Weight(..) => "health changes",
            Self::MonitoredLinks(..) => "monitored links",
            Self::Demote(..) => "demotion",
            Self::Lift(..) => "demotion lifted",
            Self::Ready(..) => "readiness",
            Self::Synchronized(..) => "state complete or not",
            Self::Upgrade(..) => "upgrade",
            Self::Maintenance(_, Maintenance::Off) => "maintenance ends",
            Self::Maintenance(..) => "maintenance",
            Self::TakeOver(_) => "take-over ordered",
            Self::FailOver(_) => "fail-over ordered",
            Self::Leave(..) => "leave",
            Self::Forget(_) => "what was persisted is lost",
            Self::Opens(..) => "connection opens or changes",
            Self::Ends(_) => "connection ends",
            Self::Answer(..) => "action fails, hangs or is late",
            Self::Repair(_) => "platform repaired",
            Self::Around(_, Monitored::Port(..), Condition::Works) => "port up",
            Self::Around(_, Monitored::Port(..), _) => "port down",
            Self::Around(_, Monitored::Target(_), Condition::Works) => "probe target reached",
            Self::Around(_, Monitored::Target(_), _) => "probe target lost",
            Self::Around(_, Monitored::Service(_), Condition::Works) => "service works again",
            Self::Around(_, Monitored::Service(_), _) => "service fails",
        }
    }

    /// The same, but milder, if it can be.
    pub(crate) fn milder(self) -> Option<Self> {
        let half = |length: Duration| {
            let half = length / 2;
            // In whole milliseconds, so that a person can read it.
            (half > Duration::from_millis(1))
                .then(|| Duration::from_millis(u64::try_from(half.as_millis()).unwrap_or(0)))
        };
        Some(match self {
            Self::Hang(unit, length) => Self::Hang(unit, half(length)?),
            Self::HangBeforePolling(unit, length) => Self::HangBeforePolling(unit, half(length)?),
            Self::Pause(unit, length) => Self::Pause(unit, half(length)?),
            Self::JumpAhead(unit, by) => Self::JumpAhead(unit, half(by)?),
            Self::SetBack(unit, by) => Self::SetBack(unit, half(by)?),
            Self::Loss(per_mille) if per_mille > 1 => Self::Loss(per_mille / 2),
            Self::Answer(unit, action, answer) if !answer.after.is_zero() => {
                let after = half(answer.after).unwrap_or(Duration::ZERO);
                Self::Answer(unit, action, Answer { after, ..answer })
            }
            Self::Around(whom, what, Condition::IsBeyondRepair) => {
                Self::Around(whom, what, Condition::Fails)
            }
            _ => return None,
        })
    }
}

/// A unit that hangs or is off can be told nothing; and what it refuses is its business.
fn tell<S: Subject>(world: &mut World<S>, unit: usize, input: Input) {
    if world.runs(unit) && !world.hangs(unit) {
        let _ = world.input(unit, input);
    }
}

/// What the demotion of this name is, and who says so.
fn demotion(reason: &str) -> Demotion {
    let label = |text: &str| text.parse().expect("a short word");
    Demotion { owner: label("monitor"), reason: label(reason) }
}

fn key(number: u8) -> ConnectionKey {
    let transport = Transport::Udp { source: 40_000 + u16::from(number), destination: 53 };
    ConnectionKey { source: [10, 0, 0, 1].into(), destination: [192, 0, 2, 1].into(), transport }
}

fn state(mark: u32) -> ConnectionState {
    ConnectionState {
        source_nat: None,
        destination_nat: None,
        mark,
        tcp: None,
        seen_reply: true,
        assured: true,
        timeout: 60,
    }
}

/// Whoever is Active forwards the connection, and knows of it.
fn connection<S: Subject>(world: &mut World<S>, change: Change) {
    for unit in [A, B] {
        if world.runs(unit) && !world.hangs(unit) && world.state(unit) == State::Active {
            world.connection(unit, change);
        }
    }
}

impl fmt::Display for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path {
            Some(path) => write!(f, "path {path}")?,
            None => f.write_str("all paths")?,
        }
        match self.sender {
            Some(sender) => write!(f, " from {}", NAMES[sender]),
            None => Ok(()),
        }
    }
}

impl<S: Subject> World<S> {
    fn set_links(&mut self, which: Links, way: Way) {
        let units = which.sender.map_or([A, B].to_vec(), |sender| vec![sender]);
        for sender in units {
            let links = Links { sender: Some(sender), ..which };
            self.fault(sender, || Fault::Links(links, way).to_string());
            for (path, link) in self.network.links.iter_mut().enumerate() {
                if which.path.is_none_or(|it| it == path) {
                    link[sender].cut = way == Way::Cut;
                }
            }
        }
    }

    fn set_loss(&mut self, per_mille: u64) {
        self.fault(A, || Fault::Loss(per_mille).to_string());
        self.network.set_all(|link| link.loss = per_mille);
    }
}
