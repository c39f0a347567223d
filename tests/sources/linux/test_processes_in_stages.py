"""Tests of sources/linux/processes.py: each stage of a reading opens only its own files, and each file once."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from logonscope.errors import TimedOutError
from logonscope.facts import ALL_FACTS, FACTS_OF_FILE, Process
from logonscope.machine import Deadline, EarlyFilter, LogonHint, Look, ProcessQuery
from logonscope.sources.linux.processes import MAX_CHAIN_LENGTH, TIMEOUT
from tests.hosts import HostFolder
from tests.sources.linux.reading import REGULAR, SCOPE, alice, on_opening

pytestmark = pytest.mark.usefixtures("promptly")


# Early filters


def sifted(host: HostFolder, facts: set[str], first: set[str], *pids: int, **query: Any) -> list[Process]:
    """Read facts of the processes with these pids; return what was asked of each, with the first facts alone."""
    asked: list[Process] = []

    def keeps(process: Process) -> bool:
        asked.append(process)
        return process.pid in pids

    found = host.read(*facts, early_filter=EarlyFilter(frozenset(first), keeps), **query)
    assert sorted(found) == sorted(pids)
    return asked


def test_of_a_process_that_is_not_wanted_only_what_decides_is_read(host: HostFolder) -> None:
    alice(host, 10, 11)
    for pid in (1, 11):
        host.trap(pid, *set(REGULAR) - {"sessionid", "cgroup"})
    asked = sifted(host, {"ses", "uids", "name", "cgroup", "cmdline"}, {"ses", "cgroup"}, 10)
    assert [(process.pid, process.cgroup, process.uids, process.comm) for process in sorted(asked)] == [
        (1, "/init.scope", None, None), (10, SCOPE, None, None), (11, SCOPE, None, None),
    ]  # fmt: skip


def test_a_file_is_opened_once_whether_it_decides_or_not(host: HostFolder) -> None:
    alice(host, 10)
    stat = (host.root / "proc/10/stat").read_bytes()
    with on_opening(host, "proc/10/stat", lambda: None, stat):
        sifted(host, {"comm", "ppid", "state", "uids"}, {"ppid"}, 10, pids=frozenset({10}))


def test_where_the_pid_decides_nothing_is_opened_of_the_others(host: HostFolder) -> None:
    alice(host, 10, 11)
    for pid in (1, 11):
        host.trap(pid, *REGULAR)
    assert [process.pid for process in sorted(sifted(host, {"uids"}, set(), 10))] == [1, 10, 11]
    host.trap(10, *set(REGULAR) - {"sessionid"})
    sifted(host, {"ses"}, set(), 10)


def test_no_name_is_looked_up_if_all_facts_are_read(host: HostFolder) -> None:
    alice(host, 10)
    assert sifted(host, {"ppid", "comm"}, {"ppid"}, 1, 10) == []
    assert sifted(host, {"name"}, {"name"}, 1, 10) == []


def test_the_narrowing_is_known_before_names_are_looked_up(host: HostFolder) -> None:
    alice(host, 10)
    host.process(20, "bash", ses=42, loginuid=1001)
    host.process(30, "cron", ses=41)
    (process,) = sifted(
        host, {"uids"}, {"ses"}, 10, names=frozenset({"BASH"}), logon_hint=LogonHint(kernel_ids=frozenset({41}))
    )
    assert (process.pid, process.ses, process.comm, process.uids) == (10, 41, "bash", None)


def test_what_decides_need_not_be_requested(host: HostFolder) -> None:
    alice(host, 10)
    found = host.read("uids", early_filter=EarlyFilter(frozenset({"comm"}), lambda process: process.comm == "bash"))
    assert {pid: process.uids for pid, process in found.items()} == {10: (1000,) * 4}


def test_hanging_arguments_are_read_of_selected_processes_only(host: HostFolder) -> None:
    alice(host, 10, 11)
    host.trap(1, "cmdline")
    host.trap(11, "cmdline")
    began = time.monotonic()
    sifted(host, {"comm", "cmdline"}, {"comm"}, 10)
    assert time.monotonic() - began < TIMEOUT


READ_ONCE = ALL_FACTS - set(FACTS_OF_FILE["status: Cap"])
"""All facts but the capabilities, for which status is opened once more."""


@contextmanager
def opened_once(host: HostFolder, pid: int, *files: str) -> Iterator[None]:
    """Let files of a process be read once: whoever opens one of them again waits for ever."""
    with ExitStack() as stack:
        for file in files:
            path = f"proc/{pid}/{file.replace('PID', str(pid))}"
            stack.enter_context(on_opening(host, path, lambda: None, (host.root / path).read_bytes()))
        yield


ALICES = LogonHint(kernel_ids=frozenset({41}), login_uids=frozenset({1000}))
STAGES: dict[str, dict[str, Any]] = {
    "one stage": {},
    "names": {"names": frozenset({"bash"})},
    "a hint": {"logon_hint": ALICES},
    "names and a hint": {"names": frozenset({"bash"}), "logon_hint": ALICES},
    "an early filter": {"early_filter": EarlyFilter(frozenset({"ppid", "uids", "ses"}), lambda _: True)},
    "an early filter of names": {"early_filter": EarlyFilter(frozenset({"name", "cgroup"}), lambda _: True)},
    "an early filter of login uids": {"early_filter": EarlyFilter(frozenset({"loginuid", "rchar"}), lambda _: True)},
    "all of them": {
        "names": frozenset({"bash"}), "logon_hint": ALICES,
        "early_filter": EarlyFilter(frozenset({"cmdline"}), lambda _: True),
    },
}  # fmt: skip


@pytest.mark.parametrize("stages", STAGES)
@pytest.mark.parametrize("pids", [None, frozenset({10})], ids=["all", "one"])
def test_each_file_is_opened_at_most_once_in_whatever_stages(
    host: HostFolder, stages: str, pids: frozenset[int] | None
) -> None:
    alice(host, 10)
    whole = host.read(*READ_ONCE, pids=frozenset({10}))
    with opened_once(host, 10, *set(REGULAR) - {"sessionid"}):  # which is read again beside the login uid
        assert host.read(*READ_ONCE, pids=pids, **STAGES[stages])[10] == whole[10]


@pytest.mark.parametrize("stages", ["one stage", "names", "an early filter", "an early filter of names"])
def test_the_kernel_id_is_opened_once_where_the_login_uid_is_not_read(host: HostFolder, stages: str) -> None:
    alice(host, 10)
    with opened_once(host, 10, *set(REGULAR) - {"loginuid"}):
        found = host.read(*READ_ONCE - {"loginuid"}, pids=frozenset({10}), **STAGES[stages])
    assert (found[10].ses, found[10].loginuid, found[10].comm) == (41, None, "bash")


@pytest.mark.parametrize(
    ("decides", "query"),
    [
        ({"stat"}, {"names": frozenset({"sshd"}), "logon_hint": ALICES}),
        ({"sessionid"}, {"logon_hint": LogonHint(kernel_ids=frozenset({42}))}),
        ({"sessionid", "loginuid"}, {"logon_hint": LogonHint(login_uids=frozenset({1001}))}),
        ({"stat", "sessionid"}, {"names": frozenset({"bash"}), "logon_hint": LogonHint(kernel_ids=frozenset({42}))}),
        (
            {"stat", "io"},
            {"names": frozenset({"bash"}), "early_filter": EarlyFilter(frozenset({"rchar"}), lambda _: False)},
        ),
    ],
)
@pytest.mark.parametrize("pids", [None, frozenset({10})], ids=["all", "one"])
def test_what_rules_a_process_out_opens_its_own_files_alone(
    host: HostFolder, decides: set[str], query: dict[str, Any], pids: frozenset[int] | None
) -> None:
    alice(host, 10)
    host.trap(10, *set(REGULAR) - decides)
    assert 10 not in host.read(*ALL_FACTS, pids=pids, **query)


# Parents


def test_parents_come_nearest_first_and_their_own_files_alone_are_opened(host: HostFolder) -> None:
    for pid, ppid in ((10, 1), (11, 10), (12, 1)):
        host.process(pid, ppid=ppid)
    host.trap(12, *REGULAR)
    for pid in (1, 10, 11):
        host.trap(pid, *set(REGULAR) - {"stat"})
    found = host.read("comm", pids=frozenset({11}), with_ancestors=True)
    assert [(pid, process.comm) for pid, process in found.items()] == [(11, "sleep"), (10, "sleep"), (1, "systemd")]
    assert list(host.read(pids=frozenset({11}), with_ancestors=True)) == [11, 10, 1]
    assert host.read(pids=frozenset({99}), with_ancestors=True) == {}


def test_parents_that_go_round_in_a_circle_or_without_end_are_cut(host: HostFolder) -> None:
    host.process(2, ppid=3)
    host.process(3, ppid=2)
    assert list(host.read(pids=frozenset({2}), with_ancestors=True)) == [2, 3]
    for pid in range(10, 20 + MAX_CHAIN_LENGTH):
        host.process(pid, ppid=pid + 1)
    assert list(host.read(pids=frozenset({10}), with_ancestors=True)) == list(range(10, 10 + MAX_CHAIN_LENGTH))


def test_a_parent_that_is_gone_ends_the_chain(host: HostFolder) -> None:
    host.process(10, ppid=9)
    assert list(host.read(pids=frozenset({10}), with_ancestors=True)) == [10]


def test_parents_are_not_read_once_the_time_is_over(host: HostFolder) -> None:
    host.process(10)
    deadline = Deadline(60)
    query = ProcessQuery(pids=frozenset({10}), with_ancestors=True)
    found = host.source.processes(Look(deadline), query)
    assert next(found).pid == 10
    deadline.cancel()
    with pytest.raises(TimedOutError):
        next(found)
