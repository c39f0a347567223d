"""What are the logon sessions and processes of a host that tells instances? Made of its own classes, as people ask.

Logonscope's classes in root/logonscope say all; where there are none the machine is a Windows, and the documented ones
say what they say. What is not told is None.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from logonscope.answers.logon_filter import LogonFilter
from logonscope.answers.logon_session import LOGON_TYPES, LogonSession
from logonscope.answers.session_process import Leftovers, LogonTree, SessionOf, SessionProcess, leftovers_among
from logonscope.answers.whose import Whose
from logonscope.answers.whose_target import FORMS, Target, parse_target
from logonscope.broker.whose_candidates import bound_to
from logonscope.cim.classes import CIMV2
from logonscope.cim.paths import parse_path
from logonscope.cim.schema import LOGONSCOPE
from logonscope.client.filter_condition import filtered_select
from logonscope.errors import AccessDeniedError, InvalidNamespaceError, InvalidParameterError, NotFoundError
from logonscope.facts import Socket
from logonscope.wql.tree import EQUAL, Comparison, Name, Select
from logonscope.wql.write import write

if TYPE_CHECKING:
    from logonscope.cim.instances import Instance
    from logonscope.client.host import Host

SYSTEM_WORD = "system"
"""The word for the logon session of everything that no login started."""

TOLD = "told"
"""The evidence where the other end gives none: Windows says which logon session it is, not how that is known."""

FEW = 4
"""Logon sessions whose processes are asked for one by one."""

_FIELDS = {
    "logon_id": "LogonId", "user": "User", "uid": "Uid", "logon_type": "LogonType", "start": "StartTime",
    "authentication_package": "AuthenticationPackage", "state": "State", "seat": "Seat", "vt": "VirtualTerminal",
    "tty": "Terminal", "remote_host": "RemoteHost", "remote_user": "RemoteUser", "service": "Service",
    "login_class": "LoginClass", "leader": "LeaderId", "scope": "Scope", "login": "LoginId",
    "vouched_by": "VouchedBy", "processes": "ProcessCount", "leftovers": "LeftoverCount", "guid": "Guid",
    "join_evidence": "JoinEvidence", "start_is_approximate": "StartIsApproximate",
}  # fmt: skip
"""The fields of a logon session, and the properties of LS_LogonSession that they are."""


class LogonsFromCim:
    """Answers the questions about logon sessions of a host by its instances."""

    def __init__(self, host: "Host") -> None:
        self._host = host

    def session_of(self, pid: int) -> SessionOf:
        """Return the logon session of a process, and the evidence that the other end gives for it."""
        found = self.whose(str(pid))[0]
        return SessionOf(found.session, found.evidence)

    def leftovers(self, which: str | None, where: LogonFilter | None = None) -> Leftovers:
        """Return the processes whose login's leader is gone, and of how many logon sessions that can be known."""
        return leftovers_among(self.processes(which, where))

    def sessions(self, which: str | None, where: LogonFilter | None = None) -> list[LogonSession]:
        """Return the logon sessions that a word means, as far as they fit."""
        meant = (session for session in self._sessions(where) if _is_meant(session, which))
        return [session for session in meant if where is None or where.fits(session)]

    def processes(self, which: str | None, where: LogonFilter | None = None) -> Iterator[SessionProcess]:
        """Yield the processes of the logon sessions that a word means, as far as they fit."""
        if which is None and where is None:
            return self._processes()
        return self._processes_of([session.logon_id for session in self.sessions(which, where)])

    def session_processes(self) -> Iterator[tuple[int, str]]:
        """Yield pids with LogonIds."""
        for pair in self._host.enumerate("Win32_SessionProcess"):
            yield int(_key(pair["Dependent"])), _key(pair["Antecedent"])

    def tree(self, which: str | None, where: LogonFilter | None = None) -> list[LogonTree]:
        """Return the logon sessions that a word means with their processes; last what is in none of them."""
        members: dict[str | None, list[SessionProcess]] = {}
        is_whole = which is None and where is None
        whole = list(self._processes()) if is_whole else []
        sessions = self.sessions(which, where)
        for row in whole if is_whole else self._processes_of([session.logon_id for session in sessions]):
            members.setdefault(row.logon_id, []).append(row)
        trees = [LogonTree(session, tuple(members.get(session.logon_id, ()))) for session in sessions]
        hidden = tuple(members.get(None, ())) if is_whole else ()
        return [*trees, LogonTree(None, hidden)] if hidden else trees

    def whose(self, target: str) -> list[Whose]:
        """Say whose the processes are that a target means; of each, its logon session with its members is asked for.

        Raises:
            NotFoundError, AccessDeniedError, InvalidParameterError: as ``Host.whose``.
        """
        asked = parse_target(target)
        sockets = self._holders(asked) if asked.kind == "port" else {}
        answers, members = list[Whose](), dict[str, dict[int, SessionProcess]]()
        pids = sorted(sockets) or self._pids(asked)
        for pid in pids:
            session = self._session_with(pid)
            if session is None:
                continue
            if session.logon_id not in members:
                members[session.logon_id] = {row.pid: row for row in self._members(session.logon_id)}
            if pid in members[session.logon_id]:
                answers.append(_answer(target, pid, session, members[session.logon_id], sockets.get(pid, ())))
        if not answers:
            raise AccessDeniedError(
                f"process {pids[0]} runs in a logon session that is not yours", "come as an administrator"
            )
        return answers

    @cached_property
    def _is_ours(self) -> bool:
        """Tell whether the other end is a Logonscope."""
        try:
            next(self._host.classes("LS_LogonSession", namespace=LOGONSCOPE), None)
        except InvalidNamespaceError:
            return False
        return True

    def _sessions(self, where: LogonFilter | None = None) -> list[LogonSession]:
        """Return the logon sessions that may fit."""
        if self._is_ours:
            asked = filtered_select("LS_LogonSession", where, frozenset(_FIELDS.values()))
            rows: Iterator[Any] = iter(self._host.query(write(asked), namespace=LOGONSCOPE))
            return [_session(found) for found in rows]
        logged_on = self._host.enumerate("Win32_LoggedOnUser")
        users = {_key(one["Dependent"]): _account(one["Antecedent"]) for one in logged_on}
        documented = filtered_select("Win32_LogonSession", where, frozenset({"LogonType", "StartTime"}))
        answers: Iterator[Any] = iter(self._host.query(write(documented), namespace=CIMV2))
        return [_of_windows(found, users) for found in answers]

    def _processes_of(self, logon_ids: Sequence[str]) -> Iterator[SessionProcess]:
        """Yield the processes of these logon sessions: of a few by their associations, of many from the whole list."""
        if len(logon_ids) <= FEW:
            for logon_id in logon_ids:
                yield from self._members(logon_id)
            return
        wanted = set(logon_ids)
        yield from (row for row in self._processes() if row.logon_id in wanted)

    def _processes(self) -> Iterator[SessionProcess]:
        if self._is_ours:
            told = self._host.enumerate("LS_SessionProcess", namespace=LOGONSCOPE)
            pairs = {_key(one["Dependent"]): one for one in told}
            for found in self._host.enumerate("LS_Process", namespace=LOGONSCOPE):
                yield _process(found, pairs.get(found["Handle"]))
            return
        owned = dict(self.session_processes())
        for found in self._host.enumerate("Win32_Process"):
            yield _process_of_windows(found, owned.get(found["ProcessId"]))

    def _members(self, logon_id: str) -> Iterator[SessionProcess]:
        """Yield the processes of one logon session."""
        if not self._is_ours:
            path = f'Win32_LogonSession.LogonId="{logon_id}"'
            for found in self._host.associators(path, result_class="Win32_Process"):
                yield _process_of_windows(found, logon_id)
            return
        path = f'LS_LogonSession.LogonId="{logon_id}"'
        told = self._host.references(path, result_class="LS_SessionProcess", namespace=LOGONSCOPE)
        pairs = {_key(one["Dependent"]): one for one in told}
        for found in self._host.associators(path, result_class="LS_Process", namespace=LOGONSCOPE):
            yield _process(found, pairs.get(found["Handle"]))

    def _session_with(self, pid: int) -> LogonSession | None:
        """Return the logon session of a process; None where it may not be seen."""
        if self._is_ours:
            tied = self._host.associators(f"LS_Process={pid}", result_class="LS_LogonSession", namespace=LOGONSCOPE)
            try:
                session = next(map(_session, tied), None)
            except NotFoundError:
                self._host.get(f"Win32_Process={pid}", ["Handle"])  # that it runs, everybody may know
                return None
            return (
                None if session is None else session._replace(processes=None, leftovers=None)
            )  # they are not asked for
        found = next(self._host.associators(f"Win32_Process={pid}", result_class="Win32_LogonSession"), None)
        if found is None:
            return None
        account = next(self._host.associators(found, result_class="Win32_Account"), None)
        return _of_windows(found, {} if account is None else {str(found["LogonId"]): account["Name"]})

    def _pids(self, asked: Target) -> list[int]:
        """Return the pids of the processes that a target means.

        Raises:
            NotFoundError: there is none.
            InvalidParameterError: a word is a name and an account.
        """
        if asked.kind == "pid":
            return [int(asked.text)]
        if asked.kind == "executable":
            pids = self._with("ExecutablePath", asked.text)
        else:
            named = [] if asked.kind == "account" else self._with("Name", asked.text)
            where = LogonFilter(users=frozenset({asked.text}))
            of_user = [] if asked.kind == "name" else sorted(row.pid for row in self.processes(None, where))
            if named and of_user and named != of_user:
                raise InvalidParameterError(
                    f"{asked.text!r} is ambiguous: it is the name of processes there, and an account with processes",
                    f"give name:{asked.text} or user:{asked.text}",
                )
            pids = named or of_user
        if not pids:
            raise NotFoundError(f"no process there is meant by {asked.text!r}", FORMS)
        return pids

    def _with(self, name: str, value: str) -> list[int]:
        """Return the pids of the processes one of whose properties has a value."""
        of, space = ("LS_Process", LOGONSCOPE) if self._is_ours else ("Win32_Process", CIMV2)
        asked = Select((Name(("ProcessId",)), Name(("Handle",))), of, Comparison(Name((name,)), EQUAL, value))
        rows: Iterator[Any] = iter(self._host.query(write(asked), namespace=space))
        return sorted(int(row["ProcessId"]) for row in rows)

    def _holders(self, asked: Target) -> dict[int, tuple[Socket, ...]]:
        if not self._is_ours:
            raise NotFoundError("that machine does not tell who holds a port", "ask it for a pid or a name")
        at_port = [(_socket(found), str(found["Inode"])) for found in self._at("LS_Socket", asked.port)]
        bound = bound_to([socket for socket, _ in at_port], asked.address)
        sockets = {inode: socket for socket, inode in at_port if socket in bound}
        held: dict[int, tuple[Socket, ...]] = {}
        for one in self._at("LS_ProcessSocket", asked.port):
            pid, socket = int(_key(one["Antecedent"])), sockets.get(_key(one["Dependent"]))
            if socket is not None:
                held[pid] = (*held.get(pid, ()), socket)
        if not held:
            hint = "" if self._host.everything else "come as an administrator to see what is others'"
            raise NotFoundError(f"nobody there is seen to hold port {asked.port}", hint)
        return held

    def _at(self, class_name: str, port: int) -> Iterator[Any]:
        asked = Select(None, class_name, Comparison(Name(("LocalPort",)), EQUAL, port))
        return iter(self._host.query(write(asked), namespace=LOGONSCOPE))


