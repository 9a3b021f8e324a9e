//! Every route by every alias as everyone, compared with the permission that the table of routes declares.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use windvane::http::routes::{Permission, Route};
use windvane::model::{Caller, KeyValue, NewLocation, Role};
use windvane::store::{NewLoggedModel, NewRun, NewView};

use super::{PASSWORD, account, basic, give, token};
use crate::support::{self, App, Reply, START_MS};

/// Who walks, from the least.
const WALKERS: [&str; 6] = ["nobody", "stranger", "reader", "editor", "manager", "admin"];

/// What a request is about.
struct Scene {
    experiment: String,
    run: String,
    model: String,
    view: String,
}

/// A namespace in which the walkers have their roles, with a run and a logged model that have a file each.
async fn scene(app: &App, number: i64) -> Scene {
    let store = app.store();
    let name = format!("walked {number}");
    let tags = [KeyValue { key: "t".to_owned(), value: "v".to_owned() }];
    let id = store.create_experiment(&Caller::Open, &name, NewLocation::Default, &tags, START_MS).await.unwrap();
    for (name, role) in [("reader", Role::Reader), ("editor", Role::Editor), ("manager", Role::Manager)] {
        give(app, name, &id.to_string(), role).await;
    }
    let (run, model) = (format!("{number:032x}"), format!("m-{number:032x}"));
    let new = NewRun {
        run_id: run.clone(),
        experiment_id: id,
        name: "run".to_owned(),
        user_id: String::new(),
        start_ms: START_MS,
        tags: tags.to_vec(),
    };
    store.create_run(&Caller::Open, new).await.unwrap();
    let new = NewLoggedModel {
        model_id: model.clone(),
        experiment_id: id,
        name: "model".to_owned(),
        model_type: None,
        source_run_id: None,
        params: Vec::new(),
        tags: tags.to_vec(),
    };
    store.create_logged_model(&Caller::Open, new, START_MS).await.unwrap();
    let address = "#/".to_owned();
    let new = NewView { address, name: Some("walked view".to_owned()), experiment_id: Some(id) };
    let view = store.save_view(&Caller::Open, new, START_MS).await.unwrap().key;
    for directory in [format!("{id}/{run}/artifacts"), format!("{id}/models/{model}/artifacts")] {
        let directory = app.directory().join("artifacts").join(directory);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("f"), "x").unwrap();
        std::fs::write(directory.join("f.html"), "x").unwrap();
    }
    Scene { experiment: id.to_string(), run, model, view }
}

