"""Rows that events become: folded in a batch, changed after it, ended, and what is not known of them."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from logonscope.facts import Process
from logonscope.journal.dictionaries import COMMAND_SPAN
from logonscope.journal.keeper import Keeper
from logonscope.journal.policy import Policy
from logonscope.journal.removal import Remover
from logonscope.journal.retention import Retention
from logonscope.machine import Owner
from logonscope.machine.events import Event, EventHead, EventsLost, ProcessChanged, ProcessEnded, ProcessStarted
from tests.journal.kept import Kept
from tests.journal.story import SYSTEM, owner_of
from tests.lab.systemd import wait_until


def make(pid: int, ms: int, **facts: Any) -> Process:
    defaults: dict[str, Any] = {
        "ses": 4294967295, "loginuid": 4294967295, "cgroup": "/", "comm": "sh", "name": "sh", "exe": "/bin/sh",
        "uids": (0,) * 4, "gids": (0,) * 4, "tty_nr": 0, "start": ms // 10,
    }  # fmt: skip
    return Process(pid, **{**defaults, **facts})


def head(ms: int) -> EventHead:
    return EventHead(ms * 1_000_000, 1)


def started(process: Process, ms: int, parent: tuple[int, int] | None = None) -> Event:
    return ProcessStarted(head(ms), process, SYSTEM, parent)


def changed(before: Process, ms: int, **facts: Any) -> ProcessChanged:
    return ProcessChanged(head(ms), (before, SYSTEM), (before._replace(**facts), SYSTEM))


def ended(process: Process, ms: int, status: int | None = 0) -> Event:
    return ProcessEnded(head(ms), process, SYSTEM, status)


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path / "history")


def rows(kept: Kept) -> list[tuple[Any, ...]]:
    query = (
        "SELECT e.pid, p.name, e.lasted, e.class, e.status, e.changes, e.source FROM every e"
        " LEFT JOIN program p ON p.id = e.program ORDER BY e.id"
    )
    return kept.database.execute(query).fetchall()


def test_fork_exec_and_end_in_a_batch_are_one_row(kept: Kept) -> None:
    process = make(10, 5000)
    kept.feed([
        started(process, 5000), changed(process, 5002, comm="make", name="make", exe="/bin/make"),
        ended(process, 5120, 256),
    ])  # fmt: skip
    assert rows(kept) == [(10, b"make", 120, None, 256, None, None)]


def test_a_second_program_is_a_change(kept: Kept) -> None:
    process = make(10, 5000)
    kept.feed([started(process, 5000), changed(process, 5001, name="sudo")])
    kept.feed([changed(process, 9000, name="bash", uids=(1000,) * 4)])
    kept.feed([ended(process, 25_000)])
    assert rows(kept) == [(10, b"sudo", 20_000, 2, 0, 1, None)]
    change = (
        "SELECT c.ms, p.name, d.uids FROM change c JOIN program p ON p.id = c.program"
        " JOIN credential d ON d.id = c.credential"
    )
    assert kept.database.execute(change).fetchall() == [(9000, b"bash", "1000,1000,1000,1000")]


def test_a_change_of_nothing_that_is_kept_is_no_row(kept: Kept) -> None:
    process = make(10, 5000)
    kept.feed([started(process, 5000)])
    kept.feed([changed(process, 6000, threads=7)])
    assert kept.database.execute("SELECT count(*) FROM change").fetchone() == (0,)


def test_old_places_leave_the_memory(kept: Kept) -> None:
    first = make(5, 4000, cgroup="/first")
    kept.feed([started(first, 4000)])
    recorder = kept.keeper.recorder
    recorder.max_places = 20
    for number in range(100):
        process = make(10 + number, 5000 + number, cgroup=f"/c{number}")
        kept.feed([started(process, 5000 + number), ended(process, 5001 + number)])
        assert recorder.place_count <= 21
    kept.feed([changed(first, 9000, comm="late", name="late"), changed(first, 9001, cgroup="/moved")])
    assert kept.database.execute("SELECT count(*) FROM place").fetchone() == (102,)
    kept.keeper.stop()


def test_a_reused_pid_ends_the_earlier_process(kept: Kept) -> None:
    kept.feed([started(make(10, 5000), 5000)])
    kept.feed([started(make(10, 8000), 8000)])
    first, second = rows(kept)
    assert (first[2], first[4], first[6]) == (3000, None, 2)
    assert second[2] is None


def test_an_end_without_a_status_was_not_seen_and_is_an_upper_bound(kept: Kept) -> None:
    process = make(10, 5000)
    kept.feed([started(process, 5000), ended(process, 6000, None)])
    assert rows(kept) == [(10, b"sh", 1000, 0, None, None, 2)]


def test_the_end_of_another_process_with_the_pid_is_ignored(kept: Kept) -> None:
    kept.feed([started(make(10, 8000), 8000)])
    kept.feed([ended(make(10, 5000), 9000)])
    assert rows(kept)[0][2] is None


def test_a_start_that_was_an_estimate_is_corrected(kept: Kept) -> None:
    process = make(10, 5000)
    kept.feed([started(process, 5000), ended(process._replace(start=501), 5100)])
    assert rows(kept)[0][2] is not None


def test_a_process_of_which_nothing_was_read_is_as_its_parent(kept: Kept) -> None:
    parent = make(10, 5000)
    child = Process(11, ses=4294967295, loginuid=4294967295, cgroup="/", start=600)
    grandchild = child._replace(pid=12)
    kept.feed([
        started(parent, 5000), started(child, 6000, (10, 500)), started(grandchild, 6001, (10, 500)),
        changed(grandchild, 6002), ended(child, 6003), ended(grandchild, 6004, 9),
    ])  # fmt: skip
    # the second one executed a program that nobody saw
    assert [(row[0], row[1]) for row in rows(kept)] == [(10, b"sh"), (11, b"sh"), (12, None)]


def test_a_program_that_nobody_saw_gives_way_to_the_next_one_in_a_batch(kept: Kept) -> None:
    """As sshd's child does: it executes ``bash -c``, and that executes the command, before anything is read."""
    child = Process(11, ses=4294967295, loginuid=4294967295, cgroup="/", start=600)
    kept.feed([
        started(make(10, 5000), 5000), started(child, 6000, (10, 500)), changed(child, 6001),
        changed(make(11, 6000), 6012, name="sleep"), changed(make(11, 6000), 6013, name="tail"),
    ])  # fmt: skip
    assert [(row[0], row[1], row[5]) for row in rows(kept)] == [(10, b"sh", None), (11, b"sleep", 1)]


