//! `series`, `inline-curves` and `export/series`: curves as the pages draw them.

use serde_json::{Value, json};

use super::get;
use crate::support::{self, App, Reply};

async fn ask(app: &App, path: &str, request: Value) -> Reply {
    app.post(&format!("/api/windvane/v1/{path}"), request).await
}

/// Logs points (timestamp, step, value) of a metric.
async fn log(app: &App, run_id: &str, key: &str, points: &[(i64, i64, Value)]) {
    let metrics: Vec<Value> = (points.iter())
        .map(|(time, step, value)| json!({ "key": key, "value": value, "timestamp": time, "step": step }))
        .collect();
    // As many as one batch may hold.
    for part in metrics.chunks(1_000) {
        app.post("runs/log-batch", json!({ "run_id": run_id, "metrics": part })).await.expect_ok();
    }
}

/// `count` points at the steps from 0 on, of which each is made by `value`.
fn line(count: i64, value: impl Fn(i64) -> Value) -> Vec<(i64, i64, Value)> {
    (0..count).map(|step| (1_000 + step, step, value(step))).collect()
}

#[tokio::test]
async fn the_odd_series_are_told_as_what_they_are() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run = app.run().await;
        log(&app, &run, "all_at_step_0", &(0..200).map(|at| (at, 0, json!(at))).collect::<Vec<_>>()).await;
        log(&app, &run, "one", &[(5, 7, json!(0.25))]).await;
        log(&app, &run, "two_at_a_step", &[(1, 0, json!(1)), (2, 3, json!(5)), (3, 3, json!(2))]).await;
        log(&app, &run, "constant", &line(10, |_| json!(0.5))).await;
        log(&app, &run, "nan_tail", &line(20, |step| if step < 15 { json!(step) } else { json!("NaN") })).await;
        log(&app, &run, "only_nan", &line(3, |_| json!("NaN"))).await;
        log(&app, &run, "infinite", &[(1, 1, json!("Infinity")), (2, 2, json!(3)), (3, 3, json!("-Infinity"))]).await;
        let restart: Vec<_> = (0..10).map(|at| (at, if at < 6 { at } else { at - 4 }, json!(at))).collect();
        log(&app, &run, "overlapping_restart", &restart).await;
        let series = async |metric: &str| {
            let found = ask(&app, "series", json!({ "run_ids": [run], "metrics": [metric] })).await.expect_ok();
            assert_eq!((&found["raw"], &found["grid"]), (&json!(true), &Value::Null));
            (found["x"].clone(), found["series"][0].clone())
        };

        let (x, zero) = series("all_at_step_0").await;
        assert_eq!(
            (x, &zero["total"], &zero["min_step"], &zero["max_step"]),
            (json!([0]), &json!(200), &json!(0), &json!(0))
        );
        assert_eq!(
            zero["segments"],
            json!([{ "first_step": 0, "last_step": 0, "at": null, "mean": [99.5], "min": [0], "max": [199], "last": [199],
                     "count": [200] }])
        );
        let (x, one) = series("one").await;
        assert_eq!((x, &one["first_point"]), (json!([7]), &json!({ "step": 7, "timestamp": 5, "value": 0.25 })));
        assert_eq!(one["first_point"], one["last_point"]);
        let (x, two) = series("two_at_a_step").await;
        assert_eq!((x, &two["segments"][0]["mean"]), (json!([0, 3]), &json!([1, 3.5])));
        assert_eq!((&two["segments"][0]["last"], &two["segments"][0]["count"]), (&json!([1, 2]), &json!([1, 2])));
        let (_, constant) = series("constant").await;
        assert_eq!((&constant["min"], &constant["max"]), (&json!(0.5), &json!(0.5)));
        let (_, tail) = series("nan_tail").await;
        assert_eq!(tail["nan"], json!({ "count": 5, "first_step": 15, "at": [15, 16, 17, 18, 19] }));
        assert_eq!((&tail["points"], &tail["last_point"]["value"]), (&json!(20), &json!("NaN")));
        let (x, nan) = series("only_nan").await;
        assert_eq!((x, &nan["nan"]["count"], &nan["total"]), (json!([0, 1, 2]), &json!(3), &json!(3)));
        assert_eq!((nan.get("min"), &nan["segments"][0]["mean"]), (None, &json!([])));
        let (_, infinite) = series("infinite").await;
        assert_eq!(infinite["infinity"], json!({ "count": 1, "first_step": 1, "at": [0] }));
        assert_eq!(infinite["negative_infinity"], json!({ "count": 1, "first_step": 3, "at": [2] }));
        assert_eq!((&infinite["min"], &infinite["segments"][0]["at"]), (&json!(3), &json!([1])));
        let (x, restart) = series("overlapping_restart").await;
        assert_eq!(x, json!([0, 1, 2, 3, 4, 5]));
        assert_eq!(restart["segments"][0]["mean"], json!([0, 1, 2, 3, 4, 5]));
        assert_eq!(
            (&restart["segments"][1]["at"], &restart["segments"][1]["mean"]),
            (&json!([2, 3, 4, 5]), &json!([6, 7, 8, 9]))
        );
        let (x, nothing) = series("unheard-of").await;
        assert_eq!((x, &nothing["total"], &nothing["segments"]), (json!([]), &json!(0), &json!([])));
    }
}

