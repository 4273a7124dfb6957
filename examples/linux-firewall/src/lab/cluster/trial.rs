//! The runs: traffic through both groups, a fault of the owner of one of them, what the traffic noticed, and all nodes
//! healthy again.

use std::time::Duration;

use rustix::process::Signal;
use svrrp::GroupNumber;

use super::super::environment::{Clock, Interrupt};
use super::super::fault::{PowerCut, forget_connections};
use super::super::statistics::largest_gap;
use super::super::tool::{self, Prepared};
use super::super::topology::{LAN, WAN};
use super::super::traffic::{Ends, PROBE_PORT, Probe};
use super::super::{Error, Fault, Options};
use super::GROUPS;
use super::nodes::{Nodes, order, owner};
use super::report::{Noticed, Strike};
use super::topology::{SERVER, Topology, client_address};
use crate::status::NodeStatus;

/// Between the restoring of the cluster, which takes locks of the kernel that all nodes share, and the next measurement.
const CALM: Duration = Duration::from_millis(500);

pub(super) fn run_all(
    topology: &Topology,
    nodes: &mut Nodes,
    options: &Options,
    seed: u64,
    interrupt: &Interrupt,
    strikes: &mut Vec<Strike>,
) -> Result<(), Error> {
    let random = fastrand::Rng::with_seed(seed);
    let mut trial = Trial { topology, nodes, options, interrupt, clock: Clock::start(), random };
    for run in 1..=options.runs {
        for group in GROUPS {
            let strike = trial.strike(run, group)?;
            eprintln!("{}", strike.progress_line(options));
            strikes.push(strike);
        }
    }
    Ok(())
}

struct Trial<'a> {
    topology: &'a Topology,
    nodes: &'a mut Nodes,
    options: &'a Options,
    interrupt: &'a Interrupt,
    clock: Clock,
    random: fastrand::Rng,
}

impl Trial<'_> {
    /// The fault befalls the owner of `group`.
    fn strike(&mut self, run: u32, group: GroupNumber) -> Result<Strike, Error> {
        self.nodes.ready()?;
        self.interrupt.pause(CALM)?;
        let before = self.nodes.statuses();
        let victim = *order(group, before.len()).first().unwrap_or(&0);
        let probes = self.probes()?;

        let window = self.options.window();
        let cut = self.prepare(victim)?;
        self.interrupt.pause(window + CALM)?;
        // Random against the advertisements: over at least ten intervals, in microseconds.
        let spread = u64::try_from((self.options.heartbeat * 10).as_micros()).unwrap_or(0);
        self.interrupt.pause(Duration::from_micros(self.random.u64(..=spread)))?;
        let at = self.clock.now();
        cut.act(self.nodes, victim)?;
        self.interrupt.pause(window)?;
        let end = self.clock.now();
        let noticed = probes.each_ref().map(|probe| notice(probe, at, window, end));
        let mut faults =
            judge(&before, &self.nodes.statuses(), group, &self.survivors(group, victim));
        faults.extend(self.judge_kernels(group, victim)?);

        let restored = self.clock.now();
        self.restore(victim)?;
        self.nodes.ready()?;
        self.interrupt.pause(CALM)?;
        let answers = probes[group.index()].answers();
        let back = largest_gap(&answers, restored, self.clock.now()).unwrap_or_default();
        let moves = self.options.fault != Fault::HaLink;
        Ok(Strike { run, group, victim, moves, noticed, back, faults })
    }

    /// By rank for the group, those nodes that can still own it.
    fn survivors(&self, group: GroupNumber, victim: usize) -> Vec<usize> {
        let mut ranked = order(group, self.nodes.nodes.len());
        ranked.retain(|node| *node != victim || self.options.fault == Fault::HaLink);
        ranked
    }

    /// What is not as it should be in the kernels: the node to which a group belongs bears its addresses, and no other
    /// one does. That of a node without power is cut off, whatever it bears.
    fn judge_kernels(&self, moved: GroupNumber, victim: usize) -> Result<Vec<String>, Error> {
        let mut faults = Vec::new();
        let is_dead = matches!(self.options.fault, Fault::Crash | Fault::LinksDown);
        for group in GROUPS {
            let mut bearers = self.nodes.bearers(group)?;
            bearers.retain(|node| !is_dead || *node != victim);
            let ranked = match group == moved {
                true => self.survivors(group, victim),
                false => order(group, self.nodes.nodes.len()),
            };
            if bearers != ranked.first().copied().as_slice() {
                faults.push(format!("{} kernels bear {group}", bearers.len()));
            }
        }
        Ok(faults)
    }

    fn probes(&self) -> Result<[Probe; GROUPS.len()], Error> {
        let start = |group: GroupNumber| {
            let client = (&self.topology.clients[group.index()], client_address(group).into());
            let port = PROBE_PORT + u16::from(group.get());
            let ends = Ends { client, server: (&self.topology.server, SERVER), port };
            Probe::start(ends, self.clock, self.interrupt)
        };
        let [first, second] = GROUPS;
        Ok([start(first)?, start(second)?])
    }

    fn prepare(&self, victim: usize) -> Result<Cut, Error> {
        let (_, namespace) = &self.topology.nodes[victim];
        let switch = &self.topology.switch;
        Ok(match self.options.fault {
            Fault::Link => {
                let port = Topology::wan_port(victim);
                Cut::Link(Prepared::ip(switch, &format!("link set {port} down\n"))?)
            }
            Fault::HaLink => {
                let port = Topology::ha_port(victim);
                Cut::Link(Prepared::ip(switch, &format!("link set {port} down\n"))?)
            }
            Fault::Planned => Cut::Leave,
            Fault::LinksDown => {
                let group = Topology::port_group(victim);
                let carriers = Prepared::ip(switch, &format!("link set group {group} down\n"))?;
                Cut::Power(PowerCut::prepare(namespace, vec![carriers])?)
            }
            _ => Cut::Power(PowerCut::prepare(namespace, Vec::new())?),
        })
    }

    /// A node that died comes back as a machine that was switched on again.
    fn restore(&mut self, victim: usize) -> Result<(), Error> {
        let (_, namespace) = &self.topology.nodes[victim];
        let group = Topology::port_group(victim);
        let ports_up = format!("link set group {group} up\n");
        let node = &mut self.nodes.nodes[victim];
        match self.options.fault {
            Fault::Link | Fault::HaLink => return tool::ip(&self.topology.switch, &ports_up),
            Fault::Planned => node.wait_for_end(self.interrupt)?,
            _ => {
                node.wait_for_end(self.interrupt)?;
                for (group, device) in GROUPS.iter().flat_map(|it| [(it, LAN), (it, WAN)]) {
                    // Not there if the node died early.
                    let _ = tool::ip(namespace, &format!("link del {device}g{}\n", group.get()));
                }
                forget_connections(namespace)?;
                tool::nft(namespace, "delete table netdev power\n")?;
                tool::ip(&self.topology.switch, &ports_up)?;
            }
        }
        node.start()
    }
}

