//! Searches for runs: what filters match and how orders sort, row by row of the contract's section 6.1.
//!
//! Twelve runs do for both ways of finding: with pages of seven runs or fewer an index is walked as soon as a comparison
//! matches most of them, while the one page of a thousand sorts what an index lists. Where no comparison has an index,
//! all pages walk. `search_plans` shows which statements there are.

use futures_util::future::join_all;
use windvane::model::{NewLocation, RunStatus, ViewType};
use windvane::search::parse_run_filter;
use windvane::store::{LogBatch, NewRun, RunSearch, RunUpdate, Store};

use super::support::*;

/// All runs of [`log_runs`], by the default order: those of equal start by their ids.
const ALL: [i64; 12] = [12, 10, 11, 8, 9, 6, 7, 4, 5, 2, 3, 1];

/// What is logged to run `number`.
fn batch(number: i64) -> LogBatch {
    let mut batch = LogBatch::default();
    let loss = match number {
        1 | 2 => Some(0.5),
        3 | 7 => Some(f64::NAN),
        4 => Some(f64::INFINITY),
        5 => Some(f64::NEG_INFINITY),
        6 => Some(-0.0),
        10 => Some(1e-3),
        11 => Some(2.0),
        12 => Some(0.0),
        _ => None,
    };
    batch.series.extend(loss.map(|loss| ("loss".to_owned(), vec![point(NOW, 0, loss)])));
    let rates = ["0.1", "0.10", "1e-3", "A", "a", "é", "É", "a*b", "a?b", "[ab]", ""];
    batch.params.extend(rates.get(number as usize - 1).map(|rate| pair("lr", rate)));
    batch.params.extend(path(number).map(|path| pair("path", &path)));
    let note = match number {
        1 | 12 => Some("x_y"),
        2 => Some("x%y"),
        3 => Some(r"x\y"),
        4 => Some("X_Y"),
        5 => Some("xzy"),
        _ => None,
    };
    batch.tags.extend(note.map(|note| pair("note", note)));
    batch
}

/// Texts around the length that an index holds.
fn path(number: i64) -> Option<String> {
    Some(match number {
        1 => "x".repeat(199),
        2 => "x".repeat(200),
        3 => "x".repeat(201),
        4 => "x".repeat(250),
        5 => "x".repeat(200) + "a",
        6 => "x".repeat(200) + "b",
        7 => "é".repeat(250),
        8 => "é".repeat(249) + "è",
        9 => "é".repeat(200),
        _ => return None,
    })
}

/// Twelve runs, made in another order than that of their ids; two and two start at one time.
async fn log_runs(store: &Store) {
    for number in (1..=12).rev() {
        let user_id = if number % 2 == 0 { "Bob" } else { "ada" }.to_owned();
        let run = NewRun { start_ms: NOW + number / 2, user_id, ..new_run(number) };
        let run_id = run.run_id.clone();
        store.create_run(&OPEN, run).await.unwrap();
        store.log(&OPEN, &run_id, batch(number)).await.unwrap();
        let inputs = match number {
            1 => vec![dataset("era5", "d1", Some("train"))],
            2 => vec![dataset("era5", "d1", None), dataset("cerra", "d2", Some("eval"))],
            3 => vec![dataset("ERA5", "d1", Some("Train"))],
            4 => vec![dataset("e*a", "d3", None)],
            _ => Vec::new(),
        };
        store.log_inputs(&OPEN, &run_id, inputs, Vec::new()).await.unwrap();
        let (status, end) = match number {
            2 => (RunStatus::Scheduled, None),
            3 => (RunStatus::Finished, Some(50)),
            4 => (RunStatus::Failed, Some(10)),
            5 => (RunStatus::Killed, Some(50)),
            6 => (RunStatus::Finished, Some(20)),
            7 => (RunStatus::Finished, None),
            _ => (RunStatus::Running, None),
        };
        let name = (number == 3).then(|| "Run-3".to_owned());
        let update = RunUpdate { status: Some(status), end_ms: end.map(|end| NOW + end), name };
        store.update_run(&OPEN, &run_id, update).await.unwrap();
        if number == 2 {
            store.delete_run_tag(&OPEN, &run_id, "mlflow.runName").await.unwrap();
        }
    }
}

