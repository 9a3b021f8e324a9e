//! Searches: filters and orders as SQL, pages by key, runs as text.
//!
//! # How runs are found
//!
//! `clause` compiles a comparison to a condition on a run, and, where an index knows the answer, to the list of runs
//! that match it. `order` compiles an order to the expressions that sort by it, and a page token to what lies behind
//! it. `plan` puts them together in one of two ways:
//!
//! - **Walk.** The first key of the order has an index in that order (`metric_by_value`, `param_by_value`,
//!   `tag_by_value`, `run_by_start`), within one experiment and with ties by start. It is read from the place of the
//!   page token on; every run is tried against the conditions, with a look-up each, until the page is
//!   full. The cost does not depend on how many runs there are, but on how many are tried: page ÷ share that matches.
//!   Of several experiments each is walked for one page, and the pages are merged. What has no number or no text for
//!   the key comes last, by a sort of its own that is only done when the page is not full by then.
//! - **Sort.** All runs that match the most selective comparison are listed from its index, tried and sorted.
//!
//! A comparison that `c` of `n` runs match makes a walk try about `page × n ÷ c` runs, and a sort `c`. So up to
//! `√(page × n)` index entries of every comparison are counted first, and a sort is chosen where `c² < page × n`. Neither
//! ever costs more than a few milliseconds then, unless comparisons that many runs match each exclude one another.
//!
//! # Why not leave it to the database
//!
//! SQLite has no statistics here, and PostgreSQL's planner knows nothing of how keys and values go together; both are
//! wrong by a factor of a thousand at times, and differently. So each statement can be run in one way only: the walk by
//! `CROSS JOIN` and, on SQLite, the name of its index; conditions as subqueries that cannot be pulled up; the list as an
//! array or an `IN`.

mod clause;
mod experiments;
mod export;
mod groups;
mod kept;
mod live;
mod order;
mod pace;
mod plan;
mod rows;
mod tree;

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

pub(super) use clause::{push_comparison, push_number, push_time};
pub use experiments::{ExperimentPage, ExperimentSearch};
pub use export::RowsExport;
pub use groups::{Group, GroupBy, GroupMetric, GroupOrder, GroupSearch, Groups};
pub(super) use kept::Tables;
pub use live::{Live, LiveLoss};
pub use order::{FieldValue, RunCursor};
pub use pace::Pace;
pub use rows::{Row, Rows, RowsSearch};
use tokio::sync::SemaphorePermit;
pub use tree::{Fork, Origin, Parent, ParentState, Totals, TreeLevel, TreePart, TreeRow};

use self::plan::Query;
use super::Store;
use super::documents::RunDocument;
use super::runs::{RUN_COLUMNS, RunRow};
use super::sql::{Sql, sql};
use super::writer::RUN_NAME_TAG;
use crate::error::{Error, Result};
use crate::model::{Caller, Reach, Role, Run, ViewType};
use crate::search::{Filter, OrderKey, RunAttribute, RunField};

/// Runs of the first part of a page, before it is known how large they are.
const FIRST_PART: usize = 16;
/// Bytes of text that are read at once while a page is answered: bounds its memory, for runs of a thousand params.
const PART_BYTES: usize = 1024 * 1024;
/// Runs that are read at once at most.
const MAX_PART: usize = 128;
/// Experiments in one search, for SQLite's limit of variables.
const MAX_EXPERIMENTS: usize = 16_384;
/// How long a search waits for others to end.
const TURN_TIMEOUT: Duration = Duration::from_secs(20);
/// Keys in one order, for SQLite's limit of joins.
const MAX_ORDER_KEYS: usize = 20;

/// Which runs to list, and where to go on.
#[derive(Debug, Clone)]
pub struct RunSearch {
    /// The experiments to look in; none means no runs.
    pub experiments: Vec<i64>,
    /// Which lifecycle stages.
    pub view: ViewType,
    /// What must hold.
    pub filter: Filter<RunField>,
    /// The order; the default is the start time, newest first, then the run id.
    pub order: Vec<OrderKey<RunField>>,
    /// The place of the last run of the page before.
    pub after: Option<RunCursor>,
    /// At most this many.
    pub limit: usize,
}

/// A page of runs. What was logged to them is read part by part, so that a long page needs little memory.
#[derive(Debug)]
pub struct RunPage {
    store: Store,
    caller: Caller,
    ids: std::vec::IntoIter<i64>,
    /// How many runs the next part has.
    part: usize,
    /// The place of the last run, if there are more after it.
    pub next: Option<RunCursor>,
}

impl RunPage {
    /// The next runs of the page, none when all were read; `render` makes the text of a run where none is kept. Each
    /// part is a snapshot of its own: a slow reader of the answer must not hold one open.
    pub async fn next_part(&mut self, render: fn(&Run) -> Result<RunDocument>) -> Result<Vec<RunDocument>> {
        loop {
            let ids: Vec<i64> = self.ids.by_ref().take(self.part).collect();
            if ids.is_empty() {
                return Ok(Vec::new());
            }
            let found = self.store.run_documents(&self.caller, &ids, render).await?;
            let bytes: usize = found.iter().map(|run| run.rest.len() + run.params.len()).sum();
            // The runs that follow may be larger than these: a part grows slowly and shrinks at once.
            let fitting = PART_BYTES / (bytes / ids.len()).max(1);
            self.part = fitting.min(2 * self.part).clamp(1, MAX_PART);
            // All of a part may have been removed since the search; there may be more behind it.
            if !found.is_empty() {
                return Ok(found);
            }
        }
    }
}

