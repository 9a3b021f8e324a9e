//! Changes of many runs at once.

use std::collections::BTreeSet;

use windvane::model::{Lifecycle, NewLocation, ViewType};
use windvane::store::{Kin, NewRun, RunSearch, RunSet, Store};

use super::support::*;

fn named(run_ids: &[&String]) -> RunSet {
    RunSet::Named(run_ids.iter().map(|run_id| (*run_id).clone()).collect())
}

/// The numbers of the runs that a change answers.
fn numbers(run_ids: Vec<String>) -> BTreeSet<i64> {
    run_ids.iter().map(|run_id| number(run_id)).collect()
}

async fn delete(store: &Store, runs: &RunSet, kin: Kin) -> BTreeSet<i64> {
    numbers(store.delete_runs(&OPEN, runs, kin, NOW).await.unwrap())
}

/// The numbers of the runs in the trash of experiment 0.
async fn trash(store: &Store) -> BTreeSet<i64> {
    let deleted = RunSearch { view: ViewType::DeletedOnly, ..search("", "") };
    numbers(run_ids(&mut store.search_runs(&OPEN, deleted).await.unwrap()).await)
}

const NO_KIN: Kin = Kin { attempts: false, children: false };

#[tokio::test]
async fn runs_go_to_the_trash_and_back_together() {
    for database in databases().await {
        let store = database.open().await;
        let mut runs = Vec::new();
        for number in 1..=3 {
            runs.push(create_run(&store, number).await);
        }
        store.delete_run(&OPEN, &runs[2], NOW).await.unwrap();
        let all = named(&[&runs[0], &runs[1], &runs[2]]);

        assert_eq!(delete(&store, &all, NO_KIN).await, [1, 2].into());
        assert_eq!(delete(&store, &all, NO_KIN).await, [].into());
        assert_eq!(trash(&store).await, [1, 2, 3].into());
        let back = store.restore_runs(&OPEN, &named(&[&runs[0], &runs[1]]), NO_KIN).await.unwrap();

        assert_eq!(numbers(back), [1, 2].into());
        assert_eq!(trash(&store).await, [3].into());
        store.close().await;
    }
}

#[tokio::test]
async fn an_unknown_run_among_them_means_that_nothing_is_done() {
    for database in databases().await {
        let store = database.open().await;
        let run = create_run(&store, 1).await;
        let unknown = "f".repeat(32);
        let both = named(&[&run, &unknown]);

        let refused = refusal(store.delete_runs(&OPEN, &both, NO_KIN, NOW).await);

        assert_eq!(refused, format!("RESOURCE_DOES_NOT_EXIST: Run with id={unknown} not found"));
        assert!(store.tag_runs(&OPEN, &both, "k", Some("v")).await.is_err());
        let run = find_run(&store, &run).await;
        assert_eq!((run.info.lifecycle, run.tags.len()), (Lifecycle::Active, 1));
        store.close().await;
    }
}

#[tokio::test]
async fn all_that_match_a_filter_are_changed() {
    for database in databases().await {
        let store = database.open().await;
        let elsewhere = store.create_experiment(&OPEN, "elsewhere", NewLocation::Default, &[], NOW).await.unwrap();
        for number in 1..=4 {
            let run = create_run(&store, number).await;
            store.log(&OPEN, &run, param("lr", ["a", "b"][number as usize % 2])).await.unwrap();
        }
        let other = NewRun { experiment_id: elsewhere, ..new_run(5) };
        let other = store.create_run(&OPEN, other).await.unwrap().run_id;
        store.log(&OPEN, &other, param("lr", "a")).await.unwrap();
        let matching = |view| RunSet::Matching(RunSearch { view, ..search("params.lr = 'a'", "") });

        assert_eq!(delete(&store, &matching(ViewType::ActiveOnly), NO_KIN).await, [2, 4].into());
        assert_eq!(delete(&store, &matching(ViewType::ActiveOnly), NO_KIN).await, [].into());
        let back = store.restore_runs(&OPEN, &matching(ViewType::DeletedOnly), NO_KIN).await.unwrap();

        assert_eq!(numbers(back), [2, 4].into());
        let nowhere = RunSet::Matching(RunSearch { experiments: vec![77], ..search("", "") });
        assert_eq!(delete(&store, &nowhere, NO_KIN).await, [].into());
        store.close().await;
    }
}

#[tokio::test]
async fn more_runs_than_one_change_may_have_are_refused() {
    for database in databases().await {
        let store = database.open().await;
        // One by one it would take a minute.
        database
            .run_made(
                "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 10001)
                 INSERT INTO run (public_id, experiment_id, name, user_id, status, start_ms, artifact_uri)
                 SELECT 'r' || n, 0, 'many', '', 1, n, '' FROM n"
                    .to_owned(),
            )
            .await;
        let matching = |filter: &str| RunSet::Matching(search(filter, ""));

        let refused = refusal(store.delete_runs(&OPEN, &matching(""), NO_KIN, NOW).await);
        let most = store.delete_runs(&OPEN, &matching("start_time > 1"), NO_KIN, NOW).await.unwrap();

        assert_eq!(
            refused,
            "INVALID_PARAMETER_VALUE: this is about more than 10000 runs; narrow the filter down, or name fewer runs"
        );
        assert_eq!(most.len(), 10_000);
        store.close().await;
    }
}

