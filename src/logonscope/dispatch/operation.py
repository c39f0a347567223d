"""The interface between doors and the dispatcher: Operation, a decoded request; Reply, a rendered result; and Door."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from logonscope.errors import LogonscopeError

UNDECODED = "undecoded"
"""The label, in the metrics, of a request whose operation the door could not read."""


class Operation(NamedTuple):
    """A decoded request of a client: which operation to run, with which arguments and limits.

    Attributes:
        name: the key of the operation's row in ``operations.OPERATIONS``.
        arguments: the arguments of the row's function, by name.
        seconds: the timeout that the client requests; None: the server's limit.
        octets: the maximum size of the response that the client requests; None: the server's limit.
        action: the door's name of the operation, for the metrics; "": the same as ``name``.
        options: data of the door, needed to render the result or a fault; the dispatcher does not read it.
        view_as: the user whose view an administrator requests; None: the caller's own.
        moment: the past moment that the request is about; None: now.
    """

    name: str
    arguments: Mapping[str, Any] = {}
    seconds: float | None = None
    octets: int | None = None
    action: str = ""
    options: Any = None
    view_as: str | None = None
    moment: datetime | None = None

    @property
    def label(self) -> str:
        """Return the name of the operation in the metrics."""
        return self.action or self.name or UNDECODED


class Limits(NamedTuple):
    """The limits of a response in octets and seconds, even if the client requests more."""

    octets: int = 512_000
    seconds: float = 60.0

    def narrowed_by(self, operation: Operation) -> "Limits":
        """Return the limits of one response: the client's limits where they are lower than these."""
        return Limits(
            min(operation.octets or self.octets, self.octets), min(operation.seconds or self.seconds, self.seconds)
        )


class Reply(NamedTuple):
    """A rendered result or fault: HTTP status, content type, body, and the number of rows in it.

    ``continues``: the body is a part of a stream, but not the last: the next part is rendered when this part is sent.
    """

    status: int
    content_type: str
    body: bytes
    items: int = 0
    continues: bool = False


class DecodeError(Exception):
    """A request that a door can decode in part: ``operation.options`` has what the door needs to address the fault.

    If a door cannot decode anything, it raises a LogonscopeError instead.
    """

    def __init__(self, error: LogonscopeError, operation: Operation) -> None:
        super().__init__(str(error))
        self.error, self.operation = error, operation


class Door(Protocol):
    """A protocol. It has no state, and knows no callers, broker, threads or clocks.

    A door can define subclasses of LogonscopeError for errors that only its protocol has.
    """

    name: str
    """The name of the protocol, for metrics."""

    def decode(self, body: bytes, content_type: str, path: str, headers: Mapping[str, str]) -> Operation:
        """Decode a request; the names of its headers are in lower case.

        Raises:
            LogonscopeError: nothing of the request can be decoded.
            DecodeError: the request is invalid, but a fault can be addressed to it.
        """

    def render(self, operation: Operation, result: Any, octets: int) -> Reply:
        """Render the result of an operation.

        Args:
            operation: the request.
            result: the result of the operation's function, but an Enumeration instead of Rows, WatchResults instead of
                a Subscription, and an OpenSubscription instead of a NewSubscription.
            octets: the maximum size of the body. A door takes as many rows as fit, puts back those that do not, and
                keeps the enumeration open if the client can pull the rest.

        Raises:
            AnswerTooLargeError: not even one row fits.
            LogonscopeError: the door rejects the request, or an error occurred while rows were read.
        """

    def fault(self, error: LogonscopeError, operation: Operation | None, host: str = "") -> Reply:
        """Render an error, whose class is in errors.py or defined by the door.

        Args:
            error: the error.
            operation: the request; None if nothing of it could be decoded, or it was not read.
            host: the name of this host; "": the fault does not name it, because the client has not authenticated.
        """
