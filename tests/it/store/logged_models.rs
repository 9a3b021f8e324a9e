//! Logged models: their life, what belongs to them, and how they are found.

use std::collections::BTreeSet;

use windvane::error::Error;
use windvane::model::{LoggedModel, MetricValue, ModelOutput, ModelStatus, NewLocation, Point};
use windvane::search::{ModelAttribute, parse_model_filter};
use windvane::store::{
    LogBatch, ModelDataset, ModelMetric, ModelOrder, ModelOrderField, ModelSearch, NewLoggedModel, Store,
};

use super::support::*;

async fn create(store: &Store, number: i64) -> LoggedModel {
    store.create_logged_model(&OPEN, new_model(number), NOW + number).await.unwrap()
}

async fn find(store: &Store, model_id: &str) -> Option<LoggedModel> {
    store.find_logged_model(&OPEN, model_id, false).await.unwrap()
}

/// A point of a model on a dataset, logged by a run.
async fn measure(store: &Store, run_id: &str, model_id: &str, key: &str, (step, value): (i64, f64), dataset: &str) {
    let point = Point { timestamp_ms: NOW, step, value: MetricValue::new(value) };
    let digest = if dataset.is_empty() { "" } else { "d1" };
    let metric = ModelMetric {
        key: key.to_owned(),
        model_id: model_id.to_owned(),
        dataset_name: dataset.to_owned(),
        dataset_digest: digest.to_owned(),
        point,
    };
    let series = vec![(key.to_owned(), vec![point])];
    let batch = LogBatch { series, model_metrics: vec![metric], ..LogBatch::default() };
    store.log(&OPEN, run_id, batch).await.unwrap();
}

fn search_for(filter: &str) -> ModelSearch {
    ModelSearch {
        experiment_ids: vec![0],
        filter: parse_model_filter(filter).unwrap(),
        datasets: Vec::new(),
        order: Vec::new(),
        offset: 0,
        limit: 100,
    }
}

/// The numbers of the models that a search finds, in its order, in pages of two.
async fn numbers(store: &Store, mut search: ModelSearch) -> Vec<i64> {
    let mut found = Vec::new();
    search.limit = 2;
    loop {
        let page = store.search_logged_models(&OPEN, search.clone()).await.unwrap();
        found.extend(page.models.iter().map(|model| i64::from_str_radix(&model.model_id[2..], 16).unwrap()));
        if !page.more {
            return found;
        }
        search.offset += 2;
    }
}

#[tokio::test]
async fn a_model_is_created_changed_and_deleted() {
    for database in databases().await {
        let store = database.open().await;
        let mut new = new_model(1);
        new.model_type = Some("agent".to_owned());
        new.source_run_id = Some("a-run".to_owned());
        new.params = vec![pair("p", "1"), pair("any key $", "")];
        new.tags = vec![pair("t", "old"), pair("t", "new")];
        let id = new.model_id.clone();

        let created = store.create_logged_model(&OPEN, new.clone(), NOW).await.unwrap();
        let read = find(&store, &id).await.unwrap();
        store.set_logged_model_tags(&OPEN, &id, &[pair("u", "1"), pair("t", "newer")]).await.unwrap();
        store.delete_logged_model_tag(&OPEN, &id, "u").await.unwrap();
        let no_tag = store.delete_logged_model_tag(&OPEN, &id, "u").await.unwrap_err();
        store.log_logged_model_params(&OPEN, &id, &[pair("p", "1"), pair("q", "2")]).await.unwrap();
        let changed = store.log_logged_model_params(&OPEN, &id, &[pair("r", "0"), pair("q", "3")]).await.unwrap_err();
        let ready = store.finalize_logged_model(&OPEN, &id, ModelStatus::Ready, NOW + 9).await.unwrap();

        assert_eq!(created, read);
        assert_eq!(created.artifact_uri, format!("mlflow-artifacts:/0/models/{id}/artifacts"));
        assert_eq!((created.status, created.created_ms, created.updated_ms), (ModelStatus::Pending, NOW, NOW));
        assert_eq!(created.tags, [pair("t", "new")]);
        assert_eq!(no_tag.to_string(), format!("No tag with key 'u' found for model with ID '{id}'."));
        assert!(matches!(changed, Error::Invalid(_)), "{changed}");
        assert_eq!((ready.status, ready.updated_ms), (ModelStatus::Ready, NOW + 9));
        assert_eq!(ready.tags, [pair("t", "newer")]);
        assert_eq!(ready.params, [pair("any key $", ""), pair("p", "1"), pair("q", "2")]);

        store.delete_logged_model(&OPEN, &id, NOW + 10).await.unwrap();
        store.delete_logged_model(&OPEN, &id, NOW + 11).await.unwrap();
        assert_eq!(find(&store, &id).await, None);
        let deleted = store.find_logged_model(&OPEN, &id, true).await.unwrap().unwrap();
        assert_eq!((deleted.lifecycle.as_str(), deleted.updated_ms), ("deleted", NOW + 10));
        let gone = format!("Logged model with ID '{id}' not found.");
        for refusal in [
            store.finalize_logged_model(&OPEN, &id, ModelStatus::Failed, NOW).await.unwrap_err(),
            store.set_logged_model_tags(&OPEN, &id, &[]).await.unwrap_err(),
            store.delete_logged_model_tag(&OPEN, &id, "t").await.unwrap_err(),
            store.log_logged_model_params(&OPEN, &id, &[]).await.unwrap_err(),
        ] {
            assert_eq!(refusal.to_string(), gone);
        }
        assert!(matches!(store.delete_logged_model(&OPEN, "m-x", NOW).await, Err(Error::NotFound(_))));
    }
}

