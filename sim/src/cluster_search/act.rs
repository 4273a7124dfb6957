//! What a machine does in its turn: an act of it, carried out with real datagrams and a platform, and what can be seen of
//! it from outside.

use super::machine::{Datagram, Layer, Questions};
use super::setup::{Boot, GROUPS, Setup, link, member, other_ranks};
use arrayvec::ArrayVec;
use ha_core::identity::PathId;
use ha_core::machine::{ActionError, Channel, Machine as _, Origin, Output};
use ha_core::time::Instant;
use svrrp::cluster::{ClusterUnit, Event, Input, Why};
use svrrp::election::Stance;
use svrrp::virtual_address::{Duty, GroupAction};
use svrrp::wire::MAX_DATAGRAM_LEN;
use svrrp::{GroupNumber, Member};

/// The most datagrams that arrive at a node in one step.
pub(super) const MAX_ARRIVALS: usize = 32;

/// What an embedder tells its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Told {
    Link(bool),
    Ranks,
}

impl Told {
    fn input(self) -> Input {
        match self {
            Self::Link(up) => link(up),
            Self::Ranks => other_ranks(),
        }
    }
}

/// What becomes of the first decisive action of an act; all others are carried out at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Platform {
    Works,
    /// It is answered in the next step.
    Slow,
    Fails,
}

/// All that happens to a node in its turn of a step, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Act {
    pub(super) machine: u32,
    /// It starts.
    pub(super) boot: Option<Boot>,
    /// The actions that are open are done.
    pub(super) answers: bool,
    pub(super) told: Option<Told>,
    pub(super) arrived: ArrayVec<u32, MAX_ARRIVALS>,
    pub(super) platform: Platform,
}

/// What a node does in its turn, in that order.
pub(super) enum Effect {
    /// A datagram was taken in.
    Hears {
        datagram: u32,
    },
    /// It begins to take a group, for this reason; a datagram of `by` moved it to that, which releases the group in
    /// answer to what it asked, or does not.
    Begins {
        group: usize,
        by: Option<usize>,
        is_answer: bool,
        why: Why,
    },
    /// From now on it holds addresses of the group; from now on it does not any more.
    Takes {
        group: usize,
    },
    Gone {
        group: usize,
    },
    Sends {
        to: usize,
        datagram: u32,
    },
    /// It asks for a group: with a question that is new in this turn.
    Asks {
        group: usize,
    },
    /// It does not ask for a group.
    AsksNothing {
        group: usize,
    },
    /// For a person.
    Acts {
        action: Duty,
        group: GroupNumber,
        how: Platform,
    },
    Tells(Event),
}

/// Carries an act out, and notes what can be seen of it.
struct Stage<'a> {
    layer: &'a Layer,
    unit: Box<ClusterUnit>,
    stances: [Stance; GROUPS],
    effects: Vec<Effect>,
}

pub(super) fn follow(
    setup: &Setup,
    layer: &Layer,
    act: &Act,
) -> (Box<ClusterUnit>, Vec<Effect>, bool) {
    let now = layer.now;
    let unit = match act.boot {
        Some(boot) => Box::new(setup.start(now, boot)),
        None => layer.machine(act.machine).expect("it is not off").unit.clone(),
    };
    let (stances, asked) = (stances(&unit), unit.questions());
    let mut stage = Stage { layer, unit, stances, effects: Vec::new() };
    if act.answers {
        stage.answer_open(now);
    }
    if let Some(told) = act.told {
        stage.unit.handle_input(now, told.input()).expect("nothing is wrong with it");
        stage.note(None);
    }
    for number in &act.arrived {
        let datagram = layer.datagram(*number);
        let peer = member(datagram.sender()).unit_id();
        let asked = stage.unit.questions();
        let from = Origin { peer, path: PathId(0), channel: Channel::Svrrp };
        if stage.unit.handle_datagram(now, from, &datagram.bytes).is_ok() {
            stage.effects.push(Effect::Hears { datagram: *number });
        }
        stage.note(Some((datagram, asked)));
    }
    stage.unit.handle_timeout(now);
    stage.note(None);
    let is_decisive = stage.drain(now, act.platform);
    stage.ask(asked);
    stage.explain();
    (stage.unit, stage.effects, is_decisive)
}

fn stances(unit: &ClusterUnit) -> [Stance; GROUPS] {
    let [one, two, ..] = GroupNumber::ALL;
    [one, two].map(|group| unit.stance(group))
}

