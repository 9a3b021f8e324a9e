//! Pages of searches: that together they are the whole answer, whatever happens meanwhile, and that nothing but the
//! place of a run in the same order is taken for a page token.

use std::collections::BTreeSet;

use windvane::model::RunStatus;
use windvane::store::{FieldValue, LogBatch, NewRun, RunCursor, RunSearch, RunUpdate, Store};

use super::support::*;

#[tokio::test]
async fn runs_come_newest_first_then_by_id_in_pages_of_any_size_with_all_that_was_logged() {
    for database in databases().await {
        let store = database.open().await;
        let mut expected = Vec::new();
        for number in 0..230_i64 {
            let mut new = new_run(number);
            new.start_ms = NOW + number / 4;
            store.create_run(&OPEN, new).await.unwrap();
            expected.push((-(number / 4), number));
        }
        expected.sort_unstable();
        let expected: Vec<i64> = expected.into_iter().map(|(_, number)| number).collect();
        let run_id = new_run(5).run_id;
        store.log(&OPEN, &run_id, metric("loss", ascending(0, 2))).await.unwrap();

        for size in [7, 100, 229, 230, 1_000] {
            let found = find_in_pages(&store, &search("", ""), size).await;
            let found: Vec<i64> = found.iter().map(|id| number(id)).collect();
            assert_eq!(found, expected, "{size}");
        }
        let of_one = search(&format!("attribute.run_id = '{run_id}'"), "");
        let found = store.search_runs(&OPEN, of_one).await.unwrap().next_part(render).await.unwrap();
        assert_eq!(found, [render(&find_run(&store, &run_id).await).unwrap()]);
    }
}

/// Values of run `number` that tie with those of other runs and that some runs lack.
fn batch(number: i64) -> LogBatch {
    let mut batch = LogBatch::default();
    let value = if number % 7 == 0 { f64::NAN } else { (number % 5) as f64 };
    if number % 3 > 0 {
        batch.series.push(("m".to_owned(), vec![point(NOW, number, value)]));
        batch.params.push(pair("p", &"x".repeat(number as usize % 4 * 70)));
    }
    if number % 4 > 0 {
        batch.tags.push(pair("t", &(number % 6).to_string()));
    }
    batch
}

async fn log_run(store: &Store, number: i64) {
    let run = NewRun { start_ms: NOW + number * 37 % 11, ..new_run(number) };
    store.create_run(&OPEN, run.clone()).await.unwrap();
    store.log(&OPEN, &run.run_id, batch(number)).await.unwrap();
}

/// Gives a run other values of all that a search may sort by, but for its params, which never change.
async fn change_run(store: &Store, number: i64, step: i64) {
    let run_id = new_run(number).run_id;
    let mut batch = metric("m", vec![point(NOW, 1_000 + step, (step % 9) as f64 - 2.0)]);
    batch.tags.push(pair("t", &(step % 8).to_string()));
    store.log(&OPEN, &run_id, batch).await.unwrap();
    let status = RunStatus::ALL[step as usize % RunStatus::ALL.len()];
    let update = RunUpdate { status: Some(status), end_ms: Some(NOW + step), name: Some(format!("changed-{step}")) };
    store.update_run(&OPEN, &run_id, update).await.unwrap();
}

#[tokio::test]
async fn what_is_made_or_changed_meanwhile_neither_hides_nor_repeats_any_other_run() {
    for database in databases().await {
        let store = database.open().await;
        // Every fourth of them will change.
        for number in 0..60 {
            log_run(&store, number).await;
        }
        let mut last = 59;
        let stays = |id: &String| number(id) < 60 && number(id) % 4 != 1;

        for (filter, order) in [
            ("", ""),
            ("", "start_time"),
            ("", "metrics.m"),
            ("metrics.m >= 0", "metrics.m DESC"),
            ("", "params.p"),
            ("", "tags.t DESC,metrics.m"),
            ("metrics.m != 3", "run_name"),
            ("", "status,end_time DESC"),
            ("user_id = 'ada'", "run_id"),
        ] {
            let mut expected = find_in_pages(&store, &search(filter, order), 1_000).await;
            expected.retain(stays);
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let search = RunSearch { after, limit: 7, ..search(filter, order) };
                let mut page = store.search_runs(&OPEN, search).await.unwrap();
                last += 1;
                log_run(&store, last).await;
                change_run(&store, last % 15 * 4 + 1, last).await;
                found.extend(run_ids(&mut page).await);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }

            let unchanged: Vec<String> = found.iter().filter(|id| stays(id)).cloned().collect();
            assert_eq!(unchanged, expected, "{filter} by {order}");
            let made: Vec<&String> = found.iter().filter(|id| number(id) >= 60).collect();
            assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), made.len(), "{filter} by {order}: {made:?}");
        }
    }
}

fn place(keys: Vec<FieldValue>) -> RunCursor {
    RunCursor { keys, start_ms: NOW, run_id: new_run(1).run_id }
}

