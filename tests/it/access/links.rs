//! A link into a namespace that one may not see is one that leads nowhere (`security-cases.md` AZ-11).

use axum::http::{Method, Request};
use serde_json::{Value, json};
use windvane::model::Role;

use super::{account, give, token};
use crate::support::{App, Reply, app, databases};

async fn ask(app: &App, method: Method, path: &str, token: &str, body: Value) -> Reply {
    let request = Request::builder().method(method.clone()).uri(format!("/api/windvane/v1/{path}"));
    let request = request.header("authorization", format!("Bearer {token}")).header("content-type", "application/json");
    let body = if method == Method::GET { String::new() } else { body.to_string() };
    app.send(request.body(body.into()).unwrap()).await.into()
}

/// All that tells of links of a run, with its own ids and that of the other end taken out.
async fn told(app: &App, token: &str, experiment: &str, run: &str, other: &str) -> Vec<String> {
    let table =
        json!({ "experiment_ids": [experiment], "columns": ["attribute.run_name", "metrics.loss"], "limit": 50 });
    let level = |key: &str, value: Value| {
        let mut table = table.clone();
        (table["tree"], table[key]) = (json!(true), value);
        table
    };
    let curves = json!({ "run_ids": [run], "metrics": ["loss"], "x": "step", "joined": true, "buckets": 10 });
    let inline = json!({ "run_ids": [run], "metric": "loss", "joined": true });
    let mut replies = vec![ask(app, Method::GET, &format!("runs/{run}/lineage"), token, Value::Null).await];
    for (path, body) in [
        ("rows", table.clone()),
        ("rows", level("tree", json!(true))),
        ("rows", level("attempts_of", json!(run))),
        ("rows", level("children_of", json!(run))),
        ("series", curves),
        ("inline-curves", inline),
    ] {
        replies.push(ask(app, Method::POST, path, token, body).await);
    }
    let plain = |reply: &Reply| {
        let text = String::from_utf8_lossy(&reply.body).replace(run, "RUN").replace(other, "OTHER");
        let experiment = |text: String| text.replace(&format!("\"{experiment}\""), "EXPERIMENT");
        format!("{} {}", reply.status, experiment(text))
    };
    replies.iter().map(plain).collect()
}

#[tokio::test]
async fn a_link_into_a_hidden_namespace_is_told_of_as_one_to_a_run_that_does_not_exist() {
    for database in databases().await {
        let app = app(database).await;
        let hidden = app.new_experiment("hidden").await;
        let mut compared = Vec::new();
        for (kind, tags, params) in [
            ("nested", vec!["mlflow.parentRunId"], vec![]),
            ("fork", vec!["forkedRunId"], vec!["config.training.fork_run_id"]),
            ("resume", vec!["mlflow.parentRunId", "resumedRun"], vec!["config.training.run_id", "metadata.run_id"]),
            ("copy", vec![], vec!["metadata.offline_run_id"]),
        ] {
            let secret = app.new_run_in(&hidden, "the secret one", 1).await;
            let point =
                |value: f64, step: i64| json!({ "key": "loss", "value": value, "timestamp": step, "step": step });
            let body = json!({ "run_id": secret, "metrics": [point(0.123, 1), point(0.456, 2)] });
            app.post("runs/log-batch", body).await.expect_ok();
            let absent = format!("{:032x}", 0xfade_0000 + compared.len());
            let mut ends = Vec::new();
            for (name, other) in [("leads", &secret), ("leads nowhere", &absent)] {
                let experiment = app.new_experiment(&format!("{kind} {name}")).await;
                let run = app.new_run_in(&experiment, "run", 9).await;
                let say = |key: &&str| match *key {
                    "resumedRun" => json!({ "key": key, "value": "True" }),
                    key => json!({ "key": key, "value": other }),
                };
                let tags: Vec<Value> = tags.iter().map(say).collect();
                let params: Vec<Value> = params.iter().map(say).collect();
                let metrics = [point(0.5, 3), point(0.6, 4)];
                let body = json!({ "run_id": run, "tags": tags, "params": params, "metrics": metrics });
                app.post("runs/log-batch", body).await.expect_ok();
                ends.push((experiment, run, other.clone()));
            }
            compared.push((kind, ends));
        }
        let ann = account(&app, "ann", None, None).await;
        let boss = account(&app, "boss", Some(Role::Admin), None).await;
        app.access().forget();
        for (experiment, ..) in compared.iter().flat_map(|(_, ends)| ends) {
            give(&app, "ann", experiment, Role::Manager).await;
        }
        let (hers, everyones) = (token(&app, ann).await, token(&app, boss).await);
        for (kind, ends) in compared {
            let [(experiment, run, secret), (lone, other_run, absent)] = &ends[..] else { unreachable!() };

            let leads = told(&app, &hers, experiment, run, secret).await;
            let nowhere = told(&app, &hers, lone, other_run, absent).await;

            assert_eq!(leads, nowhere, "{kind}");
            assert!(leads.iter().all(|text| text.starts_with("200") && !text.contains("secret")), "{kind}: {leads:#?}");
            let seen = told(&app, &everyones, experiment, run, secret).await;
            assert!(seen[0].contains("the secret one"), "{kind}: whoever may see it is told: {}", seen[0]);
        }
    }
}
