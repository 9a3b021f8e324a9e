//! Where on the x axis points lie: the grid that all series of an answer share.
//!
//! A place on the axis is an `i64`: the step, milliseconds, or, where a metric is the axis, the bits of its value in the
//! order of the numbers ([`place_of`]).

/// The place of a number on an axis of numbers.
pub fn place_of(number: f64) -> i64 {
    let bits = number.to_bits() as i64;
    // All bits but the sign count the other way round below zero.
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

/// The number at a place.
pub fn number_at(place: i64) -> f64 {
    f64::from_bits(if place < 0 { place ^ i64::MAX } else { place } as u64)
}

/// The x that occur, if they are few.
#[derive(Debug)]
pub struct Distinct {
    places: Vec<i64>,
    limit: usize,
    fresh: Vec<i64>,
    is_over: bool,
}

impl Distinct {
    /// Counts up to `limit` places.
    pub fn new(limit: usize) -> Self {
        Distinct { places: Vec::new(), limit, fresh: Vec::new(), is_over: false }
    }

    /// There are too many.
    pub fn give_up(&mut self) {
        *self = Distinct { is_over: true, ..Distinct::new(self.limit) };
    }

    /// Whether there are too many.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// Adds a place of a series.
    #[inline]
    pub fn add(&mut self, place: i64) {
        if !self.is_over && self.fresh.last() != Some(&place) {
            self.fresh.push(place);
            if self.fresh.len() > 4 * self.limit {
                self.settle();
            }
        }
    }

    /// Ends the points of one series: the next one begins anew, and mostly has the same places.
    pub fn settle(&mut self) {
        self.fresh.sort_unstable();
        self.fresh.dedup();
        if self.fresh != self.places {
            self.places.append(&mut self.fresh);
            self.places.sort_unstable();
            self.places.dedup();
        }
        self.fresh.clear();
        if self.places.len() > self.limit {
            self.give_up();
        }
    }

    /// The places in order, unless there are too many.
    pub fn finish(mut self) -> Option<Vec<i64>> {
        self.settle();
        (!self.is_over).then_some(self.places)
    }
}

/// The buckets of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Grid {
    /// A bucket for each x that occurs.
    Exact {
        /// The places, ascending.
        places: Vec<i64>,
        /// Whether they are numbers.
        numbers: bool,
    },
    /// Equal buckets of integers.
    Integers {
        /// Where the first begins.
        start: i64,
        /// How many integers each has; one less where these are all that there are.
        width: u64,
        /// The greatest integer.
        end: i64,
    },
    /// Equal buckets of numbers.
    Numbers {
        /// Where the first begins.
        start: f64,
        /// How wide each is.
        width: f64,
        /// How many there are.
        count: u32,
    },
}

impl Grid {
    /// At most `count` equal buckets from `start` to `end`, both included.
    pub fn equal((start, end): (i64, i64), count: usize, numbers: bool) -> Self {
        if numbers {
            let (start, end) = (number_at(start), number_at(end));
            // Halves first: the whole distance may be no finite number.
            let width = (end / count as f64 - start / count as f64).max(f64::MIN_POSITIVE);
            return Grid::Numbers { start, width, count: count as u32 };
        }
        let span = u128::from(end.wrapping_sub(start) as u64) + 1;
        let width = span.div_ceil(count as u128);
        // One bucket of all integers there are is the only one whose width does not fit; all of them are in it.
        Grid::Integers { start, width: u64::try_from(width).unwrap_or(u64::MAX), end }
    }

    /// Whether every bucket is one place.
    pub fn is_exact(&self) -> bool {
        matches!(self, Grid::Exact { .. } | Grid::Integers { width: 1, .. })
    }

    /// How many buckets there are.
    pub fn buckets(&self) -> u32 {
        match self {
            Grid::Exact { places, .. } => places.len() as u32,
            Grid::Integers { end, .. } => self.index(*end) + 1,
            Grid::Numbers { count, .. } => *count,
        }
    }

    /// The bucket of a place that lies in the grid.
    #[inline]
    pub fn index(&self, place: i64) -> u32 {
        match self {
            Grid::Exact { places, .. } => {
                places.partition_point(|other| *other < place).min(places.len().saturating_sub(1)) as u32
            }
            Grid::Integers { start, width, end } => {
                let last = (end.wrapping_sub(*start) as u64 - u64::from(*width == u64::MAX)) / width;
                ((place.wrapping_sub(*start) as u64) / width).min(last) as u32
            }
            Grid::Numbers { start, width, count } => {
                // Divided apart for the sake of distances that are no finite number.
                let index = number_at(place) / width - start / width;
                (index.max(0.0) as u32).min(count - 1)
            }
        }
    }

    /// The places from the first to the last that are in the same bucket, where that is cheap to know.
    #[inline]
    pub fn reach(&self, place: i64, index: u32) -> (i64, i64) {
        match self {
            // All integers there are, one more than the width says.
            Grid::Integers { start, width: u64::MAX, end } => (*start, *end),
            Grid::Integers { start, width, end } => {
                let first = start.wrapping_add((u64::from(index).wrapping_mul(*width)) as i64);
                let left = end.wrapping_sub(first) as u64;
                (first, first.wrapping_add((width - 1).min(left) as i64))
            }
            _ => (place, place),
        }
    }

