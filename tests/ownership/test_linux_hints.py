"""Tests of ownership/linux.py, hints: reading with a hint never loses a process that a whole reading keeps."""

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from logonscope.broker.request import Accounts, ReadOrder
from logonscope.broker.session_selector import SessionFilter, select_sessions, selected_login_uids
from logonscope.facts import UNSET, Login, Process
from logonscope.machine import ANY_LOGON, NO_FACTS, LogonHint, LogonIndex, Look, Owner, ProcessQuery, Selection
from logonscope.ownership import LINUX
from tests.broker.crowds import KERNEL_IDS, NAMES, PEOPLE, Crowd, crowds
from tests.broker.memory import Memory
from tests.example import MACHINE
from tests.hosts import ROOT, user

DECIDING = LINUX.owner_facts | LINUX.access_facts
NOBODY = 880_009

logon_ids = st.sampled_from([*KERNEL_IDS, UNSET, 7, *((1 << 32) + number for number in range(5_000_001, 5_000_015)),
                             *((1 << 33) + uid for uid in PEOPLE)]).map(str)  # fmt: skip
selections = st.builds(
    Selection,
    logon_ids=st.none() | st.frozensets(logon_ids, max_size=3),
    login_users=st.none() | st.frozensets(st.sampled_from([*NAMES.values(), "ALICE", "880002", "who"]), max_size=2),
    login_uids=st.none() | st.frozensets(st.sampled_from([*PEOPLE, NOBODY]), max_size=2),
)
words = st.sampled_from([*NAMES.values(), "system", "c5000001", "880001", *map(str, KERNEL_IDS)])
some_facts = st.sampled_from([NO_FACTS, frozenset({"comm"}), frozenset({"cgroup"}), frozenset({"ses", "exe"})])


@st.composite
def hosts(draw: st.DrawFn) -> Crowd:
    """Return a crowd in which whoever came through another's restarted sshd may be yet another one than it was."""
    crowd = draw(crowds())
    login_uids = {key: draw(st.sampled_from(PEOPLE)) for key in KERNEL_IDS}
    processes = [
        process._replace(loginuid=login_uids.get(process.ses or 0, process.loginuid))
        for process in crowd.snapshot.processes
    ]
    return crowd._replace(snapshot=crowd.snapshot._replace(processes=processes))


class Reading:
    """One reading of a crowd, as root sees it."""

    def __init__(self, crowd: Crowd, which: str | Selection, facts: frozenset[str] = NO_FACTS) -> None:
        self._memory, self._which, self._facts = Memory(crowd.snapshot), which, facts

    def selection(self, index: LogonIndex) -> Selection:
        """Return what is meant by the logins that an index knows."""
        return select_sessions(self._which, LINUX, index, Accounts(self._memory, Look()))

    def hint(self, index: LogonIndex) -> LogonHint:
        """Return the hint that the logins make."""
        selection = self.selection(index)
        uids = selected_login_uids(selection, index, self._memory, Look())
        # the name of a user counts only where the logon session is not foreign, which its place can show
        facts = self._facts if selection.login_users is None else self._facts | DECIDING
        return index.hint(facts, selection, uids)

    def kept(self, index: LogonIndex, hint: LogonHint) -> dict[int, Owner]:
        """Return the owners of the processes that are meant, of those that a source reads by the hint."""
        lookup = Accounts(self._memory, Look())
        keeps = SessionFilter(self.selection(index), LINUX, lookup, case_sensitive=isinstance(self._which, str)).keeps
        query = ProcessQuery(self._facts | DECIDING, logon_hint=hint)
        found = ((process, index.owner(process)) for process in self._memory.processes(Look(), query))
        return {process.pid: owner for process, owner in found if keeps(process, owner)}


@given(hosts(), selections | words, some_facts)
@settings(max_examples=300)
def test_a_hint_loses_no_process_and_no_owner(crowd: Crowd, which: str | Selection, facts: frozenset[str]) -> None:
    reading, index = Reading(crowd, which, facts), LINUX.index(crowd.snapshot.logins, crowd.snapshot.machine)
    assert reading.kept(index, reading.hint(index)) == reading.kept(index, ANY_LOGON)


