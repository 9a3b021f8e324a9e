//! Runs: their life, and the changes that commit alone.

use windvane::error::Error;
use windvane::model::{Dataset, DatasetInput, Lifecycle, NewLocation, RunInfo, RunStatus};
use windvane::store::RunUpdate;

use super::support::*;

const NAME_TAG: &str = "mlflow.runName";

#[tokio::test]
async fn a_created_run_is_answered_and_found_with_its_name_as_a_tag() {
    for database in databases().await {
        let store = database.open().await;
        let mut new = new_run(7);
        new.tags = vec![pair("b", "1"), pair(NAME_TAG, "ignored"), pair("a", "☃"), pair("b", "2")];

        let created = store.create_run(&OPEN, new.clone()).await.unwrap();

        let expected = RunInfo {
            run_id: new.run_id.clone(),
            experiment_id: 0,
            name: "run-7".to_owned(),
            user_id: "ada".to_owned(),
            status: RunStatus::Running,
            start_ms: NOW + 7,
            end_ms: None,
            lifecycle: Lifecycle::Active,
            artifact_uri: format!("mlflow-artifacts:/0/{}/artifacts", new.run_id),
        };
        assert_eq!(created, expected);
        assert_eq!(store.find_run_info(&OPEN, &new.run_id).await.unwrap(), Some(expected.clone()));
        let run = find_run(&store, &new.run_id).await;
        assert_eq!(run.info, expected);
        assert_eq!(run.tags, [pair("a", "☃"), pair("b", "2"), pair(NAME_TAG, "run-7")]);
        assert!(run.metrics.is_empty() && run.params.is_empty() && run.datasets.is_empty());
        assert_eq!(store.find_run(&OPEN, "absent").await.unwrap(), None);
        assert_eq!(store.find_run_info(&OPEN, "absent").await.unwrap(), None);
    }
}

#[tokio::test]
async fn creating_a_run_of_the_same_id_again_answers_the_first_one() {
    for database in databases().await {
        let store = database.open().await;
        let mut second = new_run(1);
        second.name = "another".to_owned();
        second.tags = vec![pair("a", "1")];

        let first = store.create_run(&OPEN, new_run(1)).await.unwrap();
        let again = store.create_run(&OPEN, second).await.unwrap();
        let both = tokio::join!(store.create_run(&OPEN, new_run(2)), store.create_run(&OPEN, new_run(2)));

        assert_eq!(again, first);
        assert_eq!(find_run(&store, &first.run_id).await.tags, [pair(NAME_TAG, "run-1")]);
        assert_eq!(both.0.unwrap(), both.1.unwrap());
        assert_eq!(database.int("SELECT count(*) FROM run").await, 2);
    }
}

#[tokio::test]
async fn runs_are_created_in_active_experiments_only() {
    for database in databases().await {
        let store = database.open().await;
        let id = store.create_experiment(&OPEN, "trash", NewLocation::Default, &[], NOW).await.unwrap();
        store.delete_experiment(&OPEN, id, NOW).await.unwrap();
        let create = |experiment_id| {
            let mut new = new_run(1);
            new.experiment_id = experiment_id;
            store.create_run(&OPEN, new)
        };

        let (deleted, absent) = (refusal(create(id).await), refusal(create(99).await));

        let state = format!("The experiment {id} must be in the 'active' state. Current state is deleted.");
        assert_eq!(deleted, format!("INVALID_PARAMETER_VALUE: {state}"));
        assert_eq!(absent, "RESOURCE_DOES_NOT_EXIST: No Experiment with id=99 exists");
        assert_eq!(database.int("SELECT count(*) FROM run").await, 0);
    }
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_nothing_else() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        let update = |update| store.update_run(&OPEN, &run_id, update);

        let named = update(RunUpdate { name: Some("new".to_owned()), ..RunUpdate::default() }).await.unwrap();
        let ended = RunUpdate { status: Some(RunStatus::Failed), end_ms: Some(NOW + 9), name: None };
        let ended = update(ended).await.unwrap();
        let unchanged = update(RunUpdate::default()).await.unwrap();
        let resumed = update(status(RunStatus::Running)).await.unwrap();

        assert_eq!((named.name.as_str(), named.status, named.end_ms), ("new", RunStatus::Running, None));
        assert_eq!((ended.name.as_str(), ended.status, ended.end_ms), ("new", RunStatus::Failed, Some(NOW + 9)));
        assert_eq!(unchanged, ended);
        assert_eq!((resumed.status, resumed.end_ms), (RunStatus::Running, Some(NOW + 9)));
        let run = find_run(&store, &run_id).await;
        assert_eq!((run.info, run.tags), (resumed, vec![pair(NAME_TAG, "new")]));
        let absent = refusal(store.update_run(&OPEN, "absent", RunUpdate::default()).await);
        assert_eq!(absent, "RESOURCE_DOES_NOT_EXIST: Run with id=absent not found");
    }
}

