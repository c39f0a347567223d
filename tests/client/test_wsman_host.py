"""Tests of client/wsman_host.py: a remote host gives the same results as the same host queried locally."""

from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

import pytest

import logonscope
from logonscope import Class, Host, LogonFilter, LogonscopeError
from logonscope.client.wsman_client import WsmanClient
from logonscope.client.wsman_host import WsmanHost
from logonscope.machine import Deadline
from tests.client.test_host import ROWS
from tests.hosts import user
from tests.providers.asked import web1
from tests.server.running import ADMIN, ALICE, RunningServer, running


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running(allow_methods="true") as found:
        yield found


def remote(server: RunningServer, who: tuple[str, str] = ADMIN) -> Host:
    name, password = who
    # Over HTTP: over HTTPS a Logonscope is asked by its JSON API.
    return logonscope.connect(f"http://127.0.0.1:{server.http}", user=name, password=password)


def said(ask: Callable[[Host], Any], host: Host) -> Any:
    """Return an answer, or a refusal in words; classes by their names."""
    try:
        found = ask(host)
        answers = list(found) if isinstance(found, Iterator) else found
    except LogonscopeError as error:
        return f"{error.name}: {error.message.removesuffix(' there')}"
    if isinstance(answers, list):
        return [answer.name if isinstance(answer, Class) else answer for answer in answers]
    return answers


REMOTE = LogonFilter(types=frozenset({10}), since=datetime(2026, 1, 1, 9, tzinfo=UTC), system=False)
"""A filter with conditions of every kind: numbers, times, and what is not null."""