/// Asserts what a search finds, in one page and in pages of several sizes.
async fn assert_finds(store: &Store, search: &RunSearch, expected: &[i64], about: &str) {
    for limit in [1_000, 1, 2, 3, 7] {
        let found = find_in_pages(store, search, limit).await;
        let found: Vec<i64> = found.iter().map(|id| number(id)).collect();
        assert_eq!(found, expected, "{about} in pages of {limit}");
    }
}

/// Asserts what each filter and order finds among [`log_runs`]. `NOW` in a filter is the start of run 1, `NOW+1` a
/// millisecond after it, `ID` the common beginning of the ids.
async fn assert_all(cases: &[(&str, &str, &[i64])]) {
    let databases = databases().await;
    let checks = databases.iter().map(|database| async {
        let store = database.open().await;
        log_runs(&store).await;
        for (filter, order, expected) in cases {
            let filter = (1..=60).rev().fold(filter.to_string(), |filter, offset| {
                filter.replace(&format!("NOW+{offset}"), &(NOW + offset).to_string())
            });
            let filter = filter.replace("NOW", &NOW.to_string()).replace("ID", &"0".repeat(31));
            assert_finds(&store, &search(&filter, order), expected, &format!("{filter} by {order}")).await;
        }
    });
    join_all(checks).await;
}

#[tokio::test]
async fn metrics_are_compared_as_numbers_of_which_nan_only_differs() {
    assert_all(&[
        ("", "", &ALL),
        ("metrics.loss = 0.5", "", &[2, 1]),
        ("metric.loss != 0.5", "", &[12, 10, 11, 6, 7, 4, 5, 3]),
        ("metrics.loss > 0.5", "", &[11, 4]),
        ("metrics.loss >= 0.5", "", &[11, 4, 2, 1]),
        ("metrics.loss < 0", "", &[5]),
        ("metrics.loss <= 0", "", &[12, 6, 5]),
        ("metrics.loss = -0.0", "", &[12, 6]),
        ("metrics.loss = 1e-3", "", &[10]),
        ("metrics.loss > 1.797e308", "", &[4]),
        ("metrics.loss = 1.7976931348623157e308", "", &[4]),
        ("metrics.loss >= 1.7976931348623157e308", "", &[4]),
        ("metrics.loss <= -1.7976931348623157e308", "", &[5]),
        ("metrics.loss > -1.7976931348623157e308", "", &[12, 10, 11, 6, 4, 2, 1]),
        ("metrics.loss > 0 AND metrics.loss < 1", "", &[10, 2, 1]),
        ("metrics.loss >= 0 and metrics.`loss` <= 0 AND", "", &[12, 6]),
        ("metrics.loss != 0 AND metrics.loss != 0.5", "", &[10, 11, 7, 4, 5, 3]),
        ("metrics.loss > 0 AND metrics.loss < 0", "", &[]),
        ("metrics.nowhere != 1", "", &[]),
        ("metrics.lr != 1", "", &[]),
        ("metrics.loss > 0 AND params.lr = '0.1'", "", &[1]),
    ])
    .await;
}

