//! Who is let in without a credential of their own: anyone, users of a proxy and of the machine, everybody on an open server.

use axum::http::Method;
use serde_json::{Value, json};
use windvane::http::layers::Peer;
use windvane::model::Role;
use windvane::store::{NewPrincipal, PrincipalKind};

use super::{EXPERIMENTS, OWN, PASSWORD, basic, closed, get, give, refresh, send_from};
use crate::support::{Database, Reply, START_MS, app, app_with, databases};

#[tokio::test]
async fn anyone_reads_where_anyone_may_and_nothing_else() {
    for database in databases().await {
        let app = app(database).await;
        let (public, private) = (app.new_experiment("public").await, app.new_experiment("private").await);
        let (shown, hidden) = (app.new_run_in(&public, "a", 1).await, app.new_run_in(&private, "b", 1).await);
        let app = closed(app).await;
        assert_eq!(app.get(EXPERIMENTS).await.status, 401);
        give(&app, "anyone", &public, Role::Reader).await;

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
    for origin in ["http://localhost:9999", "https://evil.example"] {
        let page = from(proxy, &[header, ("origin", origin), ("sec-fetch-site", "cross-site")]).await;
        assert!(
            page.status == 403 || user(page).is_none(),
            "the proxy names whoever's browser it is, {origin} does not"
        );
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

    let group = NewPrincipal::named("group:daemon", PrincipalKind::Group);
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
        let open = json!({ "accounts": false, "user": null, "view_of": null, "version": env!("CARGO_PKG_VERSION") });
        assert_eq!(app.get(&session).await.expect_ok(), open);
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
