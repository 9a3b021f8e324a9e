//! Browsers that signed in, and what other pages can do with their cookies (`security-cases.md` AU-09, BR-02).

use axum::http::Method;
use serde_json::{Value, json};
use windvane::http::layers::Peer;

use super::{DAY_MS, EXPERIMENTS, OWN, PASSWORD, REFUSED, basic, closed, get, send, send_from, sign_in};
use crate::support::{Database, START_MS, app, app_with, databases};

#[tokio::test]
async fn a_browser_signs_in_with_a_cookie_that_only_our_pages_use() {
    for database in databases().await {
        let app = closed(app_with(database, &[("prefix", "/track")]).await).await;
        let session = "/track/api/windvane/v1/session";
        let experiments = format!("/track{EXPERIMENTS}");
        let body = json!({ "name": "alice", "password": PASSWORD });
        assert_eq!(
            get(&app, session, &[]).await.expect_ok(),
            json!({ "accounts": true, "user": null, "view_of": null, "version": null })
        );
        let plain = send(&app, Method::POST, session, &[], body.clone()).await;
        let user = json!({ "name": "alice", "display_name": "", "admin": false });
        assert_eq!(
            plain.expect_ok(),
            json!({ "accounts": true, "user": user, "view_of": null, "version": env!("CARGO_PKG_VERSION") })
        );
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
        for (method, body) in [(Method::DELETE, json!({})), (Method::POST, body.clone())] {
            let there = send(&app, method, session, &[mine, ("origin", "http://localhost:3000")], body).await;
            assert_eq!((there.status, there.headers.get("set-cookie")), (403, None), "{there}");
        }
        assert_eq!(with(&[mine]).await, 200, "who signed in here is signed out here");
        let two = format!("{new}; windvane_session=of-another-port");
        assert_eq!(with(&[("cookie", &two)]).await, 401, "nobody knows which is ours");
        let cross = with(&[mine, ("origin", "http://localhost:5000"), ("sec-fetch-site", "cross-site")]).await;
        assert_eq!(cross, 401, "the browser knows better than a comparison of names");
        let local = get(&app, &experiments, &[mine, ("origin", "http://localhost:3000")]).await;
        assert_eq!(local.header("access-control-allow-credentials"), "", "anybody on this node can serve such a page");
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
