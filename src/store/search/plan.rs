//! The two ways to find the runs of a page, and the choice between them; the module above explains it.

use std::collections::{HashMap, HashSet};

use super::clause::{Scope, Subject, push_number};
use super::order::{self, By, Extent, Lead, RunCursor, SortKey, Term, Texts};
use super::{RunRow, RunSearch, push_view, select_row};
use crate::error::{Error, Result};
use crate::model::ViewType;
use crate::search::{Comparator, Comparison, RunField};
use crate::store::db::Tx;
use crate::store::sql::{Dialect, Sql, packed, sql};

/// At most this many experiments are walked side by side.
const MAX_ARMS: usize = 16;
/// At most this many conditions are repeated for the sake of several walks.
const MAX_ARM_CONDITIONS: usize = 256;
/// At most this many comparisons are looked at for the most selective one.
const MAX_COUNTED: usize = 16;
/// Bounds of how many index entries are counted for each of them.
const COUNTED: std::ops::RangeInclusive<usize> = 1_000..=20_000;
/// Runs that a server is thought to have when the counts are bounded.
const SUPPOSED_RUNS: f64 = 100_000.0;

/// A run that was found, and what breaks ties.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Place {
    pub id: i64,
    start_ms: i64,
    public_id: String,
}

/// A search with its names resolved.
pub(super) struct Query<'a> {
    scope: Scope<'a>,
    view: ViewType,
    clauses: &'a [Comparison<RunField>],
    keys: Vec<SortKey>,
    /// The field of the first key.
    lead: Option<&'a RunField>,
    after: Option<&'a RunCursor>,
    limit: usize,
}

/// How to find the runs.
#[derive(Debug, PartialEq)]
enum Plan {
    /// A comparison matches nothing.
    Nothing,
    /// Along the index of the first key.
    Walk(Lead),
    /// All that match the comparison of this position, or all of the experiments, sorted.
    Sort(Option<usize>),
}

/// How many index entries something has; the count stops at a bound.
#[derive(sqlx::FromRow)]
struct CountRow {
    position: i64,
    entries: i64,
}

impl<'a> Query<'a> {
    /// Resolves what `search` names, in those of its `experiments` that the caller may see.
    ///
    /// # Errors
    /// [`Error::Invalid`] where its place is one of another order.
    pub fn new(
        dialect: Dialect,
        search: &'a RunSearch,
        experiments: &'a [i64],
        ids: &'a HashMap<String, i64>,
    ) -> Result<Self> {
        let keys = order::resolve(&search.order, ids);
        if let Some(cursor) = &search.after {
            order::check_cursor(&keys, cursor)?;
        }
        Ok(Query {
            scope: Scope { dialect, experiments, ids, long: HashSet::new() },
            view: search.view,
            clauses: &search.filter.clauses,
            keys,
            lead: search.order.first().map(|key| &key.field),
            after: search.after.as_ref(),
            limit: search.limit + 1,
        })
    }

    /// The runs of the page in order, and one more if there are more.
    pub async fn find(&mut self, tx: &mut Tx) -> Result<Vec<Place>> {
        self.look_for_tails(tx).await?;
        let lead = match self.plan(tx).await? {
            Plan::Nothing => return Ok(Vec::new()),
            Plan::Sort(from) => return tx.all(self.sort(Sql::default(), from, self.after, self.limit, false)).await,
            Plan::Walk(lead) => lead,
        };
        let on_walk = self.after.is_none_or(order::is_on_walk);
        let mut found = if on_walk { tx.all(self.walk(Sql::default(), lead)).await? } else { Vec::new() };
        if found.len() < self.limit && self.may_lack_lead() {
            let after = self.after.filter(|_| !on_walk);
            let left = self.limit - found.len();
            let rest: Vec<Place> = tx.all(self.sort(Sql::default(), None, after, left, true)).await?;
            found.extend(rest);
        }
        Ok(found)
    }

    /// The ids of all runs that match, in order, and one more if they are more than the limit. All as one text: for each of
    /// them a row would cost more than finding it.
    pub async fn find_ids(&mut self, tx: &mut Tx) -> Result<Vec<i64>> {
        self.look_for_tails(tx).await?;
        let dialect = tx.dialect();
        let begin = || {
            let mut statement = packed(dialect, "f.id");
            statement.push(" FROM (");
            statement
        };
        let end = |mut statement: Sql| {
            statement.push(") f");
            statement
        };
        let (first, is_walk) = match self.plan(tx).await? {
            Plan::Nothing => return Ok(Vec::new()),
            Plan::Sort(from) => (self.sort(begin(), from, None, self.limit, false), false),
            Plan::Walk(lead) => (self.walk(begin(), lead), true),
        };
        let mut found: Vec<(i64,)> = tx.unpack(end(first)).await?;
        if is_walk && found.len() < self.limit && self.may_lack_lead() {
            let rest = self.sort(begin(), None, None, self.limit - found.len(), true);
            found.extend(tx.unpack::<(i64,)>(end(rest)).await?);
        }
        Ok(found.into_iter().map(|(id,)| id).collect())
    }

