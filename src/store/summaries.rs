//! What there is to search: the names of metrics, params and tags with their values.

use std::collections::HashMap;

use super::Store;
use super::db::Tx;
use super::sql::{Dialect, Sql, sql};
use super::texts;
use crate::error::Result;
use crate::model::Caller;

/// The most frequent values of a key that are told.
const TOP_VALUES: i64 = 10;
/// Variables for experiments in one statement.
const MAX_VARIABLES: usize = 16_384;
/// Keys of one statement that has a part for each: SQLite joins at most 500 parts.
const MAX_PARTS: usize = 400;

/// What has names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// Metrics.
    Metric,
    /// Params.
    Param,
    /// Tags.
    Tag,
}

impl KeyKind {
    fn table(self) -> &'static str {
        match self {
            KeyKind::Metric => "metric_series",
            KeyKind::Param => "param",
            KeyKind::Tag => "tag",
        }
    }
}

/// Which names to list.
#[derive(Debug, Clone)]
pub struct KeySearch {
    /// The experiments whose runs use them.
    pub experiments: Vec<i64>,
    /// What they name.
    pub kind: KeyKind,
    /// What they have in them.
    pub text: NamePart,
    /// At most this many.
    pub limit: usize,
}

/// A part of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NamePart {
    /// Its beginning, letter by letter.
    Start(String),
    /// Anything in it, in any case of ASCII letters; names that begin with it come first.
    Within(String),
}

/// Which values to list.
#[derive(Debug, Clone)]
pub struct ValueSearch {
    /// The experiments whose runs have them.
    pub experiments: Vec<i64>,
    /// What they are values of.
    pub of: ValuesOf,
    /// What they have in them, in any case of ASCII letters.
    pub text: String,
    /// At most this many.
    pub limit: usize,
}

/// What has values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ValuesOf {
    /// The param of this name.
    Param(String),
    /// The tag of this name.
    Tag(String),
    /// The users that runs say have started them.
    Users,
}

/// A name and what it stands for. Runs in the trash count too: looking each up would cost more than it tells.
#[derive(Debug, Clone, PartialEq)]
pub struct KeySummary {
    /// The name.
    pub key: String,
    /// How many runs have it.
    pub runs: i64,
    /// Its values.
    pub values: KeyValues,
}

/// The values of a name.
#[derive(Debug, Clone, PartialEq)]
pub enum KeyValues {
    /// The least and the greatest latest value of a metric, NaN apart.
    Range {
        /// The least, if there is a number.
        min: Option<f64>,
        /// The greatest.
        max: Option<f64>,
    },
    /// The most frequent values of a param or a tag, cut to 200 characters, with the number of runs of each.
    Top {
        /// Values and numbers.
        values: Vec<(String, i64)>,
        /// Whether runs have different values.
        differs: bool,
    },
}

#[derive(sqlx::FromRow)]
struct RangeRow {
    id: i64,
    runs: i64,
    min_value: Option<f64>,
    max_value: Option<f64>,
}

#[derive(sqlx::FromRow)]
struct TopRow {
    id: i64,
    head: String,
    runs: i64,
    all_runs: i64,
    values_in_all: i64,
}

impl Store {
    /// The names that runs of some experiments use, in order, with their values.
    pub async fn list_keys(&self, caller: &Caller, search: KeySearch) -> Result<Vec<KeySummary>> {
        if search.experiments.is_empty() {
            return Ok(Vec::new());
        }
        let _turn = self.search_turn().await?;
        let mut tx = self.db().read().await?;
        let keys: Vec<(i64, String)> = tx.all(names(tx.dialect(), caller, &search)).await?;
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<i64> = keys.iter().map(|(id, _)| *id).collect();
        let mut found = match search.kind {
            KeyKind::Metric => ranges(&mut tx, caller, &search.experiments, &ids).await?,
            KeyKind::Param | KeyKind::Tag => tops(&mut tx, caller, &search, &ids).await?,
        };
        let summary =
            |(id, key): (i64, String)| found.remove(&id).map(|(runs, values)| KeySummary { key, runs, values });
        Ok(keys.into_iter().filter_map(summary).collect())
    }

