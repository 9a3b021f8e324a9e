//! Tables of runs, the names that there are to search, and experiments with their runs.

use windvane::model::{Lifecycle, NewLocation, RunStatus, ViewType};
use windvane::search::{parse_run_columns, parse_run_filter, parse_run_order};
use windvane::store::{
    FieldValue, FileRecord, KeyKind, KeySearch, KeySummary, KeyValues, LogBatch, NamePart, NewRun, Pace, Row, Rows,
    RowsSearch, RunSearch, RunUpdate, Store,
};

use super::support::*;

/// A table of the runs of experiment 0.
fn table(filter: &str, order: &str, columns: &[&str]) -> RowsSearch {
    let columns: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
    let order: Vec<String> = order.split(',').filter(|key| !key.is_empty()).map(str::to_owned).collect();
    RowsSearch {
        search: RunSearch {
            experiments: vec![0],
            view: ViewType::ActiveOnly,
            filter: parse_run_filter(filter).unwrap(),
            order: parse_run_order(&order).unwrap(),
            after: None,
            limit: 0,
        },
        columns: parse_run_columns(&columns).unwrap(),
        offset: 0,
        limit: 10,
        tree: None,
        paces: false,
        live: false,
    }
}

/// The total and the numbers of the runs that a table shows.
async fn shown(store: &Store, asked: RowsSearch) -> (usize, Vec<i64>) {
    let Rows { total, rows, .. } = store.list_rows(&OPEN, asked).await.unwrap();
    (total, rows.iter().map(|row| i64::from_str_radix(&row.run_id, 16).unwrap()).collect())
}

