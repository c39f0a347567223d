"""Which accounts and groups are there? One by key, or all of them, streamed as the name service lists them.

All are listed by getent(1), because only it gives them one by one: getpwall() holds a whole directory in memory, and a
name service that hangs could not be left. Whoever has disabled listing there (sssd's ``enumerate``) gets local ones.
"""

import os
import select
from collections.abc import Callable, Iterator

from logonscope.facts import Account, Group, Needs
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
        is_local = (_all_local if needs.all_users else _local)(self._root, PASSWD)
        found = dict.fromkeys(filter(None, map(self._user, sorted(needs.users or ()))))
        yield from (account._replace(local=is_local(account.name)) for account in found)
        if needs.all_users:
            more = self._listed("passwd", PASSWD, parse_account)
            yield from (account._replace(local=is_local(account.name)) for account in more if account not in found)

    def groups(self, needs: Needs) -> Iterator[Group]:
        """Yield the groups that the needs name."""
        if not needs.all_groups and needs.groups is None and needs.groups_of is None:
            return
        is_local = (_all_local if needs.all_groups else _local)(self._root, GROUP)
        gids = [gid for name in sorted(needs.groups_of or ()) for gid in self._gids(name)]
        keys: list[str | int] = [*sorted(needs.groups or ()), *dict.fromkeys(gids)]
        found = dict.fromkeys(filter(None, map(self._group, keys)))
        yield from (group._replace(local=is_local(group.name)) for group in found)
        if needs.all_groups:
            more = self._listed("group", GROUP, parse_group)
            yield from (group._replace(local=is_local(group.name)) for group in more if group not in found)

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

    def _gids(self, name: str) -> list[int]:
        account = self._user(name)
        return (self._service.ask(lambda: os.getgrouplist(account.name, account.gid)) if account else None) or []

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


def _local(root: str, file: str) -> Callable[[str], bool]:
    """Return what tells whether a name stands in a file: looked for in its bytes, which is fast for a few."""
    try:
        with open(os.path.join(root, file), "rb") as lines:
            content = b"\n" + lines.read()
    except OSError:
        content = b""
    return lambda name: b"\n" + name.encode("utf-8", "surrogateescape") + b":" in content


def _all_local(root: str, file: str) -> Callable[[str], bool]:
    """Return the same for many names."""
    try:
        with open(os.path.join(root, file), "rb") as lines:
            return frozenset(parse.text(line.split(b":", 1)[0]) for line in lines).__contains__
    except OSError:
        return lambda _: False


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
