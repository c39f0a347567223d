"""The JSON door: ``POST /v1/OPERATION``, a table of operations with their arguments and answers.

An answer of many rows is a stream of lines (JSON lines). An error before the first part is sent is the whole answer,
with its HTTP status; a later error is the last line, whose only member is ``error``. A watch is a stream of
server-sent events (json_events.py).
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import accumulate, groupby
from operator import itemgetter
from typing import Any, NamedTuple

from logonscope.answers.check import Check
from logonscope.answers.explanation import Explanation
from logonscope.answers.history import PastLogin, PastProcess
from logonscope.answers.host_event import HostEvent
from logonscope.answers.host_identity import HostIdentity
from logonscope.answers.json_rows import RowWriter
from logonscope.answers.jsonable import jsonable
from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionOf, SessionProcess
from logonscope.answers.session_service import SessionService
from logonscope.answers.timeline import TimelineLogin
from logonscope.answers.whose import Whose
from logonscope.cim.classes import Class
from logonscope.cim.instances import ClassRows
from logonscope.dispatch.enumerations import AnswerRows, Enumeration, Item
from logonscope.dispatch.methods import Invocation
from logonscope.dispatch.operation import DecodeError, Operation, Reply
from logonscope.dispatch.operations import OPERATIONS, FoundInstance, Identity
from logonscope.dispatch.watches import WatchResults
from logonscope.errors import InvalidMethodError, InvalidParameterError, LogonscopeError
from logonscope.server.json_arguments import (
    DETAILS,
    EVENT_LIST,
    FILTER,
    FLAG,
    HISTORY_FILTER,
    PARAMETERS,
    PID,
    SECONDS,
    TARGET,
    TEXT,
    TEXTS,
    TIME,
    WORD,
    Argument,
    ArgumentType,
    read_arguments,
)
from logonscope.server.json_events import EVENT_STREAM, write_part
from logonscope.wire.json.classes import write_class
from logonscope.wire.json.faults import status_of, write_error
from logonscope.wire.json.instances import InstanceWriter, write_value
from logonscope.wire.json.text import VALUE_WRITERS, parse_object, write_line, write_text

PREFIX = "/v1/"
JSON, JSON_LINES = "application/json", "application/x-ndjson"
"""Content types of an object, and of lines."""

TIMEOUT_HEADER, LINE_HEADER = "logonscope-timeout", "logonscope-max-line"
"""Headers of limits: seconds for the whole answer; bytes of the longest line."""

VIEW_HEADER, MOMENT_HEADER = "logonscope-as", "logonscope-at"
"""Headers with the user whose view an administrator requests, and with the past moment that the answer describes."""

EVENT_ID_HEADER, MAX_CURSOR = "last-event-id", 64
"""The header with the cursor of the last event that a client got, and its maximum length."""

MIN_LINE = 1024
"""Minimum of the limit of a line, in bytes."""

FIRST_PART_OCTETS, MAX_PART_OCTETS = 64 << 10, 512 << 10
"""Bytes of the first part of a stream, and of the largest one. A part is sent when it is full."""

FIRST_CHUNK_ROWS, CHUNK_ROWS = 4, 512
"""Rows that are written at once: at the beginning of a part, and at most."""

MAX_ERROR_OCTETS = 64 << 10
"""Bytes to which an error is cut."""

OK = 200

_ROW_WRITER = RowWriter(write_text, VALUE_WRITERS)
"""One writer for all answers: it keeps the names of the members of each type of row."""


class JsonOperation(NamedTuple):
    """An operation of the door.

    Attributes:
        answer: the type of its answer, or of each row: a class of answers/, or a name in ``json_schemas.ANSWERS``.
        arguments: its arguments by name.
        has_rows: the answer is a stream of lines.
        is_watch: the answer is a stream of server-sent events.
    """

    answer: Any
    arguments: Mapping[str, Argument] = {}
    has_rows: bool = False
    is_watch: bool = False


def _required(argument_type: ArgumentType, description: str) -> Argument:
    return Argument(argument_type, description, is_required=True)


_NAMESPACE = {"namespace": Argument(TEXT, 'the namespace: "root/cimv2" (the default) or "root/logonscope"')}
_PATH = {"path": _required(TEXT, "the object path of an instance, such as Win32_Process=4312")}
_ANY_PATH = {"path": _required(TEXT, "the object path of an instance, or the name of a class")}
_PROPERTIES = {"properties": Argument(TEXTS, "the names of the properties to return; null: all")}
_LOGONS = {
    "which": Argument(WORD, 'only one logon session (41, "c1", "system"), or those of an account ("alice")'),
    "where": Argument(FILTER, "only logon sessions that match all members"),
}
_DETAILS = {"details": Argument(DETAILS, "what else to read of logon sessions; without it these members are null")}
_REFERENCES = {
    **_PATH,
    "result_class": Argument(TEXT, "return only instances of this class or its subclasses"),
    "role": Argument(TEXT, "follow only associations that name the instance by this reference"),
    **_PROPERTIES,
    **_NAMESPACE,
}
_ASSOCIATORS = {
    **_REFERENCES,
    "assoc_class": Argument(TEXT, "follow only this association"),
    "result_role": Argument(TEXT, "follow only associations that name the result by this reference"),
}

JSON_OPERATIONS: Mapping[str, JsonOperation] = {
    "identify": JsonOperation("Identity"),
    "machine": JsonOperation(HostIdentity),
    "sessions": JsonOperation(LogonSession, {**_LOGONS, **_DETAILS}, has_rows=True),
    "session_of": JsonOperation(SessionOf, {"pid": _required(PID, "the pid of a process")}),
    "processes": JsonOperation(SessionProcess, _LOGONS, has_rows=True),
    "session_processes": JsonOperation("Pair", has_rows=True),
    "tree": JsonOperation("TreePart", _LOGONS, has_rows=True),
    "leftovers": JsonOperation("LeftoversPart", _LOGONS, has_rows=True),
    "services": JsonOperation(SessionService, has_rows=True),
    "whose": JsonOperation(
        Whose,
        {
            "target": _required(TARGET, "a pid, a process name, :PORT, ADDRESS:PORT, /PATH, @NAME, or an account"),
            **_DETAILS,
            "all_namespaces": Argument(FLAG, "look for a port or a unix socket in every network namespace"),
        },
        has_rows=True,
    ),
    "history": JsonOperation(PastLogin, {"where": Argument(HISTORY_FILTER, "only logins that match")}, has_rows=True),
    "past_processes": JsonOperation(
        PastProcess, {"where": Argument(HISTORY_FILTER, "only processes that match")}, has_rows=True
    ),
    "timeline": JsonOperation(
        TimelineLogin,
        {
            "since": _required(TIME, "the beginning of the span"), "until": _required(TIME, "its end"),
            "resolution": _required(SECONDS, "the length of a bin in seconds; the span may have at most 2000 of them"),
        },
        has_rows=True,
    ),
    "doctor": JsonOperation(Check, has_rows=True),
    "watch": JsonOperation(
        HostEvent,
        {
            "query": Argument(TEXT, "a WQL event query, whose results are instances; null: host events"),
            **_NAMESPACE, **_LOGONS,
            "events": Argument(EVENT_LIST, "only events of these names, and Lost"),
            "with_sessions": Argument(FLAG, "events of processes have their logon session, too"),
            "without_descendants_of": Argument(PID, "the pid of a process: without the events of its descendants"),
            "since": Argument(TEXT, "continue after the event with this cursor; also: the header Last-Event-ID"),
        },
        is_watch=True,
    ),
    "get": JsonOperation("InstanceOrClass", {**_ANY_PATH, **_PROPERTIES, **_NAMESPACE}),
    "enumerate": JsonOperation(
        "Instance",
        {
            "class_name": _required(TEXT, "the class, such as Win32_SessionProcess"), **_PROPERTIES, **_NAMESPACE,
            "deep": Argument(FLAG, "include instances of subclasses (default: true)"),
        },
        has_rows=True,
    ),
    "query": JsonOperation("InstanceOrClass", {"text": _required(TEXT, "the WQL query"), **_NAMESPACE}, has_rows=True),
    "explain": JsonOperation(Explanation, {"text": _required(TEXT, "the WQL query"), **_NAMESPACE}),
    "associators": JsonOperation("Instance", _ASSOCIATORS, has_rows=True),
    "references": JsonOperation("Instance", _REFERENCES, has_rows=True),
    "classes": JsonOperation(
        "Class", {"pattern": Argument(TEXT, "a pattern of names, such as Win32_*"), **_NAMESPACE}, has_rows=True
    ),
    "get_class": JsonOperation("Class", {"name": _required(TEXT, "the name of the class"), **_NAMESPACE}),
    "invoke": JsonOperation(
        "Outcome",
        {
            **_PATH, "method": _required(TEXT, "the method, such as GetOwner"),
            "parameters": Argument(PARAMETERS, "the values of its input parameters, by name"),
        },
    ),
    "delete": JsonOperation("Nothing", _PATH),
}  # fmt: skip
"""The operations of dispatch/operations.py that the door offers. Streams replace subscribe, pull, renew and release."""


JSON_PATHS = (*(f"{PREFIX}{name}" for name in JSON_OPERATIONS), "/v1", f"{PREFIX}{{operation:path}}")
"""The path of each operation, and patterns for all other paths: the error for such a path names the operations."""


class JsonDoor:
    """The JSON door; see ``dispatch.operation.Door``."""

    name = "json"

    def __repr__(self) -> str:
        return "<JsonDoor>"

    def decode(self, body: bytes, content_type: str, path: str, headers: Mapping[str, str]) -> Operation:
        """See ``Door``."""
        name = path.removeprefix(PREFIX)
        row = JSON_OPERATIONS.get(name)
        if row is None:
            reason = f"unknown operation '{name[:100]}'"
            raise InvalidMethodError(reason, f"the operations are {', '.join(JSON_OPERATIONS)}")
        try:
            _check_content_type(content_type)
            seconds = _read_limit(headers, TIMEOUT_HEADER, float)
            octets = _read_limit(headers, LINE_HEADER, int)
            if octets is not None and octets < MIN_LINE:
                raise InvalidParameterError(f"invalid Logonscope-Max-Line {octets}: expected at least {MIN_LINE} bytes")
            arguments = read_arguments(name, row.arguments, parse_object(body))
            moment = _read_moment(headers.get(MOMENT_HEADER))
        except LogonscopeError as error:
            raise DecodeError(error, Operation(name)) from None
        if row.is_watch and (cursor := headers.get(EVENT_ID_HEADER)):
            arguments["since"] = cursor[:MAX_CURSOR]
        return Operation(name, arguments, seconds, octets, view_as=headers.get(VIEW_HEADER), moment=moment)

    def render(self, operation: Operation, answer: Any, octets: int) -> Reply:  # noqa: ARG002 -- as every door
        """See ``Door``."""
        if isinstance(answer, Enumeration):
            return _render_part(answer, octets)
        if isinstance(answer, WatchResults):
            return Reply(OK, EVENT_STREAM, write_part(answer, octets), len(answer.results), continues=True)
        if isinstance(answer, SessionOf):
            # written directly, which is faster; as an object, below, only if it must be cut
            text = _ROW_WRITER.write(answer)
            if len(text) < octets:
                return Reply(OK, JSON, f"{text}\n".encode("ascii"), 1)
        return Reply(OK, JSON, write_line(_as_object(answer), octets), 1)

    def fault(self, error: LogonscopeError, operation: Operation | None, host: str = "") -> Reply:  # noqa: ARG002 -- as every door
        """See ``Door``."""
        return Reply(status_of(error), JSON, write_line(write_error(error), MAX_ERROR_OCTETS))


def _check_content_type(content_type: str) -> None:
    """Check that a request is JSON: a browser sends this type for a page of another site only if a preflight allows it.

    Raises:
        InvalidParameterError: it is not JSON.
    """
    media_type, _, parameters = content_type.partition(";")
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if media_type.strip().lower() != JSON or charset not in {"", "utf-8"}:
        reason = f"invalid content type '{content_type[:100]}': expected {JSON}"
        raise InvalidParameterError(reason, f"send the header Content-Type: {JSON}")


def _read_moment(text: str | None) -> datetime | None:
    """Return the time of the header for a past moment; None without the header.

    Raises:
        InvalidParameterError: it is not a time with its offset.
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text) if text.isascii() and len(text) <= 40 else None
        if moment is not None and moment.tzinfo is not None:
            moment.astimezone(UTC)  # raises where the year in UTC is not 1 to 9999
    except (ValueError, OverflowError):
        moment = None
    if moment is None or moment.tzinfo is None:
        expected = "expected a time such as 2026-01-31T14:00:00+01:00"
        raise InvalidParameterError(f"invalid {MOMENT_HEADER.title()} '{text[:50]}': {expected}")
    return moment


