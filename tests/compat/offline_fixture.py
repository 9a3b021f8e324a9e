"""Makes a store as trainings without a server leave it behind, with the real MLflow client:

    python offline_fixture.py filestore|sqlite DIR

`filestore` writes MLflow's file store into DIR, `sqlite` the database `DIR/mlflow.db` and `DIR/mlartifacts`; the latter
needs SQLAlchemy and Alembic, which the suites' environments leave out. Prints the ids of the runs as JSON. The ids, times
and contents are the same every time.
"""

import argparse
import json
import os
import pathlib
import random
import sys
import tempfile
import uuid

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.tracking import MlflowClient

START_MS = 1_760_000_000_000
HOUR_MS = 3_600_000
NAN, INFINITY = float("nan"), float("inf")
LONGEST_VALUE = 6000
LONGEST_KEY = 250

VARIABLES = [f"var_{number:03}" for number in range(12)]

ODD_PARAMS = {
    "config.empty": "",
    "config.blank": " ",
    "config.lines": "one\ntwo\r\nthree\n",
    "config.quotes": "it's \"quoted\" \\ and: # not a comment",
    "config.text": "größer als 0 °C, 日本, \N{GRINNING FACE}",
    "config.null": "null",
    "config.long": "x" * LONGEST_VALUE,
    "config.graph.edges.0.attrs.b": "0.10",
    "config/with/slashes": "folders",
    "config with blanks": "a b",
    "k" * LONGEST_KEY: "longest key",
}

ODD_METRICS = {
    "nan": [(0, NAN), (1, 1.0), (2, NAN)],
    "infinite": [(0, INFINITY), (1, -INFINITY)],
    "tiny and huge": [(0, 5e-324), (1, 1.7976931348623157e308), (2, -0.0), (3, 0.1 + 0.2)],
    "negative steps": [(-1, 1.0), (0, 2.0)],
    "val_WeightedMSELoss/var_001/1": [(100, 0.5)],
    "val_WeightedMSELoss/var_001/2": [(100, 0.25)],
    "system/gpu_0_utilization_percentage": [(0, 97.5)],
}

ARTIFACTS = {
    "config.json": b'{"config": {}}\n',
    "terminal_log.txt": b"",
    "LossCurve/loss_epoch000.jpg": bytes(range(256)),
    "plots/a b/map (z_500) + 6h.png": b"\x89PNG",
    "checkpoints/anemoi-by_epoch-epoch_000-step_000100.ckpt": b"c" * 100_000,
}


