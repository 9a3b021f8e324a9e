//! Accounts at the whole server: who may do what, by whichever proof, and what a refusal tells.

mod commands;
mod credentials;
mod walk;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use windvane::access::{fresh_token, hash_of, hash_password};
use windvane::model::Role;
use windvane::store::{Namespace, NewPrincipal, NewToken, PrincipalKind, TokenKind};

use crate::support::{App, START_MS};

/// A password that the rules allow.
pub const PASSWORD: &str = "correct horse battery";

/// Makes an account and answers its number. Only with `password` can it sign in.
pub async fn account(app: &App, name: &str, site_role: Option<Role>, password: Option<&str>) -> i64 {
    let new = NewPrincipal {
        name: name.to_owned(),
        kind: PrincipalKind::Person,
        display_name: String::new(),
        email: String::new(),
        password_hash: password.map(|password| hash_password(password).unwrap()),
        site_role,
    };
    app.store().accounts().create_principal(&new, START_MS).await.unwrap()
}

/// A token of an account, for everything that its roles allow.
pub async fn token(app: &App, account: i64) -> String {
    token_for(app, account, Role::Admin, None, None).await
}

/// A token that allows less, or ends.
pub async fn token_for(
    app: &App,
    account: i64,
    at_most: Role,
    experiment_id: Option<i64>,
    expires_ms: Option<i64>,
) -> String {
    let text = fresh_token().unwrap();
    let new = NewToken {
        principal_id: account,
        kind: TokenKind::Api,
        name: String::new(),
        hash: hash_of(&text),
        at_most,
        experiment_id,
        expires_ms,
    };
    app.store().accounts().create_token(&new, START_MS).await.unwrap();
    text
}

/// Gives an account a role in a namespace.
pub async fn give(app: &App, name: &str, experiment_id: &str, role: Role) {
    let namespace = Namespace::One(experiment_id.parse().unwrap());
    app.store().accounts().grant(name, namespace, role).await.unwrap();
}

/// The header of a name and a password.
pub fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}
