//! The settings of a [`StateSync`](crate::machine::StateSync): they exist only if they are valid.

use alloc::vec::Vec;
use ha_core::identity::{PathId, UnitId};
use thiserror::Error;

/// How many changed keys wait for the replica, unless the configuration says otherwise.
pub const DEFAULT_MAX_DIRTY: usize = 65_536;
/// The most that can be configured.
pub const LARGEST_MAX_DIRTY: usize = 1_048_576;
/// How many paths there may be.
pub const MAX_PATHS: usize = 8;

/// The settings of a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    seed: u64,
    peer: UnitId,
    paths: Vec<PathId>,
    max_dirty: usize,
}

/// Why settings are not valid. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is no path.
    #[error("paths: at least one is needed")]
    NoPath,
    /// There are more than [`MAX_PATHS`] paths.
    #[error("paths: {given} are given, at most {MAX_PATHS} are allowed")]
    TooManyPaths {
        /// How many there are.
        given: usize,
    },
    /// A path is named twice.
    #[error("paths: {path} is named twice")]
    PathTwice {
        /// The path.
        path: PathId,
    },
    /// The bound of what waits is not from 1 to [`LARGEST_MAX_DIRTY`].
    #[error("max_dirty: {given} is not from 1 to {LARGEST_MAX_DIRTY}")]
    MaxDirty {
        /// The bound that was given.
        given: usize,
    },
}

impl Config {
    /// Settings with the usual bounds.
    ///
    /// `seed` tells one start of this unit from all others: **it must differ at every start**, or a
    /// replica may take a datagram from before the start for a present one. Time or a random number
    /// will do. `paths` are in order of preference; the first is used until the embedder
    /// [says otherwise](crate::machine::Input::SetPath), and datagrams are accepted on all.
    ///
    /// # Errors
    /// There is no path, too many, or one twice.
    pub fn new(seed: u64, peer: UnitId, paths: Vec<PathId>) -> Result<Self, ConfigError> {
        if paths.is_empty() {
            return Err(ConfigError::NoPath);
        }
        if paths.len() > MAX_PATHS {
            return Err(ConfigError::TooManyPaths { given: paths.len() });
        }
        for path in &paths {
            if paths.iter().filter(|other| *other == path).count() > 1 {
                return Err(ConfigError::PathTwice { path: *path });
            }
        }
        Ok(Self { seed, peer, paths, max_dirty: DEFAULT_MAX_DIRTY })
    }

    /// Sets how many changed keys may wait for the replica, from 1 to [`LARGEST_MAX_DIRTY`]. Beyond it
    /// they are forgotten, and a catch-up with the whole table takes their place (STATE-6).
    ///
    /// # Errors
    /// The bound is out of range.
    pub fn max_dirty(self, max_dirty: usize) -> Result<Self, ConfigError> {
        if (1..=LARGEST_MAX_DIRTY).contains(&max_dirty) {
            Ok(Self { max_dirty, ..self })
        } else {
            Err(ConfigError::MaxDirty { given: max_dirty })
        }
    }

    pub(crate) fn dirty_bound(&self) -> usize {
        self.max_dirty
    }

    pub(crate) fn peer(&self) -> UnitId {
        self.peer
    }

    pub(crate) fn has_path(&self, path: PathId) -> bool {
        self.paths.contains(&path)
    }

    pub(crate) fn preferred_path(&self) -> Option<PathId> {
        self.paths.first().copied()
    }

    /// The `n`th number of this start, spread over 64 bits and never 0 (the finalizer of SplitMix64).
    pub(crate) fn mint(&self, n: u64) -> u64 {
        let mut z = self.seed.wrapping_add(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn only_valid_settings_exist() {
        let new = |paths| Config::new(1, UnitId(1), paths);
        assert_eq!(new(vec![]), Err(ConfigError::NoPath));
        assert_eq!(
            new(vec![PathId(2), PathId(1), PathId(2)]),
            Err(ConfigError::PathTwice { path: PathId(2) })
        );
        assert_eq!(new((0..9).map(PathId).collect()), Err(ConfigError::TooManyPaths { given: 9 }));
        let config = new(vec![PathId(2), PathId(1)]).unwrap();
        assert_eq!(config.preferred_path(), Some(PathId(2)));
        assert_eq!(config.max_dirty(0), Err(ConfigError::MaxDirty { given: 0 }));
    }
}
