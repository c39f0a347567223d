"""Logon sessions and processes of a remote host, built from its CIM instances.

A Logonscope server has classes in root/logonscope, with a property for each field. Any other server is treated as
Windows. The classes that Microsoft documents have fewer properties: fields without a property are None.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from logonscope.answers.logon_filter import LogonFilter
from logonscope.answers.logon_session import ALL_DETAILS, LOGON_TYPES, NO_DETAILS, Detail, Details, LogonSession
from logonscope.answers.logon_usage import LogonUsage
from logonscope.answers.session_process import Leftovers, LogonTree, SessionOf, SessionProcess, collect_leftovers
from logonscope.answers.whose import Whose
from logonscope.answers.whose_target import TARGET_FORMS, WhoseTarget, parse_target
from logonscope.broker.access import NOT_YOUR_SESSION
from logonscope.broker.socket_holders import sockets_at_address
from logonscope.cim.classes import CIMV2
from logonscope.cim.paths import parse_path
from logonscope.cim.schema import LOGONSCOPE
from logonscope.client.filter_condition import filtered_select
from logonscope.client.service_names import with_port
from logonscope.errors import (
    AccessDeniedError,
    Hint,
    HintCode,
    InvalidClassError,
    InvalidNamespaceError,
    InvalidParameterError,
    LogonscopeError,
    NotFoundError,
    NotSupportedError,
)
from logonscope.facts import Socket
from logonscope.wql.tree import EQUAL, Comparison, Name, Select
from logonscope.wql.write import write_statement

if TYPE_CHECKING:
    from logonscope.cim.instances import Instance
    from logonscope.client.host import Host

SYSTEM_WORD = "system"
"""The word that selects the System session, the logon session of everything that no login started."""

EVIDENCE_OF_WINDOWS = "reported"
"""The evidence of processes on Windows, which reports the logon session of a process but no evidence for it."""

MAX_BY_ASSOCIATION = 4
"""Maximum number of logon sessions whose processes are queried one logon session at a time.

For more logon sessions, all processes of the host are read once.
"""

_EPOCH = datetime.fromtimestamp(0, UTC)

_FIELDS = {
    "logon_id": "LogonId", "user": "User", "uid": "Uid", "logon_type": "LogonType", "start": "StartTime",
    "authentication_package": "AuthenticationPackage", "state": "State", "seat": "Seat", "vt": "VirtualTerminal",
    "tty": "Terminal", "remote_host": "RemoteHost", "remote_user": "RemoteUser", "service": "Service",
    "login_class": "LoginClass", "leader": "LeaderId", "scope": "Scope", "login": "LoginId",
    "recorded_by": "RecordedBy", "processes": "ProcessCount", "leftovers": "LeftoverCount", "guid": "Guid",
    "join_evidence": "JoinEvidence", "start_is_approximate": "StartIsApproximate", "container_id": "ContainerId",
    "container_runtime": "ContainerRuntime", "pod_uid": "PodUid", "is_foreign": "IsForeign",
    "remote_address": "RemoteAddress", "remote_port": "RemotePort", "authentication_method": "AuthenticationMethod",
    "key_type": "KeyType", "key_fingerprint": "KeyFingerprint", "certificate_id": "CertificateId",
    "certificate_serial": "CertificateSerial", "certificate_authority": "CertificateAuthority",
    "authentication_source": "AuthenticationSource",
}  # fmt: skip
"""For each field of a LogonSession: the property of LS_LogonSession that has its value."""

_FIELD_OF_PROPERTY = {name: field for field, name in _FIELDS.items()}

_FIELDS_OF_DETAIL: Mapping[Detail, tuple[str, ...]] = {
    "origin": ("remote_port",),
    "authentication": (
        "authentication_method", "key_type", "key_fingerprint", "certificate_id", "certificate_serial",
        "certificate_authority", "authentication_source",
    ),
    "usage": (),
}  # fmt: skip
"""For each detail: the fields whose properties are selected only if a caller requests the detail.

