//! What differs between runs: their params, tags and attributes side by side.
//!
//! The database says of each name whether the runs differ in it, and only the values that are told are read.

use std::collections::{BTreeMap, HashMap};

use super::Store;
use super::db::Tx;
use super::history::visible_runs;
use super::runs::rows_by_id;
use super::sql::{packed, sql};
use crate::error::{Error, Resource, Result};
use crate::model::{Caller, RunInfo};

/// Rows of one answer.
const MAX_ROWS: usize = 5_000;
/// Characters of a value that are told.
const MAX_CHARACTERS: usize = 2_000;
/// Bytes of values in one answer: runs may have thousands of long ones.
const MAX_BYTES: usize = 32 * 1024 * 1024;
/// Names whose values are read at once.
const NAMES: usize = 256;
/// Histories of models that a client writes for itself: they differ always, and say nothing of the training.
const UNTOLD_TAG: &str = "mlflow.log-model.history";

/// What runs can differ in, in the order in which it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiffKind {
    /// What every run has: state, user, times, experiment.
    Attribute,
    /// Params.
    Param,
    /// Tags.
    Tag,
}

impl DiffKind {
    /// All of them, in order.
    pub const ALL: [DiffKind; 3] = [DiffKind::Attribute, DiffKind::Param, DiffKind::Tag];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            DiffKind::Attribute => "attribute",
            DiffKind::Param => "param",
            DiffKind::Tag => "tag",
        }
    }

    /// The kind of this name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// What is asked of which runs.
#[derive(Debug, Clone)]
pub struct DiffRequest {
    /// The public ids of the runs, each once.
    pub run_ids: Vec<String>,
    /// Whether to tell what is the same in all runs, too.
    pub all: bool,
    /// What to look at.
    pub kinds: Vec<DiffKind>,
}

/// What differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Diff {
    /// Of each kind that was asked for, how many names the runs have, and in how many of them they differ.
    pub counts: BTreeMap<DiffKind, (usize, usize)>,
    /// One for each name: attributes, params, tags, each by name, for which `config.` in front does not count.
    pub rows: Vec<DiffRow>,
    /// Whether rows are missing at the end.
    pub truncated: bool,
}

/// A name and what each run has for it.
#[derive(Debug, Clone, PartialEq)]
pub struct DiffRow {
    /// What it names.
    pub kind: DiffKind,
    /// The name.
    pub key: String,
    /// The values in the order of the runs.
    pub values: Vec<DiffValue>,
}

/// What a run has for a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DiffValue {
    /// Nothing.
    Missing,
    /// A text, cut to 2,000 characters and an ellipsis.
    Text(String),
    /// A time or a duration, in milliseconds.
    Milliseconds(i64),
}

/// A name that some of the runs have.
struct Name {
    kind: DiffKind,
    key_id: i64,
    key: String,
    differs: bool,
}

impl Store {
    /// What differs between runs, or all that they have.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a run that does not exist or that the caller may not see.
    pub async fn diff_runs(&self, caller: &Caller, request: &DiffRequest) -> Result<Diff> {
        let _turn = self.search_turn().await?;
        let mut tx = self.db().read().await?;
        let asked: Vec<&str> = request.run_ids.iter().map(String::as_str).collect();
        let visible = visible_runs(&mut tx, caller, &asked).await?;
        let missing = request.run_ids.iter().find(|run_id| !visible.contains_key(*run_id));
        if let Some(run_id) = missing {
            return Err(Error::NotFound(Resource::Run(run_id.clone())));
        }
        let ids: Vec<i64> = asked.iter().map(|run_id| visible[*run_id]).collect();
        let mut diff = Diff { counts: BTreeMap::new(), rows: Vec::new(), truncated: false };
        if request.kinds.contains(&DiffKind::Attribute) {
            let rows = attributes(&mut tx, caller, &ids).await?;
            diff.count(DiffKind::Attribute, rows.iter().map(DiffRow::differs));
            diff.rows.extend(rows.into_iter().filter(|row| request.all || row.differs()));
        }
        let mut names = Vec::new();
        for kind in [DiffKind::Param, DiffKind::Tag].into_iter().filter(|kind| request.kinds.contains(kind)) {
            let found = read_names(&mut tx, kind, &ids).await?;
            diff.count(kind, found.iter().map(|name| name.differs));
            names.extend(found.into_iter().filter(|name| request.all || name.differs));
        }
        names.sort_by(|one, other| one.place().cmp(&other.place()));
        let room = MAX_ROWS - diff.rows.len();
        diff.truncated = names.len() > room;
        names.truncate(room);
        let mut bytes = 0;
        for part in names.chunks(NAMES) {
            if bytes > MAX_BYTES {
                diff.truncated = true;
                break;
            }
            let rows = read_values(&mut tx, part, &ids).await?;
            bytes += rows.iter().map(DiffRow::bytes).sum::<usize>();
            diff.rows.extend(rows);
        }
        Ok(diff)
    }
}

impl Diff {
    fn count(&mut self, kind: DiffKind, differs: impl Iterator<Item = bool>) {
        let (total, differing) = self.counts.entry(kind).or_default();
        for differs in differs {
            *total += 1;
            *differing += usize::from(differs);
        }
    }
}

