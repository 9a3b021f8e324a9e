//! Recursive descent over the tokens of a filter, or of one item of an order.

use crate::error::Result;
use crate::validate::{self, excerpt};

use super::ast::{Comparator, Comparison, Filter, OrderKey, VALUE_QUOTES, Value};
use super::field::{self, Field};
use super::lexer::{self, Kind, Token};
use super::refusal::Refusal;
use super::value::{Operand, TEXT, check_pattern, expected_value, is_number, value};

/// A filter, or one item of an order, is refused if it has more bytes.
const MAX_TEXT_BYTES: usize = 64 * 1024;
/// A filter is refused if it has more comparisons.
const MAX_CLAUSES: usize = 200;
/// An order is refused if it has more keys.
const MAX_ORDER_KEYS: usize = 100;
// What errors say was expected.
const COMPARATOR: &str = "a comparator";
const END_OF_LIST: &str = "a comma or a closing parenthesis";
const END_OF_CLAUSE: &str = "AND or the end of the filter";
const DIRECTION: &str = "ASC, DESC or the end";

/// What the grammar takes at the end of a text that begins a filter.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expected<F> {
    /// A comparison, which begins with a field.
    Field,
    /// The key after the dot of this entity, as it was written.
    Key(String),
    /// A comparator that fits the field, or what of one is left after these words in upper case.
    Comparator(F, String),
    /// The value that the field is compared with.
    Value(F),
    /// A list of values, from its opening parenthesis on.
    List,
    /// A value in a list.
    Item(F),
    /// What follows a value in a list.
    ItemEnd,
    /// What follows a whole comparison.
    And,
}

/// Parses `text` as a filter over fields `F`.
pub(super) fn filter<F: Field>(text: &str) -> Result<Filter<F>, Refusal> {
    Parser::new(Part::Filter, text)?.filter()
}

/// What could follow `text`; `None` if nothing can, because it is refused for what it has and not for what it lacks.
pub(super) fn expected_after<F: Field>(text: &str) -> Option<Expected<F>> {
    let mut parser = Parser::new(Part::Filter, text).ok()?;
    // Refused or not: what was noted is what the end of the text is followed by.
    let _ = parser.filter();
    parser.expected
}

/// Parses each of `items` as a field and an optional direction.
pub(super) fn order<F: Field>(items: &[String]) -> Result<Vec<OrderKey<F>>, Refusal> {
    if items.len() > MAX_ORDER_KEYS {
        let count = items.len();
        return Err(Refusal::of_all(format!("Invalid order_by: {count} keys, at most {MAX_ORDER_KEYS} are allowed.")));
    }
    let mut keys: Vec<OrderKey<F>> = Vec::with_capacity(items.len());
    for item in items {
        let key: OrderKey<F> = order_key(item)?;
        // MLflow answers this mistake of a caller with 500, which clients repeat for minutes.
        if keys.iter().any(|earlier| earlier.field == key.field) {
            let field = key.field.to_string();
            return Err(Refusal::of_all(format!(
                "`order_by` contains duplicate fields: {} is there twice, possibly under two names.",
                excerpt(&field)
            )));
        }
        keys.push(key);
    }
    Ok(keys)
}

/// Parses each of `items` as a field that can be ordered by.
pub(super) fn columns<F: Field>(items: &[String]) -> Result<Vec<F>, Refusal> {
    items
        .iter()
        .map(|item| {
            let mut parser = Parser::<F>::new(Part::Column, item)?;
            let field = parser.field()?;
            if let Some(refusal) = field.order_refusal() {
                return Err(Refusal::at(refusal, 0, "a field that each run has once"));
            }
            match parser.peek() {
                Some(extra) => Err(parser.unparsable(&[extra], "a field alone")),
                None => Ok(field),
            }
        })
        .collect()
}

