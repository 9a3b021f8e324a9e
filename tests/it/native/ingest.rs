//! `ingest/…`: runs that were logged elsewhere.

use std::io::Write as _;

use axum::http::Method;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use windvane::digest::{SeriesDigest, hexadecimal};
use windvane::model::{MetricValue, Point};

use super::post;
use crate::support::{self, App, Reply, assert_snapshot};

const RUN: &str = "0123456789abcdef0123456789abcdef";

async fn create(app: &App, change: Value) -> Reply {
    let mut request = json!({
        "run_id": RUN, "experiment_id": "0", "run_name": "control", "user_id": "ada", "start_time": 1_700_000_000_000_i64,
        "tags": [{ "key": "mlflow.user", "value": "ada" }],
    });
    request.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    post(app, "ingest/create", request).await
}

async fn parts(app: &App, mut request: Value) -> Reply {
    request["run_id"] = RUN.into();
    post(app, "ingest/parts", request).await
}

async fn have(app: &App) -> Value {
    post(app, "ingest/have", json!({ "run_id": RUN })).await.expect_ok()
}

fn series(key: &str, points: &[(i64, i64, f64)]) -> Value {
    let column = |of: fn(&(i64, i64, f64)) -> Value| points.iter().map(of).collect::<Vec<_>>();
    json!({ "key": key, "timestamps": column(|it| it.0.into()), "steps": column(|it| it.1.into()),
            "values": column(|it| it.2.into()) })
}

#[tokio::test]
async fn a_run_arrives_under_its_own_id_and_is_told_of() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let points = [(1_700_000_000_001, 0, 0.5), (1_700_000_000_002, 50, 0.25)];

        let made = create(&app, json!({})).await.expect_ok();
        let found = create(&app, json!({})).await.expect_ok();
        let brought = json!({
            "params": [{ "key": "lr", "value": "0.1" }, { "key": "empty", "value": "" }],
            "tags": [{ "key": "note", "value": "x" }],
            "series": [series("val/loss", &points), { "key": "odd", "timestamps": [5], "steps": [-1], "values": ["NaN"] }],
        });
        for _ in 0..2 {
            parts(&app, brought.clone()).await.expect_ok();
        }
        let file = format!("/api/2.0/mlflow-artifacts/artifacts/0/{RUN}/artifacts/a/b.txt");
        assert_eq!(app.request(Method::PUT, &file, [], "hello").await.status, 200);

        assert_eq!([&made["created"], &found["created"]], [&json!(true), &json!(false)]);
        assert_eq!(made["artifact_root"], format!("0/{RUN}/artifacts"));
        let mut told = have(&app).await;
        assert_eq!(told["state"].as_str().unwrap().split('.').count(), 3);
        told["state"] = "".into();
        assert_eq!(
            told,
            json!({
                "run": { "run_id": RUN, "experiment_id": "0", "experiment_name": "Default", "run_name": "control",
                         "user_id": "ada", "status": "RUNNING", "start_time": 1_700_000_000_000_i64, "end_time": null,
                         "lifecycle_stage": "active" },
                "state": "",
                "params": { "count": 2, "digest": told["params"]["digest"] },
                "tags": [{ "key": "mlflow.runName", "value": "control" }, { "key": "mlflow.user", "value": "ada" },
                         { "key": "note", "value": "x" }],
                "datasets": 0,
                "series": [
                    { "key": "odd", "count": 1, "last": [5, -1, "NaN"], "digest": digest(&[(5, -1, f64::NAN)]) },
                    { "key": "val/loss", "count": 2, "last": [1_700_000_000_002_i64, 50, 0.25], "digest": digest(&points) },
                ],
                "artifact_root": format!("0/{RUN}/artifacts"),
                "files": [{ "path": "a/b.txt", "size": 5,
                            "digest": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" }],
                "next_file": null,
            })
        );
        let run = app.read_run(RUN).await;
        assert_eq!(run["info"]["start_time"], 1_700_000_000_000_i64);
        assert_eq!(run["data"]["params"].as_array().unwrap().len(), 2);
    }
}

fn digest(points: &[(i64, i64, f64)]) -> String {
    let point = |it: &(i64, i64, f64)| Point { timestamp_ms: it.0, step: it.1, value: MetricValue::new(it.2) };
    hexadecimal(&SeriesDigest::of(&points.iter().map(point).collect::<Vec<_>>()))
}

