//! The values of params and tags, which are kept in two columns: `head` is the first 200 characters, `tail` the rest, or
//! NULL where there is none.
//!
//! Values reach 6,000 and 8,000 characters, more than a PostgreSQL index row holds. So indexes hold the head, and the
//! head of nearly every value is all of it. Two values compare as their heads do, and, where these are equal, as their
//! tails: a head that is shorter than another has no tail.

/// Characters of a head.
const HEAD: usize = 200;

/// The head and the tail of a value.
pub(super) fn split(value: &str) -> (&str, Option<&str>) {
    match value.char_indices().nth(HEAD) {
        Some((end, _)) => (&value[..end], Some(&value[end..])),
        None => (value, None),
    }
}

/// Whether a head is as long as one can be, so that there may be more.
pub(super) fn is_full(head: &str) -> bool {
    head.chars().nth(HEAD - 1).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_value_of_more_than_200_characters_has_a_tail() {
        let head = "é".repeat(200);

        assert_eq!(split(""), ("", None));
        assert_eq!(split(&head), (head.as_str(), None));
        assert_eq!(split(&format!("{head}ab")), (head.as_str(), Some("ab")));
        assert!(is_full(&head) && !is_full("é"));
    }
}
