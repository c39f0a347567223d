"""The live source: what /proc shows it shows, too; logins are remembered; and doctor names the event source."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

import logonscope
from logonscope.broker import Caller, Request
from logonscope.broker.doctor import doctor
from logonscope.machine import EarlyFilter, LogonHint, Look, ProcessQuery
from logonscope.ownership import LINUX
from logonscope.sources.linux import LinuxSource
from logonscope.sources.live.entries import Counts
from logonscope.sources.live.feed import EventSource
from logonscope.sources.live.host import LiveHost, Status
from logonscope.sources.live.source import HELD_FACTS, LiveSource, describe_status
from tests.kernel import SOMEBODY, Nursery, kernel_id
from tests.sources.live.history import build_program, live_source


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSource]:
    """Run a live source of this machine; the program is only built to require its needs."""
    build_program(tmp_path_factory.mktemp("needs"))
    with live_source() as source:
        yield source


def test_right_after_a_login_each_answer_has_it(live: LiveSource) -> None:
    with Nursery() as nursery:
        for _ in range(20):
            (pid,) = nursery.login(SOMEBODY)
            rows = {pid: ses for pid, ses, _ in live.memberships(Look(), ProcessQuery(frozenset({"ses"})))}
            assert rows[pid] == kernel_id(pid)
            nursery.end(pid)
            rows = {pid: ses for pid, ses, _ in live.memberships(Look(), ProcessQuery(frozenset({"ses"})))}
            assert pid not in rows


def test_processes_of_one_kernel_id_are_found_and_read(live: LiveSource) -> None:
    with Nursery() as nursery:
        pids = nursery.login(SOMEBODY, 3)
        ids = frozenset(map(kernel_id, pids[:2]))
        for facts in (frozenset({"ses", "start"}), frozenset({"ses", "comm", "cmdline"})):
            query = ProcessQuery(facts, logon_hint=LogonHint(kernel_ids=ids))
            shown = {process.pid: process for process in live.processes(Look(), query)}
            assert set(shown) == set(pids[:2])
            direct = {p.pid: p for p in LinuxSource().processes(Look(), query._replace(pids=frozenset(pids[:2])))}
            assert [getattr(shown[pids[0]], fact) for fact in facts] == [
                getattr(direct[pids[0]], fact) for fact in facts
            ]


class _WithoutIteration(dict[int, Any]):
    """Entries of which each can be looked up, and which cannot be walked through."""

    def __iter__(self) -> Iterator[int]:
        raise AssertionError("an answer about one logon session walks through all processes")

    keys = values = items = __iter__  # type: ignore[assignment]


def test_an_answer_about_one_logon_session_walks_through_no_other_processes(live: LiveSource) -> None:
    with Nursery() as nursery:
        pids = nursery.login(SOMEBODY, 3)
        host = logonscope.connect(live)
        path = f"Win32_LogonSession.LogonId={kernel_id(pids[0])}"
        live_host = live._host  # noqa: SLF001 -- no other way leads to the entries
        with live_host.locked:
            index = live_host.drain(5)
            assert index is not None
            entries, index.entries = index.entries, _WithoutIteration(index.entries)
            try:
                rows = list(host.references(path, result_class="Win32_SessionProcess"))
            finally:
                index.entries = entries
        assert len(rows) == 1


def test_what_the_index_holds_is_what_proc_shows(live: LiveSource) -> None:
    with Nursery() as nursery:
        pids = frozenset(nursery.login(SOMEBODY, 5))
        query = ProcessQuery(HELD_FACTS, early_filter=EarlyFilter(HELD_FACTS, lambda process: process.pid in pids))
        held = {process.pid: process for process in live.processes(Look(), query)}
        shown = {
            process.pid: process for process in LinuxSource().processes(Look(), ProcessQuery(HELD_FACTS, pids=pids))
        }
        for pid in pids:
            assert {fact: getattr(held[pid], fact) for fact in HELD_FACTS} == {
                fact: getattr(shown[pid], fact) for fact in HELD_FACTS
            }


def test_an_orphan_has_its_new_parent(live: LiveSource) -> None:
    script = "sleep 1000 > /dev/null & echo $!; exec true"
    done = subprocess.run(["sh", "-c", script], check=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    pid = int(done.stdout)
    query = ProcessQuery(frozenset({"ppid"}))
    try:
        held = {process.pid: process.ppid for process in live.processes(Look(), query)}
        (shown,) = LinuxSource().processes(Look(), query._replace(pids=frozenset({pid})))
        assert held[pid] == shown.ppid
    finally:
        os.kill(pid, 9)


OF_ALL_USERS = {"live events", "failed logons"}


def test_every_operation_works_on_a_live_source(live: LiveSource) -> None:
    host = logonscope.connect(live)
    with Nursery() as nursery:
        (pid,) = nursery.login(SOMEBODY)
        (answer,) = host.whose(pid)
        assert answer.logon_id == str(kernel_id(pid))
        assert [session.uid for session in host.sessions(answer.logon_id)] == [SOMEBODY]
        pairs = [row for row in host.enumerate("Win32_SessionProcess") if f'"{pid}"' in str(row["Dependent"])]
        assert [str(kernel_id(pid)) in str(row["Antecedent"]) for row in pairs] == [True]
    assert list(live.check_history()) == []
    (check,) = [check for check in host.doctor() if check.subject == "live"]
    assert check.finding == "process connector and fanotify (BPF ring: not implemented)"
    # counts of what all users do are for callers who may see everything
    for_own = doctor(Request(live, LINUX, Caller("somebody", SOMEBODY, administrator=False)))
    assert {check.subject for check in host.doctor()} - {check.subject for check in for_own} >= OF_ALL_USERS
    with pytest.raises(logonscope.errors.NotSupportedError):
        live.at(None)  # type: ignore[arg-type] # the direct source has no history


def test_without_events_proc_is_read_and_doctor_says_why() -> None:
    def refuse() -> None:
        raise OSError("in a container")

    host = LiveHost(LinuxSource(), LINUX, refuse)  # type: ignore[arg-type] # it returns never
    host.start()
    source = LiveSource(host)
    try:
        rows = {row[0] for row in source.memberships(Look(), ProcessQuery(frozenset({"ses"})))}
        assert os.getpid() in rows
        (check,) = [check for check in source.checks(Look()) if check.subject == "live"]
        assert (check.ok, check.finding) == (
            False,
            "no kernel events: in a container; /proc is read for every answer, logins are remembered",
        )
        (check,) = source.check_history()
        assert (check.subject, check.ok) == ("history: events", False)
    finally:
        source.close()


def test_lost_events_and_a_lower_rung_are_no_error_but_worth_knowing() -> None:
    event_source = EventSource("process connector and fanotify", ("BPF ring: not implemented",))
    counts = Counts()
    assert [check.ok for check in describe_status(Status(event_source, "", 7, counts, 12.0))] == [True, True]
    counts.losses, counts.logons_not_determined = 1, 3
    _, check = describe_status(Status(event_source, "", 7, counts, 12.0))
    assert (check.subject, check.ok) == ("live events", None)
    assert "every 12 s of activity, 0 differences; events lost 1 times, 3 logons not determined" in check.finding
    assert check.figures == {"processes": 7, "losses": 1, "mended": 0, "logons_not_determined": 3, "unread": 0}
    _, check = describe_status(Status(event_source, "", 7, counts, 12.0, unread=2))
    assert check.finding.endswith("3 logons not determined; 2 processes whose reading hangs are read again later")


def test_the_index_has_what_lives_after_many_lifetimes(live: LiveSource) -> None:
    before = live.status.processes
    script = (
        "import os\nfor _ in range(3000):\n    pid = os.fork()\n    if not pid: os._exit(0)\n    os.waitpid(pid, 0)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
    deadline = time.monotonic() + 10
    while abs(live.status.processes - before) > 100:
        assert time.monotonic() < deadline
        list(live.memberships(Look(), ProcessQuery(frozenset({"ses"}))))
