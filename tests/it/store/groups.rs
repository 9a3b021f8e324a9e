//! Groups of runs: as a plain model has them, on both databases.

use std::collections::BTreeMap;

use windvane::model::RunStatus;
use windvane::store::{
    FieldValue, Group, GroupBy, GroupMetric, GroupOrder, GroupSearch, Groups, LogBatch, NewRun, Store,
};

use super::support::*;

const RUNS: i64 = 90;

/// What run `number` has: a param or none, a loss or none, a user.
fn value(number: i64) -> Option<String> {
    let head = "x".repeat(200);
    match number % 7 {
        0 => None,
        1 => Some(head),
        2 => Some(format!("{head}a")),
        3 => Some(format!("{head}b")),
        4 => Some(String::new()),
        other => Some(format!("{}", other * (number % 3))),
    }
}

fn loss(number: i64) -> Option<f64> {
    match number % 11 {
        0 => None,
        1 => Some(f64::NAN),
        // Sums of eighths are exact in any order.
        other => Some((other - 6) as f64 / 8.0 * (number % 4) as f64),
    }
}

fn user(number: i64) -> &'static str {
    ["ada", "bob", ""][(number % 3) as usize]
}

async fn log_runs(store: &Store) {
    for number in 0..RUNS {
        let run = NewRun { user_id: user(number).to_owned(), ..new_run(number) };
        let run_id = store.create_run(&OPEN, run).await.unwrap().run_id;
        let pairs: Vec<_> = value(number).map(|text| pair("p", &text)).into_iter().collect();
        let series = loss(number).map(|loss| ("loss".to_owned(), vec![point(NOW, 1, loss)])).into_iter().collect();
        let batch = LogBatch { params: pairs.clone(), tags: pairs, series, ..LogBatch::default() };
        store.log(&OPEN, &run_id, batch).await.unwrap();
        if number % 2 == 0 {
            store.update_run(&OPEN, &run_id, status(RunStatus::Finished)).await.unwrap();
        }
    }
}

/// The groups of a plain model, by value.
fn model(by: &GroupBy) -> Vec<Group> {
    let mut found: BTreeMap<(bool, Option<String>), Vec<i64>> = BTreeMap::new();
    for number in 0..RUNS {
        let value = match by {
            GroupBy::Param(key) | GroupBy::Tag(key) if key == "p" => value(number),
            GroupBy::Param(_) | GroupBy::Tag(_) => None,
            GroupBy::User => Some(user(number).to_owned()).filter(|user| !user.is_empty()),
            GroupBy::Status => Some(if number % 2 == 0 { "FINISHED" } else { "RUNNING" }.to_owned()),
        };
        found.entry((value.is_none(), value)).or_default().push(number);
    }
    let group = |((_, value), numbers): ((bool, Option<String>), Vec<i64>)| {
        let losses: Vec<f64> = numbers.iter().filter_map(|number| loss(*number)).collect();
        let finite: Vec<f64> = losses.iter().copied().filter(|loss| !loss.is_nan()).collect();
        let any = |value: f64| (!finite.is_empty()).then_some(value);
        let metric = GroupMetric {
            count: finite.len() as i64,
            nan: (losses.len() - finite.len()) as i64,
            mean: any(finite.iter().sum::<f64>() / finite.len() as f64),
            min: any(finite.iter().copied().fold(f64::INFINITY, f64::min)),
            max: any(finite.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
        };
        Group { value, runs: numbers.len() as i64, metrics: vec![(!losses.is_empty()).then_some(metric), None] }
    };
    found.into_iter().map(group).collect()
}

/// The model's groups in another order; equal ones stay in that of their values.
fn ordered(mut groups: Vec<Group>, order: &GroupOrder, ascending: bool) -> Vec<Group> {
    let mean = |group: &Group| group.metrics[0].and_then(|metric| metric.mean);
    let turned = |ordering: std::cmp::Ordering| if ascending { ordering } else { ordering.reverse() };
    match order {
        GroupOrder::Runs => groups.sort_by(|one, other| turned(one.runs.cmp(&other.runs))),
        GroupOrder::Value => groups.sort_by(|one, other| {
            let nothing = one.value.is_none().cmp(&other.value.is_none());
            nothing.then_with(|| turned(one.value.cmp(&other.value)))
        }),
        GroupOrder::Mean(_) => groups.sort_by(|one, other| {
            let nothing = mean(one).is_none().cmp(&mean(other).is_none());
            nothing.then_with(|| turned(mean(one).partial_cmp(&mean(other)).unwrap()))
        }),
    }
    groups
}

#[tokio::test]
async fn groups_are_those_of_a_plain_model_in_every_order() {
    let bys = [
        GroupBy::Param("p".to_owned()),
        GroupBy::Tag("p".to_owned()),
        GroupBy::Param("absent".to_owned()),
        GroupBy::User,
        GroupBy::Status,
    ];
    let orders = [GroupOrder::Runs, GroupOrder::Value, GroupOrder::Mean("loss".to_owned())];
    for database in databases().await {
        let store = database.open().await;
        log_runs(&store).await;
        for by in &bys {
            for order in &orders {
                for ascending in [true, false] {
                    let expected = ordered(model(by), order, ascending);
                    let metrics = vec!["loss".to_owned(), "absent".to_owned()];
                    let (by, order) = (by.clone(), order.clone());
                    let asked =
                        GroupSearch { search: search("", ""), by, metrics, order, ascending, offset: 0, limit: 50 };

                    let found = store.list_groups(&OPEN, &asked).await.unwrap();

                    assert_eq!(found, Groups { total: expected.len(), groups: expected.clone() }, "{asked:?}");
                    let part = GroupSearch { offset: 1, limit: 2, ..asked.clone() };
                    let part = store.list_groups(&OPEN, &part).await.unwrap();
                    assert_eq!(part.groups, expected.iter().skip(1).take(2).cloned().collect::<Vec<_>>());
                    let behind = store.list_groups(&OPEN, &GroupSearch { offset: 50, ..asked }).await.unwrap();
                    assert_eq!(behind, Groups { total: expected.len(), groups: Vec::new() });
                }
            }
        }
    }
}

#[tokio::test]
async fn a_table_is_exported_in_parts_with_whole_values() {
    for database in databases().await {
        let store = database.open().await;
        log_runs(&store).await;
        let columns = windvane::search::parse_run_columns(&["params.p".to_owned(), "tags.p".to_owned()]).unwrap();

        let mut export = store.export_rows(&OPEN, search("", "start_time"), columns).await.unwrap();
        let mut values = Vec::new();
        loop {
            let part = export.next_part().await.unwrap();
            if part.is_empty() {
                break;
            }
            values.extend(part.into_iter().map(|row| row.values));
        }

        let text = |number| value(number).map_or(FieldValue::Missing, FieldValue::Text);
        let expected: Vec<_> = (0..RUNS).map(|number| vec![text(number), text(number)]).collect();
        assert_eq!(values, expected);
    }
}
