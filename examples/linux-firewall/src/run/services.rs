//! Checks the services again and again, and tells the role machine (CRASH-1).

use crate::service::{Outcome, Watched};
use appliance::driver::DriverHandle;
use appliance::{Appliance, Input};
use ha_core::pair;
use statesync::Table;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{debug, info, warn};

/// Checks one service until the driver stops.
pub(super) async fn watch(service: Watched, handle: DriverHandle<Appliance<Table>>) {
    let mut every = interval(service.every);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = None;
    loop {
        every.tick().await;
        let outcome = service.check.run().await;
        let is_new = last.as_ref() != Some(&outcome);
        if is_new {
            note(&service, &outcome);
        }
        let input = match &outcome {
            Outcome::Alive => Some(pair::Input::ServiceAlive(service.id)),
            // Told once: a restart that is not over yet must not count as another failure. If it does not
            // help, the deadline will tell.
            Outcome::Failed(_) if !matches!(last, Some(Outcome::Failed(_))) => {
                Some(pair::Input::ServiceFailed(service.id))
            }
            Outcome::Failed(_) | Outcome::Unknown(_) => None,
        };
        last = Some(outcome);
        if let Some(input) = input {
            match handle.input(Input::Pair(input)).await {
                Ok(Ok(())) => {}
                Ok(Err(refusal)) => warn!(%refusal, service = service.name, "not heard"),
                Err(_) => return,
            }
        }
    }
}

fn note(service: &Watched, outcome: &Outcome) {
    let service = &service.name;
    match outcome {
        Outcome::Alive => debug!(service, "works"),
        Outcome::Failed(reason) => info!(service, reason, "check failed"),
        Outcome::Unknown(reason) => warn!(service, reason, "check without a result"),
    }
}
