//! `LIKE` on SQLite, where the operator of that name ignores case and `GLOB` does not.

/// The `GLOB` pattern that matches what `pattern` matches as a case-sensitive `LIKE` without an escape character:
/// `%` is any text, `_` one character, everything else itself.
pub fn like_to_glob(pattern: &str) -> String {
    let mut glob = String::with_capacity(pattern.len());
    for character in pattern.chars() {
        match character {
            '%' => glob.push('*'),
            '_' => glob.push('?'),
            // GLOB has no escape character either, but a class of one character is that character. `]` means
            // something only inside a class.
            '*' | '?' | '[' => glob.extend(['[', character, ']']),
            _ => glob.push(character),
        }
    }
    glob
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_translated() {
        assert_eq!(like_to_glob("%loss_"), "*loss?");
    }

    #[test]
    fn what_only_glob_treats_specially_is_matched_as_itself() {
        assert_eq!(like_to_glob("a*b?c[d]"), "a[*]b[?]c[[]d]");
    }

    #[test]
    fn everything_else_is_kept() {
        assert_eq!(like_to_glob(r"^\-!é'"), r"^\-!é'");
    }
}
