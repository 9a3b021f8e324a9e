#!/usr/bin/env python3
"""What accounts cost: 256 ranks that refresh together, the CPU of an authenticated log-batch, and searches among 10,000
namespaces of which a caller sees some. See README.md."""

import argparse
import base64
import http.client
import json
import os
import random
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

PASSWORD = "correct horse battery"
NAMESPACES, USERS, ROLES, RUNS = 10_000, 1_000, 100, 1_000


class Server:
    """A server on a data directory, or with a database of its own in PostgreSQL."""

    def __init__(self, binary, data, database=None):
        self.binary, self.place = binary, ["--data", str(data)]
        if database:
            self.place += ["--database", database]

    def manage(self, *arguments):
        command = [self.binary, *arguments, *self.place]
        done = subprocess.run(command, input=PASSWORD + "\n", capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def start(self):
        command = [self.binary, "server", "--listen", "127.0.0.1:0", *self.place]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            fields = json.loads(line).get("fields", {})
            if fields.get("message", "").startswith("windvane is ready"):
                self.address = urlsplit(fields["listen"].split()[0]).netloc
                break
        threading.Thread(target=self.process.stderr.read, daemon=True).start()
        return self

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def cpu(self):
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Client:
    def __init__(self, server, authorization=None):
        self.connection = http.client.HTTPConnection(server.address, timeout=120)
        self.headers = {"Content-Type": "application/json"}
        if authorization:
            self.headers["Authorization"] = authorization

    def call(self, method, path, body=None):
        path = path if path.startswith("/") else f"/api/2.0/mlflow/{path}"
        self.connection.request(method, path, None if body is None else json.dumps(body), self.headers)
        answer = self.connection.getresponse()
        text = answer.read()
        assert answer.status == 200, (path, answer.status, text[:300])
        return json.loads(text)


def basic(name):
    return "Basic " + base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()


def ranks(server, count):
    """All at once: seconds from the first byte sent to the last answer read."""
    seed = server.manage("token", "add", "ann", "--login")
    ready, done = threading.Barrier(count + 1), []

    def rank():
        client = Client(server)
        client.connection.connect()
        ready.wait()
        answer = client.call("POST", "/refreshtoken", {"refresh_token": seed})
        done.append((time.perf_counter(), answer["status"]))

    threads = [threading.Thread(target=rank) for _ in range(count)]
    for thread in threads:
        thread.start()
    ready.wait()
    begin = time.perf_counter()
    for thread in threads:
        thread.join()
    assert all(status == "OK" for _, status in done) and len(done) == count
    return max(at for at, _ in done) - begin


def log_batches(server, authorization, requests):
    """Processor microseconds of the server for a log-batch of ten metrics."""
    client = Client(server, authorization)
    experiment = client.call("POST", "experiments/create", {"name": f"b{random.random()}"})["experiment_id"]
    run = client.call("POST", "runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"]
    before = server.cpu()
    for step in range(requests):
        metrics = [{"key": f"m{key}", "value": step * 0.5, "timestamp": step, "step": step} for key in range(10)]
        client.call("POST", "runs/log-batch", {"run_id": run, "metrics": metrics})
    return (server.cpu() - before) / requests * 1e6


def fill(server):
    """Namespaces, and runs in the first hundred and one of them."""
    client = Client(server)
    ids = [client.call("POST", "experiments/create", {"name": f"n{n}"})["experiment_id"] for n in range(NAMESPACES)]

    def log(job):
        number, count = job
        client = Client(server)
        for run in range(count):
            info = client.call("POST", "runs/create", {"experiment_id": ids[number], "start_time": run})["run"]["info"]
            metrics = [{"key": "loss", "value": random.random(), "timestamp": 1, "step": 1}]
            params = [{"key": "lr", "value": str(run % 7)}]
            client.call("POST", "runs/log-batch", {"run_id": info["run_id"], "metrics": metrics, "params": params})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(log, [(0, RUNS)] + [(number, 20) for number in range(1, 101)]))
    return ids


def people(ids):
    """The rows of accounts and their roles: `some` sees the first hundred and one namespaces, `all` each by a role of its
    own, and a thousand others a hundred each."""
    accounts = [(10 + n, f"user{n}") for n in range(USERS)] + [(5_000, "some"), (5_001, "all")]
    roles = {(int(ids[(n * 7 + k * 97) % NAMESPACES]), 10 + n) for n in range(USERS) for k in range(ROLES)}
    roles |= {(int(id), 5_000) for id in ids[:101]} | {(int(id), 5_001) for id in ids}
    return accounts, sorted(roles)


