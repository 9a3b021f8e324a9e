"""Stores that the real MLflow client writes without a server, in the shapes of Anemoi's trainings, and what both sides say.

Everything is logged and read back by the released client; nothing here knows how a store lies on disk.
"""

import math
import os
import types

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType
from mlflow.tracking._tracking_service import utils

from support import unique

# Newer clients write file stores only where this says so.
os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")

START_MS = 1_760_000_000_000
HOUR_MS = 3_600_000
LOSS = "train_WeightedMSELoss_loss_step"
VALIDATION = "val_WeightedMSELoss/var 001/1"
USER = "trainer"

#: What both databases of MLflow keep of an infinity.
LARGEST = 1.7976931348623157e308


def forget_artifact_places():
    """The client remembers by a run's id alone where its artifacts are, and here a run has two places."""
    utils._artifact_repos_cache.clear()


class Store:
    """A store that is being written."""

    def __init__(self, path, uri=None, artifacts=None):
        self.path = path
        self.path.mkdir(parents=True, exist_ok=True)
        self.client = MlflowClient(uri or f"file:{path}")
        self._artifacts = artifacts
        self._started = 0

    @classmethod
    def of_files(cls, path):
        """MLflow's file store: Anemoi's `save_dir`."""
        return cls(path)

    @classmethod
    def of_database(cls, path):
        """`mlflow.db` with `mlartifacts` beside it."""
        return cls(path, f"sqlite:///{path}/mlflow.db", path / "mlartifacts")

    def experiment(self, prefix="offline"):
        """A new experiment, as (id, name)."""
        name = unique(prefix)
        if self._artifacts is None:
            return self.client.create_experiment(name), name
        number = len(self.client.search_experiments(view_type=ViewType.ALL))
        return self.client.create_experiment(name, (self._artifacts / str(number)).as_uri()), name

    def start(self, experiment_id, name, parent=None, fork=None, **tags):
        """A run as Anemoi's logger starts it, each an hour after the one before."""
        start = START_MS + self._started * HOUR_MS
        self._started += 1
        tags = {
            "mlflow.user": USER,
            "mlflow.source.name": "/opt/anemoi/bin/anemoi-training",
            "mlflow.source.type": "LOCAL",
            "mlflow.runName": name,
            "projectName": "Anemoi",
            "command": "anemoi-training train --config-name=aifs 'training.lr=6.25e-05' +x=\"y z\"",
            **tags,
        }
        if parent:
            tags |= {"mlflow.parentRunId": parent, "resumedRun": "True"}
        if fork:
            tags |= {"forkedRun": "True", "forkedRunId": fork}
        run_id = self.client.create_run(experiment_id, start_time=start, tags=tags).info.run_id
        self.params(
            run_id,
            {
                "config.training.run_id": parent or run_id,
                "config.training.fork_run_id": fork or "None",
                "config.training.lr": "6.25e-05",
                "metadata.run_id": parent or run_id,
            },
        )
        return run_id

    def params(self, run_id, params):
        self.client.log_batch(run_id, params=[Param(key, value) for key, value in params.items()])

    def train(self, run_id, first, last, later_ms=0):
        """The loss at every 50th step, and a validation in the end."""
        start = self.client.get_run(run_id).info.start_time + later_ms
        steps = range(first, last + 1, 50)
        self.client.log_batch(run_id, [Metric(LOSS, 1 / (step + 1), start + step, step) for step in steps])
        self.client.log_batch(
            run_id, [Metric(VALIDATION, 0.5, start + last, last), Metric("epoch", 1.0, start + last, last)]
        )

    def files(self, run_id, files, scratch):
        """Logs files, given as a dictionary of paths and contents."""
        forget_artifact_places()
        for path, content in files.items():
            folder, _, name = path.rpartition("/")
            local = scratch / name
            local.write_bytes(content)
            self.client.log_artifact(run_id, str(local), folder or None)
            local.unlink()

    def end(self, run_id, status="FINISHED", after_ms=HOUR_MS):
        self.client.set_terminated(run_id, status, self.client.get_run(run_id).info.start_time + after_ms)


ODD_PARAMS = {
    "config.empty": "",
    "config.lines": "first\nsecond\n\tthird",
    "config.line ends": "\none\r\ntwo\rthree\n",
    "config.quotes": 'it\'s "quoted" \\ `so` # no: comment',
    "config.text": "météo → 気象 🌀",
    "config.long": "f" * 6000,
    "config.x.0.attrs.b": "None",
    "config/with/slashes and blanks": "[1, 2]",
    "config." + "d" * 243: "a key of 250 characters",
}
ODD_FILES = {
    "config.json": b'{"lr": 6.25e-05}\n',
    "empty.txt": b"",
    "PlotSample/pred (z_500 + t_850) loss=0.1_epoch000.jpg": b"\xff\xd8\xff\xe0" + bytes(range(256)) * 100,
    "LongRolloutPlots/rollout 24h/100% done.gif": b"GIF89a",
    "checkpoints/météo.ckpt": b"\0" * 300_000,
}


