//! The files of a training: its log, its configuration, its plots.

use std::fmt::Write as _;

use serde_json::json;

use super::picture;
use super::random::Random;
use super::scribe::Draft;
use super::training::{EPOCH_STEPS, Job, Settings};
use crate::model::KeyValue;

/// Lines of a log, about.
const LOG_LINES: i64 = 160;
/// Lines of the log that is long.
const LOADER_LINES: i64 = 20_000;
/// Stations of the table that is long.
const STATIONS: i64 = 2_000;

/// Adds the files that every training has.
pub(super) fn attach(job: &Job<'_>, settings: &Settings, draft: &mut Draft) {
    let metadata = json!({
        "version": "1.0",
        "run_id": draft.run_id,
        "training": { "max_steps": settings.max_steps, "lr": settings.lr, "first_step": job.steps.0 },
        "variables": ["z_500", "t_850", "q_700", "u_850", "2t", "10u", "msl", "tp"],
        "provenance_training": { "python": "3.12.4", "module_versions": { "anemoi.training": "0.17.1", "torch": "2.6.0" } },
    });
    draft.file("terminal_log.txt", terminal_log(job, settings, draft));
    draft.file("config.yaml", yaml(&draft.params));
    draft.file("metadata.json", format!("{metadata:#}\n"));
}

/// Adds what the plots of `epochs` epochs leave, and a report.
pub(super) fn attach_plots(job: &Job<'_>, epochs: i64, draft: &mut Draft) {
    for variable in ["z_500", "2t"] {
        for epoch in 0..epochs {
            let error = 0.9 / (1.0 + epoch as f64);
            let path = format!("plots/PlotSample/val_pred_{variable}_epoch{epoch:03}.png");
            draft.file(&path, picture::map(variable, error));
        }
    }
    draft.file("plots/GraphFeaturePlot/node_features.png", picture::map("graph", 0.0));
    draft.file("plots/broken.png", "this is no image\n");
    draft.file("reports/evaluation/scores.csv", scores());
    draft.file("reports/evaluation/stations.csv", stations());
    draft.file("reports/evaluation/README.md", report(job.name));
    draft.file("reports/evaluation/scores.html", page(job.name));
    draft.file("reports/evaluation/scores.svg", drawing());
    draft.file("checkpoint/last.ckpt", vec![0x80; 4_096]);
}

/// Adds what the loader of the data wrote, a line for each batch.
pub(super) fn attach_long_log(job: &Job<'_>, draft: &mut Draft) {
    let mut random = Random::named("loader");
    let mut log = String::new();
    for batch in 0..LOADER_LINES {
        let waited_ms = (8.0 + 6.0 * random.normal()).abs();
        let level = if waited_ms > 25.0 { "WARNING" } else { "DEBUG" };
        let moment = super::rfc3339(job.start_ms + batch * 2_000);
        let _ = writeln!(log, "{moment} {level:<7} worker {} batch {batch} waited {waited_ms:.1} ms", batch % 8);
    }
    draft.file("logs/loader.log", log);
}

fn terminal_log(job: &Job<'_>, settings: &Settings, draft: &Draft) -> String {
    let (first, last) = job.steps;
    let mut log = String::new();
    let mut say = |ms: i64, level: &str, text: &str| {
        let _ = writeln!(log, "{} {level:<7} {text}", super::rfc3339(ms));
    };
    let id = &draft.run_id;
    say(job.start_ms, "INFO", &format!("anemoi-training 0.17.1, run {id}"));
    say(job.start_ms + 2_000, "INFO", "Seed set to 42");
    say(job.start_ms + 9_000, "INFO", "Dataset input.zarr: 89 variables, 40 320 grid points, 1979-01-01 to 2022-12-31");
    say(job.start_ms + 31_000, "INFO", &format!("Model: {} channels, {}", settings.num_channels, settings.loss));
    say(job.start_ms + 60_000, "WARNING", "num_workers is 8, this node has 128 cores");
    let shown = |step: i64| {
        let value = |key: &str| {
            let points = draft.series.iter().find(|(name, _)| name == key).map(|(_, points)| points)?;
            points.iter().rev().find(|point| point.step <= step).map(|point| point.value.get())
        };
        let text = |key: &str| value(key).map_or("-".to_owned(), |value| format!("{value:.5}"));
        (text("train_wmse_step"), text("val_wmse_epoch"))
    };
    let every = ((last - first) / LOG_LINES).max(50) / 50 * 50;
    for step in (first / every + 1..=last / every).map(|number| number * every) {
        let (train, validation) = shown(step);
        let epoch = step / EPOCH_STEPS;
        let line =
            format!("Epoch {epoch}: step {step}/{} train_wmse={train} val_wmse={validation}", settings.max_steps);
        say(job.time_of(settings, step), "INFO", &line);
        if settings.breaks_at.is_some_and(|from| (from..from + every).contains(&step)) {
            say(job.time_of(settings, step), "WARNING", "the loss is not a number");
        }
    }
    if let Some((status, end_ms)) = draft.end {
        say(
            end_ms,
            if status.as_str() == "FINISHED" { "INFO" } else { "ERROR" },
            &format!("ended: {}", status.as_str()),
        );
    }
    log
}

