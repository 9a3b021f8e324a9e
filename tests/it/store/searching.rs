//! Searches: what filters match, in which order, page by page.

use windvane::model::{Dataset, DatasetInput, RunStatus, ViewType};
use windvane::search::{parse_experiment_filter, parse_experiment_order, parse_run_filter, parse_run_order};
use windvane::store::{ExperimentSearch, NewRun, RunSearch, RunUpdate, Store};

use super::support::*;

fn runs(filter: &str) -> RunSearch {
    RunSearch {
        experiments: vec![0],
        view: ViewType::ActiveOnly,
        filter: parse_run_filter(filter).unwrap(),
        order: Vec::new(),
        after: None,
        limit: 1_000,
    }
}

/// The numbers of the runs that a search finds, as their ids were made from.
async fn find_runs(store: &Store, search: RunSearch) -> Vec<i64> {
    let mut page = store.search_runs(&OPEN, search).await.unwrap();
    assert_eq!(page.next, None);
    let mut numbers = Vec::new();
    loop {
        let part = page.next_part().await.unwrap();
        if part.is_empty() {
            return numbers;
        }
        numbers.extend(part.iter().map(|run| i64::from_str_radix(&run.info.run_id, 16).unwrap()));
    }
}

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

        assert_eq!(find_runs(&store, runs("")).await, expected);
        let ordered = parse_run_order(&["attribute.start_time DESC".to_owned()]).unwrap();
        assert_eq!(find_runs(&store, RunSearch { order: ordered, ..runs("") }).await, expected);
        for size in [7, 100, 229, 230] {
            let (mut found, mut after) = (Vec::new(), None);
            loop {
                let search = RunSearch { limit: size, after: after.take(), ..runs("") };
                let mut page = store.search_runs(&OPEN, search).await.unwrap();
                after.clone_from(&page.next);
                loop {
                    let part = page.next_part().await.unwrap();
                    if part.is_empty() {
                        break;
                    }
                    found.extend(part.into_iter().map(|run| run.info.run_id));
                }
                if after.is_none() {
                    break;
                }
            }
            let found: Vec<i64> = found.iter().map(|id| i64::from_str_radix(id, 16).unwrap()).collect();
            assert_eq!(found, expected, "{size}");
        }
        let search = runs(&format!("attribute.run_id = '{run_id}'"));
        let found = store.search_runs(&OPEN, search).await.unwrap().next_part().await.unwrap();
        assert_eq!(found, [find_run(&store, &run_id).await]);
    }
}

#[tokio::test]
async fn filters_of_runs_match_exactly_what_they_say() {
    let long = "é".repeat(250);
    for database in databases().await {
        let store = database.open().await;
        let elsewhere = store.create_experiment(&OPEN, "elsewhere", None, &[], NOW).await.unwrap();
        for number in 1..=6 {
            let mut new = new_run(number);
            new.user_id = format!("user-{}", number % 2);
            new.experiment_id = if number == 6 { elsewhere } else { 0 };
            store.create_run(&OPEN, new).await.unwrap();
            let value = if number == 2 { format!("{long}x") } else { long.clone() };
            let mut batch = param("lr", if number < 3 { "1" } else { "10" });
            batch.params.push(pair("long", &value));
            batch.tags.push(pair("team", &format!("t{}", number % 3)));
            store.log(&OPEN, &new_run(number).run_id, batch).await.unwrap();
        }
        let ended = RunUpdate { status: Some(RunStatus::Finished), end_ms: Some(77), name: None };
        store.update_run(&OPEN, &new_run(4).run_id, ended).await.unwrap();
        store.delete_run(&OPEN, &new_run(5).run_id, NOW).await.unwrap();
        let by_long_value = format!("params.long = '{long}'");
        let by_uri = format!("attribute.artifact_uri = 'mlflow-artifacts:/0/{}/artifacts'", new_run(3).run_id);
        let by_id = format!("attribute.run_id = '{}'", new_run(2).run_id);
        let by_start = format!("attribute.start_time = {}", NOW + 3);

        for (filter, expected) in [
            ("", &[4, 3, 2, 1][..]),
            ("params.lr = '1'", &[2, 1]),
            ("params.lr = '10' AND tags.team = 't1'", &[4]),
            ("params.lr = '1' AND params.lr = '10'", &[]),
            (&by_long_value, &[4, 3, 1]),
            ("tags.team = 't0'", &[3]),
            ("tags.lr = '1'", &[]),
            ("tags.unheard_of = 'x'", &[]),
            ("attribute.run_name = 'run-2'", &[2]),
            ("tags.mlflow.runName = 'run-2'", &[2]),
            ("attribute.status = 'FINISHED'", &[4]),
            ("attribute.status = 'finished'", &[]),
            ("attribute.end_time = 77", &[4]),
            (&by_start, &[3]),
            ("attribute.user_id = 'user-1'", &[3, 1]),
            (&by_uri, &[3]),
            (&by_id, &[2]),
        ] {
            assert_eq!(find_runs(&store, runs(filter)).await, expected, "{filter}");
        }
        let view = |view| RunSearch { view, ..runs("") };
        assert_eq!(find_runs(&store, view(ViewType::DeletedOnly)).await, [5]);
        assert_eq!(find_runs(&store, view(ViewType::All)).await, [5, 4, 3, 2, 1]);
        let within = |experiments| RunSearch { experiments, ..runs("") };
        assert_eq!(find_runs(&store, within(vec![elsewhere, 0, 99])).await, [6, 4, 3, 2, 1]);
        assert_eq!(find_runs(&store, within(vec![elsewhere, elsewhere])).await, [6]);
        assert_eq!(find_runs(&store, within(Vec::new())).await, [0_i64; 0]);
        assert_eq!(find_runs(&store, within((-16_383..=0).collect())).await, [4, 3, 2, 1]);
    }
}

