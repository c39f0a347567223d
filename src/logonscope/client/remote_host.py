"""RemoteHost: another machine over HTTPS. It speaks the JSON API with Logonscope, WS-Management with other servers.

Before the first operation, a request without credentials shows whether the server is Logonscope.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from logonscope.client.host import Host
from logonscope.client.https_connection import HttpsServer
from logonscope.client.json_client import JsonClient
from logonscope.client.json_host import JsonHost
from logonscope.errors import AccessDeniedError, LogonscopeError, NotSupportedError
from logonscope.wire.json.faults import read_error
from logonscope.wire.json.text import parse_object

if TYPE_CHECKING:
    from logonscope.answers.host_identity import HostIdentity
    from logonscope.cim.schema import Schema

PROBE_SECONDS = 5.0
MAX_PROBE_BYTES = 4096


class RemoteHost(Host):
    """Another machine over HTTPS; ``make_wsman`` returns the host that speaks WS-Management with it."""

    def __init__(
        self, server: HttpsServer, timeout: float | None, make_wsman: Callable[[], Host], view_as: str | None = None
    ) -> None:
        self._server, self._timeout, self._make_wsman, self._view_as = server, timeout, make_wsman, view_as

    def __repr__(self) -> str:
        return f"<RemoteHost {self._server.host}>"

    @cached_property
    def protocol_host(self) -> Host:
        """The host, by the protocol that the server supports.

        Raises:
            NotSupportedError: the view of another user was requested, and the server is not Logonscope.
            TransportFailureError, TimedOutError: that view was requested, and the server cannot be reached.
            LogonscopeError: as ``make_wsman``.
        """
        server = self._server
        try:
            has_json = is_logonscope(server)
        except LogonscopeError:
            if self._view_as is not None:
                raise
            has_json = False  # WS-Management then reports why the server cannot be reached
        if has_json:
            return JsonHost(JsonClient(server.connect, server.host, self._timeout, server.user, self._view_as))
        # WS-Management cannot request the view of another user: the answer would be what the administrator sees.
        if self._view_as is not None:
            raise no_view_error(server.host)
        return self._make_wsman()

    @property
    def sees_everything(self) -> bool:
        return self.protocol_host.sees_everything

    @property
    def schema(self) -> "Schema":
        return self.protocol_host.schema

    @property
    def moment(self) -> datetime:
        return self.protocol_host.moment

    def identify_machine(self) -> "HostIdentity":
        return self.protocol_host.identify_machine()

    def at(self, moment: datetime) -> Host:
        return self.protocol_host.at(moment)

    def close(self) -> None:
        if "protocol_host" in self.__dict__:
            self.protocol_host.close()

    def record(self, path: str, *, replace: bool = False) -> int:
        return self.protocol_host.record(path, replace=replace)

    def _perform(self, operation: str, **arguments: Any) -> Any:
        return self.protocol_host._perform(operation, **arguments)  # noqa: SLF001 -- the same method of another host


def no_view_error(host: str) -> NotSupportedError:
    """Return the error for a request for another user's view, which only the JSON API supports."""
    reason = f"cannot show what another user of {host} sees: WS-Management has no such request"
    return NotSupportedError(reason, "it needs Logonscope at the other end, over https")


def is_logonscope(server: HttpsServer) -> bool:
    """Return whether a server has Logonscope's JSON API; no credentials are sent.

    The JSON API requires authentication for every operation, including "identify". So it rejects this request with an
    error in JSON, and this error shows that the API is there. (Only WS-Management can identify a server without
    authentication.)

    Raises:
        TransportFailureError, TimedOutError: the server cannot be reached, or does not answer in HTTP.
    """
    # Without credentials: a server that is not Logonscope must not get the user's password, which Basic would send.
    connection = server._replace(user="", token="").connect(PROBE_SECONDS)
    try:
        status, content_type, parts = connection.post("/v1/identify", b"{}", {}, PROBE_SECONDS)
        body = next(parts, b"")
        if status != 401 or content_type != "application/json" or len(body) > MAX_PROBE_BYTES:
            return False
        return isinstance(read_error(_parse_error(body)), AccessDeniedError)
    finally:
        connection.close()


def _parse_error(body: bytes) -> dict[str, Any]:
    try:
        return parse_object(body)
    except LogonscopeError:
        return {}