@pytest.mark.parametrize("policy", [
    Policy(excluded_users=frozenset({"user7"})), Policy(excluded_programs=frozenset({"/bin/secret"})),
    Policy(excluded_programs=frozenset({"secret"})), Policy(excluded_units=frozenset({"cron.service"})),
])  # fmt: skip
def test_exclusions(tmp_path: Path, policy: Policy) -> None:
    kept = Kept(tmp_path / "history", policy)
    secret = make(
        10, 5000, uids=(7,) * 4, exe="/bin/secret", name="secret", cgroup="/system.slice/cron.service"
    )  # fmt: skip
    later = make(11, 5000, cgroup="/system.slice/cron.service" if policy.excluded_units else "/")
    after = {"uids": (7,) * 4, "exe": "/bin/secret", "name": "secret"}
    kept.feed(
        [started(secret, 5000), started(later, 5000), changed(later, 5001, **after), started(make(12, 5000), 5000)]
    )
    assert [row[0] for row in rows(kept)] == [12]


def test_no_table_has_anything_of_an_excluded_process(tmp_path: Path) -> None:
    policy = Policy(command_lines="full", excluded_programs=frozenset({"/bin/secret"}))
    kept = Kept(tmp_path / "history", policy)
    facts: dict[str, Any] = {
        "exe": "/bin/secret", "comm": "secret", "name": "secret", "uids": (77,) * 4, "cgroup": "/secret",
        "cmdline": b"secret\0argument\0",
    }  # fmt: skip
    shown, excluded, later = make(10, 5000, cgroup="/shown"), make(11, 5000, **facts), make(12, 5000)
    kept.feed([started(shown, 5000), started(excluded, 5000), started(later, 5000), changed(later, 5001, **facts)])
    connection = kept.database
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
    content = repr([connection.execute(f"SELECT * FROM {name}").fetchall() for name in tables])
    assert "/shown" in content
    assert "secret" not in content
    assert "77,77" not in content


