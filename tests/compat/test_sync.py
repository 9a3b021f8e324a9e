"""Runs that the real client logged offline arrive by `windvane sync` as themselves: both sides read back equal."""

import pytest

from offline_stores import DELETED, LOSS, RUNS, Store, fill, read
from windvane_sync import PROGRAM, Sync

pytestmark = pytest.mark.skipif(not PROGRAM, reason="the server under test was not started here")


@pytest.fixture(scope="module")
def arrived(tmp_path_factory):
    """A project that was synced once, with all that was deleted."""
    directory = tmp_path_factory.mktemp("sync")
    project = fill(Store.of_files(directory / "mlruns"), directory)
    project.sync = Sync(project.store.path, directory / "state")
    project.report = project.sync("--export-deleted-runs")
    return project


def test_every_run_arrives(arrived):
    assert {run["run_id"]: run["outcome"] for run in arrived.report.runs} == dict.fromkeys(
        arrived.runs.values(), "arrived"
    )
    assert arrived.report.totals["arrived"] == len(RUNS)
    assert arrived.report.problems == []
    assert all(run["sent"]["new"] for run in arrived.report.runs)


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.parametrize("aspect", ["info", "params", "tags", "points", "files", "datasets"])
def test_both_sides_are_equal(sides, name, aspect):
    source, server = sides(name)

    assert server[aspect] == source[aspect]


def test_what_is_compared_is_not_empty(sides):
    assert len(sides("first")[1]["points"][LOSS]) == 41 + 13
    assert len(sides("odd")[1]["params"]) == 13
    assert len(sides("odd")[1]["points"]["odd"]) == 9
    assert len(sides("odd")[1]["files"]) == 5
    assert len(sides("reader")[1]["datasets"]) == 2
    states = {name: sides(name)[1]["info"]["status"] for name in RUNS}
    assert [states[name] for name in ("first", "fork", "killed", "cancelled")] == [
        "FINISHED",
        "FAILED",
        "RUNNING",
        "KILLED",
    ]
    assert [name for name in RUNS if sides(name)[1]["info"]["lifecycle_stage"] == "deleted"] == DELETED


def test_runs_lie_in_experiments_of_the_names_of_their_source(client, arrived):
    places = {
        name: client.get_experiment(client.get_run(run_id).info.experiment_id).name
        for name, run_id in arrived.runs.items()
    }

    assert places == {name: arrived.gone if name == "in_gone" else arrived.experiment for name in RUNS}


def test_artifacts_lie_where_the_server_says(client, arrived):
    info = client.get_run(arrived.runs["first"]).info

    assert info.artifact_uri == f"mlflow-artifacts:/{info.experiment_id}/{info.run_id}/artifacts"


def test_links_between_runs_hold(http, arrived):
    first, child, fork = (arrived.runs[name] for name in ("first", "child", "fork"))

    graph = http.ok(http.get(f"/api/windvane/v1/runs/{first}/lineage"))

    edges = {(edge["kind"], edge["run_id"], edge["target_run_id"]) for edge in graph["edges"]}
    assert edges == {("resume", child, first), ("fork", fork, first)}


def test_what_is_found_by_params_and_tags(client, arrived):
    experiment_id = client.get_experiment_by_name(arrived.experiment).experiment_id

    def found(filter_string):
        return {run.info.run_id for run in client.search_runs([experiment_id], filter_string)}

    first, child = arrived.runs["first"], arrived.runs["child"]
    assert found(f"tags.mlflow.parentRunId = '{first}'") == {child}
    assert found(f"params.metadata.run_id = '{first}'") == {first, child}
    assert found("attributes.status = 'KILLED'") == {arrived.runs["cancelled"]}
    assert found("attributes.user_id = 'trainer'") == set(arrived.runs.values()) - {
        arrived.runs[name] for name in [*DELETED, "bare"]
    }


@pytest.mark.parametrize("with_notes", [True, False])
def test_a_second_time_nothing_is_sent(client, arrived, with_notes, tmp_path):
    if not with_notes:
        arrived.sync.forget()
    before = {name: read(client, run_id, tmp_path / name) for name, run_id in arrived.runs.items()}

    report = arrived.sync()

    alive = {run_id for name, run_id in arrived.runs.items() if name not in DELETED}
    assert {run_id: run["outcome"] for run_id, run in report.by_id.items()} == dict.fromkeys(alive, "unchanged")
    assert all(not any(run["sent"].values()) for run in report.runs)
    assert {name: read(client, run_id, tmp_path / f"{name} again") for name, run_id in arrived.runs.items()} == before


@pytest.mark.parametrize("with_notes", [True, False])
def test_deleted_runs_that_are_in_the_trash_are_left_in_peace(arrived, with_notes):
    if not with_notes:
        arrived.sync.forget()

    report = arrived.sync("-x")

    assert {report.by_id[arrived.runs[name]]["outcome"] for name in DELETED} <= {"unchanged", "skipped"}
    assert all(not any(run["sent"].values()) for run in report.runs)


def test_a_sync_with_nothing_to_do_is_silent_for_cron(arrived):
    assert arrived.sync.text() == ""


def test_a_new_experiment_has_the_tags_of_its_source(client, arrived):
    there = client.get_experiment_by_name(arrived.experiment)

    assert there.tags == {"mlflow.note.content": "Trainings of the north\n", "team": "weather"}
