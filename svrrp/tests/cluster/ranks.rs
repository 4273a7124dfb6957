//! All go by the same ranks, whoever was given which.

use crate::by_hand::{Alone, Played};
use crate::{NODE_1, NODE_2, UNIT_1, UNIT_2, VG_1, ms, secs, setup};
use ha_core::machine::Machine as _;
use sim::cluster::harness::World;
use sim::cluster::{Settings, member_of, rank_table};
use svrrp::RankTable;
use svrrp::cluster::{Event, Input, Refusal};

/// By the lower table node 1 is preferred, by the higher one node 2.
fn lower() -> RankTable {
    rank_table(&[[1, 2, 3, 4], [1; 4], [1; 4], [1; 4]])
}

fn higher() -> RankTable {
    rank_table(&[[2, 1, 3, 4], [1; 4], [1; 4], [1; 4]])
}

fn differ(events: &[Event]) -> usize {
    events.iter().filter(|event| matches!(event, Event::RanksDiffer { version: 1, .. })).count()
}

/// VG-2: two units that start with different ranks in one version agree on the higher table, and both are told.
#[test]
fn different_ranks_in_one_version() {
    for (first, second) in [(lower(), higher()), (higher(), lower())] {
        let mut world = World::unpowered(setup(2, 1));
        world.units[UNIT_1].settings = Settings { version: 1, ranks: first };
        world.units[UNIT_2].settings = Settings { version: 1, ranks: second };
        world.start(UNIT_1);
        world.start(UNIT_2);
        world.until_owned(VG_1, NODE_2, secs(3));
        world.run_for(secs(60));
        assert_eq!(world.owner(VG_1), Some(NODE_2));
        let told = [UNIT_1, UNIT_2].map(|unit| differ(&world.events(unit, ms(0))));
        assert!(told.iter().all(|told| *told <= 1) && told != [0, 0], "{told:?}");
    }
}

/// VG-2, SVRRP-5: and so do two owners that find each other after a split: one of them stays.
#[test]
fn different_ranks_in_a_conflict() {
    for (first, second) in [(lower(), higher()), (higher(), lower())] {
        let mut world = World::unpowered(setup(2, 1));
        world.units[UNIT_1].settings = Settings { version: 1, ranks: first };
        world.units[UNIT_2].settings = Settings { version: 1, ranks: second };
        world.split(0b01);
        world.start(UNIT_1);
        world.start(UNIT_2);
        world.run_for(secs(3));
        assert_eq!(world.holders(VG_1).count(), 2);
        world.heal();
        world.run_for(secs(5));
        assert_eq!(world.owner(VG_1), Some(NODE_2));
    }
}

/// VG-2: another unit's ranks of the same version are told once, and count if they are the higher table.
#[test]
fn they_are_told_once() {
    let mut alone = Alone::owner(setup(2, 1), UNIT_1);
    alone.input(Input::Ranks { version: 1, ranks: lower() });
    alone.events.clear();
    let mut other = Played::of(setup(2, 1), UNIT_2);
    for ranks in [lower(), higher(), higher(), lower(), lower()] {
        other.ranks = ranks;
        other.says(&mut alone).unwrap();
    }
    let news = alone
        .events
        .iter()
        .filter(|event| matches!(event, Event::Ranks { .. } | Event::RanksDiffer { .. }));
    let member = member_of(UNIT_2);
    let told = [Event::RanksDiffer { member, version: 1 }, Event::Ranks { version: 1 }];
    assert_eq!(news.copied().collect::<Vec<_>>(), told);
    alone.run_for(ms(100));
    assert_eq!(alone.last().content.unwrap().ranks, higher());
    // A higher version counts, though its table is lower.
    (other.version, other.ranks) = (2, lower());
    other.says(&mut alone).unwrap();
    alone.run_for(ms(100));
    assert_eq!(alone.last().content.unwrap().ranks, lower());
}

/// VG-2, STA-2: ranks that do not come into force are taken as the unit's own version, and that is told.
#[test]
fn own_ranks_that_do_not_come_into_force() {
    let mut alone = Alone::owner(setup(2, 1), UNIT_1);
    let mut other = Played::of(setup(2, 1), UNIT_2);
    (other.version, other.ranks) = (5, higher());
    other.says(&mut alone).unwrap();
    alone.events.clear();
    alone.input(Input::Ranks { version: 3, ranks: lower() });
    assert_eq!(alone.events, [Event::Ranks { version: 5 }]);
    alone.events.clear();
    alone.input(Input::Ranks { version: 5, ranks: lower() });
    let member = member_of(UNIT_1);
    let told = [Event::RanksDiffer { member, version: 5 }, Event::Ranks { version: 5 }];
    assert_eq!(alone.events, told);
    assert_eq!(alone.last().content.unwrap().ranks, higher());
    // They are its own version all the same.
    let refused = alone.unit.handle_input(alone.now, Input::Ranks { version: 4, ranks: lower() });
    assert_eq!(refused, Err(Refusal::Version { version: 4, present: 5 }));
}

/// VG-2: ranks in one version that come later are compared as well; a higher version ends that.
#[test]
fn given_to_a_cluster_that_works() {
    let mut world = World::settled(setup(2, 1));
    world.settings(UNIT_1, Settings { version: 2, ranks: higher() });
    world.until_owned(VG_1, NODE_2, secs(1));
    world.settings(UNIT_2, Settings { version: 2, ranks: lower() });
    world.run_for(secs(3));
    assert_eq!(world.owner(VG_1), Some(NODE_2));
    world.settings(UNIT_2, Settings { version: 3, ranks: lower() });
    world.until_owned(VG_1, NODE_1, secs(1));
}
