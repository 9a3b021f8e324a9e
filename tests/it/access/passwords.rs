//! Names and passwords: what is refused, what is alike, and what waits.

use std::net::IpAddr;
use std::time::Instant;

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use windvane::http::layers::Peer;

use super::{EXPERIMENTS, OWN, PASSWORD, REFUSED, account, basic, bearer, closed, get, send, send_from, token};
use crate::support::{Database, app, databases};

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
    // Over plain HTTP it does not say that it is one.
    let wrong = json!({ "name": "alice", "password": "wrong" });
    let refused = send(&app, Method::POST, "/api/windvane/v1/session", &[], wrong).await;
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, "Session realm=\"windvane\""));
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
    let guess = async |number: u32| from("192.0.2.1", &basic("alice", &format!("guess {number}"))).await.status;
    for number in 0..3 {
        assert_eq!(guess(number).await, 401);
    }
    let fourth = Instant::now();
    assert_eq!(guess(3).await, 401);
    let mut looked_at = 0;
    for number in 4..8 {
        looked_at += u32::from(guess(number).await != 429);
    }
    let waiting = from("192.0.2.1", &basic("alice", PASSWORD)).await;

    // From here on one is looked at after a second, another after two more, and after four: in less than a second, which this
    // takes unless the machine stands still, none.
    let due = (1 + fourth.elapsed().as_secs()).ilog2();
    assert!(looked_at <= due, "{looked_at} of {due}");
    if looked_at == due {
        assert_eq!(waiting.status, 429, "the right one waits too, or the answer would tell it");
        assert!(waiting.header("retry-after").parse::<u64>().unwrap() >= 1);
    }
    for (address, header) in
        [("192.0.2.2", basic("alice", PASSWORD)), ("192.0.2.1", basic("root", PASSWORD)), ("192.0.2.1", her_token)]
    {
        assert_eq!(from(address, &header).await.status, 200, "{address}");
    }
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
async fn a_flood_of_passwords_leaves_everybody_else_alone() {
    let app = closed(app(Database::sqlite()).await).await;
    let alice = app.store().accounts().find_principal("alice").await.unwrap().unwrap().id;
    let hers = bearer(&token(&app, alice).await);
    let guesses = (0..40).map(|number| {
        let header = basic(&format!("user{number}"), PASSWORD);
        let app = &app;
        async move { get(app, EXPERIMENTS, &[("authorization", &header)]).await.status }
    });
    let by_token = async {
        let mut statuses = Vec::new();
        for _ in 0..20 {
            statuses.push(get(&app, EXPERIMENTS, &[("authorization", &hers)]).await.status);
        }
        statuses
    };

    let (guesses, by_token) = tokio::join!(futures_util::future::join_all(guesses), by_token);

    assert_eq!(guesses, [401; 40]);
    assert_eq!(by_token, [200; 20]);
}

#[tokio::test]
async fn guesses_that_come_together_wait_as_those_that_come_one_by_one() {
    let app = closed(app(Database::sqlite()).await).await;
    let guess = |number: usize| {
        let header = basic("alice", &if number == 39 { PASSWORD.to_owned() } else { format!("guess number {number}") });
        let app = &app;
        async move { get(app, EXPERIMENTS, &[("authorization", &header)]).await.status }
    };

    let statuses = futures_util::future::join_all((0..40).map(guess)).await;

    let looked_at = statuses.iter().filter(|status| **status != 429).count();
    assert!(looked_at <= 8, "{statuses:?}");
    // Whoever proved the password before is not kept out by others who guess.
    let root = basic("root", PASSWORD);
    assert_eq!(get(&app, EXPERIMENTS, &[("authorization", &root)]).await.status, 200);
    for number in 0..8 {
        get(&app, EXPERIMENTS, &[("authorization", &basic("root", &format!("guess number {number}")))]).await;
    }
    app.access().forget();
    assert_eq!(get(&app, EXPERIMENTS, &[("authorization", &root)]).await.status, 200);
}
