//! What ever failed, by name, as plans: they are run again for ever. (A seed would not do: what it stands for
//! changes with how plans are drawn.)

use crate::plan::Plan;

/// A plan that failed once. Its file says in a comment what it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// What it is called.
    pub name: &'static str,
    /// What happens.
    pub plan: Plan,
}

macro_rules! plans {
    ($($name:literal),* $(,)?) => {
        /// Name and text of each, from `known/NAME.plan`.
        const PLANS: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../known/", $name, ".plan")))),*];
    };
}

plans! {
    "asked-no-longer-long-ago",
    "asked-on-queued-words",
    "back-within-a-heartbeat",
    "both-overdue",
    "clock-set-back-in-a-conflict",
    "conflict-with-changing-facts",
    "failed-before-it-hung",
    "fit-again-in-a-conflict",
    "forgotten-by-a-clock-in-a-conflict",
    "found-and-gone-at-once",
    "hung-in-a-conflict",
    "late-copy-of-better-days",
    "later-than-a-failure-time",
    "maintenance-that-never-ends",
    "persisted-after-a-stall",
    "preempt-after-calm",
    "preempt-after-maintenance",
    "set-back-before-polling",
    "silent-by-its-clock",
    "slow-clock-after-a-pause",
    "unheard-and-compared",
    "withdrawn-again-after-a-release",
    "words-from-before-the-conflict",
}

/// All of them.
///
/// # Panics
/// A file is no plan.
#[must_use]
pub fn known() -> Vec<Known> {
    let read = |&(name, text): &(&'static str, &str)| {
        let plan = text.parse().unwrap_or_else(|error| panic!("{name}.plan: {error}"));
        Known { name, plan }
    };
    PLANS.iter().map(read).collect()
}
