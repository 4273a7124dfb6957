//! How long nobody held the role. That is no rule by itself, but what a user notices.

use core::time::Duration;

/// Times without an Active while a unit that was well could have been.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gap {
    since: Option<u64>,
    /// The longest one.
    pub longest: Duration,
}

impl Gap {
    /// Nobody holds the role and somebody could, or not.
    pub(crate) fn note(&mut self, now: u64, is_open: bool) {
        if !is_open {
            self.since = None;
            return;
        }
        let since = *self.since.get_or_insert(now);
        self.longest = self.longest.max(Duration::from_nanos(now - since));
    }
}
