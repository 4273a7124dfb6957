//! One run: a plan carried out, then calm, then an exam; and what came of it.

use super::figures::Observed;
use super::oracle::{Rule, Violation};
use super::plan::Plan;
use super::setup::{name, node_of};
use super::trace::Entry;
use super::world::{World, pair_of};
use crate::random::nanos;
use core::time::Duration;
use ha_core::pair::{Input, Maintenance, State};
use svrrp::{GroupNumber, NodeNumber};

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The rule that was broken first.
    pub violation: Option<Violation>,
    /// How much time was simulated.
    pub simulated: Duration,
    /// What was counted.
    pub observed: Observed,
    /// The longest time that a group had two owners that hear each other.
    pub longest_two: Duration,
    /// The same, whether they hear each other or not.
    pub longest_split: Duration,
    /// The longest time that a group had no owner after it had one.
    pub longest_free: Duration,
    /// The slowest take-over after a crash, of its bound.
    pub slowest_take_over: f64,
    /// How long it took until all was settled after calm, of its bound.
    pub settled_after: f64,
    /// What happened, if it was to be traced.
    pub trace: Vec<Entry>,
}

/// Carries a plan out. With `traced` it comes to the same, and says what happened.
#[must_use]
pub fn run(plan: &Plan, traced: bool) -> Outcome {
    let mut world = World::new(plan.setup, plan.seed, traced);
    for timed in &plan.faults {
        world.run_to(nanos(timed.at));
        if world.violation().is_some() {
            break;
        }
        timed.fault.apply(&mut world);
    }
    world.run_to(nanos(plan.calm_at));
    let mut exam = Exam { world, settled_after: 0.0, slowest_take_over: 0.0 };
    exam.take();
    let Exam { mut world, settled_after, slowest_take_over } = exam;
    Outcome {
        violation: world.violation().cloned(),
        simulated: world.now(),
        longest_two: Duration::from_nanos(world.oracle.owners.longest_two),
        longest_split: Duration::from_nanos(world.oracle.owners.longest_split),
        longest_free: Duration::from_nanos(world.oracle.owners.longest_free),
        slowest_take_over,
        settled_after,
        observed: core::mem::take(&mut world.observed),
        trace: core::mem::take(&mut world.trace.entries),
    }
}

struct Exam {
    world: World,
    settled_after: f64,
    slowest_take_over: f64,
}

impl Exam {
    fn take(&mut self) {
        if self.world.violation().is_some() {
            return;
        }
        self.calm();
        if !self.settles("calm") {
            return;
        }
        self.stays();
        self.loses_an_owner();
    }

    /// No more faults: all units run, hear each other, and their platforms work. Ports, single units out of service and
    /// the licenses of single units stay as they are.
    fn calm(&mut self) {
        let world = &mut self.world;
        world.loss(0);
        world.heal();
        for unit in world.members() {
            world.repair(unit);
            if !world.runs(unit) {
                world.start(unit);
            }
            if world.setup.pairs[unit / 2] {
                if !world.units[unit].licensed {
                    world.license(unit, true);
                }
                world.pair_input(unit, Input::Maintenance(Maintenance::Off));
            }
        }
        // Until a rise of weight counts that came last, the order is another one.
        let setup = world.setup;
        world.run_for(setup.restore_hold / 100 * 102 + setup.failure_time());
        // Where a take failed the node holds back for a while.
        if world.units.iter().any(|unit| unit.platform.trouble.is_some()) {
            world.run_for(setup.failure_time() * 11 + setup.action_timeout() * 4);
        }
        let hung = world.members().filter_map(|unit| world.units[unit].hung_until).max();
        if let Some(hung) = hung.filter(|until| *until > nanos(world.now())) {
            world.run_to(hung);
            // Its pair may move the role to it once it is heard again.
            world.run_for(setup.failure_time() * 2);
        }
        for unit in world.members() {
            let is_pair = world.setup.pairs[unit / 2];
            if is_pair && !world.hangs(unit) {
                world.pair_input(unit, Input::Maintenance(Maintenance::Off));
            }
        }
    }

    /// What may be under way at calm: a take that failed is not tried again for ten failure times, here and in the
    /// pair; a question, a release, and the time until another question; a start, or a stall; the restore hold; actions
    /// that nobody answers.
    fn bound(&self) -> Duration {
        let setup = &self.world.setup;
        let delay = setup.delay + setup.jitter + setup.answer_delay * 4;
        setup.failure_time() * 26
            + setup.restore_hold * 2
            + setup.action_timeout() * 4
            + setup.interval * 20
            + delay * 20
    }

    fn settles(&mut self, since: &str) -> bool {
        let bound = self.bound();
        let begin = self.world.now();
        let until = nanos(begin + bound);
        while self.wrong().is_some() && self.world.step(until) {}
        let took = (self.world.now() - begin).as_secs_f64() / bound.as_secs_f64();
        self.settled_after = self.settled_after.max(took);
        if let Some((rule, text)) = self.wrong() {
            self.world.violate(rule, format!("{text} {bound:?} after {since}"));
        }
        self.world.violation().is_none()
    }

