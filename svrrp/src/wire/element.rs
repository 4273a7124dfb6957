//! The elements behind the fixed fields of a message: type, length, value.

use super::bytes::malformed;
use ha_core::reject::Reject;

/// The bit of a type that says that the element must be understood.
pub const MUST_UNDERSTAND: u8 = 0x80;

/// The length of an element with a value of so many bytes.
pub(super) const fn element_len(value: usize) -> usize {
    value.saturating_add(2)
}

/// One element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element<'a> {
    pub(super) kind: u8,
    pub(super) value: &'a [u8],
}

impl Element<'_> {
    /// What becomes of an element of a type that the message does not have: it is skipped, if it may be.
    pub(super) const fn skip(self) -> Result<(), Reject> {
        if self.kind & MUST_UNDERSTAND == 0 { Ok(()) } else { Err(malformed("element type")) }
    }
}

/// The elements of a message, one after the other. After an error there are none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Elements<'a> {
    rest: &'a [u8],
    last: Option<u8>,
    repeats: Option<u8>,
}

impl<'a> Elements<'a> {
    /// Each type at most once.
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, last: None, repeats: None }
    }

    /// Each type at most once, but for this one.
    pub(super) const fn repeating(bytes: &'a [u8], kind: u8) -> Self {
        Self { rest: bytes, last: None, repeats: Some(kind) }
    }

    /// Those of a message that has none in this version: others are checked, and skipped if they may be.
    pub(super) fn none_known(bytes: &'a [u8]) -> Result<(), Reject> {
        Self::new(bytes).try_for_each(|element| element?.skip())
    }

    fn take(&mut self) -> Result<Element<'a>, Reject> {
        let [kind, len, tail @ ..] = self.rest else {
            return Err(Reject::Overlong { extra: self.rest.len() });
        };
        let kind = *kind;
        let beyond_end = malformed("element length");
        let (value, rest) = tail.split_at_checked(usize::from(*len)).ok_or(beyond_end)?;
        match self.last {
            Some(last) if kind == last && self.repeats != Some(kind) => {
                return Err(malformed("element twice"));
            }
            Some(last) if kind < last => return Err(malformed("element order")),
            _ => {}
        }
        self.last = Some(kind);
        self.rest = rest;
        Ok(Element { kind, value })
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Element<'a>, Reject>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let element = self.take();
        if element.is_err() {
            self.rest = &[];
        }
        Some(element)
    }
}
