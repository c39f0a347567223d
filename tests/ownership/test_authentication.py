"""Tests of ownership/authentication.py: the line about a login, among those of other logins and forged ones."""

import pytest

from logonscope.answers.logon_session import LogonSession
from logonscope.facts import Authentication
from logonscope.machine import Leader
from logonscope.ownership.authentication import MAX_TICKS_BEFORE, TOLERANCE, find_line, with_authentication

SESSION = LogonSession("41", user="alice", remote_host="203.0.113.7", remote_address="203.0.113.7")
LEADER = Leader(300, 100, start=5000, recorded_at=5100)
KEY = "SHA256:" + "k" * 43
LINE = Authentication(
    300, 5050, 5051, "publickey", "alice", "203.0.113.7", 51234, "ED25519", KEY, source="journal", is_trusted=True,
    number=10,
)  # fmt: skip
UNTRUSTED = LINE._replace(is_trusted=False, source="/var/log/auth.log, unauthenticated")


@pytest.mark.parametrize(
    ("method", "package"),
    [
        ("publickey", "PublicKey"), ("password", "PAM"), ("keyboard-interactive/pam", "PAM"),
        ("gssapi-with-mic", "Kerberos"), ("gssapi-keyex", "Kerberos"), ("hostbased", "HostBased"), ("none", None),
    ],
)  # fmt: skip
def test_packages(method: str, package: str | None) -> None:
    session = with_authentication(SESSION, LEADER, [LINE._replace(method=method)])
    assert (session.authentication_method, session.authentication_package) == (method, package)
    assert (session.key_fingerprint, session.authentication_source) == (KEY, "journal")


@pytest.mark.parametrize(
    "lines",
    [
        [LINE],
        # of the same pid, before this leader started, and after the login
        [LINE._replace(earliest=4000, latest=4001, number=1, fingerprint="x"), LINE],
        [LINE, LINE._replace(number=11, fingerprint="x")],
        [LINE._replace(pid=301, number=1, fingerprint="x"), LINE],
        # two ways to read one line: the account that logged in decides
        [LINE._replace(user="alice from 192.0.2.1", fingerprint="x"), LINE],
        # in auth.log: the first that fits
        [UNTRUSTED._replace(user="bob", number=5, fingerprint="x"), UNTRUSTED],
        [UNTRUSTED, UNTRUSTED._replace(number=12, fingerprint="x")],
        [UNTRUSTED._replace(address="192.0.2.1", number=1, fingerprint="x"), UNTRUSTED],
    ],
)  # fmt: skip
def test_the_line_about_the_login(lines: list[Authentication]) -> None:
    line = find_line(SESSION, LEADER, lines)
    assert line is not None
    assert line.fingerprint == KEY


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [LINE._replace(earliest=4000, latest=4999)],
        [LINE._replace(earliest=5101 + TOLERANCE, latest=9999)],
        [LINE._replace(pid=100, address="192.0.2.1")],
        # neither way to read it fits, or both do
        [LINE._replace(user="a"), LINE._replace(user="b")],
        [LINE, LINE._replace(fingerprint="x")],
        [UNTRUSTED._replace(user="bob")],
        [UNTRUSTED._replace(address="192.0.2.1")],
    ],
)
def test_never_a_guess(lines: list[Authentication]) -> None:
    assert find_line(SESSION, LEADER, lines) is None
    session = with_authentication(SESSION, LEADER, lines)
    assert session._replace(sources={}) == SESSION


def test_another_name_of_the_account_is_accepted_from_the_leader_itself() -> None:
    assert find_line(SESSION, LEADER, [LINE._replace(user="EXAMPLE\\alice")]) is not None
    assert find_line(SESSION._replace(user=None), LEADER, [LINE]) == LINE


def test_the_parent_of_the_leader_counts_where_it_names_the_same_client() -> None:
    line = LINE._replace(pid=100)
    assert find_line(SESSION, LEADER, [line]) == line
    assert find_line(SESSION._replace(remote_port=1), LEADER, [line]) is None


def test_of_a_leader_that_has_ended_the_fitting_line_closest_to_the_record_counts() -> None:
    gone = Leader(300, recorded_at=5100)
    older = LINE._replace(number=1, fingerprint="x")
    assert find_line(SESSION, gone, [older, LINE, LINE._replace(user="bob", number=11)]) == LINE
    reused = LINE._replace(earliest=5300, latest=5301, number=12, fingerprint="x")
    earlier = LINE._replace(earliest=5000, latest=5001, number=2, fingerprint="x")
    assert find_line(SESSION, gone, [earlier, LINE, reused]) == LINE
    delayed = LINE._replace(earliest=5101, latest=5102)
    assert find_line(SESSION, gone, [delayed, reused]) == delayed
    late = 5100 + MAX_TICKS_BEFORE * 2
    assert find_line(SESSION, Leader(300, recorded_at=late), [LINE]) is None
    assert find_line(SESSION, Leader(300), [LINE]) is None
    assert find_line(SESSION, gone, [LINE._replace(user="EXAMPLE\\alice")]) is None
