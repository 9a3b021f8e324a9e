//! Databases that an earlier version made: opened by this one, they read and search as if this one had made them.

use std::fmt::Write as _;

use windvane::model::{Lifecycle, NewLocation, RunStatus, ViewType};
use windvane::search::{parse_run_columns, parse_run_filter, parse_run_order};
use windvane::store::{
    FieldValue, KeyKind, KeySearch, KeySummary, KeyValues, NamePart, NewRun, Row, RowsSearch, RunSearch, RunUpdate,
    Store,
};

use super::support::*;

/// A run of the data that both databases get.
struct Logged {
    number: i64,
    experiment: i64,
    /// What its param and its tag hold.
    text: String,
    loss: Option<f64>,
    ended: bool,
    deleted: bool,
}

/// Values around the length at which they are kept in two columns, numbers and none, runs in the trash.
fn data() -> Vec<Logged> {
    let base = "é".repeat(199);
    let texts = [
        String::new(),
        "0.1".to_owned(),
        base.clone(),
        format!("{base}x"),
        format!("{base}xy"),
        format!("{base}xz"),
        format!("{base}x{}", "w".repeat(7_800)),
        "it's".to_owned(),
    ];
    let losses = [Some(0.5), Some(f64::NAN), Some(-1.0), None, Some(f64::MAX), Some(0.5), Some(f64::NAN), Some(2.0)];
    let run = |(number, (text, loss)): (i64, (String, Option<f64>))| Logged {
        number,
        experiment: i64::from(number > 6),
        text,
        loss,
        ended: number % 3 == 0,
        deleted: number == 4 || number == 8,
    };
    (1..).zip(texts.into_iter().zip(losses)).map(run).collect()
}

/// A value of which only what lies behind the first 200 characters is the run's own.
fn tails(number: i64) -> String {
    format!("{}{number}", "t".repeat(200))
}

/// What version 1 of the schema held of it.
fn as_version_1(data: &[Logged]) -> String {
    let mut sql = format!(
        "INSERT INTO experiment (id, name, artifact_location, created_ms, updated_ms) VALUES
             (0, 'Default', 'mlflow-artifacts:/0', {NOW}, {NOW}), (1, 'second', 'mlflow-artifacts:/1', {NOW}, {NOW});
         INSERT INTO key (name) VALUES ('mlflow.runName'), ('text'), ('tails'), ('loss');"
    );
    for Logged { number, experiment, text, loss, ended, deleted } in data {
        let NewRun { run_id, name, user_id, start_ms, .. } = new_run(*number);
        let status = if *ended { RunStatus::Finished } else { RunStatus::Running } as i64;
        let end_ms = if *ended { "77" } else { "NULL" };
        let deleted_ms = if *deleted { "5" } else { "NULL" };
        let text = text.replace('\'', "''");
        let run = format!("(SELECT id FROM run WHERE public_id = '{run_id}')");
        let key = |name: &str| format!("(SELECT id FROM key WHERE name = '{name}')");
        write!(
            sql,
            "INSERT INTO run (public_id, experiment_id, name, user_id, status, start_ms, end_ms, deleted_ms,
                 artifact_uri) VALUES ('{run_id}', {experiment}, '{name}', '{user_id}', {status}, {start_ms}, {end_ms},
                 {deleted_ms}, 'mlflow-artifacts:/{experiment}/{run_id}/artifacts');
             INSERT INTO tag (run_id, key_id, value) VALUES ({run}, {}, '{name}'), ({run}, {}, '{text}');
             INSERT INTO param (run_id, key_id, value) VALUES ({run}, {}, '{text}'), ({run}, {}, '{}');",
            key("mlflow.runName"),
            key("text"),
            key("text"),
            key("tails"),
            tails(*number),
        )
        .unwrap();
        if let Some(loss) = loss {
            let (value, is_nan) = if loss.is_nan() { (0.0, "TRUE") } else { (*loss, "FALSE") };
            let bound = if loss.is_nan() { "NULL".to_owned() } else { format!("{value:e}") };
            write!(
                sql,
                "INSERT INTO metric_series (run_id, key_id, value, is_nan, step, timestamp_ms, count, min_value,
                     max_value, first_ms, first_step, min_step, max_step, loose)
                     VALUES ({run}, {}, {value:e}, {is_nan}, 3, 7, 1, {bound}, {bound}, 7, 3, 3, 3, FALSE);",
                key("loss"),
            )
            .unwrap();
        }
    }
    sql
}

