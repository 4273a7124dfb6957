//! Values that are kept once each, and known by a small number: states of the search are small, since what
//! they have in common is here.

use super::hash::Map;
use std::sync::{Mutex, OnceLock};

const CHUNK: u32 = 1 << 12;
const CHUNKS: u32 = 1 << 14;

type Chunk<T> = Box<[OnceLock<T>]>;

/// Values by number. Who has a number reads without a lock.
pub(crate) struct Store<T> {
    /// The number of the first one: stores that follow one another share no number.
    first: u32,
    chunks: Box<[OnceLock<Chunk<T>>]>,
    known: Mutex<Map<u128, u32>>,
}

fn empty<T>(len: u32) -> Box<[OnceLock<T>]> {
    (0..len).map(|_| OnceLock::new()).collect()
}

impl<T> Store<T> {
    pub(crate) fn new(first: u32) -> Self {
        Self { first, chunks: empty(CHUNKS), known: Mutex::default() }
    }

    /// The number of the value with this fingerprint, which is made if it is new.
    pub(crate) fn put(&self, fingerprint: u128, make: impl FnOnce() -> T) -> u32 {
        let mut known = self.known.lock().expect("nobody panics with it");
        let at = u32::try_from(known.len()).expect("memory is not that large");
        let number = *known.entry(fingerprint).or_insert(self.first + at);
        if number == self.first + at {
            let chunk = self.chunks[(at / CHUNK) as usize].get_or_init(|| empty(CHUNK));
            let is_free = chunk[(at % CHUNK) as usize].set(make()).is_ok();
            assert!(is_free, "numbers are given once");
        }
        number
    }

    /// The value of this number, if it is of this store and not of the one before.
    pub(crate) fn get(&self, number: u32) -> Option<&T> {
        let at = number.checked_sub(self.first)?;
        self.chunks[(at / CHUNK) as usize].get()?[(at % CHUNK) as usize].get()
    }

    /// The first number that is not of this store.
    pub(crate) fn end(&self) -> u32 {
        let known = self.known.lock().expect("nobody panics with it");
        self.first + u32::try_from(known.len()).expect("memory is not that large")
    }
}
