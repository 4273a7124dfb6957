//! What the oracle sees of a heartbeat on the wire, without parsing it a second time: fields of the part
//! that keeps its place in every version of the protocol (`ha_core::pair::heartbeat` draws it).

use ha_core::pair::Stance;

const STANCE: usize = 5;
const FLAGS: usize = 6;
const SECONDARY: u8 = 1;
const PREEMPT: u8 = 1 << 1;
const ELIGIBLE: u8 = 1 << 2;
const WEIGHT: usize = 12;
const START: usize = 16;
const NUMBER: usize = 24;
const ASK: usize = 56;
const RELEASE: usize = 64;
const FIXED_LEN: usize = 104;

/// What an onlooker reads of a heartbeat.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glimpse {
    pub(crate) stance: Stance,
    pub(crate) weight: u16,
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
        Some(Self {
            stance: Stance::from_wire(fixed[STANCE])?,
            weight: u16::from_be_bytes([fixed[WEIGHT], fixed[WEIGHT + 1]]),
            start: number(START)?,
            number: number(NUMBER)?,
            release: number(RELEASE)?,
            ask: number(ASK)?,
            eligible: fixed[FLAGS] & ELIGIBLE != 0,
            preempts: fixed[FLAGS] & (SECONDARY | PREEMPT) == PREEMPT,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::peer;

    /// What is glimpsed is what the parser reads.
    #[test]
    fn a_glimpse_is_what_the_parser_reads() {
        let mut buf = [0; 256];
        for stance in Stance::ALL {
            let heartbeat = ha_core::pair::Heartbeat {
                stance,
                eligible: stance == Stance::Standby,
                weight: 0x1234,
                release: 99,
                ask: 0x0102_0304_0506_0708,
                ..peer(9)
            };
            let len = heartbeat.emit(&mut buf).unwrap();
            let seen = Glimpse::of(&buf[..len]).unwrap();
            assert_eq!((seen.stance, seen.weight, seen.ask), (stance, 0x1234, heartbeat.ask));
            let id = (heartbeat.id.start, heartbeat.id.number);
            assert_eq!((seen.start, seen.number, seen.release), (id.0, id.1, 99));
            assert_eq!(seen.eligible, heartbeat.eligible);
        }
    }
}
