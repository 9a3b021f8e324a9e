//! `windvane demo`: that the example tells its story, and the same one each time.

use serde_json::{Value, json};
use windvane::config::{Config, Override, Surroundings};
use windvane::demo;
use windvane::model::Caller;
use windvane::validate::{self, LongValues, Place};

use crate::support::{self, App, Database};

/// 2026-11-23T12:00:00Z
const NOW_MS: i64 = 1_795_435_200_000;
const MINUTE_MS: i64 = 60_000;

/// Runs the command on a database.
async fn make(database: &Database) -> anyhow::Result<demo::Made> {
    let options = [("data", database.directory().to_str().unwrap()), ("database", database.url())];
    let set = |(key, text): (&'static str, &str)| Override { key, flag: "--test", texts: vec![text.to_owned()] };
    let config = Config::load(&Surroundings::default(), None, options.map(set).to_vec()).unwrap();
    tokio::task::spawn_blocking(move || demo::run(&config, NOW_MS)).await.unwrap()
}

async fn own(app: &App, path: &str, request: Value) -> Value {
    app.post(&format!("/api/windvane/v1/{path}"), request).await.expect_ok()
}

/// A level of the tree of an experiment: names of its rows, and what is told of each.
async fn tree(app: &App, experiment: &str, level: Value) -> Vec<(String, Value)> {
    let found = app.get(&format!("experiments/get-by-name?experiment_name={experiment}")).await.expect_ok();
    let mut request = json!({
        "experiment_ids": [found["experiment"]["experiment_id"]], "columns": ["run_name", "status"],
        "order_by": ["start_time"], "tree": true, "progress": true, "live": true, "limit": 100,
    });
    request.as_object_mut().unwrap().extend(level.as_object().unwrap().clone());
    let mut answer = own(app, "rows", request).await;
    let rows = answer["rows"].as_array().unwrap().clone();
    let mut told = |(number, row): (usize, Value)| {
        let mut tree = answer["tree"][number].take();
        tree["progress"] = answer["progress"][number].take();
        tree["live"] = answer["live"][number].take();
        tree["run_id"] = row[0].clone();
        tree["status"] = row[4].clone();
        (row[3].as_str().unwrap().to_owned(), tree)
    };
    rows.into_iter().enumerate().map(&mut told).collect()
}

fn row<'a>(rows: &'a [(String, Value)], name: &str) -> &'a Value {
    &rows.iter().find(|(other, _)| other == name).unwrap_or_else(|| panic!("no {name} in {rows:?}")).1
}

/// All runs, whole.
async fn all_runs(app: &App) -> Value {
    let experiments =
        app.post("experiments/search", json!({ "view_type": "ALL", "max_results": 100 })).await.expect_ok();
    let ids: Vec<&Value> =
        experiments["experiments"].as_array().unwrap().iter().map(|found| &found["experiment_id"]).collect();
    let request = json!({ "experiment_ids": ids, "run_view_type": "ALL", "max_results": 1_000 });
    app.post("runs/search", request).await.expect_ok()
}

/// Fills a database, looks whether all is there that the example is for, and answers all runs.
async fn tell(database: Database) -> Value {
    let made = make(&database).await.unwrap();
    assert_eq!((made.experiments, made.runs), (5, 49));
    assert!(made.points > 400_000 && made.files > 200, "{made}");
    let again = make(&database).await.unwrap_err().to_string();
    assert!(again.starts_with("there are 5 experiments and 49 runs here already"), "{again}");

    let app = support::app(database).await;
    app.set_clock(NOW_MS);
    experiments_have_figures(&app).await;
    trainings_hang_together(&app).await;
    odd_series_are_odd(&app).await;
    let runs = all_runs(&app).await;
    clients_could_have_logged_it(&app, &runs).await;
    runs
}

async fn experiments_have_figures(app: &App) {
    let found = app.get("/api/windvane/v1/experiments").await.expect_ok();
    let figures: Vec<Value> = ["aifs/global", "aifs/sweep", "ensemble/crps", "truth", "scratch/empty"]
        .map(|name| found["experiments"].as_array().unwrap().iter().find(|found| found["name"] == name).unwrap())
        .map(|found| json!([found["runs"], found["running"], found["failed_recently"], found["deleted_runs"]]))
        .to_vec();

    assert_eq!(json!(figures), json!([[14, 4, 1, 0], [27, 0, 0, 0], [5, 0, 0, 1], [2, 0, 0, 0], [0, 0, 0, 0]]));
}

