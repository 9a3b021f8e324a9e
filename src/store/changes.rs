//! What changed when: a version for each run, from which caches and live pages know what is stale.
//!
//! A version names the transaction that made the change. SQLite has one writer, which counts. On PostgreSQL it is the
//! transaction's id: numbers drawn from a sequence become visible out of order, and a reader that has seen 7 would
//! never look for a 6 that was committed later. There a cursor is therefore the oldest transaction that may still be
//! running; what lies behind it may be told twice, but is never skipped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};

use super::Store;
use super::db::{Db, Tx};
use super::sql::{Arg, Column, Columns, Dialect, Sql, sql};
use crate::error::Result;
use crate::model::Caller;

/// More changed runs than this are not listed: reading all anew is cheaper.
const MAX_CHANGED_RUNS: i64 = 1_000;

/// What of a run a transaction changed.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Touched {
    /// Its metrics.
    pub points: bool,
    /// Its params.
    pub params: bool,
    /// Its state, name, tags, inputs, or whether it is in the trash.
    pub info: bool,
}

/// SQLite's counter of transactions; it starts behind what the database holds.
#[derive(Debug)]
pub(super) struct Versions(AtomicI64);

impl Versions {
    /// Reads where an earlier process stopped.
    pub async fn load(db: &Db) -> Result<Self> {
        let last: Option<(Option<i64>,)> = db.optional(sql("SELECT max(version) FROM run_change")).await?;
        let last_of_experiments: Option<(Option<i64>,)> =
            db.optional(sql("SELECT max(version) FROM experiment")).await?;
        let last = [last, last_of_experiments].into_iter().flatten().filter_map(|(version,)| version).max();
        Ok(Versions(AtomicI64::new(last.unwrap_or(1))))
    }

    /// SQLite's next version. The transaction holds the one connection that writes, so versions become visible in order.
    fn next(&self) -> i64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Appends the version of this transaction.
    fn push<'a>(&self, statement: &'a mut Sql, dialect: Dialect) -> &'a mut Sql {
        match dialect {
            Dialect::Sqlite => statement.bind(self.next()),
            Dialect::Postgres => statement.push("pg_current_xact_id()::text::bigint"),
        }
    }

    /// Gives what was touched of each run this transaction's version.
    pub async fn mark(&self, tx: &mut Tx, touched: BTreeMap<i64, Touched>) -> Result<()> {
        let runs: Vec<i64> = touched.keys().copied().collect();
        let flags = |of: fn(&Touched) -> bool| touched.values().map(of).collect::<Vec<bool>>();
        let parts = [flags(|touched| touched.points), flags(|touched| touched.params), flags(|touched| touched.info)];
        match tx.dialect() {
            Dialect::Sqlite => {
                let version = self.next();
                let mut columns = vec![Column::Int(runs), Column::Int(vec![version; touched.len()])];
                let versions =
                    |flags: Vec<bool>| flags.into_iter().map(|flag| if flag { version } else { 0 }).collect();
                columns.extend(parts.into_iter().map(|flags| Column::Int(versions(flags))));
                tx.insert(MARK, Columns(columns), MERGE_MARK).await.map(drop)
            }
            Dialect::Postgres => {
                let mut statement = sql(MARK);
                statement.push(
                    " SELECT t.run_id, v.version, CASE WHEN t.points THEN v.version ELSE 0 END, \
                     CASE WHEN t.params THEN v.version ELSE 0 END, CASE WHEN t.info THEN v.version ELSE 0 END FROM (",
                );
                statement.push("SELECT pg_current_xact_id()::text::bigint AS version) v, UNNEST(");
                statement.bind(Arg::Ints(runs)).push("::bigint[]");
                for flags in parts {
                    statement.push(", ").bind(Arg::Bools(flags)).push("::boolean[]");
                }
                statement.push(") AS t (run_id, points, params, info) ").push(MERGE_MARK);
                tx.run(statement).await.map(drop)
            }
        }
    }

    /// As [`mark`](Self::mark), for the state of one run.
    pub async fn mark_info(&self, tx: &mut Tx, run_id: i64) -> Result<()> {
        self.mark(tx, BTreeMap::from([(run_id, Touched { info: true, ..Touched::default() })])).await
    }

    /// As [`mark_info`](Self::mark_info), for an experiment and all its runs.
    pub async fn mark_experiment_with_runs(&self, tx: &mut Tx, experiment_id: i64) -> Result<()> {
        let runs: Vec<(i64,)> = tx.all(sql("SELECT id FROM run WHERE experiment_id = $1").arg(experiment_id)).await?;
        let info = Touched { info: true, ..Touched::default() };
        self.mark(tx, runs.into_iter().map(|(id,)| (id, info)).collect()).await?;
        self.mark_experiment(tx, experiment_id).await
    }

    /// Gives an experiment this transaction's version.
    pub async fn mark_experiment(&self, tx: &mut Tx, experiment_id: i64) -> Result<()> {
        let mut update = sql("UPDATE experiment SET version = ");
        self.push(&mut update, tx.dialect()).push(" WHERE id = ").bind(experiment_id);
        tx.run(update).await.map(drop)
    }
}

