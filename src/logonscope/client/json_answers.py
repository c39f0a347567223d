"""Turns JSON from another Logonscope into objects of the package answers; unknown members of the JSON are ignored."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar

from logonscope.answers.check import Check
from logonscope.answers.explanation import Explanation, PartExplained
from logonscope.answers.history import HistoryFilter, PastLogin, PastProcess, PastProgram
from logonscope.answers.host_event import ChangedUser, FailedAttempt, HostEvent
from logonscope.answers.host_identity import HostIdentity
from logonscope.answers.logon_filter import LogonFilter
from logonscope.answers.logon_session import LogonSession
from logonscope.answers.logon_usage import LogonUsage
from logonscope.answers.session_process import Leftovers, LogonTree, SessionOf, SessionProcess
from logonscope.answers.session_service import SessionService
from logonscope.answers.whose import OuterLogin, Socket, UnseenLogin, Whose
from logonscope.errors import TransportFailureError

Line = Mapping[str, Any]
"""A line of a response: one JSON object."""

Row = TypeVar("Row")


def read_answer(read: Callable[[Any], Any], line: Any) -> Any:
    """Return the answer that ``read`` makes from a line of a response, or from several lines.

    Raises:
        TransportFailureError: a line is not what ``read`` expects.
    """
    try:
        return read(line)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise TransportFailureError(f"invalid response: {error}", "check the server") from None


def read_session(line: Line) -> LogonSession:
    """Return a logon session."""
    values = _field_values(LogonSession, line)
    usage = None if line.get("usage") is None else _read_row(LogonUsage, line["usage"])
    return LogonSession(**{**values, "start": _read_time(line["start"]), "usage": usage})


def read_process(line: Line) -> SessionProcess:
    """Return a process in its logon session."""
    values = _field_values(SessionProcess, line)
    return SessionProcess(**{**values, "start": _read_time(line["start"])})


def read_service(line: Line) -> SessionService:
    """Return a service of the System session."""
    return SessionService(**{**_field_values(SessionService, line), "start": _read_time(line["start"])})


def read_past_login(line: Line) -> PastLogin:
    """Return a past login."""
    times = {name: _read_time(line.get(name)) for name in ("start", "logout", "end")}
    programs = tuple(
        PastProgram(**{
            **_field_values(PastProgram, part), "first": _read_time(part["first"]), "last": _read_time(part["last"]),
        })
        for part in line["programs"]
    )  # fmt: skip
    return PastLogin(**{**_field_values(PastLogin, line), **times, "programs": programs})


def read_past_process(line: Line) -> PastProcess:
    """Return a past process."""
    times = {name: _read_time(line.get(name)) for name in ("start", "end")}
    return PastProcess(**{**_field_values(PastProcess, line), **times})


def read_session_of(line: Line) -> SessionOf:
    """Return a logon session with its evidence."""
    return SessionOf(read_session(line["session"]), line["evidence"])


def read_whose(line: Line) -> Whose:
    """Return the answer to ``whose`` about one process."""
    unseen_logins = line.get("unseen_logins")
    parts = {
        "session": read_session(line["session"]),
        "process": read_process(line["process"]),
        "chain": tuple(map(read_process, line["chain"])),
        "sockets": tuple(_read_row(Socket, socket) for socket in line["sockets"]),
        "unseen_logins": None
        if unseen_logins is None
        else tuple(_read_row(UnseenLogin, part) for part in unseen_logins),
        "service_start": _read_time(line.get("service_start")),
        "outer_logins": tuple(_read_row(OuterLogin, part) for part in line.get("outer_logins") or ()),
    }
    return Whose(**{**_field_values(Whose, line), **parts})


def read_event(line: Line) -> HostEvent:
    """Return an event."""
    parts: dict[str, Any] = {
        "time": _read_time(line["time"]),
        "process": None if line.get("process") is None else read_process(line["process"]),
        "before": None if line.get("before") is None else read_process(line["before"]),
        "session": None if line.get("session") is None else read_session(line["session"]),
        "attempt": None if line.get("attempt") is None else _read_row(FailedAttempt, line["attempt"]),
        "change": None if line.get("change") is None else _read_row(ChangedUser, line["change"]),
    }
    return HostEvent(**{**_field_values(HostEvent, line), **parts})


def read_check(line: Line) -> Check:
    """Return a check of ``doctor``."""
    return _read_row(Check, line)


def read_host_identity(line: Line) -> HostIdentity:
    """Return what identifies a host."""
    return _read_row(HostIdentity, line)


def read_pair(line: Line) -> tuple[int, str]:
    """Return a pid and a LogonId."""
    return line["pid"], line["logon_id"]


def read_trees(lines: Iterable[Line]) -> Iterator[LogonTree]:
    """Yield the trees in a response. Each tree is a line with a logon session, then one line for each process."""
    session: LogonSession | None = None
    processes: list[SessionProcess] | None = None
    for line in lines:
        if "session" in line:
            if processes is not None:
                yield LogonTree(session, tuple(processes))
            session, processes = None if line["session"] is None else read_session(line["session"]), []
        elif processes is not None:
            processes.append(read_process(line["process"]))
    if processes is not None:
        yield LogonTree(session, tuple(processes))


def read_leftovers(lines: Iterable[Line]) -> Leftovers:
    """Return the leftovers in the lines of a response: the processes, then one line with numbers of logon sessions."""
    # The numbers come last, because they are known only when all processes are read.
    *processes, numbers = lines
    known, unknown = numbers["logon_sessions"]["known"], numbers["logon_sessions"]["unknown"]
    return Leftovers(tuple(read_process(line["process"]) for line in processes), known, unknown)


def read_explanation(line: Line) -> Explanation:
    """Return the explanation of a query."""
    parts = (
        PartExplained(
            part["class_name"],
            tuple(part["properties"]),
            {name: tuple(values) for name, values in part["fixed"].items()},
            tuple(part["reads"]),
            part["predicate"],
        )
        for part in line["parts"]
    )
    return Explanation(line["asks_for"], line["subject"], tuple(parts))


def write_filter(where: LogonFilter | HistoryFilter) -> dict[str, Any]:
    """Return a filter as the argument of an operation."""
    members: dict[str, Any] = {}
    for name, value in where._asdict().items():
        if isinstance(value, frozenset):
            members[name] = sorted(value, key=str)
        elif isinstance(value, datetime):
            members[name] = value.isoformat()
        elif value is not None:
            members[name] = value
    return members


def _read_row(row_type: type[Row], line: Line) -> Row:
    """Return a line as a row of a type whose fields need no conversion from JSON."""
    return row_type(**_field_values(row_type, line))


def _field_values(row_type: Any, line: Line) -> dict[str, Any]:
    return {name: line[name] for name in row_type._fields if name in line}


def _read_time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
