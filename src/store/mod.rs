//! What is kept, behind methods that are each one unit of work.
//!
//! A [`Store`] hides which database there is, how points are packed, and when they are compacted. It knows nothing of
//! HTTP and gets time from its callers. Every method that reads takes the [`Caller`](crate::model::Caller) and filters
//! by what the caller may see in SQL; every method that writes checks it.
//!
//! Logging (runs, points, params, tags, inputs) goes through `writer`, which commits many requests at once.

mod accounts;
mod artifacts;
mod bulk;
mod changes;
mod compaction;
pub mod curves;
mod datasets;
mod db;
mod diff;
mod documents;
mod experiments;
mod filesystem;
mod find;
mod history;
mod inventory;
mod keys;
mod lineage;
mod logged_models;
mod overview;
mod plots;
pub mod points;
mod runs;
mod search;
mod sql;
mod summaries;
mod texts;
mod views;
mod writer;

use std::sync::Arc;
use std::time::Duration;

pub use accounts::{
    ANYONE, AccountChange, Accounts, EVERYONE, Grant, Namespace, NewPrincipal, NewToken, Principal, PrincipalKind,
    Token, TokenKind,
};
pub use artifacts::{Claim, DirectoryUsage, FileRecord};
pub use bulk::{Kin, MAX_BULK_RUNS, RunSet};
pub use changes::{ChangedRun, Changes};
pub use diff::{Diff, DiffKind, DiffRequest, DiffRow, DiffValue};
pub use documents::RunDocument;
pub use find::Found;
pub use history::{HistoryPage, RunPoints};
pub use inventory::{Inventory, ListedRun, RecordedFile, SeriesSummary};
pub use lineage::{Edge, Graph, Node, Role, TrainingSummary};
pub use logged_models::{ModelDataset, ModelOrder, ModelOrderField, ModelPage, ModelSearch, NewLoggedModel};
pub use overview::ExperimentSummary;
pub use plots::{
    FoundSeries, FoundValues, InlineCurve, InlineRequest, MetricCell, MetricRow, Series, SeriesAttempt, SeriesRequest,
    ValuesRequest,
};
pub use runs::RunUpdate;
pub use search::{
    ExperimentPage, ExperimentSearch, FieldValue, Fork, Group, GroupBy, GroupMetric, GroupOrder, GroupSearch, Groups,
    Live, LiveLoss, Origin, Pace, Parent, ParentState, Row, Rows, RowsExport, RowsSearch, RunCursor, RunPage,
    RunSearch, Totals, TreeLevel, TreePart, TreeRow,
};
use sqlx::Executor;
use sqlx::migrate::{MigrateError, Migrator};
pub use summaries::{KeyKind, KeySearch, KeySummary, KeyValues, NamePart, ValueSearch, ValuesOf};
use tokio::sync::Semaphore;
pub use views::{MAX_VIEWS, NewView, SavedView};
pub use writer::{LogBatch, ModelMetric, NewRun};

use self::artifacts::Recorder;
use self::changes::Versions;
use self::db::Db;
use self::documents::Documents;
use self::keys::Keys;
use self::lineage::LineageKeys;
use self::search::Tables;
use self::sql::sql;
use self::writer::Writer;
use crate::error::{Error, Result};

static SQLITE_MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES_MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How to open a [`Store`].
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// `sqlite:PATH` or `postgres://…`.
    pub url: String,
    /// SQLite's `synchronous`: FULL keeps every acknowledged write through a power loss; NORMAL may lose the last
    /// moments then (not after a crash of the process).
    pub synchronous_full: bool,
    /// Work on a network file system without a write-ahead log, one process alone.
    pub allow_network_filesystem: bool,
    /// How long one statement may read before it is given up: it holds a connection that others need.
    pub read_limit: Duration,
    /// Where the artifacts of new experiments lie.
    pub artifact_root: ArtifactRoot,
}

/// Where the artifacts of new experiments lie, unless their creator chooses a location.
#[derive(Debug, Clone)]
pub struct ArtifactRoot {
    /// The location to which the experiment's id is appended.
    pub location: String,
    /// The directory in the server's own store that this means, if it lies there; empty for the root of the store.
    pub own_path: Option<String>,
}

/// The store. Cloning it is cheap and shares everything.
#[derive(Debug, Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    db: Db,
    keys: Keys,
    lineage: Arc<LineageKeys>,
    versions: Arc<Versions>,
    writer: Writer,
    recorder: Recorder,
    documents: Documents,
    tables: Tables,
    /// Searches that may run at once.
    searches: Semaphore,
    artifact_root: ArtifactRoot,
}