fn order_key<F: Field>(item: &str) -> Result<OrderKey<F>, Refusal> {
    let mut parser = Parser::<F>::new(Part::OrderItem, item)?;
    if let Some(first) = parser.peek()
        && (first.is_word("ASC") || first.is_word("DESC"))
    {
        return Err(parser.unparsable(&[first], F::EXPECTED));
    }
    let start = parser.offset();
    let field = parser.field()?;
    if let Some(refusal) = field.order_refusal() {
        return Err(Refusal::at(refusal, start, "a field that can be ordered by"));
    }
    let direction = parser.take();
    let extra = parser.peek();
    let ascending = match direction {
        None => true,
        Some(word) if word.is_word("ASC") => true,
        Some(word) if word.is_word("DESC") => false,
        Some(word) if word.kind == Kind::Bare && extra.is_none() => {
            let refusal = format!("Invalid ordering key in order_by clause '{}'.", excerpt(item));
            return Err(Refusal::at(&refusal, word.start, DIRECTION));
        }
        Some(other) => return Err(parser.unparsable(&[other], DIRECTION)),
    };
    match extra {
        None => Ok(OrderKey { field, ascending }),
        Some(extra) => Err(parser.unparsable(&[extra], "the end")),
    }
}

/// What is being parsed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Filter,
    OrderItem,
    Column,
}

impl Part {
    /// The text for `text` in which `pieces` are where nothing of their kind can be.
    fn unparsable(self, text: &str, pieces: &[&str]) -> String {
        match self {
            Part::Filter => format!("Invalid clause(s) in filter string: '{}'", excerpt(&pieces.join("', '"))),
            Part::OrderItem => format!("Invalid order_by clause '{}'. Could not be parsed.", excerpt(text)),
            Part::Column => format!("Invalid column '{}'. Could not be parsed.", excerpt(text)),
        }
    }
}

struct Parser<'a, F> {
    part: Part,
    text: &'a str,
    tokens: Vec<Token<'a>>,
    /// The index of the next token.
    next: usize,
    /// What could follow the last token.
    expected: Option<Expected<F>>,
}

/// A comparator as it was written.
struct Written<'a> {
    /// `None` if it fits no field at all.
    comparator: Option<Comparator>,
    text: &'a str,
    start: usize,
}

impl<'a, F: Field> Parser<'a, F> {
    fn new(part: Part, text: &'a str) -> Result<Self, Refusal> {
        let name = match part {
            Part::Filter => "filter",
            Part::OrderItem => "order_by",
            Part::Column => "columns",
        };
        if text.len() > MAX_TEXT_BYTES {
            let bytes = text.len();
            return Err(Refusal::of_all(format!(
                "Invalid {name}: it has {bytes} bytes, at most {MAX_TEXT_BYTES} are allowed."
            )));
        }
        validate::no_nul(name, text).map_err(|error| Refusal::of_all(error.to_string()))?;
        let tokens = lexer::tokenize(text)
            .map_err(|problem| Refusal::at(&part.unparsable(text, &[problem.text]), problem.start, problem.expected))?;
        Ok(Parser { part, text, tokens, next: 0, expected: None })
    }

    fn filter(&mut self) -> Result<Filter<F>, Refusal> {
        self.check_is_one_expression()?;
        // A trailing AND is tolerated, so there may be as many as clauses.
        if let Some(one_too_many) = self.tokens.iter().filter(|token| token.is_word("AND")).nth(MAX_CLAUSES) {
            return Err(too_many_clauses(one_too_many.start));
        }
        let mut clauses = Vec::new();
        loop {
            self.note(|| Expected::Field);
            let Some(token) = self.peek() else { return Ok(Filter { clauses }) };
            if clauses.len() == MAX_CLAUSES {
                return Err(too_many_clauses(token.start));
            }
            if token.is_word("AND") {
                let refusal = "Invalid comparison clause. Expected 3 tokens found 0";
                return Err(Refusal::at(refusal, token.start, F::EXPECTED));
            }
            clauses.push(self.comparison()?);
            self.note(|| Expected::And);
            match self.take() {
                None => return Ok(Filter { clauses }),
                Some(token) if token.is_word("AND") => {}
                Some(token) => return Err(self.unparsable(&[token], END_OF_CLAUSE)),
            }
        }
    }

