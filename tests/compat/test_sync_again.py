"""What has changed since a run arrived: in the source, at the server, or at both."""

import concurrent.futures
import subprocess

import pytest
from mlflow.entities import Metric
from mlflow.exceptions import MlflowException

from offline_stores import HOUR_MS, LOSS, START_MS, dataset
from support import unique, until
from windvane_sync import PROGRAM, Sync

pytestmark = pytest.mark.skipif(not PROGRAM, reason="the server under test was not started here")

NOTHING = {
    "new": False, "params": 0, "tags": 0, "datasets": 0, "metrics": 0, "points": 0, "files": 0, "file_bytes": 0, "state": False,
}


@pytest.fixture
def killed(offline, tmp_path):
    """A run that a batch system killed, and that has arrived."""
    experiment_id, offline.name = offline.experiment()
    run_id = offline.start(experiment_id, "aifs")
    offline.train(run_id, 0, 1_000)
    offline.files(run_id, {"terminal_log.txt": b"Epoch 0\n", "plots/a (1).jpg": b"one"}, tmp_path)
    assert offline.sync.outcomes() == {run_id: "arrived"}
    return run_id


@pytest.fixture(params=["with notes", "without notes"])
def again(request, offline):
    """Syncs again, with what was noted the last time or without."""

    def again(*arguments, **more):
        if request.param == "without notes":
            offline.sync.forget()
        return offline.sync(*arguments, **more)

    return again


def assert_equal(both, store, run_id):
    source, server = both(store, run_id)
    assert server == source


def test_only_the_rest_of_what_has_grown_is_sent(client, offline, killed, again, both, tmp_path):
    offline.train(killed, 1_050, 1_500)
    offline.client.log_batch(killed, [Metric("new", 1.0, START_MS, 1)])
    offline.params(killed, {"metadata.late": "1", "metadata.later": "2"})
    offline.client.set_tag(killed, "later", "yes")
    offline.files(killed, {"terminal_log.txt": b"Epoch 0\nEpoch 1\n", "plots/b.jpg": b"twelve bytes"}, tmp_path)

    sent = again().by_id[killed]["sent"]

    assert sent == NOTHING | {
        "params": 2,
        "tags": 1,
        "metrics": 4,
        "points": 10 + 1 + 1 + 1,  # the loss, the validation, the epoch, the new metric
        "files": 2,
        "file_bytes": 16 + 12,
    }
    assert_equal(both, offline, killed)
    assert offline.sync.outcomes() == {killed: "unchanged"}


def test_a_file_of_the_same_size_that_was_written_anew_arrives(offline, killed, again, both, tmp_path):
    offline.files(killed, {"terminal_log.txt": b"Epoch 9\n"}, tmp_path)

    sent = again().by_id[killed]["sent"]

    assert sent == NOTHING | {"files": 1, "file_bytes": 8}
    assert_equal(both, offline, killed)


def test_a_point_that_lies_before_those_that_arrived_arrives_too(offline, killed, again, both):
    offline.client.log_batch(killed, [Metric(LOSS, 5.0, START_MS - 1, 25)])

    report = again()

    assert report.by_id[killed]["outcome"] == "arrived"
    assert_equal(both, offline, killed)


def test_a_dataset_that_was_read_later_arrives(offline, killed, again, both):
    offline.client.log_inputs(killed, [dataset(1)])
    again()
    offline.client.log_inputs(killed, [dataset(2)])

    again()

    source, server = both(offline, killed)
    assert len(server["datasets"]) == 2
    assert server == source


def test_a_run_that_was_killed_and_resumed_in_place_ends_there_too(offline, killed, again, both):
    offline.train(killed, 900, 1_500, later_ms=HOUR_MS)
    offline.end(killed, after_ms=2 * HOUR_MS)

    assert again().by_id[killed]["outcome"] == "arrived"

    assert_equal(both, offline, killed)


def test_a_run_that_had_arrived_finished_runs_again_and_ends_later(client, offline, killed, again, both):
    offline.end(killed)
    offline.sync()
    assert client.get_run(killed).info.status == "FINISHED"
    offline.client.update_run(killed, status="RUNNING")
    offline.train(killed, 900, 1_200, later_ms=2 * HOUR_MS)

    again()

    source, server = both(offline, killed)
    assert server["info"]["status"] == "RUNNING"
    assert server["points"] == source["points"]

    offline.train(killed, 1_250, 1_500, later_ms=2 * HOUR_MS)
    offline.end(killed, after_ms=3 * HOUR_MS)

    again()

    assert_equal(both, offline, killed)
    assert client.get_run(killed).info.end_time == START_MS + 3 * HOUR_MS
    assert offline.sync.outcomes() == {killed: "unchanged"}


