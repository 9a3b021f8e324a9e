//! What proves who asks, and what does not (`security-cases.md` AU, BR-02).

use std::net::IpAddr;

use axum::body::Body;
use axum::http::{Method, Request};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use windvane::http::layers::Peer;
use windvane::model::Role;

use super::{PASSWORD, account, basic, give, token, token_for};
use crate::support::{App, Database, Reply, START_MS, app, app_with, databases};

const EXPERIMENTS: &str = "/api/2.0/mlflow/experiments/search?max_results=9";
const OWN: &str = "/api/windvane/v1/";
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
const REFUSED: &str = "401 UNAUTHENTICATED: the name, password or token is not accepted";

/// A server with an administrator `root` and an account `alice`, both with the password.
async fn closed(app: App) -> App {
    account(&app, "root", Some(Role::Admin), Some(PASSWORD)).await;
    account(&app, "alice", None, Some(PASSWORD)).await;
    // Otherwise it would be seen within two seconds.
    app.access().forget();
    app
}

/// What a request with these headers is answered.
async fn get(app: &App, path: &str, headers: &[(&str, &str)]) -> Reply {
    send(app, Method::GET, path, headers, Value::Null).await
}

async fn send(app: &App, method: Method, path: &str, headers: &[(&str, &str)], body: Value) -> Reply {
    send_from(app, None, method, path, headers, body).await
}

