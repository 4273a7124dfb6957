//! The machines that can be simulated: the very ones that a vendor links.

use appliance::Appliance;
use ha_core::machine::Machine;
use ha_core::pair::{self, Pair, PairConfig};
use ha_core::time::Instant;
use statesync::Table;

/// A unit of a pair, as the world drives it: through the [`Machine`] contract, and by what of it concerns
/// the role.
pub trait Subject: Machine + Sized {
    /// What each start of a unit is made from.
    type Config;

    /// A unit that starts now. `kept` is what it wrote last to keep over a restart.
    fn start(config: Self::Config, kept: Option<&[u8]>, now: Instant) -> Self;

    /// The role machine.
    fn pair(&self) -> &Pair;

    /// The configuration of the role machine.
    fn pair_config(config: &Self::Config) -> &PairConfig;

    /// What tells the role machine something.
    fn input(input: pair::Input) -> Self::Input;

    /// Why the role machine refused that.
    fn refusal(refusal: Self::Refusal) -> Option<pair::Refusal>;

    /// The duty of the role machine, or the name of another one.
    fn duty(action: Self::Action) -> Result<pair::Action, &'static str>;

    /// The news of the role machine, if it is that.
    fn news(event: Self::Event) -> Option<pair::Event>;
}

impl Subject for Pair {
    type Config = PairConfig;

    fn start(config: PairConfig, _: Option<&[u8]>, now: Instant) -> Self {
        Self::new(config, now)
    }

    fn pair(&self) -> &Pair {
        self
    }

    fn pair_config(config: &PairConfig) -> &PairConfig {
        config
    }

    fn input(input: pair::Input) -> pair::Input {
        input
    }

    fn refusal(refusal: pair::Refusal) -> Option<pair::Refusal> {
        Some(refusal)
    }

    fn duty(action: pair::Action) -> Result<pair::Action, &'static str> {
        Ok(action)
    }

    fn news(event: pair::Event) -> Option<pair::Event> {
        Some(event)
    }
}

impl Subject for Appliance<Table> {
    type Config = appliance::Config;

    fn start(config: appliance::Config, _: Option<&[u8]>, now: Instant) -> Self {
        Self::new(config, Table::new(), now)
    }

    fn pair(&self) -> &Pair {
        self.pair()
    }

    fn pair_config(config: &appliance::Config) -> &PairConfig {
        &config.pair
    }

    fn input(input: pair::Input) -> appliance::Input {
        appliance::Input::Pair(input)
    }

    fn refusal(refusal: appliance::Refusal) -> Option<pair::Refusal> {
        match refusal {
            appliance::Refusal::Pair(refusal) => Some(refusal),
            appliance::Refusal::Sync(_) => None,
        }
    }

    fn duty(action: appliance::Action) -> Result<pair::Action, &'static str> {
        match action {
            appliance::Action::Pair(action) => Ok(action),
            appliance::Action::Sync(statesync::Action::Install { .. }) => Err("Install"),
        }
    }

    fn news(event: appliance::Event) -> Option<pair::Event> {
        match event {
            appliance::Event::Pair(event) => Some(event),
            appliance::Event::Sync(_) => None,
        }
    }
}
