"""`mlflow-export-import` as released, from Windvane to Windvane: what it takes out comes in again."""

import os
import pathlib
import subprocess
import sys

import pytest

from offline_stores import LOSS, Store, fill, read
from support import unique
from windvane_sync import PROGRAM, Sync

pytest.importorskip("mlflow_export_import", reason="only with the newest client")
pytestmark = pytest.mark.skipif(not PROGRAM, reason="the server under test was not started here")


def call(program, *arguments):
    command = [str(pathlib.Path(sys.executable).parent / program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def carried(client, tmp_path_factory):
    """Runs of an experiment, and those that were imported into another one, by their names."""
    directory = tmp_path_factory.mktemp("export")
    project = fill(Store.of_files(directory / "mlruns"), directory)
    Sync(project.store.path, directory / "state")()
    copy = unique("imported")

    exported = call("export-experiment", "--experiment", project.experiment, "--output-dir", directory / "exported")
    imported = call("import-experiment", "--experiment-name", copy, "--input-dir", directory / "exported")

    def read_all(name):
        runs = client.search_runs([client.get_experiment_by_name(name).experiment_id])
        return {run.info.run_name: read(client, run.info.run_id, directory / run.info.run_id) for run in runs}

    # A training and what resumed it have one name; one of them is enough here.
    return project, exported + imported, read_all(project.experiment), read_all(copy)


def test_every_run_comes_in(carried):
    _, told, source, copy = carried

    assert "Imported 8 runs into experiment" in told
    assert copy.keys() == source.keys()
    assert len(source["odd: 'quoted' # → 🌀"]["points"]["odd"]) == 9
    assert len(source["odd: 'quoted' # → 🌀"]["files"]) == 5
    assert source["aifs-killed"]["points"][LOSS]


@pytest.mark.parametrize("aspect", ["params", "points", "files", "datasets"])
def test_what_was_logged_is_equal(carried, aspect):
    _, _, source, copy = carried

    for name in source.keys() - {"aifs-transformer"}:
        assert copy[name][aspect] == source[name][aspect], name


def test_tags_are_those_of_the_source(carried):
    _, _, source, copy = carried

    for name in source.keys() - {"aifs-transformer"}:
        assert source[name]["tags"].items() <= copy[name]["tags"].items() | {("mlflow.user", "trainer")}, name