/// A fault, ready to happen.
enum Cut {
    Power(PowerCut),
    Link(Prepared),
    Leave,
}

impl Cut {
    fn act(self, nodes: &Nodes, victim: usize) -> Result<(), Error> {
        match self {
            Self::Power(cut) => cut.strike(&nodes.nodes[victim]),
            Self::Link(mut port) => port.release().and_then(|()| port.wait()),
            Self::Leave => nodes.nodes[victim].signal(Signal::TERM),
        }
    }
}

fn notice(probe: &Probe, at: Duration, window: Duration, end: Duration) -> Noticed {
    let answers = probe.answers();
    Noticed {
        gap: largest_gap(&answers, at, end).unwrap_or(window),
        noise: largest_gap(&answers, at.saturating_sub(window), at).unwrap_or(window),
    }
}

/// What is not as it should be after the fault: each group has one owner, the best of the survivors has the group that
/// it befell, and nothing happened to the other group.
fn judge(
    before: &[Option<NodeStatus>],
    after: &[Option<NodeStatus>],
    moved: GroupNumber,
    survivors: &[usize],
) -> Vec<String> {
    let mut faults = Vec::new();
    for group in GROUPS {
        let best = order(group, after.len()).first().copied();
        let wanted = if group == moved { survivors.first().copied() } else { best };
        let Some(wanted) = wanted else { continue };
        match owner(after, group) {
            Err(fault) => faults.push(fault),
            Ok(node) if node != wanted => {
                faults.push(format!("{group} belongs to node {}, not {}", node + 1, wanted + 1));
            }
            Ok(_) => {}
        }
        let term = |statuses: &[Option<NodeStatus>]| {
            statuses.get(wanted)?.as_ref()?.group(group).map(|it| it.term)
        };
        // The same owner as before is so without a break.
        if best == Some(wanted) && term(before) != term(after) {
            faults.push(format!("{group} was taken anew"));
        }
    }
    faults
}
