"""Hypothesis strategies for snapshots of any machine, with the most unusual values included.

They follow the types of the facts, so that a new fact is in every test that draws from here.
"""

from collections.abc import Mapping
from operator import attrgetter
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from logonscope.facts import (
    Account,
    Authentication,
    Group,
    Hardware,
    Login,
    LoginHistory,
    Machine,
    Platform,
    Process,
    Service,
    Socket,
    UnitRequest,
    Vitals,
)
from logonscope.machine import Trouble
from logonscope.machine.snapshot import Snapshot

numbers = st.integers(0, (1 << 64) - 1)
texts = st.binary(max_size=40).map(lambda data: data.decode("utf-8", "surrogateescape")) | st.text(
    st.characters(exclude_categories=["Cs"]), max_size=12
)
"""Text of facts: a byte that is no UTF-8 is a lone surrogate."""

_SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    int: numbers,
    str: texts,
    bool: st.booleans(),
    bytes: st.binary(max_size=100),
    NoneType: st.none(),
    Mapping[str, str]: st.dictionaries(st.sampled_from(["cmdline", "exe", "io"]), texts, max_size=3),
}


def of_type(hint: Any) -> st.SearchStrategy[Any]:
    """Return the values that a field of this type may have."""
    if hint is Process:
        return processes
    if isinstance(hint, UnionType):
        return st.one_of(*(of_type(kind) for kind in get_args(hint)))
    if get_origin(hint) is tuple:
        kind, *others = get_args(hint)
        if Ellipsis in others:
            return st.lists(of_type(kind), max_size=3).map(tuple)
        return st.tuples(*[st.integers(0, (1 << 32) - 1)] * (1 + len(others)))
    return _SIMPLE[hint]


def rows(kind: Any, **narrower: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return rows with any values, some of them from a narrower choice."""
    hints = {name: hint for name, hint in get_type_hints(kind).items() if name not in narrower}
    return st.builds(kind, **{name: of_type(hint) for name, hint in hints.items()} | narrower)


processes: st.SearchStrategy[Process] = rows(
    Process, pid=st.integers(1, 4_000_000), priority=st.integers(-100, 139), nice=st.integers(-20, 19)
)
logins: st.SearchStrategy[Login] = rows(Login, id=st.from_regex(r"\Ac?[0-9]{1,6}\Z") | texts)
machines: st.SearchStrategy[Machine] = rows(
    Machine,
    platform=st.none() | rows(Platform),
    hardware=st.none() | rows(Hardware),
    vitals=st.none() | rows(Vitals, time=st.integers(0, 1 << 60)),
    btime=st.none() | st.integers(0, 1 << 33),
    ticks=st.sampled_from([100, 250, 1000]),
    page_size=st.sampled_from([4096, 65536]),
)
sockets: st.SearchStrategy[Socket] = rows(Socket, port=st.integers(0, 65535))
accounts: st.SearchStrategy[Account] = rows(Account, uid=st.integers(0, 3000))

snapshots = st.builds(
    Snapshot,
    machine=machines,
    # of one pid there is one process at a moment
    processes=st.lists(processes, max_size=6, unique_by=attrgetter("pid")),
    logins=st.lists(logins, max_size=4).map(tuple),
    sockets=st.lists(sockets, max_size=3).map(tuple),
    users=st.lists(accounts, max_size=4).map(tuple),
    groups=st.lists(rows(Group), max_size=3).map(tuple),
    troubles=st.lists(rows(Trouble), max_size=2),
    authentications=st.lists(rows(Authentication), max_size=3).map(tuple),
    services=st.lists(rows(Service), max_size=3).map(tuple),
    login_history=st.lists(rows(LoginHistory), max_size=3).map(tuple),
    unit_requests=st.lists(rows(UnitRequest), max_size=3).map(tuple),
)
