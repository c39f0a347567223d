"""Tests of broker/access.py by classes and instances: no answer shows a caller what is hidden from it.

On random hosts, everything that an administrator gets is asked for by another user: by enumeration, by path, by
association and by method.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from logonscope.broker import Request
from logonscope.broker.associations import associators, references
from logonscope.broker.classes import classes, get_class
from logonscope.broker.instances import enumerate_instances, get
from logonscope.broker.invoke import invoke
from logonscope.cim.binding import write_reference
from logonscope.cim.instances import ClassRows, Outcome
from logonscope.cim.schema import CIMV2, LOGONSCOPE, schema
from logonscope.errors import AccessDeniedError, LogonscopeError, NotFoundError
from logonscope.providers.helpers.registry import provided_classes
from tests.broker.crowds import PEOPLE, Crowd, crowds
from tests.broker.memory import Memory
from tests.hosts import ROOT, user

somebody = st.sampled_from([uid for uid in PEOPLE if uid]).map(user)

SERVED = [
    (cls.name, namespace)
    for namespace in (CIMV2, LOGONSCOPE)
    for cls in schema().classes(namespace)
    if cls in provided_classes(cls)
]
"""Every class that has instances, with its namespace."""

Ask = Callable[[], Iterable[ClassRows]]


def paths(results: Iterable[ClassRows]) -> list[str]:
    """Return the full path of each row."""
    found = []
    for result in results:
        at = [result.columns.index(key) for key in result.cls.keys]
        for row in result.rows:
            reference = (result.cls.name, *(row[index] for index in at))
            found.append(write_reference(reference, schema(), result.cls.namespace))
    return found


def everything(request: Request) -> list[str]:
    """Return the path of every instance that a caller is told of."""
    asked = (enumerate_instances(request, name, None, namespace, deep=False) for name, namespace in SERVED)
    return [path for results in asked for path in paths(results)]


def told(ask: Ask) -> str:
    """Return all that an answer, or the refusal to give one, says."""
    try:
        return repr([(result.cls, result.columns, list(result.rows)) for result in ask()])
    except LogonscopeError as refusal:
        return f"{refusal!r} {refusal}"


def assert_keeps(secrets: set[str], text: str) -> None:
    assert {secret for secret in secrets if secret in text} == set()


def is_there(ask: Callable[[], Iterable[object]]) -> bool:
    """Return whether an operation finds its instance."""
    try:
        list(ask())
    except NotFoundError:
        return False
    return True


@given(crowds(), somebody)
@settings(max_examples=60)
def test_no_enumeration_betrays_what_is_not_ones_own(crowd: Crowd, caller: Any) -> None:
    host, secrets = Memory(crowd.snapshot).request(caller), crowd.secrets(caller.uid)
    for name, namespace in SERVED:
        assert_keeps(secrets, told(partial(enumerate_instances, host, name, None, namespace)))


@given(crowds(), somebody)
@settings(max_examples=60)
def test_what_is_absent_from_the_list_is_not_found_by_path_nor_by_association(crowd: Crowd, caller: Any) -> None:
    all_paths = everything(Memory(crowd.snapshot).request(ROOT))
    host, secrets = Memory(crowd.snapshot).request(caller), crowd.secrets(caller.uid)
    own = set(everything(host))
    assert own <= set(all_paths)
    for path in all_paths:
        for ask in (get, associators, references):
            assert is_there(partial(_results, ask, host, path)) is (path in own), f"{ask.__name__} {path}"
            if path in own:
                assert_keeps(secrets - _named(secrets, path), told(partial(_results, ask, host, path)))


@given(crowds(), somebody)
@settings(max_examples=60)
def test_what_is_tied_to_ones_own_is_ones_own(crowd: Crowd, caller: Any) -> None:
    host = Memory(crowd.snapshot).request(caller)
    own = everything(host)
    known = set(own)
    for path in own:
        assert set(paths(associators(host, path))) <= known
        assert set(paths(references(host, path))) <= known


@given(crowds())
@settings(max_examples=40)
def test_an_administrators_associations_agree_from_both_ends(crowd: Crowd) -> None:
    host = Memory(crowd.snapshot).request(ROOT)
    for name, namespace in SERVED:
        cls = schema().get(name, namespace)
        if not cls.is_association:
            continue
        for result in enumerate_instances(host, name, None, namespace, deep=False):
            ends = [p.name for p in cls.properties.values() if p.type == "reference"]
            for row in result.rows:
                one, other = (
                    write_reference(row[result.columns.index(end)], schema(), namespace) for end in ends  # type: ignore[arg-type]  # a reference
                )  # fmt: skip
                assert _same(other) in [_same(path) for path in paths(associators(host, one))] or _dangles(host, other)
                assert _same(one) in [_same(path) for path in paths(associators(host, other))] or _dangles(host, one)


@given(crowds(), somebody)
@settings(max_examples=60)
def test_a_method_is_done_as_the_caller_and_to_what_the_caller_sees(crowd: Crowd, caller: Any) -> None:
    memory = Memory(crowd.snapshot)
    host, uid = memory.request(caller), caller.uid
    for pid, process in crowd.process.items():
        path = f"Win32_Process={pid}"
        assert_keeps(crowd.secrets(uid), repr(invoke(host, path, "GetOwner")))
        visible = process.uids is not None and crowd.sees_process(uid, pid)
        # a foreign uid is no account of this host: it has no SID, and is not known where its container may not be named
        is_foreign = visible and process.uids is not None and crowd.is_foreign(pid, process.uids[1] or 0)
        assert invoke(host, path, "GetOwner").return_value in ({0, 2} if is_foreign else {0} if visible else {2})
        assert invoke(host, path, "GetOwnerSid").return_value in ({8, 2} if is_foreign else {0} if visible else {2})
        for method, parameters in (("Terminate", {}), ("SetPriority", {"Priority": 128})):
            memory.done.clear()
            outcome = invoke(host, path, method, parameters)
            reached = visible and not (method == "Terminate" and pid == 1)
            assert outcome == Outcome(0 if reached else 2)
            assert [(action.pid, action.uid) for action in memory.done] == [(pid, uid)] * reached


@given(crowds(), somebody)
@settings(max_examples=60)
def test_no_answer_depends_on_what_is_not_ones_own(crowd: Crowd, caller: Any) -> None:
    other = crowd.with_others_changed(caller.uid)
    assume(all(other.owner[pid] == crowd.owner[pid] for pid in crowd.process if crowd.sees_session(caller.uid, pid)))
    one, two = Memory(crowd.snapshot).request(caller), Memory(other.snapshot).request(caller)
    for name, namespace in SERVED:
        asked = [partial(enumerate_instances, host, name, None, namespace) for host in (one, two)]
        assert told(asked[0]) == told(asked[1]), name
    for path in everything(Memory(crowd.snapshot).request(ROOT)):
        for ask in (get, associators, references):
            assert told(partial(_results, ask, one, path)) == told(partial(_results, ask, two, path)), path
    for pid in crowd.process:
        for method in ("GetOwner", "GetOwnerSid", "Terminate"):
            path = f"Win32_Process={pid}"
            assert invoke(one, path, method) == invoke(two, path, method)


@given(crowds())
@settings(max_examples=20)
def test_an_unauthenticated_caller_gets_no_class(crowd: Crowd) -> None:
    host = Memory(crowd.snapshot).request(user(None))
    for name, namespace in SERVED:
        assert "WBEM" not in told(partial(enumerate_instances, host, name, None, namespace))
        assert isinstance(_refusal(partial(enumerate_instances, host, name, None, namespace)), AccessDeniedError)
    for ask in (get, associators, references):
        for path in ("Win32_Process=1", "Win32_Process", "Nothing=1", "root/none:Win32_Process=1", "no path"):
            assert isinstance(_refusal(partial(_results, ask, host, path)), AccessDeniedError)
    for name, namespace in (("Nothing", CIMV2), ("Win32_Process", "root/none")):
        for listing in (enumerate_instances, get_class):
            assert isinstance(_refusal(partial(_listed, listing, host, name, namespace)), AccessDeniedError)
        assert isinstance(_refusal(partial(_listed, classes, host, "*", namespace)), AccessDeniedError)


def _results(ask: Callable[..., Any], host: Request, path: str) -> Iterable[ClassRows]:
    found = ask(host, path)
    return [found] if isinstance(found, ClassRows) else [r._replace(rows=iter(list(r.rows))) for r in found]


def _listed(ask: Callable[..., Any], host: Request, name: str, namespace: str | None) -> Iterable[ClassRows]:
    found = ask(host, name, namespace=namespace)
    return [result for result in found if isinstance(result, ClassRows)] if isinstance(found, Iterator) else []


def _refusal(ask: Ask) -> LogonscopeError | None:
    try:
        list(ask())
    except LogonscopeError as refusal:
        return refusal
    return None


def _named(secrets: set[str], path: str) -> set[str]:
    """Return the secrets that whoever asks has said."""
    return {secret for secret in secrets if secret in path}


def _same(path: str) -> str:
    """Return a path under the name of all accounts where it is one's."""
    for name in ("Win32_UserAccount", "Win32_SystemAccount"):
        path = path.replace(name, "Win32_Account")
    return path


def _dangles(host: Request, path: str) -> bool:
    """Return whether a reference names nothing: an account that no name service knows."""
    return not is_there(lambda: [get(host, path)])
