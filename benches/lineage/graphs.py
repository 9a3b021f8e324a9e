#!/usr/bin/env python3
"""Graphs around a run, and what links cost when they are written; see README.md."""

import argparse
import random
import statistics
import time

from tree import MLFLOW, Server

GRAPH = "/api/windvane/v1/runs/{}/lineage"


class Runs:
    """Logs runs to an experiment of its own."""

    def __init__(self, server, metrics):
        self.server = server
        self.keys = [f"metric-{number}" for number in range(metrics)]
        name = f"graphs-{random.getrandbits(48):x}"
        self.experiment_id = server.post(MLFLOW + "experiments/create", {"name": name})["experiment_id"]
        self.count = 0

    def create(self, **tags):
        self.count += 1
        tags = [{"key": key.replace("_", "."), "value": value} for key, value in tags.items()]
        body = {"experiment_id": self.experiment_id, "start_time": self.count, "tags": tags}
        run_id = self.server.post(MLFLOW + "runs/create", body)["run"]["info"]["run_id"]
        step = 100 * self.count
        metrics = [
            {"key": key, "value": random.random(), "timestamp": step + n, "step": step + 50 * n}
            for key in self.keys
            for n in range(5)
        ]
        self.server.post(MLFLOW + "runs/log-batch", {"run_id": run_id, "metrics": metrics})
        return run_id


def graphs(url, metrics):
    server = Server(url)
    runs = Runs(server, metrics)
    parent = runs.create()
    for _ in range(1_000):
        child = runs.create(mlflow_parentRunId=parent)
    last = runs.create()
    for _ in range(199):
        last = runs.create(mlflow_parentRunId=last, resumedRun="True")
    print(f"| graph, {metrics} metrics a run | bytes | p50 ms | p90 ms |\n|---|---:|---:|---:|")
    for name, run_id in [("a sweep of 1,000", child), ("a chain of 200", last)]:
        times = sorted(server.timed_get(GRAPH.format(run_id)) for _ in range(200))
        size = len(server.get(GRAPH.format(run_id)))
        print(f"| {name} | {size:,} | {statistics.median(times):.2f} | {times[179]:.2f} |")


def lifecycles(servers, seconds, rounds):
    """Create, tag, param, finish on one connection, the servers in turn; plain runs and runs that are nested."""
    print("| runs/s | " + " | ".join(name for name, _ in servers) + " |\n|---|" + "---:|" * len(servers))
    for kind in ("plain", "nested"):
        rates = {name: [] for name, _ in servers}
        for _ in range(rounds):
            for name, url in servers:
                rates[name].append(lifecycle_rate(url, kind, seconds))
        print(f"| {kind} | " + " | ".join(f"{statistics.median(rates[name]):.0f}" for name, _ in servers) + " |")


def lifecycle_rate(url, kind, seconds):
    server = Server(url)
    runs = Runs(server, 1)
    parent = runs.create()
    tags = [{"key": "mlflow.parentRunId", "value": parent}] if kind == "nested" else [{"key": "note", "value": parent}]
    count, end = 0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        body = {"experiment_id": runs.experiment_id, "start_time": 1, "tags": tags}
        run_id = server.post(MLFLOW + "runs/create", body)["run"]["info"]["run_id"]
        server.post(MLFLOW + "runs/set-tag", {"run_id": run_id, "key": "a", "value": "b"})
        server.post(MLFLOW + "runs/log-parameter", {"run_id": run_id, "key": "a", "value": "b"})
        server.post(MLFLOW + "runs/update", {"run_id": run_id, "status": "FINISHED", "end_time": 2})
        count += 1
    return count / seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    graph = commands.add_parser("graphs")
    graph.add_argument("url")
    graph.add_argument("--metrics", type=int, default=10)
    cost = commands.add_parser("cost", help="compares servers, such as two versions")
    cost.add_argument("servers", nargs="+", metavar="NAME=URL")
    cost.add_argument("--seconds", type=float, default=2)
    cost.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    if asked.command == "graphs":
        graphs(asked.url, asked.metrics)
    else:
        lifecycles([server.split("=", 1) for server in asked.servers], asked.seconds, asked.rounds)


if __name__ == "__main__":
    main()
