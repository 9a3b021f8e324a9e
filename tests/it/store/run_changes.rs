//! All that the store can do to a run, one by one, for the tests of what follows from it.

use windvane::error::Result;
use windvane::model::{Dataset, DatasetInput, ModelOutput, RunStatus};
use windvane::store::{Kin, LogBatch, ModelMetric, NewLoggedModel, RunSet, RunUpdate, Store};

use super::support::*;

/// Which parts of a text a change makes stale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stale {
    /// None.
    Nothing,
    /// All but the params.
    Rest,
    /// The params. Both parts are read anew then, because they must tell of one state.
    All,
}

/// All that the store can do to a run.
#[derive(Debug, Clone, Copy)]
pub enum Change {
    LogPoint,
    LogOlderPoint,
    LogModelPoint,
    LogParam,
    LogKnownParam,
    LogTag,
    LogNameTag,
    LogBatch,
    SetStatus,
    SetEnd,
    Rename,
    ReplaceTag,
    DeleteTag,
    LogDataset,
    LogModelInput,
    LogModelOutput,
    DeleteRun,
    RestoreRun,
    DeleteTogether,
    RestoreTogether,
    TagTogether,
    NameTogether,
    UntagTogether,
    DeleteExperiment,
    RestoreExperiment,
    RenameExperiment,
    TagExperiment,
    LogToAnother,
    CreateAnother,
}

impl Change {
    pub const ALL: [Change; 29] = [
        Change::LogPoint,
        Change::LogOlderPoint,
        Change::LogModelPoint,
        Change::LogParam,
        Change::LogKnownParam,
        Change::LogTag,
        Change::LogNameTag,
        Change::LogBatch,
        Change::SetStatus,
        Change::SetEnd,
        Change::Rename,
        Change::ReplaceTag,
        Change::DeleteTag,
        Change::LogDataset,
        Change::LogModelInput,
        Change::LogModelOutput,
        Change::DeleteRun,
        Change::RestoreRun,
        Change::DeleteTogether,
        Change::RestoreTogether,
        Change::TagTogether,
        Change::NameTogether,
        Change::UntagTogether,
        Change::DeleteExperiment,
        Change::RestoreExperiment,
        Change::RenameExperiment,
        Change::TagExperiment,
        Change::LogToAnother,
        Change::CreateAnother,
    ];

    /// Which parts of the run's text are read anew: of a training that logs points, not its params.
    pub fn makes_stale(self) -> Stale {
        match self {
            Change::LogParam | Change::LogBatch => Stale::All,
            Change::LogKnownParam
            | Change::RenameExperiment
            | Change::TagExperiment
            | Change::LogToAnother
            | Change::CreateAnother => Stale::Nothing,
            _ => Stale::Rest,
        }
    }

    /// Does it to a run of an experiment; `number` makes what is new. What the run's state refuses has changed nothing.
    pub async fn apply(self, store: &Store, experiment: i64, run_id: &str, number: i64) -> Result<()> {
        let text = number.to_string();
        let later = point(NOW + number, number, number as f64);
        let together = RunSet::Named(vec![run_id.to_owned()]);
        match self {
            Change::LogPoint => store.log(&OPEN, run_id, metric("loss", vec![later])).await,
            Change::LogOlderPoint => store.log(&OPEN, run_id, metric("loss", vec![point(0, -number, 1.0)])).await,
            Change::LogModelPoint => {
                let model = NewLoggedModel { experiment_id: experiment, ..new_model(number) };
                let model_id = store.create_logged_model(&OPEN, model, NOW).await?.model_id;
                let of_model = ModelMetric {
                    key: "loss".to_owned(),
                    model_id,
                    dataset_name: String::new(),
                    dataset_digest: String::new(),
                    point: later,
                };
                let batch = LogBatch { model_metrics: vec![of_model], ..metric("loss", vec![later]) };
                store.log(&OPEN, run_id, batch).await
            }
            Change::LogParam => store.log(&OPEN, run_id, param(&format!("p{number}"), &text)).await,
            Change::LogKnownParam => store.log(&OPEN, run_id, param("known", "1")).await,
            Change::LogTag => store.log(&OPEN, run_id, tag("team", &text)).await,
            Change::LogNameTag => store.log(&OPEN, run_id, tag("mlflow.runName", &format!("tagged {number}"))).await,
            Change::LogBatch => {
                let params = vec![pair(&format!("b{number}"), &text)];
                let batch = LogBatch { params, tags: vec![pair("batch", &text)], ..metric("batch", vec![later]) };
                store.log(&OPEN, run_id, batch).await
            }
            Change::SetStatus => {
                let to = if number % 2 == 0 { RunStatus::Finished } else { RunStatus::Running };
                store.update_run(&OPEN, run_id, status(to)).await.map(drop)
            }
            Change::SetEnd => {
                let update = RunUpdate { end_ms: Some(number), ..RunUpdate::default() };
                store.update_run(&OPEN, run_id, update).await.map(drop)
            }
            Change::Rename => {
                let update = RunUpdate { name: Some(format!("named {number}")), ..RunUpdate::default() };
                store.update_run(&OPEN, run_id, update).await.map(drop)
            }
            Change::ReplaceTag => store.change_run_tag(&OPEN, run_id, "history", |_| Ok(text.clone())).await,
            Change::DeleteTag => store.delete_run_tag(&OPEN, run_id, "team").await,
            Change::LogDataset => {
                let dataset = Dataset {
                    name: "era5".to_owned(),
                    digest: text,
                    source_type: "local".to_owned(),
                    source: "here".to_owned(),
                    schema: None,
                    profile: None,
                };
                store.log_inputs(&OPEN, run_id, vec![DatasetInput { dataset, tags: Vec::new() }], Vec::new()).await
            }
            Change::LogModelInput => store.log_inputs(&OPEN, run_id, Vec::new(), vec![format!("m-{number}")]).await,
            Change::LogModelOutput => {
                let output = ModelOutput { model_id: format!("m-{number}"), step: number };
                store.log_outputs(&OPEN, run_id, &[output]).await
            }
            Change::DeleteRun => store.delete_run(&OPEN, run_id, NOW).await,
            Change::RestoreRun => store.restore_run(&OPEN, run_id).await,
            Change::DeleteTogether => store.delete_runs(&OPEN, &together, Kin::default(), NOW).await.map(drop),
            Change::RestoreTogether => store.restore_runs(&OPEN, &together, Kin::default()).await.map(drop),
            Change::TagTogether => store.tag_runs(&OPEN, &together, "team", Some(&text)).await.map(drop),
            Change::NameTogether => {
                store.tag_runs(&OPEN, &together, "mlflow.runName", Some(&format!("together {number}"))).await.map(drop)
            }
            Change::UntagTogether => store.tag_runs(&OPEN, &together, "team", None).await.map(drop),
            Change::DeleteExperiment => store.delete_experiment(&OPEN, experiment, NOW).await,
            Change::RestoreExperiment => store.restore_experiment(&OPEN, experiment, NOW).await,
            Change::RenameExperiment => {
                store.rename_experiment(&OPEN, experiment, &format!("experiment {number}"), NOW).await
            }
            Change::TagExperiment => store.set_experiment_tag(&OPEN, experiment, &pair("note", &text), NOW).await,
            Change::LogToAnother => store.log(&OPEN, &new_run(0).run_id, param(&format!("other{number}"), &text)).await,
            Change::CreateAnother => store.create_run(&OPEN, new_run(1_000_000 + number)).await.map(drop),
        }
    }
}
