//! The orders of tables, which are kept until something changes that they depend on.

use serde_json::{Value, json};

use super::{first_cells, log_metric, log_param, rows, set_tag, settle};
use crate::support::{self, App};

/// Turns the order of runs around, past the server: whoever made an order before does not see it.
const TURN: &str = "UPDATE metric_series SET value = -value;
    UPDATE param SET head = CASE head WHEN '1' THEN '2' WHEN '2' THEN '1' ELSE head END;
    UPDATE tag SET head = CASE head WHEN '1' THEN '2' WHEN '2' THEN '1' ELSE head END;
    UPDATE run SET start_ms = 3 - start_ms, status = CASE status WHEN 3 THEN 4 WHEN 4 THEN 3 ELSE status END";

/// What happens between two looks at a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Nothing,
    Point,
    Param,
    Tag,
    DeletedTag,
    Name,
    End,
    Trash,
    Restoration,
    Dataset,
    NewRun,
    Elsewhere,
    ExperimentTag,
    ExperimentName,
    ExperimentTrash,
}

impl Event {
    const ALL: [Event; 15] = [
        Event::Nothing,
        Event::Point,
        Event::Param,
        Event::Tag,
        Event::DeletedTag,
        Event::Name,
        Event::End,
        Event::Trash,
        Event::Restoration,
        Event::Dataset,
        Event::NewRun,
        Event::Elsewhere,
        Event::ExperimentTag,
        Event::ExperimentName,
        Event::ExperimentTrash,
    ];

    /// Whether a table depends on it, of which the order and the filter name what `uses` says.
    fn changes(self, uses: Uses) -> bool {
        match self {
            Event::Nothing | Event::Elsewhere | Event::ExperimentTag | Event::ExperimentName => false,
            Event::Point => uses == Uses::Metrics,
            Event::Param => uses == Uses::Params,
            _ => true,
        }
    }

    async fn happen(self, app: &App, table: &Table) {
        let Table { experiment, runs, trashed } = table;
        let run_id = &runs[0];
        match self {
            Event::Nothing => {}
            Event::Point => log_metric(app, run_id, "another", 1).await,
            Event::Param => log_param(app, run_id, "another", "x").await,
            Event::Tag => set_tag(app, run_id, "another", "x").await,
            Event::DeletedTag => {
                app.post("runs/delete-tag", json!({ "run_id": run_id, "key": "old" })).await.expect_ok();
            }
            Event::Name => {
                let update = json!({ "run_id": run_id, "run_name": "another" });
                app.post("runs/update", update).await.expect_ok();
            }
            Event::End => {
                app.post("runs/update", json!({ "run_id": run_id, "end_time": 99 })).await.expect_ok();
            }
            Event::Trash => drop(app.post("runs/delete", json!({ "run_id": runs[2] })).await.expect_ok()),
            Event::Restoration => drop(app.post("runs/restore", json!({ "run_id": trashed })).await.expect_ok()),
            Event::Dataset => {
                let dataset = json!({ "name": "d", "digest": "1", "source_type": "local", "source": "s" });
                let inputs = json!({ "run_id": run_id, "datasets": [{ "dataset": dataset }] });
                app.post("runs/log-inputs", inputs).await.expect_ok();
            }
            Event::NewRun => drop(app.new_run_in(experiment, "new", 0).await),
            Event::Elsewhere => {
                let (_, run_id) = (app.new_experiment(&format!("beside {experiment}")).await, app.run().await);
                log_metric(app, &run_id, "m", 1).await;
                log_param(app, &run_id, "p", "1").await;
                set_tag(app, &run_id, "t", "1").await;
                app.post("runs/delete", json!({ "run_id": run_id })).await.expect_ok();
            }
            Event::ExperimentTag => {
                let tag = json!({ "experiment_id": experiment, "key": "k", "value": "v" });
                app.post("experiments/set-experiment-tag", tag).await.expect_ok();
            }
            Event::ExperimentName => {
                let update = json!({ "experiment_id": experiment, "new_name": format!("renamed {experiment}") });
                app.post("experiments/update", update).await.expect_ok();
            }
            Event::ExperimentTrash => {
                app.post("experiments/delete", json!({ "experiment_id": experiment })).await.expect_ok();
                app.post("experiments/restore", json!({ "experiment_id": experiment })).await.expect_ok();
            }
        }
    }
}

