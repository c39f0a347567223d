"""Tests of client/host.py: every question reaches the implementation, with normalized arguments."""

import copy
import importlib
import inspect
import pickle
import pydoc
from collections.abc import Callable, Generator
from datetime import datetime
from typing import Any

import pytest

from logonscope import Host, Instance, InvalidObjectPathError, InvalidParameterError, LogonFilter
from logonscope.answers.history import HistoryFilter
from logonscope.cim.schema import Schema, schema
from tests.providers.asked import web1

ANSWER = object()


class Asked(Host):
    """A kind of host that notes what it is to perform."""

    def __init__(self) -> None:
        self.performed: list[tuple[str, dict[str, Any]]] = []
        self.is_closed = False

    def _perform(self, operation: str, **arguments: Any) -> Any:
        self.performed.append((operation, arguments))
        return ANSWER

    @property
    def sees_everything(self) -> bool:
        return True

    @property
    def schema(self) -> Schema:
        return schema()

    def record(self, path: str, *, replace: bool = False) -> int:
        return len(path) + replace

    def at(self, moment: datetime) -> Host:
        del moment
        return self

    def close(self) -> None:
        self.is_closed = True


def python3() -> Instance:
    """Return an instance of the example host."""
    return web1().get("Win32_Process=4312")


PATH = r'\\web1\root\cimv2:Win32_Process.Handle="4312"'
SOME = ["Name"]
ALICE = LogonFilter(users=frozenset({"alice"}))
NARROWED = {"result_class": "Win32_Process", "role": "Dependent"}
ASKED: list[tuple[str, Callable[[Host], object], dict[str, Any]]] = [
    ("sessions", lambda host: host.sessions(), {"which": None}),
    ("sessions", lambda host: host.sessions(41), {"which": "41"}),
    ("sessions", lambda host: host.sessions(where=ALICE), {"which": None, "where": ALICE}),
    ("tree", lambda host: host.tree("c1", LogonFilter()), {"which": "c1"}),
    ("session_of", lambda host: host.session_of(4312), {"pid": 4312}),
    ("processes", lambda host: host.processes(41), {"which": "41"}),
    ("session_processes", lambda host: host.session_processes(), {}),
    ("leftovers", lambda host: host.leftovers("c1"), {"which": "c1"}),
    ("tree", lambda host: host.tree(0), {"which": "0"}),
    ("whose", lambda host: host.whose(4312), {"target": "4312", "all_namespaces": False}),
    ("whose", lambda host: host.whose(":8080"), {"target": ":8080", "all_namespaces": False}),
    ("services", lambda host: host.services(), {}),
    ("doctor", lambda host: host.doctor(), {}),
    ("history", lambda host: host.history(), {}),
    ("history", lambda host: host.history(HistoryFilter("41")), {"where": HistoryFilter("41")}),
    ("past_processes", lambda host: host.past_processes(HistoryFilter("41")), {"where": HistoryFilter("41")}),
    ("verify_history", lambda host: host.verify_history(), {}),
    ("forget_user", lambda host: host.forget_user("bob"), {"user": "bob"}),
    ("get", lambda host: host.get("A=1"), {"path": "A=1", "properties": None, "namespace": None}),
    (
        "get", lambda host: host.get(python3(), SOME, namespace="root"),
        {"path": PATH, "properties": SOME, "namespace": "root"},
    ),
    (
        "enumerate", lambda host: host.enumerate("A"),
        {"class_name": "A", "properties": None, "namespace": None, "deep": True},
    ),
    (
        "enumerate", lambda host: host.enumerate("A", SOME, namespace="root", deep=False),
        {"class_name": "A", "properties": SOME, "namespace": "root", "deep": False},
    ),
    (
        "associators",
        lambda host: host.associators(python3(), assoc_class="B", result_role="C", properties=SOME, **NARROWED),
        {
            "path": PATH, "assoc_class": "B", "result_role": "C", "properties": SOME, "namespace": None, **NARROWED,
        },
    ),
    (
        "references", lambda host: host.references(python3(), properties=SOME, namespace="root", **NARROWED),
        {"path": PATH, "properties": SOME, "namespace": "root", **NARROWED},
    ),
    (
        "query", lambda host: host.query_any("SELECT", timeout=0.5),
        {"text": "SELECT", "namespace": None, "timeout": 0.5},
    ),
    ("explain", lambda host: host.explain("SELECT", namespace="root"), {"text": "SELECT", "namespace": "root"}),
    (
        "invoke", lambda host: host.invoke(python3(), "SetPriority", {"Priority": 64}),
        {"path": PATH, "method_name": "SetPriority", "parameters": {"Priority": 64}, "namespace": None},
    ),
    ("classes", lambda host: host.classes("Win32_*"), {"pattern": "Win32_*", "namespace": None}),
    ("get_class", lambda host: host.get_class("A", namespace="root"), {"name": "A", "namespace": "root"}),
]  # fmt: skip


