//! Reading the forest of some experiments.

use std::collections::{BTreeSet, HashMap};

use super::forest::{Detail, Forest};
use super::lines::LineTexts;
use crate::error::{Error, Result};
use crate::model::{Caller, ViewType};
use crate::store::db::Tx;
use crate::store::search::push_view;
use crate::store::search::rows::MAX_ROWS;
use crate::store::sql::sql;

impl Forest {
    /// Reads what is linked in these experiments, in this view.
    ///
    /// # Errors
    /// [`Error::Invalid`] where that are more runs than a table may have.
    pub async fn read(tx: &mut Tx, caller: &Caller, experiments: &[i64], view: ViewType) -> Result<Self> {
        let texts = read_lines(tx, caller, experiments, view).await?;
        let parsed = tokio::task::spawn_blocking(move || {
            let lines = texts.parse()?;
            let mut parents: BTreeSet<i64> =
                lines.iter().map(|line| line.parent).filter(|parent| *parent != 0).collect();
            for line in &lines {
                parents.remove(&line.run);
            }
            Ok::<_, Error>((lines, Vec::from_iter(parents)))
        });
        let (lines, parents) = parsed.await.map_err(Error::internal)??;
        if lines.len() > MAX_ROWS {
            return Err(Error::Invalid(format!(
                "more than {MAX_ROWS} runs of these experiments are linked to others; ask for fewer experiments"
            )));
        }
        let alone = read_visible(tx, caller, experiments, view, &parents).await?;
        let unsure: Vec<i64> = lines.iter().filter(|line| line.unsure).map(|line| line.run).collect();
        let details = read_details(tx, &unsure).await?;
        let made = tokio::task::spawn_blocking(move || Forest::new(&lines, &alone, &details));
        made.await.map_err(Error::internal)
    }
}

async fn read_lines(tx: &mut Tx, caller: &Caller, experiments: &[i64], view: ViewType) -> Result<LineTexts> {
    // All columns come in the order in which the rows are read, whatever that is.
    let mut statement = sql("SELECT string_agg(CAST(l.run_id AS TEXT), ',') AS runs,
             string_agg(CAST(l.training_id AS TEXT), ',') AS trainings,
             string_agg(coalesce(CAST(l.parent_id AS TEXT), ''), ',') AS parents,
             string_agg(CAST(l.start_ms AS TEXT), ',') AS starts,
             string_agg(CASE WHEN l.prepared THEN '1' ELSE '0' END, ',') AS prepared,
             string_agg(coalesce(l.origin, ''), ',') AS origins
         FROM (SELECT m.run_id, m.training_id, m.parent_id, m.start_ms, m.prepared, m.origin
             FROM lineage m CROSS JOIN run r WHERE m.experiment_id");
    statement.bind_ints(tx.dialect(), experiments).push(" AND r.id = m.run_id");
    push_view(&mut statement, "r.deleted_ms", view);
    statement.visible_to(caller, "m.experiment_id").push(" LIMIT ").bind(MAX_ROWS as i64 + 1).push(") l");
    Ok(tx.optional(statement).await?.unwrap_or_default())
}

/// Those of `runs` that are in the experiments and in the view.
async fn read_visible(
    tx: &mut Tx,
    caller: &Caller,
    experiments: &[i64],
    view: ViewType,
    runs: &[i64],
) -> Result<Vec<i64>> {
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = sql("SELECT string_agg(CAST(r.id AS TEXT), ',') FROM run r WHERE r.id");
    statement.bind_ints(tx.dialect(), runs).push(" AND +r.experiment_id").bind_ints(tx.dialect(), experiments);
    push_view(&mut statement, "r.deleted_ms", view);
    statement.visible_to(caller, "r.experiment_id");
    let found: Option<(Option<String>,)> = tx.optional(statement).await?;
    let found = found.and_then(|(found,)| found).unwrap_or_default();
    found.split(',').filter(|id| !id.is_empty()).map(|id| id.parse().map_err(Error::internal)).collect()
}

async fn read_details(tx: &mut Tx, runs: &[i64]) -> Result<HashMap<i64, Detail>> {
    if runs.is_empty() {
        return Ok(HashMap::new());
    }
    let mut statement = sql("SELECT r.id, r.public_id, r.status, m.origin
         FROM run r JOIN lineage m ON m.run_id = r.id WHERE r.id");
    statement.bind_ints(tx.dialect(), runs);
    let details: Vec<Detail> = tx.all(statement).await?;
    Ok(details.into_iter().map(|detail| (detail.id, detail)).collect())
}
