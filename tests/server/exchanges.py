"""A client that keeps every exchange with the server: what it sent so far, and the whole answer, fit to be compared."""

import base64
import http.client
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from logonscope.wire.wsman import names
from tests.server.running import RunningServer
from tests.server.soap import envelope

PATIENCE = 30.0
MAX_PULLS = 200
FOLLOW_UPS = ("pull", "release", "renew", "status")
"""What a client can do with an enumeration that was kept open."""

_UUID = re.compile(r"uuid:[0-9A-F]{8}-[0-9A-F-]{27}")
_SECONDS = re.compile(r"PT\d+\.\d+S")
_CONTEXT = re.compile(r"<n:EnumerationContext>(uuid:[^<]+)<")


class Request(NamedTuple):
    """An envelope to be sent, and what is done with the enumeration that its answer may keep open."""

    body: bytes
    follow_up: str = "pull"


class Exchange(NamedTuple):
    """One request with its answer.

    Attributes:
        path: of HTTP.
        body: of the request.
        sent: all that the client sent in this conversation.
        answer: its status, headers and body; ids, message ids and times are replaced.
        status: of the answer.
        content: its body as it came.
    """

    path: str
    body: bytes
    sent: str
    answer: str
    status: int
    content: str


def basic(name: str, password: str) -> dict[str, str]:
    """Return the header that shows a password."""
    return {"Authorization": f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"}


class Client:
    """One connection to the server; each request has these headers."""

    def __init__(self, server: RunningServer, headers: dict[str, str], path: str = "/wsman") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.http, timeout=PATIENCE)
        self._headers, self._path = headers, path
        self.exchanges: list[Exchange] = []

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def converse(self, requests: Sequence[Request]) -> None:
        """Send requests, and pull, renew or release what they leave open."""
        for request in requests:
            content = self.send(request.body)
            sent = request.body.decode()
            for body in _follow_ups(request.follow_up, content):
                content = self.send(body, sent)
                for _ in range(MAX_PULLS):
                    if request.follow_up != "pull" or (found := _CONTEXT.search(content)) is None:
                        break
                    content = self.send(context_request("pull", found[1]), sent)

    def send(self, body: bytes, sent: str = "", method: str = "POST", path: str = "") -> str:
        """Send one request and return the content of its answer."""
        path = path or self._path
        try:
            self._connection.request(method, path, body, self._headers)
            response = self._connection.getresponse()
        except (ConnectionError, http.client.HTTPException):  # the server closed it after the last answer
            self._connection.close()
            self._connection.request(method, path, body, self._headers)
            response = self._connection.getresponse()
        content = response.read().decode()
        headers = sorted((name, value) for name, value in response.getheaders() if name.lower() != "date")
        answer = comparable(f"{response.status} {response.reason}\n{headers}\n{content}")
        self.exchanges.append(Exchange(path, body, sent + body.decode(), answer, response.status, content))
        return content


def comparable(text: str) -> str:
    """Return a text with ids replaced by zeros, and times by none."""
    text = _UUID.sub(lambda found: re.sub(r"[0-9A-F]", "0", found[0]), text)
    return _SECONDS.sub("PT0S", text)


def context_request(follow_up: str, context: str, most: int = 40) -> bytes:
    """Return a request about an enumeration that is open."""
    inner = f"<n:EnumerationContext>{context}</n:EnumerationContext>"
    action, element, more = {
        "pull": (names.PULL, "Pull", f"<n:MaxElements>{most}</n:MaxElements>"),
        "release": (names.RELEASE, "Release", ""),
        "renew": (names.RENEW, "Renew", "<n:Expires>PT60S</n:Expires>"),
        "status": (names.GET_STATUS, "GetStatus", ""),
    }[follow_up]
    return envelope(action, "*", f"<n:{element}>{inner}{more}</n:{element}>")


def _follow_ups(follow_up: str, content: str) -> Iterator[bytes]:
    found = _CONTEXT.search(content)
    if found is None:
        return
    if follow_up in {"renew", "status"}:
        yield context_request(follow_up, found[1])
        yield context_request("release", found[1])
    else:
        yield context_request(follow_up, found[1])
