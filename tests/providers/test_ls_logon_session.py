"""Tests of providers/ls_logon_session.py: all values that Linux has, each with its source."""

from datetime import UTC, datetime
from uuid import UUID, uuid5

import pytest

from logonscope.cim.schema import LOGONSCOPE
from logonscope.errors import InvalidClassError, NotFoundError
from logonscope.facts import Login
from tests import example
from tests.hosts import HostFolder, user
from tests.providers.asked import SNAPSHOT, everything, one, rough, web1

RUN = "/run/systemd/sessions/41"

ALICES = {
    "LogonId": "41", "User": "alice", "Uid": 1000, "LogonType": 10,
    "StartTime": datetime(2026, 1, 1, 10, 2, tzinfo=UTC),
    "State": "active", "Terminal": "pts/0", "RemoteHost": "203.0.113.7", "RemoteAddress": "203.0.113.7",
    "Service": "sshd", "LoginClass": "user",
    "LeaderId": 4100, "Scope": "session-41.scope", "LoginId": "41", "RecordedBy": "logind", "ProcessCount": 5,
    "LeftoverCount": 0, "BootId": example.MACHINE.boot_id, "JoinEvidence": "record", "StartIsApproximate": False,
    "IsForeign": False,
    "Guid": str(uuid5(UUID("5e1f3bb4-c0a8-4d6f-9a64-f1c2d30e8b57"),
                      f"{example.MACHINE.machine_id}:{example.MACHINE.boot_id}:logon:41")),
    "Sources": [
        "Uid: /proc/PID/loginuid", "LogonType: sshd, terminal pts/0",
        "AuthenticationPackage: recorded only in the login program's own log", f"StartTime: {RUN}", f"State: {RUN}",
        "Terminal: /proc/PID/stat, tty_nr", f"RemoteHost: {RUN}", f"Service: {RUN}", f"LoginClass: {RUN}",
        f"LeaderId: {RUN}", f"Scope: {RUN}", f"RemoteAddress: {RUN}",
    ],
}  # fmt: skip


def test_all_that_is_known_of_a_login_with_its_sources() -> None:
    found = web1().get("LS_LogonSession=41", namespace=LOGONSCOPE)
    assert {name: value for name, value in found.properties().items() if value is not None} == ALICES


def test_state_and_leftovers_are_null_without_a_login_record() -> None:
    names = ("LogonId", "State", "LeftoverCount", "ProcessCount", "RecordedBy")
    assert everything(web1(), "LS_LogonSession", *names) == [
        ("4294967295", None, None, 4, None),
        ("4294967297", "online", 0, 2, "logind"),
        ("37", "logged out", 2, 2, "logind"),
        ("41", "active", 0, 5, "logind"),
        ("42", "active", 0, 1, "logind"),
        ("63", None, None, 2, None),
    ]


def test_the_system_session_has_no_login_user() -> None:
    names = ("User", "Uid", "LogonType", "LeaderId", "StartTime")
    assert one(web1(), "LS_LogonSession=4294967295", *names) == (None, None, 0, None, datetime(2026, 1, 1, tzinfo=UTC))


def test_an_approximate_start_says_so() -> None:
    sources, said = one(web1(), "LS_LogonSession=63", "Sources", "StartIsApproximate")
    assert said is True
    assert "StartTime: approximate: earliest process whose parent is outside the logon session" in sources


def test_a_login_at_the_machine_itself_has_its_seat_and_its_virtual_terminal() -> None:
    def moved(login: Login) -> Login:
        here = login._replace(seat="seat0", vt=2, tty="tty2", remote=False, remote_host=None, service="login")
        return here if login.id == "41" else login

    host = web1(logins=tuple(map(moved, SNAPSHOT.logins)))
    names = ("Seat", "VirtualTerminal", "Terminal", "LogonType", "AuthenticationPackage", "RemoteHost")
    assert one(host, "LS_LogonSession=41", *names) == ("seat0", 2, "tty2", 2, "PAM", None)


def test_what_a_login_program_passed_on_is_made_fit(host: HostFolder) -> None:
    found = one(rough(host), "LS_LogonSession=41", "RemoteHost", "User", "ProcessCount")
    assert found == ("evil\ufffd[2J", "alice", 4)


def test_counts_are_of_what_the_caller_sees() -> None:
    assert everything(web1(user(1001)), "LS_LogonSession", "LogonId", "ProcessCount") == [("37", 2)]
    with pytest.raises(NotFoundError):
        web1(user(1001)).get("LS_LogonSession=41", namespace=LOGONSCOPE)


def test_it_is_a_class_of_its_own_namespace() -> None:
    with pytest.raises(InvalidClassError):
        web1().get("LS_LogonSession=41")
    assert web1().get("root/logonscope:LS_LogonSession=41").LogonId == "41"
