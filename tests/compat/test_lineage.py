"""A chain of jobs as Anemoi logs it: trained, killed, resumed twice, forked, synchronised again and again."""

import types

import pytest
from mlflow.entities import Metric, Param, RunTag

from anemoi_training import START_MS, run_tags
from support import AGAINST_MLFLOW, unique

pytestmark = pytest.mark.skipif(AGAINST_MLFLOW, reason="lineage is ours alone")

APART = 50
HOUR_MS = 3_600_000
LOSS = "train_WeightedMSELoss_loss_step"


class Chain:
    """Logs runs to one experiment, each an hour after the one before."""

    def __init__(self, client):
        self.client = client
        self.experiment_id = client.create_experiment(unique("lineage"))
        self.count = 0

    def start(self, name, parent=None, fork=None, **tags):
        """What `anemoi-training train` does first."""
        start = START_MS + self.count * HOUR_MS
        self.count += 1
        tags = run_tags(**tags) | {"mlflow.runName": name}
        if parent:
            tags |= {"mlflow.parentRunId": parent, "resumedRun": "True"}
        if fork:
            tags |= {"forkedRun": "True", "forkedRunId": fork}
        run_id = self.client.create_run(self.experiment_id, start_time=start, tags=tags).info.run_id
        self.log_params(
            run_id,
            {
                "config.training.run_id": parent or run_id,
                "config.training.fork_run_id": fork or "None",
                "metadata.run_id": parent or run_id,
            },
        )
        return run_id

    def log_params(self, run_id, params):
        self.client.log_batch(run_id, params=[Param(key, value) for key, value in params.items()])

    def train(self, run_id, first, last, offset=0.0):
        """Logs the loss at every 50th step; its value tells the step and the attempt."""
        start = self.client.get_run(run_id).info.start_time
        metrics = [Metric(LOSS, step + offset, start + step, step) for step in range(first, last + 1, APART)]
        for position in range(0, len(metrics), 1000):
            self.client.log_batch(run_id, metrics=metrics[position : position + 1000])
        self.client.log_batch(run_id, metrics=[Metric("system/cpu", 1.0, start + n, n) for n in range(3)])

    def sync(self, name, source, parent=None, old_parent=None, last=0):
        """What `anemoi-training mlflow sync` makes of the offline run `source`."""
        run_id = self.client.create_run(self.experiment_id, start_time=START_MS + self.count * HOUR_MS).info.run_id
        self.count += 1
        params = {"config.training.run_id": parent or run_id, "metadata.run_id": parent or run_id}
        if parent:
            params |= {"metadata.offline_run_id": old_parent, "config.training.offline_self_run_id": source}
        else:
            params |= {"metadata.offline_run_id": source, "config.training.offline_run_id": source}
        self.log_params(run_id, params)
        self.train(run_id, APART, last)
        tags = {"offlineRun": "True", "mlflow.runName": name, "mlflow.user": "unknown"}
        if parent:
            tags |= {"mlflow.parentRunId": parent, "mlflow.offline.parentRunId": old_parent, "resumedRun": "True"}
        self.client.log_batch(run_id, tags=[RunTag(key, value) for key, value in tags.items()])
        self.client.set_terminated(run_id, "FINISHED", START_MS + self.count * HOUR_MS)
        return run_id


@pytest.fixture(scope="module")
def chain(client):
    chain = Chain(client)
    first = chain.start("aifs")
    chain.train(first, 50, 10_000)  # and is killed: it stays RUNNING
    second = chain.start("aifs", parent=first)
    chain.train(second, 8_050, 20_000, offset=0.25)  # is killed too
    third = chain.start("aifs", parent=second)
    chain.train(third, 18_050, 30_000, offset=0.5)
    client.set_terminated(third, "FINISHED", START_MS + 3 * HOUR_MS)
    fork = chain.start("aifs-fork", fork=first)
    chain.train(fork, 6_050, 9_000)
    restarted = chain.start("aifs-fork-anew", fork=first)
    chain.train(restarted, 50, 9_000)
    offline, offline_child = unique("offline"), unique("offline")
    copies = [chain.sync("offline", offline, last=1_000 * (n + 1)) for n in range(3)]
    resumed = [chain.sync("offline", offline_child, copies[n], offline, last=5_000) for n in range(2)]
    return types.SimpleNamespace(
        chain=chain,
        experiment_id=chain.experiment_id,
        attempts=[first, second, third],
        fork=fork,
        restarted=restarted,
        copies=copies,
        resumed=resumed,
    )


@pytest.fixture(scope="module")
def lineage(http, chain):
    return lambda run_id: http.ok(http.get(f"/api/windvane/v1/runs/{run_id}/lineage"))


def roles(graph):
    return {node["run_id"]: (node["role"], node["attempt"]) for node in graph["nodes"]}


