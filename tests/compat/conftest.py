"""Fixtures, and the environment that must be set before the MLflow client is imported."""

import itertools
import os

# A server's failure must fail the test at once, not after the client's minutes of retries.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
# The client must talk to nobody but the server under test.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ.setdefault("MPLBACKEND", "Agg")

import mlflow
import pytest
from mlflow import MlflowClient

import offline_stores
import servers
import support
import windvane_sync


def pytest_configure(config):
    if not support.TRACKING_URI:
        pytest.exit("set MLFLOW_TRACKING_URI to the server under test, or call run.sh", returncode=2)


@pytest.fixture(autouse=True)
def no_run_left_active(tmp_path, monkeypatch):
    """Works in a folder of its own and leaves no fluent state behind for the next test."""
    monkeypatch.chdir(tmp_path)
    yield
    while mlflow.active_run():
        mlflow.end_run()


@pytest.fixture(scope="session")
def http():
    return support.Http()


@pytest.fixture(scope="session")
def client():
    return MlflowClient()


@pytest.fixture(scope="module")
def sides(client, arrived, tmp_path_factory):
    """Both sides of a run of the project that a module calls `arrived`, read once."""
    read_before = {}

    def sides(name):
        if name not in read_before:
            run_id, scratch = arrived.runs[name], tmp_path_factory.mktemp(name)
            read_before[name] = (
                offline_stores.read(arrived.store.client, run_id, scratch / "source"),
                offline_stores.read(client, run_id, scratch / "server"),
            )
        return read_before[name]

    return sides


@pytest.fixture(scope="session")
def closed(tmp_path_factory):
    """A second server, with accounts."""
    server = servers.Closed(tmp_path_factory.mktemp("closed"))
    yield server
    server.stop()


@pytest.fixture
def sign_in(closed, monkeypatch):
    """Makes the client of this process someone else."""
    before = mlflow.get_tracking_uri()

    def become(name=None, token=None):
        for variable in servers.CREDENTIALS:
            monkeypatch.delenv(variable, raising=False)
        if token:
            monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token)
        elif name:
            monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", name)
            monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", servers.PASSWORD)
        mlflow.set_tracking_uri(closed.uri)
        return MlflowClient(closed.uri)

    yield become
    mlflow.set_tracking_uri(before)


@pytest.fixture
def experiment_id(client):
    """A new, empty experiment."""
    return client.create_experiment(support.unique("experiment"))


@pytest.fixture
def run_id(client, experiment_id):
    """A new run without params, metrics or tags of its own."""
    return client.create_run(experiment_id).info.run_id


@pytest.fixture
def fluent_experiment_id():
    """A new experiment that the fluent API logs to."""
    return mlflow.set_experiment(support.unique("fluent")).experiment_id


@pytest.fixture
def offline(tmp_path):
    """An empty file store, and `windvane sync` from it."""
    store = offline_stores.Store.of_files(tmp_path / "mlruns")
    store.sync = windvane_sync.Sync(store.path, tmp_path / "state")
    return store


@pytest.fixture
def both(client, tmp_path):
    """Reads a run on both sides: of a store, and of the server."""
    scratch = (tmp_path / f"read-{number}" for number in itertools.count())

    def both(store, run_id):
        return offline_stores.read(store.client, run_id, next(scratch)), offline_stores.read(
            client, run_id, next(scratch)
        )

    return both