impl Stage<'_> {
    /// Notes which groups it begins to take.
    fn note(&mut self, by: Option<(&Datagram, Questions)>) {
        let now = stances(&self.unit);
        for group in 0..GROUPS {
            if now[group] == Stance::Taking && self.stances[group] != Stance::Taking {
                let is_answer = by.is_some_and(|(it, asked)| it.releases(group, asked[group]));
                let by = by.map(|(it, _)| it.sender());
                // Why, it tells later.
                self.effects.push(Effect::Begins { group, by, is_answer, why: Why::Done });
            }
        }
        self.stances = now;
    }

    /// Notes what it asks, which is another question than `asked` if it is new.
    fn ask(&mut self, asked: Questions) {
        for (group, (now, before)) in self.unit.questions().into_iter().zip(asked).enumerate() {
            match now {
                _ if group >= GROUPS => {}
                0 => self.effects.push(Effect::AsksNothing { group }),
                _ if now != before => self.effects.push(Effect::Asks { group }),
                _ => {}
            }
        }
    }

    /// Adds to each take why it was begun.
    fn explain(&mut self) {
        let takes = self.effects.iter().filter_map(|effect| match effect {
            Effect::Tells(Event::Stance { group, to: Stance::Taking, why, .. }) => {
                Some((group.index(), *why))
            }
            _ => None,
        });
        let mut takes: Vec<_> = takes.collect();
        for effect in &mut self.effects {
            if let Effect::Begins { group, why, .. } = effect
                && let Some(at) = takes.iter().position(|(of, _)| of == group)
            {
                *why = takes.remove(at).1;
            }
        }
    }

    fn answer_open(&mut self, now: Instant) {
        let open: Vec<_> = self.unit.running().collect();
        for (group, id, duty) in open {
            if duty == Duty::WithdrawAddresses {
                self.effects.push(Effect::Gone { group: group.index() });
            }
            self.effects.push(Effect::Acts { action: duty, group, how: Platform::Works });
            self.unit.handle_done(now, id, Ok(()));
            self.note(None);
        }
    }

    /// Does all that the unit wants.
    fn drain(&mut self, now: Instant, mut platform: Platform) -> bool {
        let mut buf = [0; MAX_DATAGRAM_LEN];
        let mut any_decisive = false;
        while let Some(output) = self.unit.poll_output(now, &mut buf) {
            match output {
                Output::Transmit { to, len } => {
                    let to = Member::of_unit_id(to.peer).expect("a member").node.index();
                    let datagram = self.layer.send(&buf[..len]);
                    self.effects.push(Effect::Sends { to, datagram });
                }
                Output::Action { id, action } => {
                    let (duty, group) = duty(&action);
                    if self.unit.stance(group) == Stance::Taking {
                        self.effects.push(Effect::Takes { group: group.index() });
                    }
                    let is_decisive = matches!(duty, Duty::TakeAddresses | Duty::WithdrawAddresses);
                    any_decisive |= is_decisive;
                    let how = match is_decisive {
                        true => core::mem::replace(&mut platform, Platform::Works),
                        false => Platform::Works,
                    };
                    self.effects.push(Effect::Acts { action: duty, group, how });
                    let outcome = match how {
                        Platform::Works => Ok(()),
                        Platform::Fails => Err(ActionError::Failed),
                        Platform::Slow => continue,
                    };
                    if duty == Duty::WithdrawAddresses && outcome.is_ok() {
                        self.effects.push(Effect::Gone { group: group.index() });
                    }
                    self.unit.handle_done(now, id, outcome);
                    self.note(None);
                }
                Output::Event(event) => self.effects.push(Effect::Tells(event)),
            }
        }
        any_decisive
    }
}

fn duty(action: &GroupAction) -> (Duty, GroupNumber) {
    match action {
        GroupAction::RebuildConnections { group } => (Duty::RebuildConnections, *group),
        GroupAction::OpenForwarding { group } => (Duty::OpenForwarding, *group),
        GroupAction::TakeAddresses { group } => (Duty::TakeAddresses, *group),
        GroupAction::Announce { group, .. } => (Duty::Announce, *group),
        GroupAction::StopForwarding { group } => (Duty::StopForwarding, *group),
        GroupAction::WithdrawAddresses { group } => (Duty::WithdrawAddresses, *group),
    }
}
