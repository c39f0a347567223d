"""Tests of broker/whose.py: a key finds its process and its login, at the same cost on a host of any size."""

import time
from typing import Any

import pytest
from hypothesis import given, settings

from logonscope.answers.whose import OuterLogin, UnseenLogin
from logonscope.broker import Request
from logonscope.errors import AccessDeniedError, InvalidParameterError, NotFoundError
from logonscope.facts import UNSET, Process, Socket
from logonscope.machine.snapshot import Snapshot
from logonscope.machine.source import MAX_CHAIN_LENGTH
from logonscope.ownership import LINUX
from logonscope.sources.linux import LinuxSource
from logonscope.sources.linux.processes import TIMEOUT
from tests import example
from tests.broker import operations as broker
from tests.broker.crowds import Crowd, crowds
from tests.broker.memory import Memory
from tests.hosts import ROOT, TICKS, HostFolder, session_scope, user

HOST = Memory(example.snapshot()).request(ROOT)


# Which process


@pytest.mark.parametrize(
    ("target", "pids"),
    [
        ("4312", [4312]),
        ("04312", [4312]),
        ("python3", [3991, 4312]),
        ("tmux: server", [3990]),
        (":8080", [4312]),
        ("systemd", [1, 4120]),
    ],
)
def test_a_target_is_a_pid_a_name_or_a_port(target: str, pids: list[int]) -> None:
    answers = broker.whose(HOST, target)
    assert [answer.pid for answer in answers] == pids
    assert {answer.target for answer in answers} == {target}


