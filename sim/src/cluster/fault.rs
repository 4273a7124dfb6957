//! What can go wrong in a cluster, as values.

use super::mesh::X0;
use super::setup::{Settings, name, rank_table};
use super::world::World;
use crate::platform::Answer;
use core::fmt;
use core::time::Duration;
use ha_core::pair::{Input, Maintenance};

/// Something that goes wrong, or is put right again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// A unit is powered on, if it is off.
    Start(usize),
    /// A unit loses its power.
    Crash(usize),
    /// A unit does nothing for so long; its clock runs on.
    Hang(usize, Duration),
    /// A unit's clock jumps ahead.
    JumpAhead(usize, Duration),
    /// A unit's clock is set back.
    SetBack(usize, Duration),
    /// Links from a node (or all) to a node (or all) on a path (or all) are cut, or healed.
    Cut(Option<usize>, Option<usize>, Option<usize>, bool),
    /// The nodes with a bit and the others do not hear each other.
    Split(u8),
    /// Nothing is cut any more.
    Heal,
    /// Of 1000 datagrams so many are lost.
    Loss(u64),
    /// A port of a unit's interface goes up or down.
    Port(usize, u8, u8, bool),
    /// Actions of this name are answered like that.
    Answer(usize, &'static str, Answer),
    /// A platform works again.
    Repair(usize),
    /// The license of a unit.
    License(usize, bool),
    /// A single unit is taken out of service, or put back.
    Bar(usize, bool),
    /// A unit gets settings with a higher version: ranks by this number.
    Ranks(usize, u64),
    /// A unit gets other ranks in the highest version that there is, if they are not below its own: a mistake.
    SameVersion(usize, u64),
    /// A pair's unit is told to hand its role over.
    FailOver(usize),
    /// A pair's unit goes into maintenance, or leaves it.
    Maintenance(usize, bool),
    /// The link inside a node.
    CutInside(usize, bool),
}

impl Fault {
    /// Makes it happen.
    pub fn apply(self, world: &mut World) {
        let is_here = |world: &World, unit: usize| world.runs(unit) && !world.hangs(unit);
        match self {
            Self::Start(unit) if !world.runs(unit) => world.start(unit),
            Self::Start(_) => {}
            Self::Crash(unit) => world.crash(unit),
            Self::Hang(unit, length) if world.runs(unit) => world.hang(unit, length),
            Self::Hang(..) => {}
            Self::JumpAhead(unit, by) => world.jump_ahead(unit, by),
            Self::SetBack(unit, by) => world.step_back(unit, by),
            Self::Cut(from, to, slot, cut) => world.cut(from, to, slot, cut),
            Self::Split(side) => world.split(side),
            Self::Heal => world.heal(),
            Self::Loss(per_mille) => world.loss(per_mille),
            Self::Port(unit, interface, port, up) => world.port(unit, interface, port, up),
            Self::Answer(unit, action, answer) => world.answer(unit, action, answer),
            Self::Repair(unit) => world.repair(unit),
            Self::License(unit, licensed) => world.license(unit, licensed),
            Self::Bar(unit, barred) => world.bar(unit, barred),
            Self::Ranks(unit, code) => {
                let version = world.newest_settings().version + 1;
                let settings = Settings { version, ranks: rank_table(&ranks_of(code)) };
                world.settings(unit, settings);
            }
            Self::SameVersion(unit, code) => {
                let version = world.newest_settings().version;
                let settings = Settings { version, ranks: rank_table(&ranks_of(code)) };
                let own = world.units[unit].settings;
                // Nobody takes ranks back that others may have seen: else none would know which are in force.
                if (own.version, own.ranks) < (version, settings.ranks) {
                    world.settings(unit, settings);
                }
            }
            Self::FailOver(unit) => world.pair_input(unit, Input::FailOver),
            Self::Maintenance(unit, on) if is_here(world, unit) => {
                let mode = if on { Maintenance::On { lasts: None } } else { Maintenance::Off };
                world.pair_input(unit, Input::Maintenance(mode));
            }
            Self::Maintenance(..) => {}
            Self::CutInside(node, cut) => world.cut_inside(node, cut),
        }
    }

    /// What kind it is, for a count.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Start(_) => "start",
            Self::Crash(_) => "crash",
            Self::Hang(..) => "hang",
            Self::JumpAhead(..) => "clock jumps ahead",
            Self::SetBack(..) => "clock set back",
            Self::Cut(_, _, Some(X0), _) => "X0 cut or healed",
            Self::Cut(..) => "links cut or healed",
            Self::Split(_) => "split",
            Self::Heal => "all links healed",
            Self::Loss(_) => "losses change",
            Self::Port(_, _, _, true) => "port up",
            Self::Port(..) => "port down",
            Self::Answer(..) => "action fails, hangs or is late",
            Self::Repair(_) => "platform repaired",
            Self::License(..) => "license",
            Self::Bar(..) => "out of service, or back",
            Self::Ranks(..) => "ranks",
            Self::SameVersion(..) => "other ranks in one version",
            Self::FailOver(_) => "fail-over inside a node",
            Self::Maintenance(..) => "maintenance inside a node",
            Self::CutInside(..) => "link inside a node",
        }
    }
}

/// The ranks that a number stands for: of each group an order of the nodes, now and then without one of them.
#[must_use]
pub fn ranks_of(code: u64) -> [[u8; 4]; 4] {
    let mut random = crate::random::Random::new(code);
    [(); 4].map(|()| {
        let mut ranks = [1, 2, 3, 4];
        for at in (1..4).rev() {
            let other = random.below(at as u64 + 1) as usize;
            ranks.swap(at, other);
        }
        if random.chance(150) {
            ranks[random.below(4) as usize] = 0;
        }
        if random.chance(150) {
            ranks[random.below(4) as usize] = 2;
        }
        ranks
    })
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(unit) | Self::Crash(unit) | Self::Repair(unit) | Self::FailOver(unit) => {
                write!(f, "{}: {}", name(*unit), self.kind())
            }
            Self::Hang(unit, by) | Self::JumpAhead(unit, by) | Self::SetBack(unit, by) => {
                write!(f, "{}: {} {by:?}", name(*unit), self.kind())
            }
            other => write!(f, "{other:?}"),
        }
    }
}