    /// The most frequent values with the number of runs of each, which may be in the trash. Values of more than 200
    /// characters are left out.
    ///
    /// # Errors
    /// What the database said.
    pub async fn list_values(&self, caller: &Caller, search: ValueSearch) -> Result<Vec<(String, i64)>> {
        let (column, table, key) = match &search.of {
            ValuesOf::Param(key) => ("head", KeyKind::Param.table(), Some(key)),
            ValuesOf::Tag(key) => ("head", KeyKind::Tag.table(), Some(key)),
            ValuesOf::Users => ("user_id", "run", None),
        };
        let key_id = match key {
            Some(key) => self.inner.keys.find(self.db(), key).await?,
            None => None,
        };
        if search.experiments.is_empty() || (key.is_some() && key_id.is_none()) {
            return Ok(Vec::new());
        }
        let _turn = self.search_turn().await?;
        let mut tx = self.db().read().await?;
        let mut statement = sql("SELECT ");
        statement.push(column).push(", count(*) FROM ").push(table).push(" WHERE experiment_id");
        statement.bind_ints(tx.dialect(), &search.experiments).visible_to(caller, "experiment_id");
        if let Some(key_id) = key_id {
            statement.push(" AND key_id = ").bind(key_id).push(" AND tail IS NULL");
        }
        statement.push(" AND ").push(column).push(" <> '' AND ").contains(column, &search.text);
        statement.push(" GROUP BY ").push(column).push(" ORDER BY count(*) DESC, ").push(column);
        statement.push(" LIMIT ").bind(search.limit as i64);
        tx.all(statement).await
    }
}

