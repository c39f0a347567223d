"""Tests of providers/helpers/process_keys.py: keys of processes, and the meaning of each form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.facts import Process
from logonscope.machine import EVERYTHING, Owner, Selection
from logonscope.ownership.join import SYSTEM_LOGON_ID
from logonscope.providers.helpers.process_keys import (
    has_session,
    process_reference,
    select_login_uid,
    select_login_user,
    select_logon_id,
    select_pid,
    select_process,
    select_session,
)
from tests.providers.asked import CONTEXT


@given(st.text(max_size=6) | st.integers().map(str))
def test_only_the_digits_that_a_pid_is_written_with_mean_it(handle: str) -> None:
    pids = select_pid(handle).pids
    assert pids is not None
    assert [str(pid) for pid in pids] == ([handle] if pids else [])


@pytest.mark.parametrize(("handle", "pids"), [("4312", {4312}), ("0", {0}), ("04312", set()), ("\u0664", set())])
def test_a_handle_means_one_process_or_none(handle: str, pids: set[int]) -> None:
    assert select_pid(handle) == select_process(("Win32_Process", handle)) == Selection(pids=frozenset(pids))


@pytest.mark.parametrize(
    ("logon_id", "ids"),
    [("41", {"41"}), (SYSTEM_LOGON_ID, {SYSTEM_LOGON_ID}), ("041", set()), ("c1", set()), ("", set())],
)
def test_an_id_means_one_logon_session_or_none(logon_id: str, ids: set[str]) -> None:
    meant = Selection(logon_ids=frozenset(ids))
    assert select_logon_id(logon_id) == select_session(("Win32_LogonSession", logon_id)) == meant


def test_a_user_means_its_logon_sessions_by_name_or_by_number() -> None:
    assert select_login_user("CORP\\dave") == Selection(login_users=frozenset({"CORP\\dave"}))
    assert select_login_user("a\ufffd") == EVERYTHING  # shown so, called otherwise
    assert select_login_uid(1000) == Selection(login_uids=frozenset({1000}))
    assert select_login_uid(0.5).is_empty


def test_a_process_is_referred_to_in_either_namespace() -> None:
    assert process_reference(Process(7)) == ("Win32_Process", "7")
    assert process_reference(Process(7), "LS_Process") == ("LS_Process", "7")


def test_a_process_is_placed_where_its_logon_session_is_known_to_the_caller() -> None:
    owners = [Owner("41", "audit"), Owner(SYSTEM_LOGON_ID, "none"), Owner(None, "unread"), Owner(None, "hidden")]
    assert [has_session(Process(7), owner, CONTEXT) for owner in owners] == [True, True, False, False]
