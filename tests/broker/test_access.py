"""Tests of broker/access.py: no answer shows a caller what the table of access rights hides from it."""

import gzip
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logonscope.broker import Caller, Request
from logonscope.broker.access import DETAIL_FACTS, HIDDEN, NOT_YOUR_PROCESS, NOT_YOUR_SESSION, Visibility, local_caller
from logonscope.errors import AccessDeniedError, LogonscopeError, NotFoundError
from logonscope.facts import ALL_FACTS, FACTS_OF_FILE, UNSET, Process
from logonscope.machine import NO_FACTS, Owner
from logonscope.ownership import LINUX
from logonscope.sources.recording import RecordedSource, save_recording
from tests.broker import operations as broker
from tests.broker.crowds import ALICE, LONG, NAMES, PEOPLE, PORT, Crowd, crowds, secret_details
from tests.broker.memory import Memory
from tests.hosts import ROOT, manager_service, session_scope, user
from tests.kernel import SOMEBODY

somebody = st.sampled_from([uid for uid in PEOPLE if uid]).map(user)


def told(ask: object, *arguments: object) -> str:
    """Return all that an answer, or the refusal to give one, says."""
    try:
        answer = ask(*arguments)  # type: ignore[operator]  # an operation of the broker
        return repr(list(answer))
    except LogonscopeError as refusal:
        return f"{refusal} {refusal!r}"


def assert_keeps(secrets: set[str], text: str) -> None:
    """Fail where a text betrays a secret."""
    assert {secret for secret in secrets if secret in text} == set()


@given(crowds(), somebody)
@settings(max_examples=100)
def test_a_user_sees_exactly_their_own_logon_sessions_and_processes(crowd: Crowd, caller: Caller) -> None:
    host, uid = Memory(crowd.snapshot).request(caller), caller.uid or 0
    own = {pid: crowd.owner[pid].logon_id for pid in crowd.process if crowd.sees_session(uid, pid)}
    seen = {pid for pid in crowd.process if crowd.sees_process(uid, pid)}
    rows = {row.pid: row for row in broker.processes(host)}
    assert dict(broker.read_pairs(host)) == own
    assert rows.keys() == seen
    assert {pid: row.logon_id for pid, row in rows.items() if row.logon_id} == own
    assert {row.login_uid for row in rows.values()} <= {uid, None}
    sessions = broker.sessions(host)
    assert {session.logon_id: session.processes for session in sessions} == {
        logon: list(own.values()).count(logon) for logon in own.values()
    }
    assert {session.uid for session in sessions} <= {uid}
    trees = broker.tree(host)
    assert [tree.session for tree in trees if tree.session] == sessions
    assert {row.pid for tree in trees for row in tree.processes} == seen


@given(crowds(), somebody)
@settings(max_examples=100)
def test_no_answer_betrays_what_is_not_ones_own(crowd: Crowd, caller: Caller) -> None:
    memory, secrets = Memory(crowd.snapshot), crowd.secrets(caller.uid or 0)
    host = memory.request(caller)
    for ask in (broker.sessions, broker.processes, broker.tree):
        assert_keeps(secrets, told(ask, host))
        for which in [*NAMES.values(), *(owner.logon_id for owner in crowd.owner.values() if owner.logon_id)]:
            if which not in secrets:
                assert_keeps(secrets, told(ask, host, which))
            elif told(ask, host, which) != "[]":
                pytest.fail(f"{which} is told of")
    assert_keeps(secrets, told(broker.read_pairs, host))
    assert_keeps(secrets, told(broker.doctor, host))
    for target in [f":{PORT}", LONG, *(f"{LONG}secret-{pid}-" for pid in crowd.process if crowd.sees_details(
        caller.uid or 0, pid
    )), *map(str, crowd.process)]:  # fmt: skip
        assert_keeps(secrets, told(broker.whose, host, target))


@given(crowds(), somebody)
def test_whose_and_session_of_answer_for_what_is_ones_own_alone(crowd: Crowd, caller: Caller) -> None:
    host, uid = Memory(crowd.snapshot).request(caller), caller.uid or 0
    for pid in crowd.process:
        if crowd.sees_session(uid, pid):
            (answer,) = broker.whose(host, str(pid))
            assert (answer.logon_id, answer.evidence) == (crowd.owner[pid].logon_id, crowd.owner[pid].evidence)
            assert all(crowd.sees_session(uid, link.pid) for link in answer.chain)
            assert broker.session_of(host, pid).session.logon_id == answer.logon_id
        elif crowd.owns_in_system_session(uid, pid):
            (answer,) = broker.whose(host, str(pid))
            assert (answer.logon_id, answer.is_own) == (str(UNSET), True)
            # of the parents that are not one's own, what Win32_Process shows of them to every user
            others = [link for link in answer.chain if not crowd.sees_process(uid, link.pid)]
            assert {(link.uid, link.logon_id, link.command_line, link.state) for link in others} <= {(None,) * 4}
            assert broker.session_of(host, pid).session.logon_type == 0
        else:
            with pytest.raises(AccessDeniedError):
                broker.whose(host, str(pid))
            with pytest.raises(AccessDeniedError):
                broker.session_of(host, pid)


