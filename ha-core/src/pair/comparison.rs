//! Which of two units is the better one: one total order, in one place, computed alike on both sides.
//!
//! Each side compares its own values with the peer's. So that both compare the same data, a heartbeat
//! echoes the number of the last one heard, and a side judges the peer's values against those that it
//! sent itself in the echoed one (PAIR-13).

use crate::identity::Designation;
use core::cmp::Ordering;
use core::fmt;

/// How fit a unit is for the role. More is better: a unit that is not demoted is fitter than any that is,
/// whatever their weights (our decision).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Health {
    /// It is not demoted (BEY-7). A unit that is still takes over where no other can.
    pub fit: bool,
    /// How well it is connected, and how healthy its services are (CRASH-3): 0 to 65,535, without a unit.
    pub weight: u16,
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.weight, if self.fit { "" } else { " (demoted)" })
    }
}

/// What a comparison knows of one unit. It is what a heartbeat says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How fit the unit is: more is better (PAIR-5).
    pub health: Health,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Claim {
    /// It has just started: its tables are empty.
    Cold,
    /// It was Standby, or Active before: its tables are worth keeping.
    Warm,
    /// It is Active.
    Active,
}

impl Standing {
    /// It is the Primary, and preempt is on.
    #[must_use]
    pub fn preempts(&self) -> bool {
        self.designation == Designation::Primary && self.preempt
    }
}

/// Why a Standby wants the role of an Active that works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Preference {
    /// It is strictly fitter (CRASH-3).
    BetterHealth,
    /// It is the Primary, preempt is on, and it is as fit (PAIR-7).
    Preempt,
}

/// Why `standby` should have the role that `active` has, if it should. Only a strictly better health
/// counts: two units with the same fault do not pass the role back and forth (CRASH-3).
#[must_use]
pub fn prefer(standby: &Standing, active: &Standing) -> Option<Preference> {
    match standby.health.cmp(&active.health) {
        Ordering::Greater => Some(Preference::BetterHealth),
        Ordering::Equal if standby.preempts() => Some(Preference::Preempt),
        Ordering::Equal | Ordering::Less => None,
    }
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
    let between_actives = || match a.claim {
        Claim::Active => a.preempts().cmp(&b.preempts()).then_with(|| b.term.cmp(&a.term)),
        Claim::Cold | Claim::Warm => Ordering::Equal,
    };
    a.claim
        .cmp(&b.claim)
        .then_with(|| a.health.cmp(&b.health))
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
        let health = (any::<bool>(), 0u16..4).prop_map(|(fit, weight)| Health { fit, weight });
        (health, designation, any::<bool>(), 0u64..4, claim).prop_map(
            |(health, designation, preempt, term, claim)| Standing {
                health,
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

    const fn weight(weight: u16) -> Health {
        Health { fit: true, weight }
    }

    proptest! {
        /// CRASH-3, PAIR-7: at most one of two units wants the role of the other, for as long as their
        /// health stays the same; and who wants it is never the less fit one.
        #[test]
        fn of_two_units_at_most_one_wants_the_others_role(a in standing(), mut b in standing()) {
            b.designation = a.designation.other();
            prop_assert!(prefer(&a, &b).is_none() || prefer(&b, &a).is_none());
            prop_assert!(prefer(&a, &b).is_none() || a.health >= b.health);
        }

        /// CRASH-3: without preempt equal health never moves the role.
        #[test]
        fn equal_health_moves_no_role(mut a in standing(), b in standing()) {
            a.health = b.health;
            a.preempt = false;
            prop_assert_eq!(prefer(&a, &b), None);
        }
    }

    /// BEY-7: a demoted unit is less fit than any that is not, whatever the weights.
    #[test]
    fn a_demotion_outweighs_every_weight() {
        let demoted = Health { fit: false, weight: u16::MAX };
        assert!(demoted < weight(0));
        assert!(demoted > Health { fit: false, weight: 0 });
    }

    fn active(designation: Designation, term: u64) -> Standing {
        Standing { health: weight(1), designation, preempt: false, term, claim: Claim::Active }
    }

    /// PAIR-13: health weight, then Primary if preempt, else the lower term, then Primary.
    #[test]
    fn two_actives_are_told_apart_in_the_documented_order() {
        use Designation::{Primary, Secondary};
        let better = |a: Standing, b: Standing| compare(&a, &b) == Ordering::Greater;
        assert!(better(Standing { health: weight(2), ..active(Secondary, 9) }, active(Primary, 1)));
        assert!(better(Standing { preempt: true, ..active(Primary, 9) }, active(Secondary, 1)));
        assert!(better(active(Secondary, 1), active(Primary, 2)));
        assert!(better(active(Primary, 2), active(Secondary, 2)));
    }

    /// PAIR-5: two units in election: the better-connected, and where equal the Primary.
    #[test]
    fn an_election_goes_to_the_better_connected_then_to_the_primary() {
        use Designation::{Primary, Secondary};
        let cold = |designation, it| Standing {
            health: weight(it),
            claim: Claim::Cold,
            ..active(designation, 0)
        };
        assert_eq!(compare(&cold(Secondary, 2), &cold(Primary, 1)), Ordering::Greater);
        assert_eq!(compare(&cold(Secondary, 1), &cold(Primary, 1)), Ordering::Less);
    }

    /// PAIR-3, PAIR-5: a Standby that has the sessions takes over from a peer that has just restarted,
    /// however well that one is connected.
    #[test]
    fn a_standby_is_better_than_a_unit_that_has_just_started() {
        use Designation::{Primary, Secondary};
        let warm = Standing { health: weight(0), claim: Claim::Warm, ..active(Secondary, 0) };
        let cold = Standing { health: weight(9), claim: Claim::Cold, ..active(Primary, 0) };
        assert_eq!(compare(&warm, &cold), Ordering::Greater);
    }
}
