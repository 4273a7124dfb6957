//! The adversary's choices within one step, as a tape: a step asks for a choice wherever it has one, and
//! is run again with the next tape until all have been tried.

/// The most alternatives of a choice.
const MAX_WAYS: u8 = 16;

/// What was chosen in one step, and out of how many: so many choices at the most, 32 or less.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tape<const CHOICES: usize = 16> {
    chosen: [u8; CHOICES],
    of: [u8; CHOICES],
    len: usize,
    at: usize,
}

impl<const CHOICES: usize> Default for Tape<CHOICES> {
    fn default() -> Self {
        Self { chosen: [0; CHOICES], of: [0; CHOICES], len: 0, at: 0 }
    }
}

impl<const CHOICES: usize> Tape<CHOICES> {
    /// A tape that repeats what was chosen.
    pub(crate) fn unpack(packed: u128) -> Self {
        let mut tape = Self { len: CHOICES, ..Self::default() };
        for (at, chosen) in tape.chosen.iter_mut().enumerate() {
            *chosen = (packed >> (4 * at)) as u8 & 0xf;
        }
        tape
    }

    /// What was chosen, four bits each.
    pub(crate) fn pack(&self) -> u128 {
        let used = self.chosen.iter().take(self.at).enumerate();
        used.fold(0, |packed, (at, chosen)| packed | u128::from(*chosen) << (4 * at))
    }

    /// One of so many alternatives; 0 is the harmless one.
    pub(crate) fn choose(&mut self, of: u8) -> u8 {
        if of <= 1 {
            return 0;
        }
        assert!(self.at < CHOICES && of <= MAX_WAYS, "a step has more choices than fit on a tape");
        if self.at >= self.len {
            self.chosen[self.at] = 0;
            self.len = self.at + 1;
        }
        self.of[self.at] = of;
        self.at += 1;
        self.chosen[self.at - 1]
    }

    /// Turns to the next tape; false if all were tried.
    pub(crate) fn next(&mut self) -> bool {
        while self.at > 0 {
            let last = self.at - 1;
            if self.chosen[last] + 1 < self.of[last] {
                self.chosen[last] += 1;
                self.len = self.at;
                self.at = 0;
                return true;
            }
            self.at = last;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All combinations are tried once, also where later choices depend on earlier ones.
    #[test]
    fn every_combination_is_tried_once() {
        let mut tape = Tape::<16>::default();
        let mut seen = Vec::new();
        loop {
            let first = tape.choose(3);
            let second = if first == 1 { tape.choose(2) } else { 9 };
            seen.push((first, second));
            assert_eq!(Tape::<16>::unpack(tape.pack()).choose(3), first);
            if !tape.next() {
                break;
            }
        }
        assert_eq!(seen, [(0, 9), (1, 0), (1, 1), (2, 9)]);
    }
}