    /// The place of a found run.
    pub async fn cursor(&self, tx: &mut Tx, found: &Place) -> Result<RunCursor> {
        let (start_ms, run_id) = (found.start_ms, found.public_id.clone());
        if self.keys.is_empty() {
            return Ok(RunCursor { keys: Vec::new(), start_ms, run_id });
        }
        let row: Option<RunRow> = tx.optional(select_row(found.id)).await?;
        let row = row.ok_or_else(|| Error::internal(anyhow::anyhow!("a run left the snapshot it was found in")))?;
        let keys = order::read_values(tx, &self.keys, &[row], Extent::Whole).await?.pop().unwrap_or_default();
        Ok(RunCursor { keys, start_ms, run_id })
    }

    async fn plan(&self, tx: &mut Tx) -> Result<Plan> {
        let can_walk = self.can_walk();
        let indexed: Vec<usize> = (0..self.clauses.len())
            .filter(|position| self.scope.has_index(&self.clauses[*position]))
            .take(MAX_COUNTED)
            .collect();
        let walk =
            Plan::Walk(Lead::Walked { long: self.lead_text().is_some_and(|text| self.scope.long.contains(&text)) });
        if can_walk && indexed.is_empty() {
            return Ok(walk);
        }
        let bound = (self.limit as f64 * SUPPOSED_RUNS).sqrt() as usize;
        let bound = bound.clamp(*COUNTED.start(), *COUNTED.end()) as i64;
        let counts: Vec<CountRow> = tx.all(self.counts(&indexed, bound)).await?;
        let count = |position: i64| counts.iter().find(|row| row.position == position).map_or(0, |row| row.entries);
        if indexed.iter().any(|position| count(*position as i64) == 0) {
            return Ok(Plan::Nothing);
        }
        let least = indexed.iter().map(|position| (count(*position as i64), *position)).min();
        let least = least.filter(|(entries, _)| *entries < bound);
        if !can_walk {
            return Ok(Plan::Sort(least.map(|(_, position)| position)));
        }
        let in_scope = count(SCOPE);
        let runs = if in_scope < bound { in_scope } else { count(ALL_RUNS).max(in_scope) };
        let steps = self.limit as f64 * runs as f64;
        match least {
            Some((entries, position)) if (entries as f64).powi(2) < steps => Ok(Plan::Sort(Some(position))),
            _ => Ok(walk),
        }
    }

    /// Finds out which of the texts that are walked, or compared with a pattern, have values with a tail: for all others
    /// their index is enough.
    async fn look_for_tails(&mut self, tx: &mut Tx) -> Result<()> {
        let patterns = self.clauses.iter().filter_map(|clause| self.scope.pattern_text(clause));
        let texts: Vec<(Texts, i64)> = self.lead_text().into_iter().chain(patterns).take(MAX_COUNTED + 1).collect();
        let mut statement = Sql::default();
        for (position, (texts, key_id)) in texts.iter().enumerate() {
            statement.push(if statement.is_empty() { "SELECT CAST(" } else { " UNION ALL SELECT CAST(" });
            statement.number(position).push(" AS BIGINT) AS position, count(*) AS entries FROM (SELECT 1 FROM ");
            statement.push(texts.table()).push(" s WHERE s.experiment_id");
            statement.bind_ints(self.scope.dialect, self.scope.experiments);
            statement.push(" AND s.key_id = ").bind(*key_id).push(" AND s.tail IS NOT NULL LIMIT 1) c");
        }
        if statement.is_empty() {
            return Ok(());
        }
        let found: Vec<CountRow> = tx.all(statement).await?;
        self.scope.long = found.iter().filter(|row| row.entries > 0).map(|row| texts[row.position as usize]).collect();
        Ok(())
    }

    /// The param or tag that the order begins with.
    fn lead_text(&self) -> Option<(Texts, i64)> {
        match self.keys.first().map(|key| key.by) {
            Some(By::Text(texts, key_id)) => Some((texts, key_id)),
            _ => None,
        }
    }