/// Params as nested YAML, as their names say; every value as a quoted text, which JSON and YAML write alike.
fn yaml(params: &[KeyValue]) -> String {
    let mut sorted: Vec<&KeyValue> = params.iter().collect();
    sorted.sort_by_key(|param| param.key.split('.').map(str::to_owned).collect::<Vec<_>>());
    let (mut text, mut open): (String, Vec<&str>) = Default::default();
    for param in sorted {
        let parts: Vec<&str> = param.key.split('.').collect();
        let (name, groups) = parts.split_last().expect("a split text has a part");
        let common = open.iter().zip(groups).take_while(|(left, right)| left == right).count();
        open.truncate(common);
        for group in &groups[common..] {
            let _ = writeln!(text, "{:indent$}{group}:", "", indent = 2 * open.len());
            open.push(group);
        }
        let _ = writeln!(text, "{:indent$}{name}: {}", "", json!(param.value), indent = 2 * open.len());
    }
    text
}

fn scores() -> String {
    let mut text = "variable,lead_time_h,rmse,anomaly_correlation\n".to_owned();
    for (variable, first) in [("z_500", 41.2), ("t_850", 0.71), ("2t", 0.83)] {
        for day in 1..=10 {
            let error = first * f64::from(day).powf(1.3);
            let _ = writeln!(text, "{variable},{},{error:.3},{:.4}", day * 24, 1.0 - 0.0061 * f64::from(day * day));
        }
    }
    text
}

fn stations() -> String {
    let mut random = Random::named("stations");
    let mut text = "station,latitude,longitude,variable,bias,rmse\n".to_owned();
    for station in 0..STATIONS {
        let (latitude, longitude) = (180.0 * random.unit() - 90.0, 360.0 * random.unit() - 180.0);
        let (bias, error) = (0.3 * random.normal(), 1.4 + 0.2 * random.normal());
        let _ = writeln!(text, "{:05},{latitude:.2},{longitude:.2},2t,{bias:.3},{error:.3}", 10_000 + station * 7);
    }
    text
}

/// A page whose table only a script fills, as those of plotting libraries are.
fn page(name: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Scores of {name}</title>\n\
         <style>body {{ font-family: sans-serif; margin: 2em }} td {{ padding: 0 1em; text-align: right }}</style>\n\
         <h1>Scores of {name}</h1>\n<p id=\"state\">This page needs its script.</p>\n<table id=\"scores\"></table>\n\
         <script>\nconst scores = [[\"z_500\", 171.9, 333.9], [\"t_850\", 2.96, 5.75], [\"2t\", 3.46, 6.72]];\n\
         for (const score of scores) {{\n  const row = document.getElementById(\"scores\").insertRow();\n  \
         for (const cell of score) row.insertCell().textContent = cell;\n}}\n\
         document.getElementById(\"state\").textContent = \"Root mean square error at day 3 and day 5\";\n</script>\n</html>\n"
    )
}

/// Errors by lead time as a drawing.
fn drawing() -> String {
    let point = |day: i32| format!("{},{:.1}", 40 + 26 * day, 170.0 - 7.0 * f64::from(day).powf(1.3));
    let points: Vec<String> = (1..=10).map(point).collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 320 200\" width=\"640\" height=\"400\">\n\
         <title>Error of z_500 by lead time</title>\n<rect width=\"320\" height=\"200\" fill=\"#fff\"/>\n\
         <path d=\"M40 10V170H310\" fill=\"none\" stroke=\"#444\"/>\n\
         <polyline points=\"{}\" fill=\"none\" stroke=\"#21918c\" stroke-width=\"2\"/>\n\
         <text x=\"175\" y=\"192\" font-size=\"11\" text-anchor=\"middle\">lead time in days</text>\n</svg>\n",
        points.join(" ")
    )
}

fn report(name: &str) -> String {
    format!(
        "# Evaluation of {name}\n\nScores against the analysis, **December to February**; see [scores.csv](scores.csv).\n\n\
         | variable | day 3 | day 5 |\n|---|---|---|\n| z_500 | 171.9 | 333.9 |\n| t_850 | 2.96 | 5.75 |\n\n\
         - better than the control from day 2 on\n- `tp` is too smooth\n"
    )
}
