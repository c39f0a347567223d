"""Tests of sources/linux/processes.py: facts are complete, of one process, and no more files are read than needed."""

import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from logonscope.errors import ServerTooBusyError
from logonscope.facts import ALL_FACTS, UNSET, Process
from logonscope.machine import EarlyFilter, LogonHint, Look, ProcessQuery
from logonscope.machine.trouble import NOT_TRIED
from logonscope.sources.linux.hung_reads import MAX_HUNG_READS_PER_USER
from logonscope.sources.linux.process_files import FILES, File
from logonscope.sources.linux.processes import MAX_LINEAGE_LENGTH, NO_ANSWER, TIMEOUT, Reader, read_processes
from tests.hosts import HostFolder, session_scope
from tests.lab.systemd import wait_until
from tests.sources.linux.reading import REGULAR, SCOPE, alice, on_opening

pytestmark = pytest.mark.usefixtures("promptly")

OWN = {"pgrp", "sid", "start", "tgid", "name"}
"""Facts in which two processes differ, and the name, which two files give."""

CUT = "gnome-terminal-"
WHOLE = "gnome-terminal-server"


# What is opened


def test_without_facts_no_file_is_opened(host: HostFolder) -> None:
    alice(host, 10, 11)
    for pid in (1, 10, 11):
        host.trap(pid, *REGULAR)
    assert sorted(host.read()) == [1, 10, 11]


@pytest.mark.parametrize("file", [file for file in FILES if file.name in REGULAR], ids=lambda file: file.name)
@pytest.mark.parametrize("pids", [None, frozenset({10})], ids=["all", "one"])
def test_a_fact_opens_its_own_file_alone(host: HostFolder, file: File, pids: frozenset[int] | None) -> None:
    alice(host, 10)
    opened = {file.name, "sessionid"} if file.name in {"loginuid", "cgroup"} else {file.name}
    for pid in (1, 10):
        host.trap(pid, *set(REGULAR) - opened)
    found = host.read(*file.facts, pids=pids)[10]
    assert found.unread is None
    assert None not in [getattr(found, fact) for fact in file.facts]


def test_the_cgroup_is_read_of_the_kernel_ids_that_need_it_alone(host: HostFolder) -> None:
    alice(host, 10)
    host.process(20, cgroup="/system.slice/cron.service")
    host.trap(10, *set(REGULAR) - {"sessionid"})
    found = host.read("ses", "cgroup", logon_hint=LogonHint(kernel_ids_needing_cgroup=frozenset({UNSET})))
    assert (found[10].ses, found[10].cgroup) == (41, None)
    assert (found[20].ses, found[20].cgroup) == (UNSET, "/system.slice/cron.service")


def test_a_kernel_id_that_is_not_requested_ends_the_reading(host: HostFolder) -> None:
    alice(host, 10, 11)
    host.process(20, ses=42)
    for pid in (1, 20):
        host.trap(pid, *set(REGULAR) - {"sessionid"})
    assert sorted(host.read("ses", "cgroup", logon_hint=LogonHint(kernel_ids=frozenset({41})))) == [10, 11]
    assert sorted(host.read("ses", "cgroup", "uids", "name", logon_hint=LogonHint(kernel_ids=frozenset({41})))) == [
        10,
        11,
    ]


def test_other_pids_are_not_touched(host: HostFolder) -> None:
    alice(host, 10, 11, 12)
    host.trap(1, *REGULAR)
    host.trap(12, *REGULAR)
    assert sorted(host.read(*ALL_FACTS, pids=frozenset({10, 11, 99}))) == [10, 11]


def test_a_name_costs_the_arguments_only_where_the_kernel_cut_it(host: HostFolder) -> None:
    alice(host, 10)
    host.process(20, CUT, cmdline=f"/usr/libexec/{WHOLE}\0".encode())
    host.trap(10, *set(REGULAR) - {"stat"})
    found = host.read("name")
    assert {pid: process.name for pid, process in found.items()} == {1: "systemd", 10: "bash", 20: WHOLE}


def test_the_login_uid_is_read_once_for_each_kernel_id(host: HostFolder) -> None:
    alice(host, 10, 11, 12)
    host.process(13, ses=42, loginuid=1001)
    host.process(14)
    for pid in (11, 12, 14):
        host.trap(pid, "loginuid")
    found = host.read("loginuid", pids=frozenset({1, 10, 11, 12, 13, 14}))
    assert {pid: process.loginuid for pid, process in found.items()} == {
        1: UNSET, 10: 1000, 11: 1000, 12: 1000, 13: 1001, 14: UNSET,
    }  # fmt: skip


