//! `changes`: what has changed since a page looked last, told at least once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use sqlx::Executor as _;

use super::{get, log_metric, log_param, set_tag, settle};
use crate::support::{self, App, assert_snapshot};

/// The kinds of changes by run, and the experiments, since a cursor.
async fn since(app: &App, cursor: &str, more: &str) -> (BTreeMap<String, BTreeSet<String>>, Vec<String>, Value) {
    let changes = get(app, &format!("changes?since={cursor}{more}")).await.expect_ok();
    let mut runs = BTreeMap::new();
    for run in changes["runs"].as_array().unwrap() {
        let kinds: Vec<&str> = run["kinds"].as_array().unwrap().iter().map(|kind| kind.as_str().unwrap()).collect();
        assert!(!kinds.is_empty(), "{run}");
        let kinds = kinds.into_iter().map(str::to_owned).collect();
        assert!(runs.insert(run["run_id"].as_str().unwrap().to_owned(), kinds).is_none(), "told twice: {run}");
    }
    let experiments = changes["experiments"].as_array().unwrap();
    let experiments = experiments.iter().map(|id| id.as_str().unwrap().to_owned()).collect();
    (runs, experiments, changes)
}

#[tokio::test]
async fn without_a_cursor_there_is_only_one_to_begin_with() {
    for db in support::databases().await {
        let app = support::app(db).await;
        app.run().await;

        for query in ["", "?since=", "?experiment_ids=0"] {
            let mut changes = get(&app, &format!("changes{query}")).await.expect_ok();
            let cursor = changes["cursor"].take();
            assert!(cursor.as_str().unwrap().parse::<i64>().unwrap() > 0);
            assert_eq!(changes, json!({ "cursor": null, "reset": false, "experiments": [], "runs": [] }));
        }
    }
}

#[tokio::test]
async fn every_change_is_told_with_its_kind() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let experiment = app.new_experiment("watched").await;
        let run_id = app.new_run_in(&experiment, "run", 1).await;
        let id = json!({ "run_id": run_id });
        let with = |more: Value| {
            let mut request = id.as_object().unwrap().clone();
            request.extend(more.as_object().unwrap().clone());
            Value::Object(request)
        };
        let point = json!({ "key": "m", "value": 1, "timestamp": 5, "step": 5 });
        let dataset = json!({ "name": "d", "digest": "1", "source_type": "local", "source": "s" });
        let batch = json!({ "metrics": [point], "params": [{ "key": "q", "value": "1" }], "tags": [] });
        for (path, request, kinds) in [
            ("runs/log-metric", with(point.clone()), &["points"][..]),
            ("runs/log-parameter", with(json!({ "key": "p", "value": "1" })), &["params"]),
            ("runs/set-tag", with(json!({ "key": "t", "value": "1" })), &["info"]),
            ("runs/delete-tag", with(json!({ "key": "t" })), &["info"]),
            ("runs/log-batch", with(batch), &["params", "points"]),
            ("runs/update", with(json!({ "status": "FINISHED" })), &["info"]),
            ("runs/update", with(json!({ "run_name": "new" })), &["info"]),
            ("runs/log-inputs", with(json!({ "datasets": [{ "dataset": dataset }] })), &["info"]),
            ("runs/log-inputs", with(json!({ "models": [{ "model_id": "m-1" }] })), &["info"]),
            ("runs/delete", id.clone(), &["info"]),
            ("runs/restore", id.clone(), &["info"]),
            ("experiments/delete", json!({ "experiment_id": experiment }), &["info"]),
            ("experiments/restore", json!({ "experiment_id": experiment }), &["info"]),
            ("experiments/update", json!({ "experiment_id": experiment, "new_name": "renamed" }), &[]),
            ("experiments/set-experiment-tag", json!({ "experiment_id": experiment, "key": "k", "value": "v" }), &[]),
            ("experiments/delete-experiment-tag", json!({ "experiment_id": experiment, "key": "k" }), &[]),
        ] {
            let cursor = settle(&app).await;

            app.post(path, request).await.expect_ok();

            let (runs, experiments, changes) = since(&app, &cursor, "").await;
            let kinds: BTreeSet<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
            assert_eq!(runs.get(&run_id).cloned().unwrap_or_default(), kinds, "{path}: {changes}");
            assert!(runs.len() <= 1, "{changes}");
            assert_eq!(experiments, std::slice::from_ref(&experiment), "{path}: {changes}");
            assert_eq!(changes["reset"], false);
        }
    }
}

