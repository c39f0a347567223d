"""A host in this very process: each method is one operation of the broker."""

from collections.abc import Callable, Iterator

from logonscope import broker
from logonscope.facts import Check, LogonSession, LogonTree, SessionOf, SessionProcess, Snapshot, Whose

Save = Callable[[Snapshot, str, bool], int]


class LocalHost:
    """The Host whose source is read by this process."""

    def __init__(self, of: broker.Broker, save: Save) -> None:
        self._broker = of
        self._save = save

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


def _word(which: int | str | None) -> str | None:
    return None if which is None else str(which)
