//! The two databases behind one pair of doors: [`Db::read`] opens a snapshot, [`Db::write`] a write transaction.
//!
//! A statement is written once, as [`Sql`], and its rows decode from either database; so a `Store` method is written
//! once too. Why not one macro expansion per database: `docs/decisions/0001-one-transaction-type.md`.

use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgPoolOptions, Postgres};
use sqlx::sqlite::{
    Sqlite, SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection, PgPool, SqliteConnection, SqlitePool, Transaction};

use super::StoreOptions;
use super::sql::{Columns, Dialect, Insert, Row, Sql, insert_rows};
use crate::error::{Error, Result};

/// Connections for reading an embedded database; each has a thread of its own in sqlx.
const SQLITE_READERS: u32 = 4;
/// Connections of one server process to PostgreSQL. Several processes share the server's `max_connections`.
const POSTGRES_CONNECTIONS: u32 = 16;
/// How long a caller waits for a connection before the answer is "busy".
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// A plan that was made without knowing the values may sort all that it could have walked. And a table that is read
/// from its beginning looks cheap to a planner that stops at a limit, until what it looks for lies at the end.
const READ_SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
     SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL enable_seqscan = off";

/// The pools.
#[derive(Debug, Clone)]
pub(super) enum Db {
    /// SQLite has one writer. Giving it one connection makes callers queue here, in order, instead of failing with
    /// "database is locked".
    Sqlite { read: SqlitePool, write: SqlitePool },
    /// PostgreSQL.
    Postgres(PgPool),
}

impl Db {
    /// Connects; creates the SQLite file if it is not there.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the address cannot be understood, else what the database said.
    pub async fn connect(options: &StoreOptions) -> Result<Self> {
        if let Some(path) = sqlite_path(&options.url) {
            connect_sqlite(path, options).await
        } else if options.url.starts_with("postgres:") || options.url.starts_with("postgresql:") {
            let connect: PgConnectOptions = options
                .url
                .parse()
                .map_err(|_| Error::Invalid("the database address is not a PostgreSQL URL".to_owned()))?;
            let pool = PgPoolOptions::new()
                .max_connections(POSTGRES_CONNECTIONS)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                // A round trip before every use would cost as much as the use; one after a pause finds what a
                // restart of the database or a proxy cut meanwhile.
                .test_before_acquire(false)
                .before_acquire(|connection, meta| {
                    Box::pin(
                        async move { Ok(meta.idle_for < Duration::from_secs(1) || connection.ping().await.is_ok()) },
                    )
                })
                .connect_with(
                    connect
                        .application_name("windvane")
                        .statement_cache_capacity(512)
                        // What takes longer holds a connection that others need; the client hears 503.
                        // Compiling a search takes longer than running it.
                        .options([
                            ("statement_timeout", format!("{}ms", options.read_limit.as_millis()).as_str()),
                            // Before that: who waits for another writer has not asked for too much, and may ask again.
                            ("lock_timeout", format!("{}ms", options.read_limit.as_millis() * 2 / 3).as_str()),
                            ("jit", "off"),
                        ]),
                )
                .await?;
            Ok(Db::Postgres(pool))
        } else {
            Err(Error::Invalid("the database address must begin with sqlite: or postgres:".to_owned()))
        }
    }

    /// An SQLite file that is there, to look at before [`connect`](Self::connect) touches it: connecting turns on the
    /// write-ahead log. Nothing is written, locked or recovered, so after a crash there may be nothing to see.
    pub fn peek(url: &str) -> Option<Self> {
        let path = sqlite_path(url).filter(|path| path.exists())?;
        let options = SqliteConnectOptions::new().filename(path).read_only(true).immutable(true);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_lazy_with(options);
        Some(Db::Sqlite { read: pool.clone(), write: pool })
    }

    /// Which SQL this database speaks.
    pub fn dialect(&self) -> Dialect {
        match self {
            Db::Sqlite { .. } => Dialect::Sqlite,
            Db::Postgres(_) => Dialect::Postgres,
        }
    }

    /// How many searches may run at once, so that connections are left for what is never slow, and for writing.
    pub fn searches_at_once(&self) -> usize {
        match self {
            Db::Sqlite { .. } => SQLITE_READERS as usize - 1,
            Db::Postgres(_) => POSTGRES_CONNECTIONS as usize / 2,
        }
    }

    /// One snapshot: all statements in it see the same state, whatever is committed meanwhile.
    pub async fn read(&self) -> Result<Tx> {
        Ok(match self {
            Db::Sqlite { read, .. } => Tx::Sqlite(read.begin().await?),
            Db::Postgres(pool) => Tx::Postgres(begin_postgres(pool, READ_SNAPSHOT).await?),
        })
    }

    /// A write transaction; leaving it without [`Tx::commit`] rolls back.
    pub async fn write(&self) -> Result<Tx> {
        Ok(match self {
            // A deferred transaction that reads first can fail at its first write, and busy_timeout does not help.
            // Take the lock now.
            Db::Sqlite { write, .. } => Tx::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            Db::Postgres(pool) => Tx::Postgres(begin_postgres(pool, "BEGIN").await?),
        })
    }