def test_a_comparison_does_not_count_an_excluded_process_as_new(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history", Policy(excluded_programs=frozenset({"/bin/secret"})))
    shown, excluded = make(10, 5000), make(11, 5000, exe="/bin/secret")
    recorder = kept.keeper.recorder
    assert recorder.compare([(shown, SYSTEM), (excluded, SYSTEM)], 9000) == (0, 1)
    assert recorder.compare([(shown, SYSTEM), (excluded, SYSTEM)], 9500) == (0, 0)


def test_an_excluded_process_leaves_no_change(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history", Policy(excluded_programs=frozenset({"/bin/secret"})))
    process, other = make(10, 5000), make(11, 5000)
    login = owner_of(3)
    moved = process._replace(ses=3)
    kept.feed([
        started(process, 5000), started(other, 5000),
        ProcessChanged(head(5001), (process, SYSTEM), (moved, login)),
        ProcessChanged(head(5001), (other, SYSTEM), (other._replace(ses=3), login)),
        ProcessChanged(head(5002), (moved, login), (moved._replace(exe="/bin/secret"), login)),
    ])  # fmt: skip
    assert [row[0] for row in rows(kept)] == [11]
    changed_pids = "SELECT e.pid FROM change c LEFT JOIN every e ON e.id = c.process"
    assert kept.database.execute(changed_pids).fetchall() == [(11,)]


@pytest.mark.parametrize(("kind", "expected"), [
    ("off", None), ("name", b"/usr/bin/curl\0"),
    ("full", b"/usr/bin/curl\0-H\0Authorization: [redacted]\0https://[redacted]@web1/\0--password=[redacted]\0"),
])  # fmt: skip
def test_command_lines_by_policy(tmp_path: Path, kind: Any, expected: bytes | None) -> None:
    kept = Kept(tmp_path / "history", Policy(command_lines=kind))
    argv = b"/usr/bin/curl\0-H\0Authorization: Basic YWxp\0https://al:pw@web1/\0--password=geheim\0"
    kept.feed([started(make(10, 5000, cmdline=argv), 5000)])
    stored = kept.database.execute("SELECT argv FROM command").fetchone()
    assert (stored and stored[0]) == expected


def test_a_loss_is_a_row(kept: Kept) -> None:
    kept.feed([EventsLost(head(5000), 12), EventsLost(head(6000), None)])
    assert kept.database.execute("SELECT reason, n FROM loss").fetchall() == [
        ("events lost", 12),
        ("events lost", None),
    ]


def test_the_comparison_corrects_the_logon_session_of_a_process_that_logged_in_unseen(kept: Kept) -> None:
    process = make(11, 5000)
    kept.feed([started(process, 5000)])
    recorder = kept.keeper.recorder
    for _ in range(2):
        assert recorder.compare([(process, owner_of(3))], 9000) == (0, 0)
    assert recorder.compare([(process, Owner(None, "unread"))], 9000) == (0, 0)
    kept.keeper.flush()
    changes = kept.database.execute(
        "SELECT logon.logonid FROM change JOIN place ON place.id = change.place JOIN logon ON logon.id = place.logon"
    )
    assert changes.fetchall() == [(3,)]


def test_a_late_child_keeps_its_command_line_when_its_parent_is_deleted(kept: Kept) -> None:
    parent = make(10, 5000, cmdline=b"daemon\0")
    kept.feed([started(parent, 5000)])
    kept.keeper.recorder.skip_to(2 * COMMAND_SPAN)
    child = Process(11, ses=4294967295, loginuid=4294967295, cgroup="/", start=900)
    kept.feed([started(child, 9000, (10, 500)), ended(parent, 9100), ended(child, 9200)])
    kept.move_all()
    remover, reader = Remover(kept.keeper.writer), kept.keeper.open_reader()
    (number,) = kept.database.execute("SELECT id FROM process WHERE pid = 10").fetchone()
    assert remover.remove_processes([number]) == 1
    list(Retention(kept.keeper.writer, reader, kept.policy, lambda _: True).remove_unused_commands(0, 1000))
    query = "SELECT p.pid, c.argv FROM process p LEFT JOIN command c ON c.id = p.command"
    assert kept.database.execute(query).fetchall() == [(11, b"daemon\0")]


def states_after_changes(database: sqlite3.Connection) -> list[tuple[Any, ...]]:
    query = (
        "SELECT e.pid, p.name, c.uids, a.argv FROM change JOIN every e ON e.id = change.process"
        " LEFT JOIN program p ON p.id = change.program LEFT JOIN credential c ON c.id = change.credential"
        " LEFT JOIN command a ON a.id = change.command ORDER BY change.id"
    )
    return database.execute(query).fetchall()


def test_the_comparison_after_a_gap_corrects_program_user_and_arguments(kept: Kept) -> None:
    executes, drops, same = (make(pid, 5000, cmdline=b"sh\0-l\0") for pid in (11, 12, 13))
    zombie, hung = (make(pid, 5000, cmdline=b"sh\0-l\0") for pid in (14, 15))
    kept.feed([started(process, 5000) for process in (executes, drops, same, zombie, hung)])
    kept.keeper.stop()
    kept.reopen()
    now = [
        executes._replace(comm="sleep", name="sleep", exe="/bin/sleep", cmdline=b"sleep\0" + b"60\0"),
        drops._replace(uids=(33,) * 4, gids=(33,) * 4, cmdline=b"sh\0-c\0"),
        same,
        zombie._replace(exe=None, cmdline=b"", state="Z"),
        hung._replace(exe=None, cmdline=None, unread={"cmdline": "timed out"}),
    ]
    for _ in range(2):
        assert kept.keeper.recorder.compare([(process, SYSTEM) for process in now], 9000) == (0, 0)
        kept.keeper.flush()
    assert states_after_changes(kept.database) == [
        (11, b"sleep", "0,0,0,0", b"sleep\0" + b"60\0"),
        (12, b"sh", "33,33,33,33", b"sh\0-c\0"),
    ]


def test_lost_events_are_made_up_for_by_a_reading_that_ends_nothing(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    lost, ends = make(11, 5000), make(12, 5000)
    running = [lost, ends]
    kept.feed([started(process, 5000) for process in running])
    kept.keeper.start(lambda: [(process, SYSTEM) for process in running])
    reader = kept.keeper.open_reader()
    try:
        running[:] = [lost._replace(comm="sleep", name="sleep", exe="/bin/sleep")]
        kept.keeper.put(EventsLost(head(6000), 3))
        wait_until(lambda: states_after_changes(reader.database), 20, "the program is corrected")
        # its end is an event that still comes, with its status
        kept.keeper.put(ended(ends, 6100, 256))
    finally:
        kept.keeper.stop()
    kept.reopen()
    assert states_after_changes(kept.database) == [(11, b"sleep", "0,0,0,0", None)]
    assert [row[4] for row in rows(kept) if row[0] == 12] == [256]


def test_the_comparison_after_a_gap(kept: Kept) -> None:
    gone, still, new = make(10, 5000), make(11, 5000), make(12, 7000)
    kept.feed([started(gone, 5000), started(still, 5000)])
    keeper: Keeper = kept.keeper
    assert keeper.recorder.compare([(still, SYSTEM), (new, owner_of(3))], 9000) == (1, 1)
    keeper.flush()
    assert [(row[0], row[2], row[4], row[6]) for row in rows(kept)] == [
        (10, 4000, None, 2), (11, None, None, None), (12, None, None, 1),
    ]  # fmt: skip
