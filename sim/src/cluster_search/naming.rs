//! The fingerprint of a state, and what stands in it for starts, numbers and questions.

use super::machine::{Common, Layer, Memory, OFF};
use super::setup::{GROUPS, NODES, member};
use super::state::{Flying, Stage, State};
use crate::search::hash::Wide;
use core::hash::Hash as _;
use svrrp::cluster::Start;

/// The places of starts: those that the nodes have, and those before.
const STARTS: usize = 2 * NODES;

impl State {
    /// The fingerprint of the state, whatever the time, the numbers and the names are. Each machine forgets what nobody
    /// will ask for.
    pub(super) fn fingerprint(&mut self, stage: &mut Stage<'_>) -> u128 {
        let Stage { layer, memory, .. } = stage;
        let starts = self.starts(layer);
        let mut questions = [0; NODES * GROUPS];
        let places = questions.chunks_mut(GROUPS).zip(&self.core.nodes);
        for (places, node) in places {
            if let Some(machine) = memory.machine(layer, node.machine) {
                places.copy_from_slice(&machine.questions);
            }
        }
        let common = Common::new(&starts, &questions);
        let mut hasher = Wide::new();
        for at in 0..NODES {
            let oldest = self.oldest_echo(layer, memory, at);
            let it = &mut self.core.nodes[at];
            let (fingerprint, machine) = memory.relative(layer, it.machine, common, oldest);
            it.machine = machine;
            (fingerprint, it.link_up, it.ranks).hash(&mut hasher);
        }
        for Flying { to, wait, datagram } in &self.flying {
            let it = memory.relative_datagram(layer, *datagram, usize::from(*to), common);
            (to, wait, it).hash(&mut hasher);
        }
        self.core.watch.hash(&mut hasher);
        hasher.finish_wide()
    }

    /// Something of this start is on its way.
    pub(super) fn is_heard(&self, layer: &Layer, (start, _): (u64, u64)) -> bool {
        self.oldest(layer, start).is_some()
    }

    /// The lowest number of a datagram of this start that is on its way.
    fn oldest(&self, layer: &Layer, start: u64) -> Option<u64> {
        let flying = self.flying.iter();
        let ids = flying.map(|it| layer.datagram(it.datagram).message.header().id);
        ids.filter(|id| id.start.get() == start).map(|id| id.number.get()).min()
    }

    /// The starts that anybody can still hear of: of each node the present one; and one that ended as long as something
    /// of it is on its way.
    fn starts(&self, layer: &Layer) -> [Start; STARTS] {
        let mut starts = [Start::default(); STARTS];
        for (at, node) in self.core.nodes.iter().enumerate() {
            let places = [(at, node.start, node.machine != OFF), (NODES + at, node.former, false)];
            for (place, (name, last), is_on) in places {
                let oldest = self.oldest(layer, name);
                if is_on || oldest.is_some() {
                    starts[place] = Start { name, last, oldest: oldest.unwrap_or(last + 1) };
                }
            }
        }
        starts
    }

    /// The lowest number of a datagram of this node that can still be echoed to it.
    fn oldest_echo(&self, layer: &Layer, memory: &Memory, at: usize) -> u64 {
        let (start, last) = self.core.nodes[at].start;
        let nodes = self.core.nodes.iter();
        let machines = nodes.filter_map(|node| memory.machine(layer, node.machine));
        let known = machines.flat_map(|it| it.echoes[at].into_iter().flatten());
        let flying = self.flying.iter().filter_map(|flying| {
            let message = &layer.datagram(flying.datagram).message;
            // What arrives will be echoed; and what comes here echoes something.
            let own = Some(message.header().id).filter(|_| message.header().sender == member(at));
            own.or_else(|| message.echo_for(member(at)).filter(|_| usize::from(flying.to) == at))
        });
        let ids = known.chain(flying).filter(|id| id.start.get() == start);
        ids.map(|id| id.number.get()).min().unwrap_or(last)
    }
}