QUESTIONS: dict[str, Callable[[Host], Any]] = {
    "sees_everything": lambda host: host.sees_everything,
    "sessions": lambda host: host.sessions(),
    "a user's": lambda host: host.sessions("alice"),
    "by its login": lambda host: host.sessions("c1"),
    "processes": lambda host: host.processes(),
    "of a login": lambda host: host.processes(41),
    "filtered by user": lambda host: host.sessions(where=LogonFilter(users=frozenset({"alice", "1001"}))),
    "filtered by type and time": lambda host: host.sessions(where=REMOTE),
    "filtered by state": lambda host: host.sessions(where=LogonFilter(states=frozenset({"logged out", None}))),
    "filtered by origin": lambda host: host.sessions(where=LogonFilter(origins=frozenset({"203.0.113.0/24"}))),
    "processes filtered": lambda host: sorted(row.pid for row in host.processes(where=REMOTE)),
    "trees filtered": lambda host: [len(tree.processes) for tree in host.tree(where=REMOTE)],
    "leftovers filtered": lambda host: host.leftovers(where=LogonFilter(users=frozenset({"bob"}))).known,
    "pairs": lambda host: sorted(host.session_processes()),
    "tree": lambda host: host.tree(),
    "an instance": lambda host: host.get("Win32_Process=4312"),
    "some of it": lambda host: host.get('Win32_Process.Handle="4312"', ["name", "CreationDate"]),
    "an association": lambda host: host.get(next(host.enumerate("Win32_SessionProcess"))),
    "some of an association": lambda host: host.get(next(host.enumerate("Win32_SessionProcess")), ["dependent"]),
    "its path": lambda host: host.get(next(host.enumerate("Win32_SessionProcess")), ["__path"]),
    "of the other namespace": lambda host: host.get("LS_LogonSession=41", namespace="root/logonscope"),
    "a class": lambda host: host.enumerate("Win32_SessionProcess"),
    "two properties": lambda host: host.enumerate("Win32_Process", ["Name", "CreationDate"]),
    "of classes below": lambda host: host.enumerate("Win32_Account", ["Name", "__CLASS"]),
    "shallow": lambda host: host.enumerate("Win32_Account", deep=False),
    "associators": lambda host: host.associators("Win32_Process=4312"),
    "narrowed": lambda host: host.associators(
        "Win32_LogonSession=41", assoc_class="Win32_SessionProcess", result_class="Win32_Process", role="Antecedent",
        result_role="Dependent", properties=["Handle", "Name"],
    ),
    "those with a property": lambda host: host.associators("Win32_Process=4312", properties=["LogonId"]),
    "associations with a property": lambda host: host.references("Win32_Process=4312", properties=["dependent"]),
    "no properties": lambda host: host.enumerate("Win32_LogonSession", []),
    "nothing of an association": lambda host: host.get(next(host.enumerate("Win32_SessionProcess")), []),
    "references": lambda host: host.references("Win32_LogonSession=41", role="Antecedent"),
    "of an instance": lambda host: host.references(host.get("Win32_LogonSession=41")),
    "a query": lambda host: host.query("SELECT Name, __PATH FROM Win32_Process WHERE Name LIKE '%ssh%'"),
    "a projection": lambda host: host.query("SELECT Handle FROM Win32_Process WHERE Handle = 1"),
    "classes by query": lambda host: host.query_classes("SELECT * FROM meta_class WHERE __this ISA 'Win32_Account'"),
    "their definitions": lambda host: host.query_classes("ASSOCIATORS OF {Win32_Process=4312} WHERE ClassDefsOnly"),
    "their keys": lambda host: host.query("ASSOCIATORS OF {Win32_LogonSession=41} WHERE KeysOnly"),
    "a method": lambda host: host.invoke("Win32_Process=4312", "getowner"),
    "with parameters": lambda host: host.invoke("Win32_Process=4312", "SetPriority", {"Priority": 33}),
    "names of classes": lambda host: host.classes("Win32_*"),
    "a class by its path": lambda host: [host.get("win32_process").name, host.get("root/logonscope:LS_Socket").keys],
    "properties of a class": lambda host: host.get("Win32_Process", ["Name"]),
    "no instance": lambda host: host.get("Win32_Process=99"),
    "no class": lambda host: host.get_class("Win32_Nothing"),
    "no class of a path": lambda host: host.get("Win32_Proces=1"),
    "no class of a query": lambda host: host.query("SELECT *\nFROM Win32_Proces"),
    "no column": lambda host: host.query("SELECT  Nam FROM Win32_Process"),
    "no word of a condition": lambda host: host.query("SELECT * FROM Win32_Process WHERE  Nam = 1"),
    "no namespace": lambda host: host.enumerate("Win32_Process", namespace="root/nowhere"),
    "no property": lambda host: host.enumerate("Win32_Process", ["Nothing"]),
    "no query": lambda host: host.query("SELEKT"),
    "no method": lambda host: host.invoke("Win32_Process=4312", "Explode"),
    "a method of a class": lambda host: host.invoke("Win32_Process", "GetOwner"),
    "no such parameter": lambda host: host.invoke("Win32_Process=4312", "Terminate", {"Now": 1}),
    "another machine": lambda host: host.get("//web2/root/cimv2:Win32_Process=1"),
}  # fmt: skip


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("who", [ADMIN, ALICE], ids=["an administrator", "alice"])
def test_the_answer_is_the_one_that_is_given_there(server: RunningServer, who: tuple[str, str], question: str) -> None:
    there = web1() if who is ADMIN else web1(user(1000))
    assert said(QUESTIONS[question], remote(server, who)) == said(QUESTIONS[question], there)


@pytest.mark.parametrize("which", ["system", "System", "41", "alice", "c1", "nobody-is-called-so"])
def test_a_word_means_the_same_logon_sessions(server: RunningServer, which: str) -> None:
    meant = {session.logon_id for session in web1().sessions(which)}
    assert {session.logon_id for session in remote(server).sessions(which)} == meant
    assert {row.pid for row in remote(server).processes(which)} == {row.pid for row in web1().processes(which)}


TARGETS = (
    "1", "4312", "sshd", ":8080", "99", "nobody-is-called-so", ":0", ":81", "bob", "user:alice", "name:bash",
    "127.0.0.1:8080", "[::1]:8080", "/usr/bin/nosuch", "user:nobody-is-called-so", "user:root", "user:Root", "root",
    "user:1000", "name:SSHD",
)  # fmt: skip


