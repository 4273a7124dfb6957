//! What can happen to a pair, each as a person would tell it.

use crate::platform::Answer;
use crate::subject::Subject;
use crate::world::{A, B, NAMES, World};
use core::fmt;
use core::time::Duration;
use ha_core::pair::{Departure, Input, State};

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
    /// An administrator wants a unit to take over.
    TakeOver(usize),
    /// A unit is to be restarted or stopped in an orderly way. When it says that it may, it is stopped.
    Leave(usize),
    /// From now on a unit's platform answers an action like that.
    Answer(usize, &'static str, Answer),
    /// A unit's platform works again.
    Repair(usize),
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
            Self::TakeOver(unit) => tell(world, unit, Input::TakeOver),
            Self::Leave(unit) => tell(world, unit, Input::Leave(Departure::Stop)),
            Self::Answer(unit, action, answer) => {
                world.answer(unit, action, answer);
                world.units[unit].slowest = world.failure_time() * 2;
            }
            Self::Repair(unit) => world.repair(unit),
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
            Self::TakeOver(_) => "take-over ordered",
            Self::Leave(_) => "leave",
            Self::Answer(..) => "action fails, hangs or is late",
            Self::Repair(_) => "platform repaired",
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

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |unit: &usize| NAMES[*unit];
        match self {
            Self::Start(unit) => write!(f, "{} starts", name(unit)),
            Self::Crash(unit) => write!(f, "{} loses its power", name(unit)),
            Self::Hang(unit, length) => write!(f, "{} hangs for {length:?}", name(unit)),
            Self::HangBeforePolling(unit, length) => {
                write!(f, "{} hangs for {length:?} once it is woken", name(unit))
            }
            Self::Pause(unit, length) => {
                write!(f, "{} is paused for {length:?}, and its clock with it", name(unit))
            }
            Self::JumpAhead(unit, by) => write!(f, "{}'s clock jumps ahead by {by:?}", name(unit)),
            Self::SetBack(unit, by) => write!(f, "{}'s clock is set back by {by:?}", name(unit)),
            Self::Links(links, Way::Cut) => write!(f, "{links} cut"),
            Self::Links(links, Way::Heal) => write!(f, "{links} healed"),
            Self::Loss(per_mille) => write!(f, "{per_mille} of 1000 datagrams are lost"),
            Self::Weight(unit, weight, why) => {
                write!(f, "{} has the weight {weight}: {why}", name(unit))
            }
            Self::TakeOver(unit) => write!(f, "{} is ordered to take over", name(unit)),
            Self::Leave(unit) => write!(f, "{} is ordered to leave", name(unit)),
            Self::Answer(unit, action, answer) => {
                write!(f, "{} will answer {action} {answer}", name(unit))
            }
            Self::Repair(unit) => write!(f, "{}'s platform works again", name(unit)),
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
