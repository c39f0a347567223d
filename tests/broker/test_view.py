"""broker/view.py: is what happens while the machine is read understood when it is told?"""

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logonscope import broker
from logonscope.broker.view import MOST_ROUNDS, UNASKED, View, gather, keyed, stream
from logonscope.facts import UNSET, Login, Process
from logonscope.machine import Needs, Selection, Snapshot, Trouble
from tests import example
from tests.broker.crowds import PEOPLE, Crowd, crowds
from tests.broker.memory import Memory, asking
from tests.hosts import ROOT, session_scope, user

C1, C5 = str((1 << 32) + 1), str((1 << 32) + 5)
FIRST = Login("41", 1000, audit=41, scope="session-41.scope", state="active", gone=False)
HEIR = Login(
    "c5", 1000, scope="session-c5.scope", process=Process(50, ses=41, comm="sshd"), inherited=True, gone=False
)  # fmt: skip
SU = Login("c1", 1001, scope="session-c1.scope", state="active", gone=True)


def process(pid: int, ses: int, cgroup: str) -> Process:
    """Return a process."""
    return Process(
        pid, ses=ses, loginuid=UNSET if ses == UNSET else 1000, cgroup=cgroup, comm="sh", name="sh", ppid=1,
        state="S", tgid=pid, tty_nr=0, start=pid, uids=(1000,) * 4, cmdline=b"sh\0",
    )  # fmt: skip


IN_41 = process(10, 41, session_scope(1000, "41"))
IN_C1 = process(20, UNSET, session_scope(1001, "c1"))
IN_C5 = process(30, 41, session_scope(1000, "c5"))


def seen(logins: tuple[Login, ...], *processes: Process) -> Snapshot:
    """Return one look at a host."""
    return example.snapshot()._replace(logins=logins, processes=processes, sockets=())


def test_a_login_that_appears_while_processes_stream_is_learned() -> None:
    processes = (IN_C1, IN_41, IN_C1._replace(pid=21))
    memory = Memory(seen((FIRST,), *processes), seen((FIRST, SU), *processes))
    pairs = [(process.pid, owner.logon) for process, owner in stream(memory.broker(ROOT), Needs()).owned]
    assert pairs == [(20, C1), (10, "41"), (21, C1)]
    assert [needs.login_ids for needs in memory.asked if needs.logins] == [None, {"c1"}]


def test_what_was_known_before_stays_known() -> None:
    processes = (IN_C1, IN_41)
    memory = Memory(seen((FIRST,), *processes), seen((FIRST, SU), *processes))
    rows = {row.pid: row for row in broker.processes(memory.broker(ROOT))}
    assert {pid: row.leftover for pid, row in rows.items()} == {20: True, 10: False}


def test_a_place_of_no_login_is_asked_for_once() -> None:
    memory = Memory(seen((FIRST,), IN_C1, IN_C1._replace(pid=21), IN_C1._replace(pid=22)))
    owned = [owner.logon for _, owner in stream(memory.broker(ROOT), Needs()).owned]
    assert owned == [str(UNSET)] * 3
    assert [needs.login_ids for needs in memory.asked if needs.logins] == [None, {"c1"}]


def test_logon_sessions_are_read_after_their_processes() -> None:
    late = seen((FIRST, SU), IN_C1, IN_41)
    memory = Memory(seen((FIRST,), IN_C1, IN_41), seen((FIRST,), IN_C1, IN_41), late)
    found = {session.logon_id: session.login for session in broker.sessions(memory.broker(ROOT))}
    assert found == {"41": "41", C1: "c1"}


def test_of_a_logon_session_that_appears_while_they_are_read_no_process_is_left_out() -> None:
    before, after = seen((FIRST,), IN_C1, IN_41), seen((FIRST, SU), IN_C1, IN_41)
    for selection in (Selection(logon_ids=frozenset({C1})), Selection(login_users=frozenset({"BOB"}))):
        found = gather(Memory(before, before, after).broker(ROOT), Needs(), selection).owned
        assert [process.pid for process, _ in found] == [20]


@pytest.mark.parametrize("look", [stream, gather])
def test_of_a_logon_session_that_is_not_meant_only_what_decides_it_is_read(look: Callable[..., View]) -> None:
    memory = Memory(seen((FIRST, SU), IN_41, IN_C1, IN_C1._replace(pid=21, cgroup="/")))
    view = look(memory.broker(ROOT), Needs(process=frozenset({"comm", "uids"})), C1)
    assert [(process.pid, process.comm) for process, _ in view.owned] == [(20, "sh")]
    ((facts, keeps),) = [needs.sieve for needs in memory.asked if needs.sieve]
    assert facts == {"ses", "cgroup"}
    assert [keeps(one._replace(comm=None, uids=None)) for one in (IN_41, IN_C1, IN_C1._replace(cgroup="/"))] == [
        False, True, False,
    ]  # fmt: skip


def test_when_logins_begin_to_share_a_kernel_id_the_cgroups_are_read_too() -> None:
    before, after = seen((FIRST,), IN_41, IN_C5), seen((FIRST, HEIR), IN_41, IN_C5)
    memory = Memory(before, before, after)
    sessions = {session.logon_id: session.processes for session in broker.sessions(memory.broker(ROOT))}
    assert sessions == {"41": 1, C5: 1}
    assert [needs.cgroup_of for needs in memory.asked if needs.process] == [frozenset({UNSET}), frozenset({UNSET, 41})]


