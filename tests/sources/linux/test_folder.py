"""sources/linux/folder.py: which accounts and groups does a host have that is a folder?"""

from logonscope.facts import Account, Group
from logonscope.sources.linux.folder import accounts
from tests.hosts import HostFolder


def test_a_folder_has_the_accounts_of_its_passwd_file(host: HostFolder) -> None:
    known = accounts(str(host.root))
    assert known[1000] == Account("alice", 1000, 1000, "", "/home/alice", "/bin/sh")
    assert {account.name for account in known.values()} == {"root", "alice", "bob"}


def test_of_two_lines_with_one_uid_the_first_counts(host: HostFolder) -> None:
    host.account("toor", 0)
    assert accounts(str(host.root))[0].name == "root"


def test_lines_of_another_form_are_passed_over(host: HostFolder) -> None:
    host.write("etc/passwd", b"+\n# x\n\na:x:1:1::/\nb:x:one:1:::/\nc:x:-1:1::/:\n\xff:x:7:8:G\xe9:/h:/s\n")
    assert accounts(str(host.root)) == {7: Account("\udcff", 7, 8, "G\udce9", "/h", "/s")}


def test_a_folder_without_passwd_has_no_accounts(host: HostFolder) -> None:
    (host.root / "etc/passwd").unlink()
    assert accounts(str(host.root)) == {}


def test_a_folder_has_the_accounts_of_its_file(host: HostFolder) -> None:
    alice = Account("alice", 1000, 1000, "", "/home/alice", "/bin/sh", local=True)
    assert [account.name for account in host.observe(all_users=True).users] == ["root", "alice", "bob"]
    assert list(host.observe(users=frozenset({"alice", "carol"})).users) == [alice]
    assert list(host.observe(users=frozenset()).users) == list(host.observe().users) == []


GROUPS = (
    b"root:x:0:\nsudo:x:27:alice,bob\nalice:x:1000:\nbob:x:1001:alice\nempty:x:5\nstaff:x:50:alice,,bob,\n\xff:x:9:\n"
)


def test_a_folder_has_the_groups_of_its_file(host: HostFolder) -> None:
    host.write("etc/group", GROUPS)
    found = list(host.observe(all_groups=True).groups)
    assert [group.name for group in found] == ["root", "sudo", "alice", "bob", "staff", "\udcff"]
    assert found[4] == Group("staff", 50, ("alice", "bob"), local=True)
    named = host.observe(groups=frozenset({"sudo", "carol"})).groups
    assert [group.name for group in named] == ["sudo"]


def test_the_groups_of_an_account_of_a_folder_are_its_own_and_those_that_list_it(host: HostFolder) -> None:
    host.write("etc/group", GROUPS)
    for name, of in (("alice", ["sudo", "alice", "bob", "staff"]), ("bob", ["sudo", "bob", "staff"]), ("carol", [])):
        assert [group.name for group in host.observe(groups_of=frozenset({name})).groups] == of


def test_a_folder_without_files_has_neither(host: HostFolder) -> None:
    (host.root / "etc/passwd").unlink()
    snapshot = host.observe(all_users=True, all_groups=True, groups_of=frozenset({"alice"}))
    assert (list(snapshot.users), list(snapshot.groups)) == ([], [])
    assert snapshot.troubles == []
