//! Opening and closing: which databases are ours, and what becomes of accepted work.

use futures_util::future::join_all;
use windvane::error::Error;
use windvane::store::{Store, StoreOptions};

use super::support::*;

const MLFLOW_TABLES: &str = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);
    INSERT INTO alembic_version VALUES ('bd07f7e963c5');
    CREATE TABLE latest_metrics (key VARCHAR(250) NOT NULL, run_uuid VARCHAR(32) NOT NULL);
    CREATE TABLE experiments (experiment_id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(256))";

#[tokio::test]
async fn a_database_of_mlflow_is_refused_with_what_to_do_and_stays_as_it_is() {
    for database in [Some(Database::sqlite()), Database::empty_postgres().await].into_iter().flatten() {
        database.run(MLFLOW_TABLES).await;
        let bytes = || database.is_sqlite().then(|| std::fs::read(database.file()).unwrap());
        let before = bytes();

        let refused = refusal(Store::open(database.options(), NOW).await);

        let source = database.url().strip_prefix("sqlite:").unwrap_or(database.url());
        assert!(refused.starts_with("INVALID_PARAMETER_VALUE: this database holds MLflow's own tables"), "{refused}");
        assert!(refused.contains(&format!("windvane sync -s {source} -d http")), "{refused}");
        assert!(bytes() == before, "the file was changed");
        if database.is_sqlite() {
            let names: Vec<_> = std::fs::read_dir(database.file().parent().unwrap())
                .unwrap()
                .map(|entry| entry.unwrap().file_name())
                .collect();
            assert_eq!(names, ["windvane.db"], "nothing lies beside it");
        } else {
            let tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()";
            assert_eq!(database.int(tables).await, 3);
        }
    }
}

#[tokio::test]
async fn a_database_that_is_newer_than_the_program_is_refused_and_stays_as_it_is() {
    for database in databases().await {
        database.open().await.close().await;
        database
            .run(
                "INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum, execution_time)
                 SELECT 9999, 'of the future', installed_on, success, checksum, execution_time FROM _sqlx_migrations
                 WHERE version = 1",
            )
            .await;

        let refused = refusal(Store::open(database.options(), NOW).await);

        assert!(
            refused.contains("the database has schema version 9999, which is newer than this program"),
            "{refused}"
        );
        assert_eq!(database.ints("SELECT version FROM _sqlx_migrations ORDER BY version").await.last(), Some(&9_999));
    }
}

#[tokio::test]
async fn a_schema_that_was_changed_by_hand_is_refused() {
    for database in databases().await {
        database.open().await.close().await;
        database.run("UPDATE _sqlx_migrations SET checksum = checksum || checksum WHERE version = 1").await;

        let refused = refusal(Store::open(database.options(), NOW).await);

        assert!(refused.contains("schema version 1 of the database is not the one of this program"), "{refused}");
    }
}

#[tokio::test]
async fn an_address_of_another_kind_is_refused() {
    for url in ["mysql://localhost/windvane", "store.db", "", "postgres://["] {
        let options = StoreOptions { url: url.to_owned(), ..Database::sqlite().options() };
        let refused = refusal(Store::open(options, NOW).await);
        assert!(refused.starts_with("INVALID_PARAMETER_VALUE: the database address "), "{url}: {refused}");
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_a_failure_and_stays_as_it_is() {
    let database = Database::sqlite();
    std::fs::write(database.file(), "a letter to a friend, longer than the head of a database would be. ".repeat(20))
        .unwrap();
    let before = std::fs::read(database.file()).unwrap();

    let refused = Store::open(database.options(), NOW).await;

    assert!(refused.is_err());
    assert!(std::fs::read(database.file()).unwrap() == before);
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_opening_again() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        store.log(&OPEN, &run_id, metric("loss", ascending(0, 10))).await.unwrap();
        let before = find_run(&store, &run_id).await;
        store.close().await;

        let store = database.open().await;

        assert_eq!(find_run(&store, &run_id).await, before);
        assert_eq!(history(&store, &run_id, "loss").await, ascending(0, 10));
    }
}

#[tokio::test]
async fn closing_finishes_what_was_accepted_and_refuses_the_rest() {
    for database in databases().await {
        let store = database.open().await;
        let run_id = create_run(&store, 1).await;
        // The name is known, so that a request reaches the queue as soon as it is looked at for the first time.
        store.log(&OPEN, &run_id, metric("loss", Vec::new())).await.unwrap();
        let requests =
            join_all((0..300).map(|step| store.log(&OPEN, &run_id, metric("loss", vec![point(NOW, step, 1.0)]))));

        let (outcomes, ()) = tokio::join!(requests, store.close());
        let late = refusal(store.log(&OPEN, &run_id, param("a", "1")).await);
        let ping = store.ping().await;

        assert!(outcomes.iter().all(Result::is_ok), "all were accepted before the end");
        assert!(late.starts_with("TEMPORARILY_UNAVAILABLE: "), "{late}");
        assert!(matches!(ping, Err(Error::Unavailable(_))));
        store.close().await;
        let store = database.open().await;
        assert!(store.ping().await.is_ok());
        assert_eq!(history(&store, &run_id, "loss").await.len(), 300);
    }
}

#[tokio::test]
async fn two_processes_may_open_an_empty_postgres_at_the_same_time() {
    for _ in 0..5 {
        let Some(database) = Database::empty_postgres().await else { return };

        let stores = join_all((0..4).map(|_| Store::open(database.options(), NOW))).await;

        for store in stores {
            let store = store.unwrap();
            assert!(store.find_experiment(&OPEN, 0).await.unwrap().is_some());
            store.close().await;
        }
        assert_eq!(database.int("SELECT count(*) FROM experiment").await, 1);
    }
}
