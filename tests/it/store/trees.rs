//! Tables as trees: trainings with their runs, and what is nested in what.

use futures_util::future::join_all;
use windvane::model::{NewLocation, Point, RunStatus, ViewType};
use windvane::search::{parse_run_columns, parse_run_filter, parse_run_order};
use windvane::store::{
    FieldValue, LogBatch, NewRun, Origin, Parent, Role, Rows, RowsSearch, RunSearch, RunUpdate, Store, Totals,
    TreeLevel, TreePart, TreeRow,
};

use super::support::*;

/// Runs by names of this length and characters, so that `@name` in a tag or param is an id.
fn id(name: &str) -> String {
    name.to_owned()
}

/// A run of experiment 0 that starts `start` milliseconds after all others do.
async fn run(store: &Store, name: &str, start: i64, tags: &[(&str, &str)]) {
    run_in(store, 0, name, start, tags).await;
}

async fn run_in(store: &Store, experiment_id: i64, name: &str, start: i64, tags: &[(&str, &str)]) {
    let tags = tags.iter().map(|(key, value)| pair(key, value)).collect();
    let new = NewRun { run_id: id(name), experiment_id, start_ms: NOW + start, tags, ..new_run(0) };
    store.create_run(&OPEN, new).await.unwrap();
}

fn nested_in(parent: &str) -> [(&str, &str); 1] {
    [("mlflow.parentRunId", parent)]
}

fn resumes(parent: &str) -> [(&str, &str); 2] {
    [("mlflow.parentRunId", parent), ("resumedRun", "True")]
}

/// The top of a tree of the active runs of experiment 0, the oldest first.
fn top(filter: &str) -> RowsSearch {
    RowsSearch {
        search: RunSearch {
            experiments: vec![0],
            view: ViewType::ActiveOnly,
            filter: parse_run_filter(filter).unwrap(),
            order: parse_run_order(&["start_time ASC".to_owned()]).unwrap(),
            after: None,
            limit: 0,
        },
        columns: Vec::new(),
        offset: 0,
        limit: 1_000,
        tree: Some(TreeLevel::Top),
        paces: false,
        live: false,
    }
}

fn attempts_of(run: &str, asked: RowsSearch) -> RowsSearch {
    RowsSearch { tree: Some(TreeLevel::AttemptsOf(id(run))), ..asked }
}

fn children_of(run: &str, asked: RowsSearch) -> RowsSearch {
    RowsSearch { tree: Some(TreeLevel::ChildrenOf(id(run))), ..asked }
}

/// The rows of a level in short: the run, what it is, what it has, and how many of its runs match.
async fn level(store: &Store, asked: RowsSearch) -> Vec<String> {
    let Rows { total, rows, tree, .. } = store.list_rows(&OPEN, asked).await.unwrap();
    let TreePart { rows: told, .. } = tree.unwrap();
    assert_eq!((total, rows.len()), (told.len(), told.len()));
    rows.iter().zip(told).map(|(row, told)| line(&row.run_id, &told)).collect()
}

fn line(run_id: &str, told: &TreeRow) -> String {
    let mut words = vec![run_id.to_owned()];
    match told.role {
        None => {
            for (count, sign) in [(told.attempts, "x"), (told.copies, "copies "), (told.prepared, "prepared ")] {
                if count > usize::from(sign == "x") {
                    words.push(format!("{sign}{count}"));
                }
            }
        }
        Some(Role::Prepared) => words.push("prepared".to_owned()),
        Some(Role::Attempt(number)) => words.push(format!("attempt {number}")),
        Some(Role::Copy(number)) => words.push(format!("copy of {number}")),
    }
    if told.children > 0 {
        words.push(format!("children {}", told.children));
    }
    if (told.matching, told.runs) != (1, 1) {
        words.push(format!("{}/{}", told.matching, told.runs));
    }
    if !told.matches {
        words.push("grey".to_owned());
    }
    if let Some(Parent { run_id, state }) = &told.parent {
        words.push(format!("in {run_id} ({state:?})"));
    }
    if let Some(fork) = &told.fork {
        let origin = match &fork.origin {
            None => " (away)".to_owned(),
            Some(Origin { step: Some(step), .. }) => format!(" at {step}"),
            Some(Origin { step: None, .. }) => String::new(),
        };
        words.push(format!("fork of {}{origin}", fork.run_id));
    }
    words.join(" ")
}

