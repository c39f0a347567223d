"""What does the JSON API cost beside WS-Management? The same associations from one server, and small requests."""

import base64
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Self

from bench.contest import command, contest
from bench.plan import Plan
from bench.recordings import recording
from bench.served import LOGONSCOPE, PASSWORD, PATIENCE, Client, Served, served
from bench.server import CLASS, enumeration
from bench.table import Row, at_most, milliseconds
from bench.tools import UnavailableError

SIZE, OFTEN = 20_000, 300
OURS = "`logonscope serve`"
FLOOR = "bare asyncio server with a thread for each request"
FOLDER = Path(__file__).parents[1]
ROW, SMALL = f"{CLASS} as JSON, {SIZE:,} recorded associations", "one small request, on a connection that is kept"

MAX_RATIO_TO_WSMAN, MAX_MICROSECONDS_PER_REQUEST = 0.5, 250.0
"""Aims: the processor time of a row beside that over WS-Management; microseconds of a small request."""


WHOSE, DIRECT, SERVED = "`logonscope whose PID`, of this machine", "read by itself", "over the unix socket of a server"
MAX_RATIO_TO_DIRECT = 1.0
"""Aim: the time of a whole command that a server answers, beside that of one that reads the machine."""


def rows(plan: Plan, tools: str) -> Iterator[Row]:
    """Measure the processor time of rows and of small requests, and whole commands."""
    try:
        with served(recording(tools, SIZE)) as server:
            # One after the other: the server closes a connection that sends no request for some seconds.
            with Client(server.port) as wsman:
                over_wsman = cpu(server, lambda: enumeration(wsman, SIZE, []), 3) / SIZE
            with JsonClient(server.port) as client:
                over_json = cpu(server, partial(client.post, "enumerate", {"class_name": CLASS}), 3) / SIZE
                measured = f"{over_json:.2f} µs of processor a row, {over_json / over_wsman:.2f} x WS-Management's"
                yield Row(ROW, OURS, measured, aim=at_most(over_json / over_wsman, MAX_RATIO_TO_WSMAN))
                floor = _floor()
                yield Row(SMALL, FLOOR, f"{floor:.0f} µs of processor")
                for name, arguments in _small_requests(client):
                    micros = cpu(server, partial(client.post, name, arguments), OFTEN)
                    aim = at_most(micros, MAX_MICROSECONDS_PER_REQUEST)
                    yield Row(SMALL, name, f"{micros:.0f} µs of processor", f"takes {micros / floor:.1f} x", aim)
        yield from _whole_commands(plan, tools)
    except UnavailableError as why:
        yield Row(ROW, OURS, f"not measured: {why}")


def _whole_commands(plan: Plan, tools: str) -> Iterator[Row]:
    """Measure one answer about a process of this machine: read by the command itself, and by a server."""
    path = str(Path(tools, "socket"))
    with served(None, "--listen", f"unix:{path}", folder=tools):
        words = ["whose", str(os.getpid())]
        turns = {
            DIRECT: command([*LOGONSCOPE, "--direct", *words]),
            SERVED: command([*LOGONSCOPE, "--host", f"unix:{path}", *words]),
        }
        seconds = contest(turns, plan.whole_rounds)
    ratio = seconds[SERVED] / seconds[DIRECT]
    yield Row(WHOSE, DIRECT, milliseconds(seconds[DIRECT]))
    yield Row(WHOSE, SERVED, milliseconds(seconds[SERVED]), f"takes {ratio:.2f} x", at_most(ratio, MAX_RATIO_TO_DIRECT))


def _floor() -> float:
    """Return the microseconds of processor that a request takes the bare server."""
    words = [sys.executable, "-m", "bench.bare_server"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=FOLDER) as process:
        assert process.stdout is not None  # noqa: S101 -- a pipe was asked for
        try:
            server = Served(process.pid, int(process.stdout.readline()))
            with JsonClient(server.port) as client:
                return cpu(server, partial(client.post, "identify", {}), OFTEN)
        finally:
            process.terminate()


def cpu(server: Served, ask: Callable[[], object], often: int) -> float:
    """Return the microseconds of processor that the server uses for each call; the first one is not counted."""
    ask()
    used = server.cpu
    for _ in range(often):
        ask()
    return (server.cpu - used) / often * 1e6


def _small_requests(client: "JsonClient") -> list[tuple[str, Mapping[str, Any]]]:
    first = json.loads(client.post("session_processes", {}).split(b"\n")[1])
    return [("identify", {}), ("session_of", {"pid": first["pid"]}), ("get", {"path": f"Win32_Process={first['pid']}"})]


class JsonClient:
    """One connection that is kept."""

    def __init__(self, port: int, name: str = "scanner") -> None:
        shown = base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()
        self._head = f"Host: 127.0.0.1\r\nContent-Type: application/json\r\nAuthorization: Basic {shown}\r\n"
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def post(self, operation: str, arguments: Mapping[str, Any]) -> bytes:
        """Send a request, and return the body of the answer; of one in parts, with the sizes of the parts.

        Raises:
            UnavailableError: the answer is no success.
        """
        body = json.dumps(arguments).encode()
        head = f"POST /v1/{operation} HTTP/1.1\r\n{self._head}Content-Length: {len(body)}\r\n\r\n"
        self._socket.sendall(head.encode() + body)
        head_lines, _, answer = self._until(b"\r\n\r\n").partition(b"\r\n\r\n")
        if not head_lines.startswith(b"HTTP/1.1 200 "):
            raise UnavailableError(f"the server said: {head_lines[:40] + answer[-300:]!r}")
        length = head_lines.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        parts, last = [answer], answer
        count = len(answer)
        while count < int(length) if length else not last.endswith(b"\r\n0\r\n\r\n"):
            parts.append(self._receive())
            last, count = (last + parts[-1])[-16:], count + len(parts[-1])
        return b"".join(parts)

    def _until(self, end: bytes) -> bytes:
        got = self._receive()
        while end not in got:
            got += self._receive()
        return got

    def _receive(self) -> bytes:
        part = self._socket.recv(1 << 20)
        if not part:
            raise UnavailableError("the server hung up")
        return part