def _read_limit(headers: Mapping[str, str], name: str, to_number: Callable[[str], Any]) -> Any:
    """Return the number of a header; None without the header.

    Raises:
        InvalidParameterError: it is not a number greater than 0.
    """
    text = headers.get(name)
    if text is None:
        return None
    try:
        # int() and float() also accept digits of other scripts, "1_0", and texts of any length.
        value = to_number(text) if text.isascii() and "_" not in text and len(text) <= 20 else 0
    except ValueError:
        value = 0
    if not 0 < value < float("inf"):
        raise InvalidParameterError(f"invalid {name.title()} '{text[:50]}': expected a number greater than 0")
    return value


def _render_part(rows: Enumeration, octets: int) -> Reply:
    """Render rows until a part is full; a row whose line would have more than ``octets`` is cut."""
    if rows.format is None:
        rows.format = LineWriter(rows)
    lines, size = list[str](), 0
    max_octets = min(octets, rows.format.next_part_octets())
    chunk_rows = FIRST_CHUNK_ROWS
    while size < max_octets and (items := list(rows.take(chunk_rows))):
        chunk = rows.format.write(items, octets)
        chunk_size = sum(map(len, chunk)) + len(chunk)
        if size + chunk_size > max_octets:
            # The row of the first line that does not fit, and the rows after it, begin the next part. But a part has at
            # least one line.
            ends = list(accumulate((len(line) + 1 for line in chunk), initial=size))
            count = max(bisect_right(ends, max_octets) - 1, 0 if lines else 1)
            lines += chunk[:count]
            rows.put_back(items[count:])
            break
        lines += chunk
        size += chunk_size
        # next, as many rows as probably fit: rows that do not fit, as with long arguments, would be written in vain
        chunk_rows = min(CHUNK_ROWS, max(1, (max_octets - size) * len(lines) // size))
    lines.append("")  # the end of the last line
    body = "\n".join(lines).encode("ascii")
    return Reply(OK, JSON_LINES, body, len(lines) - 1, continues=not rows.is_complete)


class LineWriter:
    """Writes the items of an enumeration as lines; the writer of a result is made once, for all parts."""

    def __init__(self, rows: Enumeration) -> None:
        self._host, self._base = rows.host, rows.base_class
        self._result: Any = None
        self._writer: Any = None
        self._part_octets = FIRST_PART_OCTETS // 2

    def next_part_octets(self) -> int:
        """Double the size of parts, up to MAX_PART_OCTETS, and return it: the client has read the part before."""
        # Large parts cost less for each row, but a stream that no client reads must not hold a large part in memory.
        self._part_octets = min(2 * self._part_octets, MAX_PART_OCTETS)
        return self._part_octets

    def write(self, items: Sequence[Item], octets: int) -> list[str]:
        """Return items as lines without their end, in ASCII."""
        first_result, _ = items[0]
        # An enumeration of several classes has a result for each class, one after the other.
        if items[-1][0] is first_result:
            return self._write_lines(first_result, [row for _, row in items], octets)
        lines = list[str]()
        for result, group in groupby(items, itemgetter(0)):
            lines += self._write_lines(result, [row for _, row in group], octets)
        return lines

    def _write_lines(self, result: Any, rows: Sequence[Any], octets: int) -> list[str]:
        lines = self._write_texts(result, rows)
        if max(map(len, lines)) < octets:
            return lines
        return [
            line if len(line) < octets else write_line(self._object(result, row), octets).decode().rstrip("\n")
            for line, row in zip(lines, rows, strict=True)
        ]

    def _write_texts(self, result: Any, rows: Sequence[Any]) -> list[str]:
        if isinstance(result, AnswerRows):
            return [_ROW_WRITER.write(row) for row in rows]
        if isinstance(result, Class):
            return [write_text(write_class(result))]
        if result is not self._result:
            self._result, self._writer = result, InstanceWriter(result, self._host, self._base)
        texts: list[str] = self._writer.write_rows(rows)
        return texts

    def _object(self, result: Any, row: Any) -> Mapping[str, Any]:
        """Return an item as an object, whose long members ``write_line`` can cut."""
        if isinstance(result, ClassRows):
            whole: Mapping[str, Any] = self._writer.write(row)
            return whole
        return write_class(result) if isinstance(result, Class) else jsonable(row)


def _as_object(answer: Any) -> Mapping[str, Any]:
    """Return an answer as an object; only for answers that are not streams."""
    if isinstance(answer, Class):
        return write_class(answer)
    if isinstance(answer, FoundInstance):
        return InstanceWriter(answer.result, answer.host).write(next(answer.result.rows))
    if isinstance(answer, Invocation):
        outcome = answer.outcome
        parameters = {name: write_value(value) for name, value in outcome.parameters.items()}
        return {"return_value": outcome.return_value, "parameters": parameters}
    if isinstance(answer, Identity):
        return {**answer._asdict(), "api": 1}
    if answer is None:
        return {}
    members: Mapping[str, Any] = jsonable(answer)
    return members


def offered_operations() -> Iterator[tuple[str, JsonOperation, str]]:
    """Yield the operations of the door, each with its description."""
    for name, row in JSON_OPERATIONS.items():
        yield name, row, OPERATIONS[name].description