#[tokio::test]
async fn an_id_of_another_run_is_refused_with_the_difference() {
    for db in support::databases().await {
        let app = support::app(db).await;
        create(&app, json!({})).await.expect_ok();
        let other = app.post("experiments/create", json!({ "name": "other" })).await.expect_ok();

        let user = create(&app, json!({ "user_id": "eve" })).await;
        let both = create(&app, json!({ "experiment_id": other["experiment_id"], "start_time": 1 })).await;

        assert_snapshot!(user.refusal(), @"409 RESOURCE_CONFLICT: The run id '0123456789abcdef0123456789abcdef' belongs to another run: user_id is 'ada' here and 'eve' there.");
        assert_snapshot!(both.refusal(), @"409 RESOURCE_CONFLICT: The run id '0123456789abcdef0123456789abcdef' belongs to another run: experiment_id is 0 here and 1 there, start_time is 1700000000000 here and 1 there.");
        assert_eq!(have(&app).await["run"]["user_id"], "ada");
    }
}

#[tokio::test]
async fn parts_are_taken_whole_or_not_at_all() {
    for db in support::databases().await {
        let app = support::app(db).await;
        create(&app, json!({})).await.expect_ok();
        parts(&app, json!({ "params": [{ "key": "lr", "value": "0.1" }] })).await.expect_ok();
        let before = have(&app).await;

        let refused = parts(
            &app,
            json!({ "params": [{ "key": "lr", "value": "0.2" }, { "key": "new", "value": "1" }],
                    "tags": [{ "key": "k", "value": "v" }], "series": [series("loss", &[(1, 1, 1.0)])] }),
        )
        .await;

        assert_snapshot!(refused.refusal(), @"400 INVALID_PARAMETER_VALUE: Changing param values is not allowed. Params were already logged='[{'key': 'lr', 'old_value': '0.1', 'new_value': '0.2'}]' for run ID='0123456789abcdef0123456789abcdef'.");
        assert_eq!(have(&app).await, before);
        app.post("runs/delete", json!({ "run_id": RUN })).await.expect_ok();
        let deleted = parts(&app, json!({ "tags": [{ "key": "k", "value": "v" }] })).await.invalid();
        assert!(deleted.contains("must be in the 'active' state"), "{deleted}");
    }
}

#[tokio::test]
async fn a_value_that_is_longer_than_mlflow_takes_arrives_whole() {
    for db in support::databases().await {
        let app = support::app(db).await;
        create(&app, json!({})).await.expect_ok();
        let long = "ü".repeat(30_000);

        let pair = json!([{ "key": "long", "value": long }]);
        parts(&app, json!({ "params": pair, "tags": pair })).await.expect_ok();

        assert_eq!(app.read_run(RUN).await["data"]["params"], pair);
    }
}

