//! The fields of a request, by the parsing rules of the contract (section 0.2), whatever form it came in.
//!
//! MLflow's own server reads protobuf messages from JSON or from the query string: names in snake_case or
//! lowerCamelCase, integers as numbers or as text, doubles as numbers, text or the bare tokens of Python's JSON, null as
//! absent. A handler says what it wants; what does not fit is a 400 that names the field.

use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::validate::{self, excerpt};

/// The fields of one JSON object, or of one query string, not yet looked at.
#[derive(Debug, Default)]
pub struct Fields {
    values: Map<String, Value>,
    /// Where this object stands in the request, such as `metrics[3].`; empty at the top.
    path: String,
}

impl Fields {
    /// Reads a JSON body. One that is absent or no JSON object counts as an empty object, so that the error is about
    /// the missing field; a JSON string is read once more, as old clients send it.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a body of more values than any request needs.
    pub fn from_body(body: &[u8]) -> Result<Self> {
        if has_too_many_values(body) {
            return Err(Error::Invalid(format!(
                "the request body holds more than {MAX_VALUES} values; split it into several requests"
            )));
        }
        let value = match parse_lenient(body) {
            Some(Value::String(inner)) => parse_lenient(inner.as_bytes()),
            value => value,
        };
        match value {
            Some(Value::Object(values)) => Ok(Fields { values, path: String::new() }),
            _ => Ok(Fields::default()),
        }
    }

    /// Reads a query string; a key that is repeated is a list.
    pub fn from_query(query: &str) -> Self {
        let mut values: Map<String, Value> = Map::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name), Value::String(decode(value)));
            match values.get_mut(&name) {
                None => drop(values.insert(name, value)),
                Some(Value::Array(list)) => list.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
            }
        }
        Fields { values, path: String::new() }
    }

    /// Adds what a placeholder of the path stands for; it counts more than a field of that name.
    pub fn set_from_path(&mut self, name: &str, value: &str) {
        self.values.remove(&camel_case(name));
        self.values.insert(name.to_owned(), Value::String(value.to_owned()));
    }

    /// Takes the value of a field, by its snake_case or its lowerCamelCase name. Null is absent.
    pub fn take(&mut self, name: &str) -> Result<Option<Value>> {
        let snake = self.values.remove(name).filter(|value| !value.is_null());
        let camel_name = camel_case(name);
        if camel_name == name {
            return Ok(snake);
        }
        let camel = self.values.remove(&camel_name).filter(|value| !value.is_null());
        if snake.is_some() && camel.is_some() {
            return Err(Error::Invalid(format!(
                "Request specifies both '{name}' and '{camel_name}'; provide only one of them."
            )));
        }
        Ok(snake.or(camel))
    }

    /// A text, if there is one.
    pub fn text(&mut self, name: &str) -> Result<Option<String>> {
        match self.take(name)? {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong_type(name, &other)),
        }
    }

    /// A text that must be there and not be empty.
    pub fn required_text(&mut self, name: &str) -> Result<String> {
        self.text(name)?.filter(|text| !text.is_empty()).ok_or_else(|| self.missing(name))
    }

    /// The run that a request is about, by either name (contract section 0.2).
    pub fn run_id(&mut self) -> Result<String> {
        let run_uuid = self.text("run_uuid")?.filter(|text| !text.is_empty());
        let run_id = self.text("run_id")?.filter(|text| !text.is_empty());
        run_id.or(run_uuid).ok_or_else(|| self.missing("run_id"))
    }

    /// An integer, as a number or as decimal text.
    pub fn integer(&mut self, name: &str) -> Result<Option<i64>> {
        let Some(value) = self.take(name)? else { return Ok(None) };
        integer(&value).map(Some).ok_or_else(|| self.wrong_type(name, &value))
    }

    /// A double, as a number or as text.
    pub fn double(&mut self, name: &str) -> Result<Option<f64>> {
        let Some(value) = self.take(name)? else { return Ok(None) };
        double(&value).map(Some).ok_or_else(|| self.wrong_type(name, &value))
    }

    /// A flag, as JSON has it or as text in any case; absent, it is not set.
    pub fn flag(&mut self, name: &str) -> Result<bool> {
        match self.take(name)? {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(other) => Err(Error::Invalid(format!(
                "Invalid value {} for parameter '{}{name}' supplied: it must be true or false.",
                excerpt(&other.to_string()),
                self.path
            ))),
        }
    }

    /// A list of texts; one text alone counts as a list of one.
    pub fn texts(&mut self, name: &str) -> Result<Vec<String>> {
        let items = match self.take(name)? {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(one @ Value::String(_)) => vec![one],
            Some(other) => return Err(self.wrong_type(name, &other)),
        };
        let text = |item| match item {
            Value::String(text) => Ok(text),
            other => Err(self.wrong_type(name, &other)),
        };
        items.into_iter().map(text).collect()
    }

    /// A list of objects.
    pub fn objects(&mut self, name: &str) -> Result<Vec<Fields>> {
        let items = match self.take(name)? {
            None => return Ok(Vec::new()),
            Some(Value::Array(items)) => items,
            Some(other) => return Err(self.wrong_type(name, &other)),
        };
        let object = |(index, item)| match item {
            Value::Object(values) => Ok(Fields { values, path: format!("{}{name}[{index}].", self.path) }),
            other => Err(self.wrong_type(name, &other)),
        };
        items.into_iter().enumerate().map(object).collect()
    }

    /// An object, if there is one.
    pub fn object(&mut self, name: &str) -> Result<Option<Fields>> {
        match self.take(name)? {
            None => Ok(None),
            Some(Value::Object(values)) => Ok(Some(Fields { values, path: format!("{}{name}.", self.path) })),
            Some(other) => Err(self.wrong_type(name, &other)),
        }
    }

    /// The error for a field that must be there.
    pub fn missing(&self, name: &str) -> Error {
        Error::Invalid(validate::missing(format_args!("{}{name}", self.path)))
    }

    /// The error for a field of another type.
    pub fn wrong_type(&self, name: &str, value: &Value) -> Error {
        let python = match value {
            Value::Null => "NoneType",
            Value::Bool(_) => "bool",
            Value::Number(number) if number.is_f64() => "float",
            Value::Number(_) => "int",
            Value::String(_) => "str",
            Value::Array(_) => "list",
            Value::Object(_) => "dict",
        };
        Error::Invalid(format!(
            "Invalid value {} for parameter '{}{name}' supplied:  Hint: Value was of type '{python}'. See the API docs \
             for more information about request parameters.",
            excerpt(&value.to_string()),
            self.path
        ))
    }
}

