"""Tests of broker/recording_contents.py: a recording has everything that its maker may see, for every question."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings

from logonscope.broker import Caller
from logonscope.facts import Account, Group, Process
from logonscope.machine import AccountQuery, Look, Trouble
from logonscope.machine.snapshot import Snapshot
from logonscope.sources.recording import RecordedSource, save_recording
from tests import example
from tests.broker import operations as broker
from tests.broker.crowds import ALICE, Crowd, crowds
from tests.broker.memory import Memory
from tests.hosts import ROOT, HostFolder, user


def whole(snapshot: Snapshot) -> Snapshot:
    """Return a snapshot that was read to its end."""
    return snapshot._replace(
        processes=list(snapshot.processes),
        users=tuple(snapshot.users),
        groups=tuple(snapshot.groups),
        authentications=tuple(snapshot.authentications),
    )


@given(crowds())
@settings(max_examples=50)
def test_an_administrators_recording_has_every_fact(crowd: Crowd) -> None:
    assert whole(broker.recordable_snapshot(Memory(crowd.snapshot).request(ROOT))) == crowd.snapshot


def test_what_the_leaders_of_logins_logged_is_recorded_of_visible_logins(host: HostFolder) -> None:
    for pid, uid in ((300, 1000), (301, 1001)):
        host.process(pid, "sshd", ses=pid, loginuid=uid)
    text = "2023-11-14T22:14:20+00:00 web1 sshd[{}]: Accepted password for {} from 203.0.113.7 port 9 ssh2\n"
    host.write("var/log/auth.log", text.format(300, "alice") + text.format(301, "bob") + text.format(302, "eve"))
    for caller, names in ((ROOT, ["alice", "bob"]), (user(1000), ["alice"])):
        snapshot = whole(broker.recordable_snapshot(host.request(caller)))
        assert [line.user for line in snapshot.authentications] == names


def test_arguments_are_recorded_at_any_length() -> None:
    memory = Memory(example.snapshot())
    whole(broker.recordable_snapshot(memory.request(ROOT)))
    assert memory.asked.processes[-1].max_cmdline_bytes >= 6 << 20


def test_a_recording_by_a_user_says_that_it_is_partial() -> None:
    trouble = Trouble("x", "y", "z")
    snapshot = example.snapshot()._replace(troubles=[trouble])
    recording = whole(broker.recordable_snapshot(Memory(snapshot).request(user(1000))))
    assert recording.troubles == [
        trouble,
        Trouble("this recording", "made by uid 1000: it holds only the logon sessions of that user", "record as root"),
    ]
    assert {login.id for login in recording.logins} == {"41", "user@1000.service"}
    assert {process.pid for process in recording.processes} == {4100, 4120, 4150, 4151, 4300, 4312}
    assert recording.sockets == ()


LATE = Trouble("the name service (NSS)", "no answer", "restart it")


class SilentNameService(Memory):
    """A host that reports a trouble when its accounts are read."""

    def accounts(self, look: Look, query: AccountQuery) -> tuple[Iterator[Account], Iterator[Group]]:
        users, groups = super().accounts(look, query)
        return self._report(look, users), groups

    def _report(self, look: Look, users: Iterator[Account]) -> Iterator[Account]:
        yield from users
        look.report(LATE)


@pytest.mark.parametrize("caller", [ROOT, user(1000)])
def test_a_trouble_of_what_is_read_while_the_file_is_written_is_recorded(tmp_path: Path, caller: Caller) -> None:
    path, look = str(tmp_path / "late.lsr"), Look()
    save_recording(
        broker.recordable_snapshot(SilentNameService(example.snapshot()).request(caller)), path, replace=False
    )
    RecordedSource.open(path).machine(look)
    assert LATE in look.troubles


def test_of_a_process_in_a_hidden_logon_session_its_place_is_left_out() -> None:
    lent = Process(
        7, ses=99, loginuid=1001, cgroup="/user.slice/user-1001.slice/session-99.scope", comm="sudo", name="sudo",
        state="S", ppid=1, tgid=7, start=1, uids=(ALICE,) * 4, cmdline=b"x\0", sockets=(),
    )  # fmt: skip
    snapshot = example.snapshot()._replace(processes=(lent,))
    (recorded,) = broker.recordable_snapshot(Memory(snapshot).request(user(ALICE))).processes
    assert (recorded.ses, recorded.loginuid, recorded.cgroup) == (None, None, None)
    assert recorded.unread is not None
    assert recorded.unread.keys() == {"ses", "loginuid", "cgroup"}
    assert recorded.cmdline == b"x\0"


def test_ones_own_sockets_are_recorded() -> None:
    mine = example.BY_PID[4312]._replace(uids=(1000,) * 4)
    snapshot = example.snapshot()._replace(processes=(mine,))
    assert broker.recordable_snapshot(Memory(snapshot).request(user(1000))).sockets == example.SOCKETS
    assert broker.recordable_snapshot(Memory(snapshot).request(user(1001))).sockets == ()


class Directory(Memory):
    """The example host, whose accounts are known by uid, and listed but for those of people."""

    def account(self, look: Look, uid: int) -> Account | None:
        del look
        return example.ACCOUNTS.get(uid)


def test_accounts_that_no_name_service_lists_are_those_of_whom_the_recording_tells() -> None:
    listed = tuple(account for account in example.ACCOUNTS.values() if account.uid < 1000)
    host = Directory(example.snapshot()._replace(users=listed))
    for caller, names in (
        (ROOT, ["root", "postgres", "alice", "bob"]),
        (user(1000), ["root", "postgres", "alice"]),
        (user(1001), ["root", "postgres", "bob"]),
    ):
        assert [account.name for account in whole(broker.recordable_snapshot(host.request(caller))).users] == names


def test_the_state_of_passwords_is_recorded_for_administrators_alone() -> None:
    known = Account("alice", ALICE, ALICE, "", "/home/alice", "/bin/sh", True, "locked", 0, 90, False)
    snapshot = example.snapshot()._replace(users=(known,))
    for caller, recorded in ((ROOT, known), (user(ALICE), known._replace(
        password=None, password_min_days=None, password_max_days=None, expired=None,
    ))):  # fmt: skip
        recording = whole(broker.recordable_snapshot(Memory(snapshot).request(caller)))
        assert [account for account in recording.users if account.uid == ALICE] == [recorded]
