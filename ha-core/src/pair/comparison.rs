//! Which of two units is the better one: one total order, in one place, computed alike on both sides.
//!
//! Each side compares its own values with the peer's. So that both compare the same data, a heartbeat
//! echoes the number of the last one heard, and a side judges the peer's values against those that it
//! sent itself in the echoed one (PAIR-13).

use crate::identity::Designation;
use core::cmp::Ordering;

/// What a comparison knows of one unit. It is what a heartbeat says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How well the unit is connected: more is better (PAIR-5). 0 to 65,535, without a unit.
    pub weight: u16,
    /// The fixed designation.
    pub designation: Designation,
    /// Preempt mode is on (PAIR-7).
    pub preempt: bool,
    /// The number fixed at the take of the role (PAIR-13); of no meaning unless `claim` is `Active`.
    pub term: u64,
    /// What it has to do with the role.
    pub claim: Claim,
}

/// What a unit has to do with the Active role, for a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// It has just started: its tables are empty.
    Cold,
    /// It was Standby, or Active before: its tables are worth keeping.
    Warm,
    /// It is Active.
    Active,
}

/// Compares two units of a pair; `Greater` means that `a` is the better one.
///
/// The order, our decision: what they have to do with the role (an Active, then one that has something
/// to lose, then one that has just started: the sessions are worth more than a link, PAIR-3); then the
/// health weight (PAIR-5); then between two Actives the Primary if preempt is on, else the lower term
/// (PAIR-13); then the Primary.
///
/// For two units of different designation it is never `Equal`, and `compare(a, b)` is the reverse of
/// `compare(b, a)`.
#[must_use]
pub fn compare(a: &Standing, b: &Standing) -> Ordering {
    let preempting = |unit: &Standing| unit.designation == Designation::Primary && unit.preempt;
    let between_actives = || match a.claim {
        Claim::Active => preempting(a).cmp(&preempting(b)).then_with(|| b.term.cmp(&a.term)),
        Claim::Cold | Claim::Warm => Ordering::Equal,
    };
    a.claim
        .cmp(&b.claim)
        .then_with(|| a.weight.cmp(&b.weight))
        .then_with(between_actives)
        .then_with(|| b.designation.cmp(&a.designation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn standing() -> impl Strategy<Value = Standing> {
        let claim = prop_oneof![Just(Claim::Cold), Just(Claim::Warm), Just(Claim::Active)];
        let designation = prop_oneof![Just(Designation::Primary), Just(Designation::Secondary)];
        (0u16..4, designation, any::<bool>(), 0u64..4, claim).prop_map(
            |(weight, designation, preempt, term, claim)| Standing {
                weight,
                designation,
                preempt,
                term,
                claim,
            },
        )
    }

    proptest! {
        /// PAIR-5, PAIR-13: both sides come to the same result, and there always is one.
        #[test]
        fn both_sides_agree_and_one_is_better(a in standing(), mut b in standing()) {
            b.designation = a.designation.other();
            prop_assert_ne!(compare(&a, &b), Ordering::Equal);
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
        }

        /// PAIR-13: it is an order: no three standings chase each other.
        #[test]
        fn the_order_is_transitive(a in standing(), b in standing(), c in standing()) {
            if compare(&a, &b) != Ordering::Less && compare(&b, &c) != Ordering::Less {
                prop_assert_ne!(compare(&a, &c), Ordering::Less);
            }
        }
    }

    fn active(designation: Designation, term: u64) -> Standing {
        Standing { weight: 1, designation, preempt: false, term, claim: Claim::Active }
    }

    /// PAIR-13: health weight, then Primary if preempt, else the lower term, then Primary.
    #[test]
    fn two_actives_are_told_apart_in_the_documented_order() {
        use Designation::{Primary, Secondary};
        let better = |a: Standing, b: Standing| compare(&a, &b) == Ordering::Greater;
        assert!(better(Standing { weight: 2, ..active(Secondary, 9) }, active(Primary, 1)));
        assert!(better(Standing { preempt: true, ..active(Primary, 9) }, active(Secondary, 1)));
        assert!(better(active(Secondary, 1), active(Primary, 2)));
        assert!(better(active(Primary, 2), active(Secondary, 2)));
    }

    /// PAIR-5: two units in election: the better-connected, and where equal the Primary.
    #[test]
    fn an_election_goes_to_the_better_connected_then_to_the_primary() {
        use Designation::{Primary, Secondary};
        let cold =
            |designation, weight| Standing { weight, claim: Claim::Cold, ..active(designation, 0) };
        assert_eq!(compare(&cold(Secondary, 2), &cold(Primary, 1)), Ordering::Greater);
        assert_eq!(compare(&cold(Secondary, 1), &cold(Primary, 1)), Ordering::Less);
    }

    /// PAIR-3, PAIR-5: a Standby that has the sessions takes over from a peer that has just restarted,
    /// however well that one is connected.
    #[test]
    fn a_standby_is_better_than_a_unit_that_has_just_started() {
        use Designation::{Primary, Secondary};
        let warm = Standing { weight: 0, claim: Claim::Warm, ..active(Secondary, 0) };
        let cold = Standing { weight: 9, claim: Claim::Cold, ..active(Primary, 0) };
        assert_eq!(compare(&warm, &cold), Ordering::Greater);
    }
}
