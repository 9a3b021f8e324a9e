//! What a training of Anemoi leaves in a tracking server: tags, params, curves (contract `anemoi.md`, sections 2 and 3).

use super::files;
use super::random::{Random, run_id};
use super::scribe::{Draft, pair};
use crate::model::{MetricValue, Point, RunStatus};

/// The params of a training, `key = value` by line.
const PARAMS: &str = include_str!("params.txt");
/// Params that say how many channels there are.
const CHANNEL_PARAMS: [&str; 4] = [
    "config.model.num_channels",
    "config.model.processor.num_channels",
    "config.model.encoders.0.mapper.num_channels",
    "config.model.decoders.0.mapper.num_channels",
];
/// What is logged while training, every so many steps.
const LOG_STEPS: i64 = 50;
/// Steps from one validation to the next.
const VALIDATION_STEPS: i64 = 250;
/// Steps of an epoch.
pub(super) const EPOCH_STEPS: i64 = 11_500;
/// From the start of a job to its first step.
const STARTUP_MS: i64 = 95_000;
/// From one sample of the system metrics to the next.
const SYSTEM_MS: i64 = 100_000;
/// Variables of the validation: name, share of the loss, and root mean square error in its unit where the loss is 1.
const VARIABLES: [(&str, f64, f64); 8] = [
    ("z_500", 0.42, 310.0),
    ("t_850", 1.15, 4.9),
    ("q_700", 1.32, 0.0031),
    ("u_850", 1.21, 7.4),
    ("2t", 0.94, 4.1),
    ("10u", 1.27, 5.2),
    ("msl", 0.55, 390.0),
    ("tp", 1.61, 0.0052),
];
/// Of these the error itself is logged too.
const ERRORS: usize = 4;

/// How a training is set up: what trainings of the example differ in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub lr: &'static str,
    pub num_channels: i64,
    pub batch_size: i64,
    pub loss: &'static str,
    pub max_steps: i64,
    /// What one step takes, in milliseconds.
    pub step_ms: i64,
    /// From this step on the loss is not a number.
    pub breaks_at: Option<i64>,
    /// From this step on the loss grows, until it is a third above what it was.
    pub grows_from: Option<i64>,
    /// The gradient's norm is logged at every step.
    pub every_gradient: bool,
}

impl Settings {
    /// The settings that all others are compared with.
    pub const CONTROL: Settings = Settings {
        lr: "6.25e-05",
        num_channels: 512,
        batch_size: 2,
        loss: "anemoi.training.losses.MSELoss",
        max_steps: 150_000,
        step_ms: 1_200,
        breaks_at: None,
        grows_from: None,
        every_gradient: false,
    };

    fn lr(&self) -> f64 {
        self.lr.parse().expect("the example's learning rates are numbers")
    }

    /// The learning rate at a step: a warm-up, then half a cosine.
    fn lr_at(&self, step: i64) -> f64 {
        let lr = self.lr();
        if step < 1_000 {
            return lr * step as f64 / 1_000.0;
        }
        let part = (step as f64 / self.max_steps as f64).min(1.0);
        3e-7 + (lr - 3e-7) * 0.5 * (1.0 + (std::f64::consts::PI * part).cos())
    }

    /// The validation loss at a step, without noise. Wide models end lower, and so do those whose rate fits.
    fn loss_at(&self, step: i64) -> f64 {
        let off = (self.lr() / 1e-4).log2();
        let narrow = (1_024.0 / self.num_channels as f64).log2().max(0.0);
        let small = (8.0 / self.batch_size as f64).log2().max(0.0);
        let loss = if self.loss.contains("Huber") { 0.96 } else { 1.0 };
        let floor = 0.031 * loss * (1.0 + 0.035 * off * off) * (1.0 + 0.07 * narrow) * (1.0 + 0.02 * small);
        let grown = self.grows_from.map_or(0.0, |from| ((step - from) as f64 / 2_000.0).clamp(0.0, 1.0));
        (floor + (1.1 - floor) / (1.0 + step as f64 / 260.0).powf(0.95)) * (1.0 + grown / 3.0)
    }
}

