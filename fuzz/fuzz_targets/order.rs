//! Any text as an order, an item a line: it is refused with a place, or it can be printed without a change of meaning.

#![no_main]

use std::fmt::{Debug, Display};
use std::slice;

use libfuzzer_sys::{Corpus, fuzz_target};
use windvane_fuzz::assert_helpful;
use windvane_fuzz::error::Result;
use windvane_fuzz::search::{OrderKey, parse_experiment_order, parse_run_order};

fuzz_target!(|data: &[u8]| -> Corpus {
    // Other bytes are refused before they reach the parser.
    let Ok(text) = std::str::from_utf8(data) else { return Corpus::Reject };
    let items: Vec<String> = text.lines().map(str::to_owned).collect();
    check(&items, parse_run_order);
    check(&items, parse_experiment_order);
    Corpus::Keep
});

fn check<F: Debug + Display + PartialEq>(items: &[String], parse: impl Fn(&[String]) -> Result<Vec<OrderKey<F>>>) {
    // The place in a refusal is one in an item, and only alone it is clear in which.
    for item in items {
        if let Err(refusal) = parse(slice::from_ref(item)) {
            assert_helpful(&refusal, item);
        }
    }
    let Ok(keys) = parse(items) else { return };

    let printed: Vec<String> =
        keys.iter().map(|key| format!("{} {}", key.field, if key.ascending { "ASC" } else { "DESC" })).collect();
    assert_eq!(parse(&printed).expect("what was printed parses"), keys, "printed: {printed:?}");
}
