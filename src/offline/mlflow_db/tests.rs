//! Databases with MLflow's tables, as far as they are read; the real ones are made by `tests/compat/offline_fixture.py`.

use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;

use crate::model::{Lifecycle, RunStatus};
use crate::offline::{Files, Found, RunPlace, Source};

const RUN: &str = "0123456789abcdef0123456789abcdef";
const OTHER: &str = "fedcba9876543210fedcba9876543210";

/// The tables of version 2.22, without what is not read.
const SCHEMA: &str = "
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL);
CREATE TABLE experiments (experiment_id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(256) NOT NULL,
    artifact_location VARCHAR(256), lifecycle_stage VARCHAR(32));
CREATE TABLE runs (run_uuid VARCHAR(32) NOT NULL PRIMARY KEY, name VARCHAR(250), user_id VARCHAR(256), status VARCHAR(9),
    start_time BIGINT, end_time BIGINT, lifecycle_stage VARCHAR(20), artifact_uri VARCHAR(200), experiment_id INTEGER);
CREATE TABLE params (key VARCHAR(250) NOT NULL, value VARCHAR(8000) NOT NULL, run_uuid VARCHAR(32) NOT NULL,
    PRIMARY KEY (key, run_uuid));
CREATE TABLE tags (key VARCHAR(250) NOT NULL, value VARCHAR(8000), run_uuid VARCHAR(32) NOT NULL,
    PRIMARY KEY (key, run_uuid));
CREATE TABLE metrics (key VARCHAR(250) NOT NULL, value FLOAT NOT NULL, timestamp BIGINT NOT NULL,
    run_uuid VARCHAR(32) NOT NULL, step BIGINT DEFAULT '0' NOT NULL, is_nan BOOLEAN DEFAULT '0' NOT NULL,
    PRIMARY KEY (key, timestamp, step, run_uuid, value, is_nan));
CREATE INDEX index_metrics_run_uuid ON metrics (run_uuid);
INSERT INTO experiments VALUES (0, 'Default', '', 'active'), (1, 'ex', '/old/mlruns/1', 'active');
";
/// The tables that came with version 2.4.
const DATASETS: &str = "
CREATE TABLE inputs (input_uuid VARCHAR(36) NOT NULL, source_type VARCHAR(36) NOT NULL, source_id VARCHAR(36) NOT NULL,
    destination_type VARCHAR(36) NOT NULL, destination_id VARCHAR(36) NOT NULL);
CREATE TABLE input_tags (input_uuid VARCHAR(36) NOT NULL, name VARCHAR(255) NOT NULL, value VARCHAR(500) NOT NULL);
CREATE TABLE datasets (dataset_uuid VARCHAR(36) NOT NULL, experiment_id INTEGER NOT NULL, name VARCHAR(500) NOT NULL,
    digest VARCHAR(36) NOT NULL, dataset_source_type VARCHAR(36) NOT NULL, dataset_source TEXT NOT NULL,
    dataset_schema TEXT, dataset_profile TEXT);
INSERT INTO datasets VALUES ('d1', 1, 'era', '12', 'local', '{}', 's', NULL);
INSERT INTO inputs VALUES ('i1', 'DATASET', 'd1', 'RUN', '0123456789abcdef0123456789abcdef'),
    ('i2', 'RUN_OUTPUT', '0123456789abcdef0123456789abcdef', 'MODEL_OUTPUT', 'm-1'),
    ('i3', 'RUN_INPUT', '0123456789abcdef0123456789abcdef', 'MODEL_INPUT', 'm-2'),
    ('i4', 'RUN_INPUT', '0123456789abcdef0123456789abcdef', 'MODEL_INPUT', 'm-3');
INSERT INTO input_tags VALUES ('i1', 'context', 'train');
";

struct Database {
    directory: TempDir,
    scratch: TempDir,
    connection: SqliteConnection,
}

