//! That it is an order, and which one.

use super::*;
use alloc::vec::Vec;
use proptest::prelude::*;

/// A value anywhere, and often one at or beside an end, where two are alike or differ by one.
fn weights() -> impl Strategy<Value = u16> {
    prop_oneof![0..3_u16, u16::MAX - 2..=u16::MAX, any::<u16>()]
}

fn terms() -> impl Strategy<Value = u64> {
    prop_oneof![0..3_u64, u64::MAX - 2..=u64::MAX, any::<u64>()]
}

fn standing() -> impl Strategy<Value = Standing> {
    let claim = prop_oneof![Just(Claim::Cold), Just(Claim::Warm), Just(Claim::Active)];
    let designation = prop_oneof![Just(Designation::Primary), Just(Designation::Secondary)];
    let health = (any::<bool>(), weights()).prop_map(|(fit, weight)| Health { fit, weight });
    (health, designation, any::<bool>(), terms(), claim).prop_map(
        |(health, designation, preempt, term, claim)| Standing {
            health,
            designation,
            preempt,
            term,
            claim,
        },
    )
}

/// Everything that a unit can be, with values at both ends.
fn at_the_ends() -> Vec<Standing> {
    let mut all = Vec::new();
    for (fit, weight) in [(false, 0), (false, u16::MAX), (true, 0), (true, u16::MAX)] {
        for designation in [Designation::Primary, Designation::Secondary] {
            for (preempt, term) in [(false, 0), (false, u64::MAX), (true, 0), (true, u64::MAX)] {
                for claim in [Claim::Cold, Claim::Warm, Claim::Active] {
                    let health = Health { fit, weight };
                    all.push(Standing { health, designation, preempt, term, claim });
                }
            }
        }
    }
    all
}

/// What must be so for any three.
fn assert_order(a: &Standing, b: &Standing, c: &Standing) {
    use Ordering::{Equal, Less};
    assert_eq!(compare(a, a), Equal);
    assert_eq!(compare(a, b), compare(b, a).reverse());
    if compare(a, b) != Less && compare(b, c) != Less {
        assert_ne!(compare(a, c), Less, "{a:?}, {b:?}, {c:?}");
    }
    if compare(a, b) == Equal {
        assert_eq!(compare(a, c), compare(b, c), "{a:?}, {b:?}, {c:?}");
    }
}

/// PAIR-5, PAIR-13: at the ends of all values it is an order: each three of them.
#[test]
fn it_is_an_order_at_the_ends_of_all_values() {
    let all = at_the_ends();
    for a in &all {
        for b in &all {
            for c in &all {
                assert_order(a, b, c);
            }
        }
    }
}

fn is_preempting_primary(it: &Standing) -> bool {
    it.designation == Designation::Primary && it.preempt
}

/// As PAIR-13 has it, of two that are as fit.
fn is_better_of_two_actives(a: &Standing, b: &Standing) -> bool {
    match (is_preempting_primary(a), is_preempting_primary(b)) {
        (true, _) => true,
        (_, true) => false,
        _ if a.term == b.term => a.designation == Designation::Primary,
        _ => a.term < b.term,
    }
}

/// PAIR-5, PAIR-7, PAIR-13, CRASH-3: of two units at the ends of all values one is better, both sides say
/// the same, at most one wants the role of the other, and what it wants agrees with who is fitter.
#[test]
fn two_units_at_the_ends_of_all_values_agree() {
    let all = at_the_ends();
    let pairs = all.iter().flat_map(|a| all.iter().map(move |b| (a, b)));
    for (a, b) in pairs.filter(|(a, b)| a.designation != b.designation) {
        assert_ne!(compare(a, b), Ordering::Equal, "{a:?}, {b:?}");
        let (a_wants, b_wants) = (prefer(a, b), prefer(b, a));
        assert!(a_wants.is_none() || b_wants.is_none(), "{a:?}, {b:?}");
        assert_eq!(a_wants == Some(Preference::BetterHealth), a.health > b.health);
        let wants_back = a.health == b.health && is_preempting_primary(a);
        assert_eq!(a_wants == Some(Preference::Preempt), wants_back);
        if a.claim == Claim::Active && b.claim == Claim::Active && a.health == b.health {
            assert_eq!(compare(a, b) == Ordering::Greater, is_better_of_two_actives(a, b));
        }
    }
}

proptest! {
    /// PAIR-5, PAIR-13: both sides come to the same result, and there always is one.
    #[test]
    fn both_sides_agree_and_one_is_better(a in standing(), mut b in standing()) {
        b.designation = a.designation.other();
        prop_assert_ne!(compare(&a, &b), Ordering::Equal);
        prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
    }

    /// PAIR-13: it is an order: no three standings chase each other, and those that are equal stand alike to
    /// every third.
    #[test]
    fn the_order_is_transitive(a in standing(), b in standing(), c in standing()) {
        assert_order(&a, &b, &c);
    }

    /// PAIR-13: of two Actives that are as fit the one that has preempt on as the Primary is better, else the
    /// one of the lower term, else the Primary; between any other two the term means nothing.
    #[test]
    fn the_term_counts_between_two_actives_alone(a in standing(), mut b in standing(), term in terms()) {
        b.designation = a.designation.other();
        b.health = a.health;
        if a.claim == Claim::Active && b.claim == Claim::Active {
            let is_better = is_better_of_two_actives(&a, &b);
            prop_assert_eq!(compare(&a, &b) == Ordering::Greater, is_better);
        } else {
            prop_assert_eq!(compare(&Standing { term, ..a }, &b), compare(&a, &b));
        }
    }

    /// PAIR-5, CRASH-3: more health is never worse, whatever it is compared with.
    #[test]
    fn more_health_is_never_worse(a in standing(), b in standing(), more in weights(), fit in any::<bool>()) {
        let health = a.health.max(Health { fit, weight: more });
        let fitter = Standing { health, ..a };
        prop_assert!(compare(&fitter, &b) >= compare(&a, &b));
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
