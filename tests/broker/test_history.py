"""Past logins and processes: what is asked for, what a caller may see, and what is forgotten."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from logonscope.answers.history import HistoryFilter
from logonscope.answers.logon_session import LogonSession
from logonscope.broker import Caller
from logonscope.broker.history import forget_user, history, past_processes, verify_history
from logonscope.broker.past import request_at
from logonscope.broker.request import Request
from logonscope.errors import AccessDeniedError, InvalidParameterError, NotSupportedError
from logonscope.facts import Account, Machine, Process
from logonscope.facts.history import LogonRecord
from logonscope.machine import BaseSource, Look, Owner, Part
from logonscope.machine.events import LogonStarted, ProcessStarted
from logonscope.machine.history import LogonRecordQuery
from logonscope.ownership import LINUX
from tests.journal.kept import Kept
from tests.journal.story import BOOT, MACHINE, SYSTEM, owner_of

ROOT = Caller("root", 0, administrator=True)


class Present(BaseSource):
    """The machine of the story as it is now: accounts alone."""

    label = "web1"

    def __init__(self, names: dict[int, str]) -> None:
        self._names = names

    def read_machine(self, look: Look, parts: frozenset[Part]) -> Machine:
        del look, parts
        return MACHINE

    def read_users(self, look: Look) -> Iterator[Account]:
        del look
        return (Account(name, uid, uid, "", "/", "/bin/sh") for uid, name in self._names.items())


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    story = Kept(tmp_path_factory.mktemp("kept") / "history")
    story.feed(story.story.start_logons())
    story.live(1500)
    story.move_all()
    story.live(500)
    yield story
    story.keeper.stop()


def request(kept: Kept, caller: Caller = ROOT, names: dict[int, str] | None = None) -> Request:
    source = Present({uid: f"user{uid}" for uid in range(1000, 1007)} | (names or {}))
    source.history = kept.history()
    return Request(source, LINUX, caller)


def moment(ms: int) -> datetime:
    return datetime.fromtimestamp(BOOT + ms / 1000, UTC)


def test_every_login_with_what_it_ran(kept: Kept) -> None:
    logins = history(request(kept))
    assert [login.logon_id for login in logins] == [str(number) for number in range(1, 13)]
    for login in logins:
        ran = [life for life in kept.story.lives if life.logon_id == login.logon_id]
        assert login.runs == len(ran) == sum(program.runs for program in login.programs)
        assert login.user == f"user{1000 + int(login.logon_id) % 7}"
        assert login.programs == tuple(sorted(login.programs, key=lambda program: -program.runs))
    assert logins[0].key_fingerprint == "SHA256:key1001"


def test_a_logon_session_of_which_nothing_is_known_is_no_login(tmp_path: Path) -> None:
    """A user manager whose processes had no login record at first, and then belonged to another generation of it."""
    story = Kept(tmp_path / "history")
    unknown, known = LogonSession("8589935593"), LogonSession("8589935594", "user1001", 1001)
    for session in (unknown, known):
        story.feed([LogonStarted(story.story.head(2000), session, Owner(session.logon_id, "manager"))])
    assert [login.logon_id for login in history(request(story))] == [known.logon_id]
    story.keeper.stop()


@pytest.mark.parametrize(("where", "expected"), [
    (HistoryFilter("3"), ["3"]), (HistoryFilter("user1001"), ["1", "8"]), (HistoryFilter("user:1002"), ["2", "9"]),
    (HistoryFilter(keys=frozenset({"SHA256:key1003"})), ["3", "10"]),
    (HistoryFilter(keys=frozenset({"SHA256:key100"}), word="4"), ["4"]),
    (HistoryFilter(origins=frozenset({"192.0.2.0/24"}), word="5"), ["5"]),
    (HistoryFilter(origins=frozenset({"198.51.100.1"})), []), (HistoryFilter("no such thing"), []),
    (HistoryFilter(until=moment(1000)), []), (HistoryFilter("1" * 5000), []), (HistoryFilter("user:" + "1" * 5000), []),
])  # fmt: skip
def test_selections(kept: Kept, where: HistoryFilter, expected: list[str]) -> None:
    assert [login.logon_id for login in history(request(kept), where)] == expected


def test_programs_of_selected_processes_are_sorted_by_their_runs(kept: Kept) -> None:
    for login in history(request(kept), HistoryFilter(failed=True)):
        runs = [program.runs for program in login.programs]
        assert runs == sorted(runs, reverse=True)


def test_a_pid_that_is_no_number_is_rejected(kept: Kept) -> None:
    with pytest.raises(InvalidParameterError, match="invalid pid 'make'"):
        history(request(kept), HistoryFilter("pid:make"))
    with pytest.raises(
        InvalidParameterError, match=f"invalid pid '{'1' * 20}': expected a number of at most 10 digits"
    ):
        history(request(kept), HistoryFilter("pid:" + "1" * 5000))
    with pytest.raises(InvalidParameterError, match="invalid pid 'make'"):
        next(past_processes(request(kept), HistoryFilter("pid:make")))


def test_processes_of_a_login(kept: Kept) -> None:
    rows = list(past_processes(request(kept), HistoryFilter("3")))
    lives = [life for life in kept.story.lives if life.logon_id == "3"]
    assert [(row.pid, row.start) for row in rows] == [(life.pid, moment(life.ticks * 10)) for life in lives]
    assert [row.end is None for row in rows] == [life.end is None for life in lives]
    failed = list(past_processes(request(kept), HistoryFilter("3", failed=True)))
    assert failed
    assert failed == [row for row in rows if row.exit_code]
    by_name = list(past_processes(request(kept), HistoryFilter(f"name:{rows[0].name}")))
    assert {row.name for row in by_name} == {rows[0].name}
    by_pid = list(past_processes(request(kept), HistoryFilter(f"pid:{rows[0].pid}")))
    assert {row.pid for row in by_pid} == {rows[0].pid}


def test_a_window(kept: Kept) -> None:
    since, until = kept.story.ms // 3, kept.story.ms // 2
    rows = past_processes(request(kept), HistoryFilter(since=moment(since), until=moment(until)))
    expected = {
        (life.pid, life.ticks * 10)
        for life in kept.story.lives
        if life.logon_id != SYSTEM.logon_id and life.ticks * 10 < until and (life.end is None or life.end >= since)
    }
    found = {(row.pid, round((row.start.timestamp() - BOOT) * 1000)) for row in rows if row.start}
    assert {pair for pair in expected if pair[1] < until - 10} <= found <= expected


def test_a_user_sees_its_own_logins_alone(kept: Kept) -> None:
    caller = Caller("user1003", 1003, administrator=False)
    assert [login.logon_id for login in history(request(kept, caller))] == ["3", "10"]
    rows = list(past_processes(request(kept, caller)))
    assert {row.logon_id for row in rows} == {"3", "10"}
    assert all(row.command_line for row in rows)
    assert history(request(kept, caller), HistoryFilter("4")) == []
    assert history(request(kept, caller), HistoryFilter("system")) == []


def test_what_a_word_selects_does_not_depend_on_the_logins_of_others(kept: Kept) -> None:
    caller = Caller("user1001", 1001, administrator=False)
    own_program = next(row.name for row in past_processes(request(kept, caller)))
    by_name = list(past_processes(request(kept, caller), HistoryFilter(word=f"name:{own_program}")))
    assert by_name
    # the same word also is the account of somebody else's login, which the caller may not see
    stolen = request(kept, caller)
    history_of_others = stolen.source.history
    assert history_of_others is not None
    real_logons = history_of_others.logons

    def logons_of_a_namesake(look: Look, query: LogonRecordQuery) -> Iterator[LogonRecord]:
        for record in real_logons(look, query._replace(users=None)):
            named = record._replace(user=own_program) if record.login_uid != 1001 else record
            if query.users is None or named.user in query.users:
                yield named

    history_of_others.logons = logons_of_a_namesake  # type: ignore[method-assign]
    assert list(past_processes(stolen, HistoryFilter(word=own_program))) == by_name


def test_a_uid_that_another_account_had_shows_nothing(kept: Kept) -> None:
    caller = Caller("carol", 1003, administrator=False)
    renamed = request(kept, caller, {1003: "carol"})
    assert history(renamed) == []
    assert list(past_processes(renamed)) == []
    past = request_at(renamed, moment(kept.story.ms - 100))
    assert past.visibility.uid != 1003
    same = request_at(request(kept, caller), moment(kept.story.ms - 100))
    assert same.visibility.uid == 1003


def test_without_history(kept: Kept) -> None:
    source = Present({})
    with pytest.raises(NotSupportedError, match="no history found"):
        history(Request(source, LINUX, ROOT))
    # the rights are missing, also where the caller's own process has no history because the service has it
    user = Request(source, LINUX, Caller("user1001", 1001, administrator=False))
    with pytest.raises(AccessDeniedError, match="only an administrator may delete from the history"):
        forget_user(user, "user1001")
    with pytest.raises(AccessDeniedError, match="only an administrator may verify the history"):
        verify_history(user)
    with pytest.raises(AccessDeniedError):
        history(request(kept, Caller("nobody", None, administrator=False)))


def test_a_user_sees_no_program_files_of_processes_that_ran_as_others(kept: Kept) -> None:
    caller = Caller("user1001", 1001, administrator=False)
    mine, complete = history(request(kept, caller)), history(request(kept))
    assert {program.executable for login in mine for program in login.programs} == {None}
    runs = {login.logon_id: login.runs for login in complete}
    assert {login.logon_id: login.runs for login in mine} == {key: runs[key] for key in ("1", "8")}
    # where each process is known, those that ran as the caller have theirs
    failed = history(request(kept, caller), HistoryFilter(failed=True))
    assert any(program.executable for login in failed for program in login.programs)


def test_the_first_run_of_a_program_that_was_found_running_after_a_gap(tmp_path: Path) -> None:
    """Its record has a greater number than its start would give."""
    story = Kept(tmp_path / "history")
    story.feed(story.story.start_logons())
    for pid, start in ((310, 500), (320, 300)):
        process = Process(
            pid, ses=1, loginuid=1001, cgroup="/", comm="make", ppid=1, start=start, uids=(1001,) * 4, name="make",
        )  # fmt: skip
        story.feed([ProcessStarted(story.story.head(5000), process, owner_of(1), None)])
    (login,) = history(request(story), HistoryFilter("name:make"))
    story.keeper.stop()
    assert [(program.first, program.last) for program in login.programs] == [(moment(3000), moment(5000))]
