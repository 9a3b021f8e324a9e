//! `aifs/sweep`: a parent with 24 short trainings, below one of which it goes two levels deeper.

use super::random::{Random, run_id};
use super::scribe::{Draft, Namespace};
use super::training::{Job, Settings};
use super::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::model::RunStatus;

const RATES: [&str; 4] = ["1e-05", "3e-05", "1e-04", "3e-04"];
const CHANNELS: [i64; 3] = [128, 256, 512];
const BATCHES: [i64; 2] = [2, 8];
/// The child that others are nested in, by number.
const REFINED: usize = 17;

pub(super) fn namespace(now_ms: i64) -> Namespace {
    let start_ms = now_ms - 15 * DAY_MS;
    let parent = Draft {
        run_id: run_id("sweep"),
        name: "rate-width-batch".to_owned(),
        user: "grace".to_owned(),
        start_ms,
        end: Some((RunStatus::Finished, start_ms + 26 * HOUR_MS)),
        ..Draft::default()
    };
    let mut runs = vec![parent];
    runs[0].tag("mlflow.user", "grace");
    runs[0].tag("mlflow.note.content", "Four learning rates, three widths, two batch sizes; 4,000 steps each.");
    for number in 0..RATES.len() * CHANNELS.len() * BATCHES.len() {
        runs.push(child(number, start_ms + number as i64 * HOUR_MS));
    }
    let id = |draft: &Draft| draft.run_id.clone();
    let refined = nested("refined", &id(&runs[1 + REFINED]), start_ms + 25 * HOUR_MS);
    let evaluation = nested("evaluation", &id(&refined), start_ms + 25 * HOUR_MS + 20 * MINUTE_MS);
    runs.extend([refined, evaluation]);
    Namespace { name: "aifs/sweep", created_ms: now_ms - 16 * DAY_MS, tags: Vec::new(), runs }
}

fn settings(number: usize) -> Settings {
    let lr = RATES[number % RATES.len()];
    let num_channels = CHANNELS[number / RATES.len() % CHANNELS.len()];
    let batch_size = BATCHES[number / (RATES.len() * CHANNELS.len())];
    Settings { lr, num_channels, batch_size, max_steps: 4_000, step_ms: 700, ..Settings::CONTROL }
}

fn child(number: usize, start_ms: i64) -> Draft {
    let settings = settings(number);
    // Some steps that need no notice of anyone: a job in twelve fails early.
    let failed = Random::named(&format!("sweep {number}")).unit() < 1.0 / 12.0;
    let (last, status) = if failed { (1_500, RunStatus::Failed) } else { (4_000, RunStatus::Finished) };
    let name = format!("lr {} channels {} batch {}", settings.lr, settings.num_channels, settings.batch_size);
    let key = format!("sweep {name}");
    let job = Job { key: &key, name: &name, user: "grace", start_ms, steps: (0, last), status: Some(status) };
    let mut draft = job.run(&settings);
    draft.tag("mlflow.parentRunId", &run_id("sweep"));
    draft
}

fn nested(name: &str, parent: &str, start_ms: i64) -> Draft {
    let steps = (4_000, 5_000);
    let job = Job { key: name, name, user: "grace", start_ms, steps, status: Some(RunStatus::Finished) };
    let mut draft = job.run(&Settings { max_steps: 5_000, step_ms: 700, ..settings(REFINED) });
    draft.tag("mlflow.parentRunId", parent);
    draft
}
