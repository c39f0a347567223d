"""The answers to questions about logon sessions as rows, so that doors can stream them.

A logon session of ``tree`` and the answer to ``leftovers`` have no limit in size. So each of their parts is a row, a
mapping with one key. A logon session of ``tree`` has a row "session", then a row "process" for each of its processes.
The answer to ``leftovers`` has a row "process" for each leftover, then a row "logon_sessions" with two numbers.
``known`` counts the logon sessions of which it is known whether they are logged out, ``unknown`` the other ones. The
System session is in neither.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from logonscope.answers.history import NO_HISTORY_FILTER, HistoryFilter
from logonscope.answers.logon_filter import LogonFilter
from logonscope.answers.logon_session import NO_DETAILS, Details
from logonscope.answers.session_process import Leftovers, LogonTree
from logonscope.broker import Request, filtered_logons, session_processes, sessions
from logonscope.broker.doctor import doctor
from logonscope.broker.history import history, past_processes
from logonscope.broker.services import services
from logonscope.broker.timeline import timeline
from logonscope.broker.whose import whose
from logonscope.dispatch.enumerations import AnswerRows, Rows


def list_sessions(
    request: Request, which: str | None = None, where: LogonFilter | None = None, details: Details = NO_DETAILS
) -> Rows:
    """Return the logon sessions; see ``client.Host.sessions``."""
    return _rows(_ask(sessions.sessions, filtered_logons.sessions, request, which, where, details=details))


def list_processes(request: Request, which: str | None = None, where: LogonFilter | None = None) -> Rows:
    """Return processes with their logon sessions; see ``client.Host.processes``."""
    return _rows(_ask(session_processes.processes, filtered_logons.processes, request, which, where))


def list_pairs(request: Request) -> Rows:
    """Return pid and LogonId of each process whose logon session the caller may see."""
    return _rows({"pid": pid, "logon_id": logon_id} for pid, logon_id in session_processes.read_pairs(request))


def list_tree(request: Request, which: str | None = None, where: LogonFilter | None = None) -> Rows:
    """Return logon sessions, each followed by its processes; see ``client.Host.tree``."""
    return _rows(_tree_parts(_ask(sessions.tree, filtered_logons.tree, request, which, where)))


def list_leftovers(request: Request, which: str | None = None, where: LogonFilter | None = None) -> Rows:
    """Return leftovers, then the numbers ``known`` and ``unknown`` of logon sessions; see ``client.Host.leftovers``."""
    return _rows(_leftover_parts(_ask(session_processes.leftovers, filtered_logons.leftovers, request, which, where)))


def list_services(request: Request) -> Rows:
    """Return the services of the System session; see ``client.Host.services``."""
    return _rows(services(request))


def list_owners(request: Request, target: str, details: Details = NO_DETAILS, *, all_namespaces: bool = False) -> Rows:
    """Return the logon session of each process that a target means; see ``client.Host.whose``."""
    return _rows(whose(request, target, details, all_namespaces=all_namespaces))


def list_history(request: Request, where: HistoryFilter = NO_HISTORY_FILTER) -> Rows:
    """Return past logins with what they ran; see ``client.Host.history``."""
    return _rows(history(request, where))


def list_past_processes(request: Request, where: HistoryFilter = NO_HISTORY_FILTER) -> Rows:
    """Return past processes; see ``client.Host.past_processes``."""
    return _rows(past_processes(request, where))


def list_timeline(request: Request, since: datetime, until: datetime, resolution: timedelta) -> Rows:
    """Return the logins of a span with what they ran in each bin; see ``broker.timeline``."""
    return _rows(timeline(request, since, until, resolution))


def list_checks(request: Request) -> Rows:
    """Return what can be read on the host; see ``client.Host.doctor``."""
    return _rows(doctor(request))


def _ask(
    plain: Callable[..., Any],
    filtered: Callable[..., Any],
    request: Request,
    which: str | None,
    where: LogonFilter | None,
    **options: Any,
) -> Any:
    """Return the answer of one of two operations of the broker: ``filtered`` if the filter has conditions."""
    # Without conditions the plain operation is faster: a filtered one first describes the selected logon sessions.
    if where is None or where.matches_all:
        return plain(request, which, **options)
    return filtered(request, which, where, **options)


def _tree_parts(trees: Iterable[LogonTree]) -> Iterator[dict[str, Any]]:
    for tree in trees:
        yield {"session": tree.session}
        yield from ({"process": process} for process in tree.processes)


def _leftover_parts(leftovers: Leftovers) -> Iterator[dict[str, Any]]:
    yield from ({"process": process} for process in leftovers.processes)
    yield {"logon_sessions": {"known": leftovers.known, "unknown": leftovers.unknown}}


def _rows(answers: Iterable[Any]) -> Rows:
    return Rows(iter((AnswerRows(iter(answers)),)))