async fn trainings_hang_together(app: &App) {
    let global = tree(app, "aifs/global", json!({})).await;
    assert_eq!(global.len(), 11);
    let control = row(&global, "control");
    assert_eq!((&control["attempts"], &control["steps"]), (&json!(4), &json!(150_000)));
    let attempts = tree(app, "aifs/global", json!({ "attempts_of": control["run_id"] })).await;
    let states: Vec<&Value> = attempts.iter().map(|(_, attempt)| &attempt["status"]).collect();
    assert_eq!(json!(states), json!(["KILLED", "FINISHED", "FINISHED", "FINISHED"]));

    let (running, silent) = (row(&global, "control-lr-2e-5"), row(&global, "wide-1024"));
    let origin = json!({
        "run_id": attempts[1].1["run_id"], "here": true, "name": "control", "experiment_id": "1", "step": 60_050
    });
    assert_eq!(running["fork"], origin);
    let silence = |row: &Value| NOW_MS - row["progress"]["last_point_time"].as_i64().unwrap();
    assert!((0..=2 * MINUTE_MS).contains(&silence(running)), "{running}");
    assert!((35 * MINUTE_MS..37 * MINUTE_MS).contains(&silence(silent)), "{silent}");
    assert_eq!(running["progress"]["max_steps"], 150_000);
    let (broken, worse) = (&row(&global, "lr-6e-4")["live"]["loss"], &row(&global, "lr-4e-4")["live"]["loss"]);
    assert_eq!((&broken["metric"], &broken["nan_since"]), (&json!("val_wmse_epoch"), &json!(18_250)));
    let above = worse["last"].as_f64().unwrap() / worse["best"].as_f64().unwrap();
    assert!((1.25..1.45).contains(&above), "{worse}");
    assert_eq!(row(&global, "control")["live"], Value::Null);
    let lineage = format!("/api/windvane/v1/runs/{}/lineage", running["run_id"].as_str().unwrap());
    let lineage = app.get(&lineage).await.expect_ok();
    let forks = lineage["edges"].as_array().unwrap().iter().filter(|edge| edge["kind"] == "fork");
    assert_eq!(forks.map(|edge| edge["step"].as_i64()).collect::<Vec<_>>(), [Some(60_050); 3]);

    let sweep = tree(app, "aifs/sweep", json!({})).await;
    assert_eq!((sweep.len(), &sweep[0].1["children"], &sweep[0].1["runs"]), (1, &json!(24), &json!(27)));

    // Params go with the loss: one rate fits, and the further from it the worse.
    let children = tree(app, "aifs/sweep", json!({ "children_of": sweep[0].1["run_id"] })).await;
    assert_eq!(children.len(), 24);
    let found = app.get("experiments/get-by-name?experiment_name=aifs/sweep").await.expect_ok();
    let request = json!({
        "experiment_ids": [found["experiment"]["experiment_id"]], "by": "params.\"config.training.optimization.lr\"",
        "filter": "attributes.status = 'FINISHED'", "metrics": ["val_wmse_epoch"], "order_by": "metrics.val_wmse_epoch",
    });
    let rates = own(app, "groups", request).await;
    let rates: Vec<&Value> =
        rates["groups"].as_array().unwrap().iter().map(|group| &group["value"]).filter(|it| !it.is_null()).collect();
    assert_eq!((rates.len(), rates[3]), (4, &json!("1e-05")));

    let ensemble = tree(app, "ensemble/crps", json!({})).await;
    assert_eq!(row(&ensemble, "crps-control")["copies"], 1);
    assert_eq!(row(&ensemble, "crps-evaluation")["parent"]["state"], "deleted");
}

async fn odd_series_are_odd(app: &App) {
    let truth = tree(app, "truth", json!({})).await;
    let run_id = &row(&truth, "odd series")["run_id"];
    let names = [
        "all_at_step_0",
        "one_value",
        "two_at_one_step",
        "constant",
        "spike",
        "nan_tail",
        "only_nan",
        "infinite",
        "overlapping_restart",
        "hundred_thousand",
        "with_zero_and_negative",
        "many_restarts",
    ];
    let request = json!({ "run_ids": [run_id], "metrics": names, "buckets": 100 });
    let found = own(app, "series", request).await;

    let figures = found["series"].as_array().unwrap().iter().map(|series| {
        let infinite = [&series["infinity"], &series["negative_infinity"]].map(|found| found["count"].as_i64());
        let nan = series["nan"]["count"].as_i64();
        (series["total"].as_i64().unwrap(), nan.unwrap_or(0), infinite.into_iter().flatten().sum::<i64>())
    });
    let expected = [
        (200, 0, 0),
        (1, 0, 0),
        (2, 0, 0),
        (300, 0, 0),
        (1_000, 0, 0),
        (200, 50, 0),
        (40, 40, 0),
        (100, 0, 3),
        (1_002, 0, 0),
        (100_000, 0, 0),
        (300, 0, 0),
        (3_000, 0, 0),
    ];
    assert_eq!(figures.collect::<Vec<_>>(), expected);
}

/// The example does not pass through the API, and has nothing that the API would refuse.
async fn clients_could_have_logged_it(app: &App, runs: &Value) {
    for run in runs["runs"].as_array().unwrap() {
        let run_id = run["info"]["run_id"].as_str().unwrap();
        let run = app.store().find_run(&Caller::Open, run_id).await.unwrap().unwrap();
        validate::run_id_form(run_id).unwrap();
        for metric in &run.metrics {
            validate::metric_key(Place::Alone, &metric.key).unwrap();
        }
        for param in &run.params {
            validate::param_key(Place::Alone, &param.key).unwrap();
            validate::param_value(Place::Alone, &param.value, LongValues::Refuse).unwrap();
        }
        for tag in &run.tags {
            validate::tag_key(Place::Alone, &tag.key).unwrap();
            validate::tag_value(Place::Alone, &tag.value, LongValues::Refuse).unwrap();
        }
    }
}

#[tokio::test]
async fn the_example_tells_its_story_and_the_same_one_each_time() {
    let mut told = Vec::new();
    for database in support::databases().await {
        told.push(tell(database).await);
    }
    if told.len() == 1 {
        told.push(tell(Database::sqlite()).await);
    }

    assert!(told[0]["runs"].as_array().unwrap().len() == 49 && told[0] == told[1], "the two are not the same");
}
