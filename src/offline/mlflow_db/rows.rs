//! The tables of MLflow's database.
//!
//! Only columns that all versions have are read. Texts come as bytes: SQLite checks nothing, and one text that is none must
//! not cost the whole run.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use sqlx::sqlite::SqliteConnection;

use crate::model::{Dataset, DatasetInput, KeyValue, Lifecycle, MetricValue, Point, RunStatus};
use crate::offline::folder::shown;
use crate::offline::mark::Mark;
use crate::offline::{
    Found, MAX_NAMES, MAX_POINTS, MAX_VALUE_BYTES, OfflineRun, Problem, RunPlace, Series, counted, is_run_id, problem,
};

/// The tables that MLflow's database has since version 1.2, without which there is nothing to read.
const TABLES: [&str; 6] = ["alembic_version", "experiments", "runs", "params", "tags", "metrics"];
/// The tables of datasets, since version 2.4.
const DATASET_TABLES: [&str; 3] = ["inputs", "input_tags", "datasets"];
/// A table that only Windvane has.
const WINDVANE_TABLE: &str = "metric_series";
/// The most points of a run that are kept between two questions.
const MAX_KEPT: usize = 1_000_000;
/// How many points are read at once. Meanwhile nobody can write where there is no write-ahead log, and a training must not
/// wait for us.
const PAGE: usize = 50_000;

/// What a database has that not all versions have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schema {
    has_datasets: bool,
    /// Whether the points of a run are found without going through all others, as since 2022.
    pub has_run_index: bool,
}

/// Looks whether this is a database that can be read.
///
/// # Errors
/// What it is instead.
pub(super) async fn check(connection: &mut SqliteConnection) -> anyhow::Result<Schema> {
    let names: Vec<(String, String)> =
        sqlx::query_as("SELECT type, name FROM sqlite_master").fetch_all(connection).await?;
    let has = |kind: &str, wanted: &str| names.iter().any(|(is, name)| is == kind && name == wanted);
    if has("table", WINDVANE_TABLE) && !has("table", TABLES[0]) {
        bail!("it is the database of a Windvane server; name its data directory");
    }
    for table in TABLES {
        ensure!(has("table", table), "it is no database of MLflow's: it has no table '{table}'");
    }
    Ok(Schema {
        has_datasets: DATASET_TABLES.iter().all(|table| has("table", table)),
        has_run_index: has("index", "index_metrics_run_uuid"),
    })
}

/// All runs.
///
/// # Errors
/// Where the tables cannot be read.
pub(super) async fn find_runs(connection: &mut SqliteConnection) -> anyhow::Result<Found> {
    type Text = Option<Vec<u8>>;
    type Row = (Vec<u8>, Text, Text, Option<i64>, Option<i64>, Text, Text);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT CAST(r.run_uuid AS BLOB), CAST(r.name AS BLOB), CAST(r.lifecycle_stage AS BLOB), CAST(r.start_time AS INTEGER), \
                CAST(r.experiment_id AS INTEGER), CAST(e.name AS BLOB), CAST(e.lifecycle_stage AS BLOB) \
         FROM runs r LEFT JOIN experiments e ON e.experiment_id = r.experiment_id",
    )
    .fetch_all(connection)
    .await?;

    let mut found = Found::default();
    for (run_id, name, stage, start_ms, experiment_id, experiment, experiment_stage) in rows {
        let what = shown(&run_id);
        let Some(run_id) = String::from_utf8(run_id).ok().filter(|id| is_run_id(id)) else {
            found.problems.push(problem(&what, "a run's id is 32 hexadecimal digits"));
            continue;
        };
        let experiment = experiment.and_then(|name| String::from_utf8(name).ok()).filter(|name| !name.is_empty());
        let (Some(experiment), Some(experiment_id)) = (experiment, experiment_id) else {
            found.problems.push(problem(&what, "its experiment is not there, or has no name"));
            continue;
        };
        let is_deleted = [stage, experiment_stage].iter().any(|stage| stage.as_deref() == Some(b"deleted"));
        found.runs.push(RunPlace {
            run_id,
            name: name.map(|name| String::from_utf8_lossy(&name).into_owned()).unwrap_or_default(),
            experiment,
            lifecycle: if is_deleted { Lifecycle::Deleted } else { Lifecycle::Active },
            start_ms: start_ms.unwrap_or(0),
            place: experiment_id.to_string(),
        });
    }
    found.runs.sort_by(|one, other| (one.start_ms, &one.run_id).cmp(&(other.start_ms, &other.run_id)));
    Ok(found)
}