/// The part of a training that one job does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job<'a> {
    /// What the example calls the run; its id and its noise follow from that.
    pub key: &'a str,
    /// What people call it.
    pub name: &'a str,
    pub user: &'a str,
    pub start_ms: i64,
    pub steps: (i64, i64),
    /// The state it ended in; nothing while it runs.
    pub status: Option<RunStatus>,
}

impl Job<'_> {
    /// When it reaches a step.
    pub fn time_of(&self, settings: &Settings, step: i64) -> i64 {
        self.start_ms + STARTUP_MS + (step - self.steps.0) * settings.step_ms
    }

    /// When a job has to start to reach its last step at `last_ms`.
    pub fn start_for(settings: &Settings, steps: (i64, i64), last_ms: i64) -> i64 {
        last_ms - STARTUP_MS - (steps.1 - steps.0) * settings.step_ms
    }

    /// The run that the job makes, with its curves and the files that every training has.
    pub fn run(&self, settings: &Settings) -> Draft {
        let id = run_id(self.key);
        let last_ms = self.time_of(settings, self.steps.1);
        let mut draft = Draft {
            run_id: id.clone(),
            name: self.name.to_owned(),
            user: self.user.to_owned(),
            start_ms: self.start_ms,
            end: self.status.map(|status| (status, last_ms + 20_000)),
            params: params(settings),
            ..Draft::default()
        };
        for key in ["config.training.run_id", "metadata.run_id"] {
            draft.param(key, &id);
        }
        draft.param("config.training.fork_run_id", "None");
        let mut random = Random::named(self.key);
        let (job, commit) = (random.bits() % 9_000_000 + 1_000_000, (run_id("anemoi"), random.bits() % 4));
        for (key, value) in [
            ("mlflow.user", self.user),
            ("mlflow.source.name", "anemoi-training train"),
            ("mlflow.source.type", "LOCAL"),
            ("mlflow.source.git.commit", &format!("{}{:08x}", commit.0, commit.1 + 0x5ca1_ab1e)),
            ("projectName", "Anemoi"),
            ("SLURM_JOB_ID", &job.to_string()),
            ("command", &format!("anemoi-training train --config-name=aifs training.max_steps={}", settings.max_steps)),
        ] {
            draft.tag(key, value);
        }
        self.curves(settings, &mut random, &mut draft);
        self.system_curves(settings, &mut random, &mut draft);
        files::attach(self, settings, &mut draft);
        draft
    }

    /// The steps from the first logged one on, every so many.
    fn logged(&self, every: i64) -> impl Iterator<Item = i64> + use<> {
        let (first, last) = self.steps;
        ((first / every + 1)..=(last / every)).map(move |number| number * every)
    }

    fn curves(&self, settings: &Settings, random: &mut Random, draft: &mut Draft) {
        let mut series = |name: &str, every: i64, value: &mut dyn FnMut(i64) -> f64| {
            let point = |step: i64| at(self.time_of(settings, step), step, value(step));
            draft.metric(name, self.logged(every).map(point).collect());
        };
        let broken = |step: i64| settings.breaks_at.is_some_and(|from| step >= from);
        let whole = |step: i64, value: f64| if broken(step) { f64::NAN } else { value };
        // Shortly before it breaks it grows.
        let strain = |step: i64| settings.breaks_at.map_or(0.0, |from| ((step - from) as f64 / 900.0).exp() * 3.0);
        let mut noisy = |step: i64, share: f64, noise: f64| {
            whole(step, settings.loss_at(step) * share * (1.0 + noise * random.normal()) + strain(step))
        };
        series("train_wmse_step", LOG_STEPS, &mut |step| noisy(step, 0.97, 0.06));
        series("train_wmse_epoch", VALIDATION_STEPS, &mut |step| noisy(step, 0.98, 0.006));
        series("val_wmse_epoch", VALIDATION_STEPS, &mut |step| noisy(step, 1.0, 0.012));
        for (name, share, _) in VARIABLES {
            let name = format!("val_wmse_inference_epoch/{name}");
            series(&name, VALIDATION_STEPS, &mut |step| noisy(step, share, 0.015));
        }
        for (name, share, scale) in VARIABLES.into_iter().take(ERRORS) {
            let name = format!("val_rmse_inference_epoch/{name}");
            series(&name, VALIDATION_STEPS, &mut |step| scale * noisy(step, share, 0.02).sqrt());
        }
        let every = if settings.every_gradient { 1 } else { LOG_STEPS };
        series("train_grad_norm_step", every, &mut |step| 0.4 + 2.0 * noisy(step, 1.0, 0.35).abs().sqrt());
        series("lr-AdamW", LOG_STEPS, &mut |step| settings.lr_at(step));
        series("epoch", LOG_STEPS, &mut |step| (step / EPOCH_STEPS) as f64);
        series("rollout", VALIDATION_STEPS, &mut |_| 1.0);
    }

    /// Samples of the machine, counted from 0 in every job.
    fn system_curves(&self, settings: &Settings, random: &mut Random, draft: &mut Draft) {
        let samples = (self.time_of(settings, self.steps.1) - self.start_ms) / SYSTEM_MS;
        let mut series = |name: &str, value: &mut dyn FnMut(f64) -> f64| {
            let point = |number: i64| {
                let noise = random.normal();
                // Nothing runs on the device before the first step, nor while a validation is plotted; the disk stays full.
                let busy = number * SYSTEM_MS > STARTUP_MS && number % 97 != 96 || name.starts_with("disk");
                let value = if busy { value(noise) } else { value(noise) * 0.07 };
                at(self.start_ms + number * SYSTEM_MS, number, value)
            };
            draft.metric(&format!("system/{name}"), (0..=samples).map(point).collect());
        };
        series("cpu_utilization_percentage", &mut |noise| 31.0 + 3.0 * noise);
        series("system_memory_usage_percentage", &mut |noise| 42.0 + 0.4 * noise);
        series("system_memory_usage_megabytes", &mut |noise| 215_000.0 + 2_000.0 * noise);
        series("disk_usage_percentage", &mut |_| 63.5);
        for device in 0..4 {
            let offset = f64::from(device);
            series(&format!("gpu_{device}_utilization_percentage"), &mut |noise| {
                (95.0 - offset + 1.5 * noise).clamp(0.0, 100.0)
            });
            series(&format!("gpu_{device}_memory_usage_percentage"), &mut |noise| 84.0 + offset + 0.2 * noise);
        }
    }
}

