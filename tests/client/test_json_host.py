"""Tests of client/json_host.py: over 60 operations in Python, over JSON and over WS-Management, on one host."""

import json
import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from logonscope import LogonFilter, LogonscopeError, connect
from logonscope.broker import Caller
from logonscope.cim.classes import Class
from logonscope.client import Host, LocalHost
from logonscope.dispatch.audit import Audit
from logonscope.errors import AccessDeniedError, InvalidParameterError, NotFoundError, NotSupportedError, TimedOutError
from logonscope.ownership import LINUX
from tests.broker.memory import Memory
from tests.lab.fixtures import skip_or_fail
from tests.providers.asked import SNAPSHOT
from tests.providers.profiles import HISTORY
from tests.providers.services import MINE, SERVICES, UNLISTED
from tests.providers.test_ls_sub_session import BOB, SHELL, SSHD
from tests.providers.test_ls_unit_logon import CRON, SSH
from tests.server.running import ADMIN, ALICE, RunningServer, running

LS = "root/logonscope"
SERVICE = 'LS_Service.Manager="system",Name="ssh.service"'
PROCESS, LOGON = 'Win32_Process.Handle="4312"', "Win32_LogonSession=41"
SINCE = datetime(2026, 1, 1, 9, tzinfo=UTC)

Ask = Callable[[Host], Any]

HOST = SNAPSHOT._replace(
    services=SERVICES, unit_requests=(SSH, CRON), login_history=HISTORY,
    processes=(*SNAPSHOT.processes, MINE, UNLISTED, SSHD, BOB, SHELL),
)  # fmt: skip
"""The example host with services, requests for them, past logins, and a logon session within another one."""