#[tokio::test]
async fn what_is_refused_or_only_read_changes_nothing() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        log_param(&app, &run_id, "p", "1").await;
        let cursor = settle(&app).await;

        log_param(&app, &run_id, "p", "1").await;
        app.read_run(&run_id).await;
        app.post("runs/search", json!({ "experiment_ids": ["0"] })).await.expect_ok();
        app.post("runs/log-parameter", json!({ "run_id": run_id, "key": "p", "value": "2" })).await.invalid();
        app.post("runs/delete-tag", json!({ "run_id": run_id, "key": "never" })).await.refusal();
        app.post("experiments/create", json!({ "name": "Default" })).await.refusal();
        app.post("runs/restore", json!({ "run_id": run_id })).await.expect_ok();

        let (runs, experiments, changes) = since(&app, &cursor, "").await;
        assert!(runs.is_empty() && experiments.is_empty(), "{changes}");
    }
}

#[tokio::test]
async fn changes_may_be_asked_for_of_some_experiments() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (first, second) = (app.new_experiment("first").await, app.new_experiment("second").await);
        let cursor = settle(&app).await;
        let in_first = app.new_run_in(&first, "a", 1).await;
        let in_second = app.new_run_in(&second, "b", 1).await;
        let empty = app.new_experiment("empty").await;

        for (more, runs, experiments) in [
            ("".to_owned(), vec![&in_first, &in_second], vec![&first, &second, &empty]),
            (format!("&experiment_ids={first}"), vec![&in_first], vec![&first]),
            (format!("&experiment_ids={second}&experiment_ids={empty}"), vec![&in_second], vec![&second, &empty]),
            ("&experiment_ids=0".to_owned(), vec![], vec![]),
            ("&experiment_ids=4711".to_owned(), vec![], vec![]),
        ] {
            let (found, told, _) = since(&app, &cursor, &more).await;

            assert_eq!(found.keys().collect::<BTreeSet<_>>(), BTreeSet::from_iter(runs), "{more}");
            assert_eq!(told.iter().collect::<Vec<_>>(), experiments, "{more}");
        }
    }
}

#[tokio::test]
async fn more_than_a_thousand_changed_runs_and_a_cursor_from_elsewhere_are_a_reset() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let cursor = settle(&app).await;
        for number in 0..1_000 {
            app.new_run_in("0", "run", number).await;
        }
        let (runs, _, exactly) = since(&app, &cursor, "").await;
        assert_eq!((runs.len(), &exactly["reset"]), (1_000, &json!(false)));
        app.run().await;

        let (too_many, _, changes) = since(&app, &cursor, "").await;
        let (from_elsewhere, _, ahead) = since(&app, &i64::MAX.to_string(), "").await;

        assert!(too_many.is_empty() && changes["reset"] == true, "{changes}");
        assert!(from_elsewhere.is_empty() && ahead["reset"] == true, "{ahead}");
        let (_, _, beside) = since(&app, &cursor, "&experiment_ids=1").await;
        assert_eq!(beside["reset"], false, "they are all in another experiment");
        // Whoever goes on from a reset hears what comes after it.
        let next = settle(&app).await;
        let run_id = app.run().await;
        let (runs, ..) = since(&app, &next, "").await;
        assert_eq!(runs.keys().collect::<Vec<_>>(), [&run_id]);
    }
}

#[tokio::test]
async fn a_change_that_began_before_others_and_is_committed_after_them_is_not_skipped() {
    let Some(db) = support::Database::postgres().await else { return };
    let app = support::app(db).await;
    let slow = app.run().await;
    settle(&app).await;
    let mut late = app
        .database()
        .begin(
            "UPDATE run_change SET version = pg_current_xact_id()::text::bigint,
                 info_version = pg_current_xact_id()::text::bigint",
        )
        .await;
    let mut cursor = get(&app, "changes").await.expect_ok()["cursor"].as_str().unwrap().to_owned();
    for number in 0..3 {
        let quick = app.new_run_in("0", "quick", number).await;
        let (runs, _, changes) = since(&app, &cursor, "").await;
        assert!(runs.contains_key(&quick) && !runs.contains_key(&slow), "{changes}");
        cursor = changes["cursor"].as_str().unwrap().to_owned();
    }

    late.execute("COMMIT").await.unwrap();

    let (runs, ..) = since(&app, &cursor, "").await;
    assert_eq!(runs.get(&slow), Some(&BTreeSet::from(["info".to_owned()])));
}