    fn can_walk(&self) -> bool {
        let arms = self.scope.experiments.len();
        let is_order = match self.keys.first().map(|key| key.by) {
            None | Some(By::Start) => true,
            Some(By::Metric(key_id) | By::Text(_, key_id)) => key_id != 0,
            Some(By::End | By::Attribute(_)) => false,
        };
        is_order && (arms == 1 || (arms <= MAX_ARMS && arms * self.clauses.len() <= MAX_ARM_CONDITIONS))
    }

    /// Whether a run may match and still lack what the first key sorts by.
    fn may_lack_lead(&self) -> bool {
        let mut same = self.clauses.iter().filter(|clause| Some(&clause.field) == self.lead);
        match self.keys.first().map(|key| key.by) {
            Some(By::Metric(_)) => same.all(|clause| clause.comparator == Comparator::NotEq),
            Some(By::Text(..)) => same.all(|clause| clause.comparator == Comparator::IsNull),
            Some(By::Start | By::End | By::Attribute(_)) | None => false,
        }
    }

    /// The bounded counts of the comparisons at `indexed`, and what else the choice needs.
    fn counts(&self, indexed: &[usize], bound: i64) -> Sql {
        let mut statement =
            sql("SELECT CAST(-1 AS BIGINT) AS position, count(*) AS entries FROM (SELECT 1 FROM run r \
             WHERE r.experiment_id");
        statement.bind_ints(self.scope.dialect, self.scope.experiments);
        statement.push(" LIMIT ").bind(bound).push(") c UNION ALL SELECT -2, coalesce(max(id), 0) FROM run");
        for position in indexed {
            statement.push(" UNION ALL SELECT ").number(*position).push(", count(*) FROM (");
            self.scope.push_list(&mut statement, &self.clauses[*position]);
            statement.push(" LIMIT ").bind(bound).push(") c");
        }
        statement
    }

    /// The page along the index of the first key.
    fn walk(&self, mut statement: Sql, lead: Lead) -> Sql {
        let terms = order::terms(&self.keys, lead);
        if let [experiment] = self.scope.experiments {
            self.push_arm(&mut statement, *experiment, &terms, false);
            return statement;
        }
        statement.push("SELECT id, start_ms, public_id FROM (");
        for (position, experiment) in self.scope.experiments.iter().enumerate() {
            statement.push(if position == 0 { "SELECT * FROM (" } else { " UNION ALL SELECT * FROM (" });
            self.push_arm(&mut statement, *experiment, &terms, true);
            statement.push(") arm");
        }
        statement.push(") arms");
        order::push_outer_order(&mut statement, &terms);
        statement.push(" LIMIT ").bind(self.limit as i64);
        statement
    }

    /// The page of one experiment.
    fn push_arm(&self, statement: &mut Sql, experiment: i64, terms: &[Term], with_columns: bool) {
        statement.push("SELECT r.id, r.start_ms, r.public_id");
        if with_columns {
            order::push_columns(statement, terms);
        }
        let lead = self.keys.first().map(|key| key.by);
        let (table, index, run) = match lead {
            Some(By::Metric(_)) => (" FROM metric_series o0", "metric_by_value", " CROSS JOIN run r"),
            Some(By::Text(Texts::Params, _)) => (" FROM param o0", Texts::Params.index(), " CROSS JOIN run r"),
            Some(By::Text(Texts::Tags, _)) => (" FROM tag o0", Texts::Tags.index(), " CROSS JOIN run r"),
            _ => (" FROM run r", "run_by_start", ""),
        };
        statement.push(table);
        if self.scope.dialect == Dialect::Sqlite {
            statement.push(" INDEXED BY ").push(index);
        }
        statement.push(run);
        self.push_joins(statement, 1);
        match lead {
            Some(By::Metric(key_id) | By::Text(_, key_id)) => {
                statement.push(" WHERE o0.experiment_id = ").bind(experiment);
                statement.push(" AND o0.key_id = ").bind(key_id).push(" AND r.id = o0.run_id");
            }
            _ => {
                statement.push(" WHERE r.experiment_id = ").bind(experiment);
            }
        }
        if let Some(By::Metric(_)) = lead {
            statement.push(" AND o0.is_nan = FALSE");
            // A comparison of what is walked bounds the walk.
            for clause in self.clauses.iter().filter(|clause| Some(&clause.field) == self.lead) {
                push_number(statement, "o0", clause);
            }
        }
        let subject = match lead {
            Some(By::Metric(_) | By::Text(..)) => Subject::Entry("o0"),
            _ => Subject::Run,
        };
        self.push_conditions(statement, subject, |clause| {
            !(matches!(lead, Some(By::Metric(_))) && Some(&clause.field) == self.lead)
        });
        if let Some(cursor) = self.after {
            order::push_after(statement, terms, cursor);
        }
        order::push_order(statement, terms);
        statement.push(" LIMIT ").bind(self.limit as i64);
    }