    /// What is not as it should be, if anything is.
    fn wrong(&self) -> Option<(Rule, String)> {
        let world = &self.world;
        let mut pairs = NodeNumber::ALL.into_iter().take(world.setup.nodes.into());
        let is_quiet =
            |node: &NodeNumber| world.setup.pairs[node.index()] && self.speaker(*node).is_none();
        if let Some(node) = pairs.find(is_quiet) {
            return Some((Rule::L1, format!("{node} has no active unit")));
        }
        world.setup.groups().find_map(|group| {
            let best = self.best(group)?;
            (world.owner(group) != Some(best)).then(|| {
                let holders: Vec<_> = world.holders(group).map(name).collect();
                let holders = holders.join(", ");
                (Rule::L1, format!("{group} should be with {best}, is held by [{holders}]"))
            })
        })
    }

    /// The unit that speaks for a node, if it can.
    fn speaker(&self, node: NodeNumber) -> Option<usize> {
        let world = &self.world;
        let unit = node.index() * 2;
        if !world.setup.pairs[node.index()] {
            return (world.runs(unit) && !world.units[unit].barred).then_some(unit);
        }
        [unit, unit + 1].into_iter().find(|unit| {
            let pair = world.units[*unit].machine.as_ref().and_then(pair_of);
            pair.is_some_and(|pair| pair.state() == State::Active)
        })
    }

    /// The node that should own a group by VG-2: said here once more, so that it is checked against something.
    fn best(&self, group: GroupNumber) -> Option<NodeNumber> {
        let world = &self.world;
        let setup = &world.setup;
        let ranks = world.newest_settings().ranks;
        let nodes = NodeNumber::ALL.into_iter().take(setup.nodes.into());
        let candidates = nodes.filter_map(|node| {
            let unit = self.speaker(node).filter(|unit| world.units[*unit].licensed)?;
            let rank = ranks.get(group, node)?.0.get();
            let up = |at: &u8| setup.has(*at, group) && world.units[unit].is_up(*at);
            let weight = (0..setup.interfaces).filter(up).count();
            Some((weight, node, rank))
        });
        candidates
            .min_by_key(|(weight, node, rank)| (usize::MAX - weight, *rank, *node))
            .map(|it| it.1)
    }

    /// What is settled stays so.
    fn stays(&mut self) {
        let setup = &self.world.setup;
        let length = setup.failure_time() * 3 + setup.restore_hold;
        let until = nanos(self.world.now() + length);
        while self.world.step(until) {
            if let Some((rule, text)) = self.wrong() {
                return self
                    .world
                    .violate(rule, format!("what was settled does not stay so: {text}"));
            }
        }
    }

    /// The owner of VG 1 loses its power: another unit of its node, or else the next best node, takes all that it owned
    /// within interval × level, one interval and one round trip (VG-5, VG-6). Then it comes back.
    fn loses_an_owner(&mut self) {
        let world = &self.world;
        let Some(unit) = world.holders(GroupNumber::One).next() else { return };
        if world.violation().is_some() {
            return;
        }
        let at = node_of(unit);
        let owned: Vec<_> =
            world.setup.groups().filter(|it| world.owner(*it) == Some(at)).collect();
        let is_pair = world.setup.pairs[at.index()];
        let setup = world.setup;
        self.world.crash(unit);
        let begin = self.world.now();
        let expected: Vec<_> = owned
            .iter()
            .filter_map(|group| {
                let inside = is_pair.then_some(at);
                Some((*group, inside.or_else(|| self.best(*group))?))
            })
            .collect();
        let round_trip = (setup.delay + setup.jitter) * 2;
        let bound = setup.failure_time() + setup.interval + round_trip;
        // A percent for the clocks. Inside a node the pair's actions come before those of the groups.
        let inside = if is_pair { setup.answer_delay * 8 + setup.interval } else { Duration::ZERO };
        let bound = bound / 100 * 101 + inside;
        let until = nanos(begin + bound);
        let is_taken = |world: &World| {
            expected
                .iter()
                .all(|(group, node)| world.holders(*group).any(|it| node_of(it) == *node))
        };
        while !is_taken(&self.world) && self.world.step(until) {
            let strange = expected
                .iter()
                .find(|(group, node)| self.world.holders(*group).any(|it| node_of(it) != *node));
            if let Some((group, node)) = strange {
                let rule = if is_pair { Rule::Inside } else { Rule::TakeOver };
                return self
                    .world
                    .violate(rule, format!("{group} was for {node}, and another takes it"));
            }
        }
        let took = (self.world.now() - begin).as_secs_f64() / bound.as_secs_f64();
        self.slowest_take_over = took;
        if !is_taken(&self.world) {
            let text = format!("what {} owned is not taken within {bound:?}", name(unit));
            return self.world.violate(Rule::TakeOver, text);
        }
        self.world.run_for(setup.failure_time());
        self.world.start(unit);
        self.settles("the owner came back");
    }
}
