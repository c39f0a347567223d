"""Requests to the JSON door for tests: a client over real sockets, and a body for each operation."""

import base64
import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from tests.server.running import ADMIN, RunningServer

PATIENCE = 30.0
JSON = {"Content-Type": "application/json"}
PROCESS = 'Win32_Process.Handle="4312"'

BODIES: Mapping[str, Mapping[str, Any]] = {
    "identify": {}, "machine": {}, "sessions": {"which": "alice"}, "session_of": {"pid": 4312}, "processes": {},
    "session_processes": {}, "tree": {}, "leftovers": {}, "services": {}, "whose": {"target": ":8080"}, "doctor": {},
    "get": {"path": PROCESS}, "enumerate": {"class_name": "Win32_SessionProcess"},
    "query": {"text": "SELECT Name, __PATH FROM Win32_Process"}, "explain": {"text": "SELECT * FROM Win32_Process"},
    "associators": {"path": PROCESS}, "references": {"path": PROCESS}, "classes": {"pattern": "Win32_*Process*"},
    "get_class": {"name": "Win32_Process"}, "invoke": {"path": PROCESS, "method": "GetOwner"},
    "delete": {"path": PROCESS}, "history": {"where": {"word": "alice"}}, "past_processes": {"where": {"failed": True}},
    "timeline": {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z", "resolution": 600},
    "watch": {"events": ["LogonStarted"]},
}  # fmt: skip
"""A valid request for each operation about the example host."""

OF_HISTORY = {"history", "past_processes", "timeline", "watch"}
"""Operations that the example host, which has neither history nor events, refuses."""


class JsonAnswer(NamedTuple):
    """An answer: status, headers, and the objects of its lines."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Return the lines."""
        return [json.loads(line) for line in self.body.splitlines()]

    @property
    def error(self) -> dict[str, Any]:
        """Return the error, the last line."""
        error: dict[str, Any] = self.lines[-1]["error"]
        return error


def basic(user: tuple[str, str] = ADMIN) -> dict[str, str]:
    """Return the header of a user with a password."""
    return {"Authorization": f"Basic {base64.b64encode(':'.join(user).encode()).decode()}"}


@contextmanager
def connection(server: RunningServer) -> Iterator[http.client.HTTPConnection]:
    """Return a connection without TLS."""
    client = http.client.HTTPConnection("127.0.0.1", server.http, timeout=PATIENCE)
    try:
        yield client
    finally:
        client.close()


def post(
    server: RunningServer,
    operation: str,
    body: Mapping[str, Any] | bytes = b"",
    user: tuple[str, str] | None = ADMIN,
    method: str = "POST",
    **headers: str,
) -> JsonAnswer:
    """Send a request over a connection of its own."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {**JSON, **(basic(user) if user else {}), **{name.replace("_", "-"): text for name, text in headers.items()}}
    with connection(server) as client:
        client.request(method, f"/v1/{operation}", data, sent)
        response = client.getresponse()
        received = {name.lower(): value for name, value in response.getheaders()}
        return JsonAnswer(response.status, received, response.read())
