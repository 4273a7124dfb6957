//! What an owner, an asker and an heir look at before they move a group.

use crate::by_hand::{Alone, Played};
use crate::{NODE_1, NODE_2, UNIT_1, UNIT_2, VG_1, ms, secs, setup};
use ha_core::reject::Reject;
use sim::cluster::Setup;
use sim::cluster::harness::{Answer, World};
use svrrp::cluster::{Event, Input, Standing};
use svrrp::election::Stance;
use svrrp::wire::{Condition, GroupStance};

/// The secondary of node 2.
const OTHER_OF_2: usize = 3;

fn pair_at_2() -> Setup {
    Setup { pairs: [false, true, false, false], interfaces: 2, ..setup(2, 1) }
}

/// NODE-4, VG-5: a claim counts only from the active unit of a node.
#[test]
fn a_claim_of_a_standby_is_not_granted() {
    let mut alone = Alone::owner(pair_at_2(), UNIT_1);
    let mut active = Played::of(pair_at_2(), UNIT_2);
    active.entry.link_weight = 9;
    active.hears_all(&alone);
    active.says(&mut alone).unwrap();
    let mut standby = Played::of(pair_at_2(), OTHER_OF_2);
    standby.unit.condition = Condition::Standby;
    standby.hears_all(&alone);
    standby.says(&mut alone).unwrap();
    standby.asks(&mut alone, 77).unwrap();
    assert_eq!(alone.stance(), Stance::Owner);
    active.asks(&mut alone, 78).unwrap();
    assert_eq!(alone.stance(), Stance::Released { successor: NODE_2 });
}

/// CRASH-4, NODE-7: a trial of X0 does not displace a start: who only tries X0 is heard on the links, or it is a recording.
#[test]
fn a_trial_displaces_no_start() {
    let with_x0 = Setup { x0: true, ..setup(2, 1) };
    let mut alone = Alone::owner(with_x0, UNIT_1);
    let mut other = Played::of(with_x0, UNIT_2);
    other.hears_all(&alone);
    other.says(&mut alone).unwrap();
    let mut new = Played { start: 4242, number: 0, ..other.clone() };
    new.hears_all(&alone);
    new.unit.trial = true;
    assert_eq!(new.says(&mut alone), Err(Reject::UnprovenStart));
    assert_eq!(other.says(&mut alone), Ok(()));
    assert!(!alone.events.contains(&Event::UnitLost(other.member)));
    // By what goes over a link it is believed.
    new.unit.trial = false;
    assert_eq!(new.says(&mut alone), Ok(()));
    assert_eq!(other.says(&mut alone), Err(Reject::Stale));
}

/// LIC-9, VG-5: who loses the license while it asks gives that up at once, and takes nothing that is released to it.
#[test]
fn a_license_that_ends_while_it_asks() {
    let mut world = World::settled(Setup { interfaces: 2, ..setup(2, 1) });
    world.answer(UNIT_1, "WithdrawAddresses", Answer::after(ms(200)));
    let begin = world.now();
    world.port(UNIT_1, 0, 0, false);
    world.run_for(ms(50));
    assert_eq!(world.stance(UNIT_2, VG_1), Stance::Asking);
    world.license(UNIT_2, false);
    assert_eq!(world.stance(UNIT_2, VG_1), Stance::Idle);
    world.run_for(secs(3));
    assert!(world.takes(VG_1, begin).iter().all(|(node, _)| *node == NODE_1));
    assert_eq!(world.owner(VG_1), Some(NODE_1));
}

/// NODE-2, VG-4: an owner that is kept out is not asked: it would never grant.
#[test]
fn who_is_kept_out_is_not_asked() {
    let mut world = World::unpowered(Setup { odd: Some(UNIT_1), ..setup(3, 1) });
    world.start(UNIT_1);
    world.until_owned(VG_1, NODE_1, secs(1));
    world.start(UNIT_2);
    world.start(4);
    world.run_for(secs(10));
    let asks = |event: &Event| matches!(event, Event::Stance { to: Stance::Asking, .. });
    for unit in [UNIT_2, 4] {
        assert!(!world.events(unit, ms(0)).iter().any(asks), "{unit}");
    }
    // It keeps the group until it is lost or withdraws it.
    assert_eq!(world.owner(VG_1), Some(NODE_1));
    world.bar(UNIT_1, true);
    world.until_owned(VG_1, NODE_2, secs(1));
}

/// Unit 2 of a pair whose other unit has owned VG 1, as the one that stands by.
fn heir() -> (Alone, Played, Played) {
    let setup = Setup { pairs: [true, false, false, false], ..setup(2, 1) };
    let mut heir = Alone::start(setup, 1, Standing::STANDBY);
    let mut partner = Played::owning(setup, UNIT_1, 1);
    partner.says(&mut heir).unwrap();
    let mut other = Played::of(setup, UNIT_2);
    other.entry.owner_seen = Some(NODE_1);
    other.says(&mut heir).unwrap();
    partner.unit.condition = Condition::Leaving;
    (heir, partner, other)
}

/// VG-6: who becomes the active unit of its node inherits what the other one owned.
#[test]
fn an_heir_takes_what_its_node_owned() {
    let (mut heir, ..) = heir();
    heir.input(Input::Condition(Standing::ACTIVE));
    assert_eq!(heir.stance(), Stance::Owner);
}

