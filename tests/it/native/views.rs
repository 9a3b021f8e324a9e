//! Saved views and short links.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::Method;
use serde_json::{Value, json};
use windvane::model::Role;

use super::{get, post};
use crate::access::{OWN, PASSWORD, account, basic, bearer, give, send, token, token_for};
use crate::support::{self, App, START_MS};

async fn save(app: &App, view: Value) -> Value {
    post(app, "views", view).await.expect_ok()
}

async fn delete(app: &App, key: &str) -> String {
    let path = format!("{OWN}views/{key}");
    app.request(Method::DELETE, &path, [], Body::empty()).await.to_string()
}

fn names(reply: &Value) -> Vec<&str> {
    assert_eq!(reply["truncated"], false);
    reply["views"].as_array().unwrap().iter().map(|view| view["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_place_is_kept_as_a_link_once_and_under_a_name_as_what_was_saved_last() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let experiment = app.new_experiment("e").await;
        let link = save(&app, json!({ "address": "#/runs?q=é" })).await;
        let key = link["key"].as_str().unwrap();
        assert_eq!((key.len(), key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())), (8, true));
        let expected = json!({
            "key": key, "address": "#/runs?q=é", "name": null, "experiment_id": null, "made_by": null,
            "created": START_MS,
        });
        assert_eq!(link, expected);
        app.set_clock(START_MS + 5);
        assert_eq!(save(&app, json!({ "address": "#/runs?q=é" })).await, expected);
        assert_eq!(get(&app, &format!("views/{key}")).await.expect_ok(), expected);

        let named = |address: &str, experiment: Option<&str>| json!({ "address": address, "name": "good ones", "experiment_id": experiment });
        let first = save(&app, named("#/a", Some(&experiment))).await;
        let everywhere = save(&app, named("#/a", None)).await;
        let other = save(&app, json!({ "address": "#/c", "name": "other", "experiment_id": experiment })).await;
        app.set_clock(START_MS + 6);
        let again = save(&app, named("#/b", Some(&experiment))).await;
        let keys: BTreeSet<&str> =
            [&link, &first, &everywhere, &other].iter().map(|view| view["key"].as_str().unwrap()).collect();
        assert_eq!(keys.len(), 4);
        assert_eq!(again["key"], first["key"]);
        assert_eq!((&again["address"], &again["created"]), (&json!("#/b"), &json!(START_MS + 6)));
        assert_eq!(again["experiment_id"], experiment);

        let of_experiment = get(&app, &format!("views?experiment_id={experiment}")).await.expect_ok();
        assert_eq!(of_experiment["views"], json!([again, other]));
        assert_eq!(names(&get(&app, "views").await.expect_ok()), ["good ones", "other", "good ones"]);
        assert_eq!(names(&get(&app, "views?experiment_id=77").await.expect_ok()), Vec::<&str>::new());

        assert_eq!(delete(&app, key).await, "200 {}");
        let gone = format!("404 RESOURCE_DOES_NOT_EXIST: There is no saved view '{key}'");
        assert_eq!(get(&app, &format!("views/{key}")).await.refusal(), gone);
        assert!(delete(&app, key).await.starts_with("404"));
        assert_eq!(save(&app, json!({ "address": "#/runs?q=é" })).await["key"], key);
    }
}

#[tokio::test]
async fn what_is_no_view_is_refused_with_what_is_allowed() {
    let address = "for parameter 'address' supplied: it begins with '#/', has at most 16384 bytes and none of the control \
         characters.";
    let name = "for parameter 'name' supplied: it has 1 to 256 characters and none of the control characters.";
    for db in support::databases().await {
        let app = support::app(db).await;
        let long = format!("#/{}", "x".repeat(16 * 1024 - 2));
        for (view, refusal) in [
            (json!({}), "'address'"),
            (json!({ "address": "" }), "'address'"),
            (json!({ "address": 5 }), "'address'"),
            (json!({ "address": "runs" }), address),
            (json!({ "address": "https://example.org/#/" }), address),
            (json!({ "address": "javascript:1" }), address),
            (json!({ "address": "#/a\u{0}" }), address),
            (json!({ "address": "#/a\nb" }), address),
            (json!({ "address": format!("{long}x") }), address),
            (json!({ "address": "#/", "name": "" }), name),
            (json!({ "address": "#/", "name": "  " }), name),
            (json!({ "address": "#/", "name": "a\u{7f}" }), name),
            (json!({ "address": "#/", "name": "é".repeat(257) }), name),
            (json!({ "address": "#/", "experiment_id": "x" }), "experiment ID 'x'"),
        ] {
            let told = post(&app, "views", view.clone()).await.invalid();
            assert!(told.contains(refusal), "{told}");
        }
        save(&app, json!({ "address": long, "name": "é".repeat(256) })).await;
        assert_eq!(
            post(&app, "views", json!({ "address": "#/", "experiment_id": "77" })).await.refusal(),
            "404 RESOURCE_DOES_NOT_EXIST: No Experiment with id=77 exists"
        );
        assert!(get(&app, "views/%00").await.invalid().contains("'key'"));
        assert_eq!(get(&app, "views/%ff").await.status, 400);
        assert!(get(&app, "views?experiment_id=x").await.invalid().contains("experiment ID 'x'"));
    }
}

