//! A script is played, without a screen.

use crate::cluster::Cluster;
use crate::script::{Condition, Step, What};
use crate::view::View;
use std::error::Error;
use std::time::Duration;

/// So often is looked whether what is expected is so.
const LOOK: Duration = Duration::from_millis(5);

/// What came of a script.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// How it stood at the end.
    pub(crate) view: View,
    /// The step that did not come true.
    pub(crate) failed: Option<Step>,
}

/// Plays the steps in order; the first one that does not come true is the last.
pub(crate) async fn play(cluster: &mut Cluster, steps: &[Step]) -> Result<Outcome, Box<dyn Error>> {
    for step in steps {
        match &step.what {
            What::Do(order) => {
                let now = cluster.clock().now().since_epoch();
                tokio::time::sleep(step.at.saturating_sub(now)).await;
                cluster.carry_out(*order).await?;
            }
            What::Expect(condition) => {
                if !comes_true(cluster, condition, step.at).await? {
                    cluster.timeline().done(format!("NOT SO: {step}"));
                    let view = cluster.view().await?;
                    return Ok(Outcome { view, failed: Some(step.clone()) });
                }
                cluster.timeline().done(format!("so it is: {}", step.text));
            }
        }
    }
    Ok(Outcome { view: cluster.view().await?, failed: None })
}

async fn comes_true(
    cluster: &Cluster,
    condition: &Condition,
    until: Duration,
) -> Result<bool, Box<dyn Error>> {
    loop {
        // The time is read first: at the end there is one look more.
        let is_over = cluster.clock().now().since_epoch() > until;
        if condition.holds(&cluster.view().await?) {
            return Ok(true);
        }
        if is_over {
            return Ok(false);
        }
        tokio::time::sleep(LOOK).await;
    }
}
