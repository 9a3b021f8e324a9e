//! What is kept of the points of one bucket.

use crate::model::MetricValue;
use crate::store::points::chunk::Summary;

/// Numbers beyond this are summed apart and scaled down, so that no sum of a series overflows.
const LARGE: f64 = 1e290;
/// A power of two: scaling by it loses nothing of numbers that are large.
const DOWN: f64 = 1.0 / 18_446_744_073_709_551_616.0;

/// A sum of finite numbers that does not overflow.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sum {
    small: f64,
    large: f64,
}

impl Sum {
    /// Adds a number.
    #[inline]
    pub fn add(&mut self, value: f64) {
        if value.abs() < LARGE {
            self.small += value;
        } else {
            self.large += value * DOWN;
        }
    }

    /// The mean of `count` summed numbers, which all lie between `min` and `max`.
    pub fn mean(&self, count: u64, (min, max): (f64, f64)) -> f64 {
        let count = count as f64;
        // Rounding must not carry it outside.
        (self.small / count + self.large / count / DOWN).clamp(min, max)
    }
}

/// The finite numbers of one bucket. Equal whichever way its points were put together, up to the rounding of sums.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// How many.
    pub count: u64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// The last in the order of the history.
    pub last: f64,
    sum: Sum,
    smooth: Sum,
    smooth_range: (f64, f64),
}

impl Default for Bucket {
    fn default() -> Self {
        Bucket {
            count: 0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            last: 0.0,
            sum: Sum::default(),
            smooth: Sum::default(),
            smooth_range: (f64::INFINITY, f64::NEG_INFINITY),
        }
    }
}

impl Bucket {
    /// Adds a finite number.
    #[inline]
    pub fn add(&mut self, value: f64) {
        self.count += 1;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.last = value;
        self.sum.add(value);
    }

    /// Adds the smoothed value of a number that was added too.
    #[inline]
    pub fn add_smooth(&mut self, value: f64) {
        self.smooth_range = (self.smooth_range.0.min(value), self.smooth_range.1.max(value));
        self.smooth.add(value);
    }

    /// Adds numbers, which are not many times larger than a sum can hold; and, if there are as many, their smoothed values.
    /// Adds nothing and answers false if there is any other value among them.
    #[inline]
    pub fn add_all(&mut self, values: &[MetricValue], smooth: &[f64]) -> bool {
        let Some(last) = values.last() else { return true };
        let (found, smoothed) = (Figures::of(values, MetricValue::get), Figures::of(smooth, |value| value));
        if !found.is_sane || !smoothed.is_sane {
            return false;
        }
        self.count += values.len() as u64;
        self.min = self.min.min(found.min);
        self.max = self.max.max(found.max);
        self.last = last.get();
        self.sum.small += found.sum;
        self.smooth_range = (self.smooth_range.0.min(smoothed.min), self.smooth_range.1.max(smoothed.max));
        self.smooth.small += smoothed.sum;
        true
    }

    /// Adds all points of a chunk, if all are finite and their sum is known.
    pub fn add_chunk(&mut self, summary: &Summary) {
        let (Some(min), Some(max)) = (summary.min, summary.max) else { return };
        self.count += summary.count as u64;
        self.min = self.min.min(min);
        self.max = self.max.max(max);
        self.last = summary.last.value.get();
        self.sum.add(summary.sum);
    }

    /// The mean; not less than the least number and not more than the greatest.
    pub fn mean(&self) -> f64 {
        self.sum.mean(self.count, (self.min, self.max))
    }

    /// The mean of the smoothed values, if these were added.
    pub fn smooth(&self) -> f64 {
        self.smooth.mean(self.count, self.smooth_range)
    }
}

/// Whether a chunk's summary says all that a bucket wants to know of its points.
pub fn is_plain(summary: &Summary) -> bool {
    // A sum of large numbers may have been cut on the way.
    let is_small = |value: Option<f64>| value.is_some_and(|value| value.abs() < LARGE);
    summary.nan_count == 0 && is_small(summary.min) && is_small(summary.max)
}

/// What a bucket wants to know of many numbers.
struct Figures {
    sum: f64,
    min: f64,
    max: f64,
    is_sane: bool,
}

impl Figures {
    #[inline]
    fn of<T: Copy>(values: &[T], number: impl Fn(T) -> f64) -> Self {
        // Side by side, so that one addition does not wait for the one before.
        const LANES: usize = 4;
        let (mut sums, mut mins, mut maxs) = ([0.0; LANES], [f64::INFINITY; LANES], [f64::NEG_INFINITY; LANES]);
        let mut sane = [true; LANES];
        let mut add = |lane: usize, value: f64| {
            sums[lane] += value;
            mins[lane] = if value < mins[lane] { value } else { mins[lane] };
            maxs[lane] = if value > maxs[lane] { value } else { maxs[lane] };
            sane[lane] &= value.abs() < LARGE;
        };
        let (whole, rest) = values.as_chunks::<LANES>();
        for four in whole {
            for (lane, value) in four.iter().enumerate() {
                add(lane, number(*value));
            }
        }
        rest.iter().for_each(|value| add(0, number(*value)));
        Figures {
            sum: (sums[0] + sums[1]) + (sums[2] + sums[3]),
            min: mins.into_iter().fold(f64::INFINITY, f64::min),
            max: maxs.into_iter().fold(f64::NEG_INFINITY, f64::max),
            is_sane: sane == [true; LANES],
        }
    }
}

