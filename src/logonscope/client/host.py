"""Host: a machine that answers, the same whether it is this machine, a recording, or another machine.

Public methods stand here once, with their documentation. A kind of host implements ``_perform``, which gets the name of
an operation and its arguments, and what else is abstract here.
"""

from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypeVar, cast

from logonscope.errors import InvalidObjectPathError, InvalidParameterError

if TYPE_CHECKING:
    from datetime import datetime

    from logonscope.answers.check import Check
    from logonscope.answers.explanation import Explanation
    from logonscope.answers.logon_filter import LogonFilter
    from logonscope.answers.logon_session import LogonSession
    from logonscope.answers.session_process import Leftovers, LogonTree, SessionOf, SessionProcess
    from logonscope.answers.whose import Whose
    from logonscope.cim.classes import Class
    from logonscope.cim.instances import Instance, Outcome
    from logonscope.cim.schema import Schema

Row = TypeVar("Row")
Rows = Generator[Row, None, None]
"""Rows that are read while they are iterated; ``close()`` stops early and gives back what the reading holds."""


class Host(ABC):
    """A machine that answers. Every answer is limited to what the caller may see there.

    A host can be used in ``with``, which closes it.
    """

    @abstractmethod
    def _perform(self, operation: str, **arguments: Any) -> Any:
        """Return the answer of an operation."""

    @property
    @abstractmethod
    def everything(self) -> bool:
        """Whether the caller sees every logon session of this host."""

    @property
    def moment(self) -> "datetime":
        """When the answers are from: now, or when a recording was made."""
        from datetime import UTC, datetime  # noqa: PLC0415 -- most questions ask for no time

        return datetime.now(UTC)

    @property
    @abstractmethod
    def schema(self) -> "Schema":
        """The classes of this host, as far as they are known here."""

    @abstractmethod
    def record(self, path: str, *, replace: bool = False) -> int:
        """Write all that can be seen into one file (mode 0600) and return how many processes it holds.

        Args:
            path: the file; "-" is standard output.
            replace: overwrite a file that is there.

        Raises:
            AccessDeniedError: the file cannot be written.
            InvalidParameterError: there is such a file, and it is not to be replaced.
            NotSupportedError: the host cannot be recorded from here.
        """

    @abstractmethod
    def at(self, moment: "datetime") -> "Host":
        """Return the host as it was at a moment.

        Raises:
            NotSupportedError: nothing keeps the history of this host.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back connections, descriptors and threads; the host is not asked any more."""

    def __enter__(self) -> Self:
        """Return the host itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the host."""
        self.close()

    def __reduce__(self) -> NoReturn:
        # A copy would share a connection, or have the rights of another process; and it would carry a password.
        raise TypeError(f"cannot pickle or copy {self!r}: connect() to it where it is used")

    def sessions(self, which: int | str | None = None, where: "LogonFilter | None" = None) -> list["LogonSession"]:
        """Return the logon sessions, the System session first, then by start.

        Args:
            which: only one, by its LogonId (41) or its login's own id ("c1"); or a user's, by the account's name. The
                same word selects in ``processes`` and ``tree``.
            where: only those that fit, LogonFilter(types=frozenset({10})); the same selects there, too.
        """
        answer: list[LogonSession] = self._perform("sessions", **_selection(which, where))
        return answer

    def session_of(self, pid: int) -> "SessionOf":
        """Return the logon session of a process and the evidence for it: scope, audit, manager or none.

        Raises:
            NotFoundError: there is no such process.
            AccessDeniedError: there is one, but its logon session is not yours to see.
        """
        answer: SessionOf = self._perform("session_of", pid=pid)
        return answer

    def processes(self, which: int | str | None = None, where: "LogonFilter | None" = None) -> Rows["SessionProcess"]:
        """Yield processes as they are read: of one logon session, of a user's logon sessions, or all."""
        answer: Rows[SessionProcess] = self._perform("processes", **_selection(which, where))
        return answer

    def session_processes(self) -> Rows[tuple[int, str]]:
        """Yield (pid, LogonId) of every process: the pairs of Win32_SessionProcess, as they are read."""
        answer: Rows[tuple[int, str]] = self._perform("session_processes")
        return answer

    def leftovers(self, which: int | str | None = None, where: "LogonFilter | None" = None) -> "Leftovers":
        """Return the processes whose login's leader is gone, and of how many logon sessions that can be known."""
        answer: Leftovers = self._perform("leftovers", **_selection(which, where))
        return answer

    def tree(self, which: int | str | None = None, where: "LogonFilter | None" = None) -> list["LogonTree"]:
        """Return each logon session with its processes, of one reading; last those whose session is not yours."""
        answer: list[LogonTree] = self._perform("tree", **_selection(which, where))
        return answer

    def whose(self, target: int | str) -> list["Whose"]:
        """Say whose the processes are that a target means.

        Args:
            target: a pid (4312), a name ("sshd"), a port (":8080", ":ssh", "127.0.0.1:8080", "[::1]:8080"), the path of
                an executable ("/usr/bin/python3.11"), or an account ("alice"): what its logins started, and what runs
                as it. A word that is both is asked about as "name:postgres" or "user:postgres".

        Raises:
            NotFoundError: no such process, or nobody holds that port.
            AccessDeniedError: there is one, but its logon session is not yours to see.
            InvalidParameterError: the target has no meaning.
        """
        text = str(target)
        if ":" in text:
            from logonscope.client.service_names import with_port  # noqa: PLC0415 -- seldom asked for

            text = with_port(text)
        answer: list[Whose] = self._perform("whose", target=text)
        return answer

    def doctor(self) -> list["Check"]:
        """Look at what can be read here, with which rights, what is missing, and how to get it."""
        answer: list[Check] = self._perform("doctor")
        return answer

    def get(
        self, path: "str | Instance", properties: Sequence[str] | None = None, *, namespace: str | None = None
    ) -> "Instance":
        r"""Return the instance that an object path names: ``Win32_Process.Handle="4312"``, ``Win32_LogonSession=41``.

        Args:
            path: any spelling that WMI takes; every reference is such a path. An instance stands for its own.
            properties: only these; None: all that the instance has.
            namespace: where the class is, unless the path says so: ``root\cimv2`` (None) or ``root\logonscope``.

        Raises:
            NotFoundError: there is none, or none for you to see.
            InvalidObjectPathError: the text is no path of an instance.
            InvalidClassError, InvalidPropertyError, InvalidNamespaceError: there is none of that name.
            TypeMismatchError: a key's value is not of the key's type.
        """
        answer: Instance = self._perform("get", path=_path(path), properties=_names(properties), namespace=namespace)
        return answer

    def enumerate(
        self,
        class_name: str,
        properties: Sequence[str] | None = None,
        *,
        namespace: str | None = None,
        deep: bool = True,
    ) -> Rows["Instance"]:
        """Yield the instances of a class, as they are read; where ``deep``, those of the classes below it too.

        Raises:
            InvalidClassError, InvalidPropertyError, InvalidNamespaceError: there is none of that name.
        """
        answer: Rows[Instance] = self._perform(
            "enumerate", class_name=class_name, properties=_names(properties), namespace=namespace, deep=deep
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
    ) -> Rows["Instance"]:
        """Yield the instances that are tied to one: the logon session of a process, the processes of a logon session.

        Args:
            path: of the one instance.
            assoc_class: only by this association, ``Win32_SessionProcess``.
            result_class: only instances of this class or below it.
            role: only where the one instance is at this end, ``Dependent``.
            result_role: only where the others are at this end.
            properties: of the others; those that have none of them are left out; None: all.
            namespace: as in ``get``.

        Raises:
            NotFoundError: while it is iterated: there is no such instance for you to see.
            InvalidObjectPathError, InvalidClassError, InvalidNamespaceError, TypeMismatchError: as in ``get``.
        """
        answer: Rows[Instance] = self._perform(
            "associators", path=_path(path), namespace=namespace, assoc_class=assoc_class, result_class=result_class,
            role=role, result_role=result_role, properties=_names(properties),
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
    ) -> Rows["Instance"]:
        """Yield the associations that an instance is an end of; the arguments are those of ``associators``."""
        answer: Rows[Instance] = self._perform(
            "references", path=_path(path), namespace=namespace, result_class=result_class, role=role,
            properties=_names(properties),
        )  # fmt: skip
        return answer

    def query(self, text: str, *, namespace: str | None = None, timeout: float | None = None) -> Rows["Instance"]:
        """Yield the instances that a WQL query selects: ``SELECT Handle FROM Win32_Process WHERE Name = 'sshd'``.

        They are read while they are iterated; to stop early, close the iterator. A query for classes (SELECT from
        meta_class, ClassDefsOnly, SchemaOnly) is one for ``query_classes``.

        Args:
            text: the query.
            namespace: as in ``get``.
            timeout: seconds after which it gives up; None: never.

        Raises:
            InvalidQueryError: it is no WQL, or names no property; says where.
            InvalidClassError, InvalidObjectPathError, InvalidNamespaceError, TypeMismatchError: as in ``get``.
            QuotaViolationError: it is longer or more nested than is taken.
            NotSupportedError: it asks for events.
            InvalidParameterError: while it is iterated: it selects classes.
            NotFoundError, TimedOutError: while it is iterated: no such instance, or no time left.
        """
        return _instances(self.query_any(text, namespace=namespace, timeout=timeout))

    def query_classes(self, text: str, *, namespace: str | None = None, timeout: float | None = None) -> Rows["Class"]:
        """Yield the classes that a WQL query selects: ``SELECT * FROM meta_class WHERE __this ISA 'Win32_Account'``.

        ``ASSOCIATORS OF {path} WHERE ClassDefsOnly`` and ``REFERENCES OF {class} WHERE SchemaOnly`` give classes too.

        Args:
            text: the query.
            namespace: as in ``get``.
            timeout: as in ``query``.

        Raises:
            InvalidParameterError: while it is iterated: the query selects instances.
            InvalidQueryError and others: as in ``query``.
        """
        return _classes(self.query_any(text, namespace=namespace, timeout=timeout))

    def query_any(
        self, text: str, *, namespace: str | None = None, timeout: float | None = None
    ) -> Rows["Instance | Class"]:
        """Yield what a WQL query selects, instances or classes: for a text that somebody else has written.

        The arguments and the errors are those of ``query``.
        """
        answer: Rows[Instance | Class] = self._perform("query", text=text, namespace=namespace, timeout=timeout)
        return answer

    def explain(self, text: str, *, namespace: str | None = None) -> "Explanation":
        """Return how a query will be answered: what is fixed, what is read, what is left as a predicate.

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
        """Run a method of an instance: GetOwner, GetOwnerSid, Terminate, SetPriority of Win32_Process.

        Returns:
            its return_value (0 done, 2 access denied, 3 insufficient privilege, 21 invalid parameter) and its out
            parameters.

        Raises:
            NotFoundError: there is no such instance for you to see.
            InvalidMethodError: its class has no such method.
            InvalidMethodParametersError, TypeMismatchError: the parameters are not those of the method.
            NotSupportedError: the method is not offered on Linux, or the host is a recorded one.
        """
        answer: Outcome = self._perform(
            "invoke", path=_path(path), method_name=method, parameters=parameters, namespace=namespace
        )
        return answer

    def classes(self, pattern: str | None = None, *, namespace: str | None = None) -> Rows["Class"]:
        """Yield the classes of a namespace whose name fits a pattern, ``Win32_*``; parents before their children."""
        answer: Rows[Class] = self._perform("classes", pattern=pattern, namespace=namespace)
        return answer

    def get_class(self, name: str, *, namespace: str | None = None) -> "Class":
        """Return the definition of a class: properties, methods, qualifiers, derivation.

        Raises:
            InvalidClassError, InvalidNamespaceError: there is none of that name.
        """
        answer: Class = self._perform("get_class", name=name, namespace=namespace)
        return answer


def _instances(rows: Rows["Instance | Class"]) -> Rows["Instance"]:
    """Yield the rows of a query for instances.

    Raises:
        InvalidParameterError: it is a query for classes.
    """
    from logonscope.cim.classes import Class  # noqa: PLC0415 -- questions about logins need no classes

    try:
        # A query selects either instances or classes: the first row says which, and looking at no other costs nothing.
        first = next(rows, None)
        if isinstance(first, Class):
            raise InvalidParameterError(f"the query selects classes: {first.name}, ...", "ask it with query_classes()")
        if first is not None:
            yield first
        yield from cast('Rows["Instance"]', rows)
    finally:
        rows.close()


def _classes(rows: Rows["Instance | Class"]) -> Rows["Class"]:
    """Yield the rows of a query for classes.

    Raises:
        InvalidParameterError: it is a query for instances.
    """
    from logonscope.cim.classes import Class  # noqa: PLC0415 -- questions about logins need no classes

    try:
        for row in rows:
            if not isinstance(row, Class):
                raise InvalidParameterError(f"the query selects instances: {row!r}, ...", "ask it with query()")
            yield row
    finally:
        rows.close()


def _selection(which: int | str | None, where: "LogonFilter | None") -> dict[str, Any]:
    """Return the arguments of an operation that narrow it to logon sessions."""
    word = None if which is None else str(which)
    return {"which": word} if where is None or where.is_open else {"which": word, "where": where}


def _path(path: "str | Instance") -> str:
    """Return an object path as text.

    Raises:
        InvalidObjectPathError: it is an instance without one: its keys were not asked for.
    """
    if isinstance(path, str):
        return path
    own = getattr(path, "path", None)
    if isinstance(own, str):
        return own
    raise InvalidObjectPathError(f"{path!r} is no object path", "give text, or an instance that has its keys")


def _names(properties: Sequence[str] | None) -> Sequence[str] | None:
    """Return the names of properties.

    Raises:
        InvalidParameterError: it is one text: its letters are no properties.
    """
    if isinstance(properties, str):
        raise InvalidParameterError(f"properties={properties!r} is a text", f"give a list: [{properties!r}]")
    return properties
