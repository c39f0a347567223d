"""Tests of broker/session_selector.py: the logon sessions that a word selects."""

import pytest

from logonscope.broker.request import Accounts
from logonscope.broker.session_selector import SessionFilter, numbers_among, select_sessions, selected_login_uids
from logonscope.facts import UNSET, Account, Process
from logonscope.machine import EVERYTHING, NO_FACTS, Look, Owner, Selection
from logonscope.ownership import LINUX
from tests import example
from tests.broker import operations as broker
from tests.broker.memory import Memory
from tests.hosts import ROOT, session_scope

INDEX = LINUX.index(example.LOGINS, example.MACHINE)
SYSTEM = LINUX.system_owner
ACCOUNTS = tuple(example.ACCOUNTS.values())
ALICES, BOBS = {4100, 4150, 4151, 4300, 4312}, {3990, 3991}
SYSTEMS = {1, 2, 650, 700}
ALICE = Selection(login_users=frozenset({"alice"}))
LOOKUP = Accounts(Memory(example.snapshot()), Look())


def test_only_short_texts_of_digits_are_numbers() -> None:
    """Python converts no text of more than 4,300 digits."""
    assert numbers_among({"1000", "alice", "", "-1", "1" * 11, "1" * 5000, "\u0663"}) == {1000}


@pytest.mark.parametrize(
    ("word", "pids"),
    [
        ("1" * 5000, set()),
        ("41", ALICES),
        ("041", ALICES),
        ("37", BOBS),
        ("c1", {3900, 3901}),
        ("4294967297", {3900, 3901}),
        ("user@1000.service", {4120}),
        ("42", {4120}),
        ("alice", ALICES | {4120}),
        ("postgres", {3900, 3901}),
        ("root", {6000, 6001}),
        ("63", {6000, 6001}),
        (str(UNSET), SYSTEMS),
        ("Alice", set()),
        ("nobody", set()),
        ("system", SYSTEMS),
        ("System", SYSTEMS),
        ("", set()),
        ("5", set()),
        ("c9", set()),
        ("99999999999999999999", set()),
        (None, set(example.BY_PID)),
    ],
)
def test_a_word_selects_the_same_processes_everywhere(word: str | None, pids: set[int]) -> None:
    host = Memory(example.snapshot()).request(ROOT)
    assert {row.pid for row in broker.processes(host, word)} == pids
    assert {row.pid for tree in broker.tree(host, word) for row in tree.processes} == pids
    assert sum(session.processes or 0 for session in broker.sessions(host, word)) == len(pids)


@pytest.mark.parametrize(
    ("word", "kernel_ids"),
    [
        ("41", frozenset({41, UNSET})),
        ("63", frozenset({63})),
        ("c1", frozenset({UNSET})),
        (str(UNSET), frozenset({UNSET})),
        ("8589935592", frozenset({UNSET})),
        ("99999999999999999999", frozenset({UNSET})),
        ("alice", None),
        (None, None),
    ],
)
def test_one_logon_session_narrows_the_reading_to_its_kernel_ids(
    word: str | None, kernel_ids: frozenset[int] | None
) -> None:
    assert INDEX.hint(NO_FACTS, select_sessions(word, LINUX, INDEX, LOOKUP), None).kernel_ids == kernel_ids


def test_a_login_that_shares_a_kernel_id_is_looked_for_among_all_who_carry_it() -> None:
    heir = example.LOGINS[2]._replace(process=Process(3900, ses=41), inherited=True)
    index = LINUX.index([example.LOGINS[1], heir], example.MACHINE)
    assert index.hint(NO_FACTS, select_sessions("c1", LINUX, index, LOOKUP), None).kernel_ids == frozenset({UNSET, 41})


def test_a_selection_means_itself_and_no_word_means_everything() -> None:
    assert select_sessions(ALICE, LINUX, INDEX, LOOKUP) == ALICE
    assert select_sessions(None, LINUX, INDEX, LOOKUP) == EVERYTHING


def test_an_account_selects_its_logins_by_a_name_that_is_not_the_first_of_its_uid() -> None:
    second = example.ACCOUNTS[1000]._replace(name="alice2")
    host = Memory(example.snapshot()._replace(users=(*ACCOUNTS, second))).request(ROOT)
    assert {row.pid for row in broker.processes(host, "alice2")} == ALICES | {4120}
    assert not [*broker.processes(host, "Alice2")]


def test_a_number_that_is_no_logon_id_can_be_the_name_of_an_account() -> None:
    users = [account._replace(name="1234") if uid == 1000 else account for uid, account in example.ACCOUNTS.items()]
    logins = [login._replace(user="1234") if login.uid == 1000 else login for login in example.LOGINS]
    host = Memory(example.snapshot()._replace(users=tuple(users), logins=tuple(logins))).request(ROOT)
    assert {row.pid for row in broker.processes(host, "1234")} == ALICES | {4120}
    assert {row.pid for row in broker.processes(host, "41")} == ALICES
    assert not [*broker.processes(host, "1235")]


