//! Makes a plan that breaks a rule as small as it can be while it still breaks the same rule. What is left is named by
//! the numbers of the faults, so that the seed and those replay it.

use super::oracle::Rule;
use super::plan::Plan;
use super::run::run;

/// So many runs are spent on it at the most.
const MAX_RUNS: usize = 400;

/// The numbers of the faults that are needed; all of them if the plan breaks nothing.
#[must_use]
pub fn needed(plan: &Plan) -> Vec<usize> {
    let mut needed: Vec<usize> = (0..plan.faults.len()).collect();
    let Some(violation) = run(plan, false).violation else { return needed };
    let breaks = |rule: Rule, numbers: &[usize]| {
        run(&plan.clone().only(numbers), false).violation.is_some_and(|it| it.rule == rule)
    };
    let mut runs = 0;
    loop {
        let before = needed.len();
        // From the end: what is later depends on what is earlier.
        for at in (0..before).rev() {
            let mut fewer = needed.clone();
            fewer.remove(at);
            runs += 1;
            if runs <= MAX_RUNS && breaks(violation.rule, &fewer) {
                needed = fewer;
            }
        }
        if needed.len() == before || runs > MAX_RUNS {
            return needed;
        }
    }
}