#[tokio::test]
async fn a_table_tells_of_each_run_what_its_columns_ask_for() {
    for database in databases().await {
        let store = database.open().await;
        let (first, second) = (create_run(&store, 1).await, create_run(&store, 2).await);
        let long = "x".repeat(300);
        let mut batch = metric("loss", vec![point(NOW, 1, 0.5)]);
        batch.params.push(pair("lr", &long));
        batch.tags.push(pair("team", "a"));
        store.log(&OPEN, &first, batch).await.unwrap();
        store.log(&OPEN, &first, metric("acc", vec![point(NOW, 1, f64::NAN)])).await.unwrap();
        store.update_run(&OPEN, &second, status(RunStatus::Failed)).await.unwrap();

        let columns = [
            "run_id",
            "run_name",
            "status",
            "start_time",
            "end_time",
            "user_id",
            "artifact_uri",
            "metrics.loss",
            "metrics.acc",
            "params.lr",
            "tags.team",
            "params.unheard_of",
        ];
        let found = store.list_rows(&OPEN, table("", "start_time", &columns)).await.unwrap();

        let text = |text: &str| FieldValue::Text(text.to_owned());
        let uri = |run_id: &str| text(&format!("mlflow-artifacts:/0/{run_id}/artifacts"));
        let row = |run_id: &str, values| Row {
            run_id: run_id.to_owned(),
            experiment_id: 0,
            lifecycle: Lifecycle::Active,
            values,
        };
        let missing = || FieldValue::Missing;
        let expected = Rows {
            total: 2,
            tree: None,
            paces: None,
            live: None,
            rows: vec![
                row(
                    &first,
                    vec![
                        text(&first),
                        text("run-1"),
                        text("RUNNING"),
                        FieldValue::Int(NOW + 1),
                        missing(),
                        text("ada"),
                        uri(&first),
                        FieldValue::Number(0.5),
                        FieldValue::Nan,
                        text(&format!("{}…", &long[..200])),
                        text("a"),
                        missing(),
                    ],
                ),
                row(
                    &second,
                    vec![
                        text(&second),
                        text("run-2"),
                        text("FAILED"),
                        FieldValue::Int(NOW + 2),
                        missing(),
                        text("ada"),
                        uri(&second),
                        missing(),
                        missing(),
                        missing(),
                        missing(),
                        missing(),
                    ],
                ),
            ],
        };
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn a_kept_order_is_used_until_something_changes_that_it_depends_on() {
    for database in databases().await {
        let store = database.open().await;
        for number in 1..=3 {
            let run_id = create_run(&store, number).await;
            let mut batch = metric("loss", vec![point(NOW, 1, number as f64)]);
            batch.params.push(pair("lr", &format!("{number}")));
            store.log(&OPEN, &run_id, batch).await.unwrap();
        }
        let by_start = || table("", "", &[]);
        let by_loss = || table("", "metrics.loss DESC", &[]);
        let with_lr = || table("params.depth IS NULL", "metrics.loss", &[]);
        assert_eq!(shown(&store, by_start()).await, (3, vec![3, 2, 1]));
        assert_eq!(shown(&store, by_loss()).await, (3, vec![3, 2, 1]));
        assert_eq!(shown(&store, with_lr()).await, (3, vec![1, 2, 3]));

        store.log(&OPEN, &new_run(1).run_id, metric("loss", vec![point(NOW, 2, 9.0)])).await.unwrap();
        assert_eq!(shown(&store, by_start()).await, (3, vec![3, 2, 1]));
        assert_eq!(shown(&store, by_loss()).await, (3, vec![1, 3, 2]));
        store.log(&OPEN, &new_run(2).run_id, param("depth", "4")).await.unwrap();
        assert_eq!(shown(&store, with_lr()).await, (2, vec![3, 1]));
        store.delete_run(&OPEN, &new_run(3).run_id, NOW).await.unwrap();
        assert_eq!(shown(&store, by_start()).await, (2, vec![2, 1]));
        assert_eq!(shown(&store, by_loss()).await, (2, vec![1, 2]));
        let part = RowsSearch { offset: 1, limit: 1, ..by_loss() };
        assert_eq!(shown(&store, part).await, (2, vec![2]));
        assert_eq!(shown(&store, RowsSearch { offset: 7, ..by_loss() }).await, (2, vec![]));
        assert_eq!(shown(&store, RowsSearch { limit: 0, ..by_loss() }).await, (2, vec![]));
    }
}

#[tokio::test]
async fn names_are_listed_with_the_values_they_have_in_the_experiments() {
    for database in databases().await {
        let store = database.open().await;
        let elsewhere = store.create_experiment(&OPEN, "elsewhere", NewLocation::Default, &[], NOW).await.unwrap();
        for number in 1..=4 {
            let mut new = new_run(number);
            new.experiment_id = if number == 4 { elsewhere } else { 0 };
            store.create_run(&OPEN, new).await.unwrap();
            let value = if number == 3 { f64::NAN } else { number as f64 };
            let mut batch = LogBatch { series: Vec::new(), ..metric("val_loss", vec![point(NOW, 1, value)]) };
            batch.series.push(("val_loss".to_owned(), vec![point(NOW, 1, value)]));
            batch.params.push(pair("lr", if number == 1 { "0.1" } else { "0.2" }));
            batch.params.push(pair("model", "graph"));
            store.log(&OPEN, &new_run(number).run_id, batch).await.unwrap();
        }
        let keys = async |kind, prefix: &str, experiments: &[i64]| {
            let (experiments, prefix) = (experiments.to_vec(), prefix.to_owned());
            store
                .list_keys(&OPEN, KeySearch { experiments, kind, text: NamePart::Start(prefix), limit: 10 })
                .await
                .unwrap()
        };

        let range = |runs, min, max| KeySummary {
            key: "val_loss".to_owned(),
            runs,
            values: KeyValues::Range { min: Some(min), max: Some(max) },
        };
        assert_eq!(keys(KeyKind::Metric, "", &[0]).await, [range(3, 1.0, 2.0)]);
        assert_eq!(keys(KeyKind::Metric, "val", &[0, elsewhere]).await, [range(4, 1.0, 4.0)]);
        assert_eq!(keys(KeyKind::Metric, "vol", &[0]).await, []);
        let top = |key: &str, runs, values: &[(&str, i64)]| KeySummary {
            key: key.to_owned(),
            runs,
            values: KeyValues::Top {
                values: values.iter().map(|(value, runs)| ((*value).to_owned(), *runs)).collect(),
                differs: values.len() > 1,
            },
        };
        let expected = [top("lr", 3, &[("0.2", 2), ("0.1", 1)]), top("model", 3, &[("graph", 3)])];
        assert_eq!(keys(KeyKind::Param, "", &[0]).await, expected);
        assert_eq!(keys(KeyKind::Tag, "mlflow.", &[elsewhere]).await, [top("mlflow.runName", 1, &[("run-4", 1)])]);
        assert_eq!(keys(KeyKind::Tag, "", &[]).await, []);
    }
}

#[tokio::test]
async fn experiments_are_listed_with_their_runs_by_state() {
    for database in databases().await {
        let store = database.open().await;
        let empty =
            store.create_experiment(&OPEN, "empty", NewLocation::Default, &[pair("k", "v")], NOW + 10).await.unwrap();
        for number in 1..=4 {
            create_run(&store, number).await;
        }
        store.update_run(&OPEN, &new_run(1).run_id, status(RunStatus::Finished)).await.unwrap();
        store.delete_run(&OPEN, &new_run(4).run_id, NOW).await.unwrap();

        let found = store.list_experiment_summaries(&OPEN, ViewType::All, NOW).await.unwrap();

        let figures: Vec<_> = found
            .iter()
            .map(|found| (found.experiment.id, found.runs, found.running, found.deleted_runs, found.last_start_ms))
            .collect();
        assert_eq!(figures, [(empty, 0, 0, 0, None), (0, 3, 2, 1, Some(NOW + 3))]);
        assert_eq!(found[0].experiment.tags, [pair("k", "v")]);
    }
}

/// A run of experiment 0 by this user, which has ended so.
async fn ended_run(store: &Store, number: i64, user: &str, end: (RunStatus, i64)) {
    let run = store.create_run(&OPEN, NewRun { user_id: user.to_owned(), ..new_run(number) }).await.unwrap();
    let update = RunUpdate { status: Some(end.0), end_ms: Some(end.1), name: None };
    store.update_run(&OPEN, &run.run_id, update).await.unwrap();
}

async fn record_file(store: &Store, path: &str, size_bytes: u64) {
    let record = FileRecord { path: path.to_owned(), size_bytes, sha256: [0; 32], modified_ns: 0 };
    store.record_file(record).await.unwrap();
}

#[tokio::test]
async fn experiments_tell_who_works_in_them_and_when_something_was_last_done() {
    const DAY: i64 = 24 * 60 * 60 * 1_000;
    for database in databases().await {
        let store = database.open().await;
        let now = NOW + 10 * DAY;
        for (number, user) in [(1, "grace"), (2, "ada"), (3, "grace"), (4, "katherine"), (5, "alan"), (6, "")] {
            ended_run(&store, number, user, (RunStatus::Finished, NOW + number)).await;
        }
        ended_run(&store, 7, "ada", (RunStatus::Failed, now - 8 * DAY)).await;
        ended_run(&store, 8, "ada", (RunStatus::Failed, now - 6 * DAY)).await;
        ended_run(&store, 9, "mary", (RunStatus::Failed, now - DAY)).await;
        store.delete_run(&OPEN, &new_run(9).run_id, now).await.unwrap();
        let summary =
            async || store.list_experiment_summaries(&OPEN, ViewType::ActiveOnly, now).await.unwrap().remove(0);

        let found = summary().await;
        assert_eq!((found.runs, found.failed_recently, found.deleted_runs), (8, 1, 1));
        assert_eq!((found.users, found.user_count), (["ada", "grace", "alan"].map(str::to_owned).to_vec(), 4));
        assert_eq!(found.last_activity_ms, now - 6 * DAY, "the end of the last active run");

        let running = create_run(&store, 20).await;
        store.log(&OPEN, &running, metric("loss", vec![point(now - 7, 1, 0.5), point(now - 9, 0, 0.5)])).await.unwrap();
        assert_eq!(summary().await.last_activity_ms, now - 7, "the last point of a run that goes on");
        store.update_run(&OPEN, &running, status(RunStatus::Killed)).await.unwrap();
        assert_eq!(summary().await.last_activity_ms, now - 6 * DAY);
        store.update_run(&OPEN, &running, status(RunStatus::Running)).await.unwrap();
        store.delete_run(&OPEN, &running, now).await.unwrap();
        assert_eq!(summary().await.last_activity_ms, now - 6 * DAY);
    }
}

#[tokio::test]
async fn experiments_tell_how_much_their_files_take_up_wherever_these_lie() {
    for database in databases().await {
        let store = database.open().await;
        let location = NewLocation::Own { location: "mlflow-artifacts:/team/a", path: "team/a" };
        let claimed = store.create_experiment(&OPEN, "claimed", location, &[], NOW + 1).await.unwrap();
        let named = store.create_experiment(&OPEN, "named", NewLocation::Default, &[], NOW + 2).await.unwrap();
        for (path, size_bytes) in [
            ("0/r/artifacts/a", 1),
            ("0/models/m/artifacts/b", 20),
            ("00/r/artifacts/a", 300),
            ("team/a/r/artifacts/a", 4_000),
            ("team/ab/r/artifacts/a", 50_000),
        ] {
            record_file(&store, path, size_bytes).await;
        }
        record_file(&store, &format!("{named}/r/artifacts/a"), 600_000).await;
        store.delete_experiment(&OPEN, named, NOW).await.unwrap();
        let bytes = async |view: ViewType| {
            let found = store.list_experiment_summaries(&OPEN, view, NOW).await.unwrap();
            found.iter().map(|found| (found.experiment.id, found.artifact_bytes)).collect::<Vec<_>>()
        };

        assert_eq!(bytes(ViewType::ActiveOnly).await, [(claimed, 4_000), (0, 21)]);
        assert_eq!(bytes(ViewType::DeletedOnly).await, [(named, 600_000)]);
        assert_eq!(bytes(ViewType::All).await, [(named, 600_000), (claimed, 4_000), (0, 21)]);
    }
}

#[tokio::test]
async fn rows_tell_how_far_their_runs_came_and_how_often_they_log() {
    for database in databases().await {
        let store = database.open().await;
        let ids: Vec<String> = (1..=4).map(|number| new_run(number).run_id).collect();
        for number in 1..=4 {
            create_run(&store, number).await;
        }
        let every =
            |gap_ms: i64, count: i64| (0..count).map(|at| point(NOW + at * gap_ms, at * 10, 0.5)).collect::<Vec<_>>();
        for (key, points) in [("few", every(1_000, 4)), ("most", every(300, 11)), ("system/cpu", every(50, 500))] {
            store.log(&OPEN, &ids[0], metric(key, points)).await.unwrap();
        }
        for (key, value) in
            [("max_steps", "7"), ("training.max_steps", "150000"), ("config.training.max_steps", "None")]
        {
            store.log(&OPEN, &ids[0], param(key, value)).await.unwrap();
        }
        store.log(&OPEN, &ids[1], metric("system/cpu", every(50, 3))).await.unwrap();
        store.log(&OPEN, &ids[1], param("max_steps", "-1")).await.unwrap();
        store.log(&OPEN, &ids[2], metric("once", every(1, 1))).await.unwrap();
        store.log(&OPEN, &ids[3], param("max_steps", "100")).await.unwrap();

        let asked = RowsSearch { paces: true, ..table("", "start_time", &[]) };
        let found = store.list_rows(&OPEN, asked.clone()).await.unwrap();
        let reversed = RowsSearch { paces: true, limit: 3, ..table("", "start_time DESC", &[]) };
        let reversed = store.list_rows(&OPEN, reversed).await.unwrap();
        let without = store.list_rows(&OPEN, RowsSearch { paces: false, ..asked }).await.unwrap();

        let pace = |last_step, after_ms, usual_gap_ms, max_steps| {
            Some(Pace { last_step, last_point_ms: NOW + after_ms, usual_gap_ms, max_steps })
        };
        let paces = vec![
            pace(100, 3_000, Some(300), Some(150_000)),
            pace(20, 100, Some(50), None),
            pace(0, 0, None, None),
            None,
        ];
        assert_eq!(found.paces, Some(paces.clone()));
        assert_eq!(reversed.paces, Some(paces.into_iter().rev().take(3).collect()));
        assert_eq!(without.paces, None);
    }
}
