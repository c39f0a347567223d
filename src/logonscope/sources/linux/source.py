"""A host whose facts are read when they are asked for, below a root: "/" is this machine, a folder is another."""

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from logonscope.facts import Account, Group, Login, Machine, Process, Socket
from logonscope.machine import NO_PARTS, AccountQuery, BaseSource, Look, Part, ProcessQuery, SocketQuery
from logonscope.sources.linux import account_files
from logonscope.sources.linux.logins import logins
from logonscope.sources.linux.machine import boot_time, machine, platform
from logonscope.sources.linux.name_service import Directory, NameService, Silence
from logonscope.sources.linux.processes import processes

if TYPE_CHECKING:
    from logonscope.machine.action import Action

ROOT = "/"


class LinuxSource(BaseSource):
    """The source of the host below a root."""

    def __init__(self, root: str = ROOT) -> None:
        self.label = root
        self.abilities = frozenset({"act"} if root == ROOT else ())
        self._root = root
        self._proc = os.path.join(root, "proc")
        self._silence = Silence()
        self._constants: Machine | None = None

    def machine(self, look: Look, parts: frozenset[Part] = NO_PARTS) -> Machine:
        look.check()
        return self.read_machine(look, parts)

    def read_machine(self, look: Look, parts: frozenset[Part]) -> Machine:
        if self._constants is None:
            self._constants = machine(self._root)
        host = self._constants._replace(btime=look.once(self, partial(boot_time, self._root, look)))
        if "platform" in parts:
            host = host._replace(platform=platform(self._root))
        if "vitals" in parts:
            from logonscope.sources.linux.memory import vitals  # noqa: PLC0415 -- most questions need none

            host = host._replace(vitals=vitals(self._root))
        return host

    def processes(self, look: Look, query: ProcessQuery) -> Iterator[Process]:
        return processes(self._proc, look, query)

    def logins(self, look: Look, ids: frozenset[str] | None = None) -> Sequence[Login]:
        look.check()
        return logins(self._root, ids, self.read_machine(look, NO_PARTS), look)

    def account(self, look: Look, uid: int) -> Account | None:
        if self._root != ROOT:
            return super().account(look, uid)
        look.check()
        return self._directory(look).user(uid)

    def accounts(self, look: Look, query: AccountQuery) -> tuple[Iterator[Account], Iterator[Group]]:
        if self._root != ROOT:
            return super().accounts(look, query)
        directory = self._directory(look)
        return look.timed(directory.users(query)), look.timed(directory.groups(query))

    def read_users(self, look: Look) -> Iterable[Account]:
        del look
        return account_files.users(self._root)

    def read_groups(self, look: Look) -> Iterable[Group]:
        del look
        return account_files.groups(self._root)

    def sockets(self, look: Look, query: SocketQuery) -> Iterator[Socket]:
        from logonscope.sources.linux.sockets import sockets  # noqa: PLC0415 -- a pid needs no socket module

        return look.timed(sockets(self._root, look, query))

    def act(self, action: "Action") -> None:
        if self._root != ROOT:
            super().act(action)
        from logonscope.sources.linux.actions import act  # noqa: PLC0415 -- a look does nothing

        act(self._proc, action)

    def _directory(self, look: Look) -> Directory:
        return Directory(self._root, NameService(self._silence, look))
