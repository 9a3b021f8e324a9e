"""A training as Anemoi's logger records it: the same calls in the same order and sizes, and a ledger of what was sent.

Only the MLflow client is used; the numbers, names and files are made up, in the shape of real trainings.
"""

import json
import math
import random

from mlflow.entities import Metric, Param, RunTag

from support import FULL_SCALE

PARAMS_A_REQUEST = 100
LONGEST_VALUE = 6000

#: A training logs about two batches for each of these.
LOGGED_STEPS = 1400 if FULL_SCALE else 250
STEPS_BETWEEN_LOGS = 100
LOGS_AN_EPOCH = 50
START_MS = 1_760_000_000_000

LEVELS = (50, 100, 150, 200, 250, 300, 400, 500, 600, 700, 850, 925, 1000)
VARIABLES = [f"{name}_{level}" for name in "qtuvwz" for level in LEVELS] + [
    "10u", "10v", "2d", "2t", "cp", "msl", "skt", "sp", "swvl1", "swvl2", "tcw", "tp",
]  # fmt: skip


def flattened(value, prefix=""):
    """A nested configuration as dotted names and texts; lists of containers become `.0`, `.1`, `.length`, `.all`."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from flattened(item, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list) and value and isinstance(value[0], (dict, list)):
        for index, item in enumerate(value):
            yield from flattened(item, f"{prefix}.{index}")
        yield f"{prefix}.length", str(len(value))
        yield f"{prefix}.all", str(value)
    else:
        yield prefix, str(value)


def configuration():
    """A configuration of some 1,240 values, among them everything that has tripped servers."""
    mapper = {
        "_target_": "anemoi.models.layers.mapper.GraphTransformerForwardMapper",
        "num_channels": 512,
        "trainable_size": 8,
        "sub_graph_edge_attributes": ["edge_length", "edge_dirs"],
        "layer_kernels": {
            kernel: {"_target_": f"torch.nn.{kernel}"}
            for kernel in ("Activation", "LayerNorm", "Linear", "Query", "Key")
        },
        "qk_norm": True,
        "cpu_offload": False,
        "gradient_checkpointing": True,
        "num_chunks": 1,
    }
    edges = [
        {
            "source_name": source,
            "target_name": target,
            "edge_builders": [{"_target_": "anemoi.graphs.edges.KNNEdges", "num_nearest_neighbours": 3}],
            "attributes": {"edge_length": {"_target_": "EdgeLength", "norm": "unit-std"}},
        }
        for source, target in [("data", "hidden"), ("hidden", "hidden"), ("hidden", "data")]
    ]
    return {
        "config_validation": True,
        "data": {
            "datasets": {
                name: {
                    "forcing": ["cos_latitude", "insolation", "lsm"],
                    "normalizer": {variable: "mean-std" for variable in VARIABLES},
                    "imputer": {variable: {"method": "none", "value": None} for variable in VARIABLES},
                }
                for name in ("global", "regional")
            },
        },
        "graph": {"edges": edges, "overwrite": True},
        "model": {
            "encoders": [{"mapper": mapper, "source": name} for name in ("global", "regional", "boundary")],
            "processor": mapper | {"num_layers": 16},
            "decoders": [{"mapper": mapper, "target": name} for name in ("global", "regional")],
        },
        "training": {
            "lr": 6.25e-05,
            "betas": [0.9, 0.95],
            "max_epochs": None,
            "run_id": None,
            "fork_run_id": None,
            "scalers": {
                name: {"weights": {variable: 1 / (index + 1) for index, variable in enumerate(VARIABLES)}}
                for name in ("variable", "tendency", "pressure", "surface", "stdev", "nan_mask")
            },
        },
        "diagnostics": {
            "plot": [{"_target_": f"Plot{index}", "sample_idx": index, "parameters": VARIABLES} for index in range(8)],
            "empty": "",
            "lines": "first\nsecond\r\n\tthird",
            "quotes": 'it\'s "quoted" \\ `so`',
            "text": "météo → 気象 🌀",
            "exactly_full": "f" * LONGEST_VALUE,
            "too_long": "é" * (LONGEST_VALUE + 1),
            "deep": {"d" * 50: {"e" * 50: {"f" * 100: "a key of 235 characters"}}},
        },
    }


def metadata():
    """What Anemoi knows of data and machine, logged in a second pass."""
    return {
        "metadata.run_id": "None",
        "metadata.base_seed": "42",
        "metadata.timestamp": "2026-01-01 00:00:00+00:00",
        **{f"metadata.data_indices.input.{name}": str(index) for index, name in enumerate(VARIABLES)},
        **{f"variable_loss_scaling.data.{name}": f"{1 / (index + 7):.6f}" for index, name in enumerate(VARIABLES)},
    }


def run_tags(**more):
    return {
        "mlflow.user": "trainer",
        "mlflow.source.name": "/opt/anemoi/bin/anemoi-training",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": "0123456789abcdef0123456789abcdef01234567",
        "projectName": "Anemoi",
        "command": "anemoi-training train --config-name=aifs 'training.lr=6.25e-05' +x=\"y z\"",
        "SLURM_JOB_ID": "4242424",
        **more,
    }


VALIDATION_KEYS = ["val_WeightedMSELoss_loss_epoch"] + [f"val_WeightedMSELoss/{name}/1" for name in VARIABLES]
SYSTEM_KEYS = [
    f"system/{name}"
    for name in (
        "cpu_utilization_percentage", "system_memory_usage_megabytes", "disk_usage_percentage",
        "network_receive_megabytes", "network_transmit_megabytes",
        *(f"gpu_{gpu}_{quantity}" for gpu in range(4) for quantity in ("utilization_percentage", "power_usage_watts")),
    )
]  # fmt: skip


class RecordedRun:
    """One run being logged, and the ledger of everything the server has acknowledged for it."""

    def __init__(self, client, experiment_id, name, tags):
        self.client = client
        self.calls = 0
        self.params, self.points, self.files = {}, {}, {}
        self.tags = tags | {"mlflow.runName": name}
        self.name, self.status, self.start_time, self.end_time = name, "RUNNING", START_MS, None
        run = client.create_run(experiment_id, start_time=START_MS, tags=self.tags)
        self.run_id = run.info.run_id

    def log_params(self, params):
        items = [Param(key, value) for key, value in params.items()]
        for start in range(0, len(items), PARAMS_A_REQUEST):
            self.client.log_batch(self.run_id, params=items[start : start + PARAMS_A_REQUEST])
            self.calls += 1
        self.params |= {key: value[:LONGEST_VALUE] for key, value in params.items()}

    def log_metrics(self, values, step, timestamp):
        """One synchronous request, as the training loop waits for it."""
        self.client.log_batch(
            self.run_id, metrics=[Metric(key, value, timestamp, step) for key, value in values.items()]
        )
        self.calls += 1
        for key, value in values.items():
            self.points.setdefault(key, set()).add((timestamp, step, "nan" if math.isnan(value) else value))

    def log_tags(self, pairs):
        """All in one request; where a key comes twice the last one counts."""
        self.client.log_batch(self.run_id, tags=[RunTag(key, value) for key, value in pairs])
        self.tags |= dict(pairs)
        self.name = self.tags["mlflow.runName"]

    def log_file(self, path, content, scratch):
        """Uploads by way of a local file, since that is what the client's call takes."""
        folder, _, name = path.rpartition("/")
        local = scratch / name
        local.write_bytes(content)
        self.client.log_artifact(self.run_id, str(local), folder or None)
        local.unlink()
        self.files[path] = content

    def resume_in_place(self):
        self.client.update_run(self.run_id, status="RUNNING")
        self.status = "RUNNING"

    def end(self, status, end_time):
        self.client.set_terminated(self.run_id, status, end_time)
        self.status, self.end_time = status, end_time

    def latest(self):
        """The value of the greatest step, time and value for each key; not a number counts as nought there."""

        def rank(point):
            timestamp, step, value = point
            return step, timestamp, 0.0 if value == "nan" else value

        return {key: max(points, key=rank)[2] for key, points in self.points.items()}


