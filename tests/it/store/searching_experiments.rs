//! Searches for experiments, and for the datasets that their runs read.

use windvane::model::{NewLocation, ViewType};
use windvane::search::{parse_experiment_filter, parse_experiment_order};
use windvane::store::{ExperimentSearch, NewRun, Store};

use super::support::*;

#[tokio::test]
async fn datasets_of_experiments_are_listed_once_for_each_context_those_without_one_first() {
    for database in databases().await {
        let store = database.open().await;
        let elsewhere = store.create_experiment(&OPEN, "elsewhere", NewLocation::Default, &[], NOW).await.unwrap();
        for (number, experiment_id, name, context) in [
            (1, 0, "era5", Some("training")),
            (2, 0, "era5", Some("training")),
            (3, 0, "era5", None),
            (4, 0, "era5", Some("Test")),
            (5, 0, "cerra", Some("training")),
            (6, elsewhere, "era5", Some("training")),
            (7, 0, "of a deleted run", None),
        ] {
            let run = NewRun { experiment_id, ..new_run(number) };
            store.create_run(&OPEN, run.clone()).await.unwrap();
            store.log_inputs(&OPEN, &run.run_id, vec![dataset(name, "1", context)], Vec::new()).await.unwrap();
        }
        store.delete_run(&OPEN, &new_run(7).run_id, NOW).await.unwrap();
        let search = async |experiments: &[i64]| {
            let found = store.search_datasets(&OPEN, experiments).await.unwrap();
            let seen = found.into_iter().map(|found| (found.experiment_id, found.name, found.context));
            seen.collect::<Vec<_>>()
        };
        let expected = |experiment_id, name: &str, context: &str| {
            (experiment_id, name.to_owned(), Some(context.to_owned()).filter(|context| !context.is_empty()))
        };

        let here = [
            expected(0, "cerra", "training"),
            expected(0, "era5", ""),
            expected(0, "era5", "Test"),
            expected(0, "era5", "training"),
        ];
        let there = expected(elsewhere, "era5", "training");
        assert_eq!(search(&[0]).await, here);
        assert_eq!(search(&[99, elsewhere, 0]).await, [&here[..], &[there]].concat());
        assert_eq!(search(&[]).await, []);
    }
}

fn experiments(filter: &str, order: &str) -> ExperimentSearch {
    let order: Vec<String> = order.split(',').filter(|key| !key.is_empty()).map(str::to_owned).collect();
    ExperimentSearch {
        view: ViewType::ActiveOnly,
        filter: parse_experiment_filter(filter).unwrap(),
        order: parse_experiment_order(&order).unwrap(),
        after: None,
        limit: 1_000,
    }
}

/// The names of the experiments that a search finds, which pages of any size must agree about.
async fn find_experiments(store: &Store, search: ExperimentSearch) -> Vec<String> {
    let page = store.search_experiments(&OPEN, search.clone()).await.unwrap();
    assert_eq!(page.next, None);
    for limit in [1, 2] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let search = ExperimentSearch { limit, after: after.take(), ..search.clone() };
            let page = store.search_experiments(&OPEN, search).await.unwrap();
            found.extend(page.experiments);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, page.experiments, "in pages of {limit}");
    }
    page.experiments.into_iter().map(|experiment| experiment.name).collect()
}

