//! The numbers of the table: gaps in a stream of moments, and order statistics.

use std::time::Duration;

use serde::Serialize;

/// The largest time between two consecutive moments of which the later lies in `from..=to`; silence
/// up to `to` counts as if a moment fell on `to`. `moments` are in order. `None` without any moment
/// up to `to`.
pub(super) fn largest_gap(moments: &[Duration], from: Duration, to: Duration) -> Option<Duration> {
    let moments = &moments[..moments.partition_point(|moment| *moment <= to)];
    let begin = moments.partition_point(|moment| *moment < from).saturating_sub(1);
    let within = &moments[begin..];
    let silence = to - *within.last()?;
    let largest = within.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default();
    Some(largest.max(silence))
}

/// Smallest, middle and largest of some values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spread {
    pub(super) min: Duration,
    pub(super) median: Duration,
    pub(super) max: Duration,
}

impl Spread {
    /// `None` without values. The median of an even number of values is the mean of the two in the
    /// middle.
    pub(super) fn of(values: impl IntoIterator<Item = Duration>) -> Option<Self> {
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_unstable();
        let (min, max) = (*values.first()?, *values.last()?);
        let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        Some(Self { min, median: low + (high - low) / 2, max })
    }
}

/// A duration in milliseconds, as the table and JSON give it.
pub(super) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

impl Serialize for Spread {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let mut fields = serializer.serialize_struct("Spread", 3)?;
        fields.serialize_field("min_ms", &milliseconds(self.min))?;
        fields.serialize_field("median_ms", &milliseconds(self.median))?;
        fields.serialize_field("max_ms", &milliseconds(self.max))?;
        fields.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(values: impl IntoIterator<Item = u64>) -> Vec<Duration> {
        values.into_iter().map(Duration::from_millis).collect()
    }

    fn gap(moments: &[Duration], from: u64, to: u64) -> Option<u64> {
        largest_gap(moments, Duration::from_millis(from), Duration::from_millis(to))
            .map(|gap| u64::try_from(gap.as_millis()).unwrap())
    }

    #[test]
    fn an_undisturbed_stream_has_the_gap_of_its_interval() {
        assert_eq!(gap(&ms(0..=100), 10, 90), Some(1));
    }

    #[test]
    fn a_gap_that_began_before_the_window_counts_in_full() {
        let moments = ms((0..=49).chain(80..=100));
        assert_eq!(gap(&moments, 50, 100), Some(31));
        assert_eq!(gap(&moments, 70, 100), Some(31));
        assert_eq!(gap(&moments, 81, 100), Some(1));
    }

    #[test]
    fn the_window_before_does_not_see_the_fault() {
        let moments = ms((0..=49).chain(80..=100));
        assert_eq!(gap(&moments, 10, 50), Some(1));
    }

    #[test]
    fn silence_at_the_end_counts() {
        assert_eq!(gap(&ms(0..=49), 40, 2_000), Some(1_951));
        assert_eq!(gap(&ms(0..=49), 500, 2_000), Some(1_951));
        assert_eq!(gap(&[], 0, 10), None);
        assert_eq!(gap(&ms([20]), 0, 10), None);
    }

    #[test]
    fn spread_of_few_values() {
        let spread = |values: &[u64]| {
            Spread::of(ms(values.iter().copied()))
                .map(|s| (s.min.as_millis(), s.median.as_millis(), s.max.as_millis()))
        };
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[7]), Some((7, 7, 7)));
        assert_eq!(spread(&[9, 1]), Some((1, 5, 9)));
        assert_eq!(spread(&[30, 10, 20]), Some((10, 20, 30)));
    }
}
