"""No byte that the JSON door sends depends on what its receiver may not see, in any operation or question.

As test_visibility.py: random hosts with traceable secrets, and for each the one that differs only in what the caller
may not see. Requests name what exists, hidden or not, and what does not.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from functools import partial
from random import Random
from typing import Any

import pytest

from logonscope.cim.schema import CIMV2, LOGONSCOPE, schema
from logonscope.server.json import JSON_OPERATIONS
from tests.broker.crowds import Crowd
from tests.server.exchanges import Client, Exchange
from tests.server.mutants import queries
from tests.server.stages import Pair, Sender, guesses, staged
from tests.server.test_fuzz import hosts
from tests.server.test_visibility import check_visibility

NAMES = ("administrator", "alice", "bob", "no credentials", "another scheme")
MISSING_PID = 4_000_001

Request = tuple[str, Mapping[str, Any]]


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """Run two servers."""
    with staged() as found:
        yield found


def all_json_requests(crowd: Crowd, chance: Random) -> Iterator[Request]:
    """Yield requests of every operation about a host."""
    logon_ids = sorted({owner.logon_id for owner in crowd.owner.values() if owner.logon_id})
    words = [*logon_ids, "alice", "bob", "root", "system", "c1", "12345"]
    for name in ("identify", "machine", "doctor", "services", "session_processes", "history", "past_processes"):
        yield name, {}
    yield "timeline", {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00Z", "resolution": 600}
    for name in ("sessions", "processes", "tree", "leftovers"):
        yield name, {}
        yield from ((name, {"which": word}) for word in chance.sample(words, 3))
        for where in ({"users": ["alice"]}, {"types": [0, 4, 10, None]}, {"system": False}, {"origins": ["0.0.0.0/0"]}):
            yield name, {"where": where}
    for pid in (*crowd.process, MISSING_PID):
        yield "session_of", {"pid": pid}
        yield "whose", {"target": pid}
    for target in ("user:alice", "user:bob", "alice", ":22", ":8080", "/bin/sh", "name:bash"):
        yield "whose", {"target": target}
    yield from _requests_for_instances(crowd, logon_ids, chance)


def _requests_for_instances(crowd: Crowd, logon_ids: list[str], chance: Random) -> Iterator[Request]:
    pids = chance.sample([*crowd.process], min(6, len(crowd.process)))
    paths = [(f'Win32_Process.Handle="{pid}"', CIMV2) for pid in (*pids, MISSING_PID)]
    paths += [(f'LS_Process.Handle="{pid}"', LOGONSCOPE) for pid in pids]
    paths += [(f'Win32_LogonSession.LogonId="{logon_id}"', CIMV2) for logon_id in logon_ids[:4]]
    for path, namespace in paths:
        for name in ("get", "associators", "references"):
            yield name, {"path": path, "namespace": namespace}
        if "Process" in path:
            yield "invoke", {"path": f"{namespace}:{path}", "method": "GetOwner"}
            yield "invoke", {"path": f"{namespace}:{path}", "method": "SetPriority", "parameters": {"Priority": 64}}
            yield "delete", {"path": f"{namespace}:{path}"}
    for namespace in (CIMV2, LOGONSCOPE):
        for cls in schema().classes(namespace):
            yield "enumerate", {"class_name": cls.name, "namespace": namespace}
    known = list(guesses(crowd))
    for guess in chance.sample(known, min(12, len(known))):
        namespace, class_name = guess.uri.split("/wmi/")[1].rsplit("/", 1)
        text = f"SELECT * FROM {class_name} WHERE {guess.name} {chance.choice(('=', '<>', '>='))} {guess.value}"
        yield "query", {"text": text, "namespace": namespace}
        yield "explain", {"text": text, "namespace": namespace}
    yield from (("query", {"text": text}) for text in chance.sample(queries(), 10))
    yield from (("explain", {"text": text}) for text in chance.sample(queries(), 10))
    yield "classes", {"pattern": "LS_*", "namespace": LOGONSCOPE}
    yield "get_class", {"name": "Win32_Process"}


def exchanges(pair: Pair, number: int, crowd: Crowd, sender: Sender, requests: list[Request]) -> list[Exchange]:
    """Have one of the servers show a host; send it all requests, and return what came of them."""
    pair.stages[number].show(crowd)
    headers = {**sender.headers, "Content-Type": "application/json"}
    with closing(Client(pair.servers[number], headers)) as client:
        for name, arguments in requests:
            client.send(json.dumps(arguments).encode(), path=f"/v1/{name}")
        client.send(b"", method="GET", path="/v1/openapi.json")
        return client.exchanges


def without_moved_processes(requests: list[Request], crowd: Crowd, other: Crowd, uid: int) -> list[Request]:
    """Leave out questions for whose processes are the caller's and belong to the System session on one host only.

    Whether a process of one's own belongs to the System session is one's own to know.
    """
    pids = crowd.process.keys() & other.process.keys()
    moved = {pid for pid in pids if crowd.owns_in_system_session(uid, pid) != other.owns_in_system_session(uid, pid)}
    kept = {*crowd.process, MISSING_PID} - moved
    return [
        (name, arguments)
        for name, arguments in requests
        if not moved or name not in {"session_of", "whose"} or {*arguments.values()} <= kept
    ]


@pytest.mark.parametrize("name", NAMES)
def test_no_answer_depends_on_what_its_caller_may_not_see(pair: Pair, name: str) -> None:
    def requests_for(crowd: Crowd, other: Crowd | None, sender: Sender, seed: int) -> list[Request]:
        requests = list(all_json_requests(crowd, Random(seed)))  # noqa: S311 -- the same in every run
        return requests if other is None else without_moved_processes(requests, crowd, other, sender.uid)

    check_visibility(name, requests_for, partial(exchanges, pair))


def test_every_operation_of_the_door_is_sent() -> None:
    sent = {name for name, _ in all_json_requests(hosts()[-1], Random(1))}  # noqa: S311 -- the same in every run
    # a watch does not end: tests/broker/test_subscription.py compares what it shows
    assert sent == set(JSON_OPERATIONS) - {"watch"}
