"""`windvane sync` as a user calls it."""

import hashlib
import json
import os
import subprocess
import types

from servers import PROGRAM
from support import TRACKING_URI


def looks_of(path):
    """Names, kinds, sizes, times and contents of all that is below a directory."""
    looks = {}
    for folder, folders, files in os.walk(path):
        for name in [*folders, *files]:
            place = os.path.join(folder, name)
            state = os.lstat(place)
            content = os.readlink(place) if os.path.islink(place) else ""
            if os.path.isfile(place) and not os.path.islink(place):
                with open(place, "rb") as file:
                    content = hashlib.sha256(file.read()).hexdigest()
            looks[os.fsencode(place)] = (state.st_mode, state.st_size, state.st_mtime_ns, content)
    return looks


class Sync:
    """Syncs one source, with notes of its own. Every time it proves that the source is as it was."""

    def __init__(self, source, state_home, destination=TRACKING_URI):
        self.source, self.destination = source, destination
        self.environment = os.environ | {"XDG_STATE_HOME": str(state_home)}
        self._state_home = state_home

    def run(self, *arguments, source=None, environment=None):
        """The finished process."""
        before = looks_of(self.source)
        command = [PROGRAM, "sync", "--source", str(source or self.source), *map(str, arguments)]
        environment = self.environment | {"MLFLOW_TRACKING_URI": self.destination} | (environment or {})
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=300
        )
        assert looks_of(self.source) == before, "the source was changed"
        return done

    def text(self, *arguments, code=0, **more):
        """What it prints."""
        done = self.run(*arguments, **more)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def __call__(self, *arguments, code=0, **more):
        """The report of `--json`, with the reports of runs by their ids as `by_id`."""
        done = self.run("--json", *arguments, **more)
        assert done.returncode == code, done.stdout + done.stderr
        report = json.loads(done.stdout)
        assert report["exit_code"] == code
        by_id = {run["run_id"]: run for run in report["runs"]}
        assert len(by_id) == len(report["runs"])
        return types.SimpleNamespace(**report, by_id=by_id)

    def outcomes(self, *arguments, **more):
        """What became of each run."""
        return {run_id: run["outcome"] for run_id, run in self(*arguments, **more).by_id.items()}

    def forget(self):
        """Removes the notes; there must be some."""
        notes = list(self._state_home.glob("windvane/sync/*.json"))
        assert notes
        for note in notes:
            note.unlink()