#[tokio::test]
async fn no_model_is_made_in_an_experiment_that_is_absent_or_deleted() {
    for database in databases().await {
        let store = database.open().await;
        let trash = store.create_experiment(&OPEN, "trash", NewLocation::Default, &[], NOW).await.unwrap();
        store.delete_experiment(&OPEN, trash, NOW).await.unwrap();

        let of = |experiment_id| NewLoggedModel { experiment_id, ..new_model(1) };
        let absent = store.create_logged_model(&OPEN, of(999), NOW).await.unwrap_err();
        let deleted = store.create_logged_model(&OPEN, of(trash), NOW).await.unwrap_err();

        assert_eq!(absent.to_string(), "No Experiment with id=999 exists");
        assert!(deleted.to_string().contains("must be in the 'active' state"), "{deleted}");
    }
}

#[tokio::test]
async fn a_run_tells_which_models_it_made_each_once() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        let output = |model_id: &str, step| ModelOutput { model_id: model_id.to_owned(), step };

        store.log_outputs(&OPEN, &run_id, &[output("m-2", 5), output("m-1", 5)]).await.unwrap();
        store.log_outputs(&OPEN, &run_id, &[output("m-2", 5), output("m-2", -1)]).await.unwrap();

        let run = find_run(&store, &run_id).await;
        assert_eq!(run.model_outputs, [output("m-2", -1), output("m-1", 5), output("m-2", 5)]);
        store.delete_run(&OPEN, &run_id, NOW).await.unwrap();
        assert!(matches!(store.log_outputs(&OPEN, &run_id, &[]).await, Err(Error::Invalid(_))));
        assert!(matches!(store.log_outputs(&OPEN, "nobody", &[]).await, Err(Error::NotFound(_))));
    }
}

#[tokio::test]
async fn points_of_a_model_are_told_with_their_run_and_dataset() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        let model = create(&store, 1).await;
        measure(&store, &run_id, &model.model_id, "rmse", (2, f64::NAN), "").await;
        for _ in 0..2 {
            measure(&store, &run_id, &model.model_id, "rmse", (1, 0.5), "era5").await;
        }
        measure(&store, &run_id, &model.model_id, "acc", (1, 0.9), "").await;

        let read = find(&store, &model.model_id).await.unwrap();

        let told: Vec<_> = read
            .metrics
            .iter()
            .map(|it| (it.key.as_str(), it.point.step, it.point.value.get().to_string(), it.dataset_name.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                ("acc", 1, "0.9".to_owned(), ""),
                ("rmse", 1, "0.5".to_owned(), "era5"),
                ("rmse", 2, "NaN".to_owned(), "")
            ]
        );
        assert!(read.metrics.iter().all(|metric| metric.run_id == run_id));
    }
}

#[tokio::test]
async fn a_point_of_a_model_that_does_not_exist_is_refused_with_all_of_its_batch() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        let model = create(&store, 1).await;
        store.delete_logged_model(&OPEN, &model.model_id, NOW).await.unwrap();
        let of = |model_id: &str| {
            let point = point(NOW, 1, 0.5);
            let of_model = ModelMetric {
                key: "rmse".to_owned(),
                model_id: model_id.to_owned(),
                dataset_name: String::new(),
                dataset_digest: String::new(),
                point,
            };
            LogBatch { model_metrics: vec![of_model], ..metric("rmse", vec![point]) }
        };

        let known = store.log(&OPEN, &run_id, of(&model.model_id)).await;
        let unknown = refusal(store.log(&OPEN, &run_id, of("m-x")).await);
        let mixed = LogBatch { tags: vec![pair("note", "1")], ..of("m-x") };
        let mixed = refusal(store.log(&OPEN, &run_id, mixed).await);

        assert!(known.is_ok(), "the run of a model in the trash goes on: {known:?}");
        assert_eq!(unknown, "BAD_REQUEST: Logged model with ID 'm-x' not found.");
        assert_eq!(mixed, unknown);
        let run = find_run(&store, &run_id).await;
        assert_eq!((run.metrics.len(), run.tags.len()), (1, 1));
        assert_eq!(database.int("SELECT count(*) FROM model_metric").await, 1);
    }
}

