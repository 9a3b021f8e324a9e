//! The rule of names (contract section 5.1), which metrics, params and tags share.

use std::fmt;

use super::invalid;
use super::quote::{json_string, python_string};
use crate::error::Result;

/// The ASCII characters that names are made of. The rule runs for every point of a batch, and most names are ASCII.
const ASCII_ALLOWED: [bool; 256] = {
    let mut allowed = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        allowed[byte] = is_allowed_ascii(byte as u8);
        byte += 1;
    }
    allowed
};

const fn is_allowed_ascii(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b':' | b' ')
}

/// Refuses `name`, the value of `field`, unless it is made of letters, digits, `_ - . / :` and blanks, and is, taken
/// as a path, what normalising it gives: MLflow's clients may write it as a file.
pub(super) fn name_rule(field: impl fmt::Display, name: &str) -> Result<()> {
    if is_plain(name) {
        return Ok(());
    }
    if !has_allowed_characters(name) {
        return invalid(format!(
            "Invalid value {} for parameter '{field}' supplied: Names may only contain alphanumerics, underscores (_), \
             dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).",
            json_string(name)
        ));
    }
    if !is_normal_path(name) {
        return invalid(format!(
            "Invalid value {} for parameter '{field}' supplied: Names may be treated as files in certain cases, and \
             must not resolve to other names when treated as such. This name would resolve to {}",
            json_string(name),
            python_string(&posix_normalised(name))
        ));
    }
    Ok(())
}

/// Whether one look at each byte shows that the name is right: all are ASCII and allowed, and no part of the path is
/// empty or starts with a dot.
fn is_plain(name: &str) -> bool {
    let mut previous = b'/';
    for byte in name.bytes() {
        if !ASCII_ALLOWED[usize::from(byte)] || (previous == b'/' && matches!(byte, b'/' | b'.')) {
            return false;
        }
        previous = byte;
    }
    previous != b'/'
}

fn has_allowed_characters(name: &str) -> bool {
    name.chars().all(|character| match u8::try_from(character) {
        Ok(byte) if byte.is_ascii() => is_allowed_ascii(byte),
        _ => character.is_alphanumeric(),
    })
}

fn is_normal_path(name: &str) -> bool {
    !name.is_empty() && !name.starts_with("..") && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// The path as Python's `posixpath.normpath` gives it.
fn posix_normalised(path: &str) -> String {
    // POSIX leaves the meaning of exactly two slashes at the start to the system, so they are kept.
    let root = match path.len() - path.trim_start_matches('/').len() {
        0 => "",
        2 => "//",
        _ => "/",
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if !root.is_empty() => {}
            _ => parts.push(part),
        }
    }
    let normalised = format!("{root}{}", parts.join("/"));
    if normalised.is_empty() { ".".to_owned() } else { normalised }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_accepts_nothing_that_the_rule_refuses() {
        // All names of up to five of these characters, which are those that the rule tells apart.
        let characters = ['a', '.', '/', ' ', '$', 'é'];
        let mut names = vec![String::new()];
        let mut accepted = 0;
        for _ in 0..5 {
            names = names.iter().flat_map(|name| characters.map(|last| format!("{name}{last}"))).collect();

            for name in names.iter().filter(|name| is_plain(name)) {
                assert!(has_allowed_characters(name) && is_normal_path(name), "{name}");
                accepted += 1;
            }
        }
        assert!(accepted > 100);
        assert!(!is_plain(""));
    }
}
