//! Access tokens: JSON Web Tokens (RFC 7519) that this server signs and reads again, and that Anemoi reads without looking
//! at the signature (`anemoi.md` section 4).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// `{"alg":"HS256","typ":"JWT"}`: the one header that is written and accepted, so that no other algorithm can be asked for.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.";

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claims {
    /// The account.
    pub account: i64,
    /// The login token that it was made of.
    pub token: i64,
    /// The account's name.
    pub user: String,
    /// The name that people see.
    pub name: String,
    /// The mail address; may be empty.
    pub email: String,
    /// When it was made, in milliseconds since the epoch.
    pub issued_ms: i64,
    /// When it ends.
    pub expires_ms: i64,
}

/// The same in the words of RFC 7519 and OpenID Connect.
#[derive(Serialize, Deserialize)]
struct Payload {
    iss: String,
    sub: String,
    jti: String,
    iat: i64,
    exp: i64,
    name: String,
    preferred_username: String,
    email: String,
}

/// Signs and verifies.
#[derive(Clone)]
pub(super) struct Signer {
    key: Vec<u8>,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Signer")
    }
}

/// Whether a text looks like an access token of any server.
pub(super) fn is_one(text: &str) -> bool {
    text.starts_with("ey") && text.split('.').count() == 3
}

impl Signer {
    pub fn new(key: Vec<u8>) -> Self {
        Signer { key }
    }

    fn mac(&self) -> Hmac<Sha256> {
        Hmac::new_from_slice(&self.key).expect("HMAC takes keys of every length")
    }

    /// The token.
    pub fn sign(&self, claims: &Claims) -> String {
        let payload = Payload {
            iss: "windvane".to_owned(),
            sub: claims.account.to_string(),
            jti: claims.token.to_string(),
            iat: claims.issued_ms / 1_000,
            exp: claims.expires_ms / 1_000,
            name: claims.name.clone(),
            preferred_username: claims.user.clone(),
            email: claims.email.clone(),
        };
        let json = serde_json::to_string(&payload).expect("texts and numbers are always JSON");
        let signed = format!("{HEADER}{}", URL_SAFE_NO_PAD.encode(plain(&json)));
        let signature = self.mac().chain_update(&signed).finalize().into_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// What a token says, if it was signed with this key. Whether it has ended is for the caller to see.
    pub fn verify(&self, text: &str) -> Option<Claims> {
        let (signed, signature) = text.rsplit_once('.')?;
        let payload = signed.strip_prefix(HEADER)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        // Compares in constant time.
        self.mac().chain_update(signed).verify_slice(&signature).ok()?;
        let payload: Payload = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        Some(Claims {
            account: payload.sub.parse().ok()?,
            token: payload.jti.parse().ok()?,
            user: payload.preferred_username,
            name: payload.name,
            email: payload.email,
            issued_ms: payload.iat * 1_000,
            expires_ms: payload.exp * 1_000,
        })
    }
}

/// The JSON in letters whose base64 has no `-` and no `_`: Anemoi decodes it with the alphabet that has `+` and `/` there.
fn plain(json: &str) -> String {
    let mut plain = String::with_capacity(json.len());
    for unit in json.encode_utf16() {
        match char::from_u32(u32::from(unit)) {
            Some(letter) if letter.is_ascii() && !matches!(letter, '>' | '?' | '~' | '\x7f') => plain.push(letter),
            _ => plain.push_str(&format!("\\u{unit:04x}")),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    use proptest::prelude::*;

    use super::*;

    fn claims(user: &str, name: &str) -> Claims {
        Claims {
            account: 7,
            token: 9,
            user: user.to_owned(),
            name: name.to_owned(),
            email: "a@b.example".to_owned(),
            issued_ms: 1_000,
            expires_ms: 9_000,
        }
    }

    proptest! {
        #[test]
        fn every_name_is_read_again_by_us_and_with_the_other_alphabet(user in ".{0,40}", name in "\\PC{0,40}|[>~?\\x7f]{0,9}|.{0,9}") {
            let signer = Signer::new(vec![7; 32]);
            let token = signer.sign(&claims(&user, &name));

            prop_assert_eq!(signer.verify(&token), Some(claims(&user, &name)));
            let payload = token.split('.').nth(1).unwrap();
            let json: serde_json::Value = serde_json::from_slice(&STANDARD_NO_PAD.decode(payload).unwrap()).unwrap();
            prop_assert_eq!(json["preferred_username"].as_str(), Some(user.as_str()));
            prop_assert_eq!(json["name"].as_str(), Some(name.as_str()));
        }
    }

    #[test]
    fn a_token_that_is_cut_altered_unsigned_or_of_another_server_says_nothing() {
        let signer = Signer::new(vec![7; 32]);
        let token = signer.sign(&claims("alice", "Alice"));
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let payload = token.split('.').nth(1).unwrap();

        assert!(is_one(&token) && signer.verify(&token).is_some());
        for end in 0..token.len() {
            assert_eq!(signer.verify(&token[..end]), None);
            let mut altered = token.clone().into_bytes();
            altered[end] ^= 1;
            // The last letter carries bits that mean nothing, and must be zero.
            assert_eq!(signer.verify(&String::from_utf8_lossy(&altered)), None, "byte {end}");
        }
        for forged in
            [format!("{none}.{payload}."), format!("{none}.{payload}"), format!("{token}."), format!("{token}.x")]
        {
            assert_eq!(signer.verify(&forged), None, "{forged}");
        }
        assert_eq!(Signer::new(vec![8; 32]).verify(&token), None);
    }
}