@given(crowds(), somebody)
def test_a_process_of_another_user_is_not_found_by_its_arguments(crowd: Crowd, caller: Caller) -> None:
    host, uid = Memory(crowd.snapshot).request(caller), caller.uid or 0
    for pid, process in crowd.process.items():
        if process.comm == LONG and not crowd.sees_details(uid, pid):
            with pytest.raises(NotFoundError):
                broker.whose(host, f"{LONG}secret-{pid}-")


@given(crowds(), somebody)
@settings(max_examples=50)
def test_a_recording_by_a_user_holds_no_more_than_the_user_sees(
    tmp_path_factory: pytest.TempPathFactory, crowd: Crowd, caller: Caller
) -> None:
    path = tmp_path_factory.getbasetemp() / "somebodys.lsr"
    save_recording(broker.recordable_snapshot(Memory(crowd.snapshot).request(caller)), str(path), replace=True)
    uid = caller.uid or 0
    places = " ".join(process.cgroup or "" for pid, process in crowd.process.items() if crowd.sees_session(uid, pid))
    secrets = {secret for secret in crowd.secrets(uid) if secret not in places}  # where one's own processes are
    assert_keeps(secrets, gzip.decompress(path.read_bytes()).decode())
    back = Request(RecordedSource.open(str(path)), LINUX, ROOT)
    own = {pid: crowd.owner[pid].logon_id for pid in crowd.process if crowd.sees_session(uid, pid)}
    assert {row.pid for row in broker.processes(back)} == {pid for pid in crowd.process if crowd.sees_process(uid, pid)}
    assert {pid for pid, logon in broker.read_pairs(back) if logon in own.values()} == own.keys()


@given(crowds(), st.sampled_from([ROOT, Caller("alice, elevated", ALICE, administrator=True)]))
@settings(max_examples=50)
def test_an_administrator_sees_everything(crowd: Crowd, caller: Caller) -> None:
    host = Memory(crowd.snapshot).request(caller)
    owned = {pid: owner.logon_id for pid, owner in crowd.owner.items() if owner.logon_id}
    assert dict(broker.read_pairs(host)) == owned
    rows = {row.pid: row for row in broker.processes(host)}
    assert rows.keys() == crowd.process.keys()
    assert all(row.command_line == f"/bin/secret-{pid}-" for pid, row in rows.items())
    assert {session.logon_id for session in broker.sessions(host)} == set(owned.values())
    for pid, logon in owned.items():
        assert broker.session_of(host, pid).session.logon_id == logon
    assert [process.pid for process in broker.recordable_snapshot(host).processes] == list(crowd.process)


def test_an_unauthenticated_caller_sees_nothing() -> None:
    nobody = Caller("", None, administrator=False)
    with pytest.raises(AccessDeniedError):
        Visibility(nobody, LINUX)


@pytest.mark.parametrize(
    ("uid", "capabilities", "administrator"),
    [(0, 0, True), (1000, 0, False), (1000, 1 << 19, True), (1000, (1 << 41) - 1, True), (1000, ~(1 << 19), False)],
)
def test_root_and_users_with_the_right_to_trace_are_elevated(
    uid: int, capabilities: int, *, administrator: bool
) -> None:
    assert local_caller("x", uid, capabilities) == Caller("x", uid, administrator)


def seen_by(caller: Caller) -> Visibility:
    """Return what a caller sees on Linux."""
    return Visibility(caller, LINUX)


WHOLE = Process(
    7, uids=(1000,) * 4, comm="long-name-of-15", name="long-name-of-15-and-more", cmdline=b"x\0", exe="/x", fds=1,
    sockets=(1,), rchar=1, wchar=1, syscr=1, syscw=1, read_bytes=1, write_bytes=1, pid_namespaces=1,
)  # fmt: skip


@pytest.mark.parametrize("uids", [(1000, 1000, 1000, 0), (1000,) * 4])
def test_details_are_shown_of_what_is_wholly_ones_own(uids: tuple[int, int, int, int]) -> None:
    mine = WHOLE._replace(uids=uids)
    assert seen_by(user(1000)).masked(mine, ALL_FACTS) == mine


@pytest.mark.parametrize("uids", [(1001, 1000, 1000, 0), (1000, 0, 1000, 0), (1000, 1000, 0, 0), (0, 0, 0, 0), None])
def test_details_are_masked_where_any_of_its_uids_is_another(uids: tuple[int, int, int, int] | None) -> None:
    shown = seen_by(user(1000)).masked(WHOLE._replace(uids=uids), ALL_FACTS)
    assert [fact for fact in DETAIL_FACTS if getattr(shown, fact) is not None] == []
    assert shown.unread == dict.fromkeys(DETAIL_FACTS, NOT_YOUR_PROCESS)
    assert (shown.name, shown.comm) == ("long-name-of-15", "long-name-of-15")