#[tokio::test]
async fn what_runs_cannot_be_searched_by_is_named() {
    for database in databases().await {
        let store = database.open().await;
        for filter in ["metrics.loss > 1", "params.lr != '1'", "tags.a LIKE '%'", "dataset.name = 'x'"] {
            let refused = refusal(store.search_runs(&OPEN, runs(filter)).await);
            assert!(refused.starts_with("INVALID_PARAMETER_VALUE: this version cannot search runs by"), "{refused}");
        }
        let order = parse_run_order(&["metrics.loss ASC".to_owned()]).unwrap();
        let refused = refusal(store.search_runs(&OPEN, RunSearch { order, ..runs("") }).await);
        assert!(refused.contains("cannot order runs by 'metrics.loss'"), "{refused}");
        let experiments = vec![0; 16_385];
        let refused = refusal(store.search_runs(&OPEN, RunSearch { experiments, ..runs("") }).await);
        assert!(refused.contains("at most 16384 are allowed"), "{refused}");
    }
}

#[tokio::test]
async fn datasets_of_experiments_are_listed_once_for_each_context_those_without_one_first() {
    for database in databases().await {
        let store = database.open().await;
        let elsewhere = store.create_experiment(&OPEN, "elsewhere", None, &[], NOW).await.unwrap();
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
            let dataset = Dataset {
                name: name.to_owned(),
                digest: "1".to_owned(),
                source_type: String::new(),
                source: String::new(),
                schema: None,
                profile: None,
            };
            let tags = context.map(|context| pair("mlflow.data.context", context)).into_iter().collect();
            store.log_inputs(&OPEN, &run.run_id, vec![DatasetInput { dataset, tags }], Vec::new()).await.unwrap();
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
            ids.push(store.create_experiment(&OPEN, name, None, tags, created_ms).await.unwrap());
        }
        store.set_experiment_tag(&OPEN, ids[1], &pair("late", "1"), NOW).await.unwrap();
        let trash = store.create_experiment(&OPEN, "trash", None, &[], 5).await.unwrap();
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
        store.create_experiment(&OPEN, "another", None, &[], NOW).await.unwrap();
        let one = ExperimentSearch { limit: 1, ..experiments("", "") };
        let after = store.search_experiments(&OPEN, one).await.unwrap().next;

        let search = ExperimentSearch { after, ..experiments("", "name,creation_time") };
        let refused = refusal(store.search_experiments(&OPEN, search).await);

        assert!(refused.starts_with("INVALID_PARAMETER_VALUE: Invalid page token"), "{refused}");
    }
}
