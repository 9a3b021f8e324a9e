//! Points of logged models among what a group logs. Most groups have none.

use std::collections::{BTreeSet, HashMap};

use super::rights::Rights;
use super::{ModelMetric, Work};
use crate::error::{Error, Resource, Result};
use crate::model::Caller;
use crate::store::db::Tx;
use crate::store::logged_models::known_models;
use crate::store::sql::{Column, Columns};

/// The points, and the models that they may name.
#[derive(Default)]
pub(super) struct ModelPoints<'a> {
    /// The namespaces of the models, by their ids.
    known: HashMap<String, i64>,
    /// By run and key.
    points: Vec<(i64, i64, &'a ModelMetric)>,
}

impl<'a> ModelPoints<'a> {
    /// Looks up the models that the requests name. A deleted one counts: the run that measures it may still be going on.
    pub async fn load(&mut self, tx: &mut Tx, requests: &[(Caller, Work)]) -> Result<()> {
        let metrics = requests.iter().flat_map(|(_, work)| match work {
            Work::Log { log, .. } => log.model_metrics.as_slice(),
            Work::Create { .. } | Work::Update { .. } | Work::Inputs { .. } => &[],
        });
        let wanted: BTreeSet<&str> = metrics.map(|(_, metric)| metric.model_id.as_str()).collect();
        if !wanted.is_empty() {
            self.known = known_models(tx, &Vec::from_iter(wanted)).await?;
        }
        Ok(())
    }

    /// The namespaces of the models that the requests name.
    pub fn namespaces(&self) -> impl Iterator<Item = i64> + '_ {
        self.known.values().copied()
    }

    /// Refuses points of a model that does not exist, with the code that MLflow answers for what its database refuses, and
    /// of one that the caller may not change.
    pub fn must_know(&self, metrics: &[(i64, ModelMetric)], caller: &Caller, rights: &Rights) -> Result<()> {
        for (_, metric) in metrics {
            let absent = || Resource::LoggedModel(metric.model_id.clone());
            let unknown = || Error::BadRequest(absent().to_string());
            let namespace = self.known.get(&metric.model_id).ok_or_else(unknown)?;
            rights.check(caller, *namespace, absent).map_err(|error| match error {
                Error::NotFound(_) => unknown(),
                error => error,
            })?;
        }
        Ok(())
    }

    /// Adds points that a run logged.
    pub fn add(&mut self, run_id: i64, metrics: &'a [(i64, ModelMetric)]) {
        self.points.extend(metrics.iter().map(|(key_id, metric)| (run_id, *key_id, metric)));
    }

    /// Writes the points; one that is there already stays.
    pub async fn write(self, tx: &mut Tx) -> Result<()> {
        let points = self.points;
        let text = |field: fn(&ModelMetric) -> &String| {
            Column::Text(points.iter().map(|(_, _, metric)| field(metric).clone()).collect())
        };
        let columns = vec![
            Column::Int(points.iter().map(|(run_id, ..)| *run_id).collect()),
            Column::Int(points.iter().map(|(_, key_id, _)| *key_id).collect()),
            text(|metric| &metric.model_id),
            Column::Int(points.iter().map(|(_, _, metric)| metric.point.timestamp_ms).collect()),
            Column::Int(points.iter().map(|(_, _, metric)| metric.point.step).collect()),
            Column::Float(points.iter().map(|(_, _, metric)| metric.point.value.sort_value()).collect()),
            Column::Bool(points.iter().map(|(_, _, metric)| metric.point.value.is_nan()).collect()),
            text(|metric| &metric.dataset_name),
            text(|metric| &metric.dataset_digest),
        ];
        let head = "INSERT INTO model_metric (run_id, key_id, model_id, timestamp_ms, step, value, is_nan, \
                    dataset_name, dataset_digest)";
        tx.insert(head, Columns(columns), "ON CONFLICT DO NOTHING").await.map(drop)
    }
}
