"""Tests of providers/helpers/account_columns.py: columns that accounts share, and their keys."""

import pytest

from logonscope.cim.schema import schema
from logonscope.facts import Account, Group
from logonscope.machine import Selection
from logonscope.providers.helpers.account_columns import (
    full_name,
    group_columns,
    select_group_name,
    select_user_name,
    user_columns,
)
from tests.providers.asked import CONTEXT

ACCOUNT = Account("alice", 1000, 1000, "Alice Liddell,Room 1,,", "/home/alice", "/bin/sh", local=True)


@pytest.mark.parametrize(
    ("gecos", "name"),
    [
        ("Alice Liddell,Room 1,,", "Alice Liddell"),
        ("Alice", "Alice"),
        ("", None),
        (",,,", None),
        ("A\x1b\udcff,", "A\ufffd\ufffd"),
    ],
)
def test_the_full_name_ends_at_the_first_comma(gecos: str, name: str | None) -> None:
    assert full_name(ACCOUNT._replace(gecos=gecos)) == name


def test_users_and_groups_have_every_column_of_an_account() -> None:
    names = {known.name for known in schema().get("Win32_Account").properties.values()}
    assert set(user_columns()) == set(group_columns()) == names


def test_a_user_and_a_group_of_one_name_and_number_differ_in_their_sids() -> None:
    group = Group("alice", 1000, local=True)
    users, groups = user_columns(), group_columns()
    assert [users[name].make_value(ACCOUNT, CONTEXT) for name in ("SID", "SIDType")] == ["S-1-22-1-1000", 1]
    assert [groups[name].make_value(group, CONTEXT) for name in ("SID", "SIDType")] == ["S-1-22-2-1000", 4]
    for name in ("Caption", "Domain", "Name", "LocalAccount"):
        assert users[name].make_value(ACCOUNT, CONTEXT) == groups[name].make_value(group, CONTEXT)


def test_whether_an_account_is_local_may_be_unknown() -> None:
    assert user_columns()["LocalAccount"].make_value(ACCOUNT._replace(local=None), CONTEXT) is None


def test_a_name_means_more_spellings_beside_a_domain() -> None:
    assert select_user_name("bob", {"Name": "bob"}) == Selection(users=frozenset({"bob"}))
    beside = frozenset({"bob", "CORP\\bob", "bob@CORP"})
    assert select_user_name("bob", {"Name": "bob", "Domain": "CORP"}) == Selection(users=beside)
    assert select_group_name("bob", {"Name": "bob", "Domain": "CORP"}) == Selection(groups=beside)
