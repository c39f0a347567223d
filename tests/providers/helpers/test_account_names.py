"""Tests of providers/helpers/account_names.py: names of accounts map one-to-one between Windows and Linux."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.machine import Selection
from logonscope.providers.helpers.account_names import (
    account_name_or_uid,
    account_reference,
    domain_and_name,
    group_sid,
    is_user_account,
    possible_names,
    select_group_reference,
    select_user_reference,
    user_sid,
)
from tests.providers.asked import CONTEXT

words = st.text(st.characters(exclude_characters="\\@", exclude_categories=["Cc", "Cs", "Cn"]), min_size=1)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("alice", ("web1", "alice")),
        ("CORP\\alice", ("CORP", "alice")),
        ("alice@corp.example", ("corp.example", "alice")),
        ("CORP\\alice@home", ("CORP", "alice@home")),
        ("a@b@c", ("c", "a@b")),
        ("\\alice", ("web1", "\\alice")),
        ("CORP\\", ("web1", "CORP\\")),
        ("@corp", ("web1", "@corp")),
        ("alice@", ("web1", "alice@")),
        ("", ("web1", "")),
        ("a\x1b\udcff", ("web1", "a\ufffd\ufffd")),
    ],
)
def test_a_name_is_taken_apart_where_a_directory_service_put_it_together(name: str, parts: tuple[str, str]) -> None:
    assert domain_and_name(name, "web1") == parts
    assert account_reference(name, "web1", "Win32_Group") == ("Win32_Group", *parts)


@given(words, words)
def test_whatever_is_taken_apart_is_looked_up_as_it_was(domain: str, name: str) -> None:
    for whole in (f"{domain}\\{name}", f"{name}@{domain}", name):
        of, rest = domain_and_name(whole, "web1")
        assert whole in (possible_names(rest, of) or ())


def test_a_name_without_a_domain_is_looked_up_alone() -> None:
    assert possible_names("Alice", "Corp") == frozenset({"Alice", "Corp\\Alice", "Alice@Corp"})
    assert possible_names("alice", None) == frozenset({"alice"})
    assert possible_names("a\ufffd", "Corp") is possible_names("a", "\ufffd") is None


def test_a_reference_means_the_accounts_or_the_groups_of_its_name() -> None:
    names = frozenset({"bob", "web1\\bob", "bob@web1"})
    assert select_user_reference(("Win32_Account", "web1", "bob")) == Selection(users=names)
    assert select_group_reference(("Win32_Group", "web1", "bob")) == Selection(groups=names)


def test_an_unknown_uid_is_named_by_its_digits() -> None:
    assert (account_name_or_uid(0, CONTEXT.accounts), account_name_or_uid(4242, CONTEXT.accounts)) == ("root", "4242")


def test_sids_are_those_that_samba_gives() -> None:
    assert (user_sid(1000), group_sid(1000)) == ("S-1-22-1-1000", "S-1-22-2-1000")


def test_root_is_a_person() -> None:
    assert [is_user_account(uid, 1000) for uid in (0, 1, 999, 1000, 65534)] == [True, False, False, True, True]
