#!/usr/bin/env python3
"""Asks seeded servers the same searches in turn and prints their speed side by side; see README.md."""

import argparse
import http.client
import json
import math
import multiprocessing
import re
import signal
import socket
import statistics
import sys
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import workloads
from runs import Anemoi, Plain, expected
from workloads import Bodies, SearchRuns, Workload

RECEIVE_BYTES = 1 << 20


@dataclass
class Server:
    name: str
    url: str
    experiment_ids: dict[str, str] = field(default_factory=dict)

    def ask(self, path: str, body: dict) -> dict:
        return json.loads(self.answer(path, json.dumps(body).encode()))

    def answer(self, path: str, body: bytes) -> bytes:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc)
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {text[:100]!r}")
        return text


class Connection:
    """Keeps one connection alive and reads answers into one buffer: `http.client` spends more on an answer than a fast
    server does."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._head = f"Host: {address.netloc}\r\nContent-Type: application/json\r\n"
        self._socket = socket.create_connection((address.hostname, address.port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(RECEIVE_BYTES)

    def exchange(self, path: str, body: bytes) -> int:
        """Sends a request and gives the number of bytes of its answer."""
        head = f"POST {path} HTTP/1.1\r\n{self._head}Content-Length: {len(body)}\r\n\r\n"
        self._socket.sendall(head.encode() + body)
        received = 0
        while (head_end := self._buffer.find(b"\r\n\r\n", 0, received)) < 0:
            received += self._receive(memoryview(self._buffer)[received:])
        head_bytes = bytes(self._buffer[:head_end])
        if not head_bytes.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(head_bytes.decode())
        answer_bytes = received - head_end - 4
        if length := re.search(rb"(?i)\r\ncontent-length: *(\d+)", head_bytes):
            while answer_bytes < int(length[1]):
                answer_bytes += self._receive(memoryview(self._buffer))
        else:
            # Chunked. JSON holds no bare line breaks of this form, so only the last chunk ends like this.
            tail = bytes(self._buffer[received - min(received, 5) : received])
            while tail != b"0\r\n\r\n":
                count = self._receive(memoryview(self._buffer))
                tail = (tail + self._buffer[max(0, count - 5) : count])[-5:]
                answer_bytes += count
        return answer_bytes

    def _receive(self, into: memoryview) -> int:
        count = self._socket.recv_into(into)
        if count == 0:
            raise ConnectionError("the server closed the connection")
        return count

    def close(self) -> None:
        self._socket.close()


@dataclass
class Figures:
    """What a workload took on a server, over all rounds."""

    rows_of_answer: int
    latencies_s: list[float] = field(default_factory=list)
    elapsed_s: float = 0
    answer_bytes: int = 0

    @property
    def p50_s(self) -> float:
        return statistics.median(self.latencies_s)

    @property
    def p99_s(self) -> float:
        return sorted(self.latencies_s)[math.ceil(0.99 * len(self.latencies_s)) - 1]

    @property
    def requests_per_s(self) -> float:
        return len(self.latencies_s) / self.elapsed_s


def closed_loop(url: str, path: str, bodies: Bodies, connections: int, plan: "Plan", figures: Figures) -> None:
    """One round: each connection sends its next request when it has the answer to the last one."""
    open_connections = [Connection(url) for _ in range(connections)]
    failures: list[Exception] = []
    answer_bytes: list[int] = []
    begin = time.perf_counter()

    def loop(connection: Connection) -> None:
        requests, now = 0, begin
        try:
            while now - begin < plan.seconds or (requests < plan.requests and now - begin < plan.patience_s):
                body = bodies()
                sent = time.perf_counter()
                answer_bytes.append(connection.exchange(path, body))
                now = time.perf_counter()
                figures.latencies_s.append(now - sent)
                requests += 1
        except (OSError, RuntimeError) as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=loop, args=(connection,)) for connection in open_connections]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    figures.elapsed_s += time.perf_counter() - begin
    figures.answer_bytes += sum(answer_bytes)
    if failures:
        raise failures[0]


@dataclass(frozen=True)
class Plan:
    """Of one round."""

    seconds: float
    requests: int
    patience_s: float


class Floor:
    """A server that sends one recorded answer to whatever it is asked: the kernel's work, and nothing else."""

    def __init__(self, answer: bytes) -> None:
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        # Forked, so that the answer is not copied and sending it does not contend with measuring.
        self._process = multiprocessing.get_context("fork").Process(target=self._serve, args=(listener, answer), daemon=True)
        self._process.start()
        listener.close()

    @classmethod
    def _serve(cls, listener: socket.socket, answer: bytes) -> None:
        # Ctrl-C reaches the whole foreground group; the one that measures ends this process.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
        answer = head.encode() + answer
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=cls._answer, args=(connection, answer), daemon=True).start()

    @staticmethod
    def _answer(connection: socket.socket, answer: bytes) -> None:
        # The load tool sends a request in one piece, smaller than this, and waits for its answer.
        while connection.recv(1 << 16):
            connection.sendall(answer)

    def stop(self) -> None:
        self._process.kill()
        self._process.join()