    /// The rows of one statement that only reads, outside any transaction.
    pub async fn all<T: Row>(&self, sql: Sql) -> Result<Vec<T>> {
        Ok(match self {
            Db::Sqlite { read, .. } => {
                let (text, arguments) = sql.into_sqlite();
                sqlx::query_as_with(text, arguments).fetch_all(read).await?
            }
            Db::Postgres(pool) => {
                let (text, arguments) = sql.into_postgres();
                sqlx::query_as_with(text, arguments).fetch_all(pool).await?
            }
        })
    }

    /// The first row of one statement that only reads.
    pub async fn optional<T: Row>(&self, sql: Sql) -> Result<Option<T>> {
        Ok(self.all(sql).await?.into_iter().next())
    }

    /// Closes all connections, SQLite's after a checkpoint.
    pub async fn close(&self) {
        match self {
            Db::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Db::Postgres(pool) => pool.close().await,
        }
    }
}

/// Begins a transaction in a task of its own, which ends whatever becomes of the caller. A request whose client goes away
/// is dropped at any await, and where that is the answer to BEGIN, sqlx gives the connection to others without noticing
/// that it is inside a transaction by now: they would read an old snapshot, or write into what is never committed.
async fn begin_postgres(pool: &PgPool, statement: &'static str) -> Result<Transaction<'static, Postgres>> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin_with(statement).await });
    Ok(begun.await.map_err(Error::internal)??)
}