#[tokio::test]
async fn what_cannot_be_taken_is_named() {
    let app = support::app(support::Database::sqlite()).await;
    create(&app, json!({})).await.expect_ok();
    let before = have(&app).await;
    let points = |key: &str, timestamps: Value, steps: Value, values: Value| {
        json!({ "series": [series("fine", &[(1, 1, 1.0)]),
                           { "key": key, "timestamps": timestamps, "steps": steps, "values": values }] })
    };
    let pairs = |list: &str, key: &str, value: Value| json!({ list: [{ "key": "a", "value": "" }, { "key": key, "value": value }] });

    for (request, expected) in [
        (
            points("m", json!([1]), json!([1, 2]), json!([1])),
            "'series[1]' ('m') has 1 timestamps, 2 steps and 1 values",
        ),
        (points("m", json!([-1]), json!([1]), json!([1])), "Invalid value -1 for parameter 'series[1].timestamp'"),
        (points("m", json!(["x"]), json!([1]), json!([1])), "Invalid value \"x\" for parameter 'series[1].timestamps'"),
        (points("m", json!([1]), json!([1.5]), json!([1])), "Invalid value 1.5 for parameter 'series[1].steps'"),
        (points("m", json!([1]), json!([1]), json!([null])), "Invalid value null for parameter 'series[1].values'"),
        (points("m", json!([1]), json!([1]), json!(["nanana"])), "parameter 'series[1].values'"),
        (points("m", json!(5), json!([1]), json!([1])), "Invalid value 5 for parameter 'series[1].timestamps'"),
        (
            points("m", Value::Null, json!([1]), json!([1])),
            "Missing value for required parameter 'series[1].timestamps'",
        ),
        (points("../m", json!([1]), json!([1]), json!([1])), "series[1].name"),
        (points("", json!([1]), json!([1]), json!([1])), "series[1]"),
        (pairs("params", "a//b", json!("")), "params[1].key"),
        (pairs("params", "a", json!("")), "Duplicate parameter keys"),
        (pairs("params", "k", json!(5)), "Invalid value 5 for parameter 'params[1].value'"),
        (pairs("params", "k", json!("a\0")), "params[1].value"),
        (pairs("tags", "k", json!("x".repeat(1024 * 1024 + 1))), "has 1048577 bytes; at most 1048576 are allowed"),
        (json!({ "series": 5 }), "Invalid value 5 for parameter 'series'"),
        (json!({ "params": { "k": "v" } }), "parameter 'params'"),
    ] {
        let refused = parts(&app, request.clone()).await.invalid();
        assert!(refused.contains(expected), "{request}: {refused}");
    }
    for (change, expected) in [
        (json!({ "run_id": "0F" }), "it"),
        (json!({ "run_id": "a".repeat(33) }), "a run's id has 32 lower-case hexadecimal digits"),
        (json!({ "run_id": "A".repeat(32) }), "a run's id has 32 lower-case hexadecimal digits"),
        (json!({ "run_id": "../../../../../../../etc/passwd0" }), "run_id"),
        (json!({ "experiment_id": "x" }), "Invalid experiment ID 'x'"),
        (json!({ "start_time": "soon" }), "start_time"),
        (json!({ "start_time": null }), "Missing value for required parameter 'start_time'"),
        (json!({ "user_id": "u".repeat(257) }), "user_id"),
        (json!({ "run_name": "a\0" }), "run_name"),
        (json!({ "tags": [{ "key": "", "value": "x" }] }), "tags[0].key"),
    ] {
        let refused = create(&app, change.clone()).await.invalid();
        assert!(refused.contains(expected), "{change}: {refused}");
    }
    let many: Vec<String> = (0..1_001).map(|number| format!("{number:032x}")).collect();
    for (path, request, expected) in [
        ("ingest/states", json!({}), "Missing value for required parameter 'run_ids'"),
        ("ingest/states", json!({ "run_ids": many }), "'run_ids' has 1001 items; at most 1000 are allowed"),
        ("ingest/have", json!({}), "Missing value for required parameter 'run_id'"),
        ("ingest/have", json!({ "run_id": "/" }), "run_id"),
        ("ingest/files", json!({ "run_id": RUN, "after": 5 }), "after"),
    ] {
        let refused = post(&app, path, request).await.invalid();
        assert!(refused.contains(expected), "{path}: {refused}");
    }
    assert_eq!(have(&app).await, before);
    let absent = post(&app, "ingest/have", json!({ "run_id": "absent" })).await;
    assert_eq!(absent.refusal(), "404 RESOURCE_DOES_NOT_EXIST: Run with id=absent not found");
    let nowhere = create(&app, json!({ "run_id": "a".repeat(32), "experiment_id": "77" })).await;
    assert_eq!(nowhere.refusal(), "404 RESOURCE_DOES_NOT_EXIST: No Experiment with id=77 exists");
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[tokio::test]
async fn bodies_may_be_compressed_and_are_bounded_when_they_are_unpacked() {
    let app = support::app(support::Database::sqlite()).await;
    create(&app, json!({})).await.expect_ok();
    let send = async |encoding: &str, body: Vec<u8>| {
        let headers = [("content-type", "application/json"), ("content-encoding", encoding)];
        app.request(Method::POST, "/api/windvane/v1/ingest/parts", headers, body).await
    };
    let body = json!({ "run_id": RUN, "params": [{ "key": "lr", "value": "0.1" }] }).to_string();

    send("gzip", gzip(body.as_bytes())).await.expect_ok();
    send("identity", body.clone().into_bytes()).await.expect_ok();
    let cut = send("gzip", gzip(body.as_bytes())[..20].to_vec()).await;
    let lie = send("gzip", body.clone().into_bytes()).await;
    let unknown = send("br", body.clone().into_bytes()).await;
    let bomb = send("gzip", gzip(&vec![b' '; 200 * 1024 * 1024])).await;

    assert_eq!(have(&app).await["params"]["count"], 1);
    for broken in [cut, lie] {
        assert!(broken.refusal().starts_with("400 INVALID_PARAMETER_VALUE"), "{}", broken.refusal());
    }
    assert_snapshot!(unknown.refusal(), @"400 INVALID_PARAMETER_VALUE: Invalid value br for header Content-Encoding supplied: it must be gzip, or the body is not compressed");
    assert!(bomb.refusal().starts_with("413 INVALID_PARAMETER_VALUE"), "{}", bomb.refusal());
}