OF_QUERY = {"query_any", "query", "query_classes"}
"""The three that perform one operation."""


@pytest.mark.parametrize(("operation", "ask", "arguments"), ASKED)
def test_every_question_is_performed_with_arguments_that_mean_one_thing(
    operation: str, ask: Callable[[Host], object], arguments: dict[str, Any]
) -> None:
    host = Asked()
    assert ask(host) is ANSWER
    assert host.performed == [(operation, arguments)]


def test_every_question_of_a_host_is_among_them() -> None:
    public = {name for name, _ in inspect.getmembers(Host) if not name.startswith("_")}
    assert {operation for operation, _, _ in ASKED} | OF_QUERY == public - Host.__abstractmethods__ - {
        "moment",
        "hiding_reason",
        "identify_machine",
        "watch",  # not a question: it returns a Watch
    }


def test_a_kind_of_host_answers_all_that_is_abstract() -> None:
    assert Host.__abstractmethods__ == {"_perform", "sees_everything", "schema", "record", "at", "close"}
    with pytest.raises(TypeError, match="abstract"):
        Host()  # type: ignore[abstract]  # which is what is tested


def test_a_host_is_closed_when_it_is_left_whatever_happened_there() -> None:
    hosts = Asked(), Asked()
    with hosts[0] as host:
        assert (host, host.is_closed) == (hosts[0], False)
    with pytest.raises(ZeroDivisionError), hosts[1]:
        raise ZeroDivisionError
    assert [host.is_closed for host in hosts] == [True, True]


NO_PATHS: list[Any] = [4312, None, web1().get("Win32_Process=4312", ["Name"])]


@pytest.mark.parametrize("path", NO_PATHS, ids=repr)
def test_what_is_no_path_is_refused_before_anything_is_performed(path: Any) -> None:
    host = Asked()
    asks: list[Callable[[], object]] = [
        lambda: host.get(path), lambda: host.associators(path), lambda: host.references(path),
        lambda: host.invoke(path, "GetOwner"),
    ]  # fmt: skip
    for ask in asks:
        with pytest.raises(InvalidObjectPathError, match="is not an object path; give text, or an instance that has"):
            ask()
    assert host.performed == []


def test_properties_are_a_list_and_no_text() -> None:
    host = Asked()
    asks: list[Callable[[], object]] = [
        lambda: host.get("A=1", "Name"), lambda: host.enumerate("A", "Name"),
        lambda: host.associators("A=1", properties="Name"), lambda: host.references("A=1", properties="Name"),
    ]  # fmt: skip
    for ask in asks:
        with pytest.raises(InvalidParameterError, match=r"invalid properties 'Name': expected a list; give \['Name'\]"):
            ask()
    assert host.performed == []


INSTANCES, CLASSES = "SELECT Handle FROM Win32_Process", "SELECT * FROM meta_class WHERE __this ISA 'Win32_Process'"


def test_a_query_yields_instances_or_says_that_it_selects_classes() -> None:
    host = web1()
    assert list(host.query(INSTANCES)) == list(host.enumerate("Win32_Process", ["Handle"]))
    assert list(host.query("SELECT * FROM Win32_Process WHERE Handle = 'none'")) == []
    with pytest.raises(InvalidParameterError) as refused:
        next(host.query(CLASSES))
    assert str(refused.value) == "the query selects classes: Win32_Process, ...; use query_classes()"


def test_a_query_for_classes_yields_classes_or_says_that_it_selects_instances() -> None:
    host = web1()
    assert [cls.name for cls in host.query_classes(CLASSES)] == ["Win32_Process"]
    assert list(host.query_classes("SELECT * FROM meta_class WHERE __Class = 'None'")) == []
    with pytest.raises(InvalidParameterError) as refused:
        next(host.query_classes(INSTANCES))
    assert str(refused.value) == ('the query selects instances: <Instance Win32_Process.Handle="1">, ...; use query()')


