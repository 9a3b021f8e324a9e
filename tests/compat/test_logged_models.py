"""Models as the released clients log, find and load them: 3.x as logged models, 2.x as files of a run."""

import math

import mlflow
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from support import differs_from_mlflow, refused

GENERATION = int(mlflow.__version__.split(".")[0])
needs_logged_models = pytest.mark.skipif(GENERATION < 3, reason="clients of 2.x know no logged models")

X = np.arange(12.0).reshape(-1, 2)
Y = 3 * X[:, 0] - X[:, 1] + 1


@pytest.fixture
def model():
    return LinearRegression().fit(X, Y)


@pytest.fixture(autouse=True)
def no_autologging_and_no_active_model():
    yield
    mlflow.sklearn.autolog(disable=True)
    if GENERATION >= 3:
        mlflow.clear_active_model()


def log_model(model, name):
    if GENERATION >= 3:
        return mlflow.sklearn.log_model(model, name=name, params={"depth": 3}, model_type="regressor")
    return mlflow.sklearn.log_model(model, name)


def predicts_the_same(uri, model):
    return np.allclose(mlflow.sklearn.load_model(uri).predict(X), model.predict(X))


def test_a_model_is_logged_and_loaded(fluent_experiment_id, model):
    with mlflow.start_run() as run:
        info = log_model(model, "linear")

    assert predicts_the_same(info.model_uri, model)
    assert predicts_the_same(f"runs:/{run.info.run_id}/linear", model)
    path = mlflow.artifacts.download_artifacts(f"runs:/{run.info.run_id}/linear/MLmodel")
    with open(path) as file:
        assert "sklearn" in file.read()


def test_an_autologged_training_keeps_its_model(fluent_experiment_id, client):
    mlflow.sklearn.autolog(log_models=True, log_datasets=True, silent=True)
    with mlflow.start_run() as run:
        fitted = LinearRegression().fit(X, Y)

    read = client.get_run(run.info.run_id)
    assert read.info.status == "FINISHED"
    assert read.data.params["fit_intercept"] == "True"
    assert read.data.metrics["training_r2_score"] == pytest.approx(1.0)
    assert [dataset.tags[0].value for dataset in read.inputs.dataset_inputs] == ["train"]
    assert predicts_the_same(f"runs:/{run.info.run_id}/model", fitted)
    if GENERATION < 3:
        return
    (output,) = read.outputs.model_outputs
    logged = client.get_logged_model(output.model_id)
    assert logged.source_run_id == run.info.run_id
    assert logged.params["fit_intercept"] == "True"
    assert "training_r2_score" in {metric.key for metric in logged.metrics}


@pytest.mark.skipif(GENERATION >= 3, reason="clients of 3.x no longer call runs/log-model")
def test_a_run_of_a_2_x_client_tells_of_its_models(fluent_experiment_id, client, model):
    with mlflow.start_run() as run:
        log_model(model, "linear")

    assert '"artifact_path": "linear"' in client.get_run(run.info.run_id).data.tags["mlflow.log-model.history"].replace(
        '":"', '": "'
    )


@needs_logged_models
def test_a_logged_model_is_ready_and_belongs_to_its_run(fluent_experiment_id, client, model):
    with mlflow.start_run() as run:
        info = log_model(model, "linear")

    logged = mlflow.get_logged_model(info.model_id)
    assert (logged.name, logged.model_type, logged.experiment_id) == ("linear", "regressor", fluent_experiment_id)
    assert logged.source_run_id == run.info.run_id
    assert str(logged.status) == "READY"
    assert logged.params["depth"] == "3"
    assert logged.last_updated_timestamp >= logged.creation_timestamp
    assert logged.artifact_location.endswith(f"/models/{info.model_id}/artifacts")
    outputs = [(output.model_id, output.step) for output in client.get_run(run.info.run_id).outputs.model_outputs]
    assert outputs == [(info.model_id, 0)]
    (found,) = client.search_runs([fluent_experiment_id])
    assert [output.model_id for output in found.outputs.model_outputs] == [info.model_id]
    names = {file.path for file in client.list_logged_model_artifacts(info.model_id)}
    assert {"MLmodel", "requirements.txt"} <= names


