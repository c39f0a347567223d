"""Tests of broker/session_processes.py: every process is paired with its logon session, in a complete row."""

from datetime import UTC, datetime

from logonscope import SessionProcess
from logonscope.facts import UNSET
from logonscope.machine import NO_PARTS, LogonHint, ProcessQuery
from tests import example
from tests.broker import operations as broker
from tests.broker.memory import Memory, Noted, asking
from tests.hosts import BOOT, ROOT, TICKS, HostFolder, session_scope


def alice(host: HostFolder) -> None:
    """Log alice in by ssh."""
    host.login("41", uid=1000, leader=410, audit=41, remote=1, remote_host="192.0.2.7")
    host.process(410, "sshd", ses=41, loginuid=1000, cgroup=session_scope(1000, "41"), start=50 * TICKS)


def test_every_process_is_paired_with_exactly_one_logon_session() -> None:
    pairs = list(broker.read_pairs(Memory(example.snapshot()).request(ROOT)))
    assert [pid for pid, _ in pairs] == list(example.BY_PID)
    logons = {"4294967295": 4, "4294967297": 2, "37": 2, "41": 5, "42": 1, "63": 2}
    assert {logon: [logon for _, logon in pairs].count(logon) for _, logon in pairs} == logons


def test_the_pairs_cost_two_small_files_a_process() -> None:
    memory = Memory(example.snapshot())
    asked = asking(lambda host: list(broker.read_pairs(host)), memory, ROOT)
    small = ProcessQuery(
        frozenset({"ses", "cgroup"}), logon_hint=LogonHint(kernel_ids_needing_cgroup=frozenset({UNSET}))
    )
    assert asked == Noted.nothing()._replace(logins=[None], processes=[small], parts=[NO_PARTS])


def test_a_row_has_the_values_that_people_need(host: HostFolder) -> None:
    alice(host)
    host.process(
        4312, "python3", ppid=410, ses=41, loginuid=1000, uid=(1000, 0, 0, 0), cgroup=session_scope(1000, "41"),
        cmdline=b"python3\0-m\0http.server\0", exe="/usr/bin/python3", start=100 * TICKS, tty_nr=136 << 8,
    )  # fmt: skip
    row = next(row for row in host.connect().processes("41") if row.pid == 4312)
    assert row == SessionProcess(
        logon_id="41", evidence="audit", pid=4312, ppid=410, name="python3", user="root", uid=0, login_uid=1000,
        start=datetime.fromtimestamp(BOOT + 100, UTC), tty="pts/0", state="S", leftover=False,
        command_line="python3 -m http.server", executable="/usr/bin/python3", unread={}, join_evidence="record",
    )  # fmt: skip


def test_what_hostile_names_say_can_be_carried(host: HostFolder) -> None:
    host.process(66, b"\x1b[31m\xff)", cmdline=b"a\x07\0\xfe\0", exe="/tmp/\x1b]0;x")  # noqa: S108 -- hostile
    (row,) = [row for row in host.connect().processes() if row.pid == 66]
    assert (row.name, row.command_line, row.executable) == (
        "\ufffd[31m\ufffd)", "a\ufffd \ufffd", "/tmp/\ufffd]0;x",  # noqa: S108 -- the same
    )  # fmt: skip


def test_what_cannot_be_read_is_none_with_its_reason(host: HostFolder) -> None:
    host.process(66, "daemon")
    host.spoil(66, "cmdline", "status")
    (row,) = [row for row in host.connect().processes() if row.pid == 66]
    assert (row.command_line, row.uid, row.user, row.name) == (None, None, None, "daemon")
    assert row.unread["cmdline"] == row.unread["uids"] == "Is a directory"


def test_a_kernel_thread_has_neither_command_line_nor_executable(host: HostFolder) -> None:
    host.process(2, "kthreadd", ppid=0, cmdline=b"")
    (row,) = [row for row in host.connect().processes() if row.pid == 2]
    assert (row.command_line, row.executable, row.logon_id) == (None, None, str(UNSET))


def test_what_was_left_behind_is_marked(host: HostFolder) -> None:
    alice(host)
    host.process(500, "tmux: server", ses=41, loginuid=1000, cgroup=session_scope(1000, "41"))
    host.process(600, "cron", ses=63, loginuid=0, cgroup="/system.slice/cron.service")
    assert {row.pid: row.leftover for row in host.connect().processes()} == {1: None, 410: False, 500: False, 600: None}
    host.end(410)
    assert {row.pid: row.leftover for row in host.connect().processes()} == {1: None, 500: True, 600: None}