    /// Keeps what could follow, if the text ends here.
    fn note(&mut self, expected: impl FnOnce() -> Expected<F>) {
        if self.peek().is_none() {
            self.expected = Some(expected());
        }
    }

    fn check_is_one_expression(&self) -> Result<(), Refusal> {
        match self.tokens.iter().position(|token| token.kind == Kind::Semicolon) {
            None => Ok(()),
            Some(index) if index + 1 == self.tokens.len() => Err(self.unparsable(&self.tokens[index..], END_OF_CLAUSE)),
            Some(index) => {
                let refusal = format!(
                    "Search filter contained multiple expression '{}'. Provide AND-ed expression list.",
                    excerpt(self.text)
                );
                Err(Refusal::at(&refusal, self.tokens[index].start, END_OF_CLAUSE))
            }
        }
    }

    /// One comparison, checked against what its field takes.
    fn comparison(&mut self) -> Result<Comparison<F>, Refusal> {
        let first = self.next;
        let start = self.offset();
        let field = self.field()?;
        let words = self.next;
        let written = self.comparator(first).inspect_err(|_| {
            // Of a comparator of several words some may be there.
            let begun: Vec<String> =
                self.tokens[words..self.next].iter().map(|token| token.text.to_ascii_uppercase()).collect();
            self.note(|| Expected::Comparator(field.clone(), begun.join(" ")));
        })?;
        let rule = field.rule();
        let value_start = self.offset();
        let value = match written.comparator {
            Some(Comparator::IsNull | Comparator::IsNotNull) => Value::None,
            comparator => {
                let is_list = matches!(comparator, Some(Comparator::In | Comparator::NotIn));
                if comparator.is_some_and(|comparator| rule.takes(comparator)) {
                    self.note(|| if is_list { Expected::List } else { Expected::Value(field.clone()) });
                }
                let operand = self.operand(first, &field, is_list)?;
                let raw = &self.text[value_start..self.end()];
                value(rule.values, operand, raw)
                    .map_err(|refusal| Refusal::at(&refusal, value_start, expected_value(rule.values)))?
            }
        };
        let Some(comparator) = written.comparator.filter(|comparator| rule.comparators.contains(comparator)) else {
            return Err(match value {
                Value::None => Refusal::at(&field.null_refusal(), written.start, "another comparator"),
                _ => invalid_comparator(&written, rule.comparators),
            });
        };
        match (comparator, &value) {
            (Comparator::In | Comparator::NotIn, _) => {}
            (_, Value::List(_) | Value::Ids(_)) => {
                return Err(invalid_comparator(&written, &[Comparator::In, Comparator::NotIn]));
            }
            (Comparator::Like | Comparator::ILike, Value::Text(pattern)) => check_pattern(pattern, value_start)?,
            _ => {}
        }
        Ok(Comparison { field, comparator, value, position: start..self.end() })
    }

