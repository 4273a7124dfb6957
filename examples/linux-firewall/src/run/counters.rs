//! What is counted beside the machines' own counters.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of the platform.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Changes of the role since the program started.
    pub(super) role_changes: AtomicU64,
    /// Connections put into the kernel.
    pub(super) installed: AtomicU64,
    /// Connections that the kernel refused.
    pub(super) refused: AtomicU64,
    /// Exchanges with the kernel's connection table that failed.
    pub(super) table_failures: AtomicU64,
    /// How often events of the kernel were lost, and the whole table was read again.
    pub(super) overruns: AtomicU64,
}

impl Counters {
    /// Those that are not zero, with the names that the status shows.
    pub(super) fn named(&self) -> BTreeMap<String, u64> {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        [
            ("connections installed", get(&self.installed)),
            ("connections refused by the kernel", get(&self.refused)),
            ("failures of the connection table", get(&self.table_failures)),
            ("event overruns", get(&self.overruns)),
        ]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| (name.to_owned(), count))
        .collect()
    }
}
