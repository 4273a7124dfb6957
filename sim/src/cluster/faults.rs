//! What goes wrong in a world, and is put right again: ports, units, clocks, platforms, links.

use super::mesh::{INSIDE, X0};
use super::setup::Settings;
use super::world::World;
use crate::platform::Answer;
use crate::random::nanos;
use core::time::Duration;
use svrrp::cluster::{Input, Standing};
use svrrp::wire::Condition;

impl World {
    /// A port of a unit goes up or down.
    pub fn port(&mut self, unit: usize, interface: u8, port: u8, up: bool) {
        self.fault(unit, || {
            let way = if up { "up" } else { "down" };
            format!("port {port} of interface {interface} goes {way}")
        });
        self.units[unit].ports[usize::from(interface)][usize::from(port)] = up;
        if self.runs(unit) && !self.hangs(unit) {
            self.tell_port(unit, interface, port, up);
        }
    }

    /// Takes a single unit out of service, or puts it back.
    pub fn bar(&mut self, unit: usize, barred: bool) {
        let what = if barred { "is taken out of service" } else { "is back in service" };
        self.fault(unit, || what.into());
        self.units[unit].barred = barred;
        if !self.hangs(unit) && !self.setup.pairs[unit / 2] {
            let _ = self.input(unit, Input::Condition(standing(barred)));
        }
    }

    /// The license of a unit allows clustering, or no longer.
    pub fn license(&mut self, unit: usize, licensed: bool) {
        self.fault(unit, || format!("license: {licensed}"));
        self.units[unit].licensed = licensed;
        if !self.hangs(unit) {
            let _ = self.input(unit, Input::Licensed(licensed));
        }
    }

    /// A unit gets newer settings.
    pub fn settings(&mut self, unit: usize, settings: Settings) {
        self.fault(unit, || format!("gets version {} of the settings", settings.version));
        self.units[unit].settings = settings;
        if !self.hangs(unit) {
            let Settings { version, ranks } = settings;
            let _ = self.input(unit, Input::Ranks { version, ranks });
        }
    }

    /// A unit does nothing for a while; its clock runs on.
    pub fn hang(&mut self, unit: usize, length: Duration) {
        self.fault(unit, || format!("hangs for {length:?}"));
        let until = self.now + nanos(length);
        let it = &mut self.units[unit];
        it.hung_until = it.hung_until.max(Some(until));
        it.is_stale = true;
    }

    /// A unit's clock jumps ahead.
    pub fn jump_ahead(&mut self, unit: usize, by: Duration) {
        self.fault(unit, || format!("'s clock jumps ahead by {by:?}"));
        self.units[unit].clock.jump_ahead(self.now, by);
        self.units[unit].is_stale = true;
        self.oracle.clock_was_wrong(unit, self.now);
    }

    /// A unit's clock is set back: for the machine it stands still for so long.
    pub fn step_back(&mut self, unit: usize, by: Duration) {
        self.fault(unit, || format!("'s clock is set back by {by:?}"));
        self.units[unit].clock.step_back(self.now, by);
        self.units[unit].is_stale = true;
        self.oracle.clock_was_wrong(unit, self.now + nanos(by));
    }

    /// From now on, a unit's platform answers actions of this name like that.
    pub fn answer(&mut self, unit: usize, action: &'static str, answer: Answer) {
        self.fault(unit, || format!("will answer {action} {answer}"));
        let now = self.now;
        self.units[unit].platform.answer(now, action, answer);
    }

    /// From now on, a unit's platform answers everything as usual.
    pub fn repair(&mut self, unit: usize) {
        self.fault(unit, || "'s platform works".into());
        self.units[unit].platform.repair();
    }

    /// Cuts or heals links between nodes, in one direction: from a node (or all) to a node (or all), on a path (or
    /// all): cluster links by their numbers, then [`X0`].
    pub fn cut(&mut self, from: Option<usize>, to: Option<usize>, slot: Option<usize>, cut: bool) {
        self.fault(0, || {
            let node = |it: Option<usize>| it.map_or("all".into(), |it| format!("node {}", it + 1));
            let path = match slot {
                None => "all paths".into(),
                Some(X0) => "X0".into(),
                Some(path) => format!("path {path}"),
            };
            let way = if cut { "cut" } else { "healed" };
            format!("{path} from {} to {} {way}", node(from), node(to))
        });
        let is = |which: Option<usize>, it: usize| which.is_none_or(|which| which == it);
        self.mesh.change(|a, b, at, link| {
            let between = a / 2 != b / 2 && is(from, a / 2) && is(to, b / 2);
            if between && at != INSIDE && is(slot, at) {
                link.cut = cut;
            }
        });
    }

    /// Splits the cluster: nodes whose bits are set, and the others, do not hear each other on any path.
    pub fn split(&mut self, side: u8) {
        self.fault(0, || format!("the cluster splits: {side:04b} and the others"));
        let of = |unit: usize| side >> (unit / 2) & 1;
        self.mesh.change(|a, b, _, link| link.cut |= of(a) != of(b));
    }

    /// Cuts or heals the link inside a node.
    pub fn cut_inside(&mut self, of: usize, cut: bool) {
        self.fault(of * 2, || format!("the link inside the node: cut {cut}"));
        self.mesh.change(|a, b, at, link| {
            if a / 2 == of && b / 2 == of && at == INSIDE {
                link.cut = cut;
            }
        });
    }

    /// Nothing is cut any more.
    pub fn heal(&mut self) {
        self.fault(0, || "all links work".into());
        self.mesh.change(|_, _, _, link| link.cut = false);
    }

    /// Of 1000 datagrams so many are lost from now on.
    pub fn loss(&mut self, per_mille: u64) {
        self.fault(0, || format!("losses: {per_mille} of 1000"));
        self.mesh.change(|_, _, _, link| link.loss = per_mille);
    }
}

/// What the embedder of a single unit says of it.
pub(super) fn standing(barred: bool) -> Standing {
    if barred {
        Standing { condition: Condition::Barred, can_be_active: false, settling: false }
    } else {
        Standing::ACTIVE
    }
}