/// The query string or the body of a request that a route grants to those who may; with `{R}`, `{M}` and `{E}` in it.
/// A route that is not here is asked without fields.
fn question(route: &Route) -> (&'static str, &'static str) {
    match (route.method.as_str(), route.path) {
        ("POST", "mlflow/experiments/create") => ("", r#"{"name": "made by {U} {N}"}"#),
        ("POST", "mlflow/experiments/search") => ("", r#"{"max_results": 5}"#),
        ("GET", "mlflow/experiments/search") => ("max_results=5", ""),
        ("GET", "mlflow/experiments/get") => ("experiment_id={E}", ""),
        ("GET", "mlflow/experiments/get-by-name") => ("experiment_name=walked {N}", ""),
        ("POST", "mlflow/experiments/update") => ("", r#"{"experiment_id": "{E}", "new_name": "renamed {N}"}"#),
        ("POST", "mlflow/experiments/set-experiment-tag") => {
            ("", r#"{"experiment_id": "{E}", "key": "k", "value": "v"}"#)
        }
        ("POST", "mlflow/experiments/delete-experiment-tag") => ("", r#"{"experiment_id": "{E}", "key": "t"}"#),
        ("POST", "mlflow/experiments/search-datasets") => ("", r#"{"experiment_ids": ["{E}"]}"#),
        ("POST", "mlflow/experiments/delete") => ("", r#"{"experiment_id": "{E}"}"#),
        ("POST", "mlflow/runs/create") => ("", r#"{"experiment_id": "{E}"}"#),
        ("POST", "mlflow/runs/log-metric") => ("", r#"{"run_id": "{R}", "key": "k", "value": 1, "timestamp": 1}"#),
        ("POST", "mlflow/runs/log-parameter") => ("", r#"{"run_id": "{R}", "key": "k", "value": "v"}"#),
        ("POST", "mlflow/runs/set-tag") => ("", r#"{"run_id": "{R}", "key": "k", "value": "v"}"#),
        ("POST", "mlflow/runs/delete-tag") => ("", r#"{"run_id": "{R}", "key": "t"}"#),
        ("POST", "mlflow/runs/log-model") => (
            "",
            r#"{"run_id": "{R}", "model_json": "{\"artifact_path\": \"m\", \"run_id\": \"{R}\", \"utc_time_created\": \"2026-01-01 00:00:00.000000\", \"flavors\": {}}"}"#,
        ),
        ("POST", "mlflow/runs/log-inputs") => ("", r#"{"run_id": "{R}", "models": [{"model_id": "{M}"}]}"#),
        ("POST", "mlflow/runs/outputs") => ("", r#"{"run_id": "{R}", "models": [{"model_id": "{M}", "step": 1}]}"#),
        ("POST", "mlflow/runs/search") => ("", r#"{"experiment_ids": ["{E}"]}"#),
        ("GET", "mlflow/metrics/get-history") => ("run_id={R}&metric_key=k", ""),
        ("GET", "mlflow/metrics/get-history-bulk") => ("run_id={R}&metric_key=k", ""),
        ("GET", "mlflow/metrics/get-history-bulk-interval") => ("run_ids={R}&metric_key=k", ""),
        ("POST", "mlflow/logged-models") => ("", r#"{"experiment_id": "{E}", "name": "m"}"#),
        ("POST", "mlflow/logged-models/search") => ("", r#"{"experiment_ids": ["{E}"]}"#),
        ("PATCH", "mlflow/logged-models/{model_id}") => ("", r#"{"status": "LOGGED_MODEL_READY"}"#),
        ("PATCH", "mlflow/logged-models/{model_id}/tags") => ("", r#"{"tags": [{"key": "k", "value": "v"}]}"#),
        ("POST", "mlflow/logged-models/{model_id}/params") => ("", r#"{"params": [{"key": "k", "value": "v"}]}"#),
        ("GET", "mlflow/logged-models/{model_id}/artifacts/files") => ("artifact_file_path=f", ""),
        ("GET", "get-artifact") => ("run_id={R}&path=f", ""),
        ("GET", "artifacts/page") => ("run_id={R}&path=f.html", ""),
        ("POST", "mlflow/upload-artifact") => ("run_id={R}&path=g", "x"),
        ("GET", "mlflow-artifacts/artifacts") => ("path={E}/{R}/artifacts", ""),
        ("PUT", "mlflow-artifacts/artifacts/{*path}") => ("", "x"),
        ("POST", "rows" | "keys" | "export/rows") => ("", r#"{"experiment_ids": ["{E}"]}"#),
        ("POST", "groups") => ("", r#"{"experiment_ids": ["{E}"], "by": "tags.t", "metrics": ["k"]}"#),
        ("GET", "keys") => ("experiment_ids={E}&kind=metric", ""),
        ("GET", "find") => ("text=walked", ""),
        ("POST", "complete") => ("", r#"{"experiment_ids": ["{E}"], "filter": "tags.", "at": 5}"#),
        ("POST", "diff") => ("", r#"{"run_ids": ["{R}"], "all": true}"#),
        ("POST", "values" | "runs/delete" | "runs/restore") => ("", r#"{"run_ids": ["{R}"]}"#),
        ("POST", "runs/tag") => ("", r#"{"run_ids": ["{R}"], "key": "k", "value": "v"}"#),
        ("POST", "series") => ("", r#"{"run_ids": ["{R}"], "metrics": ["k"]}"#),
        ("POST", "ingest/states") => ("", r#"{"run_ids": ["{R}"]}"#),
        ("POST", "ingest/create") => ("", r#"{"run_id": "{R}", "experiment_id": "{E}", "start_time": 1}"#),
        ("POST", "ingest/parts") => ("", r#"{"run_id": "{R}", "tags": [{"key": "k", "value": "v"}]}"#),
        ("POST", "inline-curves") => ("", r#"{"run_ids": ["{R}"], "metric": "k"}"#),
        ("GET", "export/series") => ("run_ids={R}&metrics=k", ""),
        ("GET", "views") => ("experiment_id={E}", ""),
        ("POST", "views") => ("", r##"{"address": "#/", "name": "{U}", "experiment_id": "{E}"}"##),
        ("GET", "roles") => ("experiment_id={E}", ""),
        ("PUT", "roles") => ("", r#"{"experiment_id": "{E}", "principal": "stranger2", "role": "reader"}"#),
        ("DELETE", "roles") => ("", r#"{"experiment_id": "{E}", "principal": "reader"}"#),
        ("POST", "tokens") => ("", r#"{"name": "x"}"#),
        ("POST", "users") => ("", r#"{"name": "new{N}", "kind": "service"}"#),
        ("PATCH", "users/{name}") => ("", r#"{"display_name": "x"}"#),
        ("POST", "session/password") => ("", r#"{"password": "wrong", "new_password": "wrong"}"#),
        ("GET", _) => ("run_id={R}&experiment_ids={E}", ""),
        _ => ("", r#"{"run_id": "{R}", "experiment_id": "{E}"}"#),
    }
}

/// What an answer means for the permission alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// Whatever else was wrong, it was not who asked.
    Let,
    /// As if the object were not there.
    Absent,
    Denied,
    SignIn,
}

fn outcome(reply: &Reply) -> Outcome {
    match StatusCode::from_u16(reply.status).unwrap() {
        StatusCode::UNAUTHORIZED => Outcome::SignIn,
        StatusCode::FORBIDDEN => Outcome::Denied,
        StatusCode::NOT_FOUND => Outcome::Absent,
        _ => Outcome::Let,
    }
}

/// What the table promises. Searches and listings show a stranger nothing, which is no refusal.
fn expected(permission: Permission, walker: &str, route: &Route) -> &'static [Outcome] {
    use Outcome::{Absent, Denied, Let, SignIn};
    let rank = WALKERS.iter().position(|name| *name == walker).unwrap();
    let needs = match permission {
        Permission::Public => 0,
        // To see the namespace of the view, and to manage it where the view is another one's.
        Permission::Share if route.method == Method::DELETE => 4,
        Permission::Share => 2,
        Permission::Monitor | Permission::SignedIn | Permission::CreateExperiment => 1,
        Permission::Read => 2,
        Permission::Write => 3,
        Permission::Delete | Permission::Manage => 4,
        Permission::Admin => 5,
    };
    // Of these the object is not looked for: there is nothing like it here.
    let is_unsupported = route.path.contains("presigned") || route.path.contains("/mpu/");
    // One's own password is wrong here, which says that it was asked for.
    let asks_again = route.path == "session/password" && rank > 0;
    match (rank, permission) {
        (_, Permission::Public) => &[Let, Absent],
        (0, _) => &[SignIn],
        _ if asks_again => &[SignIn],
        _ if rank >= needs || is_unsupported => &[Let],
        (_, Permission::Admin) => &[Denied],
        (1, Permission::Read) => &[Absent, Let],
        (1, _) => &[Absent],
        _ => &[Denied],
    }
}

/// Asks as someone, who sends the password: there is more that a token may not.
async fn ask(app: &App, route: &Route, path: &str, scene: &Scene, walker: &str, number: i64) -> Reply {
    let filled = |text: &str| {
        text.replace("{*path}", "{E}/{R}/artifacts/f")
            .replace("{R}", &scene.run)
            .replace("{run_id}", &scene.run)
            .replace("{M}", &scene.model)
            .replace("{model_id}", &scene.model)
            .replace("{E}", &scene.experiment)
            .replace("{N}", &number.to_string())
            .replace("{U}", walker)
            .replace("{key}", &scene.view)
            .replace("{tag_key}", "t")
            .replace("{name}", "walked-user")
            .replace(' ', "%20")
    };
    let (query, body) = question(route);
    let uri = format!("{}?{}", filled(path), filled(query));
    let mut request = Request::builder().method(route.method.clone()).uri(uri);
    if !matches!(route.method, Method::GET) {
        request = request.header("content-type", "application/json");
    }
    if walker != "nobody" {
        request = request.header("authorization", basic(walker, PASSWORD));
    }
    let body = if route.method == Method::GET { String::new() } else { filled(body).replace("%20", " ") };
    app.send(request.body(Body::from(body)).unwrap()).await.into()
}

#[tokio::test]
async fn every_route_by_every_alias_lets_those_through_whom_the_table_names() {
    for database in support::databases().await {
        let app = support::app(database).await;
        let mut accounts = BTreeMap::new();
        for walker in &WALKERS[1..] {
            let role = (*walker == "admin").then_some(Role::Admin);
            accounts.insert(*walker, account(&app, walker, role, Some(PASSWORD)).await);
        }
        account(&app, "stranger2", None, None).await;
        let mut number = 0;
        let mut broken = Vec::new();
        // A file of the pages that is not there is answered in plain text, as files of pages are.
        for route in windvane::http::table().into_iter().filter(|route| route.path != "static-files/{*path}") {
            for path in route.paths() {
                for walker in WALKERS {
                    number += 1;
                    let scene = scene(&app, number).await;
                    account(&app, &format!("walked-user-{number}"), None, None).await;
                    let mut path = path.replace("users/{name}", &format!("users/walked-user-{number}"));
                    if let Some(account) = accounts.get(walker).filter(|_| path.ends_with("tokens/{id}")) {
                        token(&app, *account).await;
                        let tokens = app.store().accounts().list_tokens(Some(*account)).await.unwrap();
                        path = path.replace("{id}", &tokens[0].id.to_string());
                    }
                    if path.ends_with("experiments/restore") {
                        let id = scene.experiment.parse().unwrap();
                        app.store().delete_experiment(&Caller::Open, id, START_MS).await.unwrap();
                    }
                    let reply = ask(&app, &route, &path, &scene, walker, number).await;
                    let allowed = expected(route.permission, walker, &route);
                    if !allowed.contains(&outcome(&reply)) {
                        broken.push(format!("{} {path} as {walker}: {reply}, not {allowed:?}", route.method));
                    }
                    // What is hidden must not be told in another way.
                    if walker == "stranger" && route.permission != Permission::Public {
                        let told = String::from_utf8_lossy(&reply.body);
                        let told = told.replace(&format!("id={}", scene.run), "").replace(&scene.model, "");
                        if reply.status == 200 && (told.contains(&scene.run) || told.contains("walked")) {
                            broken.push(format!("{} {path} tells a stranger {reply}", route.method));
                        }
                    }
                }
            }
        }

        assert!(broken.is_empty(), "{} of {number}: {broken:#?}", broken.len());
    }
}

#[tokio::test]
async fn a_hidden_object_is_answered_as_one_that_does_not_exist() {
    let app = support::app(support::Database::sqlite()).await;
    account(&app, "stranger", None, Some(PASSWORD)).await;
    for walker in ["reader", "editor", "manager"] {
        account(&app, walker, None, None).await;
    }
    let hidden = scene(&app, 1).await;
    let absent = Scene {
        experiment: "77".to_owned(),
        run: "7".repeat(32),
        model: format!("m-{}", "7".repeat(32)),
        view: "7".repeat(8),
    };
    let mut compared = 0;
    for route in windvane::http::table() {
        let about_an_object = matches!(
            route.permission,
            Permission::Read | Permission::Share | Permission::Write | Permission::Delete | Permission::Manage
        );
        if !about_an_object || route.path.ends_with("get-by-name") {
            continue;
        }
        for path in route.paths() {
            let mut texts = Vec::new();
            for scene in [&hidden, &absent] {
                let reply = ask(&app, &route, &path, scene, "stranger", 1).await;
                let text = format!("{} {}", reply.status, String::from_utf8_lossy(&reply.body));
                let text = text.replace(&scene.run, "{R}").replace(&scene.model, "{M}").replace(&scene.view, "{V}");
                texts.push(
                    text.replace(&format!("id={} ", scene.experiment), "id={E} ")
                        .replace(&format!("'{}/", scene.experiment), "'{E}/"),
                );
            }
            assert_eq!(texts[0], texts[1], "{} {path}", route.method);
            compared += 1;
        }
    }
    assert!(compared > 90, "{compared}");
}