@pytest.mark.parametrize(
    ("target", "error", "message"),
    [
        ("99999", NotFoundError, "no process 99999; host.processes() lists running processes"),
        ("0", NotFoundError, "no process 0"),
        ("12345678901", InvalidParameterError, "invalid pid '12345678901': at most 10 digits"),
        ("1" * 21, InvalidParameterError, f"invalid pid '{'1' * 20}...': at most 10 digits"),
        ("no-such", NotFoundError, "no process is named 'no-such'"),
        ("", InvalidParameterError, "invalid target: it is empty"),
        ("-5", NotFoundError, "no process is named '-5'"),
        (":80", NotFoundError, "no socket listens on port 80"),
        (":0", InvalidParameterError, "invalid port ':0'"),
        (":65536", InvalidParameterError, "invalid port ':65536'"),
        (":", InvalidParameterError, "invalid port ':'"),
        (":x", InvalidParameterError, "invalid port ':x'"),
        (":8080x", InvalidParameterError, "invalid port ':8080x'"),
    ],
)
def test_a_target_that_is_not_there_or_has_no_meaning_is_refused(
    target: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as refused:
        broker.whose(HOST, target)
    assert str(refused.value).startswith(message)


def test_a_socket_that_no_process_holds_is_the_kernels() -> None:
    snapshot = example.snapshot()._replace(
        sockets=(Socket("tcp", "::", 111, "::", 0, "LISTEN", 5), Socket("tcp", "::", 112, "::", 9, "TIME_WAIT", 0))
    )
    with pytest.raises(NotFoundError, match="its socket is the kernel's"):
        broker.whose(Memory(snapshot).request(ROOT), ":111")
    with pytest.raises(NotFoundError, match="no socket listens on port 112"):
        broker.whose(Memory(snapshot).request(ROOT), ":112")


def test_a_user_learns_that_ports_of_others_are_not_searched() -> None:
    with pytest.raises(NotFoundError, match="no process of yours holds port 8080; run it as root"):
        broker.whose(Memory(example.snapshot()).request(user(1001)), ":8080")


def test_the_sockets_of_a_port_come_with_the_answer() -> None:
    (answer,) = broker.whose(HOST, ":8080")
    assert answer.sockets == example.SOCKETS
    assert broker.whose(HOST, "4312")[0].sockets == ()


def test_a_thread_is_answered_with_its_process(host: HostFolder) -> None:
    host.process(4312, "java")
    host.process(4313, "GC Thread", tgid=4312)
    (answer,) = host.connect().whose(4313)
    assert (answer.pid, answer.process.name) == (4312, "java")


def changed(snapshot: Snapshot, pid: int, **now: int) -> Snapshot:
    """Return a later look, in which one process has changed."""
    processes = [
        process._replace(**now) if process.pid == pid else process  # type: ignore[arg-type]  # numbers
        for process in snapshot.processes
    ]
    return snapshot._replace(processes=processes)


def test_a_pid_that_was_given_out_again_since_its_name_was_found_is_no_answer() -> None:
    before = example.snapshot()
    memory = Memory(before, changed(before, 3990, start=7))
    with pytest.raises(NotFoundError, match="no process 3990"):
        broker.whose(memory.request(ROOT), "tmux: server")


def test_one_of_several_that_has_ended_meanwhile_is_left_out() -> None:
    before = example.snapshot()
    after = before._replace(processes=[process for process in before.processes if process.pid != 3991])
    assert [answer.pid for answer in broker.whose(Memory(before, after).request(ROOT), "python3")] == [4312]


def test_one_of_several_that_is_not_ones_own_is_left_out() -> None:
    memory = Memory(example.snapshot())
    assert [answer.pid for answer in broker.whose(memory.request(user(1001)), "python3")] == [3991]
    # 1 and 3901 are in the System session, 4312 is in alice's: the sentence is the same
    for pid in (1, 3901, 4312):
        with pytest.raises(AccessDeniedError) as error:
            broker.whose(memory.request(user(1001)), str(pid))
        assert error.value.message == f"process {pid} is not in one of your logon sessions"
        assert error.value.hint == 'run it as root, or connect(visibility="kernel")'


def test_a_process_that_proc_hides_is_not_called_the_systems() -> None:
    hidden = Process(7, comm="x", name="x", unread={"ses": "Operation not permitted", "cgroup": "the same"})
    snapshot = example.snapshot()._replace(processes=(hidden,))
    with pytest.raises(AccessDeniedError, match="cannot read process 7: Operation not permitted, the same"):
        broker.whose(Memory(snapshot).request(ROOT), "7")


# What is answered


def test_the_chain_leads_from_the_login_to_the_process() -> None:
    (answer,) = broker.whose(HOST, "4312")
    assert [link.pid for link in answer.chain] == [4100, 4150, 4151, 4300, 4312]
    assert {link.logon_id for link in answer.chain} == {"41"}
    assert answer.process == answer.chain[-1]
    assert (answer.logon_id, answer.evidence) == ("41", "audit")
    assert (answer.session.user, answer.session.remote_host) == ("alice", "203.0.113.7")
    assert (answer.session.processes, answer.session.leftovers) == (None, None)


def test_the_chain_ends_where_the_logon_session_ends() -> None:
    assert [link.pid for link in broker.whose(HOST, "3901")[0].chain] == [3900, 3901]
    assert [link.pid for link in broker.whose(HOST, "3991")[0].chain] == [3990, 3991]
    assert [link.pid for link in broker.whose(HOST, "700")[0].chain] == [1, 700]


def test_a_login_that_a_process_of_another_login_started_names_it() -> None:
    """Bob logs in by ``login -f bob`` below alice's sudo, which has pid 4300."""
    began = next(process for process in example.PROCESSES if process.pid == 4300).start or 0
    facts: dict[str, Any] = {"ses": 90, "loginuid": 1001, "cgroup": session_scope(1000, "41"), "start": began + 1}
    inner = (
        Process(9000, comm="login", ppid=4300, uids=(0,) * 4, **facts),
        Process(9001, comm="bash", ppid=9000, uids=(1001,) * 4, **facts),
    )
    snapshot = example.snapshot()
    memory = Memory(snapshot._replace(processes=[*snapshot.processes, *inner]))
    (answer,) = broker.whose(memory.request(ROOT), "9001")
    assert answer.outer_logins == (OuterLogin("41", "alice", 1000, 4300, "sudo"),)
    assert (answer.logon_id, [link.pid for link in answer.chain]) == ("90", [9000, 9001])
    assert broker.whose(memory.request(user(1001)), "9001")[0].outer_logins == ()
    assert broker.whose(memory.request(ROOT), "4312")[0].outer_logins == ()


def test_the_chain_ends_at_a_parent_that_is_younger_than_its_child() -> None:
    snapshot = changed(example.snapshot(), 4151, start=example.BY_PID[4300].start or 0 + 1_000_000)
    snapshot = changed(snapshot, 4151, start=(example.BY_PID[4300].start or 0) + 1)
    (answer,) = broker.whose(Memory(snapshot).request(ROOT), "4312")
    assert [link.pid for link in answer.chain] == [4300, 4312]


def test_parents_that_go_round_in_a_circle_end_the_chain() -> None:
    snapshot = changed(changed(example.snapshot(), 4300, ppid=4312), 4312, start=example.BY_PID[4300].start or 0)
    (answer,) = broker.whose(Memory(snapshot).request(ROOT), "4312")
    assert [link.pid for link in answer.chain] == [4300, 4312]


def test_a_chain_that_is_longer_than_any_is_cut() -> None:
    long = [example.BY_PID[4151]._replace(pid=pid, ppid=pid - 1) for pid in range(2, 3000)]
    (answer,) = broker.whose(Memory(example.snapshot()._replace(processes=long)).request(ROOT), "2999")
    assert len(answer.chain) == 1 + MAX_CHAIN_LENGTH  # the process, and so many parents
    assert answer.chain[-1].pid == 2999


def test_a_background_process_of_a_login_with_a_terminal_is_of_an_interactive_logon(host: HostFolder) -> None:
    alices: dict[str, Any] = {"ses": 41, "loginuid": 1000, "cgroup": session_scope(1000, "41")}
    host.login("41", uid=1000, leader=410, audit=41, remote=1)
    host.process(410, "sshd", start=50 * TICKS, children=[411], **alices)
    host.process(411, "sshd", ppid=410, children=[412], **alices)
    host.process(412, "bash", ppid=411, tty_nr=136 << 8, **alices)
    host.process(500, "backup", ppid=1, **alices)
    (answer,) = host.connect().whose(500)
    assert (answer.session.tty, answer.session.logon_type) == ("pts/0", 10)
    assert [link.pid for link in answer.chain] == [500]
    (host.root / "proc/410/task/410/children").unlink()
    assert host.connect().whose(500)[0].session.logon_type is None


@given(crowds())
@settings(max_examples=100)
def test_one_process_has_the_values_that_it_has_among_all(crowd: Crowd) -> None:
    host = Memory(crowd.snapshot).request(ROOT)
    rows = {row.pid: row for row in broker.processes(host)}
    sessions = {session.logon_id: session for session in broker.sessions(host)}
    for pid, owner in crowd.owner.items():
        if owner.logon_id is None:
            continue
        (answer,) = broker.whose(host, str(pid))
        assert (answer.logon_id, answer.evidence) == (owner.logon_id, owner.evidence)
        assert answer.process == rows[pid]
        one, all_ = answer.session, sessions[owner.logon_id]
        for name in ("user", "uid", "state", "remote_host", "service", "login", "login_class", "leader", "scope"):
            assert getattr(one, name) == getattr(all_, name), name


# What it costs


def test_parents_whose_arguments_hang_cost_one_deadline_and_not_one_each(host: HostFolder) -> None:
    name = "gnome-terminal-"
    for pid in range(10, 20):
        host.process(pid, name, ppid=pid - 1, start=pid)
        host.trap(pid, "cmdline")
    host.process(20, "bash", ppid=19, start=20)
    began = time.monotonic()
    (answer,) = host.connect().whose(20)
    assert time.monotonic() - began < 3 * TIMEOUT
    assert [link.name for link in answer.chain] == [*[name] * 10, "bash"]


RECORDED = [str(pid) for pid in example.BY_PID if pid not in {6000, 6001}]
"""All but a job of cron's, which no login record describes."""


def test_a_pid_of_a_logon_session_without_a_record_costs_one_small_file_of_every_process() -> None:
    memory = Memory(example.snapshot())
    broker.whose(memory.request(ROOT), "6001")
    (everybody,) = (query for query in memory.asked.processes if query.pids is None)
    assert everybody.logon_hint.kernel_ids == frozenset({63})  # of the others nothing but the kernel id is read


@pytest.mark.parametrize("target", RECORDED)
def test_one_pid_costs_the_same_on_a_host_of_any_size(target: str) -> None:
    small = Memory(example.snapshot())
    crowd = [example.BY_PID[2]._replace(pid=pid) for pid in range(10_000, 15_000)]
    large = Memory(example.snapshot()._replace(processes=[*example.PROCESSES, *crowd]))
    assert broker.whose(small.request(ROOT), target) == broker.whose(large.request(ROOT), target)
    assert small.asked == large.asked
    assert len(large.asked.pids) <= 20
    assert sum(len(queries) for queries in large.asked) <= 20


def test_one_pid_reads_only_the_records_that_can_speak_for_it() -> None:
    memory = Memory(example.snapshot())
    broker.whose(memory.request(ROOT), "4312")
    assert memory.asked.logins == [frozenset({"41"})]
    memory.forget()
    broker.whose(memory.request(ROOT), "700")
    assert memory.asked.logins == []


def test_a_process_of_a_shared_kernel_id_needs_all_records() -> None:
    heir = example.LOGINS[2]._replace(process=Process(3900, ses=41), inherited=True)
    snapshot = changed(example.snapshot()._replace(logins=(example.LOGINS[1], heir)), 3901, ses=41)
    memory = Memory(snapshot)
    (answer,) = broker.whose(memory.request(ROOT), "3901")
    assert (answer.logon_id, answer.evidence) == (str((1 << 32) + 1), "scope")


def test_a_name_is_looked_for_by_the_source() -> None:
    memory = Memory(example.snapshot())
    broker.whose(memory.request(ROOT), "bash")
    first, *others = memory.asked.processes
    assert first.names == frozenset({"bash"})
    assert first.facts == {"name", "comm", "start"}
    assert all(query.pids is not None for query in others)


def test_the_system_session_is_an_answer_too() -> None:
    (answer,) = broker.whose(HOST, "700")
    assert (answer.logon_id, answer.evidence, answer.session.logon_type) == (str(UNSET), "none", 0)
    assert broker.session_of(HOST, 700).session == answer.session


def test_a_port_whose_holder_cannot_be_seen_is_no_right_and_not_nothing() -> None:
    closed = example.BY_PID[4312]._replace(sockets=None, unread={"sockets": "Permission denied"})
    snapshot = example.snapshot()._replace(processes=[closed])
    with pytest.raises(AccessDeniedError, match="the open files of 1 processes cannot be read"):
        broker.whose(Memory(snapshot).request(ROOT), ":8080")


# What no login is known to have started


def test_a_user_without_a_login_gets_an_answer_about_its_own_processes(host: HostFolder) -> None:
    host.process(30, "agent", start=3)
    host.process(31, "bash", ppid=30, uid=1000, start=4, cgroup="/system.slice/agent.service")
    host.process(32, "sleep", ppid=31, uid=1000, start=5, cgroup="/system.slice/agent.service")
    host.process(33, "sleep", ppid=31, uid=(1000, 1000, 0, 0), start=5)
    alice = Request(LinuxSource(str(host.root)), LINUX, user(1000))
    (answer,) = broker.whose(alice, "32")
    assert (answer.is_own, answer.logon_id, answer.evidence) == (True, str(UNSET), "none")
    assert [(link.name, link.uid) for link in answer.chain] == [
        ("systemd", None), ("agent", None), ("bash", 1000), ("sleep", 1000),
    ]  # fmt: skip
    assert broker.session_of(alice, 32).session.logon_type == 0
    for pid in (30, 33):
        with pytest.raises(AccessDeniedError, match="is not in one of your logon sessions"):
            broker.whose(alice, str(pid))
    (seen,) = broker.whose(Request(LinuxSource(str(host.root)), LINUX, ROOT), "32")
    assert (seen.is_own, seen.unseen_logins) == (False, (UnseenLogin("user change", 31, "bash"),))


def test_a_process_of_ones_own_in_the_login_of_another_says_only_that(host: HostFolder) -> None:
    host.process(30, "sleep", ses=41, loginuid=1001, uid=1000)
    alice = Request(LinuxSource(str(host.root)), LINUX, user(1000))
    with pytest.raises(AccessDeniedError, match="process 30 runs as you, but is not in one of your logon sessions"):
        broker.whose(alice, "30")