#[tokio::test]
async fn a_training_is_one_row_and_opens_to_its_runs_and_to_what_is_nested_in_them() {
    for database in databases().await {
        let store = database.open().await;
        run(&store, "plain", 1, &[]).await;
        run(&store, "dry", 2, &[("dry_run", "True")]).await;
        run(&store, "one", 3, &resumes("dry")).await;
        run(&store, "two", 4, &resumes("dry")).await;
        run(&store, "sweep", 5, &[]).await;
        run(&store, "s1", 6, &nested_in("sweep")).await;
        run(&store, "s2", 7, &nested_in("sweep")).await;
        run(&store, "s2a", 8, &nested_in("s2")).await;
        run(&store, "under", 9, &nested_in("one")).await;
        run(&store, "fork", 10, &[("forkedRun", "True"), ("forkedRunId", "two")]).await;
        run(&store, "lost", 11, &[("forkedRun", "True"), ("forkedRunId", "gone")]).await;

        let shown = level(&store, top("")).await;
        assert_eq!(
            shown,
            [
                "plain",
                "two x2 prepared 1 children 1 4/4",
                "sweep children 2 4/4",
                "fork fork of two",
                "lost fork of gone (away)"
            ]
        );
        for member in ["dry", "one", "two"] {
            let shown = level(&store, attempts_of(member, top(""))).await;
            assert_eq!(shown, ["dry prepared", "one attempt 1 children 1 2/2", "two attempt 2"]);
        }
        assert_eq!(level(&store, children_of("one", top(""))).await, ["under"]);
        assert_eq!(level(&store, children_of("two", top(""))).await, [""; 0]);
        assert_eq!(level(&store, children_of("sweep", top(""))).await, ["s1", "s2 children 1 2/2"]);
        assert_eq!(level(&store, children_of("s2", top(""))).await, ["s2a"]);
        assert_eq!(level(&store, attempts_of("plain", top(""))).await, ["plain attempt 1"]);
        assert_eq!(level(&store, attempts_of("fork", top(""))).await, ["fork attempt 1 fork of two"]);
        let part = RowsSearch { offset: 1, limit: 2, ..top("") };
        let Rows { total, rows, tree, .. } = store.list_rows(&OPEN, part).await.unwrap();
        let tree = tree.unwrap();
        let shown: Vec<&str> = rows.iter().map(|row| row.run_id.as_str()).collect();
        assert_eq!((total, tree.runs, tree.trainings, shown), (5, 11, 9, vec!["two", "sweep"]));
    }
}

#[tokio::test]
async fn a_fork_names_its_origin_and_the_step_at_which_it_left_the_training_of_that() {
    for database in databases().await {
        let store = database.open().await;
        let other = store.create_experiment(&OPEN, "other", NewLocation::Default, &[], NOW).await.unwrap();
        run_in(&store, other, "first", 1, &[]).await;
        run_in(&store, other, "second", 2, &resumes("first")).await;
        store
            .update_run(&OPEN, "first", RunUpdate { name: Some("control".to_owned()), ..RunUpdate::default() })
            .await
            .unwrap();
        // The origin went that far only when it was resumed; steps of the machine are its own.
        for (name, steps) in [("first", 0), ("second", 1_000)] {
            store.log(&OPEN, name, metric("loss", steps_from(steps, 1_000))).await.unwrap();
            store.log(&OPEN, name, metric("system/cpu", steps_from(90_000, 1_000))).await.unwrap();
        }
        for (name, start, first) in [("late", 3, 1_500), ("anew", 4, 0), ("beyond", 5, 5_000)] {
            run(&store, name, start, &[("forkedRunId", "first")]).await;
            store.log(&OPEN, name, metric("loss", steps_from(first, 100))).await.unwrap();
        }
        run(&store, "silent", 6, &[("forkedRunId", "first")]).await;

        let shown = level(&store, top("")).await;
        let tree = store.list_rows(&OPEN, top("")).await.unwrap().tree.unwrap();

        assert_eq!(
            shown,
            ["late fork of first at 1500", "anew fork of first", "beyond fork of first", "silent fork of first"]
        );
        for row in tree.rows {
            let origin = row.fork.unwrap().origin.unwrap();
            assert_eq!((origin.name.as_str(), origin.experiment_id), ("control", other));
        }
    }
}

/// Points one step apart.
fn steps_from(first: i64, count: i64) -> Vec<Point> {
    (first..first + count).map(|step| point(NOW + step, step, 0.5)).collect()
}

