//! Roles that managers give and take.

use axum::http::Method;
use serde_json::{Value, json};
use windvane::model::Role;

use super::{EXPERIMENTS, OWN, PASSWORD, account, basic, closed, get, give, send};
use crate::support::{app, databases};

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