/// What the order or the filter of a table names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Uses {
    Metrics,
    Params,
    Others,
}

/// An experiment with runs `one` and `two`, a third one that may go, and one in the trash.
struct Table {
    experiment: String,
    runs: Vec<String>,
    trashed: String,
}

async fn table(app: &App, name: &str) -> Table {
    let experiment = app.new_experiment(name).await;
    let mut runs = Vec::new();
    for (number, name) in ["1", "2", "third"].iter().enumerate() {
        let run_id = app.new_run_in(&experiment, name, number as i64 + 1).await;
        if number < 2 {
            log_metric(app, &run_id, "m", if number == 0 { -1 } else { 1 }).await;
            log_param(app, &run_id, "p", name).await;
            set_tag(app, &run_id, "t", name).await;
            set_tag(app, &run_id, "old", "x").await;
            let status = ["FINISHED", "FAILED"][number];
            app.post("runs/update", json!({ "run_id": run_id, "status": status })).await.expect_ok();
        }
        runs.push(run_id);
    }
    let trashed = app.new_run_in(&experiment, "trashed", 5).await;
    app.post("runs/delete", json!({ "run_id": trashed })).await.expect_ok();
    Table { experiment, runs, trashed }
}

#[tokio::test]
async fn an_order_is_kept_until_exactly_that_changes_which_it_depends_on() {
    for (filter, order, uses) in [
        ("", "metrics.m", Uses::Metrics),
        ("", "params.p", Uses::Params),
        ("", "tags.t DESC", Uses::Others),
        ("", "attribute.status", Uses::Others),
        ("", "start_time", Uses::Others),
        ("metrics.m < 5", "start_time", Uses::Metrics),
        ("params.p != '3'", "start_time", Uses::Params),
        ("tags.t != '3'", "start_time DESC", Uses::Others),
    ] {
        for db in support::databases().await {
            let app = support::app(db).await;
            for event in Event::ALL {
                let table = table(&app, &format!("{event:?}")).await;
                let ask = async || -> Vec<String> {
                    let request = json!({ "experiment_ids": [table.experiment], "filter": filter, "order_by": [order],
                                          "columns": ["attribute.run_id"] });
                    let found = first_cells(&rows(&app, request).await);
                    found.into_iter().filter(|id| table.runs[..2].contains(id)).collect()
                };
                settle(&app).await;
                let before = ask().await;
                app.database().run(TURN).await;
                assert_eq!(ask().await, before, "kept: {event:?} of {filter} by {order}");

                event.happen(&app, &table).await;

                let mut expected = before;
                if event.changes(uses) {
                    expected.reverse();
                }
                assert_eq!(ask().await, expected, "{event:?} of {filter} by {order}");
                app.database().run(TURN).await;
            }
        }
    }
}

#[tokio::test]
async fn a_table_is_true_while_a_transaction_of_somebody_else_stays_open() {
    let Some(db) = support::Database::postgres().await else { return };
    let app = support::app(db).await;
    let run_id = app.run().await;
    let open = app.database().begin("SELECT pg_current_xact_id()").await;
    for value in 0..3 {
        let point = json!({ "run_id": run_id, "key": "m", "value": value, "timestamp": value, "step": value });
        app.post("runs/log-metric", point).await.expect_ok();
        app.new_run_in("0", "new", value).await;

        let request = json!({ "experiment_ids": ["0"], "filter": format!("metrics.m = {value}") });
        assert_eq!(rows(&app, request).await["total"], 1);
        assert_eq!(rows(&app, json!({ "experiment_ids": ["0"] })).await["total"], value + 2);
        let request = json!({ "experiment_ids": ["0"], "filter": "metrics.m < 1" });
        assert_eq!(rows(&app, request).await["total"], i64::from(value < 1));
    }
    drop(open);
}

