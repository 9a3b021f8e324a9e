//! Page tokens: where the next page begins, opaque to clients.
//!
//! A token names a place in an order, not a number of rows to skip, so that it stays right while rows are added. It
//! carries a fingerprint of the request's other arguments and is refused with others (contract section 0.5).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

#[derive(Serialize, Deserialize)]
struct Token<T> {
    /// The fingerprint of the arguments.
    a: u64,
    /// The place.
    p: T,
}

/// The token for the page after `place`, for requests with these `arguments`.
pub fn encode<T: Serialize>(arguments: &[&str], place: T) -> Result<String> {
    let token = serde_json::to_vec(&Token { a: fingerprint_of(arguments), p: place }).map_err(Error::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(token))
}

/// The place in a token; absent or empty means the first page.
///
/// # Errors
/// [`Error::Invalid`] where it is no token, or one for other arguments.
pub fn decode<T: DeserializeOwned>(arguments: &[&str], token: Option<&str>) -> Result<Option<T>> {
    let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(None) };
    let bytes = URL_SAFE_NO_PAD
        .decode(token)
        .map_err(|_| Error::Invalid("Invalid page token, could not base64-decode".to_owned()))?;
    let token: Token<T> = serde_json::from_slice(&bytes)
        .map_err(|_| Error::Invalid("Invalid page token: it was not made for this kind of request".to_owned()))?;
    if token.a != fingerprint_of(arguments) {
        return Err(Error::Invalid(
            "Invalid page token: it belongs to a request with other arguments; repeat the request that it came from \
             and change nothing but the token"
                .to_owned(),
        ));
    }
    Ok(Some(token.p))
}

fn fingerprint_of(arguments: &[&str]) -> u64 {
    fingerprint(&arguments.iter().map(|argument| argument.as_bytes()).collect::<Vec<_>>())
}

/// FNV-1a with 64 bits (<https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>): the same in every process of a
/// site, whatever it was built with. It guards against mistakes, not against forgery: a place reveals nothing.
pub fn fingerprint(arguments: &[&[u8]]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for argument in arguments {
        for byte in argument.iter().copied().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_back_to_its_place() {
        let token = encode(&["runs", "x"], (5_i64, "id")).unwrap();

        let place: Option<(i64, String)> = decode(&["runs", "x"], Some(&token)).unwrap();

        assert_eq!(place, Some((5, "id".to_owned())));
    }

    #[test]
    fn no_token_is_the_first_page() {
        assert_eq!(decode::<i64>(&[], None).unwrap(), None);
        assert_eq!(decode::<i64>(&[], Some("")).unwrap(), None);
    }

    #[test]
    fn a_wrong_token_is_refused() {
        let token = encode(&["runs", "x"], 5).unwrap();

        for wrong in ["!!", "bm9uc2Vuc2U", "e30"] {
            let error = decode::<i64>(&["runs", "x"], Some(wrong)).unwrap_err();
            assert!(error.to_string().starts_with("Invalid page token"), "{error}");
        }
        assert!(decode::<i64>(&["runs", "y"], Some(&token)).is_err());
        assert!(decode::<i64>(&["runsx"], Some(&token)).is_err());
    }
}