def test_a_login_uid_that_cannot_be_read_spoils_no_other(host: HostFolder) -> None:
    alice(host, 10, 11)
    host.spoil(10, "loginuid")
    found = host.read("loginuid", pids=frozenset({10, 11}))
    assert [found[pid].loginuid for pid in (10, 11)] == [None, 1000]
    assert found[10].unread == {"loginuid": "Is a directory"}


@pytest.mark.parametrize("facts", [("ses",), ("ses", "uids", "name")])
def test_another_login_uid_ends_the_reading_unless_it_does_not_say_whose_logon_session_it_is(
    host: HostFolder, facts: tuple[str, ...]
) -> None:
    alice(host, 10)
    host.process(20, ses=42, loginuid=1001)
    host.process(21, ses=42, loginuid=1001)
    host.process(30, ses=43, loginuid=1001)
    for pid in (20, 21):
        host.trap(pid, *set(REGULAR) - {"sessionid", "loginuid"})
    hint = LogonHint(login_uids=frozenset({1000}), kernel_ids_of_any_uid=frozenset({UNSET, 43}))
    assert sorted(host.read(*facts, logon_hint=hint)) == [1, 10, 30]


def test_without_free_descriptors_nothing_is_returned() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        with suppress(OSError):
            while True:
                opened.append(os.open("/dev/null", os.O_RDONLY))
        for _ in range(3):  # the folder of /proc, that of a process and a file need one each
            with pytest.raises(ServerTooBusyError, match="too many open files"):
                list(read_processes("/proc", Look(), ProcessQuery(frozenset({"ses", "uids", "sockets", "fds"}))))
            os.close(opened.pop())
    finally:
        for handle in opened:
            os.close(handle)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# Processes that end


def test_a_process_that_ends_half_way_is_left_out(host: HostFolder) -> None:
    alice(host, 10, 11, 12)
    with on_opening(host, "proc/11/sessionid", lambda: host.end(11), b"41"):
        assert sorted(host.read("ses", "uids", pids=frozenset({10, 11, 12}))) == [10, 12]


def test_a_process_that_ends_between_kernel_id_and_cgroup_is_left_out(host: HostFolder) -> None:
    alice(host, 10, 11, 12)
    with on_opening(host, "proc/11/sessionid", lambda: host.end(11), b"41"):
        assert sorted(host.read("ses", "cgroup", pids=frozenset({10, 11, 12}))) == [10, 12]


def test_a_pid_that_is_given_out_again_half_way_never_mixes_two_processes(host: HostFolder) -> None:
    alice(host, 10)

    def give_out_again() -> None:
        (host.root / "proc/10").rename(host.root / "proc/ended")
        host.process(10, "sh", ses=42, loginuid=1001, uid=1001, cgroup=session_scope(1001, "42"))

    with on_opening(host, "proc/10/sessionid", give_out_again, b"41"):
        found = host.read("ses", "uids", "cgroup", "comm", pids=frozenset({10}))[10]
    assert (found.ses, found.comm, found.uids, found.cgroup) == (41, "bash", (1000,) * 4, SCOPE)


@contextmanager
def logging_in(host: HostFolder, pid: int, *, after: int = UNSET) -> Iterator[None]:
    """Let a process log in as 42 of uid 1001 while its login uid is read: just before, or just after it was unset."""

    def log_in() -> None:
        host.write(f"proc/{pid}/sessionid", "42")
        (host.root / f"proc/{pid}/loginuid").unlink()
        host.write(f"proc/{pid}/loginuid", "1001")

    with on_opening(host, f"proc/{pid}/loginuid", log_in, str(after).encode()):
        yield


@pytest.mark.parametrize("after", [1001, UNSET])
def test_a_process_that_logs_in_between_two_readings_is_not_given_half_of_each(host: HostFolder, after: int) -> None:
    for pid in (10, 11):
        host.process(pid)
    with logging_in(host, 10, after=after):
        found = host.read("loginuid", pids=frozenset({10, 11}))
    assert [(found[pid].ses, found[pid].loginuid) for pid in (10, 11)] == [(42, 1001), (UNSET, UNSET)]


