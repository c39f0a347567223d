"""Tests of providers/ls_unit_logon.py: the logon session that started a service."""

from typing import Any

from logonscope import Host
from logonscope.broker import Caller
from logonscope.cim.schema import LOGONSCOPE
from logonscope.facts import UnitRequest
from logonscope.machine import EVERYTHING, Selection
from logonscope.providers.ls_unit_logon import PROVIDER
from tests import example
from tests.hosts import ROOT, user
from tests.providers.asked import everything, fixed, pair
from tests.providers.services import host_of_services

SSH = UnitRequest(
    "ssh.service", example.since(9), example.since(8), 4400, 41, 1000, "/user.slice/user-1000.slice/session-41.scope",
    "sudo systemctl restart ssh", "journal, sudo",
)  # fmt: skip
CRON = SSH._replace(unit="cron.service", ses=99, loginuid=1001, cgroup="", command="sudo service cron start")
GONE = SSH._replace(unit="late.service", ses=12, cgroup="")


def host(caller: Caller = ROOT, *requests: UnitRequest) -> Host:
    return host_of_services(caller, unit_requests=requests or (SSH, CRON))


def service(name: str) -> str:
    return rf'\\.\root\logonscope:LS_Service.Manager="system",Name="{name}"'


def session(logon_id: str) -> str:
    return rf'\\.\root\logonscope:LS_LogonSession.LogonId="{logon_id}"'


def test_each_service_that_was_requested() -> None:
    names = ("Antecedent", "Dependent", "LogonId", "LoginUid", "RequestProcessId", "Command", "Evidence")
    assert everything(host(), "LS_UnitLogon", *names) == [
        (session("41"), service("ssh.service"), "41", 1000, 4400, "sudo systemctl restart ssh", "journal, sudo"),
        (session("99"), service("cron.service"), "99", 1001, 4400, "sudo service cron start", "journal, sudo"),
    ]
    ((start, request),) = everything(host(ROOT, SSH), "LS_UnitLogon", "StartTime", "RequestTime")
    assert (start - request).total_seconds() == 60


def test_a_user_sees_what_its_own_logon_sessions_requested() -> None:
    assert everything(host(user(1000)), "LS_UnitLogon", "LogonId") == ["41"]
    assert everything(host(user(1002)), "LS_UnitLogon", "LogonId") == []


def test_from_a_service_the_logon_session_is_found_and_back() -> None:
    found = host().associators(service("ssh.service"), assoc_class="LS_UnitLogon", namespace=LOGONSCOPE)
    assert [row["LogonId"] for row in found] == ["41"]
    back = host().associators(session("41"), assoc_class="LS_UnitLogon", namespace=LOGONSCOPE)
    assert [row["Name"] for row in back] == ["ssh.service"]
    (row,) = host().query("SELECT * FROM LS_UnitLogon WHERE LogonId = '99'", namespace=LOGONSCOPE)
    assert row["LoginUid"] == 1001


def test_a_logon_session_that_has_ended_is_still_named() -> None:
    ended = host(ROOT, GONE)
    assert everything(ended, "LS_UnitLogon", "LogonId") == ["12"]
    assert not [*ended.associators(service("late.service"), assoc_class="LS_UnitLogon", namespace=LOGONSCOPE)]


def test_a_pair_is_found_by_its_path() -> None:
    ends: dict[str, Any] = {"Antecedent": session("41"), "Dependent": service("ssh.service")}
    assert host().get(pair("LS_UnitLogon", **ends), namespace=LOGONSCOPE)["LoginUid"] == 1000


def test_a_fixed_service_narrows_the_reading() -> None:
    chosen = PROVIDER.selection(fixed(Dependent=("LS_Service", "system", "ssh.service")))
    assert chosen == Selection(services=frozenset({"ssh.service"}))
    assert PROVIDER.selection(fixed(Dependent=("LS_Service", "system", "\ufffd"))) == EVERYTHING
    none = PROVIDER.selection(fixed(Dependent=("LS_Service", "user@1000.service", "ssh.service")))
    assert none.services == frozenset()