impl Store {
    /// Opens the database, brings its schema up to date and starts the writer.
    ///
    /// # Errors
    /// [`Error::Invalid`] with what to do where the database is MLflow's own, is newer than this program, or lies on a
    /// network file system; else what the database said.
    pub async fn open(options: StoreOptions, now_ms: i64) -> Result<Self> {
        refuse_foreign_file(&options.url).await?;
        let db = Db::connect(&options).await?;
        refuse_foreign_tables(&db, &options.url).await?;
        migrate(&db).await?;
        experiments::create_default(&db, &options.artifact_root, now_ms).await?;
        let keys = Keys::default();
        let lineage = Arc::new(LineageKeys::load(&keys, &db).await?);
        lineage::link_backlog(&db, &lineage).await?;
        let versions = Arc::new(Versions::load(&db).await?);
        let writer = Writer::start(db.clone(), versions.clone(), lineage.clone()).await?;
        let recorder = Recorder::start(db.clone());
        let documents = Documents::start(db.clone());
        let searches = Semaphore::new(db.searches_at_once());
        let inner = Inner {
            db,
            keys,
            lineage,
            versions,
            writer,
            recorder,
            documents,
            tables: Tables::default(),
            searches,
            artifact_root: options.artifact_root,
        };
        Ok(Store { inner: Arc::new(inner) })
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it does not.
    pub async fn ping(&self) -> Result<()> {
        self.db().optional::<(i64,)>(sql("SELECT id FROM experiment WHERE id = 0")).await.map(drop)
    }

    /// Finishes what was accepted and closes the database.
    pub async fn close(&self) {
        self.inner.writer.stop().await;
        self.inner.recorder.stop().await;
        self.inner.documents.stop().await;
        self.db().close().await;
    }

    fn db(&self) -> &Db {
        &self.inner.db
    }
}

/// As [`refuse_foreign_tables`], for a file that nothing of ours has touched yet.
async fn refuse_foreign_file(url: &str) -> Result<()> {
    let Some(file) = Db::peek(url) else { return Ok(()) };
    let seen = refuse_foreign_tables(&file, url).await;
    file.close().await;
    match seen {
        Err(Error::Invalid(refusal)) => Err(Error::Invalid(refusal)),
        // A file that cannot be read without recovering it, as after a crash, is looked at again once it is open.
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A database of MLflow's own is never touched: its tables are not ours, and MLflow would go on writing to it.
async fn refuse_foreign_tables(db: &Db, url: &str) -> Result<()> {
    let statement = match db {
        Db::Sqlite { .. } => {
            sql("SELECT count(*) FROM sqlite_master WHERE name IN ('alembic_version', 'latest_metrics')")
        }
        Db::Postgres(_) => sql("SELECT count(*) FROM information_schema.tables
             WHERE table_schema = current_schema() AND table_name IN ('alembic_version', 'latest_metrics')"),
    };
    let found: Option<(i64,)> = db.optional(statement).await?;
    if found.is_some_and(|(count,)| count > 0) {
        let source = url.strip_prefix("sqlite:").unwrap_or(url);
        return Err(Error::Invalid(format!(
            "this database holds MLflow's own tables and is left untouched. Start the server on a directory of its \
             own and import it with: windvane sync -s {source} -d http://127.0.0.1:5000"
        )));
    }
    Ok(())
}

/// Applies what is missing. On PostgreSQL sqlx holds an advisory lock, so that processes which start together do not
/// collide.
async fn migrate(db: &Db) -> Result<()> {
    let done = match db {
        Db::Sqlite { write, .. } => SQLITE_MIGRATIONS.run(write).await,
        Db::Postgres(pool) => {
            let mut connection = pool.acquire().await?;
            // A migration may take as long as the data needs.
            connection.execute("SET statement_timeout = 0; SET lock_timeout = 0").await?;
            let done = POSTGRES_MIGRATIONS.run(&mut *connection).await;
            connection.execute("RESET statement_timeout; RESET lock_timeout").await?;
            done
        }
    };
    done.map_err(|error| match error {
        MigrateError::VersionMissing(version) => Error::Invalid(format!(
            "the database has schema version {version}, which is newer than this program. Start the version of \
             windvane that made it, or a newer one; nothing was changed"
        )),
        MigrateError::VersionMismatch(version) => Error::Invalid(format!(
            "schema version {version} of the database is not the one of this program: it was made by an unreleased \
             version. Nothing was changed"
        )),
        other => Error::internal(other),
    })
}

impl From<sqlx::Error> for Error {
    /// What is away or full is temporary, the client tries again; everything else is ours.
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut => Error::Unavailable("the server is busy; try again"),
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
                unavailable(&error)
            }
            sqlx::Error::Database(database) => match database.code().as_deref() {
                // SQLite: full, also of its log's index (SQLITE_IOERR_SHMSIZE). PostgreSQL: disk_full.
                Some("13" | "4874" | "53100") => {
                    tracing::error!(%error, "the disk of the database is full");
                    Error::DatabaseFull
                }
                // SQLite: read-only, cannot open, I/O error. PostgreSQL: classes 08 (connection), 53 (out of
                // disk, memory or connections), 57 (shutting down, cancelled), 25006 (read-only standby), 58 (I/O), 55P03
                // (waited too long for another writer).
                Some("8" | "14" | "10" | "5" | "6" | "25006" | "55P03") => unavailable(&error),
                // SQLite: interrupted. PostgreSQL: query cancelled.
                // Sent again, it would take as long again.
                Some("9" | "57014") => Error::Invalid(
                    "the database took too long for this request and gave it up: ask for less, or with fewer or more \
                     selective comparisons"
                        .to_owned(),
                ),
                Some(code) if code.len() == 5 && ["08", "53", "57", "58"].contains(&&code[..2]) => unavailable(&error),
                // Extended codes of SQLite keep the primary one in their low byte; a SQLSTATE has five characters.
                Some(code)
                    if code.len() < 5
                        && code.parse().is_ok_and(|code: u32| matches!(code & 0xff, 5 | 6 | 8 | 10 | 14)) =>
                {
                    unavailable(&error)
                }
                _ => Error::internal(error),
            },
            _ => Error::internal(error),
        }
    }
}

fn unavailable(error: &sqlx::Error) -> Error {
    tracing::error!(%error, "the database is not available");
    Error::Unavailable("the database is not available; try again")
}
