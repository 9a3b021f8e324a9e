"""Servers that tests start beside the one under test."""

import json
import os
import subprocess
import threading

PROGRAM = os.environ.get("COMPAT_SERVER")
PASSWORD = "correct horse battery"
CREDENTIALS = ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")


class Started:
    """A server of its own, on a port that it chose."""

    def __init__(self, options, listen=("127.0.0.1:0",)):
        listen = [part for address in listen for part in ("--listen", address)]
        self._process = subprocess.Popen([PROGRAM, "server", *listen, *options], stderr=subprocess.PIPE, text=True)
        for line in self._process.stderr:
            fields = json.loads(line).get("fields", {})
            if fields.get("message", "").startswith("windvane is ready"):
                self.uri = next(url for url in fields["listen"].split() if url.startswith("http"))
                break
        # Read to the end, or the server would stand still when the pipe is full.
        self._reader = threading.Thread(target=self._process.stderr.read)
        self._reader.start()

    def stop(self):
        self._process.terminate()
        assert self._process.wait(60) == 0
        self._reader.join()


class Closed(Started):
    """A server with the accounts `boss` (an administrator), `ann` and `robot`."""

    def __init__(self, directory):
        self._place = ["--data", str(directory)]
        if database := os.environ.get("COMPAT_CLOSED_DATABASE"):
            self._place += ["--database", database]
        self.manage("user", "add", "boss", "--admin", "--password-stdin")
        self.manage("user", "add", "ann", "--password-stdin", "--display-name", "Ann Ünal >>?~")
        self.manage("user", "add", "robot", "--service")
        super().__init__(self._place)

    def manage(self, *arguments):
        """What a command about accounts prints."""
        command = [PROGRAM, *arguments, *self._place]
        done = subprocess.run(command, input=PASSWORD + "\n", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