@pytest.mark.parametrize(("uid", "found"), [(1001, {10: (42, 1001)}), (1000, {})])
def test_a_process_that_logs_in_half_way_is_wanted_as_what_it_became(
    host: HostFolder, uid: int, found: dict[int, tuple[int, int]]
) -> None:
    host.process(10)
    with logging_in(host, 10):
        read = host.read("comm", pids=frozenset({10}), logon_hint=LogonHint(login_uids=frozenset({uid})))
    assert {pid: (process.ses, process.loginuid) for pid, process in read.items()} == found


def test_a_process_that_logs_in_half_way_has_its_place_read_as_what_it_became(host: HostFolder) -> None:
    host.process(10, cgroup=SCOPE)
    host.trap(10, "cgroup")
    with logging_in(host, 10):
        query: dict[str, Any] = {
            "pids": frozenset({10}),
            "logon_hint": LogonHint(kernel_ids_needing_cgroup=frozenset({UNSET})),
        }
        found = host.read("loginuid", "cgroup", **query)[10]
    assert (found.ses, found.loginuid, found.cgroup, found.unread) == (42, 1001, None, None)


# What cannot be read


@pytest.mark.parametrize("file", [file for file in FILES if file.name in REGULAR], ids=lambda file: file.name)
def test_what_cannot_be_read_is_none_with_its_reason(host: HostFolder, file: File) -> None:
    alice(host, 10, 11)
    host.spoil(10, file.name)
    whole, spoilt = host.read(*ALL_FACTS, pids=frozenset({11}))[11], host.read(*ALL_FACTS, pids=frozenset({10}))[10]
    lost = {fact for fact in ALL_FACTS if getattr(spoilt, fact) != getattr(whole, fact)}
    # a file may be read for several rows of the table
    facts = [fact for row in FILES if row.name.partition(":")[0] == file.name for fact in row.facts]
    assert lost - OWN == set(facts) - OWN
    assert spoilt.unread == dict.fromkeys(facts, "Is a directory")


def test_content_that_is_cut_short_is_none_with_its_reason(host: HostFolder) -> None:
    alice(host, 10)
    for file in ("io", "status", "statm"):
        host.write(f"proc/10/{file}", "Uid:")
    found = host.read("comm", "uids", "rchar", "resident")[10]
    assert (found.comm, found.uids, found.rchar, found.resident) == ("bash", None, None, None)
    assert set(found.unread or ()) >= {"uids", "rchar", "resident"}


def test_without_audit_there_are_no_kernel_ids_and_all_else(host: HostFolder) -> None:
    alice(host, 10)
    for pid in (1, 10):
        (host.root / f"proc/{pid}/sessionid").unlink()
        (host.root / f"proc/{pid}/loginuid").unlink()
    for found in (host.read("ses", "cgroup")[10], host.read("ses", "loginuid", "cgroup", "comm")[10]):
        assert (found.ses, found.loginuid, found.cgroup) == (None, None, SCOPE)
        assert (found.unread or {})["ses"] == "No such file or directory"
    assert sorted(host.read("ses", logon_hint=LogonHint(kernel_ids=frozenset({41})))) == [1, 10]


@pytest.mark.parametrize("why", ["No such file or directory", "Is a directory"])
def test_a_kernel_id_that_cannot_be_read_gives_no_process_the_login_uid_of_another(host: HostFolder, why: str) -> None:
    alice(host, 10)
    host.process(11, ses=42, loginuid=1001)
    host.spoil(10, "sessionid")
    host.spoil(11, "sessionid")
    if why != "Is a directory":
        for pid in (10, 11):
            (host.root / f"proc/{pid}/sessionid").rmdir()
    found = host.read("loginuid", pids=frozenset({10, 11}))
    assert [(found[pid].ses, found[pid].loginuid) for pid in (10, 11)] == [(None, 1000), (None, 1001)]
    assert [found[pid].unread for pid in (10, 11)] == [{"ses": why}] * 2


def test_a_zombie_has_a_kernel_id_and_no_arguments(host: HostFolder) -> None:
    host.process(10, "defunct", ses=41, loginuid=1000, cmdline=b"", state="Z")
    found = host.read(*ALL_FACTS)[10]
    assert (found.ses, found.loginuid, found.state, found.cmdline, found.name) == (41, 1000, "Z", b"", "defunct")
    assert (found.exe, found.unread) == (None, {"exe": "No such file or directory"})