    /// `entity.key`, or an attribute alone. The first dot ends the entity; all others belong to the key.
    fn field(&mut self) -> Result<F, Refusal> {
        let first = self.next;
        let start = self.offset();
        let Some(token) = self.take() else {
            return Err(self.unparsable(&[], F::EXPECTED));
        };
        let is_name = matches!(token.kind, Kind::Bare | Kind::Quoted) && !token.is_word("NOT");
        if !is_name {
            return Err(self.unparsable(&[token], F::EXPECTED));
        }
        if token.is_quoted_by(&['\'']) || token.is_word("NULL") || is_number(token.text) {
            let refusal = format!("Invalid comparison clause. Expected 'Identifier' found '{}'", excerpt(token.text));
            return Err(Refusal::at(&refusal, start, F::EXPECTED));
        }
        let resolve =
            |entity, key| F::resolve(entity, key).map_err(|refusal| Refusal::at(&refusal, start, F::EXPECTED));
        let after_quoted_entity = self
            .take_adjacent(|rest| token.kind == Kind::Quoted && rest.kind == Kind::Bare && rest.text.starts_with('.'));
        let (entity, key) = if let Some(rest) = after_quoted_entity {
            (token.content(), &rest.text[1..])
        } else {
            // Entity and key in one pair of quotes are no field: as in MLflow, the quote becomes part of the entity.
            match token.text.split_once('.') {
                Some(parts) => parts,
                None if token.kind == Kind::Quoted => return resolve(None, token.content()),
                None => return resolve(None, token.text),
            }
        };
        let key = match self.take_adjacent(|rest| key.is_empty() && rest.kind == Kind::Quoted) {
            Some(quoted) => quoted.content(),
            None => key,
        };
        if key.is_empty() {
            self.note(|| Expected::Key(entity.to_owned()));
        }
        let field = resolve(Some(entity), key)?;
        if key.is_empty() {
            return Err(self.incomplete(first, "a key after the dot"));
        }
        Ok(field)
    }

