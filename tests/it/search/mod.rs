//! `experiments/search` and `runs/search` through the router: what they find, in which order, page by page.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails like a test")]

mod experiments;
mod runs;

use crate::support::Reply;

fn token(reply: &Reply) -> Option<String> {
    reply.json()["next_page_token"].as_str().map(str::to_owned)
}
