"""broker/selection.py: which logon sessions does a word mean?"""

import pytest

from logonscope import broker
from logonscope.broker import selection
from logonscope.broker.selection import keeper, select
from logonscope.facts import UNSET, Account, Process
from logonscope.machine import Owner, Selection
from logonscope.ownership import SYSTEM, join
from tests import example
from tests.broker.memory import Memory
from tests.hosts import ROOT

JOINED = join(example.LOGINS)
ALICES, BOBS = {4100, 4150, 4151, 4300, 4312}, {3990, 3991}
SYSTEMS = {1, 2, 650, 700}
ALICE = Selection(login_users=frozenset({"alice"}))


@pytest.mark.parametrize(
    ("word", "pids"),
    [
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
    host = Memory(example.snapshot()).broker(ROOT)
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
    assert selection.kernel_ids(select(word, JOINED), JOINED) == kernel_ids


def test_a_login_that_shares_a_kernel_id_is_looked_for_among_all_who_carry_it() -> None:
    heir = example.LOGINS[2]._replace(process=Process(3900, ses=41), inherited=True)
    joined = join([example.LOGINS[1], heir])
    assert selection.kernel_ids(select("c1", joined), joined) == frozenset({UNSET, 41})


def test_a_user_whose_account_is_gone_is_known_by_the_login_record() -> None:
    alices = Owner("41", "audit", example.LOGINS[1])
    member = Process(1, loginuid=1000)
    assert keeper(ALICE, {})(member, alices)
    assert not keeper(ALICE, {1000: Account("renamed", 1000, 1000, "", "", "")})(member, alices)
    assert not keeper(ALICE, {})(member, Owner("41", "audit"))


def test_a_uid_selects_what_it_logged_in_to() -> None:
    keeps = keeper(Selection(login_uids=frozenset({1000})), {})
    assert keeps(Process(1, loginuid=1000), Owner("41", "audit"))
    assert keeps(Process(1, loginuid=UNSET), Owner("c1", "scope", example.LOGINS[1]))
    assert not keeps(Process(1, loginuid=1001), Owner("41", "audit"))
    assert not keeps(Process(1, loginuid=UNSET), SYSTEM)
    both = Selection(login_uids=frozenset({1000}), login_users=frozenset({"bob"}))
    assert not keeper(both, example.ACCOUNTS)(Process(1, loginuid=1000), Owner("41", "audit"))
    assert selection.login_uids(Memory(example.snapshot()).observe, both, JOINED) == frozenset()


def test_of_a_process_that_does_not_say_who_logged_in_others_of_its_logon_session_do() -> None:
    unsaid, owner = Process(1), Owner("41", "audit")
    assert keeper(ALICE, {})(unsaid, owner)
    assert keeper(Selection(login_uids=frozenset({1000})), {})(unsaid, owner)
    assert not keeper(ALICE, {}, to_the_letter=True)(unsaid, owner)


def test_what_is_hidden_or_of_nobody_is_no_users() -> None:
    keeps = keeper(ALICE, example.ACCOUNTS)
    assert not keeps(Process(1, loginuid=1000), Owner(None, "hidden"))
    assert not keeps(Process(1, loginuid=UNSET), SYSTEM)


def test_names_count_in_whatever_case_but_those_that_a_person_types() -> None:
    member, owner = Process(1, loginuid=1000), Owner("41", "audit")
    shouted = Selection(login_users=frozenset({"ALICE"}))
    assert keeper(shouted, example.ACCOUNTS)(member, owner)
    assert not keeper(shouted, example.ACCOUNTS, to_the_letter=True)(member, owner)
