"""A door for tests, with lines of text: the minimum that a protocol needs.

``query limit=2 text="SELECT ..."`` asks, and an answer is a line a row. ``limit`` is how many rows a client takes at
once; the id of an enumeration that goes on is on the first line.
"""

import shlex
from collections.abc import Mapping
from typing import Any

from logonscope.cim.classes import Class
from logonscope.cim.instances import ClassRows
from logonscope.dispatch.enumerations import Enumeration
from logonscope.dispatch.methods import Invocation
from logonscope.dispatch.operation import DecodeError, Operation, Reply
from logonscope.dispatch.operations import FoundInstance
from logonscope.errors import AnswerTooLargeError, InvalidParameterError, LogonscopeError

NUMBERS = {"seconds": float, "octets": int, "limit": int}


class LinesDoor:
    """A door of lines."""

    name = "lines"

    def decode(self, body: bytes, content_type: str, path: str, headers: Mapping[str, str]) -> Operation:  # noqa: ARG002 -- as every door
        """See ``Door``."""
        name, *words = shlex.split(body.decode()) or [path.strip("/")]
        if name == "broken":
            raise ZeroDivisionError("a secret")
        if not name:
            raise InvalidParameterError("nothing is asked for", "name an operation")
        arguments: dict[str, Any] = dict(word.partition("=")[::2] for word in words)
        try:
            own = {key: NUMBERS[key](arguments.pop(key)) for key in NUMBERS if key in arguments}
        except ValueError as error:
            asked = Operation("", action=name, options=content_type)
            raise DecodeError(InvalidParameterError(str(error), "give a number"), asked) from None
        options = content_type, own.get("limit", 100)
        return Operation(name, arguments, own.get("seconds"), own.get("octets"), options=options)

    def render(self, operation: Operation, answer: Any, octets: int) -> Reply:
        """See ``Door``."""
        content_type, limit = operation.options
        if isinstance(answer, Enumeration):
            lines = rendered(answer, limit, octets)
            context = "" if answer.is_complete else answer.id or answer.keep_open()
            return Reply(200, content_type, "\n".join([context, *lines]).encode(), len(lines))
        if isinstance(answer, FoundInstance):
            return Reply(200, content_type, line(answer.result, next(answer.result.rows)).encode(), 1)
        if isinstance(answer, Class):
            return Reply(200, content_type, answer.name.encode())
        if isinstance(answer, Invocation):
            answer = f"{answer.method.name} {answer.outcome.return_value}"
        return Reply(200, content_type, str(answer).encode())

    def fault(self, error: LogonscopeError, operation: Operation | None, host: str = "") -> Reply:
        """See ``Door``."""
        content_type = "text/plain" if operation is None else str(operation.options)
        return Reply(400, content_type, f"{error.name} {error} @{host}".encode())


def rendered(rows: Enumeration, limit: int, octets: int) -> list[str]:
    """Return the next rows that fit, and put the first back that does not."""
    lines, room = list[str](), octets - len("uuid:00000000-0000-0000-0000-000000000000")
    for item in rows.take(limit):
        text = line(*item)
        room -= len(text.encode()) + 1
        if room < 0:
            rows.put_back([item])
            if not lines:
                raise AnswerTooLargeError("the next row is too large", "ask for more octets")
            break
        lines.append(text)
    return lines


def line(result: ClassRows | Class, row: tuple[Any, ...]) -> str:
    """Return a row as text."""
    if isinstance(result, Class):
        return result.name
    return " ".join([result.cls.name, *map(str, row)])