def _is_meant(session: LogonSession, which: str | None) -> bool:
    if which is not None and which.lower() == SYSTEM_WORD:
        return session.logon_type == 0
    return which is None or which in {session.logon_id, session.login, session.user}


def _session(found: "Instance") -> LogonSession:
    values: dict[str, Any] = {field: found[name] for field, name in _FIELDS.items()}
    said = (line.partition(": ") for line in found["Sources"] or ())
    named = {name: field for field, name in _FIELDS.items()}
    sources = {named.get(name, name): source for name, _, source in said}
    kind = LOGON_TYPES.get(values["logon_type"])
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
        executable=found["ExecutablePath"], unread=unread, process_guid=found["Guid"],
        logon_guid=None if pair is None else pair["LogonGuid"],
        join_evidence=None if pair is None else pair["JoinEvidence"],
    )  # fmt: skip


def _of_windows(found: "Instance", users: Mapping[str, str]) -> LogonSession:
    logon_id = str(found["LogonId"])
    return LogonSession(
        logon_id, user=users.get(logon_id), logon_type=found["LogonType"],
        logon_type_name=LOGON_TYPES.get(found["LogonType"]), start=found["StartTime"],
        authentication_package=found["AuthenticationPackage"],
    )  # fmt: skip


def _process_of_windows(found: "Instance", logon_id: str | None) -> SessionProcess:
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


def _answer(
    target: str, pid: int, session: LogonSession, members: Mapping[int, SessionProcess], sockets: tuple[Socket, ...]
) -> Whose:
    row = members[pid]
    chain = [row]
    while (parent := members.get(chain[0].ppid or 0)) and parent not in chain:
        chain.insert(0, parent)
    return Whose(
        target=target, pid=pid, logon_id=session.logon_id, evidence=row.evidence, session=session, process=row,
        chain=tuple(chain), sockets=sockets,
    )  # fmt: skip


def _key(path: str) -> str:
    """Return the value of the one key of a path."""
    ((_, value),) = parse_path(path).keys or (("", ""),)
    return str(value)


def _account(path: str) -> str:
    keys = {str(name): str(value) for name, value in parse_path(path).keys or ()}
    return keys.get("Name", "")
