//! What differs between runs.

use windvane::model::{NewLocation, RunStatus};
use windvane::store::{Diff, DiffKind, DiffRequest, DiffValue, LogBatch, NewRun, RunUpdate, Store};

use super::support::*;

async fn diff(store: &Store, run_ids: &[&String], all: bool, kinds: &[DiffKind]) -> Diff {
    let run_ids = run_ids.iter().map(|run_id| (*run_id).clone()).collect();
    store.diff_runs(&OPEN, &DiffRequest { run_ids, all, kinds: kinds.to_vec() }).await.unwrap()
}

/// The rows as `kind key: values`.
fn lines(diff: &Diff) -> Vec<String> {
    let value = |value: &DiffValue| match value {
        DiffValue::Missing => "-".to_owned(),
        DiffValue::Text(text) => format!("{text:?}"),
        DiffValue::Milliseconds(number) => number.to_string(),
    };
    let values = |values: &[DiffValue]| values.iter().map(value).collect::<Vec<_>>().join(" ");
    diff.rows.iter().map(|row| format!("{} {}: {}", row.kind.as_str(), row.key, values(&row.values))).collect()
}

#[tokio::test]
async fn names_whose_values_differ_or_are_missing_are_told_by_kind_and_name() {
    for database in databases().await {
        let store = database.open().await;
        let elsewhere = store.create_experiment(&OPEN, "elsewhere", NewLocation::Default, &[], NOW).await.unwrap();
        let first = create_run(&store, 1).await;
        let new = NewRun { experiment_id: elsewhere, user_id: "bob".to_owned(), ..new_run(2) };
        let second = store.create_run(&OPEN, new).await.unwrap().run_id;
        let end = RunUpdate { status: Some(RunStatus::Failed), end_ms: Some(NOW + 1_001), name: None };
        store.update_run(&OPEN, &first, end).await.unwrap();
        let batch = |differing: &str, only: &str| LogBatch {
            params: vec![pair("config.b", differing), pair("same", "1"), pair(only, ""), pair("c", "x")],
            tags: vec![pair("hpc", differing), pair("mlflow.log-model.history", differing)],
            ..LogBatch::default()
        };
        store.log(&OPEN, &first, batch("1", "a")).await.unwrap();
        store.log(&OPEN, &second, batch("2", "config.a")).await.unwrap();

        let found = diff(&store, &[&second, &first], false, &DiffKind::ALL).await;
        let of_tags = diff(&store, &[&first, &second], true, &[DiffKind::Tag]).await;

        let times = (NOW + 1, NOW + 2, NOW + 1_001);
        assert_eq!(
            lines(&found),
            [
                "attribute duration: - 1000".to_owned(),
                format!("attribute end_time: - {}", times.2),
                "attribute experiment_name: \"elsewhere\" \"Default\"".to_owned(),
                format!("attribute start_time: {} {}", times.1, times.0),
                "attribute status: \"RUNNING\" \"FAILED\"".to_owned(),
                "attribute user_id: \"bob\" \"ada\"".to_owned(),
                "param a: - \"\"".to_owned(),
                "param config.a: \"\" -".to_owned(),
                "param config.b: \"2\" \"1\"".to_owned(),
                "tag hpc: \"2\" \"1\"".to_owned(),
                "tag mlflow.runName: \"run-2\" \"run-1\"".to_owned(),
            ]
        );
        let counts: Vec<_> = found.counts.into_iter().collect();
        assert_eq!(counts, [(DiffKind::Attribute, (6, 6)), (DiffKind::Param, (5, 3)), (DiffKind::Tag, (2, 2))]);
        assert_eq!(of_tags.counts.keys().copied().collect::<Vec<_>>(), [DiffKind::Tag]);
        assert_eq!(of_tags.rows.len(), 2);
        store.close().await;
    }
}

#[tokio::test]
async fn long_values_are_compared_whole_and_told_in_part() {
    for database in databases().await {
        let store = database.open().await;
        let (first, second) = (create_run(&store, 1).await, create_run(&store, 2).await);
        let long = "é".repeat(2_500);
        store.log(&OPEN, &first, param("long", &format!("{long}1"))).await.unwrap();
        store.log(&OPEN, &second, param("long", &format!("{long}2"))).await.unwrap();
        store.log(&OPEN, &first, param("head", &"x".repeat(200))).await.unwrap();
        store.log(&OPEN, &second, param("head", &"x".repeat(201))).await.unwrap();

        let found = diff(&store, &[&first, &second], false, &[DiffKind::Param]).await;

        let text = |text: String| DiffValue::Text(text);
        assert_eq!(found.rows[0].values, [text("x".repeat(200)), text("x".repeat(201))]);
        let cut = text(format!("{}…", "é".repeat(2_000)));
        assert_eq!(found.rows[1].values, [cut.clone(), cut]);
        store.close().await;
    }
}

#[tokio::test]
async fn more_rows_than_one_answer_may_have_are_cut_at_the_end() {
    for database in databases().await {
        let store = database.open().await;
        let run = create_run(&store, 1).await;
        for part in 0..3 {
            let params = (0..2_000).map(|number| pair(&format!("p{:05}", part * 2_000 + number), "x")).collect();
            store.log(&OPEN, &run, LogBatch { params, ..LogBatch::default() }).await.unwrap();
        }
        let other = create_run(&store, 2).await;

        let found = diff(&store, &[&run, &other], false, &[DiffKind::Param]).await;
        let few = diff(&store, &[&run, &other], false, &[DiffKind::Attribute]).await;

        assert_eq!((found.rows.len(), found.truncated), (5_000, true));
        assert_eq!(found.counts[&DiffKind::Param], (6_000, 6_000));
        assert_eq!(found.rows[4_999].key, "p04999");
        assert!(!few.truncated);
        store.close().await;
    }
}
