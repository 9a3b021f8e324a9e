"""What `windvane sync` takes and tells: flags, `--json`, lines, exit codes, destinations."""

import http.server
import json
import os
import subprocess
import threading

import mlflow
import pytest
from mlflow import MlflowClient
from mlflow.entities import ViewType

from offline_stores import HOUR_MS, Store, read
from servers import Started
from support import unique
from windvane_sync import PROGRAM, Sync

pytestmark = pytest.mark.skipif(not PROGRAM, reason="the server under test was not started here")


@pytest.fixture
def two(offline):
    """Two runs, of which the second is deleted."""
    experiment_id, offline.name = offline.experiment()
    offline.alive, offline.deleted = (offline.start(experiment_id, name) for name in ("alive", "deleted"))
    offline.train(offline.alive, 0, 1_000)
    offline.client.delete_run(offline.deleted)
    return offline


def everything(client):
    """All experiments, and all runs of the last ones."""
    experiments = client.search_experiments(view_type=ViewType.ALL)
    ids = [experiment.experiment_id for experiment in experiments]
    runs = client.search_runs(ids[:100], run_view_type=ViewType.ALL, max_results=1_000)
    # As text, in which a value that is no number equals itself.
    return repr([dict(experiment) for experiment in experiments]), repr([run.to_dictionary() for run in runs])


def known(http, *run_ids):
    """Those of the runs that the server has."""
    found = http.ok(http.post("/api/windvane/v1/ingest/states", {"run_ids": run_ids}))
    return {run["run_id"] for run in found["runs"]}


def test_deleted_runs_stay_at_home_unless_asked_for(http, two):
    assert two.sync.outcomes() == {two.alive: "arrived"}
    assert known(http, two.alive, two.deleted) == {two.alive}

    assert two.sync.outcomes("-x") == {two.alive: "unchanged", two.deleted: "arrived"}
    assert known(http, two.alive, two.deleted) == {two.alive, two.deleted}


def test_a_run_that_was_deleted_in_the_source_since_is_moved_to_the_trash_if_asked_for(client, two):
    two.sync()
    two.client.delete_run(two.alive)

    assert two.sync.outcomes() == {}
    assert client.get_run(two.alive).info.lifecycle_stage == "active"
    assert two.sync.outcomes("--export-deleted-runs")[two.alive] == "arrived"
    assert client.get_run(two.alive).info.lifecycle_stage == "deleted"


def test_runs_are_chosen_by_their_ids(http, two):
    experiment_id = two.client.get_run(two.alive).info.experiment_id
    second, third = (two.start(experiment_id, name) for name in ("second", "third"))

    assert two.sync.outcomes("-r", second, "--run-id", third) == {second: "arrived", third: "arrived"}
    assert known(http, two.alive, second, third) == {second, third}


def test_a_run_that_is_not_there_is_named(two):
    nobody = "0" * 32
    done = two.sync.run("-r", nobody)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"there is no run '{nobody}' in {two.path}" in done.stderr

    done = two.sync.run("-r", two.deleted)
    assert (done.returncode, done.stdout) == (1, "")
    assert "--export-deleted-runs sends it too" in done.stderr


def test_all_runs_go_to_the_experiment_that_is_named(client, two):
    other, _ = two.experiment("second")
    run_id = two.start(other, "in another experiment")
    name = unique("anemoi-debug")

    report = two.sync("-e", name)

    assert {run["experiment"] for run in report.runs} == {name}
    there = client.get_experiment_by_name(name).experiment_id
    assert {client.get_run(each).info.experiment_id for each in (two.alive, run_id)} == {there}
    assert client.get_experiment_by_name(two.name) is None
    assert two.sync.outcomes("--experiment-name", name) == {two.alive: "unchanged", run_id: "unchanged"}


def test_a_dry_run_tells_what_would_be_sent_and_changes_nothing(client, http, two, tmp_path):
    before = everything(client)

    report = two.sync("--dry-run", "-x")

    assert report.dry_run is True
    assert {run_id: run["outcome"] for run_id, run in report.by_id.items()} == {
        two.alive: "would_arrive",
        two.deleted: "would_arrive",
    }
    told = report.by_id[two.alive]["sent"]
    assert everything(client) == before
    assert known(http, two.alive, two.deleted) == set()
    assert client.get_experiment_by_name(two.name) is None
    assert not (tmp_path / "state").exists()
    assert two.sync("-x").by_id[two.alive]["sent"] == told


