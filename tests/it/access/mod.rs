//! Accounts at the whole server: who may do what, by whichever proof, and what a refusal tells.

mod commands;
mod links;
mod others;
mod passwords;
mod roles;
mod sessions;
mod tokens;
mod walk;

use axum::body::Body;
use axum::http::{Method, Request};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use windvane::access::{fresh_token, hash_of, hash_password};
use windvane::http::layers::Peer;
use windvane::model::Role;
use windvane::store::{Namespace, NewPrincipal, NewToken, PrincipalKind, TokenKind};

use crate::support::{App, Reply, START_MS};

/// A password that the rules allow.
pub const PASSWORD: &str = "correct horse battery";

/// Makes an account and answers its number. Only with `password` can it sign in.
pub async fn account(app: &App, name: &str, site_role: Option<Role>, password: Option<&str>) -> i64 {
    let password_hash = password.map(|password| hash_password(password).unwrap());
    let new = NewPrincipal { password_hash, site_role, ..NewPrincipal::named(name, PrincipalKind::Person) };
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

pub const EXPERIMENTS: &str = "/api/2.0/mlflow/experiments/search?max_results=9";
pub const OWN: &str = "/api/windvane/v1/";
pub const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
pub const REFUSED: &str = "401 UNAUTHENTICATED: the name, password or token is not accepted";

/// A server with an administrator `root` and an account `alice`, both with the password.
pub async fn closed(app: App) -> App {
    account(&app, "root", Some(Role::Admin), Some(PASSWORD)).await;
    account(&app, "alice", None, Some(PASSWORD)).await;
    // Otherwise it would be seen within two seconds.
    app.access().forget();
    app
}

/// What a request with these headers is answered.
pub async fn get(app: &App, path: &str, headers: &[(&str, &str)]) -> Reply {
    send(app, Method::GET, path, headers, Value::Null).await
}

pub async fn send(app: &App, method: Method, path: &str, headers: &[(&str, &str)], body: Value) -> Reply {
    send_from(app, None, method, path, headers, body).await
}

pub async fn send_from(
    app: &App,
    peer: Option<Peer>,
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Value,
) -> Reply {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(peer) = peer {
        request = request.extension(peer);
    }
    let body = match body {
        Value::Null => Body::empty(),
        body => {
            request = request.header("content-type", "application/json");
            Body::from(body.to_string())
        }
    };
    app.send(request.body(body).unwrap()).await.into()
}

pub fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// Signs in; the cookie as a browser sends it back.
pub async fn sign_in(app: &App, name: &str, password: &str, cookie: &str) -> String {
    let body = json!({ "name": name, "password": password });
    let reply = send(app, Method::POST, &format!("{OWN}session"), &[("cookie", cookie)], body).await;
    reply.expect_ok();
    reply.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// A new login token of someone, and its number.
pub async fn login_token(app: &App, name: &str) -> (String, i64) {
    let header = basic(name, PASSWORD);
    let (path, body) = (format!("{OWN}tokens"), json!({ "kind": "login" }));
    let made = send(app, Method::POST, &path, &[("authorization", &header)], body).await.expect_ok();
    (made["token"].as_str().unwrap().to_owned(), made["id"].as_i64().unwrap())
}

/// An access token of someone.
pub async fn access_token(app: &App, name: &str) -> String {
    let (seed, _) = login_token(app, name).await;
    refresh(app, &seed).await["response"]["access_token"].as_str().unwrap().to_owned()
}

/// The answer to a refresh token.
pub async fn refresh(app: &App, token: &str) -> Value {
    let body = Body::from(json!({ "refresh_token": token }).to_string());
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    app.request(Method::POST, "/refreshtoken", headers, body).await.expect_ok()
}
