"""A server for load by hostile users: `logonscope serve` as a process of its own, and users who send many requests."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from logonscope.wire.wsman.names import WMI
from tests.lab.fixtures import skip_or_fail
from tests.server.soap import envelope, selector_set

PATIENCE = 30.0
SOURCE = str(Path(__file__).parents[2] / "src")
ENUMERATE = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate"
WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
CLIENT = """
import os, socket, sys, threading
path, uid, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
request = sys.stdin.buffer.read()
os.setgroups([])
os.setresgid(uid, uid, uid)
os.setresuid(uid, uid, uid)
clients = [socket.socket(socket.AF_UNIX) for _ in range(count)]
for client in clients:
    client.connect(path)
    client.sendall(request)
print("sent", flush=True)
for client in clients:
    while client.recv(1 << 16):
        pass
"""
"""Sends one request over many connections as a user; becomes that user itself, who may not read this Python."""


class Attacked(NamedTuple):
    """The server: its process, its unix socket and its log."""

    process: subprocess.Popen[bytes]
    path: str
    log: Path

    def ask(self, query: str) -> bytes:
        """Ask as root, and return the answer."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(self.path)
            client.sendall(request(query))
            parts = []
            while part := client.recv(1 << 16):
                parts.append(part)
        return b"".join(parts)


@contextmanager
def attacked(*flags: str, before: Sequence[str] = ()) -> Iterator[Attacked]:
    """Serve this machine to every user on it, by a unix socket; ``before`` are words in front of the command."""
    if os.geteuid() != 0:
        skip_or_fail("only root can be several users")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        path, log = f"{name}/socket", folder / "log"
        serve = [sys.executable, "-m", "logonscope", "serve", "--listen", f"unix:{path}", "--users", f"{name}/users"]
        more = ["--state", name, "--pam", "", *flags]
        with (
            log.open("wb") as file,
            subprocess.Popen(
                [*before, *serve, *more], stderr=file, env={**os.environ, "PYTHONPATH": SOURCE}
            ) as process,
        ):
            try:
                end = time.monotonic() + PATIENCE
                while b"listening" not in log.read_bytes():
                    assert process.poll() is None, log.read_text(encoding="utf-8")
                    assert time.monotonic() < end
                    time.sleep(0.02)
                yield Attacked(process, path, log)
            finally:
                process.terminate()
                process.wait(PATIENCE)


def request(query: str) -> bytes:
    """Return an HTTP request that asks for up to 100 rows."""
    filter_ = f'<w:Filter Dialect="{WQL}">{query}</w:Filter>'
    body = f"<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>100</w:MaxElements>{filter_}</n:Enumerate>"
    return post(envelope(ENUMERATE, "*", body))


def post(content: bytes) -> bytes:
    """Return an HTTP request with this envelope."""
    head = (
        "POST /wsman HTTP/1.1",
        "Host: here",
        "Connection: close",
        "Content-Type: application/soap+xml;charset=UTF-8",
        f"Content-Length: {len(content)}",
    )
    return "\r\n".join((*head, "", "")).encode() + content


@contextmanager
def asking(server: Attacked, uid: int, content: bytes, count: int = 1) -> Iterator[subprocess.Popen[bytes]]:
    """Let a user send a request over so many connections, and leave them open for the answers."""
    words = [sys.executable, "-c", CLIENT, server.path, str(uid), str(count)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as client:
        try:
            assert client.stdin is not None
            assert client.stdout is not None
            client.stdin.write(content)
            client.stdin.close()
            assert client.stdout.readline() == b"sent\n"
            yield client
        finally:
            client.kill()


@contextmanager
def running_as(uid: int, words: Sequence[str], count: int = 1) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Run a program several times as a user."""
    made = [subprocess.Popen(words, stdin=subprocess.PIPE, user=uid, group=uid, extra_groups=[]) for _ in range(count)]
    try:
        yield made
    finally:
        for process in made:
            process.kill()
            process.communicate()


def invoke(pid: int, method: str, parameters: str = "") -> bytes:
    """Return an HTTP request that runs a method of a process."""
    uri = f"{WMI}/root/cimv2/Win32_Process"
    body = f'<p:{method}_INPUT xmlns:p="{uri}">{parameters}</p:{method}_INPUT>'
    return post(envelope(f"{uri}/{method}", "Win32_Process", body, selector_set([("Handle", str(pid))])))
