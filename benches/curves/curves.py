#!/usr/bin/env python3
"""Curves of metrics; see README.md."""

import argparse
import http.client
import json
import random
import statistics
import time
from urllib.parse import urlencode, urlsplit

MLFLOW = "/api/2.0/mlflow/"
OWN = "/api/windvane/v1/"
START_MS = 1_790_000_000_000
APART = 50


class Server:
    """One keep-alive connection."""

    def __init__(self, url):
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=600)

    def ask(self, method, path, body=None):
        """The milliseconds to the end of an answer, and the answer."""
        text = None if body is None else json.dumps(body)
        start = time.perf_counter()
        self._connection.request(method, path, text, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        received = answer.read()
        spent = 1_000 * (time.perf_counter() - start)
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}: {received[:300]!r}")
        return spent, received

    def post(self, path, body):
        return json.loads(self.ask("POST", MLFLOW + path, body)[1])


def seed(url, groups):
    """Runs of a noisy loss that falls, as `{points: [run ids]}`."""
    server = Server(url)
    found = {}
    for points, runs in groups.items():
        name = f"curves-{points}-{random.getrandbits(48):x}"
        experiment_id = server.post("experiments/create", {"name": name})["experiment_id"]
        found[points] = []
        for number in range(runs):
            chance = random.Random(1_000 * points + number)
            body = {"experiment_id": experiment_id, "start_time": START_MS + number}
            run_id = server.post("runs/create", body)["run"]["info"]["run_id"]
            found[points].append(run_id)
            clock = START_MS
            for first in range(0, points, 1_000):
                metrics = []
                for index in range(first, min(first + 1_000, points)):
                    clock += chance.randint(490, 510)
                    value = 10 / (1 + 0.01 * index) + chance.random()
                    metrics.append({"key": "loss", "value": value, "timestamp": clock, "step": APART * index})
                server.post("runs/log-batch", {"run_id": run_id, "metrics": metrics})
            server.post("runs/update", {"run_id": run_id, "status": "FINISHED"})
    return found


def measure(server, method, path, body, times):
    spent, size = [], 0
    for _ in range(times):
        one, answer = server.ask(method, path, body)
        spent.append(one)
        size = len(answer)
    spent.sort()
    return statistics.median(spent), spent[int(0.9 * len(spent))], size


def bulk(runs):
    fields = [("run_ids", run_id) for run_id in runs] + [("metric_key", "loss"), ("max_results", "1000")]
    return "GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?" + urlencode(fields), None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    seeding = commands.add_parser("seed")
    seeding.add_argument("url")
    seeding.add_argument("file", help="where to note the runs")
    seeding.add_argument("--groups", default="5000:20,100000:20,1000000:1", help="points:runs")
    own = commands.add_parser("measure")
    own.add_argument("url")
    own.add_argument("file")
    own.add_argument("--times", type=int, default=50)
    peers = commands.add_parser("peers", help="20 runs of 5,000 points, by MLflow's own request on every server")
    peers.add_argument("servers", nargs="+", metavar="NAME=URL=FILE", help="the first is asked for our own series too")
    peers.add_argument("--times", type=int, default=15)
    asked = parser.parse_args()
    if asked.command == "seed":
        groups = {int(points): int(runs) for points, runs in (pair.split(":") for pair in asked.groups.split(","))}
        with open(asked.file, "w", encoding="utf-8") as file:
            json.dump(seed(asked.url, groups), file)
    elif asked.command == "measure":
        report(asked)
    else:
        compare(asked)


def read(file):
    with open(file, encoding="utf-8") as opened:
        return {int(points): runs for points, runs in json.load(opened).items()}


def report(asked):
    server, runs = Server(asked.url), read(asked.file)
    series = lambda ids, **more: ("POST", OWN + "series", {"run_ids": ids, "metrics": ["loss"], **more})
    questions = {}
    if 100_000 in runs:
        questions["20 runs x 100,000 points"] = series(runs[100_000])
        questions["the same, smoothed"] = series(runs[100_000], smoothing=0.9)
        questions["the same, by time since the start"] = series(runs[100_000], x="relative")
        questions["the same, a tenth of the steps"] = series(runs[100_000], range=[1_000_000, 1_500_000])
    if 1_000_000 in runs:
        questions["1 run of 1,000,000 points"] = series(runs[1_000_000])
        questions["the same, smoothed "] = series(runs[1_000_000], smoothing=0.9)
    if 5_000 in runs:
        questions["20 runs x 5,000 points"] = series(runs[5_000][:20])
        if len(runs[5_000]) >= 200:
            body = {"run_ids": runs[5_000][:200], "metric": "loss"}
            questions["200 inline curves of 5,000 points"] = ("POST", OWN + "inline-curves", body)
    print("| question | bytes | p50 ms | p90 ms |\n|---|---:|---:|---:|")
    for name, question in questions.items():
        median, high, size = measure(server, *question, asked.times)
        print(f"| {name} | {size:,} | {median:.1f} | {high:.1f} |")


def compare(asked):
    servers = [server.split("=", 2) for server in asked.servers]
    servers = [(name, Server(url), read(file)[5_000][:20]) for name, url, file in servers]
    questions = [(name, server, bulk(runs)) for name, server, runs in servers]
    name, server, runs = servers[0]
    questions.insert(0, (f"{name}, series", server, ("POST", OWN + "series", {"run_ids": runs, "metrics": ["loss"]})))
    spent = {name: [] for name, _, _ in questions}
    for _ in range(asked.times):
        for name, server, question in questions:
            spent[name].append(server.ask(*question)[0])
    print("| 20 runs x 5,000 points | p50 ms |\n|---|---:|")
    for name, times in spent.items():
        print(f"| {name} | {statistics.median(times):.1f} |")


if __name__ == "__main__":
    main()
