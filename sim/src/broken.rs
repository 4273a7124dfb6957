//! Broken machines: the same role machine with one deliberate fault. What the oracle can catch is itself
//! tested: each of them must be caught.

use core::fmt;
use core::time::Duration;
use ha_core::pair::{
    Cause, PairConfigBuilder, PeerView, Preference, Rules, Stance, State, compare, next,
};

/// One deliberate fault.
#[derive(Clone, Copy)]
pub struct Broken {
    /// What it is called, for `--break`.
    pub name: &'static str,
    /// What is wrong.
    pub what: &'static str,
    /// Puts the fault into the configuration of a unit, 0 the Primary and 1 the Secondary.
    pub put: fn(usize, PairConfigBuilder) -> PairConfigBuilder,
}

/// A unit whose rules are the standard ones, but for what `change` does to them.
macro_rules! broken_rule {
    ($name:literal, $what:literal, |$rules:ident| $change:expr) => {
        broken_rule!($name, $what, |_unit| true, |$rules| $change)
    };
    ($name:literal, $what:literal, |$unit:ident| $on:expr, |$rules:ident| $change:expr) => {
        Broken {
            name: $name,
            what: $what,
            put: |$unit, builder| {
                let mut $rules = Rules::STANDARD;
                if $on {
                    $rules.name = $name;
                    $change;
                }
                builder.rules($rules)
            },
        }
    };
}

/// All of them.
pub const BROKEN: &[Broken] = &[
    broken_rule!(
        "tie-break",
        "the Secondary compares the other way round",
        |unit| unit == 1,
        |rules| rules.compare = |a, b| compare(b, a)
    ),
    broken_rule!("no-release", "a unit that asks takes without waiting for the release", |rules| {
        rules.next = |state, cause, own, peer| match (state, cause) {
            (State::Asking, Cause::Heard) => State::Taking,
            _ => next(state, cause, own, peer),
        }
    }),
    broken_rule!("stale-accepted", "a heartbeat counts although a later one was heard", |rules| {
        rules.is_stale = |_, _, _, _| false
    }),
    broken_rule!("stall-ignored", "a unit that stalled goes on as Active", |rules| {
        rules.has_stalled = |_, _| false
    }),
    broken_rule!("equal-is-better", "a Standby that is as fit takes over", |rules| {
        rules.prefer =
            |standby, active| (standby.health >= active.health).then_some(Preference::BetterHealth)
    }),
    broken_rule!("election-skipped", "a unit that starts does not look for an Active", |rules| {
        rules.election_time = |_, _| Duration::ZERO
    }),
    broken_rule!("no-flap-hold", "a role that flaps is not held", |rules| {
        rules.flaps = |_, _| false
    }),
    broken_rule!("one-path-is-all", "the peer is lost when one path falls silent", |rules| {
        rules.is_lost = |some_path, _| some_path
    }),
    broken_rule!("short-claim", "a release does not wait for its claim", |rules| {
        rules.claim_time = |ours, _| ours / 4
    }),
    broken_rule!("takes-back-at-once", "a unit takes back what it has just released", |rules| {
        rules.next = |state, cause, own, peer| match (state, cause) {
            (State::Released, Cause::Heard) => State::Taking,
            _ => next(state, cause, own, peer),
        }
    }),
    broken_rule!("nobody-yields", "no Active gives way to another", |rules| {
        rules.next = |state, cause, own, peer| match (state, cause) {
            (State::Taking | State::Active, Cause::Heard) => state,
            _ => next(state, cause, own, peer),
        }
    }),
    broken_rule!("both-elected", "of two that look for an Active, each takes", |rules| {
        rules.next = |state, cause, own, peer| match (state, peer) {
            (
                State::Election | State::Standby,
                PeerView::Heard { stance: Stance::Election | Stance::Standby, .. },
            ) => next(state, cause, own, PeerView::Silent),
            _ => next(state, cause, own, peer),
        }
    }),
    broken_rule!("loss-ignored", "a Standby whose peer is lost does nothing", |rules| {
        rules.next = |state, cause, own, peer| match (state, cause) {
            (State::Standby, Cause::PeerLost) => state,
            _ => next(state, cause, own, peer),
        }
    }),
    broken_rule!("withdrawal-unconfirmed", "releases before it has withdrawn", |rules| {
        rules.next = |state, cause, own, peer| match (state, cause) {
            (State::Active, Cause::Asked) => State::Released,
            _ => next(state, cause, own, peer),
        }
    }),
];

/// The broken machine of this name.
#[must_use]
pub fn broken(name: &str) -> Option<&'static Broken> {
    BROKEN.iter().find(|broken| broken.name == name)
}

impl PartialEq for Broken {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Broken {}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
