"""Which accounts and groups are there? One by key, or all of them, streamed as the name service lists them.

All are listed by getent(1), because only it gives them one by one: getpwall() holds a whole directory in memory, and a
name service that hangs could not be left. Whoever has disabled listing there (sssd's ``enumerate``) gets local ones.
"""

import os
import select
from collections.abc import Callable, Iterable, Iterator

from logonscope.facts import Account, Group
from logonscope.machine import Needs
from logonscope.sources.linux import parse
from logonscope.sources.linux.folder import GROUP, PASSWD, Row, listed, parsed
from logonscope.sources.linux.nss import DEADLINE, NameService
from logonscope.sources.linux.parse import parse_account, parse_group

_ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


class Directory:
    """The accounts and groups of this machine, from whatever name service (nsswitch.conf(5)).

    Those that are named come before those that are listed: not every directory service lists what it knows.
    """

    def __init__(self, root: str, service: NameService) -> None:
        self._root = root
        self._service = service

    def users(self, needs: Needs) -> Iterator[Account]:
        """Yield the accounts that the needs name."""
        if not needs.all_users and needs.users is None:
            return
        local = _names(self._root, PASSWD)
        found = dict.fromkeys(self._users(needs.users or (), local))
        yield from (account._replace(local=account.name in local) for account in found)
        if needs.all_users:
            more = self._listed("passwd", PASSWD, parse_account)
            yield from (account._replace(local=account.name in local) for account in more if account not in found)

    def groups(self, needs: Needs) -> Iterator[Group]:
        """Yield the groups that the needs name."""
        if not needs.all_groups and needs.groups is None and needs.groups_of is None:
            return
        local = _names(self._root, GROUP)
        members = self._users(needs.groups_of, _names(self._root, PASSWD)) if needs.groups_of else ()
        gids = [gid for account in members for gid in self._gids(account)]
        keys: list[str | int] = [*_spelled(needs.groups or (), local), *dict.fromkeys(gids)]
        found = dict.fromkeys(filter(None, map(self._group, keys)))
        yield from (group._replace(local=group.name in local) for group in found)
        if needs.all_groups:
            more = self._listed("group", GROUP, parse_group)
            yield from (group._replace(local=group.name in local) for group in more if group not in found)

    def _users(self, names: Iterable[str], local: frozenset[str]) -> Iterator[Account]:
        return filter(None, map(self._user, _spelled(names, local)))

    def _user(self, name: str) -> Account | None:
        import pwd  # noqa: PLC0415 -- Unix only, and a recording is read on any system

        entry = self._service.ask(lambda: pwd.getpwnam(name))
        if entry is None:
            return None
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_gecos, entry.pw_dir, entry.pw_shell)

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