/// Buckets by their place in the grid; empty ones are left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Buckets {
    /// The places, ascending.
    pub at: Vec<u32>,
    /// The buckets at these places.
    pub buckets: Vec<Bucket>,
}

impl Buckets {
    /// The bucket at a place. The last one is found at once: points mostly come in the order of the grid.
    #[inline]
    pub fn get(&mut self, at: u32) -> &mut Bucket {
        let place = match self.at.last() {
            Some(last) if *last == at => self.at.len() - 1,
            Some(last) if *last > at => match self.at.binary_search(&at) {
                Ok(place) => place,
                Err(place) => {
                    self.at.insert(place, at);
                    self.buckets.insert(place, Bucket::default());
                    place
                }
            },
            _ => {
                self.at.push(at);
                self.buckets.push(Bucket::default());
                self.at.len() - 1
            }
        };
        &mut self.buckets[place]
    }

    /// Drops the buckets that nothing was added to.
    pub fn drop_empty(&mut self) {
        if self.buckets.iter().all(|bucket| bucket.count > 0) {
            return;
        }
        let mut buckets = self.buckets.iter();
        self.at.retain(|_| buckets.next().is_some_and(|bucket| bucket.count > 0));
        self.buckets.retain(|bucket| bucket.count > 0);
    }
}

/// Where values of one kind lie that are no finite numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// How many.
    pub count: u64,
    /// The step of the first in the order of the history.
    pub first_step: Option<i64>,
    /// Their places in the grid, each once, in no order until the curve is finished.
    pub at: Vec<u32>,
}

impl Marks {
    /// Adds a point at a place.
    pub fn add(&mut self, step: i64, at: u32) {
        self.count += 1;
        self.first_step.get_or_insert(step);
        if self.at.last() != Some(&at) {
            self.at.push(at);
            // Points that jump between places are rare; this bounds what they take.
            if self.at.len() >= 8_192 {
                self.sort();
            }
        }
    }

    /// Puts the places in order, each once.
    pub fn sort(&mut self) {
        self.at.sort_unstable();
        self.at.dedup();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_mean_of_any_finite_numbers_lies_between_them(
            values in prop::collection::vec(prop_oneof![any::<f64>(), -1e3..1e3, Just(1e308), Just(-1e308)], 1..40),
            cut: prop::sample::Index,
        ) {
            let values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
            prop_assume!(!values.is_empty());
            let (mut one_by_one, mut at_once) = (Bucket::default(), Bucket::default());
            let cut = cut.index(values.len());
            values.iter().for_each(|value| one_by_one.add(*value));
            let mut add = |values: &[f64]| {
                if !at_once.add_all(&Vec::from_iter(values.iter().copied().map(MetricValue::new)), &[]) {
                    values.iter().for_each(|value| at_once.add(*value));
                }
            };

            add(&values[..cut]);
            add(&values[cut..]);

            let expected = values.iter().map(|value| value / values.len() as f64).sum::<f64>();
            let scale = values.iter().fold(0.0_f64, |scale, value| scale.max(value.abs()));
            for bucket in [one_by_one, at_once] {
                prop_assert!(bucket.min <= bucket.mean() && bucket.mean() <= bucket.max);
                prop_assert!((bucket.mean() - expected).abs() <= scale * 1e-12, "{} {expected}", bucket.mean());
                prop_assert_eq!((bucket.count, bucket.last), (values.len() as u64, values[values.len() - 1]));
                prop_assert_eq!(bucket.min, values.iter().copied().fold(f64::INFINITY, f64::min));
                prop_assert_eq!(bucket.max, values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
            }
        }
    }

    #[test]
    fn what_is_no_common_number_is_not_added_among_others() {
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            for place in 0..9 {
                let mut values = [MetricValue::new(0.5); 9];
                values[place] = MetricValue::new(odd);
                let mut bucket = Bucket::default();

                assert!(!bucket.add_all(&values, &[]), "{odd} at {place}");
                assert_eq!(bucket, Bucket::default());
            }
        }
    }

    #[test]
    fn buckets_are_found_in_any_order() {
        let mut buckets = Buckets::default();

        for at in [5, 5, 9, 1, 5, 0, 9] {
            buckets.get(at).add(f64::from(at));
        }

        assert_eq!(buckets.at, [0, 1, 5, 9]);
        assert_eq!(buckets.buckets.iter().map(|bucket| bucket.count).collect::<Vec<_>>(), [1, 1, 3, 2]);
    }
}
