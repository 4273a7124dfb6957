//! The runs: traffic through two healthy units, a fault, what the traffic noticed, and both units
//! healthy again.

use std::time::Duration;

use rustix::process::Signal;

use super::environment::{Clock, Interrupt};
use super::fault::{
    PowerCut, make_reachable, power_on, prepare_ha_link, prepare_unreachable, prepare_wan_link,
};
use super::firewall::Pair;
use super::report::{DownloadResult, Measure, Report, Run};
use super::statistics::largest_gap;
use super::topology::Topology;
use super::traffic::{Traffic, Verdict, establish_background};
use super::{Error, Fault, Options};
use crate::status::Status;

/// After the time of observation, connections have this long to show life: a sender that lost its
/// first four retransmissions has sent the fifth by then.
const LIFE_LIMIT: Duration = Duration::from_secs(7);
/// Between the restoring of the pair, which takes locks of the kernel that both units share, and
/// the next measurement.
const CALM: Duration = Duration::from_millis(500);

pub(super) fn run_all(
    topology: &Topology,
    pair: &mut Pair,
    options: &Options,
    seed: u64,
    interrupt: &Interrupt,
    report: &mut Report,
) -> Result<(), Error> {
    let mut random = fastrand::Rng::with_seed(seed);
    let clock = Clock::start();
    for number in 1..=options.runs {
        let mut trial = Trial {
            topology,
            pair: &mut *pair,
            options,
            interrupt,
            clock,
            random: random.fork(),
            last: [None, None],
            role_changes: 0,
            takes: 0,
        };
        let run = trial.run(number)?;
        eprintln!("{}", run.progress_line(options));
        report.runs.push(run);
    }
    Ok(())
}

struct Trial<'a> {
    topology: &'a Topology,
    pair: &'a mut Pair,
    options: &'a Options,
    interrupt: &'a Interrupt,
    clock: Clock,
    random: fastrand::Rng,
    /// The last status of each unit, and of which of its processes.
    last: [Option<(Status, u32)>; 2],
    role_changes: u64,
    takes: u64,
}