def test_a_resumed_training_is_one_with_all_its_attempts(lineage, chain):
    graphs = [lineage(run_id) for run_id in chain.attempts]

    for graph in graphs:
        found = roles(graph)
        assert [found[run_id] for run_id in chain.attempts] == [("attempt", 1), ("attempt", 2), ("attempt", 3)]
        assert graph["training_id"] == chain.attempts[0]
        assert graph["missing"] == [] and graph["truncated"] is False
        [training] = [one for one in graph["trainings"] if one["training_id"] == chain.attempts[0]]
        assert (training["attempts"], training["steps"]) == (3, 30_000)
        assert training["training_time"] > 0


def test_a_fork_is_a_training_of_its_own_whose_step_is_stated_only_if_it_shows(lineage, chain):
    graph = lineage(chain.fork)

    steps = {edge["run_id"]: edge["step"] for edge in graph["edges"] if edge["kind"] == "fork"}
    assert steps == {chain.fork: 6_050, chain.restarted: None}
    assert {edge["target_run_id"] for edge in graph["edges"] if edge["kind"] == "fork"} == {chain.attempts[0]}
    assert roles(graph)[chain.fork] == ("attempt", 1)


def test_what_was_synchronised_again_and_again_is_one_attempt_each(lineage, chain):
    graph = lineage(chain.copies[0])

    found = roles(graph)
    assert [found[run_id] for run_id in chain.copies] == [("copy", 1), ("copy", 1), ("attempt", 1)]
    assert [found[run_id] for run_id in chain.resumed] == [("copy", 2), ("attempt", 2)]
    [training] = graph["trainings"]
    assert (training["attempts"], training["steps"]) == (2, 5_000)


def test_a_nested_run_of_the_fluent_api_is_nested(client, lineage, chain):
    parent = client.create_run(chain.experiment_id)
    child = client.create_run(chain.experiment_id, tags={"mlflow.parentRunId": parent.info.run_id})

    graph = lineage(child.info.run_id)

    [edge] = graph["edges"]
    assert (edge["kind"], edge["target_run_id"]) == ("nest", parent.info.run_id)


def test_a_training_is_one_curve_in_which_the_later_attempt_counts(http, chain):
    request = {"run_ids": chain.attempts[1:2], "metrics": [LOSS], "joined": True, "buckets": 2_000, "digits": 17}

    found = http.ok(http.post("/api/windvane/v1/series", request))

    [curve] = found["series"]
    assert found["raw"] is True and found["x"] == list(range(50, 30_001, APART))
    [segment] = curve["segments"]
    attempt = lambda step: 0.0 if step < 8_050 else 0.25 if step < 18_050 else 0.5
    assert segment["at"] is None and segment["mean"] == [step + attempt(step) for step in found["x"]]
    assert [one["run_id"] for one in curve["attempts"]] == chain.attempts
    assert [one["first_step"] for one in curve["attempts"]] == [50, 8_050, 18_050]
    assert curve["superseded_points"] == 2 * 40

    tails = http.ok(http.post("/api/windvane/v1/series", request | {"superseded": True}))["series"][1:]

    assert sum(tail["points"] for tail in tails) == 2 * 40
    assert all(tail["superseded"] for tail in tails)


def test_a_table_has_a_row_for_each_training(http, chain):
    request = {"experiment_ids": [chain.experiment_id], "tree": True, "columns": ["attribute.run_name", f"metrics.{LOSS}"]}
    table = http.ok(http.post("/api/windvane/v1/rows", request))

    trainings = {row[0]: told for row, told in zip(table["rows"], table["tree"], strict=True)}
    assert trainings[chain.attempts[2]]["attempts"] == 3
    assert trainings[chain.attempts[2]]["steps"] == 30_000
    origin = {"run_id": chain.attempts[0], "here": True, "name": "aifs", "experiment_id": chain.experiment_id}
    assert trainings[chain.fork]["fork"] == origin | {"step": 6_050}
    assert trainings[chain.restarted]["fork"] == origin | {"step": None}
    offline = trainings[chain.resumed[1]]
    assert (offline["attempts"], offline["copies"]) == (2, 3)
    attempts = http.ok(http.post("/api/windvane/v1/rows", request | {"attempts_of": chain.attempts[2]}))
    assert [row[0] for row in attempts["rows"]] == chain.attempts


def test_small_curves_and_files_have_every_point(http, chain):
    body = {"run_ids": [*chain.attempts, chain.fork], "metric": LOSS}
    curves = http.ok(http.post("/api/windvane/v1/inline-curves", body))["curves"]
    assert [curve["total"] for curve in curves] == [200, 240, 240, 60]
    assert all(len(curve["mean"]) == 32 and None not in curve["mean"] for curve in curves)

    path = "/api/windvane/v1/export/series"
    csv = http.get(path, params={"run_ids": chain.attempts[0], "metrics": LOSS}).text.splitlines()
    assert csv[0] == "run_id,metric,step,timestamp,value"
    assert len(csv) == 201
    run_id, metric, step, _, value = csv[1].split(",")
    assert (run_id, metric, step, float(value)) == (chain.attempts[0], LOSS, "50", 50.0)