#[tokio::test]
async fn orders_differ_in_each_argument_that_they_are_made_of() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let Table { experiment, .. } = table(&app, "here").await;
        let there = table(&app, "there").await.experiment;
        let ask = async |experiments: Value, view: &str, filter: &str, order: Value| {
            let request = json!({ "experiment_ids": experiments, "run_view_type": view, "filter": filter,
                                  "order_by": order, "columns": ["run_name"] });
            first_cells(&rows(&app, request).await).join(" ")
        };

        // Twice, so that every answer is also given from what is kept.
        for _ in 0..2 {
            let here = json!([experiment]);
            assert_eq!(ask(here.clone(), "ACTIVE_ONLY", "", json!([])).await, "third 2 1");
            assert_eq!(ask(here.clone(), "ACTIVE_ONLY", "", json!(["start_time"])).await, "1 2 third");
            assert_eq!(ask(here.clone(), "DELETED_ONLY", "", json!([])).await, "trashed");
            assert_eq!(ask(here.clone(), "ALL", "", json!([])).await, "trashed third 2 1");
            assert_eq!(ask(here.clone(), "ACTIVE_ONLY", "params.p = '1'", json!([])).await, "1");
            assert_eq!(ask(here.clone(), "ACTIVE_ONLY", "tags.p = '1'", json!([])).await, "");
            assert_eq!(ask(here.clone(), "ACTIVE_ONLY", "params.p = '2'", json!([])).await, "2");
            assert_eq!(ask(here.clone(), "ACTIVE_ONLY", "params.p LIKE '2'", json!([])).await, "2");
            assert_eq!(ask(here.clone(), "ACTIVE_ONLY", "metrics.m < 0", json!([])).await, "1");
            assert_eq!(ask(here, "ACTIVE_ONLY", "metrics.m <= 1", json!([])).await, "2 1");
            assert_eq!(ask(json!([experiment, there]), "ALL", "", json!([])).await.split(' ').count(), 8);
        }
    }
}

#[tokio::test]
async fn more_orders_than_are_kept_are_all_answered_rightly() {
    for db in support::databases().await {
        let app = support::app(db).await;
        for number in 0..3 {
            let run_id = app.new_run_in("0", &number.to_string(), number).await;
            log_metric(&app, &run_id, "m", number).await;
        }
        for round in 0..2 {
            for bound in 0..70 {
                let request = json!({ "experiment_ids": ["0"], "filter": format!("metrics.m < {}", bound / 30),
                                      "order_by": [format!("metrics.n{bound}")], "columns": ["run_name"] });

                let found = first_cells(&rows(&app, request).await);

                let expected = match bound / 30 {
                    0 => &[][..],
                    1 => &["0"],
                    _ => &["1", "0"],
                };
                assert_eq!(found, expected, "{bound} in round {round}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tables_that_are_read_while_runs_come_and_go_have_each_run_once_and_end_exact() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let app = &app;
        let write = async |writer: i64| {
            for number in 0..25 {
                let run_id = app.new_run_in("0", &format!("{writer}-{number}"), number).await;
                log_metric(app, &run_id, "m", (number * 7 + writer) % 11).await;
                if number % 3 == 0 {
                    app.post("runs/delete", json!({ "run_id": run_id })).await.expect_ok();
                }
            }
        };
        let request = json!({ "experiment_ids": ["0"], "order_by": ["metrics.m"], "limit": 1_000,
                              "columns": ["attribute.run_id"] });
        let read = async || {
            for _ in 0..60 {
                let table = rows(app, request.clone()).await;
                let mut found = first_cells(&table);
                assert!(found.len() as u64 <= table["total"].as_u64().unwrap());
                found.sort_unstable();
                let told = found.len();
                found.dedup();
                assert_eq!(found.len(), told, "a run is told twice");
            }
        };

        tokio::join!(write(0), write(1), write(2), read(), read());

        let mut search = request.clone();
        search["max_results"] = json!(1_000);
        let found = app.post("runs/search", search).await.expect_ok();
        let found: Vec<&str> =
            found["runs"].as_array().unwrap().iter().map(|run| run["info"]["run_id"].as_str().unwrap()).collect();
        let table = rows(app, request).await;
        assert_eq!(first_cells(&table), found);
        assert_eq!(table["total"], 48);
    }
}
