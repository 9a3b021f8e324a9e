//! `groups`: runs by what they have in common.

use serde_json::{Value, json};

use super::{log_metric, log_param, post, set_tag};
use crate::support::{self, App};

async fn groups(app: &App, mut request: Value) -> Value {
    if request.get("experiment_ids").is_none() {
        request["experiment_ids"] = json!(["0"]);
    }
    post(app, "groups", request).await.expect_ok()
}

/// Values and numbers of runs.
fn sizes(answer: &Value) -> Vec<(Option<&str>, i64)> {
    let groups = answer["groups"].as_array().unwrap().iter();
    groups.map(|group| (group["value"].as_str(), group["runs"].as_i64().unwrap())).collect()
}

/// Runs with the values of a param, each with its loss.
async fn log_runs(app: &App, runs: &[(Option<&str>, Value)]) -> Vec<String> {
    let mut ids = Vec::new();
    for (number, (value, loss)) in (1..).zip(runs) {
        let run_id = app.new_run_in("0", "run", number).await;
        if let Some(value) = value {
            log_param(app, &run_id, "learning rate", value).await;
        }
        if !loss.is_null() {
            log_metric(app, &run_id, "val loss", loss.clone()).await;
        }
        ids.push(run_id);
    }
    ids
}

#[tokio::test]
async fn runs_with_one_value_are_a_group_and_those_without_one_too() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let runs = [
            (Some("1e-4"), json!(0.5)),
            (Some("1e-4"), json!(0.25)),
            (Some("1e-4"), json!("NaN")),
            (Some("1e-3"), json!("NaN")),
            (Some("1e-2"), Value::Null),
            (None, json!(-4)),
            (None, json!("Infinity")),
            (Some(""), json!("-Infinity")),
            (Some(""), json!("Infinity")),
        ];
        let ids = log_runs(&app, &runs).await;
        let by = "params.`learning rate`";

        let answer = groups(&app, json!({ "by": by, "metrics": ["val loss", "absent", "val loss"] })).await;

        let metric = |count: i64, nan: i64, mean: Value, min: Value, max: Value| json!([{ "count": count, "nan": nan, "mean": mean, "min": min, "max": max }, null]);
        let expected = json!([
            { "value": "1e-4", "runs": 3, "metrics": metric(2, 1, json!(0.375), json!(0.25), json!(0.5)) },
            { "value": "", "runs": 2, "metrics": metric(2, 0, json!("NaN"), json!("-Infinity"), json!("Infinity")) },
            { "value": null, "runs": 2, "metrics": metric(2, 0, json!("Infinity"), json!(-4.0), json!("Infinity")) },
            { "value": "1e-2", "runs": 1, "metrics": [null, null] },
            { "value": "1e-3", "runs": 1, "metrics": metric(0, 1, Value::Null, Value::Null, Value::Null) },
        ]);
        assert_eq!(answer, json!({ "total": 5, "offset": 0, "groups": expected }));

        for (order, values) in [
            (json!("value"), vec![Some(""), Some("1e-2"), Some("1e-3"), Some("1e-4"), None]),
            (json!(["value desc"]), vec![Some("1e-4"), Some("1e-3"), Some("1e-2"), Some(""), None]),
            (json!(" count  ASC"), vec![Some("1e-2"), Some("1e-3"), Some(""), None, Some("1e-4")]),
            (json!("metrics.\"val loss\""), vec![Some("1e-4"), None, Some(""), Some("1e-2"), Some("1e-3")]),
            (json!("metrics.`val loss` DESC"), vec![None, Some("1e-4"), Some(""), Some("1e-2"), Some("1e-3")]),
            (json!("metrics.absent"), vec![Some(""), Some("1e-2"), Some("1e-3"), Some("1e-4"), None]),
        ] {
            let answer = groups(&app, json!({ "by": by, "order_by": order })).await;
            let found: Vec<Option<&str>> = sizes(&answer).into_iter().map(|(value, _)| value).collect();
            assert_eq!(found, values, "{order}");
            let part = groups(&app, json!({ "by": by, "order_by": order, "offset": 1, "limit": 2 })).await;
            let found: Vec<Option<&str>> = sizes(&part).into_iter().map(|(value, _)| value).collect();
            assert_eq!((found, &part["total"], &part["offset"]), (values[1..3].to_vec(), &json!(5), &json!(1)));
        }
        for nothing in
            [json!({ "by": by, "limit": 0 }), json!({ "by": by, "offset": 5 }), json!({ "by": by, "offset": i64::MAX })]
        {
            let answer = groups(&app, nothing).await;
            assert_eq!((&answer["total"], &answer["groups"]), (&json!(5), &json!([])));
        }

        // The filter, the view and the experiments decide which runs.
        let filtered = groups(&app, json!({ "by": by, "filter": "metrics.`val loss` < 1" })).await;
        assert_eq!(sizes(&filtered), [(Some("1e-4"), 2), (Some(""), 1), (None, 1)]);
        app.post("runs/delete", json!({ "run_id": ids[0] })).await.expect_ok();
        let deleted = groups(&app, json!({ "by": by, "run_view_type": "DELETED_ONLY" })).await;
        assert_eq!(sizes(&deleted), [(Some("1e-4"), 1)]);
        let elsewhere = groups(&app, json!({ "by": by, "experiment_ids": ["77"] })).await;
        assert_eq!(elsewhere, json!({ "total": 0, "offset": 0, "groups": [] }));
        let none = groups(&app, json!({ "by": by, "filter": "params.x = 'y'", "metrics": ["val loss"] })).await;
        assert_eq!(none["total"], 0);
    }
}

