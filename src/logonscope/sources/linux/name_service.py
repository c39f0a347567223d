"""The name service (nsswitch.conf(5)), and the accounts and groups that it knows.

Everything that asks it waits no longer than a deadline, and leaves it alone for a while after one has passed.

All are listed by getent(1), because only it gives them one by one: getpwall() holds a whole directory in memory, and a
name service that hangs could not be left. Whoever has disabled listing there (sssd's ``enumerate``) gets local ones.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from logonscope.facts import Account, Group
from logonscope.machine import AccountQuery, Look, Trouble
from logonscope.sources.linux import parse
from logonscope.sources.linux.account_files import GROUP, PASSWD, Row, listed, parsed
from logonscope.sources.linux.parse import parse_account, parse_group
from logonscope.sources.linux.timeouts import within

if TYPE_CHECKING:
    import pwd

DEADLINE = 2.0
"""Seconds that the name service may take for one answer."""

QUIET = 60.0
"""Seconds that it is not asked again after it did not answer."""

_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}

_ADVICE = "see whether `getent passwd` answers; until then users are shown by uid alone, and accounts are missing"

Value = TypeVar("Value")


class Silence:
    """Until when the name service is not asked, shared by all questions to a source."""

    until = 0.0


class NameService:
    """The name service (nsswitch.conf(5)), as one question asks it."""

    def __init__(self, silence: Silence, look: Look) -> None:
        self._silence = silence
        self._look = look

    @property
    def is_silent(self) -> bool:
        """Tell whether it is not asked for a while."""
        return time.monotonic() < self._silence.until

    def ask(self, question: Callable[[], Value]) -> Value | None:
        """Return what it answers; None where it knows nothing, or does not answer."""
        if self.is_silent:
            return None
        try:
            return within(DEADLINE, question)
        except TimeoutError as error:
            self.fell_silent(str(error))
        except (KeyError, ValueError, OverflowError, OSError):
            pass
        return None

    def fell_silent(self, why: str) -> None:
        """Note that it did not answer."""
        self._silence.until = time.monotonic() + QUIET
        self.trouble(why)

    def trouble(self, why: str) -> None:
        """Note that it failed."""
        self._look.report(Trouble("the name service (NSS)", why, _ADVICE))


class Directory:
    """The accounts and groups of this machine, from whatever name service (nsswitch.conf(5)).

    Those that are named come before those that are listed: not every directory service lists what it knows.
    """

    def __init__(self, root: str, service: NameService) -> None:
        self._root = root
        self._service = service

    def user(self, uid: int) -> Account | None:
        """Return the account of a uid."""
        import pwd  # noqa: PLC0415 -- Unix only, and a recording is read on any system

        return _account(self._service.ask(lambda: pwd.getpwuid(uid)))

    def users(self, query: AccountQuery) -> Iterator[Account]:
        """Yield the accounts that the query names."""
        if query.users is None:
            return
        local = _names(self._root, PASSWD)
        found = dict.fromkeys(self._users(() if query.users == "ALL" else query.users, local))
        yield from (account._replace(local=account.name in local) for account in found)
        if query.users == "ALL":
            more = self._listed("passwd", PASSWD, parse_account)
            yield from (account._replace(local=account.name in local) for account in more if account not in found)

    def groups(self, query: AccountQuery) -> Iterator[Group]:
        """Yield the groups that the query names."""
        if query.groups is None and query.groups_of is None:
            return
        local = _names(self._root, GROUP)
        members = self._users(query.groups_of, _names(self._root, PASSWD)) if query.groups_of else ()
        gids = [gid for account in members for gid in self._gids(account)]
        names = () if query.groups is None or query.groups == "ALL" else query.groups
        keys: list[str | int] = [*_spelled(names, local), *dict.fromkeys(gids)]
        found = dict.fromkeys(filter(None, map(self._group, keys)))
        yield from (group._replace(local=group.name in local) for group in found)
        if query.groups == "ALL":
            more = self._listed("group", GROUP, parse_group)
            yield from (group._replace(local=group.name in local) for group in more if group not in found)

    def _users(self, names: Iterable[str], local: frozenset[str]) -> Iterator[Account]:
        return filter(None, map(self._user, _spelled(names, local)))

    def _user(self, name: str) -> Account | None:
        import pwd  # noqa: PLC0415 -- Unix only, and a recording is read on any system

        return _account(self._service.ask(lambda: pwd.getpwnam(name)))

    def _group(self, key: str | int) -> Group | None:
        import grp  # noqa: PLC0415 -- the same

        entry = self._service.ask(lambda: grp.getgrnam(key) if isinstance(key, str) else grp.getgrgid(key))
        return None if entry is None else Group(entry.gr_name, entry.gr_gid, tuple(entry.gr_mem))

    def _gids(self, account: Account) -> list[int]:
        return self._service.ask(lambda: os.getgrouplist(account.name, account.gid)) or []

    def _listed(self, database: str, file: str, parse_line: Callable[[bytes], Row]) -> Iterator[Row]:
        if self._service.is_silent:
            return iter(())
        try:
            lines = _getent(database)
        except OSError:  # no such program here
            return listed(self._root, file, parse_line)
        return parsed(self._answered(lines), parse_line)

    def _answered(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from lines
        except TimeoutError as error:
            self._service.fell_silent(str(error))
        except ChildProcessError as error:
            self._service.trouble(str(error))


def _account(entry: "pwd.struct_passwd | None") -> Account | None:
    if entry is None:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_gecos, entry.pw_dir, entry.pw_shell)


def _names(root: str, file: str) -> frozenset[str]:
    """Return the names that stand in a file."""
    try:
        with open(os.path.join(root, file), "rb") as lines:
            return frozenset(parse.text(line.split(b":", 1)[0]) for line in lines)
    except OSError:
        return frozenset()


def _spelled(names: Iterable[str], local: Iterable[str]) -> list[str]:
    """Return how names may be spelled that are meant in whatever case: the name service itself looks for the letter."""
    folded = {name.lower() for name in names}
    return sorted({*names, *folded, *(name for name in local if name.lower() in folded)}) if folded else []


def _getent(database: str) -> Iterator[bytes]:
    """Start getent(1) and return the lines that it prints, as it prints them.

    Raises:
        OSError: it cannot be started.
        TimeoutError: while they are iterated: it did not go on.
    """
    import select  # noqa: PLC0415 -- only whoever lists a whole directory needs it
    import subprocess  # noqa: PLC0415 -- the same

    child = subprocess.Popen(  # noqa: S603 -- words of our own
        ["getent", database],  # noqa: S607 -- found below
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_ENVIRONMENT, bufsize=0,
    )  # fmt: skip

    def lines() -> Iterator[bytes]:
        assert child.stdout is not None  # noqa: S101 -- a pipe was asked for
        rest = b""
        waiting = select.poll()
        waiting.register(child.stdout, select.POLLIN)
        try:
            while True:
                if not waiting.poll(DEADLINE * 1000):
                    raise TimeoutError(f"no answer within {DEADLINE:g} s")
                data = os.read(child.stdout.fileno(), 1 << 16)
                *whole, rest = (rest + data).split(b"\n")
                yield from whole
                if not data:
                    break
            if child.wait():
                raise ChildProcessError(f"getent {database} failed with code {child.returncode}")
        finally:
            child.kill()
            child.stdout.close()
            child.wait()

    return lines()
