//! `LIKE` where no database does it: on SQLite, whose operator of that name ignores case and whose `GLOB` does not, and
//! in Rust.

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

/// Whether `text` is like `pattern`: `%` is any text, `_` one character, everything else itself. `fold_case` ignores the
/// case of ASCII letters.
pub fn like_matches(pattern: &str, text: &str, fold_case: bool) -> bool {
    let same = |left: char, right: char| left == right || (fold_case && left.eq_ignore_ascii_case(&right));
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // Where to go on if what follows the last `%` does not match here: one character later.
    let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let before = text.clone();
        let matched = match pattern.next() {
            Some('%') => {
                retry = Some((pattern.clone(), before));
                continue;
            }
            Some(expected) => text.next().is_some_and(|found| expected == '_' || same(expected, found)),
            None if text.as_str().is_empty() => return true,
            None => false,
        };
        if matched {
            continue;
        }
        let Some((after_wildcard, mut rest)) = retry else { return false };
        if rest.next().is_none() {
            return false;
        }
        (pattern, text) = (after_wildcard.clone(), rest.clone());
        retry = Some((after_wildcard, rest));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    #[test]
    fn percent_is_any_text_and_underscore_one_character() {
        for (pattern, text) in [
            ("", ""),
            ("loss", "loss"),
            ("%", ""),
            ("%%", "x"),
            ("l%s", "ls"),
            ("%loss%", "val_loss/1"),
            ("%a_c%", "xxabcabd"),
            ("%ab%ab", "abxab"),
            ("_", "é"),
            ("gr__e", "größe"),
            ("_%_", "天気"),
            (r"\%", r"\x"),
            ("a*[b]?", "a*[b]?"),
        ] {
            assert!(like_matches(pattern, text, false), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("", "x"),
            ("loss", "loss "),
            ("_", ""),
            ("__", "é"),
            ("l%s", "loss!"),
            ("%ab%ab", "xab"),
            ("_%_", "x"),
            (r"\%", "%"),
            ("*", "x"),
        ] {
            assert!(!like_matches(pattern, text, false), "{pattern} {text}");
        }
    }

    #[test]
    fn only_the_case_of_ascii_letters_is_ignored() {
        assert!(like_matches("%LoSs_", "val_lOsSé", true));
        assert!(!like_matches("%LoSs_", "val_lOsSé", false));
        assert!(!like_matches("É", "é", true));
        // Lower-case forms of the Kelvin sign and of the long s are ASCII in Unicode's folding.
        assert!(!like_matches("k", "\u{212a}", true));
        assert!(!like_matches("[", "{", true));
    }

    #[test]
    fn many_wildcards_that_nearly_match_take_no_more_than_pattern_times_text() {
        let text = "a".repeat(8000);

        for pattern in ["%a".repeat(4000) + "b", "a%".repeat(4000) + "b", "%".to_owned() + &"_a".repeat(2000) + "b"] {
            assert!(!like_matches(&pattern, &text, true));
        }
    }

    /// What the words of the documentation say, in exponential time.
    fn naively(pattern: &[char], text: &[char], fold_case: bool) -> bool {
        let folded = |character: char| if fold_case { character.to_ascii_lowercase() } else { character };
        match pattern.split_first() {
            None => text.is_empty(),
            Some(('%', rest)) => (0..=text.len()).any(|skipped| naively(rest, &text[skipped..], fold_case)),
            Some((&expected, rest)) => text.split_first().is_some_and(|(&found, text)| {
                (expected == '_' || folded(expected) == folded(found)) && naively(rest, text, fold_case)
            }),
        }
    }

    proptest! {
        #[test]
        fn matching_agrees_with_trying_everything(
            pattern in "[aAbé%_]{0,8}",
            text in "[aAbBéÉ%]{0,10}",
            fold_case in any::<bool>(),
        ) {
            let characters = |text: &str| text.chars().collect::<Vec<char>>();

            let expected = naively(&characters(&pattern), &characters(&text), fold_case);

            prop_assert_eq!(like_matches(&pattern, &text, fold_case), expected);
        }
    }
}