def test_a_number_selects_by_login_id_and_by_logon_id() -> None:
    """The first login with kernel id 41 has left processes only; logind calls a login that inherited the id 41, too."""
    scope = session_scope(1000, "41")
    heir = example.LOGINS[2]._replace(
        id="41", uid=1000, scope="session-41.scope", process=Process(3900, ses=41), inherited=True, scope_inode=9
    )
    processes = (Process(1, ses=41, loginuid=1000, cgroup="/x"), Process(3900, ses=41, loginuid=1000, cgroup=scope))
    host = Memory(example.snapshot()._replace(logins=(heir,), processes=processes)).request(ROOT)
    rows = {row.pid: row.logon_id for row in broker.processes(host, "41")}
    assert rows == {1: "41", 3900: str((1 << 34) + 9)}
    assert {row.pid for row in broker.processes(host, rows[3900])} == {3900}


def kept(selection: Selection, *accounts: Account, case_sensitive: bool = False) -> SessionFilter:
    """Return the filter by a selection, on a host with these accounts."""
    lookup = Accounts(Memory(example.snapshot()._replace(users=accounts)), Look())
    return SessionFilter(selection, LINUX, lookup, case_sensitive=case_sensitive)


def test_a_user_whose_account_is_gone_is_known_by_the_login_record() -> None:
    alices = Owner("41", "audit", example.LOGINS[1])
    member = Process(1, loginuid=1000)
    assert kept(ALICE).keeps(member, alices)
    assert not kept(ALICE, Account("renamed", 1000, 1000, "", "", "")).keeps(member, alices)
    assert not kept(ALICE).keeps(member, Owner("41", "audit"))


def test_a_uid_selects_what_it_logged_in_to() -> None:
    keeps = kept(Selection(login_uids=frozenset({1000}))).keeps
    assert keeps(Process(1, loginuid=1000), Owner("41", "audit"))
    assert keeps(Process(1, loginuid=UNSET), Owner("c1", "scope", example.LOGINS[1]))
    assert not keeps(Process(1, loginuid=1001), Owner("41", "audit"))
    assert not keeps(Process(1, loginuid=UNSET), SYSTEM)
    both = Selection(login_uids=frozenset({1000}), login_users=frozenset({"bob"}))
    assert not kept(both, *ACCOUNTS).keeps(Process(1, loginuid=1000), Owner("41", "audit"))
    assert selected_login_uids(both, INDEX, Memory(example.snapshot()), Look()) == frozenset()


def test_the_uids_of_a_name_are_those_of_its_account_of_its_records_and_of_its_digits() -> None:
    memory = Memory(example.snapshot())

    def uids(**meant: frozenset[str]) -> frozenset[int] | None:
        return selected_login_uids(Selection(**meant), INDEX, memory, Look())  # type: ignore[arg-type]  # names

    assert uids() is None
    assert memory.asked.accounts == []
    assert uids(login_users=frozenset({"ALICE"})) == frozenset({1000})
    assert uids(login_users=frozenset({"7", "bob", "nobody-here", "٤"})) == frozenset({7, 1001})
    renamed = Memory(example.snapshot()._replace(users=()))
    assert selected_login_uids(ALICE, INDEX, renamed, Look()) == frozenset({1000})


def test_of_a_process_that_does_not_say_who_logged_in_others_of_its_logon_session_do() -> None:
    unsaid, owner = Process(1), Owner("41", "audit")
    assert kept(ALICE).keeps(unsaid, owner)
    assert kept(Selection(login_uids=frozenset({1000}))).keeps(unsaid, owner)
    assert not kept(ALICE, case_sensitive=True).keeps(unsaid, owner)


def test_a_hidden_session_and_one_without_a_user_match_no_user() -> None:
    keeps = kept(ALICE, *ACCOUNTS).keeps
    assert not keeps(Process(1, loginuid=1000), Owner(None, "hidden"))
    assert not keeps(Process(1, loginuid=UNSET), SYSTEM)
    for empty in ("", "0"):
        assert not kept(Selection(login_users=frozenset({empty}))).keeps(Process(1, loginuid=UNSET), SYSTEM)


def test_names_count_in_whatever_case_but_those_that_a_person_types() -> None:
    member, owner = Process(1, loginuid=1000, pid_namespaces=1), Owner("41", "audit")
    shouted = Selection(login_users=frozenset({"ALICE"}))
    assert kept(shouted, *ACCOUNTS).keeps(member, owner)
    assert not kept(shouted, *ACCOUNTS, case_sensitive=True).keeps(member, owner)