@needs_logged_models
def test_a_model_is_initialised_filled_and_finalised(fluent_experiment_id, client):
    initialised = mlflow.initialize_logged_model(
        name="checkpoint", tags={"team": "a"}, params={"p": "1"}, model_type="net"
    )
    assert str(initialised.status) == "PENDING"

    client.log_model_params(initialised.model_id, {f"p{number}": str(number) for number in range(250)})
    client.set_logged_model_tags(initialised.model_id, {"team": "b", "mlflow.note": "é"})
    client.delete_logged_model_tag(initialised.model_id, "mlflow.note")
    failed = client.finalize_logged_model(initialised.model_id, "FAILED")
    assert str(failed.status) == "FAILED"
    ready = mlflow.finalize_logged_model(initialised.model_id, "READY")

    assert str(ready.status) == "READY"
    assert ready.tags["team"] == "b" and "mlflow.note" not in ready.tags
    assert len(ready.params) == 251 and ready.params["p249"] == "249"
    text = f"No tag with key 'team2' found for model with ID '{ready.model_id}'."
    with refused("RESOURCE_DOES_NOT_EXIST", text):
        client.delete_logged_model_tag(ready.model_id, "team2")
    with refused("INVALID_PARAMETER_VALUE", "Invalid model name ("):
        mlflow.initialize_logged_model(name="a/b")


@needs_logged_models
def test_a_deleted_model_is_gone(fluent_experiment_id, client):
    model_id = mlflow.initialize_logged_model(name="short-lived").model_id

    client.delete_logged_model(model_id)

    with refused("RESOURCE_DOES_NOT_EXIST", f"Logged model with ID '{model_id}' not found."):
        client.get_logged_model(model_id)
    assert client.search_logged_models([fluent_experiment_id]) == []
    with refused("RESOURCE_DOES_NOT_EXIST", "Logged model with ID 'm-x' not found."):
        client.get_logged_model("m-x")


@needs_logged_models
def test_metrics_are_logged_for_a_model(fluent_experiment_id, client):
    external = mlflow.create_external_model(name="served-elsewhere", model_type="agent")
    assert str(external.status) == "READY"
    with mlflow.start_run() as run:
        dataset = mlflow.data.from_numpy(X, name="validation")
        mlflow.log_metric("rmse", 0.5, step=1, model_id=external.model_id, dataset=dataset)
        mlflow.log_metrics({"rmse": 0.25, "mae": 0.125}, step=2, model_id=external.model_id)
        mlflow.log_metric("bad", math.nan, model_id=external.model_id)

    metrics = {(metric.key, metric.step): metric for metric in mlflow.get_logged_model(external.model_id).metrics}
    assert metrics["rmse", 1].value == 0.5 and metrics["rmse", 2].value == 0.25 and metrics["mae", 2].value == 0.125
    assert (metrics["rmse", 1].dataset_name, metrics["rmse", 1].dataset_digest) == (dataset.name, dataset.digest)
    assert {metric.run_id for metric in metrics.values()} == {run.info.run_id}
    assert math.isnan(metrics["bad", 0].value) == differs_from_mlflow(True, False)
    assert client.get_run(run.info.run_id).data.metrics["rmse"] == 0.25


@needs_logged_models
def test_a_metric_of_no_model_is_refused_at_once(run_id, client):
    with refused("BAD_REQUEST", differs_from_mlflow("Logged model with ID 'm-x' not found.", "")):
        client.log_metric(run_id, "rmse", 0.5, model_id="m-x")


@needs_logged_models
def test_inputs_and_outputs_of_a_run_are_models(fluent_experiment_id, client):
    from mlflow.entities import LoggedModelInput, LoggedModelOutput

    made = mlflow.initialize_logged_model(name="made").model_id
    read = mlflow.initialize_logged_model(name="read").model_id
    run_id = client.create_run(fluent_experiment_id).info.run_id

    client.log_outputs(run_id, [LoggedModelOutput(made, step=5)])
    client.log_inputs(run_id, models=[LoggedModelInput(read)])

    run = client.get_run(run_id)
    assert [(output.model_id, output.step) for output in run.outputs.model_outputs] == [(made, 5)]
    assert [model.model_id for model in run.inputs.model_inputs] == [read]


