"""Client of the JSON API of another Logonscope: requests, lines of responses, and idle connections."""

import json
from collections.abc import Callable, Generator, Iterator, Mapping
from datetime import datetime
from typing import Any, Protocol

from logonscope.errors import (
    AccessDeniedError,
    Hint,
    HintCode,
    InvalidParameterError,
    LogonscopeError,
    TimedOutError,
    TransportFailureError,
)

RESPONSE_SECONDS = 90.0
"""Seconds to wait for the next part of a response, unless the caller gives another number."""

MAX_LINE_BYTES = 8 << 20
"""Maximum bytes of a line that is accepted; the lines that a server sends have at most 4 MiB."""

MAX_IDLE = 4
"""Maximum number of idle connections that are kept for the next requests."""

SEND_ONCE_PATHS = {"/v1/invoke", "/v1/delete"}
"""Paths of requests that can change something: they are not sent again if their connection fails."""

Line = dict[str, Any]


class Connection(Protocol):
    """An HTTP connection."""

    def post(self, path: str, body: bytes, headers: dict[str, str], seconds: float) -> tuple[int, str, Iterator[bytes]]:
        """Send a request; return the status, the content type, and the parts of the body while they arrive."""

    def close(self) -> None:
        """Close the connection."""

    def abort(self) -> None:
        """End a response that another thread is reading."""


class JsonClient:
    """Sends operations. Several threads can use it: each response that is being read has a connection of its own."""

    def __init__(
        self,
        connect: Callable[[float], Connection],
        name: str,
        seconds: float | None = None,
        user: str = "",
        view_as: str | None = None,
    ) -> None:
        """Prepare the client; the first request connects.

        Args:
            connect: opens a connection, with a timeout in seconds.
            name: the name of the host, for messages.
            seconds: seconds to wait for the next part of a response; None: 90.
            user: the name that requests are authenticated with, for messages.
            view_as: the user whose view an administrator asks for; None: the caller's own view.
        """
        self.name, self.seconds = name, RESPONSE_SECONDS if seconds is None else seconds
        self._connect, self._user = connect, user
        self._idle: list[Connection] = []
        self._headers = {} if view_as is None else {"Logonscope-As": check_view(view_as)}

    def at(self, moment: datetime) -> "JsonClient":
        """Return a client for the host as it was at a moment, with connections of its own."""
        client = JsonClient(self._connect, self.name, self.seconds, self._user)
        client._headers = {**self._headers, "Logonscope-At": moment.astimezone().isoformat()}
        return client

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    def __del__(self) -> None:
        self.close()

    def ask(self, operation: str, arguments: Mapping[str, Any], timeout: float | None = None) -> Line:
        """Send an operation whose response is one line; return that line.

        Raises:
            LogonscopeError: the error that the server sent; or there is no connection, or no valid response.
        """
        lines = list(self.stream(operation, arguments, timeout))
        if len(lines) != 1:
            raise TransportFailureError(f"{operation} has {len(lines)} answers instead of one", "check the server")
        return lines[0]

    def stream(
        self, operation: str, arguments: Mapping[str, Any], timeout: float | None = None
    ) -> Generator[Line, None, None]:
        """Send an operation; return its rows, which are read while they are iterated.

        Args:
            operation: the name of the operation.
            arguments: its arguments; those that are None are left out.
            timeout: seconds that the server may take for the whole response; None: only the server's own limit. It also
                limits the wait for each part.

        Raises:
            LogonscopeError: as ``ask``; also while the rows are iterated.
        """
        headers = self._headers if timeout is None else {**self._headers, "Logonscope-Timeout": f"{timeout:g}"}
        body = json.dumps({name: value for name, value in arguments.items() if value is not None}).encode()
        if timeout is None or timeout > self.seconds:
            connection, (status, content_type, parts) = self._send(f"/v1/{operation}", body, headers, self.seconds)
        else:  # a server that hangs does not end the response itself
            try:
                connection, (status, content_type, parts) = self._send(f"/v1/{operation}", body, headers, timeout)
            except TimedOutError:
                raise _incomplete_error(timeout) from None
            parts = _parts_within(timeout, parts)
        if status == 200:
            return self._rows(connection, parts)
        try:
            error = self._error(status, content_type, b"".join(parts))
        finally:
            connection.close()
        raise error

    def open_stream(self, operation: str, arguments: Mapping[str, Any]) -> tuple[Connection, Iterator[bytes]]:
        """Send an operation whose answer does not end; return the connection, and the parts of the answer's body.

        Raises:
            LogonscopeError: as ``ask``.
        """
        body = json.dumps({name: value for name, value in arguments.items() if value is not None}).encode()
        connection, (status, content_type, parts) = self._send(f"/v1/{operation}", body, self._headers, self.seconds)
        if status == 200:
            return connection, parts
        try:
            error = self._error(status, content_type, b"".join(parts))
        finally:
            connection.close()
        raise error

    def _send(
        self, path: str, body: bytes, headers: dict[str, str], seconds: float
    ) -> tuple[Connection, tuple[int, str, Iterator[bytes]]]:
        """Send a request over an idle connection, or over a new one; ``seconds``: the wait for each part."""
        while True:
            idle_connection = self._idle.pop() if self._idle else None
            try:
                connection = idle_connection or self._connect(seconds)
            except OSError as error:
                raise TransportFailureError(
                    f"cannot connect to {self.name}: {error.strerror}", "is `logonscope serve` running?"
                ) from None
            try:
                return connection, connection.post(path, body, headers, seconds)
            except LogonscopeError as error:
                connection.close()
                # The server closes connections that are idle for long, perhaps while a request is sent. Then the
                # request is sent again over another connection, unless it may have changed something.
                if idle_connection is None or path in SEND_ONCE_PATHS or not isinstance(error, TransportFailureError):
                    raise

    def _rows(self, connection: Connection, parts: Iterator[bytes]) -> Generator[Line, None, None]:
        is_complete = False
        try:
            for data in _lines(parts):
                yield self._parse(data)
            is_complete = True
        finally:
            if is_complete and len(self._idle) < MAX_IDLE:
                self._idle.append(connection)
            else:
                connection.close()

    def _parse(self, data: bytes) -> Line:
        try:
            line = json.loads(data)
        except (ValueError, RecursionError):
            line = None
        if not isinstance(line, dict):
            raise TransportFailureError(f"{self.name} sent a line that is no JSON object", "check the server")
        if line.keys() == {"error"}:
            raise _read_error(line)
        return line

    def _error(self, status: int, content_type: str, body: bytes) -> LogonscopeError:
        if content_type == "application/json":
            try:
                error = _read_error(json.loads(body))
            except ValueError:
                pass
            else:
                return self._authentication_error(error) if status == 401 else error
        return TransportFailureError(f"no valid response from {self.name}: HTTP status {status}", "check the server")

    def _authentication_error(self, error: LogonscopeError) -> AccessDeniedError:
        if not self._user:
            return AccessDeniedError(f"{error.message} at {self.name}", error.advice)
        hint = Hint(HintCode.LIST_USERS_ON_THAT_HOST)
        return AccessDeniedError(f"authentication failed for '{self._user}' at {self.name}", hint)


