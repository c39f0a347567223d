"""sources/linux/accounts.py: whose uid is that?"""

import os
import pwd

import pytest

from logonscope.facts import Account
from logonscope.machine import Trouble
from logonscope.sources.linux.accounts import Accounts
from logonscope.sources.linux.nss import NameService, Silence

NOBODYS_UID = 4_000_000_123


def test_the_name_service_knows_the_accounts_of_this_machine() -> None:
    troubles: list[Trouble] = []
    accounts = Accounts(NameService(Silence(), troubles))
    entry = pwd.getpwuid(os.getuid())
    assert accounts[entry.pw_uid] == Account(
        entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_gecos, entry.pw_dir, entry.pw_shell
    )
    assert troubles == []


@pytest.mark.parametrize("uid", [NOBODYS_UID, 1 << 40, -5])
def test_a_uid_of_nobody_has_no_account(uid: int) -> None:
    accounts = Accounts(NameService(Silence(), []))
    assert accounts.get(uid) is None
    with pytest.raises(KeyError):
        accounts[uid]


def test_only_those_that_were_looked_up_are_listed() -> None:
    accounts = Accounts(NameService(Silence(), []))
    assert list(accounts) == []
    accounts.get(os.getuid())
    accounts.get(NOBODYS_UID)
    assert list(accounts) == [os.getuid()]
    assert len(accounts) == 1
