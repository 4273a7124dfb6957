//! What the monitors find moves the role no more often than it has to (MON-4, CRASH-1).

use crate::harness::{A, B, World, ms};
use core::time::Duration;
use ha_core::identity::{InterfaceId, ServiceId};
use ha_core::monitor::{
    Ipv4Monitoring, MonitorConfig, MonitoredInterface, Service, ServiceScope, Zone,
};
use ha_core::pair::{Input, Role};
use sim::{Condition, Monitored};

const TARGET: Monitored = Monitored::Target(0);
const ACTIVE_A: [Option<Role>; 2] = [Some(Role::Active), Some(Role::Standby)];

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// One target, probed every 5 s; two missed probes lose it.
fn target() -> MonitorConfig {
    let ipv4 = Ipv4Monitoring {
        shared: "10.1.0.1/24".parse().unwrap(),
        addresses: ["10.1.0.2".parse().unwrap(), "10.1.0.3".parse().unwrap()],
        management: false,
        target: Some("10.1.0.254".parse().unwrap()),
        weight: 8,
    };
    let interface = MonitoredInterface {
        interface: InterfaceId(0),
        zone: Zone::Other,
        physical: None,
        ipv4: Some(ipv4),
        ipv6: None,
    };
    let config = MonitorConfig::builder().probe_interval(seconds(5)).missed_probes(2);
    config.interface(interface).build().unwrap()
}

fn settled(monitoring: MonitorConfig) -> World {
    let mut world = World::unpowered(1, move |_, config| {
        config.heartbeat_interval(ms(200)).monitoring(monitoring.clone())
    });
    world.set_answers(ms(50), 0);
    world.start(A);
    world.run_for(ms(1700));
    world.start(B);
    world.run_for(seconds(20));
    assert_eq!(world.roles(), ACTIVE_A);
    world
}

/// MON-4, L2: a target that was lost on both units, and answers both again, moves no role, whichever finds it
/// first: the other one looks once more before its loss counts.
#[test]
fn a_target_that_is_back_for_both_moves_no_role() {
    for length in 0..40 {
        let mut world = settled(target());
        world.around(&[A, B], TARGET, Condition::Fails);
        world.run_for(ms(length * 777));
        world.around(&[A, B], TARGET, Condition::Works);
        world.run_for(seconds(60));
        let takes = world.count(B, "AdoptState", Duration::ZERO);
        assert_eq!(takes, 0, "lost for {:?}", ms(length * 777));
    }
}

/// MON-4: lost on the Active alone it moves the role once; back there, it does not move it back.
#[test]
fn a_target_that_one_unit_loses_moves_the_role_once() {
    for length in 0..10 {
        let mut world = settled(target());
        world.run_for(ms(length * 777));
        world.around(&[A], TARGET, Condition::Fails);
        // Two probes missed, and the second look.
        world.run_until(seconds(17), |world| world.holds()[B]);
        world.around(&[A], TARGET, Condition::Works);
        world.run_for(seconds(60));
        assert_eq!(world.count(A, "AdoptState", seconds(10)), 0);
        assert_eq!(world.count(B, "AdoptState", seconds(10)), 1);
    }
}

/// CRASH-1: a service of the Active that fails again and again is not restarted more often than configured,
/// however often the role moves meanwhile.
#[test]
fn a_role_that_moves_does_not_make_restarts_endless() {
    let service = Service {
        id: ServiceId(7),
        name: "pppoe".parse().unwrap(),
        deadline: seconds(1),
        weight: 0,
        scope: ServiceScope::ActiveOnly,
        restarts: 2,
        window: seconds(600),
    };
    let mut world = settled(MonitorConfig::builder().service(service).build().unwrap());
    world.around(&[A, B], Monitored::Service(0), Condition::IsBeyondRepair);
    for taker in [B, A, B, A] {
        world.run_for(seconds(10));
        world.input(taker, Input::TakeOver).unwrap();
    }
    world.run_for(seconds(10));
    for unit in [A, B] {
        assert_eq!(world.count(unit, "RestartService", Duration::ZERO), 2);
    }
}
