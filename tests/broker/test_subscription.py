"""broker/subscription.py: who sees which events, and what counts, cursors and gaps show of those of others."""

from itertools import chain, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logonscope.answers.host_event import HostEvent
from logonscope.answers.jsonable import jsonable
from logonscope.answers.logon_filter import LogonFilter
from logonscope.answers.logon_session import LogonSession
from logonscope.broker import Caller
from logonscope.broker import subscription as module
from logonscope.errors import AccessDeniedError, InvalidParameterError, NotSupportedError
from logonscope.facts import Account, FailedLogon, UserChange
from logonscope.machine import Look, Owner
from logonscope.machine.events import Event, LoggedOut, LogonEnded, LogonFailed, LogonStarted, UserChanged
from tests import example
from tests.broker.crowds import PEOPLE, Crowd, crowds
from tests.broker.memory import Memory
from tests.broker.scripted_events import EventMemory, Times, results, watch, watch_results
from tests.hosts import ROOT, user

somebody = st.sampled_from([uid for uid in PEOPLE if uid]).map(user)

QUERIES = (
    ("SELECT * FROM __InstanceOperationEvent WITHIN 1 WHERE TargetInstance ISA 'Win32_Process'", None),
    ("SELECT * FROM __InstanceOperationEvent WITHIN 1 WHERE TargetInstance ISA 'Win32_SessionProcess'", None),
    ("SELECT * FROM __InstanceOperationEvent WITHIN 1 WHERE TargetInstance ISA 'LS_Process'", "root/logonscope"),
    ("SELECT * FROM __InstanceOperationEvent WITHIN 1 WHERE TargetInstance ISA 'LS_SessionProcess'", "root/logonscope"),
    ("SELECT * FROM __InstanceOperationEvent WITHIN 1 WHERE TargetInstance ISA 'Win32_LogonSession'", None),
    ("SELECT * FROM Win32_ProcessTrace", None),
    ("SELECT * FROM LS_LogonEvent", "root/logonscope"),
)  # fmt: skip


def story(crowd: Crowd) -> list[Event]:
    """Return what could happen on a host: every process starts, changes and ends, every login begins and ends."""
    times, events = Times(), list[Event]()
    sessions: dict[str, tuple[LogonSession, Owner]] = {}
    for pid, process in crowd.process.items():
        owner = crowd.owner[pid]
        events += [times.started(process, owner), times.changed((process, owner), (process._replace(exe="/x"), owner))]
        if owner.logon_id is not None:
            uid, foreign = crowd.login_uid(pid), crowd.is_foreign_session(pid)
            session = LogonSession(owner.logon_id, uid=uid, remote_host=f"from-{pid}", is_foreign=foreign)
            sessions.setdefault(owner.logon_id, (session, owner))
    for session, owner in sessions.values():
        events += [times.logon(kind, session, owner) for kind in (LogonStarted, LoggedOut, LogonEnded)]
    events += [times.ended(process, crowd.owner[pid], 256) for pid, process in crowd.process.items()]
    return [
        *events,
        LogonFailed(times.head, FailedLogon("sshd", 1, "secret-name"), Owner(None, "unread")),
        times.lost(7),
    ]


@given(crowds(), somebody)
@settings(max_examples=25, deadline=None)
def test_a_caller_gets_the_events_of_visible_processes_and_logon_sessions(crowd: Crowd, caller: Caller) -> None:
    host, uid = EventMemory(crowd.snapshot), caller.uid or 0
    subscription = watch(host, caller)
    host.script.add(*story(crowd))
    rows: list[HostEvent] = results(subscription)
    started = {row.process.pid for row in rows if row.event == "ProcessStarted" and row.process}
    ended = {row.process.pid for row in rows if row.event == "ProcessEnded" and row.process}
    # the foreign processes whose first process would have to be read are hidden: fewer, never more
    assert started == ended <= {pid for pid in crowd.process if crowd.sees_process(uid, pid)}
    certain = {
        pid for pid, process in crowd.process.items()
        if process.pid_namespaces == 1 and "/libpod-" not in (process.cgroup or "")
    }  # fmt: skip
    plain = {pid for pid in certain if not crowd.is_in_foreign_place(pid, uid) and crowd.sees_process(uid, pid)}
    assert plain <= started
    logons = {row.session.logon_id for row in rows if row.session}
    assert logons == {crowd.owner[pid].logon_id for pid in crowd.process if _may_see(crowd, uid, pid)}
    assert [row.missed for row in rows if row.event == "Lost"] == [None]
    assert not [row for row in rows if row.event == "LogonFailed"]


