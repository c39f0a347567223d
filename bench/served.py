"""What is the server that is measured? `logonscope serve` in a process of its own, and a client that counts bytes."""

import base64
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Self

from bench.tools import ENVIRONMENT, UnavailableError, first_line

PEOPLE = {"scanner": None, "alice": 1000, "bob": 1001}
"""Who may ask: an administrator, and two who see what their uid sees."""

PASSWORD = "correct horse"  # noqa: S105 -- of users who live as long as a measurement
PATIENCE = 60.0
SOAP = "application/soap+xml;charset=UTF-8"
LOGONSCOPE = (sys.executable, "-P", "-m", "logonscope")
"""The command, of whichever checkout the environment puts first."""

_LISTENING = re.compile(r"listening on http://127\.0\.0\.1:(\d+)")
_CPUCLOCK_SCHED = 2  # linux/posix-timers.h
_CONTEXT = re.compile(rb"<n:EnumerationContext>([^<]+)<")
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_HEAD_END = b"\r\n\r\n"
_N, _W, _WMI = (
    "http://schemas.xmlsoap.org/ws/2004/09/enumeration", "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2",
)  # fmt: skip


class Served(NamedTuple):
    """A server that runs: its process, and the port of 127.0.0.1 that it listens on."""

    pid: int
    port: int

    @property
    def cpu(self) -> float:
        """Return the seconds of processor that it has used, all threads together (clock_getcpuclockid(3))."""
        return time.clock_gettime((~self.pid << 3) | _CPUCLOCK_SCHED)

    def memory(self, *, peak: bool = False) -> int:
        """Return how many KiB of memory it has, or had at most (proc(5), status)."""
        name = "VmHWM:" if peak else "VmRSS:"
        with open(f"/proc/{self.pid}/status", encoding="ascii", errors="replace") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(name))

    def forget_peak(self) -> None:
        """Let the most memory be counted from now on (proc(5), clear_refs)."""
        with open(f"/proc/{self.pid}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")


@contextmanager
def served(
    recording: str | None, *flags: str, folder: str = "", environment: Mapping[str, str] = ENVIRONMENT
) -> Iterator[Served]:
    """Serve a recorded host to ``PEOPLE``, with these flags beside.

    Args:
        recording: the file of the host; None: this machine.
        flags: of ``logonscope serve``.
        folder: for the files of the server; "": the folder of the recording.
        environment: decides which logonscope is run.

    Raises:
        UnavailableError: the server is not installed, or does not start.
    """
    users = Path(recording).with_suffix(".users") if recording else Path(folder, "served.users")
    if not users.exists():
        _add_users(users, environment)
    words = [
        *LOGONSCOPE, *(("--host", recording) if recording else ()), "serve", "--listen", "http://127.0.0.1:0",
        "--users", str(users), "--state", str(users.parent), "--pam", "", "--audit-log", "", *flags,
    ]  # fmt: skip
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield Served(process.pid, _port(process))
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE)


def _add_users(path: Path, environment: Mapping[str, str]) -> None:
    for name, uid in PEOPLE.items():
        rights = ["--administrator"] if uid is None else ["--uid", str(uid)]
        words = [*LOGONSCOPE, "user", "add", name, *rights, "--ntlm", "--password-stdin", "--users", str(path)]
        done = subprocess.run(words, input=PASSWORD, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise UnavailableError(first_line(done.stderr))


def _port(process: "subprocess.Popen[str]") -> int:
    said = []
    for line in process.stderr or ():
        if match := _LISTENING.search(line):
            return int(match[1])
        said.append(line)
    raise UnavailableError(f"the server does not start: {' '.join(said)}")


class Client:
    """One connection that is kept; ``octets`` counts what came."""

    def __init__(self, port: int, name: str = "scanner") -> None:
        shown = base64.b64encode(f"{name}:{PASSWORD}".encode()).decode()
        self._headers = f"Content-Type: {SOAP}\r\nAuthorization: Basic {shown}\r\n"
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.octets = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, request: bytes) -> bytearray:
        """Send an envelope, and return that of the answer.

        Raises:
            UnavailableError: the answer is no success.
        """
        head, whole = self.exchange(self._headers, request)
        if not head.startswith(b"HTTP/1.1 200 "):
            raise UnavailableError(f"the server said: {bytes(head[:40] + whole[-300:])!r}")
        return whole

    def exchange(self, headers: str, body: bytes) -> tuple[bytes, bytearray]:
        """Send a request with these headers, and return the head and the body of the answer."""
        head_lines = f"POST /wsman HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}Content-Length: {len(body)}\r\n\r\n"
        self._socket.sendall(head_lines.encode() + body)
        head, _, begun = self._until_the_head_ends().partition(_HEAD_END)
        length = _LENGTH.search(head + b"\r\n")
        whole = bytearray(int(length[1]) if length else 0)
        whole[: len(begun)] = begun
        rest = memoryview(whole)[len(begun) :]
        while rest:
            rest = rest[self._socket.recv_into(rest) or len(rest) :]
        self.octets += len(whole)
        return head, whole

    def _until_the_head_ends(self) -> bytes:
        got = b""
        while _HEAD_END not in got:
            part = self._socket.recv(65_536)
            if not part:
                raise UnavailableError("the server hung up")
            got += part
        return got

    def enumerate(self, class_name: str, most: int) -> Iterator[bytearray]:
        """Yield the answers to an enumeration, from the first to that of the last pull."""
        uri = f"{_WMI}/{class_name}"
        begun = f"<n:Enumerate><w:OptimizeEnumeration/><w:MaxElements>{most}</w:MaxElements></n:Enumerate>"
        answer = self.ask(envelope("Enumerate", uri, begun))
        yield answer
        while context := _CONTEXT.search(answer[:4096]):
            answer = self.ask(pull(context[1].decode(), uri, most))
            yield answer


def pull(context: str, uri: str, most: int) -> bytes:
    """Return a Pull."""
    inner = f"<n:EnumerationContext>{context}</n:EnumerationContext><n:MaxElements>{most}</n:MaxElements>"
    return envelope("Pull", uri, f"<n:Pull>{inner}</n:Pull>")


def envelope(verb: str, uri: str, body: str) -> bytes:
    """Return a request of WS-Enumeration."""
    soap, addressing = "http://www.w3.org/2003/05/soap-envelope", "http://schemas.xmlsoap.org/ws/2004/08/addressing"
    return (
        f'<s:Envelope xmlns:s="{soap}" xmlns:a="{addressing}" xmlns:n="{_N}" xmlns:w="{_W}"><s:Header>'
        f"<a:Action>{_N}/{verb}</a:Action><w:ResourceURI>{uri}</w:ResourceURI><a:MessageID>uuid:1</a:MessageID>"
        f"</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()
