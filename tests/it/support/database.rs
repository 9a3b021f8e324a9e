//! Databases for one test each.

use std::path::Path;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};
use tempfile::TempDir;
use tokio::sync::OnceCell;
use windvane::store::{Store, StoreOptions};

use super::START_MS;

/// The PostgreSQL server that tests may make databases on.
const POSTGRES_URL: &str = "TEST_POSTGRES_URL";

/// An empty database with its schema, and a directory beside it; both are gone when this is dropped.
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
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let server = server()?;
        let template = template(&server).await;
        let name = format!("test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        execute(&server, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        let url = server.database(&name).to_url_lossy().to_string();
        Some(Database { url, directory: tempfile::tempdir().unwrap(), on_server: Some(name) })
    }

    /// The address, as the configuration takes it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A directory for whatever else the test keeps.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Opens the database.
    pub async fn open(&self) -> Store {
        let options = StoreOptions {
            url: self.url.clone(),
            // No test of the router cuts the power.
            synchronous_full: false,
            allow_network_filesystem: false,
            default_artifact_root: "mlflow-artifacts:/".to_owned(),
        };
        Store::open(options, START_MS).await.unwrap()
    }
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
#[expect(clippy::disallowed_methods, reason = "tests are told by their environment what there is")]
fn server() -> Option<PgConnectOptions> {
    static SAY_ONCE: Once = Once::new();
    match std::env::var(POSTGRES_URL) {
        Ok(url) => Some(url.parse().unwrap()),
        Err(_) => {
            assert!(std::env::var_os("CI").is_none(), "{POSTGRES_URL} is not set; tests/support/postgres.sh gives it");
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
