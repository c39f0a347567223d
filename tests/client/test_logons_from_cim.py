"""Tests of client/logons_from_cim.py: answers about a machine that has only the documented classes."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from logonscope import (
    AccessDeniedError,
    Class,
    Host,
    InvalidNamespaceError,
    LogonFilter,
    NotFoundError,
    NotSupportedError,
)
from logonscope.broker import Caller
from logonscope.client.logons_from_cim import EVIDENCE_OF_WINDOWS, LogonsFromCim
from tests.hosts import OWN_NETWORK, ROOT, HostFolder
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


class Unordered(Windows):
    """The same, but its logon sessions come in another order."""

    def query(self, text: str, **options: Any) -> Iterator[Any]:
        """Return the rows in reverse."""
        return iter([*self._host.query(text, **options)][::-1])


@pytest.mark.parametrize("where", [None, LogonFilter(users=frozenset({"alice", "bob"}))])
def test_logon_sessions_of_a_windows_are_sorted(where: LogonFilter | None) -> None:
    unordered: Any = Unordered()
    logon_ids = [session.logon_id for session in LogonsFromCim(unordered).sessions(None, where)]
    assert logon_ids == [session.logon_id for session in web1().sessions(where=where)]
    assert len(logon_ids) > 2


def test_processes_are_in_their_logon_sessions(described: LogonsFromCim) -> None:
    rows = {row.pid: row for row in described.processes(None)}
    assert {row.pid: row.logon_id for row in web1().processes()} == {pid: row.logon_id for pid, row in rows.items()}
    assert (rows[4312].evidence, rows[4312].command_line, rows[4312].leftover) == (
        EVIDENCE_OF_WINDOWS,
        "python3 -m http.server 8080",
        None,
    )
    assert [row.pid for row in described.processes("37")] == [3990, 3991]


def test_trees_and_whose(described: LogonsFromCim) -> None:
    (tree,) = described.tree("41")
    assert [row.pid for row in tree.processes] == [4100, 4150, 4151, 4300, 4312]
    (answer,) = described.whose("4312")
    assert (answer.logon_id, answer.evidence) == ("41", EVIDENCE_OF_WINDOWS)
    assert [row.pid for row in answer.chain] == [4100, 4150, 4151, 4300, 4312]
    with pytest.raises(NotFoundError, match="does not report which process holds a port"):
        described.whose(":8080")


class Ended(Windows):
    """The same, but one process ends after its name was found."""

    def __init__(self, pid: int) -> None:
        super().__init__()
        self._path = f"Win32_Process={pid}"

    def associators(self, path: Any, **options: Any) -> Iterator[Any]:
        """Answer as if the process did not exist."""
        if path == self._path:
            raise NotFoundError(f"there is no {path}")
        return self._host.associators(path, **options)


def test_a_process_that_ends_while_others_of_its_name_are_described_is_left_out() -> None:
    ended: Any = Ended(4312)
    assert [answer.pid for answer in LogonsFromCim(ended).whose("python3")] == [3991]
    with pytest.raises(NotFoundError) as error:
        LogonsFromCim(ended).whose("4312")
    assert error.value.message == "no process 4312"
    assert error.value.hint.startswith("host.processes() lists running processes; host.past_processes(")


ALICE = LogonFilter(users=frozenset({"alice"}))
REMOTE = LogonFilter(types=frozenset({10}))


def test_filters_are_requested_in_wql_and_looked_at_once_more(described: LogonsFromCim) -> None:
    for where in (ALICE, REMOTE, LogonFilter(system=False), LogonFilter(until=datetime(2026, 1, 1, 9, tzinfo=UTC))):
        expected = [session.logon_id for session in web1().sessions(where=where)]
        assert sorted(session.logon_id for session in described.sessions(None, where)) == sorted(expected)
    assert described.sessions(None, LogonFilter(states=frozenset({"active"}))) == []  # a Windows tells no states


@pytest.mark.parametrize("where", [ALICE, REMOTE, LogonFilter(system=False)])
def test_processes_of_the_sessions_that_fit(where: LogonFilter, described: LogonsFromCim) -> None:
    expected = sorted(row.pid for row in web1().processes(where=where))
    assert sorted(row.pid for row in described.processes(None, where)) == expected
    assert sorted(row.pid for tree in described.tree(None, where) for row in tree.processes) == expected
    assert described.leftovers(None, where).processes == ()


def test_another_logonscope_returns_states_and_origins() -> None:
    ours = LogonsFromCim(web1())
    for where in (
        LogonFilter(states=frozenset({"logged out"})),
        LogonFilter(states=frozenset({None}), system=False),
        LogonFilter(origins=frozenset({"203.0.113.7"})),
        LogonFilter(origins=frozenset({"198.51.100.0/24"})),
        LogonFilter(users=frozenset({"1000", "bob"})),
        LogonFilter(since=datetime(2026, 1, 1, 10, 2, tzinfo=UTC)),
    ):
        assert [session.logon_id for session in ours.sessions(None, where)] == [
            session.logon_id for session in web1().sessions(where=where)
        ]


def test_targets_mean_there_what_they_mean_here(described: LogonsFromCim) -> None:
    ours = LogonsFromCim(web1())
    for target in ("user:bob", "bob", "name:bash", ":8080", "127.0.0.1:8080"):
        assert [answer.pid for answer in ours.whose(target)] == [answer.pid for answer in web1().whose(target)]
    assert [answer.pid for answer in described.whose("bob")] == [3990, 3991]
    for target in ("/usr/bin/nosuch", "name:nosuch", "user:nosuch"):
        with pytest.raises(NotFoundError, match="no process on that host matches"):
            described.whose(target)
    with pytest.raises(NotFoundError, match=r"no process runs '/run/app\.sock'") as caught:
        ours.whose("/run/app.sock")
    assert caught.value.hint == "unix sockets cannot be looked up over WS-Management: use https://, or run it there"
    with pytest.raises(NotFoundError, match="no visible process on that host holds port 8080"):
        ours.whose("[::1]:8080")


def test_sockets_of_other_network_namespaces_are_found_there_when_requested(host: HostFolder) -> None:
    host.listener(80, 1)
    host.process(10, "server", sockets=[1])
    host.process(11, "server", sockets=[2])
    host.net_namespace(11, OWN_NETWORK + 1)
    for port in (80, 81):
        host.listener(port, 2, net="11/net")
    ours = LogonsFromCim(host.connect())
    assert [answer.pid for answer in ours.whose(":80")] == [10]
    answers = ours.whose(":80", all_namespaces=True)
    assert [(answer.pid, answer.sockets[0].namespace_pid) for answer in answers] == [(10, None), (11, 11)]
    with pytest.raises(NotFoundError, match="processes in others do"):
        ours.whose(":81")


@pytest.mark.parametrize("target", ["@app", "unix:/run/app.sock"])
def test_unix_sockets_are_refused_there(described: LogonsFromCim, target: str) -> None:
    for host in (described, LogonsFromCim(web1())):
        with pytest.raises(NotSupportedError, match="cannot find the holder of a unix socket over WS-Management"):
            host.whose(target)


def test_processes_whose_owner_is_not_known_are_unread_or_hidden_as_on_the_host_itself(host: HostFolder) -> None:
    host.process(30, "sleep", ses=7, loginuid=1001, uid=1000)  # as bob's `sudo -u alice` runs it
    host.process(66, uid=1000)
    host.spoil(66, "sessionid", "cgroup")
    for caller, expected in (
        (ROOT, {1: "none", 30: "audit", 66: "unread"}),
        (Caller("alice", 1000, administrator=False), {30: "hidden", 66: "hidden"}),
    ):
        local = host.connect(caller)
        there = LogonsFromCim(local)
        assert {row.pid: row.evidence for row in local.processes()} == expected
        assert {row.pid: row.evidence for row in there.processes(None)} == expected
        assert [row.pid for row in there.tree(None)[-1].processes] == [row.pid for row in local.tree()[-1].processes]


def test_whose_says_that_a_logon_session_could_not_be_read(host: HostFolder) -> None:
    host.process(66, uid=1000)
    host.spoil(66, "sessionid", "cgroup")
    with pytest.raises(AccessDeniedError, match="that host could not read the logon session of process 66"):
        LogonsFromCim(host.connect()).whose("66")
    with pytest.raises(AccessDeniedError, match="process 66 is not in one of your logon sessions"):
        LogonsFromCim(host.connect(Caller("alice", 1000, administrator=False))).whose("66")