def test_a_run_resumed_as_a_child_arrives_beside_its_parent(http, offline, killed, again):
    before = offline.client.get_run(killed).info.experiment_id
    child = offline.start(before, "aifs", parent=killed)
    offline.train(child, 900, 1_500)
    offline.end(child)

    assert {run_id: run["outcome"] for run_id, run in again().by_id.items()} == {killed: "unchanged", child: "arrived"}

    graph = http.ok(http.get(f"/api/windvane/v1/runs/{killed}/lineage"))
    assert [(edge["kind"], edge["run_id"], edge["target_run_id"]) for edge in graph["edges"]] == [
        ("resume", child, killed)
    ]


def test_a_child_that_arrives_before_its_parent_is_its_child(client, http, offline):
    experiment_id, _ = offline.experiment()
    parent = offline.start(experiment_id, "aifs")
    child = offline.start(experiment_id, "aifs", parent=parent)
    assert offline.sync.outcomes("--run-id", child) == {child: "arrived"}
    assert client.get_run(child).data.tags["mlflow.parentRunId"] == parent

    assert offline.sync.outcomes() == {parent: "arrived", child: "unchanged"}

    graph = http.ok(http.get(f"/api/windvane/v1/runs/{parent}/lineage"))
    assert [(edge["kind"], edge["run_id"], edge["target_run_id"]) for edge in graph["edges"]] == [
        ("resume", child, parent)
    ]


def large(store, tmp_path):
    """A run that takes some requests."""
    experiment_id, _ = store.experiment()
    run_id = store.start(experiment_id, "large")
    for key in ("a", "b", "c"):
        points = [Metric(key, 1 / (step + 1), START_MS + step, step) for step in range(3_000)]
        for start in range(0, len(points), 1_000):
            store.client.log_batch(run_id, points[start : start + 1_000])
    store.files(run_id, {f"plots/{number}.bin": bytes([number]) * 500_000 for number in range(30)}, tmp_path)
    store.end(run_id)
    return run_id


def test_a_sync_that_was_killed_is_ended_by_the_next_one(http, offline, both, tmp_path):
    run_id = large(offline, tmp_path)
    command = [PROGRAM, "sync", "--source", str(offline.path)]
    first = subprocess.Popen(command, env=offline.sync.environment, stdout=subprocess.DEVNULL)
    body = {"run_ids": [run_id]}
    until(lambda: http.ok(http.post("/api/windvane/v1/ingest/states", body))["runs"], "the run is there")
    first.kill()
    first.wait(60)

    assert offline.sync.outcomes()[run_id] in ("arrived", "unchanged")

    assert_equal(both, offline, run_id)
    assert offline.sync.outcomes() == {run_id: "unchanged"}


def test_two_who_sync_the_same_at_once_make_one_run(offline, both, tmp_path):
    run_id = large(offline, tmp_path)
    others = [Sync(offline.path, tmp_path / f"state of {name}") for name in ("ada", "bo", "cy")]

    with concurrent.futures.ThreadPoolExecutor() as pool:
        outcomes = [done.result() for done in [pool.submit(other.outcomes) for other in others]]

    assert all(outcome[run_id] in ("arrived", "unchanged") for outcome in outcomes)
    assert_equal(both, offline, run_id)
    assert offline.sync.outcomes() == {run_id: "unchanged"}


