"""What are the logon sessions and processes of a host that tells instances? Made of its own classes, as people ask.

Logonscope's classes in root/logonscope say all; where there are none the machine is a Windows, and the documented ones
say what they say. What is not told is None.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from logonscope.cim.paths import parse_path
from logonscope.cim.schema import LOGONSCOPE
from logonscope.errors import AccessDeniedError, InvalidNamespaceError, InvalidParameterError, NotFoundError
from logonscope.facts import LogonSession, LogonTree, SessionProcess, Socket, Whose
from logonscope.ownership.logon_type import NAMES
from logonscope.wql.tree import EQUAL, Comparison, Name, Select
from logonscope.wql.write import write

if TYPE_CHECKING:
    from logonscope.cim.instances import Instance
    from logonscope.client.host import Host

TOLD = "told"
"""The evidence where the other end gives none: Windows says which logon session it is, not how that is known."""

_FIELDS = {
    "logon_id": "LogonId", "user": "User", "uid": "Uid", "logon_type": "LogonType", "start": "StartTime",
    "authentication_package": "AuthenticationPackage", "state": "State", "seat": "Seat", "vt": "VirtualTerminal",
    "tty": "Terminal", "remote_host": "RemoteHost", "remote_user": "RemoteUser", "service": "Service",
    "login_class": "LoginClass", "leader": "LeaderId", "scope": "Scope", "login": "LoginId",
    "vouched_by": "VouchedBy", "processes": "ProcessCount", "leftovers": "LeftoverCount",
}  # fmt: skip
"""The fields of a logon session, and the properties of LS_LogonSession that they are."""


class Described:
    """Answers the questions about logon sessions of a host by its instances."""

    def __init__(self, host: "Host") -> None:
        self._host = host

    def sessions(self, which: str | None) -> list[LogonSession]:
        """Return the logon sessions that a word means."""
        return [session for session in self._sessions() if _is_meant(session, which)]

    def processes(self, which: str | None) -> Iterator[SessionProcess]:
        """Yield the processes of the logon sessions that a word means."""
        wanted = None if which is None else {session.logon_id for session in self.sessions(which)}
        return (row for row in self._processes() if wanted is None or row.logon_id in wanted)

    def session_processes(self) -> Iterator[tuple[int, str]]:
        """Yield pids with LogonIds."""
        for pair in self._host.enumerate("Win32_SessionProcess"):
            yield int(_key(pair["Dependent"])), _key(pair["Antecedent"])

    def tree(self, which: str | None) -> list[LogonTree]:
        """Return the logon sessions that a word means with their processes; last what is in none of them."""
        members: dict[str | None, list[SessionProcess]] = {}
        for row in self._processes():
            members.setdefault(row.logon_id, []).append(row)
        sessions = self.sessions(which)
        trees = [LogonTree(session, tuple(members.get(session.logon_id, ()))) for session in sessions]
        hidden = tuple(members.get(None, ())) if which is None else ()
        return [*trees, LogonTree(None, hidden)] if hidden else trees

    def whose(self, target: str) -> list[Whose]:
        """Say whose the processes are that a target means.

        Raises:
            NotFoundError, AccessDeniedError, InvalidParameterError: as ``Host.whose``.
        """
        rows = {row.pid: row for row in self._processes()}
        sockets = self._holders(target) if target.startswith(":") else {}
        found = [rows[pid] for pid in sorted(sockets or _named(target, rows.values())) if pid in rows]
        if not found:
            raise NotFoundError(f"nobody there is meant by {target!r}", "give a pid, a process name, or :PORT")
        sessions = {session.logon_id: session for session in self._sessions()}
        seen = [row for row in found if row.logon_id in sessions]
        if not seen:
            raise AccessDeniedError(f"process {found[0].pid} runs in a logon session that is not yours", "use sudo")
        return [_answer(target, row, rows, sessions, sockets.get(row.pid, ())) for row in seen]

    @cached_property
    def _is_ours(self) -> bool:
        """Tell whether the other end is a Logonscope."""
        try:
            next(self._host.classes("LS_LogonSession", namespace=LOGONSCOPE), None)
        except InvalidNamespaceError:
            return False
        return True

    def _sessions(self) -> list[LogonSession]:
        if self._is_ours:
            return [_session(found) for found in self._host.enumerate("LS_LogonSession", namespace=LOGONSCOPE)]
        users = {
            _key(one["Dependent"]): _account(one["Antecedent"]) for one in self._host.enumerate("Win32_LoggedOnUser")
        }
        return [
            LogonSession(
                str(found["LogonId"]), user=users.get(str(found["LogonId"])), logon_type=found["LogonType"],
                logon_type_name=NAMES.get(found["LogonType"]), start=found["StartTime"],
                authentication_package=found["AuthenticationPackage"],
            )
            for found in self._host.enumerate("Win32_LogonSession")
        ]  # fmt: skip

    def _processes(self) -> Iterator[SessionProcess]:
        if self._is_ours:
            pairs = {
                _key(one["Dependent"]): one for one in self._host.enumerate("LS_SessionProcess", namespace=LOGONSCOPE)
            }
            for found in self._host.enumerate("LS_Process", namespace=LOGONSCOPE):
                yield _process(found, pairs.get(found["Handle"]))
            return
        owned = dict(self.session_processes())
        for found in self._host.enumerate("Win32_Process"):
            yield _of_windows(found, owned.get(found["ProcessId"]))

    def _holders(self, target: str) -> dict[int, tuple[Socket, ...]]:
        if not re.fullmatch(":[0-9]{1,5}", target) or not 0 < int(target[1:]) < 65536:
            raise InvalidParameterError(f"{target} is no port", "give :PORT with a number from 1 to 65535, as :8080")
        if not self._is_ours:
            raise NotFoundError("that machine does not tell who holds a port", "ask it for a pid or a name")
        sockets = {str(found["Inode"]): _socket(found) for found in self._at("LS_Socket", target)}
        held: dict[int, tuple[Socket, ...]] = {}
        for one in self._at("LS_ProcessSocket", target):
            pid, socket = int(_key(one["Antecedent"])), sockets.get(_key(one["Dependent"]))
            held[pid] = (*held.get(pid, ()), *([socket] if socket else []))
        if not held:
            raise NotFoundError(f"nobody there whom you may see holds port {target[1:]}", "come as an administrator")
        return held

    def _at(self, class_name: str, target: str) -> Iterator[Any]:
        port = Select(None, class_name, Comparison(Name(("LocalPort",)), EQUAL, int(target[1:])))
        return iter(self._host.query(write(port), namespace=LOGONSCOPE))


def _is_meant(session: LogonSession, which: str | None) -> bool:
    return which is None or which in {session.logon_id, session.login, session.user}


def _session(found: "Instance") -> LogonSession:
    values: dict[str, Any] = {field: found[name] for field, name in _FIELDS.items()}
    said = (line.partition(": ") for line in found["Sources"] or ())
    named = {name: field for field, name in _FIELDS.items()}
    sources = {named.get(name, name): source for name, _, source in said}
    kind = NAMES.get(values["logon_type"])
    return LogonSession(**values, logon_type_name=kind, sources=sources)


def _process(found: "Instance", pair: "Instance | None") -> SessionProcess:
    unread = dict(line.partition(": ")[::2] for line in found["Unread"] or ())
    return SessionProcess(
        logon_id=None if pair is None else _key(pair["Antecedent"]),
        evidence="hidden" if pair is None else pair["Evidence"],
        pid=found["ProcessId"], ppid=found["ParentProcessId"], name=found["Name"], user=found["User"],
        uid=found["EffectiveUid"], login_uid=found["LoginUid"] if pair is None else pair["LoginUid"],
        start=found["StartTime"], tty=found["Terminal"], state=found["State"],
        leftover=None if pair is None else pair["Leftover"], command_line=found["CommandLine"],
        executable=found["ExecutablePath"], unread=unread,
    )  # fmt: skip


def _of_windows(found: "Instance", logon_id: str | None) -> SessionProcess:
    return SessionProcess(
        logon_id=logon_id, evidence=TOLD if logon_id else "hidden", pid=found["ProcessId"],
        ppid=found["ParentProcessId"], name=found["Name"], user=None, uid=None, login_uid=None,
        start=found["CreationDate"], tty=None, state=None, leftover=None, command_line=found["CommandLine"],
        executable=found["ExecutablePath"], unread={},
    )  # fmt: skip


def _socket(found: "Instance") -> Socket:
    return Socket(
        found["Protocol"], found["LocalAddress"] or "", found["LocalPort"] or 0, found["RemoteAddress"] or "",
        found["RemotePort"] or 0, found["State"] or "", found["Inode"] or 0,
    )  # fmt: skip


def _named(target: str, rows: Iterable[SessionProcess]) -> set[int]:
    if target.isdecimal():
        return {row.pid for row in rows if str(row.pid) == target}
    return {row.pid for row in rows if row.name == target}


def _answer(
    target: str, row: SessionProcess, rows: dict[int, SessionProcess], sessions: dict[str, LogonSession],
    sockets: tuple[Socket, ...],
) -> Whose:  # fmt: skip
    session = sessions[row.logon_id or ""]
    chain = [row]
    while (parent := rows.get(chain[0].ppid or 0)) and parent.logon_id == row.logon_id and parent not in chain:
        chain.insert(0, parent)
    return Whose(
        target=target, pid=row.pid, logon_id=session.logon_id, evidence=row.evidence, session=session, process=row,
        chain=tuple(chain), sockets=sockets,
    )  # fmt: skip


def _key(path: str) -> str:
    """Return the value of the one key of a path."""
    ((_, value),) = parse_path(path).keys or (("", ""),)
    return str(value)


def _account(path: str) -> str:
    keys = {str(name): str(value) for name, value in parse_path(path).keys or ()}
    return keys.get("Name", "")
