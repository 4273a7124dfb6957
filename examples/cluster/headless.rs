//! A script is played, without a screen.

use crate::addresses::TakeOver;
use crate::cluster::Cluster;
use crate::naming;
use crate::order::Order;
use crate::screen::{Screen, svg};
use crate::script::{Condition, Step, What};
use crate::setup::Setup;
use crate::timeline::milliseconds;
use crate::view::View;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::Widget as _;
use std::error::Error;
use std::fmt;
use std::time::Duration;
use tokio::runtime::Handle;

/// So often is looked whether what is expected is so.
const LOOK: Duration = Duration::from_millis(5);
/// The size of a picture.
const COLUMNS: u16 = 104;
const ROWS: u16 = 36;

/// What came of a script.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// How it stood at the end.
    pub(crate) view: View,
    pub(crate) take_overs: Vec<TakeOver>,
    /// The step that did not come true.
    pub(crate) failed: Option<Step>,
}

/// Starts a cluster and plays the steps in order; the first one that does not come true is the last.
pub(crate) async fn run(
    setup: Setup,
    steps: &[Step],
    workers: &Handle,
) -> Result<Outcome, Box<dyn Error>> {
    let mut cluster = Cluster::start(setup, true, workers.clone()).await?;
    let failed = play(&mut cluster, steps).await?.cloned();
    let take_overs = cluster.timeline().take_overs();
    Ok(Outcome { view: cluster.view().await?, take_overs, failed })
}

/// Gives the step that did not come true.
async fn play<'a>(
    cluster: &mut Cluster,
    steps: &'a [Step],
) -> Result<Option<&'a Step>, Box<dyn Error>> {
    for step in steps {
        if !matches!(step.what, What::Await(_)) {
            let now = cluster.clock().now().since_epoch();
            tokio::time::sleep(step.at.saturating_sub(now)).await;
        }
        let is_so = match &step.what {
            What::Do(order) if is_done(cluster, *order).await? => continue,
            What::Do(_) => false,
            What::Find(condition) => condition.holds(&cluster.view().await?),
            What::Await(condition) => becomes_so(cluster, condition, step.at).await?,
        };
        if !is_so {
            return Ok(Some(step));
        }
        cluster.timeline().remark(format!("so it is: {}", step.text));
    }
    Ok(None)
}

/// A pair refuses an order until its units have heard each other, which may be a moment behind the script: so it is given
/// again for a while.
async fn is_done(cluster: &mut Cluster, order: Order) -> Result<bool, Box<dyn Error>> {
    let Setup { interval, .. } = *cluster.setup();
    let until = cluster.clock().now() + cluster.setup().failure_time() * 2;
    loop {
        let is_done = cluster.carry_out(order).await?;
        if is_done || cluster.clock().now() > until {
            return Ok(is_done);
        }
        tokio::time::sleep(interval).await;
    }
}

async fn becomes_so(
    cluster: &Cluster,
    condition: &Condition,
    until: Duration,
) -> Result<bool, Box<dyn Error>> {
    loop {
        // The time is read first: at the end there is one look more.
        let is_over = cluster.clock().now().since_epoch() > until;
        let is_so = condition.holds(&cluster.view().await?);
        if is_so || is_over {
            return Ok(is_so);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// The take-overs, each beside what it may take, and what did not come true.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = self.view.bound;
        if !self.take_overs.is_empty() {
            writeln!(f, "From a crash to the new owner, and what that may take:")?;
        }
        for TakeOver { group, from, to, took } in &self.take_overs {
            let (from, to) = (naming::unit(*from), naming::unit(*to));
            let verdict = if *took <= bound { "within" } else { "OVER" };
            let (took, bound) = (milliseconds(*took), milliseconds(bound));
            writeln!(f, "  {group}  {from} -> {to}  {took:>10}  {bound:>10}  {verdict}")?;
        }
        if !self.take_overs.is_empty() {
            writeln!(f)?;
        }
        match &self.failed {
            None => f.write_str("All came true that the script expects."),
            Some(Step { line, text, .. }) => write!(f, "NOT SO: line {line}: {text}"),
        }
    }
}

impl Outcome {
    /// The screen at the end.
    pub(crate) fn picture(&self) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, COLUMNS, ROWS));
        Screen { view: &self.view, selection: None }.render(buffer.area, &mut buffer);
        svg::picture(&buffer)
    }
}
