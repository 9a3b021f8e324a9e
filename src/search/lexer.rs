//! Cuts a filter into tokens, each with its byte offset. It knows characters, not words: whether `in` is a comparator
//! or a name is for the parser to say.

/// What a token is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Name characters: a keyword, a number, or an identifier with all its dots, as `params.config.training.x.0`.
    Bare,
    /// Text in single quotes, double quotes or backticks.
    Quoted,
    /// A run of `=`, `!`, `<`, `>` and `~`, whether or not it is a comparator.
    Operator,
    /// `(`
    Open,
    /// `)`
    Close,
    /// `,`
    Comma,
    /// `;`
    Semicolon,
}

/// A piece of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub kind: Kind,
    /// The piece as it was written, with its quotes.
    pub text: &'a str,
    /// The byte at which it starts.
    pub start: usize,
}

impl<'a> Token<'a> {
    /// The byte after it.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// The text between the quotes of a [`Kind::Quoted`].
    pub fn content(&self) -> &'a str {
        &self.text[1..self.text.len() - 1]
    }

    /// Whether this is `word`, in any case.
    pub fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Bare && self.text.eq_ignore_ascii_case(word)
    }

    /// Whether this is text in one of `quotes`.
    pub fn is_quoted_by(&self, quotes: &[char]) -> bool {
        self.kind == Kind::Quoted && self.text.starts_with(quotes)
    }
}

/// A place where no token can start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LexError<'a> {
    /// What is there.
    pub text: &'a str,
    /// The byte at which it starts.
    pub start: usize,
    /// What could have been there.
    pub expected: &'static str,
}

impl LexError<'_> {
    /// Whether this is a quote that nothing closes; all that follows belongs to it.
    pub fn is_open_quote(&self) -> bool {
        self.text.starts_with(['\'', '"', '`'])
    }
}

/// Whether a name can have this character without quotes: what names are made of (contract section 5.1), but blanks.
pub(super) fn is_bare(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | '/' | ':')
}

/// All tokens of `text`.
pub(super) fn tokenize(text: &str) -> Result<Vec<Token<'_>>, LexError<'_>> {
    let (tokens, problem) = scan(text);
    problem.map_or(Ok(tokens), Err)
}

/// The tokens of `text` up to the first place where none can start, and that place if there is one.
pub(super) fn scan(text: &str) -> (Vec<Token<'_>>, Option<LexError<'_>>) {
    let mut tokens = Vec::new();
    let mut start = 0;
    while let Some(first) = text[start..].chars().next() {
        let rest = &text[start..];
        let (kind, length) = match first {
            '\'' | '"' | '`' => match rest[1..].find(first) {
                Some(inner_length) => (Kind::Quoted, inner_length + 2),
                None => return (tokens, Some(LexError { text: rest, start, expected: "a closing quote" })),
            },
            '(' => (Kind::Open, 1),
            ')' => (Kind::Close, 1),
            ',' => (Kind::Comma, 1),
            ';' => (Kind::Semicolon, 1),
            _ if first.is_whitespace() => {
                start += first.len_utf8();
                continue;
            }
            _ if is_operator(first) => (Kind::Operator, rest.find(|other| !is_operator(other)).unwrap_or(rest.len())),
            _ if is_bare(first) => (Kind::Bare, bare_length(rest)),
            _ => {
                let text = &rest[..first.len_utf8()];
                return (tokens, Some(LexError { text, start, expected: "a name, a comparator or a value" }));
            }
        };
        tokens.push(Token { kind, text: &rest[..length], start });
        start += length;
    }
    (tokens, None)
}

fn is_operator(character: char) -> bool {
    matches!(character, '=' | '!' | '<' | '>' | '~')
}

/// How many bytes at the start of `rest` belong to one bare token. A plus sign does only as that of an exponent.
fn bare_length(rest: &str) -> usize {
    let like_a_number = rest.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '-' | '.'));
    let mut previous = None;
    for (at, character) in rest.char_indices() {
        let exponent_sign = like_a_number && character == '+' && matches!(previous, Some('e' | 'E'));
        if !is_bare(character) && !exponent_sign {
            return at;
        }
        previous = Some(character);
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<&str> {
        tokenize(text).unwrap().into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn a_name_keeps_its_dots_slashes_dashes_and_colons() {
        assert_eq!(pieces("params.config.training.x.0='a'"), ["params.config.training.x.0", "=", "'a'"]);
        assert_eq!(pieces("metrics.val_Loss/var_001/1>-1"), ["metrics.val_Loss/var_001/1", ">", "-1"]);
        assert_eq!(pieces("metrics.lr-Adam<=.5"), ["metrics.lr-Adam", "<=", ".5"]);
        assert_eq!(pieces("tags.größe:m != \"é\""), ["tags.größe:m", "!=", "\"é\""]);
    }

    #[test]
    fn a_number_keeps_the_sign_of_its_exponent() {
        assert_eq!(pieces("metrics.a > -1.5E+3"), ["metrics.a", ">", "-1.5E+3"]);
        assert!(tokenize("metrics.e+3").is_err());
    }

    #[test]
    fn a_quoted_text_runs_to_the_next_quote_of_its_kind() {
        assert_eq!(pieces(r#"tags.`a'"b`='x` y"'"#), ["tags.", r#"`a'"b`"#, "=", r#"'x` y"'"#]);
    }

    #[test]
    fn offsets_count_bytes() {
        let starts: Vec<usize> = tokenize("tags.é = ('ü', 'x')").unwrap().iter().map(|token| token.start).collect();

        assert_eq!(starts, [0, 8, 10, 11, 15, 17, 20]);
    }

    #[test]
    fn an_open_quote_and_a_stray_character_are_named_with_their_place() {
        assert_eq!(tokenize("tags.a = 'x"), Err(LexError { text: "'x", start: 9, expected: "a closing quote" }));
        assert_eq!(
            tokenize("tags.a$ = 'x'"),
            Err(LexError { text: "$", start: 6, expected: "a name, a comparator or a value" })
        );
    }
}
