//! The rooms of the server that the targets exercise, compiled as they stand in `src`.
//!
//! The server as a dependency would bring SQLite, TLS and an HTTP stack, all to be compiled anew with the fuzzer's
//! instrumentation, and a second list of their versions. The search language needs none of them, and the layer test
//! (`tests/it/architecture.rs`) sees to it that it never will.

#[path = "../../src"]
mod server {
    pub mod error;
    pub mod model;
    pub mod search;
    pub mod validate;
}

// Where these modules look for each other.
pub use server::{error, model, search, validate};

use error::Error;

/// More than any refusal needs, whatever it repeats of a text.
const MAX_REFUSAL_BYTES: usize = 4096;

/// Asserts that `refusal` blames the caller, briefly, and names a byte of `text` at which a character starts or the text
/// ends.
pub fn assert_helpful(refusal: &Error, text: &str) {
    let Error::Invalid(message) = refusal else { panic!("not the caller's mistake: {refusal:?}") };
    assert!(message.len() <= MAX_REFUSAL_BYTES, "{} bytes: {message}", message.len());
    // What a caller sent is repeated before the place, never after it.
    let (_, place) = message.rsplit_once("at byte ").unwrap_or_else(|| panic!("no place: {message}"));
    let digits = place.split(|character: char| !character.is_ascii_digit()).next().unwrap_or_default();
    let byte: usize = digits.parse().unwrap_or_else(|_| panic!("no place: {message}"));
    assert!(text.is_char_boundary(byte), "no character starts there: {message}");
}