def test_a_dry_run_tells_what_has_grown_and_changes_nothing(client, two, both, tmp_path):
    two.sync()
    two.train(two.alive, 1_050, 1_500)
    two.client.set_tag(two.alive, "later", "yes")
    two.files(two.alive, {"a.txt": b"12345"}, tmp_path)
    two.client.log_inputs(two.alive, [])
    two.end(two.alive, "FAILED", after_ms=HOUR_MS)
    _, before = both(two, two.alive)

    told = two.sync("--dry-run").by_id[two.alive]

    assert told["outcome"] == "would_arrive"
    assert both(two, two.alive)[1] == before
    sent = two.sync().by_id[two.alive]
    assert (sent["outcome"], sent["sent"]) == ("arrived", told["sent"])


def test_a_dry_run_tells_of_a_tag_that_was_edited_in_the_source(client, two):
    two.sync()
    two.client.set_tag(two.alive, "projectName", "Edited")

    told = two.sync("--dry-run").by_id[two.alive]

    assert (told["outcome"], told["sent"]["tags"]) == ("would_arrive", 1)
    assert client.get_run(two.alive).data.tags["projectName"] == "Anemoi"
    sent = two.sync().by_id[two.alive]
    assert (sent["outcome"], sent["sent"]) == ("arrived", told["sent"])


def test_lines_tell_of_each_run_that_moved(two, tmp_path):
    two.files(two.alive, {"a.txt": b"12345"}, tmp_path)

    lines = two.sync.text().splitlines()

    assert lines == [
        f"arrived: {two.alive} 'alive' in '{two.name}': new, 4 params, 5 tags, 23 points of 3 metrics, 1 file (5 B)",
        f"{two.path} -> {two.sync.destination}: 1 arrived",
    ]
    assert two.sync.text() == ""
    assert two.sync.text("--verbose").splitlines()[-1] == f"{two.path} -> {two.sync.destination}: 1 unchanged"


def test_unchanged_runs_are_told_if_asked_for(two):
    two.sync()

    lines = two.sync.text("--verbose").splitlines()

    assert lines == [
        f"unchanged: {two.alive} 'alive' in '{two.name}'",
        f"{two.path} -> {two.sync.destination}: 1 unchanged",
    ]


def test_json_is_one_object_and_nothing_else(two):
    done = two.sync.run("--json")

    report = json.loads(done.stdout)
    assert done.stderr == ""
    assert (report["source"], report["destination"]) == (str(two.path), two.sync.destination)
    assert report["totals"]["arrived"] == 1
    assert report["runs"][0]["sent"]["points"] == 23


@pytest.mark.parametrize("form", ["file:{}", "file://{}", "{}/"])
def test_the_source_may_be_written_as_clients_write_it(two, form):
    assert two.sync.outcomes(source=form.format(two.path)) == {two.alive: "arrived"}
    assert two.sync.outcomes(source=two.path.parent) == {two.alive: "unchanged"}


def test_one_sync_at_a_time_and_many_runs_at_once(client, two):
    experiment_id = two.client.get_run(two.alive).info.experiment_id
    more = [two.start(experiment_id, f"run {number}") for number in range(20)]

    report = two.sync("--jobs", 16)

    assert {run_id: run["outcome"] for run_id, run in report.by_id.items()} == dict.fromkeys(
        [two.alive, *more], "arrived"
    )
    there = client.get_experiment_by_name(two.name).experiment_id
    assert len(client.search_runs([there])) == 21


def test_what_is_not_carried_is_told(two):
    """Only newer clients know logged models."""
    outputs = pytest.importorskip("mlflow.entities.logged_model_output", reason="only with the newest client")
    experiment_id = two.client.get_run(two.alive).info.experiment_id
    model = two.client.create_logged_model(experiment_id, name="aifs", source_run_id=two.alive)
    two.client.log_outputs(two.alive, [outputs.LoggedModelOutput(model.model_id, 0)])

    assert "  not carried: 1 logged model" in two.sync.text().splitlines()


def test_without_a_place_for_notes_runs_arrive_all_the_same(two, tmp_path):
    (tmp_path / "file").write_text("")
    nowhere = {"XDG_STATE_HOME": str(tmp_path / "file" / "state")}

    assert two.sync.outcomes(environment=nowhere) == {two.alive: "arrived"}
    assert two.sync.outcomes(environment=nowhere) == {two.alive: "unchanged"}


def test_a_reader_of_lines_that_has_enough_is_no_panic(two):
    command = f'"{PROGRAM}" sync --verbose --source "{two.path}" | true; exit "${{PIPESTATUS[0]}}"'

    done = subprocess.run(
        ["bash", "-c", command], env=two.sync.environment, capture_output=True, text=True, check=False, timeout=60
    )

    assert "panicked" not in done.stderr
    assert done.returncode != 101


