#!/usr/bin/env python3
"""Files through the artifact routes of several servers, and through the least that could move them; see README.md."""

import argparse
import hashlib
import json
import os
import random
import socket
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

FILES = "/api/2.0/mlflow-artifacts/artifacts"
MIB = 1 << 20
#: What large bodies are made of; it does not compress.
BLOCK = random.Random(1).randbytes(MIB)
SMALL = BLOCK[:10_000]
#: The name of the floor in the tables.
FLOOR = "floor"


class Connection:
    """HTTP/1.1 on one connection with as little work as Python allows: it shares the machine with the servers."""

    def __init__(self, address):
        self._address = address
        self._socket = socket.create_connection(address, timeout=600)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray(MIB)
        self._view = memoryview(self._buffer)

    def ask(self, method, path, blocks=(), hashed=None):
        """Sends a request whose body is `blocks` and reads the whole answer; how many bytes its body had."""
        length = sum(map(len, blocks))
        head = f"{method} {path} HTTP/1.1\r\nHost: {self._address[0]}\r\nContent-Length: {length}\r\n\r\n".encode()
        if length <= len(SMALL):
            self._socket.sendall(head + b"".join(blocks))
        else:
            self._socket.sendall(head)
            for block in blocks:
                self._socket.sendall(block)
        return self._read_answer(f"{method} {path}", hashed)

    def _read_answer(self, asked, hashed):
        filled = end = 0
        while end <= 0:
            filled += self._receive_into(filled)
            end = self._buffer.find(b"\r\n\r\n", 0, filled) + 4 if b"\r\n\r\n" in self._view[:filled].tobytes() else 0
        lines = bytes(self._view[:end]).decode("latin-1").lower().split("\r\n")
        status, headers = lines[0].split(" ")[1], dict(line.split(": ", 1) for line in lines[1:] if ": " in line)
        if status != "200":
            raise RuntimeError(f"{asked} answered {status}: {bytes(self._view[end:filled])[:300]!r}")
        if headers.get("transfer-encoding") == "chunked":
            return self._read_to_last_chunk(end, filled)
        length, received = int(headers.get("content-length", 0)), filled - end
        if hashed is not None:
            hashed.update(self._view[end:filled])
        while received < length:
            count = self._receive_into(0)
            received += count
            if hashed is not None:
                hashed.update(self._view[:count])
        return received

    def _read_to_last_chunk(self, end, filled):
        received, tail = filled - end, bytes(self._view[max(end, filled - 7):filled])
        while not tail.endswith(b"\r\n0\r\n\r\n"):
            count = self._receive_into(0)
            received += count
            tail = (tail + bytes(self._view[max(0, count - 7):count]))[-7:]
        return received

    def _receive_into(self, offset):
        count = self._socket.recv_into(self._view[offset:])
        if count == 0:
            raise RuntimeError("the server ended the connection")
        return count

    def close(self):
        self._socket.close()


def descendants(pid):
    """A process and those that it has started."""
    parents = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8") as file:
                parents.setdefault(int(file.read().rsplit(")", 1)[1].split()[1]), []).append(int(entry))
        except OSError:
            pass
    found = [pid]
    for one in found:
        found.extend(parents.get(one, []))
    return found


@dataclass
class Server:
    """A server under test."""

    name: str
    url: str
    pid: int
    directory: str
    spent: dict = field(default_factory=dict)

    @classmethod
    def parse(cls, text):
        name, url, pid, directory = text.split("=", 3)
        return cls(name, url, int(pid), directory)

    @property
    def address(self):
        parts = urlsplit(self.url)
        return parts.hostname, parts.port

    def memory(self, which):
        """`VmRSS` or `VmHWM` of all its processes, in MiB."""
        total = 0
        for pid in descendants(self.pid):
            with open(f"/proc/{pid}/status", encoding="utf-8") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith(which + ":"))
        return total / 1024

    def forget_peak(self):
        for pid in descendants(self.pid):
            with open(f"/proc/{pid}/clear_refs", "w", encoding="utf-8") as file:
                file.write("5")

    def processor_ms(self):
        """What all its processes have used of processors."""
        ticks = 0
        for pid in descendants(self.pid):
            with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
                ticks += sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13]))
        return 1_000 * ticks / os.sysconf("SC_CLK_TCK")


def serve_file(listener, path):
    """Answers every request on every connection with one file, by sendfile."""
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {os.path.getsize(path)}\r\n\r\n".encode()

    def serve(connection):
        with connection, open(path, "rb") as file:
            while connection.recv(65_536):
                connection.sendall(head)
                file.seek(0)
                connection.sendfile(file)

    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


def start_sendfile_server(path):
    """A process that serves `path`; its address and its id."""
    listener = socket.create_server(("127.0.0.1", 0))
    pid = os.fork()
    if pid == 0:
        try:
            serve_file(listener, path)
        finally:
            os._exit(1)
    return listener.getsockname(), pid


def write_floor(path, blocks):
    """The seconds to write these blocks to a new file and to synchronise it."""
    if os.path.exists(path):
        os.unlink(path)
    start = time.perf_counter()
    with open(path, "wb", buffering=0) as file:
        for block in blocks:
            file.write(block)
        os.fsync(file.fileno())
    return time.perf_counter() - start


def many(server, connections, count, method, first):
    """Small files, on some connections at once: files per second, and the median of one in milliseconds."""
    opened = [Connection(server.address) for _ in range(connections)]
    blocks = [SMALL] if method == "PUT" else []
    spent = [[] for _ in opened]
    barrier = threading.Barrier(connections + 1)

    def work(number):
        barrier.wait()
        for index in range(number, count, connections):
            start = time.perf_counter()
            opened[number].ask(method, f"{FILES}/bench/small/{first + index}.bin", blocks)
            spent[number].append(time.perf_counter() - start)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    barrier.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    total = time.perf_counter() - start
    for connection in opened:
        connection.close()
    return count / total, 1_000 * statistics.median(one for part in spent for one in part)