impl DiffRow {
    /// Whether the runs have more than one value for it; having none counts as one.
    fn differs(&self) -> bool {
        self.values.windows(2).any(|pair| pair[0] != pair[1])
    }

    fn bytes(&self) -> usize {
        let text = |value: &DiffValue| if let DiffValue::Text(text) = value { text.len() } else { 0 };
        self.values.iter().map(text).sum()
    }
}

impl Name {
    /// Where it stands: Anemoi has each param with `config.` in front, and some also without.
    fn place(&self) -> (DiffKind, &str, &str) {
        (self.kind, self.key.strip_prefix("config.").unwrap_or(&self.key), &self.key)
    }
}

async fn attributes(tx: &mut Tx, caller: &Caller, ids: &[i64]) -> Result<Vec<DiffRow>> {
    let mut runs: HashMap<i64, RunInfo> = HashMap::new();
    for row in rows_by_id(tx, caller, ids).await? {
        runs.insert(row.id, row.info()?);
    }
    let mut statement = sql("SELECT r.id, e.name FROM run r JOIN experiment e ON e.id = r.experiment_id WHERE r.id");
    statement.bind_ints(tx.dialect(), ids);
    let experiments: HashMap<i64, String> = tx.all::<(i64, String)>(statement).await?.into_iter().collect();
    let text = |text: &str| DiffValue::Text(text.to_owned());
    let time = |time: Option<i64>| time.map_or(DiffValue::Missing, DiffValue::Milliseconds);
    let row = |key: &str, value: &dyn Fn(i64, &RunInfo) -> DiffValue| DiffRow {
        kind: DiffKind::Attribute,
        key: key.to_owned(),
        values: ids.iter().map(|id| runs.get(id).map_or(DiffValue::Missing, |run| value(*id, run))).collect(),
    };
    Ok(vec![
        row("duration", &|_, run| time(run.end_ms.map(|end| end.saturating_sub(run.start_ms)))),
        row("end_time", &|_, run| time(run.end_ms)),
        row("experiment_name", &|id, _| experiments.get(&id).map_or(DiffValue::Missing, |name| text(name))),
        row("start_time", &|_, run| time(Some(run.start_ms))),
        row("status", &|_, run| text(run.status.as_str())),
        row("user_id", &|_, run| text(&run.user_id)),
    ])
}

fn table(kind: DiffKind) -> &'static str {
    if kind == DiffKind::Tag { " FROM tag v" } else { " FROM param v" }
}

/// The names of params or tags that the runs have, in no order.
async fn read_names(tx: &mut Tx, kind: DiffKind, ids: &[i64]) -> Result<Vec<Name>> {
    let mut statement = packed(tx.dialect(), "k.id, k.name, n.differs");
    statement.push(" FROM (SELECT v.key_id, CASE WHEN count(*) < ").bind(ids.len() as i64).push(
        " OR min(v.head) <> max(v.head) OR min(coalesce(v.tail, '')) <> max(coalesce(v.tail, '')) \
         THEN 1 ELSE 0 END AS differs",
    );
    statement.push(table(kind)).push(" WHERE v.run_id").bind_ints(tx.dialect(), ids);
    statement.push(" GROUP BY v.key_id) n JOIN key k ON k.id = n.key_id WHERE k.name <> ").bind(UNTOLD_TAG);
    let rows: Vec<(i64, String, i64)> = tx.unpack(statement).await?;
    let name = |(key_id, key, differs)| Name { kind, key_id, key, differs: differs != 0 };
    Ok(rows.into_iter().map(name).collect())
}

/// The values of `names`, in their order.
async fn read_values(tx: &mut Tx, names: &[Name], ids: &[i64]) -> Result<Vec<DiffRow>> {
    let mut found: HashMap<(DiffKind, i64, i64), String> = HashMap::new();
    for kind in [DiffKind::Param, DiffKind::Tag] {
        let keys: Vec<i64> = names.iter().filter(|name| name.kind == kind).map(|name| name.key_id).collect();
        if keys.is_empty() {
            continue;
        }
        let mut statement = packed(tx.dialect(), "v.run_id, v.key_id, substr(v.head || coalesce(v.tail, ''), 1, 2001)");
        statement.push(table(kind)).push(" WHERE v.run_id").bind_ints(tx.dialect(), ids);
        statement.push(" AND v.key_id").bind_ints(tx.dialect(), &keys);
        let rows: Vec<(i64, i64, String)> = tx.unpack(statement).await?;
        found.extend(rows.into_iter().map(|(run, key, value)| ((kind, run, key), value)));
    }
    let row = |name: &Name| {
        let value = |id: &i64| found.remove(&(name.kind, *id, name.key_id)).map_or(DiffValue::Missing, cut);
        DiffRow { kind: name.kind, key: name.key.clone(), values: ids.iter().map(value).collect() }
    };
    Ok(names.iter().map(row).collect())
}

/// A value of which one character more was read than is told.
fn cut(mut value: String) -> DiffValue {
    if let Some((end, _)) = value.char_indices().nth(MAX_CHARACTERS) {
        value.truncate(end);
        value.push('…');
    }
    DiffValue::Text(value)
}
