#!/usr/bin/env python3
"""Fills an MLflow-compatible server with the runs of `runs.py`; see README.md."""

import argparse
import http.client
import itertools
import json
import queue
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

from runs import Anemoi, Plain, Run

# What the API accepts in one log-batch.
PARAMS_OF_BATCH = 100
DATABASE_CHUNK = 200


class Server:
    """One keep-alive connection."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=600)

    def post(self, path: str, body: dict) -> dict:
        return self._answer("POST", path, json.dumps(body))

    def get(self, path: str, **query: str) -> dict:
        return self._answer("GET", f"{path}?{urlencode(query)}", None)

    def _answer(self, method: str, path: str, body: str | None) -> dict:
        self._connection.request(method, f"/api/2.0/mlflow/{path}", body, {"Content-Type": "application/json"})
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}: {text[:300]!r}")
        return json.loads(text)


def create_run(server: Server, run: Run, experiment_id: str) -> str:
    """Creates the run with all it has; gives its id."""
    tags = _entries(run.tags)
    created = server.post(
        "runs/create",
        {"experiment_id": experiment_id, "run_name": run.name, "start_time": run.start_ms, "tags": tags},
    )
    run_id = created["run"]["info"]["run_id"]
    params = iter(_entries(run.params))
    metrics = [{"key": key, "value": value, "timestamp": run.start_ms, "step": 0} for key, value in run.metrics.items()]
    while batch := list(itertools.islice(params, PARAMS_OF_BATCH)):
        server.post("runs/log-batch", {"run_id": run_id, "params": batch, "metrics": metrics})
        metrics = []
    return run_id


def _entries(values: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def seed_through_api(url: str, runs: Iterator[Run], experiment_ids: dict[str, str], connections: int) -> None:
    work: queue.Queue[Run | None] = queue.Queue(maxsize=4 * connections)
    failures: list[Exception] = []

    def work_off() -> None:
        server = Server(url)
        while run := work.get():
            try:
                if not failures:
                    create_run(server, run, experiment_ids[run.experiment])
            except Exception as error:
                failures.append(error)

    workers = [threading.Thread(target=work_off) for _ in range(connections)]
    for worker in workers:
        worker.start()
    for run in itertools.chain(runs, [None] * connections):
        work.put(run)
    for worker in workers:
        worker.join()
    if failures:
        raise failures[0]


class Database:
    """The tables that MLflow and FastTrackML have in common. Rows are copies of those of one run that was made through the
    API, so that columns which only one of them has are filled as it fills them."""

    TABLES = ("params", "tags", "metrics", "latest_metrics")

    def __init__(self, address: str) -> None:
        self._is_postgres = address.startswith("postgres")
        if self._is_postgres:
            import psycopg2

            self._connection = psycopg2.connect(address)
        else:
            self._connection = sqlite3.connect(address, timeout=60)
            self._connection.execute("PRAGMA synchronous = OFF")
            self._connection.execute("PRAGMA cache_size = -1000000")
        self._cursor = self._connection.cursor()

    def copy_run(self, template_id: str, runs: Iterator[Run], experiment_ids: dict[str, str]) -> None:
        run_template = self._templates("runs", template_id)[0]
        templates = {
            table: {row["key"]: row for row in self._templates(table, template_id)} for table in self.TABLES
        }
        for position in itertools.count():
            chunk = list(itertools.islice(runs, DATABASE_CHUNK))
            if not chunk:
                break
            rows: dict[str, list[dict]] = {table: [] for table in ("runs", *self.TABLES)}
            for offset, run in enumerate(chunk):
                run_id = uuid.uuid4().hex
                row = run_template | {
                    "run_uuid": run_id,
                    "name": run.name,
                    "start_time": run.start_ms,
                    "experiment_id": int(experiment_ids[run.experiment]),
                    "artifact_uri": run_template["artifact_uri"].replace(template_id, run_id),
                }
                if "row_num" in row:
                    row["row_num"] += 1 + position * DATABASE_CHUNK + offset
                rows["runs"].append(row)
                values = {"params": run.params, "tags": run.tags, "metrics": run.metrics, "latest_metrics": run.metrics}
                for table, by_key in templates.items():
                    for key, template in by_key.items():
                        rows[table].append(self._copy(template, run_id, run, values[table][key]))
            for table, copies in rows.items():
                self._insert(table, copies)
            self._connection.commit()
        if self._is_postgres:
            self._connection.autocommit = True
            self._cursor.execute("VACUUM ANALYZE")

    def _templates(self, table: str, run_id: str) -> list[dict]:
        self._cursor.execute(f"SELECT * FROM {table} WHERE run_uuid = '{uuid.UUID(run_id).hex}'")
        columns = [column[0] for column in self._cursor.description]
        return [dict(zip(columns, row)) for row in self._cursor.fetchall()]

    @staticmethod
    def _copy(template: dict, run_id: str, run: Run, value: str | float) -> dict:
        # FastTrackML keeps a param in the column of its type; all of ours are strings.
        column = "value_str" if "value_str" in template else "value"
        copy = template | {"run_uuid": run_id, column: value}
        if "timestamp" in copy:
            copy["timestamp"] = run.start_ms
        return copy

    def _insert(self, table: str, rows: list[dict]) -> None:
        columns = ", ".join(f'"{column}"' for column in rows[0])
        values = [tuple(row.values()) for row in rows]
        if self._is_postgres:
            from psycopg2.extras import execute_values

            execute_values(self._cursor, f"INSERT INTO {table} ({columns}) VALUES %s", values, page_size=5_000)
        else:
            marks = ", ".join("?" * len(rows[0]))
            self._cursor.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url", help="the server, http://HOST:PORT; it must not have the runs yet")
    parser.add_argument("--dataset", choices=["plain", "anemoi"], default="plain")
    parser.add_argument("--runs", type=int, default=10_000, help="runs of the large experiment")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument(
        "--database",
        help="load all runs but the first straight into the tables of MLflow or FastTrackML: a SQLite file or a postgresql:// "
        "address (needs psycopg2)",
    )
    arguments = parser.parse_args()
    dataset = {"plain": Plain, "anemoi": Anemoi}[arguments.dataset](arguments.runs)

    server = Server(arguments.url)
    experiment_ids = {
        name: server.post("experiments/create", {"name": name})["experiment_id"] for name in dataset.experiments()
    }
    runs = dataset.runs()
    if arguments.database:
        first = next(runs)
        template_id = create_run(server, first, experiment_ids[first.experiment])
        Database(arguments.database).copy_run(template_id, runs, experiment_ids)
    else:
        seed_through_api(arguments.url, runs, experiment_ids, arguments.connections)


if __name__ == "__main__":
    main()
