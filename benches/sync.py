#!/usr/bin/env python3
"""How long `windvane sync` and `windvane view` take, what they send and what memory they need.

    benches/sync.py target/release/windvane [--runs 1000] [--view-runs 200]

Makes file stores as trainings with Anemoi leave them, starts a server, and prints one line a case. Needs Python alone.
"""

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

START_MS = 1_700_000_000_000
EXPERIMENT = "412345678901234567"


def write_store(root, runs, params, series, points, files, file_bytes, first=0):
    """`points` of each of `series` metrics; ids are counted from `first`."""
    experiment = root / EXPERIMENT
    experiment.mkdir(parents=True, exist_ok=True)
    (experiment / "meta.yaml").write_text(
        f"artifact_location: file:///elsewhere/{EXPERIMENT}\nexperiment_id: '{EXPERIMENT}'\nlifecycle_stage: active\nname: aifs\n"
    )
    noise = random.Random(7)
    for number in range(first, first + runs):
        run_id, start = f"{0xABC00000 + number:032x}", START_MS + number * 1_000
        run = experiment / run_id
        for name in ("params", "tags", "metrics", "artifacts/plots"):
            (run / name).mkdir(parents=True, exist_ok=True)
        (run / "meta.yaml").write_text(
            f"artifact_uri: file:///elsewhere/{run_id}/artifacts\nend_time: {start + 3_600_000}\nexperiment_id: '{EXPERIMENT}'\n"
            f"lifecycle_stage: active\nrun_id: {run_id}\nrun_name: run-{number}\nrun_uuid: {run_id}\nstart_time: {start}\n"
            f"status: 3\nuser_id: ada\n"
        )
        for key in range(params):
            (run / "params" / f"config.model.layer_{key}.value").write_text(str(key * 0.5))
        for key, value in {"mlflow.user": "ada", "mlflow.source.name": "train.py", "projectName": "anemoi"}.items():
            (run / "tags" / key).write_text(value)
        for key in range(series):
            path = run / "metrics" / f"val_wmse/var_{key:03}/1"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{start + at * 1_000} {noise.random()} {at * 50}\n" for at in range(points)))
        block = os.urandom(min(file_bytes, 1 << 20))
        for number_of_file in range(files):
            with open(run / "artifacts/plots" / f"loss_epoch{number_of_file:06}.jpg", "wb") as out:
                for _ in range(file_bytes // len(block) if block else 0):
                    out.write(block)


class Counter:
    """Stands before the server and counts bytes and requests."""

    def __init__(self, port):
        self.sent = self.received = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.upstream = port
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.upstream))
            threading.Thread(target=self.pump, args=(client, server, "sent"), daemon=True).start()
            threading.Thread(target=self.pump, args=(server, client, "received"), daemon=True).start()

    def pump(self, source, target, name):
        while data := source.recv(1 << 16):
            setattr(self, name, getattr(self, name) + len(data))
            target.sendall(data)
        target.close()


class Bench:
    def __init__(self, program, directory):
        self.program, self.directory = program, directory
        self.environment = {"XDG_STATE_HOME": str(directory / "state"), "TMPDIR": str(directory), "PATH": os.environ["PATH"]}
        self.server = subprocess.Popen(
            [program, "server", "--data", directory / "data", "--listen", "127.0.0.1:0", "--log-format", "json"],
            stderr=subprocess.PIPE, text=True,
        )
        ready = next(line for line in self.server.stderr if "windvane is ready" in line)
        threading.Thread(target=self.server.stderr.read, daemon=True).start()
        self.uri = json.loads(ready)["fields"]["listen"]

    def sync(self, source, uri=None):
        """Seconds, seconds of the processor, MiB of memory, and the report."""
        started = time.monotonic()
        command = [self.program, "sync", "-s", source, "-d", uri or self.uri, "--json"]
        with subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True) as process:
            report = json.loads(process.stdout.read())
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        assert report["exit_code"] == 0, report
        took = time.monotonic() - started
        return took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, report

    @staticmethod
    def tell(what, result, *more):
        took, processor, memory, _ = result
        print("  ".join([f"{what:58}", f"{took:7.2f} s", f"{processor:6.2f} s CPU", f"{memory:5.0f} MiB", *more]), flush=True)



