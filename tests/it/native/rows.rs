//! `rows`: what a table of runs tells, whichever part of it is asked for.

use serde_json::{Value, json};

use super::{ask_rows, first_cells, get, log_metric, log_param, rows, set_tag};
use crate::support::{self, App, assert_snapshot};

/// Every column there is, one of each kind first.
fn every_attribute() -> Value {
    json!([
        "attribute.run_id",
        "attribute.run_name",
        "status",
        "attributes.start_time",
        "run.end_time",
        "attr.user_id",
        "artifact_uri",
    ])
}

#[tokio::test]
async fn attributes_are_told_as_the_run_has_them_and_null_where_it_has_none() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let request = json!({ "experiment_id": "0", "run_name": "föhn \"1\"", "start_time": 5, "user_id": "ada" });
        let created = app.post("runs/create", request).await.expect_ok();
        let run_id = created["run"]["info"]["run_id"].as_str().unwrap();
        let ask = || ask_rows(&app, json!({ "experiment_ids": ["0"], "columns": every_attribute() }));

        let running = ask().await;
        let end = json!({ "run_id": run_id, "status": "FAILED", "end_time": 77 });
        app.post("runs/update", end).await.expect_ok();
        let ended = ask().await;

        assert_snapshot!(running, @r#"200 {"columns":["run_id","experiment_id","lifecycle_stage","attribute.run_id","attribute.run_name","attribute.status","attribute.start_time","attribute.end_time","attribute.user_id","attribute.artifact_uri"],"offset":0,"rows":[["[run]","0","active","[run]","föhn \"1\"","RUNNING",5,null,"ada","mlflow-artifacts:/0/[run]/artifacts"]],"total":1}"#);
        assert_snapshot!(ended, @r#"200 {"columns":["run_id","experiment_id","lifecycle_stage","attribute.run_id","attribute.run_name","attribute.status","attribute.start_time","attribute.end_time","attribute.user_id","attribute.artifact_uri"],"offset":0,"rows":[["[run]","0","active","[run]","föhn \"1\"","FAILED",5,77,"ada","mlflow-artifacts:/0/[run]/artifacts"]],"total":1}"#);
        assert_eq!(ended.json()["rows"][0][0], run_id);
        assert_eq!(ended.json()["rows"][0][3], run_id);
    }
}

#[tokio::test]
async fn metrics_params_and_tags_are_told_up_to_200_characters_and_null_where_a_run_has_none() {
    let (long, cut) = ("é".repeat(199) + "12345", "é".repeat(199) + "1…");
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        for (key, value) in [
            ("half", json!(0.5)),
            ("whole", json!(3)),
            ("zero", json!(-0.0)),
            ("large", json!(1e300)),
            ("nan", json!("NaN")),
            ("inf", json!("Infinity")),
            ("minus", json!("-Infinity")),
        ] {
            log_metric(&app, &run_id, key, value).await;
        }
        log_param(&app, &run_id, "long", &long).await;
        log_param(&app, &run_id, "empty", "").await;
        set_tag(&app, &run_id, "odd key/1", "a\tb").await;
        app.new_run_in("0", "bare", 0).await;

        let columns = [
            "metrics.half",
            "metrics.whole",
            "metrics.zero",
            "metrics.large",
            "metrics.nan",
            "metrics.inf",
            "metrics.minus",
            "metrics.never",
            "params.long",
            "params.empty",
            "params.never",
            "tags.\"odd key/1\"",
            "tags.never",
            "params.half",
        ];
        let table = rows(&app, json!({ "experiment_ids": ["0"], "columns": columns })).await;

        let told = |row: usize| table["rows"][row].as_array().unwrap()[3..].to_vec();
        let expected =
            json!([0.5, 3.0, 0.0, 1e300, "NaN", "Infinity", "-Infinity", null, cut, "", null, "a\tb", null, null]);
        assert_eq!(Value::Array(told(0)), expected);
        assert_eq!(told(1), vec![Value::Null; columns.len()]);
    }
}

#[tokio::test]
async fn a_column_may_be_asked_for_twice_and_is_named_in_one_form() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        log_metric(&app, &run_id, "a", 1).await;

        let columns = ["metric.a", "metrics.`a`", "metrics.\"a\"", "Created", "parameter.x y"];
        let reply = ask_rows(&app, json!({ "experiment_ids": ["0"], "columns": &columns[..4] })).await;
        let refused = ask_rows(&app, json!({ "experiment_ids": ["0"], "columns": columns })).await;

        assert_snapshot!(reply, @r#"200 {"columns":["run_id","experiment_id","lifecycle_stage","metrics.a","metrics.a","metrics.a","attribute.start_time"],"offset":0,"rows":[["[run]","0","active",1.0,1.0,1.0,1000000]],"total":1}"#);
        assert_snapshot!(refused.refusal(), @"400 INVALID_PARAMETER_VALUE: Invalid column 'parameter.x y'. Could not be parsed. (at byte 12: expected a field alone)");
    }
}