#[tokio::test]
async fn params_and_tags_are_compared_as_texts_in_full_length() {
    let x = |count: usize, tail: &str| format!("params.path = '{}{tail}'", "x".repeat(count));
    let e = |count: usize, tail: &str| format!("params.path = '{}{tail}'", "é".repeat(count));
    let not = x(200, "").replace(" = ", " != ");
    let like = x(200, "_").replace(" = ", " LIKE ");
    assert_all(&[
        ("params.lr = '0.1'", "", &[1]),
        ("param.lr = 'a'", "", &[5]),
        ("parameter.lr = ''", "", &[11]),
        ("parameters.lr != 'a'", "", &[10, 11, 8, 9, 6, 7, 4, 2, 3, 1]),
        ("params.lr IS NULL", "", &[12]),
        ("params.lr is not null", "", &[10, 11, 8, 9, 6, 7, 4, 5, 2, 3, 1]),
        ("params.lr = 'a' AND params.lr = 'A'", "", &[]),
        ("params.nowhere IS NULL", "", &ALL),
        ("params.nowhere IS NOT NULL", "", &[]),
        ("params.nowhere != 'x'", "", &[]),
        ("params.note IS NULL AND tags.note = 'x_y'", "", &[12, 1]),
        ("tags.note = 'x_y'", "", &[12, 1]),
        ("tag.note != 'x_y'", "", &[4, 5, 2, 3]),
        ("tags.note IS NULL", "", &[10, 11, 8, 9, 6, 7]),
        ("tags.note IS NOT NULL", "", &[12, 4, 5, 2, 3, 1]),
        ("tags.nowhere = 'x'", "", &[]),
        (&x(199, ""), "", &[1]),
        (&x(200, ""), "", &[2]),
        (&x(201, ""), "", &[3]),
        (&x(250, ""), "", &[4]),
        (&x(200, "a"), "", &[5]),
        (&x(200, "c"), "", &[]),
        (&e(250, ""), "", &[7]),
        (&e(249, "è"), "", &[8]),
        (&e(200, ""), "", &[9]),
        (&e(201, ""), "", &[]),
        (&not, "", &[8, 9, 6, 7, 4, 5, 3, 1]),
        (&like, "", &[6, 5, 3]),
    ])
    .await;
}

#[tokio::test]
async fn patterns_have_two_wildcards_and_like_minds_the_case_of_letters() {
    assert_all(&[
        ("params.lr LIKE 'a%'", "", &[8, 9, 5]),
        ("params.lr ILIKE 'a%'", "", &[8, 9, 4, 5]),
        ("params.lr LIKE 'a*b'", "", &[8]),
        ("params.lr LIKE 'a?b'", "", &[9]),
        ("params.lr LIKE '[ab]'", "", &[10]),
        ("params.lr LIKE '[%'", "", &[10]),
        ("params.lr LIKE '%]'", "", &[10]),
        ("params.lr LIKE 'a_b'", "", &[8, 9]),
        ("params.lr ilike 'A_B'", "", &[8, 9]),
        ("params.lr LIKE '%.1_'", "", &[2]),
        ("params.lr LIKE '%'", "", &[10, 11, 8, 9, 6, 7, 4, 5, 2, 3, 1]),
        ("params.lr LIKE ''", "", &[11]),
        ("params.lr LIKE '_'", "", &[6, 7, 4, 5]),
        ("params.lr LIKE 'É'", "", &[7]),
        ("params.lr ILIKE 'É'", "", &[7]),
        ("params.lr LIKE 'a%' AND params.lr LIKE '%*%'", "", &[8]),
        ("params.nowhere LIKE '%'", "", &[]),
        ("tags.note LIKE 'x_y'", "", &[12, 5, 2, 3, 1]),
        ("tags.note LIKE 'x%y'", "", &[12, 5, 2, 3, 1]),
        ("tags.note ILIKE 'x_y'", "", &[12, 4, 5, 2, 3, 1]),
        (r"tags.note LIKE 'x\y'", "", &[3]),
        (r"tags.note LIKE 'x\%'", "", &[3]),
        (r"tags.note ILIKE 'X\_'", "", &[3]),
    ])
    .await;
}

