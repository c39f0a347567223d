"""Snapshot: a whole host at one moment, as a recording holds it."""

from collections.abc import Iterable
from typing import NamedTuple

from logonscope.facts import Account, Group, Login, Machine, Process, Socket
from logonscope.machine.trouble import Trouble


class Snapshot(NamedTuple):
    """One whole reading of a host."""

    machine: Machine
    processes: Iterable[Process]
    logins: tuple[Login, ...]
    sockets: tuple[Socket, ...]
    users: Iterable[Account]
    groups: Iterable[Group]
    troubles: Iterable[Trouble]