@needs_logged_models
class TestSearch:
    """Four models; `d` has no number, `e` no metric at all."""

    @pytest.fixture
    def search(self, client, experiment_id):
        run_id = client.create_run(experiment_id).info.run_id
        for name, value, dataset in [("a", 0.3, "x"), ("b", 0.1, "x"), ("c", 0.2, "y"), ("d", 0.9, None)]:
            model = client.create_logged_model(experiment_id, name=name, params={"p": name}, tags={"even": str(value)})
            named = {"dataset_name": dataset, "dataset_digest": "1"} if dataset else {}
            client.log_metric(run_id, "rmse", 9.0, step=0, model_id=model.model_id, **named)
            client.log_metric(run_id, "rmse", value, step=1, model_id=model.model_id, **named)
        last = client.create_logged_model(experiment_id, name="e", source_run_id=run_id)
        client.finalize_logged_model(last.model_id, "READY")

        def search(filter_string=None, **arguments):
            arguments.setdefault("order_by", [{"field_name": "name"}])
            found = client.search_logged_models([experiment_id], filter_string, **arguments)
            return "".join(model.name for model in found)

        search.run_id = run_id
        search.experiment_id = experiment_id
        return search

    @pytest.mark.parametrize(
        ("filter_string", "expected"),
        [
            ("name = 'a'", "a"),
            ("name IN ('a', 'c')", "ac"),
            ("name != 'a' AND name LIKE '%'", "bcde"),
            ("attributes.name ILIKE 'B'", "b"),
            ("status = 'READY'", "e"),
            ("status IN ('PENDING')", "abcd"),
            ("params.p = 'b'", "b"),
            ("tags.even LIKE '0.1%'", "b"),
            ("metrics.rmse < 0.25", "bc"),
            ("metrics.rmse >= 9", ""),
            ("creation_timestamp > 0 AND metrics.rmse = 0.3", "a"),
            ("last_updated_timestamp < 1", ""),
        ],
    )
    def test_filters(self, search, filter_string, expected):
        assert search(filter_string) == expected

    def test_the_run_that_made_a_model(self, search):
        assert search(f"source_run_id = '{search.run_id}' AND name = 'e'") == "e"

    def test_orders(self, search):
        rmse = {"field_name": "metrics.rmse"}
        assert search(order_by=[rmse]) == "bcade"
        assert search(order_by=[rmse | {"ascending": False}]) == "dacbe"
        assert search(order_by=[{"field_name": "name", "ascending": False}]) == "edcba"
        on_y = rmse | {"dataset_name": "y", "dataset_digest": "1"}
        assert search(order_by=[on_y, {"field_name": "name"}])[0] == "c"

    def test_datasets(self, search):
        assert search(datasets=[{"dataset_name": "x"}]) == "ab"
        assert search("metrics.rmse < 0.2", datasets=[{"dataset_name": "x", "dataset_digest": "1"}]) == "b"
        assert search(datasets=[{"dataset_name": "x", "dataset_digest": "2"}]) == ""

    def test_pages(self, search, client):
        arguments = {"experiment_ids": [search.experiment_id], "max_results": 2, "order_by": [{"field_name": "name"}]}
        names, token = [], None
        for expected in (2, 2, 1):
            page = client.search_logged_models(page_token=token, **arguments)
            assert len(page) == expected
            names += [model.name for model in page]
            token = page.token
        assert names == list("abcde") and not token

    def test_a_table_of_models(self, search):
        table = mlflow.search_logged_models(experiment_ids=[search.experiment_id], filter_string="metrics.rmse < 0.25")
        assert set(table["name"]) == {"b", "c"}

    def test_what_is_wrong_is_refused(self, search):
        for filter_string in ["bogus.a = 'x'", "status = 'LOST'", "metrics.rmse LIKE 'x'"]:
            with refused("INVALID_PARAMETER_VALUE"):
                search(filter_string)
        with refused("INVALID_PARAMETER_VALUE", "Invalid order by field name: params.p"):
            search(order_by=[{"field_name": "params.p"}])