class TestEditsAtTheServer:
    def test_a_deleted_run_stays_deleted(self, client, offline, killed, again, both):
        client.delete_run(killed)
        _, before = both(offline, killed)
        offline.train(killed, 1_050, 1_500)

        run = again().by_id[killed]

        assert (run["outcome"], run["reason"], run["sent"]) == ("skipped", "it was deleted there", NOTHING)
        assert both(offline, killed)[1] == before

    def test_a_restored_run_goes_on(self, client, offline, killed, again, both):
        client.delete_run(killed)
        offline.train(killed, 1_050, 1_500)
        offline.sync()
        client.restore_run(killed)

        assert again().by_id[killed]["outcome"] == "arrived"

        assert_equal(both, offline, killed)

    def test_tags_and_name_that_were_edited_stay(self, client, offline, killed, again):
        client.set_tag(killed, "projectName", "Another")
        client.set_tag(killed, "mlflow.note.content", "the best so far")
        client.update_run(killed, name="renamed")

        run = again().by_id[killed]

        assert (run["outcome"], run["sent"]) == ("unchanged", NOTHING)
        assert run["kept"] == ["its name, 'renamed'", "tag 'projectName', which has another value"]
        there = client.get_run(killed)
        assert there.info.run_name == "renamed"
        assert (there.data.tags["projectName"], there.data.tags["mlflow.note.content"]) == (
            "Another",
            "the best so far",
        )

    def test_a_name_that_was_edited_stays_when_the_run_grows(self, client, offline, killed, again):
        client.update_run(killed, name="renamed")
        offline.train(killed, 1_050, 1_500)

        assert again().by_id[killed]["outcome"] == "arrived"

        there = client.get_run(killed)
        assert (there.info.run_name, there.data.tags["mlflow.runName"]) == ("renamed", "renamed")
        assert len(client.get_metric_history(killed, LOSS)) == 31

    def test_a_name_that_was_edited_in_the_source_since_arrives(self, client, offline, killed):
        offline.client.update_run(killed, name="renamed here")

        run = offline.sync().by_id[killed]

        assert (run["outcome"], run.get("kept")) == ("arrived", None)
        there = client.get_run(killed)
        assert (there.info.run_name, there.data.tags["mlflow.runName"]) == ("renamed here", "renamed here")
        assert offline.sync.outcomes() == {killed: "unchanged"}

    def test_a_tag_that_was_edited_in_the_source_since_arrives(self, client, offline, killed):
        offline.client.set_tag(killed, "projectName", "Edited")

        run = offline.sync().by_id[killed]

        assert (run["outcome"], run["sent"]) == ("arrived", NOTHING | {"tags": 1})
        assert client.get_run(killed).data.tags["projectName"] == "Edited"

    def test_a_tag_that_was_edited_at_both_stays(self, client, offline, killed, again):
        offline.client.set_tag(killed, "projectName", "Edited here")
        client.set_tag(killed, "projectName", "Edited there")

        run = again().by_id[killed]

        assert (run["outcome"], run["kept"]) == ("unchanged", ["tag 'projectName', which has another value"])
        assert client.get_run(killed).data.tags["projectName"] == "Edited there"

    def test_a_tag_that_was_removed_stays_removed(self, client, offline, killed):
        client.delete_tag(killed, "command")
        offline.train(killed, 1_050, 1_500)

        run = offline.sync().by_id[killed]

        assert run["kept"] == ["tag 'command', removed there"]
        assert "command" not in client.get_run(killed).data.tags

    def test_points_that_others_logged_there_stay(self, client, offline, killed, again):
        client.log_batch(
            killed, [Metric(LOSS, 0.125, START_MS + 9 * HOUR_MS, 9_000), Metric("theirs", 1.0, START_MS, 0)]
        )
        offline.train(killed, 1_050, 1_500)

        assert again().by_id[killed]["outcome"] == "arrived"

        assert len(client.get_metric_history(killed, LOSS)) == 31 + 1
        assert len(client.get_metric_history(killed, "theirs")) == 1

    def test_points_that_others_logged_there_are_no_reason_to_send_again(self, client, offline, killed, again):
        """A run that was resumed in place online, after its first part had been synced."""
        client.log_batch(killed, [Metric(LOSS, 0.125, START_MS + 9 * HOUR_MS, 9_000)])
        offline.sync()

        run = again().by_id[killed]

        assert (run["outcome"], run["sent"]) == ("unchanged", NOTHING)

    def test_a_param_that_contradicts_is_refused_with_both_values(self, client, offline, killed, again, both):
        client.log_batch(killed, params=[])
        client.log_param(killed, "metadata.late", "one")
        offline.params(killed, {"metadata.late": "two"})
        _, before = both(offline, killed)

        run = again(code=1).by_id[killed]

        assert run["outcome"] == "refused"
        for text in ("metadata.late", "one", "two"):
            assert text in run["reason"]
        assert both(offline, killed)[1] == before

    def test_a_run_that_ended_there_is_not_opened_again_by_a_source_that_has_not_grown(
        self, client, offline, killed, again
    ):
        client.set_terminated(killed, "KILLED", START_MS + HOUR_MS)

        run = again().by_id[killed]

        assert (run["outcome"], run["kept"]) == ("unchanged", ["its state, KILLED"])
        assert client.get_run(killed).info.status == "KILLED"

    def test_a_run_whose_experiment_was_renamed_goes_on(self, client, offline, killed, again):
        experiment_id = client.get_run(killed).info.experiment_id
        client.rename_experiment(experiment_id, unique("renamed"))
        offline.train(killed, 1_050, 1_500)

        assert again().by_id[killed]["outcome"] == "arrived"

        assert client.get_run(killed).info.experiment_id == experiment_id
        assert len(client.get_metric_history(killed, LOSS)) == 31

    def test_an_experiment_in_the_trash_is_named_and_stays_there(self, client, offline, killed):
        experiment = client.get_experiment_by_name(offline.name)
        client.delete_experiment(experiment.experiment_id)
        new = offline.start(offline.client.get_run(killed).info.experiment_id, "new")

        report = offline.sync(code=3)

        assert report.by_id[killed]["outcome"] == "skipped"
        assert report.by_id[new]["outcome"] == "failed"
        assert f"the experiment '{offline.name}' is in the trash" in report.by_id[new]["reason"]
        with pytest.raises(MlflowException):
            client.get_run(new)


class TestAnotherRunOfTheSameId:
    def test_it_is_refused_and_left_as_it_is(self, client, offline, killed, both):
        """One who copies a store and gives it another destination by `-e` has the same runs, not others."""
        _, before = both(offline, killed)

        run = offline.sync("--experiment-name", unique("another"), code=1).by_id[killed]

        assert run["outcome"] == "refused"
        assert "it is there already, in the experiment" in run["reason"]
        assert both(offline, killed)[1] == before