    /// Where a bucket is drawn: the x itself, or the middle.
    pub fn position(&self, index: u32) -> Position {
        match self {
            Grid::Exact { places, numbers } => {
                let place = places.get(index as usize).copied().unwrap_or_default();
                if *numbers { Position::Number(number_at(place)) } else { Position::Integer(place) }
            }
            Grid::Integers { .. } => {
                let (first, last) = self.reach(0, index);
                Position::Integer(((i128::from(first) + i128::from(last)) >> 1) as i64)
            }
            Grid::Numbers { start, width, .. } => Position::Number(start + (f64::from(index) + 0.5) * width),
        }
    }
}

/// What of the axis is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Its buckets.
    pub grid: Grid,
    /// The first and the last place; points elsewhere are left out.
    pub range: (i64, i64),
}

impl Frame {
    /// A bucket for each of `places`, which are all that occur in `range`, or everywhere.
    pub fn exact(places: Vec<i64>, numbers: bool, range: Option<(i64, i64)>) -> Self {
        let ends = places.first().copied().zip(places.last().copied());
        // Without a place, nothing lies in the range.
        let range = range.or(ends).unwrap_or((1, 0));
        Frame { grid: Grid::Exact { places, numbers }, range }
    }
}

/// A place on the x axis as it is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Position {
    /// A step or milliseconds.
    Integer(i64),
    /// A value of a metric.
    Number(f64),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn places_are_in_the_order_of_the_numbers(one: f64, other: f64) {
            prop_assume!(!one.is_nan() && !other.is_nan());
            prop_assert_eq!(number_at(place_of(one)).to_bits(), one.to_bits());
            prop_assert_eq!(place_of(one).cmp(&place_of(other)), one.total_cmp(&other));
        }

        #[test]
        fn every_integer_is_in_the_bucket_that_a_plain_division_says(
            ends in (any::<i64>(), any::<i64>()),
            near in any::<bool>(),
            distance in 0..5_000_i64,
            count in 1..2_001_usize,
            place: i64,
        ) {
            let end = if near { ends.0.saturating_add(distance) } else { ends.1 };
            let (start, end) = (ends.0.min(end), ends.0.max(end));
            let place = place.clamp(start, end);
            let grid = Grid::equal((start, end), count, false);

            let index = grid.index(place);
            let (first, last) = grid.reach(place, index);

            let span = i128::from(end) - i128::from(start) + 1;
            let width = (span + count as i128 - 1) / count as i128;
            prop_assert_eq!(i128::from(index), (i128::from(place) - i128::from(start)) / width);
            prop_assert!((index as usize) < count);
            prop_assert!(first <= place && place <= last && start <= first && last <= end);
            prop_assert_eq!((grid.index(first), grid.index(last)), (index, index));
            let Position::Integer(middle) = grid.position(index) else { panic!("an integer") };
            prop_assert!(first <= middle && middle <= last);
        }

        #[test]
        fn numbers_are_in_ascending_buckets(start: f64, end: f64, count in 1..2_000_usize, mut values: Vec<f64>) {
            prop_assume!(start.is_finite() && end.is_finite());
            let (start, end) = (start.min(end), start.max(end));
            values.retain(|value| (start..=end).contains(value));
            values.extend([start, end]);
            values.sort_by(f64::total_cmp);
            let grid = Grid::equal((place_of(start), place_of(end)), count, true);

            let indices: Vec<u32> = values.iter().map(|value| grid.index(place_of(*value))).collect();

            prop_assert!(indices.is_sorted() && indices[indices.len() - 1] < count as u32);
        }
    }

    #[test]
    fn all_integers_are_in_one_bucket_or_in_two() {
        let one = Grid::equal((i64::MIN, i64::MAX), 1, false);
        let two = Grid::equal((i64::MIN, i64::MAX), 2, false);

        assert_eq!([i64::MIN, 0, i64::MAX].map(|place| one.index(place)), [0, 0, 0]);
        assert_eq!(one.reach(0, 0), (i64::MIN, i64::MAX));
        assert_eq!([i64::MIN, -1, 0, i64::MAX].map(|place| two.index(place)), [0, 0, 1, 1]);
        assert_eq!(two.position(0), Position::Integer(i64::MIN / 2 - 1));
    }

    #[test]
    fn places_are_exact_while_they_are_few() {
        let mut few = Distinct::new(4);
        for place in [3, 1, 3, 3, 2, 1] {
            few.add(place);
        }
        few.settle();
        few.add(7);
        let mut many = Distinct::new(4);
        (0..5).for_each(|place| many.add(place));

        assert_eq!(few.finish(), Some(vec![1, 2, 3, 7]));
        assert_eq!(many.finish(), None);
    }
}