    /// What matches the comparison at `from`, or all of the experiments, sorted; with `lacking` only what has no
    /// number or text for the first key.
    fn sort(
        &self,
        mut statement: Sql,
        from: Option<usize>,
        after: Option<&RunCursor>,
        limit: usize,
        lacking: bool,
    ) -> Sql {
        let terms = order::terms(&self.keys, Lead::Joined);
        statement.push("SELECT r.id, r.start_ms, r.public_id FROM ");
        let listed = from.map(|position| &self.clauses[position]);
        // PostgreSQL would rather read all runs than look up those of the entries; from an array it cannot guess.
        let postgres = self.scope.dialect == Dialect::Postgres;
        let entries = listed.filter(|_| !postgres).and_then(|clause| self.scope.entries(clause));
        let subject = match entries {
            Some(table) => {
                statement.push(table).push(" e CROSS JOIN run r");
                Subject::Entry("e")
            }
            None => {
                statement.push("run r");
                Subject::Run
            }
        };
        self.push_joins(&mut statement, 0);
        statement.push(" WHERE ");
        match (listed, entries) {
            (Some(clause), Some(_)) => {
                self.scope.push_entry(&mut statement, clause);
                statement.push(" AND r.id = e.run_id");
            }
            (Some(clause), None) => {
                statement.push(if postgres { "r.id = ANY(ARRAY(" } else { "r.id IN (" });
                self.scope.push_list(&mut statement, clause);
                // The sign hides the column from the planner: the list is where to begin.
                statement.push(if postgres { ")) AND +r.experiment_id" } else { ") AND +r.experiment_id" });
                statement.bind_ints(self.scope.dialect, self.scope.experiments);
            }
            (None, _) => {
                statement.push("r.experiment_id").bind_ints(self.scope.dialect, self.scope.experiments);
            }
        }
        if lacking {
            statement.push(match self.keys.first().map(|key| key.by) {
                Some(By::Metric(_)) => " AND (o0.run_id IS NULL OR o0.is_nan)",
                _ => " AND o0.run_id IS NULL",
            });
        }
        self.push_conditions(&mut statement, subject, |clause| {
            !listed.is_some_and(|listed| std::ptr::eq(listed, clause))
        });
        if let Some(cursor) = after {
            order::push_after(&mut statement, &terms, cursor);
        }
        order::push_order(&mut statement, &terms);
        statement.push(" LIMIT ").bind(limit as i64);
        statement
    }

    /// Joins what the keys from `first` on sort by.
    fn push_joins(&self, statement: &mut Sql, first: usize) {
        for (index, key) in self.keys.iter().enumerate().skip(first) {
            let (table, key_id) = match key.by {
                By::Metric(key_id) => ("metric_series", key_id),
                By::Text(texts, key_id) => (texts.table(), key_id),
                By::Start | By::End | By::Attribute(_) => continue,
            };
            statement.push(" LEFT JOIN ").push(table).push(" o").number(index).push(" ON o").number(index);
            statement.push(".run_id = r.id AND o").number(index).push(".key_id = ").bind(key_id);
        }
    }

    /// What every found run fulfils: its lifecycle stage, and the comparisons that are `wanted`.
    fn push_conditions(&self, statement: &mut Sql, subject: Subject, wanted: impl Fn(&Comparison<RunField>) -> bool) {
        push_view(statement, "r.deleted_ms", self.view);
        // PostgreSQL takes half of the runs away for each comparison that it cannot judge, and soon believes that none
        // are left to walk along. One expression is one guess, however many comparisons it holds.
        let postgres = self.scope.dialect == Dialect::Postgres && !self.clauses.is_empty();
        statement.push(if postgres { " AND CASE WHEN TRUE" } else { "" });
        for clause in self.clauses.iter().filter(|clause| wanted(clause)) {
            self.scope.push_condition(statement, subject, clause);
        }
        statement.push(if postgres { " THEN TRUE ELSE FALSE END" } else { "" });
    }
}

/// Positions of the counts that are not of a comparison.
const SCOPE: i64 = -1;
const ALL_RUNS: i64 = -2;