impl Database {
    /// A database with one run, and a connection that may write to it.
    async fn with_run(mode: SqliteJournalMode) -> Database {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("mlflow.db");
        let options = SqliteConnectOptions::new().filename(file).create_if_missing(true).journal_mode(mode);
        let mut connection = options.connect().await.unwrap();
        sqlx::raw_sql(SCHEMA).execute(&mut connection).await.unwrap();
        let mut database = Database { directory, scratch: tempfile::tempdir().unwrap(), connection };
        database.run(RUN, "/old/mlruns/1/0123456789abcdef0123456789abcdef/artifacts").await;
        database
    }

    async fn run(&mut self, id: &str, artifact_uri: &str) {
        sqlx::query("INSERT INTO runs VALUES ($1, 'a run', 'me', 'RUNNING', 5, NULL, 'active', $2, 1)")
            .bind(id)
            .bind(artifact_uri)
            .execute(&mut self.connection)
            .await
            .unwrap();
    }

    async fn execute(&mut self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&mut self.connection).await.unwrap();
    }

    fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    fn write(&self, below: &str) {
        fs::create_dir_all(self.path(below).parent().unwrap()).unwrap();
        fs::write(self.path(below), "12345").unwrap();
    }

    async fn open(&self) -> Source {
        self.open_with(None).await
    }

    async fn open_with(&self, artifacts: Option<&Path>) -> Source {
        Source::open(&self.path("mlflow.db"), artifacts, self.scratch.path()).await.unwrap()
    }

    async fn files(&self, artifacts: Option<&Path>) -> Files {
        let source = self.open_with(artifacts).await;
        source.files(&only(source.find_runs().await.unwrap())).await.unwrap()
    }

    /// The artifacts that are found, or why none are.
    async fn found_artifacts(&self) -> Result<Vec<String>, String> {
        let files = self.files(None).await;
        match files.problems.into_iter().next() {
            Some(problem) => Err(problem.why),
            None => Ok(files.files.into_iter().map(|file| file.path).collect()),
        }
    }
}

fn only(mut found: Found) -> RunPlace {
    assert_eq!(found.problems, []);
    assert_eq!(found.runs.len(), 1);
    found.runs.remove(0)
}

fn names_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn a_run_is_read_as_it_was_logged() {
    let mut database = Database::with_run(SqliteJournalMode::Delete).await;
    database.execute(DATASETS).await;
    database
        .execute(
            "INSERT INTO params VALUES ('b', 'two\r\nlines', '0123456789abcdef0123456789abcdef'),
                ('a', '', '0123456789abcdef0123456789abcdef'), ('x', 'of another', 'fedcba9876543210fedcba9876543210');
             INSERT INTO tags VALUES ('t', NULL, '0123456789abcdef0123456789abcdef');
             INSERT INTO metrics VALUES ('m/1', 2, 20, '0123456789abcdef0123456789abcdef', 2, 0),
                ('m/1', 1, 10, '0123456789abcdef0123456789abcdef', 1, 0),
                ('m/1', 0, 30, '0123456789abcdef0123456789abcdef', 3, 1),
                ('m/1', 1.7976931348623157e308, 40, '0123456789abcdef0123456789abcdef', 4, 0),
                ('n', 1, 10, '0123456789abcdef0123456789abcdef', -1, 0),
                ('other', 1, 10, 'fedcba9876543210fedcba9876543210', 1, 0);
             UPDATE runs SET status = 'FINISHED', end_time = 9;",
        )
        .await;

    let source = database.open().await;
    let place = only(source.find_runs().await.unwrap());
    let run = source.read(&place).await.unwrap();
    let series = source.series(&place, "m/1").await.unwrap();

    assert_eq!((place.experiment.as_str(), place.start_ms, place.lifecycle), ("ex", 5, Lifecycle::Active));
    assert_eq!((run.name.as_str(), run.user_id.as_str()), ("a run", "me"));
    assert_eq!((run.status, run.start_ms, run.end_ms), (RunStatus::Finished, 5, Some(9)));
    let params: Vec<_> = run.params.iter().map(|param| (param.key.as_str(), param.value.as_str())).collect();
    assert_eq!(params, [("a", ""), ("b", "two\r\nlines")]);
    assert_eq!((run.tags[0].key.as_str(), run.tags[0].value.as_str()), ("t", ""));
    assert_eq!(run.metrics, ["m/1", "n"]);
    assert_eq!(run.left_out, ["1 logged model", "2 logged models that it read"]);
    assert_eq!((run.datasets[0].dataset.name.as_str(), run.datasets[0].dataset.profile.as_deref()), ("era", None));
    assert_eq!((run.datasets[0].tags[0].key.as_str(), run.datasets[0].tags[0].value.as_str()), ("context", "train"));
    assert_eq!((run.problems.len(), series.problems.len()), (0, 0));
    let points: Vec<_> = series.points.iter().map(|it| (it.timestamp_ms, it.step, it.value.get())).collect();
    assert_eq!(points[..2], [(10, 1, 1.0), (20, 2, 2.0)]);
    assert!(points[2].2.is_nan());
    assert_eq!(points[3..], [(40, 4, f64::MAX)]);
    assert_eq!(source.series(&place, "n").await.unwrap().points[0].step, -1);
    assert_eq!(source.series(&place, "m/1").await.unwrap(), series);
    assert_eq!(source.series(&place, "other").await.unwrap().points, []);
}