/// Where the artifacts of a run lay on the machine that trained; `None` if there is no such run.
pub(super) async fn artifact_uri(connection: &mut SqliteConnection, run_id: &str) -> anyhow::Result<Option<String>> {
    let row: Option<(Option<Vec<u8>>,)> =
        sqlx::query_as("SELECT CAST(artifact_uri AS BLOB) FROM runs WHERE run_uuid = $1")
            .bind(run_id)
            .fetch_optional(connection)
            .await?;
    Ok(row.map(|(uri,)| lossy(uri)))
}

/// Adds to `mark` what changes whenever anything of a run does; `false` if there is no such run. Params and points are only
/// ever added, so the last row of each tells; tags change.
pub(super) async fn add_to_mark(
    connection: &mut SqliteConnection,
    schema: Schema,
    run_id: &str,
    mark: &mut Mark,
) -> anyhow::Result<bool> {
    let row: Option<(Vec<u8>,)> = sqlx::query_as(
        "SELECT CAST(quote(name) || quote(user_id) || quote(status) || quote(start_time) || quote(end_time) || \
                quote(lifecycle_stage) || quote(artifact_uri) || \
                quote((SELECT rowid FROM params WHERE run_uuid = $1 ORDER BY rowid DESC LIMIT 1)) || ' ' || \
                quote((SELECT rowid FROM metrics WHERE run_uuid = $1 ORDER BY rowid DESC LIMIT 1)) AS BLOB) \
         FROM runs WHERE run_uuid = $1",
    )
    .bind(run_id)
    .fetch_optional(&mut *connection)
    .await?;
    let Some((row,)) = row else { return Ok(false) };
    mark.text(&row);
    let tags: Vec<(Vec<u8>, Option<Vec<u8>>)> = sqlx::query_as(
        "SELECT CAST(key AS BLOB), substr(CAST(value AS BLOB), 1, $2) FROM tags WHERE run_uuid = $1 ORDER BY 1 LIMIT $3",
    )
    .bind(run_id)
    .bind(MAX_VALUE_BYTES as i64 + 1)
    .bind(MAX_NAMES as i64)
    .fetch_all(&mut *connection)
    .await?;
    for (key, value) in tags {
        mark.text(&key);
        mark.text(&value.unwrap_or_default());
    }
    if schema.has_datasets {
        let (count,): (i64,) = sqlx::query_as(
            "SELECT count(*) FROM inputs WHERE destination_type = 'RUN' AND destination_id = $1 AND source_type = 'DATASET'",
        )
        .bind(run_id)
        .fetch_one(connection)
        .await?;
        mark.number(count as u64);
    }
    Ok(true)
}

/// A run without its points and files; `None` if there is no such run.
///
/// # Errors
/// Where the tables cannot be read, or it has too many params, tags or metrics.
pub(super) async fn read_run(
    connection: &mut SqliteConnection,
    schema: Schema,
    run: &RunPlace,
) -> anyhow::Result<Option<OfflineRun>> {
    type Row = (Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>, Option<i64>, Option<i64>, Option<Vec<u8>>);
    let row: Option<Row> = sqlx::query_as(
        "SELECT CAST(name AS BLOB), CAST(user_id AS BLOB), CAST(status AS BLOB), CAST(start_time AS INTEGER), \
                CAST(end_time AS INTEGER), CAST(lifecycle_stage AS BLOB) \
         FROM runs WHERE run_uuid = $1",
    )
    .bind(&run.run_id)
    .fetch_optional(&mut *connection)
    .await?;
    let Some((name, user_id, status, start_ms, end_ms, stage)) = row else { return Ok(None) };

    let status = lossy(status);
    let status = match status.as_str() {
        "" => RunStatus::Running,
        name => RunStatus::from_name(name)
            .with_context(|| format!("state '{}' is none of MLflow's", name.escape_debug()))?,
    };
    let mut problems = Vec::new();
    let params = read_texts(
        connection,
        "SELECT CAST(key AS BLOB), substr(CAST(value AS BLOB), 1, $2) FROM params WHERE run_uuid = $1 LIMIT $3",
        &run.run_id,
        "params",
        &mut problems,
    )
    .await?;
    let tags = read_texts(
        connection,
        "SELECT CAST(key AS BLOB), substr(CAST(value AS BLOB), 1, $2) FROM tags WHERE run_uuid = $1 LIMIT $3",
        &run.run_id,
        "tags",
        &mut problems,
    )
    .await?;
    let metrics = read_metric_names(connection, &run.run_id, &mut problems).await?;
    let (datasets, left_out) = match schema.has_datasets {
        true => read_inputs(connection, &run.run_id, &mut problems).await?,
        false => Default::default(),
    };

    let name_tag = tags.iter().find(|tag| tag.key == "mlflow.runName").map(|tag| tag.value.clone());
    let is_deleted = stage.as_deref() == Some(b"deleted") || run.lifecycle == Lifecycle::Deleted;
    Ok(Some(OfflineRun {
        run_id: run.run_id.clone(),
        experiment: run.experiment.clone(),
        name: Some(lossy(name)).filter(|name| !name.is_empty()).or(name_tag).unwrap_or_default(),
        user_id: lossy(user_id),
        status,
        start_ms: start_ms.unwrap_or(0),
        end_ms,
        lifecycle: if is_deleted { Lifecycle::Deleted } else { Lifecycle::Active },
        params,
        tags,
        datasets,
        metrics,
        left_out,
        problems,
    }))
}

