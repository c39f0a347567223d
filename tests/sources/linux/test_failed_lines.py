"""Tests of sources/linux/failed_lines.py: lines that Debian 12 and 13 logged, and others like them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.facts import FailedLogon
from logonscope.sources.linux.failed_lines import MAX_CONNECTIONS, FailedLineParser

CERTIFICATE = f"RSA-CERT SHA256:{'k' * 43}"
LINES = {
    # OpenSSH 9.2 and 10.0
    ("sshd", "Failed password for bob from 127.0.0.1 port 59254 ssh2"): FailedLogon(
        "sshd", 7, "bob", True, "127.0.0.1", 59254, method="password"
    ),
    ("sshd-session", "Failed password for invalid user nobody-here from ::1 port 60252 ssh2"): FailedLogon(
        "sshd", 7, "nobody-here", False, "::1", 60252, method="password"
    ),
    (
        "sshd",
        "Failed password for invalid user bob x from 1.2.3.4 port 5 ssh2 from 127.0.0.1 port 4689 ssh2",
    ): FailedLogon(
        "sshd", 7, "bob x from 1.2.3.4 port 5 ssh2", False, "127.0.0.1", 4689, method="password"
    ),
    ("sshd", "Failed password for invalid user bad\\tuser\\n from 192.0.2.1 port 1 ssh2"): FailedLogon(
        "sshd", 7, "bad\tuser\n", False, "192.0.2.1", 1, method="password"
    ),
    ("sshd", f"Failed publickey for bob from 192.0.2.1 port 1 ssh2: ED25519 SHA256:{'k' * 43}"): FailedLogon(
        "sshd", 7, "bob", True, "192.0.2.1", 1, method="publickey"
    ),
    # the id of the certificate looks like a client
    (
        "sshd",
        f"Failed publickey for bob from 192.0.2.1 port 1 ssh2: {CERTIFICATE} ID x from 10.0.0.1 port 2 ssh2: y",
    ): FailedLogon(
        "sshd", 7, None, True, method="publickey"
    ),
    ("sshd-session", "error: PAM: Authentication failure for bob from 127.0.0.1"): FailedLogon(
        "sshd", 7, "bob", True, "127.0.0.1", method="keyboard-interactive/pam", reason="Authentication failure"
    ),
    (
        "sshd",
        "error: PAM: User not known to the underlying authentication module for illegal user x y from 127.0.0.1",
    ): FailedLogon(
        "sshd", 7, "x y", False, "127.0.0.1", method="keyboard-interactive/pam",
        reason="User not known to the underlying authentication module",
    ),
    ("sshd-session", "Connection closed by authenticating user bob 127.0.0.1 port 45742 [preauth]"): FailedLogon(
        "sshd", 7, "bob", True, "127.0.0.1", 45742, reason="closed before authentication"
    ),
    ("sshd", "Disconnected from invalid user a b 192.0.2.1 port 8 [preauth]"): FailedLogon(
        "sshd", 7, "a b", False, "192.0.2.1", 8, reason="closed before authentication"
    ),
    # login of shadow 4.13 (Debian 12) and of util-linux 2.41 (Debian 13)
    ("login", "FAILED LOGIN (1) on '/dev/pts/0' from '198.51.100.7' FOR 'bob', Authentication failure"): FailedLogon(
        "login", 7, "bob", None, "198.51.100.7", method="password", tty="pts/0", reason="Authentication failure"
    ),
    ("login", "FAILED LOGIN (2) on '/dev/tty1' FOR 'UNKNOWN', Authentication failure"): FailedLogon(
        "login", 7, None, False, method="password", tty="tty1", reason="Authentication failure"
    ),
    ("login", "FAILED LOGIN 1 FROM web7.example.net FOR bob, Authentication failure"): FailedLogon(
        "login", 7, "bob", None, remote_host="web7.example.net", method="password", reason="Authentication failure"
    ),
    ("login", "TOO MANY LOGIN TRIES (3) FROM tty1 FOR (unknown), Authentication failure"): FailedLogon(
        "login", 7, None, False, method="password", tty="tty1", reason="Authentication failure"
    ),
    ("su", "FAILED SU (to alice) bob on pts/4"): FailedLogon(
        "su", 7, "alice", True, method="password", tty="pts/4", by_user="bob"
    ),
    (
        "sudo",
        "     bob : 2 incorrect password attempts ; TTY=pts/1 ; PWD=/home/bob ; USER=root ; COMMAND=/usr/bin/id",
    ): FailedLogon(
        "sudo", 7, "root", method="password", tty="pts/1", by_user="bob", command="/usr/bin/id",
        reason="2 incorrect password attempts", attempts=2,
    ),
    (
        "lightdm",
        "pam_unix(lightdm:auth): authentication failure; logname= uid=0 euid=0 tty=:0 ruser= rhost=  user=bob",
    ): FailedLogon(
        "lightdm", 7, "bob", True, method="pam", tty=":0"
    ),
    (
        "vsftpd",
        "pam_unix(vsftpd:auth): authentication failure; logname= uid=0 euid=0 tty=ftp ruser=x rhost=192.0.2.9",
    ): FailedLogon(
        "vsftpd", 7, method="pam", tty="ftp", by_user="x", address="192.0.2.9"
    ),
    (
        "vsftpd",
        "PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ftp ruser= rhost=h.example  user=bob",
    ): FailedLogon(
        "vsftpd", 7, "bob", True, method="pam", tty="ftp", remote_host="h.example", attempts=2
    ),
}  # fmt: skip


@pytest.mark.parametrize(("program", "text"), LINES)
def test_a_refused_attempt(program: str, text: str) -> None:
    assert FailedLineParser().parse(program, 7, text) == LINES[program, text]._replace(line=text)


@pytest.mark.parametrize(("program", "text"), [
    ("sshd", "Accepted password for bob from 127.0.0.1 port 1 ssh2"),
    ("sshd", "Failed none for invalid user bob from 127.0.0.1 port 1 ssh2"),
    ("sshd", "Invalid user bob from 127.0.0.1 port 1"),
    ("sshd", "Failed password for bob from 127.0.0.1 port 1 ssh2\nFailed password for root from 127.0.0.1 port 1 ssh2"),
    ("sshd", "Failed password for \x1b[2J from 127.0.0.1 port 1 ssh2"),
    ("sshd", "Failed password for bob from 127.0.0.1 port 1"),
    ("sshd", "message repeated 2 times: [ Failed password for bob from 127.0.0.1 port 1 ssh2]"),
    ("sshd", f"Failed password for {'b' * 5000} from 127.0.0.1 port 1 ssh2"),
    ("sshd", "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=::1  user=bob"),
    ("logger", "Failed password for bob from 127.0.0.1 port 1 ssh2"),
    ("su", "(to bob) alice on pts/0"),
    ("sudo", "   alice : PWD=/home/alice ; USER=root ; COMMAND=/usr/bin/true"),
    ("sudo", "pam_unix(sudo:auth): authentication failure; logname= uid=1 euid=0 tty= ruser=bob rhost=  user=bob"),
    ("login", "pam_unix(login:auth): check pass; user unknown"),
])  # fmt: skip
def test_other_lines_are_none(program: str, text: str) -> None:
    assert FailedLineParser().parse(program, 7, text) is None


def test_an_attempt_is_counted_once_for_a_connection() -> None:
    parser = FailedLineParser()
    failed = "Failed password for bob from 127.0.0.1 port 1 ssh2"
    closed = "Connection closed by authenticating user bob 127.0.0.1 port 1 [preauth]"
    assert [parser.parse("sshd", 7, text) is not None for text in (failed, failed, closed)] == [True, True, False]
    error = "error: PAM: Authentication failure for illegal user bob from 127.0.0.1"
    failed_by_pam = "Failed keyboard-interactive/pam for invalid user bob from 127.0.0.1 port 1 ssh2"
    by_pam = (error, failed_by_pam, error, error, failed_by_pam, failed_by_pam)
    assert [parser.parse("sshd", 8, text) is not None for text in by_pam] == [True, False, True, True, False, True]
    # the pid is that of another connection now
    assert parser.parse("sshd", 7, closed) is not None
    for pid in range(10, 10 + 2 * MAX_CONNECTIONS):
        parser.parse("sshd", pid, failed)
    assert repr(parser) == f"<FailedLineParser, {MAX_CONNECTIONS} connections>"


@given(
    st.sampled_from(sorted({program for program, _ in LINES})),
    st.sampled_from([text for _, text in LINES]),
    st.text(max_size=30),
    st.integers(0, 80),
)
def test_no_line_makes_it_fail(program: str, text: str, inserted: str, position: int) -> None:
    changed = text[:position] + inserted + text[position:]
    attempt = FailedLineParser().parse(program, 7, changed)
    assert attempt is None or (attempt.line == changed and "\n" not in changed)


@given(st.text(st.characters(codec="ascii", exclude_characters="\x7f", min_codepoint=32), min_size=1, max_size=60))
def test_a_name_that_a_client_chose_moves_no_other_field(name: str) -> None:
    text = f"Failed password for invalid user {name.replace(chr(92), '_')} from 192.0.2.1 port 22 ssh2"
    attempt = FailedLineParser().parse("sshd", 7, text)
    assert attempt is not None
    assert (attempt.address, attempt.port, attempt.is_known_user) == ("192.0.2.1", 22, False)
