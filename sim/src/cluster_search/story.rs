//! A counterexample as a story: the way to a broken rule, gone once more.

use super::machine::Memory;
use super::setup::{NODES, Setup};
use super::state::{Choices, Stage};
use super::watch::Broken;
use super::{ClusterCounterexample, beginning};
use crate::search::walk::Way;
use core::fmt::Write as _;

/// Goes the way to a broken rule, and writes it down.
pub(super) fn tell(setup: &Setup, way: &Way, (rule, text): Broken) -> ClusterCounterexample {
    let mut story = "The cluster has settled: node 1 owns VG 1, and node 2 owns VG 2.\n".to_owned();
    if let Ok((mut layer, mut state)) = beginning(setup) {
        let mut memory = Memory::default();
        let begin = layer.now;
        for tape in &way.tapes {
            let at = layer.now.saturating_since(begin).as_millis();
            state.notes = Some(Vec::new());
            let mut stage = Stage { setup, layer: &layer, memory: &mut memory };
            // The last step may break the rule.
            if state.step(&mut stage, &mut Choices::unpack(*tape)).is_ok() {
                state.fingerprint(&mut stage);
            }
            let notes = state.notes.take().unwrap_or_default();
            for node in 0..NODES {
                for (_, note) in notes.iter().filter(|(of, _)| *of == node) {
                    let _ = writeln!(story, "{at:>6} ms  node {}  {note}", node + 1);
                }
            }
            memory.clear();
            layer = layer.next();
        }
    }
    ClusterCounterexample { rule, text, steps: way.tapes.len(), story }
}
