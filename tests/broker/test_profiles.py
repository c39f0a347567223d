"""Tests of broker/profiles.py: past logins are read only if needed, and shown as the caller may see them."""

from logonscope.broker.profiles import read_profiles
from logonscope.machine import AccountQuery
from logonscope.providers.helpers.profile_item import HISTORY, LOADED, Profile
from tests.broker.memory import Memory
from tests.hosts import ROOT, user
from tests.providers.asked import SNAPSHOT, USERS
from tests.providers.profiles import HISTORY as ROWS
from tests.providers.profiles import SECOND

LOGGED = SNAPSHOT._replace(login_history=ROWS)


def test_without_facts_only_accounts_are_read() -> None:
    memory = Memory(LOGGED)
    found = [profile for (profile,) in read_profiles(memory.request(ROOT), frozenset(), AccountQuery(users="ALL"))]
    assert found == [Profile(account) for account in USERS]
    assert memory.asked.processes == []


def test_a_caller_has_its_own_history() -> None:
    selection = AccountQuery(users=frozenset({"alice", "bob"}))
    facts = frozenset({HISTORY, LOADED})
    found = {
        row.account.name: row[1:] for (row,) in read_profiles(Memory(LOGGED).request(user(1000)), facts, selection)
    }
    assert found == {"alice": (300 * SECOND, 250 * SECOND, 7, True), "bob": (None, None, None, None)}