const MARK: &str = "INSERT INTO run_change AS c (run_id, version, points_version, params_version, info_version)";

/// A later change of a run always has a greater version, or a text of the run as it was before would pass for true: on
/// PostgreSQL a transaction may get its id before another one and the row after it, and the ids of a server begin anew
/// when its data moves to another one.
const MERGE_MARK: &str = "ON CONFLICT (run_id) DO UPDATE SET \
     version = CASE WHEN c.version < excluded.version THEN excluded.version ELSE c.version + 1 END, \
     points_version = CASE WHEN excluded.points_version = 0 THEN c.points_version \
         WHEN c.version < excluded.version THEN excluded.version ELSE c.version + 1 END, \
     params_version = CASE WHEN excluded.params_version = 0 THEN c.params_version \
         WHEN c.version < excluded.version THEN excluded.version ELSE c.version + 1 END, \
     info_version = CASE WHEN excluded.info_version = 0 THEN c.info_version \
         WHEN c.version < excluded.version THEN excluded.version ELSE c.version + 1 END";

/// What has changed since a cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The cursor to ask with next.
    pub cursor: i64,
    /// The runs that changed. `None` if they are too many to be told apart, or if the cursor is not one of this
    /// database: then everything may have changed.
    pub runs: Option<Vec<ChangedRun>>,
    /// The experiments that were made or changed, or that have a changed run.
    pub experiments: Vec<i64>,
}

/// A run that changed, and what of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedRun {
    /// The run's public id.
    pub run_id: String,
    /// Its experiment.
    pub experiment_id: i64,
    /// Whether points were logged.
    pub points: bool,
    /// Whether params were logged.
    pub params: bool,
    /// Whether its state, name, tags, inputs or its place in or out of the trash changed.
    pub info: bool,
}

#[derive(sqlx::FromRow)]
struct ChangeRow {
    public_id: String,
    experiment_id: i64,
    points_version: i64,
    params_version: i64,
    info_version: i64,
}

impl Store {
    /// What has changed since `since` in these experiments, or in all of them if none is named. Without a cursor only
    /// a new one is answered.
    pub async fn list_changes(&self, caller: &Caller, since: Option<i64>, experiments: &[i64]) -> Result<Changes> {
        let mut tx = self.db().read().await?;
        let cursor = cursor(&mut tx).await?;
        let nothing = Changes { cursor, runs: Some(Vec::new()), experiments: Vec::new() };
        let Some(since) = since else { return Ok(nothing) };
        // A database that was restored from a copy may be behind what its readers have seen.
        if since > cursor {
            return Ok(Changes { runs: None, ..nothing });
        }
        let dialect = tx.dialect();
        let mut statement =
            sql("SELECT r.public_id, r.experiment_id, c.points_version, c.params_version, c.info_version
             FROM run_change c CROSS JOIN run r WHERE c.version > ");
        statement.bind(since).push(" AND r.id = c.run_id");
        statement.visible_to(caller, "r.experiment_id");
        if !experiments.is_empty() {
            statement.push(" AND +r.experiment_id").bind_ints(dialect, experiments);
        }
        statement.push(" ORDER BY c.version LIMIT ").bind(MAX_CHANGED_RUNS + 1);
        let rows: Vec<ChangeRow> = tx.all(statement).await?;
        let mut statement = sql("SELECT id FROM experiment WHERE version > ");
        statement.bind(since).visible_to(caller, "id");
        if !experiments.is_empty() {
            statement.push(" AND id").bind_ints(dialect, experiments);
        }
        let changed: Vec<(i64,)> = tx.all(statement).await?;
        let mut changed: BTreeSet<i64> = changed.into_iter().map(|(id,)| id).collect();
        changed.extend(rows.iter().map(|row| row.experiment_id));
        let complete = rows.len() <= MAX_CHANGED_RUNS as usize;
        let run = |row: ChangeRow| ChangedRun {
            run_id: row.public_id,
            experiment_id: row.experiment_id,
            points: row.points_version > since,
            params: row.params_version > since,
            info: row.info_version > since,
        };
        let runs = complete.then(|| rows.into_iter().map(run).collect());
        Ok(Changes { cursor, runs, experiments: changed.into_iter().collect() })
    }
}

/// Up to where this snapshot sees everything.
pub(super) async fn cursor(tx: &mut Tx) -> Result<i64> {
    let select = match tx.dialect() {
        Dialect::Sqlite => sql("SELECT max((SELECT coalesce(max(version), 1) FROM run_change), \
             (SELECT coalesce(max(version), 1) FROM experiment))"),
        Dialect::Postgres => sql("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1"),
    };
    Ok(tx.optional::<(i64,)>(select).await?.map_or(0, |(cursor,)| cursor))
}
