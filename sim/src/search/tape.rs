//! The adversary's choices within one step, as a tape: a step asks for a choice wherever it has one, and
//! is run again with the next tape until all have been tried.

/// The most choices in one step, and the most alternatives of one.
const MAX_CHOICES: usize = 16;

/// What was chosen in one step, and out of how many.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tape {
    chosen: [u8; MAX_CHOICES],
    of: [u8; MAX_CHOICES],
    len: usize,
    at: usize,
}

impl Tape {
    /// A tape that repeats what was chosen.
    pub(super) fn unpack(packed: u64) -> Self {
        let mut tape = Self { len: MAX_CHOICES, ..Self::default() };
        for (at, chosen) in tape.chosen.iter_mut().enumerate() {
            *chosen = (packed >> (4 * at)) as u8 & 0xf;
        }
        tape
    }

    /// What was chosen, four bits each.
    pub(super) fn pack(&self) -> u64 {
        let used = self.chosen.iter().take(self.at).enumerate();
        used.fold(0, |packed, (at, chosen)| packed | u64::from(*chosen) << (4 * at))
    }

    /// One of so many alternatives; 0 is the harmless one.
    pub(super) fn choose(&mut self, of: u8) -> u8 {
        if of <= 1 {
            return 0;
        }
        assert!(self.at < MAX_CHOICES && of <= 16, "a step has more choices than fit on a tape");
        if self.at >= self.len {
            self.chosen[self.at] = 0;
            self.len = self.at + 1;
        }
        self.of[self.at] = of;
        self.at += 1;
        self.chosen[self.at - 1]
    }

    /// Turns to the next tape; false if all were tried.
    pub(super) fn next(&mut self) -> bool {
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
        let mut tape = Tape::default();
        let mut seen = Vec::new();
        loop {
            let first = tape.choose(3);
            let second = if first == 1 { tape.choose(2) } else { 9 };
            seen.push((first, second));
            assert_eq!(Tape::unpack(tape.pack()).choose(3), first);
            if !tape.next() {
                break;
            }
        }
        assert_eq!(seen, [(0, 9), (1, 0), (1, 1), (2, 9)]);
    }
}