def _may_see(crowd: Crowd, uid: int, pid: int) -> bool:
    return crowd.owner[pid].logon_id is not None and crowd.login_uid(pid) == uid and not crowd.is_foreign_session(pid)


@given(crowds(), somebody, st.sampled_from([(None, None), *QUERIES]))
@settings(max_examples=50, deadline=None)
def test_no_event_betrays_what_is_not_ones_own(
    crowd: Crowd, caller: Caller, query: tuple[str | None, str | None]
) -> None:
    host, uid = EventMemory(crowd.snapshot), caller.uid or 0
    subscription = watch(host, caller, query[0], namespace=query[1])
    host.script.add(*story(crowd))
    text = repr([jsonable(result) for result in results(subscription)])
    secrets = crowd.secrets(uid) | {"secret-name"}
    assert {secret for secret in secrets if secret in text} == set()


@given(crowds(), somebody, st.sampled_from([(None, None), *QUERIES]))
@settings(max_examples=25, deadline=None)
def test_what_others_do_changes_no_answer(crowd: Crowd, caller: Caller, query: tuple[str | None, str | None]) -> None:
    """The same events of one's own give the same answer, whatever happens beside them."""
    uid, answers = caller.uid or 0, []
    other = crowd.with_others_changed(uid)
    for host_crowd in (crowd, other):
        host = EventMemory(host_crowd.snapshot)
        subscription = watch(host, caller, query[0], namespace=query[1])
        own = [
            event for event in story(crowd)
            if (process := getattr(event, "process", None)) and crowd.sees_details(uid, process.pid)
        ]  # fmt: skip
        host.script.add(*own)
        answers.append([jsonable(result) for result in results(subscription)])
    for answer in chain.from_iterable(answers):
        for state in [answer.get(name) for name in ("TargetInstance", "PreviousInstance")]:
            # events read no other members of a session: a parent that alone cannot show whose uids it has is hidden
            if state is not None and _has_uncertain_parent(crowd, state):
                state.pop("ParentCommandLine", None)
    assert answers[0] == answers[1]


def _has_uncertain_parent(crowd: Crowd, state: dict[str, Any]) -> bool:
    parent = crowd.process.get(state.get("ParentProcessId") or 0)
    return parent is not None and parent.pid_namespaces != 1 and crowd.owner[parent.pid].evidence == "audit"


def test_cursors_of_consecutive_events_are_not_consecutive() -> None:
    host, times = EventMemory(example.snapshot()), Times()
    process = next(process for process in example.snapshot().processes if process.pid == 4312)
    subscription = watch(host, ROOT)
    host.script.add(*[times.started(process, Owner("41", "audit")) for _ in range(50)])
    cursors = [int(result.cursor, 16) for result in watch_results(subscription)]
    distances = {abs(first - second) for first, second in pairwise(cursors)}
    assert len(set(cursors)) == 50
    assert min(distances) > 1 << 20


def test_a_cursor_continues_and_a_foreign_one_is_beyond_the_stream() -> None:
    host, times = EventMemory(example.snapshot()), Times()
    process = next(iter(example.snapshot().processes))
    subscription = watch(host, ROOT)
    host.script.add(times.started(process, Owner("41", "audit")))
    (result,) = watch_results(subscription)
    watch(host, ROOT, since=result.cursor)
    assert host.script.after == 1
    watch(host, ROOT, since="0" * 16)
    assert host.script.after > 1 << 32


def test_events_wait_for_the_filter_on_their_logon_session() -> None:
    snapshot = example.snapshot()
    host, times = EventMemory(snapshot), Times()
    subscription = watch(host, ROOT, where=LogonFilter(users=frozenset({"alice"})))
    by_pid = {process.pid: process for process in snapshot.processes}
    host.script.add(times.started(by_pid[1], Owner("4294967295", "none")))
    host.script.add(times.started(by_pid[4312], Owner("41", "audit")))
    host.script.add(LogonFailed(times.head, FailedLogon("sshd", 1, "bob"), Owner(None, "unread")))
    host.script.add(LogonFailed(times.head, FailedLogon("sshd", 1, "alice"), Owner(None, "unread")))
    first, second = results(subscription)
    assert (first.process.pid, first.session.user, second.attempt.user) == (4312, "alice", "alice")