def test_a_machine_that_never_rests_is_read_only_so_often() -> None:
    looks = []
    for number in range(20):
        heir = HEIR._replace(id=f"c{number}", process=Process(50, ses=1000 + number), scope=f"session-c{number}.scope")
        looks.append(seen((FIRST, heir), IN_41))
    memory = Memory(*looks)
    assert [process.pid for process, _ in gather(memory.broker(ROOT), Needs()).owned] == [10]
    assert sum(1 for needs in memory.asked if needs.process) == MOST_ROUNDS


def test_a_selection_narrows_what_is_read() -> None:
    for look in (stream, gather):
        memory = Memory(seen((FIRST, SU), IN_41, IN_C1))
        view = look(memory.broker(ROOT), Needs(), "41")
        assert [process.pid for process, _ in view.owned] == [10]
        assert [needs.ses for needs in memory.asked if needs.process] == [frozenset({41, UNSET})]


def test_troubles_of_every_reading_are_told_once() -> None:
    trouble, other = Trouble("a", "b", "c"), Trouble("d", "e", "f")
    one, two = seen((), IN_41)._replace(troubles=[trouble]), seen((), IN_41)._replace(troubles=[trouble, other])
    assert stream(Memory(one, two).broker(ROOT), Needs()).snapshot.troubles == [trouble, other]
    assert gather(Memory(one, one, two).broker(ROOT), Needs()).snapshot.troubles == [trouble, other]


@pytest.mark.parametrize(
    ("processes", "looks"),
    [
        ((IN_41, IN_41._replace(pid=11, tgid=11)), [{"41"}]),
        ((IN_41, IN_C1), [{"41", "c1"}]),
        ((IN_41, *(IN_C5._replace(pid=pid, tgid=pid) for pid in range(30, 40))), [{"41", "c5"}]),
        ((IN_41, process(50, 77, "/")), [{"41", "77"}, None]),
        ((process(60, UNSET, "/system.slice/cron.service"),), []),
    ],
)
def test_the_logins_of_several_processes_are_read_together(
    processes: tuple[Process, ...], looks: list[set[str] | None]
) -> None:
    memory = Memory(seen((FIRST, SU, HEIR), *processes))
    pids = frozenset(process.pid for process in processes)
    found = [(one.pid, owner) for one, owner in keyed(memory.broker(ROOT), Needs(), pids).owned]
    assert [needs.login_ids for needs in memory.asked if needs.logins] == looks
    assert found == [(one.pid, owner) for one, owner in stream(memory.broker(ROOT), Needs()).owned]


def test_owners_that_nobody_asks_for_take_no_login_where_everything_may_be_seen() -> None:
    memory = Memory(seen((FIRST,), IN_41))
    ((found, owner),) = keyed(
        memory.broker(ROOT), Needs(process=frozenset({"comm"})), frozenset({10}), unasked=True
    ).owned
    assert (found.comm, owner) == ("sh", UNASKED)
    assert not any(needs.logins for needs in memory.asked)
    ((_, owner),) = keyed(memory.broker(user(1000)), Needs(), frozenset({10}), unasked=True).owned
    assert owner.logon == "41"


@given(crowds(), st.sampled_from(PEOPLE), st.data())
@settings(max_examples=60)
def test_what_is_read_by_key_is_what_a_whole_reading_has(crowd: Crowd, uid: int, data: st.DataObject) -> None:
    pids = data.draw(st.frozensets(st.sampled_from(sorted(crowd.process)), min_size=1))
    host = Memory(crowd.snapshot).broker(user(uid) if uid else ROOT)
    needs = Needs(process=frozenset({"comm", "cgroup", "tgid"}))
    whole = stream(host, needs, others=True).owned
    by_key = keyed(host, needs, pids, others=True).owned
    assert [(one.pid, owner) for one, owner in by_key] == [(one.pid, owner) for one, owner in whole if one.pid in pids]


def test_processes_of_the_own_uid_in_a_hidden_logon_session_come_without_it() -> None:
    memory = Memory(seen((FIRST,), IN_41._replace(loginuid=1001)))
    for look in (stream, partial(gather, strays=True)):
        ((_, owner),) = look(memory.broker(user(1000)), Needs()).owned
        assert (owner.logon, owner.evidence, owner.login) == (None, "hidden", None)


@pytest.mark.parametrize("look", [stream, gather])
def test_what_a_foreign_logon_session_costs_does_not_tell_that_it_is_there(look: Callable[..., View]) -> None:
    memory = Memory(seen((FIRST,), IN_41._replace(loginuid=1001)))
    asked = {}
    for logon in ("41", "99"):
        needs = asking(lambda broker: list(look(broker, Needs(), logon).owned), memory, user(1000))  # noqa: B023 -- called at once
        asked[logon] = [one._replace(ses=None, sieve=None) for one in needs]
    assert asked["41"] == asked["99"]
    assert {needs.logged_in and needs.logged_in.login_uids for needs in asked["41"] if needs.process} == {
        frozenset({1000})
    }
