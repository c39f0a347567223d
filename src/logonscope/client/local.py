"""A host in this very process: each method is one operation of the broker."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from logonscope import broker
from logonscope.answers import Check, LogonSession, LogonTree, SessionOf, SessionProcess, Whose
from logonscope.errors import InvalidObjectPathError, InvalidParameterError
from logonscope.machine import Snapshot

if TYPE_CHECKING:
    from logonscope.broker.explain import Explanation
    from logonscope.cim.classes import Class
    from logonscope.cim.instances import Instance, Outcome, Result

Save = Callable[[Snapshot, str, bool], int]


class LocalHost:
    """The Host whose source is read by this process.

    Paths are text or instances, whose own path is meant.
    """

    def __init__(self, of: broker.Broker, save: Save) -> None:
        self._broker = of
        self._save = save

    def __repr__(self) -> str:
        return f"<LocalHost {self._broker.source.label} as {self._broker.caller.name}>"

    @property
    def everything(self) -> bool:
        """See Host."""
        return self._broker.caller.administrator and self._broker.source.partial is None

    def sessions(self, which: int | str | None = None) -> list[LogonSession]:
        """See Host."""
        return broker.sessions(self._broker, _word(which))

    def session_of(self, pid: int) -> SessionOf:
        """See Host."""
        return broker.session_of(self._broker, pid)

    def processes(self, which: int | str | None = None) -> Iterator[SessionProcess]:
        """See Host."""
        return broker.processes(self._broker, _word(which))

    def session_processes(self) -> Iterator[tuple[int, str]]:
        """See Host."""
        return broker.session_processes(self._broker)

    def tree(self, which: int | str | None = None) -> list[LogonTree]:
        """See Host."""
        return broker.tree(self._broker, _word(which))

    def whose(self, target: int | str) -> list[Whose]:
        """See Host."""
        return broker.whose(self._broker, str(target))

    def record(self, path: str, *, replace: bool = False) -> int:
        """See Host."""
        return self._save(broker.recordable(self._broker), path, replace)

    def doctor(self) -> list[Check]:
        """See Host."""
        return broker.doctor(self._broker)

    def get(
        self, path: "str | Instance", properties: Sequence[str] | None = None, *, namespace: str | None = None
    ) -> "Instance":
        """See Host."""
        from logonscope.broker.instances import get  # noqa: PLC0415 -- questions about logins need no classes

        return next(self._instances(iter((get(self._broker, as_path(path), as_names(properties), namespace),))))

    def enumerate(
        self,
        class_name: str,
        properties: Sequence[str] | None = None,
        *,
        namespace: str | None = None,
        deep: bool = True,
    ) -> Iterator["Instance"]:
        """See Host."""
        from logonscope.broker.instances import enumerate_instances  # noqa: PLC0415 -- the same

        return self._instances(
            enumerate_instances(self._broker, class_name, as_names(properties), namespace, deep=deep)
        )

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
    ) -> Iterator["Instance"]:
        """See Host."""
        from logonscope.broker.associations import Wanted, associators  # noqa: PLC0415 -- the same

        wanted = Wanted(assoc_class, result_class, role, result_role, as_names(properties))
        return self._instances(associators(self._broker, as_path(path), wanted, namespace))

    def references(
        self,
        path: "str | Instance",
        *,
        result_class: str | None = None,
        role: str | None = None,
        properties: Sequence[str] | None = None,
        namespace: str | None = None,
    ) -> Iterator["Instance"]:
        """See Host."""
        from logonscope.broker.associations import Wanted, references  # noqa: PLC0415 -- the same

        wanted = Wanted(result_class=result_class, role=role, properties=as_names(properties))
        return self._instances(references(self._broker, as_path(path), wanted, namespace))

    def query(
        self, text: str, *, namespace: str | None = None, timeout: float | None = None
    ) -> Iterator["Instance | Class"]:
        """See Host."""
        from logonscope.broker.query import query  # noqa: PLC0415 -- the same

        return self._answers(query(self._broker, text, namespace, seconds=timeout))

    def explain(self, text: str, *, namespace: str | None = None) -> "Explanation":
        """See Host."""
        from logonscope.broker.explain import explain  # noqa: PLC0415 -- the same

        return explain(self._broker, text, namespace)

    def invoke(
        self,
        path: "str | Instance",
        method: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        namespace: str | None = None,
    ) -> "Outcome":
        """See Host."""
        from logonscope.broker.invoke import invoke  # noqa: PLC0415 -- the same

        return invoke(self._broker, as_path(path), method, parameters, namespace)

    def classes(self, pattern: str | None = None, *, namespace: str | None = None) -> Iterator["Class"]:
        """See Host."""
        from logonscope.broker.classes import classes  # noqa: PLC0415 -- the same

        return classes(self._broker, pattern, namespace)

    def get_class(self, name: str, *, namespace: str | None = None) -> "Class":
        """See Host."""
        from logonscope.broker.classes import get_class  # noqa: PLC0415 -- the same

        return get_class(self._broker, name, namespace)

    def _answers(self, answers: Iterator["Result | Class"]) -> Iterator["Instance | Class"]:
        """Return the rows of results as instances, and classes as they are."""
        from logonscope.broker.target import host_name  # noqa: PLC0415 -- the same
        from logonscope.cim.instances import Result, instances_of  # noqa: PLC0415 -- the same

        server = host_name(self._broker)
        for answer in answers:
            if isinstance(answer, Result):
                yield from instances_of(answer, server)
            else:
                yield answer

    def _instances(self, results: Iterator["Result"]) -> Iterator["Instance"]:
        """Return the rows of results as instances."""
        from logonscope.broker.target import host_name  # noqa: PLC0415 -- the same
        from logonscope.cim.instances import instances  # noqa: PLC0415 -- the same

        return instances(results, host_name(self._broker))


def as_path(path: "str | Instance") -> str:
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


def as_names(properties: Sequence[str] | None) -> Sequence[str] | None:
    """Return the names of properties.

    Raises:
        InvalidParameterError: it is one text: its letters are no properties.
    """
    if isinstance(properties, str):
        raise InvalidParameterError(f"properties={properties!r} is a text", f"give a list: [{properties!r}]")
    return properties


def _word(which: int | str | None) -> str | None:
    return None if which is None else str(which)