QUESTIONS: dict[str, Ask] = {
    "sessions": lambda host: host.sessions(),
    "sessions of a LogonId": lambda host: host.sessions(41),
    "sessions of a login": lambda host: host.sessions("c1"),
    "sessions of an account": lambda host: host.sessions("alice"),
    "sessions of the system": lambda host: host.sessions("system"),
    "sessions of nobody": lambda host: host.sessions("nobody-here"),
    "sessions by type": lambda host: host.sessions(where=LogonFilter(types=frozenset({10, None}))),
    "sessions by time": lambda host: host.sessions(where=LogonFilter(since=SINCE)),
    "sessions by state": lambda host: host.sessions(where=LogonFilter(states=frozenset({"closing"}), system=False)),
    "sessions by users": lambda host: host.sessions(where=LogonFilter(users=frozenset({"alice", "1001"}))),
    "sessions by network": lambda host: host.sessions(where=LogonFilter(origins=frozenset({"203.0.113.0/24"}))),
    "sessions with details": lambda host: host.sessions(41, details=("origin", "authentication", "usage")),
    "session_of": lambda host: host.session_of(4312),
    "session_of a missing process": lambda host: host.session_of(99999),
    "session_of a negative pid": lambda host: host.session_of(-1),
    "processes": lambda host: list(host.processes()),
    "processes of a LogonId": lambda host: list(host.processes(41)),
    "processes by type": lambda host: list(host.processes(where=LogonFilter(types=frozenset({10})))),
    "session_processes": lambda host: list(host.session_processes()),
    "tree": lambda host: host.tree(),
    "tree of a LogonId": lambda host: host.tree(41),
    "tree of nobody": lambda host: host.tree("nobody-here"),
    "leftovers": lambda host: host.leftovers(),
    "leftovers of an account": lambda host: host.leftovers("bob"),
    "whose pid": lambda host: host.whose(4312),
    "whose name": lambda host: host.whose("sshd"),
    "whose in a service": lambda host: host.whose(700),
    "whose with details": lambda host: host.whose(4312, details=("origin", "authentication", "usage")),
    "whose port": lambda host: host.whose(":8080"),
    "whose service": lambda host: host.whose(":nosuchservice"),
    "whose account": lambda host: host.whose("user:alice"),
    "whose path": lambda host: host.whose("/usr/bin/python3"),
    "whose nothing": lambda host: host.whose("nothing-like-this"),
    "whose invalid": lambda host: host.whose(":99999"),
}
INSTANCES: dict[str, Ask] = {
    "get": lambda host: host.get(PROCESS),
    "get LogonSession": lambda host: host.get(LOGON),
    "get properties": lambda host: host.get(PROCESS, ["Name", "CreationDate"]),
    "get LS": lambda host: host.get("LS_Process=4312", namespace=LS),
    "get path": lambda host: host.get(PROCESS, ["Handle"]).path,
    "get class": lambda host: members(host.get("Win32_SessionProcess")),
    "get LS class": lambda host: members(host.get("LS_Process", namespace=LS)),
    "get properties of a class": lambda host: host.get("Win32_Process", ["Name"]),
    "get missing": lambda host: host.get("Win32_Process=99999"),
    "get unknown class": lambda host: host.get("Win32_Nothing=1"),
    "get unknown property": lambda host: host.get(PROCESS, ["Nam"]),
    "get malformed": lambda host: host.get("Win32_Process.Handle="),
    "enumerate": lambda host: list(host.enumerate("Win32_Process")),
    "enumerate association": lambda host: list(host.enumerate("Win32_SessionProcess")),
    "enumerate accounts": lambda host: list(host.enumerate("Win32_Account")),
    "enumerate flat": lambda host: list(host.enumerate("Win32_Account", deep=False)),
    "enumerate LS": lambda host: list(host.enumerate("LS_LogonSession", namespace=LS)),
    "enumerate LS processes": lambda host: list(host.enumerate("LS_Process", namespace=LS)),
    "enumerate sockets": lambda host: list(host.enumerate("LS_Socket", namespace=LS)),
    "enumerate properties": lambda host: list(host.enumerate("Win32_Process", ["Handle", "Name"])),
    "enumerate system": lambda host: list(host.enumerate("Win32_OperatingSystem", ["Caption", "LastBootUpTime"])),
    "enumerate services": lambda host: list(host.enumerate("Win32_Service")),
    "enumerate system services": lambda host: list(host.enumerate("Win32_SystemServices")),
    "enumerate profiles": lambda host: list(host.enumerate("Win32_UserProfile")),
    "enumerate network profiles": lambda host: list(host.enumerate("Win32_NetworkLoginProfile")),
    "enumerate hardware": lambda host: list(host.enumerate("Win32_Processor")),
    "enumerate LS services": lambda host: list(host.enumerate("LS_Service", namespace=LS)),
    "enumerate processes of services": lambda host: list(host.enumerate("LS_ServiceProcess", namespace=LS)),
    "enumerate requests for units": lambda host: list(host.enumerate("LS_UnitLogon", namespace=LS)),
    "enumerate sub sessions": lambda host: list(host.enumerate("LS_SubSession", namespace=LS)),
    "enumerate usage": lambda host: list(host.enumerate("LS_LogonSessionUsage", namespace=LS)),
    "enumerate executables": lambda host: list(host.enumerate("CIM_ProcessExecutable")),
    "enumerate unknown": lambda host: list(host.enumerate("Win32_Proces")),
    "query": lambda host: list(host.query("SELECT * FROM Win32_LogonSession WHERE LogonType = 10")),
    "query projected": lambda host: list(host.query("SELECT Name, Handle FROM Win32_Process WHERE Name LIKE 'py%'")),
    "query system properties": lambda host: list(host.query("SELECT __CLASS, __PATH, Name FROM Win32_Process")),
    "query malformed": lambda host: list(host.query("SELECT * FRM Win32_Process")),
    "query_classes": lambda host: names(
        host.query_classes("SELECT * FROM meta_class WHERE __this ISA 'Win32_Account'")
    ),
    "associators": lambda host: list(host.associators(PROCESS)),
    "associators of a logon session": lambda host: list(host.associators(LOGON, result_class="Win32_Process")),
    "references": lambda host: list(host.references(PROCESS)),
    "references of a role": lambda host: list(host.references(LOGON, role="Antecedent")),
    "associators of a missing one": lambda host: list(host.associators("Win32_Process=99999")),
    "associators of a service": lambda host: list(host.associators(SERVICE, namespace=LS)),
    "associators of sub sessions": lambda host: list(
        host.associators("LS_LogonSession=41", assoc_class="LS_SubSession", namespace=LS)
    ),
    "invoke InterrogateService": lambda host: host.invoke('Win32_Service="ssh.service"', "InterrogateService"),
    "invoke GetOwner": lambda host: host.invoke(PROCESS, "GetOwner"),
    "invoke GetOwnerSid": lambda host: host.invoke(PROCESS, "GetOwnerSid"),
    "invoke unknown": lambda host: host.invoke(PROCESS, "GetOwne"),
    "classes": lambda host: names(host.classes("Win32_*")),
    "get_class": lambda host: members(host.get_class("Win32_SessionProcess")),
    "get_class unknown": lambda host: host.get_class("Win32_Nothing"),
}
JSON_ONLY: dict[str, Ask] = {
    "explain": lambda host: host.explain("SELECT Name FROM Win32_Process WHERE Handle = 4312"),
    "explain associators": lambda host: host.explain(f"ASSOCIATORS OF {{{PROCESS}}}"),
    "doctor": lambda host: host.doctor(),
    "services": lambda host: host.services(),
    "sees_everything": lambda host: host.sees_everything,
}
"""Operations that WS-Management has not, or answers in words of its own."""

