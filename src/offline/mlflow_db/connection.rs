//! Getting at a database without changing anything beside it.

use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use sqlx::ConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

use crate::offline::database_file::{Copy, DatabaseFile, Stamp};

/// How long a writer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// The codes of SQLite that say that the contents are bad, whoever reads them.
const BAD_CONTENTS: [&str; 2] = ["11", "26"];

/// A connection.
#[derive(Debug)]
pub(super) struct Connected {
    /// It only reads, or reads a copy.
    pub connection: SqliteConnection,
    /// What the database was before it was opened.
    pub stamp: Stamp,
    /// Removed when the connection is closed.
    copy: Option<Copy>,
}

impl Connected {
    /// Whether it is to a copy, which does not change any more.
    pub fn is_copy(&self) -> bool {
        self.copy.is_some()
    }

    /// Opens a database where it is, or a copy.
    ///
    /// # Errors
    /// That it can be neither read nor copied.
    pub async fn open(file: &DatabaseFile) -> anyhow::Result<Self> {
        let stamp = file.stamp().await?;
        if !file.has_log().await? {
            match connect(file.path(), true).await {
                Ok(connection) => return Ok(Connected { connection, stamp, copy: None }),
                Err(error) if are_contents_bad(&error) => return Err(error).context("it cannot be read"),
                Err(_) => {}
            }
        }
        let (copy, stamp) = file.copy().await?;
        let connection = connect(copy.path(), false).await.context("a copy of it cannot be read")?;
        Ok(Connected { connection, stamp, copy: Some(copy) })
    }
}

async fn connect(path: &Path, read_only: bool) -> sqlx::Result<SqliteConnection> {
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .read_only(read_only)
        .busy_timeout(PATIENCE)
        // The database is not ours: nothing in it may have our process do anything.
        .pragma("trusted_schema", "OFF")
        .pragma("mmap_size", "0")
        .pragma("cell_size_check", "ON")
        .disable_statement_logging()
        .connect()
        .await?;
    // Only now the file is really read.
    sqlx::query("SELECT count(*) FROM sqlite_master").execute(&mut connection).await?;
    Ok(connection)
}

fn are_contents_bad(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| BAD_CONTENTS.contains(&code.as_ref()))
}