impl Trial<'_> {
    fn run(&mut self, number: u32) -> Result<Run, Error> {
        self.pair.ready()?;
        self.establish_background()?;
        let active = self.pair.ready()?;
        self.interrupt.pause(CALM)?;
        self.count_role_changes();
        let traffic = Traffic::start(
            self.topology,
            self.options,
            self.clock,
            self.random.u64(..),
            self.interrupt,
        )?;

        let (measures, fault_at) = match self.options.fault {
            Fault::Crash => self.power_cut(&traffic, active, false)?,
            Fault::LinksDown => self.power_cut(&traffic, active, true)?,
            Fault::Freeze => self.freeze(&traffic, active)?,
            Fault::Planned => self.planned(&traffic, active)?,
            Fault::HaLink => self.ha_link(&traffic)?,
            Fault::Link => self.wan_link(&traffic, active)?,
            Fault::Probe => self.unreachable(&traffic, &[active])?,
            Fault::ProbeBoth => self.unreachable(&traffic, &[0, 1])?,
            Fault::Service => self.service(&traffic, active)?,
        };
        let observed = self.clock.now();
        let verdicts = traffic.connections.judge(
            fault_at,
            observed,
            self.clock,
            LIFE_LIMIT,
            self.interrupt,
        )?;
        let download = self.judge_download(&traffic, fault_at, observed)?;
        let unanswered = traffic.probe.sent().saturating_sub(traffic.probe.answers().len() as u64);
        drop(traffic);

        self.count_role_changes();
        self.restore(active)?;

        let mut stalls = Vec::new();
        let mut losses = Vec::new();
        for verdict in verdicts {
            match verdict {
                Verdict::Kept(stall) => stalls.push(stall),
                Verdict::Lost(reason) => losses.push(reason),
            }
        }
        Ok(Run {
            number,
            measures,
            unanswered,
            stalls,
            losses,
            download,
            role_changes: self.role_changes,
            takes: self.takes,
        })
    }

    /// Observes the traffic for one window, acts at a random moment, and observes it for another.
    fn observe(
        &mut self,
        name: &'static str,
        traffic: &Traffic,
        act: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<(Measure, Duration), Error> {
        let (window, after) = (self.options.window(), self.options.window_after());
        // A little more than the window, which what happened before must not touch.
        self.interrupt.pause(window + CALM)?;
        // Random against the heartbeats: over at least ten intervals, in microseconds.
        let spread = (self.options.heartbeat * 10).as_micros();
        self.interrupt
            .pause(Duration::from_micros(self.random.u64(..=u64::try_from(spread).unwrap_or(0))))?;
        let at = self.clock.now();
        act(self)?;
        self.interrupt.pause(after)?;
        let end = self.clock.now();
        let answers = traffic.probe.answers();
        let noise = largest_gap(&answers, at.saturating_sub(window), at).unwrap_or(window);
        let gap = largest_gap(&answers, at, end).unwrap_or(after);
        Ok((Measure { name, gap, noise }, at))
    }

    fn power_cut(
        &mut self,
        traffic: &Traffic,
        active: usize,
        carrier_lost: bool,
    ) -> Result<(Vec<Measure>, Duration), Error> {
        let cut = PowerCut::prepare(self.topology, active, carrier_lost)?;
        let (measure, at) =
            self.observe("fail-over", traffic, |trial| cut.strike(&trial.pair.units[active]))?;
        Ok((vec![measure], at))
    }

    fn freeze(
        &mut self,
        traffic: &Traffic,
        active: usize,
    ) -> Result<(Vec<Measure>, Duration), Error> {
        let (stopped, at) = self
            .observe("stopped", traffic, |trial| trial.pair.units[active].signal(Signal::STOP))?;
        let (woken, _) =
            self.observe("woken", traffic, |trial| trial.pair.units[active].signal(Signal::CONT))?;
        Ok((vec![stopped, woken], at))
    }

    /// Hand-over by stopping the Active, then hand-back by stopping the other, with the same
    /// connections.
    fn planned(
        &mut self,
        traffic: &Traffic,
        active: usize,
    ) -> Result<(Vec<Measure>, Duration), Error> {
        let (over, at) = self
            .observe("hand-over", traffic, |trial| trial.pair.units[active].signal(Signal::TERM))?;
        self.count_role_changes();
        self.come_back(active)?;
        self.count_role_changes();
        let other = 1 - active;
        let (back, _) = self
            .observe("hand-back", traffic, |trial| trial.pair.units[other].signal(Signal::TERM))?;
        Ok((vec![over, back], at))
    }

    fn come_back(&mut self, unit: usize) -> Result<(), Error> {
        self.pair.units[unit].wait_for_end(self.interrupt)?;
        self.pair.units[unit].start()?;
        self.pair.ready()?;
        self.interrupt.pause(CALM)
    }

    fn ha_link(&mut self, traffic: &Traffic) -> Result<(Vec<Measure>, Duration), Error> {
        let mut cut = prepare_ha_link(self.topology, false)?;
        let mut mend = prepare_ha_link(self.topology, true)?;
        let (cut, at) =
            self.observe("cut", traffic, |_| cut.release().and_then(|()| cut.wait()))?;
        let (mended, _) =
            self.observe("restored", traffic, |_| mend.release().and_then(|()| mend.wait()))?;
        Ok((vec![cut, mended], at))
    }

    fn wan_link(
        &mut self,
        traffic: &Traffic,
        active: usize,
    ) -> Result<(Vec<Measure>, Duration), Error> {
        let mut down = prepare_wan_link(self.topology, active, false)?;
        let (measure, at) =
            self.observe("link", traffic, |_| down.release().and_then(|()| down.wait()))?;
        Ok((vec![measure], at))
    }

    fn unreachable(
        &mut self,
        traffic: &Traffic,
        units: &[usize],
    ) -> Result<(Vec<Measure>, Duration), Error> {
        let mut cut = prepare_unreachable(self.topology, units)?;
        let (measure, at) =
            self.observe("probe", traffic, |_| cut.release().and_then(|()| cut.wait()))?;
        Ok((vec![measure], at))
    }

    fn service(
        &mut self,
        traffic: &Traffic,
        active: usize,
    ) -> Result<(Vec<Measure>, Duration), Error> {
        let (measure, at) =
            self.observe("service", traffic, |trial| trial.pair.services[active].kill())?;
        Ok((vec![measure], at))
    }

    fn judge_download(
        &self,
        traffic: &Traffic,
        fault_at: Duration,
        observed: Duration,
    ) -> Result<Option<DownloadResult>, Error> {
        let Some(download) = &traffic.download else { return Ok(None) };
        const MEASURE: Duration = Duration::from_secs(1);
        self.interrupt.pause(MEASURE)?;
        let goes_on =
            || Ok((download.received_between(observed, self.clock.now()) > 0).then_some(()));
        let alive = self.interrupt.poll(LIFE_LIMIT, Duration::from_millis(20), goes_on)?.is_some();
        let now = self.clock.now();
        let broken = download.broken();
        Ok(Some(DownloadResult {
            kept: alive && broken.is_none(),
            reason: broken,
            before_mbit_per_s: rate(
                download.received_between(fault_at.saturating_sub(MEASURE), fault_at),
                MEASURE,
            ),
            after_mbit_per_s: rate(download.received_between(observed, now), now - observed),
        }))
    }

    /// Adds the changes since the last call. Asking starts processes, so it lies outside the times
    /// of observation; the end of a role with its process is no change.
    fn count_role_changes(&mut self) {
        for (unit, last) in self.pair.units.iter().zip(&mut self.last) {
            let Some(status) = unit.status() else { continue };
            if let Some((earlier, starts)) = last
                && *starts == unit.starts
            {
                self.role_changes += status.changes_since(earlier);
                self.takes += status.takes_since(earlier);
            }
            *last = Some((status, unit.starts));
        }
    }

    fn restore(&mut self, active: usize) -> Result<(), Error> {
        match self.options.fault {
            Fault::Crash | Fault::LinksDown => {
                power_on(self.topology, active, &mut self.pair.units[active], self.interrupt)?;
                self.pair.ready().map(drop)
            }
            Fault::Planned => self.come_back(1 - active),
            Fault::Freeze | Fault::HaLink => self.pair.ready().map(drop),
            Fault::Link => {
                let mut up = prepare_wan_link(self.topology, active, true)?;
                up.release()?;
                up.wait()?;
                self.pair.ready().map(drop)
            }
            Fault::Probe | Fault::ProbeBoth => {
                make_reachable(self.topology)?;
                self.pair.ready().map(drop)
            }
            Fault::Service => {
                self.pair.services[active].start_again()?;
                self.pair.ready().map(drop)
            }
        }
    }

    /// Flows that a fault lost (without synchronization) or that timed out are made again.
    fn establish_background(&mut self) -> Result<(), Error> {
        let wanted = u64::from(self.options.background_flows);
        if wanted == 0 {
            return Ok(());
        }
        let active = self.pair.ready()?;
        let table = &self.topology.firewalls;
        if table[active].tracked_connections()? < wanted {
            establish_background(self.topology, self.options.background_flows, self.interrupt)?;
        }
        // The tables of both kernels must hold them before the fault.
        let everywhere =
            self.interrupt.poll(Duration::from_secs(30), Duration::from_millis(100), || {
                let standby =
                    self.options.no_sync || table[1 - active].tracked_connections()? >= wanted;
                Ok((table[active].tracked_connections()? >= wanted && standby).then_some(()))
            })?;
        everywhere.ok_or_else(|| Error::Firewall {
            what: format!("{wanted} background flows did not reach both connection tables"),
            evidence: format!(
                "entries: {} {}, {} {}",
                self.pair.units[0].name,
                table[0].tracked_connections().unwrap_or(0),
                self.pair.units[1].name,
                table[1].tracked_connections().unwrap_or(0)
            ),
        })
    }
}

fn rate(bytes: u64, time: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "below 2^53")]
    let bits = bytes as f64 * 8.0;
    (bits / 1e6 / time.as_secs_f64().max(1e-3)).round()
}