#[tokio::test]
async fn attributes_are_compared_as_texts_and_times_as_numbers_of_any_size() {
    assert_all(&[
        ("run_id = 'ID5'", "", &[5]),
        ("attribute.run_id != 'ID5'", "", &[12, 10, 11, 8, 9, 6, 7, 4, 2, 3, 1]),
        ("attr.run_id LIKE '%c'", "", &[12]),
        ("attributes.run_id LIKE '%C'", "", &[]),
        ("run.run_id ILIKE '%C'", "", &[12]),
        ("run_id IN ('ID2', 'ID3', 'nothing', 'ID2')", "", &[2, 3]),
        ("run_id NOT IN ('ID2', 'ID3')", "", &[12, 10, 11, 8, 9, 6, 7, 4, 5, 1]),
        ("run_id IN ('ID2') AND run_id IN ('ID3')", "", &[]),
        ("run_name = 'run-5'", "", &[5]),
        ("attributes.`run name` = 'run-5'", "", &[5]),
        ("attributes.`Run name` = 'Run-3'", "", &[3]),
        ("attributes.`Run Name` != 'run-5'", "", &[12, 10, 11, 8, 9, 6, 7, 4, 3, 1]),
        ("run_name LIKE 'run-1%'", "", &[12, 10, 11, 1]),
        ("run_name ILIKE 'RUN-3'", "", &[3]),
        ("tags.mlflow.runName IS NULL", "", &[2]),
        ("user_id = 'ada'", "", &[11, 9, 7, 5, 3, 1]),
        ("user_id != 'ada'", "", &[12, 10, 8, 6, 4, 2]),
        ("user_id LIKE 'B%'", "", &[12, 10, 8, 6, 4, 2]),
        ("user_id LIKE 'b%'", "", &[]),
        ("user_id ILIKE 'b_b'", "", &[12, 10, 8, 6, 4, 2]),
        ("status = 'FINISHED'", "", &[6, 7, 3]),
        ("status = 'finished'", "", &[]),
        ("status != 'RUNNING'", "", &[6, 7, 4, 5, 2, 3]),
        ("status LIKE 'F%'", "", &[6, 7, 4, 3]),
        ("status LIKE '%ed'", "", &[]),
        ("status ILIKE '%ed'", "", &[6, 7, 4, 5, 2, 3]),
        ("status != 'none of them'", "", &ALL),
        ("artifact_uri = 'mlflow-artifacts:/0/ID7/artifacts'", "", &[7]),
        ("artifact_uri != 'mlflow-artifacts:/0/ID7/artifacts'", "", &[12, 10, 11, 8, 9, 6, 4, 5, 2, 3, 1]),
        ("artifact_uri LIKE '%c/artifacts'", "", &[12]),
        ("artifact_uri ILIKE 'MLFLOW%'", "", &ALL),
        ("start_time = NOW+3", "", &[6, 7]),
        ("attributes.created != NOW+3", "", &[12, 10, 11, 8, 9, 4, 5, 2, 3, 1]),
        ("Created > NOW+4", "", &[12, 10, 11]),
        ("start_time >= NOW+5", "", &[12, 10, 11]),
        ("start_time < NOW+1", "", &[1]),
        ("start_time <= NOW+1", "", &[2, 3, 1]),
        ("start_time > NOW+4.5", "", &[12, 10, 11]),
        ("start_time >= NOW+4.5", "", &[12, 10, 11]),
        ("start_time < NOW.5", "", &[1]),
        ("start_time <= NOW.5", "", &[1]),
        ("start_time = NOW+3.5", "", &[]),
        ("start_time = NOW+3.0", "", &[6, 7]),
        ("start_time != NOW+3.5", "", &ALL),
        ("start_time < 9e18 AND start_time != 9e18 AND start_time >= -9e18", "", &ALL),
        ("start_time <= 9223372036854775807", "", &ALL),
        ("start_time > 9223372036854775807", "", &[]),
        ("start_time > 9e18", "", &[]),
        ("start_time = 9e18", "", &[]),
        ("start_time <= -9e18", "", &[]),
        ("end_time = NOW+50", "", &[5, 3]),
        ("end_time != NOW+50", "", &[6, 4]),
        ("end_time > NOW+10", "", &[6, 5, 3]),
        ("end_time >= NOW+9.5", "", &[6, 4, 5, 3]),
        ("end_time < NOW+20", "", &[4]),
        ("end_time <= NOW+20.5", "", &[6, 4]),
        ("end_time < 9e18", "", &[6, 4, 5, 3]),
        ("end_time != 0.5 AND end_time > -9e18", "", &[6, 4, 5, 3]),
        ("end_time > 9e18", "", &[]),
    ])
    .await;
}