#[tokio::test]
async fn a_long_series_is_told_in_buckets_and_again_as_not_modified() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run = app.run().await;
        log(&app, &run, "loss", &line(1_000, |step| json!(step))).await;
        let request = json!({ "run_ids": [run, run], "metrics": ["loss", "loss"], "buckets": 4, "columns": ["mean", "count"],
                              "range": [0, "799"], "smoothing": 0.5, "digits": 17 });

        let reply = ask(&app, "series", request.clone()).await;
        let again = app
            .request(
                axum::http::Method::POST,
                "/api/windvane/v1/series",
                [("content-type", "application/json"), ("if-none-match", reply.header("etag"))],
                request.to_string(),
            )
            .await;

        let found = reply.expect_ok();
        assert_eq!(
            (&found["x"], &found["raw"], &found["grid"]),
            (&json!([99, 299, 499, 699]), &json!(false), &json!({ "start": 0, "width": 200 }))
        );
        let [series] = &found["series"].as_array().unwrap()[..] else { panic!("{found}") };
        assert_eq!((&series["total"], &series["points"]), (&json!(1_000), &json!(800)));
        let segment = &series["segments"][0];
        assert_eq!(
            (&segment["mean"], &segment["count"]),
            (&json!([99.5, 299.5, 499.5, 699.5]), &json!([200, 200, 200, 200]))
        );
        assert_eq!((segment.get("max"), segment["smooth"].as_array().unwrap().len()), (None, 4));
        // One step of 1 per point and a weight of a half: one step behind.
        assert!((segment["smooth"][3].as_f64().unwrap() - 698.5).abs() < 1e-9);
        assert_eq!(again.status, 304);
    }
}

#[tokio::test]
async fn inline_curves_have_ranges_of_their_own() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (long, short, none) = (app.run().await, app.run().await, app.run().await);
        log(&app, &long, "loss", &line(64, |step| if step == 60 { json!("NaN") } else { json!(step) })).await;
        log(&app, &short, "loss", &[(1, 10, json!(1)), (2, 12, json!(2)), (3, 12, json!(4))]).await;

        let reply = ask(&app, "inline-curves", json!({ "run_ids": [long, short, none], "metric": "loss" })).await;

        let found = reply.expect_ok();
        let curves = found["curves"].as_array().unwrap();
        assert_eq!(curves[0]["mean"].as_array().unwrap().len(), 32);
        assert_eq!(
            (&curves[0]["mean"][1], &curves[0]["mean"][30], &curves[0]["nan"]),
            (&json!(2.5), &json!(61), &json!(1))
        );
        assert_eq!(
            curves[1],
            json!({ "run_id": short, "total": 3, "nan": 0, "first_x": 10, "last_x": 12, "last": 4, "mean": [1, null, 3] })
        );
        assert_eq!(curves[2], json!({ "run_id": none, "total": 0, "nan": 0, "mean": [] }));
    }
}