/// The same, logged to a store.
async fn log(store: &Store, data: &[Logged]) {
    store.create_experiment(&OPEN, "second", NewLocation::Default, &[], NOW).await.unwrap();
    for Logged { number, experiment, text, loss, ended, deleted } in data {
        let run_id = new_run(*number).run_id;
        store.create_run(&OPEN, NewRun { experiment_id: *experiment, ..new_run(*number) }).await.unwrap();
        let mut batch = param("text", text);
        batch.params.push(pair("tails", &tails(*number)));
        batch.tags.push(pair("text", text));
        batch.series.extend(loss.map(|loss| ("loss".to_owned(), vec![point(7, 3, loss)])));
        store.log(&OPEN, &run_id, batch).await.unwrap();
        if *ended {
            let end = RunUpdate { end_ms: Some(77), ..status(RunStatus::Finished) };
            store.update_run(&OPEN, &run_id, end).await.unwrap();
        }
        if *deleted {
            store.delete_run(&OPEN, &run_id, NOW).await.unwrap();
        }
    }
}

/// Empty databases of both kinds, without a schema.
async fn empty_databases() -> Vec<Database> {
    [Some(Database::sqlite()), Database::empty_postgres().await].into_iter().flatten().collect()
}

fn search(filter: &str, order: &str) -> RunSearch {
    let order: Vec<String> = order.split(',').filter(|key| !key.is_empty()).map(str::to_owned).collect();
    RunSearch {
        experiments: vec![0, 1],
        view: ViewType::All,
        filter: parse_run_filter(filter).unwrap(),
        order: parse_run_order(&order).unwrap(),
        after: None,
        limit: 100,
    }
}

#[tokio::test]
async fn a_database_of_the_first_version_reads_and_searches_as_one_of_this_version() {
    let data = data();
    for (old, new) in empty_databases().await.into_iter().zip(empty_databases().await) {
        old.migrate_to(1).await;
        old.run_made(as_version_1(&data)).await;
        let (old_store, new_store) = (old.open().await, new.open().await);
        log(&new_store, &data).await;

        for Logged { number, text, deleted, .. } in &data {
            let run = find_run(&old_store, &new_run(*number).run_id).await;
            assert_eq!(run, find_run(&new_store, &run.info.run_id).await);
            assert_eq!(run.params, [pair("tails", &tails(*number)), pair("text", text)]);
            assert_eq!(run.info.lifecycle, if *deleted { Lifecycle::Deleted } else { Lifecycle::Active });
        }
        let base = "é".repeat(199);
        let mut filters: Vec<String> = Vec::new();
        for Logged { text, .. } in &data {
            let quote = if text.contains('\'') { '"' } else { '\'' };
            for field in ["params.text", "tags.text"] {
                filters.extend(["=", "!=", "LIKE"].map(|is| format!("{field} {is} {quote}{text}{quote}")));
            }
        }
        filters.extend(["", "metrics.loss > 0", "metrics.loss != 0.5", "attribute.end_time = 77"].map(str::to_owned));
        filters.push(format!("params.text LIKE '{base}x_'"));
        filters.push("params.text ILIKE '%WW'".to_owned());
        filters.push("tags.mlflow.runName IS NOT NULL AND attribute.run_name LIKE 'run-%'".to_owned());
        for filter in &filters {
            for order in
                ["", "params.text", "tags.text DESC", "metrics.loss", "metrics.loss DESC,params.text", "end_time"]
            {
                for view in [ViewType::ActiveOnly, ViewType::DeletedOnly, ViewType::All] {
                    let search = RunSearch { view, ..search(filter, order) };
                    let found = async |store: &Store| {
                        run_ids(&mut store.search_runs(&OPEN, search.clone()).await.unwrap()).await
                    };

                    let (of_old, of_new) = (found(&old_store).await, found(&new_store).await);

                    assert_eq!(of_old, of_new, "{filter:.60} by {order} of {view:?}");
                }
            }
        }
        let params = |run: &Logged| format!("tails={} text={}", tails(run.number), run.text);
        let expected: Vec<String> = data.iter().map(params).collect();
        // Made anew, and as they may have been kept.
        for _ in 0..2 {
            let mut page = old_store.search_runs(&OPEN, search("", "attribute.run_id")).await.unwrap();
            let params: Vec<String> = page
                .next_part(render)
                .await
                .unwrap()
                .into_iter()
                .map(|run| String::from_utf8(run.params).unwrap())
                .collect();
            assert_eq!(params, expected);
        }
        old_store.close().await;
        new_store.close().await;
    }
}

