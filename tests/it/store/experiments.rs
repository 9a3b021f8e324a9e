//! Experiments: their life, their names, their tags.

use windvane::model::{Experiment, Lifecycle, NewLocation};
use windvane::store::Store;

use super::support::*;

async fn find(store: &Store, id: i64) -> Experiment {
    store.find_experiment(&OPEN, id).await.unwrap().unwrap()
}

async fn create(store: &Store, name: &str) -> i64 {
    store.create_experiment(&OPEN, name, NewLocation::Default, &[], NOW).await.unwrap()
}

#[tokio::test]
async fn experiment_zero_is_there_from_the_start_and_opening_again_leaves_it_as_it_is() {
    for database in databases().await {
        let store = database.open().await;
        let found = find(&store, 0).await;
        store.close().await;

        let store = Store::open(database.options(), NOW + 1).await.unwrap();

        assert_eq!((found.name.as_str(), found.artifact_location.as_str()), ("Default", "mlflow-artifacts:/0"));
        assert_eq!((found.lifecycle, found.created_ms, found.updated_ms), (Lifecycle::Active, NOW, NOW));
        assert_eq!(find(&store, 0).await, found);
    }
}

#[tokio::test]
async fn a_created_experiment_is_found_by_its_id_and_by_its_name_with_the_last_of_each_tag() {
    for database in databases().await {
        let store = database.open().await;
        let tags = [pair("b", "1"), pair("a", ""), pair("b", "é ☃ \u{1F32C}")];

        let id = store.create_experiment(&OPEN, "weather", NewLocation::Default, &tags, NOW).await.unwrap();
        let elsewhere =
            store.create_experiment(&OPEN, "Weather", NewLocation::Label("s3://b/p?x=1"), &[], NOW + 5).await.unwrap();

        let expected = Experiment {
            id,
            name: "weather".to_owned(),
            artifact_location: format!("mlflow-artifacts:/{id}"),
            lifecycle: Lifecycle::Active,
            created_ms: NOW,
            updated_ms: NOW,
            tags: vec![pair("a", ""), pair("b", "é ☃ \u{1F32C}")],
        };
        assert!(0 < id && id < elsewhere);
        assert_eq!(find(&store, id).await, expected);
        assert_eq!(store.find_experiment_by_name(&OPEN, "weather").await.unwrap(), Some(expected));
        assert_eq!(find(&store, elsewhere).await.artifact_location, "s3://b/p?x=1");
        assert_eq!(store.find_experiment(&OPEN, elsewhere + 1).await.unwrap(), None);
        assert_eq!(store.find_experiment_by_name(&OPEN, "WEATHER").await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_name_is_taken_by_an_experiment_in_the_trash_as_well() {
    for database in databases().await {
        let store = database.open().await;
        let id = create(&store, "taken").await;
        let tags = [pair("a", "1")];
        let again = || store.create_experiment(&OPEN, "taken", NewLocation::Default, &tags, NOW);

        let while_active = refusal(again().await);
        store.delete_experiment(&OPEN, id, NOW).await.unwrap();
        let while_deleted = refusal(again().await);

        assert!(while_active.starts_with("RESOURCE_ALREADY_EXISTS: Experiment(name=taken) already exists."));
        assert_eq!(while_deleted, while_active);
        assert_eq!(find(&store, id).await.tags, []);
    }
}

#[tokio::test]
async fn an_experiment_is_renamed_while_it_is_active_and_to_a_free_name() {
    for database in databases().await {
        let store = database.open().await;
        let (id, other) = (create(&store, "before").await, create(&store, "other").await);

        store.rename_experiment(&OPEN, id, "after", NOW + 1).await.unwrap();
        store.rename_experiment(&OPEN, id, "after", NOW + 2).await.unwrap();
        let taken = refusal(store.rename_experiment(&OPEN, id, "other", NOW + 3).await);
        let absent = refusal(store.rename_experiment(&OPEN, 99, "free", NOW + 3).await);
        store.delete_experiment(&OPEN, other, NOW).await.unwrap();
        let deleted = refusal(store.rename_experiment(&OPEN, other, "free", NOW + 3).await);

        let renamed = find(&store, id).await;
        assert_eq!((renamed.name.as_str(), renamed.created_ms, renamed.updated_ms), ("after", NOW, NOW + 2));
        assert_eq!(taken, "BAD_REQUEST: an experiment named 'other' exists already; choose another name");
        assert_eq!(absent, "RESOURCE_DOES_NOT_EXIST: No Experiment with id=99 exists");
        assert_eq!(deleted, "INVALID_STATE: Cannot rename a non-active experiment.");
        assert_eq!(store.find_experiment_by_name(&OPEN, "before").await.unwrap(), None);
    }
}

#[tokio::test]
async fn an_experiment_goes_into_the_trash_and_out_of_it_with_all_its_runs() {
    for database in databases().await {
        let store = database.open().await;
        let id = create(&store, "cycle").await;
        let mut new = new_run(1);
        new.experiment_id = id;
        store.create_run(&OPEN, new).await.unwrap();
        let bystander = create_run(&store, 2).await;
        let lifecycles = async || {
            let run = find_run(&store, &new_run(1).run_id).await;
            (find(&store, id).await.lifecycle, run.info.lifecycle)
        };

        store.delete_experiment(&OPEN, id, NOW + 1).await.unwrap();
        let deleted = lifecycles().await;
        let twice = refusal(store.delete_experiment(&OPEN, id, NOW + 2).await);
        store.restore_experiment(&OPEN, id, NOW + 3).await.unwrap();
        let restored = lifecycles().await;
        let restored_twice = refusal(store.restore_experiment(&OPEN, id, NOW + 4).await);

        assert_eq!(deleted, (Lifecycle::Deleted, Lifecycle::Deleted));
        assert_eq!(restored, (Lifecycle::Active, Lifecycle::Active));
        let absent = format!("RESOURCE_DOES_NOT_EXIST: No Experiment with id={id} exists");
        assert_eq!((twice, restored_twice), (absent.clone(), absent));
        assert_eq!(find(&store, id).await.updated_ms, NOW + 3);
        assert_eq!(find_run(&store, &bystander).await.info.lifecycle, Lifecycle::Active);
        assert!(refusal(store.delete_experiment(&OPEN, 99, NOW).await).ends_with("No Experiment with id=99 exists"));
    }
}

#[tokio::test]
async fn tags_of_an_experiment_are_set_replaced_and_removed_while_it_is_active() {
    for database in databases().await {
        let store = database.open().await;
        let id = create(&store, "tagged").await;

        store.set_experiment_tag(&OPEN, id, &pair("team", "a"), NOW + 1).await.unwrap();
        store.set_experiment_tag(&OPEN, id, &pair("team", "b"), NOW + 2).await.unwrap();
        store.set_experiment_tag(&OPEN, id, &pair("gone", ""), NOW + 3).await.unwrap();
        store.delete_experiment_tag(&OPEN, id, "gone", NOW + 4).await.unwrap();
        let absent = refusal(store.delete_experiment_tag(&OPEN, id, "gone", NOW + 5).await);
        let nowhere = refusal(store.set_experiment_tag(&OPEN, 99, &pair("a", "b"), NOW + 5).await);
        let tagged = find(&store, id).await;
        store.delete_experiment(&OPEN, id, NOW + 6).await.unwrap();
        let deleted = refusal(store.set_experiment_tag(&OPEN, id, &pair("team", "c"), NOW + 7).await);
        let removed = refusal(store.delete_experiment_tag(&OPEN, id, "team", NOW + 7).await);

        assert_eq!((tagged.tags, tagged.updated_ms), (vec![pair("team", "b")], NOW + 4));
        let expected = format!("RESOURCE_DOES_NOT_EXIST: No tag with name: gone in experiment with id {id}");
        assert_eq!(absent, expected);
        assert_eq!(nowhere, "RESOURCE_DOES_NOT_EXIST: No Experiment with id=99 exists");
        let state = format!(
            "INVALID_PARAMETER_VALUE: The experiment {id} must be in the 'active' state. Current state is deleted."
        );
        assert_eq!((&deleted, &removed), (&state, &state));
        assert_eq!(find(&store, id).await.tags, [pair("team", "b")]);
    }
}
