//! The datasets that runs read, by experiment.

use super::Store;
use super::sql::sql;
use crate::error::Result;
use crate::model::{Caller, DatasetSummary};

/// The most that one search answers (contract section 2).
const MAX_SUMMARIES: i64 = 1_000;

#[derive(sqlx::FromRow)]
struct SummaryRow {
    experiment_id: i64,
    name: String,
    digest: String,
    context: Option<String>,
}

impl Store {
    /// The datasets that active runs of these experiments read, each once for every context it was read in.
    pub async fn search_datasets(&self, caller: &Caller, experiments: &[i64]) -> Result<Vec<DatasetSummary>> {
        let mut statement = sql("SELECT DISTINCT d.experiment_id, d.name, d.digest, i.context
             FROM dataset d JOIN dataset_input i ON i.dataset_id = d.id JOIN run r ON r.id = i.run_id
             WHERE r.deleted_ms IS NULL AND d.experiment_id");
        statement.bind_ints(self.db().dialect(), experiments).visible_to(caller, "d.experiment_id");
        // Left to themselves the two databases sort NULL at different ends.
        statement.push(" ORDER BY d.experiment_id, d.name, d.digest, i.context NULLS FIRST LIMIT ").bind(MAX_SUMMARIES);
        let rows: Vec<SummaryRow> = self.db().all(statement).await?;
        let summary = |SummaryRow { experiment_id, name, digest, context }| DatasetSummary {
            experiment_id,
            name,
            digest,
            context,
        };
        Ok(rows.into_iter().map(summary).collect())
    }
}
