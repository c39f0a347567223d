"""Tests of machine/queries.py: a hint excludes only processes that cannot match."""

import pytest

from logonscope.facts import UNSET
from logonscope.machine import ANY_LOGON, LogonHint

KEYED = LogonHint(kernel_ids=frozenset({41}))
OF_ALICE = LogonHint(login_uids=frozenset({1000}), kernel_ids_of_any_uid=frozenset({37}))
NOBODYS = LogonHint(login_uids=frozenset())


@pytest.mark.parametrize(
    ("hint", "key", "login_uid", "may_be"),
    [
        (ANY_LOGON, 41, 1000, True),
        (ANY_LOGON, None, None, True),
        (KEYED, 41, 1000, True),
        (KEYED, 37, 1000, False),
        (KEYED, None, 1000, True),
        (OF_ALICE, 41, 1000, True),
        (OF_ALICE, 41, 1001, False),
        (OF_ALICE, 37, 1001, True),
        (OF_ALICE, None, 1001, True),
        (OF_ALICE, 41, None, True),
        (OF_ALICE, 41, UNSET, True),
        (NOBODYS, 41, 1000, False),
        (KEYED._replace(login_uids=frozenset({1000})), 41, 1001, False),
        (KEYED._replace(login_uids=frozenset({1000})), 37, 1000, False),
        (KEYED._replace(login_uids=frozenset({1000})), 41, 1000, True),
    ],
)
def test_a_process_may_be_wanted_unless_its_key_or_its_login_uid_says_no(
    hint: LogonHint, key: int | None, login_uid: int | None, *, may_be: bool
) -> None:
    assert hint.may_match(key, login_uid) is may_be


def test_a_hint_about_locations_alone_excludes_no_process() -> None:
    assert not ANY_LOGON.narrows
    assert not LogonHint(kernel_ids_needing_cgroup=frozenset({UNSET}), kernel_ids_of_any_uid=frozenset({UNSET})).narrows
    assert KEYED.narrows
    assert OF_ALICE.narrows
    assert NOBODYS.narrows