    /// The comparator of the comparison whose first token is `first`.
    fn comparator(&mut self, first: usize) -> Result<Written<'a>, Refusal> {
        let start = self.offset();
        let Some(token) = self.take_if(|token| !token.is_word("AND")) else {
            return Err(self.incomplete(first, COMPARATOR));
        };
        let comparator = match token.text.to_ascii_uppercase().as_str() {
            "=" => Some(Comparator::Eq),
            "!=" => Some(Comparator::NotEq),
            ">" => Some(Comparator::Gt),
            ">=" => Some(Comparator::Ge),
            "<" => Some(Comparator::Lt),
            "<=" => Some(Comparator::Le),
            "LIKE" => Some(Comparator::Like),
            "ILIKE" => Some(Comparator::ILike),
            "IN" => Some(Comparator::In),
            "NOT" if self.take_word("IN") => Some(Comparator::NotIn),
            // What SQL has and this grammar does not deserves a better answer than "unparsable".
            "NOT" if self.take_word("LIKE") || self.take_word("ILIKE") || self.take_word("RLIKE") => None,
            "RLIKE" => None,
            "IS" if self.take_word("NULL") => Some(Comparator::IsNull),
            "IS" if self.take_word("NOT") && self.take_word("NULL") => Some(Comparator::IsNotNull),
            "NOT" => return Err(self.incomplete(first, "NOT IN")),
            "IS" => return Err(self.incomplete(first, "IS NULL or IS NOT NULL")),
            _ if token.kind == Kind::Operator => None,
            _ => return Err(self.unparsable(&[token], COMPARATOR)),
        };
        Ok(Written { comparator, text: &self.text[start..self.end()], start })
    }

    /// The value of the comparison whose first token is `first`; only a list will do if `is_list`.
    fn operand(&mut self, first: usize, field: &F, is_list: bool) -> Result<Operand<'a>, Refusal> {
        let Some(token) = self.take_if(|token| !is_list || token.kind == Kind::Open) else {
            return Err(self.incomplete(first, if is_list { "a list such as ('a', 'b')" } else { "a value" }));
        };
        match token.kind {
            Kind::Open => self.list(first, field).map(Operand::List),
            Kind::Quoted if token.is_quoted_by(VALUE_QUOTES) => Ok(Operand::Text(token.content())),
            Kind::Bare if is_number(token.text) => Ok(Operand::Number(token.text)),
            Kind::Bare | Kind::Quoted => Ok(Operand::Unquoted),
            Kind::Operator | Kind::Close | Kind::Comma | Kind::Semicolon => Err(self.unparsable(&[token], "a value")),
        }
    }

    /// The rest of a list after its opening parenthesis. A comma after the last text is tolerated.
    fn list(&mut self, first: usize, field: &F) -> Result<Vec<&'a str>, Refusal> {
        let mut texts = Vec::new();
        let mut after_comma = true;
        loop {
            self.note(|| if after_comma { Expected::Item(field.clone()) } else { Expected::ItemEnd });
            let Some(token) = self.take() else { return Err(self.incomplete(first, END_OF_LIST)) };
            match token.kind {
                Kind::Close if texts.is_empty() => {
                    return Err(ill_formed_list("a non-empty list of string values, but got empty list", token, TEXT));
                }
                Kind::Close => return Ok(texts),
                Kind::Quoted if after_comma && token.is_quoted_by(VALUE_QUOTES) => {
                    texts.push(token.content());
                    after_comma = false;
                }
                Kind::Comma if !after_comma => after_comma = true,
                _ => {
                    let problem = if token.kind == Kind::Bare && is_number(token.text) {
                        "string value, punctuation, or whitespace, but got different type in list"
                    } else {
                        "a non-empty list of string values, but got ill-formed list."
                    };
                    return Err(ill_formed_list(problem, token, if after_comma { TEXT } else { END_OF_LIST }));
                }
            }
        }
    }

    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.next).copied()
    }

    fn take(&mut self) -> Option<Token<'a>> {
        let token = self.peek()?;
        self.next += 1;
        Some(token)
    }

    /// Takes the next token if it is that word.
    fn take_word(&mut self, word: &str) -> bool {
        self.take_if(|token| token.is_word(word)).is_some()
    }

    /// Takes the next token if nothing stands between it and the last one and it is what `wanted` wants.
    fn take_adjacent(&mut self, wanted: impl Fn(&Token<'a>) -> bool) -> Option<Token<'a>> {
        let end = self.end();
        self.take_if(|token| token.start == end && wanted(token))
    }

    fn take_if(&mut self, wanted: impl Fn(&Token<'a>) -> bool) -> Option<Token<'a>> {
        let token = self.peek().filter(wanted)?;
        self.next += 1;
        Some(token)
    }

    /// Where the next token starts.
    fn offset(&self) -> usize {
        self.peek().map_or(self.text.len(), |token| token.start)
    }

    /// Where the last token that was taken ends.
    fn end(&self) -> usize {
        self.next.checked_sub(1).map_or(0, |last| self.tokens[last].end())
    }

    /// `tokens`, the first of which is where `expected` should be.
    fn unparsable(&self, tokens: &[Token<'a>], expected: &'static str) -> Refusal {
        let pieces: Vec<&str> = tokens.iter().map(|token| token.text).collect();
        let start = tokens.first().map_or(self.text.len(), |token| token.start);
        Refusal::at(&self.part.unparsable(self.text, &pieces), start, expected)
    }

    /// The tokens from `first` on, which are the beginning of something that should go on with `expected`.
    fn incomplete(&self, first: usize, expected: &'static str) -> Refusal {
        let pieces: Vec<&str> = self.tokens[first..self.next].iter().map(|token| token.text).collect();
        Refusal::at(&self.part.unparsable(self.text, &pieces), self.offset(), expected)
    }
}

fn too_many_clauses(byte: usize) -> Refusal {
    let refusal = format!("Invalid filter: it has too many comparisons, at most {MAX_CLAUSES} are allowed.");
    Refusal::at(&refusal, byte, "the end of the filter")
}

fn invalid_comparator(written: &Written<'_>, valid: &[Comparator]) -> Refusal {
    let valid = field::set_of(valid.iter().map(|comparator| comparator.sql()));
    let refusal = format!("Invalid comparator '{}' not one of '{valid}'", excerpt(written.text));
    Refusal::at(&refusal, written.start, COMPARATOR)
}

fn ill_formed_list(problem: &str, token: Token<'_>, expected: &'static str) -> Refusal {
    Refusal::at(&format!("While parsing a list in the query, expected {problem}"), token.start, expected)
}
