//! What one `log-batch` of a thousand points costs: reading the body, and committing it alone.

use std::time::Duration;

use divan::{Bencher, black_box};
use serde_json::json;
use windvane::http::batch::LogBatchRequest;
use windvane::http::routes::Request;
use windvane::model::{Caller, MetricValue, Point};
use windvane::store::{ArtifactRoot, LogBatch, NewRun, Store, StoreOptions};

fn main() {
    divan::main();
}

/// A body as a training sends it: ten metrics, a hundred steps, values of full precision.
fn body(points: i64) -> Vec<u8> {
    let metric = |index: i64| {
        let step = index / 10;
        let value = 10.0 / (1.0 + step as f64 * 0.01) + (index as f64 * 0.618).fract();
        json!({ "key": format!("val_rmse_{}", index % 10), "value": value, "timestamp": 1_790_000_000_000 + step, "step": step })
    };
    let metrics: Vec<_> = (0..points).map(metric).collect();
    json!({ "run_id": "0123456789abcdef0123456789abcdef", "metrics": metrics }).to_string().into_bytes()
}

#[divan::bench(args = [10, 100, 1_000])]
fn read_log_batch(bencher: Bencher, points: i64) {
    let body = body(points);
    bencher.counter(points as u64).bench(|| LogBatchRequest::from_body(black_box(&body)).expect("the body is valid"));
}

#[divan::bench(args = [1, 10, 1_000])]
fn commit_alone(bencher: Bencher, points: i64) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let options = StoreOptions {
        read_limit: Duration::from_secs(30),
        url: format!("sqlite:{}", directory.path().join("windvane.db").display()),
        synchronous_full: true,
        allow_network_filesystem: false,
        artifact_root: ArtifactRoot { location: "mlflow-artifacts:/".to_owned(), own_path: Some(String::new()) },
    };
    let run_id = "0123456789abcdef0123456789abcdef";
    let store = runtime.block_on(async {
        let store = Store::open(options, 0).await.expect("a new database opens");
        let new = NewRun {
            run_id: run_id.to_owned(),
            experiment_id: 0,
            name: "bench".to_owned(),
            user_id: String::new(),
            start_ms: 0,
            tags: Vec::new(),
        };
        store.create_run(&Caller::Open, new).await.expect("a run can be made");
        store
    });
    let mut step = 0;
    bencher.counter(points as u64).bench_local(|| {
        step += 1;
        let point = |index: i64| Point {
            timestamp_ms: step * 1_000 + index,
            step: step * 1_000 + index,
            value: MetricValue::new(0.5),
        };
        let series = (0..points.min(10))
            .map(|key| (format!("val_rmse_{key}"), (0..points).filter(|index| index % 10 == key).map(point).collect()));
        let batch = LogBatch { series: series.collect(), ..LogBatch::default() };
        runtime.block_on(store.log(&Caller::Open, run_id, batch)).expect("a batch can be logged");
    });
    runtime.block_on(store.close());
}