/// An integer in any of its forms; a float counts if it has no fraction, as in protobuf's JSON.
pub fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Value::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// The integer that a float is, if it is one.
pub fn whole(number: f64) -> Option<i64> {
    // 2^63 itself is a float but no i64.
    let inside = (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number);
    (inside && number.fract() == 0.0).then_some(number as i64)
}

/// A double in any of its forms.
pub fn double(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::Bool(flag) => Some(f64::from(u8::from(*flag))),
        Value::String(text) => double_text(text),
        _ => None,
    }
}

/// The doubles that are written as text: numbers, and the three that JSON has no number for.
pub fn double_text(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        // Rust would also read "inf", "nan" and "infinity" in any case; the wire has no such words.
        _ if text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) => text.parse().ok(),
        _ => None,
    }
}

fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

fn camel_case(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut upper = false;
    for character in name.chars() {
        match character {
            '_' => upper = true,
            _ if upper => {
                camel.extend(character.to_uppercase());
                upper = false;
            }
            _ => camel.push(character),
        }
    }
    camel
}

/// A body of more values than this is none that a client sends; as a tree it would take fifty times its size.
const MAX_VALUES: usize = 500_000;

/// Whether the body holds more values than any request needs: counts the commas and brackets outside of texts.
fn has_too_many_values(body: &[u8]) -> bool {
    let (mut in_text, mut escaped, mut values) = (false, false, 0);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b',' | b'[' | b'{' if !in_text => values += 1,
            _ => {}
        }
    }
    values > MAX_VALUES
}

fn parse_lenient(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok().or_else(|| serde_json::from_slice(&quote_bare_tokens(body)?).ok())
}

