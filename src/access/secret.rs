//! Texts that nobody can guess, and what is kept of them.

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};

/// What the text of a token begins with, so that one that was published by mistake is recognised.
pub const TOKEN_PREFIX: &str = "wv_";

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 43 letters of 62 are more than 256 bits.
const LENGTH: usize = 43;

/// A new token: letters and digits only, so that a double click selects it.
///
/// # Errors
/// Where the system has no randomness.
pub fn fresh_token() -> Result<String> {
    let mut text = String::from(TOKEN_PREFIX);
    while text.len() < TOKEN_PREFIX.len() + LENGTH {
        // 248 is four times 62: what lies above would make some letters likelier.
        let bytes = random()?.into_iter().filter(|byte| *byte < 248);
        text.extend(bytes.map(|byte| char::from(LETTERS[usize::from(byte) % 62])));
    }
    text.truncate(TOKEN_PREFIX.len() + LENGTH);
    Ok(text)
}

/// What is kept of a token. It needs no salt and no slowness: nobody can try 2^256 texts.
pub fn hash_of(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// 256 random bits.
pub(super) fn random() -> Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal(anyhow::anyhow!("no randomness: {error}")))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_plain_long_and_all_different() {
        let tokens: Vec<String> = (0..100).map(|_| fresh_token().unwrap()).collect();
        for token in &tokens {
            let rest = token.strip_prefix(TOKEN_PREFIX).unwrap();
            assert!(rest.len() == LENGTH && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{token}");
            assert_eq!(tokens.iter().filter(|other| *other == token).count(), 1);
        }
    }
}
