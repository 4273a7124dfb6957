//! Carries out what the role machine asks for its monitors: probes (MON-3), and restarts of services
//! (CRASH-1).

use crate::config::Checked;
use crate::probe;
use crate::service::CommandLine;
use appliance::driver::DriverHandle;
use appliance::{Appliance, Input};
use ha_core::identity::{InterfaceId, ServiceId};
use ha_core::machine::ActionError;
use ha_core::monitor::{MonitorRef, Probe, ProbeAnswer};
use ha_core::pair;
use statesync::Table;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::mpsc;
use tracing::{debug, info, warn};

/// Answers that may wait to be told. There is one to a probe at the most, and probes are seconds apart.
const ANSWERS: usize = 64;

/// What is probed and restarted, and how.
#[derive(Debug)]
pub(super) struct Monitoring {
    devices: BTreeMap<InterfaceId, String>,
    /// An answer has time until the next probe is due.
    patience: Duration,
    restarts: BTreeMap<ServiceId, (CommandLine, Duration)>,
    answers: mpsc::Sender<ProbeAnswer>,
}

/// Where the answers come out.
pub(super) type Answers = mpsc::Receiver<ProbeAnswer>;

impl Monitoring {
    pub(super) fn new(config: &Checked) -> (Self, Answers) {
        let (answers, receiver) = mpsc::channel(ANSWERS);
        let restarts = config
            .services
            .iter()
            .filter_map(|service| Some((service.id, service.restart.clone()?)));
        let monitoring = Self {
            devices: config.devices(),
            patience: config.file.monitoring.probe_interval,
            restarts: restarts.collect(),
            answers,
        };
        (monitoring, receiver)
    }

    /// Nothing is probed or restarted.
    #[cfg(test)]
    pub(super) fn nothing() -> Self {
        Self {
            devices: BTreeMap::new(),
            patience: Duration::ZERO,
            restarts: BTreeMap::new(),
            answers: mpsc::channel(1).0,
        }
    }

    /// The name of an interface, for a person.
    pub(super) fn device(&self, interface: InterfaceId) -> &str {
        self.devices.get(&interface).map_or("an unknown interface", String::as_str)
    }

    /// The names of the interfaces of which some monitors are; `None` if they are of none.
    pub(super) fn devices_of(&self, monitors: impl Iterator<Item = MonitorRef>) -> Option<String> {
        let interfaces = monitors.filter_map(|monitor| match monitor {
            MonitorRef::Link(interface) | MonitorRef::Target(interface, _) => Some(interface),
            MonitorRef::Service(_) | MonitorRef::Others => None,
        });
        let names: Vec<_> = interfaces.map(|interface| self.device(interface)).collect();
        (!names.is_empty()).then(|| names.join(" "))
    }

    /// Sends a probe. Its answer is awaited apart from this.
    pub(super) fn probe(&self, probe: Probe) -> Result<(), ActionError> {
        let Probe { interface, source, target, sequence } = probe;
        let device = self.devices.get(&interface).ok_or(ActionError::Unavailable)?;
        let awaited = probe::send(device, source, target, sequence).map_err(|error| {
            warn!(%error, "a probe could not be sent");
            ActionError::Failed
        })?;
        let (answers, patience) = (self.answers.clone(), self.patience);
        tokio::spawn(async move {
            if awaited.is_answered(patience).await {
                // Nobody asks any more if the program ends.
                let _ = answers.send(ProbeAnswer { interface, from: target, sequence }).await;
            }
        });
        Ok(())
    }

    /// Restarts a service, and waits for the end of that.
    pub(super) async fn restart(&self, service: ServiceId) -> Result<(), ActionError> {
        let (command, limit) = self.restarts.get(&service).ok_or(ActionError::Unavailable)?;
        info!(%service, "restarting");
        command.run(*limit).await.map_err(|error| {
            warn!(%service, %error, "the restart failed");
            ActionError::Failed
        })
    }
}

/// Tells the role machine of answers, until either ends.
pub(super) async fn tell(mut answers: Answers, handle: DriverHandle<Appliance<Table>>) {
    while let Some(answer) = answers.recv().await {
        match handle.input(Input::Pair(pair::Input::ProbeAnswered(answer))).await {
            Ok(Ok(())) => {}
            // Late by a hair: the probe counts as missed already.
            Ok(Err(refusal)) => debug!(%refusal, ?answer, "an answer does not count"),
            Err(_) => return,
        }
    }
}
