//! Fingerprints: 128 bits, so many that two of a thousand million states hardly ever share one (about once in
//! 10^20 searches).

use core::hash::{BuildHasher as _, Hash, Hasher};
use foldhash::fast;
use foldhash::quality::{FixedState, FoldHasher};

/// A map of which only single entries are asked for: its order does not matter.
#[allow(clippy::disallowed_types)]
pub(crate) type Map<K, V> = std::collections::HashMap<K, V, fast::FixedState>;

/// A hash of 128 bits. Small values are put together before they are mixed in.
pub(crate) struct Wide {
    halves: [FoldHasher<'static>; 2],
    word: u128,
    bits: u32,
}

impl Wide {
    pub(crate) fn new() -> Self {
        let halves = [1, 2].map(|seed| FixedState::with_seed(seed).build_hasher());
        Self { halves, word: 0, bits: 0 }
    }

    pub(crate) fn of(it: &impl Hash) -> u128 {
        let mut hasher = Self::new();
        it.hash(&mut hasher);
        hasher.finish_wide()
    }

    pub(crate) fn finish_wide(&self) -> u128 {
        let [high, low] = self.halves.clone().map(|mut half| {
            half.write_u128(self.word);
            half.write_u32(self.bits);
            half.finish()
        });
        u128::from(high) << 64 | u128::from(low)
    }

    fn put(&mut self, value: u64, bits: u32) {
        if self.bits + bits > u128::BITS {
            self.flush();
        }
        self.word |= u128::from(value) << self.bits;
        self.bits += bits;
    }

    fn flush(&mut self) {
        self.halves.iter_mut().for_each(|half| half.write_u128(self.word));
        self.word = 0;
        self.bits = 0;
    }
}

impl Hasher for Wide {
    fn finish(&self) -> u64 {
        self.finish_wide() as u64
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.put((*byte).into(), u8::BITS));
    }

    fn write_u64(&mut self, number: u64) {
        self.put(number, u64::BITS);
    }

    fn write_u128(&mut self, number: u128) {
        self.put((number >> 64) as u64, u64::BITS);
        self.put(number as u64, u64::BITS);
    }

    fn write_u8(&mut self, number: u8) {
        self.put(number.into(), u8::BITS);
    }

    fn write_u16(&mut self, number: u16) {
        self.put(number.into(), u16::BITS);
    }

    fn write_u32(&mut self, number: u32) {
        self.put(number.into(), u32::BITS);
    }

    fn write_usize(&mut self, number: usize) {
        self.put(number as u64, u64::BITS);
    }

    /// Which variant of an enum it is.
    fn write_isize(&mut self, number: isize) {
        self.put(u8::try_from(number).expect("there are few variants").into(), u8::BITS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every value counts, its place, and how many there are: also across the border of what is put together.
    #[test]
    fn everything_counts() {
        let mut seen = std::collections::BTreeSet::new();
        for len in 0..40 {
            let mut values = vec![0_u8; len];
            assert!(seen.insert(Wide::of(&values.as_slice())), "{len} values");
            for at in 0..len {
                values[at] = 1;
                assert!(seen.insert(Wide::of(&values.as_slice())), "{at} of {len}");
                values[at] = 0;
            }
        }
        assert_ne!(Wide::of(&(1_u64, 2_u128, Some(3_u8))), Wide::of(&(1_u64, 3_u128, Some(3_u8))));
        assert_ne!(Wide::of(&Some(0_u8)), Wide::of(&None::<u8>));
    }
}