class Training:
    """A run that is being logged, as Anemoi's logger does it."""

    def __init__(self, client, experiment_id, name, start_ms, tags=None):
        self.client = client
        tags = {"mlflow.user": "trainer", "mlflow.source.name": "train.py", "projectName": "demo", **(tags or {})}
        run = client.create_run(experiment_id, start_time=start_ms, tags=tags, run_name=name)
        self.run_id, self.start_ms = run.info.run_id, start_ms

    def params(self, more=None):
        values = {
            "config.training.lr.rate": "0.000625",
            "config.training.run_id": self.run_id,
            "config.training.fork_run_id": "None",
            "config.data.resolution": "o96",
            "metadata.run_id": self.run_id,
        }
        values.update({f"variable_loss_scaling.{variable}": str(0.1 * number) for number, variable in enumerate(VARIABLES)})
        values.update(more or {})
        self.client.log_batch(self.run_id, params=[Param(key, value) for key, value in values.items()])

    def metrics(self, steps, start_ms=None):
        numbers = random.Random(self.run_id)
        for step in steps:
            at_ms = (start_ms or self.start_ms) + 1000 * step
            points = [("train_WeightedMSELoss_loss_step", 1 / (step + 1)), ("epoch", step // 200), ("lr-AdamW", 6.25e-4)]
            if step % 200 == 0:
                points += [(f"val_WeightedMSELoss/{variable}/1", numbers.random()) for variable in VARIABLES]
            self.client.log_batch(self.run_id, metrics=[Metric(key, value, at_ms, step) for key, value in points])

    def artifacts(self, files):
        for path, contents in files.items():
            folder, _, name = path.rpartition("/")
            with tempfile.TemporaryDirectory() as directory:
                file = pathlib.Path(directory, name)
                file.write_bytes(contents)
                self.client.log_artifact(self.run_id, str(file), folder or None)

    def end(self, status="FINISHED", end_ms=None):
        self.client.set_terminated(self.run_id, status, end_ms or self.start_ms + HOUR_MS)
        return self


def make_runs(client, make_experiment):
    experiment = make_experiment("anemoi-debug")
    # No single quote: MLflow's own file store cannot look for such a name.
    odd_experiment = make_experiment("o96: \"a\" # - a name that is so long that YAML folds it into two lines, größer")
    deleted_experiment = make_experiment("given up")
    runs = {}

    def training(key, *arguments, **options):
        made = Training(client, *arguments, **options)
        runs[key] = made.run_id
        return made

    parent = training("parent", experiment, "o96 baseline", START_MS)
    parent.params()
    parent.metrics(range(0, 600, 100))
    parent.artifacts(ARTIFACTS)
    parent.end()

    child = training(
        "child", experiment, "o96 baseline", START_MS + 2 * HOUR_MS,
        {"mlflow.parentRunId": parent.run_id, "resumedRun": "True"},
    )  # fmt: skip
    child.params({"config.training.run_id": parent.run_id, "metadata.run_id": parent.run_id})
    child.metrics(range(600, 1000, 100))
    child.artifacts({"terminal_log.txt": b"resumed\n"})
    child.end()

    fork = training(
        "fork", experiment, "o96 finetuned", START_MS + 3 * HOUR_MS,
        {"forkedRun": "True", "forkedRunId": parent.run_id},
    )  # fmt: skip
    fork.params({"config.training.fork_run_id": parent.run_id})
    fork.metrics(range(0, 300, 100))
    fork.end("FAILED")

    # Resumed in place: the steps since the last checkpoint are there twice, with other times.
    in_place = training("in_place", experiment, "resumed in place", START_MS + 4 * HOUR_MS)
    in_place.params()
    in_place.metrics(range(0, 500, 100))
    in_place.end("KILLED")
    client.update_run(in_place.run_id, status="RUNNING")
    in_place.metrics(range(300, 800, 100), START_MS + 5 * HOUR_MS)
    in_place.end(end_ms=START_MS + 6 * HOUR_MS)

    # The batch system killed it, so nobody wrote its end.
    killed = training("killed", experiment, "killed", START_MS + 7 * HOUR_MS)
    killed.params()
    killed.metrics(range(0, 300, 100))
    killed.artifacts({"terminal_log.txt": b"slurmstepd: error: *** JOB CANCELLED\n"})

    odd = training("odd", odd_experiment, "null", START_MS + 8 * HOUR_MS, {"odd tag": "one\ntwo", "empty": ""})
    odd.params(ODD_PARAMS)
    for key, points in ODD_METRICS.items():
        metrics = [Metric(key, value, START_MS + 1000 + step, step) for step, value in points]
        client.log_batch(odd.run_id, metrics=metrics)
        # Sent again after a lost reply: exact duplicates. (MLflow's database refuses those that are not a number.)
        if key != "nan":
            client.log_batch(odd.run_id, metrics=metrics)
    client.set_tag(odd.run_id, "mlflow.runName", "größer: 'als' #0")
    dataset = Dataset("era5-o96", "12ab34cd", "local", '{"uri": "/data/era5-o96.zarr"}', '{"shape": [1, 2]}', None)
    client.log_inputs(odd.run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])])
    odd.end()

    deleted = training("deleted", experiment, "deleted", START_MS + 9 * HOUR_MS)
    deleted.params()
    deleted.metrics([0])
    deleted.end()
    client.delete_run(deleted.run_id)

    in_deleted = training("in_deleted_experiment", deleted_experiment, "given up", START_MS + 10 * HOUR_MS)
    in_deleted.params()
    in_deleted.metrics([0])
    in_deleted.end()
    client.delete_experiment(deleted_experiment)
    return runs


def repeat_every_time():
    """Has the ids and times that MLflow itself makes come out the same every time."""
    numbers = random.Random(20260101)
    uuid.uuid4 = lambda: uuid.UUID(int=numbers.getrandbits(128), version=4)
    random.seed(20260101)

    import mlflow.store.tracking.file_store as file_store

    stores = [file_store]
    if "sqlite" in sys.argv:
        import mlflow.store.tracking.sqlalchemy_store as sqlalchemy_store

        stores.append(sqlalchemy_store)
    for store in stores:
        store.get_current_time_millis = lambda: START_MS


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kind", choices=["filestore", "sqlite"])
    parser.add_argument("directory", type=pathlib.Path)
    arguments = parser.parse_args()
    directory = arguments.directory.resolve()
    directory.mkdir(parents=True, exist_ok=True)

    repeat_every_time()
    if arguments.kind == "filestore":
        client = MlflowClient(directory.as_uri())
        runs = make_runs(client, client.create_experiment)
    else:
        client = MlflowClient(f"sqlite:///{directory}/mlflow.db")
        made = []

        def make_experiment(name):
            made.append(name)
            return client.create_experiment(name, f"{directory}/mlartifacts/{len(made)}")

        runs = make_runs(client, make_experiment)
    json.dump(runs, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
