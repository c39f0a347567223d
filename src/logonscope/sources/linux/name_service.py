"""The name service (nsswitch.conf(5)), and the accounts and groups that it knows.

Every call has a timeout. After a timeout the name service is not called for a while.

The lists of all accounts and groups come from getent(1), which prints them one by one and can be killed. getpwall()
would hold all accounts in memory, and could not be ended if it hangs. If the directory service does not list its
accounts (``enumerate`` of sssd is off), the list has local accounts only.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from logonscope.facts import Account, Group
from logonscope.machine import AccountQuery, Look, Trouble
from logonscope.sources.linux import parse
from logonscope.sources.linux.account_files import GROUP, PASSWD, Row, parse_rows, read_rows
from logonscope.sources.linux.parse import parse_account, parse_group
from logonscope.sources.linux.timeouts import call_within

if TYPE_CHECKING:
    import pwd
    import subprocess

TIMEOUT = 2.0
"""Timeout of one call of the name service, in seconds."""

PAUSE = 60.0
"""Seconds without calls after a timeout."""

_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}

_ADVICE = "check that `getent passwd` answers; until it does, users are shown by uid only, and accounts are missing"

Value = TypeVar("Value")


class NameServicePause:
    """The time.monotonic() until which the name service is not called; shared by all requests to a source."""

    until = 0.0


class NameService:
    """The calls to the name service (nsswitch.conf(5)) for one request."""

    def __init__(self, pause: NameServicePause, look: Look) -> None:
        self._pause = pause
        self._look = look

    @property
    def is_paused(self) -> bool:
        """Return whether a timeout has paused the calls."""
        return time.monotonic() < self._pause.until

    def call(self, function: Callable[[], Value]) -> Value | None:
        """Return the value of a function; None where the name service has no entry, does not answer, or is paused."""
        if self.is_paused:
            return None
        try:
            return call_within(TIMEOUT, function)
        except TimeoutError as error:
            self.pause(str(error))
        # KeyError: no entry. The others: a name or number that the C library does not accept.
        except (KeyError, ValueError, OverflowError, OSError):
            pass
        return None

    def pause(self, reason: str) -> None:
        """Stop calling the name service for a while, and report that it did not answer."""
        self._pause.until = time.monotonic() + PAUSE
        self.report(reason)

    def report(self, reason: str) -> None:
        """Report that the name service failed."""
        self._look.report(Trouble("the name service (NSS)", reason, _ADVICE))


class Directory:
    """The accounts and groups of this machine, from every name service (nsswitch.conf(5)).

    The accounts and groups that a query names are looked up by name: not every directory service lists all of them.
    """

    def __init__(self, root: str, service: NameService) -> None:
        self._root = root
        self._service = service

    def user(self, uid: int) -> Account | None:
        """Return the account of a uid; None where there is none, or the name service does not answer."""
        import pwd  # noqa: PLC0415 -- Unix only, and a recording is read on any system

        return _make_account(self._service.call(partial(pwd.getpwuid, uid)))

    def users(self, query: AccountQuery) -> Iterator[Account]:
        """Yield the accounts that the query names; for ALL, all that getent lists."""
        if query.users is None:
            return
        local_names = _read_names(self._root, PASSWD)
        accounts: Iterable[Account]
        if query.users == "ALL":
            accounts = self._list("passwd", PASSWD, parse_account)
        else:
            accounts = dict.fromkeys(self._look_up_users(query.users, local_names))
        for account in accounts:
            yield account._replace(local=account.name in local_names)

    def groups(self, query: AccountQuery) -> Iterator[Group]:
        """Yield the groups of the accounts in ``groups_of``, and those that the query names; for ALL, all groups."""
        if query.groups is None and query.groups_of is None:
            return
        local_names = _read_names(self._root, GROUP)
        members: Iterable[Account] = ()
        if query.groups_of:
            members = self._look_up_users(query.groups_of, _read_names(self._root, PASSWD))
        gids = [gid for account in members for gid in self._look_up_gids(account)]
        names = () if query.groups is None or query.groups == "ALL" else query.groups
        keys: list[str | int] = [*_possible_spellings(names, local_names), *dict.fromkeys(gids)]
        named_groups = dict.fromkeys(filter(None, map(self._look_up_group, keys)))
        yield from (group._replace(local=group.name in local_names) for group in named_groups)
        if query.groups == "ALL":
            for group in self._list("group", GROUP, parse_group):
                if group not in named_groups:
                    yield group._replace(local=group.name in local_names)

    def _look_up_users(self, names: Iterable[str], local_names: frozenset[str]) -> Iterator[Account]:
        return filter(None, map(self._look_up_user, _possible_spellings(names, local_names)))

    def _look_up_user(self, name: str) -> Account | None:
        import pwd  # noqa: PLC0415 -- Unix only, and a recording is read on any system

        return _make_account(self._service.call(partial(pwd.getpwnam, name)))

    def _look_up_group(self, key: str | int) -> Group | None:
        import grp  # noqa: PLC0415 -- Unix only, and a recording is read on any system

        look_up = partial(grp.getgrnam, key) if isinstance(key, str) else partial(grp.getgrgid, key)
        entry = self._service.call(look_up)
        return None if entry is None else Group(entry.gr_name, entry.gr_gid, tuple(entry.gr_mem))

    def _look_up_gids(self, account: Account) -> list[int]:
        return self._service.call(partial(os.getgrouplist, account.name, account.gid)) or []

    def _list(self, database: str, file: str, parse_line: Callable[[bytes], Row]) -> Iterator[Row]:
        """Return all rows of a database; no rows during a pause; without getent, the rows of the local file."""
        if self._service.is_paused:
            return iter(())
        try:
            lines = _start_getent(database)
        except OSError:  # getent is not installed
            return read_rows(self._root, file, parse_line)
        return parse_rows(self._report_failures(lines), parse_line)

    def _report_failures(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        """Yield the lines; end where getent fails, and report the failure."""
        try:
            yield from lines
        except TimeoutError as error:
            self._service.pause(str(error))
        except ChildProcessError as error:
            self._service.report(str(error))


def _make_account(entry: "pwd.struct_passwd | None") -> Account | None:
    if entry is None:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_gecos, entry.pw_dir, entry.pw_shell)


def _read_names(root: str, file: str) -> frozenset[str]:
    """Return the names in a passwd or group file."""
    try:
        with open(os.path.join(root, file), "rb") as lines:
            return frozenset(parse.decode_text(line.split(b":", 1)[0]) for line in lines)
    except OSError:
        return frozenset()


def _possible_spellings(names: Iterable[str], local_names: Iterable[str]) -> list[str]:
    """Return spellings of names to look up: the query ignores case, the name service does not.

    These are each name as given, in lower case, and as the local passwd or group file spells it.
    """
    folded = {name.lower() for name in names}
    return sorted({*names, *folded, *(name for name in local_names if name.lower() in folded)}) if folded else []


def _start_getent(database: str) -> Iterator[bytes]:
    """Start getent(1) and return the lines of its output, as it prints them.

    Raises:
        OSError: getent cannot be started.
    """
    import subprocess  # noqa: PLC0415 -- only needed to list a whole directory

    child = subprocess.Popen(  # noqa: S603 -- constant words
        ["getent", database],  # noqa: S607 -- found by the PATH of _ENVIRONMENT
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_ENVIRONMENT, bufsize=0,
    )  # fmt: skip
    return _read_lines(child, database)


def _read_lines(child: "subprocess.Popen[bytes]", database: str) -> Iterator[bytes]:
    """Yield the lines that getent prints; end getent when the iterator is closed.

    Raises:
        TimeoutError: getent printed nothing for TIMEOUT seconds, or closed its output and did not end within TIMEOUT
            seconds.
        ChildProcessError: getent failed.
    """
    import select  # noqa: PLC0415 -- only needed to list a whole directory
    import subprocess  # noqa: PLC0415 -- as select

    assert child.stdout is not None  # noqa: S101 -- Popen was called with a pipe
    rest = b""
    poller = select.poll()
    poller.register(child.stdout, select.POLLIN)
    try:
        while True:
            if not poller.poll(TIMEOUT * 1000):
                raise TimeoutError(f"no answer within {TIMEOUT:g} s")
            data = os.read(child.stdout.fileno(), 1 << 16)
            *lines, rest = (rest + data).split(b"\n")
            yield from lines
            if not data:
                break
        try:
            exit_code = child.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"no end within {TIMEOUT:g} s") from None
        if exit_code:
            raise ChildProcessError(f"getent {database} failed with exit code {exit_code}")
    finally:
        child.kill()
        child.stdout.close()
        child.wait()
