"""One request as a door has decoded it, and what a door is: three functions between bytes and operations."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from logonscope.errors import LogonscopeError

UNDECODED = "undecoded"
"""The action of a request of which a door could not even read what it asks for."""


class Operation(NamedTuple):
    """One request, decoded.

    Attributes:
        name: its row in ``operations.OPERATIONS``.
        arguments: of the row's function, by name.
        seconds: that the answer may take; None: as long as the server allows.
        octets: that the answer may have; None: as many as the server allows.
        action: the door's own name for it, by which the metrics count; "": ``name``.
        options: the door's own, and nobody else's: what it needs to render the answer, or a fault.
    """

    name: str
    arguments: Mapping[str, Any] = {}
    seconds: float | None = None
    octets: int | None = None
    action: str = ""
    options: Any = None

    @property
    def label(self) -> str:
        """Return the name by which the metrics count it."""
        return self.action or self.name or UNDECODED


class Limits(NamedTuple):
    """The most octets and seconds of an answer, whatever the client asks for."""

    octets: int = 512_000
    seconds: float = 60.0

    def of_operation(self, operation: Operation) -> "Limits":
        """Return the limits of one answer: those that the client asks for, where they are narrower."""
        return Limits(
            min(operation.octets or self.octets, self.octets), min(operation.seconds or self.seconds, self.seconds)
        )


class Reply(NamedTuple):
    """What a door rendered: a status of HTTP, a content type, the body, and how many rows are in it."""

    status: int
    content_type: str
    body: bytes
    items: int = 0


class DecodeError(Exception):
    """A request that a door cannot decode, although it read enough of it to address the fault: ``operation.options``.

    Where it read nothing, it raises the error itself.
    """

    def __init__(self, error: LogonscopeError, operation: Operation) -> None:
        super().__init__(str(error))
        self.error, self.operation = error, operation


class Door(Protocol):
    """A protocol. It knows neither callers nor brokers, neither threads nor clocks, and keeps nothing between requests.

    An error of its own is a LogonscopeError of a class of its own, which its ``fault`` knows.
    """

    def decode(self, body: bytes, content_type: str, path: str) -> Operation:
        """Decode a request.

        Raises:
            LogonscopeError: nothing in it can be understood.
            DecodeError: it asks for nothing that there is, or asks wrongly.
        """

    def render(self, operation: Operation, answer: Any, octets: int) -> Reply:
        """Render an answer.

        Args:
            operation: the request.
            answer: what the function of the operation returned; an Enumeration in place of Rows.
            octets: the most that the body may have. A door takes no more rows than fit, puts back those that do not,
                and keeps the enumeration open where the client can ask for the rest.

        Raises:
            AnswerTooLargeError: not even one row fits.
            LogonscopeError: what the door alone refuses, or an error while rows are read.
        """

    def fault(self, error: LogonscopeError, operation: Operation | None, host: str = "") -> Reply:
        """Render an error of any class: every leaf of errors.py has its place.

        Args:
            error: to be rendered.
            operation: the request; None where nothing in it could be understood, or it was never read.
            host: the name of this host; "" for clients that may not know it.
        """