/// An open transaction on either database.
pub(super) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    /// Which SQL this database speaks.
    pub fn dialect(&self) -> Dialect {
        match self {
            Tx::Sqlite(_) => Dialect::Sqlite,
            Tx::Postgres(_) => Dialect::Postgres,
        }
    }

    /// All rows of a statement.
    pub async fn all<T: Row>(&mut self, sql: Sql) -> Result<Vec<T>> {
        Ok(match self {
            Tx::Sqlite(tx) => {
                let (text, arguments) = sql.into_sqlite();
                sqlx::query_as_with(text, arguments).fetch_all(&mut **tx).await?
            }
            Tx::Postgres(tx) => {
                let (text, arguments) = sql.into_postgres();
                sqlx::query_as_with(text, arguments).fetch_all(&mut **tx).await?
            }
        })
    }

    /// The first row of a statement, if it has one.
    pub async fn optional<T: Row>(&mut self, sql: Sql) -> Result<Option<T>> {
        Ok(self.all(sql).await?.into_iter().next())
    }

    /// The rows of a statement that [`packed`](super::sql::packed) began.
    pub async fn unpack<T: serde::de::DeserializeOwned>(&mut self, sql: Sql) -> Result<Vec<T>> {
        let text: Option<(String,)> = self.optional(sql).await?;
        text.map_or(Ok(Vec::new()), |(text,)| serde_json::from_str(&text).map_err(Error::internal))
    }

    /// Runs a statement; answers how many rows it touched.
    pub async fn run(&mut self, sql: Sql) -> Result<u64> {
        Ok(match self {
            Tx::Sqlite(tx) => {
                let (text, arguments) = sql.into_sqlite();
                sqlx::query_with(text, arguments).execute(&mut **tx).await?.rows_affected()
            }
            Tx::Postgres(tx) => {
                let (text, arguments) = sql.into_postgres();
                sqlx::query_with(text, arguments).execute(&mut **tx).await?.rows_affected()
            }
        })
    }

    /// Inserts many rows with few statements; `head` ends before `VALUES`, `tail` may hold `ON CONFLICT`. Answers how
    /// many rows were touched.
    pub async fn insert(&mut self, head: &'static str, rows: Columns, tail: &'static str) -> Result<u64> {
        let mut touched = 0;
        for statement in insert_rows(self.dialect(), head, rows, tail) {
            touched += self.run_insert(statement).await?;
        }
        Ok(touched)
    }

    async fn run_insert(&mut self, statement: Insert) -> Result<u64> {
        Ok(match self {
            Tx::Sqlite(tx) => {
                let (text, arguments) = statement.into_sqlite();
                sqlx::query_with(text, arguments).execute(&mut **tx).await?.rows_affected()
            }
            Tx::Postgres(tx) => {
                let (text, arguments) = statement.into_postgres();
                sqlx::query_with(text, arguments).execute(&mut **tx).await?.rows_affected()
            }
        })
    }

    /// As [`insert`](Self::insert), with `RETURNING` in `tail`. The rows come in no order.
    pub async fn insert_returning<T: Row>(
        &mut self,
        head: &'static str,
        rows: Columns,
        tail: &'static str,
    ) -> Result<Vec<T>> {
        let mut returned = Vec::with_capacity(rows.rows());
        for statement in insert_rows(self.dialect(), head, rows, tail) {
            returned.extend(match self {
                Tx::Sqlite(tx) => {
                    let (text, arguments) = statement.into_sqlite();
                    sqlx::query_as_with(text, arguments).fetch_all(&mut **tx).await?
                }
                Tx::Postgres(tx) => {
                    let (text, arguments) = statement.into_postgres();
                    sqlx::query_as_with(text, arguments).fetch_all(&mut **tx).await?
                }
            });
        }
        Ok(returned)
    }

    /// Makes the changes durable.
    pub async fn commit(self) -> Result<()> {
        match self {
            Tx::Sqlite(tx) => tx.commit().await?,
            Tx::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

/// The file that `sqlite:PATH` or `sqlite://PATH` names.
fn sqlite_path(url: &str) -> Option<&Path> {
    url.strip_prefix("sqlite:").map(|path| Path::new(path.trim_start_matches("//")))
}

async fn connect_sqlite(path: &Path, options: &StoreOptions) -> Result<Db> {
    let network = super::filesystem::network_filesystem(path)?;
    if let Some(name) = network
        && !options.allow_network_filesystem
    {
        return Err(Error::Invalid(format!(
            "the database would lie on {name}, where SQLite's write-ahead log loses data: its shared memory does not \
             cross nodes. Put the data directory on a local disk, use PostgreSQL, or, for a single server process, \
             start with --allow-network-filesystem (slower: no write-ahead log, one process holds the file)"
        )));
    }
    let base = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .synchronous(if options.synchronous_full { SqliteSynchronous::Full } else { SqliteSynchronous::Normal })
        .pragma("temp_store", "MEMORY")
        .pragma("mmap_size", "0")
        .pragma("wal_autocheckpoint", "4000")
        .pragma("trusted_schema", "OFF")
        .statement_cache_capacity(512);
    if network.is_some() {
        // One connection holds the file for itself: readers wait for the writer.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .before_acquire(|connection, _| Box::pin(async move { is_fit(connection) }))
            .connect_with(base.journal_mode(SqliteJournalMode::Truncate).locking_mode(SqliteLockingMode::Exclusive))
            .await?;
        return Ok(Db::Sqlite { read: pool.clone(), write: pool });
    }
    let base = base.journal_mode(SqliteJournalMode::Wal);
    // The writer first: it makes the file and its log.
    let write = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, _| Box::pin(async move { is_fit(connection) }))
        .connect_with(base.clone().pragma("cache_size", "-16384").thread_name(|_| "sqlite-writer".into()))
        .await?;
    let limit = options.read_limit;
    let read = SqlitePoolOptions::new()
        .max_connections(SQLITE_READERS)
        .min_connections(0)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .after_connect(move |connection, _| Box::pin(limit_reads(connection, limit)))
        .before_acquire(move |connection, _| {
            Box::pin(async move {
                limit_reads(connection, limit).await?;
                is_fit(connection)
            })
        })
        .connect_lazy_with(
            base.create_if_missing(false)
                .pragma("query_only", "ON")
                .pragma("cache_size", "-4096")
                .thread_name(|n| format!("sqlite-reader-{n}")),
        );
    Ok(Db::Sqlite { read, write })
}

/// Instructions of SQLite between two looks at the clock: about a millisecond.
const INSTRUCTIONS: i32 = 100_000;

/// From now on statements of this connection are interrupted when `limit` has passed, as PostgreSQL's are.
async fn limit_reads(connection: &mut SqliteConnection, limit: Duration) -> sqlx::Result<()> {
    let start = Instant::now();
    connection.lock_handle().await?.set_progress_handler(INSTRUCTIONS, move || start.elapsed() < limit);
    Ok(())
}

/// Whether a connection of SQLite may be used again. Where the disk is full or fails, SQLite rolls a transaction back
/// itself (<https://www.sqlite.org/lang_transaction.html>, section 3); sqlx then fails to do it, and believes for ever
/// that the connection is inside. A new one takes its place.
fn is_fit(connection: &SqliteConnection) -> sqlx::Result<bool> {
    Ok(!connection.is_in_transaction())
}

/// Runs `$body` as one unit of work: its changes are all durable when this answers, or none is. A deadlock or a
/// serialization failure is not the caller's business: the whole body runs again.
macro_rules! write_tx {
    ($db:expr, $tx:ident => $body:expr) => {{
        let mut attempts = 0;
        loop {
            let done: $crate::error::Result<_> = async {
                let mut $tx = $db.write().await?;
                let out = $body;
                $tx.commit().await?;
                Ok(out)
            }
            .await;
            match done {
                Err(error) if $crate::store::db::is_conflict(&error) && attempts < 5 => attempts += 1,
                done => break done,
            }
        }
    }};
}
pub(super) use write_tx;

/// Whether PostgreSQL gave this transaction up for the sake of another one: sending it again helps
/// (<https://www.postgresql.org/docs/current/mvcc-serialization-failure-handling.html>).
pub(super) fn is_conflict(error: &Error) -> bool {
    let Error::Internal(source) = error else { return false };
    match source.downcast_ref::<sqlx::Error>() {
        Some(sqlx::Error::Database(database)) => matches!(database.code().as_deref(), Some("40001" | "40P01")),
        _ => false,
    }
}
