//! Databases for one test each.

use std::path::Path;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use windvane::store::{ArtifactRoot, Store, StoreOptions};

use super::{START_MS, variable};

/// The PostgreSQL server that tests may make databases on.
const POSTGRES_URL: &str = "TEST_POSTGRES_URL";

/// A database with its schema and nothing else in it, and a directory beside it; both are gone when this is dropped.
pub struct Database {
    url: String,
    directory: TempDir,
    /// The name of the database on the PostgreSQL server.
    on_server: Option<String>,
}

/// An SQLite database and, where there is a server, a PostgreSQL database.
pub async fn databases() -> Vec<Database> {
    let mut databases = vec![Database::sqlite()];
    databases.extend(Database::postgres().await);
    databases
}

impl Database {
    /// On SQLite.
    pub fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", directory.path().join("windvane.db").display());
        Database { url, directory, on_server: None }
    }

    /// On PostgreSQL, if there is a server.
    pub async fn postgres() -> Option<Self> {
        let server = server()?;
        let template = template(&server).await;
        let name = new_name();
        execute(&server, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        Some(Database::on_server(&server, name))
    }

    /// On PostgreSQL, if there is a server, without a schema.
    pub async fn empty_postgres() -> Option<Self> {
        let server = server()?;
        let name = new_name();
        execute(&server, format!("CREATE DATABASE {name}")).await;
        Some(Database::on_server(&server, name))
    }

    fn on_server(server: &PgConnectOptions, name: String) -> Self {
        let url = server.clone().database(&name).to_url_lossy().to_string();
        Database { url, directory: tempfile::tempdir().unwrap(), on_server: Some(name) }
    }

    /// Whether this is a file.
    pub fn is_sqlite(&self) -> bool {
        self.on_server.is_none()
    }

    /// The address, as the configuration takes it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A directory for whatever else the test keeps.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// How to open the database.
    pub fn options(&self) -> StoreOptions {
        StoreOptions {
            read_limit: Duration::from_secs(30),
            url: self.url.clone(),
            // No test in this process cuts the power.
            synchronous_full: false,
            allow_network_filesystem: false,
            artifact_root: ArtifactRoot { location: "mlflow-artifacts:/".to_owned(), own_path: Some(String::new()) },
        }
    }

    /// Opens the database.
    pub async fn open(&self) -> Store {
        Store::open(self.options(), START_MS).await.unwrap()
    }

    /// The first column, a BIGINT, of what a statement finds past the store.
    pub async fn ints(&self, sql: &'static str) -> Vec<i64> {
        if self.is_sqlite() {
            sqlx::query_scalar(sql).fetch_all(&mut self.connect_to_file().await).await.unwrap()
        } else {
            sqlx::query_scalar(sql).fetch_all(&mut PgConnection::connect(&self.url).await.unwrap()).await.unwrap()
        }
    }

    /// As [`ints`](Self::ints), of a column of texts.
    pub async fn texts(&self, sql: &'static str) -> Vec<String> {
        if self.is_sqlite() {
            sqlx::query_scalar(sql).fetch_all(&mut self.connect_to_file().await).await.unwrap()
        } else {
            sqlx::query_scalar(sql).fetch_all(&mut PgConnection::connect(&self.url).await.unwrap()).await.unwrap()
        }
    }

    /// The one number that a statement finds past the store.
    #[track_caller]
    pub fn int(&self, sql: &'static str) -> impl Future<Output = i64> {
        let caller = std::panic::Location::caller();
        async move {
            let found = self.ints(sql).await;
            assert_eq!(found.len(), 1, "{sql} at {caller}");
            found[0]
        }
    }

    /// Runs statements past the store.
    pub async fn run(&self, sql: &'static str) {
        if self.is_sqlite() {
            self.connect_to_file().await.execute(sqlx::raw_sql(sql)).await.unwrap();
        } else {
            PgConnection::connect(&self.url).await.unwrap().execute(sqlx::raw_sql(sql)).await.unwrap();
        }
    }

    /// As [`run`](Self::run), for statements that a test has put together.
    pub async fn run_made(&self, sql: String) {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql));
        if self.is_sqlite() {
            self.connect_to_file().await.execute(sql).await.unwrap();
        } else {
            PgConnection::connect(&self.url).await.unwrap().execute(sql).await.unwrap();
        }
    }

    /// On PostgreSQL, a transaction that has run these statements and stays open.
    pub async fn begin(&self, sql: &'static str) -> PgConnection {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        connection.execute("BEGIN").await.unwrap();
        connection.execute(sqlx::raw_sql(sql)).await.unwrap();
        connection
    }

    /// Gives an empty database the schema that it had at this version.
    pub async fn migrate_to(&self, version: i64) {
        if self.is_sqlite() {
            let migrator = sqlx::migrate!("migrations/sqlite");
            migrator.run_to(version, &mut self.connect_to_file().await).await.unwrap();
        } else {
            let migrator = sqlx::migrate!("migrations/postgres");
            migrator.run_to(version, &mut PgConnection::connect(&self.url).await.unwrap()).await.unwrap();
        }
    }

    /// The file of an SQLite database.
    pub fn file(&self) -> &Path {
        Path::new(self.url.strip_prefix("sqlite:").expect("PostgreSQL has no file of ours"))
    }

    async fn connect_to_file(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(self.file()).create_if_missing(true).connect().await.unwrap()
    }
}

fn new_name() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

impl Drop for Database {
    fn drop(&mut self) {
        let (Some(name), Some(server)) = (self.on_server.take(), server()) else { return };
        // A thread of its own, because the test's runtime cannot wait here.
        let drop_it = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(execute(&server, format!("DROP DATABASE {name} WITH (FORCE)")));
        };
        let _ = std::thread::spawn(drop_it).join();
    }
}

/// The server, if the environment names one. Where tests decide over a merge, it must.
fn server() -> Option<PgConnectOptions> {
    static SAY_ONCE: Once = Once::new();
    match variable(POSTGRES_URL) {
        Some(url) => Some(url.parse().unwrap()),
        None => {
            assert!(variable("CI").is_none(), "{POSTGRES_URL} is not set; tests/support/postgres.sh gives it");
            SAY_ONCE.call_once(|| eprintln!("{POSTGRES_URL} is not set: tests run on SQLite only"));
            None
        }
    }
}

/// The name of a database with the schema and nothing in it, made once: copying it is faster than migrating.
async fn template(server: &PgConnectOptions) -> &'static str {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    let make = || async {
        let name = format!("template_{}", std::process::id());
        execute(server, format!("CREATE DATABASE {name}")).await;
        let url = server.clone().database(&name).to_url_lossy().to_string();
        let database = Database { url, directory: tempfile::tempdir().unwrap(), on_server: None };
        database.open().await.close().await;
        name
    };
    TEMPLATE.get_or_init(make).await
}

async fn execute(server: &PgConnectOptions, statement: String) {
    let mut connection = server.connect().await.unwrap();
    connection.execute(AssertSqlSafe(statement)).await.unwrap();
    connection.close().await.unwrap();
}
