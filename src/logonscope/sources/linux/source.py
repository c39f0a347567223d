"""A host whose facts are read when they are asked for, below a root: "/" is this machine, a folder is another."""

import os

from logonscope.facts import Machine, Needs, Snapshot, Socket, Source, Trouble
from logonscope.sources.linux.accounts import NameService, Silence, passwd_accounts
from logonscope.sources.linux.logins import logins
from logonscope.sources.linux.machine import machine
from logonscope.sources.linux.processes import processes

ROOT = "/"


def linux(root: str = ROOT) -> Source:
    """Return the Source of the host below this root."""
    described: list[tuple[Machine, list[Trouble]]] = []
    silence = Silence()

    def observe(needs: Needs) -> Snapshot:
        if not described:
            found: list[Trouble] = []
            described.append((machine(root, found), found))
        host, known = described[0]
        troubles = list(known)
        return Snapshot(
            machine=host,
            logins=logins(root, needs, host, troubles) if needs.logins else (),
            processes=processes(os.path.join(root, "proc"), needs),
            accounts=NameService(silence, troubles) if root == ROOT else passwd_accounts(root),
            sockets=_sockets(root, needs, troubles),
            troubles=troubles,
        )

    return Source(label=root, observe=observe)


def _sockets(root: str, needs: Needs, troubles: list[Trouble]) -> tuple[Socket, ...]:
    if needs.ports is None and not needs.all_sockets:
        return ()
    from logonscope.sources.linux.sockets import sockets  # noqa: PLC0415 -- a question for a pid needs no socket module

    return sockets(root, needs, troubles)