#[tokio::test]
async fn views_are_seen_and_changed_by_those_whom_they_concern() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let before = save(&app, json!({ "address": "#/before", "name": "before" })).await;
        let (seen, hidden) = (app.new_experiment("seen").await, app.new_experiment("hidden").await);
        let mut accounts = Vec::new();
        for name in ["ada", "bob", "boss"] {
            accounts.push(account(&app, name, None, Some(PASSWORD)).await);
        }
        account(&app, "root", Some(Role::Admin), Some(PASSWORD)).await;
        app.access().forget();
        for (name, experiment, role) in [
            ("ada", &seen, Role::Reader),
            ("bob", &seen, Role::Editor),
            ("boss", &seen, Role::Manager),
            ("bob", &hidden, Role::Reader),
        ] {
            give(&app, name, experiment, role).await;
        }
        let ask = async |who: &str, method: Method, path: &str, body: Value| {
            let header = if who.starts_with("Bearer") { who.to_owned() } else { basic(who, PASSWORD) };
            let headers = [("authorization", header.as_str())];
            let headers = if who == "nobody" { &[] } else { headers.as_slice() };
            send(&app, method, &format!("{OWN}{path}"), headers, body).await
        };
        let made = async |who: &str, view: Value| ask(who, Method::POST, "views", view).await.expect_ok();
        let status = async |who: &str, method: Method, path: &str| ask(who, method, path, Value::Null).await.status;

        // A reader shares what they see, and nothing else.
        let mine = made("ada", json!({ "address": "#/1", "name": "mine", "experiment_id": seen })).await;
        assert_eq!(mine["made_by"], "ada");
        let refused = ask("ada", Method::POST, "views", json!({ "address": "#/1", "experiment_id": hidden })).await;
        assert_eq!(refused.status, 404);
        let secret = made("bob", json!({ "address": "#/2", "name": "secret", "experiment_id": hidden })).await;
        let global = made("bob", json!({ "address": "#/3", "name": "global" })).await;
        let link = made("bob", json!({ "address": "#/4" })).await;
        let key = |view: &Value| format!("views/{}", view["key"].as_str().unwrap());

        assert_eq!(status("nobody", Method::POST, "views").await, 401);
        let read_only = bearer(&token_for(&app, accounts[0], Role::Reader, None, None).await);
        let refused = ask(&read_only, Method::POST, "views", json!({ "address": "#/5" })).await;
        assert_eq!(refused.status, 403);
        let narrow = bearer(&token_for(&app, accounts[1], Role::Admin, Some(seen.parse().unwrap()), None).await);
        assert_eq!(made(&bearer(&token(&app, accounts[0]).await), json!({ "address": "#/5" })).await["made_by"], "ada");

        for (who, views) in [
            ("ada", vec!["global", "mine", "before"]),
            ("bob", vec!["global", "secret", "mine", "before"]),
            ("boss", vec!["global", "mine", "before"]),
            ("root", vec!["global", "secret", "mine", "before"]),
            (&narrow, vec!["mine"]),
        ] {
            let listed = ask(who, Method::GET, "views", Value::Null).await.expect_ok();
            assert_eq!(names(&listed), views, "{who}");
        }
        assert_eq!(status("nobody", Method::GET, &key(&link)).await, 401);
        let public = app.store().accounts().find_namespace("Default").await.unwrap().to_string();
        give(&app, "anyone", &public, Role::Reader).await;
        app.access().forget();
        assert_eq!(names(&ask("nobody", Method::GET, "views", Value::Null).await.expect_ok()), Vec::<&str>::new());
        assert_eq!(status("ada", Method::GET, &key(&secret)).await, 404);
        assert_eq!(status("ada", Method::DELETE, &key(&secret)).await, 404);
        assert_eq!(status("nobody", Method::GET, &key(&mine)).await, 401);
        assert_eq!(status("nobody", Method::GET, &key(&global)).await, 401);
        assert_eq!(status("nobody", Method::GET, &key(&link)).await, 200);
        assert_eq!(status("ada", Method::GET, &key(&link)).await, 200);

        // Another one's view is not replaced by its name, nor removed.
        let replace = json!({ "address": "#/6", "name": "mine", "experiment_id": seen });
        let refusal = "403 PERMISSION_DENIED: the view 'mine' was made by ada; they, a manager of its experiment and \
             administrators may change it";
        assert_eq!(ask("bob", Method::POST, "views", replace.clone()).await.refusal(), refusal);
        assert_eq!(ask("bob", Method::DELETE, &key(&mine), Value::Null).await.refusal(), refusal);
        assert_eq!(status("ada", Method::DELETE, &key(&global)).await, 403);
        assert_eq!(status("boss", Method::DELETE, &key(&link)).await, 403);
        assert_eq!(status("bob", Method::DELETE, &key(&before)).await, 403);
        assert_eq!(made("boss", replace).await["made_by"], "boss");
        assert_eq!(status("ada", Method::DELETE, &key(&mine)).await, 403);
        assert_eq!(status("boss", Method::DELETE, &key(&mine)).await, 200);
        assert_eq!(status("bob", Method::DELETE, &key(&global)).await, 200);
        for view in [&before, &link, &secret] {
            assert_eq!(status("root", Method::DELETE, &key(view)).await, 200);
        }

        // What an account made outlives it.
        let kept = made("ada", json!({ "address": "#/7", "name": "kept", "experiment_id": seen })).await;
        app.store().accounts().delete_principal("ada").await.unwrap();
        let kept = ask("boss", Method::GET, &key(&kept), Value::Null).await.expect_ok();
        assert_eq!((&kept["name"], &kept["made_by"]), (&json!("kept"), &Value::Null));
    }
}