def add_people(data, database, psql, ids):
    accounts, roles = people(ids)
    if not database:
        with sqlite3.connect(data / "windvane.db") as connection:
            connection.executemany("INSERT INTO principal VALUES (?, ?, 1, '', '', NULL, NULL, 0)", accounts)
            connection.executemany("INSERT INTO namespace_role VALUES (?, ?, 1)", roles)
            connection.execute("ANALYZE")
        return
    values = ", ".join(f"({id}, '{name}', 1, '', '', NULL, NULL, 0)" for id, name in accounts)
    pairs = ", ".join(f"({namespace}, {principal}, 1)" for namespace, principal in roles)
    text = (
        f"INSERT INTO principal OVERRIDING SYSTEM VALUE VALUES {values}; INSERT INTO namespace_role VALUES {pairs}; ANALYZE;"
    )
    subprocess.run([*psql, database], input=text, text=True, check=True, capture_output=True)


def searches(ids):
    hundred = ids[1:101]
    order = {"order_by": ["metrics.loss ASC"], "max_results": 100}
    return {
        "experiments/search, 100": ("POST", "experiments/search", {"max_results": 100}),
        "runs/search, 1 namespace": ("POST", "runs/search", {"experiment_ids": ids[:1], **order}),
        "runs/search, filter": (
            "POST",
            "runs/search",
            {"experiment_ids": ids[:1], "filter": "params.lr = '3' AND metrics.loss < 0.5", **order},
        ),
        "runs/search, 100 namespaces": ("POST", "runs/search", {"experiment_ids": hundred, **order}),
        "rows, 1 namespace": (
            "POST",
            "/api/windvane/v1/rows",
            {"experiment_ids": ids[:1], "columns": ["metrics.loss"], "order_by": ["metrics.loss ASC"], "limit": 50},
        ),
    }


def compare(open_server, closed, tokens, ids, rounds):
    """Milliseconds, median, of each search by each caller, all in turns."""
    clients = {"open": Client(open_server)}
    clients |= {name: Client(closed, f"Bearer {token}") for name, token in tokens.items()}
    for name, (method, path, body) in searches(ids).items():
        times = {who: [] for who in clients}
        for _ in range(rounds):
            for who, client in clients.items():
                begin = time.perf_counter()
                client.call(method, path, body)
                times[who].append((time.perf_counter() - begin) * 1e3)
        median = {who: statistics.median(of) for who, of in times.items()}
        cells = [f"{median[who]:.2f}" for who in clients]
        ratios = [f"{median[who] / median['open']:.2f}" for who in tokens]
        print(f"| {name} | {' | '.join(cells)} | {' | '.join(ratios)} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", default="target/release/windvane")
    parser.add_argument("--postgres", help="postgres://… of a cluster where databases may be made: measures there")
    parser.add_argument("--requests", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    binary = str(Path(options.binary).resolve())
    folder = Path(tempfile.mkdtemp(prefix="windvane-access-"))
    psql = [shutil.which("psql") or "psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1"]
    databases = {"open": None, "closed": None}
    if options.postgres:
        base, _, query = options.postgres.partition("?")
        for name in databases:
            database = f"access_{name}_{os.getpid()}"
            subprocess.run([*psql, options.postgres, "--command", f"CREATE DATABASE {database}"], check=True)
            databases[name] = f"{base.rsplit('/', 1)[0]}/{database}?{query}"

    servers = {name: Server(binary, folder / name, databases[name]) for name in databases}
    servers["open"].start()
    servers["closed"].start()
    ids = [fill(servers[name]) for name in ("open", "closed")]
    assert ids[0] == ids[1]
    servers["closed"].stop()
    add_people(folder / "closed", databases["closed"], psql, ids[0])
    for name in ("boss", "ann"):
        servers["closed"].manage("user", "add", name, *(["--admin"] if name == "boss" else []), "--password-stdin")
    tokens = {name: servers["closed"].manage("token", "add", name) for name in ("boss", "some", "all")}
    servers["closed"].start()

    print("256 ranks refresh together, s:", ", ".join(f"{ranks(servers['closed'], 256):.2f}" for _ in range(5)))
    ann = servers["closed"].manage("token", "add", "ann")
    kinds = {"open": None, "token": f"Bearer {ann}", "password": basic("ann"), "administrator": f"Bearer {tokens['boss']}"}
    costs = {kind: [] for kind in kinds}
    for _ in range(5):
        for kind, authorization in kinds.items():
            server = servers["open" if kind == "open" else "closed"]
            costs[kind].append(log_batches(server, authorization, options.requests))
    median = {kind: statistics.median(of) for kind, of in costs.items()}
    print("log-batch of ten metrics, server CPU µs:", ", ".join(f"{kind} {of:.0f}" for kind, of in median.items()))
    print("| search, ms | open | admin | sees 101 | sees 10,000 | admin/open | 101/open | 10,000/open |\n|---" * 1 + "|---:" * 7 + "|")
    compare(servers["open"], servers["closed"], tokens, ids[0], options.rounds)
    for server in servers.values():
        server.stop()
    shutil.rmtree(folder)
    for database in filter(None, databases.values()):
        name = urlsplit(database).path[1:]
        subprocess.run([*psql, options.postgres, "--command", f"DROP DATABASE {name}"], check=True)


if __name__ == "__main__":
    main()
