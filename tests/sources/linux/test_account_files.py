"""Tests of sources/linux/account_files.py: accounts and groups of a host that is a folder."""

from typing import Any

from logonscope.facts import Account, Group
from logonscope.machine import AccountQuery, Look, Source
from logonscope.sources.linux.account_files import read_users
from tests.hosts import HostFolder


def accounts(source: Source, **query: Any) -> list[Account]:
    """Return the accounts that a query names."""
    return list(source.accounts(Look(), AccountQuery(**query))[0])


def groups(source: Source, **query: Any) -> list[Group]:
    """Return the groups that a query names."""
    return list(source.accounts(Look(), AccountQuery(**query))[1])


def test_a_folder_has_the_accounts_of_its_passwd_file(host: HostFolder) -> None:
    alice = Account("alice", 1000, 1000, "", "/home/alice", "/bin/sh", local=True)
    assert host.source.account(Look(), 1000) == alice
    assert [account.name for account in read_users(str(host.root))] == ["root", "alice", "bob"]


def test_of_two_lines_with_one_uid_the_first_counts(host: HostFolder) -> None:
    host.account("toor", 0)
    found = host.source.account(Look(), 0)
    assert found is not None
    assert found.name == "root"


def test_lines_of_another_form_are_passed_over(host: HostFolder) -> None:
    host.write("etc/passwd", b"+\n# x\n\na:x:1:1::/\nb:x:one:1:::/\nc:x:-1:1::/:\n\xff:x:7:8:G\xe9:/h:/s\n")
    assert list(read_users(str(host.root))) == [Account("\udcff", 7, 8, "G\udce9", "/h", "/s", local=True)]


def test_a_folder_without_passwd_has_no_accounts(host: HostFolder) -> None:
    (host.root / "etc/passwd").unlink()
    assert list(read_users(str(host.root))) == []
    assert host.source.account(Look(), 1000) is None


def test_a_folder_has_the_accounts_of_its_file(host: HostFolder) -> None:
    alice = Account("alice", 1000, 1000, "", "/home/alice", "/bin/sh", local=True)
    assert [account.name for account in accounts(host.source, users="ALL")] == ["root", "alice", "bob"]
    assert accounts(host.source, users=frozenset({"alice", "carol"})) == [alice]
    assert accounts(host.source, users=frozenset()) == accounts(host.source) == []


GROUPS = (
    b"root:x:0:\nsudo:x:27:alice,bob\nalice:x:1000:\nbob:x:1001:alice\nempty:x:5\nstaff:x:50:alice,,bob,\n\xff:x:9:\n"
)


def test_a_folder_has_the_groups_of_its_file(host: HostFolder) -> None:
    host.write("etc/group", GROUPS)
    found = groups(host.source, groups="ALL")
    assert [group.name for group in found] == ["root", "sudo", "alice", "bob", "staff", "\udcff"]
    assert found[4] == Group("staff", 50, ("alice", "bob"), local=True)
    named = groups(host.source, groups=frozenset({"sudo", "carol"}))
    assert [group.name for group in named] == ["sudo"]


def test_the_groups_of_an_account_of_a_folder_are_its_own_and_those_that_list_it(host: HostFolder) -> None:
    host.write("etc/group", GROUPS)
    for name, of in (("alice", ["sudo", "alice", "bob", "staff"]), ("bob", ["sudo", "bob", "staff"]), ("carol", [])):
        assert [group.name for group in groups(host.source, groups_of=frozenset({name}))] == of


def test_a_folder_without_files_has_neither(host: HostFolder) -> None:
    (host.root / "etc/passwd").unlink()
    look = Look()
    query = AccountQuery(users="ALL", groups="ALL", groups_of=frozenset({"alice"}))
    assert [list(found) for found in host.source.accounts(look, query)] == [[], []]
    assert look.troubles == []
