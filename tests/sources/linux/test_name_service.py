"""Tests of sources/linux/name_service.py: accounts and groups, also where the name service fails or does not answer."""

import grp
import json
import math
import os
import pwd
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from logonscope.facts import Account, Group
from logonscope.machine import AccountQuery, Look
from logonscope.sources.linux.name_service import TIMEOUT, Directory, NameService, NameServicePause
from tests.hosts import HostFolder
from tests.lab.fixtures import skip_or_fail

pytestmark = pytest.mark.usefixtures("promptly")

NOBODYS_UID = 4_000_000_123
NAMES_OF_NOBODY = {"nobody-is-called-so", "", "a\0b", "\udcff", "x" * 70_000, "a:b", "root\n"}


def directory(root: str = "/") -> Directory:
    """Return the accounts and groups of this machine; which of them are local is taken from the files below a root."""
    return Directory(root, NameService(NameServicePause(), Look()))


def accounts(**query: Any) -> list[Account]:
    """Return accounts of this machine."""
    return list(directory().users(AccountQuery(**query)))


def groups(**query: Any) -> list[Group]:
    """Return groups of this machine."""
    return list(directory().groups(AccountQuery(**query)))


def listed(name: str) -> bool:
    """Return whether an account stands in passwd(5)."""
    return any(line.startswith(f"{name}:") for line in Path("/etc/passwd").read_text(encoding="utf-8").splitlines())


# This machine


def test_all_accounts_of_this_machine_are_those_that_the_name_service_lists() -> None:
    assert accounts(users="ALL") == [
        Account(known.pw_name, known.pw_uid, known.pw_gid, known.pw_gecos, known.pw_dir, known.pw_shell,
                local=listed(known.pw_name))
        for known in pwd.getpwall()
    ]  # fmt: skip


def test_all_groups_of_this_machine_are_those_that_the_name_service_lists() -> None:
    found = [(group.name, group.gid, list(group.members)) for group in groups(groups="ALL")]
    assert found == [(known.gr_name, known.gr_gid, known.gr_mem) for known in grp.getgrall()]


def test_one_by_its_name_is_the_one_of_the_list() -> None:
    (root,) = accounts(users=frozenset({"root"}))
    assert root in accounts(users="ALL")
    (its_own,) = groups(groups=frozenset({"root"}))
    assert its_own in groups(groups="ALL")


def test_an_unknown_name_gives_nothing() -> None:
    names = frozenset(NAMES_OF_NOBODY)
    assert accounts(users=names) == []
    assert groups(groups=names) == groups(groups_of=names) == []
    assert [account.name for account in accounts(users=names | {"root"})] == ["root"]


def test_the_groups_of_an_account_are_those_that_it_gets_when_it_logs_in() -> None:
    found = [group.gid for group in groups(groups_of=frozenset({"root"}))]
    assert sorted(found) == sorted(set(os.getgrouplist("root", 0)))


def test_a_group_that_is_requested_twice_is_returned_once() -> None:
    both = groups(groups=frozenset({"root"}), groups_of=frozenset({"root"}))
    assert [group.name for group in both].count("root") == 1


def test_only_requested_accounts_are_returned() -> None:
    root = frozenset({"root"})
    assert accounts() == accounts(groups="ALL") == accounts(groups=root) == []
    assert groups() == groups(users="ALL") == groups(users=root) == []


def test_an_account_in_no_file_is_not_local(host: HostFolder) -> None:
    host.write("etc/passwd", "alice:x:1000:1000::/home/alice:/bin/sh\n")
    host.write("etc/group", "root:x:0:\n")
    found = directory(str(host.root))
    assert [account.local for account in found.users(AccountQuery(users=frozenset({"root"})))] == [False]
    assert [group.local for group in found.groups(AccountQuery(groups=frozenset({"root"})))] == [True]
    assert {account.local for account in found.users(AccountQuery(users="ALL"))} == {False}


def test_while_the_name_service_is_paused_it_is_not_asked() -> None:
    silence, look = NameServicePause(), Look()
    silence.until = math.inf
    found = Directory("/", NameService(silence, look))
    root = frozenset({"root"})
    for query in (AccountQuery(users="ALL", groups="ALL"), AccountQuery(users=root, groups_of=root)):
        assert [*found.users(query), *found.groups(query)] == []
    assert look.troubles == []


# Accounts by uid


def test_the_name_service_knows_the_accounts_of_this_machine() -> None:
    look = Look()
    entry = pwd.getpwuid(os.getuid())
    assert Directory("/", NameService(NameServicePause(), look)).user(entry.pw_uid) == Account(
        entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_gecos, entry.pw_dir, entry.pw_shell
    )
    assert look.troubles == []


