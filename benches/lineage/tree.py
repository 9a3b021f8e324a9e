#!/usr/bin/env python3
"""Tables of linked runs, flat and as trees; see README.md."""

import argparse
import http.client
import json
import multiprocessing
import random
import statistics
import time
from urllib.parse import urlsplit

MLFLOW = "/api/2.0/mlflow/"
ROWS = "/api/windvane/v1/rows"
FIRST_START_MS = 1_790_000_000_000
SWEEP = 100
CHAIN = 4
COLUMNS = ["run_name", "status", "start_time", "params.lr", "metrics.loss", "metrics.val_loss"]
PROCESSES = 4


class Server:
    """One keep-alive connection."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=600)

    def post(self, path: str, body: dict) -> dict:
        return json.loads(self.timed(path, body)[1])

    def timed(self, path: str, body: dict) -> tuple[float, bytes]:
        """The milliseconds to the end of an answer, and the answer."""
        text = json.dumps(body)
        start = time.perf_counter()
        self._connection.request("POST", path, text, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        received = answer.read()
        spent = 1_000 * (time.perf_counter() - start)
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}: {received[:300]!r}")
        return spent, received

    def get(self, path: str) -> bytes:
        self._connection.request("GET", path)
        return self._connection.getresponse().read()

    def timed_get(self, path: str) -> float:
        """The milliseconds to the end of an answer."""
        start = time.perf_counter()
        self.get(path)
        return 1_000 * (time.perf_counter() - start)


def create(server: Server, experiment_id: str, number: int, tags: dict[str, str]) -> str:
    start_ms = FIRST_START_MS + 1_000 * number
    created = server.post(
        MLFLOW + "runs/create",
        {
            "experiment_id": experiment_id,
            "run_name": f"run-{number:06}",
            "start_time": start_ms,
            "tags": [{"key": key, "value": value} for key, value in tags.items()],
        },
    )
    run_id = created["run"]["info"]["run_id"]
    chance = random.Random(number)
    metric = lambda key, step: {"key": key, "value": chance.random(), "timestamp": start_ms + step, "step": step}
    params = {"lr": f"{chance.random():.3f}", "group": str(number % 10), "depth": "8", "width": "64", "seed": str(number)}
    batch = {
        "run_id": run_id,
        "params": [{"key": key, "value": value} for key, value in params.items()],
        "metrics": [metric(key, step) for key in ("loss", "val_loss", "lr", "rmse") for step in (0, 100)],
    }
    server.post(MLFLOW + "runs/log-batch", batch)
    return run_id


def seed_part(url: str, kind: str, experiment_id: str, numbers: range) -> None:
    """`numbers` begin and end with a sweep and with a chain."""
    server = Server(url)
    first = ""
    for number in numbers:
        tags = {}
        if kind == "sweeps" and number % SWEEP:
            tags = {"mlflow.parentRunId": first}
        elif kind == "chains" and number % CHAIN:
            tags = {"mlflow.parentRunId": first, "resumedRun": "True"}
        run_id = create(server, experiment_id, number, tags)
        if not tags:
            first = run_id


def seed(url: str, runs: int) -> None:
    for kind in ("plain", "sweeps", "chains"):
        experiment_id = Server(url).post(MLFLOW + "experiments/create", {"name": f"tree-{kind}"})["experiment_id"]
        part = runs // PROCESSES // SWEEP * SWEEP
        ends = [number * part for number in range(PROCESSES)] + [runs]
        parts = [(url, kind, experiment_id, range(*pair)) for pair in zip(ends, ends[1:])]
        with multiprocessing.Pool(PROCESSES) as pool:
            pool.starmap(seed_part, parts)
        print(f"{kind}: {runs} runs in experiment {experiment_id}", flush=True)


class Table:
    """The table of an experiment, flat and as a tree."""

    def __init__(self, server: Server, experiment_id: str) -> None:
        self._server = server
        self._experiment_id = experiment_id
        self._filters = 0
        self.rows = {tree: self.ask({"tree": tree})["total"] for tree in (False, True)}
        self._any_run = self.ask({})["rows"][0][0]

    def ask(self, changes: dict) -> dict:
        return json.loads(self.time(changes)[1])

    def time(self, changes: dict) -> tuple[float, bytes]:
        body = {"experiment_ids": [self._experiment_id], "columns": COLUMNS, "limit": 50, "order_by": []} | changes
        return self._server.timed(ROWS, body)

    def remade(self, tree: bool) -> float:
        tag = {"run_id": self._any_run, "key": "seen", "value": "x"}
        self._server.post(MLFLOW + "runs/set-tag", tag)
        return self.time({"tree": tree})[0]

    def new_filter(self, tree: bool) -> float:
        self._filters += 1
        return self.time({"tree": tree, "filter": f"start_time > {self._filters}"})[0]

    def tenth(self, tree: bool) -> float:
        self._filters += 1
        return self.time({"tree": tree, "filter": f"params.group = '3' AND start_time > {self._filters}"})[0]

    def kept(self, tree: bool) -> float:
        return self.time({"tree": tree, "offset": random.randrange(self.rows[tree])})[0]

    def opened(self, tree: bool, level: str) -> float | None:
        if not tree:
            return None
        offset = random.randrange(self.rows[True])
        run_id = self.ask({"tree": True, "offset": offset, "limit": 1})["rows"][0][0]
        return self.time({"tree": True, level: run_id})[0]


def measure(url: str, requests: int) -> None:
    server = Server(url)
    print("| experiment | question | requests | flat p50 ms | tree p50 ms | flat p99 | tree p99 |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for kind in ("plain", "sweeps", "chains"):
        found = server.post(MLFLOW + "experiments/search", {"filter": f"name = 'tree-{kind}'", "max_results": 1})
        table = Table(server, found["experiments"][0]["experiment_id"])
        level = "attempts_of" if kind == "chains" else "children_of"
        questions = {
            "remade": (table.remade, max(5, requests // 20)),
            "new filter": (table.new_filter, max(5, requests // 20)),
            "a tenth": (table.tenth, max(5, requests // 20)),
            "kept": (table.kept, requests),
            "opened": (lambda tree: table.opened(tree, level), requests),
        }
        for name, (question, count) in questions.items():
            # Whatever was asked before, the table is kept now.
            for tree in (False, True):
                table.ask({"tree": tree})
            spent = {tree: [] for tree in (False, True)}
            for _ in range(count):
                for tree in (False, True):
                    spent[tree].append(question(tree))
            cells = [f"{at:.2f}" for at in figures(spent[False], spent[True])] if spent[False][0] else None
            cells = cells or ["–", *(f"{at:.2f}" for at in figures(spent[True])[:1]), "–", f"{figures(spent[True])[1]:.2f}"]
            print(f"| {kind} | {name} | {count} | {' | '.join(cells)} |", flush=True)


def figures(*columns: list[float]) -> list[float]:
    """All p50, and then all p99."""
    percentile = lambda column: sorted(column)[min(len(column) - 1, int(0.99 * len(column)))]
    return [*map(statistics.median, columns), *map(percentile, columns)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["seed", "measure"])
    parser.add_argument("url")
    parser.add_argument("--runs", type=int, default=100_000, help="runs of each experiment (default: %(default)s)")
    parser.add_argument("--requests", type=int, default=200, help="requests of each kind (default: %(default)s)")
    asked = parser.parse_args()
    if asked.what == "seed":
        seed(asked.url, asked.runs)
    else:
        measure(asked.url, asked.requests)


if __name__ == "__main__":
    main()
