//! `ensemble/crps`: runs of someone else, one of them twice, one whose parent is in the trash.

use super::random::run_id;
use super::scribe::{Draft, Namespace, pair};
use super::training::{Job, Settings};
use super::{DAY_MS, HOUR_MS};
use crate::model::RunStatus;

const NOTE: &str = "Ensembles trained with the *almost fair* CRPS. Trained on a machine without network and synced.";

pub(super) fn namespace(now_ms: i64) -> Namespace {
    let crps = Settings {
        loss: "anemoi.training.losses.AlmostFairKernelCRPS",
        max_steps: 20_000,
        step_ms: 3_000,
        ..Settings::CONTROL
    };
    let run = |key: &str, days: i64, settings: &Settings| {
        let start_ms = now_ms - days * DAY_MS;
        let status = Some(RunStatus::Finished);
        Job { key, name: key, user: "katherine", start_ms, steps: (0, settings.max_steps), status }.run(settings)
    };
    let control = run("crps-control", 30, &crps);
    let copy = copy_of(&control, now_ms - 27 * DAY_MS);
    let four = run("crps-4-members", 26, &Settings { batch_size: 4, ..crps });
    let wide = run("crps-wide", 24, &Settings { num_channels: 1_024, ..crps });
    let mut old = run("crps-old-settings", 35, &Settings { lr: "3e-04", ..crps });
    old.deleted_ms = Some(now_ms - 20 * DAY_MS);
    let mut evaluation = run("crps-evaluation", 22, &Settings { max_steps: 2_000, ..crps });
    evaluation.tag("mlflow.parentRunId", &old.run_id);
    Namespace {
        name: "ensemble/crps",
        created_ms: now_ms - 36 * DAY_MS,
        tags: vec![pair("mlflow.note.content", NOTE)],
        runs: vec![old, control, copy, four, wide, evaluation],
    }
}

/// What `anemoi-training mlflow sync` makes of a run: another id, the time of the import, and no user.
fn copy_of(origin: &Draft, start_ms: i64) -> Draft {
    let mut copy = Draft {
        run_id: run_id("copy of crps-control"),
        name: origin.name.clone(),
        user: "unknown".to_owned(),
        start_ms,
        end: Some((RunStatus::Finished, start_ms + HOUR_MS / 60)),
        tags: origin.tags.clone(),
        params: origin.params.clone(),
        series: origin.series.clone(),
        ..Draft::default()
    };
    copy.tag("offlineRun", "True");
    let own = copy.run_id.clone();
    for key in ["config.training.run_id", "metadata.run_id"] {
        copy.param(key, &own);
    }
    for key in ["config.training.offline_run_id", "metadata.offline_run_id"] {
        copy.param(key, &origin.run_id);
    }
    copy
}
