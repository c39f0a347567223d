"""journal/listed_states.py: a process is listed in the login that it enters later, with what it executed there."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

from logonscope.facts import UNSET, Process
from logonscope.facts.history import ProcessRecord
from logonscope.journal.rows import PLACE
from logonscope.machine import Look
from logonscope.machine.events import Event, ProcessChanged, ProcessEnded, ProcessStarted
from logonscope.machine.history import ActivityQuery, LogonRecordQuery, ProcessRecordQuery
from tests.journal.kept import Kept
from tests.journal.story import BOOT, SYSTEM, owner_of
from tests.journal.test_retention import retain

FIRST_PID = 5000


class Entry(NamedTuple):
    """A process as the test knows it: when it started and entered a login, in ms, and which one it entered."""

    pid: int
    start: int
    entered: int
    logon_id: str


def enter(kept: Kept, number: int, login: int, *, batches: bool, has_ended: bool) -> Entry:
    """Let systemd start a process that enters a login, becomes the user and executes a program, as run0 does."""
    story, owner = kept.story, owner_of(login)
    story.ms += 50
    start, pid = story.ms, FIRST_PID + number
    uid = 0 if owner.login is None else owner.login.uid
    forked = Process(
        pid, ses=UNSET, loginuid=UNSET, cgroup="/system.slice/run.service", comm="executor", ppid=1, tty_nr=0,
        start=start // 10, uids=(0,) * 4, gids=(0,) * 4, pid_namespaces=1, exe="/lib/executor", name="executor",
    )  # fmt: skip
    inside = forked._replace(ses=login, loginuid=uid)
    user = inside._replace(uids=(uid,) * 4, gids=(uid,) * 4)
    tool = user._replace(comm="tool", name="tool", exe="/usr/bin/tool", cmdline=b"tool\0-x\0")
    later = tool._replace(comm="other", name="other", exe="/usr/bin/other")
    states = [(forked, SYSTEM), (inside, owner), (user, owner), (tool, owner), (later, owner)]
    events: list[Event] = [ProcessStarted(story.head(start), forked, SYSTEM, None)]
    for before, after in pairwise(states):
        story.ms += 20
        events.append(ProcessChanged(story.head(story.ms), before, after))
    if has_ended:
        story.ms += 20
        events.append(ProcessEnded(story.head(story.ms), *states[-1], 256))
    for batch in [[event] for event in events] if batches else [events]:
        kept.feed(batch)
    return Entry(pid, start, start + 20, owner.logon_id or "")


def fill(kept: Kept) -> list[Entry]:
    """Write processes that enter logins among many others, in one batch or several, before and after rows are moved."""
    kept.feed(kept.story.start_logons())
    entries = []
    for number in range(24):
        kept.live(40)
        entries.append(enter(kept, number, number % 5 + 1, batches=number % 2 == 0, has_ended=number % 3 != 0))
        if number in {7, 15}:
            kept.move_all()
    kept.live(40)
    return entries


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Kept, list[Entry]]]:
    story = Kept(tmp_path_factory.mktemp("entries") / "history")
    yield story, fill(story)
    story.keeper.stop()


def listed(kept: Kept, query: ProcessRecordQuery) -> list[ProcessRecord]:
    """Return the processes of the test that a query lists; checks the order of all."""
    records = list(kept.history().processes(Look(), query))
    assert [record.id for record in records] == sorted({record.id for record in records})
    return [record for record in records if record.process.pid >= FIRST_PID]


def logon_numbers(kept: Kept) -> dict[str, int]:
    return {record.logon_id: record.id for record in kept.history().logons(Look(), LogonRecordQuery())}


def moment(ms: int) -> datetime:
    return datetime.fromtimestamp(BOOT + ms / 1000, UTC)


def test_every_query_lists_them_in_the_login(kept: tuple[Kept, list[Entry]]) -> None:
    story, entries = kept
    numbers, pids = logon_numbers(story), [entry.pid for entry in entries]
    everything = listed(story, ProcessRecordQuery())
    assert [record.process.pid for record in everything] == pids
    for record, entry in zip(everything, entries, strict=True):
        process = record.process
        assert (record.logon_record, process.start) == (numbers[entry.logon_id], entry.start // 10)
        assert process.name == "tool"
        assert (process.ses, process.cmdline) == (int(entry.logon_id), b"tool\0-x\0")
        assert record.user == f"user{1000 + int(entry.logon_id) % 7}"
    ids = frozenset(record.id for record in everything)
    assert listed(story, ProcessRecordQuery(ids=ids)) == everything
    assert listed(story, ProcessRecordQuery(pids=frozenset(pids))) == everything
    assert listed(story, ProcessRecordQuery(names=frozenset({"TOOL"}))) == everything
    assert listed(story, ProcessRecordQuery(name_prefix="exec")) == []
    assert listed(story, ProcessRecordQuery(since=moment(0))) == everything
    running = [record for record in everything if record.end is None]
    assert 0 < len(running) < len(everything)
    assert listed(story, ProcessRecordQuery(is_running=True)) == running
    for user in {record.user or "" for record in everything}:
        expected = [record for record in everything if record.user == user]
        assert listed(story, ProcessRecordQuery(users=frozenset({user}))) == expected
    for logon_id, number in numbers.items():
        expected = [record for record in everything if record.logon_record == number]
        assert bool(expected) == (logon_id in {"1", "2", "3", "4", "5"})
        assert listed(story, ProcessRecordQuery(logon_records=frozenset({number}))) == expected
        both = ProcessRecordQuery(logon_records=frozenset({number}), names=frozenset({"tool"}), since=moment(0))
        assert listed(story, both) == expected


def test_times_and_the_newest(kept: tuple[Kept, list[Entry]]) -> None:
    story, entries = kept
    everything = listed(story, ProcessRecordQuery())
    middle = entries[12].start
    later = [record for record in everything if (record.process.start or 0) >= middle // 10]
    assert listed(story, ProcessRecordQuery(started_since=moment(middle)))[-len(later) :] == later
    middle_wall = moment(middle).timestamp() * 1e6
    expected = [record for record in everything if record.end is None or record.end >= middle_wall]
    assert listed(story, ProcessRecordQuery(since=moment(middle))) == expected
    assert listed(story, ProcessRecordQuery(until=moment(middle // 10 * 10))) == everything[:12]
    newest = list(story.history().processes(Look(), ProcessRecordQuery(newest=60)))
    assert newest == list(story.history().processes(Look(), ProcessRecordQuery()))[-60:]
    assert listed(story, ProcessRecordQuery(newest=3, names=frozenset({"tool"}))) == everything[-3:]


def test_counts_are_those_of_the_lists(kept: tuple[Kept, list[Entry]]) -> None:
    story, entries = kept
    history, numbers = story.history(), logon_numbers(story)
    programs = history.programs(Look(), list(numbers.values()))
    tools = {logon: [part for part in counts if part.name == "tool"] for logon, counts in programs.items()}
    assert not any(part.name == "executor" for counts in programs.values() for part in counts)
    for logon_id, number in numbers.items():
        own = [entry for entry in entries if entry.logon_id == logon_id]
        assert [part.runs for part in tools.get(number, ())] == ([len(own)] if own else [])
    for since, until in ((0, 10_000_000), (entries[12].start, entries[20].start)):
        span = int(moment(since).timestamp() * 1e6), int(moment(until).timestamp() * 1e6)
        query = ActivityQuery(frozenset(numbers.values()), *span, 60_000_000, frozenset())
        for number in numbers.values():
            selection = ProcessRecordQuery(logon_records=frozenset({number}), since=moment(since), until=moment(until))
            expected = len(list(history.processes(Look(), selection)))
            counted = sum(part.processes for part in history.activity(Look(), query) if part.logon_record == number)
            assert counted == expected


def test_a_past_moment_has_the_logon_session_of_that_moment(kept: tuple[Kept, list[Entry]]) -> None:
    story, entries = kept
    with story.history().lend_reader() as reader:
        for entry in entries:
            for ms, expected in ((entry.entered - 10, UNSET), (entry.entered + 10, int(entry.logon_id))):
                rows = reader.rows_at(1, ms, frozenset({entry.pid}))
                reader.load_dictionaries(rows)
                assert [reader.place(row[PLACE]).ses for row in rows] == [expected]


def test_they_are_kept_as_long_as_the_login(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    entries = fill(kept)
    kept.move_all()
    everything = listed(kept, ProcessRecordQuery())
    retain(kept, keep_logins_ms=10**9, keep_system_ms=0)
    assert listed(kept, ProcessRecordQuery()) == everything
    for login in range(1, 13):
        kept.feed([kept.story.end_logon(login)])
    for _ in range(4):
        kept.story.ms += 60_000  # rows of the clock map are a minute apart
        kept.live(5)
    kept.move_all()
    retain(kept, keep_logins_ms=0, keep_system_ms=10**9)
    running = [record for record in everything if record.end is None]
    assert listed(kept, ProcessRecordQuery()) == running
    assert len(running) < len(entries)
    numbers = logon_numbers(kept)
    assert {record.logon_record for record in running} <= set(numbers.values())
    assert kept.verify().is_intact
    kept.keeper.stop()


def test_a_change_within_a_login_does_not_move_a_process(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.feed(kept.story.start_logons())
    kept.live(200)
    before = list(kept.history().processes(Look(), ProcessRecordQuery()))
    kept.feed(kept.story.late_changes())
    assert list(kept.history().processes(Look(), ProcessRecordQuery())) == before
    kept.keeper.stop()


def test_a_program_that_is_read_after_the_row_was_written(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "history")
    kept.feed(kept.story.start_logons())
    owner, story = owner_of(3), kept.story
    shell = Process(FIRST_PID, ses=3, loginuid=1003, comm="bash", name="bash", exe="/bin/bash", start=story.ms // 10)
    unread = shell._replace(comm=None, name=None, exe=None)
    late = unread._replace(comm="late", name="late", exe="/bin/late")
    kept.feed([
        ProcessStarted(story.head(story.ms), shell, owner, None),
        ProcessChanged(story.head(story.ms), (shell, owner), (unread, owner)),
    ])  # fmt: skip
    (record,) = listed(kept, ProcessRecordQuery())
    assert record.process.name is None
    kept.move_all()
    kept.feed([ProcessChanged(story.head(story.ms + 2000), (unread, owner), (late, owner))])
    again = late._replace(comm="again", name="again", exe="/bin/again")
    kept.feed([ProcessChanged(story.head(story.ms + 3000), (late, owner), (again, owner))])
    (record,) = listed(kept, ProcessRecordQuery())
    assert record.process.name == "late"
    assert listed(kept, ProcessRecordQuery(names=frozenset({"late"}))) == [record]
    assert listed(kept, ProcessRecordQuery(names=frozenset({"again"}))) == []
    logon = record.logon_record or 0
    assert [part.name for part in kept.history().programs(Look(), [logon])[logon]] == ["late"]
    assert kept.verify().is_intact
    kept.keeper.stop()


def test_no_query_about_a_login_reads_all_rows(kept: tuple[Kept, list[Entry]]) -> None:
    story, _ = kept
    statements: list[str] = []
    history, number = story.history(), logon_numbers(story)["1"]
    span = int(moment(0).timestamp() * 1e6), int(moment(story.story.ms).timestamp() * 1e6)
    with history.lend_reader() as reader:
        reader.database.set_trace_callback(statements.append)
    # the pool lends the same reader again
    history.programs(Look(), [number])
    list(history.processes(Look(), ProcessRecordQuery(logon_records=frozenset({number}))))
    list(history.processes(Look(), ProcessRecordQuery(newest=3)))
    list(history.activity(Look(), ActivityQuery(frozenset({number}), *span, 60_000_000, frozenset())))
    later = [text for text in statements if "listed IS NOT NULL" in text]
    assert len(later) > 8
    plans = [row[3] for text in later for row in story.database.execute(f"EXPLAIN QUERY PLAN {text}")]
    # only the newest are read by their order, up to LIMIT
    assert [plan for plan in plans if plan.startswith(("SCAN process", "SCAN row", "MATERIALIZE"))] == ["SCAN process"]


@pytest.mark.parametrize("is_read", [True, False])
def test_a_program_that_is_executed_a_batch_after_the_fork_is_the_one_that_is_listed(
    tmp_path: Path, is_read: bool
) -> None:
    kept = Kept(tmp_path / "history")
    kept.feed(kept.story.start_logons())
    owner, head, ticks = owner_of(3), kept.story.head, kept.story.ms // 10
    shell = Process(FIRST_PID, ses=3, loginuid=1003, comm="bash", name="bash", exe="/bin/bash", start=ticks)
    child = shell._replace(pid=FIRST_PID + 1, start=ticks + 1)
    forked = child if is_read else Process(child.pid, ses=3, loginuid=1003, start=child.start)
    listing, later = (child._replace(comm=name, name=name, exe=f"/bin/{name}") for name in ("ls", "cat"))
    kept.feed([ProcessStarted(head(kept.story.ms), shell, owner, None)])
    kept.feed([ProcessStarted(head(kept.story.ms + 10), forked, owner, (shell.pid, ticks))])
    (record,) = listed(kept, ProcessRecordQuery(pids=frozenset({child.pid})))
    assert record.process.name == "bash"
    kept.feed([ProcessChanged(head(kept.story.ms + 12), (forked, owner), (listing, owner))])
    (record,) = listed(kept, ProcessRecordQuery(pids=frozenset({child.pid})))
    kept.feed([ProcessChanged(head(kept.story.ms + 50), (listing, owner), (later, owner))])
    assert listed(kept, ProcessRecordQuery(pids=frozenset({child.pid}))) == [record]
    assert record.process.name == "ls"
    assert listed(kept, ProcessRecordQuery(names=frozenset({"ls"}))) == [record]
    kept.keeper.stop()
