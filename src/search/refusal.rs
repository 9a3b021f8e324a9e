//! Why a text is refused, and where.

use crate::error::Error;

/// Why a filter or an order is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong, in the contract's words.
    pub text: String,
    /// The byte of the problem and what was expected there; `None` if it is the text as a whole.
    pub place: Option<(usize, &'static str)>,
}

impl Refusal {
    /// One for what stands at `byte`.
    pub(super) fn at(text: &str, byte: usize, expected: &'static str) -> Self {
        Refusal { text: text.to_owned(), place: Some((byte, expected)) }
    }

    /// One for the text as a whole.
    pub(super) fn of_all(text: String) -> Self {
        Refusal { text, place: None }
    }
}

impl From<Refusal> for Error {
    /// The contract's text with the place added: clients match on the beginning.
    fn from(Refusal { text, place }: Refusal) -> Self {
        Error::Invalid(match place {
            Some((byte, expected)) => format!("{text} (at byte {byte}: expected {expected})"),
            None => text,
        })
    }
}