/// Python's `json` writes `NaN`, `Infinity` and `-Infinity` without quotes. Puts quotes around them wherever they stand
/// outside of a text; `None` if there are none.
pub fn quote_bare_tokens(body: &[u8]) -> Option<Vec<u8>> {
    const TOKENS: [&[u8]; 3] = [b"NaN", b"-Infinity", b"Infinity"];
    let mut quoted = Vec::with_capacity(body.len() + 16);
    let (mut in_text, mut position, mut found) = (false, 0, false);
    while position < body.len() {
        let byte = body[position];
        if in_text {
            let length = if byte == b'\\' { 2.min(body.len() - position) } else { 1 };
            quoted.extend_from_slice(&body[position..position + length]);
            in_text = byte != b'"';
            position += length;
            continue;
        }
        if let Some(token) = TOKENS.iter().find(|token| body[position..].starts_with(token)) {
            quoted.push(b'"');
            quoted.extend_from_slice(token);
            quoted.push(b'"');
            position += token.len();
            found = true;
            continue;
        }
        in_text = byte == b'"';
        quoted.push(byte);
        position += 1;
    }
    found.then_some(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &[u8]) -> Fields {
        Fields::from_body(body).unwrap()
    }

    fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn both_spellings_of_a_name_are_read_but_not_together() {
        let mut fields = read(br#"{"runName": "a", "start_time": 1, "startTime": 2}"#);

        assert_eq!(fields.text("run_name").unwrap().as_deref(), Some("a"));
        assert_eq!(
            message(fields.integer("start_time")),
            "Request specifies both 'start_time' and 'startTime'; provide only one of them."
        );
    }

    #[test]
    fn integers_come_as_numbers_or_as_text() {
        for (body, expected) in [
            (r#"{"step": 5}"#, Some(5)),
            (r#"{"step": "-9223372036854775808"}"#, Some(i64::MIN)),
            (r#"{"step": 5.0}"#, Some(5)),
            (r#"{"step": null}"#, None),
            ("{}", None),
        ] {
            assert_eq!(read(body.as_bytes()).integer("step").unwrap(), expected, "{body}");
        }
        for body in [r#"{"step": 5.5}"#, r#"{"step": "x"}"#, r#"{"step": 9223372036854775808}"#, r#"{"step": true}"#] {
            assert!(read(body.as_bytes()).integer("step").is_err(), "{body}");
        }
    }

    #[test]
    fn doubles_come_as_numbers_texts_or_bare_tokens() {
        for (body, expected) in [
            (r#"{"value": 1e-3}"#, 1e-3),
            (r#"{"value": "0.5"}"#, 0.5),
            (r#"{"value": true}"#, 1.0),
            (r#"{"value": -Infinity}"#, f64::NEG_INFINITY),
            (r#"{"value": "Infinity"}"#, f64::INFINITY),
        ] {
            assert_eq!(read(body.as_bytes()).double("value").unwrap(), Some(expected), "{body}");
        }
        assert!(read(br#"{"value": NaN}"#).double("value").unwrap().is_some_and(f64::is_nan));
        assert!(read(br#"{"value": "nan"}"#).double("value").is_err());
    }

    #[test]
    fn a_bare_token_inside_a_text_stays_as_it_is() {
        assert_eq!(quote_bare_tokens(br#"{"a": "NaN \" NaN"}"#), None);
        assert_eq!(quote_bare_tokens(br#"["x",NaN]"#).as_deref(), Some(&br#"["x","NaN"]"#[..]));
    }

    #[test]
    fn what_is_no_object_counts_as_an_empty_one() {
        for body in [&b""[..], b"[1]", b"{", b"\xff\xfe", b"\"x\"", "[".repeat(10_000).as_bytes()] {
            assert_eq!(
                message(read(body).required_text("name")),
                "Missing value for required parameter 'name'. See the API docs for more information about request \
                 parameters."
            );
        }
        assert!(read(br#""{\"name\": \"a\"}""#).required_text("name").is_ok(), "a JSON text in JSON");
    }

    #[test]
    fn a_wrong_type_is_named_in_the_words_of_python() {
        let mut fields = read(br#"{"name": 5, "tags": [{"key": []}]}"#);

        assert_eq!(
            message(fields.text("name")),
            "Invalid value 5 for parameter 'name' supplied:  Hint: Value was of type 'int'. See the API docs for more \
             information about request parameters."
        );
        let mut tags = fields.objects("tags").unwrap();
        assert!(message(tags[0].text("key")).starts_with("Invalid value [] for parameter 'tags[0].key' supplied:"));
    }

    #[test]
    fn a_repeated_key_of_a_query_is_a_list() {
        let mut fields = Fields::from_query("run_ids=a&run_ids=b+c%2F&one=x");

        assert_eq!(fields.texts("run_ids").unwrap(), ["a", "b c/"]);
        assert_eq!(fields.texts("one").unwrap(), ["x"]);
        assert_eq!(fields.texts("none").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_body_of_endless_values_is_refused_before_it_becomes_a_tree() {
        let many = format!("{{\"x\": [{}0]}}", "0,".repeat(MAX_VALUES));
        let text = format!("{{\"x\": \"{}\"}}", ",".repeat(MAX_VALUES + 1));

        assert!(message(Fields::from_body(many.as_bytes())).contains("more than 500000 values"));
        assert!(read(text.as_bytes()).text("x").is_ok(), "commas in a text are no values");
    }
}
