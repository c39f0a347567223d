"""No byte that the server sends over HTTP depends on what its receiver may not see, in any operation.

Random hosts with traceable secrets are served. Each kind of caller sends every request, once about the host, and once
about one that differs in all that this caller may not see, and in nothing else: the answers must be the same to the
byte. LOGONSCOPE_FUZZ says how much is tried, as elsewhere.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import closing
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from lxml import etree

from logonscope.dispatch.operation import UNDECODED, DecodeError
from logonscope.dispatch.operations import OPERATIONS
from logonscope.errors import LogonscopeError
from logonscope.server.http import application
from logonscope.server.json import JSON_OPERATIONS, JSON_PATHS, JsonDoor
from logonscope.server.json_schemas import OPENAPI_PATH
from logonscope.server.request_target import normalized_path
from logonscope.server.serve import DOORS
from logonscope.server.wsman import REQUESTS, WSMAN_PATHS, WsmanDoor
from logonscope.wire.wsman import names
from logonscope.wire.wsman.requests import ACTIONS
from logonscope.wire.xml import clark_name
from tests.broker.crowds import Crowd, crowds
from tests.server.exchanges import Client, Exchange, Request, comparable, context_request
from tests.server.requests_by_operation import (
    DIALECTS,
    MADE_UP,
    MODES,
    OPERATION_REQUESTS,
    POLYMORPHISMS,
    PROCESS,
    Host,
    all_requests,
)
from tests.server.rights import EMPTY, ORDINARY, RIGHTS
from tests.server.soap import envelope
from tests.server.stages import METRICS, SENDERS, Pair, Sender, host_of, staged
from tests.server.test_fuzz import REQUESTS as TRIED
from tests.server.test_fuzz import hosts

HOSTS = max(5, TRIED // 400)
PAGE_PATHS = ("/page/session", "/page/sign-in", "/page/sign-in-by-ticket", "/page/sign-out", "/page/exchange")
"""The requests of the page to sign in; all others of it are the JSON API's."""

_SENTENCE = re.compile(r"<s:Text[^>]*>([^<]*)<")


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """Run two servers."""
    with staged() as found:
        yield found


def assert_keeps(exchange: Exchange, secrets: set[str]) -> None:
    """Fail where an answer has a secret that its caller did not send."""
    assert {secret for secret in secrets if secret in exchange.answer and secret not in exchange.sent} == set()


def assert_equal(exchanges: list[Exchange], others: list[Exchange]) -> None:
    """Fail at the first exchange that differs from that about the other host."""
    for exchange, other in zip(exchanges, others, strict=True):
        assert comparable(exchange.body.decode()) == comparable(other.body.decode())
        assert exchange.answer == other.answer, exchange.body.decode()


def same_owners(crowd: Crowd, other: Crowd, uid: int) -> bool:
    """Return whether the processes in a caller's logon sessions have the same owners on another host."""
    return all(other.owner[pid] == crowd.owner[pid] for pid in crowd.process if crowd.sees_session(uid, pid))


def check_visibility(
    name: str,
    requests_for: Callable[[Crowd, Crowd | None, Sender, int], list[Any]],
    ask: Callable[[int, Crowd, Sender, list[Any]], list[Exchange]],
) -> None:
    """Fail where an answer to a sender depends on what it may not see.

    Args:
        name: the sender.
        requests_for: returns the requests about a host, and the one that differs only in what the sender may not see.
        ask: lets the server of this number show a host, and returns what came of the requests.
    """
    sender, row = SENDERS[name], RIGHTS[SENDERS[name].kind]
    count = HOSTS if sender.kind == ORDINARY else 2

    @settings(max_examples=count, derandomize=True, database=None, phases=[Phase.generate])
    @given(crowds(), st.integers(0, 1 << 30))
    def check(crowd: Crowd, seed: int) -> None:
        other = None if row.equal_host is None else row.equal_host(crowd, sender.uid)
        assume(other is None or same_owners(crowd, other, sender.uid))
        requests = requests_for(crowd, other, sender, seed)
        exchanges = ask(0, crowd, sender, requests)
        for exchange in exchanges:
            assert_keeps(exchange, row.secrets(crowd, sender.uid))
        content = "\n".join(exchange.content for exchange in exchanges)
        assert {mark for mark in row.marks(crowd, sender.uid) if mark not in content} == set()
        if other is not None:
            assert_equal(exchanges, ask(1, other, sender, requests))

    check()


@pytest.mark.parametrize("name", SENDERS)
def test_no_answer_depends_on_what_its_caller_may_not_see(pair: Pair, name: str) -> None:
    def requests_for(crowd: Crowd, _: Crowd | None, _sender: Sender, seed: int) -> list[Any]:
        return all_requests(host_of(crowd, pair), seed)

    check_visibility(name, requests_for, pair.exchanges)