#[tokio::test]
async fn a_filter_shows_what_it_matches_with_what_that_is_nested_in() {
    for database in databases().await {
        let store = database.open().await;
        run(&store, "sweep", 9, &[]).await;
        for child in 1..=4 {
            run(&store, &format!("s{child}"), child, &nested_in("sweep")).await;
        }
        run(&store, "s3a", 5, &nested_in("s3")).await;
        run(&store, "first", 6, &[]).await;
        run(&store, "second", 7, &resumes("first")).await;
        run(&store, "other", 8, &[]).await;
        for name in ["s2", "s3a", "s4", "first"] {
            store.log(&OPEN, &id(name), tag("good", "yes")).await.unwrap();
        }
        let good = || top("tags.good = 'yes'");

        assert_eq!(level(&store, good()).await, ["sweep children 3 3/6 grey", "second x2 1/2"]);
        assert_eq!(level(&store, children_of("sweep", good())).await, ["s2", "s4", "s3 children 1 1/2 grey"]);
        assert_eq!(level(&store, children_of("s3", good())).await, ["s3a"]);
        assert_eq!(level(&store, children_of("s2", good())).await, [""; 0]);
        assert_eq!(level(&store, attempts_of("second", good())).await, ["first attempt 1"]);
        assert_eq!(level(&store, attempts_of("other", good())).await, [""; 0]);
        assert_eq!(level(&store, top("tags.good = 'no'")).await, [""; 0]);
        // Trainings stand where the run that they show stands.
        let mut newest = top("");
        newest.search.order.clear();
        assert_eq!(level(&store, newest).await, ["sweep children 4 6/6", "other", "second x2 2/2"]);
    }
}

#[tokio::test]
async fn copies_of_one_run_are_folded_under_one_of_them() {
    for database in databases().await {
        let store = database.open().await;
        for (name, start, origin) in [("torn", 1, "x"), ("whole", 2, "x"), ("late", 3, "x"), ("own", 4, "own")] {
            run(&store, name, start, &[]).await;
            if origin != name {
                store.log(&OPEN, &id(name), param("metadata.offline_run_id", origin)).await.unwrap();
            }
        }
        run(&store, "mirror", 5, &[]).await;
        store.log(&OPEN, &id("mirror"), param("metadata.server2server_run_id", "own")).await.unwrap();
        store.update_run(&OPEN, &id("whole"), status(RunStatus::Finished)).await.unwrap();
        run(&store, "next", 6, &resumes("whole")).await;
        run(&store, "fork", 7, &[("forkedRunId", "x")]).await;

        let shown = level(&store, top("")).await;
        assert_eq!(shown, ["own copies 1 2/2", "next x2 copies 2 4/4", "fork fork of torn"]);
        let runs = level(&store, attempts_of("torn", top(""))).await;
        assert_eq!(runs, ["whole attempt 1", "late copy of 1", "torn copy of 1", "next attempt 2"]);
        assert_eq!(level(&store, attempts_of("own", top(""))).await, ["own attempt 1", "mirror copy of 1"]);
    }
}