#[tokio::test]
async fn a_comparison_of_datasets_holds_where_any_dataset_of_the_run_fulfils_it() {
    assert_all(&[
        ("dataset.name = 'era5'", "", &[2, 1]),
        ("datasets.name != 'era5'", "", &[4, 2, 3]),
        ("dataset.name LIKE 'era%'", "", &[2, 1]),
        ("dataset.name ILIKE 'era%'", "", &[2, 3, 1]),
        ("dataset.name LIKE 'e*a'", "", &[4]),
        ("dataset.name IN ('cerra', 'e*a', 'nothing')", "", &[4, 2]),
        ("dataset.name NOT IN ('era5', 'e*a')", "", &[2, 3]),
        ("dataset.digest = 'd1'", "", &[2, 3, 1]),
        ("dataset.digest != 'd1'", "", &[4, 2]),
        ("dataset.digest LIKE '_3'", "", &[4]),
        ("dataset.digest ILIKE 'D_'", "", &[4, 2, 3, 1]),
        ("dataset.digest IN ('d1', 'd2')", "", &[2, 3, 1]),
        ("dataset.digest NOT IN ('d1')", "", &[4, 2]),
        ("dataset.context = 'train'", "", &[1]),
        ("dataset.context != 'train'", "", &[2, 3]),
        ("dataset.context LIKE '%rain'", "", &[3, 1]),
        ("dataset.context ILIKE 'TRAIN'", "", &[3, 1]),
        ("dataset.context IN ('eval', 'train')", "", &[2, 1]),
        ("dataset.context NOT IN ('eval')", "", &[3, 1]),
        ("dataset.name = 'era5' AND dataset.context = 'eval'", "", &[2]),
        ("dataset.name = 'era5' AND dataset.name = 'cerra'", "metrics.loss", &[2]),
    ])
    .await;
}