#[tokio::test]
async fn experiments_are_found_by_all_that_filters_say_in_every_order() {
    for database in databases().await {
        let store = database.open().await;
        // Names with letters that SQLite's LIKE would fold, and characters that patterns of other kinds would mean.
        let mut ids = Vec::new();
        for (name, created_ms) in [("alpha", 30), ("Alps*[x]", 10), ("b_ta%", 20), ("Éa", 20), ("éa", 40)] {
            let tags = [pair("size", &name.len().to_string()), pair("only", "b")];
            let tags = if name == "b_ta%" { &tags[..] } else { &tags[..1] };
            ids.push(store.create_experiment(&OPEN, name, NewLocation::Default, tags, created_ms).await.unwrap());
        }
        store.set_experiment_tag(&OPEN, ids[1], &pair("late", "1"), NOW).await.unwrap();
        let trash = store.create_experiment(&OPEN, "trash", NewLocation::Default, &[], 5).await.unwrap();
        store.delete_experiment(&OPEN, trash, 50).await.unwrap();
        store.delete_experiment(&OPEN, 0, 60).await.unwrap();
        let first_two = format!("experiment_id IN ('{}', '{}')", ids[0], ids[1]);
        let not_first_two = format!("experiment_id NOT IN ('{}', '{}')", ids[0], ids[1]);
        let not_first = format!("experiment_id != '{}'", ids[0]);
        let first = format!("experiment_id = '{}'", ids[0]);

        for (filter, order, expected) in [
            ("", "", &["éa", "alpha", "b_ta%", "Éa", "Alps*[x]"][..]),
            ("", "name", &["Alps*[x]", "alpha", "b_ta%", "Éa", "éa"]),
            ("", "name DESC", &["éa", "Éa", "b_ta%", "alpha", "Alps*[x]"]),
            ("", "creation_time", &["Alps*[x]", "Éa", "b_ta%", "alpha", "éa"]),
            ("", "creation_time,name", &["Alps*[x]", "b_ta%", "Éa", "alpha", "éa"]),
            ("", "creation_time DESC,experiment_id", &["éa", "alpha", "b_ta%", "Éa", "Alps*[x]"]),
            ("", "last_update_time DESC", &["Alps*[x]", "éa", "alpha", "Éa", "b_ta%"]),
            ("", "experiment_id DESC", &["éa", "Éa", "b_ta%", "Alps*[x]", "alpha"]),
            ("name = 'alpha'", "", &["alpha"]),
            ("name != 'alpha'", "name", &["Alps*[x]", "b_ta%", "Éa", "éa"]),
            ("name LIKE 'al%'", "", &["alpha"]),
            ("name ILIKE 'AL%'", "name", &["Alps*[x]", "alpha"]),
            ("name LIKE '%*[x]'", "", &["Alps*[x]"]),
            ("name LIKE 'b_ta_'", "", &["b_ta%"]),
            ("name LIKE '_a'", "name", &["Éa", "éa"]),
            ("name ILIKE 'ÉA'", "", &["Éa"]),
            ("creation_time >= 20 AND creation_time < 40", "name", &["alpha", "b_ta%", "Éa"]),
            ("last_update_time > 1000", "", &["Alps*[x]"]),
            (&first, "", &["alpha"]),
            (&not_first, "name", &["Alps*[x]", "b_ta%", "Éa", "éa"]),
            (&first_two, "name", &["Alps*[x]", "alpha"]),
            (&not_first_two, "name", &["b_ta%", "Éa", "éa"]),
            ("tags.size = '5'", "name", &["alpha", "b_ta%"]),
            ("tags.size != '5'", "name", &["Alps*[x]", "Éa", "éa"]),
            ("tags.size LIKE '%8'", "", &["Alps*[x]"]),
            ("tags.only ILIKE 'B'", "", &["b_ta%"]),
            ("tags.only IS NOT NULL", "", &["b_ta%"]),
            ("tags.only IS NULL AND tags.size = '5'", "", &["alpha"]),
            ("tags.unheard_of = 'x'", "", &[]),
        ] {
            assert_eq!(find_experiments(&store, experiments(filter, order)).await, expected, "{filter} by {order}");
        }
        let view = |view| ExperimentSearch { view, ..experiments("", "name") };
        assert_eq!(find_experiments(&store, view(ViewType::DeletedOnly)).await, ["Default", "trash"]);
        assert_eq!(find_experiments(&store, view(ViewType::All)).await.len(), 7);
    }
}

#[tokio::test]
async fn a_place_in_another_order_is_refused() {
    for database in databases().await {
        let store = database.open().await;
        store.create_experiment(&OPEN, "another", NewLocation::Default, &[], NOW).await.unwrap();
        let one = ExperimentSearch { limit: 1, ..experiments("", "") };
        let after = store.search_experiments(&OPEN, one).await.unwrap().next;

        let search = ExperimentSearch { after, ..experiments("", "name,creation_time") };
        let refused = refusal(store.search_experiments(&OPEN, search).await);

        assert!(refused.starts_with("INVALID_PARAMETER_VALUE: Invalid page token"), "{refused}");
    }
}