#[tokio::test]
async fn what_is_no_place_in_the_order_is_refused_as_a_page_token() {
    use FieldValue::{Int, Missing, Nan, Number, Text};
    let text = |text: &str| Text(text.to_owned());
    for database in databases().await {
        let store = database.open().await;
        for number in 0..3 {
            log_run(&store, number).await;
        }

        for (order, keys) in [
            ("", vec![Missing]),
            ("", vec![Int(NOW)]),
            ("metrics.m", vec![]),
            ("metrics.m", vec![Number(1.0), Number(1.0)]),
            ("metrics.m", vec![Number(f64::NAN)]),
            ("metrics.m", vec![Number(f64::INFINITY)]),
            ("metrics.m DESC", vec![Number(f64::NEG_INFINITY)]),
            ("metrics.m", vec![Int(1)]),
            ("metrics.m", vec![text("1")]),
            ("params.p", vec![Number(1.0)]),
            ("params.p", vec![Nan]),
            ("params.p", vec![Int(1)]),
            ("params.p", vec![text("a\0b")]),
            ("tags.t", vec![text("\0")]),
            ("tags.nowhere", vec![Nan]),
            ("run_name", vec![Int(1)]),
            ("user_id", vec![Missing]),
            ("user_id", vec![Int(1)]),
            ("user_id", vec![text("\0")]),
            ("status", vec![text("RUNNING")]),
            ("status", vec![Missing]),
            ("start_time", vec![Missing]),
            ("start_time", vec![Number(1.0)]),
            ("start_time", vec![text("1")]),
            ("end_time", vec![Nan]),
            ("end_time", vec![Number(1.0)]),
            ("end_time", vec![text("1")]),
            ("metrics.m,params.p", vec![Number(1.0)]),
            ("metrics.m,params.p", vec![text("1"), Number(1.0)]),
        ] {
            let about = format!("{keys:?} by {order}");
            let search = RunSearch { after: Some(place(keys)), ..search("", order) };
            let refused = refusal(store.search_runs(&OPEN, search).await);
            assert!(refused.starts_with("INVALID_PARAMETER_VALUE: Invalid page token"), "{about}: {refused}");
        }
        let after = RunCursor { run_id: "\0".to_owned(), ..place(Vec::new()) };
        let refused = refusal(store.search_runs(&OPEN, RunSearch { after: Some(after), ..search("", "") }).await);
        assert!(refused.starts_with("INVALID_PARAMETER_VALUE: Invalid page token"), "{refused}");
        for (order, other) in [("metrics.m", "params.p"), ("", "run_id"), ("params.p,tags.t", "params.p")] {
            let page = store.search_runs(&OPEN, RunSearch { limit: 1, ..search("", order) }).await.unwrap();
            assert!(page.next.is_some());
            let search = RunSearch { after: page.next, ..search("", other) };
            let refused = refusal(store.search_runs(&OPEN, search).await);
            assert!(refused.starts_with("INVALID_PARAMETER_VALUE: Invalid page token"), "{order}, {other}: {refused}");
        }
    }
}

#[tokio::test]
async fn a_place_where_no_run_stands_is_as_good_as_any_other() {
    use FieldValue::{Int, Missing, Nan, Number, Text};
    for database in databases().await {
        let store = database.open().await;
        for number in [1, 7, 3, 2] {
            log_run(&store, number).await;
        }

        for (order, key, start_ms, run_id, expected) in [
            ("metrics.m", Number(1.5), 0, "", &[2, 7, 3][..]),
            ("metrics.m", Number(f64::MAX), i64::MIN, "", &[7, 3]),
            ("metrics.m DESC", Number(f64::MAX), i64::MAX, "", &[2, 1, 7, 3]),
            ("metrics.m", Nan, i64::MIN, "", &[3]),
            ("metrics.m", Nan, i64::MAX, "", &[7, 3]),
            ("metrics.m", Missing, i64::MAX, "", &[3]),
            ("metrics.m", Missing, 0, "", &[]),
            ("params.p", Text("x".repeat(5_000)), 0, "", &[3]),
            ("params.p DESC", Text("x".repeat(5_000)), 0, "", &[7, 2, 1, 3]),
            ("params.p DESC", Missing, 0, "g", &[]),
            ("run_id", Text(String::new()), 0, "", &[1, 2, 3, 7]),
            ("start_time", Int(i64::MIN), 0, "", &[3, 1, 7, 2]),
            ("start_time", Int(i64::MAX), 0, "", &[]),
            ("status", Int(-5), 0, "", &[2, 7, 1, 3]),
            ("status", Int(99), 0, "", &[]),
            ("end_time", Int(5), 0, "", &[2, 7, 1, 3]),
            ("end_time", Missing, i64::MIN, "", &[]),
        ] {
            let about = format!("{key:?} by {order}");
            let after = Some(RunCursor { keys: vec![key], start_ms, run_id: run_id.to_owned() });
            let search = RunSearch { after, ..search("", order) };
            let mut page = store.search_runs(&OPEN, search).await.unwrap();
            let found: Vec<i64> = run_ids(&mut page).await.iter().map(|id| number(id)).collect();
            assert_eq!(found, expected, "{about}");
        }
    }
}
