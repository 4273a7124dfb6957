//! What the adversary may do, and what of that is left to it in a state.

/// What the adversary may do, and to whom. Each number is at most seven.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// The failover trigger level of both units.
    pub level: u8,
    /// How many steps a heartbeat interval has.
    pub resolution: u8,
    /// How many paths there are.
    pub paths: u8,
    /// How many copies of heartbeats are lost.
    pub losses: u8,
    /// How many come twice.
    pub duplicates: u8,
    /// How many are late, by up to a failure time.
    pub delays: u8,
    /// How many crashes of a unit, which may start again at any time.
    pub crashes: u8,
    /// How many pauses of a unit, of up to a failure time and an interval.
    pub pauses: u8,
    /// How many hand-overs are ordered, at either unit.
    pub orders: u8,
    /// How often each unit becomes less fit.
    pub equal_faults: u8,
    /// How often a unit is demoted.
    pub demotions: u8,
    /// How often a unit is told to go into maintenance.
    pub maintenances: u8,
    /// How often all monitored links of a unit go down, for good.
    pub cuts: u8,
    /// How many takes or withdrawals fail.
    pub failures: u8,
    /// How many role changes the flap limit allows; 0: more than any search comes to.
    pub flap_limit: u8,
    /// How many failure times a unit, which is never ready, waits for that; 0: it need not be ready.
    pub readiness: u8,
    /// So many steps are searched, from each beginning; 0: until nothing new is found.
    pub steps: u16,
}

impl Bound {
    /// An adversary that does nothing, to two units with the shortest failure time.
    pub const NOTHING: Self = Self {
        level: 2,
        resolution: 1,
        paths: 1,
        losses: 0,
        duplicates: 0,
        delays: 0,
        crashes: 0,
        pauses: 0,
        orders: 0,
        equal_faults: 0,
        demotions: 0,
        maintenances: 0,
        cuts: 0,
        failures: 0,
        flap_limit: 0,
        readiness: 0,
        steps: 0,
    };
    /// What the role machine has to stand: 2 losses, 1 duplicate, 1 delay, 1 crash with restart, 1 pause, 1
    /// hand-over.
    pub const WHOLE: Self = Self {
        losses: 2,
        duplicates: 1,
        delays: 1,
        crashes: 1,
        pauses: 1,
        orders: 1,
        ..Self::NOTHING
    };
    /// The same fault on both units, at any two moments, on a network with faults (L2).
    pub const FAULTS: Self = Self { crashes: 0, pauses: 0, equal_faults: 1, ..Self::WHOLE };

    /// The failure time, in steps.
    #[must_use]
    pub const fn failure_time(&self) -> u8 {
        self.level * self.resolution
    }
}

/// What the adversary has a number of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Loss,
    Duplicate,
    Delay,
    Crash,
    Pause,
    Order,
    /// A unit becomes less fit: of the Primary, and of the Secondary.
    FaultA,
    FaultB,
    Demotion,
    Maintenance,
    Cut,
    Failure,
    /// In a cluster: a link goes down or up, other ranks are set, an action takes a step longer.
    Link,
    Ranks,
    Slow,
}

/// What the adversary may still do: four bits for each [`Kind`], of which the highest stays free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Left(u64);

const HIGHEST: u64 = 0x8888_8888_8888_8888;

impl Left {
    pub(crate) const NOTHING: Self = Self(0);

    pub(crate) fn new(bound: &Bound) -> Self {
        Self::of([
            (Kind::Loss, bound.losses),
            (Kind::Duplicate, bound.duplicates),
            (Kind::Delay, bound.delays),
            (Kind::Crash, bound.crashes),
            (Kind::Pause, bound.pauses),
            (Kind::Order, bound.orders),
            (Kind::FaultA, bound.equal_faults),
            (Kind::FaultB, bound.equal_faults),
            (Kind::Demotion, bound.demotions),
            (Kind::Maintenance, bound.maintenances),
            (Kind::Cut, bound.cuts),
            (Kind::Failure, bound.failures),
        ])
    }

    /// So much of each kind, and nothing of any other.
    pub(crate) fn of(all: impl IntoIterator<Item = (Kind, u8)>) -> Self {
        Self(all.into_iter().fold(0, |left, (kind, count)| {
            assert!(count <= 7, "the adversary may do nothing more than seven times");
            left | u64::from(count) << (4 * kind as u32)
        }))
    }

    pub(crate) fn count(self, kind: Kind) -> u64 {
        self.0 >> (4 * kind as u32) & 7
    }

    pub(crate) fn has(self, kind: Kind) -> bool {
        self.count(kind) > 0
    }

    /// The adversary does it once.
    pub(crate) fn spend(&mut self, kind: Kind) {
        self.0 -= 1 << (4 * kind as u32);
    }

    /// At least as much as the other: whatever can follow from a state with that can follow with this.
    pub(crate) fn covers(self, other: Self) -> bool {
        // The free bit of a kind is borrowed from where there is less.
        ((self.0 | HIGHEST) - other.0) & HIGHEST == HIGHEST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More of one thing does not make up for less of another.
    #[test]
    fn what_covers_has_no_less_of_anything() {
        let left = |losses, crashes| Left::new(&Bound { losses, crashes, ..Bound::NOTHING });
        assert!(left(2, 1).covers(left(2, 1)));
        assert!(left(2, 1).covers(left(1, 0)));
        assert!(!left(2, 0).covers(left(0, 1)));
        assert!(!left(0, 7).covers(left(1, 0)));
        let mut one = left(2, 1);
        one.spend(Kind::Loss);
        assert_eq!(one, left(1, 1));
        assert!(one.has(Kind::Crash) && !left(3, 0).has(Kind::Crash));
    }
}