#[tokio::test]
async fn a_run_that_is_nested_in_what_is_not_shown_is_at_the_top_and_says_so() {
    for database in databases().await {
        let store = database.open().await;
        let other = store.create_experiment(&OPEN, "other", NewLocation::Default, &[], NOW).await.unwrap();
        run(&store, "trashed", 1, &[]).await;
        run_in(&store, other, "far", 2, &[]).await;
        run(&store, "a", 3, &nested_in("trashed")).await;
        run(&store, "b", 4, &nested_in("far")).await;
        run(&store, "c", 5, &nested_in("nowhere")).await;
        run(&store, "d", 6, &nested_in("e")).await;
        run(&store, "e", 7, &nested_in("d")).await;
        run(&store, "f", 8, &nested_in("f")).await;
        run_in(&store, other, "g", 9, &nested_in("a")).await;
        run(&store, "f2", 10, &[("mlflow.parentRunId", "f"), ("resumedRun", "True")]).await;
        store.delete_run(&OPEN, &id("trashed"), NOW).await.unwrap();

        let shown = level(&store, top("")).await;
        assert_eq!(
            shown,
            [
                "a in trashed (Deleted)",
                "b in far (Elsewhere)",
                "c in nowhere (Missing)",
                "d children 1 2/2 in e (Cycle)",
                "f2 x2 2/2"
            ]
        );
        assert_eq!(level(&store, children_of("d", top(""))).await, ["e"]);
        assert_eq!(level(&store, children_of("trashed", top(""))).await, [""; 0]);
        assert_eq!(level(&store, attempts_of("far", top(""))).await, [""; 0]);
        let view = |experiments: &[i64], view| {
            let mut asked = top("");
            (asked.search.experiments, asked.search.view) = (experiments.to_vec(), view);
            asked
        };
        let shown = level(&store, view(&[0, other], ViewType::All)).await;
        assert_eq!(
            shown,
            [
                "trashed children 1 3/3",
                "far children 1 2/2",
                "c in nowhere (Missing)",
                "d children 1 2/2 in e (Cycle)",
                "f2 x2 2/2"
            ]
        );
        assert_eq!(level(&store, children_of("a", view(&[0, other], ViewType::All))).await, ["g"]);
        store.delete_run(&OPEN, &id("e"), NOW).await.unwrap();
        store.delete_run(&OPEN, &id("f"), NOW).await.unwrap();
        assert_eq!(level(&store, view(&[0], ViewType::DeletedOnly)).await, ["trashed", "e in d (Elsewhere)", "f"]);
        // The other run of its training is still there.
        assert_eq!(level(&store, attempts_of("f", top(""))).await, ["f2 attempt 1"]);
        assert_eq!(level(&store, view(&[], ViewType::All)).await, [""; 0]);
    }
}

#[tokio::test]
async fn a_training_shows_how_far_it_came_and_the_last_metrics_that_it_has() {
    for database in databases().await {
        let store = database.open().await;
        run(&store, "one", 1, &[]).await;
        run(&store, "two", 2, &resumes("one")).await;
        run(&store, "three", 3, &resumes("one")).await;
        let log = async |name: &str, key: &str, step, value| {
            store.log(&OPEN, &id(name), metric(key, vec![point(NOW + 500 + step, step, value)])).await.unwrap();
        };
        log("one", "loss", 10, 1.0).await;
        log("one", "early", 20, 7.0).await;
        log("two", "loss", 40, 0.5).await;
        log("two", "odd", 30, f64::NAN).await;
        log("two", "system/cpu", 9_000, 1.0).await;
        log("three", "step", 35, 2.0).await;
        store.log(&OPEN, &id("one"), param("lr", "0.1")).await.unwrap();
        let end = RunUpdate { end_ms: Some(NOW + 1_001), ..status(RunStatus::Finished) };
        store.update_run(&OPEN, &id("one"), end).await.unwrap();

        let columns = ["metrics.loss", "metrics.early", "metrics.odd", "metrics.step", "metrics.never", "params.lr"];
        let columns = parse_run_columns(&columns.map(str::to_owned)).unwrap();
        let found = store.list_rows(&OPEN, RowsSearch { columns: columns.clone(), ..top("") }).await.unwrap();
        let members = store.list_rows(&OPEN, RowsSearch { columns, ..attempts_of("one", top("")) }).await.unwrap();

        let number = FieldValue::Number;
        assert_eq!(
            found.rows[0].values,
            [number(0.5), number(7.0), FieldValue::Nan, number(2.0), FieldValue::Missing, FieldValue::Missing]
        );
        // 1,000 from start to end, 10 between the points of the second attempt, none in the third.
        assert_eq!(found.tree.unwrap().rows[0].totals, Some(Totals { steps: Some(40), time_ms: 1_010 }));
        assert_eq!(members.rows[2].values[0], FieldValue::Missing);
        assert!(members.tree.unwrap().rows.iter().all(|row| row.totals.is_none()));
    }
}

