"""Operations on processes in their logon sessions: pairs of pid and LogonId, full rows, and leftovers."""

from collections.abc import Iterator

from logonscope.answers.session_process import Leftovers, SessionProcess, collect_leftovers
from logonscope.broker.request import Request
from logonscope.broker.session_selector import Which
from logonscope.facts import Process
from logonscope.machine import Facts, Owner, ProcessQuery, start_time, terminal_name
from logonscope.machine.identity import process_guid
from logonscope.providers.helpers.text import clean, command_line

_ROW_FACTS = frozenset({"comm", "ppid", "state", "start", "tty_nr", "uids", "cmdline", "exe", "name"})


def row_facts(request: Request) -> Facts:
    """Return the facts that ``process_row`` needs."""
    return _ROW_FACTS | request.ownership.access_facts


def read_pairs(request: Request) -> Iterator[tuple[int, str]]:
    """Return (pid, LogonId) of each process whose logon session the caller may see.

    Of each process one or two small files are read for an administrator, up to four for other callers.
    """
    return request.pid_pairs()


def processes(request: Request, which: Which = None) -> Iterator[SessionProcess]:
    """Yield the processes of the selected logon sessions, or all that the caller may see."""
    read_result = request.read(ProcessQuery(row_facts(request)), which)
    return (process_row(request, *pair) for pair in read_result.pairs)


def leftovers(request: Request, which: Which = None) -> Leftovers:
    """Return the leftovers of the selected logon sessions, or all that the caller may see."""
    return collect_leftovers(processes(request, which))


def process_row(request: Request, process: Process, owner: Owner) -> SessionProcess:
    """Build the row of a process and its owner."""
    uid = process.uids[1] if process.uids else None
    start, tty = start_time(process, request.machine), terminal_name(process.tty_nr)
    login_uid = request.ownership.login_uid(owner, (process,)) if owner.logon_id else None
    user, name = request.user_name(process, owner), process.name or process.comm
    container = request.container(process)
    return SessionProcess(
        logon_id=owner.logon_id,
        evidence=owner.evidence,
        pid=process.pid,
        ppid=process.ppid,
        name=clean(name),
        user=clean(user),
        uid=uid,
        login_uid=login_uid,
        start=start,
        tty=tty,
        state=process.state,
        leftover=request.is_leftover(owner),
        command_line=command_line(process.cmdline),
        executable=clean(process.exe),
        process_guid=process_guid(request.machine, process),
        logon_guid=request.logon_guid(owner),
        join_evidence=request.ownership.join_evidence(owner),
        container_id=clean(container.id) if container else None,
        container_runtime=container.runtime if container else None,
        pod_uid=container.pod_uid if container else None,
        unread=_unread_row_facts(request, process) if process.unread else {},
    )


def _unread_row_facts(request: Request, process: Process) -> dict[str, str]:
    """Return why facts of the row could not be read. A recording may also hold reasons for facts that no row has."""
    facts = row_facts(request)
    return {fact: reason for fact, reason in (process.unread or {}).items() if fact in facts}