#[tokio::test]
async fn missing_values_are_last_in_either_direction_and_ties_by_start_and_id() {
    assert_all(&[
        ("", "metrics.loss", &[5, 12, 6, 10, 2, 1, 11, 4, 7, 3, 8, 9]),
        ("", "metrics.loss DESC", &[4, 11, 2, 1, 10, 12, 6, 5, 7, 3, 8, 9]),
        ("", "params.lr ASC", &[11, 1, 2, 3, 4, 10, 5, 8, 9, 7, 6, 12]),
        ("", "param.lr DESC", &[6, 7, 9, 8, 5, 10, 4, 3, 2, 1, 11, 12]),
        ("", "params.path", &[1, 2, 5, 6, 3, 4, 9, 8, 7, 12, 10, 11]),
        ("", "params.path DESC", &[7, 8, 9, 4, 3, 6, 5, 2, 1, 12, 10, 11]),
        ("", "tags.note", &[4, 2, 3, 12, 1, 5, 10, 11, 8, 9, 6, 7]),
        ("", "tag.note DESC", &[5, 12, 1, 3, 2, 4, 10, 11, 8, 9, 6, 7]),
        ("", "run_name", &[3, 1, 10, 11, 12, 4, 5, 6, 7, 8, 9, 2]),
        ("", "attributes.`Run Name` DESC", &[9, 8, 7, 6, 5, 4, 12, 11, 10, 1, 3, 2]),
        ("", "status", &[4, 6, 7, 3, 5, 12, 10, 11, 8, 9, 1, 2]),
        ("", "status DESC", &[2, 12, 10, 11, 8, 9, 1, 5, 6, 7, 3, 4]),
        ("", "user_id", &[12, 10, 8, 6, 4, 2, 11, 9, 7, 5, 3, 1]),
        ("", "user_id DESC", &[11, 9, 7, 5, 3, 1, 12, 10, 8, 6, 4, 2]),
        ("", "run_id", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        ("", "run_id DESC", &[12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        ("", "artifact_uri", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        ("", "artifact_uri DESC", &[12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        ("", "start_time", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        ("", "created DESC", &ALL),
        ("", "end_time", &[4, 6, 5, 3, 12, 10, 11, 8, 9, 7, 2, 1]),
        ("", "end_time DESC", &[5, 3, 6, 4, 12, 10, 11, 8, 9, 7, 2, 1]),
        ("", "metrics.nowhere DESC", &ALL),
        ("", "params.nowhere", &ALL),
        ("", "metrics.nowhere,run_id", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        ("", "user_id,metrics.loss DESC", &[4, 2, 10, 12, 6, 8, 11, 1, 5, 7, 3, 9]),
        ("", "metrics.loss DESC,run_id DESC", &[4, 11, 2, 1, 10, 12, 6, 5, 7, 3, 9, 8]),
        ("", "tags.note DESC,params.lr", &[5, 1, 12, 3, 2, 4, 11, 10, 8, 9, 7, 6]),
        ("", "metrics.loss,end_time DESC,start_time", &[5, 6, 12, 10, 1, 2, 11, 4, 3, 7, 8, 9]),
        ("", "start_time DESC,metrics.loss", &[12, 10, 11, 8, 9, 6, 7, 5, 4, 2, 3, 1]),
        ("", "status,user_id DESC,tags.note", &[4, 3, 7, 6, 5, 1, 11, 9, 12, 10, 8, 2]),
    ])
    .await;
}

#[tokio::test]
async fn what_an_order_walks_along_is_filtered_by_what_it_sorts_by_and_by_anything_else() {
    let all_ids: Vec<String> = (1..=12).map(|number| format!("'{}'", new_run(number).run_id)).collect();
    let all = format!("run_id IN ({})", all_ids.join(", "));
    assert_all(&[
        ("metrics.loss != 0.5", "metrics.loss", &[5, 12, 6, 10, 11, 4, 7, 3]),
        ("metrics.loss != 0.5 AND metrics.loss > -1", "metrics.loss DESC", &[4, 11, 10, 12, 6]),
        ("metrics.loss > -1.7976931348623157e308", "metrics.loss DESC", &[4, 11, 2, 1, 10, 12, 6]),
        ("metrics.loss >= -1.7976931348623157e308", "params.lr", &[11, 1, 2, 4, 10, 5, 6, 12]),
        ("params.lr IS NULL", "params.lr", &[12]),
        ("params.lr IS NOT NULL", "params.lr DESC", &[6, 7, 9, 8, 5, 10, 4, 3, 2, 1, 11]),
        ("tags.note != 'x_y'", "tags.note", &[4, 2, 3, 5]),
        ("run_name LIKE '%-1%'", "run_name DESC", &[12, 11, 10, 1]),
        ("tags.mlflow.runName IS NULL", "run_name", &[2]),
        ("user_id = 'ada'", "metrics.loss", &[5, 1, 11, 7, 3, 9]),
        ("tags.note LIKE 'x%'", "params.path DESC", &[3, 5, 2, 1, 12]),
        ("start_time >= NOW+1", "params.path", &[2, 5, 6, 3, 4, 9, 8, 7, 12, 10, 11]),
        ("start_time >= NOW+1", "start_time", &[2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]),
        (&all, "metrics.loss", &[5, 12, 6, 10, 2, 1, 11, 4, 7, 3, 8, 9]),
        (&all, "tags.note DESC", &[5, 12, 1, 3, 2, 4, 10, 11, 8, 9, 6, 7]),
        (&all, "params.path", &[1, 2, 5, 6, 3, 4, 9, 8, 7, 12, 10, 11]),
        (&all, "", &ALL),
        (&all, "end_time", &[4, 6, 5, 3, 12, 10, 11, 8, 9, 7, 2, 1]),
        ("status = 'RUNNING'", "tags.note,metrics.loss DESC", &[1, 12, 11, 10, 8, 9]),
    ])
    .await;
}

#[tokio::test]
async fn deleted_runs_are_found_where_they_are_asked_for() {
    for database in databases().await {
        let store = database.open().await;
        log_runs(&store).await;
        for number in [4, 11] {
            store.delete_run(&OPEN, &new_run(number).run_id, NOW).await.unwrap();
        }
        for (view, order, expected) in [
            (ViewType::ActiveOnly, "", &[12, 10, 8, 9, 6, 7, 5, 2, 3, 1][..]),
            (ViewType::DeletedOnly, "", &[11, 4]),
            (ViewType::All, "", &ALL),
            (ViewType::ActiveOnly, "metrics.loss DESC", &[2, 1, 10, 12, 6, 5, 7, 3, 8, 9]),
            (ViewType::DeletedOnly, "metrics.loss DESC", &[4, 11]),
            (ViewType::DeletedOnly, "end_time", &[4, 11]),
        ] {
            let search = RunSearch { view, ..search("", order) };
            assert_finds(&store, &search, expected, &format!("{view:?} by {order}")).await;
        }
    }
}

#[tokio::test]
async fn few_or_many_experiments_are_searched_as_one() {
    for database in databases().await {
        let store = database.open().await;
        let mut experiments = vec![0];
        for place in 1..24 {
            let name = format!("experiment {place}");
            experiments.push(store.create_experiment(&OPEN, &name, NewLocation::Default, &[], NOW).await.unwrap());
        }
        // Two runs in each experiment, and none in the last four.
        for number in 0..40_i64 {
            let run = NewRun {
                experiment_id: experiments[(number % 20) as usize],
                start_ms: NOW + number % 3,
                ..new_run(number)
            };
            store.create_run(&OPEN, run.clone()).await.unwrap();
            let mut batch = param("p", &"long ".repeat(number as usize % 4 * 20));
            if number % 5 > 0 {
                batch.series.push(("m".to_owned(), vec![point(NOW, 0, (number % 5) as f64)]));
            }
            store.log(&OPEN, &run.run_id, batch).await.unwrap();
        }

        for count in [1, 2, 16, 17, 24] {
            let by_key = |key: fn(i64) -> (bool, i64), descending: bool| {
                let mut found: Vec<i64> = (0..40).filter(|number| number % 20 < count as i64).collect();
                found.sort_by_key(|number| {
                    let (is_missing, key) = key(*number);
                    (is_missing, if descending { -key } else { key }, -(number % 3), *number)
                });
                found
            };
            let m = |number| (number % 5 == 0, number % 5);
            let p = |number| (false, number % 4);
            for (filter, order, expected) in [
                ("", "", by_key(|_| (false, 0), false)),
                ("", "start_time", by_key(|number| (false, number % 3), false)),
                ("", "metrics.m", by_key(m, false)),
                ("", "metrics.m DESC", by_key(m, true)),
                ("params.p LIKE '%'", "params.p DESC", by_key(p, true)),
                ("", "tags.nowhere", by_key(|_| (false, 0), false)),
            ] {
                let experiments = experiments[..count].to_vec();
                let search = RunSearch { experiments, ..search(filter, order) };
                assert_finds(&store, &search, &expected, &format!("{filter} by {order} in {count}")).await;
            }
            let few = RunSearch { experiments: experiments[..count].to_vec(), ..search("metrics.m >= 4", "params.p") };
            let mut expected = by_key(p, false);
            expected.retain(|number| number % 5 == 4);
            assert_finds(&store, &few, &expected, &format!("few in {count}")).await;
        }
        let experiments = experiments[20..].to_vec();
        assert_finds(&store, &RunSearch { experiments, ..search("", "metrics.m") }, &[], "empty ones").await;
        assert_finds(&store, &RunSearch { experiments: Vec::new(), ..search("", "") }, &[], "none").await;
        assert_finds(&store, &RunSearch { experiments: vec![99_999], ..search("", "") }, &[], "an unknown one").await;
    }
}

#[tokio::test]
async fn a_search_has_a_limit_of_experiments_and_of_keys() {
    for database in databases().await {
        let store = database.open().await;
        create_run(&store, 1).await;
        store.log(&OPEN, &new_run(1).run_id, metric("m", vec![point(NOW, 0, 1.0)])).await.unwrap();
        let most = RunSearch { experiments: (0..16_384).collect(), ..search("", "") };
        assert_finds(&store, &most, &[1], "no filter").await;
        let filter =
            parse_run_filter("metrics.m > 0 AND metrics.m < 2 AND start_time > 0 AND run_name = 'run-1'").unwrap();
        assert_finds(&store, &RunSearch { filter, ..most }, &[1], "a filter").await;
        let experiments = (0..=16_384).collect();
        let refused = refusal(store.search_runs(&OPEN, RunSearch { experiments, ..search("", "") }).await);
        assert!(refused.contains("at most 16384 are allowed"), "{refused}");
        let order: Vec<String> = (0..21).map(|key| format!("params.p{key}")).collect();
        assert_finds(&store, &search("", &order[..20].join(",")), &[1], "twenty keys").await;
        let refused = refusal(store.search_runs(&OPEN, search("", &order.join(","))).await);
        assert!(refused.contains("at most 20 are allowed"), "{refused}");
    }
}
