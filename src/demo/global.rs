//! `aifs/global`: one training of four jobs, what was forked from it, and what was tried beside it.

use super::files;
use super::random::run_id;
use super::scribe::{Draft, Namespace, pair};
use super::training::{Job, Settings, fork, resume};
use super::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::model::RunStatus;

const NOTE: &str = "Global forecasts at O96 with a **graph transformer**.\n\n- `control` is the reference: 150,000 steps, \
                    four jobs\n- forks begin at step 60,000\n\nTargets: z_500 below 40 m²/s² at day 1.";
const CONTROL: Settings = Settings::CONTROL;

pub(super) fn namespace(now_ms: i64) -> Namespace {
    let mut runs = control(now_ms);
    runs.extend(forks(now_ms));
    runs.extend(others(now_ms));
    Namespace {
        name: "aifs/global",
        created_ms: now_ms - 40 * DAY_MS,
        tags: vec![pair("mlflow.note.content", NOTE), pair("team", "global")],
        runs,
    }
}

/// The main training: the first job was killed by the batch system two thousand steps after its last checkpoint.
fn control(now_ms: i64) -> Vec<Draft> {
    let jobs = [
        ("control #1", (0, 42_000), RunStatus::Killed),
        ("control #2", (40_000, 84_000), RunStatus::Finished),
        ("control #3", (84_000, 126_000), RunStatus::Finished),
        ("control #4", (126_000, 150_000), RunStatus::Finished),
    ];
    let mut start_ms = now_ms - 9 * DAY_MS;
    let mut runs = Vec::new();
    for (number, (key, steps, status)) in jobs.into_iter().enumerate() {
        let job = Job { key, name: "control", user: "ada", start_ms, steps, status: Some(status) };
        let mut draft = job.run(&CONTROL);
        match number {
            0 => {
                draft.tag("mlflow.note.content", "The reference. Killed by the **time limit** at step 42,000.");
                files::attach_long_log(&job, &mut draft);
            }
            _ => resume(&mut draft, &run_id("control #1")),
        }
        if number == 0 || number == 3 {
            files::attach_plots(&job, 13, &mut draft);
        }
        start_ms = job.time_of(&CONTROL, steps.1) + 2 * HOUR_MS;
        runs.push(draft);
    }
    runs
}

/// What began with the weights of the control at step 60,000: with more steps ahead, with another loss, and with a smaller
/// rate, which runs now.
fn forks(now_ms: i64) -> Vec<Draft> {
    let origin = run_id("control #2");
    let steps = (60_000, 110_000);
    let job = Job {
        key: "long rollout",
        name: "control-long-rollout",
        user: "grace",
        start_ms: now_ms - 5 * DAY_MS,
        steps,
        status: Some(RunStatus::Finished),
    };
    let mut finished = job.run(&CONTROL);
    for key in ["config.task.rollout.maximum", "task.rollout.maximum"] {
        finished.param(key, "12");
    }
    fork(&mut finished, &origin);

    let settings = Settings { loss: "anemoi.training.losses.HuberLoss", batch_size: 4, ..CONTROL };
    let steps = (60_000, 90_000);
    let start_ms = now_ms - 6 * DAY_MS;
    let status = Some(RunStatus::Finished);
    let job = Job { key: "huber fork", name: "control-huber", user: "katherine", start_ms, steps, status };
    let mut huber = job.run(&settings);
    fork(&mut huber, &origin);
    files::attach_plots(&job, 3, &mut huber);

    let settings = Settings { lr: "2e-05", ..CONTROL };
    let steps = (60_000, 96_350);
    let start_ms = Job::start_for(&settings, steps, now_ms - 25_000);
    let job = Job { key: "small rate", name: "control-lr-2e-5", user: "ada", start_ms, steps, status: None };
    let mut running = job.run(&settings);
    fork(&mut running, &origin);
    files::attach_plots(&job, 4, &mut running);
    vec![finished, huber, running]
}

fn others(now_ms: i64) -> Vec<Draft> {
    let wide = Settings { num_channels: 1_024, step_ms: 2_300, ..CONTROL };
    let steps = (0, 31_000);
    let start_ms = Job::start_for(&wide, steps, now_ms - 35 * MINUTE_MS);
    let job = Job { key: "wide", name: "wide-1024", user: "katherine", start_ms, steps, status: None };
    let silent = job.run(&wide);

    let fast = Settings { lr: "1e-03", breaks_at: Some(21_400), ..CONTROL };
    let job = Job {
        key: "fast",
        name: "lr-1e-3",
        user: "ada",
        start_ms: now_ms - 3 * DAY_MS,
        steps: (0, 24_000),
        status: Some(RunStatus::Failed),
    };
    let mut failed = job.run(&fast);
    failed.tag("mlflow.note.content", "Diverged at step 21,400; see `terminal_log.txt`.");

    let short = Settings { max_steps: 100_000, ..CONTROL };
    let variants = [
        ("huber", "ada", 20, Settings { loss: "anemoi.training.losses.HuberLoss", every_gradient: true, ..short }),
        ("narrow-256", "grace", 16, Settings { num_channels: 256, step_ms: 800, ..short }),
        ("lr-1e-4-batch-8", "katherine", 12, Settings { lr: "1e-04", batch_size: 8, step_ms: 1_900, ..short }),
    ];
    let variants = variants.into_iter().map(|(name, user, days, settings)| {
        let start_ms = now_ms - days * DAY_MS;
        let job = Job { key: name, name, user, start_ms, steps: (0, 100_000), status: Some(RunStatus::Finished) };
        let mut draft = job.run(&settings);
        if name != "narrow-256" {
            files::attach_plots(&job, 9, &mut draft);
        }
        draft
    });
    variants.chain([failed, silent]).chain(in_trouble(now_ms)).collect()
}

/// What runs now and should not: one without a loss since step 18,200, one that gets worse.
fn in_trouble(now_ms: i64) -> [Draft; 2] {
    let run = |name: &str, user: &str, last: i64, settings: &Settings| {
        let steps = (0, last);
        let start_ms = Job::start_for(settings, steps, now_ms - 40_000);
        Job { key: name, name, user, start_ms, steps, status: None }.run(settings)
    };
    [
        run("lr-6e-4", "ada", 21_000, &Settings { lr: "6e-04", breaks_at: Some(18_200), ..CONTROL }),
        run("lr-4e-4", "grace", 27_000, &Settings { lr: "4e-04", grows_from: Some(24_000), ..CONTROL }),
    ]
}