@pytest.mark.parametrize("name", ["administrator", "alice"])
def test_every_operation_and_message_of_every_door_is_sent(pair: Pair, name: str) -> None:
    crowd = hosts()[-1]
    exchanges = pair.exchanges(0, crowd, SENDERS[name], all_requests(host_of(crowd, pair), 1))
    door, operations, messages, actions = WsmanDoor(), set(), set(), set()
    for exchange in exchanges:
        try:
            operation = door.decode(exchange.body, "", exchange.path, {})
        except DecodeError as error:
            operation = error.operation
        except LogonscopeError:
            continue
        operations.add(operation.name)
        actions.add(operation.options.envelope.action)
        messages.add(type(operation.options.message))
    assert {type(known.door) for known in DOORS} == {WsmanDoor, JsonDoor}, "a door without such a test"
    of_wsman = {name for row in REQUESTS.values() for name in row.operations}
    assert of_wsman | set(JSON_OPERATIONS) == set(OPERATIONS), "an operation that no door has"
    assert set(OPERATION_REQUESTS) == {*of_wsman, UNDECODED}, "an operation without requests"
    assert operations - {""} == of_wsman
    assert set(ACTIONS) <= actions
    assert messages >= {message for message, row in REQUESTS.items() if row.operations}
    text = "\n".join(exchange.sent for exchange in exchanges)
    assert all(word in text for word in (*DIALECTS, *MODES, *POLYMORPHISMS))


def test_every_filter_dialect_and_mode_that_the_server_names_is_sent(pair: Pair) -> None:
    """The fault about an unknown one lists those that there are."""
    requests = list(OPERATION_REQUESTS[UNDECODED](Host((), ()), Random(1)))  # noqa: S311 -- the same in every run
    sentences = [
        sentence
        for exchange in pair.exchanges(0, EMPTY, SENDERS["alice"], requests)
        for sentence in _SENTENCE.findall(exchange.content)
    ]
    (dialects,) = {sentence for sentence in sentences if "unknown filter dialect 'unknown'" in sentence}
    (modes,) = {sentence for sentence in sentences if "invalid EnumerationMode 'unknown'" in sentence}
    assert set(dialects.partition("; use one of these: ")[2].split(", ")) == set(DIALECTS)
    assert set(modes.partition("expected one of ")[2].split(", ")) == set(MODES) - {""}


def test_every_path_of_the_server_is_asked(pair: Pair) -> None:
    routes = {route.path for route in application(pair.servers[0].services).routes}  # type: ignore[attr-defined]  # each is a Route
    of_json = {*JSON_PATHS, OPENAPI_PATH}  # asked in test_visibility_over_json.py
    paths = {*(normalized_path(sender.path) for sender in SENDERS.values()), METRICS, "/", *PAGE_PATHS}
    assert routes == paths | of_json
    assert set(WSMAN_PATHS) < routes


@pytest.mark.parametrize("name", SENDERS)
def test_what_is_served_of_the_page_has_nothing_of_a_host(pair: Pair, name: str) -> None:
    answers = []
    for number, crowd in enumerate((hosts()[0], hosts()[-1])):
        pair.stages[number].show(crowd)
        with closing(Client(pair.servers[number], dict(SENDERS[name].headers))) as client:
            client.send(b"", method="GET", path="/")
            for path in PAGE_PATHS:
                client.send(b"{}", path=path)
            answers.append([exchange.answer for exchange in client.exchanges])
    assert answers[0] == answers[1]
    assert answers[0][0].startswith("200 OK")


def test_the_enumeration_of_another_caller_is_as_unknown_as_one_that_was_made_up(pair: Pair) -> None:
    begin = envelope(names.ENUMERATE, PROCESS, "<n:Enumerate/>")
    crowd = hosts()[0]
    with closing(Client(pair.servers[0], dict(SENDERS["administrator"].headers))) as administrator:
        pair.stages[0].show(crowd)
        root = etree.fromstring(administrator.send(begin))
        context = root.findtext(f".//{clark_name(names.ENUMERATION, 'EnumerationContext')}") or ""
        for name in set(SENDERS) - {"administrator"}:
            for follow_up in ("pull", "renew", "status", "release"):
                requests = [Request(context_request(follow_up, known)) for known in (context, MADE_UP)]
                found = pair.exchanges(0, crowd, SENDERS[name], requests)
                assert found[0].status in {401, 500}
                assert found[0].answer == found[1].answer
        pair.stages[0].show(crowd)
        assert "PullResponse" in administrator.send(context_request("pull", context))
        administrator.send(context_request("release", context))