def test_a_change_of_user_before_the_event_of_its_login_has_the_logon_session() -> None:
    snapshot, times = example.snapshot(), Times()
    (process,) = (process for process in snapshot.processes if process.pid == 4312)
    change = UserChange(1000, "alice", 0, "root", is_complete=True, program="id")
    for options in ({"which": "alice"}, {"where": LogonFilter(users=frozenset({"alice"}))}, {"with_sessions": True}):
        # the watch begins with two readings: processes and logins
        host = EventMemory(*[snapshot._replace(processes=(), logins=())] * 2, snapshot)
        subscription = watch(host, ROOT, events=frozenset({"UserChanged"}), **options)
        host.script.add(UserChanged(times.head, process, Owner("41", "audit"), change))
        (event,) = results(subscription)
        assert (event.event, event.session.user) == ("UserChanged", "alice")


def test_a_user_can_be_named_by_a_name_that_is_not_the_first_of_its_uid() -> None:
    snapshot, times = example.snapshot(), Times()
    second = example.ACCOUNTS[1000]._replace(name="alice2")
    by_pid = {process.pid: process for process in snapshot.processes}
    for options in ({"which": "alice2"}, {"where": LogonFilter(users=frozenset({"alice2"}))}):
        host = EventMemory(snapshot._replace(users=(*example.ACCOUNTS.values(), second)))
        subscription = watch(host, ROOT, **options)
        host.script.add(times.started(by_pid[1], Owner("4294967295", "none")))
        host.script.add(times.started(by_pid[4312], Owner("41", "audit")))
        (event,) = results(subscription)
        assert (event.process.pid, event.session.user) == (4312, "alice")


def test_failed_logons_are_filtered_by_time_and_by_uid() -> None:
    host, times = EventMemory(example.snapshot()), Times()
    alice = host.account(Look(), 1000)
    assert alice is not None
    assert alice.name == "alice"
    uid = alice.uid
    attempt = LogonFailed(times.head, FailedLogon("sshd", 1, "alice"), Owner(None, "unread"))
    (row,) = _attempts(host, attempt, LogonFilter(users=frozenset({str(uid)})))
    assert row.attempt.user == "alice"
    assert _attempts(host, attempt, LogonFilter(users=frozenset({str(uid + 1)}))) == []
    assert _attempts(host, attempt, LogonFilter(until=row.time)) == []
    assert len(_attempts(host, attempt, LogonFilter(since=row.time))) == 1


def _attempts(host: EventMemory, attempt: LogonFailed, where: LogonFilter) -> list[Any]:
    """Return the results of a watch with a filter for one failed logon."""
    subscription = watch(host, ROOT, where=where)
    host.script.add(attempt)
    return results(subscription)


def test_only_events_of_the_given_names_are_results() -> None:
    host, times = EventMemory(example.snapshot()), Times()
    process = next(iter(example.snapshot().processes))
    subscription = watch(host, ROOT, events=frozenset({"ProcessEnded"}))
    host.script.add(times.started(process, Owner("41", "audit")), times.ended(process, Owner("41", "audit"), 9))
    (row,) = results(subscription)
    assert (row.event, row.signal, row.exit_code) == ("ProcessEnded", 9, None)


def test_an_account_that_changes_ends_the_watch() -> None:
    crowd_free = example.snapshot()
    renamed = crowd_free._replace(users=tuple(Account("mallory", 1000, 1000, "", "/", "/bin/sh") for _ in range(1)))
    host = EventMemory(crowd_free)
    subscription = watch(host, user(1000))
    host._snapshots = (renamed,)  # noqa: SLF001 -- the account is another one from now on
    subscription.read(0)
    subscription._account_due = 0.0  # noqa: SLF001 -- a minute later
    with pytest.raises(AccessDeniedError, match="account of this watch has changed"):
        subscription.read(0)
    assert subscription.is_closed


def test_what_cannot_be_watched_is_rejected() -> None:
    host = EventMemory(example.snapshot())
    with pytest.raises(InvalidParameterError, match="cannot watch a data query"):
        watch(host, ROOT, "SELECT * FROM Win32_Process")
    with pytest.raises(InvalidParameterError, match="conditions of its own"):
        watch(host, ROOT, "SELECT * FROM Win32_ProcessStartTrace", which="41")
    with pytest.raises(NotSupportedError, match="not supported by memory"):
        module.subscribe(Memory(example.snapshot()).request(ROOT), module.WatchOptions())
    with pytest.raises(AccessDeniedError, match="authentication required"):
        watch(host, user(None))
