//! Reading the forest of some experiments.

use std::collections::{BTreeSet, HashMap};

use super::forest::{Detail, Forest};
use super::lines::{Line, LineRow, lines};
use crate::error::{Error, Result};
use crate::model::ViewType;
use crate::store::db::Tx;
use crate::store::search::push_view;
use crate::store::search::rows::MAX_ROWS;
use crate::store::sql::packed;

impl Forest {
    /// Reads what is linked in these experiments, which the caller may see, in this view.
    ///
    /// # Errors
    /// [`Error::Invalid`] where that are more runs than a table may have.
    pub async fn read(tx: &mut Tx, experiments: &[i64], view: ViewType) -> Result<Self> {
        let rows = read_lines(tx, experiments, view).await?;
        let (lines, parents) = tokio::task::spawn_blocking(move || sort_out(rows)).await.map_err(Error::internal)?;
        if lines.len() > MAX_ROWS {
            return Err(Error::Invalid(format!(
                "more than {MAX_ROWS} runs of these experiments are linked to others; ask for fewer experiments"
            )));
        }
        let alone = read_inside(tx, experiments, view, &parents).await?;
        let unsure: Vec<i64> = lines.iter().filter(|line| line.unsure).map(|line| line.run).collect();
        let details = read_details(tx, &unsure).await?;
        let made = tokio::task::spawn_blocking(move || Forest::new(&lines, &alone, &details));
        made.await.map_err(Error::internal)
    }
}

/// The lines of these rows, and the runs without a line that others are nested in.
fn sort_out(rows: Vec<LineRow>) -> (Vec<Line>, Vec<i64>) {
    let lines = lines(rows);
    let mut parents: BTreeSet<i64> = lines.iter().filter_map(|line| line.parent).collect();
    for line in &lines {
        parents.remove(&line.run);
    }
    (lines, parents.into_iter().collect())
}

async fn read_lines(tx: &mut Tx, experiments: &[i64], view: ViewType) -> Result<Vec<LineRow>> {
    let columns = "l.run_id, l.training_id, l.parent_id, l.start_ms, CASE WHEN l.prepared THEN 1 ELSE 0 END, l.origin";
    let mut statement = packed(tx.dialect(), columns);
    statement.push(
        " FROM (SELECT m.run_id, m.training_id, m.parent_id, m.start_ms, m.prepared, m.origin
             FROM lineage m CROSS JOIN run r WHERE m.experiment_id",
    );
    statement.bind_ints(tx.dialect(), experiments).push(" AND r.id = m.run_id");
    push_view(&mut statement, "r.deleted_ms", view);
    statement.push(" LIMIT ").bind(MAX_ROWS as i64 + 1).push(") l");
    tx.unpack(statement).await
}

/// Those of `runs` that are in the experiments and in the view.
async fn read_inside(tx: &mut Tx, experiments: &[i64], view: ViewType, runs: &[i64]) -> Result<Vec<i64>> {
    if runs.is_empty() {
        return Ok(Vec::new());
    }
    let mut statement = packed(tx.dialect(), "r.id");
    statement.push(" FROM run r WHERE r.id").bind_ints(tx.dialect(), runs);
    statement.push(" AND +r.experiment_id").bind_ints(tx.dialect(), experiments);
    push_view(&mut statement, "r.deleted_ms", view);
    Ok(tx.unpack::<(i64,)>(statement).await?.into_iter().map(|(id,)| id).collect())
}

async fn read_details(tx: &mut Tx, runs: &[i64]) -> Result<HashMap<i64, Detail>> {
    if runs.is_empty() {
        return Ok(HashMap::new());
    }
    let mut statement = packed(tx.dialect(), "r.id, r.public_id, r.status, m.origin");
    statement.push(" FROM run r JOIN lineage m ON m.run_id = r.id WHERE r.id").bind_ints(tx.dialect(), runs);
    let details: Vec<Detail> = tx.unpack(statement).await?;
    Ok(details.into_iter().map(|detail| (detail.id, detail)).collect())
}
