"""Whose uid is that? Accounts by key, looked up when they are asked for and once a snapshot."""

from collections.abc import Iterator, Mapping

from logonscope.facts import Account
from logonscope.sources.linux.nss import NameService


class Accounts(Mapping[int, Account]):
    """The accounts of this host by uid; iterating gives only those looked up until now."""

    def __init__(self, service: NameService) -> None:
        self._known: dict[int, Account | None] = {}
        self._service = service

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

        entry = self._service.ask(lambda: pwd.getpwuid(uid))
        if entry is None:
            return None
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_gecos, entry.pw_dir, entry.pw_shell)
