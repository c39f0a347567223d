"""A host whose facts are read when they are asked for, below a root: "/" is this machine, a folder is another."""

import os
from collections.abc import Iterator

from logonscope.facts import Account, Group, Machine, Socket, Vitals
from logonscope.machine import Action, Needs, Snapshot, Source, Trouble
from logonscope.sources.linux import folder
from logonscope.sources.linux.accounts import Accounts
from logonscope.sources.linux.logins import logins
from logonscope.sources.linux.machine import machine, platform
from logonscope.sources.linux.nss import NameService, Silence
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
        service = NameService(silence, troubles)
        users, groups = _directory(root, needs, service)
        return Snapshot(
            machine=host,
            logins=logins(root, needs, host, troubles) if needs.logins else (),
            processes=processes(os.path.join(root, "proc"), needs),
            accounts=Accounts(service) if root == ROOT else folder.accounts(root),
            sockets=_sockets(root, needs, troubles),
            troubles=troubles,
            users=users,
            groups=groups,
            platform=platform(root) if needs.platform else None,
            vitals=_vitals(root) if needs.vitals else None,
        )

    def act(action: Action) -> None:
        from logonscope.sources.linux.act import act  # noqa: PLC0415 -- a look does nothing

        act(os.path.join(root, "proc"), action)

    return Source(label=root, observe=observe, act=act if root == ROOT else None)


def _directory(root: str, needs: Needs, service: NameService) -> tuple[Iterator[Account], Iterator[Group]]:
    asked = needs.all_users or needs.all_groups or any((needs.users, needs.groups, needs.groups_of))
    if not asked:
        return iter(()), iter(())
    if root != ROOT:
        return folder.users(root, needs), folder.groups(root, needs)
    from logonscope.sources.linux.directory import Directory  # noqa: PLC0415 -- most questions need no directory

    found = Directory(root, service)
    return found.users(needs), found.groups(needs)


def _vitals(root: str) -> Vitals:
    from logonscope.sources.linux.vitals import vitals  # noqa: PLC0415 -- most questions need none

    return vitals(root)


def _sockets(root: str, needs: Needs, troubles: list[Trouble]) -> tuple[Socket, ...]:
    if needs.ports is None and not needs.all_sockets:
        return ()
    from logonscope.sources.linux.sockets import sockets  # noqa: PLC0415 -- a question for a pid needs no socket module

    return sockets(root, needs, troubles)
