"""Which process belongs to which logon session? The pairs alone, or each as a row that a person asks for."""

from collections.abc import Callable, Iterator, Mapping

from logonscope.answers import SessionProcess
from logonscope.broker.view import Broker, stream
from logonscope.facts import Account, Machine, Process
from logonscope.machine import Needs, Owner
from logonscope.ownership import is_leftover, login_uid, started_at, terminal_name
from logonscope.providers.helpers.effective_user import effective_user
from logonscope.providers.helpers.text import clean, command_line

ROW = frozenset({"ses", "loginuid", "comm", "uids", "cmdline", "exe", "name"})
"""The facts of a row."""


def session_processes(broker: Broker) -> Iterator[tuple[int, str]]:
    """Yield (pid, LogonId) of every process whose logon session the caller sees: two small files a process."""
    for process, owner in stream(broker, Needs(process=frozenset({"ses"}))).owned:
        if owner.logon is not None:
            yield process.pid, owner.logon


def processes(broker: Broker, which: str | None = None) -> Iterator[SessionProcess]:
    """Yield the processes of one logon session, of a user's logon sessions, or all that the caller sees."""
    view = stream(broker, Needs(process=ROW), which)
    row = row_maker(view.snapshot.machine, view.snapshot.accounts)
    for process, owner in view.owned:
        yield row(process, owner)


def row_maker(machine: Machine, accounts: Mapping[int, Account]) -> Callable[[Process, Owner], SessionProcess]:
    """Return the function that makes a row of a process and its owner."""

    def row(process: Process, owner: Owner) -> SessionProcess:
        uid = process.uids[1] if process.uids else None
        return SessionProcess(
            logon_id=owner.logon,
            evidence=owner.evidence,
            pid=process.pid,
            ppid=process.ppid,
            name=clean(process.name or process.comm),
            user=effective_user(process, accounts),
            uid=uid,
            login_uid=login_uid(owner, (process,)) if owner.logon else None,
            start=started_at(process, machine),
            tty=terminal_name(process.tty_nr),
            state=process.state,
            leftover=is_leftover(owner.login),
            command_line=command_line(process.cmdline),
            executable=clean(process.exe),
            unread=process.unread or {},
        )

    return row