#[tokio::test]
async fn a_cursor_is_good_after_a_restart() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        let cursor = settle(&app).await;
        app.store().close().await;
        let app = support::app(app.into_database()).await;

        let (runs, ..) = since(&app, &cursor, "").await;
        set_tag(&app, &run_id, "t", "1").await;
        let (after, ..) = since(&app, &cursor, "").await;

        assert!(runs.is_empty());
        assert_eq!(after, BTreeMap::from([(run_id, BTreeSet::from(["info".to_owned()]))]));
    }
}

#[tokio::test]
async fn what_is_no_cursor_is_refused() {
    let app = support::app(support::Database::sqlite()).await;
    let refusal = async |query: &str| get(&app, &format!("changes?{query}")).await.invalid();

    assert_snapshot!(refusal("since=x").await, @"Invalid value 'x' for parameter 'since' supplied. It must be a cursor of an earlier answer.");
    assert_snapshot!(refusal("since=-1").await, @"Invalid value '-1' for parameter 'since' supplied. It must be a cursor of an earlier answer.");
    assert_snapshot!(refusal("since=9223372036854775808").await, @"Invalid value '9223372036854775808' for parameter 'since' supplied. It must be a cursor of an earlier answer.");
    assert_snapshot!(refusal("since=1.0").await, @"Invalid value '1.0' for parameter 'since' supplied. It must be a cursor of an earlier answer.");
    assert_snapshot!(refusal("since=1&since=2").await, @r#"Invalid value ["1","2"] for parameter 'since' supplied:  Hint: Value was of type 'list'. See the API docs for more information about request parameters."#);
    assert_snapshot!(refusal("since=1&experiment_ids=").await, @"Invalid experiment ID ''. Experiment ID must be a valid integer.");
    let many = vec!["experiment_ids=1"; 1_001].join("&");
    assert_snapshot!(refusal(&many).await, @"'experiment_ids' has 1001 items; at most 1000 are allowed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_follows_the_changes_knows_in_the_end_all_that_was_written_meanwhile() {
    for db in support::databases().await {
        let app = &support::app(db).await;
        let start = settle(app).await;
        let mut run_ids = Vec::new();
        for number in 0..6 {
            run_ids.push(app.new_run_in("0", "run", number).await);
        }
        let run_ids = &run_ids;
        let done = &AtomicBool::new(false);
        let write = async |writer: usize| {
            for round in 0..40 {
                let run_id = &run_ids[(writer + round) % run_ids.len()];
                match (writer + round) % 4 {
                    0 => log_metric(app, run_id, "m", round as i64).await,
                    1 => set_tag(app, run_id, "t", &format!("{writer} {round}")).await,
                    2 => log_param(app, run_id, &format!("p{writer} {round}"), "1").await,
                    // These commit apart from the writer's groups.
                    _ => {
                        set_tag(app, run_id, &format!("gone{writer}"), "x").await;
                        let tag = json!({ "run_id": run_id, "key": format!("gone{writer}") });
                        app.post("runs/delete-tag", tag).await.expect_ok();
                    }
                }
            }
        };
        // A page that reads anew only what it is told of.
        let follow = async || {
            let mut known = BTreeMap::new();
            let mut cursor = start.clone();
            loop {
                let last = done.load(Ordering::Acquire);
                let (runs, _, changes) = since(app, &cursor, "").await;
                cursor = changes["cursor"].as_str().unwrap().to_owned();
                for run_id in runs.into_keys() {
                    let run = app.read_run(&run_id).await;
                    known.insert(run_id, run);
                }
                if last {
                    return known;
                }
            }
        };
        let write_all = async || {
            tokio::join!(write(0), write(1), write(2), write(3));
            done.store(true, Ordering::Release);
        };

        let ((), first, second) = tokio::join!(write_all(), follow(), follow());

        for known in [first, second] {
            for run_id in run_ids {
                assert_eq!(known[run_id], app.read_run(run_id).await);
            }
        }
    }
}
