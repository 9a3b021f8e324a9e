"""MlflowClient and datasets."""

import pytest
from mlflow.entities import Dataset, DatasetInput, InputTag

from support import assert_error


def test_datasets_read_back_with_schema_profile_and_tags(client, run_id):
    long = "s" * 60_000
    dataset = Dataset("era5 ü", "d" * 36, "zarr", f'{{"uri": "{long}"}}', schema='{"cols": []}', profile='{"rows": 3}')

    client.log_inputs(run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "train"), InputTag("k", "")])])

    (logged,) = client.get_run(run_id).inputs.dataset_inputs
    assert dict(logged.dataset) == dict(dataset)
    assert {tag.key: tag.value for tag in logged.tags} == {"mlflow.data.context": "train", "k": ""}


def test_the_first_writer_of_a_dataset_determines_it(client, experiment_id, run_id):
    other_run = client.create_run(experiment_id).info.run_id

    client.log_inputs(run_id, [DatasetInput(Dataset("era5", "abc", "local", "first"), [])])
    client.log_inputs(other_run, [DatasetInput(Dataset("era5", "abc", "s3", "second"), [])])
    client.log_inputs(other_run, [DatasetInput(Dataset("era5", "def", "s3", "second"), [])])

    assert [d.dataset.source for d in client.get_run(run_id).inputs.dataset_inputs] == ["first"]
    logged = client.get_run(other_run).inputs.dataset_inputs
    assert sorted((d.dataset.digest, d.dataset.source) for d in logged) == [("abc", "first"), ("def", "second")]


@pytest.mark.parametrize(("field", "limit"), [("name", 500), ("digest", 36), ("source", 65_535), ("schema", 1_048_575)])
def test_dataset_fields_have_a_greatest_length(http, client, run_id, field, limit):
    def log(length):
        dataset = {"name": "n", "digest": "d", "source_type": "local", "source": "{}", field: "x" * length}
        return http.post("runs/log-inputs", {"run_id": run_id, "datasets": [{"dataset": dataset}]})

    too_long = log(limit + 1)

    text = f"'{field}' exceeds the maximum length of {limit} characters"
    assert_error(too_long, 400, "INVALID_PARAMETER_VALUE", text)
    assert list(client.get_run(run_id).inputs.dataset_inputs) == []
    http.ok(log(limit))
    (logged,) = client.get_run(run_id).inputs.dataset_inputs
    assert getattr(logged.dataset, field) == "x" * limit


def test_dataset_tags_have_a_greatest_length(http, run_id):
    def log(key, value):
        logged = {
            "dataset": {"name": "n", "digest": "d", "source_type": "local", "source": "{}"},
            "tags": [{"key": key, "value": value}],
        }
        return http.post("runs/log-inputs", {"run_id": run_id, "datasets": [logged]})

    assert_error(log("k" * 256, "v"), 400, "INVALID_PARAMETER_VALUE", "'key' exceeds the maximum length of 255")
    assert_error(log("k", "v" * 501), 400, "INVALID_PARAMETER_VALUE", "'value' exceeds the maximum length of 500")
    http.ok(log("k" * 255, "v" * 500))


def test_the_datasets_of_experiments_are_listed_for_the_web_page(http, client, experiment_id, run_id):
    tags = [InputTag("mlflow.data.context", "train")]
    client.log_inputs(run_id, [DatasetInput(Dataset("era5", "abc", "local", "{}"), tags)])
    client.log_inputs(run_id, [DatasetInput(Dataset("obs", "def", "local", "{}"), [])])

    answer = http.ok(http.post("/ajax-api/2.0/mlflow/experiments/search-datasets", {"experiment_ids": [experiment_id]}))

    assert sorted(answer["dataset_summaries"], key=lambda summary: summary["name"]) == [
        {"experiment_id": experiment_id, "name": "era5", "digest": "abc", "context": "train"},
        {"experiment_id": experiment_id, "name": "obs", "digest": "def"},
    ]
