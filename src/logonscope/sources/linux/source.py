"""A host whose facts are read when they are asked for, below a root: "/" is this machine, a folder is another."""

import os

from logonscope.facts import Machine, Needs, Snapshot, Socket, Source, Trouble
from logonscope.sources.linux.accounts import NameService, passwd_accounts
from logonscope.sources.linux.logins import logins
from logonscope.sources.linux.machine import machine
from logonscope.sources.linux.processes import processes

ROOT = "/"


def linux(root: str = ROOT) -> Source:
    """Return the Source of the host below this root."""
    described: list[Machine] = []

    def observe(needs: Needs) -> Snapshot:
        troubles: list[Trouble] = []
        if not described:
            described.append(machine(root, troubles))
        return Snapshot(
            machine=described[0],
            logins=logins(root, needs, described[0], troubles) if needs.logins else (),
            processes=processes(os.path.join(root, "proc"), needs),
            accounts=NameService(troubles) if root == ROOT else passwd_accounts(root),
            sockets=_sockets(root, needs, troubles),
            troubles=troubles,
        )

    return Source(label=root, observe=observe)


def _sockets(root: str, needs: Needs, troubles: list[Trouble]) -> tuple[Socket, ...]:
    if needs.ports is None and not needs.all_sockets:
        return ()
    from logonscope.sources.linux.sockets import sockets  # noqa: PLC0415 -- a question for a pid needs no socket module

    return sockets(root, needs, troubles)
