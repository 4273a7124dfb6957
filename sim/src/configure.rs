//! The configurations of the units of a run.

use crate::harness::{config_of, product};
use crate::monitored::monitoring;
use crate::plan::Plan;
use crate::world::{B, Boot};
use ha_core::identity::PathId;
use ha_core::pair::{PairConfig, Product};

/// The role machine of a unit, at this start.
pub(crate) fn pair_config(plan: &Plan, boot: Boot<'_>) -> PairConfig {
    let Boot { unit, seed, kept } = boot;
    let setup = &plan.setup;
    let ours = product();
    let other = Product { firmware: "7.2.0".parse().expect("a short word"), ..ours };
    let product = if setup.mixed && unit == B { other } else { ours };
    let config = config_of(unit, seed, product)
        .heartbeat_interval(setup.interval)
        .trigger_level(setup.level)
        .paths(setup.kinds())
        .mode(setup.mode)
        .preempt(setup.preempt)
        .election_delay(setup.election_delay)
        .flap_limit(setup.flap_limit, setup.flap_window)
        .readiness_limit(setup.readiness_limit)
        .action_timeout(setup.action_timeout())
        .monitoring(monitoring(setup));
    let config = match kept {
        Some(kept) => config.persisted(kept),
        None => config,
    };
    let config = match plan.broken {
        Some(broken) => (broken.put)(unit, config),
        None => config,
    };
    config.build().expect("the plan's configuration is valid")
}

/// The whole unit, with state synchronization on the paths that are for it.
pub(crate) fn appliance_config(plan: &Plan, boot: Boot<'_>) -> appliance::Config {
    let pair = pair_config(plan, boot);
    let paths: Vec<PathId> = pair.state_paths().collect();
    let sync = statesync::Config::new(boot.seed, pair.peer(), paths);
    let sync = sync.expect("the plan's configuration is valid");
    appliance::Config { pair, sync: Some(sync) }
}
