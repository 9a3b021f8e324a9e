//! What is recorded of files, and to whom directories belong.

use futures_util::future::try_join_all;
use windvane::error::Error;
use windvane::model::NewLocation;
use windvane::store::{ArtifactRoot, DirectoryUsage, FileRecord, Store};

use super::support::{NOW, OPEN, databases};

fn record(path: &str, size_bytes: u64) -> FileRecord {
    FileRecord { path: path.to_owned(), size_bytes, sha256: [size_bytes as u8; 32], modified_ns: size_bytes as i64 }
}

fn own(location: &str) -> NewLocation<'_> {
    NewLocation::Own { location, path: location.strip_prefix("mlflow-artifacts:/").unwrap() }
}

async fn create(store: &Store, name: &str, location: NewLocation<'_>) -> Result<i64, Error> {
    store.create_experiment(&OPEN, name, location, &[], NOW).await
}

#[tokio::test]
async fn files_are_recorded_replaced_counted_and_forgotten() {
    for database in databases().await {
        let store = database.open().await;
        let directory = "7/r/artifacts";
        let files: Vec<FileRecord> = (1..=300).map(|size| record(&format!("{directory}/d/{size}"), size)).collect();
        try_join_all(files.iter().cloned().map(|file| store.record_file(file))).await.unwrap();
        for beside in ["7/r/artifacts0", "7/r/artifact", "7/r/artifacts-2/a", "8/r/artifacts/a"] {
            store.record_file(record(beside, 1)).await.unwrap();
        }

        let usage = store.directory_usage(directory).await.unwrap();
        store.record_file(record("7/r/artifacts/d/300", 7)).await.unwrap();
        let replaced = store.find_file_record("7/r/artifacts/d/300").await.unwrap();
        store.forget_files("7/r/artifacts/d/1").await.unwrap();
        let fewer = store.directory_usage(directory).await.unwrap();
        store.forget_files("7/r/artifacts/d").await.unwrap();
        store.forget_files("7/r/artifacts/d").await.unwrap();

        assert_eq!(usage, DirectoryUsage { bytes: 300 * 301 / 2, files: 300 });
        assert_eq!(replaced, Some(record("7/r/artifacts/d/300", 7)));
        assert_eq!(fewer, DirectoryUsage { bytes: 300 * 301 / 2 - 293 - 1, files: 299 });
        assert_eq!(store.directory_usage(directory).await.unwrap(), DirectoryUsage::default());
        assert_eq!(store.find_file_record("7/r/artifacts0").await.unwrap(), Some(record("7/r/artifacts0", 1)));
    }
}

#[tokio::test]
async fn no_directory_of_an_experiment_lies_in_that_of_another() {
    for database in databases().await {
        let store = database.open().await;
        let north = create(&store, "north", own("mlflow-artifacts:/team/north")).await.unwrap();
        let refused = [
            "mlflow-artifacts:/team/north",
            "mlflow-artifacts:/team/north/x/y",
            "mlflow-artifacts:/team",
            "mlflow-artifacts:/0/x",
            "mlflow-artifacts:/99",
            "mlflow-artifacts:/00",
            "mlflow-artifacts:/",
        ];
        for location in refused {
            let refusal = create(&store, "refused", own(location)).await.unwrap_err();
            assert!(matches!(&refusal, Error::Invalid(text) if text.contains(location)), "{location}: {refusal:?}");
            assert!(store.find_experiment_by_name(&OPEN, "refused").await.unwrap().is_none(), "{location}");
        }

        for free in ["mlflow-artifacts:/team/northern", "mlflow-artifacts:/team/nort", "mlflow-artifacts:/teams"] {
            create(&store, free, own(free)).await.unwrap();
        }
        create(&store, "label", NewLocation::Label("s3://team/north")).await.unwrap();
        let number = create(&store, "plain", NewLocation::Default).await.unwrap();
        let next = format!("mlflow-artifacts:/{}/x", number + 1);
        let in_its_own = create(&store, "numbered", own(&next)).await;

        // SQLite takes back the numbers of what was refused, PostgreSQL does not.
        match in_its_own {
            Ok(id) => assert_eq!(id, number + 1),
            Err(refusal) => assert!(!database.is_sqlite(), "{refusal}"),
        }
        let claim = |path: &'static str| async { store.find_claim(path).await.unwrap() };
        let found = claim("team/north/r/artifacts/a").await.unwrap();
        assert_eq!((found.path.as_str(), found.experiment_id), ("team/north", north));
        assert!(claim("team").await.is_some());
        assert!(claim("tea").await.is_none());
        assert!(claim("team/other/r").await.is_none());
    }
}

#[tokio::test]
async fn a_default_root_within_the_store_belongs_to_the_server() {
    for database in databases().await {
        let mut options = database.options();
        options.artifact_root =
            ArtifactRoot { location: "mlflow-artifacts:/weather".to_owned(), own_path: Some("weather".to_owned()) };
        let store = Store::open(options, NOW).await.unwrap();

        let id = create(&store, "plain", NewLocation::Default).await.unwrap();
        let beneath = create(&store, "beneath", own("mlflow-artifacts:/weather/99")).await;
        let above = create(&store, "above", own("mlflow-artifacts:/weather")).await;

        let experiment = store.find_experiment(&OPEN, id).await.unwrap().unwrap();
        assert_eq!(experiment.artifact_location, format!("mlflow-artifacts:/weather/{id}"));
        let claim = store.find_claim(&format!("weather/{id}/r")).await.unwrap().unwrap();
        assert_eq!(claim.experiment_id, id);
        assert!(matches!((beneath, above), (Err(Error::Invalid(_)), Err(Error::Invalid(_)))));
    }
}

#[tokio::test]
async fn of_many_who_claim_one_directory_at_once_one_gets_it() {
    for database in databases().await {
        let first = database.open().await;
        let second = if database.is_sqlite() { first.clone() } else { database.open().await };
        let stores = [first, second];
        let claims = (0..16).map(|number| {
            let store = stores[number % 2].clone();
            let location = format!("mlflow-artifacts:/shared{}", "/deeper".repeat(number % 4));
            tokio::spawn(async move { create(&store, &number.to_string(), own(&location)).await.is_ok() })
        });

        let created: Vec<bool> = try_join_all(claims).await.unwrap();

        assert_eq!(created.into_iter().filter(|created| *created).count(), 1);
    }
}
