"""Trainings of the shape of Anemoi's, with resumes and forks: everything that was logged reads back equal."""

import hashlib
import json
import math
import threading
import types

import pytest
import requests

from anemoi_training import (
    LOGGED_STEPS,
    START_MS,
    VALIDATION_KEYS,
    RecordedRun,
    configuration,
    flattened,
    log_configuration,
    metadata,
    run_tags,
    train,
)
from support import FULL_SCALE, TRACKING_URI, refused, unique

RANKS = 256
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def trainings(client, tmp_path_factory):
    """A training, resumed as a child, itself resumed in place, forked, killed, prepared and synchronised."""
    scratch = tmp_path_factory.mktemp("scratch")
    assert requests.get(f"{TRACKING_URI}/health", headers={"Authorization": "Bearer None"}, timeout=60).text == "OK"
    namespace = unique("anemoi-debug")
    experiment_id = client.create_experiment(namespace)
    config = configuration()

    first = RecordedRun(client, experiment_id, "aifs-transformer", run_tags())
    log_configuration(first, config, first.run_id, None, scratch)
    reached = train(first, scratch)
    resend(first)
    first.end("FAILED", START_MS + HOUR_MS)

    child = RecordedRun(
        client,
        experiment_id,
        first.name,
        run_tags() | {"mlflow.parentRunId": first.run_id, "resumedRun": "True", "SLURM_JOB_ID": "4242425"},
    )
    log_configuration(child, config, first.run_id, None, scratch)
    train(child, scratch, first_log=reached - 10, logs=LOGGED_STEPS // 10)
    child.end("FINISHED", START_MS + 2 * HOUR_MS)

    in_place_from = reached - 20
    first.resume_in_place()
    during_resume = client.get_run(first.run_id).info
    train(first, scratch, first_log=in_place_from, logs=40, delay_ms=2 * HOUR_MS)
    first.end("FINISHED", START_MS + 3 * HOUR_MS)

    fork = RecordedRun(
        client, experiment_id, unique("fork"), run_tags() | {"forkedRun": "True", "forkedRunId": first.run_id}
    )
    log_configuration(fork, config, fork.run_id, first.run_id, scratch)
    train(fork, scratch, first_log=reached, logs=LOGGED_STEPS // 10)

    prepared = RecordedRun(client, experiment_id, "prepared", {"dry_run": "True"})
    for key, value in {"mlflow.user": "owner", "mlflow.source.name": "anemoi-training mlflow prepare"}.items():
        client.set_tag(prepared.run_id, key, value)
        prepared.tags[key] = value
    prepared.log_params(dict(flattened(config)))

    synchronised = RecordedRun(client, experiment_id, "to be renamed", {})
    synchronised.log_params({"metadata.offline_run_id": "0" * 31 + "1"} | metadata())
    synchronised.log_metrics({key: 0.5 for key in VALIDATION_KEYS}, 0, START_MS)
    sent_tags = run_tags(offline="True", **{"mlflow.runName": "synchronised"}).items()
    synchronised.log_tags([("mlflow.user", "unknown"), *sent_tags, ("mlflow.user", "owner")])
    synchronised.end("FINISHED", START_MS + HOUR_MS)

    return types.SimpleNamespace(
        namespace=namespace,
        experiment_id=experiment_id,
        first=first,
        child=child,
        fork=fork,
        prepared=prepared,
        synchronised=synchronised,
        during_resume=during_resume,
        in_place_from=in_place_from,
    )


def resend(run):
    """What a client does whose answer was lost: it sends the same params and points again."""
    run.log_params(dict(list(run.params.items())[:250]))
    by_batch = {}
    for key, points in run.points.items():
        for timestamp, step, value in points:
            by_batch.setdefault((timestamp, step), {})[key] = math.nan if value == "nan" else value
    for (timestamp, step), values in list(by_batch.items())[:50]:
        run.log_metrics(values, step, timestamp)


RUNS = ["first", "child", "fork", "prepared", "synchronised"]


def test_the_training_has_the_size_of_a_real_one(trainings):
    assert 1400 <= len(trainings.first.params) <= 2000
    assert trainings.first.calls >= (3000 if FULL_SCALE else 600)
    assert sum(len(points) for points in trainings.first.points.values()) > (9000 if FULL_SCALE else 1800)


@pytest.mark.parametrize("name", RUNS)
def test_every_param_reads_back_equal(client, trainings, name):
    run = getattr(trainings, name)

    assert client.get_run(run.run_id).data.params == run.params


@pytest.mark.parametrize("name", RUNS)
def test_every_tag_reads_back_equal(client, trainings, name):
    run = getattr(trainings, name)

    assert client.get_run(run.run_id).data.tags == run.tags


@pytest.mark.parametrize("name", RUNS)
def test_name_state_and_times_read_back_equal(client, trainings, name):
    run = getattr(trainings, name)

    info = client.get_run(run.run_id).info

    assert (info.run_name, info.status, info.start_time, info.end_time) == (
        run.name,
        run.status,
        run.start_time,
        run.end_time,
    )
    assert (info.experiment_id, info.lifecycle_stage) == (trainings.experiment_id, "active")


@pytest.mark.parametrize("name", RUNS)
def test_every_point_reads_back_equal_once_and_in_order(client, trainings, name):
    run = getattr(trainings, name)

    assert client.get_run(run.run_id).data.metrics.keys() == run.points.keys()
    for key, sent in run.points.items():
        read = [
            (point.timestamp, point.step, "nan" if math.isnan(point.value) else point.value)
            for point in client.get_metric_history(run.run_id, key)
        ]
        # No two points of one key differ in the value alone, which is what "nan" could not be ordered by.
        assert read == sorted(sent, key=lambda point: point[:2]), key


@pytest.mark.parametrize("name", RUNS)
def test_the_latest_value_of_every_metric_reads_back_equal(client, trainings, name):
    run = getattr(trainings, name)

    metrics = client.get_run(run.run_id).data.metrics

    assert {key: "nan" if math.isnan(value) else value for key, value in metrics.items()} == run.latest()


@pytest.mark.parametrize("name", RUNS)
def test_every_file_reads_back_equal(client, trainings, name, tmp_path):
    run = getattr(trainings, name)

    if run.files:
        client.download_artifacts(run.run_id, "", str(tmp_path))
    downloaded = {
        path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()
    }

    assert downloaded.keys() == run.files.keys()
    for path, content in run.files.items():
        assert hashlib.sha256(downloaded[path]).digest() == hashlib.sha256(content).digest(), path


def test_a_run_resumed_in_place_runs_again_with_its_old_end_time(trainings):
    assert trainings.during_resume.status == "RUNNING"
    assert trainings.during_resume.end_time == START_MS + HOUR_MS


def test_steps_logged_again_in_place_are_kept_beside_the_old_ones(client, trainings):
    step = trainings.in_place_from * 100

    points = client.get_metric_history(trainings.first.run_id, "lr-AdamW")

    times = [point.timestamp for point in points if point.step == step]
    assert len(times) == 2
    assert times[1] - times[0] == 2 * HOUR_MS


def test_resumed_and_forked_runs_are_found_by_their_lineage(client, trainings):
    def found(filter_string):
        return [run.info.run_id for run in client.search_runs([trainings.experiment_id], filter_string)]

    first, child, fork = trainings.first.run_id, trainings.child.run_id, trainings.fork.run_id
    assert found(f"tags.mlflow.parentRunId = '{first}'") == [child]
    assert found(f"tags.forkedRunId = '{first}'") == [fork]
    assert found(f"params.config.training.fork_run_id = '{first}'") == [fork]
    assert set(found(f"params.metadata.run_id = '{first}'")) == {first, child}
    assert found(f"params.metadata.offline_run_id = '{'0' * 31}1'") == [trainings.synchronised.run_id]
    assert found("tags.dry_run = 'True'") == [trainings.prepared.run_id]


def test_a_changed_param_is_refused_in_a_batch_and_leaves_the_run_as_it_was(client, trainings):
    run = trainings.child

    with refused("INVALID_PARAMETER_VALUE", "Changing param values is not allowed."):
        RecordedRun.log_params(
            types.SimpleNamespace(client=client, run_id=run.run_id, calls=0, params={}),
            {"config.never.seen": "1", "config.training.lr": "another"},
        )

    assert client.get_run(run.run_id).data.params == run.params


def test_all_ranks_of_a_resuming_job_get_the_run_at_once(trainings):
    run = trainings.first
    start_together = threading.Barrier(RANKS)
    answers = [None] * RANKS

    def rank(index):
        start_together.wait()
        answers[index] = requests.get(
            f"{TRACKING_URI}/api/2.0/mlflow/runs/get",
            params={"run_uuid": run.run_id, "run_id": run.run_id},
            timeout=120,
        )

    ranks = [threading.Thread(target=rank, args=(index,)) for index in range(RANKS)]
    for thread in ranks:
        thread.start()
    for thread in ranks:
        thread.join()

    assert [answer is not None and answer.status_code for answer in answers] == [200] * RANKS
    for answer in answers:
        data = json.loads(answer.text)["run"]["data"]
        assert {param["key"]: param["value"] for param in data["params"]} == run.params
        assert len(data["metrics"]) == len(run.points)