/// A training of three runs, in which a sweep is nested that was resumed, and in that another run; and a run beside it.
///
/// ```text
/// 1 ← 2 resumes, 3 is a copy of 2      4 in 1, 5 resumes 4      6 in 5      7
/// ```
async fn family(store: &Store) -> Vec<String> {
    let mut runs = vec![String::new()];
    for number in 1..=7 {
        runs.push(create_run(store, number).await);
    }
    for (run, key, target) in [
        (2, "mlflow.parentRunId", 1),
        (2, "resumedRun", 0),
        (4, "mlflow.parentRunId", 1),
        (5, "mlflow.parentRunId", 4),
        (5, "resumedRun", 0),
        (6, "mlflow.parentRunId", 5),
    ] {
        let value = if target == 0 { "True" } else { &runs[target] };
        store.log(&OPEN, &runs[run], tag(key, value)).await.unwrap();
    }
    for (run, origin) in [(2, 1), (5, 4)] {
        store.log(&OPEN, &runs[run], param("config.training.run_id", &runs[origin])).await.unwrap();
    }
    store.log(&OPEN, &runs[3], param("metadata.server2server_run_id", &runs[2])).await.unwrap();
    runs
}

#[tokio::test]
async fn kin_is_what_a_table_shows_as_such() {
    for database in databases().await {
        let store = database.open().await;
        let runs = family(&store).await;
        let undo = async |changed: &BTreeSet<i64>| {
            let changed: Vec<&String> = changed.iter().map(|number| &runs[*number as usize]).collect();
            store.restore_runs(&OPEN, &named(&changed), NO_KIN).await.unwrap();
        };
        let of = |attempts, children| Kin { attempts, children };
        for (run, kin, expected) in [
            (1, of(false, false), BTreeSet::from([1])),
            (1, of(true, false), [1, 2, 3].into()),
            (2, of(true, false), [1, 2, 3].into()),
            (1, of(false, true), [1, 4, 5, 6].into()),
            (2, of(false, true), [2].into()),
            (2, of(true, true), [1, 2, 3, 4, 5, 6].into()),
            (5, of(false, true), [5, 6].into()),
            (7, of(true, true), [7].into()),
        ] {
            let changed = delete(&store, &named(&[&runs[run]]), kin).await;

            assert_eq!(changed, expected, "{run} {kin:?}");
            assert_eq!(trash(&store).await, expected, "{run} {kin:?}");
            undo(&changed).await;
        }
        assert_eq!(trash(&store).await, [].into());
        store.close().await;
    }
}

#[tokio::test]
async fn a_tag_is_given_to_all_and_taken_from_all() {
    for database in databases().await {
        let store = database.open().await;
        let (first, second) = (create_run(&store, 1).await, create_run(&store, 2).await);
        store.log(&OPEN, &first, tag("team", "a")).await.unwrap();
        let both = named(&[&first, &second]);
        let long = "x".repeat(300);
        let value = async |run_id: &str| {
            let tags = find_run(&store, run_id).await.tags;
            tags.into_iter().find(|tag| tag.key == "team").map(|tag| tag.value)
        };
        let set = async |value: Option<&str>| numbers(store.tag_runs(&OPEN, &both, "team", value).await.unwrap());

        assert_eq!(set(Some("a")).await, [2].into());
        assert_eq!(set(Some(&long)).await, [1, 2].into());
        assert_eq!(set(Some(&long)).await, [].into());
        assert_eq!([value(&first).await, value(&second).await], [Some(long.clone()), Some(long)]);
        assert_eq!(set(None).await, [1, 2].into());
        assert_eq!(set(None).await, [].into());
        assert_eq!([value(&first).await, value(&second).await], [None, None]);
        store.delete_run(&OPEN, &second, NOW).await.unwrap();
        for value in [Some("b"), None] {
            let refused = refusal(store.tag_runs(&OPEN, &both, "team", value).await);
            assert!(refused.contains("must be in the 'active' state"), "{refused}");
        }
        assert_eq!(value(&first).await, None);
        store.close().await;
    }
}

#[tokio::test]
async fn the_tag_of_the_name_renames_and_the_tag_of_the_parent_nests() {
    for database in databases().await {
        let store = database.open().await;
        let (parent, child) = (create_run(&store, 1).await, create_run(&store, 2).await);
        let children = async || {
            let graph = store.find_lineage(&OPEN, &parent).await.unwrap();
            graph.edges.len()
        };
        let child = named(&[&child]);

        store.tag_runs(&OPEN, &child, "mlflow.runName", Some("renamed")).await.unwrap();
        store.tag_runs(&OPEN, &child, "mlflow.parentRunId", Some(&parent)).await.unwrap();
        assert_eq!(children().await, 1);
        assert_eq!(delete(&store, &named(&[&parent]), Kin { attempts: false, children: true }).await, [1, 2].into());
        store.restore_runs(&OPEN, &child, NO_KIN).await.unwrap();
        store.tag_runs(&OPEN, &child, "mlflow.parentRunId", None).await.unwrap();

        assert_eq!(children().await, 0);
        store.tag_runs(&OPEN, &child, "mlflow.runName", None).await.unwrap();
        assert_eq!(find_run(&store, &new_run(2).run_id).await.info.name, "renamed");
        store.close().await;
    }
}