@pytest.mark.parametrize("unread", [None, {"exe": "Permission denied"}, {"ses": "Operation not permitted"}])
def test_the_order_of_reasons_does_not_say_whether_a_hidden_fact_could_be_read(unread: dict[str, str] | None) -> None:
    facts = frozenset({"exe", "fds", "ses"})
    process = WHOLE._replace(uids=(0, 1000, 0, 0), ses=41, loginuid=1001, unread=unread)
    seen = seen_by(user(1000)).view(process, Owner("41", "audit"), facts)
    assert seen is not None
    reasons = {
        "exe": NOT_YOUR_PROCESS,
        "fds": NOT_YOUR_PROCESS,
        "ses": NOT_YOUR_SESSION,
        "loginuid": NOT_YOUR_SESSION,
        "cgroup": NOT_YOUR_SESSION,
    }
    assert [*(seen[0].unread or {}).items()] == [*reasons.items()]


def test_what_was_not_requested_is_not_called_masked() -> None:
    shown = seen_by(user(1000)).masked(Process(7, uids=(0,) * 4, exe="/x"), frozenset({"exe"}))
    assert (shown.exe, shown.unread) == (None, {"exe": NOT_YOUR_PROCESS})
    assert seen_by(user(1000)).masked(Process(7, uids=(0,) * 4), NO_FACTS).unread is None


def test_the_facts_are_widened_by_what_decides() -> None:
    assert seen_by(user(1000)).with_access_facts(NO_FACTS) == {"ses", "loginuid", "cgroup", "uids", "pid_namespaces"}
    assert seen_by(ROOT).with_access_facts(NO_FACTS) == NO_FACTS


def test_a_process_that_runs_as_the_caller_in_a_hidden_logon_session_is_seen_without_it() -> None:
    visibility, owner = seen_by(user(1000)), Owner("41", "audit")
    process = Process(7, ses=41, loginuid=1001, uids=(0, 1000, 0, 0), pid_namespaces=1)
    assert not visibility.sees_session(process, owner)
    seen = visibility.view(process, owner, NO_FACTS)
    assert seen is not None
    assert (seen[0].pid, seen[0].ses, seen[0].loginuid, seen[1]) == (7, None, None, HIDDEN)


@pytest.mark.parametrize(
    ("cgroup", "shown"),
    [
        (session_scope(1000, "41"), True),
        (manager_service(1000) + "/app.slice", True),
        ("/system.slice/cron.service", True),
        ("/41/below", True),
        (session_scope(1001, "37"), False),
        (manager_service(1001), False),
        ("/37/below", False),
    ],
)
def test_the_place_of_ones_own_process_is_masked_where_it_names_the_login_of_another(
    cgroup: str, *, shown: bool
) -> None:
    mine = Process(7, ses=41, loginuid=1000, cgroup=cgroup, uids=(1000,) * 4, pid_namespaces=1)
    pair = seen_by(user(1000)).view(mine, Owner("41", "audit"), frozenset({"cgroup"}))
    assert pair is not None
    assert (pair[0].cgroup, pair[0].unread) == ((cgroup, None) if shown else (None, {"cgroup": NOT_YOUR_SESSION}))
    assert pair[1].logon_id == "41"


def test_every_detail_has_a_secret_that_no_answer_may_contain() -> None:
    assert secret_details(1).keys() == set(DETAIL_FACTS), "secret_details() needs a value for each of DETAIL_FACTS"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can be two other users")
def test_what_the_kernel_hides_from_other_users_are_details() -> None:
    with subprocess.Popen(["sleep", "60"], user=SOMEBODY, group=SOMEBODY, extra_groups=[]) as process:
        os.seteuid(SOMEBODY + 1)
        try:
            hidden = {fact for file, facts in FACTS_OF_FILE.items() if is_hidden(file, process.pid) for fact in facts}
        finally:
            os.seteuid(0)
            process.kill()
    # the arguments are a detail by the design: any user may read them in /proc
    assert hidden | {"cmdline"} == set(DETAIL_FACTS), "DETAIL_FACTS (broker/access.py) has the facts that are hidden"


def is_hidden(file: str, pid: int) -> bool:
    """Return whether the kernel refuses a file of a process; ``file`` is a key of ``FACTS_OF_FILE``."""
    folder = Path(f"/proc/{pid}")
    path = folder / file.partition(":")[0].replace("task/*", f"task/{pid}").replace("PID", str(pid)).removesuffix("/*")
    try:
        if file.startswith(("exe", "ns/")):
            path.readlink()
        elif path.is_dir():
            list(path.iterdir())
        else:
            path.read_bytes()
    except PermissionError:
        return True
    except OSError:  # a kernel without security module has no label
        assert file == "attr/current"
    return False
