//! No fault: does the pair stay calm, and what does it cost?

use std::time::Duration;

use super::environment::{Clock, Interrupt};
use super::firewall::Pair;
use super::report::{UnitWatch, Watch};
use super::statistics::largest_gap;
use super::topology::Topology;
use super::traffic::{Traffic, Verdict};
use super::{Error, Options};
use crate::status::Status;

/// How often the units are asked: each question starts a process, so not more often than needed.
const QUESTION: Duration = Duration::from_secs(5);
const PROGRESS: Duration = Duration::from_secs(60);

/// Watches a healthy pair with traffic for `duration`.
pub(super) fn watch(
    duration: Duration,
    topology: &Topology,
    pair: &mut Pair,
    options: &Options,
    interrupt: &Interrupt,
) -> Result<Watch, Error> {
    pair.ready()?;
    let clock = Clock::start();
    let traffic = Traffic::start(topology, options, clock, options.seed.unwrap_or(0), interrupt)?;
    interrupt.pause(Duration::from_secs(1))?;
    traffic.probe.take_answers();

    let begun = clock.now();
    let cpu_before = cpu_times(pair);
    let mut last = pair.statuses();
    let mut role_changes = 0;
    let mut silent_questions = 0_u64;
    let mut noise = Duration::ZERO;
    let mut newest_answer = clock.now();
    let mut next_progress = begun + PROGRESS;
    while clock.now() < begun + duration {
        interrupt.pause(QUESTION.min((begun + duration).saturating_sub(clock.now())))?;
        let (statuses, now) = (pair.statuses(), clock.now());
        for (earlier, later) in last.iter().zip(&statuses) {
            match (earlier, later) {
                (Some(earlier), Some(later)) => role_changes += later.changes_since(earlier),
                _ => silent_questions += 1,
            }
        }
        last = statuses;

        let mut answers = vec![newest_answer];
        answers.extend(traffic.probe.take_answers());
        noise = noise.max(largest_gap(&answers, newest_answer, now).unwrap_or_default());
        newest_answer = answers.last().copied().unwrap_or(newest_answer);
        if now >= next_progress {
            next_progress = now + PROGRESS;
            eprintln!("{:>4.0} s: {role_changes} role changes", (now - begun).as_secs_f64());
        }
    }
    let elapsed = clock.now() - begun;
    let cpu_after = cpu_times(pair);
    let now = clock.now();
    let verdicts =
        traffic.connections.judge(begun, now, clock, Duration::from_secs(7), interrupt)?;
    let kept = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Kept(_))).count();
    let units = (0..2).map(|index| UnitWatch {
        unit: pair.units[index].name,
        role: last[index]
            .as_ref()
            .map_or_else(|| "unknown".to_owned(), |status| status.role.to_string()),
        cpu_percent_of_a_core: percent(cpu_before[index], cpu_after[index], elapsed),
        longest_stall_us: last[index].as_ref().map_or(0, |status: &Status| status.longest_stall_us),
    });
    Ok(Watch {
        seconds: elapsed.as_secs_f64().round(),
        role_changes,
        silent_questions,
        largest_gap: noise,
        connections: verdicts.len(),
        kept,
        units: units.collect(),
    })
}

fn cpu_times(pair: &Pair) -> [Option<Duration>; 2] {
    [pair.units[0].cpu_time(), pair.units[1].cpu_time()]
}

/// `None` if the process ended meanwhile.
fn percent(before: Option<Duration>, after: Option<Duration>, elapsed: Duration) -> Option<f64> {
    let used = after?.checked_sub(before?)?;
    Some((used.as_secs_f64() / elapsed.as_secs_f64() * 10_000.0).round() / 100.0)
}