/// The names, by jumping from one to the next in the index instead of reading the entries of each.
fn names(dialect: Dialect, caller: &Caller, search: &KeySearch) -> Sql {
    let table = search.kind.table();
    let mut statement = sql("WITH RECURSIVE used (experiment_id, key_id) AS (
         SELECT x.id, (SELECT min(s.key_id) FROM ");
    statement.push(table).push(" s WHERE s.experiment_id = x.id) FROM experiment x WHERE x.id");
    statement.bind_ints(dialect, &search.experiments).visible_to(caller, "x.id");
    statement.push(" UNION ALL SELECT u.experiment_id, (SELECT min(s.key_id) FROM ").push(table);
    statement.push(
        " s WHERE s.experiment_id = u.experiment_id AND s.key_id > u.key_id) FROM used u WHERE u.key_id IS NOT NULL) \
         SELECT n.id, n.name FROM (SELECT DISTINCT k.id, k.name FROM used u JOIN key k ON k.id = u.key_id) n WHERE ",
    );
    match &search.text {
        NamePart::Start(text) => statement.begins("n.name", text).push(" ORDER BY n.name"),
        NamePart::Within(text) => {
            let folded = text.to_ascii_lowercase();
            statement.contains("n.name", text).push(" ORDER BY CASE WHEN ");
            statement.begins("lower(n.name)", &folded).push(" THEN 0 ELSE 1 END, n.name")
        }
    };
    statement.push(" LIMIT ").bind(search.limit as i64);
    statement
}

/// How many runs have each metric, and its range: the ends of an index in every experiment.
async fn ranges(
    tx: &mut Tx,
    caller: &Caller,
    experiments: &[i64],
    ids: &[i64],
) -> Result<HashMap<i64, (i64, KeyValues)>> {
    let dialect = tx.dialect();
    let mut statement = sql("SELECT k.id, (SELECT count(*) FROM metric_series e WHERE e.experiment_id");
    statement.bind_ints(dialect, experiments).visible_to(caller, "e.experiment_id");
    statement.push(" AND e.key_id = k.id) AS runs, (SELECT min((");
    statement.push(
        "SELECT min(e.value) FROM metric_series e \
         WHERE e.experiment_id = x.id AND e.key_id = k.id AND e.is_nan = FALSE)) FROM experiment x WHERE x.id",
    );
    statement.bind_ints(dialect, experiments).visible_to(caller, "x.id").push(") AS min_value, (SELECT max((");
    statement.push(
        "SELECT max(e.value) FROM metric_series e \
         WHERE e.experiment_id = x.id AND e.key_id = k.id AND e.is_nan = FALSE)) FROM experiment x WHERE x.id",
    );
    statement.bind_ints(dialect, experiments).visible_to(caller, "x.id");
    statement.push(") AS max_value FROM key k WHERE k.id").bind_ints(dialect, ids);
    let rows: Vec<RangeRow> = tx.all(statement).await?;
    let range = |row: RangeRow| (row.id, (row.runs, KeyValues::Range { min: row.min_value, max: row.max_value }));
    Ok(rows.into_iter().map(range).collect())
}

/// The most frequent values of each param or tag.
async fn tops(tx: &mut Tx, caller: &Caller, search: &KeySearch, ids: &[i64]) -> Result<HashMap<i64, (i64, KeyValues)>> {
    let dialect = tx.dialect();
    let mut found: HashMap<i64, (i64, KeyValues)> = HashMap::new();
    // Every key repeats the experiments: below SQLite's limit of variables.
    for part in ids.chunks((MAX_VARIABLES / search.experiments.len().next_power_of_two()).clamp(1, MAX_PARTS)) {
        let mut statement = Sql::default();
        for id in part {
            statement.push(if statement.is_empty() { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" });
            statement.push("SELECT CAST(").bind(*id).push(" AS BIGINT) AS id, e.head, count(*) AS runs, ");
            statement.push("CAST(sum(count(*)) OVER () AS BIGINT) AS all_runs, count(*) OVER () AS values_in_all ");
            statement.push("FROM ").push(search.kind.table()).push(" e WHERE e.experiment_id");
            statement.bind_ints(dialect, &search.experiments).visible_to(caller, "e.experiment_id");
            statement.push(" AND e.key_id = ").bind(*id);
            statement.push(" GROUP BY e.head ORDER BY count(*) DESC, e.head LIMIT ").bind(TOP_VALUES).push(") top");
        }
        for row in tx.all::<TopRow>(statement).await? {
            let differs = row.values_in_all > 1;
            let (_, values) =
                found.entry(row.id).or_insert_with(|| (row.all_runs, KeyValues::Top { values: Vec::new(), differs }));
            if let KeyValues::Top { values, .. } = values {
                values.push((row.head, row.runs));
            }
        }
    }
    for id in with_other_tails(tx, caller, search, &found).await? {
        if let Some((_, KeyValues::Top { differs, .. })) = found.get_mut(&id) {
            *differs = true;
        }
    }
    Ok(found)
}

/// The keys of which all values begin alike and go on differently.
async fn with_other_tails(
    tx: &mut Tx,
    caller: &Caller,
    search: &KeySearch,
    found: &HashMap<i64, (i64, KeyValues)>,
) -> Result<Vec<i64>> {
    let may_differ = |values: &KeyValues| match values {
        KeyValues::Top { values, differs } => !differs && values.iter().any(|(head, _)| texts::is_full(head)),
        KeyValues::Range { .. } => false,
    };
    let ids: Vec<i64> = found.iter().filter(|(_, (_, values))| may_differ(values)).map(|(id, _)| *id).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = sql("SELECT key_id FROM ");
    statement.push(search.kind.table()).push(" WHERE experiment_id");
    statement.bind_ints(tx.dialect(), &search.experiments).visible_to(caller, "experiment_id");
    statement.push(" AND key_id").bind_ints(tx.dialect(), &ids);
    statement.push(" GROUP BY key_id HAVING min(coalesce(tail, '')) <> max(coalesce(tail, ''))");
    let rows: Vec<(i64,)> = tx.all(statement).await?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}
