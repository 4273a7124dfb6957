//! The machines that can be simulated: the very ones that a vendor links.

use appliance::Appliance;
use ha_core::machine::Machine;
use ha_core::pair::{self, Pair, PairConfig};
use ha_core::time::Instant;
use statesync::{Change, Table};

/// A unit of a pair, as the world drives it: through the [`Machine`] contract, and by what of it concerns
/// the role.
pub trait Subject: Machine + Sized {
    /// What each start of a unit is made from.
    type Config;

    /// A unit that starts now.
    fn start(config: Self::Config, now: Instant) -> Self;

    /// The role machine.
    fn pair(&self) -> &Pair;

    /// The configuration of the role machine.
    fn pair_config(config: &Self::Config) -> &PairConfig;

    /// What tells the role machine something.
    fn input(input: pair::Input) -> Self::Input;

    /// What tells that a connection is there or gone; `None` if it has no table.
    fn connection(change: Change) -> Option<Self::Input>;

    /// The table, if it has one.
    fn table(&self) -> Option<&Table>;

    /// Why the role machine refused that.
    fn refusal(refusal: Self::Refusal) -> Option<pair::Refusal>;

    /// The duty of the role machine, or the name of another one.
    fn duty(action: Self::Action) -> Result<pair::Action, &'static str>;

    /// The news of the role machine, if it is that.
    fn news(event: Self::Event) -> Option<pair::Event>;
}

impl Subject for Pair {
    type Config = PairConfig;

    fn start(config: PairConfig, now: Instant) -> Self {
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

    fn connection(_: Change) -> Option<pair::Input> {
        None
    }

    fn table(&self) -> Option<&Table> {
        None
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

    fn start(config: appliance::Config, now: Instant) -> Self {
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

    fn connection(change: Change) -> Option<appliance::Input> {
        Some(match change {
            Change::New(it) | Change::Update(it) => appliance::Input::Upsert(vec![it]),
            Change::Delete(key) => appliance::Input::Remove(vec![key]),
        })
    }

    fn table(&self) -> Option<&Table> {
        self.sync().map(statesync::StateSync::records)
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
            appliance::Event::Sync(_) | appliance::Event::SyncPath { .. } => None,
        }
    }
}