def train(run, scratch, first_log=0, logs=LOGGED_STEPS, delay_ms=0):
    """Logs `logs` times as the training loop, the validation, the system monitor and the plot callbacks do.

    `delay_ms` shifts the times of all points: the same steps are logged later when a run is resumed in place.
    """
    generator = random.Random(first_log)
    terminal = ""
    for index in range(first_log, first_log + logs):
        step, epoch = index * STEPS_BETWEEN_LOGS, index // LOGS_AN_EPOCH
        now = START_MS + delay_ms + index * 1370
        loss = generator.uniform(0.01, 1.0) if index % 97 else math.nan
        run.log_metrics({"train_WeightedMSELoss_loss_step": loss, "epoch": float(epoch), "rollout": 1.0}, step, now)
        run.log_metrics({"lr-AdamW": 6.25e-05 * math.exp(-index / 100)}, step, now + 1)
        if index % 10 == 0:
            system_step = index // 10
            run.log_metrics({key: generator.uniform(0, 100) for key in SYSTEM_KEYS}, system_step, now + 2)
        if index % 20 == 0:
            terminal += f"Epoch {epoch}: step {step}  loss {loss:.6f} ▕██▏\n" * 20
            run.log_file("terminal_log.txt", terminal.encode(), scratch)
        if index % LOGS_AN_EPOCH == LOGS_AN_EPOCH - 1:
            run.log_metrics({key: generator.uniform(0.01, 1.0) for key in VALIDATION_KEYS}, step, now + 3)
            jpeg = b"\xff\xd8\xff\xe0" + generator.randbytes(20_000) + b"\xff\xd9"
            name = f"pred_val_sample_rstep00 (z_500 + t_850) loss=0.1_epoch{epoch:03}.jpg"
            run.log_file(f"PlotSample/{name}", jpeg, scratch)
            run.log_file(
                f"LongRolloutPlots/rollout 24h/gnn_pred_val_epoch{epoch:03}.gif", b"GIF89a" + jpeg[:999], scratch
            )
            run.log_file(f"checkpoints/anemoi-by_epoch-epoch_{epoch:03}-step_{step:06}.ckpt", jpeg * 10, scratch)
    return first_log + logs


def log_configuration(run, config, run_id, fork_run_id, scratch):
    """The config in two passes of 100 params a request, with `config.json` again and again as four places upload it."""
    config = json.loads(json.dumps(config))
    config["training"] |= {"run_id": run_id, "fork_run_id": fork_run_id}
    text = json.dumps(config, indent=1, ensure_ascii=False).encode()
    run.log_file("config.json", text, scratch)
    run.log_params({f"config.{key}": value for key, value in flattened(config)})
    run.log_file("config.json", text + b"\n", scratch)
    run.log_params(metadata() | {"metadata.run_id": run_id})
    run.log_file("config.json", text, scratch)
    run.log_file("config.json", text[:-1] + b"}\n", scratch)