#[tokio::test]
async fn a_run_in_the_trash_can_be_read_but_not_written() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        store.log(&OPEN, &run_id, metric("loss", ascending(0, 3))).await.unwrap();
        let before = find_run(&store, &run_id).await;

        store.delete_run(&OPEN, &run_id, NOW + 1).await.unwrap();
        store.delete_run(&OPEN, &run_id, NOW + 2).await.unwrap();
        let deleted = find_run(&store, &run_id).await;
        let refusals = [
            refusal(store.update_run(&OPEN, &run_id, status(RunStatus::Finished)).await),
            refusal(store.log(&OPEN, &run_id, param("a", "1")).await),
            refusal(store.log_inputs(&OPEN, &run_id, Vec::new(), vec!["m".to_owned()]).await),
            refusal(store.delete_run_tag(&OPEN, &run_id, NAME_TAG).await),
            refusal(store.change_run_tag(&OPEN, &run_id, "a", |_| Ok(String::new())).await),
        ];
        let points = history(&store, &run_id, "loss").await;
        store.restore_run(&OPEN, &run_id).await.unwrap();
        store.restore_run(&OPEN, &run_id).await.unwrap();

        assert_eq!(deleted.info.lifecycle, Lifecycle::Deleted);
        let state = format!("The run {run_id} must be in the 'active' state. Current state is deleted.");
        for refused in refusals {
            assert_eq!(refused, format!("INVALID_PARAMETER_VALUE: {state}"));
        }
        assert_eq!(points, ascending(0, 3));
        assert_eq!(find_run(&store, &run_id).await, before);
        assert_eq!(database.int("SELECT count(*) FROM run WHERE deleted_ms IS NOT NULL").await, 0);
    }
}

#[tokio::test]
async fn what_names_an_absent_run_is_not_found() {
    for database in databases().await {
        let store = database.open().await;

        let refusals = [
            refusal(store.delete_run(&OPEN, "absent", NOW).await),
            refusal(store.restore_run(&OPEN, "absent").await),
            refusal(store.log(&OPEN, "absent", param("a", "1")).await),
            refusal(store.log_inputs(&OPEN, "absent", Vec::new(), Vec::new()).await),
            refusal(store.delete_run_tag(&OPEN, "absent", "a").await),
            refusal(store.change_run_tag(&OPEN, "absent", "a", |_| Ok(String::new())).await),
        ];

        for refused in refusals {
            assert_eq!(refused, "RESOURCE_DOES_NOT_EXIST: Run with id=absent not found");
        }
    }
}

#[tokio::test]
async fn the_trash_remembers_when_a_run_first_went_into_it() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;

        store.delete_run(&OPEN, &run_id, NOW + 1).await.unwrap();
        store.delete_run(&OPEN, &run_id, NOW + 2).await.unwrap();

        assert_eq!(database.int("SELECT deleted_ms FROM run").await, NOW + 1);
    }
}

