"""Runs that the real client logged to `sqlite:///…/mlflow.db`, with artifacts in `mlartifacts`, arrive as those of file stores."""

import pytest

from offline_stores import DELETED, HOUR_MS, LOSS, RUNS, Store, fill, read
from windvane_sync import PROGRAM, Sync

pytestmark = pytest.mark.skipif(not PROGRAM, reason="the server under test was not started here")


@pytest.fixture(scope="module")
def arrived(tmp_path_factory):
    directory = tmp_path_factory.mktemp("database")
    project = fill(Store.of_database(directory / "offline"), directory)
    project.sync = Sync(project.store.path, directory / "state")
    project.report = project.sync("--export-deleted-runs")
    return project


def test_every_run_arrives(arrived):
    assert {run["run_id"]: run["outcome"] for run in arrived.report.runs} == dict.fromkeys(
        arrived.runs.values(), "arrived"
    )


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
    assert [name for name in RUNS if sides(name)[1]["info"]["lifecycle_stage"] == "deleted"] == DELETED


def test_runs_lie_in_experiments_of_the_names_of_their_source(client, arrived):
    places = {
        name: client.get_experiment(client.get_run(run_id).info.experiment_id).name
        for name, run_id in arrived.runs.items()
    }

    assert places == {name: arrived.gone if name == "in_gone" else arrived.experiment for name in RUNS}


@pytest.mark.parametrize("with_notes", [True, False])
def test_a_second_time_nothing_is_sent(arrived, with_notes):
    if not with_notes:
        arrived.sync.forget()

    report = arrived.sync()

    alive = {run_id for name, run_id in arrived.runs.items() if name not in DELETED}
    assert {run_id: run["outcome"] for run_id, run in report.by_id.items()} == dict.fromkeys(alive, "unchanged")
    assert all(not any(run["sent"].values()) for run in report.runs)


@pytest.mark.parametrize("form", ["{}/mlflow.db", "sqlite:///{}/mlflow.db"])
def test_the_database_may_be_named_itself(arrived, form):
    report = arrived.sync(source=form.format(arrived.store.path))

    assert {run["outcome"] for run in report.runs} == {"unchanged"}
    assert len(report.runs) == len(RUNS) - len(DELETED)


@pytest.fixture
def database(tmp_path):
    store = Store.of_database(tmp_path / "offline")
    store.sync = Sync(store.path, tmp_path / "state")
    return store


@pytest.mark.parametrize("with_notes", [True, False])
def test_only_the_rest_of_what_has_grown_is_sent(database, both, tmp_path, with_notes):
    experiment_id, _ = database.experiment()
    run_id, other = (database.start(experiment_id, name) for name in ("aifs", "other"))
    database.train(run_id, 0, 1_000)
    database.files(run_id, {"terminal_log.txt": b"Epoch 0\n"}, tmp_path)
    assert database.sync.outcomes() == {run_id: "arrived", other: "arrived"}
    database.train(run_id, 1_050, 1_500)
    database.client.set_tag(run_id, "later", "yes")
    database.files(run_id, {"terminal_log.txt": b"Epoch 0\nEpoch 1\n"}, tmp_path)
    database.end(run_id, after_ms=HOUR_MS)
    if not with_notes:
        database.sync.forget()

    report = database.sync()

    assert {each: run["outcome"] for each, run in report.by_id.items()} == {run_id: "arrived", other: "unchanged"}
    sent = report.by_id[run_id]["sent"]
    assert (sent["points"], sent["files"], sent["params"]) == (12, 1, 0)
    source, server = both(database, run_id)
    assert server == source


def test_artifacts_that_lie_elsewhere_are_named_and_arrive_when_told_where(client, database, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    experiment_id = database.client.create_experiment(database.experiment()[1] + " elsewhere", elsewhere.as_uri())
    run_id = database.start(experiment_id, "aifs")
    database.files(run_id, {"plots/a.txt": b"a"}, tmp_path)

    report = database.sync("-r", run_id, code=3)

    assert report.by_id[run_id]["outcome"] == "incomplete"
    [problem] = report.by_id[run_id]["problems"]
    assert str(elsewhere) in problem["why"] and "--artifacts" in problem["why"]
    assert database.sync.outcomes("-r", run_id, "--artifacts", elsewhere) == {run_id: "arrived"}
    assert read(client, run_id, tmp_path / "there") == read(database.client, run_id, tmp_path / "here")


def test_a_new_experiment_has_the_tags_of_its_source(client, arrived):
    there = client.get_experiment_by_name(arrived.experiment)

    assert there.tags == {"mlflow.note.content": "Trainings of the north\n", "team": "weather"}