def timed(call, *arguments):
    start = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - start


def plant(server, count):
    """A directory of many files, made past the server: through some it would take hours."""
    directory = os.path.join(server.directory, "bench", f"listed-{count}")
    os.makedirs(directory, exist_ok=True)
    for number in range(count):
        with open(os.path.join(directory, f"plot_{number}.png"), "wb") as file:
            file.write(b"x")


class Table:
    """Figures by row and column; a row is one measure of all servers."""

    def __init__(self):
        self._rows = {}

    def add(self, row, column, value):
        self._rows.setdefault(row, {}).setdefault(column, []).append(value)

    def show(self, columns):
        print("| | " + " | ".join(columns) + " |\n|---|" + "---:|" * len(columns))
        for row, cells in self._rows.items():
            values = [cells.get(column) for column in columns]
            shown = [f"{statistics.median(value):,.1f}" if value else "" for value in values]
            print(f"| {row} | " + " | ".join(shown) + " |")


def large_files(servers, asked, floor_directory, table):
    blocks = [BLOCK] * asked.large_mib
    size = f"{asked.large_mib} MiB"
    written, sent = (os.path.join(floor_directory, name) for name in ("written", "sent"))
    write_floor(sent, blocks)
    address, pid = start_sendfile_server(sent)
    rate = lambda seconds: asked.large_mib / seconds
    for _ in range(asked.rounds):
        table.add(f"PUT {size}, MiB/s", FLOOR, rate(write_floor(written, blocks)))
        floor = Connection(address)
        table.add(f"GET {size}, MiB/s", FLOOR, rate(timed(floor.ask, "GET", "/")))
        floor.close()
        for server in servers:
            connection = Connection(server.address)
            path = f"{FILES}/bench/large.bin"
            idle = server.memory("VmRSS")
            for method, body in (("PUT", blocks), ("GET", [])):
                server.forget_peak()
                used = server.processor_ms()
                seconds = timed(connection.ask, method, path, body)
                table.add(f"{method} {size}, MiB/s", server.name, rate(seconds))
                used = server.processor_ms() - used
                table.add(f"{method} {size}, processor ms", server.name, used)
                table.add(f"{method} {size}, MiB of memory at its peak above idle", server.name,
                          server.memory("VmHWM") - idle)
            connection.close()
    os.kill(pid, 9)
    os.waitpid(pid, 0)
    expected = hashlib.sha256(b"".join(blocks)).hexdigest()
    for server in servers:
        hashed, connection = hashlib.sha256(), Connection(server.address)
        connection.ask("GET", f"{FILES}/bench/large.bin", [], hashed)
        if hashed.hexdigest() != expected:
            raise RuntimeError(f"{server.name} does not have what was sent")
        connection.close()


def small_files(servers, asked, table):
    for round_number in range(asked.rounds):
        for connections in (1, 16):
            for server in servers:
                count = asked.small if server.name not in asked.slow else max(asked.small // 20, 4 * connections)
                first = (2 * round_number + (connections > 1)) * asked.small
                for method in ("PUT", "GET"):
                    used = server.processor_ms()
                    per_second, median = many(server, connections, count, method, first)
                    used = server.processor_ms() - used
                    row = f"{method} 10 kB, {connections} connection{'s' if connections > 1 else ''}"
                    table.add(f"{row}, files/s", server.name, per_second)
                    table.add(f"{row}, p50 ms", server.name, median)
                    table.add(f"{row}, processor µs a file", server.name, 1_000 * used / count)


def listings(servers, asked, table):
    for count in asked.listed:
        for server in servers:
            plant(server, count)
        connections = {server.name: Connection(server.address) for server in servers}
        for _ in range(asked.list_times):
            for server in servers:
                server.forget_peak()
                idle = server.memory("VmRSS")
                seconds = timed(connections[server.name].ask, "GET", f"{FILES}?path=bench/listed-{count}")
                table.add(f"list {count:,} files, p50 ms", server.name, 1_000 * seconds)
                table.add(f"list {count:,} files, MiB of memory at its peak above before", server.name,
                          server.memory("VmHWM") - idle)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("servers", nargs="+", metavar="NAME=URL=PID=DIRECTORY", help="directory: of its artifacts")
    parser.add_argument("--floor-directory", required=True, help="on the same disk as the servers' artifacts")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large-mib", type=int, default=256)
    parser.add_argument("--small", type=int, default=1_000, help="how many files of 10 kB in each round")
    parser.add_argument("--slow", default="", help="names of servers that get a twentieth of them, by commas")
    parser.add_argument("--listed", default="10000,100000", help="sizes of listed directories")
    parser.add_argument("--list-times", type=int, default=9)
    parser.add_argument("--only", default="large,small,list")
    asked = parser.parse_args()
    asked.slow = asked.slow.split(",")
    asked.listed = [int(count) for count in asked.listed.split(",") if count]
    servers, table = [Server.parse(text) for text in asked.servers], Table()
    if "large" in asked.only:
        with tempfile.TemporaryDirectory(dir=asked.floor_directory) as directory:
            large_files(servers, asked, directory, table)
    if "small" in asked.only:
        small_files(servers, asked, table)
    if "list" in asked.only:
        listings(servers, asked, table)
    table.show([server.name for server in servers] + [FLOOR])


if __name__ == "__main__":
    sys.exit(main())