The detail "usage" is in another class. AuthenticationPackage is always selected: logins without ssh have it, too.
"""


class LogonsFromCim:
    """The operations on logon sessions of a host, implemented by queries for its instances."""

    def __init__(self, host: "Host") -> None:
        self._host = host

    def session_of(self, pid: int) -> SessionOf:
        """Return the logon session of a process, and the evidence that the remote host gives for it."""
        answer = self.whose(str(pid))[0]
        return SessionOf(answer.session, answer.evidence)

    def leftovers(self, which: str | None, where: LogonFilter | None = None) -> Leftovers:
        """Return the leftovers, with the numbers of logon sessions that ``Host.leftovers`` describes."""
        return collect_leftovers(self.processes(which, where))

    def sessions(
        self, which: str | None, where: LogonFilter | None = None, details: Details = NO_DETAILS
    ) -> list[LogonSession]:
        """Return the logon sessions that ``which`` names and that match the filter, in the order of ``Host.sessions``.

        Fields of a detail are filled if ``details`` has the detail, or if the filter needs it.
        """
        details |= NO_DETAILS if where is None else where.details
        selected = [session for session in self._query_sessions(where, details) if _is_selected(session, which)]
        return self._add_usage(selected if where is None else where.matching(selected), details)

    def _add_usage(self, sessions: list[LogonSession], details: Details) -> list[LogonSession]:
        """Return the logon sessions with their usage, if it is one of the details."""
        if not sessions or "usage" not in details:
            return sessions
        usage = self._query_usage()
        return [session._replace(usage=usage.get(session.logon_id)) for session in sessions]

    def _query_usage(self) -> dict[str, LogonUsage]:
        """Return the usage of each logon session by LogonId; empty if the remote host has no LS_LogonSessionUsage."""
        if not self.is_logonscope:
            return {}
        try:
            rows = list(self._host.enumerate("LS_LogonSessionUsage", namespace=LOGONSCOPE))
        except InvalidClassError:  # an older Logonscope
            return {}
        return {str(row["LogonId"]): _build_usage(row) for row in rows}

    def processes(self, which: str | None, where: LogonFilter | None = None) -> Iterator[SessionProcess]:
        """Yield the processes of the logon sessions that ``which`` names and that match the filter."""
        if which is None and where is None:
            return self._all_processes()
        return self._processes_of([session.logon_id for session in self.sessions(which, where)])

    def session_processes(self) -> Iterator[tuple[int, str]]:
        """Yield the pairs (pid, LogonId) of Win32_SessionProcess."""
        for pair in self._host.enumerate("Win32_SessionProcess"):
            yield int(_read_key(pair["Dependent"])), _read_key(pair["Antecedent"])

    def tree(self, which: str | None, where: LogonFilter | None = None) -> list[LogonTree]:
        """Return the selected logon sessions with their processes.

        If all logon sessions are selected, the processes whose logon session is hidden or unread come last.
        """
        members: dict[str | None, list[SessionProcess]] = {}
        is_whole = which is None and where is None
        # The processes are read first: otherwise, a process of a login that began in between would be in no tree.
        all_processes = list(self._all_processes()) if is_whole else []
        sessions = self.sessions(which, where)
        for row in all_processes if is_whole else self._processes_of([session.logon_id for session in sessions]):
            members.setdefault(row.logon_id, []).append(row)
        trees = [LogonTree(session, tuple(members.get(session.logon_id, ()))) for session in sessions]
        other_processes = tuple(members.get(None, ())) if is_whole else ()
        return [*trees, LogonTree(None, other_processes)] if other_processes else trees

    def whose(self, target: str, details: Details = NO_DETAILS, *, all_namespaces: bool = False) -> list[Whose]:
        """Return the logon session of each process that a target means.

        The logon session is queried once for each process, and the processes of a logon session only once.

        Raises:
            NotFoundError, AccessDeniedError, InvalidParameterError, NotSupportedError: as ``Host.whose``.
        """
        target = with_port(target)
        parsed_target = parse_target(target)
        if parsed_target.kind == "unix":
            raise NotSupportedError(
                "cannot find the holder of a unix socket over WS-Management",
                Hint(HintCode.RUN_ON_THAT_HOST, {"command": f"whose {target}"}),
            )
        sockets = {}
        if parsed_target.kind == "port":
            sockets = self._sockets_by_pid(parsed_target, all_namespaces=all_namespaces)
        answers, members = list[Whose](), dict[str, dict[int, SessionProcess]]()
        failure: LogonscopeError | None = None
        for pid in sorted(sockets) or self._find_pids(parsed_target):
            try:
                session = self._session_of_pid(pid, details)
                if session.logon_id not in members:
                    members[session.logon_id] = {row.pid: row for row in self._members(session.logon_id)}
                if pid not in members[session.logon_id]:
                    raise _ended_process(pid)
            # Of several processes, some may have ended since, or belong to other users: the remaining processes are the
            # answer. If none remains, an AccessDeniedError says more than a NotFoundError.
            except (AccessDeniedError, NotFoundError) as error:
                failure = error if failure is None or isinstance(error, AccessDeniedError) else failure
            else:
                answers.append(_build_answer(target, pid, session, members[session.logon_id], sockets.get(pid, ())))
        if not answers and failure is not None:
            raise failure
        sessions = self._add_usage([answer.session for answer in answers], details)
        return [answer._replace(session=session) for answer, session in zip(answers, sessions, strict=True)]

    @cached_property
    def is_logonscope(self) -> bool:
        """Whether the remote host is a Logonscope server."""
        try:
            next(self._host.classes("LS_LogonSession", namespace=LOGONSCOPE), None)
        except InvalidNamespaceError:
            return False
        return True

    def _query_sessions(self, where: LogonFilter | None = None, details: Details = NO_DETAILS) -> list[LogonSession]:
        """Return the logon sessions that may match the filter, in the order of ``Host.sessions``."""
        if self.is_logonscope:
            selected = _select_properties(details)
            select = filtered_select("LS_LogonSession", where, frozenset(_FIELDS.values()), selected)
            instances: Iterator[Any] = iter(self._host.query(write_statement(select), namespace=LOGONSCOPE))
            return list(map(_build_session, instances))
        logged_on_users = self._host.enumerate("Win32_LoggedOnUser")
        users = {_read_key(pair["Dependent"]): _read_account_name(pair["Antecedent"]) for pair in logged_on_users}
        select = filtered_select("Win32_LogonSession", where, frozenset({"LogonType", "StartTime"}))
        instances = iter(self._host.query(write_statement(select), namespace=CIMV2))
        return sorted((_build_windows_session(instance, users) for instance in instances), key=_sort_key)

    def _processes_of(self, logon_ids: Sequence[str]) -> Iterator[SessionProcess]:
        """Yield the processes of logon sessions: of a few by association, of many from the list of all processes."""
        if len(logon_ids) <= MAX_BY_ASSOCIATION:
            for logon_id in logon_ids:
                yield from self._members(logon_id)
            return
        selected_ids = set(logon_ids)
        yield from (row for row in self._all_processes() if row.logon_id in selected_ids)

    def _all_processes(self) -> Iterator[SessionProcess]:
        if self.is_logonscope:
            pairs = _by_process(self._host.enumerate("LS_SessionProcess", namespace=LOGONSCOPE))
            for process in self._host.enumerate("LS_Process", namespace=LOGONSCOPE):
                yield _build_process(process, pairs.get(process["Handle"]))
            return
        logon_ids = dict(self.session_processes())
        for process in self._host.enumerate("Win32_Process"):
            yield _build_windows_process(process, logon_ids.get(process["ProcessId"]))

    def _members(self, logon_id: str) -> Iterator[SessionProcess]:
        """Yield the processes of one logon session."""
        if not self.is_logonscope:
            path = f'Win32_LogonSession.LogonId="{logon_id}"'
            for process in self._host.associators(path, result_class="Win32_Process"):
                yield _build_windows_process(process, logon_id)
            return
        path = f'LS_LogonSession.LogonId="{logon_id}"'
        pairs = _by_process(self._host.references(path, result_class="LS_SessionProcess", namespace=LOGONSCOPE))
        for process in self._host.associators(path, result_class="LS_Process", namespace=LOGONSCOPE):
            yield _build_process(process, pairs.get(process["Handle"]))

    def _session_of_pid(self, pid: int, details: Details) -> LogonSession:
        """Return the logon session of a process.

        Raises:
            NotFoundError: there is no such process.
            AccessDeniedError: the caller may not see the logon session, or the server could not read it.
        """
        try:
            session = self._find_session(pid, details)
        except NotFoundError:
            raise _ended_process(pid) from None
        if session is None and self.is_logonscope and self._host.sees_everything:
            hint = Hint(HintCode.RUN_ON_THAT_HOST, {"command": "doctor"})
            raise AccessDeniedError(f"that host could not read the logon session of process {pid}", hint)
        if session is None:
            reason = f"process {pid} is not in one of your logon sessions"
            raise AccessDeniedError(reason, Hint(HintCode.SEE_OTHERS))
        return session

    def _find_session(self, pid: int, details: Details) -> LogonSession | None:
        """Return the logon session of a process; None if the caller may not see it, or the server could not read it.

        Raises:
            NotFoundError: there is no such process.
        """
        if self.is_logonscope:
            path = f"LS_Process={pid}"
            sessions = self._host.associators(
                path, result_class="LS_LogonSession", properties=_select_properties(details), namespace=LOGONSCOPE
            )
            try:
                session = next(map(_build_session, sessions), None)
            except NotFoundError:
                # Every caller may see that a process exists: this raises only if it does not.
                self._host.get(f"Win32_Process={pid}", ["Handle"])
                return None
            # The counts are left out: a local host does not count processes for `whose` and `session_of` either.
            return None if session is None else session._replace(processes=None, leftovers=None)
        instance = next(self._host.associators(f"Win32_Process={pid}", result_class="Win32_LogonSession"), None)
        if instance is None:
            return None
        account = next(self._host.associators(instance, result_class="Win32_Account"), None)
        return _build_windows_session(instance, {} if account is None else {str(instance["LogonId"]): account["Name"]})

    def _find_pids(self, target: WhoseTarget) -> list[int]:
        """Return the pids of the processes that a target means; the target is no port and no unix socket.

        Raises:
            NotFoundError: there is no such process.
            InvalidParameterError: a word is a process name and an account, which mean different processes.
        """
        if target.kind == "pid":
            return [int(target.text)]
        if target.kind == "path":
            pids = self._pids_with("ExecutablePath", target.text)
        else:
            pids_by_name = [] if target.kind == "account" else self._pids_with("Name", target.text)
            pids_by_user = [] if target.kind == "name" else self._pids_of_account(target.text)
            if pids_by_name and pids_by_user and pids_by_name != pids_by_user:
                raise InvalidParameterError(
                    f"{target.text!r} is ambiguous: on that host it is a process name, and an account with processes",
                    f"give name:{target.text} or user:{target.text}",
                )
            pids = pids_by_name or pids_by_user
        if not pids and target.kind == "path" and self.is_logonscope:
            hint = "unix sockets cannot be looked up over WS-Management: use https://, or run it there"
            raise NotFoundError(f"no process runs {target.text!r}", hint)
        if not pids:
            raise NotFoundError(f"no process on that host matches {target.text!r}", TARGET_FORMS)
        return pids

    def _pids_of_account(self, name: str) -> list[int]:
        """Return the pids of the processes in the logon sessions of an account, and of those that run as the account.

        Windows reports the account of a process by a method only: for Windows, only the processes in the logon sessions
        are returned.
        """
        sessions = self.sessions(None, LogonFilter(users=frozenset({name})))
        # the filter also matches a name that is a uid in digits
        logon_ids = [session.logon_id for session in sessions if session.user == name]
        pids = {row.pid for row in self._processes_of(logon_ids)}
        if self.is_logonscope:
            pids.update(self._pids_with("User", name))
        return sorted(pids)

    def _pids_with(self, property_name: str, value: str) -> list[int]:
        """Return the pids of the processes with this value of a property; on Windows, case is ignored."""
        class_name, namespace = ("LS_Process", LOGONSCOPE) if self.is_logonscope else ("Win32_Process", CIMV2)
        condition = Comparison(Name((property_name,)), EQUAL, value)
        select = Select((Name(("ProcessId",)), Name((property_name,))), class_name, condition)
        rows: Iterator[Any] = iter(self._host.query(write_statement(select), namespace=namespace))
        # WQL ignores the case of texts, but on Linux names of different case are different
        return sorted(int(row["ProcessId"]) for row in rows if not self.is_logonscope or row[property_name] == value)

    def _sockets_by_pid(self, target: WhoseTarget, *, all_namespaces: bool) -> dict[int, tuple[Socket, ...]]:
        """Return the sockets at the target's port: a mapping from the pid of each holder to the sockets that it holds.

        Raises:
            NotFoundError: no visible process holds the port, or the host is Windows.
            NotSupportedError: ``all_namespaces`` is set, and the host does not report network namespaces.
        """
        if not self.is_logonscope:
            raise NotFoundError("that host does not report which process holds a port", "give a pid or a name")
        rows = [(_build_socket(row), str(row["Inode"])) for row in self._rows_at_port("LS_Socket", target.port)]
        if all_namespaces and rows and all(socket.namespace is None for socket, _ in rows):
            raise NotSupportedError("that host does not report network namespaces", "update Logonscope there")
        searched_sockets = [socket for socket, _ in rows if all_namespaces or socket.namespace_pid is None]
        matching_sockets = sockets_at_address(searched_sockets, target.address)
        sockets = {inode: socket for socket, inode in rows if socket in matching_sockets}
        sockets_by_pid: dict[int, tuple[Socket, ...]] = {}
        for pair in self._rows_at_port("LS_ProcessSocket", target.port):
            pid, socket = int(_read_key(pair["Antecedent"])), sockets.get(_read_key(pair["Dependent"]))
            if socket is not None:
                sockets_by_pid[pid] = (*sockets_by_pid.get(pid, ()), socket)
        if not sockets_by_pid:
            if len(searched_sockets) < len(rows):
                raise NotFoundError(
                    f"no visible process in the network namespace of that host's Logonscope holds port {target.port}; "
                    "processes in others do",
                    Hint(HintCode.LOOK_INTO_NAMESPACES),
                )
            hint = ""
            if not self._host.sees_everything:
                hint = "authenticate as an administrator to see the processes of other users"
            raise NotFoundError(f"no visible process on that host holds port {target.port}", hint)
        return sockets_by_pid

    def _rows_at_port(self, class_name: str, port: int) -> Iterator[Any]:
        select = Select(None, class_name, Comparison(Name(("LocalPort",)), EQUAL, port))
        return iter(self._host.query(write_statement(select), namespace=LOGONSCOPE))


def _ended_process(pid: int) -> NotFoundError:
    return NotFoundError(f"no process {pid}", Hint(HintCode.FIND_PROCESS, {"pid": str(pid)}))


def _is_selected(session: LogonSession, which: str | None) -> bool:
    if which is not None and which.lower() == SYSTEM_WORD:
        return session.logon_type == 0
    return which is None or which in {session.logon_id, session.login, session.user}


def _sort_key(session: LogonSession) -> tuple[bool, datetime, int, str]:
    """Return the sort key of a logon session of Windows, which lists its logon sessions in no documented order."""
    # of two LogonIds in decimal digits, the longer one is the greater number
    return session.logon_type != 0, session.start or _EPOCH, len(session.logon_id), session.logon_id


def _by_process(pairs: "Iterable[Instance]") -> "dict[str, Instance]":
    """Return instances of LS_SessionProcess by the Handle of their process."""
    return {_read_key(pair["Dependent"]): pair for pair in pairs}


def _select_properties(details: Details) -> list[str]:
    """Return the names of the properties of LS_LogonSession that are read for a logon session with these details."""
    omitted_fields = {field for detail in ALL_DETAILS - details for field in _FIELDS_OF_DETAIL[detail]}
    return [*(name for field, name in _FIELDS.items() if field not in omitted_fields), "Sources"]


def _build_session(instance: "Instance") -> LogonSession:
    values: dict[str, Any] = {field: instance.get(name) for field, name in _FIELDS.items()}
    # Each line of Sources is "PROPERTY: SOURCE"; the keys of ``sources`` of a LogonSession are names of its fields.
    lines = (line.partition(": ") for line in instance["Sources"] or ())
    sources = {_FIELD_OF_PROPERTY.get(name, name): source for name, _, source in lines}
    type_name = LOGON_TYPES.get(values["logon_type"])
    return LogonSession(**values, logon_type_name=type_name, sources=sources)


def _build_usage(instance: "Instance") -> LogonUsage:
    return LogonUsage(
        processes=instance["ProcessCount"], unread_count=instance["UnreadCount"],
        user_time=_seconds(instance["UserModeTime"]), kernel_time=_seconds(instance["KernelModeTime"]),
        resident=instance["WorkingSetSize"], private=instance["PrivateMemory"], read=instance["ReadBytes"],
        written=instance["WrittenBytes"],
    )  # fmt: skip


def _seconds(time: int | None) -> float | None:
    """Return a time in units of 100 ns as seconds."""
    return None if time is None else time / 10_000_000


def _build_process(process: "Instance", pair: "Instance | None") -> SessionProcess:
    """Return a process from its LS_Process and its LS_SessionProcess.

    The LS_SessionProcess is None if the logon session is hidden from the caller, or could not be read.
    """
    unread = dict(line.partition(": ")[::2] for line in process["Unread"] or ())
    return SessionProcess(
        logon_id=None if pair is None else _read_key(pair["Antecedent"]),
        evidence=_evidence_without_session(unread) if pair is None else pair["Evidence"],
        pid=process["ProcessId"], ppid=process["ParentProcessId"], name=process["Name"], user=process["User"],
        uid=process["EffectiveUid"], login_uid=process["LoginUid"] if pair is None else pair["LoginUid"],
        start=process["StartTime"], tty=process["Terminal"], state=process["State"],
        leftover=None if pair is None else pair["Leftover"], command_line=process["CommandLine"],
        executable=process["ExecutablePath"], unread=unread, process_guid=process["Guid"],
        logon_guid=None if pair is None else pair["LogonGuid"],
        join_evidence=None if pair is None else pair["JoinEvidence"], container_id=process["ContainerId"],
        container_runtime=process["ContainerRuntime"], pod_uid=process["PodUid"],
    )  # fmt: skip


def _evidence_without_session(unread: Mapping[str, str]) -> str:
    """Return the evidence of a process without an LS_SessionProcess.

    If the logon session is hidden, the server masks the facts that would reveal it, and gives NOT_YOUR_SESSION as the
    reason. Otherwise the owner is unread. A process that started after the LS_SessionProcess instances were read counts
    as unread, too.
    """
    return "hidden" if NOT_YOUR_SESSION in unread.values() else "unread"


def _build_windows_session(instance: "Instance", users: Mapping[str, str]) -> LogonSession:
    """Return a logon session from a Win32_LogonSession and the user names by LogonId."""
    logon_id = str(instance["LogonId"])
    return LogonSession(
        logon_id, user=users.get(logon_id), logon_type=instance["LogonType"],
        logon_type_name=LOGON_TYPES.get(instance["LogonType"]), start=instance["StartTime"],
        authentication_package=instance["AuthenticationPackage"],
    )  # fmt: skip


def _build_windows_process(process: "Instance", logon_id: str | None) -> SessionProcess:
    return SessionProcess(
        logon_id=logon_id, evidence=EVIDENCE_OF_WINDOWS if logon_id else "hidden", pid=process["ProcessId"],
        ppid=process["ParentProcessId"], name=process["Name"], user=None, uid=None, login_uid=None,
        start=process["CreationDate"], tty=None, state=None, leftover=None, command_line=process["CommandLine"],
        executable=process["ExecutablePath"], unread={},
    )  # fmt: skip


def _build_socket(instance: "Instance") -> Socket:
    return Socket(
        instance["Protocol"], instance["LocalAddress"] or "", instance["LocalPort"] or 0,
        instance["RemoteAddress"] or "", instance["RemotePort"] or 0, instance["State"] or "", instance["Inode"] or 0,
        namespace=instance.get("NetworkNamespace"), namespace_pid=instance.get("NetworkNamespaceProcessId"),
    )  # fmt: skip


def _build_answer(
    target: str, pid: int, session: LogonSession, members: Mapping[int, SessionProcess], sockets: tuple[Socket, ...]
) -> Whose:
    row = members[pid]
    chain = [row]
    # Reused pids can make the parents a cycle, because the rows are read at different moments.
    while (parent := members.get(chain[0].ppid or 0)) and parent not in chain:
        chain.insert(0, parent)
    return Whose(
        target=target, pid=pid, logon_id=session.logon_id, evidence=row.evidence, session=session, process=row,
        chain=tuple(chain), sockets=sockets,
    )  # fmt: skip


def _read_key(path: str) -> str:
    """Return the value of the only key of a path."""
    ((_, value),) = parse_path(path).keys or (("", ""),)
    return str(value)


def _read_account_name(path: str) -> str:
    keys = {str(name): str(value) for name, value in parse_path(path).keys or ()}
    return keys.get("Name", "")