class TestExitCodes:
    @pytest.mark.parametrize(
        "arguments",
        [[], ["--jobs", "0"], ["--jobs", "many"], ["--nonsense"], ["more", "than", "one"]],
    )
    def test_wrong_usage_is_2(self, two, arguments):
        command = [PROGRAM, "sync", *(arguments and ["--source", str(two.path)]), *arguments]

        done = subprocess.run(
            command, env=two.sync.environment, capture_output=True, text=True, check=False, timeout=60
        )

        assert (done.returncode, done.stdout) == (2, "")
        assert "try '--help'" in done.stderr

    def test_a_source_that_is_none_is_1(self, two, tmp_path):
        (tmp_path / "empty").mkdir()
        for source, text in [(tmp_path / "absent", "No such file"), (tmp_path / "empty", "no runs in")]:
            done = two.sync.run(source=source)
            assert (done.returncode, done.stdout) == (1, "")
            assert text in done.stderr

    def test_no_destination_is_1(self, two):
        done = two.sync.run(environment={"MLFLOW_TRACKING_URI": ""})
        assert (done.returncode, done.stdout) == (1, "")
        assert "MLFLOW_TRACKING_URI" in done.stderr

    @pytest.mark.parametrize("destination", ["127.0.0.1:5000", "ftp://127.0.0.1", "./mlruns", "sqlite:///mlflow.db"])
    def test_a_destination_that_is_none_is_1(self, two, destination):
        done = two.sync.run("--destination", destination)
        assert (done.returncode, done.stdout) == (1, "")
        assert "http://…, https://… or unix:PATH" in done.stderr

    def test_a_server_that_is_not_there_is_1(self, two):
        done = two.sync.run("--destination", "http://127.0.0.1:9")
        assert done.returncode == 1
        assert "cannot reach http://127.0.0.1:9" in done.stdout + done.stderr

    @pytest.mark.parametrize(
        ("status", "text"),
        [
            (404, "is no Windvane server"),
            (405, "is no Windvane server"),
            (200, "cannot reach"),
            (302, "answered 302"),
            (403, "answered 403"),
            (503, "cannot now"),
        ],
    )
    def test_a_server_that_is_another_is_1(self, two, status, text):
        class Answer(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.send_header("Location", two.sync.destination)
                self.end_headers()

            def log_message(self, *arguments):
                pass

        other = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        done = two.sync.run("--destination", f"http://127.0.0.1:{other.server_port}")
        other.shutdown()
        thread.join()
        other.server_close()

        assert (done.returncode, done.stdout) == (1, "")
        assert text in done.stderr

    def test_an_empty_store_is_0(self, offline):
        offline.experiment()
        report = offline.sync()
        assert report.runs == []


def test_a_server_below_a_path_is_reached(two, tmp_path):
    server = Started(["--data", str(tmp_path / "below"), "--prefix", "/mlflow"])
    assert server.uri.endswith("/mlflow")

    outcomes = [
        two.sync.outcomes("--destination", uri)
        for uri in (server.uri, server.uri + "/", server.uri.replace("/mlflow", "//mlflow"))
    ]
    done = two.sync.run("--destination", server.uri.removesuffix("/mlflow"))
    server.stop()

    assert outcomes == [{two.alive: "arrived"}, {two.alive: "unchanged"}, {two.alive: "unchanged"}]
    assert done.returncode == 1


class TestUnixSocket:
    @pytest.fixture
    def private(self, tmp_path_factory):
        """A server that listens on a socket that only its user can reach, and on a port for MLflow's client."""
        directory = tmp_path_factory.mktemp("private")
        socket = directory / "windvane.sock"
        server = Started(["--data", str(directory / "data")], listen=[f"unix:{socket}", "127.0.0.1:0"])
        server.socket = f"unix:{socket}"
        before = mlflow.get_tracking_uri()
        mlflow.set_tracking_uri(server.uri)  # where 2.x clients look for artifacts
        yield server
        mlflow.set_tracking_uri(before)
        server.stop()

    def test_runs_arrive_through_a_socket(self, private, tmp_path):
        store = Store.of_files(tmp_path / "mlruns")
        experiment_id, _ = store.experiment()
        run_id = store.start(experiment_id, "aifs")
        store.train(run_id, 0, 1_000)
        store.files(run_id, {"big.bin": os.urandom(3_000_000)}, tmp_path)
        sync = Sync(store.path, tmp_path / "state", destination="http://127.0.0.1:9")

        report = sync("--destination", private.socket)

        assert report.destination == private.socket
        assert report.by_id[run_id]["outcome"] == "arrived"
        assert read(MlflowClient(private.uri), run_id, tmp_path / "a") == read(store.client, run_id, tmp_path / "b")
        assert sync.outcomes("-d", private.socket) == {run_id: "unchanged"}