@pytest.mark.parametrize("uid", [NOBODYS_UID, 1 << 40, -5])
def test_an_unused_uid_has_no_account(uid: int) -> None:
    assert directory().user(uid) is None


# What if it does not answer?


def no() -> int:
    raise KeyError


def failing() -> int:
    raise OSError


def test_what_it_answers_is_returned() -> None:
    look = Look()
    service = NameService(NameServicePause(), look)
    assert (service.call(lambda: 7), service.call(no), service.call(failing)) == (7, None, None)
    assert look.troubles == []


def test_after_it_did_not_answer_it_is_not_requested_a_while() -> None:
    silence, look = NameServicePause(), Look()
    service = NameService(silence, look)
    assert service.call(lambda: time.sleep(TIMEOUT + 1)) is None
    assert service.is_paused
    assert [trouble.reason for trouble in look.troubles] == ["no answer within 2 s"]
    another = NameService(silence, Look())
    assert another.call(lambda: 7) is None
    silence.until = 0
    assert another.call(lambda: 7) == 7


def test_it_can_be_left_alone_for_good() -> None:
    silence = NameServicePause()
    silence.until = math.inf
    assert NameService(silence, Look()).call(lambda: 7) is None


# A getent(1) of another kind, in a mount namespace of its own

ASK = """
import json, os, sys, time
from logonscope.machine import AccountQuery, Look
from logonscope.sources.linux.name_service import Directory, NameService, NameServicePause
look, times, began = Look(), [], time.monotonic()
troubles = look.troubles
def names(rows):
    found = []
    for row in rows:
        times.append(time.monotonic() - began)
        found.append(row.name)
    return found
def children():
    try:
        return os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
directory = Directory(sys.argv[1], NameService(NameServicePause(), look))
users = directory.users(AccountQuery(users="ALL"))
"""
LINE = "x:x:1:1:{}:/:/bin/sh"


def elsewhere(host: HostFolder, script: str, *, over: str = "/usr/bin/getent", by: str | None = None) -> Any:
    """Return what a script prints that asks while something else is in the place of a file of this machine."""
    if os.geteuid() != 0:
        skip_or_fail("only root can put another file in the place of getent")
    command = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" "$1" && shift && exec "$@"']
    asked = [by or str(host.root / "getent"), over, sys.executable, "-c", ASK + script, str(host.root)]
    done = subprocess.run(command + asked, capture_output=True, text=True, check=False, env={**os.environ, "LEAK": "x"})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def getent(host: HostFolder, *lines: str) -> None:
    """Write a program that is to be run in the place of getent."""
    host.write("getent", "#!/bin/sh\n" + "\n".join(lines) + "\n").chmod(0o755)


def test_accounts_come_as_they_are_listed_and_one_who_has_enough_ends_the_listing(host: HostFolder) -> None:
    getent(host, f"echo '{LINE}'", "exec sleep 60")
    script = "print(json.dumps([next(users).name, users.close(), children(), time.monotonic() - began < 1, troubles]))"
    assert elsewhere(host, script) == ["x", None, None, True, []]


@pytest.mark.parametrize(
    ("last", "trouble"), [("exec sleep 60", "no answer within 2 s"), ("exec sleep 60 >&-", "no end within 2 s")]
)
def test_a_hanging_listing_is_reported_and_abandoned(host: HostFolder, last: str, trouble: str) -> None:
    getent(host, f"echo '{LINE}'", last)
    script = "print(json.dumps([names(users), times[0] < 1, time.monotonic() - began, troubles, children(),"
    script += "names(directory.groups(AccountQuery(groups='ALL'))), time.monotonic() - began]))"
    found, at_once, waited, troubles, children, after, in_all = elsewhere(host, script)
    assert (found, at_once, children, after) == (["x"], True, None, [])
    assert 2 <= waited <= in_all < 3
    assert [words[:2] for words in troubles] == [["the name service (NSS)", trouble]]


def test_a_hanging_name_service_is_reported_and_then_paused(host: HostFolder) -> None:
    os.mkfifo(host.root / "passwd")  # what nss_files opens, and nobody writes to
    script = "found = names(directory.users(AccountQuery(users=frozenset({'a', 'b', 'c'}))))\n"
    script += "print(json.dumps([found, time.monotonic() - began, troubles]))"
    found, waited, troubles = elsewhere(host, script, over="/etc/passwd", by=str(host.root / "passwd"))
    assert found == []
    assert 2 <= waited < 3
    assert [trouble[:2] for trouble in troubles] == [["the name service (NSS)", "no answer within 2 s"]]