impl Store {
    /// Runs that match, in order.
    ///
    /// # Errors
    /// [`Error::Invalid`] for too many experiments or keys of the order, and for a place of another order.
    pub async fn search_runs(&self, caller: &Caller, search: RunSearch) -> Result<RunPage> {
        let (experiments, ids) = self.prepare(caller, &search).await?;
        let mut query = Query::new(self.db().dialect(), &search, &experiments, &ids)?;
        let page = |ids: Vec<i64>, next| RunPage {
            store: self.clone(),
            caller: caller.clone(),
            ids: ids.into_iter(),
            part: FIRST_PART,
            next,
        };
        if experiments.is_empty() {
            return Ok(page(Vec::new(), None));
        }
        let turn = self.search_turn().await?;
        let mut tx = self.db().read().await?;
        let mut found = query.find(&mut tx).await?;
        let more = found.len() > search.limit;
        found.truncate(search.limit);
        let next = match found.last().filter(|_| more) {
            Some(last) => Some(query.cursor(&mut tx, last).await?),
            None => None,
        };
        drop((tx, turn));
        Ok(page(found.into_iter().map(|place| place.id).collect(), next))
    }

    /// The internal ids of all runs that match, in order, and one more if they are more than the limit.
    pub(super) async fn find_run_ids(&self, caller: &Caller, search: &RunSearch) -> Result<Vec<i64>> {
        let (experiments, ids) = self.prepare(caller, search).await?;
        let mut query = Query::new(self.db().dialect(), search, &experiments, &ids)?;
        if experiments.is_empty() {
            return Ok(Vec::new());
        }
        let _turn = self.search_turn().await?;
        let mut tx = self.db().read().await?;
        query.find_ids(&mut tx).await
    }

    /// Waits until this search may begin: some connections are kept for what is never slow.
    pub(super) async fn search_turn(&self) -> Result<SemaphorePermit<'_>> {
        match tokio::time::timeout(TURN_TIMEOUT, self.inner.searches.acquire()).await {
            Ok(turn) => turn.map_err(Error::internal),
            Err(_) => Err(Error::Unavailable("too many searches run at once; try again")),
        }
    }

    /// The experiments of a search that the caller may see, each once, and the ids of the names that it uses.
    async fn prepare(&self, caller: &Caller, search: &RunSearch) -> Result<(Vec<i64>, HashMap<String, i64>)> {
        let experiments: BTreeSet<i64> = search.experiments.iter().copied().collect();
        if search.experiments.len() > MAX_EXPERIMENTS {
            return Err(Error::Invalid(format!(
                "'experiment_ids' has {} items; at most {MAX_EXPERIMENTS} are allowed",
                search.experiments.len()
            )));
        }
        if search.order.len() > MAX_ORDER_KEYS {
            return Err(Error::Invalid(format!(
                "'order_by' has {} items; at most {MAX_ORDER_KEYS} are allowed",
                search.order.len()
            )));
        }
        let fields = search.filter.clauses.iter().map(|clause| &clause.field);
        let ids = self.ids_of(fields.chain(search.order.iter().map(|key| &key.field))).await?;
        Ok((self.visible_experiments(caller, experiments.into_iter().collect()).await?, ids))
    }

    /// Those of these experiments that the caller may see. Looked up once, so that nothing is looked up for each run.
    async fn visible_experiments(&self, caller: &Caller, experiments: Vec<i64>) -> Result<Vec<i64>> {
        if caller.reach(Role::Reader) == Reach::Everywhere || experiments.is_empty() {
            return Ok(experiments);
        }
        let mut statement = sql("SELECT id FROM experiment WHERE id");
        statement.bind_ints(self.db().dialect(), &experiments).visible_to(caller, "id").push(" ORDER BY id");
        Ok(self.db().all::<(i64,)>(statement).await?.into_iter().map(|(id,)| id).collect())
    }

    /// The ids of the names that `fields` use, where there are any.
    async fn ids_of(&self, fields: impl Iterator<Item = &RunField>) -> Result<HashMap<String, i64>> {
        let names = fields.filter_map(|field| match field {
            RunField::Metric(key) | RunField::Param(key) | RunField::Tag(key) => Some(key.as_str()),
            RunField::Attribute(RunAttribute::RunName) => Some(RUN_NAME_TAG),
            RunField::Attribute(_) | RunField::Dataset(_) => None,
        });
        self.inner.keys.find_all(self.db(), names).await
    }
}

/// ` AND …` on the column that says since when a row is in the trash.
fn push_view(statement: &mut Sql, column: &'static str, view: ViewType) {
    match view {
        ViewType::ActiveOnly => statement.push(" AND ").push(column).push(" IS NULL"),
        ViewType::DeletedOnly => statement.push(" AND ").push(column).push(" IS NOT NULL"),
        ViewType::All => statement,
    };
}

/// The row of a run that a search has found.
fn select_row(id: i64) -> Sql {
    let mut statement = sql("SELECT ");
    statement.push(RUN_COLUMNS).push(" FROM run WHERE id = ").bind(id);
    statement
}