/// The tags of a run's experiment. What cannot be read of them is left out: they are no part of a run.
///
/// # Errors
/// Where the table cannot be read.
pub(super) async fn read_experiment_tags(
    connection: &mut SqliteConnection,
    run_id: &str,
) -> anyhow::Result<Vec<KeyValue>> {
    read_texts(
        connection,
        "SELECT CAST(key AS BLOB), substr(CAST(value AS BLOB), 1, $2) FROM experiment_tags \
         WHERE experiment_id = (SELECT experiment_id FROM runs WHERE run_uuid = $1) LIMIT $3",
        run_id,
        "tags",
        &mut Vec::new(),
    )
    .await
}

/// Reads keys and values with `sql`, which takes the run, how many bytes of a value are wanted, and how many rows.
async fn read_texts(
    connection: &mut SqliteConnection,
    sql: &'static str,
    run_id: &str,
    what: &str,
    problems: &mut Vec<Problem>,
) -> anyhow::Result<Vec<KeyValue>> {
    let rows: Vec<(Vec<u8>, Option<Vec<u8>>)> = sqlx::query_as(sql)
        .bind(run_id)
        .bind(MAX_VALUE_BYTES as i64 + 1)
        .bind(MAX_NAMES as i64 + 1)
        .fetch_all(connection)
        .await?;
    ensure!(rows.len() <= MAX_NAMES, "it has more than {MAX_NAMES} {what}");
    let mut texts = Vec::with_capacity(rows.len());
    for (key, value) in rows {
        let value = value.unwrap_or_default();
        let what = format!("{what}/{}", shown(&key));
        if value.len() as u64 > MAX_VALUE_BYTES {
            problems.push(problem(&what, format!("it is larger than {MAX_VALUE_BYTES} bytes")));
            continue;
        }
        match (String::from_utf8(key), String::from_utf8(value)) {
            (Ok(key), Ok(value)) => texts.push(KeyValue { key, value }),
            (Err(_), _) => problems.push(problem(&what, "its name is not UTF-8")),
            (_, Err(_)) => problems.push(problem(&what, "it is not UTF-8")),
        }
    }
    texts.sort_unstable_by(|one, other| one.key.cmp(&other.key));
    Ok(texts)
}