/// Makes `draft` a run that goes on with the training of another.
pub(super) fn resume(draft: &mut Draft, parent: &str) {
    draft.tag("mlflow.parentRunId", parent);
    draft.tag("resumedRun", "True");
    for key in ["config.training.run_id", "metadata.run_id"] {
        draft.param(key, parent);
    }
}

/// Makes `draft` a run that began with the weights of another.
pub(super) fn fork(draft: &mut Draft, origin: &str) {
    draft.tag("forkedRun", "True");
    draft.tag("forkedRunId", origin);
    draft.param("config.training.fork_run_id", origin);
}

/// A point whose value is a 32-bit number, as trainings have; its last digit does not depend on the machine.
pub(super) fn at(timestamp_ms: i64, step: i64, value: f64) -> Point {
    Point { timestamp_ms, step, value: MetricValue::new(f64::from(value as f32)) }
}

fn params(settings: &Settings) -> Vec<crate::model::KeyValue> {
    let Settings { lr, num_channels, batch_size, loss, max_steps, .. } = settings;
    let (num_channels, batch_size, max_steps) =
        (num_channels.to_string(), batch_size.to_string(), max_steps.to_string());
    let mut params: Vec<_> = PARAMS
        .lines()
        .map(|line| line.split_once(" =").expect("a line is `key = value`"))
        .map(|(key, value)| pair(key, value.trim_start()))
        .collect();
    for param in &mut params {
        let value: &str = match param.key.as_str() {
            "config.training.optimization.lr" => lr,
            "config.dataloader.batch_size.training" => &batch_size,
            "config.training.training_loss.datasets.data._target_" => loss,
            "config.training.max_steps" | "config.training.optimization.lr_scheduler.t_initial" => &max_steps,
            key if CHANNEL_PARAMS.contains(&key) => &num_channels,
            _ => continue,
        };
        param.value = value.to_owned();
    }
    params
}
