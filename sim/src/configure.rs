//! The configurations of the units of a run.

use crate::harness::config;
use crate::plan::Plan;
use ha_core::identity::PathId;
use ha_core::pair::{Mode, PairConfig, PathKind};

/// The role machine of a unit, at the start with this seed.
pub(crate) fn pair_config(plan: &Plan, unit: usize, seed: u64) -> PairConfig {
    let setup = &plan.setup;
    let config = config(unit, seed)
        .heartbeat_interval(setup.interval)
        .trigger_level(setup.level)
        .paths(vec![PathKind::Control; setup.paths])
        .mode(Mode::ActiveStandby { stateful: setup.stateful })
        .preempt(setup.preempt)
        .election_delay(setup.election_delay)
        .action_timeout(setup.action_timeout());
    let config = match plan.broken {
        Some(broken) => (broken.put)(unit, config),
        None => config,
    };
    config.build().expect("the plan's configuration is valid")
}

/// The whole unit, with state synchronization on all heartbeat paths.
pub(crate) fn appliance_config(plan: &Plan, unit: usize, seed: u64) -> appliance::Config {
    let pair = pair_config(plan, unit, seed);
    let paths: Vec<PathId> = pair.paths().collect();
    let sync = statesync::Config::new(seed, pair.peer(), paths);
    let sync = sync.expect("the plan's configuration is valid");
    appliance::Config { pair, sync: Some(sync) }
}