async fn read_metric_names(
    connection: &mut SqliteConnection,
    run_id: &str,
    problems: &mut Vec<Problem>,
) -> anyhow::Result<Vec<String>> {
    let rows: Vec<(Vec<u8>,)> =
        sqlx::query_as("SELECT DISTINCT CAST(key AS BLOB) FROM metrics WHERE run_uuid = $1 LIMIT $2")
            .bind(run_id)
            .bind(MAX_NAMES as i64 + 1)
            .fetch_all(connection)
            .await?;
    ensure!(rows.len() <= MAX_NAMES, "it has more than {MAX_NAMES} metrics");
    let mut names = Vec::with_capacity(rows.len());
    for (name,) in rows {
        let what = format!("metrics/{}", shown(&name));
        match String::from_utf8(name) {
            Ok(name) => names.push(name),
            Err(_) => problems.push(problem(&what, "its name is not UTF-8")),
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// The datasets that a run read, and what of it is not carried over.
async fn read_inputs(
    connection: &mut SqliteConnection,
    run_id: &str,
    problems: &mut Vec<Problem>,
) -> anyhow::Result<(Vec<DatasetInput>, Vec<String>)> {
    type Row = (Vec<u8>, Vec<u8>, Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT CAST(i.input_uuid AS BLOB), CAST(d.name AS BLOB), CAST(d.digest AS BLOB), \
                CAST(d.dataset_source_type AS BLOB), CAST(d.dataset_source AS BLOB), CAST(d.dataset_schema AS BLOB), \
                CAST(d.dataset_profile AS BLOB) \
         FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id \
         WHERE i.destination_type = 'RUN' AND i.destination_id = $1 AND i.source_type = 'DATASET' \
         ORDER BY 2, 3 LIMIT $2",
    )
    .bind(run_id)
    .bind(MAX_NAMES as i64 + 1)
    .fetch_all(&mut *connection)
    .await?;
    ensure!(rows.len() <= MAX_NAMES, "it has more than {MAX_NAMES} datasets");
    let tags: Vec<(Vec<u8>, Vec<u8>, Vec<u8>)> = sqlx::query_as(
        "SELECT CAST(t.input_uuid AS BLOB), CAST(t.name AS BLOB), CAST(t.value AS BLOB) \
         FROM inputs i JOIN input_tags t ON t.input_uuid = i.input_uuid \
         WHERE i.destination_type = 'RUN' AND i.destination_id = $1 AND i.source_type = 'DATASET' \
         ORDER BY 2 LIMIT $2",
    )
    .bind(run_id)
    .bind(MAX_NAMES as i64)
    .fetch_all(&mut *connection)
    .await?;
    let mut tags_of: BTreeMap<Vec<u8>, Vec<KeyValue>> = BTreeMap::new();
    for (input, name, value) in tags {
        match (String::from_utf8(name), String::from_utf8(value)) {
            (Ok(key), Ok(value)) => tags_of.entry(input).or_default().push(KeyValue { key, value }),
            _ => problems.push(problem("inputs", "a tag of a dataset is not UTF-8")),
        }
    }
    let text = |bytes: Option<Vec<u8>>| bytes.map(String::from_utf8).transpose();
    let mut inputs = Vec::with_capacity(rows.len());
    for (input, name, digest, source_type, source, schema, profile) in rows {
        let what = format!("inputs/{}", shown(&name));
        let dataset = (|| {
            Ok::<_, std::string::FromUtf8Error>(Dataset {
                name: String::from_utf8(name)?,
                digest: String::from_utf8(digest)?,
                source_type: text(source_type)?.unwrap_or_default(),
                source: text(source)?.unwrap_or_default(),
                schema: text(schema)?,
                profile: text(profile)?,
            })
        })();
        match dataset {
            Ok(dataset) => inputs.push(DatasetInput { dataset, tags: tags_of.remove(&input).unwrap_or_default() }),
            Err(_) => problems.push(problem(&what, "it is not UTF-8")),
        }
    }
    // Since version 3 the table holds these too, with the run as the source.
    let (made, read): (i64, i64) = sqlx::query_as(
        "SELECT count(*) FILTER (WHERE source_type = 'RUN_OUTPUT'), count(*) FILTER (WHERE source_type = 'RUN_INPUT') \
         FROM inputs WHERE source_type IN ('RUN_OUTPUT', 'RUN_INPUT') AND source_id = $1",
    )
    .bind(run_id)
    .fetch_one(connection)
    .await?;
    let left_out = [counted(made as usize, "logged model"), counted(read as usize, "logged model that it read")];
    Ok((inputs, left_out.into_iter().flatten().collect()))
}

/// The points of the run that was asked for last. A whole run is read at once: the index of the table is that of runs, so
/// to read it for each metric would be to read all of it each time.
#[derive(Debug, Default)]
pub(super) struct KeptPoints {
    run_id: String,
    /// `None` where the run has more points than are kept.
    series: Option<BTreeMap<String, Gathered>>,
}

/// The points of a metric as they come out of the table.
#[derive(Debug, Default, Clone)]
struct Gathered {
    points: Vec<Point>,
    negative: usize,
}

impl Gathered {
    fn take(&mut self, row: &PointRow) {
        let (_, _, timestamp_ms, step, value, is_nan) = *row;
        if timestamp_ms < 0 {
            self.negative += 1;
            return;
        }
        let value = MetricValue::new(if is_nan { f64::NAN } else { value });
        self.points.push(Point { timestamp_ms, step, value });
    }

    fn finish(self, metric: &str) -> Series {
        let why = match self.negative {
            0 => None,
            1 => Some("1 point has a negative timestamp".to_owned()),
            count => Some(format!("{count} points have negative timestamps")),
        };
        let problems = why.map(|why| problem(&format!("metrics/{metric}"), why)).into_iter().collect();
        Series::new(self.points, problems)
    }
}

/// The number of the row, key, timestamp, step, value, and whether the value is none.
type PointRow = (i64, Vec<u8>, i64, i64, f64, bool);

impl KeptPoints {
    /// The points of a metric.
    ///
    /// # Errors
    /// Where the table cannot be read, or there are too many.
    pub async fn series(
        &mut self,
        connection: &mut SqliteConnection,
        run_id: &str,
        metric: &str,
    ) -> anyhow::Result<Series> {
        if self.run_id != run_id {
            self.series = read_all(connection, run_id).await?;
            run_id.clone_into(&mut self.run_id);
        }
        let gathered = match &self.series {
            Some(series) => series.get(metric).cloned().unwrap_or_default(),
            None => read_one(connection, run_id, metric).await?,
        };
        Ok(gathered.finish(metric))
    }
}

/// All points of a run, by metric; `None` if there are more than are kept.
async fn read_all(
    connection: &mut SqliteConnection,
    run_id: &str,
) -> anyhow::Result<Option<BTreeMap<String, Gathered>>> {
    let mut series: BTreeMap<String, Gathered> = BTreeMap::new();
    let (mut last, mut count) = (i64::MIN, 0);
    loop {
        // No column's order but that of the rows: pages would lose their places otherwise.
        let rows: Vec<PointRow> = sqlx::query_as(
            "SELECT rowid, CAST(key AS BLOB), CAST(timestamp AS INTEGER), CAST(step AS INTEGER), CAST(value AS REAL), \
                    CAST(is_nan AS INTEGER) \
             FROM metrics WHERE run_uuid = $1 AND rowid > $2 ORDER BY rowid LIMIT $3",
        )
        .bind(run_id)
        .bind(last)
        .bind(PAGE as i64)
        .fetch_all(&mut *connection)
        .await?;
        let Some(row) = rows.last() else { return Ok(Some(series)) };
        last = row.0;
        count += rows.len();
        if count > MAX_KEPT {
            return Ok(None);
        }
        for row in &rows {
            // `read_metric_names` tells of the others.
            let Ok(name) = std::str::from_utf8(&row.1) else { continue };
            match series.get_mut(name) {
                Some(gathered) => gathered.take(row),
                None => series.entry(name.to_owned()).or_default().take(row),
            }
        }
        if rows.len() < PAGE {
            return Ok(Some(series));
        }
    }
}

/// The points of one metric of a run.
async fn read_one(connection: &mut SqliteConnection, run_id: &str, metric: &str) -> anyhow::Result<Gathered> {
    let mut gathered = Gathered::default();
    let mut last = i64::MIN;
    loop {
        let rows: Vec<PointRow> = sqlx::query_as(
            "SELECT rowid, X'', CAST(timestamp AS INTEGER), CAST(step AS INTEGER), CAST(value AS REAL), \
                    CAST(is_nan AS INTEGER) \
             FROM metrics WHERE run_uuid = $1 AND key = $2 AND rowid > $3 ORDER BY rowid LIMIT $4",
        )
        .bind(run_id)
        .bind(metric)
        .bind(last)
        .bind(PAGE as i64)
        .fetch_all(&mut *connection)
        .await?;
        rows.iter().for_each(|row| gathered.take(row));
        ensure!(gathered.points.len() <= MAX_POINTS, "it has more than {MAX_POINTS} points");
        match rows.last() {
            Some(row) if rows.len() == PAGE => last = row.0,
            _ => return Ok(gathered),
        }
    }
}

fn lossy(bytes: Option<Vec<u8>>) -> String {
    String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
}
