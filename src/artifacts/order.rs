//! The order of names for people.

use std::cmp::Ordering;

/// Compares names byte by byte, but runs of digits as numbers. Total: names that count as equal, such as `a1` and
/// `a01`, are ordered by their bytes.
pub(super) fn natural_order(left: &str, right: &str) -> Ordering {
    let (mut a, mut b) = (left.as_bytes(), right.as_bytes());
    while let (Some(first_a), Some(first_b)) = (a.first(), b.first()) {
        let order;
        if first_a.is_ascii_digit() && first_b.is_ascii_digit() {
            let (number_a, number_b);
            (number_a, a) = split_number(a);
            (number_b, b) = split_number(b);
            order = number_a.len().cmp(&number_b.len()).then_with(|| number_a.cmp(number_b));
        } else {
            order = first_a.cmp(first_b);
            (a, b) = (&a[1..], &b[1..]);
        }
        if order.is_ne() {
            return order;
        }
    }
    a.len().cmp(&b.len()).then_with(|| left.cmp(right))
}

/// The digits that `text` begins with, without leading zeros, and the rest.
fn split_number(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let start = digits.iter().position(|byte| *byte != b'0').unwrap_or(digits.len());
    (&digits[start..], rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_in_names_are_ordered_as_numbers() {
        let mut names = ["epoch_10", "epoch_2", "b", "a10b", "a9c", "a01", "a1", "Z", "a", "10", "9"];

        names.sort_unstable_by(|a, b| natural_order(a, b));

        assert_eq!(names, ["9", "10", "Z", "a", "a01", "a1", "a9c", "a10b", "b", "epoch_2", "epoch_10"]);
    }

    proptest! {
        #[test]
        fn the_order_of_names_is_total(mut names in proptest::collection::vec("[a0-2]{0,5}", 3)) {
            names.sort_by(|a, b| natural_order(a, b));
            prop_assert!(natural_order(&names[0], &names[2]).is_le());
            prop_assert_eq!(natural_order(&names[0], &names[1]), natural_order(&names[1], &names[0]).reverse());
            prop_assert_eq!(natural_order(&names[0], &names[1]).is_eq(), names[0] == names[1]);
        }
    }
}