#[tokio::test]
async fn a_kept_tree_is_used_until_a_link_or_a_run_changes() {
    for database in databases().await {
        let store = database.open().await;
        for (start, name) in (1..).zip(["a", "b", "c", "d"]) {
            run(&store, name, start, &[]).await;
        }
        assert_eq!(level(&store, top("")).await, ["a", "b", "c", "d"]);

        store.log(&OPEN, &id("b"), tag("mlflow.parentRunId", "a")).await.unwrap();
        assert_eq!(level(&store, top("")).await, ["a children 1 2/2", "c", "d"]);
        // A param alone links too.
        store.log(&OPEN, &id("d"), param("metadata.offline_run_id", "c")).await.unwrap();
        assert_eq!(level(&store, top("")).await, ["a children 1 2/2", "c copies 1 2/2"]);
        let with_tag = || top("tags.t = '1'");
        assert_eq!(level(&store, with_tag()).await, [""; 0]);
        store.log(&OPEN, &id("b"), tag("t", "1")).await.unwrap();
        assert_eq!(level(&store, with_tag()).await, ["a children 1 1/2 grey"]);
        store.delete_run_tag(&OPEN, &id("b"), "mlflow.parentRunId").await.unwrap();
        assert_eq!(level(&store, with_tag()).await, ["b"]);
        store.delete_run(&OPEN, &id("a"), NOW).await.unwrap();
        assert_eq!(level(&store, top("")).await, ["b", "c copies 1 2/2"]);
        let points = || top("metrics.m > 1");
        assert_eq!(level(&store, points()).await, [""; 0]);
        store.log(&OPEN, &id("d"), metric("m", vec![point(NOW, 1, 2.0)])).await.unwrap();
        assert_eq!(level(&store, points()).await, ["c copies 1 1/2"]);
    }
}

#[tokio::test]
async fn a_run_of_another_experiment_joins_no_trainings_of_this_one() {
    for database in databases().await {
        let store = database.open().await;
        let other = store.create_experiment(&OPEN, "other", NewLocation::Default, &[], NOW).await.unwrap();
        run(&store, "a", 1, &[]).await;
        run(&store, "c", 3, &resumes("b")).await;
        assert_eq!(level(&store, top("")).await, ["a", "c"]);

        // Whoever may write there may not write here.
        run_in(&store, other, "b", 2, &resumes("a")).await;
        run_in(&store, other, "d", 4, &[]).await;
        let copies = [pair("metadata.offline_run_id", "a"), pair("metadata.server2server_run_id", "c")];
        store.log(&OPEN, &id("d"), LogBatch { params: copies.to_vec(), ..LogBatch::default() }).await.unwrap();
        assert_eq!(level(&store, top("")).await, ["a", "c"]);
    }
}

#[tokio::test]
async fn an_unknown_run_has_no_level() {
    for database in databases().await {
        let store = database.open().await;

        for asked in [attempts_of("nobody", top("")), children_of("nobody", top(""))] {
            let refused = refusal(store.list_rows(&OPEN, asked).await);
            assert_eq!(refused, "RESOURCE_DOES_NOT_EXIST: Run with id=nobody not found");
        }
    }
}

/// Creates `count` runs, a few at a time.
async fn many(store: &Store, count: usize, nested: impl Fn(usize) -> usize) {
    let name = |number: usize| format!("r{number}");
    let runs: Vec<usize> = (0..count).collect();
    for part in runs.chunks(500) {
        let part = part.iter().map(|number| async {
            let parent = name(nested(*number));
            run(store, &name(*number), *number as i64, &nested_in(&parent)).await;
        });
        join_all(part).await;
    }
}

#[tokio::test]
async fn a_thousand_runs_that_are_nested_in_a_circle_begin_with_the_oldest() {
    for database in databases().await {
        let store = database.open().await;
        many(&store, 1_000, |number| (number + 999) % 1_000).await;

        assert_eq!(level(&store, top("")).await, ["r0 children 1 1000/1000 in r999 (Cycle)"]);
        assert_eq!(level(&store, children_of("r0", top(""))).await, ["r1 children 1 999/999"]);
        assert_eq!(level(&store, children_of("r998", top(""))).await, ["r999"]);
        assert_eq!(level(&store, children_of("r999", top(""))).await, [""; 0]);
    }
}

#[tokio::test]
async fn ten_thousand_children_are_told_in_pages() {
    for database in databases().await {
        let store = database.open().await;
        many(&store, 10_001, |_| 0).await;

        assert_eq!(level(&store, top("")).await, ["r0 children 10000 10001/10001"]);
        let mut told = Vec::new();
        for offset in (0..=10_000).step_by(1_000) {
            let part = RowsSearch { offset, ..children_of("r0", top("")) };
            let Rows { total, rows, .. } = store.list_rows(&OPEN, part).await.unwrap();
            assert_eq!(total, 10_000);
            told.extend(rows.into_iter().map(|row| row.run_id));
        }
        assert_eq!(told, (1..=10_000).map(|number| format!("r{number}")).collect::<Vec<_>>());
    }
}
