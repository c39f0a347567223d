"""Host, the interface to a machine: this machine, a recording, or a remote host.

The public methods are defined here, once, with their documentation. A subclass implements the abstract methods; one
of them is ``_perform``, which gets the name of an operation and its arguments.
"""

from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar

from logonscope.client.argument_check import (
    check_pid,
    check_property_names,
    detail_arguments,
    history_arguments,
    path_text,
    selection_arguments,
    target_text,
)

if TYPE_CHECKING:
    from datetime import datetime

    from logonscope.answers.check import Check
    from logonscope.answers.explanation import Explanation
    from logonscope.answers.history import HistoryFilter, PastLogin, PastProcess
    from logonscope.answers.host_identity import HostIdentity
    from logonscope.answers.logon_filter import LogonFilter
    from logonscope.answers.logon_session import Detail, LogonSession
    from logonscope.answers.session_process import Leftovers, LogonTree, SessionOf, SessionProcess
    from logonscope.answers.session_service import SessionService
    from logonscope.answers.whose import Whose
    from logonscope.cim.classes import Class
    from logonscope.cim.instances import Instance, Outcome
    from logonscope.cim.schema import Schema
    from logonscope.client.watch import Watch
    from logonscope.machine.history import Forgotten, Verification

Row = TypeVar("Row")
RowIterator = Generator[Row, None, None]
"""An iterator of rows, which are read while it is iterated; ``close()`` stops reading and releases its resources."""