#[tokio::test]
async fn a_tag_is_removed_once_and_the_name_outlives_its_tag() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        store.log(&OPEN, &run_id, tag("note", "x")).await.unwrap();

        store.delete_run_tag(&OPEN, &run_id, "note").await.unwrap();
        store.delete_run_tag(&OPEN, &run_id, NAME_TAG).await.unwrap();
        let twice = refusal(store.delete_run_tag(&OPEN, &run_id, "note").await);
        let unheard_of = refusal(store.delete_run_tag(&OPEN, &run_id, "never").await);

        let run = find_run(&store, &run_id).await;
        assert_eq!((run.info.name.as_str(), run.tags), ("run-1", Vec::new()));
        let text = |key| format!("RESOURCE_DOES_NOT_EXIST: No tag with name: {key} in run with id {run_id}");
        assert_eq!((twice, unheard_of), (text("note"), text("never")));
    }
}

#[tokio::test]
async fn the_tag_of_the_name_renames_the_run() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;

        store.log(&OPEN, &run_id, tag(NAME_TAG, "renamed")).await.unwrap();

        let run = find_run(&store, &run_id).await;
        assert_eq!((run.info.name.as_str(), run.tags), ("renamed", vec![pair(NAME_TAG, "renamed")]));
    }
}

#[tokio::test]
async fn a_tag_is_changed_from_what_it_is_and_a_refused_change_leaves_it() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        let change = |to: &'static str| {
            store.change_run_tag(&OPEN, &run_id, "history", move |present| {
                Ok(format!("{}{to}", present.unwrap_or("none,")))
            })
        };

        change("a,").await.unwrap();
        change("b").await.unwrap();
        let refuse = |_: Option<&str>| Err(Error::Invalid("no".to_owned()));
        let refused = refusal(store.change_run_tag(&OPEN, &run_id, "history", refuse).await);

        assert_eq!(refused, "INVALID_PARAMETER_VALUE: no");
        let tags = find_run(&store, &run_id).await.tags;
        assert_eq!(tags, [pair("history", "none,a,b"), pair(NAME_TAG, "run-1")]);
    }
}

fn dataset(name: &str, digest: &str, source: &str) -> Dataset {
    Dataset {
        name: name.to_owned(),
        digest: digest.to_owned(),
        source_type: "local".to_owned(),
        source: source.to_owned(),
        schema: Some("{}".to_owned()),
        profile: None,
    }
}

#[tokio::test]
async fn inputs_are_linked_once_and_keep_the_tags_of_the_first_time() {
    for database in databases().await {
        let store = database.open().await;
        let (first, second) = (create_run(&store, 1).await, create_run(&store, 2).await);
        let input = |dataset, context: &str| DatasetInput { dataset, tags: vec![pair("mlflow.data.context", context)] };
        let era5 = dataset("era5", "1", "/data/era5");
        let mut moved = era5.clone();
        moved.source = "/elsewhere".to_owned();
        let log = async |run_id: &str, datasets: Vec<DatasetInput>, models: &[&str]| {
            let models = models.iter().map(|model| (*model).to_owned()).collect();
            store.log_inputs(&OPEN, run_id, datasets, models).await.unwrap();
        };

        let twice = vec![input(era5.clone(), "training"), input(era5.clone(), "ignored")];
        log(&first, twice, &["m-2", "m-1", "m-2"]).await;
        log(&first, vec![input(moved.clone(), "later"), input(dataset("cerra", "2", "/c"), "test")], &["m-1"]).await;
        log(&second, vec![input(moved, "validation")], &[]).await;
        log(&second, Vec::new(), &[]).await;

        let (run, other) = (find_run(&store, &first).await, find_run(&store, &second).await);
        let expected = [input(dataset("cerra", "2", "/c"), "test"), input(era5.clone(), "training")];
        assert_eq!(
            (run.datasets.as_slice(), run.model_inputs.as_slice()),
            (&expected[..], &["m-1", "m-2"].map(String::from)[..])
        );
        assert_eq!(other.datasets, [input(era5, "validation")], "the first source of a dataset stays");
        assert!(other.model_inputs.is_empty());
    }
}