async fn send_from(
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

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

/// Signs in; the cookie as a browser sends it back.
async fn sign_in(app: &App, name: &str, password: &str, cookie: &str) -> String {
    let body = json!({ "name": name, "password": password });
    let reply = send(app, Method::POST, &format!("{OWN}session"), &[("cookie", cookie)], body).await;
    reply.expect_ok();
    reply.header("set-cookie").split(';').next().unwrap().to_owned()
}

/// A new login token of someone, and its number.
async fn login_token(app: &App, name: &str) -> (String, i64) {
    let header = basic(name, PASSWORD);
    let (path, body) = (format!("{OWN}tokens"), json!({ "kind": "login" }));
    let made = send(app, Method::POST, &path, &[("authorization", &header)], body).await.expect_ok();
    (made["token"].as_str().unwrap().to_owned(), made["id"].as_i64().unwrap())
}

/// An access token of someone.
async fn access_token(app: &App, name: &str) -> String {
    let (seed, _) = login_token(app, name).await;
    refresh(app, &seed).await["response"]["access_token"].as_str().unwrap().to_owned()
}

/// The answer to a refresh token.
async fn refresh(app: &App, token: &str) -> Value {
    let body = Body::from(json!({ "refresh_token": token }).to_string());
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    app.request(Method::POST, "/refreshtoken", headers, body).await.expect_ok()
}

#[tokio::test]
async fn a_header_that_proves_nothing_is_refused_whatever_is_wrong_with_it() {
    let app = closed(app(Database::sqlite()).await).await;
    let encoded = STANDARD.encode(format!("alice:{PASSWORD}"));
    let no_colon = format!("Basic {}", STANDARD.encode("alice"));
    let no_name = basic("", PASSWORD);
    let with_nul = basic("alice", "correct\0horse battery");
    let long = bearer(&"x".repeat(60_000));
    for header in [
        "Basic",
        "Basic ",
        "Basic !!!",
        no_colon.as_str(),
        &no_name,
        &with_nul,
        "Basic /w==",
        "Bearer",
        "Bearer ",
        &long,
        "Negotiate abc",
        "",
        &format!("Digest {encoded}"),
        &encoded,
    ] {
        let reply = get(&app, EXPERIMENTS, &[("authorization", header)]).await;
        assert_eq!(reply.status, 401, "{header:.50}: {reply}");
        assert_eq!(reply.header("www-authenticate"), "Basic realm=\"mlflow\"");
        let secret = header.split(' ').next_back().unwrap();
        assert!(secret.len() < 9 || !reply.refusal().contains(secret), "{reply}");
    }
    let twice = [("authorization", basic("alice", PASSWORD)), ("authorization", basic("alice", PASSWORD))];
    let twice = twice.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(get(&app, EXPERIMENTS, &twice).await.status, 401);
    let text = "401 UNAUTHENTICATED: this server has accounts: sign in, or send a password or a token";
    assert_eq!(get(&app, EXPERIMENTS, &[]).await.refusal(), text);
    for scheme in ["basic", "BASIC", "Basic  "] {
        let header = format!("{scheme} {encoded}");
        assert_eq!(get(&app, EXPERIMENTS, &[("authorization", &header)]).await.status, 200, "{scheme}");
    }
    // A browser would show a dialog of its own.
    let asked = get(&app, EXPERIMENTS, &[("sec-fetch-site", "same-origin")]).await;
    assert_eq!((asked.status, asked.header("www-authenticate")), (401, "Session realm=\"windvane\""));
}

#[tokio::test]
async fn unknown_names_and_wrong_passwords_are_answered_alike() {
    for database in databases().await {
        let app = closed(app(database).await).await;
        let service = account(&app, "robot", None, None).await;
        let its_token = token(&app, service).await;
        for (name, password) in [
            ("alice", "wrong"),
            ("alice", ""),
            ("nobody", PASSWORD),
            ("robot", ""),
            ("robot", &its_token),
            ("admin", "password1234"),
            ("admin", "admin"),
            ("anyone", ""),
            ("everyone", PASSWORD),
            ("alice ", PASSWORD),
            ("Alice", PASSWORD),
            ("' OR 1=1 --", PASSWORD),
        ] {
            let reply = get(&app, EXPERIMENTS, &[("authorization", &basic(name, password))]).await;
            assert_eq!(reply.refusal(), REFUSED, "{name}");
        }
        assert_eq!(get(&app, EXPERIMENTS, &[("authorization", &basic("alice", PASSWORD))]).await.status, 200);
    }
}

#[tokio::test]
async fn guessing_waits_for_its_name_at_its_address_and_for_nobody_else() {
    let app = closed(app(Database::sqlite()).await).await;
    let alice = app.store().accounts().find_principal("alice").await.unwrap().unwrap().id;
    let her_token = bearer(&token(&app, alice).await);
    let from = async |address: &str, header: &str| {
        let address: IpAddr = address.parse().unwrap();
        let peer = Some(Peer::Tcp { address, tls: false });
        send_from(&app, peer, Method::GET, EXPERIMENTS, &[("authorization", header)], Value::Null).await
    };
    let mut statuses = Vec::new();
    for guess in 0..8 {
        statuses.push(from("192.0.2.1", &basic("alice", &format!("guess {guess}"))).await.status);
    }

    assert_eq!(statuses[..4], [401; 4]);
    assert_eq!(statuses[5..], [429; 3]);
    let waiting = from("192.0.2.1", &basic("alice", PASSWORD)).await;
    assert_eq!(waiting.status, 429, "the right one waits too, or the answer would tell it");
    assert!(waiting.header("retry-after").parse::<u64>().unwrap() >= 1);
    for (address, header) in
        [("192.0.2.2", basic("alice", PASSWORD)), ("192.0.2.1", basic("root", PASSWORD)), ("192.0.2.1", her_token)]
    {
        assert_eq!(from(address, &header).await.status, 200, "{address}");
    }
}

#[tokio::test]
async fn a_token_counts_as_it_was_made_until_it_ends() {
    for database in databases().await {
        let app = closed(app(database).await).await;
        let root = app.store().accounts().find_principal("root").await.unwrap().unwrap().id;
        let good = token_for(&app, root, Role::Admin, None, Some(START_MS + 5_000)).await;
        let ask = async |token: &str| get(&app, EXPERIMENTS, &[("authorization", &bearer(token))]).await;
        assert_eq!(ask(&good).await.status, 200);

        let mut flipped = good.clone().into_bytes();
        *flipped.last_mut().unwrap() ^= 1;
        let flipped = String::from_utf8(flipped).unwrap();
        let other = windvane::access::fresh_token().unwrap();
        for wrong in [&good[1..], &good[..good.len() - 1], &flipped, &good.to_uppercase(), &other, "wv_", "a.b.c"] {
            assert_eq!(ask(wrong).await.refusal(), REFUSED, "{wrong}");
        }
        let as_password = get(&app, EXPERIMENTS, &[("authorization", &basic("root", &good))]).await;
        assert_eq!(as_password.refusal(), REFUSED, "a token is no password");
        for path in [format!("{EXPERIMENTS}&access_token={good}"), format!("{EXPERIMENTS}&token={good}")] {
            assert_eq!(get(&app, &path, &[]).await.status, 401, "{path}");
        }

        app.set_clock(START_MS + 4_999);
        assert_eq!(ask(&good).await.status, 200);
        app.set_clock(START_MS + 5_000);
        assert_eq!(ask(&good).await.refusal(), REFUSED, "although it was proven just now");
        app.set_clock(START_MS - 3_650 * DAY_MS);
        assert_eq!(ask(&good).await.status, 200);
    }
}

#[tokio::test]
async fn what_is_taken_away_is_gone_at_once() {
    for database in databases().await {
        let app = closed(app(database).await).await;
        let admin = basic("root", PASSWORD);
        let admin = [("authorization", admin.as_str())];
        let made =
            send(&app, Method::POST, &format!("{OWN}tokens"), &admin, json!({ "name": "mine" })).await.expect_ok();
        let (id, mine) = (made["id"].as_i64().unwrap(), bearer(made["token"].as_str().unwrap()));
        let alice = app.store().accounts().find_principal("alice").await.unwrap().unwrap().id;
        let hers = bearer(&token(&app, alice).await);
        let cookie = sign_in(&app, "alice", PASSWORD, "").await;
        let (by_password, by_cookie) = (basic("alice", PASSWORD), ("cookie", cookie.as_str()));
        let by_password = ("authorization", by_password.as_str());
        let status = async |header: (&str, &str)| get(&app, EXPERIMENTS, &[header]).await.status;
        for header in [("authorization", mine.as_str()), ("authorization", &hers), by_password, by_cookie] {
            assert_eq!(status(header).await, 200);
        }

        let path = format!("{OWN}tokens/{id}");
        send(&app, Method::DELETE, &path, &admin, Value::Null).await.expect_ok();
        assert_eq!(status(("authorization", &mine)).await, 401);
        assert_eq!(send(&app, Method::DELETE, &path, &admin, Value::Null).await.status, 404);
        let change = json!({ "password": "another good one" });
        send(&app, Method::PATCH, &format!("{OWN}users/alice"), &admin, change).await.expect_ok();
        assert_eq!((status(by_password).await, status(by_cookie).await), (401, 401));
        let new = basic("alice", "another good one");
        assert_eq!((status(("authorization", &new)).await, status(("authorization", &hers)).await), (200, 200));
        send(&app, Method::DELETE, &format!("{OWN}users/alice"), &admin, Value::Null).await.expect_ok();
        assert_eq!((status(("authorization", &new)).await, status(("authorization", &hers)).await), (401, 401));
        let again = send(&app, Method::POST, &format!("{OWN}users"), &admin, json!({ "name": "alice" })).await;
        again.expect_ok();
        assert_eq!(status(("authorization", &hers)).await, 401, "a name that comes back is another account");
    }
}

#[tokio::test]
async fn a_token_that_is_for_less_does_less() {
    for database in databases().await {
        let app = app(database).await;
        let (mine, other) = (app.new_experiment("mine").await, app.new_experiment("other").await);
        let app = closed(app).await;
        let alice = app.store().accounts().find_principal("alice").await.unwrap().unwrap().id;
        for experiment in [&mine, &other] {
            give(&app, "alice", experiment, Role::Manager).await;
        }
        let only = Some(mine.parse().unwrap());
        let reading = bearer(&token_for(&app, alice, Role::Reader, None, None).await);
        let one = bearer(&token_for(&app, alice, Role::Admin, only, None).await);
        let names = async |token: &str| -> Vec<String> {
            let found = get(&app, EXPERIMENTS, &[("authorization", token)]).await.expect_ok();
            let found = found["experiments"].as_array().cloned().unwrap_or_default();
            found.iter().map(|experiment| experiment["name"].as_str().unwrap().to_owned()).collect()
        };
        let create = async |token: &str, path: &str, body: Value| {
            let path = format!("/api/2.0/mlflow/{path}");
            send(&app, Method::POST, &path, &[("authorization", token)], body).await
        };

        assert_eq!(names(&reading).await, ["mine", "other"]);
        assert_eq!(names(&one).await, ["mine"]);
        let run = async |token: &str, experiment: &str| {
            let reply = create(token, "runs/create", json!({ "experiment_id": experiment, "user_id": "root" })).await;
            assert!(reply.status != 200 || reply.json()["run"]["info"]["user_id"] == "alice", "whose it is: {reply}");
            reply.status
        };
        assert_eq!((run(&reading, &mine).await, run(&one, &mine).await, run(&one, &other).await), (403, 200, 404));
        let experiment = json!({ "name": "new" });
        assert_eq!(create(&one, "experiments/create", experiment.clone()).await.status, 403);
        assert_eq!(create(&reading, "experiments/create", experiment.clone()).await.status, 403);
        for token in [&reading, &one] {
            let reply = send(&app, Method::POST, &format!("{OWN}tokens"), &[("authorization", token)], json!({})).await;
            assert_eq!(
                reply.refusal(),
                "403 PERMISSION_DENIED: a token cannot make tokens; sign in or send the password"
            );
        }
        let admin = app.store().accounts().find_principal("root").await.unwrap().unwrap().id;
        let less = bearer(&token_for(&app, admin, Role::Manager, None, None).await);
        let users = get(&app, &format!("{OWN}users"), &[("authorization", &less)]).await;
        assert_eq!(users.status, 403, "an administrator's token that is for less: {users}");
    }
}

#[tokio::test]
async fn tokens_that_are_made_are_told_once_and_checked() {
    let app = closed(app(Database::sqlite()).await).await;
    let header = basic("alice", PASSWORD);
    let header = [("authorization", header.as_str())];
    let path = format!("{OWN}tokens");
    for (body, field) in [
        (json!({ "scope": "all" }), "'scope'"),
        (json!({ "kind": "seed" }), "'kind'"),
        (json!({ "expires_days": 0 }), "'expires_days'"),
        (json!({ "expires_days": 4_000 }), "'expires_days'"),
        (json!({ "name": "x".repeat(101) }), "'name'"),
        (json!({ "name": "a\0" }), "'name'"),
        (json!({ "experiment_id": "x" }), "experiment ID"),
    ] {
        let refusal = send(&app, Method::POST, &path, &header, body).await.invalid();
        assert!(refusal.contains(field), "{refusal}");
    }
    let elsewhere = send(&app, Method::POST, &path, &header, json!({ "experiment_id": "0" })).await;
    assert_eq!(elsewhere.status, 404, "one that she may not see: {elsewhere}");
    let body = json!({ "name": "laptop", "scope": "read", "expires_days": 7 });
    let made = send(&app, Method::POST, &path, &header, body).await.expect_ok();
    let text = made["token"].as_str().unwrap();
    assert!(text.starts_with("wv_") && text.len() > 40, "{text}");
    let listed = get(&app, &path, &header).await;
    assert!(!String::from_utf8_lossy(&listed.body).contains(text));
    let listed = listed.expect_ok();
    assert_eq!(listed["tokens"][0]["expires_ms"], START_MS + 7 * DAY_MS);
    assert_eq!((&listed["tokens"][0]["scope"], &listed["tokens"][0]["name"]), (&json!("read"), &json!("laptop")));
    let id = listed["tokens"][0]["id"].as_i64().unwrap();
    account(&app, "bob", None, Some(PASSWORD)).await;
    let bob = basic("bob", PASSWORD);
    let others = send(&app, Method::DELETE, &format!("{path}/{id}"), &[("authorization", &bob)], Value::Null).await;
    assert_eq!(others.status, 404, "another's token is not there");
}

#[tokio::test]
async fn accounts_are_made_with_passwords_that_nobody_guesses() {
    let app = closed(app(Database::sqlite()).await).await;
    let header = basic("root", PASSWORD);
    let header = [("authorization", header.as_str())];
    let path = format!("{OWN}users");
    let long = "a1b2c".repeat(60_000);
    for (password, rule) in [
        ("", "12 to 256"),
        ("elevenchars", "12 to 256"),
        (long.as_str(), "12 to 256"),
        ("carol's password", "the account's name"),
        ("aaaaaaaaaaaaaaa", "five different"),
        ("correct\0horse battery", "NUL"),
    ] {
        let refusal = send(&app, Method::POST, &path, &header, json!({ "name": "carol", "password": password })).await;
        let refusal = refusal.invalid();
        assert!(refusal.contains("'password'") && refusal.contains(rule), "{refusal}");
        assert!(password.is_empty() || !refusal.contains(password), "{refusal}");
    }
    for name in ["", "a b", "a:b", "group:x", "ä", &"x".repeat(200), "anyone", "root", "../x", "<img>"] {
        let refusal = send(&app, Method::POST, &path, &header, json!({ "name": name })).await;
        assert_eq!(refusal.status, 400, "{name}: {refusal}");
    }
    assert_eq!(send(&app, Method::POST, &path, &header, json!({ "name": "carol", "kind": "x" })).await.status, 400);
    let made =
        send(&app, Method::POST, &path, &header, json!({ "name": "carol", "kind": "service" })).await.expect_ok();
    assert_eq!((&made["kind"], &made["has_password"]), (&json!("service"), &json!(false)));
    for reply in [
        send(&app, Method::DELETE, &format!("{path}/root"), &header, Value::Null).await,
        send(&app, Method::DELETE, &format!("{path}/everyone"), &header, Value::Null).await,
    ] {
        assert_eq!(reply.status, 400, "the last administrator, and a class: {reply}");
    }
    assert_eq!(
        send(&app, Method::PATCH, &format!("{path}/nobody"), &header, json!({ "email": "x" })).await.status,
        404
    );
}

#[tokio::test]
async fn a_browser_signs_in_with_a_cookie_that_only_our_pages_use() {
    for database in databases().await {
        let app = closed(app_with(database, &[("prefix", "/track")]).await).await;
        let session = "/track/api/windvane/v1/session";
        let experiments = format!("/track{EXPERIMENTS}");
        let body = json!({ "name": "alice", "password": PASSWORD });
        assert_eq!(get(&app, session, &[]).await.expect_ok(), json!({ "accounts": true, "user": null }));
        let plain = send(&app, Method::POST, session, &[], body.clone()).await;
        let user = json!({ "name": "alice", "display_name": "", "admin": false });
        assert_eq!(plain.expect_ok(), json!({ "accounts": true, "user": user }));
        let cookie = plain.header("set-cookie").to_owned();
        let (pair, attributes) = cookie.split_once("; ").unwrap();
        assert_eq!(attributes, "HttpOnly; SameSite=Strict; Path=/track");
        assert!(pair.starts_with("windvane_session=") && pair.len() > 50);
        let tls = Some(Peer::Tcp { address: "192.0.2.1".parse().unwrap(), tls: true });
        let secure = send_from(&app, tls, Method::POST, session, &[("cookie", pair)], body.clone()).await;
        assert!(secure.header("set-cookie").contains("; Secure"), "{}", secure.header("set-cookie"));
        assert_eq!(get(&app, &experiments, &[("cookie", pair)]).await.status, 401, "the one before has ended");
        let new = secure.header("set-cookie").split(';').next().unwrap().to_owned();
        let fixed = [("cookie", "windvane_session=chosen-by-someone-else")];
        let renewed = send(&app, Method::POST, session, &fixed, body.clone()).await;
        assert!(!renewed.header("set-cookie").contains("chosen"));

        let with = async |headers: &[(&str, &str)]| get(&app, &experiments, headers).await.status;
        let mine = ("cookie", new.as_str());
        assert_eq!(with(&[mine]).await, 200);
        assert_eq!(with(&[mine, ("origin", "http://localhost:5000")]).await, 200);
        assert_eq!(
            with(&[mine, ("origin", "http://localhost:3000")]).await,
            401,
            "a page of this host at another port"
        );
        assert_eq!(with(&[mine, ("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")]).await, 401);
        let wrong = basic("alice", "wrong");
        assert_eq!(with(&[mine, ("authorization", &wrong)]).await, 401, "a header counts before a cookie");
        let create = "/track/api/2.0/mlflow/experiments/create";
        for origin in ["null", "http://localhost:5001", "https://evil.example", "http://localhost.evil"] {
            let headers = [mine, ("origin", origin)];
            let reply = send(&app, Method::POST, create, &headers, json!({ "name": "x" })).await;
            assert!(matches!(reply.status, 401 | 403), "{origin}: {reply}");
        }
        let form = app.request(Method::POST, create, [mine, ("content-type", "text/plain")], r#"{"name": "x"}"#).await;
        assert_eq!(form.status, 400, "a form of another page: {form}");
        let cross = app.request(Method::POST, session, [("content-type", "text/plain")], body.to_string()).await;
        assert_eq!(cross.status, 400, "{cross}");

        let gone = send(&app, Method::DELETE, session, &[mine], Value::Null).await;
        gone.expect_ok();
        assert!(gone.header("set-cookie").contains("Max-Age=0"), "{}", gone.header("set-cookie"));
        assert_eq!(with(&[mine]).await, 401);
    }
}

#[tokio::test]
async fn a_session_ends_with_its_day_and_with_a_new_password() {
    let app = closed(app(Database::sqlite()).await).await;
    let cookie = sign_in(&app, "alice", PASSWORD, "").await;
    let with = async |cookie: &str| get(&app, EXPERIMENTS, &[("cookie", cookie)]).await.status;
    assert_eq!(with(&cookie).await, 200);
    app.set_clock(START_MS + DAY_MS);
    assert_eq!(with(&cookie).await, 401);
    app.set_clock(START_MS);
    let second = sign_in(&app, "alice", PASSWORD, "").await;
    let change = async |password: &str, new: &str| {
        let body = json!({ "password": password, "new_password": new });
        send(&app, Method::POST, &format!("{OWN}session/password"), &[("cookie", &cookie)], body).await
    };

    assert_eq!(change("wrong", "another good one").await.refusal(), REFUSED);
    assert!(change(PASSWORD, "short").await.invalid().contains("'new_password'"));
    let changed = change(PASSWORD, "another good one").await;
    changed.expect_ok();
    let third = changed.header("set-cookie").split(';').next().unwrap().to_owned();

    assert_eq!((with(&cookie).await, with(&second).await, with(&third).await), (401, 401, 200));
}

#[tokio::test]
async fn anemois_login_gets_what_it_expects_byte_for_byte() {
    for database in databases().await {
        let app = closed(app_with(database, &[("access_token_hours", "24")]).await).await;
        let change = json!({ "display_name": "Älice >>?~ Ünsal" });
        let admin = basic("root", PASSWORD);
        let path = format!("{OWN}users/alice");
        send(&app, Method::PATCH, &path, &[("authorization", &admin)], change).await.expect_ok();
        let (seed, _) = login_token(&app, "alice").await;
        assert!(seed.bytes().all(|byte| byte.is_ascii_graphic()));

        let request = format!("{{\"refresh_token\": \"{seed}\"}}");
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        let reply = app.request(Method::POST, "/refreshtoken", headers, request).await;
        assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"));
        let access = reply.json()["response"]["access_token"].as_str().unwrap().to_owned();
        let text = format!(
            r#"{{"status":"OK","response":{{"access_token":"{access}","expires_in":86400,"refresh_token":"{seed}"}}}}"#
        );
        assert_eq!(String::from_utf8_lossy(&reply.body), text);
        let claims = access.split('.').nth(1).unwrap();
        let claims = claims.to_owned() + &"=".repeat((4 - claims.len() % 4) % 4);
        let claims: Value = serde_json::from_slice(&STANDARD.decode(claims).unwrap()).unwrap();
        assert_eq!((&claims["name"], &claims["preferred_username"]), (&json!("Älice >>?~ Ünsal"), &json!("alice")));

        assert_eq!(get(&app, EXPERIMENTS, &[("authorization", &bearer(&access))]).await.status, 200);
        // A login token is for logging in, and for nothing else; and the other way round.
        assert_eq!(get(&app, EXPERIMENTS, &[("authorization", &bearer(&seed))]).await.refusal(), REFUSED);
        let alice = app.store().accounts().find_principal("alice").await.unwrap().unwrap().id;
        let api = token(&app, alice).await;
        for wrong in [api.as_str(), &access, "", "x", &seed[1..]] {
            let answer = refresh(&app, wrong).await;
            assert_eq!(answer["status"], "ERROR", "{answer}");
            assert!(answer["response"].as_str().unwrap().len() > 20, "{answer}");
        }
        for body in ["", "{", "refresh_token=x", "{}", "[]", r#"{"refresh_token": 7}"#] {
            let answer = app.request(Method::POST, "/refreshtoken", headers, body).await.expect_ok();
            assert_eq!(answer["status"], "ERROR", "{body}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_login_token_serves_many_jobs_and_lives_by_being_used() {
    for database in databases().await {
        let app = closed(app(database).await).await;
        let header = basic("alice", PASSWORD);
        let (seed, id) = login_token(&app, "alice").await;
        let all = futures_util::future::join_all((0..64).map(|_| refresh(&app, &seed))).await;
        assert!(all.iter().all(|answer| answer["status"] == "OK" && answer["response"]["expires_in"] == 43_200));
        let access = bearer(all[63]["response"]["access_token"].as_str().unwrap());

        app.set_clock(START_MS + 30 * DAY_MS);
        assert_eq!(refresh(&app, &seed).await["status"], "OK");
        app.set_clock(START_MS + 60 * DAY_MS);
        assert_eq!(refresh(&app, &seed).await["status"], "OK", "it was used a month ago");
        app.set_clock(START_MS + 92 * DAY_MS);
        assert_eq!(refresh(&app, &seed).await["status"], "ERROR");
        app.set_clock(START_MS + DAY_MS / 2 - 1);
        assert_eq!(get(&app, EXPERIMENTS, &[("authorization", &access)]).await.status, 200);
        app.set_clock(START_MS + DAY_MS / 2);
        assert_eq!(get(&app, EXPERIMENTS, &[("authorization", &access)]).await.status, 401, "12 hours have passed");
        app.set_clock(START_MS);
        let path = format!("{OWN}tokens/{id}");
        send(&app, Method::DELETE, &path, &[("authorization", &header)], Value::Null).await.expect_ok();
        assert_eq!(refresh(&app, &seed).await["status"], "ERROR");
        assert_eq!(
            get(&app, EXPERIMENTS, &[("authorization", &access)]).await.status,
            401,
            "what was made of it ends too"
        );
    }
}

#[tokio::test]
async fn an_access_token_that_was_touched_or_is_of_another_server_is_refused() {
    let app = closed(app(Database::sqlite()).await).await;
    let access = access_token(&app, "root").await;
    let [head, claims, signature] = access.split('.').collect::<Vec<_>>()[..] else { panic!("{access}") };
    let ask = async |token: &str| get(&app, EXPERIMENTS, &[("authorization", &bearer(token))]).await;
    assert_eq!(ask(&access).await.status, 200);

    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let mut later: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
    later["exp"] = json!(99_999_999_999_i64);
    let later = URL_SAFE_NO_PAD.encode(later.to_string());
    let flipped = if signature.starts_with('A') { "B" } else { "A" };
    let other = access_token(&closed(super::super::support::app(Database::sqlite()).await).await, "root").await;
    for wrong in [
        format!("{none}.{claims}."),
        format!("{none}.{claims}.{signature}"),
        format!("{head}.{claims}."),
        format!("{head}.{later}.{signature}"),
        format!("{head}.{claims}.{flipped}{}", &signature[1..]),
        format!("{head}.{claims}.{}", &signature[..signature.len() - 1]),
        format!("{head}.{claims}"),
        format!("{access}.x"),
        other,
    ] {
        assert_eq!(ask(&wrong).await.refusal(), REFUSED, "{wrong}");
    }
}

#[tokio::test]
async fn anyone_reads_where_anyone_may_and_nothing_else() {
    for database in databases().await {
        let app = app(database).await;
        let (public, private) = (app.new_experiment("public").await, app.new_experiment("private").await);
        let (shown, hidden) = (app.new_run_in(&public, "a", 1).await, app.new_run_in(&private, "b", 1).await);
        let app = closed(app).await;
        assert_eq!(app.get(EXPERIMENTS).await.status, 401);
        give(&app, "anyone", &public, Role::Editor).await;

        let app_get = async |path: &str| app.get(path).await;
        // What was found out before holds for two seconds, and not here: nobody was let in.
        let found = app_get(EXPERIMENTS).await.expect_ok();
        assert_eq!(found["experiments"].as_array().unwrap().len(), 1);
        assert_eq!(app_get(&format!("runs/get?run_id={shown}")).await.status, 200);
        assert_eq!(app_get(&format!("runs/get?run_id={hidden}")).await.status, 401, "perhaps for who signs in");
        assert_eq!(app_get(&format!("runs/get?run_id={}", "7".repeat(32))).await.status, 401);
        for reply in [
            app.post("runs/create", json!({ "experiment_id": public })).await,
            app.post("runs/set-tag", json!({ "run_id": shown, "key": "a", "value": "b" })).await,
            app.post("experiments/create", json!({ "name": "new" })).await,
            app_get(&format!("{OWN}users")).await,
            app_get(&format!("{OWN}tokens")).await,
            app_get("/metrics").await,
        ] {
            assert_eq!(reply.status, 401, "{reply}");
        }
        // Whoever signs in is someone of `anyone` too.
        let run = format!("/api/2.0/mlflow/runs/get?run_id={shown}");
        assert_eq!(get(&app, &run, &[("authorization", &basic("alice", PASSWORD))]).await.status, 200);
    }
}

#[tokio::test]
async fn a_proxy_names_its_users_if_it_is_trusted() {
    let options = [("trusted_proxies", "10.0.0.0/8"), ("proxy_user_header", "X-Remote-User")];
    let app = closed(app_with(Database::sqlite(), &options).await).await;
    let from = async |peer: Peer, headers: &[(&str, &str)]| {
        send_from(&app, Some(peer), Method::GET, &format!("{OWN}session"), headers, Value::Null).await
    };
    let proxy = Peer::Tcp { address: "10.1.1.1".parse().unwrap(), tls: false };
    let stranger = Peer::Tcp { address: "192.0.2.1".parse().unwrap(), tls: false };
    let header = ("x-remote-user", "alice");
    let user = |reply: Reply| reply.expect_ok()["user"]["name"].as_str().map(str::to_owned);

    assert_eq!(user(from(proxy, &[header]).await).as_deref(), Some("alice"));
    assert_eq!(user(from(stranger, &[header]).await), None, "anyone can write a header");
    assert_eq!(user(from(proxy, &[]).await), None);
    assert_eq!(from(proxy, &[header, header]).await.status, 400);
    assert_eq!(
        user(from(proxy, &[("x-remote-user", "new.one@example.org")]).await).as_deref(),
        Some("new.one@example.org")
    );
    let made = app.store().accounts().find_principal("new.one@example.org").await.unwrap().unwrap();
    assert_eq!((made.has_password, made.site_role), (false, None));
    for hostile in ["everyone", "group:wheel", "a b", "xé", "'; DROP TABLE run; --"] {
        let reply = from(proxy, &[("x-remote-user", hostile)]).await;
        assert!(matches!(reply.status, 400 | 401) || user(reply).is_none(), "{hostile}");
    }
    let robot = basic("root", PASSWORD);
    let both = from(proxy, &[header, ("authorization", &robot)]).await;
    assert_eq!(user(both).as_deref(), Some("root"), "a password counts before what the proxy says");
}

#[tokio::test]
async fn a_user_of_this_machine_is_who_the_kernel_says_and_has_the_roles_of_their_groups() {
    let app = app(Database::sqlite()).await;
    let experiment = app.new_experiment("shared").await;
    let app = closed(app).await;
    let ask = async |user: Option<u32>| {
        send_from(&app, Some(Peer::Unix { user }), Method::GET, EXPERIMENTS, &[], Value::Null).await
    };
    // The administrator is called as the first user of every system is.
    assert_eq!(ask(Some(0)).await.expect_ok()["experiments"].as_array().unwrap().len(), 2);
    assert_eq!(ask(None).await.status, 401);
    assert_eq!(ask(Some(4_000_000_000)).await.status, 401, "a user that the system does not know");
    assert_eq!(ask(Some(1)).await.status, 401, "'daemon' has no account, and no group of theirs has a role");

    let group = windvane::store::NewPrincipal {
        name: "group:daemon".to_owned(),
        kind: windvane::store::PrincipalKind::Group,
        display_name: String::new(),
        email: String::new(),
        password_hash: None,
        site_role: None,
    };
    app.store().accounts().create_principal(&group, START_MS).await.unwrap();
    give(&app, "group:daemon", &experiment, Role::Editor).await;
    let found = ask(Some(1)).await.expect_ok();
    assert_eq!(found["experiments"].as_array().unwrap().len(), 1);
    assert!(app.store().accounts().find_principal("daemon").await.unwrap().is_some(), "what they log has a name");
}

#[tokio::test]
async fn a_server_without_accounts_asks_nobody() {
    for database in databases().await {
        let app = app(database).await;
        for header in ["Basic !!", "Bearer nonsense", &basic("a", "b")] {
            assert_eq!(get(&app, EXPERIMENTS, &[("authorization", header)]).await.status, 200, "{header}");
        }
        let session = format!("{OWN}session");
        assert_eq!(app.get(&session).await.expect_ok(), json!({ "accounts": false, "user": null }));
        assert_eq!(app.post(&session, json!({ "name": "a", "password": "b" })).await.status, 400);
        for reply in [
            app.get(&format!("{OWN}users")).await,
            app.post(&format!("{OWN}users"), json!({ "name": "mallory", "admin": true })).await,
            app.post(&format!("{OWN}tokens"), json!({})).await,
            app.get(&format!("{OWN}roles")).await,
        ] {
            assert_eq!(reply.status, 403, "nobody makes the first account over HTTP: {reply}");
        }
        assert_eq!(
            refresh(&app, "anything").await["status"],
            "OK",
            "Anemoi's login works, and gives a token that nobody reads"
        );

        let app = closed(app).await;
        app.store().accounts().delete_principal("alice").await.unwrap();
    }
}

#[tokio::test]
async fn a_manager_gives_and_takes_roles_in_their_namespace() {
    for database in databases().await {
        let app = app(database).await;
        let (mine, other) = (app.new_experiment("mine").await, app.new_experiment("other").await);
        let app = closed(app).await;
        account(&app, "bob", None, Some(PASSWORD)).await;
        give(&app, "alice", &mine, Role::Manager).await;
        let (alice, bob, root) = (basic("alice", PASSWORD), basic("bob", PASSWORD), basic("root", PASSWORD));
        let roles = format!("{OWN}roles");
        let put = async |who: &str, body: Value| send(&app, Method::PUT, &roles, &[("authorization", who)], body).await;
        let grant =
            |experiment: &str, role: &str| json!({ "principal": "bob", "experiment_id": experiment, "role": role });
        let names = async || {
            let found = get(&app, EXPERIMENTS, &[("authorization", &bob)]).await.expect_ok();
            found["experiments"].as_array().map_or(0, Vec::len)
        };

        assert_eq!(names().await, 0);
        put(&alice, grant(&mine, "reader")).await.expect_ok();
        assert_eq!(names().await, 1, "in force at once");
        assert_eq!(put(&alice, grant(&other, "reader")).await.status, 404);
        assert_eq!(put(&bob, grant(&mine, "manager")).await.status, 403);
        assert_eq!(put(&alice, grant(&mine, "admin")).await.status, 400);
        assert_eq!(put(&alice, json!({ "principal": "bob", "role": "reader" })).await.status, 403, "everywhere");
        for body in
            [grant(&mine, "owner"), grant("x", "reader"), json!({ "principal": "bob" }), json!({ "role": "reader" })]
        {
            assert_eq!(put(&root, body.clone()).await.status, 400, "{body}");
        }
        let listed =
            get(&app, &format!("{roles}?experiment_id={mine}"), &[("authorization", &alice)]).await.expect_ok();
        assert_eq!(listed["roles"].as_array().unwrap().len(), 2);
        put(&root, json!({ "principal": "everyone", "role": "reader" })).await.expect_ok();
        assert_eq!(names().await, 3, "the default role of everyone who signs in");
        let body = json!({ "principal": "bob", "experiment_id": mine });
        send(&app, Method::DELETE, &roles, &[("authorization", &alice)], body).await.expect_ok();
        let body = json!({ "principal": "everyone" });
        send(&app, Method::DELETE, &roles, &[("authorization", &root)], body).await.expect_ok();
        assert_eq!(names().await, 0);
    }
}
