"""Which accounts and groups are there? One by key, or all of them, streamed as the name service lists them.

All are listed by getent(1), because only it gives them one by one: getpwall() holds a whole directory in memory, and a
name service that hangs could not be left. Whoever has disabled listing there (sssd's ``enumerate``) gets local ones.
"""

import os
import select
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from logonscope.facts import Account, Group, Needs, Trouble
from logonscope.sources.linux import parse
from logonscope.sources.linux.accounts import DEADLINE, QUIET, Silence
from logonscope.sources.linux.patience import within

PASSWD, GROUP = "etc/passwd", "etc/group"
_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
_ADVICE = "see whether `getent passwd` answers; until then accounts are missing"

Row = TypeVar("Row", Account, Group)
Value = TypeVar("Value")


class Directory:
    """The accounts and groups of this machine, from whatever name service (nsswitch.conf(5))."""

    def __init__(self, root: str, silence: Silence, troubles: list[Trouble]) -> None:
        self._root = root
        self._silence = silence
        self._troubles = troubles

    def users(self, needs: Needs) -> Iterator[Account]:
        """Yield the accounts that the needs name."""
        if not needs.all_users and needs.users is None:
            return
        local = _names(self._root, PASSWD)
        if needs.all_users:
            found: Iterable[Account | None] = self._listed("passwd", PASSWD, parse_account)
        else:
            found = dict.fromkeys(map(self._user, sorted(needs.users or ())))
        yield from (account._replace(local=account.name in local) for account in found if account)

    def groups(self, needs: Needs) -> Iterator[Group]:
        """Yield the groups that the needs name."""
        if not needs.all_groups and needs.groups is None and needs.groups_of is None:
            return
        local = _names(self._root, GROUP)
        if needs.all_groups:
            found: Iterable[Group | None] = self._listed("group", GROUP, parse_group)
        else:
            gids = [gid for name in sorted(needs.groups_of or ()) for gid in self._gids(name)]
            keys: list[str | int] = [*sorted(needs.groups or ()), *dict.fromkeys(gids)]
            found = dict.fromkeys(map(self._group, keys))
        yield from (group._replace(local=group.name in local) for group in found if group)

    def _user(self, name: str) -> Account | None:
        import pwd  # noqa: PLC0415 -- Unix only, and a recording is read on any system

        entry = self._asked(lambda: pwd.getpwnam(name))
        if entry is None:
            return None
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_gecos, entry.pw_dir, entry.pw_shell)

    def _group(self, key: str | int) -> Group | None:
        import grp  # noqa: PLC0415 -- the same

        entry = self._asked(lambda: grp.getgrnam(key) if isinstance(key, str) else grp.getgrgid(key))
        return None if entry is None else Group(entry.gr_name, entry.gr_gid, tuple(entry.gr_mem))

    def _gids(self, name: str) -> list[int]:
        account = self._user(name)
        return (self._asked(lambda: os.getgrouplist(account.name, account.gid)) if account else None) or []

    def _asked(self, ask: Callable[[], Value]) -> Value | None:
        """Return what the name service answers; None where it knows nothing, or does not answer."""
        if time.monotonic() < self._silence.until:
            return None
        try:
            return within(DEADLINE, ask)
        except (KeyError, ValueError, OverflowError, OSError) as error:
            if isinstance(error, TimeoutError):
                self._fell_silent(str(error))
            return None

    def _fell_silent(self, why: str) -> None:
        self._silence.until = time.monotonic() + QUIET
        self._trouble(why)

    def _trouble(self, why: str) -> None:
        self._troubles.append(Trouble("the name service (NSS)", why, _ADVICE))

    def _listed(self, database: str, file: str, parse_line: Callable[[bytes], Row]) -> Iterator[Row]:
        if time.monotonic() < self._silence.until:
            return iter(())
        try:
            lines = _getent(database)
        except OSError:  # no such program here
            return listed_in(self._root, file, parse_line)
        return _parsed(self._answered(lines), parse_line)

    def _answered(self, lines: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from lines
        except TimeoutError as error:
            self._fell_silent(str(error))
        except ChildProcessError as error:
            self._trouble(str(error))


def folder_users(root: str, needs: Needs) -> Iterator[Account]:
    """Yield the accounts that the needs name, of a host that is a folder: its passwd(5) file alone."""
    if needs.all_users or needs.users is not None:
        names = {name.lower() for name in needs.users or ()}
        for account in listed_in(root, PASSWD, parse_account):
            if needs.all_users or account.name.lower() in names:
                yield account._replace(local=True)


def folder_groups(root: str, needs: Needs) -> Iterator[Group]:
    """Yield the groups that the needs name, of a host that is a folder: its group(5) file alone."""
    if not needs.all_groups and needs.groups is None and needs.groups_of is None:
        return
    members = list(folder_users(root, Needs(users=needs.groups_of)))
    of, primary = {account.name for account in members}, {account.gid for account in members}
    names = {name.lower() for name in needs.groups or ()}
    for group in listed_in(root, GROUP, parse_group):
        asked = needs.all_groups or group.name.lower() in names
        if asked or group.gid in primary or of.intersection(group.members):
            yield group._replace(local=True)


def listed_in(root: str, file: str, parse_line: Callable[[bytes], Row]) -> Iterator[Row]:
    """Yield the lines of a file below a root; those of another form are passed over."""
    try:
        with open(os.path.join(root, file), "rb") as lines:
            yield from _parsed(lines, parse_line)
    except OSError:
        return


def parse_account(line: bytes) -> Account:
    """Parse a line of passwd(5); ValueError for another."""
    name, _, uid, gid, gecos, home, shell = parse.text(line.rstrip(b"\n")).split(":")
    return Account(name, _id(uid), _id(gid), gecos, home, shell)


def parse_group(line: bytes) -> Group:
    """Parse a line of group(5); ValueError for another."""
    name, _, gid, members = parse.text(line.rstrip(b"\n")).split(":")
    return Group(name, _id(gid), tuple(member for member in members.split(",") if member))


def _id(word: str) -> int:
    if not (word.isascii() and word.isdecimal()):
        raise ValueError(f"{word!r} is no id")
    return int(word)


def _parsed(lines: Iterable[bytes], parse_line: Callable[[bytes], Row]) -> Iterator[Row]:
    for line in lines:
        try:
            row = parse_line(line)
        except ValueError:
            continue
        yield row


def _names(root: str, file: str) -> frozenset[str]:
    """Return the first word of each line of a file."""
    try:
        with open(os.path.join(root, file), "rb") as lines:
            return frozenset(parse.text(line.split(b":", 1)[0]) for line in lines)
    except OSError:
        return frozenset()


def _getent(database: str) -> Iterator[bytes]:
    """Start getent(1) and return the lines that it prints, as it prints them.

    Raises:
        OSError: it cannot be started.
        TimeoutError: while they are iterated: it did not go on.
    """
    import subprocess  # noqa: PLC0415 -- only whoever lists a whole directory needs it

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
