//! Any text as a filter: it is refused with a place, or it can be printed and taken apart without a change of meaning.

#![no_main]

use std::fmt::{Debug, Display};

use libfuzzer_sys::{Corpus, fuzz_target};
use windvane_fuzz::assert_helpful;
use windvane_fuzz::error::Result;
use windvane_fuzz::search::{Filter, parse_experiment_filter, parse_run_filter};

fuzz_target!(|data: &[u8]| -> Corpus {
    // Other bytes are refused before they reach the parser.
    let Ok(text) = std::str::from_utf8(data) else { return Corpus::Reject };
    check(text, parse_run_filter);
    check(text, parse_experiment_filter);
    Corpus::Keep
});

fn check<F: Debug + Display + PartialEq>(text: &str, parse: impl Fn(&str) -> Result<Filter<F>>) {
    let filter = match parse(text) {
        Ok(filter) => filter,
        Err(refusal) => return assert_helpful(&refusal, text),
    };

    let printed = filter.to_string();
    assert_eq!(parse(&printed).expect("what was printed parses"), filter, "printed: {printed}");

    for clause in filter.clauses {
        let alone = parse(&text[clause.position.clone()]).expect("a comparison parses without the others");
        assert_eq!(alone.clauses, [clause]);
    }
}
