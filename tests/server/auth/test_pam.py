"""Tests of server/auth/pam.py: passwords of accounts, checked by a real PAM without opening a session."""

import json
import re
import subprocess
import sys
from typing import Any

import pytest

from logonscope.extras import install_command
from tests.lab.lab import PYTHON, Lab
from tests.lab.systemd import Machine, wait_until

PASSWORD = "correct horse 'battery' stäple"  # noqa: S105 -- a test's
LINES = "auth required pam_unix.so nodelay nullok\naccount required pam_unix.so\n"  # nullok, as Debian has it
PROGRAM = """
import json, os, sys
from logonscope.server.auth.pam import verify
def login(): return [open(f"/proc/self/{name}").read() for name in ("loginuid", "sessionid", "cgroup")]
before = login()
answers = [verify(*words, frozenset(groups)) for *words, groups in json.load(sys.stdin)]
assert login() == before, "the server itself is in a login now"
print(json.dumps(answers))
"""
ADMINISTRATORS = ["sudo", "wheel"]


@pytest.fixture(scope="module")
def accounts(machine: Machine) -> dict[str, int]:
    """Make accounts with passwords, of which one is in the group sudo, and services that are PAM's for us."""
    uids = {name: machine.useradd(name).uid for name in ("carol", "dave", "erin", "frank", "grace")}
    machine.run(["usermod", "-aG", "sudo", "carol"])
    machine.run(["usermod", "-g", "sudo", "grace"])
    machine.run(
        ["chpasswd"], input="".join(f"{name}:{PASSWORD}\n" for name in ("root", "carol", "dave", "erin", "grace"))
    )
    machine.run(["chage", "--expiredate", "0", "erin"])
    machine.run(["passwd", "--delete", "frank"])
    service(machine, "logonscope", LINES)
    return uids


def service(machine: Machine, name: str, lines: str) -> None:
    machine.run(["tee", f"/etc/pam.d/{name}"], input=lines)


def asked(machine: Machine, *questions: tuple[str, str], name: str = "logonscope", groups: Any = ADMINISTRATORS) -> Any:
    """Ask the product inside, in one process, and return the name, uid and rights of callers as lists."""
    given = json.dumps([[*question, name, list(groups)] for question in questions])
    return names_and_rights(json.loads(machine.run([PYTHON, "-c", PROGRAM], input=given).stdout))


def names_and_rights(callers: Any) -> Any:
    return [caller and caller[:3] for caller in callers]


def admitted(machine: Machine, name: str, *accounts: str) -> Any:
    program = """
import json, sys
from logonscope.server.auth.pam import admit
print(json.dumps([admit(*question) for question in json.load(sys.stdin)]))
"""
    given = json.dumps([(account, name) for account in accounts])
    return names_and_rights(json.loads(machine.run([PYTHON, "-c", program], input=given).stdout))


def test_accounts_authenticate_by_their_passwords(lab: Lab, accounts: dict[str, int]) -> None:
    assert asked(lab.machine, ("carol", PASSWORD), ("dave", PASSWORD), ("grace", PASSWORD), ("root", PASSWORD)) == [
        ["carol", accounts["carol"], True],  # by a supplementary group
        ["dave", accounts["dave"], False],
        ["grace", accounts["grace"], True],  # by its primary group
        ["root", 0, True],
    ]


def test_the_setting_names_the_groups_of_administrators(lab: Lab, accounts: dict[str, int]) -> None:
    answers = asked(
        lab.machine, ("carol", PASSWORD), ("dave", PASSWORD), ("root", PASSWORD), groups=["dave", "nothing"]
    )
    assert [answer[2] for answer in answers] == [False, True, True]
    assert accounts


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("dave", f"{PASSWORD}."),
        ("dave", PASSWORD[:-1]),
        ("dave", ""),
        ("dave", f"{PASSWORD}\0and more"),
        ("dave", "x" * 513),
        ("dave", "\ud800"),
        ("Dave", PASSWORD),
        ("dave\0", PASSWORD),
        ("dave\n", PASSWORD),
        ("\ud800", PASSWORD),
        ("", PASSWORD),
        ("x" * 257, PASSWORD),
        ("nobody-of-that-name", PASSWORD),
        ("erin", PASSWORD),  # has expired
        ("frank", ""),  # has no password
        ("frank", "any"),
        ("bob", PASSWORD),  # is locked
    ],
)
def test_no_other_user_can_authenticate(lab: Lab, accounts: dict[str, int], name: str, password: str) -> None:
    assert asked(lab.machine, (name, password)) == [None]
    assert accounts


