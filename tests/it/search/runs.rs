//! `runs/search`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::token;
use crate::support::{self, App, Reply, assert_snapshot};

async fn search_runs(app: &App, mut request: Value) -> Reply {
    if request.get("experiment_ids").is_none() {
        request["experiment_ids"] = json!(["0"]);
    }
    app.post("runs/search", request).await
}

/// The names of the runs in an answer.
fn run_names(reply: &Reply) -> Vec<String> {
    let answer = reply.expect_ok();
    let runs = answer["runs"].as_array().cloned().unwrap_or_default();
    runs.iter().map(|run| run["info"]["run_name"].as_str().unwrap().to_owned()).collect()
}

/// The names of the runs that a filter finds, sorted.
async fn found_runs(app: &App, filter: &str) -> Vec<String> {
    let mut found = run_names(&search_runs(app, json!({ "filter": filter })).await);
    found.sort();
    found
}

/// Runs of the default experiment with params and tags to look for.
async fn some_runs(app: &App) {
    for (start_ms, name, lr) in [(10, "a", "0.1"), (30, "b", "0.2"), (20, "c", "0.1"), (20, "d", "")] {
        let run_id = app.new_run_in("0", name, start_ms).await;
        let batch = json!({ "run_id": run_id, "params": [{ "key": "lr", "value": lr }],
                            "tags": [{ "key": "a b", "value": name }, { "key": "mlflow.user", "value": "ada" }],
                            "metrics": [{ "key": "m", "value": start_ms, "timestamp": 1, "step": 2 }] });
        app.post("runs/log-batch", batch).await.expect_ok();
    }
}

#[tokio::test]
async fn runs_are_found_newest_first_with_all_that_was_logged() {
    for db in support::databases().await {
        let app = support::app(db).await;
        some_runs(&app).await;
        let mut middle: Vec<(String, &str)> = Vec::new();
        for name in ["c", "d"] {
            let reply = search_runs(&app, json!({ "filter": format!("run_name = '{name}'") })).await;
            middle.push((reply.json()["runs"][0]["info"]["run_id"].as_str().unwrap().to_owned(), name));
        }
        middle.sort();

        let reply = search_runs(&app, json!({})).await;

        assert_eq!(run_names(&reply), ["b", middle[0].1, middle[1].1, "a"], "then by id");
        assert_eq!(reply.json().get("next_page_token"), None);
        let one = search_runs(&app, json!({ "filter": "tags.`a b` = 'a'" })).await;
        assert_snapshot!(one, @r#"200 {"runs":[{"data":{"metrics":[{"key":"m","step":2,"timestamp":1,"value":10.0}],"params":[{"key":"lr","value":"0.1"}],"tags":[{"key":"a b","value":"a"},{"key":"mlflow.runName","value":"a"},{"key":"mlflow.user","value":"ada"}]},"info":{"artifact_uri":"mlflow-artifacts:/0/[run]/artifacts","experiment_id":"0","lifecycle_stage":"active","run_id":"[run]","run_name":"a","run_uuid":"[run]","start_time":10,"status":"RUNNING","user_id":""},"inputs":{},"outputs":{}}]}"#);
        let explicit = search_runs(&app, json!({ "order_by": ["attribute.start_time DESC"] })).await;
        assert_eq!(explicit.body, reply.body);
    }
}

#[tokio::test]
async fn runs_are_looked_for_in_the_experiments_and_the_view_that_are_named() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let other = app.new_experiment("other").await;
        for (experiment, name) in [("0", "kept"), ("0", "gone"), (&other, "elsewhere")] {
            let run_id = app.new_run_in(experiment, name, 1).await;
            if name == "gone" {
                app.post("runs/delete", json!({ "run_id": run_id })).await.expect_ok();
            }
        }
        let search = async |request: Value| run_names(&app.post("runs/search", request).await);

        for nothing in [json!({}), json!({ "experiment_ids": [] }), json!({ "experiment_ids": ["99"] })] {
            assert_snapshot!(app.post("runs/search", nothing).await, @"200 {}");
        }
        assert_eq!(search(json!({ "experiment_ids": ["0"] })).await, ["kept"]);
        assert_eq!(search(json!({ "experimentIds": ["0"] })).await, ["kept"]);
        assert_eq!(search(json!({ "experiment_ids": "0" })).await, ["kept"], "one id alone is a list of one");
        assert_eq!(search(json!({ "experiment_ids": ["0", other, "99"] })).await.len(), 2);
        for deleted in [json!("DELETED_ONLY"), json!(2)] {
            assert_eq!(search(json!({ "experiment_ids": ["0"], "run_view_type": deleted })).await, ["gone"]);
        }
        assert_eq!(search(json!({ "experiment_ids": ["0"], "run_view_type": "ALL" })).await.len(), 2);

        // A mistake is told even where nothing would be found.
        for (request, expected) in [
            (json!({ "filter": "nonsense" }), "Invalid attribute key 'nonsense' specified."),
            (json!({ "order_by": ["dataset.name"] }), "Invalid identifier type 'dataset'"),
            (json!({ "experiment_ids": ["x"] }), "Invalid experiment ID 'x'. Experiment ID must be a valid integer."),
            (json!({ "experiment_ids": [0] }), "Invalid value 0 for parameter 'experiment_ids' supplied:"),
            (
                json!({ "run_view_type": "SOME" }),
                "Invalid value \"SOME\" for parameter 'run_view_type' supplied. It must be",
            ),
            (
                json!({ "experiment_ids": vec!["1"; 16_385] }),
                "'experiment_ids' has 16385 items; at most 16384 are allowed",
            ),
        ] {
            let text = app.post("runs/search", request).await.invalid();
            assert!(text.starts_with(expected), "{text}");
        }
        app.still_serving().await;
    }
}

