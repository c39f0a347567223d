"""Tests of server/auth/local_accounts.py: accounts of this machine as callers. test_pam.py has more about groups."""

import grp
import pwd

import pytest

from logonscope.broker import Caller
from logonscope.server.auth.local_accounts import find_account


def test_root_is_an_administrator_and_others_are_by_their_groups() -> None:
    daemon = pwd.getpwnam("daemon")
    group = grp.getgrgid(daemon.pw_gid).gr_name
    assert find_account("root") == find_account("root", frozenset()) == Caller("root", 0, administrator=True)
    assert find_account("daemon") == Caller("daemon", daemon.pw_uid, administrator=False)
    assert find_account("daemon", frozenset({"nothing", group})) == Caller("daemon", daemon.pw_uid, True)


@pytest.mark.parametrize("name", ["nobody-of-that-name", "Root", "root\0", "root\n", "", "x" * 300, "\ud800"])
def test_an_unknown_account_has_no_caller(name: str) -> None:
    assert find_account(name) is None