#[tokio::test]
async fn what_no_client_writes_is_told() {
    let mut database = Database::with_run(SqliteJournalMode::Delete).await;
    database
        .execute(
            "INSERT INTO runs VALUES ('../../etc', 'x', 'me', 'RUNNING', 5, NULL, 'active', '', 1),
                ('fedcba9876543210fedcba9876543210', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 99);
             INSERT INTO params VALUES (CAST(X'ff' AS TEXT), 'x', '0123456789abcdef0123456789abcdef'),
                ('binary', CAST(X'fffe' AS TEXT), '0123456789abcdef0123456789abcdef'),
                ('large', CAST(zeroblob(2000000) AS TEXT), '0123456789abcdef0123456789abcdef');
             INSERT INTO metrics VALUES ('m', 1, -5, '0123456789abcdef0123456789abcdef', 1, 0),
                ('m', 1, 'x', '0123456789abcdef0123456789abcdef', 'y', 'z');",
        )
        .await;

    let source = database.open().await;
    let found = source.find_runs().await.unwrap();
    let run = source.read(&found.runs[0]).await.unwrap();
    let series = source.series(&found.runs[0], "m").await.unwrap();

    let told: Vec<String> = found.problems.iter().map(|it| format!("{}: {}", it.what, it.why)).collect();
    assert_eq!(
        told,
        [
            "../../etc: a run's id is 32 hexadecimal digits".to_owned(),
            format!("{OTHER}: its experiment is not there, or has no name")
        ]
    );
    let mut told: Vec<String> = run.problems.iter().map(|it| format!("{}: {}", it.what, it.why)).collect();
    told.sort_unstable();
    let expected = [
        "params/binary: it is not UTF-8",
        "params/large: it is larger than 1048576 bytes",
        "params/\u{fffd}: its name is not UTF-8",
    ];
    assert_eq!(told, expected);
    assert_eq!(series.points.len(), 1);
    assert_eq!(series.problems[0].why, "1 point has a negative timestamp");
}

#[tokio::test]
async fn deleted_runs_and_runs_of_deleted_experiments_are_in_the_trash() {
    let mut database = Database::with_run(SqliteJournalMode::Delete).await;
    database.execute("UPDATE experiments SET lifecycle_stage = 'deleted' WHERE experiment_id = 1").await;
    let source = database.open().await;
    let place = only(source.find_runs().await.unwrap());
    assert_eq!(place.lifecycle, Lifecycle::Deleted);
    assert_eq!(source.read(&place).await.unwrap().lifecycle, Lifecycle::Deleted);

    database
        .execute("UPDATE experiments SET lifecycle_stage = 'active'; UPDATE runs SET lifecycle_stage = 'deleted'")
        .await;
    assert_eq!(only(source.find_runs().await.unwrap()).lifecycle, Lifecycle::Deleted);
}