NOT_OVER_WSMAN: dict[str, Any] = {
    "unseen_logins": None, "service": None, "service_start": None, "outer_logins": (),
}  # fmt: skip
"""Members of answers of whose that WS-Management does not report."""

UNLIKE_WSMAN = {
    "session_of a negative pid", "whose nothing", "whose invalid", "get unknown property", "sessions of nobody",
    "enumerate unknown", "get_class unknown", "get unknown class", "enumerate LS processes",
}  # fmt: skip
"""Operations whose errors WS-Management's client words itself; and one with an empty array, which XML cannot write."""


def names(classes: Any) -> list[str]:
    """Return the names of classes."""
    return [cls.name for cls in classes]


def members(cls: Any) -> Any:
    """Return what a class consists of."""
    assert isinstance(cls, Class)
    return cls.name, cls.derivation, list(cls.properties.values()), list(cls.methods.values()), cls.qualifiers


def without_chain(answers: Any) -> Any:
    """Return answers of whose with the pids of the parents only, and without what WS-Management cannot report."""
    if not isinstance(answers, list):
        return answers
    return [answer._replace(chain=tuple(link.pid for link in answer.chain), **NOT_OVER_WSMAN) for answer in answers]


def outcome(ask: Ask, host: Host) -> Any:
    """Return an answer, or the class, message and advice of an error."""
    try:
        return ask(host)
    except LogonscopeError as error:
        return type(error), error.message, error.advice


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running(Memory(HOST), allow_methods="true") as found:
        yield found


@pytest.fixture(scope="module")
def local() -> Host:
    return LocalHost(Memory(HOST), LINUX, Caller("root", 0, administrator=True), lambda *_: 0)


@pytest.fixture(scope="module")
def over_json(server: RunningServer) -> Iterator[Host]:
    if os.geteuid() != 0:
        skip_or_fail("on a unix socket, root alone is an administrator")
    with connect(f"unix:{server.unix}") as host:
        yield host


@pytest.fixture(scope="module")
def over_wsman(server: RunningServer) -> Iterator[Host]:
    with connect(f"http://{ADMIN[0]}@127.0.0.1:{server.http}", password=ADMIN[1]) as host:
        yield host


def test_there_are_sixty_operations() -> None:
    assert len(QUESTIONS | INSTANCES) >= 60


@pytest.mark.parametrize("name", [*QUESTIONS, *INSTANCES, *JSON_ONLY])
def test_an_answer_over_json_is_that_of_python(name: str, local: Host, over_json: Host) -> None:
    ask = (QUESTIONS | INSTANCES | JSON_ONLY)[name]
    expected, found = outcome(ask, local), outcome(ask, over_json)
    if name == "doctor":  # names the caller, whose name depends on where it is told
        expected, found = expected[1:], found[1:]
    assert found == expected


@pytest.mark.parametrize("name", [name for name in (*QUESTIONS, *INSTANCES) if name not in UNLIKE_WSMAN])
def test_an_answer_over_json_is_that_of_wsman(name: str, over_json: Host, over_wsman: Host) -> None:
    ask = (QUESTIONS | INSTANCES)[name]
    expected, found = outcome(ask, over_wsman), outcome(ask, over_json)
    if isinstance(found, tuple) and isinstance(found[0], type):
        expected, found = expected[0], found[0]
    if name.startswith("whose"):  # WS-Management's client describes parents by what their class shows
        expected, found = map(without_chain, (expected, found))
    assert found == expected