def log_odd_values(store, run_id, scratch):
    """Everything that has tripped servers."""
    store.params(run_id, ODD_PARAMS)
    now = START_MS
    odd = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-310, LARGEST, 6.25e-05, 1 / 3]
    store.client.log_batch(run_id, [Metric("odd", value, now + n, n) for n, value in enumerate(odd)])
    store.client.log_batch(run_id, [Metric("system/gpu_0_power usage", 250.0, now + n, n) for n in range(3)])
    for _ in range(2):  # what a client does whose answer was lost
        store.client.log_batch(run_id, [Metric("twice", 0.5, now, 1), Metric("twice", 0.25, now + 1, 2)])
    store.client.log_batch(run_id, [Metric("same step", value, now, 7) for value in (0.5, 0.25)])
    store.client.log_batch(run_id, [Metric("back", float(step), now + 10 - step, step) for step in (5, 1, 3)])
    far = [Metric("far", 1.0, 0, 0), Metric("far", 1.0, 2**53 + 1, 2**62), Metric("far", 2.0, 2**62, -(2**62))]
    store.client.log_batch(run_id, far)
    store.client.log_batch(
        run_id, tags=[RunTag("note", "one\ntwo 'three' → 🌀"), RunTag("empty", ""), RunTag("long", "é" * 2500)]
    )
    store.files(run_id, ODD_FILES, scratch)


def dataset(number=1):
    schema = '{"mlflow_colspec": [{"type": "double", "name": "z_500", "required": true}]}'
    source = '{"uri": "/data/aifs-ea-an-oper-0001.zarr"}'
    return DatasetInput(
        Dataset(f"aifs {number}", f"digest{number}", "local", source, schema, '{"num_rows": 7}'),
        [InputTag("mlflow.data.context", "training")],
    )


def fill(store, scratch):
    """The runs of a project; answers their ids by what they are."""
    experiment_id, name = store.experiment("anemoi-debug")
    store.client.set_experiment_tag(experiment_id, "team", "weather")
    store.client.set_experiment_tag(experiment_id, "mlflow.note.content", "Trainings of the north\n")

    first = store.start(experiment_id, "aifs-transformer")
    store.train(first, 0, 2_000)
    store.files(first, {"config.json": b"{}", "terminal_log.txt": b"Epoch 0\n" * 100}, scratch)
    store.end(first)
    child = store.start(experiment_id, "aifs-transformer", parent=first, SLURM_JOB_ID="4242425")
    store.train(child, 1_500, 3_000)
    store.end(child)
    fork = store.start(experiment_id, "aifs-fork", fork=first)
    store.train(fork, 2_000, 2_500)
    store.end(fork, "FAILED")
    killed = store.start(experiment_id, "aifs-killed")
    store.train(killed, 0, 700)
    cancelled = store.start(experiment_id, "aifs-cancelled")
    store.end(cancelled, "KILLED")
    # Resumed in place: the same steps again, later.
    store.client.update_run(first, status="RUNNING")
    store.train(first, 1_800, 2_400, later_ms=8 * HOUR_MS)
    store.end(first, after_ms=9 * HOUR_MS)

    odd = store.start(experiment_id, "odd: 'quoted' # → 🌀")
    log_odd_values(store, odd, scratch)
    store.end(odd)
    reader = store.start(experiment_id, "reads datasets")
    store.client.log_inputs(reader, [dataset(1), dataset(2)])
    store.end(reader)
    bare = store.client.create_run(experiment_id).info.run_id
    deleted = store.start(experiment_id, "deleted")
    store.train(deleted, 0, 100)
    store.files(deleted, {"plots/a.txt": b"a"}, scratch)
    store.end(deleted)
    store.client.delete_run(deleted)

    gone_id, gone = store.experiment("given up")
    in_gone = store.start(gone_id, "in a deleted experiment")
    store.train(in_gone, 0, 100)
    store.end(in_gone)
    store.client.delete_experiment(gone_id)

    runs = {
        "first": first, "child": child, "fork": fork, "killed": killed, "cancelled": cancelled, "odd": odd,
        "reader": reader, "bare": bare, "deleted": deleted, "in_gone": in_gone,
    }  # fmt: skip
    return types.SimpleNamespace(store=store, experiment=name, gone=gone, runs=runs)


RUNS = ["first", "child", "fork", "killed", "cancelled", "odd", "reader", "bare", "deleted", "in_gone"]
DELETED = ["deleted", "in_gone"]


def number(value):
    """A value that equals itself, as databases keep it."""
    if math.isnan(value):
        return "nan"
    return max(-LARGEST, min(LARGEST, value))


def order(point):
    timestamp, step, value = point
    return timestamp, step, math.inf if value == "nan" else value


def read_points(client, run_id, key):
    """All points of a metric in a fixed order, exact duplicates once."""
    points = {(point.timestamp, point.step, number(point.value)) for point in client.get_metric_history(run_id, key)}
    return sorted(points, key=order)


def read_files(client, run_id, scratch):
    """All artifacts as a dictionary of paths and contents."""
    forget_artifact_places()
    files, folders = {}, [""]
    while folders:
        for entry in client.list_artifacts(run_id, folders.pop() or None):
            if entry.is_dir:
                folders.append(entry.path)
            else:
                with open(client.download_artifacts(run_id, entry.path, str(scratch)), "rb") as file:
                    files[entry.path] = file.read()
    return files


def read_datasets(run):
    return sorted(
        (
            tuple(
                getattr(used.dataset, field)
                for field in ("name", "digest", "source_type", "source", "schema", "profile")
            ),
            tuple(sorted((tag.key, tag.value) for tag in used.tags)),
        )
        for used in (run.inputs.dataset_inputs if run.inputs else [])
    )


def read(client, run_id, scratch):
    """All that a client can say of a run, but for the ids that belong to a server."""
    scratch.mkdir(parents=True, exist_ok=True)
    run = client.get_run(run_id)
    info = run.info
    return {
        "info": {
            name: getattr(info, name)
            for name in ("run_id", "run_name", "user_id", "status", "start_time", "end_time", "lifecycle_stage")
        },
        "params": run.data.params,
        "tags": run.data.tags,
        "points": {key: read_points(client, run_id, key) for key in run.data.metrics},
        "files": read_files(client, run_id, scratch),
        "datasets": read_datasets(run),
    }
