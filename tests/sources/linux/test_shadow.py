"""Tests of sources/linux/shadow.py: the state of passwords, held against passwd(1) and chage(1)."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logonscope.machine import AccountQuery, Look
from logonscope.sources.linux.shadow import parse_shadow, password_state
from tests.hosts import HostFolder

TODAY = 20_000
PASSWORDS = {
    "usable": "$y$j9T$salt$hash", "locked": "!$6$salt$hash", "twice": "!!$6$salt$hash", "star": "*", "mark": "!",
    "marks": "!!", "both": "!*", "lk": "*LK*", "none": "", "old": "aaVb8mYvT6Nlw",
}  # fmt: skip
AGES = ["0:99999", "0:90", "5:3", ":", "0:9999", "0:10000", "0:0"]


def read_users(host: HostFolder, *, with_passwords: bool = True) -> dict[str, tuple[object, ...]]:
    """Return password, minimum, maximum and expiry of each account."""
    users, _ = host.source.accounts(Look(), AccountQuery("ALL", with_passwords=with_passwords))
    return {user.name: (user.password, user.password_min_days, user.password_max_days, user.expired) for user in users}


def test_each_state_of_an_account(host: HostFolder) -> None:
    host.write("etc/passwd", "".join(f"{name}:x:{1000 + i}:1::/:\n" for i, name in enumerate("abcdef")))
    host.write(
        "etc/shadow",
        "a:$y$x:19000:0:99999:7:::\nb:!$y$x:19000:1:90:7::1:\nc:*:19000:0:99999:7::999999:\nd::::::::\nd:*:1::::::\n",
    )
    assert read_users(host) == {
        "a": ("usable", 0, 99999, False),
        "b": ("locked", 1, 90, True),
        "c": ("unusable", 0, 99999, False),
        "d": ("none", None, None, False),
        "e": (None, None, None, None),
        "f": (None, None, None, None),
    }


def test_the_file_is_not_read_unless_it_is_requested_and_may_be_missing(host: HostFolder) -> None:
    assert set(read_users(host).values()) == {(None, None, None, None)}
    host.write("etc/shadow", "root:$y$x:19000:0:99999:7:::\n")
    assert set(read_users(host, with_passwords=False).values()) == {(None, None, None, None)}
    assert read_users(host)["root"][0] == "usable"


def test_a_hash_is_nowhere_in_an_account(host: HostFolder) -> None:
    host.write("etc/shadow", "root:$y$SECRET:19000:0:99999:7:::\nbob:!$6$SECRET:1:::::SECRET:SECRET\n")
    users, _ = host.source.accounts(Look(), AccountQuery("ALL", with_passwords=True))
    assert "SECRET" not in repr([tuple(user) for user in users])


def test_lines_of_another_form_are_skipped(host: HostFolder) -> None:
    long_line = b"root:" + b"x" * (1 << 17) + b":1:2:3:4:5:6:7\n"
    host.write("etc/shadow", b"\n+\n:*:1:2:3:4:5:6:\nroot\n\xff\0\n" + long_line + b"root:*:-1:0:90:7:::\n")
    assert read_users(host)["root"] == ("unusable", None, None, False)


@given(st.binary(max_size=80))
def test_any_line_is_parsed_or_refused(line: bytes) -> None:
    try:
        name, state = parse_shadow(line, TODAY)
    except ValueError:
        return
    assert name
    assert set(state) == {"password", "password_min_days", "password_max_days", "expired"}


@pytest.fixture
def shadowed(tmp_path: Path) -> Path:
    """Return a root whose accounts have every password and every age."""
    os.makedirs(tmp_path / "etc")
    names = [f"{name}{index}" for name in PASSWORDS for index in range(len(AGES))]
    # passwd(1) looks up its own user
    root = "root:x:0:0::/:\n"
    (tmp_path / "etc/passwd").write_text(root + "".join(f"{name}:x:{1000 + i}:1::/:\n" for i, name in enumerate(names)))
    (tmp_path / "etc/shadow").write_text(
        "root:*:19000:0:99999:7:::\n"
        + "".join(
            f"{name}{index}:{password}:19000:{age}:7::{'' if index % 2 else TODAY}:\n"
            for name, password in PASSWORDS.items()
            for index, age in enumerate(AGES)
        )
    )
    return tmp_path


def run(root: Path, *words: str) -> str:
    """Return what a tool of shadow(5) prints about the accounts below a root."""
    command = [words[0], "-R", str(root), *words[1:]]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | {"LC_ALL": "C"}).stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="passwd(1) and chage(1) take another root from root only")
def test_passwd_and_chage_say_the_same(shadowed: Path) -> None:
    today = 30_000
    states = dict(parse_shadow(line, today) for line in (shadowed / "etc/shadow").read_bytes().splitlines())
    letters = {"usable": "P", "locked": "L", "unusable": "L", "none": "NP"}
    printed = dict(line.split()[:2] for line in run(shadowed, "passwd", "-S", "-a").splitlines())
    assert printed == {name: letters[state["password"]] for name, state in states.items()}
    for name, state in states.items():
        if not name.startswith("usable"):
            continue
        lines = dict(line.split("\t", 1) for line in run(shadowed, "chage", "-l", name).splitlines())
        expires, account_expires = (lines[key].split(": ")[1] for key in ("Password expires", "Account expires"))
        days = state["password_max_days"]
        assert (expires == "never") is (days is None or days >= 10_000), name
        assert (account_expires == "never") is not state["expired"], name


@pytest.mark.parametrize(("name", "state"), [("twice", "locked"), ("both", "unusable"), ("old", "usable")])
def test_a_prefix_of_a_hash_locks_it(name: str, state: str) -> None:
    assert password_state(PASSWORDS[name].encode()) == state
