"""Tests of providers/session_process.py: every process is in its logon session, and each pair can be read by key."""

import pytest

import logonscope
from logonscope.client import LocalHost
from logonscope.errors import NotFoundError
from logonscope.ownership import LINUX
from logonscope.sources.recording import save_recording
from tests.broker.memory import Memory
from tests.hosts import ROOT, HostFolder, user
from tests.kernel import Nursery, kernel_id, require_logins
from tests.providers.asked import SNAPSHOT, at, everything, one, pair, rough, values, web1

SYSTEM, SU = "4294967295", "4294967297"
LOGON_IDS = {
    1: SYSTEM, 2: SYSTEM, 650: SYSTEM, 700: SYSTEM, 3900: SU, 3901: SU, 3990: "37", 3991: "37", 4100: "41", 4120: "42",
    4150: "41", 4151: "41", 4300: "41", 4312: "41", 6000: "63", 6001: "63",
}  # fmt: skip


def session(logon_id: str) -> str:
    """Return a reference to a logon session."""
    return at(f'Win32_LogonSession.LogonId="{logon_id}"')


def process(pid: int) -> str:
    """Return a reference to a process."""
    return at(f'Win32_Process.Handle="{pid}"')


def path(logon_id: str, pid: int) -> str:
    """Return the path of a pair, as a person writes it."""
    return pair("Win32_SessionProcess", Antecedent=f'Win32_LogonSession="{logon_id}"', Dependent=f"Win32_Process={pid}")


def test_every_process_is_in_one_logon_session() -> None:
    assert everything(web1(), "Win32_SessionProcess", "Antecedent", "Dependent") == [
        (session(logon_id), process(pid)) for pid, logon_id in LOGON_IDS.items()
    ]


def test_a_pair_is_found_by_its_path_and_no_other_is() -> None:
    assert one(web1(), path("41", 4312), "Dependent") == process(4312)
    for logon_id, pid in (("37", 4312), ("41", 4313), ("44", 4312), ("041", 4312)):
        with pytest.raises(NotFoundError):
            web1().get(path(logon_id, pid))


def test_from_one_end_the_other_is_found() -> None:
    processes = web1().associators("Win32_LogonSession=37", assoc_class="Win32_SessionProcess")
    assert values(processes, "Handle", "Name") == [("3990", "tmux: server"), ("3991", "python3")]
    sessions = web1().associators("Win32_Process=3991", assoc_class="Win32_SessionProcess")
    assert values(sessions, "LogonId", "LogonType") == [("37", None)]


def test_the_pair_of_a_process_touches_that_process_alone() -> None:
    memory = Memory(SNAPSHOT)
    assert len(list(LocalHost(memory, LINUX, ROOT, save_recording).references("Win32_Process=4312"))) == 2
    assert set(memory.asked.pids) == {4312}


def test_what_is_unknown_or_hidden_is_in_no_pair(host: HostFolder) -> None:
    pairs = everything(rough(host), "Win32_SessionProcess", "Dependent")
    assert sorted(pairs) == [process(pid) for pid in (1, 10, 11, 12, 13, 2)]
    bobs = everything(web1(user(1001)), "Win32_SessionProcess", "Dependent")
    assert bobs == [process(3990), process(3991)]


def test_a_process_that_ends_while_others_are_read_is_in_no_pair(host: HostFolder) -> None:
    for pid in range(100, 200):
        host.process(pid)
    pairs = host.connect().enumerate("Win32_SessionProcess", ["Dependent"])
    first = next(pairs).Dependent
    for pid in range(100, 200):
        if str(pid) not in first:
            host.end(pid)
    assert set(values(pairs, "Dependent")) <= {process(1)}


def test_the_kernel_says_the_same() -> None:
    require_logins()
    with Nursery() as nursery:
        for pid in nursery.login(64_000, 3):
            logon_id = str(kernel_id(pid))
            assert logonscope.connect().get(path(logon_id, pid)).Antecedent == session(logon_id)
