"""faces/cli/event_text.py: events as lines for people."""

from datetime import UTC, datetime
from typing import Any

import pytest

from logonscope.answers.host_event import ChangedUser, FailedAttempt, HostEvent
from logonscope.answers.logon_session import LogonSession
from logonscope.answers.session_process import SessionProcess
from logonscope.faces.cli.event_text import event_line

ALICE = LogonSession(
    "41", "alice", 1000, service="sshd", remote_address="203.0.113.7", remote_port=50312,
    authentication_method="publickey", key_fingerprint="SHA256:ab12",
)  # fmt: skip
PYTHON = SessionProcess(
    "41", "audit", 4312, 1, "python3", "alice", 1000, 1000, None, None, None, leftover=None,
    command_line="python3 -m http.server\x1b[2J", executable=None, unread={},
)  # fmt: skip
ATTEMPT = FailedAttempt(
    "sshd", "admin", is_known_user=False, remote_address="2001:db8::1", remote_port=4, remote_host=None,
    method="password", tty=None, by_user=None, command=None, reason=None, attempts=3, pid=9, source="journal",
)  # fmt: skip
CHANGE = ChangedUser(1000, "alice", 0, "root", False, "systemctl", "sudo", "systemctl restart nginx", "kernel")


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        ("LogonStarted", {"session": ALICE},
         "alice logged in from 203.0.113.7:50312 through sshd, publickey SHA256:ab12, LogonId 41"),
        ("LogonStarted", {"session": LogonSession("7", None, 1001, tty="tty1", service="login")},
         "uid 1001 logged in on tty1 through login, LogonId 7"),
        ("LoggedOut", {"session": ALICE}, "alice logged out, LogonId 41"),
        ("LogonEnded", {"session": ALICE}, "alice: the last process ended, LogonId 41"),
        ("LogonFailed", {"attempt": ATTEMPT},
         "admin (no account) failed to log in from [2001:db8::1]:4 through sshd, password, 3 times"),
        ("LogonFailed", {"attempt": ATTEMPT._replace(
            service="sudo", user="root", by_user="alice", is_known_user=True, method=None, attempts=1,
            command="/bin/x")},
         "alice failed to become root through sudo: /bin/x"),
        ("UserChanged", {"change": CHANGE, "process": PYTHON}, "alice: sudo systemctl restart nginx"),
        ("UserChanged", {"change": CHANGE._replace(command=None, through="su"), "process": PYTHON},
         "alice became root through su"),
        ("ProcessStarted", {"process": PYTHON}, "alice: started 4312 python3 -m http.server\ufffd[2J"),
        ("ProcessChanged", {"process": PYTHON, "before": PYTHON}, "alice: 4312 runs python3 -m http.server\ufffd[2J"),
        ("ProcessChanged", {"process": PYTHON, "before": PYTHON._replace(logon_id="9")},
         "alice: 4312 python3 is now of LogonId 41"),
        ("ProcessEnded", {"process": PYTHON, "exit_code": 3}, "alice: ended 4312 python3, exit 3"),
        ("ProcessEnded", {"process": PYTHON, "signal": 9}, "alice: ended 4312 python3, signal 9"),
        ("ProcessEnded", {"process": PYTHON._replace(name=None), "exit_code": 0}, "alice: ended 4312 ?"),
        ("Lost", {"missed": 12}, "12 events were lost"),
        ("Lost", {}, "events were lost"),
    ],
)  # fmt: skip
def test_an_event_is_a_line(name: Any, fields: dict[str, Any], expected: str) -> None:
    event = HostEvent(name, datetime(2026, 1, 31, 13, 2, 11, tzinfo=UTC), None, **fields)
    time, _, text = event_line(event).partition(" ")
    assert text == expected
    assert time.endswith(":02:11")