/// Twelve runs that are ordered by `metrics.m`: numbers up, then NaN, then those without, the newest of these first.
async fn twelve_runs(app: &App) -> Vec<String> {
    for number in 0..12 {
        let run_id = app.new_run_in("0", &format!("r{number}"), number).await;
        match number {
            0..8 => log_metric(app, &run_id, "m", number / 2).await,
            8..10 => log_metric(app, &run_id, "m", "NaN").await,
            _ => {}
        }
    }
    [1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10].map(|number: i64| format!("r{number}")).to_vec()
}

#[tokio::test]
async fn any_part_of_a_table_is_told_with_the_exact_number_of_its_rows() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let expected = twelve_runs(&app).await;
        let part = async |offset: i64, limit: i64| {
            let request = json!({ "experiment_ids": ["0"], "order_by": ["metrics.m"], "columns": ["run_name"],
                                  "offset": offset, "limit": limit });
            let table = rows(&app, request).await;
            assert_eq!((table["total"].as_i64(), table["offset"].as_i64()), (Some(12), Some(offset)));
            first_cells(&table)
        };

        for offset in 0..14_usize {
            for limit in [0, 1, 5, 1_000] {
                let end = (offset + limit).min(12);
                assert_eq!(part(offset as i64, limit as i64).await, expected[offset.min(end)..end], "{offset} {limit}");
            }
        }
        assert_eq!(part(i64::MAX, 1_000).await, [""; 0]);
        let without_limit = rows(&app, json!({ "experiment_ids": ["0"] })).await;
        assert_eq!((&without_limit["total"], without_limit["rows"].as_array().unwrap().len()), (&json!(12), 12));
    }
}

