//! Accounts over HTTP: signing in, one's own tokens, Anemoi's login, and what administrators and managers do.

pub mod accounts;
pub mod login;
pub mod roles;
pub mod session;
pub mod tokens;
