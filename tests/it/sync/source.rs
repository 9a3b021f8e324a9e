//! File stores as MLflow's client writes them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use windvane::digest::{SeriesDigest, hexadecimal, of_params};
use windvane::model::{KeyValue, MetricValue, Point};

const EXPERIMENT: &str = "412345678901234567";

/// A point: timestamp, step and value.
pub type Logged = (i64, i64, f64);

/// A run of a file store.
#[derive(Debug, Clone)]
pub struct Draft {
    pub run_id: String,
    pub status: i64,
    pub end_ms: Option<i64>,
    pub is_deleted: bool,
    pub params: Vec<(String, String)>,
    pub tags: Vec<(String, String)>,
    pub series: Vec<(String, Vec<Logged>)>,
    pub files: Vec<(String, Vec<u8>)>,
}

pub const START_MS: i64 = 1_700_000_000_000;

impl Draft {
    /// A small training that has ended: of everything a little, in more than one request of each kind.
    pub fn new(number: u64) -> Self {
        let points = |count: i64| (0..count).map(|step| (START_MS + step, step, step as f64 / 3.0)).collect::<Vec<_>>();
        let text = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        Draft {
            run_id: format!("{number:032x}"),
            status: 3,
            end_ms: Some(START_MS + 60_000),
            is_deleted: false,
            params: vec![text("config.lr", "0.1"), text("empty", "")],
            tags: vec![text("mlflow.user", "ada"), text("note", "a\nb")],
            // More than one body has room for.
            series: vec![("loss".to_owned(), points(25_000)), ("val/loss".to_owned(), points(3))],
            files: vec![
                ("config.json".to_owned(), b"{}".to_vec()),
                ("plots/empty".to_owned(), Vec::new()),
                ("plots/large.bin".to_owned(), (0..600_000).map(|byte| (byte % 251) as u8).collect()),
            ],
        }
    }

    /// Where it lies in a store.
    pub fn directory(&self, root: &Path) -> PathBuf {
        root.join(EXPERIMENT).join(&self.run_id)
    }

    /// Writes it into a store, which is made where it is not there.
    pub fn write(&self, root: &Path) {
        let directory = self.directory(root);
        for name in ["params", "tags", "metrics", "artifacts"] {
            fs::create_dir_all(directory.join(name)).unwrap();
        }
        fs::write(
            root.join(EXPERIMENT).join("meta.yaml"),
            format!(
                "artifact_location: file:///elsewhere/{EXPERIMENT}\ncreation_time: {START_MS}\nexperiment_id: \
                 '{EXPERIMENT}'\nlast_update_time: {START_MS}\nlifecycle_stage: active\nname: aifs\n"
            ),
        )
        .unwrap();
        let write = |name: &str, key: &str, contents: &[u8]| {
            let path = directory.join(name).join(key);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, contents).unwrap();
        };
        for (key, value) in &self.params {
            write("params", key, value.as_bytes());
        }
        for (key, value) in &self.tags {
            write("tags", key, value.as_bytes());
        }
        for (key, points) in &self.series {
            let lines: String = points.iter().map(|(at, step, value)| format!("{at} {value:?} {step}\n")).collect();
            write("metrics", key, lines.as_bytes());
        }
        for (path, contents) in &self.files {
            write("artifacts", path, contents);
        }
        let end = self.end_ms.map_or("null".to_owned(), |end| end.to_string());
        let stage = if self.is_deleted { "deleted" } else { "active" };
        fs::write(
            directory.join("meta.yaml"),
            format!(
                "artifact_uri: file:///elsewhere/{EXPERIMENT}/{id}/artifacts\nend_time: {end}\nentry_point_name: ''\n\
                 experiment_id: '{EXPERIMENT}'\nlifecycle_stage: {stage}\nrun_id: {id}\nrun_name: control\nrun_uuid: \
                 {id}\nsource_name: ''\nsource_type: 4\nsource_version: ''\nstart_time: {START_MS}\nstatus: {status}\n\
                 tags: []\nuser_id: ada\n",
                id = self.run_id,
                status = self.status,
            ),
        )
        .unwrap();
    }

    /// What a server has of it when all of it has arrived; of what it has beside that, nothing is told here.
    pub fn expected(&self, there: &Value) -> Value {
        let mut params: Vec<KeyValue> =
            self.params.iter().map(|(key, value)| KeyValue { key: key.clone(), value: value.clone() }).collect();
        params.sort_by(|left, right| left.key.cmp(&right.key));
        let mut tags = self.tags.clone();
        tags.push(("mlflow.runName".to_owned(), "control".to_owned()));
        tags.sort();
        let mut series = self.series.clone();
        series.sort_by(|left, right| left.0.cmp(&right.0));
        let series = series.iter().map(|(key, points)| {
            let mut points: Vec<Point> = points
                .iter()
                .map(|&(timestamp_ms, step, value)| Point { timestamp_ms, step, value: MetricValue::new(value) })
                .collect();
            points.sort();
            points.dedup();
            let last = points[points.len() - 1];
            json!({ "key": key, "count": points.len(), "last": [last.timestamp_ms, last.step, last.value.get()],
                    "digest": hexadecimal(&SeriesDigest::of(&points)) })
        });
        let mut files = self.files.clone();
        files.sort();
        let files = files.iter().map(|(path, contents)| {
            let digest = <sha2::Sha256 as sha2::Digest>::digest(contents);
            json!({ "path": path, "size": contents.len(), "digest": hexadecimal(&digest) })
        });
        let status = ["", "RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"][self.status as usize];
        json!({
            "run": { "run_id": self.run_id, "experiment_id": there["run"]["experiment_id"], "experiment_name": "aifs",
                     "run_name": "control", "user_id": "ada", "status": status, "start_time": START_MS,
                     "end_time": self.end_ms, "lifecycle_stage": if self.is_deleted { "deleted" } else { "active" } },
            "state": there["state"],
            "params": { "count": params.len(), "digest": hexadecimal(&of_params(&params)) },
            "tags": tags.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect::<Vec<_>>(),
            "datasets": 0,
            "series": series.collect::<Vec<_>>(),
            "artifact_root": there["artifact_root"],
            "files": files.collect::<Vec<_>>(),
            "next_file": null,
        })
    }
}
