"""sources/linux/accounts.py: whose uid is that, and what if nobody answers?"""

import math
import os
import pwd

import pytest

from logonscope.facts import Account, Trouble
from logonscope.sources.linux.accounts import NameService, Silence, passwd_accounts
from tests.hosts import HostFolder

NOBODYS_UID = 4_000_000_123


def test_the_name_service_knows_the_accounts_of_this_machine() -> None:
    troubles: list[Trouble] = []
    accounts = NameService(Silence(), troubles)
    entry = pwd.getpwuid(os.getuid())
    assert accounts[entry.pw_uid] == Account(
        entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_gecos, entry.pw_dir, entry.pw_shell
    )
    assert troubles == []


@pytest.mark.parametrize("uid", [NOBODYS_UID, 1 << 40, -5])
def test_a_uid_of_nobody_has_no_account(uid: int) -> None:
    accounts = NameService(Silence(), [])
    assert accounts.get(uid) is None
    with pytest.raises(KeyError):
        accounts[uid]


def test_only_those_that_were_looked_up_are_listed() -> None:
    accounts = NameService(Silence(), [])
    assert list(accounts) == []
    accounts.get(os.getuid())
    accounts.get(NOBODYS_UID)
    assert list(accounts) == [os.getuid()]
    assert len(accounts) == 1


def test_after_it_did_not_answer_it_is_not_asked_for_a_while() -> None:
    silence = Silence()
    silence.until = math.inf
    troubles: list[Trouble] = []
    assert NameService(silence, troubles).get(os.getuid()) is None
    assert troubles == []


def test_a_folder_has_the_accounts_of_its_passwd_file(host: HostFolder) -> None:
    accounts = passwd_accounts(str(host.root))
    assert accounts[1000] == Account("alice", 1000, 1000, "", "/home/alice", "/bin/sh")
    assert {account.name for account in accounts.values()} == {"root", "alice", "bob"}


def test_of_two_lines_with_one_uid_the_first_counts(host: HostFolder) -> None:
    host.account("toor", 0)
    assert passwd_accounts(str(host.root))[0].name == "root"


def test_lines_of_another_form_are_passed_over(host: HostFolder) -> None:
    host.write("etc/passwd", b"+\n# x\n\na:x:1:1::/\nb:x:one:1:::/\nc:x:-1:1::/:\n\xff:x:7:8:G\xe9:/h:/s\n")
    assert passwd_accounts(str(host.root)) == {7: Account("\udcff", 7, 8, "G\udce9", "/h", "/s")}


def test_a_folder_without_passwd_has_no_accounts(host: HostFolder) -> None:
    (host.root / "etc/passwd").unlink()
    assert passwd_accounts(str(host.root)) == {}