#[tokio::test]
async fn runs_are_grouped_by_tags_users_and_states_and_by_what_nobody_has() {
    for db in support::databases().await {
        let app = support::app(db).await;
        for (number, (user, status)) in
            [("ada", "FINISHED"), ("ada", "FAILED"), ("bob", "FINISHED"), ("", "RUNNING")].into_iter().enumerate()
        {
            let created =
                app.post("runs/create", json!({ "experiment_id": "0", "user_id": user, "start_time": number }));
            let created = created.await.expect_ok();
            let run_id = created["run"]["info"]["run_id"].as_str().unwrap();
            app.post("runs/update", json!({ "run_id": run_id, "status": status })).await.expect_ok();
            if number > 1 {
                set_tag(&app, run_id, "team", "nwp").await;
            }
        }
        let sized = async |by: &str| {
            let answer = groups(&app, json!({ "by": by, "order_by": "value" })).await;
            serde_json::to_string(&sizes(&answer)).unwrap()
        };

        assert_eq!(sized("attribute.user_id").await, r#"[["ada",2],["bob",1],[null,1]]"#);
        assert_eq!(sized("attributes.status").await, r#"[["FAILED",1],["FINISHED",2],["RUNNING",1]]"#);
        assert_eq!(sized("tags.team").await, r#"[["nwp",2],[null,2]]"#);
        assert_eq!(sized("params.nobody").await, "[[null,4]]");
        assert_eq!(sized("tag.\"mlflow.nothing\"").await, "[[null,4]]");
    }
}

#[tokio::test]
async fn whole_texts_are_compared_and_great_numbers_added_up() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let long = "é".repeat(200);
        let (one, two) = (format!("{long}a"), format!("{long}b"));
        let tiny = 5e-324;
        let runs = [
            (Some(long.as_str()), json!(1e308)),
            (Some(one.as_str()), json!(1.5e308)),
            (Some(two.as_str()), json!(tiny)),
            (Some(one.as_str()), json!(1.7e308)),
            (Some(two.as_str()), json!(tiny)),
            (Some("both"), json!(-1.7e308)),
            (Some("both"), json!(1.7e308)),
            (Some("both"), json!(tiny)),
        ];
        log_runs(&app, &runs).await;

        let asked = json!({ "by": "params.learning rate", "metrics": ["val loss"], "order_by": "value" });
        let bare = post(&app, "groups", asked.clone()).await.invalid();
        let mut asked = asked;
        asked["by"] = "params.\"learning rate\"".into();
        let answer = groups(&app, asked).await;

        assert!(bare.contains("learning rate"), "{bare}");
        let ordered = [(Some("both"), 3), (Some(long.as_str()), 1), (Some(one.as_str()), 2), (Some(two.as_str()), 2)];
        assert_eq!(sizes(&answer), ordered);
        let mean = |group: usize| answer["groups"][group]["metrics"][0]["mean"].as_f64().unwrap();
        assert_eq!((mean(0), mean(1), mean(3)), (0.0, 1e308, tiny));
        assert!((mean(2) / 1.6e308 - 1.0).abs() < 1e-12, "{}", mean(2));
        let by_mean = json!({ "by": "params.`learning rate`", "order_by": "metrics.`val loss` DESC" });
        let by_mean = groups(&app, by_mean).await;
        assert_eq!(sizes(&by_mean)[..2], [(Some(one.as_str()), 2), (Some(long.as_str()), 1)]);
    }
}

#[tokio::test]
async fn a_value_longer_than_any_that_is_logged_is_told_by_its_beginning() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        let long = "y".repeat(20_000);
        let part = json!({ "run_id": run_id, "params": [{ "key": "p", "value": long }] });
        post(&app, "ingest/parts", part).await.expect_ok();

        let answer = groups(&app, json!({ "by": "params.p" })).await;

        assert_eq!(answer["groups"][0]["value"], format!("{}…", "y".repeat(10_000)));
    }
}

#[tokio::test]
async fn what_cannot_be_grouped_is_refused_with_what_is_allowed() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let refusal = async |request: Value| post(&app, "groups", request).await.invalid();
        let by = "for parameter 'by' supplied: it must be a param, a tag, attribute.user_id or attribute.status.";
        let order =
            "for parameter 'order_by' supplied: it must be count, value or a metric, with ASC or DESC behind it.";

        assert!(refusal(json!({})).await.contains("'by'"));
        for wrong in ["metrics.loss", "attribute.start_time", "attribute.run_id"] {
            assert_eq!(refusal(json!({ "by": wrong })).await, format!("Invalid value {wrong} {by}"));
        }
        assert!(refusal(json!({ "by": "nothing.x" })).await.contains("nothing"));
        assert!(refusal(json!({ "by": ["params.x"] })).await.contains("'by'"));
        for wrong in ["count up", "counts", "params.x", "value DESC DESC", "", "metrics.a SIDEWAYS"] {
            let told = refusal(json!({ "by": "params.x", "order_by": wrong })).await;
            assert!(told.ends_with(order), "{told}");
        }
        let two = json!({ "by": "params.x", "order_by": ["count", "value"] });
        assert_eq!(refusal(two).await, "'order_by' has 2 items; groups are ordered by one");
        let many: Vec<String> = (0..51).map(|number| number.to_string()).collect();
        let many = refusal(json!({ "by": "params.x", "metrics": many })).await;
        assert_eq!(many, "'metrics' has 51 items; at most 50 are allowed");
        assert!(refusal(json!({ "by": "params.x", "limit": 1_001 })).await.contains("it must be from 0 to 1000"));
        assert!(refusal(json!({ "by": "params.x", "offset": -1 })).await.contains("'offset'"));
        assert!(refusal(json!({ "by": "params.x", "filter": "metrics.a ~ 1" })).await.contains("'~'"));
        assert!(refusal(json!({ "by": "params.\u{0}" })).await.contains("by"));
    }
}
