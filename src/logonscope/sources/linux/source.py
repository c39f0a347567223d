"""Source of a Linux host: facts are read at each query, below a root. "/" is this machine, a folder another host."""

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from logonscope.facts import Account, Group, Login, LoginHistory, Machine, Process, Service, Socket
from logonscope.machine import NO_PARTS, AccountQuery, BaseSource, Look, Part, ProcessQuery, ServiceQuery, SocketQuery
from logonscope.sources.linux import account_files
from logonscope.sources.linux.logins import read_logins
from logonscope.sources.linux.machine import read_boot_time, read_machine, read_platform
from logonscope.sources.linux.name_service import Directory, NameService, NameServicePause
from logonscope.sources.linux.processes import read_processes

if TYPE_CHECKING:
    from logonscope.machine.action import Action, ServiceAction

ROOT = "/"


class LinuxSource(BaseSource):
    """The source of the host below a root."""

    def __init__(self, root: str = ROOT) -> None:
        self.label = root
        self.abilities = frozenset({"act"} if root == ROOT else ())
        self._root = root
        self._proc = os.path.join(root, "proc")
        self._name_service_pause = NameServicePause()
        self._constants: Machine | None = None

    def machine(self, look: Look, parts: frozenset[Part] = NO_PARTS) -> Machine:
        look.check()
        return self.read_machine(look, parts)

    def read_machine(self, look: Look, parts: frozenset[Part]) -> Machine:
        # two threads may both read them: they are equal, so no lock is needed
        if self._constants is None:
            self._constants = read_machine(self._root)
        # once for each look: all start times of one answer must be based on the same boot time
        machine = self._constants._replace(btime=look.read_once(self, partial(read_boot_time, self._root, look)))
        if "platform" in parts:
            machine = machine._replace(platform=read_platform(self._root))
        if "vitals" in parts:
            from logonscope.sources.linux.memory import read_vitals  # noqa: PLC0415 -- most queries need none

            machine = machine._replace(vitals=read_vitals(self._root))
        return machine

    def processes(self, look: Look, query: ProcessQuery) -> Iterator[Process]:
        return read_processes(self._proc, look, query)

    def logins(self, look: Look, ids: frozenset[str] | None = None) -> Sequence[Login]:
        look.check()
        return read_logins(self._root, ids, self.read_machine(look, NO_PARTS), look)

    def account(self, look: Look, uid: int) -> Account | None:
        if self._root != ROOT:
            return super().account(look, uid)
        look.check()
        return self._directory(look).user(uid)

    def accounts(self, look: Look, query: AccountQuery) -> tuple[Iterator[Account], Iterator[Group]]:
        if self._root != ROOT:
            return super().accounts(look, query)
        directory = self._directory(look)
        return look.checked(directory.users(query)), look.checked(directory.groups(query))

    def read_users(self, look: Look) -> Iterable[Account]:
        del look
        return account_files.read_users(self._root)

    def read_groups(self, look: Look) -> Iterable[Group]:
        del look
        return account_files.read_groups(self._root)

    def sockets(self, look: Look, query: SocketQuery) -> Iterator[Socket]:
        from logonscope.sources.linux.sockets import read_sockets  # noqa: PLC0415 -- a pid needs no socket module

        return look.checked(read_sockets(self._root, look, query))

    def services(self, look: Look, query: ServiceQuery) -> Iterator[Service]:
        from logonscope.sources.linux.services import read_services  # noqa: PLC0415 -- a pid needs no service

        look.check()
        return look.checked(read_services(self._root, look, query))

    def read_login_history(self, look: Look) -> Iterable[LoginHistory]:
        from logonscope.sources.linux.login_history import read_login_history  # noqa: PLC0415 -- few queries need it

        return read_login_history(self._root, look)

    def act_on_service(self, action: "ServiceAction") -> None:
        if self._root != ROOT:
            super().act_on_service(action)
        from logonscope.sources.linux.systemctl import act_on_unit  # noqa: PLC0415 -- most queries act on nothing

        act_on_unit(self._root, action)

    def act(self, action: "Action") -> None:
        if self._root != ROOT:
            super().act(action)
        from logonscope.sources.linux.actions import act  # noqa: PLC0415 -- most queries act on nothing

        act(self._proc, action)

    def _directory(self, look: Look) -> Directory:
        return Directory(self._root, NameService(self._name_service_pause, look))
