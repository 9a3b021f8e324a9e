//! Tables of runs, the names that there are to search, and experiments with their runs.

use windvane::model::{Lifecycle, NewLocation, RunStatus, ViewType};
use windvane::search::{parse_run_columns, parse_run_filter, parse_run_order};
use windvane::store::{
    FieldValue, KeyKind, KeySearch, KeySummary, KeyValues, LogBatch, NamePart, Row, Rows, RowsSearch, RunSearch, Store,
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

        let found = store.list_experiment_summaries(&OPEN).await.unwrap();

        let figures: Vec<_> = found
            .iter()
            .map(|found| (found.experiment.id, found.runs, found.running, found.deleted_runs, found.last_start_ms))
            .collect();
        assert_eq!(figures, [(empty, 0, 0, 0, None), (0, 3, 2, 1, Some(NOW + 3))]);
        assert_eq!(found[0].experiment.tags, [pair("k", "v")]);
    }
}