Results = dict[str, dict[str, Figures]]


def measure(workload: Workload, servers: list[Server], rounds: int, plan: Plan, with_floor: bool, results: Results) -> None:
    targets: dict[str, tuple[str, Bodies, int]] = {}
    floor = None
    for server in servers:
        try:
            bodies = workload.prepare(server.ask, server.experiment_ids)
            answer = server.answer(workload.path, bodies())
        except (OSError, RuntimeError) as error:
            print(f"{workload.name}: {server.name}: {error}", file=sys.stderr)
            continue
        rows = workload.count(json.loads(answer))
        targets[server.name] = server.url, bodies, rows
        if with_floor and server is servers[0]:
            floor = Floor(answer)
            targets["floor"] = floor.url, bodies, rows
    try:
        for connections in workload.connections:
            label = workload.name if connections == 1 else f"{workload.name}, {connections} connections"
            figures = {name: Figures(rows) for name, (_, _, rows) in targets.items()}
            for _ in range(rounds):
                for name, (url, bodies, _) in targets.items():
                    try:
                        closed_loop(url, workload.path, bodies, connections, plan, figures[name])
                    except (OSError, RuntimeError) as error:
                        print(f"{label}: {name}: {error}", file=sys.stderr)
            results[label] = {name: measured for name, measured in figures.items() if measured.latencies_s}
            speeds = ", ".join(f"{name} {1e3 * measured.p50_s:.3g} ms" for name, measured in results[label].items())
            print(f"{label}: {speeds}", file=sys.stderr)
    finally:
        if floor:
            floor.stop()


def check(searches: list[SearchRuns], dataset: Plain | Anemoi, servers: list[Server]) -> bool:
    """Compares the names of all runs of each answer, in order, with those that the runs themselves say."""
    right = True
    for workload, names in zip(searches, expected([workload.search for workload in searches], dataset.runs())):
        for server in servers:
            try:
                bodies = workload.prepare(server.ask, server.experiment_ids)
                answer = json.loads(server.answer(workload.path, bodies()))
            except (OSError, RuntimeError, KeyError) as error:
                print(f"{server.name}: {workload.name}: failed: {error!r}")
                right = False
                continue
            found = workloads.run_names(answer)
            if found != names:
                differences = (at for at, (one, other) in enumerate(zip(found, names)) if one != other)
                place = next(differences, min(len(found), len(names)))
                print(
                    f"{server.name}: {workload.name}: {len(found)} runs, should be {len(names)}; from number {place} on "
                    f"{found[place : place + 3]}, should be {names[place : place + 3]}"
                )
                right = False
    return right


