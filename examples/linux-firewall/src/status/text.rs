//! The status as a person reads it.

use super::{Maintenance, OnDevice, Status, Sync, millis};
use ha_core::monitor::{ServiceScope, TargetStatus};
use ha_core::pair::{ActiveUnit, Failover, Role};
use ha_core::time::Instant;
use std::fmt;
use std::time::Duration;

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ago = |ms: u64| humantime::format_duration(Duration::from_millis(ms)).to_string();
        let (designation, serial, role) = (self.designation, &self.serial, &self.role);
        writeln!(f, "{designation} {serial} is {role} for {}", ago(self.since_ms))?;
        match &self.mismatch {
            Some(mismatch) if *mismatch == self.why => writeln!(f, "  why      {mismatch}")?,
            Some(mismatch) => {
                writeln!(f, "  why      {}\n  mismatch {mismatch}", self.decision)?;
            }
            None => writeln!(f, "  why      {}", self.decision)?,
        }
        let since = |at: Instant| ago(millis(self.now.saturating_since(at)));
        match self.active {
            Some(ActiveUnit { designation, serial, since: at }) => {
                writeln!(f, "  active   {designation} {serial} for {}", since(at))?;
            }
            None => writeln!(f, "  active   none is known")?,
        }
        if let Some(Failover { at, from, to, why, term }) = self.last_failover {
            let ago = since(at);
            writeln!(f, "  failover from {from} to {to}, {ago} ago: {why}; term {term}")?;
        }
        writeln!(f, "  health   {}", self.health)?;
        for it in &self.deductions {
            writeln!(f, "  lacks    {}: {}", it.weight, it.what)?;
        }
        for demotion in &self.demotions {
            write!(f, "  demoted  {} ({})", demotion.reason, demotion.owner)?;
            match demotion.expires_in_ms {
                Some(ms) => writeln!(f, ", for {}", ago(ms))?,
                None => writeln!(f)?,
            }
        }
        if let Some(obstacles) = &self.obstacles {
            writeln!(f, "  obstacle {obstacles}")?;
        }
        if let Maintenance { on: true, lasts_ms: Some(lasts) } = self.maintenance {
            writeln!(
                f,
                "  ends     maintenance: {} after its begin or the last start",
                ago(lasts)
            )?;
        }
        if self.flap_hold {
            writeln!(f, "  flaps    voluntary changes of the role are held back")?;
        }
        let health = self.peer.health.map(|health| format!(", health {health}"));
        let health = health.unwrap_or_default();
        match (&self.peer.role, self.peer.heard) {
            (Some(role), true) => writeln!(f, "  peer     {} is {role}{health}", self.peer.serial)?,
            (Some(role), false) => writeln!(
                f,
                "  peer     {} was {role}{health}, silent for {}",
                self.peer.serial,
                ago(self.peer.age_ms.unwrap_or(0))
            )?,
            (None, _) => writeln!(f, "  peer     {} was never heard", self.peer.serial)?,
        }
        for it in &self.peer.deductions {
            writeln!(f, "  peer     lacks {}: {}", it.weight, it.what)?;
        }
        if let Some(obstacles) = &self.peer.obstacles {
            writeln!(f, "  peer     cannot take over: {obstacles}")?;
        }
        for path in &self.paths {
            let state = match (path.status.heard, path.status.heard_by_peer) {
                (true, true) => "heard in both directions",
                (true, false) => "the peer does not hear us",
                (false, _) => "nothing is heard",
            };
            writeln!(f, "  path     {:<10} {state}", path.name)?;
        }
        self.write_monitors(f)?;
        if self.sync.enabled {
            let state = match &self.sync {
                Sync { in_sync: true, .. } => "in sync".to_owned(),
                Sync { catching_up: true, .. } => "catching up".to_owned(),
                sync => format!("{} changes behind", sync.behind),
            };
            writeln!(
                f,
                "  sync     {}, {} connections, {state}",
                self.sync.role, self.sync.records
            )?;
            if self.sync.role == "replica" {
                let not = if self.synchronized { "" } else { "not " };
                writeln!(f, "  table    {not}complete")?;
            }
        } else {
            writeln!(f, "  sync     off")?;
        }
        let stall = Duration::from_micros(self.longest_stall_us);
        writeln!(f, "  stall    {stall:?} at the most")?;
        for (kind, count) in self.counted.rejects.iter() {
            writeln!(f, "  counter  {count} heartbeats ignored: {}", kind.name())?;
        }
        if self.counted.backward_steps > 0 {
            writeln!(f, "  counter  {} steps of the clock backwards", self.counted.backward_steps)?;
        }
        for (reason, count) in &self.counters {
            writeln!(f, "  counter  {count} {reason}")?;
        }
        Ok(())
    }
}

impl Status {
    fn write_monitors(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for OnDevice { device, status } in &self.links {
            let state = match status.up {
                Some(true) => "up",
                Some(false) => "down",
                None => "not known yet",
            };
            write!(f, "  link     {device:<10} {state}")?;
            match status.ports {
                0 | 1 => writeln!(f)?,
                ports => writeln!(f, ", {} of {ports} ports up", status.ports_up)?,
            }
        }
        for OnDevice { device, status } in &self.targets {
            let TargetStatus { target, reach, peer, missed, .. } = status;
            write!(f, "  target   {device:<10} {target} {reach} here, {peer} at the peer")?;
            match missed {
                0 => writeln!(f)?,
                1 => writeln!(f, "; the last probe had no answer")?,
                missed => writeln!(f, "; the last {missed} probes had no answer")?,
            }
        }
        for it in &self.services {
            let elsewhere = it.scope == ServiceScope::ActiveOnly && self.role != Role::Active;
            let state = match (it.failed, it.given_up) {
                _ if elsewhere => "is to run on the Active only".to_owned(),
                (false, _) => "works".to_owned(),
                (true, false) => format!("failed (restarts: {})", it.restarts),
                (true, true) => format!("failed, given up (restarts: {})", it.restarts),
            };
            writeln!(f, "  service  {:<10} {state}", it.name)?;
        }
        Ok(())
    }
}