#[tokio::test]
async fn every_change_of_a_run_changes_its_mark_and_is_seen() {
    for mode in [SqliteJournalMode::Delete, SqliteJournalMode::Wal] {
        let mut database = Database::with_run(mode).await;
        database.execute(DATASETS).await;
        database.write("mlruns/1/0123456789abcdef0123456789abcdef/artifacts/a");
        let source = database.open().await;
        let place = only(source.find_runs().await.unwrap());
        let mut marks = vec![source.look(&place).await.unwrap()];
        assert_eq!(source.look(&place).await.unwrap(), marks[0]);
        assert_eq!(source.series(&place, "m").await.unwrap().points, []);
        // So that the time of the file is another one, too.
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        database.execute("INSERT INTO metrics VALUES ('m', 1, 5, 'fedcba9876543210fedcba9876543210', 1, 0)").await;
        source.find_runs().await.unwrap();
        assert_eq!(source.look(&place).await.unwrap(), marks[0], "another run has changed");

        for change in [
            "INSERT INTO metrics VALUES ('m', 1, 5, '0123456789abcdef0123456789abcdef', 1, 0)",
            "INSERT INTO params VALUES ('p', 'x', '0123456789abcdef0123456789abcdef')",
            "INSERT INTO tags VALUES ('t', NULL, '0123456789abcdef0123456789abcdef')",
            "UPDATE tags SET value = 'x'",
            "DELETE FROM tags",
            "UPDATE runs SET name = 'renamed'",
            "UPDATE runs SET status = 'FINISHED', end_time = 6",
            "UPDATE runs SET lifecycle_stage = 'deleted'",
            "INSERT INTO inputs VALUES ('i5', 'DATASET', 'd2', 'RUN', '0123456789abcdef0123456789abcdef')",
        ] {
            database.execute(change).await;
            source.find_runs().await.unwrap();
            marks.push(source.look(&place).await.unwrap());
        }
        assert_eq!(source.series(&place, "m").await.unwrap().points.len(), 1);
        database.write("mlruns/1/0123456789abcdef0123456789abcdef/artifacts/b");
        marks.push(source.look(&place).await.unwrap());
        database.execute("UPDATE experiments SET name = 'renamed'").await;
        marks.push(source.look(&only(source.find_runs().await.unwrap())).await.unwrap());
        let count = marks.len();
        marks.sort_unstable_by(|left, right| left.mark.cmp(&right.mark));
        marks.dedup_by(|left, right| left.mark == right.mark);
        // What had no tags before has none again.
        assert_eq!(marks.len(), count - 1);

        database.execute("DELETE FROM runs").await;
        source.find_runs().await.unwrap();
        assert!(source.look(&place).await.is_err() && source.read(&place).await.is_err());
        assert_eq!(source.files(&place).await.unwrap(), Files::default());
        assert!(source.open_file(&place, "a").await.unwrap().is_none());
    }
}

#[tokio::test]
async fn without_an_index_of_runs_any_change_changes_all_marks() {
    let mut database = Database::with_run(SqliteJournalMode::Delete).await;
    database.execute("DROP INDEX index_metrics_run_uuid").await;
    let source = database.open().await;
    let place = only(source.find_runs().await.unwrap());
    let mark = source.look(&place).await.unwrap();
    assert_eq!(source.look(&place).await.unwrap(), mark);

    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    database.execute("INSERT INTO metrics VALUES ('m', 1, 5, 'fedcba9876543210fedcba9876543210', 1, 0)").await;

    assert_ne!(source.look(&place).await.unwrap(), mark);
}