#[tokio::test]
async fn runs_are_found_by_what_equals_their_params_tags_and_attributes() {
    for db in support::databases().await {
        let app = support::app(db).await;
        some_runs(&app).await;
        let special = json!({ "experiment_id": "0", "run_name": "e", "start_time": 40, "user_id": "grace" });
        let created = app.post("runs/create", special).await.expect_ok();
        let info = &created["run"]["info"];
        let (run_id, uri) = (info["run_id"].as_str().unwrap(), info["artifact_uri"].as_str().unwrap());
        app.post("runs/update", json!({ "run_id": run_id, "status": "FAILED", "end_time": 99 })).await.expect_ok();
        // Values that are alike in the part that an index holds.
        let long = |end: &str| format!("{}{end}", "é".repeat(300));
        for (key, end) in [("long", "1"), ("half", "")] {
            let param = json!({ "run_id": run_id, "key": key, "value": long(end) });
            app.post("runs/log-parameter", param).await.expect_ok();
        }

        for (filter, expected) in [
            ("params.lr = '0.1'".to_owned(), vec!["a", "c"]),
            ("param.`lr` = \"0.2\"".to_owned(), vec!["b"]),
            ("parameters.lr = ''".to_owned(), vec!["d"]),
            ("params.LR = '0.1'".to_owned(), vec![]),
            ("params.lr = '0.10'".to_owned(), vec![]),
            ("params.never = 'x'".to_owned(), vec![]),
            (format!("params.long = '{}'", long("1")), vec!["e"]),
            (format!("params.long = '{}'", long("2")), vec![]),
            (format!("params.long = '{}'", long("")), vec![]),
            (format!("params.half = '{}'", long("")), vec!["e"]),
            ("tags.`a b` = 'b'".to_owned(), vec!["b"]),
            ("tag.mlflow.user = 'ada' AND params.lr = '0.1'".to_owned(), vec!["a", "c"]),
            ("params.lr = '0.1' AND params.lr = '0.2'".to_owned(), vec![]),
            ("attribute.run_name = 'c'".to_owned(), vec!["c"]),
            ("run.`run name` = 'c'".to_owned(), vec!["c"]),
            ("status = 'FAILED'".to_owned(), vec!["e"]),
            ("status = 'failed'".to_owned(), vec![]),
            ("attr.user_id = 'grace'".to_owned(), vec!["e"]),
            (format!("run_id = '{run_id}'"), vec!["e"]),
            (format!("attributes.artifact_uri = '{uri}'"), vec!["e"]),
            ("start_time = 20".to_owned(), vec!["c", "d"]),
            ("end_time = 99".to_owned(), vec!["e"]),
            ("params.lr = \"' OR 1=1 --\"".to_owned(), vec![]),
        ] {
            assert_eq!(found_runs(&app, &filter).await, expected, "{filter:.80}");
        }
        // The name of a run is compared by its tag.
        app.post("runs/delete-tag", json!({ "run_id": run_id, "key": "mlflow.runName" })).await.expect_ok();
        assert_eq!(found_runs(&app, "run_name = 'e'").await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_wrong_filter_is_refused_with_the_text_of_the_reference() {
    for db in support::databases().await {
        let app = support::app(db).await;
        some_runs(&app).await;

        for (filter, expected) in [
            ("params.lr = 1", "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 1"),
            ("params.lr = x", "Parameter value is either not quoted or unidentified quote types"),
            ("params.lr > 'x'", "Invalid comparator '>' not one of '{"),
            (
                "bogus.x = 'x'",
                "Invalid entity type 'bogus'. Valid values are ['metric', 'parameter', 'tag', 'attribute', 'dataset']",
            ),
            ("x = 'y'", "Invalid attribute key 'x' specified. Valid keys are '{"),
            ("dataset.foo = 'x'", "Invalid dataset key 'foo' specified."),
            (
                "status IN ('RUNNING')",
                "Only ['run_id'] attributes support comparison with a list of quoted string values.",
            ),
            (
                "end_time IS NULL",
                "IS NULL / IS NOT NULL is only supported for tags and params, not for 'attribute' 'end_time'",
            ),
            ("metrics.m > 'a'", "Expected numeric value type for metric. Found 'a'"),
            ("params.lr = '\0'", "Invalid value for parameter 'filter' supplied: it contains a NUL character"),
        ] {
            let text = search_runs(&app, json!({ "filter": filter })).await.invalid();
            assert!(text.starts_with(expected), "{filter}: {text}");
        }
        app.still_serving().await;
    }
}

#[tokio::test]
async fn pages_of_runs_stay_right_while_runs_are_added_and_deleted() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let mut ids = Vec::new();
        // Many runs that started together: the ids decide.
        for number in 0..25 {
            ids.push(app.new_run_in("0", &format!("run {number}"), number / 10).await);
        }
        let whole = run_names(&search_runs(&app, json!({})).await);

        let (mut joined, mut page_token, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let page = search_runs(&app, json!({ "max_results": 10, "page_token": page_token })).await;
            joined.extend(run_names(&page));
            pages += 1;
            // Newer than all: they belong before the first page.
            for late in 0..3 {
                app.new_run_in("0", &format!("late {pages} {late}"), 1_000 + late).await;
            }
            // One that was seen goes.
            let last = page.json()["runs"].as_array().unwrap().last().unwrap()["info"]["run_id"].clone();
            app.post("runs/delete", json!({ "run_id": last })).await.expect_ok();
            match token(&page) {
                Some(next) => page_token = next,
                None => break,
            }
        }

        assert_eq!(pages, 3);
        assert_eq!(joined, whole);
        assert_eq!(joined.iter().collect::<BTreeSet<_>>().len(), ids.len());
    }
}

#[tokio::test]
async fn a_page_longer_than_one_part_of_the_answer_comes_whole() {
    for db in support::databases().await {
        let app = support::app(db).await;
        for number in 0..203 {
            app.new_run_in("0", &format!("run {number}"), number).await;
        }

        let expected: Vec<String> = (0..203).rev().map(|number| format!("run {number}")).collect();
        assert_eq!(run_names(&search_runs(&app, json!({})).await), expected);
        let page = search_runs(&app, json!({ "max_results": 202 })).await;
        assert_eq!(run_names(&page), expected[..202]);
        let rest = search_runs(&app, json!({ "max_results": 202, "page_token": token(&page) })).await;
        assert_eq!((run_names(&rest), token(&rest)), (vec!["run 0".to_owned()], None));
    }
}

#[tokio::test]
async fn the_size_of_a_page_and_its_token_are_checked() {
    for db in support::databases().await {
        let app = support::app(db).await;
        some_runs(&app).await;
        let good = token(&search_runs(&app, json!({ "max_results": 1 })).await).unwrap();

        for (size, expected) in [
            (json!(0), "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer"),
            (json!("-7"), "Invalid value -7 for parameter 'max_results' supplied. It must be a positive integer"),
            (
                json!(50_001),
                "Invalid value 50001 for parameter 'max_results' supplied:  Hint: Value was of type 'int'.",
            ),
            (json!(1.5), "Invalid value 1.5 for parameter 'max_results' supplied:  Hint: Value was of type 'float'."),
            (json!(1e300), "Invalid value 1e+300 for parameter 'max_results' supplied:  Hint"),
            (
                json!("many"),
                "Invalid value \"many\" for parameter 'max_results' supplied:  Hint: Value was of type 'str'.",
            ),
        ] {
            let text = search_runs(&app, json!({ "max_results": size })).await.invalid();
            assert!(text.starts_with(expected), "{text}");
        }
        assert_eq!(run_names(&search_runs(&app, json!({ "max_results": 50_000 })).await).len(), 4);
        for request in [
            json!({ "page_token": "!!" }),
            json!({ "page_token": "eyJvZmZzZXQiOiAxfQ==" }),
            json!({ "page_token": good, "filter": "params.lr = '0.1'" }),
            json!({ "page_token": good, "run_view_type": "ALL" }),
            json!({ "page_token": good, "experiment_ids": ["0", "1"] }),
            json!({ "page_token": good, "order_by": ["start_time DESC"] }),
        ] {
            let text = search_runs(&app, request).await.invalid();
            assert!(text.starts_with("Invalid page token"), "{text}");
        }
        assert_eq!(run_names(&search_runs(&app, json!({ "page_token": good })).await).len(), 3);
        app.still_serving().await;
    }
}
