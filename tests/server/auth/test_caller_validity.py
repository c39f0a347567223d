"""Tests of server/auth/caller_validity.py: users who are removed or changed, and accounts after a minute."""

from collections.abc import Callable
from pathlib import Path

from logonscope.broker import Caller
from logonscope.server.auth.caller_validity import CallerValidity
from logonscope.server.auth.user_file import UserFile
from tests.server.running import QUICK


class Account:
    """An account of the machine, and the clock."""

    def __init__(self) -> None:
        self.now, self.lookups = 0.0, 0
        self.caller: Caller | None = Caller("carol", 1003, administrator=False)

    def find(self, name: str) -> Caller | None:
        self.lookups += 1
        return self.caller if self.caller is not None and name == self.caller.name else None

    def clock(self) -> float:
        return self.now


def check(users: UserFile, caller: Caller, account: Account) -> Callable[[], bool]:
    return CallerValidity(caller, users.find, account.find, account.clock).is_valid


def test_a_user_who_is_removed_or_changed_is_not_valid(tmp_path: Path) -> None:
    users, account = UserFile(tmp_path / "users", hasher=QUICK), Account()
    for change in ("removed", "password", "rights"):
        users.add("scanner", "correct horse", administrator=True)
        is_valid = check(users, Caller("scanner", None, administrator=True), account)
        assert is_valid()
        users.remove("scanner")
        if change != "removed":
            password = "correct horse" if change == "rights" else "battery staple"
            uid = 1000 if change == "rights" else None
            users.add("scanner", password, uid=uid, administrator=uid is None)
        assert not is_valid()
        if change != "removed":
            users.remove("scanner")
    assert account.lookups == 0


def test_an_account_is_looked_up_again_after_a_minute(tmp_path: Path) -> None:
    users, account = UserFile(tmp_path / "users", hasher=QUICK), Account()
    for now_found in (None, Caller("carol", 1003, administrator=True), Caller("carol", 1004, administrator=False)):
        account.now, account.caller = 0.0, Caller("carol", 1003, administrator=False)
        is_valid = check(users, account.caller, account)
        account.now = 61.0
        assert is_valid()
        account.caller, account.now = now_found, 100.0
        assert is_valid()
        account.now = 130.0
        assert not is_valid()