# Names


def test_names_filter_by_the_whole_name_and_by_the_kernels(host: HostFolder) -> None:
    host.process(10, "sshd")
    host.process(11, CUT, cmdline=f"/usr/libexec/{WHOLE}\0".encode())
    host.process(12, CUT, cmdline=b"gnome-terminal-prefs\0")
    host.process(13, "sshd-session")
    assert sorted(host.read("name", names=frozenset({"sshd"}))) == [10]
    assert sorted(host.read("name", names=frozenset({WHOLE}))) == [11]
    assert sorted(host.read("name", names=frozenset({CUT}))) == [11, 12]
    assert sorted(host.read("name", names=frozenset({"sshd", WHOLE}))) == [10, 11]
    assert host.read("name", names=frozenset({"sysd"})) == {}


def test_another_name_ends_the_reading(host: HostFolder) -> None:
    alice(host, 10)
    host.trap(10, *set(REGULAR) - {"stat"})
    everything = {"name", "ses", "loginuid", "cgroup", "uids", "cmdline"}
    assert host.read(*everything, names=frozenset({"systemd"})).keys() == {1}


@pytest.mark.parametrize("name", ["kworker/u8:2-events_unbound", "rcu_tasks_kthread"])
def test_a_kernel_thread_with_a_long_name_is_found_by_it(host: HostFolder, name: str) -> None:
    host.process(30, name, ppid=2, cmdline=b"")
    assert host.read("name", names=frozenset({name}))[30].name == name


def test_a_name_that_was_cut_within_a_character_is_found_by_it(host: HostFolder) -> None:
    host.process(30, "éééééééé".encode()[:15], cmdline="/opt/éééééééé\0".encode())
    assert host.read("name", names=frozenset({"éééééééé"}))[30].name == "éééééééé"


# Arguments


def test_arguments_are_read_whole_up_to_the_limit(host: HostFolder) -> None:
    long = b"x" * 200_000 + b"\0last\0"
    host.process(10, "long", cmdline=long)
    assert host.read("cmdline", max_cmdline_bytes=1 << 20)[10].cmdline == long
    assert host.read("cmdline", max_cmdline_bytes=131_072)[10].cmdline == long[:131_072]
    assert host.read("cmdline", max_cmdline_bytes=100)[10].cmdline == long[:100]


def test_arguments_that_hang_cost_their_own_value_alone(host: HostFolder) -> None:
    pids = range(10, 210)
    alice(host, *pids)
    host.trap(77, "cmdline")
    found = host.read("ses", "cmdline", "exe", "uids")
    assert sorted(found) == [1, *pids]
    reason = {"cmdline": f"no answer within {TIMEOUT:g} s"}
    assert found[77] == found[78]._replace(pid=77, tgid=77, cmdline=None, unread=reason)
    assert all(process.cmdline == b"bash\0" for pid, process in found.items() if pid not in {1, 77})


@pytest.mark.parametrize("pids", [None, frozenset({10})], ids=["all", "one"])
def test_arguments_that_hang_are_waited_for_once_though_the_name_needs_them_too(
    host: HostFolder, pids: frozenset[int] | None
) -> None:
    host.process(10, CUT)
    host.trap(10, "cmdline")
    began = time.monotonic()
    found = host.read("name", "cmdline", "uids", pids=pids)[10]
    assert TIMEOUT <= time.monotonic() - began < 1.5 * TIMEOUT
    assert (found.name, found.cmdline, found.uids) == (CUT, None, (0,) * 4)
    hangs = f"no answer within {TIMEOUT:g} s"
    assert found.unread == {"cmdline": hangs, "name": f"{hangs}: cut at 15 bytes"}


def test_one_process_whose_arguments_do_not_hang_is_read_beside_one_whose_do(host: HostFolder) -> None:
    alice(host, 10, 11, 12)
    host.trap(11, "cmdline")
    found = host.read("cmdline", "uids", pids=frozenset({10, 11, 12}))
    assert [found[pid].cmdline for pid in (10, 11, 12)] == [b"bash\0", None, b"bash\0"]
    assert {process.uids for process in found.values()} == {(1000,) * 4}