def test_an_instance_over_json_has_the_keys_that_only_its_path_shows(over_json: Host, local: Host) -> None:
    text = "SELECT __PATH, Name FROM Win32_Process WHERE Handle = 4312"
    (found,), (expected,) = list(over_json.query(text)), list(local.query(text))
    assert (found.path, found["Handle"], found.properties()) == (expected.path, "4312", expected.properties())


def test_a_host_has_the_name_and_the_boot_of_its_machine(local: Host, over_json: Host, over_wsman: Host) -> None:
    expected = local.identify_machine()
    assert over_json.identify_machine() == expected
    assert over_wsman.identify_machine() == expected._replace(machine_id=None)


def test_a_host_carries_many_requests_at_once(over_json: Host) -> None:
    rows = over_json.processes()
    first = next(rows)
    assert over_json.session_of(first.pid).session.logon_id == first.logon_id
    rows.close()
    with pytest.raises(NotFoundError):
        over_json.session_of(99999)
    assert over_json.sessions(41)[0].user == "alice"


@pytest.mark.parametrize("scheme", ["https", "unix"])
def test_a_query_waits_for_a_server_that_hangs_only_until_its_timeout(server: RunningServer, scheme: str) -> None:
    text = "SELECT Name FROM Win32_ComputerSystem"
    with over_https(server, ADMIN) if scheme == "https" else connect(f"unix:{server.unix}") as host:
        rows = list(host.query(text, timeout=60))
        server.loop.call_soon_threadsafe(time.sleep, 1.0)
        start = time.monotonic()
        with pytest.raises(TimedOutError, match=r"no complete answer within 0\.2 s; request less"):
            list(host.query(text, timeout=0.2))
        assert time.monotonic() - start < 0.8
        assert list(host.query(text)) == rows, "the host can still be used"


def over_https(server: RunningServer, who: tuple[str, str], view_as: str | None = None) -> Host:
    url = f"https://{who[0]}@127.0.0.1:{server.https}"
    return connect(url, password=who[1], certificate=server.certificate, view_as=view_as)


@pytest.mark.parametrize("name", [*QUESTIONS, *INSTANCES])
def test_an_administrator_sees_as_alice_what_alice_sees(name: str, server: RunningServer) -> None:
    ask = (QUESTIONS | INSTANCES)[name]
    with (
        over_https(server, ALICE) as alice,
        over_https(server, ADMIN, "alice") as view,
    ):
        assert outcome(ask, view) == outcome(ask, alice)


def test_who_may_not_see_as_another_user(server: RunningServer) -> None:
    with (
        over_https(server, ALICE, "bob") as host,
        pytest.raises(AccessDeniedError, match="only an administrator"),
    ):
        host.sessions()
    with pytest.raises(NotSupportedError, match="WS-Management has no such request"):
        connect(f"http://127.0.0.1:{server.http}", user=ADMIN[0], password=ADMIN[1], view_as="bob")
    with pytest.raises(InvalidParameterError, match="invalid user"):
        connect(f"unix:{server.unix}", view_as="bob\r\nX: y")


def test_a_view_is_written_to_the_audit_log_and_does_not_act(server: RunningServer) -> None:
    if os.geteuid() != 0:
        skip_or_fail("on a unix socket, root alone is an administrator")
    lines: list[str] = []
    dispatcher = server.services.dispatcher
    dispatcher.audit = Audit(lines.append, lambda: datetime(2026, 1, 1, tzinfo=UTC))
    try:
        with connect(f"unix:{server.unix}", view_as="alice") as host:
            assert {session.user for session in host.sessions()} == {"alice"}
            with pytest.raises(AccessDeniedError, match="may only read"):
                host.invoke("Win32_Process=4312", "Terminate")
        with connect(f"unix:{server.unix}", view_as="nobody-of-this-name") as host, pytest.raises(NotFoundError):
            host.sessions()
    finally:
        dispatcher.audit = None
    events = [json.loads(line) for line in lines]
    assert [(event["event"], event.get("viewed_user"), event["outcome"]) for event in events] == [
        ("view_as", "alice", "accepted"), ("view_as", "alice", "accepted"),
        ("method", None, "WBEM_E_ACCESS_DENIED"), ("view_as", "nobody-of-this-name", "WBEM_E_NOT_FOUND"),
    ]  # fmt: skip
    assert {event["user"] for event in events if event["event"] == "view_as"} == {"uid 0"}