/// VG-6, S6, LIC-9: and without a license: a node keeps what it owns.
#[test]
fn an_heir_needs_no_license() {
    let (mut heir, ..) = heir();
    heir.input(Input::Licensed(false));
    heir.input(Input::Condition(Standing::ACTIVE));
    assert_eq!(heir.stance(), Stance::Owner);
}

/// VG-6, SVRRP-5: it does not inherit what another node has by now, or hears with another owner.
#[test]
fn an_heir_leaves_what_another_node_has() {
    for is_owner in [true, false] {
        let (mut heir, _, mut other) = heir();
        if is_owner {
            other.stands(GroupStance::Owner);
        } else {
            other.entry.owner_seen = svrrp::NodeNumber::new(3);
        }
        other.says(&mut heir).unwrap();
        heir.input(Input::Condition(Standing::ACTIVE));
        assert_eq!(heir.stance(), Stance::Idle, "{is_owner}");
    }
}

/// VG-6, VG-5: a unit that ceases to be the active one while it withdraws for another node releases the group to nobody:
/// its node may have it still.
#[test]
fn who_retires_releases_to_nobody() {
    let setup = Setup { pairs: [true, true, false, false], interfaces: 2, ..setup(2, 1) };
    let mut alone = Alone::owner(setup, UNIT_1);
    let mut asker = Played::of(setup, UNIT_2);
    asker.entry.link_weight = 9;
    asker.hears_all(&alone);
    asker.says(&mut alone).unwrap();
    alone.answers = false;
    asker.asks(&mut alone, 77).unwrap();
    assert_eq!(alone.entry().stance, GroupStance::Withdrawing { successor: Some(NODE_2) });
    alone.input(Input::Condition(Standing::STANDBY));
    assert_eq!(alone.entry().stance, GroupStance::Withdrawing { successor: None });
    for _ in 0..3 {
        alone.answer();
    }
    assert_eq!(alone.stance(), Stance::Idle);
}

/// PAIR-20, VG-5: what one unit of a node released is taken only when no other unit of that node holds it: it is split
/// inside.
#[test]
fn a_release_of_a_node_that_is_split_inside() {
    for is_split in [true, false] {
        let mut alone = Alone::start(pair_at_2(), UNIT_1, Standing::ACTIVE);
        let mut owner = Played::owning(pair_at_2(), UNIT_2, 0);
        alone.run_for(ms(100));
        owner.hears_all(&alone);
        crate::by_hand::go_on(&mut alone, &mut [&mut owner], secs(2));
        owner.hears_all(&alone);
        owner.says(&mut alone).unwrap();
        assert_eq!(alone.stance(), Stance::Asking);
        let nonce = alone.nonce();
        let mut split = Played::of(pair_at_2(), OTHER_OF_2);
        owner.stands(GroupStance::Withdrawing { successor: Some(NODE_1) });
        owner.says(&mut alone).unwrap();
        split.unit.condition = Condition::Standby;
        if is_split {
            split.stands(GroupStance::Withdrawing { successor: None });
        }
        split.says(&mut alone).unwrap();
        assert_eq!(alone.stance(), Stance::Asking);
        owner.releases(&mut alone, NODE_1, nonce).unwrap();
        assert_eq!(alone.stance() == Stance::Owner, !is_split, "{is_split}: {}", alone.stance());
    }
}

/// SVRRP-4, VG-6: what a former start of a unit said ended with it: its node does not own a group any more by that.
#[test]
fn the_words_of_a_former_start_end_with_it() {
    let mut alone = Alone::start(setup(2, 1), UNIT_1, Standing::ACTIVE);
    alone.run_for(ms(100));
    let mut owner = Played::owning(setup(2, 1), UNIT_2, 1);
    owner.hears_all(&alone);
    owner.says(&mut alone).unwrap();
    assert_eq!(alone.unit.status().master, Some(NODE_2));
    let mut new = Played { start: 4242, number: 0, ..Played::of(setup(2, 1), UNIT_2) };
    new.unit.condition = Condition::Starting;
    new.hears_all(&alone);
    new.says(&mut alone).unwrap();
    assert_eq!(alone.unit.status().master, None);
}

/// PAIR-20: who has released waits for the longer of both failure times, twice.
#[test]
fn a_release_waits_for_the_slower_one() {
    let setup = Setup { interfaces: 2, ..setup(2, 1) };
    let mut alone = Alone::owner(setup, UNIT_1);
    let mut asker = Played::of(setup, UNIT_2);
    asker.unit.interval = ms(400);
    asker.entry.link_weight = 9;
    asker.hears_all(&alone);
    asker.says(&mut alone).unwrap();
    asker.asks(&mut alone, 77).unwrap();
    assert_eq!(alone.stance(), Stance::Released { successor: NODE_2 });
    // Not heard any more, and so nothing but the time of the release holds it.
    alone.run_for(ms(3900));
    assert_eq!(alone.stance(), Stance::Released { successor: NODE_2 });
    alone.run_for(ms(200));
    assert_ne!(alone.stance(), Stance::Released { successor: NODE_2 });
}
