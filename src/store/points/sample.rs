//! Fewer points of a long history, for a plot.

/// The places of at most `max` of `count` points, evenly spread; the first and the last are among them, and if only
/// one is wanted it is the last (the rule of MLflow 3.18: of 10 points, 5 are those at 0, 2, 4, 6 and 9).
pub fn sample_indices(count: usize, max: usize) -> Vec<usize> {
    match max {
        _ if count <= max => (0..count).collect(),
        0 => Vec::new(),
        1 => vec![count - 1],
        _ => (0..max).map(|index| index * (count - 1) / (max - 1)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ten_points_are_sampled_as_mlflow_does() {
        assert_eq!(sample_indices(10, 5), [0, 2, 4, 6, 9]);
        assert_eq!(sample_indices(10, 2), [0, 9]);
        assert_eq!(sample_indices(10, 1), [9]);
        assert_eq!(sample_indices(3, 5), [0, 1, 2]);
        assert_eq!(sample_indices(0, 5), [0; 0]);
        assert_eq!(sample_indices(5, 0), [0; 0]);
    }

    proptest! {
        #[test]
        fn a_sample_has_the_ends_and_even_gaps(count in 3..100_000_usize, max in 2..2_500_usize) {
            let sample = sample_indices(count, max);

            prop_assert_eq!(sample.len(), max.min(count));
            prop_assert_eq!((sample[0], sample[sample.len() - 1]), (0, count - 1));
            let gaps = || sample.windows(2).map(|pair| pair[1] - pair[0]);
            prop_assert!(gaps().min().unwrap() >= 1);
            prop_assert!(gaps().max().unwrap() - gaps().min().unwrap() <= 1);
        }
    }
}