#[tokio::test]
async fn models_are_found_by_everything_that_is_known_of_them() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        let elsewhere = store.create_experiment(&OPEN, "elsewhere", NewLocation::Default, &[], NOW).await.unwrap();
        for number in 1..=5 {
            let mut new = new_model(number);
            new.params = vec![pair("depth", &number.to_string())];
            new.tags = vec![pair("team", if number % 2 == 0 { "North" } else { "south" })];
            new.source_run_id = (number < 3).then(|| "run-a".to_owned());
            new.experiment_id = if number == 5 { elsewhere } else { 0 };
            store.create_logged_model(&OPEN, new, NOW + number).await.unwrap();
        }
        let id = |number: i64| format!("m-{number:032x}");
        // The latest value counts; of model 4 it is no number.
        for (number, key, point, dataset) in [
            (1, "rmse", (1, 0.1), ""),
            (1, "rmse", (2, 0.9), ""),
            (2, "rmse", (1, 0.5), "era5"),
            (3, "rmse", (3, 0.2), "cerra"),
            (4, "rmse", (1, f64::NAN), ""),
        ] {
            measure(&store, &run_id, &id(number), key, point, dataset).await;
        }
        store.finalize_logged_model(&OPEN, &id(3), ModelStatus::Ready, NOW + 50).await.unwrap();
        store.finalize_logged_model(&OPEN, &id(4), ModelStatus::Failed, NOW + 60).await.unwrap();

        let cases: [(&str, &[i64]); 23] = [
            ("", &[4, 3, 2, 1]),
            ("name = 'model 2'", &[2]),
            ("attributes.name LIKE 'MODEL%'", &[]),
            ("name ILIKE 'MODEL%' AND name != 'model 3'", &[4, 2, 1]),
            ("model_id IN ('m-00000000000000000000000000000001', 'm-x')", &[1]),
            ("name NOT IN ('model 1')", &[4, 3, 2]),
            ("status = 'READY'", &[3]),
            ("status != 'PENDING'", &[4, 3]),
            ("status NOT IN ('READY', 'FAILED')", &[2, 1]),
            ("source_run_id = 'run-a'", &[2, 1]),
            ("source_run_id != 'run-b'", &[2, 1]),
            ("params.depth = '3'", &[3]),
            ("params.`depth` IN ('1', '3')", &[3, 1]),
            ("tags.team ILIKE 'n%'", &[4, 2]),
            ("tags.team != 'North'", &[3, 1]),
            ("metrics.rmse > 0.4", &[2, 1]),
            ("metrics.rmse < 0.4", &[3]),
            ("metrics.rmse != 0.5", &[4, 3, 1]),
            ("metrics.nothing = 1", &[]),
            ("creation_timestamp > 1000002", &[4, 3]),
            ("creation_time <= 1000002.5", &[2, 1]),
            ("last_updated_timestamp >= 1000050 AND metrics.rmse < 1", &[3]),
            ("artifact_location LIKE '%/models/%' AND status_message = 'x'", &[]),
        ];
        for (filter, expected) in cases {
            assert_eq!(numbers(&store, search_for(filter)).await, expected, "{filter}");
        }

        let both = ModelSearch { experiment_ids: vec![0, elsewhere, 999], ..search_for("") };
        assert_eq!(numbers(&store, both).await, [5, 4, 3, 2, 1]);
        let on = |name: &str, digest: Option<&str>| ModelDataset {
            name: name.to_owned(),
            digest: digest.map(str::to_owned),
        };
        let era5 = vec![on("era5", None), on("cerra", Some("other"))];
        for (filter, expected) in [("", vec![2]), ("metrics.rmse > 0", vec![2]), ("metrics.rmse > 1", vec![])] {
            let search = ModelSearch { datasets: era5.clone(), ..search_for(filter) };
            assert_eq!(numbers(&store, search).await, expected, "{filter}");
        }

        let attribute = |attribute, ascending| ModelOrder { field: ModelOrderField::Attribute(attribute), ascending };
        let metric =
            |dataset, ascending| ModelOrder { field: ModelOrderField::Metric("rmse".to_owned(), dataset), ascending };
        for (order, expected) in [
            (vec![attribute(ModelAttribute::Name, true)], [1, 2, 3, 4]),
            (vec![attribute(ModelAttribute::CreationTime, true)], [1, 2, 3, 4]),
            (vec![attribute(ModelAttribute::SourceRunId, false), attribute(ModelAttribute::Name, true)], [1, 2, 3, 4]),
            (vec![attribute(ModelAttribute::LastUpdatedTime, false)], [4, 3, 2, 1]),
            (vec![metric(None, true)], [3, 2, 1, 4]),
            (vec![metric(None, false)], [1, 2, 3, 4]),
            (vec![metric(Some(on("cerra", Some("d1"))), true)], [3, 4, 2, 1]),
        ] {
            let search = ModelSearch { order: order.clone(), ..search_for("") };
            assert_eq!(numbers(&store, search).await, expected, "{order:?}");
        }

        let unknown = store.search_logged_models(&OPEN, search_for("status = 'LOST'")).await.unwrap_err();
        assert!(matches!(unknown, Error::Invalid(_)), "{unknown}");
        store.delete_logged_model(&OPEN, &id(3), NOW).await.unwrap();
        let left: BTreeSet<i64> = numbers(&store, search_for("")).await.into_iter().collect();
        assert_eq!(left, BTreeSet::from([1, 2, 4]));
    }
}
