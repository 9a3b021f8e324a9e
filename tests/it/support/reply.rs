//! An answer of the server, as tests look at it.

use std::fmt;

use axum::http::{HeaderMap, Response};
use bytes::Bytes;
use serde_json::Value;

/// An answer. Displayed as its status and its body, JSON with sorted keys, and what is random redacted.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl From<Response<Bytes>> for Reply {
    fn from(response: Response<Bytes>) -> Self {
        let (head, body) = response.into_parts();
        Reply { status: head.status.as_u16(), headers: head.headers, body }
    }
}

impl Reply {
    /// The body, which is JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The body of a success.
    #[track_caller]
    pub fn expect_ok(&self) -> Value {
        assert_eq!(self.status, 200, "{self}");
        self.json()
    }

    /// Status, code and text of a refusal in one line, as in `404 RESOURCE_DOES_NOT_EXIST: Run with id=x not found`.
    #[track_caller]
    pub fn refusal(&self) -> String {
        assert!(self.status >= 400, "no refusal: {self}");
        let body = self.json();
        format!("{} {}: {}", self.status, body["error_code"].as_str().unwrap(), body["message"].as_str().unwrap())
    }

    /// The text of a refusal for a wrong parameter.
    #[track_caller]
    pub fn invalid(&self) -> String {
        let refusal = self.refusal();
        let text = refusal.strip_prefix("400 INVALID_PARAMETER_VALUE: ");
        text.unwrap_or_else(|| panic!("not invalid: {self}")).to_owned()
    }

    /// The value of a header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match serde_json::from_slice::<Value>(&self.body) {
            Ok(mut value) => {
                redact(&mut value);
                value.to_string()
            }
            Err(_) => String::from_utf8_lossy(&self.body).into_owned(),
        };
        write!(out, "{} {text}", self.status)
    }
}

fn redact(value: &mut Value) {
    match value {
        Value::String(text) if is_generated_name(text) => *text = "[name]".to_owned(),
        Value::String(text) => *text = without_run_ids(text),
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == "next_page_token" {
                    *value = "[token]".into();
                }
                redact(value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a text has the form of the names that runs get: `adjective-noun-number`.
fn is_generated_name(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    match text.split('-').collect::<Vec<_>>()[..] {
        [adjective, noun, number] => is_word(adjective) && is_word(noun) && is_number(number),
        _ => false,
    }
}

/// The text with `[run]` for every 32 hexadecimal digits.
fn without_run_ids(text: &str) -> String {
    let mut redacted = String::new();
    let is_digit = |character: char| matches!(character, '0'..='9' | 'a'..='f');
    for part in text.split_inclusive(|character| !is_digit(character)) {
        let digits = part.len() - part.trim_start_matches(is_digit).len();
        if digits == 32 {
            redacted.push_str("[run]");
            redacted.push_str(&part[digits..]);
        } else {
            redacted.push_str(part);
        }
    }
    redacted
}