#[tokio::test]
async fn a_database_that_was_left_with_a_log_is_read_and_nothing_is_added() {
    let mut database = Database::with_run(SqliteJournalMode::Wal).await;
    database.execute("INSERT INTO tags VALUES ('t', 'in the log', '0123456789abcdef0123456789abcdef')").await;
    let left = tempfile::tempdir().unwrap();
    for name in ["mlflow.db", "mlflow.db-wal"] {
        fs::copy(database.path(name), left.path().join(name)).unwrap();
    }
    let before = fs::read(left.path().join("mlflow.db")).unwrap();

    let source = Source::open(left.path(), None, database.scratch.path()).await.unwrap();
    let run = source.read(&only(source.find_runs().await.unwrap())).await.unwrap();

    assert_eq!(run.tags[0].value, "in the log");
    assert_eq!(names_in(left.path()), ["mlflow.db", "mlflow.db-wal"]);
    assert_eq!(fs::read(left.path().join("mlflow.db")).unwrap(), before);
    assert!(!names_in(database.scratch.path()).is_empty());
    drop(source);
    assert_eq!(names_in(database.scratch.path()), Vec::<String>::new());

    // One that was closed in order has neither log nor shared memory.
    database.connection.close().await.unwrap();
    let source = Source::open(database.directory.path(), None, database.scratch.path()).await.unwrap();
    assert_eq!(source.find_runs().await.unwrap().runs.len(), 1);
    assert_eq!(names_in(database.directory.path()), ["mlflow.db"]);
}

#[tokio::test]
async fn a_change_that_a_killed_process_left_half_done_is_not_seen() {
    let mut database = Database::with_run(SqliteJournalMode::Delete).await;
    // A cache of a few pages, so that the change reaches the file before it is complete.
    database.execute("PRAGMA cache_size = 4; BEGIN IMMEDIATE; UPDATE runs SET name = 'half done'").await;
    for _ in 0..40 {
        database.execute("INSERT INTO tags VALUES (hex(randomblob(8)), hex(randomblob(2000)), 'x')").await;
    }
    let left = tempfile::tempdir().unwrap();
    for name in ["mlflow.db", "mlflow.db-journal"] {
        fs::copy(database.path(name), left.path().join(name)).unwrap();
    }
    let contents = fs::read(left.path().join("mlflow.db")).unwrap();
    assert!(contents.windows(9).any(|bytes| bytes == b"half done"));

    let source = Source::open(left.path(), None, database.scratch.path()).await.unwrap();
    let run = source.read(&only(source.find_runs().await.unwrap())).await.unwrap();

    assert_eq!(run.name, "a run");
    assert_eq!(fs::read(left.path().join("mlflow.db")).unwrap(), contents);
    assert_eq!(names_in(left.path()), ["mlflow.db", "mlflow.db-journal"]);
}

#[tokio::test]
async fn artifacts_are_found_beside_the_database() {
    let places = [
        "mlartifacts/1/0123456789abcdef0123456789abcdef/artifacts/sub/a",
        "mlruns/1/0123456789abcdef0123456789abcdef/artifacts/sub/a",
        "artifacts/1/0123456789abcdef0123456789abcdef/artifacts/sub/a",
        "1/0123456789abcdef0123456789abcdef/artifacts/sub/a",
        // Ends of what the database says.
        "0123456789abcdef0123456789abcdef/artifacts/sub/a",
        "old/mlruns/1/0123456789abcdef0123456789abcdef/artifacts/sub/a",
    ];
    for place in places {
        let database = Database::with_run(SqliteJournalMode::Delete).await;
        database.write(place);

        let source = database.open().await;
        let run = only(source.find_runs().await.unwrap());
        let mut contents = String::new();
        source.open_file(&run, "sub/a").await.unwrap().expect(place).read_to_string(&mut contents).unwrap();

        assert_eq!(contents, "12345");
        assert_eq!(database.found_artifacts().await, Ok(vec!["sub/a".to_owned()]), "{place}");
    }
}

