//! The configurations of the units of a run.

use crate::harness::config;
use crate::plan::Setup;
use ha_core::identity::PathId;
use ha_core::pair::PairConfig;

pub(crate) fn pair_config(setup: &Setup, unit: usize, seed: u64) -> PairConfig {
    config(unit, seed)
        .heartbeat_interval(setup.interval)
        .trigger_level(setup.level)
        .paths(setup.paths)
        .preempt(setup.preempt)
        .election_delay(setup.election_delay)
        .action_timeout(setup.action_timeout())
        .build()
        .expect("the plan's configuration is valid")
}

pub(crate) fn appliance_config(setup: &Setup, unit: usize, seed: u64) -> appliance::Config {
    let pair = pair_config(setup, unit, seed);
    let paths: Vec<PathId> = pair.paths().collect();
    let sync = statesync::Config::new(seed, pair.peer(), paths.clone());
    let sync = sync.expect("the plan's configuration is valid");
    appliance::Config { pair, sync: Some(sync), sync_paths: paths }
}