def test_the_silence_of_one_question_is_that_of_the_next_one_to_the_same_source(host: HostFolder) -> None:
    os.mkfifo(host.root / "passwd")
    script = "from logonscope.sources.linux import LinuxSource\nsource, later = LinuxSource(), Look()\n"
    script += "known = [source.account(asked, uid) for asked in (look, look, later) for uid in (0, 1)]\n"
    script += "print(json.dumps([known, time.monotonic() - began, look.troubles, later.troubles]))"
    known, waited, troubles, later = elsewhere(host, script, over="/etc/passwd", by=str(host.root / "passwd"))
    assert known == [None] * 6
    assert 2 <= waited < 3
    assert [trouble[:2] for trouble in troubles] == [["the name service (NSS)", "no answer within 2 s"]]
    assert later == []


def test_a_name_counts_in_whatever_case_and_means_all_that_differ_in_it_alone(host: HostFolder) -> None:
    lines = ("Debian-exim:x:105:105::/:/bin/false", "Carol:x:1002:100::/:/bin/sh", "CAROL:x:1003:50::/:/bin/sh")
    host.write("etc/passwd", "".join(f"{line}\n" for line in lines))
    host.write("etc/group", "root:x:0:\nRoot:x:100:\n")
    script = """
def named(*words):
    return names(directory.users(AccountQuery(users=frozenset(words))))
print(json.dumps([named("debian-EXIM"), named("cArol", "Debian-exim"), named("carol "), named(), [
    (group.name, group.local) for group in directory.groups(AccountQuery(groups=frozenset({"ROOT"})))], sorted(
    group.gid for group in directory.groups(AccountQuery(groups_of=frozenset({"carol"})))) ]))
"""
    found = elsewhere(host, script, over="/etc/passwd", by=str(host.root / "etc/passwd"))
    assert found == [["Debian-exim"], ["CAROL", "Carol", "Debian-exim"], [], [], [["root", True]], [50, 100]]


def test_where_there_is_no_getent_the_files_are_read(host: HostFolder) -> None:
    host.write("etc/group", "root:x:0:\nstaff:x:50:alice\n")
    script = "print(json.dumps([names(users), names(directory.groups(AccountQuery(groups='ALL'))), troubles]))"
    assert elsewhere(host, script, by="/dev/null") == [["root", "alice", "bob"], ["root", "staff"], []]


def test_a_listing_that_fails_in_the_middle_is_reported(host: HostFolder) -> None:
    getent(host, f"echo '{LINE}'", "exit 1")
    found, troubles = elsewhere(host, "print(json.dumps([names(users), troubles]))")
    assert found == ["x"]
    assert [trouble[0] for trouble in troubles] == ["the name service (NSS)"]


def test_lines_come_whole_and_those_of_another_form_are_passed_over(host: HostFolder) -> None:
    odd = ("+", "", "a:x:one:1::/:/", "b:x:-1:1::/:/", "c:x:1:1::/")
    lines = [f"echo '{line}'" for line in odd]
    getent(
        host, f"printf '%s' '{LINE[:7]}'", "sleep 0.1", f"echo '{LINE[7:]}'", *lines, r"printf '\377:x:7:8::/:/\ntorn:'"
    )
    found, troubles = elsewhere(host, "print(json.dumps([names(users), troubles]))")
    assert (found, troubles) == (["x", "\udcff"], [])


def test_a_large_directory_streams_through(host: HostFolder) -> None:
    getent(host, "seq 1 30000 | sed 's|.*|u&:x:&:100:User &:/home/u&:/bin/bash|'")
    assert elsewhere(host, "found = names(users)\nprint(json.dumps([len(found), found[-1]]))") == [30000, "u30000"]


def test_a_listing_comes_however_many_files_are_open(host: HostFolder) -> None:
    getent(host, f"echo '{LINE}'")
    many = "import resource; _, most = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
    many += "resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, most), most))\n"
    many += "opened = [os.open('/dev/null', os.O_RDONLY) for _ in range(1100)]\n"
    assert elsewhere(host, many + "print(json.dumps(names(users)))") == ["x"]


def test_getent_runs_with_no_environment_of_ours(host: HostFolder) -> None:
    line = LINE.format("$LC_ALL ${LEAK-none} $1")
    getent(host, f'echo "{line}"')
    assert elsewhere(host, "print(json.dumps(next(users).gecos))") == "C none passwd"


def test_a_planted_getent_is_not_run(host: HostFolder) -> None:
    getent(host, f"echo '{LINE}'")
    environment = {**os.environ, "PATH": f"{host.root}:{os.environ['PATH']}"}
    command = [sys.executable, "-c", ASK + "print(json.dumps(names(users)))", "/"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert json.loads(done.stdout) == [known.pw_name for known in pwd.getpwall()]
