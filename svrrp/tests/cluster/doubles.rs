//! Two units that were started with one number and one serial number, as with a copied configuration.

use crate::by_hand::{Alone, Played, go_on};
use crate::{UNIT_1, UNIT_2, ms, secs, setup};
use svrrp::cluster::{Event, Standing};
use svrrp::wire::DatagramId;

const SAME: Event = Event::SameNumber { serial: None };

fn told(alone: &Alone) -> usize {
    alone.events.iter().filter(|event| **event == SAME).count()
}

/// NODE-7, STA-2: another unit hears, under our number, somebody who goes on talking and is not this start: told once a
/// minute.
#[test]
fn another_unit_hears_our_double() {
    let mut alone = Alone::owner(setup(2, 1), UNIT_1);
    let own = alone.last().header.sender;
    let mut other = Played::of(setup(2, 1), UNIT_2);
    for number in 1..=20 {
        other.hears(own, DatagramId::new(4711, number).unwrap());
        other.says(&mut alone).unwrap();
        alone.run_for(ms(100));
        assert_eq!(told(&alone), usize::from(number > 1));
    }
    alone.run_for(secs(60));
    for number in 21..=22 {
        other.hears(own, DatagramId::new(4711, number).unwrap());
        other.says(&mut alone).unwrap();
    }
    assert_eq!(told(&alone), 2);
}

/// NODE-7: that another unit still echoes a former start of ours is nothing, nor that the last of it arrives there while
/// this one listens.
#[test]
fn our_own_former_start_is_no_double() {
    let mut alone = Alone::start(setup(2, 1), UNIT_1, Standing::ACTIVE);
    let own = alone.last().header.sender;
    let mut other = Played::of(setup(2, 1), UNIT_2);
    for number in 1..=3 {
        other.hears(own, DatagramId::new(4711, number).unwrap());
        other.says(&mut alone).unwrap();
    }
    go_on(&mut alone, &mut [&mut other], secs(3));
    assert_eq!(told(&alone), 0);
}

/// NODE-7: nor that it hears this start.
#[test]
fn who_hears_us_hears_no_double() {
    let mut alone = Alone::owner(setup(2, 1), UNIT_1);
    let mut other = Played::of(setup(2, 1), UNIT_2);
    for _ in 0..10 {
        other.hears_all(&alone);
        other.says(&mut alone).unwrap();
        alone.run_for(ms(100));
    }
    assert_eq!(told(&alone), 0);
}

/// NODE-7, SVRRP-4: two real units with one number and a third one: the third believes the one that proved itself last,
/// and the other one says so.
#[test]
fn of_two_real_ones_the_displaced_one_tells() {
    let setup = setup(2, 1);
    let mut first = Alone::owner(setup, UNIT_1);
    let mut witness = Alone::start(setup, UNIT_2, Standing::ACTIVE);
    let mut double = Alone::start_of(setup, UNIT_1, Standing::ACTIVE, 8);
    for _ in 0..40 {
        for unit in [&mut first, &mut witness, &mut double] {
            unit.said.clear();
            unit.run_for(ms(100));
        }
        for message in &witness.said {
            let _ = first.hear_on_link(message);
            let _ = double.hear_on_link(message);
        }
        for message in first.said.iter().chain(&double.said) {
            let _ = witness.hear_on_link(message);
        }
    }
    assert_eq!((told(&first), told(&double)), (1, 0));
}