def test_without_files_that_can_hang_a_process_is_read_in_the_thread_that_asks(host: HostFolder) -> None:
    alice(host, 10)
    threads: list[threading.Thread] = []

    def keeps(_: Process) -> bool:
        threads.append(threading.current_thread())
        return True

    host.read("ses", "uids", pids=frozenset({10}), early_filter=EarlyFilter(frozenset({"uids"}), keeps))
    assert threads == [threading.current_thread()]


def test_where_the_arguments_of_one_hang_less_time_is_given_to_those_of_its_parents(host: HostFolder) -> None:
    host.process(10)
    host.process(11, ppid=10)
    for pid in (1, 10, 11):
        host.trap(pid, "cmdline")
    began = time.monotonic()
    found = host.read("cmdline", "uids", pids=frozenset({11}), with_ancestors=True)
    assert TIMEOUT <= time.monotonic() - began < 1.5 * TIMEOUT
    assert [(pid, process.cmdline, process.uids) for pid, process in found.items()] == [
        (11, None, (0,) * 4), (10, None, (0,) * 4), (1, None, (0,) * 4),
    ]  # fmt: skip
    assert {(process.unread or {})["cmdline"] for process in found.values()} == {f"no answer within {TIMEOUT:g} s"}


def test_ancestors_of_one_kernel_id_are_read_as_one(host: HostFolder) -> None:
    for pid, ppid, ses in ((10, 1, UNSET), (11, 10, UNSET), (12, 11, 41), (13, 12, 41), (14, 13, 41)):
        host.process(pid, ppid=ppid, ses=ses)
    reader = Reader(str(host.root / "proc"), ProcessQuery(frozenset({"ses", "ppid", "start"})))
    end = time.monotonic() + TIMEOUT
    # reads of other tests may still hang, so that each process is read by itself
    while [process.pid for process in reader.read_lineage(14)] != [14, 13, 12, 11]:
        assert time.monotonic() < end
    assert [process.pid for process in reader.read_lineage(14, max_processes=2)] == [14, 13]
    assert [process.pid for process in reader.read_lineage(11)] == [11, 10, 1]
    assert reader.read_lineage(4711) == []
    found = host.read("ses", "start", pids=frozenset({14}), with_ancestors=True)
    assert list(found) == [14, 13, 12, 11, 10, 1]


def test_a_call_reads_at_most_so_many_of_a_long_lineage(host: HostFolder) -> None:
    pids = range(10, 10 + MAX_LINEAGE_LENGTH + 3)
    for pid in pids:
        host.process(pid, ppid=pid - 1 if pid > 10 else 1, ses=41)
    reader = Reader(str(host.root / "proc"), ProcessQuery(frozenset({"ses", "ppid", "start"})))
    nearest = [*reversed(pids)][:MAX_LINEAGE_LENGTH]
    # reads of other tests may still hang, so that each process is read by itself
    wait_until(lambda: [process.pid for process in reader.read_lineage(pids[-1])] == nearest)
    found = host.read("ses", "start", pids=frozenset({pids[-1]}), with_ancestors=True)
    assert list(found) == [*reversed(pids), 1]


def test_of_ancestors_whose_arguments_hang_the_others_are_read(host: HostFolder) -> None:
    for pid, ppid in ((10, 1), (11, 10), (12, 11), (13, 12)):
        host.process(pid, ppid=ppid, ses=41)
    host.trap(11, "cmdline")
    began = time.monotonic()
    found = host.read("ses", "cmdline", "uids", pids=frozenset({13}), with_ancestors=True)
    assert TIMEOUT <= time.monotonic() - began < 1.5 * TIMEOUT
    assert [(pid, process.cmdline is None, process.uids) for pid, process in found.items()] == [
        (13, False, (0,) * 4), (12, False, (0,) * 4), (11, True, (0,) * 4), (10, False, (0,) * 4), (1, False, (0,) * 4),
    ]  # fmt: skip


@pytest.mark.parametrize("pids", [None, frozenset({11, 50})], ids=["all", "some"])
def test_arguments_that_are_not_tried_because_others_hang_say_so(host: HostFolder, pids: frozenset[int] | None) -> None:
    alice(host, *range(11, 12 + MAX_HUNG_READS_PER_USER))
    host.process(50, CUT, uid=1000)
    for pid in range(11, 11 + MAX_HUNG_READS_PER_USER):
        host.trap(pid, "cmdline")
    host.read("cmdline", "name", "uids")
    found = host.read("cmdline", "name", "uids", pids=pids)
    assert found[11].unread == {"cmdline": NO_ANSWER}
    assert found[50].unread == {"cmdline": NOT_TRIED, "name": f"{NOT_TRIED}: cut at 15 bytes"}