class Host(ABC):
    """A machine to query. Every result is limited to what the caller may see there.

    A host can be used in a ``with`` statement, which closes it.

    Besides the errors that it lists, a method can raise InvalidParameterError (an argument has the wrong type). Every
    method that sends a request to a server can also raise TransportFailureError (no answer, or not a valid one),
    TimedOutError (no answer in time) and AccessDeniedError (the authentication failed).
    """

    @abstractmethod
    def _perform(self, operation: str, **arguments: Any) -> Any:
        """Perform an operation and return its result."""

    @property
    @abstractmethod
    def sees_everything(self) -> bool:
        """Whether every logon session of this host can be listed: the source has all, and the caller may see all."""

    @property
    def hiding_reason(self) -> str | None:
        """Why processes of other users cannot be seen, such as a mount option of /proc.

        None: these processes can be seen, or this process does not read the host from /proc.
        """
        return None

    @property
    def moment(self) -> "datetime":
        """The time of the results, by the host's clock: now, the time of the recording, or the argument of ``at``."""
        from datetime import UTC, datetime  # noqa: PLC0415 -- most requests need no time

        return datetime.now(UTC)

    def identify_machine(self) -> "HostIdentity":
        """Return the name of the host, its boot id and its machine id; over WS-Management the machine id is None.

        The boot id of Windows is None, too.
        """
        from logonscope.answers.host_identity import HostIdentity  # noqa: PLC0415 -- only formats of other tools need it

        (system,) = self.enumerate("Win32_ComputerSystem", ["Name"])
        return HostIdentity(str(system["Name"]), self._read_boot_id())

    def _read_host_time(self) -> "datetime":
        """Return the time of the host at the other end of a connection: its clock, or the time of a recording.

        If the request fails, or returns no time, the time of this machine is returned.
        """
        from datetime import UTC, datetime  # noqa: PLC0415 -- most requests need no time

        from logonscope.errors import LogonscopeError  # noqa: PLC0415 -- only other hosts need it

        try:
            moment: datetime | None = self._first_value("LocalDateTime", "Win32_OperatingSystem")
        except LogonscopeError:  # the request that needs the time fails for the same reason, and reports it
            moment = None
        return moment or datetime.now(UTC)

    def _read_boot_id(self) -> str | None:
        from logonscope.errors import InvalidClassError, InvalidNamespaceError, InvalidPropertyError  # noqa: PLC0415 -- only formats of other tools need it

        try:
            boot_id: str | None = self._first_value("BootId", "LS_LogonSession", "root\\logonscope")
        except (InvalidClassError, InvalidNamespaceError, InvalidPropertyError):  # Windows
            return None
        return boot_id

    def _first_value(self, column: str, class_name: str, namespace: str | None = None) -> Any:
        """Return the first value of a column, leaving out nulls; None: there is no value."""
        # all rows are read: a response that is closed early costs its connection
        text = f"SELECT {column} FROM {class_name}"  # noqa: S608 -- WQL, and only names of this file
        values = [row[column] for row in self.query(text, namespace=namespace)]
        return next((value for value in values if value is not None), None)

    @property
    @abstractmethod
    def schema(self) -> "Schema":
        """The classes of this host; of a remote host, the built-in classes and those that were requested."""

    @abstractmethod
    def record(self, path: str, *, replace: bool = False) -> int:
        """Write everything that the caller can see into one file (mode 0600) and return the number of processes in it.

        Args:
            path: the file; "-" is standard output.
            replace: overwrite an existing file.

        Raises:
            AccessDeniedError: the caller may not write the file, or the file system is read-only.
            InvalidParameterError: the file exists, and ``replace`` is False; or it cannot be written for another
                reason, such as a missing folder or a full disk.
            NotSupportedError: a remote host cannot be recorded.
        """

    @abstractmethod
    def at(self, moment: "datetime") -> "Host":
        """Return the host as it was at a moment.

        If the host is read through a Logonscope server (the service of this machine, or a server on another one), this
        method sends no request: the first call on the returned host raises NotSupportedError or NotFoundError.

        Raises:
            NotSupportedError: no history of this host is kept; or this process cannot read it; or the protocol of the
                host has no request about a past moment.
            NotFoundError: nothing was recorded at that moment.
            InvalidParameterError: the moment is no datetime, or has no time zone.
        """

    @abstractmethod
    def close(self) -> None:
        """Release connections, descriptors and threads. Do not use a remote host afterwards."""

    def __enter__(self) -> Self:
        """Return the host itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the host."""
        self.close()

    def __reduce__(self) -> NoReturn:
        # A copy would share a connection, or have the rights of another process, and it would contain a password.
        raise TypeError(f"cannot pickle or copy {self!r}: call connect() where it is used")

    def sessions(
        self,
        which: int | str | None = None,
        where: "LogonFilter | None" = None,
        details: "Iterable[Detail]" = (),
    ) -> list["LogonSession"]:
        """Return the logon sessions: the System session first, then the others in the order of their starts.

        Args:
            which: only one logon session, by its login id ("c1") or its LogonId (41); or the logon sessions of a user,
                by the exact name of the account; or "system", the System session. ``processes``, ``tree`` and
                ``leftovers`` take the same values.
            where: only logon sessions that fit a filter, such as LogonFilter(types=frozenset({10})).
            details: what else to read: "origin", the address and port of the client, from the socket of the leader;
                "authentication", how an ssh login authenticated, from the log of sshd; "usage", the sums of processor
                time, memory, and bytes read and written. Fields of details that are not requested are None. Exception:
                the origin is always read if the login record does not have the address.

        Raises:
            InvalidParameterError: there is no such detail, or a value of ``which`` or ``where`` is invalid.
        """
        arguments = selection_arguments(which, where) | detail_arguments(details)
        answer: list[LogonSession] = self._perform("sessions", **arguments)
        return answer

    def session_of(self, pid: int) -> "SessionOf":
        """Return the logon session of a process and the evidence for it: scope, audit, manager, none, reported.

        Raises:
            NotFoundError: there is no such process.
            AccessDeniedError: the caller may not see the logon session of the process, or whether the process exists.
            InvalidParameterError: the pid is not a number.
        """
        check_pid(pid)
        answer: SessionOf = self._perform("session_of", pid=pid)
        return answer

    def processes(
        self, which: int | str | None = None, where: "LogonFilter | None" = None
    ) -> "RowIterator[SessionProcess]":
        """Yield a SessionProcess for each process of the selected logon sessions, while the processes are read.

        Without ``which`` and ``where``, every process is yielded that the caller may see. ``session_processes`` yields
        only pid and LogonId of each process, and is faster. ``which``, ``where`` and the errors are those of
        ``sessions``, here and in ``leftovers`` and ``tree``.
        """
        answer: RowIterator[SessionProcess] = self._perform("processes", **selection_arguments(which, where))
        return answer

    def session_processes(self) -> RowIterator[tuple[int, str]]:
        """Yield a pair (pid, LogonId) for each process whose logon session is known and visible, while pairs are read.

        These are the pairs of Win32_SessionProcess. ``processes`` yields more values of each process.
        """
        answer: RowIterator[tuple[int, str]] = self._perform("session_processes")
        return answer

    def leftovers(self, which: int | str | None = None, where: "LogonFilter | None" = None) -> "Leftovers":
        """Return the leftovers: processes of logon sessions that are logged out.

        ``known`` of the result is the number of logon sessions of which it is known whether they are logged out,
        ``unknown`` the number of the other logon sessions. The System session is in neither number.
        """
        answer: Leftovers = self._perform("leftovers", **selection_arguments(which, where))
        return answer

    def tree(self, which: int | str | None = None, where: "LogonFilter | None" = None) -> list["LogonTree"]:
        """Return each logon session with its processes; last, the processes of hidden or unknown logon sessions.

        All of them are from one reading of the host; over WS-Management, from several readings.
        """
        answer: list[LogonTree] = self._perform("tree", **selection_arguments(which, where))
        return answer

    def services(self) -> list["SessionService"]:
        """Return the services of the System session, with process counts; the processes of no service come last."""
        answer: list[SessionService] = self._perform("services")
        return answer

    def whose(
        self, target: int | str, details: "Iterable[Detail]" = (), *, all_namespaces: bool = False
    ) -> list["Whose"]:
        """Return the logon session of each process that matches a target, with the evidence.

        Args:
            target: a pid (4312), a process name ("sshd"), a port (":8080", ":ssh", "127.0.0.1:8080", "[::1]:8080"), the
                path of an executable ("/usr/bin/python3.11") or of a unix socket ("/run/app.sock"; "unix:/run/app.sock"
                is never an executable; "@app" is an abstract name), or an account ("alice"): the processes that its
                logins started, and, unless the host is Windows, those that run as the account. Write "name:postgres"
                or "user:postgres" for a word that is a process name and an account. The port of "ssh" is that in
                /etc/services of this machine, or, over JSON, of the server.
            details: as in ``sessions``.
            all_namespaces: look for a port or a unix socket in every network namespace, such as those of containers.

        Raises:
            NotFoundError: no such process; no process holds that port or unix socket; or the target is a port, and the
                host is Windows.
            AccessDeniedError: the caller may not see the logon session of the process, or whether the process exists.
            InvalidParameterError: the target is invalid.
            NotSupportedError: sockets cannot be read on that host, or not by that host's protocol.
        """
        arguments = {"all_namespaces": all_namespaces} | detail_arguments(details)
        answer: list[Whose] = self._perform("whose", target=target_text(target), **arguments)
        return answer

    def watch(
        self,
        query: str | None = None,
        *,
        namespace: str | None = None,
        which: int | str | None = None,
        where: "LogonFilter | None" = None,
        events: "Iterable[str] | None" = None,
        with_sessions: bool = False,
        without_descendants_of: int | None = None,
        since: str | None = None,
        timeout: float | None = None,
    ) -> "Watch":
        """Watch the host from now on, or from a cursor; iterate the result with ``for`` or ``async for``.

        Args:
            query: a WQL event query, whose results are Instances; None: the results are HostEvents. Either way, the
                HostEvent "Lost" reports events that were missed.
            namespace: as in ``get``, for the query.
            which: only events of these logon sessions, as in ``sessions``.
            where: only events of logon sessions that fit a filter, as in ``sessions``, and failed logons that fit it.
            events: the names of events, such as "LogonStarted": only these, and "Lost"; None: all.
            with_sessions: put the logon session into events of processes, too.
            without_descendants_of: the pid of a process on the host: leave out the events of all its descendants.
            since: continue after the event with this cursor.
            timeout: seconds to wait for each event (then TimedOutError); None: no limit.

        Raises NotSupportedError (the host has no events), InvalidParameterError (the pid is not a number, the query is
        no event query, or has filters beside it), QuotaViolationError (too many watches, or too many instances of a
        class that is polled), and as ``query``.
        """
        if without_descendants_of is not None:
            check_pid(without_descendants_of)
        options = {"query": query, "namespace": namespace, "events": events, "since": since, "timeout": timeout}
        options |= {"with_sessions": with_sessions, "without_descendants_of": without_descendants_of}
        answer: Watch = self._perform("watch", **options, **selection_arguments(which, where))
        return answer

    def history(self, where: "HistoryFilter | None" = None) -> list["PastLogin"]:
        """Return past and present logins in the order of their records, each with the programs it ran, and how often.

        Records are nearly in the order of starts. A login found running after a gap in the history comes later.

        Args:
            where: which logins: HistoryFilter(word="alice", since=...); None: all that the caller may see.

        Raises:
            NotSupportedError: no history of the host is kept, or this process cannot read it.
            InvalidParameterError: a value of ``where`` is invalid.
        """
        answer: list[PastLogin] = self._perform("history", **history_arguments(where))
        return answer

    def past_processes(self, where: "HistoryFilter | None" = None) -> "RowIterator[PastProcess]":
        """Yield past and present processes, nearly in the order of starts; arguments and errors as in ``history``.

        Processes of the System session are included only if the word of ``where`` is "system", a pid or a process name.
        """
        answer: RowIterator[PastProcess] = self._perform("past_processes", **history_arguments(where))
        return answer

    def verify_history(self) -> "Verification":
        """Verify that no row of the history was edited; for administrators, on the machine itself.

        Raises:
            AccessDeniedError: the caller is not an administrator.
            NotSupportedError: as in ``history``; or the host is read through a server on another machine.
        """
        answer: Verification = self._perform("verify_history")
        return answer

    def forget_user(self, user: str) -> "Forgotten":
        """Delete the past logins of a user, and what they ran; for administrators, on the machine itself.

        Raises:
            AccessDeniedError: the caller is not an administrator, or may only read the history.
            NotSupportedError: as in ``verify_history``.
        """
        answer: Forgotten = self._perform("forget_user", user=user)
        return answer

    def doctor(self) -> list["Check"]:
        """Check what can be read on this host, with which rights, what is missing, and how to get it."""
        answer: list[Check] = self._perform("doctor")
        return answer

    def get(
        self, path: "str | Instance", properties: Sequence[str] | None = None, *, namespace: str | None = None
    ) -> "Instance | Any":
        r"""Return the instance that an object path names: ``Win32_Process.Handle="4312"``, ``Win32_LogonSession=41``.

        The path of a class, ``Win32_Process``, returns the Class, as ``get_class`` does.

        Args:
            path: an object path in any spelling that WMI accepts (every reference is such a path), or an instance.
            properties: the names of the properties to read; None: all. Must be None if the path names a class.
            namespace: the namespace of the class, used if the path names none: ``root\cimv2`` (None) or
                ``root\logonscope``.

        Raises:
            NotFoundError: there is no such instance, or the caller may not see it.
            InvalidObjectPathError: the text is not an object path; or it names a class, and properties are given.
            InvalidClassError, InvalidPropertyError, InvalidNamespaceError: the name is unknown.
            TypeMismatchError: a value does not have the type of its key.
        """
        answer: Instance | Any = self._perform(
            "get", path=path_text(path), properties=check_property_names(properties), namespace=namespace
        )
        return answer

    def enumerate(
        self,
        class_name: str,
        properties: Sequence[str] | None = None,
        *,
        namespace: str | None = None,
        deep: bool = True,
    ) -> "RowIterator[Instance]":
        """Yield the instances of a class while they are read; with ``deep`` those of its subclasses too.

        Raises:
            InvalidClassError, InvalidPropertyError, InvalidNamespaceError: the name is unknown.
        """
        answer: RowIterator[Instance] = self._perform(
            "enumerate",
            class_name=class_name,
            properties=check_property_names(properties),
            namespace=namespace,
            deep=deep,
        )
        return answer

    def associators(
        self,
        path: "str | Instance",
        *,
        assoc_class: str | None = None,
        result_class: str | None = None,
        role: str | None = None,
        result_role: str | None = None,
        properties: Sequence[str] | None = None,
        namespace: str | None = None,
    ) -> "RowIterator[Instance]":
        """Yield the instances associated with an instance, such as the processes of a logon session.

        Args:
            path: the instance.
            assoc_class: follow only this association, such as ``Win32_SessionProcess``.
            result_class: yield only instances of this class or its subclasses.
            role: follow only associations that name the instance by this reference, such as ``Dependent``.
            result_role: follow only associations that name the result by this reference.
            properties: the properties to read of the results; results that have none of them are left out. None reads
                all properties.
            namespace: as in ``get``.

        Raises:
            NotFoundError: there is no such instance, or the caller may not see it. It is raised by the call, or while
                the result is iterated, before the first instance.
            InvalidParameterError: ``assoc_class`` (in ``references``: ``result_class``) is not an association, or no
                association has the reference ``role`` or ``result_role``.
            InvalidPropertyError: a property is in no class of results (over WS-Management only with ``result_class``).
            InvalidObjectPathError, InvalidClassError, InvalidNamespaceError, TypeMismatchError: as in ``get``.
        """
        answer: RowIterator[Instance] = self._perform(
            "associators", path=path_text(path), namespace=namespace, assoc_class=assoc_class,
            result_class=result_class, role=role, result_role=result_role, properties=check_property_names(properties),
        )  # fmt: skip
        return answer

    def references(
        self,
        path: "str | Instance",
        *,
        result_class: str | None = None,
        role: str | None = None,
        properties: Sequence[str] | None = None,
        namespace: str | None = None,
    ) -> "RowIterator[Instance]":
        """Yield the associations that refer to an instance; arguments and errors are those of ``associators``."""
        answer: RowIterator[Instance] = self._perform(
            "references", path=path_text(path), namespace=namespace, result_class=result_class, role=role,
            properties=check_property_names(properties),
        )  # fmt: skip
        return answer

    def query(
        self, text: str, *, namespace: str | None = None, timeout: float | None = None
    ) -> "RowIterator[Instance]":
        """Yield the instances that a WQL query selects: ``SELECT Handle FROM Win32_Process WHERE Name = 'sshd'``.

        The instances are read while they are iterated; to stop early, close the iterator. Use ``query_classes``
        for a query that selects classes (SELECT from meta_class, ClassDefsOnly, SchemaOnly).

        Args:
            text: the query.
            namespace: as in ``get``.
            timeout: seconds that the query may take; None: no limit.

        Raises:
            InvalidQueryError: the text is not WQL, or names an unknown property; the message says where.
            InvalidClassError, InvalidObjectPathError, InvalidNamespaceError, TypeMismatchError: as in ``get``.
            QuotaViolationError: the query is too long or too deeply nested.
            NotSupportedError: it is an event query.
            InvalidParameterError: the text is empty, or the timeout not greater than 0; or, while the result is
                iterated: the query selects classes.
            NotFoundError, TimedOutError: no such instance, or the timeout has passed. They are raised by the call, or
                while the result is iterated.
        """
        from logonscope.client.query_rows import only_instances  # noqa: PLC0415 -- questions about logins need no classes

        return only_instances(self.query_any(text, namespace=namespace, timeout=timeout))

    def query_classes(
        self, text: str, *, namespace: str | None = None, timeout: float | None = None
    ) -> "RowIterator[Class]":
        """Yield the classes that a WQL query selects: ``SELECT * FROM meta_class WHERE __this ISA 'Win32_Account'``.

        ``ASSOCIATORS OF {path} WHERE ClassDefsOnly`` and ``REFERENCES OF {class} WHERE SchemaOnly`` select classes too.

        Args:
            text: the query.
            namespace: as in ``get``.
            timeout: as in ``query``.

        Raises:
            InvalidParameterError: while the result is iterated: the query selects instances.
            InvalidQueryError and others: as in ``query``.
        """
        from logonscope.client.query_rows import only_classes  # noqa: PLC0415 -- questions about logins need no classes

        return only_classes(self.query_any(text, namespace=namespace, timeout=timeout))

    def query_any(
        self, text: str, *, namespace: str | None = None, timeout: float | None = None
    ) -> "RowIterator[Instance | Class]":
        """Yield what a WQL query selects, instances or classes: for queries that a user enters.

        The arguments and the errors are those of ``query``.
        """
        answer: RowIterator[Instance | Class] = self._perform("query", text=text, namespace=namespace, timeout=timeout)
        return answer

    def explain(self, text: str, *, namespace: str | None = None) -> "Explanation":
        """Return the plan of a query: the properties that its condition fixes, what is read, and the predicate.

        The predicate is the part of the condition that the reading alone does not guarantee.

        Raises:
            InvalidQueryError and others: as in ``query``.
        """
        answer: Explanation = self._perform("explain", text=text, namespace=namespace)
        return answer

    def invoke(
        self,
        path: "str | Instance",
        method: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        namespace: str | None = None,
    ) -> "Outcome":
        """Run a method of an instance.

        The supported methods are GetOwner, GetOwnerSid, Terminate and SetPriority of Win32_Process, and StartService,
        StopService, PauseService, ResumeService and InterrogateService of Win32_Service.

        Returns:
            the method's return_value and out parameters. For a process, the return_value is 0 success, 2 access denied,
            3 insufficient privilege, 8 unknown failure, 21 invalid parameter; for a service, see the reference of
            Win32_Service.

        Raises:
            NotFoundError: there is no such instance, or the caller may not see it.
            InvalidMethodError: the class of the instance has no such method.
            InvalidMethodParametersError, TypeMismatchError: the parameters are not those of the method.
            NotSupportedError: the method is not supported on Linux, or it changes something and the host can only be
                read (a recording, a folder, another source).
            AccessDeniedError: the method changes something, and the caller may not do that, or the server's settings do
                not permit it.
            InvalidObjectPathError, InvalidClassError, InvalidNamespaceError: as in ``get``.
        """
        answer: Outcome = self._perform(
            "invoke", path=path_text(path), method_name=method, parameters=parameters, namespace=namespace
        )
        return answer

    def classes(self, pattern: str | None = None, *, namespace: str | None = None) -> "RowIterator[Class]":
        """Yield the classes of a namespace, superclasses first.

        Args:
            pattern: only classes whose name matches this shell pattern, such as ``Win32_*``, in upper or lower case.
            namespace: as in ``get``.

        Raises:
            InvalidNamespaceError: there is no such namespace.
        """
        answer: RowIterator[Class] = self._perform("classes", pattern=pattern, namespace=namespace)
        return answer

    def get_class(self, name: str, *, namespace: str | None = None) -> "Class":
        """Return the definition of a class: properties, methods, qualifiers, derivation.

        Raises:
            InvalidClassError, InvalidNamespaceError: the name is unknown.
        """
        answer: Class = self._perform("get_class", name=name, namespace=namespace)
        return answer
