//! Broken machines: the same role machine with one deliberate fault. What the oracle can catch is itself
//! tested: each of them must be caught.

use core::fmt;
use ha_core::pair::PairConfigBuilder;

/// One deliberate fault.
#[derive(Clone, Copy)]
pub struct Broken {
    /// What it is called, for `--break`.
    pub name: &'static str,
    /// What is wrong.
    pub what: &'static str,
    /// Puts the fault into the configuration of a unit, 0 the Primary and 1 the Secondary.
    pub put: fn(usize, PairConfigBuilder) -> PairConfigBuilder,
}

/// All of them. (A fault of the role logic needs the logic to be a value in the configuration, which it is
/// not yet.)
pub const BROKEN: &[Broken] = &[];

/// The broken machine of this name.
#[must_use]
pub fn broken(name: &str) -> Option<&'static Broken> {
    BROKEN.iter().find(|broken| broken.name == name)
}

impl PartialEq for Broken {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Broken {}

impl fmt::Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