def check_view(user: str) -> str:
    """Check the name of a user, which is sent as the value of a header, and return it.

    Raises:
        InvalidParameterError: the name is empty, begins or ends with a space, or has other characters than printable
            ASCII.
    """
    if not (user.isascii() and user.isprintable() and user.strip() == user != ""):
        raise InvalidParameterError(f"invalid user {user!r}: expected printable ASCII characters", "give the uid")
    return user


def _read_error(line: Any) -> LogonscopeError:
    from logonscope.wire.json.faults import read_error  # noqa: PLC0415 -- most requests have no error

    return read_error(line if isinstance(line, dict) else {})


def _parts_within(timeout: float, parts: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the parts of a body; if one does not arrive in time, the error names the timeout of the request."""
    try:
        yield from parts
    except TimedOutError:
        raise _incomplete_error(timeout) from None


def _incomplete_error(timeout: float) -> TimedOutError:
    # the words of machine.Deadline, which takes long to import
    return TimedOutError(f"no complete answer within {timeout:g} s", "request less, or give a longer timeout")


def _lines(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the lines of a body.

    Raises:
        TransportFailureError: a line is too long, or the last line has no line feed.
    """
    rest = b""
    for part in parts:
        # A part may end within a line, or within a character.
        *lines, rest = (rest + part).split(b"\n")
        yield from lines
        if len(rest) > MAX_LINE_BYTES:
            raise TransportFailureError(f"a line has more than {MAX_LINE_BYTES:,} bytes", "check the server")
    if rest:
        raise TransportFailureError("the response is cut off", "try again")
