//! What the oracle sees of a heartbeat on the wire, without parsing it a second time: fields of the part
//! that keeps its place in every version of the protocol (`ha_core::pair::heartbeat` draws it).

use ha_core::pair::{Health, Stance};

const STANCE: usize = 5;
const LEVEL: usize = 6;
const OBSTACLES: usize = 7;
const FLAGS: usize = 12;
const SECONDARY: u16 = 1;
const PREEMPT: u16 = 1 << 1;
const DEMOTED: u16 = 1 << 3;
const WEIGHT: usize = 14;
const START: usize = 20;
const NUMBER: usize = 28;
const ASK: usize = 60;
const RELEASE: usize = 68;
const FIXED_LEN: usize = 108;

/// What an onlooker reads of a heartbeat.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glimpse {
    pub(crate) stance: Stance,
    /// The sender's failover trigger level.
    pub(crate) level: u8,
    pub(crate) health: Health,
    /// Which start of the sender it is of, and its number in that.
    pub(crate) start: u64,
    pub(crate) number: u64,
    /// The nonce of the question that is granted; 0 if none.
    pub(crate) release: u64,
    /// The nonce with which a hand-over is asked for; 0 if none.
    pub(crate) ask: u64,
    /// It may take the role.
    pub(crate) eligible: bool,
    /// It is the Primary, and takes the role back when it returns.
    pub(crate) preempts: bool,
}

impl Glimpse {
    /// `None`: this is no heartbeat.
    pub(crate) fn of(datagram: &[u8]) -> Option<Self> {
        let fixed = datagram.first_chunk::<FIXED_LEN>()?;
        let number = |at: usize| fixed[at..].first_chunk().copied().map(u64::from_be_bytes);
        let flags = u16::from_be_bytes([fixed[FLAGS], fixed[FLAGS + 1]]);
        let weight = u16::from_be_bytes([fixed[WEIGHT], fixed[WEIGHT + 1]]);
        Some(Self {
            stance: Stance::from_wire(fixed[STANCE])?,
            level: fixed[LEVEL],
            health: Health { fit: flags & DEMOTED == 0, weight },
            start: number(START)?,
            number: number(NUMBER)?,
            release: number(RELEASE)?,
            ask: number(ASK)?,
            eligible: fixed[OBSTACLES] == 0,
            preempts: flags & (SECONDARY | PREEMPT) == PREEMPT,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::peer;
    use ha_core::pair::Obstacles;

    /// What is glimpsed is what the parser reads.
    #[test]
    fn a_glimpse_is_what_the_parser_reads() {
        let mut buf = [0; 256];
        for stance in Stance::ALL {
            let heartbeat = ha_core::pair::Heartbeat {
                stance,
                obstacles: Obstacles::NONE.with(Obstacles::ISOLATED, stance == Stance::Standby),
                health: Health { fit: stance == Stance::Active, weight: 0x1234 },
                release: 99,
                ask: 0x0102_0304_0506_0708,
                ..peer(9)
            };
            let len = heartbeat.emit(&mut buf).unwrap();
            let seen = Glimpse::of(&buf[..len]).unwrap();
            assert_eq!((seen.stance, seen.ask), (stance, heartbeat.ask));
            assert_eq!(seen.level, heartbeat.level);
            assert_eq!(seen.health, heartbeat.health);
            assert_eq!(seen.eligible, heartbeat.obstacles.is_empty());
            let id = (heartbeat.id.start, heartbeat.id.number);
            assert_eq!((seen.start, seen.number, seen.release), (id.0, id.1, 99));
        }
    }
}
