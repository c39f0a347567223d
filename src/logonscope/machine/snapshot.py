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

    Iterators among the fields are to be read in the order of the fields. The troubles are an exception: they are
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