#[tokio::test]
async fn points_are_exported_as_they_were_logged() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (first, second) = (app.run().await, app.run().await);
        log(&app, &first, "- a", &[(2, -1, json!(0.1)), (1, 5, json!("NaN")), (3, 6, json!("-Infinity"))]).await;
        log(&app, &second, "loss", &line(30_000, |step| json!(step))).await;
        let query = format!("run_ids={first}&run_ids={second}&metrics=-%20a&metrics=loss");

        let reply = get(&app, &format!("export/series?{query}")).await;

        assert_eq!((reply.status, reply.header("content-type")), (200, "text/csv; charset=utf-8"));
        assert_eq!(reply.header("content-disposition"), "attachment; filename=\"series.csv\"");
        let text = String::from_utf8(reply.body.to_vec()).unwrap();
        let lines: Vec<&str> = text.split("\r\n").collect();
        let of_first = |rest: &str| format!("{first},'- a,{rest}");
        assert_eq!(lines[0], "run_id,metric,step,timestamp,value");
        assert_eq!(lines[1..4], [of_first("5,1,NaN"), of_first("-1,2,0.1"), of_first("6,3,-Infinity")]);
        assert_eq!((lines.len(), lines[30_003]), (30_005, format!("{second},loss,29999,30999,29999.0").as_str()));
    }
}

#[tokio::test]
async fn what_cannot_be_asked_of_curves_is_refused_by_name_with_what_is_allowed() {
    let app = support::app(support::Database::sqlite()).await;
    let run = app.run().await;
    let refusal = async |change: Value| {
        let mut request = json!({ "run_ids": [run], "metrics": ["loss"] });
        request.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        ask(&app, "series", request).await.refusal()
    };
    let invalid = |text: &str| format!("400 INVALID_PARAMETER_VALUE: {text}");
    let many = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>();

    for (change, expected) in [
        (json!({ "run_ids": many(101) }), invalid("'run_ids' has 101 items; at most 100 are allowed")),
        (json!({ "metrics": many(51) }), invalid("'metrics' has 51 items; at most 50 are allowed")),
        (
            json!({ "buckets": 0 }),
            invalid("Invalid value 0 for parameter 'buckets' supplied: it must be from 1 to 2000."),
        ),
        (
            json!({ "buckets": 2_001 }),
            invalid("Invalid value 2001 for parameter 'buckets' supplied: it must be from 1 to 2000."),
        ),
        (
            json!({ "smoothing": 1 }),
            invalid("Invalid value 1 for parameter 'smoothing' supplied: it must be from 0 to 0.99."),
        ),
        (
            json!({ "smoothing": "NaN" }),
            invalid("Invalid value NaN for parameter 'smoothing' supplied: it must be from 0 to 0.99."),
        ),
        (json!({ "digits": 6 }), invalid("Invalid value 6 for parameter 'digits' supplied: it must be 5 or 17.")),
        (
            json!({ "columns": ["sum"] }),
            invalid("Invalid value 'sum' for parameter 'columns' supplied: it must be of mean, min, max, last, count."),
        ),
        (
            json!({ "x": "time" }),
            invalid(
                "Invalid value 'time' for parameter 'x' supplied: it must be step, relative, wall or metrics.NAME.",
            ),
        ),
        (
            json!({ "range": [2, 1] }),
            invalid(
                "Invalid value [2,1] for parameter 'range' supplied: it must be two finite numbers, the first not above the second.",
            ),
        ),
        (
            json!({ "joined": "yes" }),
            invalid("Invalid value \"yes\" for parameter 'joined' supplied: it must be true or false."),
        ),
        (json!({ "run_ids": ["absent"] }), "404 RESOURCE_DOES_NOT_EXIST: Run with id=absent not found".to_owned()),
    ] {
        assert_eq!(refusal(change).await, expected);
    }
    for range in [json!(5), json!([1]), json!([0.2, 0.8]), json!(["a", 1]), json!(["Infinity", 1]), json!([null, 1])] {
        assert!(refusal(json!({ "range": range })).await.starts_with("400"), "{range}");
    }
    let missing = ask(&app, "series", json!({ "metrics": ["loss"] })).await.invalid();
    assert!(missing.starts_with("Missing value for required parameter 'run_ids'"), "{missing}");
    let many = ask(&app, "inline-curves", json!({ "run_ids": many(1_001), "metric": "loss" })).await.invalid();
    assert_eq!(many, "'run_ids' has 1001 items; at most 1000 are allowed");
    let absent = get(&app, "export/series?run_ids=absent&metrics=loss").await.refusal();
    assert_eq!(absent, "404 RESOURCE_DOES_NOT_EXIST: Run with id=absent not found");
}