#[tokio::test]
async fn a_table_holds_the_runs_that_a_search_finds_in_its_order() {
    for db in support::databases().await {
        let app = support::app(db).await;
        twelve_runs(&app).await;
        let other = app.new_experiment("other").await;
        app.new_run_in(&other, "elsewhere", 3).await;
        let trashed = app.new_run_in("0", "trashed", 4).await;
        app.post("runs/delete", json!({ "run_id": trashed })).await.expect_ok();
        for experiments in [json!(["0"]), json!([other, "0", "0"]), json!(["999999"]), json!([])] {
            for view in ["ACTIVE_ONLY", "DELETED_ONLY", "ALL"] {
                for (filter, order) in [
                    ("", json!([])),
                    ("metrics.m >= 1", json!(["metrics.m DESC"])),
                    ("attribute.run_name LIKE '%r1%'", json!(["attribute.run_name"])),
                    ("metrics.never < 1", json!(["params.never", "start_time ASC"])),
                ] {
                    let request = json!({ "experiment_ids": experiments, "run_view_type": view, "filter": filter,
                                          "order_by": order, "columns": ["attribute.run_id"] });
                    let found = app.post("runs/search", request.clone()).await.expect_ok();
                    let found: Vec<String> = found["runs"].as_array().map_or_else(Vec::new, |runs| {
                        runs.iter().map(|run| run["info"]["run_id"].as_str().unwrap().to_owned()).collect()
                    });

                    let table = rows(&app, request.clone()).await;

                    assert_eq!(first_cells(&table), found, "{request}");
                    assert_eq!(table["total"], found.len(), "{request}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_table_tells_of_which_experiment_a_run_is_and_whether_it_is_in_the_trash() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let other = app.new_experiment("other").await;
        app.new_run_in("0", "a", 2).await;
        let trashed = app.new_run_in(&other, "b", 1).await;
        app.post("runs/delete", json!({ "run_id": trashed })).await.expect_ok();

        let request = json!({ "experiment_ids": ["0", other], "run_view_type": "ALL", "columns": ["run_name"] });
        let told = rows(&app, request).await["rows"].as_array().unwrap().clone();

        let told: Vec<Value> = told.iter().map(|row| json!([row[1], row[2], row[3]])).collect();
        assert_eq!(told, [json!(["0", "active", "a"]), json!([other, "deleted", "b"])]);
    }
}

#[tokio::test]
async fn what_a_table_cannot_be_asked_for_is_refused_by_name_with_what_is_allowed() {
    let many = |count: usize, item: &'static str| vec![item; count];
    let app = support::app(support::Database::sqlite()).await;
    let refusal = async |request: Value| {
        let reply = ask_rows(&app, request).await;
        assert_eq!(reply.status, 400, "{reply}");
        reply.invalid()
    };

    assert_snapshot!(refusal(json!({ "offset": -1 })).await, @"Invalid value -1 for parameter 'offset' supplied: it must be from 0 to 9223372036854775807.");
    assert_snapshot!(refusal(json!({ "offset": 1.5 })).await, @"Invalid value 1.5 for parameter 'offset' supplied:  Hint: Value was of type 'float'. See the API docs for more information about request parameters.");
    assert_snapshot!(refusal(json!({ "offset": "9223372036854775808" })).await, @r#"Invalid value "9223372036854775808" for parameter 'offset' supplied:  Hint: Value was of type 'str'. See the API docs for more information about request parameters."#);
    assert_snapshot!(refusal(json!({ "limit": 1001 })).await, @"Invalid value 1001 for parameter 'limit' supplied: it must be from 0 to 1000.");
    assert_snapshot!(refusal(json!({ "limit": [] })).await, @"Invalid value [] for parameter 'limit' supplied:  Hint: Value was of type 'list'. See the API docs for more information about request parameters.");
    assert_snapshot!(refusal(json!({ "experiment_ids": ["x"] })).await, @"Invalid experiment ID 'x'. Experiment ID must be a valid integer.");
    assert_snapshot!(refusal(json!({ "experiment_ids": [1] })).await, @"Invalid value 1 for parameter 'experiment_ids' supplied:  Hint: Value was of type 'int'. See the API docs for more information about request parameters.");
    assert_snapshot!(refusal(json!({ "experiment_ids": many(1_001, "1") })).await, @"'experiment_ids' has 1001 items; at most 1000 are allowed");
    assert_snapshot!(refusal(json!({ "columns": many(201, "metrics.a") })).await, @"'columns' has 201 items and 'limit' is 50; at most 200 columns and 20000 cells are allowed");
    assert_snapshot!(refusal(json!({ "columns": many(21, "metrics.a"), "limit": 1000 })).await, @"'columns' has 21 items and 'limit' is 1000; at most 200 columns and 20000 cells are allowed");
    assert_snapshot!(refusal(json!({ "columns": ["metrics.a DESC"] })).await, @"Invalid column 'metrics.a DESC'. Could not be parsed. (at byte 10: expected a field alone)");
    assert_snapshot!(refusal(json!({ "columns": ["metrics."] })).await, @"Invalid column 'metrics.'. Could not be parsed. (at byte 8: expected a key after the dot)");
    assert_snapshot!(refusal(json!({ "columns": ["nothing"] })).await, @"Invalid attribute key 'nothing' specified. Valid keys are '{'run_id', 'run_name', 'user_id', 'status', 'artifact_uri', 'start_time', 'end_time'}' (at byte 0: expected a field such as metrics.rmse)");
    assert_snapshot!(refusal(json!({ "columns": ["dataset.name"] })).await, @"Invalid identifier type 'dataset' (at byte 0: expected a field that each run has once)");
    assert_snapshot!(refusal(json!({ "columns": [7] })).await, @"Invalid value 7 for parameter 'columns' supplied:  Hint: Value was of type 'int'. See the API docs for more information about request parameters.");
    assert_snapshot!(refusal(json!({ "columns": ["params.a\u{0}"] })).await, @"Invalid value for parameter 'columns' supplied: it contains a NUL character at byte 8, which cannot be stored.");
    assert_snapshot!(refusal(json!({ "filter": "metrics.a >" })).await, @"Invalid clause(s) in filter string: 'metrics.a', '>' (at byte 11: expected a value)");
    assert_snapshot!(refusal(json!({ "filter": 1 })).await, @"Invalid value 1 for parameter 'filter' supplied:  Hint: Value was of type 'int'. See the API docs for more information about request parameters.");
    assert_snapshot!(refusal(json!({ "order_by": ["metrics.a", "metrics.a DESC"] })).await, @"`order_by` contains duplicate fields: metrics.a is there twice, possibly under two names.");
    assert_snapshot!(refusal(json!({ "order_by": (0..21).map(|key| format!("metrics.m{key}")).collect::<Vec<_>>() })).await, @"'order_by' has 21 items; at most 20 are allowed");
    assert_snapshot!(refusal(json!({ "run_view_type": "SOME" })).await, @r#"Invalid value "SOME" for parameter 'run_view_type' supplied. It must be one of ACTIVE_ONLY (1), DELETED_ONLY (2), ALL (3)."#);
    let get_it = get(&app, "rows").await;
    assert_snapshot!(get_it.refusal(), @"405 BAD_REQUEST: The endpoint /api/windvane/v1/rows does not take the method GET");
    let untyped = app.request(axum::http::Method::POST, "/api/windvane/v1/rows", [], "{}").await;
    assert_snapshot!(untyped.refusal(), @"400 INVALID_PARAMETER_VALUE: Bad Request. Content-Type header is missing.");
}

#[tokio::test]
async fn the_greatest_table_that_may_be_asked_for_is_answered() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        log_metric(&app, &run_id, "m199", 1).await;
        let experiments: Vec<String> = (0..1_000).map(|id| id.to_string()).collect();
        let columns: Vec<String> = (0..200).map(|key| format!("metrics.m{key}")).collect();
        let order: Vec<String> = (0..20).map(|key| format!("params.p{key} DESC")).collect();
        let clauses: Vec<String> = (0..200).map(|key| format!("params.n{key} IS NULL")).collect();

        let request = json!({ "experiment_ids": experiments, "columns": columns, "order_by": order,
                              "filter": clauses.join(" AND "), "limit": 100, "offset": 0 });
        let table = rows(&app, request).await;

        assert_eq!(table["rows"][0][202], 1.0);
    }
}

#[tokio::test]
async fn rows_tell_the_progress_of_the_run_that_they_show_if_asked() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let first = app.new_run_in("0", "first", 1).await;
        let second = app.new_run_in("0", "second", 2).await;
        set_tag(&app, &second, "mlflow.parentRunId", &first).await;
        set_tag(&app, &second, "resumedRun", "True").await;
        for (run_id, offset) in [(&first, 0), (&second, 100)] {
            let point = |at: i64| json!({ "key": "loss", "value": 1, "step": offset + at, "timestamp": at * 250 });
            let points: Vec<Value> = (0..5).map(point).collect();
            app.post("runs/log-batch", json!({ "run_id": run_id, "metrics": points })).await.expect_ok();
            log_param(&app, run_id, "max_steps", "1000").await;
        }
        app.new_run_in("0", "empty", 3).await;
        let request = json!({ "experiment_ids": ["0"], "order_by": ["start_time"], "progress": true });
        let mut tree = request.clone();
        tree["tree"] = true.into();

        let flat = rows(&app, request).await;
        let trainings = rows(&app, tree).await;
        let without = rows(&app, json!({ "experiment_ids": ["0"] })).await;

        let progress = |last_step: i64| json!({ "last_step": last_step, "last_point_time": 1_000, "usual_gap": 250, "max_steps": 1_000 });
        assert_eq!(flat["progress"], json!([progress(4), progress(104), null]));
        assert_eq!(trainings["progress"], json!([progress(104), null]), "of the last attempt");
        assert_eq!(without.get("progress"), None);
    }
}

#[tokio::test]
async fn rows_tell_how_the_runs_fare_that_are_at_work_if_asked() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let first = app.new_run_in("0", "first", 1).await;
        let points: Vec<Value> = [json!(0.5), json!(0.25), json!(0.75), json!("NaN"), json!("NaN")]
            .into_iter()
            .enumerate()
            .map(|(at, value)| json!({ "key": "val_loss", "value": value, "step": at * 10, "timestamp": at * 250 }))
            .collect();
        app.post("runs/log-batch", json!({ "run_id": first, "metrics": points })).await.expect_ok();
        app.new_run_in("0", "empty", 2).await;
        let third = app.new_run_in("0", "no loss", 3).await;
        log_metric(&app, &third, "acc", 1).await;
        let request = json!({ "experiment_ids": ["0"], "order_by": ["start_time"], "live": true });
        let mut tree = request.clone();
        (tree["tree"], tree["progress"]) = (true.into(), true.into());

        let (flat, trainings) = (rows(&app, request.clone()).await, rows(&app, tree).await);

        let loss = json!({
            "metric": "val_loss", "last": "NaN", "last_step": 40, "best": 0.25, "best_step": 10, "nan_since": 30, "count": 5,
        });
        let live = json!([
            { "steps_per_second": 40.0, "loss": loss }, null, { "steps_per_second": null, "loss": null },
        ]);
        assert_eq!((&flat["live"], flat.get("progress")), (&live, None));
        assert_eq!((&trainings["live"], trainings["progress"].as_array().unwrap().len()), (&live, 3));
        assert_eq!(rows(&app, json!({ "experiment_ids": ["0"] })).await.get("live"), None);
        assert_eq!(rows(&app, json!({ "live": true })).await["live"], json!([]));
        let refusal = ask_rows(&app, json!({ "experiment_ids": ["0"], "live": "perhaps" })).await.invalid();
        assert!(refusal.contains("'live'") && refusal.contains("true or false"), "{refusal}");
        app.post("runs/update", json!({ "run_id": first, "status": "FINISHED" })).await.expect_ok();
        assert_eq!(rows(&app, request).await["live"][0], Value::Null);
    }
}
