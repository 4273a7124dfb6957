//! A reader and a writer over a slice that cannot leave it.

use super::CHECKSUM_LEN;
use ha_core::reject::Reject;
use serde::{Serialize, de::DeserializeOwned};

/// Takes fields off the front of a datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    whole: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(datagram: &'a [u8]) -> Self {
        Self { rest: datagram, whole: datagram }
    }

    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Checks the check sum over the whole datagram and takes it off the end.
    pub(super) fn cut_checksum(&mut self) -> Result<(), Reject> {
        let truncated = Reject::Truncated { at: self.whole.len() };
        let (covered, sum) = self.whole.split_last_chunk::<CHECKSUM_LEN>().ok_or(truncated)?;
        let rest = self.rest.split_last_chunk::<CHECKSUM_LEN>().ok_or(truncated)?.0;
        if crc32fast::hash(covered) != u32::from_be_bytes(*sum) {
            return Err(Reject::Checksum);
        }
        self.rest = rest;
        Ok(())
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], Reject> {
        let truncated = Reject::Truncated { at: self.whole.len() };
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Reject> {
        let truncated = Reject::Truncated { at: self.whole.len() };
        let (taken, rest) = self.rest.split_first_chunk::<N>().ok_or(truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Reject> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Reject> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, Reject> {
        self.array().map(u64::from_be_bytes)
    }

    /// Takes a value that postcard wrote.
    pub(super) fn value<T: DeserializeOwned>(&mut self, field: &'static str) -> Result<T, Reject> {
        let (value, rest) =
            postcard::take_from_bytes(self.rest).map_err(|_| Reject::Malformed { field })?;
        self.rest = rest;
        Ok(value)
    }

    /// Nothing may be left.
    pub(super) fn finish(self) -> Result<(), Reject> {
        match self.rest.len() {
            0 => Ok(()),
            extra => Err(Reject::Overlong { extra }),
        }
    }
}

/// Appends fields to a buffer. What does not fit is not written at all.
#[derive(Debug)]
pub(super) struct Writer<'a> {
    buf: &'a mut [u8],
    len: usize,
    limit: usize,
}

impl<'a> Writer<'a> {
    pub(super) const fn new(buf: &'a mut [u8], limit: usize) -> Self {
        Self { buf, len: 0, limit }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    /// Sets how many bytes there may be in all.
    pub(super) const fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> Option<()> {
        let end = self.len.checked_add(bytes.len()).filter(|end| *end <= self.limit)?;
        self.buf.get_mut(self.len..end)?.copy_from_slice(bytes);
        self.len = end;
        Some(())
    }

    pub(super) fn put_value<T: Serialize>(&mut self, value: &T) -> Option<()> {
        let end = self.limit.min(self.buf.len());
        let written = postcard::to_slice(value, self.buf.get_mut(self.len..end)?).ok()?.len();
        self.len = self.len.checked_add(written)?;
        Some(())
    }

    /// Writes over bytes that were put before.
    pub(super) fn patch(&mut self, at: usize, bytes: &[u8]) -> Option<()> {
        let end = at.checked_add(bytes.len()).filter(|end| *end <= self.len)?;
        self.buf.get_mut(at..end)?.copy_from_slice(bytes);
        Some(())
    }

    /// Takes back everything from `len` on.
    pub(super) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Appends the check sum and returns the length of the datagram.
    pub(super) fn finish(mut self) -> Option<usize> {
        let sum = crc32fast::hash(self.buf.get(..self.len)?);
        self.limit = usize::MAX;
        self.put(&sum.to_be_bytes())?;
        Some(self.len)
    }
}
