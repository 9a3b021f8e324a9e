"""docs/ANEMOI.md and docs/MIGRATE.md, followed to the letter: their shell blocks are run in order, as they stand.

Two things are put in the place of what is written: the address of the server, and `anemoi-training`, which is not here. A
block with a command of Anemoi's is announced by a comment, and does what Anemoi would do with the YAML block before it.
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import types

import mlflow
import pytest
import requests
import yaml
from mlflow import MlflowClient

from anemoi_sync import AnemoiSync
from offline_stores import DELETED, Store, fill, read
from servers import PROGRAM, Started

pytestmark = pytest.mark.skipif(not PROGRAM, reason="the server under test was not started here")

DOCUMENTS = pathlib.Path(__file__).resolve().parents[2] / "docs"
WRITTEN = "http://127.0.0.1:5000"
BLOCK = re.compile(r"(?:^<!-- anemoi: (?P<anemoi>\w+) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.M | re.S)


def blocks(name):
    """The fenced blocks of a document, in order."""
    text = (DOCUMENTS / name).read_text(encoding="utf-8")
    found = [types.SimpleNamespace(**match.groupdict()) for match in BLOCK.finditer(text)]
    assert text.count("\n```") == 2 * len(found)
    return found


class Reader:
    """One who follows a document in an empty home, with `windvane` in `~/bin` and a server at its address."""

    def __init__(self, directory, uri):
        self.directory, self.uri = directory, uri
        programs = directory / "bin"
        programs.mkdir()
        (programs / "windvane").symlink_to(PROGRAM)
        self._environment_file = directory / "environment"
        self._environment_file.write_text("")
        self.environment = {
            "PATH": f"{programs}:{os.path.dirname(sys.executable)}:/usr/bin:/bin",
            "HOME": str(directory),
            "NO_PROXY": "127.0.0.1",
            "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        }

    def here(self, text):
        return text.replace(WRITTEN, self.uri)

    def shell(self, text):
        """Runs a block in the same shell as those before, as far as variables go; every line must succeed."""
        variables = self._environment_file
        script = f"set -eu; set -a; . '{variables}'\n{self.here(text)}\nexport -p > '{variables}'\n"
        return self._run(["bash", "-c", script], self.environment)

    def cron(self, command):
        """Runs a line of a crontab, as cron does: its own shell and PATH, and nothing that was exported elsewhere."""
        return self._run(["sh", "-c", self.here(command)], {"HOME": str(self.directory), "PATH": "/usr/bin:/bin"})

    def _run(self, command, environment):
        done = subprocess.run(
            command, cwd=self.directory, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, f"{command[-1]}\n{done.stdout}{done.stderr}"
        return done.stdout

    def variable(self, name):
        return self.shell(f'printf %s "${{{name}-}}"')


@pytest.fixture
def server(tmp_path):
    """A new server, as a reader has one: nothing is there yet."""
    server = Started(["--data", str(tmp_path / "server")])
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(server.uri)
    server.client = MlflowClient(server.uri)
    yield server
    mlflow.set_tracking_uri(before)
    server.stop()


@pytest.fixture
def reader(server, tmp_path):
    directory = tmp_path / "reader"
    directory.mkdir()
    return Reader(directory, server.uri)


def assert_there(server, project, tmp_path, *without):
    """Every run of a project is at the server, equal to its source."""
    for name, run_id in project.runs.items():
        if name in without:
            continue
        source = read(project.store.client, run_id, tmp_path / "here" / name)
        assert read(server.client, run_id, tmp_path / "there" / name) == source, name


class Anemoi:
    """What the commands of `anemoi-training` do, after the keys of the configuration."""

    def __init__(self, reader, server, tmp_path):
        self._reader, self._server, self._scratch = reader, server, tmp_path / "anemoi"
        self._scratch.mkdir()
        self.keys, self.done, self.project = None, [], None

    def configure(self, text):
        self.keys = yaml.safe_load(self._reader.here(text))["diagnostics"]["log"]["mlflow"]
        known = {"enabled", "offline", "authentication", "tracking_uri", "experiment_name"}
        assert self.keys.keys() <= known and self.keys["enabled"] is True

    def __call__(self, command, text):
        """Runs a block, with the imitation in the place of its command."""
        lines = text.splitlines()
        [number] = [number for number, line in enumerate(lines) if line.startswith("anemoi-training ")]
        self._reader.shell("\n".join(lines[:number]))
        if command == "sync":
            self._reader.shell(f"RUN={self.project.runs['killed']}")
        arguments = shlex.split(
            self._reader.here(lines[number]).replace("$RUN", self._reader.variable("RUN") or "$RUN")
        )
        getattr(self, command)(arguments[1:])
        self.done.append(command)
        return "\n".join(lines[number + 1 :])

    def train(self, arguments):
        assert arguments == ["train", "--config-name=aifs"]
        if self.keys["offline"]:
            assert "tracking_uri" not in self.keys
            assert self._reader.variable("MLFLOW_ALLOW_FILE_STORE") == "true"
            self.project = fill(Store.of_files(self._reader.directory / "logs" / "mlflow"), self._scratch)
            return
        assert self.keys["tracking_uri"] == self._server.uri and self.keys["authentication"] is False
        client = MlflowClient(self.keys["tracking_uri"])
        experiment_id = client.create_experiment(self.keys["experiment_name"])
        self.online = client.create_run(experiment_id).info.run_id
        client.log_metric(self.online, "train_loss", 0.5, step=1)
        client.set_terminated(self.online)

    def login(self, arguments):
        assert arguments == ["mlflow", "login", "--url", self._server.uri]
        page = requests.get(arguments[-1] + "/seed", timeout=60)
        assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html")
        # What is pasted does not matter to a server without accounts.
        answer = requests.post(arguments[-1] + "/refreshtoken", json={"refresh_token": "pasted"}, timeout=60)
        assert (answer.status_code, answer.json()["status"]) == (200, "OK")

    def sync(self, arguments):
        values = dict(zip(arguments[2::2], arguments[3::2], strict=True))
        assert arguments[:2] == ["mlflow", "sync"]
        assert (
            values.pop("-d") == self._server.uri
            and self._reader.directory / values.pop("-s") == self.project.store.path
        )
        http = types.SimpleNamespace(get=lambda path: requests.get(self._server.uri + path, timeout=60))
        sync = AnemoiSync(http, self._server.client, self.project.store, values.pop("-e"), self._scratch)
        self.copy = sync(values.pop("-r"))
        assert values == {}


def test_anemoi(reader, server, tmp_path):
    anemoi = Anemoi(reader, server, tmp_path)
    told, texts, cron = "", [], []
    for block in blocks("ANEMOI.md"):
        if block.language == "yaml":
            anemoi.configure(block.text)
        elif block.language == "text":
            texts.append(block.text)
        elif block.language == "cron":
            cron.append(block.text)
        else:
            assert block.language == "sh"
            rest = anemoi(block.anemoi, block.text) if block.anemoi else block.text
            assert "anemoi-training" not in rest, "a block with a command of Anemoi's needs a comment that says so"
            told += reader.shell(rest)

    assert anemoi.done == ["train", "login", "train", "sync"]
    assert server.client.get_run(anemoi.online).info.status == "FINISHED"
    assert_there(server, anemoi.project, tmp_path, *DELETED)
    assert server.client.get_run(anemoi.copy).data.params["metadata.offline_run_id"] == anemoi.project.runs["killed"]

    # The examples of output have the form of the output.
    arrived, summary, copy = "".join(texts).splitlines()
    form = re.compile(
        r"arrived: [0-9a-f]{32} '[^']*' in '[^']*': new, [\d,]+ params, \d+ tags, [\d,]+ points of \d+ metrics, \d+ files \(.+\)"
    )
    assert form.fullmatch(arrived)
    assert any(form.fullmatch(line) for line in told.splitlines())
    assert re.fullmatch(r"\S+ -> http://127.0.0.1:5000: 1 arrived", summary)
    assert f"logs/mlflow -> {server.uri}: {len(anemoi.project.runs) - len(DELETED)} arrived" in told
    assert re.fullmatch(r"  copy by another tool: [0-9a-f]{32}, lacks points of 66 of 66 metrics, 16 of 16 files", copy)

    # Silent, since nothing is new.
    [[line]] = [text.splitlines() for text in cron]
    schedule, command = line.split(" ", 5)[:5], line.split(" ", 5)[5]
    assert len(schedule) == 5 and schedule[0] == "*/10"
    assert reader.cron(command) == ""
    anemoi.project.store.train(anemoi.project.runs["killed"], 750, 900)
    assert "1 arrived, 7 unchanged" in reader.cron(command)


def test_the_flags_and_codes_that_are_explained_are_those_that_there_are(reader):
    text = (DOCUMENTS / "ANEMOI.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"`(--?[\w-]+)", text.split("| | |\n|---|---|\n")[1].split("\n\n")[0]))
    there = reader.shell("windvane sync --help")
    assert explained
    for flag in explained:
        assert re.search(rf"(^|[ ,]){flag}[ ,]", there.replace("\n", " ")), flag
    assert "Exit code 0: everything is there; 1: nothing is; 3: some runs are not." in there.replace("\n", " ")


def test_migrate(reader, server, tmp_path):
    projects = {
        "mlruns": fill(Store.of_files(reader.directory / "mlruns"), tmp_path),
        "mlflow.db": fill(Store.of_database(reader.directory), tmp_path),
    }
    told = []
    for block in blocks("MIGRATE.md"):
        assert block.language == "sh"
        told.append(reader.shell(block.text))

    for project in projects.values():
        assert_there(server, project, tmp_path / project.experiment, *DELETED)
        for name in DELETED:
            assert project.runs[name] not in "".join(told)
    alive = len(projects["mlruns"].runs) - len(DELETED)
    verified = [line for line in told[-1].splitlines() if " -> " in line]
    assert [line.rpartition(": ")[2] for line in verified] == [f"{alive} unchanged"] * 2

    # What is said of deleted runs, and of a source that differs.
    for source, project in projects.items():
        assert f"{len(DELETED)} arrived" in reader.shell(f"windvane sync -s {source} -x")
        assert_there(server, project, tmp_path / f"{project.experiment} with deleted")
        server.client.set_tag(project.runs["first"], "projectName", "edited")
        project.store.train(project.runs["killed"], 750, 900)
        verified = reader.shell(f"windvane sync -s {source} --dry-run --verbose")
        assert "left as it is there: tag 'projectName', which has another value" in verified
        assert verified.splitlines()[-1].endswith(f": 1 would arrive, {alive - 1} unchanged")


def test_every_document_that_is_named_is_there():
    for name in ("ANEMOI.md", "MIGRATE.md"):
        text = (DOCUMENTS / name).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#]+)", text):
            assert target.startswith("https://") or (DOCUMENTS / target).is_file(), target
