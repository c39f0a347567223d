"""Whose uid is that? Accounts by key, looked up when they are asked for and once a snapshot.

A directory service that does not answer costs its deadline once; for a while after that uids go without names.
"""

import os
import time
from collections.abc import Iterator, Mapping

from logonscope.facts import Account, Trouble
from logonscope.sources.linux import parse
from logonscope.sources.linux.patience import within

DEADLINE = 2.0
"""Seconds that the name service may take for one account."""


QUIET = 60.0
"""Seconds that it is not asked again after it did not answer."""


class Silence:
    """Until when the name service is not asked, shared by all snapshots of a source."""

    until = 0.0


class NameService(Mapping[int, Account]):
    """The accounts of this host, through NSS (nsswitch.conf(5)); iterating gives only those looked up until now."""

    def __init__(self, silence: "Silence", troubles: list[Trouble]) -> None:
        self._known: dict[int, Account | None] = {}
        self._silence = silence
        self._troubles = troubles

    def __getitem__(self, uid: int) -> Account:
        if uid not in self._known:
            self._known[uid] = self._look_up(uid)
        account = self._known[uid]
        if account is None:
            raise KeyError(uid)
        return account

    def __iter__(self) -> Iterator[int]:
        return (uid for uid, account in self._known.items() if account)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _look_up(self, uid: int) -> Account | None:
        import pwd  # noqa: PLC0415 -- Unix only, and a recording is read on any system

        if time.monotonic() < self._silence.until:
            return None
        try:
            entry = within(DEADLINE, lambda: pwd.getpwuid(uid))
        except (KeyError, OverflowError):
            return None
        except TimeoutError as error:
            self._silence.until = time.monotonic() + QUIET
            advice = "see whether `getent passwd` answers; until then users are shown by uid alone"
            self._troubles.append(Trouble("the name service (NSS)", str(error), advice))
            return None
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_gecos, entry.pw_dir, entry.pw_shell)


def passwd_accounts(root: str) -> Mapping[int, Account]:
    """Read the accounts of a host that is a folder: its passwd(5) file alone."""
    try:
        with open(os.path.join(root, "etc/passwd"), "rb") as file:
            lines = [parse.text(line.rstrip(b"\n")).split(":") for line in file]
    except OSError:
        return {}
    return {
        int(uid): Account(name, int(uid), int(gid), gecos, home, shell)
        for name, _, uid, gid, gecos, home, shell in reversed([line for line in lines if len(line) == 7])
        if uid.isdecimal() and gid.isdecimal()
    }