def table(results: Results, servers: list[str]) -> str:
    first, *others = servers
    columns = [f"{name} p50 ms" for name in servers] + [f"{name} / {first}" for name in others]
    lines = [
        f"| workload | rows | {' | '.join(columns)} |",
        "|---|---:|" + "---:|" * len(columns),
    ]
    for label, figures in results.items():
        cells = [label, f"{next(iter(figures.values())).rows_of_answer:,}"] if figures else [label, "–"]
        cells += [number(1e3 * figures[name].p50_s) if name in figures else "–" for name in servers]
        for name in others:
            known = first in figures and name in figures
            cells.append(f"{number(figures[name].p50_s / figures[first].p50_s)}x" if known else "–")
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "| workload | server | requests | p50 ms | p99 ms | requests/s | rows/s | MB/s |",
        "|---|---|" + "---:|" * 6,
    ]
    for label, figures in results.items():
        for name, measured in figures.items():
            speeds = (
                1e3 * measured.p50_s,
                1e3 * measured.p99_s,
                measured.requests_per_s,
                measured.requests_per_s * measured.rows_of_answer,
                measured.answer_bytes / measured.elapsed_s / 1e6,
            )
            lines.append(f"| {label} | {name} | {len(measured.latencies_s):,} | {' | '.join(map(number, speeds))} |")
    return "\n".join(lines)


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def experiment_ids(server: Server, names: list[str]) -> dict[str, str]:
    wanted = set(names)
    answer = server.ask(workloads.SEARCH_EXPERIMENTS, {"filter": "name LIKE 'bench-%'", "max_results": 1_000})
    found = {experiment["name"]: experiment["experiment_id"] for experiment in answer.get("experiments", [])}
    if missing := wanted - found.keys():
        sys.exit(f"{server.name} has no experiment {min(missing)}: seed it first")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("servers", nargs="+", metavar="NAME=URL", help="the ratios are those to the first")
    parser.add_argument("--dataset", choices=["plain", "anemoi"], default="plain")
    parser.add_argument("--runs", type=int, default=10_000, help="runs of the large experiment, as seeded")
    parser.add_argument("--only", default="", help="a regular expression: workloads whose name it is found in")
    parser.add_argument("--seconds", type=float, default=3, help="for a workload on a server, in all rounds together")
    parser.add_argument("--requests", type=int, default=5, help="at least so many in all rounds, unless they take too long")
    parser.add_argument("--patience", type=float, default=60, help="seconds after which fewer requests will do")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--floor", action="store_true", help="measure a bare server that sends the bytes of the first one")
    parser.add_argument("--check", action="store_true", help="compare the answers with the runs instead of measuring")
    arguments = parser.parse_args()

    dataset_type, make_workloads = {"plain": (Plain, workloads.plain), "anemoi": (Anemoi, workloads.anemoi)}[arguments.dataset]
    dataset = dataset_type(arguments.runs)
    chosen = [workload for workload in make_workloads(arguments.runs) if re.search(arguments.only, workload.name)]
    servers = [Server(*argument.partition("=")[::2]) for argument in arguments.servers]
    for server in servers:
        server.experiment_ids = experiment_ids(server, dataset.experiments())

    if arguments.check:
        searches = [workload for workload in chosen if isinstance(workload, SearchRuns)]
        right = check(searches, dataset, servers)
        print(f"{len(searches)} searches on {len(servers)} servers: {'all right' if right else 'NOT right'}")
        sys.exit(not right)

    rounds = arguments.rounds
    plan = Plan(arguments.seconds / rounds, math.ceil(arguments.requests / rounds), arguments.patience / rounds)
    results: Results = {}
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        for workload in chosen:
            measure(workload, servers, rounds, plan, arguments.floor, results)
    except KeyboardInterrupt:
        print("stopped early: the table holds what was measured so far", file=sys.stderr)
    print(table(results, [server.name for server in servers] + ["floor"] * arguments.floor))


if __name__ == "__main__":
    main()
