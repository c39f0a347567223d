"""Tests of providers/ls_session_process.py: the evidence of each pair, and values of the process."""

from datetime import UTC, datetime

import pytest

from logonscope.cim.schema import LOGONSCOPE
from logonscope.errors import NotFoundError
from logonscope.facts import Account
from tests.hosts import HostFolder, manager_service, user
from tests.providers.asked import at, everything, one, pair, python3, rough, values, web1

DETAIL_FACTS = ("User", "Uid", "LoginUid", "StartTime", "Leftover")


def path(logon_id: str, pid: int) -> str:
    """Return the path of a pair."""
    return pair("LS_SessionProcess", Antecedent=f"LS_LogonSession={logon_id}", Dependent=f"LS_Process={pid}")


def test_each_pair_says_which_rule_decided() -> None:
    found = everything(web1(), "LS_SessionProcess", "Antecedent", "Dependent", "Evidence")
    session, process = at('LS_LogonSession.LogonId="4294967297"'), at('LS_Process.Handle="3901"')
    assert found[5] == (session, process, "scope")
    assert [evidence for _, _, evidence in found] == ["none"] * 4 + ["scope"] * 2 + ["audit"] * 10


def test_a_user_manager_without_an_id_of_the_kernel_is_evidence_too(host: HostFolder) -> None:
    host.process(20, "systemd", uid=1000, cgroup=f"{manager_service(1000)}/init.scope")
    host.user_manager(1000, 20)
    assert one(host.connect(), path(str((1 << 33) + 1000), 20), "Evidence", "LoginUid") == ("manager", 1000)


def test_the_login_user_stays_when_the_process_changes_its_user() -> None:
    begun = datetime(2026, 1, 1, 10, 40, tzinfo=UTC)
    assert one(web1(), path("41", 4312), *DETAIL_FACTS) == ("root", 0, 1000, begun, False)
    assert one(web1(), path("4294967297", 3901), *DETAIL_FACTS)[:3] == ("postgres", 110, 110)


def test_a_process_runs_as_its_effective_user_by_whatever_name_can_be_carried() -> None:
    for uids, user_name in (((1000, 0, 0, 0), "root"), ((0, 4242, 0, 0), None), (None, None)):
        assert one(python3(uids=uids), path("41", 4312), "User", "Uid") == (user_name, uids and uids[1])
    odd = web1(users=(Account("a\x1b", 0, 0, "", "", ""),))
    assert one(odd, path("41", 4312), "User") == "a\ufffd"


def test_a_leftover_is_reported_with_a_login_record() -> None:
    found = dict(everything(web1(), "LS_SessionProcess", "Dependent", "Leftover"))
    told = [found[at(f'LS_Process.Handle="{pid}"')] for pid in (3991, 4312, 6001, 1)]
    assert told == [True, False, None, None]


def test_the_system_session_has_no_login_uid() -> None:
    assert one(web1(), path("4294967295", 1), "User", "Uid", "LoginUid") == ("root", 0, None)


def test_what_cannot_be_read_is_null_or_in_no_pair(host: HostFolder) -> None:
    asked = rough(host)
    host.spoil(12, "status", "loginuid")
    assert one(asked, path("41", 12), "User", "Uid", "LoginUid") == (None, None, 1000)
    with pytest.raises(NotFoundError):
        asked.get(path("4294967295", 14), namespace=LOGONSCOPE)


def test_a_uid_without_an_account_has_no_name(host: HostFolder) -> None:
    host.process(50, ses=77, loginuid=4242, uid=4242)
    assert one(host.connect(), path("77", 50), "User", "Uid") == (None, 4242)


def test_from_a_logon_session_the_processes_are_found_in_full() -> None:
    found = web1().associators("LS_LogonSession=37", namespace=LOGONSCOPE)
    assert values(found, "ProcessId", "CommandLine") == [(3990, "tmux new -d"), (3991, "python3 train.py")]


def test_one_sees_the_pairs_of_ones_own_alone() -> None:
    found = everything(web1(user(1001)), "LS_SessionProcess", "Dependent")
    assert found == [at('LS_Process.Handle="3990"'), at('LS_Process.Handle="3991"')]