def test_a_query_from_elsewhere_may_select_instances_or_classes() -> None:
    host = web1()
    assert list(host.query_any(INSTANCES)) == list(host.query(INSTANCES))
    assert list(host.query_any(CLASSES)) == list(host.query_classes(CLASSES))


@pytest.mark.parametrize("ask", [Host.query, Host.query_classes, Host.query_any])
def test_closing_a_query_closes_what_it_reads(ask: Callable[..., Generator[object]]) -> None:
    closed = []

    class Reading(Asked):
        def _perform(self, operation: str, **arguments: Any) -> Any:
            del operation, arguments
            rows: list[object] = list(web1().query_any(CLASSES if ask is Host.query_classes else INSTANCES))
            try:
                yield from rows * 3
            finally:
                closed.append(True)

    answer = ask(Reading(), "SELECT")
    next(answer)
    assert closed == []
    answer.close()
    assert closed == [True]


ROWS: list[Callable[[Host], Generator[object]]] = [
    lambda host: host.processes(), lambda host: host.session_processes(), lambda host: host.enumerate("Win32_Process"),
    lambda host: host.associators("Win32_Process=4312"), lambda host: host.references("Win32_Process=4312"),
    lambda host: host.classes(), lambda host: host.query(INSTANCES), lambda host: host.query_classes(CLASSES),
]  # fmt: skip


@pytest.mark.parametrize("ask", ROWS)
def test_whatever_yields_rows_can_be_closed_early(ask: Callable[[Host], Generator[object]]) -> None:
    rows = ask(web1())
    next(rows)
    rows.close()
    assert list(rows) == []


def kinds_of_host() -> list[type[Host]]:
    """Return the kinds of host that the package has."""
    importlib.import_module("logonscope.client.wsman_host")
    return [kind for kind in Host.__subclasses__() if kind.__module__.startswith("logonscope")]


@pytest.mark.parametrize("kind", kinds_of_host(), ids=lambda kind: kind.__name__)
def test_help_shows_the_documentation_of_a_host_whichever_kind_it_is(kind: type[Host]) -> None:
    for name, member in inspect.getmembers(Host):
        if not name.startswith("_"):
            assert inspect.getdoc(getattr(kind, name)) == inspect.getdoc(member)
            assert len(str(inspect.getdoc(member))) > 40, name
    assert "Return the logon session of each process that matches a target" in pydoc.render_doc(kind.whose)


def test_a_host_is_not_pickled_and_not_copied() -> None:
    host = web1()
    for copied in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match=r"cannot pickle or copy <LocalHost .*>: call connect\(\) where it is used"):
            copied(host)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"which": [41]}, r'invalid logon session \[41\]: expected text or a number; give "41", or 41'),
        ({"where": {"types": {10}}}, "invalid filter .*: expected a LogonFilter; give where=LogonFilter"),
        ({"where": LogonFilter(states=frozenset({"gone"}))}, "invalid state 'gone'"),
    ],
)
@pytest.mark.parametrize("method", ["sessions", "processes", "tree", "leftovers"])
def test_a_wrong_selection_is_refused_before_anything_is_performed(
    method: str, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidParameterError, match=message):
        getattr(Asked(), method)(**arguments)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda host: host.session_of("4312"), "invalid pid '4312': expected a number"),
        (lambda host: host.watch(without_descendants_of="4312"), "invalid pid '4312': expected a number"),
        (lambda host: host.session_of(True), "invalid pid True"),
        (lambda host: host.whose(None), "invalid target None: expected text or a number; give a pid or name"),
        (lambda host: host.history("alice"), "invalid filter 'alice': expected a HistoryFilter"),
        (lambda host: host.past_processes(HistoryFilter(keys="SHA256:mVPw")), "invalid keys 'SHA256:mVPw'"),  # type: ignore[arg-type]  # the error
    ],
)
def test_an_argument_of_another_type_is_refused_before_anything_is_performed(
    ask: Callable[[Any], object], message: str
) -> None:
    host = Asked()
    with pytest.raises(InvalidParameterError, match=message):
        ask(host)
    assert not host.performed