#[tokio::test]
async fn what_the_database_says_leads_nowhere_else() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    let outside = outside.path().to_str().unwrap();
    let cases = [
        (outside.to_owned(), "which is outside"),
        (format!("file://{outside}"), "which is outside"),
        ("/home/other/.ssh".to_owned(), "which is outside"),
        ("file:///etc".to_owned(), "which is outside"),
        ("../../etc".to_owned(), "which is outside"),
        ("/x/0123456789abcdef0123456789abcdef/../../../etc".to_owned(), "which is outside"),
        ("s3://user:pass@bucket/1/r/artifacts?signature=x".to_owned(), "they lie at 's3://bucket/1/r/artifacts'"),
        ("http://host/x".to_owned(), "they lie at 'http://host/x' and are not read"),
        ("mlflow-artifacts:/1/0123456789abcdef0123456789abcdef/artifacts".to_owned(), "a server keeps them"),
        ("dbfs:/x".to_owned(), "they lie at 'dbfs:/x'"),
    ];
    for (uri, why) in cases {
        let mut database = Database::with_run(SqliteJournalMode::Delete).await;
        sqlx::query("UPDATE runs SET artifact_uri = $1").bind(&uri).execute(&mut database.connection).await.unwrap();

        let refused = database.found_artifacts().await.unwrap_err();

        assert!(refused.contains(why), "{uri}: {refused}");
    }
}

#[tokio::test]
async fn links_among_the_artifacts_are_not_followed() {
    let database = Database::with_run(SqliteJournalMode::Delete).await;
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir_all(outside.path().join("1/0123456789abcdef0123456789abcdef/artifacts")).unwrap();
    fs::write(outside.path().join("1/0123456789abcdef0123456789abcdef/artifacts/secret"), "secret").unwrap();
    symlink(outside.path(), database.path("mlruns")).unwrap();

    let refused = database.found_artifacts().await.unwrap_err();
    assert!(refused.contains("links are not followed"), "{refused}");

    // The user may say that it is meant.
    let files = database.files(Some(&database.path("mlruns"))).await;
    assert_eq!(files.files[0].path, "secret");
}

#[tokio::test]
async fn a_run_without_artifacts_has_no_problem_where_they_would_be_read() {
    let mut database = Database::with_run(SqliteJournalMode::Delete).await;
    let uri = database.path("mlruns/1/0123456789abcdef0123456789abcdef/artifacts").canonicalize();
    assert!(uri.is_err());
    let uri = database.directory.path().canonicalize().unwrap().join("mlruns/1/x/artifacts");
    sqlx::query("UPDATE runs SET artifact_uri = $1")
        .bind(uri.to_str().unwrap())
        .execute(&mut database.connection)
        .await
        .unwrap();

    assert_eq!(database.found_artifacts().await, Ok(vec![]));
}

#[tokio::test]
async fn what_is_no_database_of_mlflow_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let refusal = async |sql: &'static str, name: &str| {
        let file = directory.path().join(name);
        let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
        let mut connection = options.connect().await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        format!("{:#}", Source::open(&file, None, directory.path()).await.unwrap_err())
    };

    assert!(refusal("CREATE TABLE x (y)", "1.db").await.contains("no table 'alembic_version'"));
    let windvane = "CREATE TABLE run (y); CREATE TABLE metric_series (y)";
    assert!(refusal(windvane, "2.db").await.contains("name its data directory"));
    let views = "CREATE TABLE alembic_version (x); CREATE TABLE experiments (x); CREATE VIEW runs AS SELECT 1";
    assert!(refusal(views, "3.db").await.contains("no table 'runs'"));
    fs::write(directory.path().join("4.db"), [b"SQLite format 3\0".as_slice(), &[7; 5000]].concat()).unwrap();
    let refused = Source::open(&directory.path().join("4.db"), None, directory.path()).await.unwrap_err();
    assert!(format!("{refused:#}").contains("it cannot be read"), "{refused:#}");
}
