"""Snapshots: a whole host at one moment, the content of a recording."""

from collections.abc import Iterable
from typing import NamedTuple

from logonscope.facts import Account, Authentication, Group, Login, Machine, Process, Socket
from logonscope.machine.trouble import Trouble


class Snapshot(NamedTuple):
    """The facts of a whole host, read at one moment."""

    machine: Machine
    processes: Iterable[Process]
    logins: tuple[Login, ...]
    sockets: tuple[Socket, ...]
    users: Iterable[Account]
    groups: Iterable[Group]
    troubles: Iterable[Trouble]
    authentications: Iterable[Authentication] = ()
