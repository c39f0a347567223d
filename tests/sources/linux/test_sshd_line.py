"""Tests of sources/linux/sshd_line.py: a line is read as sshd writes it, and never as an account name forges it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.sources.linux.sshd_line import MAX_LINE_LENGTH, AcceptedLine, parse_accepted

KEY = "SHA256:" + "k" * 43
AUTHORITY = "SHA256:" + "C" * 43
END = "from 203.0.113.7 port 51234 ssh2"
ALICE = AcceptedLine("publickey", "alice", "203.0.113.7", 51234)

TABLE = [
    (f"Accepted password for alice {END}", ALICE._replace(method="password")),
    (f"Accepted keyboard-interactive/pam for alice {END}", ALICE._replace(method="keyboard-interactive/pam")),
    (f"Accepted publickey for alice {END}: ED25519 {KEY}", ALICE._replace(key_type="ED25519", fingerprint=KEY)),
    (f"Accepted publickey for alice {END}: ECDSA-SK {KEY}", ALICE._replace(key_type="ECDSA-SK", fingerprint=KEY)),
    # FingerprintHash md5
    (
        f"Accepted publickey for alice {END}: RSA MD5:{':'.join(['0a'] * 16)}",
        ALICE._replace(key_type="RSA", fingerprint="MD5:" + ":".join(["0a"] * 16)),
    ),
    (
        f"Accepted publickey for alice {END}: ED25519-CERT {KEY} ID alice@example (serial 7) CA RSA {AUTHORITY}",
        ALICE._replace(
            key_type="ED25519-CERT", fingerprint=KEY, certificate_id="alice@example", certificate_serial=7,
            authority=AUTHORITY,
        ),
    ),
    # sshd cuts its messages at 1,024 bytes: what is left of the certificate is no certificate
    (
        f"Accepted publickey for alice {END}: RSA-CERT {KEY} ID {'x' * 900} (seri",
        ALICE._replace(key_type="RSA-CERT", fingerprint=KEY),
    ),
    (
        f'Accepted hostbased for alice {END}: RSA {KEY}, client user "bob", client host "web2"',
        ALICE._replace(method="hostbased", key_type="RSA", fingerprint=KEY),
    ),
    (f"Accepted gssapi-with-mic for alice {END}: alice@EXAMPLE", ALICE._replace(method="gssapi-with-mic")),
    (f"Accepted publickey for D\\\\alice {END}: RSA {KEY[:-1]}", ALICE._replace(user="D\\alice")),
    (
        "Accepted password for alice from fe80::1%eth0 port 1 ssh2",
        AcceptedLine("password", "alice", "fe80::1%eth0", 1),
    ),
    # a newline in an account name, as sshd escapes it
    (f"Accepted password for a\\nb {END}", AcceptedLine("password", "a\nb", "203.0.113.7", 51234)),
]  # fmt: skip

OTHERS = [
    f"Failed password for alice {END}",
    f"Failed password for invalid user Accepted publickey for alice {END}",
    f"accepted password for alice {END}",
    f" Accepted password for alice {END}",
    f"Accepted password for alice {END} extra",
    "Accepted password for alice from 203.0.113.7 port 70000 ssh2",
    f"Accepted password for {END}",
    f"Accepted password for alice {END}\nAccepted publickey for bob {END}",
    f"Accepted password for {'x' * MAX_LINE_LENGTH} {END}",
    "",
]


@pytest.mark.parametrize(("text", "line"), TABLE)
def test_every_form_of_the_line(text: str, line: AcceptedLine) -> None:
    assert parse_accepted(text) == (line,)


@pytest.mark.parametrize("text", OTHERS)
def test_other_lines_are_not_read(text: str) -> None:
    assert parse_accepted(text) == ()


def test_an_account_name_or_certificate_that_looks_like_the_end_of_a_line_is_ambiguous() -> None:
    name = "x from 192.0.2.1 port 5 ssh2: RSA " + AUTHORITY
    ways = parse_accepted(f"Accepted publickey for {name} {END}: ED25519 {KEY}")
    assert [(way.user, way.address, way.fingerprint) for way in ways] == [
        ("x", "192.0.2.1", AUTHORITY),
        (name, "203.0.113.7", KEY),
    ]
    identity = f"i from 192.0.2.1 port 5 ssh2: RSA {AUTHORITY}"
    text = f"Accepted publickey for alice {END}: RSA-CERT {KEY} ID {identity} (serial 1) CA RSA {AUTHORITY}"
    assert [(way.user == "alice", way.certificate_id) for way in parse_accepted(text)] == [
        (True, identity),
        (False, None),
    ]


def test_a_certificate_id_cannot_choose_the_serial_number() -> None:
    identity = f"i (serial 9) CA RSA {KEY}"
    text = f"Accepted publickey for alice {END}: RSA-CERT {KEY} ID {identity} (serial 1) CA RSA {AUTHORITY}"
    (way,) = parse_accepted(text)
    assert (way.certificate_id, way.certificate_serial, way.authority) == (identity, 1, AUTHORITY)


visible = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=60)
forgeries = st.sampled_from([f" {END}", f" {END}: RSA {KEY}", "Accepted publickey for bob", " ID x (serial 1) CA RSA "])
names = st.lists(visible | forgeries, min_size=1, max_size=4).map("".join)


def escape(text: str) -> str:
    """Escape a backslash as sshd's log does (strnvis of OpenBSD)."""
    return text.replace("\\", "\\\\")


@given(names, names, st.integers(0, 65535), st.integers(0, (1 << 64) - 1))
def test_one_of_the_ways_is_always_the_right_one(user: str, identity: str, port: int, serial: int) -> None:
    user = user.lstrip(" ") or "x"
    text = (
        f"Accepted publickey for {escape(user)} from 203.0.113.7 port {port} ssh2: RSA-CERT {KEY}"
        f" ID {escape(identity)} (serial {serial}) CA RSA {AUTHORITY}"
    )
    right = AcceptedLine("publickey", user, "203.0.113.7", port, "RSA-CERT", KEY, identity, serial, AUTHORITY)
    ways = parse_accepted(text)
    assert right in ways
    # the account that logged in chooses the way: no other way has its name
    assert [way for way in ways if way.user == user] == [right]


@given(st.text(max_size=300) | names.map(lambda text: f"Accepted publickey for {text}"))
def test_no_text_makes_it_fail(text: str) -> None:
    for way in parse_accepted(text):
        assert 0 <= way.port < 65536
        assert way.certificate_serial is None or way.authority is not None
