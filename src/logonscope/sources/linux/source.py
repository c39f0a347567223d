"""Source of a Linux host: facts are read at each query, below a root. "/" is this machine, a folder another host."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import chain
from typing import TYPE_CHECKING

from logonscope.facts import (
    Account,
    Group,
    HeldSockets,
    Login,
    Machine,
    Process,
    Service,
    Socket,
)
from logonscope.machine import (
    NO_PARTS,
    AccountQuery,
    AuthenticationQuery,
    BaseSource,
    Look,
    Membership,
    MembershipGroup,
    Part,
    ProcessQuery,
    ServiceQuery,
    SocketQuery,
    group_of_membership,
)
from logonscope.sources.linux import account_files
from logonscope.sources.linux.logins import read_logins
from logonscope.sources.linux.machine import (
    BootTime,
    read_hostname,
    read_machine,
    read_platform,
    wall_clock_at_boot,
)
from logonscope.sources.linux.name_service import Directory, NameService, NameServicePause
from logonscope.sources.linux.processes import list_pids, read_memberships, read_processes
from logonscope.sources.linux.user_namespace import UserNamespace, read_user_namespace

if TYPE_CHECKING:
    from logonscope.facts import Authentication, LoginHistory, UnitRequest
    from logonscope.machine.action import Action, ServiceAction
    from logonscope.sources.linux.authentications import AuthenticationReader

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
        self._authentication_reader: AuthenticationReader | None = None

    def machine(self, look: Look, parts: frozenset[Part] = NO_PARTS) -> Machine:
        look.check()
        return self.read_machine(look, parts)

    def read_machine(self, look: Look, parts: frozenset[Part]) -> Machine:
        # once for each look: all start times of one answer must be based on the same boot time
        machine = look.read_once(self, partial(self._read_names_and_clock, look))
        if "platform" in parts:
            machine = machine._replace(platform=read_platform(self._root))
        if "vitals" in parts:
            from logonscope.sources.linux.memory import read_vitals  # noqa: PLC0415 -- most queries need none

            machine = machine._replace(vitals=read_vitals(self._root))
        if "hardware" in parts:
            from logonscope.sources.linux.hardware import read_hardware  # noqa: PLC0415 -- most queries need none

            machine = machine._replace(hardware=read_hardware(self._root))
        return machine

    @cached_property
    def _boot_time(self) -> BootTime:
        return BootTime(self._root, wall_clock_at_boot if self._root == ROOT else None)

    def _read_names_and_clock(self, look: Look) -> Machine:
        # two threads may both read the constants, with equal results: so no lock is needed
        if self._constants is None:
            self._constants = read_machine(self._root)
        return self._constants._replace(hostname=read_hostname(self._root), btime=self._boot_time.read(look))

    def processes(self, look: Look, query: ProcessQuery) -> Iterator[Process]:
        user_namespace = self._user_namespace
        if user_namespace is None:
            return read_processes(self._proc, look, query)
        if query.early_filter is not None:
            mapped_filter = _MappedFilter(query.early_filter.keeps, user_namespace)
            query = query._replace(early_filter=query.early_filter._replace(keeps=mapped_filter.keeps))
        return map(user_namespace.known_process, read_processes(self._proc, look, query))

    def memberships(self, look: Look, query: ProcessQuery) -> Iterator[Membership]:
        failed_pids: list[int] = []
        memberships = read_memberships(self._proc, look.checked(list_pids(self._proc)), query, failed_pids)
        # The first iterator fills failed_pids; the second one starts after that, and reads these pids. chain() is
        # faster than a generator that yields each membership again, and this is the most frequent query of a host.
        return chain(memberships, self._read_again(look, query, failed_pids))

    def _read_again(self, look: Look, query: ProcessQuery, failed_pids: list[int]) -> Iterator[Membership]:
        """Yield the memberships of processes with an unusual result, read by Reader; most of them have ended."""
        if failed_pids:
            yield from super().memberships(look, query._replace(pids=frozenset(failed_pids)))

    @cached_property
    def _user_namespace(self) -> UserNamespace | None:
        """Return the user namespace of this process; None if it is the initial one, so that no id is mapped."""
        return read_user_namespace(self._proc, os.path.join(ROOT, account_files.PASSWD)) if self._root == ROOT else None

    @property
    def _inner_namespace(self) -> UserNamespace | None:
        """Return the user namespace of this process; None if passwd and the login records need no conversion of ids.

        Otherwise these files have ids of the parent namespace.
        """
        return None if self._user_namespace is None or self._user_namespace.owns_files else self._user_namespace

    def membership_groups(self, look: Look, query: ProcessQuery) -> Iterator[MembershipGroup]:
        return map(group_of_membership, self.memberships(look, query))

    def logins(self, look: Look, ids: frozenset[str] | None = None) -> Sequence[Login]:
        look.check()
        return read_logins(self._root, ids, self.read_machine(look, NO_PARTS), look, self._inner_namespace)

    def account(self, look: Look, uid: int) -> Account | None:
        if self._root != ROOT:
            return super().account(look, uid)
        look.check()
        user_namespace = self._inner_namespace
        outer_uid = uid if user_namespace is None else user_namespace.uids.outside(uid)
        account = None if outer_uid is None else self._directory(look).user(outer_uid)
        return account and account._replace(uid=uid)

    def accounts(self, look: Look, query: AccountQuery) -> tuple[Iterator[Account], Iterator[Group]]:
        if self._root == ROOT:
            directory = self._directory(look)
            listed_users, user_namespace = directory.users(query), self._inner_namespace
            if user_namespace is not None:
                listed_users = _mapped_accounts(listed_users, user_namespace)
            users, groups = look.checked(listed_users), look.checked(directory.groups(query))
        else:
            users, groups = super().accounts(look, query)
        if query.with_passwords:
            from logonscope.sources.linux.shadow import with_shadow  # noqa: PLC0415 -- few queries need passwords

            users = with_shadow(self._root, users)
        return users, groups

    def read_users(self, look: Look) -> Iterable[Account]:
        del look
        return account_files.read_users(self._root)

    def read_groups(self, look: Look) -> Iterable[Group]:
        del look
        return account_files.read_groups(self._root)

    def sockets(self, look: Look, query: SocketQuery) -> Iterator[Socket]:
        from logonscope.sources.linux.sockets import read_sockets  # noqa: PLC0415 -- a pid needs no socket module

        look.check()
        return read_sockets(self._root, look, query)

    def hiding_reason(self) -> str | None:
        # hidepid has no effect for root with CAP_SYS_PTRACE and for the group in the option gid: they see process 1
        if os.path.exists(f"{self._proc}/1/stat"):
            return None
        from logonscope.sources.linux.hidepid import read_hidepid  # noqa: PLC0415 -- most machines hide no process

        return read_hidepid(self._proc)

    def held_sockets(self, look: Look, pids: frozenset[int]) -> Mapping[int, HeldSockets]:
        look.check()
        if not pids:
            return {}
        from logonscope.sources.linux.held_sockets import read_held_sockets  # noqa: PLC0415 -- seldom asked for

        return read_held_sockets(self._proc, look, pids)

    def authentications(self, look: Look, queries: Sequence[AuthenticationQuery]) -> "Sequence[Authentication]":
        look.check()
        if not queries:
            return ()
        if self._authentication_reader is None:
            from logonscope.sources.linux.authentications import AuthenticationReader  # noqa: PLC0415 -- seldom asked for

            self._authentication_reader = AuthenticationReader(self._root)
        return self._authentication_reader.read(look, queries, self.read_machine(look, NO_PARTS))

    def services(self, look: Look, query: ServiceQuery) -> Iterator[Service]:
        from logonscope.sources.linux.services import read_services  # noqa: PLC0415 -- a pid needs no service

        look.check()
        return look.checked(read_services(self._root, look, query))

    def read_login_history(self, look: Look) -> "Iterable[LoginHistory]":
        from logonscope.sources.linux.login_history import read_login_history  # noqa: PLC0415 -- few queries need it

        return read_login_history(self._root, look)

    def read_unit_requests(self, look: Look) -> "Iterable[UnitRequest]":
        from logonscope.sources.linux.unit_requests import read_unit_requests  # noqa: PLC0415 -- few queries need it

        return read_unit_requests(self._root, look, self.read_machine(look, NO_PARTS))

    def act_on_service(self, action: "ServiceAction") -> None:
        if self._root != ROOT:
            super().act_on_service(action)  # raises NotSupportedError
        from logonscope.sources.linux.systemctl import act_on_unit  # noqa: PLC0415 -- most queries act on nothing

        act_on_unit(self._root, action)

    def act(self, action: "Action") -> None:
        if self._root != ROOT:
            super().act(action)  # raises NotSupportedError
        from logonscope.sources.linux.actions import act  # noqa: PLC0415 -- most queries act on nothing

        act(self._proc, action)

    def _directory(self, look: Look) -> Directory:
        return Directory(self._root, NameService(self._name_service_pause, look))


class _MappedFilter:
    """An early filter that gets each process with None in place of the ids that are not mapped."""

    def __init__(self, keeps: Callable[[Process], bool], user_namespace: UserNamespace) -> None:
        self._keeps, self._user_namespace = keeps, user_namespace

    def keeps(self, process: Process) -> bool:
        """Return whether to keep a process."""
        return self._keeps(self._user_namespace.known_process(process))


def _mapped_accounts(accounts: Iterable[Account], user_namespace: UserNamespace) -> Iterator[Account]:
    """Yield accounts with their uids in a user namespace; those whose uid is not mapped there are left out."""
    for account in accounts:
        uid = user_namespace.uids.inside(account.uid)
        if uid is not None:
            yield account._replace(uid=uid)