#[tokio::test]
async fn tables_names_and_changes_of_a_database_of_the_first_version_are_those_of_one_of_this_version() {
    let data = data();
    for (old, new) in empty_databases().await.into_iter().zip(empty_databases().await) {
        old.migrate_to(1).await;
        old.run_made(as_version_1(&data)).await;
        let (old_store, new_store) = (old.open().await, new.open().await);
        log(&new_store, &data).await;

        let columns = ["params.text", "metrics.loss", "tags.text", "attribute.run_name"].map(str::to_owned);
        let asked = RowsSearch {
            search: search("", "params.text,metrics.loss"),
            columns: parse_run_columns(&columns).unwrap(),
            offset: 0,
            limit: 100,
            tree: None,
            paces: true,
            live: false,
        };
        let rows = old_store.list_rows(&OPEN, asked.clone()).await.unwrap();
        assert_eq!(rows, new_store.list_rows(&OPEN, asked).await.unwrap());
        let value = |row: &Row| row.values[0].clone();
        let mut texts: Vec<String> = data.iter().map(|run| run.text.clone()).collect();
        texts.sort_unstable();
        let cut = |text: String| match text.char_indices().nth(200) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        };
        let texts: Vec<FieldValue> = texts.into_iter().map(cut).map(FieldValue::Text).collect();
        assert_eq!(rows.rows.iter().map(value).collect::<Vec<_>>(), texts);
        for kind in [KeyKind::Metric, KeyKind::Param, KeyKind::Tag] {
            let asked = KeySearch { experiments: vec![0, 1], kind, text: NamePart::Start(String::new()), limit: 100 };
            let keys = old_store.list_keys(&OPEN, asked.clone()).await.unwrap();
            assert_eq!(keys, new_store.list_keys(&OPEN, asked).await.unwrap());
            assert!(!keys.is_empty(), "{kind:?}");
            let differs = |key: &KeySummary| matches!(&key.values, KeyValues::Top { differs: true, .. });
            assert_eq!(keys.iter().any(|key| key.key == "tails" && differs(key)), kind == KeyKind::Param);
        }
        let counts = async |store: &Store| {
            let found = store.list_experiment_summaries(&OPEN, ViewType::All, NOW).await.unwrap();
            let counts =
                found.into_iter().map(|found| (found.runs, found.running, found.deleted_runs, found.last_start_ms));
            counts.collect::<Vec<_>>()
        };
        assert_eq!(counts(&old_store).await, counts(&new_store).await);

        let run_id = new_run(2).run_id;
        old_store.log(&OPEN, &run_id, param("later", "1")).await.unwrap();
        let changes = old_store.list_changes(&OPEN, Some(1), &[0]).await.unwrap();

        let changed: Vec<String> = changes.runs.unwrap().into_iter().map(|run| run.run_id).collect();
        assert_eq!(changed, [run_id], "what was there before is no change");
        old_store.close().await;
        new_store.close().await;
    }
}