def test_a_name_whose_completion_hangs_stays_as_the_kernel_cut_it(host: HostFolder) -> None:
    host.process(10, CUT)
    host.trap(10, "cmdline")
    assert host.read("name", names=frozenset({CUT}))[10].name == CUT


def test_a_name_that_cannot_be_completed_stays_as_the_kernel_cut_it(host: HostFolder) -> None:
    host.process(10, CUT)
    host.spoil(10, "cmdline")
    assert host.read("name")[10].name == CUT


# This machine


def test_a_real_process_is_read_as_it_is() -> None:
    arguments = [sys.executable, "-I", "-S", "-c", "input(print(flush=True) or '')", "a  b", "", "\xff"]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        query = ProcessQuery(ALL_FACTS, pids=frozenset({child.pid}))
        (found,) = read_processes("/proc", Look(), query)
        opened = len(os.listdir(f"/proc/{child.pid}/fd"))
        child.communicate(b"\n")
    assert found.cmdline == b"".join(os.fsencode(word) + b"\0" for word in arguments)
    assert (found.ppid, found.threads, found.fds, found.sockets) == (os.getpid(), 1, opened, ())
    assert (found.uids or ())[:3] == os.getresuid()
    assert (found.gids or ())[:3] == os.getresgid()
    assert found.exe == os.path.realpath(sys.executable)
    assert found.unread is None


@pytest.mark.parametrize("name", [b"a b ) ( c d) ", b"a\nUid:\t0\t0\t0", b") R 1 1 1", b"\xff\xfe\x1b[2J", b"\\n)"])
def test_a_real_process_may_name_itself_anything(name: bytes) -> None:
    rename = f"open('/proc/self/comm', 'wb').write({name!r}); input(print(flush=True) or '')"
    arguments = [sys.executable, "-I", "-S", "-c", rename]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        query = ProcessQuery(frozenset({"comm", "uids"}), pids=frozenset({child.pid}))
        (found,) = read_processes("/proc", Look(), query)
        child.communicate(b"\n")
    assert os.fsencode(found.comm or "") == name[:15]
    assert (found.ppid, (found.uids or ())[:3]) == (os.getpid(), os.getresuid())


def test_processes_that_come_and_go_meanwhile_spoil_nothing() -> None:
    with subprocess.Popen(["sh", "-c", "while :; do true | true; done"]) as breeder:
        query, until = ProcessQuery(ALL_FACTS - {"cmdline", "name"}), time.monotonic() + 1
        try:
            while time.monotonic() < until:
                found = {process.pid: process for process in read_processes("/proc", Look(), query)}
                assert found[os.getpid()].ppid == os.getppid()
                assert not [process for process in found.values() if process.comm is None]
        finally:
            breeder.kill()


# Other roots


MOUNTS = "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 22 0:5 / /dev rw - devtmpfs none rw\n"


@pytest.mark.parametrize(
    ("mounts", "is_hosts"),
    [
        (MOUNTS, True),
        (MOUNTS.replace("/dev rw", "/srv rw"), True),
        (MOUNTS.replace("8:1", "0:44"), False),
        (MOUNTS.replace("8:1 /", "8:1 /srv/tree"), False),
        # a chroot into a directory that is no mount
        ("23 22 0:5 / /dev rw - devtmpfs none rw\n", False),
    ],
)
def test_a_root_directory_is_compared_with_that_of_process_1(host: HostFolder, mounts: str, *, is_hosts: bool) -> None:
    alice(host, 10)
    host.write("proc/1/mountinfo", MOUNTS)
    host.write("proc/10/mountinfo", mounts)
    assert host.read("host_root", pids=frozenset({10}))[10].host_root is is_hosts


def test_without_the_mounts_of_process_1_no_root_directory_is_known(host: HostFolder) -> None:
    alice(host, 10)
    host.write("proc/10/mountinfo", MOUNTS)
    assert host.read("host_root", pids=frozenset({10}))[10].host_root is None
