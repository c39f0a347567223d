"""Snapshots: a whole host at one moment, the content of a recording."""

from collections.abc import Iterable
from typing import NamedTuple

from logonscope.facts import (
    Account,
    Authentication,
    Group,
    Login,
    LoginHistory,
    Machine,
    Process,
    Service,
    Socket,
    UnitRequest,
)
from logonscope.machine.trouble import Trouble


class Snapshot(NamedTuple):
    """The facts of a whole host, read at one moment.

    A field can be an iterator. Read the iterators in the order of the fields, but ``troubles`` last: the troubles are
    complete only when all other fields have been read.
    """

    machine: Machine
    processes: Iterable[Process]
    logins: tuple[Login, ...]
    sockets: tuple[Socket, ...]
    users: Iterable[Account]
    groups: Iterable[Group]
    troubles: Iterable[Trouble]
    authentications: Iterable[Authentication] = ()
    services: tuple[Service, ...] = ()
    login_history: tuple[LoginHistory, ...] = ()
    unit_requests: tuple[UnitRequest, ...] = ()