@given(hosts(), st.frozensets(st.sampled_from(PEOPLE), max_size=2), some_facts, st.data())
@settings(max_examples=300)
def test_a_hint_of_older_logins_loses_none_unless_the_newer_ones_need_more(
    crowd: Crowd, uids: frozenset[int], facts: frozenset[str], data: st.DataObject
) -> None:
    older = data.draw(st.lists(st.sampled_from(crowd.snapshot.logins), unique=True)) if crowd.snapshot.logins else ()
    reading, index = (
        Reading(crowd, Selection(login_uids=uids), facts),
        LINUX.index(crowd.snapshot.logins, crowd.snapshot.machine),
    )
    hint = reading.hint(LINUX.index(older, crowd.snapshot.machine))
    if not index.is_insufficient_hint(hint):
        assert reading.kept(index, hint) == reading.kept(index, ANY_LOGON)
    assert not index.is_insufficient_hint(reading.hint(index))


ORDERS: tuple[ReadOrder, ...] = ("logins first", "processes first")


@given(hosts(), st.sampled_from(PEOPLE), selections | words, st.sampled_from(ORDERS))
@settings(max_examples=200)
def test_a_narrowed_reading_returns_what_a_whole_reading_keeps(
    crowd: Crowd, uid: int, which: str | Selection, order: ReadOrder
) -> None:
    request = Memory(crowd.snapshot).request(user(uid) if uid else ROOT)
    query = ProcessQuery(frozenset({"comm"}) | LINUX.access_facts)
    selection = select_sessions(
        which, LINUX, LINUX.index(crowd.snapshot.logins, crowd.snapshot.machine), request.accounts
    )
    narrowed = [*request.read(query, which, read_order=order).pairs]
    pairs = [*request.read(query, read_order=order).pairs]
    if selection.names_sessions:
        keeps = SessionFilter(
            selection, LINUX, request.accounts, request.foreign, case_sensitive=isinstance(which, str)
        ).keeps
        pairs = [pair for pair in pairs if keeps(*pair)]
    assert _told(narrowed) == _told(pairs)


@given(crowds(), st.sampled_from([uid for uid in PEOPLE if uid]))
@settings(max_examples=200)
def test_the_hint_of_visible_processes_loses_none_of_them(crowd: Crowd, uid: int) -> None:
    index = LINUX.index(crowd.snapshot.logins, crowd.snapshot.machine)
    request = Memory(crowd.snapshot).request(user(uid))
    visibility = request.visibility
    hint = index.hint(visibility.with_access_facts(NO_FACTS), Selection(), visibility.login_uids(None))
    query = ProcessQuery(DECIDING, logon_hint=hint)
    found = [*Memory(crowd.snapshot).processes(Look(), query)]
    seen = {process.pid for process in found if visibility.sees_session(process, index.owner(process))}
    assert seen == {pid for pid in crowd.process if crowd.sees_session(uid, pid)}


FIRST = Login("41", 1001, audit=41, scope="session-41.scope")
HEIR = Login("c5", 1000, scope="session-c5.scope", process=Process(50, ses=41), inherited=True)


def test_when_logins_begin_to_share_a_key_more_is_needed_whatever_is_read() -> None:
    before, after = LINUX.index([FIRST], MACHINE), LINUX.index([FIRST, HEIR], MACHINE)
    for facts in (NO_FACTS, frozenset({"cgroup"})):
        assert after.is_insufficient_hint(before.hint(facts, Selection(), frozenset({1000})))
    assert after.is_insufficient_hint(before.hint(NO_FACTS, Selection(), None))
    assert not after.is_insufficient_hint(before.hint(frozenset({"cgroup"}), Selection(), None))
    assert not after.is_insufficient_hint(ANY_LOGON)
    assert not before.is_insufficient_hint(after.hint(NO_FACTS, Selection(), frozenset({1000})))


def _told(pairs: Iterable[tuple[Process, Owner]]) -> list[tuple[int, str | None, str]]:
    return [(process.pid, owner.logon_id, owner.evidence) for process, owner in pairs]
