"""client/logons_from_cim.py: is a machine that has the documented classes alone described as far as they say it?"""

from collections.abc import Iterator
from typing import Any

import pytest

from logonscope import Class, Host, InvalidNamespaceError, NotFoundError
from logonscope.client.logons_from_cim import TOLD, LogonsFromCim
from tests.providers.asked import web1


class Windows:
    """The example host without what only Logonscope tells, as a Windows is."""

    def __init__(self) -> None:
        self._host = web1()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)

    def classes(self, pattern: str | None = None, *, namespace: str | None = None) -> Iterator[Class]:
        """Refuse the namespace that a Windows has not."""
        if namespace is not None and "logonscope" in namespace:
            raise InvalidNamespaceError("there is no such namespace")
        return self._host.classes(pattern, namespace=namespace)


@pytest.fixture
def described() -> LogonsFromCim:
    windows: Any = Windows()
    host: Host = windows
    return LogonsFromCim(host)


def test_logon_sessions_have_what_the_documented_classes_tell(described: LogonsFromCim) -> None:
    found = {session.logon_id: session for session in described.sessions(None)}
    assert found.keys() == {session.logon_id for session in web1().sessions()}
    assert (found["41"].user, found["41"].logon_type_name, found["41"].state) == ("alice", "RemoteInteractive", None)
    assert [session.logon_id for session in described.sessions("alice")] == ["41", "42"]


def test_processes_are_in_their_logon_sessions(described: LogonsFromCim) -> None:
    rows = {row.pid: row for row in described.processes(None)}
    assert {row.pid: row.logon_id for row in web1().processes()} == {pid: row.logon_id for pid, row in rows.items()}
    assert (rows[4312].evidence, rows[4312].command_line, rows[4312].leftover) == (
        TOLD,
        "python3 -m http.server 8080",
        None,
    )
    assert [row.pid for row in described.processes("37")] == [3990, 3991]


def test_trees_and_whose(described: LogonsFromCim) -> None:
    (tree,) = described.tree("41")
    assert [row.pid for row in tree.processes] == [4100, 4150, 4151, 4300, 4312]
    (answer,) = described.whose("4312")
    assert (answer.logon_id, answer.evidence) == ("41", TOLD)
    assert [row.pid for row in answer.chain] == [4100, 4150, 4151, 4300, 4312]
    with pytest.raises(NotFoundError, match="does not tell who holds a port"):
        described.whose(":8080")