def test_a_service_that_is_not_there_is_the_other_one_as_pam_has_it(lab: Lab, accounts: dict[str, int]) -> None:
    service(lab.machine, "other", "auth required pam_deny.so\naccount required pam_deny.so\n")
    assert asked(lab.machine, ("dave", PASSWORD), name="not-there") == [None]
    assert accounts


def test_a_user_of_pam_without_an_account_is_rejected(lab: Lab) -> None:
    service(lab.machine, "permissive", "auth required pam_permit.so\naccount required pam_permit.so\n")
    answers = asked(lab.machine, ("dave", "anything"), ("nobody-of-that-name", "anything"), name="permissive")
    assert [answer and answer[0] for answer in answers] == ["dave", None]


def test_the_account_lines_are_followed(lab: Lab, accounts: dict[str, int]) -> None:
    service(lab.machine, "closed", "auth required pam_unix.so nodelay\naccount required pam_deny.so\n")
    assert asked(lab.machine, ("dave", PASSWORD), name="closed") == [None]
    assert accounts


def test_whom_a_ticket_has_proved_needs_no_password_but_has_to_be_let_in(lab: Lab, accounts: dict[str, int]) -> None:
    names = ("carol", "frank", "bob", "erin", "nobody-of-that-name", "Carol", "carol\0", "\ud800", "", "x" * 257)
    answers = admitted(lab.machine, "logonscope", *names)
    assert answers[:2] == [["carol", accounts["carol"], True], ["frank", accounts["frank"], False]]
    assert answers[2] == ["bob", lab.bob.uid, False]  # has no password that any user knows
    assert answers[3:] == [None] * 7  # erin has expired
    service(lab.machine, "closed", "auth required pam_permit.so\naccount required pam_deny.so\n")
    assert admitted(lab.machine, "closed", "carol") == [None]


def test_one_prompt_is_answered_and_a_second_is_not(lab: Lab, accounts: dict[str, int]) -> None:
    prompts = "auth required pam_ftp.so users=dave\n"  # takes any password, and always asks for it
    for times, answer in ((1, ["dave", accounts["dave"], False]), (2, None)):
        service(lab.machine, "prompts", f"{prompts * times}account required pam_unix.so\n")
        assert asked(lab.machine, ("dave", PASSWORD), name="prompts") == [answer]


def test_no_session_is_opened_and_no_credentials_are_set(lab: Lab, accounts: dict[str, int]) -> None:
    warn = "".join(f"{kind} optional pam_warn.so\n" for kind in ("auth", "account", "session"))
    service(lab.machine, "whole", f"{LINES}{warn}session required pam_loginuid.so\n")
    assert asked(lab.machine, ("dave", PASSWORD), name="whole") == [["dave", accounts["dave"], False]]
    journal = wait_until(lambda: found(lab.machine, r"function=\[(\w+)\] flags=\w+ service=\[whole\]", "acct_mgmt"))
    assert journal == ["pam_sm_authenticate", "pam_sm_acct_mgmt"]
    assert lab.logins() == {}


def test_the_password_is_in_no_log(lab: Lab, accounts: dict[str, int]) -> None:
    asked(lab.machine, ("dave", PASSWORD), ("dave", f"{PASSWORD}."), ("the-last-one", PASSWORD))
    assert wait_until(lambda: found(lab.machine, r"(check pass; user unknown)", "unknown"))
    assert found(lab.machine, "(battery)", "") == []
    assert accounts


def found(machine: Machine, pattern: str, last: str) -> list[str]:
    """Return what the journal has of a pattern, once it has the last."""
    journal = re.findall(pattern, machine.run(["journalctl", "--no-pager", "--output=cat"]).stdout)
    return journal if any(last in match for match in journal) else []


def test_many_threads_ask_at_once(lab: Lab, accounts: dict[str, int]) -> None:
    program = """
import sys
from concurrent.futures import ThreadPoolExecutor
from logonscope.server.auth.pam import verify
password = sys.stdin.read()
def ask(number):
    name = ("carol", "dave", "nobody-of-that-name")[number % 3]
    caller = verify(name, password, "logonscope")
    return (caller and caller.name) == (None if name.startswith("nobody") else name)
with ThreadPoolExecutor(8) as pool:
    assert all(pool.map(ask, range(60)))
"""
    lab.machine.run([PYTHON, "-c", program], input=PASSWORD)
    assert accounts


@pytest.mark.parametrize(
    "lacks",
    ["import sys; sys.modules['pamela'] = None", "import ctypes.util; ctypes.util.find_library = lambda _: None"],
)
def test_without_pam_it_says_so(lacks: str) -> None:
    program = f"{lacks}\ntry:\n    import logonscope.server.auth.pam\nexcept Exception as error:\n    print(error)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == f"PAM is not available; install libpam, and run {install_command('server')}\n"
