//! How errors repeat what a client sent: as much as helps to recognise it, in the notation that MLflow's texts have.

use std::borrow::Cow;
use std::fmt::Write;

use super::character_end;

/// How many characters of a value an error repeats.
const MAX_CHARACTERS: usize = 300;

/// `text`, or its beginning and an ellipsis.
pub fn excerpt(text: &str) -> Cow<'_, str> {
    match character_end(MAX_CHARACTERS, text) {
        None => Cow::Borrowed(text),
        Some(end) => Cow::Owned(format!("{}…", &text[..end])),
    }
}

/// The excerpt of `text` as Python's `repr` shows a string: single quotes, unless it has such and no double ones.
pub fn python_string(text: &str) -> String {
    let text = excerpt(text);
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push(quote);
    for character in text.chars() {
        match character {
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            _ if character == quote => quoted.extend(['\\', quote]),
            _ if character.is_control() => {
                write!(quoted, "\\x{:02x}", u32::from(character)).expect("writing to a String");
            }
            _ => quoted.push(character),
        }
    }
    quoted.push(quote);
    quoted
}

/// The excerpt of `text` as a JSON string of ASCII characters, as Python's `json` writes it.
pub(super) fn json_string(text: &str) -> String {
    let text = excerpt(text);
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            ' '..='~' => quoted.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(quoted, "\\u{unit:04x}").expect("writing to a String");
                }
            }
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_ends_at_a_character() {
        assert_eq!(excerpt("short"), "short");
        assert_eq!(excerpt(&"é".repeat(MAX_CHARACTERS)), "é".repeat(MAX_CHARACTERS));
        assert_eq!(excerpt(&"é".repeat(MAX_CHARACTERS + 1)), format!("{}…", "é".repeat(MAX_CHARACTERS)));
    }

    #[test]
    fn python_strings_are_quoted_as_repr_does() {
        assert_eq!(python_string("a"), "'a'");
        assert_eq!(python_string("it's"), r#""it's""#);
        assert_eq!(python_string(r#"'"'"#), r#"'\'"\''"#);
        assert_eq!(python_string("é\\\n\r\t\u{1}\u{7f}"), r"'é\\\n\r\t\x01\x7f'");
    }

    #[test]
    fn json_strings_are_ascii() {
        assert_eq!(json_string("a\"\\/\n\u{0}é😀"), r#""a\"\\/\n\u0000\u00e9\ud83d\ude00""#);
    }
}
