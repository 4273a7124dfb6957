//! S6: no fault of synchronization takes a running Active out of service.

use super::{Rule, Verdict};

/// A unit left Active in the call that told it of a fault of synchronization.
pub(super) fn left_active(fault: &str) -> Verdict {
    Err((Rule::S6, format!("leaves Active because of {fault}")))
}