@pytest.mark.parametrize("who", [ADMIN, ALICE], ids=["an administrator", "alice"])
@pytest.mark.parametrize("target", TARGETS)
def test_whose_it_is(server: RunningServer, who: tuple[str, str], target: str) -> None:
    def told(host: Host) -> Any:
        found = said(lambda asked: asked.whose(target), host)
        if isinstance(found, str):
            return found.partition(":")[0]
        return [
            (one.pid, one.evidence, one.process, [link.pid for link in one.chain], one.sockets, one.session)
            for one in found
        ]

    assert told(remote(server, who)) == told(web1() if who is ADMIN else web1(user(1000)))


@pytest.mark.parametrize("pid", [1, 3990, 99999])
def test_a_pid_without_an_answer_has_the_message_that_it_has_there(server: RunningServer, pid: int) -> None:
    with pytest.raises(logonscope.LogonscopeError) as error_here:
        web1(user(1000)).whose(str(pid))
    with pytest.raises(logonscope.LogonscopeError) as error_there:
        remote(server, ALICE).whose(str(pid))
    assert str(error_there.value) == str(error_here.value)


def test_operations_that_the_server_lacks_are_reported(server: RunningServer) -> None:
    host = remote(server)
    lacking = (
        lambda: host.record("file"), lambda: host.explain("SELECT * FROM Win32_Process"), host.services, host.history,
        host.past_processes, host.verify_history, lambda: host.forget_user("bob"),
    )  # fmt: skip
    for ask in lacking:
        with pytest.raises(logonscope.NotSupportedError, match="run this command on that host: logonscope "):
            ask()


def test_doctor_says_what_answers_and_what_may_be_seen(server: RunningServer) -> None:
    assert [check.finding for check in remote(server).doctor()] == ["Logonscope 0.1.0", "everything"]
    assert [check.ok for check in remote(server, ALICE).doctor()] == [True, None]


def test_a_query_can_be_left_half_way_and_has_its_time(server: RunningServer) -> None:
    host = remote(server)
    rows = host.query("SELECT * FROM Win32_Process")
    next(rows)
    rows.close()
    assert len(server.services.dispatcher.enumerations) == 0
    with pytest.raises(logonscope.InvalidParameterError):
        host.query("SELECT * FROM Win32_Process", timeout=0)
    with pytest.raises(logonscope.TimedOutError):
        list(host.query("SELECT * FROM Win32_Process", timeout=1e-9))


@pytest.mark.parametrize("ask", ROWS)
def test_whatever_yields_rows_can_be_closed_early(
    server: RunningServer, ask: Callable[[Host], Generator[object]]
) -> None:
    with remote(server) as host:
        rows = ask(host)
        next(rows)
        rows.close()
        assert list(rows) == []


def test_a_class_that_only_the_other_end_knows_is_requested(server: RunningServer) -> None:
    host = remote(server)
    assert isinstance(host, WsmanHost)
    element = next(iter(host._client.classes("Win32_LogonSession")))  # noqa: SLF001 -- its definition, as it is sent
    element.set("NAME", "Win32_OtherSession")
    found = host._add_declared(element, "root\\cimv2", Deadline())  # noqa: SLF001 -- as of a Windows that has it
    assert found.derivation == ("Win32_Session", "CIM_LogicalElement", "CIM_ManagedSystemElement")
    assert host.get_class("Win32_othersession") is found


def test_a_response_of_a_method_without_its_return_value_is_an_error() -> None:
    class Link(WsmanClient):
        def __init__(self) -> None:
            pass

        def invoke(self, *arguments: Any) -> Any:
            return ET.fromstring(f"<{arguments[2]}_OUTPUT/>")

    with pytest.raises(logonscope.TransportFailureError, match="the response of SetPriority has no return value"):
        WsmanHost(Link()).invoke("Win32_Process=4312", "SetPriority", {"Priority": 33})
