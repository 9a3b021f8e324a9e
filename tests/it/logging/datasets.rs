//! Datasets, and the models of 2.x clients.

use serde_json::{Value, json};

use super::{API_DOCS, pair};
use crate::support::{self, assert_snapshot};

fn dataset(name: &str, digest: &str) -> Value {
    json!({ "name": name, "digest": digest, "source_type": "local", "source": "{}", "schema": "{\"a\":1}", "profile": "" })
}

#[tokio::test]
async fn a_dataset_is_linked_to_a_run_once_and_keeps_what_its_first_writer_said() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let (first, second) = (app.run().await, app.run().await);
        let log = async |run_id: &str, dataset: Value, context: &str| {
            let tags = json!([pair("mlflow.data.context", context)]);
            app.post("runs/log-inputs", json!({ "run_id": run_id, "datasets": [{ "tags": tags, "dataset": dataset }] }))
                .await
        };

        assert_snapshot!(log(&first, dataset("era5", "d1"), "train").await, @"200 {}");
        let mut other = dataset("era5", "d1");
        other["source"] = json!("elsewhere");
        log(&first, other.clone(), "test").await.expect_ok();
        log(&second, other, "test").await.expect_ok();
        let models =
            json!({ "run_id": first, "models": [{ "model_id": "m-2" }, { "modelId": "m-1" }, { "model_id": "m-2" }] });
        app.post("runs/log-inputs", models).await.expect_ok();

        let linked = |context: &str| json!([{ "dataset": dataset("era5", "d1"), "tags": [pair("mlflow.data.context", context)] }]);
        let inputs = app.read_run(&first).await["inputs"].take();
        assert_eq!(
            inputs,
            json!({ "dataset_inputs": linked("train"), "model_inputs": [{ "model_id": "m-1" }, { "model_id": "m-2" }] })
        );
        assert_eq!(app.read_run(&second).await["inputs"], json!({ "dataset_inputs": linked("test") }));

        // A search gives the datasets, but not the models.
        let found =
            app.post("runs/search", json!({ "experiment_ids": ["0"], "filter": format!("run_id = '{first}'") })).await;
        assert_eq!(found.expect_ok()["runs"][0]["inputs"], json!({ "dataset_inputs": linked("train") }));
        app.post("runs/log-inputs", json!({ "run_id": first })).await.expect_ok();
    }
}

#[tokio::test]
async fn a_dataset_without_what_it_needs_or_too_long_is_refused() {
    let long = |field: &str, length: usize| {
        let mut dataset = dataset("n", "d");
        dataset[field] = json!("x".repeat(length));
        json!({ "dataset": dataset })
    };
    let too_long = |field: &str, limit: usize| format!("'{field}' exceeds the maximum length of {limit} characters");
    let missing = |path: &str| format!("Missing value for required parameter '{path}'. {API_DOCS}");
    let nul = json!({ "dataset": { "name": "a\0", "digest": "d", "source_type": "t", "source": "s" } });
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;

        for (inputs, expected) in [
            (json!([{}]), missing("datasets[0].dataset")),
            (json!([{ "dataset": {} }]), missing("datasets[0].dataset.name")),
            (json!([{ "dataset": { "name": "n" } }]), missing("datasets[0].dataset.digest")),
            (json!([{ "dataset": { "name": "n", "digest": "d" } }]), missing("datasets[0].dataset.source_type")),
            (json!([{ "dataset": { "name": "n", "digest": "d", "sourceType": "t" } }]), missing("datasets[0].dataset.source")),
            (json!([{ "dataset": dataset("n", "d"), "tags": [{ "value": "v" }] }]), missing("datasets[0].tags[0].key")),
            (json!([long("name", 501)]), too_long("name", 500)),
            (json!([long("digest", 37)]), too_long("digest", 36)),
            (json!([long("source", 65_536)]), too_long("source", 65_535)),
            (json!([long("schema", 1_048_576)]), too_long("schema", 1_048_575)),
            (json!([{ "dataset": dataset("n", "d"), "tags": [pair(&"k".repeat(256), "")] }]), too_long("key", 255)),
            (json!([{ "dataset": dataset("n", "d"), "tags": [pair("k", &"v".repeat(501))] }]), too_long("value", 500)),
            (json!([nul]), "Invalid value for parameter 'name' supplied: it contains a NUL character at byte 1, which cannot be stored.".to_owned()),
            (json!("x"), format!("Invalid value \"x\" for parameter 'datasets' supplied:  Hint: Value was of type 'str'. {API_DOCS}")),
        ] {
            let reply = app.post("runs/log-inputs", json!({ "run_id": run_id, "datasets": inputs })).await;
            assert!(reply.invalid().starts_with(&expected), "{reply}");
        }
        let too_many = vec![json!({ "dataset": dataset("n", "d") }); 1_001];
        let reply = app.post("runs/log-inputs", json!({ "run_id": run_id, "datasets": too_many })).await;
        assert!(reply.invalid().contains("1000"), "{reply}");
        let model = app.post("runs/log-inputs", json!({ "run_id": run_id, "models": [{}] })).await;
        assert_eq!(model.invalid(), missing("models[0].model_id"));

        assert_eq!(app.read_run(&run_id).await["inputs"], json!({}));
        app.still_serving().await;
    }
}

#[tokio::test]
async fn a_logged_model_of_an_old_client_joins_the_history_of_its_run() {
    for db in support::databases().await {
        let app = support::app(db).await;
        let run_id = app.run().await;
        let log =
            async |model: &str| app.post("runs/log-model", json!({ "run_id": run_id, "model_json": model })).await;
        let model = json!({ "artifact_path": "model", "run_id": run_id, "utc_time_created": "now", "model_uuid": "u",
                            "flavors": { "sklearn": { "config": "c", "version": "1" } }, "signature": "left out" });

        assert_snapshot!(log(&model.to_string()).await, @"200 {}");
        let second = json!({ "artifact_path": "second", "run_id": run_id, "utc_time_created": "later", "flavors": {} });
        log(&second.to_string()).await.expect_ok();

        let run = app.read_run(&run_id).await;
        let tags = run["data"]["tags"].as_array().unwrap();
        let history = tags.iter().find(|tag| tag["key"] == "mlflow.log-model.history").unwrap();
        let history: Value = serde_json::from_str(history["value"].as_str().unwrap()).unwrap();
        assert_eq!(
            history,
            json!([{ "artifact_path": "model", "run_id": run_id, "utc_time_created": "now", "model_uuid": "u",
                     "flavors": { "sklearn": { "version": "1" } } }, second])
        );
        for (model, expected) in [
            ("nonsense", "Malformed model info."),
            ("[1]", "Malformed model info."),
            (
                "{}",
                "Model json is missing mandatory fields: {'artifact_path', 'flavors', 'utc_time_created', 'run_id'}",
            ),
            (
                r#"{"artifact_path": "a", "flavors": {}, "run_id": "r"}"#,
                "Model json is missing mandatory fields: {'utc_time_created'}",
            ),
            ("{\"a\": \"\0\"}", "Invalid value for parameter 'model_json' supplied: it contains a NUL character"),
        ] {
            let text = log(model).await.invalid();
            assert!(text.starts_with(expected), "{text}");
        }
        let nul = r#"{"artifact_path": "\u0000", "flavors": {}, "utc_time_created": "now", "run_id": "r"}"#;
        log(nul).await.expect_ok();
        app.still_serving().await;
    }
}