def copy_over_loopback(directory, size):
    """What the bytes alone cost: through a socket into a file that is flushed."""
    listener = socket.create_server(("127.0.0.1", 0))
    source = directory / "bytes"
    subprocess.run(["head", "-c", str(size), "/dev/urandom"], stdout=open(source, "wb"), check=True)

    def receive():
        client, _ = listener.accept()
        with open(directory / "copied", "wb") as out:
            while data := client.recv(1 << 18):
                out.write(data)
            out.flush()
            os.fsync(out.fileno())
        client.close()

    started = time.monotonic()
    receiver = threading.Thread(target=receive)
    receiver.start()
    with socket.create_connection(listener.getsockname()) as out, open(source, "rb") as data:
        out.sendfile(data)
    receiver.join()
    took = time.monotonic() - started
    source.unlink()
    (directory / "copied").unlink()
    return took


def first_row(program, source, environment):
    """Seconds from the start of a view to its first row, and to the last point of all runs."""
    started = time.monotonic()
    view = subprocess.Popen([program, "view", source], env=environment, stdout=subprocess.PIPE, text=True)
    uri = next(line.strip() for line in view.stdout if line.strip().startswith("http"))
    total = len([run for run in (source / EXPERIMENT).iterdir() if run.is_dir()])
    body = {"experiment_ids": ["1"], "columns": ["metrics.val_wmse/var_000/1"], "limit": 1000}
    first = None
    while True:
        request = urllib.request.Request(
            f"{uri}/api/windvane/v1/rows", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        try:
            rows = json.load(urllib.request.urlopen(request))["rows"]
        except urllib.error.HTTPError:
            rows = []
        if rows and first is None:
            first = time.monotonic() - started
        if len(rows) == total and all(row[-1] is not None for row in rows):
            break
        time.sleep(0.05)
    whole = time.monotonic() - started
    view.terminate()
    view.wait()
    return first, whole


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--view-runs", type=int, default=200)
    parser.add_argument("--directory", help="where stores are made")
    arguments = parser.parse_args()
    program = str(Path(arguments.program).resolve())
    with tempfile.TemporaryDirectory(dir=arguments.directory) as name:
        directory = Path(name)
        bench = Bench(program, directory)

        training = directory / "training"
        write_store(training, 1, 1_546, 106, 84_120 // 106, 106, 179_000)
        bench.tell("a training: 1,546 params, 84,058 points, 106 files, 19 MB", bench.sync(training))
        counter = Counter(int(bench.uri.rsplit(":", 1)[1]))
        # Another address is another destination, of which nothing was noted.
        again = bench.sync(training, f"http://127.0.0.1:{counter.port}")
        bench.tell("again, without notes", again, f"{(counter.sent + counter.received) / 1000:.1f} kB on the wire")
        bench.tell("again", bench.sync(training))

        large = directory / "large"
        write_store(large, 1, 10, 100, 10_000, 1, 1 << 30, first=1_000_000)
        loopback = min(copy_over_loopback(directory, (1 << 30) + 40_000_000) for _ in range(2))
        result = bench.sync(large)
        bench.tell("1,000,000 points and 1 GiB in one file", result, f"{result[0] / loopback:.1f} x {loopback:.2f} s over loopback")

        tiny = directory / "tiny"
        write_store(tiny, 1, 10, 1, 1, 100_000, 100, first=2_000_000)
        bench.tell("100,000 files of 100 bytes", bench.sync(tiny))

        many = directory / "many"
        write_store(many, arguments.runs, 944, 66, 10, 16, 2_000, first=3_000_000)
        bench.tell(f"{arguments.runs:,} runs: 944 params, 66 metrics, 16 files each", bench.sync(many))
        bench.tell(f"{arguments.runs:,} unchanged runs", bench.sync(many))

        viewed = directory / "viewed"
        write_store(viewed, arguments.view_runs, 944, 66, 1_000, 16, 2_000, first=4_000_000)
        first, whole = first_row(program, viewed, bench.environment)
        print(f"view of {arguments.view_runs} runs with 66,000 points each: first row after {first:.2f} s, all points after {whole:.1f} s")
        bench.server.terminate()


if __name__ == "__main__":
    sys.exit(main())
