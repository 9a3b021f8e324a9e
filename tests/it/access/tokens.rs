//! Tokens of the API, and Anemoi's login (`anemoi.md` section 4).

use axum::http::Method;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use windvane::model::{Caller, Role};

use super::{
    DAY_MS, EXPERIMENTS, OWN, PASSWORD, REFUSED, access_token, account, basic, bearer, closed, get, give, login_token,
    refresh, send, sign_in, token, token_for,
};
use crate::support::{Database, START_MS, app, app_with, databases};

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
        let bob = account(&app, "bob", None, None).await;
        let his = bearer(&token(&app, bob).await);
        let again = send(&app, Method::POST, &format!("{OWN}users"), &admin, json!({ "name": "alice" })).await;
        again.expect_ok();
        assert_eq!(status(("authorization", &hers)).await, 401, "a name that comes back is another account");
        // One that another server removed is known here for two seconds, and may begin nothing that needs the account.
        assert_eq!(status(("authorization", &his)).await, 200);
        app.store().accounts().delete_principal("bob").await.unwrap();
        let headers = [("authorization", his.as_str())];
        let late =
            send(&app, Method::POST, "/api/2.0/mlflow/experiments/create", &headers, json!({ "name": "late" })).await;
        assert_eq!(late.status, 401, "{late}");
        assert!(app.store().find_experiment_by_name(&Caller::Open, "late").await.unwrap().is_none());
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
            for (method, path) in [(Method::GET, "tokens"), (Method::DELETE, "tokens/1")] {
                let path = format!("{OWN}{path}");
                let reply = send(&app, method, &path, &[("authorization", token)], Value::Null).await;
                assert_eq!(reply.status, 403, "what is for less neither lists nor ends what is for more: {reply}");
            }
            let reply = send(&app, Method::POST, &format!("{OWN}tokens"), &[("authorization", token)], json!({})).await;
            assert_eq!(
                reply.refusal(),
                "403 PERMISSION_DENIED: a token does not look after tokens; sign in or send the password"
            );
        }
        let admin = app.store().accounts().find_principal("root").await.unwrap().unwrap().id;
        let less = bearer(&token_for(&app, admin, Role::Manager, None, None).await);
        let denied = create(&reading, "runs/create", json!({ "experiment_id": mine })).await.refusal();
        assert!(denied.contains("'editor'") && denied.contains("'read'"), "{denied}");
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
    let root = basic("root", PASSWORD);
    let absent = send(&app, Method::POST, &path, &[("authorization", &root)], json!({ "experiment_id": "99" })).await;
    assert_eq!(absent.status, 404, "{absent}");
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
    let other = access_token(&closed(crate::support::app(Database::sqlite()).await).await, "root").await;
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
